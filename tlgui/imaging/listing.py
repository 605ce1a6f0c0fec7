"""What is used of a folder, as a table that an engine job reads: no image is opened to write it."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.records import ImageRecord, Scan
from tlgui.core.split import Part
from tlgui.core.tables import csv_bytes

if TYPE_CHECKING:
    # The engine reads listings and has no need of what assembles a folder.
    from tlgui.imaging.assemble import Look

# Each question writes one; those of a few folders may be in use at once.
MOST_LISTINGS = 8


class ListedImage(msgspec.Struct, frozen=True, kw_only=True):
    """One used image with what its file says beside its pixels.

    Attributes:
        path, class_name, group, content_hash, width, height: as in `ImageRecord`.
        part: "train", "validation" or "test".
        unit: what a group is, in a word: "patient", "study" or "group".
        bits: per channel, as stored.
        format: such as "PNG".
        size_bytes: of the file.
        device: which device made it: 16 hexadecimal digits of a keyed hash; "" = the file does not say.
        burned_in: what the file says of burned-in text: "yes", "no" or "".
    """

    path: str
    class_name: str
    group: str = ""
    unit: str = "group"
    part: Part = "train"
    content_hash: str
    width: int
    height: int
    bits: int = 8
    format: str = ""
    size_bytes: int = 0
    device: str = ""
    burned_in: Literal["yes", "no", ""] = ""

    def record(self, group: str | None = None) -> ImageRecord:
        """The image as the split takes it; its own group, or another ("" = it stands alone)."""
        return ImageRecord(
            path=self.path,
            class_name=self.class_name,
            content_hash=self.content_hash,
            width=self.width,
            height=self.height,
            group=self.group if group is None else group,
        )


_COLUMNS = ListedImage.__struct_fields__
_UNITS = {"dicom:patient": "patient", "dicom:study": "study"}


def listing_path(cache: Path) -> Path:
    """A place for one more listing in the cache folder; the oldest ones go.

    Raises:
        UserError: the folder for them cannot be made.
    """
    folder = cache / "listings"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(error) from error
    old = sorted(folder.glob("*.csv"), key=_age)
    for path in old[: max(0, len(old) + 1 - MOST_LISTINGS)]:
        with contextlib.suppress(OSError):
            path.unlink()
    return folder / f"{secrets.token_hex(8)}.csv"


def write_listing(path: Path, look: Look, scan: Scan, parts: Mapping[str, Part]) -> None:
    """Writes the used images of a scan.

    Args:
        path: of the file.
        look: with the verdict of each used image.
        scan: of the folder.
        parts: of each used image.

    Raises:
        UserError: it cannot be written.
    """
    unit = _UNITS.get(scan.grouping.key, "group")
    write_images(path, (_listed(record, parts[record.path], unit, look) for record in scan.used))


def write_images(path: Path, images: Iterable[ListedImage]) -> None:
    """Writes a listing of these images.

    Raises:
        UserError: it cannot be written.
    """
    rows = [_COLUMNS, *map(msgspec.structs.astuple, images)]
    try:
        atomic.write_bytes(path, csv_bytes(rows))
    except OSError as error:
        raise _not_written(error) from error


def read_listing(path: Path) -> list[ListedImage]:
    """The images of a listing, in its order.

    Raises:
        UserError: it is gone or is none.
    """
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        images: list[ListedImage] = msgspec.convert(
            list(csv.DictReader(io.StringIO(text, newline=""))), list[ListedImage], strict=False
        )
    except (OSError, msgspec.ValidationError, csv.Error) as error:
        raise UserError("The list of images is not at hand any more.", "Ask again, so that it is made anew.") from error
    return images


def _listed(record: ImageRecord, part: Part, unit: str, look: Look) -> ListedImage:
    verdict = look.verdicts[record.path]
    description, dicom = verdict.description, verdict.dicom
    return ListedImage(
        path=record.path,
        class_name=record.class_name,
        group=record.group,
        unit=unit,
        part=part,
        content_hash=record.content_hash,
        width=record.width,
        height=record.height,
        bits=description.bits if description else 8,
        format=description.format if description else verdict.kind,
        size_bytes=verdict.size_bytes,
        device=dicom.device if dicom else "",
        burned_in=dicom.burned_in if dicom else "",
    )


def _not_written(error: OSError) -> UserError:
    return UserError(
        f"The list of images cannot be kept in the cache: {error.strerror}.",
        "Free some space or give yourself permission to write there, then try again.",
    )


def _age(path: Path) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116
    except OSError:
        return 0.0
