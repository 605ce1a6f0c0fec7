"""The whole job of a run that learns on: what it begins with, what its meter says, and that it goes on bit for bit."""

from __future__ import annotations

import contextlib
import csv
import errno
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.learning_on import apart, broken_off, copied, made, meter_of, mixed, pictures, put_tiny, scores, trained
from helpers.pictures import write_picture, write_site
from helpers.tiny import codes, differing, of, without_times

from tlgui.core import atomic, commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.jobs.evaluate import evaluate
from tlgui.engine.jobs.predict import predict
from tlgui.engine.retention.knowledge import FILE

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    put_tiny(monkeypatch)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("JANE DOE") / "old", 0, across=(1, 30), down=(0, 30))


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("JOHN DOE") / "new", 1, Across=(1, 12), both=(2, 24))


@pytest.fixture(scope="module")
def once(old: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("once")
    with apart(folder):
        run = made(old, folder / "first")
        assert isinstance(trained(run, old)[-1], events.Completed)
    return run


@pytest.fixture
def first(once: RunFolder, old: Path, tmp_path: Path) -> RunFolder:
    return copied(once, tmp_path / "first", old)


def kept_file(run: RunFolder) -> dict[str, torch.Tensor]:
    """What a run notes of what its network knew."""
    from safetensors.torch import load_file

    return load_file(run.checkpoints / FILE)


def measured(said: list[Event]) -> list[dict[str, Any]]:
    return without_times([event for event in said if isinstance(event, events.EpochEnded)])


# -- from folder to scores ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keep", "strategy"),
    [
        ("ewc", "full-fine-tuning"),
        ("ewc", "auto"),
        ("l2sp", "fine-tune-top"),
        ("average", "feature-extraction"),
        ("none", "full-fine-tuning"),
    ],
)
def test_a_run_that_learns_on_comes_to_its_end(
    keep: str, strategy: str, first: RunFolder, new: Path, tmp_path: Path
) -> None:
    options = {} if strategy != "auto" else {"warm_start": None, "unfreezing": None, "epochs": 2}
    run = made(new, tmp_path / "run", first, keep=keep, strategy=strategy, **options)
    said = trained(run, new, first)
    assert isinstance(said[-1], events.Completed), said[-1]
    dataset = run.spec().dataset
    assert dataset is not None and dataset.classes == ["across", "down", "both"]
    assert ("keep" in codes(said)) == (keep != "none") and "meter" in codes(said)
    (left,) = of(said, events.RetentionMeasured)
    assert left.seen.images == 10 and left.looks == len(meter_of(said)) == len(of(said, events.EpochEnded))
    assert scores(run)["retention"]["now"] == left.seen.now and scores(run)["retention"]["sentence"] == left.sentence
    assert [(task.name, task.images) for task in left.tasks] == [("old", 10)]
    assert len(of(said, events.MixesTried)) == (keep == "average")
    for part in ("validation", "test"):
        assert scores(run)[part]["classes"] == ["across", "down", "both"]
        assert scores(run)[part]["per_class"]["down"]["recall"]["n"] == 0
        assert scores(run)[part]["per_class"]["down"]["recall"]["value"] is None, "not measured is no 0"

    again = {
        event.split: event.metrics
        for event in evaluate(commands.Evaluate(run=str(run.path), data=str(new)), Control())
        if isinstance(event, events.Evaluated)
    }
    for part in ("validation", "test"):
        assert again[part]["confusion_matrix"] == scores(run)[part]["confusion_matrix"], "the file answers as was said"


def test_a_class_of_before_without_images_is_said_to_be_forgotten_easily(
    first: RunFolder, new: Path, tmp_path: Path
) -> None:
    said = trained(made(new, tmp_path / "run", first, keep="none"), new, first)
    (message,) = [event.message for event in of(said, events.Notice) if event.code == "class_without_images"]
    assert message == (
        "There is no training image of 'down', so what the network knows of that class is easily forgotten."
    )


