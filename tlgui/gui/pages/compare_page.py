"""Compare: several ways of training on the same images, and whether their difference is more than luck."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.core import transfer
from tlgui.core.comparison import ComparedRun
from tlgui.core.errors import UserError
from tlgui.gui import numbers
from tlgui.gui.pages.compare.earlier_card import EarlierCard
from tlgui.gui.pages.compare.result_card import ResultCard
from tlgui.gui.pages.compare.transfer_card import TransferCard
from tlgui.gui.pages.compare.ways_card import WaysCard
from tlgui.gui.widgets import Action, Button, Card, Cell, Column, Label, Page, ProgressRow, Table

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_SENTENCE = "Several ways of training on the same images, and whether their difference is more than luck."
_SIDE = 300
_LEGS = (Column("Way", stretch=True, min=150), Column("Runs that are whole", min=150))


class ComparePage(Page):
    """The page named "compare"."""

    name = "compare"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Compare", _SENTENCE, parent=parent)
        self._bench, self._desk = bench, bench.compare
        self._said = ""
        self.start = Action("Start the comparison", self._on_start, "", "Each way is trained in turn, in the queue")
        self.resume = Action("Go on", self._desk.resume, "", "Trains what is not trained yet")
        self.use = Action(
            "Train this way", self._desk.use, "", "Sets your run to the cheapest way that is not clearly worse"
        )
        self.another = Action("Set up another one", self._desk.forget, "", "The one that is shown stays on the disk")
        self._build()
        self._desk.changed.connect(self._refresh)
        for signal in (bench.draft.changed, bench.run_changed, bench.machine.changed):
            signal.connect(self._refresh)

    def entered(self) -> None:
        """Reads what is on the disk."""
        self._desk.refresh()
        self._refresh()

    def _build(self) -> None:
        main, side = self.columns(side_width=_SIDE)
        self.progress = Card("", parent=self)
        self.row = ProgressRow("")
        self.row.cancelled.connect(self._desk.cancel)
        self.now = Label("", "muted", wrap=True)
        self.progress.body.addWidget(self.row)
        self.progress.body.addWidget(self.now)
        self.legs = Table(_LEGS, name="How far each way is")
        self.progress_table = Card("", flush=True, parent=self)
        self.progress_table.body.addWidget(self.legs)
        self.ways = WaysCard(self._bench, self)
        self.ways.changed.connect(self._refresh)
        self.result = ResultCard(self)
        self.earlier = EarlierCard(self)
        self.earlier.opened.connect(self._desk.open)
        self.about = Card("How it is compared", parent=self)
        self.about.body.addWidget(
            Label(
                "All ways get the same images, the same folds and the same number of epochs. On each image one counts who "
                "is right alone; McNemar's exact test says how often so uneven a count comes about by chance. "
                "“No winner” is an answer: then the cheapest way will do.",
                "muted",
                wrap=True,
            )
        )
        for card in (self.progress, self.progress_table, self.result, self.ways):
            main.addWidget(card)
        self.transfer = TransferCard(self)
        self.transfer.asked.connect(self._on_transfer)
        side.addWidget(self.transfer)
        side.addWidget(self.about)
        side.addWidget(self.earlier)
        self.another_button = Button(action=self.another)
        self.foot_left.addWidget(self.another_button)
        self._refresh()

    def _on_start(self) -> None:
        epochs = self.ways.epochs.value()
        if epochs is not None and not self.ways.reason_against():
            self._desk.start(self.ways.entrants, int(epochs), self.ways.chosen_folds)

    def _on_transfer(self) -> None:
        epochs = self.ways.epochs.value()
        if epochs is not None and not self._against_transfer():
            self._desk.start(transfer.ENTRANTS, int(epochs), self.ways.chosen_folds, "transfer")

    def _against_transfer(self) -> str:
        return self._desk.reason_against_start() or self.ways.reason_against(ticked=False)

    def _refresh(self) -> None:
        desk, state = self._desk, self._desk.state
        sets_up = state in ("none", "preparing")
        self.ways.setVisible(sets_up)
        self.progress.setVisible(state in ("preparing", "running", "interrupted"))
        self.progress_table.setVisible(state in ("running", "interrupted"))
        self.result.setVisible(state == "complete")
        self.another_button.setVisible(state in ("complete", "interrupted"))
        self.transfer.setVisible(sets_up)
        if sets_up:
            self.ways.refresh()
            self.transfer.set_reason(self._against_transfer(), self.ways.total_words(transfer.ENTRANTS))
        if desk.result is not None and state == "complete":
            self.result.show_result(desk.result)
        self._show_progress()
        self.earlier.show_them(desk.earlier, desk.folder)
        self._show_problem()
        self._set_buttons()

    def _set_buttons(self) -> None:
        state = self._desk.state
        if state == "interrupted":
            reason = self._desk.reason_against_resume()
            self.resume.set_reason(reason)
            self.set_primary(self.resume)
            self.set_hint(reason)
        elif state in ("none", "preparing"):
            reason = self._desk.reason_against_start() or self.ways.reason_against()
            self.start.set_reason(reason)
            self.set_primary(self.start)
            self.set_hint(reason or self.ways.total_words())
        elif state == "complete":
            self.use.set_reason(self._desk.reason_against_use())
            self.set_primary(self.use)
            way = self._desk.cheapest
            self.set_hint(self._desk.reason_against_use() or (way.label if way is not None else ""))
        else:
            self.set_primary(None)
            self.set_hint("")

    def _show_progress(self) -> None:
        desk, state = self._desk, self._desk.state
        total = len(desk.runs)
        match state:
            case "preparing":
                self.row.set_title("The images are parted")
                self.row.set_busy("the same way for all")
            case "running":
                self.row.set_title("Comparing")
                self.row.set(desk.done, total, f"{desk.done} of {numbers.counted(total, 'run')} done")
            case "interrupted":
                self.row.set_title("Stopped")
                self.row.set(desk.done, total, f"{desk.done} of {numbers.counted(total, 'run')} done")
                self.row.set_paused(True)
            case _:
                pass
        self.row.set_cancellable(state == "running")
        self.now.setText(self._words_now())
        self.legs.set_rows(self._legs())

    def _legs(self) -> list[list[Cell]]:
        """A row for each way: how many of its runs are whole, and whether one of them trains."""
        desk = self._desk
        if desk.comparison is None:
            return []
        folders = {Path(run.run).name: run for run in desk.runs}
        mine: dict[str, list[ComparedRun]] = {}
        for leg in desk.comparison.legs():
            if (run := folders.get(leg.folder)) is not None:
                mine.setdefault(leg.entrant.label, []).append(run)
        rows = []
        for label, runs in mine.items():
            done, trains = sum(run.done for run in runs), desk.training in runs
            said = "trains now" if trains else "whole" if done == len(runs) else ""
            rows.append(
                [Cell(label), Cell(f"{done} of {len(runs)}", chip=said, chip_tone="info" if trains else "good")]
            )
        return rows

    def _words_now(self) -> str:
        desk = self._desk
        name = f"Images: {desk.comparison.dataset}. " if desk.comparison is not None and desk.comparison.dataset else ""
        if desk.state == "running":
            if desk.training is not None:
                return f"{name}Now: {desk.training.label}. The page Train shows its curves."
            return f"{name}The next run begins when the training that is at work has ended."
        if desk.state == "interrupted":
            return f"{name}What is whole stays; a run that was cut short begins anew."
        return ""

    def _show_problem(self) -> None:
        said = self._desk.problem
        if said == self._said:
            return
        self._said = said
        if said:
            self.show_error(UserError(said, self._desk.remedy))
        else:
            self.clear_error()
