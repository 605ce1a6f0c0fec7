"""The training loss against arithmetic done another way; the validation loss stays plain whatever is asked of training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import finish, tiny_network, tiny_setup
from hypothesis import given
from hypothesis import strategies as st

from tlgui.core import events
from tlgui.core.run_spec import Training
from tlgui.engine import validation
from tlgui.engine.objective import Objective, balanced_order, class_weights, log_priors
from tlgui.engine.setup import Setup
from tlgui.engine.validation import Validation, validate

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


def objective(counts: list[int], **training: Any) -> Objective:
    labels = torch.tensor([label for label, n in enumerate(counts) for _ in range(n)])
    return Objective(Training(**training), labels, len(counts), CPU)


def softmax_loss(logits: np.ndarray[Any, Any], label: int, smoothing: float = 0.0) -> float:
    """By exponentials in numpy."""
    shares = np.exp(logits) / np.exp(logits).sum()
    targets = np.full(len(logits), smoothing / len(logits))
    targets[label] += 1 - smoothing
    return float(-(targets * np.log(shares)).sum())


LOGITS = torch.tensor([[0.3, -1.0, 2.0], [1.5, 0.2, -0.7], [0.0, 0.1, 0.2], [-2.0, 1.0, 0.5]])
LABELS = torch.tensor([2, 0, 1, 1])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_it_is_the_mean_cross_entropy_with_smoothed_targets(smoothing: float) -> None:
    expected = np.mean(
        [softmax_loss(row, int(y), smoothing) for row, y in zip(LOGITS.double().numpy(), LABELS, strict=True)]
    )
    found = objective([5, 5, 5], label_smoothing=smoothing).loss(LOGITS, LABELS).item()
    assert found == pytest.approx(expected, rel=1e-5)


def test_logit_adjustment_adds_the_logarithms_of_the_class_shares() -> None:
    """Menon et al. 2021, equation 10 with tau 1."""
    shift = np.log(np.array([90, 9, 1]) / 100)
    expected = np.mean(
        [softmax_loss(row + shift, int(y)) for row, y in zip(LOGITS.double().numpy(), LABELS, strict=True)]
    )
    found = objective([90, 9, 1], imbalance="logit-adjustment").loss(LOGITS, LABELS).item()
    assert found == pytest.approx(expected, rel=1e-5)


def test_class_weights_are_n_over_c_times_n_c_and_at_most_ten() -> None:
    assert class_weights(torch.tensor([90, 9, 1])).tolist() == pytest.approx([100 / 270, 100 / 27, 10.0])
    weights = [100 / 270, 100 / 27, 10.0]
    each = [softmax_loss(row, int(y)) * weights[int(y)] for row, y in zip(LOGITS.double().numpy(), LABELS, strict=True)]
    assert objective([90, 9, 1], imbalance="class-weights").loss(LOGITS, LABELS).item() == pytest.approx(
        np.mean(each), rel=1e-5
    )
    # Over all training images the weights have mean 1, so the loss keeps its size.
    counts = torch.tensor([40, 30, 20])
    assert (class_weights(counts) * counts).sum().item() == pytest.approx(90)


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=12).filter(any))
def test_t17_every_number_is_finite_and_an_absent_class_weighs_nothing(counts: list[int]) -> None:
    given_counts = torch.tensor(counts)
    weights, priors = class_weights(given_counts), log_priors(given_counts)
    assert bool(torch.isfinite(weights).all() and torch.isfinite(priors).all())
    assert [w == 0 for w in weights.tolist()] == [n == 0 for n in counts]
    assert priors.exp().sum().item() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("imbalance", ["off", "logit-adjustment", "class-weights", "balanced-sampling"])
def test_t35_the_loss_takes_raw_outputs_and_goes_to_nothing_for_sure_right_answers(imbalance: str) -> None:
    sure = 200.0 * torch.nn.functional.one_hot(LABELS, 3).float()
    assert objective([9, 2, 1], imbalance=imbalance).loss(sure, LABELS).item() < 1e-6


def test_t35_a_network_in_training_answers_no_probabilities() -> None:
    network = tiny_network(3)
    network.training_mode(0, keep_statistics=True)
    answers = network.run(torch.randn(6, 3, 24, 24))
    assert bool((answers.sum(1) - 1).abs().max() > 0.05) and bool((answers < 0).any())


@pytest.mark.parametrize("imbalance", ["off", "logit-adjustment", "class-weights"])
def test_t16_nothing_of_double_width_goes_to_the_device(
    imbalance: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An Apple GPU has no float64: every tensor that is sent there in a run is looked at."""
    sent: list[torch.dtype] = []
    inner = torch.Tensor.to

    def recorded(self: torch.Tensor, *arguments: Any, **options: Any) -> torch.Tensor:
        answer = inner(self, *arguments, **options)
        if any(isinstance(argument, torch.device) for argument in (*arguments, *options.values())):
            sent.append(answer.dtype)
        return answer

    monkeypatch.setattr(torch.Tensor, "to", recorded)
    data = write_dataset(tmp_path / "d", {"a": 24, "b": 6}, size=24)
    options: dict[str, Any] = {"epochs": 1, "imbalance": imbalance, "ema": 0.9, "clip_norm": 1.0, "mixup": 0.1}
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", **options)
    finish(setup)
    assert len(sent) > 5 and set(sent) <= {torch.float32, torch.int64}
    loss = setup.network.model
    assert {tensor.dtype for tensor in loss.state_dict().values()} == {torch.float32, torch.int64}


