"""Names of files and folders: spelling, order, and those that no person made."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from tlgui.core.records import Reason

# Compared without case. Folders and files that systems, cameras, disks and tools leave behind.
SYSTEM_NAMES = frozenset(
    {
        # Windows
        "thumbs.db",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "desktop.ini",
        "$recycle.bin",
        "recycler",
        "found.000",
        "system volume information",
        # macOS
        ".ds_store",
        ".localized",
        "__macosx",
        ".appledouble",
        ".apdisk",
        ".fseventsd",
        ".spotlight-v100",
        "icon\r",
        ".temporaryitems",
        ".trashes",
        ".documentrevisions-v100",
        # network storage, Linux desktops
        "@eadir",
        "#recycle",
        "#snapshot",
        "@tmp",
        "lost+found",
        ".directory",
        ".thumbnails",
        ".picasa.ini",
        # tools
        ".git",
        ".svn",
        ".hg",
        ".ipynb_checkpoints",
        "__pycache__",
        ".vscode",
        ".idea",
        ".cache",
    }
)


def nfc(name: str) -> str:
    """One spelling for names that look the same: macOS may write an umlaut as two characters."""
    return unicodedata.normalize("NFC", name)


def as_known(names: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """For each name of a class the one among those of a model that it means; it is not in there where it means none.

    That is the one that is spelled so, or else the only one that differs in nothing but upper and lower case.
    """
    exact = {nfc(name): name for name in known}
    folded = Counter(nfc(name).casefold() for name in known)
    alike = {nfc(name).casefold(): name for name in known if folded[nfc(name).casefold()] == 1}
    found = {name: exact.get(nfc(name), alike.get(nfc(name).casefold())) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def order(path: str) -> tuple[str, str]:
    """Sort key that is the same on every machine and disk: code points of the NFC spelling, "/" between parts."""
    return nfc(path), path


def is_readable_name(name: str) -> bool:
    """False for a name that is no valid text (Linux allows any bytes): it could be written into no file of ours."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def printable(path: str) -> str:
    """The path with a replacement sign for what is no valid text."""
    return path if is_readable_name(path) else os.fsencode(path).decode("utf-8", "replace")


def not_a_persons(parts: tuple[str, ...]) -> tuple[Reason, str] | None:
    """Why a file at these path parts is none that a person put there, or None."""
    for position, part in enumerate(parts):
        is_folder = position < len(parts) - 1
        if part.casefold() in SYSTEM_NAMES:
            made_by = "that a system or tool made"
            sentence = f"It lies in the folder '{part}' {made_by}." if is_folder else f"It is a file {made_by}."
            return Reason.SYSTEM_FILE, sentence
        if part.startswith("."):
            hidden = "It is hidden (its name begins with a dot)."
            sentence = f"It lies in the hidden folder '{part}'." if is_folder else hidden
            return Reason.HIDDEN, sentence
        if not is_readable_name(part):
            return Reason.UNREADABLE, "Its name, or that of its folder, is not valid text; rename it."
    return None


def counted(number: int, noun: str, plural: str = "") -> str:
    """'1 image', '3 images'."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], most: int = 5) -> str:
    """Quoted names in a row, cut short after `most`: "'a', 'b' and 7 more"."""
    names = list(names)
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
