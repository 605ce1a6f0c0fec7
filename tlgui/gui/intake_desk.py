"""Decisions about the folder in hand, sent to the imaging child; each can be undone, and a refused one changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QObject, Signal

from tlgui.core import imaging_messages as messages
from tlgui.core.errors import UserError
from tlgui.core.intake import AnyChange, Change, changes_of
from tlgui.core.records import Repair

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_BEGUN = "This run has begun: its images stay as they are."
_ASKED = ("ChangeIntake", "UndoChange")


class IntakeDesk(QObject):
    """Decisions go out, and the new summary comes back to the draft by way of the `ScanDesk`.

    The page stays usable meanwhile: several decisions may be on their way, and are answered in their order. After a
    refusal the child is asked whether it still knows the folder; where it does not (it broke down), the folder is read
    again.

    Attributes:
        busy: whether an answer is on its way.
        reading: whether files are being read for it.
        problem: why the last decision was refused (`problem`, `remedy`, `details`), else `None`.
    """

    changed = Signal()
    """`busy`, `reading` or `problem` are others."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._ticket: int | None = None
        self._pending = 0
        self._probing = False
        self.reading = False
        self.problem: Any = None
        bench.imaging.answered.connect(self._on_answered)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._pending > 0

    def reason_against(self) -> str:
        """Why nothing can be decided now, as a sentence; "" when it can."""
        if self._bench.read_only:
            return _BEGUN
        if self._bench.scan_ticket is None:
            return "Choose a folder of images first."
        return "The images are still being read." if self._bench.draft.scanning else ""

    def change(self, *changes: Change) -> None:
        """Makes these decisions: one press, however many they are."""
        if changes and not self.reason_against():
            ticket = self._begin()
            wanted = cast("list[AnyChange]", list(changes))
            self._bench.imaging.ask(messages.ChangeIntake(ticket=ticket, changes=wanted))

    def undo(self, numbers: Collection[int]) -> None:
        """Takes decisions back, by their numbers in `ScanSummary.changes`."""
        if numbers and not self.reason_against():
            ticket = self._begin()
            self._bench.imaging.ask(messages.UndoChange(ticket=ticket, numbers=sorted(numbers)))

    def repair(self, repair: Repair) -> None:
        """What the press on a repair's button decides."""
        try:
            self.change(*changes_of(repair))
        except UserError as error:
            self._say(error)

    def forget(self) -> None:
        """Another folder is in hand: what was asked about the one before is of no interest any more."""
        self._ticket, self._pending, self._probing, self.reading = None, 0, False, False
        self._say(None)

    def call_off(self) -> None:
        """Stops the reading that a decision has begun: the folder is read again as it was before."""
        if self.busy:
            self._bench.scans.read_again()

    def _begin(self) -> int:
        ticket = self._bench.scan_ticket
        assert ticket is not None
        if ticket != self._ticket:
            self._ticket, self._pending = ticket, 0
        self._pending += 1
        self._say(None)
        return ticket

    def _say(self, problem: Any) -> None:
        self.problem = problem
        self.changed.emit()

    def _on_answered(self, answer: Any) -> None:
        if self._ticket is None or answer.ticket != self._ticket:
            return
        match answer:
            case messages.ScanProgress() if self.busy and not self.reading:
                self.reading = True
                self.changed.emit()
            case messages.Scanned() if self.busy:
                self._settle(None)
            case messages.Refused() if answer.request in _ASKED and self.busy:
                self._settle(answer)
                self._probe()
            case messages.ClassPaths() if self._probing:
                self._probing = False
            case messages.Refused() if answer.request == "ClassImages" and self._probing:
                self._probing = False
                problem = self.problem
                self._bench.scans.read_again()
                self._say(problem)

    def _settle(self, problem: Any) -> None:
        self._pending -= 1
        self.reading = False
        self._say(problem)

    def _probe(self) -> None:
        """Asks for a path that costs nothing, to learn whether the child still knows what it found."""
        summary = self._bench.draft.summary
        if summary is not None and summary.classes and self._ticket is not None:
            self._probing = True
            self._bench.imaging.class_images(self._ticket, summary.classes[0].name, 0, 1)
