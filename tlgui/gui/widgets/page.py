"""The frame of every page: head, a body that scrolls up and down only, and the foot with the one blue button."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractSlider,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from tlgui.gui.widgets.action import Action
from tlgui.gui.widgets.banner import Banner
from tlgui.gui.widgets.button import Button
from tlgui.gui.widgets.card import ScrollEdge
from tlgui.gui.widgets.reading_order import apply_reading_order
from tlgui.gui.widgets.text import Label

MARGIN = 28
# Between the sentence and the first card; what scrolls away ends a little below the words.
_UNDER_HEAD, _OVER_BODY = 8, 5
STACK_BELOW = 1100  # width of the window
PRIMARY_KEYS = "Ctrl+Return"  # the window presses the blue button with them, on every page


class Columns(QWidget):
    """A main and a side column that stand under one another where the window is narrow.

    Args:
        main_stretch: how the main column grows against a side column without fixed width.
        side_width: width of the side column; 0 lets it grow.
        keep_until: side by side from this window width on.
        side_first: the side column stands left (and first when stacked).
        parent: the widget it lies in.
    """

    def __init__(
        self, main_stretch: int = 1, side_width: int = 320, keep_until: int = STACK_BELOW, side_first: bool = False,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._side_width, self._keep_until = side_width, keep_until
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(16)
        self._main, self.main = _column()
        self._side, self.side = _column()
        order = [(self._side, 0 if side_width else 1), (self._main, main_stretch)]
        for widget, stretch in order if side_first else reversed(order):
            self._row.addWidget(widget, stretch)
        self._stack(False)

    @property
    def is_stacked(self) -> bool:
        """Whether the columns stand under one another now."""
        return self._row.direction() == QBoxLayout.Direction.TopToBottom

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        """Chooses by the window's width: the rail narrows at the same place."""
        super().resizeEvent(event)
        stack = self.window().width() < self._keep_until
        if stack != self.is_stacked:
            self._stack(stack)

    def _stack(self, stack: bool) -> None:
        way = QBoxLayout.Direction.TopToBottom if stack else QBoxLayout.Direction.LeftToRight
        self._row.setDirection(way)
        self._row.setSpacing(12 if stack else 16)
        if self._side_width:
            self._side.setMinimumWidth(0 if stack else self._side_width)
            self._side.setMaximumWidth(16777215 if stack else self._side_width)


class _Content(QWidget):
    """What scrolls: as high as its lines are in this width.

    A layout's own minimum counts wrapped words in the width that they would like best; where there is more room, the
    difference would stay empty below the last card.
    """

    def minimumSizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """The scroll area asks for the height in its width besides."""
        hint, layout = super().minimumSizeHint(), self.layout()
        return QSize(hint.width(), 0) if layout is not None and layout.hasHeightForWidth() else hint


