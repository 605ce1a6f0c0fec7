"""What can still be done about what a finished run knew before: another mix of its weights, other strengths tried on copies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events
from tlgui.gui.run_reasons import ENDED

if TYPE_CHECKING:
    from tlgui.gui.job_queue import Work
    from tlgui.gui.workbench import Workbench

Doing = Literal["", "mix", "strengths"]


class KeptDesk(QObject):
    """One such job at a time, in the engine beside; it goes on when another run is shown.

    Attributes:
        progress: how far it is; `None` before anything was said.
        stopping: whether it was asked to stop.
    """

    changed = Signal()
    mixed = Signal(object)
    """The folder of a run whose model is another mix now, with scores of its own."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._doing: Doing = ""
        self._run: Path | None = None
        self._work: Work | None = None
        self._ended: dict[tuple[Path, str], events.Ending] = {}
        self.progress: events.Progress | None = None
        self.stopping = False

    @property
    def doing(self) -> Doing:
        """What is being done with the run that is shown."""
        return self._doing if self._run is not None and self._run == self._shown() else ""

    def ended(self, doing: Doing) -> events.Ending | None:
        """Why the last such job on the run that is shown came to nothing, or that it was stopped."""
        shown = self._shown()
        return self._ended.get((shown, doing)) if shown is not None else None

    def reason_against(self) -> str:
        """Why nothing can be begun with the run that is shown, as a sentence; "" when it can."""
        bench, run = self._bench, self._bench.run
        if run is None or bench.run_folder is None:
            return "There is no run yet."
        if run.state not in ENDED or run is bench.training_run:
            return "This run is at work. Wait until its training has ended."
        if run.best_epoch is None:
            return "There is no model yet: no epoch of this run has ended."
        if self._work is not None:
            return "It is at work." if self.doing else "The same is done with another run at this moment."
        if bench.data_of() is None:
            return "The images of this run are not where they were."
        return ""

    def mix(self, share: float | None) -> None:
        """Makes another mix the run's model, and has it scored; `None`: chosen on validation images."""
        self._begin("mix", lambda run, data: commands.MixWeights(run=run, data=data, share=share))

    def try_strengths(self) -> None:
        """Trains quick copies that are held with different strengths."""
        self._begin("strengths", lambda run, data: commands.TryStrengths(run=run, data=data))

    def cancel(self) -> None:
        """Asks it to stop; the run stays as it is."""
        if self._work is not None:
            self.stopping = True
            self._work.cancel()
            self.changed.emit()

    def forget(self) -> None:
        """The window closes: nothing arrives any more."""
        work, self._work = self._work, None
        if work is not None:
            work.forget()

    def _begin(self, doing: Doing, make: Any) -> None:
        folder, data = self._bench.run_folder, self._bench.data_of()
        if self.reason_against() or folder is None or data is None:
            return
        self._doing, self._run, self.progress, self.stopping = doing, folder.path, None, False
        self._ended.pop((folder.path, doing), None)
        job = make(str(folder.path.absolute()), str(data.absolute()))
        self._work = self._bench.side_jobs.submit(job, self._on_event)
        self.changed.emit()

    def _on_event(self, event: Any) -> None:
        path, doing = self._run, self._doing
        if isinstance(event, events.Progress):
            self.progress = event
        elif isinstance(event, events.Ending):
            self._work, self._run, self._doing, self.progress = None, None, "", None
            assert path is not None
            if isinstance(event, events.Completed):
                if doing == "mix":
                    self._bench.recent.refresh()
                    self.mixed.emit(path)
            else:
                self._ended[path, doing] = event
        elif path == self._shown() and self._bench.run is not None:
            self._bench.run.apply(event)
        self.changed.emit()

    def _shown(self) -> Path | None:
        folder = self._bench.run_folder
        return folder.path if folder is not None else None
