"""What the network sees: three pictures, every step, every loss; and the way from image to image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
from helpers.images_page import dialog_of, found, images_bench, images_page, read, real_images_bench, refused
from helpers.pictures import write_dataset
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import ClassCount, ClassImages, ClassPaths, Inspect, Inspected, Refused, ScanSummary
from tlgui.core.records import PixelRule
from tlgui.gui.imaging_thread import SeenPictures
from tlgui.gui.wizard.images import openers
from tlgui.gui.wizard.images.paths import PAGE
from tlgui.gui.wizard.images.seen_dialog import SeenDialog
from tlgui.gui.wizard.images.seen_words import clipping_words, cut_words, share_words, squeeze_words
from tlgui.gui.wizard.images_page import ImagesPage

LEFT = Qt.MouseButton.LeftButton
RULE = PixelRule(low=0, high=4095)
Open = Callable[..., SeenDialog]


def cells(total: int = 20) -> ScanSummary:
    rows = [ClassCount(name="round", train=total, validation=0, test=0, samples=["round/1.png"])]
    return found(classes=rows, used=total, pixel_rule=RULE, deep_images=total)


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


@pytest.fixture
def page(bench: Bench, qtbot: QtBot) -> ImagesPage:
    return images_page(bench, qtbot)


@pytest.fixture
def opened(page: ImagesPage, bench: Bench, tmp_path: Path) -> Open:
    """Opens the dialog on a class of so many images; their paths are still to come."""

    def open_it(total: int = 20, path: str = "") -> SeenDialog:
        summary = cells(total)
        bench.found(tmp_path, summary)
        openers.open_seen(bench, summary.classes[0], page, path)
        return dialog_of(page, SeenDialog)

    return open_it


@pytest.fixture
def dialog(opened: Open, bench: Bench) -> SeenDialog:
    dialog = opened()
    arrive(bench)
    return dialog


def arrive(bench: Bench, offset: int = 0, total: int = 20) -> None:
    """A page of paths comes."""
    paths = [f"round/{number}.png" for number in range(offset, min(offset + PAGE, total))]
    ticket = bench.scan_ticket or 0
    said = ClassPaths(ticket=ticket, class_name="round", offset=offset, paths=paths, total=total)
    bench.fake_imaging.answered.emit(said)


def asked(bench: Bench) -> Inspect:
    """The image that was asked for last."""
    return [request for request in bench.fake_imaging.asked if isinstance(request, Inspect)][-1]


def pages_asked(bench: Bench) -> list[int]:
    return [request.offset for request in bench.fake_imaging.asked if isinstance(request, ClassImages)]


def answer(bench: Bench, **fields: Any) -> None:
    plain: dict[str, Any] = {"width": 2048, "height": 1536, "steps": ["Inverted.", "Resized."], "clipped_high": 0.012}
    said = Inspected(ticket=asked(bench).ticket, **plain | {"cut_off": 0.23} | fields)
    image = QImage(224, 224, QImage.Format.Format_RGB32)
    bench.fake_imaging.inspected.emit(said, None if said.problem else SeenPictures(image, image, image))


def press(dialog: SeenDialog, qtbot: QtBot, *keys: Qt.Key) -> None:
    QApplication.processEvents()  # a window that is not active yet takes no shortcut
    for key in keys:
        qtbot.keyClick(dialog, key)


def test_it_asks_for_the_dataset_rule_and_the_chosen_network(page: ImagesPage, bench: Bench, tmp_path: Path) -> None:
    bench.draft.set_backbone("resnet50")
    bench.found(tmp_path, cells())
    bench.draft.backbone, bench.draft.fit = "resnet50", "squash"
    openers.open_seen(bench, cells().classes[0], page)
    arrive(bench)
    request = asked(bench)
    assert (request.root, request.path, request.rule) == (str(tmp_path), "round/0.png", RULE)
    assert (request.backbone, request.fit) == ("resnet50", "squash")
    assert "ResNet-50 gets every image as a square of 224 x 224 pixels." in read(dialog_of(page, SeenDialog))


def test_three_pictures_the_steps_and_the_losses_are_told(dialog: SeenDialog, bench: Bench) -> None:
    assert "Reading the image…" in read(dialog) and dialog.square.canvas.image is None
    answer(bench)
    shown = read(dialog)
    assert "2,048 x 1,536 pixels" in shown and "224 x 224 pixels" in shown
    assert "1.\nInverted.\n2.\nResized." in shown
    assert "1.2 % of the values lie above the range and become white." in shown
    assert "Kept: nothing is squeezed." in shown
    assert "23 % of the picture, at its edges, does not enter the network." in shown
    assert "Nothing is lost that calls for a warning." in shown and dialog.banner.tone == "good"
    assert all(part.canvas.image is not None for part in (dialog.original, dialog.decoded, dialog.square))


def test_a_loss_is_one_line_of_warning(dialog: SeenDialog, bench: Bench) -> None:
    answer(bench, warning="Shrunk 12-fold.")
    assert "Shrunk 12-fold." in read(dialog) and dialog.banner.tone == "warn"


def test_an_image_that_is_changed_in_nothing_says_so(dialog: SeenDialog, bench: Bench) -> None:
    answer(bench, steps=[], clipped_high=0.0, cut_off=0.0)
    shown = read(dialog)
    assert "Nothing is changed: the stored pixels enter as they are." in shown
    assert "None: every value lies inside of the range." in shown
    assert "None: the whole picture enters the network." in shown


def test_keys_and_buttons_move_through_the_class(dialog: SeenDialog, bench: Bench, qtbot: QtBot) -> None:
    assert "1 of 20 in 'round'" in read(dialog)
    assert not dialog.before.isEnabled() and "This is the first image." in dialog.before.toolTip()
    press(dialog, qtbot, Qt.Key.Key_Right, Qt.Key.Key_Right)
    assert asked(bench).path == "round/2.png"
    press(dialog, qtbot, Qt.Key.Key_Left)
    assert asked(bench).path == "round/1.png" and "2 of 20" in read(dialog)
    press(dialog, qtbot, Qt.Key.Key_End)
    assert asked(bench).path == "round/19.png" and not dialog.next.isEnabled()
    press(dialog, qtbot, Qt.Key.Key_Home)
    assert asked(bench).path == "round/0.png"


def test_what_was_passed_over_is_forgotten_and_never_shown(dialog: SeenDialog, bench: Bench, qtbot: QtBot) -> None:
    first = asked(bench)
    press(dialog, qtbot, Qt.Key.Key_Right)
    assert first.ticket in bench.fake_imaging.forgotten
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    bench.fake_imaging.inspected.emit(Inspected(ticket=first.ticket, steps=["Old."]), SeenPictures(image, image, image))
    assert "Old." not in read(dialog) and "Reading the image…" in read(dialog)


def test_closing_forgets_the_image_on_its_way(dialog: SeenDialog, bench: Bench) -> None:
    ticket = asked(bench).ticket
    dialog.reject()
    assert ticket in bench.fake_imaging.forgotten


def test_an_image_without_a_picture_says_why_and_the_next_one_can_be_seen(
    dialog: SeenDialog, bench: Bench, qtbot: QtBot
) -> None:
    answer(bench, problem="The file is cut off at its end.")
    assert "The file is cut off at its end." in read(dialog) and dialog.banner.tone == "bad"
    assert dialog.again is not None
    count = len(bench.fake_imaging.asked)
    qtbot.mouseClick(dialog.again, LEFT)
    assert len(bench.fake_imaging.asked) == count + 1
    press(dialog, qtbot, Qt.Key.Key_Right)
    answer(bench)
    assert dialog.banner.tone == "good" and "cut off at its end" not in read(dialog)


def test_a_child_that_broke_down_is_said_with_its_remedy(dialog: SeenDialog, bench: Bench) -> None:
    said = Refused(ticket=asked(bench).ticket, request="Inspect", problem="The reader ended.", remedy="Try again.")
    bench.fake_imaging.answered.emit(said)
    assert "The reader ended.\nTry again." in read(dialog)


def test_a_given_image_is_shown_at_once_and_its_place_is_looked_up(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened(PAGE + 20, f"round/{PAGE + 5}.png")
    assert asked(bench).path == f"round/{PAGE + 5}.png"
    assert not dialog.next.isEnabled() and not dialog.before.isEnabled()
    arrive(bench, 0, PAGE + 20)
    assert pages_asked(bench) == [0, PAGE]
    arrive(bench, PAGE, PAGE + 20)
    assert f"{PAGE + 6} of {PAGE + 20}" in read(dialog)
    assert len([one for one in bench.fake_imaging.asked if isinstance(one, Inspect)]) == 1  # not read twice
    press(dialog, qtbot, Qt.Key.Key_Left)
    assert asked(bench).path == f"round/{PAGE + 4}.png"


def test_paths_come_by_the_page_as_one_goes_on(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened(3 * PAGE)
    arrive(bench, 0, 3 * PAGE)
    press(dialog, qtbot, Qt.Key.Key_End)
    assert pages_asked(bench) == [0, 2 * PAGE] and dialog.name.text() == "…"
    arrive(bench, 2 * PAGE, 3 * PAGE)
    assert asked(bench).path == f"round/{3 * PAGE - 1}.png"


def test_paths_that_do_not_come_are_said_and_asked_for_again(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened()
    refused(bench, "ClassImages", "The folder is gone.", "Choose it again.")
    assert "The folder is gone. Choose it again." in read(dialog)
    assert dialog.again is not None
    qtbot.mouseClick(dialog.again, LEFT)
    assert pages_asked(bench) == [0, 0]
    arrive(bench)
    assert asked(bench).path == "round/0.png"


def test_the_words_have_room_on_a_small_screen(dialog: SeenDialog, bench: Bench) -> None:
    answer(bench, warning="Squeezed: the width is shrunk 2.1 times as much as the height.")
    least = dialog.layout().totalMinimumSize()  # type: ignore[union-attr]
    assert least.width() <= 920 and least.height() <= 500  # 960 x 540 points, less the system's bars


def test_nothing_opens_before_the_folder_is_read(page: ImagesPage, bench: Bench) -> None:
    openers.open_seen(bench, cells().classes[0], page)
    assert page.window().findChildren(SeenDialog) == []


def test_words_for_losses() -> None:
    assert clipping_words(0.5, 0.0) == "50 % of the values lie below the range and become black."
    both = "2.0 % of the values lie below the range and become black; under 0.1 % of the values lie above the range and"
    assert clipping_words(0.02, 0.0001) == f"{both} become white."
    assert squeeze_words(2.0) == "Squeezed: the width is shrunk 2 times as much as the height."
    assert squeeze_words(0.75) == "Squeezed: the height is shrunk 1.3 times as much as the width."
    assert squeeze_words(1.001) == "Kept: nothing is squeezed."
    assert cut_words(0.999).startswith("Over 99 % of the picture")
    assert [share_words(share) for share in (0.003, 0.0996, 0.23, 1.0)] == ["0.3 %", "10 %", "23 %", "100 %"]


def test_a_real_image_goes_all_the_way(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "photos", {"ants": 5, "bees": 5})
    with real_images_bench(qapp, tmp_path) as bench:
        page = images_page(bench, qtbot)
        bench.open_folder(root)
        qtbot.waitUntil(lambda: bench.draft.summary is not None, timeout=30_000)
        page.dialogs.show_seen(1)
        dialog = dialog_of(page, SeenDialog)
        qtbot.waitUntil(lambda: dialog.square.canvas.image is not None, timeout=30_000)
        square = dialog.square.canvas.image
        assert square is not None and (square.width(), square.height()) == (224, 224)
        assert dialog.name.text() == "000.png" and "48 x 48 pixels" in read(dialog)
        assert "Resized from 48 x 48" in read(dialog)
        dialog.reject()
