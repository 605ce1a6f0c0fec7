"""`tlgui layers` and `tlgui rate`: what a pretrained network makes of a folder of images, before anything is trained."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.table import Table

from tlgui.cli.drive import drive, engine_at_work, finish
from tlgui.cli.folder import opened, typed
from tlgui.cli.networks import make_known
from tlgui.cli.terminal import LiveRun, console, measured_table, pairs_table, print_json
from tlgui.cli.training_options import training_of
from tlgui.core import commands, events
from tlgui.core.backbones import DEFAULT_BACKBONE, backbone
from tlgui.core.engine_process import EngineProcess
from tlgui.core.paths import cache_dir
from tlgui.core.planning import resolve
from tlgui.core.records import PixelRule
from tlgui.core.run_spec import RunSpec
from tlgui.core.runs import list_runs
from tlgui.core.source import MOST_RANKED, can_begin_with, weights_of_run
from tlgui.imaging.listing import listing_path, write_listing
from tlgui.imaging.names import counted
from tlgui.imaging.prepare import split_of, split_project

Answer = TypeVar(
    "Answer", events.LayersProbed, events.RateFound, events.Advised, events.ImagesEmbedded, events.BackbonesRanked
)


def layers(options: argparse.Namespace) -> int:
    """Runs `tlgui layers`."""

    def job(listing: Path, data: Path, rule: PixelRule) -> commands.Job:
        return commands.ProbeLayers(
            listing=str(listing),
            data=str(data),
            rule=rule,
            backbone=options.backbone or DEFAULT_BACKBONE,
            weights_file=weights_of(options),
            fit=options.fit or "crop",
            size=options.size,
            seed=options.seed,
        )

    found, ending = ask(options, job, events.LayersProbed)
    if found is not None and options.json:
        _print(found)
    elif found is not None:
        out = console()
        rows = {score.name: (score.accuracy, score.low, score.high) for score in reversed(found.groups)}
        out.print(measured_table("layer group, from the top", rows))
        out.print(f"{found.images} images, {found.folds} folds; guessing reaches {100 * found.largest_class:.0f} %.")
        out.print(found.sentence)
    return finish(ending, training=False)


def rate(options: argparse.Namespace) -> int:
    """Runs `tlgui rate`."""
    training = training_of(options)
    # Named wrongly, a strategy or augmentation fails here and not after minutes of reading images.
    resolve(training, 0)

    def job(listing: Path, data: Path, rule: PixelRule) -> commands.Job:
        return commands.FindRate(
            listing=str(listing),
            data=str(data),
            rule=rule,
            backbone=options.backbone or DEFAULT_BACKBONE,
            weights_file=weights_of(options),
            fit=options.fit or "crop",
            size=options.size,
            training=training,
        )

    found, ending = ask(options, job, events.RateFound)
    if found is not None and options.json:
        _print(found)
    elif found is not None:
        out = console()
        suggested = "none" if found.suggested is None else f"{found.suggested:.2g}"
        out.print(pairs_table({"suggested": suggested, "in use": f"{found.in_use:.2g}"}))
        out.print(found.sentence)
    return finish(ending, training=False)


def rank(options: argparse.Namespace) -> int:
    """Runs `tlgui rank`."""
    names = [name for name in (options.backbones or "").split(",") if name]
    for name in names:
        backbone(name)  # named wrongly, it fails here and not after minutes
    for run in options.runs:
        weights_of_run(run)
    earlier = [] if names or options.runs or options.no_runs else can_begin_with(list_runs())[:MOST_RANKED]
    runs = [str(run.absolute()) for run in (*options.runs, *(one.path for one in earlier))]

    def job(listing: Path, data: Path, rule: PixelRule) -> commands.Job:
        return commands.RankBackbones(
            listing=str(listing),
            data=str(data),
            rule=rule,
            backbones=names,
            runs=runs,
            images=options.images,
            seed=options.seed,
        )

    found, ending = ask(options, job, events.BackbonesRanked)
    if found is not None and options.json:
        _print(found)
    elif found is not None:
        out = console()
        table = Table("network", "linear answer", "5 nearest", "LogME", "seconds", box=None, pad_edge=False)
        for row in found.rows:
            table.add_row(
                row.label,
                f"{100 * row.probe:.1f} % ({100 * row.probe_low:.1f} to {100 * row.probe_high:.1f})",
                f"{100 * row.nearest:.1f} % ({100 * row.nearest_low:.1f} to {100 * row.nearest_high:.1f})",
                f"{row.log_me:.3f}",
                f"{row.seconds:.0f}",
            )
        out.print(table)
        out.print(f"{found.images} images, {found.folds} folds; guessing reaches {100 * found.largest_class:.0f} %.")
        for name, reason in found.left_out.items():
            out.print(f"{name} is left out: {reason}")
        if found.known:
            out.print(f"{counted(found.known, 'image')} that an earlier run has learned took no part.")
        out.print(found.sentence)
    return finish(ending, training=False)


def ask(
    options: argparse.Namespace, job: Callable[[Path, Path, PixelRule], commands.Job], kind: type[Answer]
) -> tuple[Answer | None, events.Ending]:
    """Reads the folder, asks the engine, and gives its answer and its ending.

    Args:
        options: with `data`, `backbone`, `weights`, `download`, `json`, and how the folder is read.
        job: makes it from the listing, the folder and its pixel rule.
        kind: the event that answers it.

    Raises:
        UserError: the folder, the weights file or an option does not do.
    """
    name = options.backbone or DEFAULT_BACKBONE
    answers: list[Answer] = []
    with engine_at_work(0.0) as engine:  # it loads its libraries while the images are read
        make_known(engine, name)
        with LiveRun(console(), options.json) as live:
            asked = typed(options, options.data, live.on_bytes)
            found = opened(asked, live.on_files)
        defaults = RunSpec()
        fractions, seed = defaults.split_fractions, defaults.training.seed
        project = split_project(found.project, found.changes, fractions, seed, found.scan)
        path = listing_path(cache_dir())
        try:
            write_listing(path, found.look, found.scan, split_of(found.scan, fractions, seed, project))
            if options.download:
                ending = _drive(engine, commands.Fetch(backbone=name), lambda event: None, options.json)
                if not isinstance(ending, events.Completed):
                    return None, ending

            def on_event(event: events.AnyEvent) -> None:
                if isinstance(event, kind):
                    answers.append(event)

            asked_job = job(path.absolute(), found.look.root.absolute(), found.scan.pixel_rule)
            ending = _drive(engine, asked_job, on_event, options.json)
            return (answers[0] if answers else None), ending
        finally:
            path.unlink(missing_ok=True)


def _drive(
    engine: EngineProcess, job: commands.Job, on_event: Callable[[events.AnyEvent], None], quiet: bool
) -> events.Ending:
    with LiveRun(console(), quiet) as live:

        def heard(event: events.AnyEvent) -> None:
            on_event(event)
            if not quiet:
                live.on_event(event)

        return drive(engine, job, heard)


def weights_of(options: argparse.Namespace) -> str:
    """The whole path of the person's own weights, or ""."""
    return str(options.weights.absolute()) if options.weights else ""


def _print(answer: events.LayersProbed | events.RateFound | events.BackbonesRanked) -> None:
    fields = msgspec.to_builtins(answer)
    fields.pop("type", None)
    print_json(msgspec.json.encode(fields))
