"""Every setting of a run as people read it: its words, its range, and from which level of detail on it is shown.

To add a setting: add the field to `run_spec`, append a row to `parameters_of_images` or `parameters_of_learning`, and
run `pytest tests/core/test_parameters.py`, which finds a field without a row.
"""

from __future__ import annotations

from tlgui.core.parameter import LEVELS, SECTIONS, Choice, Level, Parameter, Section
from tlgui.core.parameters_of_images import IMAGES
from tlgui.core.parameters_of_learning import CHOSEN, LEARNING

__all__ = ["LEVELS", "PARAMETERS", "SECTIONS", "Choice", "Level", "Parameter", "Section", "parameter", "shown"]

PARAMETERS: tuple[Parameter, ...] = (
    *CHOSEN,
    *sorted((*LEARNING, *IMAGES), key=lambda row: SECTIONS.index(row.section)),
)


def parameter(field: str) -> Parameter:
    """The row of a field.

    Raises:
        KeyError: there is none.
    """
    return _BY_FIELD[field]


def shown(level: Level) -> list[Parameter]:
    """The rows that a level of detail shows, in order."""
    return [row for row in PARAMETERS if LEVELS.index(row.level) <= LEVELS.index(level)]


_BY_FIELD = {row.field: row for row in PARAMETERS}
