"""Ranking networks without training: nearest neighbours and LogME against slow arithmetic, and the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.shortcut_bench import write_listed
from helpers.tiny import of
from torch import Tensor

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import BackbonesRanked, RankedBackbone
from tlgui.engine import listed_network
from tlgui.engine.control import Control
from tlgui.engine.jobs import rank as rank_job
from tlgui.engine.jobs.rank import CAVEAT, rank, sentence_of
from tlgui.engine.ranking import log_me, nearest_right


def drawn(n: int = 60, d: int = 7, classes: int = 3, apart: float = 1.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (n,), generator=generator)
    centres = apart * torch.randn(classes, d, generator=generator)
    return centres[labels] + torch.randn(n, d, generator=generator), labels


def parts(n: int, k: int = 5) -> list[Tensor]:
    return [torch.arange(place, n, k) for place in range(k)]


# -- nearest neighbours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 4, 5])
def test_nearest_neighbours_are_those_of_a_double_loop(k: int) -> None:
    features, labels = drawn()
    found = nearest_right(features, labels, 3, parts(60), k)
    x, y = features.double().numpy(), labels.numpy()
    for fold in parts(60):
        others = [i for i in range(60) if i not in fold.tolist()]
        for i in fold.tolist():
            cosines = sorted(
                ((x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j]), y[j]) for j in others), reverse=True
            )
            votes: dict[int, tuple[int, float]] = {}
            for cosine, label in cosines[:k]:
                count, total = votes.get(label, (0, 0.0))
                votes[label] = (count + 1, total + cosine)
            assert bool(found[i]) == (max(votes, key=lambda label: votes[label]) == y[i])


def test_fewer_images_than_neighbours_are_all_of_them() -> None:
    features, labels = drawn(4, classes=2)
    assert len(nearest_right(features, labels, 2, parts(4, 2), 50)) == 4


# -- LogME ---------------------------------------------------------------------------------------------------------


def naive_evidence(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], a: float, b: float) -> float:
    """log N(y; 0, I / b + x x' / a), by the covariance of all images."""
    covariance = np.eye(len(y)) / b + x @ x.T / a
    _, determinant = np.linalg.slogdet(covariance)
    return float(-0.5 * (y @ np.linalg.solve(covariance, y) + determinant + len(y) * np.log(2 * np.pi)))


@pytest.mark.parametrize(("n", "d"), [(60, 7), (20, 50), (30, 30)])
def test_log_me_is_the_largest_evidence_of_a_linear_model(n: int, d: int) -> None:
    features, labels = drawn(n, d, seed=3)
    x = features.double().numpy()
    grid = [10.0**power for power in np.arange(-3, 6.01, 0.25)]
    best = []
    for number in range(3):
        y = (labels.numpy() == number).astype(float)
        best.append(max(naive_evidence(x, y, a, b) for a in grid for b in grid))
    assert log_me(features, labels, 3) == pytest.approx(np.mean(best) / n, abs=0.02)
    assert log_me(features, labels, 3) >= np.mean(best) / n - 0.005  # no point of a grid is higher than the maximum


def test_log_me_is_higher_where_classes_lie_apart() -> None:
    scores = [log_me(*drawn(200, 12, apart=apart, seed=5), 3) for apart in (0.0, 1.0, 4.0)]
    assert scores == sorted(scores) and scores[2] > scores[0] + 0.2


def test_features_that_do_not_vary_have_a_score_too() -> None:
    assert np.isfinite(log_me(torch.ones(12, 4), torch.arange(12) % 2, 2))
    assert np.isfinite(log_me(torch.zeros(12, 4), torch.arange(12) % 2, 2))


# -- the job -------------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(tmp_path: Path) -> tuple[Path, Path]:
    root = tmp_path / "d"
    return root, write_listed(root, {"a": 20, "b": 20}, group=lambda name, number: f"{name}{number // 2}")


def job_of(listed: tuple[Path, Path], *names: str, **fields: Any) -> commands.RankBackbones:
    return commands.RankBackbones(listing=str(listed[1]), data=str(listed[0]), backbones=list(names), **fields)


@pytest.mark.usefixtures("one_thread", "tiny_when_asked")
def test_networks_are_ranked_and_those_that_cannot_be_asked_are_left_out(
    listed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = listed_network.row_of

    def row_of(name: str) -> object:
        if name == "gone":
            raise UserError("Its weights are not on this computer.", "Download them.")
        return real("tiny")

    monkeypatch.setattr(listed_network, "row_of", row_of)
    said = list(rank(job_of(listed, "tiny", "gone", "other"), Control()))
    (found,) = of(said, BackbonesRanked)
    assert [row.backbone for row in found.rows] == ["tiny", "other"]  # equally good ones in the order asked for
    assert found.left_out == {"gone": "Its weights are not on this computer. Download them."}
    assert (found.images, found.folds, found.largest_class) == (40, 5, 0.5)
    first, second = found.rows
    assert (first.probe, first.nearest, first.log_me) == (second.probe, second.nearest, second.log_me)
    assert (
        first.probe_low <= first.probe <= first.probe_high and first.nearest_low <= first.nearest <= first.nearest_high
    )
    assert said[-1] == events.Completed(message=found.sentence) and CAVEAT in found.sentence


@pytest.mark.usefixtures("one_thread", "tiny_when_asked")
def test_a_stop_is_heard(listed: tuple[Path, Path]) -> None:
    control = Control()
    said: list[events.Event] = []
    for event in rank(job_of(listed, "tiny"), control):
        said.append(event)
        control.put(commands.Stop())
    assert said[-1] == events.Stopped() and not of(said, BackbonesRanked)


@pytest.mark.usefixtures("one_thread", "tiny_when_asked")
def test_no_network_and_too_few_images_are_told(
    listed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank_job, "ready", list)
    with pytest.raises(UserError, match="No network could be asked"):
        list(rank(job_of(listed), Control()))
    one = write_listed(tmp_path / "one", {"a": 6})
    with pytest.raises(UserError, match="Too few images"):
        list(rank(job_of((tmp_path / "one", one), "tiny"), Control()))


def test_ready_are_those_whose_weights_are_here() -> None:
    assert rank_job.ready() == ["efficientnet-lite0"]  # in the wheel; a test's own folders hold no others


def row(label: str, value: float, half: float = 0.02) -> RankedBackbone:
    return RankedBackbone(
        backbone=label, label=label, probe=value, probe_low=value - half, probe_high=value + half, nearest=value,
        nearest_low=value - half, nearest_high=value + half, log_me=0.0, features=8, seconds=1.0,
    )  # fmt: skip


def test_of_networks_whose_intervals_overlap_nothing_is_said() -> None:
    assert sentence_of([row("A", 0.9), row("B", 0.88), row("C", 0.7)]).startswith(
        "A tells most as it is, 90 % (88 to 92 %), but is not clearly better than B: take the fastest of them."
    )
    assert sentence_of([row("A", 0.9), row("C", 0.7)]).startswith("A tells most as it is: 90 %")
    assert "the only network that is ready" in sentence_of([row("A", 0.9)])
