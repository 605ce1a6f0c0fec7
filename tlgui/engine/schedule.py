"""The one-cycle learning rate, in closed form, so that any step can be asked for at any time."""

from __future__ import annotations

import math

_WARM_UP = 0.3
_START_DIVISOR = 25.0
_END_DIVISOR = 1e4
_MOMENTA = 0.95, 0.85


def one_cycle(progress: float) -> float:
    """The rate at `progress` in [0, 1] as a share of its peak.

    It climbs along a half cosine from 1/25 to 1 in the first 30 % and falls along another one to 1/250,000.

    Source: Smith and Topin 2019, arXiv 1708.07120, with the two-phase cosine form and the defaults of
    `torch.optim.lr_scheduler.OneCycleLR`, whose peak lies up to one step earlier.
    """
    start, end = 1 / _START_DIVISOR, 1 / (_START_DIVISOR * _END_DIVISOR)
    progress = min(max(progress, 0.0), 1.0)
    if progress < _WARM_UP:
        return _cosine(start, 1.0, progress / _WARM_UP)
    return _cosine(1.0, end, (progress - _WARM_UP) / (1 - _WARM_UP))


def momentum_of(progress: float) -> float:
    """Beta1 at `progress` in [0, 1]: from .95 down to .85 in the first 30 %, and back, as `OneCycleLR` cycles it."""
    high, low = _MOMENTA
    progress = min(max(progress, 0.0), 1.0)
    if progress < _WARM_UP:
        return _cosine(high, low, progress / _WARM_UP)
    return _cosine(low, high, (progress - _WARM_UP) / (1 - _WARM_UP))


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2
