"""How fast a run goes, and how long it still takes."""

from __future__ import annotations

import pytest

from tlgui.engine import clock
from tlgui.engine.clock import Clock


class Time:
    """Seconds that pass when told so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_pause_is_no_time_of_the_epoch_and_does_not_slow_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    monkeypatch.setattr(clock, "time", time)
    watch = Clock()
    watch.epoch_begins(to_compute=20, batches=2)
    time.now = 10.0
    watch.batch_ended(10)
    time.now = 3_610.0
    watch.rested(3_600.0)
    time.now = 3_620.0
    watch.batch_ended(10)
    watch.epoch_ended()

    assert watch.epoch_s == 20.0
    assert watch.images_per_second == 1.0
    assert watch.seconds_left(0.0, fresh=1, cached=0, images=20) == pytest.approx(20.0)
