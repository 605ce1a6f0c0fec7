"""Which earlier run a new one begins with: a row for each, its score beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit, QWidget

from tlgui.core.errors import UserError
from tlgui.core.run_spec import RunSpec, Source
from tlgui.core.runs import RunSummary
from tlgui.gui.background import run_in_background
from tlgui.gui.beginnings import earlier_runs, read_source
from tlgui.gui.networks import network
from tlgui.gui.pages.start.run_words import matches, words_of
from tlgui.gui.widgets import Banner, Cell, Column, Dialog, Label, Table

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "Begin with an earlier run"
_TEXT = (
    "What a network has learned on one set of images can be the starting point for another one. Everything below its head is "
    "taken over; a new head learns your classes. Images that the earlier run has learned test nothing in the new one."
)
_COLUMNS = (
    Column("Images", min=150),
    Column("How it was trained", stretch=True, min=170),
    Column("Score", align="right", tooltip="Accuracy on its own test images, else on its validation images."),
)
_FEW = 5  # so many can be looked through without a search
_HEIGHT = 320


class SourceDialog(Dialog):
    """The runs, newest first, and the press that takes one.

    Args:
        bench: for the runs, and for the draft that begins with one.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, parent)
        self._bench = bench
        self._runs = earlier_runs(bench)
        self._shown: list[RunSummary] = []
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a run")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find a run by its images, its method or your notes")
        self.search.setToolTip("Looks in names, methods, days and your notes.")
        self.search.textChanged.connect(self._show)
        self.table = Table(_COLUMNS, pickable=True, name="Earlier runs, the newest first")
        self.table.setMaximumHeight(_HEIGHT)
        self.none = Label("", "body", wrap=True)
        self.problem = Banner("bad")
        for widget in (self.search, self.table, self.none, self.problem):
            self.body.addWidget(widget)
        self.problem.hide()
        self.take = self.add_button("Begin with it", "primary", self._on_take, default=True, closes=False)
        self.close_button = self.add_button("Close")
        self.close_button.setToolTip("Changes nothing.")
        self.table.picked.connect(lambda _: self._set_take())
        self.table.opened.connect(lambda _: self._on_take())
        self.search.setVisible(len(self._runs) > _FEW)
        self.resize(760, 300)
        self._show()
        (self.search if len(self._runs) > _FEW else self.table).setFocus()

    def _show(self) -> None:
        wanted = self.search.text().strip()
        self._shown = [run for run in self._runs if not wanted or matches(run, wanted)]
        self.table.set_rows([_cells(run) for run in self._shown])
        self.table.set_picked(0 if self._shown else -1)
        self.table.setVisible(bool(self._shown))
        self.none.setText(
            f"No run here has '{wanted}' in its name, method or notes."
            if wanted
            else "There is no run on this computer yet whose network could be taken over. Train one first."
        )
        self.none.setVisible(not self._shown)
        self._set_take()

    def _set_take(self) -> None:
        picked = 0 <= self.table.picked_row() < len(self._shown)
        self.take.setEnabled(picked)
        self.take.setToolTip("Your run is set up with that network." if picked else "Pick a run first.")

    def _on_take(self) -> None:
        place = self.table.picked_row()
        if not self.take.isEnabled() or not 0 <= place < len(self._shown):
            return
        self.problem.hide()
        self.take.setEnabled(False)
        path = self._shown[place].path
        run_in_background(self, lambda: read_source(path), self._on_read, self._on_refused)

    def _on_read(self, read: tuple[RunSpec, str, Source]) -> None:
        if network(name := read[0].backbone) is None:
            self._on_refused(
                UserError(
                    f"Its network {name} is not known on this computer.",
                    "Look at it with “Another timm model…” on the page behind this, then take the run.",
                )
            )
            return
        self.accept()
        self._bench.draft.begin_with(*read)

    def _on_refused(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            raise error
        self.problem.show_error(error)
        self.problem.show()
        self._set_take()


def _cells(run: RunSummary) -> list[Cell]:
    words = words_of(run)
    return [
        Cell(words.title, second=words.when, tooltip=words.note),
        Cell(words.method, tone="muted"),
        Cell(words.score, second=words.of),
    ]
