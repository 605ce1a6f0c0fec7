"""From a folder to a run: by the project's decisions, with its split, and with nothing in it that names a patient."""

from __future__ import annotations

import csv
import errno
import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from helpers.compared import answered

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.intake import AnswerMirror, GroupBy, KeepTogether, LeaveOutFiles, RenameClass, SetTable
from tlgui.core.paths import projects_dir
from tlgui.core.project import find_project
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Source, Training
from tlgui.core.source import learned_by, write_learned
from tlgui.core.split import Part, conflicts
from tlgui.imaging.opening import Opened, open_folder
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


# -- a run that begins with an earlier one ------------------------------------------------------------------------

TUNED = RunSpec(training=Training(strategy="fine-tune-top"))
CONTENT = b"the network of the earlier run"


@pytest.fixture
def photos(plant: Plant, picture: Picture) -> Path:
    """40 images of two classes: 28 train, 6 validate, 6 test."""
    return plant({f"{'ab'[n % 2]}/{n:02}.png": picture(n) for n in range(40)} | {"a/empty.png": b""})


def earlier(path: Path, root: Path, told: Mapping[str, str]) -> RunFolder:
    """A run for which these images of a folder were in these parts, under other names."""
    names = {image: f"then/{number}.png" for number, image in enumerate(told)}
    run = answered(
        path,
        {names[image]: (part, True) for image, part in told.items()},  # type: ignore[misc]
        contents={names[image]: hashlib.sha256((root / image).read_bytes()).hexdigest() for image in told},
    )
    run.best_path.write_bytes(CONTENT)
    return run


def beginning(root: Path, run: RunFolder, spec: RunSpec = TUNED, run_dir: Path | None = None) -> RunFolder:
    opened = open_folder(root, isolated=False)
    return prepare_run(
        root, spec, run_dir, scan=opened.scan, project=opened.project, weights_file=str(run.best_path)
    ).run


def in_part(parts: Mapping[str, str], part: Part) -> list[str]:
    return sorted(image for image, mine in parts.items() if mine == part)


def left_out(run: RunFolder) -> dict[str, str]:
    with run.manifest_path.open(encoding="utf-8", newline="") as stream:
        return {row["path"]: row["reason_code"] for row in csv.DictReader(stream) if row["split"] == "left_out"}


def test_what_the_network_has_learned_neither_tests_nor_chooses_and_is_in_the_manifest_with_its_reason(
    photos: Path, tmp_path: Path
) -> None:
    plain = prepared(photos, TUNED, tmp_path / "plain")
    tests, validation, train = (in_part(plain, part) for part in ("test", "validation", "train"))
    told = {
        tests[0]: "train", tests[1]: "validation", tests[2]: "test",
        validation[0]: "train", validation[1]: "validation", validation[2]: "test",
        train[0]: "train", train[1]: "validation", train[2]: "test",
    }  # fmt: skip
    run = beginning(photos, earlier(tmp_path / "earlier", photos, told), run_dir=tmp_path / "run")

    gone = {tests[0], tests[1], validation[0]}
    assert left_out(run) == dict.fromkeys(gone, "learned_before") | {"a/empty.png": "empty"}
    now = {row.path: row.part for row in run.manifest()}
    assert now == {image: part for image, part in plain.items() if image not in gone}
    files = {path.relative_to(photos).as_posix() for path in photos.rglob("*.png")}
    assert set(now) | set(left_out(run)) == files and not set(now) & set(left_out(run))
    dataset = run.spec().dataset
    assert dataset is not None and dataset.images == len(now) == 37


def test_the_run_says_what_it_began_with_and_keeps_all_that_was_learned_before(photos: Path, tmp_path: Path) -> None:
    first = earlier(tmp_path / "first", photos, {"a/00.png": "train", "b/01.png": "validation"})
    second = earlier(tmp_path / "second", photos, {"a/02.png": "train"})
    write_learned(second, learned_by(first))

    run = beginning(photos, second)

    sha = hashlib.sha256(CONTENT).hexdigest()
    assert run.spec().source == Source(run="second", dataset="bees", images=1, sha256=sha)
    assert run.spec().weights == sha, "with other weights it does not begin"
    assert learned_by(second).trained < learned_by(run).trained
    hashes = {n: hashlib.sha256((photos / n).read_bytes()).hexdigest() for n in ("a/00.png", "b/01.png", "a/02.png")}
    with run.learned_path.open(encoding="utf-8", newline="") as stream:
        *rows, end = ((row["content_hash"], row["split"]) for row in csv.DictReader(stream))
    assert dict(rows) == {hashes["a/00.png"]: "train", hashes["b/01.png"]: "validation", hashes["a/02.png"]: "train"}
    assert end == ("end", "3")
    for file in run.path.rglob("*"):
        assert file.is_dir() or str(tmp_path) not in file.read_text("utf-8")


