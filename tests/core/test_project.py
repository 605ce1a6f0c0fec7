"""The project of a folder of images: found again, changed by several windows, and without a word on where it lies."""

from __future__ import annotations

import csv
import errno
import os
import shutil
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from tlgui.core import atomic, project, state_file
from tlgui.core.errors import UserError
from tlgui.core.intake import (
    Change,
    CutTest,
    DrawSplitAnew,
    GroupBy,
    IgnoreCopies,
    KeepTogether,
    LeaveOutClass,
    LeaveOutFiles,
    RenameClass,
    SetTable,
)
from tlgui.core.paths import projects_dir, state_dir
from tlgui.core.project import Project, find_project, remember_table, table_place
from tlgui.core.records import ImageRecord, TableColumns
from tlgui.core.run_folder import create, remember_place
from tlgui.core.run_spec import Dataset, RunSpec
from tlgui.core.split import Part, split

FRACTIONS = (0.7, 0.15, 0.15)
PATHS = [f"{name}/{n:02}.png" for name in ("cats", "dogs") for n in range(20)]


def records(paths: list[str], group: Callable[[str], str] = lambda path: "") -> list[ImageRecord]:
    return [
        ImageRecord(
            path=path, class_name=path.split("/")[0], content_hash=f"c{path}", width=8, height=8, group=group(path)
        )
        for path in paths
    ]


def images(place: Path, paths: list[str] = PATHS) -> Path:
    for path in paths:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).touch()
    return place


def kept(data: Path, paths: list[str] = PATHS, seed: int = 0) -> dict[str, Part]:
    """What a run does: finds the project, follows its split and keeps it."""
    found = find_project(data, paths)
    used = records(paths)
    parts = split(used, FRACTIONS, seed, found.kept_split(FRACTIONS, seed))
    found.write_split(used, parts, FRACTIONS, seed)
    return parts


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return images(tmp_path / "photos")


# The journal


def test_looking_at_a_folder_leaves_nothing_on_the_disk(data: Path) -> None:
    found = find_project(data, PATHS)

    assert found.path == projects_dir() / "photos"
    assert (list(found.entries), found.kept_split(FRACTIONS, 0)) == ([], None)
    assert not list(projects_dir().iterdir())
    found.record([])
    found.undo([0, 7])
    assert not list(projects_dir().iterdir())


ALL: list[Change] = [
    SetTable(table="labels.csv"),
    SetTable(table="labels.csv", columns=TableColumns(file="image", labels=["a", "b"])),
    RenameClass(old="cats", new='"Katzen"\n= 猫'),
    LeaveOutFiles(paths=["cats/00.png", "cats/ü 'x'.png"]),
    KeepTogether(groups=[["cats/01.png", "cats/02.png"], ["dogs/01.png", "dogs/02.png"]]),
    IgnoreCopies(pairs=[("cats/01.png", "cats/02.png")]),
    GroupBy(key=r"pattern:^(P\d+)_"),
]


def test_decisions_are_there_when_the_folder_is_opened_again(data: Path) -> None:
    find_project(data, PATHS).record(ALL[:3])
    find_project(data, PATHS).record(ALL[3:])

    again = find_project(data, PATHS)

    assert [entry.change for entry in again.entries] == ALL
    assert again.intake == Project(projects_dir() / "elsewhere").with_changes(ALL)
    assert again.intake.left_out == {"cats/00.png", "cats/ü 'x'.png"}


def test_the_salt_of_a_project_never_changes_and_is_nobody_elses(data: Path, tmp_path: Path) -> None:
    one = find_project(data, PATHS)
    one.record(ALL[:1])

    assert len(one.salt) == 32
    assert find_project(data, PATHS).salt == one.salt
    assert find_project(images(tmp_path / "other"), PATHS).salt != one.salt


