"""D42: an image whose file is gone teaches nothing, is asked nothing, and leaves nothing in the cache."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import msgspec
import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import differing, finish, snapshot, tiny_setup, until
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.paths import cache_dir
from tlgui.engine import samples, seeding
from tlgui.engine.checkpoints import Place
from tlgui.engine.probe import fit_logistic_regression
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")
SKIPPED = "image_skipped"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("skipped") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture
def data(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(samples, "_SETTLES_S", 0)
    return shutil.copytree(original, tmp_path / "d")


def removed(data: Path, part: Part, indices: list[int]) -> list[str]:
    for index in indices:
        (data / part.paths[index]).unlink()
    return [part.paths[index] for index in indices]


def without(part: Part, indices: list[int]) -> Part:
    """The part as it would be if the images had never been."""
    kept = [index for index in range(len(part)) if index not in indices]
    return Part([part.paths[i] for i in kept], [part.hashes[i] for i in kept], part.labels[kept], part.name)


def notices(said: list[events.Event]) -> list[str]:
    return [event.message for event in said if isinstance(event, events.Notice) and event.code == SKIPPED]


def epochs_of(said: list[events.Event]) -> list[events.EpochEnded]:
    return [event for event in said if isinstance(event, events.EpochEnded)]


def cached_keys() -> set[str]:
    return {key.split("-")[0] for path in cache_dir().rglob("*.json") for key in json.loads(path.read_text())}


@pytest.mark.parametrize("caching", [True, False])
def test_the_warm_start_is_that_of_the_images_that_are_there(caching: bool, data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", caching=caching, warm_start=True)
    train = setup.train
    features = setup.frozen._reader.read(train, range(len(train)), 0)
    setup.network.evaluation_mode()
    with torch.inference_mode():
        features = setup.network.run(features, 0, 3)
    lost = [0, 9]
    removed(data, train, lost)
    said = until(setup, lambda event: isinstance(event, events.EpochEnded))
    kept = [index for index in range(len(train)) if index not in lost]
    weight, bias = fit_logistic_regression(features[kept], train.labels[kept], 3)
    assert torch.allclose(setup.network.head_linear.weight, weight, atol=1e-3)
    loss = cross_entropy(features[kept] @ weight.T + bias, train.labels[kept]).item()
    assert epochs_of(said)[0].train_loss == pytest.approx(loss, rel=1e-4)
    assert "2 of 40 so far" in notices(said)[-1]


@pytest.mark.parametrize("strategy", ["feature-extraction", "fine-tune-top", "full-fine-tuning"])
@pytest.mark.parametrize("caching", [True, False])
def test_a_run_that_lost_images_sees_what_a_run_without_them_sees_in_validation(
    caching: bool, strategy: str, data: Path, tmp_path: Path
) -> None:
    setup, never = (tiny_setup(data, tmp_path / name, caching=caching, strategy=strategy) for name in ("run", "never"))
    never.validation = without(never.validation, [2])
    lost = removed(data, setup.validation, [2])
    said, outcome = finish(setup)
    expected, outcome_of_never = finish(never)
    n = len(setup.validation)
    assert notices(said) == [f"The validation image '{lost[0]}' is gone and is skipped: 1 of {n} so far."]
    assert outcome == outcome_of_never
    for got, right in zip(epochs_of(said), epochs_of(expected), strict=True):
        assert (got.epoch, got.step, got.train_loss, got.best) == (
            right.epoch,
            right.step,
            right.train_loss,
            right.best,
        )
        assert got.validation_loss == pytest.approx(right.validation_loss, rel=1e-5)
        assert got.validation_accuracy == right.validation_accuracy
        assert got.validation_balanced_accuracy == right.validation_balanced_accuracy
    assert differing(snapshot(setup.network), snapshot(never.network)) == []


@pytest.mark.parametrize("strategy", ["feature-extraction", "full-fine-tuning"])
def test_a_batch_without_any_image_left_makes_no_step(strategy: str, data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy=strategy, batch_size=2, epochs=2)
    third = seeding.batches(seeding.order(setup.training.seed, 0, len(setup.train)), 2)[2]
    removed(data, setup.train, third)
    said, _ = finish(setup)
    batches = len(seeding.batches(list(range(len(setup.train))), 2))
    ended = epochs_of(said)[-1]
    # In the second epoch the two stand in two batches, each of which has another image.
    assert ended.epoch == 2 and ended.step == 2 * batches - 1
    losses = [event.loss for event in said if isinstance(event, events.BatchEnded)]
    assert all(map(math.isfinite, [*losses, *(epoch.train_loss for epoch in epochs_of(said))]))
    tensors = snapshot(setup.network)
    assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_the_loss_of_an_epoch_is_the_mean_of_the_images_that_are_there(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy="full-fine-tuning", batch_size=7, epochs=1)
    order = seeding.order(setup.training.seed, 0, len(setup.train))
    removed(data, setup.train, [order[1], order[8], order[9]])
    said, _ = finish(setup)
    cut = seeding.batches(order, 7)
    seen = [len(batch) - {0: 1, 1: 2}.get(number, 0) for number, batch in enumerate(cut)]
    losses = [event.loss for event in said if isinstance(event, events.BatchEnded)]
    assert len(losses) == len(seen)
    mean = sum(loss * n for loss, n in zip(losses, seen, strict=True)) / sum(seen)
    assert epochs_of(said)[-1].train_loss == pytest.approx(mean, rel=1e-9)


def test_nothing_is_cached_for_an_image_that_is_gone(data: Path, tmp_path: Path) -> None:
    """Another run finds the cache by the content alone, and must compute what was never there."""
    setup = tiny_setup(data, tmp_path / "run", views=2)
    content = (data / setup.train.paths[4]).read_bytes()
    (lost,) = removed(data, setup.train, [4])
    finish(setup)
    keys = cached_keys()
    assert setup.train.hashes[4][:32] not in keys and setup.train.hashes[5][:32] in keys
    (data / lost).write_bytes(content)
    again, fresh = (tiny_setup(data, tmp_path / name, views=2) for name in ("again", "fresh"))
    said, _ = finish(again)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLGUI_CACHE_DIR", str(tmp_path / "an empty cache"))
        expected, _ = finish(fresh)
    # The rest of what it said took its turn in the cache.
    assert notices(said) == [] and [e.train_loss for e in epochs_of(said)] == [
        e.train_loss for e in epochs_of(expected)
    ]
    assert differing(snapshot(again.network), snapshot(fresh.network)) == []


def test_what_the_cache_has_counts_until_the_file_is_missed(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", augmentation="off")
    frozen, train = setup.frozen, setup.train
    rows = frozen.activations(train, [3, 4], 0, 3)
    removed(data, train, [4])
    assert torch.equal(frozen.activations(train, [3, 4], 0, 3), rows) and not train.skipped
    assert len(frozen.activations(train, [3, 4], 0, 2)) == 1 and train.skipped == {4}
    assert torch.equal(frozen.activations(train, [3, 4], 0, 3), rows[:1]), "one number of images for a whole sitting"
    assert frozen.activations(train, [4], 0, 3).shape == (0,)


def test_the_executor_is_checked_by_images_that_are_there(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = tiny_setup(data, tmp_path / "run")
    checked: list[int] = []
    monkeypatch.setattr(setup.frozen._trunk, "agrees", lambda images, _cut: checked.append(len(images)) is None)
    # Four of eighty are a twentieth.
    train = setup.train
    names = [train.paths[index % len(train)] for index in range(80)]
    hashes = [train.hashes[index % len(train)] for index in range(80)]
    names[:4] = [f"a/gone {number}.png" for number in range(4)]
    assert setup.frozen.check(Part(names, hashes, torch.zeros(80, dtype=torch.int64), "train"), 3)
    assert checked == [4]


@pytest.mark.parametrize("where", ["warm start", "step", "validation"])
def test_more_than_a_few_end_the_run_and_what_was_learned_is_kept(where: str, data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy="full-fine-tuning", interval_s=1e9, warm_start=True)
    part = setup.validation if where == "validation" else setup.train

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 2:
            removed(data, part, [1, 2, 3, 4])

    if where == "warm start":
        removed(data, part, [1, 2, 3, 4])
    with pytest.raises(UserError, match=rf"^4 of {len(part)} (training|validation) images are gone") as caught:
        finish(setup, on_event)
    assert caught.value.code == "images_changed"
    if where == "step":
        place = setup.checkpoints.place()
        assert place.step >= 2 and len(place.gone) == 4


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("train", "training images"),
        ("validation", "validation images"),
        ("target", "images of the new site"),
    ],
)
def test_what_is_gone_is_counted_in_words_that_read_well(name: str, images: str) -> None:
    def part() -> Part:
        return Part([f"{n}.png" for n in range(30)], ["a"] * 30, torch.zeros(30, dtype=torch.int64), name)

    with pytest.raises(UserError, match=f"^5 of 30 {images} are gone, '0.png' among them"):
        part().skip(range(5))
    some = part()
    some.skip(range(2))
    (message,) = notices(list(some.notices()))
    assert message == f"2 {images} are gone and are skipped, '0.png' among them: 2 of 30 so far."


def test_a_run_that_had_lost_too_many_is_refused_until_they_are_back(data: Path, tmp_path: Path) -> None:
    def begun() -> Setup:
        return tiny_setup(data, tmp_path / "run", strategy="full-fine-tuning", interval_s=1e9)

    setup, again, last = begun(), begun(), begun()
    lost = setup.train.paths[1:5]
    contents = [(data / path).read_bytes() for path in lost]

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 2:
            removed(data, setup.train, [1, 2, 3, 4])

    with pytest.raises(UserError):
        finish(setup, on_event)
    again.resume = last.resume = True
    with pytest.raises(UserError, match=r"^4 of "):
        finish(again)
    for path, content in zip(lost[1:], contents[1:], strict=True):
        (data / path).write_bytes(content)
    said, _ = finish(last)
    assert [lost[0] in message for message in notices(said)] == [True]
    assert last.train.skipped == {1}


def test_where_nothing_vanishes_the_place_names_nothing(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=1)
    finish(setup)
    assert setup.checkpoints.place().gone == []
    written = msgspec.json.decode(msgspec.json.encode(setup.checkpoints.place()))
    del written["gone"]
    old = msgspec.json.decode(msgspec.json.encode(written), type=Place)
    assert old == setup.checkpoints.place(), "a checkpoint of an earlier version can be read"
