"""`tlgui compare`: a tournament of strategies on one set, or finished runs side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
from rich.table import Table

from tlgui.cli.drive import drive, engine_at_work, finish
from tlgui.cli.folder import opened, typed
from tlgui.cli.networks import make_known
from tlgui.cli.questions import weights_of
from tlgui.cli.terminal import LiveRun, console, note, print_json
from tlgui.core import commands, comparison, events, transfer
from tlgui.core.backbones import DEFAULT_BACKBONE, backbone
from tlgui.core.comparison import DEFAULT_FROM_RUN, DEFAULT_STRATEGIES, Comparison, Entrant
from tlgui.core.comparison_result import Result, of_comparison, of_runs, took
from tlgui.core.engine_process import EngineProcess
from tlgui.core.errors import UserError
from tlgui.core.paths import cache_dir
from tlgui.core.run_folder import RunFolder, open_run
from tlgui.core.run_spec import RunSpec
from tlgui.core.source import run_of
from tlgui.core.strategies import strategy
from tlgui.imaging import comparing
from tlgui.imaging.listing import listing_path, write_listing
from tlgui.imaging.names import counted
from tlgui.imaging.opening import Opened
from tlgui.imaging.prepare import split_of


def compare(options: argparse.Namespace) -> int:
    """Runs `tlgui compare`.

    Raises:
        UserError: what was named cannot be compared.
    """
    paths: list[Path] = options.paths
    if len(paths) == 1 and comparison.is_comparison(paths[0]):
        return _show(of_comparison(paths[0]), options.json, paths[0])
    if len(paths) > 1 or (paths[0] / "run.toml").is_file():
        return _show(of_runs([open_run(path) for path in paths]), options.json)
    return _tournament(paths[0], options)


def _tournament(data: Path, options: argparse.Namespace) -> int:
    before = run_of(options.weights or "")
    entrants = _entrants(options, before)
    say = note if options.json else console().print
    with engine_at_work() as engine:  # it loads its libraries while the images are read
        make_known(engine, options.backbone or DEFAULT_BACKBONE)
        name = backbone(options.backbone or DEFAULT_BACKBONE).name
        with LiveRun(console(), options.json) as live:
            asked = typed(options, data, live.on_bytes)
            found = opened(asked, live.on_files)
        wanted = _asked(options, name, entrants, found, before)
        project = found.project
        folder = (options.out or comparing.place_of_new(project)).absolute()
        _begin(folder, wanted)
        legs, left = list(wanted.legs()), comparison.still_to_train(folder, wanted)
        earlier = comparing.earlier_run(before, wanted) if before is not None else None
        say(f"{counted(len(found.scan.used), 'image')}; {_plan(wanted)} Folder: {folder.name}.")
        if len(left) < len(legs):
            say(f"{len(legs) - len(left)} of {len(legs)} runs are there already.")
        try:
            for leg in left:
                run = comparing.made(folder, wanted, leg, asked.data, found.scan, project, earlier)
                say(f"Run {legs.index(leg) + 1} of {len(legs)}: {leg.label}.")
                job = commands.Train(
                    run=str(run.path),
                    data=str(asked.data.absolute()),
                    weights_file=weights_of(options) if before is None or leg.entrant.from_run else "",
                    download=options.download,
                )
                ending = drive(engine, job, lambda event: None)
                if not isinstance(ending, events.Completed):
                    code = finish(ending, stream_has_it=True)
                    _say_how_to_go_on(folder)
                    return code
            if options.transfer and transfer.read_layers(folder) is None:
                say("What each layer group tells.")
                _probe_layers(engine, wanted, folder, found, options)
        except KeyboardInterrupt:
            _say_how_to_go_on(folder)
            raise
    return _show(of_comparison(folder), options.json, folder)


def _entrants(options: argparse.Namespace, run: RunFolder | None) -> list[Entrant]:
    if options.transfer:
        if options.with_and_without:
            raise UserError("--transfer and --with-and-without are two questions.", "Ask them one after the other.")
        if run is not None:
            raise UserError(
                "--transfer asks about the published weights, and --weights names an earlier run.",
                "Leave one of them away. Whether that run helps is asked with --with-and-without.",
            )
        return list(transfer.ENTRANTS)
    if options.with_and_without:
        if run is None:
            raise UserError("--with-and-without compares an earlier run.", "Name it with --weights RUN.")
        return comparison.with_and_without(comparison.entrants_of(options.strategies or DEFAULT_FROM_RUN, fewest=1))
    entrants = comparison.entrants_of(options.strategies or DEFAULT_STRATEGIES)
    if run is None:
        return entrants
    return [msgspec.structs.replace(one, from_run=strategy(one.strategy).pretrained) for one in entrants]


def _probe_layers(
    engine: EngineProcess, wanted: Comparison, folder: Path, found: Opened, options: argparse.Namespace
) -> None:
    """Asks the pretrained network; where that fails, the verdict does without."""
    listing = listing_path(cache_dir())
    write_listing(
        listing, found.look, found.scan, split_of(found.scan, RunSpec().split_fractions, wanted.seed, found.project)
    )
    job = commands.ProbeLayers(
        listing=str(listing),
        data=str(found.look.root.absolute()),
        rule=found.scan.pixel_rule,
        backbone=wanted.backbone,
        weights_file=weights_of(options),
        fit=wanted.fit,
        size=wanted.size or None,
        seed=wanted.seed,
    )

    def heard(event: events.AnyEvent) -> None:
        if isinstance(event, events.LayersProbed):
            transfer.write_layers(folder, event)

    drive(engine, job, heard)


def _say_how_to_go_on(folder: Path) -> None:
    note("What is there is kept; the same command with --out goes on:")
    note(f'  --out "{folder}"')


def _asked(
    options: argparse.Namespace, name: str, entrants: list[Entrant], found: Opened, run: RunFolder | None
) -> Comparison:
    scan = found.scan
    wanted = Comparison(
        dataset=scan.name,
        fingerprint=comparing.images_key(scan),
        grouped_by=scan.grouping.key,
        backbone=name,
        weights=options.weights.name if options.weights and run is None else "",
        size=options.size or 0,
        fit=options.fit or "crop",
        epochs=options.epochs,
        seed=options.seed,
        augmentation=options.augmentation,
        entrants=entrants,
        purpose="transfer" if options.transfer else "source" if options.with_and_without else "strategies",
    )
    earlier = comparing.earlier_run(run, wanted) if run is not None else None
    choosing = comparing.choosing_of(scan, wanted, found.project, earlier)
    folds = options.folds
    if folds is None:
        folds = comparing.default_folds(scan, choosing)
    elif folds == 1:
        raise UserError("One fold would score nothing that another run has learned.", "Give --folds 2 or more, or 0.")
    comparing.refuse_folds(choosing, folds)
    return msgspec.structs.replace(wanted, folds=folds, source=earlier.source if earlier is not None else None)


def _begin(folder: Path, wanted: Comparison) -> None:
    """Writes down what is compared, or finds it written down.

    Raises:
        UserError: another comparison, or something else, is in the folder.
    """
    if comparison.is_comparison(folder):
        there = comparison.read(folder)
        if msgspec.structs.replace(there, tlgui="") != wanted:
            raise UserError(
                f"'{folder.name}' holds another comparison.",
                "Give the same images and options as when it was begun, or another --out.",
            )
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"The folder '{folder.name}' is not empty.", "Give --out a new folder, or an empty one.")
    comparison.write(folder, wanted)


def _plan(wanted: Comparison) -> str:
    ways = counted(len(wanted.entrants), "way")
    how = f"{wanted.folds} folds each" if wanted.folds else "one split"
    return f"{ways}, {how}, {counted(wanted.epochs, 'epoch')}."


def _show(result: Result, as_json: bool, folder: Path | None = None) -> int:
    if as_json:
        fields = msgspec.to_builtins(result)
        print_json(msgspec.json.encode({**fields, "folder": folder.name if folder else None}))
        return 0
    out = console()
    table = Table("way", "accuracy", "95 % interval", "trained for", "parameters that learn", box=None, pad_edge=False)
    for row in result.rows:
        mark = " *" if row.key == result.cheapest else ""
        interval = f"{100 * row.low:.1f} to {100 * row.high:.1f}"
        table.add_row(
            f"{row.label}{mark}",
            f"{100 * row.accuracy:.1f} %",
            interval,
            took(row.seconds),
            f"{row.trainable_parameters:,}",
        )
    out.print(table)
    names = {row.key: row.label for row in result.rows}
    pairs = Table("pair", "difference, points", "95 % interval", "p", "adjusted", "", box=None, pad_edge=False)
    for pair in result.pairs:
        verdict = {"a is better": "the first is better", "b is better": "the second is better"}.get(
            pair.verdict, pair.verdict
        )
        pairs.add_row(
            f"{names[pair.a]} - {names[pair.b]}",
            f"{100 * pair.difference:+.1f}",
            f"{100 * pair.low:+.1f} to {100 * pair.high:+.1f}",
            f"{pair.p:.3f}",
            f"{pair.p_adjusted:.3f}",
            verdict,
        )
    out.print(pairs)
    if result.transfer is not None:
        out.print(result.transfer.sentence)
        for cause in result.transfer.causes:
            out.print(f"  {cause.line}")
    for sentence in result.sentences:
        out.print(sentence)
    out.print("* the cheapest way that is not clearly worse than the best")
    return 0
