"""Runs that begin with the network of an earlier run: which of their images that one knows already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.records import LeftOut, Reason, Scan
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Source
from tlgui.core.source import Learned, learned_by, refuse_other_network, run_of, source_of
from tlgui.core.split import Part
from tlgui.core.strategies import AUTO, strategy
from tlgui.imaging.names import counted

_REASON = "The run that this one begins with has learned it."
# Fewer images that the earlier run does not know would compare nothing.
_FEWEST = 20


@dataclass(frozen=True)
class Beginning:
    """The earlier run, and what its network knows."""

    run: RunFolder
    source: Source
    learned: Learned


def beginning_of(spec: RunSpec, weights_file: str) -> Beginning | None:
    """What a run begins with; `None` where that is no earlier run, or nothing is taken over from it.

    Raises:
        UserError: the earlier run has another network, or its files are damaged.
    """
    run = run_of(weights_file)
    if run is None or (spec.training.strategy != AUTO and not strategy(spec.training.strategy).pretrained):
        return None
    refuse_other_network(spec, run)
    return beginning_with(run)


def beginning_with(run: RunFolder) -> Beginning:
    """What a run begins with that takes over this one's network.

    Raises:
        UserError: it has no model, or its files are damaged.
    """
    return Beginning(run, source_of(run), learned_by(run))


def is_another(source: Source, expected: Source | None) -> bool:
    """Whether a run of that name has other weights by now than those with which an earlier run began that is repeated."""
    if expected is None or not expected.sha256:
        return False
    return (source.run, source.sha256) != (expected.run, expected.sha256)


def without_known(scan: Scan, parts: Mapping[str, Part], beginning: Beginning) -> Scan:
    """Without images that would test, or choose the epoch of, a network that has learned them.

    Images that chose the earlier run's epoch may choose this one's, and all may train.

    Raises:
        UserError: no image is left that could choose the best epoch.
    """
    learned = beginning.learned
    known = {record.path for record in scan.used if record.content_hash in learned.spoils(parts[record.path])}
    left = _without(scan, known)
    if known and not any(parts[record.path] == "validation" for record in left.used):
        raise UserError(
            f"The run '{beginning.run.name}' has learned every image that would validate this one.",
            "Begin with the published weights, or add images that it does not know.",
            code="source_knows",
        )
    return left


def without_learned(scan: Scan, beginning: Beginning) -> Scan:
    """Only images that an earlier run does not know: on these it can be compared with a network that never saw any.

    Raises:
        UserError: too few are left, or not of every class.
    """
    left = _without(scan, {record.path for record in scan.used if record.content_hash in beginning.learned.chosen})
    before, after = (Counter(record.class_name for record in one.used) for one in (scan, left))
    torn = any(after[one] < 2 <= before[one] for one in scan.classes)
    if len(left.used) < len(scan.used) and (len(left.used) < _FEWEST or torn):
        raise UserError(
            f"The run '{beginning.run.name}' has learned {counted(len(scan.used) - len(left.used), 'image')} of these "
            f"{len(scan.used):,}; the others are too few to compare on.",
            "Compare on images that it does not know.",
            code="source_knows",
        )
    return left


def _without(scan: Scan, known: set[str]) -> Scan:
    if not known:
        return scan
    out = [
        LeftOut(path=record.path, reason_code=Reason.LEARNED_BEFORE, reason=_REASON)
        for record in scan.used
        if record.path in known
    ]
    used = [record for record in scan.used if record.path not in known]
    return msgspec.structs.replace(scan, used=used, left_out=[*scan.left_out, *out])
