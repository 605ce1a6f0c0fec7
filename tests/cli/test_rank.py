"""`tlgui rank`: what it asks the engine, and what it says to people and to scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.command_line import PlayedEngine, Typed, type_here
from helpers.compared import answered
from helpers.schemas import conforms

from tlgui.core import commands, events
from tlgui.core.events import BackbonesRanked, RankedBackbone
from tlgui.core.paths import projects_dir
from tlgui.core.source import MOST_RANKED
from tlgui.imaging.listing import read_listing

ROW = {
    "backbone": str, "label": str, "run": str, "probe": float, "probe_low": float, "probe_high": float, "nearest": float,
    "nearest_low": float, "nearest_high": float, "log_me": float, "features": int, "seconds": float,
}  # fmt: skip


def row(name: str, value: float) -> RankedBackbone:
    return RankedBackbone(
        backbone=name, label=name.title(), probe=value, probe_low=value - 0.1, probe_high=value + 0.05,
        nearest=value - 0.05, nearest_low=value - 0.2, nearest_high=value, log_me=0.25, features=8, seconds=3.0,
    )  # fmt: skip


class Ranks(PlayedEngine):
    def __init__(self, known: int = 0) -> None:
        super().__init__()
        self.known = known
        self.jobs: list[commands.RankBackbones] = []
        self.listed = 0

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        assert isinstance(job, commands.RankBackbones)
        self.jobs.append(job)
        self.listed = len(read_listing(Path(job.listing)))
        yield BackbonesRanked(
            rows=[row("resnet18", 0.9), row("resnet50", 0.8)], left_out={"vgg16": "Its weights are not here."},
            images=28, folds=5, known=self.known, largest_class=0.5, sentence="Resnet18 tells most.",
        )  # fmt: skip
        yield events.Completed(message="Resnet18 tells most.")


def typed(engine: PlayedEngine, *arguments: object) -> Typed:
    return type_here(lambda: engine, "rank", *arguments)


def test_the_table_for_people(photos: Path) -> None:
    engine = Ranks()
    said = typed(engine, photos, "--backbones", "resnet18,resnet50,vgg16", "--images", 30, "--seed", 4)
    assert said.code == 0, said.err
    (job,) = engine.jobs
    assert (job.backbones, job.images, job.seed) == (["resnet18", "resnet50", "vgg16"], 30, 4) and engine.listed == 28
    for words in (
        "90.0 % (80.0 to 95.0)",
        "85.0 % (70.0 to 90.0)",
        "0.250",
        "vgg16 is left out: Its weights",
        "Resnet18 tells",
    ):
        assert words in said.out


def test_the_json(photos: Path) -> None:
    engine = Ranks()
    said = typed(engine, photos, "--json")
    assert said.code == 0, said.err
    conforms(
        said.json,
        {
            "rows": [ROW], "left_out": {"vgg16": str}, "images": int, "folds": int, "known": int,
            "largest_class": float,
            "sentence": str,
        },
    )  # fmt: skip
    assert engine.jobs[0].backbones == []


@pytest.mark.parametrize("names", ["nonsense", "resnet18,nonsense"])
def test_a_network_that_is_not_known_is_refused_at_once(names: str, photos: Path) -> None:
    engine = Ranks()
    said = typed(engine, photos, "--backbones", names)
    assert said.code == 1 and "nonsense" in said.err and engine.jobs == []


# -- earlier runs -------------------------------------------------------------------------------------------------


def ended(minute: int, ending: events.Ending | None = None, model: bool = True) -> Path:
    """A run among the projects, made at that minute of a day."""
    path = projects_dir() / "bees" / "runs" / f"2026-11-26 10.{minute:02} efficientnet-lite0 auto"
    run = answered(path, {"1.png": ("train", True)}, ending=ending)
    if model:
        run.best_path.write_bytes(b"weights")
    return path


def asked(*arguments: object) -> commands.RankBackbones:
    engine = Ranks()
    said = typed(engine, *arguments)
    assert said.code == 0, said.err
    (job,) = engine.jobs
    return job


def test_the_newest_runs_that_have_ended_are_ranked_where_nothing_is_named(photos: Path) -> None:
    assert asked(photos).runs == []
    runs = [ended(minute) for minute in range(MOST_RANKED + 2)]
    ended(50, events.Failed(problem="The disk is full.", remedy="Free some.", run="run"))
    ended(51, events.Stopped(run="run", best_epoch=1))
    found = asked(photos).runs
    assert [Path(run).name for run in found] == [
        "2026-11-26 10.51 efficientnet-lite0 auto",
        *(run.name for run in runs[:1:-1][: MOST_RANKED - 1]),
    ]


@pytest.mark.parametrize("typed_too", [("--no-runs",), ("--backbones", "resnet18")])
def test_no_runs_are_ranked_where_that_is_asked_for_or_networks_are_named(
    typed_too: tuple[str, ...], photos: Path
) -> None:
    ended(1)
    assert asked(photos, *typed_too).runs == []
    assert len(asked(photos).runs) == 1


def test_runs_that_are_named_are_ranked_and_no_others(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(1)
    for name in ("one", "two"):
        answered(tmp_path / name, {"1.png": ("train", True)}).best_path.write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    job = asked(photos, "--run", "one", "--run", tmp_path / "two", "--backbones", "resnet18")
    assert (job.runs, job.backbones) == ([str(tmp_path / "one"), str(tmp_path / "two")], ["resnet18"])
    assert asked(photos, "--run", "one", "--no-runs").runs == [str(tmp_path / "one")]


def test_what_is_named_and_is_no_run_or_has_no_model_is_refused_at_once(photos: Path, tmp_path: Path) -> None:
    unfinished = answered(tmp_path / "unfinished", {"1.png": ("train", True)}).path
    for run, sentence in (
        (photos, "'photos' is not a run folder: it has no run.toml."),
        (unfinished, "The run 'unfinished' has no model yet"),
    ):
        engine = Ranks()
        said = typed(engine, tmp_path / "no such images", "--run", run)
        assert (said.code, engine.jobs) == (1, []) and said.err.startswith(sentence)


@pytest.mark.parametrize(("known", "words"), [(0, ""), (1, "1 image that"), (12, "12 images that")])
def test_people_read_how_many_images_took_no_part(known: int, words: str, photos: Path) -> None:
    said = typed(Ranks(known), photos)
    assert ("that an earlier run has learned took no part." in said.out) == bool(known) and words in said.out
