"""What speaks for a warning: its sentences, and the images that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from tlgui.core.records import PixelRule
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.viewer import ImageViewer, Shown
from tlgui.gui.widgets import Dialog, Label
from tlgui.gui.wizard.images.path_grid import CELL, SIDE, PathGrid, PathModel
from tlgui.gui.wizard.images.pictures import Pictures

_MOST_SENTENCES = 200
_FEW = 3  # sentences that stand above the images without a scroll bar of their own


class EvidenceDialog(Dialog):
    """Sentences above, images beneath; Enter shows an image large.

    Args:
        title: what was found.
        sentences: every one of it.
        paths: images to look at, relative to `root`; may be empty.
        root: the folder; `None` where nobody knows it.
        rule: how stored values are mapped.
        store: where the pictures come from.
        parent: whose window it lies over.
    """

    def __init__(
        self, title: str, sentences: Sequence[str], paths: Sequence[str], root: Path | None, rule: PixelRule | None,
        store: ThumbnailStore, parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(title, "", parent)
        self._title, self._root, self._rule, self._store = title, root, rule, store
        self._paths = list(paths) if root is not None else []
        self.grid: PathGrid | None = None
        lines = [Label(sentence, "body", wrap=True) for sentence in sentences[:_MOST_SENTENCES]]
        if len(lines) <= _FEW:
            for line in lines:
                self.body.addWidget(line)
        else:
            self.body.addWidget(_scrolled(lines), 1)
        if self._paths:
            self._add_grid()
        close = self.add_button("Close", "secondary", default=True)
        (self.grid or close).setFocus()

    def _add_grid(self) -> None:
        pictures = Pictures(self._store, SIDE, self)
        pictures.set_folder(self._root, self._rule)
        model = PathModel(len(self._paths), self)
        model.fill(0, self._paths)
        self.grid = PathGrid(model, pictures, self)
        self.grid.setAccessibleName("Images that this is about")
        self.grid.opened.connect(self._on_opened)
        self.finished.connect(lambda _result: pictures.forget())
        self.body.addWidget(self.grid, 3)
        room = self.screen().availableGeometry().size()
        self.resize(min(CELL.width() * 5 + 72, room.width() - 40), min(520, room.height() - 60))

    def _on_opened(self, place: int) -> None:
        shown = [Shown(path, PurePosixPath(path).name, str(PurePosixPath(path).parent)) for path in self._paths]
        ImageViewer(self._title, self._root, shown, self._store, self._rule, place, self).open()


def _scrolled(lines: Sequence[Label]) -> QScrollArea:
    inside = QWidget()
    inside.setProperty("role", "plain")
    column = QVBoxLayout(inside)
    column.setContentsMargins(0, 0, 12, 0)
    column.setSpacing(6)
    for line in lines:
        column.addWidget(line)
    column.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumHeight(90)
    area.setAccessibleName("Every sentence of it")
    area.setWidget(inside)
    return area
