"""A zip or a table that is dropped: unpacked and read, or the folder that it lies in with the labels from it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench, make_run
from helpers.images_page import changes_asked, found, images_bench, images_page, read, refused, scanned
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import Refused, ScanProgress, Unpacked
from tlgui.core.intake import SetTable
from tlgui.core.records import LayoutFacts
from tlgui.gui.pages.start.dropped import Meaning, meaning_of
from tlgui.gui.pages.start_page import StartPage
from tlgui.gui.wizard.images_page import ImagesPage


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


def a_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/1.png", b"x")
    return path


def test_a_zip_is_known_by_its_content_and_a_table_by_its_suffix(tmp_path: Path) -> None:
    unnamed = a_zip(tmp_path / "photos")
    table = tmp_path / "Labels.CSV"
    table.write_text("file,label\n")
    sheet = a_zip(tmp_path / "labels.xlsx")
    text = tmp_path / "notes.zip.txt"
    text.write_text("no archive")
    assert meaning_of([unnamed]) == Meaning(archive=unnamed)
    assert meaning_of([table]) == Meaning(images=tmp_path, table="Labels.CSV")
    assert meaning_of([sheet]) == Meaning(images=tmp_path, table="labels.xlsx")
    assert "is a single file" in meaning_of([text]).problem


def test_a_zip_dropped_on_the_start_page_is_unpacked_with_progress_and_then_read(
    bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    start = StartPage(bench)
    qtbot.addWidget(start)
    page = images_page(bench, qtbot)
    archive = a_zip(tmp_path / "photos.zip")
    with qtbot.waitSignal(bench.page_asked) as asked:
        start.images.dropped.emit([archive])
    assert asked.args == ["images"] and bench.fake_imaging.unpacked == [archive]
    assert page.reading.row.text().startswith("Unpacking the zip file")
    assert not page.empty.isVisible() and not page.layout_card.isVisible()
    assert page.hint() == "Choose a folder of images first." or "read" in page.hint()

    ticket = bench.fake_imaging._ticket
    bench.fake_imaging.answered.emit(ScanProgress(ticket=ticket, done=2_000_000, total=8_000_000))
    assert page.reading.row.text() == "Unpacking the zip file 2.0 MB of 8.0 MB"
    bench.fake_imaging.answered.emit(Unpacked(ticket=ticket, folder=str(tmp_path / "unpacked")))
    assert bench.fake_imaging.scanned == [tmp_path / "unpacked"]
    assert page.reading.row.text().startswith("Looking into the folder")


def held_over(page: ImagesPage, path: Path) -> bool:
    """Drags the path over the page and lets go where it is taken; whether it was."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    where, button, keys = QPoint(300, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where, Qt.DropAction.CopyAction, data, button, keys)
    enter.ignore()
    QApplication.sendEvent(page, enter)
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(page, QDropEvent(QPointF(where), Qt.DropAction.CopyAction, data, button, keys))
    return True


def test_another_set_can_be_dropped_on_the_page_that_shows_one_but_not_on_a_run(
    bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    page = images_page(bench, qtbot)
    bench.found(tmp_path)
    archive = a_zip(tmp_path / "photos.zip")
    assert held_over(page, archive)
    qtbot.waitUntil(lambda: bench.fake_imaging.unpacked == [archive])
    with qtbot.waitSignal(bench.page_asked):
        bench.open_run(make_run())
    assert not held_over(page, archive)


def test_unpacking_can_be_cancelled(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    page = images_page(bench, qtbot)
    bench.open_archive(tmp_path / "photos.zip")
    ticket = bench.fake_imaging._ticket
    cancel = page.reading.row.findChild(QAbstractButton)
    assert cancel is not None
    qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    assert ticket in bench.fake_imaging.forgotten
    assert page.empty.isVisible() and not bench.draft.scanning
    bench.fake_imaging.answered.emit(Unpacked(ticket=ticket, folder=str(tmp_path)))
    assert bench.fake_imaging.scanned == []


def test_a_zip_that_is_not_safe_is_refused_with_the_reason(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    page = images_page(bench, qtbot)
    bench.open_archive(tmp_path / "photos.zip")
    bench.fake_imaging.answered.emit(
        Refused(
            ticket=bench.fake_imaging._ticket, request="Unpack", problem="'photos.zip' holds a path that leads outside.",
            remedy="Unpack it by hand.",
        )
    )  # fmt: skip
    assert "'photos.zip' holds a path that leads outside." in read(page.refused)
    assert not page.reading.isVisible()


def test_a_dropped_table_gives_the_labels_of_its_folder(bench: Bench, tmp_path: Path) -> None:
    assert bench.open_meaning(Meaning(images=tmp_path, table="labels.csv"))
    scanned(bench, found())
    assert changes_asked(bench) == [SetTable(table="labels.csv")]
    scanned(bench, found(layout="label table", facts=LayoutFacts(name="label table", table="labels.csv")))
    assert len(bench.fake_imaging.asked) == 1


def test_a_dropped_table_that_is_recognised_already_needs_no_decision(bench: Bench, tmp_path: Path) -> None:
    bench.open_meaning(Meaning(images=tmp_path, table="labels.csv"))
    scanned(bench, found(layout="label table", facts=LayoutFacts(name="label table", table="labels.csv")))
    assert bench.fake_imaging.asked == []


def test_a_folder_without_classes_is_tried_with_the_dropped_table(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    page = images_page(bench, qtbot)
    bench.open_meaning(Meaning(images=tmp_path, table="labels.csv"))
    refused(bench, "ScanFolder", "No class folder was found.")
    assert changes_asked(bench) == [SetTable(table="labels.csv")]
    refused(bench, "ChangeIntake", "'labels.csv' names no file of this folder.")
    assert "'labels.csv' names no file of this folder." in read(page.refused)
    assert not page.not_done.isVisible()
    bench.intake.change(SetTable(table="other.csv"))
    scanned(bench, found())
    assert page.classes.isVisible() and not page.refused.isVisible() and page.primary.isEnabled()
