"""Quick copies of a run that holds on to what it knew, each with another strength: the trade-off of old and new."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event, StrengthsTried, StrengthTried
from tlgui.core.retention import WAYS, strength_of
from tlgui.core.run_folder import open_run
from tlgui.core.run_spec import Training
from tlgui.engine.control import Control
from tlgui.engine.jobs.ended_run import Ended, ended
from tlgui.engine.jobs.run_lock import held
from tlgui.engine.live import Live
from tlgui.engine.optimizer_step import NotFiniteError, batches_of, optimizer_step
from tlgui.engine.retention.keeper import ready
from tlgui.engine.retention.meter import share_right
from tlgui.engine.setup import Setup
from tlgui.engine.validation import validate

_AROUND = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0)
_STAGE = "quick copies, each held harder"


def try_strengths(job: commands.TryStrengths, control: Control) -> Iterator[Event]:
    """The whole job; the run stays as it is, and what was found out is added to its story.

    Validation images alone are asked, of the new task and of the earlier one.

    Raises:
        UserError: something that the person can act on.
    """
    run = open_run(Path(job.run))
    with held(run):
        keep = run.spec().training.keep
        if keep not in WAYS or not WAYS[keep].during:
            raise UserError(
                f"The run '{run.name}' holds on to nothing while it trains, so there is no strength to try.",
                "Train with --keep ewc or --keep l2sp.",
                code="nothing_known",
            )
        found = yield from ended(job, control)
        try:
            tried = yield from _tried(job, found)
        finally:
            found.setup.frozen.close()
        if tried is None:
            yield events.Stopped(run=job.run)
            return
        run.append_event(tried)
        yield tried
    yield events.Completed(run=job.run, message="The copies are trained. The run itself is as it was.")


def _tried(job: commands.TryStrengths, found: Ended) -> Generator[Event, None, StrengthsTried | None]:
    setup, known = found.setup, found.knowledge
    training = setup.training
    own = strength_of(training) or 1.0
    strengths = sorted({*(job.strengths or (own * factor for factor in _AROUND)), 0.0})
    epochs = job.epochs or max(2, round((training.epochs or 1) / 3))
    quick = msgspec.structs.replace(training, epochs=epochs, unfreezing="never", unfreeze_at=[], patience=0)
    chosen_by = [task.chosen for task in known.tasks]
    points: list[StrengthTried] = []
    old_images, before = 0, None
    new_images = 0
    began, steps = time.monotonic(), 0
    for number, strength in enumerate(strengths):
        setup.network.model.load_state_dict(known.start)
        live = _copy(setup, quick, strength)
        if number == 0:
            right, old_images = yield from share_right(setup, chosen_by, live.cut, known.outputs or None)
            before = right / old_images if old_images else None
        total = len(strengths) * epochs * live.batches
        try:
            while live.place.epoch < epochs:
                for indices in batches_of(live, live.place.epoch):
                    if isinstance(setup.control.take(), commands.Stop):
                        return None
                    if not (yield from ready(live, lambda: False)):
                        return None
                    yield from optimizer_step(live, indices)
                    steps += 1
                    left = (time.monotonic() - began) / steps * (total - steps)
                    yield events.Progress(stage=_STAGE, done=steps, total=total, seconds_left=left)
                live.place.epoch += 1
        except NotFiniteError:
            steps = (number + 1) * epochs * live.batches
            continue  # so strong that the numbers ran away: no point of the curve
        seen = yield from validate(setup, live.cut, slow=False)
        new_images = len(seen.right)
        right, old_images = yield from share_right(setup, chosen_by, live.cut)
        points.append(
            StrengthTried(strength=strength, new=seen.accuracy, old=right / old_images if old_images else None)
        )
    if not points:
        raise UserError("With none of these strengths the loss stayed a number.", "Try smaller ones.", code="diverged")
    best = max(points, key=lambda one: (round(one.new + (one.old or 0.0), 9), one.strength)) if old_images else None
    return StrengthsTried(
        points=points,
        epochs=epochs,
        new_images=new_images,
        old_images=old_images,
        best=best.strength if best is not None else None,
        old_before=before,
        sentence=_sentence(best, old_images, before, epochs),
    )


def _copy(setup: Setup, training: Training, strength: float) -> Live:
    live = Live(dataclasses.replace(setup, training=training, resume=False, more_epochs=0), kept=False)
    live.begin()
    live.place.warm = True
    live.place.caching = setup.frozen.caching
    live.place.keep_strength = strength
    return live


def _sentence(best: StrengthTried | None, old_images: int, before: float | None, epochs: int) -> str:
    if best is None or best.old is None or before is None:
        return "Earlier images are not there, so the curve shows the new task alone."
    return (
        f"After {epochs} epochs each, a strength of {best.strength:g} has the best mean of both: {100 * best.new:.1f} % of the "
        f"new validation images and {100 * best.old:.1f} % of {old_images} earlier ones are right ({100 * before:.1f} % of "
        "these were before). Differences of a few images can be chance."
    )
