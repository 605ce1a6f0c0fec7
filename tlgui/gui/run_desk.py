"""The run that is shown and the run that trains: begun once, opened again, gone on with, never lost."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Refused, RunPrepared, ScanProgress
from tlgui.core.planning import decided
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.beginnings import lost_run, set_up_again
from tlgui.gui.run_entry import Entry, entry_of
from tlgui.gui.run_model import RunModel
from tlgui.gui.run_places import place_of, site_place_of
from tlgui.gui.run_reading import RunOnDisk
from tlgui.gui.run_replay import replayed

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

logger = logging.getLogger(__name__)

SITE_IS_READ = "images of the new site"


class RunDesk(QObject):
    """Runs of the window; see `Workbench` for what each method is for."""

    ended = Signal(str, object)
    """(the run's folder, its ending): a training is over, and another one can begin."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._shown: Entry | None = None
        self._training: Entry | None = None
        self._reading: Task | None = None
        self.opening: Path | None = None

    @property
    def shown(self) -> RunModel | None:
        """The run that is shown."""
        return self._shown.model if self._shown else None

    @property
    def training(self) -> RunModel | None:
        """The run that is prepared or trains."""
        return self._training.model if self._training else None

    @property
    def training_folder(self) -> RunFolder | None:
        """Folder of the run that trains; `None` while it is being made."""
        return self._training.folder if self._training else None

    @property
    def training_name(self) -> str:
        """The name of the images that train, "" while none do."""
        entry = self._training
        if entry is None:
            return ""
        if entry.spec.dataset is not None:
            return entry.spec.dataset.name
        return entry.summary.name if entry.summary is not None else ""

    @property
    def folder(self) -> RunFolder | None:
        """Folder of the run that is shown."""
        return self._shown.folder if self._shown else None

    @property
    def spec(self) -> RunSpec | None:
        """What the shown run is; of one that began "as advised", with what it became."""
        if (entry := self._shown) is None:
            return None
        chosen = entry.model.chosen
        return entry.spec if chosen is None else decided(entry.spec, chosen)

    @property
    def weights_file(self) -> str:
        """The person's own weights that the shown run began with, "" where it began with others or that is unknown."""
        return self._shown.weights_file if self._shown else ""

    def data_of(self, run: RunModel | None) -> Path | None:
        """Where the images of a run are."""
        held = (entry for entry in (self._shown, self._training) if entry is not None and entry.model is run)
        return next((entry.data for entry in held), None)

    def reason_against_start(self) -> str:
        """Why no training can begin now."""
        if self._training is not None:
            return "A training is at work. Wait until it has ended, or stop it."
        if self._shown is not None:
            return "This run began already. Set up a new one from it."
        if reason := self._bench.draft.missing("review"):
            return reason
        return "" if self._bench.scan_ticket is not None else "The images have not been read yet."

    def start(self) -> None:
        """Begins the run as it is set up."""
        draft = self._bench.draft
        if self.reason_against_start() or draft.data is None:
            return
        self._forget_reading()
        entry = entry_of(draft, RunModel(self))
        self._training = entry
        self._show(entry)
        arrived, told = partial(self._on_prepared, entry), partial(_on_site_read, entry)
        self._bench.scans.prepare(draft.data, entry.spec, draft.weights_file, arrived, draft.target, told)
        self._bench.show("train")

    def begin(self, read: RunOnDisk, data: Path, weights_file: str) -> None:
        """Trains a run whose folder was made before, such as the next one of the queue; what is shown stays shown."""
        if self._training is not None:
            return
        entry = self._held(read.folder.path)
        if entry is None:
            entry = Entry(
                RunModel(self),
                read.spec,
                data,
                read.summary,
                weights_file,
                False,
                read.target,
                read.earlier,
                read.folder,
            )
        else:
            entry.data, entry.weights_file = data, weights_file
            entry.model.asked("continue")
        self._training = entry
        entry.began_at = time.monotonic()
        self._train(entry, 0)
        self._bench.run_changed.emit()

    def open(self, path: Path) -> None:
        """Shows a run from its folder."""
        self._forget_reading()
        if (entry := self._held(path)) is not None:
            self._bring_up(entry)
            return
        self._reading = run_in_background(self, lambda: replayed(path), self._on_read, self._on_reading_failed)
        self._set_opening(path)

    def show_training(self) -> None:
        """Shows the run that trains."""
        self._forget_reading()
        if self._training is not None:
            self._bring_up(self._training)

    def go_on(self, more_epochs: int = 0) -> None:
        """Goes on with the shown run from its last checkpoint."""
        entry = self._shown
        if entry is None or entry.folder is None or entry is self._training:
            return
        if self._training is not None:
            self._raise("Another run trains at this moment.", "Wait until it has ended, or stop it.")
            return
        if entry.data is None:
            self._raise_moved(entry)
            return
        self._forget_reading()
        self._training = entry
        entry.model.asked("continue")
        self._train(entry, more_epochs)
        self._bench.run_changed.emit()
        self._bench.show("train")

    def send(self, command: commands.Command) -> None:
        """Tells the run that trains something; a run that is still being prepared knows `Stop` alone."""
        entry = self._training
        if entry is None:
            return
        if entry.work is not None:
            if isinstance(command, commands.Stop):
                entry.work.cancel()
            else:
                entry.work.send(command)
        elif isinstance(command, commands.Stop) and entry.folder is None and entry.target is not None:
            # Reading the images of a new site may take minutes.
            self._bench.scans.stop_preparing()
            self._take_back(entry)
        elif isinstance(command, commands.Stop):
            # The folder comes in a moment, and the run can be gone on with from there.
            entry.stop_asked = True

    def show_none(self) -> None:
        """Shows the run that is set up instead of one that began."""
        self._forget_reading()
        self._show(None)

    def new_run_from(self) -> None:
        """Sets up a new run with the answers of the shown one."""
        entry = self._shown
        if entry is None or (entry is self._training and entry.folder is None):
            # A second press on Start falls on this one, before the run has its folder.
            return
        if entry.data is None:
            self._raise_moved(entry)
            return
        if lost := lost_run(self._bench, entry):
            self._raise(*lost)
            return
        self._show(None)
        set_up_again(self._bench, entry, entry.data)

    def find_images(self, path: Path) -> None:
        """Says where the images of the shown run are now."""
        entry = self._shown
        if entry is not None:
            page = self._bench.page
            run_in_background(
                self,
                lambda: place_of(entry, path),
                lambda place: self._on_found(entry, place),
                lambda error: self._on_failed(error, page),
            )

    def find_beside(self, path: Path, look: Callable[[Entry, Path], Path]) -> None:
        """Says where other images are now that the shown run needs, as `look` finds them there; see `run_places`."""
        if (entry := self._shown) is not None:
            page = self._bench.page

            def found(place: Path) -> None:
                entry.target = place if look is site_place_of else entry.target
                self._bench.images_found.emit()

            run_in_background(self, lambda: look(entry, path), found, lambda error: self._on_failed(error, page))

    def _on_prepared(self, entry: Entry, answer: RunPrepared | Refused) -> None:
        if isinstance(answer, Refused):
            page = self._take_back(entry)
            self._bench.problem_raised.emit(answer, page)
            return
        # By whichever way it is opened again, a run has one path. It was made a moment ago: this asks no sleeping drive.
        entry.folder, entry.spec = RunFolder(Path(os.path.realpath(answer.run))), answer.spec
        self._bench.recent.refresh()
        if entry.target is not None:
            entry.model.apply(events.Progress(stage="", done=0, total=0, seconds_left=None))  # they are read
        if entry.stop_asked:
            entry.stop_asked = False
            self._on_event(entry, events.Stopped())
            return
        entry.began_at = time.monotonic()
        self._train(entry, 0)
        self._bench.run_changed.emit()

    def _take_back(self, entry: Entry) -> str:
        """A run that was never made: what it was set up from stands there again, where it is still shown.

        Returns:
            The page that is shown then.
        """
        was_shown = entry is self._shown
        self._training = None
        entry.model.apply(events.Stopped())
        if not was_shown:
            self._bench.run_changed.emit()
            entry.model.deleteLater()
            return self._bench.page
        self._show(None)
        if self._bench.scan_ticket is not None or entry.data is None:
            self._bench.show("review")
            return "review"
        # Its folder was let go of when another run was shown in between.
        self._bench.scans.open_folder(entry.data, keep=True)
        return "images"

    def _train(self, entry: Entry, more_epochs: int) -> None:
        assert entry.folder is not None and entry.data is not None
        job = commands.Train(
            run=str(entry.folder.path.absolute()),
            data=str(entry.data.absolute()),
            more_epochs=more_epochs,
            weights_file=entry.weights_file,
            download=entry.download,
        )
        for desk in (self._bench.weights, self._bench.models, self._bench.advice, self._bench.compare.probe):
            desk.make_way()
        entry.work = self._bench.jobs.submit(job, lambda event: self._on_event(entry, event), first=True)

    def _on_event(self, entry: Entry, event: Any) -> None:
        ended = isinstance(event, events.Ending)
        if isinstance(event, events.Paused):
            entry.began_at = None
        if ended:
            entry.work = None
            self._training = None
        entry.model.apply(event)
        if ended:
            self._note_time(entry, event)
            self._bench.recent.refresh()
            self._bench.run_changed.emit()
            if entry is not self._shown:
                entry.model.deleteLater()
            self.ended.emit(str(entry.folder.path) if entry.folder is not None else "", event)

    def _note_time(self, entry: Entry, ending: Any) -> None:
        if not self._bench.compare.holds(entry.folder):  # a fold finds much of its work done, so its time tells little
            self._bench.machine.note_ended(entry.spec, entry.began_at, ending)
        entry.began_at = None

    def _on_read(self, replayed: tuple[RunOnDisk, RunModel]) -> None:
        self._reading = None
        self._set_opening(None)
        read, model = replayed
        if (held := self._held(read.folder.path)) is not None:
            # It was asked for by another path.
            self._bring_up(held)
            return
        model.setParent(self)
        entry = Entry(
            model, read.spec, read.data, read.summary, target=read.target, earlier=read.earlier, folder=read.folder
        )
        self._bench.recent.note_opened(read.folder.path)
        self._bring_up(entry)

    def _held(self, path: Path) -> Entry | None:
        """The run of a folder, where the window holds it and knows all of it."""
        for entry in (self._training, self._shown):
            if entry is not None and entry.folder is not None and entry.folder.path == path:
                # One that another program trained when it was opened may have come further since.
                return None if getattr(entry.model.ending, "code", "") == "run_locked" else entry
        return None

    def _forget_reading(self) -> None:
        """A run that was asked for before comes too late."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
            self._set_opening(None)

    def _set_opening(self, path: Path | None) -> None:
        if path != self.opening:
            self.opening = path
            self._bench.opening_changed.emit()

    def _on_reading_failed(self, error: BaseException) -> None:
        self._reading = None
        self._set_opening(None)
        self._on_failed(error, "start")

    def _on_failed(self, error: BaseException, page: str) -> None:
        if not isinstance(error, UserError):
            raise error
        self._bench.problem_raised.emit(error, page)

    def _on_found(self, entry: Entry, place: Path) -> None:
        entry.data = place
        if entry is self._shown:
            self._bench.draft.data = place
            self._bench.draft.changed.emit()
        self._bench.images_found.emit()

    def _bring_up(self, entry: Entry) -> None:
        if entry is not self._shown:
            self._show(entry)
            self._bench.scans.release()
            self._bench.draft.load(entry.spec, entry.data, entry.summary, entry.target)
        self._bench.show("results" if entry.model.metrics and entry is not self._training else "train")

    def _show(self, entry: Entry | None) -> None:
        before, self._shown = self._shown, entry
        if before is entry:
            return
        self._bench.models.forget_answers()
        self._bench.run_changed.emit()
        if before is not None and before is not self._training:
            before.model.deleteLater()

    def _raise(self, problem: str, remedy: str, code: str = "") -> None:
        self._bench.problem_raised.emit(UserError(problem, remedy, code=code), self._bench.page)

    def _raise_moved(self, entry: Entry) -> None:
        name = entry.spec.dataset.name if entry.spec.dataset is not None else "this run"
        self._raise(f"The images of '{name}' are not where they were.", "Say where they are now.", "images_missing")


def _on_site_read(entry: Entry, progress: ScanProgress) -> None:
    """Images of the new site are read before the run has its folder."""
    done, total, left = progress.done, progress.total, progress.seconds_left
    entry.model.apply(events.Progress(stage=SITE_IS_READ, done=done, total=total, seconds_left=left))
