"""How the processes that read images behave on a computer that others use too."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import BinaryIO

NICE = 5  # above the window and the training, which go first


def private_output() -> BinaryIO:
    """Takes standard output for answers alone: whatever else prints, in Python or in C, goes to the log instead."""
    private = os.dup(1)
    os.set_inheritable(private, False)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


def let_others_go_first() -> None:
    """Lowers the priority of this process; that of its children is lowered with it."""
    with contextlib.suppress(OSError, AttributeError, ImportError):
        if os.name == "posix":
            os.nice(NICE)
        else:
            import psutil

            psutil.Process().nice(0x4000)  # BELOW_NORMAL_PRIORITY_CLASS, which psutil names on Windows alone


def limit_memory(limit_bytes: int) -> None:
    """Lets this process have no more than so much memory; where the system knows no such limit, nothing is done."""
    if sys.platform == "win32":
        with contextlib.suppress(OSError, AttributeError):
            _limit_by_job(limit_bytes)
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _BasicLimits(ctypes.Structure):
        _fields_ = (
            ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
            ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        )

    class _Limits(ctypes.Structure):
        _fields_ = (
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_ulonglong * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        )

    def _limit_by_job(limit_bytes: int) -> None:
        """Source: learn.microsoft.com, "JOBOBJECT_EXTENDED_LIMIT_INFORMATION"."""
        extended_limit_information, process_memory = 9, 0x100
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        job = kernel.CreateJobObjectW(None, None)
        limits = _Limits()
        limits.BasicLimitInformation.LimitFlags = process_memory
        limits.ProcessMemoryLimit = limit_bytes
        if job and kernel.SetInformationJobObject(
            job, extended_limit_information, ctypes.byref(limits), ctypes.sizeof(limits)
        ):
            kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess())
