"""Unfreezing and freezing by hand: the plan, the verdict, the way back, and what the page says before and beside them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.fake_run import DEFAULTS, HEAD, FakeRun, story
from helpers.train_bench import TOLD, Bench, banners, before_the_first_epoch, foot, shown, take, texts, until_epoch
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.coach import Coaching
from tlgui.core.planning import decided
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.strategies import STRATEGIES
from tlgui.gui import background
from tlgui.gui.coached import facts_of
from tlgui.gui.pages.train import move_dialog
from tlgui.gui.pages.train.extend_dialog import ExtendDialog
from tlgui.gui.pages.train.move_dialog import MoveDialog
from tlgui.gui.pages.train.rate_dialog import RateDialog
from tlgui.gui.pages.train_page import TrainPage
from tlgui.gui.run_model import RunModel
from tlgui.gui.run_reasons import ENDED
from tlgui.gui.widgets import Button, Dialog

LEFT = Qt.MouseButton.LeftButton
BLOCK_5, TOP, HEADS = 1_652_640, 1_017_600, 3_843


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench()
    yield made
    made.deleteLater()


@pytest.fixture
def page(qtbot: QtBot, bench: Bench) -> Iterator[TrainPage]:
    yield shown(qtbot, bench, 1064, 800)
    background.shut_down()


class Played(QObject):
    """A run that the fake engine trains in this process: what the page sends is obeyed at the next event."""

    def __init__(self, bench: Bench, **options: Any) -> None:
        super().__init__(bench)
        self.run = RunModel(bench)
        self.bench = bench
        self.said: list[Any] = []
        self._obeyed = 0
        self._told = FakeRun({"run": "/runs/a"}, DEFAULTS | options).events(self._take)

    def _take(self, wait: bool) -> dict[str, Any] | None:
        if self._obeyed == len(self.bench.sent):
            assert not wait, "a paused run waits for the person"
            return None
        self._obeyed += 1
        return json.loads(msgspec.json.encode(self.bench.sent[self._obeyed - 1]))  # type: ignore[no-any-return]

    def until(self, enough: Any) -> RunModel:
        """Goes on until an event for which that is true."""
        for said in self._told:
            event = events.decode(json.dumps(said))
            self.said.append(event)
            self.run.apply(event)
            if enough(event):
                break
        self.run.flush()
        return self.run

    def epoch(self, number: int) -> RunModel:
        """Goes on into the epoch after `number`."""
        self.until(lambda event: isinstance(event, events.EpochEnded) and event.epoch == number)
        return self.until(lambda event: isinstance(event, events.BatchEnded))


def played(bench: Bench, epoch: int, **options: Any) -> Played:
    """A run on the page, in the epoch after `epoch`."""
    made = Played(bench, **options)
    made.epoch(epoch)
    take(bench, made.run)
    return made


def plan(page: TrainPage) -> MoveDialog:
    (dialog,) = [one for one in page.findChildren(MoveDialog) if one.isVisible()]
    return dialog


def told(**other: Any) -> events.MovePlanned:
    fields: dict[str, Any] = {
        "kind": "unfreeze", "groups": 1, "names": ["block 5"], "parameters_now": TOP + HEADS,
        "parameters_then": BLOCK_5 + TOP + HEADS, "seconds_now": 6.9, "seconds_then": 12.4,
        "memory_now_bytes": 910_000_000, "memory_then_bytes": 1_200_000_000, "learning_rates": {"block 5": 0.00015},
        "snapshot_bytes": 38_000_000, "judged_after": 3, "control_seconds": 21.0,
    }  # fmt: skip
    return events.MovePlanned(**(fields | other))


def judged(verdict: str, points: float, low: float, high: float, **other: Any) -> events.MoveJudged:
    fields: dict[str, Any] = {
        "kind": "unfreeze", "names": ["top"], "step": 187, "epoch": 11, "verdict": verdict, "difference": points / 100,
        "low": low / 100, "high": high / 100, "with_it": 0.93, "without_it": 0.93 - points / 100, "better": 9, "worse": 4,
        "images": 210, "epochs": 3, "sentence": "",
    }  # fmt: skip
    return events.MoveJudged(**(fields | other))


# -- the plan -----------------------------------------------------------------------------------------------------


def test_the_blue_button_opens_the_plan_and_changes_nothing(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    qtbot.mouseClick(page.primary, LEFT)
    dialog = plan(page)
    assert bench.sent == [commands.PlanMove(kind="unfreeze", groups=1)]
    assert dialog.windowTitle() == "Unfreeze block 5?"
    assert "Measuring on a copy nothing of the run changes" in dialog.progress.text()
    assert "It can be taken back" in texts(dialog)
    assert dialog.do.isEnabled(), "nobody has to wait for the figures"
    qtbot.mouseClick(dialog.cancel, LEFT)
    assert bench.sent == [commands.PlanMove(kind="unfreeze", groups=1)]


def test_the_plan_says_what_was_measured(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.primary.click()
    dialog = plan(page)
    now, then = (TOP + HEADS) / 1e6, (BLOCK_5 + TOP + HEADS) / 1e6
    assert dialog.text() == (
        f"Parameters that learn: {now:.2f} M › {then:.2f} M\nTime for an epoch: …\nMemory for a batch: …"
    )
    run.apply(told())
    run.flush()
    assert dialog.text() == (
        f"Parameters that learn: {now:.2f} M › {then:.2f} M\n"
        "Time for an epoch: 6.9 s › 12 s\n"
        "Memory for a batch: 910 MB › 1.2 GB\n"
        "On disk, to be able to take it back: 38 MB"
    )
    assert dialog.progress.isHidden()
    assert dialog.judged.text() == (
        "After 3 epochs it is judged against the same epochs without it, on the same validation images; "
        "the comparison takes about 20 s."
    )
    assert {name: field.value() for name, field in dialog.peaks.fields.items()} == {"block 5": 0.00015}


def test_unfreezing_from_the_plan_sends_it_once_with_the_rates_that_were_changed(
    qtbot: QtBot, page: TrainPage, bench: Bench
) -> None:
    run = take(bench, until_epoch(14))
    page.open_plan("unfreeze", 2)
    dialog = plan(page)
    run.apply(told(groups=2, names=["block 5", "block 4"], learning_rates={"block 5": 0.00015, "block 4": 0.00006}))
    run.flush()
    dialog.peaks.fields["block 4"].setText("1e-5")
    qtbot.mouseClick(dialog.do, LEFT)
    page.actions_of_run.ask_move("unfreeze", 1)
    assert bench.sent[1:] == [
        commands.Unfreeze(groups=2),
        commands.SetLearningRate(group="block 4", rate=1e-5),
    ]
    run.flush()
    assert page.hint() == "The layers are being unfrozen." and not page.primary.isEnabled()


def test_a_rate_that_is_no_number_is_not_sent(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.open_plan("unfreeze")
    dialog = plan(page)
    run.apply(told())
    run.flush()
    for text in ("fast", "-1", "", "1e99"):
        dialog.peaks.fields["block 5"].setText(text)
        assert not dialog.do.isEnabled() and dialog.do.toolTip() == dialog.peaks.fields["block 5"].problem
    dialog.peaks.fields["block 5"].setText("0,0002")
    assert dialog.do.isEnabled()
    dialog.do.click()
    assert bench.sent[1:] == [commands.Unfreeze(groups=1), commands.SetLearningRate(group="block 5", rate=0.0002)]


def test_what_was_typed_stays_when_the_figures_come(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.open_plan("unfreeze")
    dialog = plan(page)
    field = dialog.peaks.fields["block 5"]
    # 0.000199053585… as the ladder writes it: all its figures do not fit, and what was not typed is not sent.
    assert field.text() == "0.0002" and field.value() == pytest.approx(5e-4 * 0.01 ** (1 / 5), rel=0.01)
    assert dialog.peaks.differing() == {}
    field.setText("0.0007")
    run.apply(told())
    run.flush()
    assert dialog.peaks.fields["block 5"].value() == 0.0007 and dialog.peaks.differing() == {"block 5": 0.0007}


def test_freezing_has_a_plan_too(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.buttons["freeze"].click()
    dialog = plan(page)
    assert dialog.windowTitle() == "Freeze the top?" and "It stays as it is now" in texts(dialog)
    assert dialog.text().startswith("Parameters that learn: 1.02 M › 3,843")
    assert dialog.peaks.isHidden(), "what is frozen has no rate"
    run.apply(told(kind="freeze", names=["top"], learning_rates={}))
    run.flush()
    assert dialog.progress.isHidden()
    dialog.do.click()
    assert bench.sent == [commands.PlanMove(kind="freeze", groups=1), commands.Freeze(groups=1)]


@pytest.mark.parametrize(("rung", "words"), [(4, "Unfreeze block 5, block 4 and block 3?"), (1, "Freeze the top?")])
def test_a_rung_opens_the_plan_for_so_many_groups(page: TrainPage, bench: Bench, rung: int, words: str) -> None:
    take(bench, until_epoch(14))
    page.ladder.open_menu(rung)
    menu = page.ladder.menu
    assert menu is not None
    menu.actions()[0].trigger()
    menu.close()
    assert plan(page).windowTitle() == words
    assert bench.sent == [commands.PlanMove(kind="unfreeze" if rung == 4 else "freeze", groups=3 if rung == 4 else 1)]


def test_an_engine_that_measures_for_long_is_not_waited_for(
    qtbot: QtBot, page: TrainPage, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_dialog, "SLOW_MS", 20)
    take(bench, until_epoch(14))
    page.open_plan("unfreeze")
    dialog = plan(page)
    qtbot.waitUntil(lambda: dialog.progress.text().startswith("Still measuring"))
    assert "can be done without the figures" in dialog.progress.text()
    dialog.do.click()
    assert bench.sent[-1] == commands.Unfreeze(groups=1)


def test_an_engine_that_dies_while_it_measures_is_said(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.open_plan("unfreeze")
    dialog = plan(page)
    run.apply(events.Crashed(cause="exit code 3", run="a"))
    run.flush()
    assert "The engine ended while it measured; the measuring had changed nothing." in texts(dialog)
    assert "Time for an epoch: not measured" in dialog.text()
    assert not dialog.do.isEnabled() and dialog.progress.isHidden()
    dialog._on_do()
    assert len(bench.sent) == 1


def test_what_could_not_be_measured_says_so_and_what_cannot_be_done_why(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.open_plan("unfreeze")
    dialog = plan(page)
    run.apply(told(seconds_then=None, memory_now_bytes=None, control_seconds=None))
    run.flush()
    assert "Time for an epoch: not measured\nMemory for a batch: not measured" in dialog.text()
    assert dialog.judged.text().endswith("on the same validation images.") and dialog.do.isEnabled()
    dialog.reject()
    page.open_plan("unfreeze")
    dialog = plan(page)
    run.apply(told(reason="There is no room on the disk for the snapshot. Free 40 MB first."))
    run.flush()
    assert "There is no room on the disk for the snapshot." in texts(dialog) and not dialog.do.isEnabled()


def test_an_answer_to_an_earlier_question_is_not_taken_for_this_one(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.open_plan("freeze")
    plan(page).reject()
    page.open_plan("unfreeze")
    dialog = plan(page)
    assert len(bench.sent) == 1, "one measuring at a time"
    run.apply(told(kind="freeze", names=["top"]))
    run.flush()
    assert "Time for an epoch: …" in dialog.text()
    assert bench.sent[1:] == [commands.PlanMove(kind="unfreeze", groups=1)], "asked as soon as it could be"
    run.apply(told())
    run.flush()
    assert "6.9 s › 12 s" in dialog.text()


def test_a_border_that_moves_while_the_plan_is_open_is_followed(page: TrainPage, bench: Bench) -> None:
    one = played(bench, 5, plan="mute")
    page.open_plan("unfreeze", 2)
    dialog = plan(page)
    assert dialog.windowTitle() == "Unfreeze the top and block 5?"
    bench.sent.append(commands.Unfreeze(groups=1))  # as a plateau would
    one.until(lambda event: isinstance(event, events.LayersChanged))
    assert "Parameters that learn: 1.02 M › 2.67 M" in dialog.text()
    bench.sent.append(commands.Unfreeze(groups=1))
    one.until(lambda event: isinstance(event, events.LayersChanged))
    assert "Block 5 learns already." in texts(dialog) and not dialog.do.isEnabled()


def test_the_plan_of_a_run_that_ends_meanwhile_says_so(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.open_plan("unfreeze")
    dialog = plan(page)
    run.apply(told())
    run.apply(events.Stopped(run="a", best_epoch=14))
    run.flush()
    assert "Training is over." in texts(dialog) and not dialog.do.isEnabled()


def test_the_plan_goes_when_another_run_is_shown(page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    page.open_plan("unfreeze")
    assert plan(page).isVisible()
    take(bench, until_epoch(3))
    assert page.findChildren(MoveDialog) == []


def test_before_the_first_epoch_no_plan_opens_and_the_page_says_why(page: TrainPage, bench: Bench) -> None:
    take(bench, before_the_first_epoch())
    page.open_plan("unfreeze")
    page.open_rate("head")
    page.actions_of_run.undo.trigger()
    assert page.findChildren(QDialog) == [] and bench.sent == []
    assert page.hint().startswith("Training has not begun yet")


# -- rates --------------------------------------------------------------------------------------------------------


def test_a_rung_that_learns_gets_another_rate(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.ladder.open_menu(0)
    menu = page.ladder.menu
    assert menu is not None
    next(action for action in menu.actions() if action.text() == "Learning rate…").trigger()
    menu.close()
    (dialog,) = page.findChildren(RateDialog)
    assert dialog.now.text() == f"In use now: {run.rates_now['head']:.5f}. Peak of its schedule: 0.0010."
    for step, value in (("÷ 10", 1e-4), ("× 3", 3e-4), ("÷ 3", 1e-4), ("× 10", 1e-3)):
        next(one for one in dialog.steps if one.plain_text == step).click()
        assert dialog.field.value() == pytest.approx(value, rel=1e-2)
    dialog.field.setText("0.002")
    qtbot.mouseClick(dialog.set_button, LEFT)
    assert bench.sent == [commands.SetLearningRate(group="head", rate=0.002)]
    run.flush()
    assert run.reason_against("rate") == "The learning rate is being set."


def test_a_frozen_rung_has_no_rate_to_set(page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(14))
    page.ladder.open_menu(3)
    menu = page.ladder.menu
    assert menu is not None
    assert "Learning rate…" not in [action.text() for action in menu.actions()]
    menu.close()


def test_a_group_that_is_frozen_meanwhile_cannot_get_a_rate(page: TrainPage, bench: Bench) -> None:
    one = played(bench, 5, first=HEAD - 1)
    page.open_rate("top")
    (dialog,) = page.findChildren(RateDialog)
    bench.sent.append(commands.Freeze(groups=1))
    one.until(lambda event: isinstance(event, events.LayersChanged))
    assert dialog.problem.text() == "The top is frozen now, so it has no learning rate."
    assert not dialog.set_button.isEnabled()


def test_a_rate_that_was_set_is_marked_and_shown(page: TrainPage, bench: Bench) -> None:
    one = played(bench, 5)
    page.actions_of_run.ask_rate("head", 0.004)
    run = one.until(lambda event: isinstance(event, events.LayersChanged))
    assert run.marks[-1].text == "learning rate of head: 0.0040" and run.reason_against("rate") == ""
    run = one.until(lambda event: isinstance(event, events.BatchEnded))
    page._refresh()
    assert float(page.ladder.rungs[0].state_text) == pytest.approx(run.rates_now["head"], rel=0.03)


# -- the verdict and the way back ---------------------------------------------------------------------------------


def verdict(page: TrainPage) -> str:
    return page.layers_card.verdict.text()


def test_the_verdict_is_waited_for_epoch_by_epoch(page: TrainPage, bench: Bench) -> None:
    one = played(bench, 8, trial=3)
    assert page.layers_card.verdict.isHidden()
    page.actions_of_run.ask_move("unfreeze", 1)
    one.until(lambda event: isinstance(event, events.LayersChanged))
    assert verdict(page).startswith("Waiting for the verdict: 0 of 3 epochs\nThe top unfrozen.")
    one.epoch(9)
    assert verdict(page).startswith("Waiting for the verdict: 0 of 3 epochs\n"), (
        "an epoch that had begun does not count"
    )
    one.epoch(11)
    assert verdict(page).startswith("Waiting for the verdict: 2 of 3 epochs\n")
    one.until(lambda event: isinstance(event, events.Progress) and "compare" in event.stage)
    assert verdict(page).startswith("Comparing\n")
    assert "the same epochs without it, to compare" in page.status_card.text()
    one.until(lambda event: isinstance(event, events.MoveJudged))
    assert verdict(page) == (
        "Unfreezing the top helped\n"
        "7.1 points better (5.0 to 9.3) than the same 3 epochs without it.\n"
        "Undo: back to epoch 8, as it was (38 MB on disk)."
    )
    assert [mark.text for mark in one.run.marks] == ["top unfrozen", "top: helped"]
    assert one.run.marks[-1].x_epoch == 12


@pytest.mark.parametrize(
    ("said", "words", "tone", "icon"),
    [
        (judged("helped", 2.1, 0.4, 3.9), "helped\n2.1 points better (0.4 to 3.9) than", "good", "check"),
        (judged("no difference", 0.3, -1.2, 1.8), "made no difference\n0.3 points better (-1.2 to 1.8)", "neutral", "minus"),
        (judged("no difference", -0.3, -1.8, 1.2), "made no difference\n0.3 points worse (-1.2 to 1.8)", "neutral", "minus"),
        (judged("hurt", -1.8, -3.4, -0.2), "hurt\n1.8 points worse (0.2 to 3.4) than", "warn", "warning"),
    ],
)  # fmt: skip
def test_each_verdict_has_words_and_an_icon_of_its_own(
    page: TrainPage, bench: Bench, said: events.MoveJudged, words: str, tone: str, icon: str
) -> None:
    run = take(bench, RunModel.replay(story(ending=False, trial=0)[:600]))
    run.apply(msgspec.structs.replace(said, step=run.history.moves[-1].step))
    run.flush()
    assert verdict(page).startswith(f"Unfreezing the top {words}")
    row = page.layers_card.verdict
    assert (row.icon._tone, row.icon._icon) == (tone, icon)
    assert "9 are right only with it and 4 only without it: 93.0 % against" in row.toolTip()


def test_undo_goes_back_and_is_shown_as_done(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    one = played(bench, 8, trial=3)
    page.actions_of_run.ask_move("unfreeze", 1)
    one.epoch(12)
    assert one.run.trainable_parameters == TOP + HEADS
    undo = page.layers_card.verdict.undo
    qtbot.mouseClick(undo, LEFT)
    qtbot.mouseClick(undo, LEFT)
    assert bench.sent[1:] == [commands.Undo()], "once, and without a question"
    one.run.flush()
    assert not undo.isEnabled() and "The run is being taken back." in undo.toolTip()
    one.until(lambda event: isinstance(event, events.LayersChanged))
    assert one.run.trainable_parameters == HEADS and one.run.history.last_epoch == 8
    assert verdict(page).startswith(
        "Taken back: the top is frozen again\nThe run goes on from epoch 8, as it was there."
    )
    assert undo.isHidden()
    page.plots._redraw()
    loss = page.plots.plots["loss"]
    assert [list(ghost.epochs) for ghost in loss.ghosts] == [
        [e for e in one.said if isinstance(e, events.EpochEnded)][7:12]
    ]
    assert loss.marks[-1][1] == "top unfrozen, taken back"
    one.epoch(10)
    page.plots._redraw()
    assert one.run.history.last_epoch == 10 and page.plots.curves.epochs[-1] == 10
    page.actions_of_run.ask_move("unfreeze", 1)
    one.until(lambda event: isinstance(event, events.LayersChanged))
    assert verdict(page).startswith("Waiting for the verdict")


def test_ctrl_z_takes_back(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    assert run.undo_step is not None
    page.window().activateWindow()
    qtbot.waitUntil(page.window().isActiveWindow)
    qtbot.keyClick(page.window(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert bench.sent == [commands.Undo()]


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (lambda: until_epoch(5), "Nothing was unfrozen or frozen that could be taken back."),
        (lambda: RunModel.replay(TOLD), "Training is over. Extend the run to go on; then it can be taken back."),
        (lambda: RunModel.replay(story(stop_at=9.5)), "Training is over."),
        (lambda: RunModel.replay(story(ending=False)), "Training does not run now. Continue the run first."),
    ],
)
def test_an_undo_that_cannot_be_pressed_says_why(page: TrainPage, bench: Bench, run: Any, why: str) -> None:
    take(bench, run())
    undo = page.layers_card.verdict.undo
    assert undo.isHidden() or (not undo.isEnabled() and why in undo.toolTip())
    assert page.actions_of_run.undo.reason == why
    page.actions_of_run.ask_undo()
    assert bench.sent == []


def test_a_move_by_itself_says_so_and_can_be_taken_back(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(5))
    layers = next(event for event in TOLD if isinstance(event, events.LayersChanged) and event.reason == "unfreeze")
    run.apply(msgspec.structs.replace(layers, step=120, by_itself=True, undo_step=120))
    run.flush()
    assert verdict(page) == (
        "The top unfrozen by itself\nAt epoch 5.5.\nUndo: back to epoch 5.5, as it was (38 MB on disk)."
    )
    assert run.marks[-1].text == "top unfrozen by itself"


def test_a_verdict_that_will_not_come_is_not_waited_for(page: TrainPage, bench: Bench) -> None:
    one = played(bench, 8, trial=3)
    page.actions_of_run.ask_move("unfreeze", 1)
    run = one.until(lambda event: isinstance(event, events.LayersChanged))
    assert run.layers is not None
    run.apply(events.Notice(code="not_judged", message="The unfreezing of the top is not judged: the plan changed."))
    lines = len(run.log)
    run.apply(msgspec.structs.replace(run.layers, reason="verdict", judged_after=None))
    run.flush()
    assert verdict(page).startswith("The top unfrozen\nAt epoch 8.") and len(run.log) == lines
    assert page.layers_card.verdict.undo.isEnabled()


def test_a_run_that_ends_before_the_verdict_does_not_wait_for_it(page: TrainPage, bench: Bench) -> None:
    take(bench, RunModel.replay(story(unfreeze_at=8.5, stop_at=9.5, trial=3)))
    assert verdict(page).startswith("The top unfrozen\nThe run ended before it could be judged.")


def test_live_and_replayed_give_the_same_picture_after_an_undo(page: TrainPage, bench: Bench) -> None:
    said = story(trial=3, answer=0.91, chosen="fine-tune-top", undo_at=12.3)
    live = RunModel()
    for event in said:
        live.apply(event)
    seen = []
    for run in (live, RunModel.replay(said)):
        take(bench, run)
        page.plots._redraw()
        seen.append([widget.grab().toImage() for widget in
                     (*page.plots.cards.values(), page.layers_card, page.status_card.facts)])  # fmt: skip
    assert seen[0] == seen[1]


# -- what is said before and beside -------------------------------------------------------------------------------


def test_the_first_answer_is_said_and_drawn(page: TrainPage, bench: Bench) -> None:
    run = take(bench, RunModel.replay(story(answer=0.91)))
    assert page.status_card.facts.text() == (
        "As it is, the network already recognises about 91 % (89 to 93) of your images; guessing reaches 54 %."
    )
    accuracy = page.plots.plots["accuracy"]
    page.plots._redraw()
    assert accuracy.reference == (0.91, "the network as it is") and page.plots.plots["loss"].reference is None
    assert "the network as it is 91.0 %" in accuracy.accessibleName()
    assert "before anything is trained" in accuracy.toolTip() and run.first_answer is not None
    page.plots.icons["accuracy"][0].click()
    menu = page.plots.menu
    assert menu is not None
    menu.actions()[-1].trigger()
    menu.close()
    assert accuracy.reference is None


def test_a_first_answer_over_fewer_classes_than_the_runs_is_said_so_and_not_drawn(
    page: TrainPage, bench: Bench
) -> None:
    """A run that learns two new classes asks its new images alone; its own curve is of all classes, which is harder."""
    fewer = [
        msgspec.structs.replace(one, classes=2, of_classes=7) if isinstance(one, events.FirstAnswered) else one
        for one in story(answer=0.91)
    ]
    run = take(bench, RunModel.replay(fewer))
    assert page.status_card.facts.text() == (
        "As it is, the network already recognises about 91 % (89 to 93) of your images, among the 2 classes that they show; "
        "the model tells 7 apart; guessing reaches 54 %."
    )
    page.plots._redraw()
    accuracy = page.plots.plots["accuracy"]
    assert accuracy.reference is None and "before anything is trained" not in accuracy.toolTip()
    page.plots.icons["accuracy"][0].click()
    menu = page.plots.menu
    assert menu is not None and not [one for one in menu.actions() if one.isCheckable()]
    menu.close()
    assert run.first_answer is not None and run.first_answer.sentence().endswith("; the model tells 7 apart.")


def test_a_run_without_a_first_answer_says_nothing_of_it(page: TrainPage, bench: Bench) -> None:
    take(bench, until_epoch(3))
    assert page.status_card.facts.isHidden() and page.plots.plots["accuracy"].reference is None


def test_what_auto_became_and_why_can_be_read(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    one = Played(bench, answer=0.91, chosen="fine-tune-top")
    one.until(lambda event: isinstance(event, events.FirstAnswered))
    take(bench, one.run)
    assert "What learns is decided when the network has seen them." in texts(page)
    assert page.status_card.facts.why.isHidden()
    one.until(lambda event: isinstance(event, events.StrategyChosen))
    assert "Fine-tune the top layers with EfficientNet-Lite0 on 673 images. The epoch" in texts(page)
    facts = page.status_card.facts
    assert "was chosen" not in facts.text() and "layers are worth adapting only at the top" in facts.why.toolTip()
    qtbot.mouseClick(facts.why, LEFT)
    assert facts.text().endswith(
        "Fine-tune the top layers was chosen. The network as it is recognises so many that its layers are worth adapting "
        "only at the top."
    )
    qtbot.mouseClick(facts.why, LEFT)
    assert "was chosen" not in facts.text()


def test_a_full_disk_says_that_nothing_is_lost_and_continues(qtbot: QtBot, page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(5))
    run.apply(events.Notice(code="disk_full", message="The disk is full. Free some space, then continue."))
    run.apply(events.Paused(step=120))
    run.flush()
    (banner,) = banners(page)
    assert banner.accessibleName() == "The disk is full Free some space, then continue: nothing is lost."
    assert page.status_card.text().startswith("Waiting at epoch 6 of 20, the disk is full")
    (button,) = [one for one in banner.findChildren(Button) if one.isVisible()]
    assert button.plain_text == "Continue"
    qtbot.mouseClick(button, LEFT)
    assert bench.sent == [commands.Continue()]
    run.apply(events.Continued(step=120))
    run.flush()
    assert banners(page) == []


def test_a_pause_by_hand_says_nothing_of_the_disk(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(5))
    run.apply(events.Notice(code="disk_full", message="The layers were not unfrozen: the disk is full."))
    for event in [e for e in TOLD if isinstance(e, events.BatchEnded) and e.epoch == 6][5:7]:
        run.apply(event)
    run.apply(events.Paused(step=120))
    run.flush()
    assert banners(page) == []


def test_notices_that_matter_stay_in_one_quiet_line(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(5))
    for code, message in (("imbalance", "A is rare."), ("greeting", "Hello."), ("smaller_pieces", "In halves."),
                          ("smaller_pieces", "In quarters.")):  # fmt: skip
        run.apply(events.Notice(code=code, message=message))
    run.flush()
    assert page.status_card.facts.text() == "In quarters.\nand 1 more"
    assert page.status_card.facts.notice.toolTip() == "In quarters.\nA is rare."
    assert [line.split(" · ")[1] for line in run.log[-4:]] == ["A is rare.", "Hello.", "In halves.", "In quarters."]


@pytest.mark.parametrize(
    ("button", "sent", "dialog"),
    [
        ("unfreeze", [commands.PlanMove()], MoveDialog),
        ("undo", [commands.Undo()], None),
        ("stop", [commands.Stop()], None),
        ("extend", [], ExtendDialog),
        ("rates", [commands.SetLearningRate(group="head", rate=1e-4), commands.SetLearningRate(group="top", rate=1e-5)], None),
    ],
)  # fmt: skip
def test_the_coach_says_one_sentence_and_its_button_does_what_it_says(
    page: TrainPage, bench: Bench, monkeypatch: pytest.MonkeyPatch, button: Any, sent: list[Any], dialog: Any
) -> None:
    said = Coaching(rule="r", sentence="The validation loss rises.", evidence="0.21 to 0.27 in 6 epochs.", button=button,
                    rates={"head": 1e-4, "top": 1e-5} if button == "rates" else {}, epochs=8)  # fmt: skip
    monkeypatch.setattr("tlgui.gui.coached.coach", lambda facts: said)
    run = take(bench, until_epoch(14))
    assert page.coach_line.accessibleName() == "The validation loss rises. 0.21 to 0.27 in 6 epochs."
    assert page.coach_line.button is not None
    page.coach_line.button.click()
    assert bench.sent == sent
    if dialog is not None:
        (opened,) = page.findChildren(dialog)
        assert button != "extend" or opened.number.value() == 8
        opened.reject()
    monkeypatch.setattr("tlgui.gui.coached.coach", lambda facts: None)
    for event in [e for e in TOLD if isinstance(e, events.EpochEnded) and e.epoch == 15]:
        run.apply(event)
    run.flush()
    assert page.coach_line.isHidden()


def test_the_coach_is_asked_once_for_each_thing_that_happens(
    page: TrainPage, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("tlgui.gui.coached.coach", asked.append)
    run = take(bench, until_epoch(14))
    for event in [e for e in TOLD if isinstance(e, events.BatchEnded) and e.epoch == 15][5:15]:
        run.apply(event)
        run.flush()
    assert len(asked) == 1
    facts = asked[0]
    assert (facts.classes, facts.train_images, facts.validation_images, facts.epochs_planned) == (3, 673, 210, 20)
    assert facts.moved_at == 187 and facts.allowed >= {"unfreeze", "undo", "stop", "extend", "rates"}


@pytest.mark.parametrize(
    ("training", "comes"),
    [
        (Training(unfreezing="never"), False),
        (Training(unfreezing="plateau"), True),
        (Training(unfreezing="schedule", unfreeze_at=[3, 30]), True),
        (Training(unfreezing="schedule", unfreeze_at=[3, 6]), False),
        (None, False),
    ],
)
def test_the_coach_knows_whether_layers_still_join_in_by_themselves(training: Training | None, comes: bool) -> None:
    run = until_epoch(8)
    assert facts_of(run, training).more_by_itself == comes
    layers = next(event for event in TOLD if isinstance(event, events.LayersChanged) and event.reason == "unfreeze")
    step = run.epochs[-1].step
    run.apply(msgspec.structs.replace(layers, step=step, by_itself=True, undo_step=step))
    assert facts_of(run, training).moved_by_itself
    run.apply(events.Undone(to_step=step, to_epoch=8, from_step=step, from_epoch=8, best_epoch=8))
    assert not facts_of(run, training).more_by_itself, "not after such a move was taken back"


def test_the_plan_of_auto_follows_what_was_chosen() -> None:
    chosen = events.StrategyChosen(strategy="fine-tune-top", top_groups=2, by="images", sentence="", epochs=15)
    training = decided(RunSpec(training=Training(strategy="auto", epochs=7)), chosen).training
    row = STRATEGIES["fine-tune-top"]
    assert (training.strategy, training.top_groups, training.epochs) == ("fine-tune-top", 2, 7)
    assert (training.head_learning_rate, training.top_learning_rate) == (row.head_learning_rate, row.top_learning_rate)
    by_hand = RunSpec(training=Training(strategy="from-scratch"))
    assert decided(by_hand, chosen) is by_hand


def test_why_layers_transfer_needs_the_images(page: TrainPage, bench: Bench) -> None:
    bench.data = None
    take(bench, until_epoch(5))
    why = page.layers_card.why
    assert not why.isEnabled() and "The images of this run are not where they were" in why.toolTip()
    bench.data = Path("images")
    bench.images_found.emit()
    assert why.isEnabled()


@pytest.mark.parametrize(("width", "height"), [(964, 700), (900, 540), (1064, 800)])
def test_nothing_is_too_wide_when_everything_is_said(
    qtbot: QtBot, bench: Bench, monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    said = Coaching(rule="r", sentence="The validation loss rises while the training loss falls.", button="rates",
                    evidence="From 0.213 to 0.268 over 6 epochs, more than their scatter.", rates={"head": 1e-4})  # fmt: skip
    monkeypatch.setattr("tlgui.gui.coached.coach", lambda facts: said)
    page = shown(qtbot, bench, width, height)
    one = played(bench, 8, trial=2, answer=0.91, chosen="progressive-unfreezing")
    page.actions_of_run.ask_move("unfreeze", 3)
    run = one.epoch(12)
    run.apply(events.Notice(code="smaller_pieces", message="A batch is worked through in two pieces. " * 6))
    run.flush()
    QApplication.processEvents()
    assert page.window().width() == width and page.too_wide() == 0
    for shown_widget in (page.coach_line, page.layers_card.verdict, page.status_card.facts, page.layers_card.why):
        assert shown_widget.isVisible()
        parent = shown_widget.parentWidget()
        assert parent is not None and shown_widget.geometry().right() <= parent.rect().right()
    background.shut_down()


def test_the_fields_of_the_plan_have_names_and_tab_reaches_them(page: TrainPage, bench: Bench) -> None:
    run = take(bench, until_epoch(14))
    page.open_plan("unfreeze")
    dialog = plan(page)
    run.apply(told())
    run.flush()
    assert [field.accessibleName() for field in dialog.peaks.fields.values()] == ["Highest learning rate of block 5"]
    for button in dialog.findChildren(Button):
        assert button.accessibleName() and button.toolTip()
    assert dialog.do.isDefault()


# -- at any moment ------------------------------------------------------------------------------------------------


def _surface(page: TrainPage) -> QWidget:
    return next((one for one in page.findChildren(QDialog) if one.isVisible()), page)


def _menu_actions(page: TrainPage, chance: random.Random) -> list[QAction]:
    page.ladder.open_menu(chance.randrange(len(page.ladder.rungs)))
    menu = page.ladder.menu
    assert menu is not None
    actions = [action for action in menu.actions() if not action.isSeparator()]
    menu.hide()
    return actions


def test_whatever_is_clicked_whenever_the_page_does_it_or_says_why_not(
    page: TrainPage, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G22: 500 events and clicks, in the page and its dialogs; the engine is never sent what means nothing."""
    chance = random.Random(11)
    # Files and the menu of the zoom are no matter of the run.
    spared = {page.plots.icons[kind][place] for kind in page.plots.icons for place in (0, 1)} | {page.notes}
    monkeypatch.setattr("tlgui.gui.pages.train_page.LayersDialog", lambda bench, parent: Dialog("Layers", "", parent))
    clicked = refused = heard = 0

    def click() -> None:
        nonlocal clicked, refused
        surface = _surface(page)
        clicked += 1
        if surface is page and page.ladder.rungs and chance.random() < 0.25:
            chance.choice(_menu_actions(page, chance)).trigger()
            return
        buttons = [one for one in surface.findChildren(QAbstractButton)
                   if one.isVisible() and one not in spared and one.window() is surface.window()]  # fmt: skip
        if not buttons:
            assert isinstance(surface, QDialog)
            surface.reject()
            return
        stop = page.buttons["stop"]
        buttons = [one for one in buttons if one is not stop or chance.random() < 0.1]
        button = chance.choice(buttons)
        refused += not button.isEnabled()
        QTest.mouseClick(button, LEFT)

    def obey(wait: bool) -> dict[str, Any] | None:
        while wait and one._obeyed == len(bench.sent):
            click()
            one.run.flush()
        if one._obeyed == len(bench.sent) or (not wait and chance.random() < 0.5):
            return None
        one._obeyed += 1
        return json.loads(msgspec.json.encode(bench.sent[one._obeyed - 1]))  # type: ignore[no-any-return]

    while heard + clicked < 500:
        bench.sent.clear()
        bench.asked.clear()
        one = Played(bench, epochs=chance.randint(3, 8), batches=chance.randint(2, 4), trial=2)
        one._told = FakeRun({"run": "/runs/a"}, DEFAULTS | {"epochs": chance.randint(3, 8), "batches": 3,
                                                            "trial": 2}).events(obey)  # fmt: skip
        take(bench, one.run)
        for said in one._told:
            event = events.decode(json.dumps(said))
            assert not (isinstance(event, events.Notice) and event.code in
                        ("nothing_to_move", "nothing_to_undo", "rate_not_set")), "sent what means nothing"  # fmt: skip
            one.run.apply(event)
            one.run.flush()
            heard += 1
            if chance.random() < 0.5:
                click()
                one.run.flush()
            trains = {group.name for group in one.run.groups if group.trainable}
            assert {rung.layer_group for rung in page.ladder.rungs if rung.state == "learning"} == trains or not trains
            undo = page.layers_card.verdict.undo
            assert undo.isEnabled() == (not one.run.reason_against("undo")) or undo.isHidden()
        assert one.run.state in ENDED
        for dialog in (one for one in page.findChildren(QDialog) if one.isVisible()):
            dialog.reject()
    assert clicked > 150 and refused > 10 and foot(page)
    QApplication.processEvents()
