"""`tlgui gap`: what it asks the engine, what it says to people and to scripts, and the whole road once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.command_line import PlayedEngine, Tlgui, Typed, content_of, type_here
from helpers.pictures import write_dataset, write_picture
from helpers.schemas import conforms
from PIL import Image

from tlgui.core import commands, events
from tlgui.core.events import GapMeasured, SiteLook, UnlikeImage
from tlgui.core.paths import cache_dir
from tlgui.imaging.listing import read_listing

LOOK = {"brightness": [float], "red": float, "green": float, "blue": float}
GAP: dict[str, Any] = {
    "backbone": str,
    "images": int,
    "known_images": int,
    "new_images": int,
    "files": int,
    "left_out": {str: int},
    "known_paths": [str],
    "auc": (float, None),
    "low": (float, None),
    "high": (float, None),
    "folds": int,
    "mmd": (float, None),
    "mmd_p": (float, None),
    "permutations": int,
    "gap": ("alike", "slight", "clear", "wide", "unknown"),
    "least_alike": [{"path": str, "probability": float}],
    "known_look": LOOK,
    "new_look": LOOK,
    "sentence": str,
    "notes": [str],
}
FOUND = GapMeasured(
    backbone="efficientnet-lite0", images=28, known_images=28, new_images=30, files=31, left_out={"truncated": 1},
    auc=0.975, low=0.95, high=1.0, folds=5, mmd=0.25, mmd_p=0.002, permutations=500, gap="wide",
    least_alike=[UnlikeImage(path="b/1.png", probability=0.9876)],
    known_look=SiteLook(brightness=[1.0], red=10.4, green=20.0, blue=30.0),
    new_look=SiteLook(brightness=[1.0], red=110.0, green=120.0, blue=130.0),
    sentence="Told apart almost always.", notes=["28 of each were looked at."],
)  # fmt: skip


class Asked(PlayedEngine):
    """Remembers the jobs, and what was in both listings when they came."""

    def __init__(self, answer: GapMeasured | events.Failed = FOUND) -> None:
        super().__init__()
        self.answer = answer
        self.jobs: list[commands.MeasureGap] = []
        self.fetched: list[str] = []
        self.known: list[Any] = []
        self.new: list[Any] = []

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        if isinstance(job, commands.Fetch):
            self.fetched.append(job.backbone)
            yield events.Completed(message="Done.")
            return
        assert isinstance(job, commands.MeasureGap)
        self.jobs.append(job)
        self.known, self.new = read_listing(Path(job.listing)), read_listing(Path(job.new_listing))
        yield self.answer
        if isinstance(self.answer, GapMeasured):
            yield events.Completed(message=self.answer.sentence)


def typed(engine: PlayedEngine, *arguments: object) -> Typed:
    return type_here(lambda: engine, "gap", *arguments)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Twelve usable pictures in a tree, one broken file and a table."""
    root = tmp_path / "target"
    for number in range(12):
        write_picture(root / ("x" if number % 2 else "x/y") / f"{number}.png", 0, 500 + number)
    (root / "broken.png").write_bytes((root / "x" / "1.png").read_bytes()[:600])
    (root / "labels.csv").write_text("file,label\n1.png,across\n")
    return root


