"""Options say how a folder is read, for once; what the engine is asked beside comes with the answer."""

from __future__ import annotations

import os
import signal
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from helpers.command_line import PlayedEngine, Running, Tlgui, content_of, type_here, type_in
from helpers.pictures import write_dataset, write_picture, write_tree
from helpers.schemas import CHECK, conforms
from PIL import Image

from tlgui.cli.folder import group_key
from tlgui.core import commands, events
from tlgui.core.intake import LeaveOutClass
from tlgui.core.paths import cache_dir, projects_dir, state_dir
from tlgui.core.project import find_project
from tlgui.imaging.listing import read_listing


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """Two classes of ten patients with three images each."""
    root = tmp_path / "photos"
    number = 0
    for name in ("a", "b"):
        for patient in range(10):
            for image in range(3):
                number += 1
                write_picture(root / name / f"{name}P{patient:02}_{image}.png", number, number % 7)
    return root


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("patient", "dicom:patient"),
        ("study", "dicom:study"),
        ("specimen", "column:specimen"),
        ("age (y)", "column:age (y)"),
        (r"P(\d+)_", r"pattern:P(\d+)_"),
        (r"P\d+", r"pattern:(P\d+)"),
        ("column:patient", "column:patient"),
        ("pattern:left", "pattern:(left)"),
        ("dicom:study", "dicom:study"),
        ("[", "pattern:["),
    ],
)
def test_what_group_means_is_told_by_how_it_is_written(text: str, key: str) -> None:
    assert group_key(text, ["id", "age (y)"]) == key


def test_a_pattern_keeps_patients_together(refused: Tlgui, patients: Path) -> None:
    before = content_of(patients)
    answer = refused("check", patients, "--group", r"P\d+", "--json").json

    conforms(answer, CHECK)
    groups = answer["groups"]
    assert (groups["key"], groups["groups"], groups["images"], groups["largest"]) == (r"pattern:(P\d+)", 10, 60, 6)
    assert groups["proposed"]["key"] == ""
    assert sum(answer["split"].values()) == answer["used"] == 60
    assert any("P" in sentence for sentence in answer["changes"])
    assert content_of(patients) == before
    # Asked for once, and kept nowhere.
    assert find_project(patients, []).entries == []
    assert refused("check", patients, "--json").json["groups"]["key"] == ""


def test_what_the_names_suggest_is_shown_with_what_to_type(refused: Tlgui, patients: Path) -> None:
    proposed = refused("check", patients, "--json").json["groups"]["proposed"]
    assert proposed["key"].startswith("pattern:") and len(proposed["examples"]) == 5
    said = refused("check", patients).out
    assert f"--group '{proposed['key'].removeprefix('pattern:')}'" in said
    example = proposed["examples"][0]
    start, end = example["start"], example["end"]
    assert f"{example['name'][:start]}[{example['name'][start:end]}]{example['name'][end:]}" in said


def test_a_pattern_that_is_none_is_refused(refused: Tlgui, patients: Path) -> None:
    said = refused("check", patients, "--group", "(", "--json")
    assert (said.code, said.out) == (1, "")
    assert "(" in said.err and said.err.count("\n") == 1


def table_of(root: Path, columns: str = "file,label,patient") -> str:
    names = sorted(path.name for path in root.rglob("*.png"))
    rows = [f"{name},{'x' if name[0] == 'a' else 'y'},{name[:4]}" for name in names]
    return "\n".join([columns, *rows]) + "\n"


@pytest.mark.parametrize("inside", [True, False], ids=["in the folder", "elsewhere"])
def test_a_table_gives_labels_and_groups(refused: Tlgui, patients: Path, tmp_path: Path, inside: bool) -> None:
    table = (patients if inside else tmp_path) / "labels.csv"
    gone = [f"gone {number}.png" for number in range(7)]
    table.write_text(table_of(patients) + "".join(f"{name},x,1\n" for name in gone), encoding="utf-8")

    answer = refused("check", patients, "--table", table, "--group", "patient", "--json").json

    assert (answer["layout"], answer["classes"]) == ("label table", {"x": 30, "y": 30})
    assert (answer["groups"]["key"], answer["groups"]["groups"]) == ("column:patient", 20)
    assert answer["labels_without_file"] == gone
    assert str(tmp_path) not in msgspec.json.encode(answer).decode()
    said = refused("check", patients, "--table", tmp_path / "no.csv")
    assert (said.code, said.err) == (1, "There is no label table 'no.csv'. Check the name.\n")


