"""The images of a new site that a run adapts to: which of them take part, and what the run folder keeps of them."""

from __future__ import annotations

import csv
import errno
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.pictures import write_dataset

from tlgui.core import atomic, run_folder
from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.core.records import Scan
from tlgui.core.run_folder import RunFolder, create, recall_place, refuse_occupied
from tlgui.core.run_spec import RunSpec, Target, Training
from tlgui.core.source import learned_by
from tlgui.core.strategies import STRATEGIES
from tlgui.imaging.adapting import new_site, refuse_without_target
from tlgui.imaging.opening import Opened, open_folder
from tlgui.imaging.prepare import prepare_run
from tlgui.imaging.scan import ScanCancelled

Plant = Callable[..., Path]
Picture = Callable[..., bytes]


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "known", {"across": 10, "down": 10}, size=24)


def scanned(known: Path) -> Scan:
    return open_folder(known, isolated=False).scan


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


# -- both or none -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("adapt", ["mmd", "adversarial", "mcc", "statistics"])
def test_a_way_of_adapting_without_images_is_refused_by_its_name(adapt: str) -> None:
    training = Training(adapt=adapt)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"'{adapt}' adapts to images of a new site, and none are given") as refused:
        refuse_without_target(training, None)
    assert "--target DIR" in refused.value.remedy and refused.value.code == "no_target"


