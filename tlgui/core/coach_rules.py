"""The rules of the curve coach, in one table.

What is called the validation loss below is the one after calibration, but where a loss is held against guessing: the raw
one rises where a network merely gets surer, while it goes on telling more images right. It wanders from epoch to epoch,
and a handful of images moves it. So a rise or a fall counts only where it is large against the scatter of the epochs
around their own line, against the loss itself, and against what three images more or less would make.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tlgui.core.coach_facts import Button, Coaching
from tlgui.core.coach_reading import SHARE, Reading, calibrated_loss
from tlgui.core.trends import trend, wilson

# Epochs from which a line is drawn; fewer tell nothing against their own scatter.
_WINDOW, _SHORT = 8, 5
# A line's slope counts from so many of its standard errors on. With 6 degrees of freedom chance gives 5 once in 800
# windows of unrelated scatter, and 7 once in 4,700. The loss of one epoch is not unrelated to that of the next, so that
# lines look surer than they are: that learning by heart is called so in fewer than 2 % of 1,000 flat curves whose
# neighbours correlate by one half took 7, a rise by a tenth, and one five times as large as the scatter.
_SURE, _SURER = 5.0, 7.0
_RISE, _SCATTERS = 0.1, 5.0
_WINDOWS = (_WINDOW, 14)
# Below so many training images, deeper training lost accuracy in 5 of 7 sets; where the network as it is leaves less
# than this headroom, it gained nothing in 8 of 8 sets (prototype on 23 real sets, EfficientNet-Lite0).
_FEWEST_FOR_DEEPER, _LEAST_HEADROOM = 200, 0.08
# The first part of the one-cycle schedule, in which the rate still climbs.
_WARM_UP = 0.3
_LOWER_BY = 3.0


@dataclass(frozen=True)
class Rule:
    """One thing that the coach sees.

    Attributes:
        name: its key.
        when: what it says of a reading; `None` where it is not sure.
        without_button: whether the sentence is worth reading where its button cannot be pressed.
    """

    name: str
    when: Callable[[Reading], Coaching | None]
    without_button: bool = False


# -- what went wrong -----------------------------------------------------------------------------------------------


def _hurt(reading: Reading) -> Coaching | None:
    """The verdict on the last move was that it hurt: its interval lies below 0."""
    verdict = reading.facts.verdict
    if verdict is None or verdict.verdict != "hurt":
        return None
    what = "Unfreezing" if verdict.kind == "unfreeze" else "Freezing"
    return Coaching(
        rule="hurt",
        sentence=f"{what} {_listed(verdict.names)} made the answers worse. Undo goes back to before it.",
        evidence=(
            f"{_points(verdict.difference)} points in accuracy, {_points(verdict.low)} to {_points(verdict.high)}, on the "
            f"same {verdict.images} validation images, against {verdict.epochs} epochs without it."
        ),
        button="undo",
    )


def _exploding(reading: Reading) -> Coaching | None:
    """Both losses are far above guessing, and far above where they were."""
    limit = 2 * reading.chance
    both = [*reading.training[-2:], *reading.validation[-2:]]
    seen = [loss for epoch in reading.epochs for loss in (epoch.validation_loss,) if loss is not None]
    lowest = min(
        [*seen, reading.start.validation_loss if reading.start and reading.start.validation_loss else math.inf]
    )
    if len(reading.since) < 2 or min(both) < limit or min(reading.validation[-2:]) < 2 * lowest:
        return None
    return _slower(
        reading,
        "exploding",
        "The loss has run away: the steps are too large. Lower the learning rates.",
        f"Training loss {reading.training[-1]:.2f} and validation loss {reading.validation[-1]:.2f} after epoch "
        f"{reading.last.epoch}; the lowest was {lowest:.2f}, and guessing gives {reading.chance:.2f}.",
    )


def _not_learning(reading: Reading) -> Coaching | None:
    """Neither loss has come below guessing, long after the rate has climbed."""
    epochs = max(_SHORT + 1, math.ceil(0.2 * reading.facts.epochs_planned))
    if len(reading.since) < epochs or reading.done() < _WARM_UP:
        return None
    last = slice(-epochs, None)
    if min(reading.validation[last]) < 0.98 * reading.chance or min(reading.training[last]) < 0.98 * reading.chance:
        return None
    falling = reading.line(reading.training, epochs)
    if falling is not None and falling.slope < 0 and falling.sureness > 2:
        return None
    evidence = (
        f"In the last {epochs} epochs the training loss was never below {min(reading.training[last]):.2f} and the "
        f"validation loss never below {min(reading.validation[last]):.2f}; guessing gives {reading.chance:.2f}."
    )
    if min(reading.training[last]) > 1.05 * reading.chance:
        sentence = "Nothing is being learnt, and the answers are worse than guessing. Lower the learning rates."
        return _slower(reading, "not learning", sentence, evidence)
    sentence = "Nothing is being learnt yet. The learning rates may be much too high or too low: try others."
    return Coaching(rule="not learning", sentence=sentence, evidence=evidence)


def _worse_after(reading: Reading) -> Coaching | None:
    """A move by itself, which nobody judges, raised the validation loss and lowered the accuracy for good."""
    before = [epoch for epoch in reading.epochs if epoch.step <= reading.facts.moved_at][-_SHORT:]
    losses = [loss for epoch in before if (loss := calibrated_loss(epoch)) is not None]
    right = [epoch.validation_accuracy for epoch in before if epoch.validation_accuracy is not None]
    after = 4
    if not reading.facts.moved_by_itself or len(reading.since) < after or len(losses) < 3 or len(right) < 3:
        return None
    level, now = _mean(losses), _mean(reading.calibrated[-3:])
    line = trend(losses)
    scatter = max(line.scatter, abs(losses[-1] - losses[0]) / 2)
    rise = min(reading.calibrated[-after:]) - level
    fall = _mean(right) - max(reading.accuracy[-after:])
    half = wilson(_mean(right), reading.facts.validation_images).half
    if rise < max(reading.matters(level), 4 * scatter) or fall < half or reading.calibrated[-1] < now:
        return None
    return Coaching(
        rule="worse after unfreezing",
        sentence="Since the last layers were unfrozen the answers have got worse. Undo goes back to before that.",
        evidence=(
            f"Calibrated validation loss {level:.2f} before and {now:.2f} now; accuracy {_percent(_mean(right))} before "
            f"and at best {_percent(max(reading.accuracy[-after:]))} in the {after} epochs since."
        ),
        button="undo",
    )


def _under_start(reading: Reading) -> Coaching | None:
    """Training has stayed under what the last layer alone reached before it, on the same validation images."""
    start = reading.start
    if start is None or start.validation_accuracy is None or not _deep(reading):
        return None
    loss = calibrated_loss(start)
    if loss is None:
        return None
    if len(reading.since) < _SHORT or reading.done() < _WARM_UP or len(reading.since) < len(reading.epochs):
        return None
    fall = start.validation_accuracy - max(reading.accuracy)
    half = wilson(start.validation_accuracy, reading.facts.validation_images).half
    rise = min(reading.calibrated) - loss
    line = reading.line(reading.calibrated, _SHORT)
    if fall < half or rise < reading.matters(loss) or (line and line.slope < 0 and line.sureness > 2):
        return None
    return _slower(
        reading,
        "under the start",
        "Training deeper layers has not come back to what the last layer alone reached. Lower the learning rates.",
        f"Accuracy {_percent(start.validation_accuracy)} before the first epoch, at best "
        f"{_percent(max(reading.accuracy))} since; calibrated validation loss {loss:.2f} and at best "
        f"{min(reading.calibrated):.2f}.",
    )


def _under_first_answer(reading: Reading) -> Coaching | None:
    """Without a warm start: well under the network as it is, whose answer was asked on training images."""
    first = reading.facts.first_answer
    if first is None or not first.whole or reading.start is not None:
        return None
    if reading.done() < 0.5 or len(reading.since) < _WINDOW:
        return None
    best = wilson(max(epoch.validation_accuracy or 0.0 for epoch in reading.epochs), reading.facts.validation_images)
    line = reading.line(reading.calibrated, _WINDOW)
    if best.high >= first.low or (line and line.slope < 0 and line.sureness > 2):
        return None
    return Coaching(
        rule="under the first answer",
        sentence=(
            "This is still under what the network as it is recognises. The learning rates may be off, or the "
            "validation images are of another kind than the training images."
        ),
        evidence=(
            f"At best {_percent(best.share)} of the validation images ({_percent(best.low)} to {_percent(best.high)}); "
            f"the first answer was {_percent(first.accuracy)} ({_percent(first.low)} to {_percent(first.high)})."
        ),
    )


# -- what comes next -----------------------------------------------------------------------------------------------


def _overfitting(reading: Reading) -> Coaching | None:
    """The validation loss rises beyond its scatter while the training loss falls, and accuracy gains nothing by it."""
    facts, kept = reading.facts, reading.facts.best_epoch
    if not any(_rises(reading, window) for window in _WINDOWS) or facts.more_by_itself or facts.verdict_due:
        return None
    means = [_mean(reading.calibrated[at : at + 3]) for at in range(len(reading.calibrated) - 2)]
    at = min(range(len(means)), key=means.__getitem__)
    half = wilson(reading.accuracy[at], facts.validation_images).half
    gained = _mean(reading.accuracy[-3:]) - _mean(reading.accuracy[at : at + 3])
    if means[-1] - means[at] < max(_RISE * means[at], reading.matters(means[at])) or gained > half / 4:
        return None
    if reading.left() < 2 or kept is None or kept > reading.since[-3].epoch:
        return None
    return Coaching(
        rule="overfitting",
        sentence=(
            "It learns the training images by heart: validation gets worse while training gets better. "
            f"Stop keeps epoch {kept}, the best so far."
        ),
        evidence=(
            f"Calibrated validation loss {means[at]:.2f} around epoch {reading.since[at + 1].epoch}, {means[-1]:.2f} in the last "
            f"three; training loss {reading.training[at + 1]:.2f} then, {reading.training[-1]:.2f} now."
        ),
        button="stop",
    )


def _rises(reading: Reading, window: int) -> bool:
    """Whether the validation loss rises for certain, and the training loss falls, over so many epochs."""
    up, down = reading.line(reading.calibrated, window), reading.line(reading.training, window)
    if up is None or down is None or up.slope <= 0 or down.slope >= 0:
        return False
    large = up.last - up.first > _SCATTERS * up.scatter
    return large and up.sureness > _SURER and down.sureness > 2


def _plateau(reading: Reading) -> Coaching | None:
    """The line through the last epochs is flat for certain: even its steepest likely fall brings next to nothing."""
    window = _WINDOW + 2
    line = reading.line(reading.calibrated, window)
    facts = reading.facts
    if line is None or facts.more_by_itself or facts.verdict_due or reading.done() < _WARM_UP or reading.left() < 4:
        return None
    best = min(reading.calibrated)
    fall = -(line.slope - 2.5 * line.error) * _SHORT
    risen = line.slope > 0 and line.sureness > 2
    waited = len(reading.calibrated) - 1 - reading.calibrated.index(best)
    right = trend(reading.accuracy[-window:])
    if waited < _SHORT or risen or fall > SHARE * best or (right.slope > 0 and right.sureness > 2):
        return None
    evidence = (
        f"No lower calibrated validation loss than {best:.3f} (epoch {reading.since[-1 - waited].epoch}) for {waited} epochs; in "
        f"five more it would fall by {max(0.0, fall):.3f} at most, going by the last {window}."
    )
    reached = wilson(max(reading.accuracy[-window:]), facts.validation_images)
    frozen = [group.name for group in facts.groups if not group.trainable]
    if frozen:
        room = 1 - reached.share >= _LEAST_HEADROOM and facts.train_images >= _FEWEST_FOR_DEEPER
        if not room or facts.ended:
            return None
        return Coaching(
            rule="plateau",
            sentence=f"This has stopped getting better. Unfreezing {frozen[-1]} lets it learn more.",
            evidence=f"{evidence} {_percent(1 - reached.share)} of the validation images are still wrong.",
            button="unfreeze",
        )
    if not _annealed(reading):
        return None
    return Coaching(
        rule="plateau",
        sentence=f"This has stopped getting better, and every layer learns already. Stop keeps epoch {facts.best_epoch}.",
        evidence=evidence,
        button="stop",
    )


def _still_improving(reading: Reading) -> Coaching | None:
    """At the end of the plan the validation loss still falls, by much and for certain."""
    facts = reading.facts
    window = max(_SHORT + 1, min(10, math.ceil(0.25 * facts.epochs_planned)))
    line = reading.line(reading.calibrated, window)
    if line is None or reading.left() > 1 or facts.verdict_due:
        return None
    fell = -line.slope * (window - 1)
    lately = _mean(reading.calibrated[-4:-2]) - _mean(reading.calibrated[-2:])
    sure = line.slope < 0 and line.sureness > _SURE and fell > max(4 * line.scatter, 2 * reading.matters(line.first))
    if not sure or lately < 0.02 * reading.calibrated[-3] or (facts.best_epoch or 0) < reading.last.epoch - 1:
        return None
    more = max(5, facts.epochs_planned // 2)
    return Coaching(
        rule="still improving",
        sentence=f"It was still getting better at the end. {more} more epochs may bring more.",
        evidence=(
            f"In the last {window} epochs the calibrated validation loss fell from {line.first:.3f} to {line.last:.3f}, by "
            f"{_percent(lately / reading.calibrated[-3])} in the last two alone."
        ),
        button="extend",
        epochs=more,
    )


# Those that matter most come first: the first that is sure speaks.
RULES: tuple[Rule, ...] = (
    Rule("hurt", _hurt),
    Rule("exploding", _exploding, without_button=True),
    Rule("not learning", _not_learning, without_button=True),
    Rule("worse after unfreezing", _worse_after),
    Rule("under the start", _under_start, without_button=True),
    Rule("overfitting", _overfitting),
    Rule("under the first answer", _under_first_answer, without_button=True),
    Rule("plateau", _plateau),
    Rule("still improving", _still_improving),
)


# -- parts ---------------------------------------------------------------------------------------------------------


def _slower(reading: Reading, rule: str, sentence: str, evidence: str) -> Coaching:
    button: Button = "rates"
    rates = {group.name: group.learning_rate / _LOWER_BY for group in reading.facts.groups if group.learning_rate}
    return Coaching(rule=rule, sentence=sentence, evidence=evidence, button=button, rates=rates)


def _deep(reading: Reading) -> bool:
    """Whether more than the head learns."""
    return any(group.trainable for group in reading.facts.groups[:-1])


def _annealed(reading: Reading) -> bool:
    """Whether the rates have come down to a third of where they were: until then a fall may still come of itself."""
    now = reading.last.learning_rates
    peak = {name: max(epoch.learning_rates.get(name, 0.0) for epoch in reading.since) for name in now}
    return bool(now) and all(rate <= peak[name] / 3 for name, rate in now.items())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "layers"
