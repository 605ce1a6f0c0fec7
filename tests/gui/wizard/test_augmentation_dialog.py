"""The preview of varied views: what is asked for, what is shown, and what a choice changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
from helpers.images_page import dialog_of, found, images_bench, journal, read, real_images_bench
from helpers.pictures import write_dataset
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.imaging_messages import ClassCount, Refused, ShowViews, ViewsShown
from tlgui.core.intake import AnswerMirror
from tlgui.core.records import PixelRule
from tlgui.core.run_spec import RunSpec, Training
from tlgui.gui.wizard.augmentation.openers import open_augmentation_preview
from tlgui.gui.wizard.augmentation.own_images import NONE_YET
from tlgui.gui.wizard.augmentation.preview_dialog import AugmentationDialog

LEFT = Qt.MouseButton.LeftButton
RULE = PixelRule(low=0, high=4095)
CELLS = [
    ClassCount(name=name, train=14, validation=3, test=3, samples=[f"{name}/{n}.png" for n in (1, 2)])
    for name in ("round", "star")
]


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        bench.found(Path("/data/cells"), found(classes=CELLS, pixel_rule=RULE))
        yield bench


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def dialog(bench: Bench, window: QWidget) -> AugmentationDialog:
    open_augmentation_preview(bench, window)
    return dialog_of(window, AugmentationDialog)


def asked(bench: Bench) -> ShowViews:
    """The views that were asked for last."""
    return requests(bench)[-1]


def requests(bench: Bench) -> list[ShowViews]:
    return [request for request in bench.fake_imaging.asked if isinstance(request, ShowViews)]


def answer(bench: Bench, views: int = 9, problem: str = "", ticket: int | None = None) -> None:
    said = ViewsShown(ticket=asked(bench).ticket if ticket is None else ticket, problem=problem)
    images = [QImage(64, 64, QImage.Format.Format_RGB32) for _ in range(views + 1)]
    bench.fake_imaging.views_shown.emit(said, None if problem else images)


def shown(dialog: AugmentationDialog) -> list[bool]:
    """Whether there is a picture, the plain one first."""
    return [tile.image is not None for tile in (dialog.plain, *dialog.grid.tiles)]


def pick(dialog: AugmentationDialog, name: str) -> None:
    dialog.choices[name].click()


def test_nine_views_of_an_own_image_are_asked_for_as_the_run_would_make_them(window: QWidget, bench: Bench) -> None:
    bench.draft.set_backbone("resnet50")
    bench.draft.set_fit("squash")
    bench.draft.size = 160
    open_augmentation_preview(bench, window)
    request = asked(bench)
    assert (request.root, request.path, request.rule) == ("/data/cells", "round/1.png", RULE)
    assert (request.backbone, request.fit, request.size, request.count) == ("resnet50", "squash", 160, 9)
    assert (request.augmentation, request.mirror) == ("photos", True)


def test_until_they_come_it_says_so_and_then_shows_all_ten(dialog: AugmentationDialog, bench: Bench) -> None:
    assert shown(dialog) == [False] * 10 and dialog.plain.words == "Reading…"
    assert "1.png" in read(dialog)
    answer(bench)
    assert shown(dialog) == [True] * 10 and dialog.banner.isHidden()
    assert dialog.grid.tiles[2].accessibleName() == "Varied view 3 of 9"


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_kind_can_be_picked_and_is_said(name: str, dialog: AugmentationDialog, bench: Bench, qtbot: QtBot) -> None:
    answer(bench)
    pick(dialog, name)
    row = AUGMENTATIONS[name]
    assert bench.draft.training.augmentation == name and dialog.choices[name].isChecked()
    assert (asked(bench).augmentation, asked(bench).mirror) == (name, row.mirror)
    assert row.sentence in read(dialog)
    assert ("Never mirrored." in read(dialog)) is (not row.mirror and name != "off")
    assert dialog.mirror.isChecked() is row.mirror and dialog.mirror.isEnabled() is (name != "off")


def test_the_pictures_stay_until_those_of_the_new_kind_come(
    dialog: AugmentationDialog, bench: Bench, qtbot: QtBot
) -> None:
    answer(bench)
    first = asked(bench).ticket
    pick(dialog, "microscopy")
    assert shown(dialog) == [True] * 10 and asked(bench).ticket != first
    pick(dialog, "microscopy")
    assert len(requests(bench)) == 2, "what is picked already is not asked for again"


def test_where_nothing_is_varied_each_view_is_the_plain_one(dialog: AugmentationDialog, bench: Bench) -> None:
    pick(dialog, "off")
    answer(bench, views=0)
    assert all(shown(dialog)) and all(tile.image == dialog.plain.image for tile in dialog.grid.tiles)
    assert "Each training image is shown as it is, every time." in read(dialog)


def test_the_mirror_switch_holds_for_this_run(dialog: AugmentationDialog, bench: Bench) -> None:
    dialog.mirror.click()
    assert bench.draft.training.mirror is False and asked(bench).mirror is False
    assert "Never mirrored." in read(dialog)
    dialog.mirror.click()
    assert bench.draft.training.mirror is None, "back to what the kind says anyway"


def test_the_mirror_switch_knows_the_answer_that_is_kept_with_the_images(window: QWidget, bench: Bench) -> None:
    summary = found(classes=CELLS, changes=journal(AnswerMirror(matters=True)))
    bench.found(Path("/data/cells"), summary)
    open_augmentation_preview(bench, window)
    dialog = dialog_of(window, AugmentationDialog)
    assert not dialog.mirror.isChecked() and asked(bench).mirror is False
    dialog.mirror.click()
    assert bench.draft.training.mirror is True and asked(bench).mirror is True
    dialog.mirror.click()
    assert bench.draft.training.mirror is None and asked(bench).mirror is False


def test_other_images_take_turns_class_by_class(dialog: AugmentationDialog, bench: Bench, qtbot: QtBot) -> None:
    paths = [asked(bench).path]
    for _ in range(4):
        answer(bench)
        dialog.another.trigger()
        assert not any(shown(dialog)), "no picture stands under another one's name"
        paths.append(asked(bench).path)
    assert paths == ["round/1.png", "star/1.png", "round/2.png", "star/2.png", "round/1.png"]


def test_what_was_passed_over_is_forgotten_and_never_shown(dialog: AugmentationDialog, bench: Bench) -> None:
    first = asked(bench).ticket
    dialog.another.trigger()
    assert first in bench.fake_imaging.forgotten
    answer(bench, ticket=first)
    assert not any(shown(dialog))


def test_closing_forgets_what_is_on_its_way(dialog: AugmentationDialog, bench: Bench) -> None:
    ticket = asked(bench).ticket
    dialog.reject()
    assert ticket in bench.fake_imaging.forgotten


def test_an_image_without_a_picture_says_why_and_another_one_can_be_seen(
    dialog: AugmentationDialog, bench: Bench, qtbot: QtBot
) -> None:
    answer(bench, problem="The file is cut off at its end.")
    assert "The file is cut off at its end.\nLook at another image." in read(dialog)
    assert not any(shown(dialog)) and dialog.plain.words == "No picture"
    qtbot.mouseClick(dialog.again, LEFT)
    assert len(requests(bench)) == 2 and asked(bench).path == "round/1.png" and dialog.banner.isHidden()
    dialog.another.trigger()
    answer(bench)
    assert all(shown(dialog)) and dialog.banner.isHidden()


def test_a_child_that_broke_down_is_said_with_its_remedy(dialog: AugmentationDialog, bench: Bench) -> None:
    said = Refused(ticket=asked(bench).ticket, request="ShowViews", problem="The reader ended.", remedy="Try again.")
    bench.fake_imaging.answered.emit(said)
    assert "The reader ended.\nTry again." in read(dialog)


def test_without_images_the_kinds_can_be_chosen_all_the_same(bench: Bench, window: QWidget, qtbot: QtBot) -> None:
    bench.cancel_scan()
    open_augmentation_preview(bench, window)
    dialog = dialog_of(window, AugmentationDialog)
    assert NONE_YET in read(dialog) and not requests(bench)
    assert not dialog.another.isEnabled() and NONE_YET in dialog.another.toolTip()
    pick(dialog, "radiograph")
    assert bench.draft.training.augmentation == "radiograph" and not requests(bench)


def test_a_single_image_takes_no_turns(bench: Bench, window: QWidget) -> None:
    only = [ClassCount(name="round", train=1, validation=1, test=0, samples=["round/1.png"])]
    bench.found(Path("/data/cells"), found(classes=only))
    open_augmentation_preview(bench, window)
    dialog = dialog_of(window, AugmentationDialog)
    assert not dialog.another.isEnabled() and "This is the only image at hand." in dialog.another.toolTip()


def test_the_run_that_has_begun_can_be_looked_at_and_not_changed(bench: Bench, window: QWidget) -> None:
    bench.started(Path("/data/cells"))
    spec = RunSpec(training=Training(augmentation="radiograph", mirror=True))
    bench.draft.load(spec, Path("/data/cells"), found(classes=CELLS))
    open_augmentation_preview(bench, window)
    dialog = dialog_of(window, AugmentationDialog)
    assert (asked(bench).augmentation, asked(bench).mirror) == ("radiograph", True)
    assert not any(one.isEnabled() for one in (*dialog.choices.values(), dialog.mirror))
    assert "The run has begun: how its images are varied stays as it is." in read(dialog)


def test_of_a_run_that_was_opened_from_its_folder_training_images_are_shown(
    bench: Bench, window: QWidget, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.started(Path("/data/cells"))
    bench.draft.load(bench.run_spec or RunSpec(), Path("/data/cells"), None)
    open_augmentation_preview(bench, window)
    dialog = dialog_of(window, AugmentationDialog)
    qtbot.waitUntil(lambda: bool(dialog.images.path), timeout=10_000)
    paths: list[Any] = [asked(bench).path]
    dialog.another.trigger()
    assert [*paths, asked(bench).path] == ["round/1.png", "star/1.png"]


def test_real_images_are_really_varied(qapp: QApplication, tmp_path: Path, qtbot: QtBot, window: QWidget) -> None:
    root = write_dataset(tmp_path / "d", {"a": 4, "b": 4}, size=40)
    with real_images_bench(qapp, tmp_path) as bench:
        bench.open_folder(root)
        qtbot.waitUntil(lambda: bench.draft.summary is not None, timeout=30_000)
        open_augmentation_preview(bench, window)
        dialog = dialog_of(window, AugmentationDialog)
        qtbot.waitUntil(lambda: all(shown(dialog)), timeout=30_000)
        images = [tile.image for tile in (dialog.plain, *dialog.grid.tiles)]
        assert all(one != other for place, one in enumerate(images) for other in images[:place])
        dialog.choices["off"].click()
        qtbot.waitUntil(lambda: dialog.grid.tiles[0].image == images[0], timeout=30_000)
        dialog.reject()
