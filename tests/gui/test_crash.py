from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, qWarning
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from tlgui.gui import logs
from tlgui.gui.crash import CrashReporter
from tlgui.gui.crash_dialog import CrashDialog
from tlgui.gui.widgets import Button


@pytest.fixture(autouse=True)
def log_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLGUI_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "logs"


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def reporter(qapp: QObject, reports: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[CrashReporter]:
    monkeypatch.setattr(sys, "__stderr__", None)  # as in a build without a console
    reporter = CrashReporter(reports.append, lambda: reports.append("interrupted"))
    with logs.logging_to_file():
        reporter.install()
        yield reporter
        reporter.uninstall()


def raised(error: BaseException) -> None:
    """As a slot that raises: nobody catches it."""
    try:
        raise error
    except BaseException as caught:
        sys.excepthook(type(caught), caught, caught.__traceback__)


def test_a_fault_in_a_slot_is_logged_and_shown_without_a_console(
    reporter: CrashReporter, reports: list[str], log_folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    raised(RuntimeError("the third button broke"))
    qtbot.waitUntil(lambda: len(reports) == 1)

    assert "RuntimeError: the third button broke" in reports[0]
    assert reports[0].startswith("tlgui ")
    assert "the third button broke" in (log_folder / "window.log").read_text()


def test_neither_report_nor_log_holds_a_place(
    reporter: CrashReporter, reports: list[str], log_folder: Path, qtbot: QtBot
) -> None:
    raised(FileNotFoundError(2, "No such file", "/home/anna/patients/Mueller/scan.dcm"))
    qtbot.waitUntil(lambda: len(reports) == 1)

    for text in (reports[0], (log_folder / "window.log").read_text()):
        assert "scan.dcm" in text
        assert "anna" not in text and "Mueller" not in text


def test_a_thread_that_dies_is_shown_too(reporter: CrashReporter, reports: list[str], qtbot: QtBot) -> None:
    def work() -> None:
        raise ValueError("lost in a thread")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(reports) == 1)

    assert "ValueError: lost in a thread" in reports[0]


def test_a_destructor_that_fails_is_shown_too(reporter: CrashReporter, reports: list[str], qtbot: QtBot) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("at the end")

    del Broken
    sys.unraisablehook(
        type("Told", (), {"exc_type": ValueError, "exc_value": ValueError("at the end"), "exc_traceback": None,
                          "err_msg": None, "object": None})  # type: ignore[arg-type]
    )  # fmt: skip
    qtbot.waitUntil(lambda: len(reports) == 1)

    assert "ValueError: at the end" in reports[0]


def test_a_second_fault_opens_no_second_dialog(reporter: CrashReporter, reports: list[str], qtbot: QtBot) -> None:
    raised(ValueError("first"))
    raised(ValueError("second"))
    qtbot.waitUntil(lambda: len(reports) == 1)
    raised(ValueError("third"))
    qtbot.wait(20)
    assert len(reports) == 1

    reporter.shown_over()
    raised(ValueError("fourth"))
    qtbot.waitUntil(lambda: len(reports) == 2)


def test_ctrl_c_is_no_fault(reporter: CrashReporter, reports: list[str]) -> None:
    raised(KeyboardInterrupt())

    assert reports == ["interrupted"]


def test_what_qt_complains_of_is_logged(reporter: CrashReporter, log_folder: Path) -> None:
    qWarning("QLayout: something is odd")

    assert "Qt: QLayout: something is odd" in (log_folder / "window.log").read_text()


def test_without_a_console_prints_go_to_the_log(log_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with logs.logging_to_file():
        sys.stdout.write("10 %|#")
        sys.stdout.write("   | 1/10\n")
        sys.stderr.flush()
        assert any("10 %|#   | 1/10" in line for line in logs.last_lines())

    assert sys.stdout is None
    assert logs.last_lines() == []


def test_a_state_folder_that_cannot_be_written_costs_the_log_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TLGUI_STATE_DIR", str(tmp_path / "file"))

    with logs.logging_to_file():
        logging.getLogger("tlgui").error("said all the same")


def test_the_dialog_says_it_in_plain_words_and_copies_the_report(qtbot: QtBot) -> None:
    over: list[bool] = []
    dialog = CrashDialog("the report", lambda: over.append(True))
    dialog.open()
    buttons = {button.plain_text: button for button in dialog.findChildren(Button)}

    buttons["Copy the report"].click()
    assert dialog.isVisible()
    assert QGuiApplication.clipboard().text() == "the report"
    assert dialog.findChild(QPlainTextEdit).toPlainText() == "the report"
    assert "Open the log folder" in buttons

    buttons["Close"].click()
    qtbot.waitUntil(lambda: over == [True])
