"""Line icons by name, recoloured from the tokens and sharp at every screen ratio."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from tlgui.core.paths import resource
from tlgui.gui import theme

RATIOS = (1.0, 2.0, 3.0)
NO_ICON = QIcon()


def icon(name: str, size: int = 18, color: str = "muted", gap: int = 0) -> QIcon:
    """The icon for buttons and menus, with a paler form for disabled ones. Set it again when the theme changes."""
    drawn = QIcon()
    for ratio in RATIOS:
        drawn.addPixmap(pixmap(name, size, color, ratio, gap), QIcon.Mode.Normal)
        drawn.addPixmap(pixmap(name, size, "faint", ratio, gap), QIcon.Mode.Disabled)
    return drawn


def pixmap(name: str, size: int = 18, color: str = "muted", ratio: float = 1.0, gap: int = 0) -> QPixmap:
    """The icon as a picture.

    Args:
        name: a file of resources/icons, without its ending.
        size: side in logical pixels.
        color: the token it is drawn in.
        ratio: the window's device pixel ratio.
        gap: empty pixels to the right of it (Qt's sheets know no gap between icon and text).

    Raises:
        FileNotFoundError: there is no icon of that name.
    """
    return _drawn(name, size, theme.color(color).name(), ratio, gap)


@lru_cache(maxsize=1024)
def _drawn(name: str, size: int, hex_color: str, ratio: float, gap: int) -> QPixmap:
    picture = QPixmap(round((size + gap) * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", hex_color).encode()))
    renderer.render(painter, QRectF(0, 0, size * ratio, size * ratio))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")
