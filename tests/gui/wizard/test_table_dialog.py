"""Labels from a table: columns are chosen, counts follow, and what is wrong is said in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.bench import Bench
from helpers.images_page import changes_asked, dialog_of, entries, found, images_bench, images_page, read, refused
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import ReadTable, TableRead
from tlgui.core.intake import SetTable
from tlgui.core.records import LayoutFacts, TableColumns
from tlgui.gui.wizard.images.table_dialog import TableDialog, counts_words
from tlgui.gui.wizard.images_page import ImagesPage

LEFT = Qt.MouseButton.LeftButton
COLUMNS = TableColumns(file="image", labels=["label"])
HEADER = ["image", "label", "part", "patient", "round", "star"]


def table_read(**fields: Any) -> TableRead:
    plain = TableRead(
        ticket=1, table="labels.csv", header=HEADER, rows=[["1.png", "round", "train", "P1", "1", "0"], ["2.png"]],
        row_count=240, columns=COLUMNS, evidence=["Semicolons part the columns."], matched=236,
        unmatched=["a/5.png"] * 4, classes={"round": 120, "star": 116},
    )  # fmt: skip
    return msgspec.structs.replace(plain, **fields)


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


@pytest.fixture
def page(bench: Bench, qtbot: QtBot, tmp_path: Path) -> ImagesPage:
    page = images_page(bench, qtbot)
    bench.found(tmp_path, found(facts=LayoutFacts(name="class folders", tables=["labels.csv", "other.csv"])))
    return page


@pytest.fixture
def dialog(page: ImagesPage, qtbot: QtBot) -> TableDialog:
    qtbot.mouseClick(page.layout_card.button, LEFT)
    entries(page.dialogs.menu)["Labels from a table…"].trigger()
    return dialog_of(page, TableDialog)


def choose(combo: QComboBox, text: str) -> None:
    place = combo.findText(text)
    combo.setCurrentIndex(place)
    combo.activated.emit(place)


def answer(bench: Bench, **fields: Any) -> None:
    bench.fake_imaging.answered.emit(table_read(ticket=bench.scan_ticket, **fields))


def test_what_is_recognised_is_shown_with_its_evidence_and_counts(
    dialog: TableDialog, bench: Bench, qtbot: QtBot
) -> None:
    assert bench.fake_imaging.asked == [ReadTable(ticket=bench.scan_ticket or 0, table="labels.csv")]
    assert not dialog.use.isEnabled()
    answer(bench)
    shown = read(dialog)
    assert "236 of 240 rows name a file of this folder." in shown and "2 classes: round 120, star 116." in shown
    assert "Semicolons part the columns." in shown
    assert (dialog.fields.file.currentText(), dialog.fields.split.currentText()) == ("image", "none")
    assert dialog.preview is not None and dialog.preview.cell_text(0, 1) == "round"
    qtbot.mouseClick(dialog.use, LEFT)
    assert changes_asked(bench) == [SetTable(table="labels.csv", columns=COLUMNS)]


def test_another_column_is_counted_at_once_and_only_the_last_choice_counts(dialog: TableDialog, bench: Bench) -> None:
    answer(bench)
    choose(dialog.fields.split, "part")
    choose(dialog.fields.group, "patient")
    asked = bench.fake_imaging.asked[-1]
    assert asked.columns == TableColumns(file="image", labels=["label"], split="part", group="patient")
    answer(bench, matched=1)
    assert not dialog.use.isEnabled()
    answer(bench, columns=asked.columns, matched=230)
    assert dialog.use.isEnabled() and "230 of 240" in read(dialog)


def test_one_column_for_each_class_is_ticked(dialog: TableDialog, bench: Bench) -> None:
    answer(bench)
    before = len(bench.fake_imaging.asked)
    choose(dialog.fields.label, "Several columns, one for each class")
    assert dialog.fields.one_hot.isVisible() and not dialog.use.isEnabled()
    dialog.fields.one_hot.item(4).setCheckState(Qt.CheckState.Checked)
    assert len(bench.fake_imaging.asked) == before  # one column is no choice yet
    dialog.fields.one_hot.item(5).setCheckState(Qt.CheckState.Checked)
    several = TableColumns(file="image", labels=["round", "star"])
    assert bench.fake_imaging.asked[-1].columns == several
    problem = "Row 7 has a 1 in two columns, 'round' and 'star': an image has one class."
    answer(bench, columns=several, problem=problem)
    assert problem in read(dialog)
    assert not dialog.use.isEnabled() and dialog.use.toolTip() == problem


def test_a_table_that_cannot_be_read_is_answered_with_a_sentence(dialog: TableDialog, bench: Bench) -> None:
    refused(bench, "ReadTable", "'labels.csv' holds no table.", "Choose another file.")
    assert "'labels.csv' holds no table. Choose another file." in read(dialog)
    assert not dialog.use.isEnabled()


def test_a_table_from_elsewhere_is_shown_by_its_own_name_alone(
    dialog: TableDialog, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    answer(bench)
    qtbot.mouseClick(dialog.other, LEFT)
    files = dialog.findChild(QFileDialog)
    assert files is not None
    files.fileSelected.emit(str(tmp_path / "far" / "list.xlsx"))
    files.reject()
    assert bench.fake_imaging.asked[-1].table == str(tmp_path / "far" / "list.xlsx")
    answer(bench, table="list.xlsx")
    assert str(tmp_path) not in read(dialog)
    qtbot.mouseClick(dialog.use, LEFT)
    assert changes_asked(bench)[0] == SetTable(table=str(tmp_path / "far" / "list.xlsx"), columns=COLUMNS)


def test_without_a_label_table_in_sight_the_columns_are_asked_for(dialog: TableDialog, bench: Bench) -> None:
    answer(bench, columns=None, matched=0, classes={})
    assert "Choose the column with the file names" in read(dialog)
    assert not dialog.use.isEnabled()
    choose(dialog.fields.file, "image")
    choose(dialog.fields.label, "label")
    assert bench.fake_imaging.asked[-1].columns == COLUMNS


def test_names_of_columns_are_shown_letter_by_letter(dialog: TableDialog, bench: Bench) -> None:
    answer(bench, header=["<b>x</b>", "a & b"], rows=[["<i>1</i>", "2"]], columns=None)
    assert dialog.fields.file.itemText(0) == "<b>x</b>"
    assert dialog.preview is not None and dialog.preview.cell_text(0, 0) == "<i>1</i>"


def test_counts_in_words() -> None:
    assert (
        counts_words(table_read(matched=240, unmatched=[], classes={})) == "240 of 240 rows name a file of this folder."
    )
    one = counts_words(table_read(matched=239, unmatched=["x/9.png"], classes={}))
    assert one == "239 of 240 rows name a file of this folder. One does not: '9.png'."
    assert "Four do not: '5.png', '5.png', '5.png' and 1 more." in counts_words(table_read())
