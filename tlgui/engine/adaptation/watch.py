"""After each epoch of an adaptation: how far it is, and whether it destroys what the network knew."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from tlgui.core.adaptation import alarm, in_vain, score_of
from tlgui.core.adaptation_events import AdaptationSeen
from tlgui.core.events import EpochEnded, Event, Notice
from tlgui.core.run_spec import BestBy
from tlgui.engine.adaptation.target import known_spread, look
from tlgui.engine.validation import Validation, validate

if TYPE_CHECKING:
    from tlgui.engine.live import Live

_ALARMED = 10.0  # worse than any score, which is 2 at most


def watched(live: Live, seen: Validation, slow: bool) -> Generator[Event, None, tuple[AdaptationSeen | None, float]]:
    """What an epoch came to, `None` where the run does not adapt in training; and the temperature of what is kept of it.

    Args:
        live: the run, whose best share of validation images that are right is kept up here.
        seen: its validation images.
        slow: whether it takes long enough to say how far it is.
    """
    temperature = seen.calibration.temperature
    if live.term is None:
        return None, temperature
    cut = live.site_cut
    with live.average.in_place() if live.average else contextlib.nullcontext(), live.as_kept():
        target = yield from look(live.setup, cut, slow)
        if live.term.norms.differ(live.network.model.state_dict().keys()):
            # The model that is kept answers with the statistics of the new site, and is as sure as it is with these.
            kept = yield from validate(live.setup, 0, slow)
            temperature = kept.calibration.temperature
    loss, domain_accuracy = live.term.epoch_ended()
    place, known = live.place, known_spread(live.setup)
    finite = math.isfinite(target.spread) and math.isfinite(target.mean_entropy)
    # Before the first epoch nothing was right, so that it is as good as what it is compared with.
    wrong = set(place.known_wrong)
    best = {number: number not in wrong for number in seen.right} if place.best_known else seen.right
    said = alarm(seen.right, best, target.spread, known, live.setup.validation_groups) if finite else ""
    share = sum(seen.right.values()) / len(seen.right)
    if share > place.best_known:
        place.best_known = share
        place.known_wrong = [number for number, right in seen.right.items() if not right]
    found = AdaptationSeen(
        loss=max(0.0, loss) if loss is not None and math.isfinite(loss) else None,
        domain_accuracy=domain_accuracy,
        target_entropy=target.mean_entropy if finite else None,
        target_spread=target.spread if finite else None,
        score=score_of(seen.every.balanced, target.mean_entropy, target.spread, live.network.classes)
        if finite
        else None,
        weight=live.term.weight,
        alarm=said,
    )
    return found, temperature


def value_of(seen: Validation, adaptation: AdaptationSeen | None, best_by: BestBy) -> float:
    """What is compared to find the best epoch: lower is better.

    One that an alarm was raised about is not kept, however sure its answers are, unless there is no other yet: of such, the one
    that knows most of the known site.
    """
    if adaptation is None:
        return seen.value(best_by)
    if adaptation.score is None:
        return _ALARMED
    return _ALARMED - seen.every.balanced if adaptation.alarm else -adaptation.score


def not_improved(live: Live) -> str:
    """What patience has waited for."""
    return "The validation images have" if live.term is None else "The score over both sites has"


def rung(adaptation: AdaptationSeen | None, epoch: int, best: bool) -> Iterator[Event]:
    """Says that an alarm was raised, and in which epoch: it is read when later ones are long over."""
    if adaptation is not None and adaptation.alarm:
        kept = "It is kept until there is a better one." if best else "This epoch is not kept."
        yield Notice(code="adaptation_alarm", message=f"Epoch {epoch}: {adaptation.alarm} {kept}")


def ended_in_vain(ended: Iterable[EpochEnded], best_epoch: int | None) -> Iterator[Event]:
    """Says it where what is kept of an adaptation gives no reason to think that it helped.

    Args:
        ended: the epochs of the run.
        best_epoch: that is kept.
    """
    kept = [one.adaptation for one in ended if one.epoch == best_epoch and one.adaptation is not None]
    if kept and (why := in_vain(kept[-1].domain_accuracy, bool(kept[-1].alarm))):
        yield Notice(code="adaptation_in_vain", message=why)
