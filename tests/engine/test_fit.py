"""The loop on a tiny network: what is frozen stays, what is counted is right, and the same seed says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch
from helpers.pictures import write_dataset
from helpers.tiny import RECIPE, differing, finish, first_of, snapshot, tiny_setup, without_times
from torch import Tensor

from tlgui.core import events
from tlgui.core.run_folder import RunFolder
from tlgui.engine import validation
from tlgui.engine.precision import Mixed
from tlgui.engine.probe import fit_logistic_regression
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup

STRATEGIES = ["feature-extraction", "fine-tune-top", "full-fine-tuning"]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("fit") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


def of(said: list[events.Event], kind: type[events.Event]) -> list[events.Event]:
    return [event for event in said if isinstance(event, kind)]


def epochs_of(said: list[events.Event]) -> list[events.EpochEnded]:
    return [event for event in said if isinstance(event, events.EpochEnded)]


def all_logits(setup: Setup) -> Tensor:
    """Raw outputs for the plain validation images, by the network's own forward."""
    part = setup.validation
    images = setup.frozen.activations(part, range(len(part)), 0, 0)
    setup.network.evaluation_mode()
    with torch.inference_mode():
        outputs: Tensor = setup.network.model(images)
    return outputs


def mean_loss(logits: Tensor, labels: Tensor) -> float:
    """Mean negative log-likelihood per image, in numpy."""
    scores = logits.double().numpy()
    scores = scores - scores.max(axis=1, keepdims=True)
    log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(labels)), labels.numpy()].mean())


@pytest.mark.parametrize("batch_size", [8, 32])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_frozen_stays_equal_bit_for_bit_and_what_trains_changes(
    strategy: str, batch_size: int, data: Path, tmp_path: Path
) -> None:
    """T03: parameters and buffers below the cut, after each switch from validation back to training too."""
    setup = tiny_setup(data, tmp_path / "run", strategy=strategy, batch_size=batch_size, head_learning_rate=0.01)
    setup = with_training(setup, top_learning_rate=0.01, stem_factor=1.0, norm_statistics="auto")
    network = setup.network
    first = {"feature-extraction": 3, "fine-tune-top": 2, "full-fine-tuning": 0}[strategy]
    before, drifted = snapshot(network, 0, first), []
    upper = snapshot(network, first)

    def check(event: events.Event) -> None:
        if isinstance(event, events.EpochEnded | events.BatchEnded):
            drifted.extend(differing(before, snapshot(network, 0, first)))

    said, outcome = finish(setup, check)
    assert drifted == []
    assert len(epochs_of(said)) == 3 + bool(setup.training.warm_start)
    changed = differing(upper, snapshot(network, first))
    statistics = {name for name in upper if "running_" in name or "num_batches" in name}
    assert set(changed) >= upper.keys() - statistics
    # Statistics move with batches of 32 and keep still below 30.
    assert set(changed) & statistics == (statistics if batch_size == 32 else set())
    assert (outcome.lowest, outcome.stopped) == (first, False)


def with_training(setup: Setup, **changes: object) -> Setup:
    setup.training = msgspec.structs.replace(setup.training, **changes)  # type: ignore[arg-type]
    return setup


@pytest.mark.parametrize(("strategy", "trains"), [(STRATEGIES[0], 51), (STRATEGIES[1], 1827), (STRATEGIES[2], 2967)])
def test_the_first_event_counts_parameters(strategy: str, trains: int, data: Path, tmp_path: Path) -> None:
    said, _ = finish(tiny_setup(data, tmp_path / "run", strategy=strategy, epochs=1))
    (start,) = of(said, events.LayersChanged)
    assert said[0] is start and isinstance(start, events.LayersChanged)
    assert (start.parameters, start.trainable_parameters, start.reason) == (2967, trains, "start")
    assert [group.name for group in start.groups] == ["stem", "middle", "top", "head"]
    assert all((group.learning_rate is None) != group.trainable for group in start.groups)


def test_the_training_mode_is_set_where_the_groups_train_alone(data: Path, tmp_path: Path) -> None:
    """E06: in the middle of an epoch the frozen part is in evaluation mode; at its end the whole network is."""
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", batch_size=32, norm_statistics="auto")
    model = setup.network.model
    seen: list[tuple[bool, bool, bool]] = []

    def look(event: events.Event) -> None:
        norms = (model.get_submodule("norm1"), model.get_submodule("norm3"), model.get_submodule("drop"))
        modes = tuple(module.training for module in norms)
        if isinstance(event, events.BatchEnded) and event.batch == 1:
            assert modes == (False, True, True)
        if isinstance(event, events.EpochEnded):
            assert modes == (False, False, False)
        seen.append(modes)  # type: ignore[arg-type]

    finish(setup, look)
    assert (False, True, True) in seen


