"""Weights between those that a network began with and those that it came to (WiSE-FT): a free way to keep some of both.

A mix with a share a of the earlier weights is a * before + (1 - a) * after, weight by weight; so both need the same head,
which they have: where the head is new, "before" is the network with the head that frozen features ask for. BatchNorm's
statistics are mixed likewise.

Source: Wortsman et al. 2022, arXiv 2109.01903.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Mapping

import msgspec
import safetensors
import torch
from torch import Tensor

from tlgui.core import atomic, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event, Mix, MixesTried
from tlgui.core.retention import SHARES
from tlgui.core.run_folder import RunFolder
from tlgui.engine import trained_model
from tlgui.engine.checkpoints import cannot_save
from tlgui.engine.retention.knowledge import Knowledge
from tlgui.engine.retention.meter import share_right
from tlgui.engine.setup import Setup
from tlgui.engine.validation import Validation, validate

_STAGE = "mixing the weights before and after"


def mixed(before: Mapping[str, Tensor], after: Mapping[str, Tensor], earlier: float) -> dict[str, Tensor]:
    """Weights with a share of the earlier ones; whole numbers, such as counters, are those after.

    Args:
        before, after: of one network, by name.
        earlier: the share, 0..1.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in after.items():
        if not tensor.is_floating_point():
            found[name] = tensor.clone()
        elif earlier in (0.0, 1.0):
            found[name] = (before[name] if earlier else tensor).clone()  # bit for bit
        else:
            found[name] = torch.lerp(tensor.float(), before[name].to(tensor.device).float(), earlier).to(tensor.dtype)
    return found


def mix(
    run: RunFolder,
    setup: Setup,
    known: Knowledge,
    lowest: int,
    share: float | None,
    stops: Callable[[], bool] = lambda: False,
) -> Generator[Event, None, None]:
    """Tries mixes of the weights before and after, and makes one of them the run's best state.

    Where nobody says which, validation images choose: the mix with the highest mean of the accuracies on the new ones and
    on those of the earlier task (of equals, the one nearest to half). Test images are not looked at.

    Args:
        run: its folder; the weights after training stay beside, so that it can be mixed again.
        setup: of the run.
        known: what it began as.
        lowest: group that ever trained.
        share: of the earlier weights; `None` = to be chosen.
        stops: asked between two mixes, whether to leave the run as it is; there is no `MixesTried` then.

    Raises:
        UserError: a file cannot be read or written, an image has changed.
    """
    network, cut = setup.network, setup.network.cut_below(lowest)
    source = trained_model.unmixed(run)
    best = trained_model.load(run, source)
    if best.card.earlier_share:
        raise UserError(
            f"What the mixed model of '{run.name}' was made of is not there ('{trained_model.AFTER}').",
            "Take the run folder from a backup, or train again.",
            code="run_damaged",
        )
    if best.card.aligned:
        return  # no epoch was better since it was made one for a new site, with a share of 0
    after = {name: tensor.detach().cpu() for name, tensor in best.network.model.state_dict().items()}
    chosen_by = [task.chosen for task in known.tasks]
    tried: list[Mix] = []
    new_images = old_images = 0
    shares = sorted({*SHARES, *([] if share is None else [share])})
    for done, one in enumerate(shares, 1):
        if stops():
            return
        network.model.load_state_dict(mixed(known.start, after, one))
        seen = yield from validate(setup, cut, slow=False)
        right, old_images = yield from share_right(setup, chosen_by, cut)
        new_images = len(seen.right)
        tried.append(Mix(earlier=one, new=seen.accuracy, old=right / old_images if old_images else None))
        yield events.Progress(stage=_STAGE, done=done, total=len(shares))
    earlier = share if share is not None else _chosen(tried)
    state = mixed(known.start, after, earlier)
    network.model.load_state_dict(state)
    kept: Validation = yield from validate(setup, cut, slow=False)
    card = msgspec.structs.replace(best.card, temperature=kept.calibration.temperature, earlier_share=earlier)
    try:
        if source == run.best_path and earlier:
            # What training came to stays beside, as it is.
            with atomic.replacing(run.checkpoints / trained_model.AFTER) as temporary:
                shutil.copyfile(run.best_path, temporary)
        trained_model.save(state, card, run.best_path)
    except (OSError, safetensors.SafetensorError) as error:
        raise cannot_save(error) from error
    yield MixesTried(
        mixes=tried,
        chosen=earlier,
        by_itself=share is None,
        new_images=new_images,
        old_images=old_images,
        sentence=_sentence(tried, earlier, share is None, old_images),
    )


def _chosen(tried: list[Mix]) -> float:
    if all(one.old is None for one in tried):
        return 0.5

    def value(one: Mix) -> tuple[float, float]:
        return round(one.new + (one.old or 0.0), 9), -abs(one.earlier - 0.5)

    return max(tried, key=value).earlier


def _sentence(tried: list[Mix], earlier: float, by_itself: bool, old_images: int) -> str:
    kept = next(one for one in tried if one.earlier == earlier)
    said = f"The model that is kept is {100 * earlier:.0f} % of the weights before and {100 - 100 * earlier:.0f} % of those after"
    if kept.old is None:
        why = (
            ", half and half, since there are no earlier validation images beside the new ones that could choose"
            if by_itself
            else ""
        )
        return f"{said}{why}. It tells {100 * kept.new:.1f} % of the new validation images right."
    why = ", the best mean of both on validation images" if by_itself else ""
    old = f"{100 * kept.old:.1f} % of {old_images} earlier ones"
    return f"{said}{why}: {100 * kept.new:.1f} % of the new ones are right and {old}."
