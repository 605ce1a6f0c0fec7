"""The train page: curves, ladder, and everything that can be done while a run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tlgui.gui.chosen_by import measure_of
from tlgui.gui.coached import Coached
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.notes import NotesButton
from tlgui.gui.page_action import page_action
from tlgui.gui.pages.train.actions import Kind, RunActions
from tlgui.gui.pages.train.alarm_banner import AlarmBanner
from tlgui.gui.pages.train.coach_line import CoachLine
from tlgui.gui.pages.train.ending import Said, remedy_of, said_of, sentence_of
from tlgui.gui.pages.train.extend_dialog import ExtendDialog
from tlgui.gui.pages.train.keep_card import KeepCard
from tlgui.gui.pages.train.layers_card import LayersCard
from tlgui.gui.pages.train.layers_dialog import LayersDialog
from tlgui.gui.pages.train.log_fold import LogFold
from tlgui.gui.pages.train.move_dialog import MoveDialog
from tlgui.gui.pages.train.planned import filled_in, planned_groups
from tlgui.gui.pages.train.plot_cards import PlotCards
from tlgui.gui.pages.train.rate_dialog import RateDialog
from tlgui.gui.pages.train.site_card import SiteCard
from tlgui.gui.pages.train.status_card import ENGINE_BEGINS, ENGINE_STARTS, RUN_IS_MADE, StatusCard
from tlgui.gui.run_places import earlier_place_of
from tlgui.gui.run_reasons import ANOTHER_TRAINS, ENDED
from tlgui.gui.widgets import Action, Banner, Button, Dialog, EmptyState, IconButton, Page, plain_tooltip

if TYPE_CHECKING:
    from tlgui.core.coach import Coaching
    from tlgui.core.events import GroupState
    from tlgui.core.run_spec import RunSpec
    from tlgui.gui.run_model import RunModel
    from tlgui.gui.workbench import Workbench

_SIDE_WIDTH, _ONE_COLUMN_BELOW = 344, 1000
_SAVED_FOR_MS = 8_000
_NO_RUN = "What the network learns, epoch by epoch"


class TrainPage(Page):
    """One run, live or replayed. Everything shown comes from `bench.run`, every press goes to `bench`."""

    name = "train"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Train", _NO_RUN, fills=True, parent=parent)
        self._bench = bench
        self._run: RunModel | None = None
        self._said: Said | None = None
        self._narrow = self._stale = False
        self._dialog: Dialog | None = None
        self._coached = Coached()
        self.actions_of_run = RunActions(bench, self._on_extend, self.open_plan, self)
        self.log_action = Action("Log", self._on_log, "Ctrl+L", icon="list", parent=self,
                                 tooltip="What the run said, line by line")  # fmt: skip
        self.log_action.setCheckable(True)
        self.why_action = Action("Why layers transfer", self._on_why, "Ctrl+Shift+L", parent=self,
                                 tooltip="Shows how much each layer group alone tells about your classes")  # fmt: skip
        self.notes = NotesButton(bench)
        self.head_right.addWidget(self.notes)
        self.head_right.addWidget(Button(kind="quiet", action=self.log_action))
        self._build_body()
        self._build_foot()
        self._saved_timer = QTimer(self)
        self._saved_timer.setSingleShot(True)
        self._saved_timer.setInterval(_SAVED_FOR_MS)
        self._saved_timer.timeout.connect(self._saved.hide)
        bench.run_changed.connect(self._on_run_changed)
        bench.images_found.connect(self._on_run_changed)
        bench.device_changed.connect(self._on_changed)
        bench.wakefulness.changed.connect(self._on_changed)
        self._on_run_changed()

    def _build_body(self) -> None:
        self.empty_card = EmptyState(
            "layers", "Curves and layers of a training stand here",
            "A training begins on the page Review, once the images are chosen.",
            Button(action=page_action(self._bench, "review", "Go to Review", self)),
        )  # fmt: skip
        self.body.addWidget(self.empty_card)
        main, side = self.columns(1, _SIDE_WIDTH, keep_until=_ONE_COLUMN_BELOW)
        # Plots take the height that is there: the stretch below a column would take it from them.
        for column in (main, side):
            outer = column.parent()
            if isinstance(outer, QVBoxLayout):
                outer.takeAt(outer.count() - 1)
        self._saved = Banner("good")
        self._saved.hide()
        self._ended = Banner("bad")
        self._ended.hide()
        self._disk = Banner("warn", "The disk is full", "Free some space, then continue: nothing is lost.")
        self._disk.add_button(Button(small=True, action=self.actions_of_run.pause))
        self._disk.hide()
        self.alarm = AlarmBanner(self.actions_of_run)
        self.status_card, self.plots, self.log = StatusCard(), PlotCards(), LogFold()
        self.coach_line = CoachLine()
        for widget in (self._ended, self.alarm, self._disk, self.status_card, self.coach_line, self._saved):
            main.addWidget(widget)
        main.addWidget(self.plots, 1)
        main.addWidget(self.log)
        self.layers_card = LayersCard(self.actions_of_run.undo, self.why_action)
        self.ladder, self.plan = self.layers_card.ladder, self.layers_card.plan
        self.site_card = SiteCard(self.actions_of_run.ask_weight)
        self.keep_card = KeepCard(self.actions_of_run.ask_strength)
        side.addWidget(self.keep_card)
        side.addWidget(self.site_card)
        side.addWidget(self.layers_card)
        side.addStretch(1)
        self.ladder.plan_asked.connect(self.open_plan)
        self.ladder.move_asked.connect(self.actions_of_run.ask_move)
        self.ladder.rate_asked.connect(self.open_rate)
        self.coach_line.pressed.connect(self._on_coached)
        self.plots.saved.connect(self._on_saved)
        self.plots.save_failed.connect(self.show_error)

    def _build_foot(self) -> None:
        actions = self.actions_of_run
        self.buttons = {
            "pause": Button(action=actions.pause),
            "stop": Button(kind="danger", action=actions.stop),
            "freeze": Button(action=actions.freeze),
            "freeze_small": IconButton("lock", "Freeze", actions.freeze),
            "extend": Button(action=actions.extend),
            "go_on": Button(action=actions.go_on),
        }
        for button in self.buttons.values():
            self.foot_left.addWidget(button)

    # -- the run -------------------------------------------------------------------------------------------------

    def _on_run_changed(self) -> None:
        run = self._bench.run
        if run is not self._run:
            if self._run is not None:
                self._run.changed.disconnect(self._on_changed)
            self._run = run
            if self._dialog is not None:
                self._dialog.reject()  # it asks about another run
            self.clear_error()
            self._saved.hide()
            if run is not None:
                run.changed.connect(self._on_changed)
            spec = self._spec()
            # Until the engine speaks, the plan is what is known.
            planned = (spec.training.epochs if spec is not None else None) or 0
            self.plots.show_run(run, planned, measure_of(spec))
        self._refresh()

    def _on_changed(self, _: object = None) -> None:
        # Thirty times a second while a run goes on: nothing is worked out for a page that nobody sees.
        self._stale = not self.isVisible()
        if not self._stale:
            self._refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Catches up with what happened while another page was shown."""
        super().showEvent(event)
        if self._stale:
            self._stale = False
            self._refresh()

    def _refresh(self) -> None:
        run = self._run
        self.actions_of_run.show_run(run)
        for widget in (self.status_card, self.plots, self.layers_card):
            widget.setVisible(run is not None)
        self.empty_card.setVisible(run is None)
        self.log_action.set_reason("" if run is not None else "There is no run yet.")
        self.log.setVisible(run is not None and self.log_action.isChecked())
        self._show_foot(run)
        if run is None:
            for banner in (self._ended, self.alarm, self._disk, self.coach_line, self.site_card, self.keep_card):
                banner.hide()
            self._said = None
            self.set_sentence(_NO_RUN)
            return
        spec = self._spec()
        self.set_sentence(sentence_of(run, spec))
        measure = measure_of(spec)
        self.status_card.show_run(run, self._begins(), measure.words if measure is not None else "")
        self._show_ending(run)
        self.alarm.show_run(run)
        self._disk.setVisible(run.waits_for_disk)
        training = spec.training if spec is not None else None
        self.coach_line.show_coaching(self._coached.said(run, training))
        self.why_action.set_reason(self._against_why())
        groups, rates = run.groups, run.rates_now
        if not groups and run.state not in ENDED:
            # Until the engine has built the network, what is planned stands here.
            groups = self._planned()
            rates = {group.name: group.learning_rate for group in groups if group.learning_rate is not None}
        self.keep_card.show_run(run, spec)
        self.site_card.show_run(run, spec)
        self.layers_card.show_run(run, groups, rates, training)
        self.log.show_lines(run.log)

    def _against_why(self) -> str:
        if self._bench.data_of(self._run) is None:
            return "The images of this run are not where they were, so they cannot be looked at."
        return ""

    def _spec(self) -> RunSpec | None:
        """What the run is; until its folder is made, filled in as it will be there."""
        spec, summary = self._bench.run_spec, self._bench.draft.summary
        if spec is not None and spec.dataset is None and summary is not None:
            return filled_in(spec, summary.used)
        return spec

    def _planned(self) -> list[GroupState]:
        spec, summary = self._spec(), self._bench.draft.summary
        if spec is not None and spec.dataset is not None:
            return planned_groups(spec, len(spec.dataset.classes))
        return planned_groups(spec, len(summary.classes)) if spec is not None and summary is not None else []

    def _begins(self) -> tuple[str, str]:
        """What is waited for before the engine speaks of the run."""
        if self._bench.run_folder is None:
            return RUN_IS_MADE
        return ENGINE_BEGINS if self._bench.machine.device else ENGINE_STARTS

    def _show_ending(self, run: RunModel) -> None:
        said = said_of(run)
        if said == self._said:
            return
        self._said = said
        self._ended.setVisible(said is not None)
        self._ended.clear_buttons()
        if said is None:
            return
        self._ended.show_error(said)
        self._ended.set(said.tone, said.problem, said.remedy)
        for kind, text, callback in (
            ("images", "Find the images…", self._bench.choose_images),
            ("site", "Find the new site's images…", self._bench.choose_site),
            ("earlier", "Find the earlier images…", self._find_earlier),
            ("backbone", "Go to Backbone", lambda: self._bench.show("backbone")),
        ):
            if remedy_of(run) == kind:
                self._ended.add_button(Button(small=True, action=Action(text, callback, parent=self._ended)))

    def _find_earlier(self) -> None:
        ask_for_folder(
            self,
            "Where are the images that it learned before?",
            lambda path: self._bench.runs.find_beside(Path(path), earlier_place_of),
        )

    def _show_foot(self, run: RunModel | None) -> None:
        ended = run is None or run.state in ENDED
        primary = self.actions_of_run.primary_for(run)
        for name, button in self.buttons.items():
            if name.startswith("freeze"):
                button.setVisible(not ended and (name == "freeze_small") == self._narrow)
                continue
            only_then = run is not None and run.state == "stopped" and primary is not self.actions_of_run.go_on
            shown = only_then if name == "go_on" else name == "extend" or not ended
            button.setVisible(run is not None and shown)
        self.set_primary(primary)
        awake = "" if ended else self._bench.wakefulness.text
        self.status_card.setToolTip(plain_tooltip(awake))
        # Why sleep could not be held off is too long for the foot.
        awake = f"{awake.partition(':')[0]}." if ":" in awake else awake
        self.set_hint((self._reason_at_left(ended) or awake) if run is not None else "")

    def _reason_at_left(self, ended: bool) -> str:
        """Why a button at the left cannot be pressed; for the blue one the page says it itself."""
        actions = self.actions_of_run
        shown = [actions.extend] if ended else [actions.pause, actions.stop, actions.freeze, actions.extend]
        if any(one.reason == ANOTHER_TRAINS for one in shown):
            return ANOTHER_TRAINS
        return next((f"{one.plain_text}: {_lowered(one.reason)}" for one in shown if one.reason), "")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Where the foot is narrow its buttons take less room, so that the hint keeps some."""
        super().resizeEvent(event)
        narrow = self.width() < _ONE_COLUMN_BELOW
        if narrow != self._narrow:
            self._narrow = narrow
            self.actions_of_run.set_short(narrow, self._run)
            self._show_foot(self._run)

    # -- presses -------------------------------------------------------------------------------------------------

    def _open(self, dialog: Dialog) -> None:
        self._dialog = dialog
        dialog.finished.connect(self._on_dialog_finished)
        dialog.open()

    def _on_dialog_finished(self) -> None:
        self._dialog = None

    def open_plan(self, kind: Kind, groups: int = 1) -> None:
        """Shows what a move of so many layer groups would cost, and asks whether to do it."""
        run, spec = self._run, self._spec()
        if run is not None and not run.reason_against(kind):
            training = spec.training if spec is not None else None
            self._open(MoveDialog(run, self.actions_of_run, kind, groups, training, self))

    def open_rate(self, group: str) -> None:
        """Asks for another learning rate of a layer group."""
        run = self._run
        if run is not None and not run.reason_against("rate"):
            self._open(RateDialog(run, group, lambda rate: self.actions_of_run.ask_rate(group, rate), self))

    def _on_why(self) -> None:
        self._open(LayersDialog(self._bench, self))

    def _on_coached(self, said: Coaching) -> None:
        actions = self.actions_of_run
        match said.button:
            case "unfreeze":
                actions.unfreeze.trigger()
            case "undo":
                actions.undo.trigger()
            case "stop":
                actions.stop.trigger()
            case "extend":
                self._on_extend(said.epochs)
            case "rates":
                actions.ask_rates(said.rates)

    def _on_extend(self, more: int = 0) -> None:
        run = self._run
        if run is None or self.actions_of_run.extend.reason:
            return
        seconds = run.epochs[-1].seconds if run.epochs else None
        dialog = ExtendDialog(run.epochs_planned, seconds, self)
        if more:
            dialog.number.setValue(more)
        # Another run may come up while the dialog is open, as one whose folder was still being read.
        dialog.chosen.connect(lambda more: self.actions_of_run.ask_extend(more) if self._bench.run is run else None)
        self._open(dialog)

    def _on_log(self) -> None:
        self._refresh()
        if self.log.isVisibleTo(self):
            # Only when it has got its place can the page scroll to it.
            QTimer.singleShot(0, self.log, lambda: self.scroll_area.ensureWidgetVisible(self.log))

    def _on_saved(self, path: Path) -> None:
        self.clear_error()
        self._saved.set("good", f"Saved as {path.name}", f"In the folder {path.parent.name or path.parent}")
        self._saved.show()
        self._saved_timer.start()


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
