"""Zip archives that are let go on the start page of the real window: unpacked, read and trained on, or refused whole."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest
from helpers.command_line import content_of
from helpers.intake_sets import manifest_rows, traces
from helpers.pictures import write_dataset
from helpers.window import Visit, fake
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core import run_spec
from tlgui.core.project import find_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_level_fail("WARNING"),
    pytest.mark.qt_log_ignore("This plugin does not support"),
]
PICTURE = b"\x89PNG\r\n\x1a\n"  # no archive here is read so far that it matters


def let_go_on_the_start_page(visit: Visit, path: Path) -> None:
    """As the mouse does it: drag over the tile, let go."""
    tile = visit.page.images
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    where, button, keys = QPoint(60, 60), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where, Qt.DropAction.CopyAction, data, button, keys)
    QApplication.sendEvent(tile, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(tile, QDropEvent(QPointF(where), Qt.DropAction.CopyAction, data, button, keys))


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as out:
        for name, content in content_of(folder).items():
            out.writestr(f"{folder.name}/{name}", content)
    return archive


def escapes(out: zipfile.ZipFile) -> None:
    out.writestr("cats/1.png", PICTURE)
    out.writestr("../../escaped.png", PICTURE)


def links(out: zipfile.ZipFile) -> None:
    out.writestr("cats/1.png", PICTURE)
    link = zipfile.ZipInfo("dogs")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out.writestr(link, "/etc")


def explodes(out: zipfile.ZipFile) -> None:
    for number in range(12):
        out.writestr(f"cats/{number}.png", bytes(10_000_000), zipfile.ZIP_DEFLATED)


HOSTILE = {
    "escape": (escapes, "would be written outside of the folder"),
    "link": (links, "is a link or a device, not a file"),
    "bomb": (explodes, "times as large, as archives are that are meant to fill a disk"),
}


def test_a_zip_is_unpacked_read_and_trained_on(qtbot: QtBot, tmp_path: Path) -> None:
    images = write_dataset(tmp_path / "here" / "leaves", {"across": 20, "down": 20})
    archive = zipped(images, tmp_path / "here" / "from a colleague.zip")
    before = content_of(tmp_path / "here")
    projects = Path(os.environ["TLGUI_PROJECTS_DIR"])
    with Visit(qtbot) as visit:
        visit.until_page("start")
        let_go_on_the_start_page(visit, archive)
        visit.until_page("images")
        visit.until(lambda: visit.bench.draft.summary is not None, "the end of the scan")
        data = visit.bench.draft.data
        assert data == projects / "from a colleague" / "from a colleague"
        assert {row.name: row.total for row in visit.bench.draft.summary.classes} == {"across": 20, "down": 20}
        visit.bench.draft.set_training("epochs", 1)
        visit.window.show_page("review")
        visit.press_soon("Start training")
        visit.until_page("train")
        visit.until_state("complete", "failed", "crashed", patience_s=240)
        assert visit.run.state == "complete", visit.words()
        run = visit.bench.run_folder.path
    assert visit.left_behind() == []
    assert run.parent == projects / "from a colleague" / "runs"
    assert len([row for row in manifest_rows(run) if row["split"] != "left_out"]) == 40
    spec = run_spec.read(run / "run.toml")
    assert spec.dataset is not None and spec.dataset.classes == ["across", "down"]
    unpacked = content_of(data)
    assert find_project(data, list(unpacked)).path == projects / "from a colleague"
    assert sorted(unpacked.values()) == sorted(content_of(images).values())
    assert content_of(tmp_path / "here") == before
    assert traces(run.parent.parent, [str(tmp_path)]) == []

    # Let go once more, it is known: nothing is unpacked a second time, and the project is the same.
    with Visit(qtbot, fake()) as visit:
        visit.until_page("start")
        let_go_on_the_start_page(visit, archive)
        visit.until_page("images")
        visit.until(lambda: visit.bench.draft.summary is not None, "the end of the scan")
        assert visit.bench.draft.data == data
    assert [path.name for path in projects.iterdir() if path.is_dir()] == ["from a colleague"]


def test_a_hostile_zip_is_refused_in_words_and_nothing_is_written(qtbot: QtBot, tmp_path: Path) -> None:
    projects = Path(os.environ["TLGUI_PROJECTS_DIR"])
    with Visit(qtbot, fake()) as visit:
        for name, (fill, words) in HOSTILE.items():
            archive = tmp_path / f"{name}.zip"
            with zipfile.ZipFile(archive, "w") as out:
                fill(out)
            before = content_of(tmp_path)
            visit.window.show_page("start")
            visit.until_page("start")
            let_go_on_the_start_page(visit, archive)
            visit.until_page("images")
            visit.until(lambda: visit.bench.draft.scan_error is not None, f"the refusal of {name}")
            visit.until_reads(f"'{name}.zip' is not unpacked")
            visit.until_reads(words)
            visit.until_reads("Unpack it by hand, look at it, and choose the folder.")
            assert not visit.can_press("Next: Backbone")
            assert list(projects.iterdir() if projects.exists() else ()) == []
            assert content_of(tmp_path) == before
        # The window is as good as new.
        visit.press_soon("Choose another folder…")
        visit.choose_soon(write_dataset(tmp_path / "good", {"a": 4, "b": 4}))
        visit.until(lambda: visit.bench.draft.summary is not None, "the end of the scan")
        assert visit.bench.draft.summary.used == 8
    assert visit.left_behind() == []
