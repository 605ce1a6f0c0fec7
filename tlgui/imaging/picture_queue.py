"""Pictures that were asked for: made one after another on a thread of their own, the newest first."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from tlgui.core.imaging_messages import (
    Answer,
    Inspect,
    Inspected,
    Picture,
    ShowViews,
    Thumbnail,
    Thumbnails,
    ViewsShown,
)
from tlgui.core.scrub import scrub
from tlgui.imaging.pixels import DecodeError
from tlgui.imaging.seen import inspected
from tlgui.imaging.thumbnails import thumbnail
from tlgui.imaging.views import views_shown

logger = logging.getLogger(__name__)

Asked = Thumbnails | Picture | Inspect | ShowViews

_NO_NUMBER = -1  # of what the network or training sees: a request for it is of one image, and is forgotten whole


class _Order(NamedTuple):
    """One picture to make."""

    request: Asked
    number: int
    path: str

    @property
    def large(self) -> bool:
        """Whether a person waits in front of this one picture."""
        return not isinstance(self.request, Thumbnails)


class PictureQueue:
    """Makes pictures while other work goes on.

    Args:
        send: takes the answers.
        in_hand: entered around the reading of each file.
    """

    def __init__(self, send: Callable[[Answer], None], in_hand: Callable[[str], AbstractContextManager[None]]) -> None:
        self._send = send
        self._in_hand = in_hand
        self._orders: list[_Order] = []  # the next one stands last
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="pictures", daemon=True).start()

    def add(self, request: Asked) -> None:
        """Takes a request; single large pictures go before all small ones."""
        match request:
            case Inspect() | ShowViews():
                orders = [_Order(request, _NO_NUMBER, request.path)]
            case Picture():
                orders = [_Order(request, request.wanted.number, request.wanted.path)]
            case Thumbnails():
                orders = [_Order(request, one.number, one.path) for one in reversed(request.wanted)]
        with self._changed:
            self._orders += orders
            self._orders.sort(key=lambda order: order.large)  # keeps the order among equals
            self._changed.notify()

    def forget(self, ticket: int, numbers: list[int]) -> None:
        """Drops what waits of a ticket; `numbers` names some of its pictures, none means all."""
        dropped = set(numbers)
        with self._changed:
            self._orders = [
                order
                for order in self._orders
                if order.request.ticket != ticket or (dropped and order.number not in dropped)
            ]

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._orders:
                    self._changed.wait()
                order = self._orders.pop()
            self._send(self._made(order))

    def _made(self, order: _Order) -> Answer:
        problem = "The program could not show this image; its log says more."
        try:
            with self._in_hand(order.path):
                return _picture(order)
        except DecodeError as error:
            problem = error.message
        except Exception:
            # A fault of ours must not keep the other pictures from being made.
            logger.error("A picture could not be made\n%s", scrub(traceback.format_exc()))
        ticket = order.request.ticket
        if isinstance(order.request, Inspect):
            return Inspected(ticket=ticket, problem=problem)
        if isinstance(order.request, ShowViews):
            return ViewsShown(ticket=ticket, problem=problem)
        return Thumbnail(ticket=ticket, number=order.number, problem=problem)


def _picture(order: _Order) -> Answer:
    request = order.request
    if isinstance(request, Inspect):
        return inspected(request)
    if isinstance(request, ShowViews):
        return views_shown(request)
    side, whole = (request.longest, True) if isinstance(request, Picture) else (request.side, request.whole)
    small = thumbnail(Path(request.root, order.path), side, whole, request.rule)
    return Thumbnail(
        ticket=request.ticket, number=order.number, width=small.width, height=small.height, data=small.data
    )
