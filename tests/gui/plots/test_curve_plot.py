from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core.events import EpochEnded
from tlgui.gui.plots.curve_plot import CurvePlot
from tlgui.gui.plots.curves import Ghost, RunCurves, ghost_points
from tlgui.gui.plots.legend import Legend
from tlgui.gui.plots.series import MOST_DRAWN
from tlgui.gui.plots.window import EpochWindow
from tlgui.gui.theme import theme


def epoch(
    number: int, loss: float | None = 0.5, validation: float | None = 0.6, accuracy: float | None = 0.8
) -> EpochEnded:
    return EpochEnded(
        epoch=number, epochs=20, step=number * 10, train_loss=loss, validation_loss=validation,
        validation_accuracy=accuracy, validation_balanced_accuracy=accuracy, learning_rates={"head": 1e-3}, best=False,
        seconds=7.0, seconds_left=None,
    )  # fmt: skip


def story(count: int = 14) -> list[EpochEnded]:
    return [epoch(n, 1 / n, 1.1 / n, 1 - 0.3 / n) for n in range(1, count + 1)]


@pytest.fixture
def curves() -> RunCurves:
    taken = RunCurves()
    taken.take(story())
    return taken


@pytest.fixture
def plot(qtbot: QtBot, curves: RunCurves) -> CurvePlot:
    return shown(qtbot, curves)


def shown(qtbot: QtBot, curves: RunCurves, planned: int = 20) -> CurvePlot:
    window = EpochWindow()
    made = CurvePlot("loss", window, curves.of("loss"), names_marks=True)
    made.best_words = "lowest validation loss"
    window.setParent(made)
    qtbot.addWidget(made)
    window.set_planned(1, planned)
    made.best_epoch = 13
    made.resize(600, 240)
    made.show()
    made.refresh()
    QApplication.processEvents()
    return made


def hover(plot: CurvePlot, at: float, qtbot: QtBot) -> None:
    qtbot.mouseMove(plot.viewport(), QPoint(round(plot.x_of(at)), 100))


def wheel(plot: CurvePlot, at: float, steps: int, keys: Qt.KeyboardModifier) -> bool:
    place = QPointF(plot.x_of(at), 100)
    event = QWheelEvent(place, plot.viewport().mapToGlobal(place), QPoint(), QPoint(0, 120 * steps),
                        Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    event.ignore()
    plot.wheelEvent(event)
    return event.isAccepted()


def test_the_accessible_name_says_what_the_plot_shows(plot: CurvePlot) -> None:
    assert plot.accessibleName() == (
        "Loss by epoch, training 0.071, validation 0.079, best epoch 13, lowest validation loss"
    )


def test_the_legend_says_the_newest_values_and_under_the_crosshair_those_of_its_epoch(
    plot: CurvePlot, qtbot: QtBot
) -> None:
    legend = Legend(plot)
    qtbot.addWidget(legend)
    assert legend.text() == "training 0.071, validation 0.079"
    hover(plot, 9, qtbot)
    hover(plot, 4.2, qtbot)
    qtbot.waitUntil(lambda: plot.window_of_epochs.epoch == 4)
    assert legend.text() == "training 0.250, validation 0.275"
    assert legend.accessibleName() == legend.text()
    QApplication.sendEvent(plot, _leave())
    assert legend.text() == "training 0.071, validation 0.079"


def _leave() -> object:
    from PySide6.QtCore import QEvent

    return QEvent(QEvent.Type.Leave)


def test_arrow_keys_move_the_crosshair_and_stop_at_the_ends(plot: CurvePlot, qtbot: QtBot) -> None:
    pointed = []
    plot.window_of_epochs.pointed.connect(pointed.append)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_Left, Qt.Key.Key_Right,
                Qt.Key.Key_End, Qt.Key.Key_Right, Qt.Key.Key_Escape):  # fmt: skip
        qtbot.keyClick(plot, key)
    assert pointed == [14, 13, 1, 2, 14, None]


def test_dragging_over_a_stretch_shows_it_and_a_double_click_shows_everything(plot: CurvePlot, qtbot: QtBot) -> None:
    left, right = (QPoint(round(plot.x_of(at)), 100) for at in (3, 9))
    qtbot.mousePress(plot.viewport(), Qt.MouseButton.LeftButton, pos=left)
    qtbot.mouseMove(plot.viewport(), (left + right) / 2)
    qtbot.mouseMove(plot.viewport(), right)
    qtbot.mouseRelease(plot.viewport(), Qt.MouseButton.LeftButton, pos=right)
    (low, high), (bottom, top) = plot.ranges()
    assert low == pytest.approx(3, abs=0.05) and high == pytest.approx(9, abs=0.05)
    assert 0 <= bottom < 0.11 and 0.36 < top < 0.5
    qtbot.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=left)
    assert plot.ranges()[0] == (0.5, 20.5)