def test_the_loss_is_taken_of_logits(data: Path, tmp_path: Path) -> None:
    """T35: no softmax in the network, none twice in the loss."""
    setup = tiny_setup(
        data, tmp_path / "run", epochs=1, augmentation="off", head_learning_rate=1e-12, batch_size=100, views=1
    )
    setup.network.model.get_submodule("drop").p = 0.0  # type: ignore[assignment]
    part = setup.train
    features = setup.frozen.activations(part, range(len(part)), 0, 3)
    weight, bias = fit_logistic_regression(features, part.labels, 3, strength=1e-4)
    linear = setup.network.head_linear
    with torch.no_grad():
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
    logits = features @ weight.T + bias
    assert (torch.sum(logits, 1) - 1).abs().min() > 1e-3
    said, _ = finish(setup)
    (batch,) = of(said, events.BatchEnded)
    assert isinstance(batch, events.BatchEnded) and batch.loss is not None
    assert batch.loss == pytest.approx(mean_loss(logits, part.labels), rel=1e-4)
    # Perfect logits give a loss near 0, where a second softmax could not give less than log(1 + 2/e) = 0.55.
    assert batch.loss < 0.05


@pytest.mark.parametrize("batch_size", [1, 7, 32, 64])
def test_validation_counts_each_image_once_whatever_the_batch_size(batch_size: int, data: Path, tmp_path: Path) -> None:
    """T18, N10: 33 images of which the last one alone is answered wrongly: 32/33, and the mean loss per image."""
    setup = tiny_setup(data, tmp_path / "run", epochs=1, batch_size=batch_size, head_learning_rate=1e-12)
    setup.train, setup.validation = first_of(setup.train, 3), first_of(setup.train, 33)
    setup.network.head_linear.weight.data *= 20
    logits = all_logits(setup)
    labels = logits.argmax(1)
    labels[-1] = (labels[-1] + 1) % 3
    setup.validation = type(setup.validation)(setup.validation.paths, setup.validation.hashes, labels)
    (end,) = epochs_of(finish(setup)[0])
    assert end.validation_accuracy == 32 / 33
    assert end.validation_loss == pytest.approx(mean_loss(logits, labels), abs=1e-6)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_n10_the_validation_score_does_not_depend_on_batches_or_order(
    strategy: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches of 1, 7 and 64, and shuffled: equal to 1e-6 in accuracy and 1e-4 in loss."""

    def scores(size: int, shuffled: bool) -> list[tuple[float, float]]:
        monkeypatch.setattr(validation, "_BATCH", size)
        name = f"{size} {shuffled}"
        setup = tiny_setup(data, tmp_path / name, strategy=strategy, epochs=2, batch_size=32, top_learning_rate=0.01)
        part = first_of(setup.train, 33)
        order = np.random.default_rng(0).permutation(33).tolist() if shuffled else list(range(33))
        paths, hashes = [part.paths[i] for i in order], [part.hashes[i] for i in order]
        setup.validation = Part(paths, hashes, part.labels[order])
        return [(e.validation_accuracy or 0.0, e.validation_loss or 0.0) for e in epochs_of(finish(setup)[0])]

    expected = scores(32, False)
    for size, shuffled in ((1, False), (7, True), (64, True)):
        for (accuracy, loss), (right, true_loss) in zip(scores(size, shuffled), expected, strict=True):
            assert accuracy == pytest.approx(right, abs=1e-6)
            assert loss == pytest.approx(true_loss, rel=1e-4)


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_n08_the_kept_model_opened_again_has_the_score_of_its_epoch(
    strategy: str, ema: float, data: Path, tmp_path: Path
) -> None:
    """To the last image; the weights are those of the file alone, and the images are read anew."""
    setup = tiny_setup(data, tmp_path / "run", strategy=strategy, epochs=4, ema=ema, top_learning_rate=0.01)
    said, outcome = finish(setup)
    best = next(event for event in epochs_of(said) if event.epoch == outcome.best_epoch)
    other = tiny_setup(data, tmp_path / "other", strategy=strategy, caching=False)
    other.network.model.load_state_dict(safetensors.torch.load_file(RunFolder(tmp_path / "run").best_path))
    logits = all_logits(other)
    labels = other.validation.labels
    assert best.validation_accuracy == (logits.argmax(1) == labels).double().mean().item()
    assert best.validation_loss == pytest.approx(mean_loss(logits, labels), rel=1e-5)


@pytest.mark.parametrize(
    ("norm_statistics", "batch_size", "moves"),
    [("frozen", 40, False), ("batch", 40, True), ("batch", 8, True), ("auto", 40, True), ("auto", 8, False)],
)
def test_statistics_of_layers_that_train_move_where_the_batch_is_large_enough_or_as_asked(
    norm_statistics: str, batch_size: int, moves: bool, data: Path, tmp_path: Path
) -> None:
    """BatchNorm below about 30 images keeps what it has, unless asked to move; what is frozen never moves (T03)."""
    options: dict[str, Any] = {"norm_statistics": norm_statistics, "batch_size": batch_size, "epochs": 1}
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", **options)
    before = snapshot(setup.network)
    finish(setup)
    changed = {name for name in differing(before, snapshot(setup.network)) if "running_" in name or "tracked" in name}
    assert changed == ({"norm3.running_mean", "norm3.running_var", "norm3.num_batches_tracked"} if moves else set())


def test_balanced_accuracy_is_the_mean_recall_of_the_classes_that_are_there(data: Path, tmp_path: Path) -> None:
    """T19: the validation images show classes 0 and 2 alone."""
    setup = tiny_setup(data, tmp_path / "run", epochs=1, head_learning_rate=1e-12)
    part = setup.validation
    labels = torch.tensor([0] * (len(part) - 2) + [2, 2])
    setup.validation = type(part)(part.paths, part.hashes, labels)
    with torch.no_grad():
        setup.network.head_linear.weight.zero_()
        setup.network.head_linear.bias.copy_(torch.tensor([0.0, -5.0, 1.0]))  # always answers 2
    (end,) = epochs_of(finish(setup)[0])
    assert end.validation_accuracy == pytest.approx(2 / len(part))
    assert end.validation_balanced_accuracy == 0.5


def test_fewer_images_than_a_batch_make_one_step_an_epoch_and_a_notice(data: Path, tmp_path: Path) -> None:
    """T02: 10 images, batches of 32."""
    setup = tiny_setup(data, tmp_path / "run", batch_size=32, strategy="full-fine-tuning", epochs=2)
    train = setup.train
    spread = [number * len(train) // 10 for number in range(10)]  # of all classes, so that there is a loss
    setup.train = Part([train.paths[i] for i in spread], [train.hashes[i] for i in spread], train.labels[spread])
    statistics = setup.network.model.state_dict()["norm1.running_mean"].clone()
    said, _ = finish(setup)
    (notice,) = (event for event in said if isinstance(event, events.Notice))
    assert notice.code == "small_batch"
    assert notice.message == "There are 10 training images, so a batch holds that many instead of 32."
    assert [event.step for event in epochs_of(said)] == [1, 2]
    assert all(event.train_loss and event.train_loss > 0 for event in epochs_of(said))
    # Ten images are too few for statistics of their own, however large a batch was asked for.
    assert torch.equal(setup.network.model.state_dict()["norm1.running_mean"], statistics)


@pytest.mark.parametrize("images", [33, 34, 65])
def test_a_last_batch_of_one_or_two_does_no_harm(images: int, data: Path, tmp_path: Path) -> None:
    """T01: BatchNorm on maps of 1 x 1, for which one image has no variance and two have junk."""
    recipe = msgspec.structs.replace(RECIPE, size=8, resize_to=8)
    auto: dict[str, Any] = {"norm_statistics": "auto", "batch_size": 32, "epochs": 1}
    setup = tiny_setup(data, tmp_path / "run", recipe=recipe, strategy="full-fine-tuning", caching=False, **auto)
    setup.validation, setup.train = first_of(setup.train, 33), first_of(setup.train, images)
    sizes: list[int] = []
    inner = setup.frozen.activations

    def counted(part: object, indices: list[int], view: int, cut: int) -> Tensor:
        if part is setup.train and cut == 0:
            sizes.append(len(indices))
        return inner(part, indices, view, cut)  # type: ignore[arg-type]

    setup.frozen.activations = counted  # type: ignore[method-assign, assignment]
    said, _ = finish(setup)
    assert sizes == {33: [33], 34: [32, 2], 65: [32, 33]}[images]
    last = epochs_of(said)[-1]
    assert last.validation_loss is not None and last.train_loss is not None
    right = last.validation_accuracy
    assert right is not None and round(right * 33) == pytest.approx(right * 33)
    batches = setup.network.model.state_dict()["norm3.num_batches_tracked"]
    assert int(batches) - 20 == {33: 1, 34: 1, 65: 2}[images]  # 20: tiny_network's own


def test_the_rates_that_are_shown_are_those_in_use(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", epochs=2)
    used: list[dict[int, float]] = []
    record = torch.optim.AdamW.step

    def step(self: torch.optim.AdamW, *args: object) -> object:
        used.append({group["layer"]: group["lr"] for group in self.param_groups})
        return record(self, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        said, _ = finish(setup)
    for event in epochs_of(said)[1:]:
        assert event.learning_rates == {"top": used[event.step - 1][2], "head": used[event.step - 1][3]}


@pytest.mark.parametrize("caching", [True, False])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_says_the_same_and_another_seed_does_not(
    strategy: str, caching: bool, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N09: in fresh caches, and in one that a run of another seed filled in another order."""

    def said(seed: int, cache: str, name: str) -> list[dict[str, object]]:
        monkeypatch.setenv("TLGUI_CACHE_DIR", str(tmp_path / cache))
        setup = tiny_setup(
            data, tmp_path / name, strategy=strategy, caching=caching, seed=seed, batch_size=9, views=2, epochs=2
        )
        return without_times(finish(setup)[0])

    one, again = said(1, "first", "one"), said(1, "second", "again")
    assert one == again
    other = said(2, "third", "other")
    assert other != one
    # Half of one view is there already, in the order of the other seed and computed in other company.
    half = tiny_setup(data, tmp_path / "half", strategy=strategy, caching=caching, seed=3, batch_size=5, views=2)
    half.train = first_of(half.train, 17)
    finish(half)
    assert [e for e in said(1, "third", "warm") if e["type"] != "Progress"] == [
        e for e in one if e["type"] != "Progress"
    ]


def test_a_run_leaves_the_random_numbers_of_others_out_of_its_own(data: Path, tmp_path: Path) -> None:
    """N09: whatever was drawn before does not matter."""
    one = without_times(finish(tiny_setup(data, tmp_path / "one", strategy="full-fine-tuning", epochs=1))[0])
    torch.randn(17)
    np.random.default_rng().random()
    two = without_times(finish(tiny_setup(data, tmp_path / "two", strategy="full-fine-tuning", epochs=1))[0])
    assert one == two


def test_a_full_disk_costs_speed_and_never_the_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tlgui.engine import cache

    expected = without_times(finish(tiny_setup(data, tmp_path / "one"))[0])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.np, "save", full)
    monkeypatch.setattr(cache, "_SHARD_BYTES", 500)  # a flush after every few rows
    monkeypatch.setattr(cache, "_MEMORY_BYTES", 800)  # and hardly any room for them
    monkeypatch.setenv("TLGUI_CACHE_DIR", str(tmp_path / "another"))
    assert without_times(finish(tiny_setup(data, tmp_path / "two"))[0]) == expected


