"""The look for shortcuts: asked for, watched, called off, answered with words and a repair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.bench import CELLS, Bench
from helpers.fake_answers import shortcuts
from helpers.images_page import changes_asked, dialog_of, found, images_bench, images_page, read, refused, scanned
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.events import ProbeScore, ShortcutsProbed
from tlgui.core.imaging_messages import ListingWritten, WriteListing
from tlgui.core.intake import CropBorder
from tlgui.core.records import PixelRule
from tlgui.gui.widgets import Button
from tlgui.gui.wizard.images.shortcut_dialog import ShortcutDialog
from tlgui.gui.wizard.images.shortcut_words import QUESTION_NOTE, border_in_all, in_order, looked_words, verdict_of
from tlgui.gui.wizard.images_page import ImagesPage

LEFT = Qt.MouseButton.LeftButton


def probed(verdict: str, **fields: Any) -> ShortcutsProbed:
    said = events.decode(msgspec.json.encode(shortcuts(verdict)))
    assert isinstance(said, ShortcutsProbed)
    return msgspec.structs.replace(said, **fields)


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


@pytest.fixture
def page(bench: Bench, qtbot: QtBot, tmp_path: Path) -> ImagesPage:
    page = images_page(bench, qtbot)
    bench.found(tmp_path)
    return page


@pytest.fixture
def dialog(page: ImagesPage, qtbot: QtBot) -> ShortcutDialog:
    qtbot.mouseClick(page.checks.shortcuts, LEFT)
    return dialog_of(page, ShortcutDialog)


def listed(bench: Bench, tmp_path: Path) -> None:
    assert bench.scan_ticket is not None
    assert bench.fake_imaging.asked[-1] == WriteListing(ticket=bench.scan_ticket)
    answer = ListingWritten(ticket=bench.scan_ticket, path=str(tmp_path / "list.csv"), data=str(tmp_path))
    bench.fake_imaging.answered.emit(answer)


def look(dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    qtbot.mouseClick(dialog.look, LEFT)
    listed(bench, tmp_path)


def looked(dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path, answer: ShortcutsProbed) -> None:
    look(dialog, bench, qtbot, tmp_path)
    bench.fake_engine.say(answer, events.Completed(message=answer.sentence))


def button(dialog: ShortcutDialog, words: str) -> Button:
    return next(one for one in dialog.banner.findChildren(Button) if one.plain_text == words and one.isVisible())


def test_a_look_lists_the_images_then_asks_the_warm_engine(
    dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    assert "34 images for training and validation; test images stay unseen." in read(dialog)
    look(dialog, bench, qtbot, tmp_path)
    job = commands.ProbeShortcuts(listing=str(tmp_path / "list.csv"), data=str(tmp_path), rule=PixelRule())
    assert bench.fake_engine.jobs == [job]
    assert not dialog.look.isEnabled() and dialog.progress.isVisible()
    bench.fake_engine.say(events.Progress(stage="looking at the images", done=120, total=400, seconds_left=6.2))
    assert dialog.progress.text() == "Looking at the images 120 of 400, about 6 s left"


def test_while_a_run_trains_the_other_engine_looks(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.jobs.submit(commands.Survey(), lambda event: None)
    qtbot.mouseClick(page.checks.shortcuts, LEFT)
    look(dialog_of(page, ShortcutDialog), bench, qtbot, tmp_path)
    assert [type(job) for job in bench.fake_side.jobs] == [commands.ProbeShortcuts]


def test_a_red_border_is_said_in_words_and_cut_off_with_one_press(
    dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    looked(dialog, bench, qtbot, tmp_path, probed("red"))
    said = read(dialog)
    assert "A shortcut was found" in said and "Cutting 6 % off on each side takes it away." in said
    assert "From the outer border alone 'basophil' can be told" in said and QUESTION_NOTE in said
    assert [dialog.table.cell_text(0, column) for column in (0, 1, 3, 4)] == [
        *("Outer border", "0.94, 0.89 to 0.98"),
        *("0.56", "Shortcut"),
    ]
    qtbot.mouseClick(button(dialog, "Cut 6 % off the border"), LEFT)
    assert changes_asked(bench) == [CropBorder(share=0.06)]
    assert "The border is being cut off…" in read(dialog)
    scanned(bench, found(pixel_rule=PixelRule(border=0.06)))
    assert "The border is cut off now" in read(dialog)
    looked(dialog, bench, qtbot, tmp_path, probed("quiet"))
    assert bench.fake_engine.jobs[-1].rule.border == 0.06  # type: ignore[attr-defined]
    assert "Nothing was found" in read(dialog) and "Shortcut" not in dialog.table.cell_text(0, 4)


def test_a_repair_that_is_refused_is_said_in_the_dialog(
    dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    looked(dialog, bench, qtbot, tmp_path, probed("red"))
    qtbot.mouseClick(button(dialog, "Cut 6 % off the border"), LEFT)
    refused(bench, "ChangeIntake", "It cannot be kept.", "Free some space.")
    assert "It cannot be kept." in read(dialog)
    assert button(dialog, "Cut 6 % off the border").isEnabled()


def test_a_question_is_never_red_and_offers_no_repair(
    dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    looked(dialog, bench, qtbot, tmp_path, probed("question"))
    assert "No shortcut, but something to ask yourself" in read(dialog) and QUESTION_NOTE in read(dialog)
    assert dialog.banner.tone == "neutral"
    assert not [one for one in dialog.banner.findChildren(Button) if one.isVisible()]
    assert dialog.table.cell_text(0, 4) == "Question"
    assert dialog.table.cells.rows[0][4].tone == "" and dialog.table.cells.rows[0][4].icon == "help"


def test_a_look_can_be_called_off_and_nothing_is_found(
    dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    look(dialog, bench, qtbot, tmp_path)
    dialog.progress.cancelled.emit()
    assert bench.fake_engine.sent == [commands.Stop()]
    bench.fake_engine.say(events.Progress(stage="looking at the images", done=300, total=400))  # was on its way
    assert "Stopping…" in dialog.progress.text()
    bench.fake_engine.say(events.Stopped())
    assert "Nothing new was found out." in read(dialog)
    assert dialog.look.isEnabled() and not dialog.progress.isVisible()


def test_a_look_can_be_called_off_before_the_engine_begins(
    dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    qtbot.mouseClick(dialog.look, LEFT)
    dialog.progress.cancelled.emit()
    assert dialog.look.isEnabled()
    listed(bench, tmp_path)
    assert bench.fake_engine.jobs == []


def test_closing_the_dialog_stops_the_look(dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    look(dialog, bench, qtbot, tmp_path)
    qtbot.mouseClick(dialog.close_button, LEFT)
    assert bench.fake_engine.sent == [commands.Stop()]
    assert not bench.shortcuts.busy
    bench.fake_engine.say(events.Stopped())
    assert bench.shortcuts.ended is None


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (events.Failed(problem="Too few images.", remedy="Add images, then ask again."), "Add images, then ask again."),
        (events.Crashed(cause="signal 9"), "Look again."),
    ],
)
def test_what_goes_wrong_is_said_and_can_be_tried_again(
    dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path, ending: events.Ending, words: str
) -> None:
    look(dialog, bench, qtbot, tmp_path)
    bench.fake_engine.say(ending)
    assert words in read(dialog) and dialog.look.isEnabled()
    looked(dialog, bench, qtbot, tmp_path, probed("quiet"))
    assert words not in read(dialog)


def test_a_listing_that_cannot_be_written_is_said(dialog: ShortcutDialog, bench: Bench, qtbot: QtBot) -> None:
    qtbot.mouseClick(dialog.look, LEFT)
    refused(bench, "WriteListing", "The disk is full.", "Free some space.")
    assert "The disk is full." in read(dialog) and "Free some space." in read(dialog)
    assert bench.fake_engine.jobs == []


def test_a_folder_that_is_left_ends_the_look(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.shortcuts.look()
    assert bench.shortcuts.busy
    bench.cancel_scan()
    assert not bench.shortcuts.busy


def test_the_page_tells_the_last_look_until_the_images_change(
    page: ImagesPage, dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    assert page.checks.looked.isHidden()
    looked(dialog, bench, qtbot, tmp_path, probed("red"))
    dialog.reject()
    assert page.checks.looked.text() == "Looked at: a shortcut found (outer border), 400 images."
    moved = [msgspec.structs.replace(row, train=row.train - 1, test=row.test + 1) for row in CELLS.classes]
    scanned(bench, found(classes=moved))  # another split of the same images
    assert page.checks.looked.isVisible()
    qtbot.mouseClick(page.checks.shortcuts, LEFT)
    assert "A shortcut was found" in read(dialog_of(page, ShortcutDialog))
    scanned(bench, found(fingerprint="another"))
    assert page.checks.looked.isHidden()
    assert "The images have changed since" in read(dialog_of(page, ShortcutDialog))


def test_one_class_alone_cannot_be_guessed(dialog: ShortcutDialog, bench: Bench) -> None:
    scanned(bench, found(classes=CELLS.classes[:1]))
    assert not dialog.look.isEnabled()
    assert dialog.look.toolTip() == "There is one class alone: nothing can be guessed."


def test_the_axis_can_be_heard_and_is_drawn(dialog: ShortcutDialog, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    looked(dialog, bench, qtbot, tmp_path, probed("red"))
    spoken = dialog.table.cells.index(0, 2).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.endswith("0.94, 0.89 to 0.98, by chance up to 0.56")
    assert not dialog.table.grab().isNull()


def test_the_last_look_in_a_line() -> None:
    assert looked_words(probed("quiet")) == "Looked at: no shortcut found, 400 images."
    assert looked_words(probed("question", images=1200)) == "Looked at: no shortcut found, 1 question, 1,200 images."
    three = [ProbeScore(name=name, label=name, auc=0.9, verdict="red") for name in ("border", "corners", "file")]
    assert "shortcuts found (border, corners and 1 more)" in looked_words(probed("red", probes=three))


def test_what_does_not_vary_and_what_is_compared_get_no_verdict() -> None:
    rows = in_order(probed("red").probes)
    assert [verdict_of(row).word for row in rows] == [
        *("Shortcut", "Question", "Quiet", "Quiet", "Quiet"),
        *("All alike", "All alike", "To compare", "To compare"),
    ]


def test_a_border_is_cut_from_what_was_cut_before() -> None:
    assert border_in_all(probed("red"), 0.0) == 0.06
    assert border_in_all(probed("red"), 0.1) == pytest.approx(0.1 + 0.06 * 0.8)
    assert border_in_all(probed("red", border=0.3), 0.3) == 0.0
    assert border_in_all(probed("question"), 0.1) == 0.0
