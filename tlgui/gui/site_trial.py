"""Which sites the images in hand are from: asked of the imaging child for each way in which they could be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Refused, ScanSummary, SitesTried, TrySites

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_OTHERWISE = "Tell the sites in another way."


class SiteTrial(QObject):
    """One way at a time; of several that were asked for, the last one counts.

    Attributes:
        found: the answer to what was asked last; `None` while it is awaited, or without images.
        columns: of the label tables of these images, as far as is known.
    """

    changed = Signal()

    def __init__(self, bench: Workbench, parent: QObject) -> None:
        super().__init__(parent)
        self._bench = bench
        self._asked: tuple[int, ScanSummary, str] | None = None
        self._open = 0  # requests that are not answered yet: answers come in their order
        self.found: SitesTried | None = None
        self.columns: list[str] = []
        bench.imaging.answered.connect(self._on_answered)
        bench.imaging.failed.connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._open > 0

    def look(self, by: str) -> None:
        """Asks; nothing happens where the answer is known or awaited already.

        Args:
            by: as in `Sites`; "" = in whichever way it can be told.
        """
        ticket, summary = self._bench.scan_ticket, self._bench.draft.summary
        if ticket is None or summary is None:
            self._asked, self._open, self.found, self.columns = None, 0, None, []
            return
        before, self._asked = self._asked, (ticket, summary, by)
        if before is not None and before[0] == ticket and before[1] is summary and before[2] == by:
            return
        if before is None or before[0] != ticket:
            self._open, self.columns = 0, []
        self._open += 1
        self.found = None
        self._bench.imaging.ask(TrySites(ticket=ticket, by=by))

    def keep(self, by: str) -> None:
        """The answer is that to a way which was found by itself: it need not be asked again."""
        if self._asked is not None and self.found is not None and self.found.by == by:
            self._asked = (self._asked[0], self._asked[1], by)

    def _on_answered(self, answer: Any) -> None:
        if not self._open or self._asked is None or answer.ticket != self._asked[0]:
            return
        if isinstance(answer, SitesTried):
            self._take(answer)
        elif isinstance(answer, Refused) and answer.request == "TrySites":
            self._take(self._refused(answer))

    def _take(self, answer: SitesTried) -> None:
        self._open -= 1
        self.columns = answer.columns
        if not self._open:  # else a later choice is on its way
            self.found = answer
        self.changed.emit()

    def _refused(self, error: Refused | UserError) -> SitesTried:
        assert self._asked is not None
        ticket, _, by = self._asked
        return SitesTried(
            ticket=ticket,
            by=by or "folder",
            columns=self.columns,
            problem=error.problem,
            remedy=error.remedy,
            code=error.code,
        )

    def _on_failed(self, error: UserError) -> None:
        """The child cannot start; it is asked again for other images, or in another way."""
        if self._open:
            self._open = 1
            self._take(self._refused(error))


def remedy_words(code: str, remedy: str) -> str:
    """The remedy in the window's words, where that of the command line names its options."""
    return _OTHERWISE if code == "no_sites" else remedy
