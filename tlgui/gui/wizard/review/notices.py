"""What a person should know before Start: few images, files left out, warnings of the scan."""

from __future__ import annotations

from dataclasses import dataclass

from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.run_spec import Training
from tlgui.gui.numbers import count, counted
from tlgui.gui.wizard.review.balance import balance

# Below this many test images of a class, its score moves by several points with every single image.
FEW_TEST = 20
# Below this many training images of a class, even the head learns single pictures by heart.
FEW_TRAIN = 20
_SAID_BY_SCAN = ("few_images_in_class", "class_with_one_image")


@dataclass(frozen=True)
class ReviewNotice:
    """One line: what was found (bold), what it means, and what a press sets `Training.imbalance` to.

    Attributes:
        button: its words; "" for none.
    """

    tone: str
    title: str
    text: str
    button: str = ""
    value: str = ""


def notices(summary: ScanSummary, training: Training) -> list[ReviewNotice]:
    """The lines for one set of images, the weightiest first.

    Args:
        summary: what the scan found.
        training: resolved.
    """
    found = balance(training, summary.classes)
    unequal = [ReviewNotice(found.tone, found.title, found.text, found.button, found.value)] if found else []
    return [*_few_train(summary), *_few_test(summary), *unequal, *_warnings(summary), *_left_out(summary)]


def _few_train(summary: ScanSummary) -> list[ReviewNotice]:
    few = [one for one in summary.classes if 0 < one.train < FEW_TRAIN]
    if not few or any(warning.code in _SAID_BY_SCAN for warning in summary.warnings):
        return []
    least = min(few, key=lambda one: one.train)
    title = (
        f"“{least.name}” has {counted(least.train, 'training image')}"
        if len(few) == 1
        else f"{count(len(few))} classes have fewer than {FEW_TRAIN} training images"
    )
    return [ReviewNotice("warn", title, "The score will depend on which ones they are. A few more help a lot.")]


def _few_test(summary: ScanSummary) -> list[ReviewNotice]:
    test = sum(one.test for one in summary.classes)
    if test == 0:
        return [
            ReviewNotice(
                "info",
                "There are no test images",
                "The validation images give the score too, after they chose the epoch: it will look a little too good.",
            )
        ]
    least = min(summary.classes, key=lambda one: one.test)
    if least.test >= FEW_TEST:
        return []
    return [
        ReviewNotice(
            "info",
            f"{counted(test, 'test image')}, {count(least.test)} of “{least.name}”",
            "The score will have a wide range: each image counts for much.",
        )
    ]


def _warnings(summary: ScanSummary) -> list[ReviewNotice]:
    # That there is no test part stands on a line of its own.
    warnings = [one for one in summary.warnings if one.code != "no_test_part"]
    n = len(warnings)
    if not n:
        return []
    text = warnings[0].message if n == 1 else "They are on the Images page, with what each of them means."
    return [ReviewNotice("warn", f"{counted(n, 'warning')} about the images", text)]


def _left_out(summary: ScanSummary) -> list[ReviewNotice]:
    n = summary.left_out_count
    if not n:
        return []
    verb = "is" if n == 1 else "are"
    return [ReviewNotice("info", f"{counted(n, 'file')} {verb} left out", "The Images page and manifest.csv say why.")]
