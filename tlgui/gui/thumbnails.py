"""Small pictures for the whole window: asked for once, kept within a bound, and never delivered to what is gone."""

from __future__ import annotations

import functools
import itertools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from tlgui.core import imaging_messages as messages
from tlgui.core.records import PixelRule
from tlgui.gui.imaging_thread import ImagingThread

MOST_BYTES = 48 * 2**20
MOST_IN_FLIGHT = 24  # the others wait here, where the newest one can still be taken first
LARGE_SIDE = 640  # from here on it is a large view, made before all small pictures
_PROBLEM_BYTES = 1024  # what the memory of a broken file is counted as

Receiver = Callable[[QImage | None, str], None]


class _Key(NamedTuple):
    """What makes two requests the same."""

    root: str
    path: str
    side: int
    whole: bool
    rule: PixelRule | None


class _Made(NamedTuple):
    """A picture, or why there is none."""

    image: QImage | None
    problem: str

    @property
    def size_bytes(self) -> int:
        return self.image.sizeInBytes() if self.image is not None else _PROBLEM_BYTES


@dataclass
class _Order:
    """A picture on its way, and who waits for it."""

    key: _Key
    number: int
    is_in_flight: bool = False
    requests: list[Request] = field(default_factory=list)


class Request:
    """A picture that somebody waits for."""

    def __init__(self, store: ThumbnailStore, key: _Key, receiver: Receiver, owner_id: int) -> None:
        self._store = store
        self.key = key
        self.receiver = receiver
        self.owner_id = owner_id

    def cancel(self) -> None:
        """The receiver is not called any more; nothing happens where it was already."""
        self._store.cancel(self)


class ThumbnailStore(QObject):
    """Pictures by way of the imaging child.

    Args:
        imaging: makes them.
        parent: as always.
    """

    def __init__(self, imaging: ImagingThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._imaging = imaging
        self._made: OrderedDict[_Key, _Made] = OrderedDict()  # the one that was used last stands last
        self._made_bytes = 0
        self._orders: OrderedDict[_Key, _Order] = OrderedDict()  # the one that was asked for last stands last
        self._in_flight: dict[int, _Order] = {}
        self._numbers = itertools.count(1)
        self._tickets: dict[str, int] = {}
        self._owners: dict[int, set[Request]] = {}
        imaging.pictured.connect(self._on_pictured)

    @property
    def size_bytes(self) -> int:
        """Memory of the pictures that are kept."""
        return self._made_bytes

    def request(
        self,
        root: Path,
        path: str,
        side: int,
        rule: PixelRule | None,
        receiver: Receiver,
        owner: QObject,
        whole: bool = False,
    ) -> Request:
        """Asks for a picture; the newest request is served first.

        Args:
            root: folder of the dataset.
            path: of the file, relative to it.
            side: pixels (not points) of the square, or of the longer side with `whole`; from 640 on it counts as a
                large view and goes before all small pictures.
            rule: the dataset's pixel rule; `None` maps each image of more than 8 bits by its own range.
            receiver: called with (QImage, "") or (None, why there is none): once, in the window's thread. Where the
                picture is at hand, it is called before this method returns.
            owner: the widget or object that wants it; when it is destroyed, the receiver is not called.
            whole: the whole picture instead of its middle square.
        """
        key = _Key(str(root.absolute()), path, max(16, min(side, 8192)), whole, rule)
        request = Request(self, key, receiver, id(owner))
        made = self._made.get(key)
        if made is not None:
            self._made.move_to_end(key)
            receiver(made.image, made.problem)
            return request
        order = self._orders.setdefault(key, _Order(key, next(self._numbers)))
        order.requests.append(request)
        self._orders.move_to_end(key)
        self._watch(owner).add(request)
        self._send_next()
        return request

    def cancel(self, request: Request) -> None:
        """See `Request.cancel`."""
        self._owners.get(request.owner_id, set()).discard(request)
        order = self._orders.get(request.key)
        if order is None or request not in order.requests:
            return
        order.requests.remove(request)
        if order.requests:
            return
        del self._orders[request.key]
        if order.is_in_flight:
            self._in_flight.pop(order.number, None)
            self._imaging.forget_pictures(self._tickets[request.key.root], [order.number])
            self._send_next()

    def forget_folder(self, root: Path) -> None:
        """Drops all pictures of a folder, also those on their way: it is left, or looked at anew."""
        place = str(root.absolute())
        if place in self._tickets:
            self._imaging.forget(self._tickets.pop(place))
        for key in [key for key in self._orders if key.root == place]:
            order = self._orders.pop(key)
            self._in_flight.pop(order.number, None)
            for request in order.requests:
                self._owners.get(request.owner_id, set()).discard(request)
        for key in [key for key in self._made if key.root == place]:
            self._made_bytes -= self._made.pop(key).size_bytes
        self._send_next()

    def _watch(self, owner: QObject) -> set[Request]:
        """The open requests of an owner."""
        if id(owner) not in self._owners:
            self._owners[id(owner)] = set()
            owner.destroyed.connect(functools.partial(self._on_owner_destroyed, id(owner)))
        return self._owners[id(owner)]

    def _on_owner_destroyed(self, owner_id: int, *_destroyed: object) -> None:
        for request in self._owners.pop(owner_id, set()).copy():
            self.cancel(request)

    def _send_next(self) -> None:
        waiting = (order for order in reversed(self._orders.values()) if not order.is_in_flight)
        for order in itertools.islice(waiting, MOST_IN_FLIGHT - len(self._in_flight)):
            order.is_in_flight = True
            self._in_flight[order.number] = order
            self._imaging.ask(self._message(order))

    def _message(self, order: _Order) -> messages.Thumbnails | messages.Picture:
        key = order.key
        if key.root not in self._tickets:
            self._tickets[key.root] = self._imaging.new_ticket()
        ticket, wanted = self._tickets[key.root], messages.Wanted(number=order.number, path=key.path)
        if key.whole and key.side >= LARGE_SIDE:
            return messages.Picture(ticket=ticket, root=key.root, wanted=wanted, longest=key.side, rule=key.rule)
        return messages.Thumbnails(
            ticket=ticket, root=key.root, wanted=[wanted], side=key.side, whole=key.whole, rule=key.rule
        )

    def _on_pictured(self, answer: messages.Thumbnail, image: QImage | None) -> None:
        order = self._in_flight.pop(answer.number, None)
        if order is None:
            return
        del self._orders[order.key]
        problem = answer.problem or ("" if image is not None else "There is no picture.")
        self._keep(order.key, _Made(image, problem))
        self._send_next()
        for request in order.requests:
            # One receiver may end the owner of the next one.
            waiting = self._owners.get(request.owner_id, set())
            if request in waiting:
                waiting.discard(request)
                request.receiver(image, problem)

    def _keep(self, key: _Key, made: _Made) -> None:
        self._made[key] = made
        self._made_bytes += made.size_bytes
        while self._made_bytes > MOST_BYTES:
            _, dropped = self._made.popitem(last=False)
            self._made_bytes -= dropped.size_bytes
