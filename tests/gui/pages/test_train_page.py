from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import msgspec
import pytest
from helpers.fake_engine import story
from helpers.train_bench import (
    TOLD,
    Bench,
    banners,
    before_the_first_epoch,
    ended,
    foot,
    paused,
    shown,
    take,
    texts,
    until_epoch,
)
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.run_spec import BestBy, RunSpec, Training
from tlgui.gui import background
from tlgui.gui.pages.train import plot_cards
from tlgui.gui.pages.train.ending import sentence_of
from tlgui.gui.pages.train.extend_dialog import ExtendDialog
from tlgui.gui.pages.train.status_card import status_of
from tlgui.gui.pages.train_page import TrainPage
from tlgui.gui.run_model import RunModel
from tlgui.gui.theme import theme
from tlgui.gui.widgets import Button

CRASHED = events.Crashed(cause="signal 9", last_lines="the last line of its log", run="run")
FULL = events.Failed(problem="The disk is full.", remedy="Free some space, then continue the run.", details="[28]")

RUNS: dict[str, Callable[[], RunModel]] = {
    "starting": RunModel,
    "preparing": before_the_first_epoch,
    "training": lambda: until_epoch(14),
    "paused": paused,
    "complete": lambda: RunModel.replay(TOLD),
    "stopped": lambda: RunModel.replay(story(stop_at=9.5)),
    "interrupted": lambda: RunModel.replay(story(epochs=5, ending=False)),
    "crashed": lambda: ended(CRASHED),
    "failed": lambda: ended(FULL),
}


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench()
    yield made
    made.deleteLater()


@pytest.fixture
def page(qtbot: QtBot, bench: Bench) -> Iterator[TrainPage]:
    yield shown(qtbot, bench, 1064, 800)
    background.shut_down()


# -- what is shown ------------------------------------------------------------------------------------------------


def test_without_a_run_the_page_says_what_will_be_here_and_leads_there(page: TrainPage, bench: Bench) -> None:
    assert "Curves and layers of a training stand here" in texts(page)
    assert foot(page) == {} and page.primary.isHidden()
    (button,) = [b for b in page.empty_card.findChildren(Button) if b.isVisible()]
    button.click()
    assert bench.asked == ["review"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("starting", "Starting the engine, this takes a few seconds"),
        ("preparing", "Preparing, features of the training images, 120 of 673, about 9 s left"),
        ("training", "Epoch 15 of 20, about {left} s left, {speed} images a second, 910 MB memory"),
        ("paused", "Paused at epoch 12 of 20, nothing runs; the best epoch is saved, 910 MB memory"),
        ("complete", "Complete after 20 epochs, epoch 16 is kept: lowest calibrated loss, 3 min 7 s in all"),
        ("stopped", "Stopped after epoch 9 of 20, nothing runs, 1 min 6 s in all"),
        ("crashed", "Ended after epoch 6 of 20, nothing runs"),
    ],
)
def test_the_status_says_where_the_run_is(page: TrainPage, bench: Bench, state: str, words: str) -> None:
    run = take(bench, RUNS[state]())
    left = 5 * round((run.seconds_left or 0) / 5)
    words = words.format(left=left, speed=round(run.images_per_second or 0))
    assert page.status_card.text().startswith(words)
    still = "" if state in ("starting", "preparing", "training") else "paused" if state == "paused" else "ended"
    assert page.status_card.bar.still == still
    assert page.status_card.bar.accessibleName().endswith(f", {still}") == bool(still)


def test_before_the_engine_speaks_the_status_says_what_is_waited_for(page: TrainPage, bench: Bench) -> None:
    bench.run_folder = None
    take(bench, RunModel())
    assert page.status_card.text() == "Preparing, the images are being listed and split into parts"
    bench.run_folder = SimpleNamespace(path=Path("no such run"))
    bench.run_changed.emit()
    assert page.status_card.text() == "Starting the engine, this takes a few seconds"
    bench.machine.device = "cpu"
    bench.device_changed.emit()
    assert page.status_card.text() == "Preparing, the run begins in a moment"


