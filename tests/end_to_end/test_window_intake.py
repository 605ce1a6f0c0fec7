"""Decisions about images in the real window, with its real imaging child; what was decided stands in the run."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from helpers.command_line import content_of
from helpers.images_page import entries
from helpers.imaging import BREAKABLE_COMMAND, NOTING_COMMAND
from helpers.intake_sets import csv_rows, manifest_rows, parts_of, torn_groups, traces
from helpers.pictures import write_dataset, write_picture
from helpers.window import Visit, fake
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tlgui.core import imaging_process, run_spec
from tlgui.core.project import find_project
from tlgui.core.records import Reason
from tlgui.gui.widgets import Table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_level_fail("WARNING"),
    pytest.mark.qt_log_ignore("This plugin does not support"),
]


def quick() -> object:
    """An engine that plays a short training: these tests are about what it is given."""
    return fake("train", pace=0.01, epochs=2)


def settled(visit: Visit) -> None:
    """Until every decision is answered."""
    visit.until(lambda: not visit.bench.intake.busy, "the answer to the decision")
    assert visit.bench.intake.problem is None, visit.bench.intake.problem


def in_force(visit: Visit) -> list[str]:
    return [line.sentence for line in visit.bench.draft.summary.changes if not line.undone_at]


def classes(visit: Visit) -> dict[str, int]:
    return {row.name: row.total for row in visit.bench.draft.summary.classes}


def goes_on_to_the_training(visit: Visit) -> Path:
    """By the blue buttons; the run's folder."""
    visit.press_soon("Next: Backbone")
    visit.until_page("backbone")
    visit.press_soon("Next: Strategy")
    visit.until_page("strategy")
    visit.press_soon("Another kind of picture")
    visit.press_soon("Next: Review")
    visit.until_page("review")
    visit.press_soon("Start training")
    visit.until_page("train")
    visit.until_state("complete", "failed", "crashed")
    assert visit.run.state == "complete", visit.words()
    folder: Path = visit.bench.run_folder.path
    return folder


# ----- Repair, undo, labels from a table -----


def capitals(root: Path) -> Path:
    """Two classes that differ in capitals alone, and one image of the first copied into a third class."""
    write_dataset(root, {"Cats": 8, "dogs": 12})
    for index in range(6):
        write_picture(root / "cats" / f"{index + 100}.png", 2, index)
    shutil.copy(root / "Cats" / "000.png", root / "dogs" / "again.png")
    return root


def labels(folder: Path, table: Path) -> dict[str, str]:
    """A table that names another class than the folders do; returns path -> class."""
    named = {path: "canine" if path.startswith("dogs/0") else "feline" for path in content_of(folder)}
    patients = {path: f"Zwettl-{number // 2}" for number, path in enumerate(sorted(named))}
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label", "patient"])
        writer.writerows((path, named[path], patients[path]) for path in sorted(named))
    return named


def takes_labels_from(visit: Visit, table: Path, waits: bool = True) -> None:
    """By the menu of the folder's card; without `waits` not until it is done."""
    QTest.mouseClick(visit.page.layout_card.button, Qt.MouseButton.LeftButton)
    menu = visit.page.dialogs.menu
    entry = entries(menu)["Labels from a table…"]
    assert entry.isEnabled()
    menu.close()
    entry.trigger()
    visit.press_soon("Another file…")
    visit.choose_soon(table)
    visit.until_reads("rows name a file of this folder.")
    visit.press_soon("Use this table")
    if waits:
        settled(visit)


