"""Every field of run.toml that comes from this step, as it will be written."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.intake import UseFold
from tlgui.gui.draft import Draft
from tlgui.gui.widgets import Card, Label
from tlgui.gui.widgets.emptied import empty


class FactsCard(Card):
    """Name and value in the type of the file, and what it means."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("In run.toml", parent=parent)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(6)
        self.body.addLayout(self._rows)
        self._shown: list[tuple[str, str, str]] = []

    def show_facts(self, draft: Draft, summary: ScanSummary) -> None:
        """The values of now."""
        facts = facts_of(draft, summary)
        if facts == self._shown:
            return
        self._shown = facts
        empty(self._rows)
        for name, value, meaning in facts:
            self._rows.addWidget(_fact(name, value, meaning))


def facts_of(draft: Draft, summary: ScanSummary) -> list[tuple[str, str, str]]:
    """Field, value, what it means."""
    rule = summary.pixel_rule
    shares = ", ".join(f"{share:g}" for share in draft.split_fractions)
    deep = f"{rule.method}, {rule.low:g} to {rule.high:.10g}" if summary.deep_images else "not needed"
    return [
        ("dataset.layout", summary.layout, "how the folders are read"),
        (
            "dataset.fingerprint",
            summary.fingerprint[:16] or "not known",
            "of paths and contents: the same images, the same value",
        ),
        ("dataset.grouped_by", summary.grouping.key or "nothing", "what keeps images together"),
        ("split_fractions", shares, "where the folders give no split"),
        *_fold_fact(summary),
        ("training.seed", str(draft.training.seed), "of the split and of the training"),
        ("pixel_rule", deep, "values of more than 8 bits, mapped to 0 to 255"),
        ("pixel_rule.colour", rule.colour, "whether colour is taken out of every image"),
        ("pixel_rule.border", f"{rule.border:g}", "share that is cut off on each side"),
        ("fit", draft.fit, "how a long image becomes a square"),
    ]


def _fold_fact(summary: ScanSummary) -> list[tuple[str, str, str]]:
    if summary.fold is None:
        return []
    number, of = summary.fold
    return [("dataset.changes", UseFold(number=number, of=of).sentence(), "the fold that tests, instead of a share")]


def _fact(name: str, value: str, meaning: str) -> QWidget:
    holder = QWidget()
    lines = QVBoxLayout(holder)
    lines.setContentsMargins(0, 0, 0, 0)
    lines.setSpacing(0)
    field = Label(f"{name} = {value}", "mono", wrap=True)
    field.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    lines.addWidget(field)
    lines.addWidget(Label(meaning, "caption", wrap=True))
    return holder
