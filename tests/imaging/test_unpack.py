from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.imaging import unpack as module
from tlgui.imaging import zip_entries
from tlgui.imaging.scan import ScanCancelled
from tlgui.imaging.unpack import unpack

Files = dict[str, bytes]
PHOTOS: Files = {"cats/1.png": b"one", "dogs/2.png": b"two" * 1000, "__MACOSX/._1.png": b"x", "empty.txt": b""}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "My photos.zip"


def pack(archive: Path, files: Files | Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(archive, "w", method) as made:
        for name, content in files.items() if isinstance(files, dict) else files:
            made.writestr(zipfile.ZipInfo(name), content, method)
    return archive


def unpacked(archive: Path, cancelled: Callable[[], bool] = lambda: False) -> Path:
    return unpack(archive, projects_dir(), lambda done, total: None, cancelled)


def files_in(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(archive: Path, shown: str = "") -> UserError:
    with pytest.raises(UserError) as caught:
        unpacked(archive)
    error = caught.value
    assert str(archive.parent) not in f"{error}{error.details}"
    assert error.problem.endswith(".")
    assert shown in error.problem
    assert files_in(projects_dir().parent) == {}  # nothing was written, here or beside
    assert list(projects_dir().iterdir()) == []
    return error


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_is_unpacked_into_the_projects(archive: Path, method: int) -> None:
    pack(archive, PHOTOS, method)
    steps: list[tuple[int, int]] = []
    folder = unpack(archive, projects_dir(), lambda done, total: steps.append((done, total)), lambda: False)
    assert folder == projects_dir() / "My photos" / "My photos"
    assert files_in(folder) == PHOTOS
    total = archive.stat().st_size + sum(map(len, PHOTOS.values()))
    assert steps[-1] == (total, total)
    assert steps == sorted(steps)
    note = json.loads((folder.parent / "archive.json").read_text())
    assert sorted(note) == ["files", "sha256", "size_bytes"]
    assert [path.name for path in projects_dir().iterdir()] == ["My photos"]


def test_the_same_archive_is_not_unpacked_twice_and_another_one_gets_a_number(archive: Path) -> None:
    folder = unpacked(pack(archive, PHOTOS))
    (folder / "more.txt").write_text("mine")
    assert unpacked(archive) == folder
    assert (folder / "more.txt").exists()
    other = unpacked(pack(archive, {"a/1.png": b"other"}))
    assert other == projects_dir() / "My photos 2" / "My photos 2"
    assert unpacked(archive) == other
    assert unpacked(pack(archive, PHOTOS)) == folder


def test_a_project_of_that_name_is_not_touched(archive: Path) -> None:
    (projects_dir() / "My photos").mkdir()
    assert unpacked(pack(archive, PHOTOS)) == projects_dir() / "My photos 2" / "My photos 2"
    assert list((projects_dir() / "My photos").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "a/../../evil.png",
        "a/..",
        "..\\evil.png",
        "a\\..\\..\\evil.png",
        "/tmp/evil.png",
        "\\\\server\\share\\evil.png",
        "\\evil.png",
        "C:/evil.png",
        "c:evil.png",
    ],
)
def test_names_that_lead_out_of_the_folder_are_refused(archive: Path, name: str) -> None:
    error = refusal(pack(archive, {"ok/1.png": b"x", name: b"x"}))
    assert "would be written outside of the folder" in error.problem


def test_a_zero_byte_in_a_name_is_refused(archive: Path) -> None:
    pack(archive, {"aXb.png": b"x"})
    archive.write_bytes(archive.read_bytes().replace(b"aXb.png", b"a\0b.png"))
    refusal(archive, "holds a zero byte")


@pytest.mark.parametrize(
    "name", ["/".join("d" * 50) + "/1.png", "x" * 300 + ".png", "/".join(["y" * 200] * 6) + "/1.png"]
)
def test_names_that_are_too_deep_or_too_long_are_refused(archive: Path, name: str) -> None:
    refusal(pack(archive, {name: b"x"}), "too long")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFBLK])
def test_links_and_devices_are_refused(archive: Path, kind: int) -> None:
    info = zipfile.ZipInfo("a/link")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(info, "/etc/passwd")
    refusal(archive, "'a/link' in it is a link or a device, not a file")


