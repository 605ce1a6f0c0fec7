"""Rehearsal: which images of before are shown again, how much they count, and that a new class alone forgets nothing."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.learning_on import apart, broken_off, copied, made, meter_of, pictures, put_tiny, scores, trained
from helpers.tiny import codes, of, tiny_setup, without_times
from scipy.optimize import minimize_scalar
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import Keep, Training
from tlgui.engine import optimizer_step
from tlgui.engine.calibration import calibrate
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.live import Live
from tlgui.engine.objective import Objective
from tlgui.engine.optimizer_step import Lesson
from tlgui.engine.retention.knowledge import Knowledge, Task
from tlgui.engine.retention.rehearsal import Rehearsal, Shown, chooses_too, only_new, rehearsal_of, stand_ins
from tlgui.engine.samples import Part
from tlgui.engine.validation import validate

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    put_tiny(monkeypatch)


def part(labels: list[int], name: str = "", gone: tuple[int, ...] = ()) -> Part:
    names = [f"{name} {number}" for number in range(len(labels))]
    return Part(names, names, torch.tensor(labels), name, set(gone), len(gone))


def knowledge(*tasks: Task, keep: Keep = "ewc", outputs: int = 3) -> Knowledge:
    return Knowledge(keep=keep, outputs=outputs, place=Path("nowhere"), tasks=list(tasks))


def task(learned: Part, chosen: Part | None = None, held_out: Part | None = None) -> Task:
    chosen = chosen or part([])
    return Task("old", learned, chosen, held_out or part([]), learned, chosen)


# -- which images --------------------------------------------------------------------------------------------------


def test_classes_with_new_images_are_not_shown_again_and_images_that_are_gone_neither() -> None:
    old = task(part([0, 0, 1, 1, 2, 2], "a", gone=(3,)))
    older = task(part([1, 2], "b"))
    rehearsal = rehearsal_of(knowledge(old, older), part([0, 3, 3]), seed=5)
    assert rehearsal is not None
    assert rehearsal.classes == [1, 2] and rehearsal.images == 5 and rehearsal.share == 0.5
    assert [one.name for one in rehearsal.parts] == ["a", "b"]
    shown = {(one.name, number) for one, number in rehearsal.drawn(0, 50, 50)}
    assert shown == {("a", 2), ("a", 4), ("a", 5), ("b", 0), ("b", 1)}


@pytest.mark.parametrize(
    ("known", "train"),
    [
        (None, part([0])),
        (knowledge(), part([0])),
        (knowledge(task(part([0, 1]))), part([0, 1, 2])),
        (knowledge(task(part([0, 1], gone=(1,)))), part([0, 2])),
        (knowledge(task(part([0, 1])), keep="none"), part([2])),
    ],
)
def test_nothing_is_shown_again_where_nothing_lacks_or_is_there_or_is_to_be_held(
    known: Knowledge | None, train: Part
) -> None:
    assert rehearsal_of(known, train, seed=0) is None


@pytest.mark.parametrize(
    ("old", "there", "images", "new", "size"),
    [
        (1, 1, 100, 32, 32), (4, 1, 100, 32, 32), (1, 9, 100, 32, 4), (1, 9, 2, 32, 2), (1, 40, 100, 32, 1), (4, 1, 100, 3, 3),
    ],
)  # fmt: skip
def test_as_many_go_with_a_batch_as_their_classes_ask_for(
    old: int, there: int, images: int, new: int, size: int
) -> None:
    one = part([0] * images)
    members = {label: [(one, number) for number in range(label, images, old)] for label in range(old)}
    assert Rehearsal(members, there, seed=0).size(new) == size


def test_each_class_has_its_turn_and_each_image_comes_once_before_any_comes_again() -> None:
    one = part([0] * 3 + [1] * 5)
    rehearsal = Rehearsal({0: [(one, n) for n in range(3)], 1: [(one, n) for n in range(3, 8)]}, 2, seed=9)
    steps = [[number for _, number in rehearsal.drawn(step, 6, 6)] for step in range(5)]
    for numbers in steps:
        assert Counter(number < 3 for number in numbers) == {True: 3, False: 3}
    first = [number for numbers in steps for number in numbers if number < 3]
    second = [number for numbers in steps for number in numbers if number >= 3]
    assert all(sorted(first[start : start + 3]) == [0, 1, 2] for start in range(0, 15, 3))
    assert all(sorted(second[start : start + 5]) == [3, 4, 5, 6, 7] for start in range(0, 15, 5))
    assert len({tuple(first[start : start + 3]) for start in range(0, 15, 3)}) > 1, "in another order each time"
    assert steps[3] == [number for _, number in rehearsal.drawn(3, 6, 6)], "no step needs those before"
    assert [n for _, n in rehearsal.drawn(3, 4, 6)] == steps[3][:4], "a last, smaller batch begins at the same place"


def test_who_chooses_an_epoch_for_classes_without_new_validation_images() -> None:
    chosen = part([0, 1, 1, 2], "chosen", gone=(1,))
    known = knowledge(task(part([0]), chosen))
    assert stand_ins(known, part([0, 3])) == [(chosen, [2, 3])]
    assert stand_ins(known, part([0, 1, 2])) == [] and stand_ins(None, part([0])) == []
    assert stand_ins(knowledge(task(part([0]), chosen), outputs=0), part([3])) == [], "their head is not this one"
    plain = knowledge(task(part([0]), chosen), keep="none")
    assert stand_ins(plain, part([0, 3])) == [(chosen, [2, 3])], "whatever is held, all classes choose"


def test_images_that_choose_and_measure_at_once_are_counted() -> None:
    chosen = part([0, 1, 2], "one")
    same = part([0, 1, 2], "one")
    other = part([0, 1, 2], "two")
    assert chooses_too(knowledge(task(part([0]), chosen, same)), part([0])) == 2
    assert chooses_too(knowledge(task(part([0]), chosen, other)), part([0])) == 0


def test_one_class_alone_and_nothing_of_the_others() -> None:
    assert only_new(knowledge(), part([3, 3])) and only_new(knowledge(task(part([3, 1], gone=(1,)))), part([3]))
    assert not only_new(knowledge(task(part([1]))), part([3, 3]))
    assert not only_new(knowledge(), part([3, 2])) and not only_new(None, part([3]))


# -- how much they count -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [0, 2])
@pytest.mark.parametrize("repeated", [1, 4, 5])
def test_the_loss_is_the_weighted_mean_of_both_however_many_pieces_it_goes_through_in(
    piece: int, repeated: int, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "data", 0, across=(1, 12), down=(0, 12))
    setup = tiny_setup(
        folder, tmp_path / "run", strategy="full-fine-tuning", warm_start=False, batch_size=4, norm_statistics="frozen"
    )
    setup.network.model.get_submodule("drop").p = 0.0  # type: ignore[assignment]
    live = Live(setup)
    live.begin()
    live.place.piece = piece
    generator = torch.Generator().manual_seed(4)
    inputs, again = (torch.randn(n, 3, 24, 24, generator=generator) for n in (4, repeated))
    labels, known = torch.tensor([0, 0, 1, 1]), torch.arange(repeated) % 2
    value = optimizer_step._gradients(live, Lesson(inputs, labels, again=Shown(again, known, 0.75)))
    found = {name: one.grad.clone() for name, one in live.network.model.named_parameters() if one.grad is not None}
    live.optimizer.torch.zero_grad(set_to_none=True)
    model = live.network.model
    expected = 0.25 * cross_entropy(model(inputs), labels) + 0.75 * cross_entropy(model(again), known)
    expected.backward()  # type: ignore[no-untyped-call]
    assert value == pytest.approx(expected.item(), rel=1e-5)
    for name, one in model.named_parameters():
        assert one.grad is not None
        torch.testing.assert_close(found[name], one.grad, rtol=1e-3, atol=1e-5)


def test_classes_that_are_shown_again_count_as_frequent_as_the_average_one() -> None:
    labels = torch.tensor([0] * 90 + [1] * 10)
    shifted = Objective(Training(imbalance="logit-adjustment"), labels, 4, CPU, again=[2])
    shares = torch.tensor([90, 10, 50, 0.5])
    torch.testing.assert_close(shifted.shift, (shares / shares.sum()).log())
    weighed = Objective(Training(imbalance="class-weights"), labels, 4, CPU, again=[2])
    assert weighed.weights is not None
    torch.testing.assert_close(weighed.weights, torch.tensor([100 / 180, 100 / 20, 1.0, 0.0]))


def test_a_weighted_temperature_is_the_one_that_scipy_finds() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(40, 3, generator=generator) * 4
    labels = (logits / 4 + torch.randn(40, 3, generator=generator)).argmax(1)
    labels[20:] = logits[20:].argmax(1)
    weights = torch.rand(40, generator=generator) + 0.1

    def loss(temperature: float) -> float:
        """By numpy: the mean divergence from 41 of 42 for the label, as weighted as it is."""
        z = logits.double().numpy() / temperature
        answered = z - np.log(np.exp(z).sum(1, keepdims=True))
        wanted = np.where(np.arange(3) == labels.numpy()[:, None], 41 / 42, 1 / 84)
        each = (wanted * (np.log(wanted) - answered)).sum(1)
        return float(np.average(each, weights=weights.numpy()))

    found = calibrate(logits, labels, weights)
    best = minimize_scalar(loss, bounds=(0.25, 20.0), method="bounded", options={"xatol": 1e-9})
    assert found.temperature == pytest.approx(best.x, rel=1e-5) and found.loss == pytest.approx(best.fun, rel=1e-5)
    assert abs(found.temperature - calibrate(logits, labels).temperature) > 0.05
    assert calibrate(logits, labels, torch.full((40,), 7.0)) == pytest.approx(calibrate(logits, labels))


def test_an_epoch_is_judged_on_every_class_alike(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "data", 0, across=(1, 20), down=(0, 20))
    setup = tiny_setup(folder, tmp_path / "run", strategy="full-fine-tuning", warm_start=False)
    whole = setup.validation
    labels = whole.labels.tolist()

    def some(label: int, name: str) -> Part:
        kept = [number for number, one in enumerate(labels) if one == label]
        return Part([whole.paths[n] for n in kept], [whole.hashes[n] for n in kept], whole.labels[kept], name)

    def asked() -> Any:
        job = validate(setup, 0, slow=False)
        while True:
            try:
                next(job)
            except StopIteration as ended:
                return ended.value

    with torch.no_grad():
        setup.network.head_linear.bias.copy_(torch.tensor([3.0, -3.0]))
    both = asked()
    assert both.every == (both.loss, both.accuracy, both.balanced)
    setup.validation = some(0, "validation")
    alone = asked()
    setup.knowledge = knowledge(task(part([1]), some(1, "validation")), outputs=2)
    seen = asked()
    assert seen.right == alone.right and (seen.loss, seen.accuracy) == (alone.loss, alone.accuracy)
    assert seen.every.accuracy == pytest.approx(both.balanced) and seen.every.balanced == pytest.approx(both.balanced)
    assert seen.every.loss == pytest.approx(both.loss, rel=1e-6), "as many of each, so that both are the same mean"
    assert seen.calibration.temperature == pytest.approx(both.calibration.temperature, rel=1e-6)
    assert alone.calibration.temperature < 0.9 * seen.calibration.temperature
    for best_by, value in (("accuracy", 1 - seen.every.accuracy), ("validation_loss", seen.every.loss)):
        assert seen.value(best_by) == value


# -- the whole job -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("before") / "old", 0, across=(1, 30), down=(0, 30))


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("now") / "one", 7, both=(2, 30))


@pytest.fixture(scope="module")
def once(old: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("once")
    with apart(folder):
        run = made(old, folder / "first", epochs=5)
        assert isinstance(trained(run, old)[-1], events.Completed)
    return run


@pytest.fixture
def first(once: RunFolder, old: Path, tmp_path: Path) -> RunFolder:
    return copied(once, tmp_path / "first", old)


def recall_of(run: RunFolder) -> float:
    """Mean recall over the classes, from the two lists of answers that the run wrote."""
    rows: list[tuple[str, str]] = []
    for name, part in (("predictions.csv", "test"), ("earlier.csv", None)):
        with (run.results / name).open(encoding="utf-8", newline="") as stream:
            rows += [
                (row["true"], row["predicted"])
                for row in csv.DictReader(stream)
                if part is None or row["split"] == part
            ]
    right, total = Counter(true for true, said in rows if true == said), Counter(true for true, _ in rows)
    return sum(right[name] / total[name] for name in total) / len(total)


LONG: dict[str, Any] = {"epochs": 6}


def test_a_new_class_alone_forgets_all_where_nothing_is_held_and_nothing_where_the_old_ones_are_shown_again(
    first: RunFolder, one: Path, tmp_path: Path
) -> None:
    plain = trained(made(one, tmp_path / "none", first, keep="none", **LONG), one, first)
    held = trained(made(one, tmp_path / "held", first, keep="ewc", **LONG), one, first)
    assert meter_of(plain)[-1].now < 0.2, "in the end it calls everything by the new name"
    (left,) = of(held, events.RetentionMeasured)
    assert meter_of(held)[-1].now > 0.7 and left.seen.now > 0.7
    assert left.every is not None
    assert (left.every.classes, left.every.of_classes) == (3, 3)
    assert (left.every.new_images, left.every.earlier_images) == (5, 10)
    assert left.every.balanced_accuracy == pytest.approx(recall_of(RunFolder(tmp_path / "held")))
    assert left.every.low < left.every.balanced_accuracy <= left.every.high and left.every.sentence().startswith(
        "Over all 3 classes, 5 new and 10 earlier images together, the balanced accuracy is "
    )
    kept = scores(RunFolder(tmp_path / "held"))
    assert kept["retention"]["every"]["balanced_accuracy"] == left.every.balanced_accuracy
    assert kept["test"]["accuracy"]["value"] > 0.7, "and the new one is learned"
    assert {"rehearsal", "stand_ins"} <= set(codes(held)) and "class_without_images" not in codes(held)
    assert "rehearsal" not in codes(plain) and {"stand_ins", "class_without_images"} <= set(codes(plain))
    said = {event.code: event.message for event in of(held, events.Notice)}
    assert said["rehearsal"] == (
        "There is no training image of 'across' and 'down': 40 images that the network learned those classes from are shown "
        "again with the new ones."
    )
    assert said["stand_ins"].startswith(
        "When the best epoch is chosen, 10 earlier validation images stand for the classes"
    )


def test_the_epoch_that_is_kept_is_not_the_one_that_calls_everything_new(
    first: RunFolder, one: Path, tmp_path: Path
) -> None:
    """New images alone would choose it: of them all are right then."""
    run = made(one, tmp_path / "none", first, keep="none", **LONG)
    said = trained(run, one, first)
    last = of(said, events.EpochEnded)[-1]
    assert last.validation_accuracy == 1.0 and last.retention is not None and last.retention.now < 0.2
    (left,) = of(said, events.RetentionMeasured)
    assert left.seen.now > last.retention.now + 0.3


@pytest.mark.parametrize("killed_at", [1, 5])
def test_it_goes_on_bit_for_bit(
    killed_at: int, first: RunFolder, one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checkpoints, "due", property(lambda self: True))
    options: dict[str, Any] = {"keep": "l2sp", "augmentation": "photos"}
    whole = made(one, tmp_path / "whole", first, **options)
    expected = trained(whole, one, first)
    run = made(one, tmp_path / "run", first, **options)

    def enough(event: Event) -> bool:
        return isinstance(event, events.BatchEnded) and event.step == killed_at

    begun = broken_off(run, one, first, enough, Control())
    rest = trained(run, one, first)
    ended = {event["epoch"]: event for event in without_times(of([*begun, *rest], events.EpochEnded))}
    assert list(ended.values()) == without_times(of(expected, events.EpochEnded))
    assert whole.best_path.read_bytes() == run.best_path.read_bytes()


def test_an_earlier_image_that_vanishes_is_skipped_and_said(one: Path, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "old", 0, across=(1, 30), down=(0, 30))
    first = made(folder, tmp_path / "first")
    trained(first, folder)
    gone = next(row.path for row in first.manifest() if row.part == "train")
    run = made(one, tmp_path / "run", first, keep="l2sp", augmentation="photos")

    def lost(event: Event) -> bool:
        if isinstance(event, events.EpochEnded) and event.epoch == 0:
            (folder / gone).unlink()
        return False

    said = broken_off(run, one, first, lost, Control())
    assert isinstance(said[-1], events.Completed), said[-1]
    (message,) = [event.message for event in of(said, events.Notice) if event.code == "image_skipped"]
    assert gone in message


@pytest.mark.parametrize("keep", ["ewc", "none"])
def test_one_class_alone_is_refused_where_nothing_of_the_others_is_there(
    keep: str, first: RunFolder, one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried: with every way of keeping and every strength it ends with calling everything by the new name."""
    monkeypatch.setattr("tlgui.core.earlier.recall_place", lambda _: None)
    run = made(one, tmp_path / "run", first, keep=keep)
    with pytest.raises(UserError, match="one class alone, 'both'") as refused:
        trained(run, one, first)
    assert refused.value.code == "earlier_missing" and "--earlier DIR" in refused.value.remedy


