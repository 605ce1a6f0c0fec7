"""How much memory is free for a step of training, and how what was taken is given back."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path

import psutil
import torch

# Left to the system and to other programs.
_LEFT_BYTES = 256 << 20
_UNLIMITED = 1 << 60  # version 1 of control groups writes a number near 2**63 for "no limit"


def available_bytes(root: Path = Path("/")) -> int:
    """What this program may still take of the computer's memory, a container's limit included.

    Args:
        root: of the file system, for tests.
    """
    free = psutil.virtual_memory().available
    limited = _left_in_container(root)
    return max(0, (free if limited is None else min(free, limited)) - _LEFT_BYTES)


def held_bytes() -> int:
    """What this process holds of the computer's memory for itself, without files that are mapped into it."""
    info = psutil.Process().memory_info()
    return int(info.rss - getattr(info, "shared", 0))


def device_available_bytes(device: torch.device) -> int:
    """The same for a device: of its own memory, where it has some; what torch holds there without need is free too."""
    match device.type:
        case "cuda":
            unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
            return int(torch.cuda.mem_get_info(device)[0] + unused)
        case "xpu":
            unused = torch.xpu.memory_reserved(device) - torch.xpu.memory_allocated(device)
            return int(torch.xpu.mem_get_info(device)[0] + unused)
        case "mps":
            return max(0, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return available_bytes()


def give_back() -> None:
    """Returns memory that nothing uses any more: what a job or a failed step has left, on a card too."""
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
    if torch.xpu.is_initialized():  # type: ignore[no-untyped-call]
        torch.xpu.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _left_in_container(root: Path) -> int | None:
    """The least that any control group above this process leaves it; `None` where none has a limit.

    Linux alone has them. A container sees its own group as the root, a service sees the whole path.
    """
    left = []
    for folder, version in _groups(root):
        names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        limit, used = (_number(folder / name) for name in names)
        if limit is None or used is None or limit >= _UNLIMITED:
            continue
        left.append(max(0, limit - used + _reclaimable(folder)))
    return min(left, default=None)


def _groups(root: Path) -> list[tuple[Path, int]]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, version = root / "sys/fs/cgroup", 2
        elif "memory" in controllers.split(","):
            base, version = root / "sys/fs/cgroup/memory", 1
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        # In a container the path may be the host's, which is not there: its own group is the base.
        found += [(base.joinpath(*parts[:n]), version) for n in range(len(parts) + 1)]
    return [(folder, version) for folder, version in found if folder.is_dir()]


def _reclaimable(folder: Path) -> int:
    """Pages of files that the system drops when memory is wanted, counted as used."""
    with contextlib.suppress(OSError, ValueError):
        for line in (folder / "memory.stat").read_text().splitlines():
            name, value = line.split()
            if name in ("inactive_file", "total_inactive_file"):
                return int(value)
    return 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None  # "max" is no limit
