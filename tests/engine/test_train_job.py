"""The whole job: from a run folder to scores, and on from there; mostly with a tiny network, once with a real one."""

from __future__ import annotations

import csv
import errno
import hashlib
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from filelock import FileLock
from helpers.pictures import write_dataset, write_tree
from helpers.tiny import RECIPE, ROW, tiny_network, without_times

from tlgui.core import commands, events
from tlgui.core.backbones import BACKBONES
from tlgui.core.commands import Job
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.split import PARTS
from tlgui.engine import cache, samples, start_weights, trained_model, trunk, weights
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.jobs import evaluate as evaluate_job
from tlgui.engine.jobs import train as train_job
from tlgui.engine.jobs import train_setup
from tlgui.engine.jobs.train_setup import Given
from tlgui.engine.network import Network
from tlgui.engine.results import OPTIMISTIC
from tlgui.engine.setup import Setup
from tlgui.engine.worker import _Wire, serve
from tlgui.imaging.prepare import prepare_run

AWKWARD = 'a,"b"'
OnEvent = Callable[[Event, Control], object]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone that trains in milliseconds, under the name "tiny"."""

    def build(row: object, classes: int, state: object, fit: str, source: str = "", *_: object, **__: object) -> object:
        network = tiny_network(classes, recipe=msgspec.structs.replace(RECIPE, fit=fit))
        if state is None:  # what comes from a checkpoint must not depend on the start
            network.head_linear.weight.data.fill_(9.0)
        return network

    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny"))
    monkeypatch.setattr(train_job, "build", build)
    monkeypatch.setattr(trained_model, "build", build)
    monkeypatch.setattr(weights, "pretrained", lambda *_: {})


class _ListWire(_Wire):
    def __init__(self, control: Control, on_event: OnEvent) -> None:
        self.sent: list[Event] = []
        self._commands, self._on_event = control, on_event

    def send(self, event: Event) -> None:
        self.sent.append(event)
        self._on_event(event, self._commands)


def done(job: Job, on_event: OnEvent = lambda *_: None) -> list[Event]:
    """Everything that the engine sends for a job; its last event is the only ending."""
    control = Control()
    wire = _ListWire(control, on_event)
    serve(job, control, wire)
    assert [event.ends_job for event in wire.sent] == [False] * (len(wire.sent) - 1) + [True]
    return wire.sent


def made(data: Path, run: Path, backbone: str = "tiny", **training: Any) -> RunFolder:
    options = {"strategy": "feature-extraction", "epochs": 2, "batch_size": 8} | training
    return prepare_run(data, RunSpec(backbone=backbone, training=Training(**options)), run).run


def job(run: RunFolder, data: Path, **options: Any) -> commands.Train:
    return commands.Train(run=str(run.path), data=str(data), **options)


def of(sent: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in sent if isinstance(event, kind)]


def metrics(run: RunFolder) -> Any:
    return msgspec.json.decode((run.results / "metrics.json").read_bytes())


def predictions(run: RunFolder) -> list[dict[str, str]]:
    with (run.results / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def assert_no_place_in(run: RunFolder, *places: Path) -> None:
    for path in run.path.rglob("*"):
        for place in (*places, Path.home()) if path.is_file() else ():
            assert str(place).encode() not in path.read_bytes(), path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("DOE JANE") / "d", {AWKWARD: 20, "b": 20, "c": 16}, size=24)


@pytest.mark.slow
def test_lite0_from_pictures_to_scores_and_the_same_scores_again(data: Path, tmp_path: Path) -> None:
    """B9, N08, S06: the score in training, the score of the opened model and each single answer agree."""
    run = made(data, tmp_path / "run", "efficientnet-lite0", seed=5)
    sent = done(job(run, data))
    assert isinstance(sent[-1], events.Completed), sent[-1]
    best = max((e for e in of(sent, events.EpochEnded) if e.best), key=lambda e: e.epoch)
    scores = metrics(run)
    assert scores["test_evaluations"] == 1 and scores["best_epoch"] == best.epoch == sent[-1].best_epoch
    assert scores["classes"] == [AWKWARD, "b", "c"]
    assert scores["validation"]["accuracy"]["value"] == best.validation_accuracy

    rows = predictions(run)
    assert list(rows[0]) == ["path", "split", "true", "predicted", f"p_{AWKWARD}", "p_b", "p_c"]
    assert len(rows) == 56 and {row["path"] for row in rows} == {row.path for row in run.manifest()}
    for part in ("validation", "test"):
        mine = [row for row in rows if row["split"] == part]
        accuracy = np.mean([row["true"] == row["predicted"] for row in mine])
        assert scores[part]["accuracy"]["value"] == pytest.approx(accuracy, abs=1e-12)

    # N08: the model is opened again and asked about the same files.
    shutil.copytree(run.path, moved := tmp_path / "moved")
    again = {e.split: e.metrics for e in of(done(commands.Evaluate(run=str(moved), data=str(data))), events.Evaluated)}
    assert again.keys() == {"train", "validation", "test"}
    for part in ("validation", "test"):
        assert again[part]["accuracy"]["value"] == scores[part]["accuracy"]["value"]
        assert again[part]["confusion_matrix"] == scores[part]["confusion_matrix"]
    chosen = [row for row in rows if row["split"] != "train"]
    paths = [(row["path"], str(data / row["path"])) for row in chosen]
    answers = of(done(commands.Predict(run=str(moved), paths=paths)), events.Predicted)
    for row, answer in zip(chosen, answers, strict=True):
        assert answer.path == row["path"] and answer.label == row["predicted"]
        for name, probability in answer.probabilities.items():
            assert abs(probability - float(row[f"p_{name}"])) <= 1e-4
    assert_no_place_in(run, data.parent, tmp_path)


def test_the_events_of_a_job_and_what_is_left_of_them(tiny: None, data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run", strategy="fine-tune-top", warm_start=True)
    sent = done(job(run, data))
    names = [type(event).__name__ for event in sent if not isinstance(event, events.Progress | events.BatchEnded)]
    assert names == [
        *["RunStarted", "SimilarityMeasured", "LayersChanged", "FirstAnswered"],
        *["EpochEnded"] * 3,
        *["Evaluated", "Evaluated", "Completed"],
    ]
    assert [event.split for event in of(sent, events.Evaluated)] == ["validation", "test"]
    assert isinstance(sent[0], events.RunStarted)
    assert (sent[0].train_images, sent[0].validation_images, sent[0].test_images) == (40, 8, 8)
    assert [type(e).__name__ for e in run.events() if not isinstance(e, events.BatchEnded)] == names
    spec = run.spec()
    assert spec.machine is not None and spec.machine.executor == "torch" and spec.weights == "pretrained"
    assert_no_place_in(run, data.parent, tmp_path)
    scores = metrics(run)
    for event in of(sent, events.Evaluated):
        assert scores[event.split] == msgspec.json.decode(msgspec.json.encode(event.metrics))


def test_more_epochs_are_a_second_look_at_the_test_images(tiny: None, data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run")
    done(job(run, data))
    assert metrics(run)["test_evaluations"] == 1
    (refused,) = done(job(run, data))
    assert isinstance(refused, events.Failed)
    assert (
        refused.sentence()
        == "The run 'run' is complete: there is nothing to continue. Add epochs with --more-epochs N."
    )
    sent = done(job(run, data, more_epochs=1))
    assert isinstance(sent[-1], events.Completed)
    assert [event.epoch for event in of(sent, events.EpochEnded)] == [3]
    assert metrics(run)["test_evaluations"] == 2


def test_test_images_are_read_after_training_alone(
    tiny: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(data, tmp_path / "run")
    test_paths = {row.path for row in run.manifest() if row.part == "test"}
    read: list[str] = []
    inner = samples._bytes

    def counted(root: Path, path: str, *more: Any) -> bytes | None:
        read.append(path)
        return inner(root, path, *more)

    monkeypatch.setattr(samples, "_bytes", counted)
    before_the_end: list[str] = []

    def on_event(event: Event, _: Control) -> None:
        if isinstance(event, events.EpochEnded):
            before_the_end[:] = read

    done(job(run, data), on_event)
    assert before_the_end and not test_paths & set(before_the_end)
    assert test_paths <= set(read) and all(read.count(path) == 1 for path in test_paths)


def test_train_and_validation_alone_say_that_the_score_is_optimistic(tiny: None, tmp_path: Path) -> None:
    """And D11: the validation folder lacks the class in the middle."""
    data = write_tree(tmp_path / "d", {"train": {"a": 12, "b": 12, "c": 12}, "val": {"a": 5, "c": 5}}, size=24)
    run = made(data, tmp_path / "run", strategy="fine-tune-top")
    sent = done(job(run, data))
    assert isinstance(sent[-1], events.Completed), sent[-1]
    scores = metrics(run)
    assert "test" not in scores and scores["test_evaluations"] == 0
    assert scores["validation"]["note"] == OPTIMISTIC
    rows = [row for row in predictions(run) if row["split"] == "validation"]
    assert sorted({row["true"] for row in rows}) == ["a", "c"]
    assert all(row["path"].split("/")[1] == row["true"] for row in rows)
    matrix = np.array(scores["validation"]["confusion_matrix"])
    assert matrix.shape == (3, 3) and matrix.sum(1).tolist() == [5, 0, 5]  # T19


@pytest.mark.parametrize(("after", "best"), [(1, None), (8, 1)])
def test_stop_keeps_and_scores_the_best_so_far(
    after: int, best: int | None, tiny: None, data: Path, tmp_path: Path
) -> None:
    """T32; a run that was stopped goes on."""
    run = made(data, tmp_path / "run")

    def on_event(event: Event, control: Control) -> None:
        if isinstance(event, events.BatchEnded) and event.step == after:
            control.put(commands.Stop())

    sent = done(job(run, data), on_event)
    assert isinstance(sent[-1], events.Stopped) and sent[-1].best_epoch == best
    assert (run.results / "metrics.json").exists() == (best is not None)
    sent = done(job(run, data))
    assert of(sent, events.Resumed)[0].step == after
    assert isinstance(sent[-1], events.Completed)
    assert metrics(run)["test_evaluations"] == (1 if best is None else 2)


def test_a_resumed_job_says_what_the_uninterrupted_one_says(
    tiny: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N09 on the level of jobs: a full fine-tuning whose stem was frozen sees fresh views before and after."""
    monkeypatch.setattr(Checkpoints, "due", property(lambda self: True))
    options: dict[str, Any] = {"strategy": "full-fine-tuning", "epochs": 3}

    def freeze(event: Event, control: Control) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 3:
            control.put(commands.Freeze())

    whole = made(data, tmp_path / "whole", **options)
    expected = done(job(whole, data), freeze)

    broken = made(data, tmp_path / "broken", **options)

    class _KilledError(Exception):
        pass

    def kill(event: Event, control: Control) -> None:
        freeze(event, control)
        if isinstance(event, events.BatchEnded) and event.step == 7:
            raise _KilledError

    control = Control()
    generator = train_job.train(job(broken, data), control)
    with pytest.raises(_KilledError):
        for event in generator:
            kill(event, control)
    generator.close()  # type: ignore[attr-defined]
    sent = done(job(broken, data))
    step = of(sent, events.Resumed)[0].step
    assert step == 6

    def comparable(said: list[Event]) -> list[dict[str, Any]]:
        kinds = (events.BatchEnded, events.EpochEnded)
        return without_times([e for e in said if isinstance(e, kinds) and e.step > step])

    assert comparable(sent) == comparable(expected)
    assert predictions(broken) == predictions(whole)
    assert broken.best_path.read_bytes() == whole.best_path.read_bytes()


