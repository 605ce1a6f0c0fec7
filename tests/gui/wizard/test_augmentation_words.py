"""How training images are varied, in words: each row of the table, and what the review says."""

from __future__ import annotations

import pytest

from tlgui.core.augmentations import AUGMENTATIONS, Augmentation, in_use
from tlgui.core.run_spec import Training
from tlgui.gui.wizard.augmentation.words import lines, phrases, sentence

NUMBERS = {"smallest_area", "largest_ratio", "rotation", "brightness", "contrast", "saturation", "hue"}


@pytest.mark.parametrize("row", AUGMENTATIONS.values(), ids=list(AUGMENTATIONS))
def test_everything_that_a_row_does_is_said_with_its_number(row: Augmentation) -> None:
    said = " ".join(phrases(row))
    assert bool(said) is not row.changes_nothing
    for word, holds in (
        ("mirrored in", row.mirror), ("upside down", row.upside_down), ("quarter", row.quarter_turns),
        ("degrees", row.rotation), ("brightness", row.brightness), ("contrast", row.contrast),
        ("and colour", row.saturation), ("tint", row.hue), ("cropped to", row.smallest_area < 1),
        ("stretched", row.largest_ratio > 1),
    ):  # fmt: skip
        assert (word in said) is bool(holds), word
    for reach in (row.brightness, row.contrast, row.saturation, row.hue, 1 - row.smallest_area and row.smallest_area):
        assert not reach or f"{round(100 * reach)}" in said
    assert all(line[0].isupper() and line.endswith(".") for line in lines(row))
    assert ("Never mirrored." in lines(row)) is (not row.mirror and not row.changes_nothing)


def test_colours_that_reach_as_far_share_a_phrase() -> None:
    assert phrases(AUGMENTATIONS["photos"])[-1] == "brightness, contrast and colour up to 20 % lower or higher"
    assert phrases(AUGMENTATIONS["radiograph"])[-2:] == [
        "brightness up to 10 % lower or higher",
        "contrast up to 15 % lower or higher",
    ]


def test_the_review_says_what_is_done_and_how_views_take_turns() -> None:
    assert sentence(Training(views=4)) == (
        "Training images are varied by the kind 'Photographs': cropped to 60 to 100 % of the picture (a long one to less), "
        "stretched by up to 33 %, mirrored in half of the views, brightness, contrast and colour up to 20 % lower or higher. "
        "While lower layers are frozen, 4 views of each image take turns, and a new one joins them after every 10 epochs."
    )
    assert sentence(Training(views=1)).endswith("lower or higher.")
    assert sentence(Training(views=4, view_every=0)).endswith("4 views of each image take turns.")
    assert "take turns" not in sentence(Training())


def test_the_review_says_why_nothing_is_mirrored() -> None:
    own, kind = Training(mirror=False), Training(augmentation="radiograph")
    assert sentence(own).endswith(", and never mirrored, since left and right matter.")
    assert sentence(Training(), answer=True) == sentence(own)
    assert sentence(kind).endswith("lower or higher, and never mirrored.")
    assert sentence(kind, answer=False) == sentence(Training(augmentation="radiograph", mirror=True))
    assert sentence(Training(mirror=True), answer=True) == sentence(Training()), "set for this run goes first"


def test_without_variation_the_review_says_so() -> None:
    plain = "Training images are not varied: each is shown as it is, every time."
    assert sentence(Training(augmentation="off", mirror=True, views=1)) == plain
    assert lines(in_use("off", None)) == ["Each training image is shown as it is, every time."]
