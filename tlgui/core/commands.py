"""What an owner tells the engine: one JSON line per job, and per command while a job runs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tlgui.core.errors import UserError
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule
from tlgui.core.run_commands import AnyCommand as AnyCommand
from tlgui.core.run_commands import Command as Command
from tlgui.core.run_commands import Continue as Continue
from tlgui.core.run_commands import Extend as Extend
from tlgui.core.run_commands import Freeze as Freeze
from tlgui.core.run_commands import Pause as Pause
from tlgui.core.run_commands import PlanMove as PlanMove
from tlgui.core.run_commands import PositiveInt as PositiveInt
from tlgui.core.run_commands import SetAdaptWeight as SetAdaptWeight
from tlgui.core.run_commands import SetKeepStrength as SetKeepStrength
from tlgui.core.run_commands import SetLearningRate as SetLearningRate
from tlgui.core.run_commands import Stop as Stop
from tlgui.core.run_commands import Undo as Undo
from tlgui.core.run_commands import Unfreeze as Unfreeze
from tlgui.core.run_spec import Training

FEWEST_OF_A_SITE = 10  # images; of fewer, nothing that is said of a site would be worth its interval


class Job(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Something for the engine to do from beginning to ending.

    Paths are absolute: they cross the border on the wire and are never written into a run folder or an export.
    """


class Train(Job, frozen=True, kw_only=True):
    """Train the run whose folder was made, or go on with it.

    Attributes:
        run: the run folder.
        data: the dataset folder.
        more_epochs: added to the plan of a run that goes on.
        weights_file: the person's own weights, or "".
        download: whether missing weights may be fetched from the network.
        target: folder of the new site's images, of a run that adapts; "" = where they lay when the run was made.
        earlier: folder of the images that the run it continues was made with; "" = where they lay.
    """

    run: str
    data: str
    target: str = ""
    earlier: str = ""
    more_epochs: Annotated[int, Meta(ge=0)] = 0
    weights_file: str = ""
    download: bool = False


class MixWeights(Job, frozen=True, kw_only=True):
    """Mix a finished run's weights with those that it began with, and score what comes of it.

    Attributes:
        run: the run folder.
        data: the dataset folder.
        share: of the earlier weights; `None` = chosen on validation images.
        earlier: as in `Train`.
    """

    run: str
    data: str
    share: Annotated[float, Meta(ge=0, le=1)] | None = None
    earlier: str = ""


class TryStrengths(Job, frozen=True, kw_only=True):
    """Train quick copies of a run that holds on to what it knew, each with another strength; the run stays as it is.

    Attributes:
        run: the run folder; an epoch has ended.
        data: the dataset folder.
        strengths: to be tried; empty = some around the run's own, and none at all.
        epochs: of each copy; 0 = a third of the run's.
        earlier: as in `Train`.
    """

    run: str
    data: str
    strengths: list[Annotated[float, Meta(ge=0, le=1e6)]] = []
    epochs: Annotated[int, Meta(ge=0)] = 0
    earlier: str = ""


class Evaluate(Job, frozen=True, kw_only=True):
    """Score the run's best state on the images of a folder of class folders.

    Attributes:
        beside: another run, which answers the same images: `ScoredBeside`; "" = none.
    """

    run: str
    data: str
    beside: str = ""


class Predict(Job, frozen=True, kw_only=True):
    """Answer for images: `paths` are (shown path, absolute path)."""

    run: str
    paths: list[tuple[str, str]]


class Export(Job, frozen=True, kw_only=True):
    """Write the run's best state for use elsewhere and prove that it answers the same.

    Attributes:
        to: an existing folder in which `<run>-<format>-<n>` is made.
    """

    run: str
    data: str
    format: Literal["weights", "onnx"]
    to: str


class Survey(Job, frozen=True, kw_only=True):
    """Say of each backbone whether its weights are on this computer; asks nothing of the network."""


class Measure(Job, frozen=True, kw_only=True):
    """Find out how fast this computer runs a backbone's frozen layers, in some seconds of work."""

    backbone: str


class Fetch(Job, frozen=True, kw_only=True):
    """Download a backbone's published weights; `Stop` cancels at once and leaves nothing."""

    backbone: str


class CheckWeights(Job, frozen=True, kw_only=True):
    """Find out whether a person's own weights file fits a backbone."""

    backbone: str
    file: str


class ProbeShortcuts(Job, frozen=True, kw_only=True):
    """Find out whether the label can be guessed from what must not matter; seconds; `Stop` cancels.

    Attributes:
        listing: what is used, with classes and groups, as `imaging.listing` writes it.
        data: the dataset folder.
        rule: its pixel rule.
        images: at most so many are looked at, drawn by class.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    images: PositiveInt = 400
    seed: Annotated[int, Meta(ge=0)] = 0


class ProbeLayers(Job, frozen=True, kw_only=True):
    """Measure how much each layer group of a pretrained backbone tells about the classes; `Stop` cancels.

    Attributes:
        listing, data, rule: as in `ProbeShortcuts`.
        backbone: a row of the backbone table.
        weights_file: the person's own weights, or "".
        fit, size: as in `RunSpec`.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    backbone: str
    weights_file: str = ""
    fit: Fit = "crop"
    size: int | None = None
    images: PositiveInt = 400
    seed: Annotated[int, Meta(ge=0)] = 0


