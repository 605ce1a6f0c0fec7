"""Another timm model as a row of the backbone table: what it is made of is found out by building and running it once."""

from __future__ import annotations

import difflib
from importlib.metadata import version
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from tlgui.core import added_backbones
from tlgui.core.backbones import ADDED, BACKBONES, Backbone, backbone
from tlgui.core.errors import UserError
from tlgui.core.preprocessing import Preprocessing
from tlgui.engine.layer_plan import grouped, in_a_row
from tlgui.engine.network import Network
from tlgui.engine.network_facts import facts_of
from tlgui.engine.timm_config import UNTAGGED

# More do not fit into an ONNX file (two gigabytes), nor into the memory of most computers while they train.
MOST_PARAMETERS = 500_000_000
# Side of the input by which a network that takes any is tried.
_TRIED = 96
_CLASSES = 1_000
# EfficientNet-Lite0's, for which `relative_seconds` is 1.
_LITE0_MULTIPLICATIONS = 384e6
_KERNELS = ("bilinear", "bicubic")


def row_of(name: str) -> Backbone:
    """The row of that name; a timm model that is not known here, as in a run folder from elsewhere, is looked at now.

    Raises:
        UserError: there is none, or it cannot be used.
    """
    if not name.startswith(ADDED):
        return backbone(name)
    if added_backbones.version_of(name) == version("timm"):
        return backbone(name)
    row = describe(name.removeprefix(ADDED))
    added_backbones.note(row, version("timm"))
    return row


