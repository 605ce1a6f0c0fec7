from __future__ import annotations

from pathlib import Path

from tlgui.cli.use import _write_csv
from tlgui.core.events import Predicted
from tlgui.gui.pages.use.answers_table import answers_csv


def test_the_window_and_the_command_line_write_one_table_and_no_formula(tmp_path: Path) -> None:
    classes = {"=cmd|' /C calc'!A0": 0.75, "plain": 0.25}
    answers = [
        Predicted(path="-1/a.png", label="=cmd|' /C calc'!A0", probabilities=classes),
        Predicted(path="b.png", label="", probabilities={}, problem="It is empty."),
    ]
    _write_csv(tmp_path / "answers.csv", answers)
    written = (tmp_path / "answers.csv").read_bytes()
    assert written == answers_csv(answers, list(classes))
    assert written.decode().splitlines() == [
        "path,predicted,p_=cmd|' /C calc'!A0,p_plain,problem",
        "'-1/a.png,'=cmd|' /C calc'!A0,0.75,0.25,",
        "b.png,,,,It is empty.",
    ]
