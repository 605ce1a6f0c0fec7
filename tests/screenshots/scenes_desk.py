"""Scenes beside the training: why layers transfer, the learning-rate finder, notes on a run, runs that wait."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes_table import Play, Scene

if TYPE_CHECKING:
    from stage import Stage

_NOTES = "Slide 7 looks odd: ask Ada about the stain\nNext: unfreeze the top group, then compare"


def scenes() -> tuple[Scene, ...]:
    """All of them; none needs that the program was here before."""
    return tuple(replace(scene, with_past=False) for scene in _scenes())


def _scenes() -> tuple[Scene, ...]:
    return (
        Scene("train", "layers-asked", _read, dialog=_layers),
        Scene("train", "layers", _read, dialog=_asked(_layers)),
        Scene("train", "layers-at-work", _read, {"hold": "ProbeLayers"}, dialog=_asked(_layers)),
        Scene("strategy", "rate-asked", _strategy, dialog=_rate),
        Scene("strategy", "rate", _strategy, dialog=_asked(_rate)),
        Scene("strategy", "rate-failed", _strategy, {"fail": "FindRate"}, dialog=_asked(_rate)),
        Scene("start", "queue", _queue),
        Scene("review", "queue", _queued, {"scenario": "hang", "pace": 0.01, "at": 6}),
        Scene("train", "notes", _noted, {"scenario": "hang", "pace": 0.01, "at": 6}, dialog=_notes),
    )


def _read(stage: Stage) -> None:
    stage.read(stage.material.demo)


def _strategy(stage: Stage) -> None:
    _read(stage)
    stage.window.show_page("strategy")


def _layers(stage: Stage) -> None:
    from tlgui.gui.pages.train.layers_dialog import LayersDialog

    LayersDialog(stage.bench, stage.window).open()


def _rate(stage: Stage) -> None:
    from tlgui.gui.wizard.rate.rate_dialog import RateDialog

    RateDialog(stage.bench, stage.window).open()


def _asked(opens: Play) -> Play:
    def play(stage: Stage) -> None:
        from tlgui.gui.job_dialog import JobDialog

        opens(stage)
        dialog: Any = next(one for one in stage.dialogs() if isinstance(one, JobDialog))
        told: list[object] = []
        dialog.job.told.connect(told.append)
        dialog.start.click()
        stage.until(lambda: bool(told) and (not dialog.job.busy or len(told) > 1))

    return play


def _queue(stage: Stage) -> None:
    from tlgui.core import run_queue
    from tlgui.core.run_queue import Queued

    method = "Feature extraction, EfficientNet-Lite0"
    waiting = (
        Queued(run="/r/1", data="/d", name="Blood smears", method=method),
        Queued(run="/r/2", data="/d", name="Skin lesions", method="Progressive unfreezing, ResNet-50"),
        Queued(run="/r/3", data="/d", name="Hand signs", method=method, problem="The images are not where they were."),
    )
    run_queue.change(lambda _: waiting)
    stage.bench.queue.read()
    stage.until(lambda: len(stage.bench.queue.waiting) == 2)


def _training(stage: Stage) -> None:
    _read(stage)
    stage.bench.start_training()
    stage.until(lambda: stage.epochs() >= 5)


def _queued(stage: Stage) -> None:
    _training(stage)
    bench = stage.bench
    bench.new_run_from()
    stage.until(lambda: bench.draft.summary is not None and not bench.draft.scanning)
    bench.draft.set_training("epochs", 12)
    bench.queue_run()
    stage.until(lambda: bool(bench.queue.waiting))
    stage.window.show_page("review")


def _noted(stage: Stage) -> None:
    from tlgui.core import run_notes

    _training(stage)
    folder = stage.bench.run_folder
    assert folder is not None
    run_notes.write(Path(folder.path), _NOTES)


def _notes(stage: Stage) -> None:
    button = stage.window.page.notes
    button.click()
    stage.until(lambda: button.dialog is not None and "Reading" not in button.dialog.state.text())
