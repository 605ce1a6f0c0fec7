"""The way on for a person who chose a folder of runs where images were meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tlgui.gui.pages.start.dropped import Meaning
from tlgui.gui.widgets import Button
from tlgui.gui.widgets.text import plain_tooltip


def newest_run_button(meaning: Meaning, open_run: Callable[[Path], object]) -> list[Button]:
    """A button that opens the newest run of the folder; none where it holds no runs.

    Args:
        meaning: what was made of the folder.
        open_run: called with the run when the button is pressed.
    """
    newest = meaning.newest
    if newest is None:
        return []
    button = Button("Open the newest run", small=True)
    button.setToolTip(plain_tooltip(f"Opens '{newest.name}'."))
    button.clicked.connect(lambda: open_run(newest))
    return [button]
