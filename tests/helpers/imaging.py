"""Imaging children for tests: the real one, and the real one with files that break it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tlgui.core import imaging_messages as messages
from tlgui.core.imaging_process import ImagingProcess

ANSWER_S = 60.0  # never waited for in full: a limit for a machine under load

# The real child, but a file named "deadly" takes the process down, and one named "endless" is never read to its end.
BREAKABLE = """
import os, sys, time
from pathlib import Path
from tlgui.imaging import child, picture_queue, scan

def broken(real):
    def read(*arguments, **options):
        names = " ".join(str(getattr(a, "path", a)) for a in arguments)
        if "deadly" in names:
            os._exit(70)
        if "endless" in names:
            time.sleep(600)
        return real(*arguments, **options)
    return read

picture_queue.thumbnail = broken(picture_queue.thumbnail)
check = scan.check_file
scan.check_file = lambda root, found, layout: broken(lambda _found: check(root, found, layout))(found)
sys.exit(child.main(sys.argv[1:]))
"""
BREAKABLE_COMMAND = [sys.executable, "-P", "-c", BREAKABLE]


@contextmanager
def imaging_child(breakable: bool = False) -> Iterator[ImagingProcess]:
    """A child that is closed in the end."""
    process = ImagingProcess(BREAKABLE_COMMAND if breakable else None)
    try:
        yield process
    finally:
        process.close(5.0)


def answers_until(process: ImagingProcess, *kinds: type[messages.Answer]) -> list[messages.AnyAnswer]:
    """What it says, up to the first answer of one of these kinds."""
    said: list[messages.AnyAnswer] = []
    while (answer := process.next_message(ANSWER_S)) is not None:
        said.append(answer)
        if isinstance(answer, kinds):
            return said
    raise AssertionError(f"no {kinds} among {said}; {process.last_lines()}")


def copies(picture: Path, root: Path, classes: int, each: int) -> Path:
    """A folder of class folders that all hold the same small picture under other names."""
    data = picture.read_bytes()
    for number in range(classes):
        folder = root / f"class {number:02}"
        folder.mkdir(parents=True)
        for index in range(each):
            (folder / f"{index:05}.png").write_bytes(data)
    return root
