"""Negative transfer: verdict and causes on planted answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.compared import answered, comparison_of

from tlgui.core import comparison, transfer
from tlgui.core.comparison import Comparison
from tlgui.core.comparison_answers import Answers
from tlgui.core.comparison_result import Result, judge, of_comparison
from tlgui.core.layer_events import GroupScore, LayersProbed
from tlgui.core.similarity import MeasuredSimilarity
from tlgui.core.transfer import ENTRANTS, FROZEN, SCRATCH, SLOWER, TUNED, Transfer

N = 400


def result(frozen: float, tuned: float, slower: float, scratch: float) -> Result:
    """Ways with such shares right; errors are spread so that the ways' errors are hardly the same ones."""
    shares = dict(zip((one.key for one in ENTRANTS), (frozen, tuned, slower, scratch), strict=True))
    answers = []
    for step, (key, share) in zip((7, 11, 13, 17), shares.items(), strict=True):
        order = sorted(range(N), key=lambda i, step=step: (i * step * 31) % N)
        wrong = set(order[: round((1 - share) * N)])
        right = {str(i): i not in wrong for i in range(N)}
        answers.append(Answers(key, key, right, dict.fromkeys(right, ""), 1.0, 10))
    return judge(answers, "out-of-fold", len(answers))


def similarity(band: Any) -> MeasuredSimilarity:
    return MeasuredSimilarity(
        value=0.9, low=0.89, high=0.91, spread=0.1, band=band, sure=True, images=200, backbone="efficientnet-lite0"
    )


def layers(*accuracies: float) -> LayersProbed:
    groups = [
        GroupScore(name=f"g{place}", accuracy=one, low=one - 0.02, high=one + 0.02)
        for place, one in enumerate(accuracies)
    ]
    return LayersProbed(backbone="b", groups=groups, images=N, folds=5, largest_class=0.5, sentence="")


def verdict(found: Result, **facts: Any) -> Transfer:
    facts = {"similarity": similarity("near"), "learned": 0.9} | facts
    return transfer.judge(found.rows, found.pairs, **facts)


def cause(found: Transfer, name: str) -> transfer.Cause:
    return next(one for one in found.causes if one.name == name)


def test_pretraining_that_helps_needs_no_cause() -> None:
    found = verdict(result(frozen=0.80, tuned=0.92, slower=0.85, scratch=0.55))
    assert (found.verdict, found.tuning) == ("helped", "helped") and found.causes == []
    assert found.difference == pytest.approx(0.37) and found.low < 0.37 < found.high
    assert found.sentence.startswith("Transfer helped by 37.0 points (") and "Fine-tuning gained 12.0" in found.sentence


def test_negative_transfer_is_named() -> None:
    found = verdict(result(frozen=0.60, tuned=0.62, slower=0.61, scratch=0.85))
    assert found.verdict == "hurt" and found.difference == pytest.approx(-0.23)
    assert found.sentence.startswith("Transfer hurts by 23.0 points (") and "negative transfer" in found.sentence
    assert [one.name for one in found.causes] == ["rate", "unlike", "memorised"]


def test_a_random_start_that_is_not_worse_is_said_to_be_that() -> None:
    found = verdict(result(frozen=0.80, tuned=0.80, slower=0.80, scratch=0.80))
    assert found.verdict == "cannot be told apart" and "is not clearly worse" in found.sentence


def test_a_rate_that_is_too_high_is_found_by_the_run_with_a_tenth() -> None:
    found = verdict(result(frozen=0.80, tuned=0.60, slower=0.82, scratch=0.40))
    assert (found.verdict, found.tuning) == ("helped", "hurt")
    assert "Fine-tuning lost 20.0 points" in found.sentence
    rate = cause(found, "rate")
    assert rate.holds is True and rate.sentence.startswith("The learning rates were too high: with a tenth")
    assert rate.line.startswith("Learning rate too high? Yes. ")
    worse = cause(verdict(result(frozen=0.80, tuned=0.80, slower=0.60, scratch=0.40)), "rate")
    assert worse.holds is False and worse.line.startswith("Learning rate too high? No. ")