def test_both_folders_come_to_the_engine_and_a_table_to_people(photos: Path, target: Path) -> None:
    engine, before = Asked(), content_of(target)
    said = typed(engine, photos, "--target", target, "--images", 20, "--seed", 4)
    assert (said.code, said.err) == (0, "")
    (job,) = engine.jobs
    assert (job.backbone, job.images, job.seed, job.size, job.fit) == ("efficientnet-lite0", 20, 4, None, "crop")
    assert (job.data, job.new_data) == (str(photos.absolute()), str(target.absolute()))
    assert len(engine.known) == 28 and {image.class_name for image in engine.known} == {"across", "down"}
    assert len(engine.new) == 12 and {image.class_name for image in engine.new} == {""}
    assert (job.left_out, job.unlisted) == ({"not_an_image": 1, "truncated": 1}, 0)
    assert [" ".join(line.split()) for line in said.out.splitlines()] == [
        "AUC of telling the sites apart 0.975 (0.950 to 1.000)",
        "distance of the features (MMD²) 0.250 (p = 0.002, of 500 permutations)",
        "mean red, green, blue 10, 20, 30 (known) 110, 120, 130 (new)",
        "least alike of the new site by the probe: from there",
        "b/1.png 98.8 %",
        "28 of each were looked at.",
        "Told apart almost always.",
    ]
    assert not list((cache_dir() / "listings").glob("*.csv"))  # gone when the question is answered
    assert content_of(target) == before


def test_the_json(photos: Path, target: Path) -> None:
    engine = Asked()
    said = typed(engine, photos, "--target", target, "--json", "--backbone", "resnet50", "--size", 160, "--download")
    assert (said.code, said.err) == (0, "")
    conforms(said.json, GAP)
    assert (engine.jobs[0].backbone, engine.jobs[0].size, engine.fetched) == ("resnet50", 160, ["resnet50"])


def test_what_the_engine_refuses_is_code_1_with_the_sentence(photos: Path, target: Path) -> None:
    failed = events.Failed(problem="Only 3 images.", remedy="Add images.", code="too_few_images")
    said = typed(Asked(failed), photos, "--target", target, "--json")
    assert (said.code, said.out, said.err) == (1, "", "Only 3 images. Add images.\n")


def test_what_does_not_exist_is_said_before_an_image_is_read(refused: Tlgui, tmp_path: Path, target: Path) -> None:
    nowhere = tmp_path / "nowhere"
    said = refused("gap", nowhere, "--target", tmp_path / "typo")
    assert (said.code, said.err[:33]) == (1, "The folder 'typo' does not exist.")
    said = refused("gap", nowhere, "--target", target / "broken.png")
    assert said.code == 1 and "'broken.png' is a file, not a folder" in said.err
    said = refused("gap", nowhere, "--target", target, "--backbone", "alexnet")
    assert said.code == 1 and "'alexnet'" in said.err
    said = refused("gap", nowhere, "--target", target)
    assert said.code == 1 and "'nowhere'" in said.err


def test_a_target_must_be_named_and_images_be_ten(refused: Tlgui, photos: Path, target: Path) -> None:
    assert refused("gap", photos).code == 2
    assert refused("gap", photos, "--target", target, "--images", 9).code == 2


@pytest.mark.slow
def test_the_whole_road_with_a_real_engine(tlgui: Tlgui, photos: Path, tmp_path: Path) -> None:
    same, bright = tmp_path / "same", tmp_path / "bright"
    write_dataset(same, {"p": 6, "q": 6})  # equal to pictures of the known site
    for number in range(14):
        write_picture(same / f"{number}.png", number % 2, 700 + number)
    for path in sorted(same.glob("*.png")):
        bright.mkdir(exist_ok=True)
        Image.fromarray((np.asarray(Image.open(path)) // 3 + 160).astype(np.uint8)).save(bright / path.name)

    alike = tlgui("gap", photos, "--target", same, "--json")
    apart = tlgui("gap", photos, "--target", bright, "--json")
    known = tlgui("gap", photos, "--target", photos)

    assert (alike.code, apart.code) == (0, 0), alike.err + apart.err
    conforms(alike.json, GAP)
    assert alike.json["left_out"] == {"known": 12} and alike.json["new_images"] == 14 and alike.json["files"] == 26
    assert alike.json["low"] <= 0.5 <= alike.json["high"]
    assert apart.json["auc"] > 0.9 and apart.json["gap"] != "alike"
    assert str(tmp_path) not in alike.out + apart.out
    assert known.code == 1 and "All images of the new site are also images of the known site" in known.err
