"""A question that runs answer, one after another in the queue: set up, at work, stopped, whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from tlgui.gui import numbers
from tlgui.gui.pages.compare.earlier_card import EarlierCard
from tlgui.gui.pages.compare.panel import Panel
from tlgui.gui.widgets import Action, Card, Cell, Column, Label, ProgressRow, Table

if TYPE_CHECKING:
    from tlgui.gui.series_desk import SeriesDesk
    from tlgui.gui.workbench import Workbench


class SeriesPanel(Panel):
    """A kind of it puts its own cards in, and says what its runs are called.

    Args:
        bench: whose draft is asked about.
        desk: that has the runs made and read.
        legs: heads of the table that says how far each is.
        part: what the runs are of: "way", "site".
        parent: the widget it lies in.

    Attributes:
        start, resume, another: what the foot offers.
    """

    preparing = ("", "")
    """Title and words while the run folders are made."""
    running = ""
    """Title while runs train."""

    def __init__(
        self, bench: Workbench, desk: SeriesDesk[Any, Any], legs: Sequence[Column], part: str, parent: QWidget | None
    ) -> None:
        super().__init__(parent)
        self._bench, self._series = bench, desk
        self.start = Action("Start", self.on_start)
        self.resume = Action("Go on", desk.resume, "", "Trains what is not trained yet")
        self.another = Action("Set up another one", desk.forget, "", "The one that is shown stays on the disk")
        self.progress = Card("", parent=self)
        self.row = ProgressRow("")
        self.row.cancelled.connect(desk.cancel)
        self.now = Label("", "muted", wrap=True)
        self.progress.body.addWidget(self.row)
        self.progress.body.addWidget(self.now)
        self.legs = Table(legs, name="How far each is")
        self.progress_table = Card("", flush=True, parent=self)
        self.progress_table.body.addWidget(self.legs)
        self.earlier = EarlierCard(part, self)
        self.earlier.opened.connect(desk.open)
        desk.changed.connect(self.refresh)
        for signal in (bench.draft.changed, bench.run_changed, bench.machine.changed):
            signal.connect(self.refresh)

    # -- what a kind says itself

    def on_start(self) -> None:
        """Begins what is set up."""

    def against(self) -> str:
        """Why that cannot begin now, as a sentence; "" when it can."""
        return self._series.reason_against_start()

    def start_hint(self) -> str:
        """Beside the button that begins."""
        return ""

    def show_parts(self, sets_up: bool, whole: bool) -> None:
        """Shows and fills its own cards.

        Args:
            sets_up: one is set up, or being made.
            whole: one has come to its end.
        """

    def offer_result(self) -> tuple[Action | None, str]:
        """The blue button and its hint where one has come to its end."""
        return None, ""

    def rows(self) -> list[list[Cell]]:
        """How far each is."""
        return []

    # -- the same for all

    def entered(self) -> None:
        """Reads what is on the disk."""
        self._series.refresh()
        self.refresh()

    def refresh(self) -> None:
        """Shows the state of the desk."""
        desk, state = self._series, self._series.state
        self.progress.setVisible(state in ("preparing", "running", "interrupted"))
        self.progress_table.setVisible(state in ("running", "interrupted"))
        self.show_parts(state in ("none", "preparing"), state == "complete")
        self._show_progress()
        self.earlier.show_them(desk.earlier, desk.folder)
        self.problem, self.remedy = desk.problem, desk.remedy
        self.leave = self.another if state in ("complete", "interrupted") else None
        self._set_buttons()
        self.changed.emit()

    def _set_buttons(self) -> None:
        match self._series.state:
            case "interrupted":
                self.primary, self.hint = self.resume, self._series.reason_against_resume()
                self.resume.set_reason(self.hint)
            case "none" | "preparing":
                reason = self.against()
                self.primary, self.hint = self.start, reason or self.start_hint()
                self.start.set_reason(reason)
            case "complete":
                self.primary, self.hint = self.offer_result()
            case _:
                self.primary, self.hint = None, ""

    def _show_progress(self) -> None:
        desk, state = self._series, self._series.state
        total = len(desk.runs)
        done = f"{desk.done} of {numbers.counted(total, 'run')} done"
        match state:
            case "preparing":
                self.row.set_title(self.preparing[0])
                self.row.set_busy(self.preparing[1])
            case "running":
                self.row.set_title(self.running)
                self.row.set(desk.done, total, done)
            case "interrupted":
                self.row.set_title("Stopped")
                self.row.set(desk.done, total, done)
                self.row.set_paused(True)
            case _:
                pass
        self.row.set_cancellable(state == "running")
        self.now.setText(self._words_now())
        self.legs.set_rows(self.rows())

    def _words_now(self) -> str:
        desk = self._series
        name = f"Images: {desk.asked.dataset}. " if desk.asked is not None and desk.asked.dataset else ""
        if desk.state == "running":
            if desk.training is not None:
                return f"{name}Now: {desk.training.label}. The page Train shows its curves."
            return f"{name}The next run begins when the training that is at work has ended."
        if desk.state == "interrupted":
            return f"{name}What is whole stays; a run that was cut short begins anew."
        return ""
