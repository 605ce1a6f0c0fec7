"""Sites held out in turn: asked for, queued, stopped, gone on with, read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench
from helpers.made_sites import end_site, make_sites, new_sites_folder, sites_of, whole_sites
from helpers.sites_bench import WAY, answer_sites, asked_sites, begun_sites, ended_site
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.comparison import Entrant
from tlgui.core.imaging_messages import PrepareSites, Refused
from tlgui.core.run_queue import Queued
from tlgui.core.run_spec import Source
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings

FAILED = events.Failed(problem="The disk is full.", remedy="Free some space.")
STOPPED = events.Stopped(best_epoch=1)
NAMES = ("art", "photo", "sketch")


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


def trained(bench: Bench, qtbot: QtBot, run: str) -> None:
    """Its turn has come."""
    qtbot.waitUntil(lambda: bench.training_folder is not None and str(bench.training_folder.path) == run)


def stopped(bench: Bench, images: Path, qtbot: QtBot) -> Path:
    """Three sites, of which the first is whole and the second was cut short."""
    folder = new_sites_folder()
    first, second, _ = begun_sites(bench, images, *NAMES, folder=folder)
    trained(bench, qtbot, first.run)
    ended_site(bench, first)
    trained(bench, qtbot, second.run)
    bench.sites.cancel()
    qtbot.waitUntil(lambda: not bench.queue.waiting)
    ended_site(bench, second, STOPPED)
    qtbot.waitUntil(lambda: bench.sites.state == "interrupted" and bench.sites.done == 1)
    return folder


@pytest.mark.parametrize("mirror", [None, True, False])
def test_start_asks_for_what_is_set_up(bench: Bench, images: Path, mirror: bool | None) -> None:
    bench.found(images)
    draft = bench.draft
    draft.set_backbone("tiny-cnn", weights_file="/mine.pth")
    for field, value in (("seed", 4), ("augmentation", "microscopy"), ("mirror", mirror), ("epochs", 99)):
        assert draft.set_training(field, value) == ""
    draft.set_fit("squash")
    assert draft.set_size(96) == "" and bench.sites.state == "none"
    bench.sites.start("column:hospital", Entrant(strategy="fine-tune-top", top_groups=2), 7)

    request = asked_sites(bench)
    assert (request.ticket, request.data, request.folder) == (bench.scan_ticket, str(images), "")
    assert (request.by, request.weights_file) == ("column:hospital", "/mine.pth")
    spec, training = request.spec, request.spec.training
    assert (spec.backbone, spec.size, spec.fit) == ("tiny-cnn", 96, "squash")
    assert (training.strategy, training.top_groups, training.epochs) == ("fine-tune-top", 2, 7)
    assert (training.seed, training.augmentation, training.mirror) == (4, "microscopy", mirror)
    assert bench.sites.state == "preparing"

    bench.sites.start("folder", WAY, 7)
    assert sum(isinstance(one, PrepareSites) for one in bench.fake_imaging.asked) == 1, "a second press does nothing"
    assert bench.sites.reason_against_start() == bench.sites.at_work


def test_from_none_to_what_to_expect(bench: Bench, images: Path, qtbot: QtBot) -> None:
    desk, seen = bench.sites, []
    desk.changed.connect(lambda: seen.append(desk.state) if desk.state not in seen[-1:] else None)
    runs = begun_sites(bench, images, *NAMES)
    for run in runs:
        trained(bench, qtbot, run.run)
        assert desk.training is not None and desk.training.label == run.label
        ended_site(bench, run)
    qtbot.waitUntil(lambda: desk.result is not None)
    assert desk.result is not None and [row.name for row in desk.result.rows] == list(NAMES) and desk.done == 3
    assert desk.result.sentence.startswith("At a new site expect about 75 %, 15 points less")
    assert seen == ["none", "preparing", "running", "complete"]
    qtbot.waitUntil(lambda: [(one.ways, one.left) for one in desk.earlier] == [(list(NAMES), 0)])
    assert bench.compare.state == "none" and bench.compare.earlier == [], "they are no comparison of ways"


def test_their_runs_wait_with_the_weights_that_they_were_begun_with(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)  # another training keeps the queue from going on
    bench.found(images)
    bench.draft.set_backbone("efficientnet-lite0", weights_file="/mine.pth")
    folder, asked = new_sites_folder(), sites_of(*NAMES, weights="mine.pth")
    make_sites(folder, asked)
    end_site(folder, asked, "photo")
    bench.sites.start("folder", WAY, 3)
    bench.draft.set_backbone("efficientnet-lite0")  # later than the question
    runs = answer_sites(bench, folder, asked)
    qtbot.waitUntil(lambda: [one.run for one in bench.queue.waiting] == [runs[0].run, runs[2].run])
    assert bench.queue.waiting[0] == Queued(
        run=runs[0].run, data=str(images), name="cells", method="art", weights_file="/mine.pth"
    )
    assert bench.sites.state == "running" and bench.sites.done == 1


def test_images_that_are_left_meanwhile_are_kept_until_the_folders_are_made(
    bench: Bench, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    bench.found(images)
    bench.sites.start("folder", WAY, 3)
    ticket = asked_sites(bench).ticket
    bench.open_folder(tmp_path / "other")
    assert ticket not in bench.fake_imaging.forgotten, "it would never be answered"
    answer_sites(bench, new_sites_folder(), sites_of(*NAMES))
    assert ticket in bench.fake_imaging.forgotten and bench.sites.state == "running"


@pytest.mark.parametrize(
    ("code", "remedy"), [("no_sites", "Tell the sites in another way."), ("", "Choose what tells at most 50.")]
)
def test_a_refusal_is_said_in_the_windows_words(bench: Bench, images: Path, code: str, remedy: str) -> None:
    bench.found(images)
    bench.sites.start("folder", WAY, 3)
    ticket = asked_sites(bench).ticket
    other = Refused(ticket=ticket, request="PrepareComparison", problem="No.", remedy="")
    bench.fake_imaging.answered.emit(other)
    assert bench.sites.state == "preparing", "that was another question"
    told = "Choose what tells at most 50." if not code else "Say with --by how sites are told."
    refused = Refused(ticket=ticket, request="PrepareSites", problem="One site.", remedy=told, code=code)
    bench.fake_imaging.answered.emit(refused)
    desk = bench.sites
    assert (desk.state, desk.problem, desk.remedy) == ("none", "One site.", remedy)
    desk.start("folder", WAY, 3)
    assert (desk.state, desk.problem, desk.remedy) == ("preparing", "", "")


def test_the_list_tells_what_is_left_of_it_as_its_runs_end(bench: Bench, images: Path, qtbot: QtBot) -> None:
    stopped(bench, images, qtbot)
    qtbot.waitUntil(lambda: [one.left for one in bench.sites.earlier] == [2])


def test_it_goes_on_with_what_is_not_whole(bench: Bench, images: Path, qtbot: QtBot) -> None:
    folder = stopped(bench, images, qtbot)
    bench.sites.resume()
    request = asked_sites(bench)
    assert (request.folder, request.by, request.data) == (str(folder), "folder", str(images))
    bench.queue.hold(True)
    runs = answer_sites(bench, folder, sites_of(*NAMES))
    assert [run.done for run in runs] == [True, False, False]
    qtbot.waitUntil(lambda: [one.run for one in bench.queue.waiting] == [runs[1].run, runs[2].run])
    assert bench.sites.state == "running"


def test_after_a_restart_it_is_listed_and_goes_on_once_its_images_are_open(
    bench: Bench, images: Path, qtbot: QtBot
) -> None:
    folder, asked = new_sites_folder(), sites_of(*NAMES)
    make_sites(folder, asked)
    end_site(folder, asked, "art")
    bench.sites.refresh()
    qtbot.waitUntil(lambda: [(one.name, one.left) for one in bench.sites.earlier] == [("cells", 2)])
    bench.sites.open(bench.sites.earlier[0].folder)
    qtbot.waitUntil(lambda: bench.sites.state == "interrupted")
    assert bench.sites.reason_against_resume() == "Open the folder of these images first."
    bench.sites.resume()
    assert not any(isinstance(one, PrepareSites) for one in bench.fake_imaging.asked)
    bench.found(images)
    assert bench.sites.reason_against_resume() == ""
    bench.sites.resume()
    assert Path(asked_sites(bench).folder) == Path(os.path.realpath(folder))


def test_published_weights_stay_published_when_it_goes_on(bench: Bench, images: Path, qtbot: QtBot) -> None:
    folder = stopped(bench, images, qtbot)
    bench.draft.set_backbone("efficientnet-lite0", weights_file="/another beginning.pth")
    bench.queue.hold(True)
    bench.sites.resume()
    assert asked_sites(bench).weights_file == ""
    answer_sites(bench, folder, sites_of(*NAMES))
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 2)
    assert {one.weights_file for one in bench.queue.waiting} == {""}


def test_weights_of_ones_own_must_be_given_again(bench: Bench, images: Path, qtbot: QtBot) -> None:
    make_sites(new_sites_folder(), sites_of(*NAMES, weights="the first run"))
    bench.sites.open(new_sites_folder())
    qtbot.waitUntil(lambda: bench.sites.state == "interrupted")
    bench.found(images)
    assert "weights of your own, 'the first run'" in bench.sites.reason_against_resume()
    best = "/runs/another/checkpoints/best.safetensors"
    bench.draft.set_backbone("efficientnet-lite0", best, source=Source(run="another", dataset="", images=1))
    assert "weights of your own, 'the first run'" in bench.sites.reason_against_resume()
    best = "/runs/the first run/checkpoints/best.safetensors"
    bench.draft.set_backbone("efficientnet-lite0", best, source=Source(run="the first run", dataset="", images=1))
    assert bench.sites.reason_against_resume() == ""
    bench.sites.resume()
    assert asked_sites(bench).weights_file == best


def test_a_run_that_failed_is_named_by_its_site(bench: Bench, images: Path, qtbot: QtBot) -> None:
    first, *_ = begun_sites(bench, images, *NAMES)
    trained(bench, qtbot, first.run)
    ended_site(bench, first, FAILED)
    qtbot.waitUntil(lambda: bench.sites.problem == "art: The disk is full.")
    assert bench.sites.remedy == "The other sites go on. Put it right, then go on with it."


def test_cancel_stops_its_own_run_and_leaves_others_alone(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    bench.found(images)
    begun_sites(bench, images, *NAMES)
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 3)
    bench.sites.cancel()
    qtbot.waitUntil(lambda: not bench.queue.waiting)
    assert bench.fake_engine.sent == [] and bench.is_training and bench.sites.state == "interrupted"


def test_a_damaged_one_is_told_and_not_listed(bench: Bench, qtbot: QtBot) -> None:
    whole_sites(new_sites_folder("1"), sites_of(*NAMES), dict.fromkeys(NAMES, 30))
    make_sites(new_sites_folder("2"), sites_of(*NAMES))
    (new_sites_folder("2") / "sites.toml").write_text("backbone =")
    bench.sites.open(new_sites_folder("2"))
    qtbot.waitUntil(lambda: bool(bench.sites.problem))
    assert bench.sites.problem == "'2' holds no sites that this version can read." and bench.sites.state == "none"
    bench.sites.refresh()
    qtbot.waitUntil(lambda: [one.folder.name for one in bench.sites.earlier] == ["1"])


def test_their_runs_are_not_the_speed_of_the_computer(
    bench: Bench, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[int] = []
    monkeypatch.setattr(bench.machine, "note_run", lambda images, seconds: noted.append(images))
    first, second = begun_sites(bench, images, "north", "south")
    trained(bench, qtbot, first.run)
    ended_site(bench, first)
    trained(bench, qtbot, second.run)
    assert noted == []
    ended_site(bench, second)
    qtbot.waitUntil(lambda: bench.sites.state == "complete")
    assert isinstance(bench.fake_engine.jobs[0], commands.Train) and noted == []