def test_a_run_that_goes_on_without_the_earlier_images_is_refused_and_goes_on_with_them(
    first: RunFolder, old: Path, one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would unlearn in the rest of its epochs what was shown again in those before."""
    run = made(one, tmp_path / "run", first, keep="l2sp")
    broken_off(run, one, first, lambda event: isinstance(event, events.EpochEnded) and event.epoch == 1, Control())
    monkeypatch.setattr("tlgui.core.earlier.recall_place", lambda _: None)
    with pytest.raises(UserError, match="one class alone"):
        trained(run, one, first)
    assert isinstance(trained(run, one, first, earlier=str(old))[-1], events.Completed)


def test_that_test_images_choose_where_there_are_no_others_is_said(old: Path, one: Path, tmp_path: Path) -> None:
    """A run without test images measures what is left by those that chose its epoch, and they choose again."""
    parted = tmp_path / "parted"
    for part_name, numbers in (("train", range(20)), ("val", range(20, 30))):  # and no test images
        for name in ("across", "down"):
            (parted / part_name / name).mkdir(parents=True)
            for number in numbers:
                file = old / name / f"{number:03}.png"
                (parted / part_name / name / file.name).write_bytes(file.read_bytes())
    first = made(parted, tmp_path / "first")
    trained(first, parted)
    said = trained(made(one, tmp_path / "run", first, keep="ewc"), one, first)
    (meter,) = [event.message for event in of(said, events.Notice) if event.code == "meter"]
    assert "20 of them help to choose the epoch" in meter and "choose nothing" not in meter
