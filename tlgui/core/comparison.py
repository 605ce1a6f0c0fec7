"""A strategy tournament: several ways of training on the same folds with the same budget, as a folder of runs.

The folder holds `comparison.toml` and one run folder for each way and fold. What was trained is never trained again, so
a comparison can be stopped at any time and goes on where it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import tomli_w
from msgspec import Meta

from tlgui import __version__
from tlgui.core.atomic import write_text
from tlgui.core.errors import UserError
from tlgui.core.preprocessing import Fit
from tlgui.core.run_folder import safe_name
from tlgui.core.run_spec import Fraction, RunSpec, Source, Training, without_none
from tlgui.core.runs import is_complete
from tlgui.core.strategies import STRATEGIES, strategy

FILE = "comparison.toml"
FOLDER = "comparisons"  # of a project
DEFAULT_STRATEGIES = "feature-extraction,fine-tune-top:2,full-fine-tuning"
DEFAULT_EPOCHS = 15
# Below so many images a single split leaves too few to tell ways apart, so folds let every image be scored.
SMALL = 1_000
DEFAULT_FOLDS = 3
MOST_FOLDS, MOST_ENTRANTS = 100, 12

DEFAULT_FROM_RUN = "feature-extraction,fine-tune-top:2"

Purpose = Literal["strategies", "transfer", "source"]


class Entrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way of training.

    Attributes:
        strategy: a row of the strategy table.
        top_groups: layer groups that "fine-tune-top" frees; 0 = as the row says.
        rate_factor: its learning rates are so many times those of the row.
        from_run: begins with the network of the comparison's earlier run, and not with the published weights.
    """

    strategy: str
    top_groups: Annotated[int, Meta(ge=0, le=100)] = 0
    rate_factor: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    from_run: bool = False

    @property
    def key(self) -> str:
        """As it is typed: "fine-tune-top:2"."""
        rate = "" if self.rate_factor == 1 else f"@{self.rate_factor:g}"
        begins = "+run" if self.from_run else ""
        return f"{self.strategy}{f':{self.top_groups}' if self.top_groups else ''}{rate}{begins}"

    @property
    def label(self) -> str:
        """For people."""
        name = STRATEGIES[self.strategy].label
        groups = f", {self.top_groups} group{'' if self.top_groups == 1 else 's'}" if self.top_groups else ""
        rate = "" if self.rate_factor == 1 else f", rates × {self.rate_factor:g}"
        return f"{name}{groups}{rate}{', from the earlier run' if self.from_run else ''}"


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is compared, and how.

    Attributes:
        format: version of this file's layout.
        dataset, fingerprint: the name of the folder of images, and a hash of what is used of it and how.
        grouped_by: what keeps images together in one fold.
        weights: name of the person's own weights file, "" = the published ones; another one is refused later.
        split_fractions: of the split whose test part takes no part in a choice by folds.
        backbone, size, fit, epochs, seed, augmentation, mirror: the same for all.
        folds: each image is scored by the run that did not see it; 0 = one split, scored on its validation images.
        entrants: at least two ways.
        purpose: "transfer" asks whether pretraining helps at all, "source" whether an earlier run is the better beginning.
        source: that earlier run; images that it has learned take no part.
    """

    format: Literal[1] = 1
    tlgui: str = ""
    dataset: str = ""
    fingerprint: str = ""
    grouped_by: str = ""
    backbone: str
    weights: str = ""
    split_fractions: tuple[Fraction, Fraction, Fraction] = (0.7, 0.15, 0.15)
    size: int = 0
    fit: Fit = "crop"
    epochs: Annotated[int, Meta(ge=1)] = DEFAULT_EPOCHS
    folds: Annotated[int, Meta(ge=0, le=MOST_FOLDS)] = 0
    seed: Annotated[int, Meta(ge=0)] = 0
    augmentation: str = "photos"
    mirror: Literal["", "yes", "no"] = ""
    entrants: Annotated[list[Entrant], Meta(min_length=2, max_length=MOST_ENTRANTS)]
    purpose: Purpose = "strategies"
    source: Source | None = None

    @property
    def scored_on(self) -> Literal["out-of-fold", "validation"]:
        """Which images choose."""
        return "out-of-fold" if self.folds else "validation"

    def legs(self) -> Iterator[Leg]:
        """Its runs: fold after fold, so that what is there early compares all ways."""
        for fold in range(1, max(1, self.folds) + 1):
            for entrant in self.entrants:
                yield Leg(entrant, fold if self.folds else 0)

    def spec(self, entrant: Entrant) -> RunSpec:
        """What a run of it is asked for."""
        row = strategy(entrant.strategy)
        training = Training(
            strategy=entrant.strategy,
            top_groups=entrant.top_groups or None,
            epochs=self.epochs,
            # The same budget for all: nobody stops early.
            patience=0,
            seed=self.seed,
            augmentation=self.augmentation,
            mirror={"": None, "yes": True, "no": False}[self.mirror],
        )
        if entrant.rate_factor != 1:
            training = msgspec.structs.replace(
                training,
                head_learning_rate=row.head_learning_rate * entrant.rate_factor,
                top_learning_rate=row.top_learning_rate and row.top_learning_rate * entrant.rate_factor,
            )
        return RunSpec(
            split_fractions=self.split_fractions,
            backbone=self.backbone,
            size=self.size or None,
            fit=self.fit,
            training=training,
        )


class ComparedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a comparison: its folder, what it is for people, whether it is whole, and what it begins with."""

    run: str
    label: str
    strategy: str
    done: bool
    from_run: bool = False


