"""What to expect at a new site, as a paper has it: a row for each site that was held out, the mean, and the words for it."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QWidget

from tlgui.core.sites import SiteRow, SitesResult
from tlgui.core.strategies import STRATEGIES
from tlgui.gui import numbers
from tlgui.gui.pages.compare.interval_table import IntervalTable, Span
from tlgui.gui.widgets import Card, Cell, Column, Label

_AXIS = 2
_COLUMNS = (
    Column("Site held out", stretch=True, min=130),
    Column("Accuracy", align="right", tooltip="The share of its images that are right, with its 95 % interval."),
    Column(
        "",
        width=150,
        yields=2,
        tooltip="The dot is the accuracy at the site, the line its 95 % interval, the ring the accuracy on known sites.",
    ),
    Column("Images", align="right", yields=1),
    Column(
        "On known sites",
        align="right",
        tooltip="Of the same run, on validation images of the sites that it trained on; they also chose its epoch.",
    ),
)
_KNOWN = (
    "Dot: the site held out, with its 95 % interval. Ring: known sites, by validation images of the sites that trained; they "
    "also chose the epoch of each run."
)
_FEW = "Two sites give no interval for their mean."


class SitesResultCard(Card):
    """The sentence and the table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What to expect at a new site", flush=True, parent=parent)
        self.words = Label("", wrap=True)
        self.words.setContentsMargins(16, 0, 16, 6)
        self.rows = IntervalTable(_COLUMNS, _AXIS, "Each site, held out in turn")
        self.notes = Label("", "caption", wrap=True)
        self.notes.setContentsMargins(16, 8, 16, 12)
        for widget in (self.words, self.rows, self.notes):
            self.body.addWidget(widget)

    def show_result(self, result: SitesResult) -> None:
        """Another one."""
        self.words.setText(result.sentence)
        mean = Span(
            result.mean,
            result.mean if result.low is None else result.low,
            result.mean if result.high is None else result.high,
            _known(result.known),
        )
        spans = [Span(row.accuracy, row.low, row.high, _known(row.known)) for row in result.rows]
        self.rows.show_rows([*(_cells(row) for row in result.rows), _mean(result)], [*spans, mean])
        lost = [
            f"'{row.name}': {numbers.counted(row.unseen_classes, 'image')} of classes that no other site has cannot be right."
            for row in result.rows
            if row.unseen_classes
        ]
        told = f"Told by {_told(result.by)}; {_label(result.strategy)}."
        few = [_FEW] if result.low is None else []
        self.notes.setText(" ".join([*lost, told, _KNOWN, *few]))


def _cells(row: SiteRow) -> list[Cell]:
    interval = numbers.interval(row.low, row.high)
    return [
        Cell(row.name),
        Cell(numbers.percent(row.accuracy), second=interval, sort=row.accuracy),
        Cell("", tooltip=f"{numbers.percent(row.accuracy)}, {interval}"),
        Cell(numbers.count(row.n), sort=row.n),
        Cell(numbers.percent(row.known), sort=row.known),
    ]


def _mean(result: SitesResult) -> list[Cell]:
    has_interval = result.low is not None and result.high is not None
    interval = numbers.interval(result.low, result.high) if has_interval else ""  # type: ignore[arg-type]
    return [
        Cell("Mean of the sites", second="each counts alike", bold=True),
        Cell(numbers.percent(result.mean), second=interval, bold=True),
        Cell("", tooltip=", ".join(filter(None, (numbers.percent(result.mean), interval)))),
        Cell(""),
        Cell(numbers.percent(result.known), bold=True),
    ]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _told(by: str) -> str:
    if by == "folder":
        return "the folder at the top"
    if by.startswith("column:"):
        return f"the column '{by.removeprefix('column:')}'"
    return f"the pattern {by} in the file name"


def _label(strategy: str) -> str:
    label = STRATEGIES[strategy].label if strategy in STRATEGIES else strategy
    return f"{label[:1].lower()}{label[1:]}"
