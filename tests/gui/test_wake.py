"""Sleep is held off while training, and the page can say so; where it cannot be, that is said and no error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import wakepy
from pytestqt.qtbot import QtBot

from tlgui.gui.wake import HELD_OFF, Wakefulness


@pytest.fixture
def wake(qtbot: QtBot) -> Iterator[Wakefulness]:
    wake = Wakefulness()
    yield wake
    wake.shut_down()


def test_it_says_that_sleep_is_held_off_until_training_is_over(
    qtbot: QtBot, wake: Wakefulness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "yes")

    with qtbot.waitSignal(wake.changed) as said:
        wake.begin()
        wake.begin()
    assert said.args == [HELD_OFF] and wake.text == "Sleep is held off while training."

    with qtbot.waitSignal(wake.changed):
        wake.end()
    assert wake.text == ""


def test_a_system_that_cannot_is_named_and_no_error(
    qtbot: QtBot, wake: Wakefulness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "no")
    monkeypatch.setattr(wakepy.keep, "running", lambda **options: wakepy.Mode([], name="none", on_fail="pass"))

    with qtbot.waitSignal(wake.changed):
        wake.begin()

    assert wake.text.startswith("This computer may fall asleep: ")
    assert wake.text.endswith(" The run goes on where it was after waking.")


def test_a_library_that_breaks_is_no_error_either(
    qtbot: QtBot, wake: Wakefulness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**options: Any) -> None:
        raise RuntimeError("no bus")

    monkeypatch.setattr(wakepy.keep, "running", broken)

    with qtbot.waitSignal(wake.changed):
        wake.begin()

    assert wake.text == (
        "This computer may fall asleep: the system refused it. The run goes on where it was after waking."
    )


def test_an_answer_that_comes_after_the_end_is_not_shown(
    qtbot: QtBot, wake: Wakefulness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "yes")
    wake.begin()
    wake.shut_down()

    qtbot.wait(1)

    assert wake.text == ""
