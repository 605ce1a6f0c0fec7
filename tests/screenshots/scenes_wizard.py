"""The pages Backbone, Strategy and Review in the states that a choice brings about, with their dialogs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from scenes_table import Play, Scene

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
        _scene("strategy", "progressive", _progressive),
        _scene("strategy", "scratch", lambda draft: draft.set_strategy("from-scratch")),
        _scene("strategy", "recipe", _recipe),
        _scene("strategy", "no-weights", _no_weights),
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


def _progressive(draft: Any) -> None:
    draft.set_similarity("different")
    draft.set_strategy("progressive-unfreezing")
    draft.set_training("unfreeze_at", [4, 8, 12])


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
