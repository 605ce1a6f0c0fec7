"""One thing a person can do: its words, its shortcut, and the reason why it cannot be done now."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from tlgui.gui.widgets.text import plain_button_text, plain_tooltip


class Action(QAction):
    """A command with all that a button or a menu shows of it.

    Args:
        text: plain words; "&" is shown as it is.
        callback: called when the person triggers it.
        shortcut: "Ctrl+P"; shown in the tooltip. It works while a widget that holds the action is visible.
        tooltip: one plain sentence; the text itself when empty.
        icon: a name from `icons`.
        parent: owns the action.
    """

    def __init__(
        self, text: str, callback: Callable[[], object] | None = None, shortcut: str = "", tooltip: str = "",
        icon: str = "", parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.icon_name = icon
        self.reason = ""
        self._sentence, self._also = tooltip, ""
        self.plain_text = text
        if shortcut:
            self.setShortcut(QKeySequence(shortcut))
        self.set_text(text)
        if callback is not None:
            self.triggered.connect(lambda _checked=False: callback())

    def set_text(self, text: str) -> None:
        """Other words for the same thing ("Pause" becomes "Continue")."""
        self.plain_text = text
        self.setText(plain_button_text(text))
        self._say()

    def set_tooltip(self, sentence: str) -> None:
        """Another sentence on what it does."""
        self._sentence = sentence
        self._say()

    def set_also(self, keys: str) -> None:
        """Keys that press it without being its own, such as the ones of the blue button; the tooltip names them."""
        if keys != self._also:
            self._also = keys
            self._say()

    def set_icon(self, name: str) -> None:
        """Another icon."""
        self.icon_name = name
        self.changed.emit()

    def set_reason(self, why_not: str) -> None:
        """Makes it available (""), or unavailable with the sentence that says why."""
        if why_not != self.reason or self.isEnabled() == bool(why_not):
            self.reason = why_not
            self.setEnabled(not why_not)
            self._say()

    def _say(self) -> None:
        own = self.shortcut() if not self.shortcut().isEmpty() else QKeySequence(self._also)
        keys = own.toString(QKeySequence.SequenceFormat.NativeText)
        words = self._sentence or self.plain_text
        if keys:
            words += f" ({keys})"
        if self.reason:
            words += f"\n{self.reason}"
        self.setToolTip(plain_tooltip(words))
        self.setStatusTip(self.reason)
