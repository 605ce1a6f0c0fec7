"""The imaging child as the window sees it: answers in its own thread, nothing late, nothing lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import shiboken6
from helpers.imaging import BREAKABLE_COMMAND, copies
from helpers.pictures import write_dataset, write_picture
from PySide6.QtCore import QByteArray, QDataStream, QTimer
from pytestqt.qtbot import QtBot

from tlgui.core import imaging_messages as messages
from tlgui.core.imaging_process import ImagingProcess
from tlgui.core.records import PixelRule
from tlgui.core.run_spec import RunSpec
from tlgui.gui.imaging_thread import ImagingThread, _decoded, _reader

PATIENCE_MS = 30_000  # never waited for in full: a limit for a machine under load


class Heard:
    """What arrived, in its order."""

    def __init__(self, thread: ImagingThread) -> None:
        self.answers: list[Any] = []
        self.failures: list[Any] = []
        self.threads: set[int] = set()
        thread.answered.connect(self._take)
        thread.pictured.connect(lambda answer, _image: self._take(answer))
        thread.failed.connect(self.failures.append)

    def _take(self, answer: Any) -> None:
        self.threads.add(threading.get_ident())
        self.answers.append(answer)

    def of(self, *kinds: type) -> list[Any]:
        return [answer for answer in self.answers if isinstance(answer, kinds)]


@pytest.fixture
def imaging(qtbot: QtBot) -> Iterator[ImagingThread]:
    thread = ImagingThread(make=lambda deliver: ImagingProcess(BREAKABLE_COMMAND, deliver=deliver))
    yield thread
    assert thread.shut_down()


@pytest.fixture
def heard(imaging: ImagingThread) -> Heard:
    return Heard(imaging)


@pytest.fixture
def until(qtbot: QtBot, heard: Heard) -> Callable[..., Any]:
    """Waits for answers of a kind and gives the last one."""

    def until(kind: type, count: int = 1) -> Any:
        qtbot.waitUntil(lambda: len(heard.of(kind)) >= count, timeout=PATIENCE_MS)
        return heard.of(kind)[-1]

    return until


def child_of_this() -> psutil.Process:
    """The imaging child; tests of other parts may have warm engines of their own."""
    (child,) = (one for one in psutil.Process().children() if BREAKABLE_COMMAND[-1] in one.cmdline())
    return child


def test_a_folder_arrives_step_by_step_in_the_windows_thread(
    imaging: ImagingThread, heard: Heard, until: Callable[..., Any], tmp_path: Path
) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 12, "bees": 9})

    ticket = imaging.scan(root)
    scanned = until(messages.Scanned)

    assert [row.total for row in scanned.summary.classes] == [12, 9]
    assert isinstance(heard.answers[0], messages.Listed)
    assert {answer.ticket for answer in heard.answers} == {ticket}
    assert heard.threads == {threading.get_ident()}


def test_nothing_runs_before_the_first_request_nor_after_the_end(qtbot: QtBot, tmp_path: Path) -> None:
    before = psutil.Process().children()
    thread = ImagingThread()
    assert not thread.isRunning() and psutil.Process().children() == before
    assert thread.shut_down()

    thread.scan(tmp_path)
    assert not thread.isRunning()


def test_a_run_is_prepared_once_though_it_was_pressed_twice(
    imaging: ImagingThread, heard: Heard, until: Callable[..., Any], tmp_path: Path, qtbot: QtBot
) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 12, "bees": 9})
    ticket = imaging.scan(root)

    imaging.prepare(ticket, root, RunSpec())
    imaging.prepare(ticket, root, RunSpec())
    prepared = until(messages.RunPrepared)
    imaging.resplit(ticket, (0.5, 0.5, 0.0), 0)
    until(messages.SplitCounted)

    assert heard.of(messages.RunPrepared) == [prepared]
    assert [path.name for path in Path(prepared.run).parent.iterdir()] == [Path(prepared.run).name]


def test_nothing_of_a_folder_arrives_after_another_one_was_chosen(
    imaging: ImagingThread, heard: Heard, until: Callable[..., Any], tmp_path: Path
) -> None:
    first = write_dataset(tmp_path / "first", {"ants": 60, "bees": 60})
    second = write_dataset(tmp_path / "second", {"cats": 9, "dogs": 9})
    old = imaging.scan(first)
    until(messages.Listed)
    pictures = imaging.new_ticket()
    for number in range(60):
        wanted = [messages.Wanted(number=number, path=f"ants/{number:03}.png")]
        imaging.ask(messages.Thumbnails(ticket=pictures, root=str(first), wanted=wanted, side=64))
    until(messages.Thumbnail)

    for ticket in (old, pictures):
        imaging.forget(ticket)
    heard.answers.clear()
    new = imaging.scan(second)
    until(messages.Scanned)

    assert {answer.ticket for answer in heard.answers} == {new}


def test_what_had_arrived_but_was_not_delivered_yet_is_forgotten_too(
    imaging: ImagingThread, heard: Heard, tmp_path: Path, qtbot: QtBot
) -> None:
    ticket = imaging.scan(write_dataset(tmp_path / "photos", {"ants": 5, "bees": 5}))
    deadline = time.monotonic() + PATIENCE_MS / 1000
    # The window's loop stands still here, so everything waits for it.
    while not any(isinstance(a, messages.Scanned) for a, _ in imaging._outbox) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert imaging._outbox

    imaging.forget(ticket)
    qtbot.waitUntil(lambda: not imaging._outbox, timeout=PATIENCE_MS)

    assert heard.answers == []


def test_a_child_that_is_killed_in_mid_scan_is_said_and_the_next_scan_works(
    imaging: ImagingThread, heard: Heard, until: Callable[..., Any], tmp_path: Path
) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 5, "bees": 5})
    write_picture(root / "ants" / "endless.png", 0, 99)
    imaging.scan(root)
    until(messages.Listed)

    child_of_this().kill()
    refused = until(messages.Refused)

    assert refused.request == "ScanFolder"
    assert refused.problem.startswith("The part of the program that reads images ended unexpectedly")
    (root / "ants" / "endless.png").unlink()
    imaging.scan(root)
    assert until(messages.Scanned).summary.used == 10
    assert heard.failures == []


def test_a_file_that_takes_the_child_down_is_named_and_the_other_pictures_come(
    imaging: ImagingThread, heard: Heard, until: Callable[..., Any], tmp_path: Path
) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 5})
    write_picture(root / "ants" / "deadly.png", 0, 99)
    ticket = imaging.new_ticket()
    paths = [f"ants/{number:03}.png" for number in range(5)]
    wanted = [messages.Wanted(number=n, path=path) for n, path in enumerate([*paths, "ants/deadly.png"])]

    imaging.ask(messages.Thumbnails(ticket=ticket, root=str(root), wanted=wanted[::-1], side=64))
    until(messages.Thumbnail, count=6)

    problems = {answer.number: answer.problem for answer in heard.answers}
    assert problems == dict.fromkeys(range(5), "") | {
        5: "The program broke down when it read this file (exit code 70)."
    }
    assert heard.failures == []


def test_a_file_that_breaks_a_decoder_is_named_and_the_others_are_used(
    imaging: ImagingThread, until: Callable[..., Any], tmp_path: Path
) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 5, "bees": 5})
    write_picture(root / "bees" / "deadly.png", 0, 99)

    imaging.scan(root)
    summary = until(messages.Scanned).summary

    assert summary.used == 10
    assert [(left.path, left.reason) for left in summary.left_out] == [
        ("bees/deadly.png", "The decoder broke down on this file (exit code 70).")
    ]


def test_a_child_that_cannot_start_is_said_once(qtbot: QtBot, tmp_path: Path) -> None:
    thread = ImagingThread(make=lambda deliver: ImagingProcess([str(tmp_path / "no program")], deliver=deliver))
    heard = Heard(thread)

    thread.scan(tmp_path)
    qtbot.waitUntil(lambda: bool(heard.failures), timeout=PATIENCE_MS)
    assert thread.shut_down()

    assert [failure.problem for failure in heard.failures] == [
        "The part of the program that reads images could not start (No such file or directory)."
    ]
    assert [answer.request for answer in heard.answers] == ["ScanFolder"]


def test_the_end_comes_at_once_in_the_middle_of_a_scan(qtbot: QtBot, tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 3, "bees": 3})
    write_picture(root / "ants" / "endless.png", 0, 99)
    thread = ImagingThread(make=lambda deliver: ImagingProcess(BREAKABLE_COMMAND, deliver=deliver))
    heard = Heard(thread)
    thread.scan(root)
    qtbot.waitUntil(lambda: bool(heard.answers), timeout=PATIENCE_MS)

    began = time.monotonic()
    assert thread.shut_down()

    assert time.monotonic() - began < 5
    count = len(heard.answers)
    qtbot.wait(50)
    assert len(heard.answers) == count


def test_a_folder_of_five_thousand_files_leaves_the_window_free_and_is_cancelled_at_once(
    imaging: ImagingThread, heard: Heard, until: Callable[..., Any], tmp_path: Path, qtbot: QtBot
) -> None:
    write_picture(tmp_path / "tiny.png", 0, 0, size=8)
    root = copies(tmp_path / "tiny.png", tmp_path / "many", classes=20, each=250)
    beats = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    timer.start()

    ticket = imaging.scan(root)
    listed = until(messages.Listed)
    until(messages.ScanProgress)
    imaging.forget(ticket)
    heard.answers.clear()
    again = imaging.scan(write_dataset(tmp_path / "few", {"ants": 3, "bees": 3}))
    until(messages.Scanned)
    timer.stop()

    assert listed.files == 5000 and sum(len(row.samples) for row in listed.classes) == 320
    assert {answer.ticket for answer in heard.answers} == {again}
    assert len(beats) > 10  # no number here: the benchmark measures, a test must hold on any machine


def test_what_the_network_sees_arrives_as_pictures_or_with_the_reason_why_not(
    imaging: ImagingThread, tmp_path: Path, qtbot: QtBot
) -> None:
    write_picture(tmp_path / "wide.png", 0, 0, size=300)
    (tmp_path / "broken.png").write_bytes((tmp_path / "wide.png").read_bytes()[:900])
    heard: list[Any] = []
    imaging.inspected.connect(lambda answer, pictures: heard.append((answer, pictures)))
    ticket = imaging.new_ticket()

    for path in ("wide.png", "broken.png"):
        imaging.ask(
            messages.Inspect(
                ticket=ticket, root=str(tmp_path), path=path, rule=PixelRule(), backbone="efficientnet-lite0", longest=150
            )
        )  # fmt: skip
    qtbot.waitUntil(lambda: len(heard) == 2, timeout=PATIENCE_MS)

    (seen, pictures), (broken, nothing) = sorted(heard, key=lambda one: bool(one[0].problem))
    assert [(one.width(), one.height()) for one in pictures] == [(150, 150), (150, 150), (224, 224)]
    assert (seen.width, seen.height) == (300, 300)
    assert nothing is None and broken.problem


def test_varied_views_arrive_as_pictures_or_with_the_reason_why_not(
    imaging: ImagingThread, tmp_path: Path, qtbot: QtBot
) -> None:
    write_picture(tmp_path / "whole.png", 0, 0, size=80)
    (tmp_path / "broken.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    heard: list[Any] = []
    imaging.views_shown.connect(lambda answer, pictures: heard.append((answer, pictures)))
    ticket = imaging.new_ticket()

    for path in ("whole.png", "broken.png"):
        imaging.ask(
            messages.ShowViews(
                ticket=ticket, root=str(tmp_path), path=path, rule=PixelRule(), backbone="efficientnet-lite0",
                augmentation="microscopy", count=4, longest=64,
            )
        )  # fmt: skip
    qtbot.waitUntil(lambda: len(heard) == 2, timeout=PATIENCE_MS)

    (shown, pictures), (broken, nothing) = sorted(heard, key=lambda one: bool(one[0].problem))
    assert [(one.width(), one.height()) for one in pictures] == [(64, 64)] * 5 and not shown.problem
    assert nothing is None and broken.problem


def test_a_picture_is_read_from_a_device_that_never_asks_for_pythons_lock(tmp_path: Path) -> None:
    """One that Python made does, under a lock that the window needs for its icons: both would wait for ever."""
    write_picture(tmp_path / "a.png", 0, 0, size=80)
    content = (tmp_path / "a.png").read_bytes()
    stream = QDataStream(QByteArray(content))
    device = _reader(stream).device()
    assert device is not None and not shiboken6.createdByPython(device)
    image = _decoded(content)
    assert (image.width(), image.height()) == (80, 80)
