"""What to expect from a row that is not the advised one, in one sentence."""

from __future__ import annotations

from tlgui.core.strategies import LARGE, MEDIUM
from tlgui.gui.wizard.strategy.table_rows import TableRow


def expectation(chosen: TableRow, advised: TableRow, images: int) -> str:
    """The sentence for a pick against the advice; "" when it is the advised row."""
    if chosen == advised:
        return ""
    if chosen.depth > advised.depth:
        return _deeper(chosen, images)
    return _shallower(chosen, advised, images)


def _deeper(chosen: TableRow, images: int) -> str:
    if chosen.strategy.trains == "all":
        border = f"more than {LARGE:,} images usually carry" if images <= LARGE else "these images need"
        return (
            f"Every layer learns, which is what {border}: with {images:,} it takes longest, and the network may learn "
            "these images by heart. Then the training error falls while the validation error rises."
        )
    if images < MEDIUM:
        return (
            f"{images:,} images are few for the layers that learn here: the validation error may stop falling early. "
            "The best epoch is kept either way."
        )
    return (
        "More layers learn than this kind of picture usually needs: it takes longer and seldom gains much on "
        "pictures like everyday photographs."
    )


def _shallower(chosen: TableRow, advised: TableRow, images: int) -> str:
    if chosen.strategy.trains == "head":
        return (
            f"Quick and steady, but the network keeps seeing as it learned to on everyday photographs: {images:,} "
            "images could teach it more. A good first run to compare with."
        )
    if advised.strategy.trains == "all":
        return (
            f"Quicker, and the general layers stay as they are: with {images:,} images all layers could adapt, so some "
            "accuracy may be left unused."
        )
    return (
        "Fewer layers learn than another kind of picture usually needs: quicker, but the uppermost features stay those "
        "of everyday photographs."
    )
