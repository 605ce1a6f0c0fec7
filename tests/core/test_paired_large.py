"""Counts that are too large for whole numbers in a moment."""

from __future__ import annotations

import pytest

from tlgui.core import paired
from tlgui.core.paired import mcnemar


@pytest.mark.parametrize(("better", "worse"), [(520, 480), (700, 500), (600, 600), (1_000, 1), (0, 1_200)])
def test_many_images_have_the_same_probability_as_by_whole_numbers(
    better: int, worse: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = mcnemar(better, worse)
    monkeypatch.setattr(paired, "_MANY", 10**9)
    assert quick == pytest.approx(mcnemar(better, worse), rel=1e-9, abs=1e-300)


def test_a_hundred_thousand_images_take_a_moment() -> None:
    assert mcnemar(50_000, 50_000) == pytest.approx(1.0)
    assert mcnemar(51_000, 49_000) < 1e-9
