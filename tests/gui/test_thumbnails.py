from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.imaging import BREAKABLE_COMMAND
from helpers.pictures import write_dataset, write_picture
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Signal
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from tlgui.core import imaging_messages as messages
from tlgui.core.imaging_process import ImagingProcess
from tlgui.core.records import PixelRule
from tlgui.gui import thumbnails
from tlgui.gui.imaging_thread import ImagingThread
from tlgui.gui.thumbnails import MOST_IN_FLIGHT, ThumbnailStore

PATIENCE_MS = 30_000


class FakeImaging(QObject):
    """Hears what is asked; answers when a test says so."""

    pictured = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []
        self.forgotten: list[int] = []
        self.forgotten_pictures: list[tuple[int, list[int]]] = []
        self._last = 0

    def new_ticket(self) -> int:
        self._last += 1
        return self._last

    def ask(self, request: messages.Request) -> None:
        self.asked.append(request)

    def forget(self, ticket: int) -> None:
        self.forgotten.append(ticket)

    def forget_pictures(self, ticket: int, numbers: list[int]) -> None:
        self.forgotten_pictures.append((ticket, numbers))

    def answer(self, request: Any, side: int = 64, problem: str = "") -> None:
        wanted = request.wanted if isinstance(request, messages.Picture) else request.wanted[0]
        image = None if problem else QImage(side, side, QImage.Format.Format_RGB32)
        said = messages.Thumbnail(ticket=request.ticket, number=wanted.number, problem=problem)
        self.pictured.emit(said, image)

    def paths(self) -> list[str]:
        return [request.wanted[0].path for request in self.asked]


class Receiver:
    """Takes pictures."""

    def __init__(self) -> None:
        self.taken: list[tuple[QImage | None, str]] = []

    def __call__(self, image: QImage | None, problem: str) -> None:
        self.taken.append((image, problem))


ROOT = Path("/data")


@pytest.fixture
def imaging(qapp: QCoreApplication) -> FakeImaging:
    return FakeImaging()


@pytest.fixture
def owner(qapp: QCoreApplication) -> QObject:
    return QObject()


@pytest.fixture
def store(imaging: FakeImaging) -> ThumbnailStore:
    return ThumbnailStore(imaging)  # type: ignore[arg-type]


def destroy(owner: QObject) -> None:
    owner.deleteLater()
    QCoreApplication.sendPostedEvents(owner, QEvent.Type.DeferredDelete.value)


