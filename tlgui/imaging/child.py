"""The imaging child: requests come in as JSON lines, answers go out as JSON lines, nothing else does."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import msgspec

from tlgui.core import imaging_messages as messages
from tlgui.core.imaging_process import InHand
from tlgui.imaging.considerate import let_others_go_first, private_output
from tlgui.imaging.folder_work import FolderWork
from tlgui.imaging.picture_queue import Asked, PictureQueue

logger = logging.getLogger(__name__)

_LAST_MOMENTS_S = 0.5  # for what is being written, once the owner is gone


def main(arguments: list[str]) -> int:
    """Answers until the owner closes the pipe, then leaves at once, whatever is in hand.

    Args:
        arguments: the path of the file in which `ImagingProcess` reads what is in hand; empty when started by hand.
    """
    output = private_output()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    let_others_go_first()
    notes = Path(arguments[0]) if arguments else None
    in_hand: Callable[[str], AbstractContextManager[None]] = InHand(notes).reading if notes else _not_noted
    desk = Desk(output, in_hand)
    desk.greet()
    for line in sys.stdin.buffer:
        try:
            request = messages.decode_request(line)
        except msgspec.DecodeError as error:
            logger.error("A line was not understood and not answered: %s", error)
            continue
        desk.take(request)
    desk.close(_LAST_MOMENTS_S)
    if notes is not None:
        with contextlib.suppress(OSError):
            notes.unlink(missing_ok=True)  # names of files stand in it
    # Threads may hang in a disk that does not answer; nobody waits for them any more.
    os._exit(0)


class Desk:
    """Gives each request to its thread, and lets no answer out whose ticket was forgotten.

    Args:
        output: takes the answers.
        in_hand: entered around the reading of each file.
    """

    def __init__(self, output: BinaryIO, in_hand: Callable[[str], AbstractContextManager[None]]) -> None:
        self._output = output
        self._in_hand = in_hand
        self._lock = threading.Lock()
        self._tickets: set[int] = set()
        self._folders: dict[int, FolderWork] = {}
        self._ending: list[FolderWork] = []
        self._pictures = PictureQueue(self.send, in_hand)

    def greet(self) -> None:
        """Says that requests are heard."""
        with self._lock:
            self._write(messages.encode(messages.ImagingReady()))

    def take(self, request: messages.AnyRequest) -> None:
        """Begins what was asked for; never waits."""
        if isinstance(request, messages.Forget):
            self._forget(request)
            return
        with self._lock:
            self._tickets.add(request.ticket)
        if isinstance(request, Asked):
            self._pictures.add(request)
            return
        if request.ticket not in self._folders:
            self._ending = [work for work in self._ending if work.is_at_work]
            self._folders[request.ticket] = FolderWork(request.ticket, self.send, self._in_hand, self._ending)
        self._folders[request.ticket].add(request)

    def send(self, answer: messages.Answer) -> None:
        """Writes one line in one piece; from any thread."""
        line = messages.encode(answer)
        with self._lock:
            if answer.ticket in self._tickets:
                self._write(line)

    def close(self, timeout_s: float) -> None:
        """Cancels everything and waits a moment, so that no half of a file stays behind."""
        deadline = time.monotonic() + timeout_s
        for work in self._folders.values():
            work.cancel()
        for work in self._folders.values():
            work.join(max(0.0, deadline - time.monotonic()))

    def _write(self, line: bytes) -> None:
        # Where nobody reads any more, the end of stdin says so too.
        with contextlib.suppress(OSError):
            self._output.write(line)
            self._output.flush()

    def _forget(self, request: messages.Forget) -> None:
        self._pictures.forget(request.ticket, request.numbers)
        if request.numbers:
            return
        with self._lock:
            self._tickets.discard(request.ticket)
        work = self._folders.pop(request.ticket, None)
        if work is not None:
            work.cancel()
            self._ending.append(work)


def _not_noted(_path: str) -> AbstractContextManager[None]:
    return nullcontext()
