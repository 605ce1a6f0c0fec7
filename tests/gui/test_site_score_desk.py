"""Labelled images of a new site, scored in the engine beside for the run that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench, epoch, make_run, run_started
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings


@pytest.fixture
def bench(qtbot: QtBot, qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    path = make_run(heard=[run_started(Path("run")), epoch(1), events.Completed(run="run", best_epoch=1, message="Done.")])
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


@pytest.mark.parametrize("ending", [events.Stopped(), events.Failed(problem="No.", remedy="Yes."), events.Crashed(cause="killed")])
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
