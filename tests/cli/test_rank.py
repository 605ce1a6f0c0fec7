"""`tlgui rank`: what it asks the engine, and what it says to people and to scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.command_line import PlayedEngine, Typed, type_here
from helpers.schemas import conforms

from tlgui.core import commands, events
from tlgui.core.events import BackbonesRanked, RankedBackbone
from tlgui.imaging.listing import read_listing

ROW = {
    "backbone": str, "label": str, "probe": float, "probe_low": float, "probe_high": float, "nearest": float,
    "nearest_low": float, "nearest_high": float, "log_me": float, "features": int, "seconds": float,
}  # fmt: skip


def row(name: str, value: float) -> RankedBackbone:
    return RankedBackbone(
        backbone=name, label=name.title(), probe=value, probe_low=value - 0.1, probe_high=value + 0.05,
        nearest=value - 0.05, nearest_low=value - 0.2, nearest_high=value, log_me=0.25, features=8, seconds=3.0,
    )  # fmt: skip


class Ranks(PlayedEngine):
    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[commands.RankBackbones] = []
        self.listed = 0

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        assert isinstance(job, commands.RankBackbones)
        self.jobs.append(job)
        self.listed = len(read_listing(Path(job.listing)))
        yield BackbonesRanked(
            rows=[row("resnet18", 0.9), row("resnet50", 0.8)], left_out={"vgg16": "Its weights are not here."},
            images=28, folds=5, largest_class=0.5, sentence="Resnet18 tells most.",
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
            "rows": [ROW], "left_out": {"vgg16": str}, "images": int, "folds": int, "largest_class": float,
            "sentence": str,
        },
    )  # fmt: skip
    assert engine.jobs[0].backbones == []


@pytest.mark.parametrize("names", ["nonsense", "resnet18,nonsense"])
def test_a_network_that_is_not_known_is_refused_at_once(names: str, photos: Path) -> None:
    engine = Ranks()
    said = typed(engine, photos, "--backbones", names)
    assert said.code == 1 and "nonsense" in said.err and engine.jobs == []
