"""Scores carry their doubt, bars and scales their words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QWidget

from tlgui.gui.theme import LIGHT
from tlgui.gui.widgets import MiniStat, Scale, ShareBar, SplitBar, Stat

Shown = Callable[..., QWidget]


def test_a_stat_says_value_range_and_reference(shown: Shown) -> None:
    stat = Stat("Accuracy")
    stat.set(
        0.957, 0.92, 0.977, text="95.7 %", range_text="92.0 to 97.7", reference=0.335,
        reference_text="always saying “<b>RBC</b>”: 33.5 %", highest_text="100 %",
    )  # fmt: skip
    shown(stat, 300)
    assert stat.accessibleName() == "Accuracy 95.7 percent, 92.0 to 97.7, always saying “<b>RBC</b>”: 33.5 percent"
    assert not stat.grab().isNull()


def test_the_bracket_stands_where_the_interval_is(shown: Shown) -> None:
    stat = Stat("Accuracy")
    stat.set(0.8, 0.7, 0.9, text="80 %", range_text="70 to 90")
    shown(stat, 300)
    track = stat.track
    image = track.grab().toImage()
    row = [image.pixelColor(x, 9).name().upper() for x in range(image.width())]
    ends = [x for x, ink in enumerate(row) if ink == LIGHT.s3]
    assert min(ends) == pytest.approx(track.column_of(0.7), abs=2)
    assert max(ends) == pytest.approx(track.column_of(0.9), abs=2)


def test_a_narrow_bracket_keeps_both_ends_visible(shown: Shown) -> None:
    stat = Stat("AUC")
    stat.set(0.992, 0.98, 0.998, text="0.992", range_text="0.980 to 0.998", lowest=0.5)
    shown(stat, 300)
    image = stat.track.grab().toImage()
    row = [image.pixelColor(x, 9).name().upper() == LIGHT.s3 for x in range(image.width())]
    assert "".join("#" if ink else "." for ink in row).strip(".").count(".") >= 2


def test_a_score_that_is_not_known_draws_no_bracket(shown: Shown) -> None:
    stat = Stat("AUC")
    stat.set(None, text="not known")
    stat.set_note("One class has no image here.")
    shown(stat, 300)
    image = stat.track.grab().toImage()
    assert LIGHT.s3 not in {image.pixelColor(x, 14).name().upper() for x in range(image.width())}
    assert stat.accessibleName() == "AUC not known"


def test_the_small_form_says_the_same(shown: Shown) -> None:
    mini = MiniStat()
    mini.set(0.957, 0.92, 0.977, text="95.7 %", range_text="92 to 98", name="Accuracy")
    shown(mini, 200)
    assert mini.accessibleName() == "Accuracy 95.7 percent, 92 to 98"
    assert mini.minimumSizeHint().width() < 150
    assert not mini.grab().isNull()


def test_the_split_bar_divides_its_width_like_the_images(shown: Shown) -> None:
    bar = SplitBar()
    bar.set(673, 210, 209)
    shown(bar, 302)
    assert bar.accessibleName() == "673 images to train, 210 for validation, 209 for the test"
    image = bar.grab().toImage()
    inks = [image.pixelColor(x, 5).name().upper() for x in range(302)]
    assert inks.count(LIGHT.s1) == pytest.approx(298 * 673 / 1092, abs=2)
    assert inks.count(LIGHT.s3) == pytest.approx(298 * 209 / 1092, abs=2)


def test_the_smallest_part_can_still_be_seen(shown: Shown) -> None:
    bar = SplitBar()
    bar.set(100_000, 1, 0)
    shown(bar, 200)
    image = bar.grab().toImage()
    assert [image.pixelColor(x, 5).name().upper() for x in range(200)].count(LIGHT.s2) >= 1
    bar.set(0, 0, 0)
    assert not bar.grab().isNull()


def test_a_share_is_drawn_from_the_left(shown: Shown) -> None:
    bar = ShareBar(0.3, "good", width=100)
    shown(bar)
    image = bar.grab().toImage()
    assert [image.pixelColor(x, 3).name().upper() for x in range(100)].count(LIGHT.good) == pytest.approx(30, abs=2)
    bar.set(0.5)
    assert bar.accessibleName() == "50 percent"


def test_a_scale_says_value_and_marks(shown: Shown) -> None:
    scale = Scale("Images in all")
    marks = [(100.0, "100"), (1000.0, "1,000"), (10000.0, "10,000")]
    scale.set(1092, marks, log=True, borders=[(1000, "border")], text="1,092")
    shown(scale, 280)
    assert scale.accessibleName() == "Images in all 1,092; scale: 100, 1,000, 10,000, border"
    assert not scale.grab().isNull()
    scale.set(None, marks)
    assert "not known" in scale.accessibleName()
    assert not scale.grab().isNull()
