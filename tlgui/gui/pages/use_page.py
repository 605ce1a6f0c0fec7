"""Try it: drop images and see what the model says of them, also while another run trains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from tlgui.core import atomic, events
from tlgui.core.errors import UserError
from tlgui.gui import numbers
from tlgui.gui.background import run_in_background
from tlgui.gui.flow import Flow
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.page_action import page_action
from tlgui.gui.pages.use.answer_card import AnswerCard
from tlgui.gui.pages.use.answers_table import answers_csv
from tlgui.gui.viewer import ImageViewer, Shown
from tlgui.gui.widgets import Action, Button, DropArea, EmptyState, Label, Page, ProgressRow

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_SENTENCE = "Drop images that the model has never seen, and read what it says of them."
_CARDS = 60  # more would cost the window its memory; the table holds all of them


class UsePage(Page):
    """The page named "use"."""

    name = "use"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Try it", _SENTENCE, parent=parent)
        self._bench = bench
        self._answers: list[events.Predicted] = []
        self._cards: list[AnswerCard] = []
        self._total = 0
        self._run = bench.run
        self._choose = Action("Choose images…", self._ask_for_files, "Ctrl+Shift+I", "Choose image files", "images")
        self._folder = Action(
            "Choose a folder…", self._ask_for_folder, "Ctrl+Shift+D", "Every image in a folder", "folder"
        )
        self._save = Action("Save the table…", self._ask_where, "Ctrl+S", "All answers as a CSV file", "download")
        self._export = Action("Next: Export", lambda: bench.show("export"), "", "Make a file that an engineer can use")
        self._build()
        bench.predict_event.connect(self._on_predict_event)
        bench.run_changed.connect(self._refresh)

    def entered(self) -> None:
        """Shows what can be done now."""
        self._refresh()

    @property
    def answers(self) -> list[events.Predicted]:
        """What was answered since the last drop."""
        return list(self._answers)

    def _build(self) -> None:
        self._empty = EmptyState(
            "scan",
            "Here you try the model on new images",
            "It comes with the first epoch that has ended.",
            Button(action=page_action(self._bench, "train", "Go to training", self)),
        )
        self._drop = DropArea("any", "Drop images or a folder here")
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(Button(action=self._choose))
        buttons.addWidget(Button(action=self._folder))
        buttons.addStretch(1)
        self._drop.body.addLayout(buttons)
        self._drop.dropped.connect(self._predict)
        self._progress = ProgressRow("Answering")
        self._progress.cancelled.connect(self._bench.cancel_predict)
        self._progress.set_cancellable(True)
        self._progress.hide()
        self._summary = Label("", "muted", wrap=True)
        self._flow = Flow(narrowest=400, spacing=12)
        for widget in (self._empty, self._drop, self._progress, self._summary, self._flow):
            self.body.addWidget(widget)
        self._save_button = Button(action=self._save)
        self._save_button.hide()
        self.foot_left.addWidget(self._save_button)
        self.set_primary(self._export)

    def _refresh(self) -> None:
        run = self._bench.run
        if run is not self._run:
            self._run = run
            self._clear()
        reason = self._reason()
        self._empty.setVisible(bool(reason))
        self._drop.setVisible(not reason)
        for action in (self._choose, self._folder):
            action.set_reason(reason)
        self._export.set_reason(run.reason_against("export") if run is not None else "There is no run yet.")
        self._offer_saving()
        self.set_hint(self._export.reason or "For research and teaching. Not a medical device.")

    def _offer_saving(self) -> None:
        """Before there are answers there is nothing to save, and no button for it."""
        self._save.set_reason("" if self._answers else "There are no answers to save yet.")
        self._save_button.setVisible(bool(self._answers))

    def _reason(self) -> str:
        """Why nothing can be answered; a run that still trains answers with its best state so far."""
        run = self._bench.run
        if run is None:
            return "There is no run yet."
        return "" if run.best_epoch is not None else "There is no model before the first epoch has ended."

    def _predict(self, paths: list[Path]) -> None:
        if self._reason():
            return
        self._clear()
        self._progress.set_busy("Getting ready to answer")
        self._progress.show()
        self._bench.predict(paths)

    def _on_predict_event(self, event: Any) -> None:
        match event:
            case events.Predicted():
                self._add(event)
            case events.Completed() | events.Stopped():
                self._progress.hide()
                self._say_what_came(stopped=isinstance(event, events.Stopped))
            case events.Failed():
                self._progress.hide()
                self.show_error(event)
            case events.Crashed():
                self._progress.hide()
                self.show_error(UserError(event.sentence(), "", event.last_lines))
        self._offer_saving()

    def _add(self, answer: events.Predicted) -> None:
        self._answers.append(answer)
        total = max(self._total_asked(), len(self._answers))
        self._progress.set(len(self._answers), total, f"{numbers.count(len(self._answers))} of {numbers.count(total)}")
        if len(self._cards) < _CARDS:
            spec = self._bench.run_spec
            rule = spec.pixel_rule if spec is not None else None
            card = AnswerCard(answer, self._file_of(answer), self._bench.thumbnails, rule, self)
            self._cards.append(card)
            at = len(self._cards) - 1
            card.picture_pressed.connect(lambda: self._open_viewer(at))
            self._flow.add(card)

    def _say_what_came(self, stopped: bool) -> None:
        answered = sum(1 for answer in self._answers if not answer.problem)
        unread = len(self._answers) - answered
        words = [f"{numbers.counted(answered, 'image was', 'images were')} answered."]
        if unread:
            words.append(f"{numbers.counted(unread, 'file', 'files')} could not be read.")
        if stopped:
            words.append("You stopped it there.")
        if len(self._answers) > len(self._cards):
            words.append(f"The first {len(self._cards)} are shown here; the table holds all of them.")
        words.append(
            "A probability is the model's own opinion, not the share of such images that it gets right; images of another "
            "kind than the training images get an answer too."
        )
        self._summary.setText(" ".join(words))

    def _clear(self) -> None:
        self._answers, self._cards = [], []
        self._flow.set_widgets([])
        self._summary.setText("")
        self._progress.hide()
        self._offer_saving()
        self.clear_error()

    def _total_asked(self) -> int:
        return len(self._bench.models.asked)

    def _file_of(self, answer: events.Predicted) -> Path | None:
        path = self._bench.models.asked.get(answer.path)
        return Path(path) if path else None

    def _open_viewer(self, at: int) -> None:
        shown = self._answers[: len(self._cards)]
        images = [
            Shown(
                self._bench.models.asked.get(answer.path, answer.path),
                answer.label or "No answer",
                answer.problem or f"{numbers.percent(answer.probabilities[answer.label])} sure",
                answer.path,
            )
            for answer in shown
        ]
        spec = self._bench.run_spec
        rule = spec.pixel_rule if spec is not None else None
        ImageViewer("What the model said", Path("/"), images, self._bench.thumbnails, rule, at, self).open()

    def _ask_for_files(self) -> None:
        dialog = QFileDialog(self, "Choose images")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self._predict([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_for_folder(self) -> None:
        ask_for_folder(self, "Choose a folder of images", lambda path: self._predict([path]))

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, "Save the answers", "answers.csv", "CSV table (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda name: self.save_table(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_table(self, path: Path) -> None:
        """Writes all answers as CSV, away from the window's thread."""
        run = self._bench.run
        content = answers_csv(self._answers, run.classes if run is not None else [])

        def failed(error: BaseException) -> None:
            if not isinstance(error, OSError):
                raise error
            self.show_error(
                UserError(f"'{path.name}' cannot be written: {error.strerror}.", "Choose another place for it.")
            )

        run_in_background(
            self,
            lambda: atomic.write_bytes(path, content),
            lambda _: self.set_hint(f"Saved: {path.name}, {numbers.counted(len(self._answers), 'row')}."),
            failed,
        )
