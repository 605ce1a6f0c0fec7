"""Identifiers of patients, studies and devices to words that name nobody, equal on this computer and nowhere else."""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from pathlib import Path

from filelock import FileLock

from tlgui.core.atomic import write_bytes
from tlgui.core.errors import UserError
from tlgui.core.paths import state_dir

KEY_BYTES = 32
DIGITS = 16  # 64 bits: two of a million patients share a word with a chance of 3 in 100 million


def pseudonym(*parts: str) -> str:
    """The first DIGITS hexadecimal digits of a keyed sha256; "" where all parts are empty.

    Args:
        parts: that identify together, such as maker, model and station; surrounding blanks do not count.

    Raises:
        UserError: the key can neither be read nor made.
    """
    words = [part.strip(" \0") for part in parts]
    if not any(words):
        return ""
    return hmac.new(_key(state_dir()), "\0".join(words).encode(), hashlib.sha256).hexdigest()[:DIGITS]


@functools.cache
def _key(folder: Path) -> bytes:
    """This computer's own key, made once; whoever lacks it cannot find out names by trying them."""
    path = folder / "key"
    try:
        with FileLock(folder / "key.lock"):
            if not path.is_file():
                write_bytes(path, secrets.token_bytes(KEY_BYTES))
                path.chmod(0o600)
            key = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The key that hides identifiers of DICOM files cannot be kept: {error.strerror}.",
            "Free some space or give yourself permission to write to the program's own folder, then try again.",
        ) from error
    if len(key) != KEY_BYTES:
        raise UserError(
            "The key that hides identifiers of DICOM files is damaged.",
            "Delete the file 'key' in the program's own folder; folders with DICOM files are then read anew.",
        )
    return key
