"""What pages ask of the workbench, on engines that say what the test lets them say."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from filelock import FileLock
from helpers.bench import CELLS, Bench, epoch, make_run, run_started
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, earlier, events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import DemoDrawn, Refused, RunPrepared, Scanned, ScanProgress, SplitCounted
from tlgui.core.planning import settled
from tlgui.core.run_folder import ManifestRow, RunFolder, recall_place, remember_place
from tlgui.core.run_spec import Chosen, Earlier, RunSpec, Target, Training
from tlgui.core.strategies import STRATEGIES
from tlgui.gui.closing import shut_down
from tlgui.gui.pages.train.ending import said_of
from tlgui.gui.pages.train.status_card import StatusCard, status_of
from tlgui.gui.run_places import earlier_place_of
from tlgui.gui.settings import Settings
from tlgui.imaging import collect

STOPPED = events.Stopped(best_epoch=1)


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


class SlowDrive:
    """The first files that are looked for are found when the event is set."""

    def __init__(self) -> None:
        self.is_asked, self.found = threading.Event(), threading.Event()
        self._quick = collect.collect_files

    def collect_files(self, paths: Sequence[Path]) -> Any:
        if not self.is_asked.is_set():
            self.is_asked.set()
            assert self.found.wait(5)
        return self._quick(paths)


@pytest.fixture
def slow_drive(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDrive]:
    drive = SlowDrive()
    monkeypatch.setattr(collect, "collect_files", drive.collect_files)
    yield drive
    drive.found.set()


def trains(bench: Bench) -> list[commands.Train]:
    return [job for job in bench.fake_engine.jobs if isinstance(job, commands.Train)]


# Images


def test_nothing_of_another_folder_arrives(bench: Bench, tmp_path: Path) -> None:
    bench.open_folder(tmp_path / "first")
    late = bench.scan_ticket
    bench.open_folder(tmp_path / "second")

    bench.fake_imaging.answered.emit(Scanned(ticket=late, summary=CELLS))

    assert bench.fake_imaging.forgotten == [late]
    assert (bench.draft.data, bench.draft.summary) == (tmp_path / "second", None)


def test_other_shares_are_counted_anew_and_keep_the_samples(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.draft.set_split(0.5, 0.25, 0.25)
    assert bench.fake_imaging.resplits == [(bench.scan_ticket, (0.5, 0.25, 0.25), 0)]

    counted = [type(row)(name=row.name, train=10, validation=5, test=5) for row in CELLS.classes]
    bench.fake_imaging.answered.emit(SplitCounted(ticket=bench.scan_ticket, classes=counted))

    assert bench.draft.summary is not None
    assert [(row.train, row.samples) for row in bench.draft.summary.classes] == [
        (10, ["round/1.png"]),
        (10, ["star/1.png"]),
    ]


def test_the_demo_goes_from_drawing_to_training_by_itself(bench: Bench, tmp_path: Path) -> None:
    pages: list[str] = []
    bench.page_asked.connect(pages.append)
    bench.open_demo()
    bench.open_demo()
    bench.fake_imaging.answered.emit(DemoDrawn(ticket=1, folder=str(tmp_path)))
    bench.fake_imaging.answered.emit(Scanned(ticket=2, summary=CELLS))
    bench.prepared()

    assert len(trains(bench)) == 1
    assert pages == ["images", "train"]


def test_a_cancelled_scan_leaves_no_folder(bench: Bench, tmp_path: Path) -> None:
    bench.open_folder(tmp_path)
    bench.cancel_scan()

    assert (bench.draft.data, bench.draft.scanning, bench.scan_ticket) == (None, False, None)


def test_a_dead_imaging_child_is_said_where_the_images_would_be(bench: Bench, tmp_path: Path) -> None:
    bench.open_folder(tmp_path)
    bench.fake_imaging.failed.emit(UserError("The images could not be read.", "Try again."))

    assert bench.draft.scan_error.problem == "The images could not be read."


# Training


def test_two_presses_on_start_are_one_run(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.start_training()
    bench.start_training()
    bench.prepared()
    bench.start_training()

    assert len(bench.fake_imaging.prepared) == 1
    assert len(trains(bench)) == 1
    assert bench.reason_against_start() == "A training is at work. Wait until it has ended, or stop it."


def test_what_is_changed_after_start_is_another_runs(bench: Bench, tmp_path: Path) -> None:
    """G17."""
    bench.found(tmp_path)
    bench.draft.set_training("epochs", 3)
    bench.start_training()
    asked = bench.draft.spec().training
    for field, value in (("epochs", 9), ("batch_size", 4), ("head_learning_rate", 0.02), ("mixup", 0.4)):
        bench.draft.set_training(field, value)
    path = bench.prepared()

    assert bench.draft.spec().training != asked
    assert bench.fake_imaging.prepared[0][2].training == asked
    assert RunFolder(path).spec().training.epochs == asked.epochs == 3
    assert bench.run_spec is not None and bench.run_spec.training.epochs == 3


def test_a_run_as_advised_is_shown_as_what_it_became(bench: Bench, tmp_path: Path) -> None:
    """The rail, the pages Train and Results read it there; what the person asked for stays as it was."""
    bench.found(tmp_path)
    bench.draft.set_strategy("auto")
    bench.start_training()
    ticket, _, asked = bench.fake_imaging.prepared[-1]
    path = make_run()
    bench.fake_imaging.answered.emit(RunPrepared(ticket=ticket, run=str(path), spec=asked, advice=""))
    assert bench.run_spec is not None and bench.run_spec.training.strategy == "auto"
    bench.fake_engine.say(
        run_started(path),
        events.StrategyChosen(strategy="fine-tune-top", top_groups=2, by="trial", sentence="So it is.", epochs=15),
    )
    training = bench.run_spec.training
    assert (training.strategy, training.top_groups, training.epochs) == ("fine-tune-top", 2, 15)
    assert bench.draft.training.strategy == "auto"


def test_a_refused_run_is_said_on_the_review_and_can_be_started_again(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.start_training()
    refused = Refused(ticket=1, request="Prepare", problem="The disk is full.", remedy="Free some space.")
    bench.fake_imaging.answered.emit(refused)

    assert bench.problems == [(refused, "review")]
    assert not bench.is_training and bench.run is None
    bench.start_training()
    assert len(bench.fake_imaging.prepared) == 2


def test_stop_while_the_run_is_prepared_ends_it(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.start_training()
    bench.send(commands.Stop())
    bench.prepared()

    assert trains(bench) == []
    assert not bench.is_training
    assert bench.run is not None and bench.run.state == "stopped"


def test_a_measurement_makes_way_for_a_training(bench: Bench, tmp_path: Path) -> None:
    bench.measure_backbone("resnet50")
    bench.found(tmp_path)
    bench.start_training()
    bench.prepared()
    assert bench.fake_engine.sent == [commands.Stop()]
    assert trains(bench) == []

    bench.fake_engine.say(events.Stopped())

    assert len(trains(bench)) == 1


def test_a_crashed_run_goes_on_from_the_same_page(bench: Bench, tmp_path: Path) -> None:
    path = bench.started(tmp_path)
    bench.fake_engine.say(events.Crashed(cause="signal 9", run=str(path)))
    assert bench.run is not None and bench.run.state == "crashed"
    assert not bench.is_training

    bench.continue_run()
    bench.continue_run()

    assert [job.run for job in trains(bench)] == [str(path), str(path)]
    assert bench.run.state == "starting"


def test_a_finished_run_is_timed(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    bench.fake_engine.ready.emit(events.EngineReady(protocol=1, device="cpu", device_sentence="CPU, 2 cores"))
    assert bench.machine.sentence() == (
        "This computer: CPU, 2 cores. How long a run takes is measured with the first whole one."
    )
    bench.started(tmp_path)
    bench.fake_engine.say(events.Completed(message="Done.", best_epoch=1))

    qtbot.waitUntil(lambda: "500 images take" in bench.machine.sentence())


def test_the_first_idle_moment_measures_the_default_network(bench: Bench, qtbot: QtBot) -> None:
    bench.wake()
    assert bench.fake_engine.jobs == [commands.Survey()]
    bench.fake_engine.ready.emit(events.EngineReady(protocol=1, device="cpu", device_sentence="CPU, 2 cores"))
    bench.fake_engine.say(events.Completed(message=""))
    qtbot.waitUntil(lambda: len(bench.fake_engine.jobs) == 2)
    assert bench.fake_engine.jobs[1] == commands.Measure(backbone="efficientnet-lite0")

    measured = events.Measured(
        backbone="efficientnet-lite0", seconds_per_1000=9.5, images=32, device="cpu", executor="torch"
    )
    bench.fake_engine.say(measured, events.Completed(message=""))
    qtbot.waitUntil(lambda: bench.backbones.row("efficientnet-lite0").seconds_per_1000 == 9.5)
    qtbot.wait(20)
    assert len(bench.fake_engine.jobs) == 2


def test_an_engine_that_cannot_start_is_said(bench: Bench) -> None:
    bench.wake()
    error = UserError("The engine could not start (exit code 1).", "Repair the installation.")
    bench.fake_engine.start_failed.emit(error)

    assert bench.problems == [(error, "start")]


# Runs from disk


def test_an_interrupted_run_is_shown_as_it_was_and_goes_on(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    images = tmp_path / "images"
    images.mkdir()
    path = make_run(RunSpec(training=Training(epochs=7)), [run_started(Path("x"), 7), epoch(1, 7), epoch(2, 7)])
    remember_place("f" * 64, images)

    with qtbot.waitSignal(bench.page_asked) as asked:
        bench.open_run(path)

    run = bench.run
    assert run is not None
    assert (run.state, len(run.epochs), asked.args) == ("interrupted", 2, ["train"])
    assert bench.read_only and bench.draft.training.epochs == 7
    assert bench.draft.summary is not None
    assert [(row.train, row.validation) for row in bench.draft.summary.classes] == [(1, 1), (1, 1)]

    bench.continue_run(more_epochs=2)
    assert trains(bench) == [commands.Train(run=str(path), data=str(images), more_epochs=2)]


def test_opening_the_run_that_trains_shows_it_live(bench: Bench, tmp_path: Path) -> None:
    path = bench.started(tmp_path)
    live = bench.run
    bench.open_folder(tmp_path / "another")
    assert bench.run is None and bench.training_run is live

    bench.open_run(path)

    assert bench.run is live


def test_a_folder_that_is_no_run_is_said(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    bench.open_run(tmp_path)
    qtbot.waitUntil(lambda: len(bench.problems) == 1)

    error, page = bench.problems[0]
    assert "is not a run folder" in error.problem
    assert page == "start"


def test_images_that_moved_are_found_by_their_content(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    path = make_run()
    manifest = RunFolder(path).manifest_path
    right, wrong = tmp_path / "moved" / "round", tmp_path / "wrong"
    right.mkdir(parents=True)
    wrong.mkdir()
    (right / "1.png").write_bytes(b"an image")
    manifest.write_text(manifest.read_text().replace("round1", hashlib.sha256(b"an image").hexdigest()))
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)
    assert bench.data_of() is None

    bench.find_images(wrong)
    qtbot.waitUntil(lambda: len(bench.problems) == 1)
    assert bench.problems[0][0].problem == "'wrong' does not hold the images of this run."

    with qtbot.waitSignal(bench.images_found):
        bench.find_images(right.parent)
    assert bench.data_of() == right.parent


def test_a_new_run_takes_images_and_answers_of_the_old_one(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.draft.set_training("batch_size", 8)
    bench.draft.set_backbone("vgg16", weights_file="/my/vgg.pth")
    bench.start_training()
    bench.prepared()
    bench.fake_engine.say(STOPPED)
    scans = len(bench.fake_imaging.scanned)

    bench.new_run_from()

    assert bench.run is None and not bench.read_only
    assert len(bench.fake_imaging.scanned) == scans + 1
    draft = bench.draft
    assert (draft.data, draft.backbone, draft.weights_file) == (tmp_path, "vgg16", "/my/vgg.pth")
    assert draft.training.batch_size == 8


def test_a_new_run_from_one_that_was_advised_is_advised_anew(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    became = Chosen(strategy="fine-tune-top", top_groups=2, by="trial", sentence="It was better.")
    training = settled(Training(epochs=4, seed=5), STRATEGIES["fine-tune-top"], 2)
    path = make_run(RunSpec(training=training, chosen=became))
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)
    entry = bench.runs._shown
    assert entry is not None
    entry.data = tmp_path

    bench.new_run_from()
    assert bench.draft.training == Training(epochs=4, seed=5)
    assert bench.draft.chosen is None


# A new site


def adapting(bench: Bench, images: Path) -> Path:
    """A run that adapts to images of a new site is begun; its folder is not made yet."""
    site = images / "clinic b"
    site.mkdir()
    bench.found(images)
    bench.draft.set_target(site)
    bench.start_training()
    return site


def adapted_run(site: Path) -> Path:
    """A run that adapted to one image of a site, on disk."""
    target = Target(name="clinic b", fingerprint="b" * 64, images=1)
    path = make_run(RunSpec(training=Training(adapt="mcc"), target=target))
    image = site / "1.png"
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(b"an image")
    RunFolder(path).write_target([("1.png", hashlib.sha256(b"an image").hexdigest())])
    return path


def test_the_folder_of_the_new_site_goes_with_the_run(bench: Bench, tmp_path: Path) -> None:
    site = adapting(bench, tmp_path)
    assert bench.fake_imaging.targets == [site]
    assert bench.fake_imaging.prepared[0][2].training.adapt == "mmd"
    bench.draft.set_target(None)
    bench.prepared()
    assert len(trains(bench)) == 1


def test_while_the_new_site_is_read_the_run_says_how_far_and_how_long(bench: Bench, tmp_path: Path) -> None:
    adapting(bench, tmp_path)
    ticket, run = bench.scan_ticket, bench.run
    assert ticket is not None and run is not None
    bench.fake_imaging.answered.emit(ScanProgress(ticket=ticket, done=120, total=3000, seconds_left=9.0))
    assert (run.state, run.progress_stage) == ("preparing", "images of the new site")
    assert (run.progress_done, run.progress_total, run.seconds_left) == (120, 3000, 9.0)
    bench.prepared()
    assert run.progress_stage == ""


def test_stop_while_the_new_site_is_read_leaves_no_run_and_what_was_set_up(bench: Bench, tmp_path: Path) -> None:
    site = adapting(bench, tmp_path)
    ticket = bench.scan_ticket
    pages: list[str] = []
    bench.page_asked.connect(pages.append)
    bench.send(commands.Stop())

    assert ticket in bench.fake_imaging.forgotten
    assert (bench.run, bench.is_training, bench.problems) == (None, False, [])
    assert (bench.draft.target, bench.draft.training.adapt) == (site, "mmd")
    assert bench.draft.scanning and bench.fake_imaging.scanned[-1] == tmp_path, "what was found is read anew"
    assert pages == ["images"]


def test_a_run_that_adapts_tells_nothing_of_how_long_others_take(
    bench: Bench, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[float] = []
    monkeypatch.setattr(bench.machine, "note_run", lambda images, seconds: timed.append(seconds))
    bench.started(tmp_path)
    bench.fake_engine.say(events.Completed(message="Done.", best_epoch=1))
    assert len(timed) == 1
    path = adapted_run(tmp_path / "site")
    bench.machine.note_ended(RunFolder(path).spec(), 0.0, events.Completed(message="Done.", best_epoch=1))
    assert len(timed) == 1


def test_images_of_a_new_site_that_cannot_be_used_are_said_on_the_review(bench: Bench, tmp_path: Path) -> None:
    site = adapting(bench, tmp_path)
    refused = Refused(
        ticket=1, request="Prepare", problem="No image in 'clinic b' can be used.", remedy="Give another.",
        code="no_images",
    )  # fmt: skip
    bench.fake_imaging.answered.emit(refused)
    assert bench.problems == [(refused, "review")]
    assert bench.draft.target == site and not bench.read_only


def test_a_new_run_from_one_that_adapted_has_the_folder_again(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    site = tmp_path / "site"
    path = adapted_run(site)
    remember_place("f" * 64, tmp_path)
    remember_place("b" * 64, site)
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)

    bench.new_run_from()
    draft = bench.draft
    assert (draft.target, draft.training.adapt, draft.data) == (site, "mcc", tmp_path)


@pytest.mark.parametrize(("units", "kept"), [(256, Training().head_units), (300, 300)])
def test_a_new_run_does_not_keep_the_layer_that_adapting_added_but_one_of_the_persons_own(
    bench: Bench, tmp_path: Path, qtbot: QtBot, units: int, kept: int
) -> None:
    target = Target(name="clinic b", fingerprint="b" * 64, images=1)
    training = Training(strategy="feature-extraction", adapt="mmd", head="hidden", head_units=units)
    path = make_run(RunSpec(training=training, target=target))
    remember_place("f" * 64, tmp_path)
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)

    bench.new_run_from()
    asked = bench.draft.training
    assert (asked.head, asked.head_units) == ("linear" if units == 256 else "hidden", kept)


def test_a_new_run_from_one_whose_new_site_is_gone_asks_for_it(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    path = adapted_run(tmp_path / "site")
    remember_place("f" * 64, tmp_path)
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)

    bench.new_run_from()
    bench.draft.summary = CELLS
    assert "The images of the new site “clinic b” are not where they were." in bench.draft.missing("strategy")


def test_a_new_site_that_moved_is_found_by_its_content(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    site, wrong = tmp_path / "moved", tmp_path / "wrong"
    wrong.mkdir()
    path = adapted_run(site)
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)

    bench.find_site(wrong)
    qtbot.waitUntil(lambda: len(bench.problems) == 1)
    assert "'wrong' does not hold the images of the new site" in bench.problems[0][0].problem
    assert recall_place("b" * 64) is None

    with qtbot.waitSignal(bench.images_found):
        bench.find_site(site)
    assert recall_place("b" * 64) == site


def test_earlier_images_that_moved_are_found_by_their_content(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    """Of whichever earlier set the folder holds images: a run may have learned on more than once."""
    moved, wrong = tmp_path / "moved", tmp_path / "wrong"
    for folder in (moved, wrong):
        folder.mkdir()
    (moved / "1.png").write_bytes(b"one")
    tasks = [Earlier(name=name, fingerprint=name * 64, images=1, held_out=0) for name in "xy"]
    path = make_run(RunSpec(earlier=tasks))
    rows = [
        ManifestRow(
            path=f"{number}.png", class_name="a", part="train", content_hash=hashlib.sha256(content).hexdigest()
        )
        for number, content in enumerate((b"none", b"one"))
    ]
    earlier.write(RunFolder(path), [earlier.EarlierImages(one, [row]) for one, row in zip(tasks, rows, strict=True)])
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)

    bench.runs.find_beside(wrong, earlier_place_of)
    qtbot.waitUntil(lambda: len(bench.problems) == 1)
    assert "'wrong' does not hold images that this run's network had learned before" in bench.problems[0][0].problem
    with qtbot.waitSignal(bench.images_found):
        bench.runs.find_beside(moved, earlier_place_of)
    assert (recall_place("x" * 64), recall_place("y" * 64)) == (None, moved)


# Exports, answers, weights


def test_an_export_is_checked_beside_a_training(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    path = bench.started(tmp_path)
    heard: list[Any] = []
    bench.export_event.connect(heard.append)

    bench.export("onnx")
    bench.export("onnx")
    qtbot.waitUntil(lambda: len(bench.fake_side.jobs) == 1)
    bench.fake_side.say(events.Completed(message="Done."))

    job = bench.fake_side.jobs[0]
    assert isinstance(job, commands.Export)
    assert (job.run, job.data, job.to) == (str(path), str(tmp_path), str(path / "export"))
    assert len(heard) == 1 and not bench.models.exporting


def test_answers_come_from_the_warm_engine_and_beside_a_training_from_the_other(
    bench: Bench, tmp_path: Path, qtbot: QtBot
) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"x")
    bench.started(tmp_path)
    bench.predict([image])
    qtbot.waitUntil(lambda: len(bench.fake_side.jobs) == 1)

    bench.fake_engine.say(STOPPED)
    bench.predict([image])
    qtbot.waitUntil(lambda: isinstance(bench.fake_engine.jobs[-1], commands.Predict))
    assert bench.fake_side.sent == [commands.Stop()]


def test_a_path_that_is_gone_is_an_answer_too(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    bench.started(tmp_path)
    heard: list[Any] = []
    bench.predict_event.connect(heard.append)

    bench.predict([tmp_path / "gone.png"])
    qtbot.waitUntil(lambda: len(heard) == 1)

    assert isinstance(heard[0], events.Failed) and "gone.png" in heard[0].problem


def test_a_network_without_weights_keeps_the_run_from_starting(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.draft.set_backbone("resnet50")
    assert bench.reason_against_start() == "The weights of ResNet-50 are still being looked for."

    bench.wake()
    row = events.WeightsState(
        backbone="resnet50", state="absent", file_name="r.pth", size_bytes=9, sha256_prefix="ab", folder="/w"
    )
    bench.fake_engine.say(events.Surveyed(rows=[row]), events.Completed(message=""))
    assert bench.draft.missing("backbone") == (
        "The weights of ResNet-50 are not on this computer. Download them, or choose a file."
    )

    bench.draft.set_backbone("resnet50", download=True)
    assert bench.reason_against_start() == ""
    bench.draft.set_backbone("resnet50", weights_file="/mine.pth")
    assert bench.reason_against_start() == ""


def test_a_download_can_be_cancelled_and_looks_again(bench: Bench) -> None:
    heard: list[Any] = []
    bench.download_event.connect(heard.append)
    bench.download_backbone("vgg16")
    bench.download_backbone("resnet50")
    assert bench.fake_side.jobs == [commands.Fetch(backbone="vgg16")]
    assert bench.weights.downloading == "vgg16"

    bench.cancel_download()
    assert bench.fake_side.sent == [commands.Stop()]
    bench.fake_side.say(events.Stopped())

    assert heard == [events.Stopped()]
    assert bench.fake_engine.jobs == [commands.Survey()]


def test_closing_ends_everything_in_order(bench: Bench, tmp_path: Path) -> None:
    bench.started(tmp_path)
    shut_down(bench)

    assert bench.fake_engine.calls == ["begin_shut_down", "shut_down"]
    assert bench.fake_side.calls == ["begin_shut_down", "shut_down"]
    assert bench.fake_imaging.calls == ["shut_down"]


# What is on its way while something else is asked for


def test_counts_that_died_with_the_imaging_child_are_made_anew(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.draft.set_backbone("vgg16")
    bench.draft.set_split(0.5, 0.25, 0.25)
    lost = Refused(ticket=bench.scan_ticket, request="Resplit", problem="It is not at hand any more.", remedy="")
    bench.fake_imaging.answered.emit(lost)

    assert bench.fake_imaging.scanned == [tmp_path, tmp_path]
    assert bench.draft.scanning and bench.draft.backbone == "vgg16"
    assert bench.problems == []


def test_a_run_that_is_being_prepared_begins_though_its_folder_was_left(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path / "first")
    ticket = bench.scan_ticket
    bench.start_training()
    bench.open_folder(tmp_path / "second")
    assert ticket not in bench.fake_imaging.forgotten

    bench.prepared()

    assert len(trains(bench)) == 1 and bench.is_training
    assert bench.run is None and bench.draft.data == tmp_path / "second"
    assert bench.fake_imaging.forgotten == [ticket]


def test_a_run_that_was_still_being_read_does_not_come_up_over_one_that_began(
    bench: Bench, tmp_path: Path, qtbot: QtBot
) -> None:
    path = make_run()
    bench.found(tmp_path)
    bench.open_run(path)
    bench.start_training()
    qtbot.wait(50)

    assert bench.run is not None and bench.run is bench.training_run


def test_a_refusal_leaves_the_run_that_is_shown_meanwhile(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    path = make_run()
    bench.found(tmp_path)
    ticket = bench.scan_ticket
    bench.start_training()
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run_folder is not None)

    refused = Refused(ticket=ticket, request="Prepare", problem="The disk is full.", remedy="Free some space.")
    bench.fake_imaging.answered.emit(refused)

    assert bench.run_folder is not None and bench.run_folder.path == path
    assert bench.problems == [(refused, bench.page)]
    assert not bench.is_training


def test_nothing_begins_from_a_run_that_is_only_shown(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    bench.open_run(make_run())
    qtbot.waitUntil(lambda: bench.run is not None)
    bench.draft.data = tmp_path

    bench.start_training()

    assert bench.reason_against_start() == "This run began already. Set up a new one from it."
    assert not bench.is_training


def test_a_run_that_ends_unseen_leaves_no_memory_behind(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    bench.started(tmp_path)
    unseen = bench.run
    bench.open_folder(tmp_path / "another")
    bench.fake_engine.say(events.Completed(message="Done.", best_epoch=1))

    assert unseen is not None
    qtbot.waitUntil(lambda: not shiboken6.isValid(unseen))


def test_the_run_that_trains_is_known_by_another_path(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    path = bench.started(tmp_path)
    live = bench.run
    bench.open_folder(tmp_path / "another")
    link = tmp_path / "link"
    link.symlink_to(path, target_is_directory=True)

    bench.open_run(link)
    qtbot.waitUntil(lambda: bench.run is not None)

    assert bench.run is live


def test_a_run_that_another_program_trains_is_not_called_interrupted(
    bench: Bench, tmp_path: Path, qtbot: QtBot
) -> None:
    path = make_run(RunSpec(training=Training(epochs=7)), [run_started(Path("x"), 7), epoch(1, 7)])
    with FileLock(RunFolder(path).lock_path):
        bench.open_run(path)
        qtbot.waitUntil(lambda: bench.run is not None)

    assert bench.run is not None
    said = said_of(bench.run)
    assert said is not None
    assert said.problem == "This run is being trained by another program at this moment."
    assert status_of(bench.run)[:2] == ("At epoch 1 of 7", "another program trains it")
    card = StatusCard()
    card.show_run(bench.run)
    assert card.bar.accessibleName().endswith("not trained here")
    assert len(list(RunFolder(path).events())) == 2

    RunFolder(path).append_event(epoch(2, 7))
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None and len(bench.run.epochs) == 2)
    assert bench.run.state == "interrupted"


def test_an_export_goes_on_while_another_run_is_shown(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    path, other = bench.started(tmp_path), make_run()
    bench.fake_engine.say(STOPPED)
    heard: list[Any] = []
    bench.export_event.connect(heard.append)
    bench.export("onnx")
    qtbot.waitUntil(lambda: len(bench.fake_side.jobs) == 1)

    bench.open_run(other)
    qtbot.waitUntil(lambda: bench.run_folder is not None and bench.run_folder.path == other)
    bench.fake_side.say(events.Progress(stage="writing", done=0, total=1))
    assert (bench.fake_side.sent, heard, bench.models.exporting) == ([], [], "")

    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run_folder is not None and bench.run_folder.path == path)
    assert bench.models.exporting == "onnx"
    bench.fake_side.say(events.Completed(message="Done."))
    assert [type(event) for event in heard] == [events.Completed]
    assert bench.models.exporting == ""


def test_an_export_that_fails_unseen_is_said_where_the_person_is(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    path = bench.started(tmp_path)
    bench.export("onnx")
    qtbot.waitUntil(lambda: len(bench.fake_side.jobs) == 1)
    bench.open_folder(tmp_path / "another")

    bench.fake_side.say(events.Failed(problem="The disk is full.", remedy="Free some space."))

    error, page = bench.problems[0]
    assert error.problem == f"The export of the run '{path.name}' failed. The disk is full."
    assert page == bench.page


def test_files_of_an_earlier_drop_are_not_taken_for_those_of_the_last(
    bench: Bench, tmp_path: Path, qtbot: QtBot, slow_drive: SlowDrive
) -> None:
    bench.started(tmp_path)
    first, last = tmp_path / "first.png", tmp_path / "last.png"
    for image in (first, last):
        image.write_bytes(b"x")

    bench.predict([first])
    qtbot.waitUntil(slow_drive.is_asked.is_set)
    bench.predict([last])
    qtbot.waitUntil(lambda: len(bench.fake_side.jobs) == 1)
    slow_drive.found.set()
    qtbot.wait(50)

    assert list(bench.models.asked.values()) == [str(last)]
    assert len(bench.fake_side.jobs) == 1


def test_images_that_were_still_looked_for_do_not_wait_for_the_training(
    bench: Bench, tmp_path: Path, qtbot: QtBot, slow_drive: SlowDrive
) -> None:
    bench.started(tmp_path)
    bench.fake_engine.say(STOPPED)
    image = tmp_path / "a.png"
    image.write_bytes(b"x")

    bench.predict([image])
    bench.continue_run()
    slow_drive.found.set()

    qtbot.waitUntil(lambda: len(bench.fake_side.jobs) == 1)
    assert isinstance(bench.fake_side.jobs[0], commands.Predict)


def test_many_images_make_way_for_a_training_that_goes_on(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    bench.started(tmp_path)
    bench.fake_engine.say(STOPPED)
    image = tmp_path / "a.png"
    image.write_bytes(b"x")
    bench.predict([image])
    qtbot.waitUntil(lambda: isinstance(bench.fake_engine.jobs[-1], commands.Predict))

    bench.continue_run()
    assert bench.fake_engine.sent == [commands.Stop()]
    bench.fake_engine.say(events.Stopped())

    assert isinstance(bench.fake_engine.jobs[-1], commands.Train)


def test_an_engine_that_dies_while_it_looks_for_weights_is_asked_again(bench: Bench) -> None:
    ready = events.EngineReady(protocol=1, device="cpu", device_sentence="CPU, 2 cores")
    bench.wake()
    for _ in range(5):
        bench.fake_engine.ready.emit(ready)
        bench.fake_engine.say(events.Crashed(cause="signal 9"))

    assert bench.fake_engine.jobs.count(commands.Survey()) == 3


def test_what_waits_behind_a_measurement_does_not_wait_for_the_training(bench: Bench, tmp_path: Path) -> None:
    bench.measure_backbone("resnet50")
    bench.weights.survey()
    bench.check_weights_file("resnet50", tmp_path / "w.pth")
    bench.found(tmp_path)
    bench.start_training()
    bench.prepared()

    assert bench.fake_side.jobs == [commands.Survey()]
    bench.fake_side.say(events.Completed(message=""))
    assert bench.fake_side.jobs[1] == commands.CheckWeights(backbone="resnet50", file=str(tmp_path / "w.pth"))


def test_the_words_of_a_missing_engine_keep_their_code(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.start_training()
    bench.prepared()
    bench.fake_engine.start_failed.emit(UserError("The engine could not start.", "Run it.", code="installation"))

    assert bench.run is not None and isinstance(bench.run.ending, events.Failed)
    assert bench.run.ending.code == "installation"


def test_only_runs_from_elsewhere_are_remembered(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    here, elsewhere = make_run(), tmp_path / "elsewhere" / "a run"
    elsewhere.mkdir(parents=True)
    with qtbot.waitSignal(bench.settings.changed):
        bench.recent.note_opened(here)
        bench.recent.note_opened(elsewhere)

    assert bench.settings.values.opened == [str(elsewhere)]


def test_the_level_of_detail_of_the_settings_is_that_of_the_wizard_and_the_other_way_round(bench: Bench) -> None:
    bench.settings.set(level="everything")
    assert bench.draft.level == "everything"

    bench.draft.set_level("adjustable")
    assert bench.settings.values.level == "adjustable"
