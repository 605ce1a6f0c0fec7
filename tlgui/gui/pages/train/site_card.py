"""The new site of a run that adapts: what each epoch came to, and the weight of adapting, which can be changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.adaptation import ADAPTATIONS
from tlgui.gui import numbers
from tlgui.gui.pages.train.site_line import SiteLine
from tlgui.gui.run_reasons import ENDED
from tlgui.gui.run_site import Value, seen_last, site_series, spread_words, sure_words
from tlgui.gui.widgets import Action, Button, Card, Label, LogSlider, NumberField, spoken

if TYPE_CHECKING:
    from tlgui.core.run_spec import RunSpec
    from tlgui.gui.run_model import RunModel

_MOST = 1e6
_SLIDES_FROM, _SLIDES_TO = 0.01, 10.0  # as on the page Strategy; the field takes more
_BEFORE = "What each epoch comes to stands here, once the first one has ended."
_OF_LOSS = {
    "mmd": ("distance of features; 0: alike", "How far apart the features of both sites lie. 0: alike."),
    "adversarial": (
        "judge's error; a guess: 0.69",
        "The error of the judge that tells the sites apart. 0.69: it can only guess.",
    ),
    "mcc": ("classes mixed up there", "How much classes are mixed up on images of the new site. Lower is better."),
}
_TIPS = {
    "Classes": "The error on training images of the known site. Adapting must not let it rise.",
    "Judge": "How often a judge tells by the features which site an image is of. 50 %: it can only guess, so they are alike.",
    "Sure": "How sure the answers for the new site are. Sure is not right: without labels nobody knows how many are.",
    "Spread": "How the answers for the new site spread over the classes. Nearly all alike: the classes are being lost.",
}
_SLIDES = "Slides from 0.01 to 10; where it is let go holds from the next batch on."
_SETS = "Gives adapting this weight from the next batch on; 0 switches it off."


class SiteCard(Card):
    """Five small curves and a field.

    Args:
        ask_weight: sends another weight; whether that could be.
        parent: the widget it lies in.
    """

    def __init__(self, ask_weight: Callable[[float], bool], parent: QWidget | None = None) -> None:
        super().__init__("New site", parent=parent)
        self._ask = ask_weight
        self._drawn: tuple[object, ...] = ()
        self._in_use: float | None = None
        self._sent: float | None = None
        self._run: RunModel | None = None
        self._before = Label(_BEFORE, "caption", wrap=True)
        self.body.addWidget(self._before)
        self.rows = {name: _Row(name, "s1" if name == "Classes" else "s4") for name in (
            "Classes", "Adapting", "Judge", "Sure", "Spread")}  # fmt: skip
        for row in self.rows.values():
            self.body.addWidget(row)
        self.weight = NumberField(1.0, 0.0, _MOST, name="Weight of adapting")
        self.weight.setFixedWidth(72)
        self.slider = LogSlider(_SLIDES_FROM, _SLIDES_TO, "Weight of adapting")
        self.slider.moved.connect(self._on_slid)
        self.slider.settled.connect(lambda _: self._on_set())
        self.set_action = Action("Set", self._on_set, icon="", parent=self, tooltip=_SETS)
        self.set_button = Button(small=True, action=self.set_action)
        self.set_button.setAccessibleName("Set the weight of adapting")
        words = Label("Weight", "muted")
        words.setBuddy(self.weight)
        self._state = Label("", "caption", elide=True)
        self._weigh = QWidget()
        column = QVBoxLayout(self._weigh)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(0)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(words)
        line.addWidget(self.slider, 1)
        line.addWidget(self.weight)
        line.addWidget(self.set_button)
        column.addLayout(line)
        column.addWidget(self._state)
        self.body.addWidget(self._weigh)
        self.weight.changed.connect(self._show_weight)
        self.weight.problem_changed.connect(lambda _: self._show_weight())
        self.weight.returnPressed.connect(self._on_set)

    def show_run(self, run: RunModel, spec: RunSpec | None) -> None:
        """Takes the state of a run; hides itself where it does not adapt in training.

        Args:
            run: the run.
            spec: what it is, where that is known already.
        """
        way = ADAPTATIONS.get(spec.training.adapt) if spec is not None else None
        seen = seen_last(run.epochs)
        self.setVisible(seen is not None or (way is not None and way.during))
        if self.isHidden():
            return
        if run is not self._run:
            self._run, self._in_use, self._sent, self._drawn = run, None, None, ()
        self.set_caption(spec.target.name if spec is not None and spec.target is not None else "")
        drawn = (len(run.epochs), run.epochs[-1] if run.epochs else None)
        if drawn != self._drawn:
            self._drawn = drawn
            self._show_series(run, way.name if way is not None else "")
        in_use = seen.weight if seen is not None else spec.training.adapt_weight if spec is not None else 1.0
        if in_use != self._in_use:
            untouched = self._in_use is None or self.weight.value() in (self._in_use, in_use)
            self._in_use = in_use
            if untouched:
                self.weight.set_value(in_use)
        self._weigh.setVisible(run.state not in ENDED)
        self._show_weight()

    def _show_series(self, run: RunModel, way: str) -> None:
        series = site_series(run.epochs, len(run.classes))
        there = bool(series.epochs)
        self._before.setVisible(not there)
        of_loss, why = _OF_LOSS.get(way, ("loss of the term that adapts", ""))
        lowest = [value for value in series.adapting if value is not None]
        floor = min(0.0, *lowest) if lowest else 0.0
        task = [value for value in series.task if value is not None]
        sure, spread = (_last(values) for values in (series.sure, series.spread))
        for name, values, text, words, scale, reference in (
            ("Classes", series.task, _loss, "error on the known site", (0.0, max(task, default=1.0)), None),
            ("Adapting", series.adapting, _loss, of_loss, (floor, max([*lowest, 1e-6])), None),
            ("Judge", series.judge, _percent, "sites told apart; a guess: 50 %", (0.0, 1.0), 0.5),
            ("Sure", series.sure, _percent, sure_words(sure), (0.0, 1.0), None),
            ("Spread", series.spread, _percent, spread_words(spread), (0.0, 1.0), None),
        ):
            row = self.rows[name]
            row.setVisible(there and (name != "Judge" or any(value is not None for value in values)))
            row.show_values(series.epochs, values, text, words, scale, reference)
            row.setToolTip(_TIPS.get(name, why))

    def _show_weight(self) -> None:
        run, value = self._run, self.weight.value()
        if run is None:
            return
        against = run.reason_against("weight")
        self.slider.setEnabled(not against)
        self.slider.setToolTip(against or _SLIDES)
        self.slider.set_number(value)
        same = value is not None and value == (self._sent if self._sent is not None else self._in_use)
        self._state.setText(self.weight.problem or self._words_of_weight(run))
        self._state.set_tone("bad" if self.weight.problem else "")
        self.set_action.set_reason(against or self.weight.problem or ("This weight is in use." if same else ""))

    def _words_of_weight(self, run: RunModel) -> str:
        if run.is_asked("weight"):
            return "being set…"
        if self._sent is not None and self._sent != self._in_use:
            return f"{_weight(self._sent)} from now on"
        return "" if self._in_use is None else f"in use: {_weight(self._in_use)}"

    def _on_slid(self, value: float) -> None:
        self.weight.set_value(value)
        self._show_weight()

    def _on_set(self) -> None:
        value = self.weight.value()
        if value is not None and self.set_action.isEnabled() and self._ask(value):
            self._sent = value
            self._show_weight()


class _Row(QWidget):
    """Name and newest value, what it means, and the curve."""

    def __init__(self, name: str, tone: str) -> None:
        super().__init__()
        self._name = name
        self.value, self.words = Label("", "strong"), Label("", "caption", elide=True)
        self.line = SiteLine(tone)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(Label(name, "body"))
        head.addWidget(self.value, 1)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addLayout(head)
        left.addWidget(self.words)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.addLayout(left, 0, 0)
        grid.addWidget(self.line, 0, 1)
        grid.setColumnStretch(0, 7)
        grid.setColumnStretch(1, 4)

    def show_values(
        self,
        epochs: Sequence[int],
        values: Sequence[Value],
        text: Callable[[float], str],
        words: str,
        scale: tuple[float, float],
        reference: float | None,
    ) -> None:
        """Another curve, and the newest value in words."""
        newest = _last(values)
        self.value.setText(text(newest) if newest is not None else "not a number" if epochs else "")
        self.words.setText(words)
        self.line.set(epochs, values, scale, reference)
        after = f" after epoch {epochs[-1]}" if epochs else ""
        self.setAccessibleName(spoken(f"{self._name} {self.value.text()}{after}, {words}"))
        self.line.setAccessibleName(self.accessibleName())


def _last(values: Sequence[Value]) -> Value:
    return values[-1] if values else None


def _loss(value: float) -> str:
    return f"{value:.3f}"


def _percent(value: float) -> str:
    return numbers.percent(value, 0)


def _weight(value: float) -> str:
    return f"{value:g}"
