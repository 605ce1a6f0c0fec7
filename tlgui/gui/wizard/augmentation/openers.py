"""Opens the preview; its module is loaded then, since the window itself should come up fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


def open_augmentation_preview(bench: Workbench, parent: QWidget) -> None:
    """What training makes of the person's own images, with the choice of how they are varied.

    Args:
        bench: for the draft and the images.
        parent: whose window it lies over.
    """
    from tlgui.gui.wizard.augmentation.preview_dialog import AugmentationDialog

    AugmentationDialog(bench, parent).open()