def test_folders_and_ordinary_files_with_their_rights_are_fine(archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as made:
        for name, kind in (("a/", stat.S_IFDIR), ("a/1.png", stat.S_IFREG)):
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind | 0o755) << 16
            made.writestr(info, b"x" if kind == stat.S_IFREG else b"")
    assert files_in(unpacked(archive)) == {"a/1.png": b"x"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a/1.png", "a/1.png"], "'a/1.png' comes twice in it"),
        (["a/1.png", "a/1.PNG"], "'a/1.png' and 'a/1.PNG' in it have the same name on many disks"),
        (["Cats/1.png", "cats/2.png"], "'Cats' and 'cats' in it have the same name on many disks"),
        (["\u00e4.png", "a\u0308.png"], "in it have the same name on many disks"),
        (["a", "a/1.png"], "'a' is a file and a folder in it"),
        (["a/1.png", "a"], "'a' is a file and a folder in it"),
        (["a\\1.png", "a/1.png"], "'a/1.png' comes twice in it"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_one_on_some_disk_are_refused(archive: Path, names: list[str], said: str) -> None:
    refusal(pack(archive, [(name, b"x") for name in names]), said)


def central(archive: Path, offset: int, packed: bytes) -> None:
    """Writes into the (only) entry of the central directory, and into the header beside the data."""
    data = bytearray(archive.read_bytes())
    for mark, shift in ((b"PK\x01\x02", 0), (b"PK\x03\x04", -2)):
        at = data.index(mark) + offset + shift
        data[at : at + len(packed)] = packed
    archive.write_bytes(data)


def test_an_encrypted_archive_is_refused(archive: Path) -> None:
    central(pack(archive, {"1.png": b"x"}), 8, struct.pack("<H", 1))
    assert refusal(archive, "is protected by a password").remedy == "Unpack it by hand, then choose the folder."


def test_an_unknown_kind_of_packing_is_refused(archive: Path) -> None:
    central(pack(archive, {"1.png": b"x"}), 10, struct.pack("<H", 9))
    refusal(archive, "is packed in a way that cannot be read here")


@pytest.mark.parametrize(("packed", "stated"), [(5000, 4000), (4000, 5000)])
def test_a_header_that_lies_about_the_size_is_refused(archive: Path, packed: int, stated: int) -> None:
    central(pack(archive, {"1.png": b"x" * packed}), 24, struct.pack("<I", stated))
    refusal(archive, "The archive is damaged: '1.png' in it cannot be unpacked.")


def test_a_damaged_archive_leaves_nothing(archive: Path) -> None:
    pack(archive, {"a/1.png": b"fine", "b/2.png": bytes(range(256)) * 20}, zipfile.ZIP_STORED)
    data = archive.read_bytes()
    archive.write_bytes(data.replace(bytes(range(100, 110)), b"0123456789", 1))
    refusal(archive, "The archive is damaged: 'b/2.png' in it cannot be unpacked.")


@pytest.mark.parametrize(
    "content", [b"", b"Rar!\x1a\x07\x01\0" + bytes(50), b"PK\x03\x04" + bytes(30), b"\x1f\x8b\x08"]
)
def test_what_is_no_zip_is_refused(archive: Path, content: bytes) -> None:
    archive.write_bytes(content)
    refusal(archive, "'My photos.zip' is no zip archive, or it is damaged.")


def test_a_zip_that_is_gone_and_one_without_files(archive: Path) -> None:
    refusal(archive, "cannot be unpacked")
    refusal(pack(archive, {"a/": b""}), "holds no file")


def test_a_bomb_is_refused(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_entries, "SUSPICIOUS_BYTES", 5_000_000)
    pack(archive, {f"a/{n}.png": bytes(3_000_000) for n in range(2)})
    assert archive.stat().st_size * 900 < 6_000_000
    assert "times as large" in refusal(archive).problem


def test_what_packs_well_and_is_small_is_no_bomb(archive: Path) -> None:
    assert files_in(unpacked(pack(archive, {"a/1.bmp": bytes(1_000_000)}))) == {"a/1.bmp": bytes(1_000_000)}


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [("MOST_BYTES", 100, "more than 0 GB"), ("MOST_ENTRIES", 2, "it holds more than 2 files")],
)
def test_too_much_is_refused(archive: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, said: str) -> None:
    monkeypatch.setattr(zip_entries, limit, most)
    refusal(pack(archive, PHOTOS), said)


def test_a_disk_that_would_be_full_is_refused(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_BYTES", 10**18)
    refusal(pack(archive, PHOTOS), "and the disk has only")


def test_cancelling_leaves_nothing(archive: Path) -> None:
    pack(archive, {f"a/{n}.png": b"x" for n in range(10)})
    asked = iter(range(100))
    with pytest.raises(ScanCancelled):
        unpacked(archive, lambda: next(asked) == 6)
    assert list(projects_dir().iterdir()) == []


def test_what_a_killed_program_left_is_removed(archive: Path) -> None:
    gone, own = projects_dir() / ".unpacking.999999999-0", projects_dir() / f".unpacking.{os.getpid()}-x"
    for folder in (gone, own):
        (folder / folder.name).mkdir(parents=True)
    unpacked(pack(archive, PHOTOS))
    assert (gone.exists(), own.exists()) == (False, True)


@pytest.mark.parametrize(
    "name", ["Pr\u00fcf bilder \u732b \U0001f9ea/Gr\u00f6\u00dfe 1/\u00c4.png", "Gro\u0308\u00dfe/A\u0308.png"]
)
@pytest.mark.parametrize("says_utf8", [True, False])
def test_d34_names_in_every_script_also_where_the_archive_does_not_say_that_it_is_utf8(
    archive: Path, name: str, says_utf8: bool
) -> None:
    pack(archive, {name: b"x"})
    if not says_utf8:
        data = archive.read_bytes()
        for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
            place = data.index(mark) + at
            flags = struct.unpack_from("<H", data, place)[0] & ~0x800
            data = data[:place] + struct.pack("<H", flags) + data[place + 2 :]
        archive.write_bytes(data)
    assert files_in(unpacked(archive)) == {name: b"x"}


def test_old_names_of_windows_are_kept_as_they_are_read(archive: Path) -> None:
    pack(archive, {"a\\b\\1.png": b"x", "cafXX.png": b"y"})
    archive.write_bytes(archive.read_bytes().replace(b"cafXX", b"caf\x82\xff"))
    assert files_in(unpacked(archive)) == {"a/b/1.png": b"x", "caf\u00e9\u00a0.png": b"y"}


def test_an_archive_inside_of_an_archive_stays_a_file(archive: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as made:
        made.writestr("../evil.png", "x")
    assert files_in(unpacked(pack(archive, {"inner.zip": inner.getvalue()}))) == {"inner.zip": inner.getvalue()}
