"""A run that learns on from an earlier one, as the window sets it up: which run, its classes, where its images are; no widget."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from tlgui.core.adaptation import needs_projection
from tlgui.core.earlier import earlier_of
from tlgui.core.errors import UserError
from tlgui.core.retention import USUAL, WAYS, why_not
from tlgui.core.run_folder import RunFolder, open_run, recall_place, remember_place
from tlgui.core.run_images import holds_some_of
from tlgui.core.run_spec import RunSpec, Source, Training
from tlgui.core.source import described, weights_of_run
from tlgui.core.strategies import AUTO, strategy

if TYPE_CHECKING:
    from tlgui.gui.draft import Draft

_HEAD = ("head", "head_units", "head_dropout")
# Settings that are the earlier run's, on whichever page they stand.
FIXED = (*_HEAD, "fit", "size")


@dataclass(frozen=True)
class Continuation:
    """The run that is continued.

    Attributes:
        run: its folder; of a run that began, its name alone.
        dataset: the name of its images' folder.
        classes: its own, in the order of its outputs.
        held_out: images of it, and of what it had learned before, that were never learned.
        earlier: where its images lie; `None` where that is unknown.
    """

    run: Path
    dataset: str
    classes: tuple[str, ...]
    held_out: int = 0
    earlier: Path | None = None

    @property
    def name(self) -> str:
        """Of the run."""
        return self.run.name


class Found(NamedTuple):
    """A run that can be continued, with what a new one takes over from it."""

    spec: RunSpec
    weights_file: str
    source: Source
    continuation: Continuation

    def at(self, place: Path) -> Found:
        """The same, where its images lie at `place`."""
        return self._replace(continuation=dataclasses.replace(self.continuation, earlier=place))


def read_found(path: Path) -> Found:
    """What a run gives to one that continues it; reads the disk, so away from the window's thread.

    Raises:
        UserError: it is no run, has no model, or does not say which classes it knows.
    """
    run = open_run(path)
    spec, weights = run.spec(), str(weights_of_run(run.path))
    if spec.dataset is None:
        raise UserError(
            f"The run '{run.name}' does not say which classes it knows.",
            "Take the run folder from a backup, or begin with another one.",
            code="run_damaged",
        )
    held_out = sum(len(one.held_out) for one in earlier_of(run, ()))
    place = recall_place(spec.dataset.fingerprint)
    found = Continuation(run.path, spec.dataset.name, tuple(spec.dataset.classes), held_out, place)
    return Found(spec, weights, described(run), found)


def place_of_earlier(found: Found, path: Path) -> Path:
    """Where a run's images are now, as a person says, kept for later; reads the disk.

    Raises:
        UserError: the folder holds none of them.
    """
    run = found.continuation
    if not holds_some_of(RunFolder(run.run), path):
        raise UserError(
            f"'{path.name}' does not hold the images that '{run.name}' was trained on.",
            "Choose the folder that it was trained on, or go on without.",
        )
    if found.spec.dataset is not None:
        remember_place(found.spec.dataset.fingerprint, path)
    return path.absolute()


def begin_continuing(draft: Draft, found: Found) -> None:
    """Sets a run up that continues another one: network, size, crop and head are that one's, and what it knows is kept."""
    head = {name: getattr(found.spec.training, name) for name in _HEAD}
    training = msgspec.structs.replace(draft.training, **head)
    if training.keep == Training().keep:
        training = msgspec.structs.replace(training, keep=USUAL)
    if training.strategy != AUTO and not strategy(training.strategy).pretrained:
        training = msgspec.structs.replace(training, strategy=AUTO)
    draft.training = training
    draft.begin_with(found.spec, found.weights_file, found.source)
    draft.continues = found.continuation
    draft.changed.emit()


