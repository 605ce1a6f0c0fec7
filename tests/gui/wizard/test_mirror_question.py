"""The question about left and right: asked where it may matter, once for a set of images, and kept with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
from helpers.images_page import changes_asked, found, images_bench, journal, read, real_images_bench, refused, scanned
from helpers.pictures import write_dataset
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import UndoChange
from tlgui.core.intake import AnswerMirror, Change, RenameClass
from tlgui.core.run_spec import RunSpec, Training
from tlgui.gui.wizard.augmentation.answer import answer_of, is_asked, mirror_of, variation
from tlgui.gui.wizard.augmentation.mirror_question import MirrorQuestion

LEFT = Qt.MouseButton.LeftButton
YES, NO = AnswerMirror(matters=True), AnswerMirror(matters=False)


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


@pytest.fixture
def question(bench: Bench, qtbot: QtBot) -> Iterator[MirrorQuestion]:
    """On a page that is shown, of a set of images that are unlike photographs."""
    page = QWidget()
    column = QVBoxLayout(page)
    question = MirrorQuestion(bench)
    column.addWidget(question)
    qtbot.addWidget(page)
    page.resize(700, 300)
    page.show()
    bench.found(Path("/data/cells"))
    bench.draft.set_similarity("different")
    yield question  # nobody but this function keeps the page


def press(question: MirrorQuestion, matters: bool, qtbot: QtBot) -> None:
    qtbot.mouseClick(question.buttons[matters], LEFT)


def answered(bench: Bench, *changes: Change, undone: tuple[int, ...] = ()) -> None:
    scanned(bench, found(changes=journal(*changes, undone=undone)))


@pytest.mark.parametrize(
    ("fields", "similarity", "augmentation", "asked"),
    [
        ({}, None, "photos", False),
        ({}, "similar", "microscopy", False),
        ({}, "different", "photos", True),
        ({"dicom_images": 1}, None, "photos", True),
        ({}, None, "radiograph", True),
        ({}, "similar", "documents", True),
        ({"dicom_images": 40}, "different", "off", False),
        ({"changes": journal(NO)}, None, "photos", True),
        ({"changes": journal(NO, undone=(0,))}, None, "photos", False),
    ],
)
def test_it_is_asked_where_left_and_right_may_matter(
    fields: dict[str, Any], similarity: Any, augmentation: str, asked: bool, question: MirrorQuestion, bench: Bench
) -> None:
    bench.draft.set_similarity(similarity)
    bench.draft.set_training("augmentation", augmentation)
    scanned(bench, found(**fields))
    assert is_asked(bench.draft) is asked
    assert question.isVisible() is asked


def test_before_the_images_are_read_nothing_is_asked(bench: Bench, qtbot: QtBot) -> None:
    bench.draft.set_similarity("different")
    question = MirrorQuestion(bench)
    qtbot.addWidget(question)
    assert question.isHidden() and not is_asked(bench.draft)


def test_it_never_comes_up_as_a_window_of_its_own(bench: Bench, qtbot: QtBot) -> None:
    bench.found(Path("/data/cells"))
    bench.draft.set_similarity("different")
    question = MirrorQuestion(bench)
    qtbot.addWidget(question)
    assert not question.isVisible()


def test_without_an_answer_the_kind_of_picture_decides_and_that_is_said(question: MirrorQuestion, bench: Bench) -> None:
    assert question.answer is None and not question.clear.isVisible()
    assert "Not answered: half of the views are mirrored, as for every set of the kind 'Photographs'." in read(question)
    bench.draft.set_training("augmentation", "documents")
    assert "Not answered: no view is mirrored" in read(question)
    assert mirror_of(bench.draft) is None


@pytest.mark.parametrize("matters", [True, False])
def test_an_answer_goes_to_the_project_and_to_the_run(
    matters: bool, question: MirrorQuestion, bench: Bench, qtbot: QtBot
) -> None:
    press(question, matters, qtbot)
    assert changes_asked(bench) == [AnswerMirror(matters=matters)]
    assert question.answer is matters, "shown as it was pressed, also while it is on its way"
    answered(bench, AnswerMirror(matters=matters))
    assert question.answer is matters and answer_of(bench.draft) is matters
    assert "Kept with these images, and not asked again." in read(question)
    assert mirror_of(bench.draft) is not matters and variation(bench.draft).mirror is not matters
    assert bench.draft.training.mirror is None, "what is kept in the project is filled in when the run is made"


def test_the_answer_of_an_earlier_run_is_there_and_can_be_changed(
    question: MirrorQuestion, bench: Bench, qtbot: QtBot
) -> None:
    answered(bench, RenameClass(old="a", new="b"), YES)
    assert question.answer is True
    press(question, False, qtbot)
    assert changes_asked(bench) == [NO]
    answered(bench, RenameClass(old="a", new="b"), YES, NO)
    assert question.answer is False and variation(bench.draft).mirror
    asked = len(bench.fake_imaging.asked)
    press(question, False, qtbot)
    assert len(bench.fake_imaging.asked) == asked, "it is the answer already"


def test_it_can_be_taken_back(question: MirrorQuestion, bench: Bench, qtbot: QtBot) -> None:
    answered(bench, YES, RenameClass(old="a", new="b"), NO)
    qtbot.mouseClick(question.clear, LEFT)
    request = bench.fake_imaging.asked[-1]
    assert isinstance(request, UndoChange) and request.numbers == [0, 2]
    answered(bench, YES, RenameClass(old="a", new="b"), NO, undone=(0, 2))
    assert question.answer is None and answer_of(bench.draft) is None


def test_an_answer_that_could_not_be_kept_is_said(question: MirrorQuestion, bench: Bench, qtbot: QtBot) -> None:
    press(question, True, qtbot)
    refused(bench, "ChangeIntake", "The project 'cells' cannot be written: No space left on device.")
    assert question.answer is None
    assert "The answer could not be kept. The project 'cells' cannot be written" in read(question)
    press(question, True, qtbot)
    answered(bench, YES)
    assert "could not be kept" not in read(question)


def test_another_decision_on_its_way_does_not_hide_the_answer(question: MirrorQuestion, bench: Bench) -> None:
    answered(bench, YES)
    bench.intake.change(RenameClass(old="a", new="b"))
    assert bench.intake.busy and question.answer is True


def test_what_is_set_for_the_run_alone_is_said_and_gives_way_to_an_answer(
    question: MirrorQuestion, bench: Bench, qtbot: QtBot
) -> None:
    answered(bench, YES)
    bench.draft.set_training("mirror", True)
    assert "Set for this run alone: half of the views are mirrored." in read(question)
    press(question, True, qtbot)
    assert bench.draft.training.mirror is None and "Kept with these images" in read(question)
    bench.draft.set_training("mirror", True)
    press(question, False, qtbot)
    assert bench.draft.training.mirror is None and changes_asked(bench) == [NO]


def test_dicom_images_are_offered_the_kind_that_is_careful_with_them(
    question: MirrorQuestion, bench: Bench, qtbot: QtBot
) -> None:
    assert not question.careful.isVisible()
    scanned(bench, found(dicom_images=40))
    assert "These are DICOM images" in question.careful.text()
    qtbot.mouseClick(question.careful, LEFT)
    assert bench.draft.training.augmentation == "radiograph"
    assert not question.careful.isVisible() and "no view is mirrored" in read(question)


@pytest.mark.parametrize("mirror", [None, True, False])
def test_of_a_run_that_has_begun_it_shows_what_the_run_was_told_and_is_locked(
    mirror: bool | None, question: MirrorQuestion, bench: Bench
) -> None:
    bench.started(Path("/data/cells"))
    spec = RunSpec(training=Training(augmentation="radiograph", mirror=mirror))
    bench.draft.load(spec, Path("/data/cells"), found(dicom_images=3))
    assert question.isVisible() is (mirror is not None)
    if mirror is not None:
        assert question.answer is not mirror
        assert not any(button.isEnabled() for button in question.buttons.values())
        assert not question.clear.isVisible() and not question.careful.isVisible()


def test_a_real_set_of_images_is_asked_once(qapp: QApplication, tmp_path: Path, qtbot: QtBot) -> None:
    root = write_dataset(tmp_path / "d", {"a": 5, "b": 5}, size=24)
    for asked in (True, False):
        page = QWidget()
        with real_images_bench(qapp, tmp_path) as bench:
            question = MirrorQuestion(bench)
            QVBoxLayout(page).addWidget(question)
            qtbot.addWidget(page)
            page.show()
            bench.open_folder(root)
            qtbot.waitUntil(lambda bench=bench: bench.draft.summary is not None, timeout=30_000)
            if asked:
                assert not question.isVisible()
                bench.draft.set_training("augmentation", "documents")
                press(question, True, qtbot)
                qtbot.waitUntil(lambda bench=bench: answer_of(bench.draft) is True, timeout=30_000)
            else:
                assert question.isVisible() and question.answer is True, "there to be seen and changed"
                assert mirror_of(bench.draft) is False and not variation(bench.draft).mirror
