"""After each epoch of an adaptation: what is said, what may not be kept, and which epoch is the best."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors
import torch
from helpers.pictures import write_dataset, write_site
from helpers.tiny import codes, drive, finish, of, sending, tiny_setup, until

from tlgui.core import adaptation as core
from tlgui.core import events
from tlgui.core.adaptation_events import AdaptationSeen
from tlgui.core.commands import Freeze
from tlgui.core.run_folder import RunFolder
from tlgui.engine import weights
from tlgui.engine.adaptation import watch
from tlgui.engine.adaptation.target import TargetSeen, known_spread, look
from tlgui.engine.adaptation.watch import value_of, watched
from tlgui.engine.calibration import Calibration, calibrate
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.live import Live
from tlgui.engine.setup import Setup
from tlgui.engine.validation import Shares, Validation

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS: dict[str, Any] = {"strategy": "from-scratch", "adapt": "mmd", "batch_size": 20, "epochs": 5, "patience": 0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("watch") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("site") / "s", 12, 24, classes=3)


@pytest.fixture(autouse=True)
def _no_power_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


def scripted(values: Sequence[Any]) -> Callable[..., Any]:
    """Answers with one value after another."""
    left: Iterator[Any] = iter(values)
    return lambda *_: next(left)


def bests(said: list[events.Event]) -> list[bool]:
    return [event.best for event in of(said, events.EpochEnded)]


def kept_epoch(run: Path) -> int:
    return int(kept_card(run)["epoch"])


def kept_card(run: Path) -> dict[str, Any]:
    with safetensors.safe_open(RunFolder(run).best_path, "pt") as stream:
        card: dict[str, Any] = msgspec.json.decode((stream.metadata() or {})["tlgui"])
    return card


# -- one look at the new site -------------------------------------------------------------------------------------


def looked_at(setup: Setup) -> TargetSeen:
    steps = look(setup, 0, False)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            seen: TargetSeen = end.value
            return seen


def test_a_look_measures_how_sure_and_how_spread_the_answers_are(data: Path, site: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", target=site, **OPTIONS)
    torch.nn.init.normal_(setup.network.head_linear.weight, std=3.0)
    assert setup.target is not None
    pixels = setup.frozen.activations(setup.target, range(12), 0, 0)
    with torch.inference_mode():
        logits = setup.network.model(pixels).double().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    seen = looked_at(setup)
    assert seen.images == 12
    assert seen.mean_entropy == pytest.approx(float(np.mean([core.entropy(row) for row in shares])), abs=1e-6)
    assert seen.spread == pytest.approx(core.entropy(shares.mean(0).tolist()), abs=1e-6)
    assert looked_at(setup) == seen, "the same images each time"


def test_answers_that_are_quite_sure_have_an_entropy_of_0_and_no_worse(data: Path, site: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", target=site, **OPTIONS)
    with torch.no_grad():
        setup.network.head_linear.weight.zero_()
        setup.network.head_linear.bias.copy_(torch.tensor([5_000.0, 0.0, 0.0]))
    seen = looked_at(setup)
    assert (abs(seen.mean_entropy), abs(seen.spread)) == (0, 0)


def test_of_many_images_no_more_are_looked_at_than_tell(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlgui.engine.adaptation.target._LOOKED_AT", 5)
    assert looked_at(tiny_setup(data, tmp_path / "run", target=site, **OPTIONS)).images == 5


def test_the_spread_of_the_known_site_is_that_of_its_training_labels(data: Path, site: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", target=site, **OPTIONS)
    counts = np.bincount(setup.train.labels.numpy())
    assert len(set(counts.tolist())) > 1
    assert known_spread(setup) == pytest.approx(-sum(n / counts.sum() * math.log(n / counts.sum()) for n in counts))


# -- what is compared ---------------------------------------------------------------------------------------------


def validation(balanced: float = 0.5, loss: float = 0.7) -> Validation:
    every = Shares(loss, balanced, balanced)
    return Validation(
        loss=loss,
        accuracy=balanced,
        balanced=balanced,
        calibration=Calibration(1.0, loss),
        right={0: True},
        every=every,
    )


def test_without_an_adaptation_the_row_that_was_asked_for_is_compared() -> None:
    assert value_of(validation(), None, "calibrated_loss") == 0.7
    assert value_of(validation(), None, "balanced_accuracy") == 0.5


def test_an_adaptation_is_compared_by_its_score_and_one_with_an_alarm_is_worse_than_any() -> None:
    plain, better, alarmed, none = (
        value_of(validation(), seen, "calibrated_loss")
        for seen in (
            AdaptationSeen(score=0.2),
            AdaptationSeen(score=1.9),
            AdaptationSeen(score=2.0, alarm="Alas."),
            AdaptationSeen(),
        )
    )
    assert better < plain < alarmed < none and math.isfinite(none)
    knows_more = value_of(validation(0.6), AdaptationSeen(score=0.1, alarm="Alas."), "calibrated_loss")
    assert plain < knows_more < alarmed, "of those with an alarm the known site decides"


def test_an_epoch_is_compared_with_the_best_before_it_and_not_with_the_last(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[int, int]] = []
    monkeypatch.setattr(
        watch, "alarm", lambda now, best, *_: heard.append((sum(now.values()), sum(best.values()))) or ""
    )
    live = Live(tiny_setup(data, tmp_path / "run", target=site, **OPTIONS))
    for right in (3, 0, 1, 4, 2):
        seen = dataclasses.replace(validation(), right={number: number < right for number in range(4)})
        list(watched(live, seen, False))
    assert heard == [(3, 3), (0, 3), (1, 3), (4, 3), (2, 4)], "the first has none before it"


def test_images_of_one_patient_ring_as_one(data: Path, site: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", target=site, **OPTIONS)
    seen = [
        dataclasses.replace(validation(), right={number: number >= wrong for number in range(40)}) for wrong in (0, 9)
    ]
    rung = {}
    for size in (1, 10):
        setup.validation_groups = [f"patient {number // size}" for number in range(40)]
        live = Live(setup)
        list(watched(live, seen[0], False))
        last = watched(live, seen[1], False)
        while size not in rung:
            try:
                next(last)
            except StopIteration as end:
                rung[size] = end.value[0].alarm
    assert "78 % are told right now" in rung[1] and "told right" not in rung[10]


# -- in a run -----------------------------------------------------------------------------------------------------


def test_the_best_epoch_is_that_of_the_highest_score(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "score_of", scripted([-0.2, 0.5, 0.3, 0.9, 0.9]))
    monkeypatch.setattr(watch, "alarm", lambda *_: "")
    said, outcome = finish(tiny_setup(data, tmp_path / "run", target=site, **OPTIONS))
    assert bests(said) == [True, True, False, True, False]
    assert outcome.best_epoch == kept_epoch(tmp_path / "run") == 4
    assert "adaptation_alarm" not in codes(said)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_what_is_kept_answers_for_the_new_site_as_was_said_of_its_epoch(
    ema: float, data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the statistics of the new site, and not with those of the known one that the run goes on with."""
    monkeypatch.setattr(watch, "score_of", scripted([0.1, 0.2, 0.9, 0.3, 0.4]))
    setup = tiny_setup(data, tmp_path / "run", target=site, **OPTIONS | {"ema": ema, "top_learning_rate": 0.02})
    said, _ = finish(setup)
    (best,) = [event.adaptation for event in of(said, events.EpochEnded) if event.epoch == 3]
    kept = weights.read_file(RunFolder(tmp_path / "run").best_path)
    setup.network.model.load_state_dict(kept)
    seen = looked_at(setup)
    assert best is not None
    assert (seen.mean_entropy, seen.spread) == (
        pytest.approx(best.target_entropy, abs=1e-9), pytest.approx(best.target_spread, abs=1e-9),
    )  # fmt: skip
    last = setup.checkpoints.model()
    assert not torch.allclose(kept["norm1.running_mean"], last["norm1.running_mean"], atol=1e-2)


