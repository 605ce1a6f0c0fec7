"""Run folders of a comparison: the same images, parted in the same folds, for each way."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tlgui.core.comparison import Comparison, Leg
from tlgui.core.errors import UserError
from tlgui.core.project import Project
from tlgui.core.records import Scan
from tlgui.core.run_folder import RunFolder, fingerprint
from tlgui.imaging.prepare import prepare_run
from tlgui.imaging.refusals import refuse_fold


def has_parts(scan: Scan) -> bool:
    """Whether the folder says what trains and what tests."""
    return any(record.given_split for record in scan.used)


def refuse_folds(scan: Scan, folds: int) -> None:
    """Raise a UserError where the images cannot be parted so."""
    if folds:
        refuse_fold(scan.used, (1, folds))


def made(folder: Path, comparison: Comparison, leg: Leg, data: Path, scan: Scan, project: Project | None) -> RunFolder:
    """The run folder of a leg: the one that is there, or a new one. The split that the project keeps stays as it is.

    Args:
        folder: of the comparison.
        comparison, leg: what is made.
        data: the folder of images.
        scan: of it, without a fold.
        project: of it.

    Raises:
        UserError: the images are not those with which it began, or the folder cannot be written.
    """
    if fingerprint(scan.used) != comparison.fingerprint or scan.grouping.key != comparison.grouped_by:
        raise UserError(
            f"The images of '{comparison.dataset}', or what keeps them together, are not as when the comparison began.",
            "Put them back as they were and read them with the same options, or begin a new comparison.",
            code="images_changed",
        )
    path = folder / leg.folder
    if (
        (path / "run.toml").is_file()
        and RunFolder(path).spec().dataset is not None
        and (path / "manifest.csv").is_file()
    ):
        return RunFolder(path)
    around = (leg.fold, comparison.folds) if leg.fold else None
    return prepare_run(
        data,
        comparison.spec(leg.entrant),
        path,
        scan=msgspec.structs.replace(scan, fold=around),
        project=project,
        keeps_split=False,
    ).run
