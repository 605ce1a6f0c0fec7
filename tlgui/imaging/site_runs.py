"""Which site each image is from, and the run folders in which one site after another is held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.project import Project
from tlgui.core.records import LeftOut, Reason, Scan
from tlgui.core.run_folder import RunFolder
from tlgui.core.sites import MOST_SITES, Sites
from tlgui.core.source import learned_by, run_of
from tlgui.imaging.comparing import images_key
from tlgui.imaging.name_key import compile_pattern, find
from tlgui.imaging.opening import Opened
from tlgui.imaging.prepare import prepare_run
from tlgui.imaging.table_choice import groups_by_column

FOLDER = "folder"
COLUMN = "column:"
_FEWEST = 2  # images of a site: one alone has no score worth the name


def sites_of(opened: Opened, by: str) -> dict[str, str]:
    """The site of each used image, by its path.

    Args:
        opened: the folder.
        by: "folder" (the folder at the top), "column:NAME" of a label table, or a regular expression for the file name
            (the whole path, where it has a "/"), whose first (...) is the site.

    Raises:
        UserError: some image has no site, there are not at least two, or there are too many.
    """
    scan = opened.scan
    if by == FOLDER:
        found = {record.path: record.path.partition("/")[0] for record in scan.used if "/" in record.path}
    elif by.startswith(COLUMN):
        found = _of_column(opened, by)
    else:
        pattern = compile_pattern(by)
        found = {record.path: hit[0] for record in scan.used if (hit := find(pattern, record.path)) is not None}
    _refuse(scan, found, by)
    return found


def _of_column(opened: Opened, by: str) -> dict[str, str]:
    """What a label table says; a group of the split would not do, since copies of an image join groups."""
    values = groups_by_column(opened.look.tree, opened.look.tables, by.removeprefix(COLUMN))
    if values is None:
        raise UserError(
            f"No label table here has a column '{by.removeprefix(COLUMN)}'.",
            "Check its name, or give --table FILE.",
            code="no_sites",
        )
    used = {record.path for record in opened.scan.used}
    return {path: value.strip() for path, value in values.items() if path in used and value.strip()}


def _words(by: str) -> str:
    if by == FOLDER:
        return "the folder at the top"
    return f"the column '{by.removeprefix(COLUMN)}'" if by.startswith(COLUMN) else f"the pattern '{by}'"


def _refuse(scan: Scan, found: Mapping[str, str], by: str) -> None:
    missing = [record.path for record in scan.used if record.path not in found]
    if missing:
        raise UserError(
            f"{len(missing):,} of {len(scan.used):,} images have no site, such as '{missing[0]}'.",
            "Say how it is told with --by: folder, column:NAME, or a pattern such as '^(mono|poly)'.",
            code="no_sites",
        )
    sizes = Counter(found.values())
    if len(sizes) < 2:
        raise UserError(
            f"By {_words(by)} all images are from one site.", "Say with --by how sites are told.", code="no_sites"
        )
    if len(sizes) > MOST_SITES:
        raise UserError(
            f"By {_words(by)} there are {len(sizes):,} sites, and each takes a training.",
            f"Choose what tells at most {MOST_SITES}.",
        )
    small = [name for name, n in sizes.items() if n < _FEWEST]
    if small:
        raise UserError(f"The site '{small[0]}' has a single image.", "Leave it out, or join it to another one.")
    given: dict[str, set[str]] = {}
    classes: dict[str, set[str]] = {}
    for record in scan.used:
        given.setdefault(found[record.path], set()).add(record.given_split)
        classes.setdefault(found[record.path], set()).add(record.class_name)
    parts = [next(iter(one)) for one in given.values() if len(one) == 1]
    if by == FOLDER and "" not in parts and len(parts) == len(given) == len(set(parts)):
        raise UserError(
            "The folders at the top say what trains and what tests, and are no sites.",
            "Say how sites are told with --by: column:NAME, or a pattern for the file name.",
            code="no_sites",
        )
    if all(len(one) == 1 for one in classes.values()):
        raise UserError(
            "Each site would have a single class, so what is told apart could be the sites.",
            "Say how sites are told with --by: column:NAME, or a pattern for the file name.",
            code="no_sites",
        )


def made(
    folder: Path,
    sites: Sites,
    place: int,
    of: Mapping[str, str],
    data: Path,
    scan: Scan,
    project: Project | None,
    weights_file: str = "",
) -> RunFolder:
    """The run folder in which the site at a place is held out: its images test, the others train and validate.

    Where a group lies in several sites, its images at the site are tested, and its others are left out of training.
    Images that an earlier run has learned, whose weights are given, test nothing.

    Raises:
        UserError: the images are not those with which it began, or the folder cannot be written.
    """
    if images_key(scan) != sites.images:
        raise UserError(
            f"The images of '{sites.dataset}', their classes or groups are not as when this began.",
            "Put them back as they were, or begin anew.",
            code="comparison_images",
        )
    if weights_file:
        _refuse_known_sites(of, scan, weights_file)
    path = folder / sites.folder_of(place)
    if (path / "manifest.csv").is_file() and RunFolder(path).spec().dataset is not None:
        return RunFolder(path)
    name = sites.names[place]
    held = {record.group for record in scan.used if record.group and of[record.path] == name}
    used = [
        msgspec.structs.replace(record, given_split="test" if of[record.path] == name else "train")
        for record in scan.used
        if of[record.path] == name or record.group not in held
    ]
    kept = {record.path for record in used}
    torn = [
        LeftOut(
            path=record.path, reason_code=Reason.HELD_OUT_GROUP, reason="It belongs to images of the site held out."
        )
        for record in scan.used
        if record.path not in kept
    ]
    return prepare_run(
        data,
        sites.spec(),
        path,
        scan=msgspec.structs.replace(scan, used=used, left_out=[*scan.left_out, *torn], fold=None, cut_test=False),
        project=project,
        keeps_split=False,
        follows_split=False,
        weights_file=weights_file,
    ).run


def _refuse_known_sites(of: Mapping[str, str], scan: Scan, weights_file: str) -> None:
    """Before any training: a site that the earlier run has learned whole could not be tested."""
    run = run_of(weights_file)
    if run is None:
        return
    learned = learned_by(run).chosen
    left = Counter(of[record.path] for record in scan.used if record.content_hash not in learned)
    if known := [name for name in sorted(set(of.values())) if not left[name]]:
        raise UserError(
            f"The run '{run.name}' has learned every image of the site '{known[0]}', so nothing of it can be tested.",
            "Begin with the published weights, or with a run that does not know that site.",
            code="source_knows",
        )
