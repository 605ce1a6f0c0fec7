"""What holds a run's weights at where they began: elastic weight consolidation (EWC) and L2-SP.

    EWC:    strength / 2 * sum_i F_i (w_i - s_i)^2
    L2-SP:  strength / 2 * sum_i     (w_i - s_i)^2  +  .01 / 2 * sum_j v_j^2

w are weights that the network began with and that train, s what they were then, v weights of a new head (or of the outputs
of new classes; their biases excepted). F is the Fisher information of the earlier task, divided by its mean over the weights w
that train when something is held for the first time: so the mean of F is 1, a strength is how hard the average weight is held,
in each network and by either way, and EWC with the same F everywhere is L2-SP.

Source: Kirkpatrick et al. 2017, arXiv 1612.00796; Li et al. 2018, arXiv 1802.01483.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.core.retention import NEW_HEAD_PENALTY
from tlgui.engine import seeding
from tlgui.engine.network import Network
from tlgui.engine.retention.fisher import Fisher, images_asked
from tlgui.engine.retention.knowledge import Knowledge
from tlgui.engine.samples import Part
from tlgui.engine.validation import placed

if TYPE_CHECKING:
    from tlgui.engine.live import Live

STAGE = "what the earlier task depends on"
_LEAST = 1e-30
_NOTHING = 1e-20  # a mean Fisher information below that says nothing of any weight


class _Held(NamedTuple):
    """A weight that is held: what it is, what its first rows were, and how much they matter; `None` = as much as any."""

    weight: Tensor
    start: Tensor
    need: Tensor | None


class Keeper:
    """The penalty of one network.

    Args:
        knowledge: what it began as.
        network: whose weights train.
    """

    def __init__(self, knowledge: Knowledge, network: Network) -> None:
        self.knowledge = knowledge
        self._network = network
        self._held: tuple[int, int, list[_Held], list[tuple[Tensor, int]]] | None = None

    @property
    def penalises(self) -> bool:
        """Whether anything is added to the loss."""
        return self.knowledge.keep in ("ewc", "l2sp")

    def penalty(self, first: int, strength: float) -> Tensor:
        """The sum of `terms`."""
        total = torch.zeros((), device=next(self._network.model.parameters()).device)
        for term in self.terms(first, strength):
            total = total + term
        return total

    def terms(self, first: int, strength: float) -> Iterator[Tensor]:
        """The penalty for the groups from `first` on, as they are, weight by weight.

        Whoever goes backward through each before asking for the next needs room for one weight, and not for all.

        EWC needs to know what the earlier task depends on, which `ready` finds out before a step. Groups of which it is
        not known, as where a move is measured that may never be made, are held like any.
        """
        if self._held is None or self._held[:2] != (first, self.knowledge.covered):
            self._held = (first, self.knowledge.covered, *self._holds(first))
        held, new = self._held[2:]
        for weight, start, need in held:
            squares = (_first_rows(weight, _rows(start)) - start).square()
            yield strength / 2 * (squares.sum() if need is None else (need * squares).sum())
        for weight, old in new:
            yield NEW_HEAD_PENALTY / 2 * weight[old:].square().sum()

    def mean(self, needs: Mapping[str, Tensor], groups: Iterable[int]) -> float:
        """Mean of something of each weight over those weights of some groups that are held; 0 where none are."""
        held = [_first_rows(needs[name], old) for name, _, old in self._weights(groups) if old]
        count = sum(one.numel() for one in held)
        # A sum of 0 is an answer too, and must not be taken for one that is still to come.
        return max(_LEAST, sum(float(one.double().sum()) for one in held) / count) if count else 0.0

    def _weights(self, groups: Iterable[int]) -> Iterator[tuple[str, Tensor, int]]:
        """Name, weight, and how many of its first rows the network began with, of each weight of some groups."""
        network, outputs = self._network, self.knowledge.outputs
        names = {id(one): name for name, one in network.model.named_parameters()}
        last = network.head_linear
        for index in groups:
            for weight in network.parameters(index):
                old = _rows(weight)
                if index == network.head_index and (not outputs or weight is last.weight or weight is last.bias):
                    old = outputs
                yield names[id(weight)], weight, old

    def _holds(self, first: int) -> tuple[list[_Held], list[tuple[Tensor, int]]]:
        """What is held; and weights of a new head, from which row on, that L2-SP keeps small."""
        known = self.knowledge
        held: list[_Held] = []
        new: list[tuple[Tensor, int]] = []
        for name, weight, old in self._weights(range(first, len(self._network))):
            if old:
                start, need = _first_rows(known.start[name], old).to(weight.device), None
                if known.keep == "ewc" and name in known.needs:
                    need = _first_rows(known.needs[name], old).to(weight.device)
                held.append(_Held(weight, start, need))
            if old < _rows(weight) and weight.ndim > 1 and known.keep == "l2sp":
                new.append((weight, old))
        return held, new


def ready(live: Live, stops: Callable[[], bool]) -> Generator[Event, None, bool]:
    """Finds out what the earlier task depends on, for all groups that train, where that is needed and not known.

    It is always of the network as it began, whenever it is asked, and what is known stays as it is: so a run that is
    continued, or in which layers were frozen again, holds the same. It reaches the disk with the next checkpoint.

    Args:
        live: the run.
        stops: asked between two images, whether to leave it.

    Returns:
        Whether all is known that a step needs.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    keeper = live.keeper
    if keeper is None or keeper.knowledge.keep != "ewc" or keeper.knowledge.covered <= live.place.first:
        return True
    known, network, first = keeper.knowledge, live.network, live.place.first
    cut = network.cut_below(min(first, live.place.lowest))
    groups = range(first, min(known.covered, len(network)))
    parts = [task.learned for task in known.tasks if len(task.learned.left)] or [live.setup.train]
    outputs = known.outputs or (len(known.published.weight) if known.published is not None else 0)
    total = images_asked(outputs, sum(len(part.left) for part in parts))
    asked = list(islice(_asked(parts, live.training.seed), total))
    generator = torch.Generator().manual_seed(seeding.derive(live.training.seed, "needs"))
    with _as_it_began(live):
        network.evaluation_mode()
        fisher = Fisher(network, groups, generator)
        for done, (part, index) in enumerate(asked, 1):
            if stops():
                return False
            inputs = live.frozen.activations(part, [index], 0, cut)
            yield from part.notices()
            if len(part.there([index])):
                with torch.enable_grad():
                    fisher.add(earlier_logits(network, placed(inputs, live.setup.device), cut, known))
            yield events.Progress(stage=STAGE, done=done, total=total)
    found = fisher.means()
    if not known.scale:
        known.scale = keeper.mean(found, groups)
    for name, need in found.items():
        # Where nothing matters to answers that are sure of themselves, all weights are held alike.
        known.needs[name] = (need / known.scale if known.scale > _NOTHING else torch.ones_like(need)).cpu()
    known.covered, known.changed = first, True
    return True


