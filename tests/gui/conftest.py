"""What holds for every test of the window: Qt complains of nothing, and nothing outlives the test."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QTimer
from PySide6.QtWidgets import QApplication

_HERE = Path(__file__).parent
# What Qt's offscreen platform cannot do, and says each time (house_style.md).
_OFFSCREEN = (
    "This plugin does not support propagateSizeHints",
    r"This plugin does not support raise\(\)",
    "This plugin does not support grabbing the keyboard",
)
_PATIENCE_S = 5.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            item.add_marker(pytest.mark.qt_log_ignore(*_OFFSCREEN))


@pytest.fixture(autouse=True, scope="package")
def only_what_is_new_is_looked_through() -> Iterator[None]:
    """In a whole run other tests have loaded torch: a million objects to go through after each test of the window."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def nothing_outlives_the_test(qapp: QApplication) -> Iterator[None]:
    """Fails a test that leaves a Python thread, a QThread, a running QTimer or a process behind."""
    threads = set(threading.enumerate())
    children = set(psutil.Process().children(recursive=True))
    yield
    # Widgets that pytest-qt closed are deleted by the event loop, and their timers with them.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    qapp.processEvents()
    left = _wait_until_gone(threads, children)
    if left:
        _end_what_is_left(children)
    assert left == [], f"this outlives the test: {', '.join(left)}"


def _wait_until_gone(threads: set[threading.Thread], children: set[psutil.Process]) -> list[str]:
    deadline = time.monotonic() + _PATIENCE_S
    while left := _left(threads, children):
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return left


def _left(threads: set[threading.Thread], children: set[psutil.Process]) -> list[str]:
    # Threads of Qt that ran Python code stand among Python's as dummies, and stay there when they are gone.
    here = [t for t in set(threading.enumerate()) - threads if not isinstance(t, threading._DummyThread)]
    ours = [child for child in set(psutil.Process().children(recursive=True)) - children if child.is_running()]
    return [
        *(f"thread {thread.name}" for thread in here),
        *(f"process {' '.join(child.cmdline())}" for child in ours if child.status() != psutil.STATUS_ZOMBIE),
        *map(_name, _running_objects()),
    ]


def _end_what_is_left(children: set[psutil.Process]) -> None:
    """So that the tests after a bad one are not blamed for it; a QThread cannot be ended from outside."""
    for item in _running_objects():
        if isinstance(item, QTimer):
            item.stop()
    for child in set(psutil.Process().children(recursive=True)) - children:
        with contextlib.suppress(psutil.Error):
            child.kill()
            child.wait(_PATIENCE_S)


def _running_objects() -> list[QThread | QTimer]:
    objects = [o for o in gc.get_objects() if issubclass(type(o), QThread | QTimer) and shiboken6.isValid(o)]
    return [o for o in objects if (o.isActive() if isinstance(o, QTimer) else o.isRunning() and _is_ours(o))]


def _is_ours(thread: QThread) -> bool:
    return thread is not QThread.currentThread()


def _name(item: QObject) -> str:
    parent = item.parent()
    owner = f" of a {type(parent).__name__}" if parent is not None else ""
    return f"{type(item).__name__} '{item.objectName()}'{owner}"
