"""From a folder to the draft: asks the imaging child, and lets nothing of another folder arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from PySide6.QtCore import QObject

from tlgui.core import imaging_messages as messages
from tlgui.core.intake import SetTable
from tlgui.core.run_spec import RunSpec

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

Prepared = Callable[[messages.RunPrepared | messages.Refused], None]
Told = Callable[[messages.ScanProgress], None]


class _Preparing(NamedTuple):
    """A run folder that is being made, from the folder of a ticket."""

    ticket: int
    answer: Prepared
    told: Told | None


class ScanDesk(QObject):
    """Reading folders of images.

    Attributes:
        ticket: of the folder in hand; asks for `class_images` and the like are made with it. `None`: no folder.
        from_demo: whether the folder in hand is that of the demo, and training begins as soon as it is read.
        unpacking: the archive that is being unpacked, to be read after that; else `None`.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self.ticket: int | None = None
        self.from_demo = False
        self.unpacking: Path | None = None
        self._demo_ticket: int | None = None
        self._unpack_ticket: int | None = None
        self._table = ""
        self._preparing: _Preparing | None = None
        bench.imaging.answered.connect(self._on_answered)
        bench.imaging.failed.connect(self._on_failed)
        bench.draft.split_changed.connect(self._on_split_changed)

    @property
    def drawing(self) -> bool:
        """Whether the demo images are being drawn."""
        return self._demo_ticket is not None

    @property
    def preparing(self) -> bool:
        """Whether a run folder is being made."""
        return self._preparing is not None

    def open_folder(self, path: Path, keep: bool = False, table: str = "") -> None:
        """Begins to read a folder; see `Workbench.open_folder`."""
        self.from_demo = False
        self._read(path, keep)
        self._table = table
        self._bench.show("images")

    def open_archive(self, path: Path) -> None:
        """Unpacks, then reads; see `Workbench.open_archive`."""
        self._begin_beside()
        self.unpacking = path
        self._unpack_ticket = self._bench.imaging.unpack(path)
        self._bench.draft.changed.emit()
        self._bench.show("images")

    def read_again(self) -> None:
        """Reads the folder in hand anew; the other answers of the wizard stay."""
        if (data := self._bench.draft.data) is not None:
            self._read(data, keep=True)

    def open_demo(self) -> None:
        """Draws, reads and trains; see `Workbench.open_demo`."""
        if self.drawing:
            return
        self._begin_beside()
        self.from_demo = True
        self._demo_ticket = self._bench.imaging.draw_demo()
        self._bench.draft.changed.emit()
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

    def prepare(
        self,
        data: Path,
        spec: RunSpec,
        weights_file: str,
        answer: Prepared,
        target: Path | None = None,
        told: Told | None = None,
    ) -> None:
        """Makes a run folder from the folder in hand, which may be left meanwhile.

        Args:
            data: the folder of images.
            spec: as asked for.
            weights_file: the person's own weights, or "".
            answer: called once.
            target: folder of the new site that the run adapts to; `None` = none.
            told: called while the images of the new site are read.
        """
        assert self.ticket is not None
        self._preparing = _Preparing(self.ticket, answer, told)
        before = self._bench.draft.continues
        earlier = before.earlier if before is not None else None
        self._bench.imaging.prepare(self.ticket, data, spec, None, weights_file, target, before is not None, earlier)

    def stop_preparing(self) -> None:
        """The run folder is not wanted any more; nobody is answered. The folder in hand has to be read anew after that."""
        made, self._preparing = self._preparing, None
        if made is None:
            return
        if made.ticket == self.ticket:
            self.release()
        else:
            self.let_go(made.ticket)

    def let_go(self, ticket: int | None) -> None:
        """Forgets a ticket, unless it is needed still: run folders that are being made would never be answered for."""
        made = self._preparing.ticket if self._preparing is not None else None
        bench = self._bench
        if ticket is not None and ticket not in (self.ticket, made, bench.compare.ticket, bench.sites.ticket):
            bench.imaging.forget(ticket)

    def _begin_beside(self) -> None:
        """The folder that will be read is made first."""
        self._forget()
        self._bench.draft.clear()
        self._bench.draft.scanning = True

    def _read(self, path: Path, keep: bool) -> None:
        self._forget()
        draft = self._bench.draft
        if not keep:
            draft.clear()
        draft.data, draft.listed, draft.summary, draft.scan_error, draft.scanning = path, None, None, None, True
        self._bench.thumbnails.forget_folder(path)  # a file may be another one by now
        fewest = 1 if draft.continues is not None else 2
        self.ticket = self._bench.imaging.scan(path, draft.split_fractions, draft.training.seed, fewest)
        draft.changed.emit()

    def _forget(self) -> None:
        left = (self.ticket, self._demo_ticket, self._unpack_ticket)
        self.ticket = self._demo_ticket = self._unpack_ticket = None
        self.from_demo, self.unpacking, self._table = False, None, ""
        self._bench.intake.forget()
        for ticket in left:
            self.let_go(ticket)
        if (folder := self._bench.draft.data) is not None:
            # Those of other folders, on the cards of earlier runs say, go on.
            self._bench.thumbnails.forget_folder(folder)

    def _on_answered(self, answer: Any) -> None:
        if isinstance(answer, messages.RunPrepared) or (
            isinstance(answer, messages.Refused) and answer.request == "Prepare"
        ):
            self._tell_prepared(answer)
        elif isinstance(answer, messages.ScanProgress) and self._tells_of(answer.ticket):
            self._tell(answer)
        elif answer.ticket in (self._demo_ticket, self._unpack_ticket):
            self._on_made(answer)
        elif answer.ticket == self.ticket is not None:
            self._on_scan(answer)

    def _tells_of(self, ticket: int) -> bool:
        """Whether files are read for a run folder, and not for the folder in hand."""
        return self._preparing is not None and ticket == self._preparing.ticket

    def _tell(self, progress: messages.ScanProgress) -> None:
        made = self._preparing
        if made is not None and made.told is not None:
            made.told(progress)

    def _tell_prepared(self, answer: messages.RunPrepared | messages.Refused) -> None:
        made = self._preparing
        if made is None or answer.ticket != made.ticket:
            return
        self._preparing = None
        self.let_go(made.ticket)
        made.answer(answer)

    def _on_made(self, answer: Any) -> None:
        """The demo images, or the content of an archive."""
        match answer:
            case messages.ScanProgress():
                self._bench.scan_progressed.emit(answer.done, answer.total, answer.seconds_left)
            case messages.DemoDrawn():
                self._read(Path(answer.folder), keep=True)
                self.from_demo = True
            case messages.Unpacked():
                self._read(Path(answer.folder), keep=True)
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
                draft.summary, draft.scanning, draft.scan_error = answer.summary, False, None
                draft.changed.emit()
                self._go_on()
            case messages.SplitCounted() if draft.summary is not None:
                draft.summary = answer.summary or _with_counts(draft.summary, answer.classes)
                draft.changed.emit()
            case messages.Refused() if answer.request == "ScanFolder":
                self._refused(answer)
                self._take_table()
            case messages.Refused() if answer.request == "ChangeIntake" and draft.summary is None:
                self._refused(answer)  # the folder could not be used before, and it cannot be used so
            case messages.Refused() if answer.request == "Resplit" and draft.data is not None:
                # The child died, and what it had found with it: the counts must be those of the shares that are asked for.
                self._read(draft.data, keep=True)

    def _go_on(self) -> None:
        """What waited for the folder to be read."""
        if self.from_demo:
            self.from_demo = False
            self._bench.start_training()
        self._take_table()

    def _take_table(self) -> None:
        """The person dropped a table: the labels come from it, also where the folder was recognised in another way."""
        table, self._table = self._table, ""
        summary = self._bench.draft.summary
        if table and (summary is None or summary.facts.table != table):
            self._bench.intake.change(SetTable(table=table))

    def _refused(self, error: Any) -> None:
        self.from_demo, self.unpacking = False, None
        self._demo_ticket = self._unpack_ticket = None
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
    before = {row.name: row for row in summary.classes}
    classes = [_as_before(row, before[row.name]) if row.name in before else row for row in counts]
    return msgspec.structs.replace(summary, classes=classes)


def _as_before(row: messages.ClassCount, before: messages.ClassCount) -> messages.ClassCount:
    samples, found = row.samples or before.samples, row.found or before.found
    return msgspec.structs.replace(row, samples=samples, found=found)