def test_images_of_a_class_that_it_did_not_train_on_can_be_scored(
    first: RunFolder, old: Path, new: Path, tmp_path: Path
) -> None:
    """The folder of before is one of its classes too: labels go by name, wherever a class stands in a list."""
    run = made(new, tmp_path / "run", first, keep="l2sp", keep_strength=1e5)
    trained(run, new, first)
    answered = list(evaluate(commands.Evaluate(run=str(run.path), data=str(old)), Control()))
    (known,) = [event.metrics for event in of(answered, events.Evaluated) if event.split == "known"]
    matrix = known["confusion_matrix"]
    assert matrix[0][0] + matrix[1][1] >= 0.8 * 50 and known["classes"] == ["across", "down", "both"]
    shown = sorted((old / "down").iterdir())
    paths = [(one.name, str(one)) for one in shown]
    said = of(list(predict(commands.Predict(run=str(run.path), paths=paths), Control())), events.Predicted)
    assert sum(one.label == "down" for one in said) >= 0.8 * len(shown)
    assert all(list(one.probabilities) == ["across", "down", "both"] for one in said)


def test_no_place_is_written_into_the_run_folder(first: RunFolder, new: Path, tmp_path: Path) -> None:
    run = made(new, tmp_path / "run", first, keep="average")
    trained(run, new, first)
    mixed(run, new)
    assert {path.name for path in run.path.rglob("*")} >= {"earlier.csv", "learned_before.csv", FILE}
    for path in run.path.rglob("*"):
        for place in (str(tmp_path), str(new), "DOE") if path.is_file() and path != run.events_path else ():
            assert place.encode() not in path.read_bytes(), path


def test_the_head_stays_and_its_new_outputs_tell_the_new_class_before_anything_is_trained(
    first: RunFolder, new: Path, tmp_path: Path
) -> None:
    said = trained(made(new, tmp_path / "run", first, keep="ewc"), new, first)
    start = kept_file(RunFolder(tmp_path / "run"))
    from safetensors.torch import load_file

    best = load_file(first.best_path)
    for name, one in best.items():
        assert torch.equal(start[f"start|{name}"][: len(one)] if one.ndim else start[f"start|{name}"], one), name
    begun = of(said, events.EpochEnded)[0]
    assert begun.epoch == 0 and begun.validation_accuracy > 0.9
    assert begun.retention is not None and begun.retention.now > 0.8, "and takes little from the classes of before"


# -- the meter ----------------------------------------------------------------------------------------------------


def test_before_is_the_earlier_runs_own_accuracy_on_its_test_images(
    first: RunFolder, new: Path, tmp_path: Path
) -> None:
    said = trained(made(new, tmp_path / "run", first), new, first)
    own = scores(first)["test"]["accuracy"]
    assert {(one.before, one.images) for one in meter_of(said)} == {(own["value"], own["n"])}


def test_without_new_classes_nothing_is_forgotten_before_anything_is_trained(first: RunFolder, tmp_path: Path) -> None:
    more = pictures(tmp_path / "more", 2, down=(0, 15), across=(1, 15))
    begun, *others = meter_of(trained(made(more, tmp_path / "run", first, epochs=1), more, first))
    assert begun.now == begun.before and (begun.difference, begun.meter) == (0, "accuracy") and len(others) == 1
    assert begun.low < 0 < begun.high, "so few images say little"


def test_images_that_are_learned_now_do_not_tell_what_is_forgotten(first: RunFolder, old: Path, tmp_path: Path) -> None:
    """What was held back then may be learned now; and what was learned then tests nothing now."""
    both = tmp_path / "both"
    rows = first.manifest()
    tests, learned = [row for row in rows if row.part == "test"], [row for row in rows if row.part == "train"]
    for part, chosen in (("train", tests[:6]), ("val", tests[6:7]), ("test", [tests[7], learned[0]])):
        for row in chosen:
            copy = both / part / row.class_name / f"then-{Path(row.path).name}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(old / row.path, copy)
    for number, part in enumerate(("train", "val", "test")):
        pictures(both / part, 20 + number, across=(1, 8), down=(0, 8), more=(2, 8))
    run = made(both, tmp_path / "run", first)
    said = trained(run, both, first)
    assert {one.images for one in meter_of(said)} == {len(tests) - 7}
    assert not {row.content_hash for row in run.manifest()} & {learned[0].content_hash}
    (task,) = run.spec().earlier
    assert (task.images, task.held_out) == (len(rows) - 7, len(tests) - 7)


