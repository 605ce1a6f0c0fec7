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


def test_after_layers_moved_the_old_speed_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head on kept features takes a hundredth: the time left was foreseen so for most of the first epoch after."""
    time = Time()
    monkeypatch.setattr(clock, "time", time)
    watch = Clock()
    watch.epoch_begins(to_compute=0, batches=3)
    for _ in range(3):
        time.now += 0.1
        watch.batch_ended(10)
    assert watch.seconds_left(0.0, fresh=0, cached=7, images=100) == pytest.approx(7.0)
    watch.layers_moved(computes=True, deep=True)
    assert watch.seconds_left(0.5, fresh=0, cached=7, images=100) is None
    time.now += 5.0
    watch.batch_ended(10)  # computed anew, and learned from
    # Nothing is known of images whose activations are kept at the new cut; learning takes most of the time there.
    assert watch.seconds_left(0.5, fresh=1, cached=6, images=100) == pytest.approx(25.0 + 50.0 + 6 * 50.0)
    watch.epoch_begins(to_compute=0, batches=2)
    time.now += 4.0
    watch.batch_ended(10)
    assert watch.seconds_left(0.5, fresh=1, cached=5, images=100) == pytest.approx(20.0 + 50.0 + 5 * 40.0)


def test_the_head_alone_is_far_faster_where_features_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    monkeypatch.setattr(clock, "time", time)
    watch = Clock()
    watch.layers_moved(computes=True, deep=False)
    time.now += 5.0
    watch.batch_ended(10)
    assert watch.seconds_left(0.0, fresh=1, cached=4, images=100) == pytest.approx(50.0 + 4 * 5.0)
    # Known is what is kept, and not what has to be computed: that takes at least as long.
    watch.layers_moved(computes=False, deep=False)
    time.now += 1.0
    watch.batch_ended(10)
    assert watch.seconds_left(0.0, fresh=2, cached=1, images=100) == pytest.approx(3 * 10.0)
