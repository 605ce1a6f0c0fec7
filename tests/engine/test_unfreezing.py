"""Commands between two batches: layers freed and frozen again, pause, stop, more epochs, an owner that is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import differing, finish, snapshot, tiny_setup

from tlgui.core import commands, events
from tlgui.engine import cache
from tlgui.engine import live as live_module
from tlgui.engine.clock import Clock
from tlgui.engine.control import OwnerGoneError
from tlgui.engine.network import Network
from tlgui.engine.param_groups import LayerOptimizer
from tlgui.engine.setup import Setup

GROUPS = ["stem", "middle", "top", "head"]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("unfreezing") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture
def optimizers(monkeypatch: pytest.MonkeyPatch) -> list[LayerOptimizer]:
    """Every optimizer that a run makes, in order; those of copies beside it are left out."""
    made: list[LayerOptimizer] = []
    networks: list[object] = []

    class Recorded(LayerOptimizer):
        def __init__(self, *args: object, **named: object) -> None:
            super().__init__(*args, **named)  # type: ignore[arg-type]
            networks.append(args[0])
            if args[0] is networks[0]:
                made.append(self)

    monkeypatch.setattr(live_module, "LayerOptimizer", Recorded)
    return made


def at(step: int, *sent: commands.Command) -> Callable[[Setup], Callable[[events.Event], None]]:
    """Sends commands when the batch of that step has ended."""

    def bind(setup: Setup) -> Callable[[events.Event], None]:
        def on_event(event: events.Event) -> None:
            if isinstance(event, events.BatchEnded) and event.step == step:
                for command in sent:
                    setup.control.put(command)  # type: ignore[arg-type]

        return on_event

    return bind


def changes(said: list[events.Event]) -> list[events.LayersChanged]:
    return [event for event in said if isinstance(event, events.LayersChanged)]


def notices(said: list[events.Event]) -> list[str]:
    return [event.message for event in said if isinstance(event, events.Notice)]


def steps(said: list[events.Event]) -> list[int]:
    return [event.step for event in said if isinstance(event, events.BatchEnded)]


def assert_each_trainable_once(optimizer: LayerOptimizer, network: Network) -> None:
    inside = [id(parameter) for parameter in optimizer.parameters()]
    trainable = [id(parameter) for parameter in network.model.parameters() if parameter.requires_grad]
    assert len(inside) == len(set(inside))
    assert set(inside) == set(trainable)
    assert set(map(id, optimizer.torch.state)) <= set(inside)


@pytest.mark.parametrize("batch_size", [8, 32])
def test_unfreezing_trains_the_group_and_nothing_below(
    batch_size: int, data: Path, tmp_path: Path, optimizers: list[LayerOptimizer]
) -> None:
    """T05: after `Unfreeze` the group's weights change; those below stay equal bit for bit, buffers too (T03)."""
    setup = tiny_setup(data, tmp_path / "run", batch_size=batch_size, epochs=3, top_learning_rate=0.01)
    network = setup.network
    start = snapshot(network)
    at_command: dict[str, torch.Tensor] = {}
    moments: dict[int, torch.Tensor] = {}

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 1:
            at_command.update(snapshot(network))
            moments.update({id(p): s["exp_avg"].clone() for p, s in optimizers[0].torch.state.items()})
            setup.control.put(commands.Unfreeze())
        if isinstance(event, events.LayersChanged) and event.reason == "unfreeze":
            # The state of the head, which stays, is kept; the new group has none yet.
            kept = optimizers[-1].torch.state
            assert {id(p) for p in kept} == moments.keys() == {id(p) for p in network.parameters(3)}
            assert all(torch.equal(kept[p]["exp_avg"], moments[id(p)]) for p in network.parameters(3))
        if optimizers:
            assert_each_trainable_once(optimizers[-1], network)

    said, outcome = finish(setup, on_event)
    below = {name for name in start if not name.startswith(("conv3", "norm3", "fc"))}
    assert differing(start, at_command) == ["fc.weight", "fc.bias"]
    changed = set(differing(start, snapshot(network)))
    assert not changed & below
    assert changed >= {"conv3.weight", "conv3.bias", "norm3.weight", "norm3.bias", "fc.weight", "fc.bias"}
    first, second = changes(said)
    assert (first.reason, first.step, first.trainable_parameters) == ("start", 0, 51)
    assert (second.reason, second.step, second.trainable_parameters) == ("unfreeze", 1, 1827)
    assert [group.trainable for group in second.groups] == [False, False, True, True]
    assert outcome.lowest == 2


