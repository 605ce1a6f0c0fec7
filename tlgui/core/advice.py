"""What the textbook says beside what we recommend, for one set of images: both, and why they differ where they do."""

from __future__ import annotations

from collections.abc import Mapping

from tlgui.core.advice_events import Advised, SimilarityMeasured, Sure, Way
from tlgui.core.decision import LITTLE_HEADROOM, Decision, TrialOutcome, alternative
from tlgui.core.run_spec import FirstAnswer
from tlgui.core.similarity import Band, kind_of
from tlgui.core.strategies import STRATEGIES, Similarity, cell_for

_NO_TARGET = (
    "The table adds domain adaptation there. It needs unlabelled images of another site; there are none, so it trains "
    "without."
)
_CLEAR = 2.0  # standard deviations by which a trial's gain is called sure
_KIND = {"similar": "that are like photographs", "different": "of another kind than photographs", None: ""}


def advised(
    counts: Mapping[str, int],
    similarity: SimilarityMeasured,
    person: Similarity | None,
    answer: FirstAnswer | None,
    decision: Decision,
    outcome: TrialOutcome | None = None,
    trial_would_tell: bool = False,
) -> Advised:
    """Everything that is told about how to train.

    Args:
        counts: used images by class.
        similarity: as measured.
        person: the person's own answer to that, which goes before the measurement.
        answer: what the network as it is recognises.
        decision: what "auto" becomes.
        outcome: of a trial, where one was held.
        trial_would_tell: one would be worth its time, and none was held.
    """
    images = sum(counts.values())
    kind = kind_of(similarity.measured, person)
    band = similarity.measured.band if similarity.measured is not None else None
    cell = cell_for(images, kind)
    textbook = Way(strategy=cell.strategy, adapt=cell.adaptation)
    other = alternative(decision, images, person)
    return Advised(
        images=images,
        classes=len(counts),
        images_per_class_min=min(counts.values(), default=0),
        similarity=similarity.measured,
        similarity_sentence=similarity.sentence,
        answer=answer,
        textbook=textbook,
        recommended=_way(decision),
        runner_up=_way(other) if other is not None else None,
        sure=how_sure(decision, answer, outcome),
        by=decision.by,
        trial=outcome is not None,
        trial_would_tell=trial_would_tell,
        difference=difference(images, _kind(band, person), textbook, decision, answer),
    )


def how_sure(decision: Decision, answer: FirstAnswer | None, outcome: TrialOutcome | None) -> Sure:
    """How sure the recommendation is, by what it rests on."""
    if outcome is not None:
        gained, changed = outcome.better - outcome.worse, outcome.better + outcome.worse
        if decision.strategy == "feature-extraction":
            return "fairly sure" if gained <= 0 else "unsure"
        return "sure" if gained >= _CLEAR * changed**0.5 else "fairly sure"
    if decision.by == "headroom" and answer is not None:
        if decision.strategy != "feature-extraction":
            return "unsure"  # of 15 sets with so much to gain, 10 did
        return "fairly sure" if decision.unsure or 1 - answer.low >= LITTLE_HEADROOM else "sure"
    if decision.strategy == "from-scratch":
        return "sure"  # there is no other way
    return "fairly sure" if decision.strategy == "feature-extraction" else "unsure"


def difference(images: int, kind: str, textbook: Way, decision: Decision, answer: FirstAnswer | None) -> str:
    """Why what we recommend is not what the table says, for people; "" where it is.

    Args:
        images: used ones in all.
        kind: of them, in words, or "".
        textbook: the lit cell.
        decision: what we recommend, and by what.
        answer: what the network as it is recognises.
    """
    if textbook.strategy == decision.strategy:
        return _NO_TARGET if textbook.adapt else ""
    table = STRATEGIES[textbook.strategy].label.lower()
    what = f"{images:,} images {kind}".rstrip()
    says = f"For {what}, the textbook's table advises {table}."
    if decision.strategy == "from-scratch":
        return f"{says} It takes for granted that there are pretrained weights, and this network has none."
    if decision.strategy == "feature-extraction":
        if decision.by == "images":
            return f"{says} It counts all images; to learn from, there are fewer."
        return f"{says} It goes by their number and kind alone; whether there is anything left to gain was measured on your own."
    if decision.by == "trial":
        return f"{says} It goes by their number and kind alone; the trial was held on your own images."
    if answer is not None and 1 - answer.accuracy >= LITTLE_HEADROOM:
        return (
            f"{says} In our trials the kind of picture did not tell who gains from deeper training; what was left to gain "
            "did: of 15 image sets with 8 % or more, 10 gained."
        )
    return f"{says} It goes by their number and kind alone."


def _kind(band: Band | None, person: Similarity | None) -> str:
    """What the images are taken for, in words."""
    if person is None and band == "middle":
        return "that lie between photographs and another kind of picture"
    kind = person or ("different" if band == "far" else "similar" if band == "near" else None)
    return _KIND[kind]


def _way(decision: Decision) -> Way:
    groups = decision.top_groups if decision.strategy == "fine-tune-top" else 1
    return Way(strategy=decision.strategy, top_groups=groups, reason=decision.sentence)
