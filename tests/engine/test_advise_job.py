"""Advice: by the steps of a run with "auto", without a run: the same answers, nothing left behind."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from helpers.shortcut_bench import write_listed, write_table
from helpers.tiny import ROW, of, tiny_network
from msgspec.structs import replace

from tlgui.core import commands, events
from tlgui.core.backbones import DEFAULT_BACKBONE, Backbone
from tlgui.core.decision import decide
from tlgui.core.errors import UserError
from tlgui.core.paths import cache_dir, projects_dir
from tlgui.core.run_spec import FirstAnswer, Training
from tlgui.core.split import Part
from tlgui.engine import auto_choice, listed_network
from tlgui.engine.control import Control
from tlgui.engine.frozen_part import FrozenPart
from tlgui.engine.jobs import advise as module
from tlgui.engine.jobs.advise import advise
from tlgui.engine.network import Network
from tlgui.imaging.listing import read_listing

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLGUI_DEVICE", "cpu")
    # What measures the similarity is the embedded network for all others.
    rows = {"tiny": ROW, "bare": replace(ROW, name="bare", weights="none"), DEFAULT_BACKBONE: ROW}

    def build(row: Backbone, classes: int, *_: object) -> Network:
        network = tiny_network(classes)
        network.row = row
        return network

    for place in (listed_network, module):
        monkeypatch.setattr(place, "row_of", lambda name: rows[name])
        monkeypatch.setattr(place, "build", build)
    monkeypatch.setattr(listed_network.weights, "pretrained", lambda row: {})


@pytest.fixture
def listed(tmp_path: Path) -> tuple[Path, Path]:
    """288 pictures in two classes: three quarters train, and a test part that must not be looked at."""
    root = tmp_path / "d"
    path = write_listed(root, {"a": 144, "b": 144}, group=lambda name, number: f"{name}{number // 2}")
    parts: list[Part] = ["train", "train", "train", "train", "train", "train", "validation", "test"]
    images = [
        replace(
            image,
            part=parts[n % 144 // 18],
            content_hash=hashlib.sha256((root / image.path).read_bytes()).hexdigest(),
        )
        for n, image in enumerate(read_listing(path))
    ]
    write_table(path, images)
    for image in images:
        if image.part == "test":
            (root / image.path).write_bytes(b"not to be read")
    return root, path


def job_of(listed: tuple[Path, Path], **fields: Any) -> commands.Advise:
    root, listing = listed
    return commands.Advise(listing=str(listing), data=str(root), **{"backbone": "tiny", **fields})


def advised(job: commands.Advise) -> tuple[list[events.Event], events.Advised]:
    said = list(advise(job, Control()))
    (found,) = of(said, events.Advised)
    return said, found


def test_the_answer_has_what_was_measured_and_nothing_stays_behind(listed: tuple[Path, Path]) -> None:
    said, found = advised(job_of(listed))
    kinds = [type(event).__name__ for event in said if not isinstance(event, events.Progress)]
    assert kinds == ["SimilarityMeasured", "FirstAnswered", "Advised", "Completed"]
    (first,) = of(said, events.FirstAnswered)
    assert found.answer is not None
    assert (found.answer.accuracy, found.answer.images, found.answer.folds) == (first.accuracy, first.images, 5)
    assert first.images == 216
    assert (found.images, found.classes, found.images_per_class_min) == (288, 2, 144)
    assert found.recommended.reason and found.runner_up is not None
    assert not list(cache_dir().glob("advice-*"))
    assert not projects_dir().exists() or not list(projects_dir().rglob("run.toml"))
    assert str(listed[0].parent) not in repr(said)


def test_a_trial_is_held_only_when_it_is_asked_for(listed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    little = FirstAnswer(accuracy=0.5, low=0.4, high=0.6, images=216, folds=5)
    monkeypatch.setattr(
        auto_choice, "decide", lambda train, images, answer, *rest: decide(train, images, little, *rest)
    )
    _, without = advised(job_of(listed))
    assert (without.trial, without.trial_would_tell, without.by) == (False, True, "headroom")
    said, held = advised(job_of(listed, trial=True))
    assert (held.trial, held.trial_would_tell, held.by) == (True, False, "trial")
    assert any(event.stage == "a short trial of deeper training" for event in of(said, events.Progress))
    assert "held-back images" in held.recommended.reason
    again = advised(job_of(listed, trial=True))[1]
    assert again == held, "the same question has the same answer"


def test_the_persons_answer_and_seed_are_followed(listed: tuple[Path, Path]) -> None:
    _, found = advised(job_of(listed, training=Training(similarity="different", strategy="full-fine-tuning")))
    assert (found.textbook.strategy, found.textbook.adapt) == ("feature-extraction", True)
    assert found.recommended.strategy in ("feature-extraction", "fine-tune-top"), "it is asked as auto"


def test_a_network_without_weights_learns_from_scratch(listed: tuple[Path, Path]) -> None:
    _, found = advised(job_of(listed, backbone="bare"))
    assert (found.recommended.strategy, found.answer, found.runner_up) == ("from-scratch", None, None)


def test_what_was_computed_before_a_stop_is_kept_for_the_training(
    listed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[bool] = []
    plain = FrozenPart.flush
    monkeypatch.setattr(FrozenPart, "flush", lambda self: (flushed.append(True), plain(self))[1])
    control = Control()
    for event in advise(job_of(listed), control):
        if isinstance(event, events.Progress) and event.stage == "looking at the training images":
            control.put(commands.Stop())
    assert event == events.Stopped() and flushed


@pytest.mark.parametrize("after", [1, 4, 12])
def test_stop_ends_it_wherever_it_is(listed: tuple[Path, Path], after: int) -> None:
    control = Control()
    said = []
    for event in advise(job_of(listed, trial=True), control):
        said.append(event)
        if len(said) == after:
            control.put(commands.Stop())
    assert said[-1] == events.Stopped() and not of(said, events.Advised)
    assert not list(cache_dir().glob("advice-*"))


def test_one_class_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "one"
    listing = write_listed(root, {"a": 12})
    with pytest.raises(UserError, match="No image is left for the validation part"):
        list(advise(job_of((root, listing)), Control()))


def test_an_image_that_was_changed_is_said_without_a_word_about_a_run(listed: tuple[Path, Path]) -> None:
    path = next(image.path for image in read_listing(listed[1]) if image.part == "train")
    (listed[0] / path).write_bytes((listed[0] / "b" / "000.png").read_bytes())
    with pytest.raises(UserError, match="was changed") as caught:
        list(advise(job_of(listed), Control()))
    assert "then ask again" in caught.value.remedy