def test_the_project_keeps_the_split_of_all_images(photos: Path, tmp_path: Path) -> None:
    """Else what was left out for this run would be drawn anew for the next one, and could train where it tested."""
    plain = prepared(photos, TUNED, tmp_path / "plain")
    (next(projects_dir().rglob("split.csv"))).unlink()
    told = dict.fromkeys(in_part(plain, "test")[:3] + in_part(plain, "validation")[:2], "train")
    run = beginning(photos, earlier(tmp_path / "earlier", photos, told))
    assert len(run.manifest()) == 35

    kept = open_folder(photos, isolated=False).project.kept_split(TUNED.split_fractions, 0)
    assert kept is not None and kept.parts == plain
    assert prepared(photos, TUNED, tmp_path / "after") == plain


def test_a_run_that_begins_at_random_has_all_images_and_no_source(photos: Path, tmp_path: Path) -> None:
    told = dict.fromkeys(prepared(photos, TUNED, tmp_path / "plain"), "train")
    scratch = RunSpec(training=Training(strategy="from-scratch"))
    run = beginning(photos, earlier(tmp_path / "earlier", photos, told), scratch)
    assert len(run.manifest()) == 40 and "learned_before" not in left_out(run).values()
    assert (run.spec().source, run.spec().weights) == (None, "pretrained")
    assert not run.learned_path.exists()


def test_the_source_of_a_run_file_is_not_that_of_another_run(photos: Path, tmp_path: Path) -> None:
    """A run of the same settings that begins with the published weights has none."""
    first = beginning(photos, earlier(tmp_path / "earlier", photos, {"a/00.png": "train"}), run_dir=tmp_path / "run")
    spec = msgspec.structs.replace(first.spec(), weights="pretrained")
    assert spec.source is not None
    opened = open_folder(photos, isolated=False)
    again = prepare_run(photos, spec, tmp_path / "again", scan=opened.scan, project=opened.project).run
    assert again.spec().source is None and not again.learned_path.exists()
    assert len(again.manifest()) == 40


@pytest.mark.parametrize("given", [True, False])
def test_a_run_that_knows_all_that_would_validate_is_refused_and_nothing_is_left(
    given: bool, photos: Path, tmp_path: Path
) -> None:
    plain = prepared(photos, TUNED, tmp_path / "plain")
    run = earlier(tmp_path / "Run 7", photos, dict.fromkeys(in_part(plain, "validation"), "train"))
    with pytest.raises(UserError, match="The run 'Run 7' has learned every image that would validate this one"):
        beginning(photos, run, run_dir=tmp_path / "run" if given else None)
    assert not (tmp_path / "run").exists() and not list(projects_dir().rglob("runs"))


def no_folder(*_: object) -> Opened:
    raise AssertionError("the images were read")


def test_another_network_and_a_damaged_list_are_refused_before_the_images_are_read(
    photos: Path, tmp_path: Path
) -> None:
    run = earlier(tmp_path / "earlier", photos, {"a/00.png": "train"})
    with pytest.raises(UserError, match="has the network efficientnet-lite0, and this one is set up with resnet50"):
        prepare_run(photos, SPEC, tmp_path / "run", read=no_folder, weights_file=str(run.best_path))
    run.learned_path.write_text("nonsense\n1\n")
    with pytest.raises(UserError, match=r"'learned_before\.csv' of the run 'earlier' cannot be read"):
        prepare_run(photos, TUNED, tmp_path / "run", read=no_folder, weights_file=str(run.best_path))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("given", [True, False])
def test_where_the_list_cannot_be_written_the_next_try_finds_an_empty_place(
    given: bool, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = earlier(tmp_path / "earlier", photos, {"a/00.png": "train"})
    place = tmp_path / "run" if given else None
    write = atomic.write_bytes

    def full(path: Path, content: bytes) -> None:
        if path.name == "learned_before.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write_bytes", full)
        with pytest.raises(UserError, match="cannot be written: No space left on device"):
            beginning(photos, run, run_dir=place)
    assert not list(tmp_path.glob("run/*"))
    assert not [path for runs in projects_dir().rglob("runs") for path in runs.iterdir()]
    assert beginning(photos, run, run_dir=place).learned_path.is_file()
