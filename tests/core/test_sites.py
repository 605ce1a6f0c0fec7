"""Leave one site out: the table, its ranges, and what is still to be trained."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from helpers.compared import Held, answered

from tlgui.core import sites
from tlgui.core.errors import UserError
from tlgui.core.paired import student_t
from tlgui.core.sites import SiteRow, Sites, judge, result_of, still_to_train

NAMES = ["north", "south", "west"]


def asked(*names: str) -> Sites:
    return Sites(
        dataset="d",
        images="f" * 64,
        by="folder",
        names=list(names or NAMES),
        backbone="b",
        strategy="feature-extraction",
    )


def row(name: str, accuracy: float, known: float = 0.9) -> SiteRow:
    return SiteRow(name=name, n=100, accuracy=accuracy, low=0.0, high=1.0, known=known, unseen_classes=0)


def trained(folder: Path, place: int, right: int, n: int = 20) -> None:
    held: Held = {f"s{place}-{i}": ("test", i < right) for i in range(n)}
    held = {**held, "v1": ("validation", True), "v2": ("validation", False), "t": ("train", True)}
    answered(folder / asked().folder_of(place), held)


def test_a_table_of_whole_runs(tmp_path: Path) -> None:
    sites.write(tmp_path, asked())
    for place, right in enumerate((20, 10, 5)):
        assert list(still_to_train(tmp_path, asked())) == list(range(place, 3))
        trained(tmp_path, place, right)
    found = result_of(tmp_path)
    expected = [("north", 20, 1.0), ("south", 20, 0.5), ("west", 20, 0.25)]
    assert [(one.name, one.n, one.accuracy) for one in found.rows] == expected
    assert all(one.low <= one.accuracy <= one.high and one.known == 0.5 for one in found.rows)
    assert found.mean == pytest.approx(np.mean([1.0, 0.5, 0.25])) and found.known == 0.5
    assert "the worst here was 25 % at 'west'" in found.sentence and "too few to give a range" in found.sentence


def test_a_table_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    sites.write(tmp_path, asked())
    trained(tmp_path, 1, 3)
    with pytest.raises(UserError, match=r"2 of 3 sites in .* are still to be held out"):
        result_of(tmp_path)
    assert sites.read(tmp_path).names == NAMES
    (tmp_path / sites.FILE).write_text("format = 9")
    with pytest.raises(UserError, match="no sites that this version can read"):
        sites.read(tmp_path)


@pytest.mark.parametrize("shares", [(0.9, 0.8, 0.85, 0.7), (0.5, 0.55, 0.5, 0.45, 0.5)])
def test_the_ranges_are_those_of_students_t(shares: tuple[float, ...]) -> None:
    found = judge([row(str(place), share) for place, share in enumerate(shares)], "folder", "s")
    k, mean, spread = len(shares), np.mean(shares), np.std(shares, ddof=1)
    assert found.low == pytest.approx(mean - student_t(k - 1) * spread / math.sqrt(k))
    assert found.high == pytest.approx(mean + student_t(k - 1) * spread / math.sqrt(k))
    assert found.new_low == pytest.approx(mean - student_t(k - 1) * spread * math.sqrt(1 + 1 / k))
    assert found.new_high == pytest.approx(min(1.0, mean + student_t(k - 1) * spread * math.sqrt(1 + 1 / k)))


@pytest.mark.parametrize(
    ("shares", "known", "says"),
    [
        ((0.6, 0.7), 0.9, "25 points less than on sites that it knows (90 %)"),
        ((0.9, 0.9), 0.9, "as much as on sites that it knows (90 %)"),
        ((0.9, 0.9), 0.7, "20 points more than on sites that it knows (70 %)"),
        ((0.9, 0.8), math.nan, "expect about 85 %; the worst"),
        ((1.0, 1.0, 1.0, 1.0), 1.0, "All are alike, which gives no range for one more."),
        ((0.9, 0.88, 0.9, 0.88), 0.9, "One more site like these lies between"),
        ((0.2, 0.9, 0.5, 0.8), 0.9, "hardly anything can be said of one more"),
    ],
)
def test_what_to_expect_in_words(shares: tuple[float, ...], known: float, says: str) -> None:
    assert says in judge([row(str(i), one, known) for i, one in enumerate(shares)], "folder", "s").sentence


def test_two_sites_have_no_interval() -> None:
    found = judge([row("a", 0.5), row("b", 0.7)], "folder", "s")
    assert (found.low, found.high, found.new_low, found.new_high) == (None, None, None, None)


def test_the_spec_is_as_asked() -> None:
    one = msgspec.structs.replace(asked(), strategy="fine-tune-top", top_groups=2, epochs=7, size=96, seed=3)
    spec = one.spec()
    training = spec.training
    assert (spec.size, training.seed, training.epochs) == (96, 3, 7)
    assert (training.strategy, training.top_groups) == ("fine-tune-top", 2)
    assert asked().spec().training.epochs is None and asked().spec().size is None
