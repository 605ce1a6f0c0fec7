"""How a run is set up: what is found out about the computer once, what is said before the first step, what is given back."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil
import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import RECIPE, ROW, finish, tiny_network, tiny_setup, without_times

from tlgui.core import commands, events
from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.strategies import STRATEGIES
from tlgui.engine import cache, free_memory, trained_model, weights
from tlgui.engine.control import Control
from tlgui.engine.device import Found
from tlgui.engine.jobs import train as train_job
from tlgui.engine.jobs import train_notices, train_setup
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup
from tlgui.engine.worker import _Wire, serve
from tlgui.imaging.prepare import prepare_run

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone that trains in milliseconds, under the name "tiny"."""

    def build(row: object, classes: int, state: object, fit: str, source: str = "", *_: object, **__: object) -> object:
        network = tiny_network(classes, recipe=msgspec.structs.replace(RECIPE, fit=fit))
        network.row = row  # type: ignore[assignment]
        return network

    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny"))
    monkeypatch.setattr(train_job, "build", build)
    monkeypatch.setattr(trained_model, "build", build)
    monkeypatch.setattr(weights, "pretrained", lambda *_: {})


class _ListWire(_Wire):
    def __init__(self) -> None:
        self.sent: list[Event] = []

    def send(self, event: Event) -> None:
        self.sent.append(event)


def done(run: RunFolder, data: Path, **options: Any) -> list[Event]:
    wire = _ListWire()
    serve(commands.Train(run=str(run.path), data=str(data), **options), Control(), wire)
    return wire.sent


def made(data: Path, run: Path, **training: Any) -> RunFolder:
    options = {"strategy": "feature-extraction", "epochs": 1, "batch_size": 8, "precision": "float32"} | training
    return prepare_run(data, RunSpec(backbone="tiny", training=Training(**options)), run).run


def notices(sent: list[Event], code: str) -> list[str]:
    return [event.message for event in sent if isinstance(event, events.Notice) and event.code == code]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("setup") / "d", {"a": 20, "b": 20}, size=24)


@pytest.fixture
def setups(monkeypatch: pytest.MonkeyPatch) -> list[Setup]:
    """What each run is trained with."""
    seen: list[Setup] = []
    inner = train_job.fit

    def recorded(setup: Setup) -> Any:
        seen.append(setup)
        return inner(setup)

    monkeypatch.setattr(train_job, "fit", recorded)
    return seen


@pytest.mark.parametrize("strategy", [*STRATEGIES, "auto"])
def test_every_row_runs_from_the_folder_to_a_scored_model(
    strategy: str, data: Path, tmp_path: Path, setups: list[Setup]
) -> None:
    run = made(data, tmp_path / "run", strategy=strategy)
    sent = done(run, data)
    assert isinstance(sent[-1], events.Completed), sent[-1]
    (setup,) = setups
    spec = run.spec()
    assert spec.machine is not None and spec.machine.precision == "float32"
    assert spec.training.strategy in STRATEGIES and spec.training.epochs == 1
    assert setup.validation_groups == [""] * len(setup.validation) and setup.groups == [""] * len(setup.train)
    assert setup.images == 40
    assert {path.name for path in run.checkpoints.iterdir()} >= {"best.safetensors", "last.safetensors"}
    chosen = [event for event in sent if isinstance(event, events.StrategyChosen)]
    assert len(chosen) == (strategy == "auto") and (spec.chosen is not None) == (strategy == "auto")


def test_from_scratch_asks_for_no_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise UserError("The weights are not here.", "Fetch them.")

    monkeypatch.setattr(weights, "pretrained", none)
    sent = done(made(data, tmp_path / "run", strategy="from-scratch"), data)
    assert isinstance(sent[-1], events.Completed)
    assert not any(isinstance(event, events.FirstAnswered) for event in sent)
    failed = done(made(data, tmp_path / "other"), data)[-1]
    assert isinstance(failed, events.Failed) and failed.problem == "The weights are not here."


def test_a_network_without_published_weights_can_be_left_to_auto(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, weights="none"))

    def none(*_: object) -> None:
        raise UserError("There are none.", "Choose from-scratch.")

    monkeypatch.setattr(weights, "pretrained", none)
    run = made(data, tmp_path / "run", strategy="auto")
    sent = done(run, data)
    assert isinstance(sent[-1], events.Completed), sent[-1]
    assert run.spec().training.strategy == "from-scratch"


