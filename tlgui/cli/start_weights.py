"""Weights that were typed: a file, or an earlier run, which also says what network it is and how large its images are."""

from __future__ import annotations

import argparse

from tlgui.core.errors import UserError
from tlgui.core.source import run_of, weights_of_run


def settle(options: argparse.Namespace) -> None:
    """Puts the file in the place of a run folder, and what that run says in the place of what was not typed.

    Raises:
        UserError: there is no such file, the run has no model, or another network was typed than it has.
    """
    options.fit = None
    if options.weights is None:
        return
    options.weights = weights_of_run(options.weights).absolute()
    run = run_of(options.weights)
    if run is None or not hasattr(options, "backbone"):
        return
    spec = run.spec()
    if options.backbone not in (None, spec.backbone):
        raise UserError(
            f"The run '{run.name}' has the network {spec.backbone}, not {options.backbone}.",
            f"Leave --backbone away, or give --backbone {spec.backbone}.",
            code="weights_unfit",
        )
    # A run file says itself what network it asks for.
    if getattr(options, "data", None) is None or options.data.suffix.lower() != ".toml":
        options.backbone, options.fit = spec.backbone, spec.fit
        if options.size is None:
            options.size = spec.size
