"""BatchNorm statistics of two sites side by side: each is normalised by its own mean and spread."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping

import torch
from torch import Tensor, nn

from tlgui.engine.network import Network

_KEPT = ("running_mean", "running_var", "num_batches_tracked")


class SiteNorms:
    """The statistics of the new site, beside those of the known one that stand in the network.

    Layers that are frozen keep the same for both: those that they came with. Of layers that learn with the mean and
    variance of a batch, a mixture of both sites would fit neither, and validation would jump.

    Args:
        network: whose layers; a layer without statistics has none for the new site either.

    Source: Chang et al. 2019, arXiv 1906.03950 (domain-specific batch normalisation; here the statistics alone are of
    each site, the weights are shared).
    """

    def __init__(self, network: Network) -> None:
        self._norms = {
            name: module
            for name, module in network.model.named_modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
        }
        self._kept = {name: {key: getattr(norm, key).clone() for key in _KEPT} for name, norm in self._norms.items()}

    @contextlib.contextmanager
    def of_new_site(self) -> Iterator[None]:
        """The network with the statistics of the new site; what they become meanwhile is theirs."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def differ(self, names: Collection[str]) -> bool:
        """Whether any of these layers has other statistics for the new site than for the known one.

        Args:
            names: of tensors of the network, such as those below a cut.
        """
        return any(
            not torch.equal(getattr(norm, key), self._kept[name][key])
            for name, norm in self._norms.items()
            if f"{name}.running_mean" in names
            for key in _KEPT[:2]
        )

    def tensors(self) -> dict[str, Tensor]:
        """Those of the new site, by layer and name."""
        return {f"{name}|{key}": tensor for name, kept in self._kept.items() for key, tensor in kept.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes them back."""
        for name, kept in self._kept.items():
            for key in _KEPT:
                if (found := tensors.get(f"{name}|{key}")) is not None:
                    # Copied: a tensor of the file keeps the file open, and Windows replaces no open file.
                    kept[key] = found.to(kept[key].device, copy=True)

    def _swap(self) -> None:
        for name, norm in self._norms.items():
            kept = self._kept[name]
            for key in _KEPT:
                mine = getattr(norm, key)
                setattr(norm, key, kept[key])
                kept[key] = mine
