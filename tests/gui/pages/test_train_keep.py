"""The train page of a run that knew something before: its curve, what the interval allows to be said, and the strength."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from helpers.train_bench import TOLD, Bench, shown, take, texts, until_epoch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.retention_events import RetentionMeasured, RetentionSeen
from tlgui.core.run_spec import Keep, RunSpec, Source, Training
from tlgui.gui import background
from tlgui.gui.pages.train_page import TrainPage
from tlgui.gui.plots import saving
from tlgui.gui.run_kept import Kept, difference_words, strength_in, verdict_of
from tlgui.gui.run_model import RunModel
from tlgui.gui.run_notices import worth_knowing

KEEPS = events.Notice(code="keep", message="Each weight is held.")


def seen(epoch: int, **changes: Any) -> RetentionSeen:
    now = round(0.95 - 0.01 * epoch, 4)
    plain = RetentionSeen(
        meter="accuracy", images=120, before=0.95, now=now, low=-0.01 * epoch - 0.05, high=0.05 - 0.01 * epoch
    )
    return msgspec.structs.replace(plain, **changes)


def story(**changes: Any) -> list[Any]:
    told: list[Any] = []
    for event in TOLD:
        if isinstance(event, events.EpochEnded):
            told.append(msgspec.structs.replace(event, retention=seen(event.epoch, **changes)))
            continue
        told.append(event)
        if isinstance(event, events.LayersChanged) and event.reason == "start":
            told.append(KEEPS)
    return told


def keeping(epochs: int, **changes: Any) -> RunModel:
    """A live run some batches after an epoch."""
    run, told = RunModel(), story(**changes)
    end = next(i for i, e in enumerate(told) if isinstance(e, events.EpochEnded) and e.epoch == epochs)
    for event in [*told[: end + 1], *[e for e in told[end:] if isinstance(e, events.BatchEnded)][:3]]:
        run.apply(event)
    return run


def spec_of(keep: Keep = "ewc") -> RunSpec:
    source = Source(run="the run", dataset="cells", classes=["a", "b"])
    return RunSpec(training=Training(strategy="fine-tune-top", epochs=20, keep=keep), source=source)


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench()
    made.run_spec = spec_of()
    yield made
    made.deleteLater()


@pytest.fixture
def page(qtbot: QtBot, bench: Bench) -> Iterator[TrainPage]:
    yield shown(qtbot, bench, 1064, 800)
    background.shut_down()


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-0.12, -0.02, "It has forgotten some"), (-0.05, 0.02, "cannot be told"), (0.01, 0.08, "does better"),
     (-0.05, 0.0, "cannot be told")],
)  # fmt: skip
def test_forgotten_is_said_only_where_the_whole_interval_is_below_zero(low: float, high: float, words: str) -> None:
    assert words in verdict_of(seen(7, low=low, high=high))[0]


def test_points_have_their_sign() -> None:
    assert difference_words(seen(7, low=-0.12, high=-0.02)) == "−7.0 points (−12.0 to −2.0)"
    assert difference_words(seen(0, low=0.0, high=0.031)) == "0.0 points (0.0 to +3.1)"


@pytest.mark.parametrize(
    ("said", "strength"),
    [("What it knew before is held with a strength of 0.5 from now on.", 0.5),
     ("What it knew before is held with a strength of 1e+03 from now on.", 1000.0),
     ("What it knew before is not held on to from now on.", 0.0), ("a strength of", 0.0)],
)  # fmt: skip
def test_the_strength_in_use_is_what_the_engine_said(said: str, strength: float) -> None:
    assert strength_in(said) == strength


# -- the curve --------------------------------------------------------------------------------------------------------


def test_the_curve_stands_on_the_plot_of_accuracies_with_a_line_at_before(
    page: TrainPage, bench: Bench, qtbot: QtBot
) -> None:
    take(bench, keeping(6))
    page.plots._redraw()
    plot = page.plots.plots["accuracy"]
    assert [curve.style.name for curve in plot.curves] == ["earlier images", "validation"]
    assert plot.curves[0].series.at(6) == pytest.approx(0.89) and plot.before == (0.95, "earlier images, before")
    legend = page.plots.legends["accuracy"]
    assert [style.name for style, _ in legend.entries()] == ["validation", "earlier"]
    page.resize(1700, 900)
    qtbot.waitUntil(lambda: legend.width() >= legend.sizeHint().width())
    assert "earlier images" in legend.accessibleName(), "a wider plot has the long name, and room for it"
    assert "Test images among them choose nothing" in plot.toolTip()
    assert plot.curves[0].style.dashes != plot.curves[1].style.dashes and plot.curves[0].style.square


def test_a_stand_in_is_never_called_accuracy(page: TrainPage, bench: Bench) -> None:
    take(bench, keeping(6, meter="agreement", before=1.0))
    page.plots._redraw()
    plot = page.plots.plots["accuracy"]
    assert plot.curves[0].style.name == "same answers as before" and "no accuracy" in plot.toolTip()
    said = texts(page.keep_card)
    assert "answered as before" in said and "No accuracy, but a stand-in" in said and "points" not in said


def test_a_run_that_knew_nothing_shows_nothing_of_it(page: TrainPage, bench: Bench) -> None:
    bench.run_spec = RunSpec(training=Training(strategy="fine-tune-top", epochs=20))
    take(bench, until_epoch(6))
    page.plots._redraw()
    assert not page.keep_card.isVisible() and page.plots.plots["accuracy"].before is None
    assert [style.name for style, _ in page.plots.legends["accuracy"].entries()] == ["validation"]


def test_an_undo_takes_the_curve_back_and_what_was_taken_back_stays_pale(page: TrainPage, bench: Bench) -> None:
    run = take(bench, keeping(12))
    last, to = run.epochs[-1].step, run.epochs[3].step
    run.apply(events.Undone(from_step=last, from_epoch=12, to_step=to, to_epoch=4, best_epoch=4))
    run.flush()
    page.plots._redraw()
    plot = page.plots.plots["accuracy"]
    assert list(plot.curves[0].series.x) == [1, 2, 3, 4]
    assert len(plot.ghost_points) == 2 and plot.ghost_points[0][0][-2] == 12
    assert "91 %" in texts(page.keep_card)


def test_live_and_replayed_give_the_same_curve(page: TrainPage, bench: Bench) -> None:
    live, replayed = keeping(20), RunModel.replay(story())
    assert [one.retention for one in live.epochs] == [one.retention for one in replayed.epochs]
    take(bench, replayed)
    page.plots._redraw()
    assert len(page.plots.plots["accuracy"].curves[0].series) == 20


def test_the_numbers_of_a_file_hold_it_and_those_of_other_runs_do_not() -> None:
    with_it, without = saving.csv_table(keeping(3).epochs), saving.csv_table(until_epoch(3).epochs)
    assert b"earlier_before,earlier_now" in with_it and b",0.95,0.92," in with_it
    assert b"earlier" not in without


# -- the card ---------------------------------------------------------------------------------------------------------


def test_before_now_and_the_difference_stand_in_words(page: TrainPage, bench: Bench) -> None:
    run = take(bench, keeping(7, low=-0.12, high=-0.02))
    said = texts(page.keep_card)
    for words in ("95 %", "before", "88 %", "now", "−7.0 points (−12.0 to −2.0)", "It has forgotten some", "cells"):
        assert words in said
    assert "On 120 earlier images." in said
    assert any("strength" in one.message or "held" in one.message for one in run.notices)


def test_before_the_first_epoch_it_says_that_it_comes(page: TrainPage, bench: Bench) -> None:
    take(bench, RunModel())
    assert "once the first epoch has ended" in texts(page.keep_card)


def test_a_strength_is_sent_shown_as_asked_and_then_in_use(page: TrainPage, bench: Bench, qtbot: QtBot) -> None:
    run, card = take(bench, keeping(6)), page.keep_card
    assert "in use: 1" in texts(card) and not card.set_action.isEnabled()
    card.strength.number.setText("2,5")
    assert card.set_action.isEnabled() and card.strength.slider.number() == pytest.approx(2.5, rel=0.05)
    qtbot.keyClick(card.strength.number, Qt.Key.Key_Return)
    assert bench.sent == [commands.SetKeepStrength(strength=2.5)] and "being set" in texts(card)
    run.apply(
        events.Notice(code="keep_strength", message="What it knew before is held with a strength of 2.5 from now on.")
    )
    run.flush()
    QApplication.processEvents()
    assert "in use: 2.5" in texts(card) and not card.set_action.isEnabled()


def test_what_is_no_strength_is_said_and_not_sent(page: TrainPage, bench: Bench, qtbot: QtBot) -> None:
    take(bench, keeping(6))
    page.keep_card.strength.number.setText("much")
    assert "is no number" in texts(page.keep_card) and not page.keep_card.set_action.isEnabled()
    qtbot.keyClick(page.keep_card.strength.number, Qt.Key.Key_Return)
    assert bench.sent == []


def test_the_slider_moves_the_number(page: TrainPage, bench: Bench) -> None:
    take(bench, keeping(6))
    slider = page.keep_card.strength.slider
    slider.setValue(slider.maximum())
    assert page.keep_card.strength.value() == 1000 and page.keep_card.set_action.isEnabled()


def test_averaging_has_nothing_to_set_while_it_trains(page: TrainPage, bench: Bench) -> None:
    bench.run_spec = spec_of("average")
    take(bench, keeping(6))
    assert not page.keep_card.strength.isVisible() and "After training the weights are mixed" in texts(page.keep_card)


def test_after_the_end_it_tells_of_the_kept_model(page: TrainPage, bench: Bench) -> None:
    run = keeping(20)
    run.apply(RetentionMeasured(seen=seen(3), looks=20, sentence="Measured."))
    run.apply(events.Completed(run="run", best_epoch=3, message="Done."))
    take(bench, run)
    said = texts(page.keep_card)
    assert "the kept model" in said and "92 %" in said and not page.keep_card.strength.isVisible()


# -- what a run keeps in mind -----------------------------------------------------------------------------------------


def test_a_strength_that_was_set_survives_reopening_and_goes_with_what_is_taken_back() -> None:
    told = story()
    batch = next(i for i, e in enumerate(told) if isinstance(e, events.BatchEnded) and e.step == 50)
    said = events.Notice(code="keep_strength", message="What it knew before is held with a strength of 7 from now on.")
    told.insert(batch + 1, said)
    assert RunModel.replay(told).kept.strength == 7
    kept = Kept()
    for event in told:
        kept.take(event)
    kept.take(events.Undone(from_step=400, from_epoch=18, to_step=44, to_epoch=2, best_epoch=2))
    assert kept.strength is None


@pytest.mark.parametrize("in_use", [10.0, 7.0, 0.0])
def test_where_an_undo_or_a_kill_says_which_strength_is_in_use_that_counts(in_use: float) -> None:
    """Not each batch is told: a strength that was set after step 57 stands behind that of step 50 here."""
    kept = Kept()
    told = [one for one in story() if not isinstance(one, events.BatchEnded) or one.step <= 50]
    said = events.Notice(code="keep_strength", message="What it knew before is held with a strength of 7 from now on.")
    for event in [*told, said]:
        kept.take(event)
    kept.take(events.Undone(from_step=57, from_epoch=2, to_step=52, to_epoch=2, best_epoch=2, keep_strength=in_use))
    assert kept.strength == in_use
    kept.take(said)
    kept.take(events.Resumed(step=52, epoch=2, keep_strength=in_use))
    assert kept.strength == in_use


def test_what_is_found_out_after_the_end_is_heard_of_a_reopened_run() -> None:
    mixes = events.MixesTried(mixes=[], chosen=0.4, by_itself=True, new_images=9, old_images=0, sentence="The mix.")
    run = RunModel.replay([*story(), mixes])
    assert run.kept.mixes == mixes and run.state == "complete"


def test_what_would_have_to_be_typed_is_said_in_the_windows_words() -> None:
    run = keeping(2)
    run.apply(events.Notice(code="earlier_missing", message="They are gone. Say where they are with --earlier DIR."))
    assert "--earlier" not in " ".join([*worth_knowing(run), *run.log])
    assert any("Images of before are not where they were" in line for line in run.log)
    run.apply(events.Notice(code="earlier_missing", message="3 images of 'cells' are gone since, and not asked."))
    assert "3 images of 'cells' are gone since" in run.log[-1]
