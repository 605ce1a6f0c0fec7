"""Warnings about the names of classes and files."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from tlgui.core.intake import MergeClasses, RenameClass, SetLayout, repair
from tlgui.core.records import Repair
from tlgui.core.tables import FORMULA_STARTS
from tlgui.imaging.findings import Findings, Found, by_class, class_depth, paths_of, warning
from tlgui.imaging.layout import DOMAIN_FOLDERS, Parts
from tlgui.imaging.names import counted, listed, nfc

PICTURE_FOLDERS = {"image", "images", "img", "imgs", "picture", "pictures"}
LABEL_FOLDERS = {"label", "labels", "mask", "masks", "annotation", "annotations", "segmentation", "segmentations"}


def alike_names(findings: Findings) -> Found:
    """Class names that a person would take for one."""
    by_case = _alike(findings.classes, str.casefold)
    for names in by_case:
        yield warning(
            "names_differ_only_in_case",
            f"The classes {listed(names)} differ only in upper and lower case; they are kept apart.",
            _some_of_each(findings, names),
            [_merged(findings, names)],
        )
    for names in _alike(findings.classes, _bare):
        if names not in by_case:
            yield warning(
                "names_look_alike",
                f"The classes {listed(names)} differ only in spaces, hyphens, underscores or case; they are kept apart.",
                _some_of_each(findings, names),
                [_merged(findings, names)],
            )


def _alike(names: Iterable[str], spelling_of: Callable[[str], str]) -> list[list[str]]:
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        spellings[spelling_of(name)].append(name)
    return [alike for alike in spellings.values() if len(alike) > 1]


def _bare(name: str) -> str:
    return re.sub(r"[\s_.\-\u2010-\u2015]+", "", unicodedata.normalize("NFKC", name)).casefold()


def _merged(findings: Findings, names: Sequence[str]) -> Repair:
    """Under the name of the largest of them."""
    sizes = Counter(checked.place.class_name for checked in findings.used)
    into = max(names, key=lambda name: sizes[name])
    found = [one for name in names for one in findings.found_classes.get(name, [name])]
    return repair(f"Merge into '{into}'", MergeClasses(names=found, into=into))


def _some_of_each(findings: Findings, names: Sequence[str], most: int = 20) -> list[str]:
    classes = by_class(findings.used)
    return [path for name in names for path in paths_of(classes[name][:most])]


def formula_names(findings: Findings) -> Found:
    """Names that a spreadsheet would calculate with when a list of results is opened."""
    signs = "'=', '+', '-' or '@'"
    classes = [name for name in findings.classes if name.startswith(FORMULA_STARTS)]
    if classes:
        renamed = {name: _plain_name(name, findings.classes) for name in classes}
        changes = [
            RenameClass(old=found, new=new)
            for name, new in renamed.items()
            for found in findings.found_classes.get(name, [name])
        ]
        label = f"Call it '{renamed[classes[0]]}'" if len(classes) == 1 else "Rename them without the signs"
        one, more = (
            f"The name of the class {listed(classes)} begins",
            f"The names of the classes {listed(classes)} begin",
        )
        yield warning(
            "formula_names",
            f"{one if len(classes) == 1 else more} with {signs}, which a spreadsheet takes for a formula.",
            _some_of_each(findings, classes),
            [repair(label, *changes)],
        )
    files = [checked.found.path for checked in findings.used if checked.found.parts[-1].startswith(FORMULA_STARTS)]
    if files:
        count = counted(len(files), "image has a name that begins", "images have names that begin")
        yield warning(
            "formula_file_names",
            f"{count} with {signs}, which a spreadsheet takes for a formula: {listed(files)}.",
            files,
        )


def _plain_name(name: str, taken: Iterable[str]) -> str:
    plain = name.lstrip("=+-@ \t\r") or "class"
    return f"class {plain}" if plain in taken else plain


def images_and_labels(findings: Findings) -> Found:
    """Folders of images and of masks that were taken for two classes."""
    folded = {name.casefold() for name in findings.classes}
    if folded & PICTURE_FOLDERS and folded & LABEL_FOLDERS and folded <= PICTURE_FOLDERS | LABEL_FOLDERS:
        yield warning(
            "images_and_labels",
            f"The folders {listed(findings.classes)} look like images and their labels, not like two classes.",
            _some_of_each(findings, findings.classes),
        )


def same_subfolders(findings: Findings) -> Found:
    """Class folders that all hold the same folders, which may be the classes."""
    if shared := _shared_subfolders(findings):
        mend = [repair("Read the outer folders as domains", SetLayout(layout=DOMAIN_FOLDERS))]
        yield warning(
            "same_subfolders",
            f"Every class folder holds the same folders ({listed(shared)}); the class is the outer folder, "
            "so if the inner ones are the classes, choose one of the outer folders instead.",
            repairs=mend if DOMAIN_FOLDERS in findings.facts.others else [],
        )


def _shared_subfolders(findings: Findings) -> list[str]:
    if findings.layout.table or "domain" in findings.layout.levels:
        return []
    depth = class_depth(findings)
    inner: dict[Parts, set[str]] = {}
    for checked in findings.used:
        parts = checked.found.parts
        # A picture right in the class folder (the last part is its own name) shows that the outer one is meant.
        inner.setdefault(parts[:depth], set()).add(nfc(parts[depth]) if len(parts) > depth + 1 else "")
    sets = list(inner.values())
    alike = len(sets) >= 2 and all(names == sets[0] for names in sets) and "" not in sets[0] and len(sets[0]) >= 2
    return sorted(sets[0]) if alike else []
