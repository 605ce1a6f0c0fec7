"""Similarity: against naive arithmetic, on planted truths, and what it refuses to judge."""

from __future__ import annotations

import math
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.shortcut_bench import write_table
from PIL import Image
from torch import nn

from tlgui.core import commands, events
from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.core.similarity import THRESHOLDS, MeasuredSimilarity
from tlgui.engine import similarity as module
from tlgui.engine.control import Control
from tlgui.engine.jobs import similarity as job_module
from tlgui.engine.jobs.similarity import measure_similarity, measured_or_not
from tlgui.engine.listed_network import pretrained_network
from tlgui.engine.preprocess import to_input
from tlgui.engine.similarity import (
    Layer,
    Outcome,
    hellinger,
    image_distances,
    is_mixture,
    judged,
    measure,
    norms_of,
    set_distance,
)
from tlgui.imaging.listing import ListedImage
from tlgui.imaging.pixels import read_pixels

pytestmark = pytest.mark.usefixtures("one_thread")

DATA = Path(os.environ.get("TLGUI_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
LIMITS = THRESHOLDS[DEFAULT_BACKBONE]


def ended(steps: Generator[int, None, Outcome]) -> Outcome:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Outcome = end.value
            return found


def drawn_layers(
    seed: int, n: int = 80, shift: float = 0.0, widen: float = 1.0, channels: tuple[int, ...] = (24, 40)
) -> list[Layer]:
    """Layers whose images are draws of the statistics that they kept, moved by `shift` of their standard deviation."""
    rng = np.random.default_rng(seed)
    layers = []
    for size in channels:
        kept = np.random.default_rng(size)
        mean, variance = kept.normal(0, 1, size), kept.uniform(0.5, 2, size)
        pixels = rng.normal(mean + shift * variance**0.5, widen * variance**0.5, (n, 400, size))
        layers.append(Layer(mean, variance, pixels.mean(1), (pixels**2).mean(1)))
    return layers


def stacked(first: list[Layer], second: list[Layer]) -> list[Layer]:
    return [
        Layer(a.mean, a.variance, np.concatenate([a.means, b.means]), np.concatenate([a.squares, b.squares]))
        for a, b in zip(first, second, strict=True)
    ]


def test_the_distance_is_that_of_two_gaussians_by_numerical_integration() -> None:
    x = np.linspace(-60, 60, 400_001)
    for m, v, ms, vs in ((0.0, 1.0, 0.0, 1.0), (0.3, 0.5, -1.0, 2.0), (4.0, 9.0, 0.0, 0.2)):
        p, q = (
            np.exp(-((x - mu) ** 2) / (2 * (s + 1e-3))) / np.sqrt(2 * np.pi * (s + 1e-3))
            for mu, s in ((m, v), (ms, vs))
        )
        expected = 1 - np.trapezoid(np.sqrt(p * q), x)
        found = hellinger(np.array([m]), np.array([v]), np.array([ms]), np.array([vs]))
        assert found[0] == pytest.approx(expected, abs=1e-6)


def test_both_distances_are_those_of_a_naive_loop() -> None:
    layers = drawn_layers(0, n=7, shift=0.4, widen=1.3, channels=(3, 5))

    def h(m: float, v: float, ms: float, vs: float) -> float:
        v, vs = max(v, 0.0) + 1e-3, vs + 1e-3
        return 1 - math.exp(-((m - ms) ** 2 / (4 * (v + vs)) + 0.5 * math.log((v + vs) / (2 * math.sqrt(v * vs)))))

    whole, single = [], [0.0] * 7
    for layer in layers:
        per_channel = []
        for c in range(len(layer.mean)):
            m = sum(layer.means[i, c] for i in range(7)) / 7
            v = sum(layer.squares[i, c] for i in range(7)) / 7 - m * m
            per_channel.append(h(m, v, layer.mean[c], layer.variance[c]))
        whole.append(sum(per_channel) / len(per_channel))
        for i in range(7):
            each = [
                h(layer.means[i, c], layer.squares[i, c] - layer.means[i, c] ** 2, layer.mean[c], layer.variance[c])
                for c in range(len(layer.mean))
            ]
            single[i] += sum(each) / len(each) / len(layers)
    assert set_distance(layers) == pytest.approx(sum(whole) / len(whole))
    assert image_distances(layers) == pytest.approx(np.array(single))
    assert set_distance(layers, np.full(7, 1 / 7)) == pytest.approx(set_distance(layers))


def test_images_drawn_from_the_sources_own_statistics_are_near_and_others_far() -> None:
    own = judged(drawn_layers(1), DEFAULT_BACKBONE, 0)
    assert (own.band, own.sure, own.doubt, own.images) == ("near", True, "", 80)
    assert own.value > 0.99 and own.low <= own.value <= own.high <= 1
    other = judged(drawn_layers(1, shift=1.5), DEFAULT_BACKBONE, 0)
    assert (other.band, other.sure) == ("far", True) and other.value < own.low


def test_a_set_of_two_kinds_has_no_band_and_says_so() -> None:
    mixed = stacked(drawn_layers(2, 60), drawn_layers(3, 30, shift=1.5))
    found = judged(mixed, DEFAULT_BACKBONE, 0)
    assert (found.band, found.sure, found.doubt) == (None, False, "mixture")
    # A few strays are no second kind, and two kinds that are both far need no warning.
    assert not is_mixture(stacked(drawn_layers(2, 80), drawn_layers(3, 5, shift=1.5)), LIMITS)
    assert not is_mixture(stacked(drawn_layers(2, 60, shift=-1.5), drawn_layers(3, 30, shift=1.5)), LIMITS)
    assert not is_mixture(drawn_layers(4), LIMITS)


def test_leaving_out_a_tenth_changes_nothing_of_a_sure_band() -> None:
    for shift in (0.0, 1.5):
        layers = drawn_layers(5, 100, shift)
        whole = judged(layers, DEFAULT_BACKBONE, 0)
        assert whole.sure
        for seed in range(5):
            kept = np.random.default_rng(seed).permutation(100)[:90]
            part = judged([layer.of(kept) for layer in layers], DEFAULT_BACKBONE, 0)
            assert part.band == whole.band
            assert abs(part.value - whole.value) <= whole.high - whole.low + 1e-3


def test_the_same_seed_gives_the_same_range() -> None:
    layers = drawn_layers(6)
    assert judged(layers, DEFAULT_BACKBONE, 3) == judged(layers, DEFAULT_BACKBONE, 3)
    assert judged(layers, DEFAULT_BACKBONE, 3) != judged(layers, DEFAULT_BACKBONE, 4)


def write_images(root: Path, pictures: list[np.ndarray]) -> list[ListedImage]:
    root.mkdir(parents=True)
    listed = []
    for number, pixels in enumerate(pictures):
        path = root / f"{number:03}.png"
        Image.fromarray(pixels).save(path)
        listed.append(
            ListedImage(path=path.name, class_name="a", content_hash=str(number), width=pixels.shape[1], height=8)
        )
    return listed


def noise(n: int, side: int = 64, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(n)]


def test_noise_is_far_for_the_embedded_network_and_its_numbers_are_those_of_a_plain_pass(tmp_path: Path) -> None:
    listed = write_images(tmp_path / "d", noise(52))
    found = ended(measure(tmp_path / "d", listed, PixelRule(), "vit-b16", 0)).measured
    assert found is not None
    assert (found.band, found.sure, found.images, found.backbone) == ("far", True, 52, DEFAULT_BACKBONE)

    network, _ = pretrained_network(DEFAULT_BACKBONE, 2, "crop", None)
    norms = [module for module in network.model.modules() if isinstance(module, nn.BatchNorm2d)][-17:]
    assert norms_of(network) == norms
    seen: dict[int, torch.Tensor] = {}
    for place, norm in enumerate(norms):
        norm.register_forward_pre_hook(lambda _, x, place=place: seen.__setitem__(place, x[0]))
    squares = torch.stack(
        [to_input(read_pixels(tmp_path / "d" / image.path), network.preprocessing) for image in listed]
    )
    with torch.inference_mode():
        network.model.eval()(squares)
    distances = []
    for place, norm in enumerate(norms):
        x = seen[place].double()
        m, v = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        assert norm.running_mean is not None and norm.running_var is not None
        p = hellinger(m.numpy(), v.numpy(), norm.running_mean.double().numpy(), norm.running_var.double().numpy())
        distances.append(p.mean())
    assert 1 - found.value == pytest.approx(np.mean(distances), abs=1e-4)


def test_images_that_show_nothing_are_left_out_and_too_few_others_are_said(tmp_path: Path) -> None:
    # One colour all over is nothing, however much its channels differ.
    blank = [np.full((32, 32, 3), (240, 200 + n, 90), dtype=np.uint8) for n in range(30)]
    listed = write_images(tmp_path / "most", noise(50, 32) + blank)
    found = ended(measure(tmp_path / "most", listed, PixelRule(), DEFAULT_BACKBONE))
    assert found.measured is not None and found.measured.images == 50
    assert found.sentence.endswith("Left out: 30 that show next to nothing.")

    many = [np.full((32, 32, 3), (n, 20, 90), dtype=np.uint8) for n in range(60)]
    listed = write_images(tmp_path / "mostly blank", noise(52, 32) + many)
    found = ended(measure(tmp_path / "mostly blank", listed, PixelRule(), DEFAULT_BACKBONE))
    assert found.measured is None and found.sentence.startswith("60 of 112 images show next to nothing")

    listed = write_images(tmp_path / "few", noise(40, 32) + blank)
    found = ended(measure(tmp_path / "few", listed, PixelRule(), DEFAULT_BACKBONE))
    assert found.measured is None
    assert found.sentence.startswith("30 of 70 images show next to nothing (one colour all over)")


def test_too_few_images_are_not_even_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "pretrained_network", lambda *_: pytest.fail("nothing is to be loaded"))
    listed = [ListedImage(path=f"{n}", class_name="a", content_hash="", width=1, height=1) for n in range(49)]
    found = ended(measure(tmp_path, listed, PixelRule(), DEFAULT_BACKBONE))
    assert found.measured is None and found.sentence.startswith("49 training images can be looked at, fewer than 50")


def job_of(root: Path, listed: list[ListedImage], **fields: Any) -> commands.MeasureSimilarity:
    listing = write_table(root.parent / f"{root.name}.csv", listed)
    return commands.MeasureSimilarity(listing=str(listing), data=str(root), backbone=DEFAULT_BACKBONE, **fields)


def test_the_job_looks_at_training_images_alone_and_knows_its_answer_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = write_images(tmp_path / "d", noise(60, 32))
    listed = [
        ListedImage(
            path=image.path, class_name="a", content_hash=image.content_hash, width=1, height=1,
            part="train" if n < 55 else "test",
        )
        for n, image in enumerate(listed)
    ]  # fmt: skip
    job = job_of(tmp_path / "d", listed)
    said = list(measure_similarity(job, Control()))
    (answer,) = [event for event in said if isinstance(event, events.SimilarityMeasured)]
    assert answer.measured is not None and answer.measured.images == 55
    assert said[-1] == events.Completed(message=answer.sentence)
    assert str(tmp_path) not in repr(said)

    monkeypatch.setattr(job_module.similarity, "measure", lambda *_: pytest.fail("it is known"))
    again = list(measure_similarity(job, Control()))
    assert answer in again


def test_what_could_not_be_read_is_not_believed_for_good(tmp_path: Path) -> None:
    listed = write_images(tmp_path / "d", noise(55, 32))
    aside = tmp_path / "aside.png"
    (tmp_path / "d" / "003.png").rename(aside)
    job = job_of(tmp_path / "d", listed)
    (first,) = [event for event in measure_similarity(job, Control()) if isinstance(event, events.SimilarityMeasured)]
    assert first.measured is not None and first.measured.images == 54
    aside.rename(tmp_path / "d" / "003.png")
    (again,) = [event for event in measure_similarity(job, Control()) if isinstance(event, events.SimilarityMeasured)]
    assert again.measured is not None and again.measured.images == 55


@pytest.mark.parametrize("error", [UserError("The drive is gone.", "Connect it."), RuntimeError("CUDA out of memory.")])
def test_among_other_questions_what_stands_against_it_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(*_: object) -> Generator[int, None, Outcome]:
        raise error
        yield 0

    monkeypatch.setattr(job_module.similarity, "measure", failing)
    steps = measured_or_not(tmp_path, [], PixelRule(), DEFAULT_BACKBONE, 0)
    with pytest.raises(StopIteration) as end:
        next(steps)
    said = end.value.value
    assert said.measured is None and said.sentence.startswith("How like photographs they look could not be measured.")


def test_stop_is_heard_between_the_steps(tmp_path: Path) -> None:
    listed = write_images(tmp_path / "d", noise(60, 32))
    control = Control()
    steps = measure_similarity(job_of(tmp_path / "d", listed, seed=5), control)
    said = [next(steps), next(steps)]
    control.put(commands.Stop())
    assert [*said, *steps][-1] == events.Stopped()


@pytest.mark.skipif(not (DATA / "pacs_subset").is_dir(), reason="needs the sets of real pictures")
@pytest.mark.parametrize(
    ("folder", "band"), [("pacs_subset/photo", "near"), ("pacs_subset/sketch", "far"), ("skin_ham7", "far")]
)
def test_real_sets_are_where_common_sense_has_them(folder: str, band: str) -> None:
    paths = sorted(path for path in (DATA / folder).rglob("*") if path.suffix in (".png", ".jpg"))[::2][:60]
    listed = [
        ListedImage(
            path=path.relative_to(DATA).as_posix(), class_name="a", content_hash=str(n), width=1, height=1
        )
        for n, path in enumerate(paths)
    ]  # fmt: skip
    found = ended(measure(DATA, listed, PixelRule(), DEFAULT_BACKBONE)).measured
    assert isinstance(found, MeasuredSimilarity) and found.band == band
