"""What holds of the images of a run beside their number: what keeps them together, the pixel rule, the decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.intake import ChooseFrame, CropBorder, GroupBy, SetColour, SetPixelRule
from tlgui.core.records import PixelRule
from tlgui.core.run_spec import RunSpec
from tlgui.gui.numbers import counted
from tlgui.gui.run_reading import key_words
from tlgui.gui.wizard.images.presses import in_effect
from tlgui.gui.wizard.images.rule_card import rule_matters, rule_sentences, rule_steps

_MOST = 6
_SAID_APART = (GroupBy, SetPixelRule, SetColour, CropBorder, ChooseFrame)


def decided_words(summary: ScanSummary) -> str:
    """Of images that no run has begun with; "" where nothing was decided and nothing is special."""
    grouping = summary.grouping
    said = [f"Images are kept together by {grouping.sentence}."] if grouping.key else []
    said += rule_sentences(summary) if rule_matters(summary) else []
    lines = [line for press in reversed(in_effect(summary.changes)) for line in press.lines]
    return _told(said, (line.sentence for line in lines if not isinstance(line.change, _SAID_APART)))


def decided_of_run(spec: RunSpec) -> str:
    """The same of a run, as its file tells it."""
    dataset, rule = spec.dataset, spec.pixel_rule
    if dataset is None:
        return ""
    key = dataset.grouped_by
    said = [f"Images are kept together by {key_words(key)}."] if key else []
    # Of a range nobody kept on how many images it acts; of a set of 8-bit images it is the default, and acts on none.
    plain = PixelRule(frame=rule.frame, colour=rule.colour, border=rule.border, background=rule.background)
    said += rule_steps(rule, None if rule != plain else False)
    known = GroupBy(key=key).sentence()
    return _told(said, (sentence for sentence in dataset.changes if sentence != known))


def _told(said: Sequence[str], decisions: Iterable[str]) -> str:
    left = [sentence for sentence in decisions if sentence not in said]
    more = len(left) - _MOST
    words = [*said, *left[:_MOST], *([f"And {counted(more, 'more decision')}."] if more > 0 else [])]
    return f"About the images: {' '.join(words)}" if words else ""
