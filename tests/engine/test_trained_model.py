from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from helpers.dicom_files import dicom_bytes
from PIL import Image

from tlgui.core.backbones import backbone
from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import RunSpec
from tlgui.engine import trained_model
from tlgui.engine.backbones import build
from tlgui.engine.trained_model import Card, TrainedModel

CARD = Card(backbone="efficientnet-lite0", classes=["a", "b", "c"], fit="squash", pixel_rule=PixelRule(), epoch=4)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path / "run", RunSpec())


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    network = build(backbone("efficientnet-lite0"), 3, None)
    network.head_linear.weight.data.normal_()
    return network.model.state_dict()


def test_a_model_comes_back_in_evaluation_mode_with_its_card(run: RunFolder, state: dict[str, torch.Tensor]) -> None:
    trained_model.save(state, CARD, run.best_path)
    model = trained_model.load(run)
    assert model.card == CARD and model.network.preprocessing.fit == "squash"
    assert not any(module.training for module in model.network.model.modules())
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.network.model.state_dict().items())
    import hashlib

    assert model.weights_hash == hashlib.sha256(run.best_path.read_bytes()).hexdigest()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_never_saved(value: float, run: RunFolder) -> None:
    """T13."""
    with pytest.raises(ValueError, match="'w' are not finite"):
        trained_model.save({"w": torch.tensor([1.0, value])}, CARD, run.best_path)
    assert not list(run.checkpoints.iterdir())


@pytest.mark.parametrize("damage", ["cut", "no card", "other layers", "bad card"])
def test_a_damaged_file_is_said(damage: str, run: RunFolder, state: dict[str, torch.Tensor]) -> None:
    trained_model.save(state, CARD, run.best_path)
    match damage:
        case "cut":
            run.best_path.write_bytes(run.best_path.read_bytes()[:-9])
        case "no card":
            safetensors.torch.save_file({"w": torch.ones(1)}, run.best_path)
        case "other layers":
            trained_model.save({"w": torch.ones(1)}, CARD, run.best_path)
        case "bad card":
            safetensors.torch.save_file({"w": torch.ones(1)}, run.best_path, metadata={"tlgui": '{"classes": 3}'})
    with pytest.raises(UserError, match="The model file of the run 'run' is damaged"):
        trained_model.load(run)


def test_a_run_without_an_epoch_has_no_model(run: RunFolder) -> None:
    with pytest.raises(UserError, match="The run 'run' has no model yet"):
        trained_model.load(run)


def test_probabilities_are_softmax_of_logits_over_the_temperature(state: dict[str, torch.Tensor]) -> None:
    import msgspec

    network = build(backbone("efficientnet-lite0"), 3, None)
    logits = torch.tensor([[1.0, 2.0, 4.0], [90.0, -90.0, 0.0]])
    for temperature in (1.0, 2.5):
        model = TrainedModel(network, msgspec.structs.replace(CARD, temperature=temperature))
        z = logits.double().numpy() / temperature
        expected = np.exp(z - z.max(1, keepdims=True))
        expected /= expected.sum(1, keepdims=True)
        np.testing.assert_allclose(model.probabilities(logits), expected, rtol=1e-12)


def test_a_file_is_read_by_the_rule_of_the_training_images(run: RunFolder, tmp_path: Path) -> None:
    import msgspec

    Image.fromarray(np.full((20, 20), 1000, np.uint16)).save(tmp_path / "x.png")
    network = build(backbone("efficientnet-lite0"), 3, None)
    card = msgspec.structs.replace(CARD, pixel_rule=PixelRule(low=0, high=4000))
    pixels = TrainedModel(network, card).read(tmp_path / "x.png")
    assert pixels.shape == (20, 20, 3) and (np.abs(pixels.astype(int) - 64) <= 1).all()
    assert TrainedModel(network, card).logits([pixels]).tolist() == [[0.0, 0.0, 0.0]]


def test_the_whole_rule_and_the_formats_stay_with_the_model(
    run: RunFolder, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    import msgspec

    rule = PixelRule(method="percentile", low=10, high=90, frame="last", colour="grey", border=0.1)
    trained_model.save(state, msgspec.structs.replace(CARD, pixel_rule=rule, formats=["DICOM", "PNG"]), run.best_path)
    model = trained_model.load(run)
    assert model.card.pixel_rule == rule and model.card.formats == ["DICOM", "PNG"]

    values = np.random.default_rng(0).integers(0, 4096, (3, 20, 20)).astype(np.uint16)
    (tmp_path / "x").write_bytes(dicom_bytes(values))
    inner = values[2, 2:18, 2:18].astype(float)
    low, high = np.percentile(values[2], (10, 90))
    expected = np.floor(np.clip((inner - low) * 255 / (high - low), 0, 255) + 0.5)
    assert np.array_equal(model.read(tmp_path / "x"), np.repeat(expected[..., None], 3, axis=2))
