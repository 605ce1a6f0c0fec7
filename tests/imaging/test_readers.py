"""Files read by real processes, some of which break down."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from helpers.imaging import ANSWER_S, BREAKABLE_READER_COMMAND
from PIL import Image

from tlgui.core.errors import UserError
from tlgui.core.records import Reason
from tlgui.imaging import reader_process, readers
from tlgui.imaging.file_check import read_file
from tlgui.imaging.reader_process import MEMORY_BYTES, WARM, ReaderProcess, reader_command
from tlgui.imaging.readers import read_all
from tlgui.imaging.scan import ScanCancelled, scan_folder
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import walk

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    WARM.end()  # of an earlier test, with folders of its own
    yield
    WARM.end()
    deadline = time.monotonic() + 5
    while lanes() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert reader_children() == []
    assert lanes() == []


@pytest.fixture
def breakable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_process, "reader_command", lambda: BREAKABLE_READER_COMMAND)


def reader_children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE
        and ("imaging-reader" in child.cmdline() or BREAKABLE_READER_COMMAND[-1] in child.cmdline())
    ]


def lanes() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("reader ")]


def read(root: Path, **options: float) -> dict[str, Verdict]:
    return {found.path: verdict for found, verdict in read_all(root, walk(root).files, **options)}  # type: ignore[arg-type]


def with_bad(good: Mapping[str, bytes | None], *names: str) -> dict[str, bytes | None]:
    return {**good, **dict.fromkeys(names, good["cats/00.png"])}


def test_a_reader_finds_out_what_this_process_would(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs", images=40) | {"cats/empty.png": b"", "dogs/cut.png": b"\x89PNG\r\n\x1a\n"})
    found = read(root, most=2)
    assert found == {file.path: read_file(root, file) for file in walk(root).files}


def test_a_decoder_that_breaks_down_ends_itself_and_the_rest_is_read(
    plant: Plant, classes: Classes, breakable: None
) -> None:
    names = ["cats/deadly.png", "dogs/00 deadly.png", "dogs/99 deadly.png"]
    found = read(plant(with_bad(classes("cats", "dogs", images=40), *names)), most=2)
    bad = {path: (verdict.reason_code, verdict.reason) for path, verdict in found.items() if verdict.reason_code}
    assert bad == dict.fromkeys(names, (Reason.UNREADABLE, "The decoder broke down on this file (exit code 70)."))
    assert len(found) == 83


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no signal 9")
def test_only_the_second_kill_is_taken_for_the_files_fault(plant: Plant, classes: Classes, breakable: None) -> None:
    found = read(plant(with_bad(classes("cats"), "cats/killed.png")))
    assert found["cats/killed.png"].reason == "The decoder broke down on this file (signal 9)."
    assert len(found) == 13


def test_a_file_that_takes_too_long_is_named_and_the_rest_is_read(
    plant: Plant, classes: Classes, breakable: None
) -> None:
    found = read(plant(with_bad(classes("cats"), "cats/endless.png")), patience_s=3.0)
    bad = {path: verdict.reason for path, verdict in found.items() if verdict.reason_code}
    assert bad == {"cats/endless.png": "It took more than two minutes to read."}
    assert readers.PATIENCE_S == 120
    assert len(found) == 13


def test_a_mistake_of_the_program_costs_one_file_and_names_no_place(
    plant: Plant, classes: Classes, breakable: None
) -> None:
    root = plant(with_bad(classes("cats"), "cats/faulty.png"))
    found = read(root)
    assert found["cats/faulty.png"].reason == "The program made a mistake while it read this file."
    logs = [path.read_text() for path in Path(os.environ["TLGUI_STATE_DIR"]).rglob("reader-*.log")]
    assert "a mistake at" in "".join(logs)
    assert str(root.parent) not in "".join(logs)


def test_a_scan_leaves_the_file_out_and_goes_on(plant: Plant, classes: Classes, breakable: None) -> None:
    root = plant(with_bad(classes("cats", "dogs"), "cats/deadly.png"))
    scan = scan_folder(root, isolated=True)
    assert len(scan.used) == 24
    assert [(left.path, left.reason_code) for left in scan.left_out] == [("cats/deadly.png", Reason.UNREADABLE)]


def test_cancelling_ends_readers_at_once(plant: Plant, classes: Classes, breakable: None) -> None:
    root = plant(with_bad(classes("cats"), "cats/00 endless.png"))
    asked = []

    def stop_if_cancelled() -> None:
        asked.append(time.monotonic())
        if len(asked) > 3:
            raise ScanCancelled

    with pytest.raises(ScanCancelled):
        list(read_all(root, walk(root).files, stop_if_cancelled))
    assert time.monotonic() - asked[-1] < 1
    assert max(after - before for before, after in pairwise(asked)) < 1
    assert reader_children() == []


def test_who_stops_listening_ends_the_readers(plant: Plant, classes: Classes, breakable: None) -> None:
    root = plant(with_bad(classes("cats"), "cats/05 endless.png"))
    with closing(read_all(root, walk(root).files)) as reading:
        next(reading)
    assert reader_children() == []


def test_one_reader_waits_for_the_next_folder_and_then_ends(
    plant: Plant, classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_process, "IDLE_S", 0.5)
    root = plant(classes("cats"))
    read(root)
    (first,) = reader_children()
    read(root)
    (second,) = reader_children()
    assert first == second
    second.wait(ANSWER_S)


def test_a_reader_that_died_while_it_waited_is_replaced(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats"))
    read(root)
    (waiting,) = reader_children()
    waiting.kill()
    time.sleep(0.1)
    assert len(read(root)) == 12


def test_a_reader_that_waits_does_not_serve_other_folders_of_the_program(
    plant: Plant, classes: Classes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hides identifiers by the key of the folder that it was started with: one patient would be two."""
    root = plant(classes("cats"))
    read(root)
    (first,) = reader_children()
    monkeypatch.setenv("TLGUI_STATE_DIR", str(tmp_path / "another person"))
    read(root)
    (second,) = reader_children()
    assert second.pid != first.pid


