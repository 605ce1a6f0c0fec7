"""The images page when a person decides something: repairs, classes, layout, domain, parts, and the way back from each."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.bench import Bench, make_run
from helpers.images_page import (
    changes_asked,
    dialog_of,
    entries,
    found,
    images_bench,
    images_page,
    journal,
    read,
    real_images_bench,
    refused,
    scanned,
)
from helpers.pictures import write_dataset
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import ChangeIntake, ClassCount, ClassPaths, ScanProgress, SplitCounted, UndoChange
from tlgui.core.intake import (
    CutTest,
    DrawSplitAnew,
    GroupBy,
    KeepTogether,
    LeaveOutClass,
    LeaveOutFiles,
    MergeClasses,
    RenameClass,
    SetDomain,
    SetLayout,
    UseFold,
    repair,
)
from tlgui.core.records import DatasetWarning, Grouping, LayoutFacts, NameExample, Notice, PixelRule, Repair
from tlgui.gui.wizard.images.changes_dialog import ChangesDialog
from tlgui.gui.wizard.images.evidence_dialog import EvidenceDialog
from tlgui.gui.wizard.images.file_notes_dialog import FileNotesDialog
from tlgui.gui.wizard.images.fold_fields import folds_offered
from tlgui.gui.wizard.images.rule_words import rule_of
from tlgui.gui.wizard.images.table_dialog import TableDialog
from tlgui.gui.wizard.images_page import ImagesPage
from tlgui.gui.workbench import Workbench

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 30_000
MERGE = MergeClasses(names=["WBC", "wbc"], into="WBC")
CASE = DatasetWarning(
    code="names_differ_only_in_case", message="'WBC' and 'wbc' differ.", repairs=[repair("Merge into 'WBC'", MERGE)]
)
MARKUP = "<b>x</b>"


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


@pytest.fixture
def page(bench: Bench, qtbot: QtBot) -> ImagesPage:
    return images_page(bench, qtbot)


def three_classes(**fields: Any) -> list[ClassCount]:
    rows = [ClassCount(name=name, train=14, validation=3, test=3, found=[name]) for name in ("WBC", "round", "wbc")]
    return [*rows[:2], ClassCount(name="wbc", train=14, validation=3, test=3, found=["wbc"], **fields)]


def choose(combo: QComboBox, words: str) -> None:
    """Takes an entry of a list, as a person does."""
    combo.setCurrentText(words)
    combo.activated.emit(combo.currentIndex())


# Repairs


def test_one_press_repairs_and_the_page_stays_usable_meanwhile(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.found(tmp_path, found(classes=three_classes(), warnings=[CASE]))
    assert page.notices.title() == "One thing to settle"
    qtbot.mouseClick(page.notices.repairs["names_differ_only_in_case"], LEFT)
    assert bench.fake_imaging.asked == [ChangeIntake(ticket=bench.scan_ticket or 0, changes=[MERGE])]
    assert page.layout_card.chip.text() == "Updating…"
    assert page.classes.isVisible() and page.primary.isEnabled() and not page.reading.isVisible()

    scanned(bench, found(changes=journal(MERGE)))
    assert page.layout_card.chip.text() == "Recognised"
    assert page.notices.title() == "Nothing left to settle"
    assert "One is settled already" in read(page.notices)
    assert "The classes 'WBC', 'wbc' are one: 'WBC'." in read(page.notices)
    assert page.hint() == ""


def test_undo_takes_back_that_decision(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    bench.found(tmp_path, found(changes=journal(LeaveOutFiles(paths=["a.png"]), MERGE, CutTest(), undone=(2,))))
    assert list(page.notices.undo) == [1, 0]
    qtbot.mouseClick(page.notices.undo[0], LEFT)
    assert bench.fake_imaging.asked == [UndoChange(ticket=bench.scan_ticket or 0, numbers=[0])]


def test_who_repairs_with_the_keyboard_stands_at_undo_then(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    page.activateWindow()
    bench.found(tmp_path, found(warnings=[CASE]))
    button = page.notices.repairs["names_differ_only_in_case"]
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    scanned(bench, found(changes=journal(MERGE)))
    qtbot.waitUntil(lambda: 0 in page.notices.undo and page.notices.undo[0].hasFocus())


def test_a_refused_decision_is_said_and_nothing_changes(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path, found(warnings=[CASE]))
    before = bench.draft.summary
    bench.intake.change(LeaveOutClass(name="round"))
    refused(bench, "ChangeIntake", "A single class would be left.", "Use another class again first.")
    assert "A single class would be left. Use another class again first." in read(page.not_done).replace("\n", " ")
    assert page.layout_card.chip.text() == "Recognised"
    assert bench.draft.summary is before and page.primary.isEnabled()
    bench.fake_imaging.answered.emit(
        ClassPaths(ticket=bench.scan_ticket or 0, class_name="round", offset=0, paths=[], total=20)
    )
    assert len(bench.fake_imaging.scanned) == 1
    bench.intake.change(CutTest())
    assert not page.not_done.isVisible()


def test_after_the_child_broke_down_the_folder_is_read_again_and_the_sentence_stays(
    page: ImagesPage, bench: Bench, tmp_path: Path
) -> None:
    bench.found(tmp_path)
    bench.intake.change(CutTest())
    refused(bench, "ChangeIntake", "The part of the program that reads images ended unexpectedly.", "Try again.")
    refused(bench, "ClassImages", "What was found is not at hand any more.")
    assert bench.fake_imaging.scanned == [tmp_path, tmp_path]
    assert bench.draft.scanning and bench.draft.data == tmp_path
    assert "ended unexpectedly" in read(page.not_done)


def test_files_that_a_decision_needs_are_read_with_progress_and_can_be_called_off(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.found(tmp_path)
    bench.intake.change(SetLayout(layout="train/validation/test"))
    ticket = bench.scan_ticket or 0
    bench.fake_imaging.answered.emit(ScanProgress(ticket=ticket, done=5, total=40, seconds_left=3.0))
    assert page.reading.row.text() == "Reading the files that this needs 5 done, about 3 s left"
    assert page.classes.isVisible()
    cancel = page.reading.row.findChild(QAbstractButton)
    assert cancel is not None
    qtbot.mouseClick(cancel, LEFT)
    assert ticket in bench.fake_imaging.forgotten
    assert bench.fake_imaging.scanned == [tmp_path, tmp_path]
    assert not bench.intake.busy


def test_other_repairs_stand_in_a_menu(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    together, out = KeepTogether(groups=[["a", "b"]]), LeaveOutFiles(paths=["b"])
    warning = DatasetWarning(
        code="leaks", message="2 images are the same.", repairs=[repair("Keep together", together), repair("Leave out", out)]
    )  # fmt: skip
    bench.found(tmp_path, found(warnings=[warning]))
    qtbot.mouseClick(page.notices.others["leaks"], LEFT)
    entries(page.notices.menu)["Leave out"].trigger()
    assert changes_asked(bench) == [out]


def test_several_warnings_of_a_kind_offer_a_repair_each(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    few = [
        DatasetWarning(
            code="few_images_in_class", message=f"'{name}' is small.",
            repairs=[repair(f"Leave out '{name}'", LeaveOutClass(name=name))],
        )
        for name in ("a", "b&c")
    ]  # fmt: skip
    bench.found(tmp_path, found(warnings=few))
    qtbot.mouseClick(page.notices.repairs["few_images_in_class"], LEFT)
    entries(page.notices.menu)["Leave out 'b&c'"].trigger()
    assert changes_asked(bench) == [LeaveOutClass(name="b&c")]


def test_a_repair_of_a_later_version_is_answered_with_a_sentence(
    page: ImagesPage, bench: Bench, tmp_path: Path
) -> None:
    bench.found(tmp_path)
    bench.intake.repair(Repair(label="Mend", changes=[{"type": "Unheard"}]))
    assert "This repair is not known to this version." in read(page.not_done)
    assert bench.fake_imaging.asked == []


def test_a_long_sentence_is_cut_and_stands_whole_behind_show_them(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    long = "These images are long: " + ", ".join(f"'round/{n}.png'" for n in range(60)) + "."
    bench.found(tmp_path, found(warnings=[DatasetWarning(code="extreme_shape", message=long, paths=["round/1.png"])]))
    assert long not in read(page.notices) and " …" in read(page.notices)
    qtbot.mouseClick(page.notices.buttons["extreme_shape"], LEFT)
    assert long in read(dialog_of(page, EvidenceDialog))


def test_show_them_opens_the_images_that_a_warning_is_about(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    warning = DatasetWarning(code="extreme_shape", message="2 images are long.", paths=["round/1.png", "star/1.png"])
    bench.found(tmp_path, found(warnings=[warning]))
    qtbot.mouseClick(page.notices.buttons["extreme_shape"], LEFT)
    dialog = dialog_of(page, EvidenceDialog)
    assert "2 images are long." in read(dialog)
    assert dialog.grid is not None
    assert dialog.grid.model().index_of(1).data() == "1.png"
    dialog.reject()


# Classes


def test_f2_types_another_name_over_the_old_one(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    bench.found(tmp_path, found(classes=three_classes()))
    names = page.classes.list
    names.setCurrentIndex(names.model().index(1, 0))
    qtbot.keyClick(names, Qt.Key.Key_F2)
    editor = names.findChild(QLineEdit)
    assert editor is not None and editor.text() == "round" and editor.accessibleName()
    editor.setText("  red cell ")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(bench.fake_imaging.asked) == 1)
    assert changes_asked(bench) == [RenameClass(old="round", new="red cell")]
    assert len(bench.fake_imaging.asked) == 1  # the Enter opened nothing


def test_the_name_of_another_class_makes_one_of_the_two(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path, found(classes=three_classes()))
    page.classes.list.renamed.emit(2, "WBC")
    assert changes_asked(bench) == [MERGE]


def test_a_class_of_several_folders_keeps_them_under_its_new_name(
    page: ImagesPage, bench: Bench, tmp_path: Path
) -> None:
    rows = [ClassCount(name="WBC", train=9, validation=2, test=2, found=["WBC", "wbc"]), *three_classes()[1:2]]
    bench.found(tmp_path, found(classes=rows))
    assert page.classes.list.rows[0].origin == "from 'WBC' and 'wbc'"
    page.classes.list.renamed.emit(0, "white")
    assert changes_asked(bench) == [MergeClasses(names=["WBC", "wbc"], into="white")]
    scanned(bench, found(classes=rows))
    page.dialogs.open_class_menu(0, QPoint())
    assert not entries(page.dialogs.menu)["Leave out"].isEnabled()
    assert "Training needs at least two classes." in entries(page.dialogs.menu)


def test_the_three_dots_and_the_menu_key_tell_what_can_be_done(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.found(tmp_path, found(classes=three_classes()))
    view = page.classes.list
    where = QPoint(view.viewport().width() - 10, view.visualRect(view.model().index(2, 0)).center().y())
    qtbot.mouseClick(view.viewport(), LEFT, pos=where)
    offered = entries(page.dialogs.menu)
    assert {"Show images", "See what the network sees…", "Rename…", "Leave out"} <= set(offered)
    assert {"Merge into > WBC", "Merge into > round"} <= set(offered)
    offered["Merge into > WBC"].trigger()
    assert changes_asked(bench) == [MERGE]
    offered["Leave out"].trigger()
    assert changes_asked(bench) == [LeaveOutClass(name="wbc")]


def test_a_class_left_out_stands_beneath_and_can_be_used_again(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    changes = journal(LeaveOutClass(name=MARKUP), MERGE)
    bench.found(tmp_path, found(left_out_classes=[MARKUP], changes=changes))
    assert "1 class left out by you" in read(page.classes) and MARKUP in read(page.classes)
    qtbot.mouseClick(page.classes.again[MARKUP], LEFT)
    assert bench.fake_imaging.asked == [UndoChange(ticket=bench.scan_ticket or 0, numbers=[0])]


# Layout, domain, folder


def test_why_tells_what_the_layout_was_told_by(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    facts = LayoutFacts(name="class folders", evidence=["2 folders hold images."])
    bench.found(tmp_path, found(facts=facts))
    assert "2 folders hold images." not in read(page.layout_card)
    qtbot.mouseClick(page.layout_card.why, LEFT)
    assert "2 folders hold images." in read(page.layout_card)


def test_change_offers_the_other_layouts_and_the_way_back(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    facts = LayoutFacts(name="class folders", others=["train/validation/test", "label table"])
    bench.found(tmp_path, found(facts=facts))
    qtbot.mouseClick(page.layout_card.button, LEFT)
    offered = entries(page.dialogs.menu)
    assert "As it was recognised" not in offered
    offered["Train / val / test folders"].trigger()
    assert changes_asked(bench) == [SetLayout(layout="train/validation/test")]
    scanned(bench, found(facts=facts, changes=journal(CutTest(), SetLayout(layout="train/validation/test"))))
    qtbot.mouseClick(page.layout_card.button, LEFT)
    entries(page.dialogs.menu)["As it was recognised"].trigger()
    assert bench.fake_imaging.asked[-1].numbers == [1]


def test_next_waits_for_the_answer_which_domain(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    facts = LayoutFacts(name="domain folders", domains=["amazon", "dslr"])
    bench.found(tmp_path, found(layout="domain folders", facts=facts))
    assert page.domains.isVisible() and not page.primary.isEnabled()
    assert page.hint() == "Choose which domain is used, or all as one set."
    assert [button.plain_text for button in page.domains.buttons.values()] == ["amazon", "dslr", "All as one set"]
    qtbot.mouseClick(page.domains.buttons["dslr"], LEFT)
    assert changes_asked(bench) == [SetDomain(domain="dslr")]
    chosen = LayoutFacts(name="domain folders", domains=["amazon", "dslr"], domain="dslr")
    scanned(bench, found(layout="domain folders", facts=chosen))
    assert not page.domains.isVisible() and page.primary.isEnabled()
    assert "domain folders, 'dslr', 2 classes" in read(page.layout_card)
    qtbot.mouseClick(page.layout_card.button, LEFT)
    entries(page.dialogs.menu)["Domain > All as one set"].trigger()
    assert changes_asked(bench) == [SetDomain(domain="*")]


def test_beyond_a_dozen_domains_one_is_picked_from_a_list(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    names = [f"site {n:02}" for n in range(30)]
    bench.found(tmp_path, found(facts=LayoutFacts(name="domain folders", domains=names)))
    assert page.domains.list is not None
    page.domains.list.setCurrentIndex(7)
    qtbot.mouseClick(page.domains.buttons[""], LEFT)
    assert changes_asked(bench) == [SetDomain(domain="site 07")]


# Parts and groups


def test_a_key_that_the_names_suggest_is_shown_at_work_and_taken_with_one_press(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    key = Grouping(
        key="pattern:(p\\d+)", sentence="the number after 'p' in the file name", groups=10, largest=4,
        examples=[NameExample(name="p07_2.png", start=0, end=3)],
    )  # fmt: skip
    bench.found(tmp_path, found(proposed=key))
    kept = page.split.kept
    assert "The names suggest groups: the number after 'p' in the file name" in read(kept)
    assert kept.examples[0].accessibleName() == "p07_2.png, kept together by 'p07'"
    assert not kept.examples[1].isVisible()
    qtbot.mouseClick(kept.accept, LEFT)
    assert changes_asked(bench) == [GroupBy(key=key.key)]
    scanned(bench, found(grouping=key, groups=10))
    assert "Kept together by the number after 'p' in the file name" in read(kept)
    assert "10 groups, the largest of 4 images. None lies in two parts." in read(kept)
    assert not kept.accept.isVisible()


def test_groups_that_given_parts_tear_apart_are_not_called_whole(
    page: ImagesPage, bench: Bench, tmp_path: Path
) -> None:
    key = Grouping(key="dicom:patient", sentence="DICOM PatientID", groups=48, largest=1)
    torn = DatasetWarning(code="groups_torn", message="1 group lies in two parts.")
    bench.found(tmp_path, found(grouping=key))
    assert "48 groups of a single image. None lies in two parts." in read(page.split.kept)
    scanned(bench, found(grouping=key, warnings=[torn]))
    assert "Not all of them lie in one part." in read(page.split.kept)
    leaks = DatasetWarning(code="leaks", message="2 images are the same.")
    scanned(bench, found(grouping=key, warnings=[leaks]))  # whether groups are whole, this warning does not tell
    assert "48 groups of a single image." in read(page.split.kept) and "part" not in page.split.kept.text.text()


def test_a_folder_without_a_test_part_offers_to_cut_one(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    given = {"layout": "train/validation/test", "given_parts": ["train", "validation"]}
    bench.found(tmp_path, found(**given))
    assert page.split.cut_test.isVisible()
    qtbot.mouseClick(page.split.cut_test, LEFT)
    assert changes_asked(bench) == [CutTest()]
    scanned(bench, found(**given, cut_test=True))
    assert not page.split.cut_test.isVisible()
    assert "a test part was cut from the training images" in page.split.sentence.text()


def test_images_that_were_added_later_move_no_other(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path, found(kept_images=30, test_note="The class 'star' has no test image."))
    assert "Kept from your first look: new images were added, none moved." in page.split.note.text()
    assert "The class 'star' has no test image." in page.split.note.text()
    bench.draft.summary = found(kept_images=40)
    bench.draft.changed.emit()
    assert "Kept from your first look" not in page.split.note.text()


def test_folds_are_chosen_changed_and_left(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    bench.draft.set_level("adjustable")
    bench.found(tmp_path)
    folds = page.split.folds
    assert "folds" in page.split.note.text()  # few test images
    assert [folds.of.itemText(at) for at in range(folds.of.count())] == ["A share", "3 folds", "5 folds", "10 folds"]
    assert folds.of.isVisible() and not folds.number.isVisible()
    choose(folds.of, "5 folds")
    assert changes_asked(bench) == [UseFold(number=1, of=5)]
    first = journal(UseFold(number=1, of=5))
    scanned(bench, found(fold=(1, 5), changes=first))
    assert page.split.sentence.text().startswith("Fold 1 of 5 tests;")
    assert "over the 5 runs each image is tested once" in read(folds)
    assert not page.split.fields.shares[2].isEnabled() and page.split.fields.shares[0].isEnabled()
    assert "folds" not in page.split.note.text()
    choose(folds.number, "Fold 2")
    assert changes_asked(bench) == [UseFold(number=2, of=5)]
    scanned(bench, found(fold=(2, 5), changes=journal(*(line.change for line in first), UseFold(number=2, of=5))))
    assert list(page.notices.undo) == [1]  # the first one holds no more
    choose(folds.of, "A share")
    assert bench.fake_imaging.asked[-1].numbers == [0, 1]


def test_folds_cannot_be_chosen_where_the_parts_are_given(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.draft.set_level("adjustable")
    bench.found(tmp_path, found(layout="train/validation/test", given_parts=["test", "train"]))
    assert not page.split.folds.of.isEnabled()
    assert "Draw them anew first." in page.split.folds.of.toolTip()
    assert "folds" not in page.split.note.text()


@pytest.mark.parametrize(("totals", "offered"), [((40, 9, 1), [3, 5]), ((2, 30), [2]), ((1, 1), [])])
def test_no_more_folds_are_offered_than_the_smallest_class_has_images(
    totals: tuple[int, ...], offered: list[int]
) -> None:
    rows = [ClassCount(name=str(at), train=n, validation=0, test=0) for at, n in enumerate(totals)]
    assert folds_offered(rows) == offered


def test_other_shares_bring_other_leaks_and_warnings(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path, found(warnings=[CASE], leak_count=4))
    counted = SplitCounted(
        ticket=bench.scan_ticket or 0, classes=found().classes, summary=found(leak_count=0, copies=4)
    )
    bench.fake_imaging.answered.emit(counted)
    assert "4 pairs found; each lies in one part" in read(page.checks)
    assert not page.notices.isVisible()


# Pixel values and notes


def test_pictures_of_8_bit_images_follow_the_rule_too(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    grey = PixelRule(colour="grey", border=0.1)
    bench.found(tmp_path, found(pixel_rule=grey))
    assert rule_of(bench.draft.summary) == grey
    assert page._pictures._rule == grey


def test_the_pixel_rule_is_said_where_it_acts_with_its_reason(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    assert not page.rule.isVisible()
    rule = PixelRule(low=0, high=4095, border=0.05)
    scanned(bench, found(deep_images=3, pixel_rule=rule, rule_reason="All images use 12 bits."))
    shown = read(page.rule)
    assert "Stored values from 0 to 4095 become 0 to 255. 5 % is cut off on each side of every image." in shown
    assert "All images use 12 bits." in shown


def test_notes_on_used_files_are_listed(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    notices = [Notice(path="a/1.tif", code="first_page", message="The first of 3 pages is used.")]
    bench.found(tmp_path, found(notices=notices, notice_count=250))
    assert page.files.notes_button.plain_text == "250 used files have a note"
    qtbot.mouseClick(page.files.notes_button, LEFT)
    dialog = dialog_of(page, FileNotesDialog)
    assert dialog.table.cell_text(0, 0) == "a/1.tif\nThe first of 3 pages is used."
    assert "249 more have a note" in dialog.note.text()
    dialog.save(tmp_path / "notes.csv")
    qtbot.waitUntil(lambda: "Saved as 'notes.csv'." in dialog.note.text())
    dialog.reject()


# What was changed


def test_the_journal_stands_there_with_its_times_and_the_way_back(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    lines = journal(MERGE, CutTest(), undone=(1,))
    bench.found(tmp_path, found(changes=lines))
    qtbot.mouseClick(page.notices.buttons["changes"], LEFT)
    dialog = dialog_of(page, ChangesDialog)
    assert [dialog.table.cell_text(row, 2) for row in (0, 1)] == ["Do again", "Undo"]
    assert "undone" in dialog.table.cell_text(0, 0) and "14:00" in dialog.table.cell_text(1, 1)
    dialog.table.pressed_cell.emit(0, 2)
    assert changes_asked(bench) == [CutTest()]
    dialog.table.pressed_cell.emit(1, 2)
    assert bench.fake_imaging.asked[-1].numbers == [0]
    scanned(bench, found(changes=journal(MERGE, CutTest(), CutTest(), undone=(0, 1))))
    assert dialog.table.row_count() == 3
    dialog.save(tmp_path / "changes.csv")
    qtbot.waitUntil(lambda: "Saved as 'changes.csv'." in dialog.note.text())
    with (tmp_path / "changes.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert [row[3] for row in rows[1:]] == ["MergeClasses", "CutTest", "CutTest"]
    dialog.reject()
    bench.draft.changed.emit()  # a closed dialog hears nothing of it


def test_what_one_press_decided_is_undone_together(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    lines = journal(MERGE, DrawSplitAnew(), KeepTogether(groups=[["a", "b"]]), CutTest())
    lines[2] = msgspec.structs.replace(lines[2], at=lines[1].at)
    bench.found(tmp_path, found(changes=lines))
    assert "Three are settled already" in read(page.notices)
    assert list(page.notices.undo) == [3, 1]
    qtbot.mouseClick(page.notices.undo[1], LEFT)
    assert bench.fake_imaging.asked[-1].numbers == [1, 2]
    page.dialogs.show_changes()
    dialog = dialog_of(page, ChangesDialog)
    assert dialog.table.row_count() == 3
    dialog.table.pressed_cell.emit(1, 2)
    assert bench.fake_imaging.asked[-1].numbers == [1, 2]
    undone = [
        msgspec.structs.replace(line, undone_at="2026-11-25T15:00:00") if line.number in (1, 2) else line
        for line in lines
    ]
    scanned(bench, found(changes=undone))
    dialog.table.pressed_cell.emit(1, 2)
    assert changes_asked(bench) == [lines[1].change, lines[2].change]
    dialog.reject()


def test_a_decision_that_a_later_one_replaced_says_so(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path, found(changes=journal(GroupBy(key="none"), CutTest(), GroupBy(key="dicom:study"))))
    assert list(page.notices.undo) == [2, 1] and "Two are settled already" in read(page.notices)
    page.dialogs.show_changes()
    dialog = dialog_of(page, ChangesDialog)
    assert "without effect" in dialog.table.cell_text(2, 0) and "without effect" not in dialog.table.cell_text(0, 0)
    dialog.reject()


def test_without_a_change_it_is_said_what_will_stand_there(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    page.dialogs.show_changes()
    dialog = dialog_of(page, ChangesDialog)
    assert "Nothing was changed yet." in read(dialog)
    assert not dialog.save_button.isEnabled() and not dialog.table.isVisible()
    dialog.reject()


# A run that has begun


def test_a_run_that_has_begun_offers_no_repair_and_says_why(page: ImagesPage, bench: Bench, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bench.page_asked):
        bench.open_run(make_run())
    bench.draft.summary = found(warnings=[CASE], left_out_classes=["c"], changes=journal(MERGE))
    bench.draft.changed.emit()
    why = "This run has begun: its images stay as they are."
    for button in (
        page.notices.repairs["names_differ_only_in_case"], page.notices.undo[0], page.classes.again["c"],
        page.split.kept.change,
    ):  # fmt: skip
        assert not button.isEnabled() and button.toolTip() == why
    page.dialogs.open_class_menu(0, QPoint())
    offered = entries(page.dialogs.menu)
    assert not offered["Rename…"].isEnabled() and not offered["Leave out"].isEnabled() and why in offered
    page.classes.list.rename(0)
    assert page.classes.list.findChild(QLineEdit) is None
    bench.intake.change(CutTest())
    assert bench.fake_imaging.asked == []
    assert not page.checks.isVisible()


def test_a_run_says_what_kept_its_images_together_and_how_values_were_mapped(
    page: ImagesPage, bench: Bench, qtbot: QtBot
) -> None:
    run = make_run()
    toml = run / "run.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace('grouped_by = ""', 'grouped_by = "dicom:patient"').replace("groups = 0", "groups = 9"))
    with qtbot.waitSignal(bench.page_asked):
        bench.open_run(run)
    bench.draft.set_level("everything")
    assert "Kept together by DICOM PatientID" in read(page.split.kept)
    assert "9 groups" in read(page.split.kept)
    assert "This acts on images of more than 8 bits alone." in read(page.rule)


# The frame


@pytest.mark.parametrize("size", [(1164, 800), (964, 700), (900, 540)])
def test_nothing_is_wider_than_the_page(bench: Bench, qtbot: QtBot, tmp_path: Path, size: tuple[int, int]) -> None:
    page = images_page(bench, qtbot, size)
    long = "a_very_long_name_" * 6
    facts = LayoutFacts(name="domain folders", domains=[f"{long}{n}" for n in range(5)], evidence=[f"'{long}' it is."])
    key = Grouping(key="pattern:x", sentence=long, groups=2, examples=[NameExample(name=long, start=30, end=60)])
    bench.found(
        tmp_path,
        found(
            facts=facts, grouping=key, left_out_classes=[long], changes=journal(LeaveOutClass(name=long)), deep_images=1,
            warnings=[CASE, DatasetWarning(code="leaks", message=long, repairs=[repair("A repair of many words", MERGE)] * 2)],
        ),
    )  # fmt: skip
    bench.draft.set_level("everything")
    assert page.too_wide() == 0


def test_every_control_has_a_name_and_can_be_reached_by_tab(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    facts = LayoutFacts(name="domain folders", domains=["a", "b"], evidence=["So."])
    bench.found(
        tmp_path, found(facts=facts, warnings=[CASE], changes=journal(MERGE), left_out_classes=["c"], notice_count=2)
    )
    bench.draft.set_level("everything")
    QApplication.processEvents()
    shown = [one for one in page.findChildren(QAbstractButton) if one.isVisible() and one.isEnabled()]
    assert len(shown) > 15
    assert [button.text() for button in shown if not button.toolTip()] == []
    for button in shown:
        assert button.accessibleName()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


# With the real imaging child


def until_read(bench: Workbench, qtbot: QtBot) -> None:
    """Waits for the end of the reading, which is to come to something."""
    qtbot.waitUntil(lambda: bench.draft.summary is not None or bench.draft.scan_error is not None, timeout=PATIENCE_MS)
    assert bench.draft.scan_error is None


def test_decisions_are_kept_and_undone_across_two_readings(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    images = write_dataset(tmp_path / "photos", {"WBC": 12, "wbc2": 14, "round": 20})
    with real_images_bench(qapp, tmp_path) as bench:
        page = images_page(bench, qtbot)
        names = page.classes.list

        def shown() -> list[tuple[str, str]]:
            return [(row.name, row.caption) for row in names.rows if row.read]

        bench.open_folder(images)
        until_read(bench, qtbot)
        assert len(shown()) == 3
        names.renamed.emit(2, "WBC")
        qtbot.waitUntil(lambda: shown() == [("WBC", "26 images"), ("round", "20 images")], timeout=PATIENCE_MS)
        assert names.rows[0].origin == "from 'WBC' and 'wbc2'"
        page._decisions.leave_out(1)
        qtbot.waitUntil(lambda: "Only one class" in read(page.not_done), timeout=PATIENCE_MS)
        assert len(shown()) == 2 and not bench.intake.busy

        bench.open_folder(images)
        until_read(bench, qtbot)
        assert shown() == [("WBC", "26 images"), ("round", "20 images")]
        qtbot.mouseClick(page.notices.undo[0], LEFT)
        qtbot.waitUntil(lambda: len(shown()) == 3, timeout=PATIENCE_MS)
        page.dialogs.show_changes()
        dialog = dialog_of(page, ChangesDialog)
        assert "Do again" in dialog.table.cell_text(0, 2)
        dialog.reject()


def test_a_class_left_out_is_used_again(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    images = write_dataset(tmp_path / "photos", {"a": 12, "b": 14, "c": 20})
    with real_images_bench(qapp, tmp_path) as bench:
        page = images_page(bench, qtbot)
        bench.open_folder(images)
        until_read(bench, qtbot)
        page._decisions.leave_out(2)
        qtbot.waitUntil(lambda: "c" in page.classes.again, timeout=PATIENCE_MS)
        assert "Its class is left out" in read(page.files)
        qtbot.mouseClick(page.classes.again["c"], LEFT)
        qtbot.waitUntil(lambda: len(page.classes.list.rows) == 3, timeout=PATIENCE_MS)
        assert page.classes.again == {}


def test_a_zip_is_unpacked_and_read(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    images = write_dataset(tmp_path / "photos", {"a": 12, "b": 14})
    archive = shutil.make_archive(str(tmp_path / "photos"), "zip", images)
    with real_images_bench(qapp, tmp_path) as bench:
        page = images_page(bench, qtbot)
        page.take_dropped([Path(archive)])
        until_read(bench, qtbot)
        assert [row.caption for row in page.classes.list.rows] == ["12 images", "14 images"]


def test_a_folder_without_classes_takes_its_labels_from_a_table_that_lies_elsewhere(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    folders = write_dataset(tmp_path / "photos", {"a": 12, "b": 14})
    flat = tmp_path / "flat"
    flat.mkdir()
    lines = []
    for image in sorted(folders.glob("*/*.png")):
        shutil.copy(image, flat / f"{image.parent.name}{image.name}")
        lines.append(f"{image.parent.name}{image.name};class {image.parent.name}")
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["file;label", *lines]))
    with real_images_bench(qapp, tmp_path) as bench:
        page = images_page(bench, qtbot)
        bench.open_folder(flat)
        qtbot.waitUntil(page.refused.isVisible, timeout=PATIENCE_MS)
        page.dialogs.show_table()
        dialog = dialog_of(page, TableDialog)
        dialog.add_table(table)
        qtbot.waitUntil(dialog.use.isEnabled, timeout=PATIENCE_MS)
        qtbot.mouseClick(dialog.use, LEFT)
        qtbot.waitUntil(lambda: bench.draft.summary is not None, timeout=PATIENCE_MS)
        assert "labels from 'labels.csv', 2 classes" in read(page.layout_card)
        assert not page.refused.isVisible() and page.primary.isEnabled()

        bench.open_folder(flat)
        until_read(bench, qtbot)
        assert [row.name for row in page.classes.list.rows] == ["class a", "class b"]
