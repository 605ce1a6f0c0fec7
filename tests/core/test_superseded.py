"""Decisions that later ones replaced are found, and nothing else."""

from __future__ import annotations

from tlgui.core.intake import (
    CropBorder,
    CutTest,
    GroupBy,
    KeepTogether,
    LeaveOutClass,
    RenameClass,
    SetColour,
    UseFold,
)  # fmt: skip
from tlgui.core.superseded import without_effect


def test_of_decisions_about_one_thing_the_last_one_holds() -> None:
    folds = [UseFold(number=1, of=5), CutTest(), UseFold(number=2, of=5), UseFold(number=3, of=5)]
    assert without_effect(folds) == {0, 2}
    assert without_effect([GroupBy(key="none"), CropBorder(share=0.1), GroupBy(key="dicom:study")]) == {0}
    assert without_effect([LeaveOutClass(name="a"), RenameClass(old="b", new="c"), RenameClass(old="a", new="d")]) == {
        0
    }


def test_of_equal_decisions_the_last_one_stays() -> None:
    assert without_effect([CutTest(), CutTest()]) == {0}


def test_what_leads_back_to_the_beginning_has_no_effect() -> None:
    assert without_effect([SetColour(colour="grey"), SetColour(colour="as stored")]) == {0, 1}


def test_what_adds_up_all_counts() -> None:
    assert not without_effect([KeepTogether(groups=[["a", "b"]]), KeepTogether(groups=[["c", "d"]]), CutTest()])
    assert not without_effect([])
