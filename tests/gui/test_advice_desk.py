"""The advice of the images in hand: asked once, forgotten with the images, out of the way of a training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import CELLS, Bench
from helpers.wizard_bench import summary
from PySide6.QtCore import QCoreApplication

from tlgui.core import commands, events
from tlgui.core.advice_events import Advised, SimilarityMeasured, Way
from tlgui.core.imaging_messages import ListingWritten, Scanned, WriteListing
from tlgui.core.similarity import MeasuredSimilarity
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings

FAR = SimilarityMeasured(
    measured=MeasuredSimilarity(
        value=0.9, low=0.89, high=0.91, spread=0.1, band="far", sure=True, images=200, backbone="efficientnet-lite0"
    ),
    sentence="It is far.",
)
ADVISED = Advised(
    images=40,
    classes=2,
    images_per_class_min=20,
    similarity=FAR.measured,
    similarity_sentence=FAR.sentence,
    answer=None,
    textbook=Way(strategy="feature-extraction"),
    recommended=Way(strategy="feature-extraction", reason="So few."),
    runner_up=None,
    sure="fairly sure",
    by="images",
    trial=False,
    trial_would_tell=False,
    difference="",
)
DONE = events.Completed(message="Done.")


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


def listed(bench: Bench) -> None:
    """The imaging child writes the listing that it was asked for last."""
    assert any(isinstance(asked, WriteListing) for asked in bench.fake_imaging.asked)
    ticket = bench.scan_ticket
    assert ticket is not None
    bench.fake_imaging.answered.emit(ListingWritten(ticket=ticket, path="/listing.csv", data="/data"))


def jobs(bench: Bench) -> list[commands.Advise]:
    both: list[Any] = [*bench.fake_engine.jobs, *bench.fake_side.jobs]
    return [job for job in both if isinstance(job, commands.Advise)]


def asked(bench: Bench, data: Path) -> None:
    bench.found(data)
    bench.advice.look_by_itself()
    listed(bench)


def test_it_is_asked_as_the_run_would_be_and_what_comes_is_kept(bench: Bench, tmp_path: Path) -> None:
    bench.draft.set_strategy("full-fine-tuning")
    bench.found(tmp_path)
    bench.draft.set_strategy("full-fine-tuning")
    bench.draft.set_training("seed", 4)
    bench.advice.look_by_itself()
    listed(bench)
    (job,) = jobs(bench)
    assert (job.backbone, job.trial, job.training.strategy, job.training.seed) == (
        "efficientnet-lite0",
        False,
        "auto",
        4,
    )
    assert bench.advice.busy and bench.advice.kind is None

    bench.fake_engine.say(FAR)
    assert bench.advice.similarity == FAR and bench.advice.kind == "different" and bench.advice.found is None
    bench.fake_engine.say(ADVISED, DONE)
    assert bench.advice.found == ADVISED and not bench.advice.busy

    bench.advice.look_by_itself()
    assert len(jobs(bench)) == 1 and not bench.advice.busy, "it is known"
    bench.draft.set_similarity("similar")
    assert bench.advice.kind == "similar"


def test_other_images_and_another_network_open_it_again(bench: Bench, tmp_path: Path) -> None:
    asked(bench, tmp_path)
    bench.fake_engine.say(FAR, ADVISED, DONE)
    bench.draft.set_backbone("tiny-cnn")
    assert bench.advice.found is None and bench.advice.similarity == FAR, "how they look is the images' own"
    bench.draft.set_backbone("efficientnet-lite0")
    assert bench.advice.found == ADVISED

    ticket = bench.scan_ticket
    assert ticket is not None
    other = summary({"basophil": (9, 3, 2), "eosinophil": (9, 3, 2)}, fingerprint="other")
    bench.fake_imaging.answered.emit(Scanned(ticket=ticket, summary=other))
    assert bench.advice.found is None and bench.advice.similarity is None and bench.advice.kind is None


def test_what_came_to_nothing_is_not_asked_again_by_itself(bench: Bench, tmp_path: Path) -> None:
    asked(bench, tmp_path)
    bench.fake_engine.say(FAR, events.Failed(problem="The weights are gone.", remedy="Fetch them."))
    assert bench.advice.similarity == FAR, "what was said before that holds"
    bench.advice.look_by_itself()
    assert len(jobs(bench)) == 1 and not bench.advice.busy
    bench.advice.look()
    listed(bench)
    assert len(jobs(bench)) == 2


def test_after_a_stop_it_can_be_asked_again(bench: Bench, tmp_path: Path) -> None:
    asked(bench, tmp_path)
    bench.fake_engine.say(FAR)
    bench.advice.cancel()
    bench.fake_engine.say(events.Stopped())
    assert not bench.advice.busy and bench.advice.reason_against() == ""
    bench.advice.look_by_itself()
    assert not bench.advice.busy, "not by itself"
    bench.advice.look()
    listed(bench)
    bench.fake_engine.say(FAR, ADVISED, DONE)
    assert bench.advice.found == ADVISED


def test_settings_that_change_nothing_of_the_answer_leave_it(bench: Bench, tmp_path: Path) -> None:
    asked(bench, tmp_path)
    bench.fake_engine.say(FAR, ADVISED, DONE)
    for field, value in (("epochs", 3), ("batch_size", 8), ("mixup", 0.2), ("head", "hidden"), ("ema", 0.9)):
        assert bench.draft.set_training(field, value) == ""
    bench.draft.set_strategy("full-fine-tuning")
    assert bench.advice.found == ADVISED
    bench.draft.set_training("imbalance", "class-weights")
    assert bench.advice.found is None, "a trial would train by that"


def test_a_question_about_other_settings_makes_way(bench: Bench, tmp_path: Path) -> None:
    asked(bench, tmp_path)
    assert bench.advice.looking
    bench.draft.set_training("seed", 7)
    assert bench.advice.busy and not bench.advice.looking, "what is going on is not about this"
    bench.advice.look_by_itself()
    listed(bench)
    assert bench.advice.looking and jobs(bench)[-1].training.seed == 7


def test_without_its_weights_a_network_is_not_asked(bench: Bench, tmp_path: Path) -> None:
    bench.found(tmp_path)
    bench.draft.set_backbone("resnet50", download=True)
    assert bench.advice.reason_against() == "The weights of ResNet-50 are not on this computer yet."
    bench.advice.look_by_itself()
    assert not bench.advice.busy
    bench.draft.set_backbone("tiny-cnn")
    assert bench.advice.reason_against() == ""


def test_a_trial_is_asked_for_by_the_person(bench: Bench, tmp_path: Path) -> None:
    asked(bench, tmp_path)
    bench.fake_engine.say(FAR, ADVISED, DONE)
    bench.advice.look(trial=True)
    listed(bench)
    assert jobs(bench)[-1].trial and bench.advice.with_trial
    assert bench.advice.found == ADVISED, "the old answer stands until the new one is there"


def test_a_training_does_not_wait_for_it(bench: Bench, tmp_path: Path) -> None:
    asked(bench, tmp_path)
    assert bench.advice.busy
    bench.start_training()
    bench.prepared()
    assert not bench.advice.busy and bench.advice.ended is None
    bench.fake_engine.say(events.Stopped())
    assert any(isinstance(job, commands.Train) for job in bench.fake_engine.jobs)


def test_beside_a_training_nothing_is_asked_by_itself(bench: Bench, tmp_path: Path) -> None:
    bench.started(tmp_path)
    bench.found(tmp_path, CELLS)
    bench.advice.look_by_itself()
    assert not bench.advice.busy and jobs(bench) == []


def test_nothing_is_asked_without_images(bench: Bench) -> None:
    assert bench.advice.reason_against()
    bench.advice.look_by_itself()
    bench.advice.look()
    assert not bench.advice.busy and bench.advice.similarity is None