@pytest.mark.parametrize("at", [3, 4])  # of 5 batches
def test_what_is_kept_after_a_freeze_answers_for_the_new_site_as_was_said_of_its_epoch(
    at: int, data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "score_of", scripted([0.1, 0.2, 0.9, 0.3, 0.4]))
    options = OPTIONS | {"batch_size": 9, "head_learning_rate": 0.01, "top_learning_rate": 0.01, "augmentation": "off"}
    setup = tiny_setup(data, tmp_path / "run", target=site, **options)
    said, _ = finish(setup, sending(setup, {at: [Freeze(groups=3)]}))
    (best,) = [event.adaptation for event in of(said, events.EpochEnded) if event.epoch == 3]
    assert kept_epoch(tmp_path / "run") == 3 and best is not None
    setup.network.model.load_state_dict(weights.read_file(RunFolder(tmp_path / "run").best_path))
    seen = looked_at(setup)
    assert (seen.mean_entropy, seen.spread) == (
        pytest.approx(best.target_entropy, abs=1e-5), pytest.approx(best.target_spread, abs=1e-5),
    )  # fmt: skip


def test_the_temperature_that_is_kept_is_that_of_the_model_that_is_kept(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers with the statistics of the new site, and is as sure as it is with these."""
    epochs = 12
    monkeypatch.setattr(watch, "score_of", scripted([*range(epochs)]))
    monkeypatch.setattr(watch, "alarm", lambda *_: "")
    options = OPTIONS | {"adapt": "mcc", "epochs": epochs, "head_learning_rate": 0.02, "top_learning_rate": 0.02}
    setup = tiny_setup(data, tmp_path / "run", target=site, **options)
    finish(setup)
    assert kept_epoch(tmp_path / "run") == epochs
    images = setup.frozen.activations(setup.validation, range(len(setup.validation)), 0, 0)
    fitted = []
    for state in (weights.read_file(RunFolder(tmp_path / "run").best_path), setup.checkpoints.model()):
        setup.network.model.load_state_dict(state)
        setup.network.evaluation_mode()
        with torch.inference_mode():
            fitted.append(calibrate(setup.network.model(images), setup.validation.labels).temperature)
    assert fitted[0] != pytest.approx(fitted[1], rel=0.02), "with the statistics of the known site it is another"
    assert kept_card(tmp_path / "run")["temperature"] == pytest.approx(fitted[0], rel=1e-3)


@pytest.mark.parametrize(
    ("adapt", "words"),
    [
        ("mmd", "The score over both sites has not improved"),
        ("none", "The validation images have not improved"),
    ],
)
def test_a_run_that_stops_early_says_what_it_has_waited_for(
    adapt: str, words: str, data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlgui.engine.fit.value_of", scripted([0.5, 0.9, 0.9, 0.9]))
    options = OPTIONS | {"adapt": adapt, "patience": 1}
    said, _ = finish(tiny_setup(data, tmp_path / "run", target=site if adapt != "none" else None, **options))
    (message,) = [event.message for event in of(said, events.Notice) if event.code == "stopped_early"]
    assert message.startswith(words)


def test_an_epoch_with_an_alarm_is_not_kept_however_high_its_score(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "score_of", scripted([0.5, 1.9, 0.4, 0.6, 1.8]))
    monkeypatch.setattr(watch, "alarm", scripted(["", "It is spoilt.", "", "", "It is spoilt."]))
    said, outcome = finish(tiny_setup(data, tmp_path / "run", target=site, **OPTIONS))
    assert bests(said) == [True, False, False, True, False]
    assert outcome.best_epoch == kept_epoch(tmp_path / "run") == 4
    notices = [event.message for event in of(said, events.Notice) if event.code == "adaptation_alarm"]
    assert notices == [f"Epoch {number}: It is spoilt. This epoch is not kept." for number in (2, 5)]
    assert [bool(event.adaptation and event.adaptation.alarm) for event in of(said, events.EpochEnded)] == [
        False, True, False, False, True,
    ]  # fmt: skip


def test_a_first_epoch_with_an_alarm_is_kept_until_there_is_a_better_one(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "score_of", scripted([1.9, 1.8, -1.0, -1.5, -0.9]))
    monkeypatch.setattr(watch, "alarm", scripted(["It is spoilt.", "It is spoilt.", "", "", ""]))
    said, outcome = finish(tiny_setup(data, tmp_path / "run", target=site, **OPTIONS))
    assert bests(said) == [True, False, True, False, True]
    assert outcome.best_epoch == 5
    notices = [event.message for event in of(said, events.Notice) if event.code == "adaptation_alarm"]
    assert notices == [
        "Epoch 1: It is spoilt. It is kept until there is a better one.",
        "Epoch 2: It is spoilt. This epoch is not kept.",
    ]


def test_a_distance_between_the_sites_that_is_estimated_below_0_is_shown_as_0(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlgui.engine.adaptation.term.mmd_squared", lambda source, _: source.sum() * 0 - 0.01)
    said, _ = finish(tiny_setup(data, tmp_path / "run", target=site, **OPTIONS | {"epochs": 1}))
    (event,) = of(said, events.EpochEnded)
    assert event.adaptation is not None and event.adaptation.loss == 0


def test_a_run_of_alarms_alone_leaves_the_epoch_that_knows_most_of_the_known_site(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first one has hardly learned anything."""
    monkeypatch.setattr(watch, "alarm", lambda *_: "It is spoilt.")
    options = OPTIONS | {"head_learning_rate": 0.02, "top_learning_rate": 0.02, "epochs": 8}
    said, outcome = finish(tiny_setup(data, tmp_path / "run", target=site, **options))
    known = [event.validation_balanced_accuracy for event in of(said, events.EpochEnded)]
    assert known[0] < max(known) - 0.1
    assert outcome.best_epoch == 1 + known.index(max(known))


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (AdaptationSeen(domain_accuracy=0.97), "the judge tells the sites apart in 97 % of the images"),
        (AdaptationSeen(domain_accuracy=0.94), ""),
        (AdaptationSeen(), ""),
        (AdaptationSeen(alarm="It is spoilt."), "Every epoch raised the alarm"),
    ],
)
def test_where_nothing_says_that_adapting_helped_it_is_said(kept: AdaptationSeen, words: str) -> None:
    def ended(epoch: int, adaptation: AdaptationSeen | None) -> events.EpochEnded:
        return events.EpochEnded(
            epoch=epoch, epochs=3, step=3, train_loss=0.5, validation_loss=0.5, validation_accuracy=0.5,
            validation_balanced_accuracy=0.5, learning_rates={}, best=True, adaptation=adaptation, seconds=1.0,
            seconds_left=None,
        )  # fmt: skip

    others = AdaptationSeen(domain_accuracy=1.0, alarm="Alas.")
    said = list(watch.ended_in_vain([ended(1, others), ended(2, kept), ended(3, others)], 2))
    assert [event.code for event in of(said, events.Notice)] == ["adaptation_in_vain"] * bool(words)
    assert all(words in event.message for event in of(said, events.Notice))
    assert not list(watch.ended_in_vain([ended(1, None)], 1)), "a run that does not adapt"


