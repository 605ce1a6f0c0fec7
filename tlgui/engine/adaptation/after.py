"""Adaptation after training: the normalisation is measured anew on images of the new site, and kept unless it harms."""

from __future__ import annotations

from collections.abc import Generator

import msgspec
import torch
from torch import nn

from tlgui.core import events
from tlgui.core.adaptation import entropy, why_not_align
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.engine import seeding, trained_model
from tlgui.engine.adaptation.target import look
from tlgui.engine.network import Network
from tlgui.engine.setup import Setup
from tlgui.engine.validation import Validation, placed, validate

_BATCH = 32
_NORMS = nn.modules.batchnorm._BatchNorm


def align(run: RunFolder, setup: Setup) -> Generator[Event, None, bool]:
    """Measures mean and spread of each BatchNorm layer of the best state on images of the new site.

    What is written is the model for the new site; on the known one, which has other statistics, it may be worse, and that is
    said. See `core.adaptation.why_not_align` for when the best state stays as it was.

    Args:
        run: whose best state it is.
        setup: with the images of the new site.

    Returns:
        Whether the best state was changed.

    Source: Li et al. 2017, arXiv 1603.04779 (adaptive batch normalisation).
    """
    network, part = setup.network, setup.target
    assert part is not None
    best = trained_model.load(run)
    before = best.network.model.state_dict()
    network.model.load_state_dict(before)
    setup.frozen.changed_from(0)
    seen = yield from validate(setup, 0, True)
    looked = yield from look(setup, 0, True)
    if not (yield from measured_anew(setup, network)):
        yield events.Notice(
            code="statistics_kept", message="One image has no spread, so the statistics stay as they were."
        )
        return False
    after = yield from validate(setup, 0, True)
    moved = yield from look(setup, 0, True)
    labels = torch.bincount(setup.validation.left.labels)
    why = why_not_align(
        seen.accuracy,
        after.accuracy,
        float(labels.max() / labels.sum()),
        (looked.spread - looked.mean_entropy, moved.spread - moved.mean_entropy),
        moved.spread,
        _known(setup),
    )
    if why:
        network.model.load_state_dict(before)
        yield events.Notice(code="adaptation_alarm", message=f"{why} The statistics stay as they were.")
        return False
    state = {name: tensor.detach().cpu() for name, tensor in network.model.state_dict().items()}
    card = msgspec.structs.replace(best.card, temperature=after.calibration.temperature)
    trained_model.save(state, card, run.best_path)
    yield events.Notice(code="statistics_aligned", message=_words(seen, after, looked.mean_entropy, moved.mean_entropy))
    return True


def measured_anew(setup: Setup, network: Network) -> Generator[Event, None, bool]:
    """Replaces the statistics of every BatchNorm layer by those of the new site: the plain mean over its batches.

    Args:
        setup: with the images of the new site.
        network: that is changed; nothing else of it is.

    Returns:
        Whether there was anything to measure; else all is as it was.
    """
    part = setup.target
    assert part is not None
    norms = [module for module in network.model.modules() if isinstance(module, _NORMS)]
    momenta = [norm.momentum for norm in norms]
    before = {name: tensor.clone() for name, tensor in network.model.state_dict().items()}
    network.evaluation_mode()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
        norm.train()
    done = measured = 0
    try:
        for indices in seeding.batches(seeding.order(setup.training.seed, 0, len(part)), _BATCH):
            images = setup.frozen.activations(part, indices, 0, 0)
            yield from part.notices()
            done += len(indices)
            yield events.Progress(stage="statistics of the new site", done=done, total=len(part))
            if len(part.there(indices)) > 1:
                with torch.inference_mode():
                    network.run(placed(images, setup.device))
                measured += 1
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        network.evaluation_mode()
    if not measured:
        network.model.load_state_dict(before)
    return measured > 0


def has_norms(network: Network) -> bool:
    """Whether a network keeps statistics that can be measured anew."""
    return any(isinstance(one, _NORMS) and one.track_running_stats for one in network.model.modules())


def _known(setup: Setup) -> float:
    counts = torch.bincount(setup.train.labels).double()
    return entropy((counts / counts.sum()).tolist())


def _words(seen: Validation, after: Validation, entropy_before: float, entropy_after: float) -> str:
    surer = "surer" if entropy_after < entropy_before else "less sure"
    return (
        f"The statistics are those of the new site now, and the answers for it are {surer} than before. Of the known site's "
        f"validation images {100 * seen.accuracy:.0f} % are told right with its own statistics, and "
        f"{100 * after.accuracy:.0f} % with these."
    )
