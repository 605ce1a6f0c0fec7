"""What a person sees while pip works: the step, the package being fetched, how far it is, how long it takes."""

import re
import time
from collections.abc import Callable
from typing import NamedTuple, TextIO
from urllib.parse import unquote

from bootstrap_errors import size_words

_REDRAW_S = 0.1
_LINE_WIDTH = 100
# Without a terminal a line at least so often, so that a log shows that it goes on.
_SIGN_OF_LIFE_S = 30.0
# Smaller packages come and go too fast to deserve a line in a log.
_WORTH_A_LINE_BYTES = 10_000_000


class PipNews(NamedTuple):
    """What one line of pip's output tells a person.

    Attributes:
        activity: what pip does now, "" when the line only says how far it is.
        size_bytes: the size of what is being fetched, where pip names it.
        got_bytes: how much of it has arrived, None when the line is about something else.
    """

    activity: str
    size_bytes: int = 0
    got_bytes: int | None = None


_UNITS = {"bytes": 1, "kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}


def read_pip_line(line: str) -> PipNews | None:
    """What a line of pip's output means for a person; None when nothing.

    The lines `Progress 1048576 of 915600000` come from `--progress-bar raw`, which pip knows since 24.1.
    """
    text = line.strip()
    if found := re.fullmatch(r"Progress (\d+) of (\d+)", text):
        return PipNews("", size_bytes=int(found[2]), got_bytes=int(found[1]))
    if found := re.match(r"(Downloading|Using cached|Processing) (\S+?)(?: \(([\d.]+) (bytes|kB|MB|GB)\))?$", text):
        if found[2].endswith(".metadata"):
            return None
        verb = {"Downloading": "fetching", "Using cached": "taking from pip's cache", "Processing": "reading"}[found[1]]
        size = round(float(found[3]) * _UNITS[found[4]]) if found[3] else 0
        return PipNews(f"{verb} {_file_words(found[2])}", size_bytes=size)
    if found := re.match(r"Collecting ([A-Za-z0-9._-]+)", text):
        return PipNews(f"looking for {found[1]}")
    if text.startswith("Installing collected packages: "):
        count = text.count(",") + 1
        return PipNews(f"unpacking {count} package{'s' if count > 1 else ''}")
    if text.startswith(("Building ", "Preparing ", "Installing build dependencies")):
        return PipNews("building")
    if "WARNING: Retrying" in text:
        return PipNews("no answer from the package index, trying again")
    return None


def _file_words(place: str) -> str:
    """`https://.../torch-2.12.0%2Bcpu-cp311-...whl` -> `torch 2.12.0+cpu`."""
    name = unquote(re.split(r"[/\\]", place)[-1])
    found = re.match(r"(.+?)-(\d[^-]*?)(?:-.*\.whl|\.tar\.gz|\.zip)$", name)
    return f"{found[1]} {found[2]}" if found else name


def duration_words(seconds: float) -> str:
    """`8 s`, `2 min 05 s`."""
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class Progress:
    """Shows the steps of an installation: one line redrawn on a terminal, plain lines elsewhere."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._redraws = stream.isatty()
        self._head = ""
        self._news = PipNews("")
        self._began = 0.0
        self._shown = 0.0
        self._width = 0

    def say(self, sentence: str) -> None:
        """Print a sentence on a line of its own."""
        self._clear()
        self._print(sentence)

    def begin(self, number: int, count: int, title: str) -> None:
        """A step begins; `number` counts from 1."""
        self._head = f"[{number}/{count}] {title}"
        self._news = PipNews("")
        self._began = self._clock()
        self._shown = self._began
        if self._redraws:
            self._draw()
        else:
            self._print(f"{self._head} ...")

    def read(self, line: str) -> None:
        """Take in one line of pip's output."""
        news = read_pip_line(line)
        if news is None:
            return
        if news.got_bytes is not None:
            self._news = news._replace(activity=self._news.activity)
        else:
            self._news = news
            if not self._redraws and (news.size_bytes >= _WORTH_A_LINE_BYTES or news.activity.startswith("unpacking")):
                self._print(f"{self._head}: {self._state()}")
        self.tick()

    def tick(self) -> None:
        """Time has passed: show that the step goes on."""
        now = self._clock()
        if self._redraws and now - self._shown >= _REDRAW_S:
            self._draw()
        elif not self._redraws and now - self._shown >= _SIGN_OF_LIFE_S:
            self._print(f"{self._head}: {self._state()}, {duration_words(now - self._began)} so far")

    def done(self) -> None:
        """The step ended well."""
        self._clear()
        self._print(f"{self._head}: done in {duration_words(self._clock() - self._began)}")

    def failed(self) -> None:
        """The step did not end well; the sentence follows from elsewhere."""
        self._clear()

    def _state(self) -> str:
        news = self._news
        if news.got_bytes is not None:
            return f"{news.activity}, {size_words(news.got_bytes)} of {size_words(news.size_bytes)}"
        if news.size_bytes:
            return f"{news.activity} ({size_words(news.size_bytes)})"
        return news.activity or "at work"

    def _draw(self) -> None:
        now = self._clock()
        line = f"{self._head}: {self._state()}, {duration_words(now - self._began)}"[:_LINE_WIDTH]
        # Blanks instead of an escape sequence: old Windows consoles would print that.
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)
        self._shown = now

    def _clear(self) -> None:
        if self._redraws and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0

    def _print(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()
        self._shown = self._clock()
