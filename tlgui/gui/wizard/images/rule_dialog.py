"""How stored values become what the network sees: one rule for the whole set, chosen while looking at some images."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from tlgui.core.imaging_messages import ScanSummary
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.widgets import Dialog, Label
from tlgui.gui.wizard.images.rule_fields import RuleFields
from tlgui.gui.wizard.images.rule_pictures import RulePictures
from tlgui.gui.wizard.images.rule_words import changes_between, reach_words, some_of_each

_TEXT = "One rule for all images, kept with the model: training, prediction and export follow it."
_SHOWN = 6
_CAPTION = "Some of the images, by what is chosen here."
_NONE = "There is no image to show."


class PixelRuleDialog(Dialog):
    """Choices at the left, pictures by what is chosen at the right.

    Args:
        summary: of the scan.
        root: the folder.
        store: where the pictures come from.
        parent: whose window it lies over.
    """

    chosen = Signal(list)
    """The changes that lead to the rule; at least one."""

    def __init__(self, summary: ScanSummary, root: Path, store: ThumbnailStore, parent: QWidget) -> None:
        super().__init__("Pixel values", _TEXT, parent)
        self._in_use = summary.pixel_rule
        others = [rule for rule in summary.rules if rule != self._in_use]
        self.fields = RuleFields([self._in_use, *others], summary.rule_reason, bool(summary.deep_images))
        self.pictures = RulePictures(root, some_of_each(summary.classes, _SHOWN), store)
        self.problem = Label("", "body", wrap=True)
        self.problem.set_tone("bad")
        self.problem.hide()
        self._build(reach_words(summary))
        self.use = self.add_button("Use this rule", "primary", self._on_used)
        self.add_button("Cancel", "secondary")
        self.fields.changed.connect(self._on_changed)
        self.finished.connect(lambda _result: self.pictures.forget())
        room = self.screen().availableGeometry().size()
        self.resize(min(940, room.width() - 40), min(640, room.height() - 60))
        self._on_changed()

    def _build(self, reach: str) -> None:
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("Choices")
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what lies in it can be reached
        area.setMinimumSize(380, 160)
        self.fields.setProperty("role", "plain")
        area.setWidget(self.fields)
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addWidget(Label(_CAPTION if self.pictures.tiles else _NONE, "caption", wrap=True))
        right.addWidget(self.pictures, 1)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(area, 1)
        row.addLayout(right, 1)
        self.body.addWidget(Label(reach, "caption", wrap=True))
        self.body.addLayout(row, 1)
        self.body.addWidget(self.problem)

    def _on_changed(self) -> None:
        rule, problem = self.fields.rule, self.fields.problem
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        if rule is not None:
            self.pictures.show_rule(rule)
        same = rule is not None and not changes_between(self._in_use, rule)
        self.use.setEnabled(rule is not None and not same)
        why = problem or ("This rule is in use already." if same else "")
        self.use.setToolTip(why or "It can be taken back under 'What was changed'.")

    def _on_used(self) -> None:
        if (rule := self.fields.rule) is not None and (changes := changes_between(self._in_use, rule)):
            self.chosen.emit(changes)
