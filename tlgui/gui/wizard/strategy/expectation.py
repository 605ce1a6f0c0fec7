"""What to expect from a strategy that is not the textbook's for these images, in one sentence."""

from __future__ import annotations

from tlgui.core.strategies import AUTO, LARGE, MEDIUM, SMALL
from tlgui.gui.draft import SCRATCH
from tlgui.gui.wizard.strategy.table_rows import FULL, depth


def expectation(chosen: str, advised: str, images: int) -> str:
    """The sentence for a pick against the advice; "" when it is the advised strategy, or left to the measurement.

    Args:
        chosen, advised: names of strategies.
        images: used ones, in all.
    """
    if chosen in (advised, AUTO):
        return ""
    if depth(chosen) > depth(advised):
        return _deeper(chosen, images)
    return _shallower(chosen, advised, images)


def _deeper(chosen: str, images: int) -> str:
    if chosen == SCRATCH:
        few = f"people use it from {LARGE:,} images on. " if images <= LARGE else ""
        return (
            f"Nothing pretrained is used, so {images:,} images must teach everything: {few}Expect the longest training and "
            "often a lower score. It is a fair comparison that shows what the pretrained network is worth."
        )
    if chosen == FULL:
        border = f"more than {MEDIUM:,} images usually carry" if images <= MEDIUM else "these images need"
        return (
            f"Every layer learns, which is what {border}: with {images:,} it takes longest, and the network may learn "
            "these images by heart. Then the training error falls while the validation error rises."
        )
    if images < SMALL:
        return (
            f"{images:,} images are few for the layers that learn here: the validation error may stop falling early. "
            "The best epoch is kept either way."
        )
    return (
        "More layers learn than this kind of picture usually needs: it takes longer and seldom gains much on "
        "pictures like everyday photographs."
    )


def _shallower(chosen: str, advised: str, images: int) -> str:
    if chosen == "feature-extraction":
        return (
            f"Quick and steady, but the network keeps seeing as it learned to on everyday photographs: {images:,} "
            "images could teach it more. A good first run to compare with."
        )
    if advised in (FULL, SCRATCH):
        return (
            f"Quicker, and the general layers stay as they are: with {images:,} images all layers could adapt, so some "
            "accuracy may be left unused."
        )
    return (
        "Fewer layers learn than another kind of picture usually needs: quicker, but the uppermost features stay those "
        "of everyday photographs."
    )
