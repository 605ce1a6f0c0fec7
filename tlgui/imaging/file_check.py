"""One file looked at in full: read once, hashed, decoded, described; or left out with the reason."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tlgui.core.records import LeftOut, Reason
from tlgui.imaging.layout import Layout, Place
from tlgui.imaging.names import not_a_persons, printable
from tlgui.imaging.pixels import HEAD_BYTES, DecodeError, Description, describe, kind_of, open_image, reason_of
from tlgui.imaging.walk import FoundFile

IN_MEMORY_BYTES = 64_000_000  # larger files are hashed in pieces and decoded from the disk
LARGE_PIXELS = 40_000_000  # images above are decoded one at a time, so that threads do not add up to gigabytes
one_large_image = threading.Lock()


@dataclass(frozen=True)
class Checked:
    """A file that is used."""

    found: FoundFile
    place: Place
    content_hash: str
    description: Description


def check_file(root: Path, found: FoundFile, layout: Layout) -> Checked | LeftOut:
    """Decide about one file; a LeftOut says why not."""

    def left_out(reason: Reason, sentence: str) -> LeftOut:
        return LeftOut(path=printable(found.path), reason_code=reason, reason=sentence)

    if ours := not_a_persons(found.parts):
        return left_out(*ours)
    if found.kind == "broken link":
        return left_out(Reason.UNREADABLE, "It is a link to a file that does not exist.")
    if found.kind == "special":
        return left_out(Reason.UNREADABLE, "It is not an ordinary file.")
    place = layout.place(found.parts)
    try:
        with open_regular(root.joinpath(*found.parts)) as file:
            head = file.read(HEAD_BYTES)
            kind_of(head)
            if isinstance(place, str):
                return left_out(Reason.NO_LABEL, place)
            content_hash, content = _hash_once(file, head)
            return Checked(found, place, content_hash, _describe_in_turn(content))
    except DecodeError as error:
        return left_out(Reason(error.code), error.message)
    except OSError as error:
        return left_out(Reason.UNREADABLE, f"The file cannot be read ({reason_of(error)}).")


def open_regular(path: Path) -> IO[bytes]:
    """An ordinary file, opened for reading.

    Raises:
        DecodeError: it is a pipe, a device or a folder.
        OSError: it cannot be opened.
    """
    # Not blocking, and checked after opening: a pipe put in place of a file would hold the scan for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DecodeError("unreadable", "It is not an ordinary file.")
    return os.fdopen(descriptor, "rb")


def _hash_once(file: IO[bytes], head: bytes) -> tuple[str, IO[bytes]]:
    """The sha256 of the whole file, and the file to decode from."""
    digest = hashlib.sha256(head)
    rest = file.read(IN_MEMORY_BYTES)
    digest.update(rest)
    if len(rest) < IN_MEMORY_BYTES:
        return digest.hexdigest(), io.BytesIO(head + rest)
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest(), file


def _describe_in_turn(content: IO[bytes]) -> Description:
    width, height = open_image(content).size
    if width * height <= LARGE_PIXELS:
        return describe(content)
    with one_large_image:
        return describe(content)
