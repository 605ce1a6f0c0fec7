"""A network of a few thousand weights with BatchNorm and dropout, and a `Setup` for it: fits in milliseconds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from torch import nn

from tlgui.core import commands, events
from tlgui.core.augmentations import in_use
from tlgui.core.backbones import Backbone, LayerGroup
from tlgui.core.heads import head_of
from tlgui.core.planning import prepared
from tlgui.core.preprocessing import Preprocessing
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import ManifestRow, RunFolder, create
from tlgui.core.run_spec import Dataset, RunSpec, Training
from tlgui.core.split import split
from tlgui.core.strategies import AUTO
from tlgui.engine import seeding
from tlgui.engine.adaptation.target import NAME, part_of
from tlgui.engine.backbones import _head
from tlgui.engine.checkpoints import Checkpoints, State
from tlgui.engine.fit import Loop, fit
from tlgui.engine.frozen_part import FrozenPart
from tlgui.engine.live import Live
from tlgui.engine.network import Network
from tlgui.engine.samples import Part, Reader
from tlgui.engine.setup import Outcome, Setup
from tlgui.engine.trained_model import Card
from tlgui.engine.trunk import Trunk
from tlgui.imaging.scan import scan_folder

ROW = Backbone(
    name="tiny",
    label="Tiny",
    sentence="For tests.",
    best_for="Tests",
    library="timm",
    builder="tiny",
    weights="embedded",
    parameters=0,
    top1=0.0,
    file_mb=0.0,
    relative_seconds=1.0,
    values=2_042,
    border_values=(1_728, 1_152, 432, 16),
    groups=(
        LayerGroup(name="stem", modules=("conv1", "norm1", "act")),
        LayerGroup(name="middle", modules=("conv2", "norm2", "act")),
        LayerGroup(name="top", modules=("conv3", "norm3", "act", "pool", "@flatten")),
    ),
    group_parameters=(240, 900, 1_776),
    features=16,
    head=("drop", "fc"),
    head_linear="fc",
)
RECIPE = Preprocessing(size=24, resize_to=24, kernel="bilinear", fit="crop", mean=(0.5,) * 3, std=(0.5,) * 3)


class TinyModel(nn.Module):
    """Three convolutions and a linear head; its forward is that of the groups of `ROW` in a row."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12)
        self.conv3, self.norm3 = nn.Conv2d(12, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16)
        self.act, self.pool, self.drop = nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Dropout(0.1)
        self.fc = nn.Linear(16, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv, norm in ((self.conv1, self.norm1), (self.conv2, self.norm2), (self.conv3, self.norm3)):
            x = self.act(norm(conv(x)))
        return self.fc(self.drop(torch.flatten(self.pool(x), 1)))


def tiny_network(classes: int, seed: int = 0, recipe: Preprocessing = RECIPE) -> Network:
    """A network whose random start depends on `seed` alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy computer, threads that wait for each other cost a hundred times what they gain
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = TinyModel(classes)
        # Statistics other than 0 and 1, so that a layer in the wrong mode changes the answer.
        model.train()
        with torch.no_grad():
            for _ in range(20):
                model(torch.randn(16, 3, 24, 24))
    torch.set_num_threads(threads)
    return Network(ROW, model.to(memory_format=torch.channels_last), recipe, classes)


def tiny_setup(
    data: Path,
    run_path: Path,
    *,
    caching: bool = True,
    interval_s: float = 0.0,
    recipe: Preprocessing = RECIPE,
    split_seed: int = 0,
    target: Path | None = None,
    **training: Any,
) -> Setup:
    """Everything `fit` needs for a dataset of small pictures; `training` changes `run_spec.Training`.

    `target` is a folder of images of a new site, in whatever folders.
    Called again with the same `run_path` it opens the run, so that `setup.resume = True` goes on.
    """
    scan = scan_folder(data)
    asked = Training(**{"strategy": "feature-extraction", "epochs": 3, "batch_size": 8} | training)
    resolved = prepared(asked)
    parts = split(scan.used, seed=split_seed)
    rows = [
        ManifestRow(path=r.path, class_name=r.class_name, part=parts[r.path], content_hash=r.content_hash)
        for r in scan.used
    ]
    dataset = Dataset(name="d", fingerprint="f", layout=scan.layout, classes=scan.classes, images=len(rows))
    if (run_path / "run.toml").exists():
        run = RunFolder(run_path)
        # What "auto" became stands there.
        resolved = run.spec().training if asked.strategy == AUTO else resolved
    else:
        run = create(run_path, msgspec.structs.replace(RunSpec(), training=resolved, dataset=dataset))
    network = tiny_network(len(scan.classes), recipe=recipe)
    if resolved.head == "hidden":
        with torch.random.fork_rng():
            torch.manual_seed(seeding.derive(resolved.seed, "weights"))
            network.model.set_submodule("fc", _head(ROW.features, len(scan.classes), head_of(resolved)))
    rule = PixelRule()
    variation = in_use(resolved.augmentation, resolved.mirror)
    reader = Reader(data, recipe, rule, variation, threads=2, others={NAME: target} if target else None)
    trunk = Trunk(network, torch.device("cpu"))
    return Setup(
        network=network,
        training=resolved,
        train=Part.of([row for row in rows if row.part == "train"], scan.classes),
        validation=Part.of([row for row in rows if row.part == "validation"], scan.classes),
        frozen=FrozenPart(network, trunk, reader, rule, variation, caching),
        checkpoints=Checkpoints(run, interval_s=interval_s),
        card=Card(backbone="tiny", classes=scan.classes, fit="crop", head=head_of(resolved), pixel_rule=rule, epoch=0),
        settle=lambda answer, chosen, training: run.write_spec(
            msgspec.structs.replace(run.spec(), first_answer=answer, chosen=chosen, training=training)
        ),
        first_answer=run.spec().first_answer,
        target=part_of(rows_below(target)) if target else None,
    )


def rows_below(folder: Path) -> list[ManifestRow]:
    """Every image of a new site."""
    return [
        ManifestRow(
            path=path.relative_to(folder).as_posix(),
            class_name="",
            part="train",
            content_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*.png"))
    ]


_E = TypeVar("_E", bound=events.Event)
_TIMES = ("seconds", "seconds_left", "images_per_second")


def finish(
    setup: Setup, on_event: Callable[[events.Event], object] = lambda event: None
) -> tuple[list[events.Event], Outcome]:
    """Trains to the end; `on_event` sees each event before the next batch, as an owner would."""
    said: list[events.Event] = []
    run = fit(setup)
    while True:
        try:
            event = next(run)
        except StopIteration as end:
            return said, end.value
        said.append(event)
        on_event(event)


def until(setup: Setup, enough: Callable[[events.Event], bool]) -> list[events.Event]:
    """Trains until an event that is enough and drops the run there, as a killed process does."""
    said: list[events.Event] = []
    run = fit(setup)
    for event in run:
        said.append(event)
        if enough(event):
            break
    run.close()
    return said


def without_times(said: list[events.Event]) -> list[dict[str, Any]]:
    """Events as plain data, without what a clock measured."""
    plain: list[dict[str, Any]] = [msgspec.to_builtins(event) for event in said]
    return [{key: value for key, value in event.items() if key not in _TIMES} for event in plain]


def snapshot(network: Network, start: int = 0, stop: int | None = None) -> dict[str, torch.Tensor]:
    """Copies of parameters and buffers of groups `start` to `stop - 1`."""
    tensors = network.tensors(len(network) if stop is None else stop, start)
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def differing(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> list[str]:
    """Names whose tensors are not equal bit for bit."""
    assert one.keys() == other.keys()
    return [name for name in one if one[name].dtype != other[name].dtype or not torch.equal(one[name], other[name])]


def first_of(part: Part, n: int) -> Part:
    """The first `n` images of a part, which wraps around."""
    chosen = [index % len(part) for index in range(n)]
    return Part([part.paths[i] for i in chosen], [part.hashes[i] for i in chosen], part.labels[chosen])


Script = dict[int, list[commands.AnyCommand]]


def sending(
    setup: Setup, script: Script, then: Callable[[events.Event], object] = lambda event: None
) -> Callable[[events.Event], None]:
    """Sends commands when the batches of their steps have ended, each once; then calls `then`."""
    left = {step: list(sent) for step, sent in script.items()}

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded):
            for command in left.pop(event.step, []):
                setup.control.put(command)
        then(event)

    return on_event


def drive(setup: Setup, on_event: Callable[[events.Event, Live], object]) -> tuple[list[events.Event], Live]:
    """As `finish`, for a test that looks at what the run has in memory."""
    live = Live(setup)
    said: list[events.Event] = []
    for event in Loop(live).run():
        said.append(event)
        on_event(event, live)
    return said, live


def fingerprint(run: Live | State) -> str:
    """A hash over everything that going on needs, bit for bit."""
    state = run.state() if isinstance(run, Live) else run
    place = msgspec.to_builtins(state.place, str_keys=True)
    digest = hashlib.sha256(msgspec.json.encode(place, order="deterministic"))
    for tensors in (state.model, state.optimizer, state.average, state.term):
        for name, tensor in sorted(tensors.items()):
            digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}{tensor.stride()}".encode())
            digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def measured(said: list[events.Event], step: int = 0, epoch: int = 0) -> list[dict[str, Any]]:
    """What was measured after a step and an epoch, without times: batches, epochs, verdicts."""
    chosen = [
        event
        for event in said
        if (isinstance(event, events.BatchEnded | events.MoveJudged) and event.step > step)
        or (isinstance(event, events.EpochEnded) and event.epoch > epoch)
    ]
    return without_times(chosen)


def of(said: list[events.Event], kind: type[_E]) -> list[_E]:
    """Events of one kind."""
    return [event for event in said if isinstance(event, kind)]


def codes(said: list[events.Event]) -> list[str]:
    """What was noted, in short."""
    return [event.code for event in of(said, events.Notice)]
