"""Run folders of a comparison: the same images, parted in the same folds, for each way."""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime
from pathlib import Path

import msgspec

from tlgui.core.comparison import (
    FOLDER,
    MOST_FOLDS,
    ComparedRun,
    Comparison,
    Leg,
    folds_by_default,
    is_done,
    new_folder,
    read,
    write,
)
from tlgui.core.errors import UserError
from tlgui.core.imaging_requests import Fractions
from tlgui.core.project import Project
from tlgui.core.records import LeftOut, Reason, Scan
from tlgui.core.run_folder import RunFolder, open_run
from tlgui.core.split import most_folds
from tlgui.imaging.beginnings import Beginning, beginning_with, without_learned
from tlgui.imaging.opening import Opened
from tlgui.imaging.prepare import prepare_run, split_of
from tlgui.imaging.refusals import refuse_fold


def has_parts(scan: Scan) -> bool:
    """Whether the folder says what trains and what tests."""
    return any(record.given_split for record in scan.used)


def images_key(scan: Scan) -> str:
    """A hash of all that decides what a run of these images learns: contents, classes, groups, parts, pixel values.

    A comparison that goes on after a label was put right, say, would compare two different sets.
    """
    lines = sorted(
        "\t".join((record.path, record.content_hash, record.class_name, record.group, record.given_split))
        for record in scan.used
    )
    rule = msgspec.json.encode(scan.pixel_rule)
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape") + b"\n" + rule).hexdigest()


def without_test(scan: Scan, fractions: Fractions, seed: int, project: Project | None) -> Scan:
    """The images that may choose: not those that test a run of these images, so that their score stays honest.

    Args:
        scan: without a fold.
        fractions, seed: of the split.
        project: whose split is followed.
    """
    parts = split_of(scan, fractions, seed, project)
    tests = [record for record in scan.used if parts[record.path] == "test"]
    kept = [
        LeftOut(path=record.path, reason_code=Reason.KEPT_FOR_TEST, reason="It is kept to test what is chosen.")
        for record in tests
    ]
    used = [record for record in scan.used if parts[record.path] != "test"]
    return msgspec.structs.replace(scan, used=used, left_out=[*scan.left_out, *kept])


def choosing_of(scan: Scan, comparison: Comparison, project: Project | None, earlier: Beginning | None) -> Scan:
    """The images that may choose among the ways: no test images, and none that the earlier run has learned.

    Raises:
        UserError: that run has learned nearly all.
    """
    left = without_test(scan, comparison.split_fractions, comparison.seed, project)
    return left if earlier is None else without_learned(left, earlier)


def default_folds(scan: Scan, choosing: Scan) -> int:
    """How many folds where nobody says; none where even two would leave a class out of one.

    Args:
        scan: all images.
        choosing: those that may choose.
    """
    folds = folds_by_default(len(scan.used), has_parts(scan))
    most = most_folds(choosing.used)
    return min(folds, most) if most >= 2 else 0


def refuse_folds(scan: Scan, folds: int) -> None:
    """Raise a UserError where the images, those that may choose, cannot be parted so."""
    if folds > MOST_FOLDS:
        raise UserError(f"{folds} folds would be {folds} runs of each way.", f"Choose {MOST_FOLDS} folds at the most.")
    if folds:
        refuse_fold(scan.used, (1, folds))


def place_of_new(project: Project) -> Path:
    """A folder for a new comparison, in the project that these images have from now on.

    Raises:
        UserError: the project cannot be written.
    """
    project.claim()
    return new_folder(project.path / FOLDER, datetime.now())


def earlier_run(run: RunFolder, comparison: Comparison) -> Beginning:
    """The earlier run of a comparison that is made or gone on with.

    Raises:
        UserError: it has another network, it is not the one with which the comparison began, or its files are damaged.
    """
    if run.spec().backbone != comparison.backbone:
        raise UserError(
            f"The run '{run.name}' has the network {run.spec().backbone}, and {comparison.backbone} is compared.",
            "Choose a run with that network.",
            code="weights_unfit",
        )
    found = beginning_with(run)
    # Of one that is about to be made the checksum is still open.
    if comparison.source is not None and comparison.source.sha256 not in ("", found.source.sha256):
        raise UserError(
            f"The comparison began with the run '{comparison.source.run}', and '{run.name}' has other weights.",
            "Give the run with which it began, or begin a new comparison.",
            code="weights_own",
        )
    return found


