"""One setting of a run as people read it; the tables of them stand in `parameters`."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["guided", "adjustable", "everything"]
LEVELS: tuple[Level, ...] = ("guided", "adjustable", "everything")
Kind = Literal["choice", "switch", "whole", "number", "fractions", "epochs", "whole-or-auto", "rates"]
Place = Literal["form", "strategy", "backbone", "review"]
Section = Literal["Length", "Images", "Layers", "Learning rates", "Steps", "Last layer", "Keeping the best"]
SECTIONS: tuple[Section, ...] = (
    "Length",
    "Images",
    "Layers",
    "Learning rates",
    "Steps",
    "Last layer",
    "Keeping the best",
)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to choose: as `run.toml` spells it, and as people read it."""

    value: str | bool | None
    label: str


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One setting.

    Attributes:
        field: of `run_spec.Training`; "fit", "size" and "split_fractions" are fields of `run_spec.RunSpec`.
        label: its name.
        help: what it does, in a sentence.
        kind: "choice", "switch", "whole" and "number" as they say; "fractions" are three shares whose sum is 1; "epochs"
            is a list of epochs; "whole-or-auto" a whole number or "auto"; "rates" a learning rate for each layer group.
        unit: behind a number, or "".
        level: the first level of detail that shows it: "guided" shows the fewest.
        place: where the window asks for it: the form of settings, or a part of its own on one of the wizard's pages.
        section: of the form.
        choices: of a "choice", in the order shown.
        lowest, highest: of a number; `None` where there is no such bound.
        steps_by: "factor" where a step multiplies (learning rates), else "sum".
    """

    field: str
    label: str
    help: str
    kind: Kind
    unit: str = ""
    level: Level = "everything"
    place: Place = "form"
    section: Section = "Length"
    choices: tuple[Choice, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    steps_by: Literal["sum", "factor"] = "sum"


def choices(*pairs: tuple[str | bool | None, str]) -> tuple[Choice, ...]:
    """(value, label) pairs as choices."""
    return tuple(Choice(value=value, label=label) for value, label in pairs)
