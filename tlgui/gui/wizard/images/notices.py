"""What should be known before training, one line each; nothing is blocked by it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from tlgui.core.records import DatasetWarning
from tlgui.gui.numbers import counted
from tlgui.gui.widgets import Button, Dialog, Label, NoticeList
from tlgui.gui.wizard.images.words import WarningRow, warning_rows

_MOST_IN_DIALOG = 200
_MOST_LINES = 4


class Notices(NoticeList):
    """The warnings of a scan, grouped; *Show them* leads to the files, or to every sentence of a group."""

    files_asked = Signal(tuple)
    """The reasons of the left-out files to show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._shown: list[WarningRow] | None = None
        self.buttons: dict[str, Button] = {}

    @property
    def number(self) -> int:
        """How many lines there are."""
        return len(self._shown or [])

    def show_warnings(self, warnings: Sequence[DatasetWarning]) -> None:
        """Shows these, or hides itself where there are none."""
        rows = warning_rows(warnings)
        self.setVisible(bool(rows))
        if rows == self._shown:
            return
        self._shown = rows
        self.clear()
        self.buttons = {}
        self.set_title(f"{counted(len(rows), 'thing')} to know")
        lines = []
        for row in rows:
            button = self._button(row)
            lines.append(self.add_row(row.tone, row.title, row.text, [button] if button is not None else []))
        self._fold(lines)

    def _fold(self, lines: list[QWidget]) -> None:
        """Hides what goes beyond a few lines, so that the classes stay in view; the least grave come last."""
        if len(lines) <= _MOST_LINES + 1:
            return
        first = self.body.indexOf(lines[_MOST_LINES]) - 1
        items = [self.body.itemAt(place) for place in range(first, self.body.count())]
        hidden = [widget for item in items if item is not None and (widget := item.widget()) is not None]
        rest = Button(f"Show {len(lines) - _MOST_LINES} more", "link")
        rest.align_edge("left")

        def show_all() -> None:
            for widget in hidden:
                widget.show()
            rest.hide()

        rest.clicked.connect(show_all)
        for widget in hidden:
            widget.hide()
        self.buttons["more"] = rest
        self.body.addWidget(rest, 0, Qt.AlignmentFlag.AlignLeft)

    def _button(self, row: WarningRow) -> Button | None:
        if not row.show and len(row.sentences) < 2:
            return None
        button = Button("Show them", "link")
        button.align_edge("right")
        button.setAccessibleName(f"Show them: {row.title}")
        button.setToolTip("The files, each with its reason." if row.show else "Every one of them.")
        button.clicked.connect(lambda: self._on_pressed(row))
        self.buttons[row.code] = button
        return button

    def _on_pressed(self, row: WarningRow) -> None:
        if row.show:
            self.files_asked.emit(row.show)
            return
        dialog = Dialog(row.title, "", self.window())
        for sentence in row.sentences[:_MOST_IN_DIALOG]:
            dialog.body.addWidget(Label(sentence, "body", wrap=True))
        dialog.add_button("Close", "secondary", default=True)
        dialog.open()
