"""The ring around the focused control: 2 px, outside of it, and only while a person moves by keyboard."""

from __future__ import annotations

import atexit
import weakref

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from tlgui.gui.theme import color
from tlgui.gui.widgets.painted import Painted, painter_for

_OUT = 4
_KEYS = frozenset(
    {
        Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right,
        Qt.Key.Key_F6, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
    }
)  # fmt: skip
_MOVES = (
    QEvent.Type.Move,
    QEvent.Type.Resize,
    QEvent.Type.Show,
    QEvent.Type.Hide,
    QEvent.Type.DynamicPropertyChange,
)


_rings: weakref.WeakSet[FocusRing] = weakref.WeakSet()


@atexit.register  # before PySide's own, which was registered earlier and destroys the widgets
def _let_all_go() -> None:
    for ring in list(_rings):
        ring.let_go()


class FocusRing(Painted):
    """One per window: a transparent sibling that follows the focused control.

    QSS outlines are drawn around the text and QFocusFrame is masked to slivers, hence an own widget.

    Args:
        window: the window (or dialog) that it lies over.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._window = window
        self._target: QWidget | None = None
        self._watched: list[QWidget] = []
        self._by_keyboard = False
        self.hide()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus_changed)
        app.aboutToQuit.connect(self.let_go)
        window.installEventFilter(self)
        _rings.add(self)

    @property
    def target(self) -> QWidget | None:
        """The control it stands around; None while it is hidden."""
        return None if self.isHidden() else self._target

    def let_go(self) -> None:
        """Watches nothing any more. Called at the end: PySide must not hand half-destroyed widgets to a filter."""
        for widget in (self._window, *self._watched):
            if isValid(widget) and isValid(self):
                widget.removeEventFilter(self)
        self._watched = []
        self._target = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        """Learns how the person moves, and follows the control. Only the control and what it lies in are watched."""
        kind = event.type()
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in _KEYS:
                self._set_by_keyboard(True)
        elif kind == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            # Not the Tab reason: Qt gives it too when a focused button is disabled. The Tab key itself was seen above.
            if event.reason() == Qt.FocusReason.ShortcutFocusReason:
                self._by_keyboard = True
            elif event.reason() == Qt.FocusReason.MouseFocusReason:
                self._by_keyboard = False
        elif kind == QEvent.Type.MouseButtonPress:
            self._set_by_keyboard(False)
        elif kind in _MOVES:
            self._follow()
        return False

    def _set_by_keyboard(self, by_keyboard: bool) -> None:
        if by_keyboard != self._by_keyboard:
            self._by_keyboard = by_keyboard
            self._follow()

    def _on_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        if not isValid(self):
            return
        for widget in self._watched:
            if isValid(widget):
                widget.removeEventFilter(self)
        inside = now is not None and now is not self._window and self._window.isAncestorOf(now)
        self._target = now if inside and now is not None and now.window() is self._window.window() else None
        self._watched = []
        above = self._target
        while above is not None and above is not self._window:
            above.installEventFilter(self)
            self._watched.append(above)
            above = above.parentWidget()
        self._follow()

    def _follow(self) -> None:
        target = self._target
        if target is None or not self._by_keyboard or not target.isVisible() or target.property("no_ring"):
            self.hide()
            return
        inner = target.property("ring_rect")
        inside = inner if isinstance(inner, QRect) else target.rect()
        where = QRect(target.mapTo(self._window, inside.topLeft()), inside.size())
        self.setGeometry(where.adjusted(-_OUT, -_OUT, _OUT, _OUT))
        self._clip_to_scroll(target)
        self.raise_()
        self.show()
        self.update()

    def _clip_to_scroll(self, target: QWidget) -> None:
        # Inside a scroll area the ring must not lie over what stands around the viewport.
        above = target.parentWidget()
        while above is not None and above is not self._window:
            if above.objectName() == "qt_scrollarea_viewport" and above is not target:
                visible = QRect(above.mapTo(self._window, QPoint(0, 0)), above.size())
                visible = visible.adjusted(-_OUT, 0, _OUT, 0).translated(-self.pos())
                self.setMask(QRegion(visible & self.rect()))
                return
            above = above.parentWidget()
        self.clearMask()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws the ring."""
        painter = painter_for(self)
        painter.setPen(QPen(color("primary"), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 10, 10)
