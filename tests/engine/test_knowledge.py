"""Which of many earlier images a run is shown again, and which stand in: some of each class that nothing new shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.learning_on import broken_off, made, pictures, put_tiny, trained
from helpers.tiny import of, tiny_network, without_times

from tlgui.core import events
from tlgui.core.earlier import EarlierImages
from tlgui.core.events import Event
from tlgui.core.run_folder import ManifestRow, RunFolder
from tlgui.core.run_spec import Earlier
from tlgui.core.split import Part
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.retention import knowledge
from tlgui.engine.retention.begin import begins_with
from tlgui.engine.retention.knowledge import ShowsNew, Task, knowledge_of

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES = ["common", "fair", "rare", "shown"]
MANY = {"common": 500, "fair": 60, "rare": 4, "shown": 900}
FEW = 100


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knowledge, "_LEARNED", FEW)
    monkeypatch.setattr(knowledge, "_MEASURED", FEW)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where all images are said to lie; nobody opens one."""
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


def task_of(place: Path, counts: Mapping[str, int], shows: ShowsNew, seed: int = 0) -> Task:
    """One earlier set with so many images of each class for training, and as many that chose its epoch."""
    parts: tuple[Part, ...] = ("train", "validation")
    rows = [
        ManifestRow(path=path, class_name=name, part=part, content_hash=path)
        for part in parts
        for name, count in counts.items()
        for path in (f"{part} {name} {number}" for number in range(count))
    ]
    for row in rows:
        (place / row.path).touch()
    earlier = EarlierImages(Earlier(name="old", fingerprint="f", images=len(rows), held_out=0), rows)
    known = knowledge_of(RunFolder(place.parent / "run"), "ewc", 4, [earlier], [place], CLASSES, shows, seed)
    (task,) = known.tasks
    return task


def counted(part: Any) -> dict[str, int]:
    return dict(Counter(CLASSES[label] for label in part.labels.tolist()))


SHOWN = frozenset({"shown"})


def test_a_rare_class_is_there_and_what_it_leaves_goes_to_the_others(place: Path) -> None:
    for seed in range(3):
        task = task_of(place, MANY, ShowsNew(SHOWN, frozenset({"shown", "fair"})), seed)
        assert counted(task.again) == {"rare": 4, "fair": 48, "common": 48}, "all of it, and as many as of any other"
        assert counted(task.standing) == {"rare": 4, "common": 96}


def test_what_measures_and_says_what_matters_is_a_plain_draw(place: Path) -> None:
    """Each of them stands for its kind: the Fisher information, the mix and the meter are means over images as they are."""
    task = task_of(place, MANY, ShowsNew(SHOWN, SHOWN))
    other = task_of(place, MANY, ShowsNew(frozenset(CLASSES), frozenset(CLASSES)))
    for one, same in ((task.learned, other.learned), (task.chosen, other.chosen), (task.held_out, other.held_out)):
        assert one.paths == same.paths and len(one) == FEW
        assert counted(one)["shown"] == pytest.approx(FEW * 900 / 1464, abs=20)
    assert not len(other.again) and not len(other.standing), "classes with new images are not shown again"


def test_the_seed_decides_which(place: Path) -> None:
    first, same, other = (task_of(place, MANY, ShowsNew(SHOWN, SHOWN), seed) for seed in (1, 1, 2))
    assert first.again.paths == same.again.paths and first.standing.paths == same.standing.paths
    assert set(first.again.paths) != set(other.again.paths)
    assert len(set(first.again.paths)) == len(first.again) == FEW


def test_of_few_images_all_may_be_shown_again(place: Path) -> None:
    task = task_of(place, {"common": 80, "rare": 20}, ShowsNew(SHOWN, SHOWN))
    assert task.again is task.learned and task.standing is task.chosen and len(task.parts) == 3


def test_of_more_classes_than_are_shown_each_has_one_at_most(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knowledge, "_LEARNED", 2)
    assert set(counted(task_of(place, MANY, ShowsNew(SHOWN, SHOWN)).again).values()) == {1}


def test_what_was_learned_comes_once_and_what_is_gone_is_counted_once(place: Path) -> None:
    task = task_of(place, MANY, ShowsNew(SHOWN, SHOWN))
    (both, *_) = set(task.learned.paths) & set(task.again.paths)
    taught = [part.paths[number] for part, numbers in task.taught for number in numbers]
    assert len(taught) == len(set(taught)) and set(taught) == {*task.learned.paths, *task.again.paths}
    for part in (task.learned, task.again):
        part.skipped.add(part.paths.index(both))
    assert task.gone == 1
    assert both not in {part.paths[number] for part, numbers in task.taught for number in numbers}


# -- the whole job -------------------------------------------------------------------------------------------------


@pytest.fixture
def rare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RunFolder, Path]:
    """A run that learned one class from a few of many images, and the folder of a class that is new."""
    put_tiny(monkeypatch)
    monkeypatch.setattr(knowledge, "_LEARNED", 10)
    monkeypatch.setattr(knowledge, "_MEASURED", 4)
    old = pictures(tmp_path / "old", 0, across=(1, 60), down=(0, 6))
    first = made(old, tmp_path / "first")
    trained(first, old)
    return first, pictures(tmp_path / "one", 7, both=(2, 30))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rare_class_without_new_images_is_shown_again_and_chooses(
    seed: int, rare: tuple[RunFolder, Path], tmp_path: Path
) -> None:
    first, one = rare
    parts = Counter(row.part for row in first.manifest() if row.class_name == "down")
    assert parts["train"] < 5 and parts["validation"] < 2, "so few that a plain draw easily has none"
    said = trained(made(one, tmp_path / "run", first, keep="l2sp", seed=seed), one, first)
    notices = {event.code: event.message for event in of(said, events.Notice)}
    assert "no training image of 'across' and 'down': 10 images" in notices["rehearsal"]
    assert notices["stand_ins"].startswith("When the best epoch is chosen, 4 earlier validation images stand")


def test_the_new_outputs_begin_beside_a_rare_class_that_a_plain_draw_has_none_of(
    rare: tuple[RunFolder, Path], tmp_path: Path
) -> None:
    first, _ = rare
    new = pictures(tmp_path / "new", 7, both=(2, 30), across=(1, 30))
    run = made(new, tmp_path / "run", first, keep="ewc", seed=1)
    known, _ = begins_with(run, run.spec(), tiny_network(3), None, "", resume=False)
    assert known is not None and set(known.tasks[0].learned.labels.tolist()) == {0}
    begun = of(trained(run, new, first), events.EpochEnded)[0]
    assert begun.epoch == 0 and math.isfinite(begun.train_loss), "the loss over what is shown again is in it"


@pytest.mark.parametrize("killed_at", [1, 5])
def test_a_run_goes_on_with_the_same_images(
    killed_at: int, rare: tuple[RunFolder, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, one = rare
    monkeypatch.setattr(Checkpoints, "due", property(lambda self: True))
    whole, run = (made(one, tmp_path / name, first, keep="ewc") for name in ("whole", "run"))
    expected = trained(whole, one, first)

    def enough(event: Event) -> bool:
        return isinstance(event, events.BatchEnded) and event.step == killed_at

    begun = broken_off(run, one, first, enough, Control())
    rest = trained(run, one, first)
    ended = {event["epoch"]: event for event in without_times(of([*begun, *rest], events.EpochEnded))}
    assert list(ended.values()) == without_times(of(expected, events.EpochEnded))
    assert whole.best_path.read_bytes() == run.best_path.read_bytes()