# -- balanced sampling ---------------------------------------------------------------------------------------------


def test_balanced_sampling_keeps_the_length_of_an_epoch_and_shows_each_class_as_often() -> None:
    labels = torch.tensor([0] * 180 + [1] * 15 + [2] * 5)
    shown = np.zeros(3)
    for epoch in range(20):
        order = balanced_order(list(range(200)), labels, torch.Generator().manual_seed(epoch))
        assert len(order) == 200
        shown += np.bincount(labels[order].numpy(), minlength=3)
    assert shown / shown.sum() == pytest.approx([1 / 3] * 3, abs=0.03)
    assert balanced_order(list(range(200)), labels, torch.Generator().manual_seed(7)) == balanced_order(
        list(range(200)), labels, torch.Generator().manual_seed(7)
    )
    # Each image of the rare class comes as often as any other of it, give or take one.
    times = np.bincount(order, minlength=200)[195:]
    assert times.max() - times.min() <= 1 and times.min() > 8


# -- validation ----------------------------------------------------------------------------------------------------


def seen_by(setup: Setup) -> Validation:
    steps = validate(setup, 0, slow=False)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Validation = end.value
            return found


def test_n10_t18_the_validation_score_does_not_depend_on_how_images_are_batched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_dataset(tmp_path / "d", {"a": 50, "b": 50, "c": 50}, size=24)
    setup = tiny_setup(data, tmp_path / "run")
    torch.nn.init.normal_(setup.network.head_linear.weight)
    found = {}
    for size in (1, 7, 32, 64):
        monkeypatch.setattr(validation, "_BATCH", size)
        found[size] = seen_by(setup)
    # Shuffled too.
    part, order = setup.validation, torch.randperm(len(setup.validation)).tolist()
    setup.validation = type(part)(
        [part.paths[i] for i in order], [part.hashes[i] for i in order], part.labels[order], part.name
    )
    found[0] = seen_by(setup)
    for other in found.values():
        assert other.accuracy == pytest.approx(found[32].accuracy, abs=1e-6)
        assert other.loss == pytest.approx(found[32].loss, abs=1e-4)
    assert 0 < found[32].accuracy < 1


def test_t18_one_of_33_wrong_in_the_last_short_batch_is_32_of_33(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "d", {"a": 120, "b": 100}, size=24)
    setup = tiny_setup(data, tmp_path / "run")
    part = setup.validation
    assert len(part) >= 33
    setup.validation = type(part)(part.paths[:33], part.hashes[:33], part.labels[:33].clone(), part.name)
    with torch.no_grad():
        setup.network.head_linear.weight.zero_()
        setup.network.head_linear.bias.copy_(torch.tensor([1.0, 0.0]))  # always the first class
    setup.validation.labels[:] = 0
    setup.validation.labels[32] = 1
    assert seen_by(setup).accuracy == pytest.approx(32 / 33)
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    assert seen_by(setup).loss == pytest.approx((32 * right + wrong) / 33, rel=1e-6)


def test_t18_the_training_loss_of_an_epoch_weighs_images_and_not_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A last batch of 2 of 34 counts 2/34: a loss that is the number of images in its batch has the mean below."""
    data = write_dataset(tmp_path / "d", {"a": 25, "b": 25}, size=24)
    setup = tiny_setup(data, tmp_path / "run", epochs=1, batch_size=32, strategy="feature-extraction")
    monkeypatch.setattr(Objective, "loss", lambda self, logits, labels, *_: logits.sum() * 0 + float(len(labels)))
    said, _ = finish(setup)
    assert len(setup.train) == 34
    (epoch,) = (event for event in said if isinstance(event, events.EpochEnded) and event.epoch == 1)
    assert epoch.train_loss == pytest.approx((32 * 32 + 2 * 2) / 34)


def test_the_validation_loss_is_plain_whatever_training_minimises(tmp_path: Path) -> None:
    """With rates that are next to nothing all these runs have the same network, and so the same validation loss."""
    data = write_dataset(tmp_path / "d", {"a": 40, "b": 8}, size=24)
    losses, trained = [], []
    for number, options in enumerate(
        ({}, {"label_smoothing": 0.3}, {"imbalance": "class-weights"}, {"imbalance": "off"}, {"mixup": 1.0})
    ):
        setup = tiny_setup(data, tmp_path / f"run {number}", epochs=1, head_learning_rate=1e-9, **options)
        with torch.no_grad():
            setup.network.head_linear.weight.normal_(generator=torch.Generator().manual_seed(3))
        said, _ = finish(setup)
        (epoch,) = (event for event in said if isinstance(event, events.EpochEnded))
        losses.append(epoch.validation_loss)
        trained.append(epoch.train_loss)
    assert losses == pytest.approx([losses[0]] * 5, rel=1e-5)
    assert len({round(loss, 6) for loss in trained if loss is not None}) == 5
