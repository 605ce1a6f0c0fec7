"""Buttons: one blue primary, plain secondaries, a red-worded danger, links, quiet ones, and icons alone."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from tlgui.gui import icons
from tlgui.gui.widgets.action import Action
from tlgui.gui.widgets.text import plain_button_text, repolish

TRAILING = frozenset({"forward", "chevron-down", "chevron-right"})
_INK = {"primary": "on_primary", "secondary": "text", "danger": "bad", "link": "primary", "quiet": "muted"}
_GAP = 4  # Qt leaves 4 px between icon and text; with these it is 8


class Button(QPushButton):
    """A button with words.

    Args:
        text: plain words; "&" is shown as it is. Left out when an action gives them.
        kind: primary, secondary, danger, link or quiet.
        icon: a name from `icons`; arrows stand behind the words, all else before them.
        small: 28 px high instead of 32 (primary: 36).
        action: the button shows and triggers it: words, icon, tooltip, reason, shortcut.
        parent: the widget it lies in.
    """

    def __init__(
        self, text: str = "", kind: str = "secondary", icon: str = "", small: bool = False,
        action: Action | None = None, parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._kind, self._icon_name, self._leading = kind, icon, False
        self._action: Action | None = None
        self.setProperty("kind", kind)
        self.setAutoDefault(False)
        self.setFixedHeight(28 if small else 36 if kind == "primary" else 32)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.set_text(text)
        if action is not None:
            self.set_action(action)
        self._draw_icon()

    @property
    def kind(self) -> str:
        """How it looks."""
        return self._kind

    @property
    def plain_text(self) -> str:
        """The words as the person reads them."""
        return self.text().replace("&&", "&")

    def set_text(self, text: str) -> None:
        """Other words."""
        self.setText(plain_button_text(text))
        self.setAccessibleName(text)

    def set_icon(self, name: str, leading: bool = False) -> None:
        """Another icon, or none (""); `leading` puts an arrow before the words too."""
        if (name, leading) != (self._icon_name, self._leading):
            self._icon_name, self._leading = name, leading
            self._draw_icon()

    def set_kind(self, kind: str) -> None:
        """Another look."""
        self._kind = kind
        self.setProperty("kind", kind)
        repolish(self)
        self._draw_icon()

    def align_edge(self, edge: str) -> None:
        """A link at a card's "left" or "right" edge loses the padding on that side."""
        self.setProperty("edge", edge)
        repolish(self)

    def set_action(self, action: Action | None) -> None:
        """Shows and triggers this action from now on."""
        if self._action is action:
            return
        if self._action is not None:
            self._action.changed.disconnect(self._on_action_changed)
            self.clicked.disconnect(self._on_clicked)
            self.removeAction(self._action)
        self._action = action
        if action is not None:
            action.changed.connect(self._on_action_changed)
            self.clicked.connect(self._on_clicked)
            self.addAction(action)
            self._on_action_changed()

    def action(self) -> Action | None:
        """The action it shows."""
        return self._action

    def _on_clicked(self) -> None:
        if self._action is not None:
            self._action.trigger()

    def _on_action_changed(self) -> None:
        action = self._action
        if action is None:
            return
        self.setText(action.text())
        self.setEnabled(action.isEnabled())
        self.setToolTip(action.toolTip())
        self.setAccessibleName(action.plain_text)
        self.setAccessibleDescription(action.reason)
        if action.isCheckable():
            self.setCheckable(True)
            self.setChecked(action.isChecked())
        if action.icon_name:
            self.set_icon(action.icon_name)

    def _draw_icon(self) -> None:
        trailing = self._icon_name in TRAILING and not self._leading and bool(self.text())
        if self.property("trailing") != trailing:
            self.setProperty("trailing", trailing)
            repolish(self)
        if trailing or not self._icon_name:
            self.setIcon(icons.NO_ICON)
            return
        side, gap = 16, _GAP if self.text() else 0
        self.setIcon(icons.icon(self._icon_name, side, _INK.get(self._kind, "muted"), gap))
        self.setIconSize(QSize(side + gap, side))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws the arrow behind the words."""
        super().paintEvent(event)
        if not self.property("trailing"):
            return
        ink = _INK.get(self._kind, "muted") if self.isEnabled() else "faint"
        inset = 30 if self._kind == "primary" else 25
        drawn = icons.pixmap(self._icon_name, 16, ink, self.devicePixelRatioF())
        QPainter(self).drawPixmap(self.width() - inset, (self.height() - 16) // 2, drawn)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """Icons are pixmaps: they are drawn anew in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icon()


class IconButton(Button):
    """An icon alone, 28 x 28.

    Args:
        icon: a name from `icons`.
        name: what it does, in words: accessible name and tooltip.
        action: triggered by it; its tooltip goes first.
        parent: the widget it lies in.
    """

    def __init__(self, icon: str, name: str, action: Action | None = None, parent: QWidget | None = None) -> None:
        self._name = name
        super().__init__("", "icon", icon, small=True, parent=parent)
        self.setFixedSize(28, 28)
        self.setAccessibleName(name)
        self.setToolTip(name)
        if action is not None:
            self.set_action(action)

    def _on_action_changed(self) -> None:
        super()._on_action_changed()
        self.setText("")
        self.setAccessibleName(self._name)
        self._draw_icon()