def end_continuing(draft: Draft) -> None:
    """Sets a new model up instead, with the published weights; the images and the other answers stay."""
    plain = Training()
    draft.training = msgspec.structs.replace(
        draft.training, **{name: getattr(plain, name) for name in (*_HEAD, "keep", "keep_strength")}
    )
    draft.fit, draft.size = RunSpec().fit, None
    draft.set_backbone(draft.backbone)  # which continues none


def continuation_of(spec: RunSpec) -> Continuation | None:
    """What a run that was made continues, by what it says itself; `None` where it continues none."""
    if spec.source is None or not spec.continues:
        return None
    held_out = sum(task.held_out for task in spec.earlier)
    return Continuation(Path(spec.source.run), spec.source.dataset, tuple(spec.source.classes), held_out)


def missing_keeping(draft: Draft) -> str:
    """Why the run cannot learn on, or keep, as it is set up, as a sentence; "" where it can."""
    training = draft.training
    knows_nothing = draft.only_scratch or (training.strategy != AUTO and not strategy(training.strategy).pretrained)
    if draft.continues is not None and knows_nothing:
        return (
            f"Training from scratch would keep nothing of “{draft.continues.name}”. Choose another strategy, or train a new "
            "model instead."
        )
    if draft.continues is not None and needs_projection(training, strategy(training.strategy).trains == "head"):
        advised = "What is advised may be to train the last layer alone. " if training.strategy == AUTO else ""
        return (
            f"{advised}Adapting while the last layer alone learns puts a layer before it, and the last one of "
            f"“{draft.continues.name}” stays. Choose a strategy that trains more than it, or train without adapting."
        )
    before, shown = draft.continues, [one.name for one in states_of(draft) if one.images]
    if before is not None and before.earlier is None and len(shown) == 1 and len(before.classes) > 1:
        return (
            f"The new images show one class alone, and those that “{before.name}” learned the others from are not at hand: it "
            f"would end with calling everything “{shown[0]}”. Continue it once more and say where they are, or add images of the "
            "other classes."
        )
    if training.keep != "none" and knows_nothing:
        return "From scratch nothing is known before, so nothing can be kept. Choose another strategy, or keep nothing."
    if why_not(training):
        way = WAYS[training.keep]
        return f"The strength of “{way.label}” is the {way.strength_words}: at most {way.most:g}."
    return ""


class ClassState(NamedTuple):
    """A class of a run that continues another one.

    Attributes:
        name: of the class.
        images: of it in the folder.
        state: what becomes of it.
    """

    name: str
    images: int
    state: Literal["kept", "new", "no images"]


def class_states(before: Sequence[str], here: Sequence[tuple[str, int]]) -> list[ClassState]:
    """The classes of both: those of the earlier run first, in its order, as the run folder will have them.

    Args:
        before: classes of the earlier run.
        here: (class, images) in the new folder.
    """
    counts: dict[str, int] = {}
    for name, images in here:
        counts[name.casefold()] = counts.get(name.casefold(), 0) + images
    known = {name.casefold() for name in before}
    kept = [(name, counts.get(name.casefold(), 0)) for name in before]
    rows = [ClassState(name, images, "kept" if images else "no images") for name, images in kept]
    return rows + [ClassState(name, images, "new") for name, images in here if name.casefold() not in known]


def states_of(draft: Draft) -> list[ClassState]:
    """The same of what is set up; nothing where it continues no run or has no images yet."""
    before, summary = draft.continues, draft.summary
    if before is None or summary is None:
        return []
    return class_states(before.classes, [(one.name, one.total) for one in summary.classes])


def meter_words(before: Continuation) -> str:
    """By what it will be seen how much is left, as a sentence."""
    if before.earlier is not None and before.held_out:
        return f"What it forgets is measured on {before.held_out:,} images of before that it never learned."
    where = "are not at hand" if before.earlier is None else "were all learned"
    return (
        f"The earlier images {where}, so forgetting cannot be measured. A stand-in is shown: how often it still answers as "
        "before on the new images. That is no accuracy."
    )
