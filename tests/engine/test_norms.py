"""BatchNorm statistics of two sites side by side: neither sees the other's images."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from helpers.tiny import differing, snapshot, tiny_network
from torch import Tensor, nn

from tlgui.engine.adaptation.norms import SiteNorms
from tlgui.engine.network import Network

pytestmark = pytest.mark.usefixtures("one_thread")

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def images(seed: int, n: int = 6, shift: float = 0.0) -> Tensor:
    return torch.randn(n, 3, 24, 24, generator=torch.Generator().manual_seed(seed)) + shift


def seen(network: Network, batches: Iterable[Tensor], first: int = 0) -> Network:
    """The network after it has seen some batches in training."""
    network.training_mode(first, keep_statistics=False)
    with torch.no_grad():
        for batch in batches:
            network.run(batch)
    return network


def statistics(network: Network) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in snapshot(network).items() if name.endswith(STATISTICS)}


def of_new_site(network: Network, norms: SiteNorms) -> dict[str, Tensor]:
    with norms.of_new_site():
        return statistics(network)


def test_each_site_has_the_statistics_of_its_own_batches_as_if_there_were_no_other() -> None:
    known, new = [images(seed) for seed in range(4)], [images(seed, 3, shift=2.0) for seed in range(10, 14)]
    network = tiny_network(3)
    norms = SiteNorms(network)
    network.training_mode(0, keep_statistics=False)
    with torch.no_grad():
        for batch, other in zip(known, new, strict=True):
            network.run(batch)
            with norms.of_new_site():
                network.run(other)
    assert differing(statistics(network), statistics(seen(tiny_network(3), known))) == []
    assert differing(of_new_site(network, norms), statistics(seen(tiny_network(3), new))) == []
    assert len(differing(statistics(network), of_new_site(network, norms))) == 6, "means and spreads, not the counts"
    assert differing(statistics(network), statistics(seen(tiny_network(3), known))) == [], "to look changes nothing"


def test_both_begin_with_the_statistics_that_the_network_came_with() -> None:
    network = tiny_network(3)
    assert differing(of_new_site(network, SiteNorms(network)), statistics(network)) == []


@pytest.mark.parametrize("first", [1, 2, 3])
def test_layers_that_are_frozen_keep_the_same_for_both(first: int) -> None:
    network = tiny_network(3)
    came_with, norms = statistics(network), SiteNorms(network)
    network.training_mode(first, keep_statistics=False)
    with torch.no_grad():
        network.run(images(1))
        with norms.of_new_site():
            network.run(images(2, shift=3.0))
    frozen = tuple(f"norm{layer}." for layer in range(1, first + 1))
    for now in (statistics(network), of_new_site(network, norms)):
        changed = differing(came_with, now)
        assert not any(name.startswith(frozen) for name in changed)
        assert len(changed) == 3 * (3 - first)


def test_where_statistics_are_kept_neither_site_changes_them() -> None:
    network = tiny_network(3)
    came_with, norms = statistics(network), SiteNorms(network)
    network.training_mode(0, keep_statistics=True)
    with norms.of_new_site():
        network.run(images(2, shift=3.0))
    assert differing(statistics(network), came_with) == differing(of_new_site(network, norms), came_with) == []


def test_weights_are_shared() -> None:
    network = tiny_network(3)
    norms = SiteNorms(network)
    with norms.of_new_site(), torch.no_grad():
        network.head_linear.weight.fill_(5.0)
    assert (network.head_linear.weight == 5.0).all()


def test_they_come_back_as_they_were_written_and_share_nothing_with_what_was_read() -> None:
    network, other = tiny_network(3), tiny_network(3)
    norms = SiteNorms(network)
    with norms.of_new_site():
        seen(network, [images(2, shift=1.0)])
    written = {name: tensor.clone() for name, tensor in norms.tensors().items()}
    expected = of_new_site(network, norms)
    assert len(written) == 9 and {name.split("|")[1] for name in written} == set(STATISTICS)

    taken = SiteNorms(other)
    taken.load(written)
    for tensor in written.values():
        tensor.zero_()  # as where a file is closed
    assert differing(of_new_site(other, taken), expected) == []
    assert differing(statistics(other), statistics(tiny_network(3))) == [], "the known site's stay"


def test_what_goes_wrong_in_between_leaves_the_known_site_in_place() -> None:
    network = tiny_network(3)
    norms = SiteNorms(network)
    with norms.of_new_site():
        seen(network, [images(2, shift=1.0)])
    with pytest.raises(RuntimeError, match="out of memory"), norms.of_new_site():
        raise RuntimeError("out of memory")
    assert differing(statistics(network), statistics(tiny_network(3))) == []


def test_layers_without_statistics_are_passed_over() -> None:
    network = tiny_network(3)
    network.model.set_submodule("norm1", nn.BatchNorm2d(8, track_running_stats=False))
    network.model.set_submodule("norm2", nn.GroupNorm(2, 12))
    norms = SiteNorms(network)
    assert {name.split("|")[0] for name in norms.tensors()} == {"norm3"}
    with norms.of_new_site():
        seen(network, [images(1)])
