"""What is done with a run's model: exports and answers for single images, also while another run trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.job_queue import JobQueue, Work

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


class ModelDesk(QObject):
    """One export of each run and one set of images to answer for at a time; see `Workbench` for each method.

    An export goes on when another run is shown, and is told of only while its own one is.

    Attributes:
        asked: the files of the last request: what `Predicted` calls each -> where it lies, absolute.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._exports: dict[Path, _Errand] = {}
        self._predict = _Errand(self, bench.predict_event.emit)
        self.asked: dict[str, str] = {}

    @property
    def exporting(self) -> str:
        """The format in which the shown run is being exported, or ""."""
        folder = self._bench.run_folder
        errand = self._exports.get(folder.path) if folder is not None else None
        return errand.name if errand is not None and errand.busy else ""

    @property
    def predicting(self) -> bool:
        """Whether images are being answered for."""
        return self._predict.busy

    def export(self, format: Literal["weights", "onnx"], to: Path | None = None) -> None:
        """Exports the shown run."""
        folder, data = self._bench.run_folder, self._bench.data_of()
        if folder is None or self.exporting:
            return
        if data is None:
            moved = UserError(
                "The images of this run are not where they were, so the export cannot be checked against them.",
                "Say where they are now.",
                code="images_missing",
            )
            self._bench.problem_raised.emit(moved, "export")
            return

        def job() -> commands.Job:
            place = to or folder.exports
            try:
                place.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(
                    f"The folder '{place.name}' cannot be made: {error.strerror}.", "Choose another folder."
                ) from error
            return commands.Export(
                run=str(folder.path.absolute()), data=str(data.absolute()), format=format, to=str(place.absolute())
            )

        errand = self._exports[folder.path] = _Errand(self, lambda event: self._on_export_event(folder, event), format)
        errand.begin(job, lambda: self._bench.side_jobs)

    def cancel_export(self) -> None:
        """Asks the export of the shown run to stop."""
        folder = self._bench.run_folder
        if folder is not None and folder.path in self._exports:
            self._exports[folder.path].cancel()

    def predict(self, paths: Sequence[Path]) -> None:
        """Answers for images; an older request that is still at work is dropped."""
        folder = self._bench.run_folder
        if folder is None:
            return
        self._predict.forget()
        self.asked = {}

        def job() -> commands.Predict:
            # Not before it is needed: it brings the library that reads images.
            from tlgui.imaging.collect import collect_files

            files = collect_files(list(paths))
            return commands.Predict(
                run=str(folder.path.absolute()), paths=[(file.shown, str(file.path)) for file in files]
            )

        def queue() -> JobQueue:
            # The warm engine answers at once; where it trains, the other one does. Asked when the files are known.
            free = not self._bench.is_training and not self._bench.jobs.busy
            return self._bench.jobs if free else self._bench.side_jobs

        self._predict.begin(job, queue, self._note_asked)

    def cancel_predict(self) -> None:
        """Asks the answering to stop."""
        self._predict.cancel()

    def forget_answers(self) -> None:
        """Another run is shown: no answer of the old one arrives any more."""
        self._predict.forget()

    def forget(self) -> None:
        """The window closes: nothing arrives any more."""
        self._predict.forget()
        for errand in self._exports.values():
            errand.forget()
        self._exports.clear()

    def make_way(self) -> None:
        """A training begins: the warm engine is not kept from it by many images."""
        if self._predict.runs_on(self._bench.jobs):
            self._predict.cancel()

    def _note_asked(self, job: commands.Predict) -> None:
        self.asked = dict(job.paths)

    def _on_export_event(self, folder: RunFolder, event: Any) -> None:
        if isinstance(event, events.Ending):
            self._exports.pop(folder.path, None)
        shown = self._bench.run_folder
        if shown is not None and shown.path == folder.path:
            self._bench.export_event.emit(event)
        elif isinstance(event, events.Failed | events.Crashed):
            problem, remedy, details = event.sentence(), "", getattr(event, "details", "")
            if isinstance(event, events.Failed):
                problem, remedy = event.problem, event.remedy
            self._bench.problem_raised.emit(
                UserError(f"The export of the run '{folder.name}' failed. {problem}", remedy, details),
                self._bench.page,
            )


class _Errand:
    """A job that is made away from the window's thread, then done, and can be cancelled all the while."""

    def __init__(self, owner: QObject, told: Callable[[Any], None], name: str = "") -> None:
        self.name = name
        self._owner = owner
        self._told = told
        self._making: Task | None = None
        self._work: Work | None = None

    @property
    def busy(self) -> bool:
        return self._making is not None or self._work is not None

    def runs_on(self, jobs: JobQueue) -> bool:
        return self._work is not None and self._work is jobs.current

    def begin(
        self, make: Callable[[], Any], queue: Callable[[], JobQueue], made: Callable[[Any], None] = lambda _: None
    ) -> None:
        def done(job: Any) -> None:
            self._making = None
            made(job)
            self._work = queue().submit(job, self._on_event)

        self._making = run_in_background(self._owner, make, done, self._on_making_failed)

    def cancel(self) -> None:
        if self._making is not None:
            self._making.cancel()
            self._making = None
            self._told(events.Stopped())
        elif self._work is not None:
            self._work.cancel()

    def forget(self) -> None:
        if self._making is not None:
            self._making.cancel()
        if self._work is not None:
            self._work.forget()
        self._making = self._work = None

    def _on_event(self, event: Any) -> None:
        if isinstance(event, events.Ending):
            self._work = None
        self._told(event)

    def _on_making_failed(self, error: BaseException) -> None:
        self._making = None
        if not isinstance(error, UserError):
            # Whoever asked hears of an ending in any case; the fault itself is said once, by the window.
            self._told(events.Failed(problem="The program made a mistake; it is not your doing.", remedy="Try again."))
            raise error
        self._told(events.Failed(problem=error.problem, remedy=error.remedy, details=error.details, code=error.code))