def test_unfreezing_again_and_beyond_the_stem_adds_nothing_twice(
    data: Path, tmp_path: Path, optimizers: list[LayerOptimizer]
) -> None:
    """T06."""
    setup = tiny_setup(data, tmp_path / "run", epochs=2)
    sent = {1: [commands.Unfreeze()], 2: [commands.Unfreeze(groups=9)], 3: [commands.Unfreeze(), commands.Unfreeze()]}

    def on_event(event: events.Event) -> None:
        for command in sent.pop(event.step, []) if isinstance(event, events.BatchEnded) else []:
            setup.control.put(command)
        assert_each_trainable_once(optimizers[-1], setup.network)

    said, _ = finish(setup, on_event)
    assert [change.trainable_parameters for change in changes(said)] == [51, 1827, 2967]
    judged = "The unfreezing of top is not judged: another move came before its verdict."
    assert notices(said) == [judged, *["Every layer group trains already."] * 2]
    assert len(optimizers) == 3


def test_freezing_beyond_the_head_is_refused_in_words(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=1)
    said, _ = finish(setup, at(1, commands.Freeze())(setup))
    assert notices(said) == ["Only the head trains; it cannot be frozen."]
    assert len(changes(said)) == 1


def test_a_group_that_is_frozen_again_stays_and_its_state_is_dropped(
    data: Path, tmp_path: Path, optimizers: list[LayerOptimizer]
) -> None:
    """T08: neither momentum nor decay nor a gradient of zeros moves it."""
    setup = tiny_setup(
        data, tmp_path / "run", strategy="full-fine-tuning", epochs=4, top_learning_rate=0.01, weight_decay=0.5
    )
    network = setup.network
    frozen: dict[str, torch.Tensor] = {}

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 4:
            setup.control.put(commands.Freeze(groups=2))
        if isinstance(event, events.LayersChanged) and event.reason == "freeze":
            frozen.update(snapshot(network, 0, 2))
        if frozen:
            assert all(parameter.grad is None for index in (0, 1) for parameter in network.parameters(index))
            assert not {id(p) for p in optimizers[-1].torch.state} & {
                id(p) for index in (0, 1) for p in network.parameters(index)
            }
            assert_each_trainable_once(optimizers[-1], network)

    top = snapshot(network, 2)
    said, outcome = finish(setup, on_event)
    assert frozen and differing(frozen, snapshot(network, 0, 2)) == []
    assert "conv3.weight" in differing(top, snapshot(network, 2))
    assert [change.trainable_parameters for change in changes(said)] == [2967, 1827]
    assert outcome.lowest == 0  # the stem has trained, whatever is frozen now


