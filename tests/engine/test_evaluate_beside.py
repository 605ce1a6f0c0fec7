"""Two runs on the same labelled images of a new site: told apart by what each has learned, counted, and kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.pictures import write_dataset, write_site
from helpers.tiny import of
from helpers.tiny_runs import SCRATCH, done, made, use_tiny

from tlgui.core import commands, events, site_score
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.paired import mcnemar
from tlgui.core.run_folder import RunFolder
from tlgui.engine.control import Control
from tlgui.engine.jobs.evaluate import evaluate

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny(monkeypatch)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path / "New hospital", 30, 24, classes=3)


def labelled(root: Path, count: int = 30, classes: int = 3) -> Path:
    """The same new site as `write_site` draws, each class in a folder of its own."""
    write_site(root, count, 24, classes=classes)
    for index in range(count):
        (root / "abc"[index % classes]).mkdir(exist_ok=True)
        (root / f"{index:03}.png").rename(root / "abc"[index % classes] / f"{index:03}.png")
    return root


@pytest.fixture
def runs(data: Path, site: Path, tmp_path: Path) -> tuple[RunFolder, RunFolder]:
    """One that adapted, and one that did not, on the same images."""
    adapted, plain = (
        made(data, site, tmp_path / "adapted", adapt="mmd", **SCRATCH),
        made(data, None, tmp_path / "plain", **SCRATCH),
    )
    done(adapted, data)
    done(plain, data)
    return adapted, plain


def scored(run: RunFolder, images: Path, beside: RunFolder | None = None, control: Any = None) -> list[Event]:
    job = commands.Evaluate(run=str(run.path), data=str(images), beside=str(beside.path) if beside else "")
    return list(evaluate(job, control or Control()))


def test_both_are_scored_on_the_same_images_and_the_difference_is_paired(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    """What it had adapted to is told apart from what it never saw."""
    adapted, plain = runs
    images = labelled(tmp_path / "JANE DOE" / "labelled")
    said = scored(adapted, images, plain)
    alone = {event.split: event.metrics for event in of(scored(plain, images), events.Evaluated)}
    evaluated = {event.split: event.metrics for event in of(said, events.Evaluated)}
    assert list(evaluated) == ["known"], "all of them are those that it has adapted to"
    assert "without their labels: this flatters it" in evaluated["known"]["note"]
    (pair,) = of(said, events.ScoredBeside)
    assert (pair.split, pair.beside, pair.images, pair.left_out) == ("known", "plain", 30, 0)
    assert pair.metrics["accuracy"] == alone["new"]["accuracy"], "to the other run they are new"
    mine, theirs = (one["accuracy"]["value"] for one in (evaluated["known"], pair.metrics))
    assert pair.difference == pytest.approx(mine - theirs) == pytest.approx((pair.better - pair.worse) / 30)
    assert pair.low <= pair.difference <= pair.high and pair.p == pytest.approx(mcnemar(pair.better, pair.worse))
    assert f"Of 30 images, {100 * mine:.1f} % are right with this run" in pair.sentence
    ending = said[-1]
    assert isinstance(ending, events.Completed) and "used once, for this score; they chose nothing" in ending.message

    for path in adapted.path.rglob("*.json"):
        assert b"DOE" not in path.read_bytes()


def test_images_that_it_never_saw_stand_in_a_part_of_their_own(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    images = labelled(tmp_path / "labelled", count=45)
    said = scored(runs[0], images, runs[1])
    counts = {event.split: event.metrics["accuracy"]["n"] for event in of(said, events.Evaluated)}
    assert counts == {"known": 30, "new": 15}
    assert [(pair.split, pair.images) for pair in of(said, events.ScoredBeside)] == [("known", 30), ("new", 15)]


def test_looks_at_the_same_images_are_counted_and_the_last_one_is_kept(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    adapted, plain = runs
    images, others = labelled(tmp_path / "labelled", 36), labelled(tmp_path / "others", 48)
    assert site_score.read(adapted) is None
    scored(adapted, images)
    first = site_score.read(adapted)
    assert first is not None and first.looks_at_these == 1 and first.parts[0].beside is None
    shutil.copytree(images, tmp_path / "elsewhere")
    scored(adapted, tmp_path / "elsewhere", plain)
    second = site_score.read(adapted)
    assert second is not None and second.looks_at_these == 2 and second.folder == "elsewhere"
    kept = {part.split: part for part in second.parts}
    assert kept.keys() == {"known", "new"} and kept["new"].accuracy.n == 6
    beside = kept["new"].beside
    assert beside is not None and beside.beside == "plain" and beside.accuracy.n == 6
    assert "scored 2 times" in site_score.looks_sentence(second)
    scored(adapted, others)
    third = site_score.read(adapted)
    assert third is not None and third.looks_at_these == 1 and sum(third.looks.values()) == 3

    scored(plain, images)
    assert site_score.read(plain) is None, "it adapted to no site"


def test_what_the_other_run_has_learned_is_not_compared(
    runs: tuple[RunFolder, RunFolder], data: Path, tmp_path: Path
) -> None:
    """Its own training images would flatter it."""
    adapted, plain = runs
    images = labelled(tmp_path / "labelled", 36)
    used = [row for row in plain.manifest() if row.part == "train"][:4]
    elsewhere = made(images, None, tmp_path / "elsewhere", **SCRATCH)
    done(elsewhere, images)
    for row in used:
        shutil.copy(data / row.path, images / row.class_name / f"own {Path(row.path).name}")
    said = scored(adapted, images, elsewhere)
    assert [event.split for event in of(said, events.Evaluated)] == ["train", "known", "new"]
    compared = sum(row.part == "test" for row in elsewhere.manifest())
    pairs = of(said, events.ScoredBeside)
    assert sum(pair.images for pair in pairs) == compared
    sizes = {event.split: event.metrics["accuracy"]["n"] for event in of(said, events.Evaluated)}
    assert all(pair.images + pair.left_out == sizes[pair.split] for pair in pairs)
    assert all(pair.split != "train" for pair in pairs)


def test_a_look_at_the_other_runs_test_images_is_counted_there_too(
    runs: tuple[RunFolder, RunFolder], data: Path
) -> None:
    adapted, plain = runs

    def looks(run: RunFolder) -> int:
        return int(msgspec.json.decode((run.results / "metrics.json").read_bytes())["test_evaluations"])

    before = looks(plain)
    said = scored(adapted, data, plain)
    assert {pair.split for pair in of(said, events.ScoredBeside)} == {"validation", "test"}
    assert looks(plain) == before + 1 and site_score.read(adapted) is None, "these are of the known site"


@pytest.mark.parametrize("at", [1, 2])
def test_it_is_stopped_between_batches_and_nothing_is_counted(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path, at: int
) -> None:
    class Stops(Control):
        taken = 0

        def take(self) -> Any:
            self.taken += 1
            return commands.Stop() if self.taken >= at else None

    said = scored(runs[0], labelled(tmp_path / "labelled"), runs[1], Stops())
    assert isinstance(said[-1], events.Stopped) and site_score.read(runs[0]) is None


def test_a_run_beside_itself_and_one_of_other_classes_are_refused(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    images = labelled(tmp_path / "labelled", 40, classes=2)
    with pytest.raises(UserError, match="cannot be compared with itself"):
        scored(runs[0], images, runs[0])
    other = made(images, None, tmp_path / "two", **SCRATCH)
    done(other, images)
    with pytest.raises(UserError, match="do not tell the same classes apart") as error:
        scored(runs[0], images, other)
    assert error.value.code == "not_comparable"


def test_a_score_that_cannot_be_counted_is_not_told_as_done(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site_score.atomic, "write_bytes", full)
    with pytest.raises(UserError, match="No space left") as error:
        scored(runs[0], labelled(tmp_path / "labelled"))
    assert error.value.code == "run_folder"
