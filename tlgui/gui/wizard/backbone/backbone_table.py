"""The table of networks, with the times measured or estimated here and the state of their weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.backbones import DEFAULT_BACKBONE, Backbone
from tlgui.gui import numbers
from tlgui.gui.networks import networks
from tlgui.gui.theme import color
from tlgui.gui.widgets import Button, Cell, Column, Label, Table
from tlgui.gui.wizard.backbone import words
from tlgui.gui.wizard.backbone.words import Speed, State

_FEWEST = 4.5  # rows that are seen at least
_TOP1 = "Share of everyday photographs that it names right among 1,000 classes, as published"


class BackboneTable(Table):
    """One row per network; it scrolls inside where the page is low, so that what is picked stays in sight of the cards.

    Attributes:
        get_asked: a network's name; its "Download" was pressed.
    """

    get_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            [
                Column("Backbone", stretch=True),
                Column("Parameters", align="right", tooltip="How many numbers the network holds"),
                Column("On disk", align="right", yields=1, tooltip="Size of its weights file"),
                Column("ImageNet top-1", align="right", tooltip=_TOP1),
                Column("1,000 images take", align="right", tooltip="One pass of 1,000 images, on this computer"),
                Column("Best for", yields=2),
                Column("Available", tooltip="Where its weights are"),
            ],
            pickable=True,
            spreads=True,
            scrolls=True,
            name="Networks",
            parent=parent,
        )
        self.names = tuple(networks())
        self.pressed_cell.connect(self._on_pressed_cell)

    def show_networks(
        self,
        speeds: Mapping[str, Speed],
        states: Mapping[str, State],
        files: Mapping[str, str],
        measuring: str,
        read_only: bool,
        of_runs: Collection[str] = (),
    ) -> None:
        """Fills it.

        Args:
            speeds: those that are known.
            states: of the published weights.
            files: names of the person's own files.
            measuring: the network that is being measured, or "".
            read_only: nothing can be fetched any more.
            of_runs: networks whose own file is of an earlier run.
        """
        rows = networks()
        self.names = tuple(rows)
        slowest = max((speed.seconds for speed in speeds.values()), default=0.0)
        self.set_rows(
            [
                _cells(
                    row,
                    speeds.get(name),
                    slowest,
                    words.available(row, states[name], files.get(name, ""), name in of_runs),
                    measuring == name,
                    read_only,
                )
                for name, row in rows.items()
            ]
        )

    def set_room(self, height: int) -> None:
        """Takes at most so much height, but some rows in any case, and ends within a row, so that more is seen to follow.

        Args:
            height: in pixels.
        """
        head = self.horizontalHeader().height() or 36
        whole = head + self.row_height * self.row_count() + 2
        shown = max(_FEWEST, (height - head) // self.row_height - 0.5)
        wanted = min(whole, round(head + self.row_height * shown))
        if wanted != self.height():
            self.setFixedHeight(wanted)
            self.show_picked()

    def show_picked(self) -> None:
        """Scrolls to the picked row, if any."""
        if self.picked_row() >= 0:
            self.scrollTo(self.model().index(self.picked_row(), 0))

    def _on_pressed_cell(self, row: int, _column: int) -> None:
        self.get_asked.emit(self.names[row])


def _cells(
    row: Backbone,
    speed: Speed | None,
    slowest: float,
    available: tuple[str, str, str],
    measuring: bool,
    read_only: bool,
) -> list[Cell]:
    where, tone, icon = available
    if read_only and icon == "download":
        where, tone, icon = "not here", "muted", ""
    return [
        Cell(row.label, bold=True, chip="our advice" if row.name == DEFAULT_BACKBONE else ""),
        Cell(numbers.millions(row.parameters)),
        Cell(words.megabytes(row)),
        Cell(words.top1(row)),
        _time_cell(speed, slowest, measuring),
        Cell(row.best_for, tone="muted"),
        Cell(where, tone=tone, icon=icon, link=icon == "download"),
    ]


def _time_cell(speed: Speed | None, slowest: float, measuring: bool) -> Cell:
    if measuring:
        return Cell("measuring…", tone="muted")
    if speed is None:
        return Cell("not measured yet", tone="muted")
    return Cell(
        speed.text, bar=speed.seconds / slowest if slowest else 0.0, bar_kind="filled" if speed.measured else "outlined"
    )


class _Swatch(QWidget):
    """A short bar as in the table, for the legend."""

    def __init__(self, filled: bool) -> None:
        super().__init__()
        self._filled = filled

    def sizeHint(self) -> QSize:  # noqa: N802
        """A little longer than high."""
        return QSize(20, 14)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """The same."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paints it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(QPointF(0.5, self.height() / 2 - 2.5), QPointF(self.width() - 0.5, self.height() / 2 + 2.5))
        painter.setPen(Qt.PenStyle.NoPen if self._filled else QPen(color("control"), 1))
        painter.setBrush(color("primary") if self._filled else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(bar, 2.5, 2.5)


class Legend(QWidget):
    """What the two kinds of bars mean, and at the right the way to other networks.

    Attributes:
        other: "Another timm model…".
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 10, 16, 10)
        row.setSpacing(8)
        for filled, text in (
            (True, "measured on this computer, one pass"),
            (False, "estimated from the measured ones"),
        ):
            row.addWidget(_Swatch(filled))
            row.addWidget(Label(text, "caption"))
            row.addSpacing(12)
        row.addStretch(1)
        self.other = Button("Another timm model…", "link", "plus", small=True)
        self.other.setToolTip("Any model of the library timm by its name, as a row of this table.")
        self.other.align_edge("right")
        row.addWidget(self.other)