def test_images_without_a_way_of_adapting_are_refused_by_the_name_of_their_folder(tmp_path: Path) -> None:
    (tmp_path / "New hospital").mkdir()
    with pytest.raises(UserError, match="'New hospital' holds images of a new site, and nothing is said") as refused:
        refuse_without_target(Training(), tmp_path / "New hospital")
    assert "--adapt mmd" in refused.value.remedy and refused.value.code == "no_target"
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize("adapt", ["mmd", "adversarial", "mcc", "statistics"])
def test_a_batch_of_one_image_tells_nothing_of_how_two_sites_differ(adapt: str, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    training = Training(adapt=adapt, batch_size=1)  # type: ignore[arg-type]
    if adapt == "statistics":
        refuse_without_target(training, tmp_path / "s")
        return
    with pytest.raises(UserError, match="a batch of 1 shows one alone"):
        refuse_without_target(training, tmp_path / "s")
    refuse_without_target(Training(adapt=adapt, batch_size=2), tmp_path / "s")  # type: ignore[arg-type]


def test_neither_is_a_run_like_any_other_and_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    refuse_without_target(Training(), None)
    with pytest.raises(UserError, match="nowhere"):
        refuse_without_target(Training(adapt="mmd"), tmp_path / "nowhere")


# -- which images take part ---------------------------------------------------------------------------------------


def test_every_file_takes_part_or_is_counted(known: Path, plant: Plant, picture: Picture) -> None:
    """Images of the known site, copies, and files that are no images; folders mean nothing."""
    shared = (known / "down" / "003.png").read_bytes()
    site = plant(
        {
            "1.png": picture(1),
            "ward/train/2.jpg": picture(2, "JPEG"),
            "ward/copy of 1.png": picture(1),
            "from the other.png": shared,
            "ward/from the other again.png": shared,
            "cut.png": picture(4, size=(60, 60))[:900],
            "empty.png": b"",
            "notes.txt": b"hello",
        },
        "New hospital",
    )
    told: list[tuple[int, int]] = []
    found = new_site(site, scanned(known), lambda done, total: told.append((done, total)))
    every = contents(site)
    assert dict(found.images) == {path: every[path] for path in ("1.png", "ward/train/2.jpg")}
    assert (found.target.name, found.target.images, found.target.known, found.target.left_out) == (
        "New hospital", 2, 2, 4,
    )  # fmt: skip
    assert found.target.images + found.target.known + found.target.left_out == len(every)
    assert told[-1] == (8, 8)


def test_of_copies_one_takes_part_wherever_they_lie(known: Path, plant: Plant, picture: Picture) -> None:
    site = plant({f"{number}.png": picture(number // 3) for number in range(9)}, "s")
    found = new_site(site, scanned(known))
    assert len(found.images) == len({content for _, content in found.images}) == 3
    assert (found.target.images, found.target.left_out) == (3, 6)


def test_the_fingerprint_is_that_of_the_images_that_take_part_wherever_they_lie(
    known: Path, plant: Plant, picture: Picture, tmp_path: Path
) -> None:
    site, scan = plant({f"a/{number}.png": picture(number) for number in range(4)}, "s"), scanned(known)
    first = new_site(site, scan).target
    moved = shutil.copytree(site, tmp_path / "usb" / "t")
    (moved / "notes.txt").write_text("hello")
    assert new_site(moved, scan).target.fingerprint == first.fingerprint
    (moved / "a" / "0.png").write_bytes(picture(77))
    assert new_site(moved, scan).target.fingerprint != first.fingerprint


def test_where_nothing_is_left_it_is_refused_with_the_reason(known: Path, plant: Plant, picture: Picture) -> None:
    scan = scanned(known)
    with pytest.raises(UserError, match="Every image in 'known' is also an image of the known site") as refused:
        new_site(known, scan)
    assert refused.value.code == "same_images" and refused.value.remedy
    site = plant({"notes.txt": b"hello", "empty.png": b""}, "New hospital")
    with pytest.raises(UserError, match="No image in 'New hospital' can be used") as refused:
        new_site(site, scan)
    assert refused.value.code == "no_images"


def test_reading_them_can_be_cancelled(known: Path, plant: Plant, picture: Picture) -> None:
    scan = scanned(known)
    with pytest.raises(ScanCancelled):
        new_site(plant({"1.png": picture(1)}, "s"), scan, cancelled=lambda: True)


# -- in the run folder --------------------------------------------------------------------------------------------


@pytest.fixture
def site(known: Path, plant: Plant, picture: Picture) -> Path:
    """Four images, one of the known site, and a broken one."""
    files = {f"ward {number}/{number}.png": picture(number) for number in range(4)}
    return plant(
        files | {"shared.png": (known / "down" / "003.png").read_bytes(), "broken.png": b"\x89PNG"}, "New hospital"
    )


def made(
    known: Path, site: Path | None, place: Path | None = None, read: Callable[[], Opened] | None = None, **training: Any
) -> RunFolder:
    options = {"strategy": "feature-extraction"} | training
    spec = RunSpec(backbone="resnet50", training=Training(**options))
    return prepare_run(known, spec, place, read=read or (lambda: open_folder(known, isolated=False)), target=site).run


def test_the_run_folder_lists_the_images_by_content_and_holds_no_place(known: Path, site: Path, tmp_path: Path) -> None:
    run = made(known, site, tmp_path / "run", adapt="mmd")
    with run.target_path.open(encoding="utf-8", newline="") as stream:
        rows = {row["path"]: row["content_hash"] for row in csv.DictReader(stream) if row["path"].endswith(".png")}
    every = contents(site)
    assert rows == {path: every[path] for path in every if path.startswith("ward")}
    assert {row.path: row.content_hash for row in run.target()} == rows
    spec = run.spec()
    assert spec.target == Target(
        name="New hospital", fingerprint=spec.target.fingerprint if spec.target else "", images=4, known=1, left_out=1
    )
    assert spec.target is not None and recall_place(spec.target.fingerprint) == site
    for file in run.path.rglob("*"):
        assert file.is_dir() or str(tmp_path) not in file.read_text("utf-8"), file


def test_what_was_seen_of_the_new_site_is_known_to_whoever_begins_with_this_run(
    known: Path, site: Path, tmp_path: Path
) -> None:
    run = made(known, site, tmp_path / "run", adapt="mmd")
    hashes = {row.content_hash for row in run.target()}
    assert len(hashes) == 4 and hashes <= learned_by(run).trained


def test_a_run_that_adapts_to_nothing_has_no_such_list(known: Path, tmp_path: Path) -> None:
    run = made(known, None, tmp_path / "run")
    assert run.spec().target is None and not run.target_path.exists()
    assert run.spec().training.adapt == "none"


@pytest.mark.parametrize(
    ("adapt", "target", "says"),
    [("mmd", False, "adapts to images of a new site"), ("none", True, "nothing is said of how to adapt")],
)
def test_one_without_the_other_is_refused_before_any_image_is_read(
    adapt: str, target: bool, says: str, known: Path, site: Path, tmp_path: Path
) -> None:
    def unread() -> Opened:
        raise AssertionError("the images were read")

    with pytest.raises(UserError, match=says):
        made(known, site if target else None, tmp_path / "run", unread, adapt=adapt)
    assert not (tmp_path / "run").exists()


def test_where_no_image_of_the_new_site_is_left_no_run_is_made(known: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(known, tmp_path / "copy")
    with pytest.raises(UserError, match="Every image in 'copy' is also an image of the known site"):
        made(known, copy, tmp_path / "run", adapt="mmd")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("given", [True, False])
def test_where_the_list_cannot_be_written_the_next_try_finds_an_empty_place(
    given: bool, known: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, write = tmp_path / "run" if given else None, atomic.write_bytes

    def full(path: Path, content: bytes) -> None:
        if path.name == "target.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write_bytes", full)
        with pytest.raises(UserError, match="cannot be written: No space left on device"):
            made(known, site, place, adapt="mmd")
    assert not list(tmp_path.glob("run/*"))
    assert not [path for runs in projects_dir().rglob("runs") for path in runs.iterdir()]
    assert len(made(known, site, place, adapt="mmd").target()) == 4


def test_a_run_that_adapts_and_never_began_gives_its_folder_to_the_next(
    known: Path, site: Path, tmp_path: Path
) -> None:
    run = made(known, site, tmp_path / "run", adapt="mmd")
    refuse_occupied(run.path)
    again = create(run.path, RunSpec())
    assert not again.target_path.exists(), "the next one adapts to something else, or to nothing"


@pytest.mark.parametrize("adapt", ["none", "mmd", "statistics"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_projection_is_written_down_where_the_head_alone_learns_and_for_no_other_run(
    strategy: str, adapt: str, known: Path, site: Path, tmp_path: Path
) -> None:
    run = made(known, None if adapt == "none" else site, tmp_path / "run", strategy=strategy, adapt=adapt)
    training = run.spec().training
    projected = adapt == "mmd" and STRATEGIES[strategy].trains == "head"
    assert (training.head, training.head_units) == (("hidden", 256) if projected else ("linear", 512))


def test_a_list_that_is_missing_is_told(tmp_path: Path) -> None:
    run = create(tmp_path / "run", RunSpec(target=Target(name="s", fingerprint="f", images=3)))
    with pytest.raises(UserError, match=r"'target\.csv' of the run 'run' cannot be read") as refused:
        run.target()
    assert refused.value.code == "run_damaged"


def test_names_that_no_other_system_knows_come_back_as_they_are(tmp_path: Path) -> None:
    run = create(tmp_path / "run", RunSpec(target=Target(name="s", fingerprint="f", images=2)))
    images = [('a, "b"/ü 1.png', "a" * 64), ("zeile\n2.png", "b" * 64)]
    run.write_target(images)
    assert [(row.path, row.content_hash) for row in run.target()] == images
    assert run_folder.RunFolder(run.path).target() == run.target()
