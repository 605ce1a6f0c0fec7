"""Which domain is meant, where the folder holds several with the same classes: asked, never guessed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QWidget

from tlgui.gui.numbers import count
from tlgui.gui.widgets import Button, Card, Label, plain_tooltip

_ALL = "*"
_COLUMNS = 3
_MOST_BUTTONS = 12
_LONGEST = 26


class DomainQuestion(Card):
    """One button per domain, and one for all of them; beyond a dozen a list instead.

    Attributes:
        buttons: by the name of the domain; "*" = all as one set.
    """

    chosen = Signal(str)
    """The domain's name, or "*"."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Which domain?", parent=parent)
        self.sentence = Label("", "caption", wrap=True)
        self.body.addWidget(self.sentence)
        self.buttons: dict[str, Button] = {}
        self.list: QComboBox | None = None
        self._content: QWidget | None = None
        self._shown: tuple[tuple[str, ...], str] = ((), "")

    def ask(self, domains: Sequence[str], against: str = "") -> None:
        """Shows the question.

        Args:
            domains: names of the domain folders.
            against: why nothing can be decided, as a sentence; "" when it can.
        """
        state = (tuple(domains), against)
        if state == self._shown:
            return
        self._shown = state
        self.sentence.setText(
            f"This folder holds {count(len(domains))} domains with classes in each, such as pictures of the same things "
            "from several sources. Which of them is to be learned from?"
        )
        if self._content is not None:
            self.body.removeWidget(self._content)
            self._content.hide()
            self._content.deleteLater()
        self.buttons, self.list = {}, None
        self._content = self._grid(domains) if len(domains) <= _MOST_BUTTONS else self._as_list(domains)
        self.body.addWidget(self._content)
        for control in (*self.buttons.values(), self.list):
            if control is not None and against:
                control.setEnabled(False)
                control.setToolTip(against)

    def _grid(self, domains: Sequence[str]) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for place, name in enumerate((*domains, _ALL)):
            grid.addWidget(self._button(name), place // _COLUMNS, place % _COLUMNS)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        return holder

    def _as_list(self, domains: Sequence[str]) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.list = QComboBox()
        self.list.addItems(list(domains))
        self.list.setAccessibleName("Domain")
        self.list.setToolTip("The folder of the domain that is used.")
        self.list.setMinimumContentsLength(12)
        self.list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        use = Button("Use this one")
        use.setToolTip("The other domains are left out.")
        use.clicked.connect(lambda: self.chosen.emit(self.list.currentText() if self.list is not None else _ALL))
        self.buttons[""] = use
        row.addWidget(self.list, 1)
        row.addWidget(use)
        row.addWidget(self._button(_ALL))
        return holder

    def _button(self, name: str) -> Button:
        text = "All as one set" if name == _ALL else name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        button = Button(text)
        says = "Images of the same class in any domain are one class." if name == _ALL else f"Only '{name}' is used."
        button.setAccessibleName("All domains as one set" if name == _ALL else f"Domain {name}")
        button.setToolTip(plain_tooltip(says))
        button.clicked.connect(lambda: self.chosen.emit(name))
        self.buttons[name] = button
        return button
