"""Answers about images that took a while, kept in the cache: asked again for the same images they take no time."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.paths import cache_dir

logger = logging.getLogger(__name__)

Kept = TypeVar("Kept", bound=msgspec.Struct)


def key_of(parts: Iterable[str]) -> str:
    """A hash over everything that an answer depends on."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:40]


def recall(kind: str, key: str, answer: type[Kept]) -> Kept | None:
    """The answer of that key, where it is kept and can be read."""
    with contextlib.suppress(OSError, UserError, msgspec.DecodeError):
        return msgspec.json.decode((cache_dir() / kind / f"{key}.json").read_bytes(), type=answer)
    return None


def remember(kind: str, key: str, answer: msgspec.Struct) -> None:
    """Keeps an answer; a full or read-only place for caches costs speed, never the answer.

    Args:
        kind: of question: the folder in the cache.
        key: of `key_of`.
        answer: a struct that JSON can carry.
    """
    try:
        folder = cache_dir() / kind
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(folder / f"{key}.json", msgspec.json.encode(answer))
    except (OSError, UserError) as error:
        logger.warning("The answer of %s is not kept (%s)", kind, type(error).__name__)
