"""`tlgui check`: what of a folder would be used, what not, and why."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from tlgui.cli.terminal import LiveRun, console, counts_table, pairs_table, print_json
from tlgui.core.records import Scan
from tlgui.core.run_spec import RunSpec
from tlgui.imaging.names import counted
from tlgui.imaging.prepare import Counts, class_totals, count, part_totals, split_of
from tlgui.imaging.scan import scan_folder

_SHOWN = 10


def check(options: argparse.Namespace) -> int:
    """Runs the command."""
    with LiveRun(console(), options.json) as live:
        scan = scan_folder(options.data, live.on_files)
    counts = count(scan, split_of(scan, RunSpec()))
    if options.json:
        print_json(msgspec.json.encode(answer(scan, counts)))
    else:
        _show(scan, counts)
    return 0


def answer(scan: Scan, counts: Counts) -> dict[str, Any]:
    """The JSON of `check --json`; its schema stands in the README."""
    return {
        "used": len(scan.used),
        "left_out": [
            {"path": _text(item.path), "reason_code": item.reason_code.value, "reason": item.reason}
            for item in scan.left_out
        ],
        "classes": class_totals(counts),
        "split": part_totals(counts),
        "layout": scan.layout,
        "warnings": [{"code": warning.code, "message": warning.message} for warning in scan.warnings],
    }


def _text(path: str) -> str:
    # A name whose bytes are no text cannot stand in JSON; what is no text is shown as \xNN.
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _show(scan: Scan, counts: Counts) -> None:
    out = console()
    out.print(
        pairs_table(
            {
                "layout": scan.layout,
                "used": counted(len(scan.used), "image"),
                "left out": counted(len(scan.left_out), "file"),
                "split": ", ".join(f"{name} {n}" for name, n in part_totals(counts).items()),
            }
        )
    )
    out.print(counts_table(counts))
    for item in scan.left_out[:_SHOWN]:
        out.print(f"  left out: {_text(item.path)}: {item.reason}")
    if len(scan.left_out) > _SHOWN:
        out.print(f"  and {len(scan.left_out) - _SHOWN} more; --json lists them all")
    for warning in scan.warnings:
        out.print(f"Note: {warning.message}")
