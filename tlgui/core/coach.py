"""The curve coach: one plain sentence about the last epochs and at most one suggested button, silent when unsure.

To add a rule:
1. write what it sees in `core.coach_rules` as a function of a `Reading`; `None` where it is not sure;
2. append a `Rule` row to `RULES` there, before everything that matters less;
3. add curves on which it speaks and curves on which it must not to `tests/core/test_coach.py`, which walks every row.
"""

from __future__ import annotations

import msgspec

from tlgui.core import events
from tlgui.core.coach_facts import BUTTONS as BUTTONS
from tlgui.core.coach_facts import Button as Button
from tlgui.core.coach_facts import CoachFacts as CoachFacts
from tlgui.core.coach_facts import Coaching as Coaching
from tlgui.core.coach_reading import reading_of
from tlgui.core.coach_rules import RULES, Rule


def coach(facts: CoachFacts) -> Coaching | None:
    """What there is to say after the last epoch; `None` while nothing is sure.

    The first rule of the table that is sure speaks. What it suggests can be pressed at that moment; where it cannot, the
    sentence is said without a button if it is worth reading alone, else the next rule is asked.
    """
    reading = reading_of(facts)
    if reading is None:
        return None
    for rule in RULES:
        found = rule.when(reading)
        said = _said(rule, found, facts) if found is not None else None
        if said is not None:
            return said
    return None


def _said(rule: Rule, found: Coaching, facts: CoachFacts) -> Coaching | None:
    if found.button is None or found.button in facts.allowed:
        return found
    return msgspec.structs.replace(found, button=None, rates={}, epochs=0) if rule.without_button else None


class Follower:
    """The facts of a run as its events come, for a story that is read from `events.jsonl`.

    Args:
        unfreezes: whether layer groups join in by themselves in this run.
    """

    def __init__(self, unfreezes: bool = False) -> None:
        self._unfreezes = unfreezes
        self._epochs: list[events.EpochEnded] = []
        self._layers: events.LayersChanged | None = None
        self._start: events.RunStarted | None = None
        self._first: events.FirstAnswered | None = None
        self._verdict: events.MoveJudged | None = None
        self._moved_at, self._by_itself, self._due = 0, False, False
        self._planned = 0
        self._ended = False

    def hear(self, event: events.AnyEvent) -> None:
        """Takes one event."""
        match event:
            case events.RunStarted():
                self._start, self._planned, self._ended = event, event.epochs, False
            case events.FirstAnswered():
                self._first = event
            case events.StrategyChosen():
                self._planned = event.epochs
                self._unfreezes = event.strategy == "progressive-unfreezing"
            case events.LayersChanged():
                self._on_layers(event)
            case events.MoveJudged():
                self._verdict, self._due = event, False
            case events.EpochEnded():
                self._epochs = [epoch for epoch in self._epochs if epoch.epoch < event.epoch] + [event]
                self._planned = event.epochs
            case events.Resumed():
                self._epochs = [epoch for epoch in self._epochs if epoch.step <= event.step]
            case events.Undone():
                self._epochs = [epoch for epoch in self._epochs if epoch.step <= event.to_step]
                self._moved_at, self._verdict, self._due = event.to_step, None, False
            case events.Extended():
                self._planned, self._moved_at = event.epochs, event.step
            case events.Ending():
                self._ended = True

    def _on_layers(self, event: events.LayersChanged) -> None:
        self._layers = event
        if event.reason == "start":
            self._epochs, self._verdict, self._moved_at = [], None, 0
        elif event.reason in ("unfreeze", "freeze", "rates"):
            self._moved_at, self._verdict = event.step, None
            self._by_itself, self._due = event.by_itself, event.judged_after is not None

    def facts(self) -> CoachFacts | None:
        """What the coach may look at now; `None` before the run has begun."""
        if self._start is None or self._layers is None:
            return None
        groups = self._layers.groups
        best = [epoch.epoch for epoch in self._epochs if epoch.best]
        return CoachFacts(
            epochs=self._epochs,
            groups=groups,
            classes=len(self._start.classes),
            train_images=self._start.train_images,
            validation_images=self._start.validation_images,
            epochs_planned=self._planned,
            best_epoch=best[-1] if best else None,
            first_answer=self._first,
            moved_at=self._moved_at,
            moved_by_itself=self._by_itself,
            verdict=self._verdict,
            verdict_due=self._due,
            more_by_itself=self._unfreezes and not all(group.trainable for group in groups),
            allowed=frozenset(self._allowed()),
            ended=self._ended,
        )

    def _allowed(self) -> set[Button]:
        assert self._layers is not None
        if self._ended:
            return {"extend"}
        allowed: set[Button] = {"stop", "extend", "rates"}
        if not all(group.trainable for group in self._layers.groups):
            allowed.add("unfreeze")
        if self._layers.undo_step is not None:
            allowed.add("undo")
        return allowed
