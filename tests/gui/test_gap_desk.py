"""How different a new site is: its folder read, the engine asked, and nothing shown of what is not in hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.bench import Bench
from helpers.fake_answers import gap
from PySide6.QtCore import QCoreApplication

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import (
    ListingWritten,
    ListUnlabelled,
    Refused,
    ScanProgress,
    UnlabelledListed,
    WriteListing,
)
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings

DONE = events.Completed(message="Done.")


def measured() -> events.GapMeasured:
    said = gap({"new_listing": "", "backbone": "efficientnet-lite0"})
    return msgspec.convert(said, events.GapMeasured)


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    bench.found(tmp_path / "known")
    bench.draft.set_target(tmp_path / "clinic b")
    yield bench
    shut_down(bench)


def reading(bench: Bench) -> ListUnlabelled:
    asked = [one for one in bench.fake_imaging.asked if isinstance(one, ListUnlabelled)]
    return asked[-1]


def read(bench: Bench) -> None:
    """The imaging child has read the new site, and then lists the known one."""
    ticket = reading(bench).ticket
    bench.fake_imaging.answered.emit(
        UnlabelledListed(ticket=ticket, path="/new.csv", data="/b", images=30, left_out={"empty": 1}, unlisted=2)
    )
    known = [one for one in bench.fake_imaging.asked if isinstance(one, WriteListing)][-1]
    bench.fake_imaging.answered.emit(ListingWritten(ticket=known.ticket, path="/known.csv", data="/a"))


def jobs(bench: Bench) -> list[commands.MeasureGap]:
    return [job for job in bench.fake_side.jobs if isinstance(job, commands.MeasureGap)]


def test_the_folder_is_read_then_the_engine_beside_is_asked_and_the_answer_is_kept(
    bench: Bench, tmp_path: Path
) -> None:
    bench.draft.set_training("seed", 4)
    bench.gap.measure()
    assert reading(bench).data == str(tmp_path / "clinic b") and bench.gap.busy and not jobs(bench)
    bench.fake_imaging.answered.emit(ScanProgress(ticket=reading(bench).ticket, done=7, total=31, seconds_left=2.0))
    progress = bench.gap.progress
    assert progress is not None and (progress.done, progress.total) == (7, 31) and "new site" in progress.stage

    read(bench)
    (job,) = jobs(bench)
    assert (job.listing, job.data, job.new_listing, job.new_data) == ("/known.csv", "/a", "/new.csv", "/b")
    assert (job.left_out, job.unlisted, job.seed, job.backbone) == ({"empty": 1}, 2, 4, "efficientnet-lite0")
    assert not bench.fake_engine.jobs, "the warm engine is free for a training"
    assert reading(bench).ticket in bench.fake_imaging.forgotten

    bench.fake_side.say(events.Progress(stage="looking", done=1, total=2), measured(), DONE)
    assert bench.gap.found == measured() and not bench.gap.busy and bench.gap.progress is None


def test_what_was_measured_is_never_shown_of_something_else(bench: Bench, tmp_path: Path) -> None:
    bench.gap.measure()
    read(bench)
    bench.fake_side.say(measured(), DONE)
    assert bench.gap.found is not None

    for change, back in (
        (lambda: bench.draft.set_target(tmp_path / "c"), lambda: bench.draft.set_target(tmp_path / "clinic b")),
        (lambda: bench.draft.set_backbone("tiny-cnn"), lambda: bench.draft.set_backbone("efficientnet-lite0")),
        (lambda: bench.draft.set_fit("squash"), lambda: bench.draft.set_fit("crop")),
        (lambda: bench.draft.set_training("seed", 9), lambda: bench.draft.set_training("seed", 0)),
    ):
        change()
        assert bench.gap.found is None
        back()
        assert bench.gap.found is not None
    bench.draft.set_training("adapt_weight", 3.0)
    assert bench.gap.found is not None, "the weight moves no image"


@pytest.mark.parametrize("when", ["reading", "measuring"])
def test_another_folder_ends_the_measurement_that_is_at_work(bench: Bench, tmp_path: Path, when: str) -> None:
    bench.gap.measure()
    ticket = reading(bench).ticket
    if when == "measuring":
        read(bench)
    bench.draft.set_target(tmp_path / "c")
    assert not bench.gap.busy and bench.gap.problem is None and ticket in bench.fake_imaging.forgotten
    bench.fake_side.say(measured(), DONE)
    bench.draft.set_target(tmp_path / "clinic b")
    assert bench.gap.found is None, "nothing of it arrives any more"


@pytest.mark.parametrize("when", ["reading", "measuring"])
def test_it_can_be_stopped_at_any_time_and_begun_again(bench: Bench, when: str) -> None:
    bench.gap.measure()
    if when == "measuring":
        read(bench)
    bench.gap.cancel()
    if when == "measuring":
        assert bench.fake_side.sent == [commands.Stop()]
        bench.fake_side.say(events.Stopped())
    assert not bench.gap.busy and isinstance(bench.gap.problem, events.Stopped) and bench.gap.progress is None
    bench.gap.measure()
    assert bench.gap.busy and bench.gap.problem is None


def test_a_folder_that_cannot_be_read_and_a_child_that_cannot_start_are_said(bench: Bench) -> None:
    bench.gap.measure()
    bench.fake_imaging.answered.emit(
        Refused(ticket=reading(bench).ticket, request="ListUnlabelled", problem="It is gone.", remedy="Plug it in.")
    )
    ended = bench.gap.problem
    assert isinstance(ended, events.Failed) and (ended.problem, ended.remedy) == ("It is gone.", "Plug it in.")
    assert not bench.gap.busy

    bench.gap.measure()
    bench.fake_imaging.failed.emit(UserError("No child.", "Repair it."))
    assert isinstance(bench.gap.problem, events.Failed) and bench.gap.problem.problem == "No child."


def test_an_engine_that_dies_is_said_and_the_next_try_works(bench: Bench) -> None:
    bench.gap.measure()
    read(bench)
    bench.fake_side.say(events.Crashed(cause="killed"))
    assert isinstance(bench.gap.problem, events.Crashed) and not bench.gap.busy
    bench.gap.measure()
    read(bench)
    bench.fake_side.say(measured(), DONE)
    assert bench.gap.found is not None and bench.gap.problem is None


def test_what_it_lacks_is_said_and_nothing_is_asked(bench: Bench) -> None:
    bench.draft.set_backbone("resnet18")
    assert "not on this computer" in bench.gap.reason_against() or "not known" in bench.gap.reason_against()
    bench.draft.set_backbone("tiny-cnn")
    assert "no pretrained weights" in bench.gap.reason_against()
    bench.draft.set_backbone("efficientnet-lite0")
    bench.draft.set_target(None)
    assert bench.gap.reason_against() == "Choose the folder of the new site first."
    bench.gap.measure()
    assert not bench.gap.busy and not any(isinstance(one, ListUnlabelled) for one in bench.fake_imaging.asked)
