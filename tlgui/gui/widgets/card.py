"""White cards on the ground, the thin line between things, and the fold that hides details."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollBar, QSizePolicy, QVBoxLayout, QWidget

from tlgui.gui.widgets.button import Button
from tlgui.gui.widgets.text import Label


class Divider(QFrame):
    """A 1 px line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "divider")
        self.setFixedHeight(1)


class ScrollEdge(Divider):
    """The line that rows go under: there only while some of them are. It keeps its place when it is not."""

    def __init__(self, bar: QScrollBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        self.hide()
        bar.valueChanged.connect(self._on_scrolled)

    def _on_scrolled(self, value: int) -> None:
        self.setVisible(value > 0)


class Card(QFrame):
    """What can be read or acted on: a head with title, caption and widgets at the right, and a body.

    Args:
        title: 15 px, semibold.
        caption: a short explanation beside it.
        flush: the body reaches the card's edges (tables).
        parent: the widget it lies in.
    """

    def __init__(self, title: str = "", caption: str = "", flush: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._title, self._caption = Label(title, "card-title", elide=True), Label(caption, "caption", elide=True)
        self._title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 8, 1, 12)
        outer.setSpacing(4)
        self._head = QWidget()
        self._head.setFixedHeight(28)
        self._head_row = QHBoxLayout(self._head)
        self._head_row.setContentsMargins(15, 0, 15, 0)
        self._head_row.setSpacing(8)
        self._head_row.addWidget(self._title)
        self._head_row.addWidget(self._caption, 1)
        outer.addWidget(self._head)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        self.body.setContentsMargins(0 if flush else 15, 0, 0 if flush else 15, 0)
        outer.addLayout(self.body)
        self._outer, self._flush, self._extras = outer, flush, 0
        self._show_head()

    def set_title(self, title: str) -> None:
        """Another title."""
        self._title.setText(title)
        self._show_head()

    def set_caption(self, caption: str) -> None:
        """Another caption."""
        self._caption.setText(caption)
        self._show_head()

    def title(self) -> str:
        """The title as read."""
        return self._title.text()

    def add_head(self, widget: QWidget) -> None:
        """Puts a widget at the right of the head; a link loses its padding there."""
        if isinstance(widget, Button) and widget.kind == "link":
            widget.align_edge("right")
        self._extras += 1
        self._head_row.addWidget(widget)
        self._show_head()

    def end_with_space(self) -> None:
        """Height beyond what the body needs stays empty at the bottom, instead of spreading its lines apart."""
        self._outer.addStretch(1)

    def _show_head(self) -> None:
        shown = bool(self._title.text() or self._caption.text() or self._extras)
        self._head.setVisible(shown)
        self._title.setVisible(bool(self._title.text()))
        top = 8 if shown else (0 if self._flush else 12)
        self._outer.setContentsMargins(1, top or 1, 1, 1 if self._flush else 12)
        self.setAccessibleName(self._title.text())


class Fold(QWidget):
    """A line that opens and closes what lies beneath it.

    Args:
        title: the words of the line.
        open: whether it begins open.
        parent: the widget it lies in.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, open: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._line = Button(title, "link", small=True)
        self._line.align_edge("left")
        self._line.clicked.connect(self._on_clicked)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._line)
        row.addStretch(1)
        column.addLayout(row)
        self._inside = QWidget()
        self.body = QVBoxLayout(self._inside)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(8)
        column.addWidget(self._inside)
        self._title = title
        self.set_open(open)

    @property
    def is_open(self) -> bool:
        """Whether what lies beneath is shown."""
        return not self._inside.isHidden()

    def set_open(self, open: bool) -> None:
        """Opens or closes it."""
        self._inside.setVisible(open)
        self._line.set_icon("chevron-down" if open else "chevron-right", leading=True)
        state = "open" if open else "closed"
        self._line.setAccessibleName(f"{self._title}, {state}")
        self._line.setToolTip("Hide this part" if open else "Show this part")

    def _on_clicked(self) -> None:
        self.set_open(not self.is_open)
        self.toggled.emit(self.is_open)
