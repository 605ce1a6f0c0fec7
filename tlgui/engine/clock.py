"""How fast a run goes, and from that how long it still takes."""

from __future__ import annotations

import time


class Clock:
    """Seconds per image, for images whose activations must be computed and for those that need not.

    Attributes:
        epoch_s: seconds that the last epoch took.
        images_per_second: over the last batch; `None` before the first.
    """

    def __init__(self) -> None:
        self.epoch_s = 0.0
        self.images_per_second: float | None = None
        self._fresh: float | None = None  # seconds per image
        self._cached: float | None = None
        self._begun = self._batch_begun = time.monotonic()
        self._computes = True
        self._deep = False

    def layers_moved(self, computes: bool, deep: bool) -> None:
        """Forgets the speed: with other layers that learn, what was measured before says little.

        Args:
            computes: whether images of this epoch are not cached now.
            deep: whether more than the head learns.
        """
        self._fresh = self._cached = None
        self._computes, self._deep = computes, deep
        self._batch_begun = time.monotonic()

    def epoch_begins(self, to_compute: int, batches: int) -> None:
        """Begins an epoch of `batches` batches, for which `to_compute` images are not cached."""
        self._begun = self._batch_begun = time.monotonic()
        self._computes = to_compute > 0 and batches > 0

    def batch_ended(self, images: int) -> None:
        """Counts a batch of so many images."""
        now = time.monotonic()
        each = (now - self._batch_begun) / images
        self._batch_begun = now
        self.images_per_second = 1 / each if each > 0 else None
        if self._computes:
            self._fresh = each if self._fresh is None else 0.8 * self._fresh + 0.2 * each
        else:
            self._cached = each if self._cached is None else 0.8 * self._cached + 0.2 * each

    def rested(self, seconds: float) -> None:
        """Leaves out a pause, which is no time of the epoch or of the batch that it fell into."""
        self._begun += seconds
        self._batch_begun += seconds

    def epoch_ended(self) -> None:
        """Notes how long the epoch took."""
        self.epoch_s = time.monotonic() - self._begun

    def seconds_left(self, share_now: float, fresh: int, cached: int, images: int) -> float | None:
        """The rest of this epoch (a share of it) and the epochs to come, `fresh` of which must compute.

        `None` before the first batch. `images` is the number of training images.
        """
        now = self._fresh if self._computes else self._cached
        if now is None:
            return None
        # What is not known yet: for the head alone reading is far faster than computing; where deeper layers learn, that
        # takes most of the time, and nearly as long for both.
        fresh_each = now if self._fresh is None else self._fresh
        cached_each = self._cached if self._cached is not None else (1.0 if self._deep else 0.1) * fresh_each
        return images * share_now * now + images * (fresh * fresh_each + cached * cached_each)
