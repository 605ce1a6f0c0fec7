"""The plan of an unfreezing or freezing: what it changes, measured on a copy, and the question whether to do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from tlgui.core.planning import ladder_rates
from tlgui.gui.pages.train import move_words
from tlgui.gui.pages.train.move_words import Kind
from tlgui.gui.pages.train.peak_fields import PeakFields
from tlgui.gui.pages.train.plan import FigureRow
from tlgui.gui.run_reasons import ENDED
from tlgui.gui.widgets import Banner, Dialog, Divider, Label, ProgressRow

if TYPE_CHECKING:
    from tlgui.core.events import MovePlanned
    from tlgui.core.run_spec import Training
    from tlgui.gui.pages.train.actions import RunActions
    from tlgui.gui.run_model import RunModel

SLOW_MS = 10_000  # measuring takes a few batches; on a slow computer with a large network some seconds
_MEASURING = "Measuring on a copy"
_NOTHING_CHANGES = "nothing of the run changes"
_MEASURED = "Measured on a copy, on a few batches; nothing of the run has changed by that."
_ENGINE_WENT = (
    "The engine ended while it measured; the measuring had changed nothing. Continue the run, then ask again."
)
_WIDTH = 480


class MoveDialog(Dialog):
    """The plan, with fields for learning rates, and the button that does it. It can be pressed while it is measured.

    Args:
        run: the run; it goes on meanwhile.
        actions: sends what is asked for.
        kind: unfreeze or freeze.
        groups: so many layer groups, counted from the border.
        training: of the run, where it is known: the learning rates until the engine has said its own.
        parent: whose window it lies over.
    """

    def __init__(
        self, run: RunModel, actions: RunActions, kind: Kind, groups: int, training: Training | None, parent: QWidget
    ) -> None:
        names = move_words.reached(run.groups, kind, groups)
        super().__init__(move_words.title_of(kind, names), move_words.meaning_of(kind, names), parent)
        self._run, self._actions, self._kind, self._training = run, actions, kind, training
        self._target = names[-1] if names else ""
        self._told: MovePlanned | None = None
        self._known = run.planned_move  # an answer to what was asked before
        self._asked = 0  # for so many groups
        self._names: list[str] = []
        self._slow = QTimer(self, singleShot=True, interval=SLOW_MS)
        self._slow.timeout.connect(self._on_slow)
        self._build()
        self._slow.start()
        run.changed.connect(self._refresh)
        self.finished.connect(lambda _result: run.changed.disconnect(self._refresh))
        self._refresh()

    def _build(self) -> None:
        self.setMinimumWidth(_WIDTH)
        self.progress = ProgressRow(_MEASURING)
        self.progress.set_busy(_NOTHING_CHANGES)
        self.measured = Label("", "caption", wrap=True)
        self.rows = [FigureRow("strong") for _ in range(4)]
        self.peaks_title = Label("Highest learning rate", "strong")
        self.peaks = PeakFields()
        self.peaks_note = Label(
            "Layers further down are more general, so they learn more slowly. The number can be changed here and later.",
            "caption", wrap=True,
        )  # fmt: skip
        self.judged = Label("", "caption", wrap=True)
        self.banner = Banner("warn")
        self.banner.hide()
        self._line = Divider()
        for widget in (*self.rows, self.progress, self.measured, self._line, self.peaks_title, self.peaks,
                       self.peaks_note, self.judged, self.banner):  # fmt: skip
            self.body.addWidget(widget)
        self.peaks.changed.connect(self._show_button)
        self.cancel = self.add_button("Cancel")
        self.cancel.setToolTip("Leaves everything as it is")
        self.do = self.add_button(self._kind.capitalize(), "primary", self._on_do, default=True)

    # -- what is shown -------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The figures as a person reads them."""
        return "\n".join(row.text() for row in self.rows if row.isVisibleTo(self))

    def _refresh(self) -> None:
        run = self._run
        groups = move_words.groups_to(run.groups, self._kind, self._target)
        self._names = move_words.reached(run.groups, self._kind, groups)
        self._hear(groups)
        told = self._told
        waits = told is None and run.state not in ENDED and bool(groups)
        figures = move_words.figures(run.groups, self._kind, self._names, told, waits) if self._names else []
        for number, row in enumerate(self.rows):
            row.setVisible(number < len(figures))
            if number < len(figures):
                row.tell(*figures[number])
        self.progress.setVisible(waits)
        self._show_progress()
        self.measured.setText(_MEASURED)
        self.measured.setVisible(told is not None and not told.reason)
        self.judged.setText(move_words.judged_words(told) if told is not None else "")
        self.judged.setVisible(told is not None and not told.reason)
        self._show_peaks()
        self._show_button()
        self._fit()

    def _hear(self, groups: int) -> None:
        """Takes the answer to what was asked, and asks for it where that is still to be done."""
        newest = self._run.planned_move
        if newest is not None and newest is not self._known:
            self._known = newest
            if newest.kind == self._kind and self._asked and set(newest.names) == set(self._names):
                self._told = newest
                self._slow.stop()
        if self._told is not None and groups and set(self._told.names) != set(self._names):
            self._told, self._asked = None, 0  # the border has moved meanwhile
        if self._told is None and groups and self._asked != groups and self._actions.ask_plan(self._kind, groups):
            self._asked = groups

    def _show_progress(self) -> None:
        if self._slow.isActive():
            self.progress.set_busy(_NOTHING_CHANGES)

    def _on_slow(self) -> None:
        if self._told is None:
            self.progress.set_title("Still measuring")
            self.progress.set_busy("it can be done without the figures too")
            self._show_button()
            self._fit()

    def _show_peaks(self) -> None:
        planned = self._planned_peaks()
        self.peaks.show_groups(self._names, planned)
        for widget in (self._line, self.peaks_title, self.peaks, self.peaks_note):
            widget.setVisible(bool(self.peaks.fields))

    def _planned_peaks(self) -> Mapping[str, float]:
        if self._kind == "freeze":
            return {}
        if self._told is not None:
            return self._told.learning_rates
        training, names = self._training, [group.name for group in self._run.groups]
        if training is None or training.head_learning_rate is None or training.top_learning_rate is None:
            return {}
        return {names[index]: rate for index, rate in ladder_rates(training, names, 0).items()}

    def _against(self) -> str:
        """Why it cannot be done now."""
        run = self._run
        if self._told is not None and self._told.reason:
            return self._told.reason
        if run.state in ENDED:
            went = self._told is None and run.state in ("crashed", "failed")
            return _ENGINE_WENT if went else run.reason_against(self._kind)
        if not self._names:
            done = "learns already" if self._kind == "unfreeze" else "is frozen already"
            return f"{move_words.spoken([self._target], begins=True)} {done}."
        return run.reason_against(self._kind)

    def _show_button(self) -> None:
        against = self._against()
        self.banner.setVisible(bool(against))
        if against:
            first, _, rest = against.partition(". ")
            self.banner.set("warn", first if first.endswith(".") or not rest else f"{first}.", rest)
        problem = self.peaks.problem() if self.peaks.fields else ""
        self.do.setEnabled(not (against or problem))
        self.do.setToolTip(
            against or problem or f"{move_words.spoken(self._names, begins=True)}: from the next batch on"
        )

    def _fit(self) -> None:
        """As high as its lines need, also where some have gone."""
        layout = self.layout()
        if self.isVisible() and layout is not None:
            height = (
                layout.totalHeightForWidth(self.width())
                if layout.hasHeightForWidth()
                else layout.minimumSize().height()
            )
            self.resize(self.width(), height)

    # -- presses -------------------------------------------------------------------------------------------------

    def _on_do(self) -> None:
        groups = move_words.groups_to(self._run.groups, self._kind, self._target)
        if groups and not self._against():
            self._actions.ask_move(self._kind, groups, self.peaks.differing())
