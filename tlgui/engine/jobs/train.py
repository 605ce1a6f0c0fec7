"""Trains a run whose folder was made, or goes on with it; then scores its best state once."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tlgui.core import commands, events
from tlgui.core.adaptation import adaptation
from tlgui.core.backbones import Backbone, check_strategy
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.heads import head_of
from tlgui.core.planning import resolve
from tlgui.core.retention import strength_of
from tlgui.core.run_folder import RunFolder, open_run
from tlgui.core.run_spec import RunSpec
from tlgui.core.split import PARTS
from tlgui.core.strategies import AUTO, strategy
from tlgui.engine import results, trained_model, weights
from tlgui.engine.adaptation.after import align
from tlgui.engine.adaptation.site import site_notices, site_of
from tlgui.engine.adaptation.watch import ended_in_vain
from tlgui.engine.backbones import build
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.device import look_for_device
from tlgui.engine.fit import fit
from tlgui.engine.jobs.download import pretrained
from tlgui.engine.jobs.progress import told
from tlgui.engine.jobs.run_lock import held
from tlgui.engine.jobs.similarity import measured_or_not
from tlgui.engine.jobs.train_setup import Given, set_up
from tlgui.engine.network import Network
from tlgui.engine.retention.averaging import mix
from tlgui.engine.retention.begin import beginning_notices, begins_with, missing_notices, refuse_one_class
from tlgui.engine.retention.head import take_head
from tlgui.engine.retention.meter import left_of, over_every_class
from tlgui.engine.samples import Part
from tlgui.engine.setup import Outcome, Setup
from tlgui.engine.start_weights import beginning_words, is_published
from tlgui.engine.timm_models import row_of
from tlgui.engine.trained_model import TrainedModel
from tlgui.imaging.listing import ListedImage


def train(job: commands.Train, control: Control) -> Iterator[Event]:
    """The whole job; its last event is the ending.

    Raises:
        UserError: something that the person can act on.
    """
    run = open_run(Path(job.run))
    with held(run):
        yield from _train(job, run, control)


def _train(job: commands.Train, run: RunFolder, control: Control) -> Iterator[Event]:
    spec = run.spec()
    if spec.dataset is None:
        raise UserError(
            f"The run '{run.name}' has no [dataset] in its run.toml.",
            "Make the run with 'tlgui train'.",
            code="run_unfinished",
        )
    root = Path(job.data)
    if not root.is_dir():
        raise UserError(
            f"The folder of the images '{root.name}' is not there.",
            "Say where it is with --data DIR.",
            code="images_missing",
        )
    checkpoints = Checkpoints(run)
    resume = checkpoints.exists
    if resume:
        _refuse_finished(run, job)
    found = look_for_device()
    device = found.device
    classes = spec.dataset.classes
    manifest = run.manifest()
    parts: dict[str, Part] = {name: Part.of([row for row in manifest if row.part == name], classes) for name in PARTS}
    yield events.RunStarted(
        run=job.run,
        backbone=spec.backbone,
        strategy=spec.training.strategy,
        classes=classes,
        train_images=len(parts["train"]),
        validation_images=len(parts["validation"]),
        test_images=len(parts["test"]),
        epochs=checkpoints.place().epochs if resume else resolve(spec.training, spec.dataset.images)[0].epochs or 0,
        seed=spec.training.seed,
    )
    if found.why:
        message = f"{found.why[0].upper()}{found.why[1:]}. The run trains on the processor."
        yield events.Notice(code="device", message=message)
    row = row_of(spec.backbone)
    own = "" if resume else _own_weights(run, spec, job)
    try:
        network, state = yield from _network(row, spec, job, control, resume)
    except weights.DownloadCancelledError:
        yield events.Stopped(run=job.run)
        return
    if own:
        spec = msgspec.structs.replace(spec, weights=own)
        run.write_spec(spec)
    network.model.to(device)
    if not resume:
        spec = yield from _with_similarity(run, spec, root)
    target, target_root = site_of(run, spec, job)
    if target is not None and not resume:
        yield from site_notices(spec, network)
    knowledge, earlier_roots = begins_with(run, spec, network, state, job.earlier, resume)
    if knowledge is not None:
        refuse_one_class(spec, knowledge, parts["train"])
        yield from missing_notices(knowledge) if resume else beginning_notices(spec, knowledge, parts["validation"])
    given = Given(
        run, spec, network, parts, root, control, device, checkpoints, target, target_root, knowledge, earlier_roots
    )
    setup = yield from set_up(given)
    setup.resume, setup.more_epochs = resume, job.more_epochs
    try:
        outcome = yield from fit(setup)
        if outcome.best_epoch is None:
            yield events.Stopped(run=job.run)
            return
        # Aligning is the last step: a mix chooses, and is as sure as it is, with the statistics of the known site.
        if knowledge is not None and knowledge.keep == "average":
            yield from mix(run, setup, knowledge, outcome.lowest, strength_of(setup.training))
        if setup.target is not None and not adaptation(setup.training.adapt).during:
            cut = network.cut_below(outcome.lowest)
            if (yield from align(run, setup, cut)):
                outcome = replace(outcome, lowest=0)  # the whole network answers otherwise than what was kept of it
        yield from ended_in_vain(_epochs_of(run), outcome.best_epoch)
        stopped = (yield from evaluate(run, setup, parts, outcome)) or outcome.stopped
    finally:
        setup.frozen.close()
    if stopped:
        yield events.Stopped(run=job.run, best_epoch=outcome.best_epoch)
        return
    kept = f"epoch {outcome.best_epoch}" if outcome.best_epoch else "the start, before any epoch"
    yield events.Completed(
        run=job.run, best_epoch=outcome.best_epoch, message=f"Training is complete. The best state is that of {kept}."
    )


def _with_similarity(run: RunFolder, spec: RunSpec, root: Path) -> Generator[Event, None, RunSpec]:
    """Measures how like everyday photographs the training images are, says it, and writes it into run.toml.

    A run that takes nothing from other pictures has no use for it.
    """
    if not strategy(spec.training.strategy).pretrained:
        return spec
    images = [
        ListedImage(path=row.path, class_name=row.class_name, content_hash=row.content_hash, width=0, height=0)
        for row in run.manifest()
        if row.part == "train"
    ]
    found = yield from measured_or_not(root, images, spec.pixel_rule, spec.backbone, spec.training.seed)
    yield found
    spec = msgspec.structs.replace(spec, similarity=found.measured)
    run.write_spec(spec)
    return spec


def _refuse_finished(run: RunFolder, job: commands.Train) -> None:
    # A refusal is an ending too, and must not open the door for the next try.
    last = [event for event in run.events() if isinstance(event, events.Completed | events.Stopped | events.Resumed)]
    if last and isinstance(last[-1], events.Completed) and not job.more_epochs:
        raise UserError(
            f"The run '{run.name}' is complete: there is nothing to continue.",
            "Add epochs with --more-epochs N.",
            code="nothing_to_continue",
        )


def _own_weights(run: RunFolder, spec: RunSpec, job: commands.Train) -> str:
    """Checksum of the weights file that the person gave, or ""; a run that names one begins with no other."""
    path = Path(job.weights_file)
    own = weights.sha256_of(path) if job.weights_file and path.is_file() else ""
    if spec.weights not in ("pretrained", own):
        source = spec.source
        what = f"the network of the run '{source.run}'" if source is not None else "a weights file of its own"
        raise UserError(
            f"The run '{run.name}' begins with {what}, whose sha256 begins with {spec.weights[:8]}.",
            "Give that run with --weights RUN." if source is not None else "Give that file with --weights FILE.",
            code="weights_own",
        )
    return own


def _network(
    row: Backbone, spec: RunSpec, job: commands.Train, control: Control, resume: bool
) -> Generator[Event, None, tuple[Network, weights.State | None]]:
    """The network with its start weights, and these as they came; one that goes on takes all from its checkpoint instead."""
    assert spec.dataset is not None
    row.at(spec.size)  # a size that it does not take is refused before anything is fetched
    state = None
    source = f"The weights of {row.label}"
    # "auto" becomes from-scratch where nothing pretrained was published, unless an earlier run has trained it.
    known = row.pretrained or bool(job.weights_file) or spec.training.strategy != AUTO
    needed = strategy(spec.training.strategy).pretrained and known
    if not resume and needed:
        if job.weights_file:
            state, source = weights.read_file(Path(job.weights_file)), weights.named(job.weights_file)
        else:
            check_strategy(row, spec.training.strategy)
            state = yield from pretrained(row, job.download, control)
    elif not resume and job.weights_file:
        yield events.Notice(
            code="weights_unused",
            message=f"This run begins with random weights, so the file '{Path(job.weights_file).name}' is not used.",
        )
    head, seed = head_of(spec.training), spec.training.seed
    network = build(row, len(spec.dataset.classes), state, spec.fit, source, spec.size, head, seed)
    if spec.source is not None and spec.continues and state is not None:
        take_head(network, state, len(spec.source.classes), source)
    if spec.weights != "pretrained":
        network.pretrained = True  # one that goes on was given none
    if network.note and not resume:
        yield events.Notice(code="input_size", message=network.note)
    if spec.source is not None and state is not None:
        published = not spec.continues and is_published(network)
        yield events.Notice(code="source", message=beginning_words(spec.source, published))
        if spec.source.changed:
            yield events.Notice(
                code="source_changed",
                message=f"The weights of '{spec.source.run}' are others than those that the run began with which this one was "
                "set up like: it was mixed or trained on since, or is another run of that name.",
            )
    return network, state


def evaluate(run: RunFolder, setup: Setup, parts: dict[str, Part], outcome: Outcome) -> Generator[Event, None, bool]:
    """Scores the best state; test images are read here for the first time.

    Returns:
        Whether the person stopped it: answers for the training images, which take longest, are then left out.
    """
    best = trained_model.load(run)
    network = setup.network
    network.model.load_state_dict(best.network.model.state_dict())
    model = TrainedModel(network, best.card, best.weights_hash)
    cut = network.cut_below(outcome.lowest)
    answers: dict[str, tuple[Part, NDArray[np.float64]]] = {}
    stopped = False
    for name in ("validation", "test", "train"):
        part = parts[name]
        if not len(part) or (stopped and name == "train"):
            continue
        steps = results.logits_of(
            model,
            part,
            lambda part, indices: setup.frozen.activations(part, indices, 0, cut),
            cut,
        )
        progress = told(steps, f"answers for the {name} images", len(part))
        while True:
            try:
                yield next(progress)
                yield from part.notices()
            except StopIteration as end:
                answers[name] = (part, model.probabilities(end.value))
                break
            stopped = isinstance(setup.control.take(), commands.Stop) or stopped
            if stopped and name == "train":
                break
    left = (yield from left_of(run, setup, cut)) if setup.knowledge is not None else None
    if left is not None and left.seen.meter == "accuracy" and setup.knowledge is not None:
        scored = answers.get("test") or answers["validation"]
        every = over_every_class(setup.knowledge, *scored, model.card.classes)
        left = msgspec.structs.replace(left, every=every)
    setup.frozen.flush()
    remark = _remark(run, setup, answers, outcome)
    for name, metrics in results.write(run, model, answers, remark, left).items():
        yield events.Evaluated(split=name, metrics=metrics)
    if left is not None:
        yield left
    return stopped


def _remark(
    run: RunFolder, setup: Setup, answers: dict[str, tuple[Part, NDArray[np.float64]]], outcome: Outcome
) -> str:
    """Where the model holds the statistics of a new site, the curve was of the known site with its own: both are said."""
    if setup.target is None:
        return ""
    part, shares = answers["validation"]
    right = float((shares.argmax(1) == part.left.labels.numpy()).mean())
    ended = [one for one in _epochs_of(run) if one.epoch == outcome.best_epoch]
    before = ended[-1].validation_accuracy if ended else None
    if before is None or abs(before - right) * len(part.left) < 1:
        return ""
    return (
        "This is the model for the new site, with the statistics of that site's images. With its own, the known site's "
        f"validation images are {100 * before:.0f} % right, as the curve says."
    )


def _epochs_of(run: RunFolder) -> list[events.EpochEnded]:
    return [one for one in run.events() if isinstance(one, events.EpochEnded)]
