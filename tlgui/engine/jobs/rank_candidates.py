"""Which networks are ranked: those that are ready, and those of earlier runs, as far as these know none of the images."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlgui.core import commands
from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.core.preprocessing import Fit
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec
from tlgui.core.source import learned_by, weights_of_run
from tlgui.engine import weights_state
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.listed_network import pretrained_network
from tlgui.imaging.listing import ListedImage

# A run that knows more of the images would leave the others too few to be asked with.
_MOST_KNOWN = 0.5
TOO_LARGE = "It does not fit into the memory of this computer."


@dataclass(frozen=True)
class Candidate:
    """A network that is ranked.

    Attributes:
        backbone, label: its name, and for people; no two have the same label.
        run: folder of the earlier run that trained it, as it was asked for; "" = as published.
        weights_file: its weights, where they are not the published ones.
        fit, size: as in `RunSpec`.
    """

    backbone: str
    label: str
    run: str = ""
    weights_file: str = ""
    fit: Fit = "crop"
    size: int | None = None


@dataclass(frozen=True)
class Candidates:
    """What is ranked on which images.

    Attributes:
        candidates: published ones first.
        left_out: labels of those that are not asked, each with the reason.
        images: that none of them has learned.
        known: how many were left out for that.
    """

    candidates: list[Candidate]
    left_out: dict[str, str]
    images: list[ListedImage]
    known: int


def candidates(job: commands.RankBackbones, images: list[ListedImage]) -> Candidates:
    """What the job names; where it names no backbones, all that are ready."""
    found = [Candidate(name, label_of(name)) for name in dict.fromkeys(job.backbones or ready())]
    left_out: dict[str, str] = {}
    known: set[str] = set()
    hashes = {image.content_hash for image in images}
    layers: dict[str, str] = {}
    for place in dict.fromkeys(job.runs):
        run = RunFolder(Path(place))
        label = _free(run.name, run, found, left_out)
        try:
            spec = run.spec()
            label = _free(run_label(run, spec), run, found, left_out)
            one = Candidate(spec.backbone, label, place, str(weights_of_run(run.path)), spec.fit, spec.size)
            learned = learned_by(run).chosen & hashes
            if len(learned) > _MOST_KNOWN * len(hashes):
                raise UserError(
                    f"It has learned {len(learned):,} of these {len(hashes):,} images, so they cannot judge it.", ""
                )
            if len(known | learned) > _MOST_KNOWN * len(hashes):
                raise UserError("With the runs before it, it has learned more than half of these images.", "")
            _refuse_known_layers(one, found, layers)
        except UserError as error:
            left_out[label] = f"{error.problem} {error.remedy}".strip()
            continue
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            left_out[label] = TOO_LARGE
            continue
        known |= learned
        found.append(one)
    asked = [image for image in images if image.content_hash not in known]
    return Candidates(found, left_out, asked, len(images) - len(asked))


def ready() -> list[str]:
    """Networks whose pretrained weights are on this computer, in the order of the table."""
    there = {state.backbone for state in weights_state.states() if state.state in ("embedded", "ready")}
    return [name for name in BACKBONES if name in there]


def _refuse_known_layers(one: Candidate, others: Sequence[Candidate], layers: dict[str, str]) -> None:
    """Before any image is left out on its account: a run that trained its head alone is another one's network again.

    Args:
        one: an earlier run.
        others: those before it.
        layers: labels by hash of the layers below the head, of those of `others` that were looked at; more are added.

    Raises:
        UserError: another one has the very same layers, so asking it again would tell nothing; or it cannot be read.
    """
    for other in others:
        if other.backbone == one.backbone and other.label not in layers.values():
            # One that does not fit is told when its turn comes.
            with contextlib.suppress(UserError, RuntimeError, MemoryError):
                layers.setdefault(_layers_of(other), other.label)
    mine = _layers_of(one)
    if mine in layers:
        raise UserError(
            f"Below the head it is the same network as {layers[mine]}.",
            "What was trained is its head alone, which a new run replaces.",
        )
    layers[mine] = one.label


def _layers_of(one: Candidate) -> str:
    network, _ = pretrained_network(one.backbone, 2, one.fit, one.size, one.weights_file)
    return network.hash(network.head_index)


def _free(label: str, run: RunFolder, found: Sequence[Candidate], left_out: Mapping[str, str]) -> str:
    """A label that no other one has: runs of two projects may have one name."""
    taken = {one.label for one in found} | set(left_out)
    names = (label, f"{label}, {run.path.parent.parent.name}", *(f"{label} {n}" for n in range(2, 1_000)))
    return next(name for name in names if name not in taken)


def run_label(run: RunFolder, spec: RunSpec) -> str:
    """An earlier run for people: its images and its name."""
    return f"{spec.dataset.name} ({run.name})" if spec.dataset is not None and spec.dataset.name else run.name


def label_of(name: str) -> str:
    """A backbone for people."""
    return BACKBONES[name].label if name in BACKBONES else name
