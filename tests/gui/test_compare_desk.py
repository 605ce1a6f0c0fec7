"""A comparison of ways to train: asked for, queued, stopped, gone on with, read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.bench import Bench, epoch, make_run, run_started
from helpers.compare_bench import DONE, answer, asked_of, begun, ended
from helpers.compared import comparison_of
from helpers.made_comparison import THREE, TWO, end, make, new_folder, share, whole
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events, run_queue
from tlgui.core.comparison import Entrant
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import ComparisonPrepared, PrepareComparison, Refused
from tlgui.core.run_queue import Queued
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings

FAILED = events.Failed(problem="The disk is full.", remedy="Free some space.")
WAYS = [Entrant(strategy="feature-extraction"), Entrant(strategy="full-fine-tuning")]


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


@pytest.fixture
def noted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Images of the runs whose time was kept as the computer's."""
    kept: list[int] = []
    monkeypatch.setattr(bench.machine, "note_run", lambda images, seconds: kept.append(images))
    return kept


def trains(bench: Bench) -> list[str]:
    return [job.run for job in bench.fake_engine.jobs if isinstance(job, commands.Train)]


def waits_for(bench: Bench, qtbot: QtBot, *runs: str) -> None:
    qtbot.waitUntil(lambda: [one.run for one in bench.queue.waiting] == list(runs))


def trained(bench: Bench, qtbot: QtBot, run: str) -> None:
    """Its turn has come."""
    qtbot.waitUntil(lambda: bench.training_folder is not None and str(bench.training_folder.path) == run)


# -- beginning


@pytest.mark.parametrize(("mirror", "answer_"), [(None, ""), (True, "yes"), (False, "no")])
def test_start_asks_for_what_is_set_up(bench: Bench, images: Path, mirror: bool | None, answer_: str) -> None:
    bench.found(images)
    draft = bench.draft
    draft.set_backbone("tiny-cnn", weights_file="/mine.pth")
    for field, value in (("seed", 4), ("augmentation", "microscopy"), ("mirror", mirror), ("epochs", 99)):
        assert draft.set_training(field, value) == ""
    assert draft.set_size(96) == ""
    draft.set_fit("pad")
    assert bench.compare.state == "none"
    bench.compare.start(WAYS, 7, 3)

    request = asked_of(bench)
    assert (request.ticket, request.data, request.folder, request.folds) == (bench.scan_ticket, str(images), "", 3)
    asked = request.comparison
    assert (asked.backbone, asked.size, asked.fit, asked.epochs, asked.seed) == ("tiny-cnn", 96, "pad", 7, 4)
    assert (asked.augmentation, asked.mirror, asked.entrants) == ("microscopy", answer_, WAYS)
    assert bench.compare.state == "preparing"

    bench.compare.start(WAYS, 7, 3)
    assert bench.fake_imaging.asked.count(request) == 1, "a second press does nothing"


def test_a_size_that_is_left_open_stays_open(bench: Bench, images: Path) -> None:
    bench.found(images)
    bench.compare.start(WAYS, 7, None)
    assert asked_of(bench).comparison.size == 0 and asked_of(bench).folds is None


def test_what_stands_against_it_is_said(bench: Bench, images: Path, qtbot: QtBot) -> None:
    desk = bench.compare
    assert desk.reason_against_start() == "Choose a folder of images first."
    bench.found(images)
    assert desk.reason_against_start() == ""
    bench.open_run(make_run(heard=[epoch(1)]))
    qtbot.waitUntil(lambda: bench.run is not None)
    assert desk.reason_against_start() == ("This page shows the images of a run. Set up a new one from it first.")
    desk.start(WAYS, 7, 3)
    assert not any(isinstance(one, PrepareComparison) for one in bench.fake_imaging.asked)


def test_weights_must_be_there_since_the_queue_fetches_none(bench: Bench, images: Path) -> None:
    bench.found(images)
    absent = events.WeightsState(
        backbone="resnet50", state="absent", file_name="r.pth", size_bytes=1, sha256_prefix="", folder="/x"
    )
    bench.backbones.set_found([absent])
    bench.draft.set_backbone("resnet50", download=True)
    refused = "The weights of ResNet-50 are not on this computer yet. Download them first."
    assert bench.compare.reason_against_start() == refused
    bench.draft.set_training("strategy", "from-scratch")
    assert bench.compare.reason_against_start() == refused, "the ways that are compared need them all the same"
    bench.draft.set_backbone("resnet50", weights_file="/mine.pth")
    assert bench.compare.reason_against_start() == ""


