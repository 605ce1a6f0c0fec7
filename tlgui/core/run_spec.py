"""What a run is: everything needed to repeat it, as one TOML file that a person can read and write."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import tomli_w
from msgspec import Meta

from tlgui.core import atomic
from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.errors import UserError
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule
from tlgui.core.similarity import MeasuredSimilarity
from tlgui.core.strategies import Similarity

PositiveInt = Annotated[int, Meta(ge=1)]
# TOML can write "inf", and msgspec has no word for "finite"; no rate and no penalty is that large.
_LARGEST = 1e6
PositiveFloat = Annotated[float, Meta(gt=0, le=_LARGEST)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
NonNegative = Annotated[float, Meta(ge=0, le=_LARGEST)]
Share = Annotated[float, Meta(ge=0, lt=1)]
BestBy = Literal["calibrated_loss", "validation_loss", "balanced_accuracy", "accuracy"]
Imbalance = Literal["auto", "off", "logit-adjustment", "class-weights", "balanced-sampling"]
Precision = Literal["auto", "float32", "bf16", "fp16"]
Unfreezing = Literal["never", "plateau", "schedule"]
NormStatistics = Literal["auto", "frozen", "batch"]
Adapt = Literal["none", "mmd", "adversarial", "mcc", "statistics"]
Keep = Literal["none", "ewc", "l2sp", "average"]


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hyperparameters; `None` means "as the strategy's row says", and is filled in when the run is made.

    A run with strategy "auto" keeps its open values until the engine has measured what decides (see `Chosen`).

    Attributes:
        preset: the preset whose values these are, perhaps with some changed after; "" for none. For the record.
        strategy: a row of the strategy table, or "auto".
        similarity: the person's own answer, used by "auto".
        top_groups: how many layer groups below the head train, for "fine-tune-top".
        epochs, seed: as usual.
        batch_size: images that one optimizer step learns from; "auto" is the largest that is safe here.
        optimizer, schedule: of the learning rate; "constant" stays at the peak.
        cycle_momentum: AdamW's beta1 goes down from .95 to .85 and back while the one-cycle rate goes up and down.
        head_learning_rate, top_learning_rate: peaks of the schedule for the head and the uppermost layer group.
        stem_factor: the stem's rate as a share of the uppermost group's; those between lie on a geometric ladder.
        group_factor: where it is given, each deeper group's rate is so many times lower, and `stem_factor` is not used.
        group_learning_rates: peaks for single layer groups by name, before everything else.
        weight_decay: on weight matrices and kernels alone.
        clip_norm: largest norm of all gradients together; 0 = not clipped.
        label_smoothing: of the training loss; validation loss is without it.
        mixup, cutmix: parameter alpha of the Beta distribution that mixes two images; 0 = off. Either switches the
            cache of the frozen part off.
        ema: decay of the averaged weights that are validated and kept; 0 = off.
        imbalance: what is done where the largest class has more than three times as many images as the smallest.
        head: "linear", or "hidden": a layer of `head_units` with ReLU and dropout before the last one.
        norm_statistics: of BatchNorm layers that train: "frozen" keeps those that they came with.
        precision: of the trained part; "auto" takes a shorter one where it is really faster here.
        warm_start: whether the head is fitted on frozen features before deeper layers train; with `keep` "average" it is in
            any case.
        augmentation: a row of `core.augmentations`.
        mirror: whether left and right may change places; `None` = as that row says.
        views: augmented views of each training image kept for the frozen part; 1 means the plain image alone.
        view_every: after so many epochs each there is one view more; 0 = never.
        unfreezing: when one more layer group trains by itself: after a plateau, or after the epochs `unfreeze_at`.
        plateau: epochs without improvement that count as one.
        trial_epochs: epochs after which an unfreezing by hand is judged.
        patience: epochs without improvement after which training stops; 0 switches early stopping off.
        best_by: what chooses the best epoch, on validation images; "calibrated_loss" is the loss after the temperature has
            been fitted. A run that adapts in training chooses by `adaptation.score_of` instead.
        adapt: how the network is made to see images of another site alike; "none" without any.
        adapt_weight: of that term in the loss.
        keep: how the network is kept from forgetting what it knows; a row of `core.retention`.
        keep_strength: how hard; `None` = as that row says.
    """

    preset: str = ""
    strategy: str = "auto"
    similarity: Similarity | None = None
    top_groups: PositiveInt | None = None
    epochs: PositiveInt | None = None
    batch_size: PositiveInt | Literal["auto"] = 32
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    optimizer: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    cycle_momentum: bool = False
    head_learning_rate: PositiveFloat | None = None
    top_learning_rate: PositiveFloat | None = None
    stem_factor: PositiveFloat | None = None
    group_factor: PositiveFloat | None = None
    group_learning_rates: dict[str, PositiveFloat] = {}
    weight_decay: NonNegative = 0.01
    clip_norm: NonNegative = 0.0
    label_smoothing: Share = 0.0
    mixup: NonNegative = 0.0
    cutmix: NonNegative = 0.0
    ema: Share = 0.0
    imbalance: Imbalance = "auto"
    head: Literal["linear", "hidden"] = "linear"
    head_units: PositiveInt = 512
    head_dropout: Share = 0.3
    norm_statistics: NormStatistics | None = None
    precision: Precision = "auto"
    warm_start: bool | None = None
    augmentation: str = "photos"
    mirror: bool | None = None
    views: PositiveInt | None = None
    view_every: Annotated[int, Meta(ge=0)] = 10
    unfreezing: Unfreezing | None = None
    unfreeze_at: list[PositiveInt] = []
    plateau: PositiveInt = 3
    trial_epochs: PositiveInt = 3
    patience: Annotated[int, Meta(ge=0)] | None = None
    best_by: BestBy = "calibrated_loss"
    adapt: Adapt = "none"
    adapt_weight: NonNegative = 1.0
    keep: Keep = "none"
    keep_strength: NonNegative | None = None


class FirstAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the pretrained network as it is recognises: a linear answer on its features, cross-validated on training images.

    Attributes:
        accuracy, low, high: share of the images, with its 95 % interval; 1 - accuracy is the headroom.
        images: how many were asked.
        folds: of the cross-validation.
    """

    accuracy: float
    low: float
    high: float
    images: int
    folds: int


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An earlier run whose network a run begins with, in place of the published weights.

    Attributes:
        run: name of its folder, without its place.
        dataset, images: what it was trained on: the folder's own name, and how many images it learned from.
        sha256, changed: of its best weights, and whether these are others than the run that this one was set up like had.
        classes: its own, in the order of its outputs, where this run continues it: these stay, and new ones follow. Empty
            where all below its head is taken over and the head is new.
    """

    run: str
    dataset: str = ""
    images: int = 0
    sha256: str = ""
    changed: bool = False
    classes: list[str] = []


class Earlier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Images that a network had learned before it learns on, without their place; `earlier.csv` lists them.

    Attributes:
        name: their folder's own name.
        fingerprint: hash over relative paths and contents.
        images: all of them that take part.
        held_out: of these, how many were never learned: on them it shows what is forgotten.
    """

    name: str
    fingerprint: str
    images: int
    held_out: int


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The unlabelled images of a new site that a run adapts to, without their place.

    Attributes:
        name: the folder's own name.
        fingerprint: hash over relative paths and contents of all that are used.
        images: that are used; `target.csv` lists them.
        known: images that take no part, since they are also images of the known site.
        left_out: files that cannot be used.
    """

    name: str
    fingerprint: str
    images: int
    known: int = 0
    left_out: int = 0


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What "auto" became, and why.

    Attributes:
        strategy, top_groups: as in `Training`.
        by: what decided.
        sentence: the reason, for people.
    """

    strategy: str
    top_groups: int
    by: Literal["images", "headroom", "trial"]
    sentence: str


class Dataset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was trained on, without its place.

    Attributes:
        name: the folder's own name.
        fingerprint: hash over relative paths and contents of all used images.
        layout: as recognised.
        classes: in the order of the model's outputs.
        images: used ones, in all.
        formats: of the used images, such as "PNG" and "DICOM"; sorted.
        grouped_by: key of what was kept together, as in `records.Grouping`; "" = nothing.
        groups: how many groups that made.
        changes: the person's decisions about the folder, one sentence each.
    """

    name: str
    fingerprint: str
    layout: str
    classes: list[str]
    images: int
    formats: list[str] = []
    grouped_by: str = ""
    groups: int = 0
    changes: list[str] = []


class Machine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found out about the computer when the run began.

    Attributes:
        device: torch's name of it; for the record, since `continue` takes the best device that it finds.
        executor: what runs the frozen part; `continue` uses the same again.
        precision: of the trained part; `continue` uses the same again.
        threads: torch's and ONNX Runtime's; `continue` uses as many again, but no more than the processor has cores.
        versions: of the libraries that numbers depend on; for the record.
    """

    device: str
    executor: Literal["torch", "onnxruntime"]
    threads: int
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    versions: dict[str, str]


class RunSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of `run.toml`.

    Attributes:
        format: version of this file's layout.
        tlgui: version of the program that made it; empty when written by hand.
        data: place of the images, relative to this file; only in files written by hand (a run folder holds no place).
        backbone: a row of the backbone table.
        weights: "pretrained", or the sha256 of the file that the person gave.
        source: the earlier run that this file belongs to, where it is one.
        fit: how a long image becomes a square.
        size: side of the network's input in pixels; `None` = the one that its weights were trained with.
        split_fractions: train, validation, test, where the folder gives no split.
        target: the new site that it adapts to, where there is one.
        earlier: what the network had learned before, of a run that continues another one; the newest first.
        training, dataset, pixel_rule, machine: see there; the last three are filled in when the run is made.
        similarity, first_answer, chosen: found out by the engine before the first epoch.
    """

    format: Literal[1] = 1
    tlgui: str = ""
    data: str = ""
    backbone: str = DEFAULT_BACKBONE
    weights: str = "pretrained"
    source: Source | None = None
    target: Target | None = None
    earlier: list[Earlier] = []
    fit: Fit = "crop"
    size: Annotated[int, Meta(ge=16, le=2048)] | None = None
    split_fractions: tuple[Fraction, Fraction, Fraction] = (0.7, 0.15, 0.15)
    training: Training = Training()
    dataset: Dataset | None = None
    pixel_rule: PixelRule = PixelRule()
    machine: Machine | None = None
    similarity: MeasuredSimilarity | None = None
    first_answer: FirstAnswer | None = None
    chosen: Chosen | None = None

    def __post_init__(self) -> None:
        train, validation, _ = self.split_fractions
        if train <= 0 or validation <= 0:
            raise ValueError(
                "`split_fractions` must give train and validation a share, since validation chooses the best epoch"
            )

    @property
    def continues(self) -> bool:
        """Whether it learns on with the classes of an earlier run."""
        return self.source is not None and bool(self.source.classes)

    def to_toml(self) -> str:
        """The file's text; what is not set is not written, since TOML knows no null."""
        return tomli_w.dumps(without_none(msgspec.to_builtins(self)))


