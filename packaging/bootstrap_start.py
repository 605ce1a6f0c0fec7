"""From the command line to the running program: install what is missing, then become tlgui or run the gate."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bootstrap_commands import Commands
from bootstrap_environment import Environment
from bootstrap_errors import SetupError

CHECKOUT = Path(__file__).resolve().parent.parent
STOPPED = 130

USAGE = """\
python3 packaging/run.py                  install tlgui into .venv, if need be, and start it
python3 packaging/run.py demo             ... and train, evaluate and export on the built-in demo images
python3 packaging/run.py test [...]       ... with what tests need, and run the gate; the rest goes to pytest
python3 packaging/run.py COMMAND [...]    ... and pass everything on to tlgui

--torch-index URL    take torch and torchvision from this package index, for instance one with CPU-only builds
                     (about 1.5 GB in all instead of 6.4 GB on Linux); only the first installation looks at it
"""


class Request(NamedTuple):
    """What the command line asks for.

    Attributes:
        kind: "start", "test" or "help".
        passed_on: the arguments for tlgui or pytest.
        torch_index: an index for torch and torchvision alone.
    """

    kind: str
    passed_on: tuple[str, ...]
    torch_index: str | None = None


def read_arguments(arguments: Sequence[str]) -> Request:
    """Take out our own option and word; everything else is passed on as it stands.

    Raises:
        SetupError: `--torch-index` came without its URL.
    """
    rest = list(arguments)
    torch_index = None
    for place, argument in enumerate(rest):
        name, equals, value = argument.partition("=")
        if name != "--torch-index":
            continue
        following = [value] if equals else rest[place + 1 : place + 2]
        if not following or not following[0] or following[0].startswith("-"):
            raise SetupError("--torch-index came without a URL.", "Write: --torch-index URL.")
        torch_index = following[0]
        del rest[place : place + (1 if equals else 2)]
        break
    if rest[:1] in (["-h"], ["--help"]):
        return Request("help", ())
    if rest[:1] == ["test"]:
        return Request("test", tuple(rest[1:]), torch_index)
    return Request("start", tuple(rest), torch_index)


def start(arguments: Sequence[str], checkout: Path = CHECKOUT, commands: Commands | None = None) -> int:
    """Do what the command line asks for; returns the exit code: 1 with a sentence on stderr when it cannot be done."""
    for stream in (sys.stdout, sys.stderr):
        # A path may hold signs that the terminal's encoding lacks; better one escaped sign than no sentence.
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="backslashreplace")
    try:
        return _start(read_arguments(arguments), Environment(checkout), commands or Commands())
    except SetupError as error:
        _complain(str(error))
        return 1
    except KeyboardInterrupt:
        _complain("Stopped. The next start goes on where this one ended.")
        return STOPPED


def _start(request: Request, environment: Environment, commands: Commands) -> int:
    if request.kind == "help":
        print(USAGE, end="")
        return 0
    # -P: the working folder is not searched for modules, since there may lie anything, a queue.py too.
    program = [str(environment.python), "-P", "-m", "tlgui", *request.passed_on]
    if request.kind == "start" and not request.torch_index and not environment.missing(commands, ())[0]:
        return commands.become(program)
    # Imported here, because every start pays for what is imported above.
    from bootstrap_gate import run_gate
    from bootstrap_install import Installer
    from bootstrap_progress import Progress
    from bootstrap_system import provide_system_packages, warn_of_missing_libraries

    tests = request.kind == "test"
    # What tlgui prints may be read by a program (`--json`), so the set-up speaks on the other stream.
    progress = Progress(sys.stdout if tests else sys.stderr)
    if request.torch_index and not environment.missing(commands, ())[0]:
        progress.say("PyTorch is installed already; to take it from another index, delete .venv first.")
    installer = Installer(environment, commands, progress, request.torch_index)
    new = installer.bring_up(("test",) if tests else ())
    if tests:
        provide_system_packages(environment, commands, progress.say)
        return run_gate(environment, commands, request.passed_on, progress.say, _complain)
    if new:
        warn_of_missing_libraries(environment, commands, progress.say)
    return commands.become(program)


def _complain(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
