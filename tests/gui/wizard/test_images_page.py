"""The images page: what a person reads while a folder is read, after it, and when it cannot be used."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import pytest
from helpers.bench import CELLS, Bench, FakeEngine, make_run
from helpers.pictures import write_dataset, write_tree
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import (
    ClassCount,
    ClassFound,
    ClassPaths,
    LeftOutListed,
    Listed,
    Refused,
    Scanned,
    ScanProgress,
    ScanSummary,
    SplitCounted,
)  # fmt: skip
from tlgui.core.records import DatasetWarning, LeftOut, PixelRule, Reason
from tlgui.gui.closing import shut_down
from tlgui.gui.imaging_thread import ImagingThread
from tlgui.gui.recent import RecentRuns
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.viewer import ImageViewer
from tlgui.gui.widgets import Dialog
from tlgui.gui.wizard.images import words
from tlgui.gui.wizard.images.class_dialog import ClassDialog
from tlgui.gui.wizard.images.left_out_dialog import LeftOutDialog
from tlgui.gui.wizard.images.paths import PAGE, PathSource
from tlgui.gui.wizard.images.pictures import KEPT, WAITING, Pictures
from tlgui.gui.wizard.images_page import ImagesPage
from tlgui.gui.workbench import Workbench

PATIENCE_MS = 30_000
_W = TypeVar("_W", bound=QWidget)
MARKUP = "<b>x</b><img src=y>"
IMAGING = Path(words.__file__).parents[3] / "imaging"


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    theme().install(qapp)
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


@pytest.fixture
def real_bench(qapp: QApplication, tmp_path: Path) -> Iterator[Workbench]:
    """The imaging child is the real one; the engines say nothing."""
    theme().install(qapp)
    settings = Settings(tmp_path / "settings.toml")
    imaging = ImagingThread()
    engine, side = cast(Any, FakeEngine()), cast(Any, FakeEngine())
    bench = Workbench(engine, side, imaging, ThumbnailStore(imaging), settings, RecentRuns(settings))
    yield bench
    shut_down(bench)


def page_of(bench: Workbench, qtbot: QtBot, size: tuple[int, int] = (1064, 800)) -> ImagesPage:
    page = ImagesPage(bench)
    qtbot.addWidget(page)
    page.resize(*size)
    page.show()
    return page


@pytest.fixture
def page(bench: Bench, qtbot: QtBot) -> ImagesPage:
    return page_of(bench, qtbot)


def read(widget: QWidget) -> str:
    """All words that are shown; widgets that were just added to a layout come up with the next event."""
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def left_out(*items: tuple[str, Reason]) -> list[LeftOut]:
    return [LeftOut(path=path, reason_code=reason, reason="It is so.") for path, reason in items]


def summary(**fields: Any) -> ScanSummary:
    return msgspec.structs.replace(CELLS, **fields)


NINE = left_out(
    *((f"a/notes {n}.txt", Reason.NOT_AN_IMAGE) for n in range(6)),
    ("a/1.jpg", Reason.TRUNCATED), ("b/2.jpg", Reason.TRUNCATED), ("loose.png", Reason.NO_LABEL),
)  # fmt: skip
WITH_NINE = summary(
    left_out=NINE, left_out_count=9, reasons={"not_an_image": 6, "truncated": 2, "no_label": 1},
    warnings=[DatasetWarning(code="unreadable_files", message="2 files are left out (2 truncated): 'a/1.jpg', 'b/2.jpg'.")],
)  # fmt: skip


def dialog_of(page: QWidget, kind: type[_W]) -> _W:
    found = page.window().findChildren(kind)
    assert found
    return found[-1]


# Empty and reading


def test_before_there_is_a_folder_one_can_be_dropped_or_chosen(page: ImagesPage, bench: Bench, qtbot: QtBot) -> None:
    assert page.empty.isVisible()
    assert not page.primary.isEnabled()
    assert page.hint() == "Choose a folder of images first."
    qtbot.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    with qtbot.waitSignal(bench.page_asked):
        dialog.fileSelected.emit(str(bench.settings._path.parent))
        dialog.reject()
    assert not page.empty.isVisible()


def test_while_files_are_read_the_classes_stand_there_already(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.open_folder(tmp_path)
    ticket = bench.scan_ticket
    assert ticket is not None
    assert "Looking into the folder" in page.reading.row.text()

    found = [ClassFound(name=name, files=550, samples=[f"{name}/1.png"]) for name in ("ants", "bees")]
    say = bench.fake_imaging.answered.emit
    say(Listed(ticket=ticket, name="insects", layout="class folders", files=1101, classes=found))
    say(ScanProgress(ticket=ticket, done=412, total=1101, seconds_left=6.0))

    assert page.reading.row.text() == "Reading 1,101 files 412 done, about 6 s left"
    assert [(row.name, row.caption) for row in page.classes.list.rows] == [("ants", "550 files"), ("bees", "550 files")]
    assert "one folder per class, 2 classes" in read(page.layout_card)
    assert page.hint() == "The images are still being read."


def test_cancel_leaves_no_folder(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.open_folder(tmp_path)
    page.reading.row.cancelled.emit()
    assert bench.draft.data is None
    assert page.empty.isVisible()
    assert not page.reading.isVisible()


def test_the_demo_says_that_training_begins_by_itself(page: ImagesPage, bench: Bench) -> None:
    bench.open_demo()
    assert page.reading.row.text().startswith("Drawing the demo images")
    assert page.hint() == "Training begins by itself when the images are read."
    assert not page.layout_card.isVisible()


# Filled


def test_used_and_left_out_add_up_to_every_file(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path, WITH_NINE)
    shown = read(page.files).split("\n")
    assert shown[0] == "49 files"
    assert shown[shown.index("Used") + 1 : shown.index("Used") + 4] == ["40", "Left out", "9"]
    assert "a/notes" not in read(page.files)
    for line in ("Not an image", "notes 0.txt, notes 1.txt and 4 more", "Cut off at its end", "1.jpg, 2.jpg"):
        assert line in shown
    assert page.files.list_button.plain_text == "List all 9 files"
    assert page.primary.isEnabled()


def test_what_is_recognised_is_confirmed_by_going_on(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.found(tmp_path)
    assert page.layout_card.chip.text() == "Recognised"
    with qtbot.waitSignal(bench.page_asked) as asked:
        qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert asked.args == ["backbone"]


def test_the_three_parts_say_what_they_are_for(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    shown = read(page.split).split("\n")
    for text, number in (
        ("Train, learned from", "28"),
        ("Validation, picks the epoch", "6"),
        ("Test, read once at the end", "6"),
    ):
        assert shown[shown.index(text) + 1] == number
    assert "The score at the end is of 6 test images, which no choice was made on." in page.split.sentence.text()
    assert page.split.table.isHidden()
    page.split.fold.findChild(QAbstractButton).click()
    cells = page.split.table.cells
    assert [cells.cell(1, column).text for column in range(4)] == ["star", "14", "3", "3"]


def test_without_test_images_it_is_said_what_the_score_will_be_of(
    page: ImagesPage, bench: Bench, tmp_path: Path
) -> None:
    classes = [ClassCount(name=name, train=10, validation=4, test=0) for name in ("a", "b")]
    bench.found(tmp_path, summary(classes=classes, layout="train/validation/test"))
    assert "There are no test images: the score will be of the validation images." in page.split.sentence.text()
    assert page.primary.isEnabled()


def test_names_that_look_like_mark_up_are_shown_letter_by_letter(
    page: ImagesPage, bench: Bench, tmp_path: Path
) -> None:
    classes = [ClassCount(name=name, train=10, validation=4, test=4) for name in (MARKUP, "&file")]
    message = f"The class '{MARKUP}' has only 4 images."
    bench.found(
        tmp_path,
        summary(name=MARKUP, classes=classes, warnings=[DatasetWarning(code="few_images_in_class", message=message)]),
    )
    labels = [label for label in page.findChildren(QLabel) if MARKUP in label.text()]
    assert len(labels) >= 2
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}
    model = page.classes.list.model()
    assert model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole).startswith(MARKUP)


# Warnings


def test_a_hundred_small_classes_are_one_line_and_all_of_them_when_asked(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    few = [
        DatasetWarning(code="few_images_in_class", message=f"The class '{n}' has only 4 images.") for n in range(100)
    ]
    bench.found(tmp_path, summary(warnings=few))
    assert page.notices.title() == "One thing to settle"
    assert "100 classes with few images" in read(page.notices)
    assert page.hint() == "You can go on: 1 warning blocks nothing."
    qtbot.mouseClick(page.notices.buttons["few_images_in_class"], Qt.MouseButton.LeftButton)
    assert "The class '99' has only 4 images." in read(dialog_of(page, Dialog))


def test_many_warnings_leave_the_classes_in_view(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    codes = [code for code in words.HEADINGS if code != "deep_pixels"][:9]
    bench.found(tmp_path, summary(warnings=[DatasetWarning(code=code, message="So it is.") for code in codes]))
    assert read(page.notices).count("So it is.") == 4
    qtbot.mouseClick(page.notices.buttons["more"], Qt.MouseButton.LeftButton)
    assert read(page.notices).count("So it is.") == 9


def test_show_them_lists_the_files_of_that_warning(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.found(tmp_path, WITH_NINE)
    qtbot.mouseClick(page.notices.buttons["unreadable_files"], Qt.MouseButton.LeftButton)
    dialog = dialog_of(page, LeftOutDialog)
    assert [row[0].text for row in dialog.table.cells.rows] == ["a/1.jpg", "b/2.jpg"]
    assert "2 files of 9 that are left out." in read(dialog)


def test_every_warning_and_every_reason_has_a_heading() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in IMAGING.glob("*check*.py"))
    source += (IMAGING / "summary.py").read_text(encoding="utf-8")
    said = set(re.findall(r'(?:\bwarning\(|code=)\s*f?"([a-z_{}]+)"', source))
    parts = {"{split}": ("validation", "test"), "{part}": ("train",), "{frame}": ("first", "middle", "last")}
    for variable, names in parts.items():
        for code in [code for code in said if variable in code]:
            said = (said - {code}) | {code.replace(variable, name) for name in names}
    assert len(said) > 30
    assert said <= set(words.HEADINGS)
    assert {code for code in words.HEADINGS if code not in said and f'"{code}"' not in source} == set()
    assert set(Reason) == set(words.REASONS)


# The list of what is left out


def test_the_list_can_be_saved(bench: Bench, qtbot: QtBot, tmp_path: Path, page: ImagesPage) -> None:
    bench.found(tmp_path, WITH_NINE)
    qtbot.mouseClick(page.files.list_button, Qt.MouseButton.LeftButton)
    dialog = dialog_of(page, LeftOutDialog)
    qtbot.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    files = dialog.findChild(QFileDialog)
    assert files is not None
    with qtbot.waitSignal(dialog.saved):
        files.fileSelected.emit(str(tmp_path / "list.csv"))
        files.reject()
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["file", "reason_code", "reason"]
    assert [row[0] for row in rows[1:]] == [item.path for item in NINE]
    assert "Saved as 'list.csv'." in read(dialog)


def test_a_place_that_cannot_be_written_to_is_said(qtbot: QtBot, tmp_path: Path, page: ImagesPage) -> None:
    dialog = LeftOutDialog(NINE, 9, page)
    dialog.open()
    dialog.save(tmp_path / "nowhere" / "list.csv")
    qtbot.waitUntil(lambda: "cannot be written" in dialog.note.text())
    assert str(tmp_path) not in dialog.note.text()


def test_a_long_list_is_collected_before_it_is_saved(bench: Bench, page: ImagesPage) -> None:
    asked: list[int] = []
    cast(Any, bench.fake_imaging).left_out_files = lambda ticket, offset, count: asked.append(offset)
    dialog = LeftOutDialog(NINE, 20, page, imaging=bench.imaging, ticket=7)
    dialog.open()
    assert not dialog.save_button.isEnabled()
    assert dialog.note.text() == "Collecting the list: 9 of 20."
    rest = left_out(*((f"c/{n}.txt", Reason.HIDDEN) for n in range(11)))
    bench.fake_imaging.answered.emit(LeftOutListed(ticket=7, offset=9, files=rest, total=20))
    assert asked == [9]
    assert dialog.save_button.isEnabled()
    assert len(dialog.table.cells.rows) == 20


# Refused


def test_a_folder_that_cannot_be_used_says_why_and_offers_another(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.open_folder(tmp_path)
    ticket = bench.scan_ticket
    assert ticket is not None
    bench.fake_imaging.answered.emit(
        Refused(
            ticket=ticket, request="ScanFolder", problem="Only one class was found in 'photos': 'a'.",
            remedy="Put each class in its own folder.",
        )
    )  # fmt: skip
    assert "Only one class was found in 'photos': 'a'." in read(page.refused)
    assert page.layout_card.chip.text() == "Not usable"
    assert not page.primary.isEnabled()
    button = next(button for button in page.refused.findChildren(QAbstractButton) if button.isVisible())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    dialog.reject()
    assert "Only one class" in read(page.refused)


# The level of detail


def test_other_shares_are_recounted_and_a_comma_is_a_point(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.found(tmp_path)
    assert not page.split.fields.isVisible()
    page.level.button("adjustable").click()
    assert page.split.fields.isVisible()
    train, validation, _ = page.split.fields.shares
    train.setText("60,5")
    assert page.split.fields.problem.text() == "The three shares together must be 100\u00a0%."
    assert bench.fake_imaging.resplits == []
    validation.setText("24.5")
    assert bench.fake_imaging.resplits == [(bench.scan_ticket, (0.605, 0.245, 0.15), 0)]
    assert not page.split.fields.problem.isVisible()
    counted = [ClassCount(name=row.name, train=12, validation=5, test=3) for row in CELLS.classes]
    ticket = bench.scan_ticket
    assert ticket is not None
    bench.fake_imaging.answered.emit(SplitCounted(ticket=ticket, classes=counted))
    assert "24" in read(page.split).split("\n")


def test_the_seed_is_a_whole_number(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.draft.set_level("adjustable")
    page.split.fields.seed.setText("-1")
    assert page.split.fields.problem.isVisible()
    assert bench.draft.training.seed == 0
    page.split.fields.seed.setText("7")
    assert (bench.draft.training.seed, page.split.fields.problem.isVisible()) == (7, False)


def test_where_the_folders_give_the_split_the_shares_are_grey_with_the_reason(
    page: ImagesPage, bench: Bench, tmp_path: Path
) -> None:
    bench.found(tmp_path, summary(layout="train/validation/test", given_parts=["train", "validation"]))
    bench.draft.set_level("adjustable")
    assert not any(field.isEnabled() for field in page.split.fields.shares)
    assert page.split.fields.problem.text() == "The folders give the split, so there is nothing to set here."


def test_everything_shows_the_fields_of_run_toml(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path, summary(deep_images=3, pixel_rule=PixelRule(low=0, high=4095), fingerprint="f" * 64))
    assert not page.facts.isVisible()
    bench.draft.set_level("everything")
    assert "pixel_rule = range, 0 to 4095" in read(page.facts)
    assert f"dataset.fingerprint = {'f' * 16}" in read(page.facts)


# The classes


def test_enter_shows_all_images_of_a_class_and_paths_are_asked_for_by_the_page(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    asked: list[tuple[str, int]] = []
    cast(Any, bench.fake_imaging).class_images = lambda ticket, name, offset, count: asked.append((name, offset))
    many = [ClassCount(name=name, train=30_000, validation=0, test=0, samples=[]) for name in ("a", "b")]
    bench.found(tmp_path, summary(classes=many))
    page.classes.list.setFocus()
    qtbot.keyClick(page.classes.list, Qt.Key.Key_Down)
    qtbot.keyClick(page.classes.list, Qt.Key.Key_Return)
    dialog = dialog_of(page, ClassDialog)
    qtbot.waitUntil(lambda: asked == [("b", 0)])
    ticket = bench.scan_ticket
    assert ticket is not None
    paths = [f"b/{n}.png" for n in range(500)]
    bench.fake_imaging.answered.emit(ClassPaths(ticket=ticket, class_name="b", offset=0, paths=paths, total=30_000))
    asked_for = cast(Any, bench.thumbnails).asked
    qtbot.waitUntil(lambda: "b/0.png" in asked_for)
    assert len(asked_for) < 100
    dialog.reject()


def test_thirty_thousand_images_are_laid_out_at_once_and_one_is_shown_large(
    page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    class Paths(PathSource):
        def ask(self, offset: int) -> None:
            self.arrived.emit(offset, [f"b/{n}.png" for n in range(offset, offset + PAGE)])

    dialog = ClassDialog("b", 30_000, Paths(), tmp_path, None, bench.thumbnails, page)
    dialog.open()
    grid, model = dialog.grid, dialog.grid.model()
    qtbot.keyClick(grid, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    grid.setCurrentIndex(model.index_of(29_999))
    dialog.resize(480, 500)
    assert model.columns == 3
    assert model.place(grid.currentIndex()) == 29_999
    qtbot.waitUntil(lambda: model.path(29_999) == "b/29999.png")
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert dialog_of(page, ImageViewer).at == 499
    dialog_of(page, ImageViewer).reject()
    dialog.reject()


def test_a_click_on_a_row_opens_its_class(page: ImagesPage, bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    cast(Any, bench.fake_imaging).class_images = lambda *_: None
    bench.found(tmp_path)
    qtbot.mouseClick(page.classes.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(300, 30))
    assert dialog_of(page, ClassDialog).windowTitle() == "round"


def test_of_a_thousand_classes_only_those_in_view_ask_for_pictures(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    page = page_of(bench, qtbot)
    names = [f"class {n:04}" for n in range(1000)]
    classes = [
        ClassCount(name=name, train=9, validation=1, test=1, samples=[f"{name}/{n}.png" for n in range(9)])
        for name in names
    ]
    bench.found(tmp_path, summary(classes=classes))
    asked_for = cast(Any, bench.thumbnails).asked
    qtbot.waitUntil(lambda: "class 0000/0.png" in asked_for)
    qtbot.wait(50)
    assert len(asked_for) < 200
    assert page.classes.title() == "1,000 classes"


def test_pictures_are_kept_within_bounds_and_old_requests_are_given_up(bench: Bench, tmp_path: Path) -> None:
    waiting: dict[str, Any] = {}
    cancelled: list[str] = []

    class Given:
        def __init__(self, path: str) -> None:
            self.path = path

        def cancel(self) -> None:
            cancelled.append(self.path)

    def request(root: Path, path: str, side: int, rule: Any, receiver: Any, owner: Any, whole: bool = False) -> Any:
        waiting[path] = receiver
        return Given(path)

    cast(Any, bench.thumbnails).request = request
    pictures = Pictures(bench.thumbnails, 60, bench)
    pictures.set_folder(tmp_path)
    for n in range(WAITING + 5):
        pictures.picture(str(n))
    assert cancelled == ["0", "1", "2", "3", "4"]
    for n in range(KEPT + 50):
        pictures.picture(str(n))
        waiting[str(n)](QImage(4, 4, QImage.Format.Format_RGB32), "")
    assert len(pictures._here) == KEPT
    pictures.set_folder(tmp_path / "other")
    assert pictures._here == {}


# A run that has begun


def test_a_run_that_has_begun_can_be_looked_at_and_not_changed(page: ImagesPage, bench: Bench, qtbot: QtBot) -> None:
    run = make_run()
    with qtbot.waitSignal(bench.page_asked):
        bench.open_run(run)
    bench.draft.set_level("adjustable")
    assert [row.name for row in page.classes.list.rows] == ["round", "star"]
    assert page.layout_card.chip.text() == "Not found"
    with qtbot.waitSignal(bench.asked) as asked:
        qtbot.mouseClick(page.layout_card.button, Qt.MouseButton.LeftButton)
    assert asked.args == ["choose_images"]
    assert page.again.isVisible()
    assert not page.split.fields.seed.isEnabled()
    assert "This run has begun" in page.split.fields.problem.text()
    assert "The images are not where they were." in read(page.layout_card)


# The frame


@pytest.mark.parametrize("size", [(1064, 800), (964, 700), (900, 540)])
def test_nothing_is_wider_than_the_page(bench: Bench, qtbot: QtBot, tmp_path: Path, size: tuple[int, int]) -> None:
    page = page_of(bench, qtbot, size)
    long = "a_very_long_name_of_a_class_" * 4
    classes = [ClassCount(name=f"{long}{n}", train=30_000, validation=9_000, test=9_000) for n in (1, 2)]
    warnings = [DatasetWarning(code="imbalance", message=f"'{long}' has more.")]
    bench.draft.set_level("everything")
    bench.found(tmp_path / long, msgspec.structs.replace(WITH_NINE, name=long, classes=classes, warnings=warnings))
    bench.draft.set_level("everything")
    page.split.fold.findChild(QAbstractButton).click()
    assert page.too_wide() == 0
    assert page.minimumSizeHint().width() <= size[0]


def test_every_control_has_a_name_and_can_be_reached_by_tab(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path, WITH_NINE)
    bench.draft.set_level("everything")
    for button in page.findChildren(QAbstractButton):
        if button.isVisible() and button.isEnabled():
            assert button.accessibleName()
            assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert page.classes.list.focusPolicy() & Qt.FocusPolicy.TabFocus


# With the real imaging child


def test_a_folder_is_read_shown_and_split_anew(real_bench: Workbench, qtbot: QtBot, tmp_path: Path) -> None:
    images = write_dataset(tmp_path / "photos", {"<b>ants": 12, "&bees": 20})
    (images / "notes.txt").write_text("not an image")
    page = page_of(real_bench, qtbot)
    real_bench.open_folder(images)
    qtbot.waitUntil(lambda: real_bench.draft.summary is not None, timeout=PATIENCE_MS)
    assert [(row.name, row.caption) for row in page.classes.list.rows] == [
        ("&bees", "20 images"),
        ("<b>ants", "12 images"),
    ]
    assert read(page.files).split("\n")[0] == "33 files"
    sample = page.classes.list.rows[0].samples[0]
    qtbot.waitUntil(lambda: page._pictures.picture(sample) is not None, timeout=PATIENCE_MS)

    real_bench.draft.set_level("adjustable")
    train, _, test = page.split.fields.shares
    train.setText("85")
    test.setText("0")
    qtbot.waitUntil(lambda: "There are no test images" in page.split.sentence.text(), timeout=PATIENCE_MS)

    page.classes.list.opened.emit(0)
    dialog = dialog_of(page, ClassDialog)
    qtbot.waitUntil(lambda: dialog.grid.model().index_of(19).data() == "019.png", timeout=PATIENCE_MS)
    dialog.reject()


def test_a_folder_that_vanished_is_answered_with_a_sentence(
    real_bench: Workbench, qtbot: QtBot, tmp_path: Path
) -> None:
    page = page_of(real_bench, qtbot)
    real_bench.open_folder(tmp_path / "gone")
    qtbot.waitUntil(page.refused.isVisible, timeout=PATIENCE_MS)
    assert "'gone'" in read(page.refused)
    assert str(tmp_path) not in read(page.refused)


def test_a_given_tree_is_recognised(real_bench: Workbench, qtbot: QtBot, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"train": {"a": 6, "b": 6}, "val": {"a": 2, "b": 2}})
    page = page_of(real_bench, qtbot)
    real_bench.open_folder(tree)
    qtbot.waitUntil(lambda: real_bench.draft.summary is not None, timeout=PATIENCE_MS)
    assert "train / val / test tree, 2 classes" in read(page.layout_card)
    assert "There are no test images" in page.split.sentence.text()


def test_scanned_of_a_folder_left_behind_changes_nothing(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.open_folder(tmp_path / "first")
    late = bench.scan_ticket
    assert late is not None
    bench.open_folder(tmp_path / "second")
    bench.fake_imaging.answered.emit(Scanned(ticket=late, summary=CELLS))
    assert page.classes.isHidden()
    assert page.reading.isVisible()


def test_a_folder_of_runs_is_refused_with_the_way_to_its_newest_run(
    bench: Bench, page: ImagesPage, qtbot: QtBot
) -> None:
    run = make_run()
    page.take_dropped([run.parent])
    qtbot.waitUntil(lambda: page.error_banner is not None)
    assert page.error_banner is not None
    assert page.error_banner.accessibleName() == "This folder holds runs of tlgui, not images. Open one of its runs."
    button = next(one for one in page.error_banner.findChildren(QAbstractButton) if "newest run" in one.text())
    button.click()
    qtbot.waitUntil(lambda: bench.run_folder is not None)
    assert bench.run_folder is not None and bench.run_folder.path == run
