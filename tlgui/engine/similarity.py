"""How like ImageNet's pictures a set of images is, from the statistics that BatchNorm layers kept of those.

For the inputs of the last third of a network's BatchNorm layers, with m and v the mean and variance of a channel over all
images and pixels, ms and vs the layer's running statistics, and 1e-3 added to v and vs,

    h = 1 - exp(-[(m - ms)^2 / (4 (v + vs)) + 1/2 ln((v + vs) / (2 sqrt(v vs)))]),

the squared Hellinger distance of two Gaussians. D is its mean over channels, then layers; I is the same with each image's
own m and v, averaged over the images. No label and no image of the source is needed. The early layers are left out, since
they answer to brightness and compression more than to what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tlgui.core.records import PixelRule
from tlgui.core.similarity import (
    FEWEST,
    MOST,
    THRESHOLDS,
    MeasuredSimilarity,
    Thresholds,
    band_of,
    bands_within,
    cannot_say,
    measuring,
    sentence_of,
)
from tlgui.engine.drawn_images import ranked, see
from tlgui.engine.listed_network import pretrained_network
from tlgui.engine.network import Network
from tlgui.engine.preprocess import to_input
from tlgui.engine.trunk import CHUNK
from tlgui.engine.validation import placed
from tlgui.imaging.listing import ListedImage

Rows = NDArray[np.float64]

_SHARE = 17 / 49  # of the BatchNorm layers, counted from the head
_SMALL = 1e-3  # added to variances: a channel that is off everywhere has none
_FLAT = 2.0  # standard deviation of an image's grey levels below which it shows nothing
_DRAWS = 200
# Of two kinds in one set, each has at least so many images and so large a share.
_KIND, _KIND_SHARE = 10, 0.1


@dataclass(frozen=True)
class Layer:
    """One BatchNorm layer: what it kept, and what comes into it.

    Attributes:
        mean, variance: running statistics, (C,).
        means, squares: of each image: mean over its pixels, and mean of the squares, (N, C).
    """

    mean: Rows
    variance: Rows
    means: Rows
    squares: Rows

    def of(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Layer:
        """The same of some of the images."""
        return Layer(self.mean, self.variance, self.means[rows], self.squares[rows])


@dataclass(frozen=True)
class Outcome:
    """What came of it: either `measured`, or `sentence` says why there is nothing; `whole`: all images could be read."""

    measured: MeasuredSimilarity | None
    sentence: str
    whole: bool = True


def hellinger(mean: Rows, variance: Rows, kept_mean: Rows, kept_variance: Rows) -> Rows:
    """Squared Hellinger distance of two Gaussians, elementwise, 0 to 1; 1e-3 is added to both variances.

    Source: Pardo 2006, Statistical Inference Based on Divergence Measures, for two normal distributions.
    """
    v, vs = np.maximum(variance, 0) + _SMALL, kept_variance + _SMALL
    exponent = (mean - kept_mean) ** 2 / (4 * (v + vs)) + 0.5 * np.log((v + vs) / (2 * np.sqrt(v * vs)))
    found: Rows = 1 - np.exp(-exponent)
    return found


def set_distance(layers: Sequence[Layer], weights: Rows | None = None) -> float:
    """D of a set.

    Args:
        layers: with N images each.
        weights: (N,), of each image, with the sum 1; `None` = all alike.
    """
    found = []
    for layer in layers:
        n = len(layer.means)
        share = np.full(n, 1 / n) if weights is None else weights
        mean = share @ layer.means
        found.append(hellinger(mean, share @ layer.squares - mean**2, layer.mean, layer.variance).mean())
    return float(np.mean(found))


def image_distances(layers: Sequence[Layer]) -> Rows:
    """The distance of each image by itself, (N,); I is their mean."""
    each = [
        hellinger(layer.means, layer.squares - layer.means**2, layer.mean, layer.variance).mean(1) for layer in layers
    ]
    found: Rows = np.mean(each, axis=0)
    return found


def judged(layers: Sequence[Layer], backbone: str, seed: int) -> MeasuredSimilarity:
    """Value, range and band of a set of at least `FEWEST` images."""
    thresholds = THRESHOLDS[backbone]
    single = image_distances(layers)
    distance, spread, n = set_distance(layers), float(single.mean()), len(single)
    rng = np.random.default_rng(seed)
    draws = [set_distance(layers, rng.multinomial(n, np.full(n, 1 / n)) / n) for _ in range(_DRAWS)]
    distance_sd, spread_sd = float(np.std(draws, ddof=1)), float(single.std(ddof=1) / n**0.5)
    mixed = is_mixture(layers, thresholds)
    within = bands_within(distance, distance_sd, spread, spread_sd, thresholds)
    return MeasuredSimilarity(
        value=1 - distance,
        low=max(0.0, 1 - distance - 2 * distance_sd),
        high=min(1.0, 1 - distance + 2 * distance_sd),
        spread=spread,
        band=None if mixed else band_of(distance, spread, thresholds),
        sure=not mixed and len(within) == 1,
        doubt="mixture" if mixed else "",
        images=n,
        backbone=backbone,
    )


def is_mixture(layers: Sequence[Layer], thresholds: Thresholds) -> bool:
    """Whether some of the images are near and some are far, so that one band for all would mislead.

    They are parted in two along their first principal component, where the variance between the parts is largest.
    """
    rows = np.concatenate([layer.means / np.sqrt(layer.variance + _SMALL) for layer in layers], axis=1)
    rows = rows - rows.mean(0)
    place = np.linalg.eigh(rows @ rows.T)[1][:, -1]  # of each image on that component, up to a factor
    order = np.sort(place)
    n, sums = len(order), np.cumsum(order)
    sizes = np.arange(1, n)
    below = sums[sizes - 1]
    between = sizes * (n - sizes) * (below / sizes - (sums[-1] - below) / (n - sizes)) ** 2
    first = place <= order[int(between.argmax())]
    if min(first.sum(), n - first.sum()) < max(_KIND, round(_KIND_SHARE * n)):
        return False  # a few strays
    kinds = {_band([layer.of(part) for layer in layers], thresholds) for part in (first, ~first)}
    return kinds == {"near", "far"}


def measure(
    root: Path, images: Sequence[ListedImage], rule: PixelRule, backbone: str, seed: int = 0
) -> Generator[int, None, Outcome]:
    """Looks at some of the images and judges them; yields how many are done.

    Args:
        root: the dataset folder.
        images: to draw from; of a run the training images.
        rule: for their pixels.
        backbone: that the run begins with; one whose bands are unknown borrows the embedded one's statistics.
        seed: of the draw and of the bootstrap.

    Raises:
        UserError: no image can be read.
    """
    name = measuring(backbone)
    drawn = ranked(images, seed)[:MOST]
    if len(drawn) < FEWEST:
        return Outcome(None, cannot_say("too_few", len(drawn), 0))
    network, device = pretrained_network(name, 2, "crop", None)
    layers, flat = yield from _looked_at(root, drawn, rule, network, device)
    shown = len(layers[0].means) if layers else 0
    whole = shown + flat == len(drawn)
    if shown < FEWEST or flat > shown:
        return Outcome(None, cannot_say("flat" if flat else "too_few", shown, flat), whole)
    measured = judged(layers, name, seed)
    left_out = f" Left out: {flat} that show next to nothing." if flat else ""
    return Outcome(measured, sentence_of(measured) + left_out, whole)


def shows_something(pixels: NDArray[np.uint8]) -> bool:
    """Whether an image is of more than one colour: the grey levels of at least one channel vary, (H, W, 3)."""
    return float(pixels.std((0, 1)).max()) >= _FLAT


def norms_of(network: Network) -> list[nn.BatchNorm2d]:
    """The layers whose statistics are compared, in the order in which they run; none where a network has no BatchNorm."""
    norms = [module for module in network.model.modules() if isinstance(module, nn.BatchNorm2d)]
    return norms[len(norms) - round(_SHARE * len(norms)) :]


def _looked_at(
    root: Path, images: Sequence[ListedImage], rule: PixelRule, network: Network, device: torch.device
) -> Generator[int, None, tuple[list[Layer], int]]:
    """What comes into each layer, of those images that show something; and how many show nothing."""
    norms = norms_of(network)
    means: list[list[Tensor]] = [[] for _ in norms]
    squares: list[list[Tensor]] = [[] for _ in norms]
    flat = 0

    def watch(place: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].float()
            means[place].append(x.mean((2, 3)).cpu())
            squares[place].append(x.square().mean((2, 3)).cpu())

        return hook

    def look(pixels: NDArray[np.uint8]) -> list[Tensor]:
        return [to_input(pixels, network.preprocessing)] if shows_something(pixels) else []

    def take(found: list[list[Tensor]]) -> None:
        nonlocal flat
        shown = [square for one in found for square in one]
        flat += len(found) - len(shown)
        for start in range(0, len(shown), CHUNK):
            with torch.inference_mode():
                network.model(placed(torch.stack(shown[start : start + CHUNK]), device))

    hooks = [norm.register_forward_pre_hook(watch(place)) for place, norm in enumerate(norms)]
    network.evaluation_mode()
    try:
        yield from see(root, images, rule, look, take)
    finally:
        for hook in hooks:
            hook.remove()
    if not means[0]:
        return [], flat
    return [
        Layer(_rows(norm.running_mean), _rows(norm.running_var), _rows(torch.cat(m)), _rows(torch.cat(s)))
        for norm, m, s in zip(norms, means, squares, strict=True)
    ], flat


def _band(layers: Sequence[Layer], thresholds: Thresholds) -> str:
    return band_of(set_distance(layers), float(image_distances(layers).mean()), thresholds)


def _rows(tensor: Tensor | None) -> Rows:
    assert tensor is not None
    found: Rows = tensor.double().cpu().numpy()
    return found
