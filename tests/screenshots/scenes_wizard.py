"""The pages Backbone, Strategy and Review in the states that a choice brings about, with their dialogs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import QTimer
from scenes_table import Play, Scene

from tlgui.core.run_spec import RunSpec, Source
from tlgui.core.runs import RunSummary, Score

if TYPE_CHECKING:
    from stage import Stage


def scenes() -> tuple[Scene, ...]:
    """One for each; none of them needs a run of earlier days."""
    return (
        _scene("backbone", "everything", lambda draft: draft.set_level("everything")),
        _scene("backbone", "timm", lambda draft: draft.set_level("everything"), dialog=_timm("resnet18")),
        _scene("backbone", "timm-unknown", lambda draft: draft.set_level("everything"), dialog=_timm("resnet81")),
        _scene("backbone", "scratch", lambda draft: draft.set_backbone("tiny-cnn")),
        _scene("backbone", "size", _size),
        _scene("backbone", "run", _begins_with_a_run),
        _scene("backbone", "run-dialog", lambda draft: None, after=_earlier_runs, dialog=_choose_a_run),
        _scene("backbone", "run-none", lambda draft: None, dialog=_choose_a_run),
        _scene("strategy", "progressive", _progressive),
        _scene("strategy", "scratch", lambda draft: draft.set_strategy("from-scratch")),
        _scene("strategy", "recipe", _recipe),
        _scene("strategy", "no-weights", _no_weights),
        _scene("strategy", "site-empty", lambda draft: None, dialog=_at_the_site),
        _scene("strategy", "site", _site, dialog=_at_the_site),
        _scene("strategy", "site-missing", _site_missing, dialog=_at_the_site),
        _scene("review", "site", _site),
        _scene("review", "progressive", _progressive),
        _scene("review", "recipe", _recipe),
        _scene("review", "unequal", lambda draft: None, after=_unequal),
        _scene("review", "rates", _adjustable, dialog=_rates),
    )


def _scene(page: str, state: str, change: Any, dialog: Play | None = None, after: Play | None = None) -> Scene:
    def play(stage: Stage) -> None:
        stage.read(stage.material.demo)
        change(stage.bench.draft)
        if after is not None:
            after(stage)
        stage.window.show_page(page)

    return Scene(page, state, play, dialog=dialog, with_past=False)


def _size(draft: Any) -> None:
    draft.set_level("everything")
    draft.set_backbone("dinov2-small")
    draft.set_size(518)


def _begins_with_a_run(draft: Any) -> None:
    draft.begin_with(
        RunSpec(), "/runs/one/checkpoints/best.safetensors", Source(run="one", dataset="Smear study", images=412)
    )


def _earlier_runs(stage: Stage) -> None:
    stage.bench.recent.rows = [
        RunSummary(
            path=Path("/runs") / name, dataset=name, backbone="efficientnet-lite0", strategy=strategy, state="complete",
            begun=datetime(2026, 11, 20 - place, 14, 3), epochs_done=15, epochs_planned=15, best_epoch=11, images=560,
            score=Score(value=0.93 - 0.04 * place, low=0.88 - 0.05 * place, high=0.96 - 0.03 * place, n=112, split="test"),
            samples=[],
        )
        for place, (name, strategy) in enumerate(
            (("Smear study", "fine-tune-top"), ("Skin lesions of two clinics", "full-fine-tuning"),
             ("Solar cells", "progressive-unfreezing"))
        )
    ]  # fmt: skip


def _choose_a_run(stage: Stage) -> None:
    stage.window.page.weights._run.click()


def _progressive(draft: Any) -> None:
    draft.set_similarity("different")
    draft.set_strategy("progressive-unfreezing")
    draft.set_training("unfreeze_at", [4, 8, 12])


def _site(draft: Any) -> None:
    draft.set_similarity("different")
    draft.set_strategy("feature-extraction")
    draft.set_target(Path("Scanner of the clinic at the lake"))


def _site_missing(draft: Any) -> None:
    draft.set_training("adapt", "statistics")


def _at_the_site(stage: Stage) -> None:
    page = stage.window.page
    # A picture is taken from the top of the page, unless it is scrolled a moment later.
    QTimer.singleShot(500, page, lambda: page.scroll_area.ensureWidgetVisible(page.site, 0, 20))


def _recipe(draft: Any) -> None:
    draft.set_level("adjustable")
    draft.set_preset("tutorial-pipeline")
    draft.set_training("epochs", 12)
    draft.set_training("batch_size", 16)


def _no_weights(draft: Any) -> None:
    draft.set_backbone("tiny-cnn")
    draft.set_strategy("feature-extraction")


def _adjustable(draft: Any) -> None:
    draft.set_level("adjustable")
    draft.set_strategy("fine-tune-top")
    draft.set_training("group_learning_rates", {"block 5": 2e-5})


def _unequal(stage: Stage) -> None:
    draft = stage.bench.draft
    assert draft.summary is not None
    first, *others = draft.summary.classes
    rows = [first, *(msgspec.structs.replace(row, train=max(1, row.train // 5)) for row in others)]
    draft.summary = msgspec.structs.replace(draft.summary, classes=rows)
    draft.changed.emit()


def _timm(name: str) -> Play:
    def play(stage: Stage) -> None:
        from tlgui.gui.wizard.backbone.timm_dialog import TimmDialog

        stage.window.page.legend.other.click()
        dialog = next(one for one in stage.dialogs() if isinstance(one, TimmDialog))
        dialog.name.setText(name)
        dialog.look.click()

    return play


def _rates(stage: Stage) -> None:
    stage.window.page.ladder.rates.click()
