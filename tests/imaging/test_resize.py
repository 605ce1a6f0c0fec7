from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tlgui.imaging.resize import frame, resize, resize_weights

Kernel = Literal["bilinear", "bicubic"]
KERNELS: list[Kernel] = ["bilinear", "bicubic"]
SIZES = [(97, 64, 31, 40), (64, 97, 128, 128), (300, 211, 224, 224), (5, 1000, 7, 90), (33, 33, 33, 33)]


def noise(height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(n_in=st.integers(1, 90), n_out=st.integers(1, 90), kernel=st.sampled_from(KERNELS))
@settings(deadline=None)
def test_rows_of_weights_sum_to_one(n_in: int, n_out: int, kernel: Kernel) -> None:
    weights = resize_weights(n_in, n_out, kernel)
    assert weights.shape == (n_out, n_in)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)


def test_halving_by_hand() -> None:
    # Centre 1.0, widened by 2: the pixels at 0.5 and 1.5 are 0.25 away (weight 0.75), that at 2.5 is 0.75 (0.25).
    np.testing.assert_allclose(resize_weights(4, 2)[0], np.array([0.75, 0.75, 0.25, 0.0]) / 1.75, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("sizes", SIZES)
def test_equals_torch(kernel: Kernel, sizes: tuple[int, int, int, int]) -> None:
    torch = pytest.importorskip("torch")
    image = noise(sizes[0], sizes[1])
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.interpolate(tensor, sizes[2:], mode=kernel, antialias=True, align_corners=False)
    expected = expected.clamp(0, 255)[0].permute(1, 2, 0).numpy()
    assert np.abs(resize(image, sizes[2], sizes[3], kernel) - expected).max() < 0.01


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("sizes", SIZES)
def test_is_within_rounding_of_pillow(kernel: Kernel, sizes: tuple[int, int, int, int]) -> None:
    # Grey levels far from the ends: Pillow also clips between its two passes where the cubic kernel overshoots.
    image = noise(sizes[0], sizes[1]) // 4 + 96
    method = Image.Resampling.BILINEAR if kernel == "bilinear" else Image.Resampling.BICUBIC
    expected = np.asarray(Image.fromarray(image).resize((sizes[3], sizes[2]), method)).astype(float)
    # Pillow rounds to whole levels after each of its two passes.
    assert np.abs(resize(image, sizes[2], sizes[3], kernel) - expected).max() < 2.0


def test_values_stay_in_range_and_same_size_changes_nothing() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:20] = 255
    for kernel in KERNELS:
        enlarged = resize(image, 90, 90, kernel)
        assert enlarged.min() >= 0.0
        assert enlarged.max() <= 255.0
        np.testing.assert_allclose(resize(image, 40, 40, kernel), image, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(300, 211), (211, 300), (40, 40), (31, 500), (223, 224)])
@pytest.mark.parametrize(("resize_to", "crop"), [(64, 56), (61, 56), (56, 56)])
def test_crop_is_torchvisions(height: int, width: int, resize_to: int, crop: int) -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    image = noise(height, width)
    tensor = torch.from_numpy(image).permute(2, 0, 1).float()
    expected = functional.center_crop(functional.resize(tensor, [resize_to], antialias=True), [crop, crop])
    ours = frame(image, resize_to, crop)
    assert ours.shape == (crop, crop, 3)
    assert np.abs(ours - expected.permute(1, 2, 0).numpy()).max() < 0.01


def test_squash_keeps_all_of_the_image() -> None:
    image = noise(30, 90)
    np.testing.assert_array_equal(frame(image, 64, 56, fit="squash"), resize(image, 56, 56))


def test_wrong_arguments_are_named() -> None:
    image = noise(30, 30)
    with pytest.raises(ValueError, match="at least crop"):
        frame(image, 50, 56)
    with pytest.raises(ValueError, match="unknown fit"):
        frame(image, 64, 56, fit="stretch")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown kernel"):
        resize(image, 5, 5, "lanczos")  # type: ignore[arg-type]
