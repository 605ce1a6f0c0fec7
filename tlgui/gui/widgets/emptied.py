"""Taking the widgets out of a layout."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QWidget


def empty(layout: QLayout) -> None:
    """Takes all widgets away for good; spacers stay.

    They are found as children of the widget that the layout is in, and not as items of the layout: items that Python held
    have crashed the window, some pages later.

    Args:
        layout: set on a widget, or added to a layout that is.
    """
    parent = layout.parentWidget()
    for widget in parent.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly) if parent else ():
        if layout.indexOf(widget) >= 0:
            layout.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
