"""A run that learned on, opened once more after its training: its network, its images and what it knew before."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from tlgui.core import commands
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.heads import head_of
from tlgui.core.run_folder import RunFolder, open_run
from tlgui.core.split import PARTS
from tlgui.engine.backbones import build
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.device import look_for_device
from tlgui.engine.jobs.train_setup import Given, set_up
from tlgui.engine.retention.begin import begins_with
from tlgui.engine.retention.knowledge import FILE, Knowledge
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup
from tlgui.engine.timm_models import row_of


@dataclass(frozen=True)
class Ended:
    """The run.

    Attributes:
        setup: as its training had it, with the last weights.
        parts: its images.
        lowest: layer group that ever trained.
    """

    run: RunFolder
    setup: Setup
    knowledge: Knowledge
    parts: dict[str, Part]
    lowest: int


def ended(job: commands.MixWeights | commands.TryStrengths, control: Control) -> Generator[Event, None, Ended]:
    """Opens the run of a job.

    Raises:
        UserError: it did not learn on, no epoch has ended, its images are not there, or a file is damaged.
    """
    run = open_run(Path(job.run))
    spec = run.spec()
    checkpoints = Checkpoints(run)
    if spec.dataset is None or not (run.checkpoints / FILE).is_file() or not run.best_path.is_file():
        raise UserError(
            f"The run '{run.name}' did not learn on from anything that it keeps, or no epoch of it has ended.",
            "Choose a run that was made with --from RUN or --keep.",
            code="nothing_known",
        )
    root = Path(job.data)
    if not root.is_dir():
        raise UserError(
            f"The folder of the images '{root.name}' is not there.",
            "Say where it is with --data DIR.",
            code="images_missing",
        )
    rows, classes = run.manifest(), spec.dataset.classes
    parts: dict[str, Part] = {name: Part.of([row for row in rows if row.part == name], classes) for name in PARTS}
    device = look_for_device().device
    network = build(row_of(spec.backbone), len(classes), None, spec.fit, size=spec.size, head=head_of(spec.training))
    network.pretrained = True
    network.model.to(device)
    knowledge, roots = begins_with(run, spec, network, None, job.earlier, resume=True)
    assert knowledge is not None
    given = Given(
        run, spec, network, parts, root, control, device, checkpoints, knowledge=knowledge, earlier_roots=roots
    )
    setup = yield from set_up(given)
    return Ended(run, setup, knowledge, parts, checkpoints.place().lowest)
