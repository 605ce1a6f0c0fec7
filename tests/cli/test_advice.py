"""`tlgui advise` and `tlgui embed`: what they ask the engine, and what they say to people and to scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import PlayedEngine, type_here
from helpers.schemas import conforms
from msgspec.structs import replace

from tlgui.core import commands, events
from tlgui.core.advice_events import Advised, ImagesEmbedded, SimilarityMeasured, Way
from tlgui.core.run_spec import FirstAnswer, Training
from tlgui.core.similarity import MeasuredSimilarity
from tlgui.imaging.listing import read_listing

ADVISED = Advised(
    images=780,
    classes=7,
    images_per_class_min=100,
    similarity=MeasuredSimilarity(
        value=0.904,
        low=0.899,
        high=0.909,
        spread=0.16,
        band="far",
        sure=True,
        images=200,
        backbone="efficientnet-lite0",
    ),
    similarity_sentence="They look like nothing that it learned from.",
    answer=FirstAnswer(accuracy=0.5, low=0.46, high=0.54, images=546, folds=5),
    textbook=Way(strategy="feature-extraction", adapt=True),
    recommended=Way(strategy="fine-tune-top", top_groups=2, reason="There is something to gain."),
    runner_up=Way(strategy="feature-extraction", reason="The other way."),
    sure="unsure",
    by="headroom",
    trial=False,
    trial_would_tell=True,
    difference="Kind and number did not tell who gains.",
)
WAY = {"strategy": str, "top_groups": int, "adapt": bool, "reason": str}
SCHEMA = {
    "images": int,
    "classes": int,
    "images_per_class_min": int,
    "similarity": {
        "value": (float, None), "low": (float, None), "high": (float, None), "band": (str, None), "sure": bool,
        "backbone": (str, None), "method": (str, None), "sentence": str,
    },
    "headroom": {"value": (float, None), "low": (float, None), "high": (float, None)},
    "textbook": {"strategy": str, "adapt": bool},
    "recommended": WAY,
    "runner_up": (WAY, None),
    "sure": str,
    "by": str,
    "trial": bool,
    "trial_would_tell": bool,
    "difference": str,
}  # fmt: skip
EMBEDDED = ImagesEmbedded(
    file="/somewhere/f.npy", index="/somewhere/f.csv", images=27, features=1280, unread=1, backbone="efficientnet-lite0"
)


class Asked(PlayedEngine):
    """Remembers the jobs, and what was in the listing when they came."""

    def __init__(self, *answers: events.AnyEvent) -> None:
        super().__init__(*answers)
        self.jobs: list[Any] = []
        self.listed: list[Any] = []

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        self.jobs.append(job)
        assert isinstance(job, commands.Advise | commands.EmbedImages)
        self.listed = read_listing(Path(job.listing))
        yield from self.answers


def engine(*answers: events.AnyEvent) -> Asked:
    return Asked(*answers, events.Completed(message="Done."))


def test_advise_says_both_ways_and_why(photos: Path) -> None:
    looked = SimilarityMeasured(measured=ADVISED.similarity, sentence=ADVISED.similarity_sentence)
    played = engine(looked, ADVISED)
    said = type_here(lambda: played, "advise", photos)
    assert (said.code, said.err) == (0, "")
    lines = [line.rstrip() for line in said.out.splitlines()]
    assert lines == [
        "They look like nothing that it learned from.",
        "images                780 in 7 classes, the smallest has 100",
        "the textbook's table  Feature extraction, with domain adaptation where there are images of another site",
        "recommended           Fine-tune the top layers, 2 layer groups (unsure)",
        "runner-up             Feature extraction",
        "left to gain          50 % (46 to 54 %)",
        "There is something to gain.",
        "Kind and number did not tell who gains.",
        "A short trial would tell more: add --trial, which takes about a minute.",
    ]
    (job,) = played.jobs
    assert (job.backbone, job.trial, job.training) == ("efficientnet-lite0", False, Training())
    assert {image.part for image in played.listed} > {"train"}


def test_advise_in_json_and_what_is_typed_reaches_the_engine(photos: Path) -> None:
    played = engine(ADVISED)
    said = type_here(
        lambda: played, "advise", photos, "--json", "--trial", "--seed", 4, "--similarity", "different", "--backbone",
        "resnet50", "--size", 160,
    )  # fmt: skip
    assert (said.code, said.err) == (0, "")
    conforms(said.json, SCHEMA)
    assert said.json["headroom"] == {"value": 0.5, "low": pytest.approx(0.46), "high": pytest.approx(0.54)}
    assert said.json["similarity"]["value"] == 0.904 and said.json["recommended"]["top_groups"] == 2
    (job,) = played.jobs
    assert (job.backbone, job.size, job.trial) == ("resnet50", 160, True)
    assert job.training == Training(seed=4, similarity="different")


def test_what_could_not_be_measured_is_null_and_the_rest_is_there(photos: Path) -> None:
    bare = replace(ADVISED, similarity=None, answer=None, runner_up=None, trial_would_tell=False, difference="")
    said = type_here(lambda: engine(bare), "advise", photos, "--json")
    conforms(said.json, SCHEMA)
    assert said.json["similarity"]["value"] is said.json["headroom"]["value"] is said.json["runner_up"] is None
    assert said.json["similarity"]["sentence"], "it says why"
    plain = type_here(lambda: engine(bare), "advise", photos)
    assert "left to gain" not in plain.out and "trial" not in plain.out


def test_embed_says_the_shape(photos: Path, tmp_path: Path) -> None:
    played = engine(EMBEDDED)
    said = type_here(lambda: played, "embed", photos, "--npy", tmp_path / "f.npy")
    assert said.code == 0
    assert "float32, 27 x 1280" in said.out and "1 of the images could not be read any more" in said.out
    (job,) = played.jobs
    assert job.to == str(tmp_path / "f.npy")
    assert len(played.listed) == 28, "all that would be used, the test images too"

    found = type_here(lambda: engine(EMBEDDED), "embed", photos, "--npy", tmp_path / "f.npy", "--json").json
    assert (found["shape"], found["dtype"], found["unread"]) == ([27, 1280], "float32", 1)


def test_embed_refuses_what_it_cannot_write_before_it_reads(photos: Path, tmp_path: Path) -> None:
    said = type_here(lambda: engine(EMBEDDED), "embed", photos, "--npy", tmp_path / "f.bin")
    assert said.code == 1 and "'f.bin' does not end in .npy." in said.err
    said = type_here(lambda: engine(EMBEDDED), "embed", photos, "--npy", tmp_path / "none" / "f.npy")
    assert said.code == 1 and "There is no folder 'none'." in said.err
