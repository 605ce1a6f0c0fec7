"""Options that several commands share, and how a command finds its function."""

from __future__ import annotations

import argparse
from pathlib import Path

from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE

_WEIGHTS = "weights of your own (.safetensors or .pth), or an earlier run whose network is taken over, below its head"

Verbs = argparse._SubParsersAction  # the type that argparse gives has no public name


def add_reading(parser: argparse.ArgumentParser, fold: bool = True) -> None:
    """How the folder of images is read."""
    parser.add_argument("--table", type=Path, metavar="FILE", help="take the labels from a table: CSV, TSV or XLSX")
    parser.add_argument(
        "--group",
        metavar="PATTERN|COLUMN",
        help="what keeps images together: a column of the table, patient or study (DICOM), or a pattern in the file name, "
        "whose first (...) is the key",
    )
    parser.add_argument("--domain", metavar="NAME", help="of domain folders use this one alone; all: as one set")
    parser.set_defaults(fold=None)
    if not fold:
        return
    parser.add_argument(
        "--fold",
        type=_fold,
        metavar="N/K",
        help="for small sets: part the images into K folds and test on the N-th; each N once tests every image",
    )


def add_backbone(parser: argparse.ArgumentParser) -> None:
    """Which network."""
    known = f"{', '.join(BACKBONES)}, or timm:NAME (default: {DEFAULT_BACKBONE})"
    parser.add_argument("--backbone", metavar="NAME", help=known)


def add_images(parser: argparse.ArgumentParser) -> None:
    """Where the images of a run are."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="the images, where they are not where they were")


def add_target(parser: argparse.ArgumentParser) -> None:
    """Where images of a new site are."""
    parser.add_argument("--target", type=Path, metavar="DIR", help="unlabelled images of a new site, for --adapt")


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Where the weights come from."""
    parser.add_argument("--download", action="store_true", help="fetch the backbone's weights if they are not here")
    parser.add_argument("--weights", type=Path, metavar="FILE|RUN", help=_WEIGHTS)


def add_learning_on(parser: argparse.ArgumentParser) -> None:
    """Which earlier run is learned on from."""
    parser.add_argument(
        "--from",
        dest="from_run",
        type=Path,
        metavar="RUN",
        help="go on from this run: its classes stay, and new ones are added",
    )
    add_earlier(parser)


def add_earlier(parser: argparse.ArgumentParser) -> None:
    """Where the images of the run that is learned on from are."""
    parser.add_argument(
        "--earlier",
        type=Path,
        metavar="DIR",
        help="earlier images, of that run or one before it, where they were moved",
    )


def lazily(module: str, function: str) -> object:
    """The function of a module of this package, imported when it is called: `--help` waits for nothing."""

    def run(options: argparse.Namespace) -> object:
        from importlib import import_module

        return getattr(import_module(f"tlgui.cli.{module}"), function)(options)

    return run


def _fold(text: str) -> tuple[int, int]:
    number, slash, of = text.partition("/")
    if not slash or not number.isdecimal() or not of.isdecimal() or not 1 <= int(number) <= int(of):
        raise argparse.ArgumentTypeError("give two numbers such as 2/5: the second of five folds")
    return int(number), int(of)
