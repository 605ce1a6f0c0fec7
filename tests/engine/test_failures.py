"""What went wrong becomes a sentence and a remedy that fits the job."""

from __future__ import annotations

import errno

import pytest
import torch

from tlgui.core import commands
from tlgui.core.commands import Job
from tlgui.core.errors import UserError
from tlgui.core.scrub import scrub
from tlgui.engine.failures import ending_of

TRAIN = commands.Train(run="/somewhere/run", data="/somewhere/d")
PREDICT = commands.Predict(run="/somewhere/run", paths=[])


@pytest.mark.parametrize(
    ("error", "problem", "train", "predict"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "The disk is full.",
            "Free some space, then continue; everything up to the last checkpoint is kept.",
            "Free some space, then try again.",
        ),
        (
            MemoryError(),
            "There is not enough memory for this.",
            "Close other programs and continue, or train again with a smaller --batch-size or backbone.",
            "Close other programs, then try again.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "The system refused to read or write a file: Permission denied.",
            "Check that the drive is connected and that you may write to the run folder, then continue.",
            "Check that the drive is connected and that you may write there, then try again.",
        ),
        (
            UserError("It is broken.", "Mend it."),
            "It is broken.",
            "Mend it.",
            "Mend it.",
        ),
        (
            UserError("The folder of the images 'd' is no longer there.", "Put it back.", code="drive_gone"),
            "The folder of the images 'd' is no longer there.",
            "Nothing before the last checkpoint is lost. Put it back.",
            "Put it back.",
        ),
        (
            ValueError("a bug"),
            "The program made a mistake; it is not your doing.",
            "Continue the run to go on from the last checkpoint, and send us the details below.",
            "Try again, and send us the details below.",
        ),
    ],
)
def test_each_failure_has_a_remedy_that_fits_the_job(error: Exception, problem: str, train: str, predict: str) -> None:
    jobs: list[tuple[Job, str]] = [(TRAIN, train), (PREDICT, predict)]
    for job, remedy in jobs:
        ending = ending_of(error, job, scrub)
        assert (ending.problem, ending.remedy, ending.run) == (problem, remedy, "/somewhere/run")
        assert ending.is_fault == isinstance(error, ValueError)


def test_torch_out_of_memory_is_no_fault_of_ours() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert ending_of(caught.value, TRAIN, scrub).problem == "There is not enough memory for this."
    card = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
    assert ending_of(card, TRAIN, scrub).problem == "There is not enough memory for this."


def test_an_error_without_words_of_the_system_tells_no_place() -> None:
    ending = ending_of(OSError("cannot open '/home/ann/Studies/DOE/x.png'"), PREDICT, scrub)
    assert ending.problem == "The system refused to read or write a file: cannot open 'x.png'."
