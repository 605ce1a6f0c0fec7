"""Estimates hold against the runs of the README's table, and grow where a run grows."""

from __future__ import annotations

from typing import Any

import pytest

from tlgui.core.backbones import BACKBONES
from tlgui.core.estimates import Counts, Speed, about_time, estimate
from tlgui.core.planning import resolve
from tlgui.core.run_spec import Training

ROW = BACKBONES["efficientnet-lite0"]
# What ONNX Runtime takes on the two cores of the README's section "Measured".
SPEED = Speed(seconds_per_1000=8.0)
BEES = Counts(train=244, validation=153)


def of(counts: Counts, speed: Speed | None = SPEED, backbone: str = "efficientnet-lite0", **training: Any) -> Any:
    resolved, _ = resolve(Training(**training), counts.train)
    return estimate(resolved, counts, BACKBONES[backbone], speed)


@pytest.mark.parametrize(
    ("counts", "training", "seconds", "gigabytes"),
    [
        (BEES, {"strategy": "feature-extraction"}, 41, 1.2),
        (BEES, {"strategy": "fine-tune-top"}, 65, 1.3),
        (BEES, {"strategy": "full-fine-tuning", "epochs": 3}, 129, 3.6),
        (Counts(train=673, validation=210, test=209), {"strategy": "feature-extraction"}, 66, 1.2),
        (Counts(train=1_400, validation=302, test=298), {"strategy": "feature-extraction"}, 104, 1.2),
    ],
)
def test_the_measured_runs_are_met_within_a_factor_of_two(
    counts: Counts, training: dict[str, Any], seconds: float, gigabytes: float
) -> None:
    found = of(counts, **training)

    assert seconds / 2 < found.seconds < seconds * 2
    assert gigabytes / 2 < found.memory_bytes / 1e9 < gigabytes * 2


def test_epochs_on_kept_activations_cost_the_top_layers_alone() -> None:
    """BCCD on the README's two cores: each of the epochs 6 to 15 took 4.3 to 6.0 s; the frozen layers had run before."""
    counts = Counts(train=673, validation=210, test=209)
    ten = of(counts, strategy="fine-tune-top").seconds - of(counts, strategy="fine-tune-top", epochs=5).seconds

    # A step is four passes of the top (7 % of the network, in torch 2.5 times as slow), an answer is one.
    top = 2.5 * 8.0 * ((6 - 5) / 6) ** 1.5
    assert ten / 10 == pytest.approx((673 * (0.05 + 4 * top) + 210 * top) / 1_000)
    assert 4.3 / 1.5 < ten / 10 < 4.3 * 1.5


def test_a_view_of_the_frozen_layers_is_paid_once() -> None:
    counts = Counts(train=673, validation=210, test=209)
    four = of(counts, strategy="fine-tune-top", views=4).seconds
    one = of(counts, strategy="fine-tune-top", views=1).seconds

    assert four - one == pytest.approx(3 * 0.673 * (5.0 + 8.0 * (1 - (1 / 6) ** 1.5)))
    # That run took 200 s, its first epochs with other programs beside it.
    assert 200 / 2 < four < 200 * 2


def test_a_slower_computer_a_larger_network_and_more_images_take_longer() -> None:
    base = of(BEES, strategy="fine-tune-top")

    assert of(BEES, Speed(seconds_per_1000=16), strategy="fine-tune-top").seconds > base.seconds
    assert of(BEES, Speed(seconds_per_1000=240), "vgg16", strategy="fine-tune-top").seconds > 5 * base.seconds
    assert of(Counts(train=2_440, validation=153), strategy="fine-tune-top").seconds > 2 * base.seconds
    assert of(BEES, strategy="full-fine-tuning", epochs=15).seconds > base.seconds
    assert of(BEES, strategy="full-fine-tuning").memory_bytes > 2 * base.memory_bytes
    assert of(BEES, strategy="full-fine-tuning", batch_size=8).memory_bytes < 2 * base.memory_bytes


def test_kept_activations_count_as_disk_and_too_many_are_not_kept() -> None:
    few = of(BEES, backbone="resnet50", strategy="fine-tune-top")
    many = of(Counts(train=9_000, validation=1_000), backbone="resnet50", strategy="fine-tune-top")

    # Views: four of 2 bytes a number, one plain of 4, and the validation images' plain ones.
    kept = 200_704 * (244 * (4 * 2 + 2) + 153 * 4)
    assert few.disk_bytes - kept == pytest.approx(4 * 4 * 25e6, rel=0.4)
    assert many.disk_bytes < few.disk_bytes  # 18 GB are more than a disk should give


def test_before_this_computer_was_measured_it_says_so() -> None:
    found = of(BEES, None)

    assert found.seconds is None
    assert found.time_sentence == "How long it takes is known once this computer has been measured."
    assert found.memory_sentence == "Needs about 1.2 GB of memory." and "MB of disk" in found.disk_sentence


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 5 seconds"),
        (41, "about 40 seconds"),
        (62, "about 1 minute"),
        (104, "about 2 minutes"),
        (1_623, "about 25 minutes"),
        (3_500, "about 1 hour"),
        (5_454, "about 1 hour 30 minutes"),
        (86_400, "about 24 hours"),
        (40_000_000, "about 11,111 hours"),
    ],
)
def test_a_time_is_said_roughly(seconds: float, words: str) -> None:
    assert about_time(seconds) == words
