"""The new last part of a network, which gives the answers for the person's own classes."""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.run_spec import Training


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a head is made of.

    Attributes:
        kind: "linear" is one layer; "hidden" a layer of `units` with ReLU and dropout before it.
        units, dropout: of the hidden layer.
    """

    kind: Literal["linear", "hidden"] = "linear"
    units: int = 512
    dropout: float = 0.3

    def parameters(self, features: int, classes: int) -> int:
        """How many there are for so many features and classes."""
        if self.kind == "linear":
            return (features + 1) * classes
        return (features + 1) * self.units + (self.units + 1) * classes


LINEAR = Head()


def head_of(training: Training) -> Head:
    """The head that a run asks for; of a linear one only the kind says anything."""
    if training.head == "linear":
        return LINEAR
    return Head(kind=training.head, units=training.head_units, dropout=training.head_dropout)
