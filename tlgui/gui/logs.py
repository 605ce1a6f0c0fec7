"""The window's own log file, and streams that exist: a windowed build has no console to print on."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tlgui.core.errors import UserError
from tlgui.core.paths import logs_dir
from tlgui.core.scrub import scrub

_BYTES, _FILES = 500_000, 3
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Scrubbed(logging.Formatter):
    """No place of a person's files and no name of theirs gets into the log."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class LogStream(io.TextIOBase):
    """Takes what libraries print, line by line, where there is no console."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._rest = ""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Logs whole lines; the rest waits for its end."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                self._logger.info("%s", line)
        return len(text)


def log_path() -> Path | None:
    """The file that `start_logging` writes to; `None` where there is none."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, RotatingFileHandler):
            return Path(handler.baseFilename)
    return None


def last_lines(count: int = 40) -> list[str]:
    """The end of the log."""
    path = log_path()
    if path is None:
        return []
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    return []


@contextlib.contextmanager
def logging_to_file() -> Iterator[None]:
    """Writes the log to a rotating file among the person's logs, and gives missing streams to it."""
    root = logging.getLogger()
    level, before = root.level, (sys.stdout, sys.stderr)
    # Whatever the state folder is, a program that cannot write a log still opens.
    handler: logging.Handler = logging.NullHandler()
    with contextlib.suppress(OSError, UserError):
        handler = RotatingFileHandler(
            logs_dir() / "window.log", maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8", errors="backslashreplace"
        )
        handler.setFormatter(_Scrubbed(_FORMAT))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    if sys.stdout is None:
        sys.stdout = LogStream("stdout")
    if sys.stderr is None:
        sys.stderr = LogStream("stderr")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
