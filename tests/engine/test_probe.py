from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tlgui.engine.probe import fit_logistic_regression


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

    z = (x32 - x32.mean(0)) / np.maximum(x32.std(0), 1e-6)
    if classes == 2:  # scikit-learn has one row of weights for two classes: half as much penalty on it
        reference = LogisticRegression(C=2 / (n * strength), tol=1e-10, max_iter=10_000).fit(z, labels)
    else:
        reference = LogisticRegression(C=1 / (n * strength), tol=1e-10, max_iter=10_000).fit(z, labels)
    ours = torch.softmax(torch.from_numpy(x32) @ weight.T + bias, 1).numpy()
    assert np.abs(ours - reference.predict_proba(z)).max() < 2e-4
    assert (weight.shape, bias.shape, weight.dtype) == ((classes, d), (classes,), torch.float32)


def test_it_draws_no_random_number_and_repeats_bit_for_bit() -> None:
    features = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(40) % 3
    state = torch.random.get_rng_state()
    one, two = (fit_logistic_regression(features, labels, 3) for _ in range(2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])
    assert torch.equal(torch.random.get_rng_state(), state)
