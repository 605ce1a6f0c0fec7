"""The classes with their pictures, as soon as their names are known, and beneath them those that are left out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.imaging_messages import ClassCount, ClassFound
from tlgui.gui.numbers import counted
from tlgui.gui.widgets import Action, Button, Card, Divider, Fold, Label, plain_tooltip
from tlgui.gui.wizard.images.class_list import ClassList, ClassRow
from tlgui.gui.wizard.images.pictures import Pictures
from tlgui.gui.wizard.images.words import origin_words

_MOST_LEFT_OUT = 60
_FEW = 4


class ClassesCard(Card):
    """First by the folders' names, then by what was read.

    Attributes:
        see: *See what the network sees*.
        again: *Use again* by the name of the class that is left out.
    """

    seen_asked = Signal()
    use_asked = Signal(str)
    """The class of that folder or label is wanted again."""

    def __init__(self, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.list = ClassList(pictures)
        tip = "An image as stored, as decoded, and as the square that enters the network."
        self.see = Action("See what the network sees", self.seen_asked.emit, "Ctrl+E", tip, "images", self)
        self.see_button = Button(kind="link", action=self.see)
        self.add_head(self.see_button)
        self.body.addWidget(self.list)
        self.again: dict[str, Button] = {}
        self._left_out: QWidget | None = None
        self._shown: tuple[Sequence[ClassCount], bool] | None = None
        self._shown_left_out: tuple[tuple[str, ...], str] = ((), "")

    def show_found(self, classes: Sequence[ClassFound], caption: str) -> None:
        """Folders and files, before any file was opened."""
        self._show([ClassRow(row.name, row.files, tuple(row.samples), read=False) for row in classes], caption)
        self.see_button.hide()
        self.show_left_out((), "")

    def show_read(self, classes: Sequence[ClassCount], can_open: bool) -> None:
        """Images that are used.

        Args:
            classes: as the scan or the run counts them.
            can_open: whether all images of a class can be asked for.
        """
        if (classes, can_open) == self._shown:
            return
        rows = [
            ClassRow(
                row.name, row.total, tuple(row.samples), read=True, can_open=can_open,
                origin=origin_words(row.name, row.found),
            )
            for row in classes
        ]  # fmt: skip
        self._show(rows, "")
        self.see_button.show()
        self._shown = (classes, can_open)

    def show_left_out(self, names: Sequence[str], against: str) -> None:
        """Classes that the person left out, each with the way back.

        Args:
            names: of the folders or labels.
            against: why nothing can be decided, as a sentence; "" when it can.
        """
        state = (tuple(names), against)
        if state == self._shown_left_out:
            return
        self._shown_left_out = state
        if self._left_out is not None:
            self.body.removeWidget(self._left_out)
            self._left_out.hide()
            self._left_out.deleteLater()
            self._left_out = None
        self.again = {}
        if names:
            self._left_out = self._make_left_out(names, against)
            self.body.addWidget(self._left_out)

    def _make_left_out(self, names: Sequence[str], against: str) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(Divider())
        title = f"{counted(len(names), 'class', 'classes')} left out by you"
        lines: QVBoxLayout = column
        if len(names) > _FEW:
            fold = Fold(title)
            fold.body.setSpacing(2)
            column.addWidget(fold)
            lines = fold.body
        else:
            column.addSpacing(6)
            column.addWidget(Label(title, "caption"))
        for name in names[:_MOST_LEFT_OUT]:
            lines.addLayout(self._left_out_line(name, against))
        return holder

    def _left_out_line(self, name: str, against: str) -> QHBoxLayout:
        again = Button("Use again", "link", "undo", small=True)
        again.setAccessibleName(f"Use again: {name}")
        again.setToolTip(plain_tooltip(against or f"The images of '{name}' are used again."))
        again.setEnabled(not against)
        again.clicked.connect(lambda: self.use_asked.emit(name))
        again.align_edge("right")
        self.again[name] = again
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(Label(name, "muted", elide=True), 1)
        row.addWidget(again)
        return row

    def _show(self, rows: list[ClassRow], caption: str) -> None:
        self._shown = None
        self.setVisible(bool(rows))
        self.set_title(counted(len(rows), "class", "classes"))
        self.set_caption(caption)
        self.list.set_rows(rows)
