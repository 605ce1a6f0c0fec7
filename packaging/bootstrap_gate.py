"""`run.py test`: run every step of the gate, pytest last."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bootstrap_commands import Commands
from bootstrap_environment import Environment


class GateStep(NamedTuple):
    """A step of the gate: its name, and what follows the environment's Python on its command line."""

    name: str
    arguments: tuple[str, ...]


# import-linter has no `python -m` of its own, and its script's first line breaks when the checkout moves.
_LINT_IMPORTS = (
    "import sys; from importlinter.cli import lint_imports_command; "
    "sys.exit(lint_imports_command(prog_name='lint-imports'))"
)
# pytest follows them, so that its summary closes the output.
CHECKS: tuple[GateStep, ...] = (
    GateStep("ruff check", ("-m", "ruff", "check", ".")),
    GateStep("ruff format", ("-m", "ruff", "format", "--check", ".")),
    GateStep("mypy --strict", ("-m", "mypy")),
    GateStep("lint-imports", ("-c", _LINT_IMPORTS)),
)
# Two processes, each with whole files of tests: much of a test's time is waiting for a process that it has started.
_PYTEST = ("-m", "pytest", "--numprocesses", "2", "--dist", "loadfile")
# The window's tests go first, in processes of their own: the window never has torch loaded, and in processes that have it
# Qt crashed now and then while it deleted widgets.
_HALVES = (("tests/gui",), ("tests", "--ignore", "tests/gui"))


def run_gate(
    environment: Environment,
    commands: Commands,
    pytest_arguments: Sequence[str],
    say: Callable[[str], None],
    complain: Callable[[str], None],
) -> int:
    """Run all steps of the gate, each though one before it failed.

    Args:
        environment: holds the tools.
        commands: how programs are run.
        pytest_arguments: passed on to pytest, which then runs once for all that they name.
        say: receives a line for each step; a failed step's own output comes before its line.
        complain: receives the closing line of a gate that failed before pytest, for another stream than pytest's.

    Returns:
        0 when all steps passed, 1 otherwise.
    """
    variables = environment.variables()
    failed = []
    for step in CHECKS:
        began = time.monotonic()
        answer = commands.listen(
            [str(environment.python), *step.arguments], environment=variables, folder=environment.checkout
        )
        if answer.exit_code != 0:
            failed.append(step.name)
            say("\n".join(answer.lines))
        verdict = "passed" if answer.exit_code == 0 else "FAILED"
        say(f"{step.name:<16} {verdict} {time.monotonic() - began:7.1f} s")
    say("pytest: result and seconds in its last line")
    variables.setdefault("QT_QPA_PLATFORM", "offscreen")
    exit_codes = [
        commands.attend([str(environment.python), *_PYTEST, *half], environment=variables, folder=environment.checkout)
        for half in ((tuple(pytest_arguments),) if pytest_arguments else _HALVES)
    ]
    if failed:
        complain(f"The gate FAILED before pytest: {', '.join(failed)}.")
    return 1 if failed or any(exit_codes) else 0
