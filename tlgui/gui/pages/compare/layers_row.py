"""What each layer group tells, beneath the words of a result: being asked, told, or why it is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.layer_events import LayersProbed
from tlgui.gui.widgets import Button, Label, ProgressRow

if TYPE_CHECKING:
    from tlgui.gui.layers_probe import LayersProbe

_TITLE = "What each layer group tells…"
_WAITS = "What each layer group tells is asked as soon as no training is at work."


class LayersRow(QWidget):
    """Hidden where there is nothing to say of it.

    Args:
        probe: that asks.
        parent: the widget it lies in.
    """

    def __init__(self, probe: LayersProbe, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._probe = probe
        self.row = ProgressRow(_TITLE)
        self.row.set_cancellable(True)
        self.row.cancelled.connect(probe.cancel)
        self.words = Label("", "muted", wrap=True)
        self.again = Button("Ask", "link", small=True)
        self.again.align_edge("right")
        self.again.setToolTip("Asks the pretrained network what each of its layer groups tells; it takes some seconds.")
        self.again.setAccessibleName("Ask what each layer group tells")
        self.again.clicked.connect(probe.ask_again)
        said = QHBoxLayout()
        said.setSpacing(9)
        said.addWidget(self.words, 1)
        said.addWidget(self.again)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 2, 16, 8)
        column.addWidget(self.row)
        column.addLayout(said)

    def show_state(self, told: LayersProbed | None) -> None:
        """How far it is.

        Args:
            told: what the network answered.
        """
        probe = self._probe
        words = probe.said or (_WAITS if probe.waits else "")
        if told is not None:
            words = f"Layer by layer: {told.sentence}"
        if probe.busy:
            self._show_progress()
        self.row.setVisible(probe.busy)
        self.words.setText("" if probe.busy else words)
        self.words.setVisible(bool(self.words.text()))
        self.again.setVisible(probe.can_ask_again and told is None and not probe.busy)
        self.setVisible(probe.busy or bool(words) or probe.can_ask_again)

    def _show_progress(self) -> None:
        progress = self._probe.progress
        if progress is None:
            self.row.set_busy("the verdict stands already; this only adds to it")
        else:
            counted = f", {progress.done:,} of {progress.total:,}" if progress.total > 1 else ""
            self.row.set(progress.done, progress.total, f"{progress.stage}{counted}")
