"""Which of the sentences that a run said stay worth knowing while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel

# To add one: the code of its `Notice`. All others stand in the log alone.
WORTH_KNOWING = frozenset({
    "smaller_pieces", "imbalance", "mixing", "no_adaptation", "image_skipped", "cache_too_large", "small_batch",
    "batch_size", "device", "no_more_by_itself",
})  # fmt: skip


def worth_knowing(run: RunModel) -> list[str]:
    """The newest sentence of each kind, the one that came last first."""
    newest = {event.code: event.message for event in run.notices if event.code in WORTH_KNOWING}
    order = [event.code for event in run.notices if event.code in WORTH_KNOWING]
    return [newest[code] for code in dict.fromkeys(reversed(order))]
