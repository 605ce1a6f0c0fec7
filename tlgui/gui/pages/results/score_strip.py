"""The strip of scores: each with its interval, the line that one must be better than, and what n allows to say."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.split import Part
from tlgui.gui import numbers
from tlgui.gui.flow import Flow
from tlgui.gui.pages.results.findings import Findings, Measured, Scores
from tlgui.gui.widgets import Card, Label, Stat

_WHOSE: dict[Part, str] = {"test": "test images", "validation": "validation images", "train": "training images"}
_SERIES: dict[Part, str] = {"test": "s3", "validation": "s2", "train": "s1"}


class ScoreStrip(Card):
    """Accuracy, balanced accuracy and area under the ROC curve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent=parent)
        self._accuracy, self._balanced, self._auc = Stat("Accuracy"), Stat("Balanced accuracy"), Stat("AUC")
        self._accuracy.set_note("The share of the images that are right.")
        self._balanced.set_note("The same with each class counting alike.")
        self._auc.set_note("How well the classes are ranked apart.")
        self._stats = Flow([self._accuracy, self._balanced, self._auc], narrowest=250)
        self._sentence = Label("", kind="body", wrap=True)
        self._notes = Label("", kind="muted", wrap=True)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._sentence)
        words.addWidget(self._notes)
        row = QHBoxLayout()
        row.addLayout(words, 1)
        self.body.addWidget(self._stats)
        self.body.addLayout(row)

    def set_findings(self, findings: Findings) -> None:
        """Shows the scores of a run."""
        scores, part = findings.shown, findings.part
        chance = 1 / max(1, sum(1 for row in scores.confusion_matrix if sum(row)))
        always = f'always saying "{scores.majority_class}": {numbers.percent(scores.majority_class_accuracy)}'
        _show_share(self._accuracy, scores.accuracy, scores.majority_class_accuracy, always, part)
        _show_share(self._balanced, scores.balanced_accuracy, chance, f"by chance: {numbers.percent(chance)}", part)
        self._auc.setVisible(scores.auc is not None)
        if scores.auc is not None and scores.auc.value is not None:
            low, high = scores.auc.low or 0.0, scores.auc.high or 1.0
            self._auc.set(
                scores.auc.value,
                low,
                high,
                text=f"{scores.auc.value:.3f}",
                range_text=f"{low:.3f} to {high:.3f}",
                reference=0.5,
                reference_text="0.5, chance",
                lowest=0.5 if low >= 0.5 else 0.0,
                highest_text="1",
                series=_SERIES[part],
            )
        self._sentence.setText(sentence(scores, part))
        self._notes.setText(" ".join(notes(findings)))


def sentence(scores: Scores, part: Part) -> str:
    """What the number of images allows to be said."""
    right = sum(row[place] for place, row in enumerate(scores.confusion_matrix))
    measured = scores.accuracy
    few = " That is a wide range: more images would narrow it." if _is_wide(measured) else ""
    return (
        f"{numbers.count(right)} of {numbers.count(measured.n)} {_WHOSE[part]} are right: the true accuracy plausibly "
        f"lies between {_whole(measured.low)} and {_whole(measured.high)} %.{few}"
    )


def notes(findings: Findings) -> list[str]:
    """What else must be known to read the scores; the most important first."""
    found = []
    scores = findings.shown
    if findings.part == "test":
        times = findings.test_evaluations
        found.append(
            "The test images were read once, after training."
            if times <= 1
            else f"These test images have been scored {times} times: each look makes the next score less independent."
        )
    else:
        found.append("There are no test images. Validation chose the epoch, so this score is a little optimistic.")
    accuracy = scores.accuracy
    if accuracy.low is not None and accuracy.low <= scores.majority_class_accuracy:
        found.append("The range includes always naming the largest class: it is not shown that the model is better.")
    found.append("The ranges are for 95 % and treat the images as independent of each other.")
    return found


def _show_share(stat: Stat, measured: Measured, reference: float, words: str, part: Part) -> None:
    if measured.value is None:
        return
    low, high = measured.low or 0.0, measured.high or 1.0
    stat.set(
        measured.value,
        low,
        high,
        text=numbers.percent(measured.value),
        range_text=numbers.interval(low, high),
        reference=reference,
        reference_text=words,
        highest_text="100 %",
        series=_SERIES[part],
    )


def _is_wide(measured: Measured) -> bool:
    return measured.low is not None and measured.high is not None and measured.high - measured.low > 0.15


def _whole(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:.0f}"
