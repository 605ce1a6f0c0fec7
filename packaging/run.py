"""Set up tlgui in this checkout and start it: `python3 packaging/run.py`.

This file alone must be readable by any Python 3, so that a person whose Python is too old reads a sentence: no
f-strings, no new syntax. Everything else lies in the `bootstrap_*` modules beside it (standard library only) and is
imported after the check. The folder has no `__init__.py`: as a package it would shadow the library `packaging`.
"""

import shutil
import sys

PYTHON_NEEDED = (3, 11)
NEWEST_PYTHON_LOOKED_FOR = 14


def python_problem(version: "tuple[int, ...]", executable: str) -> "str | None":
    """One sentence with a remedy when this Python is too old, None when it will do.

    Args:
        version: the first numbers of `sys.version_info`.
        executable: the path of the Python that runs, to name it.
    """
    if tuple(version[:2]) >= PYTHON_NEEDED:
        return None
    needed = ".".join(str(number) for number in PYTHON_NEEDED)
    found = ".".join(str(number) for number in version[:3])
    problem = "tlgui needs Python " + needed + " or newer, and this is Python " + found + " (" + executable + ")."
    for minor in range(NEWEST_PYTHON_LOOKED_FOR, PYTHON_NEEDED[1] - 1, -1):
        name = "python3." + str(minor)
        if shutil.which(name):
            return problem + " A newer one is installed: start with '" + name + " packaging/run.py'."
    return problem + " Install Python " + needed + " or newer and start again with it."


def main(arguments: "list[str]") -> int:
    """Check the Python, then hand over to `bootstrap_start`; returns the exit code."""
    problem = python_problem(tuple(sys.version_info[:3]), sys.executable)
    if problem:
        sys.stderr.write(problem + "\n")
        return 1
    from bootstrap_start import start  # not before the check: it is written for a newer Python

    return start(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
