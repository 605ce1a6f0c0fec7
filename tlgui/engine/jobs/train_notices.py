"""What a person should know about a run before its first step, each as a `Notice`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from tlgui.core.events import Notice
from tlgui.core.planning import imbalance_in_use
from tlgui.core.run_spec import Imbalance, Training
from tlgui.engine.retention.rehearsal import Rehearsal
from tlgui.engine.samples import Part

_REMEDIES: dict[Imbalance, str] = {
    "logit-adjustment": "the loss takes into account how frequent each class is (logit adjustment)",
    "class-weights": "images of rarer classes weigh more in the loss, up to ten times (class weights)",
    "balanced-sampling": "images of rarer classes are shown more often, so that all classes are seen equally (balanced sampling)",
}


def notices(
    training: Training, train: Part, classes: Sequence[str], known: int = 0, rehearsal: Rehearsal | None = None
) -> Iterator[Notice]:
    """All of them for a run that begins.

    Args:
        training: of the run.
        train: its training images.
        classes: names of the outputs.
        known: how many of these, the first, the network has learned before.
        rehearsal: what it is shown again of them.
    """
    again = rehearsal.classes if rehearsal is not None else []
    if rehearsal is not None:
        them = "that class" if len(again) == 1 else "those classes"
        images = "1 image" if rehearsal.images == 1 else f"{rehearsal.images:,} images"
        yield Notice(
            code="rehearsal",
            message=f"There is no training image of {_listed(classes, again)}: {images} that the network learned {them} from "
            f"{'is' if rehearsal.images == 1 else 'are'} shown again with the new ones.",
        )
    yield from _absent(train, classes, known, again)
    yield from _imbalance(training, train, classes)
    yield from _mixing(training)


def _absent(train: Part, classes: Sequence[str], known: int, again: Sequence[int]) -> Iterator[Notice]:
    absent = [index for index, n in enumerate(_counts(train, classes)) if not n and index not in again]
    for some, learned in (([one for one in absent if (one < known) == old], old) for old in (True, False)):
        if not some:
            continue
        said = _listed(classes, some)
        them = "that class" if len(some) == 1 else "those classes"
        so = f"what the network knows of {them} is easily forgotten" if learned else f"{them} cannot be learned"
        yield Notice(code="class_without_images", message=f"There is no training image of {said}, so {so}.")


def _listed(classes: Sequence[str], some: Sequence[int]) -> str:
    names = [f"'{classes[index]}'" for index in some]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _imbalance(training: Training, train: Part, classes: Sequence[str]) -> Iterator[Notice]:
    used = imbalance_in_use(training, train.labels.tolist())
    if used not in _REMEDIES:
        return
    counts = _counts(train, classes)
    there = [index for index, n in enumerate(counts) if n]
    least, most = min(there, key=lambda i: counts[i]), max(there, key=lambda i: counts[i])
    by_itself = (
        " This is switched on by itself above 3 to 1 and can be switched off." if training.imbalance == "auto" else ""
    )
    yield Notice(
        code="imbalance",
        message=f"The largest class, '{classes[most]}', has {counts[most]:,} training images, the smallest, "
        f"'{classes[least]}', {counts[least]:,}: {_REMEDIES[used]}.{by_itself}",
    )


def _mixing(training: Training) -> Iterator[Notice]:
    names = [name for name, alpha in (("mixup", training.mixup), ("cutmix", training.cutmix)) if alpha]
    if names:
        yield Notice(
            code="mixing",
            message=f"Training images are mixed with each other ({' and '.join(names)}): nothing of the frozen layers can "
            "be kept, so they run anew for every image of every epoch. The training loss is that of mixed images: it "
            "cannot be compared with the validation loss.",
        )


def _counts(train: Part, classes: Sequence[str]) -> list[int]:
    counts: list[int] = torch.bincount(train.labels, minlength=len(classes)).tolist()
    return counts
