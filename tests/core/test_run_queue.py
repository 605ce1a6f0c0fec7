"""The list of runs that wait: order, marks, and a file that survives."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlgui.core import run_queue
from tlgui.core.paths import state_dir
from tlgui.core.run_queue import Queue, Queued


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLGUI_STATE_DIR", str(tmp_path / "state"))


def queue(names: str, failed: str = "") -> Queue:
    return tuple(Queued(run=name, data="/d", problem="Gone." if name in failed else "") for name in names)


def names(entries: Queue) -> str:
    return "".join(one.run for one in entries)


def test_the_list_is_there_after_a_restart() -> None:
    assert run_queue.read() == ()
    run_queue.change(lambda entries: run_queue.added(entries, Queued(run="/r/1", data="/d", name="cells", method="m")))
    run_queue.change(lambda entries: run_queue.added(entries, Queued(run="/r/2", data="/d", weights_file="/w.pth")))
    assert [(one.run, one.name, one.weights_file) for one in run_queue.read()] == [
        ("/r/1", "cells", ""),
        ("/r/2", "", "/w.pth"),
    ]


def test_a_run_is_there_once_and_can_stand_before_all_others() -> None:
    assert names(run_queue.added(queue("ab"), Queued(run="a", data="/d"))) == "ba"
    assert names(run_queue.added(queue("ab"), Queued(run="c", data="/d"), first=True)) == "cab"
    assert names(run_queue.removed(queue("abc"), "b")) == "ac"


def test_failed_ones_keep_their_place_and_do_not_wait() -> None:
    entries = run_queue.failed(queue("abc"), queue("b")[0], "The images are gone.")
    assert names(entries) == "abc" and names(tuple(run_queue.waiting(entries))) == "ac"
    assert entries[1].problem == "The images are gone." and not entries[1].waits
    assert not run_queue.failed((), queue("x")[0], "")[0].waits, "also where nothing was said"
    assert names(run_queue.moved(entries, "c", -1)) == "cba"


@given(st.integers(1, 6), st.data())
def test_moving_changes_the_order_alone(count: int, data: st.DataObject) -> None:
    """Against taking it out and counting the places of those that wait."""
    letters = "abcdef"[:count]
    failed = data.draw(st.sets(st.sampled_from(letters)))
    entries = queue(letters, "".join(failed))
    run, by = data.draw(st.sampled_from(letters)), data.draw(st.integers(-7, 7))
    after = run_queue.moved(entries, run, by)
    assert sorted(names(after)) == sorted(letters)
    assert [one.run for one in after if not one.waits] == [one.run for one in entries if not one.waits]
    before, now = [one.run for one in run_queue.waiting(entries)], [one.run for one in run_queue.waiting(after)]
    if run in failed:
        assert after == entries
        return
    assert now.index(run) == min(max(before.index(run) + by, 0), len(before) - 1)
    assert [name for name in now if name != run] == [name for name in before if name != run]


def test_a_damaged_file_costs_what_is_damaged() -> None:
    (state_dir() / run_queue.FILE).write_text('{"runs": [{"run": "/r/1", "data": "/d"}, {"run": 3}, "x"]}')
    assert names(run_queue.read()) == "/r/1"
    (state_dir() / run_queue.FILE).write_text("{no")
    assert run_queue.read() == ()


def test_two_windows_lose_nothing_of_each_other() -> None:
    def add(letters: str) -> None:
        for name in letters:
            run_queue.change(lambda entries, name=name: run_queue.added(entries, Queued(run=name, data="/d")))

    threads = [threading.Thread(target=add, args=(letters,)) for letters in ("abcdef", "uvwxyz")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(run_queue.read())) == sorted("abcdefuvwxyz")


def test_how_many_wait_in_words() -> None:
    assert (run_queue.words(1), run_queue.words(2)) == ("1 run waits", "2 runs wait")