def test_exactly_the_runs_that_are_not_done_wait_in_the_queue(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)  # another training keeps the queue from going on
    bench.found(images)
    bench.draft.set_backbone("efficientnet-lite0", weights_file="/mine.pth")
    asked = comparison_of(*TWO, folds=2)
    folder = new_folder()
    make(folder, asked)
    end(folder, next(asked.legs()))
    bench.compare.start(asked.entrants, 3, 2)
    bench.draft.set_backbone("efficientnet-lite0")  # later than the question
    runs = answer(bench, folder, asked)
    waits_for(bench, qtbot, *(run.run for run in runs[1:]))

    one = bench.queue.waiting[0]
    assert one == Queued(
        run=runs[1].run, data=str(images), name="cells", method="Full fine-tuning, fold 1", weights_file="/mine.pth"
    )
    assert bench.compare.state == "running" and bench.compare.training is None
    assert (bench.compare.done, len(bench.compare.runs), bench.compare.folder) == (1, 4, folder)


def test_an_answer_to_another_question_is_not_taken(bench: Bench, images: Path) -> None:
    bench.found(images)
    bench.compare.start(WAYS, 3, 0)
    other = ComparisonPrepared(ticket=99, folder="/x", comparison=comparison_of(*TWO), runs=[])
    bench.fake_imaging.answered.emit(other)
    bench.fake_imaging.answered.emit(Refused(ticket=99, request="PrepareComparison", problem="No.", remedy=""))
    bench.fake_imaging.answered.emit(
        Refused(ticket=asked_of(bench).ticket, request="ClassImages", problem="No.", remedy="")
    )
    assert bench.compare.state == "preparing" and bench.compare.problem == ""


def test_a_refusal_is_said_and_it_can_be_begun_again(bench: Bench, images: Path) -> None:
    bench.found(images)
    bench.compare.start(WAYS, 3, 50)
    bench.fake_imaging.answered.emit(
        Refused(
            ticket=asked_of(bench).ticket, request="PrepareComparison", problem="Too few.", remedy="Take fewer folds."
        )
    )
    desk = bench.compare
    assert (desk.state, desk.problem, desk.remedy) == ("none", "Too few.", "Take fewer folds.")
    desk.start(WAYS, 3, 3)
    assert (desk.state, desk.problem, desk.remedy) == ("preparing", "", "")
    assert bench.draft.scan_error is None, "the images themselves are as good as before"


def test_a_child_that_cannot_start_is_said(bench: Bench, images: Path) -> None:
    bench.found(images)
    bench.fake_imaging.failed.emit(UserError("Gone.", "Repair it."))
    assert bench.compare.problem == "", "nothing was asked of it"
    bench.compare.start(WAYS, 3, 0)
    bench.fake_imaging.failed.emit(UserError("Gone.", "Repair it."))
    assert (bench.compare.state, bench.compare.problem, bench.compare.remedy) == ("none", "Gone.", "Repair it.")


