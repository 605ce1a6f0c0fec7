"""Labels that show any name as it is, wrap anywhere when they must, and never push a page wider than its window."""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

_LEAST_WRAPPED, _LEAST_ELIDED = 60, 40


def plain_tooltip(text: str) -> str:
    """The text so that a tooltip shows it letter by letter, even where it looks like mark-up (a folder named "<b>")."""
    if not GuiQt.mightBeRichText(text):
        return text
    return f"<qt>{html.escape(text)}</qt>".replace("\n", "<br>")


def plain_button_text(text: str) -> str:
    """The text for a button, a menu or a QAction, where a lone "&" would vanish and underline the next letter."""
    return text.replace("&", "&&")


class Label(QLabel):
    """A text in one of the program's kinds.

    Args:
        text: shown as it is; never read as mark-up.
        kind: start-title, page-title, page-sentence, card-title, body, strong, muted, caption, caption-strong,
            figure, mono.
        wrap: breaks lines at words, and inside a word that alone is too long.
        elide: one line that ends in "…" where the room does; the whole text is then the tooltip.
    """

    def __init__(
        self, text: str = "", kind: str = "body", *, wrap: bool = False, elide: bool = False,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("kind", kind)
        self._wrap, self._elide = wrap, elide and not wrap
        self._own_tooltip = ""
        policy = self.sizePolicy()
        if wrap:
            policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
            policy.setHeightForWidth(True)
        elif elide:
            policy.setHorizontalPolicy(QSizePolicy.Policy.Expanding)
        self.setSizePolicy(policy)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802  Qt's name
        """Shows another text."""
        super().setText(text)
        self.setAccessibleName(text)
        self._show_whole_as_tooltip()

    def set_tone(self, tone: str) -> None:
        """Colours the text: "", good, info, warn, bad. Say the state in words as well."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            repolish(self)

    def setToolTip(self, text: str) -> None:  # noqa: N802  Qt's name
        """An own tooltip goes before the whole text of an elided label."""
        self._own_tooltip = text
        super().setToolTip(plain_tooltip(text))

    def hasHeightForWidth(self) -> bool:  # noqa: N802  Qt's name
        """Wrapped labels grow downward."""
        return self._wrap

    def heightForWidth(self, width: int) -> int:  # noqa: N802  Qt's name
        """The height of the wrapped text in this width."""
        if not self._wrap:
            return -1
        return self._laid_out(max(1, width - self._sides()))[1] + self._ends()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """The text on one line; a wrapped one at most 480 px wide."""
        self.ensurePolished()
        width = self.fontMetrics().horizontalAdvance(self.text()) + 1
        if self._wrap:
            width = min(480, width)
            return QSize(width + self._sides(), self.heightForWidth(width + self._sides()))
        return QSize(width + self._sides(), self.fontMetrics().height() + self._ends())

    def minimumSizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Small where the text may wrap or elide."""
        hint = self.sizeHint()
        if self._wrap:
            return QSize(min(hint.width(), _LEAST_WRAPPED), self.fontMetrics().height() + self._ends())
        if self._elide:
            return QSize(min(hint.width(), _LEAST_ELIDED), hint.height())
        return hint

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws what fits."""
        if not (self._wrap or self._elide):
            super().paintEvent(event)
            return
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        inside = self.contentsRect()
        if self._elide:
            shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, inside.width())
            painter.drawText(inside, int(self.alignment()) | int(Qt.TextFlag.TextSingleLine), shown)
            return
        layout, height = self._laid_out(inside.width())
        centred = self.alignment() & Qt.AlignmentFlag.AlignVCenter
        top = inside.top() + max(0.0, (inside.height() - height) / 2) if centred else float(inside.top())
        layout.draw(painter, QPointF(inside.left(), top), [], QRectF())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        """An elided text offers itself whole as a tooltip."""
        super().resizeEvent(event)
        self._show_whole_as_tooltip()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """Another font asks for another height."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def _show_whole_as_tooltip(self) -> None:
        if self._elide and not self._own_tooltip:
            cut = self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width()
            super().setToolTip(plain_tooltip(self.text()) if cut else "")

    def _sides(self) -> int:
        margins = self.contentsMargins()
        return margins.left() + margins.right()

    def _ends(self) -> int:
        margins = self.contentsMargins()
        return margins.top() + margins.bottom()

    def _laid_out(self, width: int) -> tuple[QTextLayout, int]:
        self.ensurePolished()
        # A number and its "%" stay on one line.
        layout = QTextLayout(self.text().replace("\n", "\u2028").replace(" %", "\xa0%"), self.font())
        option = QTextOption(self.alignment() & Qt.AlignmentFlag.AlignHorizontal_Mask)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        height = 0.0
        while True:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(width)
            line.setPosition(QPointF(0, height))
            height += line.height()
        layout.endLayout()
        return layout, max(round(height + 0.49), self.fontMetrics().height())


def repolish(widget: QWidget) -> None:
    """Lets the style sheet see a changed property."""
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()
