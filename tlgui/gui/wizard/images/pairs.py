"""Pairs of images that show the same: they come by the page, and a list asks for what comes into view."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from tlgui.core.imaging_messages import Leak, LeaksListed, ListLeaks, Refused
from tlgui.gui.wizard.images.pair_words import pair_spoken

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

PAGE = 200  # pairs in one answer
_WHOLE = 1000  # pairs in one answer where all are gathered

AnyIndex = QModelIndex | QPersistentModelIndex
Receive = Callable[[LeaksListed], None]
_TEXT_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)


class PairSource(QObject):
    """Asks the imaging child for pairs; its answers come in the order of the questions.

    Args:
        bench: for the folder in hand.
        parent: its owner.
    """

    refused = Signal(object)
    """The `Refused` that came instead of pairs."""

    def __init__(self, bench: Workbench, parent: QObject) -> None:
        super().__init__(parent)
        self._bench = bench
        self._ticket: int | None = None
        self._open: deque[Receive | None] = deque()
        bench.imaging.answered.connect(self._on_answered)

    def ask(self, every: bool, offset: int, receive: Receive, count: int = PAGE) -> None:
        """Asks for some pairs.

        Args:
            every: also those that lie in one part and one class.
            offset: of the first one.
            receive: called with the answer, unless `forget` is called before.
            count: how many.
        """
        ticket = self._bench.scan_ticket
        if ticket is None:
            return
        if ticket != self._ticket:
            self._ticket = ticket
            self._open.clear()
        self._open.append(receive)
        self._bench.imaging.ask(ListLeaks(ticket=ticket, offset=offset, count=count, all=every))

    def gather(self, every: bool, receive: Callable[[list[Leak]], None]) -> None:
        """Asks for all pairs, page after page."""
        pairs: list[Leak] = []

        def take(answer: LeaksListed) -> None:
            pairs.extend(answer.leaks)
            if answer.leaks and len(pairs) < answer.total:
                self.ask(every, len(pairs), take, _WHOLE)
            else:
                receive(pairs)

        self.ask(every, 0, take, _WHOLE)

    def forget(self) -> None:
        """What was asked for is of no interest any more."""
        self._open = deque(None for _ in self._open)

    def _on_answered(self, answer: Any) -> None:
        if answer.ticket != self._ticket or not self._open:
            return
        if isinstance(answer, LeaksListed):
            receive = self._open.popleft()
            if receive is not None:
                receive(answer)
        elif isinstance(answer, Refused) and answer.request == "ListLeaks" and self._open.popleft() is not None:
            self.refused.emit(answer)


class PairModel(QAbstractListModel):
    """Places for every pair; which pair stands where is asked for when the place comes into view."""

    asked = Signal(int)
    """The pairs from here on are wanted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._total = 0
        self._pairs: dict[int, Leak] = {}
        self._asked: set[int] = set()

    def start_anew(self, offset: int, pairs: list[Leak], total: int) -> None:
        """Other pairs: so many, of which these from `offset` on are known."""
        self.beginResetModel()
        self._total = total
        self._pairs = dict(enumerate(pairs, offset))
        self._asked = {offset - offset % PAGE}
        self.endResetModel()

    def fill(self, offset: int, pairs: list[Leak]) -> None:
        """Pairs from `offset` on."""
        self._pairs.update(enumerate(pairs, offset))
        last = min(offset + len(pairs), self._total) - 1
        if last >= offset:
            self.dataChanged.emit(self.index(offset), self.index(last))

    def pair(self, row: int) -> Leak | None:
        """The pair of that row; `None` while it is not known."""
        known = self._pairs.get(row)
        start = row - row % PAGE
        if known is None and 0 <= row < self._total and start not in self._asked:
            self._asked.add(start)
            self.asked.emit(start)
        return known

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """See `QAbstractItemModel`."""
        return 0 if parent.isValid() else self._total

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The pair in words."""
        if role not in _TEXT_ROLES:
            return None
        pair = self.pair(index.row())
        return pair_spoken(pair) if pair is not None else "…"
