"""What is there of weights is said without a network, and a person's own file is tried as a training would take it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import pytest
import safetensors.torch
import torch
from helpers.tiny import ROW, TinyModel

from tlgui.core import added_backbones, commands, events
from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.core.events import WeightsState
from tlgui.core.paths import cache_dir
from tlgui.engine import backbones, weights
from tlgui.engine.control import Control
from tlgui.engine.jobs.survey import check_weights, survey


def rows() -> dict[str, WeightsState]:
    *progress, surveyed, ending = survey(commands.Survey(), Control())
    assert isinstance(surveyed, events.Surveyed) and isinstance(ending, events.Completed)
    assert all(isinstance(event, events.Progress) for event in progress)
    assert [row.backbone for row in surveyed.rows] == list(BACKBONES)
    return {row.backbone: row for row in surveyed.rows}


def test_a_new_computer_has_the_embedded_weights_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    found = rows()

    assert [row.state for row in found.values()] == ["embedded", *["absent"] * (len(BACKBONES) - 2), "none"]
    resnet = found["resnet50"]
    assert (resnet.file_name, resnet.sha256_prefix) == ("resnet50-11ad3fa6.pth", "11ad3fa6")
    assert Path(resnet.folder) == Path(os.environ["TORCH_HOME"]) / "hub" / "checkpoints"
    assert resnet.size_bytes == pytest.approx(102.5e6, rel=0.001)
    assert resnet.url.startswith("https://") and resnet.url.endswith("/resnet50-11ad3fa6.pth")
    dino = found["dinov2-small"]
    assert (dino.file_name, dino.sha256_prefix) == ("vit_small_patch14_dinov2.lvd142m.safetensors", "")
    assert dino.url == "https://huggingface.co/timm/vit_small_patch14_dinov2.lvd142m/resolve/main/model.safetensors"
    assert dino.size_bytes == pytest.approx(4 * BACKBONES["dinov2-small"].parameters, rel=0.001)
    tiny = found["tiny-cnn"]
    assert (tiny.file_name, tiny.url, tiny.folder, tiny.size_bytes) == ("", "", "", 0)
    own = found["efficientnet-lite0"]
    assert own.url == ""
    assert (Path(own.folder) / own.file_name).stat().st_size == own.size_bytes


def test_a_file_that_is_there_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights.published_path(BACKBONES["resnet50"])
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not what its name says")
    read: list[Path] = []
    monkeypatch.setattr(weights, "sha256_of", lambda path: read.append(path) or "11ad3fa6" * 8)

    assert rows()["resnet50"].state == rows()["resnet50"].state == "ready"
    assert read.count(path) == 1

    monkeypatch.setattr(weights, "sha256_of", lambda path: read.append(path) or "0" * 64)
    path.write_bytes(b"changed")
    found = rows()["resnet50"]
    assert (found.state, found.size_bytes, read.count(path)) == ("damaged", 7, 2)

    (cache_dir() / "weights-read.json").write_bytes(b'{"a": [1]}')
    assert rows()["resnet50"].state == "damaged" and read.count(path) == 3


def test_models_that_were_added_come_after_the_table() -> None:
    row = msgspec.structs.replace(
        BACKBONES["resnet18"], name="timm:test_vit", library="timm", builder="test_vit", weights="r160_in1k"
    )
    added_backbones.note(row, "1")
    *progress, surveyed, _ = survey(commands.Survey(), Control())
    assert isinstance(surveyed, events.Surveyed) and isinstance(progress[-1], events.Progress)
    assert progress[-1].done == progress[-1].total == len(BACKBONES) + 1
    last = surveyed.rows[-1]
    assert (last.backbone, last.state) == ("timm:test_vit", "absent")
    assert last.url == "https://huggingface.co/timm/test_vit.r160_in1k/resolve/main/model.safetensors"
    assert last.file_name == "test_vit.r160_in1k.safetensors"


def test_a_file_without_a_checksum_in_its_name_is_ready_when_it_can_be_read_to_its_end() -> None:
    path = weights.published_path(BACKBONES["dinov2-small"])
    path.parent.mkdir(parents=True)
    whole = safetensors.torch.save({"a": torch.ones(1000)})
    path.write_bytes(whole)
    assert rows()["dinov2-small"].state == "ready"
    path.write_bytes(whole[:-1])
    assert rows()["dinov2-small"].state == "damaged"


def test_a_survey_can_be_stopped() -> None:
    control = Control()
    control.put(commands.Stop())

    assert isinstance(list(survey(commands.Survey(), control))[-1], events.Stopped)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, weights="V1"))
    monkeypatch.setattr(backbones, "_bare", lambda row, size: TinyModel(7))
    monkeypatch.setattr(backbones, "preprocessing", lambda row, fit, size: None)
    monkeypatch.setattr(backbones, "translated", lambda model, state: state)


def checked(path: Path) -> list[events.Event]:
    return list(check_weights(commands.CheckWeights(backbone="tiny", file=str(path)), Control()))


def test_a_file_that_fits_is_named_by_its_checksum(tiny: None, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file(TinyModel(3).state_dict(), path)

    found, ending = checked(path)

    assert found == events.WeightsChecked(backbone="tiny", file_name="mine.safetensors", sha256=weights.sha256_of(path))
    assert ending == events.Completed(message="'mine.safetensors' fits Tiny.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "'mine.pth' is not a weights file."),
        (b"hello", "'mine.pth' is not a weights file."),
        (None, "There is no weights file 'mine.pth'."),
        ({"conv1.weight": torch.ones(2)}, "'mine.pth' does not fit this backbone"),
    ],
)
def test_a_file_that_does_not_do_is_refused_in_a_sentence(
    content: bytes | dict[str, torch.Tensor] | None, words: str, tiny: None, tmp_path: Path
) -> None:
    path = tmp_path / "mine.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)

    with pytest.raises(UserError, match=words) as caught:
        checked(path)
    assert caught.value.code == "weights_unfit"


def test_a_folder_is_no_weights_file(tiny: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a weights file"):
        checked(tmp_path)
