"""The cross-validated areas equal another library's, chance is chance, and groups are never torn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tlgui.core.records import ImageRecord
from tlgui.engine import kernel_probe
from tlgui.engine.kernel_probe import Task, fold_of, mean_auc, tell, units_of


def records(labels: list[int], groups: list[str] | None = None) -> list[ImageRecord]:
    return [
        ImageRecord(
            path=f"{label}/{place}.png",
            class_name=f"c{label}",
            content_hash=str(place),
            width=1,
            height=1,
            group=groups[place] if groups else "",
        )
        for place, label in enumerate(labels)
    ]


LABELS = [0, 1] * 40


def rows(shift: float, seed: int = 1) -> NDArray[np.float64]:
    """Four columns of noise; the first is moved in class 1."""
    found = np.random.default_rng(seed).standard_normal((len(LABELS), 4))
    found[:, 0] += shift * np.array(LABELS)
    return found


def test_areas_are_those_of_another_library_with_ties_and_weights() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 3, 200), np.round(rng.standard_normal((200, 3)), 1)
    weights = rng.integers(0, 4, (2, 200)).astype(float)

    found = kernel_probe._areas(labels, scores, weights)

    for row, column in ((0, 0), (1, 2)):
        expected = roc_auc_score(labels == column, scores[:, column], sample_weight=weights[row])
        assert found[row, column] == pytest.approx(expected, abs=1e-12)
    expected = np.mean([roc_auc_score(labels == column, scores[:, column]) for column in range(3)])
    assert mean_auc(labels, scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kernel", ["linear", "gaussian"])
def test_what_is_there_is_told_and_what_is_not_is_not(kernel: kernel_probe.Kernel) -> None:
    task = Task.of(records(LABELS), 0)
    clear, nothing = tell(task, rows(6.0), kernel), tell(task, rows(0.0), kernel)

    assert clear is not None and nothing is not None
    assert clear.auc.value is not None and clear.auc.low is not None and nothing.auc.low is not None
    assert clear.auc.value > 0.97 and clear.auc.low > 0.9 > clear.chance > 0.5
    assert nothing.auc.low < nothing.chance
    assert clear.auc.high is not None and clear.auc.high <= 1


def test_the_same_for_all_images_tells_nothing() -> None:
    assert tell(Task.of(records(LABELS), 0), np.ones((len(LABELS), 3)), "linear") is None


def test_shuffled_labels_keep_their_number_and_stay_with_their_groups() -> None:
    groups = [f"g{place // 4}" for place in range(80)]
    labels = [place // 4 % 2 for place in range(80)]
    task = Task.of(records(labels, groups), 3)

    assert (np.sort(task.shuffled, axis=0) == np.sort(task.labels)[:, None]).all()
    assert not (task.shuffled == task.labels[:, None]).all(axis=0).any()
    for unit in range(20):
        assert all(len(set(column)) == 1 for column in task.shuffled[task.units == unit].T.tolist())


def test_no_group_lies_in_two_folds() -> None:
    images = records(LABELS, [f"g{place // 5}" if place < 50 else "" for place in range(80)])
    units, folds = units_of(images), fold_of(images, 5, 1)

    assert units.max() + 1 == 10 + 30
    assert all(len(set(folds[units == unit].tolist())) == 1 for unit in range(40))
    assert sorted(set(folds.tolist())) == [0, 1, 2, 3, 4]


def test_few_large_groups_make_the_interval_wide() -> None:
    found = rows(1.5)
    alone = tell(Task.of(records(LABELS), 0), found, "linear")
    grouped = tell(
        Task.of(records(LABELS, [f"g{place // 10}" for place in range(80)]), 0), np.sort(found, axis=0), "linear"
    )
    assert alone is not None and grouped is not None
    assert alone.auc.low is not None and alone.auc.high is not None
    assert grouped.auc.low is not None and grouped.auc.high is not None

    assert grouped.auc.high - grouped.auc.low > alone.auc.high - alone.auc.low


def test_two_patients_of_a_class_clearly_tell_nothing_however_many_images_they_have() -> None:
    """Resampled, one class is often not there at all, and images of one patient are no independent witnesses."""
    labels = [0] * 80 + [1] * 80
    groups = [f"p{place // 40}" for place in range(160)]
    found = tell(Task.of(records(labels, groups), 0), np.array(labels, float)[:, None], "linear")

    assert found is not None and found.auc.value == 1
    assert found.auc.low is not None and found.auc.low < 0.75
