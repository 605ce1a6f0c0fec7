"""Answers for images, one event each; a file that cannot be read gets its reason and stops nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from tlgui.core import commands, events
from tlgui.core.events import Event
from tlgui.core.run_folder import open_run
from tlgui.engine import trained_model
from tlgui.engine.control import Control
from tlgui.engine.trained_model import TrainedModel
from tlgui.imaging.names import counted
from tlgui.imaging.pixels import DecodeError


def predict(job: commands.Predict, control: Control) -> Iterator[Event]:
    """One `Predicted` per path, in the order given.

    Raises:
        UserError: there is no model.
    """
    model = trained_model.load(open_run(Path(job.run)))
    answered = 0
    for shown, path in job.paths:
        if isinstance(control.take(), commands.Stop):
            yield events.Stopped(run=job.run)
            return
        event = _answer(model, shown, Path(path))
        answered += not event.problem
        yield event
    missed = len(job.paths) - answered
    message = f"{counted(answered, 'image was', 'images were')} answered" + (
        f", {missed} could not be read." if missed else "."
    )
    yield events.Completed(run=job.run, message=message)


def _answer(model: TrainedModel, shown: str, path: Path) -> events.Predicted:
    try:
        pixels = model.read(path)
    except DecodeError as error:
        return events.Predicted(path=shown, problem=error.message)
    except OSError as error:
        return events.Predicted(path=shown, problem=f"The file cannot be read: {error.strerror}.")
    (row,) = model.probabilities(model.logits([pixels])).tolist()
    if not all(map(math.isfinite, row)):
        return events.Predicted(path=shown, problem="The model gave no number for this image.")
    probabilities = dict(zip(model.card.classes, row, strict=True))
    return events.Predicted(path=shown, label=model.card.classes[row.index(max(row))], probabilities=probabilities)
