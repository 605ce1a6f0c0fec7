"""`tlgui gap`: how different the images of a new site are, before a model of the known one is used there."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
from rich.table import Table

from tlgui.cli.drive import drive, engine_at_work, finish
from tlgui.cli.folder import opened, typed
from tlgui.cli.networks import make_known
from tlgui.cli.questions import weights_of
from tlgui.cli.terminal import LiveRun, console, pairs_table, print_json
from tlgui.core import commands, events
from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.engine_process import EngineProcess
from tlgui.core.events import GapMeasured
from tlgui.core.paths import cache_dir
from tlgui.core.run_spec import RunSpec
from tlgui.imaging.listing import listing_path, write_images, write_listing
from tlgui.imaging.prepare import split_of, split_project
from tlgui.imaging.unlabelled import read_unlabelled
from tlgui.imaging.walk import walk


def gap(options: argparse.Namespace) -> int:
    """Runs `tlgui gap`."""
    walk(options.target)  # named wrongly, it fails here and not after minutes of reading images
    with engine_at_work(0.0) as engine:  # it loads its libraries while the images are read
        make_known(engine, options.backbone or DEFAULT_BACKBONE)
        listings = listing_path(cache_dir()), listing_path(cache_dir())
        try:
            job = _job(options, *listings)
            found, ending = _ask(engine, job, options.download, options.json)
        finally:
            for listing in listings:
                listing.unlink(missing_ok=True)
    if found is not None:
        _show(found, options.json)
    return finish(ending, training=False)


def _job(options: argparse.Namespace, known: Path, new: Path) -> commands.MeasureGap:
    """Reads both folders, and writes what is in them."""
    with LiveRun(console(), options.json) as live:
        asked = typed(options, options.data, live.on_bytes)
        found = opened(asked, live.on_files)
        other = read_unlabelled(options.target, live.on_files)
    defaults = RunSpec()
    fractions, seed = defaults.split_fractions, defaults.training.seed
    project = split_project(found.project, found.changes, fractions, seed, found.scan)
    write_listing(known, found.look, found.scan, split_of(found.scan, fractions, seed, project))
    write_images(new, other.images)
    return commands.MeasureGap(
        listing=str(known.absolute()),
        data=str(found.look.root.absolute()),
        rule=found.scan.pixel_rule,
        backbone=options.backbone or DEFAULT_BACKBONE,
        weights_file=weights_of(options),
        fit=options.fit or "crop",
        size=options.size,
        new_listing=str(new.absolute()),
        new_data=str(options.target.absolute()),
        left_out=other.reasons,
        unlisted=len(other.unlisted),
        images=options.images,
        seed=options.seed,
    )


def _ask(
    engine: EngineProcess, job: commands.MeasureGap, download: bool, quiet: bool
) -> tuple[GapMeasured | None, events.Ending]:
    answers: list[GapMeasured] = []
    with LiveRun(console(), quiet) as live:

        def on_event(event: events.AnyEvent) -> None:
            if isinstance(event, GapMeasured):
                answers.append(event)
            if not quiet:
                live.on_event(event)

        if download:
            ending = drive(engine, commands.Fetch(backbone=job.backbone), on_event)
            if not isinstance(ending, events.Completed):
                return None, ending
        ending = drive(engine, job, on_event)
    return (answers[0] if answers else None), ending


def _show(found: GapMeasured, as_json: bool) -> None:
    if as_json:
        fields = msgspec.to_builtins(found)
        fields.pop("type", None)
        print_json(msgspec.json.encode(fields))
        return
    out = console()
    looks = found.known_look, found.new_look
    colours = (f"{look.red:.0f}, {look.green:.0f}, {look.blue:.0f}" for look in looks)
    out.print(
        pairs_table(
            {
                "AUC of telling the sites apart": f"{_number(found.auc)} ({_number(found.low)} to {_number(found.high)})",
                "distance of the features (MMD²)": f"{_number(found.mmd)} (p = {_number(found.mmd_p)}, of "
                f"{found.permutations} permutations)",
                "mean red, green, blue": " (known)   ".join(colours) + " (new)",
            }
        )
    )
    if found.least_alike:
        table = Table("least alike of the new site", "by the probe: from there", box=None, pad_edge=False)
        for image in found.least_alike:
            table.add_row(image.path, f"{100 * image.probability:.1f} %")
        out.print(table)
    for sentence in (*found.notes, found.sentence):
        out.print(sentence)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
