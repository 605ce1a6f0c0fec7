from __future__ import annotations

from tlgui.gui.plots.window import EpochWindow


def window(planned: int = 20, first: int = 1) -> EpochWindow:
    made = EpochWindow()
    made.set_planned(first, planned)
    return made


def test_the_whole_planned_length_is_shown_from_the_start() -> None:
    assert (window().low, window().high) == (0.5, 20.5)
    assert (window(first=0).low, window(first=0).high) == (-0.5, 20.5)


def test_zooming_stays_inside_and_ends_at_the_whole() -> None:
    epochs = window()
    epochs.zoom_by(0.5, 20)
    assert (epochs.low, epochs.high) == (10.25, 20.25)
    epochs.show_part(-100, 5)
    assert epochs.low == 0.5 or not epochs.zoomed
    epochs.zoom_by(100, 3)
    assert not epochs.zoomed and (epochs.low, epochs.high) == (0.5, 20.5)


def test_no_zoom_is_closer_than_one_epoch() -> None:
    epochs = window()
    for _ in range(60):
        epochs.zoom_by(0.5, 7)
    assert epochs.high - epochs.low == 1.0
    assert epochs.low <= 7 <= epochs.high


def test_a_longer_plan_keeps_the_zoom() -> None:
    epochs = window()
    epochs.show_part(3, 6)
    epochs.set_planned(1, 40)
    assert (epochs.low, epochs.high) == (3, 6)
    epochs.reset()
    assert epochs.high == 40.5
