"""The strategy table as rows of size and kind of picture, asked out of `core.strategies.recommend` itself.

Whatever `recommend` says changes the table: each row is an answer that it gave, so that both can never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from tlgui.core.run_spec import Training
from tlgui.core.strategies import LARGE, MEDIUM, Similarity, Strategy, recommend
from tlgui.gui.draft import ROW_FIELDS

# One number of images inside each band, and the band in words.
_BANDS = ((MEDIUM - 1, f"below {MEDIUM:,}"), (MEDIUM, f"{MEDIUM:,} to {LARGE:,}"), (LARGE + 1, f"above {LARGE:,}"))
_KINDS: tuple[tuple[Similarity, str], ...] = (("similar", "photograph-like"), ("different", "another kind"))
ANY = "any"


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    Attributes:
        size, kind: the two conditions in words; `kind` is "any" where the answer changes nothing.
        images: a number of images inside the band.
        strategy: what is trained.
        top_groups: how many layer groups below the head, for "fine-tune-top".
    """

    size: str
    kind: str
    images: int
    strategy: Strategy
    top_groups: int

    @property
    def title(self) -> str:
        """The strategy's name, with the number of layer groups where that makes the difference."""
        if self.strategy.trains == "top" and self.top_groups > 1:
            return f"Fine-tune the top {self.top_groups} groups"
        return self.strategy.label

    @property
    def sentence(self) -> str:
        """What learns, short enough for a cell."""
        return {
            "head": "Only a new last layer learns",
            "top": "Last layer and the group below"
            if self.top_groups == 1
            else f"Last layer and {self.top_groups} groups below",
            "all": "Every layer, lower ones slowly",
        }[self.strategy.trains]

    @property
    def depth(self) -> int:
        """How deep it trains: the head alone, one group, more groups, everything."""
        return {"head": 0, "top": self.top_groups, "all": 1_000}[self.strategy.trains]

    @property
    def asked_groups(self) -> int | None:
        """The number of layer groups to ask for, or `None` where the strategy's own number is meant."""
        return self.top_groups if self.strategy.trains == "top" and self.top_groups > 1 else None

    def asks(self, training: Training) -> Training:
        """What picking this row asks for: what came with another row is open again, the rest stays."""
        changes: dict[str, Any] = {
            **dict.fromkeys(ROW_FIELDS),
            "strategy": self.strategy.name,
            "top_groups": self.asked_groups,
        }
        return msgspec.structs.replace(training, **changes)


def table_rows() -> tuple[TableRow, ...]:
    """All rows, from few images to many; rows that differ in the kind alone and say the same are one."""
    rows: list[TableRow] = []
    for images, size in _BANDS:
        answers = [recommend(images, similarity) for similarity, _ in _KINDS]
        same = len({(answer.strategy.name, answer.top_groups) for answer in answers}) == 1
        kinds = [ANY] if same else [words for _, words in _KINDS]
        rows += [
            TableRow(size=size, kind=kind, images=images, strategy=answer.strategy, top_groups=answer.top_groups)
            for kind, answer in zip(kinds, answers, strict=False)
        ]
    return tuple(rows)


def fitting_row(rows: tuple[TableRow, ...], images: int, similarity: Similarity | None) -> int:
    """Index of the row that `recommend` means for so many images and that answer."""
    advice = recommend(images, similarity)
    wanted = (advice.strategy.name, advice.top_groups)
    return next(i for i, row in enumerate(rows) if (row.strategy.name, row.top_groups) == wanted)


def chosen_row(rows: tuple[TableRow, ...], resolved: Training) -> int:
    """Index of the row that a training is, or is nearest to when its number of groups was typed by hand."""
    same = [i for i, row in enumerate(rows) if row.strategy.name == resolved.strategy]
    if not same:
        return -1
    groups = resolved.top_groups or 1
    return min(same, key=lambda i: (abs(rows[i].top_groups - groups), i))
