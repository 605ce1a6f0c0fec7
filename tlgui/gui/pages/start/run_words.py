"""A recent run in words: what it was, how far it came, and what its score is of."""

from __future__ import annotations

from typing import NamedTuple

from tlgui.core.backbones import BACKBONES
from tlgui.core.runs import RunSummary
from tlgui.core.strategies import STRATEGIES
from tlgui.gui import numbers

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
    )


def method_of(run: RunSummary) -> str:
    """'Feature extraction, EfficientNet-Lite0'."""
    strategy = STRATEGIES[run.strategy].label if run.strategy in STRATEGIES else run.strategy
    backbone = BACKBONES[run.backbone].label if run.backbone in BACKBONES else run.backbone
    return ", ".join(part for part in (strategy, backbone) if part)


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
    return ". ".join(part for part in (words.title, words.method, words.when, words.chip, score) if part)
