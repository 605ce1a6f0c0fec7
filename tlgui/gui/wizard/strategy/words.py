"""What the Strategy page says of the advice, of what "As advised" became, and of what is missing; no widget."""

from __future__ import annotations

from dataclasses import dataclass

from tlgui.core.run_spec import Chosen, Training
from tlgui.core.strategies import AUTO, missing_adaptation, recommend, strategy
from tlgui.gui.draft import Draft
from tlgui.gui.networks import label_of
from tlgui.gui.wizard.strategy.expectation import expectation

NOT_READ = "The advice comes when the images have been read."
DECIDED_LATER = (
    "With “As advised” the network first looks at your images. If it does not recognise nearly all of them as it is, a short "
    "trial on some of them decides how deep to train. That takes a minute or two, before the first epoch."
)
_BY = {
    "images": "by the number of images",
    "headroom": "by what the network recognised as it is",
    "trial": "by a short trial",
}


@dataclass(frozen=True)
class Advised:
    """What the card says.

    Attributes:
        title: of the card.
        sentence: the advice with its reason, or what was decided.
        note: what belongs to the picked row and is missing; "" for nothing.
        expectation: what to expect from the picked row; "" when it is the advised one.
    """

    title: str
    sentence: str
    note: str = ""
    expectation: str = ""


def advised(draft: Draft, began: bool) -> Advised:
    """What the advice card says of a draft, or of how a run that began was set up."""
    asked = draft.training
    if began and draft.chosen is not None:
        return _decided(draft.chosen, asked)
    if not draft.images:
        return Advised("Our advice", NOT_READ)
    if draft.only_scratch:
        sentence = f"{label_of(draft.backbone)} has no pretrained weights, so every layer begins at random."
        return Advised("Our advice: from scratch", sentence)
    advice = recommend(draft.images, draft.similarity)
    note = missing_adaptation(asked.strategy, draft.similarity)
    label = advice.strategy.label
    if asked.strategy == AUTO:
        later = "The network had not seen the images yet when this was written." if began else DECIDED_LATER
        if advice.adaptation:
            note = missing_adaptation(advice.strategy.name, draft.similarity)
        return Advised("Our advice: let the network look first", f"{later} The table says: {advice.sentence}", note)
    expect = expectation(asked.strategy, advice.strategy.name, draft.images)
    return Advised(f"The table's advice: {label[0].lower()}{label[1:]}", advice.sentence, note, expect)


def _decided(chosen: Chosen, training: Training) -> Advised:
    label = strategy(chosen.strategy).label
    note = missing_adaptation(chosen.strategy, training.similarity)
    title = f"Chosen by measurement: {label[0].lower()}{label[1:]}"
    return Advised(title, f"Decided {_BY[chosen.by]}. {chosen.sentence}", note)
