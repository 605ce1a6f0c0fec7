"""From a dataset folder to a run folder: scan, split, resolve, write; the command line and the window share it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from tlgui import __version__
from tlgui.core import earlier, run_folder
from tlgui.core.backbones import backbone
from tlgui.core.errors import UserError
from tlgui.core.intake import Change, CutTest, GroupBy, SetTable, UseFold
from tlgui.core.planning import check_parts, prepared, resolve
from tlgui.core.project import Project, find_project
from tlgui.core.records import Scan
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import Dataset, RunSpec, Training
from tlgui.core.source import run_of, write_learned
from tlgui.core.split import PARTS, Part, conflicts, split
from tlgui.core.superseded import without_effect
from tlgui.imaging.adapting import new_site, refuse_without_target
from tlgui.imaging.beginnings import beginning_of, is_another, without_known
from tlgui.imaging.continuing import (
    before_of,
    classes_words,
    continued,
    not_adapted_to,
    remember_earlier,
    with_its_classes,
    with_its_head,
)
from tlgui.imaging.names import is_readable_name
from tlgui.imaging.opening import Opened, open_folder

Counts = dict[str, dict[Part, int]]  # class -> part -> images


@dataclass(frozen=True)
class Prepared:
    """A run that can be handed to the engine.

    Attributes:
        run: its folder.
        data: the dataset folder.
        scan: what was found there.
        counts: images of each class in each part.
        advice: why this strategy, where it was "auto"; else "".
        parts: of each used image.
        learns_on: what becomes of the classes of the run that is continued; "" where there is none.
    """

    run: RunFolder
    data: Path
    scan: Scan
    counts: Counts
    advice: str
    parts: dict[str, Part] = field(default_factory=dict)
    learns_on: str = ""


def split_of(
    scan: Scan, fractions: tuple[float, float, float], seed: int, project: Project | None = None
) -> dict[str, Part]:
    """The part of each used image: as the project kept it, new ones drawn."""
    kept = project.kept_split(fractions, seed) if project is not None else None
    return split(scan.used, fractions, seed, kept, scan.cut_test, scan.fold)


def count(scan: Scan, parts: dict[str, Part]) -> Counts:
    """Images of each class in each part; every class and every part is there, in their order."""
    counts: Counts = {name: dict.fromkeys(PARTS, 0) for name in scan.classes}
    for record in scan.used:
        counts[record.class_name][parts[record.path]] += 1
    return counts


def class_totals(counts: Counts) -> dict[str, int]:
    """Images in each class."""
    return {name: sum(row.values()) for name, row in counts.items()}


def part_totals(counts: Counts) -> dict[str, int]:
    """Images in each part."""
    return {part: sum(row[part] for row in counts.values()) for part in PARTS}


def prepare_run(
    data: Path,
    spec: RunSpec,
    run_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    scan: Scan | None = None,
    project: Project | None = None,
    read: Callable[[], Opened] | None = None,
    follows_journal: bool = True,
    keeps_split: bool = True,
    follows_split: bool = True,
    weights_file: str = "",
    target: Path | None = None,
    continues: bool = False,
    earlier_images: Path | None = None,
) -> Prepared:
    """Makes the run folder for a dataset.

    Args:
        data: the dataset folder; nothing is written there.
        spec: as asked for; open values are filled in.
        run_dir: the run folder itself; the default is a new one among the person's projects.
        progress: called with (files done, files in all).
        cancelled: asked between two files.
        scan: of this folder, where it was looked at already: nothing is read a second time then. A file that was changed
            since is found out by its content hash when the engine reads it.
        project: of this folder: its split is followed and kept, and a new run goes there; found where it is not given.
            Its decisions and its salt are in `scan` already, or are followed where there is none.
        read: opens the folder, where there is no scan; called when everything else is known to do. Decisions for this
            once that it follows are for this run alone: where they part images in another way, the run has a split of
            its own, unless it is the project's first one.
        follows_journal: False = the project's decisions were left aside in `scan`, so the run does not claim them.
        keeps_split: False = the split of this run is not kept in the project.
        follows_split: False = the split that the project keeps is not looked at.
        weights_file: the person's own weights. Where they are those of an earlier run, images that it has learned
            neither test this one nor choose its epoch.
        target: folder of unlabelled images of a new site, where the run adapts to one.
        continues: it learns on: the earlier run whose weights these are keeps its classes, and new ones are added.
        earlier_images: where the earlier run's images lie, where they are not where they were.

    Raises:
        UserError: the images, the spec or the place of the run do not do.
    """
    backbone(spec.backbone)
    # Named wrongly, a strategy fails here and not after minutes of reading images.
    resolve(spec.training, 0)
    _refuse_unsayable(data, run_dir)
    before = continued(run_of(weights_file), spec.training) if continues else None
    if before is not None:
        spec = msgspec.structs.replace(spec, training=with_its_head(spec.training, before))
    beginning = beginning_of(spec, weights_file)
    refuse_without_target(spec.training, target)
    if run_dir is not None:
        run_folder.refuse_occupied(run_dir)
    changes: Sequence[Change] = ()
    if scan is None:
        opened = _followed(read() if read is not None else open_folder(data, progress, cancelled))
        scan, project, changes = opened.scan, project or opened.project, opened.changes
    project = project or find_project(
        data, [record.path for record in scan.used] + [left.path for left in scan.left_out]
    )
    kept = split_project(project, changes, spec.split_fractions, spec.training.seed, scan) if follows_split else None
    if before is not None:
        scan = with_its_classes(scan, before)
    whole, parts = scan, split_of(scan, spec.split_fractions, spec.training.seed, kept)
    if beginning is not None:
        scan = without_known(scan, parts, beginning)
    check_parts(scan.used, parts, 1 if continues else 2)
    known = before_of(before, scan, parts) if before is not None else []
    remember_earlier(known, earlier_images)
    site = new_site(target, scan, progress, cancelled) if target is not None else None
    known = not_adapted_to(known, site) if site is not None else known
    training = _answered(prepared(spec.training), project)
    advice = resolve(spec.training, len(scan.used))[1]
    decided = [*(project.in_force if follows_journal else ()), *changes]
    replaced = without_effect(decided)
    dataset = Dataset(
        name=scan.name,
        fingerprint=run_folder.fingerprint(scan.used),
        layout=scan.layout,
        classes=scan.classes,
        images=len(scan.used),
        grouped_by=scan.grouping.key,
        groups=scan.grouping.groups,
        changes=[change.sentence() for place, change in enumerate(decided) if place not in replaced],
        formats=scan.formats,
    )
    spec = msgspec.structs.replace(
        spec,
        tlgui=__version__,
        data="",
        training=training,
        dataset=dataset,
        pixel_rule=scan.pixel_rule,
        # What was found out for another run is found out anew.
        machine=None,
        similarity=None,
        first_answer=None,
        chosen=None,
        source=None
        if beginning is None
        else msgspec.structs.replace(
            beginning.source,
            classes=before.classes if before is not None else [],
            changed=is_another(beginning.source, spec.source),
        ),
        earlier=[one.task for one in known],
        target=None if site is None else site.target,
        weights=spec.weights if beginning is None else beginning.source.sha256,
    )
    if kept is not None and keeps_split:
        # Before the run: by this the project has its own folder, also where another program begins one of the same name.
        kept.write_split(whole.used, parts, spec.split_fractions, spec.training.seed)
    path = run_dir or run_folder.new_path(project.runs, spec.backbone, training.strategy, datetime.now())
    run = run_folder.create(path, spec)
    try:
        run.write_manifest(scan.used, parts, scan.left_out)
        if beginning is not None:
            write_learned(run, beginning.learned)
        if known:
            earlier.write(run, known)
        if site is not None:
            run.write_target(site.images)
    except UserError:
        _take_back(run)
        if run_dir is None:
            with contextlib.suppress(OSError):
                run.path.rmdir()
        raise
    run_folder.remember_place(dataset.fingerprint, data)
    if site is not None and target is not None:
        run_folder.remember_place(site.target.fingerprint, target)
    said = classes_words(scan, before) if before is not None else ""
    return Prepared(run, data, scan, count(scan, parts), advice.sentence if advice else "", parts, said)


def split_project(
    project: Project, changes: Sequence[Change], fractions: tuple[float, float, float], seed: int, scan: Scan
) -> Project | None:
    """The project whose split is followed; `None` where changes for this once ask for another one than it keeps.

    Where they ask for other groups, the split is followed as long as it tears none of them.
    """
    if not changes or project.kept_split(fractions, seed) is None:
        return project
    if any(isinstance(change, CutTest | UseFold) for change in changes):
        return None
    if not any(isinstance(change, GroupBy | SetTable) for change in changes):
        return project
    torn, anew = (conflicts(scan.used, split_of(scan, fractions, seed, source)) for source in (project, None))
    return None if len(torn) > len(anew) else project


def _followed(opened: Opened) -> Opened:
    """The folder, where all that was decided about it is followed."""
    if opened.not_followed:
        raise UserError(
            f"What was decided about the folder '{opened.scan.name}' cannot be followed: {opened.not_followed}",
            "Put back what is missing; or open the folder in the window and take that decision back.",
        )
    return opened


def _answered(training: Training, project: Project) -> Training:
    """With the project's answer on left and right, where nothing is said for this run."""
    return training if training.mirror is not None else msgspec.structs.replace(training, mirror=project.intake.mirror)


def _refuse_unsayable(*places: Path | None) -> None:
    """A place whose name is no text cannot be told to the engine; better said now than after reading all images."""
    for place in places:
        if place is not None and not is_readable_name(str(place.absolute())):
            raise UserError(
                "The name of the folder, or of one above it, holds bytes that are no text.", "Rename that folder."
            )


def _take_back(run: RunFolder) -> None:
    """Removes what `create` made, so that the next try does not find the folder "not empty"."""
    with contextlib.suppress(OSError):
        run.spec_path.unlink()
        for path in run.lists:
            path.unlink(missing_ok=True)
        for folder in (run.checkpoints, run.results):
            folder.rmdir()
