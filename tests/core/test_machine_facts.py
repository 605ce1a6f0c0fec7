"""What was measured on this computer is kept, and damage to it costs a measurement and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tlgui.core import machine_facts, state_file
from tlgui.core.estimates import Speed
from tlgui.core.events import Measured
from tlgui.core.machine_facts import LastRun, speed_from
from tlgui.core.paths import state_dir


def measured(backbone: str, seconds: float, device: str = "cpu") -> Measured:
    return Measured(backbone=backbone, seconds_per_1000=seconds, images=64, device=device, executor="onnxruntime")


def test_nothing_is_known_of_a_new_computer() -> None:
    assert machine_facts.speeds("cpu") == {}
    assert speed_from(machine_facts.speeds("cpu"), "resnet50") == (None, False)
    assert machine_facts.last_run("cpu") is None and machine_facts.sentence("cpu") == ""


def test_speeds_are_kept_by_backbone_and_device() -> None:
    machine_facts.note_speed(measured("resnet50", 90.0))
    machine_facts.note_speed(measured("resnet50", 70.0))
    machine_facts.note_speed(measured("resnet50", 110.0))  # beside other work: the computer is not slower for that
    machine_facts.note_speed(measured("resnet50", 2.0, "cuda:0"))
    machine_facts.note_speed(measured("of a later version", 2.0))

    assert machine_facts.speeds("cpu") == {"resnet50": Speed(seconds_per_1000=70.0)}
    assert speed_from(machine_facts.speeds("cuda:0"), "resnet50") == (Speed(seconds_per_1000=2.0), True)


def test_what_was_not_measured_follows_from_what_was() -> None:
    machine_facts.note_speed(measured("efficientnet-lite0", 10.0))
    speed, own = speed_from(machine_facts.speeds("cpu"), "resnet50")
    assert speed is not None and speed.seconds_per_1000 == pytest.approx(72) and not own

    machine_facts.note_speed(measured("efficientnet-b0", 14.0 * 4))
    speed, _ = speed_from(machine_facts.speeds("cpu"), "resnet50")
    assert speed is not None and speed.seconds_per_1000 == pytest.approx(144)  # between 72 and 288
    assert speed_from(machine_facts.speeds("cpu"), "of a later version") == (None, False)


@pytest.mark.parametrize(
    ("images", "seconds", "words"),
    [
        (500, 61.0, "500 images take about 1 minute"),
        (2_000, 104.0, "500 images take about 40 seconds"),
        (100, 30.0, "500 images take about 2 minutes"),
    ],
)
def test_the_last_run_says_what_500_images_take(images: int, seconds: float, words: str) -> None:
    machine_facts.note_run(images, seconds, "cpu")

    assert machine_facts.last_run("cpu") == LastRun(images=images, seconds=seconds)
    assert machine_facts.sentence("cpu") == words
    assert machine_facts.sentence("cuda:0") == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"speeds": [], "last_runs": 3}',
        b'{"speeds": {"resnet50|cpu": {"seconds_per_1000": "x"}}, "last_runs": {"cpu": {"images": 0, "seconds": 1}}}',
        b'{"speeds": {"resnet50|cpu": {"seconds_per_1000": -1}}, "last_runs": {"cpu": null}}',
    ],
)
def test_a_damaged_file_is_begun_anew(content: bytes) -> None:
    (state_dir() / "machine.json").write_bytes(content)
    assert machine_facts.speeds("cpu") == {} and machine_facts.last_run("cpu") is None

    machine_facts.note_speed(measured("vgg16", 300.0))
    machine_facts.note_run(10, 20.0, "cpu")

    assert list(machine_facts.speeds("cpu")) == ["vgg16"]
    assert machine_facts.last_run("cpu") == LastRun(images=10, seconds=20.0)


def test_two_that_note_something_at_once_lose_nothing() -> None:
    """P16."""
    devices = [f"cuda:{n}" for n in range(24)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda device: machine_facts.note_run(7, 9.0, device), devices))

    assert all(machine_facts.last_run(device) for device in devices)


def test_a_number_format_is_kept_by_what_it_was_found_out_for() -> None:
    assert machine_facts.precision("tiny|2|24|cpu") is None
    machine_facts.note_precision("tiny|2|24|cpu", "bf16")
    machine_facts.note_precision("tiny|0|24|cpu", "float32")
    assert machine_facts.precision("tiny|2|24|cpu") == "bf16" and machine_facts.precision("tiny|0|24|cpu") == "float32"
    with state_file.changing("machine.json", "x") as table:
        table["precision"]["tiny|2|24|cpu"] = "float8"
    assert machine_facts.precision("tiny|2|24|cpu") is None  # of a later version
