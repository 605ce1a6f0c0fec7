"""What is told while a folder is read."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tlgui.core.imaging_messages import Answer, ScanProgress
from tlgui.imaging import folder_work
from tlgui.imaging.folder_work import FolderWork


def test_the_time_left_does_not_count_what_came_before_the_first_file(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Answer] = []
    work = FolderWork(1, told.append, lambda _: nullcontext())
    now = 1_000.0
    monkeypatch.setattr(folder_work.time, "monotonic", lambda: now)
    progress = work._progress()
    now += 60  # the folders of a slow drive were looked through
    progress(0, 101)
    now += 2
    progress(1, 101)
    work.cancel()
    work.join(5)
    assert [event.seconds_left for event in told if isinstance(event, ScanProgress)] == [None, pytest.approx(200)]