def test_a_repair_its_undo_and_labels_from_a_table_stand_in_the_run(qtbot: QtBot, tmp_path: Path) -> None:
    folder = capitals(tmp_path / "of the person" / "pets")
    table = tmp_path / "of the person" / "who is who.csv"
    named = labels(folder, table)
    before = content_of(folder.parent)
    with Visit(qtbot, quick()) as visit:
        visit.open_images(folder)
        assert classes(visit) == {"Cats": 8, "cats": 6, "dogs": 13}
        visit.until_reads("Class names that differ only in capitals")
        visit.until_reads("The same picture stands in two classes")

        warnings = {warning.code: warning for warning in visit.bench.draft.summary.warnings}
        merge = warnings["names_differ_only_in_case"].repairs[0].label
        assert merge.startswith("Merge")
        visit.press_soon(merge)
        settled(visit)
        assert sorted(classes(visit).values()) == [13, 14]
        visit.until(lambda: not visit.reads("Class names that differ only in capitals"), "the end of the warning")
        (sentence,) = in_force(visit)

        visit.press_soon(f"Undo: {sentence}")
        settled(visit)
        assert classes(visit) == {"Cats": 8, "cats": 6, "dogs": 13}
        assert in_force(visit) == []

        takes_labels_from(visit, table)
        assert visit.bench.draft.summary.layout == "label table"
        assert classes(visit) == dict(sorted(Counter(named.values()).items()))
        visit.until_reads("labels from 'who is who.csv'")
        visit.until(lambda: not visit.reads("The same picture stands in two classes"), "the end of the warning")
        said = in_force(visit)
        run = goes_on_to_the_training(visit)
    assert visit.left_behind() == []

    rows = manifest_rows(run)
    assert {row["path"]: row["class"] for row in rows} == named
    assert torn_groups(rows) == {}
    by_path = {row["path"]: row for row in rows}
    copied = [by_path[path]["split"] for path in ("Cats/000.png", "dogs/again.png")]
    assert copied[0] == copied[1]
    spec = run_spec.read(run / "run.toml")
    assert spec.dataset is not None
    assert (spec.dataset.layout, spec.dataset.classes) == ("label table", ["canine", "feline"])
    assert spec.dataset.changes == said == ["The labels come from the table 'who is who.csv'."]
    assert spec.dataset.grouped_by == "column:patient"
    kept = [(row["what"], bool(row["undone_at"])) for row in csv_rows(run.parent.parent / "changes.csv")]
    assert kept == [(sentence, True), (said[0], False)]
    assert content_of(folder.parent) == before
    assert traces(run.parent.parent, [str(tmp_path), "Zwettl"]) == []


# ----- D31: images that are added later -----


def test_images_that_are_added_later_move_no_image(qtbot: QtBot, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "cells", {"across": 20, "down": 20})
    with Visit(qtbot, quick()) as visit:
        visit.open_images(folder)
        assert not visit.reads("Kept from your first look")
        first = goes_on_to_the_training(visit)
    before = parts_of(first)
    assert set(before) == set(content_of(folder))

    # One that would come first in every order, one that makes a group with an image that is there, and others.
    for number in range(9):
        write_picture(folder / "down" / f"!{number}.png", 1, 500 + number)
    shutil.copy(folder / "across" / "007.png", folder / "across" / "zzz.png")
    with Visit(qtbot, quick()) as visit:
        visit.open_images(folder)
        visit.until_reads("Kept from your first look: new images were added, none moved.")
        assert visit.bench.draft.summary.kept_images == 40
        second = goes_on_to_the_training(visit)
    assert visit.left_behind() == []
    after = parts_of(second)
    assert second.parent == first.parent != second
    assert {path: after[path] for path in before} == before
    assert set(after) == set(content_of(folder))
    assert after["across/zzz.png"] == before["across/007.png"]
    assert {row["path"]: row["split"] for row in csv_rows(first.parent.parent / "split.csv")} == after


# ----- A file that breaks its decoder -----


