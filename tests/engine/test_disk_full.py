"""A full disk: training waits with a sentence, nothing of it is lost, and what is on disk stays whole (P10)."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
from helpers.pictures import write_dataset
from helpers.tiny import codes, finish, measured, of, sending, tiny_setup

from tlgui.core import events
from tlgui.core.commands import Continue, Extend, Freeze, SetLearningRate, Stop, Undo, Unfreeze
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS: dict[str, Any] = {"strategy": "feature-extraction", "batch_size": 9, "epochs": 3, "top_learning_rate": 0.01}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("full") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


class Disk:
    """A disk that can be full; then half of a file is written and no more."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.full = False
        real = safetensors.torch.save_file

        def save_file(tensors: Any, path: Path, metadata: Any = None) -> None:
            if self.full:
                Path(path).write_bytes(b"half")
                raise OSError(errno.ENOSPC, "No space left on device")
            real(tensors, path, metadata)

        patch.setattr(safetensors.torch, "save_file", save_file)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return Disk(monkeypatch)


@pytest.fixture
def each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved after each batch, whatever that takes."""
    monkeypatch.setattr(Checkpoints, "due", property(lambda self: True))


@pytest.mark.usefixtures("each_batch")
def test_a_timely_save_on_a_full_disk_pauses_until_there_is_room(disk: Disk, data: Path, tmp_path: Path) -> None:
    plain, _ = finish(tiny_setup(data, tmp_path / "plain", **OPTIONS))
    setup = tiny_setup(data, tmp_path / "run", interval_s=0, **OPTIONS)
    tries: list[int] = []

    def person(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 7:
            disk.full = not tries
        if isinstance(event, events.Paused):
            tries.append(event.step)
            disk.full = len(tries) < 3  # frees some space before the third try
            assert setup.checkpoints.place().step == 6
            setup.control.put(Continue())

    said, outcome = finish(setup, person)
    assert tries == [7, 7, 7] and not outcome.stopped
    assert codes(said) == ["disk_full"] * 3
    assert [event.message for event in of(said, events.Notice)] == [
        "The run folder could not be written: No space left on device. Free some space, then continue: nothing is lost, "
        "the run waits in memory."
    ] * 3 or all("nothing is lost" in event.message for event in of(said, events.Notice))
    assert measured(said) == measured(plain)
    assert RunFolder(tmp_path / "run").best_path.read_bytes() == RunFolder(tmp_path / "plain").best_path.read_bytes()
    assert {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()} == {
        "best.safetensors",
        "last.safetensors",
    }


@pytest.mark.usefixtures("each_batch")
def test_stop_while_the_disk_is_full_says_what_is_lost_and_the_rest_goes_on(
    disk: Disk, data: Path, tmp_path: Path
) -> None:
    plain, _ = finish(tiny_setup(data, tmp_path / "plain", **OPTIONS))
    setup = tiny_setup(data, tmp_path / "run", interval_s=0, **OPTIONS)

    def person(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 8:
            disk.full = True
        if isinstance(event, events.Paused):
            setup.control.put(Stop())

    with pytest.raises(UserError) as caught:
        finish(setup, person)
    assert caught.value.code == "disk_full"
    assert caught.value.problem.endswith(
        "Training was stopped all the same, so what was learned after step 7 of 8 is not kept."
    )
    assert caught.value.remedy == "Free some space there, then continue the run."
    disk.full = False
    again = tiny_setup(data, tmp_path / "run", **OPTIONS)
    again.resume = True
    resumed, _ = finish(again)
    assert isinstance(resumed[0], events.Resumed) and resumed[0].step == 7
    assert measured(resumed, 7, 1) == measured(plain, 7, 1)


def test_stop_before_anything_was_saved_says_that_nothing_is_kept(disk: Disk, data: Path, tmp_path: Path) -> None:
    disk.full = True
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9, **OPTIONS)
    with pytest.raises(UserError, match=r"so nothing of this run is kept\."):
        finish(setup, sending(setup, {3: [Stop()]}))


@pytest.mark.parametrize("move", [Unfreeze(), Freeze(groups=2)])
def test_a_move_that_could_not_be_taken_back_is_not_made(move: Any, disk: Disk, data: Path, tmp_path: Path) -> None:
    training = OPTIONS | ({"strategy": "full-fine-tuning"} if isinstance(move, Freeze) else {})
    plain, _ = finish(tiny_setup(data, tmp_path / "plain", **training))
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9, **training)

    def person(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 6:
            disk.full = True
        if isinstance(event, events.Notice) and event.code == "move_not_done":
            disk.full = False
            assert not list((tmp_path / "run" / "checkpoints").glob("undo*"))

    said, _ = finish(setup, sending(setup, {6: [move]}, person))
    (notice,) = of(said, events.Notice)
    done = "frozen" if isinstance(move, Freeze) else "unfrozen"
    assert (
        f"So nothing was {done}: it could not be taken back. Free some space there, then press again." in notice.message
    )
    assert len(of(said, events.LayersChanged)) == 1
    assert measured(said) == measured(plain)


def test_what_was_taken_back_while_the_disk_is_full_waits_in_memory(disk: Disk, data: Path, tmp_path: Path) -> None:
    """The best state of the snapshot becomes the run's when it can be saved, and not before."""
    plain, _ = finish(tiny_setup(data, tmp_path / "plain", **OPTIONS))
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9, **OPTIONS)
    waited: list[int] = []

    def person(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 11 and not waited:
            disk.full = True
            setup.control.put(Undo())
        if isinstance(event, events.Paused):
            waited.append(event.step)
            assert (tmp_path / "run" / "checkpoints" / "undo-7.safetensors").is_file()
            disk.full = False
            setup.control.put(Continue())

    said, _ = finish(setup, sending(setup, {7: [Unfreeze()]}, person))
    kinds = [type(event).__name__ for event in said if not isinstance(event, events.Progress)]
    at = kinds.index("Undone")
    assert waited == [7]
    assert kinds[at - 1 : at + 4] == ["Notice", "Undone", "LayersChanged", "Paused", "Continued"]
    after = said[said.index(of(said, events.Undone)[0]) :]
    assert measured(after) == measured(plain, 7, 1)
    assert RunFolder(tmp_path / "run").best_path.read_bytes() == RunFolder(tmp_path / "plain").best_path.read_bytes()
    assert not list((tmp_path / "run" / "checkpoints").glob("undo*"))


def test_at_the_end_of_the_plan_the_run_waits_too_and_can_be_given_more_epochs(
    disk: Disk, data: Path, tmp_path: Path
) -> None:
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9, **OPTIONS)

    def person(event: events.Event) -> None:
        if isinstance(event, events.EpochEnded) and event.epoch == 3:
            disk.full = True
        if isinstance(event, events.Paused):
            disk.full = False
            setup.control.put(Extend(epochs=1))
            setup.control.put(Continue())

    said, outcome = finish(setup, person)
    assert [event.epoch for event in of(said, events.EpochEnded)] == [1, 2, 3, 4]
    assert not outcome.stopped and setup.checkpoints.place().epoch == 4


