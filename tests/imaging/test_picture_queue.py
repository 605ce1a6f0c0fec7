"""The order of pictures that were asked for, and what is answered where there is none."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from helpers.imaging import answers_until, imaging_child

from tlgui.core.imaging_messages import Answer, Inspect, Inspected, Picture, Thumbnail, Thumbnails, Wanted
from tlgui.core.records import PixelRule
from tlgui.imaging import picture_queue
from tlgui.imaging.picture_queue import PictureQueue

ANSWER_S = 20.0


class Held:
    """Holds the first file back until it is let go, so that everything else waits behind it."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.begun, self.free = threading.Event(), threading.Event()

    def in_hand(self, path: str) -> AbstractContextManager[None]:
        @contextmanager
        def held() -> Iterator[None]:
            self.read.append(path)
            self.begun.set()
            assert self.free.wait(ANSWER_S)
            yield

        return held()


@pytest.fixture
def root(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    for name in "abcde":
        (tmp_path / f"{name}.png").write_bytes(picture())
    (tmp_path / "none.png").write_bytes(b"hello\n")
    return tmp_path


def inspect(root: Path, path: str, ticket: int = 5, backbone: str = "resnet50") -> Inspect:
    return Inspect(ticket=ticket, root=str(root), path=path, rule=PixelRule(), backbone=backbone)


def thumbnails(root: Path, *paths: str) -> Thumbnails:
    wanted = [Wanted(number=number, path=path) for number, path in enumerate(paths)]
    return Thumbnails(ticket=1, root=str(root), wanted=wanted, side=32)


def test_what_the_network_sees_goes_before_small_pictures_and_is_forgotten_whole(root: Path) -> None:
    held, answers = Held(), queue.Queue[Answer]()
    pictures = PictureQueue(answers.put, held.in_hand)
    pictures.add(thumbnails(root, "a.png"))
    assert held.begun.wait(ANSWER_S)
    pictures.add(thumbnails(root, "b.png"))
    pictures.add(inspect(root, "c.png", ticket=5))
    pictures.add(inspect(root, "d.png", ticket=6))
    pictures.add(Picture(ticket=7, root=str(root), wanted=Wanted(number=0, path="e.png"), longest=64))
    pictures.forget(5, [])
    pictures.forget(6, [0])  # numbers are those of pictures
    held.free.set()

    said = [answers.get(timeout=ANSWER_S) for _ in range(4)]

    assert held.read == ["a.png", "e.png", "d.png", "b.png"]
    assert [(type(answer), answer.ticket) for answer in said] == [
        (Thumbnail, 1),
        (Thumbnail, 7),
        (Inspected, 6),
        (Thumbnail, 1),
    ]
    seen = said[2]
    assert isinstance(seen, Inspected) and seen.problem == "" and seen.square and seen.steps


def test_a_file_without_a_picture_and_a_fault_of_ours_are_answered_in_words(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held, answers = Held(), queue.Queue[Answer]()
    held.free.set()
    pictures = PictureQueue(answers.put, held.in_hand)

    pictures.add(inspect(root, "none.png"))
    refused = answers.get(timeout=ANSWER_S)
    pictures.add(inspect(root, "a.png", backbone="no such network"))
    failed = answers.get(timeout=ANSWER_S)
    monkeypatch.setattr(picture_queue, "thumbnail", lambda *_: 1 / 0)
    pictures.add(thumbnails(root, "a.png"))
    small = answers.get(timeout=ANSWER_S)

    assert isinstance(refused, Inspected) and "text, not an image" in refused.problem and not refused.square
    for answer in (failed, small):
        assert isinstance(answer, Inspected | Thumbnail)
        assert answer.problem == "The program could not show this image; its log says more."
    assert "no backbone named" in caplog.text and str(root) not in caplog.text


def test_the_child_answers_what_the_network_sees(root: Path) -> None:
    with imaging_child() as child:
        child.send(inspect(root, "a.png", ticket=9))
        *_, seen = answers_until(child, Inspected)

    assert isinstance(seen, Inspected) and seen.ticket == 9
    assert (seen.width, seen.height, seen.problem) == (9, 7, "")
    assert seen.original and seen.decoded and seen.square
