"""A comparison of ways to train: its runs wait in the queue, and what they found is read when the last one has ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tlgui.core import comparison, sites
from tlgui.core.comparison import DEFAULT_EPOCHS, ComparedRun, Comparison, Entrant, Purpose
from tlgui.core.comparison_result import Result
from tlgui.core.imaging_messages import ComparisonPrepared, PrepareComparison
from tlgui.core.layer_events import LayersProbed
from tlgui.core.strategies import strategy
from tlgui.gui.compare_costs import folds_of, seconds_of_ways, takes
from tlgui.gui.compared import ReadComparison, earlier_comparisons, read_comparison
from tlgui.gui.layers_probe import LayersProbe
from tlgui.gui.series_desk import Earlier, ReadSeries, SeriesDesk

if TYPE_CHECKING:
    from tlgui.core.run_folder import RunFolder
    from tlgui.gui.workbench import Workbench


class CompareDesk(SeriesDesk[Comparison, Result]):
    """The comparison in hand, and the earlier ones.

    Attributes:
        probe: asks what each layer group tells, where the question was whether pretraining helps.
        layers: what it was told, `None` where it was not.
    """

    request = "PrepareComparison"
    at_work = "A comparison is at work. Wait until it has ended, or stop it."
    others_go_on = "The other ways go on. Put it right, then go on with the comparison."

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self.layers: LayersProbed | None = None
        self.probe = LayersProbe(bench, self)
        self.probe.changed.connect(self.changed)
        self.probe.answered.connect(self.read_again)

    @staticmethod
    def holds(run: RunFolder | None) -> bool:
        """Whether a run is one of several that train on parts of the same images, here or at another time."""
        return run is not None and (comparison.is_comparison(run.path.parent) or sites.is_sites(run.path.parent))

    def start(
        self, entrants: Sequence[Entrant], epochs: int, folds: int | None, purpose: Purpose = "strategies"
    ) -> None:
        """Makes the run folders and lets them train one after another.

        Args:
            entrants: at least two.
            purpose: "transfer" asks whether pretraining helps, of `transfer.ENTRANTS`; "source" whether an earlier run does.
            epochs: for each.
            folds: `None` = as the images need.
        """
        if self.reason_against_transfer() if purpose == "transfer" else self.reason_against_start():
            return
        draft = self._bench.draft
        spec, own, source = draft.spec(), draft.weights_file, draft.source
        begins = source is not None and bool(own)
        mirror = {None: "", True: "yes", False: "no"}[spec.training.mirror]
        wanted = Comparison(
            backbone=spec.backbone,
            weights="" if begins else Path(own).name,
            split_fractions=spec.split_fractions,
            size=spec.size or 0,
            fit=spec.fit,
            epochs=epochs,
            seed=spec.training.seed,
            augmentation=spec.training.augmentation,
            mirror=mirror,  # type: ignore[arg-type]
            entrants=_beginning(entrants, begins) if purpose != "source" else list(entrants),
            purpose=purpose,
            source=source if begins else None,
        )
        self.forget()
        self.ask(lambda ticket, data: _question(ticket, data, "", wanted, folds, own), own)

    def start_with_and_without(self) -> None:
        """Compares the earlier run that is set up as a beginning with the published weights."""
        if self._bench.draft.source is not None:
            self.start(_with_and_without(), DEFAULT_EPOCHS, None, "source")

    def with_and_without_takes(self) -> str:
        """How long that takes here; "" where no speed is known."""
        bench = self._bench
        return takes(seconds_of_ways(bench, _with_and_without(), DEFAULT_EPOCHS, folds_of(bench, None)))

    def reason_against_transfer(self) -> str:
        """Why it cannot be asked whether pretraining helps, as a sentence; "" when it can."""
        if reason := self.reason_against_start():
            return reason
        if self._bench.draft.source is not None:
            return "It is about the published weights, and yours are those of an earlier run. Choose others on the page Backbone."
        return ""

    @property
    def cheapest(self) -> Entrant | None:
        """The cheapest way that is not clearly worse than the best one."""
        if self.result is None or self.asked is None:
            return None
        return next((one for one in self.asked.entrants if one.key == self.result.cheapest), None)

    def reason_against_use(self) -> str:
        """Why the run that is set up cannot be trained that way, as a sentence; "" when it can."""
        if other := self.other_images():
            return other
        way = self.cheapest
        if way is None:
            return "There is no result yet."
        return self.other_beginning() if way.from_run else ""

    def use(self) -> None:
        """Sets the run that is set up to the cheapest way that is not clearly worse, and shows the review."""
        way = self.cheapest
        if way is None or self.reason_against_use():
            return
        draft = self._bench.draft
        if self.asked is not None and (
            draft.backbone != self.asked.backbone or (self.asked.source is not None and not way.from_run)
        ):
            draft.set_backbone(self.asked.backbone)
        draft.set_strategy(way.strategy)
        asked = self.asked.spec(way).training if self.asked is not None else draft.training
        # Also what is left open: rates of an earlier choice would be another way than the one that was compared.
        for field in ("top_groups", "head_learning_rate", "top_learning_rate"):
            draft.set_training(field, getattr(asked, field))
        self._bench.show("review")

    def forget(self) -> None:
        """Shows none; it stays on the disk."""
        self.probe.forget()
        self.layers = None
        super().forget()

    # -- see `SeriesDesk` ------------------------------------------------------------------------------------------

    def read(self, folder: Path) -> ReadComparison:
        """A comparison."""
        return read_comparison(folder)

    def find_earlier(self) -> list[Earlier]:
        """Comparisons."""
        return earlier_comparisons()

    def question(self, ticket: int, data: Path, folder: Path) -> PrepareComparison:
        """Its file counts."""
        assert self.asked is not None
        return _question(ticket, data, str(folder.absolute()), self.asked, None, self._bench.draft.weights_file)

    def other_beginning(self) -> str:
        """Of one that begins with an earlier run, that one must be set up."""
        draft, one = self._bench.draft, self.asked
        if one is None or one.source is None:
            return ""
        mine = draft.source.run if draft.source is not None and draft.weights_file else ""
        if (mine, draft.backbone) == (one.source.run, one.backbone):
            return ""
        return f"It began with the earlier run '{one.source.run}'. Begin with that one on the page Backbone first."

    def takes_own_weights(self, one: Comparison) -> bool:
        """Those of a file, or of an earlier run."""
        return super().takes_own_weights(one) or one.source is not None

    def weights_of(self, asked: Comparison, run: ComparedRun) -> str:
        """Where an earlier run is compared, only some ways begin with it."""
        return self._weights_file if asked.source is None or run.from_run else ""

    def made(self, answer: Any) -> Comparison | None:
        """A comparison."""
        return answer.comparison if isinstance(answer, ComparisonPrepared) else None

    def take(self, read: ReadSeries[Comparison, Result]) -> None:
        """The result is shown at once; what each layer group tells only adds to it."""
        super().take(read)
        assert isinstance(read, ReadComparison)
        self.layers = read.layers
        self.probe.look_at(self.folder, read, self._weights_file)


def _question(
    ticket: int, data: Path, folder: str, wanted: Comparison, folds: int | None, weights_file: str
) -> PrepareComparison:
    # The weights of a run lie in its folder of checkpoints.
    run = str(Path(weights_file).parent.parent) if wanted.source is not None and weights_file else ""
    return PrepareComparison(
        ticket=ticket, data=str(data.absolute()), folder=folder, run=run, comparison=wanted, folds=folds
    )


def _with_and_without() -> list[Entrant]:
    return comparison.with_and_without(comparison.entrants_of(comparison.DEFAULT_FROM_RUN, fewest=1))


def _beginning(entrants: Sequence[Entrant], begins: bool) -> list[Entrant]:
    """Ways that begin with the earlier run that is set up, where they begin with weights at all."""
    return [msgspec.structs.replace(one, from_run=begins and strategy(one.strategy).pretrained) for one in entrants]
