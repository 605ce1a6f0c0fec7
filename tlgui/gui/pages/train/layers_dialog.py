"""Why layers transfer: how much each layer group of the pretrained network tells about one's own classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.core import commands
from tlgui.core.events import LayersProbed
from tlgui.core.imaging_messages import ListingWritten
from tlgui.core.records import PixelRule
from tlgui.core.run_spec import RunSpec
from tlgui.gui.job_dialog import JobDialog
from tlgui.gui.networks import label_of
from tlgui.gui.numbers import counted
from tlgui.gui.pages.train.layers_chart import LayersChart
from tlgui.gui.widgets import Label

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "Why layers transfer"
_TEXT = (
    "A pretrained network sees edges and colours in its lower layers, shapes further up, and whole things at the top. "
    "Here the classes are told apart from what each layer group alone gives. Where a lower group tells as much as an "
    "upper one, the upper ones know too much of other pictures: training them anew may help. It takes some seconds, on "
    "a slow computer a minute; the run is not changed, and test images stay unseen."
)
_PRETRAINED_ALONE = "The weights of this run were a file of yours, and where it lies is not known any more."


class LayersDialog(JobDialog):
    """For the run that is shown, or for the one that is set up; as long as its images are at hand.

    Args:
        bench: for the images and the engines.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, bench, LayersProbed, parent)
        self.chart = LayersChart()
        self.sentence = Label("", "body", wrap=True)
        self.looked = Label("", "caption", wrap=True)
        for widget in (self.sentence, self.chart, self.looked):
            self.answer_body.addWidget(widget)
        self.resize(640, 240)
        self.refresh()

    def reason_against(self) -> str:
        """The images must be at hand."""
        return reason_against_layers(self.bench)

    def ask(self) -> None:
        """With the run's own manifest where there is one, else with the folder in hand."""
        bench = self.bench
        folder, spec, data = bench.run_folder, bench.run_spec, bench.data_of()
        if folder is not None and spec is not None and data is not None:
            weights_file = bench.runs.weights_file
            self.job.begin_for_run(folder, data, lambda listing: _job(listing, spec, spec.pixel_rule, weights_file))
            return
        draft, summary = bench.draft, bench.draft.summary
        if summary is not None:
            own, rule, weights_file = draft.spec(), summary.pixel_rule, draft.weights_file
            self.job.begin(lambda listing: _job(listing, own, rule, weights_file))

    def show_answer(self, answer: LayersProbed) -> None:
        """Bars from the answer down to the pixels."""
        self.chart.show_scores(answer)
        self.sentence.setText(answer.sentence)
        self.looked.setText(
            f"{label_of(answer.backbone)} as it came, {counted(answer.images, 'image')} to train and to "
            f"validate with, cross-validated in {answer.folds} parts. The line in each bar is its 95 % interval."
        )


def reason_against_layers(bench: Workbench) -> str:
    """Why the question cannot be asked of what is shown now, as a sentence; "" when it can."""
    spec = bench.run_spec
    if bench.run is None:
        if bench.scan_ticket is None or bench.draft.summary is None:
            return "Choose a folder of images first."
        return bench.draft.missing("backbone")
    if bench.run_folder is None or spec is None:
        return "The run folder is being made. It takes a moment."
    if bench.data_of() is None:
        return "The images of this run are not where they were. Say where they are now."
    if spec.weights != "pretrained" and not bench.runs.weights_file:
        return _PRETRAINED_ALONE
    return ""


def _job(listing: ListingWritten, spec: RunSpec, rule: PixelRule, weights_file: str) -> commands.ProbeLayers:
    return commands.ProbeLayers(
        listing=listing.path,
        data=listing.data,
        rule=rule,
        backbone=spec.backbone,
        weights_file=weights_file,
        fit=spec.fit,
        size=spec.size,
        seed=spec.training.seed,
    )
