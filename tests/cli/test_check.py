"""`tlgui check` tells what would be used and what not; the same sentences meet who trains at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.command_line import PlayedEngine, Tlgui, content_of, strict_json
from helpers.pictures import write_dataset, write_picture, write_tree
from helpers.schemas import CHECK, conforms


def nasty(root: Path) -> Path:
    """Good pictures and one file of each bad kind among them; 24 good and 8 others."""
    write_dataset(root, {"a": 12, "b": 12})
    whole = (root / "a/000.png").read_bytes()
    (root / "a/empty.png").write_bytes(b"")
    (root / "a/cut off.png").write_bytes(whole[: len(whole) // 2])
    (root / "b/notes.jpg").write_text("no picture")
    (root / "b/table.xlsx").write_bytes(b"PK\x03\x04 whatever")
    (root / "b/.hidden.png").write_bytes(whole)
    (root / "b/Thumbs.db").write_bytes(b"x")
    (root / "loose.png").write_bytes(whole)
    (root / "c").mkdir()
    (root / "b/gone.png").symlink_to(root / "nowhere.png")
    return root


def test_every_file_is_either_used_or_left_out_by_name(refused: Tlgui, tmp_path: Path) -> None:
    root = nasty(tmp_path / "d")
    before = content_of(root)
    said = refused("check", root, "--json")
    assert (said.code, said.err) == (0, "")
    answer = said.json
    conforms(answer, CHECK)
    left_out = {item["path"]: item["reason_code"] for item in answer["left_out"]}
    assert left_out == {
        "a/empty.png": "empty",
        "a/cut off.png": "truncated",
        "b/notes.jpg": "not_an_image",
        "b/table.xlsx": "not_an_image",
        "b/.hidden.png": "hidden",
        "b/Thumbs.db": "system_file",
        "loose.png": "no_label",
        "b/gone.png": "unreadable",
    }
    assert answer["used"] == 24
    assert answer["used"] + len(left_out) == sum(not path.is_dir() for path in root.rglob("*"))
    assert answer["classes"] == {"a": 12, "b": 12}
    assert sum(answer["split"].values()) == 24
    assert {"empty_class_folder", "unreadable_files", "images_without_class"} <= {
        warning["code"] for warning in answer["warnings"]
    }
    assert "c" in next(w["message"] for w in answer["warnings"] if w["code"] == "empty_class_folder")
    assert content_of(root) == before


def test_without_json_it_says_the_same_in_lines(refused: Tlgui, tmp_path: Path) -> None:
    said = refused("check", nasty(tmp_path / "d"))
    assert (said.code, said.err) == (0, "")
    assert "24 images" in said.out
    assert "train 16, validation 4, test 4" in said.out
    header, *rows = [line.split() for line in said.out.splitlines() if line.startswith(("class ", "a ", "b "))]
    assert header == ["class", "train", "validation", "test"]
    assert rows == [["a", "8", "2", "2"], ["b", "8", "2", "2"]]
    assert "left out: a/empty.png: " in said.out
    assert "Note: The class folder 'c' holds no usable image" in said.out


def test_a_given_split_is_respected(refused: Tlgui, tmp_path: Path) -> None:
    parts = {"training": {"a": 8, "b": 8}, "dev": {"a": 2, "b": 2}, "testing": {"a": 3, "b": 1}}
    answer = refused("check", write_tree(tmp_path / "d", parts), "--json").json
    assert answer["layout"] == "train/validation/test"
    assert answer["split"] == {"train": 16, "validation": 4, "test": 4}
    answer = refused(
        "check", write_tree(tmp_path / "e", {"train": {"a": 20, "b": 20}, "val": {"a": 5, "b": 5}}), "--json"
    )
    assert answer.json["split"] == {"train": 40, "validation": 10, "test": 0}


def missing(root: Path) -> None:
    pass


def is_a_file(root: Path) -> None:
    root.write_text("x")


def empty(root: Path) -> None:
    root.mkdir()


def one_class(root: Path) -> None:
    write_dataset(root, {"a": 5})


def no_class(root: Path) -> None:
    write_picture(root / "1.png", 0, 1)


def all_broken(root: Path) -> None:
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        (root / name / "1.png").write_bytes(b"")
        (root / name / "2.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")


def other_class_broken(root: Path) -> None:
    write_dataset(root, {"a": 5})
    (root / "b").mkdir()
    (root / "b/1.png").write_bytes(b"")


def two_images(root: Path) -> None:
    write_dataset(root, {"a": 1, "b": 1})


REFUSED: list[tuple[Callable[[Path], None], str]] = [
    (missing, "The folder 'photos' does not exist. Check the spelling, or choose another folder."),
    (is_a_file, "'photos' is a file, not a folder. Choose the folder that holds the images."),
    (empty, "The folder 'photos' is empty. Choose a folder that holds one folder of images for each class."),
    (one_class, "Only one class was found in 'photos': 'a'. Put each class in its own folder."),
    (no_class, "The 1 image in 'photos' cannot be used: none lies in a class folder. Put the images of each class"),
    (all_broken, "No usable image was found in 'photos': it holds 2 .png files, 2 .jpg files ("),
    (other_class_broken, "Only one class with usable images was found in 'photos': 'a' (none in 'b')."),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED, ids=[make.__name__ for make, _ in REFUSED])
def test_a_folder_that_nothing_can_come_of(
    refused: Tlgui, played: PlayedEngine, tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    root, run = tmp_path / "photos", tmp_path / "run"
    make(root)
    for typed in (("check", root, "--json"), ("check", root), ("train", root, "--run-dir", run, "--json")):
        said = refused(*typed)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith(sentence)
        assert said.err.count("\n") == 1
        assert str(tmp_path) not in said.err
    assert not run.exists()
    # Nobody waits for the engine that was started meanwhile.
    assert played.closed_after_s == [0.0]


def test_too_few_images_to_train_on(refused: Tlgui, tmp_path: Path) -> None:
    two_images(tmp_path / "photos")
    assert refused("check", tmp_path / "photos").code == 0
    said = refused("train", tmp_path / "photos", "--run-dir", tmp_path / "run")
    assert said.code == 1
    assert said.err.endswith("Add images: each class needs at least two, better twenty.\n")
    assert not (tmp_path / "run").exists()


# All is imported and done once while still root, and no process is started later: the interpreter may lie where the other
# user cannot go.
AS_ANOTHER = """
import contextlib, functools, io, os, sys
from pathlib import Path
from tlgui.cli import folder, main
from tlgui.core import paths
folder.open_folder = functools.partial(folder.open_folder, isolated=False)
with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
    main.main(sys.argv[1:])
for place in (paths.cache_dir(), paths.state_dir(), paths.projects_dir()):
    for path in (place, *place.rglob("*")):
        path.chmod(0o777)
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    # Not below tmp_path: pytest makes that for its own user alone.
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system has no users in the Unix sense")
def test_folders_that_may_not_be_read(open_folder: Path) -> None:
    root = write_dataset(open_folder / "photos", {"a": 12, "b": 12})
    (root / "a/private").mkdir()
    (root / "a/private").chmod(0)
    program = [sys.executable, "-c", AS_ANOTHER, "check", str(root), "--json"]
    environment = {**os.environ, "HOME": "/nonexistent"}
    for name in ("CACHE", "STATE", "PROJECTS"):
        environment[f"TLGUI_{name}_DIR"] = str(open_folder / "own" / name.lower())

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(program, check=False, capture_output=True, text=True, timeout=60, env=environment)

    done = check()
    assert (done.returncode, done.stderr) == (0, "")
    answer = strict_json(done.stdout)
    assert answer["used"] == 24
    assert [warning["code"] for warning in answer["warnings"]] == ["unreadable_folder"]
    root.chmod(0)
    done = check()
    root.chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The folder 'photos' cannot be read (permission denied). Ask for permission")
