"""The thread that owns the imaging child: requests go in, answers come out as signals in the window's thread."""

from __future__ import annotations

import itertools
import queue
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QByteArray, QDataStream, QObject, QThread, QTimer, Signal
from PySide6.QtGui import QImage, QImageReader

from tlgui.core import imaging_messages as messages
from tlgui.core.errors import UserError
from tlgui.core.imaging_keeper import ImagingKeeper
from tlgui.core.imaging_messages import AnyAnswer, Fractions, Request
from tlgui.core.imaging_process import ImagingProcess
from tlgui.core.run_spec import RunSpec

TICK_MS = 33
_BUDGET_S = 0.006  # of one tick; what is left over waits for the next one
_SPLIT: Fractions = RunSpec().split_fractions

Deliver = Callable[[AnyAnswer | None], None]


class _Said(NamedTuple):
    """A line of the child, or its end."""

    message: AnyAnswer | None


def _start_child(deliver: Deliver) -> ImagingProcess:
    return ImagingProcess(deliver=deliver)


class SeenPictures(NamedTuple):
    """The three pictures of an `Inspected`."""

    original: QImage
    decoded: QImage
    square: QImage


_Pictures = QImage | SeenPictures | list[QImage]


class ImagingThread(QThread):
    """Begins with the first request; a child that died is replaced with the next one.

    Nothing of a forgotten ticket is ever delivered, also not what was on its way.

    Args:
        parent: as always.
        make: starts a child that hands its answers to the function given.
    """

    answered = Signal(object)
    """Each answer of `core.imaging_messages` but `Thumbnail`, `Inspected` and `ViewsShown`."""
    pictured = Signal(object, object)
    """A `Thumbnail` and its QImage, or None where it has a problem; `ThumbnailStore` listens."""
    inspected = Signal(object, object)
    """An `Inspected` and its `SeenPictures`, or None where it has a problem."""
    views_shown = Signal(object, object)
    """A `ViewsShown` and a list of QImages, the plain one first, or None where it has a problem."""
    failed = Signal(object)
    """A `UserError`: no child can be started. Open requests were answered by `Refused` before."""

    _arrived = Signal()

    def __init__(self, parent: QObject | None = None, make: Callable[[Deliver], ImagingProcess] = _start_child) -> None:
        super().__init__(parent)
        self._make = make
        self._inbox: queue.SimpleQueue[Request | _Said | None] = queue.SimpleQueue()
        self._outbox: deque[tuple[AnyAnswer | UserError, _Pictures | None]] = deque()
        self._numbers = itertools.count(1)
        self._tickets: set[int] = set()
        self._is_closing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._drain)
        self._arrived.connect(self._on_arrived)

    def new_ticket(self) -> int:
        """A number under which requests are made, and forgotten together."""
        ticket = next(self._numbers)
        self._tickets.add(ticket)
        return ticket

    def scan(self, data: Path, fractions: Fractions = _SPLIT, seed: int = 0, fewest_classes: int = 2) -> int:
        """Begins to read a folder: `Listed`, `ScanProgress`, then `Scanned` or `Refused`. Returns its ticket."""
        ticket = self.new_ticket()
        place = str(data.absolute())
        self.ask(
            messages.ScanFolder(
                ticket=ticket, data=place, fractions=fractions, seed=seed, fewest_classes=fewest_classes
            )
        )
        return ticket

    def forget(self, ticket: int) -> None:
        """Ends what the ticket asked for; nothing of it arrives after this call."""
        if ticket in self._tickets:
            self._tickets.discard(ticket)
            if self.isRunning():
                self._inbox.put(messages.Forget(ticket=ticket))

    def forget_pictures(self, ticket: int, numbers: list[int]) -> None:
        """Drops some pictures of a ticket that wait in the child."""
        self.ask(messages.Forget(ticket=ticket, numbers=numbers))

    def prepare(
        self,
        ticket: int,
        data: Path,
        spec: RunSpec,
        run_dir: Path | None = None,
        weights_file: str = "",
        target: Path | None = None,
        continues: bool = False,
        earlier: Path | None = None,
    ) -> None:
        """Makes the run folder from what was found: `RunPrepared` or `Refused`. A second press does nothing.

        With images of a new site to adapt to, `ScanProgress` tells how many of them are read. A run that continues another
        one may be told where the images of that one are (`earlier`).
        """
        self.ask(
            messages.Prepare(
                ticket=ticket,
                data=str(data.absolute()),
                spec=spec,
                run_dir=str(run_dir.absolute()) if run_dir else "",
                weights_file=weights_file,
                target=str(target.absolute()) if target else "",
                continues=continues,
                earlier=str(earlier.absolute()) if earlier else "",
            )
        )

    def draw_demo(self) -> int:
        """Draws the demo images: `ScanProgress`, then `DemoDrawn` or `Refused`. Returns the ticket."""
        ticket = self.new_ticket()
        self.ask(messages.DrawDemo(ticket=ticket))
        return ticket

    def unpack(self, archive: Path) -> int:
        """Unpacks a zip among the person's projects: `ScanProgress`, then `Unpacked` or `Refused`. Returns the ticket."""
        ticket = self.new_ticket()
        self.ask(messages.Unpack(ticket=ticket, archive=str(archive.absolute())))
        return ticket

    def class_images(self, ticket: int, name: str, offset: int, count: int) -> None:
        """Asks for used images of a class: `ClassPaths`."""
        self.ask(messages.ClassImages(ticket=ticket, class_name=name, offset=offset, count=count))

    def left_out_files(self, ticket: int, offset: int, count: int) -> None:
        """Asks for files that were left out: `LeftOutListed`."""
        self.ask(messages.LeftOutFiles(ticket=ticket, offset=offset, count=count))

    def resplit(self, ticket: int, fractions: Fractions, seed: int) -> None:
        """Asks how many images go to each part: `SplitCounted`."""
        self.ask(messages.Resplit(ticket=ticket, fractions=fractions, seed=seed))

    def ask(self, request: Request) -> None:
        """Passes a request to the child; never waits."""
        if self._is_closing or request.ticket not in self._tickets:
            return
        if not self.isRunning():
            self.start()
        self._inbox.put(request)

    def shut_down(self, timeout_s: float = 5.0) -> bool:
        """Ends the child and waits for the thread; nothing is delivered after that.

        Returns:
            Whether it ended within the time.
        """
        self._is_closing = True
        self._tickets.clear()
        self._outbox.clear()
        self._timer.stop()
        self._inbox.put(None)
        return self.wait(round(timeout_s * 1000))

    def run(self) -> None:
        """The thread's own loop; Qt calls it."""
        keeper = ImagingKeeper(lambda: self._make(lambda said: self._inbox.put(_Said(said))), self._pass_on, self._fail)
        while (item := self._inbox.get()) is not None:
            if isinstance(item, _Said):
                keeper.hear(item.message)
            else:
                keeper.ask(item)
        keeper.close()

    def _pass_on(self, answer: AnyAnswer) -> None:
        # Here, since decoding has no place in the window's thread.
        match answer:
            case messages.Thumbnail() if answer.data:
                self._put(answer, _decoded(answer.data))
            case messages.Inspected() if not answer.problem:
                self._put(answer, SeenPictures(*map(_decoded, (answer.original, answer.decoded, answer.square))))
            case messages.ViewsShown() if not answer.problem:
                self._put(answer, [_decoded(data) for data in (answer.plain, *answer.views)])
            case _:
                self._put(answer, None)

    def _fail(self, error: UserError) -> None:
        self._put(error, None)

    def _put(self, answer: AnyAnswer | UserError, image: _Pictures | None) -> None:
        self._outbox.append((answer, image))
        # One wake for a whole outbox. Between the two lines it may be emptied: then this wake finds nothing.
        if len(self._outbox) == 1:
            self._arrived.emit()

    def _on_arrived(self) -> None:
        if not self._timer.isActive() and not self._is_closing:
            self._timer.start()

    def _drain(self) -> None:
        deadline = time.monotonic() + _BUDGET_S
        while self._outbox and time.monotonic() < deadline:
            answer, image = self._outbox.popleft()
            if isinstance(answer, UserError):
                self.failed.emit(answer)
            elif answer.ticket not in self._tickets:
                continue
            elif isinstance(answer, messages.Thumbnail):
                self.pictured.emit(answer, image)
            elif isinstance(answer, messages.Inspected):
                self.inspected.emit(answer, image)
            elif isinstance(answer, messages.ViewsShown):
                self.views_shown.emit(answer, image)
            else:
                self.answered.emit(answer)
        if self._outbox and not self._is_closing:
            self._timer.start()


def _decoded(data: bytes) -> QImage:
    # Not `QImage.fromData`: it keeps Python's lock while it decodes, and the window would stand still all the same.
    # And no `QBuffer` that is made here: Qt asks the device where it stands while it holds a lock of all image readers,
    # for that such a one takes Python's lock, and the window stands still for ever if it wants to read an icon just then.
    stream = QDataStream(QByteArray(data))
    return _reader(stream).read()


def _reader(stream: QDataStream) -> QImageReader:
    return QImageReader(stream.device())
