"""Layouts of a folder in words, for the card and for its menu."""

from __future__ import annotations

from pathlib import PurePosixPath

from tlgui.core.records import LayoutFacts
from tlgui.gui.numbers import counted

# To add a layout: its name as in `LayoutFacts`, what it is called on the card, and what it is called in a menu.
LAYOUTS: dict[str, tuple[str, str]] = {
    "class folders": ("one folder per class", "One folder per class"),
    "train/validation/test": ("train / val / test tree", "Train / val / test folders"),
    "domain folders": ("domain folders", "Domain folders, with class folders in each"),
    "label table": ("labels from a table", "Labels from a table"),
}


def layout_words(layout: str, classes: int, facts: LayoutFacts | None = None) -> str:
    """What was recognised, with what speaks for it."""
    if not classes:
        return "no class in it"
    what = LAYOUTS.get(layout, (layout, ""))[0]
    if facts is not None and layout == "label table" and facts.table:
        what = f"labels from '{PurePosixPath(facts.table).name}'"
    if facts is not None and facts.domains:
        which = {"": "none chosen yet", "*": "all as one set"}
        what += f", {which[facts.domain]}" if facts.domain in which else f", '{facts.domain}'"
    return f"{what}, {counted(classes, 'class', 'classes')}"


def layout_choice(layout: str) -> str:
    """A layout in a menu."""
    return LAYOUTS.get(layout, ("", layout))[1]
