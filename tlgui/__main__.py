"""The program's one entry: picks the role before it imports anything heavy."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs as the engine, an imaging child or reader, the window or the command line, and returns the exit code."""
    if sys.argv[1:2] == ["engine"]:
        try:
            from tlgui.engine import worker
        except ImportError as error:
            return _engine_cannot_start(error)
        return worker.main()
    if sys.argv[1:2] == ["imaging"]:
        from tlgui.imaging import child

        return child.main(sys.argv[2:])
    if sys.argv[1:2] == ["imaging-reader"]:
        from tlgui.imaging import reader

        return reader.main(sys.argv[2:])
    if sys.argv[1:] in ([], ["--measure-start"]):
        return _window(measure_start=len(sys.argv) > 1)
    try:
        from tlgui.cli.main import main as command_line
    except KeyboardInterrupt:
        return 130
    return command_line(sys.argv[1:])


def _window(measure_start: bool) -> int:
    """Opens the window, or says on standard error what keeps it from opening."""
    from tlgui.core.errors import UserError
    from tlgui.gui import start_check

    problem = start_check.problem()
    try:
        if not problem:
            from tlgui.gui.app import main as window

            return window(sys.argv[:1], measure_start=measure_start)
    except ImportError as error:
        problem = (
            f"A part of the installation is missing: {error.name or error}. "
            "Run 'python3 packaging/run.py' again to repair it."
        )
    except UserError as error:
        problem = str(error)
    except KeyboardInterrupt:
        return 130
    if sys.stderr is not None:
        sys.stderr.write(f"{problem}\n")
    return 1


def _engine_cannot_start(error: ImportError) -> int:
    """Says so as an event, since the owner reads nothing else."""
    from tlgui.core import events

    failed = events.Failed(
        problem=f"A part of the installation is missing: {error.name or error}.",
        remedy="Run 'python3 packaging/run.py' again to repair it.",
        details=str(error),
        code="installation",
    )
    sys.stdout.buffer.write(events.encode(failed))
    sys.stdout.buffer.flush()
    return 1


if __name__ == "__main__":
    sys.exit(main())
