"""Copies side by side: what is said of a pair, what each press decides, and what becomes of the list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
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
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import ChangeIntake, Leak, LeaksListed, ListLeaks, Refused, UndoChange
from tlgui.core.intake import Change, DrawSplitAnew, IgnoreCopies, KeepTogether, LeaveOutFiles
from tlgui.core.records import Copies, DatasetWarning
from tlgui.gui.viewer import ImageViewer
from tlgui.gui.wizard.images import openers
from tlgui.gui.wizard.images.copies_dialog import CopiesDialog
from tlgui.gui.wizard.images.pair_words import (
    against_together,
    done_words,
    given,
    less_needed,
    pair_sentence,
    pair_title,
    together,
    total_words,
)
from tlgui.gui.wizard.images.pairs import PAGE
from tlgui.gui.wizard.images_page import ImagesPage

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 30_000


def leak(
    number: int = 1,
    kind: Any = "twin",
    parts: tuple[str, str] = ("train", "test"),
    classes: tuple[str, str] = ("a", "a"),
) -> Leak:
    first, second = f"{classes[0]}/{number}.png", f"{classes[1]}/{number}x.png"
    similar = 1.0 if kind == "copy" else 0.987
    return Leak(pair=Copies(kind=kind, first=first, second=second, similarity=similar, classes=classes), parts=parts)


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


@pytest.fixture
def page(bench: Bench, qtbot: QtBot, tmp_path: Path) -> ImagesPage:
    page = images_page(bench, qtbot)
    bench.found(tmp_path, found(leak_count=3, copies=5))
    return page


@pytest.fixture
def dialog(page: ImagesPage, bench: Bench) -> CopiesDialog:
    openers.open_copies(bench, page)
    return dialog_of(page, CopiesDialog)


def asked(bench: Bench) -> list[ListLeaks]:
    return [request for request in bench.fake_imaging.asked if isinstance(request, ListLeaks)]


def arrive(bench: Bench, *pairs: Leak, total: int = 0, offset: int = 0) -> None:
    """A page of pairs comes."""
    ticket = bench.scan_ticket or 0
    answer = LeaksListed(ticket=ticket, offset=offset, leaks=list(pairs), total=total or len(pairs))
    bench.fake_imaging.answered.emit(answer)


def press(dialog: CopiesDialog, key: Any) -> None:
    """A key, wherever the focus is."""
    action = next(
        one for one in (dialog.together, dialog.different, dialog.all_pairs, *(side.leave_out for side in dialog.view.sides))
        if one.shortcut().toString() == key
    )  # fmt: skip
    action.trigger()


def test_pairs_are_listed_and_the_first_one_is_shown_side_by_side(dialog: CopiesDialog, bench: Bench) -> None:
    assert asked(bench) == [ListLeaks(ticket=bench.scan_ticket or 0, offset=0, count=PAGE)]
    assert "The pairs are being listed" in read(dialog) and not dialog.together.isEnabled()
    arrive(bench, leak(1), leak(2, "copy", classes=("a", "b")), leak(3))
    shown = read(dialog)
    assert "3 pairs show the same and lie in two parts or in two classes." in shown
    assert "Nearly the same picture, similarity 0.987 of 1" in shown
    assert "One is in train, the other in test: the score is better than it should be." in shown
    assert "1.png" in shown and "1x.png" in shown
    assert "a/1.png" in bench.thumbnails.asked and "a/1x.png" in bench.thumbnails.asked  # type: ignore[attr-defined]
    assert dialog.which.button("crossing").text() == "In two parts or classes: 3"
    assert dialog.which.button("every").text() == "All pairs: 5"


def test_arrows_go_from_pair_to_pair_and_enter_shows_both_large(
    dialog: CopiesDialog, bench: Bench, qtbot: QtBot
) -> None:
    arrive(bench, leak(1), leak(2, "copy", classes=("a", "b")))
    qtbot.keyClick(dialog.list, Qt.Key.Key_Down)
    shown = read(dialog)
    assert "The same file twice" in shown and "They stand in two classes" in shown
    qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    viewer = dialog.findChild(ImageViewer)
    assert viewer is not None and viewer.windowTitle() == "The same file twice"
    viewer.close()


def test_keeping_together_is_one_change_and_the_next_pair_moves_up(
    dialog: CopiesDialog, bench: Bench, qtbot: QtBot
) -> None:
    arrive(bench, leak(1), leak(2))
    press(dialog, "K")
    kept = KeepTogether(groups=[["a/1.png", "a/1x.png"]])
    assert changes_asked(bench) == [kept]
    assert not dialog.together.isEnabled() and "being worked in" in dialog.together.toolTip()
    scanned(bench, found(leak_count=1, copies=5, changes=journal(kept)))
    arrive(bench, leak(2))
    shown = read(dialog)
    assert "1 pair shows the same and lies in two parts" in shown and "2.png" in shown
    assert "1 pair is kept together." in shown
    undo = next(one for one in dialog.banner.findChildren(QPushButton) if one.text() == "Undo")
    qtbot.mouseClick(undo, LEFT)
    assert bench.fake_imaging.asked[-1] == UndoChange(ticket=bench.scan_ticket or 0, numbers=[0])


def test_either_of_the_two_can_be_left_out(dialog: CopiesDialog, bench: Bench) -> None:
    arrive(bench, leak(1))
    press(dialog, "2")
    assert changes_asked(bench) == [LeaveOutFiles(paths=["a/1x.png"])]


def test_two_that_only_look_alike_are_told_apart_but_equal_files_are_not(dialog: CopiesDialog, bench: Bench) -> None:
    arrive(bench, leak(1, "copy"), leak(2))
    assert "the same byte for byte" in dialog.different.toolTip() and not dialog.different.isEnabled()
    dialog.list.go(1)
    press(dialog, "N")
    assert changes_asked(bench) == [IgnoreCopies(pairs=[("a/2.png", "a/2x.png")])]


def test_all_pairs_are_gathered_page_after_page_and_settled_with_one_press(dialog: CopiesDialog, bench: Bench) -> None:
    pairs = [leak(number) for number in range(3)]
    arrive(bench, *pairs)
    press(dialog, "A")
    assert list(entries(dialog.menu)) == ["Keep all together", "Leave one of each out", "All are different pictures"]
    entries(dialog.menu)["Leave one of each out"].trigger()
    assert asked(bench)[-1].count == 1000
    arrive(bench, *pairs[:2], total=3)
    assert asked(bench)[-1].offset == 2
    arrive(bench, pairs[2], total=3, offset=2)
    # The one that trains: what measures is kept.
    assert changes_asked(bench) == [LeaveOutFiles(paths=["a/0.png", "a/1.png", "a/2.png"])]


def test_keys_decide_while_the_list_has_the_focus(dialog: CopiesDialog, bench: Bench, qtbot: QtBot) -> None:
    arrive(bench, leak(1), leak(2))
    qtbot.waitActive(dialog)
    qtbot.keyClick(dialog.list, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.list, Qt.Key.Key_K)
    assert changes_asked(bench) == [KeepTogether(groups=[["a/2.png", "a/2x.png"]])]


def test_where_the_folder_gives_the_parts_the_button_says_what_keeping_together_takes(
    dialog: CopiesDialog, bench: Bench
) -> None:
    arrive(bench, leak(1))
    assert dialog.together.plain_text == "Keep together"
    scanned(bench, found(leak_count=1, copies=1, given_parts=["train", "test"]))
    arrive(bench, leak(1))
    assert dialog.together.plain_text == "Keep together, draw anew"
    press(dialog, "K")
    assert changes_asked(bench) == [KeepTogether(groups=[["a/1.png", "a/1x.png"]]), DrawSplitAnew()]


def test_where_nothing_can_be_changed_it_is_said(dialog: CopiesDialog, bench: Bench) -> None:
    arrive(bench, leak(1, "copy"))
    press(dialog, "A")
    entries(dialog.menu)["All are different pictures"].trigger()
    arrive(bench, leak(1, "copy"))
    assert not isinstance(bench.fake_imaging.asked[-1], ChangeIntake)
    assert "That changes nothing for these pairs." in read(dialog)


def test_every_pair_can_be_seen_and_pages_come_as_one_scrolls(dialog: CopiesDialog, bench: Bench) -> None:
    arrive(bench, leak(1))
    dialog.which.button("every").click()
    assert asked(bench)[-1].all and asked(bench)[-1].offset == 0
    arrive(bench, *(leak(number) for number in range(PAGE)), total=PAGE + 1)
    assert f"{PAGE + 1} pairs of images that show the same." in read(dialog)
    dialog.list.go(PAGE)
    assert asked(bench)[-1].offset == PAGE and not dialog.together.isEnabled()
    arrive(bench, leak(PAGE), total=PAGE + 1, offset=PAGE)
    assert f"{PAGE}.png" in read(dialog) and dialog.together.isEnabled()


def test_an_answer_to_an_older_question_is_not_shown(dialog: CopiesDialog, bench: Bench) -> None:
    dialog.which.button("every").click()
    arrive(bench, leak(1))  # of the pairs that cross
    assert "The pairs are being listed" in read(dialog)
    arrive(bench, leak(2), leak(3))
    assert "2 pairs of images that show the same." in read(dialog)


def test_without_a_pair_the_dialog_says_so(dialog: CopiesDialog, bench: Bench) -> None:
    arrive(bench)
    assert "No two images that show the same lie in two parts or in two classes." in read(dialog)
    assert not dialog.all_pairs.isEnabled()


def test_the_place_is_kept_where_pairs_vanish_before_it(dialog: CopiesDialog, bench: Bench) -> None:
    arrive(bench, leak(1), leak(2))
    dialog.list.go(1)
    scanned(bench, found(leak_count=1, copies=1))
    arrive(bench, leak(1))
    assert dialog.list.row == 0 and "1.png" in read(dialog)


def test_a_refused_decision_is_shown_and_the_pairs_stay(dialog: CopiesDialog, bench: Bench) -> None:
    arrive(bench, leak(1))
    press(dialog, "1")
    refused(bench, "ChangeIntake", "The class 'a' would be empty.", "Leave the other one out.")
    assert "The class 'a' would be empty." in read(dialog) and dialog.together.isEnabled()


def test_a_listing_that_is_refused_is_answered_with_its_sentence(dialog: CopiesDialog, bench: Bench) -> None:
    refused(bench, "ListLeaks", "It is not at hand any more.", "Choose the folder again.")
    assert "It is not at hand any more. Choose the folder again." in read(dialog)


def test_with_another_folder_the_dialog_goes(dialog: CopiesDialog, bench: Bench, tmp_path: Path) -> None:
    arrive(bench, leak(1))
    bench.open_folder(tmp_path / "other")
    assert not dialog.isVisible()


def test_names_are_shown_letter_by_letter(dialog: CopiesDialog, bench: Bench) -> None:
    arrive(bench, leak(1, classes=("<b>a</b>", "<b>a</b>")))
    assert dialog.view.sides[0].class_chip.text() == "<b>a</b>"
    assert dialog.view.sides[0].class_chip.textFormat() == Qt.TextFormat.PlainText


def test_what_is_said_of_a_pair() -> None:
    assert pair_title(leak(kind="copy")) == "The same file twice"
    assert pair_sentence(leak(parts=("train", "train"))) == "Both are in train, so the score does not suffer from it."
    crossing = pair_sentence(leak(classes=("a", "b")))
    assert "one of the two labels may be wrong" in crossing and "train and test" in crossing
    assert total_words(1, every=True) == "1 pair of images that show the same."


@pytest.mark.parametrize(
    ("code", "which"), [("leaks", "crossing"), ("twins_in_two_classes", "crossing"), ("exact_copies", "every")]
)
def test_a_warning_opens_the_list_that_its_pairs_stand_in(
    qtbot: QtBot, bench: Bench, tmp_path: Path, code: str, which: str
) -> None:
    page = images_page(bench, qtbot)
    bench.found(
        tmp_path, found(leak_count=2, copies=5, warnings=[DatasetWarning(code=code, message="", paths=["a/1.png"])])
    )
    page.notices.buttons[code].click()
    assert dialog_of(page, CopiesDialog).which.value == which


def test_what_measures_is_kept_and_of_equal_ones_the_earlier() -> None:
    assert less_needed(leak(parts=("train", "test"))) == "a/1.png"
    assert less_needed(leak(parts=("test", "validation"))) == "a/1x.png"
    assert less_needed(leak(parts=("train", "train"))) == "a/1x.png"


def test_keeping_together_is_refused_where_it_settles_nothing() -> None:
    kept = given(journal(KeepTogether(groups=[["a/1.png", "a/1x.png"]])), False)
    undone = given(journal(KeepTogether(groups=[["a/1.png", "a/1x.png"]]), undone=(0,)), False)
    same = ("train", "train")
    assert against_together(leak(parts=same), kept) and not against_together(leak(parts=same), undone)
    assert "never parted" in against_together(leak(kind="copy", parts=same), undone)
    assert "a label is in doubt" in against_together(leak(parts=same, classes=("a", "b")), undone)
    assert not against_together(leak(), kept)


def test_given_parts_are_drawn_anew_since_keeping_together_alone_would_move_nothing() -> None:
    changes: list[Change] = together([leak(1), leak(2, parts=("train", "train"))], given([], True))
    assert changes == [KeepTogether(groups=[["a/1.png", "a/1x.png"], ["a/2.png", "a/2x.png"]]), DrawSplitAnew()]
    assert done_words(changes) == "2 pairs are kept together. All three parts are drawn anew."
    assert len(together([leak(2, parts=("train", "train"))], given([], True))) == 1


@pytest.mark.slow
def test_a_real_copy_is_found_and_settled(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "data", {"a": 8, "b": 8})
    pictures = sorted((folder / "a").iterdir())
    (folder / "b" / "same.png").write_bytes(pictures[0].read_bytes())
    with real_images_bench(qapp, tmp_path) as bench:
        page = images_page(bench, qtbot)
        bench.open_folder(folder)
        qtbot.waitUntil(lambda: bench.draft.summary is not None, timeout=PATIENCE_MS)
        openers.open_copies(bench, page)
        dialog = dialog_of(page, CopiesDialog)
        qtbot.waitUntil(lambda: dialog.view.sides[1].path == "b/same.png", timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: dialog.view.sides[1].canvas.image is not None, timeout=PATIENCE_MS)
        press(dialog, "2")
        qtbot.waitUntil(lambda: "No two images" in read(dialog), timeout=PATIENCE_MS)
        assert "'same.png' is left out." in read(dialog)


def test_pairs_cannot_be_decided_while_a_refusal_of_the_child_stands(dialog: CopiesDialog, bench: Bench) -> None:
    answer = Refused(ticket=bench.scan_ticket or 0, request="ListLeaks", problem="Gone.", remedy="Read it anew.")
    bench.fake_imaging.answered.emit(answer)
    assert not dialog.together.isEnabled() and not dialog.all_pairs.isEnabled()
