"""One job, one ending, whatever happens; nothing that a person would not want told is told."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import torch

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import RunSpec
from tlgui.engine import free_memory, worker
from tlgui.engine.control import Control, OwnerGoneError
from tlgui.engine.device import Found
from tlgui.engine.worker import _Wire, serve


class FakeWire(_Wire):
    """Keeps what goes out."""

    def __init__(self) -> None:
        self.sent: list[Event] = []

    def send(self, event: Event) -> None:
        self.sent.append(event)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path / "DOE JANE" / "run", RunSpec())


def batch(step: int) -> events.BatchEnded:
    return events.BatchEnded(
        epoch=1, step=step, batches=9, batch=step, loss=0.5, images_per_second=None, seconds_left=None
    )


def started(run: RunFolder) -> events.RunStarted:
    return events.RunStarted(
        run=str(run.path),
        backbone="b",
        strategy="s",
        classes=["a"],
        train_images=1,
        validation_images=1,
        test_images=0,
        epochs=1,
        seed=0,
    )


def served(run: RunFolder, monkeypatch: pytest.MonkeyPatch, job: Callable[[], Iterator[Event]]) -> list[Event]:
    monkeypatch.setattr(worker, "_events_of", lambda *_: job())
    wire = FakeWire()
    serve(commands.Train(run=str(run.path), data="/somewhere"), Control(), wire)
    return wire.sent


def assert_no_place_in(run: RunFolder, *places: object) -> None:
    for path in run.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for place in (run.path.parent, Path.home(), *places):
                assert str(place).encode() not in content, path.name


def test_a_good_job_is_journalled_by_name_and_sent_by_place(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def job() -> Iterator[Event]:
        yield started(run)
        yield events.Progress(stage="s", done=1, total=2)
        yield batch(1)
        yield events.Completed(run=str(run.path), best_epoch=1, message="Done.")

    sent = served(run, monkeypatch, job)
    assert [type(event).__name__ for event in sent] == ["RunStarted", "Progress", "BatchEnded", "Completed"]
    assert isinstance(sent[0], events.RunStarted) and sent[0].run == str(run.path)
    kept = list(run.events())
    assert [type(event).__name__ for event in kept] == ["RunStarted", "BatchEnded", "Completed"]
    assert [event.run for event in kept if isinstance(event, events.RunStarted | events.Completed)] == ["run", "run"]
    assert_no_place_in(run)


def bug() -> None:
    raise ValueError(f"cannot read '{Path.home()}/Studies/DOE JANE/1.png' or /srv/patients/DOE/2.png, sorry")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (lambda place: UserError("It is broken.", "Mend it.", f"in '{place}/x'"), "It is broken. Mend it."),
        (
            lambda place: OSError(errno.ENOSPC, "No space left on device", f"{place}/x"),
            "The disk is full. Free some space, then continue; everything up to the last checkpoint is kept.",
        ),
        (
            lambda place: OSError(errno.EDQUOT, "Disk quota exceeded", f"{place}/x"),
            "The disk is full. Free some space, then continue; everything up to the last checkpoint is kept.",
        ),
        (
            lambda place: PermissionError(errno.EACCES, "Permission denied", f"{place}/x"),
            "The system refused to read or write a file: Permission denied. Check that the drive is connected and that "
            "you may write to the run folder, then continue.",
        ),
        (
            lambda place: ValueError(f"a bug in {place}/x and '{place}/its.png'"),
            "The program made a mistake; it is not your doing. Continue the run to go on from the last checkpoint, and "
            "send us the details below.",
        ),
        (
            lambda place: KeyError(f"{place}/x"),
            "The program made a mistake; it is not your doing. Continue the run to go on from the last checkpoint, and "
            "send us the details below.",
        ),
    ],
)
def test_each_failure_is_one_ending_without_places(
    error: Callable[[Path], Exception], sentence: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job() -> Iterator[Event]:
        yield started(run)
        raise error(run.path.parent)

    sent = served(run, monkeypatch, job)
    endings = [event for event in sent if event.ends_job]
    assert len(endings) == 1 and sent[-1] is endings[0]
    (ending,) = endings
    assert isinstance(ending, events.Failed) and ending.sentence() == sentence
    assert ending.run == str(run.path)
    assert str(run.path.parent) not in ending.details and "DOE JANE/" not in ending.details
    (kept,) = (event for event in run.events() if event.ends_job)
    assert kept == msgspec.structs.replace(ending, run="run")
    assert_no_place_in(run)


def test_a_traceback_keeps_file_names_and_lines_but_no_places(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def job() -> Iterator[Event]:
        bug()
        yield batch(1)

    (failed,) = served(run, monkeypatch, job)
    assert isinstance(failed, events.Failed)
    details = failed.details
    assert 'File "worker.py", line' in details and 'File "test_worker.py", line' in details
    assert "cannot read '1.png' or 2.png, sorry" in details
    for place in (Path.home(), Path(__file__).parent, Path(os.__file__).parent, Path.cwd()):
        assert str(place) not in details
    assert_no_place_in(run, Path(__file__).parent)


def test_no_ending_is_added_when_the_owner_is_gone(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def job() -> Iterator[Event]:
        yield started(run)
        raise OwnerGoneError

    with pytest.raises(OwnerGoneError):
        served(run, monkeypatch, job)
    assert [type(event).__name__ for event in run.events()] == ["RunStarted"]


def test_a_refusal_before_the_run_goes_on_is_no_part_of_its_story(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job() -> Iterator[Event]:
        raise UserError("The run is complete.", "Add epochs.")
        yield

    (failed,) = served(run, monkeypatch, job)
    assert isinstance(failed, events.Failed)
    assert list(run.events()) == []


def test_a_full_disk_still_lets_the_sentence_out(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: RunFolder, event: Event) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, "append_event", full)
    (failed,) = served(run, monkeypatch, lambda: iter([started(run), batch(2)]))
    assert isinstance(failed, events.Failed) and failed.problem == "The disk is full."


def test_a_folder_that_is_no_run_gets_no_journal(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    wire = FakeWire()
    serve(commands.Train(run=str(tmp_path / "photos"), data=str(tmp_path)), Control(), wire)
    (failed,) = wire.sent
    assert isinstance(failed, events.Failed) and "'photos' is not a run folder" in failed.problem
    assert not list((tmp_path / "photos").iterdir())


def test_batches_are_thinned_on_the_wire_and_whole_in_the_journal(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [50.0]
    monkeypatch.setattr(worker.time, "monotonic", lambda: now[0])

    def job() -> Iterator[Event]:
        yield started(run)
        for step in range(1, 301):
            now[0] += 0.005
            yield batch(step)
            if step % 100 == 0:
                yield events.Notice(code="c", message="m")

    monkeypatch.setattr(worker, "_events_of", lambda *_: job())
    out = io.BytesIO()
    control = Control()
    serve(commands.Train(run=str(run.path), data="/somewhere"), control, _Wire(out, control))
    sent = [events.decode(line) for line in out.getvalue().splitlines()]
    assert sum(isinstance(event, events.Notice) for event in sent) == 3
    batches = [event.step for event in sent if isinstance(event, events.BatchEnded)]
    assert batches[0] == 1 and 38 <= len(batches) <= 46  # 1.5 seconds at 30 a second
    kept = [event.step for event in run.events() if isinstance(event, events.BatchEnded)]
    assert kept == list(range(1, 301))


def test_a_broken_pipe_tells_the_job_that_its_owner_is_gone() -> None:
    class Broken(io.BytesIO):
        def write(self, *_: object) -> int:
            raise BrokenPipeError

    control = Control()
    _Wire(Broken(), control).send(batch(1))
    assert control.gone
    with pytest.raises(OwnerGoneError):
        control.take()


# -- the device and memory -----------------------------------------------------------------------------------------


def test_why_a_card_is_not_used_is_said_with_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """P08."""
    cpu = torch.device("cpu")
    monkeypatch.setattr(worker, "describe", lambda device: "CPU, 2 cores")
    monkeypatch.setattr(worker, "look_for_device", lambda: Found(cpu, "the graphics card is not used: it is too old"))
    assert worker._device(side=False) == (cpu, "CPU, 2 cores (the graphics card is not used: it is too old)")
    monkeypatch.setattr(worker, "look_for_device", lambda: Found(cpu))
    assert worker._device(side=False) == (cpu, "CPU, 2 cores")


def test_a_named_device_that_cannot_be_used_is_a_sentence_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "describe", lambda device: "CPU, 2 cores")
    monkeypatch.setenv("TLGUI_DEVICE", "nonsense")
    device, sentence = worker._device(side=False)
    assert device == torch.device("cpu")
    assert sentence == "CPU, 2 cores (TLGUI_DEVICE names 'nonsense', which is no device)"
    assert worker._device(side=True) == (torch.device("cpu"), "CPU, 2 cores")  # off the card in any case


@pytest.mark.parametrize("error", [None, ValueError("a bug"), OwnerGoneError()])
def test_p01_after_each_job_memory_is_given_back_however_it_ended(
    error: Exception | None, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    monkeypatch.setattr(free_memory, "give_back", lambda: given.append(1))

    def job() -> Iterator[Event]:
        yield started(run)
        if error is not None:
            raise error
        yield events.Stopped()

    with contextlib.suppress(OwnerGoneError):
        served(run, monkeypatch, job)
    assert given == [1]
