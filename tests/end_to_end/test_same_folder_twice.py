"""One folder of images in several windows and on the command line at the same time: no decision is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from helpers.command_line import content_of, type_in
from helpers.imaging import answers_until, imaging_child
from helpers.intake_sets import csv_rows, parts_of
from helpers.pictures import write_dataset
from helpers.window import Visit, fake
from pytestqt.qtbot import QtBot

from tlgui.core import imaging_messages as messages
from tlgui.core import run_spec
from tlgui.core.imaging_process import ImagingProcess
from tlgui.core.intake import LeaveOutFiles, RenameClass
from tlgui.core.project import find_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_level_fail("WARNING"),
    pytest.mark.qt_log_ignore("This plugin does not support"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "shared", {"across": 12, "down": 12, "waves": 12})


@contextmanager
def another_window(folder: Path) -> Iterator[ImagingProcess]:
    """What stands behind another window that has read the folder."""
    with imaging_child() as child:
        child.send(messages.ScanFolder(ticket=1, data=str(folder)))
        assert isinstance(answers_until(child, messages.Scanned, messages.Refused)[-1], messages.Scanned)
        yield child


def decided(child: ImagingProcess) -> messages.ScanSummary:
    answer = answers_until(child, messages.Scanned, messages.Refused)[-1]
    assert isinstance(answer, messages.Scanned), answer
    return answer.summary


def sentences(folder: Path) -> list[str]:
    return [change.sentence() for change in find_project(folder, list(content_of(folder))).in_force]


def test_decisions_of_many_at_once_all_survive(folder: Path) -> None:
    with ExitStack() as stack:
        children = [stack.enter_context(another_window(folder)) for _ in range(3)]
        left_out = []
        for turn in range(4):
            for number, child in enumerate(children):
                path = f"{('across', 'down', 'waves')[number]}/{turn:03}.png"
                left_out.append(path)
                child.send(messages.ChangeIntake(ticket=1, changes=[LeaveOutFiles(paths=[path])]))
        told = [decided(child) for _ in range(4) for child in children]
        assert all(summary.used < 36 for summary in told)
    project = find_project(folder, list(content_of(folder)))
    assert sorted(project.intake.left_out) == sorted(left_out)
    assert len(project.entries) == 12
    assert len(csv_rows(project.path / "changes.csv")) == 12
    found = type_in("check", folder, "--json").json
    assert found["used"] == 24
    assert sorted(item["path"] for item in found["left_out"]) == sorted(left_out)


def test_a_run_says_what_was_followed_and_not_what_another_window_decided_meanwhile(folder: Path) -> None:
    with another_window(folder) as here, another_window(folder) as there:
        there.send(messages.ChangeIntake(ticket=1, changes=[RenameClass(old="waves", new="both ways")]))
        decided(there)
        # Twice: the first run learns of the other window's decision when it keeps the split.
        for _ in range(2):
            here.send(messages.Prepare(ticket=1, data=str(folder), spec=run_spec.RunSpec()))
            answer = answers_until(here, messages.RunPrepared, messages.Refused)[-1]
            assert isinstance(answer, messages.RunPrepared), answer
            dataset = answer.spec.dataset
            assert dataset is not None
            assert (dataset.changes, dataset.classes) == ([], ["across", "down", "waves"])
        there.send(messages.Prepare(ticket=1, data=str(folder), spec=run_spec.RunSpec()))
        renamed = answers_until(there, messages.RunPrepared, messages.Refused)[-1]
        assert isinstance(renamed, messages.RunPrepared) and renamed.spec.dataset is not None
        assert renamed.spec.dataset.changes == sentences(folder) == ["The class 'waves' is called 'both ways'."]
    assert parts_of(Path(answer.run)) == parts_of(Path(renamed.run))


def test_a_window_another_window_and_the_command_line(qtbot: QtBot, folder: Path, tmp_path: Path) -> None:
    before = content_of(folder)
    with Visit(qtbot, fake("train", pace=0.01, epochs=2)) as visit, another_window(folder) as other:
        visit.open_images(folder)
        other.send(messages.ChangeIntake(ticket=1, changes=[RenameClass(old="waves", new="both ways")]))
        assert [row.name for row in decided(other).classes] == ["across", "both ways", "down"]

        # This window has read the folder before that. Its own decision does not undo the other one's, which it learns.
        visit.bench.intake.change(RenameClass(old="down", new="upright"))
        visit.until(lambda: not visit.bench.intake.busy, "the answer to the decision")
        summary = visit.bench.draft.summary
        shown = [line.sentence for line in summary.changes if not line.undone_at]
        assert shown == ["The class 'waves' is called 'both ways'.", "The class 'down' is called 'upright'."]
        assert shown == sentences(folder)
        assert [row.name for row in summary.classes] == ["across", "both ways", "upright"]

        said = type_in("train", folder, "--epochs", 1, "--json")
        assert said.code == 0, said.err
        typed = Path(said.events[0]["run"])
        visit.window.show_page("review")
        visit.press_soon("Start training")
        visit.until_page("train")
        visit.until_state("complete")
        pressed = visit.bench.run_folder.path
    assert visit.left_behind() == []
    for run in (typed, pressed):
        spec = run_spec.read(run / "run.toml")
        assert spec.dataset is not None
        assert (spec.dataset.changes, spec.dataset.classes) == (shown, ["across", "both ways", "upright"])
    assert parts_of(typed) == parts_of(pressed)
    assert typed.parent == pressed.parent
    assert content_of(folder) == before