# Names that an augmentation had before, with what they meant for left and right.
_FORMER_AUGMENTATIONS: dict[str, tuple[str, bool | None]] = {"standard": ("photos", None), "no-flip": ("photos", False)}


def read(path: Path) -> RunSpec:
    """The spec in a file.

    Raises:
        UserError: the file is missing, is no TOML, or has a field that is misspelt, out of range or against another one;
            the field is named.
    """
    try:
        # Editors on Windows may begin a file with a byte order mark, which TOML knows nothing of.
        spec = msgspec.convert(_renamed(tomllib.loads(path.read_bytes().decode("utf-8-sig"))), RunSpec)
    except OSError as error:
        raise UserError(
            f"'{path.name}' cannot be read: {error.strerror}.", "Choose another file or mend its permissions."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"'{path.name}' is not a TOML file: {error}.", "Mend the line that it names.") from error
    except msgspec.ValidationError as error:
        raise UserError(
            f"'{path.name}' has a field that does not fit: {error}.",
            "Mend or remove that field; the README lists them.",
        ) from error
    # A run that was made has been looked at; what "auto" became may leave a wish without effect.
    if spec.dataset is None and (found := contradiction(spec.training)):
        raise UserError(f"'{path.name}' has fields that do not go together: {found}.", "Mend or remove one of them.")
    return spec


def contradiction(training: Training) -> str:
    """Why these hyperparameters cannot be meant together, naming the fields, without a full stop; "" where they can."""
    at, epochs = training.unfreeze_at, training.epochs
    everything = training.strategy in ("full-fine-tuning", "from-scratch")
    alone = training.batch_size == 1
    rules = (
        (sorted(set(at)) != at, "the epochs in `unfreeze_at` must rise, as in [3, 6, 9]"),
        (training.unfreezing == "schedule" and not at, "`unfreezing` by schedule needs its epochs in `unfreeze_at`"),
        (
            bool(at) and training.unfreezing in ("never", "plateau"),
            f"`unfreeze_at` is a schedule, and `unfreezing` says '{training.unfreezing}'",
        ),
        (
            bool(at) and epochs is not None and at[-1:] >= [epochs],
            f"`unfreeze_at` goes up to epoch {max(at, default=0)}, and nothing is trained after epoch {epochs}",
        ),
        (bool(at) and everything, f"`unfreeze_at` leaves nothing to do where '{training.strategy}' trains every layer"),
        (
            bool(training.warm_start) and training.strategy == "from-scratch",
            "`warm_start` fits the head on what a pretrained network answers, and 'from-scratch' begins with none",
        ),
        (
            alone and bool(training.mixup or training.cutmix),
            "`mixup` and `cutmix` mix the images of a batch, and `batch_size` is 1",
        ),
        (
            alone and training.norm_statistics == "batch",
            "`norm_statistics` of a batch need more than one image, and `batch_size` is 1",
        ),
    )
    return next((sentence for holds, sentence in rules if holds), "")


def _renamed(content: dict[str, Any]) -> dict[str, Any]:
    """The same with what earlier versions called otherwise."""
    training = content.get("training")
    name = training.get("augmentation") if isinstance(training, dict) else None
    if isinstance(training, dict) and isinstance(name, str) and name in _FORMER_AUGMENTATIONS:
        now, mirror = _FORMER_AUGMENTATIONS[name]
        answer = {} if mirror is None else {"mirror": mirror}
        content = {**content, "training": {**answer, **training, "augmentation": now}}
    return content


def write(spec: RunSpec, path: Path) -> None:
    """Writes the spec atomically."""
    atomic.write_text(path, spec.to_toml())


def without_none(value: Any) -> Any:
    """The same without fields that are `None`, which TOML has no word for."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value]
    return value