def children_are(command: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that are opened from now on have such an imaging child."""
    monkeypatch.setattr(imaging_process, "imaging_command", lambda: list(command))


def test_a_file_that_kills_its_decoder_is_named_and_left_out(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children_are(BREAKABLE_COMMAND, monkeypatch)
    folder = write_dataset(tmp_path / "slides", {"across": 12, "down": 12})
    # The class has few images, so that its picture is asked for while the files are still being read.
    for place in ("across/deadly.png", "down/faulty.png"):
        shutil.copy(folder / "down" / "000.png", folder / place)
    with Visit(qtbot, quick()) as visit:
        visit.open_images(folder)
        summary = visit.bench.draft.summary
        left_out = {item.path: item for item in summary.left_out}
        assert set(left_out) == {"across/deadly.png", "down/faulty.png"}
        assert {item.reason_code for item in left_out.values()} == {Reason.UNREADABLE}
        assert "broke down on this file (exit code 70)" in left_out["across/deadly.png"].reason
        assert (summary.used, summary.files) == (24, 26)
        assert visit.bench.draft.scan_error is None
        visit.press_soon("List all 2 files")
        visit.until(visit.dialogs, "the list")
        table = visit.surface.findChild(Table)
        assert sorted(table.cell_text(row, 0).partition("\n")[0] for row in range(table.row_count())) == sorted(
            left_out
        )
        visit.press_soon("Close")
        run = goes_on_to_the_training(visit)
    assert visit.left_behind() == []
    rows = {row["path"]: row for row in manifest_rows(run)}
    assert len(rows) == 26
    assert rows["across/deadly.png"]["split"] == "left_out"
    assert rows["across/deadly.png"]["reason_code"] == "unreadable"


# ----- Scans that are ended in the middle -----


class Reads:
    """Which files were read in full, by readers that write them down and take their time."""

    def __init__(self, notes: Path, pace_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self._notes = notes
        monkeypatch.setenv("TLGUI_TEST_READS", str(notes))
        monkeypatch.setenv("TLGUI_TEST_PACE", str(pace_s))
        # Where nothing is known of any folder.
        monkeypatch.setenv("TLGUI_CACHE_DIR", str(notes.parent / "cache"))
        children_are(NOTING_COMMAND, monkeypatch)

    def now(self) -> Counter[str]:
        """File -> how many times so far."""
        return Counter(self._notes.read_text(encoding="utf-8").splitlines() if self._notes.exists() else ())

    def at_rest(self, visit: Visit) -> Counter[str]:
        """The same, when no further file is read."""
        seen = -1
        while seen != (seen := self.now().total()):
            visit.qtbot.wait(300)
        return self.now()


@pytest.fixture
def reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(tmp_path / "reads.txt", 0.02, monkeypatch)


def reads_some(visit: Visit, folder: Path, share: float) -> int:
    """Begins to read a folder; how many of its files are done, when it is more than that share of them."""
    done: list[int] = []
    files = len(content_of(folder))
    visit.bench.scan_progressed.connect(lambda number, _total, _left: done.append(number))
    visit.bench.open_folder(folder)
    visit.until(lambda: done and done[-1] >= share * files, "some of the files")
    return done[-1]


def test_a_scan_that_was_cancelled_goes_on_from_what_was_read(qtbot: QtBot, tmp_path: Path, reads: Reads) -> None:
    folder = write_dataset(tmp_path / "many", {"across": 150, "down": 150}, 24)
    files = set(content_of(folder))
    with Visit(qtbot, quick()) as visit:
        told = reads_some(visit, folder, 0.3)
        visit.press_soon("Cancel")
        visit.until(lambda: visit.bench.draft.data is None, "the end of the scan")
        assert visit.bench.draft.summary is None
        first = reads.at_rest(visit)
        assert told <= first.total() < len(files)

        visit.open_images(folder)
        assert visit.bench.draft.summary.used == len(files)
        both = reads.now()
        assert set(both) == files
        assert max(both.values()) <= 2
        # Only what was in hand when it was called off is read a second time.
        assert both.total() - first.total() <= len(files) - told

    with Visit(qtbot, quick()) as visit:
        visit.open_images(folder)
        assert visit.bench.draft.summary.used == len(files)
    assert visit.left_behind() == []
    assert reads.now() == both


@pytest.mark.skipif(os.name != "posix", reason="processes are killed otherwise on this system")
def test_a_scan_whose_child_is_killed_is_said_and_goes_on_from_what_was_read(
    qtbot: QtBot, tmp_path: Path, reads: Reads
) -> None:
    folder = write_dataset(tmp_path / "many", {"across": 250, "down": 250}, 24)
    files = set(content_of(folder))
    with Visit(qtbot, quick()) as visit:
        reads_some(visit, folder, 0.6)
        (child,) = [one for one in psutil.Process().children() if any("child.main" in word for word in one.cmdline())]
        child.kill()
        visit.until(lambda: visit.bench.draft.scan_error is not None, "the words")
        visit.until_reads(visit.bench.draft.scan_error.problem)
        assert not visit.can_press("Next: Backbone")
        first = reads.at_rest(visit)
        assert first.total() < len(files)

        visit.press_soon("Choose another folder…")
        visit.choose_soon(folder)
        visit.until(lambda: visit.bench.draft.summary is not None, "the end of the scan")
        assert visit.bench.draft.summary.used == len(files)
        both = reads.now()
        assert set(both) == files
        # What was read in the last two seconds was not kept yet.
        assert len([path for path, number in both.items() if number > 1]) < first.total()
    assert visit.left_behind() == []


def test_a_decision_whose_reading_is_cancelled_is_not_made(qtbot: QtBot, tmp_path: Path, reads: Reads) -> None:
    folder = write_dataset(tmp_path / "many", {"across": 10, "down": 10}, 24)
    for number in range(200):  # in no class, so that only a table can give them one
        write_picture(folder / f"{number:03}.png", number % 2, 900 + number, 24)
    table = tmp_path / "labels.csv"
    lines = [f"{path},{'odd' if number % 2 else 'even'}" for number, path in enumerate(sorted(content_of(folder)))]
    table.write_text("\n".join(["file,label", *lines]) + "\n", encoding="utf-8")
    with Visit(qtbot, quick()) as visit:
        visit.open_images(folder)
        assert (visit.bench.draft.summary.used, reads.now().total()) == (20, 20)
        takes_labels_from(visit, table, waits=False)
        visit.until(lambda: reads.now().total() > 80, "the reading")
        visit.until_reads("Reading the files that this needs")
        before = visit.bench.draft.summary
        visit.press_soon("Cancel")
        visit.until(lambda: visit.bench.draft.summary is None, "another look")
        visit.until(lambda: visit.bench.draft.summary is not None, "the folder as it was")
        first = reads.at_rest(visit)
        assert visit.bench.draft.summary == before
        assert find_project(folder, list(content_of(folder))).entries == []

        takes_labels_from(visit, table)
        assert classes(visit) == {"even": 110, "odd": 110}
        assert set(reads.now()) == set(content_of(folder))
        assert reads.now().total() < 220 + first.total() - 20  # it went on from what was read
    assert visit.left_behind() == []


# ----- The next day -----


def test_decisions_are_there_the_next_day_in_another_place(qtbot: QtBot, tmp_path: Path) -> None:
    folder = capitals(tmp_path / "pets")
    with Visit(qtbot, quick()) as visit:
        visit.open_images(folder)
        merge = visit.page.notices.repairs["names_differ_only_in_case"].plain_text
        visit.press_soon(merge)
        settled(visit)
        said, found = in_force(visit), classes(visit)
    moved = tmp_path / "archive" / "animals"
    moved.parent.mkdir()
    folder.rename(moved)
    with Visit(qtbot, quick()) as visit:
        visit.open_images(moved)
        assert (in_force(visit), classes(visit)) == (said, found)
    assert [change.sentence() for change in find_project(moved, list(content_of(moved))).in_force] == said
    assert visit.left_behind() == []
