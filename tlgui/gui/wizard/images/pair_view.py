"""One pair large: two pictures side by side, with name, class and part of each."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.imaging_messages import Leak
from tlgui.core.records import PixelRule
from tlgui.gui.thumbnails import Request, ThumbnailStore
from tlgui.gui.viewer import Canvas
from tlgui.gui.widgets import Action, Button, Chip, Label
from tlgui.gui.wizard.images.pair_words import less_needed, pair_sentence, pair_title

_LONGEST = 480  # points of the pictures' longer side
_LEAST = (150, 96)  # so that all of it fits a small screen at 200 %


class PairSide(QWidget):
    """One of the two.

    Attributes:
        leave_out: uses it no more.
    """

    def __init__(self, which: str, key: str, store: ThumbnailStore, parent: QWidget) -> None:
        super().__init__(parent)
        self._which, self._store = which, store
        self._asked: Request | None = None
        self.path = ""
        self.canvas = Canvas()
        self.canvas.setMinimumSize(*_LEAST)
        self.canvas.setToolTip("The wheel zooms, the mouse drags.")
        self.name = Label("", "caption-strong", elide=True)
        self.class_chip, self.part_chip = Chip(), Chip()
        self.leave_out = Action("Leave out", None, key, "It is used no more; the file stays. It can be undone.")
        self.leave_out.setParent(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.canvas, 1)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.name, 1)
        head.addWidget(self.part_chip)
        column.addLayout(head)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.class_chip)
        row.addStretch(1)
        row.addWidget(Button(action=self.leave_out, small=True))
        column.addLayout(row)

    def show_image(self, leak: Leak, place: int, root: Path, rule: PixelRule | None) -> None:
        """The first (0) or the second (1) of a pair."""
        self.path = (leak.pair.first, leak.pair.second)[place]
        self.name.setText(PurePosixPath(self.path).name)
        self.name.setToolTip(self.path)
        name, part = leak.pair.classes[place], leak.parts[place]
        self.class_chip.set(_short(name), "warn" if leak.pair.classes[0] != leak.pair.classes[1] else "neutral")
        self.class_chip.setToolTip(f"Its class: {name}")
        self.part_chip.set(part, "warn" if leak.parts[0] != leak.parts[1] else "neutral")
        self.part_chip.setToolTip("Which part it lies in.")
        hint = " Of the two it is the less needed one." if less_needed(leak) == self.path else ""
        self.leave_out.set_tooltip(f"It is used no more; the file stays. It can be undone.{hint}")
        self.canvas.setAccessibleName(f"{self._which}: {PurePosixPath(self.path).name}, '{name}', {part}")
        self._ask(root, rule)

    def forget(self) -> None:
        """What was asked for does not arrive any more."""
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None

    def _ask(self, root: Path, rule: PixelRule | None) -> None:
        self.forget()
        self.canvas.say("Reading…")
        path = self.path

        def receive(picture: QImage | None, problem: str) -> None:
            # Somebody who moves on quickly must not see an image under another one's name.
            if path == self.path:
                self.canvas.set_image(picture) if picture is not None else self.canvas.say(problem)

        longest = round(_LONGEST * self.devicePixelRatioF())
        self._asked = self._store.request(root, path, longest, rule, receive, self, whole=True)


class PairView(QWidget):
    """Both of a pair, and what is wrong with it."""

    left_out = Signal(str)
    """The path of the one to use no more."""

    def __init__(self, store: ThumbnailStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = Label("", "strong", wrap=True)
        self.sentence = Label("", "caption", wrap=True)
        self.sides = (PairSide("First", "1", store, self), PairSide("Second", "2", store, self))
        row = QHBoxLayout()
        row.setSpacing(12)
        for side in self.sides:
            row.addWidget(side, 1)
            side.leave_out.triggered.connect(lambda _checked=False, side=side: self.left_out.emit(side.path))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addWidget(self.sentence)
        column.addLayout(row, 1)

    def show_pair(self, leak: Leak, root: Path, rule: PixelRule | None) -> None:
        """Another pair."""
        self.title.setText(pair_title(leak))
        self.sentence.setText(pair_sentence(leak))
        for place, side in enumerate(self.sides):
            side.show_image(leak, place, root, rule)

    def set_reason(self, why_not: str) -> None:
        """Why none of the two can be left out now; "" when one can."""
        for side in self.sides:
            side.leave_out.set_reason(why_not)

    def forget(self) -> None:
        """Pictures on their way do not arrive any more."""
        for side in self.sides:
            side.forget()


def _short(name: str, most: int = 20) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
