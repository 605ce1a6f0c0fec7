"""Any sequence of presses, stops and kills: what is frozen stays, what is shown is what is used, and nothing is left over."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import differing, snapshot, tiny_setup
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tlgui.core import commands, events
from tlgui.core.run_spec import FirstAnswer
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.fit import Loop
from tlgui.engine.live import Live
from tlgui.engine.setup import Outcome, Setup
from tlgui.gui.run_model import RunModel

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]

NAMES = ["stem", "middle", "top", "head"]
RUNS: list[dict[str, Any]] = [
    {"strategy": "feature-extraction", "views": 2},
    {"strategy": "fine-tune-top", "ema": 0.9, "imbalance": "balanced-sampling", "warm_start": True},
    {"strategy": "progressive-unfreezing", "plateau": 1, "views": 2},
    {"strategy": "full-fine-tuning", "mixup": 0.3},
    {"strategy": "feature-extraction", "unfreeze_at": [1, 2]},
    {"strategy": "from-scratch"},
]
ANSWER = FirstAnswer(accuracy=0.5, low=0.4, high=0.6, images=40, folds=5)
groups = st.integers(1, 4)
one_command = st.one_of(
    st.builds(commands.Unfreeze, groups=groups),
    st.builds(commands.Freeze, groups=groups),
    st.builds(commands.Undo),
    st.builds(commands.SetLearningRate, group=st.sampled_from([*NAMES, "nothing"]), rate=st.sampled_from([1e-4, 0.02])),
    st.builds(commands.PlanMove, kind=st.sampled_from(["unfreeze", "freeze"]), groups=groups),
    st.builds(commands.Extend, epochs=st.just(1)),
)


class Machine(RuleBasedStateMachine):
    """One run, from its first press to its end, with all its sittings."""

    data: ClassVar[Path]
    folder: ClassVar[Path]
    count: ClassVar[int] = 0

    @initialize(number=st.integers(0, len(RUNS) - 1))
    def begin(self, number: int) -> None:
        Machine.count += 1
        self.path = self.folder / str(Machine.count)
        self.training = RUNS[number] | {"epochs": 3, "batch_size": 9, "top_learning_rate": 0.01, "trial_epochs": 1}
        self.shown: list[str] = []
        self.undo_step: int | None = None
        self.frozen: dict[int, dict[str, torch.Tensor]] = {}
        self.journal: list[events.Event] = []
        self.sit_down()

    def sit_down(self, more_epochs: int = 0) -> None:
        setup: Setup = tiny_setup(self.data, self.path, interval_s=0.05, **self.training)
        setup.first_answer = ANSWER
        setup.resume, setup.more_epochs = setup.checkpoints.exists, more_epochs
        self.setup, self.live = setup, Live(setup)
        epochs = setup.checkpoints.place().epochs if setup.resume else setup.training.epochs or 0
        self.journal.append(
            events.RunStarted(
                run="run",
                backbone="tiny",
                strategy=setup.training.strategy,
                classes=["a", "b", "c"],
                train_images=len(setup.train),
                validation_images=len(setup.validation),
                test_images=0,
                epochs=epochs,
                seed=0,
            )
        )
        self.run: Generator[events.Event, None, Outcome] | None = Loop(self.live).run()
        self.frozen.clear()
        self.go()

    def go(self, batches: int = 1) -> None:
        """Goes on until so many batches have ended, or the run has."""
        while self.run is not None and batches:
            try:
                event = next(self.run)
            except StopIteration:
                self.run = None
                return
            assert events.decode(events.encode(event)) == event
            self.journal.append(event)
            self.look(event)
            batches -= isinstance(event, events.BatchEnded)

    def look(self, event: events.Event) -> None:
        network, place = self.live.network, self.live.place
        match event:
            case events.LayersChanged():
                self.shown = [group.name for group in event.groups if group.trainable]
                self.undo_step = event.undo_step
                peaks = {NAMES.index(g.name): g.learning_rate for g in event.groups if g.trainable}
                assert peaks == self.live.optimizer.peaks
                assert self.shown == [NAMES[i] for i in range(len(NAMES)) if i >= place.first]
                assert self.undo_step == (place.moves[-1].step if place.moves else None)
            case events.BatchEnded():
                used = {NAMES[group["layer"]]: group["lr"] for group in self.live.optimizer.torch.param_groups}
                assert event.learning_rates == used
                assert list(used) == self.shown, "what was said of layers is not what trains"
            case events.Undone():
                self.frozen.clear()
        self.check_frozen()
        assert len(network) == len(NAMES)

    def check_frozen(self) -> None:
        network, first = self.live.network, self.live.place.first
        for index in range(len(NAMES)):
            if index >= first:
                self.frozen.pop(index, None)
                continue
            now = snapshot(network, index, index + 1)
            assert differing(self.frozen.setdefault(index, now), now) == [], f"{NAMES[index]} is frozen and moved"
            assert all(p.grad is None and not p.requires_grad for p in network.parameters(index))

    @invariant()
    def each_parameter_that_trains_is_in_the_optimizer_once(self) -> None:
        if not hasattr(self, "live"):
            return
        inside = [id(parameter) for parameter in self.live.optimizer.parameters()]
        assert len(inside) == len(set(inside))
        assert set(inside) == {id(p) for p in self.live.network.model.parameters() if p.requires_grad}
        assert set(map(id, self.live.optimizer.torch.state)) <= set(inside)

    @invariant()
    def the_disk_holds_what_is_referred_to_and_nothing_else(self) -> None:
        if not hasattr(self, "live"):
            return
        names = {path.name.removesuffix(".safetensors") for path in (self.path / "checkpoints").iterdir()}
        moves = {move.snapshot for move in self.live.place.moves}
        assert moves <= names <= {"best", "last"} | moves | {f"{move}-best" for move in moves}
        assert len(moves) <= 3

    @invariant()
    def what_was_said_replays_to_the_state_that_is_there(self) -> None:
        if not hasattr(self, "live"):
            return
        seen, place = RunModel.replay(self.journal), self.live.place
        assert [event.epoch for event in seen.epochs if event.epoch] == list(range(1, place.epoch + 1))
        assert (seen.best_epoch, seen.epochs_planned) == (place.best_epoch, place.epochs)
        assert [group.name for group in seen.groups if group.trainable] == NAMES[place.first :]
        assert seen.undo_step == (place.moves[-1].step if place.moves else None)
        steps = [move.step for move in seen.history.moves]
        assert steps[len(steps) - len(place.moves) :] == [move.step for move in place.moves]

    @rule(batches=st.integers(1, 6))
    def train(self, batches: int) -> None:
        self.go(batches)

    @precondition(lambda self: self.run is not None)
    @rule(
        move=st.one_of(st.builds(commands.Unfreeze, groups=groups), st.builds(commands.Freeze, groups=groups)),
        batches=st.integers(1, 9),
    )
    def move_the_border(self, move: commands.AnyCommand, batches: int) -> None:
        self.setup.control.put(move)
        self.go(batches)

    @precondition(lambda self: self.run is not None and self.undo_step is not None)
    @rule(batches=st.integers(1, 9))
    def undo(self, batches: int) -> None:
        self.setup.control.put(commands.Undo())
        self.go(batches)

    @rule(pressed=st.lists(one_command, min_size=1, max_size=3), paused=st.booleans())
    def press(self, pressed: list[Any], paused: bool) -> None:
        if self.run is None:
            return
        for command in [commands.Pause(), *pressed, commands.Continue()] if paused else pressed:
            self.setup.control.put(command)
        self.go()

    @rule()
    def kill_and_go_on(self) -> None:
        if self.run is not None:
            self.run.close()
            self.sit_down()

    @rule()
    def stop_and_go_on(self) -> None:
        self.setup.control.put(commands.Stop())
        while self.run is not None:
            self.go()
        finished = self.live.place.epoch >= self.live.place.epochs or self.live.place.stopped_early
        self.sit_down(more_epochs=1 if finished else 0)

    def teardown(self) -> None:
        if hasattr(self, "run"):
            while self.run is not None:
                self.go()
            place = self.setup.checkpoints.load().place
            assert (
                place == self.live.place
                and (place.best_epoch is not None) == (self.path / "checkpoints/best.safetensors").is_file()
            )


def test_any_sequence_of_presses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    # Saved after every other batch, so that a kill costs something or nothing, and the same in each run of this test.
    asked = itertools.count()
    monkeypatch.setattr(Checkpoints, "due", property(lambda self: next(asked) % 2 == 0))
    Machine.data = write_dataset(tmp_path / "d", {"a": 20, "b": 20, "c": 16}, size=24)
    Machine.folder = tmp_path
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=18,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
