"""The run as it stands, on disk: best weights, last weights with optimizer and place in the run. No pickle."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

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

_MODEL, _OPTIMIZER, _AVERAGE, _TERM = "model|", "optimizer|", "average|", "term|"
_NEXT_BEST = "next-best"


class Move(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An unfreezing or freezing that can be taken back.

    Attributes:
        kind, names: what was done, the uppermost group first.
        step, epoch, batch: where; finished epochs, and finished batches of the one that ran.
        snapshot: name of the checkpoint that was taken before it.
        bytes: that it takes on disk.
        by_itself: it followed from a plateau or the written schedule.
        due: the epoch after which it is judged; 0 = it is not, or was.
        votes: by the number of a validation image, how many of the `voted` whole epochs since had it right.
    """

    kind: Literal["unfreeze", "freeze"]
    names: list[str]
    step: int
    epoch: int
    batch: int = 0
    snapshot: str
    bytes: int = 0
    by_itself: bool = False
    due: int = 0
    votes: dict[int, int] = {}
    voted: int = 0


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
        best_known, known_wrong: best share of the known site's validation images that were right, of a run that adapts,
            and the numbers of those that were not.
        stopped_early: patience ended it.
        warm: the warm start is behind.
        compiled: name of the compiled trunk in use, or "".
        seen_at: the cut at which the validation images were last looked at, -1 before the first time.
        peaks: by group index, peak learning rates that were set by hand.
        moves: unfreezings and freezings that can be taken back, oldest first.
        plateau_value, plateau_waited: for unfreezing by itself: the best calibrated loss since layers last changed, and
            epochs since then.
        scheduled: how many moves of the written schedule are done.
        automatic: whether layers are still unfrozen by themselves; not after the person took one of those back, or
            froze some.
        closing: an epoch was validated, and what follows from it (a verdict, a move, the end) is not done yet.
        best_from: name of the checkpoint that becomes the best state once this place is on disk; "" = the best state
            is where it belongs.
        piece: images that go through the trained part at once; 0 = the whole batch.
        scale: state of the gradient scaler, where there is one.
        keep_strength: how hard it holds on to what it knew, where that was said while it trained.
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
    best_known: float = 0.0
    known_wrong: list[int] = []
    stopped_early: bool = False
    warm: bool = False
    compiled: str = ""
    seen_at: int = -1
    caching: bool = False
    peaks: dict[int, float] = {}
    moves: list[Move] = []
    plateau_value: float | None = None
    plateau_waited: int = 0
    scheduled: int = 0
    automatic: bool = True
    closing: bool = False
    best_from: str = ""
    piece: int = 0
    scale: dict[str, float] = {}
    keep_strength: float | None = None
    gone: list[str] = []


class State(NamedTuple):
    """All that going on needs: tensors by name, and the place.

    Attributes:
        model: the network's state dict.
        optimizer: see `LayerOptimizer.state_tensors`.
        average: see `Average.tensors`; empty without one.
        place: where the training stands.
        term: see `adaptation.term.Term.tensors`; empty without one.
    """

    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    average: dict[str, Tensor]
    place: Place
    term: Mapping[str, Tensor] = MappingProxyType({})


