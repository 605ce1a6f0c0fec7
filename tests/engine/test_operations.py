"""What stands beside the modules does what the library's forward does there, also in an exported graph with any batch."""

from __future__ import annotations

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer as TimmTransformer
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer

from tlgui.engine.operations import OPERATIONS, WHOLE

pytestmark = pytest.mark.usefixtures("one_thread")


def torchvisions() -> nn.Module:
    model = VisionTransformer(
        image_size=8, patch_size=4, num_layers=1, num_heads=1, hidden_dim=6, mlp_dim=5, num_classes=3
    )
    nn.init.normal_(model.heads.head.weight)
    nn.init.normal_(model.class_token)
    return model.eval()


def timms(pool: str) -> nn.Module:
    sizes = {"img_size": 8, "patch_size": 4, "embed_dim": 6, "depth": 1, "num_heads": 1, "num_classes": 3}
    return TimmTransformer(**sizes, global_pool=pool, reg_tokens=2).eval()


ROADS = [
    (torchvisions(), ["conv_proj", "@vit-tokens", "encoder.layers", "encoder.ln", "@class-token", "heads"]),
    (timms("token"), ["patch_embed", "@timm-tokens", "blocks", "norm", "@timm-pool", "fc_norm", "head"]),
    (timms("avg"), ["patch_embed", "@timm-tokens", "blocks", "norm", "@timm-pool", "fc_norm", "head"]),
]


class Road(nn.Module):
    """A network's modules and operations in a row."""

    def __init__(self, model: nn.Module, steps: list[str]) -> None:
        super().__init__()
        self.model, self.steps = model, steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for step in self.steps:
            operation = OPERATIONS.get(step)
            x = operation(self.model, x) if operation else self.model.get_submodule(step)(x)
        return x


@pytest.mark.parametrize(("model", "steps"), ROADS, ids=["torchvision", "timm token", "timm mean"])
def test_the_road_is_the_forward_of_the_library_and_leaves_the_batch_free(model: nn.Module, steps: list[str]) -> None:
    road, x = Road(model, steps), torch.randn(3, 3, 8, 8)
    with torch.inference_mode():
        assert torch.equal(road(x), model(x)) and model(x).std() > 0
    program = torch.export.export(road, (torch.randn(2, 3, 8, 8),), dynamic_shapes=({0: torch.export.Dim("images")},))
    for n in (2, 5, 8):
        x = torch.randn(n, 3, 8, 8)
        with torch.inference_mode():
            assert torch.allclose(program.module()(x), model(x), atol=1e-5)


def test_flatten_keeps_the_images_apart() -> None:
    x = torch.arange(6.0).reshape(2, 3, 1, 1)
    assert torch.equal(OPERATIONS["@flatten"](nn.Identity(), x), torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]))


def test_all_features_at_once_are_what_the_last_layer_takes() -> None:
    model, x = timms("avg"), torch.randn(2, 3, 8, 8)
    with torch.inference_mode():
        assert torch.equal(model.get_submodule("head")(WHOLE(model, x)), model(x))
