"""`tlgui layers` and `tlgui rate`: what they ask the engine, and what they say to people and to scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import PlayedEngine, Tlgui, type_here
from helpers.schemas import conforms

from tlgui.core import commands, events
from tlgui.core.paths import cache_dir
from tlgui.core.run_spec import Training
from tlgui.imaging.listing import read_listing

SCORES = [
    events.GroupScore(name="stem", accuracy=0.6, low=0.5, high=0.7),
    events.GroupScore(name="top", accuracy=0.9, low=0.8, high=0.95),
]
PROBED = events.LayersProbed(
    backbone="efficientnet-lite0",
    groups=SCORES,
    images=28,
    folds=5,
    largest_class=0.5,
    sentence="Upper layers tell more.",
)
RATE = events.RateFound(
    rates=[1e-4, 1e-3], losses=[0.7, None], suggested=1e-3, in_use=3e-3, sentence="It falls most steeply there."
)
LAYERS = {
    "backbone": str,
    "groups": [{"name": str, "accuracy": float, "low": float, "high": float}],
    "images": int,
    "folds": int,
    "largest_class": float,
    "sentence": str,
}
FOUND = {"rates": [float], "losses": [(float, None)], "suggested": (float, None), "in_use": float, "sentence": str}


class Asked(PlayedEngine):
    """Remembers the jobs, and what was in the listing when they came."""

    def __init__(self, *answers: events.AnyEvent) -> None:
        super().__init__(*answers)
        self.jobs: list[Any] = []
        self.listed: list[Any] = []

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        self.jobs.append(job)
        if isinstance(job, commands.ProbeLayers | commands.FindRate):
            self.listed = read_listing(Path(job.listing))
            yield from self.answers
        else:
            yield events.Completed(message="Done.")


@pytest.fixture
def layers_engine() -> Asked:
    return Asked(PROBED, events.Completed(message=PROBED.sentence))


@pytest.fixture
def rate_engine() -> Asked:
    return Asked(RATE, events.Completed(message=RATE.sentence))


def test_layers_says_a_table_from_the_top_and_the_sentence(layers_engine: Asked, photos: Path) -> None:
    said = type_here(lambda: layers_engine, "layers", photos)
    assert (said.code, said.err) == (0, "")
    lines = [line.rstrip() for line in said.out.splitlines()]
    assert lines == [
        "layer group, from the top  accuracy (95 % interval)",
        "top                        90.0 % (80.0 to 95.0)",
        "stem                       60.0 % (50.0 to 70.0)",
        "28 images, 5 folds; guessing reaches 50 %.",
        "Upper layers tell more.",
    ]
    (job,) = layers_engine.jobs
    assert (job.backbone, job.images, job.seed, job.size) == ("efficientnet-lite0", 400, 0, None)
    assert job.data == str(photos.absolute())
    assert len(layers_engine.listed) == 28 and {image.part for image in layers_engine.listed} > {"train"}
    assert not list((cache_dir() / "listings").glob("*.csv"))  # it is gone when the question is answered


def test_layers_in_json(layers_engine: Asked, photos: Path) -> None:
    said = type_here(
        lambda: layers_engine, "layers", photos, "--json", "--backbone", "resnet50", "--seed", 3, "--size", 160
    )
    assert (said.code, said.err) == (0, "")
    conforms(said.json, LAYERS)
    (job,) = layers_engine.jobs
    assert (job.backbone, job.seed, job.size) == ("resnet50", 3, 160)


def test_weights_are_fetched_first_where_that_is_asked_for(layers_engine: Asked, photos: Path) -> None:
    said = type_here(lambda: layers_engine, "layers", photos, "--json", "--backbone", "resnet50", "--download")
    assert said.code == 0
    assert [type(job).__name__ for job in layers_engine.jobs] == ["Fetch", "ProbeLayers"]


def test_rate_says_the_two_rates_and_the_sentence(rate_engine: Asked, photos: Path) -> None:
    said = type_here(
        lambda: rate_engine, "rate", photos, "--strategy", "fine-tune-top", "--batch-size", 16, "--head", "hidden"
    )
    assert (said.code, said.err) == (0, "")
    assert [line.split() for line in said.out.splitlines()] == [
        ["suggested", "0.001"],
        ["in", "use", "0.003"],
        RATE.sentence.split(),
    ]
    (job,) = rate_engine.jobs
    assert job.training == Training(strategy="fine-tune-top", batch_size=16, head="hidden")


def test_rate_in_json(rate_engine: Asked, photos: Path) -> None:
    said = type_here(lambda: rate_engine, "rate", photos, "--json")
    assert (said.code, said.err) == (0, "")
    conforms(said.json, FOUND)


def test_a_curve_without_a_rate_says_none(photos: Path) -> None:
    flat = events.RateFound(rates=[1e-4], losses=[0.7], suggested=None, in_use=3e-3, sentence="Flat.")
    said = type_here(lambda: Asked(flat, events.Completed(message="Flat.")), "rate", photos)
    assert said.out.splitlines()[0].split() == ["suggested", "none"]


@pytest.mark.parametrize("verb", ["layers", "rate"])
def test_what_the_engine_refuses_is_code_1_with_the_sentence(verb: str, photos: Path) -> None:
    failed = events.Failed(problem="Too few images.", remedy="Add images, then ask again.", code="too_few_images")
    said = type_here(lambda: Asked(failed), verb, photos, "--json")
    assert (said.code, said.out, said.err) == (1, "", "Too few images. Add images, then ask again.\n")


@pytest.mark.parametrize("verb", ["layers", "rate"])
def test_what_does_not_exist_is_said_before_an_image_is_read(refused: Tlgui, verb: str, tmp_path: Path) -> None:
    said = refused(verb, tmp_path / "nowhere", "--backbone", "alexnet")
    assert said.code == 1 and "'alexnet'" in said.err
    said = refused(verb, tmp_path / "nowhere", "--weights", tmp_path / "typo.pth")
    assert (said.code, said.err) == (1, "There is no weights file 'typo.pth'. Check the name.\n")
    if verb == "rate":
        assert "'hope'" in refused(verb, tmp_path / "nowhere", "--strategy", "hope").err


def test_a_stop_is_130(photos: Path) -> None:
    said = type_here(lambda: Asked(events.Stopped()), "layers", photos)
    assert (said.code, said.err) == (130, "Stopped as you asked; nothing was written.\n")


def test_a_timm_model_is_looked_at_when_it_is_first_named(layers_engine: Asked, photos: Path) -> None:
    type_here(lambda: layers_engine, "layers", photos, "--backbone", "timm:resnet10t")
    first, second = layers_engine.jobs
    assert first == commands.DescribeBackbone(name="resnet10t")
    assert second.backbone == "timm:resnet10t"


@pytest.mark.slow
def test_the_real_engine_answers_both(tlgui: Tlgui, photos: Path) -> None:
    said = tlgui("layers", photos, "--json")
    assert said.code == 0, said.err
    conforms(said.json, LAYERS)
    assert [group["name"] for group in said.json["groups"]][-1] == "top"
    said = tlgui("rate", photos, "--json")
    assert said.code == 0, said.err
    conforms(said.json, FOUND)
