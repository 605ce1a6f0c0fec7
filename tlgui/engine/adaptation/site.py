"""The new site of a run: its images, where they lie now, and what a person should know of them before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tlgui.core import commands
from tlgui.core.adaptation import adaptation
from tlgui.core.errors import UserError
from tlgui.core.events import Notice
from tlgui.core.run_folder import RunFolder, recall_place
from tlgui.core.run_spec import RunSpec
from tlgui.core.strategies import strategy
from tlgui.engine.adaptation.after import has_norms
from tlgui.engine.adaptation.target import part_of
from tlgui.engine.network import Network
from tlgui.engine.samples import Part
from tlgui.imaging.names import counted

# Below so many a distribution is hardly known.
_FEW = 30


def site_of(run: RunFolder, spec: RunSpec, job: commands.Train) -> tuple[Part | None, Path | None]:
    """The unlabelled images of a run that adapts, and their folder; `None` twice where it adapts to none.

    Raises:
        UserError: their folder is not where it was, or their list cannot be read.
    """
    if spec.target is None or spec.training.adapt == "none":
        return None, None
    root = Path(job.target) if job.target else recall_place(spec.target.fingerprint)
    if root is None or not root.is_dir():
        raise UserError(
            f"The images of the new site '{spec.target.name}' are not where they were.",
            "Say where they are with --target DIR.",
            code="target_missing",
        )
    return part_of(run.target()), root


def site_notices(spec: RunSpec, network: Network) -> Iterator[Notice]:
    """What is adapted to, and what that changes.

    Raises:
        UserError: the network has nothing that could be adapted so.
    """
    target, row = spec.target, adaptation(spec.training.adapt)
    assert target is not None
    said = [f"{row.sentence} {counted(target.images, 'image')} of '{target.name}' take part, without labels."]
    if target.known:
        said.append(
            f"{counted(target.known, 'image')} of that folder are also images of the known site and take no part."
        )
    if target.images < _FEW:
        said.append("So few tell little of a site: look at its results with care.")
    yield Notice(code="adaptation", message=" ".join(said))
    alone = strategy(spec.training.strategy).trains == "head"
    if row.during and alone and spec.training.head == "hidden":
        yield Notice(
            code="projection",
            message=f"A layer of {spec.training.head_units} units is put before the last one: the frozen network below "
            "cannot be moved, and this layer can. It is part of every export.",
        )
    if row.name == "statistics" and not has_norms(network):
        raise UserError(
            f"{network.row.label} keeps no statistics that could be measured anew (it has no BatchNorm).",
            "Adapt with --adapt mmd, adversarial or mcc, or choose another network.",
            code="no_statistics",
        )