def test_a_decision_that_is_taken_back_stays_in_the_journal_with_both_times(data: Path) -> None:
    found = find_project(data, PATHS)
    found.record([LeaveOutClass(name="dogs"), RenameClass(old="cats", new="Cats")])
    first = found.entries[0]

    found.undo([0])

    assert found.without([1]).classes == {}
    assert found.intake.classes == {"cats": "Cats"}
    undone = find_project(data, PATHS).entries[0]
    assert (undone.change, undone.at) == (first.change, first.at)
    assert datetime.fromisoformat(undone.at) <= datetime.fromisoformat(undone.undone_at)
    assert undone.at.endswith("+00:00")
    found.undo([0])
    assert find_project(data, PATHS).entries[0] == undone


def test_what_would_be_in_force_is_told_without_keeping_it(data: Path) -> None:
    found = find_project(data, PATHS)
    found.record([LeaveOutClass(name="dogs"), LeaveOutClass(name="cats")])

    assert found.with_changes([RenameClass(old="dogs", new="Dogs")]).classes == {"dogs": "Dogs", "cats": ""}
    assert found.without([0]).classes == {"cats": ""}
    assert len(find_project(data, PATHS).entries) == 2


def test_the_audit_can_be_read_in_any_table_program(data: Path) -> None:
    found = find_project(data, PATHS)
    found.record([LeaveOutClass(name="dogs"), RenameClass(old="cats", new="Größe, x")])
    found.undo([0])

    with (found.path / "changes.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))

    assert rows[0] == ["at", "what", "undone_at"]
    assert [row[1] for row in rows[1:]] == ["The class 'dogs' is left out.", "The class 'cats' is called 'Größe, x'."]
    assert [bool(row[2]) for row in rows[1:]] == [True, False]


def test_two_windows_lose_no_decision_of_each_other(data: Path) -> None:
    windows = [find_project(data, PATHS) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: windows[n].record([LeaveOutFiles(paths=[f"cats/{n:02}.png"])]), range(6)))

    again = find_project(data, PATHS)
    assert again.intake.left_out == {f"cats/{n:02}.png" for n in range(6)}
    assert [item.name for item in projects_dir().iterdir()] == ["photos"]


def test_what_another_window_decided_is_in_force_after_a_refresh_and_a_split_alone_takes_nothing_over(
    data: Path,
) -> None:
    here, there = find_project(data, PATHS), find_project(data, PATHS)
    there.record([LeaveOutClass(name="dogs")])
    parts = split(records(PATHS), FRACTIONS)

    here.write_split(records(PATHS), parts, FRACTIONS, 0)

    assert (here.salt, here.path) == (there.salt, there.path)
    assert here.in_force == []  # the images that were parted still had the class
    here.refresh()
    assert here.in_force == [LeaveOutClass(name="dogs")]
    here.undo([0])
    there.refresh()
    assert there.in_force == []


def test_a_refresh_takes_nothing_from_another_folder_of_that_name(data: Path, tmp_path: Path) -> None:
    here = find_project(data, PATHS)
    find_project(images(tmp_path / "elsewhere" / "photos", ["a/1.png", "b/1.png"]), ["a/1.png", "b/1.png"]).record(ALL)

    here.refresh()

    assert here.entries == []
    assert here.path.name == "photos 2"


def test_a_project_of_a_newer_version_is_refused_in_words_and_left_as_it_is(data: Path) -> None:
    find_project(data, PATHS).record([LeaveOutClass(name="dogs")])
    file = projects_dir() / "photos" / "project.toml"
    for old, new in (('"LeaveOutClass"', '"Dance"'), ("format = 1", "format = 2")):
        newer = file.read_text().replace(old, new)
        assert newer != file.read_text()
        file.write_text(newer)

        with pytest.raises(UserError) as caught:
            find_project(data, PATHS)

        assert caught.value.problem == "The project 'photos' was last changed by a newer version of this program."
        assert file.read_text() == newer


