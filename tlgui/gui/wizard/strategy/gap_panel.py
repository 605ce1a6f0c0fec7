"""Asks how different the images of the new site are, on the card of its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core import events
from tlgui.gui.gap_desk import MOST_IMAGES
from tlgui.gui.networks import label_of
from tlgui.gui.viewer import ImageViewer
from tlgui.gui.widgets import Banner, Button, Divider, Label, ProgressRow
from tlgui.gui.wizard.strategy.gap_answer import GapAnswer, shown_large
from tlgui.gui.wizard.strategy.gap_words import ended_words, progress_words

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_ASK, _AGAIN = "How different is it?", "Measure again"
_TIP = (
    "Reads the folder, and measures how well the network tells its images from those that you have. No label is read."
)


class GapPanel(QWidget):
    """A button, how far it is, and what was found of the folder, the images and the network in hand.

    Args:
        bench: with `gap`.
        parent: the widget it lies in.
    """

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._shown: events.GapMeasured | None = None
        self._stopping = False
        self.ask = Button(_ASK, small=True, icon="scan")
        self.ask.setToolTip(_TIP)
        self.ask.clicked.connect(self._on_ask)
        self._about = Label("", "caption", wrap=True)
        self.progress = ProgressRow()
        self.progress.cancelled.connect(self._on_cancel)
        self.problem = Banner("bad")
        self.answer: GapAnswer | None = None  # made with the first measurement
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(Divider())
        self._line = QWidget()
        row = QHBoxLayout(self._line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.ask)
        row.addWidget(self._about, 1)
        self._column.addWidget(self._line)
        self._column.addWidget(self.progress)
        self._column.addWidget(self.problem)
        bench.gap.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows what holds now."""
        desk, draft = self._bench.gap, self._bench.draft
        self.setVisible(draft.target is not None and not self._bench.read_only)
        busy, found, ended = desk.busy, desk.found, desk.problem
        self._stopping = self._stopping and busy
        self._line.setVisible(not busy)
        self.progress.setVisible(busy)
        if busy:
            self._show_progress(desk.progress)
        against = "" if busy else desk.reason_against()
        self.ask.setEnabled(not against)
        self.ask.setToolTip(against or _TIP)
        self.ask.set_text(_AGAIN if found is not None else _ASK)
        self._about.setText(against or ended_words(ended) or self._what_happens(found is not None))
        failed = ended if isinstance(ended, events.Failed | events.Crashed) and not busy else None
        if isinstance(failed, events.Failed):
            self.problem.show_error(failed)
        elif failed is not None:
            self.problem.set("bad", failed.sentence())
        self.problem.setVisible(failed is not None)
        self._show_answer(found if not busy else None)

    def _what_happens(self, done: bool) -> str:
        label = label_of(self._bench.draft.backbone)
        if done:
            return f"As {label} sees both sites; no label was read."
        return (
            f"Looks at up to {MOST_IMAGES} images of each site with {label}; no label is read. "
            "It takes from some seconds to a minute."
        )

    def _show_progress(self, progress: events.Progress | None) -> None:
        title, words = progress_words(progress)
        if self._stopping:
            self.progress.set_title(title)
            self.progress.set_busy("Stopping…")
        elif progress is None or progress.total <= 1:
            self.progress.set_title(title)
            self.progress.set_busy()
        else:
            self.progress.set_title(title)
            self.progress.set(progress.done, progress.total, words)
        self.progress.set_cancellable(not self._stopping)

    def _show_answer(self, found: events.GapMeasured | None) -> None:
        target, summary = self._bench.draft.target, self._bench.draft.summary
        if found is not None and found is not self._shown and target is not None and summary is not None:
            if self.answer is None:
                self.answer = GapAnswer(self._bench.thumbnails)
                self.answer.pressed.connect(self._on_pressed)
                self._column.addWidget(self.answer)
            self.answer.show_found(found, target, summary.pixel_rule)
        self._shown = found
        if self.answer is not None:
            self.answer.setVisible(found is not None)

    def _on_ask(self) -> None:
        self._bench.gap.measure()

    def _on_cancel(self) -> None:
        self._stopping = True
        self._bench.gap.cancel()
        self.refresh()

    def _on_pressed(self, place: int) -> None:
        target, summary = self._bench.draft.target, self._bench.draft.summary
        if self._shown is None or target is None or summary is None:
            return
        images, store = shown_large(self._shown), self._bench.thumbnails
        ImageViewer("Least alike of the new site", target, images, store, summary.pixel_rule, place, self).open()
