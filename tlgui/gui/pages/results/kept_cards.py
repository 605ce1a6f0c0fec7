"""What a run that learned on still knows, which mix of its weights is kept, and how hard it should have held on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from tlgui.core import events
from tlgui.core.retention import strength_of
from tlgui.gui.numbers import about, count, counted, percent
from tlgui.gui.pages.results.kept_plots import MixPlot, TradeOffPlot
from tlgui.gui.run_kept import keeps_in_training
from tlgui.gui.widgets import Action, Banner, Button, Card, Cell, Column, Label, ProgressRow, Table

if TYPE_CHECKING:
    from tlgui.core.events import Mix, MixesTried, RetentionMeasured, StrengthsTried
    from tlgui.core.run_spec import RunSpec
    from tlgui.gui.kept_desk import Doing
    from tlgui.gui.workbench import Workbench

_LOOKS = "The score is measured on the test images once more, and that look is counted."
_MIX_EMPTY = "No mix was tried yet. It takes one pass over the validation images for each of eleven shares."
_ALIGNED = "The statistics of this model are those of the new site. A mix with the weights before would have others."
_STRENGTHS = (
    "Quick copies of this run are trained, each held harder than the one before; the run itself stays as it is. It takes about "
    "as long as two trainings."
)


class KnownCard(Card):
    """The sentence, and each earlier set of images with its accuracy before and now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What it still knows", flush=True, parent=parent)
        self.sentence = Label("", "body", wrap=True)
        self.looks = Label("", "caption", wrap=True)
        for label, below in ((self.sentence, 4), (self.looks, 8)):
            label.setContentsMargins(15, 0, 15, below)
            self.body.addWidget(label)
        self.table = Table(
            (
                Column("Learned before", stretch=True, min=120),
                Column("Images", align="right"),
                Column("Right before", align="right"),
                Column("Right now", align="right"),
            ),
            name="Earlier sets of images",
        )
        self.body.addWidget(self.table)
        self.hide()

    def show_measured(self, measured: RetentionMeasured | None) -> None:
        """Shows it; hides itself where nothing was measured."""
        self.setVisible(measured is not None)
        if measured is None:
            return
        agrees = measured.seen.meter == "agreement"
        self.set_caption("a stand-in, no accuracy" if agrees else "on images that were never learned")
        self.sentence.setText(measured.sentence)
        looks = "" if not agrees else "These are validation images of this run, by which its epoch was chosen."
        looks = looks or (
            f"These images were looked at {counted(measured.looks, 'time')} while it trained; test images among them chose "
            "nothing."
            if measured.looks
            else ""
        )
        self.looks.setText(looks)
        self.looks.setVisible(bool(looks))
        self.table.setVisible(bool(measured.tasks))
        self.table.set_rows(
            [
                [Cell(task.name), Cell(count(task.images)), Cell(percent(task.before)), Cell(percent(task.now))]
                for task in measured.tasks
            ]
        )


class _JobCard(Card):
    """A card with work of the engine: progress with Cancel, and what went wrong."""

    def __init__(self, title: str, doing: Doing, bench: Workbench) -> None:
        super().__init__(title)
        self.bench, self._doing = bench, doing
        self.words = Label("", "body", wrap=True)
        self.progress = ProgressRow("Getting ready")
        self.progress.set_cancellable(True)
        self.progress.cancelled.connect(bench.kept.cancel)
        self.problem = Banner("bad")
        self.problem.hide()
        self.progress.hide()

    @property
    def busy(self) -> bool:
        """Whether its own work is being done."""
        return bool(self.bench.kept.doing == self._doing)

    def show_work(self) -> None:
        """Shows how far it is, or how it ended."""
        desk = self.bench.kept
        self.progress.setVisible(self.busy)
        if self.busy:
            self.problem.hide()
            self._show_progress(desk.progress, desk.stopping)
            return
        match desk.ended(self._doing):
            case events.Failed() as failed:
                self.problem.show_error(failed)
                self.problem.show()
            case events.Crashed() as crashed:
                self.problem.set("bad", crashed.sentence().partition(". ")[0] + ".", "The run is as it was. Try again.")
                self.problem.show()
            case events.Stopped():
                self.problem.set("neutral", "Stopped", "The run is as it was.")
                self.problem.show()
            case _:
                self.problem.hide()

    def _show_progress(self, told: events.Progress | None, stopping: bool) -> None:
        self.progress.set_cancellable(not stopping)
        if stopping or told is None:
            self.progress.set_title("Stopping…" if stopping else "Getting ready")
            self.progress.set_busy()
            return
        self.progress.set_title(told.stage[:1].upper() + told.stage[1:])
        left = f", {about(told.seconds_left)} left" if told.seconds_left is not None else ""
        text = f"{count(told.done)} of {count(told.total)}{left}" if told.total > 1 else ""
        self.progress.set(told.done, told.total if told.total > 1 else 0, text)