def earlier_logits(network: Network, inputs: Tensor, cut: int, known: Knowledge) -> Tensor:
    """What the earlier head answers: (N, classes that it had).

    Args:
        network: as it is.
        inputs: (N, ...), what group `cut` takes, on its device.
        cut: one of the network's borders.
        known: whose earlier head.
    """
    if known.published is None:
        return network.run(inputs, cut)[:, : known.outputs]
    taken: list[Tensor] = []
    module = network.model.get_submodule(network.row.head_linear)
    hook = module.register_forward_pre_hook(lambda _, given: taken.append(given[0]))
    try:
        network.run(inputs, cut)
    finally:
        hook.remove()
    weight, bias = (one.to(taken[0].device) for one in known.published)
    return taken[0].float() @ weight.T + bias


def _asked(parts: list[Part], seed: int) -> Iterator[tuple[Part, int]]:
    """Images that are there, in turn from each part, in an order of their own."""
    orders = [
        [(part, index) for index in part.there(seeding.order(seeding.derive(seed, "needs"), 0, len(part)))]
        for part in parts
    ]
    longest = max(len(order) for order in orders)
    return chain.from_iterable((order[turn] for order in orders if turn < len(order)) for turn in range(longest))


def _rows(weight: Tensor) -> int:
    """Rows of a weight; a single number is one."""
    return len(weight) if weight.ndim else 1


def _first_rows(weight: Tensor, rows: int) -> Tensor:
    return weight[:rows] if rows < _rows(weight) else weight


@contextlib.contextmanager
def _as_it_began(live: Live) -> Iterator[None]:
    """The network as it was at the beginning, as long as the block runs."""
    known, model = live.keeper, live.network.model
    assert known is not None
    before = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(known.knowledge.start)
    try:
        yield
    finally:
        model.load_state_dict(before)
