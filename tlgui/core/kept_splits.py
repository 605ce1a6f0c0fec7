"""Splits as a project keeps them: `split.csv`, and beside it those that were drawn with other shares or another seed."""

from __future__ import annotations

import contextlib
import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.intake import Change, CutTest, CutValidation, DrawSplitAnew, UseFold
from tlgui.core.records import ImageRecord
from tlgui.core.split import PARTS, Kept, Part, nfc
from tlgui.core.tables import csv_bytes

NAME = "split.csv"
_COLUMNS = ("path", "content_hash", "group", "split")
# What a person joined has no name that lasts; hashed keys do.
_LASTING = re.compile(r"[0-9a-f]{12}")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An image and its part."""

    path: str
    content_hash: str
    group: str
    split: Part


def name_of(fractions: tuple[float, float, float], seed: int, in_force: Iterable[Change]) -> str:
    """What tells one split from another, such as "seed 1 70-15-15": equal names mean that no image moves.

    A person who asks for parts to be drawn anew wants images to move; so that asks for another split, and taking the
    decision back brings the earlier one back.
    """
    changes = list(in_force)
    name = f"seed {seed} {'-'.join(f'{100 * fraction:.6g}' for fraction in fractions)}"
    times = sum(isinstance(change, DrawSplitAnew) for change in changes)
    if times:
        name += " anew" if times == 1 else f" anew {times}"
    if any(isinstance(change, CutTest) for change in changes):
        name += " with test"
    if any(isinstance(change, CutValidation) for change in changes):
        name += " new validation"
    if used := [change for change in changes if isinstance(change, UseFold)]:
        name += f" fold {used[-1].number} of {used[-1].of}"
    return name


def read(folder: Path, name: str, current: str) -> Kept | None:
    """The split of that name in a project's folder, where `split.csv` is the one named `current`.

    Raises:
        UserError: the file is damaged.
    """
    lines = _lines(folder, name, current)
    if not lines:
        return None
    contents: dict[str, Part] = {}
    groups: defaultdict[str, Counter[Part]] = defaultdict(Counter)
    for line in lines:
        if line.content_hash:
            contents.setdefault(line.content_hash, line.split)
        if _LASTING.fullmatch(line.group):
            groups[line.group][line.split] += 1
    return Kept(
        parts={nfc(line.path): line.split for line in lines},
        contents=contents,
        groups={group: max(PARTS, key=counter.__getitem__) for group, counter in groups.items()},
    )


def paths(folder: Path) -> set[str]:
    """Paths (NFC) that `split.csv` knows; none where it is missing or damaged."""
    try:
        return {nfc(line.path) for line in _read(folder / NAME)}
    except UserError:
        return set()


def set_aside(folder: Path, name: str, current: str) -> None:
    """Gives `split.csv` a name of its own where it is not the split of that name.

    Raises:
        OSError: the folder cannot be written.
    """
    if name != current:
        with contextlib.suppress(FileNotFoundError):
            (folder / NAME).replace(_beside(folder, current or "earlier"))


def write(folder: Path, name: str, records: Sequence[ImageRecord], parts: Mapping[str, Part]) -> None:
    """Makes `split.csv` the split of that name; images that are gone for now keep their line.

    Raises:
        OSError: the folder cannot be written.
        UserError: the split that lies there is damaged.
    """
    lines = {nfc(line.path): line for line in _lines(folder, name, name)}
    for record in records:
        line = Line(path=record.path, content_hash=record.content_hash, group=record.group, split=parts[record.path])
        lines[nfc(record.path)] = line
    rows = [(line.path, line.content_hash, line.group, line.split) for _, line in sorted(lines.items())]
    content = csv_bytes([_COLUMNS, *rows])
    path = folder / NAME
    if not path.is_file() or path.read_bytes() != content:
        atomic.write_bytes(path, content)
    _beside(folder, name).unlink(missing_ok=True)


def _lines(folder: Path, name: str, current: str) -> list[Line]:
    lines = _read(folder / NAME) if name == current else []
    return lines or _read(_beside(folder, name))


def _beside(folder: Path, name: str) -> Path:
    return folder / f"split {name}.csv"


def _read(path: Path) -> list[Line]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
            reader = csv.DictReader(stream)
            if not set(_COLUMNS) <= set(reader.fieldnames or ()):
                raise KeyError("a column is missing")
            return msgspec.convert([{name: row[name] for name in _COLUMNS} for row in reader], list[Line])
    except FileNotFoundError:
        return []
    except (OSError, KeyError, csv.Error, msgspec.ValidationError) as error:
        raise UserError(
            f"'{path.name}' of the project '{path.parent.name}' cannot be read.",
            "Take it from a backup; or rename it, to draw the split anew.",
            str(error) if not isinstance(error, OSError) else error.strerror or "",
        ) from error
