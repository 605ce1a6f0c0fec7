"""The side card of the Strategy page: how many images there are, on a scale with the table's three borders."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from tlgui.core.strategies import LARGE, MEDIUM, SMALL
from tlgui.gui.numbers import count, counted
from tlgui.gui.widgets import Card, Label, Scale

_LOWEST, _HIGHEST = 100, LARGE
_BORDERS = (SMALL, MEDIUM, LARGE)
_TICKS = [(float(_LOWEST), "100"), (float(SMALL), "1,000"), (float(MEDIUM), "10,000"), (float(LARGE), "100,000")]
_NEAR = 1.25  # within a quarter of a border, the other side is worth a thought


class HowManyCard(Card):
    """Counts, the scale, and the place on it in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("How many images", parent=parent)
        self._counts = Label("", "strong", wrap=True)
        self._scale = Scale("Number of images")
        self._words = Label("", "caption", wrap=True)
        self._meaning = Label(
            "The more images, the more of the network can learn from them without learning them by heart. "
            f"The borders, {count(SMALL)}, {count(MEDIUM)} and {count(LARGE)}, are rules of thumb; in each "
            f"class, fewer than {count(SMALL)} count as few.",
            "caption",
            wrap=True,
        )
        for widget in (self._counts, self._scale, self._words, self._meaning):
            self.body.addWidget(widget)

    def set_counts(self, images: int, smallest_class: int) -> None:
        """Shows the counts.

        Args:
            images: used ones, in all; 0 while the images are not read.
            smallest_class: images in the smallest class.
        """
        self._scale.setVisible(images > 0)
        if not images:
            self._counts.setText("Not known yet")
            self._words.setText("The images have not been read yet.")
            return
        self._counts.setText(f"{counted(images, 'image')}; at least {count(smallest_class)} a class")
        self._scale.set(
            float(min(max(images, _LOWEST), _HIGHEST)),
            ticks=_TICKS,
            borders=[(float(border), "") for border in _BORDERS],
            log=True,
            text=count(images),
        )
        self._words.setText(place(images))


def place(images: int) -> str:
    """Where a number of images stands among the borders, in words."""
    band = "Few" if images < SMALL else "Medium" if images <= MEDIUM else "Many" if images <= LARGE else "Very many"
    for border in _BORDERS:
        if border <= images < border * _NEAR:
            return f"{band}, just above the border of {border:,}." if images > border else f"{band}, at the border."
        if border / _NEAR < images < border:
            return f"{band}, just below the border of {border:,}."
    return {
        "Few": f"Few: below {SMALL:,}.",
        "Medium": f"Medium: between {SMALL:,} and {MEDIUM:,}.",
        "Many": f"Many: between {MEDIUM:,} and {LARGE:,}.",
        "Very many": f"Very many: above {LARGE:,}.",
    }[band]
