"""The program's one entry: picks the role before it imports anything heavy."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs as the engine or as the command line, and returns the exit code."""
    if sys.argv[1:2] == ["engine"]:
        try:
            from tlgui.engine import worker
        except ImportError as error:
            return _engine_cannot_start(error)
        return worker.main()
    try:
        from tlgui.cli.main import main as command_line
    except KeyboardInterrupt:
        return 130
    return command_line(sys.argv[1:])


def _engine_cannot_start(error: ImportError) -> int:
    """Says so as an event, since the owner reads nothing else."""
    from tlgui.core import events

    failed = events.Failed(
        problem=f"A part of the installation is missing: {error.name or error}.",
        remedy="Run 'python3 packaging/run.py' again to repair it.",
        details=str(error),
    )
    sys.stdout.buffer.write(events.encode(failed))
    sys.stdout.buffer.flush()
    return 1


if __name__ == "__main__":
    sys.exit(main())
