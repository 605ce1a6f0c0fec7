"""Nobody is told that this program runs, or from where: ONNX Runtime would leave a number and a note in the home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tlgui.core.paths import resource

PROGRAM = "import tlgui.engine, onnxruntime"
SCRIPT = f"import runpy; runpy.run_path({str(resource('export/onnx_model.py'))!r})"


@pytest.mark.parametrize("code", [PROGRAM, SCRIPT], ids=["program", "exported script"])
def test_onnx_runtime_leaves_nothing_in_the_home_folder(tmp_path: Path, code: str) -> None:
    known = {name: text for name, text in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    known |= {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")}
    subprocess.run([sys.executable, "-c", code], check=True, env=known, timeout=60)
    assert list(tmp_path.rglob("*")) == []
