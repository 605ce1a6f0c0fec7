"""A run that adapted to a new site beside one of the same images and network that did not: what adapting changed.

Never worse than without adapting is the least that is asked of it, so the run without is looked for by itself. Nothing is
made up: where there is no such run, or it never answered these images, "before" is not known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from tlgui.core import events, site_score
from tlgui.core.adaptation_events import AdaptationSeen
from tlgui.core.comparison_answers import answers_of
from tlgui.core.errors import UserError
from tlgui.core.paired import Paired, compare
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec
from tlgui.core.site_score import Accuracy, SiteScore, accuracy_of

KnownPart = Literal["test", "validation"]
_PARTS: tuple[KnownPart, ...] = ("test", "validation")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Both runs on one part of the known site.

    Attributes:
        after, before: of the run that adapted, and of the one that did not.
        paired: the difference after - before on the same images; `None` where there is no run before.
    """

    part: KnownPart
    after: Accuracy
    before: Accuracy | None = None
    paired: Paired | None = None


class BeforeAfter(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known.

    Attributes:
        before: folder of the run without adapting; `None` where there is none.
        strategy: of that run.
        known: test first.
        seen: of the answers for the new site's unlabelled images, in the epoch that is kept; `None` where none was written.
        classes: how many there are.
        score: what labelled images of the new site told; `None` where none were scored.
    """

    before: Path | None
    strategy: str
    known: list[Known]
    seen: AdaptationSeen | None
    classes: int
    score: SiteScore | None


def read(run: RunFolder) -> BeforeAfter:
    """What adapting changed in a run that has ended; several files are read.

    Raises:
        UserError: its own files are missing or damaged.
    """
    before = run_before(run)
    metrics = _metrics(run)
    theirs = _metrics(before) if before is not None else {}
    known = [
        _known(part, run, metrics, before if part in theirs else None, theirs) for part in _PARTS if part in metrics
    ]
    return BeforeAfter(
        before=before.path if before is not None else None,
        strategy=before.spec().training.strategy if before is not None else "",
        known=known,
        seen=_seen(run, metrics.get("best_epoch")),
        classes=len(metrics.get("classes", ())),
        score=site_score.read(run),
    )


def run_before(run: RunFolder) -> RunFolder | None:
    """The newest run beside it that has ended, of the same images in the same parts and the same network, without adapting.

    Raises:
        UserError: the run's own spec or manifest is damaged.
    """
    spec = run.spec()
    parts: dict[str, str] | None = None
    for other in _beside(run):
        with contextlib.suppress(UserError, OSError):
            if not _is_alike(spec, other.spec()) or not _has_ended(other):
                continue
            parts = parts if parts is not None else _parts(run)
            if _parts(other) == parts:
                return other
    return None


def _beside(run: RunFolder) -> Iterator[RunFolder]:
    """The other runs of its project; their names begin with the time, so the newest come first."""
    try:
        paths = sorted(run.path.resolve().parent.iterdir(), key=lambda path: path.name, reverse=True)
    except OSError:
        return
    mine = run.path.resolve()
    yield from (RunFolder(path) for path in paths if path != mine and (path / "run.toml").is_file())


def _is_alike(mine: RunSpec, other: RunSpec) -> bool:
    if other.target is not None or other.training.adapt != "none":
        return False
    images = mine.dataset is not None and other.dataset is not None
    return images and (mine.backbone, mine.fit, mine.size) == (other.backbone, other.fit, other.size)


def _has_ended(run: RunFolder) -> bool:
    return (run.results / "predictions.csv").is_file() and (run.results / "metrics.json").is_file() and not run.at_work


def _parts(run: RunFolder) -> dict[str, str]:
    return {row.content_hash: row.part for row in run.manifest()}


def _known(
    part: KnownPart, run: RunFolder, metrics: dict[str, Any], before: RunFolder | None, theirs: dict[str, Any]
) -> Known:
    after = accuracy_of(metrics[part])
    if before is None:
        return Known(part=part, after=after)
    return Known(part=part, after=after, before=accuracy_of(theirs[part]), paired=_paired(run, before, part))


def _paired(run: RunFolder, before: RunFolder, part: str) -> Paired | None:
    a, b = (answers_of(one, part, "", "") for one in (run, before))
    common = sorted(a.right.keys() & b.right.keys())
    if not common:
        return None
    mine, theirs = (dict(enumerate(one.right[image] for image in common)) for one in (a, b))
    return compare(mine, theirs, [a.groups[image] for image in common])


def _metrics(run: RunFolder) -> dict[str, Any]:
    try:
        found = msgspec.json.decode((run.results / "metrics.json").read_bytes(), type=dict[str, Any])
        for part in _PARTS:
            if part in found:
                accuracy_of(found[part])
    except (OSError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise UserError(
            f"The results of the run '{run.name}' cannot be read.",
            "Take the run folder from a backup, or train again.",
            str(error),
            code="run_damaged",
        ) from error
    return found


def _seen(run: RunFolder, epoch: object) -> AdaptationSeen | None:
    found = None
    for event in run.events():
        if isinstance(event, events.EpochEnded) and event.epoch == epoch:
            found = event.adaptation
    return found
