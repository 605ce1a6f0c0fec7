"""What kind of file it is, by its first bytes, never by its suffix.

This file and its siblings (`PARTS` in `pixels.py`) stand alone: standard library, numpy, Pillow and, where a format
needs them, the packages of `NEEDS`. Their text is pasted into the exported `predict.py`, so that a receiver decodes
exactly as the program does. No two of them may give different things the same name.
"""

from __future__ import annotations

import re
import struct

HEAD_BYTES = 1024
ACCEPTED = "JPEG, PNG, BMP, GIF, WebP, TIFF, HEIC, AVIF, JPEG 2000, DICOM, Photoshop (PSD), ICO and PPM"

# To accept a format: a row here, how it is opened in `pixels.open_image`, its name in ACCEPTED.
# DICOM comes first: such a file may begin like a TIFF, so that both kinds of program can open it.
IMAGES: tuple[tuple[bytes, str], ...] = (
    (rb".{128}DICM", "DICOM"),
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "BMP"),
    (rb"GIF8[79]a", "GIF"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"P[1-6fFy]\s+[\d#]", "PPM"),
    (rb"....ftyp(heic|heix|hevc|hevx|heim|heis|hevm|hevs)", "HEIC"),
    # "mif1" says only that the box format is used; what lies in the boxes is told by the list of brands behind it.
    (rb"....ftyp(?:....){0,12}?avi[fs]", "AVIF"),
    (rb"....ftyp(mif1|msf1)", "HEIC"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\0\0\x01\0[^\0]\0...\0[\0\x01]\0", "ICO"),
    (rb"8BPS\0\x01", "PSD"),
)
OTHER_IMAGES: tuple[tuple[bytes, str], ...] = (
    (rb"\0\0\0\x0cJXL |\xff\x0a", "JPEG XL"),
    (rb"8BPS", "large Photoshop document"),
    (rb"\0\0\x02\0.\0", "Windows cursor"),
    (rb"icns", "Apple icon"),
    (rb"DDS ", "DDS"),
    (rb"SIMPLE  =", "FITS"),
    (rb"\x76\x2f\x31\x01", "OpenEXR"),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "Windows metafile"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "PostScript document"),
    (rb"qoif", "QOI"),
    (rb"\x01\xda[\0\x01][\x01\x02]", "SGI"),
    (rb"\x59\xa6\x6a\x95", "Sun raster"),
    (rb"/\* XPM \*/", "XPM"),
    (rb"NRRD000", "NRRD volume"),
    (rb"ZISRAWFILE", "Zeiss CZI"),
    (rb"FLIF", "FLIF"),
)
# Markup may begin with a byte order mark and remarks. What a look ahead has found is never tried in another way, so
# that no file can make this slow; an atomic group would say the same, from Python 3.11 on.
_MARKUP = rb"(?i)(?:\xef\xbb\xbf)?(?=((?:\s|<!--.*?-->|<\?xml.*?\?>)*))\1"
NO_IMAGES: tuple[tuple[bytes, str], ...] = (
    (rb"%PDF", "a PDF document"),
    (rb"PK\x03\x04", "a ZIP archive or an Office document"),
    (rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ", "a compressed archive"),
    (rb"\xd0\xcf\x11\xe0", "an old Office document"),
    (rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", "a video"),
    (rb"RIFF....WAVE|ID3|OggS|fLaC", "a sound"),
    (rb"\x7fELF|MZ[\0-\x1f\x80-\xff]", "a program"),
    (_MARKUP + rb"<(!doctype html|html|head|body)", "a web page (HTML)"),
    (_MARKUP + rb"<(!doctype )?svg", "a vector drawing (SVG)"),
    (rb"(\xef\xbb\xbf)?\s*<\?xml", "an XML document"),
    (rb"\x80[\x02-\x05]", "saved Python data (pickle)"),
)
# Value representations of DICOM (PS3.5, 6.2); those of the second line are followed by a length of four bytes.
_SHORT_VRS = b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split()
_LONG_VRS = b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split()


class DecodeError(Exception):
    """A file that is not used, with the reason.

    Attributes:
        code: one of the values of `tlgui.core.records.Reason`.
        message: one sentence without the file's name.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def kind_of(head: bytes) -> str:
    """The name of the accepted format that begins with `head`.

    Args:
        head: the first HEAD_BYTES bytes, or fewer where the file is shorter.

    Raises:
        DecodeError: empty, unsupported or not_an_image, with what the content looks like.
    """
    if not head:
        raise DecodeError("empty", "The file is empty (0 bytes).")
    for pattern, name in IMAGES:
        if re.match(pattern, head, re.DOTALL):
            return name
    if _begins_as_data_set(head):
        return "DICOM"
    for pattern, name in OTHER_IMAGES:
        if re.match(pattern, head, re.DOTALL):
            raise DecodeError("unsupported", not_read_yet(name))
    for pattern, name in NO_IMAGES:
        if re.match(pattern, head, re.DOTALL):
            raise DecodeError("not_an_image", f"The content is {name}, not an image.")
    if not head.strip(b"\0"):
        raise DecodeError("not_an_image", "The content is nothing but zeros, as after a failed download or copy.")
    looks = "text" if _is_text(head) else "not that of any image format known here"
    raise DecodeError("not_an_image", f"The content is {looks}{', not an image' if looks == 'text' else ''}.")


def not_read_yet(kind: str) -> str:
    """What is said of a sound image of one of `OTHER_IMAGES`."""
    return f"This version cannot read such a file yet ({kind}); accepted are {ACCEPTED}."


def _is_text(head: bytes) -> bool:
    try:
        # A character may be cut at the end of the head, hence the 4 bytes that may be missing.
        text = head[: max(1, len(head) - 4)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\r\n\t\f\ufeff" for character in text)


def _begins_as_data_set(head: bytes) -> bool:
    """Whether it is DICOM without preamble and prefix: a chain of elements, as old programs wrote it.

    Strict, since such a file has no magic bytes: it begins with group 2 or 8 (little-endian), tags rise, lengths are
    even and small, and at least three elements follow each other without a fault.
    """
    if head[:2] not in (b"\x02\0", b"\x08\0"):
        return False
    explicit = head[4:6] in _SHORT_VRS
    position, last, elements = 0, -1, 0
    while position + 12 <= len(head):
        group, element, length = struct.unpack_from("<HHI", head, position)
        tag, value_at = group << 16 | element, position + 8
        if head[0] == 2 and group != 2:  # the file's own group is always explicit, what follows it may not be
            break
        if explicit:
            vr = head[position + 4 : position + 6]
            if vr in _LONG_VRS:
                length, value_at = struct.unpack_from("<I", head, position + 8)[0], position + 12
            elif vr in _SHORT_VRS:
                length = struct.unpack_from("<H", head, position + 6)[0]
            else:
                return False
        if tag <= last or group > 0x7FE0:
            return False
        if length == 0xFFFFFFFF:  # a sequence, whose length is not told
            break
        if length % 2 or length > 0x10000:
            return False
        position, last, elements = value_at + length, tag, elements + 1
    return elements >= 3