@pytest.mark.parametrize(
    ("state", "primary", "can", "at_the_left"),
    [
        ("starting", "Unfreeze next layers", False, "Pause- Stop and keep the best+ Freeze- Extend…-"),
        ("preparing", "Unfreeze next layers: top", False, "Pause- Stop and keep the best+ Freeze- Extend…-"),
        ("training", "Unfreeze next layers: block 5", True, "Pause+ Stop and keep the best+ Freeze+ Extend…+"),
        ("paused", "Unfreeze next layers: top", True, "Continue+ Stop and keep the best+ Freeze+ Extend…+"),
        ("complete", "Next: Results", True, "Extend…+"),
        ("stopped", "Next: Results", True, "Extend…+ Continue+"),
        ("interrupted", "Continue", True, "Extend…-"),
        ("crashed", "Continue", True, "Extend…-"),
        ("failed", "Continue", True, "Extend…-"),
    ],
)
def test_the_buttons_follow_the_state(
    page: TrainPage, bench: Bench, state: str, primary: str, can: bool, at_the_left: str
) -> None:
    run = take(bench, RUNS[state]())
    if state == "paused":
        primary = f"Unfreeze next layers: {run.next_group()}"
    assert (page.primary.plain_text, page.primary.isEnabled()) == (primary, can)
    assert " ".join(f"{text}{'+' if on else '-'}" for text, on in foot(page).items()) == at_the_left


def test_a_button_that_cannot_be_pressed_says_why_beside_it_and_in_its_tooltip(page: TrainPage, bench: Bench) -> None:
    take(bench, before_the_first_epoch())
    why = "Training has not begun yet: the images and layers are being prepared."
    assert page.hint() == why
    assert why in page.primary.toolTip() and why in page.buttons["pause"].toolTip()
    assert "Ctrl+U" in page.primary.toolTip()


