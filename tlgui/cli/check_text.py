"""What `tlgui check` says to people: how the folder is read, what keeps images together, what to do about warnings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tlgui.cli.terminal import counts_table, pairs_table
from tlgui.core import events
from tlgui.core.records import Grouping, Scan
from tlgui.imaging.copies import leaks
from tlgui.imaging.names import counted
from tlgui.imaging.pixel_rule import rule_sentence
from tlgui.imaging.prepare import part_totals
from tlgui.imaging.summary import test_note

if TYPE_CHECKING:
    from tlgui.cli.check import Checked

_SHOWN = 10


def show(out: Console, checked: Checked) -> None:
    """Prints the whole answer."""
    scan = checked.opened.scan
    out.print(pairs_table(_facts(checked)))
    out.print(counts_table(checked.counts))
    _lines(out, (f"  left out: {text(item.path)}: {item.reason}" for item in scan.left_out), len(scan.left_out))
    _lines(out, (f"  {text(item.path)}: {item.message}" for item in scan.notices), len(scan.notices))
    _show_leaks(out, checked)
    for warning in checked.warnings:
        out.print(f"Note: {warning.message}")
        if warning.repairs:
            out.print(f"  In the window, one press: {' / '.join(repair.label for repair in warning.repairs)}")
    if note := test_note(scan, checked.parts):
        out.print(f"Note: {note}")
    for hint in _hints(scan):
        out.print(hint)
    for found in checked.asked.values():
        _show_asked(out, found)


def text(path: str) -> str:
    r"""A name for people and JSON: what is no text in it is shown as \xNN."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _facts(checked: Checked) -> dict[str, str]:
    scan = checked.opened.scan
    facts = {"layout": scan.layout}
    if scan.facts.evidence:
        facts["told by"] = " ".join(scan.facts.evidence)
    if scan.facts.domains:
        domain = {"": "not chosen", "*": "all of them as one set"}.get(scan.facts.domain, scan.facts.domain)
        facts["domain"] = f"{domain}; there are {', '.join(scan.facts.domains)}"
    facts |= {
        "used": counted(len(scan.used), "image"),
        "left out": counted(len(scan.left_out), "file"),
        "split": ", ".join(f"{name} {n}" for name, n in part_totals(checked.counts).items()),
        "kept together": _groups(scan.grouping),
    }
    if scan.deep_images or scan.dicom_images:
        facts["pixels"] = f"{rule_sentence(scan.pixel_rule)} {scan.rule_reason}".strip()
    if checked.changes:
        facts["as decided"] = " ".join(checked.changes)
    return facts


def _groups(grouping: Grouping) -> str:
    if not grouping.groups:
        return grouping.sentence or "nothing: each image stands alone"
    alone = f", {counted(grouping.without, 'image')} without it" if grouping.without else ""
    return f"by {grouping.sentence}: {counted(grouping.groups, 'group')}, the largest of {grouping.largest}{alone}"


def _hints(scan: Scan) -> Iterable[str]:
    """What can be typed to have it read in another way."""
    if scan.proposed.key:
        pattern = scan.proposed.key.removeprefix("pattern:")
        yield f"The names suggest groups: {scan.proposed.sentence}. To keep them together: --group '{pattern}'"
        for example in scan.proposed.examples:
            name = example.name
            yield text(f"  {name[: example.start]}[{name[example.start : example.end]}]{name[example.end :]}")
    if scan.facts.domains and not scan.facts.domain:
        yield "To use one domain alone: --domain NAME; all of them as one set: --domain all"
    others = [table for table in scan.facts.tables if table != scan.facts.table]
    if others:
        yield f"To take the labels from a table: --table FILE; in the folder lie {', '.join(map(text, others))}"


def _show_leaks(out: Console, checked: Checked) -> None:
    pairs = leaks(checked.opened.scan.copies, checked.parts)
    lines = (
        f"  {'copies' if pair.kind == 'copy' else 'near twins'}: {text(pair.first)} ({pair.classes[0]}, "
        f"{checked.parts[pair.first]}) and {text(pair.second)} ({pair.classes[1]}, {checked.parts[pair.second]})"
        for pair in pairs
    )
    _lines(out, lines, len(pairs))


def _show_asked(out: Console, found: events.ShortcutsProbed | events.SplitsCompared | None) -> None:
    if isinstance(found, events.ShortcutsProbed):
        out.print(_probes(found))
    if found is not None:
        out.print(found.sentence)


def _probes(found: events.ShortcutsProbed) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("told from", "AUC (95 % interval)", "by chance up to", "verdict"):
        table.add_column(title)
    for probe in found.probes:
        if probe.auc is None or probe.low is None or probe.high is None or probe.chance is None:
            table.add_row(Text(probe.label), "the same for all images", "", "")
            continue
        measured = f"{probe.auc:.2f} ({probe.low:.2f} to {probe.high:.2f})"
        table.add_row(Text(probe.label), measured, f"{probe.chance:.2f}", probe.verdict)
    return table


def _lines(out: Console, lines: Iterable[str], total: int) -> None:
    for number, line in enumerate(lines):
        if number == _SHOWN:
            out.print(f"  and {total - _SHOWN} more; --json lists them all")
            return
        out.print(line)