def test_the_wheel_zooms_around_the_pointer_and_0_shows_everything(plot: CurvePlot, qtbot: QtBot) -> None:
    assert wheel(plot, 10, 1, Qt.KeyboardModifier.ControlModifier)
    (low, high), _ = plot.ranges()
    assert high - low == pytest.approx(16) and (low, high) == pytest.approx((2.4, 18.4))
    qtbot.keyClick(plot, Qt.Key.Key_0)
    assert plot.ranges()[0] == (0.5, 20.5)


def test_at_full_view_the_wheel_is_left_to_the_page(plot: CurvePlot) -> None:
    assert not wheel(plot, 10, -1, Qt.KeyboardModifier.ControlModifier)


def test_nan_and_infinity_are_gaps_and_the_range_stays_finite(qtbot: QtBot) -> None:
    curves = RunCurves()
    losses = [1.0, math.nan, 2.0, math.inf, None, 3.0]
    curves.take([epoch(n, loss, loss) for n, loss in enumerate(losses, 1)])
    plot = shown(qtbot, curves, planned=6)
    x_range, y_range = plot.ranges()
    assert all(map(math.isfinite, (*x_range, *y_range))) and y_range[0] == 0 and 3 < y_range[1] < 5
    box = plot.box.viewRange()
    assert np.isfinite(box).all()
    _, y = plot._lines[0].getData()
    assert [None if math.isnan(value) else value for value in y] == [1.0, None, 2.0, None, None, 3.0]
    # A number between gaps has no line: it is shown as a dot.
    assert plot._dots[0].getData()[1].tolist() == [1.0, 2.0, 3.0]
    plot.grab()


def test_a_run_whose_every_value_is_missing_can_be_shown(qtbot: QtBot) -> None:
    curves = RunCurves()
    curves.take([epoch(n, None, None, None) for n in (1, 2, 3)])
    plot = shown(qtbot, curves)
    assert not plot.grab().isNull()
    assert plot.accessibleName() == "Loss by epoch, best epoch 13, lowest validation loss"


def test_a_very_long_run_is_drawn_with_few_points_and_its_last_value_is_right(qtbot: QtBot) -> None:
    curves = RunCurves()
    for n in range(1, 100_001):
        curves.training_loss.append(n, 1 / n)
        curves.validation_loss.append(n, 1.1 / n)
    plot = shown(qtbot, curves, planned=100_000)
    assert plot.drawn_points() <= 2 * MOST_DRAWN
    assert plot._lines[0].getData()[1][-1] == pytest.approx(1e-5)


def test_taking_epochs_again_costs_only_what_is_new_and_follows_a_run_back_to_its_checkpoint() -> None:
    curves, told = RunCurves(), story(10)
    curves.take(told[:6])
    curves.take(told)
    assert curves.epochs == list(range(1, 11))
    back = [*told[:4], epoch(5, 9.0), epoch(6, 9.0), *(epoch(n, 9.0) for n in range(7, 13))]
    curves.take(back)
    assert curves.epochs == list(range(1, 13))
    assert curves.training_loss.at(5) == 9.0 and curves.training_loss.at(4) == 0.25


def test_live_and_replayed_give_the_same_picture(qtbot: QtBot) -> None:
    live, replayed = RunCurves(), RunCurves()
    told = story(14)
    for count in range(1, 15):
        live.take(told[:count])
    replayed.take(told)
    one, other = shown(qtbot, live), shown(qtbot, replayed)
    one.clearFocus()
    other.clearFocus()
    assert one.grab().toImage() == other.grab().toImage()


def test_lines_are_as_thick_on_a_sharp_screen_and_follow_the_theme(plot: CurvePlot) -> None:
    plot.restyle(2.0)
    assert plot._lines[0].opts["pen"].widthF() == pytest.approx(4.4)
    try:
        theme().set_choice("dark")
        assert plot._lines[0].opts["pen"].color().name() == "#8fb2ff"
        assert plot._lines[1].opts["pen"].color().name() == "#ff9d66"
        assert plot._lines[0].opts["pen"].widthF() == pytest.approx(2.2)
    finally:
        theme().set_choice("light")


def test_marks_stand_in_the_picture(plot: CurvePlot) -> None:
    without = plot.grab().toImage()
    plot.set_marks([(8.5, "block 5 unfrozen")])
    plot.refresh()
    with_mark = plot.grab().toImage()
    x = round(plot.x_of(8.5))
    column = [with_mark.pixel(x, y) != without.pixel(x, y) for y in range(20, 200)]
    assert sum(column) > 60


