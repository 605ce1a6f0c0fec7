"""Scenes of a new site: how different it is, and what adapting to it changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QTimer
from scenes_table import Play, Scene

from tlgui.core import site_score
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import Target

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget
    from stage import Stage


def scenes() -> tuple[Scene, ...]:
    """Before it is asked, at work, failed, found; and the table of both runs."""
    return (
        Scene(
            "strategy", "gap-at-work", _asked(False), {"scenario": "train", "hold": "MeasureGap"}, dialog=_at_the_gap
        ),
        Scene("strategy", "gap-failed", _asked(True), {"scenario": "train", "fail": "MeasureGap"}, dialog=_at_the_gap),
        Scene("strategy", "gap", _asked(True), dialog=_at_the_gap),
        Scene("results", "adapted", _adapted),
        Scene("results", "adapted-alone", _adapted_alone),
    )


def _asked(to_its_end: bool) -> Play:
    def play(stage: Stage) -> None:
        stage.read(stage.material.demo)
        stage.bench.draft.set_target(stage.material.nasty)
        stage.window.show_page("strategy")
        stage.until(lambda: not stage.bench.gap.reason_against())
        stage.bench.gap.measure()
        stage.until(lambda: not stage.bench.gap.busy if to_its_end else stage.bench.gap.progress is not None)
        stage.rest(1.5)

    return play


def _at_the_gap(stage: Stage) -> None:
    _scrolled_to(stage, stage.window.page.gap)


def _adapted(stage: Stage) -> None:
    plain = RunFolder(stage.material.copy_run(stage.home / "projects"))
    run = _to_a_site(plain, stage.material.copy_run(stage.home / "projects", "2026-11-25 09.30"))
    metrics = msgspec.json.decode((run.results / "metrics.json").read_bytes())
    site_score.keep(run, "labelled images", "c" * 64, [site_score.part_score("new", metrics["test"], None)])
    _shown(stage, run)


def _adapted_alone(stage: Stage) -> None:
    path = stage.material.copy_run(stage.home / "projects")
    _shown(stage, _to_a_site(RunFolder(path), path))


def _to_a_site(plain: RunFolder, path: Path) -> RunFolder:
    run, spec = RunFolder(path), plain.spec()
    target = Target(name="Scanner of the clinic at the lake", fingerprint="b" * 64, images=1)
    run.write_spec(
        msgspec.structs.replace(spec, target=target, training=msgspec.structs.replace(spec.training, adapt="mmd"))
    )
    run.write_target([("1.png", "a" * 64)])
    return run


def _shown(stage: Stage, run: RunFolder) -> None:
    stage.open_run(run.path, "results")
    stage.until(lambda: stage.window.page.before_after.found is not None)
    stage.rest(0.8)


def _scrolled_to(stage: Stage, widget: QWidget) -> None:
    page = stage.window.page
    # A picture is taken from the top of the page, unless it is scrolled a moment later.
    QTimer.singleShot(500, page, lambda: page.scroll_area.verticalScrollBar().setValue(_top(page, widget)))


def _top(page: QWidget, widget: QWidget) -> int:
    inside = page.scroll_area.widget()
    return int(widget.mapTo(inside, widget.rect().topLeft()).y() - 10)
