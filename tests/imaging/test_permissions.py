"""Folders and files that may not be read: root may read everything, so the scan runs under another user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system has no users in the Unix sense")

# Imported while still root: the interpreter itself may lie where the other user cannot go.
PROGRAM = """
import json, os, sys
from pathlib import Path
from tlgui.core.errors import UserError
from tlgui.imaging.scan import scan_folder
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    scan = scan_folder(Path(sys.argv[1]))
    answer = {"used": [record.path for record in scan.used],
              "left_out": {left.path: [left.reason_code, left.reason] for left in scan.left_out},
              "warnings": {warning.code: warning.message for warning in scan.warnings}}
except UserError as error:
    answer = {"problem": error.problem, "remedy": error.remedy}
sys.stdout.write(json.dumps(answer))
"""


def scan_as_another(root: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(root)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    return dict(json.loads(done.stdout))


@pytest.fixture
def root(classes: Callable[..., dict[str, bytes]]) -> Iterator[Path]:
    # Not below tmp_path: pytest makes that for its own user alone.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = Path(folder) / "photos"
        for path, content in classes("a", "b").items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        yield root
        for path in [root, *root.rglob("*")]:
            path.chmod(0o755)


def test_a_folder_that_cannot_be_opened_is_named_and_the_rest_is_used(root: Path) -> None:
    (root / "a/private").mkdir()
    (root / "a/private/x.png").write_bytes(b"x")
    (root / "a/private").chmod(0)
    answer = scan_as_another(root)
    assert len(answer["used"]) == 24
    assert list(answer["warnings"]) == ["unreadable_folder"]
    assert "a/private (permission denied)" in answer["warnings"]["unreadable_folder"]


def test_a_file_that_cannot_be_opened_is_left_out(root: Path) -> None:
    (root / "b/00.png").chmod(0)
    answer = scan_as_another(root)
    assert answer["left_out"] == {"b/00.png": ["unreadable", "The file cannot be read (permission denied)."]}
    assert len(answer["used"]) == 23


def test_files_in_a_folder_that_may_be_listed_but_not_entered(root: Path) -> None:
    (root / "b").chmod(0o444)
    answer = scan_as_another(root)
    assert "Only one class with usable images" in answer["problem"]


def test_a_root_that_cannot_be_opened_is_an_error_with_a_remedy(root: Path) -> None:
    root.chmod(0)
    answer = scan_as_another(root)
    assert answer["problem"] == "The folder 'photos' cannot be read (permission denied)."
    assert answer["remedy"].startswith("Ask for permission")


def test_nothing_but_unreadable_folders(root: Path) -> None:
    for folder in ("a", "b"):
        (root / folder).chmod(0)
    assert scan_as_another(root)["problem"].startswith("Nothing in 'photos' can be read: ")
