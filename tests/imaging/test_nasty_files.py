"""The verdict on each file of `nasty_files`, in a process of its own with a limit on its memory."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tlgui.imaging.walk import walk

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

CHECKOUT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TLGUI_TEST_DATA") or CHECKOUT.parent / "shared" / "data") / "nasty_files"
MEMORY_BYTES = 4_000_000_000

# Formats of a later issue (DICOM, HEIC, AVIF) and those that are refused by name where the list would also take them.
NOT_ACCEPTED_YET = {".dcm", ".heif", ".avif", ".avifs", ".jp2", ".ico", ".psd"}
# 64-bit floats: the list says damaged because Pillow does; "unsupported" is the truth. A single pixel is too small.
ALSO_RIGHT = {"animated_multipage/multipage_rgb.tif": "unsupported", "truncated_corrupt/no_palette.gif": "too_small"}

PROGRAM = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
from tlgui.imaging.scan import scan_folder
scan = scan_folder(Path(sys.argv[1]), workers=2)
verdicts = {record.path: "used" for record in scan.used}
verdicts |= {left.path: str(left.reason_code) for left in scan.left_out}
sys.stdout.write(json.dumps(verdicts))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no memory limit for a process here")
def test_every_nasty_file_gets_a_verdict_that_its_manifest_expects() -> None:
    if not DATA.is_dir():
        pytest.skip(f"the real image sets are not there ({DATA.name})")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(DATA), str(MEMORY_BYTES)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # libtiff remarks on each damaged tag
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "OPENBLAS_NUM_THREADS": "1"},
    )
    verdicts = json.loads(done.stdout)
    assert len(verdicts) == len(walk(DATA).files)
    wrong = []
    with (DATA / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, verdict = row["file"], verdicts[row["file"]]
            if Path(name).suffix in NOT_ACCEPTED_YET:
                assert verdict in ("unsupported", "not_an_image"), name
                continue
            expected, codes = row["expected"].split("|"), row["reason_code"].split("|")
            if verdict == "used":
                right = "used" in expected or "used_with_notice" in expected
            else:
                right = ("left_out" in expected and verdict in codes) or ALSO_RIGHT.get(name) == verdict
            if not right:
                wrong.append((name, verdict, row["expected"], row["reason_code"]))
    assert wrong == []
