"""Labelled images of a new site, scored in the engine beside for the run that is shown."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench, epoch, make_run, run_started
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings


@pytest.fixture
def bench(qtbot: QtBot, qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    path = make_run(
        heard=[run_started(Path("run")), epoch(1), events.Completed(run="run", best_epoch=1, message="Done.")]
    )
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run_folder is not None)
    yield bench
    shut_down(bench)
    settings.save_now()


def jobs(bench: Bench) -> list[commands.Evaluate]:
    return [job for job in bench.fake_side.jobs if isinstance(job, commands.Evaluate)]


def test_it_is_asked_of_the_shown_run_and_the_one_before(bench: Bench, tmp_path: Path) -> None:
    told: list[bool] = []
    bench.site_score.scored.connect(lambda: told.append(bench.site_score.busy))
    bench.site_score.score(tmp_path / "few", tmp_path / "before")
    bench.site_score.score(tmp_path / "others", None)
    (job,) = jobs(bench)
    assert bench.run_folder is not None
    assert (job.run, job.data, job.beside) == (
        str(bench.run_folder.path), str(tmp_path / "few"), str(tmp_path / "before")
    )  # fmt: skip
    bench.fake_side.say(events.Progress(stage="answers", done=1, total=2))
    assert bench.site_score.busy and bench.site_score.progress is not None
    bench.fake_side.say(events.Completed(message="Done."))
    assert told == [False] and bench.site_score.progress is None and bench.site_score.ended is None


@pytest.mark.parametrize(
    "ending", [events.Stopped(), events.Failed(problem="No.", remedy="Yes."), events.Crashed(cause="killed")]
)
def test_what_came_to_nothing_is_kept_until_the_next_try(bench: Bench, tmp_path: Path, ending: events.Ending) -> None:
    bench.site_score.score(tmp_path, None)
    bench.fake_side.say(ending)
    assert bench.site_score.ended == ending and not bench.site_score.busy
    bench.site_score.score(tmp_path, None)
    assert bench.site_score.ended is None and jobs(bench)[-1].beside == ""
    bench.site_score.cancel()
    assert bench.fake_side.sent[-1] == commands.Stop()


def test_another_run_that_is_shown_forgets_it(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    bench.site_score.score(tmp_path, None)
    bench.open_folder(tmp_path)
    assert not bench.site_score.busy and bench.site_score.ended is None


def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tlgui.gui.site_score_desk.asked_of", lambda _, site: [("1.png", f"{site}/1.png"), ("2.png", "2")]
    )


def said(*answers: tuple[str, float]) -> list[events.Event]:
    told: list[events.Event] = [events.Predicted(path=path, probabilities={"a": p, "b": 1 - p}) for path, p in answers]
    return [*told, events.Completed(message="Done.")]


def test_both_runs_answer_for_the_same_unlabelled_images(
    bench: Bench, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(monkeypatch)
    bench.draft.target = tmp_path / "clinic b"
    assert bench.run_folder is not None
    run, before = bench.run_folder.path, tmp_path / "before"
    bench.site_score.ask_both(before)
    assert bench.site_score.busy
    qtbot.waitUntil(lambda: bool(bench.fake_side.jobs))
    job = bench.fake_side.jobs[-1]
    assert isinstance(job, commands.Predict)
    assert (job.run, job.paths[0]) == (str(before), ("1.png", f"{tmp_path}/clinic b/1.png"))
    bench.fake_side.say(*said(("1.png", 0.5), ("2.png", 0.5)))
    assert bench.site_score.progress is not None and bench.site_score.progress.total == 4
    job = bench.fake_side.jobs[-1]
    assert isinstance(job, commands.Predict) and job.run == str(run)
    bench.fake_side.say(events.Predicted(path="2.png", problem="It is broken."), *said(("1.png", 1.0)))
    both = bench.site_score.answers(run, before)
    assert both is not None and both.images == 1, "what one could not read is compared in neither"
    assert both.before.entropy == pytest.approx(math.log(2)) and both.after.entropy == 0
    assert not bench.site_score.busy and bench.site_score.answers(run, tmp_path / "another") is None


def test_asking_both_is_stopped_at_any_time_and_says_what_went_wrong(
    bench: Bench, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(monkeypatch)
    bench.site_score.ask_both(tmp_path)
    assert not bench.site_score.busy, "where the new site is is not known"
    bench.draft.target = tmp_path / "clinic b"
    bench.site_score.ask_both(tmp_path)
    bench.site_score.cancel()
    assert isinstance(bench.site_score.ended, events.Stopped) and not bench.fake_side.jobs
    bench.site_score.ask_both(tmp_path)
    qtbot.waitUntil(lambda: bool(bench.fake_side.jobs))
    bench.fake_side.say(events.Completed(message="0 answered."))
    bench.fake_side.say(events.Completed(message="0 answered."))
    ended = bench.site_score.ended
    assert isinstance(ended, events.Failed) and ended.code == "images_missing"

    def damaged(*_: object) -> None:
        raise UserError("'target.csv' cannot be read.", "Take it from a backup.", code="run_damaged")

    monkeypatch.setattr("tlgui.gui.site_score_desk.asked_of", damaged)
    bench.site_score.ask_both(tmp_path)
    qtbot.waitUntil(lambda: not bench.site_score.busy)
    assert isinstance(bench.site_score.ended, events.Failed) and bench.site_score.ended.code == "run_damaged"