def test_the_batches_of_a_long_epoch_are_thinned_too(plot: CurvePlot) -> None:
    plot.set_tail(np.linspace(14, 15, 4_000), np.random.default_rng(0).random(4_000))
    plot.refresh()
    x, _ = plot.tail
    assert len(x) <= MOST_DRAWN and x[-1] == 15


def words_painted(plot: CurvePlot) -> list[str]:
    """What is written over the curves."""
    written: list[str] = []

    class Listening(QPainter):
        def drawText(self, *args: object) -> None:  # noqa: N802
            written.append(str(args[-1]))

    image = QImage(plot.viewport().size(), QImage.Format.Format_ARGB32)
    painter = Listening(image)
    plot.drawForeground(painter, QRectF())
    painter.end()
    return written


def test_the_best_epoch_is_named_with_what_makes_it_the_best(plot: CurvePlot) -> None:
    assert "best: epoch 13, lowest validation loss" in words_painted(plot)
    plot.best_words = ""
    assert not any(word.startswith("best") for word in words_painted(plot))


def test_under_the_crosshair_epoch_nought_says_what_it_is(qtbot: QtBot) -> None:
    made = RunCurves()
    made.take([epoch(0), *story()])
    plot = shown(qtbot, made)
    plot.window_of_epochs.set_planned(0, 20)
    plot.window_of_epochs.point_at(0)
    assert "the start: the head fitted on frozen features, before the first epoch" in words_painted(plot)
    plot.resize(260, 200)  # where that has no room it stays short
    assert "the start" in words_painted(plot)


def test_what_was_taken_back_is_drawn_pale_behind_the_curves(plot: CurvePlot) -> None:
    before = plot.grab().toImage()
    back = Ghost([epoch(8, 0.5, 0.5), epoch(9, 0.9, 0.8), epoch(10, None, 0.9)], "taken back")
    plot.set_ghosts([back])
    QApplication.processEvents()
    assert plot.grab().toImage() != before
    training, validation = (item.getData() for item in plot._ghost_items)
    assert list(training[0][:2]) == [8.0, 9.0] and list(training[1][:2]) == [0.5, 0.9]
    assert np.isnan(training[1][2]) and np.isnan(training[1][3]), "no number is a gap, and a stretch ends in one"
    assert list(validation[1][:3]) == [0.5, 0.8, 0.9]
    assert plot._ghost_items[0].opts["pen"].color().alphaF() < 0.5
    plot.refresh()
    assert plot.accessibleName().endswith("what was taken back is shown pale")
    plot.set_ghosts([])
    plot.refresh()
    QApplication.processEvents()
    assert plot.grab().toImage() == before


def test_stretches_do_not_hang_together() -> None:
    stretches = [Ghost([epoch(n, 0.1 * n, 0.2) for n in part], "taken back") for part in ((1, 2, 3), (2, 3, 4, 5))]
    ((x, y), _) = ghost_points("loss", stretches)
    assert [len(part) for part in np.split(y, np.flatnonzero(np.isnan(y)))] == [3, 5, 1]
    assert len(x) == len(y) == 9
    assert ghost_points("accuracy", []) and len(ghost_points("accuracy", [])[0][0]) == 0


def test_a_diverged_stretch_does_not_flatten_the_curves_that_count(plot: CurvePlot) -> None:
    scale = plot.ranges()
    plot.set_ghosts([Ghost([epoch(8, 0.5, 0.5), epoch(9, 900.0, 800.0)], "taken back")])
    plot.refresh()
    assert plot.ranges() == scale


def test_a_reference_lies_in_the_plot_with_its_name(qtbot: QtBot, curves: RunCurves) -> None:
    window = EpochWindow()
    plot = CurvePlot("accuracy", window, curves.of("accuracy"))
    window.setParent(plot)
    qtbot.addWidget(plot)
    window.set_planned(1, 20)
    plot.resize(600, 240)
    plot.show()
    plot.refresh()
    without = plot.grab().toImage()
    low = plot.ranges()[1][0]
    plot.reference = (0.31, "the network as it is")
    plot.refresh()
    QApplication.processEvents()
    assert plot.ranges()[1][0] < 0.31 < low
    image, y = plot.grab().toImage(), round(plot.point_of(1.0, 0.31).y())
    dark = [x for x in range(60, 590) if min(image.pixelColor(x, y + by).lightness() for by in (-1, 0, 1)) < 110]
    assert len(dark) > 200 and image != without
    assert "the network as it is 31.0 %" in plot.accessibleName()
    window.show_part(3.0, 6.0)
    assert plot.ranges()[1][0] > 0.31, "a closer look is at the curves"
