"""Runs that learn on: their classes are those of an earlier run and what is new, and its images are what may be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from tlgui.core.adaptation import needs_projection
from tlgui.core.earlier import EarlierImages, earlier_of, not_learned, those
from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule, Scan
from tlgui.core.run_folder import RunFolder, remember_place
from tlgui.core.run_images import earlier_in
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.source import Learned
from tlgui.core.split import Part
from tlgui.core.strategies import AUTO, strategy
from tlgui.imaging.adapting import NewSite
from tlgui.imaging.names import as_known, listed

_PLAIN = PixelRule()
_VALUES = ("method", "low", "high")  # of a rule: what it makes of more than 8 bits a channel


@dataclass(frozen=True)
class Continued:
    """The earlier run, and its classes in the order of its outputs."""

    run: RunFolder
    classes: list[str]
    spec: RunSpec


def continued(run: RunFolder | None, training: Training) -> Continued:
    """The run that is learned on from.

    Raises:
        UserError: there is none, or the training would begin with nothing of it.
    """
    if run is None:
        raise UserError(
            "Only a run of this program can be learned on from: it alone says which classes its network knows.",
            "Name its folder with --from RUN; for a file of weights use --weights FILE.",
            code="no_source_run",
        )
    if training.strategy != AUTO and not strategy(training.strategy).pretrained:
        raise UserError(
            f"'{training.strategy}' begins with a network that knows nothing, so nothing of '{run.name}' would be kept.",
            "Choose another strategy.",
            code="no_source_run",
        )
    spec = run.spec()
    if spec.dataset is None:
        raise UserError(
            f"The run '{run.name}' does not say which classes it knows.",
            "Take the run folder from a backup, or begin with another one.",
            code="run_damaged",
        )
    return Continued(run, list(spec.dataset.classes), spec)


def with_its_head(training: Training, before: Continued) -> Training:
    """The head stays as it is, with more outputs; so it has the form that it has.

    Raises:
        UserError: adapting to a new site would need another one.
    """
    head = before.spec.training
    training = msgspec.structs.replace(
        training, head=head.head, head_units=head.head_units, head_dropout=head.head_dropout
    )
    if needs_projection(training, strategy(training.strategy).trains == "head"):
        maybe = "What is advised may be to train the last layer alone. " if training.strategy == AUTO else ""
        raise UserError(
            f"{maybe}Adapting a frozen network puts a layer before the last one, and the last one of '{before.run.name}' stays.",
            "Choose a strategy that trains more than the head, or do not adapt in the same run.",
            code="no_statistics",
        )
    return training


def with_its_classes(scan: Scan, before: Continued) -> Scan:
    """The images with the classes of both: those of the run first, in its order.

    A class whose name differs from one of the run's in upper and lower case alone is that one.
    """
    known = as_known(scan.classes, before.classes)
    new = [name for name in scan.classes if name not in known]
    used = [
        msgspec.structs.replace(record, class_name=known.get(record.class_name, record.class_name))
        for record in scan.used
    ]
    return msgspec.structs.replace(
        scan, used=used, classes=[*before.classes, *new], pixel_rule=rule_of(before.spec, scan.pixel_rule)
    )


def rule_of(before: RunSpec, found: PixelRule) -> PixelRule:
    """How stored values become pixels: one model has one rule, and it has learned by its own.

    Only where that says nothing of values of more than 8 bits, since it saw none, the new images say it.
    """
    own = before.pixel_rule
    if all(getattr(own, name) == getattr(_PLAIN, name) for name in _VALUES):
        return msgspec.structs.replace(own, **{name: getattr(found, name) for name in _VALUES})
    return own


def before_of(before: Continued, scan: Scan, parts: dict[str, Part]) -> list[EarlierImages]:
    """What the network had learned before, without what this run trains on or chooses by.

    An image that has another class in this run takes no part: shown again with its former one, it would teach the opposite.

    Raises:
        UserError: a list of images cannot be read.
    """
    now = {record.content_hash for record in scan.used if parts[record.path] != "test"}
    named = {record.content_hash: record.class_name for record in scan.used}
    return those(earlier_of(before.run, now), lambda row: named.get(row.content_hash, row.class_name) == row.class_name)


def not_adapted_to(earlier: list[EarlierImages], site: NewSite) -> list[EarlierImages]:
    """The same where the run adapts to images of a site: what it learns of these, if without labels, measures nothing.

    What it was trained on before stays: shown again, it comes with its label.
    """
    adapted = frozenset(content_hash for _, content_hash in site.images)
    return not_learned(earlier, Learned(adapted, adapted))


def remember_earlier(earlier: list[EarlierImages], given: Path | None) -> None:
    """Keeps in mind where images of before lie: of each set, the newest and those before it, that the folder holds.

    Raises:
        UserError: it holds none of them.
    """
    if given is None:
        return
    if not given.is_dir():
        raise UserError(
            f"There is no folder '{given.name}'.",
            "Give the folder of the earlier images with --earlier DIR.",
            code="earlier_missing",
        )
    held = earlier_in(earlier, given)
    if not held:
        names = " or ".join(f"'{one.task.name}'" for one in earlier)
        raise UserError(
            f"The folder '{given.name}' holds none of the images of {names}."
            if earlier
            else f"There are no earlier images, so the folder '{given.name}' holds none.",
            "Give the folder of the images of the run that is learned on from, or leave --earlier away.",
            code="earlier_missing",
        )
    for number in held:
        remember_place(earlier[number].task.fingerprint, given)


def classes_words(scan: Scan, before: Continued) -> str:
    """What becomes of the classes, for people."""
    new = [name for name in scan.classes if name not in before.classes]
    here = {record.class_name for record in scan.used}
    missing = [name for name in before.classes if name not in here]
    said = [f"It goes on with the {len(before.classes)} classes of '{before.run.name}'"]
    said.append(f" and learns {listed(new)}." if new else ".")
    if missing:
        said.append(
            f" Of {listed(missing)} there are no new images: unless nothing is to be held, earlier ones are shown again; where "
            f"these are gone, what it knows of {'it' if len(missing) == 1 else 'them'} is easily forgotten."
        )
    return "".join(said)