class Page(QWidget):
    """What a person sees between rail and window edge.

    Subclasses set `name`, fill `body`, and give `set_primary` the action of the blue button.

    Args:
        title: of the page.
        sentence: what the page answers.
        fills: the body takes the whole height (pages with plots); otherwise spare height stays empty below.
        parent: the widget it lies in.
    """

    name: str = ""

    def __init__(self, title: str, sentence: str = "", *, fills: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self._hint_text = ""
        self._error_banner: Banner | None = None
        self._primary_action: Action | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._make_head(title, sentence))
        scrolled = self._make_scroll(fills)
        column.addWidget(ScrollEdge(scrolled.verticalScrollBar()))
        column.addWidget(scrolled, 1)
        column.addWidget(self._make_foot())

    # --- the three parts

    def _make_head(self, title: str, sentence: str) -> QWidget:
        head = QWidget()
        row = QHBoxLayout(head)
        row.setContentsMargins(MARGIN, 20, MARGIN, _UNDER_HEAD)
        row.setSpacing(16)
        words = QVBoxLayout()
        words.setSpacing(2)
        self._title = Label(title, "page-title", elide=True)
        self._sentence = Label(sentence, "page-sentence", wrap=True)
        words.addWidget(self._title)
        words.addWidget(self._sentence)
        row.addLayout(words, 1)
        self.head_right = QHBoxLayout()
        self.head_right.setSpacing(12)
        row.addLayout(self.head_right)
        return head

    def _make_scroll(self, fills: bool) -> QScrollArea:
        self.scroll_area = QScrollArea()
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = _Content()
        content.setProperty("role", "plain")
        column = QVBoxLayout(content)
        column.setContentsMargins(MARGIN, _OVER_BODY, MARGIN, 18)
        column.setSpacing(0)
        self.banner_area = QVBoxLayout()
        self.banner_area.setSpacing(8)
        self.body = QVBoxLayout()
        self.body.setSpacing(12)
        column.addLayout(self.banner_area)
        column.addLayout(self.body, 1 if fills else 0)
        if not fills:
            column.addStretch(1)
        self.scroll_area.setWidget(content)
        self._content_column = column
        self.scroll_area.verticalScrollBar().rangeChanged.connect(self._on_scroll_range_changed)
        return self.scroll_area

    def _on_scroll_range_changed(self, _lowest: int, highest: int) -> None:
        # The scroll bar stands in the margin: cards keep their width and end where the foot ends.
        taken = self.scroll_area.verticalScrollBar().sizeHint().width() if highest else 0
        self._content_column.setContentsMargins(MARGIN, _OVER_BODY, MARGIN - taken, 18)

    def _make_foot(self) -> QFrame:
        self.foot = QFrame()
        self.foot.setProperty("role", "foot")
        self.foot.setFixedHeight(64)
        row = QHBoxLayout(self.foot)
        row.setContentsMargins(MARGIN, 0, MARGIN, 0)
        row.setSpacing(8)
        self.foot_left = QHBoxLayout()
        self.foot_left.setSpacing(8)
        row.addLayout(self.foot_left)
        self._hint = Label("", "caption", wrap=True)
        self._hint.setMinimumWidth(0)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._hint, 1)
        row.addSpacing(12)
        self.primary = Button("", "primary")
        self.primary.hide()
        row.addWidget(self.primary)
        return self.foot

    # --- words

    def set_title(self, title: str) -> None:
        """Another title."""
        self._title.setText(title)
        self.setAccessibleName(title)

    def set_sentence(self, sentence: str) -> None:
        """Another sentence on what the page answers."""
        self._sentence.setText(sentence)

    def set_hint(self, text: str) -> None:
        """The words beside the blue button; while that is unavailable, its reason stands there instead."""
        self._hint_text = text
        self._show_hint()

    def hint(self) -> str:
        """The words beside the blue button as read."""
        return self._hint.text()

    def _show_hint(self) -> None:
        action = self._primary_action
        self._hint.setText(action.reason if action is not None and action.reason else self._hint_text)

    # --- the blue button

    def set_primary(self, action: Action | None) -> None:
        """Gives the blue button its action; None takes the button away."""
        if self._primary_action is action:
            return
        if self._primary_action is not None:
            self._primary_action.changed.disconnect(self._show_hint)
            self._primary_action.set_also("")
        self._primary_action = action
        self.primary.set_action(action)
        self.primary.setVisible(action is not None)
        if action is not None:
            action.set_also(PRIMARY_KEYS)
            action.changed.connect(self._show_hint)
        self._show_hint()

    def primary_action(self) -> Action | None:
        """What Ctrl+Return does on this page."""
        return self._primary_action

    # --- layout helpers

    def columns(
        self, main_stretch: int = 1, side_width: int = 320, keep_until: int = STACK_BELOW, side_first: bool = False
    ) -> tuple[QVBoxLayout, QVBoxLayout]:
        """Adds a main and a side column to the body; see `Columns`. Gives (main, side)."""
        columns = Columns(main_stretch, side_width, keep_until, side_first)
        self.body.addWidget(columns)
        return columns.main, columns.side

    def too_wide(self) -> int:
        """By how many pixels the body is wider than its viewport; 0 when all fits (tests ask this)."""
        content = self.scroll_area.widget()
        return max(0, content.minimumSizeHint().width() - self.scroll_area.viewport().width()) if content else 0

    # --- errors

    def show_error(self, error: object, buttons: Iterable[Button] = ()) -> Banner:
        """Says an error (`problem`, `remedy`, `details`) on top of the body, in place of the one before."""
        self.clear_error()
        banner = Banner("bad")
        banner.show_error(error)
        for button in buttons:
            banner.add_button(button)
        self.banner_area.addWidget(banner)
        banner.show()
        self.banner_area.setContentsMargins(0, 0, 0, 12)
        self._error_banner = banner
        self.scroll_area.verticalScrollBar().setValue(0)
        return banner

    def clear_error(self) -> None:
        """Takes the error away."""
        if self._error_banner is not None:
            self.banner_area.removeWidget(self._error_banner)
            self._error_banner.hide()
            self._error_banner.deleteLater()
            self._error_banner = None
            self.banner_area.setContentsMargins(0, 0, 0, 0)

    @property
    def error_banner(self) -> Banner | None:
        """The error that stands there now."""
        return self._error_banner

    # --- keyboard

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802  Qt's name
        """Tab goes in reading order; the order is set anew each time, since pages change while they are shown."""
        apply_reading_order(self)
        return super().focusNextPrevChild(forward)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  Qt's name
        """The order holds too for who comes in from the rail."""
        super().showEvent(event)
        apply_reading_order(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  Qt's name
        """Page Up and Page Down scroll where no control wants them."""
        steps = QAbstractSlider.SliderAction
        step = {Qt.Key.Key_PageUp: steps.SliderPageStepSub, Qt.Key.Key_PageDown: steps.SliderPageStepAdd}
        if (action := step.get(Qt.Key(event.key()))) is not None:
            self.scroll_area.verticalScrollBar().triggerAction(action)
            return
        super().keyPressEvent(event)

    # --- called by the window

    def entered(self) -> None:
        """The page is shown now."""

    def left(self) -> None:
        """Another page is shown now."""


def _column() -> tuple[QWidget, QVBoxLayout]:
    widget = QWidget()
    widget.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
    outer = QVBoxLayout(widget)
    outer.setContentsMargins(0, 0, 0, 0)
    inner = QVBoxLayout()
    inner.setSpacing(12)
    outer.addLayout(inner)
    outer.addStretch(1)
    return widget, inner
