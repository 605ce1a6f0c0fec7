"""What a run said, as lines that a person reads."""

from __future__ import annotations

from tlgui.core import events
from tlgui.gui import numbers
from tlgui.gui.run_kept import curve_name
from tlgui.gui.run_notices import said_by

MOST_LINES = 5_000
_NO_NUMBER = "not a number"


def line(seconds: float, event: events.AnyEvent, mark: str, hint: str = "") -> str:
    """One line with the time that training had taken, or "" for what is not worth one.

    Args:
        seconds: of training so far.
        event: what was said.
        mark: what the event changed, where the curves have a mark for it, such as "block 5 unfrozen".
        hint: a sentence that a change of layers, or the start before the first epoch, calls for.
    """
    text = _text(event, mark)
    if hint and isinstance(event, events.LayersChanged | events.EpochEnded):
        text = f"{text} {hint}"
    if not text:
        return ""
    return f"{numbers.duration(seconds) if seconds else '0 s'} · {text}"


def _text(event: events.AnyEvent, mark: str) -> str:
    match event:
        case events.RunStarted():
            return (
                f"{_images(event.train_images)} train, {_images(event.validation_images)} validate, "
                f"{_images(event.test_images)} test; {event.backbone}, {event.strategy}."
            )
        case events.FirstAnswered():
            guess = numbers.percent(event.largest_class, 0)
            return f"{event.sentence()} Guessing the largest class reaches {guess}."
        case events.SimilarityMeasured() | events.StrategyChosen() | events.MoveJudged() | events.RetentionMeasured():
            return event.sentence
        case events.MixesTried() | events.StrengthsTried():
            return event.sentence
        case events.Undone():
            return f"{_sentence(mark)}The run is again as it was before that."
        case events.LayersChanged(reason="verdict"):
            return ""  # a notice says it
        case events.LayersChanged():
            share = numbers.share(event.trainable_parameters / event.parameters) if event.parameters else "0 %"
            train = f"{numbers.count(event.trainable_parameters)} of {numbers.count(event.parameters)} parameters train"
            return f"{_sentence(mark)}{train} ({share})."
        case events.EpochEnded():
            return _epoch(event)
        case events.Extended():
            return f"{_sentence(mark)}{numbers.counted(event.epochs, 'epoch')} are planned now."
        case events.Resumed():
            return f"Going on after epoch {event.epoch}." if event.epoch else "Going on from the last checkpoint."
        case events.Paused():
            return "Paused; everything is saved."
        case events.Continued():
            return "Going on."
        case events.Notice():
            return said_by(event)
        case events.Evaluated():
            sentence = event.metrics.get("sentence", "")
            return f"{event.split.capitalize()} images: {sentence}" if sentence else ""
        case events.Ending():
            return event.sentence()
    return ""


def _epoch(event: events.EpochEnded) -> str:
    title = f"Epoch {event.epoch} of {event.epochs}" if event.epoch else "Before the first epoch"
    accuracy = event.validation_accuracy
    right = f", {numbers.percent(accuracy)} right" if accuracy is not None else ""
    if event.retention is not None:
        right += f", {curve_name(event.retention.meter)} {numbers.percent(event.retention.now)}"
    best = "; best so far" if event.best else ""
    return f"{title}: loss {_number(event.train_loss)}, validation {_number(event.validation_loss)}{right}{best}."


def _number(value: float | None) -> str:
    return _NO_NUMBER if value is None else f"{value:.3f}"


def _images(number: int) -> str:
    return numbers.counted(number, "image")


def _sentence(mark: str) -> str:
    return f"{mark[0].upper()}{mark[1:]}. " if mark else ""
