"""`project.toml`: the journal of a project, the salt of its group keys, and by what its folder is known again."""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import tomli_w

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.intake import AnyChange, Entry
from tlgui.core.run_spec import without_none
from tlgui.core.split import nfc

NAME = "project.toml"
_SAMPLE = 64  # paths
_KINDS = frozenset(kind.__name__ for kind in get_args(AnyChange))


class ProjectFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of `project.toml`.

    Attributes:
        format: version of this file's layout.
        salt: hexadecimal, drawn at random; group keys are hashed with it, so that nobody can try names out on them.
        split: which split lies in split.csv, as `kept_splits` names it.
        sample: hashes of some relative paths, by which a folder that was moved is known again.
        entries: the journal, oldest first; it only grows.
    """

    format: Literal[1] = 1
    salt: str = msgspec.field(default_factory=lambda: secrets.token_hex(16))
    split: str = ""
    sample: list[str] = []
    entries: list[Entry] = []


def read(folder: Path) -> ProjectFile | None:
    """The file in a project's folder; `None` where there is none yet.

    Raises:
        UserError: it is damaged, or a newer version of this program wrote it.
    """
    try:
        raw = tomllib.loads((folder / NAME).read_bytes().decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _damaged(folder, error) from error
    try:
        return msgspec.convert(raw, ProjectFile)
    except msgspec.ValidationError as error:
        if _is_newer(raw):
            raise UserError(
                f"The project '{folder.name}' was last changed by a newer version of this program.",
                "Open it with that version.",
                str(error),
            ) from error
        raise _damaged(folder, error) from error


def write(folder: Path, file: ProjectFile) -> None:
    """Replaces the file atomically."""
    atomic.write_text(folder / NAME, tomli_w.dumps(without_none(msgspec.to_builtins(file))))


def path_hash(path: str) -> str:
    """The mark of a relative path in `sample`, the same for all spellings."""
    return hashlib.sha256(nfc(path).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def sample_of(paths: Collection[str]) -> list[str]:
    """The marks that come first: most of them stay the same when files are added."""
    return sorted({path_hash(path) for path in paths})[:_SAMPLE]


def _is_newer(raw: dict[str, Any]) -> bool:
    if raw.get("format") != 1:
        return isinstance(raw.get("format"), int)
    entries = raw.get("entries")
    changes = [entry.get("change") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    kinds = [change.get("type") for change in changes if isinstance(change, dict)]
    return any(isinstance(kind, str) and kind not in _KINDS for kind in kinds)


def _damaged(folder: Path, error: Exception) -> UserError:
    return UserError(
        f"'{NAME}' of the project '{folder.name}' cannot be read.",
        "Take it from a backup; or rename it, to begin again without the decisions that it holds.",
        str(error) if not isinstance(error, OSError) else error.strerror or "",
    )
