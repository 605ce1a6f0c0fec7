from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tlgui.gui import start_check

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")


def test_without_a_screen_it_says_so() -> None:
    assert start_check.problem({}) == (
        "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the window cannot open. "
        "Start tlgui on a desktop, or use the command line: 'tlgui --help' lists what it can do."
    )


def test_a_screen_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_check, "_loads", lambda name: True)
    monkeypatch.setenv("DISPLAY", ":9731")

    assert start_check.problem({"DISPLAY": ":9731"}).startswith("The screen ':9731' that DISPLAY names does not answer")


def test_a_missing_library_is_named_with_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_check, "_loads", lambda name: "libxcb-cursor" not in name and "libqxcb" not in name)

    said = start_check.problem({"DISPLAY": ":0"})

    assert said.startswith("Qt needs system libraries that are missing here: libxcb-cursor.so.0. ")
    assert "sudo apt install libxcb-cursor0; Fedora: sudo dnf install xcb-util-cursor." in said


def test_the_libraries_of_x_are_not_asked_for_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_check, "_loads", lambda name: "xcb" not in name)

    assert start_check.problem({"QT_QPA_PLATFORM": "offscreen"}) == ""
    assert start_check.problem({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}) == ""


def test_the_program_ends_with_one_sentence_instead_of_an_abort(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "tlgui"], capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": "", "HOME": str(tmp_path), "TLGUI_STATE_DIR": str(tmp_path)},
    )  # fmt: skip

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("There is no screen here")
    assert answer.stderr.count("\n") == 1
