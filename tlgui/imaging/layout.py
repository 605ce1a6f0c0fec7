"""How a dataset is read: as class folders, train/validation/test, domain folders, or by a label table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tlgui.core.errors import UserError
from tlgui.core.intake import Intake
from tlgui.core.records import LayoutFacts
from tlgui.imaging.file_index import index_of
from tlgui.imaging.folder_names import PICTURE_SUFFIXES, SPLIT_NAMES, Parts, is_named_like_a_picture, persons_files
from tlgui.imaging.folder_readings import (
    CLASS_FOLDERS,
    DOMAIN_FOLDERS,
    SPLIT_FOLDERS,
    FolderReading,
    folder_readings,
)
from tlgui.imaging.label_table import LabelTable
from tlgui.imaging.names import listed, nfc, order
from tlgui.imaging.places import Layout, NoPlace, Place
from tlgui.imaging.table_choice import (
    LABEL_TABLE,
    TableChoice,
    choose_table,
    find_tables,
    groups_by_column,
    read_tables,
    table_evidence,
    table_read,
)
from tlgui.imaging.walk import Tree

__all__ = [
    "CLASS_FOLDERS",
    "DOMAIN_FOLDERS",
    "LABEL_TABLE",
    "PICTURE_SUFFIXES",
    "SPLIT_FOLDERS",
    "SPLIT_NAMES",
    "Layout",
    "NoPlace",
    "Parts",
    "Place",
    "choose_layout",
    "find_tables",
    "is_named_like_a_picture",
    "read_tables",
    "recognise",
    "table_read",
]

ALL_DOMAINS = "*"
CLEARLY_MORE = 1.2  # images that a table labels, for each that lies in a class folder
# Folders of such names part a heap of images and are no classes.
_HEAPS = re.compile(r"(.*[\W_])?(images?|imgs?|pictures?|part|batch|chunk|data|folder)[\W_]*\d*", re.IGNORECASE)


def choose_layout(tree: Tree, tables: Mapping[str, LabelTable], intake: Intake) -> tuple[Layout, LayoutFacts]:
    """The layout that the person asked for, else the one that fits best, with its evidence and what else would fit.

    Raises:
        UserError: what was asked for does not fit this folder; says why.
    """
    if not tables:
        return _choose(tree, tables, intake)
    # Each change of mind asks again, and most changes are of other things.
    asked = (intake.layout, intake.domain, intake.table, intake.columns, intake.group)
    key = repr((asked, sorted((name, id(table)) for name, table in tables.items())))
    known = list(tables.values())  # kept, so that their ids stay their own
    return index_of(tree).remembered(tree, key, lambda: (known, *_choose(tree, tables, intake)))[1:]


def _choose(tree: Tree, tables: Mapping[str, LabelTable], intake: Intake) -> tuple[Layout, LayoutFacts]:
    readings = folder_readings(tree)
    choice = choose_table(tree, tables, intake)
    name = intake.layout or _asked_by_the_way(intake) or _best(tree, readings, choice)
    others = [other for other in _fitting(readings, choice) if other != name]
    known = sorted(tables.keys() & {found.path for found in persons_files(tree)}, key=order) if tables else []
    if name == LABEL_TABLE:
        if choice is None:
            raise _does_not_fit(name)
        if choice.matched.problem is not None:
            raise choice.matched.problem
        layout, evidence = _table_layout(choice, readings.get(SPLIT_FOLDERS), known)
        columns, table = choice.columns, choice.table.name
        if (asked := _group_column(intake)) not in ("", columns.group):
            raise _no_column(asked)
        return layout, LayoutFacts(
            name=name, evidence=evidence, others=others, table=table, tables=known, columns=columns
        )
    if name not in readings:
        raise _does_not_fit(name)
    reading = readings[name]
    domain = _domain(reading, intake)
    layout = _folder_layout(reading, "" if domain == ALL_DOMAINS else domain, _groups(tree, tables, intake))
    return layout, LayoutFacts(
        name=name, evidence=reading.evidence, others=others, domains=list(reading.domains), domain=domain, tables=known
    )


def recognise(tree: Tree) -> Layout:
    """The layout that the folders of a tree show, without a look at tables."""
    return _folder_layout(next(iter(folder_readings(tree).values())))


def _asked_by_the_way(intake: Intake) -> str:
    """The layout that other decisions speak of."""
    if intake.table:
        return LABEL_TABLE
    return DOMAIN_FOLDERS if intake.domain else ""


def _best(tree: Tree, readings: Mapping[str, FolderReading], choice: TableChoice | None) -> str:
    """A table is taken where the folders tell no classes, or where it tells clearly more."""
    by_folders = next(iter(readings.values()))
    if choice is None:
        return by_folders.name
    layout = _folder_layout(by_folders)
    pictures = [
        place
        for found in persons_files(tree)
        if is_named_like_a_picture(found) or "." not in found.parts[-1]
        if isinstance(place := layout.place(found.parts), Place)
    ]
    classes = {place.class_name for place in pictures}
    if len(classes) < 2 or all(map(_HEAPS.fullmatch, classes)):
        return LABEL_TABLE
    labelled = 0 if choice.matched.problem else len(choice.matched.rows)
    return LABEL_TABLE if labelled > CLEARLY_MORE * len(pictures) else by_folders.name


def _fitting(readings: Mapping[str, FolderReading], choice: TableChoice | None) -> list[str]:
    """Names of the layouts that would do, the likeliest first."""
    parted = SPLIT_FOLDERS in readings and _begins_with_parts(readings[SPLIT_FOLDERS])
    # Two classes called "train" and "test" are nobody's.
    fits = [
        name
        for name, reading in readings.items()
        if len(reading.classes) >= 2 and not (parted and name == CLASS_FOLDERS)
    ]
    return [*fits, LABEL_TABLE] if choice is not None and choice.matched.problem is None else fits


def _begins_with_parts(reading: FolderReading) -> bool:
    return reading.is_sure and reading.levels[0] == "split"


def _does_not_fit(name: str) -> UserError:
    problems = {
        SPLIT_FOLDERS: ("No folder here is called 'train'.", "Choose the folder that holds the train folder."),
        DOMAIN_FOLDERS: (
            "The folders here do not hold the same class folders, as domains do.",
            "Choose the folder that holds one folder for each domain, each of them with the same class folders.",
        ),
        LABEL_TABLE: (
            "No label table was found that names files of this folder.",
            "Choose a table (CSV, TSV or XLSX) with one column of file names and one of labels.",
        ),
    }
    unknown = (f"There is no layout called '{name}'.", f"Choose one of these: {listed([*problems, CLASS_FOLDERS])}.")
    return UserError(*problems.get(name, unknown))


def _domain(reading: FolderReading, intake: Intake) -> str:
    """The domain in use, as in `LayoutFacts`."""
    asked = nfc(intake.domain)
    if not reading.domains or asked in ("", ALL_DOMAINS, *reading.domains):
        return asked if reading.domains else ""
    raise UserError(
        f"There is no domain called '{asked}' here.", f"Choose one of these: {listed(reading.domains, 12)}."
    )


def _groups(tree: Tree, tables: Mapping[str, LabelTable], intake: Intake) -> dict[str, str]:
    """Path -> what the column says by which the person wants images kept together."""
    name = _group_column(intake)
    groups = groups_by_column(tree, tables, name) if name else {}
    if groups is None:
        raise _no_column(name)
    return groups


def _group_column(intake: Intake) -> str:
    kind, _, name = intake.group.partition(":")
    return name if kind == "column" else ""


def _no_column(name: str) -> UserError:
    return UserError(
        f"No table in use has a column '{name}' beside the names of the files.",
        "Choose another way to keep images together, or put the table into the folder.",
    )


def _folder_layout(reading: FolderReading, domain: str = "", groups: Mapping[str, str] | None = None) -> Layout:
    depth = len(reading.base)
    return Layout(
        name=reading.name,
        base=reading.base,
        split_of=reading.split_of,
        class_folders=tuple(folder for folder in reading.class_folders if not domain or nfc(folder[depth]) == domain),
        levels=reading.levels,
        domains=reading.domains,
        domain=domain,
        groups=groups or {},
    )


def _table_layout(choice: TableChoice, parted: FolderReading | None, known: Sequence[str]) -> tuple[Layout, list[str]]:
    """The layout and its evidence; train, validation and test folders count where the table says nothing of parts."""
    matched, table = choice.matched, choice.table.name
    evidence = table_evidence(choice, [name for name in known if name != table])
    splits: dict[str, str] = {}
    if parted is not None and _begins_with_parts(parted) and not choice.columns.split:
        splits = _splits_by_folder(parted, matched.rows)
    if splits:
        evidence.append(f"The folders {listed(parted.split_of if parted else ())} say which part an image belongs to.")
    places: dict[str, Place | NoPlace] = {}
    for name, paths in matched.ambiguous.items():
        sentence = f"The name '{name}' in the table '{table}' fits {len(paths)} files; write it with its folder."
        places |= dict.fromkeys(paths, NoPlace(sentence))
    for path, row in matched.rows.items():
        split = row.split or splits.get(path, "")
        empty = NoPlace(f"The table '{table}' gives it no label.")
        places[path] = Place(row.class_name, split, row.group) if row.class_name else empty
    layout = Layout(
        name=LABEL_TABLE,
        levels=(),
        table=table,
        places=places,
        rows_without_file=matched.without_file,
        ambiguous_rows=matched.ambiguous,
        case_differs=matched.case_differs,
    )
    return layout, evidence


def _splits_by_folder(parted: FolderReading, paths: Mapping[str, object]) -> dict[str, str]:
    """Path -> part, for files below the train, validation and test folders; nothing where none of them trains."""
    depth = len(parted.base)
    splits: dict[str, str] = {}
    for path in paths:
        parts = tuple(path.split("/"))
        if len(parts) > depth + 1 and parts[:depth] == parted.base and parts[depth] in parted.split_of:
            splits[path] = parted.split_of[parts[depth]]
    return splits if "train" in splits.values() and len(splits) == len(paths) else {}
