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
from tlgui.core.strategies import Similarity

PositiveInt = Annotated[int, Meta(ge=1)]
# TOML can write "inf", and msgspec has no word for "finite"; no rate and no penalty is that large.
_LARGEST = 1e6
PositiveFloat = Annotated[float, Meta(gt=0, le=_LARGEST)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
BestBy = Literal["validation_loss", "balanced_accuracy"]
Augmentation = Literal["standard", "no-flip", "off"]


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hyperparameters; `None` means "as the strategy's row says", and is filled in when the run is made.

    Attributes:
        strategy: a row of the strategy table, or "auto".
        similarity: the person's own answer, used by "auto".
        top_groups: how many layer groups below the head train, for "fine-tune-top".
        epochs, batch_size, seed: as usual.
        head_learning_rate, top_learning_rate: peaks of the one-cycle schedule.
        weight_decay: AdamW's, on weight matrices and kernels alone.
        views: augmented views of each training image kept for the frozen part; 1 means the plain image alone.
        augmentation: of the training images; "no-flip" where left and right matter.
        patience: epochs without improvement after which training stops; 0 switches early stopping off.
        best_by: what chooses the best epoch, on validation images.
    """

    strategy: str = "auto"
    similarity: Similarity | None = None
    top_groups: PositiveInt | None = None
    epochs: PositiveInt | None = None
    batch_size: PositiveInt = 32
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    head_learning_rate: PositiveFloat | None = None
    top_learning_rate: PositiveFloat | None = None
    stem_factor: PositiveFloat | None = None
    weight_decay: Annotated[float, Meta(ge=0, le=_LARGEST)] = 0.01
    views: PositiveInt | None = None
    augmentation: Augmentation = "standard"
    patience: Annotated[int, Meta(ge=0)] = 10
    best_by: BestBy = "validation_loss"


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
        threads: torch's and ONNX Runtime's; `continue` uses as many again, but no more than the processor has cores.
        versions: of the libraries that numbers depend on; for the record.
    """

    device: str
    executor: Literal["torch", "onnxruntime"]
    threads: int
    versions: dict[str, str]


class RunSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of `run.toml`.

    Attributes:
        format: version of this file's layout.
        tlgui: version of the program that made it; empty when written by hand.
        data: place of the images, relative to this file; only in files written by hand (a run folder holds no place).
        backbone: a row of the backbone table.
        weights: "pretrained", or the sha256 of the file that the person gave.
        fit: how a long image becomes a square.
        split_fractions: train, validation, test, where the folder gives no split.
        training, dataset, pixel_rule, machine: see there; the last three are filled in when the run is made.
    """

    format: Literal[1] = 1
    tlgui: str = ""
    data: str = ""
    backbone: str = DEFAULT_BACKBONE
    weights: str = "pretrained"
    fit: Fit = "crop"
    split_fractions: tuple[Fraction, Fraction, Fraction] = (0.7, 0.15, 0.15)
    training: Training = Training()
    dataset: Dataset | None = None
    pixel_rule: PixelRule = PixelRule()
    machine: Machine | None = None

    def __post_init__(self) -> None:
        train, validation, _ = self.split_fractions
        if train <= 0 or validation <= 0:
            raise ValueError(
                "`split_fractions` must give train and validation a share, since validation chooses the best epoch"
            )

    def to_toml(self) -> str:
        """The file's text; what is not set is not written, since TOML knows no null."""
        return tomli_w.dumps(without_none(msgspec.to_builtins(self)))


def read(path: Path) -> RunSpec:
    """The spec in a file.

    Raises:
        UserError: the file is missing, is no TOML, or has a field that is misspelt or out of range; the field is named.
    """
    try:
        # Editors on Windows may begin a file with a byte order mark, which TOML knows nothing of.
        return msgspec.convert(tomllib.loads(path.read_bytes().decode("utf-8-sig")), RunSpec)
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