# -- what is said --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("imbalance", "says"),
    [
        ("auto", "the loss takes into account how frequent each class is (logit adjustment)"),
        ("class-weights", "images of rarer classes weigh more in the loss, up to ten times (class weights)"),
        ("balanced-sampling", "images of rarer classes are shown more often"),
        ("off", None),
    ],
)
def test_what_is_done_about_unequal_classes_is_said_once(
    imbalance: str, says: str | None, tmp_path: Path, setups: list[Setup]
) -> None:
    data = write_dataset(tmp_path / "d", {"many": 60, "few": 10}, size=24)
    run = made(data, tmp_path / "run", imbalance=imbalance)
    sent = done(run, data)
    found = notices(sent, "imbalance")
    if says is None:
        assert found == []
        return
    (message,) = found
    counts = torch.bincount(setups[0].train.labels).tolist()
    few, many = sorted(counts)
    assert message.startswith(
        f"The largest class, 'many', has {many} training images, the smallest, 'few', {few}: {says}"
    )
    assert message.endswith("can be switched off.") == (imbalance == "auto")
    if imbalance == "auto":
        assert notices(done(run, data, more_epochs=1), "imbalance") == []


def test_classes_of_like_size_need_nothing(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "d", {"a": 30, "b": 12}, size=24)
    assert notices(done(made(data, tmp_path / "run"), data), "imbalance") == []


@pytest.mark.parametrize("imbalance", ["class-weights", "logit-adjustment", "balanced-sampling"])
def test_t17_a_class_without_a_training_image_is_named_and_nothing_becomes_infinite(
    imbalance: Any, data: Path, tmp_path: Path
) -> None:
    """A folder like that is refused when it is read; a run folder that was made elsewhere may be one."""
    setup = tiny_setup(data, tmp_path / "run", strategy="full-fine-tuning", imbalance=imbalance)
    kept = [index for index, label in enumerate(setup.train.labels.tolist()) if label == 0]
    train = setup.train
    setup.train = Part([train.paths[i] for i in kept], [train.hashes[i] for i in kept], train.labels[kept], "train")
    said = list(train_notices.notices(setup.training, setup.train, ["a", "b"]))
    assert said[0].code == "class_without_images"
    assert said[0].message == "There is no training image of 'b', so that class cannot be learned."
    three = list(train_notices.notices(setup.training, setup.train, ["a", "b", "c"]))
    assert three[0].message.startswith("There is no training image of 'b' and 'c', so those classes cannot be learned.")
    losses = [event.train_loss for event in finish(setup)[0] if isinstance(event, events.EpochEnded)]
    assert all(loss is not None and loss >= 0 for loss in losses)


def test_t23_mixing_says_what_it_costs_and_keeps_nothing(data: Path, tmp_path: Path, setups: list[Setup]) -> None:
    sent = done(made(data, tmp_path / "run", mixup=0.2, cutmix=1.0), data)
    (message,) = notices(sent, "mixing")
    assert message.startswith(
        "Training images are mixed with each other (mixup and cutmix): nothing of the frozen layers"
    )
    assert "run anew for every image of every epoch" in message and "cannot be compared" in message
    assert not setups[0].frozen.caching and notices(sent, "cache_too_large") == []


