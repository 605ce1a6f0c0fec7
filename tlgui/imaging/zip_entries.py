"""What a zip says that it holds, judged before any of it is written."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tlgui.core.errors import UserError
from tlgui.imaging.names import nfc

MOST_ENTRIES = 2_000_000
MOST_BYTES = 50_000_000_000
MOST_DEPTH = 40
MOST_CHARACTERS = 1000  # of a path
MOST_NAME_BYTES = 255  # of one part of it; no common disk takes more
SUSPICIOUS_BYTES = 100_000_000  # below, even the best packed images do no harm
SUSPICIOUS_RATIO = 200  # of all bytes to the size of the archive; images pack 1 to 3 times, empty ones 100 times

_ENCRYPTED = 0x1 | 0x40
_NAMED_IN_UTF8 = 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_PLAIN_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)  # 0: written by a system that notes no kind
_DRIVE = re.compile(r"[A-Za-z]:")
_FORBIDDEN_ON_WINDOWS = re.compile(r'[<>:"|?*\x01-\x1f]|[ .]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A file in the archive, by its safe path parts."""

    info: zipfile.ZipInfo
    parts: Parts


def entries_of(archive: zipfile.ZipFile, name: str, size_bytes: int) -> list[Entry]:
    """The files in an archive.

    Args:
        archive: open for reading.
        name: its own, for messages.
        size_bytes: of the archive file.

    Raises:
        UserError: it holds anything that is not an ordinary file at an ordinary place, or is a bomb.
    """
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise _refused(name, f"it holds more than {MOST_ENTRIES:,} files")
    entries = []
    for info in infos:
        parts = _safe_parts(info, name)
        _refuse_kind(info, name)
        if not _is_folder(info):
            entries.append(Entry(info, parts))
    _refuse_collisions(entries, name)
    _refuse_size(sum(entry.info.file_size for entry in entries), size_bytes, name)
    if not entries:
        raise UserError(f"'{name}' holds no file.", "Choose a zip that holds images.", code="no_images")
    return entries


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.orig_filename.endswith(("/", "\\")) or stat.S_IFMT(info.external_attr >> 16) == stat.S_IFDIR


def _safe_parts(info: zipfile.ZipInfo, name: str) -> Parts:
    """The path below the new folder; backslashes part it too, as some programs on Windows write them."""
    path = _spelt(info)
    if "\0" in path:
        raise _refused(name, "the name of a file in it holds a zero byte")
    path = path.replace("\\", "/")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if path.startswith("/") or _DRIVE.match(path) or ".." in parts:
        raise _refused(name, f"'{path}' in it would be written outside of the folder")
    if len(parts) > MOST_DEPTH or len(path) > MOST_CHARACTERS:
        raise _refused(name, f"folders in it lie more than {MOST_DEPTH} deep, or paths are too long")
    for part in parts:
        if len(os.fsencode(part)) > MOST_NAME_BYTES:
            raise _refused(name, f"the name '{part[:40]}...' in it is too long")
        if os.name == "nt" and _FORBIDDEN_ON_WINDOWS.search(part):
            raise _refused(name, f"Windows does not allow the name '{part}' in it")
    if not parts and not _is_folder(info):
        raise _refused(name, "a file in it has no name")
    return parts


def _spelt(info: zipfile.ZipInfo) -> str:
    """The name as its writer meant it: many programs write UTF-8 without saying so."""
    if info.flag_bits & _NAMED_IN_UTF8:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _refuse_kind(info: zipfile.ZipInfo, name: str) -> None:
    if stat.S_IFMT(info.external_attr >> 16) not in _PLAIN_KINDS:
        raise _refused(name, f"'{info.filename}' in it is a link or a device, not a file")
    if info.flag_bits & _ENCRYPTED:
        raise UserError(f"'{name}' is protected by a password.", "Unpack it by hand, then choose the folder.")
    if info.compress_type not in _METHODS:
        raise UserError(
            f"'{name}' is packed in a way that cannot be read here.", "Unpack it by hand, then choose the folder."
        )


def _refuse_collisions(entries: Iterable[Entry], name: str) -> None:
    """Names that are one name on some disk: they differ in case, or in how an umlaut is written, or not at all."""
    seen: dict[str, Parts] = {}
    files: set[str] = set()
    folders: set[Parts] = set()
    for entry in entries:
        for depth in range(1, len(entry.parts)):
            if (folder := entry.parts[:depth]) not in folders:
                folders.add(folder)
                _note(folder, seen, name)
        key = _note(entry.parts, seen, name)
        if key in files:
            raise _refused(name, f"'{'/'.join(entry.parts)}' comes twice in it")
        files.add(key)
    if both := [folder for folder in folders if _key(folder) in files]:
        raise _refused(name, f"'{'/'.join(min(both))}' is a file and a folder in it")


def _note(parts: Parts, seen: dict[str, Parts], name: str) -> str:
    key = _key(parts)
    before = seen.setdefault(key, parts)
    if before != parts:
        one, other = "/".join(before), "/".join(parts)
        raise _refused(name, f"'{one}' and '{other}' in it have the same name on many disks")
    return key


def _key(parts: Parts) -> str:
    return nfc(nfc("/".join(parts)).casefold())


def _refuse_size(total: int, size_bytes: int, name: str) -> None:
    if total > MOST_BYTES:
        raise _refused(name, f"unpacked it takes {total / 1e9:.0f} GB, more than {MOST_BYTES / 1e9:.0f} GB")
    # Against the size of the archive, not of its parts: the parts of a bomb may overlap.
    if total > SUSPICIOUS_BYTES and total > SUSPICIOUS_RATIO * max(1, size_bytes):
        ratio = total // max(1, size_bytes)
        raise _refused(name, f"unpacked it is {ratio:,} times as large, as archives are that are meant to fill a disk")


def refuse_full_disk(total: int, spare_bytes: int, free_bytes: int, name: str) -> None:
    """Raises a UserError where `total` bytes would leave less than `spare_bytes` of the disk."""
    if total > free_bytes - spare_bytes:
        raise UserError(
            f"'{name}' takes {total / 1e9:.1f} GB unpacked, and the disk has only {free_bytes / 1e9:.1f} GB free.",
            "Free some space, or unpack it by hand on another disk and choose the folder.",
        )


def _refused(name: str, why: str) -> UserError:
    return UserError(f"'{name}' is not unpacked: {why}.", "Unpack it by hand, look at it, and choose the folder.")


def open_archive(path: Path) -> zipfile.ZipFile:
    """The archive, opened for reading.

    Raises:
        UserError: it is no zip, or is damaged.
        OSError: it cannot be read.
    """
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, UnicodeError) as error:
        raise UserError(
            f"'{path.name}' is no zip archive, or it is damaged.",
            "Only zip archives are unpacked here; unpack others by hand and choose the folder.",
            details=str(error),
        ) from error
