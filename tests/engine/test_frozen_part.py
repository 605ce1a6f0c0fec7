"""What the cache serves is what would be computed, and nothing else: each ingredient of the numbers is in its key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import RECIPE, finish, first_of, tiny_network, tiny_setup

from tlgui.core import events
from tlgui.core.augmentations import AUGMENTATIONS, Augmentation, in_use
from tlgui.core.paths import cache_dir
from tlgui.core.records import PixelRule
from tlgui.engine import frozen_part as module
from tlgui.engine.cache import ActivationStore
from tlgui.engine.frozen_part import FrozenPart, bytes_per_image
from tlgui.engine.samples import Part, Reader
from tlgui.engine.setup import Setup
from tlgui.engine.trunk import CHUNK, Trunk

PHOTOS = AUGMENTATIONS["photos"]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("frozen") / "d", {"a": 16, "b": 16}, size=24)


@pytest.fixture
def setup(data: Path, tmp_path: Path) -> Setup:
    return tiny_setup(data, tmp_path / "run")


def counting(frozen: FrozenPart, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of images that are read from now on."""
    read: list[int] = []
    inner = frozen._reader.read

    def counted(part: object, indices: list[int], view: int) -> torch.Tensor:
        read.append(len(indices))
        return inner(part, indices, view)  # type: ignore[arg-type]

    monkeypatch.setattr(frozen._reader, "read", counted)
    return read


@pytest.mark.parametrize("view", [0, 1, 2])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_what_is_cached_is_what_is_computed(cut: int, view: int, setup: Setup) -> None:
    frozen, part = setup.frozen, setup.train
    images = frozen._reader.read(part, range(len(part)), view)
    setup.network.evaluation_mode()
    with torch.inference_mode():
        expected = setup.network.run(images, 0, cut)
    for _ in range(2):  # computed, then from the cache
        got = frozen.activations(part, range(len(part)), view, cut)
        assert torch.allclose(got, expected, rtol=0 if view == 0 else 2**-10, atol=1e-5 if view == 0 else 2**-10)


