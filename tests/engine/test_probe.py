from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tlgui.engine.probe import STRENGTH, fit_logistic_regression, spread_of


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("strength", [1e-1, 1e-2])
def test_it_agrees_with_scikit_learn_on_standardised_features(classes: int, strength: float) -> None:
    """One penalty in two notations: `strength / 2 * ||W||^2` beside a mean loss, or C = 1 / (n * strength) of a sum."""
    rng = np.random.default_rng(classes)
    n, d = 90, 7
    labels = rng.integers(0, classes, n)
    x = (
        rng.normal(size=(n, d)) * rng.uniform(0.1, 30, d)
        + rng.normal(size=(classes, d))[labels]
        + rng.uniform(-9, 9, d)
    )
    x[:, 3] = 2.5  # a feature that says nothing
    x32 = x.astype(np.float32)
    weight, bias = fit_logistic_regression(torch.from_numpy(x32), torch.from_numpy(labels), classes, strength)

    z = (x32 - x32.mean(0)) / np.maximum(x32.std(0), 0.1 * np.sort(x32.std(0))[(d - 1) // 2])
    if classes == 2:  # scikit-learn has one row of weights for two classes: half as much penalty on it
        reference = LogisticRegression(C=2 / (n * strength), tol=1e-10, max_iter=10_000).fit(z, labels)
    else:
        reference = LogisticRegression(C=1 / (n * strength), tol=1e-10, max_iter=10_000).fit(z, labels)
    ours = torch.softmax(torch.from_numpy(x32) @ weight.T + bias, 1).numpy()
    assert np.abs(ours - reference.predict_proba(z)).max() < 2e-4
    assert (weight.shape, bias.shape, weight.dtype) == ((classes, d), (classes,), torch.float32)


def test_more_features_than_images_have_the_same_solution() -> None:
    """It is found in the space that the images span, and is the one of all features."""
    rng = np.random.default_rng(5)
    labels = np.arange(30) % 3
    x = (rng.normal(size=(30, 80)) + rng.normal(size=(3, 80))[labels]).astype(np.float32)
    weight, bias = fit_logistic_regression(torch.from_numpy(x), torch.from_numpy(labels), 3)
    z = (x - x.mean(0)) / x.std(0)
    reference = LogisticRegression(C=1 / (30 * STRENGTH), tol=1e-10, max_iter=10_000).fit(z, labels)
    ours = torch.softmax(torch.from_numpy(x) @ weight.T + bias, 1).numpy()
    assert np.abs(ours - reference.predict_proba(z)).max() < 2e-4


def test_a_feature_that_hardly_varies_gets_no_large_weight() -> None:
    rng = np.random.default_rng(0)
    labels = torch.arange(60) % 2
    x = torch.from_numpy(rng.normal(size=(60, 12)).astype(np.float32))
    x[:, 4] = 1e-4 * (labels + 0.1 * x[:, 4])  # tells the classes, and is nearly off
    weight, _ = fit_logistic_regression(x, labels, 2)
    # A tenth of the median SD, about 0.1, and a standardised weight that the penalty keeps in bounds.
    assert weight[:, 4].abs().max() < 30
    assert spread_of(x.double())[4] == pytest.approx(0.1 * np.sort(x.numpy().std(0))[5], rel=1e-5)


def test_shifted_logits_move_the_bias_by_the_shift_and_nothing_else() -> None:
    """The bias is not penalised, so the loss with `b + shift` has its lowest point where `b` is lower by the shift."""
    generator = torch.Generator().manual_seed(0)
    x, labels = torch.randn(50, 4, generator=generator), torch.arange(50) % 3
    shift = torch.tensor([-0.5, -1.5, -2.0])
    plain, moved = fit_logistic_regression(x, labels, 3), fit_logistic_regression(x, labels, 3, shift=shift)
    assert torch.allclose(plain[0], moved[0], atol=1e-4)
    difference = plain[1] - moved[1] - shift
    assert torch.allclose(difference, difference.mean().expand(3), atol=1e-4)


def test_weighted_classes_are_as_if_their_images_came_more_often() -> None:
    generator = torch.Generator().manual_seed(0)
    x, labels = torch.randn(40, 4, generator=generator), torch.arange(40) % 2
    weighted = fit_logistic_regression(x, labels, 2, strength=1e-1, weights=torch.tensor([1.0, 3.0]))
    mean, spread = x.double().mean(0), spread_of(x.double())
    z = ((x.double() - mean) / spread).numpy()
    each = np.where(labels.numpy() == 1, 3.0, 1.0)
    reference = LogisticRegression(C=2 / (40 * 1e-1), tol=1e-10, max_iter=10_000).fit(z, labels, sample_weight=each)
    ours = torch.softmax(x @ weighted[0].T + weighted[1], 1).numpy()
    assert np.abs(ours - reference.predict_proba(z)).max() < 2e-4


def test_it_draws_no_random_number_and_repeats_bit_for_bit() -> None:
    features = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(40) % 3
    state = torch.random.get_rng_state()
    one, two = (fit_logistic_regression(features, labels, 3) for _ in range(2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])
    assert torch.equal(torch.random.get_rng_state(), state)
