"""The unlabelled images of a new site in a run: which of them a step sees, and what the network answers for them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from tlgui.core import events
from tlgui.core.adaptation import entropy
from tlgui.core.events import Event
from tlgui.core.run_folder import ManifestRow
from tlgui.engine import seeding
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup
from tlgui.engine.validation import logits_from

NAME = "target"
# So many answers tell how spread and how sure they are.
_LOOKED_AT = 500
_BATCH = 32


@dataclass(frozen=True)
class TargetSeen:
    """What the network as it is answers for images of the new site.

    Attributes:
        mean_entropy: of the answers, in nats: 0 where all are sure.
        spread: entropy of their mean: 0 where all are the same class.
        images: that were asked for.
    """

    mean_entropy: float
    spread: float
    images: int


def part_of(rows: list[ManifestRow]) -> Part:
    """The images of the new site as the engine reads them; their labels are not known, and nobody reads these zeros."""
    labels = torch.zeros(len(rows), dtype=torch.int64)
    return Part([row.path for row in rows], [row.content_hash for row in rows], labels, NAME)


def indices_of(seed: int, step: int, batch: int, size: int, images: int) -> list[int]:
    """Numbers of the images that one step sees, none twice: pass after pass through all, each in an order of its own.

    They follow from seed and step. A batch that goes over the end of a pass is smaller by what it would have twice, and a
    smaller last batch of an epoch leaves some of its pass out.

    Args:
        seed: of the run.
        step: of the optimizer.
        batch: images of a whole batch of the known site.
        size: of the one at hand, 1 to `batch`, which may be the last of an epoch.
        images: of the new site, >= 1.
    """
    batch = min(batch, images)
    first = step * batch
    turn, offset = divmod(first, images)
    orders = [seeding.order(seeding.derive(seed, NAME), one, images) for one in (turn, turn + 1)]
    stream = [*orders[0][offset:], *orders[1]]
    return list(dict.fromkeys(stream[: min(size, batch)]))


def known_spread(setup: Setup) -> float:
    """Entropy of the classes among the known site's training images, in nats."""
    counts = torch.bincount(setup.train.labels, minlength=setup.network.classes).double()
    return entropy((counts / counts.sum()).tolist())


def look(setup: Setup, cut: int, slow: bool) -> Generator[Event, None, TargetSeen]:
    """Answers for plain images of the new site, the same ones each time.

    Args:
        setup: of a run with such images; its network is in evaluation mode afterwards.
        cut: below which the frozen part answers.
        slow: whether it takes long enough to say how far it is.
    """
    part, network = setup.target, setup.network
    assert part is not None
    network.evaluation_mode()
    chosen = seeding.order(seeding.derive(setup.training.seed, NAME), 0, len(part))[:_LOOKED_AT]
    found: list[Tensor] = []
    done = 0
    for indices in seeding.batches(chosen, _BATCH):
        inputs = setup.frozen.activations(part, indices, 0, cut)
        yield from part.notices()
        done += len(indices)
        if slow:
            yield events.Progress(stage="answers for images of the new site", done=done, total=len(chosen))
        if part.there(indices):
            found.append(logits_from(network, inputs, cut, setup.device))
    shares = torch.softmax(torch.cat(found).double(), dim=1)
    mean = shares.mean(0)
    return TargetSeen(
        mean_entropy=-(shares * shares.clamp_min(1e-12).log()).sum(1).mean().item(),
        spread=-(mean * mean.clamp_min(1e-12).log()).sum().item(),
        images=len(shares),
    )
