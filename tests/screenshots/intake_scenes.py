"""The images page with something to settle: told by a played summary, shown with real pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from scenes_table import Play, Scene

from tlgui.core.imaging_messages import ChangeLine, ClassCount, ScanSummary, TableRead
from tlgui.core.intake import KeepTogether, LeaveOutClass, LeaveOutFiles, MergeClasses, RenameClass, UseFold, repair
from tlgui.core.records import (
    DatasetWarning,
    Grouping,
    LayoutFacts,
    LeftOut,
    NameExample,
    Notice,
    PixelRule,
    Reason,
    TableColumns,
)

if TYPE_CHECKING:
    from stage import Stage


def scenes() -> tuple[Scene, ...]:
    """One for each state that a decision can bring about."""
    return (
        _scene("to-settle", lambda stage: pretend(stage, to_settle(stage))),
        _scene("settled", lambda stage: pretend(stage, settled(stage))),
        _scene("folds", _folds),
        _scene("domains", lambda stage: pretend(stage, with_domains(stage))),
        _scene("refused-change", _refused_change),
        _scene("deep", lambda stage: pretend(stage, deep(stage))),
        _scene("evidence", lambda stage: pretend(stage, to_settle(stage)), dialog=_evidence),
        _scene("changes", lambda stage: pretend(stage, settled(stage)), dialog=_changes),
        _scene("no-changes", lambda stage: pretend(stage, plain(stage)), dialog=_changes),
        _scene("table", lambda stage: pretend(stage, plain(stage)), dialog=_table),
        _scene("wrong-table", lambda stage: pretend(stage, plain(stage)), dialog=_wrong_table),
        _scene("notes", lambda stage: pretend(stage, deep(stage)), dialog=_notes),
    )


def _folds(stage: Stage) -> None:
    stage.bench.draft.set_level("adjustable")
    change = UseFold(number=2, of=5)
    line = ChangeLine(number=0, sentence=change.sentence(), at="2026-11-25T14:03:00+00:00", change=change)
    pretend(stage, msgspec.structs.replace(plain(stage), fold=(2, 5), changes=[line]))


def _scene(state: str, play: Play, dialog: Play | None = None) -> Scene:
    # Nothing of it needs a run of earlier days.
    return Scene("images", state, play, dialog=dialog, with_past=False)


def pretend(stage: Stage, summary: ScanSummary) -> None:
    """Shows a summary of the demo images as if the folder had been read so."""
    bench = stage.bench
    bench.show("images")
    bench.scans.ticket = bench.imaging.new_ticket()
    bench.draft.data, bench.draft.summary = stage.material.demo, summary
    bench.draft.changed.emit()
    stage.rest(0.8)


def plain(stage: Stage) -> ScanSummary:
    """The demo images without anything to say of them."""
    classes = []
    for folder in sorted(path for path in stage.material.demo.iterdir() if path.is_dir()):
        paths = [f"{folder.name}/{path.name}" for path in sorted(folder.glob("*.*"))]
        train, held = round(len(paths) * 0.7), round(len(paths) * 0.15)
        classes.append(
            ClassCount(
                name=folder.name, train=train, validation=held, test=len(paths) - train - held, samples=paths[:16],
                found=[folder.name],
            )
        )  # fmt: skip
    left_out = [
        LeftOut(path="Thumbs.db", reason_code=Reason.SYSTEM_FILE, reason="It was made by Windows."),
        LeftOut(path="notes.txt", reason_code=Reason.NOT_AN_IMAGE, reason="It holds text."),
    ]
    examples = [NameExample(name=Path(path).name, start=0, end=4) for path in classes[0].samples[:5]]
    return ScanSummary(
        name=stage.material.demo.name,
        layout="class folders",
        classes=classes,
        used=sum(row.total for row in classes),
        left_out=left_out,
        left_out_count=2,
        reasons={"system_file": 1, "not_an_image": 1},
        facts=LayoutFacts(
            name="class folders",
            evidence=[f"{len(classes)} folders in the first level hold images.", "No name is one of a train or test part."],
            others=["label table"],
            tables=["labels.csv"],
        ),
        grouping=Grouping(
            key="pattern:^(\\d+)", sentence="the number at the start of the file name", groups=80, largest=4,
            examples=examples,
        ),
        fingerprint="3dd342df" * 8,
        kept_images=60,
    )  # fmt: skip


def to_settle(stage: Stage) -> ScanSummary:
    """Warnings with and without repairs, some files cut off."""
    found = plain(stage)
    first, second = found.classes[0], found.classes[1]
    pairs = [[first.samples[0], first.samples[1]], [second.samples[0], second.samples[1]]]
    warnings = [
        DatasetWarning(
            code="leaks",
            message="14 pairs of near-identical images lie on both sides of the split: the score would look better than it is.",
            paths=[path for pair in pairs for path in pair],
            repairs=[
                repair("Keep together", KeepTogether(groups=pairs)),
                repair("Leave one of each out", LeaveOutFiles(paths=[pair[1] for pair in pairs])),
            ],
        ),
        DatasetWarning(
            code="names_differ_only_in_case",
            message="The classes 'WBC' and 'wbc' differ only in upper and lower case; they are kept apart.",
            repairs=[repair("Merge into 'WBC'", MergeClasses(names=["WBC", "wbc"], into="WBC"))],
        ),
        *(
            DatasetWarning(
                code="few_images_in_class",
                message=f"The class '{row.name}' has only {n} images.",
                paths=row.samples[:3],
                repairs=[repair(f"Leave out '{row.name}'", LeaveOutClass(name=row.name))],
            )
            for n, row in enumerate(found.classes, 4)
        ),
        DatasetWarning(code="deep_pixels", message="212 images hold more than 8 bits a value."),
    ]
    return msgspec.structs.replace(found, warnings=warnings, copies=20, leak_count=14)


def settled(stage: Stage) -> ScanSummary:
    """After some presses: a class merged, one left out, one decision taken back."""
    found = to_settle(stage)
    rows = list(found.classes)
    rows[0] = msgspec.structs.replace(rows[0], name="White blood cell", found=["WBC", "wbc"])
    decided: list[tuple[Any, str]] = [
        (MergeClasses(names=["WBC", "wbc"], into="WBC"), ""),
        (RenameClass(old="WBC", new="White blood cell"), ""),
        (LeaveOutFiles(paths=["a/1.jpg", "a/2.jpg"]), "2026-11-25T14:20:00"),
        (LeaveOutClass(name="clumps"), ""),
    ]
    changes = [
        ChangeLine(number=n, sentence=change.sentence(), at=f"2026-11-25T14:0{n}:00", undone_at=undone, change=change)
        for n, (change, undone) in enumerate(decided)
    ]
    return msgspec.structs.replace(
        found, classes=rows, warnings=found.warnings[:1], changes=changes, left_out_classes=["clumps", "out of focus"]
    )


def with_domains(stage: Stage) -> ScanSummary:
    """The question which domain is meant."""
    found = plain(stage)
    facts = LayoutFacts(
        name="domain folders",
        evidence=["The folders 'scanner A', 'scanner B' and 'scanner C' hold the same class folders."],
        domains=["scanner A", "scanner B", "scanner C, the one with the very long name of its maker"],
    )
    return msgspec.structs.replace(found, layout="domain folders", facts=facts, kept_images=0, grouping=Grouping())


def deep(stage: Stage) -> ScanSummary:
    """Images of more than 8 bits, given parts without a test part, and a key that the names suggest."""
    found = plain(stage)
    rows = [msgspec.structs.replace(row, validation=row.validation + row.test, test=0) for row in found.classes]
    notices = [
        Notice(path=path, code="first_frame", message="The middle of 31 frames is used.") for path in rows[0].samples
    ]
    return msgspec.structs.replace(
        found, classes=rows, layout="train/validation/test", given_parts=["train", "validation"], deep_images=212,
        pixel_rule=PixelRule(low=0, high=4095), notices=notices, notice_count=len(notices),
        rule_reason="All images use 12 of their 16 bits: the brightest value found is 4071.",
        grouping=Grouping(), proposed=found.grouping, facts=LayoutFacts(name="train/validation/test"),
    )  # fmt: skip


def _refused_change(stage: Stage) -> None:
    from tlgui.core.imaging_messages import Refused

    pretend(stage, settled(stage))
    stage.bench.intake.problem = Refused(
        ticket=0,
        request="ChangeIntake",
        problem="Without the class 'clumps' a single class would be left.",
        remedy="Use another class again first.",
    )
    stage.bench.intake.changed.emit()


def _evidence(stage: Stage) -> None:
    notices = stage.window.page.notices
    notices.buttons["few_images_in_class"].click()


def _changes(stage: Stage) -> None:
    stage.window.page.dialogs.show_changes()


def _notes(stage: Stage) -> None:
    stage.window.page.dialogs.show_notes()


def _table(stage: Stage, problem: str = "") -> None:
    from tlgui.gui.wizard.images.table_dialog import TableDialog

    stage.window.page.dialogs.show_table()
    dialog = next(one for one in stage.dialogs() if isinstance(one, TableDialog))
    dialog._open_requests = 0  # the child knows nothing of the played folder
    rows = [
        [f"cell_{n:03}.png", "round" if n % 2 else "star", "train" if n % 3 else "test", f"P{n // 4:02}"]
        for n in range(20)
    ]
    dialog._show(
        TableRead(
            ticket=0,
            table="labels.csv",
            header=["image", "label", "part", "patient"],
            rows=rows,
            row_count=240,
            columns=TableColumns(file="image", labels=["label"], split="part", group="patient"),
            evidence=[
                "The columns are parted by semicolons.",
                "The text is encoded as UTF-8.",
                "236 of 240 entries of the column 'image' are names of files in this folder.",
            ],
            matched=236,
            unmatched=["cell_236.png", "cell_237.png", "cell_238.png", "cell_239.png"],
            problem=problem,
            classes={"round": 120, "star": 116},
        )
    )


def _wrong_table(stage: Stage) -> None:
    _table(stage, "Row 7 has a 1 in two columns of classes, 'round' and 'star': an image has one class.")
