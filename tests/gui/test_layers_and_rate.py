"""Two questions to the frozen network: how much each layer tells, and which learning rate suits the last layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench, epoch, make_run, run_started
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.events import GroupScore, LayersProbed, RateFound
from tlgui.core.imaging_messages import ListingWritten, WriteListing
from tlgui.core.run_folder import RunFolder, remember_place
from tlgui.core.run_spec import RunSpec, Training
from tlgui.gui.closing import shut_down
from tlgui.gui.pages.train.layers_dialog import LayersDialog, reason_against_layers
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.wizard.rate.rate_dialog import RateDialog
from tlgui.gui.wizard.rate.rate_plot import tick_text
from tlgui.imaging.listing import read_listing
from tlgui.imaging.run_listing import write_run_listing

LEFT = Qt.MouseButton.LeftButton
PROBED = LayersProbed(
    backbone="efficientnet-lite0",
    groups=[
        GroupScore(name=name, accuracy=value, low=value - 0.05, high=min(1.0, value + 0.05))
        for name, value in (("stem", 0.52), ("block 3", 0.78), ("top", 0.93))
    ],
    images=240, folds=5, largest_class=0.5, sentence="The top layers tell most.",
)  # fmt: skip
RATES = [10 ** (-6 + 6 * at / 60) for at in range(61)]
FOUND = RateFound(
    rates=RATES,
    losses=[None if rate > 0.5 else 1.0 / (1 + 300 * rate) + 4 * rate for rate in RATES],
    suggested=0.003217, in_use=0.001, sentence="The loss falls most at 0.0032.",
)  # fmt: skip


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    theme().install(qapp)
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


def read(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def layers(bench: Bench, window: QWidget) -> LayersDialog:
    dialog = LayersDialog(bench, window)
    dialog.open()
    return dialog


def rates(bench: Bench, window: QWidget) -> RateDialog:
    dialog = RateDialog(bench, window)
    dialog.open()
    return dialog


def listed(bench: Bench, tmp_path: Path) -> None:
    assert bench.fake_imaging.asked[-1] == WriteListing(ticket=bench.scan_ticket)
    answer = ListingWritten(ticket=bench.scan_ticket, path=str(tmp_path / "list.csv"), data=str(tmp_path))
    bench.fake_imaging.answered.emit(answer)


# Why layers transfer


def test_the_images_that_are_set_up_are_asked_with_the_network_that_is_picked(
    bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    assert reason_against_layers(bench) == "Choose a folder of images first."
    bench.found(tmp_path)
    bench.draft.set_training("seed", 7)
    dialog = layers(bench, window)
    qtbot.mouseClick(dialog.start, LEFT)
    listed(bench, tmp_path)
    (job,) = bench.fake_engine.jobs
    assert isinstance(job, commands.ProbeLayers)
    assert (job.listing, job.data, job.backbone, job.seed) == (
        str(tmp_path / "list.csv"), str(tmp_path), "efficientnet-lite0", 7,
    )  # fmt: skip
    bench.fake_engine.say(events.Progress(stage="seeing the images", done=40, total=240, seconds_left=5.2))
    assert dialog.progress.text() == "Seeing the images 40 of 240, about 5 s left"
    bench.fake_engine.say(PROBED, events.Completed(message=""))
    assert "The top layers tell most." in read(dialog) and not dialog.progress.isVisible()
    assert [row.name for row in dialog.chart.rows] == ["top", "block 3", "stem"], "the answer is at the top"
    assert dialog.chart.accessibleName().startswith(
        "From near the answer to near the pixels. top: 93 percent (88 to 98); block 3: 78 percent (73 to 83)"
    )
    assert "guessing reaches 50 percent" in dialog.chart.accessibleName()
    assert "240 images to train and to validate with, cross-validated in 5 parts" in read(dialog)
    assert dialog.start.plain_text == "Ask again"
    assert not window.grab().isNull() and not dialog.chart.grab().isNull()
    dialog.reject()


def test_a_run_from_disk_is_asked_by_its_manifest_without_reading_a_folder(
    bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    path = make_run(RunSpec(training=Training(seed=3)), [run_started(Path("x")), epoch(1)])
    remember_place("f" * 64, images)
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run_folder is not None)
    assert bench.scan_ticket is None and reason_against_layers(bench) == ""
    dialog = layers(bench, window)
    qtbot.mouseClick(dialog.start, LEFT)
    qtbot.waitUntil(lambda: len(bench.fake_engine.jobs) == 1)
    job = bench.fake_engine.jobs[0]
    assert isinstance(job, commands.ProbeLayers) and job.data == str(images) and job.seed == 3
    assert [(one.path, one.class_name, one.part) for one in read_listing(Path(job.listing))] == [
        (row.path, row.class_name, row.part) for row in RunFolder(path).manifest()
    ]
    dialog.reject()
    assert bench.fake_engine.sent == [commands.Stop()], "closing it stops the job"


def test_while_a_run_trains_the_other_engine_is_asked(
    bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.started(tmp_path)
    dialog = layers(bench, window)
    qtbot.mouseClick(dialog.start, LEFT)
    qtbot.waitUntil(lambda: [type(job) for job in bench.fake_side.jobs] == [commands.ProbeLayers])
    dialog.reject()


def test_what_stands_against_it_is_said(bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    bench.open_run(make_run(heard=[run_started(Path("x")), epoch(1)]))
    qtbot.waitUntil(lambda: bench.run_folder is not None)
    dialog = layers(bench, window)
    assert not dialog.start.isEnabled()
    assert "The images of this run are not where they were. Say where they are now." in read(dialog)
    dialog.reject()
    own = make_run(RunSpec(weights="ab" * 32), [run_started(Path("x")), epoch(1)])
    remember_place("f" * 64, tmp_path)
    bench.open_run(own)
    qtbot.waitUntil(lambda: bench.run_folder is not None and bench.run_folder.path == own)
    assert reason_against_layers(bench).startswith("The weights of this run were a file of yours")


def test_called_off_failed_or_crashed_it_says_so_and_can_be_asked_again(
    bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.found(tmp_path)
    dialog = layers(bench, window)
    qtbot.mouseClick(dialog.start, LEFT)
    dialog.progress.cancelled.emit()
    assert "Nothing new was found out." in read(dialog) and dialog.start.isEnabled()

    qtbot.mouseClick(dialog.start, LEFT)
    listed(bench, tmp_path)
    failed = events.Failed(problem="Too few images.", remedy="Add images, then ask again.")
    bench.fake_engine.say(failed)
    assert "Too few images." in read(dialog)

    qtbot.mouseClick(dialog.start, LEFT)
    assert "Too few images." not in read(dialog)
    listed(bench, tmp_path)
    bench.fake_engine.say(events.Crashed(cause="signal 9"))
    assert "The engine ended unexpectedly (signal 9)." in read(dialog)
    dialog.reject()


def test_a_manifest_that_cannot_be_read_is_said(bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    path = make_run(heard=[run_started(Path("x")), epoch(1)])
    remember_place("f" * 64, tmp_path)
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run_folder is not None)
    (path / "manifest.csv").unlink()
    dialog = layers(bench, window)
    qtbot.mouseClick(dialog.start, LEFT)
    qtbot.waitUntil(lambda: "'manifest.csv' of the run" in read(dialog))
    assert dialog.start.isEnabled()
    dialog.reject()


def test_the_listing_of_a_run_holds_its_groups(tmp_path: Path) -> None:
    from datetime import datetime

    from tlgui.core.records import ImageRecord
    from tlgui.core.run_folder import create, new_path

    run = create(new_path(tmp_path, "b", "s", datetime(2026, 1, 1)), RunSpec())
    used = [ImageRecord(path="a/ä,1.png", class_name='"a"', content_hash="1", width=8, height=8, group="p1")]
    run.write_manifest(used, {"a/ä,1.png": "validation"}, [])
    (one,) = read_listing(write_run_listing(run, tmp_path / "cache"))
    assert (one.path, one.class_name, one.group, one.part) == ("a/ä,1.png", '"a"', "p1", "validation")


# The learning-rate finder


def test_a_rate_is_found_and_used_with_one_press(bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.draft.set_training("batch_size", 16)
    dialog = rates(bench, window)
    qtbot.mouseClick(dialog.start, LEFT)
    listed(bench, tmp_path)
    (job,) = bench.fake_engine.jobs
    assert isinstance(job, commands.FindRate) and job.training.batch_size == 16
    bench.fake_engine.say(FOUND, events.Completed(message=""))
    assert "The loss falls most at 0.0032." in read(dialog)
    assert dialog.plot.accessibleName() == "Loss by learning rate, suggested 0.0032, in use 0.0010"
    assert not dialog.plot.grab().isNull()
    assert dialog.use is not None and dialog.use.plain_text == "Use 0.0032"
    qtbot.mouseClick(dialog.use, LEFT)
    assert bench.draft.training.head_learning_rate == 0.0032


def test_a_curve_that_tells_no_rate_offers_none(bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    bench.found(tmp_path)
    dialog = rates(bench, window)
    qtbot.mouseClick(dialog.start, LEFT)
    listed(bench, tmp_path)
    none = RateFound(rates=RATES, losses=[1.0] * 61, suggested=None, in_use=0.001, sentence="The curve is flat.")
    bench.fake_engine.say(none, events.Completed(message=""))
    assert "The curve is flat." in read(dialog) and dialog.use is None
    assert bench.draft.training.head_learning_rate is None
    dialog.reject()


def test_a_run_that_began_keeps_its_rate(bench: Bench, window: QWidget, tmp_path: Path) -> None:
    bench.started(tmp_path)
    dialog = rates(bench, window)
    assert not dialog.start.isEnabled()
    assert "This run began already: its rates stand on the ladder of the Train page." in read(dialog)
    dialog.reject()


def test_the_axis_is_drawn_where_the_rates_are(bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    """A rate lies as far from both ends as its logarithm says."""
    bench.found(tmp_path)
    dialog = rates(bench, window)
    dialog.plot.show_found(FOUND)
    area = dialog.plot.area()
    for rate in (1e-6, 0.0032, 1.0):
        share = (math.log10(rate) + 6) / 6
        assert dialog.plot.x_of(rate) == pytest.approx(area.left() + share * area.width())
    assert [tick_text(power) for power in (-6, -3, 0)] == ["0.000001", "0.001", "1"]
    low, high, _ = dialog.plot.scale
    assert low < min(one for one in FOUND.losses if one is not None) and high < 2.5, "what runs away is cut off"
    dialog.reject()


def test_nothing_of_a_folder_that_was_left_arrives(bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    bench.found(tmp_path)
    dialog = rates(bench, window)
    qtbot.mouseClick(dialog.start, LEFT)
    bench.open_folder(tmp_path / "another")
    assert not dialog.job.busy and bench.fake_engine.jobs == []
    dialog.reject()
    QCoreApplication.processEvents()
