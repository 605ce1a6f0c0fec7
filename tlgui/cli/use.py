"""`tlgui evaluate`, `tlgui predict` and `tlgui export`: what is done with a trained model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from tlgui.cli.drive import drive, engine_at_work, finish
from tlgui.cli.terminal import LiveRun, console, pairs_table, print_json, scores_table
from tlgui.cli.train import place_of_images
from tlgui.core import atomic, commands, events
from tlgui.core.errors import UserError
from tlgui.core.run_folder import open_run
from tlgui.core.tables import csv_bytes
from tlgui.imaging.collect import collect_files


def evaluate(options: argparse.Namespace) -> int:
    """Runs `tlgui evaluate`."""
    run = open_run(options.run_folder)
    other = open_run(options.beside) if options.beside else None
    job = commands.Evaluate(
        run=str(run.path.absolute()),
        data=str(options.data.absolute()),
        beside=str(other.path.absolute()) if other is not None else "",
    )
    heard, ending = heard_of(job, options.json)
    scores = {event.split: event.metrics for event in heard if isinstance(event, events.Evaluated)}
    pairs = {event.split: event for event in heard if isinstance(event, events.ScoredBeside)}
    if isinstance(ending, events.Completed):
        if options.json:
            _print_json({name: metrics | _beside_fields(pairs.get(name)) for name, metrics in scores.items()})
        else:
            out = console()
            out.print(scores_table(scores))
            for name, metrics in scores.items():
                out.print(f"{name}: {metrics['sentence']} {metrics.get('note', '')}".rstrip())
                if name in pairs:
                    out.print(f"{name}: {pairs[name].sentence} {_not_compared(pairs[name])}".rstrip())
    return finish(ending, training=False)


def _beside_fields(pair: events.ScoredBeside | None) -> dict[str, Any]:
    """What another run said of the same images, as `--json` has it."""
    if pair is None:
        return {}
    fields = msgspec.structs.asdict(pair)
    fields.pop("split")
    return {"beside": {"run": fields.pop("beside"), **fields}}


def _not_compared(pair: events.ScoredBeside) -> str:
    if not pair.left_out:
        return ""
    were = "image was" if pair.left_out == 1 else "images were"
    return f"{pair.left_out:,} {were} not compared: the other run has learned them, or their files are gone."


def predict(options: argparse.Namespace) -> int:
    """Runs `tlgui predict`."""
    run = open_run(options.run_folder)
    files = collect_files(options.paths)
    job = commands.Predict(run=str(run.path.absolute()), paths=[(file.shown, str(file.path)) for file in files])
    heard, ending = heard_of(job, options.json)
    answers = [event for event in heard if isinstance(event, events.Predicted)]
    if not isinstance(ending, events.Completed):
        return finish(ending, training=False)
    if options.csv:
        _write_csv(options.csv, answers)
    if options.json:
        _print_json([msgspec.structs.asdict(answer) for answer in answers])
    else:
        out = console()
        for answer in answers:
            if answer.problem:
                out.print(f"{answer.path}: no answer. {answer.problem}")
                continue
            ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])[:5]
            out.print(f"{answer.path}: {answer.label} ({', '.join(f'{name} {p:.3f}' for name, p in ranked)})")
    return finish(ending, training=False)


def export(options: argparse.Namespace) -> int:
    """Runs `tlgui export`."""
    run = open_run(options.run_folder)
    to: Path = options.to or run.exports
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder '{to.name}' cannot be made: {error.strerror}.", "Choose another place with --to DIR."
        ) from error
    job = commands.Export(
        run=str(run.path.absolute()),
        data=str(place_of_images(run, options.data)),
        format=options.format,
        to=str(to.absolute()),
    )
    heard, ending = heard_of(job, options.json)
    for event in heard:
        if isinstance(event, events.Exported):
            if options.json:
                _print_json(msgspec.structs.asdict(event))
            else:
                console().print(pairs_table(export_rows(event)))
    return finish(ending, training=False)


def export_rows(event: events.Exported) -> dict[str, str]:
    """What a person should know of an export."""
    parity = event.parity
    return {
        "exported": f"{event.format}: {', '.join(event.files)}",
        "parity": f"{parity['labels_equal']} of {parity['images']} labels equal, largest difference of a probability "
        f"{parity['max_probability_difference']:.1e}",
        "folder": event.folder,
    }


def heard_of(job: commands.Job, quiet: bool) -> tuple[list[events.AnyEvent], events.Ending]:
    """What the engine said of a job, and its ending; shown meanwhile unless `quiet`."""
    heard: list[events.AnyEvent] = []
    with engine_at_work() as engine:
        if quiet:
            return heard, drive(engine, job, heard.append)
        with LiveRun(console()) as live:

            def on_event(event: events.AnyEvent) -> None:
                heard.append(event)
                live.on_event(event)

            return heard, drive(engine, job, on_event)


def _write_csv(path: Path, answers: list[events.Predicted]) -> None:
    classes = next((list(answer.probabilities) for answer in answers if answer.probabilities), [])
    rows: list[list[object]] = [["path", "predicted", *(f"p_{name}" for name in classes), "problem"]]
    for answer in answers:
        values = [answer.probabilities.get(name, "") for name in classes]
        rows.append([answer.path, answer.label, *values, answer.problem])
    try:
        atomic.write_bytes(path, csv_bytes(rows, for_spreadsheets=True))
    except OSError as error:
        raise UserError(
            f"'{path.name}' cannot be written: {error.strerror}.", "Choose another place for it."
        ) from error


def _print_json(answer: Any) -> None:
    print_json(msgspec.json.encode(answer))
