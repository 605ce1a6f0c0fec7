"""Pictures that were asked for: made one after another on a thread of their own, the newest first."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from tlgui.core.imaging_messages import Picture, Thumbnail, Thumbnails
from tlgui.core.records import PixelRule
from tlgui.core.scrub import scrub
from tlgui.imaging.pixels import DecodeError
from tlgui.imaging.thumbnails import thumbnail

logger = logging.getLogger(__name__)


class _Order(NamedTuple):
    """One picture to make."""

    ticket: int
    number: int
    root: str
    path: str
    side: int
    whole: bool
    rule: PixelRule | None
    large: bool


class PictureQueue:
    """Makes pictures while other work goes on.

    Args:
        send: takes the answers.
        in_hand: entered around the reading of each file.
    """

    def __init__(
        self, send: Callable[[Thumbnail], None], in_hand: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self._send = send
        self._in_hand = in_hand
        self._orders: list[_Order] = []  # the next one stands last
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="pictures", daemon=True).start()

    def add(self, request: Thumbnails | Picture) -> None:
        """Takes a request; large views go before all small pictures."""
        match request:
            case Picture():
                wanted, side, whole, large = [request.wanted], request.longest, True, True
            case Thumbnails():
                wanted, side, whole, large = request.wanted, request.side, request.whole, False
        orders = [
            _Order(request.ticket, one.number, request.root, one.path, side, whole, request.rule, large)
            for one in reversed(wanted)
        ]
        with self._changed:
            self._orders += orders
            self._orders.sort(key=lambda order: order.large)  # keeps the order among equals
            self._changed.notify()

    def forget(self, ticket: int, numbers: list[int]) -> None:
        """Drops what waits of a ticket; `numbers` names some of its pictures, none means all."""
        dropped = set(numbers)
        with self._changed:
            self._orders = [
                order for order in self._orders if order.ticket != ticket or (dropped and order.number not in dropped)
            ]

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._orders:
                    self._changed.wait()
                order = self._orders.pop()
            self._send(self._made(order))

    def _made(self, order: _Order) -> Thumbnail:
        problem = "The program could not show this image; its log says more."
        try:
            with self._in_hand(order.path):
                small = thumbnail(Path(order.root, order.path), order.side, order.whole, order.rule)
            return Thumbnail(
                ticket=order.ticket, number=order.number, width=small.width, height=small.height, data=small.data
            )
        except DecodeError as error:
            problem = error.message
        except Exception:
            # A fault of ours must not keep the other pictures from being made.
            logger.error("A picture could not be made\n%s", scrub(traceback.format_exc()))
        return Thumbnail(ticket=order.ticket, number=order.number, problem=problem)
