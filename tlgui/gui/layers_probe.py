"""What each layer group tells about the classes of a comparison that asks whether pretraining helps; it only adds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events, transfer
from tlgui.core.comparison import Comparison
from tlgui.core.imaging_messages import ListingWritten
from tlgui.core.records import PixelRule
from tlgui.gui.background import run_in_background
from tlgui.gui.listed_job import ListedJob

if TYPE_CHECKING:
    from tlgui.gui.compared import ReadComparison
    from tlgui.gui.workbench import Workbench


_NOT_KNOWN = "What each layer group tells is not known:"


class LayersProbe(QObject):
    """Asks the engine by itself, once for each comparison; not beside a training, which goes first.

    Attributes:
        progress: how far it is; `None` before the engine says so.
        said: why there is no answer to what is shown, as a sentence; "" while it is asked, or where none is wanted.
    """

    changed = Signal()
    answered = Signal()
    """The answer lies in the folder of the comparison."""

    def __init__(self, bench: Workbench, parent: QObject) -> None:
        super().__init__(parent)
        self._bench = bench
        self._job = ListedJob(bench, self)
        self._job.told.connect(self._on_told)
        self._folder: Path | None = None
        self._read: ReadComparison | None = None
        self._weights_file = ""
        self._ended: set[Path] = set()  # was asked already: an answer that does not come is not asked for for ever
        self.progress: events.Progress | None = None
        self.said = ""
        bench.run_changed.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether it is being asked."""
        return self._job.busy

    @property
    def waits(self) -> bool:
        """Whether it is asked as soon as no training is at work."""
        return self._wanted and not self.busy and not self.said and self._bench.is_training

    @property
    def can_ask_again(self) -> bool:
        """Whether it was asked, and came to nothing."""
        return self._wanted and not self.busy and self._folder in self._ended

    @property
    def _wanted(self) -> bool:
        return self._folder is not None and self._read is not None and self._read.images is not None

    def look_at(self, folder: Path | None, read: ReadComparison, weights_file: str) -> None:
        """A comparison is shown.

        Args:
            folder: of it.
            read: what lies there.
            weights_file: the person's own weights, with which it was begun just now; "" = none, or not known any more.
        """
        if folder != self._folder:
            self.forget()
        self._folder, self._read, self._weights_file = folder, read, weights_file
        if not self._wanted:
            self.said = ""
        elif folder in self._ended and not self.said and not self.busy:
            self.said = "What each layer group tells is not known."
        self._look()

    def ask_again(self) -> None:
        """The person wants it after all."""
        if self._folder is not None and self.can_ask_again:
            self._ended.discard(self._folder)
            self._look()

    def cancel(self) -> None:
        """Asks it to stop."""
        self._job.cancel()

    def forget(self) -> None:
        """Another comparison is shown: nothing of this one arrives any more."""
        self._job.forget()
        self._folder = self._read = self.progress = None
        self.said = ""

    def make_way(self) -> None:
        """A training begins; it is asked anew after that."""
        if self.busy:
            self._job.forget()
            self.progress = None
            self.changed.emit()

    def _look(self) -> None:
        read, folder = self._read, self._folder
        if read is None or read.images is None or folder is None or self.busy or folder in self._ended:
            return
        images = read.images
        weights_file = self._weights_of(read.asked)
        if images.data is None:
            self.said = f"{_NOT_KNOWN} the images are not where they were."
            self.changed.emit()
        elif weights_file is None:
            self._end(folder, f"{_NOT_KNOWN} the weights were a file of yours. Give it on the page Backbone.")
        elif self._bench.is_training:
            self.changed.emit()
        else:
            asked, rule, own = read.asked, images.rule, weights_file
            self.said, self.progress = "", None
            # Images that test a fold choose like the others: those that test a final model are in no fold.
            self._job.begin_for_run(
                images.run, images.data, lambda listing: _probe(listing, asked, rule, own), all_train=bool(asked.folds)
            )
            self.changed.emit()

    def _weights_of(self, asked: Comparison) -> str | None:
        """The file of the weights, "" = the published ones; `None` where it is not known any more."""
        if not asked.weights:
            return ""
        draft = self._bench.draft
        known = [self._weights_file, draft.weights_file if draft.backbone == asked.backbone else ""]
        return next((file for file in known if file and Path(file).name == asked.weights), None)

    def _end(self, folder: Path, said: str) -> None:
        self._ended.add(folder)
        self.said = said
        self.changed.emit()

    def _on_told(self, event: Any) -> None:
        folder = self._folder
        if folder is None:
            return
        match event:
            case events.Progress():
                self.progress = event
            case events.LayersProbed():
                self._ended.add(folder)
                run_in_background(self, lambda: transfer.write_layers(folder, event), lambda _: self.answered.emit())
            case events.Failed():
                self._end(folder, f"{_NOT_KNOWN} {event.problem}")
            case events.Stopped() | events.Crashed():
                self._end(folder, f"{_NOT_KNOWN} it was not asked to the end.")
            case _:
                pass
        self.changed.emit()


def _probe(listing: ListingWritten, asked: Comparison, rule: PixelRule, weights_file: str) -> commands.ProbeLayers:
    return commands.ProbeLayers(
        listing=listing.path,
        data=listing.data,
        rule=rule,
        backbone=asked.backbone,
        weights_file=weights_file,
        fit=asked.fit,
        size=asked.size or None,
        seed=asked.seed,
    )
