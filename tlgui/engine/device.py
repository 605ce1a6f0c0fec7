"""What this computer offers, tried with a real operation, and how much of it training takes."""

from __future__ import annotations

import contextlib
import os
import platform

import psutil
import torch


def find_device() -> torch.device:
    """The fastest device that really computes; the processor where none other does.

    `TLGUI_DEVICE` names another one.
    """
    wanted = os.environ.get("TLGUI_DEVICE")
    if wanted:
        return torch.device(wanted)
    candidates = []
    if torch.cuda.is_available():
        candidates.append(torch.device("cuda:0"))
    if torch.backends.mps.is_available():
        candidates.append(torch.device("mps"))
    for device in candidates:
        # A card can be there and yet be too old or too new for this build: only a first kernel tells.
        with contextlib.suppress(RuntimeError, NotImplementedError, AssertionError):
            ones = torch.ones(8, 8, device=device)
            if float((ones @ ones).sum()) == 512.0:
                return device
    return torch.device("cpu")


def physical_cores() -> int:
    """Cores that this process may use."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return max(1, min(cores, allowed))


def describe(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory / 2**30
        return f"GPU {torch.cuda.get_device_name(device)}, {memory:.0f} GB"
    if device.type == "mps":
        return "Apple GPU"
    cores = physical_cores()
    return f"CPU, {cores} core{'s' if cores > 1 else ''}"


def be_considerate(beside_training: bool = False) -> int:
    """Leaves the computer usable while training: one core free where there are more than two, else low priority.

    Args:
        beside_training: another engine may be training: take one thread, at a priority below its own.

    Returns:
        The number of threads to use.
    """
    cores = physical_cores()
    if beside_training:
        _lower_priority(15, 0x40)  # IDLE_PRIORITY_CLASS; psutil names these on Windows alone
        threads = 1
    elif cores <= 2:
        _lower_priority(10, 0x4000)  # BELOW_NORMAL_PRIORITY_CLASS
        threads = cores
    else:
        threads = cores - 1
    torch.set_num_threads(threads)
    return threads


def _lower_priority(by: int, windows_class: int) -> None:
    with contextlib.suppress(OSError, AttributeError, psutil.Error):
        if platform.system() == "Windows":
            psutil.Process().nice(windows_class)
        else:
            os.nice(by)
