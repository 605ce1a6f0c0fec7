"""The learning-rate finder: its curve, its rule, and that it leaves nothing but features behind."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from helpers.shortcut_bench import write_listed, write_table
from helpers.tiny import of, snapshot, tiny_network

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import RateFound
from tlgui.core.run_spec import Training
from tlgui.core.strategies import STRATEGIES
from tlgui.engine import rate_test
from tlgui.engine.control import Control
from tlgui.engine.jobs.rate import find_rate, sentence_of
from tlgui.engine.rate_test import HIGHEST, LOWEST, STEPS, rising_rates, smoothed, steepest
from tlgui.engine.samples import Reader
from tlgui.imaging.listing import ListedImage, read_listing

pytestmark = pytest.mark.usefixtures("one_thread", "tiny_when_asked")


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """With the hashes that the files have, since what is trained on is checked."""
    root = tmp_path_factory.mktemp("rate") / "d"
    images = read_listing(write_listed(root, {"a": 24, "b": 24}))
    real: list[ListedImage] = [
        msgspec.structs.replace(
            image,
            content_hash=hashlib.sha256((root / image.path).read_bytes()).hexdigest(),
            part="test" if number % 8 == 0 else "train",
        )
        for number, image in enumerate(images)
    ]
    return root, write_table(root.parent / "real.csv", real)


def job_of(listed: tuple[Path, Path], **training: object) -> commands.FindRate:
    root, listing = listed
    return commands.FindRate(
        listing=str(listing),
        data=str(root),
        backbone="tiny",
        training=Training(**training),  # type: ignore[arg-type]
    )


def found_by(job: commands.FindRate) -> tuple[list[events.Event], RateFound]:
    said = list(find_rate(job, Control()))
    (found,) = of(said, RateFound)
    return said, found


def test_it_finds_a_rate_says_why_and_repeats(listed: tuple[Path, Path]) -> None:
    said, found = found_by(job_of(listed))
    assert said[-1] == events.Completed(message=found.sentence)
    assert found.in_use == STRATEGIES["feature-extraction"].head_learning_rate
    assert found.rates[0] == pytest.approx(LOWEST) and found.rates == sorted(found.rates)
    assert len(found.rates) == len(found.losses) <= STEPS
    # A head of zeros answers 1/2 for everything, and tiny rates leave it there.
    assert found.losses[0] == pytest.approx(math.log(2), abs=0.05)
    if found.suggested is not None:
        assert found.suggested in found.rates and LOWEST < found.suggested < HIGHEST
    assert found_by(job_of(listed))[1] == found
    assert found_by(job_of(listed, seed=1))[1].losses != found.losses
    stages = {event.stage for event in of(said, events.Progress)}
    assert stages == {"preparing the frozen layers", "looking at the images", "trying rates"}


def test_the_rate_in_use_is_that_of_the_strategy_or_the_persons_own(listed: tuple[Path, Path]) -> None:
    assert found_by(job_of(listed, strategy="fine-tune-top"))[1].in_use == 3e-3
    assert found_by(job_of(listed, head_learning_rate=0.02))[1].in_use == 0.02


def test_training_images_alone_are_looked_at_and_their_features_kept(
    listed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = Reader.read

    def reading(self: Reader, part: object, indices: list[int], view: int) -> torch.Tensor:
        read.extend(part.paths[index] for index in indices)  # type: ignore[attr-defined]
        return real(self, part, indices, view)  # type: ignore[arg-type]

    monkeypatch.setattr(Reader, "read", reading)
    job = job_of(listed)
    found_by(job)
    train = {image.path for image in read_listing(listed[1]) if image.part == "train"}
    assert set(read) <= train and read.count(read[0]) == 1
    read.clear()
    found_by(job)
    assert read == []


@pytest.mark.parametrize("after", [1, 2, 9])
def test_stop_is_heard_between_the_steps(after: int, listed: tuple[Path, Path]) -> None:
    control, said = Control(), list[events.Event]()
    for event in find_rate(job_of(listed), control):
        said.append(event)
        if len(said) == after:
            control.put(commands.Stop())
    assert said[-1] == events.Stopped() and len(said) <= after + 2


def test_one_class_is_refused(listed: tuple[Path, Path], tmp_path: Path) -> None:
    only = [image for image in read_listing(listed[1]) if image.class_name == "a"]
    with pytest.raises(UserError, match="Too few training images to find a rate with"):
        found_by(job_of((listed[0], write_table(tmp_path / "l.csv", only))))


def test_an_image_that_was_changed_is_named_with_a_remedy_that_fits(listed: tuple[Path, Path], tmp_path: Path) -> None:
    images = read_listing(listed[1])
    wrong = [msgspec.structs.replace(image, content_hash="0" * 64) for image in images]
    with pytest.raises(UserError) as caught:
        found_by(job_of((listed[0], write_table(tmp_path / "l.csv", wrong))))
    assert "continue the run" not in caught.value.remedy and caught.value.remedy.endswith("then ask again.")


# -- the ramp and its rule ----------------------------------------------------------------------------------------


def test_the_ramp_trains_a_copy_of_the_head_alone() -> None:
    network = tiny_network(2)
    before = snapshot(network)
    features = torch.randn(40, 16, generator=torch.Generator().manual_seed(0))
    state = torch.random.get_rng_state()
    steps = rising_rates(network, features, torch.arange(40) % 2, Training(), 8, torch.device("cpu"))
    done = list(steps)
    assert done == list(range(1, len(done) + 1))
    assert all(torch.equal(tensor, before[name]) for name, tensor in snapshot(network).items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_its_first_loss_is_adams_first_step_by_hand() -> None:
    """Adam's first step moves each number by the rate, whatever the gradient's size (weight decay left out)."""
    network = tiny_network(2)
    network.model.get_submodule("drop").p = 0.0  # type: ignore[assignment]
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(8, 16, generator=generator), torch.arange(8) % 2
    steps = rising_rates(network, features, labels, Training(weight_decay=0.0), 8, torch.device("cpu"))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            rates, losses = end.value
            break
    linear = network.head_linear
    w = linear.weight.detach().double().requires_grad_()
    b = linear.bias.detach().double().requires_grad_()
    loss = torch.nn.functional.cross_entropy(features.double() @ w.T + b, labels)
    loss.backward()  # type: ignore[no-untyped-call]
    assert w.grad is not None and b.grad is not None
    with torch.no_grad():
        after = features.double() @ (w - rates[0] * w.grad.sign()).T + (b - rates[0] * b.grad.sign())
    assert losses[0] == pytest.approx(torch.nn.functional.cross_entropy(after, labels).item(), abs=1e-6)
    assert rates[1] / rates[0] == pytest.approx((HIGHEST / LOWEST) ** (1 / (STEPS - 1)))


RATES = np.logspace(-6, 0, STEPS).tolist()


def curve(centre: float, width: float, drop: float, grows: float = 0.3) -> list[float]:
    """Falls most steeply at `centre`, and grows again from `grows` on."""
    x = np.log10(RATES)
    fall = drop / (1 + np.exp(-(x - math.log10(centre)) / width))
    return (1 - fall + np.exp(12 * np.maximum(0, x - math.log10(grows))) - 1).tolist()


@pytest.mark.parametrize("centre", [1e-4, 1e-3, 1e-2])
def test_the_steepest_fall_is_found(centre: float) -> None:
    suggested = steepest(RATES, smoothed(curve(centre, 0.25, 0.6)))
    assert suggested is not None
    assert abs(math.log10(suggested / centre)) < 0.1


@pytest.mark.parametrize("centre", [1e-3, 1e-2])
def test_noise_moves_it_little(centre: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        noisy = np.array(curve(centre, 0.25, 0.6)) + rng.normal(0, 0.01, STEPS)
        suggested = steepest(RATES, smoothed(noisy.tolist()))
        assert suggested is not None and abs(math.log10(suggested / centre)) < 0.5


@pytest.mark.parametrize(
    "losses", [[1.0] * STEPS, curve(1e-3, 0.25, 0.03), np.linspace(1, 3, STEPS).tolist(), [1.0] * 4]
)
def test_a_curve_that_does_not_tell_gives_none(losses: list[float]) -> None:
    assert steepest(RATES[: len(losses)], smoothed(losses)) is None


def test_what_is_no_number_is_a_gap_and_counts_for_nothing() -> None:
    losses = curve(1e-3, 0.25, 0.6)
    losses[-1] = math.inf
    losses[-2] = math.nan
    shown = smoothed(losses)
    assert shown[-2:] == [None, None] and None not in shown[:-2]
    assert steepest(RATES, shown) == steepest(RATES, [*smoothed(losses[:-2]), None, None])


def test_smoothing_keeps_a_line_and_is_a_mean() -> None:
    line = np.linspace(2, 1, STEPS).tolist()
    assert smoothed(line)[20:-20] == pytest.approx(line[20:-20])
    assert rate_test.smoothed([3.0]) == [3.0]


@pytest.mark.parametrize(
    ("suggested", "words"),
    [
        (3.5e-3, "The loss falls most steeply at a rate of 0.0035; the one in use, 0.003, is about the same."),
        (2e-2, "larger than the one in use, 0.003: with it the last layer may learn faster."),
        (1e-4, "smaller than the one in use, 0.003: with it the loss may fall more steadily."),
        (None, "so the curve tells none; the strategy's own, 0.003, stays."),
    ],
)
def test_the_sentence_compares_with_the_rate_in_use(suggested: float | None, words: str) -> None:
    assert words in sentence_of(suggested, 3e-3)
