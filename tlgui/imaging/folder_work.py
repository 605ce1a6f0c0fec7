"""What is asked about one folder, in the order in which it was asked, on a thread of its own."""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tlgui.core import imaging_messages as messages
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Answer, RequestName
from tlgui.core.paths import projects_dir
from tlgui.core.records import Scan
from tlgui.core.scrub import scrub
from tlgui.imaging import summary
from tlgui.imaging.demo_images import draw_demo_images
from tlgui.imaging.pixels import reason_of
from tlgui.imaging.prepare import prepare_run
from tlgui.imaging.scan import ScanCancelled, scan_folder
from tlgui.imaging.walk import folder_name

logger = logging.getLogger(__name__)

THREADS = 2
PROGRESS_S = 0.05
_SURE_S = 1.0  # of work, before the time that is left is told

FolderRequest = (
    messages.ScanFolder
    | messages.Prepare
    | messages.DrawDemo
    | messages.ClassImages
    | messages.LeftOutFiles
    | messages.Resplit
)


class FolderWork:
    """All requests of one ticket; what was found in its folder is kept until the ticket is forgotten.

    Args:
        ticket: of the requests.
        send: takes the answers.
        in_hand: entered around the reading of each file.
    """

    def __init__(
        self, ticket: int, send: Callable[[Answer], None], in_hand: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self._ticket = ticket
        self._send = send
        self._in_hand = in_hand
        self._scan: Scan | None = None
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
        self._scan = None

    def _answer(self, request: FolderRequest) -> Answer:
        match request:
            case messages.ScanFolder():
                scan = self._scan = self._scan_folder(Path(request.data))
                found = summary.summary_of(scan, request.fractions, request.seed)
                return messages.Scanned(ticket=self._ticket, summary=found)
            case messages.Prepare():
                return self._prepare(request)
            case messages.DrawDemo():
                return self._draw_demo()
            case messages.ClassImages():
                return self._class_images(request)
            case messages.LeftOutFiles():
                files = self._finished_scan().left_out
                shown = files[request.offset : request.offset + request.count]
                return messages.LeftOutListed(ticket=self._ticket, offset=request.offset, files=shown, total=len(files))
            case messages.Resplit():
                scan = self._finished_scan()
                counts = summary.class_counts(scan, request.fractions, request.seed, with_samples=False)
                return messages.SplitCounted(ticket=self._ticket, classes=counts)

    def _scan_folder(self, data: Path) -> Scan:
        return scan_folder(
            data,
            self._progress(),
            self._cancelled.is_set,
            THREADS,
            named=lambda tree, layout: self._send(summary.listed(self._ticket, folder_name(data), tree, layout)),
            in_hand=self._in_hand,
        )

    def _prepare(self, request: messages.Prepare) -> Answer:
        data = Path(request.data)
        # The scan is gone where an earlier child died.
        scan = self._scan = self._scan or self._scan_folder(data)
        run_dir = Path(request.run_dir) if request.run_dir else None
        prepared = prepare_run(data, request.spec, run_dir, scan=scan)
        return messages.RunPrepared(
            ticket=self._ticket,
            run=str(prepared.run.path.resolve()),
            spec=prepared.run.spec(),
            advice=prepared.advice,
        )

    def _draw_demo(self) -> Answer:
        folder = projects_dir() / "demo images"
        try:
            draw_demo_images(folder, progress=self._progress(), cancelled=self._cancelled.is_set)
        except OSError as error:
            raise UserError(
                f"The demo images cannot be written ({reason_of(error)}).",
                "Free some space or give yourself permission to write there, then try again.",
            ) from error
        if self._cancelled.is_set():
            raise ScanCancelled
        return messages.DemoDrawn(ticket=self._ticket, folder=str(folder.absolute()))

    def _class_images(self, request: messages.ClassImages) -> Answer:
        paths = [record.path for record in self._finished_scan().used if record.class_name == request.class_name]
        return messages.ClassPaths(
            ticket=self._ticket,
            class_name=request.class_name,
            offset=request.offset,
            paths=paths[request.offset : request.offset + request.count],
            total=len(paths),
        )

    def _finished_scan(self) -> Scan:
        if self._scan is None:
            raise UserError(
                "What was found in the folder is not at hand any more.", "Choose the folder again to read it anew."
            )
        return self._scan

    def _progress(self) -> Callable[[int, int], None]:
        """Passes progress on, at most 20 times a second."""
        began = last = 0.0
        before = 0

        def progress(done: int, total: int) -> None:
            nonlocal began, before, last
            now = time.monotonic()
            if not began:
                # Looking through the folders came before, which says nothing of how fast files are read.
                began, before = now, done
            if now - last < PROGRESS_S and done < total:
                return
            last = now
            spent = now - began
            left = spent / (done - before) * (total - done) if spent > _SURE_S and done > before else None
            self._send(messages.ScanProgress(ticket=self._ticket, done=done, total=total, seconds_left=left))

        return progress

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
