"""Commands that ask about images and ways to train, and do not train one run of their own."""

from __future__ import annotations

import argparse
from pathlib import Path

from tlgui.cli.shared_options import Verbs, add_backbone, add_reading, add_weights, lazily
from tlgui.cli.training_options import add_training, positive, several, size, whole
from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.comparison import DEFAULT_EPOCHS, DEFAULT_FOLDS, DEFAULT_FROM_RUN, DEFAULT_STRATEGIES, SMALL


def add_questions(verbs: Verbs[argparse.ArgumentParser]) -> None:
    """Adds them, in the order of the help."""
    for add in (_add_layers, _add_rate, _add_advise, _add_embed, _add_rank, _add_gap, _add_compare, _add_sites):
        add(verbs)


def _add_layers(verbs: Verbs[argparse.ArgumentParser]) -> None:
    layers = verbs.add_parser(
        "layers", help="how much each layer group of a pretrained network tells about the classes"
    )
    layers.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    add_reading(layers)
    add_backbone(layers)
    layers.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    layers.add_argument("--seed", type=whole, metavar="N", default=0, help="of the images that are drawn (default: 0)")
    add_weights(layers)
    layers.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    layers.set_defaults(run=lazily("questions", "layers"))


def _add_rate(verbs: Verbs[argparse.ArgumentParser]) -> None:
    rate = verbs.add_parser("rate", help="find a learning rate for the new last layer, in seconds")
    rate.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    add_reading(rate)
    add_backbone(rate)
    add_training(rate)
    add_weights(rate)
    rate.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    rate.set_defaults(run=lazily("questions", "rate"))


def _add_advise(verbs: Verbs[argparse.ArgumentParser]) -> None:
    advise = verbs.add_parser("advise", help="how to train on these images: the textbook's cell, and what was measured")
    advise.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    add_reading(advise)
    add_backbone(advise)
    advise.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    advise.add_argument("--seed", type=whole, metavar="N", default=0, help="of all that is drawn (default: 0)")
    advise.add_argument(
        "--similarity", choices=["similar", "different"], help="your own answer, instead of the measured one"
    )
    advise.add_argument("--trial", action="store_true", help="where it would tell, try both for about a minute")
    add_weights(advise)
    advise.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    advise.set_defaults(run=lazily("advice", "advise"))


def _add_embed(verbs: Verbs[argparse.ArgumentParser]) -> None:
    embed = verbs.add_parser("embed", help="write what the frozen network makes of each image: a table of numbers")
    embed.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    embed.add_argument(
        "--npy",
        type=Path,
        metavar="FILE",
        required=True,
        help="what to write; beside it a table says which row is which",
    )
    add_reading(embed)
    add_backbone(embed)
    embed.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    add_weights(embed)
    embed.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    embed.set_defaults(run=lazily("advice", "embed"))


def _add_rank(verbs: Verbs[argparse.ArgumentParser]) -> None:
    rank = verbs.add_parser("rank", help="which network tells most about these images as it is, before any training")
    rank.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    rank.add_argument("--backbones", metavar="A,B", help="networks (default: all whose weights are on this computer)")
    rank.add_argument(
        "--run",
        dest="runs",
        type=Path,
        metavar="RUN",
        action="append",
        default=[],
        help="rank the network of this earlier run too; may stand more than once (default, where no network is named: the "
        "newest runs)",
    )
    rank.add_argument("--no-runs", action="store_true", help="rank no earlier runs")
    rank.add_argument("--images", type=positive, metavar="N", default=400, help="at most so many (default: 400)")
    rank.add_argument("--seed", type=whole, metavar="N", default=0, help="of the images that are drawn (default: 0)")
    add_reading(rank)
    rank.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    rank.set_defaults(run=lazily("questions", "rank"), backbone=None, weights=None, download=False, size=None)


