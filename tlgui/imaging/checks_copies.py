"""Warnings about images that belong together: copies, twins, and names that speak of one patient or specimen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tlgui.core.intake import Change, GroupBy, IgnoreCopies, KeepTogether, repair
from tlgui.core.records import Copies, Repair
from tlgui.imaging.findings import MOST_REPAIRED, Findings, Found, first_of, leave_out, paths_of, warning
from tlgui.imaging.names import counted

MANY_OF_ONE = 10  # DICOM images that may well be of one patient


def evidence(pairs: Iterable[Copies]) -> list[str]:
    """The paths of pairs, side by side."""
    return [path for pair in pairs for path in (pair.first, pair.second)]


def keep_together(pairs: Sequence[Copies], label: str = "Keep them together", *more: Change) -> Repair:
    """The repair that never parts the two of a pair, and makes some more changes."""
    groups = [[pair.first, pair.second] for pair in pairs[:MOST_REPAIRED]]
    return repair(first_of(label, len(pairs)), KeepTogether(groups=groups), *more)


def ignore(pairs: Sequence[Copies], label: str = "They are different pictures") -> Repair:
    """The repair that takes the two of a pair for different pictures."""
    different = [(pair.first, pair.second) for pair in pairs[:MOST_REPAIRED]]
    return repair(first_of(label, len(pairs)), IgnoreCopies(pairs=different))


def conflicting_classes(findings: Findings) -> Found:
    """The same picture under two classes: one label of the two is wrong, or may be."""
    for kind, code, how, wrong in (
        ("copy", "same_picture_in_two_classes", "byte for byte", "is wrong"),
        ("twin", "twins_in_two_classes", "a little changed", "may be wrong"),
    ):
        pairs = [pair for pair in findings.copies if pair.kind == kind and pair.classes[0] != pair.classes[1]]
        if pairs:
            count = counted(len(pairs), "picture stands", "pictures stand")
            label = "Leave both out" if len(pairs) == 1 else "Leave all of them out"
            repairs = [leave_out(evidence(pairs), label)]
            repairs += [keep_together(pairs), ignore(pairs)] if kind == "twin" else []
            sentence = f"{count} in two classes, {how}, so one of the two labels {wrong}: {_named(pairs)}."
            yield warning(code, sentence, evidence(pairs), repairs)


def _named(pairs: Sequence[Copies], most: int = 3) -> str:
    shown = ", ".join(f"'{pair.first}' and '{pair.second}'" for pair in pairs[:most])
    return shown if len(pairs) <= most else f"{shown} and {len(pairs) - most} more"


def exact_copies(findings: Findings) -> Found:
    """Copies within a class and a part: nothing is wrong with them, but they count twice."""
    given = {checked.found.path: checked.place.split for checked in findings.used}
    pairs = [
        pair
        for pair in findings.copies
        if pair.kind == "copy" and pair.classes[0] == pair.classes[1] and given[pair.first] == given[pair.second]
    ]
    if pairs:
        count = counted(len(pairs), "image is", "images are")
        copies = "an exact copy of another one" if len(pairs) == 1 else "exact copies of others"
        yield warning(
            "exact_copies",
            f"{count} {copies}; copies are kept on one side of the split, and count more than once.",
            evidence(pairs),
            [leave_out((pair.second for pair in pairs), "Leave the copies out")],
        )


def twins(findings: Findings) -> Found:
    """Pictures of one class that show the same, and that nothing keeps together yet."""
    pairs = [
        pair
        for pair in findings.copies
        if pair.kind == "twin" and pair.classes[0] == pair.classes[1] and not _together(findings, pair)
    ]
    if pairs:
        count = counted(len(pairs), "pair of images shows", "pairs of images show")
        yield warning(
            "twins",
            f"{count} the same, saved again or a little changed; where one trains and the other tests, the score is too "
            "good.",
            evidence(pairs),
            [
                keep_together(pairs),
                leave_out((pair.second for pair in pairs), "Leave one of each pair out"),
                ignore(pairs),
            ],
        )


def _together(findings: Findings, pair: Copies) -> bool:
    group = findings.groups.get(pair.first, "")
    return bool(group) and group == findings.groups.get(pair.second, "")


def possible_groups(findings: Findings) -> Found:
    """File names that speak of a patient, a specimen or a slide, by which nothing is grouped yet."""
    proposed = findings.proposed
    if proposed.key:
        shown = {example.name for example in proposed.examples}
        yield warning(
            "possible_groups",
            f"The file names look as if several images belong to one person or thing ({proposed.sentence}: "
            f"{counted(proposed.groups, 'group')}); apart in the split, they would make the score too good.",
            paths_of(checked for checked in findings.used if checked.found.parts[-1] in shown),
            [
                repair("Keep them together", GroupBy(key=proposed.key)),
                repair("They are independent", GroupBy(key="none")),
            ],
        )


def one_patient(findings: Findings) -> Found:
    """DICOM files that all name the same patient, as some programs leave it behind when they make files anonymous."""
    facts = [checked.verdict.dicom for checked in findings.used if checked.verdict.dicom is not None]
    named = {one.patient for one in facts if one.patient}
    if len(facts) < MANY_OF_ONE or len(named) != 1 or findings.grouping.key or findings.intake.group:
        return
    studies = len({one.study for one in facts if one.study})
    by_study = repair("Keep the images of each study together", GroupBy(key="dicom:study"))
    yield warning(
        "one_patient",
        f"All {len(facts)} DICOM images name the same patient, as after making them anonymous; so it cannot be told which "
        "of them belong together.",
        paths_of(checked for checked in findings.used if checked.verdict.dicom is not None),
        [by_study] if 1 < studies < len(facts) else [],
    )
