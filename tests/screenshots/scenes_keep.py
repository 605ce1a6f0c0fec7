"""Scenes of learning on without forgetting: what is asked, what is settled, the meter, mixes and strengths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.fake_answers import STRENGTHS, left, measured, mixes
from scenes_table import Play, Scene

if TYPE_CHECKING:
    from stage import Stage

    from tlgui.core.run_spec import RunSpec


def scenes() -> tuple[Scene, ...]:
    """All of them."""
    return (
        Scene("start", "continue", _at_start, dialog=_dialog),
        Scene("images", "continues", _set_up("images")),
        Scene("backbone", "continues", _set_up("backbone")),
        Scene("strategy", "continues", _set_up("strategy")),
        Scene("strategy", "continues-share", _set_up("strategy", "average", 0.4)),
        Scene("review", "continues", _set_up("review")),
        Scene("train", "keeps", _trains("ewc"), {"scenario": "hang", "pace": 0.004, "at": 9, "keeps": 1}),
        Scene("results", "mixes", _results("average")),
        Scene("results", "strengths", _results("ewc")),
    )


def _at_start(stage: Stage) -> None:
    stage.window.show_page("start")


def _dialog(stage: Stage) -> Any:
    from tlgui.gui.continue_dialog import ContinueDialog

    dialog = ContinueDialog(stage.bench, stage.material.run, stage.window)
    dialog.open()
    stage.until(lambda: dialog.found is not None)
    return dialog


def _begin(stage: Stage) -> None:
    """A run that continues the one at hand, on the demo images, of which one class counts as new."""
    import dataclasses

    from tlgui.gui.continuing import read_found

    found = read_found(stage.material.run)
    before = found.continuation
    known = dataclasses.replace(before, classes=(*before.classes[:-1], "an older class"), earlier=Path("earlier"))
    stage.bench.learn_on(found._replace(continuation=known), stage.material.demo)
    stage.until(lambda: stage.bench.draft.summary is not None)


def _set_up(page: str, keep: str = "ewc", strength: float | None = None) -> Play:
    def play(stage: Stage) -> None:
        _begin(stage)
        stage.bench.draft.set_training("keep", keep)
        stage.bench.draft.set_training("keep_strength", strength)
        stage.window.show_page(page)

    return play


def _spec(stage: Stage, keep: str) -> RunSpec:
    import msgspec

    from tlgui.core.run_spec import Source

    spec = stage.bench.run_spec
    assert spec is not None
    source = Source(run="2026-11-24 09.12 efficientnet-lite0 fine-tune-top", dataset="cells", classes=["a", "b"])
    training = msgspec.structs.replace(spec.training, keep=keep)  # type: ignore[arg-type]
    return msgspec.structs.replace(spec, source=source, training=training)


def _trains(keep: str) -> Play:
    def play(stage: Stage) -> None:
        stage.read(stage.material.demo)
        stage.bench.draft.set_training("keep", keep)
        stage.bench.start_training()
        stage.until(lambda: stage.epochs() >= 9)

    return play


def _results(keep: str) -> Play:
    def play(stage: Stage) -> None:
        import json

        from tlgui.core import events

        stage.open_run(stage.material.run)
        run, entry = stage.bench.run, stage.bench.runs._shown
        assert run is not None and entry is not None
        entry.spec = _spec(stage, keep)
        for said in (measured(left(0.89), 20), mixes(None) if keep == "average" else STRENGTHS):
            run.kept.take(events.decode(json.dumps(said)))
        stage.window.show_page("results")
        stage.bench.kept.mixed.emit(stage.bench.run_folder.path)  # type: ignore[union-attr]  it was opened above
        page = stage.window.page
        stage.until(lambda: page.findings is not None and not page.known.isHidden())

    return play
