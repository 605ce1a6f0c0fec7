"""What the engine says of how to train on the images in hand: asked by itself, kept as long as they stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlgui.core import commands, events
from tlgui.core.imaging_messages import ListingWritten, ScanSummary
from tlgui.core.records import PixelRule
from tlgui.core.run_spec import Training
from tlgui.core.similarity import kind_of
from tlgui.core.strategies import Similarity
from tlgui.gui.image_check import ImageCheck
from tlgui.gui.networks import network

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


# Of the settings; a trial trains by them. What belongs to a strategy is what is asked about.
_MATTERS = ("seed", "similarity", "optimizer", "weight_decay", "imbalance", "clip_norm")


class AdviceDesk(ImageCheck[events.Advised]):
    """One question at a time, about the images, the network and the settings in hand.

    What is known on the way is told before the whole answer is there.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench, events.Advised)
        self._similarity: events.SimilarityMeasured | None = None
        self._similarity_in: object = None
        self._pictures_asked: object = None
        self.with_trial = False
        """Whether the question that is asked now holds a short trial."""

    @property
    def similarity(self) -> events.SimilarityMeasured | None:
        """How like photographs the images are, as measured; `None` where they are others by now, or not measured yet."""
        return self._similarity if self._similarity_in == self._pictures() else None

    @property
    def kind(self) -> Similarity | None:
        """The column of the textbook's table: the person's own answer, else the measurement's."""
        said = self.similarity
        return kind_of(said.measured if said is not None else None, self._bench.draft.similarity)

    def look(self, trial: bool = False) -> None:
        """Asks; `changed` tells how it goes."""
        if not self.busy:
            self.with_trial = trial
            self._pictures_asked = self._pictures()
            self.begin()

    @property
    def looking(self) -> bool:
        """Whether the images as they are now are being asked about, and no others."""
        return self.busy and self._asked_of == self._images()

    @property
    def problem(self) -> events.Ending | None:
        """Why the last question about these images came to nothing."""
        return self.ended if self._asked_of == self._images() else None

    def look_by_itself(self) -> None:
        """Asks where that was not done yet; not beside a training, and not again where it came to nothing.

        A question about other images, or with other settings, makes way.
        """
        if self.busy and not self.looking:
            self.forget()
        if self.found is None and self.problem is None and not self._bench.is_training and not self.reason_against():
            self.look()

    def make_way(self) -> None:
        """A training begins: the engine is not kept from it; what the question has computed is in its cache."""
        if self.busy:
            self.forget()

    def job(self, listing: ListingWritten, rule: PixelRule) -> commands.Job:
        """See `ImageCheck`."""
        draft = self._bench.draft
        return commands.Advise(
            listing=listing.path,
            data=listing.data,
            rule=rule,
            backbone=draft.backbone,
            weights_file=draft.weights_file,
            fit=draft.fit,
            size=draft.size,
            training=self._training(),
            trial=self.with_trial,
        )

    def holds_for(self, summary: ScanSummary) -> object:
        """These images in these parts, this network, and what a run with "auto" would be asked for."""
        draft = self._bench.draft
        return self._parts(summary), draft.backbone, draft.weights_file, draft.fit, draft.size, self._training()

    def against(self, summary: ScanSummary) -> str:
        """What a training of them would be refused for."""
        draft = self._bench.draft
        if reason := draft.missing("images"):
            return reason
        own = network(draft.backbone)
        if own is None or not own.pretrained or draft.weights_file or self._bench.backbones.row(draft.backbone).usable:
            return ""
        return f"The weights of {own.label} are not on this computer yet."

    def _training(self) -> Training:
        """What of the settings the answer depends on."""
        asked = self._bench.draft.training
        return Training(**{name: getattr(asked, name) for name in _MATTERS})

    def _pictures(self) -> object:
        draft = self._bench.draft
        return None if draft.summary is None else (draft.data, self._parts(draft.summary), draft.training.seed)

    def _parts(self, summary: ScanSummary) -> object:
        classes = [(row.name, row.train, row.validation, row.test) for row in summary.classes]
        return summary.fingerprint, summary.pixel_rule, classes

    def _on_told(self, event: Any) -> None:
        if isinstance(event, events.SimilarityMeasured):
            self._similarity, self._similarity_in = event, self._pictures_asked
        super()._on_told(event)
