"""What a run that learns on begins with: what its network knew, where the earlier images lie, and what a person should know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tlgui.core import earlier
from tlgui.core.errors import UserError
from tlgui.core.events import Notice
from tlgui.core.retention import strength_of, way_of
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_images import earlier_in
from tlgui.core.run_spec import RunSpec
from tlgui.engine.network import Network
from tlgui.engine.retention.head import published_head
from tlgui.engine.retention.knowledge import Knowledge, ShowsNew, knowledge_of, part_name
from tlgui.engine.retention.rehearsal import choose_the_mix, chooses_too, only_new, stand_ins
from tlgui.engine.samples import Part
from tlgui.engine.weights import State
from tlgui.imaging.names import counted, listed

KINDS = ("learned", "chosen", "held out", "again", "standing")


def begins_with(
    run: RunFolder, spec: RunSpec, network: Network, state: State | None, given: str, resume: bool
) -> tuple[Knowledge | None, dict[str, Path]]:
    """What the network of a run knows, and the folders of the earlier images by the name of a part.

    Args:
        run, spec: the run.
        network: with its start weights.
        state: these weights as they came; `None` of a run that goes on.
        given: where images of an earlier run lie, or "".
        resume: whether it goes on.

    Returns:
        `None` and nothing of a run that neither learns on nor keeps anything.

    Raises:
        UserError: there is nothing that could be kept, or what was noted at the beginning cannot be read.
    """
    keep = spec.training.keep
    if spec.dataset is None or (not spec.continues and keep == "none"):
        return None, {}
    before = earlier.read(run)
    # Images that lie in none are those of the newest task, which are missed there.
    of = (given and earlier_in(before, Path(given))) or (0,)
    places = [earlier.place_of(spec, number, given, of) for number in range(len(spec.earlier))]
    # By the list and not by what is there, so that a run that goes on draws the same.
    new = run.manifest()
    shows = ShowsNew(
        *(frozenset(row.class_name for row in new if row.part == part) for part in ("train", "validation"))
    )
    known = knowledge_of(
        run,
        keep,
        len(spec.source.classes) if spec.source is not None else 0,
        before,
        places,
        spec.dataset.classes,
        shows,
        spec.training.seed,
    )
    if resume:
        known.load()
    elif not spec.continues:
        if state is None:
            raise UserError(
                "This run begins with random weights, so there is nothing that could be kept.",
                "Leave --keep away, or begin with a pretrained network.",
                code="nothing_known",
            )
        known.published = published_head(network.row, state)
        if known.published is None and keep == "ewc":
            raise UserError(
                "These weights came without a last layer, so what their answers depend on cannot be found out.",
                "Keep with --keep l2sp or average.",
                code="nothing_known",
            )
    roots = {
        part_name(number, kind): place for number, place in enumerate(places) if place is not None for kind in KINDS
    }
    return known, roots


def refuse_one_class(spec: RunSpec, known: Knowledge, train: Part) -> None:
    """Raise a UserError where a network that knows several classes would be shown one alone, and nothing of the others.

    Whatever holds its weights, it ends with calling everything by that name: tried with EWC and L2-SP, strengths 10 and 1,000.
    """
    if spec.dataset is not None and spec.continues and only_new(known, train):
        raise UserError(
            f"The new images show one class alone, '{spec.dataset.classes[int(train.labels[0])]}', and no image is there that "
            "the network learned the others from: it would end with calling everything by that name.",
            "Say where the earlier images are with --earlier DIR, or add new ones of the other classes.",
            code="earlier_missing",
        )


def missing_notices(known: Knowledge) -> Iterator[Notice]:
    """Which earlier images are not there; said again where the run goes on."""
    if known.missing:
        yield Notice(
            code="earlier_missing",
            message=f"The images of {listed(known.missing)} are not where they were, so they cannot be shown again, and what is "
            "forgotten of them is not measured. Say where they are with --earlier DIR.",
        )
    for task in known.tasks:
        if gone := task.gone:
            yield Notice(
                code="earlier_missing",
                message=f"{counted(gone, 'image')} of '{task.name}' {'is' if gone == 1 else 'are'} gone since, and not asked.",
            )


def beginning_notices(spec: RunSpec, known: Knowledge, validation: Part) -> Iterator[Notice]:
    """How what the network knows is kept, and by what it is seen whether it is."""
    training = spec.training
    if training.keep != "none":
        way, strength = way_of(training.keep), strength_of(training)
        said = [way.sentence]
        if strength is None:
            said.append(f"The {way.strength_words} is chosen on validation images.")
        else:
            said.append(f"The strength is {strength:g}: {way.strength_words}.")
        if training.keep == "ewc" and not any(len(task.learned.left) for task in known.tasks):
            said.append(
                "The earlier images are not there, so what matters is found out on the new ones: approximately."
            )
        yield Notice(code="keep", message=" ".join(said))
    yield from missing_notices(known)
    if known.measured:
        images = sum(len(task.held_out.left) for task in known.tasks)
        epoch, mix = chooses_too(known, validation), 0
        if training.keep == "average" and strength_of(training) is None:
            mix = choose_the_mix(known)
        chosen_by = [words for words, number in (("the epoch", epoch), ("the mix", mix)) if number]
        yield Notice(
            code="meter",
            message=f"After each epoch {images:,} images of before that were never learned show what is left of it. "
            + (
                f"{max(epoch, mix):,} of them help to choose {' and '.join(chosen_by)}, since there were no others, so this "
                "flatters a little."
                if chosen_by
                else "They choose nothing."
            ),
        )
        if chosen := sum(len(numbers) for _, numbers in stand_ins(known, validation)):
            yield Notice(
                code="stand_ins",
                message=f"When the best epoch is chosen, {counted(chosen, 'earlier validation image')} stand for the classes of "
                "which there are no new ones.",
            )
    elif known.agrees:
        yield Notice(
            code="meter",
            message="After each epoch it is shown for how many validation images the earlier head still answers as before: "
            "a stand-in for what is left, and no accuracy.",
        )
