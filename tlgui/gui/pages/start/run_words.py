"""A recent run in words: what it was, how far it came, and what its score is of."""

from __future__ import annotations

from typing import NamedTuple

from tlgui.core.run_notes import first_line
from tlgui.core.runs import RunSummary
from tlgui.core.strategies import AUTO, STRATEGIES, strategy
from tlgui.gui import numbers
from tlgui.gui.networks import label_of

# state of a run -> what its chip says, the chip's tone, whether it can go on from where it was.
# A run that is complete or was stopped by hand has a score, and that says enough.
STATES: dict[str, tuple[str, str, bool]] = {
    "complete": ("", "neutral", False),
    "stopped": ("stopped", "neutral", True),
    "interrupted": ("interrupted", "warn", True),
    "crashed": ("interrupted", "warn", True),
    "failed": ("failed", "bad", True),
    "at work": ("at work", "info", False),
    "never began": ("not begun", "neutral", True),
}


class RunWords(NamedTuple):
    """The lines of a card; empty ones are left out."""

    title: str
    method: str
    when: str
    score: str
    interval: str
    of: str
    chip: str
    tone: str
    can_continue: bool
    note: str = ""


def words_of(run: RunSummary) -> RunWords:
    """Every line of the run's card."""
    chip, tone, can_continue = STATES.get(run.state, (run.state, "neutral", True))
    score = run.score
    return RunWords(
        title=run.dataset or run.path.name,
        method=method_of(run),
        when=f"{numbers.day(run.begun)}, {epochs_of(run)}".strip(", "),
        score=numbers.percent(score.value) if score else "",
        interval=numbers.interval(score.low, score.high, 0) if score else "",
        of=f"of {numbers.count(score.n)} {score.split} images" if score else "",
        chip=chip if not (score and run.state == "stopped") else "",
        tone=tone,
        can_continue=can_continue and not (score and run.state == "stopped"),
        note=first_line(run.note),
    )


def matches(run: RunSummary, wanted: str) -> bool:
    """Whether every word of what a person looks for stands on its card or at the beginning of its notes."""
    words = words_of(run)
    read = " ".join((words.title, words.method, words.when, words.chip, run.note, run.path.name)).casefold()
    return all(word in read for word in wanted.casefold().split())


def method_of(run: RunSummary) -> str:
    """'Feature extraction, EfficientNet-Lite0', behind the run that it continues, where it continues one."""
    return method_words(run.strategy, run.backbone, run.continues)


def method_words(strategy_name: str, backbone_name: str, continues: str = "") -> str:
    """The same of a strategy and a network by their names; unknown ones as they are."""
    known = strategy_name in STRATEGIES or strategy_name == AUTO
    label = strategy(strategy_name).label if known else strategy_name
    how = ", ".join(part for part in (label, label_of(backbone_name)) if part)
    return f"Continues '{continues}'; {how[:1].lower()}{how[1:]}" if continues else how


def epochs_of(run: RunSummary) -> str:
    """'40 epochs', or 'epoch 11 of 20' for a run that did not come to its end."""
    if not run.epochs_done:
        return ""
    if run.state in ("complete", "stopped") or not run.epochs_planned:
        return f"{numbers.count(run.epochs_done)} {'epoch' if run.epochs_done == 1 else 'epochs'}"
    return f"epoch {numbers.count(run.epochs_done)} of {numbers.count(run.epochs_planned)}"


def spoken(words: RunWords) -> str:
    """The whole card as one line, for those who hear it."""
    score = f"accuracy {words.score}, plausibly {words.interval}, {words.of}" if words.score else ""
    note = f"note: {words.note}" if words.note else ""
    return ". ".join(part for part in (words.title, words.method, words.when, words.chip, score, note) if part)