def test_a_run_that_goes_on_caches_as_before_whatever_the_disk_holds(
    tiny: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Views follow from it, and so does every number."""
    cached: list[bool] = []
    inner = train_job.fit

    def recorded(setup: Setup) -> Any:
        cached.append(setup.frozen.caching)
        return inner(setup)

    monkeypatch.setattr(train_job, "fit", recorded)
    for room in (1 << 30, 10):
        run = made(data, tmp_path / f"run {room}")
        monkeypatch.setattr(cache, "budget_bytes", lambda room=room: room)
        sent = done(job(run, data))
        codes = [event.code for event in of(sent, events.Notice)]
        assert codes == ([] if room > 10 else ["cache_too_large"])
        monkeypatch.setattr(cache, "budget_bytes", lambda room=room: 10 if room > 10 else 1 << 30)
        done(job(run, data, more_epochs=1))
    assert cached == [True, True, False, False]


def test_a_damaged_checkpoint_fails_the_job(tiny: None, data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run")
    done(job(run, data))
    last = run.checkpoints / "last.safetensors"
    last.write_bytes(last.read_bytes()[:-9])
    failed = done(job(run, data, more_epochs=1))[-1]
    assert isinstance(failed, events.Failed) and "last checkpoint of the run 'run' is damaged" in failed.problem


@pytest.fixture
def copied(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of the test's own, which it may take away."""
    monkeypatch.setattr(samples, "_SETTLES_S", 0)
    return shutil.copytree(data, tmp_path / "copy" / "d")


def of_part(run: RunFolder, part: str) -> list[str]:
    return [row.path for row in run.manifest() if row.part == part]


def takes_away(folder: Path, to: Path, lost: list[str]) -> OnEvent:
    """Takes images out of the folder after the first epoch."""

    def on_event(event: Event, _: Control) -> None:
        if isinstance(event, events.EpochEnded) and event.epoch == 1:
            for number, path in enumerate(lost):
                (folder / path).rename(to / f"lost {number}")

    return on_event


@pytest.mark.parametrize("strategy", ["feature-extraction", "full-fine-tuning"])
def test_d42_images_that_vanish_in_training_are_skipped_counted_and_in_no_score(
    strategy: str, tiny: None, copied: Path, tmp_path: Path
) -> None:
    run = made(copied, tmp_path / "run", strategy=strategy, epochs=3, views=3)
    lost = [of_part(run, part)[1] for part in PARTS]
    sent = done(job(run, copied), takes_away(copied, tmp_path, lost))
    assert isinstance(sent[-1], events.Completed), sent[-1]
    sentences = [event.message for event in of(sent, events.Notice) if event.code == "image_skipped"]
    counts = {part: len(of_part(run, part)) for part in PARTS}
    expected = [
        f"The {word} image '{path}' is gone and is skipped: 1 of {counts[part]} so far."
        for part, word, path in zip(PARTS, ("training", "validation", "test"), lost, strict=True)
    ]
    if strategy == "feature-extraction":  # the cache has what the validation image gave
        del expected[1]
        lost.pop(1)
    assert sentences == expected
    scores = metrics(run)
    assert scores["test"]["accuracy"]["n"] == counts["test"] - 1
    note = f"1 of the {counts['test']} images is not in this score, because its file is gone."
    assert scores["test"]["note"] == note
    seen = counts["validation"] - ("full" in strategy)
    assert scores["validation"]["accuracy"]["n"] == seen
    assert scores["validation"]["note"].startswith(OPTIMISTIC)
    assert (scores["validation"]["note"] != OPTIMISTIC) == ("full" in strategy)
    assert {row["path"] for row in predictions(run)} == {row.path for row in run.manifest()} - set(lost)
    assert_no_place_in(run, tmp_path)


@pytest.mark.parametrize("back", [False, True])
def test_d42_a_run_goes_on_with_the_image_still_gone_and_with_it_back(
    back: bool, tiny: None, copied: Path, tmp_path: Path
) -> None:
    run = made(copied, tmp_path / "run", strategy="full-fine-tuning")
    lost = of_part(run, "train")[0]
    done(job(run, copied), takes_away(copied, tmp_path, [lost]))
    if back:
        (tmp_path / "lost 0").rename(copied / lost)
    sent = done(job(run, copied, more_epochs=1))
    assert isinstance(sent[-1], events.Completed)
    kinds = [type(event).__name__ for event in sent if not isinstance(event, events.Progress)]
    assert kinds[:3] == ["RunStarted", "Resumed", "Extended" if back else "Notice"]
    assert (lost in {row["path"] for row in predictions(run)}) is back


@pytest.mark.parametrize("part", PARTS)
def test_d42_more_than_a_few_that_vanish_are_counted_and_the_run_goes_on_when_they_are_back(
    part: str, tiny: None, copied: Path, tmp_path: Path
) -> None:
    run = made(copied, tmp_path / "run", strategy="full-fine-tuning")
    lost = of_part(run, part)[:4]
    failed = done(job(run, copied), takes_away(copied, tmp_path, lost))[-1]
    assert isinstance(failed, events.Failed) and failed.code == "images_changed"
    word = {"train": "training", "validation": "validation", "test": "test"}[part]
    number, problem = len(of_part(run, part)), failed.problem
    assert problem.startswith(f"4 of {number} {word} images are gone, '") and any(path in problem for path in lost)
    assert "Put back" in failed.remedy
    assert_no_place_in(run, tmp_path)
    for index, path in enumerate(lost):
        (tmp_path / f"lost {index}").rename(copied / path)
    assert isinstance(done(job(run, copied))[-1], events.Completed)


def test_d42_a_changed_image_is_named_and_ends_the_run(tiny: None, copied: Path, tmp_path: Path) -> None:
    run = made(copied, tmp_path / "run", strategy="full-fine-tuning")
    changed, other = of_part(run, "train")[:2]

    def on_event(event: Event, _: Control) -> None:
        if isinstance(event, events.EpochEnded) and event.epoch == 1:
            (copied / changed).write_bytes((copied / other).read_bytes())

    failed = done(job(run, copied), on_event)[-1]
    assert isinstance(failed, events.Failed) and failed.code == "images_changed"
    assert changed in failed.problem and "Put it back" in failed.remedy


@pytest.mark.parametrize("part", ["train", "test"])
def test_d42_an_image_that_vanishes_while_a_model_is_scored_is_in_no_score(
    part: str, tiny: None, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(copied, tmp_path / "run")
    done(job(run, copied))
    lost = of_part(run, part)[0]
    scan = evaluate_job.scan_folder

    def scanned(*arguments: Any, **options: Any) -> Any:
        found = scan(*arguments, **options)
        (copied / lost).unlink()
        return found

    monkeypatch.setattr(evaluate_job, "scan_folder", scanned)
    sent = done(commands.Evaluate(run=str(run.path), data=str(copied)))
    (notice,) = of(sent, events.Notice)
    number = len(of_part(run, part))
    assert notice.message == f"The image '{lost}' is gone and is skipped: 1 of {number} so far."
    scores = {event.split: event.metrics for event in of(sent, events.Evaluated)}
    assert scores[part]["accuracy"]["n"] == number - 1
    assert f"1 of the {number} images is not in this score" in scores[part]["note"]
    assert sent[-1].message == "55 images were scored, 1 left out."


def test_d42_the_first_image_may_be_gone_before_the_run_begins(tiny: None, copied: Path, tmp_path: Path) -> None:
    run = made(copied, tmp_path / "run")
    lost = of_part(run, "train")[0]
    (copied / lost).unlink()
    sent = done(job(run, copied))
    assert isinstance(sent[-1], events.Completed)
    assert [lost in event.message for event in of(sent, events.Notice)] == [True]


def test_a_run_that_begins_at_random_says_that_a_weights_file_is_not_used(
    tiny: None, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.pth").write_bytes(b"whatever it is")
    run = made(data, tmp_path / "run", strategy="from-scratch")
    sent = done(job(run, data, weights_file=str(tmp_path / "own.pth")))
    assert isinstance(sent[-1], events.Completed)
    (notice,) = (event for event in of(sent, events.Notice) if event.code == "weights_unused")
    assert notice.message == "This run begins with random weights, so the file 'own.pth' is not used."


@pytest.mark.parametrize("content", [b"", b"notes about the weights", b"PK\x03\x04" + bytes(90)])
def test_a_weights_file_that_is_none_fails_before_anything_else(
    content: bytes, tiny: None, data: Path, tmp_path: Path
) -> None:
    run = made(data, tmp_path / "run")
    (tmp_path / "own.pth").write_bytes(content)
    sent = done(job(run, data, weights_file=str(tmp_path / "own.pth")))
    failed = sent[-1]
    assert isinstance(failed, events.Failed) and failed.problem == "'own.pth' is not a weights file."
    assert not list(run.checkpoints.iterdir()) and run.spec().weights == "pretrained"
    missing = done(job(run, data, weights_file=str(tmp_path / "none.pth")))[-1]
    assert isinstance(missing, events.Failed) and "There is no weights file 'none.pth'" in missing.problem


def test_a_run_notes_its_own_weights_and_begins_with_no_others(tiny: None, data: Path, tmp_path: Path) -> None:
    own, other = tmp_path / "own.pth", tmp_path / "other.pth"
    torch.save({"x": torch.ones(1)}, own)
    torch.save({"x": torch.zeros(1)}, other)
    run = made(data, tmp_path / "run")

    def stop(event: Event, control: Control) -> None:
        if isinstance(event, events.RunStarted):
            control.put(commands.Stop())

    done(job(run, data, weights_file=str(own)), stop)
    sha = hashlib.sha256(own.read_bytes()).hexdigest()
    assert run.spec().weights == sha and run.spec().machine is not None
    (run.checkpoints / "last.safetensors").unlink(missing_ok=True)
    for given in ("", str(other)):
        failed = done(job(run, data, weights_file=given))[-1]
        assert isinstance(failed, events.Failed) and f"whose sha256 begins with {sha[:8]}" in failed.problem
    assert isinstance(done(job(run, data, weights_file=str(own)))[-1], events.Completed)
    # From now on all weights are in the checkpoint.
    assert isinstance(done(job(run, data, more_epochs=1))[-1], events.Completed)


def test_a_folder_of_images_that_is_not_there_is_said(tiny: None, data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run")
    (failed,) = done(job(run, tmp_path / "gone"))
    assert isinstance(failed, events.Failed)
    assert failed.sentence() == "The folder of the images 'gone' is not there. Say where it is with --data DIR."


# -- a run that begins with an earlier one ------------------------------------------------------------------------


@pytest.fixture
def carries(tiny: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny backbone, whose weights are really carried from one network to the next."""

    def build(row: Any, classes: int, state: Any, fit: str = "crop", source: str = "", *_: Any, **__: Any) -> Network:
        network = tiny_network(classes, seed=99)
        if state is not None:
            weights.load_into(network.model, state, row.head_linear, source)
        network.head_linear.weight.data.zero_()
        return Network(network.row, network.model, RECIPE, classes, "", row.pretrained or state is not None)

    def unmeasured(run: RunFolder, spec: RunSpec, root: Path) -> Generator[Event, None, RunSpec]:
        yield from ()
        return spec

    for module in (train_job, trained_model, start_weights):
        monkeypatch.setattr(module, "build", build)
    monkeypatch.setattr(train_job, "_with_similarity", unmeasured)  # it takes a large network
    monkeypatch.setattr(weights, "pretrained", lambda *_: tiny_network(2, seed=7).model.state_dict())


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of two classes that no earlier run knows."""
    counts = {"down": 16, "up": 16}
    return write_tree(tmp_path_factory.mktemp("others") / "o", {"x": counts}, size=24) / "x"


def trained(data: Path, path: Path, **training: Any) -> RunFolder:
    """An earlier run that is complete."""
    run = made(data, path, **{"epochs": 1} | training)
    assert isinstance(done(job(run, data))[-1], events.Completed)
    return run


def begun_with(earlier: RunFolder, data: Path, path: Path, **training: Any) -> tuple[RunFolder, commands.Train]:
    """A new run with the network of an earlier one, and the job that trains it."""
    options: dict[str, Any] = {"strategy": "feature-extraction", "epochs": 1, "batch_size": 8} | training
    spec = RunSpec(backbone="tiny", training=Training(**options))
    run = prepare_run(data, spec, path, weights_file=str(earlier.best_path)).run
    return run, job(run, data, weights_file=str(earlier.best_path))


def source_notices(sent: list[Event]) -> list[str]:
    return [event.message for event in of(sent, events.Notice) if event.code == "source"]


def test_below_the_head_it_begins_bit_for_bit_with_the_network_of_the_earlier_run_and_the_head_is_new(
    carries: None, data: Path, others: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = trained(data, tmp_path / "earlier", strategy="full-fine-tuning")
    assert (earlier.checkpoints / "last.safetensors").read_bytes() != earlier.best_path.read_bytes()
    began: list[dict[str, torch.Tensor]] = []
    inner = train_setup.set_up

    def looked_at(given: Given) -> Any:
        began.append({name: tensor.clone() for name, tensor in given.network.model.state_dict().items()})
        return inner(given)

    monkeypatch.setattr(train_job, "set_up", looked_at)
    _, command = begun_with(earlier, others, tmp_path / "run")
    sent = done(command)
    assert isinstance(sent[-1], events.Completed), sent[-1]

    source, published = weights.read_file(earlier.best_path), tiny_network(2, seed=7).model.state_dict()
    (start,) = began
    below = {name for name in start if not name.startswith("fc.")}
    assert len(below) == 21 and not any(
        torch.equal(source[name], published[name]) for name in below if "weight" in name
    )
    for name in below:
        assert torch.equal(start[name], source[name]), name
    assert start["fc.weight"].shape == (2, 16) and not start["fc.weight"].any()
    assert source["fc.weight"].shape == (3, 16) and source["fc.weight"].any()
    assert source_notices(sent) == [
        "This run begins with the network of the run 'earlier', below its head. It learned from 40 images of 'd'."
    ]


@pytest.mark.parametrize("changed", [False, True])
def test_a_source_that_has_changed_since_is_said(
    changed: bool, carries: None, data: Path, others: Path, tmp_path: Path
) -> None:
    run, command = begun_with(trained(data, tmp_path / "earlier"), others, tmp_path / "run")
    spec = run.spec()
    assert spec.source is not None
    run.write_spec(msgspec.structs.replace(spec, source=msgspec.structs.replace(spec.source, changed=changed)))
    said = [event.message for event in of(done(command), events.Notice) if event.code == "source_changed"]
    assert len(said) == changed and all(
        one.startswith("The weights of 'earlier' are others than those") for one in said
    )


def test_a_run_that_trained_its_head_alone_is_said_to_have_nothing_to_give(
    carries: None, data: Path, others: Path, tmp_path: Path
) -> None:
    _, command = begun_with(trained(data, tmp_path / "earlier"), others, tmp_path / "run")
    assert source_notices(done(command)) == [
        "The run 'earlier' trained its head alone, so below the head this run begins with the published weights and "
        "nothing else."
    ]


def test_what_it_begins_with_is_said_once_and_is_in_the_checkpoint_from_then_on(
    carries: None, data: Path, others: Path, tmp_path: Path
) -> None:
    earlier = trained(data, tmp_path / "earlier", strategy="full-fine-tuning")
    run, command = begun_with(earlier, others, tmp_path / "run")
    assert len(source_notices(done(command))) == 1
    shutil.rmtree(earlier.path)
    sent = done(job(run, others, more_epochs=1))
    assert isinstance(sent[-1], events.Completed) and source_notices(sent) == []


def test_a_run_that_names_an_earlier_one_begins_with_no_other_weights(
    carries: None, data: Path, others: Path, tmp_path: Path
) -> None:
    earlier = trained(data, tmp_path / "earlier", strategy="full-fine-tuning")
    run, command = begun_with(earlier, others, tmp_path / "run")
    sha = run.spec().weights
    assert sha == hashlib.sha256(earlier.best_path.read_bytes()).hexdigest()
    for given in ("", str(trained(data, tmp_path / "other", seed=3, strategy="full-fine-tuning").best_path)):
        failed = done(job(run, others, weights_file=given))[-1]
        assert isinstance(failed, events.Failed) and failed.code == "weights_own"
        assert f"whose sha256 begins with {sha[:8]}" in failed.problem
    assert not list(run.checkpoints.iterdir())
    # Trained on in the meantime, it is another network than the one whose images were left out.
    content = earlier.best_path.read_bytes()
    earlier.best_path.write_bytes(content + b"\0")
    assert isinstance(done(command)[-1], events.Failed)
    earlier.best_path.write_bytes(content)
    assert isinstance(done(command)[-1], events.Completed)


def test_weights_that_fit_no_longer_are_told_by_the_name_of_the_run(
    carries: None, data: Path, others: Path, tmp_path: Path
) -> None:
    earlier = trained(data, tmp_path / "Run 7")
    torch_file = weights.read_file(earlier.best_path)
    del torch_file["conv2.weight"]
    trained_model.save(torch_file, trained_model.load(earlier).card, earlier.best_path)
    _, command = begun_with(earlier, others, tmp_path / "run")
    failed = done(command)[-1]
    assert isinstance(failed, events.Failed)
    assert failed.problem.startswith("The network of the run 'Run 7' does not fit this backbone: 1 of 21 layers")


@pytest.mark.parametrize("stopped", [False, True])
def test_auto_with_the_network_of_a_run_is_not_from_scratch_where_nothing_was_published(
    stopped: bool, carries: None, data: Path, others: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where it was stopped before it had decided, and begins again."""
    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny", weights="none"))
    earlier = trained(data, tmp_path / "earlier", strategy="from-scratch")
    run, command = begun_with(earlier, others, tmp_path / "run", strategy="auto")

    def stop(event: Event, control: Control) -> None:
        if isinstance(event, events.RunStarted):
            control.put(commands.Stop())

    if stopped:
        sent = done(command, stop)
        assert isinstance(sent[-1], events.Stopped) and not of(sent, events.StrategyChosen)
        assert run.spec().training.strategy == "auto"
        failed = done(job(run, others))[-1]
        assert isinstance(failed, events.Failed) and failed.code == "weights_own"
    sent = done(command)
    (chosen,) = of(sent, events.StrategyChosen)
    assert (chosen.strategy, run.spec().training.strategy) == ("feature-extraction", "feature-extraction")
    assert source_notices(sent)[0].startswith("This run begins with the network of the run 'earlier'")
    assert isinstance(sent[-1], events.Completed)


def test_a_run_that_goes_on_knows_that_it_began_with_what_was_learned_before(
    carries: None, data: Path, others: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny", weights="none"))
    earlier = trained(data, tmp_path / "earlier", strategy="from-scratch")
    pretrained: list[bool] = []
    inner = train_setup.set_up

    def looked_at(given: Given) -> Any:
        pretrained.append(given.network.pretrained)
        return inner(given)

    monkeypatch.setattr(train_job, "set_up", looked_at)
    run, command = begun_with(earlier, others, tmp_path / "run")
    assert isinstance(done(command)[-1], events.Completed)
    assert isinstance(done(job(run, others, more_epochs=1))[-1], events.Completed)
    done(job(earlier, data, more_epochs=1))
    assert pretrained == [True, True, False]


def test_auto_without_a_run_is_still_from_scratch_where_nothing_was_published(
    carries: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny", weights="none"))
    run = made(data, tmp_path / "run", strategy="auto")
    (chosen,) = of(done(job(run, data)), events.StrategyChosen)
    assert chosen.strategy == "from-scratch"


# -- downloads inside the job -------------------------------------------------------------------------------------


def test_a_download_says_how_far_it_is_and_stop_cancels_it(
    tiny: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny", weights="V1"))
    import threading

    heard = threading.Event()

    def pretrained(row: object, download: bool, on_bytes: Any, cancelled: Callable[[], bool]) -> dict[str, Any]:
        on_bytes(10, 100)
        while not cancelled():
            heard.wait(0.01)
        raise weights.DownloadCancelledError

    monkeypatch.setattr(weights, "pretrained", pretrained)
    run = made(data, tmp_path / "run")

    def stop(event: Event, control: Control) -> None:
        if isinstance(event, events.Progress):
            control.put(commands.Stop())

    sent = done(job(run, data, download=True), stop)
    (progress,) = of(sent, events.Progress)
    assert (progress.stage, progress.done, progress.total) == ("download of Tiny", 10, 100)
    assert isinstance(sent[-1], events.Stopped) and sent[-1].best_epoch is None
    assert not [thread for thread in threading.enumerate() if thread.name == "download"]


# -- the end of a run ----------------------------------------------------------------------------------------------


def test_a_stop_during_the_closing_score_leaves_out_the_training_images(tiny: None, data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run")

    def stop(event: Event, control: Control) -> None:
        if isinstance(event, events.Progress) and event.stage == "answers for the test images":
            control.put(commands.Stop())

    sent = done(job(run, data), stop)
    assert isinstance(sent[-1], events.Stopped) and sent[-1].best_epoch is not None
    assert [event.split for event in of(sent, events.Evaluated)] == ["validation", "test"]
    assert {row["split"] for row in predictions(run)} == {"validation", "test"}


def test_where_nothing_can_be_compiled_torch_runs_the_frozen_layers(
    tiny: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full or read-only place for caches costs speed, never the run."""

    def full(*_: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(trunk, "WORTH_COMPILING", 1)
    monkeypatch.setattr(train_setup, "compiled_trunk", full)
    monkeypatch.setattr(cache, "cache_dir", full)
    run = made(data, tmp_path / "run")
    assert isinstance(done(job(run, data))[-1], events.Completed)
    machine = run.spec().machine
    assert machine is not None and machine.executor == "torch"


def test_a_run_is_trained_by_one_program_at_a_time(tiny: None, data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run")
    with FileLock(run.lock_path):
        failed = done(job(run, data))[-1]
    assert isinstance(failed, events.Failed)
    assert failed.problem == "The run 'run' is being trained by another program."
    assert isinstance(done(job(run, data))[-1], events.Completed)


def test_each_look_at_the_test_images_is_counted(tiny: None, data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run")
    done(job(run, data))
    before = metrics(run)
    done(commands.Evaluate(run=str(run.path), data=str(data)))
    assert metrics(run) == before | {"test_evaluations": 2}
    other = write_tree(tmp_path / "o", {"x": {"b": 3, "c": 2}}, size=24) / "x"
    done(commands.Evaluate(run=str(run.path), data=str(other)))
    assert metrics(run)["test_evaluations"] == 2


def test_a_picture_that_is_in_two_parts_counts_as_trained_on(tiny: None, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "d", {"a": 20, "b": 20}, size=24)
    run = made(data, tmp_path / "run")
    rows = run.manifest()
    test = next(row for row in rows if row.part == "test")
    train = next(row for row in rows if row.part == "train" and row.class_name == test.class_name)
    shutil.rmtree(run.path)
    (data / test.path).write_bytes((data / train.path).read_bytes())
    run = made(data, tmp_path / "run")
    done(job(run, data))
    sent = of(done(commands.Evaluate(run=str(run.path), data=str(data))), events.Evaluated)
    counts = {event.split: event.metrics["accuracy"]["n"] for event in sent}
    assert counts["train"] == sum(row.part == "train" for row in run.manifest()) + 1


# -- evaluate and predict -----------------------------------------------------------------------------------------


def test_other_images_are_scored_as_new_and_an_unknown_class_is_refused(tiny: None, data: Path, tmp_path: Path) -> None:
    """D11: by name, in whatever order."""
    run = made(data, tmp_path / "run")
    done(job(run, data))
    other = write_tree(tmp_path / "o", {"x": {"c": 3, "b": 2}}, size=24) / "x"
    sent = done(commands.Evaluate(run=str(run.path), data=str(other)))
    (scored,) = of(sent, events.Evaluated)
    assert scored.split == "new" and scored.metrics["accuracy"]["n"] == 5
    assert np.array(scored.metrics["confusion_matrix"]).sum(1).tolist() == [0, 2, 3]
    (other / "c").rename(other / "cat")
    failed = done(commands.Evaluate(run=str(run.path), data=str(other)))[-1]
    assert isinstance(failed, events.Failed)
    assert "'x' has a class that the model was not trained on: 'cat'" in failed.problem
    assert AWKWARD in failed.remedy


def test_images_that_an_earlier_run_has_learned_are_never_scored_as_new(
    carries: None, data: Path, tmp_path: Path
) -> None:
    """They are in no part of the run that began with its network, and in the folder all the same."""
    earlier = trained(data, tmp_path / "earlier", strategy="full-fine-tuning", seed=1)
    run, command = begun_with(earlier, data, tmp_path / "run")
    assert isinstance(done(command)[-1], events.Completed)
    left_out = run.manifest_path.read_text(encoding="utf-8").count(",learned_before,")
    sent = of(done(commands.Evaluate(run=str(run.path), data=str(data))), events.Evaluated)
    scored = {event.split: event.metrics for event in sent}
    assert list(scored) == ["train", "known", "validation", "test"]
    assert scored["known"]["accuracy"]["n"] == left_out > 0
    assert "had seen these images before this run" in scored["known"]["note"]
    assert scored["test"]["accuracy"]["n"] == sum(row.part == "test" for row in run.manifest())


def test_a_file_without_an_answer_gets_its_reason_and_stops_nothing(tiny: None, data: Path, tmp_path: Path) -> None:
    run = made(data, tmp_path / "run")
    done(job(run, data))
    (tmp_path / "text.png").write_text("no image")
    paths = [("text.png", str(tmp_path / "text.png")), ("gone.png", str(tmp_path / "gone.png"))]
    paths += [("b/000.png", str(data / "b" / "000.png"))]
    sent = done(commands.Predict(run=str(run.path), paths=paths))
    answers = of(sent, events.Predicted)
    assert [bool(answer.problem) for answer in answers] == [True, True, False]
    assert sum(answers[2].probabilities.values()) == pytest.approx(1)
    assert list(answers[2].probabilities) == [AWKWARD, "b", "c"]
    assert sent[-1].sentence() == "1 image was answered, 2 could not be read."  # type: ignore[attr-defined]
