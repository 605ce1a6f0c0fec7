"""An earlier run as the beginning of a new one: chosen in a dialog, said on the page, taken back, handed on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import run_folder
from tlgui.core.events import BackbonesRanked, RankedBackbone
from tlgui.core.records import ImageRecord
from tlgui.core.run_spec import Dataset, RunSpec, Source
from tlgui.core.runs import RunSummary, Score
from tlgui.gui.beginnings import begin_as, named, ranked_runs
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.widgets import Button
from tlgui.gui.wizard.backbone.rank_dialog import RankDialog
from tlgui.gui.wizard.backbone.source_dialog import SourceDialog
from tlgui.gui.wizard.backbone_page import BackbonePage
from tlgui.gui.wizard.review_page import ReviewPage

LEFT = Qt.MouseButton.LeftButton


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
def page(bench: Bench, qtbot: QtBot, tmp_path: Path) -> BackbonePage:
    bench.found(tmp_path)
    page = BackbonePage(bench)
    qtbot.addWidget(page)
    page.resize(1024, 640)
    page.show()
    return page


def made(place: Path, name: str = "run one", dataset: str = "cells", model: bool = True, **spec: Any) -> Path:
    """A run folder with a file of weights, which nobody opens here."""
    known = {
        "dataset": Dataset(name=dataset, fingerprint="f", layout="class folders", classes=["a", "b"], images=240)
    } | spec
    run = run_folder.create(place / name, RunSpec(**known))
    used = [
        ImageRecord(path=f"{n}.png", class_name="a", content_hash=f"{n:064x}", width=9, height=9) for n in range(240)
    ]
    run.write_manifest(used, {one.path: "train" for one in used}, [])
    if model:
        run.best_path.write_bytes(b"weights")
    return run.path


def summary(path: Path, dataset: str = "cells", **fields: Any) -> RunSummary:
    known: dict[str, Any] = {
        "path": path, "dataset": dataset, "backbone": "resnet18", "strategy": "fine-tune-top",
        "begun": datetime(2026, 11, 20, 10, 30), "state": "complete", "epochs_done": 8, "epochs_planned": 8, "best_epoch": 3,
        "score": Score(value=0.9, low=0.8, high=0.95, n=40, split="test"), "images": 240, "samples": [],
    }  # fmt: skip
    return RunSummary(**(known | fields))


def offers(bench: Bench, *runs: RunSummary) -> None:
    bench.recent.rows = list(runs)


def opened(bench: Bench, parent: QWidget) -> SourceDialog:
    dialog = SourceDialog(bench, parent)
    dialog.open()
    return dialog


def read(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def button(widget: QWidget, text: str) -> Button:
    (found,) = (one for one in widget.findChildren(Button) if one.plain_text == text and one.isVisibleTo(widget))
    return found


def taken(bench: Bench, page: BackbonePage, qtbot: QtBot, path: Path, **fields: Any) -> None:
    offers(bench, summary(path, **fields))
    dialog = opened(bench, page)
    qtbot.mouseClick(dialog.take, LEFT)
    qtbot.waitUntil(lambda: bench.draft.source is not None)


def test_only_runs_that_have_a_network_are_offered_with_their_scores(bench: Bench, page: BackbonePage) -> None:
    offers(
        bench,
        summary(Path("/r/one")),
        summary(Path("/r/two"), "tiles", state="failed"),
        summary(Path("/r/three"), "skin", best_epoch=None),
        summary(Path("/r/four"), "x-rays", state="stopped", score=None),
    )
    dialog = opened(bench, page)
    assert [dialog.table.cell_text(row, 0).split("\n")[0] for row in range(dialog.table.row_count())] == [
        "cells",
        "x-rays",
    ]
    assert dialog.table.cell_text(0, 2) == "90.0 %\nof 40 test images"
    assert "ResNet-18" in dialog.table.cell_text(0, 1) and dialog.search.isHidden()
    dialog.reject()


def test_without_any_it_says_what_to_do(bench: Bench, page: BackbonePage) -> None:
    offers(bench)
    dialog = opened(bench, page)
    assert "Train one first." in read(dialog) and not dialog.take.isEnabled() and dialog.table.isHidden()
    dialog.reject()


def test_many_runs_can_be_searched(bench: Bench, page: BackbonePage, qtbot: QtBot) -> None:
    offers(
        bench, *(summary(Path(f"/r/{name}"), name) for name in ("cells", "tiles", "skin", "rooms", "x-rays", "ants"))
    )
    dialog = opened(bench, page)
    qtbot.keyClicks(dialog.search, "tile")
    assert dialog.table.row_count() == 1 and dialog.table.cell_text(0, 0).startswith("tiles")
    qtbot.keyClicks(dialog.search, "z")
    assert "No run here has 'tilez'" in read(dialog) and not dialog.take.isEnabled()
    dialog.reject()


def test_taking_one_takes_over_its_network_size_and_crop(
    bench: Bench, page: BackbonePage, qtbot: QtBot, tmp_path: Path
) -> None:
    path = made(tmp_path, backbone="resnet18", size=192, fit="squash")
    taken(bench, page, qtbot, path)
    draft = bench.draft
    assert (draft.backbone, draft.size, draft.fit) == ("resnet18", 192, "squash")
    assert draft.weights_file == str(path / "checkpoints" / "best.safetensors")
    assert draft.source is not None and (draft.source.run, draft.source.dataset) == ("run one", "cells")
    assert draft.missing("backbone") == "", "the published weights need not be here"
    said = read(page)
    assert "Begins with your run on cells, which learned from 240 images" in said
    assert page.table.cell_text(page.table.picked_row(), 6) == "From a run" and page.too_wide() == 0
    assert "ResNet-18, from your run on cells" in said


def test_it_can_be_left_again_and_is_known_when_its_network_is_picked_anew(
    bench: Bench, page: BackbonePage, qtbot: QtBot, tmp_path: Path
) -> None:
    taken(bench, page, qtbot, made(tmp_path, backbone="resnet18"))
    page.table.picked.emit(page.table.names.index("efficientnet-lite0"))
    assert bench.draft.source is None and bench.draft.weights_file == ""
    page.table.picked.emit(page.table.names.index("resnet18"))
    assert bench.draft.source is not None and "Begins with your run on cells" in read(page)
    qtbot.mouseClick(button(page, "Use the published ones"), LEFT)
    assert bench.draft.source is None and bench.draft.weights_file == ""


def test_a_run_whose_model_is_gone_is_refused_in_the_dialog(
    bench: Bench, page: BackbonePage, qtbot: QtBot, tmp_path: Path
) -> None:
    offers(bench, summary(made(tmp_path, backbone="resnet18", model=False)))
    dialog = opened(bench, page)
    qtbot.mouseClick(dialog.take, LEFT)
    qtbot.waitUntil(lambda: "has no model yet" in read(dialog))
    assert dialog.isVisible() and dialog.take.isEnabled() and bench.draft.source is None
    dialog.reject()


def test_a_network_that_is_not_known_here_is_refused_in_the_dialog(
    bench: Bench, page: BackbonePage, qtbot: QtBot, tmp_path: Path
) -> None:
    offers(bench, summary(made(tmp_path, backbone="timm:nowhere")))
    dialog = opened(bench, page)
    qtbot.mouseClick(dialog.take, LEFT)
    qtbot.waitUntil(lambda: "timm:nowhere is not known on this computer" in read(dialog))
    assert bench.draft.source is None
    dialog.reject()


def test_a_network_that_nobody_publishes_need_not_begin_at_random(
    bench: Bench, page: BackbonePage, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.draft.set_backbone("tiny-cnn")
    assert bench.draft.only_scratch
    taken(bench, page, qtbot, made(tmp_path, backbone="tiny-cnn"))
    bench.draft.set_strategy("feature-extraction")
    assert not bench.draft.only_scratch and bench.draft.missing_strategy() == ""
    assert button(page, "Begin at random").isEnabled()


def test_the_run_folder_is_made_with_it_and_the_review_says_so(
    bench: Bench, page: BackbonePage, qtbot: QtBot, tmp_path: Path
) -> None:
    path = made(tmp_path, backbone="resnet18")
    taken(bench, page, qtbot, path)
    review = ReviewPage(bench)
    qtbot.addWidget(review)
    assert "It begins with what your run on cells has learned" in review.paragraph.text()
    bench.draft.set_strategy("from-scratch")
    assert "your run on cells" not in review.paragraph.text(), "a random start takes nothing over"
    bench.draft.set_strategy("feature-extraction")
    bench.start_training()
    assert bench.fake_imaging.weights_files[-1] == str(path / "checkpoints" / "best.safetensors")


def test_a_new_run_from_one_that_began_so_begins_so_too(bench: Bench, tmp_path: Path) -> None:
    path = made(tmp_path, backbone="resnet18")
    offers(bench, summary(path))
    spec = RunSpec(backbone="resnet18", source=Source(run=path.name, dataset="cells", images=240))
    begin_as(bench, spec, "", False)
    assert bench.draft.weights_file == str(path / "checkpoints" / "best.safetensors")
    assert named(bench.draft.source) == "your run on cells"
    known = RunSpec(backbone="resnet18", source=Source(run=path.name, dataset="cells", sha256="f" * 64))
    begin_as(bench, known, "", False)
    asked = bench.draft.spec().source
    assert asked is not None and asked.sha256 == "f" * 64, "by this it is seen whether the run has changed since"
    other = RunSpec(backbone="resnet18", source=Source(run=path.name, dataset="leaves", images=240))
    begin_as(bench, other, "", False)
    assert bench.draft.weights_file == "" and bench.draft.source is None, "another project's run of the same name"
    offers(bench)
    begin_as(bench, spec, "", False)
    assert bench.draft.weights_file == "" and bench.draft.source is None, "that run is gone"


def test_earlier_runs_are_ranked_with_the_published_networks_and_can_be_taken(
    bench: Bench, page: BackbonePage, qtbot: QtBot, tmp_path: Path
) -> None:
    path = made(tmp_path, backbone="resnet18")
    offers(bench, summary(path))
    assert ranked_runs(bench) == [str(path)]
    dialog = RankDialog(bench, page)
    dialog.open()
    row = RankedBackbone(
        backbone="resnet18", label=f"cells ({path.name})", run=str(path), probe=0.9, probe_low=0.85, probe_high=0.94,
        nearest=0.8, nearest_low=0.7, nearest_high=0.9, log_me=0.3, features=512, seconds=3.0,
    )  # fmt: skip
    dialog.show_answer(
        BackbonesRanked(rows=[row], images=100, folds=5, known=12, largest_class=0.5, sentence="That run tells most.")
    )
    dialog.answer_area.show()
    assert dialog.table.cell_text(0, 0) == "cells\nrun one"
    assert "12 images that a run has learned took no part." in read(dialog)
    assert dialog.take.plain_text == "Begin with that run"
    qtbot.mouseClick(dialog.take, LEFT)
    qtbot.waitUntil(lambda: bench.draft.source is not None)
    assert bench.draft.backbone == "resnet18"


def test_a_ranked_run_that_is_gone_meanwhile_is_said(
    bench: Bench, page: BackbonePage, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = RankDialog(bench, page)
    dialog.open()
    row = RankedBackbone(
        backbone="resnet18", label="gone", run=str(tmp_path / "gone"), probe=0.9, probe_low=0.85, probe_high=0.94,
        nearest=0.8, nearest_low=0.7, nearest_high=0.9, log_me=0.3, features=512, seconds=3.0,
    )  # fmt: skip
    dialog.show_answer(BackbonesRanked(rows=[row], images=100, folds=5, largest_class=0.5, sentence="."))
    dialog.answer_area.show()
    with qtbot.waitSignal(bench.problem_raised) as raised:
        qtbot.mouseClick(dialog.take, LEFT)
    assert raised.args is not None and "is not a run folder" in raised.args[0].problem
    assert bench.draft.source is None
