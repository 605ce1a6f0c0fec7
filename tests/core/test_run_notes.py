"""A person's notes: kept whole, theirs alone, and never in the way of a run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tlgui.core import atomic, run_notes
from tlgui.core.errors import UserError
from tlgui.core.run_folder import create, new_path
from tlgui.core.run_spec import RunSpec
from tlgui.core.runs import list_runs, summary_of


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return create(new_path(tmp_path, "efficientnet-lite0", "auto", datetime(2026, 11, 26, 9, 0)), RunSpec()).path


def test_notes_come_back_as_they_were_written(run: Path) -> None:
    assert run_notes.read(run) == ""
    text = "Größer als letztes Mal\n\n  eingerückt 🧪\n"
    run_notes.write(run, text)
    assert run_notes.read(run) == text
    assert [path.name for path in run.glob("notes*")] == ["notes.txt"], "no half file beside it"


def test_notes_without_words_leave_no_file(run: Path) -> None:
    run_notes.write(run, "x")
    run_notes.write(run, " \n ")
    assert not (run / "notes.txt").exists()
    run_notes.write(run, "")


def test_notes_of_another_editor_can_be_read(run: Path) -> None:
    (run / "notes.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo \xff")
    assert run_notes.read(run) == "one\ntwo �"


def test_where_nothing_can_be_written_the_sentence_says_so(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    run_notes.write(run, "before")
    monkeypatch.setattr(atomic, "write_text", full)
    with pytest.raises(UserError, match="The notes cannot be kept in the run folder: No space left on device"):
        run_notes.write(run, "after")
    assert run_notes.read(run) == "before"


def test_notes_that_are_a_folder_are_a_sentence_and_no_fault(run: Path) -> None:
    (run / "notes.txt").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        run_notes.read(run)
    assert run_notes.glance(run) == ""
    assert summary_of(run).note == ""


def test_the_list_of_runs_holds_their_beginning(run: Path) -> None:
    run_notes.write(run, "\n  Second try, deeper \nmore\n" + "x" * 10_000)
    (found,) = list_runs([run])
    assert found.note.startswith("Second try, deeper \nmore") and len(found.note) < 5_000
    assert run_notes.first_line(found.note) == "Second try, deeper"
    assert run_notes.first_line(" \n") == ""


def test_a_cut_letter_at_the_end_of_the_glance_is_left_out(run: Path) -> None:
    run_notes.write(run, "ä" * 4_000)
    assert set(run_notes.glance(run)) == {"ä"}
