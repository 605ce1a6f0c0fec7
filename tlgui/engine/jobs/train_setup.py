"""What a run needs before its first step: how the frozen part is run and kept, how the rest is trained, and what is said."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec
import torch

from tlgui.core import events
from tlgui.core.augmentations import in_use
from tlgui.core.batch_size import largest_batch
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.heads import head_of
from tlgui.core.planning import first_trainable, prepared, resolve, views_in_all
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import Chosen, FirstAnswer, Machine, RunSpec, Training
from tlgui.core.split import PARTS
from tlgui.core.strategies import AUTO, strategy
from tlgui.engine import cache, free_memory
from tlgui.engine.adaptation.target import NAME
from tlgui.engine.checkpoints import Checkpoints, Place
from tlgui.engine.control import Control
from tlgui.engine.device import physical_cores
from tlgui.engine.frozen_part import FrozenPart, needed_bytes, too_large
from tlgui.engine.jobs.train_notices import notices
from tlgui.engine.kept_memory import SAFETY, kept_per_image, update_bytes
from tlgui.engine.network import Network
from tlgui.engine.precision import Kind, possible
from tlgui.engine.precision_probe import precision_here
from tlgui.engine.retention.knowledge import Knowledge
from tlgui.engine.retention.rehearsal import rehearsal_of
from tlgui.engine.samples import Part, Reader
from tlgui.engine.setup import Setup
from tlgui.engine.trained_model import Card
from tlgui.engine.trunk import Trunk, compiled_trunk, executor_for, is_there

logger = logging.getLogger(__name__)

_VERSIONS = ("torch", "torchvision", "timm", "onnxruntime", "numpy", "pillow")
# How deep a run may come to train that begins with the head alone and is not asked for more: for what is tried beforehand.
_LATER_GROUPS = 2


@dataclass(frozen=True)
class Given:
    """What is known of a run before it is set up.

    Attributes:
        run, spec: its folder, and what stands in it.
        network: on its device, with its start weights.
        parts: its images.
        root: the folder that they are in.
        control, device: of the job.
        target, target_root: unlabelled images of a new site, and their folder; `None` where the run adapts to none.
        checkpoints: of the run.
        knowledge: what the network knew before, and the folders of its earlier images by the name of a part.
    """

    run: RunFolder
    spec: RunSpec
    network: Network
    parts: dict[str, Part]
    root: Path
    control: Control
    device: torch.device
    checkpoints: Checkpoints
    target: Part | None = None
    target_root: Path | None = None
    knowledge: Knowledge | None = None
    earlier_roots: Mapping[str, Path] = field(default_factory=dict)


def set_up(given: Given) -> Generator[Event, None, Setup]:
    """Makes everything that `fit` needs, and writes into run.toml what was found out about this computer.

    Yields:
        How far it is, and a `Notice` for each thing that the person should know.

    Raises:
        UserError: a layer group was named that there is not; a checkpoint is damaged.
    """
    run, spec, network, parts, device = given.run, given.spec, given.network, given.parts, given.device
    dataset = spec.dataset
    assert dataset is not None
    place = given.checkpoints.place() if given.checkpoints.exists else None
    if spec.machine is not None:
        # As many as when the run began: the order of sums, and so the last bits, depend on it.
        torch.set_num_threads(min(spec.machine.threads, physical_cores()))
    threads = torch.get_num_threads()
    _refuse_unknown_groups(spec.training, network)
    # What a run of an earlier version has not filled in.
    training = spec.training if spec.training.strategy == AUTO else prepared(spec.training)
    later = _lowest_later(training, network)
    if training.batch_size == "auto":
        size = _batch_size(network, later, len(parts["train"]), device)
        training = msgspec.structs.replace(training, batch_size=size)
        yield events.Notice(
            code="batch_size", message=f"A batch holds {size} images, as many as suit this set and fit here."
        )
    if place is None:
        known = len(spec.source.classes) if spec.source is not None else 0
        again = rehearsal_of(given.knowledge, parts["train"], training.seed)
        yield from notices(training, parts["train"], dataset.classes, known, again)
    if spec.machine is None and training.precision == "auto" and later < network.head_index:
        yield events.Progress(stage="trying number formats", done=0, total=1)
    precision, why = _precision(spec, training, network, later, device)
    if why:
        yield events.Notice(code="precision", message=why)
    if place is not None:
        network.model.load_state_dict(given.checkpoints.model())
    with ExitStack() as stack:
        variation = in_use(training.augmentation, training.mirror)
        others = {**given.earlier_roots, **({NAME: given.target_root} if given.target_root is not None else {})}
        reader = Reader(given.root, network.preprocessing, spec.pixel_rule, variation, threads, others)
        stack.callback(reader.close)
        frozen, compiled = yield from _frozen_part(given, training, place, reader, threads)
        stack.pop_all()
    if spec.machine is None:
        machine = Machine(
            device=str(device),
            executor="onnxruntime" if compiled else "torch",
            threads=threads,
            precision=precision,
            versions={name: version(name) for name in _VERSIONS},
        )
        spec = msgspec.structs.replace(spec, machine=machine, training=training)
        run.write_spec(spec)
    manifest = run.manifest()
    return Setup(
        network=network,
        training=training,
        train=parts["train"],
        validation=parts["validation"],
        frozen=frozen,
        checkpoints=given.checkpoints,
        card=Card(
            backbone=spec.backbone,
            classes=dataset.classes,
            fit=spec.fit,
            size=spec.size,
            head=head_of(training),
            pixel_rule=spec.pixel_rule,
            epoch=0,
            formats=dataset.formats,
        ),
        control=given.control,
        device=device,
        compiled=compiled,
        precision=precision,
        settle=lambda answer, chosen, settled: _settle(run, answer, chosen, settled),
        first_answer=spec.first_answer,
        target=given.target,
        knowledge=given.knowledge,
        images=dataset.images,
        groups=[row.group for row in manifest if row.part == "train"],
        validation_groups=[row.group for row in manifest if row.part == "validation"],
    )


def _frozen_part(
    given: Given, training: Training, place: Place | None, reader: Reader, threads: int
) -> Generator[Event, None, tuple[FrozenPart, str]]:
    """The frozen part, and the name of the compiled file that runs it, or ""."""
    network, parts, spec, device = given.network, given.parts, given.spec, given.device
    assert spec.dataset is not None
    ahead, _ = resolve(training, spec.dataset.images)
    mixes = bool(training.mixup or training.cutmix)
    views = views_in_all(ahead)
    first = place.first if place else first_trainable(training, network.head_index)
    cut = network.cut_below(first)
    seen = len(parts["train"]) + (len(given.target) if given.target is not None else 0)
    earlier = sum(len(part) for part in given.knowledge.parts()) if given.knowledge is not None else 0
    again = rehearsal_of(given.knowledge, parts["train"], training.seed)
    seen += again.images if again is not None else 0
    needed = needed_bytes(network, cut, seen, len(parts["validation"]) + earlier, views)
    if place is not None:
        # Views follow from it, so a run that goes on does as it did before, whatever the disk holds now.
        caching = place.caching
    else:
        caching = cut > 0 and not mixes and needed <= cache.budget_bytes()
        if cut > 0 and not mixes and not caching:
            yield too_large(needed)
    # What the network as it is recognises is asked below the head; the compiled file has each lower border too.
    highest = network.head_index if strategy(training.strategy).pretrained else cut
    compile_cut = min(highest, network.cut_below(place.lowest)) if place else highest
    train, validation, test = (len(parts[name]) for name in PARTS)
    epochs = ahead.epochs or 1
    if cut == 0:
        passes = train
    elif caching:
        passes = views * train + validation + test
    else:
        passes = epochs * (train + validation) + test
    executor = spec.machine.executor if spec.machine else executor_for(device, compile_cut, passes)
    compiled, known = None, place.compiled if place else ""
    if executor == "onnxruntime" and (compile_cut > 0 or is_there(known)):
        yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
        try:
            compiled = compiled_trunk(network, compile_cut, known)
        except (OSError, UserError) as error:
            # A full or read-only place for caches costs speed, never the run.
            logger.warning("Frozen layers run in torch: their compiled form cannot be kept (%s)", type(error).__name__)
    # The run's first file was made of all layers as they came. A move that is taken back, and a comparison with what was
    # before one, need them again, also where they were trained since.
    made_below = highest if compiled and compiled.name == known else compile_cut
    trunk = Trunk(network, device, compiled, made_below, threads)
    trunk.changed_from(compile_cut)
    variation = in_use(training.augmentation, training.mirror)
    frozen = FrozenPart(network, trunk, reader, spec.pixel_rule, variation, caching)
    if caching:
        frozen.make_room(needed, cut)
    if compiled and not frozen.check(parts["train"], compile_cut):
        compiled = None
    return frozen, compiled.name if compiled else ""


def _lowest_later(training: Training, network: Network) -> int:
    """The lowest group that the run trains, or is likely to come to train, for what must be known beforehand."""
    first = first_trainable(training, network.head_index)
    opens = training.strategy == AUTO or training.unfreezing in ("plateau", "schedule")
    return max(0, min(first, network.head_index - _LATER_GROUPS)) if opens else first


def _batch_size(network: Network, first: int, images: int, device: torch.device) -> int:
    """The largest size from the list whose step fits into half of what is free: other programs want some too."""
    free = free_memory.device_available_bytes(device) // 2
    cut, side = network.cut_below(first), network.preprocessing.size
    network.evaluation_mode()
    with torch.no_grad():
        inputs = network.run(torch.zeros(1, 3, side, side, device=device), 0, cut)
    network.set_trainable(first)
    each, updates = kept_per_image(network, first, cut, inputs), update_bytes(network, first)
    return largest_batch(images, lambda size: updates + SAFETY * each * size <= free)


def _precision(
    spec: RunSpec, training: Training, network: Network, first: int, device: torch.device
) -> tuple[Kind, str]:
    """The number format of the trained part, and why it is not the one that was asked for, or ""."""
    asked: Literal["auto"] | Kind = spec.machine.precision if spec.machine else training.precision
    if asked == "auto":
        return precision_here(network, first, device), ""
    if possible(asked, device):
        return asked, ""
    bits = {"bf16": "bf16", "fp16": "16-bit numbers with a scaler (fp16)", "float32": "float32"}[asked]
    return "float32", f"This device cannot train in {bits}, so 32-bit numbers are used."


def _refuse_unknown_groups(training: Training, network: Network) -> None:
    for name in training.group_learning_rates:
        if name not in network.group_names:
            raise UserError(
                f"A learning rate is given for the layer group '{name}', which {network.row.label} does not have.",
                f"Choose among its groups: {', '.join(network.group_names)}.",
            )


def _settle(run: RunFolder, answer: FirstAnswer | None, chosen: Chosen | None, training: Training) -> None:
    """Writes down what was found out before the first epoch."""
    changes = {"first_answer": answer, "chosen": chosen, "training": training}
    run.write_spec(msgspec.structs.replace(run.spec(), **changes))
