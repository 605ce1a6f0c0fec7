"""Which of the sentences that a run said stay worth knowing while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlgui.gui.run_reasons import ENDED
from tlgui.gui.run_site import alarm_of

if TYPE_CHECKING:
    from tlgui.core.events import Notice
    from tlgui.gui.run_model import RunModel

_ALARM = "adaptation_alarm"
# To add one: the code of its `Notice`. All others stand in the log alone.
WORTH_KNOWING = frozenset({
    "smaller_pieces", "imbalance", "mixing", "no_adaptation", "image_skipped", "cache_too_large", "small_batch",
    "batch_size", "device", "no_more_by_itself", "adaptation", "projection", "statistics_aligned", "adapt_weight",
    "weight_not_set", "keep", "keep_strength", "strength_not_set", "earlier_missing", "rehearsal", "stand_ins",
    "adaptation_in_vain", "source_changed", _ALARM,
})  # fmt: skip
# What is said with something to type, in the window's own words.
_OWN = {
    "earlier_missing": "Images of before are not where they were, so they cannot be shown again, and what is forgotten of them "
    "is not measured. “New run from here” on the page Review, or continuing that model once more, asks where they are.",
}


def said_by(notice: Notice) -> str:
    """A notice as the window says it."""
    return _OWN.get(notice.code, notice.message) if "--" in notice.message else notice.message


def worth_knowing(run: RunModel) -> list[str]:
    """The newest sentence of each kind, the one that came last first."""
    # An alarm of the newest epoch stands above all, as long as the run goes on.
    hidden = {_ALARM} if run.state not in ENDED and alarm_of(run) is not None else set()
    said = [event for event in run.notices if event.code in WORTH_KNOWING - hidden]
    newest = {event.code: said_by(event) for event in said}
    order = [event.code for event in said]
    return [newest[code] for code in dict.fromkeys(reversed(order))]
