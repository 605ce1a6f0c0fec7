"""How the window closes: it asks once while a training runs, then everything ends in order and nothing is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from tlgui.core import commands, run_queue
from tlgui.gui import background
from tlgui.gui.run_model import RunModel
from tlgui.gui.widgets import Dialog

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

logger = logging.getLogger(__name__)

# The engine saves after the batch in hand; a batch of the largest network takes some seconds on a slow computer.
ENGINE_S, SIDE_S, IMAGING_S = 20.0, 3.0, 3.0
_GO_ON = "The best state so far is kept; go on next time."


class Closing(QObject):
    """Decides whether the window may close.

    Args:
        bench: what runs.
        window: whose dialog it is.
    """

    allowed = Signal()
    """The person has decided, or the training has ended: close the window again."""

    def __init__(self, bench: Workbench, window: QWidget) -> None:
        super().__init__(window)
        self._bench = bench
        self._window = window
        self._decided = self._stopping = False
        self._asked_about: RunModel | None = None
        self.dialog: Dialog | None = None
        bench.run_changed.connect(self._on_run_changed)

    def may_close(self) -> bool:
        """Whether the window may close now; where not, the question stands open."""
        if self._decided or not (self._bench.is_training or self._bench.queue.busy):
            return True
        if self.dialog is None:
            self._ask()
        else:
            self.dialog.raise_()
        return False

    def close_anyway(self) -> None:
        """Closes without a question, as when the system asks: the engine saves and leaves."""
        self._decided = True
        self._bench.queue.hold(True)
        self._close_dialog()
        self.allowed.emit()

    def _ask(self) -> None:
        self._asked_about = run = self._bench.training_run
        self.dialog = Dialog("A training is at work", where_it_is(run) + what_waits(self._bench), self._window)
        self.dialog.add_button("Keep training", "secondary", self._on_keep)
        self.dialog.add_button("Stop, keep the best and close", "danger", self._on_stop)
        self.dialog.add_button("Close and go on next time", "primary", self.close_anyway, default=True)
        self.dialog.rejected.connect(self._on_keep)
        self.dialog.open()

    def _on_keep(self) -> None:
        self._stopping = False
        self._close_dialog()
        self._bench.queue.hold(False)

    def _on_stop(self) -> None:
        """The best state is kept and scored, which takes a moment; the window closes by itself after that."""
        run = self._bench.training_run
        self._close_dialog()
        self._stopping = True
        self._bench.queue.hold(True)
        if run is not None:
            run.asked("stop")
        self.dialog = Dialog(
            "Stopping", "The best state is being kept and scored. The window closes by itself after that.", self._window
        )
        self.dialog.add_button("Stay here", "secondary", self._on_keep)
        self.dialog.add_button("Close now and go on next time", "primary", self.close_anyway, default=True)
        self.dialog.rejected.connect(self._on_keep)
        self.dialog.open()
        self._bench.send(commands.Stop())

    def _on_run_changed(self) -> None:
        if self.dialog is None or self._bench.is_training:
            return
        over = self._asked_about is not None and self._asked_about.state in ("complete", "stopped")
        if over and (self._stopping or not self._bench.queue.busy):
            # What the question was about is over, and the person wanted to leave.
            self.close_anyway()
        else:
            # It went wrong meanwhile, which should be seen first; or the queue goes on with the next one.
            self._close_dialog()

    def _close_dialog(self) -> None:
        dialog, self.dialog = self.dialog, None
        # A dialog deletes itself once it is closed, as by its buttons.
        if dialog is not None and shiboken6.isValid(dialog) and dialog.isVisible():
            dialog.close()


def where_it_is(run: RunModel | None) -> str:
    """What a person needs to know to decide."""
    if run is None or not run.epochs_planned:
        return f"Training is about to begin. {_GO_ON.replace('The best state so far is kept; go', 'You can go')}"
    if run.state == "scoring":
        return "The training is over, and the best state is being scored on the test images. It is kept in any case."
    at = min(len([event for event in run.epochs if event.epoch > 0]) + 1, run.epochs_planned)
    return f"Training is at epoch {at} of {run.epochs_planned}. {_GO_ON}"


def what_waits(bench: Workbench) -> str:
    """What becomes of the queue: a sentence to append, "" where no run waits."""
    count = len(bench.queue.waiting)
    if not count:
        return ""
    return f" {run_queue.words(count)} after it; the queue is kept and offered again at the next start."


def shut_down(bench: Workbench, more: Callable[[], None] = lambda: None) -> bool:
    """Ends everything that the window started, in order, and waits for it; the window is hidden by now.

    Args:
        bench: what runs.
        more: what else must end.

    Returns:
        Whether all has ended. What reads from a drive that does not answer cannot be ended from here.
    """
    bench.queue.hold(True)
    bench.models.forget()
    bench.kept.forget()
    bench.shortcuts.forget()
    bench.advice.forget()
    bench.gap.forget()
    bench.site_score.forget()
    bench.side_jobs.clear()
    # All are told first, so that they leave at the same time.
    bench.engine.begin_shut_down(ENGINE_S)
    bench.side.begin_shut_down(SIDE_S)
    bench.wakefulness.shut_down()
    ended = bench.imaging.shut_down(IMAGING_S)
    bench.side.shut_down(SIDE_S)
    bench.engine.shut_down(ENGINE_S)
    bench.settings.save_now()
    ended = background.shut_down() and ended
    bench.queue.shut_down()
    more()
    logger.info("Closed" if ended else "Closed, while something still waits for a drive")
    return ended