def test_a_column_named_patient_is_found_where_no_dicom_file_is(refused: Tlgui, patients: Path) -> None:
    (patients / "labels.csv").write_text(table_of(patients), encoding="utf-8")
    answer = refused("check", patients, "--group", "patient", "--json").json
    assert answer["groups"]["key"] == "column:patient"


def test_of_domains_one_or_all_are_used(refused: Tlgui, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "d", {"photo": {"cat": 6, "dog": 6}, "sketch": {"cat": 4, "dog": 4}})
    said = refused("check", root, "--domain", "sketch", "--json").json
    assert (said["layout"], said["classes"]) == ("domain folders", {"cat": 4, "dog": 4})
    assert refused("check", root, "--domain", "all", "--json").json["classes"] == {"cat": 10, "dog": 10}
    assert "photo" in refused("check", root, "--domain", "oil").err


def test_a_zip_is_unpacked_among_the_projects(refused: Tlgui, patients: Path, tmp_path: Path) -> None:
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in patients.rglob("*.png"):
            opened.write(path, path.relative_to(patients).as_posix())

    assert refused("check", archive, "--json").json["classes"] == {"a": 30, "b": 30}
    assert len(list(projects_dir().rglob("*.png"))) == 60
    assert refused("check", archive, "--json").json["used"] == 60
    assert len(list(projects_dir().rglob("*.png"))) == 60


def test_an_archive_that_points_outside_is_refused(refused: Tlgui, tmp_path: Path) -> None:
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("../outside.png", b"x")
    said = refused("check", archive)
    assert (said.code, said.out) == (1, "")
    assert not list(tmp_path.rglob("outside.png"))


def test_copies_in_two_parts_and_classes_are_leaks(refused: Tlgui, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "d", {"train": {"a": 8, "b": 8}, "test": {"a": 4, "b": 4}})
    (root / "test/b/copy.png").write_bytes((root / "train/a/train-000.png").read_bytes())

    answer = refused("check", root, "--json")

    assert answer.code == 0
    (leak,) = [one for one in answer.json["leaks"] if one["kind"] == "copy"]
    assert leak == {
        "kind": "copy",
        "paths": ["test/b/copy.png", "train/a/train-000.png"],
        "classes": ["b", "a"],
        "parts": ["test", "train"],
        "similarity": 1.0,
    }
    said = refused("check", root).out
    assert "copies: test/b/copy.png (b, test) and train/a/train-000.png (a, train)" in said
    assert "In the window, one press: " in said


def test_notices_and_the_pixel_rule_are_told(refused: Tlgui, tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "d", {"a": 6, "b": 6})
    frames = [Image.fromarray(np.full((40, 40), 40 * n, np.uint8)) for n in range(3)]
    frames[0].save(root / "a/pages.tif", save_all=True, append_images=frames[1:])
    Image.fromarray((np.arange(1600).reshape(40, 40) % 4000).astype(np.uint16)).save(root / "b/deep.png")

    answer = refused("check", root, "--json").json

    conforms(answer, CHECK)
    assert [notice["path"] for notice in answer["notices"]] == ["a/pages.tif"]
    assert (answer["pixel_rule"]["low"], answer["pixel_rule"]["high"]) == (0, 4095)
    assert answer["pixel_rule"]["reason"]
    said = refused("check", root).out
    assert "4095" in said and "a/pages.tif" in said


def test_decisions_of_the_window_are_followed_unless_told_otherwise(refused: Tlgui, tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "d", {"a": 8, "b": 8, "c": 8})
    names = [path.relative_to(root).as_posix() for path in root.rglob("*.png")]
    find_project(root, names).record([LeaveOutClass(name="c")])

    answer = refused("check", root, "--json").json
    assert (answer["classes"], answer["changes"]) == ({"a": 8, "b": 8}, ["The class 'c' is left out."])
    answer = refused("check", root, "--no-kept", "--json").json
    assert (answer["classes"], answer["changes"]) == ({"a": 8, "b": 8, "c": 8}, [])


PROBED = events.ShortcutsProbed(
    probes=[
        events.ProbeScore(
            name="border",
            label="Outer border",
            auc=0.9,
            low=0.8,
            high=0.95,
            chance=0.6,
            verdict="red",
            sentence="It is.",
        ),
        events.ProbeScore(name="size", label="Picture size", sentence="All images are alike."),
    ],
    images=60,
    verdict="red",
    sentence="The class can be guessed from the outer border.",
    border=0.06,
)
COMPARED = events.SplitsCompared(
    **dict.fromkeys(
        ("naive", "naive_low", "naive_high", "safe", "safe_low", "safe_high", "difference", "low", "high"), 0.5
    ),
    images=60,
    groups=20,
    repeats=10,
    sentence="Split without regard to patients, it seems better.",
)
DONE = events.Completed(message="")


