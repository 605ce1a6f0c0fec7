"""What could keep the images in hand together: a row for each, with the key and the changes that choose it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.intake import AnyChange, GroupBy, SetTable
from tlgui.core.records import Grouping, LayoutFacts
from tlgui.gui.numbers import count, counted
from tlgui.gui.wizard.images.words import in_force

NOTHING, OWN, COLUMN = "none", "own", "column"
PATIENT, STUDY = "dicom:patient", "dicom:study"
_COLUMN_KEY, PATTERN_KEY = "column:", "pattern:"


class Choice(NamedTuple):
    """One way.

    Attributes:
        name: `NOTHING`, `OWN`, `COLUMN`, or a key as in `Grouping`.
        title: what keeps together.
        text: when that is right.
    """

    name: str
    title: str
    text: str


_NOTHING = Choice(NOTHING, "Nothing", "Right where each image shows another patient or object.")
_OWN = Choice(OWN, "A pattern of your own", "For names that tell it in a way of their own; a regular expression.")
_COLUMN = Choice(COLUMN, "A column of the label table", "Such as the patient, the specimen or the slide of each image.")
_DICOM = (
    Choice(PATIENT, "The patient", "Whom each DICOM file names (PatientID). Kept as a code that names nobody."),
    Choice(STUDY, "The study", "Which each DICOM file names (StudyInstanceUID). A patient may have several."),
)


def choices(summary: ScanSummary) -> list[Choice]:
    """The ways that these images allow, in the order in which they are offered."""
    used, facts = summary.grouping, summary.facts
    rows = [_NOTHING]
    if summary.dicom_images or used.key in (PATIENT, STUDY):
        rows += _DICOM
    if facts.table and facts.columns is not None:
        rows.append(_COLUMN)
    for found, text in ((used, "A pattern in the file names."), (summary.proposed, "The file names suggest it.")):
        if found.key.startswith(PATTERN_KEY):
            rows.append(Choice(found.key, found.sentence[:1].upper() + found.sentence[1:], text))
    return [*rows, _OWN]


def name_in_use(grouping: Grouping) -> str:
    """Which row is in use."""
    if grouping.key.startswith(_COLUMN_KEY):
        return COLUMN
    return grouping.key or NOTHING


def is_decided(summary: ScanSummary) -> bool:
    """Whether the person said what keeps images together."""
    return any(isinstance(line.change, GroupBy) for line in in_force(summary.changes))


def column_of(summary: ScanSummary) -> str:
    """The column that is in use, or that the table offers for it; "" = none."""
    if summary.grouping.key.startswith(_COLUMN_KEY):
        return summary.grouping.key.removeprefix(_COLUMN_KEY)
    columns = summary.facts.columns
    return columns.group if columns is not None else ""


def key_of(name: str, column: str, pattern: str) -> str:
    """The key of a choice; "" while it is not complete."""
    if name == COLUMN:
        return _COLUMN_KEY + column if column else ""
    if name == OWN:
        return PATTERN_KEY + pattern if pattern.strip() else ""
    return name


def changes_for(key: str, facts: LayoutFacts) -> list[AnyChange]:
    """What chooses a key: a column that the table was not read for is read first."""
    changes: list[AnyChange] = []
    column = key.removeprefix(_COLUMN_KEY) if key.startswith(_COLUMN_KEY) else ""
    if column and facts.columns is not None and facts.columns.group != column:
        columns = msgspec.structs.replace(facts.columns, group=column)
        changes.append(SetTable(table=facts.table, columns=columns))
    return [*changes, GroupBy(key=key)]


def counts_words(grouping: Grouping) -> str:
    """How many groups there are, and what stands alone."""
    if not grouping.groups:
        return "No image tells it, so each stands alone."
    words = f"{counted(grouping.groups, 'group')}, the largest of {counted(grouping.largest, 'image')}."
    if grouping.without:
        stands = "stands" if grouping.without == 1 else "stand"
        words += f" {counted(grouping.without, 'image')} without it {stands} alone."
    return words


def doubt_words(grouping: Grouping, images: int) -> str:
    """What speaks against a key, in one sentence; "" for nothing.

    Args:
        grouping: as it was tried.
        images: that are used.
    """
    found = images - grouping.without
    if not grouping.groups or not images:
        return ""
    if grouping.largest <= 1:
        return "Each image would be a group of its own: it keeps nothing together."
    if grouping.groups < 3:
        return "There must be a group for each part at least: fewer than three cannot be split."
    if grouping.largest > 0.5 * images:
        return f"One group holds {count(grouping.largest)} of {count(images)} images: that may be a word that many names share."
    if found < 0.5 * images:
        return "It is missing in more than half of the images."
    return ""
