"""What this computer offers, tried with a real operation, and how much of it training takes."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from tlgui.core.errors import UserError
from tlgui.engine import free_memory
from tlgui.engine.failures import is_out_of_memory

logger = logging.getLogger(__name__)

_VARIABLE = "TLGUI_DEVICE"
# The fastest first. AMD's cards are "cuda" too, in torch's builds for them.
_CANDIDATES: dict[str, Any] = {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}
# With less than this a card holds no network and what its libraries work in: most of its memory is another program's.
_LEAST_BYTES = 512 << 20
_TAKEN = "its memory is taken by other programs"
_LABELS = {"cuda": "the graphics card", "mps": "the Apple GPU", "xpu": "the Intel GPU"}


@dataclass(frozen=True)
class Found:
    """The device that a training will use.

    Attributes:
        device: torch's.
        why: why a faster one that is there is not used, as part of a sentence; "" where there is none.
    """

    device: torch.device
    why: str = ""


def find_device() -> torch.device:
    """The fastest device that really computes; see `look_for_device`.

    Raises:
        UserError: `TLGUI_DEVICE` names one that cannot be used.
    """
    return look_for_device().device


def look_for_device() -> Found:
    """The fastest device that really computes, the processor where no other does, and why a faster one is not used.

    `TLGUI_DEVICE` names another one.

    Raises:
        UserError: it cannot be used.
    """
    wanted = os.environ.get(_VARIABLE)
    if wanted:
        return Found(_named(wanted))
    reasons = []
    for kind, family in _CANDIDATES.items():
        if not family.is_available():
            continue
        device = torch.device(kind, 0) if kind != "mps" else torch.device(kind)
        if not (reason := _refuses(device)):
            return Found(device)
        logger.warning("%s is not used: %s", kind, reason)
        reasons.append(f"{_LABELS[kind]} is not used: {reason}")
    return Found(torch.device("cpu"), "; ".join(reasons))


def _named(wanted: str) -> torch.device:
    remedy = f"Remove that variable, or name another device in it, such as {_VARIABLE}=cpu."
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise UserError(f"{_VARIABLE} names '{wanted}', which is no device.", remedy, code="device") from None
    if device.type == "cpu":
        return device
    family = _CANDIDATES.get(device.type)
    reason = (
        _refuses(device) if family is not None and family.is_available() else "there is none here that torch can use"
    )
    if reason:
        raise UserError(f"{_VARIABLE} names '{wanted}', which cannot be used: {reason}.", remedy, code="device")
    return device


def _refuses(device: torch.device) -> str:
    """Why a device cannot be used, or "": a card can be there and yet be too old or too new for this build of torch.

    Only a first kernel tells. A convolution is tried too, with its gradient, since another library does that.
    """
    try:
        ones = torch.ones(8, 8, device=device)
        picture = torch.ones(1, 1, 8, 8, device=device, requires_grad=True)
        kernel = torch.ones(1, 1, 3, 3, device=device)
        answer = torch.nn.functional.conv2d(picture, kernel)
        answer.sum().backward()  # type: ignore[no-untyped-call]
        assert picture.grad is not None
        # The products' sum; 6 x 6 windows of 9 ones; each pixel is in up to 9 windows.
        sums = tuple(float(one.detach().sum()) for one in (ones @ ones, answer, picture.grad))
    except (RuntimeError, NotImplementedError, AssertionError) as error:
        logger.info("The first kernel failed: %s", error)
        # Want of memory has many names here: it can be the driver's, torch's, or that of a library that cannot begin.
        if is_out_of_memory(error) or _is_crowded(device):
            return _TAKEN
        return "this version of torch cannot compute on it; another driver or card may be needed"
    if sums != (512.0, 324.0, 324.0):
        return "it computes wrong numbers"
    return _TAKEN if _is_crowded(device) else ""


def _is_crowded(device: torch.device) -> bool:
    """Whether so little of a card's memory is free that no training fits; one that does not say it is taken not to be.

    An Apple GPU shares the computer's memory, where what is free is foreseen.
    """
    if device.type == "mps":
        return False
    try:
        return free_memory.device_available_bytes(device) < _LEAST_BYTES
    except (RuntimeError, NotImplementedError, AssertionError) as error:
        return is_out_of_memory(error)


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
    if device.type == "xpu":
        return f"GPU {torch.xpu.get_device_name(device)}"
    if device.type == "mps":
        return "Apple GPU"
    cores = physical_cores()
    return f"CPU, {cores} core{'s' if cores > 1 else ''}"


def be_repeatable() -> None:
    """The same numbers for the same run, as far as a device allows it; a processor does so by itself.

    Call it before anything is computed. Scores must repeat in prediction and export, which know no shortened floats, so
    TensorFloat-32 stays off.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    # Read when cuBLAS is first used: its products then add up in the same order each time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if torch.cuda.is_available():
        # What has no repeatable form (some interpolations and poolings backward) is done all the same.
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


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
