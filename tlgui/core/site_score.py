"""What labelled images of the new site told of a run that adapted to it, kept in its folder; and how often they were asked.

They choose nothing: each look at them makes what is chosen after it a little less independent of them, so looks are counted,
as those at the test images are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.paired import Outcome, Paired
from tlgui.core.run_folder import RunFolder
from tlgui.core.score_events import ScoredBeside

_FILE = "new_site.json"


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """A share of `n` images that are right, with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `ScoredBeside` that are kept; `accuracy` is that of the other run."""

    beside: str
    accuracy: Accuracy
    images: int
    left_out: int
    better: int
    worse: int
    difference: float
    low: float
    high: float
    p: float
    outcome: Outcome
    sentence: str


class PartScore(msgspec.Struct, frozen=True, kw_only=True):
    """The run on the images of one part: "new" = it never saw them, "known" = it had adapted to them or learned them before.

    Attributes:
        note: what makes the score a little better than it is, or "".
        beside: the other run on the same images; `None` where none was asked.
    """

    split: str
    accuracy: Accuracy
    sentence: str
    note: str = ""
    beside: Difference | None = None


class SiteScore(msgspec.Struct, frozen=True, kw_only=True):
    """The last look, and how many there were.

    Attributes:
        folder: name of the folder of labelled images, never its place.
        images: what they are: a hash of their contents.
        parts: what they told.
        looks: by `images`, how often they were scored.
    """

    folder: str
    images: str
    parts: list[PartScore]
    looks: dict[str, int]

    @property
    def looks_at_these(self) -> int:
        """How often the images of the last look were scored."""
        return self.looks.get(self.images, 1)


def read(run: RunFolder) -> SiteScore | None:
    """What was kept; `None` where no labelled images of the new site were scored, or the file is damaged."""
    try:
        return msgspec.json.decode((run.results / _FILE).read_bytes(), type=SiteScore)
    except (OSError, msgspec.DecodeError):
        return None


def keep(run: RunFolder, folder: str, images: str, parts: list[PartScore]) -> SiteScore:
    """Counts one more look at these images, and keeps what they told.

    Raises:
        UserError: the run folder cannot be written: a look that is not counted must not be shown.
    """
    before = read(run)
    looks = dict(before.looks) if before is not None else {}
    looks[images] = looks.get(images, 0) + 1
    score = SiteScore(folder=folder, images=images, parts=parts, looks=looks)
    try:
        run.results.mkdir(exist_ok=True)
        atomic.write_bytes(run.results / _FILE, msgspec.json.format(msgspec.json.encode(score), indent=2) + b"\n")
    except OSError as error:
        raise UserError(
            f"The score cannot be written into the run '{run.name}': {error.strerror or error}.",
            "Free some space there, or give yourself permission to write there, then try again.",
            code="run_folder",
        ) from error
    return score


def looks_sentence(score: SiteScore) -> str:
    """How often these images were used, and for what."""
    looks = score.looks_at_these
    if looks == 1:
        return "These labelled images were used once, for this score; they chose nothing."
    return (
        f"These labelled images were scored {looks:,} times. Each look makes what you choose after it a little less independent "
        "of them."
    )


def part_score(split: str, metrics: Mapping[str, Any], beside: ScoredBeside | None) -> PartScore:
    """What is kept of the scores of one part."""
    return PartScore(
        split=split,
        accuracy=accuracy_of(metrics),
        sentence=metrics["sentence"],
        note=metrics.get("note", ""),
        beside=None if beside is None else _kept(beside),
    )


def accuracy_of(metrics: Mapping[str, Any]) -> Accuracy:
    """The accuracy in scores as they stand in `metrics.json`."""
    return msgspec.convert(metrics["accuracy"], Accuracy)


def sentence_of(paired: Paired, beside: str) -> str:
    """The paired difference, for people."""
    verdict = {
        "helped": f"it is better than “{beside}” on images like these",
        "hurt": f"it is worse than “{beside}” on images like these",
        "no difference": "they cannot be told apart on so many images",
    }[paired.outcome]
    p = "p < 0.001" if paired.p < 0.001 else f"p = {paired.p:.3f}"
    return (
        f"Of {paired.images:,} images, {100 * paired.a:.1f} % are right with this run and {100 * paired.b:.1f} % with "
        f"“{beside}”: {100 * paired.difference:+.1f} points ({100 * paired.low:+.1f} to {100 * paired.high:+.1f}; "
        f"{paired.better:,} right with this run alone, {paired.worse:,} with the other alone, McNemar {p}), so {verdict}."
    )


def _kept(said: ScoredBeside) -> Difference:
    fields = {name: getattr(said, name) for name in Difference.__struct_fields__ if name != "accuracy"}
    return Difference(accuracy=accuracy_of(said.metrics), **fields)