def test_sleep_that_is_held_off_is_said_while_nothing_else_is_to_be_said(page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    assert page.hint() == "Sleep is held off while training."
    bench.wakefulness.text = "This computer may fall asleep: no way was found. The run goes on after waking."
    bench.wakefulness.changed.emit(bench.wakefulness.text)
    assert page.hint() == "This computer may fall asleep."
    assert page.status_card.toolTip() == bench.wakefulness.text


def test_live_and_replayed_give_the_same_picture(page: TrainPage, bench: Bench) -> None:
    seen = []
    live = RunModel()
    for event in TOLD:
        live.apply(event)
    for run in (live, RunModel.replay(TOLD)):
        take(bench, run)
        page.plots._redraw()
        seen.append((page.plots.cards["loss"].grab().toImage(), page.plots.cards["accuracy"].grab().toImage(),
                     page.ladder.grab().toImage()))  # fmt: skip
    assert seen[0] == seen[1]


def test_the_plots_say_their_content_and_the_whole_planned_length_is_shown(page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    assert page.plots.plots["loss"].accessibleName().startswith("Loss by epoch, training 0.1")
    assert page.plots.plots["accuracy"].accessibleName().endswith("best epoch 14")
    assert page.plots.plots["loss"].ranges()[0] == page.plots.plots["accuracy"].ranges()[0] == (0.5, 20.5)
    x, _ = page.plots.plots["loss"].tail
    assert len(x) and x.min() > 14  # the epoch that is not over shows its batches


def test_the_plan_is_shown_before_the_engine_has_said_a_word(page: TrainPage, bench: Bench) -> None:
    take(bench, RunModel())
    assert page.plots.plots["loss"].ranges()[0] == (0.5, 20.5)
    assert "with EfficientNet-Lite0. The epoch with the lowest calibrated loss is kept as you go." in texts(page)


def test_a_switch_of_the_theme_recolours_the_open_page(page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    light = page.grab().toImage()
    try:
        theme().set_choice("dark")
        QApplication.processEvents()
        dark = page.grab().toImage()
    finally:
        theme().set_choice("light")
    QApplication.processEvents()
    colours = {dark.pixelColor(x, y).name() for x in range(0, dark.width(), 6) for y in range(0, dark.height(), 3)}
    assert {"#8fb2ff", "#1c2026", "#14171c"} <= colours
    assert not colours & {"#ffffff", "#f6f7f9", "#1f55c9", "#c2410c"}
    assert page.grab().toImage() == light


def test_the_warm_start_is_the_epoch_before_the_first(page: TrainPage, bench: Bench) -> None:
    run = before_the_first_epoch()
    run.apply(
        events.EpochEnded(
            epoch=0,
            epochs=20,
            step=0,
            train_loss=0.9,
            validation_loss=1.0,
            validation_accuracy=0.7,
            validation_balanced_accuracy=0.7,
            validation_calibrated_loss=0.98,
            learning_rates={},
            best=True,
            seconds=2.0,
            seconds_left=None,
        )
    )
    take(bench, run)
    assert page.plots.plots["loss"].ranges()[0] == (-0.5, 20.5)
    assert page.plots.plots["loss"].accessibleName() == (
        "Loss by epoch, training 0.900, validation 1.000, best: the start, lowest calibrated loss, 0.980"
    )
    assert "“start” is the head fitted on frozen features, before the first epoch." in (
        page.plots.plots["accuracy"].toolTip()
    )


@pytest.mark.parametrize("best_by", get_args(BestBy))
def test_the_best_epoch_is_named_once_with_what_makes_it_the_best(page: TrainPage, bench: Bench, best_by: str) -> None:
    """An epoch with more images right may stand beside it, so "best" alone would look like a mistake."""
    training = msgspec.structs.replace(bench.run_spec.training, best_by=best_by)
    bench.run_spec = msgspec.structs.replace(bench.run_spec, training=training)
    run = take(bench, RUNS["complete"]())
    best = next(epoch for epoch in run.epochs if epoch.epoch == run.best_epoch)
    words = {kind: plot.best_words for kind, plot in page.plots.plots.items()}
    if best_by == "calibrated_loss":
        value = f"{best.validation_calibrated_loss:.3f}"
        assert words == {"loss": f"lowest calibrated loss, {value}", "accuracy": ""}
    elif best_by == "validation_loss":
        assert words == {"loss": "lowest validation loss", "accuracy": ""}
        assert "epoch 16 is kept: lowest validation loss" in page.status_card.text()
    elif best_by == "accuracy":
        assert words == {"loss": "", "accuracy": "highest accuracy"}, "the curve itself shows its value"
    else:
        balanced = f"{best.validation_balanced_accuracy or 0:.1%}".replace("%", " %")
        assert words == {"loss": "", "accuracy": f"highest balanced accuracy, {balanced}"}
        assert "The epoch with the highest balanced accuracy was kept." in texts(page)


def test_after_an_unfreezing_the_page_says_that_the_loss_may_rise(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    mark = next(event for event in TOLD if isinstance(event, events.LayersChanged) and event.reason == "unfreeze")
    assert "The loss may rise" not in page.plan.text()
    run.apply(events.LayersChanged(step=run.epochs[-1].step, reason="unfreeze", parameters=mark.parameters,
                                   trainable_parameters=mark.trainable_parameters, groups=mark.groups))  # fmt: skip
    run.flush()
    assert page.plan.text().endswith(
        "The loss may rise for an epoch or two after unfreezing: layers that were tuned to each other change."
    )
    assert "The loss may rise" in texts(page)


def test_a_hidden_page_draws_nothing_and_catches_up_when_it_is_shown(
    qtbot: QtBot, page: TrainPage, bench: Bench
) -> None:
    run = take(bench, until_epoch(3))
    page.hide()
    drawn: list[None] = []
    page.plots.plots["loss"].refreshed.connect(lambda: drawn.append(None))
    for event in TOLD[TOLD.index(run.epochs[-1]) + 1 :][:200]:
        run.apply(event)
    run.flush()
    qtbot.wait(plot_cards.REDRAW_MS * 2)
    assert drawn == []
    page.show()
    assert len(drawn) == 1 and page.plots.curves.epochs[-1] == run.epochs[-1].epoch > 3
    assert page.status_card.text().startswith(f"Epoch {run.epochs[-1].epoch + 1} of 20")


def test_many_changes_in_one_frame_are_drawn_once(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(3))
    drawn: list[None] = []
    page.plots.plots["loss"].refreshed.connect(lambda: drawn.append(None))
    for event in [e for e in TOLD if isinstance(e, events.BatchEnded) and e.epoch == 4]:
        run.apply(event)
        run.flush()
    qtbot.waitUntil(lambda: len(drawn) > 0)
    assert len(drawn) <= 2


# -- the ladder -----------------------------------------------------------------------------------------------------


def test_the_ladder_goes_from_head_to_stem_with_share_state_and_rate(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    names = [rung.accessibleName() for rung in page.ladder.rungs]
    rate = f"{run.rates_now['head']:.5f}"
    assert names[0] == f"Head, under 1 % of the parameters, learns at {rate}"
    assert names[2] == "Block 5, 49 % of the parameters, frozen, the next to be unfrozen"
    assert names[-1] == "Stem, under 1 % of the parameters, frozen"
    assert [rung.state for rung in page.ladder.rungs] == ["learning", "learning", "next", *["frozen"] * 4]
    assert [rung.state_text for rung in page.ladder.rungs[2:4]] == ["next", "frozen"]


def test_the_planned_ladder_stands_there_before_the_engine_has_built_the_network(page: TrainPage, bench: Bench) -> None:
    bench.run_spec = RunSpec(training=Training(strategy="auto", similarity="different"))
    bench.draft.summary = SimpleNamespace(used=240, classes=["a", "b", "c"])
    run = take(bench, RunModel())
    planned = {rung.layer_group: rung.state for rung in page.ladder.rungs}
    assert planned["head"] == "learning" and "next" in planned.values()
    assert float(page.ladder.rungs[0].state_text) > 0
    assert "Learning rate of" in page.plan.text()
    assert "Auto" not in texts(page)
    for event in TOLD:
        run.apply(event)
        if isinstance(event, events.LayersChanged):
            break
    run.flush()
    assert [rung.layer_group for rung in page.ladder.rungs] == list(planned)


def test_the_last_rates_of_a_run_are_not_said_as_if_they_were_its_rates(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    run.rates_now["head"] = 1.2e-9
    run.changed.emit()
    assert page.ladder.rungs[0].state_text == "<0.00001"
    take(bench, RunModel.replay(TOLD))
    assert page.ladder.rungs[0].state_text == "learned"
    assert page.ladder.rungs[0].accessibleName().endswith("learned")


def test_the_ladder_is_one_tab_stop_with_arrows_inside(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    tab = Qt.FocusPolicy.TabFocus
    assert [bool(rung.focusPolicy() & tab) for rung in page.ladder.rungs] == [True, *[False] * 6]
    page.ladder.rungs[0].setFocus()
    for key, focused in ((Qt.Key.Key_Down, 1), (Qt.Key.Key_End, 6), (Qt.Key.Key_Down, 6), (Qt.Key.Key_Up, 5)):
        qtbot.keyClick(page.window().focusWidget(), key)
        assert page.window().focusWidget() is page.ladder.rungs[focused]
    assert [bool(rung.focusPolicy() & tab) for rung in page.ladder.rungs].index(True) == 5


@pytest.mark.parametrize(
    ("rung", "words", "command"),
    [
        (4, "Unfreeze to here… (block 3 and every group above it learn)", commands.Unfreeze(groups=3)),
        (2, "Unfreeze to here… (block 5 and every group above it learn)", commands.Unfreeze(groups=1)),
        (1, "Freeze from here… (the top and every group below it stay as they are)", commands.Freeze(groups=1)),
    ],
)
def test_a_rung_unfreezes_to_itself_or_freezes_from_itself(
    qtbot: QtBot, page: TrainPage, bench: Bench, rung: int, words: str, command: commands.Command
) -> None:
    take(bench, until_epoch(14))
    page.ladder.rungs[rung].setFocus()
    qtbot.keyClick(page.ladder.rungs[rung], Qt.Key.Key_Return)
    menu = page.ladder.menu
    assert menu is not None and menu.actions()[0].text() == words
    at_once = menu.actions()[1]
    assert at_once.text().endswith("at once, without the plan")
    at_once.trigger()
    menu.close()
    assert bench.sent == [command]


def test_the_menu_of_a_rung_says_why_nothing_can_be_done(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    take(bench, before_the_first_epoch())
    page.ladder.open_menu(2)
    menu = page.ladder.menu
    assert menu is not None
    assert [action.isEnabled() for action in menu.actions()] == [False] * 3
    assert menu.actions()[2].text().startswith("Training has not begun yet")
    menu.close()


def test_the_plan_says_what_unfreezing_would_change(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    then = (run.trainable_parameters + 1_652_640) / 1e6
    assert page.plan.text() == (
        "If you unfreeze block 5 now\n"
        f"Parameters that learn: {run.trainable_parameters / 1e6:.2f} M › {then:.2f} M\n"
        # 0.0005 falls to a hundredth over the five groups below the uppermost: block 5 is one step down.
        f"Learning rate of block 5: none › up to {5e-4 * 0.01 ** (1 / 5):.5f}"
    )


# -- presses --------------------------------------------------------------------------------------------------------


def test_stop_is_seen_at_once(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    qtbot.mouseClick(page.buttons["stop"], Qt.MouseButton.LeftButton)
    run.flush()
    assert bench.sent == [commands.Stop()]
    assert page.status_card.text().startswith("Stopping after this batch")
    assert not page.buttons["stop"].isEnabled()


def test_an_engine_that_does_not_stop_can_be_ended(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.actions_of_run._silence.setInterval(50)
    qtbot.mouseClick(page.buttons["stop"], Qt.MouseButton.LeftButton)
    run.flush()
    stop = page.buttons["stop"]
    qtbot.waitUntil(stop.isEnabled)
    assert stop.plain_text == "End the engine"
    run.set_memory(920_000_000)  # measured from outside: no sign of life
    run.flush()
    assert stop.plain_text == "End the engine"
    qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    assert bench.asked == ["end the engine"]
    run.apply(CRASHED)
    run.flush()
    assert stop.plain_text == "Stop and keep the best"


def test_an_engine_that_still_speaks_is_waited_for(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.actions_of_run._silence.setInterval(200)
    qtbot.mouseClick(page.buttons["stop"], Qt.MouseButton.LeftButton)
    for done in range(6):
        run.apply(events.Progress(stage="answers for the test images", done=done, total=6))
        run.flush()
        qtbot.wait(60)
        assert not page.buttons["stop"].isEnabled()


def test_a_run_that_fails_before_its_first_epoch_speaks_of_no_epoch(page: TrainPage, bench: Bench) -> None:
    run = before_the_first_epoch()
    run.apply(events.Failed(problem="The disk is full.", remedy="Free some space."))
    take(bench, run)
    assert run.state == "failed" and not run.epochs
    assert status_of(run).title == "Ended before the first epoch had ended"
    assert sentence_of(run, bench.run_spec).endswith("There is no model yet.")


def test_scoring_counts_the_images_in_few_words(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    run.apply(events.Progress(stage="answers for the validation images", done=105, total=210))
    run.flush()

    assert status_of(run).detail == "validation images, 105 of 210"


def test_pause_becomes_continue(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(11))
    qtbot.mouseClick(page.buttons["pause"], Qt.MouseButton.LeftButton)
    run.apply(events.Paused(step=250))
    run.flush()
    assert page.buttons["pause"].accessibleName() == "Continue"
    qtbot.mouseClick(page.buttons["pause"], Qt.MouseButton.LeftButton)
    assert bench.sent == [commands.Pause(), commands.Continue()]


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        ((Qt.Key.Key_U, False), commands.PlanMove(kind="unfreeze", groups=1)),
        ((Qt.Key.Key_U, True), commands.PlanMove(kind="freeze", groups=1)),
        ((Qt.Key.Key_P, False), commands.Pause()),
        ((Qt.Key.Key_Period, False), commands.Stop()),
    ],
)
def test_every_command_has_a_shortcut(
    qtbot: QtBot, page: TrainPage, bench: Bench, keys: tuple[Qt.Key, bool], command: commands.Command
) -> None:
    take(bench, until_epoch(14))
    page.window().activateWindow()
    qtbot.waitUntil(page.window().isActiveWindow)
    shift = Qt.KeyboardModifier.ShiftModifier if keys[1] else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(page.window(), keys[0], Qt.KeyboardModifier.ControlModifier | shift)
    assert bench.sent == [command]


def test_extending_a_run_at_work_sends_the_epochs(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    qtbot.mouseClick(page.buttons["extend"], Qt.MouseButton.LeftButton)
    (dialog,) = page.findChildren(ExtendDialog)
    assert (dialog.number.minimum(), dialog.number.maximum()) == (1, 500)
    dialog.number.setValue(7)
    assert dialog.outcome.text().startswith("27 epochs in all, about ")
    next(b for b in dialog.findChildren(Button) if b.plain_text == "Extend").click()
    assert bench.sent == [commands.Extend(epochs=7)]


def test_extending_a_run_that_has_ended_goes_on_with_it(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    take(bench, RunModel.replay(TOLD))
    qtbot.mouseClick(page.buttons["extend"], Qt.MouseButton.LeftButton)
    (dialog,) = page.findChildren(ExtendDialog)
    next(b for b in dialog.findChildren(Button) if b.plain_text == "Extend").click()
    assert bench.asked == [("continue", 5)] and bench.sent == []


def test_whatever_is_pressed_whenever_only_what_is_allowed_is_sent(page: TrainPage, bench: Bench) -> None:
    chance = random.Random(7)
    run = take(bench, RunModel())
    actions = page.actions_of_run
    presses = {
        "unfreeze": lambda: actions.ask_move("unfreeze", 1),
        "freeze": lambda: actions.ask_move("freeze", 1),
        "undo": actions.ask_undo,
        "rate": lambda: actions.ask_rate("head", 0.01),
        "plan": lambda: actions.ask_plan("unfreeze", 1),
        "pause": actions._on_pause,
        "stop": actions._on_stop,
        "extend": lambda: actions.ask_extend(2),
    }
    for event in TOLD[::3]:
        run.apply(event)
        for name in chance.choices(list(presses), k=2 if chance.random() < 0.5 else 0):
            if name == "stop" and chance.random() < 0.97:
                continue
            real = "continue" if name == "pause" and run.state == "paused" else name
            why_not, before = run.reason_against(real), len(bench.sent)  # type: ignore[arg-type]
            presses[name]()
            assert (len(bench.sent) > before) == (not why_not)
        run.flush()


# -- endings --------------------------------------------------------------------------------------------------------


def test_a_crash_is_said_with_its_last_lines_behind_details_and_can_be_continued(
    qtbot: QtBot, page: TrainPage, bench: Bench
) -> None:
    take(bench, ended(CRASHED))
    (banner,) = banners(page)
    assert banner.accessibleName() == (
        "The engine ended unexpectedly (signal 9). The computer may have run out of memory. "
        "Nothing before the last checkpoint is lost: continue the run to go on."
    )
    assert "the last line of its log" not in texts(banner)
    details = next(b for b in banner.findChildren(Button) if b.plain_text == "Details")
    qtbot.mouseClick(details, Qt.MouseButton.LeftButton)
    assert "the last line of its log" in texts(banner)
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert bench.asked == [("continue", 0)]


@pytest.mark.parametrize("code", ["images_missing", "drive_gone"])
def test_missing_images_are_said_with_the_button_that_finds_them(page: TrainPage, bench: Bench, code: str) -> None:
    """D42: the folder that vanished in mid-training can be found again, and the run goes on from there."""
    take(bench, ended(events.Failed(problem="The folder of the images 'cells' is not there.",
                                    remedy="Say where it is with --data DIR.", code=code)))  # fmt: skip
    (banner,) = banners(page)
    assert ("Nothing before the last checkpoint is lost" in texts(banner)) == (code == "drive_gone")
    assert "--data" not in texts(banner) and "'cells' is not there" in texts(banner)
    (button,) = [b for b in banner.findChildren(Button) if b.isVisible()]
    assert button.plain_text == "Find the images…"
    button.click()
    assert page.primary.isEnabled() and page.primary.plain_text == "Continue"
    page.primary.click()
    assert bench.asked == ["choose images", ("continue", 0)]


def test_a_new_site_that_is_gone_is_said_with_the_button_that_finds_it(page: TrainPage, bench: Bench) -> None:
    take(bench, ended(events.Failed(problem="The images of the new site 'clinic b' are not where they were.",
                                    remedy="Say where they are with --target DIR.", code="target_missing")))  # fmt: skip
    (banner,) = banners(page)
    assert "Say where the images of the new site are now, then continue the run." in texts(banner)
    (button,) = [b for b in banner.findChildren(Button) if b.isVisible()]
    assert button.plain_text == "Find the new site's images…"
    button.click()
    assert bench.asked == ["choose site"]


def test_earlier_images_that_are_gone_are_said_with_the_button_that_finds_them(
    page: TrainPage, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(bench, ended(events.Failed(problem="The new images show one class alone, 'both', and no image is there.",
                                    remedy="Say where they are with --earlier DIR.", code="earlier_missing")))  # fmt: skip
    (banner,) = banners(page)
    assert "--earlier" not in texts(banner) and "the folder of the images that the earlier run learned from" in texts(
        banner
    )
    (button,) = [b for b in banner.findChildren(Button) if b.isVisible()]
    assert button.plain_text == "Find the earlier images…"
    asked: list[str] = []
    monkeypatch.setattr("tlgui.gui.pages.train_page.ask_for_folder", lambda _, title, found: asked.append(title))
    button.click()
    assert asked == ["Where are the images that it learned before?"]


def test_the_banner_goes_when_the_run_goes_on(page: TrainPage, bench: Bench) -> None:
    run = take(bench, ended(CRASHED))
    assert len(banners(page)) == 1
    run.asked("continue")
    run.flush()
    assert banners(page) == []
    assert page.status_card.text().startswith("Starting the engine")


def test_results_are_the_next_step_of_a_run_that_was_scored(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    take(bench, RunModel.replay(TOLD))
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert bench.asked == ["results"]


# -- log and files --------------------------------------------------------------------------------------------------


def test_the_log_is_behind_a_fold_grows_and_can_be_copied(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(3))
    assert not page.log.isVisible()
    page.log_action.trigger()
    assert page.log.isVisible() and page.log.text().splitlines() == run.log
    for event in TOLD[TOLD.index(run.epochs[-1]) + 1 :][:60]:
        run.apply(event)
    run.flush()
    assert page.log.text().splitlines() == run.log
    page.log.copying.trigger()
    assert QGuiApplication.clipboard().text().splitlines() == run.log
    page.log_action.trigger()
    assert not page.log.isVisible()


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.csv", b"epoch,")])
def test_plots_are_saved_in_the_background_and_the_page_says_where(
    qtbot: QtBot, page: TrainPage, bench: Bench, tmp_path: Path, name: str, begins: bytes
) -> None:
    take(bench, until_epoch(14))
    with qtbot.waitSignal(page.plots.saved):
        page.plots.save(tmp_path / name, "loss")
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    (banner,) = banners(page)
    assert banner.accessibleName().startswith(f"Saved as {name}")
    page._saved_timer.stop()


def test_the_saved_table_is_the_run(qtbot: QtBot, page: TrainPage, bench: Bench, tmp_path: Path) -> None:
    run = take(bench, RunModel.replay(TOLD))
    with qtbot.waitSignal(page.plots.saved):
        page.plots.save(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["training_loss"]) for row in rows] == [epoch.train_loss for epoch in run.epochs]
    assert [row["what_was_done"] for row in rows if row["what_was_done"]] == ["top unfrozen"]
    page._saved_timer.stop()


def test_a_plot_that_cannot_be_saved_says_why(qtbot: QtBot, page: TrainPage, bench: Bench, tmp_path: Path) -> None:
    take(bench, until_epoch(14))
    with qtbot.waitSignal(page.plots.save_failed):
        page.plots.save(tmp_path / "not there" / "loss.png")
    assert page.error_banner is not None
    assert "'loss.png' cannot be written" in page.error_banner.accessibleName()


def test_the_zoom_of_one_plot_is_the_zoom_of_both(page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    page.plots.icons["loss"][0].click()
    menu = page.plots.menu
    assert menu is not None
    assert [action.text() for action in menu.actions()] == ["Epochs so far", "The last 5 epochs", "Everything\t0"]
    menu.actions()[1].trigger()
    menu.close()
    assert [plot.ranges()[0] for plot in page.plots.plots.values()] == [(9.5, 14.5)] * 2
    page.plots.window_of_epochs.reset()
    assert page.plots.plots["accuracy"].ranges()[0] == (0.5, 20.5)


# -- room and access ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(964, 700), (900, 540)])
@pytest.mark.parametrize("state", ["preparing", "training", "stopped", "crashed"])
def test_nothing_is_cut_in_a_small_window(qtbot: QtBot, bench: Bench, state: str, width: int, height: int) -> None:
    page = shown(qtbot, bench, width, height)
    take(bench, RUNS[state]())
    QApplication.processEvents()
    assert page.window().width() == width and page.too_wide() == 0
    for button in [*page.buttons.values(), page.primary]:
        if button.isVisible():
            assert button.width() >= button.minimumSizeHint().width()
            assert page.rect().contains(
                button.geometry().translated(button.parentWidget().mapTo(page, button.pos() * 0))
            )


@pytest.mark.parametrize("state", list(RUNS))
def test_every_control_has_a_name_and_a_tooltip(page: TrainPage, bench: Bench, state: str) -> None:
    take(bench, RUNS[state]())
    for control in page.findChildren(QAbstractButton):
        if control.isVisible():
            assert control.accessibleName(), control
            assert control.toolTip() or control.objectName() or isinstance(control, Button), control
    for plot in page.plots.plots.values():
        assert plot.accessibleName() and "crosshair" in plot.accessibleDescription()


@pytest.mark.parametrize("state", ["interrupted", "stopped", "complete", "failed", "crashed"])
def test_a_run_cannot_be_gone_on_with_while_another_one_trains(bench: Bench, page: TrainPage, state: str) -> None:
    take(bench, RUNS[state]())
    before = {name: page.buttons[name].isEnabled() for name in ("extend", "go_on")}
    assert any(before.values())

    bench.training_run = until_epoch(2)
    bench.run_changed.emit()
    assert not page.buttons["extend"].isEnabled()
    assert not page.buttons["go_on"].isEnabled()
    assert page.hint() == "Another run trains now. Wait until it ends, or stop it there."
    page.actions_of_run.ask_extend(3)
    assert bench.asked == []

    bench.training_run = None
    bench.run_changed.emit()
    assert {name: page.buttons[name].isEnabled() for name in before} == before


def test_the_run_that_trains_itself_can_be_extended(bench: Bench, page: TrainPage) -> None:
    bench.training_run = until_epoch(2)
    take(bench, bench.training_run)
    assert page.buttons["extend"].isEnabled()


def test_a_batch_is_explained_where_it_is_waited_for(bench: Bench, page: TrainPage) -> None:
    take(bench, until_epoch(2))
    for name in ("pause", "stop"):
        assert "after this batch, a handful of images" in page.buttons[name].toolTip()
