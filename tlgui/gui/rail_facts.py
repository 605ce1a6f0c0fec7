"""The words in the rail: what was chosen in each step, and how the run goes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.core.strategies import AUTO, STRATEGIES
from tlgui.gui import numbers
from tlgui.gui.draft import STEPS, Draft, Step
from tlgui.gui.networks import label_of
from tlgui.gui.rail_entries import StepState

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

NO_NAME = "New run"
# Beside the ring there is room for some twenty letters.
_SHORT = {"fine-tune-top": "Top layers", "progressive-unfreezing": "Progressive"}


def project_name(bench: Workbench) -> str:
    """The dataset's own name, or "New run" while there is none."""
    spec, draft = bench.run_spec, bench.draft
    if spec is not None and spec.dataset is not None:
        return spec.dataset.name
    if draft.summary is not None:
        return draft.summary.name
    if draft.listed is not None:
        return draft.listed.name
    return draft.data.name if draft.data is not None and draft.data.name else NO_NAME


def run_name(bench: Workbench) -> str:
    """When the run began, or that it is being set up."""
    if bench.run is None:
        return "continues a run" if bench.draft.continues is not None else "being set up"
    begun = begun_at(bench.run_folder) if bench.run_folder is not None else None
    if begun is None:
        return "begins now" if bench.run is bench.training_run else ""
    day = numbers.day(begun)
    return f"{day[:1].upper()}{day[1:]}, {begun:%H:%M}"


def begun_at(folder: RunFolder) -> datetime | None:
    """When the run was made, by the name of its folder; `None` where a person named it."""
    try:
        return datetime.strptime(folder.name[:16], "%Y-%m-%d %H.%M")
    except ValueError:
        return None


def step_caption(bench: Workbench, step: Step) -> str:
    """What was chosen in a step, in a few words."""
    draft = bench.draft
    match step:
        case "images":
            return _images(draft)
        case "backbone":
            if draft.continues is not None:
                return f"of the run on {draft.continues.dataset or draft.continues.name}"
            return label_of(draft.backbone) if draft.data is not None else ""
        case "strategy":
            return _strategy(draft)
        case "review":
            begun = begun_at(bench.run_folder) if bench.run_folder is not None else None
            return f"Started {begun:%H:%M}" if begun is not None else ""


def step_state(bench: Workbench, step: Step, now: str, furthest: int) -> StepState:
    """Done, shown now, or still to come.

    Args:
        bench: where the answers are.
        step: the step asked about.
        now: the page that is shown.
        furthest: the number of the last step that was opened, from 0.
    """
    if bench.run is not None:
        return "done"
    number = STEPS.index(step)
    if number < furthest and not bench.draft.missing(step):
        return "now" if step == now else "done"
    return "now" if step == now else "later"


def train_badge(bench: Workbench) -> tuple[str, str, bool]:
    """Epochs done of those planned: as a figure, and in words; and whether the run is complete."""
    run = bench.run
    if run is None or not run.epochs_planned:
        return "", "", False
    done = max((event.epoch for event in run.epochs), default=0)
    if run.state == "complete":
        return "", f"complete after {numbers.counted(done, 'epoch')}", True
    return f"{done} / {run.epochs_planned}", f"{done} of {run.epochs_planned} epochs done", False


def _images(draft: Draft) -> str:
    if draft.scan_error is not None:
        return "cannot be used"
    if draft.summary is not None:
        # Short: beside the ring there is room for some twenty letters, and fewer in a wide font.
        classes = numbers.counted(len(draft.summary.classes), "class", "classes")
        return f"{numbers.count(draft.summary.used)} in {classes}"
    return "being read" if draft.scanning else ""


def _strategy(draft: Draft) -> str:
    if draft.summary is None:
        return ""
    if draft.strategy == AUTO and not draft.only_scratch:
        return "As advised"
    try:
        training, _ = draft.resolved()
        strategy = STRATEGIES[training.strategy]
        if strategy.trains == "top" and training.top_groups is not None and training.top_groups > 1:
            return f"Top {training.top_groups} groups"
        return _SHORT.get(strategy.name, strategy.label)
    except (UserError, KeyError):
        return ""
