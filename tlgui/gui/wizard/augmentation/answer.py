"""Whether left and right matter in these pictures: when it is asked, and where the answer comes from."""

from __future__ import annotations

from tlgui.core.augmentations import Augmentation, augmentation, in_use
from tlgui.core.intake import AnswerMirror
from tlgui.core.scan_summary import ChangeLine
from tlgui.gui.draft import Draft


def answer_lines(draft: Draft) -> list[ChangeLine]:
    """The answers of the project's journal that are in force, oldest first."""
    lines = draft.summary.changes if draft.summary is not None else []
    return [line for line in lines if not line.undone_at and isinstance(line.change, AnswerMirror)]


def answer_of(draft: Draft) -> bool | None:
    """Whether left and right matter, as it was answered for these images; `None` = it was not answered."""
    lines = answer_lines(draft)
    change = lines[-1].change if lines else None
    return change.matters if isinstance(change, AnswerMirror) else None


def mirror_of(draft: Draft) -> bool | None:
    """What the run is told: what is set for it alone, else what was answered; `None` = as the kind of picture says."""
    if draft.training.mirror is not None:
        return draft.training.mirror
    matters = answer_of(draft)
    return None if matters is None else not matters


def variation(draft: Draft) -> Augmentation:
    """How the run's training images are varied."""
    return in_use(draft.training.augmentation, mirror_of(draft))


def is_asked(draft: Draft) -> bool:
    """Whether left and right may matter: in medical images, in pictures unlike photographs, in kinds that say so.

    Where nothing is varied there is nothing to ask; what was answered can always be seen and changed.
    """
    row = augmentation(draft.training.augmentation)
    if row.changes_nothing or draft.summary is None:
        return False
    may_matter = draft.summary.dicom_images > 0 or draft.similarity == "different" or row.asks_mirror
    return may_matter or answer_of(draft) is not None
