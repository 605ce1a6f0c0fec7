"""Notes on a run: opened, saved as they are typed, found again on the start page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench, make_run
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import run_notes
from tlgui.core.errors import UserError
from tlgui.gui.closing import shut_down
from tlgui.gui.notes import NotesButton
from tlgui.gui.notes_dialog import READ_ONLY, SAVED, NotesDialog
from tlgui.gui.settings import Settings


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


@pytest.fixture
def window(qtbot: QtBot, bench: Bench) -> QWidget:
    window = QWidget()
    QVBoxLayout(window).addWidget(NotesButton(bench))
    qtbot.addWidget(window)
    window.show()
    return window


def button(window: QWidget) -> NotesButton:
    (found,) = window.findChildren(NotesButton)
    return found


def opened(window: QWidget, bench: Bench, qtbot: QtBot, path: Path) -> NotesDialog:
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run_folder is not None)
    qtbot.mouseClick(button(window), Qt.MouseButton.LeftButton)
    dialog = button(window).dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: "Reading" not in dialog.state.text())
    return dialog


def test_the_button_is_there_with_a_run_and_waits_for_its_folder(
    window: QWidget, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    assert button(window).isHidden()
    bench.found(tmp_path)
    bench.start_training()
    assert button(window).isVisible() and not button(window).isEnabled()
    assert "once the run has its folder" in button(window).toolTip()
    bench.prepared()
    assert button(window).isEnabled()


def test_what_is_typed_is_saved_a_moment_later(window: QWidget, bench: Bench, qtbot: QtBot) -> None:
    path = make_run()
    dialog = opened(window, bench, qtbot, path)
    qtbot.keyClicks(dialog.edit, "slide 7 is odd")
    qtbot.waitUntil(lambda: dialog.state.text() == SAVED)
    assert run_notes.read(path) == "slide 7 is odd"
    assert "They begin: slide 7 is odd" in button(window).toolTip() and button(window).plain_text == "Notes"
    dialog.reject()


def test_closing_at_once_saves_too(window: QWidget, bench: Bench, qtbot: QtBot) -> None:
    path = make_run()
    dialog = opened(window, bench, qtbot, path)
    qtbot.keyClicks(dialog.edit, "quick")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: run_notes.read(path) == "quick")


def test_notes_stay_with_their_run(window: QWidget, bench: Bench, qtbot: QtBot) -> None:
    first, second = make_run(), make_run()
    run_notes.write(second, "the second")
    dialog = opened(window, bench, qtbot, first)
    qtbot.keyClicks(dialog.edit, "the first")
    bench.open_run(second)
    qtbot.waitUntil(lambda: bench.run_folder is not None and bench.run_folder.path == second)
    dialog.reject()
    qtbot.waitUntil(lambda: run_notes.read(first) == "the first")
    assert run_notes.read(second) == "the second"
    qtbot.waitUntil(lambda: "the second" in button(window).toolTip())


def test_of_many_changes_the_last_one_stays(window: QWidget, bench: Bench, qtbot: QtBot) -> None:
    path = make_run()
    keeper = button(window).keeper
    for number in range(40):
        keeper.keep(path, f"version {number}")
    with qtbot.waitSignal(keeper.kept, check_params_cb=lambda _, text: text == "version 39"):
        pass
    qtbot.wait(20)
    assert run_notes.read(path) == "version 39"


def test_a_read_only_folder_says_so_and_takes_nothing(
    window: QWidget, bench: Bench, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_run()
    run_notes.write(path, "as it was")
    monkeypatch.setattr(run_notes, "may_write", lambda run: False)
    dialog = opened(window, bench, qtbot, path)
    assert dialog.state.text() == READ_ONLY and dialog.edit.isReadOnly()
    qtbot.keyClicks(dialog.edit, "more")
    dialog.reject()
    assert run_notes.read(path) == "as it was"


def test_a_full_disk_is_said_and_the_next_try_writes(
    window: QWidget, bench: Bench, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_run()
    dialog = opened(window, bench, qtbot, path)
    write = run_notes.write

    def full(run: Path, text: str) -> None:
        raise UserError("The notes cannot be kept in the run folder: no space.", "Free some.")

    monkeypatch.setattr(run_notes, "write", full)
    qtbot.keyClicks(dialog.edit, "kept in the field")
    dialog.save()
    qtbot.waitUntil(lambda: "no space" in dialog.state.text())
    monkeypatch.setattr(run_notes, "write", write)
    dialog.save()
    qtbot.waitUntil(lambda: dialog.state.text() == SAVED)
    assert run_notes.read(path) == "kept in the field"
    dialog.reject()


def test_very_long_notes_are_cut_off_with_a_sentence(
    window: QWidget, bench: Bench, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_notes, "MOST_CHARACTERS", 10)
    dialog = opened(window, bench, qtbot, make_run())
    QApplication.clipboard().setText("far too long for it")
    dialog.edit.paste()
    assert dialog.edit.toPlainText() == ""
    assert dialog.state.text() == "Notes hold at most 10 characters."
    dialog.reject()
