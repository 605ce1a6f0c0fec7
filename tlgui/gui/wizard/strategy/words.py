"""What the Strategy page says of the advice, of what "As advised" became, and of what is missing; no widget."""

from __future__ import annotations

from dataclasses import dataclass

from tlgui.core import events
from tlgui.core.run_spec import Chosen
from tlgui.core.strategies import AUTO, STRATEGIES, Similarity, missing_adaptation, recommend, strategy
from tlgui.gui.draft import Draft
from tlgui.gui.networks import label_of
from tlgui.gui.new_site import site_name, trains_with_it
from tlgui.gui.wizard.strategy.expectation import expectation

NOT_READ = "The advice comes when the images have been read."
DECIDED_LATER = (
    "With “As advised” the network first looks at your images. If it does not recognise nearly all of them as it is, a short "
    "trial on some of them decides how deep to train. That takes a minute or two, before the first epoch."
)
NOT_ASKED = "The network has not looked at these images yet."
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


def advised(
    draft: Draft,
    began: bool,
    kind: Similarity | None = None,
    found: events.Advised | None = None,
    chosen: Chosen | events.StrategyChosen | None = None,
) -> Advised:
    """What the advice card says of a draft, or of how a run that began was set up.

    Args:
        draft: of either.
        began: whether it is a run that began.
        kind: of the pictures: the person's own answer, else as measured.
        found: what the network said of these images; `None` before that.
        chosen: what "auto" became of a run that began.
    """
    asked = draft.training
    if chosen is not None:
        return _decided(chosen, draft)
    if not draft.images:
        return Advised("Our advice", NOT_READ)
    if draft.only_scratch:
        sentence = f"{label_of(draft.backbone)} has no pretrained weights, so every layer begins at random."
        return Advised("Our advice: from scratch", sentence)
    if found is not None and not began:
        return _measured(draft, found)
    advice = recommend(draft.images, kind, measured=kind is not None and draft.similarity is None)
    note = about_adaptation(draft, asked.strategy, kind)
    label = advice.strategy.label
    if asked.strategy == AUTO:
        later = "The network had not seen the images yet when this was written." if began else DECIDED_LATER
        if advice.adaptation:
            note = about_adaptation(draft, advice.strategy.name, kind)
        return Advised("Our advice: let the network look first", f"{later} The table says: {advice.sentence}", note)
    expect = expectation(asked.strategy, advice.strategy.name, draft.images)
    return Advised(f"The table's advice: {label[0].lower()}{label[1:]}", advice.sentence, note, expect)


def _measured(draft: Draft, found: events.Advised) -> Advised:
    """What was measured, and for a pick against it what to expect."""
    row, asked = STRATEGIES[found.recommended.strategy], draft.training
    label = f"{row.label[0].lower()}{row.label[1:]}"
    note = found.difference
    # Of the same strategy the difference is the adaptation alone, and the network was not told of any new site.
    alike = found.textbook.strategy == found.recommended.strategy
    if found.textbook.adapt and (not note or (alike and trains_with_it(draft))):
        note = about_adaptation(draft, found.textbook.strategy, "different")
    expect = "" if asked.strategy == AUTO else expectation(asked.strategy, row.name, draft.images)
    return Advised(f"Our advice: {label} ({found.sure})", found.recommended.reason, note, expect)


def about_adaptation(draft: Draft, name: str, kind: Similarity | None) -> str:
    """Of a strategy's row that domain adaptation belongs to: whether the run adapts; "" for any other row."""
    note = missing_adaptation(name, kind)
    if note and trains_with_it(draft):
        return f"Domain adaptation belongs to this row, and it trains with it: it adapts to “{site_name(draft)}”."
    return note


def _decided(chosen: Chosen | events.StrategyChosen, draft: Draft) -> Advised:
    label = strategy(chosen.strategy).label
    note = about_adaptation(draft, chosen.strategy, draft.similarity)
    title = f"Chosen by measurement: {label[0].lower()}{label[1:]}"
    return Advised(title, f"Decided {_BY[chosen.by]}. {chosen.sentence}", note)


def at_work(progress: events.Progress | None, with_trial: bool) -> str:
    """What the network does now, for people."""
    doing = "The network looks at your images" if not with_trial else "Both ways are tried on some of your images"
    if progress is None or progress.total <= 1:
        return f"{doing}…"
    return f"{doing}: {progress.stage}, {100 * progress.done // progress.total} %."


def problem_of(ended: events.Ending | None) -> str:
    """Why the last question came to nothing, for people; "" where it did not, or where it was stopped."""
    return "" if ended is None or isinstance(ended, events.Stopped | events.Completed) else ended.sentence()
