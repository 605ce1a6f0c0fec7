from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tlgui.engine.calibration import HIGHEST, LOWEST, calibrate
from tlgui.engine.validation import Shares, Validation


def made(n: int, classes: int, scale: float, seed: int) -> tuple[Tensor, Tensor]:
    """Answers that are right with softmax(logits / scale): (n, classes), (n,)."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, classes)) * 1.5
    labels = [rng.choice(classes, p=row) for row in scipy.special.softmax(z, axis=1)]
    return torch.from_numpy(z * scale).float(), torch.tensor(labels)


def naive_loss(logits: Tensor, labels: Tensor, temperature: float) -> float:
    """The definition, image by image."""
    n, classes = logits.shape
    total = 0.0
    for row, label in zip(logits.numpy().astype(np.float64), labels.tolist(), strict=True):
        shares = scipy.special.softmax(row / temperature)
        for index in range(classes):
            wanted = 1 - 1 / (n + 2) if index == label else 1 / (n + 2) / (classes - 1)
            total += wanted * (np.log(wanted) - np.log(shares[index]))
    return total / n


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 60), classes=st.integers(2, 6), scale=st.floats(0.3, 8.0), seed=st.integers(0, 10_000))
def test_it_is_the_lowest_place_of_the_loss_as_written_down(n: int, classes: int, scale: float, seed: int) -> None:
    logits, labels = made(n, classes, scale, seed)
    found = calibrate(logits, labels)
    bounded = scipy.optimize.minimize_scalar(
        lambda t: naive_loss(logits, labels, t), bounds=(LOWEST, HIGHEST), method="bounded", options={"xatol": 1e-6}
    )
    assert found.loss == pytest.approx(naive_loss(logits, labels, found.temperature), rel=1e-9)
    assert found.loss <= bounded.fun + 1e-6
    assert LOWEST <= found.temperature <= HIGHEST


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_it_finds_by_how_much_answers_are_too_sure(scale: float) -> None:
    logits, labels = made(20_000, 4, scale, seed=1)
    assert calibrate(logits, labels).temperature == pytest.approx(scale, rel=0.05)


def test_scaling_the_answers_changes_the_temperature_alone() -> None:
    logits, labels = made(300, 3, 1.0, seed=2)
    once, twice = calibrate(logits, labels), calibrate(2 * logits, labels)
    assert twice.temperature == pytest.approx(2 * once.temperature, rel=1e-6)
    assert twice.loss == pytest.approx(once.loss, rel=1e-9)


def test_a_few_images_that_are_all_right_do_not_make_it_sure_of_everything() -> None:
    labels = torch.tensor([0, 1] * 15)
    logits = torch.nn.functional.one_hot(labels, 2).float() * 20
    found = calibrate(logits, labels)
    shares = torch.softmax(logits.double() / found.temperature, 1).max(1).values
    assert shares.max().item() == pytest.approx(31 / 32, abs=1e-3)


def test_answers_that_are_no_numbers_are_never_the_best() -> None:
    found = calibrate(torch.tensor([[float("nan"), 0.0], [1.0, 0.0]]), torch.tensor([0, 1]))
    assert found.temperature == 1.0
    assert not found.loss < 1e9


def test_of_many_images_it_is_the_cross_entropy_at_that_temperature() -> None:
    logits, labels = made(20_000, 4, 2.0, seed=3)
    found = calibrate(logits, labels)
    assert found.loss == pytest.approx(
        torch.nn.functional.cross_entropy(logits / found.temperature, labels).item(), rel=2e-3
    )


@pytest.mark.parametrize("n", [10, 36, 200])
def test_it_does_not_say_more_than_the_loss_as_it_is(n: int) -> None:
    for seed in range(5):
        logits, labels = made(n, 3, 1.0, seed)
        assert 0 <= calibrate(logits, labels).loss <= torch.nn.functional.cross_entropy(logits, labels).item()


def test_an_epoch_that_is_right_more_often_is_not_passed_over_for_being_too_sure() -> None:
    def seen(logits: Tensor, labels: Tensor) -> Validation:
        loss = torch.nn.functional.cross_entropy(logits, labels).item()
        accuracy = (logits.argmax(1) == labels).double().mean().item()
        calibration = calibrate(logits, labels)
        every = Shares(loss, accuracy, accuracy)
        return Validation(
            loss=loss, accuracy=accuracy, balanced=accuracy, calibration=calibration, right={}, every=every
        )

    labels = torch.tensor([0, 1] * 50)
    sides = torch.nn.functional.one_hot(labels, 2).float()
    timid, bold = sides * 0.6, sides * 12.0
    timid[:30] = timid[:30].flip(1)
    bold[:15] = bold[:15].flip(1)
    before, after = seen(timid, labels), seen(bold, labels)
    assert after.value("validation_loss") > before.value("validation_loss")
    assert after.value("calibrated_loss") < before.value("calibrated_loss")
    assert after.value("accuracy") < before.value("accuracy")
