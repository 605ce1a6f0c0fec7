"""Widgets side by side in columns of one width, as many as there is room for; the others go below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget


class Flow(QWidget):
    """A grid whose number of columns follows its width.

    Args:
        widgets: in reading order; hidden ones take no place.
        narrowest: least width of a column, in pixels.
        spacing: between columns and rows.
        widest: columns never grow beyond it; what is left stays empty at the right. 0: they take all of it.
    """

    def __init__(
        self,
        widgets: Sequence[QWidget] = (),
        narrowest: int = 240,
        spacing: int = 16,
        parent: QWidget | None = None,
        *,
        widest: int = 0,
    ) -> None:
        super().__init__(parent)
        self._widgets = list(widgets)
        self._narrowest, self._widest = narrowest, widest
        self._columns = 0
        self._placed: list[QWidget] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(spacing)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(0)
        self._arrange(max(1, len(self._widgets)))

    def set_widgets(self, widgets: Sequence[QWidget]) -> None:
        """Shows other widgets; the old ones are removed."""
        for widget in self._widgets:
            self._grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._widgets, self._placed = list(widgets), []
        self._arrange(self._fitting())

    def add(self, widget: QWidget) -> None:
        """One more, at the end."""
        self._widgets.append(widget)
        widget.setParent(self)
        widget.show()
        self._arrange(self._fitting())

    @property
    def widgets(self) -> list[QWidget]:
        """What is shown, in reading order."""
        return list(self._widgets)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Another width may give another number of columns."""
        super().resizeEvent(event)
        self._arrange(self._fitting())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As narrow as its widest widget: columns that do not fit any more go below, they do not hold the page open."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), self._least()), hint.height())

    def _least(self) -> int:
        """Least width of a column."""
        shown = self._shown()
        return max((max(one.minimumWidth(), one.minimumSizeHint().width()) for one in shown), default=0)

    def _shown(self) -> list[QWidget]:
        # A widget that has not been shown yet counts as hidden too; only what was hidden on purpose takes no place.
        explicit = Qt.WidgetAttribute.WA_WState_ExplicitShowHide
        return [widget for widget in self._widgets if not (widget.isHidden() and widget.testAttribute(explicit))]

    def _fitting(self) -> int:
        spacing = self._grid.spacing()
        shown = len(self._shown())
        most = max(1, shown)
        column = max(self._narrowest, self._least()) + spacing
        return max(1, min(most, (self.width() + spacing) // column))

    def _arrange(self, columns: int) -> None:
        shown = self._shown()
        if columns == self._columns and shown == self._placed:
            return
        for widget in self._widgets:
            self._grid.removeWidget(widget)
        for column in range(max(columns, self._columns) + 1):
            self._grid.setColumnStretch(column, 1 if column < columns and not self._widest else 0)
        if self._widest:
            self._grid.setColumnStretch(columns, 1)
        for place, widget in enumerate(shown):
            if self._widest:
                widget.setFixedWidth(self._widest)
            self._grid.addWidget(widget, place // columns, place % columns)
            widget.show()
        self._columns, self._placed = columns, shown
