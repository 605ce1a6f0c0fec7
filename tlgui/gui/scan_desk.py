"""From a folder to the draft: asks the imaging child, and lets nothing of another folder arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from PySide6.QtCore import QObject

from tlgui.core import imaging_messages as messages
from tlgui.core.run_spec import RunSpec

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

Prepared = Callable[[messages.RunPrepared | messages.Refused], None]


class _Preparing(NamedTuple):
    """A run folder that is being made, from the folder of a ticket."""

    ticket: int
    answer: Prepared


class ScanDesk(QObject):
    """Reading folders of images.

    Attributes:
        ticket: of the folder in hand; asks for `class_images` and the like are made with it. `None`: no folder.
        from_demo: whether the folder in hand is that of the demo, and training begins as soon as it is read.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self.ticket: int | None = None
        self.from_demo = False
        self._demo_ticket: int | None = None
        self._preparing: _Preparing | None = None
        bench.imaging.answered.connect(self._on_answered)
        bench.imaging.failed.connect(self._on_failed)
        bench.draft.split_changed.connect(self._on_split_changed)

    @property
    def drawing(self) -> bool:
        """Whether the demo images are being drawn."""
        return self._demo_ticket is not None

    def open_folder(self, path: Path, keep: bool = False) -> None:
        """Begins to read a folder; see `Workbench.open_folder`."""
        self.from_demo = False
        self._read(path, keep)
        self._bench.show("images")

    def open_demo(self) -> None:
        """Draws, reads and trains; see `Workbench.open_demo`."""
        if self.drawing:
            return
        self._forget()
        draft = self._bench.draft
        draft.clear()
        draft.scanning = True
        self.from_demo = True
        self._demo_ticket = self._bench.imaging.draw_demo()
        draft.changed.emit()
        self._bench.show("images")

    def cancel(self) -> None:
        """Stops reading; the draft holds no folder after that."""
        self._forget()
        draft = self._bench.draft
        draft.data, draft.listed, draft.summary, draft.scan_error, draft.scanning = None, None, None, None, False
        draft.changed.emit()

    def release(self) -> None:
        """Another run is shown: what was found in the folder in hand is of no use any more."""
        self._forget()
        self._bench.draft.scanning = False

    def prepare(self, data: Path, spec: RunSpec, answer: Prepared) -> None:
        """Makes a run folder from the folder in hand, which may be left meanwhile.

        Args:
            data: the folder of images.
            spec: as asked for.
            answer: called once.
        """
        assert self.ticket is not None
        self._preparing = _Preparing(self.ticket, answer)
        self._bench.imaging.prepare(self.ticket, data, spec, None)

    def _read(self, path: Path, keep: bool) -> None:
        self._forget()
        draft = self._bench.draft
        if not keep:
            draft.clear()
        draft.data, draft.listed, draft.summary, draft.scan_error, draft.scanning = path, None, None, None, True
        self._bench.thumbnails.forget_folder(path)  # a file may be another one by now
        self.ticket = self._bench.imaging.scan(path, draft.split_fractions, draft.training.seed)
        draft.changed.emit()

    def _forget(self) -> None:
        left = (self.ticket, self._demo_ticket)
        self.ticket = self._demo_ticket = None
        self.from_demo = False
        for ticket in left:
            self._let_go(ticket)
        if (folder := self._bench.draft.data) is not None:
            # Those of other folders, on the cards of earlier runs say, go on.
            self._bench.thumbnails.forget_folder(folder)

    def _let_go(self, ticket: int | None) -> None:
        """Forgets a ticket, unless it is needed still: a run folder that is being made would never be answered for."""
        needed = (self.ticket, self._preparing.ticket if self._preparing is not None else None)
        if ticket is not None and ticket not in needed:
            self._bench.imaging.forget(ticket)

    def _on_answered(self, answer: Any) -> None:
        if isinstance(answer, messages.RunPrepared) or (
            isinstance(answer, messages.Refused) and answer.request == "Prepare"
        ):
            self._tell_prepared(answer)
        elif answer.ticket == self._demo_ticket is not None:
            self._on_demo(answer)
        elif answer.ticket == self.ticket is not None:
            self._on_scan(answer)

    def _tell_prepared(self, answer: messages.RunPrepared | messages.Refused) -> None:
        made = self._preparing
        if made is None or answer.ticket != made.ticket:
            return
        self._preparing = None
        self._let_go(made.ticket)
        made.answer(answer)

    def _on_demo(self, answer: Any) -> None:
        match answer:
            case messages.ScanProgress():
                self._bench.scan_progressed.emit(answer.done, answer.total, answer.seconds_left)
            case messages.DemoDrawn():
                self._read(Path(answer.folder), keep=True)
                self.from_demo = True
            case messages.Refused():
                self._refused(answer)

    def _on_scan(self, answer: Any) -> None:
        draft = self._bench.draft
        match answer:
            case messages.ScanProgress():
                self._bench.scan_progressed.emit(answer.done, answer.total, answer.seconds_left)
            case messages.Listed():
                draft.listed = answer
                draft.changed.emit()
            case messages.Scanned():
                draft.summary, draft.scanning = answer.summary, False
                draft.changed.emit()
                if self.from_demo:
                    self.from_demo = False
                    self._bench.start_training()
            case messages.SplitCounted() if draft.summary is not None:
                draft.summary = _with_counts(draft.summary, answer.classes)
                draft.changed.emit()
            case messages.Refused() if answer.request in ("ScanFolder", "DrawDemo"):
                self._refused(answer)
            case messages.Refused() if answer.request == "Resplit" and draft.data is not None:
                # The child died, and what it had found with it: the counts must be those of the shares that are asked for.
                self._read(draft.data, keep=True)

    def _refused(self, error: Any) -> None:
        self.from_demo = False
        self._demo_ticket = None
        draft = self._bench.draft
        draft.scan_error, draft.scanning = error, False
        draft.changed.emit()

    def _on_failed(self, error: Any) -> None:
        """The imaging child is gone or cannot start."""
        if self._bench.draft.scanning:
            self._refused(error)
        if self._preparing is not None:
            refused = messages.Refused(
                ticket=self._preparing.ticket,
                request="Prepare",
                problem=error.problem,
                remedy=error.remedy,
                details=getattr(error, "details", ""),
                code=getattr(error, "code", ""),
            )
            self._tell_prepared(refused)

    def _on_split_changed(self) -> None:
        draft = self._bench.draft
        if self.ticket is not None and draft.summary is not None:
            self._bench.imaging.resplit(self.ticket, draft.split_fractions, draft.training.seed)


def _with_counts(summary: messages.ScanSummary, counts: list[messages.ClassCount]) -> messages.ScanSummary:
    samples = {row.name: row.samples for row in summary.classes}
    classes = [msgspec.structs.replace(row, samples=row.samples or samples.get(row.name, [])) for row in counts]
    return msgspec.structs.replace(summary, classes=classes)
