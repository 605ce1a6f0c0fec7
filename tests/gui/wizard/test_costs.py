"""What a run takes, in words: of a picked strategy, of one that is left open, and of another size of the input."""

from __future__ import annotations

import itertools
import re

import pytest
from helpers.wizard_bench import CELLS, FakeBench, summary

from tlgui.core.backbones import BACKBONES
from tlgui.core.decision import FEWEST_TO_DEEPEN, TrialOutcome, after_trial, decide, outcomes
from tlgui.core.estimates import Speed
from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.run_spec import FirstAnswer, Training
from tlgui.core.strategies import LARGE, MEDIUM, SMALL, Similarity
from tlgui.gui.networks import sized, speed_of
from tlgui.gui.wizard.costs import NOT_MEASURED, costs, if_it_becomes, possible, short

ANSWERS: tuple[Similarity | None, ...] = ("similar", "different", None)
LITE0 = BACKBONES["efficientnet-lite0"]


def measured(found: ScanSummary | None = CELLS) -> FakeBench:
    bench = FakeBench(found)
    bench.backbones.measured("efficientnet-lite0", 5.0)
    return bench


@pytest.mark.parametrize(
    ("images", "answer"), [*itertools.product((40, SMALL - 1, SMALL, MEDIUM, MEDIUM + 1, LARGE + 1), ANSWERS)]
)
def test_whatever_is_decided_was_among_the_outcomes(images: int, answer: Similarity | None) -> None:
    train = round(images * 0.7)
    names = {one.strategy for one in outcomes(train, images, answer)}
    trial = {"learned_from": 200, "held_back": 100, "right_shallow": 80, "better": 9, "worse": 0, "steps": 100}
    found = {
        decide(
            train, images, FirstAnswer(accuracy=share, low=share - 0.05, high=share + 0.03, images=300, folds=5), answer
        )
        for share in (0.5, 0.91, 0.97)
    }
    if train >= FEWEST_TO_DEEPEN:
        found |= {after_trial(images, answer, TrialOutcome(right_deeper=80 + n, **trial)) for n in (0, 9)}

    assert {one.strategy for one in found} == names
    assert len(names) == (1 if train < FEWEST_TO_DEEPEN else 2)


def test_what_is_left_open_takes_the_span_of_what_it_may_become(qapp: object) -> None:
    bench = measured()  # type: ignore[arg-type]
    few, deep = (costs(bench, training) for training in possible(bench.draft, Training()))  # type: ignore[arg-type]
    both = costs(bench, Training())  # type: ignore[arg-type]

    assert few.time != deep.time
    assert (few.time, deep.time) == ("about 1 minute", "about 3 minutes")
    assert both.time == "about 1 minute to 4 minutes", "with the trial that may come before it"
    assert (both.memory, both.disk) == (deep.memory, deep.disk)
    assert if_it_becomes(bench) == (  # type: ignore[arg-type]
        f"If it becomes “Feature extraction”: {few.time}; “Fine-tune the top layers”: {deep.time}."
    )


def test_with_few_images_it_is_known_what_it_becomes(qapp: object) -> None:
    bench = measured(summary({"a": (70, 15, 15), "b": (70, 15, 15)}))

    assert if_it_becomes(bench) == "With fewer than 200 training images it becomes “Feature extraction”."  # type: ignore[arg-type]
    assert " to " not in costs(bench, Training()).time  # type: ignore[arg-type]


def test_a_picked_strategy_becomes_nothing_else(qapp: object) -> None:
    bench = measured()
    bench.draft.set_strategy("full-fine-tuning")

    assert if_it_becomes(bench) == ""  # type: ignore[arg-type]
    assert possible(bench.draft, bench.draft.training) == [bench.draft.training]


def test_without_a_measurement_no_time_is_said(qapp: object) -> None:
    bench = FakeBench()

    assert costs(bench, Training()).time == NOT_MEASURED and if_it_becomes(bench) == ""  # type: ignore[arg-type]
    assert costs(FakeBench(None), Training()).time == ""  # type: ignore[arg-type]


def test_a_larger_input_takes_longer_and_is_an_estimate() -> None:
    known = {"efficientnet-lite0": Speed(seconds_per_1000=5.0)}

    speed, own = speed_of(known, LITE0)
    assert speed is not None and (speed.seconds_per_1000, own) == (5.0, True)
    speed, own = speed_of(known, sized(LITE0, 448))
    assert speed is not None and speed.seconds_per_1000 == pytest.approx(20.0) and not own
    assert sized(BACKBONES["vit-b16"], 250) is BACKBONES["vit-b16"], "a size that it does not take changes nothing"


def test_the_input_size_goes_into_the_costs(qapp: object) -> None:
    bench = measured()
    bench.draft.set_strategy("full-fine-tuning")
    plain = costs(bench, bench.draft.training)  # type: ignore[arg-type]
    bench.draft.set_size(448)
    large = costs(bench, bench.draft.training)  # type: ignore[arg-type]

    assert minutes(large.time) > 3 * minutes(plain.time)


def minutes(time: str) -> float:
    hours, found = re.search(r"(\d+) hour", time), re.search(r"(\d+) minute", time)
    return 60 * float(hours[1] if hours else 0) + float(found[1] if found else 0)


@pytest.mark.parametrize(
    ("time", "words"),
    [("about 35 seconds to 1 minute", "about 35 s to 1 min"), ("about 2 hours 30 minutes", "about 2 h 30 min")],
)
def test_a_narrow_column_has_short_units(time: str, words: str) -> None:
    assert short(time) == words
