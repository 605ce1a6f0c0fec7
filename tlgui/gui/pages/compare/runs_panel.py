"""Runs that were trained one by one, side by side on the images that tested each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.gui import numbers
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.pages.compare.panel import Panel
from tlgui.gui.pages.compare.result_card import ResultCard
from tlgui.gui.pages.compare.runs_card import RunsCard
from tlgui.gui.side_by_side import SideBySide
from tlgui.gui.widgets import Action, Card, Label, ProgressRow

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_ABOUT = (
    "Runs can be told apart only where the same images tested them: those of one folder with the same split. On each "
    "image one counts who is right alone; McNemar's exact test says how often so uneven a count comes about by chance. "
    "Each look at test images is counted, since a choice by them uses them up."
)


class RunsPanel(Panel):
    """Ticks, then the result."""

    sentence = "Runs that you trained, side by side on the same images."

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.desk = SideBySide(bench.settings, self)
        self.compare = Action(
            "Compare them", self.desk.compare, "", "Reads what the ticked runs answered on their images"
        )
        self.others = Action("Choose other runs", self._on_others, "", "Back to the list; the ticks stay")
        self.progress = Card("", parent=self)
        self.row = ProgressRow("Comparing")
        self.row.set_cancellable(True)
        self.row.cancelled.connect(self.desk.cancel)
        self.progress.body.addWidget(self.row)
        self.result = ResultCard("run", self)
        self.runs = RunsCard(self)
        self.runs.ticked.connect(self.desk.tick)
        self.runs.dropped.connect(self.desk.add)
        self.runs.add_asked.connect(lambda: ask_for_folder(self, "Choose a run folder", self.desk.add))
        about = Card("How they are compared", parent=self)
        about.body.addWidget(Label(_ABOUT, "muted", wrap=True))
        for card in (self.progress, self.result, self.runs):
            self.main.addWidget(card)
        self.side.addWidget(about)
        self.desk.changed.connect(self.refresh)
        bench.draft.changed.connect(self.refresh)
        bench.runs.ended.connect(self._on_run_ended)
        self.refresh()

    def entered(self) -> None:
        """Lists the runs anew."""
        self.desk.refresh()
        self.refresh()

    def refresh(self) -> None:
        """Shows the state of the desk."""
        desk, summary = self.desk, self._bench.draft.summary
        whole = desk.result is not None
        self.progress.setVisible(desk.comparing)
        self.row.set_busy(f"{numbers.counted(len(desk.ticked), 'run')}, image by image")
        self.result.setVisible(whole)
        self.runs.setVisible(not whole)
        if desk.result is not None:
            self.result.show_result(desk.result)
            self.primary, self.leave, self.hint = None, self.others, ""
        else:
            self.runs.show_runs(desk.rows, desk.ticked, summary.name if summary is not None else "")
            reason = desk.reason_against()
            self.compare.set_reason(reason)
            self.primary, self.leave = self.compare, None
            self.hint = reason or f"{numbers.counted(len(desk.ticked), 'run')} ticked"
        self.problem, self.remedy = desk.problem, desk.remedy
        self.changed.emit()

    def _on_others(self) -> None:
        self.desk.forget()
        self.desk.refresh()

    def _on_run_ended(self, _run: str, _ending: object) -> None:
        if self.isVisible():
            self.desk.refresh()
