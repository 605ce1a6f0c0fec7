"""Work away from the window's thread: where the result arrives, and when it must not."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.gui.background import run_in_background, shut_down


@pytest.fixture
def owner(qapp: QApplication) -> QObject:
    return QObject()


def _settle(qtbot: QtBot) -> None:
    """All work has ended, and all that was to arrive has arrived."""
    shut_down()
    qtbot.wait(1)


def test_the_result_arrives_in_the_threads_of_the_window(qtbot: QtBot, owner: QObject) -> None:
    seen: list[tuple[str, threading.Thread]] = []

    run_in_background(
        owner, lambda: threading.current_thread().name, lambda name: seen.append((name, threading.current_thread()))
    )

    qtbot.waitUntil(lambda: len(seen) == 1)
    name, arrived_in = seen[0]
    assert arrived_in is threading.main_thread() and name != threading.main_thread().name


def test_what_was_raised_goes_to_who_asked(qtbot: QtBot, owner: QObject) -> None:
    errors: list[BaseException] = []

    run_in_background(owner, lambda: 1 // 0, _never, errors.append)

    qtbot.waitUntil(lambda: len(errors) == 1)
    assert isinstance(errors[0], ZeroDivisionError)


def test_what_nobody_expected_goes_to_the_crash_dialog(
    qtbot: QtBot, owner: QObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught: list[tuple[type[BaseException], BaseException]] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, traceback: caught.append((kind, error)))

    run_in_background(owner, {}.popitem, _never)

    qtbot.waitUntil(lambda: len(caught) == 1)
    assert caught[0][0] is KeyError


def test_a_cancelled_task_never_arrives(qtbot: QtBot, owner: QObject) -> None:
    go = threading.Event()
    task = run_in_background(owner, go.wait, _never)

    task.cancel()
    go.set()

    _settle(qtbot)


def test_a_task_that_was_cancelled_while_it_waited_is_not_begun(qtbot: QtBot, owner: QObject) -> None:
    go, begun = threading.Event(), threading.Event()
    for _ in range(4):
        run_in_background(owner, go.wait, lambda result: None)
    task = run_in_background(owner, begun.set, _never)

    task.cancel()
    go.set()

    _settle(qtbot)
    assert not begun.is_set()


def test_nothing_arrives_at_an_owner_that_is_gone(qtbot: QtBot, owner: QObject) -> None:
    go = threading.Event()
    run_in_background(owner, go.wait, _never)

    owner.deleteLater()
    QApplication.sendPostedEvents(owner, QEvent.Type.DeferredDelete.value)
    go.set()

    _settle(qtbot)


def _never(result: object) -> None:
    raise AssertionError(f"{result} should not have arrived")


def test_work_that_hangs_does_not_hold_up_the_end_for_ever(qtbot: QtBot, owner: QObject) -> None:
    drive_answers = threading.Event()
    run_in_background(owner, drive_answers.wait, lambda _: None)

    assert not shut_down(0.05)
    drive_answers.set()
    assert shut_down()
