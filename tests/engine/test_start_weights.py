"""What a run begins with: whether an earlier run changed anything below its head, and what is said of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch
from helpers.tiny import ROW, tiny_network

from tlgui.core.errors import UserError
from tlgui.core.run_spec import Source
from tlgui.engine import start_weights, weights
from tlgui.engine.network import Network
from tlgui.engine.start_weights import beginning_words, is_published

pytestmark = pytest.mark.usefixtures("one_thread")

PUBLISHED = 7  # seed of what everybody gets


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published weights of the tiny network; a random start is another one."""

    def build(row: Any, classes: int, state: Any, **_: Any) -> Network:
        network = tiny_network(classes, seed=99)
        weights.load_into(network.model, state, row.head_linear, "the weights")
        return network

    monkeypatch.setattr(start_weights, "build", build)
    monkeypatch.setattr(weights, "pretrained", lambda row: tiny_network(5, PUBLISHED).model.state_dict())


def test_a_new_head_of_any_size_leaves_the_network_as_it_was_published() -> None:
    network = tiny_network(5, PUBLISHED)
    network.model.set_submodule("fc", torch.nn.Linear(16, 3))
    assert is_published(network)


@pytest.mark.parametrize("name", ["conv1.weight", "norm2.bias", "norm3.running_var", "norm1.num_batches_tracked"])
def test_any_bit_below_the_head_makes_it_another_network(name: str) -> None:
    network = tiny_network(5, PUBLISHED)
    tensor = network.model.state_dict()[name]
    with torch.no_grad():
        place = (0,) * tensor.dim()
        tensor[place] = torch.nextafter(tensor[place], torch.tensor(9.0)) if tensor.is_floating_point() else 0
    assert not is_published(network)
    assert not is_published(tiny_network(5, PUBLISHED + 1))


def test_a_network_that_nobody_published_counts_as_changed() -> None:
    network = tiny_network(5, PUBLISHED)
    network.row = msgspec.structs.replace(ROW, weights="none")
    assert not is_published(network)


def test_where_the_published_weights_are_not_here_it_counts_as_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(row: object) -> None:
        raise UserError("They are not on this computer.", "Download them.")

    monkeypatch.setattr(weights, "pretrained", absent)
    assert not is_published(tiny_network(5, PUBLISHED))


def test_what_is_said_of_it_names_the_run_and_its_images() -> None:
    source = Source(run="Run 7", dataset="cells", images=1_234)
    said = beginning_words(source, published=False)
    assert said.startswith("This run begins with the network of the run 'Run 7', below its head.")
    assert "1,234 images of 'cells'" in said
    assert beginning_words(Source(run="old"), published=False).endswith("below its head.")
    learns_on = beginning_words(msgspec.structs.replace(source, classes=["a", "b"]), published=False)
    assert learns_on.startswith("This run learns on from the run 'Run 7': its 2 classes stay. It learned from 1,234")
    said = beginning_words(source, published=True)
    assert said.startswith("The run 'Run 7' trained its head alone, ") and "cells" not in said


@pytest.mark.slow
@pytest.mark.parametrize("size", [None, 96])
def test_the_embedded_network_with_its_weights_carried_over_is_as_published(size: int | None) -> None:
    """The real builder, as a run at another size calls it."""
    from tlgui.core.backbones import BACKBONES
    from tlgui.engine.backbones import build

    row = BACKBONES["efficientnet-lite0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_weights, "build", build)
        patch.setattr(weights, "pretrained", _PRETRAINED)
        first = build(row, 3, weights.pretrained(row), size=size)
        second = build(row, 2, first.model.state_dict(), size=size)
        assert is_published(second)
        next(second.model.parameters()).data[0, 0, 0, 0] += 1
        assert not is_published(second)


_PRETRAINED = weights.pretrained
