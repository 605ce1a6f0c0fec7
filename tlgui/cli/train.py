"""`tlgui train` and `tlgui continue`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from tlgui.cli.drive import drive, engine_at_work, finish
from tlgui.cli.folder import Typed, opened, typed
from tlgui.cli.networks import make_known
from tlgui.cli.terminal import LiveRun, console, counts_table, note, pairs_table, print_json, scores_table
from tlgui.cli.training_options import with_options
from tlgui.core import commands, earlier, events, run_spec
from tlgui.core.engine_process import EngineProcess
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder, open_run, recall_place, remember_place
from tlgui.core.run_images import holds_some_of
from tlgui.core.run_spec import RunSpec
from tlgui.imaging.continuing import remember_earlier
from tlgui.imaging.names import counted
from tlgui.imaging.part_checks import all_warnings
from tlgui.imaging.prepare import Prepared, class_totals, prepare_run


def train(options: argparse.Namespace) -> int:
    """Runs `tlgui train`."""
    data, spec = _asked(options)
    with engine_at_work() as engine:  # it loads its libraries while the images are read
        make_known(engine, spec.backbone)
        prepared = prepare(data, spec, options.run_dir, quiet=options.json, options=options)
        job = _job(prepared.run.path, prepared.data, options)
        return run_job(engine, job, options.json)


def go_on(options: argparse.Namespace) -> int:
    """Runs `tlgui continue`."""
    run = open_run(options.run_folder)
    data = place_of_images(run, options.data)
    place_of_earlier(run, options.earlier)
    with engine_at_work() as engine:
        return run_job(engine, _job(run.path, data, options, options.more_epochs), options.json)


def prepare(
    data: Path, spec: RunSpec, run_dir: Path | None, quiet: bool, options: argparse.Namespace | None = None
) -> Prepared:
    """Makes the run folder; warnings go to standard error in `quiet` mode, where standard output is for events.

    Args:
        data: the folder of images, or a zip of one.
        spec: of the run.
        run_dir: the run folder.
        quiet: see above.
        options: how the folder is read, for this run alone.
    """
    out = console()
    say = note if quiet else out.print
    with LiveRun(out, quiet) as live:
        asked = typed(options, data, live.on_bytes) if options is not None else Typed(data)
        weights_file = str(options.weights) if options is not None and options.weights else ""
        continues = getattr(options, "from_run", None) is not None
        prepared = prepare_run(
            asked.data,
            spec,
            run_dir,
            read=lambda: opened(asked, live.on_files, fewest_classes=1 if continues else 2),
            weights_file=weights_file,
            progress=live.on_files,
            target=options.target if options is not None else None,
            continues=continues,
            earlier_images=getattr(options, "earlier", None),
        )
    scan = prepared.scan
    counts = ", ".join(f"{name} {n}" for name, n in class_totals(prepared.counts).items())
    say(f"{counted(len(scan.used), 'image')} in {scan.layout}: {counts}.")
    if prepared.learns_on:
        say(prepared.learns_on)
    if scan.left_out:
        say(f"{counted(len(scan.left_out), 'file')} left out (manifest.csv says why).")
    if not quiet:
        out.print(counts_table(prepared.counts))
    for warning in all_warnings(scan, prepared.parts):
        say(f"Note: {warning.message}")
    if prepared.advice:
        say(f"By the table: {prepared.advice} What is done is decided when the network has seen the images.")
    return prepared


def run_job(engine: EngineProcess, job: commands.Train, as_json: bool) -> int:
    """Trains, shows it, and gives the exit code."""
    if as_json:
        return finish(drive(engine, job, _print_event), stream_has_it=True)
    out = console()
    ending, scores = show_training(engine, job, out)
    if isinstance(ending, events.Completed | events.Stopped) and scores:
        show_scores(out, ending.sentence() if isinstance(ending, events.Completed) else "", scores)
        out.print(pairs_table({"run folder": job.run}))
    return finish(ending)


def show_training(
    engine: EngineProcess, job: commands.Train, out: Console
) -> tuple[events.Ending, dict[str, Mapping[str, Any]]]:
    """Trains with a live bar; returns the ending and the scores by part."""
    scores: dict[str, Mapping[str, Any]] = {}
    with LiveRun(out) as live:

        def on_event(event: events.AnyEvent) -> None:
            if isinstance(event, events.Evaluated):
                scores[event.split] = event.metrics
            live.on_event(event)

        ending = drive(engine, job, on_event)
    return ending, scores


def show_scores(out: Console, message: str, scores: Mapping[str, Mapping[str, Any]]) -> None:
    """The table of scores and the sentences that belong to it."""
    if message:
        out.print(message)
    out.print(scores_table(scores))
    for name, metrics in scores.items():
        out.print(f"{name}: {metrics['sentence']} {metrics.get('note', '')}".rstrip())
    if "test" not in scores and "validation" in scores:
        out.print("There are no test images, so no score is free of that choice.")


def place_of_images(run: RunFolder, given: Path | None) -> Path:
    """Where the images of a run lie: as given, or where they lay when it was made.

    Raises:
        UserError: that is unknown, or nothing is there.
    """
    spec = run.spec()
    if given is not None:
        if not given.is_dir():
            raise UserError(f"There is no folder '{given.name}'.", "Give the folder of the images with --data DIR.")
        if spec.dataset is not None and holds_some_of(run, given):
            # A folder of other images is refused by the engine; it must not be remembered either.
            remember_place(spec.dataset.fingerprint, given)
        return given.absolute()
    place = recall_place(spec.dataset.fingerprint) if spec.dataset is not None else None
    if place is None:
        raise UserError(
            f"The images of the run '{run.name}' are not where they were.", "Say where they are with --data DIR."
        )
    return place


def place_of_earlier(run: RunFolder, given: Path | None) -> str:
    """Where the images lie that the network of a run had learned before, as given; "" = where they lay.

    Raises:
        UserError: they do not lie there.
    """
    if given is None:
        return ""
    remember_earlier(earlier.read(run), given)  # a run that is continued later on finds them there again
    return str(given.absolute())


def _asked(options: argparse.Namespace) -> tuple[Path, RunSpec]:
    """The dataset folder and the spec: a run file's, changed by what was typed.

    Raises:
        UserError: a file that was typed is not there or does not do.
    """
    data, spec = options.data, RunSpec()
    if data.suffix.lower() == ".toml" and not data.is_dir():
        spec = run_spec.read(data)
        data = options.images or _place_in(data, spec)
    spec = with_options(spec, options)
    if options.backbone is not None:
        spec = msgspec.structs.replace(spec, backbone=options.backbone)
    if options.fit is not None:
        spec = msgspec.structs.replace(spec, fit=options.fit)
    return data, spec


def _place_in(path: Path, spec: RunSpec) -> Path:
    if spec.data:
        return (path.parent / spec.data).absolute()
    place = recall_place(spec.dataset.fingerprint) if spec.dataset else None
    if place is None:
        raise UserError(
            f"'{path.name}' does not say where the images are.", 'Add the line data = "FOLDER", or give --data DIR.'
        )
    return place


def _job(run: Path, data: Path, options: argparse.Namespace, more_epochs: int = 0) -> commands.Train:
    return commands.Train(
        run=str(run.absolute()),
        data=str(data.absolute()),
        target=str(options.target.absolute()) if getattr(options, "target", None) else "",
        earlier=str(options.earlier.absolute()) if getattr(options, "earlier", None) else "",
        more_epochs=more_epochs,
        weights_file=str(options.weights.absolute()) if options.weights else "",
        download=options.download,
    )


def _print_event(event: events.AnyEvent) -> None:
    print_json(events.encode(event))
