"""The rows of the Strategy page: what is advised by itself, and the textbook's six, as `core.strategies.TABLE` has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from tlgui.core.run_spec import Training
from tlgui.core.strategies import AUTO, LARGE, STRATEGIES, TABLE, Similarity, Strategy, TableCell, cell_for, strategy
from tlgui.gui.draft import ROW_FIELDS, SCRATCH

ANY = "any"
FULL = "full-fine-tuning"
ADVISED = 0  # the place of "As advised" among the rows
_SENTENCES = {
    AUTO: "Decided after the network has seen your images",
    "feature-extraction": "Only the last layer learns",
    "fine-tune-top": "Last layer and the group below",
    "progressive-unfreezing": "Last layer, then group after group",
    FULL: "Every layer, lower ones slowly",
    SCRATCH: "Nothing pretrained, every layer",
}
_DEPTHS = ("feature-extraction", "fine-tune-top", "progressive-unfreezing", FULL, SCRATCH)


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    Attributes:
        cell: of the textbook's table; `None` for "As advised".
    """

    cell: TableCell | None

    @property
    def size(self) -> str:
        """For how many images it is."""
        return self.cell.size if self.cell is not None else ANY

    @property
    def kind(self) -> str:
        """For which kind of picture it is."""
        return self.cell.kind if self.cell is not None else ANY

    @property
    def strategy(self) -> Strategy:
        """What is trained."""
        return strategy(self.cell.strategy if self.cell is not None else AUTO)

    @property
    def title(self) -> str:
        """The strategy's name with what belongs to it."""
        label, cell = self.strategy.label, self.cell
        if cell is None:
            return label
        if cell.perhaps:
            return f"{label}, perhaps {STRATEGIES[cell.perhaps].label.lower()}"
        return f"{label} + domain adaptation" if cell.adaptation else label

    def sentence(self, adapts: bool = False) -> str:
        """What learns, short enough for a cell; `adapts`: there are images of a new site, and a way to adapt to them."""
        words = _SENTENCES[self.strategy.name]
        if self.cell is not None and self.cell.perhaps:
            return f"{words}; a random start to compare"
        if self.cell is None or not self.cell.adaptation:
            return words
        return f"{words}; {'adapts to the new site' if adapts else 'no adaptation yet'}"

    def names(self) -> tuple[str, ...]:
        """The strategies that this row stands for."""
        if self.cell is None:
            return (AUTO,)
        return (self.cell.strategy, self.cell.perhaps) if self.cell.perhaps else (self.cell.strategy,)

    def answer(self, similarity: Similarity | None) -> Similarity | None:
        """The answer on the kind of picture that goes with picking it; the given one where the row leaves that open.

        Domain adaptation is for another kind of picture; else the answer matters only where two rows train alike.
        """
        cell = self.cell
        if cell is None or cell.similarity is None:
            return similarity
        twins = [other for other in TABLE if other.strategy == cell.strategy]
        if cell.adaptation or (len(twins) > 1 and similarity not in (None, cell.similarity)):
            return cell.similarity
        return similarity

    def asks(self, training: Training) -> Training:
        """What picking this row asks for: what came with another row is open again, the rest stays."""
        changes: dict[str, Any] = {
            **dict.fromkeys(ROW_FIELDS),
            "strategy": self.strategy.name,
            "similarity": self.answer(training.similarity),
        }
        return msgspec.structs.replace(training, **changes)


def table_rows() -> tuple[TableRow, ...]:
    """The row that is left open, then the textbook's from few images to many."""
    return (TableRow(None), *(TableRow(cell) for cell in TABLE))


def fitting_row(rows: tuple[TableRow, ...], images: int, similarity: Similarity | None) -> int:
    """Index of the textbook's row for so many images and that answer."""
    cell = cell_for(images, similarity)
    return next(i for i, row in enumerate(rows) if row.cell is cell)


def chosen_row(rows: tuple[TableRow, ...], training: Training, images: int, pressed: int = -1) -> int:
    """Index of the row that a training stands for, or -1.

    Args:
        rows: of `table_rows`.
        training: as asked for, or resolved.
        images: used ones, in all.
        pressed: the row that was picked last: of two that train alike, this one is meant.
    """
    same = [i for i, row in enumerate(rows) if training.strategy in row.names()]
    if training.strategy != FULL:
        fitting = [i for i in same if rows[i].answer(training.similarity) == training.similarity]
        return next(iter(fitting or same), -1)
    if pressed in same:
        return pressed
    return max(same) if images > LARGE else min(same)


def depth(name: str) -> int:
    """How deep a strategy trains, for comparing two."""
    return _DEPTHS.index(name)