def test_images_that_are_left_meanwhile_are_kept_until_the_folders_are_made(
    bench: Bench, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    bench.started(images)
    bench.found(images)
    bench.compare.start(WAYS, 3, 0)
    ticket = asked_of(bench).ticket
    bench.open_folder(tmp_path / "other")
    assert ticket not in bench.fake_imaging.forgotten, "it would never be answered"
    asked = comparison_of(*TWO)
    runs = answer(bench, new_folder(), asked)
    waits_for(bench, qtbot, *(run.run for run in runs))
    assert {one.data for one in bench.queue.waiting} == {str(images)}
    assert ticket in bench.fake_imaging.forgotten and bench.compare.state == "running"


def test_images_in_hand_are_not_let_go_of_with_the_answer(bench: Bench, images: Path) -> None:
    begun(bench, images)
    assert bench.scan_ticket is not None and bench.fake_imaging.forgotten == []


# -- running


def test_from_none_to_complete(bench: Bench, images: Path, qtbot: QtBot) -> None:
    desk, seen = bench.compare, []
    desk.changed.connect(lambda: seen.append(desk.state) if desk.state not in seen[-1:] else None)
    first, second = begun(bench, images)
    trained(bench, qtbot, first.run)
    assert desk.training is not None and desk.training.label == "Feature extraction"
    ended(bench, first)
    trained(bench, qtbot, second.run)
    qtbot.waitUntil(lambda: desk.done == 1)
    ended(bench, second)
    qtbot.waitUntil(lambda: desk.result is not None)
    assert [row.key for row in desk.result.rows] == list(TWO) and desk.done == 2  # type: ignore[union-attr]
    assert seen == ["none", "preparing", "running", "complete"], "it is not told as stopped while its result is read"
    qtbot.waitUntil(lambda: [one.left for one in desk.earlier] == [0])
    assert (desk.earlier[0].name, desk.earlier[0].ways) == ("cells", ["Feature extraction", "Full fine-tuning"])


def test_cancel_takes_its_runs_out_and_stops_the_one_that_trains(bench: Bench, images: Path, qtbot: QtBot) -> None:
    folder = new_folder()
    first, *others = begun(bench, images, *THREE, folder=folder)
    trained(bench, qtbot, first.run)
    mine = make_run()
    queued = Queued(run=str(mine), data=str(images))
    bench.queue.add_made([queued])
    waits_for(bench, qtbot, *(one.run for one in others), str(mine))
    bench.queue.hold(True)
    bench.fake_engine.say(run_started(Path(first.run)), epoch(1))

    bench.compare.cancel()
    assert [type(one) for one in bench.fake_engine.sent] == [commands.Stop]
    waits_for(bench, qtbot, str(mine))
    assert bench.compare.state == "running", "until it has stopped"
    bench.fake_engine.say(events.Stopped(best_epoch=1))
    qtbot.waitUntil(lambda: bench.compare.state == "interrupted")
    assert bench.compare.problem == ""


def test_cancel_leaves_another_training_alone(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    bench.found(images)
    runs = begun(bench, images)
    waits_for(bench, qtbot, *(run.run for run in runs))
    bench.compare.cancel()
    waits_for(bench, qtbot)
    assert bench.fake_engine.sent == [] and bench.is_training
    assert bench.compare.state == "interrupted"


def stopped(bench: Bench, images: Path, qtbot: QtBot) -> Path:
    """Three ways, of which the first is whole and the second was cut short."""
    folder = new_folder()
    first, second, _ = begun(bench, images, *THREE, folder=folder)
    trained(bench, qtbot, first.run)
    ended(bench, first)
    trained(bench, qtbot, second.run)
    bench.compare.cancel()
    waits_for(bench, qtbot)
    ended(bench, second, events.Stopped(best_epoch=1))
    qtbot.waitUntil(lambda: bench.compare.state == "interrupted" and bench.compare.done == 1)
    return folder


def test_it_goes_on_with_what_is_not_whole(bench: Bench, images: Path, qtbot: QtBot) -> None:
    folder = stopped(bench, images, qtbot)
    assert len(trains(bench)) == 2
    bench.compare.resume()
    request = asked_of(bench)
    assert (request.folder, request.folds, request.data) == (str(folder), None, str(images))
    assert [one.key for one in request.comparison.entrants] == list(THREE)
    assert bench.compare.state == "preparing" and bench.compare.folder == folder

    bench.queue.hold(True)
    runs = answer(bench, folder, comparison_of(*THREE))
    assert [run.done for run in runs] == [True, False, False]
    waits_for(bench, qtbot, runs[1].run, runs[2].run)
    assert bench.compare.state == "running"


def test_it_goes_on_only_with_images_at_hand(bench: Bench, images: Path, qtbot: QtBot) -> None:
    stopped(bench, images, qtbot)
    bench.cancel_scan()
    before = list(bench.fake_imaging.asked)
    bench.compare.resume()
    assert bench.fake_imaging.asked == before and bench.compare.state == "interrupted"
    bench.found(images)
    bench.compare.resume()
    assert bench.compare.state == "preparing"


def test_weights_of_another_network_are_not_taken_along(bench: Bench, images: Path, qtbot: QtBot) -> None:
    folder = stopped(bench, images, qtbot)
    bench.draft.set_backbone("resnet50", weights_file="/of another network.pth")
    bench.queue.hold(True)
    bench.compare.resume()
    runs = answer(bench, folder, comparison_of(*THREE))
    waits_for(bench, qtbot, runs[1].run, runs[2].run)
    assert {one.weights_file for one in bench.queue.waiting} == {""}


def test_a_resume_that_is_refused_stays_interrupted(bench: Bench, images: Path, qtbot: QtBot) -> None:
    stopped(bench, images, qtbot)
    bench.compare.resume()
    ticket = asked_of(bench).ticket
    refused = Refused(ticket=ticket, request="PrepareComparison", problem="Other images.", remedy="Put them back.")
    bench.fake_imaging.answered.emit(refused)
    assert (bench.compare.state, bench.compare.problem) == ("interrupted", "Other images.")
    assert bench.compare.done == 1, "what it was is still shown"


def test_nothing_begins_where_everything_is_whole(bench: Bench, images: Path, qtbot: QtBot) -> None:
    waiting = make_run()
    run_queue.change(lambda _: (Queued(run=str(waiting), data=str(images)),))
    bench.queue.read()
    bench.found(images)
    asked, folder = comparison_of(*TWO), new_folder()
    whole(folder, asked, {key: share(30) for key in TWO})
    bench.compare.start(asked.entrants, 3, 0)
    answer(bench, folder, asked)
    qtbot.waitUntil(lambda: bench.compare.state == "complete")
    assert not bench.queue.goes_on and trains(bench) == [], "a queue from before waits until it is told to begin"


def test_a_run_that_failed_is_told_until_it_is_tried_again(bench: Bench, images: Path, qtbot: QtBot) -> None:
    desk, folder = bench.compare, new_folder()
    first, second = begun(bench, images, folder=folder)
    trained(bench, qtbot, first.run)
    ended(bench, first, FAILED)
    qtbot.waitUntil(lambda: desk.problem == "Feature extraction: The disk is full.")
    assert desk.remedy == "The other ways go on. Put it right, then go on with the comparison."
    trained(bench, qtbot, second.run)
    ended(bench, second)
    qtbot.waitUntil(lambda: desk.state == "interrupted" and desk.done == 1)
    assert desk.problem == "Feature extraction: The disk is full."

    desk.resume()
    assert desk.problem == ""
    bench.queue.changed.emit()  # something else in the queue moves, while its entry is still there
    assert desk.problem == "" and desk.state == "preparing"
    answer(bench, folder, comparison_of(*TWO))
    bench.queue.changed.emit()
    trained(bench, qtbot, first.run)
    qtbot.waitUntil(lambda: desk.problem == "")
    assert [one.problem for one in bench.queue.entries] == []


def test_a_failed_run_is_told_also_of_one_that_is_opened_later(bench: Bench, images: Path, qtbot: QtBot) -> None:
    first, _ = make(new_folder(), comparison_of(*TWO))
    failed = Queued(run=first.run, data=str(images), problem="The disk is full.")
    run_queue.change(lambda _: (failed,))
    bench.queue.read()
    qtbot.waitUntil(lambda: len(bench.queue.entries) == 1)
    bench.compare.open(new_folder())
    qtbot.waitUntil(lambda: bench.compare.problem == "Feature extraction: The disk is full.")


# -- the computer's speed


def test_runs_of_a_comparison_are_not_the_speed_of_the_computer(
    bench: Bench, images: Path, qtbot: QtBot, noted: list[int]
) -> None:
    first, second = begun(bench, images)
    trained(bench, qtbot, first.run)
    ended(bench, first)
    trained(bench, qtbot, second.run)
    bench.compare.forget()  # or another comparison is shown meanwhile
    ended(bench, second)
    assert noted == []
    qtbot.waitUntil(lambda: not bench.is_training)
    bench.started(images)
    bench.fake_engine.say(DONE)
    assert noted == [40]


def test_it_goes_on_with_its_own_images_and_weights_alone(
    bench: Bench, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights of two kinds, or two sets of images, would be mixed within one comparison."""
    stopped(bench, images, qtbot)
    desk = bench.compare
    assert desk.reason_against_resume() == "" and desk.asked is not None
    own = msgspec.structs.replace(desk.asked, weights="mine.safetensors")
    monkeypatch.setattr(desk, "asked", own)
    asked = len(bench.fake_imaging.asked)
    assert "began with weights of your own, 'mine.safetensors'" in desk.reason_against_resume()
    desk.resume()
    assert len(bench.fake_imaging.asked) == asked
    bench.draft.set_backbone(own.backbone, "/elsewhere/mine.safetensors")
    assert desk.reason_against_resume() == ""
    monkeypatch.setattr(desk, "asked", msgspec.structs.replace(own, dataset="wasps"))
    assert desk.reason_against_resume() == "These were the images of 'wasps'. Open that folder first."
    assert desk.reason_against_use() == "These were the images of 'wasps'. Open that folder first."
