"""`tlgui advise` and `tlgui embed`: how to train on a folder of images, and what a frozen network makes of each."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from tlgui.cli.drive import finish
from tlgui.cli.questions import ask, weights_of
from tlgui.cli.terminal import console, pairs_table, print_json
from tlgui.core import commands, events
from tlgui.core.advice_events import Advised, Way
from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.core.run_spec import Training
from tlgui.core.strategies import STRATEGIES


def advise(options: argparse.Namespace) -> int:
    """Runs `tlgui advise`."""

    def job(listing: Path, data: Path, rule: PixelRule) -> commands.Job:
        return commands.Advise(
            listing=str(listing),
            data=str(data),
            rule=rule,
            backbone=options.backbone or DEFAULT_BACKBONE,
            weights_file=weights_of(options),
            fit=options.fit or "crop",
            size=options.size,
            training=Training(seed=options.seed, similarity=options.similarity),
            trial=options.trial,
        )

    found, ending = ask(options, job, Advised)
    if found is not None and options.json:
        print_json(msgspec.json.encode(answer(found)))
    elif found is not None:
        _show(found)
    return finish(ending, training=False)


def embed(options: argparse.Namespace) -> int:
    """Runs `tlgui embed`.

    Raises:
        UserError: the file cannot be written there, or is called what the table beside it must be called.
    """
    target = options.npy.absolute()
    if target.suffix.lower() != ".npy":
        raise UserError(
            f"'{target.name}' does not end in .npy.", "Give the file such a name: beside it a .csv is written."
        )
    if not target.parent.is_dir():
        raise UserError(f"There is no folder '{target.parent.name}'.", "Make it first, or choose another one.")

    def job(listing: Path, data: Path, rule: PixelRule) -> commands.Job:
        return commands.EmbedImages(
            listing=str(listing),
            data=str(data),
            rule=rule,
            backbone=options.backbone or DEFAULT_BACKBONE,
            weights_file=weights_of(options),
            fit=options.fit or "crop",
            size=options.size,
            to=str(target),
        )

    found, ending = ask(options, job, events.ImagesEmbedded)
    if found is not None and options.json:
        fields = msgspec.to_builtins(found)
        fields.pop("type", None)
        print_json(msgspec.json.encode({**fields, "shape": [found.images, found.features], "dtype": "float32"}))
    elif found is not None:
        console().print(
            pairs_table({"features": f"{found.file}, float32, {found.images} x {found.features}", "rows": found.index})
        )
        if found.unread:
            console().print(f"{found.unread} of the images could not be read any more and have no row.")
    return finish(ending, training=False)


def answer(found: Advised) -> dict[str, Any]:
    """The JSON of `advise --json`; its schema stands in the README."""
    measured, first = found.similarity, found.answer
    return {
        "images": found.images,
        "classes": found.classes,
        "images_per_class_min": found.images_per_class_min,
        "similarity": {
            "value": measured.value if measured else None,
            "low": measured.low if measured else None,
            "high": measured.high if measured else None,
            "band": measured.band if measured else None,
            "sure": measured.sure if measured else False,
            "backbone": measured.backbone if measured else None,
            "method": measured.method if measured else None,
            "sentence": found.similarity_sentence,
        },
        # What is left to gain: from what the network recognises as it is, turned round.
        "headroom": {
            "value": 1 - first.accuracy if first else None,
            "low": 1 - first.high if first else None,
            "high": 1 - first.low if first else None,
        },
        "textbook": {"strategy": found.textbook.strategy, "adapt": found.textbook.adapt},
        "recommended": _way(found.recommended),
        "runner_up": _way(found.runner_up) if found.runner_up else None,
        "sure": found.sure,
        "by": found.by,
        "trial": found.trial,
        "trial_would_tell": found.trial_would_tell,
        "difference": found.difference,
    }


def _way(way: Way) -> dict[str, Any]:
    return {"strategy": way.strategy, "top_groups": way.top_groups, "adapt": way.adapt, "reason": way.reason}


def _show(found: Advised) -> None:
    first = found.answer
    rows = {
        "images": f"{found.images:,} in {found.classes} classes, the smallest has {found.images_per_class_min:,}",
        "the textbook's table": label(found.textbook),
        "recommended": f"{label(found.recommended)} ({found.sure})",
    }
    if found.runner_up:
        rows["runner-up"] = label(found.runner_up)
    if first is not None:
        left = f"{100 * (1 - first.accuracy):.0f} % ({100 * (1 - first.high):.0f} to {100 * (1 - first.low):.0f} %)"
        rows["left to gain"] = left
    out = console()
    out.print(pairs_table(rows))
    out.print(found.recommended.reason)
    if found.difference:
        out.print(found.difference)
    if found.trial_would_tell:
        out.print("A short trial would tell more: add --trial, which takes about a minute.")


def label(way: Way) -> str:
    """A way to train in words."""
    words = STRATEGIES[way.strategy].label
    if way.strategy == "fine-tune-top" and way.top_groups > 1:
        words += f", {way.top_groups} layer groups"
    return f"{words}, with domain adaptation where there are images of another site" if way.adapt else words
