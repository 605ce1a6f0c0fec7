"""What a run's curves are drawn from: batches, thinned so that a run of any length stays small, and marks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

_MOST_POINTS = 4_000

MarkKind = Literal["unfreeze", "freeze", "resume", "extend", "undo", "rates", "verdict"]


@dataclass(frozen=True)
class Mark:
    """Something that happened between two batches.

    Attributes:
        x_epoch: where it stands on the axis of epochs; 8.5 is the middle of the ninth.
        text: what a person reads, such as "block 5 unfrozen".
        step: optimizer steps before it.
    """

    x_epoch: float
    text: str
    kind: MarkKind
    step: int


class BatchSeries:
    """Losses of single batches: all of them while they are few, then evenly thinned, the newest always there.

    Attributes:
        points: (epochs, loss) in their order; a loss that is no number is `None` and stays a gap.
    """

    def __init__(self) -> None:
        self.points: list[tuple[float, float | None]] = []
        self._steps: list[int] = []
        self._stride = 1
        self._seen = 0
        self._last_may_go = False

    def add(self, step: int, x_epoch: float, loss: float | None) -> None:
        """Adds a batch; one that only stood there as the newest makes room for it."""
        if self._last_may_go:
            self.points.pop()
            self._steps.pop()
        self._seen += 1
        self.points.append((x_epoch, loss))
        self._steps.append(step)
        if len(self.points) > _MOST_POINTS:
            self.points, self._steps = self.points[1::2], self._steps[1::2]
            self._stride *= 2
        self._last_may_go = self._seen % self._stride != 0

    def drop_after(self, step: int) -> None:
        """Takes out what came after a step: the run went on from there."""
        while self._steps and self._steps[-1] > step:
            self.points.pop()
            self._steps.pop()
            self._last_may_go = False

    def clear(self) -> None:
        """Begins anew."""
        self.__init__()  # type: ignore[misc]


class Stopwatch:
    """Seconds that a run has been at work before the window's eyes, pauses left out."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """So far."""
        return self._before + (time.monotonic() - self._since if self._since is not None else 0.0)

    @property
    def used(self) -> bool:
        """Whether it ever ran."""
        return self._since is not None or self._before > 0

    def start(self, at_s: float | None = None) -> None:
        """Goes on; with `at_s` from there."""
        if at_s is not None:
            self._before, self._since = at_s, None
        if self._since is None:
            self._since = time.monotonic()

    def stop(self) -> None:
        """Stands still."""
        self._before, self._since = self.seconds, None


def moved(before: list[str], after: list[str]) -> list[str]:
    """Names of `after` that are not in `before`, the uppermost first, as they were reached."""
    return [name for name in reversed(after) if name not in before]


def listed(names: list[str]) -> str:
    """["top", "block 5"] -> "top and block 5"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
