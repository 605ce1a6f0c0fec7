"""Files read in full by processes of their own: all processors work, and a decoder that breaks down ends only itself."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from tlgui.core.errors import UserError
from tlgui.core.records import Reason
from tlgui.imaging.reader import Batch
from tlgui.imaging.reader_process import WARM, ReaderProcess, cause
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile

logger = logging.getLogger(__name__)

MOST_READERS = 8  # more mean more decoded images in memory at once, and the disk is the limit by then
FILES_EACH = 32  # fewer than this many are not worth the start of another reader
PATIENCE_S = 120.0  # with one file
START_S = 120.0  # in which a reader must have greeted
_MOST_IN_BATCH = 64
_MOST_BYTES_IN_BATCH = 8_000_000
_CHECK_S = 0.05
_REPAIR = "Try again; if it happens again, run 'python3 packaging/run.py' to repair the installation."


def read_all(
    root: Path,
    files: Sequence[FoundFile],
    stop_if_cancelled: Callable[[], None] = lambda: None,
    most: int | None = None,
    patience_s: float = PATIENCE_S,
) -> Generator[tuple[FoundFile, Verdict], None, None]:
    """Reads files in full, in several processes.

    Args:
        root: of the paths.
        files: to read.
        stop_if_cancelled: called many times a second; raises to end the work, and all readers at once.
        most: readers at the same time; by default one per processor, at most 8.
        patience_s: a reader that takes longer for one file is ended, and the file is named.

    Yields:
        Each file once, in any order.

    Raises:
        UserError: no reader can be started.
    """
    count = min(most or _processors(), MOST_READERS, -(-len(files) // FILES_EACH))
    job = _Job(Path(root).absolute(), files, count)
    lanes = [_Lane(job, number, patience_s) for number in range(count)]
    try:
        for lane in lanes:
            lane.start()
        for _ in range(len(files)):
            answer = None
            while answer is None:
                stop_if_cancelled()
                for lane in lanes:
                    lane.lose_patience()
                answer = job.answer(_CHECK_S)
            yield answer
    finally:
        job.stop()
        for lane in lanes:
            lane.end()


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class _Job:
    """What is to be read, and what was found; shared by all lanes."""

    def __init__(self, root: Path, files: Sequence[FoundFile], lanes: int) -> None:
        self.root = root
        self._lanes = lanes
        self._lock = threading.Lock()
        self._waiting = deque(files)
        self._answers: queue.SimpleQueue[tuple[FoundFile, Verdict] | Exception] = queue.SimpleQueue()
        self._seen_dying: set[FoundFile] = set()
        self.stopped = False

    def batch(self) -> list[FoundFile]:
        """The next files for one reader; smaller batches towards the end, so that all readers end together."""
        with self._lock:
            most = max(1, min(_MOST_IN_BATCH, len(self._waiting) // (4 * self._lanes)))
            files: list[FoundFile] = []
            size = 0
            while self._waiting and not self.stopped and len(files) < most and size < _MOST_BYTES_IN_BATCH:
                files.append(self._waiting.popleft())
                size += max(0, files[-1].size_bytes)
            return files

    def put(self, answer: tuple[FoundFile, Verdict] | Exception) -> None:
        """Takes what was found out about a file, or a fault that ends the work."""
        self._answers.put(answer)

    def answer(self, timeout_s: float) -> tuple[FoundFile, Verdict] | None:
        """The next answer, or `None` where none came in time."""
        try:
            answer = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def after_a_death(self, unanswered: deque[FoundFile], verdict: Verdict, may_be_accident: bool) -> None:
        """Settles the file that a reader had in hand, the first one, and lets others read the rest.

        Args:
            unanswered: what the reader was asked for.
            verdict: about the first one.
            may_be_accident: then the file is read once more, after all others.
        """
        file = unanswered.popleft()
        with self._lock:
            self._waiting.extendleft(reversed(unanswered))
            if may_be_accident and file not in self._seen_dying:
                self._seen_dying.add(file)
                self._waiting.append(file)
                return
        self.put((file, verdict))

    def stop(self) -> None:
        """No file is given out any more."""
        self.stopped = True


class _Lane:
    """A thread that keeps one reader busy, and takes the next one where that ends."""

    def __init__(self, job: _Job, number: int, patience_s: float) -> None:
        self._job = job
        self._patience_s = patience_s
        self._limit_s = START_S
        self._reader: ReaderProcess | None = None
        self._asked_at: float | None = None  # None: nothing is waited for
        self._was_killed = False
        self._thread = threading.Thread(target=self._run, name=f"reader {number}", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def lose_patience(self) -> None:
        """Ends the reader where it has one file in hand for too long; from another thread."""
        asked_at, reader = self._asked_at, self._reader
        if reader is not None and asked_at is not None and time.monotonic() - asked_at > self._limit_s:
            self._was_killed = True
            reader.kill()

    def end(self) -> None:
        """Ends the work, with the reader where it is busy; an idle one is kept for a while."""
        while self._thread.is_alive():
            if self._reader is not None and self._asked_at is not None:
                self._reader.kill()
            self._thread.join(_CHECK_S)

    def _run(self) -> None:
        try:
            while files := self._job.batch():
                self._read(files)
        except Exception as error:
            self._job.put(error)
            if self._reader is not None:
                self._reader.end()
        else:
            if self._reader is not None:
                WARM.keep(self._reader)

    def _read(self, files: list[FoundFile]) -> None:
        reader = self._reader = self._reader or WARM.take() or self._started()
        unanswered = deque(files)
        self._asked_at, self._limit_s = time.monotonic(), self._patience_s
        if not self._job.stopped:
            reader.ask(Batch(os.fsencode(self._job.root), [found.path for found in files]))
        while unanswered and not self._job.stopped and (verdict := reader.hear()) is not None:
            file = unanswered.popleft()
            self._asked_at = time.monotonic() if unanswered else None
            self._job.put((file, verdict))
        if unanswered:
            self._bury(reader, unanswered)

    def _started(self) -> ReaderProcess:
        try:
            reader = self._reader = ReaderProcess()
        except OSError as error:
            raise _cannot_start(error.strerror or str(error), "") from error
        self._limit_s, self._asked_at = START_S, time.monotonic()
        if not reader.is_greeting() and not self._job.stopped:
            code, details = reader.end_of_pipe(), reader.last_lines()
            self._reader = None
            raise _cannot_start(cause(code), details)
        return reader

    def _bury(self, reader: ReaderProcess, unanswered: deque[FoundFile]) -> None:
        took = time.monotonic() - (self._asked_at or 0.0)
        was_killed, self._was_killed, self._reader, self._asked_at = self._was_killed, False, None, None
        code = reader.end_of_pipe()
        if self._job.stopped:
            return
        logger.warning("A reader ended (%s)", cause(code))
        # Signal 9 may mean that memory ran out, or that somebody ended the process.
        is_too_slow = was_killed and took > self._patience_s
        self._job.after_a_death(
            unanswered, _broken_down(code, is_too_slow), not is_too_slow and (was_killed or code == -9)
        )


def _broken_down(code: int, is_too_slow: bool) -> Verdict:
    sentence = f"The decoder broke down on this file ({cause(code)})."
    if is_too_slow:
        sentence = "It took more than two minutes to read."
    return Verdict(level="full", reason_code=Reason.UNREADABLE, reason=sentence)


def _cannot_start(reason: str, details: str) -> UserError:
    return UserError(
        f"The part of the program that reads images could not start ({reason}).", _REPAIR, details, code="installation"
    )
