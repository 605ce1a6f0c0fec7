from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tlgui.gui.widgets import LogSlider


@pytest.fixture
def slider(qtbot: QtBot) -> LogSlider:
    made = LogSlider(0.01, 10.0, "Weight")
    qtbot.addWidget(made)
    made.show()
    return made


def test_its_ends_and_its_middle_are_powers_of_ten_apart(slider: LogSlider) -> None:
    slider.setValue(0)
    assert slider.number() == 0.01
    slider.setValue(slider.maximum())
    assert slider.number() == 10.0
    slider.setValue(round(slider.maximum() * 2 / 3))
    assert slider.number() == 1.0


def test_a_number_is_shown_at_the_nearest_place_and_nothing_is_told(qtbot: QtBot, slider: LogSlider) -> None:
    told: list[float] = []
    slider.moved.connect(told.append)
    for number, shown in ((1.0, 1.0), (0.1, 0.1), (99.0, 10.0), (0.0, 0.01), (0.5, 0.5)):
        slider.set_number(number)
        assert slider.number() == pytest.approx(shown, rel=0.06)
    slider.set_number(None)
    assert not told


def test_keys_move_it_and_tell_the_end_once(qtbot: QtBot, slider: LogSlider) -> None:
    slider.set_number(1.0)
    moved: list[float] = []
    settled: list[float] = []
    slider.moved.connect(moved.append)
    slider.settled.connect(settled.append)
    for _ in range(3):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert len(moved) == 3 and moved == sorted(moved) and not settled
    qtbot.waitUntil(lambda: settled == [moved[-1]])


def test_letting_go_of_it_tells_the_end_at_once(slider: LogSlider) -> None:
    settled: list[float] = []
    slider.settled.connect(settled.append)
    slider.setSliderDown(True)
    slider.setSliderPosition(0)
    assert not settled
    slider.setSliderDown(False)
    assert settled == [0.01]
