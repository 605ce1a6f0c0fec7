"""What reaches a running job from its owner: commands, and the news that the owner is gone."""

from __future__ import annotations

import queue
import threading

from tlgui.core.commands import AnyCommand


class OwnerGoneError(Exception):
    """The pipe from the owner closed: save and leave."""


class Control:
    """A queue of commands, filled by the reading thread and emptied between two batches.

    A command is meant for the job whose line came last before it. One that comes too late for its job is dropped, and
    one that comes before its job has begun is kept.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[int, AnyCommand | None]] = queue.SimpleQueue()
        self._gone = threading.Event()
        self._heard = 0
        self._begun = 0

    def job_heard(self) -> None:
        """Notes that a job's line has come: commands from now on are meant for it."""
        self._heard += 1

    def job_begins(self) -> None:
        """Notes that the next job begins: commands for those before it are dropped."""
        self._begun += 1

    def put(self, command: AnyCommand) -> None:
        """Adds a command."""
        self._queue.put((self._heard, command))

    def owner_gone(self) -> None:
        """Notes that nobody will read what the engine says."""
        self._gone.set()
        self._queue.put((self._heard, None))

    @property
    def gone(self) -> bool:
        """Whether the owner is gone."""
        return self._gone.is_set()

    def take(self, wait: bool = False) -> AnyCommand | None:
        """The next command, or `None`; with `wait` it waits for one.

        Raises:
            OwnerGoneError: the owner is gone.
        """
        while not self.gone:
            try:
                job, command = self._queue.get(block=wait)
            except queue.Empty:
                return None
            if job >= self._begun and command is not None:
                return command
        raise OwnerGoneError
