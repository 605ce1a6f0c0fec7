"""Killed at any moment, a run that goes on is the run that nobody killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.pictures import write_dataset
from helpers.tiny import measured, of

from tlgui.core import events

_TESTS = Path(__file__).resolve().parents[1]


def folded(journal: Path) -> tuple[list[events.Event], int]:
    """What counts of what was said, and the number of sittings: `Resumed` supersedes what came after its place."""
    kept: list[events.Event] = []
    sittings = 0
    for line in journal.read_bytes().splitlines():
        event = events.decode(line)
        sittings += isinstance(event, events.LayersChanged) and event.reason in ("start", "resume")
        if isinstance(event, events.Resumed):
            kept = [
                e
                for e in kept
                if not (isinstance(e, events.BatchEnded) and e.step > event.step)
                and not (isinstance(e, events.EpochEnded | events.MoveJudged) and e.epoch > event.epoch)
            ]
        elif event not in kept or not isinstance(event, events.MoveJudged):
            kept.append(event)
    return kept, sittings


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="processes are forked and killed otherwise on this system")
def test_twenty_kills_at_random_moments_leave_no_trace(tmp_path: Path) -> None:
    """Batches, epochs, verdicts, the last state, the best state, and what lies on disk: bit for bit."""
    data = write_dataset(tmp_path / "d", {"a": 20, "b": 20, "c": 16}, size=24)
    done = subprocess.run(
        [sys.executable, "-m", "helpers.killed_run", str(data), "11", "20", str(tmp_path)],
        cwd=_TESTS,
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["20"]
    expected, _ = folded(tmp_path / "run-0.jsonl")
    assert len(of(expected, events.MoveJudged)) == 2 and of(expected, events.EpochEnded)[-1].epoch == 8
    sittings = resumed = 0
    runs = sorted(path for path in tmp_path.glob("run-*.jsonl") if path.stem != "run-0")
    for journal in runs:
        said, sat = folded(journal)
        sittings += sat
        resumed += journal.read_bytes().count(b'"Resumed"')
        assert measured(said) == measured(expected)
        for name in ("best", "last"):
            one, other = (tmp_path / f / "checkpoints" / f"{name}.safetensors" for f in ("run-0", journal.stem))
            assert one.read_bytes() == other.read_bytes()
        assert {p.name for p in (tmp_path / "run-0" / "checkpoints").iterdir()} == {
            p.name for p in (tmp_path / journal.stem / "checkpoints").iterdir()
        }
    # A process that was killed between its first two events has sat and said no ladder.
    assert 12 <= sittings <= 20 + len(runs) and resumed >= 8
