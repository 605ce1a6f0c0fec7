"""Questions and messages that do not stop the window: always shown with `open()`."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.gui.widgets.button import Button
from tlgui.gui.widgets.focus_ring import FocusRing
from tlgui.gui.widgets.text import Label


class Dialog(QDialog):
    """A question or a message. Escape closes it like its last non-danger way out (`reject`).

    Args:
        title: the question; also the window's title.
        text: what hangs on it.
        parent: the window it lies over.
    """

    def __init__(self, title: str, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(420)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(8)
        column.addWidget(Label(title, "card-title", wrap=True))
        self._text = Label(text, "muted", wrap=True)
        self._text.setVisible(bool(text))
        column.addWidget(self._text)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        column.addLayout(self.body)
        column.addSpacing(8)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._buttons.addStretch(1)
        self._ring = FocusRing(self)
        column.addLayout(self._buttons)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  Qt's name
        """Buttons know their width only once they are styled, and an own minimum keeps the layout from widening this."""
        super().showEvent(event)
        layout = self.layout()
        if layout is not None:
            self.resize(self.size().expandedTo(layout.totalMinimumSize()))

    def set_text(self, text: str) -> None:
        """Another sentence."""
        self._text.setText(text)
        self._text.setVisible(bool(text))

    def add_button(
        self, text: str, kind: str = "secondary", callback: Callable[[], object] | None = None, default: bool = False,
        closes: bool = True,
    ) -> Button:  # fmt: skip
        """Adds a button at the right end of the row.

        Args:
            text: a verb.
            kind: primary, secondary, danger or link.
            callback: what it does; called after the dialog has closed.
            default: Return presses it.
            closes: whether the dialog closes first; a button without callback always does.
        """
        button = Button(text, kind)
        button.setFixedHeight(34)
        if default:
            button.setAutoDefault(True)
            button.setDefault(True)
            button.setFocus()

        def on_clicked() -> None:
            if closes or callback is None:
                self.done(QDialog.DialogCode.Rejected if callback is None else QDialog.DialogCode.Accepted)
            if callback is not None:
                callback()

        button.clicked.connect(on_clicked)
        self._buttons.addWidget(button)
        return button