@pytest.mark.parametrize("content", [b"\0\xff", b"format = 1\nsalt = 3\n", b"format = 1\nsa", b"[[entries]]\nx = 1\n"])
def test_a_damaged_project_is_said_with_what_to_do(data: Path, content: bytes) -> None:
    find_project(data, PATHS).record([LeaveOutClass(name="dogs")])
    (projects_dir() / "photos" / "project.toml").write_bytes(content)

    with pytest.raises(UserError) as caught:
        find_project(data, PATHS)

    assert caught.value.problem == "'project.toml' of the project 'photos' cannot be read."
    assert caught.value.remedy.startswith("Take it from a backup")
    assert str(projects_dir()) not in caught.value.details


def test_a_full_disk_is_said_and_nothing_is_half_kept(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_project(data, PATHS)
    found.record([LeaveOutClass(name="dogs")])

    def no_space(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(atomic, "write_text", no_space)
        with pytest.raises(UserError) as caught:
            found.record([LeaveOutClass(name="cats")])

    assert (caught.value.code, len(found.entries)) == ("disk_full", 1)
    assert "The project 'photos' cannot be written" in caught.value.problem
    assert len(find_project(data, PATHS).entries) == 1


def test_a_name_that_is_no_text_is_refused_in_words(data: Path) -> None:
    with pytest.raises(UserError, match="no text"):
        find_project(data, PATHS).record([LeaveOutFiles(paths=["cats/\udcff.png"])])


# Which project a folder has


def test_two_folders_of_one_name_have_two_projects(tmp_path: Path) -> None:
    one, other = images(tmp_path / "a" / "photos"), images(tmp_path / "b" / "photos", ["x/1.png", "y/1.png"])
    find_project(one, PATHS).record([LeaveOutClass(name="cats")])

    second = find_project(other, ["x/1.png", "y/1.png"])
    second.record([LeaveOutClass(name="x")])

    assert second.path.name == "photos 2"
    assert find_project(one, PATHS).path.name == "photos"
    assert find_project(other, []).intake.classes == {"x": ""}


def test_a_copy_of_a_folder_that_is_still_there_has_its_own_project(tmp_path: Path, data: Path) -> None:
    find_project(data, PATHS).record([LeaveOutClass(name="cats")])

    assert find_project(images(tmp_path / "copy" / "photos"), PATHS).path.name == "photos 2"


def test_two_windows_that_begin_at_once_with_folders_of_one_name_do_not_share_a_project(tmp_path: Path) -> None:
    one, other = (find_project(images(tmp_path / part / "photos"), PATHS) for part in "ab")

    one.record([LeaveOutClass(name="cats")])
    other.record([LeaveOutClass(name="dogs")])

    assert {one.path.name, other.path.name} == {"photos", "photos 2"}
    assert find_project(tmp_path / "b" / "photos", PATHS).intake.classes == {"dogs": ""}


def test_a_folder_that_was_moved_finds_its_project_by_its_files(data: Path, tmp_path: Path) -> None:
    find_project(data, PATHS).record([LeaveOutClass(name="cats")])
    (tmp_path / "usb").mkdir()
    moved = data.rename(tmp_path / "usb" / "photos")

    # A third of the files is gone and others have come.
    found = find_project(moved, [*PATHS[14:], *(f"new/{n}.png" for n in range(60))])

    assert found.path.name == "photos"
    assert found.intake.classes == {"cats": ""}
    found.record([LeaveOutClass(name="dogs")])
    assert state_file.read("projects.json")[os.path.normcase(moved.resolve())] == "photos"


def test_a_folder_under_another_name_finds_its_project_by_nearly_all_of_its_files(data: Path) -> None:
    parts = kept(data)
    find_project(data, PATHS).record([LeaveOutClass(name="cats")])
    renamed = data.rename(data.with_name("scans of 2024"))

    found = find_project(renamed, [*PATHS[2:], "cats/new.png"])
    assert (found.path.name, found.intake.classes) == ("photos", {"cats": ""})
    split_again = found.kept_split(FRACTIONS, 0)
    assert split_again is not None
    assert split(records(PATHS), FRACTIONS, 0, split_again) == parts

    found.record([LeaveOutClass(name="dogs")])
    assert state_file.read("projects.json")[os.path.normcase(renamed.resolve())] == "photos"


@pytest.mark.parametrize("paths", [PATHS[:30], PATHS[:9]], ids=["too few of them", "too few at all"])
def test_another_name_and_some_equal_file_names_are_another_folder(data: Path, paths: list[str]) -> None:
    find_project(data, PATHS if len(paths) > 9 else paths).record([LeaveOutClass(name="cats")])
    renamed = data.rename(data.with_name("others"))

    assert find_project(renamed, paths).path.name == "others"


def test_a_folder_of_another_name_is_given_no_project_of_one_that_is_still_there(data: Path) -> None:
    find_project(data, PATHS).record([LeaveOutClass(name="cats")])

    assert find_project(images(data.with_name("version 2")), PATHS).path.name == "version 2"


def test_another_folder_in_the_place_of_one_that_is_gone_is_not_given_its_project(data: Path, tmp_path: Path) -> None:
    find_project(data, PATHS).record([LeaveOutClass(name="cats")])
    shutil.rmtree(data)

    other = find_project(images(tmp_path / "b" / "photos", ["x/1.png"]), ["x/1.png"])

    assert (other.path.name, list(other.entries)) == ("photos 2", [])


def test_the_project_is_found_where_the_state_folder_is_lost(data: Path) -> None:
    find_project(data, PATHS).record([LeaveOutClass(name="cats")])
    shutil.rmtree(state_dir())

    assert find_project(data, PATHS).intake.classes == {"cats": ""}


def test_a_project_is_known_by_its_split_where_its_journal_is_gone(data: Path) -> None:
    kept(data)
    shutil.rmtree(state_dir())
    (projects_dir() / "photos" / "project.toml").unlink()

    assert find_project(data, PATHS).path.name == "photos"
    assert find_project(data, ["x/1.png"]).path.name == "photos 2"


def test_runs_from_before_there_were_projects_are_taken_over_by_the_folder_that_they_remember(
    tmp_path: Path, data: Path
) -> None:
    dataset = Dataset(name="photos", fingerprint="f" * 64, layout="class folders", classes=["cats"], images=40)
    create(projects_dir() / "photos" / "runs" / "2026-11-24 10.00 resnet18 probe", RunSpec(dataset=dataset))
    remember_place("f" * 64, data)

    assert find_project(data, PATHS).path.name == "photos"
    assert find_project(images(tmp_path / "b" / "photos"), PATHS).path.name == "photos 2"


def test_runs_from_before_are_known_by_their_manifest_where_their_place_is_forgotten(data: Path) -> None:
    run = create(projects_dir() / "photos" / "runs" / "2026-11-24 10.00 resnet18 probe", RunSpec())
    run.write_manifest(records(PATHS), dict.fromkeys(PATHS, "train"), [])

    assert find_project(data, PATHS).path.name == "photos"
    assert find_project(data, ["x/1.png"]).path.name == "photos 2"


def test_an_archive_that_was_unpacked_into_a_project_belongs_to_it() -> None:
    data = images(projects_dir() / "cells" / "cells")

    found = find_project(data, PATHS)
    found.record([LeaveOutClass(name="cats")])

    assert found.path == projects_dir() / "cells"
    assert find_project(data, PATHS).intake.classes == {"cats": ""}


def test_nothing_of_a_project_is_written_into_the_folder_of_images() -> None:
    data = images(projects_dir() / "demo images")

    found = find_project(data, PATHS)
    found.record([LeaveOutClass(name="cats")])

    assert found.path == projects_dir() / "demo images 2"
    assert sorted(item.name for item in data.iterdir()) == ["cats", "dogs"]
    assert find_project(data, PATHS).path == found.path


def test_a_link_to_a_folder_leads_to_the_same_project(data: Path, tmp_path: Path) -> None:
    find_project(data, PATHS).record([LeaveOutClass(name="cats")])
    link = tmp_path / "link"
    link.symlink_to(data, target_is_directory=True)

    assert find_project(link, PATHS).path.name == "photos"


@pytest.mark.parametrize("name", ["..", "C:\\x", "nul", "🦠" * 50, " . "])
def test_a_project_stays_among_the_persons_projects(tmp_path: Path, name: str) -> None:  # S08
    found = find_project(tmp_path / "deep" / name, PATHS)

    assert found.path.resolve().parent == projects_dir().resolve()
    assert found.path.resolve() != projects_dir().resolve()


def test_a_note_that_leads_out_of_the_projects_is_not_followed(data: Path) -> None:
    with state_file.changing("projects.json", "x") as notes:
        notes[os.path.normcase(data.resolve())] = "../elsewhere"

    assert find_project(data, PATHS).path == projects_dir() / "photos"


def test_the_place_of_a_table_that_lies_elsewhere_is_in_the_state_folder_alone(tmp_path: Path, data: Path) -> None:
    remember_table("photos/labels.csv", tmp_path / "labels.csv")
    find_project(data, PATHS).record([SetTable(table="labels.csv")])

    assert table_place("photos/labels.csv") == tmp_path / "labels.csv"
    assert table_place("photos/other.csv") is None
    assert str(tmp_path) not in (projects_dir() / "photos" / "project.toml").read_text()


# The split


def test_images_that_come_later_move_none_that_were_there(data: Path) -> None:  # D31
    before = kept(data)
    more = [*PATHS, *(f"cats/new {n}.png" for n in range(10))]

    after = kept(data, more)

    assert {path: after[path] for path in PATHS} == before
    assert split(records(more), FRACTIONS) != after  # drawn anew, some would have moved
    assert kept(data, more) == after


def test_images_that_are_gone_for_now_keep_their_part(data: Path) -> None:
    before = kept(data)

    kept(data, PATHS[::2])

    assert kept(data) == before


def test_another_computer_with_another_spelling_of_the_names_follows_the_split(data: Path) -> None:
    names = [f"ä/é {n}.png" for n in range(30)]
    before = kept(data, [unicodedata.normalize("NFC", name) for name in names])

    after = kept(data, [unicodedata.normalize("NFD", name) for name in names])

    assert list(before.values()) == list(after.values())
    assert len((projects_dir() / "photos" / "split.csv").read_text("utf-8").splitlines()) == 31


def test_a_file_that_was_renamed_stays_in_its_part(data: Path) -> None:
    before = kept(data)
    found = find_project(data, PATHS)
    renamed = [
        ImageRecord(path=f"cats/other {n}.png", class_name="cats", content_hash=f"c{path}", width=8, height=8)
        for n, path in enumerate(PATHS[:20])
    ]

    parts = split(renamed, FRACTIONS, 0, found.kept_split(FRACTIONS, 0))

    assert list(parts.values()) == [before[path] for path in PATHS[:20]]


def test_a_new_image_of_a_known_patient_goes_where_the_others_are_or_were(data: Path) -> None:
    found = find_project(data, PATHS)
    key = {path: f"{n // 4:012x}" for n, path in enumerate(PATHS)}
    used = records(PATHS, lambda path: key[path])
    parts = split(used, FRACTIONS)
    found.write_split(used, parts, FRACTIONS, 0)

    new = [
        ImageRecord(path=f"new {path}", class_name="cats", content_hash=f"n{path}", width=8, height=8, group=key[path])
        for path in PATHS
    ]

    again = split(new, FRACTIONS, 0, find_project(data, PATHS).kept_split(FRACTIONS, 0))
    assert [again[f"new {path}"] for path in PATHS] == [parts[path] for path in PATHS]


def test_what_a_person_joined_has_no_name_that_lasts(data: Path) -> None:
    found = find_project(data, PATHS)
    used = records(PATHS, lambda path: "together 1" if path < "cats/02" else "")
    found.write_split(used, split(used, FRACTIONS), FRACTIONS, 0)

    assert find_project(data, PATHS).kept_split(FRACTIONS, 0).groups == {}  # type: ignore[union-attr]  # it was written


def test_another_seed_keeps_the_earlier_split_beside_and_takes_it_up_again(data: Path) -> None:
    first = kept(data, PATHS[:30])
    folder = projects_dir() / "photos"
    second = kept(data, PATHS[:30], seed=1)
    assert first != second
    assert sorted(item.name for item in folder.glob("*.csv")) == ["split seed 0 70-15-15.csv", "split.csv"]

    again = kept(data, PATHS)

    assert {path: again[path] for path in first} == first
    assert sorted(item.name for item in folder.glob("*.csv")) == ["split seed 1 70-15-15.csv", "split.csv"]
    found = find_project(data, PATHS)
    assert found.kept_split(FRACTIONS, 1) is not None
    assert found.kept_split((0.8, 0.1, 0.1), 0) is None


def test_a_split_is_never_taken_for_another_one_where_the_power_goes(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept(data)
    found = find_project(data, PATHS)

    def gone(*arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for step in ("kept_splits.write", "project_file.write"):
        with monkeypatch.context() as broken, pytest.raises(UserError):
            broken.setattr(f"tlgui.core.{step}", gone)
            found.write_split(records(PATHS), dict.fromkeys(PATHS, "test"), FRACTIONS, 9)
        again = find_project(data, PATHS)
        assert again.kept_split(FRACTIONS, 9) is None
        assert again.kept_split(FRACTIONS, 0).parts == first  # type: ignore[union-attr]  # it was written


@pytest.mark.parametrize("change", [DrawSplitAnew(), CutTest()])
def test_parts_that_are_drawn_anew_are_another_split_and_undo_brings_the_first_one_back(
    data: Path, change: Change
) -> None:
    first = kept(data)
    found = find_project(data, PATHS)
    found.record([change])
    assert found.kept_split(FRACTIONS, 0) is None
    kept(data)

    found = find_project(data, PATHS)
    found.undo([0])

    assert found.kept_split(FRACTIONS, 0).parts == first  # type: ignore[union-attr]  # it was written
    found.record([DrawSplitAnew(), DrawSplitAnew()])
    assert found.kept_split(FRACTIONS, 0) is None


def test_a_damaged_split_is_said_with_what_to_do(data: Path) -> None:
    kept(data)
    (projects_dir() / "photos" / "split.csv").write_text("path,content_hash,group,split\na,b,,nowhere\n")

    with pytest.raises(UserError) as caught:
        find_project(data, PATHS).kept_split(FRACTIONS, 0)

    assert caught.value.problem == "'split.csv' of the project 'photos' cannot be read."


def test_names_of_any_kind_come_back_from_the_split(data: Path) -> None:
    names = ['a/"x", y.png', "a/x\ny.png", "a/Icon\r", "a/=1+1.png", "a/\udcff.png", "a/ x "]
    used = records(names)
    parts: dict[str, Part] = dict.fromkeys(names, "validation")
    find_project(data, PATHS).write_split(used, parts, FRACTIONS, 0)

    assert find_project(data, PATHS).kept_split(FRACTIONS, 0).parts == parts  # type: ignore[union-attr]  # it was written


def test_no_file_of_a_project_says_where_the_images_lie(data: Path, tmp_path: Path) -> None:
    found = find_project(data, PATHS)
    found.record(ALL)
    found.undo([2])
    kept(data)
    kept(data, seed=1)

    written = [path for path in projects_dir().rglob("*") if path.is_file()]

    assert len(written) >= 4
    for path in written:
        assert str(tmp_path) not in path.read_text("utf-8")
    assert not [item for item in data.rglob("*") if item.is_file() and item.suffix != ".png"]


def test_a_lock_that_another_window_holds_is_said(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "_PATIENCE_S", 0.01)
    found = find_project(data, PATHS)
    found.record([LeaveOutClass(name="cats")])

    with project.FileLock(found.path / ".lock"), pytest.raises(UserError, match="changed by another window"):
        find_project(data, PATHS).record([LeaveOutClass(name="dogs")])
