"""Exports that lie in a run's folder, with the proof beside each. No Qt."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from tlgui.gui import numbers


class _File(msgspec.Struct, frozen=True, kw_only=True):
    size_bytes: int


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of `parity.json` that people read.

    Attributes:
        passed: whether the export answered like the program.
        images: how many validation images it answered.
        labels_equal: how many of them with the same label.
        ties: labels that differ although no class stands out; they count as equal.
        max_probability_difference: the largest, over all images and classes.
        files: size of each exported file.
    """

    passed: bool
    images: int
    labels_equal: int
    ties: int = 0
    max_probability_difference: float | None
    format: str
    files: dict[str, _File] = {}


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """One export on disk."""

    folder: Path
    parity: Parity
    checked: datetime

    def lines(self, now: datetime | None = None) -> list[str]:
        """The proof in words, the time last."""
        parity = self.parity
        found = [f"{numbers.count(parity.labels_equal)} of {numbers.count(parity.images)} labels equal"]
        if parity.ties:
            found.append(f"{numbers.counted(parity.ties, 'tie')} between two classes")
        if parity.max_probability_difference is not None:
            found.append(f"largest difference {plain(parity.max_probability_difference)}")
        found.append(f"Checked {numbers.day(self.checked)}, {self.checked:%H:%M}")
        return found


def plain(difference: float) -> str:
    """A small number as a plain decimal with two significant digits: 3.14e-6 -> "0.0000031"."""
    if difference <= 0:
        return "0"
    digits = max(1, min(12, 1 - int(f"{difference:e}".partition("e")[2])))
    return f"{difference:.{digits}f}".rstrip("0").rstrip(".")


def read_exports(folder: Path) -> dict[str, Export]:
    """The newest export of each format; one that cannot be read is passed over. It reads files: use it in the background.

    An export that failed its check is shown only where there is no later one that passed.
    """
    found: dict[str, Export] = {}
    try:
        folders = [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return {}
    exports = [export for path in folders if (export := _read(path)) is not None]
    for export in sorted(exports, key=lambda export: (export.parity.passed, export.checked)):
        found[export.parity.format] = export
    return found


def _read(path: Path) -> Export | None:
    record = path / "parity.json"
    try:
        parity = msgspec.json.decode(record.read_bytes(), type=Parity)
        return Export(folder=path, parity=parity, checked=datetime.fromtimestamp(record.stat().st_mtime))
    except (OSError, msgspec.DecodeError):
        return None
