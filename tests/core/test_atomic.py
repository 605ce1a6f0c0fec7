"""Whatever happens while a file is written, it is the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tlgui.core import atomic

OLD, NEW = "old content", "the new content, which is longer"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text(OLD)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("text", ["", "one line", "ü 🦠\r\nlines\nas they are\r"])
def test_text_is_written_as_it_is(tmp_path: Path, text: str) -> None:
    atomic.write_text(tmp_path / "notes.txt", text)

    assert (tmp_path / "notes.txt").read_bytes() == text.encode()
    assert names(tmp_path) == ["notes.txt"]


def test_a_file_that_is_there_is_replaced(file: Path) -> None:
    atomic.write_bytes(file, NEW.encode())

    assert file.read_text() == NEW
    assert names(file.parent) == ["notes.txt"]


def test_until_the_end_readers_see_the_old_file(file: Path) -> None:
    with atomic.replacing(file) as temporary:
        temporary.write_text(NEW)
        assert file.read_text() == OLD
        assert temporary.parent == file.parent  # a rename is atomic on one disk alone

    assert file.read_text() == NEW


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), ValueError("a bug"), KeyboardInterrupt()])
@pytest.mark.parametrize("written", [None, "", "half of the n"])
def test_an_error_while_writing_keeps_the_old_file(file: Path, error: BaseException, written: str | None) -> None:
    with pytest.raises(type(error)), atomic.replacing(file) as temporary:
        if written is not None:
            temporary.write_text(written)
        raise error

    assert file.read_text() == OLD
    assert names(file.parent) == ["notes.txt"]


def test_a_body_that_writes_nothing_is_an_error_and_keeps_the_old_file(file: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic.replacing(file):
        pass

    assert file.read_text() == OLD


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_disk_that_fails_at_the_last_moment_keeps_the_old_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, owner: object, call: str
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as failing, pytest.raises(OSError, match="No space"):
        failing.setattr(owner, call, fail)
        atomic.write_text(file, NEW)

    assert file.read_text() == OLD
    assert names(file.parent) == ["notes.txt"]


def test_the_content_is_on_the_disk_before_it_gets_its_name(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        order.append(f"fsync {'folder' if Path(f'/dev/fd/{descriptor}').is_dir() else 'file'}")
        fsync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        order.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    atomic.write_text(file, NEW)

    assert order == ["fsync file", "rename", "fsync folder"]


def test_a_drive_that_cannot_sync_folders_does_not_make_the_writing_fail(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def refusing(descriptor: int) -> None:  # as some network drives do
        if Path(f"/dev/fd/{descriptor}").is_dir():
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refusing)
    atomic.write_text(file, NEW)

    assert file.read_text() == NEW


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic.write_text(tmp_path / "nowhere" / "notes.txt", NEW)


def test_a_folder_in_the_place_of_the_file_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").mkdir()

    with pytest.raises(IsADirectoryError):
        atomic.write_text(tmp_path / "notes.txt", NEW)

    assert names(tmp_path) == ["notes.txt"]


# A process that may write no file longer than so many bytes: a write that really stops half-way.
SHORT_FILES = """
import resource, sys
from pathlib import Path
from tlgui.core import atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    atomic.write_bytes(Path(sys.argv[1]), b"n" * 5000)
except OSError:
    sys.exit(7)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits on file sizes are POSIX's")
def test_a_write_that_stops_half_way_keeps_the_old_file(file: Path) -> None:
    assert subprocess.run([sys.executable, "-c", SHORT_FILES, str(file)], check=False).returncode == 7

    assert file.read_text() == OLD
    assert names(file.parent) == ["notes.txt"]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True, text=True
    )
    if mount.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mount.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full_keeps_the_old_file(tiny_disk: Path) -> None:
    file = tiny_disk / "notes.txt"
    atomic.write_text(file, OLD)

    with pytest.raises(OSError) as caught:
        atomic.write_bytes(file, b"n" * 200_000)

    assert caught.value.errno == errno.ENOSPC
    assert file.read_text() == OLD
    assert names(tiny_disk) == ["notes.txt"]
    atomic.write_text(file, NEW)
    assert file.read_text() == NEW


WRITES_FOREVER = """
import sys
from pathlib import Path
from tlgui.core import atomic
path = Path(sys.argv[1])
with atomic.replacing(path) as temporary, temporary.open("wb") as stream:
    for _ in range(200):
        stream.write(b"n" * 100_000)
        stream.flush()
        print("writing", flush=True)
    sys.stdin.read()
"""
REPLACES_FOREVER = """
import sys
from pathlib import Path
from tlgui.core import atomic
path = Path(sys.argv[1])
print("writing", flush=True)
while True:
    for sign in (b"a", b"b"):
        atomic.write_bytes(path, sign * 1_000_000)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no signals")
@pytest.mark.parametrize("after_s", [0.0, 0.005, 0.01, 0.02, 0.04])
@pytest.mark.parametrize("script", [WRITES_FOREVER, REPLACES_FOREVER])
def test_a_process_killed_while_it_writes_leaves_a_whole_file(file: Path, script: str, after_s: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        time.sleep(after_s)  # different moments of the writing; what must hold, holds at each
        writer.kill()

    assert writer.returncode == -signal.SIGKILL
    whole = [OLD.encode()] if script == WRITES_FOREVER else [OLD.encode(), b"a" * 1_000_000, b"b" * 1_000_000]
    assert file.read_bytes() in whole


def test_what_a_killed_program_had_begun_is_removed_and_what_others_write_is_not(file: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    for owner in (gone.stdout.decode().strip(), str(os.getpid()), str(os.getppid())):
        (file.parent / f".notes.txt.{owner}-0.tmp").touch()
    (file.parent / ".notes.txt.mine.tmp").touch()
    (file.parent / f".other.txt.{gone.stdout.decode().strip()}-0.tmp").touch()

    atomic.remove_leftovers(file)
    left = names(file.parent)
    assert len(left) == 5 and f".notes.txt.{os.getpid()}-0.tmp" in left

    atomic.remove_leftovers(file, own=True)
    assert len(names(file.parent)) == 4 and f".notes.txt.{os.getppid()}-0.tmp" in names(file.parent)
    assert file.read_text() == OLD


def test_two_that_write_a_file_at_once_do_not_disturb_each_other(file: Path) -> None:
    with atomic.replacing(file) as one, atomic.replacing(file) as other:
        assert one != other
        one.write_text(NEW)
        other.write_text(OLD)

    assert file.read_text() == NEW and names(file.parent) == ["notes.txt"]
