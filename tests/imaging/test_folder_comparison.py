"""The run folders of a comparison, as the window asks for them."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from helpers.compared import comparison_of, finish
from helpers.pictures import write_dataset, write_tree

from tlgui.core import comparison, events
from tlgui.core import imaging_messages as messages
from tlgui.core.comparison import Comparison
from tlgui.core.paths import projects_dir
from tlgui.core.run_folder import RunFolder
from tlgui.imaging.folder_work import FolderRequest, FolderWork

WAYS = ("feature-extraction", "full-fine-tuning")
Ask = Callable[[Path, FolderRequest], messages.Answer]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Asks of a folder, and waits for the answer; the child of each question is a fresh one."""
    works: list[FolderWork] = []

    def do(data: Path, request: FolderRequest) -> messages.Answer:
        told: queue.SimpleQueue[messages.Answer] = queue.SimpleQueue()
        works.append(FolderWork(1, told.put, lambda _: nullcontext()))
        works[-1].add(request)
        while isinstance(answer := told.get(timeout=60), messages.ScanProgress | messages.Listed):
            pass
        return answer

    yield do
    for work in works:
        work.cancel()
        work.join(5)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "photos", {"across": 8, "down": 8}, size=24)


def wanted(
    data: Path, folds: int | None = None, folder: str = "", asked: Comparison | None = None
) -> messages.PrepareComparison:
    return messages.PrepareComparison(
        ticket=1, data=str(data), folder=folder, comparison=asked or comparison_of(*WAYS), folds=folds
    )


def made(ask: Ask, data: Path, folds: int | None = None, folder: str = "") -> messages.ComparisonPrepared:
    answer = ask(data, wanted(data, folds, folder))
    assert isinstance(answer, messages.ComparisonPrepared), answer
    return answer


def test_the_run_folders_are_made_in_the_project(ask: Ask, photos: Path) -> None:
    answer = made(ask, photos, folds=2)
    folder = Path(answer.folder)
    assert folder.is_absolute() and folder.parent.name == comparison.FOLDER
    assert folder.is_relative_to(projects_dir().resolve()) and comparison.is_comparison(folder)
    assert (answer.comparison.dataset, answer.comparison.folds) == ("photos", 2)
    assert answer.comparison.fingerprint != "f" * 64, "of these images"
    assert [(Path(run.run).parent, run.done) for run in answer.runs] == [(folder, False)] * 4
    assert [run.label for run in answer.runs] == [
        "Feature extraction, fold 1",
        "Full fine-tuning, fold 1",
        "Feature extraction, fold 2",
        "Full fine-tuning, fold 2",
    ]
    for run in answer.runs:
        assert len(RunFolder(Path(run.run)).manifest()) == 14  # two test


def test_folds_are_by_itself_what_the_images_need(ask: Ask, photos: Path, tmp_path: Path) -> None:
    assert made(ask, photos).comparison.folds == 3
    counts = {"across": 4, "down": 4}
    parted = write_tree(tmp_path / "parted", {"train": counts, "val": counts, "test": counts}, size=24)
    assert made(ask, parted).comparison.folds == 0


def test_folds_that_cannot_be_are_refused_and_nothing_is_made(ask: Ask, photos: Path, tmp_path: Path) -> None:
    counts = {"across": 4, "down": 4}
    parted = write_tree(tmp_path / "parted", {"train": counts, "val": counts, "test": counts}, size=24)
    for data, folds, said in ((parted, 3, "The folders say what trains and what tests"), (photos, 9, "into 9 folds")):
        refused = ask(data, wanted(data, folds))
        assert isinstance(refused, messages.Refused) and refused.request == "PrepareComparison"
        assert said in refused.problem and refused.remedy and not refused.is_fault
    assert not list(projects_dir().glob(f"*/{comparison.FOLDER}/*"))


def test_what_began_and_did_not_end_is_made_anew_and_what_is_whole_stays(ask: Ask, photos: Path) -> None:
    before = made(ask, photos, folds=0)
    whole, begun = (RunFolder(Path(run.run)) for run in before.runs)
    finish(whole, {row.path: (row.part, True) for row in whole.manifest()})
    kept = whole.events_path.read_bytes()
    begun.append_event(events.Stopped(run=begun.name, best_epoch=1))
    (begun.checkpoints / "last.safetensors").write_bytes(b"weights")

    after = made(ask, photos, folder=before.folder)
    assert after.folder == before.folder and after.comparison.entrants == before.comparison.entrants
    assert [(run.run, run.done) for run in after.runs] == [(before.runs[0].run, True), (before.runs[1].run, False)]
    assert whole.events_path.read_bytes() == kept
    assert not begun.events_path.exists() and not (begun.checkpoints / "last.safetensors").exists()
    assert len(begun.manifest()) == 16, "it can be trained from its beginning"


def test_of_one_that_is_there_its_own_file_counts(ask: Ask, photos: Path) -> None:
    before = made(ask, photos, folds=2)
    other = comparison_of("from-scratch", "full-fine-tuning", "feature-extraction")
    after = ask(photos, wanted(photos, None, before.folder, other))
    assert isinstance(after, messages.ComparisonPrepared)
    assert after.runs == before.runs and after.comparison.folds == 2


def test_a_folder_that_holds_none_is_refused(ask: Ask, photos: Path, tmp_path: Path) -> None:
    refused = ask(photos, wanted(photos, None, str(tmp_path / "gone")))
    assert isinstance(refused, messages.Refused) and refused.problem == "'gone' holds no comparison."
