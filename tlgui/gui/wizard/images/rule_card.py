"""How stored values become what the network sees: the rule in words, and why it is this one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.intake import ChooseFrame, CropBorder, SetColour, SetPixelRule
from tlgui.core.records import PixelRule
from tlgui.gui.widgets import Button, Card, Label


class RuleCard(Card):
    """A sentence for each step of the rule, the reason, *Change…*."""

    change_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Pixel values", parent=parent)
        self.sentence = Label("", "caption-strong", wrap=True)
        self.reason = Label("", "caption", wrap=True)
        self.change = Button("Change…", "link", small=True)
        self.change.setAccessibleName("Change how pixel values are mapped")
        self.change.align_edge("left")
        self.change.clicked.connect(self.change_asked)
        self.body.addWidget(self.sentence)
        self.body.addWidget(self.reason)
        self.body.addWidget(self.change, 0, Qt.AlignmentFlag.AlignLeft)

    def show_rule(self, summary: ScanSummary, against: str, counted: bool = True) -> None:
        """The rule in use.

        Args:
            summary: of the scan.
            counted: whether it is known how many images the rule acts on; of a run that began it is not.
            against: why nothing can be decided, as a sentence; "" when it can.
        """
        self.sentence.setText(" ".join(rule_sentences(summary, counted)))
        # Where no value is mapped, the sentence says already why.
        reason = summary.rule_reason if summary.deep_images or summary.dicom_images else ""
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        self.change.setEnabled(not against)
        self.change.setToolTip(against or "Another range or window, grey images, a border that is cut off.")


def rule_matters(summary: ScanSummary) -> bool:
    """Whether the rule changes what the network sees of any image."""
    plain = PixelRule(method=summary.pixel_rule.method, low=summary.pixel_rule.low, high=summary.pixel_rule.high)
    return bool(summary.deep_images or summary.dicom_images) or summary.pixel_rule != plain


def rule_sentences(summary: ScanSummary, counted: bool = True) -> list[str]:
    """Every step of the rule that acts on these images, in words."""
    if not counted:
        return rule_steps(summary.pixel_rule)
    acts = bool(summary.deep_images or summary.dicom_images)
    return rule_steps(summary.pixel_rule, acts) or ["All values have 8 bits and are taken as they are."]


def rule_steps(rule: PixelRule, acts: bool | None = None) -> list[str]:
    """Every step of a rule, in words.

    Args:
        rule: the rule.
        acts: whether there are images whose values it maps; `None` = nobody knows.
    """
    sentences = []
    if acts or acts is None:
        sentences.append(SetPixelRule(method=rule.method, low=rule.low, high=rule.high).sentence())
    if acts is None:
        sentences.append("This acts on images of more than 8 bits alone.")
    if rule.frame != "auto":
        sentences.append(ChooseFrame(frame=rule.frame).sentence())
    if rule.colour != "as stored":
        sentences.append(SetColour(colour=rule.colour).sentence())
    if rule.border:
        sentences.append(CropBorder(share=rule.border).sentence())
    return sentences
