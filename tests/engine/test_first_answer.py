"""The first answer: who is asked, that groups stay together, and that its number is that of another regression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import finish, tiny_network, tiny_setup, until
from sklearn.linear_model import LogisticRegression

from tlgui.core import commands, events
from tlgui.core.events import Event
from tlgui.core.run_spec import FirstAnswer
from tlgui.core.shares import clustered, wilson
from tlgui.engine import first_answer as module
from tlgui.engine.first_answer import Features, drawn, first_answer, inner_split, read_features, said
from tlgui.engine.probe import cross_validated
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("first") / "d", {"a": 24, "b": 20, "c": 16}, size=24)


def goes_on() -> Generator[Event, None, bool]:
    yield from ()
    return True


def ask(setup: Setup) -> tuple[FirstAnswer | None, list[Event], Features]:
    features, said = Features(), list[Event]()
    steps = first_answer(setup, features, goes_on)
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said, features


def of_counts(setup: Setup, counts: dict[int, int], groups: list[str] | None = None) -> Setup:
    """With training images of these classes, which are never read."""
    labels = torch.tensor([label for label, n in counts.items() for _ in range(n)])
    names = [f"{index:05}.png" for index in range(len(labels))]
    setup.train = Part(names, names, labels, "train")
    setup.groups = groups or []
    return setup


def test_it_is_said_before_the_first_epoch_and_kept(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run")
    kept: list[object] = []
    setup.settle = lambda answer, chosen, training: kept.append((answer, chosen, training))
    said, _ = finish(setup)

    (answer,) = (event for event in said if isinstance(event, events.FirstAnswered))
    kinds = [type(event).__name__ for event in said]
    assert kinds.index("FirstAnswered") < kinds.index("EpochEnded")
    assert 0 <= answer.low <= answer.accuracy <= answer.high <= 1
    assert answer.images == len(setup.train) and answer.folds == 5
    assert (answer.classes, answer.of_classes) == (
        len(set(setup.train.labels.tolist())),
        setup.network.classes,
    ) and answer.whole
    assert answer.largest_class == max(Counter(setup.train.labels.tolist()).values()) / len(setup.train)
    as_kept = FirstAnswer(
        accuracy=answer.accuracy, low=answer.low, high=answer.high, images=answer.images, folds=answer.folds
    )
    assert kept == [(as_kept, None, setup.training)]


def test_its_share_is_that_of_scikit_learn_on_the_same_folds(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run")
    answer, _, features = ask(setup)
    assert answer is not None
    asked = drawn(setup)
    x, y = features.of(asked)[1].numpy().astype(np.float64), setup.train.labels[asked].numpy()
    x = (x - x.mean(0)) / np.maximum(x.std(0), 0.1 * np.sort(x.std(0))[(x.shape[1] - 1) // 2])
    folds = module._folds(module._records(setup, asked), setup.training.seed)
    assert folds is not None
    right = np.zeros(len(y), bool)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(y)), fold.numpy())
        reference = LogisticRegression(C=1 / (len(rest) * 1e-2), tol=1e-10, max_iter=5_000).fit(x[rest], y[rest])
        right[fold.numpy()] = reference.predict(x[fold.numpy()]) == y[fold.numpy()]
    assert answer.accuracy == pytest.approx(right.mean(), abs=1.5 / len(y))
    assert (answer.low, answer.high) == pytest.approx(wilson(round(answer.accuracy * len(y)), len(y)))


def test_folds_hold_each_image_once_none_is_empty_and_groups_stay_together(data: Path, tmp_path: Path) -> None:
    groups = [f"patient {index // 4}" for index in range(60)]
    setup = of_counts(tiny_setup(data, tmp_path / "run"), {0: 24, 1: 20, 2: 16}, groups)
    asked = drawn(setup)
    folds = module._folds(module._records(setup, asked), 0)
    assert folds is not None
    places = torch.cat(folds)
    assert sorted(places.tolist()) == list(range(60)) and min(map(len, folds)) > 0
    for fold in folds:
        mine = {groups[place] for place in fold.tolist()}
        assert len(fold) == sum(group in mine for group in groups)


@pytest.mark.parametrize(
    ("counts", "asked"),
    [
        ({0: 40}, 0),  # one class
        ({0: 40, 1: 1}, 0),  # the other one cannot be cross-validated
        ({0: 4, 1: 4}, 0),  # too few
        ({0: 5, 1: 5}, 10),
        ({0: 20, 1: 20, 2: 1}, 40),
    ],
)
def test_who_is_asked(counts: dict[int, int], asked: int, data: Path, tmp_path: Path) -> None:
    assert len(drawn(of_counts(tiny_setup(data, tmp_path / "run"), counts))) == asked


def test_a_class_of_two_images_leaves_two_folds(data: Path, tmp_path: Path) -> None:
    setup = of_counts(tiny_setup(data, tmp_path / "run"), {0: 20, 1: 20, 2: 2})
    folds = module._folds(module._records(setup, drawn(setup)), 0)
    assert folds is not None and len(folds) == 2


def test_of_many_images_a_part_is_drawn_with_each_class_and_whole_groups(data: Path, tmp_path: Path) -> None:
    groups = [f"{index // 3}" for index in range(3_000)]
    setup = of_counts(tiny_setup(data, tmp_path / "run"), {0: 2_100, 1: 600, 2: 300}, groups)
    chosen = drawn(setup, 500)
    assert abs(len(chosen) - 500) <= 6
    for label, share in {0: 0.7, 1: 0.2, 2: 0.1}.items():
        assert int((setup.train.labels[chosen] == label).sum()) == pytest.approx(500 * share, abs=6)
    mine = {groups[index] for index in chosen}
    assert len(chosen) == sum(group in mine for group in groups)
    assert chosen == drawn(setup, 500)


def test_the_inner_split_keeps_groups_and_classes(data: Path, tmp_path: Path) -> None:
    groups = [f"{index // 3}" for index in range(90)]
    setup = of_counts(tiny_setup(data, tmp_path / "run"), {0: 60, 1: 30}, groups)
    learned, held = inner_split(setup, range(90), 1 / 3)
    assert sorted(learned + held) == list(range(90)) and len(held) == 30
    assert not {groups[index] for index in learned} & {groups[index] for index in held}
    assert int((setup.train.labels[held] == 1).sum()) == pytest.approx(10, abs=2)  # groups of three


@pytest.mark.parametrize("after", [1, 3])
def test_stop_is_heard_and_nothing_is_said(after: int, data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run")
    setup.settle = lambda *_: pytest.fail("nothing was found out")
    heard: list[Event] = []

    def stop(event: Event) -> None:
        heard.append(event)
        if len(heard) == after:
            setup.control.put(commands.Stop())

    said, outcome = finish(setup, stop)
    assert outcome.stopped and outcome.best_epoch is None
    assert not [event for event in said if isinstance(event, events.FirstAnswered | events.EpochEnded)]


def test_images_that_are_gone_are_not_asked(data: Path, tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "d", {"a": 24, "b": 20}, size=24)
    setup = tiny_setup(root, tmp_path / "run")
    (root / setup.train.paths[3]).unlink()
    answer, said, features = ask(setup)
    assert answer is not None and answer.images == len(setup.train) - 1 and 3 not in features.rows
    assert [event.code for event in said if isinstance(event, events.Notice)] == ["image_skipped"]


def test_an_answer_of_an_earlier_sitting_is_said_and_not_asked_again(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run")
    setup.first_answer = FirstAnswer(accuracy=0.5, low=0.4, high=0.6, images=33, folds=5)
    said = until(setup, lambda event: isinstance(event, events.EpochEnded))
    (answer,) = (event for event in said if isinstance(event, events.FirstAnswered))
    assert (answer.accuracy, answer.images, answer.seconds) == (0.5, 33, 0.0)
    assert "asking" not in repr([event.stage for event in said if isinstance(event, events.Progress)])


def test_what_is_said_again_is_of_the_images_that_were_asked(tmp_path: Path) -> None:
    """A class with one training image cannot be cross-validated."""
    root = write_dataset(tmp_path / "d", {"a": 24, "b": 20, "c": 3}, size=24)

    def answers(name: str, known: FirstAnswer | None) -> events.FirstAnswered:
        setup = tiny_setup(root, tmp_path / name)
        one = setup.train.labels.tolist()
        kept = [index for index, label in enumerate(one) if label != 2] + [one.index(2)]
        setup.train = Part(
            [setup.train.paths[i] for i in kept],
            [setup.train.hashes[i] for i in kept],
            setup.train.labels[kept],
            "train",
        )
        setup.groups = []
        setup.first_answer = known
        said = until(setup, lambda event: isinstance(event, events.FirstAnswered))
        assert isinstance(said[-1], events.FirstAnswered)
        counts[:] = [setup.train.labels.tolist().count(label) for label in (0, 1)]
        return said[-1]

    counts: list[int] = []

    first = answers("first", None)
    known = FirstAnswer(**{name: getattr(first, name) for name in FirstAnswer.__struct_fields__})
    again = answers("again", known)
    assert (first.classes, first.of_classes) == (3, 3) and first.whole, "the images show it all the same"
    assert first.largest_class == pytest.approx(max(counts) / sum(counts))
    assert msgspec.structs.replace(first, seconds=0.0) == again


def test_a_network_that_begins_at_random_is_not_asked(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy="from-scratch", epochs=1)
    setup.training = msgspec.structs.replace(setup.training, warm_start=True)  # and noise is no start for a head
    said, _ = finish(setup)
    assert not [event for event in said if isinstance(event, events.FirstAnswered)]
    assert [event.epoch for event in said if isinstance(event, events.EpochEnded)] == [1]


def test_the_features_are_what_the_head_takes(data: Path, tmp_path: Path) -> None:
    for head in ("linear", "hidden"):
        setup = tiny_setup(data, tmp_path / head)
        if head == "hidden":
            setup.network.model.set_submodule(
                "fc", torch.nn.Sequential(torch.nn.Linear(16, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
            )
        features = Features()
        list(read_features(setup, features, [4, 2], goes_on, "x"))
        images = setup.frozen.activations(setup.train, [4, 2], 0, 0)
        with torch.inference_mode():
            expected = setup.network.run(images, 0, 3)
        there, rows = features.of([4, 9, 2])
        assert there == [4, 2]
        assert torch.allclose(rows, expected, atol=1e-5)


def test_cross_validation_in_the_span_of_the_images_is_that_of_all_features() -> None:
    """Fewer images than features: the same images are told right as with features padded to a smaller number."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 2
    rows = torch.randn(40, 90, generator=generator) + labels[:, None] * torch.randn(90, generator=generator) * 0.3
    folds = [torch.arange(start, 40, 5) for start in range(5)]
    steps = cross_validated(rows, labels, 2, folds)
    assert [next(steps) for _ in range(5)] == [1, 2, 3, 4, 5]
    with pytest.raises(StopIteration) as end:
        next(steps)
    right = end.value.value
    x = ((rows - rows.mean(0)) / rows.std(0, unbiased=False)).numpy()
    for fold in folds:
        rest = np.setdiff1d(np.arange(40), fold.numpy())
        reference = LogisticRegression(C=2 / (32 * 1e-2), tol=1e-10, max_iter=5_000).fit(x[rest], labels[rest])
        assert (reference.predict(x[fold]) == labels[fold].numpy()).tolist() == right[fold].tolist()


