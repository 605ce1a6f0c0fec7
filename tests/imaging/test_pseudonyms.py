from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tlgui.core.errors import UserError
from tlgui.core.paths import state_dir
from tlgui.imaging.pseudonyms import pseudonym


def test_the_same_words_get_the_same_pseudonym_and_others_another() -> None:
    assert pseudonym("P-17") == pseudonym(" P-17 ") == pseudonym("P-17\0")
    assert len({pseudonym("P-17"), pseudonym("P-18"), pseudonym("P", "-17"), pseudonym("P-1", "7")}) == 4
    assert re.fullmatch("[0-9a-f]{16}", pseudonym("Maker", "", "Müller"))


def test_nothing_to_hide_has_no_pseudonym() -> None:
    assert pseudonym("") == pseudonym("  ", "\0") == ""


def test_another_computer_has_other_pseudonyms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = pseudonym("P-17")
    monkeypatch.setenv("TLGUI_STATE_DIR", str(tmp_path / "elsewhere"))
    assert pseudonym("P-17") != here


def test_several_processes_that_start_at_once_agree_on_one_key() -> None:
    program = "import sys; from tlgui.imaging.pseudonyms import pseudonym; sys.stdout.write(pseudonym('P-17'))"
    children = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(3)
    ]
    words = {child.communicate()[0] for child in children}
    assert words == {pseudonym("P-17")}


@pytest.mark.skipif(os.name == "nt", reason="access rights work in another way there")
def test_nobody_else_may_read_the_key() -> None:
    pseudonym("P-17")
    assert (state_dir() / "key").stat().st_mode & 0o077 == 0


def test_a_damaged_key_is_an_error_with_a_remedy() -> None:
    (state_dir() / "key").write_bytes(b"short")
    with pytest.raises(UserError, match="damaged") as caught:
        pseudonym("P-17")
    assert "Delete the file 'key'" in caught.value.remedy
