"""How many images go through the trained part at once: as many as memory allows, gradients add up to the whole batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.engine import free_memory
from tlgui.engine.kept_memory import SAFETY, kept_per_image, update_bytes

if TYPE_CHECKING:
    from tlgui.engine.live import Live

# A step that takes less than this is not looked at again: it costs more to ask than it can do harm.
_SMALL_BYTES = 64 << 20


class Memory:
    """Cuts batches into pieces that fit.

    A graphics card says that its memory is out, and the step is tried again with smaller pieces. A processor's system
    ends the program instead, so there it is foreseen, before each step, from what an image was measured to take.
    A piece never grows again in a run: one that goes on makes the same pieces, and so the same numbers.

    Args:
        live: the run; the size of a piece is part of its place.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._measured_at: tuple[int, int] | None = None
        self._each = 0
        self._held_before = 0
        self._updates_before = 0

    def pieces(self, n: int) -> list[slice]:
        """A batch of `n` images as slices that go through one after another.

        One image alone has no variance: where a layer takes the mean and variance of what goes through at once, a last
        piece of one image joins the one before it.
        """
        size = self._live.place.piece or n
        starts = list(range(0, n, size))
        if len(starts) > 1 and n - starts[-1] == 1 and size > 1:
            starts.pop()
        return [slice(start, end) for start, end in zip(starts, [*starts[1:], n], strict=True)]

    def at_once(self, n: int) -> int:
        """The smallest piece of a batch of `n` images: what BatchNorm sees at once, at least."""
        return min((piece.stop - piece.start for piece in self.pieces(n)), default=0)

    def can_halve(self, n: int) -> bool:
        """Whether the pieces of a batch of `n` images can be smaller still."""
        return min(self._live.place.piece or n, n) > self._smallest

    def foresee(self, inputs: Tensor) -> Iterator[Event]:
        """Before a step: makes pieces small enough for the memory that is free, where a failure would end the program.

        Args:
            inputs: of the batch, below the cut.

        Raises:
            UserError: not even the smallest piece can fit; the run is saved.
        """
        if self._live.setup.device.type != "cpu":
            return
        live, n = self._live, len(inputs)
        if new := self._measured_at != (live.cut, live.place.first):
            self._each = kept_per_image(live.network, live.place.first, live.cut, inputs, live.mixed)
            beside = 0.0
            if live.term is not None and live.setup.target is not None:
                # As many images of the new site go through with them, where there are so many.
                beside += min(1.0, len(live.setup.target) / n)
            if live.rehearsal is not None:
                beside += live.rehearsal.size(n) / n
            self._each = round(self._each * (1 + beside))
            self._measured_at = (live.cut, live.place.first)
            self._held_before = free_memory.held_bytes()
        size = min(live.place.piece or n, n)
        updates = update_bytes(live.network, live.place.first, live.optimizer.torch)
        if new:
            self._updates_before = updates
        if not new and updates + SAFETY * self._each * size < _SMALL_BYTES:
            return
        # What earlier steps took and the allocator still holds is there for this one too, but for what the optimizer made.
        made = self._updates_before - updates
        free = free_memory.available_bytes() + max(0, free_memory.held_bytes() - self._held_before - made)
        while updates + SAFETY * self._each * size > free and size > self._smallest:
            size = max(self._smallest, size // 2)
        # Without the margin, so that only what cannot be is refused.
        if updates + self._each * size > free:
            live.save()
            raise UserError(
                f"There is not enough memory: one step of training needs about "
                f"{_gigabytes(updates + SAFETY * self._each * size)}, and {_gigabytes(free)} are free.",
                "Close other programs and continue, or train fewer layers or a smaller backbone.",
                code="out_of_memory",
            )
        if size < min(live.place.piece or n, n):
            live.place.piece = size
            yield self._notice(n, "would not fit")

    def halve(self, n: int) -> Iterator[Event]:
        """After a step that did not fit: gives back what it took, halves the pieces of a batch of `n`, and says so."""
        live = self._live
        live.optimizer.torch.zero_grad(set_to_none=True)
        free_memory.give_back()
        live.place.piece = max(self._smallest, min(live.place.piece or n, n) // 2)
        yield self._notice(n, "did not fit")

    @property
    def _smallest(self) -> int:
        """Images that must go through together: one alone has no variance, and tells nothing of how the sites differ."""
        batch_norm = self._has_norms and self._live.training.norm_statistics == "batch"
        return 2 if batch_norm or self._live.term is not None else 1

    @property
    def _has_norms(self) -> bool:
        network, first = self._live.network, self._live.place.first
        groups = (module for index in range(first, len(network)) for module in network.modules(index))
        return any(isinstance(layer, _BatchNorm) for module in groups for layer in module.modules())

    def _notice(self, n: int, what: str) -> Event:
        live = self._live
        piece = live.place.piece
        message = (
            f"A batch of {n} images {what} into memory, so {piece} image{'' if piece == 1 else 's'} "
            f"go{'es' if piece == 1 else ''} through at once from now on. Each step still learns from the whole batch."
        )
        if self._has_norms and not live.keep_statistics(n):
            message += (
                " Layers that normalise by the images they see at once (BatchNorm) now keep the mean and spread that "
                "they have."
                if live.keep_statistics(self.at_once(n))
                else " Layers that normalise by the images they see at once (BatchNorm) see a piece at a time."
            )
        return events.Notice(code="smaller_pieces", message=message)


def _gigabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
