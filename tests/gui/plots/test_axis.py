from __future__ import annotations

import itertools

import pytest

from tlgui.gui.plots import axis


def texts(kind: axis.Kind, scale: axis.Scale) -> list[str]:
    return [axis.value_text(kind, tick, scale.step) for tick in scale.ticks()]


def test_losses_begin_at_zero_and_accuracies_end_at_a_hundred_percent() -> None:
    assert texts("loss", axis.whole_scale("loss", 0.11, 0.91)) == ["0.00", "0.25", "0.50", "0.75", "1.00"]
    assert texts("accuracy", axis.whole_scale("accuracy", 0.72, 0.95)) == ["70 %", "80 %", "90 %", "100 %"]


@pytest.mark.parametrize("lowest", [0.0, 0.03, 0.34, 0.5, 0.93, 0.99, 1.0])
def test_the_lowest_accuracy_is_always_inside_and_there_are_a_few_lines(lowest: float) -> None:
    scale = axis.whole_scale("accuracy", lowest, 1.0)
    assert scale.low <= lowest <= 1.0 <= scale.high
    assert 3 <= len(scale.ticks()) <= 8


@pytest.mark.parametrize("highest", [1e-6, 0.004, 0.3, 1.02, 7.5, 81.0, 5e4])
def test_the_highest_loss_is_always_inside_and_no_two_lines_are_called_the_same(highest: float) -> None:
    scale = axis.whole_scale("loss", 0.0, highest)
    assert scale.low == 0 and scale.high > highest
    assert len(set(texts("loss", scale))) == len(scale.ticks()) >= 4


def test_a_scale_without_any_number_is_finite() -> None:
    assert axis.whole_scale("loss", None, None).high > 0
    assert axis.whole_scale("accuracy", None, None).low < 1


def test_epochs_are_labelled_1_2_4_up_to_the_planned_end() -> None:
    assert axis.epoch_ticks(0.5, 20.5, 570) == [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert axis.epoch_ticks(0.5, 3.5, 570) == [1, 2, 3]
    assert axis.epoch_ticks(0.5, 1.5, 570) == [1]


def test_epoch_zero_is_called_the_start_and_has_room() -> None:
    ticks = axis.epoch_ticks(-0.5, 20.5, 570)
    assert [axis.epoch_text(tick) for tick in ticks[:3]] == ["start", "2", "4"]


@pytest.mark.parametrize("epochs", [5, 40, 137, 1_000, 200_000])
def test_labels_of_epochs_never_touch(epochs: int) -> None:
    ticks = axis.epoch_ticks(0.5, epochs + 0.5, 400)
    one = 400 / epochs
    assert all((b - a) * one >= 16 for a, b in itertools.pairwise(ticks))
    assert len(ticks) >= 3


def test_ticks_between_tidy_numbers_have_the_decimals_they_need() -> None:
    assert [axis.value_text("accuracy", value, 0.025) for value in (0.925, 0.95)] == ["92.5 %", "95.0 %"]
    assert axis.value_text("accuracy", 40 * 0.025, 0.025) == "100 %"
    assert axis.value_text("loss", 0.0075, 0.0025) == "0.0075"
