"""The dialogs about the images in hand, each opened in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.core.imaging_messages import ClassCount
from tlgui.gui.wizard.images.paths import source_of

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

# The modules of the dialogs are loaded when one is opened: the window itself should come up fast.


def open_seen(bench: Workbench, row: ClassCount, window: QWidget, path: str = "") -> None:
    """What the network sees of the images of a class.

    Args:
        bench: for the folder, the rule and the backbone.
        row: the class.
        window: whose window it lies over.
        path: the image to begin with; "" = the first.
    """
    from tlgui.gui.wizard.images.class_walk import ClassWalk
    from tlgui.gui.wizard.images.seen_dialog import Look, SeenDialog

    draft, source = bench.draft, source_of(bench, row.name)
    if draft.summary is not None and draft.data is not None and source is not None:
        look = Look(draft.data, row.name, draft.summary.pixel_rule, draft.backbone, draft.fit)
        SeenDialog(ClassWalk(source, row.total, path), look, bench.imaging, window).open()


def open_copies(bench: Workbench, window: QWidget, every: bool = False) -> None:
    """Copies and near-twins side by side.

    Args:
        bench: for the folder and the decisions.
        window: whose window it lies over.
        every: also pairs that the split keeps in one part and one class.
    """
    from tlgui.gui.wizard.images.copies_dialog import CopiesDialog

    if bench.scan_ticket is not None and bench.draft.summary is not None:
        CopiesDialog(bench, every, window).open()


def open_groups(bench: Workbench, window: QWidget) -> None:
    """What keeps images together."""
    from tlgui.gui.wizard.images.groups_dialog import GroupsDialog

    if bench.scan_ticket is not None and bench.draft.summary is not None:
        GroupsDialog(bench, window).open()


def open_rule(bench: Workbench, window: QWidget) -> None:
    """How stored values are mapped."""
    from tlgui.gui.wizard.images.rule_dialog import PixelRuleDialog

    draft = bench.draft
    if draft.summary is not None and draft.data is not None:
        dialog = PixelRuleDialog(draft.summary, draft.data, bench.thumbnails, window)
        dialog.chosen.connect(lambda changes: bench.intake.change(*changes))
        dialog.open()


def open_shortcuts(bench: Workbench, window: QWidget) -> None:
    """Whether the label can be guessed from what must not matter."""
    from tlgui.gui.wizard.images.shortcut_dialog import ShortcutDialog

    if bench.draft.summary is not None:
        ShortcutDialog(bench, window).open()
