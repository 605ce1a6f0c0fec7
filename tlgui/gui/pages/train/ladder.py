"""The layer ladder: every layer group from the head, near the answer, down to the stem, near the pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from tlgui.core.events import GroupState
from tlgui.gui.pages.train.rung import Columns, Rung, State, spoken_name
from tlgui.gui.theme import color, font


class Ladder(QWidget):
    """Rungs from head to stem: one Tab stop, arrow keys inside, a menu on each.

    Signals:
        plan_asked, move_asked: "unfreeze" or "freeze" so many layer groups, counted as the engine counts them: from the
            border between what learns and what is frozen; with the plan first, or at once.
        rate_asked: another learning rate for the layer group of that name.
    """

    plan_asked = Signal(str, int)
    move_asked = Signal(str, int)
    rate_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layer groups from the head to the stem")
        self._groups: list[GroupState] = []
        self.rungs: list[Rung] = []
        self._against = {"unfreeze": "", "freeze": "", "rate": ""}
        self._current = 0
        self.menu: QMenu | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(_Heading("near the answer", "share", "learning rate"))
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        column.addLayout(self._rows)
        self._foot = QHBoxLayout()
        self._foot.addWidget(_Heading("near the pixels"), 1)
        column.addLayout(self._foot)

    def add_at_foot(self, widget: QWidget) -> None:
        """Puts a widget under the lowest rung, at the right."""
        self._foot.addWidget(widget)

    def show_groups(
        self,
        groups: Sequence[GroupState],
        rates: Mapping[str, float],
        next_group: str | None,
        against_unfreeze: str = "",
        against_freeze: str = "",
        against_rate: str = "",
        over: bool = False,
    ) -> None:
        """Takes the state of the run.

        Args:
            groups: from stem to head, as events have them.
            rates: in use now, by group name; where one is missing a rung says "learning".
            next_group: the one that "Unfreeze next layers" would free, if any.
            against_unfreeze, against_freeze, against_rate: why it cannot be done now, or "".
            over: training has ended: no rate is in use any more.
        """
        self._against = {"unfreeze": against_unfreeze, "freeze": against_freeze, "rate": against_rate}
        if [group.name for group in groups] != [group.name for group in self._groups]:
            self._build(groups)
        self._groups = list(groups)
        total = sum(group.parameters for group in groups) or 1
        for rung, group in zip(self.rungs, reversed(groups), strict=True):
            state: State = "learning" if group.trainable else "next" if group.name == next_group else "frozen"
            rung.show_group(group, group.parameters / total, state, rates.get(group.name), over)

    def _build(self, groups: Sequence[GroupState]) -> None:
        for rung in self.rungs:
            self._rows.removeWidget(rung)
            rung.hide()
            rung.deleteLater()
        self.rungs = []
        for index, group in enumerate(reversed(groups)):
            rung = Rung(group.name, self)
            rung.moved.connect(lambda step, index=index: self._go(index + step))
            rung.menu_asked.connect(lambda index=index: self.open_menu(index))
            rung.installEventFilter(self)
            self._rows.addWidget(rung)
            self.rungs.append(rung)
        self._set_current(0)

    def eventFilter(self, watched: object, event: object) -> bool:  # noqa: N802
        """The rung that was focused last is the one that Tab comes back to."""
        if isinstance(event, QFocusEvent) and event.gotFocus() and isinstance(watched, Rung) and watched in self.rungs:
            self._set_current(self.rungs.index(watched))
        return False

    def _set_current(self, index: int) -> None:
        self._current = index
        for number, rung in enumerate(self.rungs):
            rung.setFocusPolicy(Qt.FocusPolicy.StrongFocus if number == index else Qt.FocusPolicy.ClickFocus)

    def _go(self, index: int) -> None:
        index = min(max(0, index), len(self.rungs) - 1)
        self._set_current(index)
        self.rungs[index].setFocus(Qt.FocusReason.TabFocusReason)

    # -- menu ----------------------------------------------------------------------------------------------------

    def open_menu(self, index: int) -> None:
        """Opens what can be done with a rung, without waiting for the answer."""
        rung, menu = self.rungs[index], QMenu(self)
        place = len(self._groups) - 1 - index  # counted from the stem
        first = next((i for i, group in enumerate(self._groups) if group.trainable), len(self._groups))
        name = spoken_name(rung.layer_group)
        if place < first:
            self._add_move(
                menu, "unfreeze", f"Unfreeze to here… ({name} and every group above it learn)", first - place
            )
        elif place == len(self._groups) - 1:
            menu.addAction("The head always learns").setEnabled(False)
        else:
            meaning = f"Freeze from here… ({name} and every group below it stay as they are)"
            self._add_move(menu, "freeze", meaning, place - first + 1)
        if place >= first:
            menu.addSeparator()
            rate = self._add(menu, "Learning rate…", "rate")
            rate.triggered.connect(lambda: self.rate_asked.emit(rung.layer_group))
        self._add_reasons(menu, ("unfreeze",) if place < first else ("freeze", "rate"))
        menu.aboutToHide.connect(menu.deleteLater)
        self.menu = menu
        menu.destroyed.connect(lambda: self._forget(menu))
        menu.popup(rung.mapToGlobal(QPoint(34, rung.height() - 2)))

    def _forget(self, menu: QMenu) -> None:
        if self.menu is menu:
            self.menu = None

    def _add_move(self, menu: QMenu, kind: str, text: str, groups: int) -> None:
        self._add(menu, text, kind).triggered.connect(lambda: self.plan_asked.emit(kind, groups))
        at_once = self._add(menu, f"{kind.capitalize()} at once, without the plan", kind)
        at_once.triggered.connect(lambda: self.move_asked.emit(kind, groups))

    def _add(self, menu: QMenu, text: str, action: str) -> QAction:
        made = menu.addAction(text.replace("&", "&&"))
        made.setEnabled(not self._against[action])
        return made

    def _add_reasons(self, menu: QMenu, actions: Sequence[str]) -> None:
        """Each reason why something above cannot be done, once."""
        for reason in dict.fromkeys(self._against[action] for action in actions):
            if reason:
                menu.addAction(reason.replace("&", "&&")).setEnabled(False)


class _Heading(QWidget):
    """Captions that stand exactly over the columns of the rungs."""

    def __init__(self, name: str, share: str = "", state: str = "") -> None:
        super().__init__()
        self._name, self._share, self._state = name, share, state
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(236 if self._state else 130, 20)

    minimumSizeHint = sizeHint  # noqa: N815

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setFont(font(12))
        painter.setPen(color("muted"))
        columns, height = Columns.of(self.width()), self.height()
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(columns.name, 0, 120, height), int(Qt.AlignmentFlag.AlignLeft | middle), self._name)
        share = QRectF(columns.bar, 0, columns.share - columns.bar, height)
        painter.drawText(share, int(Qt.AlignmentFlag.AlignHCenter | middle), self._share)
        painter.drawText(QRectF(0, 0, columns.state, height), int(Qt.AlignmentFlag.AlignRight | middle), self._state)
