"""What the engine's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from helpers.tiny import ROW, tiny_network

from tlgui.engine import listed_network


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """What dropout and stochastic depth do in a test does not depend on the tests before it."""
    torch.manual_seed(0)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small networks are faster on one thread, and a busy machine then changes nothing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question about listed images has the tiny network, by the name "tiny", and no other."""
    monkeypatch.setenv("TLGUI_DEVICE", "cpu")
    monkeypatch.setattr(listed_network, "row_of", lambda name: {"tiny": ROW}[name])
    monkeypatch.setattr(listed_network, "build", lambda row, classes, *_: tiny_network(classes))
    monkeypatch.setattr(listed_network.weights, "pretrained", lambda row: {})
