"""The worst mistakes: wrong answers that the model was surest of, with their images."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.records import PixelRule
from tlgui.gui import numbers
from tlgui.gui.flow import Flow
from tlgui.gui.pages.results.findings import Answer
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.widgets import Action, Button, Card, Label, Tile

_SIDE = 96
_SHOWN = 8


class WorstMistakes(Card):
    """Up to eight wrong answers; a press opens the large view there."""

    mistake_pressed = Signal(int)
    """Its place among all mistakes, the worst first."""

    def __init__(self, store: ThumbnailStore, parent: QWidget | None = None) -> None:
        super().__init__("Worst mistakes first", parent=parent)
        self._store = store
        tip = "Shows the mistakes one by one, large"
        self._see_all = Action("See all", lambda: self.mistake_pressed.emit(0), "Ctrl+M", tip, parent=self)
        self._all = Button(kind="link", action=self._see_all)
        self.add_head(self._all)
        self._flow = Flow(narrowest=184, spacing=12, widest=184)
        self._words = Label("", kind="muted", wrap=True)
        self.body.addWidget(self._flow)
        self.body.addWidget(self._words)

    def set_mistakes(self, mistakes: list[Answer], root: Path | None, rule: PixelRule) -> None:
        """Shows other mistakes.

        Args:
            mistakes: the worst first.
            root: the dataset folder; `None` where that is unknown, and then the answers stand without their images.
            rule: how the run reads pixels.
        """
        shown = mistakes[:_SHOWN]
        items = [self._item(place, answer, root, rule) for place, answer in enumerate(shown)]
        self._flow.set_widgets(items)
        self._flow.setVisible(bool(items))
        self._all.setVisible(len(mistakes) > 0)
        self._see_all.set_text(f"See all {numbers.count(len(mistakes))}" if len(mistakes) > 1 else "See it large")
        self._words.setText(_words(len(mistakes), root is None))
        self._words.setVisible(bool(self._words.text()))

    def _item(self, place: int, answer: Answer, root: Path | None, rule: PixelRule) -> QWidget:
        item = QWidget(self)
        column = QVBoxLayout(item)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        tile = Tile(
            _SIDE,
            f"Really {answer.true}, the model said {answer.said}, {numbers.percent(answer.sure, 0)} sure: show it large",
        )
        tile.clicked.connect(lambda _=False: self.mistake_pressed.emit(place))
        column.addWidget(tile, 0, Qt.AlignmentFlag.AlignLeft)
        for line in self._lines(answer):
            column.addLayout(line)
        if root is not None:

            def receive(image: QImage | None, problem: str) -> None:
                tile.set_image(image) if image is not None else tile.set_unreadable(problem)

            self._store.request(root, answer.path, _SIDE, rule, receive, tile)
        else:
            tile.set_unreadable("The images of this run are not where they were.")
        return item

    def _lines(self, answer: Answer) -> list[QHBoxLayout]:
        lines = []
        for caption, words, kind in (("really", answer.true, "strong"), ("said", answer.said, "strong")):
            line = QHBoxLayout()
            line.setSpacing(4)
            line.addWidget(Label(caption, kind="caption"))
            label = Label(words, kind=kind, elide=True)
            label.set_tone("bad" if caption == "said" else "")
            line.addWidget(label, 1)
            if caption == "said":
                line.addWidget(Label(numbers.percent(answer.sure, 0), kind="caption"))
            lines.append(line)
        return lines


def _words(number: int, without_images: bool) -> str:
    if not number:
        return "No image was taken for another class. With few images that can be luck: the range above says how much."
    if without_images:
        return "The images are not where they were when this run was made, so only the answers are shown."
    return ""