class FindRate(Job, frozen=True, kw_only=True):
    """Find a learning rate for the last layer on frozen features, in seconds; `Stop` cancels.

    Attributes:
        listing, data, rule, backbone, weights_file, fit, size: as in `ProbeLayers`.
        training: as it is set up; its batch size, optimizer and head count.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    backbone: str
    weights_file: str = ""
    fit: Fit = "crop"
    size: int | None = None
    training: Training = Training()
    images: PositiveInt = 1000


class MeasureSimilarity(Job, frozen=True, kw_only=True):
    """Measure how like everyday photographs the images look to a network, in seconds; `Stop` cancels.

    Attributes:
        listing, data, rule: as in `ProbeShortcuts`.
        backbone: that a run would begin with; where its bands are unknown, the embedded one measures.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    backbone: str
    seed: Annotated[int, Meta(ge=0)] = 0


class Advise(Job, frozen=True, kw_only=True):
    """Find out how to train on a set of images, by what a run with strategy "auto" would do; `Stop` cancels.

    Attributes:
        listing, data, rule, backbone, weights_file, fit, size: as in `ProbeLayers`.
        training: as it is set up, with the strategy "auto".
        trial: whether a short trial is held where it would tell.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    backbone: str
    weights_file: str = ""
    fit: Fit = "crop"
    size: int | None = None
    training: Training = Training()
    trial: bool = False


class EmbedImages(Job, frozen=True, kw_only=True):
    """Write what the frozen backbone makes of each image: one row of numbers each; `Stop` cancels.

    Attributes:
        listing, data, rule, backbone, weights_file, fit, size: as in `ProbeLayers`.
        to: the file that is written, in numpy's format.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    backbone: str
    weights_file: str = ""
    fit: Fit = "crop"
    size: int | None = None
    to: str


class RankBackbones(Job, frozen=True, kw_only=True):
    """How much several frozen networks tell about the classes of the listed images; test images are not looked at.

    Attributes:
        listing, data, rule: as in `ProbeLayers`.
        backbones: names; empty = all whose weights are on this computer.
        runs: folders of earlier runs whose networks are ranked with them.
        images: at most so many are looked at.
        seed: of the draw and the folds.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    backbones: list[str] = []
    runs: list[str] = []
    images: PositiveInt = 400
    seed: Annotated[int, Meta(ge=0)] = 0


class MeasureGap(Job, frozen=True, kw_only=True):
    """Measure how different the images of a new site are from those of a known one; no label is read; `Stop` cancels.

    Attributes:
        listing, data, rule, backbone, weights_file, fit, size: of the known site, as in `ProbeLayers`.
        new_listing: the usable images of the new site, as `imaging.unlabelled` finds them.
        new_data: its folder.
        left_out: how many of its files cannot be used, by reason code.
        unlisted: folders in it that could not be looked into.
        images: at most so many of each site are looked at.
        seed: of the draw, the folds and the permutations.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    backbone: str
    weights_file: str = ""
    fit: Fit = "crop"
    size: int | None = None
    new_listing: str
    new_data: str
    left_out: dict[str, int] = {}
    unlisted: Annotated[int, Meta(ge=0)] = 0
    images: Annotated[int, Meta(ge=FEWEST_OF_A_SITE)] = 400
    seed: Annotated[int, Meta(ge=0)] = 0


class DescribeBackbone(Job, frozen=True, kw_only=True):
    """Find out what a timm model is made of, so that it can be trained like a row of the backbone table.

    Attributes:
        name: as timm knows it, perhaps with a weights tag after a dot.
    """

    name: str


class CompareSplits(Job, frozen=True, kw_only=True):
    """Measure what the copies and groups on both sides of a naive split do to the score; `Stop` cancels.

    Attributes:
        listing, data, rule: as in `ProbeShortcuts`.
        repeats: splits of each kind that are drawn.
    """

    listing: str
    data: str
    rule: PixelRule = PixelRule()
    images: PositiveInt = 1500
    repeats: PositiveInt = 10
    seed: Annotated[int, Meta(ge=0)] = 0


AnyJob = (
    Train
    | MixWeights
    | TryStrengths
    | Evaluate
    | Predict
    | Export
    | Survey
    | Measure
    | Fetch
    | CheckWeights
    | ProbeShortcuts
    | CompareSplits
    | ProbeLayers
    | FindRate
    | MeasureSimilarity
    | Advise
    | EmbedImages
    | RankBackbones
    | MeasureGap
    | DescribeBackbone
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyCommand | AnyJob] = msgspec.json.Decoder(AnyCommand | AnyJob)


def encode(message: Command | Job) -> bytes:
    """One JSON line, with its line end.

    Raises:
        UserError: a path holds bytes that are no text (Linux allows any); JSON cannot carry them.
    """
    try:
        return _encoder.encode(message) + b"\n"
    except UnicodeEncodeError as error:
        path = error.object.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        raise UserError(
            f"The path '{path}' is not valid text, so the engine cannot be told of it.",
            "Rename the file or folder that has the unreadable sign in its name.",
        ) from error


def decode(line: bytes | str) -> AnyCommand | AnyJob:
    """The job or command in one line.

    Raises:
        msgspec.DecodeError: it is none; the text names the field.
    """
    return _decoder.decode(line)
