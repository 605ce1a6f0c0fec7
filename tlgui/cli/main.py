"""What can be typed: the exact names that others script against, and their exit codes.

Exit codes: 0 done, 1 something that the person can put right (a sentence on standard error), 2 wrong usage,
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tlgui.cli.training_options import add_training, positive, size, whole
from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE
from tlgui.core.comparison import DEFAULT_EPOCHS, DEFAULT_FOLDS, DEFAULT_STRATEGIES, SMALL
from tlgui.core.errors import UserError

_NEXT = """
The next sensible command:
  tlgui                      open the window
  tlgui demo                 see it work on drawn images, without a network
  tlgui check FOLDER         what would be used of your own images, and what not
  tlgui train FOLDER         train on them
"""


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    _mend_streams()
    parser = _parser()
    if not arguments:
        parser.print_help()
        return 0
    options = parser.parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped at once, as you asked. A run that had begun can be continued.\n")
        return 130
    except BrokenPipeError:
        # Whoever read the output has gone, as `| head` does: not an error worth a traceback.
        _forget_output()
        return 1
    except OSError as error:
        _forget_output()
        sys.stderr.write(
            f"The system refused to read or write a file: {error.strerror or error}. "
            "Check that the drive is connected, is not full, and that you may write there.\n"
        )
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tlgui",
        description="Fine-tune an image classifier on this computer. For research and teaching, not for diagnosis.",
        epilog=_NEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="versions of this program and its libraries, and the device")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_check(verbs)
    _add_train(verbs)
    _add_continue(verbs)
    _add_layers(verbs)
    _add_rate(verbs)
    _add_advise(verbs)
    _add_embed(verbs)
    _add_rank(verbs)
    _add_compare(verbs)
    _add_sites(verbs)
    _add_evaluate(verbs)
    _add_predict(verbs)
    _add_export(verbs)
    demo = verbs.add_parser("demo", help="the main job on drawn images: check, train, score, export, prove")
    demo.set_defaults(run=_lazily("demo", "demo"))
    verbs.add_parser("engine", help="the engine: JSON lines on standard input and output")
    return parser


_Verbs = argparse._SubParsersAction  # the type that argparse gives has no public name


def _add_check(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    check = verbs.add_parser("check", help="what of a folder would be used for training, and what not, and why")
    check.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    _add_reading(check)
    check.add_argument("--no-kept", action="store_true", help="as if nothing had been decided about this folder before")
    check.add_argument("--shortcuts", action="store_true", help="can the class be guessed from what must not matter?")
    check.add_argument(
        "--shock", action="store_true", help="what a split without regard to groups would do to the score"
    )
    check.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    check.set_defaults(run=_lazily("check", "check"))


def _add_train(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    train = verbs.add_parser("train", help="train on a folder of images, or as a run.toml says")
    train.add_argument("data", metavar="DATA|run.toml", type=Path, help="folder of images, a zip of one, or a run file")
    _add_reading(train)
    train.add_argument("--cut-test", action="store_true", help="cut a test part from train, where none is given")
    _add_backbone(train)
    add_training(train)
    train.add_argument(
        "--run-dir",
        type=Path,
        metavar="DIR",
        help="the run folder itself; must be new or empty, or hold a run that never began",
    )
    train.add_argument(
        "--data", dest="images", type=Path, metavar="DIR", help="the images, for a run.toml that names none"
    )
    _add_weights(train)
    train.add_argument("--json", action="store_true", help="events as JSON lines on standard output")
    train.set_defaults(run=_lazily("train", "train"))


def _add_continue(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    on = verbs.add_parser("continue", help="go on with a run that was stopped, failed or is complete")
    on.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder")
    on.add_argument("--more-epochs", type=positive, metavar="N", default=0, help="plan so many epochs more")
    _add_images(on)
    _add_weights(on)
    on.add_argument("--json", action="store_true", help="events as JSON lines on standard output")
    on.set_defaults(run=_lazily("train", "go_on"))


def _add_layers(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    layers = verbs.add_parser(
        "layers", help="how much each layer group of a pretrained network tells about the classes"
    )
    layers.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    _add_reading(layers)
    _add_backbone(layers)
    layers.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    layers.add_argument("--seed", type=whole, metavar="N", default=0, help="of the images that are drawn (default: 0)")
    _add_weights(layers)
    layers.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    layers.set_defaults(run=_lazily("questions", "layers"))


def _add_rate(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    rate = verbs.add_parser("rate", help="find a learning rate for the new last layer, in seconds")
    rate.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    _add_reading(rate)
    _add_backbone(rate)
    add_training(rate)
    _add_weights(rate)
    rate.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    rate.set_defaults(run=_lazily("questions", "rate"))


def _add_advise(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    advise = verbs.add_parser("advise", help="how to train on these images: the textbook's cell, and what was measured")
    advise.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    _add_reading(advise)
    _add_backbone(advise)
    advise.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    advise.add_argument("--seed", type=whole, metavar="N", default=0, help="of all that is drawn (default: 0)")
    advise.add_argument(
        "--similarity", choices=["similar", "different"], help="your own answer, instead of the measured one"
    )
    advise.add_argument("--trial", action="store_true", help="where it would tell, try both for about a minute")
    _add_weights(advise)
    advise.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    advise.set_defaults(run=_lazily("advice", "advise"))


def _add_embed(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    embed = verbs.add_parser("embed", help="write what the frozen network makes of each image: a table of numbers")
    embed.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    embed.add_argument(
        "--npy",
        type=Path,
        metavar="FILE",
        required=True,
        help="what to write; beside it a table says which row is which",
    )
    _add_reading(embed)
    _add_backbone(embed)
    embed.add_argument("--size", type=size, metavar="N", help="side of the network's input in pixels")
    _add_weights(embed)
    embed.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    embed.set_defaults(run=_lazily("advice", "embed"))


def _add_rank(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    rank = verbs.add_parser("rank", help="which network tells most about these images as it is, before any training")
    rank.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    rank.add_argument("--backbones", metavar="A,B", help="networks (default: all whose weights are on this computer)")
    rank.add_argument("--images", type=positive, metavar="N", default=400, help="at most so many (default: 400)")
    rank.add_argument("--seed", type=whole, metavar="N", default=0, help="of the images that are drawn (default: 0)")
    _add_reading(rank)
    rank.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    rank.set_defaults(run=_lazily("questions", "rank"), backbone=None, weights=None, download=False, size=None)


def _add_compare(verbs: _Verbs[argparse.ArgumentParser]) -> None:
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
        default=DEFAULT_STRATEGIES,
        help=f"ways to train, fine-tune-top with the number of its layer groups (default: {DEFAULT_STRATEGIES})",
    )
    compare.add_argument(
        "--transfer",
        action="store_true",
        help="whether pretraining helps here at all: frozen, fine-tuned, at a tenth of the rates, and from scratch",
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
    _add_reading(compare, fold=False)
    _add_backbone(compare)
    _add_weights(compare)
    compare.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    compare.set_defaults(run=_lazily("compare", "compare"))


def _add_sites(verbs: _Verbs[argparse.ArgumentParser]) -> None:
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
    _add_reading(sites, fold=False)
    _add_backbone(sites)
    _add_weights(sites)
    sites.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    sites.set_defaults(run=_lazily("sites", "hold_out"))


def _add_evaluate(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    evaluate = verbs.add_parser("evaluate", help="score a run's model on labelled images")
    evaluate.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder")
    evaluate.add_argument("data", metavar="DATA", type=Path, help="folder with one folder of images per class")
    evaluate.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    evaluate.set_defaults(run=_lazily("use", "evaluate"))


def _add_predict(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    predict = verbs.add_parser("predict", help="answers for images")
    predict.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder")
    predict.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="image files, or folders of them")
    predict.add_argument("--csv", type=Path, metavar="FILE", help="write the answers to a table too")
    predict.add_argument("--json", action="store_true", help="the answers as JSON on standard output")
    predict.set_defaults(run=_lazily("use", "predict"))


def _add_export(verbs: _Verbs[argparse.ArgumentParser]) -> None:
    export = verbs.add_parser("export", help="write the model for use elsewhere, and prove that it answers the same")
    export.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder")
    export.add_argument("--format", choices=["weights", "onnx"], required=True, help="what to write")
    export.add_argument("--to", type=Path, metavar="DIR", help="where to (default: the run's own folder 'export')")
    _add_images(export)
    export.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    export.set_defaults(run=_lazily("use", "export"))


def _add_reading(parser: argparse.ArgumentParser, fold: bool = True) -> None:
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


def _add_backbone(parser: argparse.ArgumentParser) -> None:
    known = f"{', '.join(BACKBONES)}, or timm:NAME (default: {DEFAULT_BACKBONE})"
    parser.add_argument("--backbone", metavar="NAME", help=known)


def _add_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="the images, where they are not where they were")


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--download", action="store_true", help="fetch the backbone's weights if they are not here")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="weights of your own: .safetensors or .pth")


class _Version(argparse.Action):
    """Prints the versions and leaves; asks for them only when it is used."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *arguments: object) -> None:
        """See `argparse.Action`."""
        from tlgui.cli.versions import report

        sys.stdout.write(report())
        parser.exit()


def _lazily(module: str, function: str) -> object:
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


def _mend_streams() -> None:
    # A program without a terminal may have neither of them; nobody reads then.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - open as long as the program is
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    # File names can hold bytes that are no text, and a terminal may know fewer letters than a name has.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    # What is still in the buffer cannot be written, and the interpreter must not try that again when it ends.
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