def _add_gap(verbs: Verbs[argparse.ArgumentParser]) -> None:
    gap = verbs.add_parser("gap", help="how different the images of a new site are from these; needs no labels of them")
    gap.add_argument("data", metavar="DATA", type=Path, help="images of the known site: a folder, or a zip of one")
    gap.add_argument(
        "--target",
        type=Path,
        metavar="DIR",
        required=True,
        help="images of the new site: any folder; how it is parted means nothing",
    )
    gap.add_argument(
        "--images", type=several, metavar="N", default=400, help="at most so many of each site (default: 400)"
    )
    gap.add_argument("--seed", type=whole, metavar="N", default=0, help="of the images that are drawn (default: 0)")
    gap.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    add_reading(gap, fold=False)
    add_backbone(gap)
    add_weights(gap)
    gap.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    gap.set_defaults(run=lazily("gap", "gap"))


def _add_compare(verbs: Verbs[argparse.ArgumentParser]) -> None:
    compare = verbs.add_parser(
        "compare", help="which way of training is better on these images, or which of several finished runs"
    )
    compare.add_argument(
        "paths",
        metavar="DATA|RUN",
        type=Path,
        nargs="+",
        help="a folder of images (or a zip of one), the folder of a comparison, or two and more run folders",
    )
    compare.add_argument(
        "--strategies",
        metavar="A,B:N,C",
        help=f"ways to train, fine-tune-top with the number of its layer groups (default: {DEFAULT_STRATEGIES})",
    )
    compare.add_argument(
        "--transfer",
        action="store_true",
        help="whether pretraining helps here at all: frozen, fine-tuned, at a tenth of the rates, and from scratch",
    )
    compare.add_argument(
        "--with-and-without",
        action="store_true",
        help="each way once from the published weights and once from the earlier run that --weights names, on images that "
        f"it has not learned (ways by default: {DEFAULT_FROM_RUN})",
    )
    compare.add_argument(
        "--folds",
        type=whole,
        metavar="K",
        help="each image is scored by the run that did not see it; 0: one split, scored on validation images (default: "
        f"{DEFAULT_FOLDS} for less than {SMALL:,} images in a folder without parts)",
    )
    compare.add_argument(
        "--epochs", type=positive, metavar="N", default=DEFAULT_EPOCHS, help=f"for each way (default: {DEFAULT_EPOCHS})"
    )
    compare.add_argument("--seed", type=whole, metavar="N", default=0, help="of folds and training (default: 0)")
    compare.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    compare.add_argument("--augmentation", choices=list(AUGMENTATIONS), default="photos", help="(default: photos)")
    compare.add_argument(
        "--out", type=Path, metavar="DIR", help="where its runs go; where it was begun there, it goes on (default: new)"
    )
    add_reading(compare, fold=False)
    add_backbone(compare)
    add_weights(compare)
    compare.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    compare.set_defaults(run=lazily("compare", "compare"))


def _add_sites(verbs: Verbs[argparse.ArgumentParser]) -> None:
    sites = verbs.add_parser("sites", help="what to expect at a new site: each known one is held out in turn")
    sites.add_argument(
        "data", metavar="DATA", type=Path, help="folder of images, a zip of one, or a folder begun before"
    )
    sites.add_argument(
        "--by",
        metavar="folder|column:NAME|PATTERN",
        default="folder",
        help="how a site is told: the folder at the top, a column of the table, or a pattern for the file name, whose first "
        "(...) is the site (default: folder)",
    )
    sites.add_argument(
        "--strategy",
        metavar="NAME",
        default="feature-extraction",
        help="of each run, as in train (default: feature-extraction)",
    )
    sites.add_argument("--top-groups", type=positive, metavar="N", help="layer groups that fine-tune-top frees")
    sites.add_argument("--epochs", type=positive, metavar="N", help="of each run (default: as the strategy says)")
    sites.add_argument("--seed", type=whole, metavar="N", default=0, help="(default: 0)")
    sites.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    sites.add_argument("--augmentation", choices=list(AUGMENTATIONS), default="photos", help="(default: photos)")
    sites.add_argument(
        "--out", type=Path, metavar="DIR", help="where its runs go; where it was begun there, it goes on (default: new)"
    )
    add_reading(sites, fold=False)
    add_backbone(sites)
    add_weights(sites)
    sites.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    sites.set_defaults(run=lazily("sites", "hold_out"))
