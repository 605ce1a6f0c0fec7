"""A question about the images that the engine answers in some seconds: asked, watched, called off, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from tlgui.core import events
from tlgui.gui.listed_job import ListedJob
from tlgui.gui.numbers import about, count
from tlgui.gui.widgets import Banner, Button, Dialog, ProgressRow

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


class JobDialog(Dialog):
    """A kind of question says what is asked (`ask`), why it cannot be (`reason_against`) and shows the answer.

    Closing the dialog stops a job that goes on.

    Args:
        title, text: what it is about.
        bench: for the images and the engines.
        answer: the event that answers.
        parent: whose window it lies over.

    Attributes:
        answer_area: where the answer is shown; hidden until there is one.
    """

    def __init__(self, title: str, text: str, bench: Workbench, answer: type[events.Event], parent: QWidget) -> None:
        super().__init__(title, text, parent)
        self.bench = bench
        self._answer_type = answer
        self._answered = self._stopping = False
        self.job = ListedJob(bench, self)
        self.job.told.connect(self._on_told)
        self.progress = ProgressRow("Getting ready")
        self.progress.set_cancellable(True)
        self.progress.cancelled.connect(self._on_cancel)
        self.problem = Banner("bad")
        self.answer_area = QWidget()
        self.answer_area.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.answer_body = QVBoxLayout(self.answer_area)
        self.answer_body.setContentsMargins(0, 0, 0, 0)
        self.answer_body.setSpacing(10)
        for widget in (self.progress, self.problem, self.answer_area):
            self.body.addWidget(widget)
            widget.hide()
        self._rest = QWidget()  # keeps the words at the top while there is no answer
        self._rest.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.body.addWidget(self._rest, 1)
        self.start = self.add_button("Begin", "primary", self._on_start, default=True, closes=False)
        self.close_button = self.add_button("Close", "secondary")
        self.close_button.setToolTip("Closes this; what goes on is stopped.")
        heard = (bench.draft.changed, bench.run_changed)
        for signal in heard:
            signal.connect(self.refresh)

        def leave() -> None:
            for signal in heard:
                signal.disconnect(self.refresh)
            self.job.forget()

        self.finished.connect(leave)

    # -- what a kind of question says itself -------------------------------------------------------------------------

    def reason_against(self) -> str:
        """Why it cannot be asked now, as a sentence; "" when it can."""
        raise AssertionError("each kind of question says itself")

    def ask(self) -> None:
        """Begins `self.job`."""
        raise AssertionError("each kind of question says itself")

    def show_answer(self, answer: Any) -> None:
        """Shows what was found."""
        raise AssertionError("each kind of question says itself")

    # -- asked, watched, called off ----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Shows what can be pressed now."""
        busy = self.job.busy
        against = "It is at work." if busy else self.reason_against()
        self.start.setEnabled(not against)
        self.start.setToolTip(against)
        self.start.set_text("Ask again" if self._answered else "Begin")
        self.start.set_kind("secondary" if self._answered else "primary")
        self.progress.setVisible(busy)
        self.answer_area.setVisible(self._answered and not busy)
        self._rest.setVisible(self.answer_area.isHidden())
        if against and not busy and not self._answered:
            self.problem.clear_buttons()
            self.problem.set("neutral", "Not now", against)
            self.problem.show()

    def _on_start(self) -> None:
        if self.job.busy or self.reason_against():
            return
        self.problem.hide()
        self._stopping = False
        self.progress.set_title("Getting ready")
        self.progress.set_busy()
        self.progress.set_cancellable(True)
        self.ask()
        self.refresh()

    def _on_cancel(self) -> None:
        self._stopping = True
        self.progress.set_busy("Stopping…")
        self.progress.set_cancellable(False)
        self.job.cancel()

    def _on_told(self, event: Any) -> None:
        if isinstance(event, events.Progress):
            if not self._stopping:
                self._show_progress(event)
            return
        if isinstance(event, self._answer_type):
            self._answered = True
            self.set_text("")
            self.show_answer(event)
        elif isinstance(event, events.Failed):
            self.problem.show_error(event)
        elif isinstance(event, events.Crashed):
            self._say("bad", event.sentence(), "")
        elif isinstance(event, events.Stopped):
            self._say("neutral", "Stopped", "Nothing new was found out.")
        self.refresh()
        self.adjust()

    def adjust(self) -> None:
        """Takes the room that is needed, as far as the screen has it."""
        layout = self.layout()
        room = self.screen().availableGeometry().size()
        if layout is not None and self.isVisible():
            wanted = self.size().expandedTo(layout.totalSizeHint())
            self.resize(min(wanted.width(), room.width() - 40), min(wanted.height(), room.height() - 60))

    def add_answer_button(self, text: str, does: Any) -> Button:
        """A blue button before the others that uses the answer and closes the dialog."""
        button = self.add_button(text, "primary", does)
        self._buttons.removeWidget(button)
        self._buttons.insertWidget(1, button)
        return button

    def _say(self, tone: str, title: str, text: str) -> None:
        self.problem.clear_buttons()
        self.problem.set(tone, title, text)
        self.problem.show()

    def _show_progress(self, progress: events.Progress) -> None:
        self.progress.set_title(progress.stage[:1].upper() + progress.stage[1:])
        if progress.total <= 1:
            self.progress.set_busy()
            return
        left = f", {about(progress.seconds_left)} left" if progress.seconds_left is not None else ""
        self.progress.set(progress.done, progress.total, f"{count(progress.done)} of {count(progress.total)}{left}")
