"""What keeps images together, so that none of a group lies in two parts: shown at work on a real name."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.records import Grouping
from tlgui.gui.numbers import count, counted
from tlgui.gui.widgets import Button, Label
from tlgui.gui.wizard.images.name_example import NameExampleLabel

_MOST_EXAMPLES = 2


class KeptTogether(QWidget):
    """Title, an example, the counts, and the ways to another key.

    Attributes:
        accept: takes the key that the names suggest.
        change: opens the choice of keys.
    """

    accepted = Signal(str)
    """The proposed key."""
    change_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = Label("", "caption-strong", wrap=True)
        self.examples = [NameExampleLabel() for _ in range(_MOST_EXAMPLES)]
        self.text = Label("", "caption", wrap=True)
        self.accept = Button("Keep them together", "secondary", small=True)
        self.accept.setToolTip("Images of one group then never lie in two parts. It can be undone.")
        self.change = Button("Change…", "link", small=True)
        self.change.setAccessibleName("Change what keeps images together")
        self.change.align_edge("left")
        self.change.clicked.connect(self.change_asked)
        self._proposed = ""
        self.accept.clicked.connect(lambda: self.accepted.emit(self._proposed))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.title, *self.examples, self.text):
            column.addWidget(widget)
        for button in (self.accept, self.change):
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def show_groups(self, summary: ScanSummary, against: str) -> None:
        """What holds, or what the names suggest where nothing does.

        Args:
            summary: of the scan.
            against: why nothing can be decided, as a sentence; "" when it can.
        """
        used, proposed = summary.grouping, summary.proposed
        offers = not used.key and bool(proposed.key)
        shown = proposed if offers else used
        self._proposed = proposed.key if offers else ""
        self.title.setText(group_title(used, proposed))
        self.text.setText(group_text(summary))
        for label, example in zip(self.examples, [*shown.examples, None, None], strict=False):
            label.setVisible(example is not None)
            if example is not None:
                label.show_example(example)
        self.accept.setVisible(offers and not against)
        self.change.setEnabled(not against)
        self.change.setToolTip(against or "By DICOM patient or study, a column, or a pattern in the file names.")


def group_title(used: Grouping, proposed: Grouping) -> str:
    """What keeps images together, or what might."""
    if used.key:
        return f"Kept together by {used.sentence}"
    return f"The names suggest groups: {proposed.sentence}" if proposed.key else "Nothing keeps images together"


def group_text(summary: ScanSummary) -> str:
    """The counts, and what they mean."""
    used, proposed = summary.grouping, summary.proposed
    if used.key:
        alone = f" {counted(used.without, 'image')} without it {'stands' if used.without == 1 else 'stand'} alone."
        return f"{_groups(used)}.{_where(summary)}{alone if used.without else ''}"
    if proposed.key:
        return f"{_groups(proposed)}. If they are one patient or one object each, keep them together."
    if summary.groups:
        stays = "stays" if summary.groups == 1 else "stay"
        return f"But {counted(summary.groups, 'group')} of copies or of images that you joined {stays} in one part."
    return "Right where each image shows another patient or object."


def _where(summary: ScanSummary) -> str:
    """Whether given or kept parts tear groups apart; of those with copies in them the warning about leaks says it."""
    codes = {warning.code for warning in summary.warnings}
    if "groups_torn" in codes:
        return " Not all of them lie in one part."
    return "" if "leaks" in codes else " None lies in two parts."


def _groups(grouping: Grouping) -> str:
    if grouping.largest <= 1:
        return f"{counted(grouping.groups, 'group')} of a single image"
    return f"{counted(grouping.groups, 'group')}, the largest of {count(grouping.largest)} images"
