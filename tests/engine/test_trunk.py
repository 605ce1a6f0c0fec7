"""The frozen part by torch and by ONNX Runtime: close to each other, and each repeats itself bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
import torch
from helpers.tiny import RECIPE, tiny_network

from tlgui.core.backbones import backbone
from tlgui.core.paths import cache_dir
from tlgui.engine import trunk as module
from tlgui.engine import weights
from tlgui.engine.backbones import build
from tlgui.engine.network import Network
from tlgui.engine.trunk import CHUNK, Trunk, compiled_trunk

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Network, Path]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLGUI_CACHE_DIR", str(tmp_path_factory.mktemp("trunk")))
        network = tiny_network(3)
        yield network, compiled_trunk(network, 3)


def images(n: int, size: int = 24) -> torch.Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(n))


def test_nothing_below_the_first_group_is_the_input_itself() -> None:
    x = images(2)
    assert Trunk(tiny_network(3), CPU)(x, 0) is x


def test_one_file_serves_every_border(compiled: tuple[Network, Path]) -> None:
    network, file = compiled
    trunk, reference = Trunk(network, CPU, file, 3), Trunk(network, CPU)
    x = images(11)
    for cut in (1, 2, 3):
        assert (trunk.executor(cut), reference.executor(cut)) == ("onnxruntime", "torch")
        assert trunk(x, cut).shape == reference(x, cut).shape
        assert torch.allclose(trunk(x, cut), reference(x, cut), atol=1e-5)
        assert trunk.agrees(x[:4], cut)


def test_trained_groups_are_never_served_by_the_file(compiled: tuple[Network, Path]) -> None:
    network, file = compiled
    trunk = Trunk(network, CPU, file, 3)
    trunk.changed_from(2)
    assert [trunk.executor(cut) for cut in (0, 1, 2, 3)] == ["torch", "onnxruntime", "onnxruntime", "torch"]
    trunk.changed_from(3)  # an undo brings back what the file was made of
    assert trunk.executor(3) == "onnxruntime"


def test_a_network_that_cannot_be_cut_has_one_output_in_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny_network(3)
    monkeypatch.setattr(type(network), "borders", property(lambda self: [0, 3]))
    file = compiled_trunk(network, 3)
    trunk, x = Trunk(network, CPU, file, 3), images(5)
    assert len(onnx.load(file).graph.output) == 1
    assert trunk.agrees(x, 3) and trunk.executor(3) == "onnxruntime"
    assert torch.allclose(trunk(x, 3), Trunk(network, CPU)(x, 3), atol=1e-5)


def test_a_file_that_differs_is_given_up(compiled: tuple[Network, Path], caplog: pytest.LogCaptureFixture) -> None:
    _, file = compiled
    other = tiny_network(3, seed=7)
    trunk = Trunk(other, CPU, file, 3)
    assert not trunk.agrees(images(4), 3)
    assert trunk.executor(3) == "torch" and "so torch is used" in caplog.text
    assert torch.equal(trunk(images(4), 3), Trunk(other, CPU)(images(4), 3))


def test_the_file_is_found_again_and_made_anew_for_other_weights(
    compiled: tuple[Network, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, file = compiled
    monkeypatch.setenv("TLGUI_CACHE_DIR", str(file.parent.parent))
    made: list[Path] = []
    monkeypatch.setattr(module, "compile_trunk", lambda network, cut, path: made.append(path))
    assert compiled_trunk(network, 3) == file and not made
    assert compiled_trunk(network, 2) != file and len(made) == 1
    assert compiled_trunk(network, 2, known=file.name) == file and len(made) == 1
    assert compiled_trunk(tiny_network(3, seed=7), 3) not in (file, made[0])
    assert not list((cache_dir() / "trunks").glob("*.tmp"))


def test_the_same_weights_at_another_size_of_the_input_have_a_file_of_their_own() -> None:
    """A file takes images of one size, and a convolutional network has the same weights at each."""
    small = tiny_network(3)
    large = tiny_network(3, recipe=msgspec.structs.replace(RECIPE, size=32, resize_to=32))
    assert small.hash(3) == large.hash(3)
    for network, size in ((small, 24), (large, 32)):
        trunk, x = Trunk(network, CPU, compiled_trunk(network, 3), 3), images(5, size)
        assert torch.allclose(trunk(x, 3), Trunk(network, CPU)(x, 3), atol=1e-5)


def test_the_network_is_left_as_it_was(compiled: tuple[Network, Path]) -> None:
    network, _ = compiled
    network.set_trainable(1)
    network.training_mode(1, 32)
    Trunk(network, CPU)(images(3), 3)
    assert not network.model.training  # the frozen part is run in evaluation mode
    assert next(iter(network.parameters(1))).requires_grad
    assert not Trunk(network, CPU)(images(3), 3).requires_grad


@pytest.fixture(scope="module")
def lite0() -> Network:
    row = backbone("efficientnet-lite0")
    return build(row, 3, weights.pretrained(row))


def by_company(trunk: Trunk, cut: int) -> list[torch.Tensor]:
    """The activations of one image, computed in a chunk, alone, and as one of more than a chunk in another order."""
    x = images(CHUNK, 224)
    return [trunk(x, cut)[5], trunk(x[5:6], cut)[0], trunk(torch.cat([x[3:], x[:4]]), cut)[2]]


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_torch_answers_for_an_image_bit_for_bit_in_any_company(lite0: Network, threads: int) -> None:
    """N09: on one thread, batches of other sizes differ by 4e-5; chunks of one size do not differ at all."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        first, *others = by_company(Trunk(lite0, CPU), 6)
        assert all(torch.equal(first, other) for other in others)
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_onnx_runtime_answers_for_an_image_bit_for_bit_in_any_company(lite0: Network) -> None:
    """N09: and within the tolerance of torch, at every border that one file serves."""
    file = compiled_trunk(lite0, 6)
    trunk = Trunk(lite0, CPU, file, 6, threads=2)
    for cut in (6, 4):
        first, *others = by_company(trunk, cut)
        assert all(torch.equal(first, other) for other in others)
        assert trunk.agrees(images(2, 224), cut)
    assert np.isfinite(first.numpy()).all()
