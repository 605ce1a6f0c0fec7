"""A reader: a process that decodes one file after another, so that a file that breaks a decoder breaks nothing else.

Both directions of its pipe carry frames: four bytes with a length, then that many bytes of msgpack. It greets once; then
each `Batch` is answered by one `Verdict` per path, in their order and each as soon as it is there: the first path
without an answer is the file that it has in hand.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec
from filelock import FileLock

from tlgui.core.errors import UserError
from tlgui.core.paths import cache_dir
from tlgui.core.records import Reason
from tlgui.core.scrub import scrub
from tlgui.imaging import file_check
from tlgui.imaging.considerate import let_others_go_first, limit_memory, private_output
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile

logger = logging.getLogger(__name__)

GREETING = b"reader 1"
_MOST_WAITING_S = 60.0
_LENGTH = struct.Struct(">I")


class Batch(msgspec.Struct, frozen=True):
    """Files to read, relative to a folder.

    Attributes:
        root: absolute, as the system spells it: it need not be valid text.
    """

    root: bytes
    paths: list[str]


def write_frame(stream: IO[bytes], data: bytes) -> None:
    """Writes one frame in one piece."""
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next frame; `None` at the end of the stream, also where that comes in the middle of a frame."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


def main(arguments: list[str]) -> int:
    """Reads until the owner closes the pipe, then leaves at once, whatever is in hand.

    Args:
        arguments: how many bytes of memory it may have; none when started by hand.
    """
    output = private_output()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    let_others_go_first()
    if arguments:
        limit_memory(int(arguments[0]))
    _take_turns_with_large_images()
    write_frame(output, GREETING)
    serve(sys.stdin.buffer, output, lambda: os._exit(0))
    return 0


def serve(source: IO[bytes], output: IO[bytes], leave: Callable[[], None]) -> None:
    """Answers batches.

    Args:
        source: brings them.
        output: takes the verdicts.
        leave: called when `source` ends, in a thread of its own: a decoder that does not come back holds up nobody.
    """
    batches: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
    decoder = msgspec.msgpack.Decoder(Batch)

    def listen() -> None:
        while (frame := read_frame(source)) is not None:
            batches.put(decoder.decode(frame))
        batches.put(None)
        leave()

    threading.Thread(target=listen, name="batches", daemon=True).start()
    encode = msgspec.msgpack.Encoder().encode
    while (batch := batches.get()) is not None:
        root = Path(os.fsdecode(batch.root))
        for path in batch.paths:
            with contextlib.suppress(OSError):  # nobody listens any more: `leave` is about to be called
                write_frame(output, encode(_verdict(root, path)))


def _verdict(root: Path, path: str) -> Verdict:
    try:
        return file_check.read_file(root, FoundFile(tuple(path.split("/"))))
    except UserError as error:  # identifiers cannot be hidden, say
        return Verdict(level="full", reason_code=Reason.UNREADABLE, reason=error.problem)
    except Exception:
        # The one place where a fault of ours becomes a verdict: the other files are read all the same.
        logger.error("A file could not be read\n%s", scrub(traceback.format_exc()))
        return Verdict(
            level="full", reason_code=Reason.UNREADABLE, reason="The program made a mistake while it read this file."
        )


class _Turn:
    """All readers of this computer decode large images one at a time, so that they do not add up to gigabytes."""

    def __init__(self, place: Path) -> None:
        self._lock = FileLock(place)

    def __enter__(self) -> None:
        # Where nothing can be locked, or another reader takes too long, each goes for itself.
        with contextlib.suppress(OSError, NotImplementedError):
            self._lock.acquire(timeout=_MOST_WAITING_S)

    def __exit__(self, *exception: object) -> None:
        self._lock.release()


def _take_turns_with_large_images() -> None:
    with contextlib.suppress(UserError):  # no place for the lock
        file_check.one_large_image = _Turn(cache_dir() / "large-image.lock")  # type: ignore[assignment]
