"""What goes wrong while a job runs ends with a sentence, code 1, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from helpers.command_line import PlayedEngine, Tlgui, content_of, strict_json
from helpers.schemas import conforms_as_run

from tlgui.core import events

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts something below `tmp_path` for as long as the test runs."""
    mounted: list[Path] = []

    def mount(name: str, *options: object) -> Path:
        place = tmp_path / name
        place.mkdir(exist_ok=True)
        if not hasattr(os, "geteuid") or os.geteuid() != 0 or not sys.platform.startswith("linux"):
            pytest.skip("only root may mount, and only Linux mounts like this")
        done = subprocess.run(["mount", *map(str, options), str(place)], check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"this system does not let us mount: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount
    for place in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def small_disk(mount: Mount, size: str) -> Path:
    return mount("disk", "-t", "tmpfs", "-o", f"size={size}", "tmpfs")


def fill(disk: Path, leave: int) -> Path:
    free = shutil.disk_usage(disk).free
    (disk / "filler").write_bytes(bytes(free - leave))
    return disk / "filler"


def test_a_disk_that_is_full_from_the_start(mount: Mount, refused: Tlgui, photos: Path) -> None:
    disk = small_disk(mount, "64k")
    fill(disk, 0)
    said = refused("train", photos, "--run-dir", disk / "run", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("The run folder 'run' cannot be written: No space left on device. Choose another place")


def test_a_disk_that_has_no_room_for_the_manifest(
    mount: Mount, played: PlayedEngine, refused: Tlgui, photos: Path, tmp_path: Path
) -> None:
    disk = small_disk(mount, "64k")
    filler = fill(disk, 4096)
    said = refused("train", photos, "--run-dir", disk / "run", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("The run folder 'run' cannot be written: No space left on device.")
    # The same command works once there is room: what was begun is no "run folder that is not empty".
    filler.unlink()
    played.answers = (events.Completed(message="Done."),)
    assert refused("train", photos, "--run-dir", disk / "run", "--json").code == 0


@pytest.mark.slow
def test_a_disk_that_gets_full_keeps_the_model_and_continue_goes_on(
    mount: Mount, tlgui: Tlgui, trained: Path, photos: Path
) -> None:
    disk = small_disk(mount, "64m")
    run = disk / "run"
    shutil.copytree(trained, run)
    before = content_of(run)
    filler = fill(disk, 1 << 20)
    said = tlgui("continue", run, "--more-epochs", 1, "--data", photos, "--json")
    assert said.code == 1
    conforms_as_run(said.events, "Failed")
    assert "The run folder could not be written: the disk may be full." in said.err
    assert "Free some space there, then continue the run." in said.err
    after = content_of(run)
    assert set(after) == set(before)
    assert all(after[name] == before[name] for name in before if name != "events.jsonl")
    filler.unlink()
    said = tlgui("continue", run, "--more-epochs", 1, "--data", photos, "--json")
    assert said.code == 0, said.err
    conforms_as_run(said.events, "Completed")
    assert "Resumed" in [event["type"] for event in said.events]


@pytest.mark.slow
def test_a_disk_without_room_for_the_first_checkpoint(mount: Mount, tlgui: Tlgui, photos: Path) -> None:
    disk = small_disk(mount, "4m")
    said = tlgui("train", photos, "--epochs", 1, "--run-dir", disk / "run", "--json")
    assert said.code == 1
    conforms_as_run(said.events, "Failed")
    assert "the disk may be full" in said.err
    assert list((disk / "run/checkpoints").iterdir()) == []
    said = tlgui("predict", disk / "run", photos, "--json")
    assert said.code == 1
    assert said.err.startswith("The run 'run' has no model yet: no epoch has ended.")


@pytest.mark.slow
def test_a_dataset_on_a_read_only_disk_trains_and_stays_as_it_is(
    mount: Mount, tlgui: Tlgui, photos: Path, tmp_path: Path
) -> None:
    before = content_of(photos)
    data = mount("photos", "--bind", "-o", "ro", photos)
    with pytest.raises(OSError, match="Read-only"):
        (data / "x").write_text("x")
    said = tlgui("train", data, "--epochs", 1, "--run-dir", tmp_path / "run", "--json")
    assert said.code == 0, said.err
    assert tlgui("predict", tmp_path / "run", data / "down", "--json").code == 0
    assert content_of(data) == before
    # A run folder there is refused with the reason.
    said = tlgui("train", data, "--run-dir", data / "run")
    assert said.code == 1
    assert said.err.startswith("The run folder 'run' cannot be written: Read-only file system.")


def test_own_weights_that_are_none(tlgui: Tlgui, photos: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.pth"
    text.write_text("no weights")
    other = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(3, 3)}, other)
    for file, sentence in (
        (text, "'text.pth' "),
        (other, "'other.pth' does not fit this backbone: "),
    ):
        said = tlgui("train", photos, "--weights", file, "--run-dir", tmp_path / f"{file.stem} run", "--json")
        assert said.code == 1
        conforms_as_run(said.events, "Failed")
        *_, last = said.err.splitlines()
        assert last.startswith(sentence)
        assert str(tmp_path) not in said.err


def test_weights_that_are_not_here(tlgui: Tlgui, photos: Path, tmp_path: Path) -> None:
    typed = ("train", photos, "--backbone", "resnet50", "--run-dir", tmp_path / "run", "--json")
    said = tlgui(*typed)
    assert said.code == 1
    assert "The weights of ResNet-50 are not on this computer. Train again with --download to fetch them" in said.err
    # The remedy works as it is said: the run that never began does not stand in its own way.
    said = tlgui(*typed, "--download")
    assert said.code == 1
    conforms_as_run(said.events, "Failed")
    assert "could not be fetched: there is no way to the server. Check the network, or fetch 'resnet50-" in said.err


@pytest.mark.slow
def test_a_loss_that_is_no_number(tlgui: Tlgui, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "absurd.toml"
    file.write_text(
        f'data = "{photos}"\n[training]\nstrategy = "feature-extraction"\nepochs = 200\npatience = 0\nviews = 1\n'
        "head_learning_rate = 1e6\nweight_decay = 1e6\n"
    )
    said = tlgui("train", file, "--run-dir", tmp_path / "run", "--json")
    assert said.code == 1
    conforms_as_run(said.events, "Failed")
    failed = said.events[-1]
    assert failed["problem"].startswith("Training ended in epoch ")
    assert "the loss is no longer a number, most likely because the learning rate is too high." in failed["problem"]
    assert said.err.splitlines()[-1] == f"{failed['problem']} {failed['remedy']}"
    best = [event["epoch"] for event in said.events if event["type"] == "EpochEnded" and event["best"]]
    if best:
        assert f"The best state so far, of epoch {best[-1]}, is kept" in failed["problem"]
        assert tlgui("predict", tmp_path / "run", photos / "down/000.png", "--json").code == 0


def test_continue_finds_no_images(tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    said = tlgui("continue", run, "--more-epochs", 1, "--data", tmp_path / "gone", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err == "There is no folder 'gone'. Give the folder of the images with --data DIR.\n"


def test_a_damaged_run_is_named(tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / "checkpoints/best.safetensors").write_bytes(b"half")
    said = tlgui("predict", run, photos / "down/000.png", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("The model file of the run 'run' is damaged. Take the run folder from a backup")
    (run / "checkpoints/last.safetensors").write_bytes(b"half")
    said = tlgui("continue", run, "--more-epochs", 1, "--data", photos, "--json")
    assert said.code == 1
    assert "The last checkpoint of the run 'run' is damaged." in said.err
    (run / "manifest.csv").unlink()
    said = tlgui("continue", run, "--more-epochs", 1, "--data", photos, "--json")
    assert "'manifest.csv' of the run 'run' cannot be read." in said.err
    (run / "run.toml").write_text("backbone = 3\n")
    said = tlgui("continue", run, "--data", photos)
    assert said.code == 1
    assert "'run.toml' has a field that does not fit" in said.err


def test_a_crash_is_noted_in_the_run(played: PlayedEngine, refused: Tlgui, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    played.answers = (events.Crashed(cause="signal 9", last_lines="some log"),)
    said = refused("continue", run, "--more-epochs", 1, "--data", tmp_path, "--json")
    assert said.code == 1
    assert said.events == [{"type": "Crashed", "cause": "signal 9", "last_lines": "some log", "run": str(run)}]
    assert said.err.startswith("The engine ended unexpectedly (signal 9). The computer may have run out of")
    noted = strict_json((run / "events.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert noted == {"type": "Crashed", "cause": "signal 9", "last_lines": "", "run": "run"}
