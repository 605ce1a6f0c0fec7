"""Sites as the window asks for them: how they could be told, and all run folders in which one after another is held out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from tlgui.core import sites
from tlgui.core.comparison import ComparedRun, is_done, new_folder
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import PrepareSites, SitesPrepared, SitesTried
from tlgui.core.records import NameExample
from tlgui.core.run_folder import RunFolder
from tlgui.core.sites import Sites
from tlgui.core.source import run_of
from tlgui.imaging.comparing import images_key, set_aside
from tlgui.imaging.file_index import index_of
from tlgui.imaging.name_key import compile_pattern, examples_of, find
from tlgui.imaging.names import order
from tlgui.imaging.opening import Opened
from tlgui.imaging.site_runs import COLUMN, FOLDER, made, sites_of
from tlgui.imaging.table_choice import fit

MOST_COLUMNS = 40
# Names of columns by which sites are told where nobody says how. A patient is no site.
_SITE = re.compile(
    r"(?<![a-z])(?:site|hospital|clinic|cent(?:re|er)|institut|scanner|device|camera|microscope|domain|source)", re.I
)


def tried(ticket: int, opened: Opened, by: str) -> SitesTried:
    """What one way to tell sites does to the images; with "", the first way that does.

    Args:
        ticket: of the request.
        opened: the images.
        by: as in `sites_of`, or "".
    """
    columns = columns_of(opened)
    ways = [by] if by else [FOLDER, *(f"{COLUMN}{name}" for name in columns if _SITE.search(name))]
    answers = [_tried(ticket, opened, way, columns) for way in ways]
    return next((one for one in answers if not one.problem), answers[0])


def columns_of(opened: Opened) -> list[str]:
    """Columns of the label tables here that could tell sites: not those of the files and the labels."""
    found: dict[str, None] = {}
    facts = opened.scan.facts
    taken = set(facts.columns.labels) if facts.columns is not None else set()
    for name in sorted(opened.look.tables, key=order):
        table = fit(opened.look.tables[name], index_of(opened.look.tree))
        if table.file_column:
            found |= dict.fromkeys(one for one in table.header if one != table.file_column and one not in taken)
    return list(found)[:MOST_COLUMNS]


def _tried(ticket: int, opened: Opened, by: str, columns: list[str]) -> SitesTried:
    examples: list[NameExample] = []
    try:
        if by != FOLDER and not by.startswith(COLUMN):
            examples = _examples(opened, by)
        sizes = Counter(sites_of(opened, by).values())
    except UserError as error:
        return SitesTried(
            ticket=ticket, by=by, examples=examples, columns=columns,
            problem=error.problem, remedy=error.remedy, code=error.code,
        )  # fmt: skip
    counted = {name: sizes[name] for name in sorted(sizes, key=order)}
    return SitesTried(ticket=ticket, by=by, sites=counted, examples=examples, columns=columns)


def _examples(opened: Opened, pattern: str) -> list[NameExample]:
    compiled = compile_pattern(pattern)
    groups: dict[str, list[str]] = {}
    for record in opened.scan.used:
        if (hit := find(compiled, record.path)) is not None:
            groups.setdefault(hit[0], []).append(record.path)
    return examples_of(compiled, groups)


def prepared(ticket: int, opened: Opened, asked: PrepareSites) -> SitesPrepared:
    """Every run folder; what began and did not come to its end is made anew.

    Raises:
        UserError: the images have no sites or are others than those with which it began, or a folder cannot be written.
    """
    folder = Path(asked.folder) if asked.folder else None
    by = sites.read(folder).by if folder is not None else asked.by
    of = sites_of(opened, by)
    names = sorted(set(of.values()), key=order)
    if folder is None:
        wanted = _wanted(opened, asked, names)
        folder = _place_of_new(opened)
        sites.write(folder, wanted)
    else:
        wanted = sites.read(folder)
        _refuse_changed(opened, wanted, names)  # before anything of it is set aside
    return SitesPrepared(
        ticket=ticket,
        folder=str(folder.resolve()),
        sites=wanted,
        runs=list(_runs(folder, wanted, of, opened, asked)),
    )


def _wanted(opened: Opened, asked: PrepareSites, names: list[str]) -> Sites:
    spec, begins = asked.spec, run_of(asked.weights_file)
    training = spec.training
    return Sites(
        dataset=opened.scan.name,
        images=images_key(opened.scan),
        by=asked.by,
        names=names,
        backbone=spec.backbone,
        weights=begins.name if begins is not None else Path(asked.weights_file).name,
        strategy=training.strategy,
        top_groups=training.top_groups or 0,
        epochs=training.epochs or 0,
        size=spec.size or 0,
        fit=spec.fit,
        seed=training.seed,
        augmentation=training.augmentation,
        mirror={None: "", True: "yes", False: "no"}[training.mirror],  # type: ignore[arg-type]
    )


def _place_of_new(opened: Opened) -> Path:
    opened.project.claim()
    return new_folder(opened.project.path / sites.FOLDER, datetime.now(), "sites")


def _refuse_changed(opened: Opened, wanted: Sites, names: list[str]) -> None:
    if images_key(opened.scan) != wanted.images or names != wanted.names:
        raise UserError(
            f"The images of '{wanted.dataset}', their classes, groups or sites are not as when this began.",
            "Put them back as they were, or begin anew.",
            code="comparison_images",
        )


def _runs(
    folder: Path, wanted: Sites, of: Mapping[str, str], opened: Opened, asked: PrepareSites
) -> Iterator[ComparedRun]:
    for place, name in enumerate(wanted.names):
        path = folder / wanted.folder_of(place)
        done = is_done(path)
        if not done and _is_of_no_use(path):
            set_aside(path)
        run = made(
            folder, wanted, place, of, Path(asked.data), opened.scan, opened.project, weights_file=asked.weights_file
        )
        yield ComparedRun(run=str(run.path.resolve()), label=name, strategy=wanted.strategy, done=done)


def _is_of_no_use(path: Path) -> bool:
    """The queue begins runs, and does not go on with them; and one whose making broke off has no manifest."""
    if not path.exists():
        return False
    run = RunFolder(path)
    whole = run.spec_path.is_file() and run.manifest_path.is_file()
    return not whole or (run.events_path.is_file() and not run.at_work)
