"""The answers as a table that other programs read; the same columns as the command line writes."""

from __future__ import annotations

from collections.abc import Sequence

from tlgui.core import events
from tlgui.core.tables import csv_bytes


def answers_csv(answers: Sequence[events.Predicted], classes: Sequence[str]) -> bytes:
    """Columns `path`, `predicted`, `p_<class>`..., `problem`; a file without an answer has empty cells."""
    rows: list[list[object]] = [["path", "predicted", *(f"p_{name}" for name in classes), "problem"]]
    for answer in answers:
        shares = [answer.probabilities.get(name, "") for name in classes]
        rows.append([answer.path, answer.label, *shares, answer.problem])
    return csv_bytes(rows, for_spreadsheets=True)