def test_a_chain_of_runs_has_a_task_for_each_with_its_own_name(first: RunFolder, new: Path, tmp_path: Path) -> None:
    second = made(new, tmp_path / "second", first, keep="l2sp")
    trained(second, new, first)
    last = pictures(tmp_path / "last", 5, down=(0, 15), wide=(1, 15))
    third = made(last, tmp_path / "third", second, keep="ewc")
    said = trained(third, last, second)
    (left,) = of(said, events.RetentionMeasured)
    tests = [sum(row.part == "test" for row in run.manifest()) for run in (second, first)]
    assert [(one.name, one.images) for one in left.tasks] == [("new", tests[0]), ("old", tests[1])]
    assert left.seen.images == sum(tests)
    assert left.tasks[0].before == scores(second)["test"]["accuracy"]["value"]
    assert left.tasks[1].before == scores(second)["retention"]["now"], "as the second run left it"
    dataset, source = third.spec().dataset, third.spec().source
    assert dataset is not None and dataset.classes == ["across", "down", "both", "wide"]
    assert source is not None and source.classes == ["across", "down", "both"]


def test_a_folder_that_grows_measures_and_chooses_by_each_image_once(new: Path, tmp_path: Path) -> None:
    data = pictures(tmp_path / "data", 0, across=(1, 30), down=(0, 30))
    first = made(data, tmp_path / "first", epochs=1)
    trained(first, data)
    for name, kind in (("across", 1), ("down", 0)):
        for index in range(10):
            write_picture(data / name / f"more {index}.png", kind, 90_000 + index, 24)
    second = made(data, tmp_path / "second", first, epochs=1)
    assert "earlier_missing" not in codes(trained(second, data, first))
    third = made(new, tmp_path / "third", second, keep="average", epochs=1)
    said = trained(third, new, second)
    assert "earlier_missing" not in codes(said), "a set that the newer one holds is not missed"
    parts = Counter(row.part for row in second.manifest())
    (left,) = of(said, events.RetentionMeasured)
    assert {one.images for one in meter_of(said)} == {left.seen.images} == {parts["test"]}
    assert [(one.name, one.images) for one in left.tasks] == [("data", parts["test"])]
    assert left.every is not None and left.every.earlier_images == parts["test"] // 2, "'across' has new ones"
    assert [one.old_images for one in of(said, events.MixesTried)] == [parts["validation"]]
    with (third.results / "earlier.csv").open(encoding="utf-8", newline="") as stream:
        paths = [row["path"] for row in csv.DictReader(stream)]
    assert len(paths) == len(set(paths)) == parts["test"]


def test_in_a_chain_the_folder_that_is_said_is_of_the_set_whose_images_it_holds(new: Path, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "old", 0, across=(1, 30), down=(0, 30))
    first = made(folder, tmp_path / "first")
    trained(first, folder)
    second = made(new, tmp_path / "second", first, keep="ewc", epochs=1)
    trained(second, new, first)
    moved = folder.rename(tmp_path / "moved")
    last = pictures(tmp_path / "last", 2, both=(2, 20), wide=(1, 20))
    (left,) = of(
        trained(made(last, tmp_path / "a", second, keep="ewc", epochs=1), last, second), events.RetentionMeasured
    )
    assert [one.name for one in left.tasks] == ["new"]
    third = made(last, tmp_path / "b", second, keep="ewc", epochs=1, earlier_images=moved)
    (left,) = of(trained(third, last, second), events.RetentionMeasured)
    assert [one.name for one in left.tasks] == ["new", "old"], "it is remembered"
    (left,) = of(mixed(third, last, earlier=str(moved)), events.RetentionMeasured)
    assert [one.name for one in left.tasks] == ["new", "old"]