class Leg(msgspec.Struct, frozen=True):
    """One run of a comparison; fold 0 is the set's own split."""

    entrant: Entrant
    fold: int

    @property
    def folder(self) -> str:
        """Name of its run folder."""
        name = safe_name(self.entrant.key.replace(":", " ").replace("@", " x").replace("+", " from "))
        return f"{name} fold {self.fold}" if self.fold else name

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.entrant.label}, fold {self.fold}" if self.fold else self.entrant.label


def entrants_of(text: str, fewest: int = 2) -> list[Entrant]:
    """Ways as they are typed: "feature-extraction,fine-tune-top:2,full-fine-tuning"; at least so many.

    Raises:
        UserError: a name is unknown, one way stands there twice, or there are fewer than two or too many.
    """
    found: list[Entrant] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, colon, groups = part.partition(":")
        row = strategy(name)
        if colon and (not groups.isdecimal() or not 1 <= int(groups) <= 100):
            raise UserError(
                f"'{part}' does not say how many layer groups learn.", "Write a whole number: fine-tune-top:2."
            )
        if colon and row.name != "fine-tune-top":
            raise UserError(f"'{name}' takes no number of layer groups.", "Only fine-tune-top does: fine-tune-top:2.")
        if row.name == "auto":
            raise UserError(
                "'auto' is no way of its own: it becomes another one, perhaps a different one in each fold.",
                "Name the rows that it chooses from.",
            )
        entrant = Entrant(strategy=name, top_groups=int(groups or 0))
        # "fine-tune-top" alone frees one group.
        if any((one.strategy, one.top_groups or 1) == (name, entrant.top_groups or 1) for one in found):
            raise UserError(f"'{part}' stands there twice.", "Name each way once.")
        found.append(entrant)
    if len(found) < fewest:
        raise UserError(
            f"A comparison needs at least {'two ways' if fewest > 1 else 'one way'}.",
            f"Name them with commas between: {DEFAULT_STRATEGIES}.",
        )
    if len(found) > MOST_ENTRANTS:
        raise UserError(
            f"{len(found)} ways are too many to be told apart.",
            f"Name {MOST_ENTRANTS} at the most, each with a reason.",
        )
    return found


def with_and_without(entrants: Sequence[Entrant]) -> list[Entrant]:
    """Each way twice: from the published weights, and from an earlier run.

    Raises:
        UserError: a way begins with nothing, or there are too many.
    """
    if fresh := [one.strategy for one in entrants if not strategy(one.strategy).pretrained]:
        raise UserError(
            f"'{fresh[0]}' begins with random weights, so it takes nothing from an earlier run.",
            f"Name ways that do: {DEFAULT_FROM_RUN}.",
        )
    if 2 * len(entrants) > MOST_ENTRANTS:
        raise UserError(
            f"{len(entrants)} ways, each with and without, are too many to be told apart.",
            f"Name {MOST_ENTRANTS // 2} at the most, each with a reason.",
        )
    return [way for one in entrants for way in (one, msgspec.structs.replace(one, from_run=True))]


def folds_by_default(images: int, has_parts: bool) -> int:
    """How many folds where nobody says: a small set needs every image to be scored, one that is parted has its own split."""
    return DEFAULT_FOLDS if images < SMALL and not has_parts else 0


def write(folder: Path, comparison: Comparison) -> None:
    """Writes `comparison.toml` into a folder, which is made.

    Raises:
        UserError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        content = without_none(msgspec.to_builtins(msgspec.structs.replace(comparison, tlgui=__version__)))
        write_text(folder / FILE, tomli_w.dumps(content))
    except OSError as error:
        raise UserError(
            f"The folder of the comparison '{folder.name}' cannot be written: {error.strerror or error}.",
            "Choose another folder, or free some space.",
            code="comparison_folder",
        ) from error


def read(folder: Path) -> Comparison:
    """The comparison in a folder.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    try:
        found = msgspec.toml.decode((folder / FILE).read_bytes(), type=Comparison)
        if unknown := [one.strategy for one in found.entrants if one.strategy not in STRATEGIES]:
            raise ValueError(f"no strategy '{unknown[0]}'")
        return found
    except FileNotFoundError:
        raise UserError(f"'{folder.name}' holds no comparison.", "Choose a folder with comparison.toml.") from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"The comparison '{folder.name}' cannot be read.",
            "It is damaged, or a newer version of tlgui wrote it.",
            str(error),
        ) from error


def is_comparison(folder: Path) -> bool:
    """Whether a folder holds one."""
    return (folder / FILE).is_file()


def new_folder(parent: Path, now: datetime, what: str = "comparison") -> Path:
    """A folder that is not there yet, named by the time."""
    name = f"{now:%Y-%m-%d %H.%M} {what}"
    for number in range(1, 1_000):
        path = parent / (name if number == 1 else f"{name} {number}")
        if not path.exists():
            return path
    raise UserError("There are too many comparisons of this minute.", "Wait a minute, then try again.")


def list_comparisons(parent: Path) -> list[Path]:
    """Folders of comparisons, the newest first."""
    with contextlib.suppress(OSError):
        return sorted((path for path in parent.iterdir() if is_comparison(path)), reverse=True)
    return []


def is_done(run: Path) -> bool:
    """Whether a run of it is whole, and not stopped half way."""
    return is_complete(run) and (run / "results" / "predictions.csv").is_file()


def still_to_train(folder: Path, comparison: Comparison) -> Sequence[Leg]:
    """What is not whole yet, in its order."""
    return [leg for leg in comparison.legs() if not is_done(folder / leg.folder)]
