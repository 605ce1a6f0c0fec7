"""How the picked network gets its weights: ready, downloading, failed, from the person's own file."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.backbones import Backbone
from tlgui.core.run_spec import Source
from tlgui.gui import numbers
from tlgui.gui.beginnings import named
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
        run_asked: the person wants to begin with an earlier run.
        compare_asked: training with that run and without it are to be compared.
        published_asked: the person's own file, or the earlier run, is not wanted after all.
    """

    download_asked = Signal()
    cancel_asked = Signal()
    file_asked = Signal()
    run_asked = Signal()
    compare_asked = Signal()
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
        self._run = Button("From an earlier run…", icon="train")
        self._run.setToolTip("What a run of yours has learned becomes the starting point of this one.")
        self._run.clicked.connect(self.run_asked)
        self._compare = Button("Compare with and without", kind="link")
        self._compare.clicked.connect(self.compare_asked)
        self._published = Button("Use the published ones", kind="link")
        self._published.setToolTip("Leaves these aside and uses the weights that everybody gets.")
        self._published.clicked.connect(self.published_asked)
        buttons, links = QHBoxLayout(), QHBoxLayout()
        for row, those in (
            (buttons, (self._download, self._file, self._run)),
            (links, (self._compare, self._published)),
        ):
            for button in those:
                row.addWidget(button)
            row.addStretch(1)
        for widget in (self._words, self._progress, self._problem):
            self.body.addWidget(widget)
        self.body.addLayout(buttons)
        self.body.addLayout(links)
        self._compare.align_edge("left")
        self._published.align_edge("left")
        self._progress.hide()
        self._problem.hide()

    def show_state(
        self, row: Backbone, state: State, weights_file: str, read_only: bool, source: Source | None = None
    ) -> None:
        """Shows one network.

        Args:
            row: the picked one.
            state: of its published weights.
            weights_file: name of the person's own checked file, or "".
            read_only: nothing can be changed any more.
            source: the earlier run that the file is of, where it is one.
        """
        if self._row is not row:
            self.clear_problem()
        self._row = row
        self._words.setText(_words(row, state, weights_file, source))
        missing = state in ("absent", "damaged") and not weights_file  # while it downloads, the progress stands there
        self._download.set_text(
            f"Download {megabytes(row)}" if state != "damaged" else f"Download again, {megabytes(row)}"
        )
        self._download.setVisible(missing and not read_only)
        self._file.setVisible(not read_only and row.pretrained)
        self._file.set_text("Another file…" if weights_file and source is None else "From a file…")
        self._run.setVisible(not read_only)
        self._run.set_text("Another run…" if source is not None else "From an earlier run…")
        self._compare.setVisible(source is not None and not read_only)
        self._published.setVisible(bool(weights_file) and not read_only)
        self._published.set_text("Use the published ones" if row.pretrained else "Begin at random")

    def set_against_compare(self, reason: str, time: str) -> None:
        """Why training with the earlier run and without it cannot be compared now, "" where it can; and how long it takes."""
        self._compare.setEnabled(not reason)
        takes = f" {time}." if time else ""
        self._compare.setToolTip(
            reason or f"Trains on the same images once with this run and once without, and says which is better.{takes}"
        )

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


def _words(row: Backbone, state: State, weights_file: str, source: Source | None) -> str:
    if source is not None:
        images = f", which learned from {numbers.counted(source.images, 'image')}" if source.images else ""
        return (
            f"Begins with {named(source)}{images}: its layers below the head are taken over. Images that it has learned "
            "test nothing here."
        )
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
