"""What is said of a run that adapts to a new site, after each epoch."""

from __future__ import annotations

import msgspec


class AdaptationSeen(msgspec.Struct, frozen=True, kw_only=True):
    """How far an adaptation is; all that can be told without labels of the new site.

    Attributes:
        loss: mean of the adapting term in training, unweighted; at least 0, though an unbiased estimate of no distance (`mmd`)
            lies below it as often as above.
        domain_accuracy: the judge's share of images whose site it told right, .5 = it cannot tell; `None` without one.
        target_entropy: mean entropy of the answers for the new site, in nats; 0 = all are sure.
        target_spread: entropy of their mean; 0 = all get the same answer.
        score: what chooses the best epoch; see `core.adaptation.score_of`.
        weight: of the term.
        alarm: why this epoch must not be kept, as a sentence; "" where nothing speaks against it.
    """

    loss: float | None = None
    domain_accuracy: float | None = None
    target_entropy: float | None = None
    target_spread: float | None = None
    score: float | None = None
    weight: float = 0.0
    alarm: str = ""