class Asked(PlayedEngine):
    """Keeps the jobs, and the listing that each was given."""

    def __init__(self, *answers: events.AnyEvent) -> None:
        super().__init__(*answers)
        self.jobs: list[commands.Job] = []
        self.listed: list[int] = []

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        assert isinstance(job, commands.ProbeShortcuts | commands.CompareSplits)
        self.jobs.append(job)
        self.listed.append(len(read_listing(Path(job.listing))))
        yield from self.answers


def type_with(engine: PlayedEngine) -> Tlgui:
    return lambda *arguments: type_here(lambda: engine, *arguments)


def test_shortcuts_are_asked_of_the_engine_about_the_used_images(patients: Path) -> None:
    engine = Asked(PROBED, DONE)
    said = type_with(engine)("check", patients, "--shortcuts", "--json")

    assert (said.code, said.err) == (0, "")
    answer = said.json
    conforms(answer, CHECK)
    assert answer["shortcuts"]["border"] == 0.06 and "shock" not in answer
    (job,) = engine.jobs
    assert isinstance(job, commands.ProbeShortcuts) and (job.data, engine.listed) == (str(patients), [60])
    assert not list((cache_dir() / "listings").iterdir())


def test_people_get_a_table_of_probes_and_the_sentence(patients: Path) -> None:
    said = type_with(Asked(PROBED, DONE))("check", patients, "--shortcuts")

    out = said.out
    assert PROBED.sentence in out
    assert "Outer border" in out and "0.90 (0.80 to 0.95)" in out and "the same for all images" in out
    said = type_with(Asked(COMPARED, DONE))("check", patients, "--shock", "--group", r"P\d+")
    assert COMPARED.sentence in said.out


def test_a_question_without_an_answer_spoils_nothing(patients: Path) -> None:
    engine = Asked(events.Failed(problem="No two images belong together.", remedy="Say what does."))
    said = type_with(engine)("check", patients, "--shock", "--json")

    assert said.code == 0
    assert said.err == "No two images belong together. Say what does.\n"
    conforms(said.json, CHECK)
    assert said.json["shock"] is None


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (events.Stopped(), 130),
        (events.Crashed(cause="signal 9"), 1),
        (events.Failed(problem="p", remedy="r", is_fault=True), 1),
    ],
    ids=["stopped", "crashed", "fault"],
)
def test_an_engine_that_was_stopped_or_broke_down_ends_the_command(
    patients: Path, ending: events.AnyEvent, code: int
) -> None:
    said = type_with(Asked(ending))("check", patients, "--shortcuts", "--json")
    assert (said.code, said.out) == (code, "")


def test_a_training_takes_the_options_for_itself_and_lists_them(
    played: PlayedEngine, refused: Tlgui, patients: Path, tmp_path: Path
) -> None:
    played.answers = (DONE,)
    run = tmp_path / "run"
    said = refused("train", patients, "--group", r"(P\d+)_", "--run-dir", run, "--json")

    assert said.code == 0, said.err
    spec = tomllib.loads((run / "run.toml").read_text(encoding="utf-8"))
    assert spec["dataset"]["grouped_by"] == r"pattern:(P\d+)_" and spec["dataset"]["groups"] == 10
    assert len(spec["dataset"]["changes"]) == 1
    lines = (run / "manifest.csv").read_text(encoding="utf-8").splitlines()
    header, rows = lines[0].split(","), [line.split(",") for line in lines[1:]]
    parts: dict[str, set[str]] = {}
    for row in rows:
        parts.setdefault(row[0][3:6], set()).add(row[header.index("split")])
    assert all(len(found) == 1 for found in parts.values())
    assert find_project(patients, []).entries == []
    assert str(tmp_path) not in (run / "run.toml").read_text(encoding="utf-8")


