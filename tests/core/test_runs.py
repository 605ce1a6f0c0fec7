"""The list of runs tells the truth about each, reads little of large ones, and survives whatever lies there."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from filelock import FileLock

from tlgui.core import events, runs
from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.core.records import ImageRecord
from tlgui.core.run_folder import RunFolder, create, new_path
from tlgui.core.run_spec import Dataset, RunSpec, Training
from tlgui.core.runs import Score, is_complete, list_runs, summary_of

DATASET = Dataset(name="bees", fingerprint="f", layout="class folders", classes=["ant", "bee"], images=40)
SPEC = RunSpec(training=Training(strategy="fine-tune-top", epochs=15), dataset=DATASET)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path / "2026-11-25 14.03 efficientnet-lite0 fine-tune-top", SPEC)


def started(epochs: int = 15) -> events.RunStarted:
    return events.RunStarted(
        run="run",
        backbone="b",
        strategy="s",
        classes=["ant", "bee"],
        train_images=28,
        validation_images=6,
        test_images=6,
        epochs=epochs,
        seed=0,
    )


def epoch(number: int, best: bool = False, epochs: int = 15) -> events.EpochEnded:
    return events.EpochEnded(
        epoch=number,
        epochs=epochs,
        step=number * 7,
        train_loss=0.5,
        validation_loss=0.5,
        validation_accuracy=0.9,
        validation_balanced_accuracy=0.9,
        learning_rates={"head": 1e-3},
        best=best,
        seconds=1.0,
        seconds_left=None,
    )


def batch(step: int = 1) -> events.BatchEnded:
    return events.BatchEnded(
        epoch=1, step=step, batches=9, batch=step, loss=0.5, images_per_second=None, seconds_left=None
    )


def say(run: RunFolder, *said: events.Event) -> None:
    for event in said:
        run.append_event(event)


def score(run: RunFolder, **parts: Any) -> None:
    (run.results / "metrics.json").write_text(json.dumps({"best_epoch": 3, "classes": ["ant", "bee"], **parts}))


MEASURED = {"value": 0.9, "low": 0.7, "high": 0.97, "n": 30}


def test_a_finished_run_says_what_it_was_and_how_good(run: RunFolder) -> None:
    say(run, started(), epoch(0, best=True), epoch(1, best=True), batch(), epoch(2))
    say(run, events.Completed(run="run", best_epoch=1, message="Done."))
    score(run, validation={"accuracy": MEASURED | {"value": 0.95}}, test={"accuracy": MEASURED})

    found = summary_of(run.path)

    assert (found.state, found.dataset, found.images) == ("complete", "bees", 40)
    assert (found.backbone, found.strategy) == ("efficientnet-lite0", "fine-tune-top")
    assert (found.epochs_done, found.epochs_planned, found.best_epoch) == (2, 15, 1)
    assert found.score == Score(value=0.9, low=0.7, high=0.97, n=30, split="test")
    assert found.begun == datetime(2026, 11, 25, 14, 3)


def test_without_test_images_the_score_is_the_validation_images(run: RunFolder) -> None:
    score(run, validation={"accuracy": MEASURED})
    assert summary_of(run.path).score == Score(value=0.9, low=0.7, high=0.97, n=30, split="validation")

    score(run, validation={"accuracy": MEASURED | {"value": None}}, test={})
    assert summary_of(run.path).score is None


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([], "never began"),
        ([started()], "interrupted"),
        ([started(), batch()], "interrupted"),
        ([started(), events.Stopped(run="run")], "stopped"),
        ([started(), events.Failed(problem="p", remedy="r")], "failed"),
        ([started(), events.Crashed(cause="signal 9")], "crashed"),
        ([started(), events.Completed(message="m"), started(), events.Resumed(step=1, epoch=1)], "interrupted"),
        ([started(), events.Crashed(cause="signal 9"), started(), batch()], "interrupted"),
        ([started(), events.Stopped(run="run"), started(), events.Completed(message="m")], "complete"),
    ],
)
def test_the_last_word_of_a_run_is_its_state(said: list[events.Event], state: str, run: RunFolder) -> None:
    say(run, *said)
    assert summary_of(run.path).state == state

    with FileLock(run.lock_path):
        assert summary_of(run.path).state == "at work"
    assert summary_of(run.path).state == state


def test_what_is_found_out_after_the_end_does_not_begin_it_again(run: RunFolder) -> None:
    seen = events.RetentionSeen(meter="accuracy", images=9, before=0.9, now=0.7, low=-0.4, high=0.0)
    added = [
        events.MixesTried(mixes=[], chosen=0.5, by_itself=True, new_images=1, old_images=1, sentence="s"),
        events.Evaluated(split="test", metrics={}),
        events.RetentionMeasured(seen=seen, sentence="s"),
        events.StrengthsTried(points=[], epochs=1, new_images=1, old_images=1, sentence="s"),
    ]
    say(run, started(), epoch(1, best=True))
    for event in added:
        say(run, event)
        assert summary_of(run.path).state == "interrupted", "it had not ended"
    say(run, events.Completed(message="m", best_epoch=1))
    for event in added:
        say(run, event)
        assert summary_of(run.path).state == "complete" and is_complete(run.path)
    say(run, started(), *added)
    assert summary_of(run.path).state == "interrupted"


def test_a_plan_that_grew_and_a_run_that_went_back_to_its_checkpoint_are_told_so(run: RunFolder) -> None:
    say(run, started(), epoch(1, best=True), epoch(2), epoch(3), started(), events.Resumed(step=9, epoch=1))
    assert (summary_of(run.path).epochs_done, summary_of(run.path).best_epoch) == (1, 1)

    say(run, events.Extended(step=9, epochs=40))
    assert summary_of(run.path).epochs_planned == 40


def test_what_is_found_out_after_the_end_leaves_a_run_complete(run: RunFolder) -> None:
    said = "The mix is kept."
    say(run, started(), epoch(1, best=True), events.Completed(run="run", best_epoch=1, message="Done."))
    say(run, events.StrengthsTried(points=[], epochs=2, new_images=9, old_images=0, sentence=said))
    say(run, events.MixesTried(mixes=[], chosen=0.2, by_itself=False, new_images=9, old_images=0, sentence=said))
    say(run, events.Evaluated(split="test", metrics={}))

    assert summary_of(run.path).state == "complete"


def test_what_was_taken_back_does_not_count(run: RunFolder) -> None:
    undone = events.Undone(to_step=5, to_epoch=1, from_step=18, from_epoch=3, best_epoch=1)
    say(run, started(), epoch(1, best=True), epoch(2), epoch(3, best=True), undone)
    summary = summary_of(run.path)
    assert (summary.epochs_done, summary.best_epoch) == (1, 1)
    say(run, epoch(2), epoch(3))
    summary = summary_of(run.path)
    assert (summary.epochs_done, summary.best_epoch) == (3, 1)


def test_only_the_end_of_a_long_story_is_read(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    say(run, started())
    line = events.encode(batch())
    with run.events_path.open("ab") as stream:
        for _ in range(40):
            stream.write(line * 10_000)  # more than 40 MB
    say(run, epoch(12, best=True), epoch(13), events.Stopped(run="run", best_epoch=12))
    decoded: list[bytes] = []
    decode = events.decode
    monkeypatch.setattr(runs.events, "decode", lambda line: decoded.append(line) or decode(line))

    found = summary_of(run.path)

    assert (found.state, found.epochs_done, found.epochs_planned, found.best_epoch) == ("stopped", 13, 15, 12)
    assert len(decoded) == 3
    assert run.events_path.stat().st_size > 40e6


def test_a_few_images_from_all_over_the_set_stand_for_it(run: RunFolder) -> None:
    used = [
        ImageRecord(path=f'{name}/a "{n}", ü.png', class_name=name, content_hash="0" * 64, width=9, height=9)
        for name in ("ant", "bee")
        for n in range(200)
    ]
    run.write_manifest(used, {record.path: "train" for record in used}, [])

    samples = summary_of(run.path).samples

    assert 3 <= len(samples) <= 4
    assert set(samples) <= {record.path for record in used}
    assert {path.split("/")[0] for path in samples} == {"ant", "bee"}


def test_the_newest_come_first_each_once_and_no_more_than_asked_for(tmp_path: Path) -> None:
    now = datetime(2026, 11, 25, 14, 0)
    made = [
        create(new_path(projects_dir() / name / "runs", "resnet50", "auto", now.replace(minute=minute)), SPEC).path
        for name, minute in (("bees", 3), ("cells", 9), ("bees", 5))
    ]
    elsewhere = create(tmp_path / "2026-11-25 14.07 mine", SPEC).path

    found = list_runs([elsewhere, made[0], tmp_path / "gone"])

    assert [row.path for row in found] == [path.resolve() for path in (made[1], elsewhere, made[2], made[0])]
    assert [row.begun.minute for row in found] == [9, 7, 5, 3]
    assert [row.path.name for row in list_runs([elsewhere], limit=2)] == [made[1].name, elsewhere.name]


def test_a_run_without_a_time_in_its_name_is_as_old_as_its_manifest(tmp_path: Path) -> None:
    run = create(tmp_path / "mine", SPEC)
    run.write_manifest([], {}, [])
    os.utime(run.manifest_path, (1_000_000_000, 1_000_000_000))

    assert summary_of(run.path).begun == datetime.fromtimestamp(1_000_000_000)


DEEP = b"[" * 200_000


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"x = ", b"backbone = 3", b"a = " + DEEP])
def test_a_run_whose_spec_is_broken_is_passed_over_and_the_others_stay(content: bytes, tmp_path: Path) -> None:
    good = create(tmp_path / "good", SPEC)
    broken = create(tmp_path / "broken", SPEC)
    broken.spec_path.write_bytes(content)

    assert good.path in [row.path for row in list_runs([broken.path, good.path])]
    if content:
        with pytest.raises((UserError, RecursionError)):
            summary_of(broken.path)


@pytest.mark.parametrize("name", ["events.jsonl", "manifest.csv", "results/metrics.json", ".lock"])
@pytest.mark.parametrize("content", [b"", b"\0" * 5_000, b"\xff\n" * 300, b'{"type":"Danced"}\n[]\n3', DEEP, None])
def test_whatever_else_of_a_run_is_broken_it_is_shown(name: str, content: bytes | None, run: RunFolder) -> None:
    place = run.path / name
    if content is None:
        place.mkdir()
    else:
        place.write_bytes(content)

    (found,) = list_runs([run.path])

    assert found.dataset == "bees" and found.score is None and found.samples == []
    assert found.state in ("never began", "interrupted")


def test_a_torn_last_line_and_one_that_was_cut_at_the_beginning_are_passed_over(run: RunFolder) -> None:
    say(run, started(), epoch(4, best=True), events.Completed(message="m"))
    with run.events_path.open("ab") as stream:
        stream.write(events.encode(epoch(5))[:50])

    found = summary_of(run.path)

    assert (found.state, found.epochs_done, found.best_epoch) == ("complete", 4, 4)


def test_a_folder_that_is_no_run_is_refused_and_no_project_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run folder") as caught:
        summary_of(tmp_path)
    assert caught.value.code == "not_a_run"

    (projects_dir() / "notes.txt").touch()
    (projects_dir() / "bees" / "runs" / "empty").mkdir(parents=True)
    assert list_runs() == []


def test_a_summary_is_plain_data(run: RunFolder) -> None:
    found = summary_of(run.path)

    assert msgspec.structs.asdict(found)["path"] == run.path
