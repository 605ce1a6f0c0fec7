"""Why layers transfer: each layer group is asked by the same rule, test images never, and once asked it is known."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from helpers.shortcut_bench import write_listed, write_table
from helpers.tiny import RECIPE, ROW, of, tiny_network
from sklearn.linear_model import LogisticRegression

from tlgui.core import commands, events
from tlgui.core.backbones import Backbone
from tlgui.core.errors import UserError
from tlgui.core.events import GroupScore, LayersProbed
from tlgui.core.split import folds
from tlgui.engine import listed_network
from tlgui.engine.control import Control
from tlgui.engine.drawn_images import draw
from tlgui.engine.jobs import layers
from tlgui.engine.jobs.layers import pooled, probe_layers, sentence_of
from tlgui.engine.preprocess import to_input
from tlgui.engine.probe import STRENGTH
from tlgui.engine.trunk import Trunk, compile_trunk
from tlgui.imaging.listing import read_listing
from tlgui.imaging.pixels import read_pixels

pytestmark = pytest.mark.usefixtures("one_thread", "tiny_when_asked")


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("layers") / "d"
    return root, write_listed(root, {"a": 24, "b": 24}, group=lambda name, number: f"{name}{number // 3}")


def job_of(listed: tuple[Path, Path], images: int = 400, seed: int = 0) -> commands.ProbeLayers:
    root, listing = listed
    return commands.ProbeLayers(listing=str(listing), data=str(root), backbone="tiny", images=images, seed=seed)


def probed(job: commands.ProbeLayers) -> tuple[list[events.Event], LayersProbed]:
    said = list(probe_layers(job, Control()))
    (found,) = of(said, LayersProbed)
    return said, found


def test_each_layer_group_is_asked_and_its_share_is_that_of_scikit_learn(listed: tuple[Path, Path]) -> None:
    said, found = probed(job_of(listed))
    assert [score.name for score in found.groups] == ["stem", "middle", "top"]
    assert (found.images, found.folds, found.largest_class, found.backbone) == (48, 5, 0.5, "tiny")
    assert said[-1] == events.Completed(message=found.sentence)
    assert str(listed[0].parent) not in repr(said)

    images = draw(read_listing(listed[1]), 400, 0)
    network = tiny_network(2)
    squares = torch.stack([to_input(read_pixels(listed[0] / image.path), RECIPE) for image in images])
    y = np.array([image.class_name == "b" for image in images]).astype(int)
    names = [image.path for image in images]
    parts = [[names.index(path) for path in paths] for paths in folds([image.record() for image in images], 5, 0)]
    for border, score in enumerate(found.groups, 1):
        with torch.inference_mode():
            rows = network.run(squares, 0, border)
        x = (rows.mean((2, 3)) if rows.ndim == 4 else rows).double().numpy()
        x = (x - x.mean(0)) / np.maximum(x.std(0), 0.1 * np.sort(x.std(0))[(x.shape[1] - 1) // 2])
        right = np.zeros(len(y), bool)
        for fold in parts:
            rest = np.setdiff1d(np.arange(len(y)), fold)
            reference = LogisticRegression(C=2 / (len(rest) * STRENGTH), tol=1e-10, max_iter=5_000).fit(
                x[rest], y[rest]
            )
            right[fold] = reference.predict(x[fold]) == y[fold]
        assert score.accuracy == pytest.approx(right.mean(), abs=1.5 / len(y))
        assert score.low <= score.accuracy <= score.high


def test_a_second_press_answers_at_once_and_another_question_does_not(
    listed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = probed(job_of(listed))
    monkeypatch.setattr(layers, "see", lambda *_: pytest.fail("images were read again"))
    said, again = probed(job_of(listed))
    assert again == first and [type(event).__name__ for event in said] == ["Progress", "LayersProbed", "Completed"]
    with pytest.raises(pytest.fail.Exception, match="read again"):
        probed(job_of(listed, seed=1))
    # Other weights are another question.
    monkeypatch.setattr(listed_network, "build", lambda row, classes, *_: tiny_network(classes, seed=9))
    with pytest.raises(pytest.fail.Exception, match="read again"):
        probed(job_of(listed))


def test_a_place_that_keeps_nothing_costs_only_time(
    listed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    _, first = probed(job_of(listed))
    monkeypatch.setenv("TLGUI_CACHE_DIR", str(tmp_path / "file"))
    assert probed(job_of(listed))[1] == first


def test_test_images_and_those_that_are_gone_are_not_looked_at(listed: tuple[Path, Path], tmp_path: Path) -> None:
    root = tmp_path / "d"
    shutil.copytree(listed[0], root)
    images = read_listing(listed[1])
    marked = [msgspec.structs.replace(image, part="test") if image.group == "a0" else image for image in images]
    listing = write_table(tmp_path / "l.csv", marked)
    for image in images:
        if image.group == "a0":
            (root / image.path).write_bytes(b"nobody may read this")
    (root / images[-1].path).unlink()
    assert probed(job_of((root, listing)))[1].images == 48 - 3 - 1


@pytest.mark.parametrize("after", [1, 2, 6])
def test_stop_is_heard_between_the_steps(after: int, listed: tuple[Path, Path]) -> None:
    control, said = Control(), list[events.Event]()
    for event in probe_layers(job_of(listed, seed=77), control):
        said.append(event)
        if len(said) == after:
            control.put(commands.Stop())
    assert said[-1] == events.Stopped() and len(said) <= after + 2


def test_a_network_without_pretrained_weights_has_nothing_to_tell(
    listed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    row: Backbone = msgspec.structs.replace(ROW, weights="none")
    monkeypatch.setattr(listed_network, "row_of", lambda name: row)
    with pytest.raises(UserError, match="Tiny has no pretrained weights"):
        probed(job_of(listed))


def test_all_borders_in_one_pass_are_those_of_single_passes(tmp_path: Path) -> None:
    network = tiny_network(2)
    compile_trunk(network, 3, tmp_path / "tiny.onnx")
    images = torch.randn(5, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    for trunk in (Trunk(network, torch.device("cpu")), Trunk(network, torch.device("cpu"), tmp_path / "tiny.onnx", 3)):
        found = trunk.at_borders(images, 3)
        assert [len(one) for one in found] == [5, 5, 5]
        for border, one in enumerate(found, 1):
            with torch.inference_mode():
                assert torch.allclose(one, network.run(images, 0, border), atol=1e-4)


def test_an_image_becomes_one_row() -> None:
    maps, tokens = torch.randn(2, 5, 3, 4), torch.randn(2, 7, 5)
    assert torch.allclose(pooled(maps)[1, 2], maps[1, 2].flatten().sum() / 12)
    assert torch.allclose(pooled(tokens)[1, 2], tokens[1, :, 2].sum() / 7)
    assert pooled(maps[:, :, 0, 0]).shape == (2, 5)


def score(name: str, accuracy: float, reach: float = 0.03) -> GroupScore:
    return GroupScore(name=name, accuracy=accuracy, low=accuracy - reach, high=accuracy + reach)


@pytest.mark.parametrize(
    ("accuracies", "ending"),
    [
        ((0.6, 0.8, 0.95), "What was learned from other pictures carries over up to the top."),
        ((0.6, 0.95, 0.8), "the uppermost are too special for your pictures as they are; unfrozen, they can adapt."),
        ((0.8, 0.81, 0.82), "The intervals overlap: no layer group clearly tells more than the others."),
        ((0.45, 0.46, 0.44), "That is no more than always saying the largest class (50 %)."),
    ],
)
def test_the_sentence_says_what_is_sure(accuracies: tuple[float, ...], ending: str) -> None:
    scores = [score(name, value) for name, value in zip(("stem", "middle", "top"), accuracies, strict=True)]
    said = sentence_of(scores, 0.5)
    assert said.startswith("From the lowest layers ('stem'), which see edges and colours") and said.endswith(ending)


def test_a_network_that_cannot_be_cut_says_so() -> None:
    assert sentence_of([score("all", 0.9)], 0.5).endswith("This network cannot be cut lower.")