def test_each_image_is_computed_once_and_in_whole_chunks(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen, part = setup.frozen, first_of(setup.train, 22)
    read = counting(frozen, monkeypatch)
    assert frozen.missing(part, 1, 3) == 22
    frozen.activations(part, [5, 3, 9], 1, 3)
    assert read == [CHUNK] and frozen.missing(part, 1, 3) == 22 - CHUNK
    frozen.activations(part, list(range(22)), 1, 3)
    frozen.activations(part, [21, 0], 1, 3)
    assert sum(read) == 22 and frozen.missing(part, 1, 3) == 0
    frozen.activations(part, [21, 0], 2, 3)
    assert sum(read) == 22 + CHUNK, "another view is another image"


def test_rows_are_the_same_whatever_was_computed_with_them(setup: Setup, data: Path, tmp_path: Path) -> None:
    """N09: the same image alone, among three, and among all, in any order."""
    rows = []
    for number, indices in enumerate(([7], [1, 7, 3], list(range(22)), [20, 19, 7, *range(5)])):
        fresh = tiny_setup(data, tmp_path / f"run {number}")
        fresh.train = first_of(setup.train, max(indices) + 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TLGUI_CACHE_DIR", str(tmp_path / f"cache {number}"))
            rows.append(fresh.frozen.activations(fresh.train, indices, 1, 3)[indices.index(7)])
    assert all(torch.equal(row, rows[0]) for row in rows[1:])


def test_plain_views_are_kept_exactly_and_augmented_ones_in_half_the_room(setup: Setup) -> None:
    setup.frozen.activations(setup.train, [0, 1], 0, 3)
    setup.frozen.activations(setup.train, [0, 1], 1, 3)
    setup.frozen.flush()
    import numpy as np

    kinds = sorted(np.load(path).dtype.name for path in (cache_dir() / "activations").rglob("*.npy"))
    assert kinds == ["float16", "float32"]


def nothing(network: object, options: dict[str, object]) -> None:
    pass


def one_bit(network: object, options: dict[str, object]) -> None:
    weight = network.model.conv1.weight.data  # type: ignore[attr-defined]
    weight.view(torch.int32)[0, 0, 0, 0] ^= 1


def one_bit_of_a_buffer(network: object, options: dict[str, object]) -> None:
    network.model.norm1.running_var.view(torch.int32)[0] ^= 1  # type: ignore[attr-defined]


def above_the_cut(network: object, options: dict[str, object]) -> None:
    network.model.fc.weight.data += 1  # type: ignore[attr-defined]


def option(name: str, value: object) -> Callable[[object, dict[str, object]], None]:
    return lambda network, options: options.update({name: value})


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (nothing, True),
        (above_the_cut, True),
        (one_bit, False),
        (one_bit_of_a_buffer, False),
        (option("recipe", msgspec.structs.replace(RECIPE, kernel="bicubic")), False),
        (option("recipe", msgspec.structs.replace(RECIPE, mean=(0.5, 0.5, 0.51))), False),
        (option("rule", PixelRule(background=(1, 2, 3))), False),
        (option("augmentation", in_use("photos", mirror=True)), True),
        (option("augmentation", in_use("photos", mirror=False)), False),
        *((option("augmentation", row), False) for row in AUGMENTATIONS.values() if row.name != "photos"),
        (option("cut", 2), False),
        (option("executor", "onnxruntime"), False),
        (option("version", "9.9"), False),
        (option("device", torch.device("cuda:0")), False),
        (option("views", 1), False),
    ],
)
def test_the_key_changes_with_each_ingredient(
    change: Callable[[object, dict[str, object]], None], same: bool, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    class Recorded(ActivationStore):
        def __init__(self, key: str, dtype: torch.dtype) -> None:
            keys.append(key)
            super().__init__(key, dtype)

    monkeypatch.setattr(module, "ActivationStore", Recorded)
    for alter in (nothing, change):
        options: dict[str, object] = {"recipe": RECIPE, "rule": PixelRule(), "augmentation": PHOTOS, "cut": 3}
        network = tiny_network(2)
        alter(network, options)
        if "version" in options:
            monkeypatch.setattr(module, "version", lambda name: "9.9")
        network.preprocessing = options["recipe"]  # type: ignore[assignment]
        augmentation: Augmentation = options["augmentation"]  # type: ignore[assignment]
        trunk = Trunk(network, torch.device("cpu"))
        if "device" in options:
            trunk.device = options["device"]  # type: ignore[assignment]
        if "views" in options:
            monkeypatch.setattr(module, "_VIEWS", options["views"])
        if "executor" in options:
            monkeypatch.setattr(trunk, "executor", lambda cut: "onnxruntime")
        rule: PixelRule = options["rule"]  # type: ignore[assignment]
        reader = Reader(data, network.preprocessing, rule, augmentation, 1)
        FrozenPart(network, trunk, reader, rule, augmentation, True)._store(options["cut"], augmented=True)  # type: ignore[arg-type]
        reader.close()
    assert (keys[0] == keys[1]) == same


def test_plain_views_are_shared_by_runs_with_and_without_augmentation(data: Path, tmp_path: Path) -> None:
    one = tiny_setup(data, tmp_path / "one", augmentation="photos").frozen._store(3, augmented=False)
    two = tiny_setup(data, tmp_path / "two", augmentation="off").frozen._store(3, augmented=False)
    assert one._folder == two._folder


def test_where_nothing_is_varied_each_view_shares_what_is_kept_of_the_plain_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, train = (setup := tiny_setup(data, tmp_path / "run", augmentation="off")).frozen, setup.train
    plain = frozen.activations(train, [0, 1], 0, 3)
    read = counting(frozen, monkeypatch)
    assert torch.equal(frozen.activations(train, [0, 1], 5, 3), plain) and not read
    assert frozen.missing(train, 5, 3) == frozen.missing(train, 0, 3)


def seen_by(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """(part, view) of each reading from now on, one after another without repeats."""
    seen: list[tuple[str, int]] = []
    inner = setup.frozen._reader.read

    def noted(part: Part, indices: list[int], view: int) -> torch.Tensor:
        if not seen or seen[-1] != (part.name, view):
            seen.append((part.name, view))
        return inner(part, indices, view)

    monkeypatch.setattr(setup.frozen._reader, "read", noted)
    return seen


@pytest.mark.parametrize("strategy", ["feature-extraction", "full-fine-tuning"])
def test_validation_is_never_varied_and_training_is(
    strategy: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T20: both parts come of one reader, and only the number of the view tells them apart."""
    setup = tiny_setup(data, tmp_path / "run", strategy=strategy, views=3, warm_start=False)
    first = setup.frozen.activations(setup.validation, range(len(setup.validation)), 0, 3)
    seen = seen_by(setup, monkeypatch)
    finish(setup)
    assert {view for part, view in seen if part == "validation"} <= {0}
    assert {view for part, view in seen if part == "train"} >= {1, 2}
    for _ in range(10):
        again = setup.frozen.activations(setup.validation, range(len(setup.validation)), 0, 3)
        assert strategy == "full-fine-tuning" or torch.equal(again, first)


def losses(data: Path, run: Path, **training: object) -> list[float]:
    setup = tiny_setup(data, run, epochs=4, views=3, **training)
    said, _ = finish(setup)
    assert setup.frozen.caching
    return [event.train_loss or 0.0 for event in said if isinstance(event, events.EpochEnded)]


def test_the_switches_of_the_augmentation_keep_their_effect_on_a_cached_trunk(data: Path, tmp_path: Path) -> None:
    """T36: the same seed and weights; only what is done to the training images differs."""
    choices: list[dict[str, object]] = [
        {"augmentation": "off"}, {"augmentation": "photos"}, {"augmentation": "photos", "mirror": False},
        {"augmentation": "microscopy"}, {"augmentation": "radiograph"}, {"augmentation": "tutorial"},
    ]  # fmt: skip
    curves = [losses(data, tmp_path / str(number), **choice) for number, choice in enumerate(choices)]
    assert len({curve[0] for curve in curves}) == 1, "the first epoch sees the plain images"
    for place in (1, 2):
        assert len({curve[place] for curve in curves}) == len(choices)
    assert losses(data, tmp_path / "again", augmentation="photos") == curves[1]


def test_new_views_are_computed_once_each_while_training_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=12, views=2, view_every=3, patience=0, warm_start=False)
    seen = seen_by(setup, monkeypatch)
    finish(setup)
    assert [view for part, view in seen if part == "train"] == [0, 1, 2, 3, 4]


class Swapped:
    """Mixes each image with its neighbour, and notes how many it was given."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.given.append(len(images))
        return 0.7 * images + 0.3 * images.roll(1, 0)


def test_of_mixed_images_nothing_is_kept_and_each_is_computed(setup: Setup) -> None:
    frozen, train = setup.frozen, setup.train
    mix = Swapped()
    images = frozen._reader.read(train, [3, 1, 2], 2)
    setup.network.evaluation_mode()
    with torch.inference_mode():
        expected = setup.network.run(0.7 * images + 0.3 * images[[2, 0, 1]], 0, 3)
    for _ in range(2):
        got = frozen.mixed(train, [3, 1, 2], 2, 3, mix)
        assert torch.allclose(got, expected, atol=1e-5)
    assert mix.given == [3, 3]
    frozen.flush()
    assert not list(cache_dir().rglob("*.npy")) and frozen.missing(train, 2, 3) == len(train)


def test_what_is_kept_of_single_images_is_not_taken_for_mixed_ones(setup: Setup) -> None:
    frozen, train = setup.frozen, setup.train
    alone = frozen.activations(train, [3, 1, 2], 2, 3)
    assert not torch.allclose(frozen.mixed(train, [3, 1, 2], 2, 3, Swapped()), alone, atol=1e-3)
    assert torch.equal(frozen.activations(train, [3, 1, 2], 2, 3), alone)


def test_mixed_images_are_those_that_are_there(tmp_path: Path) -> None:
    """T23: a batch that has become short, or odd, or empty."""
    place = write_dataset(tmp_path / "d", {"a": 60, "b": 20}, size=24)
    setup = tiny_setup(place, tmp_path / "run")
    frozen, train = setup.frozen, setup.train
    (place / train.paths[1]).unlink()
    mix = Swapped()
    got = frozen.mixed(train, [0, 1, 2, 3], 1, 3, mix)
    assert mix.given == [3] and train.there([0, 1, 2, 3]) == [0, 2, 3]
    assert torch.equal(got, frozen.mixed(train, [0, 2, 3], 1, 3, mix))
    assert frozen.mixed(train, [1], 1, 3, mix).shape == (0,) and mix.given == [3, 3]


def test_after_training_lower_groups_nothing_old_is_served(setup: Setup) -> None:
    frozen, part, network = setup.frozen, setup.train, setup.network
    old = frozen.activations(part, [0, 1], 1, 3)
    frozen.changed_from(2)
    network.parameters(2)[0].data *= 1.5
    new = frozen.activations(part, [0, 1], 1, 3)
    assert not torch.equal(old, new)
    with torch.inference_mode():
        expected = network.run(frozen._reader.read(part, [0, 1], 1), 0, 3)
    assert torch.allclose(new, expected, rtol=2**-10, atol=2**-10)


def test_without_a_cache_nothing_is_written(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", caching=False)
    setup.frozen.activations(setup.train, [0, 1, 2], 1, 3)
    setup.frozen.flush()
    assert not list((cache_dir()).rglob("*.npy"))
    assert setup.frozen.missing(setup.train, 1, 3) == len(setup.train)


def test_bytes_per_image_are_those_of_float16() -> None:
    assert bytes_per_image(tiny_network(3), 1) == 2 * 8 * 12 * 12
    assert bytes_per_image(tiny_network(3), 3) == 2 * 16