def test_frozen_again_and_free_again_the_cache_never_serves_old_activations(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same commands with and without a cache give the same numbers."""

    def losses(caching: bool, name: str) -> list[float | None]:
        # One view, so that the numbers of views with and without a cache do not differ.
        setup = tiny_setup(
            data, tmp_path / name, caching=caching, epochs=5, augmentation="off", top_learning_rate=0.01, batch_size=8
        )
        sent = {
            3: commands.Unfreeze(groups=2),
            8: commands.Freeze(groups=2),
            12: commands.Unfreeze(),
            17: commands.Freeze(),
        }

        def on_event(event: events.Event) -> None:
            if isinstance(event, events.BatchEnded) and event.step in sent:
                setup.control.put(sent[event.step])

        said, _ = finish(setup, on_event)
        assert len(changes(said)) == 5
        return [event.validation_loss for event in said if isinstance(event, events.EpochEnded)]

    # Both ways compute the trunk in equal chunks; a last bit may differ where another cut splits the work.
    with_cache = losses(True, "cached")
    monkeypatch.setattr(cache, "budget_bytes", lambda: 0)
    for cached, fresh in zip(with_cache, losses(False, "fresh"), strict=True):
        assert cached == pytest.approx(fresh, rel=1e-5)


def test_activations_too_large_for_the_disk_are_not_kept_after_unfreezing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=3, top_learning_rate=0.01, batch_size=8)
    monkeypatch.setattr(cache, "budget_bytes", lambda: 50_000)
    said, _ = finish(setup, at(2, commands.Unfreeze(groups=2))(setup))
    (notice,) = [event for event in said if isinstance(event, events.Notice)]
    assert notice.code == "cache_too_large" and "computed anew in each epoch" in notice.message
    assert not setup.frozen.caching
    place = setup.checkpoints.place()
    assert not place.caching  # a run that goes on does the same, whatever the disk holds then


def test_commands_that_come_during_validation_wait_for_its_end(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=2)
    inner = setup.frozen.activations

    def validating(part: object, indices: list[int], view: int, cut: int) -> torch.Tensor:
        if part is setup.validation and not sent:
            sent.append(True)
            setup.control.put(commands.Unfreeze())
        return inner(part, indices, view, cut)  # type: ignore[arg-type]

    sent: list[bool] = []
    setup.frozen.activations = validating  # type: ignore[method-assign, assignment]
    said, _ = finish(setup)
    kinds = [type(event).__name__ for event in said]
    assert kinds.index("EpochEnded") < kinds.index("LayersChanged", 1)
    assert changes(said)[1].step == 5


def test_pause_waits_and_continue_goes_on_as_if_nothing_had_been(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = finish(tiny_setup(data, tmp_path / "plain", epochs=1))
    setup = tiny_setup(data, tmp_path / "run", epochs=1)
    timer = threading.Timer(0.1, setup.control.put, (commands.Continue(),))
    waited = []
    rested: list[float] = []
    monkeypatch.setattr(Clock, "rested", lambda self, seconds: rested.append(seconds))

    def on_event(event: events.Event) -> None:
        at(2, commands.Pause(), commands.Pause())(setup)(event)
        if isinstance(event, events.Paused):
            assert setup.checkpoints.exists
            timer.start()
        if isinstance(event, events.Continued):
            waited.append(not timer.is_alive() or timer.finished.is_set())

    said, outcome = finish(setup, on_event)
    timer.join()
    assert [type(e).__name__ for e in said if isinstance(e, events.Paused | events.Continued)] == [
        "Paused",
        "Continued",
    ]
    assert waited == [True] and not outcome.stopped
    assert len(rested) == 2 and sum(rested) >= 0.05  # the second Pause, then Continue
    assert [e.loss for e in said if isinstance(e, events.BatchEnded)] == [
        e.loss for e in plain if isinstance(e, events.BatchEnded)
    ]


def test_layers_can_be_freed_while_paused(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=1)
    said, _ = finish(setup, at(2, commands.Pause(), commands.Unfreeze(), commands.Continue())(setup))
    kinds = [type(event).__name__ for event in said]
    assert kinds.index("Paused") < kinds.index("LayersChanged", 1) < kinds.index("Continued")


@pytest.mark.parametrize(("warm_start", "best"), [(False, None), (True, 0)])
def test_stop_during_the_first_batch_ends_as_stopped(
    warm_start: bool, best: int | None, data: Path, tmp_path: Path
) -> None:
    """Without a warm start there is no model yet; with one its head is kept."""
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", warm_start=warm_start)
    said, outcome = finish(setup, at(1, commands.Stop())(setup))
    assert (outcome.stopped, outcome.best_epoch, steps(said)) == (True, best, [1])
    assert (tmp_path / "run" / "checkpoints" / "best.safetensors").exists() == (best is not None)
    assert setup.checkpoints.exists


def test_stop_before_the_first_batch_and_during_the_warm_start(data: Path, tmp_path: Path) -> None:
    for name, warm_start in (("one", False), ("two", True)):
        setup = tiny_setup(data, tmp_path / name, strategy="fine-tune-top", warm_start=warm_start)
        setup.control.put(commands.Stop())
        said, outcome = finish(setup)
        assert (outcome.stopped, outcome.best_epoch, steps(said)) == (True, None, [])


def test_what_is_asked_for_during_the_beginning_is_done_in_the_order_in_which_it_came(
    data: Path, tmp_path: Path
) -> None:
    """Each at another of its steps: the first waits already when the second comes."""
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", epochs=1)
    left = [commands.SetLearningRate(group="head", rate=rate) for rate in (0.5, 0.002)]
    left += [commands.Unfreeze(), commands.Undo()]

    def press(event: events.Event) -> None:
        if isinstance(event, events.Progress) and left:
            setup.control.put(left.pop(0))

    said, _ = finish(setup, press)
    assert not left and steps(said)[0] == 1
    assert [event.reason for event in changes(said)] == ["start", "rates", "rates", "unfreeze", "undo"]
    assert changes(said)[-1].groups[-1].learning_rate == 0.002
    assert not [event for event in said if isinstance(event, events.Notice) and event.code == "nothing_to_undo"]


def test_stop_while_paused(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run")
    said, outcome = finish(setup, at(2, commands.Pause(), commands.Stop())(setup))
    assert outcome.stopped and steps(said) == [1, 2]
    assert isinstance(said[-1], events.Paused)


def test_extend_plans_more_epochs_and_a_new_cycle(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=1)
    said, _ = finish(setup, at(5, commands.Extend(epochs=2))(setup))
    assert steps(said) == list(range(1, 6)), "the plan was over before the command came"
    setup = tiny_setup(data, tmp_path / "other", epochs=1)
    said, _ = finish(setup, at(4, commands.Extend(epochs=2))(setup))
    (extended,) = (event for event in said if isinstance(event, events.Extended))
    assert (extended.step, extended.epochs) == (4, 3)
    ended = [event for event in said if isinstance(event, events.EpochEnded)]
    assert [event.epoch for event in ended] == [1, 2, 3] and ended[-1].epochs == 3
    # From step 4 on: the climb of a new cycle over the 11 steps that are left, and its end at the last one.
    assert ended[0].learning_rates["head"] == pytest.approx(setup.training.head_learning_rate / 25)  # type: ignore[operator]
    assert ended[-1].learning_rates["head"] == pytest.approx(setup.training.head_learning_rate / 250_000)  # type: ignore[operator]


def test_an_unfrozen_group_climbs_through_a_cycle_of_its_own(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=2, patience=0)
    said, _ = finish(setup, at(4, commands.Unfreeze())(setup))
    ended = [event for event in said if isinstance(event, events.EpochEnded)]
    plain, _ = finish(tiny_setup(data, tmp_path / "plain", epochs=2, patience=0))
    alone = [event for event in plain if isinstance(event, events.EpochEnded)]
    top = setup.training.top_learning_rate
    assert top is not None
    assert ended[0].learning_rates["top"] == pytest.approx(top / 25)
    assert ended[1].learning_rates["top"] == pytest.approx(top / 250_000)
    assert [e.learning_rates["head"] for e in ended] == [e.learning_rates["head"] for e in alone]


def test_an_owner_that_is_gone_ends_the_run_with_everything_saved(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9)
    last: list[int] = []

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded):
            last.append(event.step)
            if event.step == 7:
                setup.control.owner_gone()

    with pytest.raises(OwnerGoneError):
        finish(setup, on_event)
    place = setup.checkpoints.place()
    assert (place.step, place.epoch, place.batch) == (last[-1], 1, 2) == (7, 1, 2)
    assert place.best_epoch == 1
    assert (tmp_path / "run" / "checkpoints" / "best.safetensors").exists()


def test_an_owner_that_goes_while_paused_is_noticed_at_once(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9)

    def on_event(event: events.Event) -> None:
        at(3, commands.Pause())(setup)(event)
        if isinstance(event, events.Paused):
            threading.Timer(0.05, setup.control.owner_gone).start()

    with pytest.raises(OwnerGoneError):
        finish(setup, on_event)
    assert setup.checkpoints.place().step == 3
