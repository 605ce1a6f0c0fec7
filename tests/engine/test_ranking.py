"""Ranking networks without training: nearest neighbours and LogME against slow arithmetic, and the job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch
from helpers.compared import answered
from helpers.shortcut_bench import write_listed
from helpers.tiny import RECIPE, ROW, of, tiny_network
from torch import Tensor

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import BackbonesRanked, RankedBackbone
from tlgui.core.preprocessing import Fit
from tlgui.core.run_folder import RunFolder
from tlgui.core.split import Part
from tlgui.engine import listed_network, weights
from tlgui.engine.control import Control
from tlgui.engine.jobs import rank_candidates
from tlgui.engine.jobs.rank import CAVEAT, rank, sentence_of
from tlgui.engine.network import Network
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
    monkeypatch.setattr(rank_candidates, "ready", list)
    with pytest.raises(UserError, match="No network could be asked"):
        list(rank(job_of(listed), Control()))
    one = write_listed(tmp_path / "one", {"a": 6})
    with pytest.raises(UserError, match="Too few images"):
        list(rank(job_of((tmp_path / "one", one), "tiny"), Control()))


def test_ready_are_those_whose_weights_are_here() -> None:
    assert rank_candidates.ready() == ["efficientnet-lite0"]  # in the wheel; a test's own folders hold no others


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


# -- earlier runs among them --------------------------------------------------------------------------------------

PUBLISHED = 7  # seed of what everybody gets
HASHES = [f"{name}{number}" for number in range(20) for name in "ab"]  # of the listed images


@pytest.fixture
def carries(tiny_when_asked: None, one_thread: None, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Fit, int | None]]:
    """The tiny network with the weights that it is given. Each fit and size that it was asked for comes back."""
    asked: list[tuple[Fit, int | None]] = []

    def build(
        row: Any, classes: int, state: Any, fit: Fit, source: str, size: int | None, *_: Any, **__: Any
    ) -> Network:
        asked.append((fit, size))
        network = tiny_network(classes, seed=99)
        weights.load_into(network.model, state, row.head_linear, source)
        return Network(ROW, network.model, RECIPE, classes)

    monkeypatch.setattr(listed_network, "build", build)
    monkeypatch.setattr(weights, "pretrained", lambda row: tiny_network(2, PUBLISHED).model.state_dict())
    return asked


def earlier(
    path: Path,
    seed: int = 1,
    part: Part = "train",
    knows: Sequence[str] = (),
    fit: Fit = "crop",
    size: int | None = None,
) -> RunFolder:
    """A run of the images "bees" whose network is the tiny one of that seed, and which knows images by these hashes."""
    names = {f"{number}.png": content for number, content in enumerate(knows)}
    run = answered(path, dict.fromkeys(names, (part, True)) | {"other.png": ("train", True)}, contents=names)
    run.write_spec(msgspec.structs.replace(run.spec(), backbone="tiny", fit=fit, size=size))
    network = tiny_network(2, seed)
    network.head_linear.weight.data.fill_(3.0)
    safetensors.torch.save_file(
        {name: tensor.contiguous() for name, tensor in network.model.state_dict().items()}, run.best_path
    )
    return run


def ranked(listed: tuple[Path, Path], *runs: RunFolder, **fields: Any) -> BackbonesRanked:
    said = list(rank(job_of(listed, "tiny", runs=[str(run.path) for run in runs], **fields), Control()))
    (found,) = of(said, BackbonesRanked)
    return found


def labels_of(found: BackbonesRanked) -> set[str]:
    return {row.label for row in found.rows}


def test_an_earlier_run_is_ranked_with_its_own_network_crop_and_size(
    carries: list[tuple[Fit, int | None]], listed: tuple[Path, Path], tmp_path: Path
) -> None:
    run = earlier(tmp_path / "Run 7", fit="squash", size=32)
    found = ranked(listed, run)
    # Looked at below the head, then asked.
    assert carries == [("crop", None), ("squash", 32)] * 2
    assert {(row.label, row.backbone, row.run) for row in found.rows} == {
        ("tiny", "tiny", ""), ("bees (Run 7)", "tiny", str(run.path)),
    }  # fmt: skip
    one, other = found.rows
    assert one.log_me != other.log_me, "it is another network"
    assert (found.known, found.images, found.left_out) == (0, 40, {})


@pytest.mark.usefixtures("carries")
def test_images_that_one_of_the_runs_has_learned_take_no_part_for_all_and_are_counted(
    listed: tuple[Path, Path], tmp_path: Path
) -> None:
    first = earlier(tmp_path / "first", 1, "train", HASHES[:6])
    second = earlier(tmp_path / "second", 2, "validation", HASHES[4:10])
    third = earlier(tmp_path / "third", 3, "test", HASHES[20:30])  # it has not learned those that tested it
    found = ranked(listed, first, second, third)
    assert (found.known, found.images) == (10, 30)
    assert labels_of(found) == {"tiny", "bees (first)", "bees (second)", "bees (third)"}
    assert ranked(listed).images == 40


@pytest.mark.usefixtures("carries")
def test_a_run_that_knows_more_than_half_is_left_out_and_its_images_are_not(
    listed: tuple[Path, Path], tmp_path: Path
) -> None:
    half = earlier(tmp_path / "half", 1, "train", HASHES[:20])
    more = earlier(tmp_path / "more", 2, "train", HASHES[19:])
    found = ranked(listed, more)
    assert found.left_out == {"bees (more)": "It has learned 21 of these 40 images, so they cannot judge it."}
    assert (found.known, found.images, labels_of(found)) == (0, 40, {"tiny"})
    found = ranked(listed, half, more)
    assert (found.known, found.images, labels_of(found)) == (20, 20, {"tiny", "bees (half)"})


@pytest.mark.usefixtures("carries")
def test_a_run_that_trained_its_head_alone_is_left_out_as_the_network_that_it_is(
    listed: tuple[Path, Path], tmp_path: Path
) -> None:
    head = earlier(tmp_path / "head", PUBLISHED)
    one, same = earlier(tmp_path / "one", 3), earlier(tmp_path / "same", 3)
    found = ranked(listed, head, one, same)
    assert labels_of(found) == {"tiny", "bees (one)"}
    replaced = "What was trained is its head alone, which a new run replaces."
    assert found.left_out == {
        "bees (head)": f"Below the head it is the same network as tiny. {replaced}",
        "bees (same)": f"Below the head it is the same network as bees (one). {replaced}",
    }


@pytest.mark.usefixtures("carries")
def test_what_a_run_has_learned_that_is_not_ranked_takes_part(listed: tuple[Path, Path], tmp_path: Path) -> None:
    """One that trained its head alone is the published network, which knows none of the images."""
    found = ranked(listed, earlier(tmp_path / "head", PUBLISHED, "train", HASHES[:20]))
    assert (found.known, found.images, labels_of(found)) == (0, 40, {"tiny"})
    assert found.left_out.keys() == {"bees (head)"}


@pytest.mark.usefixtures("carries")
@pytest.mark.parametrize(("known", "left"), [(20, 20), (18, 22)])
def test_runs_that_together_know_more_than_half_are_ranked_up_to_there(
    known: int, left: int, listed: tuple[Path, Path], tmp_path: Path
) -> None:
    first = earlier(tmp_path / "first", 1, "train", HASHES[:known])
    second = earlier(tmp_path / "second", 2, "train", HASHES[known : 2 * known])
    found = ranked(listed, first, second)
    assert (found.known, found.images, labels_of(found)) == (known, left, {"tiny", "bees (first)"})
    assert found.left_out == {
        "bees (second)": "With the runs before it, it has learned more than half of these images."
    }


@pytest.mark.usefixtures("carries")
def test_a_run_that_is_named_twice_is_ranked_once(listed: tuple[Path, Path], tmp_path: Path) -> None:
    run = earlier(tmp_path / "run", 1, "train", HASHES[:5])
    found = ranked(listed, run, run)
    assert sorted(row.label for row in found.rows) == ["bees (run)", "tiny"] and found.left_out == {}


@pytest.mark.usefixtures("carries")
def test_runs_of_one_name_are_told_apart(listed: tuple[Path, Path], tmp_path: Path) -> None:
    """Each project has its own folder of runs, and two may have begun in one minute."""
    runs = [
        earlier(tmp_path / project / "runs" / "Run 7", seed, "train", HASHES[5 * seed : 5 * seed + 5])
        for seed, project in enumerate(("cells", "bees", "ants"), 1)
    ]
    found = ranked(listed, *runs)
    assert {row.run: row.label for row in found.rows if row.run} == {
        str(runs[0].path): "bees (Run 7)",
        str(runs[1].path): "bees (Run 7), bees",
        str(runs[2].path): "bees (Run 7), ants",
    }
    same = earlier(tmp_path / "more" / "cells" / "runs" / "Run 7", PUBLISHED)
    found = ranked(listed, runs[0], same)
    assert labels_of(found) == {"tiny", "bees (Run 7)"} and list(found.left_out) == ["bees (Run 7), cells"]


@pytest.mark.parametrize("trouble", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
@pytest.mark.parametrize("at", [2, 5])  # looked at below the head; asked, after three were looked at and one asked
def test_a_network_that_does_not_fit_into_memory_is_left_out_and_the_others_are_ranked(
    at: int,
    trouble: Exception,
    carries: object,
    listed: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build = vars(listed_network)["build"]
    calls: list[int] = []

    def too_large(*arguments: Any, **options: Any) -> Network:
        calls.append(1)
        if len(calls) == at:
            raise trouble
        network: Network = build(*arguments, **options)
        return network

    monkeypatch.setattr(listed_network, "build", too_large)
    found = ranked(listed, earlier(tmp_path / "large", 1), earlier(tmp_path / "small", 2))
    assert labels_of(found) == {"tiny", "bees (small)"}
    assert found.left_out == {"bees (large)": "It does not fit into the memory of this computer."}


@pytest.mark.usefixtures("carries")
def test_another_trouble_than_memory_is_no_reason_to_leave_a_network_out(
    listed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: Any, **__: Any) -> Network:
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr(listed_network, "build", mistaken)
    with pytest.raises(RuntimeError, match="a mistake in the program"):
        ranked(listed)


@pytest.mark.usefixtures("carries")
def test_damaged_run_folders_are_left_out_each_with_its_reason(listed: tuple[Path, Path], tmp_path: Path) -> None:
    good = earlier(tmp_path / "good", 1)
    spoilt = {
        name: earlier(tmp_path / name, place) for place, name in enumerate(("no toml", "no model", "list", "model"), 2)
    }
    spoilt["no toml"].spec_path.write_text("[dataset")
    spoilt["no model"].best_path.unlink()
    spoilt["list"].learned_path.write_text("nonsense\n1\n")
    spoilt["model"].best_path.write_bytes(b"torn")
    found = ranked(listed, *spoilt.values(), good, RunFolder(tmp_path / "gone"))
    assert labels_of(found) == {"tiny", "bees (good)"} and found.known == 0
    assert found.left_out.keys() == {"no toml", "bees (no model)", "bees (list)", "bees (model)", "gone"}
    for label, words in (
        ("no toml", "is not a TOML file"),
        ("bees (no model)", "has no model yet"),
        ("bees (list)", "'learned_before.csv' of the run 'list' cannot be read"),
        ("bees (model)", "is not a weights file"),
    ):
        assert words in found.left_out[label]
    assert not any(str(tmp_path) in reason for reason in found.left_out.values())


def test_of_runs_that_are_no_better_a_comparison_side_by_side_is_advised() -> None:
    of_run = msgspec.structs.replace(row("cells (Run 7)", 0.88), run="/runs/Run 7")
    said = sentence_of([row("A", 0.9), of_run, row("C", 0.7)])
    assert "is not clearly better than cells (Run 7)" in said
    assert "with an earlier run's network and without it, side by side" in said.replace("\n", " ")
    assert "take the fastest" not in said
    assert sentence_of([of_run, row("C", 0.7)]).startswith("cells (Run 7) tells most as it is: 88 %")