def made(
    folder: Path,
    comparison: Comparison,
    leg: Leg,
    data: Path,
    scan: Scan,
    project: Project | None,
    earlier: Beginning | None = None,
) -> RunFolder:
    """The run folder of a leg: the one that is there, or a new one. The split that the project keeps stays as it is.

    Args:
        folder: of the comparison.
        comparison, leg: what is made.
        data: the folder of images.
        scan: of it, without a fold.
        project: of it.
        earlier: the run that some ways begin with.

    Raises:
        UserError: the images are not those with which it began, or the folder cannot be written.
    """
    _refuse_changed(comparison, scan)
    path = folder / leg.folder
    if _is_made(path):
        return RunFolder(path)
    set_aside(path)
    around = (leg.fold, comparison.folds) if leg.fold else None
    if around is not None:
        scan = without_test(scan, comparison.split_fractions, comparison.seed, project)
    if earlier is not None:
        if around is None:
            # Before any image is taken out: what tests a run of these images must not come to choose here.
            parts = split_of(scan, comparison.split_fractions, comparison.seed, project)
            used = [msgspec.structs.replace(record, given_split=parts[record.path]) for record in scan.used]
            scan = msgspec.structs.replace(scan, used=used)
        # For all ways: those without it are scored on the same images.
        scan = without_learned(scan, earlier)
    return prepare_run(
        data,
        comparison.spec(leg.entrant),
        path,
        scan=msgspec.structs.replace(scan, fold=around),
        project=project,
        keeps_split=False,
        follows_split=around is None,
        weights_file=str(earlier.run.best_path) if earlier is not None and leg.entrant.from_run else "",
    ).run


def all_made(
    folder: Path | None, comparison: Comparison, folds: int | None, data: Path, opened: Opened, run: Path | None = None
) -> tuple[Path, Comparison, list[ComparedRun]]:
    """Every run folder of a comparison; what began and did not come to its end is made anew.

    Args:
        folder: of a comparison that is there; `None` = a new one in the project.
        comparison: what a new one compares; its images are filled in.
        folds: of a new one; `None` = as its images need.
        data, opened: the images.
        run: the earlier run that some ways begin with.

    Returns:
        The folder, the comparison as it is written down, and its runs in their order.

    Raises:
        UserError: the images do not do, or a folder cannot be written.
    """
    scan = opened.scan
    asked = comparison if folder is None else read(folder)
    earlier = earlier_run(open_run(run), asked) if run is not None else None
    if earlier is None and any(way.from_run for way in asked.entrants):
        raise UserError(
            f"This comparison begins with the earlier run '{asked.source.run if asked.source else ''}'.",
            "Say where that run is.",
            code="weights_own",
        )
    if earlier is not None and folder is not None and asked.source is None:
        raise UserError(
            f"The comparison '{folder.name}' began with the published weights alone.",
            "Go on with it as it began, or begin a new one.",
            code="weights_own",
        )
    if folder is None:
        choosing = choosing_of(scan, comparison, opened.project, earlier)
        folds = default_folds(scan, choosing) if folds is None else folds
        refuse_folds(choosing, folds)
        comparison = msgspec.structs.replace(
            comparison,
            dataset=scan.name,
            fingerprint=images_key(scan),
            grouped_by=scan.grouping.key,
            folds=folds,
            source=earlier.source if earlier is not None else None,
        )
        folder = place_of_new(opened.project)
        write(folder, comparison)
    else:
        comparison = asked
        _refuse_changed(comparison, scan)  # before anything of it is removed
    runs = []
    for leg in comparison.legs():
        path = folder / leg.folder
        done = is_done(path)
        if not done and (path / "events.jsonl").is_file() and not RunFolder(path).at_work:
            # The queue begins runs, and does not go on with them: what this one has learned is learned again.
            set_aside(path)
        one = made(folder, comparison, leg, data, scan, opened.project, earlier)
        way = leg.entrant
        runs.append(
            ComparedRun(
                run=str(one.path.resolve()), label=leg.label, strategy=way.strategy, done=done, from_run=way.from_run
            )
        )
    return folder, comparison, runs


def _is_made(path: Path) -> bool:
    return (
        (path / "run.toml").is_file()
        and RunFolder(path).spec().dataset is not None
        and (path / "manifest.csv").is_file()
    )


def set_aside(path: Path) -> None:
    """Makes place for a run folder; what is there gets another name, since it may hold notes and results.

    Raises:
        UserError: the system refuses.
    """
    if not path.exists():
        return
    number = next(
        number for number in itertools.count(1) if not path.with_name(f"{path.name} earlier {number}").exists()
    )
    try:
        path.rename(path.with_name(f"{path.name} earlier {number}"))
    except OSError as error:
        raise UserError(
            f"The run folder '{path.name}' cannot be set aside ({error.strerror or error}).",
            "Close other programs that use it, then go on.",
            code="comparison_folder",
        ) from error


def _refuse_changed(comparison: Comparison, scan: Scan) -> None:
    if images_key(scan) != comparison.fingerprint:
        raise UserError(
            f"The images of '{comparison.dataset}', their classes or groups are not as when the comparison began.",
            "Put them back as they were and read them with the same options, or begin a new comparison.",
            code="comparison_images",
        )
