"""The look for shortcuts in each of its states: told by the played engine about the demo images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from scenes_table import Play, Scene

if TYPE_CHECKING:
    from stage import Stage

    from tlgui.gui.wizard.images.shortcut_dialog import ShortcutDialog


def scenes() -> tuple[Scene, ...]:
    """Asked, at work, each verdict, failed; then what the page keeps of it."""
    return (
        _scene("shortcuts-asked", _read, _open),
        _scene("shortcuts-at-work", _read, _look, hold="ProbeShortcuts"),
        _scene("shortcuts-red", _looked("red"), _open),
        _scene("shortcuts-question", _looked("question"), _open),
        _scene("shortcuts-quiet", _looked("quiet"), _open),
        _scene("shortcuts-cut", _looked("red"), _cut),
        _scene("shortcuts-failed", _read, _look, fail="ProbeShortcuts"),
        _scene("shortcuts-looked-at", _looked("red")),
    )


def _scene(state: str, play: Play, dialog: Play | None = None, **engine: str) -> Scene:
    return Scene("images", state, play, {"scenario": "train"} | engine, dialog=dialog, with_past=False)


def _read(stage: Stage) -> None:
    stage.read(stage.material.demo)


def _open(stage: Stage) -> None:
    stage.window.page.dialogs.show_shortcuts()


def _dialog(stage: Stage) -> ShortcutDialog:
    from tlgui.gui.wizard.images.shortcut_dialog import ShortcutDialog

    return next(one for one in stage.dialogs() if isinstance(one, ShortcutDialog))


def _look(stage: Stage) -> None:
    desk = stage.bench.shortcuts
    _open(stage)
    _dialog(stage).look.click()
    stage.until(lambda: desk.progress is not None or not desk.busy)


def _looked(verdict: str) -> Play:
    def play(stage: Stage) -> None:
        from helpers.fake_answers import shortcuts

        from tlgui.core import events

        _read(stage)
        desk = stage.bench.shortcuts
        desk.look()
        stage.until(lambda: not desk.busy)
        desk._on_told(events.decode(msgspec.json.encode(shortcuts(verdict))))

    return play


def _cut(stage: Stage) -> None:
    """The border is cut off with the dialog open; taken back when it was pictured before."""
    bench = stage.bench
    if bench.draft.summary is not None and bench.draft.summary.changes:
        bench.intake.undo([line.number for line in bench.draft.summary.changes if not line.undone_at])
        stage.until(lambda: not bench.intake.busy)
    _open(stage)
    dialog = _dialog(stage)
    dialog._on_repair(0.06)
    stage.until(lambda: not bench.intake.busy)
