"""Why a button of a run cannot be pressed now, in a sentence; "" where it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from tlgui.gui.run_site import adapts

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel

State = Literal[
    "starting",
    "preparing",
    "training",
    "validating",
    "paused",
    "stopping",
    "scoring",
    "complete",
    "stopped",
    "failed",
    "crashed",
    "interrupted",
]
Action = Literal[
    "unfreeze",
    "freeze",
    "undo",
    "plan",
    "rate",
    "weight",
    "strength",
    "pause",
    "continue",
    "stop",
    "extend",
    "results",
    "export",
]

ENDED = ("complete", "stopped", "failed", "crashed", "interrupted")
_LIVE = ("training", "validating", "paused")

# Said of a run that could be gone on with, if the engine were free.
ANOTHER_TRAINS = "Another run trains now. Wait until it ends, or stop it there."

# What can be pressed on a run that trains, and what it is called while the engine has not answered.
_PENDING = {
    "pause": "Pausing after this batch.",
    "continue": "Going on.",
    "unfreeze": "The layers are being unfrozen.",
    "freeze": "The layers are being frozen.",
    "undo": "The run is being taken back.",
    "plan": "It is being measured on a copy.",
    "rate": "The learning rate is being set.",
    "weight": "The weight is being set.",
    "strength": "The strength is being set.",
    "extend": "The epochs are being added.",
}
_TOO_LATE = {
    "pause": "Training ended before it could be paused.",
    "unfreeze": "Training ended before the layers could be unfrozen. Add epochs to train on with them.",
    "freeze": "Training ended before the layers could be frozen.",
    "undo": "Training ended before the run could be taken back. Add epochs to go on; then it can be.",
    "rate": "Training ended before the learning rate could be set.",
    "weight": "Training ended before the weight of adapting could be set.",
    "strength": "Training ended before the strength of keeping could be set.",
    "extend": "Training ended before the epochs could be added. Add them now to go on.",
}

_MOVES = frozenset({"unfreeze", "freeze"})
# By the code of a notice or the reason of a change of layers: which presses it answers.
ANSWERS: dict[str, frozenset[str]] = {
    "unfreeze": _MOVES,
    "freeze": _MOVES,
    "nothing_to_move": _MOVES,
    "move_not_done": _MOVES,
    "undo": frozenset({"undo"}),
    "nothing_to_undo": frozenset({"undo"}),
    "rates": frozenset({"rate"}),
    "rate_not_set": frozenset({"rate"}),
    "rate_kept": frozenset({"rate"}),
    "adapt_weight": frozenset({"weight"}),
    "weight_not_set": frozenset({"weight"}),
    "keep_strength": frozenset({"strength"}),
    "strength_not_set": frozenset({"strength"}),
}


def too_late(asked: set[str]) -> list[str]:
    """What a person reads of what they asked for in the last moment."""
    return [sentence for action, sentence in _TOO_LATE.items() if action in asked]


def reason_against(run: RunModel, action: Action) -> str:
    """The sentence for a run and an action."""
    return _RULES[action](run)


def _while_not_training(run: RunModel) -> str:
    """What stands against anything that acts between two batches."""
    match run.state:
        case "starting":
            return "Training begins in a moment."
        case "preparing":
            return "Training has not begun yet: the images and layers are being prepared."
        case "stopping":
            return "Training stops after this batch."
        case "scoring":
            return "Training is over: the best state is being scored."
        case "complete" | "stopped":
            return "Training is over."
        case "failed" | "crashed" | "interrupted":
            return "Training does not run now. Continue the run first."
    if run.in_last_validation:
        return "The last epoch is being checked on the validation images. Training is over after that."
    return ""


def _pending(run: RunModel, action: str) -> str:
    return _PENDING[action] if run.is_asked(action) else ""


def _changing(run: RunModel) -> str:
    """What stands against one more change of layers: one that the engine has not answered yet."""
    return next((reason for action in ("unfreeze", "freeze", "undo") if (reason := _pending(run, action))), "")


def _unfreeze(run: RunModel) -> str:
    if reason := _while_not_training(run) or _changing(run):
        return reason
    return "" if run.next_group() else "Every layer group trains already."


def _freeze(run: RunModel) -> str:
    if reason := _while_not_training(run) or _changing(run):
        return reason
    return "" if run.lowest_group() else "Only the head trains; it cannot be frozen."


def _undo(run: RunModel) -> str:
    if run.state == "complete" and run.undo_step is not None:
        return "Training is over. Extend the run to go on; then it can be taken back."
    if reason := _while_not_training(run) or _changing(run):
        return reason
    return "" if run.undo_step is not None else "Nothing was unfrozen or frozen that could be taken back."


def _plan(run: RunModel) -> str:
    return _while_not_training(run) or _changing(run) or _pending(run, "plan")


def _rate(run: RunModel) -> str:
    return _while_not_training(run) or _changing(run) or _pending(run, "rate")


def _weight(run: RunModel) -> str:
    if not adapts(run):
        return _while_not_training(run) or "This run does not adapt to another site."
    return _while_not_training(run) or _changing(run) or _pending(run, "weight")


def _strength(run: RunModel) -> str:
    if not any(event.code == "keep" for event in run.notices):
        return _while_not_training(run) or "This run does not hold on to what it knew before."
    return _while_not_training(run) or _changing(run) or _pending(run, "strength")


def _pause(run: RunModel) -> str:
    if run.state == "paused":
        return "Training is paused already."
    return _while_not_training(run) or _pending(run, "pause")


def _continue(run: RunModel) -> str:
    match run.state:
        case "paused":
            return _pending(run, "continue")
        case "complete":
            return "The run is complete. Add epochs to go on."
        case "stopped" | "failed" | "crashed" | "interrupted":
            return ""
        case "training" | "validating":
            return "Training is not paused."
    return _while_not_training(run)


def _stop(run: RunModel) -> str:
    if run.state in ("starting", "preparing", *_LIVE):
        return ""
    if run.state in ENDED:
        return "Training does not run now."
    return _while_not_training(run)


def _extend(run: RunModel) -> str:
    if run.state in ("complete", "stopped"):
        return ""
    return _while_not_training(run) or _pending(run, "extend")


def _results(run: RunModel) -> str:
    if run.state not in ENDED:
        if run.state == "scoring":
            return "The best state is being scored. The results come in a moment."
        return "The results come when training has ended: the test images are read once."
    if run.metrics:
        return ""
    return "The best state of this run was not scored. Continue the run, then stop it or let it end."


def _export(run: RunModel) -> str:
    if run.state not in ENDED:
        return "The export comes when training has ended, so that it holds the best state."
    if run.best_epoch is None:
        return "There is no model yet: no epoch of this run has ended. Continue the run."
    return ""


_RULES: dict[str, Callable[[RunModel], str]] = {
    "unfreeze": _unfreeze,
    "freeze": _freeze,
    "undo": _undo,
    "plan": _plan,
    "rate": _rate,
    "weight": _weight,
    "strength": _strength,
    "pause": _pause,
    "continue": _continue,
    "stop": _stop,
    "extend": _extend,
    "results": _results,
    "export": _export,
}
