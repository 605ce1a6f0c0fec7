"""`tlgui mix` and `tlgui strengths`: what is done with a run that learned on, after its training."""

from __future__ import annotations

import argparse

import msgspec
from rich.table import Table

from tlgui.cli.drive import finish
from tlgui.cli.terminal import console, print_json
from tlgui.cli.train import place_of_earlier, place_of_images
from tlgui.cli.use import heard_of
from tlgui.core import commands, events
from tlgui.core.run_folder import open_run


def mix(options: argparse.Namespace) -> int:
    """Runs `tlgui mix`."""
    run = open_run(options.run_folder)
    job = commands.MixWeights(
        run=str(run.path.absolute()),
        data=str(place_of_images(run, options.data)),
        share=options.share,
        earlier=place_of_earlier(run, options.earlier),
    )
    heard, ending = heard_of(job, options.json)
    found = [event for event in heard if isinstance(event, events.MixesTried)]
    left = [event for event in heard if isinstance(event, events.RetentionMeasured)]
    if isinstance(ending, events.Completed):
        if options.json:
            answer = {"mixes": found[0], "retention": left[0] if left else None}
            print_json(msgspec.json.encode(answer))
        else:
            mixes = [(one.earlier, one.new, one.old) for one in found[0].mixes]
            console().print(_table(("earlier weights", "new", "earlier"), mixes))
    return finish(ending, training=False)


def strengths(options: argparse.Namespace) -> int:
    """Runs `tlgui strengths`."""
    run = open_run(options.run_folder)
    job = commands.TryStrengths(
        run=str(run.path.absolute()),
        data=str(place_of_images(run, options.data)),
        strengths=options.strengths or [],
        epochs=options.epochs or 0,
        earlier=place_of_earlier(run, options.earlier),
    )
    heard, ending = heard_of(job, options.json)
    found = [event for event in heard if isinstance(event, events.StrengthsTried)]
    if isinstance(ending, events.Completed):
        if options.json:
            print_json(msgspec.json.encode(found[0]))
        else:
            points = [(one.strength, one.new, one.old) for one in found[0].points]
            console().print(_table(("strength", "new", "earlier"), points))
    return finish(ending, training=False)


def _table(heads: tuple[str, str, str], rows: list[tuple[float, float, float | None]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="right")
    for first, new, old in rows:
        table.add_row(f"{first:g}", f"{100 * new:.1f} %", "" if old is None else f"{100 * old:.1f} %")
    return table
