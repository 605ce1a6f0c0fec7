"""Embedding: the rows are what the head takes, in the order of the table beside them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.shortcut_bench import write_listed
from helpers.tiny import RECIPE, of, tiny_network

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.engine.control import Control
from tlgui.engine.jobs.embed import embed
from tlgui.engine.preprocess import to_input
from tlgui.imaging.listing import read_listing
from tlgui.imaging.pixels import read_pixels

pytestmark = pytest.mark.usefixtures("one_thread", "tiny_when_asked")


@pytest.fixture
def listed(tmp_path: Path) -> tuple[Path, Path]:
    root = tmp_path / "d"
    return root, write_listed(root, {"a": 11, "b": 10})


def job_of(listed: tuple[Path, Path], to: Path, **fields: Any) -> commands.EmbedImages:
    return commands.EmbedImages(listing=str(listed[1]), data=str(listed[0]), backbone="tiny", to=str(to), **fields)


def test_each_row_is_what_the_head_takes_of_the_image_beside_it(listed: tuple[Path, Path], tmp_path: Path) -> None:
    said = list(embed(job_of(listed, tmp_path / "features.npy"), Control()))
    rows = np.load(tmp_path / "features.npy", allow_pickle=False)
    with (tmp_path / "features.csv").open(encoding="utf-8", newline="") as stream:
        index = list(csv.DictReader(stream))
    assert rows.dtype == np.float32 and len(index) == len(rows) == 21
    assert [row["path"] for row in index] == [image.path for image in read_listing(listed[1])]
    assert {row["class"] for row in index} == {"a", "b"} and {row["split"] for row in index} == {"train"}

    network = tiny_network(2)
    taken: list[torch.Tensor] = []
    network.head_linear.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
    squares = torch.stack([to_input(read_pixels(listed[0] / row["path"]), RECIPE) for row in index])
    with torch.inference_mode():
        network.model(squares)
    assert np.allclose(rows, taken[0].numpy(), atol=1e-5)
    (event,) = of(said, events.ImagesEmbedded)
    assert (event.images, event.features, event.unread) == (21, rows.shape[1], 0)
    assert said[-1] == events.Completed(message=f"21 images, {rows.shape[1]} numbers each.")


def test_an_image_that_is_gone_has_no_row_and_is_counted(listed: tuple[Path, Path], tmp_path: Path) -> None:
    (listed[0] / "a" / "003.png").unlink()
    said = list(embed(job_of(listed, tmp_path / "f.npy"), Control()))
    (event,) = of(said, events.ImagesEmbedded)
    assert (event.images, event.unread) == (20, 1)
    assert "a/003.png" not in (tmp_path / "f.csv").read_text()


def test_stop_writes_nothing(listed: tuple[Path, Path], tmp_path: Path) -> None:
    control = Control()
    steps = embed(job_of(listed, tmp_path / "f.npy"), control)
    said = [next(steps)]
    control.put(commands.Stop())
    assert [*said, *steps][-1] == events.Stopped()
    assert not list(tmp_path.glob("f.*"))


def test_a_file_that_cannot_be_written_is_said(listed: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "f.npy").mkdir()
    with pytest.raises(UserError, match=r"'f\.npy' cannot be written"):
        list(embed(job_of(listed, tmp_path / "f.npy"), Control()))
    assert not (tmp_path / "f.csv").exists(), "no table of rows that are not there"


def test_a_table_of_the_persons_own_is_not_written_over(listed: tuple[Path, Path], tmp_path: Path) -> None:
    own = tmp_path / "f.csv"
    own.write_text("image,label\n1.png,a\n")
    with pytest.raises(UserError, match=r"'f\.csv' is there already"):
        list(embed(job_of(listed, tmp_path / "f.npy"), Control()))
    assert own.read_text() == "image,label\n1.png,a\n" and not (tmp_path / "f.npy").exists()
    own.unlink()
    list(embed(job_of(listed, tmp_path / "f.npy"), Control()))
    list(embed(job_of(listed, tmp_path / "f.npy"), Control()))  # one of ours is made anew
