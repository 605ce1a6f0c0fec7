"""What is said of an earlier run as a beginning: a sentence for each way, with a sign and an interval."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from tlgui.core.beginnings import sentences
from tlgui.core.comparison import Entrant, with_and_without
from tlgui.core.comparison_answers import Answers
from tlgui.core.comparison_result import Pair, Result, judge
from tlgui.core.run_spec import Source

HEAD = Entrant(strategy="feature-extraction")
TOP = Entrant(strategy="fine-tune-top", top_groups=2)
SOURCE = Source(run="Run 7", dataset="cells", images=1_234)
N = 200


def judged(entrants: Sequence[Entrant], right: Sequence[int]) -> Result:
    """Ways that tell the first so many images right."""
    answers = [
        Answers(one.key, one.label, {f"{i:04}": i < k for i in range(N)}, {f"{i:04}": "" for i in range(N)}, 1.0, 10)
        for one, k in zip(entrants, right, strict=True)
    ]
    return judge(answers, "out-of-fold", 0)


def pair_of(result: Result, one: Entrant) -> Pair:
    """A way with the run against the same way without it."""
    keys = {one.key, msgspec.structs.replace(one, from_run=True).key}
    (found,) = (pair for pair in result.pairs if {pair.a, pair.b} == keys)
    return found


def said(entrants: Sequence[Entrant], right: Sequence[int], source: Source = SOURCE) -> list[str]:
    return sentences(entrants, judged(entrants, right).pairs, source)


def test_a_run_that_helped_is_said_with_the_points_and_their_interval() -> None:
    ways = with_and_without([HEAD])
    pair = pair_of(judged(ways, [140, 180]), HEAD)  # without is the first of the pair
    assert pair.difference == pytest.approx(-0.2)
    assert said(ways, [140, 180]) == [
        "Feature extraction: beginning with the run 'Run 7' (1,234 images of 'cells') helped by "
        f"20.0 points ({-100 * pair.high:.1f} to {-100 * pair.low:.1f})."
    ]
    assert 0 < -pair.high < 0.2 < -pair.low


def test_a_run_that_hurt_is_said_without_a_minus_and_the_published_weights_are_advised() -> None:
    ways = with_and_without([HEAD])
    pair = pair_of(judged(ways, [180, 140]), HEAD)
    assert said(ways, [180, 140]) == [
        "Feature extraction: beginning with the run 'Run 7' (1,234 images of 'cells') hurt by "
        f"20.0 points ({100 * pair.low:.1f} to {100 * pair.high:.1f}); the published weights are the better beginning."
    ]
    assert 0 < pair.low < 0.2 < pair.high


@pytest.mark.parametrize(("with_it", "signed"), [(152, "+1.0"), (148, "-1.0"), (150, "+0.0")])
def test_what_cannot_be_told_has_signs_and_the_published_weights_will_do(with_it: int, signed: str) -> None:
    ways = with_and_without([HEAD])
    pair = pair_of(judged(ways, [150, with_it]), HEAD)
    low, high = (round(100 * one, 1) + 0.0 for one in (-pair.high, -pair.low))
    assert said(ways, [150, with_it]) == [
        "Feature extraction: whether beginning with the run 'Run 7' (1,234 images of 'cells') helps cannot be told, "
        f"{signed} points ({low:+.1f} to {high:+.1f}). Then the published weights will do."
    ]
    assert low <= 0 <= high


def test_the_order_in_which_ways_stand_turns_no_verdict_around() -> None:
    ways = with_and_without([HEAD])
    assert said(ways[::-1], [180, 140]) == said(ways, [140, 180])
    assert said(ways[::-1], [140, 180]) == said(ways, [180, 140])


def test_each_way_has_a_sentence_of_its_own() -> None:
    ways = with_and_without([HEAD, TOP])
    first, second = said(ways, [120, 190, 190, 120])
    assert first.startswith("Feature extraction: ") and " helped by " in first
    assert second.startswith("Fine-tune the top layers, 2 groups: ") and " hurt by " in second


def test_a_difference_that_only_one_pair_of_many_shows_cannot_be_told() -> None:
    """Of fifteen pairs that were looked at, one is below 5 % by chance more often than not."""
    few, many = with_and_without([HEAD]), with_and_without([HEAD, TOP, Entrant(strategy="full-fine-tuning")])
    assert " helped by " in said(few, [150, 157])[0]
    assert " cannot be told, " in said(many, [150, 157, 150, 150, 150, 150])[0]
    assert pair_of(judged(many, [150, 157, 150, 150, 150, 150]), HEAD).p < 0.05


def test_of_a_way_that_stands_there_only_once_nothing_is_said() -> None:
    with_run = msgspec.structs.replace(HEAD, from_run=True)
    assert said([with_run, TOP], [180, 140]) == []
    assert said([HEAD, TOP], [180, 140]) == []
    assert said([with_run, Entrant(strategy="from-scratch")], [180, 140]) == []


def test_a_run_whose_images_have_no_name_is_said_without_them() -> None:
    assert said(with_and_without([HEAD]), [140, 180], Source(run="old"))[0].startswith(
        "Feature extraction: beginning with the run 'old' helped by "
    )