def test_a_learning_rate_for_layers_that_there_are_not_is_refused(data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run", group_learning_rates={"block 9": 1e-3})
    failed = done(run, data)[-1]
    assert isinstance(failed, events.Failed)
    assert failed.problem == "A learning rate is given for the layer group 'block 9', which Tiny does not have."
    assert failed.remedy == "Choose among its groups: stem, middle, top, head."


def test_a_device_that_cannot_be_used_ends_the_job_with_a_sentence(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLGUI_DEVICE", "meta")
    run = made(data, tmp_path / "run")
    (failed,) = done(run, data)
    assert isinstance(failed, events.Failed) and failed.problem.startswith("TLGUI_DEVICE names 'meta'")
    monkeypatch.setenv("TLGUI_DEVICE", "cpu")
    assert isinstance(done(run, data)[-1], events.Completed)


def test_a_run_says_why_a_card_that_is_there_does_not_train(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a command line nobody sees the chip of the window."""
    found = Found(torch.device("cpu"), "the graphics card is not used: its memory is taken by other programs")
    monkeypatch.setattr(train_job, "look_for_device", lambda: found)
    sent = done(made(data, tmp_path / "run", epochs=1), data)
    message = "The graphics card is not used: its memory is taken by other programs. The run trains on the processor."
    assert notices(sent, "device") == [message]
    assert isinstance(sent[-1], events.Completed)
    monkeypatch.setattr(train_job, "look_for_device", lambda: Found(torch.device("cpu")))
    assert notices(done(made(data, tmp_path / "quiet", epochs=1), data), "device") == []


# -- what is found out once ----------------------------------------------------------------------------------------


def test_the_number_format_is_found_out_once_and_kept_with_the_run(
    data: Path, tmp_path: Path, setups: list[Setup], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(train_setup, "precision_here", lambda network, first, device: asked.append(first) or "bf16")
    run = made(data, tmp_path / "run", strategy="full-fine-tuning", precision="auto")
    done(run, data)
    done(run, data, more_epochs=1)
    assert asked == [0] and [setup.precision for setup in setups] == ["bf16", "bf16"]
    machine = run.spec().machine
    assert machine is not None and machine.precision == "bf16"


@pytest.mark.parametrize(
    ("strategy", "first"),
    [("fine-tune-top", 2), ("progressive-unfreezing", 1), ("auto", 1)],
)
def test_what_is_tried_is_what_the_run_will_come_to_train(
    strategy: str, first: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(train_setup, "precision_here", lambda network, at, device: asked.append(at) or "float32")
    monkeypatch.setattr(train_job, "fit", _not_at_all)
    done(made(data, tmp_path / "run", strategy=strategy, precision="auto"), data)
    assert asked == [first]


def test_a_format_that_this_device_lacks_is_replaced_and_said(data: Path, tmp_path: Path, setups: list[Setup]) -> None:
    sent = done(made(data, tmp_path / "run", precision="fp16"), data)
    assert notices(sent, "precision") == [
        "This device cannot train in 16-bit numbers with a scaler (fp16), so 32-bit numbers are used."
    ]
    assert setups[0].precision == "float32"


def test_t02_fewer_images_than_a_batch_make_one_step_an_epoch_and_it_is_said(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "d", {"a": 7, "b": 7}, size=24)
    sent = done(made(data, tmp_path / "run", batch_size=32, epochs=2), data)
    images = next(event.train_images for event in sent if isinstance(event, events.RunStarted))
    assert images <= 10
    assert notices(sent, "small_batch") == [
        f"There are {images} training images, so a batch holds that many instead of 32."
    ]
    epochs = [event for event in sent if isinstance(event, events.EpochEnded)]
    assert [event.step for event in epochs][-2:] == [1, 2]
    assert all(event.train_loss is not None and event.train_loss > 0 for event in epochs)


@pytest.mark.parametrize(("images", "size"), [(40, 8), (186, 16)])
def test_t02_a_batch_left_to_the_program_is_written_down(
    images: int, size: int, tmp_path: Path, setups: list[Setup]
) -> None:
    data = write_dataset(tmp_path / "d", {"a": images // 2, "b": images // 2}, size=24)
    run = made(data, tmp_path / "run", batch_size="auto")
    sent = done(run, data)
    assert isinstance(sent[-1], events.Completed), sent[-1]
    assert run.spec().training.batch_size == setups[0].training.batch_size == size
    assert notices(sent, "batch_size") == [f"A batch holds {size} images, as many as suit this set and fit here."]
    assert notices(done(run, data, more_epochs=1), "batch_size") == []


def test_a_batch_left_to_the_program_fits_into_half_of_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tiny_network(2)
    network.set_trainable(0)
    each = train_setup.kept_per_image(network, 0, 0, torch.zeros(1, 3, 24, 24))
    update = train_setup.update_bytes(network, 0)
    for room, size in ((8, 8), (16, 16), (33, 32), (10**6, 128)):
        free = 2 * (update + int(1.5 * each * room) + 1)
        monkeypatch.setattr(free_memory, "device_available_bytes", lambda device, free=free: free)
        assert train_setup._batch_size(network, 0, 100_000, torch.device("cpu")) == size


@pytest.mark.parametrize(
    ("strategy", "cut"),
    [
        ("feature-extraction", 3),
        ("fine-tune-top", 3),
        ("progressive-unfreezing", 3),
        ("full-fine-tuning", 3),
        ("auto", 3),
        ("from-scratch", None),
    ],
)
def test_the_frozen_layers_are_compiled_up_to_the_head_with_each_lower_border(
    strategy: str, cut: int | None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What "auto" and an unfreezing move later is a lower border of the same file."""
    compiled: list[int] = []

    def recorded(network: object, at: int, known: str) -> Path:
        compiled.append(at)
        raise OSError("no compiler here")

    monkeypatch.setattr(train_setup, "compiled_trunk", recorded)
    monkeypatch.setattr(train_setup, "executor_for", lambda device, at, passes: "onnxruntime" if at else "torch")
    run = made(data, tmp_path / "run", strategy=strategy)
    monkeypatch.setattr(train_job, "fit", _not_at_all)
    done(run, data)
    assert compiled == ([] if cut is None else [cut])


@pytest.mark.parametrize("groups", [1, 3])
def test_a_move_that_is_taken_back_in_a_later_sitting_finds_the_compiled_layers_again(
    groups: int, data: Path, tmp_path: Path, setups: list[Setup], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another executor the numbers would be others than in a run that never stopped, and each image computed anew."""
    monkeypatch.setattr(train_setup, "executor_for", lambda device, at, passes: "onnxruntime" if at else "torch")
    run = made(data, tmp_path / "run")
    for more, command in ((0, commands.Unfreeze(groups=groups)), (1, commands.Undo())):
        control = Control()
        control.put(command)
        job = commands.Train(run=str(run.path), data=str(data), more_epochs=more)
        serve(job, control, _ListWire())
        # Layers that were trained are not served by the file, which knows them as they came.
        executors = [setups[-1].frozen._trunk.executor(cut) for cut in (1, 2, 3)]
        first = 3 if more else 3 - groups
        assert executors == ["onnxruntime" if cut <= first else "torch" for cut in (1, 2, 3)]


def test_what_is_kept_counts_the_views_that_join_later(
    data: Path, tmp_path: Path, setups: list[Setup], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four views, and one more after every ten epochs: in 40 epochs 4 + 3, with the plain one that has another format."""
    counted: list[int] = []
    inner = train_setup.needed_bytes

    def recorded(network: Any, cut: int, train: int, validation: int, views: int) -> int:
        counted.append(views)
        return inner(network, cut, train, validation, views)

    monkeypatch.setattr(train_setup, "needed_bytes", recorded)
    monkeypatch.setattr(cache, "budget_bytes", lambda: 1 << 30)
    monkeypatch.setattr(train_job, "fit", _not_at_all)
    done(made(data, tmp_path / "run", epochs=40, views=4, view_every=10), data)
    assert counted == [7]


def _not_at_all(setup: Setup) -> Any:
    raise UserError("Enough.", "Stop.")
    yield


def test_a_run_of_an_earlier_version_gets_the_values_that_it_lacks(
    data: Path, tmp_path: Path, setups: list[Setup]
) -> None:
    run = made(data, tmp_path / "run", strategy="fine-tune-top")
    spec = run.spec()
    lacks = dict.fromkeys(("warm_start", "norm_statistics", "unfreezing"))
    run.write_spec(msgspec.structs.replace(spec, training=msgspec.structs.replace(spec.training, **lacks)))
    assert isinstance(done(run, data)[-1], events.Completed)
    assert setups[0].training.warm_start is False and setups[0].training.unfreezing == "never"


# -- the same again, and nothing left behind -----------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["progressive-unfreezing", "auto"])
def test_n09_the_same_seed_gives_the_same_events_bit_for_bit(strategy: str, data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"strategy": strategy, "epochs": 3, "ema": 0.9, "imbalance": "balanced-sampling"}
    kinds = (events.BatchEnded, events.EpochEnded, events.LayersChanged)

    def said(name: str, seed: int) -> list[dict[str, Any]]:
        run = made(data, tmp_path / name, seed=seed, **options)
        sent = without_times([event for event in done(run, data) if isinstance(event, kinds)])
        return [*sent, {"best": run.best_path.read_bytes()}]

    one = said("one", 3)
    assert one == said("again", 3) and one != said("other", 4)


def test_p11_a_hundred_epochs_leave_two_checkpoints(data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run", epochs=100, patience=0, views=1, batch_size=64)
    assert isinstance(done(run, data)[-1], events.Completed)
    assert {path.name for path in run.checkpoints.iterdir()} == {"best.safetensors", "last.safetensors"}


def decoders() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("decoder")]


def test_p01_five_runs_in_one_engine_leave_no_thread_and_no_memory(data: Path, tmp_path: Path) -> None:
    held = []
    for number in range(5):
        run = made(data, tmp_path / f"run {number}", strategy="full-fine-tuning", seed=number)
        assert isinstance(done(run, data)[-1], events.Completed)
        assert decoders() == []
        held.append(psutil.Process().memory_info().rss)
    assert held[-1] - held[1] < 16 << 20


def test_p01_a_run_that_cannot_be_set_up_leaves_no_thread(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, part: Any, cut: int) -> bool:
        self._reader.read(part, [0, 1], 0)
        raise UserError("It is broken.", "Mend it.")

    monkeypatch.setattr(train_setup, "executor_for", lambda *_: "onnxruntime")
    monkeypatch.setattr(train_setup, "compiled_trunk", lambda *_: Path("x.onnx"))
    monkeypatch.setattr(train_setup, "Trunk", lambda *_: SimpleNamespace(changed_from=lambda cut: None))
    monkeypatch.setattr(train_setup.FrozenPart, "make_room", lambda *_: None)
    monkeypatch.setattr(train_setup.FrozenPart, "check", broken)
    failed = done(made(data, tmp_path / "run"), data)[-1]
    assert isinstance(failed, events.Failed) and failed.problem == "It is broken."
    assert decoders() == []
