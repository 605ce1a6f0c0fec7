"""Where images of a group look alike, a naive split flatters; where they do not, nothing is claimed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.shortcut_bench import tiny_backbone, write_listed

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.records import ImageRecord
from tlgui.engine import split_comparison
from tlgui.engine.control import Control
from tlgui.engine.jobs.splits import compare_splits
from tlgui.engine.kernel_probe import fold_of
from tlgui.engine.split_comparison import compared, shares_right, similarities
from tlgui.imaging.listing import ListedImage

pytestmark = pytest.mark.usefixtures("one_thread")


def images(labels: list[int], groups: list[str], unit: str = "patient") -> list[ListedImage]:
    return [
        ListedImage(
            path=f"{label}/{place:03}.png",
            class_name=f"c{label}",
            group=groups[place],
            unit=unit,
            content_hash="",
            width=1,
            height=1,
        )
        for place, label in enumerate(labels)
    ]


def comparison(features: np.ndarray, listed: list[ListedImage], repeats: int = 4) -> events.SplitsCompared:
    naive, safe = np.zeros(len(listed)), np.zeros(len(listed))
    for naive_right, safe_right in shares_right(similarities(features), listed, repeats, 0):
        naive += naive_right / repeats
        safe += safe_right / repeats
    return compared(naive, safe, listed, repeats)


def patients(likeness: float, unit: str = "patient") -> tuple[np.ndarray, list[ListedImage]]:
    """40 patients of four images each, whose labels cannot be told, and whose images are this much alike."""
    rng = np.random.default_rng(0)
    labels = [patient % 2 for patient in range(40) for _ in range(4)]
    own = np.repeat(rng.standard_normal((40, 30)), 4, axis=0)
    return likeness * own + rng.standard_normal((160, 30)), images(labels, [f"p{n // 4}" for n in range(160)], unit)


def test_images_of_one_patient_on_both_sides_flatter_the_score() -> None:
    found = comparison(*patients(3.0))

    assert found.naive > 0.95 and found.safe < 0.65
    assert found.low > 0.2 and found.low < found.difference < found.high
    assert found.difference == pytest.approx(found.naive - found.safe)
    assert found.naive_low <= found.naive <= found.naive_high and found.safe_low <= found.safe <= found.safe_high
    assert (found.images, found.groups, found.repeats) == (160, 40, 4)
    assert found.sentence == (
        f"Split without regard to patients, the same simple model seems to be right in {100 * found.naive:.0f} % of "
        f"images; with each patient on one side, in {100 * found.safe:.0f} %."
    )


def test_where_nothing_differs_nothing_is_claimed() -> None:
    found = comparison(*patients(0.0, "group"))

    assert found.low <= 0 <= found.high
    assert found.sentence.startswith("No difference that could be told: ")
    assert "each group on one side" in found.sentence


def test_no_group_is_on_both_sides_of_a_safe_split() -> None:
    """Two images of a group are each other's nearest; with the group on one side neither can be found by the other."""
    labels = [n // 2 % 2 for n in range(40)]
    features = np.repeat(np.random.default_rng(1).standard_normal((20, 50)), 2, axis=0)
    features[::2] += 1e-6
    # The neighbour of another group is of the other class more often than not; the copy is always of the same one.
    ((naive, safe),) = shares_right(similarities(features), images(labels, [f"g{n // 2}" for n in range(40)]), 1, 0)

    assert naive.mean() > 0.7
    assert (safe[::2] == safe[1::2]).all()


def test_both_kinds_of_split_learn_from_as_many_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two patients of a class there are two safe folds; four naive ones would learn from half as many more."""
    asked: list[int] = []

    def noted(records: list[ImageRecord], k: int, seed: int) -> np.ndarray:
        folds = fold_of(records, k, seed)
        asked.append(len(np.unique(folds)))
        return folds

    monkeypatch.setattr(split_comparison, "fold_of", noted)
    listed = images([n % 2 for n in range(40)], [f"p{n % 4}" for n in range(40)])
    list(shares_right(np.eye(40), listed, 1, 0))

    assert asked == [2, 2]


def test_a_class_that_is_one_patient_alone_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No safe split could tell it, whether or not a naive one leaks."""
    tiny_backbone(monkeypatch)
    root = tmp_path / "d"

    def group(name: str, number: int) -> str:
        return "c" if name == "c" else f"{name}{number // 3}"

    said = said_by(root, write_listed(root, {"a": 9, "b": 9, "c": 9}, group=group))
    found = next(event for event in said if isinstance(event, events.SplitsCompared))
    assert (found.images, found.groups) == (18, 6)

    with pytest.raises(UserError, match="Fewer than two classes have more than one group"):
        said_by(tmp_path / "e", write_listed(tmp_path / "e", {"a": 9, "c": 9}, group=group))


def said_by(root: Path, listing: Path, control: Control | None = None) -> list[events.Event]:
    job = commands.CompareSplits(listing=str(listing), data=str(root), repeats=2)
    return list(compare_splits(job, control or Control()))


def test_the_job_reads_images_and_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny_backbone(monkeypatch)
    root = tmp_path / "d"
    said = said_by(root, write_listed(root, {"a": 16, "b": 16}, group=lambda name, number: f"{name}{number // 4}"))

    found, ending = said[-2:]
    assert isinstance(found, events.SplitsCompared) and isinstance(ending, events.Completed)
    assert (found.images, found.groups, found.repeats, ending.message) == (32, 8, 2, found.sentence)
    assert [event.stage for event in said if isinstance(event, events.Progress)][-1] == "splitting and scoring"
    assert str(tmp_path) not in repr(said)


def test_images_that_stand_alone_are_refused_before_any_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tiny_backbone(monkeypatch)
    path = write_listed(tmp_path / "d", {"a": 6, "b": 6}, group=lambda name, number: f"{name}{number}")

    with pytest.raises(UserError, match="No two images belong together"):
        said_by(tmp_path / "nowhere", path)


def test_stop_is_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny_backbone(monkeypatch)
    control = Control()
    control.put(commands.Stop())
    root = tmp_path / "d"

    said = said_by(
        root, write_listed(root, {"a": 6, "b": 6}, group=lambda name, number: f"{name}{number // 3}"), control
    )

    assert said[-1] == events.Stopped()
