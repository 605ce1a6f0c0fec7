"""Mixes a finished run's weights with those that it began with, and scores what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder, open_run
from tlgui.engine import trained_model
from tlgui.engine.control import Control
from tlgui.engine.jobs.ended_run import ended
from tlgui.engine.jobs.run_lock import held
from tlgui.engine.jobs.train import evaluate
from tlgui.engine.retention.averaging import mix
from tlgui.engine.setup import Outcome


def mix_weights(job: commands.MixWeights, control: Control) -> Iterator[Event]:
    """The whole job. What it finds out is added to the run's story, and the score on test images is one more look at them.

    Raises:
        UserError: something that the person can act on.
    """
    run = open_run(Path(job.run))
    with held(run):
        _refuse_useless(run)
        found, mixed = (yield from ended(job, control)), False
        try:
            stops = lambda: isinstance(control.take(), commands.Stop)  # noqa: E731
            for event in mix(run, found.setup, found.knowledge, found.lowest, job.share, stops):
                if isinstance(event, events.MixesTried):
                    run.append_event(event)
                    mixed = True
                yield event
            if not mixed:
                yield events.Stopped(run=job.run)
                return
            for event in evaluate(run, found.setup, found.parts, Outcome(False, None, found.lowest)):
                if isinstance(event, events.Evaluated | events.RetentionMeasured):
                    run.append_event(event)
                yield event
        finally:
            found.setup.frozen.close()
    yield events.Completed(run=job.run, message="The mixed weights are the run's model now.")


def _refuse_useless(run: RunFolder) -> None:
    """A mix needs weights from before that tell the classes apart, and statistics of the same images as theirs."""
    spec = run.spec()
    card = trained_model.card_of(run.best_path)
    if card is not None and card.aligned:
        raise UserError(
            f"The statistics of '{run.name}' are those of a new site, and a mix with the weights before would have others.",
            "Train it again without adapting, or mix the weights of that run.",
        )
    if not spec.continues and not spec.training.warm_start and spec.training.keep != "average":
        raise UserError(
            f"'{run.name}' began with a last layer that knew nothing, so there is nothing to mix with.",
            "Train again and keep what it knows by averaging: the last layer is fitted first then.",
        )
