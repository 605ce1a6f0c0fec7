"""Loss above accuracy, each in its card with legend, zoom and saving; redrawn at most thirty times a second."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QTimer, Signal
from PySide6.QtGui import QHideEvent, QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QSizePolicy, QVBoxLayout, QWidget

from tlgui.core.events import EpochEnded
from tlgui.gui.background import run_in_background
from tlgui.gui.chosen_by import Measure, best_words
from tlgui.gui.plots import saving
from tlgui.gui.plots.axis import START_WORDS, Kind
from tlgui.gui.plots.curve_plot import CurvePlot
from tlgui.gui.plots.curves import Ghost, RunCurves
from tlgui.gui.plots.legend import Legend
from tlgui.gui.plots.window import EpochWindow
from tlgui.gui.run_kept import before_of, meter_tip
from tlgui.gui.widgets import Action, Card, IconButton

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel

REDRAW_MS = 33
_LOWEST, _HIGHEST = 150, 520  # pixels of a plot; what is more stays empty below
_HEAD = 52  # of a card, with its margins
_CAPTIONS_FROM = 600  # pixels; in a narrower card legend and icons need the room
_KEYS = "Arrow keys move the crosshair, + and - zoom, 0 shows everything."
_FIRST = "the network as it is"
_TITLES: dict[Kind, tuple[str, str]] = {
    "loss": ("Loss", "error; lower is better"),
    "accuracy": ("Accuracy", "validation images that are right"),
}


class PlotCards(QWidget):
    """The two plots of a run.

    Signals:
        saved: a file was written (its path).
        save_failed: it was not (an error with `problem` and `remedy`).
    """

    saved = Signal(object)
    save_failed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: RunModel | None = None
        self._dirty, self._planned = False, 0
        self._measure: Measure | None = None
        self._first_shown = True
        self.window_of_epochs = EpochWindow(self)
        self.curves = RunCurves()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._drawn: tuple[object, ...] = ()
        self._timer.timeout.connect(self._on_due)
        self.menu: QMenu | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self.cards: dict[Kind, Card] = {}
        self.plots: dict[Kind, CurvePlot] = {}
        self.legends: dict[Kind, Legend] = {}
        self.icons: dict[Kind, tuple[IconButton, IconButton]] = {}
        for kind in _TITLES:
            column.addWidget(self._card(kind), 1)
        column.addStretch(0)
        self.saving_action = Action(
            "Save the plots…", lambda: self.ask_where(None), shortcut="Ctrl+S", icon="download",
            tooltip="Saves both plots as a picture, or the numbers", parent=self,
        )  # fmt: skip
        self.addAction(self.saving_action)

    def _card(self, kind: Kind) -> Card:
        title, caption = _TITLES[kind]
        card = Card(title, caption)
        plot = CurvePlot(kind, self.window_of_epochs, self.curves.of(kind), names_marks=kind == "loss")
        plot.setMinimumHeight(_LOWEST)
        plot.setMaximumHeight(_HIGHEST)
        plot.setToolTip(_KEYS)
        plot.setAccessibleDescription(_KEYS)
        legend = Legend(plot)
        name = title.lower()
        zoom = IconButton("zoom", f"Zoom of the {name} plot", Action(
            "Zoom", lambda: self._open_zoom_menu(kind), icon="zoom", parent=self,
            tooltip=f"Zoom of the {name} plot; also by wheel, by dragging over the curve, and by +, - and 0 in it"))  # fmt: skip
        save = IconButton("download", f"Save the {name} plot", Action(
            "Save", lambda: self._open_save_menu(kind), icon="download", parent=self,
            tooltip=f"Saves the {name} plot as PNG, SVG or CSV; Ctrl+S saves both plots"))  # fmt: skip
        for widget in (legend, zoom, save):
            card.add_head(widget)
        card.body.addWidget(plot)
        card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        card.setMaximumHeight(_HIGHEST + _HEAD)
        self.cards[kind], self.plots[kind], self.legends[kind], self.icons[kind] = card, plot, legend, (zoom, save)
        return card

    # -- the run -------------------------------------------------------------------------------------------------

    def show_run(self, run: RunModel | None, planned: int = 0, measure: Measure | None = None) -> None:
        """Shows another run from now on.

        Args:
            run: to be followed.
            planned: epochs, as long as the run itself knows of none.
            measure: by what its best epoch is chosen.
        """
        if self._run is not None:
            self._run.changed.disconnect(self._on_changed)
        self._run, self._planned, self._measure = run, planned, measure
        self.curves.clear()
        self._drawn = ()
        self.window_of_epochs.reset()
        self.window_of_epochs.point_at(None)
        if run is not None:
            run.changed.connect(self._on_changed)
        self._on_changed()
        self._timer.stop()
        if self.isVisible():
            self._redraw()

    def _on_changed(self) -> None:
        self._dirty = True
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _on_due(self) -> None:
        if self._dirty and self.isVisible():
            self._redraw()

    def _redraw(self) -> None:
        self._dirty = False
        run = self._run
        epochs = run.epochs if run is not None else []
        self.curves.take(epochs)
        planned = (run.epochs_planned if run is not None else 0) or self._planned
        first, last = (epochs[0].epoch, epochs[-1].epoch) if epochs else (1, 1)
        self.window_of_epochs.set_planned(min(1, first), max(planned, last, 1))
        marks = [(mark.x_epoch, mark.text) for mark in run.marks] if run is not None else []
        points = _batches_after(run, last if epochs else 0)
        ghosts = _ghosts(run)
        reference, before = self._reference(), before_of(epochs)
        drawn = (
            len(epochs),
            epochs[-1] if epochs else None,
            planned,
            run.best_epoch if run is not None else None,
            marks,
            len(ghosts),
            reference,
            before,
        )
        self._explain(epochs)
        for kind, plot in self.plots.items():
            plot.best_epoch = run.best_epoch if run is not None else None
            plot.set_marks(marks)
            plot.set_ghosts(ghosts)
            if kind == "loss":
                plot.set_tail(points[:, 0], points[:, 1])
            elif drawn == self._drawn:
                continue  # between two epochs nothing of the accuracy changes
            else:
                plot.reference, plot.before = reference, before
                plot.set_curves(self.curves.of(kind))
            plot.refresh()
        self._drawn = drawn

    def _reference(self) -> tuple[float, str] | None:
        """What was recognised before anything was trained, for the plot of accuracies."""
        answer = self._run.first_answer if self._run is not None else None
        return (answer.accuracy, _FIRST) if answer is not None and answer.whole and self._first_shown else None

    def _explain(self, epochs: Sequence[EpochEnded]) -> None:
        """Says by what the best epoch is the best, and what stands before the first one."""
        best = self._run.best_epoch if self._run is not None else None
        measure = self._measure
        chosen = next((epoch for epoch in reversed(epochs) if epoch.epoch == best), None)
        start = f"“start” is {START_WORDS}. " if epochs and epochs[0].epoch == 0 else ""
        why = ""
        if measure is not None and chosen:
            why = f"The star is the epoch that is kept: {measure.words}. "
            why += f"{measure.note} " if measure.note else ""
        back = "What was taken back is shown pale. " if self._run is not None and self._run.history.branches else ""
        first = f"The dashed line is what {_FIRST} recognises, before anything is trained. "
        for kind, plot in self.plots.items():
            line = first if kind == "accuracy" and self._reference() is not None else ""
            line += meter_tip(epochs) if kind == "accuracy" else ""
            text = f"{start}{why}{back}{line}{_KEYS}"
            plot.best_words = best_words(measure, chosen) if measure is not None and measure.plot == kind else ""
            if plot.toolTip() != text:
                plot.setToolTip(text)
                plot.setAccessibleDescription(text)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Catches up with what came while the page was hidden."""
        super().showEvent(event)
        if self._dirty:
            self._redraw()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Nothing is drawn for nobody."""
        super().hideEvent(event)
        self._timer.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Captions go where there is no room for them."""
        super().resizeEvent(event)
        for kind, card in self.cards.items():
            card.set_caption(_TITLES[kind][1] if self.width() >= _CAPTIONS_FROM else "")

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Legends are painted from the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            for legend in self.legends.values():
                legend.update()

    # -- zoom ----------------------------------------------------------------------------------------------------

    def _open_zoom_menu(self, kind: Kind) -> None:
        window, epochs = self.window_of_epochs, self.curves.epochs
        menu = QMenu(self)
        last = epochs[-1] if epochs else 1
        so_far = menu.addAction("Epochs so far")
        so_far.triggered.connect(lambda: window.show_part(window.whole[0], last + 0.5))
        newest = menu.addAction("The last 5 epochs")
        newest.triggered.connect(lambda: window.show_part(last - 4.5, last + 0.5))
        everything = menu.addAction("Everything\t0")
        everything.triggered.connect(window.reset)
        so_far.setEnabled(bool(epochs))
        newest.setEnabled(bool(epochs))
        everything.setEnabled(window.zoomed)
        answer = self._run.first_answer if self._run is not None else None
        if kind == "accuracy" and answer is not None and answer.whole:
            menu.addSeparator()
            first = menu.addAction(f"Line of {_FIRST}")
            first.setCheckable(True)
            first.setChecked(self._first_shown)
            first.toggled.connect(self._on_first_toggled)
        self._pop(menu, self.icons[kind][0])

    def _on_first_toggled(self, shown: bool) -> None:
        self._first_shown = shown
        self._redraw()

    def _pop(self, menu: QMenu, button: QWidget) -> None:
        self.menu = menu
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(button.mapToGlobal(QPoint(0, button.height() + 2)))

    # -- saving --------------------------------------------------------------------------------------------------

    def _open_save_menu(self, kind: Kind) -> None:
        menu = QMenu(self)
        for key, text in saving.FORMATS.items():
            menu.addAction(f"{text}…").triggered.connect(partial(self._ask, kind, key))
        self._pop(menu, self.icons[kind][1])

    def _ask(self, kind: Kind, key: str, _: bool = False) -> None:
        self.ask_where(kind, key)

    def ask_where(self, kind: Kind | None, key: str = "png") -> QFileDialog:
        """Asks for a file, without stopping the window; `None`: both plots."""
        stem = {"loss": "loss", "accuracy": "accuracy", None: "training"}[kind]
        dialog = QFileDialog(self, "Save the plot")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        filters = {name: f"{text} (*.{name})" for name, text in saving.FORMATS.items()}
        dialog.setNameFilters(list(filters.values()))
        dialog.selectNameFilter(filters[key])
        dialog.setDefaultSuffix(key)
        dialog.selectFile(f"{stem}.{key}")
        by_filter = {text: name for name, text in filters.items()}
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(by_filter[chosen]))
        dialog.fileSelected.connect(lambda path: self.save(Path(path), kind))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def save(self, path: Path, kind: Kind | None = None) -> None:
        """Writes one plot or both, as the file's ending says; `saved` or `save_failed` follows."""
        kinds: list[Kind] = [kind] if kind is not None else ["loss", "accuracy"]
        plots = [(_TITLES[name][0], self.plots[name]) for name in kinds]
        match path.suffix.lower():
            case ".csv":
                run = self._run
                epochs: list[EpochEnded] = list(run.epochs) if run is not None else []
                marks = [(mark.x_epoch, mark.text) for mark in run.marks] if run is not None else []
                back = [list(branch.epochs) for branch in run.history.branches] if run is not None else []
                work = partial(_write_table, path, epochs, marks, back)
            case ".svg":
                work = partial(saving.write, path, saving.svg_bytes(plots))
            case _:
                # Drawing needs the window's thread; packing and writing, which take longer, do not.
                work = partial(_write_image, path, saving.png_image(plots))
        run_in_background(self, work, lambda _: self.saved.emit(path), self.save_failed.emit)


def _batches_after(run: RunModel | None, epoch: int) -> NDArray[np.float64]:
    """(epochs, loss) of the batches after an epoch, (N, 2); NaN where there is no number."""
    batches = run.batches if run is not None else []
    start = bisect.bisect_right(batches, float(epoch), key=lambda point: point[0])
    return np.array(batches[start:], dtype=np.float64).reshape(-1, 2)


def _ghosts(run: RunModel | None) -> list[Ghost]:
    """What was taken back, each stretch from the last epoch before it."""
    branches = run.history.branches if run is not None else []
    return [Ghost([*([one.joint] if one.joint else []), *one.epochs], "taken back") for one in branches if one.epochs]


def _write_table(
    path: Path, epochs: list[EpochEnded], marks: list[tuple[float, str]], back: list[list[EpochEnded]]
) -> None:
    saving.write(path, saving.csv_table(epochs, marks, back))


def _write_image(path: Path, image: QImage) -> None:
    saving.write(path, saving.png_bytes(image))
