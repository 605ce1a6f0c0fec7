"""A planted marker is found and the crop that removes it is offered; honest pictures stay quiet."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.shortcut_bench import marked, tiny_backbone, write_listed, write_table
from PIL import Image

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.engine.control import Control
from tlgui.engine.drawn_images import draw
from tlgui.engine.intervals import Measured
from tlgui.engine.jobs.shortcuts import probe_shortcuts
from tlgui.engine.kernel_probe import Told
from tlgui.engine.shortcut_probes import PROBES, concluded, judged
from tlgui.imaging.listing import ListedImage, read_listing

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_backbone(monkeypatch)


def probed(root: Path, listing: Path, images: int = 400) -> tuple[list[events.Event], events.ShortcutsProbed]:
    job = commands.ProbeShortcuts(listing=str(listing), data=str(root), images=images)
    said = list(probe_shortcuts(job, Control()))
    (found,) = (event for event in said if isinstance(event, events.ShortcutsProbed))
    return said, found


def test_a_planted_marker_is_red_and_a_crop_takes_it_away(tiny: None, tmp_path: Path) -> None:
    root = tmp_path / "d"
    said, found = probed(root, write_listed(root, {"a": 40, "b": 40}, marked))

    verdicts = {probe.name: probe.verdict for probe in found.probes}
    assert found.verdict == verdicts["corners"] == "red"
    assert found.images == 80
    assert found.border == 0.1  # the marker ends at 6 of 64 pixels
    assert "the corners" in found.sentence and "Cutting 10 % off on each side takes it away." in found.sentence
    assert said[-1] == events.Completed(message=found.sentence)
    stages = {event.stage for event in said if isinstance(event, events.Progress)}
    assert stages == {"preparing the frozen layers", "looking at the images", "guessing the class"}
    assert str(tmp_path) not in repr(said)


def test_honest_pictures_stay_quiet(tiny: None, tmp_path: Path) -> None:
    root = tmp_path / "d"
    _, found = probed(root, write_listed(root, {"a": 40, "b": 40}))

    assert found.border == 0
    assert not [probe.name for probe in found.probes if probe.verdict == "red"]
    scores = {probe.name: probe for probe in found.probes}
    assert list(scores) == [probe.name for probe in PROBES]
    corners = scores["corners"]
    assert corners.low is not None and corners.chance is not None and corners.low < corners.chance
    assert (scores["size"].auc, scores["device"].auc) == (None, None)
    assert scores["size"].sentence == "All images are alike: picture size."


def test_a_device_that_made_one_class_alone_is_told(tiny: None, tmp_path: Path) -> None:
    root = tmp_path / "d"
    path = write_listed(root, {"a": 30, "b": 30})
    text = path.read_text(encoding="utf-8").splitlines(keepends=True)
    column = text[0].strip().split(",").index("device")
    lines = [
        ",".join(
            [*line.split(",")[:column], "0123" if line.startswith("a/") else "4567", *line.split(",")[column + 1 :]]
        )
        for line in text[1:]
    ]
    path.write_text("".join([text[0], *lines]), encoding="utf-8", newline="")

    _, found = probed(root, path)

    (device,) = (probe for probe in found.probes if probe.name == "device")
    assert device.auc == 1.0 and device.verdict in ("red", "question")


def score(value: float, low: float) -> Told:
    one = Measured(value=value, low=low, high=1.0, n=100)
    return Told(one, [one, one], 0.55)


RULES = [
    # border's AUC and lower bound, the whole picture's AUC, that with the centre masked
    ((0.95, 0.90), 0.99, 0.97, "red"),
    ((0.95, 0.74), 0.99, 0.97, "quiet"),  # not clear
    ((0.95, 0.90), 0.99, 0.80, "question"),  # the skill goes with the centre
    ((0.88, 0.80), 0.99, 0.97, "question"),  # less than 80 % of the whole picture's skill
    ((0.88, 0.80), 0.90, 0.88, "red"),
]


@pytest.mark.parametrize(("border", "full", "masked", "verdict"), RULES)
def test_red_needs_all_three(border: tuple[float, float], full: float, masked: float, verdict: str) -> None:
    found: dict[str, Told | None] = {probe.name: None for probe in PROBES}
    found |= {"border": score(*border), "full": score(full, full), "masked": score(masked, masked)}
    found |= {"histogram": score(1.0, 0.99), "size": score(1.0, 0.99)}

    verdicts = {one.name: one.verdict for one in judged(found, ["a", "b"])}

    assert verdicts["border"] == verdict
    assert verdicts["histogram"] == verdicts["size"] == "question"
    assert verdicts["full"] == verdicts["masked"] == "quiet"


def test_a_shortcut_of_one_class_among_many_is_red_and_the_class_is_named() -> None:
    def told(mean: float, classes: list[float]) -> Told:
        measured = [Measured(value=value, low=value - 0.02, high=1.0, n=99) for value in (mean, *classes)]
        return Told(measured[0], measured[1:], 0.55)

    found: dict[str, Told | None] = {probe.name: None for probe in PROBES}
    found |= {"full": told(0.99, [0.99] * 3), "masked": told(0.97, [0.97] * 3)}
    found["corners"] = told(0.7, [0.6, 0.99, 0.51])

    scores = judged(found, ["a", "b", "c"])

    (corners,) = (one for one in scores if one.name == "corners")
    assert corners.verdict == "red"
    assert corners.sentence.startswith("From the corners alone 'b' can be told from the other classes (AUC 0.99, ")
    assert concluded(scores, 99, 0.0).sentence.endswith("instead of what you are after.")


@pytest.mark.parametrize("after", [1, 3, 12])
def test_stop_is_heard_between_the_steps(tiny: None, after: int, tmp_path: Path) -> None:
    root, control = tmp_path / "d", Control()
    job = commands.ProbeShortcuts(listing=str(write_listed(root, {"a": 40, "b": 40})), data=str(root))
    said: list[events.Event] = []
    for event in probe_shortcuts(job, control):
        said.append(event)
        if len(said) == after:
            control.put(commands.Stop())

    assert said[-1] == events.Stopped()
    assert len(said) <= after + 2


def test_test_images_and_those_that_are_gone_are_not_looked_at(tiny: None, tmp_path: Path) -> None:
    root = tmp_path / "d"
    path = write_listed(root, {"a": 30, "b": 30})
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("a/001.png,a,,group,train", "a/001.png,a,,group,test"), encoding="utf-8", newline="")
    (root / "a/000.png").unlink()
    (root / "b/000.png").write_bytes(b"no picture")

    assert probed(root, path)[1].images == 57
    shutil.rmtree(root)
    with pytest.raises(UserError, match="None of the images in 'd' can be read any more"):
        probed(root, path)


def listed(counts: dict[str, int], group: int = 1) -> list[ListedImage]:
    return [
        ListedImage(
            path=f"{name}/{number}.png",
            class_name=name,
            group=f"{name}{number // group}" if group > 1 else "",
            content_hash="",
            width=1,
            height=1,
        )
        for name, count in counts.items()
        for number in range(count)
    ]


def test_images_are_drawn_by_class_and_not_by_their_order() -> None:
    images = listed({"a": 500, "b": 60, "c": 4})
    drawn = draw(images, 100, 0)

    assert [sum(one.class_name == name for one in drawn) for name in "abc"] == [50, 50, 0]
    rng = np.random.default_rng(0)
    assert draw([images[place] for place in rng.permutation(len(images))], 100, 0) == drawn
    assert draw(images, 100, 1) != drawn
    assert draw(listed({"a": 20, "b": 9}), 400, 0) == sorted(listed({"a": 20, "b": 9}), key=lambda image: image.path)


def test_groups_are_drawn_whole() -> None:
    drawn = draw(listed({"a": 300, "b": 300}, group=7), 100, 0)

    names = {image.group for image in drawn}
    assert 80 <= len(drawn) <= 100
    assert len(drawn) == sum(image.group in names for image in listed({"a": 300, "b": 300}, group=7))


def test_one_large_group_does_not_fill_the_draw() -> None:
    images = listed({"a": 400}, group=400) + listed({"b": 100}) + listed({"c": 100})
    drawn = draw(images, 120, 0)

    assert len(drawn) <= 120
    assert sum(image.group == "a0" for image in drawn) == 10


def test_too_few_images_are_refused() -> None:
    with pytest.raises(UserError, match="fewer than two classes have at least 5"):
        draw(listed({"a": 50, "b": 4}), 100, 0)


def listing_of(root: Path, place: Path) -> Path:
    """Of class folders, wherever they lie below `root`."""
    images = []
    for path in sorted((*root.rglob("*.jpg"), *root.rglob("*.png"))):
        with Image.open(path) as opened:
            width, height = opened.size
        images.append(
            ListedImage(
                path=path.relative_to(root).as_posix(),
                class_name=path.parent.name,
                content_hash="",
                width=width,
                height=height,
                format=path.suffix,
                size_bytes=path.stat().st_size,
            )
        )
    return write_table(place, images)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["hymenoptera", "busi_ultrasound"])
def test_honest_sets_are_quiet(name: str, real_data: Path, tmp_path: Path) -> None:
    root = real_data / name
    _, found = probed(root, listing_of(root, tmp_path / "listing.csv"), 240)

    assert found.verdict == "quiet", [probe for probe in found.probes if probe.verdict != "quiet"]


@pytest.mark.slow
@pytest.mark.realdata
def test_a_marker_in_one_class_of_a_real_set_is_found(real_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "marked"
    for path in sorted((real_data / "hymenoptera" / "train").rglob("*.jpg")):
        pixels = np.array(Image.open(path).convert("RGB"))
        if path.parent.name == "bees":
            pixels[3:16, 3:16] = 255
        (root / path.parent.name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / path.parent.name / path.name, quality=90)

    _, found = probed(root, listing_of(root, tmp_path / "listing.csv"))

    assert found.verdict == "red" and found.border > 0
    assert {probe.name for probe in found.probes if probe.verdict == "red"} >= {"corners"}


@pytest.mark.slow
def test_the_embedded_backbone_finds_a_marker_and_no_more(tmp_path: Path) -> None:
    for name, paint, red in (("marked", marked, True), ("plain", lambda pixels, *_: pixels, False)):
        root = tmp_path / name
        path = write_listed(root, {"a": 30, "b": 30}, paint)
        assert (probed(root, path)[1].verdict == "red") is red
        assert len(read_listing(path)) == 60
