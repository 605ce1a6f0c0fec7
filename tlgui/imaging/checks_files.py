"""Warnings about files and folders: what is not used, and why."""

from __future__ import annotations

from collections import Counter

from tlgui.core.intake import SetDomain, repair
from tlgui.core.records import LeftOut, Reason
from tlgui.imaging.findings import Findings, Found, warning
from tlgui.imaging.names import counted, listed, not_a_persons, order, printable
from tlgui.imaging.unread import unread_kind

BROKEN = (
    Reason.EMPTY,
    Reason.TRUNCATED,
    Reason.UNREADABLE,
    Reason.TOO_LARGE,
    Reason.TOO_SMALL,
    Reason.NO_PIXELS,
    Reason.UNSUPPORTED,
)
MOST_DOMAINS = 6  # with a repair of their own


def folders(findings: Findings) -> Found:
    """Folders that are stepped into, cannot be opened, or are links."""
    if findings.layout.base:
        inside = "/".join(findings.layout.base)
        yield warning(
            "nested_root", f"All images lie in the folder '{inside}', so the classes are looked for in there."
        )
    for folder in findings.tree.unreadable:
        yield warning(
            "unreadable_folder", f"The folder {folder} cannot be opened, so its files are neither used nor counted."
        )
    if findings.tree.linked:
        count = counted(len(findings.tree.linked), "link")
        names = listed(findings.tree.linked)
        yield warning(
            "linked_folder",
            f"{count} to another folder not followed: {names}; copy the images here to use them.",
            findings.tree.linked,
        )


def domain_not_chosen(findings: Findings) -> Found:
    """Several domains, and nobody said which one is meant."""
    domains = findings.facts.domains
    if domains and not findings.facts.domain:
        yield warning(
            "domain_not_chosen",
            f"The folder holds {len(domains)} domains with the same classes ({listed(domains)}); until you choose one, "
            "all are used as one set.",
            repairs=[
                repair("Use all of them as one set", SetDomain(domain="*")),
                *(repair(f"Use only '{name}'", SetDomain(domain=name)) for name in domains[:MOST_DOMAINS]),
            ],
        )


def broken_files(findings: Findings) -> Found:
    """Files that should be images and cannot be used; they are left out already."""
    broken = [left for left in findings.left_out if left.reason_code in BROKEN]
    if broken:
        reasons = Counter(map(_told, broken))
        split_up = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
        paths = [left.path for left in broken]
        count = counted(len(broken), "file is", "files are")
        yield warning("unreadable_files", f"{count} left out ({split_up}): {listed(paths)}.", paths)


def _told(left: LeftOut) -> str:
    kind = unread_kind(left)
    return f"{kind}, which this version cannot read yet" if kind else left.reason_code.replace("_", " ")


def unlabelled(findings: Findings) -> Found:
    """Images that nothing gives a class."""
    without = [left.path for left in findings.left_out if left.reason_code is Reason.NO_LABEL]
    if not without:
        return
    if findings.layout.table:
        count = counted(len(without), "file is not used, because it has", "files are not used, because they have")
        sentence = f"{count} no row in the table '{findings.layout.table}': {listed(without)}."
        yield warning("files_without_row", sentence, without)
    else:
        count = counted(len(without), "image is not used, because it lies", "images are not used, because they lie")
        yield warning("images_without_class", f"{count} outside of every class folder: {listed(without)}.", without)


def table_rows(findings: Findings) -> Found:
    """Rows of a label table that fit no file, several files, or one only without regard to case."""
    layout = findings.layout
    if layout.rows_without_file:
        count = counted(len(layout.rows_without_file), "name", "names")
        yield warning(
            "rows_without_file",
            f"{count} in the table '{layout.table}' fit no file of the folder: {listed(layout.rows_without_file)}.",
        )
    if layout.ambiguous_rows:
        count = counted(len(layout.ambiguous_rows), "name", "names")
        yield warning(
            "ambiguous_rows",
            f"{count} in the table '{layout.table}' fit several files, so none of these is used: "
            f"{listed(layout.ambiguous_rows)}; write the folder before the name.",
            [path for paths in layout.ambiguous_rows.values() for path in paths],
        )
    if layout.case_differs:
        count = counted(len(layout.case_differs), "name", "names")
        yield warning(
            "case_differs",
            f"{count} in the table '{layout.table}' fit a file only if upper and lower case count as the same: "
            f"{listed(layout.case_differs)}.",
        )


def tool_folders(findings: Findings) -> Found:
    """Folders that no person made; a class that is called so would be missing without a word."""
    made = {
        printable("/".join(parts))
        for parts in findings.tree.folders
        if not_a_persons((*parts, "file")) is not None and not_a_persons((*parts[:-1], "file")) is None
    }
    inside = {
        left.path: holder
        for left in findings.left_out
        if left.reason_code in (Reason.SYSTEM_FILE, Reason.HIDDEN) and (holder := made & _folders_above(left.path))
    }
    if inside:
        holding = sorted(set().union(*inside.values()), key=order)
        what = ("folder that is hidden or made by a tool is", "folders that are hidden or made by tools are")
        count = counted(len(holding), *what)
        yield warning("tool_folders", f"{count} left out: {listed(holding)}.", inside)


def _folders_above(path: str) -> set[str]:
    return {path[:place] for place, sign in enumerate(path) if sign == "/"}
