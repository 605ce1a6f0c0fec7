"""A run in one sentence; how it ended, where that needs a person, with the last lines behind "Details"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tlgui.core import events
from tlgui.core.remedies import window_remedy
from tlgui.core.strategies import AUTO, STRATEGIES
from tlgui.gui import numbers
from tlgui.gui.beginnings import continues
from tlgui.gui.chosen_by import measure_of
from tlgui.gui.networks import label_of
from tlgui.gui.run_reasons import ENDED

if TYPE_CHECKING:
    from tlgui.core.run_spec import RunSpec
    from tlgui.gui.run_model import RunModel

Remedy = Literal["images", "site", "earlier", "backbone"]

# Problems that the window can help with at once, by their code: where the images are, or the page for weights.
_REMEDIES: dict[str, Remedy] = {
    **dict.fromkeys(("images_missing", "images_changed", "drive_gone"), "images"),
    "target_missing": "site",
    "earlier_missing": "earlier",
    **dict.fromkeys(("weights_missing", "weights_damaged", "weights_own", "download_failed"), "backbone"),
}


class Said(NamedTuple):
    """What a banner says; the names of a `UserError`."""

    tone: str
    problem: str
    remedy: str
    details: str = ""


def sentence_of(run: RunModel, spec: RunSpec | None) -> str:
    """Which strategy, which network, how many images; from the run's file until the engine has spoken."""
    strategy = run.strategy or (spec.training.strategy if spec is not None else "")
    backbone = run.backbone or (spec.backbone if spec is not None else "")
    if not (strategy and backbone):
        return "The training is being prepared."
    what = STRATEGIES[strategy].label if strategy in STRATEGIES else "Training"
    images = f" on {numbers.counted(run.train_images, 'image')}" if run.train_images else ""
    if run.state in ENDED and not run.epochs and run.best_epoch is None:
        return f"{what} with {label_of(backbone)}{images}. There is no model yet."
    kept = "was kept" if run.state in ENDED else "is kept as you go"
    measure = measure_of(spec)
    best = f"epoch with the {measure.words}" if measure is not None else "best epoch"
    what = f"{what}, {continues(spec.source)}," if spec is not None and spec.continues else what
    undecided = " What learns is decided when the network has seen them." if strategy == AUTO and images else ""
    return f"{what} with {label_of(backbone)}{images}.{undecided} The {best} {kept}."


def said_of(run: RunModel) -> Said | None:
    """What is to be said of a run that ended before its end; `None` for every other one."""
    match run.state, run.ending:
        case "crashed", events.Crashed() as crashed:
            # One that was killed from outside has no last words; then the cause is what there is to tell.
            details = crashed.last_lines or f"The engine ended with {crashed.cause} and wrote nothing more to its log."
            return _in_two("bad", crashed.sentence(), details)
        case "failed", events.Failed() as failed:
            return Said("bad", failed.problem, window_remedy(failed.code, failed.remedy), failed.details)
        case "interrupted", _:
            return Said(
                "warn",
                "This run was interrupted.",
                "Nothing before the last checkpoint is lost: continue the run to go on.",
            )
        case "stopped", events.Stopped() as stopped:
            return _in_two("info", stopped.sentence())
    return None


def remedy_of(run: RunModel) -> Remedy | None:
    """What a button can do about the problem with which the run failed."""
    return _REMEDIES.get(run.ending.code) if isinstance(run.ending, events.Failed) else None


def _in_two(tone: str, sentences: str, details: str = "") -> Said:
    """The first sentence is the title, the rest says what it means."""
    first, dot, rest = sentences.partition(". ")
    return Said(tone, first + dot.strip(), rest, details)
