"""Copies side by side, what keeps images together, and the shock number: played answers, real pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from intake_scenes import plain, pretend, to_settle
from scenes_table import Play, Scene

from tlgui.core import events
from tlgui.core.imaging_messages import GroupsTried, Leak, LeaksListed, Refused, ScanSummary, TableRead
from tlgui.core.records import Copies, Grouping, LayoutFacts, NameExample, TableColumns

if TYPE_CHECKING:
    from stage import Stage

_PERSONS = [
    "person12_bacteria_46.jpeg", "person12_bacteria_47.jpeg", "person3_virus_15.jpeg", "person107_virus_199.jpeg",
    "person63_bacteria_306_of_the_second_examination.jpeg",
]  # fmt: skip


def scenes() -> tuple[Scene, ...]:
    """One for each state of the three dialogs."""
    return (
        _scene("copies", _copies),
        _scene("copies-decided", _copies_decided),
        _scene("no-copies", _no_copies),
        _scene("copies-refused", _copies_refused),
        _scene("groups", _groups),
        _scene("groups-pattern", _groups_pattern),
        _scene("groups-column", _groups_column),
        _scene("measuring", _measuring),
        _scene("measured", _measured),
        _scene("not-measured", _not_measured),
    )


def _scene(state: str, dialog: Play) -> Scene:
    return Scene("images", state, lambda stage: pretend(stage, _summary(stage)), dialog=dialog, with_past=False)


def _summary(stage: Stage) -> ScanSummary:
    """Copies, a table, DICOM, and a key that the names suggest."""
    return msgspec.structs.replace(
        to_settle(stage), leak_count=14, copies=20, groups=6, dicom_images=3, proposed=_persons(), grouping=Grouping(),
        facts=LayoutFacts(
            name="label table", table="labels.csv", columns=TableColumns(file="image", labels=["label"], group="patient")
        ),
    )  # fmt: skip


def _persons() -> Grouping:
    examples = [
        NameExample(name=name, start=6, end=6 + len(name[6:].partition("_")[0])) for name in _PERSONS
    ]  # fmt: skip
    return Grouping(
        key=r"pattern:^person(\d+)", sentence="the number after 'person' in the file name", groups=84, largest=9,
        without=12, examples=examples,
    )  # fmt: skip


def _leaks(stage: Stage) -> list[Leak]:
    rows = plain(stage).classes
    pairs = []
    for number in range(7):
        first = rows[0].samples[number]
        second = rows[1].samples[number] if number == 1 else rows[0].samples[number + 1]
        classes = (rows[0].name, rows[1].name if number == 1 else rows[0].name)
        kind: Any = "copy" if number in (1, 4) else "twin"
        pair = Copies(kind=kind, first=first, second=second, similarity=0.991 - number / 300, classes=classes)
        pairs.append(Leak(pair=pair, parts=("train", "test") if number != 1 else ("train", "train")))
    return pairs * 2


def _answer(stage: Stage, answer: Any) -> None:
    stage.bench.imaging.answered.emit(answer)


def _ticket(stage: Stage) -> int:
    return stage.bench.scan_ticket or 0


def _copies(stage: Stage) -> None:
    stage.window.page.dialogs.show_copies()
    pairs = _leaks(stage)
    _answer(stage, LeaksListed(ticket=_ticket(stage), offset=0, leaks=pairs, total=len(pairs)))


def _copies_decided(stage: Stage) -> None:
    from tlgui.core.intake import KeepTogether
    from tlgui.gui.wizard.images.copies_dialog import CopiesDialog

    _copies(stage)
    dialog = next(one for one in stage.dialogs() if isinstance(one, CopiesDialog))
    dialog.list.go(1)
    dialog._pressed = ([KeepTogether(groups=[["a", "b"]])], {-1})
    dialog._in_force = lambda: {0}  # type: ignore[method-assign]
    dialog._tell_done()


def _no_copies(stage: Stage) -> None:
    stage.window.page.dialogs.show_copies()
    _answer(stage, LeaksListed(ticket=_ticket(stage), offset=0, leaks=[], total=0))


def _copies_refused(stage: Stage) -> None:
    stage.window.page.dialogs.show_copies()
    problem = "What was found in the folder is not at hand any more."
    remedy = "Choose the folder again to read it anew."
    _answer(stage, Refused(ticket=_ticket(stage), request="ListLeaks", problem=problem, remedy=remedy))


def _groups(stage: Stage) -> None:
    _dialog(stage).fields.button(_persons().key).click()


def _dialog(stage: Stage) -> Any:
    from tlgui.gui.wizard.images.groups_dialog import GroupsDialog

    stage.window.page.dialogs.show_groups()
    return next(one for one in stage.dialogs() if isinstance(one, GroupsDialog))


def _groups_pattern(stage: Stage) -> None:
    dialog = _dialog(stage)
    dialog.fields.show_pattern("person(")
    dialog.fields.button("own").click()
    problem = r"'person(' is no regular expression: missing ), unterminated subpattern at position 6. "
    remedy = r"Write it like 'patient(\d+)': the part in brackets is what images must share."
    _answer(stage, GroupsTried(ticket=_ticket(stage), grouping=Grouping(), problem=problem + remedy))


def _groups_column(stage: Stage) -> None:
    dialog = _dialog(stage)
    columns = TableColumns(file="image", labels=["label"], group="patient")
    header = ["image", "label", "patient", "slide"]
    _answer(
        stage,
        TableRead(ticket=_ticket(stage), table="labels.csv", header=header, rows=[], row_count=240, columns=columns),
    )
    dialog.fields.button("column").click()
    sentence = "the column 'patient' of the label table"
    _answer(stage, GroupsTried(ticket=_ticket(stage), grouping=Grouping(key="column:patient", sentence=sentence)))


def _shock(stage: Stage, *told: Any) -> None:
    from tlgui.gui.wizard.images.shock_dialog import ShockDialog

    desk = stage.bench.shock
    desk.forget()
    desk._found = None
    desk._job._make = lambda _written: None  # type: ignore[assignment,return-value]  # listing
    desk._asked_of = desk._images()
    dialog = ShockDialog(desk, stage.window)
    dialog.open()
    for event in told:
        if isinstance(event, events.Ending):
            desk._job._make = None
        desk._on_told(event)


def _measuring(stage: Stage) -> None:
    _shock(stage, events.Progress(stage="looking at the images", done=420, total=1500, seconds_left=18))


def _measured(stage: Stage) -> None:
    compared = events.SplitsCompared(
        naive=0.912, naive_low=0.891, naive_high=0.931, safe=0.708, safe_low=0.655, safe_high=0.758, difference=0.204,
        low=0.151, high=0.251, images=1500, groups=312, repeats=10,
        sentence="Split without regard to patients, the same simple model seems to be right in 91 % of images; with each "
        "patient on one side, in 71 %.",
    )  # fmt: skip
    _shock(stage, compared, events.Completed(message=""))


def _not_measured(stage: Stage) -> None:
    failed = events.Failed(
        problem="No two images belong together, so a naive split and a safe one are the same.",
        remedy="Say what keeps images together (a patient, say), then ask again.",
    )
    _shock(stage, failed)
    _shock_end(stage)


def _shock_end(stage: Stage) -> None:
    desk = stage.bench.shock
    desk._job._make = None
    desk.changed.emit()