class Checkpoints:
    """Writes and reads the checkpoints of a run: the best state, the last one, and some to go back to.

    Args:
        run: whose.
        interval_s: shortest time between two timely saves; it grows with the time that a save takes, so that saving
            never costs more than a twentieth.
    """

    def __init__(self, run: RunFolder, interval_s: float = 10.0) -> None:
        self._run = run
        self._last_path = run.checkpoints / "last.safetensors"
        # Of an engine that was killed while it saved: our own temporary names, and those of safetensors.
        for pattern in (".*.tmp", ".tmp*", *([] if self.exists else [f"{_NEXT_BEST}-*"])):
            for left_over in run.checkpoints.glob(pattern):
                left_over.unlink(missing_ok=True)
        self._shortest_s = interval_s
        self._interval_s = interval_s
        self._saved_at = time.monotonic()
        self._best: tuple[dict[str, Tensor], Card] | None = None

    @property
    def saved_step(self) -> int | None:
        """Optimizer steps that the last checkpoint knows of; `None` where there is none."""
        return self.place().step if self.exists else None

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

    def forget_best(self) -> None:
        """Drops a best state that has not reached the disk: it belongs to what was taken back."""
        self._best = None

    def save_best(self) -> None:
        """Writes the best state alone, if it is newer than the file.

        Raises:
            UserError: the disk is full or cannot be written.
        """
        if self._best is not None:
            self._write_best(self._run.best_path)
            self._best = None

    def save(self, state: State) -> None:
        """Writes the best state and the last one.

        Each is written atomically, and both change as one: a new best state gets its name when the place that knows of
        it is on disk, and `load` does that for a process that was killed in between.

        Raises:
            UserError: the disk is full or cannot be written; the checkpoint before is whole.
        """
        started = time.monotonic()
        if self._best is not None:
            # Not the name that the last checkpoint on disk may still give for its own best state.
            name = f"{_NEXT_BEST}-{state.place.step}-{state.place.best_epoch}"
            self._write_best(self._path(name))
            state.place.best_from = name
        self._write(state, self._last_path)
        self._best = None
        self._adopt_best(state.place)
        self._saved_at = time.monotonic()
        self._interval_s = max(self._shortest_s, 20 * (self._saved_at - started))

    def load(self) -> State:
        """The last checkpoint; what a process that was killed in the middle of saving left undone is done.

        Raises:
            UserError: there is none, or it is damaged; never a silent fresh start.
        """
        state = self._read(self._last_path)
        self._adopt_best(state.place)
        for left_over in self._run.checkpoints.glob(f"{_NEXT_BEST}-*.safetensors"):
            left_over.unlink(missing_ok=True)
        return state

    def new_snapshot_name(self, step: int) -> str:
        """A name for a state to go back to that no file has."""
        names = (f"undo-{step}" if n == 1 else f"undo-{step}-{n}" for n in itertools.count(1))
        return next(name for name in names if not any(path.exists() for path in self._snapshot_paths(name)))

    def save_snapshot(self, name: str, state: State) -> int:
        """Writes a state to go back to, with the best state so far; returns the bytes that it takes.

        Raises:
            UserError: the disk is full or cannot be written; nothing of it is left then.
        """
        path, best = self._snapshot_paths(name)
        try:
            self._write(state, path)
            self._copy_best(state.place, best)
        except UserError:
            self.drop_snapshot(name)
            raise
        return sum(file.stat().st_size for file in (path, best) if file.is_file())

    def load_snapshot(self, name: str) -> State:
        """A state to go back to; its best state becomes the run's with the next `save`.

        Raises:
            UserError: it is not there, or it is damaged.
        """
        state = self._read(self._snapshot_paths(name)[0])
        state.place.best_from = f"{name}-best"
        return state

    def drop_snapshot(self, name: str) -> None:
        """Removes a state to go back to."""
        for path in self._snapshot_paths(name):
            path.unlink(missing_ok=True)

    def drop_other_snapshots(self, names: Collection[str]) -> None:
        """Removes every snapshot that is none of these: too old, used, or of an engine that was killed."""
        for path in self._run.checkpoints.glob("undo-*.safetensors"):
            if path.name.removesuffix(".safetensors").removesuffix("-best") not in names:
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._run.checkpoints / f"{name}.safetensors"

    def _snapshot_paths(self, name: str) -> tuple[Path, Path]:
        return self._path(name), self._path(f"{name}-best")

    def _adopt_best(self, place: Place) -> None:
        """Gives the best state that a place names its own name; it takes no room, so that it cannot fail for want of it."""
        if not place.best_from:
            return
        source = self._path(place.best_from)
        try:
            if source.is_file():
                source.replace(self._run.best_path)
            elif place.best_epoch is None:
                self._run.best_path.unlink(missing_ok=True)
            # Else it was done before the process was killed.
        except OSError as error:
            raise cannot_save(error) from error
        place.best_from = ""

    def _copy_best(self, place: Place, to: Path) -> None:
        """Puts the best state so far, if there is one, under another name too."""
        if self._best is not None:
            self._write_best(to)
            return
        # Of a mix with earlier weights, what it was made of: there is one such file, of the best state of the last ending.
        waiting = self._path(place.best_from) if place.best_from else trained_model.unmixed(self._run)
        if place.best_epoch is None or not waiting.is_file():
            return
        try:
            # A second name for the same file takes no room; the best state's file is replaced and never written into.
            with contextlib.suppress(OSError, NotImplementedError):
                os.link(waiting, to)
                return
            with atomic.replacing(to) as temporary:
                shutil.copyfile(waiting, temporary)
        except OSError as error:
            raise cannot_save(error) from error

    def _write_best(self, path: Path) -> None:
        assert self._best is not None
        try:
            trained_model.save(*self._best, path)
        except (OSError, safetensors.SafetensorError) as error:
            raise cannot_save(error) from error

    def _write(self, state: State, path: Path) -> None:
        tensors = {f"{_MODEL}{name}": tensor.detach().cpu().contiguous() for name, tensor in state.model.items()}
        tensors |= {f"{_OPTIMIZER}{name}": tensor for name, tensor in state.optimizer.items()}
        for prefix, named in ((_AVERAGE, state.average), (_TERM, state.term)):
            tensors |= {f"{prefix}{name}": tensor.detach().cpu().contiguous() for name, tensor in named.items()}
        try:
            with atomic.replacing(path) as temporary:
                header = {"place": msgspec.json.encode(state.place).decode()}
                safetensors.torch.save_file(tensors, temporary, metadata=header)
        except (OSError, safetensors.SafetensorError) as error:
            raise cannot_save(error) from error

    def _read(self, path: Path) -> State:
        with self._opened(path) as (stream, place):
            model, optimizer, average, term = (
                _tensors(stream, prefix) for prefix in (_MODEL, _OPTIMIZER, _AVERAGE, _TERM)
            )
            return State(model, optimizer, average, place, term)

    def model(self) -> dict[str, Tensor]:
        """Model state alone; raises as `load` does."""
        with self._opened(self._last_path) as (stream, _):
            return _tensors(stream, _MODEL)

    def place(self) -> Place:
        """The place alone; raises as `load` does."""
        with self._opened(self._last_path) as (_, place):
            return place

    @contextlib.contextmanager
    def _opened(self, path: Path) -> Iterator[tuple[Any, Place]]:
        try:
            with safetensors.safe_open(path, "pt") as stream:
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


def cannot_save(error: Exception) -> UserError:
    """Says that the run folder could not be written, and what to do."""
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
