"""The shock number: the score of one simple model under a naive and under a safe split, measured while one waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.core.events import SplitsCompared
from tlgui.gui.numbers import about, count, counted
from tlgui.gui.shock_desk import MOST_IMAGES, ShockDesk
from tlgui.gui.widgets import Banner, Button, Dialog, Label, ProgressRow
from tlgui.gui.wizard.images.score_bars import ScoreBars

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "What this would have done to the score"
_TEXT = (
    "The same simple model is scored twice: on splits that part what belongs together, and on splits that do not. "
    f"At most {count(MOST_IMAGES)} images are looked at; nothing is trained or kept."
)
_MEASURE = "Measure what this would have done to the score…"
_MEASURE_TIP = "Compares a split without regard to what belongs together with the safe one, in about a minute."
_NOT_YOURS = "It is not the score of your network, which may be better or worse: what counts is the difference."


class ShockDialog(Dialog):
    """Measures as it opens, unless the same was measured before; closing it ends the measurement.

    Args:
        desk: measures.
        parent: whose window it lies over.
    """

    def __init__(self, desk: ShockDesk, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, parent)
        self._desk = desk
        self._begun = False
        self.progress = ProgressRow("Measuring")
        self.progress.set_cancellable(True)
        self.progress.cancelled.connect(desk.cancel)
        self.banner = Banner("bad")
        self.sentence = Label("", "strong", wrap=True)
        self.bars = ScoreBars()
        self.basis = Label("", "caption", wrap=True)
        rest = QWidget()  # keeps the words at the top
        rest.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        for widget in (self.progress, self.banner, self.sentence, self.bars, self.basis, rest):
            self.body.addWidget(widget)
        self.again = self.add_button("Measure again", "secondary", self._measure, closes=False)
        self.again.setToolTip("Draws the same splits and scores them once more.")
        self.add_button("Close", "secondary", default=True)
        desk.changed.connect(self._show)
        self.finished.connect(lambda _result: desk.forget())
        room = self.screen().availableGeometry().size()
        self.resize(min(620, room.width() - 40), min(330, room.height() - 60))
        if desk.found is None:
            self._measure()
        self._show()

    def _measure(self) -> None:
        self._desk.measure()

    def _show(self) -> None:
        desk = self._desk
        found = desk.found if not desk.busy else None
        self.progress.setVisible(desk.busy)
        self.again.setVisible(not desk.busy)
        self.banner.setVisible(not desk.busy and (desk.problem is not None or found is None))
        if desk.busy:
            self._show_progress()
        elif desk.problem is not None:
            self._show_problem()
        elif found is None:
            self.banner.set("neutral", desk.reason_against() or "It was stopped, so nothing was measured.")
        for widget in (self.sentence, self.bars, self.basis):
            widget.setVisible(found is not None)
        if found is not None:
            self.sentence.setText(found.sentence)
            self.bars.show_scores(found)
            self.basis.setText(basis_words(found))

    def _show_progress(self) -> None:
        told = self._desk.progress
        if told is None:
            self.progress.set_title("Waiting for the engine")
            self.progress.set_busy()
            return
        left = f", {about(told.seconds_left)} left" if told.seconds_left is not None else ""
        self.progress.set_title(told.stage[:1].upper() + told.stage[1:])
        self.progress.set(told.done, told.total, f"{count(told.done)} of {count(told.total)}{left}")

    def _show_problem(self) -> None:
        problem = self._desk.problem
        if hasattr(problem, "problem"):
            self.banner.show_error(problem)
        elif problem is not None:
            self.banner.set("bad", problem.sentence())


def basis_words(found: SplitsCompared) -> str:
    """What the numbers rest on, and what they are not."""
    return (
        f"{counted(found.images, 'image')} in {counted(found.groups, 'group')}, {counted(found.repeats, 'split')} of each "
        f"kind; in brackets the range that the true share plausibly lies in. {_NOT_YOURS}"
    )


class ShockButton(Button):
    """Opens the dialog, and says why it cannot where nothing is kept together.

    Args:
        bench: for the images in hand.
        parent: the dialog that it lies in.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(_MEASURE, "secondary", parent=parent)
        self.setFixedHeight(34)
        self._desk = bench.shock
        self.clicked.connect(lambda: ShockDialog(bench.shock, parent).open())
        bench.draft.changed.connect(self._show_reason)
        bench.intake.changed.connect(self._show_reason)
        self._show_reason()

    def _show_reason(self) -> None:
        against = self._desk.reason_against()
        self.setEnabled(not against)
        self.setToolTip(against or _MEASURE_TIP)
        self.setAccessibleDescription(against)
