"""What is asked about one folder, in the order in which it was asked, on a thread of its own."""

from __future__ import annotations

import logging
import queue
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from tlgui.core import imaging_messages as messages
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Answer, RequestName
from tlgui.core.intake import AnyChange, Intake, SetTable
from tlgui.core.paths import cache_dir
from tlgui.core.project import find_project, remember_table
from tlgui.core.records import Copies, Scan
from tlgui.core.scrub import scrub
from tlgui.core.split import Part
from tlgui.imaging import errands, run_work, site_work, summary
from tlgui.imaging.comparing import all_made
from tlgui.imaging.copies import leaks
from tlgui.imaging.grouping import try_key
from tlgui.imaging.label_table import read_table
from tlgui.imaging.layout import table_read
from tlgui.imaging.listing import listing_path, write_listing
from tlgui.imaging.opening import Opened, grouped_by, key_of_table, name_of_table, open_folder, read_anew, stopper
from tlgui.imaging.paced import paced
from tlgui.imaging.prepare import split_of
from tlgui.imaging.scan import ScanCancelled
from tlgui.imaging.walk import folder_name, walk

logger = logging.getLogger(__name__)

_ENDING_S = 2.0  # no longer: a disk may not answer

FolderRequest = (
    messages.ScanFolder
    | messages.Prepare
    | messages.PrepareComparison
    | messages.TrySites
    | messages.PrepareSites
    | messages.ClassImages
    | messages.LeftOutFiles
    | messages.Resplit
    | messages.ChangeIntake
    | messages.UndoChange
    | messages.ReadTable
    | messages.TryGroups
    | messages.ListLeaks
    | messages.WriteListing
    | errands.Errand
)
_DEFAULT_SPLIT = messages.ScanFolder(ticket=0, data="")


