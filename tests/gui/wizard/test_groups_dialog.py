"""What keeps images together: each way with its effect, the own pattern while one types, and the change that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
from helpers.images_page import (
    changes_asked,
    dialog_of,
    found,
    images_bench,
    images_page,
    journal,
    read,
    real_images_bench,
    refused,
    scanned,
)
from helpers.pictures import write_picture
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import GroupsTried, ReadTable, ScanSummary, TableRead, TryGroups
from tlgui.core.intake import GroupBy, SetTable
from tlgui.core.records import Grouping, LayoutFacts, NameExample, TableColumns
from tlgui.gui.wizard.images import openers
from tlgui.gui.wizard.images.group_choices import choices, counts_words, doubt_words
from tlgui.gui.wizard.images.groups_dialog import GroupsDialog
from tlgui.gui.wizard.images.name_example import NameExampleLabel
from tlgui.gui.wizard.images_page import ImagesPage

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 30_000
PERSON = r"pattern:^person(\d+)"
NAMES = [NameExample(name=f"person{n}_a.png", start=6, end=7) for n in (1, 1, 2, 3, 4)]
PROPOSED = Grouping(
    key=PERSON, sentence="the number after 'person' in the file name", groups=10, largest=4, without=2, examples=NAMES
)
COLUMNS = TableColumns(file="image", labels=["label"], group="patient")
TABLE = LayoutFacts(name="label table", table="labels.csv", columns=COLUMNS)
Open = Callable[..., GroupsDialog]


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


@pytest.fixture
def page(bench: Bench, qtbot: QtBot) -> ImagesPage:
    return images_page(bench, qtbot)


@pytest.fixture
def opened(page: ImagesPage, bench: Bench, tmp_path: Path) -> Open:
    """Opens the dialog on a folder of forty images."""

    def open_it(**fields: Any) -> GroupsDialog:
        bench.found(tmp_path, found(**fields))
        openers.open_groups(bench, page)
        return dialog_of(page, GroupsDialog)

    return open_it


def tried(bench: Bench, grouping: Grouping = PROPOSED, problem: str = "") -> None:
    """The child says what a key would do."""
    bench.fake_imaging.answered.emit(GroupsTried(ticket=bench.scan_ticket or 0, grouping=grouping, problem=problem))


def asked(bench: Bench) -> list[str]:
    return [request.key for request in bench.fake_imaging.asked if isinstance(request, TryGroups)]


def examples(dialog: GroupsDialog) -> list[str]:
    return [label.accessibleName() for label in dialog.findChildren(NameExampleLabel) if label.isVisibleTo(dialog)]


def write(dialog: GroupsDialog, qtbot: QtBot, pattern: str) -> None:
    """Types a pattern in place of the one that stands there."""
    dialog.fields.button("own").click()
    dialog.fields.pattern.selectAll()
    qtbot.keyClicks(dialog.fields.pattern, pattern)
    qtbot.waitSignal(dialog.fields.changed, timeout=PATIENCE_MS).wait()


def test_what_is_in_use_is_chosen_and_what_the_names_suggest_is_offered(opened: Open, qtbot: QtBot) -> None:
    dialog = opened(proposed=PROPOSED)
    assert dialog.key == "none" and "Nothing keeps images together" in read(dialog)
    assert dialog.fields.button(PERSON).text() == "The number after 'person' in the file name"
    dialog.fields.button(PERSON).click()
    shown = read(dialog)
    assert "Kept together by the number after 'person' in the file name" in shown
    assert "10 groups, the largest of 4 images. 2 images without it stand alone." in shown
    assert examples(dialog)[0] == "person1_a.png, kept together by '1'" and len(examples(dialog)) == 5


def test_using_it_is_one_change_and_the_dialog_stays_for_the_measurement(
    opened: Open, bench: Bench, qtbot: QtBot
) -> None:
    dialog = opened(proposed=PROPOSED)
    assert not dialog.measure.isEnabled() and "Nothing is kept together yet" in dialog.measure.toolTip()
    dialog.fields.button(PERSON).click()
    qtbot.mouseClick(dialog.use, LEFT)
    assert changes_asked(bench) == [GroupBy(key=PERSON)]
    assert not dialog.use.isEnabled()
    scanned(bench, found(grouping=PROPOSED, groups=10, changes=journal(GroupBy(key=PERSON))))
    assert dialog.isVisible() and "In use." in read(dialog)
    assert not dialog.use.isEnabled() and dialog.use.toolTip() == "This is in use already."
    assert dialog.measure.isEnabled()


def test_nothing_can_be_decided_on_so_that_it_is_not_suggested_again(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened(proposed=PROPOSED)
    qtbot.mouseClick(dialog.use, LEFT)
    assert changes_asked(bench) == [GroupBy(key="none")]
    scanned(bench, found(grouping=Grouping(sentence="nothing"), changes=journal(GroupBy(key="none"))))
    assert not dialog.use.isEnabled()


def test_an_own_pattern_is_tried_while_one_types(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened(proposed=PROPOSED)
    write(dialog, qtbot, r"case(\d+)")
    assert asked(bench)[-1] == r"pattern:case(\d+)"
    assert "Counting the groups" in read(dialog) and not dialog.use.isEnabled()
    example = NameExample(name="case77_b.png", start=4, end=6)
    own = Grouping(
        key=r"pattern:case(\d+)", sentence="the number after 'case'", groups=5, largest=9, examples=[example]
    )
    tried(bench, own)
    assert "5 groups, the largest of 9 images." in read(dialog)
    assert examples(dialog) == ["case77_b.png, kept together by '77'"]
    qtbot.mouseClick(dialog.use, LEFT)
    assert changes_asked(bench) == [GroupBy(key=r"pattern:case(\d+)")]


def test_a_pattern_that_is_none_is_answered_beneath_the_field(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened()
    write(dialog, qtbot, "case(")
    tried(bench, Grouping(), "'case(' is no regular expression: missing ). Write it like 'patient(\\d+)'.")
    assert "is no regular expression" in dialog.fields.problem.text() and dialog.fields.problem.isVisible()
    assert not dialog.use.isEnabled() and "is no regular expression" in dialog.use.toolTip()
    write(dialog, qtbot, r"case(\d+)")
    assert not dialog.fields.problem.isVisible()


def test_a_pattern_that_no_name_shows_cannot_be_used(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened()
    assert dialog.fields.button("own")
    write(dialog, qtbot, r"zzz(\d+)")
    tried(bench, Grouping(key=r"pattern:zzz(\d+)", sentence="x", without=40))
    assert "No file name shows it." in read(dialog) and not dialog.use.isEnabled()


def test_only_the_answer_to_the_last_pattern_is_shown(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened()
    write(dialog, qtbot, r"a(\d+)")
    write(dialog, qtbot, r"b(\d+)")
    tried(bench, Grouping(key=r"pattern:a(\d+)", sentence="the older", groups=3, largest=2))
    assert "the older" not in read(dialog)
    tried(bench, Grouping(key=r"pattern:b(\d+)", sentence="the newer", groups=3, largest=2))
    assert "Kept together by the newer" in read(dialog)


def test_an_empty_pattern_asks_nothing(opened: Open, bench: Bench) -> None:
    dialog = opened()
    dialog.fields.button("own").click()
    assert asked(bench) == [] and "Write a pattern first." in read(dialog) and not dialog.use.isEnabled()


def test_patient_and_study_are_offered_where_there_are_dicom_files(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    patient = Grouping(key="dicom:patient", sentence="the patient that each DICOM file names", groups=9, largest=6)
    dialog = opened(dicom_images=40, grouping=patient, groups=9)
    assert dialog.key == "dicom:patient" and "9 groups, the largest of 6 images." in read(dialog)
    dialog.fields.button("dicom:study").click()
    assert asked(bench) == ["dicom:study"] and not dialog.use.isEnabled()
    tried(bench, Grouping(key="dicom:study", sentence="the study that each DICOM file names", groups=12, largest=5))
    assert "12 groups, the largest of 5 images." in read(dialog)
    qtbot.mouseClick(dialog.use, LEFT)
    assert changes_asked(bench) == [GroupBy(key="dicom:study")]


def test_a_column_of_the_table_is_chosen_and_read(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened(facts=TABLE)
    ticket = bench.scan_ticket or 0
    assert ReadTable(ticket=ticket, table="labels.csv", columns=COLUMNS) in bench.fake_imaging.asked
    header = ["image", "label", "patient", "slide"]
    bench.fake_imaging.answered.emit(
        TableRead(ticket=ticket, table="labels.csv", header=header, rows=[], row_count=40, columns=COLUMNS)
    )
    combo = dialog.fields.combo
    assert [combo.itemText(place) for place in range(combo.count())] == ["patient", "slide"]
    dialog.fields.button("column").click()
    assert dialog.key == "column:patient"
    tried(bench, Grouping(key="column:patient", sentence="the column 'patient' of the label table"))
    combo.setCurrentIndex(1)
    combo.activated.emit(1)
    tried(bench, Grouping(key="column:slide", sentence="the column 'slide' of the label table"))
    qtbot.mouseClick(dialog.use, LEFT)
    slide = TableColumns(file="image", labels=["label"], group="slide")
    assert changes_asked(bench) == [SetTable(table="labels.csv", columns=slide), GroupBy(key="column:slide")]


def test_the_column_that_the_table_is_read_for_needs_no_other_reading(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened(facts=TABLE)
    dialog.fields.button("column").click()
    tried(bench, Grouping(key="column:patient", sentence="the column 'patient' of the label table"))
    qtbot.mouseClick(dialog.use, LEFT)
    assert changes_asked(bench) == [GroupBy(key="column:patient")]


def test_a_refused_decision_is_shown_and_can_be_tried_again(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened(proposed=PROPOSED)
    dialog.fields.button(PERSON).click()
    qtbot.mouseClick(dialog.use, LEFT)
    refused(bench, "ChangeIntake", "The project cannot be written.", "Free some space.")
    assert "The project cannot be written." in read(dialog) and dialog.use.isEnabled()


def test_with_another_folder_the_dialog_goes(opened: Open, bench: Bench, tmp_path: Path) -> None:
    dialog = opened()
    bench.open_folder(tmp_path / "other")
    assert not dialog.isVisible()


def test_the_choices_follow_what_the_folder_allows() -> None:
    def names(summary: ScanSummary) -> list[str]:
        return [choice.name for choice in choices(summary)]

    assert names(found()) == ["none", "own"]
    assert names(found(dicom_images=3, facts=TABLE, proposed=PROPOSED)) == [
        "none", "dicom:patient", "dicom:study", "column", PERSON, "own",
    ]  # fmt: skip


def test_a_table_without_another_column_offers_none(opened: Open, bench: Bench) -> None:
    columns = TableColumns(file="image", labels=["label"])
    dialog = opened(facts=LayoutFacts(name="label table", table="labels.csv", columns=columns))
    assert dialog.fields.button("column").isEnabled()
    bench.fake_imaging.answered.emit(
        TableRead(
            ticket=bench.scan_ticket or 0, table="labels.csv", header=["image", "label"], rows=[], row_count=40,
            columns=columns,
        )
    )  # fmt: skip
    assert not dialog.fields.button("column").isEnabled()
    assert "The label table has no column beside those" in read(dialog)


def test_what_speaks_against_a_key_is_said() -> None:
    def doubt(groups: int, largest: int, without: int = 0) -> str:
        return doubt_words(Grouping(key="x", groups=groups, largest=largest, without=without), 40)

    assert doubt(10, 4) == ""
    assert "keeps nothing together" in doubt(40, 1)
    assert "fewer than three" in doubt(2, 20)
    assert "30 of 40 images" in doubt(5, 30)
    assert "more than half" in doubt(5, 3, without=30)
    assert counts_words(Grouping(key="dicom:patient", without=40)).startswith("No image tells it")


@pytest.mark.slow
def test_a_real_folder_is_grouped_by_its_names(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for kind, name in enumerate("ab"):
        for number in range(12):
            write_picture(folder / name / f"case{number // 2 + 20 * kind}_{number}.png", kind, number)
    with real_images_bench(qapp, tmp_path) as bench:
        page = images_page(bench, qtbot)
        bench.open_folder(folder)
        qtbot.waitUntil(lambda: bench.draft.summary is not None, timeout=PATIENCE_MS)
        openers.open_groups(bench, page)
        dialog = dialog_of(page, GroupsDialog)
        write(dialog, qtbot, r"case(\d+)_")
        qtbot.waitUntil(lambda: "12 groups, the largest of 2 images." in read(dialog), timeout=PATIENCE_MS)
        qtbot.mouseClick(dialog.use, LEFT)
        qtbot.waitUntil(lambda: "In use." in read(dialog), timeout=PATIENCE_MS)
        summary = bench.draft.summary
        assert summary is not None and summary.groups == 12 and dialog.measure.isEnabled()
