"""What training makes of one image: the pictures of the preview are those of the run."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.imaging import answers_until, imaging_child
from PIL import Image

from tlgui.core.augmentations import AUGMENTATIONS, in_use
from tlgui.core.backbones import backbone
from tlgui.core.imaging_messages import Refused, ShowViews, ViewsShown
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule
from tlgui.imaging.augment import apply_view, draw_view
from tlgui.imaging.fitting import square_of
from tlgui.imaging.pixels import DecodeError, read_pixels
from tlgui.imaging.views import views_shown

Picture = Callable[..., bytes]


@pytest.fixture
def root(tmp_path: Path, picture: Picture) -> Path:
    (tmp_path / "a.png").write_bytes(picture(1, size=(60, 50)))
    (tmp_path / "none.png").write_bytes(b"hello\n")
    return tmp_path


def show(root: Path, path: str = "a.png", **fields: Any) -> ShowViews:
    plain: dict[str, Any] = {"ticket": 3, "rule": PixelRule(), "backbone": "resnet50", "augmentation": "photos"}
    return ShowViews(root=str(root), path=path, **plain | {"size": 32} | fields)


def pixels_of(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG", "small squares are kept to the pixel"
        return np.asarray(image)


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "off"])
@pytest.mark.parametrize("mirror", [None, False])
def test_the_pictures_are_the_first_views_of_the_run(name: str, mirror: bool | None, root: Path) -> None:
    answer = views_shown(show(root, augmentation=name, mirror=mirror))

    content = (root / "a.png").read_bytes()
    row, content_hash, pixels = in_use(name, mirror), hashlib.sha256(content).hexdigest(), read_pixels(content)
    assert answer.ticket == 3 and len(answer.views) == 9
    for number, data in enumerate(answer.views, 1):
        expected = apply_view(pixels, draw_view(content_hash, number, 60 / 50, row), 32)
        np.testing.assert_array_equal(pixels_of(data), expected)


@pytest.mark.parametrize("fit", ["crop", "squash"])
def test_the_plain_picture_takes_the_exact_road(fit: Fit, root: Path) -> None:
    answer = views_shown(show(root, fit=fit))

    expected = np.rint(square_of(read_pixels(root / "a.png"), backbone("resnet50").at(32), fit))
    np.testing.assert_array_equal(pixels_of(answer.plain), expected)


def test_where_nothing_is_varied_there_is_the_plain_picture_alone(root: Path) -> None:
    answer = views_shown(show(root, augmentation="off", mirror=True))

    assert answer.plain and answer.views == []


def test_the_datasets_rule_is_followed(root: Path) -> None:
    coloured, grey = (views_shown(show(root, rule=PixelRule(colour=c))) for c in ("as stored", "grey"))

    def spread(data: bytes) -> int:
        return int(np.ptp(pixels_of(data).astype(int), axis=2).max())

    assert spread(coloured.plain) > 20 and spread(coloured.views[0]) > 20
    assert spread(grey.plain) == 0 and all(spread(view) <= 1 for view in grey.views)


def test_as_many_and_as_large_pictures_come_as_were_asked_for(root: Path) -> None:
    answer = views_shown(show(root, count=2, size=None, longest=48))

    sizes = [Image.open(io.BytesIO(data)).size for data in (answer.plain, *answer.views)]
    assert sizes == [(48, 48)] * 3


def test_a_file_without_a_picture_is_said(root: Path) -> None:
    with pytest.raises(DecodeError, match="text, not an image"):
        views_shown(show(root, "none.png"))
    with pytest.raises(DecodeError, match="cannot be read"):
        views_shown(show(root, "gone.png"))


def test_the_child_answers_each_of_them(root: Path) -> None:
    with imaging_child() as child:
        for ticket, path in ((7, "a.png"), (8, "none.png")):
            child.send(show(root, path, ticket=ticket))
            *_, answer = answers_until(child, ViewsShown, Refused)
            assert isinstance(answer, ViewsShown) and answer.ticket == ticket
            assert (len(answer.views), answer.problem == "") == ((9, True) if ticket == 7 else (0, False))
