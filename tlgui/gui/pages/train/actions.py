"""What can be done with a run: words, shortcut, and the reason why not now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QTimer

from tlgui.core import commands
from tlgui.gui.run_reasons import ANOTHER_TRAINS, ENDED
from tlgui.gui.run_reasons import Action as Press
from tlgui.gui.widgets import Action

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel
    from tlgui.gui.workbench import Workbench

Kind = Literal["unfreeze", "freeze"]
Plan = Callable[[Kind, int], None]

SILENCE_MS = 60_000  # longer than a batch of the largest network takes on a slow computer
_STOP = "Stop and keep the best"
STOP_BEFORE = "Stop and keep the best before it"
_STOPS = "Ends the training after this batch, a handful of images; the best epoch is kept and scored"
_END = "End the engine"
_ENDS = "It does not answer. Ending it loses nothing before the last checkpoint; Continue goes on from there"
UNDOES = "Takes the last unfreezing or freezing back"
_PAUSES = "Waits after this batch, a handful of images; nothing is lost"


class RunActions(QObject):
    """The actions of the train page. A press is sent to the engine once, and shown as sent at once.

    Args:
        bench: who sends.
        on_extend: asks how many epochs more.
        on_plan: shows what a move of so many layer groups would cost, and asks.
        parent: owner.
    """

    def __init__(self, bench: Workbench, on_extend: Callable[[], None], on_plan: Plan, parent: QObject) -> None:
        super().__init__(parent)
        self._bench = bench
        self._short = False
        self._silence = QTimer(self, singleShot=True, interval=SILENCE_MS)
        self._silence.timeout.connect(self._on_silent)
        self._heard: object = None
        self._hung = False
        self.unfreeze = Action(
            "Unfreeze next layers", lambda: on_plan("unfreeze", 1), "Ctrl+U", icon="unlock", parent=self,
            tooltip="Shows what letting the next layer group learn would cost, and asks; it can be taken back",
        )  # fmt: skip
        self.freeze = Action(
            "Freeze", lambda: on_plan("freeze", 1), "Ctrl+Shift+U", icon="lock", parent=self,
            tooltip="Shows what freezing the lowest layer group that learns would change, and asks",
        )  # fmt: skip
        self.undo = Action("Undo", self.ask_undo, "Ctrl+Z", icon="undo", parent=self, tooltip=UNDOES)
        self.pause = Action("Pause", self._on_pause, "Ctrl+P", icon="pause", parent=self, tooltip=_PAUSES)
        self.stop = Action(_STOP, self._on_stop, "Ctrl+.", icon="stop", parent=self, tooltip=_STOPS)
        self.stop_before = Action(
            STOP_BEFORE, self._on_stop, icon="stop", parent=self,
            tooltip="Ends the training after this batch; this epoch is not kept, the best one before it is",
        )  # fmt: skip
        self.extend = Action(
            "Extend…", on_extend, "Ctrl+E", icon="plus", parent=self, tooltip="Adds epochs to the plan"
        )
        self.results = Action(
            "Next: Results", lambda: bench.show("results"), icon="forward", parent=self,
            tooltip="How good the best epoch is on images that it has not seen",
        )  # fmt: skip
        self.go_on = Action(
            "Continue", self._on_go_on, icon="play", parent=self, tooltip="Goes on from the last checkpoint"
        )

    def show_run(self, run: RunModel | None) -> None:
        """Takes what can be done now, and why not."""
        if run is None:
            for action in (self.unfreeze, self.freeze, self.undo, self.pause, self.stop, self.stop_before, self.extend,
                           self.results, self.go_on):  # fmt: skip
                action.set_reason("There is no run yet.")
            return
        self._name_unfreeze(run)
        paused = run.state == "paused"
        if paused != (self.pause.plain_text == "Continue"):
            self._name_pause(paused)
        self.pause.set_reason(run.reason_against("continue" if paused else "pause"))
        presses: tuple[tuple[Action, Press], ...] = (
            (self.unfreeze, "unfreeze"), (self.freeze, "freeze"), (self.undo, "undo"), (self.stop, "stop"),
            (self.stop_before, "stop"), (self.extend, "extend"), (self.results, "results"), (self.go_on, "continue"),
        )  # fmt: skip
        for action, press in presses:
            action.set_reason(run.reason_against(press))
        if self._another_trains(run):
            for action in (self.extend, self.go_on):
                action.set_reason(action.reason or ANOTHER_TRAINS)
        self._listen(run)

    def _another_trains(self, run: RunModel) -> bool:
        training = self._bench.training_run
        return training is not None and training is not run

    def _listen(self, run: RunModel) -> None:
        """Notices an engine that was told to stop and says nothing any more."""
        if run.state not in ("stopping", "scoring"):
            self._silence.stop()
            self._set_hung(False)
            return
        # What only an event of the engine changes; its memory, say, is measured from outside.
        heard = (run, run.state, len(run.epochs), len(run.log), run.progress_stage, run.progress_done)
        if heard != self._heard:
            self._heard = heard
            self._set_hung(False)
            self._silence.start()
        if self._hung:
            self.stop.set_reason("")

    def _on_silent(self) -> None:
        self._set_hung(True)
        self.stop.set_reason("")

    def _set_hung(self, hung: bool) -> None:
        if hung != self._hung:
            self._hung = hung
            self.stop.set_text(_END if hung else _STOP)
            self.stop.set_tooltip(_ENDS if hung else _STOPS)

    def set_short(self, short: bool, run: RunModel | None) -> None:
        """Shorter words where the foot of the page is narrow."""
        if short != self._short:
            self._short = short
            if run is not None:
                self._name_unfreeze(run)

    def _name_unfreeze(self, run: RunModel) -> None:
        following = run.next_group()
        verb = "Unfreeze" if self._short else "Unfreeze next layers:"
        text = f"{verb} {following}" if following else "Unfreeze next layers"
        if text != self.unfreeze.plain_text:
            self.unfreeze.set_text(text)

    def _name_pause(self, paused: bool) -> None:
        self.pause.set_text("Continue" if paused else "Pause")
        self.pause.set_icon("play" if paused else "pause")
        self.pause.set_tooltip("Goes on with the training" if paused else _PAUSES)

    def primary_for(self, run: RunModel | None) -> Action | None:
        """The next step from here."""
        if run is None:
            return None
        if run.state not in ENDED:
            return self.unfreeze
        if run.state == "complete" or (run.state == "stopped" and not run.reason_against("results")):
            return self.results
        return self.go_on

    # -- presses -------------------------------------------------------------------------------------------------

    def ask_move(self, kind: Kind, groups: int, rates: Mapping[str, float] | None = None) -> bool:
        """Unfreezes or freezes so many groups, if that can be done.

        Args:
            kind: which of them.
            groups: how many, counted from the border.
            rates: peaks that groups get other than planned.

        Returns:
            Whether it was sent.
        """
        command = commands.Unfreeze(groups=groups) if kind == "unfreeze" else commands.Freeze(groups=groups)
        if not self._ask(kind, command):
            return False
        for name, rate in (rates or {}).items():
            self._bench.send(commands.SetLearningRate(group=name, rate=rate))
        return True

    def ask_plan(self, kind: Kind, groups: int) -> bool:
        """Asks what a move would cost; whether that was sent."""
        return self._ask("plan", commands.PlanMove(kind=kind, groups=groups))

    def ask_rate(self, group: str, rate: float) -> None:
        """Gives a layer group that learns another peak rate, if that can be done."""
        self._ask("rate", commands.SetLearningRate(group=group, rate=rate))

    def ask_rates(self, rates: Mapping[str, float]) -> None:
        """The same for several groups."""
        run = self._bench.run
        if rates and run is not None and run.asked("rate"):
            for group, rate in rates.items():
                self._bench.send(commands.SetLearningRate(group=group, rate=rate))

    def ask_weight(self, weight: float) -> bool:
        """Gives adapting to a new site another weight; whether that was sent."""
        return self._ask("weight", commands.SetAdaptWeight(weight=weight))

    def ask_strength(self, strength: float) -> bool:
        """Lets it hold on harder, or less hard, to what it knew before; whether that was sent."""
        return self._ask("strength", commands.SetKeepStrength(strength=strength))

    def ask_undo(self) -> None:
        """Takes the last move back, if that can be done."""
        self._ask("undo", commands.Undo())

    def ask_extend(self, epochs: int) -> None:
        """Adds epochs to a run that goes on, or goes on with one that has ended."""
        run = self._bench.run
        if run is not None and run.state in ENDED:
            if not (run.reason_against("extend") or self._another_trains(run)):
                self._bench.continue_run(epochs)
            return
        self._ask("extend", commands.Extend(epochs=epochs))

    def _on_pause(self) -> None:
        run = self._bench.run
        if run is not None and run.state == "paused":
            self._ask("continue", commands.Continue())
        else:
            self._ask("pause", commands.Pause())

    def _on_stop(self) -> None:
        if self._hung:
            self._bench.end_engine()
            return
        self._ask("stop", commands.Stop())

    def _on_go_on(self) -> None:
        run = self._bench.run
        if run is not None and not (run.reason_against("continue") or self._another_trains(run)):
            self._bench.continue_run()

    def _ask(self, action: Press, command: commands.Command) -> bool:
        run = self._bench.run
        # Noted before it is sent: the run answers no for a second press, and for one that came too late.
        if run is None or not run.asked(action):
            return False
        self._bench.send(command)
        return True
