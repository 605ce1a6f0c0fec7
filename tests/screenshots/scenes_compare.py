"""The page Compare in its states: the runs of a finished comparison are made up, those of one at work are played."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from helpers.compared import comparison_of
from helpers.made_comparison import THREE, end, make, new_folder, share, whole
from scenes_table import Play, Scene

if TYPE_CHECKING:
    from stage import Stage

_NO_WINNER = {
    "feature-extraction": share(222, 240),
    "fine-tune-top:2": share(229, 240),
    "full-fine-tuning": share(226, 240),
}
_WINNER = {
    "feature-extraction": share(160, 240),
    "fine-tune-top:2": share(228, 240),
    "full-fine-tuning": share(190, 240),
}
_AT_WORK = {"scenario": "hang", "pace": 0.004, "at": 6}


def scenes() -> tuple[Scene, ...]:
    """All of them; none needs that the program was here before."""
    return tuple(replace(scene, with_past=False) for scene in _scenes())


def _scenes() -> tuple[Scene, ...]:
    return (
        Scene("compare", "empty", _page),
        Scene("compare", "setup", _setup, before=_past),
        Scene("compare", "running", _running, _AT_WORK, before=_past),
        Scene("compare", "stopped", _opened("2026-11-20 09.12 comparison"), before=_past),
        Scene("compare", "no-winner", _opened("2026-11-21 17.40 comparison"), before=_past),
        Scene("compare", "winner", _opened("2026-11-22 08.05 comparison"), before=_past),
        Scene("compare", "problem", _problem, before=_past),
    )


def _past(stage: Stage) -> None:
    """Three earlier comparisons, and the speed that was measured with them."""
    from tlgui.core import machine_facts
    from tlgui.core.events import Measured

    machine_facts.note_speed(
        Measured(backbone="efficientnet-lite0", seconds_per_1000=9.5, images=200, device="cpu", executor="onnxruntime")
    )
    whole(new_folder("2026-11-21 17.40 comparison"), comparison_of(*THREE), _NO_WINNER, dataset="smear study")
    whole(
        new_folder("2026-11-22 08.05 comparison"), comparison_of(*THREE), _WINNER, dataset="skin lesions of two clinics"
    )
    _begun("2026-11-20 09.12 comparison", THREE)
    for folder in new_folder().parent.iterdir():
        begun = datetime.strptime(folder.name[:16], "%Y-%m-%d %H.%M").timestamp()
        os.utime(folder / "comparison.toml", (begun, begun))


def _begun(name: str, ways: Sequence[str]) -> None:
    asked = comparison_of(*ways, folds=3)
    make(new_folder(name), asked, dataset="smear study")
    for leg in list(asked.legs())[:4]:
        end(new_folder(name), leg)


def _page(stage: Stage) -> None:
    stage.window.show_page("compare")


def _setup(stage: Stage) -> None:
    stage.read(stage.material.demo)
    _page(stage)


def _running(stage: Stage) -> None:
    _setup(stage)
    desk = stage.bench.compare
    desk.start(comparison_of(*THREE).entrants, 15, None)
    stage.until(lambda: desk.training is not None and stage.bench.training_run is not None)
    stage.until(lambda: len(stage.bench.training_run.epochs) >= 4)  # type: ignore[union-attr]
    assert desk.folder is not None and desk.comparison is not None
    for leg in list(desk.comparison.legs())[1:3]:
        end(desk.folder, leg)
    desk.refresh()
    stage.until(lambda: desk.done == 2)


def _opened(name: str) -> Play:
    def play(stage: Stage) -> None:
        _setup(stage)
        stage.bench.compare.open(new_folder(name))
        stage.until(lambda: stage.bench.compare.state in ("complete", "interrupted") and stage.bench.compare.earlier)

    return play


def _problem(stage: Stage) -> None:
    _setup(stage)
    stage.bench.compare.start(comparison_of(*THREE).entrants, 15, 100)
    stage.until(lambda: bool(stage.bench.compare.problem))
