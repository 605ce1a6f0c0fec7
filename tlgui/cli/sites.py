"""`tlgui sites`: what to expect at a new site, by holding out each known one in turn."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

import msgspec
from rich.table import Table

from tlgui.cli.drive import drive, engine_at_work, finish
from tlgui.cli.folder import opened, typed
from tlgui.cli.networks import make_known
from tlgui.cli.questions import weights_of
from tlgui.cli.terminal import LiveRun, console, note, print_json
from tlgui.core import commands, events, sites
from tlgui.core.backbones import DEFAULT_BACKBONE, backbone
from tlgui.core.comparison import new_folder
from tlgui.core.errors import UserError
from tlgui.core.project import Project
from tlgui.core.sites import Sites, SitesResult
from tlgui.core.source import run_of
from tlgui.core.strategies import AUTO, strategy
from tlgui.imaging import comparing, site_runs
from tlgui.imaging.names import counted, order


def hold_out(options: argparse.Namespace) -> int:
    """Runs `tlgui sites`.

    Raises:
        UserError: the images have no sites, or the folder is another one's.
    """
    if (options.data / sites.FILE).is_file():
        return _show(sites.result_of(options.data), options.json)
    row = strategy(options.strategy)
    if row.name == AUTO:
        raise UserError("'auto' could be another strategy for each site.", "Name the strategy, such as fine-tune-top.")
    say = note if options.json else console().print
    with engine_at_work() as engine:  # it loads its libraries while the images are read
        make_known(engine, options.backbone or DEFAULT_BACKBONE)
        name = backbone(options.backbone or DEFAULT_BACKBONE).name
        with LiveRun(console(), options.json) as live:
            asked = typed(options, options.data, live.on_bytes)
            found = opened(asked, live.on_files)
        of = site_runs.sites_of(found, options.by)
        wanted = Sites(
            dataset=found.scan.name,
            images=comparing.images_key(found.scan),
            by=options.by,
            names=sorted(set(of.values()), key=order),
            backbone=name,
            weights=_weights_name(options),
            strategy=row.name,
            top_groups=options.top_groups or 0,
            epochs=options.epochs or 0,
            size=options.size or 0,
            fit=options.fit or "crop",
            seed=options.seed,
            augmentation=options.augmentation,
        )
        folder = _begin(options.out, wanted, found.project)
        say(f"{counted(len(of), 'image')} from {counted(len(wanted.names), 'site')}. Folder: {folder.name}.")
        try:
            for place in sites.still_to_train(folder, wanted):
                weights_file = weights_of(options)
                run = site_runs.made(folder, wanted, place, of, asked.data, found.scan, found.project, weights_file)
                say(f"Site {place + 1} of {len(wanted.names)} is held out: {wanted.names[place]}.")
                job = commands.Train(
                    run=str(run.path),
                    data=str(asked.data.absolute()),
                    weights_file=weights_file,
                    download=options.download,
                )
                ending = drive(engine, job, lambda event: None)
                if not isinstance(ending, events.Completed):
                    code = finish(ending, stream_has_it=True)
                    _say_how_to_go_on(folder)
                    return code
        except KeyboardInterrupt:
            _say_how_to_go_on(folder)
            raise
    return _show(sites.result_of(folder), options.json)


def _weights_name(options: argparse.Namespace) -> str:
    """Of the person's own file, or of the earlier run whose it is; "" without one."""
    if options.weights is None:
        return ""
    run = run_of(options.weights)
    return str(run.name if run is not None else options.weights.name)


def _begin(out: Path | None, wanted: Sites, project: Project) -> Path:
    folder = out.absolute() if out is not None else _new(project)
    if (folder / sites.FILE).is_file():
        if msgspec.structs.replace(sites.read(folder), tlgui="") != wanted:
            raise UserError(
                f"'{folder.name}' holds other sites or settings.",
                "Give the same images and options as when it was begun, or another --out.",
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"The folder '{folder.name}' is not empty.", "Give --out a new folder, or an empty one.")
    else:
        sites.write(folder, wanted)
    return folder


def _new(project: Project) -> Path:
    project.claim()
    return new_folder(project.path / "sites", datetime.now(), "sites")


def _say_how_to_go_on(folder: Path) -> None:
    note("What is there is kept; the same command with --out goes on:")
    note(f'  --out "{folder}"')


def _show(result: SitesResult, as_json: bool) -> int:
    if as_json:
        print_json(msgspec.json.encode(result))
        return 0
    table = Table("site held out", "images", "accuracy", "95 % interval", "on known sites", box=None, pad_edge=False)
    for row in result.rows:
        table.add_row(
            row.name,
            f"{row.n:,}",
            f"{100 * row.accuracy:.1f} %",
            f"{100 * row.low:.1f} to {100 * row.high:.1f}",
            f"{100 * row.known:.1f} %",
        )
    interval = (
        f"{100 * result.low:.1f} to {100 * result.high:.1f}"
        if result.low is not None and result.high is not None
        else "-"
    )
    table.add_row("mean of sites", "", f"{100 * result.mean:.1f} %", interval, f"{100 * result.known:.1f} %")
    out = console()
    out.print(table)
    for row in result.rows:
        if row.unseen_classes:
            out.print(
                f"'{row.name}': {counted(row.unseen_classes, 'image')} of classes that no other site has cannot be right."
            )
    out.print(result.sentence)
    out.print("Known sites: validation images, which also chose the epoch of each run.")
    return 0
