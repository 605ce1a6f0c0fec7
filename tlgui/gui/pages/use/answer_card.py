"""The answer for one image: the picture, the class, and a bar for each class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core import events
from tlgui.core.records import PixelRule
from tlgui.gui import numbers
from tlgui.gui.theme import font
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.widgets import Card, Label, ShareBar, Tile

_SIDE = 112
_BARS = 5
_UNSURE = 0.6
_NAMES = 180


class AnswerCard(Card):
    """What the model says of one image, or why it says nothing."""

    picture_pressed = Signal()

    def __init__(
        self,
        answer: events.Predicted,
        file: Path | None,
        store: ThumbnailStore,
        rule: PixelRule | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", parent=parent)
        self.answer = answer
        tile = Tile(_SIDE, answer.path)
        tile.clicked.connect(lambda _=False: self.picture_pressed.emit())
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(tile, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(4)
        row.addLayout(words, 1)
        self.body.addLayout(row)
        words.addWidget(Label(answer.path, "caption", elide=True))
        if answer.problem:
            words.addWidget(Label("No answer", "strong"))
            words.addWidget(Label(answer.problem, "muted", wrap=True))
        else:
            self._add_bars(words, answer.label, answer.probabilities)
        words.addStretch(1)
        if file is not None:

            def receive(image: QImage | None, problem: str) -> None:
                tile.set_image(image) if image is not None else tile.set_unreadable(problem)

            store.request(file.parent, file.name, _SIDE * 2, rule, receive, tile)

    def _add_bars(self, words: QVBoxLayout, label: str, probabilities: Mapping[str, float]) -> None:
        words.addWidget(Label(label, "card-title", elide=True))
        ordered = sorted(probabilities.items(), key=lambda item: -item[1])
        if ordered[0][1] < _UNSURE:
            words.addWidget(Label("The model is not sure: no class stands out.", "muted", wrap=True))
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        shown = [name for name, _ in ordered[:_BARS]]
        # As wide as the longest name, so that names that begin alike can be told apart.
        widest = min(_NAMES, max(QFontMetrics(font(13, 600)).horizontalAdvance(name) for name in shown) + 4)
        for place, (name, probability) in enumerate(ordered[:_BARS]):
            first = place == 0
            bar = ShareBar(probability, "primary" if first else "muted", width=0)
            bar.setAccessibleName(f"{name}: {numbers.percent(probability)}")
            said = Label(name, "strong" if first else "body", elide=True)
            said.setFixedWidth(widest)
            grid.addWidget(said, place, 0)
            grid.addWidget(bar, place, 1, Qt.AlignmentFlag.AlignVCenter)
            figure = Label(_percent(probability), "strong" if first else "body")
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(figure, place, 2)
        words.addLayout(grid)
        if len(ordered) > _BARS:
            rest = sum(probability for _, probability in ordered[_BARS:])
            words.addWidget(
                Label(
                    f"{numbers.counted(len(ordered) - _BARS, 'other class', 'other classes')}: {_percent(rest)}",
                    "caption",
                )
            )


def _percent(probability: float) -> str:
    # "100.0 %" would say more than a model can know.
    if probability > 0.9995:
        return "> 99.9 %"
    return "< 0.1 %" if probability < 0.0005 else numbers.percent(probability)
