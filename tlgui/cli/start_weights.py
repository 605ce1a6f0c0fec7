"""Weights that were typed: a file, or an earlier run, which also says what network it is and how large its images are."""

from __future__ import annotations

import argparse

from tlgui.core.errors import UserError
from tlgui.core.retention import USUAL
from tlgui.core.source import run_of, weights_of_run


def settle(options: argparse.Namespace) -> None:
    """Puts the file in the place of a run folder, and what that run says in the place of what was not typed.

    Raises:
        UserError: there is no such file, the run has no model, or another network was typed than it has.
    """
    options.fit = None
    if getattr(options, "from_run", None) is not None:
        _learn_on(options)
    elif getattr(options, "earlier", None) is not None and hasattr(options, "from_run"):
        raise UserError(
            "--earlier says where the images of the run are that --from names, and none is named.",
            "Name the run with --from, or leave --earlier away.",
            code="no_source_run",
        )
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


def _learn_on(options: argparse.Namespace) -> None:
    """Of `--from RUN`: the network is that run's, and what it knows is kept where nothing else is said.

    Raises:
        UserError: weights were typed too, or the folder is no run.
    """
    if options.weights is not None:
        raise UserError(
            "--from and --weights both say what the network begins with.",
            "Give --from to keep the classes of a run, or --weights to begin with a new last layer.",
            code="no_source_run",
        )
    if not options.from_run.is_dir():
        raise UserError(f"There is no run folder '{options.from_run.name}'.", "Check the name.", code="no_source_run")
    options.weights = options.from_run
    if options.keep is None:
        options.keep = USUAL
