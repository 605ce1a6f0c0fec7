"""Imaging children for tests: the real one, and the real one with files that break it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tlgui.core import imaging_messages as messages
from tlgui.core.imaging_process import ImagingProcess

ANSWER_S = 60.0  # never waited for in full: a limit for a machine under load

# A real reader, but files that are named so break it: "deadly" ends it, "killed" ends it by signal 9, "endless" is never
# read to its end, "faulty" meets a mistake in the program.
BREAKABLE_READER = """
import os, signal, sys, time
from tlgui.imaging import file_check, reader

read_file = file_check.read_file

def broken(root, found):
    if "deadly" in found.path:
        os._exit(70)
    if "killed" in found.path:
        os.kill(os.getpid(), signal.SIGKILL)
    if "endless" in found.path:
        time.sleep(600)
    if "faulty" in found.path:
        raise RuntimeError(f"a mistake at {root}")
    return read_file(root, found)

file_check.read_file = broken
sys.exit(reader.main(sys.argv[1:]))
"""
BREAKABLE_READER_COMMAND = [sys.executable, "-P", "-c", BREAKABLE_READER]

# A real reader that writes down each file before it reads it, and takes its time; the child keeps what was just written.
NOTING_READER = """
import os, sys, time
from tlgui.imaging import file_check, reader

read_file = file_check.read_file

def noted(root, found):
    with open(os.environ["TLGUI_TEST_READS"], "a", encoding="utf-8") as notes:
        notes.write(found.path + chr(10))
    time.sleep(float(os.environ["TLGUI_TEST_PACE"]))
    return read_file(root, found)

file_check.read_file = noted
sys.exit(reader.main(sys.argv[1:]))
"""
NOTING = f"""
import sys
from tlgui.imaging import child, reader_process, scan_cache

scan_cache.RACY_NS = 0
reader_process.reader_command = lambda: {[sys.executable, "-P", "-c", NOTING_READER]!r}
sys.exit(child.main(sys.argv[1:]))
"""
NOTING_COMMAND = [sys.executable, "-P", "-c", NOTING]

# The real child with such readers; as a picture, "deadly" takes the child itself down.
BREAKABLE = f"""
import os, sys, time
from tlgui.imaging import child, picture_queue, reader_process

def broken(real):
    def read(*arguments, **options):
        names = " ".join(map(str, arguments))
        if "deadly" in names:
            os._exit(70)
        if "endless" in names:
            time.sleep(600)
        return real(*arguments, **options)
    return read

picture_queue.thumbnail = broken(picture_queue.thumbnail)
reader_process.reader_command = lambda: {BREAKABLE_READER_COMMAND!r}
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
