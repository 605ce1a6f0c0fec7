"""How the picked network gets its weights: ready, downloading, failed, from the person's own file."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.backbones import Backbone
from tlgui.gui import numbers
from tlgui.gui.widgets import Banner, Button, Card, Label, ProgressRow
from tlgui.gui.wizard.backbone.words import State, megabytes

# As the libraries publish the sizes, and as the table shows them.
MIB = 2**20
_DOWNLOAD_TIP = "Fetches the published weights. Cancel leaves nothing behind."
_ONE_AT_A_TIME = "One download at a time: this one can begin when the other has ended."


class Problem(Protocol):
    """What went wrong, as `UserError` and `Failed` both say it."""

    @property
    def problem(self) -> str:
        """What happened."""

    @property
    def remedy(self) -> str:
        """What can be done."""


class WeightsCard(Card):
    """The state of the picked network's weights and what can be done about it.

    Attributes:
        download_asked, cancel_asked: fetch them from the network; stop that.
        file_asked: the person wants to give a file.
        published_asked: the person's own file is not wanted after all.
    """

    download_asked = Signal()
    cancel_asked = Signal()
    file_asked = Signal()
    published_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Weights", parent=parent)
        self._row: Backbone | None = None
        self._words = Label("", "body", wrap=True)
        self._progress = ProgressRow("")
        self._progress.cancelled.connect(self.cancel_asked)
        self._problem = Banner("bad", "")
        self._download = Button("Download", icon="download")
        self._download.setToolTip(_DOWNLOAD_TIP)
        self._download.clicked.connect(self.download_asked)
        self._file = Button("From a file…", icon="file")
        self._file.setToolTip(
            "Uses weights that you have: a .safetensors file or a .pth state dict. It can be dropped here too."
        )
        self._file.clicked.connect(self.file_asked)
        self._published = Button("Use the published ones", kind="link")
        self._published.setToolTip("Leaves the file aside and uses the weights that everybody gets.")
        self._published.clicked.connect(self.published_asked)
        self._buttons = QHBoxLayout()
        for button in (self._download, self._file, self._published):
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)
        for widget in (self._words, self._progress, self._problem):
            self.body.addWidget(widget)
        self.body.addLayout(self._buttons)
        self._progress.hide()
        self._problem.hide()

    def show_state(self, row: Backbone, state: State, weights_file: str, read_only: bool) -> None:
        """Shows one network.

        Args:
            row: the picked one.
            state: of its published weights.
            weights_file: name of the person's own checked file, or "".
            read_only: nothing can be changed any more.
        """
        if self._row is not row:
            self.clear_problem()
        self._row = row
        self._words.setText(_words(row, state, weights_file))
        missing = state in ("absent", "damaged") and not weights_file  # while it downloads, the progress stands there
        self._download.set_text(
            f"Download {megabytes(row)}" if state != "damaged" else f"Download again, {megabytes(row)}"
        )
        self._download.setVisible(missing and not read_only)
        self._file.setVisible(not read_only and row.pretrained)
        self._file.set_text("Another file…" if weights_file else "From a file…")
        self._published.setVisible(bool(weights_file) and not read_only)

    def set_busy_elsewhere(self, busy: bool) -> None:
        """Another network's weights are being downloaded, whose progress stands in this card too."""
        self._download.setEnabled(not busy)
        self._download.setToolTip(_ONE_AT_A_TIME if busy else _DOWNLOAD_TIP)

    def show_progress(self, label: str, done: int, total: int, seconds_left: float | None) -> None:
        """Bytes that came for a network, of how many; `total` is 0 where the server does not say."""
        self.clear_problem()
        self._progress.set_title(f"Downloading {label}")
        self._progress.set_cancellable(True)
        self._progress.show()
        if total:
            left = f", {numbers.about(seconds_left)} left" if seconds_left is not None else ""
            self._progress.set(done, total, f"{done / MIB:.0f} of {total / MIB:.0f} MB{left}")
        elif done:
            self._progress.set_busy(f"{done / MIB:.0f} MB so far; the server does not say how many there are")
        else:
            self._progress.set_busy("asking the server")

    def show_checking(self, file_name: str) -> None:
        """A file of the person's own is being looked at."""
        self.clear_problem()
        self._progress.set_title(f"Checking {file_name}")
        self._progress.set_cancellable(False)
        self._progress.set_busy("whether it fits the network")
        self._progress.show()
        self._file.setEnabled(False)

    def end_progress(self) -> None:
        """Download or check are over, one way or the other."""
        self._file.setEnabled(True)
        self._progress.hide()

    def show_problem(self, error: Problem) -> None:
        """Says beside the buttons what went wrong."""
        self._problem.show_error(error)

    def clear_problem(self) -> None:
        """Takes the last problem away."""
        self._problem.hide()


def _words(row: Backbone, state: State, weights_file: str) -> str:
    if weights_file:
        return f"{weights_file}, checked: it fits {row.label}."
    if not row.pretrained:
        return (
            f"{row.label} has no pretrained weights: it begins at random and learns from your images alone. The strategy is "
            "from scratch."
        )
    return {
        "embedded": "Built in: they came with the program. You can also use weights of your own.",
        "ready": "Ready: they are on this computer. You can also use weights of your own.",
        "absent": f"{row.label}'s weights are not on this computer: download them or give the file.",
        "damaged": f"The file of {row.label}'s weights on this computer is damaged: its checksum differs from the one "
        "in its name, or it cannot be read to its end. Download it again or give a good one.",
        "unknown": "The weights on this computer are being looked for.",
        "downloading": f"{row.label}'s weights are being downloaded. They stay on this computer for later runs.",
        "none": f"Nobody is known to publish {row.label}'s weights: give a file.",
    }[state]
