"""What was read once is not read again, unless it changed."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tlgui.core.records import Reason, Scan
from tlgui.imaging import scan_cache
from tlgui.imaging.scan import ScanCancelled, scan_folder
from tlgui.imaging.scan_cache import ScanCache
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]
Make = Callable[..., bytes]
LONG_AGO = 1_600_000_000


@pytest.fixture
def root(plant: Plant, classes: Classes, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scan_cache, "RACY_NS", 0)  # the files of a test are as new as can be
    return plant(classes("cats", "dogs"))


def scanned(root: Path) -> tuple[Scan, list[str]]:
    """The scan, and what was decoded for it."""
    read: list[str] = []

    @contextmanager
    def in_hand(path: str) -> Iterator[None]:
        read.append(path)
        yield

    return scan_folder(root, in_hand=in_hand, workers=1), read


def caches() -> list[Path]:
    return sorted(Path(os.environ["TLGUI_CACHE_DIR"]).glob("scans/*.sqlite"))


def test_the_second_scan_reads_nothing_and_finds_the_same(root: Path) -> None:
    first, read = scanned(root)
    assert len(read) == 24
    assert scanned(root) == (first, [])


def test_d32_what_changed_is_read_anew_and_counts_are_right(root: Path, picture: Make) -> None:
    scanned(root)
    (root / "cats/00.png").write_bytes(picture(777, size=(30, 20)))  # another size
    (root / "cats/01.png").unlink()
    (root / "dogs/new.png").write_bytes(picture(778))
    (root / "dogs/05.png").rename(root / "dogs/moved.png")

    scan, read = scanned(root)

    assert read == ["cats/00.png", "dogs/moved.png", "dogs/new.png"]
    assert len(scan.used) == 24
    assert next(record for record in scan.used if record.path == "cats/00.png").width == 30
    assert scan == scan_folder(shutil.copytree(root, root.parent / "elsewhere" / "photos"))


def test_d32_another_picture_of_the_same_size_is_noticed(root: Path) -> None:
    scanned(root)
    path = root / "cats/00.png"
    before, times = path.read_bytes(), path.stat()
    after = before[:-1] + bytes([before[-1] ^ 1])
    path.write_bytes(after)
    scan, read = scanned(root)
    assert read == ["cats/00.png"]
    assert scan.used[0].path != "cats/00.png" or scan.used[0].content_hash

    # A copy that keeps the time of the file which it replaces.
    path.write_bytes(before)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    _, read = scanned(root)
    assert read == ["cats/00.png"]


def test_d32_a_folder_that_moved_is_read_anew_where_it_lies_now(root: Path) -> None:
    first, _ = scanned(root)
    moved = root.rename(root.parent / "other place")
    scan, read = scanned(moved)
    assert len(read) == 24
    assert scan.used == first.used and scan.name == "other place"


def test_a_file_that_was_written_just_now_is_not_trusted(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs"))
    for path in root.glob("dogs/*"):
        os.utime(path, (LONG_AGO, LONG_AGO))  # yet the system knows that they were touched
    scanned(root)
    assert len(scanned(root)[1]) == 24


def test_a_scan_that_was_cancelled_goes_on_where_it_was(root: Path) -> None:
    done: list[int] = []
    with pytest.raises(ScanCancelled):
        scan_folder(root, lambda count, _total: done.append(count), lambda: bool(done) and done[-1] >= 10, workers=1)
    scan, read = scanned(root)
    assert len(read) == 14
    assert len(scan.used) == 24


def test_what_failed_for_a_reason_of_the_moment_is_tried_again(root: Path) -> None:
    (root / "cats/00.png").write_bytes((root / "cats/00.png").read_bytes()[:40])
    scan, _ = scanned(root)
    reason = scan.left_out[0].reason_code
    again, read = scanned(root)
    assert again == scan
    assert read == (["cats/00.png"] if reason is Reason.UNREADABLE else [])

    found = FoundFile(("cats", "x.png"), "file", 5, LONG_AGO, LONG_AGO)
    for code, is_kept in [
        (Reason.UNREADABLE, False),
        (Reason.TOO_LARGE, False),
        (Reason.TRUNCATED, True),
        (None, True),
    ]:
        verdict = Verdict(level="full", reason_code=code)
        with ScanCache(root) as cache:
            cache.keep(found, verdict)
        with ScanCache(root) as cache:
            assert cache.known([found], lambda: None) == ({found.path: verdict} if is_kept else {})


def test_files_that_are_gone_are_dropped(root: Path) -> None:
    scanned(root)
    shutil.rmtree(root / "dogs")
    for number in range(12):
        shutil.copy(root / f"cats/{number:02}.png", root / f"{number}.png")
    (root / "wolves").mkdir()
    shutil.copy(root / "cats/00.png", root / "wolves/1.png")
    scanned(root)
    (path,) = caches()
    with closing(sqlite3.connect(path)) as database:
        paths = [row[0] for row in database.execute("SELECT path FROM verdicts ORDER BY path")]
    assert paths == [*(f"cats/{number:02}.png" for number in range(12)), "wolves/1.png"]


@pytest.mark.parametrize("damage", [b"no database at all", b"", b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_cache_is_thrown_away_in_silence(root: Path, damage: bytes) -> None:
    first, _ = scanned(root)
    (path,) = caches()
    path.write_bytes(damage)
    assert scanned(root)[0] == first
    assert scanned(root) == (first, [])


def test_a_cache_that_is_damaged_in_its_middle_is_thrown_away(root: Path) -> None:
    first, _ = scanned(root)
    (path,) = caches()
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    assert scanned(root)[0] == first


def test_another_version_of_the_decoders_reads_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned(root)
    monkeypatch.setattr(scan_cache, "version", lambda: "another one")
    assert len(scanned(root)[1]) == 24
    assert scanned(root)[1] == []
    monkeypatch.undo()


def test_the_version_names_all_that_decodes() -> None:
    assert {"Pillow", "pydicom", "tifffile", "key"} <= {part.split()[0] for part in scan_cache.version().split(", ")}
    folder = Path(scan_cache.__file__).parent
    for name in scan_cache.DECODERS:
        needed = set(
            re.findall(r"^ *from tlgui\.imaging\.(\w+) import", (folder / f"{name}.py").read_text(), re.MULTILINE)
        )
        assert needed <= {*scan_cache.DECODERS, "layout", "walk"}, name


def test_another_key_of_this_computer_reads_anew(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scanned(root)
    monkeypatch.setenv("TLGUI_STATE_DIR", str(tmp_path / "another state"))
    assert len(scanned(root)[1]) == 24


def test_without_a_place_for_it_there_is_no_cache(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"")
    monkeypatch.setenv("TLGUI_CACHE_DIR", str(tmp_path / "a file"))
    assert len(scanned(root)[1]) == 24
    assert len(scanned(root)[1]) == 24


def test_where_no_database_can_be_made_there_is_no_cache(root: Path) -> None:
    first, _ = scanned(root)
    (path,) = caches()
    path.unlink()
    path.mkdir()
    assert scanned(root)[0] == first
    assert len(scanned(root)[1]) == 24


def test_a_cache_in_use_by_another_program_is_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_cache, "BUSY_S", 0.01)
    first, _ = scanned(root)
    (path,) = caches()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        again, read = scanned(root)
        assert again == first and len(read) == 24
    assert scanned(root) == (first, [])


def test_caches_that_were_not_used_for_longest_make_room(
    root: Path, plant: Plant, classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = [root, plant(classes("a", "b"), "second"), plant(classes("a", "b"), "third")]
    for number, one in enumerate(roots[:2]):
        scanned(one)
        for path in caches():
            if path.stat().st_mtime > LONG_AGO + 10:
                os.utime(path, (LONG_AGO + number, LONG_AGO + number))
    size = max(path.stat().st_size for path in caches())
    monkeypatch.setattr(scan_cache, "MOST_BYTES", 2 * size + 100)
    scanned(roots[2])
    assert [len(scanned(one)[1]) for one in (roots[1], roots[2])] == [0, 0]
    assert len(caches()) == 2


def test_no_place_of_a_person_stands_in_it(root: Path) -> None:
    scanned(root)
    (path,) = caches()
    content = path.read_bytes()
    assert b"cats/00.png" in content
    assert os.fsencode(root.parent) not in content
    assert root.name not in path.name


@pytest.mark.skipif(os.name != "posix", reason="modes are of posix")
def test_others_cannot_look_into_it(root: Path) -> None:
    scanned(root)
    assert caches()[0].parent.stat().st_mode & 0o077 == 0