def test_where_the_earlier_images_are_gone_it_says_so_and_measures_a_stand_in(
    first: RunFolder, old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlgui.core.earlier.recall_place", lambda _: None)
    run = made(new, tmp_path / "run", first, keep="ewc")
    said = trained(run, new, first)
    assert isinstance(said[-1], events.Completed)
    (missing,) = [event.message for event in of(said, events.Notice) if event.code == "earlier_missing"]
    assert missing.startswith("The images of 'old' are not where they were") and "--earlier DIR" in missing
    (keeps,) = [event.message for event in of(said, events.Notice) if event.code == "keep"]
    assert "approximately" in keeps
    seen = meter_of(said)
    assert {one.meter for one in seen} == {"agreement"} and (seen[0].now, seen[0].before) == (1.0, 1.0)
    (left,) = of(said, events.RetentionMeasured)
    assert left.tasks == [] and "That is a stand-in" in left.sentence
    here = trained(made(new, tmp_path / "told", first, keep="ewc"), new, first, earlier=str(old))
    assert {one.meter for one in meter_of(here)} == {"accuracy"} and "earlier_missing" not in codes(here)


def test_a_wrong_folder_of_earlier_images_is_a_missing_one(first: RunFolder, new: Path, tmp_path: Path) -> None:
    said = trained(made(new, tmp_path / "run", first), new, first, earlier=str(tmp_path))
    assert "earlier_missing" in codes(said) and {one.meter for one in meter_of(said)} == {"agreement"}


def test_earlier_images_that_were_deleted_since_do_not_end_a_run(tmp_path: Path, new: Path) -> None:
    folder = pictures(tmp_path / "old", 0, across=(1, 30), down=(0, 30))
    first = made(folder, tmp_path / "first")
    trained(first, folder)
    gone = [row for row in first.manifest() if row.part == "test"][:6]
    for row in gone:
        (folder / row.path).unlink()
    said = trained(made(new, tmp_path / "run", first, keep="ewc"), new, first)
    assert isinstance(said[-1], events.Completed)
    assert {one.images for one in meter_of(said)} == {4}
    assert "6 images of 'old' are gone since, and not asked." in [one.message for one in of(said, events.Notice)]


def test_published_weights_are_asked_by_the_head_that_they_came_with(new: Path, tmp_path: Path) -> None:
    for keep in ("ewc", "l2sp", "average"):
        run = made(new, tmp_path / keep, keep=keep)
        said = trained(run, new)
        seen = meter_of(said)
        assert isinstance(said[-1], events.Completed) and {one.meter for one in seen} == {"agreement"}
        assert (seen[0].now, seen[0].images) == (1.0, sum(row.part == "validation" for row in run.manifest()))
        assert kept_file(run)["published|weight"].shape == (7, 16)
        assert run.spec().earlier == [] and "earlier_missing" not in codes(said)


def test_a_network_that_knows_nothing_has_nothing_to_keep(
    new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(new, tmp_path / "run", keep="ewc")
    monkeypatch.setattr("tlgui.engine.weights.pretrained", lambda *_: {})
    with pytest.raises(UserError, match="These weights came without a last layer") as refused:
        trained(run, new)
    assert refused.value.code == "nothing_known"
    assert isinstance(trained(made(new, tmp_path / "l2sp", keep="l2sp"), new)[-1], events.Completed)


# -- forgetting ---------------------------------------------------------------------------------------------------


def forgotten(keep: str, first: RunFolder, data: Path, run: Path, **options: Any) -> tuple[float, float]:
    """Accuracy on the new images, and what was forgotten of the earlier ones, both at the end of training."""
    options = {"epochs": 8, "head_learning_rate": 0.003, "top_learning_rate": 0.003, "imbalance": "off"} | options
    said = trained(made(data, run, first, keep=keep, **options), data, first)
    return of(said, events.EpochEnded)[-1].validation_accuracy, -meter_of(said)[-1].difference


def test_a_task_that_undoes_another_forgets_less_of_it_where_it_is_held(tmp_path: Path) -> None:
    """What was called "down" is called "across" now, so that plain training has to forget."""
    old = pictures(tmp_path / "old", 0, across=(1, 40), down=(0, 40))
    first = made(old, tmp_path / "first", epochs=5)
    trained(first, old)
    other = pictures(tmp_path / "other", 1, across=(2, 40), down=(1, 40))
    left = {}
    for keep, strength in (("none", None), ("ewc", 1000.0), ("l2sp", 1000.0)):
        options = {"epochs": 6, "head_learning_rate": 0.003, "top_learning_rate": 0.003, "keep_strength": strength}
        said = trained(made(other, tmp_path / keep, first, keep=keep, **options), other, first)
        left[keep] = sum(one.now for one in meter_of(said)[-3:]) / 3
    assert left["none"] < 0.7 and left["ewc"] > left["none"] + 0.2 and left["l2sp"] > left["none"] + 0.2, left


# -- going on -----------------------------------------------------------------------------------------------------


SLOW: dict[str, Any] = {"strategy": "feature-extraction", "epochs": 5, "trial_epochs": 9, "batch_size": 8}


def at_step(control: Control, script: dict[int, list[commands.AnyCommand]]) -> Any:
    left = dict(script)

    def hears(event: Event) -> None:
        if isinstance(event, events.BatchEnded):
            for command in left.pop(event.step, []):
                control.put(command)

    return hears


def whole(run: RunFolder, data: Path, since: RunFolder, script: dict[int, list[commands.AnyCommand]]) -> list[Event]:
    control = Control()
    hears = at_step(control, script)
    said = broken_off(run, data, since, lambda event: bool(hears(event)), control)
    assert isinstance(said[-1], events.Completed), said[-1]
    return said


@pytest.mark.parametrize(
    ("keep", "killed_at"), [("ewc", 1), ("ewc", 4), ("ewc", 7), ("ewc", 11), ("l2sp", 7), ("average", 7)]
)
def test_a_run_that_is_killed_goes_on_bit_for_bit(
    keep: str, killed_at: int, first: RunFolder, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after more layers learn; what these are held by is found out when they do, of the network as it began."""
    monkeypatch.setattr(Checkpoints, "due", property(lambda self: True))
    script: dict[int, list[commands.AnyCommand]] = {5: [commands.Unfreeze(), commands.SetKeepStrength(strength=3.0)]}
    options = SLOW | {"keep": keep, "ema": 0.5}
    one = made(new, tmp_path / "whole", first, **options)
    expected = whole(one, new, first, script)
    run, control = made(new, tmp_path / "run", first, **options), Control()
    hears = at_step(control, script)

    def enough(event: Event) -> bool:
        hears(event)
        return isinstance(event, events.BatchEnded) and event.step == killed_at

    begun = broken_off(run, new, first, enough, control)
    again = Control()
    hears = at_step(again, {} if killed_at >= 6 else script)
    rest = broken_off(run, new, first, lambda event: bool(hears(event)), again)
    assert isinstance(rest[-1], events.Completed), rest[-1]
    ended = {event["epoch"]: event for event in measured(begun) + measured(rest)}
    assert list(ended.values()) == measured(expected)
    assert differing(kept_file(one), kept_file(run)) == []
    assert one.best_path.read_bytes() == run.best_path.read_bytes()
    mine, theirs = scores(run), scores(one)
    assert mine["retention"].pop("looks") >= theirs["retention"].pop("looks"), "a look that is taken again is one more"
    assert mine == theirs


def test_what_was_unfrozen_and_taken_back_leaves_no_trace(first: RunFolder, new: Path, tmp_path: Path) -> None:
    """Also a strength that was set in between goes back, and what deeper layers are held by changes nothing above them."""
    plain = made(new, tmp_path / "plain", first, keep="ewc", **SLOW)
    expected = whole(plain, new, first, {4: [commands.SetKeepStrength(strength=2.0)]})
    run = made(new, tmp_path / "run", first, keep="ewc", **SLOW)
    script: dict[int, list[commands.AnyCommand]] = {
        4: [commands.SetKeepStrength(strength=2.0)],
        6: [commands.Unfreeze()],
        8: [commands.SetKeepStrength(strength=900.0)],
        10: [commands.Undo()],
    }
    said = whole(run, new, first, script)
    (undone,) = of(said, events.Undone)
    after = said[said.index(undone) :]
    assert measured(after) == [one for one in measured(expected) if one["epoch"] > undone.to_epoch]
    assert plain.best_path.read_bytes() == run.best_path.read_bytes()
    mine, theirs = kept_file(run), kept_file(plain)
    assert (
        differing(
            {name: mine[name] for name in theirs if name != "scale"}, {n: t for n, t in theirs.items() if n != "scale"}
        )
        == []
    )
    assert any(name.startswith("need|conv3") for name in mine) and not any("conv3" in n for n in theirs if "need" in n)


def test_a_strength_that_is_set_holds_and_0_lets_go(first: RunFolder, new: Path, tmp_path: Path) -> None:
    for keep in ("l2sp", "average"):
        run = made(new, tmp_path / keep, first, keep=keep)
        said = whole(run, new, first, {2: [commands.SetKeepStrength(strength=0.0)]})
        notices = {event.code: event.message for event in of(said, events.Notice)}
        if keep == "l2sp":
            assert notices["keep_strength"] == "What it knew before is not held on to from now on."
        else:
            assert "does not hold on to what it knew before while it trains" in notices["strength_not_set"]


@pytest.mark.parametrize("keep", ["ewc", "l2sp"])
def test_the_cost_of_a_move_is_measured_on_layers_that_nobody_asked_about_yet(
    keep: str, first: RunFolder, new: Path, tmp_path: Path
) -> None:
    run = made(new, tmp_path / "run", first, keep=keep, **SLOW)
    said = whole(run, new, first, {2: [commands.PlanMove(groups=3)], 6: [commands.PlanMove(kind="freeze")]})
    planned = of(said, events.MovePlanned)
    assert len(planned) == 2 and planned[0].seconds_then is not None
    plain = made(new, tmp_path / "plain", first, keep=keep, **SLOW)
    assert measured(said) == measured(whole(plain, new, first, {})), "and leaves the run as it is"


def test_a_move_is_judged_against_a_run_that_is_held_too(first: RunFolder, new: Path, tmp_path: Path) -> None:
    options = SLOW | {"trial_epochs": 2}
    run = made(new, tmp_path / "run", first, keep="ewc", **options)
    said = whole(run, new, first, {2: [commands.Unfreeze(groups=2)]})
    assert len(of(said, events.MoveJudged)) == 1


def test_more_epochs_are_held_by_the_same(first: RunFolder, new: Path, tmp_path: Path) -> None:
    run = made(new, tmp_path / "run", first, keep="ewc")
    trained(run, new, first)
    before = kept_file(run)
    said = trained(run, new, more_epochs=2)
    assert isinstance(said[-1], events.Completed) and differing(before, kept_file(run)) == []
    assert [event.epoch for event in of(said, events.EpochEnded)] == [4, 5]
    assert all(one.images == 10 for one in meter_of(said))
    assert "keep" not in codes(said) and "meter" not in codes(said)


def test_what_is_measured_belongs_to_its_images_wherever_they_are_later_on(
    first: RunFolder, old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of right and wrong is no list of classes, and that of one folder is not that of another."""
    second = made(new, tmp_path / "second", first)
    trained(second, new, first)
    last = pictures(tmp_path / "last", 5, down=(0, 15), wide=(1, 15))
    third = made(last, tmp_path / "third", second)
    said = trained(third, last, second)
    (everything,) = of(said, events.RetentionMeasured)
    place = {"new": new, "old": old}

    def only(*names: str) -> None:
        known = {task.fingerprint: place[task.name] for task in third.spec().earlier if task.name in names}
        monkeypatch.setattr("tlgui.core.earlier.recall_place", known.get)

    only("old")
    said = trained(third, last, more_epochs=1)
    assert "earlier_missing" in codes(said)
    (left,) = of(said, events.RetentionMeasured)
    assert [(one.name, one.before, one.images) for one in left.tasks] == [
        (one.name, one.before, one.images) for one in everything.tasks[1:]
    ]
    only()
    said = trained(third, last, more_epochs=1)
    assert not meter_of(said) and not of(said, events.RetentionMeasured), "nothing that was noted can be measured"
    assert "retention" not in scores(third)

    fourth = made(last, tmp_path / "fourth", second)
    assert {one.meter for one in meter_of(trained(fourth, last, second))} == {"agreement"}
    only("old", "new")
    said = trained(fourth, last, more_epochs=1)
    assert {one.meter for one in meter_of(said)} == {"agreement"}, "it goes on as it began"


@pytest.mark.parametrize("damage", ["gone", "cut", "empty"])
def test_a_damaged_note_of_what_it_knew_is_said_and_never_guessed(
    damage: str, first: RunFolder, new: Path, tmp_path: Path
) -> None:
    run = made(new, tmp_path / "run", first, keep="ewc")
    trained(run, new, first)
    file = run.checkpoints / FILE
    content = file.read_bytes()
    file.unlink()
    if damage != "gone":
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    with pytest.raises(
        UserError, match=f"'{FILE}', which says what the network knew before, cannot be read"
    ) as refused:
        trained(run, new, more_epochs=1)
    assert refused.value.code == "run_damaged"


def test_a_full_disk_pauses_a_run_that_notes_what_it_knew(
    first: RunFolder, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, real = {FILE: 2}, atomic.replacing

    @contextlib.contextmanager
    def replacing(path: Path) -> Any:
        if full.get(path.name, 0) > 0:
            full[path.name] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        with real(path) as temporary:
            yield temporary

    monkeypatch.setattr(atomic, "replacing", replacing)
    run, control = made(new, tmp_path / "run", first, keep="ewc"), Control()

    def enough(event: Event) -> bool:
        if isinstance(event, events.Paused):
            control.put(commands.Continue())
        return False

    said = broken_off(run, new, first, enough, control)
    assert isinstance(said[-1], events.Completed) and codes(said).count("disk_full") == 2
    whole_run = made(new, tmp_path / "whole", first, keep="ewc")
    trained(whole_run, new, first)
    assert run.best_path.read_bytes() == whole_run.best_path.read_bytes()


@pytest.mark.parametrize("adapt", ["mmd", "statistics"])
def test_it_may_adapt_to_a_new_site_at_once(adapt: str, first: RunFolder, new: Path, tmp_path: Path) -> None:
    site = write_site(tmp_path / "New hospital", 20, 24)
    for keep in ("ewc", "average"):
        run = made(new, tmp_path / keep, first, keep=keep, adapt=adapt, target=site)
        said = trained(run, new, first)
        assert isinstance(said[-1], events.Completed), said[-1]
        assert len(of(said, events.RetentionMeasured)) == 1
        assert isinstance(trained(run, new, more_epochs=1)[-1], events.Completed)


def test_earlier_images_that_it_adapts_to_do_not_tell_what_is_forgotten(
    first: RunFolder, old: Path, new: Path, tmp_path: Path
) -> None:
    run = made(new, tmp_path / "run", first, keep="ewc", adapt="mmd", target=old, epochs=1)
    said = trained(run, new, first)
    assert {row.content_hash for row in first.manifest()} == {row.content_hash for row in run.target()}
    assert {one.meter for one in meter_of(said)} == {"agreement"} and "earlier_missing" not in codes(said)
    assert not any("never learned show" in event.message for event in of(said, events.Notice))
    (left,) = of(said, events.RetentionMeasured)
    assert "no image of the earlier task is there that it never learned" in left.sentence
    (shown,) = [event.message for event in of(said, events.Notice) if event.code == "rehearsal"]
    assert "'down'" in shown, "what it was trained on is shown again, with its labels"


def test_one_new_class_alone_can_be_learned(first: RunFolder, tmp_path: Path) -> None:
    one = pictures(tmp_path / "one", 7, both=(2, 30))
    for strategy in ("auto", "feature-extraction"):
        options = {} if strategy != "auto" else {"warm_start": None, "unfreezing": None, "epochs": 2}
        said = trained(made(one, tmp_path / strategy, first, keep="ewc", strategy=strategy, **options), one, first)
        assert isinstance(said[-1], events.Completed), said[-1]
        begun = meter_of(said)[0]
        assert begun.now > 0.7, "the new output begins beside those that are known"


def test_a_hidden_head_learns_on_too(old: Path, new: Path, tmp_path: Path) -> None:
    first = made(old, tmp_path / "first", head="hidden", head_units=12)
    trained(first, old)
    run = made(new, tmp_path / "run", first, keep="ewc")
    assert (run.spec().training.head, run.spec().training.head_units) == ("hidden", 12)
    said = trained(run, new, first)
    assert isinstance(said[-1], events.Completed)
    own = scores(first)["test"]["accuracy"]["value"]
    assert {one.before for one in meter_of(said)} == {own}
