"""Which images of the person's own the preview shows: some of each class, in turn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder
from tlgui.gui.background import run_in_background
from tlgui.gui.wizard.images.rule_words import some_of_each

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_MOST = 48
NONE_YET = "There is no image to show: choose a folder of images first."
NOT_THERE = "The images of this run are not where they were."
_READING = "Reading…"


class OwnImages(QObject):
    """The samples of the scan, or, of a run that was opened from its folder, some of its training images.

    Attributes:
        root: the folder; `None` where nobody knows it.
        problem: why there is no image, or "".
        rule: of a run that was opened; `None` while one is set up.
    """

    changed = Signal()
    """Another image, or none."""

    def __init__(self, bench: Workbench, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._paths: list[str] = []
        self._at = 0
        self.root: Path | None = None
        self.problem = _READING
        self.rule: PixelRule | None = None

    @property
    def path(self) -> str:
        """Of the image that is shown, relative to the folder; "" = there is none."""
        return self._paths[self._at] if self._paths else ""

    @property
    def count(self) -> int:
        """How many images take turns."""
        return len(self._paths)

    def begin(self) -> None:
        """Finds some; `changed` follows."""
        bench, summary = self._bench, self._bench.draft.summary
        self.root = bench.draft.data
        samples = some_of_each(summary.classes, _MOST) if summary is not None else []
        if samples or not bench.read_only or bench.run_folder is None:
            self._take(samples, NONE_YET)
            return
        self.root, self.rule = bench.data_of(), bench.run_spec.pixel_rule if bench.run_spec is not None else None
        if self.root is None:
            self._take([], NOT_THERE)
            return
        run = bench.run_folder
        self.changed.emit()
        run_in_background(self, lambda: _training_images(run), lambda paths: self._take(paths, NOT_THERE), self._fail)

    def go_on(self) -> None:
        """The next image; after the last one the first."""
        if len(self._paths) > 1:
            self._at = (self._at + 1) % len(self._paths)
            self.changed.emit()

    def _take(self, paths: list[str], otherwise: str) -> None:
        self._paths, self._at = paths, 0
        self.problem = "" if paths and self.root is not None else otherwise
        self.changed.emit()

    def _fail(self, error: BaseException) -> None:
        self._take([], str(error))


def _training_images(run: RunFolder) -> list[str]:
    """Some of each class, in turn."""
    by_class: dict[str, list[str]] = {}
    for row in run.manifest():
        if row.part == "train":
            by_class.setdefault(row.class_name, []).append(row.path)
    most = max(map(len, by_class.values()), default=0)
    turns = (paths[turn] for turn in range(most) for paths in by_class.values() if turn < len(paths))
    return [path for path, _ in zip(turns, range(_MOST), strict=False)]
