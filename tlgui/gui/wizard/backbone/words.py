"""What the Backbone page says of each network: speeds, states of its weights, reasons; no widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE, Backbone
from tlgui.core.estimates import Speed as MeasuredSpeed
from tlgui.core.run_spec import Source
from tlgui.gui import numbers
from tlgui.gui.beginnings import named
from tlgui.gui.networks import networks, speed_of

State = Literal["embedded", "ready", "absent", "damaged", "unknown", "downloading", "none"]
NOT_PUBLISHED = "–"


_MINUTES_FROM = 120  # seconds; as in `numbers.seconds_short`


@dataclass(frozen=True)
class Speed:
    """How long 1,000 images take in one network.

    Attributes:
        seconds: for 1,000 images.
        measured: on this computer; else worked out from the networks that were.
    """

    seconds: float
    measured: bool

    @property
    def text(self) -> str:
        """As the table shows it."""
        if self.measured:
            return numbers.seconds_short(self.seconds)
        if self.seconds >= _MINUTES_FROM:
            return f"≈ {self.seconds / 60:,.0f} min"
        return f"≈ {max(1.0, self.seconds):.0f} s"


def speeds(measured: Mapping[str, MeasuredSpeed]) -> dict[str, Speed]:
    """Each network's speed: as measured, or in proportion to the measured ones; nothing is known when none is.

    Args:
        measured: on this computer, by backbone.
    """
    found = {name: speed_of(measured, row) for name, row in networks().items()}
    return {name: Speed(speed.seconds_per_1000, own) for name, (speed, own) in found.items() if speed is not None}


def megabytes(row: Backbone) -> str:
    """The size of a network's weights file."""
    return f"{row.file_mb:.0f} MB" if row.pretrained else NOT_PUBLISHED


def top1(row: Backbone) -> str:
    """Its published accuracy."""
    return f"{row.top1:.1f} %" if row.top1 is not None else NOT_PUBLISHED


def available(row: Backbone, state: State, weights_file: str = "", of_run: bool = False) -> tuple[str, str, str]:
    """What stands in the column "Available".

    Args:
        row: the network.
        state: of its published weights.
        weights_file: name of the person's own file for this network, or "".
        of_run: whether that is of an earlier run.

    Returns:
        The words, their tone and the icon.
    """
    if weights_file:
        return ("From a run", "good", "train") if of_run else ("From file", "good", "file")
    if not row.pretrained:
        return "From scratch", "muted", ""
    return {
        "embedded": ("Built in", "good", "check"),
        "ready": ("Ready", "good", "check"),
        "absent": ("Download", "info", "download"),
        "damaged": ("Damaged", "bad", "warning"),
        "unknown": ("looking…", "muted", ""),
        "downloading": ("downloading", "muted", ""),
        "none": ("from a file", "muted", ""),
    }[state]


def foot_hint(row: Backbone, state: State, weights_file: str = "", source: Source | None = None) -> str:
    """The words beside the next step, when nothing is missing."""
    if source is not None:
        return f"{row.label}, from {named(source)}"
    if weights_file:
        return f"{row.label}, from a file"
    if not row.pretrained:
        return f"{row.label}, from scratch"
    if state not in ("embedded", "ready"):
        return f"{row.label}, without its weights: the strategy is from scratch"
    return f"{row.label}, {'built in' if state == 'embedded' else 'ready'}"


def why_advised(images: int, device: str, speed: Speed | None) -> str:
    """The reason for the recommended network.

    Args:
        images: training images; 0 while they are not known.
        device: torch's name of it, "" while the engine starts.
        speed: of that network.
    """
    label = BACKBONES[DEFAULT_BACKBONE].label
    sentences = [f"{label} is in the program, so nothing is downloaded."]
    if images and device == "cpu":
        sentences.append(
            f"This computer trains on its processor, and a small network goes through {_images(images)} quickly."
        )
    elif device == "cpu":
        sentences.append("This computer trains on its processor, and a small network goes through the images quickly.")
    if speed is not None and images:
        about = numbers.about(max(1.0, images * speed.seconds / 1_000))
        how = "measured here" if speed.measured else "estimated"
        sentences.append(f"One look at all of them takes {about} ({how}).")
    sentences.append(
        "Begin with it; once there is a first score, a larger network can be tried on the same images and compared."
    )
    return " ".join(sentences)


def about_other(row: Backbone, speed: Speed | None, advised: Speed | None) -> str:
    """What speaks for and against a network that is not the recommended one."""
    first = BACKBONES[DEFAULT_BACKBONE]
    text = row.sentence
    if speed is not None and advised is not None and advised.seconds > 0:
        times = speed.seconds / advised.seconds
        about = "" if speed.measured and advised.measured else "about "
        if times >= 1.15:
            text += f" One image takes {about}{_times(times)} as long as in {first.label}."
        elif times <= 0.87:
            text += f" It is faster than {first.label} here."
        else:
            text += f" It is {about}as fast as {first.label}."
    if not row.pretrained:
        return f"{text} It brings no knowledge along, so every layer learns from your images alone."
    return f"{text} Its score on ImageNet says little about the score on your images: a run on them does."


def _times(times: float) -> str:
    return f"{times:.1f} times" if times < 3 else f"{times:.0f} times"


def _images(n: int) -> str:
    return f"{n:,} training image{'' if n == 1 else 's'}"
