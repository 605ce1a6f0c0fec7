"""What was found out about the images before training, and what stays worth knowing: quiet lines under the bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.strategies import STRATEGIES
from tlgui.gui import numbers
from tlgui.gui.run_notices import worth_knowing
from tlgui.gui.widgets import Button, Label, plain_tooltip

if TYPE_CHECKING:
    from tlgui.core.events import FirstAnswered, StrategyChosen
    from tlgui.gui.run_model import RunModel

_HOW = (
    "Before training, the answers of the network's frozen layers are told apart by a straight line between the classes, "
    "cross-validated on training images alone. Training has to do better than that."
)


def answer_words(answer: FirstAnswered) -> str:
    """The first answer as a person reads it."""
    return (
        f"As it is, the network already recognises about {numbers.percent(answer.accuracy, 0)} "
        f"({numbers.interval(answer.low, answer.high, 0)}) of your images{answer.among}; guessing reaches "
        f"{numbers.percent(answer.largest_class, 0)}."
    )


def chosen_words(chosen: StrategyChosen) -> str:
    """What "auto" became, and why."""
    row = STRATEGIES.get(chosen.strategy)
    label = row.label if row is not None else chosen.strategy
    return f"{label} was chosen. {chosen.sentence}"


class Facts(QWidget):
    """At most two lines, and a third that is opened: why the strategy was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.answer = Label("", "caption", wrap=True)
        self.why = Button("Why this strategy", "link", small=True)
        self.why.align_edge("right")
        self.why.clicked.connect(self._on_why)
        self.reason = Label("", "caption", wrap=True)
        self.reason.hide()
        self.notice, self.more = Label("", "caption", elide=True), Label("", "caption")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for widgets in ((self.answer, self.why), (self.notice, self.more)):
            row = QHBoxLayout()
            row.setSpacing(8)
            for widget in widgets:
                row.addWidget(widget, 1 if widget is widgets[0] else 0)
            column.addLayout(row)
            if widgets[0] is self.answer:
                column.addWidget(self.reason)
        self.hide()

    def show_run(self, run: RunModel) -> None:
        """Takes what the run has said so far."""
        answer, chosen, notices = run.first_answer, run.chosen, worth_knowing(run)
        self.answer.setText(
            answer_words(answer) if answer is not None else "The strategy was chosen." if chosen else ""
        )
        self.answer.setVisible(answer is not None or chosen is not None)
        self.answer.setToolTip(_HOW if answer is not None else "")
        reason = chosen_words(chosen) if chosen is not None else ""
        self.reason.setText(reason)
        self.why.setVisible(chosen is not None)
        self.why.setToolTip(plain_tooltip(reason))
        if chosen is None:
            self.reason.hide()
        self.notice.setText(notices[0] if notices else "")
        self.notice.setVisible(bool(notices))
        self.notice.setToolTip("\n".join(notices))
        self.more.setText(f"and {len(notices) - 1} more" if len(notices) > 1 else "")
        self.more.setToolTip("\n".join(notices[1:]))
        self.more.setVisible(len(notices) > 1)
        self.setVisible(answer is not None or chosen is not None or bool(notices))

    def text(self) -> str:
        """All of it that is shown, as a person reads it."""
        labels = (self.answer, self.reason, self.notice, self.more)
        return "\n".join(label.text() for label in labels if label.isVisibleTo(self))

    def _on_why(self) -> None:
        self.reason.setVisible(self.reason.isHidden())
        self.why.set_text("Why this strategy" if self.reason.isHidden() else "Hide")
