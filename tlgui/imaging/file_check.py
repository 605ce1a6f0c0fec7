"""One file looked at: its first bytes, or all of it, hashed, decoded once, described; or why it cannot be used."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np
from PIL import Image

from tlgui.core.records import Frame, Reason
from tlgui.imaging.dicom_facts import facts_of
from tlgui.imaging.fingerprints import print_of
from tlgui.imaging.layout import Place
from tlgui.imaging.pixels import (
    HEAD_BYTES,
    Decoded,
    DecodeError,
    Description,
    Header,
    Pixels,
    decode,
    describe_decoded,
    kind_of,
    open_image,
    orientation_of,
    own_range,
    reason_of,
    to_rgb,
)
from tlgui.imaging.verdict import DicomFacts, Verdict
from tlgui.imaging.walk import FoundFile

IN_MEMORY_BYTES = 64_000_000  # larger files are hashed in pieces and decoded from the disk
LARGE_PIXELS = 40_000_000  # images above are decoded one at a time, so that threads do not add up to gigabytes
SMALL_SIDE = 256  # of the shrunk picture at least, so that each pixel of a print is the mean of 64 or more
one_large_image = threading.Lock()


@dataclass(frozen=True)
class Checked:
    """A file that is used.

    Attributes:
        place: with the class as the person wants it called.
        description: of the verdict, where it cannot be `None` any more.
    """

    found: FoundFile
    place: Place
    content_hash: str
    description: Description
    verdict: Verdict


def read_head(root: Path, found: FoundFile) -> Verdict:
    """What the first bytes of a file show."""
    return _read(root, found, in_full=False)


def read_file(root: Path, found: FoundFile) -> Verdict:
    """Reads a file once: hashed, decoded to the end, described."""
    return _read(root, found, in_full=True)


def _read(root: Path, found: FoundFile, in_full: bool) -> Verdict:
    try:
        with open_regular(root.joinpath(*found.parts)) as file:
            head = file.read(HEAD_BYTES)
            kind = kind_of(head)
            if not in_full:
                return Verdict(level="head", kind=kind)
    except DecodeError as error:
        return Verdict(level="head", reason_code=Reason(error.code), reason=error.message)
    except OSError as error:
        return _unreadable("head", error)
    try:
        with open_regular(root.joinpath(*found.parts)) as file:
            head = file.read(HEAD_BYTES)
            content_hash, content = _hash_once(file, head)
            seen = _look(content)
            return Verdict(
                level="full",
                kind=kind,
                content_hash=content_hash,
                size_bytes=os.fstat(file.fileno()).st_size,
                description=seen.description,
                notices=seen.notices,
                print=seen.print,
                dicom=seen.dicom,
            )
    except DecodeError as error:
        return Verdict(level="full", kind=kind, reason_code=Reason(error.code), reason=error.message)
    except MemoryError:
        sentence = "The image is too large to be decoded on this computer."
        return Verdict(level="full", kind=kind, reason_code=Reason.TOO_LARGE, reason=sentence)
    except OSError as error:
        return _unreadable("full", error)


def _unreadable(level: Literal["head", "full"], error: OSError) -> Verdict:
    sentence = f"The file cannot be read ({reason_of(error)})."
    return Verdict(level=level, reason_code=Reason.UNREADABLE, reason=sentence)


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


class _Seen(NamedTuple):
    description: Description
    notices: list[tuple[str, str]]
    print: bytes
    dicom: DicomFacts | None


def _look(content: IO[bytes]) -> _Seen:
    image = open_image(content)
    with one_large_image if image.width * image.height > LARGE_PIXELS else nullcontext():
        return _decoded_once(content, image)


def _decoded_once(content: IO[bytes], image: Image.Image) -> _Seen:
    facts = facts_of(image.details) if isinstance(image, Header) and image.format == "DICOM" else None
    decoded = decode(content, image)
    description = describe_decoded(image, decoded)
    picture = _small_picture(decoded)
    notices = notices_of(description)
    if bool((picture == picture[0, 0]).all()) and _is_flat(decoded):
        notices.append(("flat", "All its pixels look alike."))
    return _Seen(description, notices, print_of(picture), facts)


def _small_picture(decoded: Decoded) -> Pixels:
    """The picture from its own lowest to its own highest value, shrunk by a whole factor: enough for a print."""
    low, high = own_range(decoded)
    shape = decoded.image.size if decoded.deep is None else decoded.deep.shape[:2]
    factor = max(1, min(shape) // SMALL_SIDE)
    if factor == 1:
        return to_rgb(decoded, low, high)
    image = decoded.image
    # A large photograph is shrunk before it is turned and copied, which would take longer than decoding it.
    if decoded.deep is None and image.mode in ("L", "RGB") and not image.has_transparency_data:
        return to_rgb(replace(decoded, image=image.reduce(factor), orientation=orientation_of(decoded)))
    return np.asarray(Image.fromarray(to_rgb(decoded, low, high)).reduce(factor))


def _is_flat(decoded: Decoded) -> bool:
    """Asked of few images, since shrinking may have levelled out a fine pattern."""
    picture = to_rgb(decoded, *own_range(decoded))
    return bool((picture == picture[0, 0]).all())


def notices_of(description: Description, frame: Frame = "auto") -> list[tuple[str, str]]:
    """What the person should know about a file that is used, as (code, sentence).

    Args:
        description: of the file.
        frame: of the pixel rule.
    """
    notices = [_frame_notice(description, frame)] if description.frames > 1 else []
    if not description.all_finite:
        notices.append(("values_not_finite", "Some of its values are no finite numbers; they become black."))
    if description.extra_channels:
        count = description.extra_channels
        left = "A channel is" if count == 1 else f"{count} channels are"
        notices.append(("extra_channels", f"{left} left aside; {'one is' if description.grey else 'three are'} used."))
    if description.format == "PSD":
        notices.append(("flattened", "Of this Photoshop document the picture of all layers together is used."))
    return notices


# What the frames of a format are; those of others are pages.
_FRAMES = {"DICOM": "frame", "GIF": "frame", "PNG": "frame", "WEBP": "frame", "AVIF": "frame"}
_FRAMES |= {"MPO": "picture", "HEIC": "picture"}


def _frame_notice(description: Description, frame: Frame) -> tuple[str, str]:
    frames, word = description.frames, _FRAMES.get(description.format, "page")
    chosen = ("middle" if description.dicom else "first") if frame == "auto" else frame
    if chosen == "middle":
        return f"middle_{word}", f"{word.capitalize()} {(frames - 1) // 2 + 1} of {frames}, the middle one, is used."
    animation = word == "frame" and not description.dicom and chosen == "first"
    return f"{'animation_first' if animation else chosen}_{word}", f"The {chosen} of {frames} {word}s is used."
