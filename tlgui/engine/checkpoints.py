"""The run as it stands, on disk: best weights, last weights with optimizer and place in the run. No pickle."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.engine import trained_model
from tlgui.engine.trained_model import Card

_MODEL, _OPTIMIZER = "model|", "optimizer|"


class Place(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where in a run the training stands; with the tensors it is all that going on needs.

    Random numbers and the order of images follow from the seed, the epoch and the step.

    Attributes:
        epoch: finished epochs.
        batch: finished batches of the epoch that runs.
        step: optimizer steps.
        epochs: planned.
        first: lowest group that trains now.
        lowest: lowest group that ever trained.
        cycles: by group index, first and last step of its learning-rate cycle.
        loss_sum, seen: of the epoch that runs.
        best_epoch, best_value: of the best state; the value is lower for better.
        waited: epochs since then.
        stopped_early: patience ended it.
        warm: the warm start is behind.
        compiled: name of the compiled trunk in use, or "".
        seen_at: the cut at which the validation images were last looked at, -1 before the first time.
        gone: names of images that vanished and are skipped, as long as they are not back.
        caching: whether activations are kept; it decides which views an epoch sees, so a run that goes on keeps it.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    epochs: int
    first: int
    lowest: int
    cycles: dict[int, tuple[int, int]] = {}
    loss_sum: float = 0.0
    seen: int = 0
    best_epoch: int | None = None
    best_value: float | None = None
    waited: int = 0
    stopped_early: bool = False
    warm: bool = False
    compiled: str = ""
    seen_at: int = -1
    caching: bool = False
    gone: list[str] = []


class Checkpoints:
    """Writes and reads the two checkpoints of a run.

    Args:
        run: whose.
        interval_s: shortest time between two timely saves; it grows with the time that a save takes, so that saving
            never costs more than a twentieth.
    """

    def __init__(self, run: RunFolder, interval_s: float = 10.0) -> None:
        self._run = run
        self._last_path = run.checkpoints / "last.safetensors"
        for left_over in run.checkpoints.glob(".*.tmp"):
            # Of an engine that was killed while it saved.
            left_over.unlink(missing_ok=True)
        self._shortest_s = interval_s
        self._interval_s = interval_s
        self._saved_at = time.monotonic()
        self._best: tuple[dict[str, Tensor], Card] | None = None

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved_at >= self._interval_s

    @property
    def exists(self) -> bool:
        """Whether there is something to go on from."""
        return self._last_path.is_file()

    def keep_best(self, state: dict[str, Tensor], card: Card) -> None:
        """Notes a new best state: a deep copy, which later steps cannot change. It reaches the disk on `save`."""
        self._best = ({name: tensor.detach().cpu().clone() for name, tensor in state.items()}, card)

    def save_best(self) -> None:
        """Writes the best state, if it is newer than the file.

        Raises:
            UserError: the disk is full or cannot be written.
        """
        if self._best is None:
            return
        try:
            trained_model.save(*self._best, self._run.best_path)
        except (OSError, safetensors.SafetensorError) as error:
            raise _cannot_save(error) from error
        self._best = None

    def save(self, state: dict[str, Tensor], optimizer: dict[str, Tensor], place: Place) -> None:
        """Writes the best state and then the last one, each atomically.

        Raises:
            UserError: the disk is full or cannot be written; the checkpoint before is whole.
        """
        started = time.monotonic()
        self.save_best()
        tensors = {f"{_MODEL}{name}": tensor.detach().cpu().contiguous() for name, tensor in state.items()}
        tensors |= {f"{_OPTIMIZER}{name}": tensor for name, tensor in optimizer.items()}
        try:
            with atomic.replacing(self._last_path) as temporary:
                header = {"place": msgspec.json.encode(place).decode()}
                safetensors.torch.save_file(tensors, temporary, metadata=header)
        except (OSError, safetensors.SafetensorError) as error:
            raise _cannot_save(error) from error
        self._saved_at = time.monotonic()
        self._interval_s = max(self._shortest_s, 20 * (self._saved_at - started))

    def load(self) -> tuple[dict[str, Tensor], dict[str, Tensor], Place]:
        """Model state, optimizer state and place of the last checkpoint.

        Raises:
            UserError: there is none, or it is damaged; never a silent fresh start.
        """
        with self._opened() as (stream, place):
            return _tensors(stream, _MODEL), _tensors(stream, _OPTIMIZER), place

    def model(self) -> dict[str, Tensor]:
        """Model state alone; raises as `load` does."""
        with self._opened() as (stream, _):
            return _tensors(stream, _MODEL)

    def place(self) -> Place:
        """The place alone; raises as `load` does."""
        with self._opened() as (_, place):
            return place

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Any, Place]]:
        try:
            with safetensors.safe_open(self._last_path, "pt") as stream:
                yield stream, msgspec.json.decode((stream.metadata() or {})["place"], type=Place)
        except (OSError, KeyError, msgspec.DecodeError, safetensors.SafetensorError) as error:
            raise UserError(
                f"The last checkpoint of the run '{self._run.name}' is damaged.",
                "Take the run folder from a backup, or train again; the best model so far can still be exported.",
                str(error),
                code="run_damaged",
            ) from error


def _tensors(stream: Any, prefix: str) -> dict[str, Tensor]:
    names = [name for name in stream.keys() if name.startswith(prefix)]  # noqa: SIM118 - no mapping
    return {name.removeprefix(prefix): stream.get_tensor(name) for name in names}


def weights_are_finite(state: dict[str, Tensor]) -> bool:
    """Whether every weight is a number."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in state.values() if tensor.is_floating_point())


def _cannot_save(error: Exception) -> UserError:
    if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT, None):
        reason = error.strerror
    else:
        reason = "the disk may be full"  # safetensors does not say more
    return UserError(
        f"The run folder could not be written: {reason}.",
        "Free some space there, then continue the run; everything up to the last checkpoint is kept.",
        str(error),
        code="disk_full",
    )
