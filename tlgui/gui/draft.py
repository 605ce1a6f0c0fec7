"""The run that is being set up: what the wizard's pages read and change, and nothing that a widget would know."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
from PySide6.QtCore import QObject, Signal

from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.imaging_messages import Listed, ScanSummary
from tlgui.core.parameters import parameter
from tlgui.core.planning import resolve
from tlgui.core.preprocessing import Fit
from tlgui.core.presets import KEPT, PRESETS, with_preset
from tlgui.core.run_spec import Chosen, RunSpec, Source, Target, Training, contradiction
from tlgui.core.similarity import MeasuredSimilarity
from tlgui.core.strategies import AUTO, STRATEGIES, Advice, Similarity, strategy
from tlgui.gui.continuing import Continuation, continuation_of, missing_keeping
from tlgui.gui.networks import label_of, network, size_problem
from tlgui.gui.new_site import USUAL, missing_site

Level = Literal["guided", "adjustable", "everything"]
Step = Literal["images", "backbone", "strategy", "review"]
STEPS: tuple[Step, Step, Step, Step] = ("images", "backbone", "strategy", "review")

# What a strategy's row fills in: picked anew with the row, unless the person typed a value after that.
OWN_FIELDS = (
    "epochs", "patience", "head_learning_rate", "top_learning_rate", "stem_factor", "group_factor", "unfreezing",
    "norm_statistics", "warm_start", "views",
)  # fmt: skip
SCRATCH = "from-scratch"
HEAD = "head"  # its name among the layer groups
# And this one comes with the row itself, so that it is nobody's own.
ROW_FIELDS = ("top_groups", *OWN_FIELDS)


class Draft(QObject):
    """A new run as far as it is set up, or, after it began, what it was set up as.

    Attributes:
        data: the folder of images.
        listed: the first look at it: classes and counts of files; `None` until it is there.
        summary: what the whole scan found; `None` until it is done.
        scanning: whether the images are being read.
        scan_error: what the scan was refused for (`problem`, `remedy`, `details`), else `None`.
        backbone: a row of the backbone table.
        weights_file: the person's own weights, or "".
        source: the earlier run that these are of, or were of when a run began; `None` where there is none.
        continues: that run, where its classes stay and what it knows is kept; `None` = the head is new.
        download: whether missing weights may be fetched from the network when the run begins.
        target: folder of unlabelled images of a new site that the run adapts to; `None` = none is chosen.
        site: what a run that began, or the one that this is set up from, knows of its new site; else `None`.
        strategy: "auto", or the row that the person picked.
        training: the hyperparameters as asked for; `None` in a field means "as the strategy's row says".
        fit, size, split_fractions: as in `RunSpec`.
        measured: how like photographs the images of a run that began look; `None` while a run is set up.
        chosen: what "auto" became, of a run that measured it; `None` while a run is set up.
        set_back: values that the person had typed for the strategy before the one that is picked now.
        level: how much is shown: "guided", "adjustable", "everything".
        weights_problem: asked for the sentence that says why the backbone's weights cannot be used; set by the
            workbench, which knows the files.
    """

    changed = Signal()
    split_changed = Signal()
    """The fractions or the seed are others: the workbench has the counts made again."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.weights_problem: Callable[[], str] = str
        self._clear()

    def _clear(self) -> None:
        self.data: Path | None = None
        self.listed: Listed | None = None
        self.summary: ScanSummary | None = None
        self.scanning = False
        self.scan_error: Any = None
        self.backbone = DEFAULT_BACKBONE
        self.weights_file = ""
        self.source: Source | None = None
        self.continues: Continuation | None = None
        self.download = False
        self.target: Path | None = None
        self.site: Target | None = None
        self.training = Training()
        self.set_back: dict[str, Any] = {}
        self._before_preset = Training()  # what leaving a recipe goes back to
        self.fit: Fit = "crop"
        self.size: int | None = None
        self.measured: MeasuredSimilarity | None = None
        self.chosen: Chosen | None = None
        self.split_fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
        self.level: Level = "guided"

    @property
    def similarity(self) -> Similarity | None:
        """The person's own answer: like everyday photographs, or another kind of picture."""
        return self.training.similarity

    @property
    def strategy(self) -> str:
        """The row that the person picked, or "auto"."""
        return self.training.strategy

    @property
    def images(self) -> int:
        """How many images would be used; 0 until the scan is done."""
        return self.summary.used if self.summary is not None else 0

    def clear(self) -> None:
        """Begins anew with the defaults; the level of detail stays as the person likes it."""
        level = self.level
        self._clear()
        self.level = level
        self.changed.emit()

    def load(self, spec: RunSpec, data: Path | None, summary: ScanSummary | None, target: Path | None = None) -> None:
        """Shows what a run that began was set up as; `target` is where its new site's images are, where that is known."""
        level = self.level
        self._clear()
        self.level = level
        self.data, self.summary = data, summary
        self.backbone, self.training, self.fit, self.size = spec.backbone, spec.training, spec.fit, spec.size
        self.split_fractions, self.chosen, self.measured = spec.split_fractions, spec.chosen, spec.similarity
        self.source, self.target, self.site = spec.source, target, spec.target
        self.continues = continuation_of(spec)
        self.changed.emit()

    def set_backbone(
        self, name: str, weights_file: str = "", download: bool = False, source: Source | None = None
    ) -> None:
        """Picks the network, and where its weights come from; what held for the other network alone is open again."""
        if name != self.backbone:
            self.size = None
            row = network(name)
            known = {*(group.name for group in row.groups), HEAD} if row is not None else set()
            self.training = _with_rates_of(self.training, known)
            self._before_preset = _with_rates_of(self._before_preset, known)
        self.backbone, self.weights_file, self.download = name, weights_file, download
        self.source, self.continues = source, None
        self.changed.emit()

    def begin_with(self, spec: RunSpec, weights_file: str, source: Source) -> None:
        """Takes over the network of an earlier run: its weights, and the size and shape of image that they know.

        Args:
            spec: of that run.
            weights_file: its best ones.
            source: what is said of it.
        """
        self.set_backbone(spec.backbone, weights_file, source=source)
        self.fit, self.size = spec.fit, spec.size
        self.changed.emit()

    def set_download(self, allowed: bool) -> None:
        """Whether missing weights may be fetched when the run begins."""
        self.download = allowed
        self.changed.emit()

    def set_similarity(self, answer: Similarity | None) -> None:
        """The person's own answer; with "auto" it moves the advice."""
        self._replace(msgspec.structs.replace(self.training, similarity=answer))

    def set_strategy(self, name: str) -> None:
        """Picks a row, or "auto"; values that came with another row are open again, and kept in `set_back`.

        A recipe is left with it: its values belonged to its own strategy.
        """
        if name != self.training.strategy:
            before = self.without_preset()
            changed = set(self.preset_changes) if self.training.preset else set(OWN_FIELDS)
            own = {
                field: value
                for field in OWN_FIELDS
                if field in changed and (value := getattr(self.training, field)) is not None
            }
            self.set_back |= own
            self._replace(msgspec.structs.replace(before, strategy=name, **dict.fromkeys(ROW_FIELDS)))

    def set_preset(self, name: str) -> None:
        """Takes a recipe's values; "" leaves it again: what it had set, the strategy too, is as it was before."""
        own = self.without_preset()
        self.set_back = {}
        if name and not self.training.preset:
            self._before_preset = own
        self._replace(with_preset(own, name) if name else own)

    @property
    def preset_changes(self) -> list[str]:
        """The fields of which the recipe says something else than what is asked for now; none without a recipe."""
        if self.training.preset not in PRESETS:
            return []
        given = with_preset(self.training, self.training.preset)
        return [name for name in Training.__struct_fields__ if getattr(given, name) != getattr(self.training, name)]

    def without_preset(self) -> Training:
        """The hyperparameters as they were before the recipe; those that were changed after it stay."""
        row = PRESETS.get(self.training.preset)
        if row is None:
            return msgspec.structs.replace(self.training, preset="")
        stays = (*self.preset_changes, *(field for field in KEPT if field not in row.values))
        own = {field: getattr(self.training, field) for field in stays}
        return msgspec.structs.replace(self._before_preset, **{**own, "preset": ""})

    def bring_back(self) -> None:
        """Takes the person's own values over into the strategy that is picked now."""
        own, self.set_back = self.set_back, {}
        if own:
            self._replace(msgspec.structs.replace(self.training, **own))

    def set_training(self, field: str, value: Any) -> str:
        """Sets one hyperparameter.

        Args:
            field: of `Training`.
            value: `None` opens it again: as the strategy's row says.

        Returns:
            "" when it was taken, else the reason why not; nothing is changed then.
        """
        plain = {**msgspec.to_builtins(self.training), field: value}
        try:
            msgspec.convert(plain, Training)
        except msgspec.ValidationError as error:
            return str(error).partition(" - at ")[0]
        if value is not None:
            self.set_back.pop(field, None)  # it has a newer one
        self._replace(msgspec.structs.replace(self.training, **{field: value}))
        return ""

    def set_target(self, folder: Path | None) -> None:
        """Chooses the images of a new site, with a way of adapting to it where none is picked; `None` adapts to none."""
        self.target = folder
        if folder is None:
            self.site = None
        plain = Training()
        adapt = self.training.adapt if self.training.adapt != plain.adapt else USUAL
        weight = plain.adapt_weight if folder is None else self.training.adapt_weight
        self.training = msgspec.structs.replace(
            self.training, adapt=plain.adapt if folder is None else adapt, adapt_weight=weight
        )
        self.changed.emit()

    def set_fit(self, fit: Fit) -> None:
        """How a long image becomes a square."""
        self.fit = fit
        self.changed.emit()

    def set_size(self, size: int | None) -> str:
        """Sets the side of the network's input; `None` is the one that its weights were trained with.

        Returns:
            "" when it was taken, else the reason why not.
        """
        row = network(self.backbone)
        if row is not None and (reason := size_problem(row, size)):
            return reason
        if size != self.size:
            self.size = size
            self.changed.emit()
        return ""

    def set_split(self, train: float, validation: float, test: float) -> str:
        """Sets the shares of the three parts, each from 0 to 1.

        Returns:
            "" when they were taken, else the reason why not.
        """
        if min(train, validation) <= 0 or test < 0:
            return "Training and validation each need a share, since validation chooses the best epoch."
        if abs(train + validation + test - 1) > 1e-6:
            return "The three shares together must be 100 %."
        if (train, validation, test) != self.split_fractions:
            self.split_fractions = (train, validation, test)
            self.changed.emit()
            self.split_changed.emit()
        return ""

    def set_level(self, level: Level) -> None:
        """How much the pages show."""
        if level != self.level:
            self.level = level
            self.changed.emit()

    def resolved(self) -> tuple[Training, Advice | None]:
        """The hyperparameters that the run would use, and the textbook's advice where the strategy is "auto"."""
        return self.resolve(self.training)

    def resolve(self, training: Training) -> tuple[Training, Advice | None]:
        """The same of other hyperparameters: a network without pretrained weights trains from scratch."""
        if training.strategy == AUTO and self.only_scratch:
            training = msgspec.structs.replace(training, strategy=SCRATCH)
        return resolve(training, self.images)

    def spec(self) -> RunSpec:
        """A frozen copy: what is changed in the window afterwards does not change a run that began with it.

        What was answered about left and right for these images goes with it, and which state of an earlier run is meant.
        """
        from tlgui.gui.wizard.augmentation.answer import mirror_of  # which reads a draft itself

        return RunSpec(
            backbone=self.backbone,
            fit=self.fit,
            size=self.size,
            split_fractions=self.split_fractions,
            source=self.source,
            training=msgspec.structs.replace(self.training, mirror=mirror_of(self)),
        )

    def missing(self, step: Step) -> str:
        """What keeps the step *after* `step` from being opened, as a sentence; "" when nothing does.

        What an earlier step lacks counts for each later one: `missing("review")` is the whole reason against Start.
        """
        for name in STEPS[: STEPS.index(step) + 1]:
            if reason := self._missing_in(name):
                return reason
        return ""

    def _missing_in(self, step: Step) -> str:
        if step == "images":
            return self._missing_images()
        if step == "backbone":
            return self.weights_problem()
        if step == "strategy":
            return self.missing_strategy() or missing_site(self) or missing_keeping(self) or self.contradiction()
        return ""

    def missing_strategy(self) -> str:
        """Why the picked strategy cannot be had with the network, as a sentence; "" when it can."""
        asked = self.training.strategy
        if not self.only_scratch or asked == AUTO or not strategy(asked).pretrained:
            return ""
        return f"{label_of(self.backbone)} has no pretrained weights: it can only train from scratch."

    def contradiction(self) -> str:
        """Why the settings cannot be meant together, as a sentence in the window's own words; "" where they can."""
        training = self.training if self.strategy == AUTO and not self.only_scratch else self.resolved()[0]
        found = re.sub(r"`(\w+)`", lambda match: f"“{parameter(match[1]).label}”", contradiction(training))
        found = re.sub(r"'([a-z-]+)'", lambda match: f"“{STRATEGIES[match[1]].label}”" if match[1] in STRATEGIES
                       else match[0], found)  # fmt: skip
        return f"Two settings do not go together: {found}." if found else ""

    @property
    def only_scratch(self) -> bool:
        """Whether the network has no pretrained weights, and none of the person's own were given."""
        row = network(self.backbone)
        return row is not None and not row.pretrained and not self.weights_file

    def _missing_images(self) -> str:
        if self.data is None:
            return "Choose a folder of images first."
        if self.scan_error is not None:
            return "These images cannot be used as they are."
        if self.summary is None:
            return "The images are still being read." if self.scanning else "The images have not been read yet."
        if self.summary.facts.domains and not self.summary.facts.domain:
            return "Choose which domain is used, or all as one set."
        trained = [row for row in self.summary.classes if row.train > 0]
        if len(trained) < (1 if self.continues is not None else 2):
            return "Training needs images of at least two classes."
        if not sum(row.validation for row in self.summary.classes):
            return "No image is left for validation. Each class needs at least two images, better twenty."
        return ""

    def _replace(self, training: Training) -> None:
        before, self.training = self.training, training
        if self.training != before:
            self.changed.emit()
            if self.training.seed != before.seed:
                self.split_changed.emit()


def _with_rates_of(training: Training, groups: set[str]) -> Training:
    """Without rates of layer groups that the network does not have."""
    rates = {group: rate for group, rate in training.group_learning_rates.items() if group in groups}
    return msgspec.structs.replace(training, group_learning_rates=rates)
