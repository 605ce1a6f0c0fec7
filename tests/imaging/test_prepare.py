"""From a folder to a run: by the project's decisions, with its split, and with nothing in it that names a patient."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tlgui.core.errors import UserError
from tlgui.core.intake import AnswerMirror, GroupBy, KeepTogether, LeaveOutFiles, RenameClass, SetTable
from tlgui.core.paths import projects_dir
from tlgui.core.project import find_project
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.split import conflicts
from tlgui.imaging.opening import open_folder
from tlgui.imaging.prepare import prepare_run

Plant = Callable[..., Path]
Picture = Callable[..., bytes]
SPEC = RunSpec(backbone="resnet50", training=Training(strategy="feature-extraction"))


def prepared(root: Path, spec: RunSpec = SPEC, run_dir: Path | None = None) -> dict[str, str]:
    """The part of each image in a new run."""
    opened = open_folder(root, isolated=False)
    run = prepare_run(root, spec, run_dir, scan=opened.scan, project=opened.project).run
    return {row.path: row.part for row in run.manifest()}


def patients(picture: Picture, count: int = 10, images: int = 4) -> dict[str, bytes | None]:
    return {f"{'ab'[p % 2]}/P{p:03}_{n}.png": picture(100 * p + n) for p in range(count) for n in range(images)}


def test_an_image_that_comes_later_moves_none_of_the_earlier_run(plant: Plant, picture: Picture) -> None:  # D31
    root = plant(patients(picture))
    before = prepared(root)
    for n in range(8):
        (root / f"a/new {n}.png").write_bytes(picture(9000 + n))

    after = prepared(root)

    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 8


def test_the_split_is_followed_where_the_folder_was_moved(plant: Plant, picture: Picture, tmp_path: Path) -> None:
    root = plant(patients(picture))
    before = prepared(root)
    (tmp_path / "usb").mkdir()
    shutil.move(root, tmp_path / "usb" / root.name)
    moved = tmp_path / "usb" / root.name
    (moved / "a/P000_0.png").rename(moved / "a/renamed.png")
    (moved / "b/new.png").write_bytes(picture(9000))

    after = prepared(moved)

    assert after["a/renamed.png"] == before["a/P000_0.png"]
    assert {path: after[path] for path in before if path in after} == {
        path: part for path, part in before.items() if path != "a/P000_0.png"
    }


def test_no_patient_is_on_two_sides_and_the_run_says_by_what(plant: Plant, picture: Picture) -> None:  # D28
    root = plant(patients(picture))
    paths = list(patients(picture))
    find_project(root, paths).record([GroupBy(key=r"pattern:^P(\d+)"), LeaveOutFiles(paths=["a/P000_0.png"])])
    opened = open_folder(root, isolated=False)

    run = prepare_run(root, SPEC, scan=opened.scan, project=opened.project).run

    rows = run.manifest()
    assert len({row.group for row in rows}) == 10
    assert not conflicts(opened.scan.used, {row.path: row.part for row in rows})
    dataset = run.spec().dataset
    assert dataset is not None
    assert (dataset.grouped_by, dataset.groups) == (r"pattern:^P(\d+)", 10)
    assert dataset.changes == [
        r"Images are kept together by the pattern ^P(\d+) in the file name.",
        "'a/P000_0.png' is left out.",
    ]
    assert (run.path.parent, opened.project.runs) == (projects_dir() / root.name / "runs", run.path.parent)


def test_joining_images_after_a_run_moves_none_of_them_and_is_told(plant: Plant, picture: Picture) -> None:
    root = plant(patients(picture))
    before = prepared(root)
    one = next(path for path, part in before.items() if part == "train")
    other = next(path for path, part in before.items() if part == "test")
    find_project(root, before).record([KeepTogether(groups=[[one, other]])])

    after = prepared(root)

    assert after == before
    opened = open_folder(root, isolated=False)
    assert len(conflicts(opened.scan.used, after)) == 1  # type: ignore[arg-type]  # parts, read from a file


def test_a_run_elsewhere_follows_the_split_of_the_project_too(plant: Plant, picture: Picture, tmp_path: Path) -> None:
    root = plant(patients(picture))

    assert prepared(root, run_dir=tmp_path / "run 1") == prepared(root, run_dir=tmp_path / "run 2")

    assert (projects_dir() / root.name / "split.csv").is_file()
    assert not (projects_dir() / root.name / "runs").exists()


def test_another_seed_is_another_split_and_the_first_one_is_taken_up_again(plant: Plant, picture: Picture) -> None:
    root = plant(patients(picture))
    other = RunSpec(backbone="resnet50", training=Training(strategy="feature-extraction", seed=1))
    first = prepared(root)

    assert prepared(root, other) != first
    assert prepared(root) == first


def test_without_a_scan_the_folder_is_read_by_the_decisions_of_its_project(plant: Plant, picture: Picture) -> None:
    root = plant(patients(picture))
    find_project(root, list(patients(picture))).record([RenameClass(old="a", new="Ä")])

    done = prepare_run(root, SPEC)

    assert done.scan.classes == ["b", "Ä"]
    assert done.run.path.parent == projects_dir() / root.name / "runs"


def test_decisions_that_cannot_be_followed_end_the_run_before_it_begins(plant: Plant, picture: Picture) -> None:
    root = plant(patients(picture))
    find_project(root, list(patients(picture))).record([SetTable(table="gone.csv")])

    with pytest.raises(UserError, match=r"gone\.csv") as caught:
        prepare_run(root, SPEC)

    assert "take that decision back" in caught.value.remedy
    assert not (projects_dir() / root.name / "runs").exists()


def test_two_folders_of_one_name_keep_their_runs_and_splits_apart(
    plant: Plant, picture: Picture, tmp_path: Path
) -> None:
    one = plant(patients(picture))
    other = tmp_path / "other" / one.name
    shutil.copytree(one, other)

    places = [prepare_run(root, SPEC).run.path.parent.parent.name for root in (one, other, one)]

    assert places == [one.name, f"{one.name} 2", one.name]


def test_nothing_is_written_among_the_images_and_no_place_into_the_project(
    plant: Plant, picture: Picture
) -> None:  # D33
    root = plant(patients(picture))
    before = sorted(root.rglob("*"))

    prepared(root)

    assert sorted(root.rglob("*")) == before
    for file in (path for path in projects_dir().rglob("*") if path.is_file()):
        assert str(root.parent) not in file.read_text("utf-8")


def test_groups_for_one_run_follow_the_kept_split_unless_it_tears_them(plant: Plant, picture: Picture) -> None:
    root = plant(patients(picture))

    def run() -> dict[str, str]:
        changes = [GroupBy(key=r"pattern:^P(\d+)")]
        done = prepare_run(root, SPEC, read=lambda: open_folder(root, changes=changes, isolated=False))
        assert not conflicts(done.scan.used, done.parts)
        return {row.path: row.part for row in done.run.manifest()}

    first = run()
    for number in range(500, 508):
        (root / f"a/P{number}_0.png").write_bytes(picture(number))
    second = run()
    assert {path: second[path] for path in first} == first

    split_csv = next(projects_dir().rglob("split.csv"))
    split_csv.unlink()
    by_image = prepared(root)
    assert run() != by_image
    assert prepared(root) == by_image


@pytest.mark.parametrize(
    ("answers", "asked", "expected"),
    [
        ([], None, None),
        ([True], None, False),
        ([False], None, True),
        ([True, False], None, True),
        ([True], True, True),
        ([False], False, False),
    ],
)
def test_what_was_answered_on_left_and_right_holds_for_each_new_run_unless_it_says_otherwise(
    answers: list[bool], asked: bool | None, expected: bool | None, plant: Plant, picture: Picture
) -> None:
    root = plant(patients(picture))
    opened = open_folder(root, isolated=False)
    opened.project.record([AnswerMirror(matters=matters) for matters in answers])
    spec = RunSpec(training=Training(strategy="feature-extraction", mirror=asked))

    again = open_folder(root, isolated=False)
    run = prepare_run(root, spec, scan=again.scan, project=again.project).run

    assert run.spec().training.mirror is expected
    said = [] if not answers else [AnswerMirror(matters=answers[-1]).sentence()]
    dataset = run.spec().dataset
    assert dataset is not None and dataset.changes == said


def test_an_answer_that_was_taken_back_does_not_hold(plant: Plant, picture: Picture) -> None:
    root = plant(patients(picture))
    project = open_folder(root, isolated=False).project
    project.record([AnswerMirror(matters=True)])
    project.undo([0])

    opened = open_folder(root, isolated=False)

    assert opened.project.intake.mirror is None
    assert prepare_run(root, SPEC, scan=opened.scan, project=opened.project).run.spec().training.mirror is None
