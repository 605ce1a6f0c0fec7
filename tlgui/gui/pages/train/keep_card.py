"""What the network knew before: how much is left of it, in figures and words, and how hard it holds on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.retention import WAYS
from tlgui.gui import numbers
from tlgui.gui.run_kept import (
    difference_words,
    keeps_in_training,
    seen_last,
    spoken_meter,
    strength_in_use,
    verdict_of,
)
from tlgui.gui.run_reasons import ENDED
from tlgui.gui.strength_field import StrengthField
from tlgui.gui.widgets import Action, Button, Card, Label, plain_tooltip

if TYPE_CHECKING:
    from tlgui.core.events import RetentionSeen
    from tlgui.core.run_spec import RunSpec
    from tlgui.gui.run_model import RunModel

_BEFORE = "How much is left of it stands here, once the first epoch has ended."
_AFTER = "After training the weights are mixed with those from before; the meter shows them as they are until then."
_SETS = "Holds on with this strength from the next batch on; 0 lets go."
_TIP = "These images were never learned. Test images among them choose nothing."


class KeepCard(Card):
    """Before and now, the difference with its interval, what that allows to be said, and the strength.

    Args:
        ask_strength: sends another strength; whether that could be.
        parent: the widget it lies in.
    """

    def __init__(self, ask_strength: Callable[[float], bool], parent: QWidget | None = None) -> None:
        super().__init__("What it knew before", parent=parent)
        self._ask = ask_strength
        self._run: RunModel | None = None
        self._way = ""
        self._in_use: float | None = None
        self._sent: float | None = None
        self._seen: RetentionSeen | None = None
        self._not_yet = Label(_BEFORE, "caption", wrap=True)
        self.before, self.now, self.difference = _Figure("before"), _Figure("now"), Label("", "strong", wrap=True)
        self._figures = QWidget()
        row = QHBoxLayout(self._figures)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(20)
        for figure in (self.before, self.now):
            row.addWidget(figure)
        row.addStretch(1)
        self.verdict = Label("", "body", wrap=True)
        self.images = Label("", "caption", wrap=True)
        self._after = Label(_AFTER, "caption", wrap=True)
        self.strength = StrengthField()
        self.set_action = Action("Set", self._on_set, parent=self, tooltip=_SETS)
        self.set_button = Button(small=True, action=self.set_action)
        self._state = Label("", "caption", elide=True)
        self._holds = QWidget()
        line = QVBoxLayout(self._holds)
        line.setContentsMargins(0, 2, 0, 0)
        line.setSpacing(4)
        head, field = QHBoxLayout(), QHBoxLayout()
        words = Label("How hard it holds on", "muted")
        words.setBuddy(self.strength.number)
        head.addWidget(words)
        head.addWidget(self._state, 1)
        field.setSpacing(8)
        field.addWidget(self.strength, 1)
        field.addWidget(self.set_button)
        line.addLayout(head)
        line.addLayout(field)
        for widget in (
            self._not_yet,
            self._figures,
            self.difference,
            self.verdict,
            self.images,
            self._after,
            self._holds,
        ):
            self.body.addWidget(widget)
        self.strength.changed.connect(lambda _: self._show_strength())
        self.strength.problem_changed.connect(self._show_strength)
        self.strength.number.returnPressed.connect(self._on_set)
        self.hide()

    def show_run(self, run: RunModel, spec: RunSpec | None) -> None:
        """Takes the state of a run; hides itself where it knew nothing before that would be kept or measured.

        Args:
            run: the run.
            spec: what it is, where that is known already.
        """
        measured = run.kept.measured if run.state in ENDED else None
        seen = measured.seen if measured is not None else seen_last(run.epochs)
        keeps = spec is not None and spec.training.keep != "none"
        self.setVisible(seen is not None or keeps or (spec is not None and spec.continues))
        if self.isHidden():
            return
        if run is not self._run:
            self._run, self._in_use, self._sent, self._seen = run, None, None, None
        source = spec.source if spec is not None and spec.continues else None
        self.set_caption(source.dataset or source.run if source is not None else "the published weights")
        if seen is not self._seen or seen is None:
            self._seen = seen
            self._show_seen(seen, "the kept model" if measured is not None else "now")
        way = WAYS.get(spec.training.keep) if spec is not None else None
        over = run.state in ENDED
        self._after.setVisible(way is not None and not way.during and not over)
        self._way = way.name if way is not None else ""
        in_use = strength_in_use(run, spec)
        if in_use is not None and in_use != self._in_use:
            untouched = self._in_use is None or self.strength.value() in (self._in_use, in_use)
            self._in_use = in_use
            if self._sent == in_use:
                self._sent = None
            if untouched:
                self.strength.show_way(self._way, in_use, False)
        self._holds.setVisible(keeps_in_training(spec) and not over)
        self._show_strength()

    def _show_seen(self, seen: RetentionSeen | None, of: str) -> None:
        self._not_yet.setVisible(seen is None)
        for widget in (self._figures, self.difference, self.verdict, self.images):
            widget.setVisible(seen is not None)
        if seen is None:
            return
        agrees = seen.meter == "agreement"
        self.before.setVisible(not agrees)
        self.before.show_value(numbers.percent(seen.before, 0))
        self.now.show_value(numbers.percent(seen.now, 0), "answered as before" if agrees else of)
        self.difference.setText(difference_words(seen))
        self.difference.setVisible(not agrees)
        words, tone = verdict_of(seen)
        self.verdict.setText(words)
        self.verdict.set_tone(tone)
        what = "new validation image" if agrees else "earlier image"
        self.images.setText(f"On {numbers.counted(seen.images, what)}.{'' if agrees else f' {_TIP}'}")
        self.setAccessibleDescription(spoken_meter(seen))
        self._figures.setToolTip(plain_tooltip(spoken_meter(seen)))

    def _show_strength(self) -> None:
        run, value = self._run, self.strength.value()
        if run is None:
            return
        same = value is not None and value == (self._sent if self._sent is not None else self._in_use)
        problem = self.strength.problem
        self._state.setText(problem or self._words(run))
        self._state.set_tone("bad" if problem else "")
        self.set_action.set_reason(
            run.reason_against("strength") or problem or ("This strength is in use." if same else "")
        )
        self.set_button.setAccessibleName("Set the strength of keeping")  # a changed action takes the name back

    def _words(self, run: RunModel) -> str:
        if run.is_asked("strength"):
            return "being set…"
        if self._in_use is None:
            return ""
        return f"in use: {self._in_use:g}" if self._in_use else "it has let go"

    def _on_set(self) -> None:
        value = self.strength.value()
        if value is not None and self.set_action.isEnabled() and self._ask(value):
            self._sent = value
            self._show_strength()


class _Figure(QWidget):
    """A large number with its word below."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.value, self._words = Label("", "figure"), Label(words, "caption")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.value)
        column.addWidget(self._words)

    def show_value(self, value: str, words: str = "") -> None:
        """Another number."""
        self.value.setText(value)
        if words:
            self._words.setText(words)
