"""All images of one class: paths come by the page, pictures only for what is in view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from tlgui.core.records import PixelRule
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.viewer import ImageViewer, Shown
from tlgui.gui.widgets import Dialog, Label
from tlgui.gui.wizard.images.path_grid import CELL, SIDE, PathGrid, PathModel
from tlgui.gui.wizard.images.paths import PathSource
from tlgui.gui.wizard.images.pictures import Pictures
from tlgui.gui.wizard.images.words import images_word


class ClassDialog(Dialog):
    """A class, picture by picture; Enter shows one large.

    Args:
        name, total: of the class.
        source: where its paths come from.
        root: the folder.
        rule: how stored values are mapped.
        store: where the pictures come from.
        parent: whose window it lies over.
        see: shows what the network sees of the image of that path; `None` = it is not offered.
    """

    def __init__(
        self, name: str, total: int, source: PathSource, root: Path, rule: PixelRule | None, store: ThumbnailStore,
        parent: QWidget, see: Callable[[str], object] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, f"{images_word(total)}, all of them used", parent)
        self._name, self._root, self._rule, self._store = name, root, rule, store
        source.setParent(self)
        self._pictures = Pictures(store, SIDE, self)
        self._pictures.set_folder(root, rule)
        self._model = PathModel(total, self)
        self._model.asked.connect(source.ask)
        source.arrived.connect(self._model.fill)
        source.refused.connect(self._on_refused)
        self.grid = PathGrid(self._model, self._pictures, self)
        self.grid.opened.connect(self._on_opened)
        self.problem = Label("", "caption", wrap=True)
        self.problem.set_tone("bad")
        self.problem.hide()
        self.body.addWidget(self.problem)
        self.body.addWidget(self.grid, 1)
        if see is not None:
            self.see = self.add_button(
                "What the network sees…", "secondary", lambda: see(self._at_hand()), closes=False
            )
            self.see.setToolTip("The image at hand as stored, as decoded, and as the square that enters the network.")
        self.add_button("Close", "secondary", default=True)
        self.finished.connect(lambda _result: self._pictures.forget())
        self.grid.setFocus()
        self.resize(_comfortable(self.screen().availableGeometry().size()))

    def _at_hand(self) -> str:
        return self._model.path(max(0, self._model.place(self.grid.currentIndex())))

    def _on_refused(self, sentence: str) -> None:
        self.problem.setText(sentence)
        self.problem.show()

    def _on_opened(self, place: int) -> None:
        first, paths = self._model.known_around(place)
        shown = [Shown(path, PurePosixPath(path).name, self._name) for path in paths]
        ImageViewer(self._name, self._root, shown, self._store, self._rule, place - first, self).open()


def _comfortable(screen: QSize) -> QSize:
    return QSize(CELL.width() * 6 + 72, 640).boundedTo(screen - QSize(40, 60))