def describe(name: str) -> Backbone:
    """The row of a timm model.

    Args:
        name: as timm knows it, perhaps with a weights tag after a dot.

    Raises:
        UserError: timm has no such model (the nearest names are said), or it is not of the kind that is trained here.
    """
    config = _config(name)
    side = _side(name, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, size_argument = _built(name, config)
        _stir(model)
        linear = _classifier(name, model, config)
        fixed = bool(config.fixed_input_size)
        patch = _patch(model) if size_argument else 1
        x = torch.randn(2, 3, side, side) if fixed else torch.randn(2, 3, min(side, _TRIED), min(side, _TRIED))
        expected = _answer(name, model, x)
        for whole in (False, True):
            groups, head = grouped(model, in_a_row(model, linear), linear, whole)
            row = Backbone(
                name=f"{ADDED}{name}",
                label=name,
                sentence="Another model of the timm library, added on this computer.",
                best_for="Added by you",
                library="timm",
                builder=str(config.architecture),
                weights=str(config.tag or UNTAGGED) if config.has_weights else "none",
                parameters=sum(parameter.numel() for parameter in model.parameters()),
                top1=None,
                file_mb=0.0,
                relative_seconds=1.0,
                values=0,
                border_values=(),
                groups=groups,
                group_parameters=(),
                features=model.get_submodule(linear).in_features,  # type: ignore[arg-type]
                head=head,
                head_linear=linear,
                size=side,
                resize_to=int(side / config.crop_pct),
                kernel=config.interpolation,
                smallest=2 * patch if size_argument else side if fixed else 32,
                largest=side if fixed and not size_argument else 2048,
                multiple=patch,
                sized_by=size_argument,
                whole=whole,
            )
            if _runs_like(row, model, x, expected):
                return _with_facts(row, model)
    raise _unfit(name, "cannot be divided into features and a last layer")


def _config(name: str) -> Any:
    import timm

    architecture = name.partition(".")[0]
    config = None
    if timm.is_model(architecture):
        try:
            config = timm.get_pretrained_cfg(name)
        except RuntimeError:
            config = None
    if config is None:
        known = [*timm.list_models(), *timm.list_pretrained()]
        near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
        remedy = (
            f"Type one of the nearest names: {', '.join(near)}."
            if near
            else "Look its name up in timm's list of models."
        )
        raise UserError(f"timm has no model named '{name}'.", remedy, code="backbone_unknown")
    return config


def _side(name: str, config: Any) -> int:
    channels, height, width = config.input_size
    if channels != 3 or height != width:
        raise _unfit(name, f"takes images of {channels} x {height} x {width} values instead of square RGB images")
    if config.interpolation not in _KERNELS:
        raise _unfit(
            name, f"wants its images resized by '{config.interpolation}', which is not one of {', '.join(_KERNELS)}"
        )
    return int(height)


def _built(name: str, config: Any) -> tuple[nn.Module, str]:
    """The network, and the argument by which its builder takes another size of the input, or ""."""
    import timm
    from timm.models.eva import Eva
    from timm.models.vision_transformer import VisionTransformer

    try:
        with torch.device("meta"):
            count = sum(each.numel() for each in timm.create_model(name, num_classes=_CLASSES).parameters())
    except (RuntimeError, NotImplementedError):
        count = 0  # some compute while they are built, which the meta device cannot
    if count <= MOST_PARAMETERS:
        try:
            model = timm.create_model(name, num_classes=_CLASSES)
        except (RuntimeError, ImportError, TypeError, AssertionError) as error:
            raise _unfit(name, "cannot be built here", str(error)) from error
        count = sum(parameter.numel() for parameter in model.parameters())
    if count > MOST_PARAMETERS:
        raise _unfit(
            name, f"has {count / 1e6:,.0f} million parameters, and at most {MOST_PARAMETERS / 1e6:,.0f} can be exported"
        )
    model.eval()
    resizable = type(model) in (VisionTransformer, Eva) and config.fixed_input_size and _patch(model) > 1
    return model, "img_size" if resizable else ""


def _patch(model: Any) -> int:
    size = getattr(getattr(model, "patch_embed", None), "patch_size", 1)
    return int(size[0] if isinstance(size, tuple | list) else size)


def _stir(model: nn.Module) -> None:
    """Random weights that hide nothing: layers that begin as 0 or 1 would leave out what they do."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)


def _classifier(name: str, model: Any, config: Any) -> str:
    """The path of the linear layer that gives the answers."""
    path = config.classifier
    if not isinstance(path, str):
        raise _unfit(name, "has more than one last layer")
    try:
        linear = model.get_submodule(path)
    except AttributeError:
        linear = None
    if not isinstance(linear, nn.Linear) or linear.out_features != _CLASSES:
        raise _unfit(name, "does not end in a linear layer that could be replaced")
    return path


def _answer(name: str, model: nn.Module, x: Tensor) -> Tensor:
    """What it answers; also in training mode it must be one row of numbers for each image (T24)."""
    try:
        with torch.no_grad():
            model.train()
            trained = model(x)
            model.eval()
            answered = model(x)
    except (RuntimeError, ValueError, AssertionError, TypeError) as error:
        raise _unfit(name, "cannot be run on an image of its own size", str(error)) from error
    for each in (trained, answered):
        if not isinstance(each, Tensor) or each.shape != (len(x), _CLASSES):
            raise _unfit(name, "gives several answers at once (an auxiliary head), and only one is trained here")
    result: Tensor = answered
    return result


def _runs_like(row: Backbone, model: nn.Module, x: Tensor, expected: Tensor) -> bool:
    """Whether running the layer groups one after another is the network, bit for bit, with each parameter in one of them."""
    network = Network(row, model, _recipe(row), _CLASSES)
    inside = [id(parameter) for index in range(len(network)) for parameter in network.parameters(index)]
    if sorted(inside) != sorted(id(parameter) for parameter in model.parameters()):
        return False
    try:
        with torch.no_grad():
            given = x
            for below, border in zip(network.borders, [*network.borders[1:], len(network)], strict=True):
                given = network.run(given, below, border)
    except (RuntimeError, TypeError, ValueError, AttributeError, NotImplementedError, AssertionError):
        return False  # modules that do not fit each other: the library's forward does something between them
    return isinstance(given, Tensor) and torch.equal(given, expected)


def _with_facts(row: Backbone, model: nn.Module) -> Backbone:
    facts = facts_of(Network(row, model, _recipe(row), _CLASSES))
    below = sum(facts.group_parameters)
    return msgspec.structs.replace(
        row,
        values=facts.values,
        border_values=facts.border_values,
        group_parameters=facts.group_parameters,
        # What is known before anything is fetched: four bytes for each number.
        file_mb=round(4 * below / 2**20, 1),
        relative_seconds=max(0.1, round(facts.multiplications / _LITE0_MULTIPLICATIONS, 1)),
    )


def _recipe(row: Backbone) -> Preprocessing:
    """The size alone counts here."""
    half = (0.5, 0.5, 0.5)
    return Preprocessing(size=row.size, resize_to=row.size, kernel="bilinear", fit="squash", mean=half, std=half)


def _unfit(name: str, why: str, details: str = "") -> UserError:
    return UserError(
        f"The timm model '{name}' {why}.",
        f"Choose another one, or one of the table: {', '.join(BACKBONES)}.",
        details,
        code="backbone_unfit",
    )
