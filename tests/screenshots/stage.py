"""One real window for one scene: it is set up, brought into a state, pictured in each size and scheme, and ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from material import Material
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QSize, QTimer
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog
from stage_engine import stage_engine_command

from tlgui.core.engine_process import EngineProcess, engine_command
from tlgui.gui.closing import shut_down
from tlgui.gui.engine_thread import EngineThread
from tlgui.gui.imaging_thread import ImagingThread
from tlgui.gui.main_window import MainWindow
from tlgui.gui.recent import RecentRuns
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.widgets import Page
from tlgui.gui.workbench import Workbench

PATIENCE_S = 60.0


class Stage:
    """The window on a stage.

    Args:
        material: what it shows.
        home: the program's own folders.
        engine: options of `stage_engine_command`; `None` for the real engine.
        with_past: whether the program was here before.
    """

    def __init__(self, material: Material, home: Path, engine: dict[str, Any] | None, with_past: bool = True) -> None:
        self.material, self.home = material, home
        material.set_home(home, with_past)
        self._engine = engine
        self.bench: Workbench
        self.window: MainWindow

    def open(self) -> None:
        """Shows the window and wakes the engine, as the program does."""
        settings = Settings()
        imaging = ImagingThread()
        self.bench = Workbench(
            engine=EngineThread(make=self._make),
            side=EngineThread(make=lambda: self._make(side=True), on_demand=True),
            imaging=imaging,
            thumbnails=ThumbnailStore(imaging),
            settings=settings,
            recent=RecentRuns(settings),
        )
        self.window = MainWindow(self.bench)
        self.window.show()
        self.bench.wake()
        self.until(
            lambda: (
                bool(self.bench.machine.device) and self.bench.backbones.row("efficientnet-lite0").state != "unknown"
            )
        )

    def _make(self, side: bool = False) -> EngineProcess:
        if self._engine is None:
            return EngineProcess(engine_command(side=side))
        return EngineProcess(stage_engine_command(**self._engine))

    def rest(self, seconds: float) -> None:
        """Lets the window live for a while."""
        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    def until(self, ready: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
        """Lets the window live until something has happened.

        Raises:
            TimeoutError: it has not.
        """
        end = time.monotonic() + patience_s
        while not ready():
            if time.monotonic() > end:
                raise TimeoutError("the scene did not come to the state that was waited for")
            self.rest(0.02)

    def read(self, folder: Path) -> None:
        """Opens a folder of images and waits until it is read."""
        self.bench.open_folder(folder)
        self.until(lambda: self.bench.draft.summary is not None or self.bench.draft.scan_error is not None)

    def train(self, epochs: int, unfreeze_after: int | None = None) -> None:
        """Trains on the demo images until so many epochs are done."""
        from tlgui.core import commands

        self.read(self.material.demo)
        self.bench.start_training()
        if unfreeze_after is not None:
            self.until(lambda: self.epochs() >= unfreeze_after)
            self.bench.send(commands.Unfreeze())
        self.until(lambda: self.epochs() >= epochs or (self.bench.run is not None and self.bench.run.ending))

    def plays(self, scenario: str) -> bool:
        """Whether the engine plays that part."""
        return self._engine is not None and self._engine.get("scenario") == scenario

    def epochs(self) -> int:
        """How many epochs of the shown run have ended."""
        run = self.bench.run
        return len(run.epochs) if run is not None else 0

    def open_run(self, path: Path, page: str = "") -> None:
        """Opens a run from its folder, then a page of it."""
        self.bench.open_run(path)
        self.until(lambda: self.bench.run is not None)
        if page:
            self.window.show_page(page)

    def hold_imaging(self) -> None:
        """The child that reads images stands still until the end of the scene."""
        for child in psutil.Process().children():
            if "imaging" in child.cmdline():
                child.suspend()

    def set_scheme(self, scheme: Any) -> None:
        """Light or dark."""
        theme().set_choice(scheme)

    def set_size(self, size: QSize) -> None:
        """Gives the window this size and lets it settle."""
        self.window.setGeometry(0, 0, size.width(), size.height())
        self.rest(0.25)

    def picture(self, rest_s: float = 0.25) -> QPixmap:
        """The window, with the dialog that stands before it."""
        self.rest(rest_s)
        shot = self.window.grab()
        for dialog in self.dialogs():
            shot = _with_dialog(shot, dialog)
        return shot

    def dialogs(self) -> list[QDialog]:
        """The open ones."""
        return [one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible()]

    def close_dialogs(self) -> None:
        """Closes all of them."""
        for dialog in self.dialogs():
            dialog.close()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def scroll(self, to_end: bool) -> bool:
        """Scrolls the page to its end, or back; whether there is anything to scroll."""
        page = self.window.page
        area = page.scroll_area if isinstance(page, Page) else getattr(page, "area", None)
        if area is None:
            return False
        bar = area.verticalScrollBar()
        bar.setValue(bar.maximum() if to_end else 0)
        return bool(bar.maximum() > 0)

    def complaint(self) -> str:
        """What a program can see for itself: a page that is wider than its room, or a window than its size."""
        page = self.window.page
        wide = page.too_wide() if isinstance(page, Page) else 0
        return f"  TOO WIDE by {wide} px" if wide else ""

    def close(self) -> None:
        """Ends the window and every process behind it."""
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                child.resume()
        self.close_dialogs()
        self.window.closing.close_anyway()
        self.window.close()
        # A scene may have left the engine in the middle of something: nobody waits for it here.
        self.bench.engine.begin_shut_down(0.3)
        self.bench.side.begin_shut_down(0.3)
        shut_down(self.bench)
        self.window.deleteLater()
        self.bench.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def _with_dialog(shot: QPixmap, dialog: QDialog) -> QPixmap:
    """Drawn in the middle with a plain edge, where a window manager would put it."""
    front = dialog.grab()
    ratio = shot.devicePixelRatio()
    room, size = shot.size() / ratio, front.size() / front.devicePixelRatio()
    place = QPoint((room.width() - size.width()) // 2, (room.height() - size.height()) // 2)
    painter = QPainter(shot)
    shade = dialog.palette().shadow().color()
    shade.setAlphaF(0.25)
    painter.fillRect(shot.rect(), shade)
    painter.drawPixmap(place, front)
    painter.setPen(dialog.palette().dark().color())
    painter.drawRect(place.x(), place.y(), size.width(), size.height())
    painter.end()
    return shot