def test_early_stopping_says_that_the_plan_was_longer(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=9, patience=2, head_learning_rate=1e-12)
    said, outcome = finish(setup)
    assert len(epochs_of(said)) == 3 and not outcome.stopped and outcome.best_epoch == 1
    (notice,) = (event for event in said if isinstance(event, events.Notice))
    assert notice.code == "stopped_early" and "epoch 3 of 9" in notice.message


def test_the_training_loss_of_each_epoch_is_the_mean_per_image(data: Path, tmp_path: Path) -> None:
    """T18: batches of 9, 9, 9, 9 and 4."""
    said, _ = finish(tiny_setup(data, tmp_path / "run", batch_size=9, epochs=3))
    for end in epochs_of(said):
        losses = [e.loss for e in said if isinstance(e, events.BatchEnded) and e.epoch == end.epoch]
        assert len(losses) == 5
        sizes = [9, 9, 9, 9, 4]
        expected = sum(loss * size for loss, size in zip(losses, sizes, strict=True) if loss is not None) / 40
        assert end.train_loss == pytest.approx(expected, rel=1e-12)


def test_each_batch_says_the_learning_rates_in_use(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", top_groups=1, epochs=2)
    used: list[dict[str, float]] = []
    step = Mixed.step

    def note(mixed: Mixed, optimizer: torch.optim.Optimizer, parameters: Any) -> None:
        used.append({setup.network.group_names[group["layer"]]: group["lr"] for group in optimizer.param_groups})
        step(mixed, optimizer, parameters)

    monkeypatch.setattr(Mixed, "step", note)
    said, _ = finish(setup)

    batches = [event for event in said if isinstance(event, events.BatchEnded)]
    assert len(batches) > 4
    assert [event.learning_rates for event in batches] == [used[event.step - 1] for event in batches]
    heads = [event.learning_rates["head"] for event in batches]
    assert batches[0].learning_rates.keys() == {"top", "head"}
    assert heads[0] < max(heads) and heads[-1] < max(heads) / 10  # up, and down again
    assert batches[-1].learning_rates == epochs_of(said)[-1].learning_rates
