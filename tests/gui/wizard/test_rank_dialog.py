"""Rank on my images: asked of all networks that are ready, shown with intervals, taken with a press."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.events import BackbonesRanked, RankedBackbone
from tlgui.core.imaging_messages import ListingWritten, WriteListing
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.wizard.backbone.rank_dialog import RankDialog
from tlgui.gui.wizard.backbone_page import BackbonePage

LEFT = Qt.MouseButton.LeftButton


def row(name: str, label: str, value: float) -> RankedBackbone:
    return RankedBackbone(
        backbone=name, label=label, probe=value, probe_low=value - 0.04, probe_high=value + 0.03, nearest=value - 0.1,
        nearest_low=value - 0.2, nearest_high=value, log_me=0.31, features=512, seconds=12.4,
    )  # fmt: skip


RANKED = BackbonesRanked(
    rows=[row("resnet18", "ResNet-18", 0.9), row("efficientnet-lite0", "EfficientNet-Lite0", 0.85)],
    left_out={"vgg16": "Its weights are damaged."},
    images=240, folds=5, largest_class=0.5, sentence="ResNet-18 tells most as it is.",
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


def asked(bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path) -> RankDialog:
    bench.found(tmp_path)
    bench.draft.set_training("seed", 7)
    dialog = RankDialog(bench, window)
    dialog.open()
    qtbot.mouseClick(dialog.start, LEFT)
    assert bench.fake_imaging.asked[-1] == WriteListing(ticket=bench.scan_ticket)
    answer = ListingWritten(ticket=bench.scan_ticket, path=str(tmp_path / "list.csv"), data=str(tmp_path))
    bench.fake_imaging.answered.emit(answer)
    return dialog


def test_all_networks_that_are_ready_are_asked_and_the_best_stands_first(
    bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = asked(bench, window, qtbot, tmp_path)
    (job,) = bench.fake_engine.jobs
    assert isinstance(job, commands.RankBackbones)
    assert (job.listing, job.data, job.backbones, job.seed) == (str(tmp_path / "list.csv"), str(tmp_path), [], 7)
    assert dialog.take.isHidden()
    bench.fake_engine.say(RANKED, events.Completed(message=""))
    assert [dialog.table.cell_text(0, column) for column in range(5)] == [
        "ResNet-18", "90.0 %\n86 to 93", "80.0 %\n70 to 90", "0.31", "12 s",
    ]  # fmt: skip
    said = read(dialog)
    assert "ResNet-18 tells most as it is." in said and "Left out: vgg16. Its weights are damaged." in said
    assert "240 images to train and to validate with, in 5 parts; guessing reaches 50 %." in said
    assert dialog.take.plain_text == "Take ResNet-18"
    dialog.reject()


def test_a_picked_network_becomes_that_of_the_run(bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    dialog = asked(bench, window, qtbot, tmp_path)
    bench.fake_engine.say(RANKED, events.Completed(message=""))
    dialog.table.set_picked(1)
    dialog.table.picked.emit(1)
    assert dialog.take.plain_text == "Take EfficientNet-Lite0"
    dialog.table.set_picked(0)
    dialog.table.picked.emit(0)
    qtbot.mouseClick(dialog.take, LEFT)
    assert bench.draft.backbone == "resnet18" and not dialog.isVisible()


def test_without_images_it_says_so_and_a_failure_stands_there(
    bench: Bench, window: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = RankDialog(bench, window)
    dialog.open()
    assert not dialog.start.isEnabled() and "Choose a folder of images first." in read(dialog)
    dialog.reject()
    dialog = asked(bench, window, qtbot, tmp_path)
    bench.fake_engine.say(
        events.Failed(problem="No network could be asked.", remedy="Download the weights of one first.")
    )
    assert "No network could be asked." in read(dialog) and dialog.take.isHidden()
    dialog.reject()


def test_the_page_offers_it_while_the_run_is_set_up(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    bench.found(tmp_path)
    page = BackbonePage(bench)
    qtbot.addWidget(page)
    page.resize(1024, 640)
    page.show()
    assert page.rank.isVisible() and page.too_wide() == 0
    qtbot.mouseClick(page.rank, LEFT)
    (dialog,) = (one for one in page.window().findChildren(RankDialog) if one.isVisible())
    dialog.reject()
