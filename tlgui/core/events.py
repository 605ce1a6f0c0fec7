"""What the engine says: one JSON line per event, on its standard output and in the run's `events.jsonl`.

A measured value that is not finite is `None` (JSON knows no NaN) and is drawn as a gap.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from tlgui.core.adaptation_events import AdaptationSeen as AdaptationSeen
from tlgui.core.advice_events import Advised as Advised
from tlgui.core.advice_events import ImagesEmbedded as ImagesEmbedded
from tlgui.core.advice_events import SimilarityMeasured as SimilarityMeasured
from tlgui.core.event import Event as Event
from tlgui.core.gap_events import GapMeasured as GapMeasured
from tlgui.core.gap_events import SiteLook as SiteLook
from tlgui.core.gap_events import UnlikeImage as UnlikeImage
from tlgui.core.image_check_events import ProbeScore as ProbeScore
from tlgui.core.image_check_events import ShortcutsProbed as ShortcutsProbed
from tlgui.core.image_check_events import SplitsCompared as SplitsCompared
from tlgui.core.layer_events import BackboneDescribed as BackboneDescribed
from tlgui.core.layer_events import FirstAnswered as FirstAnswered
from tlgui.core.layer_events import GroupScore as GroupScore
from tlgui.core.layer_events import GroupState as GroupState
from tlgui.core.layer_events import LayersChanged as LayersChanged
from tlgui.core.layer_events import LayersProbed as LayersProbed
from tlgui.core.layer_events import MoveJudged as MoveJudged
from tlgui.core.layer_events import MovePlanned as MovePlanned
from tlgui.core.layer_events import RateFound as RateFound
from tlgui.core.layer_events import StrategyChosen as StrategyChosen
from tlgui.core.layer_events import Undone as Undone
from tlgui.core.ranking_events import BackbonesRanked as BackbonesRanked
from tlgui.core.ranking_events import RankedBackbone as RankedBackbone
from tlgui.core.retention_events import EveryClass as EveryClass
from tlgui.core.retention_events import Mix as Mix
from tlgui.core.retention_events import MixesTried as MixesTried
from tlgui.core.retention_events import RetentionMeasured as RetentionMeasured
from tlgui.core.retention_events import RetentionSeen as RetentionSeen
from tlgui.core.retention_events import StrengthsTried as StrengthsTried
from tlgui.core.retention_events import StrengthTried as StrengthTried
from tlgui.core.retention_events import TaskSeen as TaskSeen
from tlgui.core.score_events import ScoredBeside as ScoredBeside
from tlgui.core.weights_events import Measured as Measured
from tlgui.core.weights_events import Surveyed as Surveyed
from tlgui.core.weights_events import WeightsChecked as WeightsChecked
from tlgui.core.weights_events import WeightsState as WeightsState

PROTOCOL = 1


class EngineReady(Event, frozen=True, kw_only=True):
    """The engine's first line.

    Attributes:
        protocol: version of these lines; owner and engine must agree. It alone must be there, so that an engine of
            any other version is told apart and not waited for.
        tlgui: version of the program that the engine runs.
        device: torch's name of the device, such as "cpu" or "cuda:0".
        device_sentence: the same in words, such as "CPU, 2 cores".
    """

    protocol: int
    tlgui: str = ""
    device: str = ""
    device_sentence: str = ""


class RunStarted(Event, frozen=True, kw_only=True):
    """A run begins or goes on.

    Attributes:
        run: its folder: the whole path on the wire, its name alone in `events.jsonl`.
        train_images, validation_images, test_images: how many of each.
    """

    run: str
    backbone: str
    strategy: str
    classes: list[str]
    train_images: int
    validation_images: int
    test_images: int
    epochs: int
    seed: int


class Progress(Event, frozen=True, kw_only=True):
    """Work that is not an epoch goes on: `done` of `total`, e.g. images or bytes."""

    stage: str
    done: int
    total: int
    seconds_left: float | None = None


class Notice(Event, frozen=True, kw_only=True):
    """A sentence that the person should read; nothing is asked of them."""

    code: str
    message: str


class BatchEnded(Event, frozen=True, kw_only=True):
    """One optimizer step; sent for some steps of each epoch, not for all.

    Attributes:
        learning_rates: in use at this step, by group name; only groups that train.
    """

    epoch: int
    step: int
    batches: int
    batch: int
    loss: float | None
    images_per_second: float | None
    seconds_left: float | None
    learning_rates: dict[str, float] = msgspec.field(default_factory=dict)


class EpochEnded(Event, frozen=True, kw_only=True):
    """One pass over the training images and one over the validation images.

    Attributes:
        epoch: counted from 1; 0 is the warm start of the head, before the first epoch.
        epochs: how many are planned.
        step: optimizer steps so far.
        train_loss, validation_loss: mean cross-entropy per image; the latter unweighted and without augmentation.
        validation_calibrated_loss: the loss once the temperature has been fitted to the same answers.
        learning_rates: in use at the epoch's last step, by group name.
        best: whether this is the best epoch so far.
        adaptation: how far the adaptation to a new site is; `None` where there is none.
        retention: what is left of what it knew before, of a run that learns on or keeps something.
    """

    epoch: int
    epochs: int
    step: int
    train_loss: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    validation_balanced_accuracy: float | None
    validation_calibrated_loss: float | None = None
    learning_rates: dict[str, float]
    best: bool
    adaptation: AdaptationSeen | None = None
    retention: RetentionSeen | None = None
    seconds: float
    seconds_left: float | None


class Paused(Event, frozen=True, kw_only=True):
    """Training waits for `Continue` or `Stop`."""

    step: int


class Continued(Event, frozen=True, kw_only=True):
    """Training goes on after a pause."""

    step: int


class Extended(Event, frozen=True, kw_only=True):
    """The plan grew: `epochs` is the new total."""

    step: int
    epochs: int


class Resumed(Event, frozen=True, kw_only=True):
    """The run goes on from a checkpoint: events after `step` that stand before this line are superseded.

    Attributes:
        step, epoch: optimizer steps and finished epochs there.
        keep_strength: how hard it holds on to what it knew, as it was there; `None` where it holds on to nothing.
    """

    step: int
    epoch: int
    keep_strength: float | None = None


class Evaluated(Event, frozen=True, kw_only=True):
    """Scores of one part of the images; the same numbers stand in `results/metrics.json`."""

    split: str
    metrics: dict[str, Any]


class Predicted(Event, frozen=True, kw_only=True):
    """The answer for one image, or why there is none.

    Attributes:
        path: as the person gave it, or relative to the folder that they gave.
        probabilities: by class name; empty when the file has no answer.
    """

    path: str
    label: str = ""
    probabilities: dict[str, float] = msgspec.field(default_factory=dict)
    problem: str = ""


class Exported(Event, frozen=True, kw_only=True):
    """An export was written and checked.

    Attributes:
        folder: the whole path.
        files: their names.
        parity: the content of parity.json.
        worst_image: path of the image with the largest difference, relative to the dataset folder. It is said here
            and not in parity.json, since an export holds no file names.
    """

    folder: str
    format: str
    files: list[str]
    parity: dict[str, Any]
    worst_image: str


class Ending(Event, frozen=True, kw_only=True):
    """The last event of a job; there is exactly one."""

    ends_job: ClassVar[bool] = True

    def sentence(self) -> str:
        """How it ended, for people."""
        raise AssertionError(f"{type(self).__name__} cannot say itself")


class Completed(Ending, frozen=True, kw_only=True):
    """The job did what was asked.

    Attributes:
        run: folder of the run that it was about, as in `RunStarted`, or "".
        best_epoch: the epoch that was kept (0: the warm start), `None` where nothing was trained.
    """

    run: str = ""
    best_epoch: int | None = None
    message: str

    def sentence(self) -> str:
        """How it ended, for people."""
        return self.message


class Stopped(Ending, frozen=True, kw_only=True):
    """The person stopped it; of a training the best state so far was kept and evaluated.

    Attributes:
        run: folder of the run that it was about, or "".
        best_epoch: the epoch that was kept; `None` where nothing was trained.
    """

    run: str = ""
    best_epoch: int | None = None

    def sentence(self) -> str:
        """How it ended, for people."""
        if self.best_epoch is not None:
            best = f"of epoch {self.best_epoch}" if self.best_epoch else "from before the first epoch"
            return f"Stopped as you asked. The best state so far, {best}, is kept and was evaluated."
        if not self.run:
            return "Stopped as you asked."
        return "Stopped as you asked, before the first epoch had ended: there is no model yet. Continue to go on."


class Failed(Ending, frozen=True, kw_only=True):
    """It could not go on, for a reason that the person can act on or that is a fault of the program.

    Attributes:
        is_fault: the program's own mistake, with its traceback in details.
        code: which kind of problem it is (see `core.remedies.CODES`), or "".
    """

    problem: str
    remedy: str
    details: str = ""
    run: str = ""
    is_fault: bool = False
    code: str = ""

    def sentence(self) -> str:
        """How it ended, for people."""
        return f"{self.problem} {self.remedy}"


class Crashed(Ending, frozen=True, kw_only=True):
    """Made by the owner of the engine when its process went without a last word.

    Attributes:
        cause: "signal 9" or "exit code 3".
        last_lines: of its log.
        run: folder of the run that was trained, or "".
    """

    cause: str
    last_lines: str = ""
    run: str = ""

    def sentence(self) -> str:
        """How it ended, for people."""
        hint = " The computer may have run out of memory." if self.cause == "signal 9" else ""
        remedy = "Nothing before the last checkpoint is lost: continue the run to go on." if self.run else "Try again."
        return f"The engine ended unexpectedly ({self.cause}).{hint} {remedy}"


AnyEvent = (
    EngineReady
    | RunStarted
    | Progress
    | Notice
    | FirstAnswered
    | StrategyChosen
    | LayersChanged
    | MovePlanned
    | MoveJudged
    | Undone
    | BatchEnded
    | EpochEnded
    | RetentionMeasured
    | MixesTried
    | StrengthsTried
    | Paused
    | Continued
    | Extended
    | Resumed
    | Evaluated
    | Predicted
    | Exported
    | Surveyed
    | Measured
    | WeightsChecked
    | ShortcutsProbed
    | SplitsCompared
    | LayersProbed
    | RateFound
    | SimilarityMeasured
    | Advised
    | ImagesEmbedded
    | BackbonesRanked
    | GapMeasured
    | ScoredBeside
    | BackboneDescribed
    | Completed
    | Stopped
    | Failed
    | Crashed
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """One JSON line, with its line end."""
    return _encoder.encode(event) + b"\n"


def decode(line: bytes | str) -> AnyEvent:
    """The event in one line.

    Raises:
        msgspec.ValidationError: it is JSON, but no event that this version knows.
        msgspec.DecodeError: it is no JSON.
    """
    return _decoder.decode(line)
