"""Two training images in one: mixup blends them, cutmix puts a box of one into the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor

from tlgui.core.run_spec import Training
from tlgui.engine import seeding


@dataclass(frozen=True)
class Drawn:
    """How the images of one step are mixed: each with its partner, the one before it in the batch.

    The last image is the first one's partner, so that batches of any size go, odd ones too; one image alone is its own
    partner and stays as it is.

    Attributes:
        kind: which of them.
        share: of the image's own pixels, and so of its own label.
        box: for cutmix, top, left, bottom and right in pixels.
    """

    kind: Literal["mixup", "cutmix"]
    share: float
    box: tuple[int, int, int, int] = (0, 0, 0, 0)

    def mix(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) -> (N, 3, S, S)."""
        others = images.roll(1, 0)
        if self.kind == "mixup":
            return self.share * images + (1 - self.share) * others
        top, left, bottom, right = self.box
        mixed = images.clone()
        mixed[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
        return mixed

    def partners(self, labels: Tensor) -> Tensor:
        """(N,) labels of the images that were mixed in."""
        return labels.roll(1, 0)


def draw(training: Training, step: int, side: int) -> Drawn | None:
    """How the images of a step are mixed; `None` where they are not. Where both are asked for, each in half of the steps.

    Args:
        training: its `mixup` and `cutmix` are the parameter alpha of the Beta distribution that the share is drawn from.
        step: by which, and by the seed, it is drawn.
        side: of the images, in pixels.

    Sources: Zhang et al. 2018, arXiv 1710.09412; Yun et al. 2019, arXiv 1905.04899.
    """
    alphas: dict[Literal["mixup", "cutmix"], float] = {"mixup": training.mixup, "cutmix": training.cutmix}
    kinds = [kind for kind, alpha in alphas.items() if alpha]
    if not kinds:
        return None
    rng = np.random.default_rng(seeding.derive(training.seed, "mixing", step))
    kind = kinds[int(rng.integers(len(kinds)))]
    share = float(rng.beta(alphas[kind], alphas[kind]))
    if kind == "mixup":
        return Drawn(kind, share)
    half = (1 - share) ** 0.5 * side / 2
    y, x = (rng.random(2) * side).tolist()
    top, left = (max(0, round(centre - half)) for centre in (y, x))
    bottom, right = (min(side, round(centre + half)) for centre in (y, x))
    # What the box really takes, cut off at the edges and at whole pixels.
    return Drawn(kind, 1 - (bottom - top) * (right - left) / side**2, (top, left, bottom, right))
