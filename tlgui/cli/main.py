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

from tlgui.cli.questions_options import add_questions
from tlgui.cli.shared_options import (
    Verbs,
    add_backbone,
    add_earlier,
    add_images,
    add_learning_on,
    add_reading,
    add_target,
    add_weights,
    lazily,
)
from tlgui.cli.training_options import add_training, numbers, positive, share
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
        if hasattr(options, "weights"):
            from tlgui.cli.start_weights import settle

            # Before minutes of reading images, and before there is a run folder.
            settle(options)
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
    add_questions(verbs)
    _add_evaluate(verbs)
    _add_predict(verbs)
    _add_export(verbs)
    _add_mix(verbs)
    _add_strengths(verbs)
    demo = verbs.add_parser("demo", help="the main job on drawn images: check, train, score, export, prove")
    demo.set_defaults(run=lazily("demo", "demo"))
    verbs.add_parser("engine", help="the engine: JSON lines on standard input and output")
    return parser


def _add_check(verbs: Verbs[argparse.ArgumentParser]) -> None:
    check = verbs.add_parser("check", help="what of a folder would be used for training, and what not, and why")
    check.add_argument("data", metavar="DATA", type=Path, help="folder of images, or a zip of one")
    add_reading(check)
    check.add_argument("--no-kept", action="store_true", help="as if nothing had been decided about this folder before")
    check.add_argument("--shortcuts", action="store_true", help="can the class be guessed from what must not matter?")
    check.add_argument(
        "--shock", action="store_true", help="what a split without regard to groups would do to the score"
    )
    check.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    check.set_defaults(run=lazily("check", "check"))


def _add_train(verbs: Verbs[argparse.ArgumentParser]) -> None:
    train = verbs.add_parser("train", help="train on a folder of images, or as a run.toml says")
    train.add_argument("data", metavar="DATA|run.toml", type=Path, help="folder of images, a zip of one, or a run file")
    add_reading(train)
    train.add_argument("--cut-test", action="store_true", help="cut a test part from train, where none is given")
    add_backbone(train)
    add_training(train)
    train.add_argument(
        "--run-dir",
        type=Path,
        metavar="DIR",
        help="the run folder itself; must be new or empty, or hold a run that never began",
    )
    add_target(train)
    add_learning_on(train)
    train.add_argument(
        "--data", dest="images", type=Path, metavar="DIR", help="the images, for a run.toml that names none"
    )
    add_weights(train)
    train.add_argument("--json", action="store_true", help="events as JSON lines on standard output")
    train.set_defaults(run=lazily("train", "train"))


def _add_continue(verbs: Verbs[argparse.ArgumentParser]) -> None:
    on = verbs.add_parser("continue", help="go on with a run that was stopped, failed or is complete")
    on.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder")
    on.add_argument("--more-epochs", type=positive, metavar="N", default=0, help="plan so many epochs more")
    add_images(on)
    add_target(on)
    add_earlier(on)
    add_weights(on)
    on.add_argument("--json", action="store_true", help="events as JSON lines on standard output")
    on.set_defaults(run=lazily("train", "go_on"))


def _add_evaluate(verbs: Verbs[argparse.ArgumentParser]) -> None:
    evaluate = verbs.add_parser("evaluate", help="score a run's model on labelled images")
    evaluate.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder")
    evaluate.add_argument("data", metavar="DATA", type=Path, help="folder with one folder of images per class")
    evaluate.add_argument("--beside", metavar="RUN2", type=Path, help="another run, compared on the same images")
    evaluate.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    evaluate.set_defaults(run=lazily("use", "evaluate"))


def _add_predict(verbs: Verbs[argparse.ArgumentParser]) -> None:
    predict = verbs.add_parser("predict", help="answers for images")
    predict.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder")
    predict.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="image files, or folders of them")
    predict.add_argument("--csv", type=Path, metavar="FILE", help="write the answers to a table too")
    predict.add_argument("--json", action="store_true", help="the answers as JSON on standard output")
    predict.set_defaults(run=lazily("use", "predict"))


def _add_export(verbs: Verbs[argparse.ArgumentParser]) -> None:
    export = verbs.add_parser("export", help="write the model for use elsewhere, and prove that it answers the same")
    export.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder")
    export.add_argument("--format", choices=["weights", "onnx"], required=True, help="what to write")
    export.add_argument("--to", type=Path, metavar="DIR", help="where to (default: the run's own folder 'export')")
    add_images(export)
    export.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    export.set_defaults(run=lazily("use", "export"))


def _add_mix(verbs: Verbs[argparse.ArgumentParser]) -> None:
    mix = verbs.add_parser("mix", help="mix the weights of a run that learned on with those that it began with")
    mix.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder; its model becomes the mix")
    mix.add_argument(
        "--share", type=share, metavar="A", help="of the earlier weights, 0 to 1 (default: chosen on validation images)"
    )
    add_images(mix)
    add_earlier(mix)
    mix.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    mix.set_defaults(run=lazily("retention", "mix"))


def _add_strengths(verbs: Verbs[argparse.ArgumentParser]) -> None:
    strengths = verbs.add_parser("strengths", help="quick copies of such a run, held more and less: old against new")
    strengths.add_argument("run_folder", metavar="RUN", type=Path, help="the run folder; the run stays as it is")
    strengths.add_argument(
        "--strengths", type=numbers, metavar="X,X", help="to be tried (default: some around its own)"
    )
    strengths.add_argument("--epochs", type=positive, metavar="N", help="of each (default: a third of the run's)")
    add_images(strengths)
    add_earlier(strengths)
    strengths.add_argument("--json", action="store_true", help="the answer as JSON on standard output")
    strengths.set_defaults(run=lazily("retention", "strengths"))


class _Version(argparse.Action):
    """Prints the versions and leaves; asks for them only when it is used."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *arguments: object) -> None:
        """See `argparse.Action`."""
        from tlgui.cli.versions import report

        sys.stdout.write(report())
        parser.exit()


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