def test_a_picture_arrives_once_and_is_at_hand_the_next_time(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    first, second = Receiver(), Receiver()

    store.request(ROOT, "a.png", 64, None, first, owner)
    imaging.answer(imaging.asked[0])
    store.request(ROOT, "a.png", 64, None, second, owner)

    assert len(first.taken) == len(second.taken) == 1
    assert first.taken[0][0] is second.taken[0][0] is not None
    assert len(imaging.asked) == 1


def test_equal_requests_are_made_once_and_unequal_ones_are_not_mixed(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    receivers = [Receiver() for _ in range(3)]
    for receiver in receivers:
        store.request(ROOT, "a.png", 64, None, receiver, owner)
    store.request(ROOT, "a.png", 64, PixelRule(high=4095.0), Receiver(), owner)
    store.request(ROOT, "a.png", 65, None, Receiver(), owner)
    store.request(Path("/other"), "a.png", 64, None, Receiver(), owner)

    imaging.answer(imaging.asked[0])

    assert len(imaging.asked) == 4
    assert [len(receiver.taken) for receiver in receivers] == [1, 1, 1]


def test_a_file_without_a_picture_says_why(store: ThumbnailStore, imaging: FakeImaging, owner: QObject) -> None:
    receiver = Receiver()
    store.request(ROOT, "a.png", 64, None, receiver, owner)

    imaging.answer(imaging.asked[0], problem="The file is empty (0 bytes).")

    assert receiver.taken == [(None, "The file is empty (0 bytes).")]


def test_only_a_few_are_on_their_way_so_that_the_newest_go_first(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    for number in range(100):
        store.request(ROOT, f"{number}.png", 64, None, Receiver(), owner)
    assert imaging.paths() == [f"{number}.png" for number in range(MOST_IN_FLIGHT)]

    imaging.answer(imaging.asked[0])
    imaging.answer(imaging.asked[1])

    assert imaging.paths()[MOST_IN_FLIGHT:] == ["99.png", "98.png"]


def test_memory_stays_within_its_bound_and_the_least_used_goes_first(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "MOST_BYTES", 10 * 64 * 64 * 4)
    for number in range(10):
        store.request(ROOT, f"{number}.png", 64, None, Receiver(), owner)
        imaging.answer(imaging.asked[-1])
    assert store.size_bytes == thumbnails.MOST_BYTES

    store.request(ROOT, "0.png", 64, None, Receiver(), owner)  # used again: "1.png" is the oldest now
    store.request(ROOT, "new.png", 64, None, Receiver(), owner)
    imaging.answer(imaging.asked[-1])
    assert store.size_bytes <= thumbnails.MOST_BYTES

    asked = len(imaging.asked)
    for path, more in [("0.png", 0), ("new.png", 0), ("1.png", 1)]:
        store.request(ROOT, path, 64, None, Receiver(), owner)
        assert len(imaging.asked) == asked + more, path


def test_a_picture_above_the_bound_is_delivered_and_not_kept(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    receiver = Receiver()
    store.request(ROOT, "a.png", 8192, None, receiver, owner, whole=True)

    imaging.answer(imaging.asked[0], side=4000)

    assert receiver.taken[0][0] is not None and store.size_bytes == 0


def test_a_large_view_is_asked_for_as_one(store: ThumbnailStore, imaging: FakeImaging, owner: QObject) -> None:
    store.request(ROOT, "a.png", 2048, None, Receiver(), owner, whole=True)

    assert imaging.asked == [
        messages.Picture(ticket=1, root="/data", wanted=messages.Wanted(number=1, path="a.png"), longest=2048)
    ]


def test_a_cancelled_request_is_not_answered_and_not_made(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    first, second = Receiver(), Receiver()
    request = store.request(ROOT, "a.png", 64, None, first, owner)
    other = store.request(ROOT, "a.png", 64, None, second, owner)

    request.cancel()
    assert imaging.forgotten_pictures == []  # somebody else waits for it
    other.cancel()
    other.cancel()
    imaging.answer(imaging.asked[0])

    assert imaging.forgotten_pictures == [(1, [1])]
    assert first.taken == second.taken == []


def test_a_request_that_was_cancelled_while_it_waited_is_never_sent(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    requests = [store.request(ROOT, f"{n}.png", 64, None, Receiver(), owner) for n in range(MOST_IN_FLIGHT + 3)]
    for request in requests[MOST_IN_FLIGHT:]:
        request.cancel()
    for asked in list(imaging.asked):
        imaging.answer(asked)

    assert len(imaging.asked) == MOST_IN_FLIGHT


def test_an_owner_that_is_destroyed_hears_nothing_and_makes_room(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    gone, receiver, alive = QObject(), Receiver(), Receiver()
    for number in range(MOST_IN_FLIGHT):
        store.request(ROOT, f"{number}.png", 64, None, receiver, gone)
    store.request(ROOT, "alive.png", 64, None, alive, owner)
    assert "alive.png" not in imaging.paths()

    destroy(gone)
    for asked in list(imaging.asked):
        imaging.answer(asked)

    assert receiver.taken == [] and len(alive.taken) == 1
    assert len(imaging.forgotten_pictures) == MOST_IN_FLIGHT


def test_a_receiver_that_ends_the_owner_of_the_next_one_ends_it(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    other, receiver = QObject(), Receiver()
    store.request(ROOT, "a.png", 64, None, lambda _image, _problem: destroy(other), owner)
    store.request(ROOT, "a.png", 64, None, receiver, other)

    imaging.answer(imaging.asked[0])

    assert receiver.taken == []


def test_nothing_of_a_forgotten_folder_arrives_and_nothing_of_it_is_kept(
    store: ThumbnailStore, imaging: FakeImaging, owner: QObject
) -> None:
    receiver, other = Receiver(), Receiver()
    store.request(ROOT, "kept.png", 64, None, Receiver(), owner)
    imaging.answer(imaging.asked[0])
    for number in range(40):
        store.request(ROOT, f"{number}.png", 64, None, receiver, owner)
    store.request(Path("/other"), "a.png", 64, None, other, owner)

    store.forget_folder(ROOT)
    for asked in list(imaging.asked):
        imaging.answer(asked)

    assert receiver.taken == [] and len(other.taken) == 1
    assert imaging.forgotten == [1]
    store.request(ROOT, "kept.png", 64, None, receiver, owner)
    assert imaging.asked[-1].ticket not in imaging.forgotten and receiver.taken == []


@pytest.fixture
def real(qtbot: QtBot) -> Iterator[ThumbnailStore]:
    thread = ImagingThread(make=lambda deliver: ImagingProcess(BREAKABLE_COMMAND, deliver=deliver))
    yield ThumbnailStore(thread, thread)
    assert thread.shut_down()


def test_real_files_become_pictures(real: ThumbnailStore, owner: QObject, tmp_path: Path, qtbot: QtBot) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 30}, size=96)
    (root / "ants" / "broken.png").write_bytes(b"")
    good, large, bad = Receiver(), Receiver(), Receiver()

    for number in range(30):
        real.request(root, f"ants/{number:03}.png", 64, None, good, owner)
    real.request(root, "ants/000.png", 2048, None, large, owner, whole=True)
    real.request(root, "ants/broken.png", 64, None, bad, owner)
    qtbot.waitUntil(lambda: len(good.taken + large.taken + bad.taken) == 32, timeout=PATIENCE_MS)

    assert {(image.width(), image.height()) for image, _ in good.taken if image} == {(64, 64)}
    assert [(image.width(), image.height()) for image, _ in large.taken if image] == [(96, 96)]
    assert bad.taken == [(None, "The file is empty (0 bytes).")]


def test_pictures_of_a_folder_that_was_left_never_arrive(
    real: ThumbnailStore, owner: QObject, tmp_path: Path, qtbot: QtBot
) -> None:
    old = write_dataset(tmp_path / "old", {"ants": 40}, size=96)
    new = write_dataset(tmp_path / "new", {"bees": 3}, size=96)
    late, wanted = Receiver(), Receiver()
    for number in range(40):
        real.request(old, f"ants/{number:03}.png", 64, None, late, owner)
    qtbot.waitUntil(lambda: len(late.taken) > 0, timeout=PATIENCE_MS)

    real.forget_folder(old)
    late.taken.clear()
    for number in range(3):
        real.request(new, f"bees/{number:03}.png", 64, None, wanted, owner)
    qtbot.waitUntil(lambda: len(wanted.taken) == 3, timeout=PATIENCE_MS)

    assert late.taken == []


def test_a_file_that_takes_the_reader_down_costs_its_own_picture_alone(
    real: ThumbnailStore, owner: QObject, tmp_path: Path, qtbot: QtBot
) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 20})
    write_picture(root / "ants" / "deadly.png", 0, 99)
    good, bad = Receiver(), Receiver()
    for number in range(20):
        real.request(root, f"ants/{number:03}.png", 64, None, good, owner)
    real.request(root, "ants/deadly.png", 64, None, bad, owner)
    qtbot.waitUntil(lambda: len(good.taken + bad.taken) == 21, timeout=PATIENCE_MS)

    assert all(image is not None for image, _ in good.taken)
    assert bad.taken[0][0] is None and "broke down" in bad.taken[0][1]
