"""What was found of the difference between two sites: the gauge, the images least alike, brightness and colour."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.events import GapMeasured
from tlgui.core.gap_events import SiteLook
from tlgui.core.records import PixelRule
from tlgui.gui.flow import Flow
from tlgui.gui.theme import color
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.viewer import Shown
from tlgui.gui.widgets import Chip, Label, Painted, Stat, Tile, painter_for
from tlgui.gui.wizard.strategy.brightness_plot import BrightnessPlot
from tlgui.gui.wizard.strategy.gap_words import CHIPS, colours, facts, mean_brightness, probability, value_of

_SIDE = 72
_TILE = _SIDE + 6  # with its edge
_WIDEST_GAUGE = 560
_AUC_TIP = "Of one image of each site, how often the features tell which is from the new one. 0.5: guessed. 1: always."


class GapAnswer(QWidget):
    """All of one measurement.

    Args:
        store: for the thumbnails.
        parent: the widget it lies in.

    Attributes:
        pressed: place of a thumbnail among those that are least alike.
    """

    pressed = Signal(int)

    def __init__(self, store: ThumbnailStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.chip = Chip()
        self.gauge = Stat("How often the two sites can be told apart (AUC)")
        self.gauge.setMaximumWidth(_WIDEST_GAUGE)
        self.gauge.setToolTip(_AUC_TIP)
        self.sentence = Label("", "body", wrap=True)
        self._told = QWidget()  # made anew with each measurement
        self._least = Label("Least alike of the new site", "strong")
        self._about_least = Label("by the probe: how likely each is from there", "caption", elide=True)
        self.flow = Flow(narrowest=_TILE, spacing=14, widest=_TILE)
        self.brightness = BrightnessPlot()
        self.looks = {"known": _Look("known site"), "new": _Look("new site")}
        self._arrange()

    def _arrange(self) -> None:
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.gauge)
        column.addWidget(self.sentence)
        column.addWidget(self._told)
        self._least_row = QWidget()
        head = QHBoxLayout(self._least_row)
        head.setContentsMargins(0, 6, 0, 0)
        head.setSpacing(8)
        head.addWidget(self._least)
        head.addWidget(self._about_least, 1)
        column.addWidget(self._least_row)
        column.addWidget(self.flow)
        column.addWidget(Label("Brightness and colour", "strong"))
        below = QHBoxLayout()
        below.setSpacing(20)
        below.addWidget(self.brightness, 3)
        words = QVBoxLayout()
        words.setSpacing(8)
        for look in self.looks.values():
            words.addWidget(look)
        words.addStretch(1)
        below.addLayout(words, 2)
        column.addLayout(below)

    def show_found(self, found: GapMeasured, root: Path, rule: PixelRule) -> None:
        """Shows a measurement.

        Args:
            found: it.
            root: folder of the new site.
            rule: how its pixels are read.
        """
        self.chip.set(*CHIPS[found.gap])
        text, interval = value_of(found)
        self.gauge.set(
            found.auc, found.low, found.high, text=text, range_text=interval, lowest=0.5, highest=1.0,
            lowest_text="0.5: cannot be told apart", highest_text="1: always told apart", series="s4",
        )  # fmt: skip
        self.sentence.setText(found.sentence)
        before, self._told = self._told, _told(found)
        self._column.insertWidget(self._column.indexOf(before), self._told)
        self._column.removeWidget(before)
        before.hide()
        before.deleteLater()
        tiles = [
            self._tile(place, root, rule, one.path, one.probability) for place, one in enumerate(found.least_alike)
        ]
        self.flow.set_widgets(tiles)
        for widget in (self._least_row, self.flow):
            widget.setVisible(bool(tiles))
        known, new = found.known_look, found.new_look
        self.brightness.set(
            known.brightness,
            new.brightness,
            f"Brightness, 0 black to 255 white: known site {mean_brightness(known):.0f} on average, "
            f"new site {mean_brightness(new):.0f}",
        )
        self.looks["known"].set(known)
        self.looks["new"].set(new)

    def _tile(self, place: int, root: Path, rule: PixelRule, path: str, value: float) -> Tile:
        tile = Tile(_SIDE, f"{path}: {probability(value)} likely from the new site. Shows it large")
        tile.set_caption(probability(value))
        tile.clicked.connect(lambda _=False: self.pressed.emit(place))

        def receive(image: QImage | None, problem: str) -> None:
            tile.set_image(image) if image is not None else tile.set_unreadable(problem)

        self._store.request(root, path, _SIDE, rule, receive, tile)
        return tile


def shown_large(found: GapMeasured) -> list[Shown]:
    """The same images for the large view."""
    return [
        Shown(one.path, f"{probability(one.probability)} likely from the new site", "By a probe that had not seen it.")
        for one in found.least_alike
    ]


class _Look(QWidget):
    """A site's mean colour as a swatch, and the numbers."""

    def __init__(self, site: str) -> None:
        super().__init__()
        self._site = site
        self.swatch = _Swatch()
        self._name, self.words = Label("", "body", elide=True), Label("", "caption", elide=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.swatch)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._name)
        column.addWidget(self.words)
        row.addLayout(column, 1)

    def set(self, look: SiteLook) -> None:
        self._name.setText(f"{self._site.capitalize()}, mean brightness {mean_brightness(look):.0f}")
        self.words.setText(colours(look))
        self.swatch.set(QColor(*(min(255, max(0, round(part))) for part in (look.red, look.green, look.blue))))
        self.swatch.setAccessibleName(f"mean colour of the {self._site}: {colours(look)}")


class _Swatch(Painted):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(QSize(40, 40))
        self.shown = QColor()

    def set(self, shown: QColor) -> None:
        self.shown = shown
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        painter = painter_for(self)
        painter.setBrush(self.shown)
        painter.setPen(color("line2"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


def _told(found: GapMeasured) -> QWidget:
    """What else was measured, and what one should know."""
    told = QWidget()
    column = QVBoxLayout(told)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(1, 1)
    for row, (name, words) in enumerate(facts(found)):
        grid.addWidget(Label(name, "muted"), row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(Label(words, "body", wrap=True), row, 1)
    column.addLayout(grid)
    for note in found.notes:
        column.addWidget(Label(note, "caption", wrap=True))
    return told