class FolderWork:
    """All requests of one ticket; what was found in its folder is kept until the ticket is forgotten.

    Args:
        ticket: of the requests.
        send: takes the answers.
        in_hand: entered around the reading of each file.
        ending: earlier work that was cancelled and may not be at its end yet.
    """

    def __init__(
        self,
        ticket: int,
        send: Callable[[Answer], None],
        in_hand: Callable[[str], AbstractContextManager[None]],
        ending: Sequence[FolderWork] = (),
    ) -> None:
        self._ticket = ticket
        self._ending = ending
        self._send = send
        self._in_hand = in_hand
        self._data: Path | None = None
        self._opened: Opened | None = None
        self._fewest_classes = _DEFAULT_SPLIT.fewest_classes
        self._fractions, self._seed = _DEFAULT_SPLIT.fractions, _DEFAULT_SPLIT.seed
        self._last_resplit: messages.Resplit | None = None
        self._cancelled = threading.Event()
        self._requests: queue.SimpleQueue[FolderRequest | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"folder {ticket}", daemon=True)
        self._thread.start()

    def add(self, request: FolderRequest) -> None:
        """Takes a request; it is answered after those before it. Of several `Resplit` only the last one is."""
        if isinstance(request, messages.Resplit):
            self._last_resplit = request
        self._requests.put(request)

    def cancel(self) -> None:
        """Ends the work after the files in hand; what was found is let go of."""
        self._cancelled.set()
        self._requests.put(None)

    def join(self, timeout_s: float) -> None:
        """Waits for the end of the work that was cancelled."""
        self._thread.join(timeout_s)

    @property
    def is_at_work(self) -> bool:
        """Whether it has not come to its end yet."""
        return self._thread.is_alive()

    def _let_others_end(self) -> None:
        """What a look at this folder that was cancelled just now has read is kept first, and not read once more."""
        for work in self._ending:
            if work._data == self._data:
                work.join(_ENDING_S)
        self._ending = ()

    def _run(self) -> None:
        while (request := self._requests.get()) is not None and not self._cancelled.is_set():
            if isinstance(request, messages.Resplit) and request is not self._last_resplit:
                continue
            try:
                answer = self._answer(request)
            except ScanCancelled:
                break
            except UserError as error:
                answer = self._refused(request, error)
            except Exception:
                # The one place where a fault becomes an answer: the child lives on.
                details = scrub(traceback.format_exc())
                logger.error("%s failed\n%s", type(request).__name__, details)
                fault = UserError("The program made a mistake while it read the images.", "Try again.", details)
                answer = self._refused(request, fault, is_fault=True)
            self._send(answer)
        self._opened = None

    def _answer(self, request: FolderRequest) -> Answer:
        match request:
            case messages.ScanFolder():
                self._fractions, self._seed = request.fractions, request.seed
                self._data, self._fewest_classes = Path(request.data), request.fewest_classes
                self._let_others_end()
                self._opened = self._open(self._data)
                return self._scanned()
            case messages.ChangeIntake():
                return self._change(request.changes)
            case messages.ReadTable():
                return self._read_table(request)
            case messages.UndoChange():
                return self._undo(request.numbers)
            case messages.Resplit():
                self._fractions, self._seed = request.fractions, request.seed
                return self._counted()
            case messages.Prepare():
                return self._prepare(request)
            case messages.PrepareComparison():
                return self._prepare_comparison(request)
            case messages.PrepareSites():
                return site_work.prepared(self._ticket, self._opened_for(request.data), request)
            case messages.DrawDemo() | messages.Unpack() | messages.ListUnlabelled():
                return errands.done(self._ticket, request, self._progress(), self._cancelled.is_set)
            case _:
                return self._looked_up(request)

    def _looked_up(self, request: FolderRequest) -> Answer:
        """Answers out of what was found, which change nothing."""
        opened = self._finished()
        match request:
            case messages.ClassImages():
                return summary.class_paths(opened.scan, request)
            case messages.LeftOutFiles():
                files = opened.scan.left_out
                shown = files[request.offset : request.offset + request.count]
                return messages.LeftOutListed(ticket=self._ticket, offset=request.offset, files=shown, total=len(files))
            case messages.TryGroups():
                return self._try_groups(request.key)
            case messages.TrySites():
                return site_work.tried(self._ticket, opened, request.by)
            case messages.ListLeaks():
                return self._list_leaks(request)
            case messages.WriteListing():
                path = listing_path(cache_dir())
                write_listing(path, opened.look, opened.scan, self._parts())
                data = str(opened.look.root.absolute())
                return messages.ListingWritten(ticket=self._ticket, path=str(path.absolute()), data=data)
            case _:
                raise AssertionError(f"no answer to {type(request).__name__}")

    def _open(
        self, data: Path, changes: Sequence[AnyChange] = (), tables: Mapping[str, Path] | None = None
    ) -> Opened:  # fmt: skip
        return open_folder(
            data,
            self._progress(),
            self._cancelled.is_set,
            lambda look, layout: self._send(summary.listed(self._ticket, folder_name(data), look.tree, layout)),
            self._in_hand,
            changes=changes,
            tables=tables,
            fewest_classes=self._fewest_classes,
        )

    def _scanned(self) -> messages.Scanned:
        found = summary.summary_of(self._finished(), self._fractions, self._seed)
        return messages.Scanned(ticket=self._ticket, summary=found)

    def _change(self, asked: Sequence[AnyChange]) -> Answer:
        if self._opened is None and self._data is not None:
            return self._open_decided(self._data, asked)
        opened = self._finished()
        project = opened.project
        project.refresh()
        changes = [self._without_place(change) for change in asked]
        return self._decide(opened, lambda: project.with_changes(changes), lambda: project.record(changes))

    def _decide(self, opened: Opened, wanted: Callable[[], Intake], keep: Callable[[], None]) -> Answer:
        """Reads by other decisions, and keeps them where the folder can be used so; those of other windows count too."""
        scan = self._read_anew(opened, intake := wanted())
        keep()
        if opened.project.intake != intake:  # another window decided in this moment
            scan = self._read_anew(opened, intake := opened.project.intake)
        opened.intake, opened.scan, opened.not_followed = intake, scan, ""
        return self._scanned()

    def _read_anew(self, opened: Opened, intake: Intake) -> Scan:
        return read_anew(opened, intake, self._progress(), self._cancelled.is_set)

    def _open_decided(self, data: Path, asked: Sequence[AnyChange]) -> Answer:
        """A folder that was refused as it was recognised, read by decisions; they are kept where it can be used so."""
        root = data.absolute()
        places: dict[str, Path] = {}
        changes: list[AnyChange] = []
        for change in asked:
            if isinstance(change, SetTable) and (place := Path(change.table)).is_absolute():
                inside = place.is_relative_to(root)
                name = place.relative_to(root).as_posix() if inside else self._name_of(place, data)
                places |= {} if inside else {name: place}
                changes.append(msgspec.structs.replace(change, table=name))
            else:
                changes.append(change)
        opened = self._open(data, changes, places)
        for name, place in places.items():
            remember_table(key_of_table(opened.project, name), place)
        opened.project.record(changes)
        self._opened = opened
        return self._scanned()

    def _name_of(self, table: Path, data: Path) -> str:
        tree = walk(data, stopper(self._cancelled.is_set))
        return name_of_table(find_project(data, [found.path for found in tree.files]), tree, table)

    def _undo(self, numbers: Sequence[int]) -> Answer:
        opened = self._finished()
        project = opened.project
        try:
            return self._decide(opened, lambda: project.without(numbers), lambda: project.undo(numbers))
        except UserError as error:
            if not opened.not_followed:
                raise
            # Of several decisions that cannot be followed, each can be taken back alone.
            project.undo(numbers)
            opened.not_followed = error.problem
            return self._scanned()

    def _without_place(self, change: AnyChange) -> AnyChange:
        """A table from elsewhere by its name: the journal holds no place."""
        if not isinstance(change, SetTable) or not Path(change.table).is_absolute():
            return change
        opened = self._finished()
        path = Path(change.table)
        if path.is_relative_to(opened.look.root.absolute()):
            return msgspec.structs.replace(change, table=path.relative_to(opened.look.root.absolute()).as_posix())
        name = name_of_table(opened.project, opened.look.tree, path)
        opened.look.tables[name] = read_table(path, name)
        remember_table(key_of_table(opened.project, name), path)
        return msgspec.structs.replace(change, table=name)

    def _counted(self) -> messages.SplitCounted:
        opened = self._finished()
        counts = summary.class_counts(opened.scan, self._parts(), with_samples=False)
        found = summary.summary_of(opened, self._fractions, self._seed)
        return messages.SplitCounted(ticket=self._ticket, classes=counts, summary=found)

    def _parts(self) -> dict[str, Part]:
        opened = self._finished()
        return split_of(opened.scan, self._fractions, self._seed, opened.project)

    def _opened_for(self, data: str) -> Opened:
        """What was found; it is gone where an earlier child died."""
        self._opened = self._opened or self._open(Path(data))
        return self._opened

    def _prepare(self, request: messages.Prepare) -> Answer:
        self._fewest_classes = 1 if request.continues else self._fewest_classes
        opened = self._opened_for(request.data)
        return run_work.prepared(self._ticket, opened, request, self._progress(), self._cancelled.is_set)

    def _prepare_comparison(self, request: messages.PrepareComparison) -> Answer:
        data, opened = Path(request.data), self._opened_for(request.data)
        folder, run = (Path(one) if one else None for one in (request.folder, request.run))
        place, comparison, runs = all_made(folder, request.comparison, request.folds, data, opened, run)
        return messages.ComparisonPrepared(
            ticket=self._ticket, folder=str(place.resolve()), comparison=comparison, runs=runs
        )

    def _read_table(self, request: messages.ReadTable) -> Answer:
        """Also of a folder that was refused: a table may be what it lacks."""
        path = Path(request.table)
        if self._opened is None and self._data is not None:
            tree, known, root = walk(self._data), {}, self._data
        else:
            look = self._finished().look
            tree, known, root = look.tree, look.tables, look.root
        if path.is_absolute():
            table = read_table(path, path.name)
        else:
            table = known.get(request.table) or read_table(root / path, request.table)
        return table_read(self._ticket, table, request.columns, tree)

    def _try_groups(self, key: str) -> Answer:
        opened = self._finished()
        try:
            if key.startswith("pattern:"):
                tried = try_key([record.path for record in opened.scan.used], key)
            else:
                tried = read_anew(opened, grouped_by(opened, key)).grouping
        except UserError as error:
            return messages.GroupsTried(
                ticket=self._ticket, grouping=opened.scan.grouping, problem=f"{error.problem} {error.remedy}"
            )
        return messages.GroupsTried(ticket=self._ticket, grouping=tried)

    def _list_leaks(self, request: messages.ListLeaks) -> Answer:
        parts = self._parts()
        every: Sequence[Copies] = self._finished().scan.copies
        pairs = every if request.all else leaks(every, parts)
        shown = [summary.leak_of(pair, parts) for pair in pairs[request.offset : request.offset + request.count]]
        return messages.LeaksListed(ticket=self._ticket, offset=request.offset, leaks=shown, total=len(pairs))

    def _finished(self) -> Opened:
        if self._opened is None:
            raise UserError(
                "What was found in the folder is not at hand any more.", "Choose the folder again to read it anew."
            )
        return self._opened

    def _progress(self) -> Callable[[int, int], None]:
        def tell(done: int, total: int, left: float | None) -> None:
            self._send(messages.ScanProgress(ticket=self._ticket, done=done, total=total, seconds_left=left))

        return paced(tell)

    def _refused(self, request: FolderRequest, error: UserError, is_fault: bool = False) -> Answer:
        name: RequestName = type(request).__name__  # type: ignore[assignment]
        return messages.Refused(
            ticket=self._ticket,
            request=name,
            problem=error.problem,
            remedy=error.remedy,
            details=error.details,
            code=error.code,
            is_fault=is_fault,
        )
