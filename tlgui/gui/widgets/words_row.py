"""Icon, two lines of words and what can be done: the buttons stand at the right, and under the words where it is narrow."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.gui.widgets.button import Button
from tlgui.gui.widgets.emptied import empty
from tlgui.gui.widgets.text import Label

_LEAST_WORDS = 230


class WordsRow(QWidget):
    """One line of a banner or of a list of notices.

    Args:
        icon: stands before the words.
        spacing: between icon, words and buttons.
        parent: the widget it lies in.
    """

    def __init__(self, icon: QWidget, spacing: int = 8, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.text = Label("", "strong", wrap=True), Label("", "caption", wrap=True)
        self._icon = icon
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(spacing)
        self._row.addWidget(icon)
        self._words = QVBoxLayout()
        self._words.setSpacing(1)
        self._words.addStretch(1)  # in a higher row the lines stay together
        self._words.addWidget(self.title)
        self._words.addWidget(self.text)
        self._words.addStretch(1)
        self._row.addLayout(self._words, 1)
        self._tray = QWidget()
        self._buttons = QHBoxLayout(self._tray)
        self._buttons.setContentsMargins(0, 0, 0, 0)
        self._buttons.setSpacing(6)
        self._row.addWidget(self._tray)
        self._tray.hide()
        self._is_narrow = False

    @property
    def is_narrow(self) -> bool:
        """Whether the buttons stand under the words."""
        return self._is_narrow

    def set(self, title: str, text: str) -> None:
        """Other words."""
        self.title.setText(title)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.setAccessibleName(f"{title} {text}".strip())

    def add_button(self, button: Button) -> None:
        """A button; several keep their order."""
        self._buttons.addWidget(button)
        button.show()
        self._tray.show()
        self._arrange()

    def clear_buttons(self) -> None:
        """Takes the buttons away."""
        empty(self._buttons)
        self._tray.hide()

    def minimumSizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Icon and buttons must fit; the words go around."""
        hint = super().minimumSizeHint()
        tray = 0 if self._tray.isHidden() else self._tray.minimumSizeHint().width()
        return QSize(self._icon.width() + self._row.spacing() + max(60, tray), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        """Chooses where the buttons stand."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        needed = self._icon.width() + self._tray.sizeHint().width() + 2 * self._row.spacing()
        narrow = not self._tray.isHidden() and self.width() < needed + _LEAST_WORDS
        if narrow == self._is_narrow:
            return
        self._is_narrow = narrow
        if narrow:
            self._row.removeWidget(self._tray)
            self._words.insertWidget(self._words.count() - 1, self._tray, 0, Qt.AlignmentFlag.AlignLeft)
        else:
            self._words.removeWidget(self._tray)
            self._row.addWidget(self._tray)
        self._row.setAlignment(self._icon, Qt.AlignmentFlag.AlignTop if narrow else Qt.AlignmentFlag.AlignVCenter)
        for button in self._tray.findChildren(Button):
            if button.kind == "link":
                button.align_edge("left" if narrow else "")
        self.updateGeometry()
