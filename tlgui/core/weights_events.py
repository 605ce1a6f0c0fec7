"""What the engine says of the weights on this computer, and of how fast it runs them; see `events`."""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.event import Event


class WeightsState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a backbone's published weights are on this computer.

    Attributes:
        state: "embedded" (came with the installation), "ready", "absent", "damaged" (the checksum is not the one in the
            file's name, or it cannot be read to its end), or "none" (nothing is published that could be fetched).
        file_name: exactly as the file must be called.
        size_bytes: of the file; where it is absent, about what it will be.
        sha256_prefix: how its checksum begins, or "" where its name does not say.
        folder: where it lies or must be put: the whole path.
        url: where it is published, "" for weights that came with the installation.
    """

    backbone: str
    state: Literal["embedded", "ready", "absent", "damaged", "none"]
    file_name: str
    size_bytes: int
    sha256_prefix: str
    folder: str
    url: str = ""


class Surveyed(Event, frozen=True, kw_only=True):
    """The state of every backbone's weights, in the order of the table."""

    rows: list[WeightsState]


class Measured(Event, frozen=True, kw_only=True):
    """How fast this computer runs a backbone's frozen layers.

    Attributes:
        seconds_per_1000: for 1,000 images whose pixels are ready: reading them is not counted.
        images: how many were timed.
        device: torch's name of it.
        executor: what ran them, the one that training would use: "torch" or "onnxruntime".
    """

    backbone: str
    seconds_per_1000: float
    images: int
    device: str
    executor: str


class WeightsChecked(Event, frozen=True, kw_only=True):
    """A person's own weights file fits the backbone.

    Attributes:
        file_name: its own name.
        sha256: of the whole file.
    """

    backbone: str
    file_name: str
    sha256: str
