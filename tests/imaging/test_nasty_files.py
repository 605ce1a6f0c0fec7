"""The verdict on each file of `nasty_files`, in a process of its own with a limit on its memory."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tlgui.imaging.pixels import describe, read_pixels

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

CHECKOUT = Path(__file__).parents[2]
MEMORY_BYTES = 4_000_000_000

# The list asks whether its colours are sound; a single pixel is too small whatever they are.
ALSO_RIGHT = {"truncated_corrupt/no_palette.gif": "too_small"}

PROGRAM = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
from tlgui.imaging.file_check import read_file
from tlgui.imaging.walk import walk
root = Path(sys.argv[1])
verdicts = {found.path: read_file(root, found) for found in walk(root).files}
json.dump({path: [v.reason_code or "used", [code for code, _ in v.notices]] for path, v in verdicts.items()}, sys.stdout)
"""


@pytest.fixture
def nasty(real_data: Path) -> Path:
    folder = real_data / "nasty_files"
    if not folder.is_dir():
        pytest.skip("the set of nasty files is not here")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="no memory limit for a process here")
def test_every_nasty_file_gets_a_verdict_that_its_manifest_expects(nasty: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(nasty), str(MEMORY_BYTES)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # libtiff remarks on each damaged tag
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "OPENBLAS_NUM_THREADS": "1"},
    )
    verdicts = json.loads(done.stdout)
    wrong = []
    with (nasty / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        verdict, notices = verdicts[row["file"]]
        expected, codes = row["expected"].split("|"), row["reason_code"].split("|")
        if verdict == "used":
            right = "used_with_notice" in expected if notices and "used" not in expected else "used" in expected
        else:
            right = "left_out" in expected and verdict in codes
        if not right and ALSO_RIGHT.get(row["file"]) != verdict:
            wrong.append((row["file"], verdict, notices, row["expected"], row["reason_code"]))
    assert wrong == []
    assert len(rows) > 200


def difference(one: Path, other: Path) -> float:
    """Mean difference of two pictures of one size, in grey levels."""
    first, second = read_pixels(one), read_pixels(other)
    assert first.shape == second.shape
    return float(np.abs(first.astype(int) - second).mean())


def test_twins_decode_alike(nasty: Path) -> None:
    assert difference(nasty / "exif_rotated/twin_tag6.jpg", nasty / "exif_rotated/twin_upright.jpg") < 2
    inks = nasty / "cmyk_lab_other"
    assert difference(inks / "cmyk_plain.jpg", inks / "rgb_twin_of_cmyk_plain.jpg") < 4
    # The same head in three modern formats; an inverted or a turned one differs by far more.
    for name in ("hopper.avif", "hopper.heif", "hopper.psd"):
        assert difference(inks / name, inks / "hopper.ppm") < 6, name
    assert (
        difference(nasty / "exif_rotated/hopper_orientation_6.jpg", nasty / "exif_rotated/hopper_orientation_2.jpg") < 4
    )


def test_a_mirrored_avif_is_turned_once(nasty: Path) -> None:
    path = nasty / "exif_rotated/rot1mir0.avif"
    # Stored 427 x 640; its boxes ask for a quarter turn.
    assert (describe(path).width, describe(path).height) == (640, 427)
    assert read_pixels(path).shape == (427, 640, 3)


@pytest.mark.parametrize(("quarters", "axes"), [(1, 1), (2, 2), (3, 3)])
def test_the_turn_of_a_heic_is_applied_once(nasty: Path, quarters: int, axes: int) -> None:
    """`irot` counts quarter turns against the clock, as numpy does."""
    content = (nasty / "cmyk_lab_other/hopper.heif").read_bytes()
    turned = read_pixels(with_turn(content, quarters))
    np.testing.assert_array_equal(turned, np.rot90(read_pixels(content), axes))


def with_turn(content: bytes, quarters: int) -> bytes:
    """A HEIC with an `irot` box for its first picture: the boxes around grow, and the data behind them move."""
    data = bytearray(content)

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(data[at : at + size], "big")

    def put(at: int, value: int, size: int = 4) -> None:
        data[at : at + size] = value.to_bytes(size, "big")

    def boxes(start: int, end: int) -> dict[bytes, int]:
        found, at = {}, start
        while at < end:
            found[bytes(data[at + 4 : at + 8])] = at
            at += number(at)
        return found

    meta = boxes(0, len(data))[b"meta"]
    inside = boxes(meta + 12, meta + number(meta))
    iprp, iloc, primary = inside[b"iprp"], inside[b"iloc"], number(inside[b"pitm"] + 12, 2)
    properties = boxes(iprp + 8, iprp + number(iprp))
    ipco, ipma = properties[b"ipco"], properties[b"ipma"]
    new_index = len(boxes(ipco + 8, ipco + number(ipco))) + 1
    # The list of which picture has which property: (item, count, indices of a byte each).
    assert data[ipma + 8] == 0 and not data[ipma + 11] & 1
    at = ipma + 16
    while number(at, 2) != primary:
        at += 3 + data[at + 2]
    data[at + 2] += 1
    data.insert(at + 2 + data[at + 2], 0x80 | new_index)
    put(ipma, number(ipma) + 1)
    turn = b"\0\0\0\x09irot" + bytes([quarters])
    data[ipco + number(ipco) : ipco + number(ipco)] = turn
    put(ipco, number(ipco) + len(turn))
    grown = len(turn) + 1
    for box in (iprp, meta):
        put(box, number(box) + grown)
    assert data[iloc + 8] in (0, 1) and data[iloc + 12] == 0x44
    at, base_size = iloc + 16, data[iloc + 13] >> 4
    for _ in range(number(iloc + 14, 2)):
        at += 4 + (2 if data[iloc + 8] == 1 else 0)
        by_file = data[iloc + 8] == 0 or number(at - 4, 2) & 0xF == 0
        at += base_size
        for _ in range(number(at, 2)):
            if by_file:
                put(at + 2, number(at + 2) + grown)
            at += 8
        at += 2
    return bytes(data)
