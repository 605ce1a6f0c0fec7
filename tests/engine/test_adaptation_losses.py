"""Losses without labels of the new site: against autograd, numpy by hand and a double loop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tlgui.engine.adaptation.losses import Discriminator, class_confusion, domain_loss, reversed_gradient

Matrix = NDArray[np.float64]

pytestmark = pytest.mark.usefixtures("one_thread")


def drawn(n: int, d: int = 6, shift: float = 0.0, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64) + shift


# -- the reversed gradient ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 7.0])
def test_values_stay_and_the_gradient_comes_back_times_minus_the_factor(factor: float) -> None:
    weights = drawn(4, seed=1)
    plain, turned = (drawn(4, seed=2).requires_grad_() for _ in range(2))
    (plain**2 * weights).sum().backward()
    out = reversed_gradient(turned, factor)
    assert torch.equal(out, turned)
    (out**2 * weights).sum().backward()
    assert plain.grad is not None and turned.grad is not None
    assert torch.equal(turned.grad, -factor * plain.grad)


# -- the judge ----------------------------------------------------------------------------------------------------


def judge_of(features: int = 6, seed: int = 0) -> Discriminator:
    """Without dropout, in double precision."""
    torch.manual_seed(seed)
    return Discriminator(features).double().eval()


def by_hand(judge: Discriminator, rows: Tensor, label: int) -> tuple[float, float]:
    """Mean cross-entropy and share that is right, image by image."""
    layers = [layer for layer in judge.layers if isinstance(layer, nn.Linear)]
    losses, right = [], 0
    for row in rows.detach().numpy():
        x = row
        for place, layer in enumerate(layers):
            x = layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()
            x = np.maximum(x, 0) if place < 2 else x
        chance = np.exp(x[label]) / np.exp(x).sum()
        losses.append(-math.log(chance))
        right += bool(chance > 0.5)
    return float(np.mean(losses)), right / len(rows)


@pytest.mark.parametrize(("n", "m"), [(5, 5), (1, 1), (2, 9), (12, 3)])
def test_both_sites_count_alike_however_many_images_of_each_there_are(n: int, m: int) -> None:
    judge, source, target = judge_of(), drawn(n, seed=1), drawn(m, shift=1.0, seed=2)
    loss, share = domain_loss(judge, source, target, 0.7)
    (of_source, right_source), (of_target, right_target) = by_hand(judge, source, 0), by_hand(judge, target, 1)
    assert loss.item() == pytest.approx((of_source + of_target) / 2, abs=1e-12)
    assert share == pytest.approx((right_source + right_target) / 2)


def test_a_judge_that_cannot_tell_has_a_loss_of_log_2_and_is_right_half_the_time() -> None:
    judge = judge_of()
    for parameter in judge.layers[-1].parameters():
        nn.init.zeros_(parameter)
    loss, share = domain_loss(judge, drawn(5), drawn(8, shift=3.0), 1.0)
    assert loss.item() == pytest.approx(math.log(2), abs=1e-12) and share == 0.5


def gradients(factor: float) -> tuple[list[Tensor], Tensor, Tensor]:
    """Of the judge, and of the features of both sites."""
    judge = judge_of(seed=3)
    source, target = drawn(5, seed=1).requires_grad_(), drawn(9, shift=0.5, seed=2).requires_grad_()
    domain_loss(judge, source, target, factor)[0].backward()
    of_judge = [parameter.grad for parameter in judge.parameters() if parameter.grad is not None]
    assert source.grad is not None and target.grad is not None and len(of_judge) == 6
    return of_judge, source.grad, target.grad


def test_the_judge_learns_with_weight_1_and_the_features_feel_minus_the_factor() -> None:
    plain = gradients(-1.0)  # turned twice
    for factor in (0.0, 0.25, 3.0):
        of_judge, source, target = gradients(factor)
        assert all(torch.allclose(a, b, rtol=0, atol=1e-14) for a, b in zip(of_judge, plain[0], strict=True))
        assert torch.allclose(source, -factor * plain[1], atol=1e-14)
        assert torch.allclose(target, -factor * plain[2], atol=1e-14)
    assert plain[1].abs().max() > 0


def test_a_judge_that_learns_comes_to_tell_two_clouds_apart() -> None:
    torch.manual_seed(0)
    judge = Discriminator(4)
    source, target = drawn(64, 4, seed=1).float(), drawn(64, 4, shift=2.0, seed=2).float()
    optimizer = torch.optim.Adam(judge.parameters(), lr=1e-3)
    before = domain_loss(judge.eval(), source, target, 0.0)
    for _ in range(60):
        optimizer.zero_grad()
        domain_loss(judge.train(), source, target, 0.0)[0].backward()
        optimizer.step()
    after = domain_loss(judge.eval(), source, target, 0.0)
    assert after[0] < 0.5 * before[0] and after[1] > 0.9


def test_the_judge_has_the_layers_of_the_paper() -> None:
    layers = list(Discriminator(10).layers)
    assert [type(layer) for layer in layers] == [nn.Linear, nn.ReLU, nn.Dropout] * 2 + [nn.Linear]
    assert [(layer.in_features, layer.out_features) for layer in layers if isinstance(layer, nn.Linear)] == [
        (10, 256), (256, 256), (256, 2),
    ]  # fmt: skip
    assert {layer.p for layer in layers if isinstance(layer, nn.Dropout)} == {0.5}


# -- class confusion ----------------------------------------------------------------------------------------------


def shares_of(logits: Matrix, temperature: float) -> Matrix:
    powers = np.exp(logits / temperature - (logits / temperature).max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)  # type: ignore[no-any-return]


def weights_of(logits: Matrix, temperature: float) -> list[float]:
    rows = shares_of(logits, temperature)
    raw = [1 + math.exp(sum(share * math.log(share) for share in row if share > 0)) for row in rows]
    return [len(raw) * one / sum(raw) for one in raw]


def naive(logits: Matrix, weights: list[float], temperature: float) -> float:
    """Pair of classes by pair of classes."""
    p = shares_of(logits, temperature)
    n, classes = p.shape
    total = 0.0
    for first in range(classes):
        row = [sum(weights[i] * p[i, first] * p[i, second] for i in range(n)) for second in range(classes)]
        total += sum(value for second, value in enumerate(row) if second != first) / sum(row)
    return total / classes


@pytest.mark.parametrize(("n", "classes"), [(1, 2), (2, 3), (7, 3), (20, 5)])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_confusion_is_that_of_a_double_loop(n: int, classes: int, temperature: float) -> None:
    logits = 3 * drawn(n, classes, seed=n)
    expected = naive(logits.numpy(), weights_of(logits.numpy(), temperature), temperature)
    assert class_confusion(logits, temperature).item() == pytest.approx(expected, abs=1e-12)
    assert 0 <= expected <= 1


def test_the_temperature_of_the_paper_is_used_where_none_is_given() -> None:
    logits = 3 * drawn(8, 4)
    assert class_confusion(logits).item() == class_confusion(logits, 2.5).item() != class_confusion(logits, 1.0).item()


def test_answers_that_are_sure_and_name_every_class_confuse_nothing() -> None:
    sure = 200 * torch.eye(4, dtype=torch.float64)[[0, 1, 2, 3, 3, 1]]
    assert class_confusion(sure).item() == pytest.approx(0, abs=1e-12)
    undecided = torch.zeros(6, 4, dtype=torch.float64)
    assert class_confusion(undecided).item() == pytest.approx(3 / 4), "all pairs alike: the share off the diagonal"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_class_that_no_answer_names_leaves_a_number(dtype: torch.dtype) -> None:
    logits = torch.tensor([[900.0, 0.0, -900.0]] * 3, dtype=dtype, requires_grad=True)
    loss = class_confusion(logits)
    loss.backward()
    assert 0 <= loss.item() <= 1 and logits.grad is not None and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(("n", "classes"), [(2, 2), (5, 3), (9, 4)])
def test_the_gradient_is_that_of_small_steps_with_the_weights_of_images_held(n: int, classes: int) -> None:
    logits = drawn(n, classes, seed=5).requires_grad_()
    class_confusion(logits).backward()
    base: Any = logits.detach().numpy().copy()
    held, step = weights_of(base, 2.5), 1e-6
    assert logits.grad is not None
    for place in np.ndindex(n, classes):
        values = []
        for sign in (1, -1):
            moved = base.copy()
            moved[place] += sign * step
            values.append(naive(moved, held, 2.5))
        assert logits.grad[place].item() == pytest.approx((values[0] - values[1]) / (2 * step), abs=1e-8)


def test_autograd_agrees_with_small_steps_where_all_images_weigh_the_same() -> None:
    """Rows that are each other's mirror have one entropy: their weights are 1 whichever way both move."""

    def paired(half: Tensor) -> Tensor:
        return class_confusion(torch.cat([half, half.flip(1)]))

    assert torch.autograd.gradcheck(paired, (drawn(1, 4, seed=7).requires_grad_(),))


def test_going_down_the_gradient_makes_answers_sure() -> None:
    logits = (0.3 * drawn(12, 3, seed=4)).requires_grad_()
    before = class_confusion(logits).item()
    for _ in range(200):
        (gradient,) = torch.autograd.grad(class_confusion(logits), logits)
        logits = (logits - 20 * gradient).detach().requires_grad_()
    shares = torch.softmax(logits, 1)
    assert class_confusion(logits).item() < 0.2 * before and shares.max(1).values.min() > 0.8
