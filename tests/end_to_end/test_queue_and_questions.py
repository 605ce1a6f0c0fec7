"""With the real engine and real images: a run waits for the one before it, and two questions to the frozen network."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.pictures import write_dataset
from helpers.window import Visit
from pytestqt.qtbot import QtBot

from tlgui.core import commands, run_queue
from tlgui.core.run_folder import RunFolder
from tlgui.gui.job_dialog import JobDialog
from tlgui.gui.pages.train.layers_dialog import LayersDialog
from tlgui.gui.wizard.rate.rate_dialog import RateDialog

PATIENCE_MS = 120_000


def answered(dialog: JobDialog, qtbot: QtBot) -> float:
    """Asks, waits for the answer; seconds that it took."""
    began = time.monotonic()
    dialog.start.click()
    qtbot.waitUntil(lambda: not dialog.job.busy, timeout=PATIENCE_MS)
    assert dialog.answer_area.isVisible(), dialog.problem.accessibleName()
    return time.monotonic() - began


@pytest.mark.slow
def test_two_questions_then_two_runs_of_which_the_second_waits(qtbot: QtBot, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "set", {"round": 24, "star": 24})
    with Visit(qtbot) as visit:
        bench = visit.bench
        bench.open_folder(data)
        qtbot.waitUntil(lambda: bench.draft.summary is not None, timeout=PATIENCE_MS)
        layers = LayersDialog(bench, visit.window)
        layers.open()
        answered(layers, qtbot)
        assert len(layers.chart.rows) >= 5 and all(row.low <= row.accuracy <= row.high for row in layers.chart.rows)
        layers.close()
        rate = RateDialog(bench, visit.window)
        rate.open()
        answered(rate, qtbot)
        assert rate.plot.found is not None and rate.sentence.text()
        rate.close()

        bench.draft.set_training("strategy", "feature-extraction")
        bench.draft.set_training("epochs", 2_000)
        bench.draft.set_training("patience", 0)
        bench.start_training()
        qtbot.waitUntil(lambda: bench.run is not None and bool(bench.run.epochs), timeout=PATIENCE_MS)
        first = bench.run_folder
        assert first is not None
        bench.new_run_from()
        qtbot.waitUntil(lambda: bench.draft.summary is not None, timeout=PATIENCE_MS)
        bench.draft.set_training("epochs", 2)
        bench.queue_run()
        qtbot.waitUntil(lambda: bool(bench.queue.waiting), timeout=PATIENCE_MS)
        second = RunFolder(Path(run_queue.read()[0].run))
        bench.send(commands.Stop())
        qtbot.waitUntil(lambda: _last(second) == "Completed" and not bench.is_training, timeout=PATIENCE_MS)
        assert _last(first) == "Stopped" and second.spec().training.epochs == 2
        assert run_queue.read() == () and not bench.queue.busy


def _last(run: RunFolder) -> str:
    return [type(event).__name__ for event in run.events()][-1] if run.events_path.exists() else ""
