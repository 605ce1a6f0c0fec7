"""The control of an unfreezing or freezing: the state before it, trained on for as many epochs without it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator

import torch

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.engine import verdict
from tlgui.engine.checkpoints import State
from tlgui.engine.first_answer import GoesOn
from tlgui.engine.live import Live
from tlgui.engine.optimizer_step import batches_of, optimizer_step
from tlgui.engine.retention.keeper import ready
from tlgui.engine.validation import Validation, seen_by

_EVENTS_PER_EPOCH = 10
_STAGE = "the same epochs without it, to compare"


def control(live: Live, state: State, until: int, goes_on: GoesOn) -> Generator[Event, None, dict[int, bool] | None]:
    """Trains a copy from a state on, in the same order of images and with the same random numbers as a run would.

    The run, its random numbers and its events stay as they are; what lies below the cut comes from the same cache.

    Args:
        live: the run.
        state: from which on.
        until: finished epochs at which it ends.
        goes_on: obeys what concerns the comparison, and returns whether it goes on; asked before each batch.

    Yields:
        `Progress`, and what `goes_on` says.

    Returns:
        Whether most of its whole epochs told each validation image right, by its number; `None` where the person
        stopped it.

    Raises:
        UserError: an image has changed, or more than a few are gone.
        NotFiniteError: its loss is no longer a number.
    """
    device = live.setup.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        twin = live.beside(state)
    place = twin.place
    first_batch = place.epoch * live.batches + place.batch
    total = until * live.batches - first_batch
    began = time.monotonic()
    votes: Counter[int] = Counter()
    seen, voted = None, 0
    while place.epoch < until:
        whole = place.batch == 0
        batches = batches_of(twin, place.epoch)
        while place.batch < len(batches):
            asked = time.monotonic()
            if not (yield from goes_on()):
                return None
            began += time.monotonic() - asked  # a pause
            if not (yield from ready(twin, lambda: False)):
                return None
            # Forked step by step: between two of them the run's owner may do anything.
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                for _ in optimizer_step(twin, batches[place.batch]):
                    pass  # what the copy says is not about the run
            place.batch += 1
            if place.batch % max(1, live.batches // _EVENTS_PER_EPOCH) == 0:
                done = place.epoch * live.batches + place.batch - first_batch
                left_s = (time.monotonic() - began) / done * (total - done)
                yield events.Progress(stage=_STAGE, done=done, total=total, seconds_left=left_s)
        place.epoch, place.batch = place.epoch + 1, 0
        if whole:
            seen, voted = _seen(twin), voted + 1
            votes.update(number for number, right in seen.right.items() if right)
    twin.frozen.flush()
    return verdict.by_most(votes, voted, (seen or _seen(twin)).right)


def _seen(twin: Live) -> Validation:
    looks = seen_by(twin, slow=False)
    while True:
        try:
            next(looks)
        except StopIteration as end:
            seen: Validation = end.value
            return seen
