"""The train page of a run that adapts: the card of the new site, its weight, and the alarm."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from helpers.train_bench import (
    DESTROYS,
    Bench,
    adaptation_of,
    adaptation_story,
    adapted_story,
    adapting,
    adapting_spec,
    banners,
    shown,
    take,
    texts,
    until_epoch,
)
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.run_spec import Adapt
from tlgui.gui import background
from tlgui.gui.pages.train.ending import sentence_of
from tlgui.gui.pages.train_page import TrainPage
from tlgui.gui.run_model import RunModel
from tlgui.gui.run_notices import worth_knowing
from tlgui.gui.run_site import alarm_of, site_series, spread_words, sure_words


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench()
    made.run_spec = adapting_spec()
    yield made
    made.deleteLater()


@pytest.fixture
def page(qtbot: QtBot, bench: Bench) -> Iterator[TrainPage]:
    yield shown(qtbot, bench, 1064, 800)
    background.shut_down()


def rows(page: TrainPage) -> dict[str, str]:
    """Name -> newest value and words, of the rows that are shown."""
    found = page.site_card.rows.items()
    return {name: f"{row.value.text()} | {row.words.text()}" for name, row in found if row.isVisible()}


def epoch_of(run: RunModel, **changes: object) -> events.EpochEnded:
    """The epoch after the newest one."""
    last = run.epochs[-1]
    number = last.epoch + 1
    return msgspec.structs.replace(
        last, epoch=number, step=last.step + 22, adaptation=msgspec.structs.replace(adaptation_of(number), **changes)
    )


# -- the series -----------------------------------------------------------------------------------------------------


def test_a_replayed_run_has_the_same_series_as_the_live_one() -> None:
    live, replayed = adapting(20), RunModel.replay(adapted_story())
    assert site_series(live.epochs, 3) == site_series(replayed.epochs, 3)
    series = site_series(replayed.epochs, 3)
    assert series.epochs == list(range(1, 21)) and len(series.judge) == 20
    assert series.sure[5] == pytest.approx(0.6) and series.spread[5] == pytest.approx(0.96)
    assert series.task[5] == replayed.epochs[5].train_loss


def test_what_is_no_number_is_a_gap_and_moves_nothing_else() -> None:
    run = adapting(4)
    run.apply(epoch_of(run, loss=None, target_entropy=None, target_spread=None, domain_accuracy=None))
    run.apply(epoch_of(run))
    series = site_series(run.epochs, 3)
    assert series.epochs == [1, 2, 3, 4, 5, 6]
    for values in (series.adapting, series.judge, series.sure, series.spread):
        assert [at for at, value in enumerate(values) if value is None] == [4]
    assert None not in series.task


def test_a_run_that_does_not_adapt_has_no_series() -> None:
    assert site_series(until_epoch(5).epochs, 3).epochs == []
    assert alarm_of(until_epoch(5)) is None


def test_an_undone_stretch_is_no_longer_in_the_series() -> None:
    run = adapting(6)
    last, to = run.epochs[-1].step, run.epochs[3].step
    run.apply(events.Undone(from_step=last, from_epoch=6, to_step=to, to_epoch=4, best_epoch=4))
    assert site_series(run.epochs, 3).epochs == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("share", "sure", "spread"),
    [(1.0, "very sure", "over all classes"), (0.7, "fairly sure", "over most classes"),
     (0.3, "rather unsure", "mostly a few classes"), (0.0, "little more than guessing", "nearly all alike"),
     (None, "", "")],
)  # fmt: skip
def test_shares_are_said_in_plain_words(share: float | None, sure: str, spread: str) -> None:
    assert (sure_words(share), spread_words(share)) == (sure, spread)


# -- the card -------------------------------------------------------------------------------------------------------


def test_after_each_epoch_all_of_it_stands_together(page: TrainPage, bench: Bench) -> None:
    run = take(bench, adapting(6))
    assert page.site_card.title() == "New site" and "clinic b" in texts(page.site_card)
    said = rows(page)
    assert said == {
        "Classes": f"{run.epochs[-1].train_loss:.3f} | error on the known site",
        "Adapting": "0.647 | judge's error; a guess: 0.69",
        "Judge": "56 % | sites told apart; a guess: 50 %",
        "Sure": "60 % | fairly sure",
        "Spread": "96 % | over all classes",
    }
    assert [len(row.line.points) for row in page.site_card.rows.values()] == [6] * 5
    assert page.site_card.rows["Judge"].line.reference == 0.5
    assert page.site_card.rows["Judge"].accessibleName() == (
        "Judge 56 percent after epoch 6, sites told apart; a guess: 50 percent"
    )

    run.apply(epoch_of(run))
    run.flush()
    QApplication.processEvents()
    assert rows(page)["Sure"] == "70 % | fairly sure"


@pytest.mark.parametrize(
    ("way", "words"),
    [("mmd", "distance of features; 0: alike"), ("mcc", "classes mixed up there")],
)  # fmt: skip
def test_a_way_without_a_judge_shows_none_and_says_what_its_loss_is(
    page: TrainPage, bench: Bench, way: Adapt, words: str
) -> None:
    bench.run_spec = adapting_spec(way)
    take(bench, adapting(3, way))
    assert "Judge" not in rows(page) and rows(page)["Adapting"].endswith(words)


def test_before_the_first_epoch_the_card_says_that_it_comes(page: TrainPage, bench: Bench) -> None:
    take(bench, RunModel())
    assert page.site_card.isVisible() and rows(page) == {}
    assert "once the first one has ended" in texts(page.site_card)


@pytest.mark.parametrize("way", ["none", "statistics"])
def test_a_run_that_does_not_adapt_in_training_has_no_such_card(page: TrainPage, bench: Bench, way: Adapt) -> None:
    bench.run_spec = adapting_spec(way)
    take(bench, until_epoch(5))
    assert not page.site_card.isVisible()
    bench.run = None
    bench.run_changed.emit()
    assert not page.site_card.isVisible()


def test_a_gap_is_drawn_as_one_and_said(page: TrainPage, bench: Bench) -> None:
    run = adapting(4)
    run.apply(epoch_of(run, loss=None))
    take(bench, run)
    row = page.site_card.rows["Adapting"]
    assert row.value.text() == "not a number"
    assert [len(stretch) for stretch in row.line.stretches()] == [4]
    run.apply(epoch_of(run))
    run.flush()
    assert [len(stretch) for stretch in row.line.stretches()] == [4, 1]
    page.grab()


def test_ten_thousand_epochs_are_drawn_with_few_points_and_the_newest_is_there(page: TrainPage, bench: Bench) -> None:
    run = adapting(3)
    for _ in range(2000):
        run.apply(epoch_of(run))
    take(bench, run)
    line = page.site_card.rows["Sure"].line
    assert len(line.points) < 300 and line.points[-1][0] == 2003 and line.points[0][0] == 1


# -- the weight -----------------------------------------------------------------------------------------------------


def test_another_weight_is_sent_once_and_said_until_it_is_in_use(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, adapting(6))
    card = page.site_card
    assert card.weight.text() == "1" and not card.set_button.isEnabled() and "in use: 1" in texts(card)
    card.weight.setText("0,3")
    qtbot.keyClick(card.weight, Qt.Key.Key_Return)
    qtbot.keyClick(card.weight, Qt.Key.Key_Return)
    assert bench.sent == [commands.SetAdaptWeight(weight=0.3)]
    run.flush()
    assert "being set…" in texts(card) and not card.set_button.isEnabled()

    run.apply(events.Notice(code="adapt_weight", message="Adaptation has a weight of 0.3 from now on."))
    run.flush()
    assert "0.3 from now on" in texts(card)
    assert "Adaptation has a weight of 0.3 from now on." in page.status_card.facts.text()
    run.apply(epoch_of(run, weight=0.3))
    run.flush()
    assert "in use: 0.3" in texts(card) and card.weight.text() == "0.3"


def test_the_slider_sends_where_it_is_let_go_and_nothing_on_the_way(
    qtbot: QtBot, page: TrainPage, bench: Bench
) -> None:
    run = take(bench, adapting(4))
    card = page.site_card
    assert card.slider.isEnabled() and card.slider.number() == 1.0 and "Slides" in card.slider.toolTip()
    card.slider.setSliderDown(True)
    card.slider.setSliderPosition(0)
    run.apply(epoch_of(run))
    page.site_card.show_run(run, bench.run_spec)
    assert card.slider.number() == 0.01 and card.weight.text() == "0.01" and not bench.sent
    card.slider.setSliderDown(False)
    assert bench.sent == [commands.SetAdaptWeight(weight=0.01)]

    card.weight.setText("5")
    assert card.slider.number() == pytest.approx(5, rel=0.06) and len(bench.sent) == 1, "what is typed waits for Set"
    card.weight.setText("200")
    assert card.slider.number() == 10.0 and card.weight.text() == "200"


def test_a_weight_that_is_none_is_said_and_not_sent(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    take(bench, adapting(6))
    page.site_card.weight.setText("-1")
    qtbot.keyClick(page.site_card.weight, Qt.Key.Key_Return)
    assert bench.sent == [] and "Allowed is 0 to" in texts(page.site_card)


def test_what_a_person_types_stays_while_epochs_end(page: TrainPage, bench: Bench) -> None:
    run = take(bench, adapting(6))
    page.site_card.weight.setText("2.5")
    run.apply(epoch_of(run))
    run.flush()
    assert page.site_card.weight.text() == "2.5"


def test_before_its_first_epoch_a_run_that_said_that_it_adapts_takes_a_weight_and_no_other_does() -> None:
    run = RunModel()
    for event in adaptation_story(0):
        run.apply(event)
    assert run.state == "training"
    assert run.reason_against("weight") == "This run does not adapt to another site."
    run.apply(events.Notice(code="adaptation", message="40 images of 'clinic b' take part."))
    assert run.reason_against("weight") == ""


def test_no_weight_can_be_set_while_the_run_cannot_hear_it(page: TrainPage, bench: Bench) -> None:
    run = take(bench, RunModel())
    page.site_card.weight.setText("3")
    assert page.site_card.set_action.reason == "Training begins in a moment."
    run.apply(events.Completed(message="Done.", best_epoch=1))
    run.flush()
    assert not page.site_card.weight.isVisible() and not page.site_card.set_button.isVisible()


# -- the alarm ------------------------------------------------------------------------------------------------------


def test_the_alarm_is_said_in_red_with_the_press_that_keeps_the_best_before_it(page: TrainPage, bench: Bench) -> None:
    run = take(bench, adapting(6, alarm_at=6))
    (banner,) = banners(page)
    assert banner.tone == "bad"
    said = texts(banner)
    assert "Adaptation destroys the classes." in said
    assert "Nearly all images of the new site get the same answer. That is epoch 6. It is not kept;" in said
    assert page.alarm.button.plain_text == "Stop and keep the best before it" and page.alarm.button.toolTip()
    assert DESTROYS not in page.status_card.facts.text(), "it is said once"

    page.alarm.button.click()
    page.alarm.button.click()
    assert bench.sent == [commands.Stop()]
    run.flush()
    assert run.state == "stopping" and not page.alarm.button.isEnabled()


def test_the_alarm_goes_with_the_next_epoch_that_is_sound_and_stays_worth_knowing(
    page: TrainPage, bench: Bench
) -> None:
    run = take(bench, adapting(6, alarm_at=6))
    run.apply(epoch_of(run))
    run.flush()
    assert banners(page) == []
    assert f"Epoch 6: {DESTROYS} This epoch is not kept." in worth_knowing(run)


def test_an_alarmed_epoch_without_a_better_one_is_not_said_to_have_one_before_it(page: TrainPage, bench: Bench) -> None:
    run = adapting(1)
    seen = msgspec.structs.replace(adaptation_of(1), alarm=DESTROYS)
    run.history.epochs = []
    run.apply(msgspec.structs.replace(run_first(), adaptation=seen, best=True))
    take(bench, run)
    assert page.alarm.button.plain_text == "Stop" and "It is kept until there is a better one" in texts(page.alarm)


def test_a_run_that_has_ended_raises_no_alarm(page: TrainPage, bench: Bench) -> None:
    run = take(bench, adapting(6, alarm_at=6))
    run.apply(events.Stopped(best_epoch=5))
    run.flush()
    assert not page.alarm.isVisible()
    assert any(DESTROYS in line for line in run.log)


def run_first() -> events.EpochEnded:
    return next(event for event in adapted_story() if isinstance(event, events.EpochEnded))


# -- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["adaptation", "projection", "statistics_aligned", "adaptation_alarm"])
def test_what_the_engine_says_of_the_adaptation_stays_worth_knowing(page: TrainPage, bench: Bench, code: str) -> None:
    bench.run_spec = adapting_spec("statistics")
    run = until_epoch(5)
    run.apply(events.Notice(code=code, message="So it is with the new site."))
    take(bench, run)
    assert page.status_card.facts.text().startswith("So it is with the new site.")


def test_the_best_epoch_is_said_to_be_chosen_by_both_sites(page: TrainPage, bench: Bench) -> None:
    run = take(bench, adapting(6))
    assert "The epoch with the best score over both sites is kept as you go." in sentence_of(run, bench.run_spec)
    assert "no label of the new site is read" in page.plots.plots["accuracy"].toolTip()


def test_in_a_narrow_window_nothing_is_cut(qtbot: QtBot, bench: Bench) -> None:
    page = shown(qtbot, bench, 964, 640)
    take(bench, adapting(6, alarm_at=6))
    assert page.too_wide() == 0
    background.shut_down()


def test_a_failed_run_keeps_its_curves(page: TrainPage, bench: Bench) -> None:
    run = adapting(6)
    run.apply(events.Crashed(cause="signal 9", run="run"))
    take(bench, run)
    assert len(rows(page)) == 5
