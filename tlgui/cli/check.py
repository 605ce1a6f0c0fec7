"""`tlgui check`: what of a folder would be used, what not, and why; asked for it, whether labels and split can be trusted."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tlgui.cli import check_text
from tlgui.cli.check_jobs import Asked, ask
from tlgui.cli.drive import EXIT_DONE, engine_at_work, finish
from tlgui.cli.folder import opened, typed
from tlgui.cli.terminal import LiveRun, console, print_json
from tlgui.core import events
from tlgui.core.records import DatasetWarning, Grouping
from tlgui.core.run_spec import RunSpec
from tlgui.core.split import Part
from tlgui.imaging.copies import leaks
from tlgui.imaging.opening import Opened
from tlgui.imaging.part_checks import all_warnings
from tlgui.imaging.pixel_rule import rule_sentence
from tlgui.imaging.prepare import Counts, class_totals, count, part_totals, split_of, split_project


@dataclass(frozen=True)
class Checked:
    """Everything that is told.

    Attributes:
        opened: the folder as it was read.
        parts: of each used image.
        counts: images of each class in each part.
        warnings: about the folder and about the parts.
        changes: sentences of the decisions that were followed.
        asked: what the engine was asked beside, by the name of the question; `None` where it could not say.
    """

    opened: Opened
    parts: Mapping[str, Part]
    counts: Counts
    warnings: list[DatasetWarning]
    changes: list[str]
    asked: dict[str, Asked | None] = field(default_factory=dict)


def check(options: argparse.Namespace) -> int:
    """Runs the command."""
    questions = [name for name in ("shortcuts", "shock") if getattr(options, name)]
    with ExitStack() as stack:
        # It loads its libraries while the images are read.
        engine = stack.enter_context(engine_at_work(0.0)) if questions else None
        with LiveRun(console(), options.json) as live:
            asked = typed(options, options.data, live.on_bytes)
            found = opened(asked, live.on_files, not options.no_kept)
        checked = _checked(found, not options.no_kept)
        if engine is not None:
            ending = ask(engine, questions, found, checked.parts, checked.asked, options.json)
            if not isinstance(ending, events.Completed):
                return finish(ending, training=False)
    if options.json:
        print_json(msgspec.json.encode(answer(checked)))
    else:
        check_text.show(console(), checked)
    return EXIT_DONE


def answer(checked: Checked) -> dict[str, Any]:
    """The JSON of `check --json`; its schema stands in the README."""
    scan, parts = checked.opened.scan, checked.parts
    asked = {name: None if found is None else msgspec.to_builtins(found) for name, found in checked.asked.items()}
    return {
        "used": len(scan.used),
        "left_out": [
            {"path": check_text.text(item.path), "reason_code": item.reason_code.value, "reason": item.reason}
            for item in scan.left_out
        ],
        "labels_without_file": scan.labels_without_file,
        "classes": class_totals(checked.counts),
        "split": part_totals(checked.counts),
        "layout": scan.layout,
        "evidence": scan.facts.evidence,
        "warnings": [{"code": warning.code, "message": warning.message} for warning in checked.warnings],
        "notices": [
            {"path": check_text.text(item.path), "code": item.code, "message": item.message} for item in scan.notices
        ],
        "groups": _groups(scan.grouping, scan.proposed, len(scan.used)),
        "leaks": [
            {
                "kind": pair.kind,
                "paths": [check_text.text(pair.first), check_text.text(pair.second)],
                "classes": list(pair.classes),
                "parts": [parts[pair.first], parts[pair.second]],
                "similarity": pair.similarity,
            }
            for pair in leaks(scan.copies, parts)
        ],
        "pixel_rule": {
            **msgspec.to_builtins(scan.pixel_rule),
            "sentence": rule_sentence(scan.pixel_rule),
            "reason": scan.rule_reason,
        },
        "changes": checked.changes,
    } | {name: _without_type(found) for name, found in asked.items()}


def _checked(found: Opened, follow_kept: bool) -> Checked:
    scan, defaults = found.scan, RunSpec()
    fractions, seed = defaults.split_fractions, defaults.training.seed
    project = split_project(found.project, found.changes, fractions, seed, scan) if follow_kept else None
    parts = split_of(scan, fractions, seed, project)
    warnings = all_warnings(scan, parts, project.kept_split(fractions, seed) if project is not None else None)
    if found.not_followed:
        sentence = f"What was decided earlier could not be followed, and is left aside: {found.not_followed}"
        warnings.insert(0, DatasetWarning(code="decisions_not_followed", message=sentence))
    earlier = found.project.in_force if follow_kept and not found.not_followed else []
    return Checked(
        found, parts, count(scan, parts), warnings, [change.sentence() for change in (*earlier, *found.changes)]
    )


def _groups(grouping: Grouping, proposed: Grouping, used: int) -> dict[str, Any]:
    return {
        "key": grouping.key,
        "sentence": grouping.sentence,
        "groups": grouping.groups,
        "images": used - grouping.without if grouping.groups else 0,
        "largest": grouping.largest,
        "without": grouping.without,
        "proposed": {
            "key": proposed.key,
            "sentence": proposed.sentence,
            "examples": [msgspec.to_builtins(example) for example in proposed.examples],
        },
    }


def _without_type(found: Any) -> Any:
    return None if found is None else {key: value for key, value in found.items() if key != "type"}
