"""Which of the networks that are ready tells most about the person's images as it is, before any training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.core import commands
from tlgui.core.errors import UserError
from tlgui.core.events import BackbonesRanked, RankedBackbone
from tlgui.core.imaging_messages import ListingWritten
from tlgui.gui.background import run_in_background
from tlgui.gui.beginnings import ranked_runs, read_source
from tlgui.gui.job_dialog import JobDialog
from tlgui.gui.numbers import counted
from tlgui.gui.widgets import Cell, Column, Label, Table

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "Rank on my images"
_TEXT = (
    "Each network whose weights are on this computer, and those of your latest runs, look at your images as they are, and "
    "two simple answers say how well their features tell the classes apart: a linear one, and the nearest neighbours. It "
    "takes some seconds for a small network and some minutes for a large one; test images stay unseen, and nothing is trained."
)
_COLUMNS = (
    Column("Network", stretch=True, min=130),
    Column(
        "Linear answer",
        align="right",
        tooltip="Cross-validated accuracy of a linear answer on the frozen features, with its 95 % interval.",
    ),
    Column(
        "Nearest neighbours",
        align="right",
        yields=1,
        tooltip="Cross-validated accuracy by the five nearest images, with its 95 % interval.",
    ),
    Column(
        "LogME",
        align="right",
        yields=3,
        tooltip="The evidence of a linear model, per image: higher is better, and it has no unit.",
    ),
    Column("Took", align="right", yields=2, tooltip="Seconds for these images on this computer."),
)


class RankDialog(JobDialog):
    """A row for each network, the best first; a picked one becomes the network of the run that is set up.

    Args:
        bench: for the images and the engines.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, bench, BackbonesRanked, parent)
        self._rows: list[RankedBackbone] = []
        self.table = Table(_COLUMNS, pickable=True, name="Networks, the best first")
        self.sentence = Label("", "body", wrap=True)
        self.looked = Label("", "caption", wrap=True)
        self.take = self.add_answer_button("Take it", self._on_take)
        self.take.hide()
        self.table.picked.connect(lambda _: self._show_take())
        for widget in (self.sentence, self.table, self.looked):
            self.answer_body.addWidget(widget)
        self.resize(720, 240)
        self.refresh()

    def reason_against(self) -> str:
        """The images must be at hand."""
        if self.bench.scan_ticket is None or self.bench.draft.summary is None:
            return "Choose a folder of images first."
        return ""

    def ask(self) -> None:
        """Of all networks that are ready."""
        summary = self.bench.draft.summary
        if summary is not None:
            rule, seed, runs = summary.pixel_rule, self.bench.draft.training.seed, ranked_runs(self.bench)

            def make(listing: ListingWritten) -> commands.Job:
                return commands.RankBackbones(listing=listing.path, data=listing.data, rule=rule, runs=runs, seed=seed)

            self.job.begin(make)

    def show_answer(self, answer: BackbonesRanked) -> None:
        """The table, the sentence, and what was looked at."""
        self._rows = answer.rows
        self.table.set_rows([_cells(row, place == 0) for place, row in enumerate(answer.rows)])
        self.table.set_picked(0)
        self.sentence.setText(answer.sentence)
        known = f" {counted(answer.known, 'image')} that a run has learned took no part." if answer.known else ""
        left_out = "".join(f" Left out: {name}. {reason}" for name, reason in answer.left_out.items())
        self.looked.setText(
            f"{counted(answer.images, 'image')} to train and to validate with, in {answer.folds} parts; guessing reaches "
            f"{100 * answer.largest_class:.0f} %.{known}{left_out}"
        )
        self._show_take()

    def _show_take(self) -> None:
        place = self.table.picked_row()
        shown = 0 <= place < len(self._rows) and not self.bench.read_only
        self.take.setVisible(shown)
        if shown:
            row = self._rows[place]
            self.take.set_text("Begin with that run" if row.run else f"Take {row.label}")
            self.take.setToolTip(f"Your run is set up with {row.label}.")

    def _on_take(self) -> None:
        place = self.table.picked_row()
        if not 0 <= place < len(self._rows):
            return
        row, bench, page = self._rows[place], self.bench, self.bench.page
        if not row.run:
            bench.draft.set_backbone(row.backbone)
            return

        def refused(error: BaseException) -> None:
            if not isinstance(error, UserError):
                raise error
            bench.problem_raised.emit(error, page)

        # Asked by the draft, which outlives this dialog.
        run_in_background(
            bench.draft, lambda: read_source(Path(row.run)), lambda read: bench.draft.begin_with(*read), refused
        )


def _cells(row: RankedBackbone, best: bool) -> list[Cell]:
    name, second = row.label, ""
    if row.run:
        # Its images, and the run's own name below; without images that name alone.
        second = Path(row.run).name
        name = row.label.removesuffix(f" ({second})")
        second = second if name != second else ""
    return [
        Cell(name, second=second, bold=best),
        Cell(f"{100 * row.probe:.1f} %", second=f"{100 * row.probe_low:.0f} to {100 * row.probe_high:.0f}"),
        Cell(f"{100 * row.nearest:.1f} %", second=f"{100 * row.nearest_low:.0f} to {100 * row.nearest_high:.0f}"),
        Cell(f"{row.log_me:.2f}", tone="muted"),
        Cell(f"{row.seconds:.0f} s"),
    ]