class MixCard(_JobCard):
    """The curve over the shares, a slider over those that were tried, and the press that keeps one of them."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__("Old and new weights mixed", "mix", bench)
        self._tried: MixesTried | None = None
        self._against = ""
        self.plot = MixPlot()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Share of the earlier weights")
        self.slider.setToolTip(
            "Goes through the shares that were tried. Left: the trained weights; right: those from before."
        )
        self.slider.valueChanged.connect(lambda _: self._show_picked())
        self.at = Label("", "strong", wrap=True)
        self.note = Label("", "caption", wrap=True)
        self.keep = Action(
            "Keep this mix", self._on_keep, icon="check", parent=self, tooltip=f"Makes it the model. {_LOOKS}"
        )
        self.choose = Action(
            "Try mixes", lambda: bench.kept.mix(None), parent=self,
            tooltip=f"The mix with the best mean on validation images becomes the model. {_LOOKS}",
        )  # fmt: skip
        self.keep_button, self.choose_button = Button(action=self.keep), Button(action=self.choose)
        self.body.addWidget(self.words)
        beside = _beside(self.body, self.plot)
        for widget in (self.slider, self.at, self.note):
            beside.addWidget(widget)
        _end(self, beside, (self.keep_button, self.choose_button))
        self.hide()

    def show_run(self, spec: RunSpec | None, tried: MixesTried | None, aligned: bool = False) -> None:
        """Shows what was tried of a run; hides itself where weights are not mixed.

        Args:
            spec: of the run.
            tried: by it, or after it.
            aligned: its statistics were fitted to a new site, so that it cannot be mixed any more.
        """
        self._against = _ALIGNED if aligned else ""
        averages = spec is not None and spec.training.keep == "average"
        self.setVisible(averages or tried is not None)
        if self.isHidden():
            return
        if tried is not self._tried:
            self._tried = tried
            if tried is not None:
                self._show_tried(tried)
        for widget in (self.plot, self.slider, self.at, self.keep_button):
            widget.setVisible(tried is not None)
        self.choose_button.setVisible(tried is None)
        self.words.setText(tried.sentence if tried is not None else _MIX_EMPTY)
        self.note.setVisible(tried is not None)
        self.choose.set_reason(self.bench.kept.reason_against() or self._against)
        self.show_work()
        self._show_picked()

    @property
    def picked(self) -> Mix | None:
        """The mix that the slider stands at."""
        return self._tried.mixes[self.slider.value()] if self._tried is not None and self._tried.mixes else None

    def _show_tried(self, tried: MixesTried) -> None:
        was = self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(tried.mixes) - 1))
        shares = [mix.earlier for mix in tried.mixes]
        self.slider.setValue(shares.index(tried.chosen) if tried.chosen in shares else 0)
        self.slider.blockSignals(was)
        old = f" and {counted(tried.old_images, 'earlier one')}" if tried.old_images else ""
        self.set_caption("chosen on validation images" if tried.by_itself else "chosen by you")
        self.note.setText(
            f"Dashed: {counted(tried.new_images, 'new validation image')}; dotted: earlier ones. These {count(tried.new_images)}"
            f"{old} are for choosing, so what they show is a little optimistic; the score above is of the kept mix."
            if old
            else f"Of {counted(tried.new_images, 'new validation image')}; earlier images are not at hand, so what a mix "
            "forgets is not measured."
        )

    def _show_picked(self) -> None:
        mix, tried = self.picked, self._tried
        if mix is None or tried is None:
            return
        self.plot.show_tried(tried, mix.earlier)
        old = f", earlier images {percent(mix.old)}" if mix.old is not None else ""
        kept = " This mix is kept." if mix.earlier == tried.chosen else ""
        self.at.setText(f"{percent(mix.earlier, 0)} earlier weights: new images {percent(mix.new)}{old}.{kept}")
        self.slider.setAccessibleDescription(self.at.text())
        self.slider.setEnabled(not self.busy)
        same = "This mix is the model already." if mix.earlier == tried.chosen else ""
        self.keep.set_reason(self.bench.kept.reason_against() or self._against or same)

    def _on_keep(self) -> None:
        if (mix := self.picked) is not None:
            self.bench.kept.mix(mix.earlier)


class StrengthsCard(_JobCard):
    """The trade-off of old and new over the strengths that quick copies were held with.

    Attributes:
        new_run_asked: a run like this one is to be set up with that strength.
    """

    new_run_asked = Signal(float)

    def __init__(self, bench: Workbench) -> None:
        super().__init__("How hard should it hold?", "strengths", bench)
        self._tried: StrengthsTried | None = None
        self.plot = TradeOffPlot()
        self.table = Table(
            (
                Column("Strength", stretch=True, min=90),
                Column("New images", align="right"),
                Column("Earlier images", align="right"),
            ),
            pickable=True,
            name="Strengths that were tried",
        )
        self.table.picked.connect(lambda _: self._show_picked())
        self.start = Action(
            "Try some strengths", bench.kept.try_strengths, parent=self,
            tooltip="Trains quick copies in the background; only validation images are asked, the run stays as it is.",
        )  # fmt: skip
        self.again = Action(
            "New run with this strength", self._on_new_run, icon="plus", parent=self,
            tooltip="Sets up a run like this one that holds on with the strength that is picked.",
        )  # fmt: skip
        self.start_button, self.again_button = Button(action=self.start), Button(action=self.again)
        self.body.addWidget(self.words)
        beside = _beside(self.body, self.plot)
        beside.addWidget(self.table)
        _end(self, beside, (self.again_button, self.start_button))
        self.hide()

    def show_run(self, spec: RunSpec | None, tried: StrengthsTried | None) -> None:
        """Shows what was tried of a run; hides itself where it does not hold on while it trains."""
        self.setVisible(keeps_in_training(spec) or tried is not None)
        if self.isHidden():
            return
        in_use = strength_of(spec.training) if spec is not None else None
        self.set_caption(f"this run: {in_use:g}" if in_use is not None else "")
        if tried is not self._tried:
            self._tried = tried
            if tried is not None:
                self._show_tried(tried, in_use)
        measured = tried is not None and bool(tried.old_images)
        self.plot.setVisible(measured)
        self.table.setVisible(tried is not None)
        self.again_button.setVisible(tried is not None)
        self.words.setText(tried.sentence if tried is not None else _STRENGTHS)
        self.start.set_text("Try again" if tried is not None else "Try some strengths")
        self.start.set_reason(self.bench.kept.reason_against())
        self.show_work()
        self._show_picked()

    @property
    def picked(self) -> float | None:
        """The strength whose row is picked."""
        place = self.table.picked_row()
        return self._tried.points[place].strength if self._tried is not None and place >= 0 else None

    def _show_tried(self, tried: StrengthsTried, in_use: float | None) -> None:
        self.table.set_rows(
            [
                [
                    Cell(
                        f"{one.strength:g}" if one.strength else "0 (lets go)",
                        chip="best mean" if one.strength == tried.best else "",
                    ),
                    Cell(percent(one.new)),
                    Cell(percent(one.old) if one.old is not None else "not measured"),
                ]
                for one in tried.points
            ]
        )
        strengths = [one.strength for one in tried.points]
        wanted = tried.best if tried.best is not None else in_use
        self.table.set_picked(strengths.index(wanted) if wanted in strengths else -1)

    def _show_picked(self) -> None:
        if self._tried is not None:
            self.plot.show_tried(self._tried, self.picked)
        self.again.set_reason("" if self.picked is not None else "Pick a strength first.")

    def _on_new_run(self) -> None:
        if (strength := self.picked) is not None:
            self.new_run_asked.emit(float(f"{strength:.4g}"))  # 0.01 and not what a product of floats makes of it


def _beside(body: QVBoxLayout, plot: QWidget) -> QVBoxLayout:
    """The column at the right of a plot."""
    row, column = QHBoxLayout(), QVBoxLayout()
    row.setSpacing(20)
    column.setSpacing(8)
    row.addWidget(plot, 3, Qt.AlignmentFlag.AlignTop)
    row.addLayout(column, 2)
    body.addLayout(row)
    return column


def _end(card: _JobCard, column: QVBoxLayout, buttons: Sequence[Button]) -> None:
    """Buttons at the end of the column, and the work below both."""
    row = QHBoxLayout()
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    column.addLayout(row)
    column.addStretch(1)
    for widget in (card.progress, card.problem):
        card.body.addWidget(widget)
