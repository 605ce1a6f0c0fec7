"""Room on the disk: how much an installation still needs, where, and whether it is there."""

import os
import shutil
import tempfile
from pathlib import Path

from bootstrap_environment import Environment
from bootstrap_errors import no_room
from bootstrap_plan import GROUP_SIZE, Size, project_size
from bootstrap_stamp import Missing


def still_needed(environment: Environment, missing: Missing, torch_index: str | None, *, there: bool) -> Size:
    """How much the missing parts take at most, less what an earlier start has installed.

    Args:
        environment: where they go.
        missing: what is not there yet.
        torch_index: an index for torch and torchvision alone.
        there: True when the environment works and its packages count.
    """
    whole = project_size(torch_index)
    installed = environment.size_bytes() if there else 0
    rest = max(whole.installed_bytes - installed, GROUP_SIZE.installed_bytes)
    passing = min(whole.passing_bytes, rest)
    if missing.groups:
        rest += GROUP_SIZE.installed_bytes
    return Size(rest, passing)


def fetches_beside_environment() -> bool:
    """True when pip should fetch beside the environment: /tmp is often a small disk in memory (Fedora, containers).

    A place that the person chose stays, and Windows keeps its own, where paths are short.
    """
    return os.name == "posix" and not any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))


def check_room(environment: Environment, needed: Size) -> None:
    """Refuse to start what cannot end.

    Raises:
        SetupError: a disk is too small; names the folder, what is needed and what is free.
    """
    kept = environment.folder
    passing = kept if fetches_beside_environment() else Path(tempfile.gettempdir())
    needs = [(kept, needed.installed_bytes), (passing, needed.passing_bytes)]
    if kept.stat().st_dev == passing.stat().st_dev:
        needs = [(kept, sum(needed))]
    for folder, size in needs:
        free = shutil.disk_usage(folder).free
        if free < size:
            raise no_room(folder, size, free)
