"""The warm start: the head that frozen features ask for, before anything is trained."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import torch
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.engine import seeding
from tlgui.engine.probe import fit_logistic_regression
from tlgui.engine.setup import Setup


def fit_head(setup: Setup, goes_on: Callable[[], Generator[Event, None, bool]]) -> Generator[Event, None, float | None]:
    """Fits the head on frozen features of the plain training images that are there (LP-FT, arXiv 2202.10054).

    Args:
        setup: of the run.
        goes_on: obeys what was asked for since the last batch, and returns whether the run goes on.

    Returns:
        The mean loss on these features, or `None` where the person stopped it.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    train, head = setup.train, setup.network.head_index
    rows, labels = [], []
    started = time.monotonic()
    for indices in seeding.batches(list(range(len(train))), setup.training.batch_size):
        if not (yield from goes_on()):
            return None
        features = setup.frozen.activations(train, indices, 0, head)
        yield from train.notices()
        if there := train.there(indices):
            rows.append(features)
            labels.append(train.labels[there])
        done = indices[-1] + 1
        left = (time.monotonic() - started) / done * (len(train) - done)
        yield events.Progress(stage="features of the training images", done=done, total=len(train), seconds_left=left)
    x, y = torch.cat(rows), torch.cat(labels)
    weight, bias = fit_logistic_regression(x, y, setup.network.classes)
    linear = setup.network.head_linear
    with torch.no_grad():
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
        return cross_entropy(x @ weight.T + bias, y).item()
