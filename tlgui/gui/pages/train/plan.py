"""What unfreezing the next layer group would change: parameters that learn, and its learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.core.events import GroupState
from tlgui.core.planning import ladder_rates
from tlgui.core.run_spec import Training
from tlgui.gui import numbers
from tlgui.gui.pages.train.rung import spoken_name
from tlgui.gui.widgets import Label


def parameters_text(number: int) -> str:
    """1_013_843 -> "1.01 M", 3_843 -> "3,843"."""
    return f"{number / 1e6:.2f} M" if number >= 100_000 else numbers.count(number)


def learn_text(trainable: int, total: int) -> str:
    """How much of the network learns: "1.01 of 3.34 M learn"."""
    if trainable >= 100_000:
        return f"{trainable / 1e6:.2f} of {parameters_text(total)} learn"
    return f"{numbers.count(trainable)} of {parameters_text(total)} learn"


def peak_rate(training: Training, index: int, head: int) -> float | None:
    """The peak learning rate that the engine gives a layer group below the head when it is unfrozen.

    Args:
        training: the run's hyperparameters, filled in.
        index: of the group, from the stem.
        head: index of the head.
    """
    if training.head_learning_rate is None or training.top_learning_rate is None:
        return None
    return ladder_rates(training, [""] * (head + 1), index).get(index)


class Plan(QWidget):
    """What is now and what would be then, under "If you unfreeze block 5 now"."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._title = Label("", "strong", wrap=True)
        column.addWidget(self._title)
        self._rows = [FigureRow() for _ in range(2)]
        for row in self._rows:
            column.addWidget(row)
        self._note = Label("", "caption", wrap=True)
        self._note.hide()
        column.addWidget(self._note)

    def text(self) -> str:
        """All of it, as a person reads it."""
        rows = [row.text() for row in self._rows if row.isVisibleTo(self)]
        note = [self._note.text()] if self._note.isVisibleTo(self) else []
        return "\n".join([self._title.text(), *rows, *note])

    def show_plan(
        self, groups: Sequence[GroupState], next_group: str | None, training: Training | None, note: str = ""
    ) -> None:
        """Says what would change; where nothing is left to unfreeze, says that.

        Args:
            groups: from stem to head.
            next_group: the group that would be unfrozen.
            training: of the run, where it is known already.
            note: what is to be expected of the layers that were unfrozen last.
        """
        self._note.setText(note)
        self._note.setVisible(bool(note))
        found = next((index for index, group in enumerate(groups) if group.name == next_group), None)
        if found is None:
            self._title.setText("Every layer group learns already" if groups else "")
            self._show_rows([])
            return
        name, now = spoken_name(groups[found].name), sum(group.parameters for group in groups if group.trainable)
        self._title.setText(f"If you unfreeze {name} now")
        rows = [("Parameters that learn", parameters_text(now), parameters_text(now + groups[found].parameters))]
        rate = peak_rate(training, found, len(groups) - 1) if training is not None else None
        if rate is not None:
            rows.append((f"Learning rate of {name}", "none", f"up to {numbers.rate(rate)}"))
        self._show_rows(rows)

    def _show_rows(self, rows: Sequence[tuple[str, str, str]]) -> None:
        for number, row in enumerate(self._rows):
            row.setVisible(number < len(rows))
            if number < len(rows):
                row.tell(*rows[number])


class FigureRow(QWidget):
    """A figure as it is and as it would be: now > then.

    Args:
        strength: role of the figure that would be: "caption-strong" or "strong".
        parent: the widget it lies in.
    """

    def __init__(self, strength: str = "caption-strong", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        plain = "muted" if strength == "strong" else "caption"
        self._name, self._now, self._then = Label("", plain, wrap=True), Label("", plain), Label("", strength)
        self._to = Label("›", plain)
        row.addWidget(self._name, 1)
        for label in (self._now, self._to, self._then):
            label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
            row.addWidget(label)

    def tell(self, name: str, now: str, then: str) -> None:
        """Takes the words; without `now` there is one figure alone."""
        for label, text in ((self._name, name), (self._now, now), (self._then, then)):
            label.setText(text)
        for label in (self._now, self._to):
            label.setVisible(bool(now))

    def text(self) -> str:
        """All of it, as a person reads it."""
        now = f"{self._now.text()} › " if self._now.text() else ""
        return f"{self._name.text()}: {now}{self._then.text()}"
