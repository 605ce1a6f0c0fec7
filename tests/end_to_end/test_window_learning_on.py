"""Learning on, as a person does it: a run's card, a folder with one new class, the meter, a strength, the run reopened."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.pictures import write_dataset
from helpers.window import Visit, fake
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec
from tlgui.imaging.prepare import prepare_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_level_fail("WARNING"),
    pytest.mark.qt_log_ignore("This plugin does not support"),
]


def finished(data: Path) -> RunFolder:
    """A finished run on these images, with a file of weights that the engine that is played never opens."""
    run = prepare_run(data, RunSpec()).run
    run.best_path.write_bytes(b"weights")
    for event in (
        events.RunStarted(run=run.name, backbone="efficientnet-lite0", strategy="auto", classes=["ants", "bees"],
                          train_images=16, validation_images=4, test_images=4, epochs=1, seed=0),
        events.EpochEnded(epoch=1, epochs=1, step=2, train_loss=0.5, validation_loss=0.4, validation_accuracy=0.9,
                          validation_balanced_accuracy=0.9, learning_rates={}, best=True, seconds=1.0, seconds_left=None),
        events.Completed(run=run.name, best_epoch=1, message="Done."),
    ):  # fmt: skip
        run.append_event(event)
    return run


def test_from_a_runs_card_to_a_meter_that_is_there_again_when_the_run_is_reopened(qtbot: QtBot, tmp_path: Path) -> None:
    earlier = finished(write_dataset(tmp_path / "insects", {"ants": 12, "bees": 12}))
    moths = write_dataset(tmp_path / "moths", {"moths": 12})
    with Visit(qtbot, fake("train", pace=0.04, epochs=8, keeps=1)) as visit:
        bench = visit.bench
        visit.until(lambda: bool(bench.recent.rows), "the earlier run")
        # The link stands beside a score, and that in a file which the real engine writes.
        visit.page.recent.learn_on_asked.emit(earlier.path)
        visit.until_reads("It knows 2 classes (ants, bees)")
        assert visit.reads("What it forgets is measured on")
        visit.press("Choose the new images…")
        visit.choose_soon(moths)
        visit.until_page("images")
        visit.until(lambda: bench.draft.summary is not None, "the end of the scan")
        assert visit.reads(f"It continues “{earlier.name}” with its 2 classes")
        visit.window.show_page("review")
        assert bench.draft.missing("review") == ""
        assert visit.reads("1 new") and visit.reads("Of 2 classes there are no new images")

        visit.press_soon("Start training")
        visit.until_page("train")
        visit.until(lambda: len(visit.run.epochs) >= 1, "an epoch")
        spec = bench.run_spec
        assert spec is not None and spec.continues and spec.dataset is not None
        assert spec.dataset.classes == ["ants", "bees", "moths"] and spec.training.keep == "ewc"
        visit.page.keep_card.strength.number.setText("4")
        visit.until(visit.page.keep_card.set_action.isEnabled, "the press on Set")
        visit.page.keep_card.set_button.click()
        visit.until_reads("in use: 4")
        visit.until_state("complete")
        folder = bench.run_folder
        assert folder is not None and visit.reads("the kept model")

        bench.runs.show_none()
        visit.window.show_page("start")
        bench.open_run(folder.path)
        visit.until(lambda: bench.run is not None, "the run")
        visit.window.show_page("train")
        visit.until_reads("the kept model")
        assert visit.run.kept.strength == 4 and len(visit.page.plots.curves.earlier) == 8
        assert bench.draft.continues is not None and bench.draft.continues.name == earlier.name