@pytest.mark.parametrize(
    ("band", "accuracies", "holds"),
    [
        ("far", None, True), ("near", None, False), ("middle", None, False), (None, None, None),
        ("near", (0.5, 0.6, 0.7, 0.9), False),
        (None, (0.5, 0.9, 0.9, 0.9), True),  # a low group tells as much
        ("far", (0.5, 0.9, 0.9, 0.9), True),
        (None, (0.5, 0.6, 0.7, 0.9), False),
        ("near", (0.5, 0.9, 0.9, 0.9), None),  # the two findings disagree
        ("far", (0.5, 0.6, 0.7, 0.9), None),
    ],
)  # fmt: skip
def test_unlike_the_source_by_similarity_and_by_layers(
    band: str | None, accuracies: tuple[float, ...] | None, holds: bool | None
) -> None:
    found = verdict(
        result(frozen=0.8, tuned=0.8, slower=0.8, scratch=0.8),
        similarity=similarity(band) if band else None,
        layers=layers(*accuracies) if accuracies else None,
    )
    assert cause(found, "unlike").holds is holds


@pytest.mark.parametrize(("learned", "holds"), [(0.99, True), (0.86, False), (None, None)])
def test_learned_by_heart_is_a_gap_to_images_not_seen(learned: float | None, holds: bool | None) -> None:
    found = verdict(result(frozen=0.8, tuned=0.8, slower=0.8, scratch=0.8), learned=learned)
    assert cause(found, "memorised").holds is holds


def asked() -> Comparison:
    return msgspec.structs.replace(
        comparison_of("feature-extraction", "from-scratch"), entrants=list(ENTRANTS), purpose="transfer"
    )


def test_a_comparison_that_asks_for_it_has_the_verdict(tmp_path: Path) -> None:
    comparison.write(tmp_path, asked())
    shares = {FROZEN: 0.9, TUNED: 0.9, SLOWER: 0.9, SCRATCH: 0.3}
    for leg in asked().legs():
        held = {f"v{i}": ("validation", i < 100 * shares[leg.entrant]) for i in range(100)}
        held |= {f"t{i}": ("train", True) for i in range(50)}
        answered(tmp_path / leg.folder, held)  # type: ignore[arg-type]
    found = of_comparison(tmp_path).transfer
    assert found is not None and found.verdict == "helped" and found.difference == pytest.approx(0.6)
    assert "100 % of its training images" in cause(found, "memorised").sentence
    assert "was not measured" in cause(found, "unlike").sentence
    transfer.write_layers(tmp_path, layers(0.9, 0.9, 0.9))
    again = of_comparison(tmp_path).transfer
    assert again is not None and "'g0' tells the classes as well" in cause(again, "unlike").sentence
    (tmp_path / "layers.json").write_text("{")
    assert transfer.read_layers(tmp_path) is None and of_comparison(tmp_path).transfer == found


def test_a_comparison_of_strategies_has_none(tmp_path: Path) -> None:
    ways = comparison_of("feature-extraction", "fine-tune-top:2")
    comparison.write(tmp_path, ways)
    for leg in ways.legs():
        answered(tmp_path / leg.folder, {f"v{i}": ("validation", True) for i in range(4)})
    assert of_comparison(tmp_path).transfer is None


def test_wide_intervals_are_no_proof_that_a_low_group_tells_as_well() -> None:
    wide = [
        GroupScore(name=f"g{place}", accuracy=one, low=one - 0.18, high=one + 0.15)
        for place, one in enumerate((0.55, 0.62, 0.70, 0.85))
    ]
    asked_of = LayersProbed(backbone="b", groups=wide, images=30, folds=5, largest_class=0.5, sentence="")
    found = verdict(result(frozen=0.8, tuned=0.8, slower=0.8, scratch=0.8), similarity=None, layers=asked_of)
    assert cause(found, "unlike").holds is None and "as well as" not in cause(found, "unlike").sentence


def test_a_difference_of_nothing_has_no_minus_sign() -> None:
    found = verdict(result(frozen=0.8, tuned=0.8, slower=0.8, scratch=0.8))
    assert "-0.0" not in transfer.signed(-0.0, -0.0004, 0.0) == "+0.0 points (+0.0 to +0.0)"
    assert "-0.0 points" not in " ".join([found.sentence, *(one.sentence for one in found.causes)])
