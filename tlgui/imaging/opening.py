"""Opening a folder of images: its names, its project with the person's decisions, its files, and what is used of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.intake import Change, Intake, fold
from tlgui.core.project import Project, find_project, table_place
from tlgui.core.records import Scan
from tlgui.imaging.assemble import Look, assemble, layout_of
from tlgui.imaging.label_table import read_table
from tlgui.imaging.layout import Layout
from tlgui.imaging.scan import ScanCancelled, complete, look_at
from tlgui.imaging.walk import Tree

Progress = Callable[[int, int], None]
InHand = Callable[[str], AbstractContextManager[None]]


@dataclass
class Opened:
    """A folder that was read.

    Attributes:
        look: what lies in it.
        project: what belongs to it for good.
        intake: the decisions that `scan` follows.
        scan: what is used.
        not_followed: why the decisions of the journal could not be followed (a table that is gone, say), in words; they
            are then left aside. "" = they are followed.
        changes: decisions for this once that `scan` follows too.
        fewest_classes: that the folder needs.
    """

    look: Look
    project: Project
    intake: Intake
    scan: Scan
    not_followed: str = ""
    changes: Sequence[Change] = ()
    fewest_classes: int = 2


def open_folder(
    root: Path,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    named: Callable[[Look, Layout], None] | None = None,
    in_hand: InHand = lambda _path: nullcontext(),
    isolated: bool = True,
    changes: Sequence[Change] = (),
    follow_journal: bool = True,
    tables: Mapping[str, Path] | None = None,
    fewest_classes: int = 2,
) -> Opened:
    """Reads a folder as its project wants it read. Nothing is written but the cache of what was read.

    Args:
        root: the folder.
        progress: called with (files done, files in all).
        cancelled: asked between two files.
        named: called with all names, before the first file is read.
        in_hand: entered around the reading of each file that is read in this process.
        isolated: files are read in processes of their own, so that a decoder that breaks down takes only itself along.
        changes: further decisions, for this once.
        follow_journal: False = as if the person had decided nothing yet.
        tables: where label tables lie that `changes` name and that are not in the folder.
        fewest_classes: that are needed; 1 where a network that knows others learns on.

    Raises:
        UserError: no classifier can come of this folder; says what to do.
        ScanCancelled: `cancelled()` returned True.
    """
    found: list[tuple[Project, Intake]] = []

    def opened(follow: bool) -> Opened:
        def decide(tree: Tree) -> tuple[Intake, Mapping[str, Path]]:
            project = find_project(Path(root), [file.path for file in tree.files])
            intake = project.with_changes(changes) if follow else fold(changes)
            found.append((project, intake))
            given = {name: place for name, place in (tables or {}).items() if name == intake.table}
            return intake, given or places_of_tables(project, intake, tree)

        look = look_at(Path(root), progress, cancelled, None, named, in_hand, decide=decide, isolated=isolated)
        project, intake = found[-1]
        scan = assemble(look, intake, project.salt, stop_if_cancelled=stopper(cancelled), fewest_classes=fewest_classes)
        return Opened(look, project, intake, scan, changes=changes, fewest_classes=fewest_classes)

    try:
        return opened(follow_journal)
    except UserError as error:
        # What was decided earlier may not fit what lies in the folder now. That must not lock the person out.
        if not follow_journal or not found or found[-1][1] == fold(changes):
            raise
        try:
            plain = opened(follow=False)
        except UserError:
            raise error from None
        plain.not_followed = error.problem
        return plain


def read_anew(
    opened: Opened, intake: Intake, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> Scan:
    """What is used with other decisions; files that were not needed before are read now.

    Raises:
        UserError: with these, no classifier can come of the folder.
        ScanCancelled: `cancelled()` returned True.
    """
    look = opened.look
    for name, place in places_of_tables(opened.project, intake, look.tree).items():
        if name not in look.tables:
            look.tables[name] = read_table(place, name)
    layout, _facts = layout_of(look, intake)
    complete(look, layout, progress, cancelled, isolated=True)
    return assemble(
        look,
        intake,
        opened.project.salt,
        stop_if_cancelled=stopper(cancelled),
        fewest_classes=opened.fewest_classes,
    )


def places_of_tables(project: Project, intake: Intake, tree: Tree) -> dict[str, Path]:
    """Where the label table lies that the decisions name, if it is not one of the folder's own.

    Raises:
        UserError: nobody knows, or nothing is there any more.
    """
    name = intake.table
    if not name or any(found.path == name for found in tree.files):
        return {}
    place = table_place(key_of_table(project, name))
    if place is None:
        raise UserError(
            f"The label table '{name}' is not where it was.",
            "Choose the table again, or take that decision back.",
            code="table_gone",
        )
    return {name: place}


def name_of_table(project: Project, tree: Tree, place: Path) -> str:
    """What a label table from elsewhere is called: its own name, with a number where another table has that already."""
    present = {found.path for found in tree.files}
    for number in itertools.count(1):
        name = place.name if number == 1 else f"{place.stem} ({number}){place.suffix}"
        known = table_place(key_of_table(project, name))
        # One that is gone was moved to its new place.
        if name not in present and (known in (None, place) or not known.is_file()):
            return name
    raise AssertionError("itertools.count ends never")


def key_of_table(project: Project, name: str) -> str:
    """Under which the state folder knows the place of a table that lies elsewhere."""
    return f"{project.path.name}/{name}"


def stopper(cancelled: Callable[[], bool] | None) -> Callable[[], None]:
    """Raises `ScanCancelled` once `cancelled()` says yes."""

    def stop_if_cancelled() -> None:
        if cancelled is not None and cancelled():
            raise ScanCancelled

    return stop_if_cancelled


def grouped_by(opened: Opened, key: str) -> Intake:
    """The decisions in force with another key; a column that the table was not read for is read."""
    columns, column = opened.scan.facts.columns, key.removeprefix("column:")
    if column == key or columns is None:
        return msgspec.structs.replace(opened.intake, group=key)
    return msgspec.structs.replace(
        opened.intake,
        layout="label table",
        table=opened.scan.facts.table,
        columns=msgspec.structs.replace(columns, group=column),
        group=key,
    )
