"""The finished runs of this computer with a tick each: those of the images at hand first, a search where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLineEdit, QWidget

from tlgui.core.runs import RunSummary
from tlgui.gui import numbers
from tlgui.gui.pages.start.run_words import matches, spoken, words_of
from tlgui.gui.widgets import Button, Card, Label, plain_button_text, plain_tooltip
from tlgui.gui.widgets.emptied import empty

_FEW = 6  # so many can be looked through without a search
_FIRST = 8  # so many are shown before all are asked for


class RunsCard(Card):
    """Rows of the same columns; the ticked ones are always shown.

    Args:
        parent: the widget it lies in.
    """

    ticked = Signal(object, bool)
    """(a run, whether it is in)"""
    add_asked = Signal()
    dropped = Signal(object)
    """A folder."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Finished runs", parent=parent)
        self.setAcceptDrops(True)
        self._runs: list[RunSummary] = []
        self._ticked: list[Path] = []
        self._images = ""
        self._all = False
        self._shown: tuple[object, ...] = ()
        self.boxes: dict[Path, QCheckBox] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a run")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find a run by its images, its method or your notes")
        self.search.setToolTip("Looks in names, methods, days and your notes.")
        self.search.setMaximumWidth(260)
        self.search.textChanged.connect(lambda _text: self._rebuild())
        self.add = Button("Add a run folder…", "link", small=True)
        self.add.setToolTip("Takes in a run that lies elsewhere on this computer.")
        self.add.clicked.connect(self.add_asked)
        self.add_head(self.add)
        self.none = Label("", "muted", wrap=True)
        self.more = Button("", "link", small=True)
        self.more.align_edge("left")
        self.more.clicked.connect(self._on_more)
        self._holder = QWidget()
        self._grid = QGridLayout(self._holder)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(0, 2)
        self._grid.setColumnStretch(1, 4)
        self.body.addWidget(self.search)
        self.body.addWidget(self._holder)
        self.body.addWidget(self.none)
        row = QHBoxLayout()
        row.addWidget(self.more)
        row.addStretch(1)
        self.body.addLayout(row)

    def show_runs(self, runs: Sequence[RunSummary] | None, ticked: Sequence[Path], images: str) -> None:
        """Other runs.

        Args:
            runs: the newest first; `None` while they are being read.
            ticked: folders of those that are in.
            images: name of the images at hand, whose runs come first; "" without any.
        """
        self._runs, self._ticked, self._images = list(runs or []), list(ticked), images
        self.search.setVisible(len(self._runs) > _FEW or bool(self.search.text()))
        self._rebuild(reading=runs is None)

    def _chosen(self) -> list[RunSummary]:
        """What is shown: those of the images at hand first."""
        own = [run for run in self._runs if run.dataset == self._images]
        runs = [*own, *(run for run in self._runs if run.dataset != self._images)]
        wanted = self.search.text().strip()
        if wanted:
            return [run for run in runs if run.path in self._ticked or matches(run, wanted)]
        first = runs if self._all else runs[:_FIRST]
        return [run for run in runs if run in first or run.path in self._ticked]

    def _rebuild(self, reading: bool = False) -> None:
        runs = self._chosen()
        wanted = self.search.text().strip()
        self._show_words(runs, wanted, reading)
        # Rows that stay as they are keep the keyboard's place.
        shown = (self._images, *runs)
        if shown != self._shown:
            self._shown = shown
            self._fill(runs)
        for path, box in self.boxes.items():
            box.blockSignals(True)
            box.setChecked(path in self._ticked)
            box.blockSignals(False)

    def _show_words(self, runs: Sequence[RunSummary], wanted: str, reading: bool) -> None:
        if reading:
            words = "The runs are being read…"
        elif not self._runs:
            words = "No run has come to its end on this computer yet. Train two, then compare them here."
        else:
            found = not wanted or any(matches(run, wanted) for run in runs)
            words = "" if found else f"No run here has '{wanted}' in its name, method or notes."
        self.none.setText(words)
        self.none.setVisible(bool(words))
        self.more.set_text("Show fewer" if self._all else f"Show all {numbers.count(len(self._runs))}")
        self.more.setToolTip("Shows the newest runs alone." if self._all else "Shows every run that was found.")
        self.more.setVisible(len(self._runs) > _FIRST and not wanted)

    def _fill(self, runs: Sequence[RunSummary]) -> None:
        focused = next((path for path, box in self.boxes.items() if box.hasFocus()), None)
        empty(self._grid)
        self.boxes = {}
        line, heading = 0, ""
        mixed = len({run.dataset == self._images for run in runs}) > 1
        for run in runs:
            said = f"Of '{self._images}', the images at hand" if run.dataset == self._images else "Of other images"
            if mixed and said != heading:
                heading = said
                self._grid.addWidget(Label(heading, "caption"), line, 0, 1, 3)
                line += 1
            self._add_row(run, line)
            line += 1
        if focused in self.boxes:
            self.boxes[focused].setFocus()

    def _add_row(self, run: RunSummary, line: int) -> None:
        words = words_of(run)
        box = _Tick(plain_button_text(words.title))
        box.setAccessibleName(spoken(words))
        box.setToolTip(plain_tooltip(run.path.name))
        box.toggled.connect(lambda on: self.ticked.emit(run.path, on))
        self.boxes[run.path] = box
        method = Label(words.method, "body", elide=True)
        when = Label(words.when, "caption", elide=True)
        score = Label(words.score, "strong")
        of = Label(" ".join(filter(None, (words.interval, words.of))), "caption", elide=True)
        self._grid.addWidget(box, line, 0)
        self._grid.addWidget(_two(method, when), line, 1)
        self._grid.addWidget(_two(score, of, right=True), line, 2)

    def _on_more(self) -> None:
        self._all = not self._all
        self._rebuild()
        self.more.setFocus()

    # -- a folder that is dropped

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  Qt's name
        """Folders are taken."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  Qt's name
        """Each is looked at."""
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.dropped.emit(Path(url.toLocalFile()))
        event.acceptProposedAction()


class _Tick(QCheckBox):
    def hitButton(self, position: QPoint) -> bool:  # noqa: N802  Qt's name
        """All of its column can be pressed, and not the words alone."""
        return self.rect().contains(position)


def _two(first: Label, second: Label, right: bool = False) -> QWidget:
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setVerticalSpacing(0)
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag(0)
    grid.addWidget(first, 0, 0, side)
    grid.addWidget(second, 1, 0, side)
    return holder
