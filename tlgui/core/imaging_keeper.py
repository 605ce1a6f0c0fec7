"""Keeps an imaging child at work: started when it is needed, replaced when it dies, and no request left unanswered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from tlgui.core import imaging_messages as messages
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import AnyAnswer, Request, RequestName

logger = logging.getLogger(__name__)

_MOST_TRIES = 3  # of one picture; then the fault lies with it, whatever the notes say
_REPAIR = "Try again; if it happens again, run 'python3 packaging/run.py' to repair the installation."

# The answer that settles a request; a `Refused` names it itself.
_SETTLED_BY: dict[type[messages.Answer], tuple[type[Request], ...]] = {
    messages.Scanned: (messages.ScanFolder, messages.ChangeIntake, messages.UndoChange),
    messages.RunPrepared: (messages.Prepare,),
    messages.ComparisonPrepared: (messages.PrepareComparison,),
    messages.SitesTried: (messages.TrySites,),
    messages.SitesPrepared: (messages.PrepareSites,),
    messages.DemoDrawn: (messages.DrawDemo,),
    messages.ClassPaths: (messages.ClassImages,),
    messages.LeftOutListed: (messages.LeftOutFiles,),
    messages.SplitCounted: (messages.Resplit,),
    messages.TableRead: (messages.ReadTable,),
    messages.GroupsTried: (messages.TryGroups,),
    messages.LeaksListed: (messages.ListLeaks,),
    messages.ListingWritten: (messages.WriteListing,),
    messages.UnlabelledListed: (messages.ListUnlabelled,),
    messages.Inspected: (messages.Inspect,),
    messages.ViewsShown: (messages.ShowViews,),
    messages.Unpacked: (messages.Unpack,),
}


class Child(Protocol):
    """What is asked of `ImagingProcess`."""

    @property
    def cause(self) -> str:
        """How it ended."""

    def send(self, request: Request) -> None:
        """Writes one line."""

    def in_hand(self) -> list[str]:
        """Files that it was reading."""

    def last_lines(self) -> str:
        """The end of its log."""

    def close(self, timeout_s: float) -> int:
        """Ends it."""


@dataclass
class _Ordered:
    """A picture on its way."""

    request: messages.Thumbnails | messages.Picture
    path: str
    tries: int = 1


class ImagingKeeper:
    """All calls come from one thread.

    A request that the death of a child has cut short is answered: a folder by `Refused`, the picture in hand by its
    problem; pictures that only waited are asked for again.

    Args:
        make: starts a child; what it says is handed to `hear`, `None` as the last.
        answered: takes the answers.
        failed: takes the reason why no child could be started.
    """

    def __init__(
        self,
        make: Callable[[], Child],
        answered: Callable[[AnyAnswer], None],
        failed: Callable[[UserError], None],
    ) -> None:
        self._make = make
        self._answered = answered
        self._failed = failed
        self._child: Child | None = None
        self._is_ready = False
        self._requests: list[Request] = []
        self._pictures: dict[tuple[int, int], _Ordered] = {}
        self._read_again: set[int] = set()

    def ask(self, request: Request) -> None:
        """Passes a request on; starts a child where there is none."""
        match request:
            case messages.Forget():
                self._forget(request)
                return
            case messages.Thumbnails():
                for one in request.wanted:
                    single = messages.Thumbnails(
                        ticket=request.ticket,
                        root=request.root,
                        wanted=[one],
                        side=request.side,
                        whole=request.whole,
                        rule=request.rule,
                    )
                    self._pictures[request.ticket, one.number] = _Ordered(single, one.path)
            case messages.Picture():
                self._pictures[request.ticket, request.wanted.number] = _Ordered(request, request.wanted.path)
            case messages.Prepare() if any(
                isinstance(other, messages.Prepare) and other.ticket == request.ticket for other in self._requests
            ):
                return  # one press too many: the run folder is on its way
            case _:
                self._requests.append(request)
        self._send(request)

    def hear(self, message: AnyAnswer | None) -> None:
        """What the child says; `None` when it has ended."""
        match message:
            case None:
                self._on_death()
            case messages.ImagingReady():
                self._is_ready = True
            case messages.Thumbnail():
                if self._pictures.pop((message.ticket, message.number), None) is not None:
                    self._answered(message)
            case _:
                self._settle(message)
                self._answered(message)

    def close(self, timeout_s: float = 2.0) -> None:
        """Ends the child; nothing is answered after that."""
        self._requests.clear()
        self._pictures.clear()
        child, self._child = self._child, None
        if child is not None:
            child.close(timeout_s)

    def _send(self, request: Request) -> None:
        try:
            if self._child is None:
                self._is_ready = False
                self._child = self._make()
            self._child.send(request)
        except UserError as error:  # a path that is no text, or no place for its log
            self._give_up(error, [request])
        except OSError as error:
            self._cannot_start(error.strerror or str(error), "")

    def _forget(self, request: messages.Forget) -> None:
        numbers = set(request.numbers)
        if not numbers:
            self._requests = [other for other in self._requests if other.ticket != request.ticket]
        for ticket, number in list(self._pictures):
            if ticket == request.ticket and (not numbers or number in numbers):
                del self._pictures[ticket, number]
        if self._child is not None:
            self._child.send(request)

    def _settle(self, answer: AnyAnswer) -> None:
        for index, request in enumerate(self._requests):
            settles = type(request) in _SETTLED_BY.get(type(answer), ()) or (
                isinstance(answer, messages.Refused) and answer.request == type(request).__name__
            )
            if settles and request.ticket == answer.ticket:
                del self._requests[index]
                return

    def _on_death(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        in_hand = child.in_hand()
        child.close(0.0)
        if not self._is_ready:
            self._cannot_start(child.cause, child.last_lines())
            return
        logger.warning("The imaging child ended (%s)", child.cause)
        requests, self._requests = self._requests, []
        for request in requests:
            if in_hand and self._again(request):
                continue
            problem, remedy = _cut_short(child.cause, in_hand)
            self._answered(_refused(request, UserError(problem, remedy, child.last_lines())))
        for key, ordered in list(self._pictures.items()):
            if key not in self._pictures:
                continue  # the next child could not start, and everything is answered
            if ordered.path in in_hand or ordered.tries >= _MOST_TRIES:
                del self._pictures[key]
                self._answered(_no_picture(key, f"The program broke down when it read this file ({child.cause})."))
            else:
                ordered.tries += 1
                self._send(ordered.request)

    def _again(self, request: Request) -> bool:
        """Asks once more for a folder that a picture took down with it: what was read of it is remembered on the disk."""
        if not isinstance(request, messages.ScanFolder) or request.ticket in self._read_again:
            return False
        self._read_again.add(request.ticket)
        self._requests.append(request)
        self._send(request)
        return True

    def _cannot_start(self, reason: str, details: str) -> None:
        error = UserError(
            f"The part of the program that reads images could not start ({reason}).",
            _REPAIR,
            details,
            code="installation",
        )
        requests, self._requests = self._requests, []
        pictures, self._pictures = self._pictures, {}
        self._give_up(error, requests)
        for key in pictures:
            self._answered(_no_picture(key, error.problem))
        self._failed(error)

    def _give_up(self, error: UserError, requests: Iterable[Request]) -> None:
        for request in requests:
            if isinstance(request, messages.Thumbnails | messages.Picture):
                wanted = request.wanted if isinstance(request, messages.Thumbnails) else [request.wanted]
                for key in ((request.ticket, one.number) for one in wanted):
                    if self._pictures.pop(key, None) is not None:
                        self._answered(_no_picture(key, error.problem))
            else:
                self._requests = [other for other in self._requests if other is not request]
                self._answered(_refused(request, error))


def _no_picture(key: tuple[int, int], problem: str) -> messages.Thumbnail:
    return messages.Thumbnail(ticket=key[0], number=key[1], problem=problem)


def _refused(request: Request, error: UserError) -> messages.Refused:
    name: RequestName = type(request).__name__  # type: ignore[assignment]
    return messages.Refused(
        ticket=request.ticket,
        request=name,
        problem=error.problem,
        remedy=error.remedy,
        details=error.details,
        code=error.code,
    )


def _cut_short(cause: str, in_hand: list[str]) -> tuple[str, str]:
    """Problem and remedy for what the death of the child has cut short."""
    files = " and ".join(f"'{path}'" for path in sorted(in_hand))
    at = f" at {files}" if files else ""
    problem = f"The part of the program that reads images ended unexpectedly{at} ({cause})."
    if cause == "signal 9":
        return problem, "The computer may have run out of memory: close other programs, then try again."
    if files:
        return problem, "Try again; if it happens again, take what is named here out of the folder."
    return problem, "Try again."
