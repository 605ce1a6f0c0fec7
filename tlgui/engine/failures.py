"""What went wrong, as an ending with a remedy.

To add a known failure: append a row to `KNOWN_FAILURES` with how it is recognised and what people read, and a case to
`tests/engine/test_failures.py`.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from tlgui.core import commands
from tlgui.core.commands import Job
from tlgui.core.errors import UserError
from tlgui.core.events import Failed

_KEPT = "Nothing before the last checkpoint is lost."


@dataclass(frozen=True)
class KnownFailure:
    """A failure of a library or the system that the person can act on.

    Attributes:
        fits: whether an error is of this kind.
        problem: what people read.
        remedy_train, remedy_other: what to do, when a run was trained and for any other job.
        code: a key of `core.remedies.CODES`.
    """

    fits: Callable[[Exception], bool]
    problem: str
    remedy_train: str
    remedy_other: str
    code: str


def _is_full_disk(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def is_out_of_memory(error: Exception) -> bool:
    """Whether there was not enough memory, on the processor or on a card."""
    # torch says it in a RuntimeError on the processor, in torch.OutOfMemoryError (a RuntimeError too) on a card.
    # "ALLOC_FAILED" is what its libraries for products and convolutions say.
    words = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


KNOWN_FAILURES = (
    KnownFailure(
        fits=_is_full_disk,
        problem="The disk is full.",
        remedy_train="Free some space, then continue; everything up to the last checkpoint is kept.",
        remedy_other="Free some space, then try again.",
        code="disk_full",
    ),
    KnownFailure(
        fits=is_out_of_memory,
        problem="There is not enough memory for this.",
        remedy_train="Close other programs and continue, or train again with a smaller --batch-size or backbone.",
        remedy_other="Close other programs, then try again.",
        code="out_of_memory",
    ),
)


def ending_of(error: Exception, job: Job, scrub: Callable[[str], str]) -> Failed:
    """The ending of a job that an error ended.

    Args:
        error: what was raised.
        job: what was being done.
        scrub: takes places and names of people out of a text.
    """
    run = getattr(job, "run", "")
    trains = isinstance(job, commands.Train)
    if isinstance(error, UserError):
        remedy = f"{_KEPT} {error.remedy}" if trains and error.code == "drive_gone" else error.remedy
        return Failed(problem=error.problem, remedy=remedy, details=scrub(error.details), run=run, code=error.code)
    details = scrub("".join(traceback.format_exception(error)))
    for known in KNOWN_FAILURES:
        if known.fits(error):
            remedy = known.remedy_train if trains else known.remedy_other
            return Failed(problem=known.problem, remedy=remedy, details=details, run=run, code=known.code)
    if isinstance(error, OSError):
        again = "you may write to the run folder, then continue" if trains else "you may write there, then try again"
        return Failed(
            problem=f"The system refused to read or write a file: {error.strerror or scrub(str(error))}.",
            remedy=f"Check that the drive is connected and that {again}.",
            details=details,
            run=run,
        )
    again = "Continue the run to go on from the last checkpoint" if trains else "Try again"
    return Failed(
        problem="The program made a mistake; it is not your doing.",
        remedy=f"{again}, and send us the details below.",
        details=details,
        run=run,
        is_fault=True,
    )


def diverged(epoch: int, kept: int | None) -> UserError:
    """The loss of an epoch is no longer a number.

    Args:
        epoch: counted from 1.
        kept: the best epoch so far, `None` where there is none.
    """
    best = f"of epoch {kept}" if kept else "from before the first epoch"
    kept_sentence = "" if kept is None else f" The best state so far, {best}, is kept and can be used."
    return UserError(
        f"Training ended in epoch {epoch}: the loss is no longer a number, most likely because the learning rate is too "
        f"high.{kept_sentence}",
        "Train again with a lower learning rate.",
        code="diverged",
    )


def lost_on_stop(error: UserError, saved_step: int | None, step: int) -> UserError:
    """What a stop costs while nothing can be saved.

    Args:
        error: why not.
        saved_step: of the last checkpoint, `None` where there is none.
        step: where the run stands.
    """
    kept = (
        f"what was learned after step {saved_step} of {step} is not kept"
        if saved_step is not None
        else "nothing of this run is kept"
    )
    return UserError(
        f"{error.problem} Training was stopped all the same, so {kept}.",
        "Free some space there, then continue the run.",
        error.details,
        code=error.code,
    )
