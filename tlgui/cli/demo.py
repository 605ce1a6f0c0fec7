"""`tlgui demo`: the whole road on drawn images, from the check to an export that proves itself."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tlgui.cli.drive import drive, engine_at_work, finish
from tlgui.cli.terminal import LiveRun, console, pairs_table
from tlgui.cli.train import prepare, show_scores, show_training
from tlgui.cli.use import export_rows
from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess
from tlgui.core.paths import projects_dir
from tlgui.core.run_spec import RunSpec
from tlgui.imaging.demo_images import DEMO_SENTENCE, demo_folder, draw_demo_images


def demo(options: argparse.Namespace) -> int:
    """Runs the command."""
    started = time.monotonic()
    out = console()
    with engine_at_work() as engine:  # it loads its libraries while the images are drawn
        data = demo_folder(projects_dir())
        out.print(DEMO_SENTENCE)
        draw_demo_images(data)
        prepared = prepare(data, RunSpec(), None, quiet=False)
        run = str(prepared.run.path.absolute())
        ending, scores = show_training(engine, commands.Train(run=run, data=str(data.absolute())), out)
        if not isinstance(ending, events.Completed):
            return finish(ending)
        show_scores(out, ending.sentence(), scores)
        exported, ending = _export(engine, prepared.run.path, data)
    if exported is None:
        return finish(ending, training=False)
    rows = {"run folder": run, **export_rows(exported), "time": f"{time.monotonic() - started:.0f} s"}
    out.print(pairs_table(rows))
    return finish(ending)


def _export(engine: EngineProcess, run: Path, data: Path) -> tuple[events.Exported | None, events.Ending]:
    exported: list[events.Exported] = []
    to = run / "export"
    to.mkdir(exist_ok=True)
    job = commands.Export(run=str(run.absolute()), data=str(data.absolute()), format="onnx", to=str(to.absolute()))
    with LiveRun(console()) as live:

        def on_event(event: events.AnyEvent) -> None:
            if isinstance(event, events.Exported):
                exported.append(event)
            live.on_event(event)

        ending = drive(engine, job, on_event)
    return (exported[0] if exported else None), ending
