"""Adaptation after training: the normalisation is measured anew on images of the new site, and kept unless it harms."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from typing import NamedTuple

import msgspec
import torch
from torch import Tensor, nn

from tlgui.core import events
from tlgui.core.adaptation import why_not_align
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.engine import seeding, trained_model
from tlgui.engine.adaptation.target import known_spread, look
from tlgui.engine.network import Network
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup
from tlgui.engine.validation import Validation, placed, validate

_BATCH = 32
# Images of each site that are measured, drawn where there are more: means and spreads are found with a few hundred (methods
# section 4), and a plain pass through the whole network takes its time.
_ENOUGH = 960
# A channel whose variance differs by more than this factor tells of something else than a scanner, such as pictures of one grey.
_MOST_WIDER = 16.0
_Norm = nn.modules.batchnorm._BatchNorm


class _Statistics(NamedTuple):
    """Mean and variance of each channel, (C,) each."""

    mean: Tensor
    var: Tensor


def align(run: RunFolder, setup: Setup, cut: int = 0) -> Generator[Event, None, bool]:
    """Fits mean and spread of each BatchNorm layer of the best state to images of the new site.

    What is written is the model for the new site; on the known one, which has other statistics, it may be worse, and that is
    said. See `core.adaptation.why_not_align` for when the best state stays as it was. A best state that is aligned already,
    since a run went on and found none better, is left alone: aligned to the new site once more, it would be off again.

    Args:
        run: whose best state it is.
        setup: with the images of the new site. What it keeps of the frozen layers holds on where nothing is changed.
        cut: below it nothing has trained, so that what is kept there answers for the best state as it is.

    Returns:
        Whether the best state was changed.

    Source: Li et al. 2017, arXiv 1603.04779 (adaptive batch normalisation; see `measured_anew` for what is different).
    """
    network, part = setup.network, setup.target
    assert part is not None
    best = trained_model.load(run)
    if best.card.aligned:
        yield events.Notice(
            code="statistics_aligned",
            message="No epoch was better since the statistics were made those of the new site.",
        )
        return True
    before = best.network.model.state_dict()
    network.model.load_state_dict(before)
    seen = yield from validate(setup, cut, True)
    looked = yield from look(setup, cut, True)
    anew = dataclasses.replace(setup, frozen=setup.frozen.beside(network))
    anew.frozen.changed_from(0)
    if not (yield from measured_anew(anew, network)):
        yield events.Notice(
            code="statistics_kept", message="One image has no spread, so the statistics stay as they were."
        )
        return False
    after = yield from validate(anew, 0, True)
    moved = yield from look(anew, 0, True)
    why = why_not_align((looked.mean_entropy, looked.spread), (moved.mean_entropy, moved.spread), known_spread(setup))
    if why:
        network.model.load_state_dict(before)
        yield events.Notice(code="adaptation_alarm", message=f"{why} The statistics stay as they were.")
        return False
    setup.frozen.changed_from(0)
    state = {name: tensor.detach().cpu() for name, tensor in network.model.state_dict().items()}
    # Its temperature stays too: with these statistics the layers see the new site as they saw the known one with its own.
    trained_model.save(state, msgspec.structs.replace(best.card, aligned=True), run.best_path)
    yield events.Notice(code="statistics_aligned", message=_words(seen, after, looked.mean_entropy, moved.mean_entropy))
    return True


def measured_anew(setup: Setup, network: Network) -> Generator[Event, None, bool]:
    """Gives every BatchNorm layer statistics with which the new site's images look to the next layer as the known site's do.

    With mean and variance (m0, v0) that a layer has, and those of what reaches it from images of the known site (ms, vs)
    and of the new one (mt, vt), the layers below it being aligned already:

        v + eps = (v0 + eps) (vt + eps) / (vs + eps),
        m = mt - (ms - m0) sqrt((v + eps) / (v0 + eps)),      the ratio of variances within 1/16 .. 16,

    so that (mt - m) / sqrt(v + eps) = (ms - m0) / sqrt(v0 + eps). Where a layer has learned with the known site's own
    statistics, these are those of the new site (m = mt, v = vt), as in the paper. Frozen layers keep those of the pictures that
    they came with, and what stands above them knows the known site by how far it differs from these: with the plain
    statistics of the new site, a head above a frozen network told hardly more than by guessing.

    Both are plain means over batches of equal size, so that what a batch's own mean hides of the variance cancels. Of each
    site at most 960 images are asked, drawn by the run's seed.

    Args:
        setup: with the images of both sites.
        network: whose statistics are changed; nothing else of it is.

    Returns:
        Whether there was anything to measure; else all is as it was.
    """
    assert setup.target is not None
    norms = [module for module in network.model.modules() if isinstance(module, _Norm) and module.track_running_stats]
    before = [_Statistics(*(one.clone() for one in _of(norm))) for norm in norms]
    network.evaluation_mode()
    known = yield from _measured(setup, network, norms, setup.train, "statistics of the known site", None)
    if known is None:
        return False
    found = yield from _measured(setup, network, norms, setup.target, "statistics of the new site", (before, known))
    for norm, one in zip(norms, found or before, strict=True):
        _give(norm, one)
    return found is not None


def _measured(
    setup: Setup,
    network: Network,
    norms: Sequence[_Norm],
    part: Part,
    stage: str,
    like: tuple[list[_Statistics], list[_Statistics]] | None,
) -> Generator[Event, None, list[_Statistics] | None]:
    """Means over the batches of some images, by layer; `None` where no batch has two images.

    Args:
        setup, network, norms: whose layers; in evaluation mode.
        part: the images.
        stage: what is said to be done.
        like: the statistics that the layers had, and those of the known site: each batch is normalised so that it is like
            those, and the means are of what that takes. `None` = the means are of what reaches the layers as they are.
    """
    sums = [_Statistics(*(torch.zeros_like(one) for one in _of(norm))) for norm in norms]

    def seen(number: int, norm: _Norm, given: Tensor) -> None:
        rows = given.transpose(0, 1).flatten(1)
        one = _Statistics(rows.mean(1), rows.var(1))
        if like is not None:
            one = _like(one, like[0][number], like[1][number], norm.eps)
            _give(norm, one)
        sums[number].mean.add_(one.mean)
        sums[number].var.add_(one.var)

    handles = [
        norm.register_forward_pre_hook(lambda norm, given, number=number: seen(number, norm, given[0]))
        for number, norm in enumerate(norms)
    ]
    order = seeding.order(setup.training.seed, 0, len(part))[:_ENOUGH]
    done = batches = 0
    try:
        for indices in seeding.batches(order, _BATCH):
            images = setup.frozen.activations(part, indices, 0, 0)
            yield from part.notices()
            done += len(indices)
            yield events.Progress(stage=stage, done=done, total=len(order))
            if len(part.there(indices)) > 1:
                with torch.inference_mode():
                    network.run(placed(images, setup.device))
                batches += 1
    finally:
        for handle in handles:
            handle.remove()
    return [_Statistics(*(total / batches for total in one)) for one in sums] if batches else None


def _like(new: _Statistics, had: _Statistics, known: _Statistics, eps: float) -> _Statistics:
    """See `measured_anew`; a channel that does not vary at either site keeps the variance that it had."""
    wider = ((new.var + eps) / (known.var + eps)).clamp(1 / _MOST_WIDER, _MOST_WIDER)
    return _Statistics(new.mean - (known.mean - had.mean) * wider.sqrt(), ((had.var + eps) * wider - eps).clamp_min(0))


def _of(norm: _Norm) -> _Statistics:
    assert norm.running_mean is not None and norm.running_var is not None
    return _Statistics(norm.running_mean, norm.running_var)


def _give(norm: _Norm, statistics: _Statistics) -> None:
    for mine, one in zip(_of(norm), statistics, strict=True):
        mine.copy_(one)


def has_norms(network: Network) -> bool:
    """Whether a network keeps statistics that can be measured anew."""
    return any(isinstance(one, _Norm) and one.track_running_stats for one in network.model.modules())


def _words(seen: Validation, after: Validation, entropy_before: float, entropy_after: float) -> str:
    surer = "surer" if entropy_after < entropy_before else "less sure"
    return (
        f"The statistics are those of the new site now, and the answers for it are {surer} than before. Of the known site's "
        f"validation images {100 * seen.accuracy:.0f} % are told right with its own statistics, and "
        f"{100 * after.accuracy:.0f} % with these."
    )
