"""Sound images of kinds that this version does not read: which ones a folder holds, and what to do with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tlgui.core.records import LeftOut
from tlgui.imaging.names import counted
from tlgui.imaging.pixels import OTHER_IMAGES, not_read_yet

_KINDS = {not_read_yet(kind): kind for _, kind in OTHER_IMAGES}
# These may hold more than 8 bits a value, which most programs drop when they save a picture.
_DEEP = {"FITS", "OpenEXR", "NRRD volume", "Zeiss CZI"}


def unread_kind(left: LeftOut) -> str:
    """The name of the kind, such as "FITS", where a file was left out for it; else ""."""
    return _KINDS.get(left.reason, "")


def unread_kinds(left_out: Iterable[LeftOut]) -> Counter[str]:
    """How many files there are of each kind."""
    return Counter(filter(None, map(unread_kind, left_out)))


def unread_files(kinds: Counter[str]) -> str:
    """In words: "24 FITS files and 1 JPEG XL file"."""
    told = [counted(number, f"{kind} file") for kind, number in kinds.most_common()]
    return " and ".join(filter(None, [", ".join(told[:-1]), told[-1]]))


def unread_remedy(kinds: Counter[str]) -> str:
    """What to do with them."""
    whole = " (16 bit keeps every grey level)" if _DEEP & kinds.keys() else ""
    return f"Save {'it' if kinds.total() == 1 else 'them'} as PNG or TIFF first{whole}."
