"""The table of all scenes: which page, in which state, and how to get there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from intake_scenes import scenes as intake_scenes
from scenes_augmentation import scenes as augmentation_scenes
from scenes_compare import scenes as compare_scenes
from scenes_copies import scenes as copies_scenes
from scenes_desk import scenes as desk_scenes
from scenes_keep import scenes as keep_scenes
from scenes_seen import scenes as seen_scenes
from scenes_shortcuts import scenes as shortcut_scenes
from scenes_site import scenes as site_scenes
from scenes_table import Play, Scene
from scenes_train import scenes as train_scenes
from scenes_wizard import scenes as wizard_scenes

if TYPE_CHECKING:
    from stage import Stage


def _scenes() -> tuple[Scene, ...]:
    return (
        *_start(),
        *_images(),
        *intake_scenes(),
        *copies_scenes(),
        *seen_scenes(),
        *shortcut_scenes(),
        *_backbone(),
        *_strategy(),
        *augmentation_scenes(),
        *_review(),
        *wizard_scenes(),
        *_train(),
        *train_scenes(),
        *keep_scenes(),
        *desk_scenes(),
        *compare_scenes(),
        *site_scenes(),
        *_after(),
        *_everywhere(),
    )


def _start() -> tuple[Scene, ...]:
    return (
        Scene("start", "first", with_past=False),
        Scene("start", "runs", _recent, before=_one_run_and_an_interrupted_one),
        Scene("start", "many", _recent, before=_many_runs),
        Scene("start", "refused", lambda stage: stage.window.page._on_dropped([stage.material.without_images / "x"])),
    )


def _images() -> tuple[Scene, ...]:
    return (
        Scene("images", "empty", lambda stage: stage.window.show_page("images")),
        Scene("images", "reading", _reading),
        Scene("images", "filled", lambda stage: stage.read(stage.material.demo)),
        Scene("images", "nasty", lambda stage: stage.read(stage.material.nasty)),
        Scene("images", "adjustable", _level("adjustable", "images")),
        Scene("images", "everything", _level("everything", "images")),
        Scene("images", "refused", lambda stage: stage.read(stage.material.without_images)),
        Scene("images", "read-only", lambda stage: stage.open_run(_copy(stage), "images")),
        Scene(
            "images", "class", lambda stage: stage.read(stage.material.demo),
            dialog=lambda stage: stage.window.page.dialogs.show_class(0),
        ),
        Scene(
            "images", "left-out", lambda stage: stage.read(stage.material.nasty),
            dialog=lambda stage: stage.window.page.dialogs.show_all_left_out(),
        ),
    )  # fmt: skip


def _backbone() -> tuple[Scene, ...]:
    return (
        Scene("backbone", "not-yet", lambda stage: stage.window.show_page("backbone")),
        Scene("backbone", "filled", _wizard("backbone")),
        Scene("backbone", "absent", _absent),
        Scene("backbone", "downloading", _downloading, {"hold": "Fetch"}),
        Scene("backbone", "failed-download", _failed_download, {"fail": "Fetch"}),
        Scene("backbone", "read-only", lambda stage: stage.open_run(_copy(stage), "backbone")),
    )


def _strategy() -> tuple[Scene, ...]:
    return (
        Scene("strategy", "filled", _wizard("strategy")),
        Scene("strategy", "answered", _answered),
        Scene("strategy", "adjustable", _level("adjustable", "strategy")),
        Scene("strategy", "everything", _level("everything", "strategy")),
        Scene("strategy", "read-only", lambda stage: stage.open_run(_copy(stage), "strategy")),
    )


def _review() -> tuple[Scene, ...]:
    return (
        Scene("review", "filled", _wizard("review")),
        Scene("review", "everything", _level("everything", "review")),
        Scene("review", "read-only", lambda stage: stage.open_run(_copy(stage), "review")),
    )


def _train() -> tuple[Scene, ...]:
    return (
        Scene("train", "empty", lambda stage: stage.window.show_page("train")),
        Scene("train", "preparing", _preparing, {"scenario": "train", "pace": 30}),
        Scene("train", "running", _running(12, 7), {"scenario": "hang", "pace": 0.008, "at": 12}),
        Scene("train", "paused", _paused, {"scenario": "train", "pace": 0.02}),
        Scene("train", "failed", _running(6), {"scenario": "fails", "at": 6}),
        Scene("train", "fault", _running(6), {"scenario": "fault", "at": 6}),
        Scene("train", "crashed", _running(6), {"scenario": "crash", "at": 6}),
        Scene("train", "filled", lambda stage: stage.open_run(_copy(stage), "train")),
        Scene("train", "interrupted", _interrupted),
        Scene("train", "log", _log, {"scenario": "hang", "pace": 0.008, "at": 12}),
        Scene("train", "extend", lambda stage: stage.open_run(_copy(stage), "train"),
              dialog=lambda stage: stage.window.page._on_extend()),
        Scene("train", "closing", _running(9, 5), {"scenario": "hang", "pace": 0.008, "at": 9},
              dialog=lambda stage: stage.window.close()),
    )  # fmt: skip


def _after() -> tuple[Scene, ...]:
    return (
        Scene("results", "empty", lambda stage: stage.window.show_page("results")),
        Scene("results", "running", _while_running("results"), {"scenario": "hang", "pace": 0.004, "at": 5}),
        Scene("results", "filled", _results),
        Scene("results", "view", _results, dialog=_large_view),
        Scene("use", "empty", lambda stage: stage.window.show_page("use")),
        Scene("use", "filled", lambda stage: stage.open_run(_copy(stage), "use")),
        Scene("use", "answers", _answers, None),
        Scene("export", "empty", lambda stage: stage.window.show_page("export")),
        Scene("export", "filled", lambda stage: stage.open_run(_copy(stage), "export")),
        Scene("export", "unmade", lambda stage: _export(stage, begin=False)),
        Scene("export", "checking", _export, {"hold": "Export"}),
        Scene("export", "failed", _export, {"fail": "Export"}),
    )


def _everywhere() -> tuple[Scene, ...]:
    return (
        Scene("settings", "dialog", dialog=lambda stage: stage.window.open_settings()),
        Scene("help", "dialog", dialog=lambda stage: stage.window.open_help()),
        Scene("crash", "dialog", lambda stage: stage.read(stage.material.demo), dialog=_crash),
    )


def _recent(stage: Stage) -> None:
    stage.bench.recent.refresh()
    stage.until(lambda: stage.bench.recent.rows)
    stage.rest(1.0)


def _copy(stage: Stage) -> Any:
    return stage.material.copy_run(stage.home / "projects")


def _one_run_and_an_interrupted_one(stage: Stage) -> None:
    projects = stage.home / "projects"
    stage.material.copy_run(projects, _ago(1))
    stage.material.copy_run(projects, _ago(0), kept=6)


def _many_runs(stage: Stage) -> None:
    projects, material = stage.home / "projects", stage.material
    for days in range(1, 12):
        name = "" if days % 3 else "a study with quite a long name from the second clinic"
        run = material.copy_run(projects, _ago(days), name, kept=None if days % 4 else 3 + days)
        if days == 4:
            material.set_ending(run, {"type": "Stopped", "best_epoch": 5})
        elif days == 8:
            material.set_ending(run, {"type": "Failed", "problem": "The disk is full.", "remedy": "Free some space."})


def _ago(days: int) -> str:
    return (datetime.now() - timedelta(days=days, minutes=90)).strftime("%Y-%m-%d %H.%M")


def _reading(stage: Stage) -> None:
    stage.bench.open_folder(stage.material.large)
    stage.until(lambda: stage.bench.draft.listed is not None)
    seen: list[int] = []
    stage.bench.scan_progressed.connect(lambda done, total, left: seen.append(done))
    stage.until(lambda: sum(1 for done in seen if done) > 1 or stage.bench.draft.summary is not None)
    stage.hold_imaging()


def _wizard(page: str) -> Play:
    def play(stage: Stage) -> None:
        stage.read(stage.material.demo)
        stage.window.show_page(page)

    return play


def _level(level: Any, page: str) -> Play:
    def play(stage: Stage) -> None:
        stage.bench.draft.set_level(level)
        _wizard(page)(stage)

    return play


def _answered(stage: Stage) -> None:
    _wizard("strategy")(stage)
    stage.bench.draft.set_similarity("different")


def _absent(stage: Stage) -> None:
    _wizard("backbone")(stage)
    stage.bench.draft.set_backbone("resnet50")


def _downloading(stage: Stage) -> None:
    _absent(stage)
    stage.window.page._download()
    stage.rest(0.5)


def _failed_download(stage: Stage) -> None:
    failed: list[Any] = []
    stage.bench.download_event.connect(lambda event: failed.append(event) if hasattr(event, "problem") else None)
    _absent(stage)
    stage.window.page._download()
    stage.until(lambda: failed)


def _preparing(stage: Stage) -> None:
    stage.read(stage.material.demo)
    stage.bench.start_training()
    stage.until(lambda: stage.bench.run is not None and stage.bench.run.run_path is not None)
    stage.rest(0.3)


def _running(epochs: int, unfreeze_after: int | None = None) -> Play:
    return lambda stage: stage.train(epochs, unfreeze_after)


def _paused(stage: Stage) -> None:
    from tlgui.core import commands

    stage.train(5)
    stage.bench.send(commands.Pause())
    stage.until(lambda: stage.bench.run is not None and stage.bench.run.state == "paused")


def _interrupted(stage: Stage) -> None:
    stage.open_run(stage.material.copy_run(stage.home / "projects", _ago(1), kept=7), "train")


def _log(stage: Stage) -> None:
    stage.train(12, 7)
    stage.window.page.log_action.trigger()


def _while_running(page: str) -> Play:
    def play(stage: Stage) -> None:
        stage.train(5)
        stage.window.show_page(page)

    return play


def _results(stage: Stage) -> None:
    stage.open_run(_copy(stage), "results")
    stage.until(lambda: stage.window.page.findings is not None)
    stage.rest(0.8)


def _large_view(stage: Stage) -> None:
    page = stage.window.page
    if page.findings.mistakes():
        page._open_mistakes(0)
    else:
        name = page.findings.classes[0]
        page._open_cell(name, name)
    stage.rest(0.5)


def _answers(stage: Stage) -> None:
    ended: list[Any] = []
    stage.open_run(_copy(stage), "use")
    stage.bench.predict_event.connect(
        lambda event: ended.append(event) if type(event).__name__ == "Completed" else None
    )
    broken = stage.home / "cut off.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    stage.window.page._predict([*stage.material.new_images(), broken])
    stage.until(lambda: ended, 120)
    stage.rest(0.8)


def _export(stage: Stage, begin: bool = True) -> None:
    import shutil

    run = _copy(stage)
    shutil.rmtree(run / "export", ignore_errors=True)
    stage.open_run(run, "export")
    stage.rest(0.3)
    if begin:
        stage.window.page._begin("onnx")
        stage.rest(1.0)


def _crash(stage: Stage) -> None:
    from tlgui.gui.crash import report
    from tlgui.gui.crash_dialog import CrashDialog

    fault = "Traceback (most recent call last):\n  File \"train_page.py\", line 12, in _refresh\nKeyError: 'head'"
    CrashDialog(report(fault), lambda: None, stage.window).open()


SCENES = _scenes()
