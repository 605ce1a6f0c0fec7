"""From what was read to what is used: the folder as the person wants it read.

No file is opened here, so that a change is answered at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import msgspec

from tlgui.core.intake import Intake
from tlgui.core.records import Copies, ImageRecord, LayoutFacts, LeftOut, Notice, Reason, Scan
from tlgui.imaging.checks import Findings, warnings_of
from tlgui.imaging.copies import find_copies, unsettled, with_classes
from tlgui.imaging.file_check import Checked, notices_of
from tlgui.imaging.grouping import choose_slices, group_images
from tlgui.imaging.label_table import LabelTable
from tlgui.imaging.layout import Layout, NoPlace, Place, choose_layout
from tlgui.imaging.names import nfc, not_a_persons, order, printable
from tlgui.imaging.pixel_rule import choose_pixel_rule, rule_choices
from tlgui.imaging.refusals import refuse_fold, refuse_unusable
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile, Tree


@dataclass
class Look:
    """What lies in a folder, by names and by content, and nothing of how it is read.

    Attributes:
        root: the folder.
        name: its own name, for messages.
        tree: its files and folders.
        tables: label tables that were read: those that lie in the folder, by their path relative to it, and those from
            elsewhere that were asked for, by their own name.
        verdicts: path -> what reading it found; files that no person put there have none.
        copies: remembered between two assemblies, since finding them takes a while.
    """

    root: Path
    name: str
    tree: Tree
    tables: dict[str, LabelTable] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    copies: dict[frozenset[str], list[Copies]] = field(default_factory=dict)


def layout_of(look: Look, intake: Intake) -> tuple[Layout, LayoutFacts]:
    """How the folder is read.

    Raises:
        UserError: what was asked for does not fit this folder.
    """
    return choose_layout(look.tree, look.tables, intake)


def wanted(look: Look, layout: Layout) -> list[FoundFile]:
    """The files that must have been read in full before `assemble`: those that have a class."""
    return [
        found
        for found in look.tree.files
        if found.kind == "file" and not_a_persons(found.parts) is None and isinstance(layout.place(found.parts), Place)
    ]


def assemble(
    look: Look,
    intake: Intake = Intake(),  # noqa: B008 (frozen)
    salt: str = "",
    for_training: bool = True,
    stop_if_cancelled: Callable[[], None] = lambda: None,
    fewest_classes: int = 2,
) -> Scan:
    """The scan of a folder that was read.

    Args:
        look: with a verdict of level "full" for every file of `wanted`.
        intake: the person's decisions.
        salt: the project's, for group keys.
        for_training: False for images that a finished model is scored on.
        stop_if_cancelled: raises to end the work.
        fewest_classes: that are needed; 1 where a network that knows others learns on.

    Raises:
        UserError: no classifier can come of this; says what to do.
    """
    intake = _as_spelt_here(intake, look.tree)
    layout, facts = layout_of(look, intake)
    used, left_out, found_classes = _placed(look, layout, intake)
    used, other_slices = choose_slices(used, intake)
    left_out += other_slices
    refuse_unusable(look.name, look.tree, layout, used, left_out, for_training, fewest_classes)
    classes = sorted({checked.place.class_name for checked in used})
    # Test images stand for images that nobody has seen yet: nothing is chosen by looking at them.
    looked_at = [checked.description for checked in used if checked.place.split != "test"]
    rule, rule_reason = choose_pixel_rule(looked_at, intake)
    column = facts.columns.group if facts.columns is not None else ""
    grouping, proposed, keys = group_images(used, intake, salt, column)
    stop_if_cancelled()
    copies = _copies(look, used, stop_if_cancelled) if for_training else []
    copies = unsettled(copies, intake.different)
    groups = joined(
        [checked.found.path for checked in used],
        keys,
        [[pair.first, pair.second] for pair in copies if pair.kind == "copy"] + intake.together,
    )
    left_out.sort(key=lambda left: order(left.path))
    findings = Findings(
        tree=look.tree,
        layout=layout,
        facts=facts,
        used=used,
        left_out=left_out,
        classes=classes,
        rule=rule,
        intake=intake,
        grouping=grouping,
        proposed=proposed,
        groups=groups,
        copies=copies,
        found_classes=found_classes,
    )
    records = [_record(checked, groups.get(checked.found.path, "")) for checked in used]
    if intake.fold is not None:
        refuse_fold(records, intake.fold)
    return Scan(
        name=look.name,
        layout=layout.name,
        classes=classes,
        used=records,
        left_out=left_out,
        warnings=warnings_of(findings),
        pixel_rule=rule,
        deep_images=sum(checked.description.lowest is not None for checked in used),
        notices=[
            Notice(path=checked.found.path, code=code, message=message)
            for checked in used
            for code, message in notices_of(checked.description, rule.frame)
        ],
        facts=facts,
        grouping=grouping,
        proposed=proposed,
        copies=copies,
        found_classes=found_classes,
        dicom_images=sum(checked.verdict.dicom is not None for checked in used),
        rule_reason=rule_reason,
        cut_test=intake.cut_test,
        fold=intake.fold,
        formats=sorted({checked.verdict.kind for checked in used}),
        rules=rule_choices(looked_at, intake),
        labels_without_file=layout.rows_without_file,
    )


def _as_spelt_here(intake: Intake, tree: Tree) -> Intake:
    """The same decisions about the same files, where another computer wrote an umlaut as one character, or as two."""
    named = {*intake.left_out, *chain.from_iterable(intake.together), *chain.from_iterable(intake.different)}
    if all(map(str.isascii, named)):
        return intake
    here = {nfc(found.path): found.path for found in tree.files}
    here |= {found.path: found.path for found in tree.files}

    def spelt(path: str) -> str:
        return here.get(path) or here.get(nfc(path), path)

    pairs = (sorted(map(spelt, pair)) for pair in intake.different)
    return msgspec.structs.replace(
        intake,
        left_out=frozenset(map(spelt, intake.left_out)),
        together=[list(map(spelt, group)) for group in intake.together],
        different=frozenset((first, second) for first, second in pairs),
    )


def joined(paths: Iterable[str], keys: dict[str, str], together: Iterable[list[str]]) -> dict[str, str]:
    """Groups that are the union of keys and of what belongs together: path -> group, alone ones left out.

    A group is named by the smallest key in it, or, where it has none, by its smallest path's hash-free place among the
    paths: names are the same whatever the order of files was.
    """
    known = sorted(paths, key=order)
    parent = {path: path for path in known}

    def root_of(path: str) -> str:
        while parent[path] != path:
            parent[path] = parent[parent[path]]
            path = parent[path]
        return path

    def join(members: list[str]) -> None:
        present = [member for member in members if member in parent]
        for other in present[1:]:
            first, second = sorted((root_of(present[0]), root_of(other)), key=order)
            parent[second] = first

    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for path in known:
        if keys.get(path):
            by_key[keys[path]].append(path)
    for members in [*by_key.values(), *together]:
        join(members)
    members_of: defaultdict[str, list[str]] = defaultdict(list)
    for path in known:
        members_of[root_of(path)].append(path)
    groups: dict[str, str] = {}
    for number, members in enumerate(members_of.values(), 1):
        named = sorted(keys[member] for member in members if keys.get(member))
        if named or len(members) > 1:
            groups |= dict.fromkeys(members, named[0] if named else f"together {number}")
    return groups


def _copies(look: Look, used: list[Checked], stop_if_cancelled: Callable[[], None]) -> list[Copies]:
    key = frozenset(checked.found.path for checked in used)
    if key not in look.copies:
        look.copies = {key: find_copies(used, stop_if_cancelled, whole=True)}
    return with_classes(look.copies[key], used)


def _placed(look: Look, layout: Layout, intake: Intake) -> tuple[list[Checked], list[LeftOut], dict[str, list[str]]]:
    """Used files, left-out files, and which found names make up each class ("" = left out by the person)."""
    used: list[Checked] = []
    left_out: list[LeftOut] = []
    found_classes: defaultdict[str, set[str]] = defaultdict(set)
    for found in look.tree.files:
        verdict = look.verdicts.get(found.path)
        judged = _judged(found, verdict, layout, intake, found_classes)
        if isinstance(judged, LeftOut):
            left_out.append(judged)
        else:
            used.append(judged)
    return used, left_out, {name: sorted(names) for name, names in sorted(found_classes.items())}


def _judged(
    found: FoundFile,
    verdict: Verdict | None,
    layout: Layout,
    intake: Intake,
    found_classes: defaultdict[str, set[str]],
) -> Checked | LeftOut:
    def left_out(reason: Reason, sentence: str) -> LeftOut:
        return LeftOut(path=printable(found.path), reason_code=reason, reason=sentence)

    if ours := not_a_persons(found.parts):
        return left_out(*ours)
    if found.kind == "broken link":
        return left_out(Reason.UNREADABLE, "It is a link to a file that does not exist.")
    if found.kind == "special":
        return left_out(Reason.UNREADABLE, "It is not an ordinary file.")
    place = layout.place(found.parts)
    if isinstance(place, NoPlace) and place.reason is not Reason.NO_LABEL:
        return left_out(place.reason, place.sentence)
    # What is no image at all is called so wherever it lies.
    if (
        verdict is not None
        and verdict.reason_code is not None
        and (verdict.level == "head" or isinstance(place, Place))
    ):
        return left_out(verdict.reason_code, verdict.reason)
    if isinstance(place, NoPlace):
        return left_out(place.reason, place.sentence)
    class_name = intake.class_of(place.class_name)
    found_classes[class_name].add(place.class_name)
    if not class_name:
        return left_out(Reason.LEFT_OUT_CLASS, f"You left the class '{place.class_name}' out.")
    if found.path in intake.left_out:
        return left_out(Reason.LEFT_OUT_BY_PERSON, "You left it out.")
    if verdict is None or verdict.description is None:
        return left_out(Reason.UNREADABLE, "It could not be read.")
    split = "" if intake.draw_anew else place.split
    if intake.cut_validation and split == "validation":
        split = "train"
    place = Place(class_name, split, place.group, place.domain)
    return Checked(found, place, verdict.content_hash, verdict.description, verdict)


def _record(checked: Checked, group: str) -> ImageRecord:
    return ImageRecord(
        path=checked.found.path,
        class_name=checked.place.class_name,
        given_split=checked.place.split,
        content_hash=checked.content_hash,
        width=checked.description.width,
        height=checked.description.height,
        group=group,
    )
