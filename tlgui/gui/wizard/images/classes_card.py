"""The classes with their pictures, as soon as their names are known."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from tlgui.core.imaging_messages import ClassCount, ClassFound
from tlgui.gui.numbers import counted
from tlgui.gui.widgets import Card
from tlgui.gui.wizard.images.class_list import ClassList, ClassRow
from tlgui.gui.wizard.images.pictures import Pictures


class ClassesCard(Card):
    """First by the folders' names, then by what was read."""

    def __init__(self, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.list = ClassList(pictures)
        self.body.addWidget(self.list)
        self._shown: tuple[Sequence[ClassCount], bool] | None = None

    def show_found(self, classes: Sequence[ClassFound], caption: str) -> None:
        """Folders and files, before any file was opened."""
        self._show([ClassRow(row.name, row.files, tuple(row.samples), read=False) for row in classes], caption)

    def show_read(self, classes: Sequence[ClassCount], can_open: bool) -> None:
        """Images that are used.

        Args:
            classes: as the scan or the run counts them.
            can_open: whether all images of a class can be asked for.
        """
        if (classes, can_open) == self._shown:
            return
        rows = [ClassRow(row.name, row.total, tuple(row.samples), read=True, can_open=can_open) for row in classes]
        self._show(rows, "")
        self._shown = (classes, can_open)

    def _show(self, rows: list[ClassRow], caption: str) -> None:
        self._shown = None
        self.setVisible(bool(rows))
        self.set_title(counted(len(rows), "class", "classes"))
        self.set_caption(caption)
        self.list.set_rows(rows)
