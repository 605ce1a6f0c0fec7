"""Export: a file that answers like this window, and the proof beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.gui import numbers
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.flow import Flow
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.page_action import page_action
from tlgui.gui.pages.export.export_card import ExportCard
from tlgui.gui.pages.export.formats import FORMATS, Format, Name
from tlgui.gui.pages.export.records import Export, read_exports
from tlgui.gui.widgets import Action, Button, Card, EmptyState, Label, Page

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_SENTENCE = "A file that answers like this window, and the proof beside it."
_KEYS: dict[Name, str] = {"onnx": "Ctrl+Shift+X", "weights": "Ctrl+Shift+W"}


class ExportPage(Page):
    """The page named "export"."""

    name = "export"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Export", _SENTENCE, parent=parent)
        self._bench = bench
        self._task: Task | None = None
        self._run = bench.run
        self._exports: dict[str, Export] = {}
        self._at_work: Name | None = None
        self._open = Action(
            "Open the exports folder", self._open_folder, "Ctrl+Shift+E", "Show all exports of this run", "folder"
        )
        self._find = Action(
            "Find my images…",
            self._ask_for_images,
            "Ctrl+Shift+F",
            "Say where the images of this run are now",
            "folder",
        )
        self.cards = {row.name: self._card(row) for row in FORMATS}
        self._build()
        bench.export_event.connect(self._on_export_event)
        bench.run_changed.connect(self._refresh)
        bench.images_found.connect(self._refresh)
        bench.problem_raised.connect(self._on_problem_raised)

    def entered(self) -> None:
        """Looks what was exported already."""
        self._refresh()
        self._read()

    def _card(self, row: Format) -> ExportCard:
        tooltip = f"Write the {row.label} export and check it in a fresh process"
        action = Action(f"Export {row.label}", lambda: self._begin(row.name), _KEYS[row.name], tooltip, "export")
        card = ExportCard(row, action)
        card.cancelled.connect(self._bench.cancel_export)
        return card

    def _build(self) -> None:
        self._empty = EmptyState(
            "export",
            "Here the finished model becomes a file",
            "It can be exported when training has ended, or was stopped after its first epoch.",
            Button(action=page_action(self._bench, "train", "Go to training", self)),
        )
        self._copy = Button(kind="link", action=Action("Copy", self._copy_command, "Ctrl+Shift+C", "Copy the command"))
        usage = Card("To run the ONNX file")
        usage.add_head(self._copy)
        usage.body.addWidget(Label(FORMATS[0].run_words, "muted", wrap=True))
        usage.body.addWidget(Label(FORMATS[0].run_command, "mono"))
        meaning = Card("What the stamp means")
        meaning.body.addWidget(
            Label(
                "Each file is opened again in a fresh process that cannot see this program, and answers validation images "
                "from file to label. A difference above 0.001 in any probability, or one label that differs, fails the "
                "export. The record is parity.json, beside each file.",
                "muted",
                wrap=True,
            )
        )
        self._words = Flow([usage, meaning], narrowest=360, spacing=12)
        self.body.addWidget(self._empty)
        for card in self.cards.values():
            self.body.addWidget(card)
        self.body.addWidget(self._words)
        self._find_button = Button(action=self._find)
        self.foot_left.addWidget(self._find_button)
        self.set_primary(self._open)

    def _refresh(self) -> None:
        run = self._bench.run
        mixes = run.kept.mixes if run is not None else None
        self.set_sentence(
            _what(run.best_epoch if run is not None else None, mixes.chosen if mixes is not None else 0.0)
        )
        if run is not self._run:
            self._run, self._exports = run, {}
            self._forget_reading()
            self.clear_error()
            self._take_up()
            self._show_exports()
            if self.isVisible():
                self._read()
        reason = run.reason_against("export") if run is not None else "There is no run yet."
        missing = not reason and self._bench.data_of() is None
        self._empty.setVisible(bool(reason) and not self._exports)
        for card in (*self.cards.values(), self._words):
            card.setVisible(not reason or bool(self._exports))
        self._find_button.setVisible(missing)
        if missing:
            reason = "An export is checked against the run's images, and they are not where they were."
        elif self._at_work is not None:
            reason = "An export is being written and checked."
        for card in self.cards.values():
            card.export_action.set_reason(reason)
        self._choose_primary(reason)

    def _choose_primary(self, reason: str) -> None:
        """The next step: the first export, and when that is proved, its folder."""
        first = self.cards[FORMATS[0].name]
        if self._exports:
            self._open.set_reason("")
            self.set_primary(self._open)
        else:
            self.set_primary(first.export_action)
        self.set_hint(reason or "For research and teaching. Not a medical device.")

    def _take_up(self) -> None:
        """An export of the run that is shown now may be at work, begun before another run was shown."""
        if self._at_work is not None:
            self.cards[self._at_work].end()
        self._at_work = next((name for name in self.cards if name == self._bench.models.exporting), None)
        if self._at_work is not None:
            self.cards[self._at_work].begin()

    def _begin(self, name: Name) -> None:
        if self._at_work is not None or self._bench.data_of() is None:
            return
        self.clear_error()
        self._at_work = name
        self.cards[name].begin()
        self._refresh()
        self._bench.export(name)

    def _on_export_event(self, event: Any) -> None:
        card = self.cards[self._at_work] if self._at_work is not None else None
        match event:
            case events.Progress() if card is not None:
                card.show_progress(event)
            case events.Failed():
                self._end(event)
            case events.Crashed():
                self._end(UserError(event.sentence(), "Export again.", event.last_lines))
            case events.Completed() | events.Stopped():
                self._end(None)

    def _end(self, error: Any) -> None:
        if self._at_work is None:
            return
        self.cards[self._at_work].end()
        self._at_work = None
        if error is not None:
            self.show_error(error)
        self._show_exports()
        self._refresh()
        self._read()

    def _on_problem_raised(self, error: Any, page: str) -> None:
        # The one that it asked for was refused; another problem leaves the one at work as it is.
        if page == self.name and not self._bench.models.exporting:
            self._end(error)

    def _read(self) -> None:
        folder = self._bench.run_folder
        self._forget_reading()
        if folder is None:
            return
        self._task = run_in_background(self, lambda: read_exports(folder.exports), self._on_read)

    def _forget_reading(self) -> None:
        """What is still being read is of another run, or older than what will be read now."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _on_read(self, exports: dict[str, Export]) -> None:
        self._exports = exports
        self._show_exports()
        self._refresh()

    def _show_exports(self) -> None:
        for name, card in self.cards.items():
            if name != self._at_work:
                card.show_export(self._exports.get(name))

    def _open_folder(self) -> None:
        folder = self._bench.run_folder
        if folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder.exports)))

    def _copy_command(self) -> None:
        QGuiApplication.clipboard().setText(FORMATS[0].run_command)
        self.set_hint("The command was copied.")

    def _ask_for_images(self) -> None:
        ask_for_folder(self, "Where are the images of this run now?", lambda path: self._bench.find_images(Path(path)))


def _what(best_epoch: int | None, earlier_share: float = 0.0) -> str:
    """What an export holds: the same state whether training came to its end, stopped early or was stopped.

    Args:
        best_epoch: of the run.
        earlier_share: of the weights before in the mix that is its model; 0 = it is none.
    """
    if best_epoch is None:
        return _SENTENCE
    state = f"of epoch {best_epoch}" if best_epoch else "from before the first epoch"
    best = f"the run's best state, that {state}, chosen on validation, however training ended"
    if earlier_share:
        before = numbers.percent(earlier_share, 0)
        return f"{_SENTENCE} It holds a mix: {before} of the weights that training began with, the rest of {best}."
    return f"{_SENTENCE} It holds {best}."