@pytest.mark.parametrize(
    ("press", "why"),
    [
        (Unfreeze(), "another move came before its verdict"),
        (SetLearningRate(group="head", rate=0.002), "the learning rate of 'head' was changed"),
    ],
)
def test_what_makes_a_verdict_worthless_while_it_waits_for_room_leaves_it_out(
    press: Any, why: str, disk: Disk, data: Path, tmp_path: Path
) -> None:
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9, **(OPTIONS | {"trial_epochs": 1}))

    def person(event: events.Event) -> None:
        if isinstance(event, events.EpochEnded) and event.epoch == 2:
            disk.full = True
        if isinstance(event, events.Paused):
            disk.full = False
            setup.control.put(press)
            setup.control.put(Continue())

    said, _ = finish(setup, sending(setup, {4: [Unfreeze()]}, person))
    judged = [event for event in of(said, events.MoveJudged) if event.step == 4]
    (notice,) = [event for event in of(said, events.Notice) if why in event.message]
    assert notice.code == "not_judged" and not judged


@contextlib.contextmanager
def small_disk(folder: Path, patch: pytest.MonkeyPatch, size_bytes: int) -> Iterator[None]:
    """A folder on a disk of its own of that size; where this program may mount none, a stand-in that counts."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    if os.name == "posix" and subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    real = safetensors.torch.save_file

    def counting(tensors: Any, path: Path, metadata: Any = None) -> None:
        real(tensors, path, metadata)
        if sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) > size_bytes:
            Path(path).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with patch.context() as within:
        within.setattr(safetensors.torch, "save_file", counting)
        yield


@pytest.mark.usefixtures("each_batch")
def test_p10_a_small_disk_that_is_really_full(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 MB, of which something else takes all but a little: each try fails half way, and the earlier files are whole."""
    place = tmp_path / "disk"
    with small_disk(place, monkeypatch, 20 << 20):
        setup: Setup = tiny_setup(data, place / "run", interval_s=0, **OPTIONS)
        ballast = place / "ballast"
        whole: list[bool] = []

        def person(event: events.Event) -> None:
            if isinstance(event, events.BatchEnded) and event.step == 4:
                with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as stream:
                    for _ in range((20 << 20) // 4096):
                        stream.write(b"\1" * 4096)
            if isinstance(event, events.Paused):
                whole.append(setup.checkpoints.load().place.step == 3)
                ballast.unlink()
                setup.control.put(Continue())

        said, outcome = finish(setup, person)
        assert whole == [True] and not outcome.stopped
        assert codes(said) == ["disk_full"]
        assert {path.name for path in (place / "run" / "checkpoints").iterdir()} == {
            "best.safetensors",
            "last.safetensors",
        }
