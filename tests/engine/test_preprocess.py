"""Numpy, torch, the exported graph, Pillow and the libraries' own transforms see the same image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tlgui.core.backbones import BACKBONES
from tlgui.core.preprocessing import Fit, Kernel, Preprocessing
from tlgui.engine.backbones import preprocessing
from tlgui.engine.preprocess import PreprocessGraph, _offset, to_input
from tlgui.engine.timm_config import config_of
from tlgui.imaging.resize import frame

# (H, W): identity, half-pixel crops, upscaling, one-pixel sides, elongated, and a large photograph.
SIZES = [(256, 256), (224, 224), (257, 256), (259, 300), (31, 17), (2, 2), (1, 7), (9, 1), (480, 640), (100, 401)]
SIZES += [(3, 4000), (4000, 3), (257, 1023), (1027, 256), (2000, 3001)]
RECIPES = [(kernel, fit) for kernel in ("bilinear", "bicubic") for fit in ("crop", "squash")]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    # Many small operations: threads that wait for each other on a busy computer cost ten times what they gain.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def in_grey_levels(kernel: str, fit: str, size: int = 224, resize_to: int = 256) -> Preprocessing:
    return Preprocessing(
        size=size,
        resize_to=resize_to,
        kernel=cast(Kernel, kernel),
        fit=cast(Fit, fit),
        mean=(0.0, 0.0, 0.0),
        std=(1 / 255, 1 / 255, 1 / 255),
    )


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    # White noise is the hardest image for a resize: no photograph has such edges everywhere.
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def photograph(height: int, width: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width].astype(np.float64)
    channels = [
        127.5 + 90 * np.sin(x / 23 + c) * np.cos(y / (17 + c)) + 30 * ((x // 40 + y // 40) % 2) for c in range(3)
    ]
    return np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)


def largest(a: torch.Tensor, b: torch.Tensor | NDArray[np.float32]) -> float:
    return float((a - torch.as_tensor(b)).abs().max())


@pytest.mark.parametrize(("kernel", "fit"), RECIPES)
def test_matrices_torch_and_numpy_agree_for_all_shapes(kernel: str, fit: str) -> None:
    recipe = in_grey_levels(kernel, fit)
    graph = PreprocessGraph(recipe)
    for height, width in SIZES:
        pixels = noise(height, width)
        by_graph = graph(torch.from_numpy(pixels)[None])[0]
        by_numpy = frame(pixels, recipe.resize_to, recipe.size, recipe.kernel, recipe.fit).transpose(2, 0, 1)
        assert largest(by_graph, by_numpy) < 1e-3, (height, width)
        # torch's own resize keeps the centres in float32: on white noise 257 -> 256 that costs 0.015 grey levels.
        assert largest(by_graph, to_input(pixels, recipe)) < 0.02, (height, width)


@pytest.mark.parametrize(("kernel", "fit"), RECIPES)
def test_random_sizes_agree_within_a_hundredth_of_a_grey_level(kernel: str, fit: str) -> None:
    rng = np.random.default_rng(1)
    graph = PreprocessGraph(in_grey_levels(kernel, fit))
    for height, width in rng.integers(2, 900, (20, 2)).tolist():
        pixels = photograph(height, width)
        assert largest(graph(torch.from_numpy(pixels)[None])[0], to_input(pixels, graph.recipe)) < 0.01


def test_an_image_of_the_target_size_is_left_as_it_is() -> None:
    pixels = noise(224, 224)
    for kernel, fit in RECIPES:
        recipe = in_grey_levels(kernel, fit, resize_to=224)
        expected = torch.from_numpy(pixels).permute(2, 0, 1).float()
        # Scaling to 0..1 and back may cost the last bit.
        assert largest(to_input(pixels, recipe), expected) < 1e-4
        assert largest(PreprocessGraph(recipe)(torch.from_numpy(pixels)[None])[0], expected) < 1e-4


def test_an_elongated_image_needs_no_memory_for_what_is_cut_away() -> None:
    # The whole of it resized would have 256 x 128,000,000 pixels.
    colours = noise(2, 1001)
    image = to_input(np.repeat(colours, 1000, axis=1), in_grey_levels("bilinear", "crop"))
    assert image.shape == (3, 224, 224)
    # The crop is less than two pixels of the middle colour wide, and goes from its upper to its lower row.
    upper, lower = colours[:, 500].astype(np.float32)
    share = np.clip((np.arange(16, 240) + 0.5) * 2 / 256 - 0.5, 0, 1)[:, None].astype(np.float32)
    assert largest(image[:, :, 112], (upper + share * (lower - upper)).T) < 1e-3
    assert largest(image[:, :, 0], image[:, :, 223].numpy()) < 1e-3


def test_offsets_round_like_python() -> None:
    assert [_offset(224 + rest, 224) for rest in range(200)] == [round(rest / 2) for rest in range(200)]


def test_a_batch_is_its_images_one_by_one() -> None:
    graph = PreprocessGraph(in_grey_levels("bicubic", "crop"))
    batch = torch.from_numpy(np.stack([noise(90, 130, seed) for seed in range(3)]))
    together = graph(batch)
    assert max(largest(together[i], graph(batch[i : i + 1])[0]) for i in range(3)) < 1e-3


@pytest.mark.parametrize(
    ("kernel", "filter_"), [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)]
)
def test_pillow_is_within_its_rounding(kernel: str, filter_: Any) -> None:
    for height, width in [(500, 375), (300, 400), (120, 100), (1201, 1200)]:
        pixels = photograph(height, width)
        resized = Image.fromarray(pixels).resize((224, 224), filter_)
        ours = to_input(pixels, in_grey_levels(kernel, "squash"))
        # Pillow rounds after each axis: half a level twice, and the cubic's negative lobes make it a little more.
        assert largest(ours, np.asarray(resized).transpose(2, 0, 1).astype(np.float32)) < 1.5


def test_a_fine_chequer_is_averaged_and_not_sampled() -> None:
    y, x = np.mgrid[:1200, :1200]
    pixels = np.repeat((((x + y) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)
    for kernel, fit in RECIPES:
        assert largest(to_input(pixels, in_grey_levels(kernel, fit)), torch.tensor(127.5)) < 2.0


@pytest.mark.parametrize("name", [name for name, row in BACKBONES.items() if row.library != "own"])
def test_every_backbone_sees_what_its_library_would_show_it(name: str) -> None:
    recipe = preprocessing(BACKBONES[name], size=BACKBONES[name].trained_size)
    transform = library_transform(name)
    for height, width in [(480, 640), (333, 250), (301, 457)]:
        pixels = photograph(height, width)
        levels = (to_input(pixels, recipe) - transform(Image.fromarray(pixels))) * torch.tensor(recipe.std).view(
            3, 1, 1
        )
        assert float(levels.abs().max()) * 255 < 1.5, (height, width)


def library_transform(name: str) -> Callable[[Image.Image], torch.Tensor]:
    row = BACKBONES[name]
    if row.library == "timm":
        import timm

        # By its config, so that nothing asks for weights.
        config = timm.data.resolve_data_config(config_of(row).to_dict())
        return cast(Callable[[Image.Image], torch.Tensor], timm.data.create_transform(**config))
    from torchvision.models import get_model_weights

    return cast(Callable[[Image.Image], torch.Tensor], get_model_weights(row.builder)[row.weights].transforms())


@pytest.mark.slow
def test_the_graph_in_a_file_agrees_with_torch() -> None:
    recipe = in_grey_levels("bicubic", "crop")
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("height"), 2: torch.export.Dim("width")}
    program = torch.onnx.export(
        PreprocessGraph(recipe).eval(),
        (torch.zeros(2, 40, 56, 3, dtype=torch.uint8),),
        dynamo=True,
        opset_version=18,
        dynamic_shapes=(axes,),
        verbose=False,
    )
    assert program is not None
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (name,) = [each.name for each in session.get_inputs()]
    for height, width in SIZES:
        pixels = noise(height, width)
        (batch,) = session.run(None, {name: pixels[None]})
        assert largest(to_input(pixels, recipe), batch[0]) < 0.02, (height, width)
        by_numpy = frame(pixels, recipe.resize_to, recipe.size, recipe.kernel, recipe.fit).transpose(2, 0, 1)
        assert largest(torch.from_numpy(by_numpy), batch[0]) < 2e-3, (height, width)
