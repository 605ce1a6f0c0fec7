"""Finds out how to train on a set of images: by the very steps that a run with strategy "auto" takes, without the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import torch

from tlgui.core import advice, commands, events, run_folder
from tlgui.core.errors import UserError
from tlgui.core.events import Advised, Event
from tlgui.core.heads import head_of
from tlgui.core.planning import check_parts, prepared
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import Dataset, RunSpec
from tlgui.core.split import PARTS
from tlgui.core.strategies import AUTO
from tlgui.engine.auto_choice import weighed
from tlgui.engine.backbones import build
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.device import find_device
from tlgui.engine.first_answer import Features, GoesOn, first_answer
from tlgui.engine.jobs.rate import as_of_a_question
from tlgui.engine.jobs.similarity import measured_or_not
from tlgui.engine.jobs.train_setup import Given, set_up
from tlgui.engine.listed_network import pretrained_network
from tlgui.engine.live import Live
from tlgui.engine.network import Network
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup
from tlgui.engine.timm_models import row_of
from tlgui.engine.trial import can_try
from tlgui.engine.work_folder import work_folder
from tlgui.imaging.listing import ListedImage, read_listing


class _StoppedError(Exception):
    """The person does not want to know any more."""


def advise(job: commands.Advise, control: Control) -> Iterator[Event]:
    """`SimilarityMeasured`, `FirstAnswered`, `Advised`; a `Stop` is heard between the steps. Test images are only counted.

    What the frozen layers give is kept in the cache, where a training of these images finds it.

    Raises:
        UserError: the listing, the images or the weights are gone, there are too few images, or a value does not do.
    """
    yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
    listed = read_listing(Path(job.listing))
    steps = _asked(job, listed, control)
    try:
        while True:
            try:
                yield next(steps)
            except StopIteration as end:
                answer: Advised = end.value
                break
    except _StoppedError:
        yield events.Stopped()
        return
    except UserError as error:
        raise as_of_a_question(error) from error
    finally:
        steps.close()
    yield answer
    yield events.Completed(message=answer.recommended.reason)


def _asked(job: commands.Advise, listed: list[ListedImage], control: Control) -> Generator[Event, None, Advised]:
    def goes_on() -> Generator[Event, None, bool]:
        if isinstance(control.take(), commands.Stop):
            raise _StoppedError
        yield from ()
        return True

    def heard(
        steps: Generator[Event, None, events.SimilarityMeasured],
    ) -> Generator[Event, None, events.SimilarityMeasured]:
        while True:
            yield from goes_on()
            try:
                yield next(steps)
            except StopIteration as end:
                found: events.SimilarityMeasured = end.value
                return found

    train = [image for image in listed if image.part == "train"]
    similarity = yield from heard(measured_or_not(Path(job.data), train, job.rule, job.backbone, job.training.seed))
    yield similarity
    yield from goes_on()
    with ExitStack() as stack:
        given = _given(job, listed, RunFolder(_place(stack) / "run"), control)
        setup = yield from _quietly(set_up(given), goes_on)
        try:
            answer = None
            if given.network.pretrained:
                answer = yield from first_answer(setup, Features(), goes_on)
            live = Live(setup, kept=False)
            decision, outcome = yield from weighed(live, answer, goes_on, job.trial)
            would_tell = outcome is None and decision.unsure and can_try(live)
        finally:
            # Also where it was stopped: what was computed by then is there for the training that begins instead.
            setup.frozen.flush()
            setup.frozen.close()
    counts = Counter(image.class_name for image in listed)
    return advice.advised(counts, similarity, job.training.similarity, answer, decision, outcome, would_tell)


def _quietly(steps: Generator[Event, None, Setup], goes_on: GoesOn) -> Generator[Event, None, Setup]:
    """What is done before a run, without what it says of one."""
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            setup: Setup = end.value
            return setup
        if isinstance(event, events.Progress):
            yield event
        yield from goes_on()


def _given(job: commands.Advise, listed: list[ListedImage], run: RunFolder, control: Control) -> Given:
    """A run folder for a while: it is what a run needs, and goes with the question.

    Raises:
        UserError: one class, or no image to train or to choose by; an unknown network, or its weights are not here.
    """
    records = [image.record() for image in listed]
    parts = {image.path: image.part for image in listed}
    check_parts(records, parts)
    training = prepared(msgspec.structs.replace(job.training, strategy=AUTO))
    dataset = Dataset(
        name=Path(job.data).name,
        fingerprint=run_folder.fingerprint(records),
        layout="listed",
        classes=sorted({image.class_name for image in listed}),
        images=len(listed),
    )
    spec = RunSpec(
        backbone=job.backbone, fit=job.fit, size=job.size, training=training, dataset=dataset, pixel_rule=job.rule
    )
    run = run_folder.create(run.path, spec)
    run.write_manifest(records, parts, [])
    rows = run.manifest()
    network, device = _network(job, spec)
    return Given(
        run,
        spec,
        network,
        {name: Part.of([row for row in rows if row.part == name], dataset.classes) for name in PARTS},
        Path(job.data),
        control,
        device,
        Checkpoints(run),
    )


def _network(job: commands.Advise, spec: RunSpec) -> tuple[Network, torch.device]:
    assert spec.dataset is not None
    classes, training = len(spec.dataset.classes), spec.training
    row = row_of(job.backbone)
    if row.pretrained or job.weights_file:
        return pretrained_network(
            job.backbone, classes, job.fit, job.size, job.weights_file, head_of(training), training.seed
        )
    device = find_device()
    network = build(row, classes, None, job.fit, "", job.size, head_of(training), training.seed)
    network.model.to(device)
    return network, device


def _place(stack: ExitStack) -> Path:
    try:
        return work_folder("advice", stack)
    except OSError as error:
        raise UserError(
            f"The cache folder cannot be written: {error.strerror}.",
            "Free some space or give yourself permission to write there, then ask again.",
        ) from error
