"""One thing to know, with what can be done about it; and a card that holds several."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from tlgui.core.remedies import window_remedy
from tlgui.gui import icons
from tlgui.gui.theme import color
from tlgui.gui.widgets.button import Button
from tlgui.gui.widgets.card import Card, Divider, Fold
from tlgui.gui.widgets.text import Label
from tlgui.gui.widgets.words_row import WordsRow

ICONS = {"info": "info", "warn": "warning", "bad": "warning", "good": "check", "neutral": "info"}
_INK = {"info": "primary", "warn": "warn", "bad": "bad", "good": "good", "neutral": "muted"}
_FILL = {"info": "tint", "warn": "warn_bg", "bad": "bad_bg", "good": "surface", "neutral": "surface"}
_EDGE = {"info": "tint_line", "warn": "warn_line", "bad": "bad", "good": "line", "neutral": "line"}


class ToneIcon(QWidget):
    """An icon in the colour of its tone, on a tinted disc or bare; drawn at paint time."""

    def __init__(self, tone: str, icon: str = "", disc: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._disc = disc
        self.setFixedSize(QSize(28, 28) if disc else QSize(20, 20))
        self.set(tone, icon)

    def set(self, tone: str, icon: str = "") -> None:
        """Another tone, with its own icon unless one is named."""
        self._tone, self._icon = tone, icon or ICONS.get(tone, "info")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws disc and icon."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = 16 if self._disc else 18
        if self._disc:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color({"good": "good_bg", "neutral": "sunken"}.get(self._tone, _FILL[self._tone])))
            painter.drawEllipse(self.rect())
        drawn = icons.pixmap(self._icon, side, _INK[self._tone], self.devicePixelRatioF())
        painter.drawPixmap((self.width() - side) // 2, (self.height() - side) // 2, drawn)


class Banner(QFrame):
    """One thing to know, at full width.

    Args:
        tone: info, warn, bad or good ("good" is what a repair leaves behind: a tick on plain ground).
        title: what was found, bold.
        text: what it means.
        icon: another icon than the tone's.
        parent: the widget it lies in.
    """

    def __init__(
        self, tone: str = "info", title: str = "", text: str = "", icon: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._icon = ToneIcon(tone, icon)
        self._row = WordsRow(self._icon)
        column = QVBoxLayout(self)
        column.setContentsMargins(15, 9, 10, 9)
        column.setSpacing(4)
        column.addWidget(self._row)
        self._details: Fold | None = None
        self.set(tone, title, text, icon)

    @property
    def tone(self) -> str:
        """Its tone."""
        return self._tone

    def set(self, tone: str, title: str, text: str = "", icon: str = "") -> None:
        """Other words in another tone; buttons stay."""
        self._tone = tone
        self._icon.set(tone, icon)
        self._row.set(title, text)
        self.setAccessibleName(f"{title} {text}".strip())
        self.update()

    def add_button(self, button: Button) -> None:
        """A button at the right; several keep their order."""
        self._row.add_button(button)

    def clear_buttons(self) -> None:
        """Takes the buttons away."""
        self._row.clear_buttons()

    def show_error(self, error: object) -> None:
        """Says an error that has `problem` and `remedy` (and `details`, behind a fold)."""
        # A remedy may name what is typed; the window has words of its own for that.
        remedy = window_remedy(str(getattr(error, "code", "")), str(getattr(error, "remedy", "")))
        self.set("bad", str(getattr(error, "problem", "") or error), remedy)
        self._show_details(str(getattr(error, "details", "") or ""))
        if self.parent() is not None:  # else it would come up as a window of its own
            self.show()

    def _show_details(self, details: str) -> None:
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        if self._details is not None:
            layout.removeWidget(self._details)
            self._details.hide()
            self._details.deleteLater()
            self._details = None
        if details:
            self._details = Fold("Details")
            self._details.body.addWidget(Label(details, "mono", wrap=True))
            copy = Button("Copy the details", "link", "copy", small=True)
            copy.align_edge("left")
            copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(details))
            self._details.body.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
            self._details.setContentsMargins(28, 0, 0, 0)  # under the words, not under the icon
            layout.addWidget(self._details)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws the tinted ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = QColor(color(_EDGE[self._tone], 0.45 if self._tone == "bad" else 1.0))
        painter.setPen(edge)
        painter.setBrush(color(_FILL[self._tone]))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 9.5, 9.5)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """New colours are painted."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


class NoticeList(Card):
    """Several things to settle in one card, one line each."""

    def __init__(self, title: str = "", caption: str = "", parent: QWidget | None = None) -> None:
        super().__init__(title, caption, parent=parent)
        self._lines: list[QWidget] = []
        self.end_with_space()

    def add_row(self, tone: str, title: str, text: str = "", buttons: Iterable[Button] = ()) -> QWidget:
        """Adds a line: icon on a tinted disc, what was found, what it means, what can be done; returns its widget."""
        if self._lines:
            self._add(Divider())
        line = WordsRow(ToneIcon(tone, disc=True), spacing=14)
        line.set(title, text)
        for button in buttons:
            line.add_button(button)
        self._add(line)
        return line

    def clear(self) -> None:
        """Takes all lines away."""
        # Not taken out as items of the layout: such have crashed the window now and then, some pages later.
        for line in self._lines:
            self.body.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = []

    def _add(self, line: QWidget) -> None:
        self._lines.append(line)
        self.body.addWidget(line)
