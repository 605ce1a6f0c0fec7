"""The learning-rate finder: the loss over rising rates on the images in hand, and a suggestion that can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.core import commands
from tlgui.core.events import RateFound
from tlgui.core.imaging_messages import ListingWritten
from tlgui.gui.job_dialog import JobDialog
from tlgui.gui.numbers import rate
from tlgui.gui.widgets import Button, Label
from tlgui.gui.wizard.rate.rate_plot import RatePlot

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "Find a learning rate"
_TEXT = (
    "The learning rate says how large the steps are in which the last layer learns. Too small, and training takes very "
    "long; too large, and it runs away. Here the last layer learns on the frozen network's features while the rate "
    "rises from step to step: the loss first stays, then falls, then shoots up. A good rate lies where it falls most. "
    "It takes some seconds; nothing of the run is changed until you use what was found."
)
_FIELD = "head_learning_rate"


class RateDialog(JobDialog):
    """For the run that is set up.

    Args:
        bench: for the images, the engines, and the draft that takes the rate.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, bench, RateFound, parent)
        self.plot = RatePlot()
        self.sentence = Label("", "body", wrap=True)
        self.answer_body.addWidget(self.sentence)
        self.answer_body.addWidget(self.plot, 1)
        self.use: Button | None = None
        self.resize(640, 240)
        self.refresh()

    def reason_against(self) -> str:
        """The images must be in hand, and a run that began keeps its rate."""
        bench = self.bench
        if bench.read_only:
            return "This run began already: its rates stand on the ladder of the Train page."
        if bench.scan_ticket is None or bench.draft.summary is None:
            return "Choose a folder of images first."
        if bench.draft.only_scratch:
            return "This network has no pretrained weights: there are no features to find a rate on."
        return bench.draft.missing("backbone")

    def ask(self) -> None:
        """With the hyperparameters as they are set up."""
        draft, summary = self.bench.draft, self.bench.draft.summary
        if summary is None:
            return
        spec, rule, weights_file = draft.spec(), summary.pixel_rule, draft.weights_file

        def make(listing: ListingWritten) -> commands.Job:
            return commands.FindRate(
                listing=listing.path,
                data=listing.data,
                rule=rule,
                backbone=spec.backbone,
                weights_file=weights_file,
                fit=spec.fit,
                size=spec.size,
                training=spec.training,
            )

        self.job.begin(make)

    def show_answer(self, answer: RateFound) -> None:
        """Curve, sentence, and the button that uses the suggestion."""
        self.plot.show_found(answer)
        self.sentence.setText(answer.sentence)
        if self.use is not None:
            self.use.hide()
            self.use.deleteLater()
            self.use = None
        if answer.suggested is not None:
            value = float(f"{answer.suggested:.2g}")
            self.use = self.add_answer_button(
                f"Use {rate(value)}", lambda: self.bench.draft.set_training(_FIELD, value)
            )
            self.use.setToolTip("Sets the learning rate of the last layer. The field beside it opens it again.")