def test_the_alarm_hears_of_the_best_share_so_far_also_where_the_run_goes_on(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[dict[int, bool], dict[int, bool]]] = []
    monkeypatch.setattr(watch, "alarm", lambda now, best, *_: heard.append((now, best)) or "")
    monkeypatch.setattr(Checkpoints, "due", property(lambda self: True))
    until(
        tiny_setup(data, tmp_path / "run", target=site, interval_s=1e9, **OPTIONS),
        lambda event: isinstance(event, events.BatchEnded) and event.epoch == 4,
    )
    again = tiny_setup(data, tmp_path / "run", target=site, **OPTIONS)
    again.resume = True
    finish(again)
    assert len(heard) == 5
    so_far = heard[0][0]
    for now, best in heard:
        assert best == so_far and len(now) == len(again.validation)
        so_far = max(so_far, now, key=lambda answers: sum(answers.values()))


def test_a_real_collapse_rings(data: Path, site: Path, tmp_path: Path) -> None:
    """Every image gets the same answer, and of the known site's only one class is right."""
    setup = tiny_setup(data, tmp_path / "run", target=site, **OPTIONS | {"strategy": "feature-extraction"})

    def collapse(event: events.Event, live: Live) -> None:
        if isinstance(event, events.BatchEnded) and event.epoch == 3:
            with torch.no_grad():
                live.network.head_linear.bias[0] = 50.0

    said, _ = drive(setup, collapse)
    rung = [event.adaptation.alarm if event.adaptation else "" for event in of(said, events.EpochEnded)]
    assert "destroys the classes" in rung[2]
    assert bests(said)[0] and not bests(said)[2]


def test_answers_that_are_no_numbers_are_no_score(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Iterator[events.Event]:
        yield from ()
        return TargetSeen(math.nan, math.nan, 12)  # type: ignore[return-value]

    monkeypatch.setattr(watch, "look", broken)
    said, outcome = finish(tiny_setup(data, tmp_path / "run", target=site, **OPTIONS | {"epochs": 2}))
    for event in of(said, events.EpochEnded):
        assert event.adaptation is not None
        assert (event.adaptation.score, event.adaptation.target_entropy, event.adaptation.target_spread) == (None,) * 3
        assert events.decode(events.encode(event)) == event
    assert outcome.best_epoch == 1
