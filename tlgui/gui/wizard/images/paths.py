"""Where the paths of a class come from, a page at a time: from the scan in hand, or from the manifest of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tlgui.core.imaging_messages import ClassPaths, Refused
from tlgui.core.run_folder import RunFolder
from tlgui.gui.background import run_in_background
from tlgui.gui.imaging_thread import ImagingThread

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

PAGE = 500  # paths in one answer


class PathSource(QObject):
    """Asked for a page, answers with `arrived` or `refused`."""

    arrived = Signal(int, list)
    """(offset, paths)"""
    refused = Signal(str)

    def ask(self, offset: int) -> None:
        """Asks for the paths from `offset` on."""
        raise NotImplementedError


class ScanPaths(PathSource):
    """The used images of a class in a finished scan."""

    def __init__(self, imaging: ImagingThread, ticket: int, class_name: str) -> None:
        super().__init__()
        self._imaging, self._ticket, self._class = imaging, ticket, class_name
        imaging.answered.connect(self._on_answered)

    def ask(self, offset: int) -> None:
        """See `PathSource`."""
        self._imaging.class_images(self._ticket, self._class, offset, PAGE)

    def _on_answered(self, answer: Any) -> None:
        if answer.ticket != self._ticket:
            return
        if isinstance(answer, ClassPaths) and answer.class_name == self._class:
            self.arrived.emit(answer.offset, answer.paths)
        elif isinstance(answer, Refused) and answer.request == "ClassImages":
            self.refused.emit(f"{answer.problem} {answer.remedy}")


class ManifestPaths(PathSource):
    """The images of a class in a run that began."""

    def __init__(self, run: RunFolder, class_name: str) -> None:
        super().__init__()
        self._run, self._class = run, class_name

    def ask(self, offset: int) -> None:
        """See `PathSource`."""
        run, name = self._run, self._class

        def read() -> list[str]:
            return [row.path for row in run.manifest() if row.class_name == name][offset : offset + PAGE]

        run_in_background(self, read, lambda paths: self.arrived.emit(offset, paths), self._on_failed)

    def _on_failed(self, error: BaseException) -> None:
        self.refused.emit(str(error))


def source_of(bench: Workbench, class_name: str) -> PathSource | None:
    """Where all paths of a class come from; `None` where nobody knows them."""
    if bench.scan_ticket is not None:
        return ScanPaths(bench.imaging, bench.scan_ticket, class_name)
    return ManifestPaths(bench.run_folder, class_name) if bench.run_folder is not None else None