# -- its interval -------------------------------------------------------------------------------------------------


def test_single_images_have_wilsons_interval() -> None:
    assert clustered([True] * 30 + [False] * 10, [""] * 40) == wilson(30, 40)


def test_groups_of_images_that_go_together_count_as_one_each() -> None:
    """Ten groups of five, each wholly right or wrong: as uncertain as about ten images."""
    right = [group < 7 for group in range(10) for _ in range(5)]
    names = [f"g{group}" for group in range(10) for _ in range(5)]
    low, high = clustered(right, names)
    # With equal sizes the ratio estimator's variance is p (1 - p) / (groups - 1): nine images' worth.
    share, n, z = 0.7, 9.0, 1.959963984540054
    reach = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    assert (low, high) == pytest.approx((centre - reach, centre + reach))
    assert high - low > 2 * (wilson(35, 50)[1] - wilson(35, 50)[0]) * 0.9


def test_all_right_in_few_groups_is_no_certainty() -> None:
    assert clustered([True] * 50, [f"g{index // 10}" for index in range(50)]) == wilson(5, 5)


def test_the_interval_covers_the_truth_under_groups() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        chances = rng.beta(4, 1, 30)
        right = [bool(rng.random() < chance) for chance in chances for _ in range(6)]
        low, high = clustered(right, [f"g{group}" for group in range(30) for _ in range(6)])
        covered += low <= 0.8 <= high
    assert covered / 400 >= 0.92


def test_an_answer_over_fewer_classes_than_the_model_tells_apart_says_so(data: Path, tmp_path: Path) -> None:
    """A run that goes on with a model asks its new images alone, which may show a new class or two."""
    found = FirstAnswer(accuracy=0.9, low=0.85, high=0.94, images=140, folds=5)
    setup = of_counts(tiny_setup(data, tmp_path / "run"), {5: 70, 6: 70})
    setup.network = tiny_network(7)
    answer = said(setup, found, range(140), 0.0)
    assert isinstance(answer, events.FirstAnswered)
    assert (answer.classes, answer.of_classes, answer.whole) == (2, 7, False)
    assert answer.sentence() == (
        "The network as it is already recognises about 90 % of your training images (85 to 94 %), among the 2 classes that "
        "they show; the model tells 7 apart."
    )