def test_ten_files_cost_less_than_a_second_also_the_first_time(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", images=10))
    began = time.monotonic()
    read(root)
    first = time.monotonic() - began
    read(root)
    assert time.monotonic() - began - first < first / 2  # it was warm
    assert first < 10  # 0.3 s on an idle machine


def test_a_reader_leaves_when_its_owner_is_gone(plant: Plant, classes: Classes, breakable: None) -> None:
    root = plant(with_bad(classes("cats"), "cats/endless.png"))
    reader = ReaderProcess()
    assert reader.is_greeting()
    reader.ask(reader_process.Batch(os.fsencode(root), ["cats/endless.png"]))
    assert reader._process.stdin is not None
    reader._process.stdin.close()
    assert reader._process.wait(ANSWER_S) == 0
    reader.end()


@pytest.mark.parametrize(
    ("command", "reason"), [([sys.executable, "-c", "raise SystemExit(3)"], "exit code 3"), (["/no such program"], "")]
)
def test_a_reader_that_cannot_start_is_said(
    plant: Plant, classes: Classes, monkeypatch: pytest.MonkeyPatch, command: list[str], reason: str
) -> None:
    monkeypatch.setattr(reader_process, "reader_command", lambda: command)
    with pytest.raises(UserError, match=f"images could not start .*{reason}") as caught:
        read(plant(classes("cats")))
    assert caught.value.code == "installation"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not limit the address space")
def test_a_reader_may_have_no_more_than_its_memory(plant: Plant, classes: Classes) -> None:
    import resource

    read(plant(classes("cats")))
    (reader,) = reader_children()
    assert psutil.Process(reader.pid).rlimit(resource.RLIMIT_AS)[0] == MEMORY_BYTES
    assert reader.nice() == min(19, psutil.Process().nice() + 5)


def test_a_reader_is_a_role_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reader_command() == [sys.executable, "-P", "-m", "tlgui", "imaging-reader", str(MEMORY_BYTES)]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert reader_command() == [sys.executable, "imaging-reader", str(MEMORY_BYTES)]


def test_no_file_is_lost_however_many_there_are(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", images=300))
    assert len(read(root, most=3)) == 300


def test_a_name_as_long_as_the_system_allows(plant: Plant, classes: Classes) -> None:
    folders = "/".join("ä" * 60 for _ in range(8))
    root = plant({f"{folders}/{path}": data for path, data in classes("cats", images=2).items()})
    assert [verdict.reason_code for verdict in read(root).values()] == [None, None]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not limit the address space")
def test_a_picture_that_needs_more_memory_than_a_reader_may_have_is_left_out(
    plant: Plant, classes: Classes, encoded: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_process, "MEMORY_BYTES", 700_000_000)
    huge = encoded(Image.new("1", (17_000, 17_000)))  # some kilobytes; 0.9 GB as RGB
    found = read(plant(classes("cats") | {"cats/huge.png": huge}))
    assert found.pop("cats/huge.png").reason_code in (Reason.TOO_LARGE, Reason.UNREADABLE)
    assert [verdict.reason_code for verdict in found.values()] == [None] * 12
