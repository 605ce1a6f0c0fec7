"""Every random number of a run follows from its seed and from what it is for, so that nothing need be remembered."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def derive(seed: int, *purpose: object) -> int:
    """A seed of its own for one purpose, such as ("order", epoch); 0 <= result < 2**63."""
    text = "\0".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def order(seed: int, epoch: int, n: int) -> list[int]:
    """The order of `n` training images in an epoch: the same in a run that goes on as in one that never stopped."""
    shuffled: list[int] = np.random.default_rng(derive(seed, "order", epoch)).permutation(n).tolist()
    return shuffled


def batches(indices: list[int], size: int) -> list[list[int]]:
    """Cuts into batches of `size`; a last batch of one image joins the one before it.

    One image alone has no variance, so that BatchNorm would fail or take in junk statistics. No image is dropped.
    """
    cut = [indices[start : start + size] for start in range(0, len(indices), size)]
    if len(cut) > 1 and len(cut[-1]) == 1:
        cut[-2:] = [cut[-2] + cut[-1]]
    return cut


def seed_step(seed: int, step: int) -> None:
    """Seeds dropout and stochastic depth of one optimizer step."""
    torch.manual_seed(derive(seed, "step", step))
