"""The imaging child as a process: reads folders, makes thumbnails; when it dies, what it was reading is known. No Qt."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tlgui.core import imaging_messages as messages
from tlgui.core.line_process import LineProcess, new_log, role_command

SLOTS = 16  # threads of the child that read files at the same time, at most
_SLOT_BYTES = 1024


def imaging_command() -> list[str]:
    """How to start an imaging child."""
    return role_command("imaging")


class ImagingProcess(LineProcess[messages.AnyAnswer]):
    """A child that answers requests until its owner closes it.

    A file can be built so that a decoder takes the whole process down. Therefore the child notes which file each of its
    threads has in hand, in a small file that both sides map into memory and that outlives any kind of death.

    Args:
        command: the program and its arguments; the default is this installation's imaging child.
        log: file for what libraries print; the default is a new one among the person's logs.
        deliver: takes each answer, in the thread that reads, and `None` when the child has ended; without it answers
            wait for `next_message`.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        log: Path | None = None,
        deliver: Callable[[messages.AnyAnswer | None], None] | None = None,
    ) -> None:
        self._notes = _new_notes()
        try:
            command = [*(command or imaging_command()), str(self._notes)]
            super().__init__(command, log or new_log("imaging"), messages.decode_answer, "imaging child", deliver)
        except BaseException:
            self._notes.unlink(missing_ok=True)
            raise

    def send(self, request: messages.Request) -> None:
        """Writes one line; to a child that has ended it does nothing.

        Raises:
            UserError: a path in it is no valid text.
        """
        self.write(messages.encode(request))

    def in_hand(self) -> list[str]:
        """The files that it is reading, or was reading when it died, relative to their folders."""
        with contextlib.suppress(OSError, ValueError), InHand(self._notes) as notes:
            return notes.read()
        return []

    def close(self, timeout_s: float = 10.0) -> int:
        """Closes its input, waits for it to leave, ends it after the time, and returns its exit code."""
        code = super().close(timeout_s)
        # On Windows another program may be looking at it; the system's own cleaning takes it then.
        with contextlib.suppress(OSError):
            self._notes.unlink(missing_ok=True)
        return code

    def __enter__(self) -> ImagingProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class InHand:
    """The files that threads are reading at this moment, in a file of `SLOTS` fixed places.

    Args:
        path: of the file that `ImagingProcess` made.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SLOTS * _SLOT_BYTES)
        self._free = list(range(SLOTS))

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[None]:
        """Notes `path` while the block runs. Threads may share this object: a list's pop and append are atomic."""
        try:
            slot = self._free.pop()
        except IndexError:  # forgotten folders on a disk that does not answer hold all places
            yield
            return
        start = slot * _SLOT_BYTES
        text = path.encode("utf-8", "replace")[: _SLOT_BYTES - 1]
        self._map[start : start + len(text) + 1] = text + b"\0"
        try:
            yield
        finally:
            self._map[start : start + 1] = b"\0"
            self._free.append(slot)

    def read(self) -> list[str]:
        """What is noted."""
        slots = (self._map[start : start + _SLOT_BYTES] for start in range(0, SLOTS * _SLOT_BYTES, _SLOT_BYTES))
        return [text.decode("utf-8", "replace") for slot in slots if (text := slot.split(b"\0", 1)[0])]

    def close(self) -> None:
        """Lets go of the file."""
        self._map.close()

    def __enter__(self) -> InHand:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _new_notes() -> Path:
    descriptor, name = tempfile.mkstemp(prefix="tlgui-", suffix=".reading")
    try:
        os.write(descriptor, bytes(SLOTS * _SLOT_BYTES))
    finally:
        os.close(descriptor)
    return Path(name)
