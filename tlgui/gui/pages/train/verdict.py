"""What the last unfreezing or freezing brought, under the ladder, with the way back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.events import MoveJudged
from tlgui.gui import numbers
from tlgui.gui.pages.train.move_words import spoken
from tlgui.gui.run_reasons import ENDED
from tlgui.gui.widgets import Action, Button, Label, ToneIcon, plain_tooltip

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel

_DOING = {"unfreeze": "Unfreezing", "freeze": "Freezing"}
_DONE = {"unfreeze": "unfrozen", "freeze": "frozen"}
# Tone and icon of each verdict: it is told apart without colour too.
_LOOKS = {"helped": ("good", "check"), "no difference": ("neutral", "minus"), "hurt": ("warn", "warning")}
_VERBS = {"helped": "helped", "no difference": "made no difference", "hurt": "hurt"}


class Said(NamedTuple):
    """What stands there.

    Attributes:
        tone, icon: of it.
        title: in few words.
        text: what is behind it.
        detail: more, for the tooltip.
    """

    tone: str
    icon: str
    title: str
    text: str
    detail: str = ""


def said_of(run: RunModel) -> Said | None:
    """What is to be said of the last move of a run; `None` where there was none."""
    history = run.history
    if history.taken_back is not None:
        return _taken_back(run)
    if not history.moves:
        return None
    move, verdict = history.moves[-1], history.verdict
    if verdict is not None:
        return _judged(verdict)
    due = run.layers.judged_after if run.layers is not None else None
    done = f"{spoken(move.names, begins=True)} {_DONE[move.kind]}{' by itself' if move.by_itself else ''}"
    if due is None or move.by_itself:
        return Said("neutral", "unlock" if move.kind == "unfreeze" else "lock", done, f"At {_place(move.x_epoch)}.")
    if run.state in ENDED:
        return Said("neutral", "minus", done, "The run ended before it could be judged.")
    # Whole epochs count: one that had begun is not judged.
    first = math.ceil(move.x_epoch - 1e-9)
    of = max(1, due - first)
    passed = min(max(0, history.last_epoch - first), of)
    title = f"Waiting for the verdict: {passed} of {numbers.counted(of, 'epoch')}"
    text = f"{done}. It is judged against the same epochs without it."
    if passed == of:
        title, text = "Comparing", f"{done}. The same epochs are trained without it, on a copy."
    return Said("info", "clock", title, text)


def _taken_back(run: RunModel) -> Said:
    branch = run.history.taken_back
    assert branch is not None
    on = f"The run {'went' if run.state in ENDED else 'goes'} on from {_place(branch.x_epoch)}, as it was there."
    if branch.move is None:
        return Said("neutral", "undo", "Taken back", on)
    again = "frozen again" if branch.move.kind == "unfreeze" else "unfrozen again"
    verb = "is" if len(branch.move.names) == 1 else "are"
    title = f"Taken back: {spoken(branch.move.names)} {verb} {again}"
    return Said("neutral", "undo", title, on)


def _judged(verdict: MoveJudged) -> Said:
    tone, icon = _LOOKS[verdict.verdict]
    title = f"{_DOING[verdict.kind]} {spoken(verdict.names)} {_VERBS[verdict.verdict]}"
    images = numbers.counted(verdict.images, "validation image")
    counts = (
        f"Of {images}, {numbers.count(verdict.better)} are right only with it and {numbers.count(verdict.worse)} only "
        f"without it: {numbers.percent(verdict.with_it)} against {numbers.percent(verdict.without_it)}."
    )
    return Said(tone, icon, title, f"{points_words(verdict)} without it.", f"{verdict.sentence} {counts}".strip())


def points_words(verdict: MoveJudged) -> str:
    """The difference with its interval: "2.1 points better (0.4 to 3.9) than the same 3 epochs"."""
    sign = -1.0 if verdict.difference < 0 else 1.0
    low, high = (bound + 0.0 for bound in sorted((sign * verdict.low, sign * verdict.high)))  # never "-0.0"
    word = "worse" if sign < 0 else "better"
    size = f"{100 * abs(verdict.difference):.1f} points {word} ({numbers.interval(low, high)})"
    return f"{size} than the same {numbers.counted(verdict.epochs, 'epoch')}"


def undo_words(run: RunModel) -> str:
    """Where `Undo` goes back to, and what keeping that takes; "" where nothing can be taken back."""
    if run.layers is None or run.layers.undo_step is None:
        return ""
    step = run.layers.undo_step
    move = next((move for move in reversed(run.history.moves) if move.step == step), None)
    back = f"back to {_place(move.x_epoch)}, as it was" if move is not None else "back to before it, as it was"
    size = f" ({numbers.size(run.layers.snapshot_bytes)} on disk)" if run.layers.snapshot_bytes else ""
    return f"Undo: {back}{size}."


def _place(x_epoch: float) -> str:
    return f"epoch {x_epoch:.1f}".removesuffix(".0") if x_epoch > 0 else "the start"


class VerdictRow(QWidget):
    """Icon, verdict, and `Undo`.

    Args:
        undo: takes the last move back.
        parent: the widget it lies in.
    """

    def __init__(self, undo: Action, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.icon = ToneIcon("neutral")
        self.title, self.words = Label("", "strong", wrap=True), Label("", "caption", wrap=True)
        self.back = Label("", "caption", wrap=True)
        self.undo = Button(kind="link", small=True, action=undo)
        self.undo.align_edge("right")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.icon)
        row.addWidget(self.title, 1)
        row.addWidget(self.undo)
        column.addLayout(row)
        column.addWidget(self.words)
        column.addWidget(self.back)
        self.hide()

    def text(self) -> str:
        """All of it, as a person reads it."""
        return "\n".join(label.text() for label in (self.title, self.words, self.back) if label.isVisibleTo(self))

    def show_run(self, run: RunModel) -> None:
        """Takes what is known of the last move."""
        said = said_of(run)
        can = run.undo_step is not None
        self.setVisible(said is not None or can)
        if said is None:
            said = Said("neutral", "undo", "The last change of layers can be taken back", "")
        self.icon.set(said.tone, said.icon)
        self.title.set_tone(said.tone if said.tone in ("good", "warn") else "")
        for label, text in ((self.title, said.title), (self.words, said.text), (self.back, undo_words(run))):
            label.setText(text)
            label.setVisible(bool(text))
        self.undo.setVisible(can)
        self.setToolTip(plain_tooltip(said.detail))
        self.setAccessibleName(f"{said.title}. {said.text} {said.detail}".strip())
