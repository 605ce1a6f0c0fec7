"""How training images may be varied: each row of the table, and the answer on left and right."""

from __future__ import annotations

import msgspec
import pytest

from tlgui.core.augmentations import AUGMENTATIONS, Augmentation, augmentation, in_use
from tlgui.core.errors import UserError
from tlgui.core.run_spec import Training

EVERY_ROW = pytest.mark.parametrize("row", AUGMENTATIONS.values(), ids=list(AUGMENTATIONS))
WORDS = ("name", "label", "sentence", "asks_mirror", "too_large")


def effect(row: Augmentation) -> dict[str, object]:
    """What a row does, without its words."""
    return {name: value for name, value in msgspec.structs.asdict(row).items() if name not in WORDS}


@EVERY_ROW
def test_a_row_says_itself_and_stays_within_reason(row: Augmentation) -> None:
    assert AUGMENTATIONS[row.name] is row and augmentation(row.name) is row
    assert row.label and row.sentence.endswith(".")
    assert 0 < row.smallest_area <= 1 and row.largest_ratio >= 1
    assert 0 <= row.rotation <= 10, "a small angle: the corners show the border mirrored"
    assert all(0 <= reach < 0.5 for reach in (row.brightness, row.contrast, row.saturation, row.hue))


@EVERY_ROW
def test_no_medical_image_is_cut_below_three_fifths(row: Augmentation) -> None:
    """methods.md 1; only the tutorial's own crop goes further, by name."""
    assert row.smallest_area >= 0.6 or row.name == "tutorial"
    if row.name in ("microscopy", "radiograph"):
        assert row.too_large == "squeeze", "nor a long one"


def test_the_tutorials_row_is_random_resized_crop_flip_and_colour_jitter() -> None:
    row = augmentation("tutorial")
    assert (row.smallest_area, row.largest_ratio, row.too_large) == (0.08, 4 / 3, "draw again")
    assert (row.mirror, row.brightness, row.contrast, row.saturation, row.hue) == (True, 0.2, 0.2, 0.2, 0.0)


def test_no_two_rows_do_the_same_and_off_does_nothing() -> None:
    effects = [effect(row) for row in AUGMENTATIONS.values()]
    assert all(one != other for place, one in enumerate(effects) for other in effects[:place])
    plain = effect(Augmentation(name="", label="", sentence=""))
    assert [name for name, row in AUGMENTATIONS.items() if effect(row) == plain] == ["off"]
    assert [row.name for row in AUGMENTATIONS.values() if row.changes_nothing] == ["off"]


def test_a_name_that_is_unknown_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UserError) as caught:
        augmentation("strong")
    assert caught.value.problem == "There is no augmentation named 'strong'."
    assert all(name in caught.value.remedy for name in AUGMENTATIONS)


def test_the_default_of_a_run_is_a_row() -> None:
    assert Training().augmentation in AUGMENTATIONS and Training().mirror is None


@EVERY_ROW
def test_without_an_answer_the_row_holds_as_it_is(row: Augmentation) -> None:
    assert in_use(row.name, None) is row


@EVERY_ROW
def test_the_persons_answer_goes_before_the_row(row: Augmentation) -> None:
    never, may = in_use(row.name, mirror=False), in_use(row.name, mirror=True)
    if row.changes_nothing:
        assert never is row and may is row
        return
    assert (never.mirror, may.mirror) == (False, True)
    assert not never.upside_down, "upside down is mirrored and turned by half"
    assert may.upside_down is row.upside_down
    others = ("mirror", "upside_down")
    for one in (never, may):
        assert [value for name, value in effect(one).items() if name not in others] == [
            value for name, value in effect(row).items() if name not in others
        ]


def test_where_letters_and_organs_are_the_person_is_asked_and_nothing_is_mirrored_meanwhile() -> None:
    for name in ("radiograph", "documents"):
        row = augmentation(name)
        assert row.asks_mirror and not row.mirror and not row.upside_down
    assert not augmentation("photos").asks_mirror and not augmentation("microscopy").asks_mirror
