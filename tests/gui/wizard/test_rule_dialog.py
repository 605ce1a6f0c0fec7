"""The pixel rule: what can be chosen, what the pictures follow, and which decisions come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
from helpers.images_page import changes_asked, dialog_of, found, images_bench, images_page, read
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.imaging_messages import ClassCount
from tlgui.core.intake import ChooseFrame, CropBorder, SetColour, SetPixelRule
from tlgui.core.records import PixelRule
from tlgui.gui.wizard.images import openers
from tlgui.gui.wizard.images.rule_dialog import PixelRuleDialog
from tlgui.gui.wizard.images.rule_pictures import RulePictures
from tlgui.gui.wizard.images.rule_words import changes_between, reach_words, rule_title, some_of_each
from tlgui.gui.wizard.images_page import ImagesPage

LEFT = Qt.MouseButton.LeftButton
FULL = PixelRule(low=0, high=4095)
OWN_ENDS = PixelRule(method="percentile", low=0.5, high=99.5)
WINDOW = PixelRule(method="window", low=0, high=4095)
Open = Callable[..., PixelRuleDialog]


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        yield bench


@pytest.fixture
def page(bench: Bench, qtbot: QtBot) -> ImagesPage:
    return images_page(bench, qtbot)


@pytest.fixture
def opened(page: ImagesPage, bench: Bench, tmp_path: Path) -> Open:
    """Opens the dialog on a summary with these fields."""

    def open_it(**fields: Any) -> PixelRuleDialog:
        plain = {"deep_images": 40, "pixel_rule": FULL, "rules": [FULL, OWN_ENDS, WINDOW], "rule_reason": "12 bits."}
        bench.found(tmp_path, found(**plain | fields))
        openers.open_rule(bench, page)
        return dialog_of(page, PixelRuleDialog)

    return open_it


@pytest.fixture
def dialog(opened: Open) -> PixelRuleDialog:
    return opened()


def use(dialog: PixelRuleDialog, bench: Bench, qtbot: QtBot) -> list[Any]:
    """Presses the blue button; the decisions that come of it."""
    qtbot.mouseClick(dialog.use, LEFT)
    return changes_asked(bench)


def test_every_rule_is_told_and_the_one_in_use_stands_first_with_its_reason(dialog: PixelRuleDialog) -> None:
    assert [radio.text() for radio in dialog.fields.radios] == [
        "One range for all: 0 to 4095",
        "A range of each image's own",
        "The window of each DICOM file",
        "Your own range for all",
    ]
    shown = read(dialog)
    assert "0 becomes black, 4095 white; what lies outside is clipped. 12 bits." in shown
    assert "From its 0.5 % darkest to its 0.5 % brightest pixels." in shown
    assert "It acts on all 40 images." in shown
    assert dialog.fields.radios[0].isChecked()
    assert not dialog.use.isEnabled() and dialog.use.toolTip() == "This rule is in use already."


def test_another_rule_is_one_decision(dialog: PixelRuleDialog, bench: Bench, qtbot: QtBot) -> None:
    dialog.fields.radios[1].click()
    assert use(dialog, bench, qtbot) == [SetPixelRule(method="percentile", low=0.5, high=99.5)]


def test_a_number_that_is_typed_chooses_the_own_range(dialog: PixelRuleDialog, bench: Bench, qtbot: QtBot) -> None:
    dialog.fields.low.setText("100")
    assert dialog.fields.radios[-1].isChecked()
    dialog.fields.high.setText("900,5")
    assert use(dialog, bench, qtbot) == [SetPixelRule(method="range", low=100, high=900.5)]


def test_a_range_that_makes_no_sense_is_said_and_cannot_be_used(dialog: PixelRuleDialog) -> None:
    dialog.fields.low.setText("5000")
    sentence = "The value that becomes white must be larger than the one that becomes black."
    assert sentence in read(dialog)
    assert not dialog.use.isEnabled() and dialog.use.toolTip() == sentence
    dialog.fields.low.setText("x")
    assert "is no number" in read(dialog) and not dialog.use.isEnabled()
    dialog.fields.radios[1].click()  # what stands in the fields is of no interest any more
    assert dialog.use.isEnabled() and "is no number" not in read(dialog)


def test_frame_colour_and_border_are_decisions_of_their_own(
    dialog: PixelRuleDialog, bench: Bench, qtbot: QtBot
) -> None:
    dialog.fields.frame.setCurrentIndex(3)
    dialog.fields.grey.setChecked(True)
    dialog.fields.border.setText("7.5")
    assert use(dialog, bench, qtbot) == [ChooseFrame(frame="last"), SetColour(colour="grey"), CropBorder(share=0.075)]


def test_what_is_taken_back_by_hand_is_no_decision(dialog: PixelRuleDialog) -> None:
    dialog.fields.grey.setChecked(True)
    assert dialog.use.isEnabled()
    dialog.fields.grey.setChecked(False)
    assert not dialog.use.isEnabled()


def test_a_border_beyond_all_sense_is_refused_in_words(dialog: PixelRuleDialog) -> None:
    dialog.fields.border.setText("60")
    assert "Allowed is 0 to 40." in read(dialog) and not dialog.use.isEnabled()


def test_a_border_that_is_cut_off_stays_to_its_last_digit(opened: Open) -> None:
    third = PixelRule(low=0, high=4095, border=1 / 30)
    dialog = opened(pixel_rule=third, rules=[third])
    assert dialog.fields.rule == third and not dialog.use.isEnabled()


def test_without_deep_images_only_frame_colour_and_border_are_asked(opened: Open, bench: Bench, qtbot: QtBot) -> None:
    dialog = opened(deep_images=0, rules=[])
    assert "All images are stored with 8 bits a channel, which are used as they are." in read(dialog)
    assert not any(radio.isVisible() for radio in dialog.fields.radios)
    dialog.fields.grey.setChecked(True)
    assert use(dialog, bench, qtbot) == [SetColour(colour="grey")]


def test_the_page_knows_the_pictures_by_the_rule_of_the_dialog(dialog: PixelRuleDialog, bench: Bench) -> None:
    store: Any = bench.thumbnails
    assert [tile.path for tile in dialog.pictures.tiles] == ["round/1.png", "star/1.png"]
    assert store.asked[-2:] == ["round/1.png", "star/1.png"]


def test_the_choices_have_room_on_a_small_screen(dialog: PixelRuleDialog) -> None:
    least = dialog.layout().totalMinimumSize()  # type: ignore[union-attr]
    assert least.width() <= 920 and least.height() <= 500  # 960 x 540 points, less the system's bars


def test_cancel_decides_nothing(dialog: PixelRuleDialog, bench: Bench) -> None:
    dialog.fields.radios[1].click()
    before = list(bench.fake_imaging.asked)
    dialog.reject()
    assert bench.fake_imaging.asked == before


class Store:
    """Remembers by which rule pictures are wanted, and hands them out when a test says so."""

    def __init__(self) -> None:
        self.rules: list[PixelRule | None] = []
        self.receivers: list[Callable[[QImage | None, str], None]] = []
        self.cancelled = 0

    def request(
        self, root: Path, path: str, side: int, rule: PixelRule | None, receiver: Any, owner: QObject, whole: bool
    ) -> Any:
        assert whole
        self.rules.append(rule)
        self.receivers.append(receiver)
        return self

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def pictures(qapp: QApplication, qtbot: QtBot, store: Any) -> RulePictures:
    pictures = RulePictures(Path("x"), ["a/1.png"], store)
    qtbot.addWidget(pictures)
    return pictures


def test_pictures_are_mapped_anew_once_for_several_keys(pictures: RulePictures, store: Store, qtbot: QtBot) -> None:
    pictures.show_rule(FULL)
    assert store.rules == [FULL]
    for high in (9, 99, 999):
        pictures.show_rule(PixelRule(low=0, high=high))
    qtbot.waitUntil(lambda: len(store.rules) == 2)
    assert store.rules[-1] == PixelRule(low=0, high=999) and store.cancelled == 1


def test_the_picture_before_stays_until_the_new_one_comes(pictures: RulePictures, store: Store) -> None:
    pictures.show_rule(FULL)
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    store.receivers[0](image, "")
    pictures.show_rule(WINDOW)
    tile = pictures.tiles[0]
    assert tile.image is image and tile.accessibleName() == "1.png"
    store.receivers[0](None, "It cannot be read.")
    assert tile.image is None and tile.accessibleName() == "1.png It cannot be read."
    assert shown_without_fault(pictures)


def shown_without_fault(widget: QWidget) -> bool:
    return not widget.grab().isNull()


def test_words_and_counts() -> None:
    assert changes_between(FULL, FULL) == []
    assert rule_title(PixelRule(low=-1024, high=3071)) == "One range for all: -1024 to 3071"
    assert reach_words(found(deep_images=3)).startswith("It acts on 3 of 40 images")
    rows = [ClassCount(name=n, train=1, validation=0, test=0, samples=[f"{n}{i}" for i in range(k)]) for n, k in
            (("a", 1), ("b", 5), ("c", 2))]  # fmt: skip
    assert some_of_each(rows, 6) == ["a0", "b0", "c0", "b1", "c1", "b2"]
    assert some_of_each([], 6) == []