def test_a_training_lists_the_column_that_was_found_in_the_end(
    played: PlayedEngine, refused: Tlgui, patients: Path, tmp_path: Path
) -> None:
    played.answers = (DONE,)
    (patients / "labels.csv").write_text(table_of(patients), encoding="utf-8")
    assert refused("train", patients, "--group", "patient", "--run-dir", tmp_path / "run", "--json").code == 0
    dataset = tomllib.loads((tmp_path / "run/run.toml").read_text(encoding="utf-8"))["dataset"]
    assert dataset["grouped_by"] == "column:patient"
    assert dataset["changes"] == ["Images are kept together by the column 'patient'."]


def test_a_group_for_once_is_not_torn_by_the_split_that_is_kept(
    played: PlayedEngine, refused: Tlgui, patients: Path, tmp_path: Path
) -> None:
    played.answers = (DONE,)
    assert refused("train", patients, "--run-dir", tmp_path / "first", "--json").code == 0
    kept = content_of(projects_dir())
    assert refused("train", patients, "--group", r"(P\d+)_", "--run-dir", tmp_path / "second", "--json").code == 0

    def patients_in(run: str, part: str) -> set[str]:
        rows = (tmp_path / run / "manifest.csv").read_text(encoding="utf-8").splitlines()[1:]
        return {row[3:6] for row in rows if f",{part}," in row}

    assert patients_in("first", "train") & patients_in("first", "test")
    assert not patients_in("second", "train") & patients_in("second", "test")
    assert content_of(projects_dir()) == kept


def test_a_training_cuts_a_test_part_where_it_is_asked_to(played: PlayedEngine, refused: Tlgui, tmp_path: Path) -> None:
    played.answers = (DONE,)
    root = write_tree(tmp_path / "d", {"train": {"a": 20, "b": 20}, "val": {"a": 5, "b": 5}})
    assert refused("train", root, "--cut-test", "--run-dir", tmp_path / "run", "--json").code == 0
    assert ",test," in (tmp_path / "run/manifest.csv").read_text(encoding="utf-8")


def test_each_fold_tests_other_images_and_all_of_them_together_every_one(
    played: PlayedEngine, refused: Tlgui, patients: Path, tmp_path: Path
) -> None:
    played.answers = (DONE,)
    tested: list[str] = []
    for number in (1, 2, 3):
        run = tmp_path / f"run {number}"
        typed = refused("train", patients, "--fold", f"{number}/3", "--group", r"(P\d+)_", "--run-dir", run, "--json")
        assert typed.code == 0
        rows = (run / "manifest.csv").read_text(encoding="utf-8").splitlines()
        tested += [row.split(",")[0] for row in rows if ",test," in row]
        assert any("Fold" in line for line in tomllib.loads((run / "run.toml").read_text())["dataset"]["changes"])
    assert len(tested) == len(set(tested)) == 60


@pytest.mark.parametrize("wrong", ["2", "0/5", "6/5", "a/b", "2/5/7"])
def test_a_fold_that_there_cannot_be_is_wrong_usage(refused: Tlgui, patients: Path, wrong: str) -> None:
    assert refused("check", patients, "--fold", wrong).code == 2


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such signal")
@pytest.mark.parametrize("more", [[], ["--shortcuts"]], ids=["alone", "with an engine"])
def test_ctrl_c_ends_a_check_within_a_second(tmp_path: Path, more: list[str]) -> None:
    root = tmp_path / "d"
    noise = np.random.default_rng(0).integers(0, 255, (1500, 1500, 3)).astype(np.uint8)
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        Image.fromarray(noise).save(root / name / "0.png")
        content = (root / name / "0.png").read_bytes()
        for number in range(1, 60):
            (root / name / f"{number}.png").write_bytes(content)
    with Running("check", root, "--json", *more) as running:
        until = time.monotonic() + 60
        while not running.children() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        children = running.children()
        started = time.monotonic()
        running.send(signal.SIGINT, group=True)
        said = running.end(10)
        spent = time.monotonic() - started
    assert said.code == 130
    assert said.err == "Stopped at once, as you asked. A run that had begun can be continued.\n"
    assert spent < 3, spent  # a second, on a computer that has nothing else to do
    assert not [child for child in children if child.is_running() and child.status() != "zombie"]


@pytest.mark.slow
def test_the_engine_answers_a_real_question(patients: Path) -> None:
    said = type_in("check", patients, "--shortcuts", "--shock", "--group", r"P\d+", "--json")

    assert said.code == 0, said.err
    conforms(said.json, CHECK)
    assert said.json["shortcuts"]["images"] > 30 and said.json["shock"]["groups"] == 10
    assert not any(str(patients.parent) in path.read_text(errors="replace") for path in state_dir().rglob("*.log"))
