"""Runs that wait for their turn: queued, begun one after another, kept over a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import CELLS, Bench, epoch, make_run, run_started
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events, run_queue
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Refused
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_queue import Queued
from tlgui.gui import queue_desk
from tlgui.gui.closing import Closing, shut_down, what_waits
from tlgui.gui.pages.start.queue_section import QueueSection
from tlgui.gui.rail_queue import QueueEntry
from tlgui.gui.settings import Settings

DONE = events.Completed(message="Done.", best_epoch=1)
FAILED = events.Failed(problem="The images are gone.", remedy="Bring them back.")


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def trains(bench: Bench) -> list[str]:
    return [job.run for job in bench.fake_engine.jobs if isinstance(job, commands.Train)]


def set_up_another(bench: Bench, images: Path, epochs: int) -> None:
    """A run trains; the person sets up another one beside it."""
    bench.found(images)
    bench.draft.set_training("epochs", epochs)


def queue(bench: Bench, images: Path, qtbot: QtBot, epochs: int) -> Path:
    set_up_another(bench, images, epochs)
    before = len(bench.queue.waiting)
    bench.queue_run()
    path = bench.prepared()
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == before + 1)
    return path


def test_a_run_can_be_queued_while_another_one_trains(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.found(images)
    assert bench.reason_against_queue() == "No training is at work: this one can begin at once."
    first = bench.started(images)
    assert bench.reason_against_queue() == "This run began already. Set up a new one from it."

    set_up_another(bench, images, 3)
    assert bench.reason_against_start() and not bench.reason_against_queue()
    bench.queue_run()
    assert bench.reason_against_queue() == "A run folder is being made. It takes a moment."
    bench.queue_run()
    second = bench.prepared()
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 1)

    assert len(bench.fake_imaging.prepared) == 2, "a second press makes no second run"
    assert trains(bench) == [str(first)], "it waits"
    assert bench.queue.sentence == "1 run waits. It begins when the training that is at work has ended."
    assert RunFolder(second).spec().training.epochs == 3
    assert run_queue.read()[0].run == str(second)


def test_what_is_changed_after_it_was_queued_is_another_runs(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    second = queue(bench, images, qtbot, epochs=3)
    assert bench.reason_against_queue() == "This run waits in the queue. Change something to queue another one."
    bench.draft.set_training("epochs", 9)
    assert bench.reason_against_queue() == ""
    assert RunFolder(second).spec().training.epochs == 3


def test_the_folder_of_a_new_site_is_queued_too(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    queue(bench, images, qtbot, epochs=3)
    bench.draft.set_target(images / "clinic b")
    assert bench.reason_against_queue() == ""
    bench.queue_run()
    bench.prepared()
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 2)
    assert bench.fake_imaging.targets == [None, None, images / "clinic b"]

    assert bench.reason_against_queue().startswith("This run waits in the queue.")
    bench.draft.set_target(images / "clinic c")
    assert bench.reason_against_queue() == "", "another site makes it another run"


@pytest.mark.parametrize("ending", [DONE, events.Stopped(best_epoch=1), FAILED, events.Crashed(cause="signal 9")])
def test_the_next_one_begins_however_the_one_before_ended(
    bench: Bench, images: Path, qtbot: QtBot, ending: events.Ending
) -> None:
    first = bench.started(images)
    second, third = queue(bench, images, qtbot, 3), queue(bench, images, qtbot, 4)
    with qtbot.waitSignal(bench.run_changed):
        bench.fake_engine.say(ending)
    qtbot.waitUntil(lambda: trains(bench) == [str(first), str(second)])
    assert bench.training_folder is not None and bench.training_folder.path == second
    qtbot.waitUntil(lambda: [one.run for one in bench.queue.waiting] == [str(third)])
    job = bench.fake_engine.jobs[-1]
    assert isinstance(job, commands.Train) and job.data == str(images)


def test_a_queued_run_that_fails_is_marked_and_the_next_one_begins(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    second, third = queue(bench, images, qtbot, 3), queue(bench, images, qtbot, 4)
    bench.fake_engine.say(DONE)
    qtbot.waitUntil(lambda: len(trains(bench)) == 2)
    bench.fake_engine.say(run_started(second), FAILED)
    qtbot.waitUntil(lambda: trains(bench)[-1] == str(third))
    qtbot.waitUntil(lambda: [(one.run, one.problem) for one in bench.queue.entries] == [(str(second), FAILED.problem)])
    bench.fake_engine.say(run_started(third), DONE)
    qtbot.wait(30)
    assert len(trains(bench)) == 3, "a failed one is not tried again by itself"


def test_the_run_that_is_shown_stays_shown_when_the_next_one_begins(bench: Bench, images: Path, qtbot: QtBot) -> None:
    first = bench.started(images)
    queue(bench, images, qtbot, 3)
    bench.show_training()
    bench.fake_engine.say(DONE)
    qtbot.waitUntil(lambda: len(trains(bench)) == 2)
    assert bench.run_folder is not None and bench.run_folder.path == first
    assert bench.run is not bench.training_run


def test_a_queue_from_before_begins_only_when_it_is_told_to(bench: Bench, images: Path, qtbot: QtBot) -> None:
    path = make_run()
    run_queue.change(lambda entries: run_queue.added(entries, Queued(run=str(path), data=str(images), name="cells")))
    bench.wake()
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 1)
    qtbot.wait(30)
    assert trains(bench) == [] and not bench.queue.busy
    assert bench.queue.sentence == "1 run waits. It was queued before. It begins when you say so."
    section = QueueSection(bench)
    qtbot.addWidget(section)
    section.show()
    assert section.title() == "1 run waits" and section.begin.plain_text == "Begin it"

    section.begin.click()
    qtbot.waitUntil(lambda: bench.training_folder is not None and bench.training_folder.path == path)
    qtbot.waitUntil(lambda: run_queue.read() == ())


def test_a_run_whose_images_are_gone_is_marked(bench: Bench, tmp_path: Path, images: Path, qtbot: QtBot) -> None:
    gone, there = make_run(), make_run()
    run_queue.change(
        lambda _: (
            Queued(run=str(gone), data=str(tmp_path / "nowhere"), name="cells"),
            Queued(run=str(tmp_path / "no run"), data=str(images)),
            Queued(run=str(there), data=str(images)),
        )
    )
    bench.queue.read()
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 3)
    bench.queue.begin()
    qtbot.waitUntil(lambda: trains(bench) == [str(there)])
    assert [one.problem for one in bench.queue.entries if not one.waits] == [
        "The images of 'cells' are not where they were.",
        "'no run' is not a run folder: it has no run.toml.",
    ]


def test_a_run_that_was_begun_by_hand_meanwhile_is_let_go(bench: Bench, images: Path, qtbot: QtBot) -> None:
    path = make_run(heard=[run_started(Path("x")), epoch(1)])
    run_queue.change(lambda _: (Queued(run=str(path), data=str(images)),))
    bench.queue.read()
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 1)
    bench.queue.begin()
    qtbot.waitUntil(lambda: run_queue.read() == () and not bench.queue.busy)
    assert trains(bench) == []


def test_missing_weights_are_refused_when_the_run_is_queued(bench: Bench, images: Path) -> None:
    bench.started(images)
    set_up_another(bench, images, 3)
    bench.backbones.set_found(
        [
            events.WeightsState(
                backbone="resnet50", state="absent", file_name="r.pth", size_bytes=1, sha256_prefix="", folder="/x"
            )
        ]
    )
    bench.draft.set_backbone("resnet50", download=True)
    assert bench.reason_against_queue() == (
        "Its weights are not on this computer yet. Download them before it is queued."
    )
    bench.queue_run()
    assert len(bench.fake_imaging.prepared) == 1
    bench.draft.set_training("strategy", "from-scratch")
    assert bench.reason_against_queue() == "", "a random start needs no weights"


def test_a_refused_folder_is_said_and_nothing_waits(bench: Bench, images: Path) -> None:
    bench.started(images)
    set_up_another(bench, images, 3)
    bench.queue_run()
    ticket = bench.fake_imaging.prepared[-1][0]
    refused = Refused(ticket=ticket, request="Prepare", problem="The disk is full.", remedy="Free some space.")
    bench.fake_imaging.answered.emit(refused)
    assert bench.problems[-1][0] is refused
    assert bench.queue.waiting == [] and bench.reason_against_queue() == ""


def test_without_an_engine_the_queue_stays_as_it_is(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    runs = [str(queue(bench, images, qtbot, 3)), str(queue(bench, images, qtbot, 4))]
    bench.fake_engine.say(DONE)
    qtbot.waitUntil(lambda: len(trains(bench)) == 2)
    bench.fake_engine.start_failed.emit(UserError("The engine could not start.", "Repair the installation."))
    qtbot.waitUntil(lambda: [one.run for one in bench.queue.waiting] == runs)
    qtbot.wait(30)
    assert len(trains(bench)) == 2 and not bench.queue.goes_on
    assert all(one.waits for one in bench.queue.entries)


def test_order_and_removal_are_kept(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    a, b, c = (str(queue(bench, images, qtbot, epochs)) for epochs in (3, 4, 5))
    section = QueueSection(bench)
    qtbot.addWidget(section)
    section.show()
    assert section.title() == "3 runs wait" and section.begin.isHidden()
    assert not section.rows[0].buttons["earlier"].isEnabled() and not section.rows[2].buttons["later"].isEnabled()

    section.rows[2].buttons["earlier"].click()
    qtbot.waitUntil(lambda: [row.one.run for row in section.rows] == [a, c, b])
    section.rows[0].buttons["remove"].click()
    qtbot.waitUntil(lambda: [row.one.run for row in section.rows] == [c, b])
    assert [one.run for one in run_queue.read()] == [c, b]
    assert Path(a, "run.toml").is_file(), "its folder stays"


def test_the_computer_stays_awake_for_the_queue_and_closing_says_what_waits(
    bench: Bench, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(bench.wakefulness, "begin", lambda: asked.append("begin"))
    monkeypatch.setattr(bench.wakefulness, "end", lambda: asked.append("end"))
    bench.settings.set(keep_awake=True)
    bench.started(images)
    queue(bench, images, qtbot, 3)
    bench.queue.hold(True)
    asked.clear()
    bench.fake_engine.say(DONE)
    assert asked == ["begin"], "between two runs it does not fall asleep"
    assert what_waits(bench) == " 1 run waits after it; the queue is kept and offered again at the next start."
    window = QWidget()
    qtbot.addWidget(window)
    closing = Closing(bench, window)
    assert not closing.may_close() and closing.dialog is not None
    closing.dialog.reject()
    qtbot.waitUntil(lambda: len(trains(bench)) == 2)


def test_nothing_begins_while_the_window_closes(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    second = queue(bench, images, qtbot, 3)
    bench.queue.hold(True)
    bench.fake_engine.say(events.Stopped(best_epoch=1))
    qtbot.wait(40)
    assert len(trains(bench)) == 1
    assert [one.run for one in run_queue.read()] == [str(second)]


def test_the_rail_says_how_many_wait(bench: Bench, images: Path, qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    entry = QueueEntry(bench, parent)
    assert entry.isHidden()
    bench.started(images)
    queue(bench, images, qtbot, 3)
    queue(bench, images, qtbot, 4)
    assert not entry.isHidden() and entry.said == "2 runs wait"
    with qtbot.waitSignal(bench.page_asked) as page:
        entry.click()
    assert page.args == ["start"]


def test_the_summary_of_the_images_comes_with_the_run(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)
    second = queue(bench, images, qtbot, 3)
    bench.fake_engine.say(DONE)
    qtbot.waitUntil(lambda: len(trains(bench)) == 2)
    bench.show_training()
    assert bench.run_folder is not None and bench.run_folder.path == second
    assert bench.draft.summary is not None and [row.name for row in bench.draft.summary.classes] == ["round", "star"]
    assert CELLS.name == "cells" and bench.training_name == "cells"


def test_an_open_question_goes_when_the_queue_goes_on_and_stop_and_close_ends_it(
    bench: Bench, images: Path, qtbot: QtBot
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    closing = Closing(bench, window)
    allowed: list[bool] = []
    closing.allowed.connect(lambda: allowed.append(True))
    first = bench.started(images)
    second, third = queue(bench, images, qtbot, 3), queue(bench, images, qtbot, 4)
    assert not closing.may_close()
    bench.fake_engine.say(DONE)
    qtbot.waitUntil(lambda: len(trains(bench)) == 2)
    assert closing.dialog is None and not allowed, "nobody was there: the next one begins and the window stays"

    bench.fake_engine.say(run_started(second), epoch(1))
    assert not closing.may_close() and closing.dialog is not None
    assert "1 run waits after it" in closing.dialog.findChildren(QLabel)[1].text()
    closing._on_stop()
    bench.fake_engine.say(events.Stopped(best_epoch=1))
    qtbot.waitUntil(lambda: bool(allowed))
    assert trains(bench) == [str(first), str(second)]
    # It is offered at the next start. The list is written beside the window, which closes when that is done.
    qtbot.waitUntil(lambda: [one.run for one in run_queue.read()] == [str(third)])


def test_of_two_windows_one_takes_the_run(
    bench: Bench, images: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look at the same moment: the second finds the list without what the first has taken."""
    bench.started(images)
    second = queue(bench, images, qtbot, 3)
    other = Bench(Settings(tmp_path / "others.toml"))
    looked = queue_desk._next

    def look_in_between() -> object:
        found = looked()
        other.queue._on_next(looked()[0])
        return found

    monkeypatch.setattr(queue_desk, "_next", look_in_between)
    other.queue.goes_on = True
    bench.fake_engine.say(DONE)
    qtbot.waitUntil(lambda: len(trains(bench)) == 2)
    assert trains(bench)[-1] == str(second) and trains(other) == []
    assert run_queue.read() == ()
    shut_down(other)


def test_a_run_that_was_taken_when_another_began_by_hand_waits_on(
    bench: Bench, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.started(images)
    second, third = queue(bench, images, qtbot, 3), queue(bench, images, qtbot, 4)
    taken = bench.queue._on_next

    def by_hand_before(found: object) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(type(bench), "is_training", True)
            taken(found)

    monkeypatch.setattr(bench.queue, "_on_next", by_hand_before)
    with qtbot.waitSignal(bench.run_changed):
        bench.fake_engine.say(DONE)
    qtbot.waitUntil(lambda: not bench.queue._looking and len(run_queue.read()) == 2)
    assert [one.run for one in run_queue.read()] == [str(second), str(third)]


def test_a_run_that_was_taken_as_the_window_closed_is_offered_again(
    bench: Bench, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.started(images)
    second = queue(bench, images, qtbot, 3)
    monkeypatch.setattr(bench.queue, "_on_next", lambda _found: None)  # its answer never comes
    bench.fake_engine.say(DONE)
    qtbot.waitUntil(lambda: run_queue.read() == ())
    qtbot.waitUntil(lambda: bench.queue._taken is not None)
    shut_down(bench)
    assert [one.run for one in run_queue.read()] == [str(second)]
