"""The layer groups of a network that nobody wrote down: its modules from stem to head, divided into a few groups."""

from __future__ import annotations

from itertools import chain, pairwise

from torch import nn

from tlgui.core.backbones import LayerGroup

# Besides the stem, no ladder needs more rungs than this.
_MOST_GROUPS = 5
# A module that holds more of the parameters than this is looked into: its parts are rungs of their own.
_LARGE = 0.3
# A part that holds less is no rung of its own; what comes before the first larger one is the stem.
_SMALL = 0.02
_CONTAINERS = (nn.Sequential, nn.ModuleList)


def in_a_row(model: nn.Module, linear: str) -> list[str]:
    """Paths of a network's modules from stem to head, in the order in which they were made; large containers opened.

    Args:
        model: whose.
        linear: the path of its last linear layer; modules that hold it are opened.
    """
    total = max(1, _count(model))
    paths: list[str] = []

    def walk(module: nn.Module, prefix: str) -> None:
        for name, child in module.named_children():
            path = f"{prefix}{name}"
            large = (
                isinstance(child, _CONTAINERS) and _count(child) > _LARGE * total and len(list(child.children())) > 1
            )
            if large or (f"{linear}.".startswith(f"{path}.") and path != linear):
                walk(child, f"{path}.")
            else:
                paths.append(path)

    walk(model, "")
    return paths


def grouped(
    model: nn.Module, paths: list[str], linear: str, whole: bool
) -> tuple[tuple[LayerGroup, ...], tuple[str, ...]]:
    """Layer groups, and the modules of the head.

    Args:
        model: whose.
        paths: from `in_a_row`.
        linear: the path of its last linear layer.
        whole: the groups are for freezing alone; else operations are added that a transformer needs between them.
    """
    below = paths[: paths.index(linear)]
    behind = paths[paths.index(linear) + 1 :]
    if whole:
        # Nobody runs them by themselves, so their order says what is near the stem, and all of them lie below the head.
        below, behind = below + behind, []
    else:
        below = _with_operations(model, below)
    total = max(1, _count(model))
    sizes = [_count(model.get_submodule(path)) if not path.startswith("@") else 0 for path in below]
    large = [size > _SMALL * total for size in sizes]
    # The stem holds parameters, and what follows it without any.
    first = next((i for i, each in enumerate(large) if each), 0)
    if not any(sizes[:first]):
        first = next((i + 1 for i, size in enumerate(sizes) if size), 1)
    while first < len(below) and not large[first]:
        first += 1
    groups = [below[:first], *_divided(below[first:], large[first:])]
    inside = tuple(f"{path}." for path in [*below, *behind, linear])
    single = [name for name, _ in model.named_parameters() if not name.startswith(inside)]
    made = []
    for index, modules in enumerate(groups):
        name = "stem" if index == 0 else _name(model, modules)
        made.append(LayerGroup(name=name, modules=tuple(modules), parameters=tuple(single) if index == 0 else ()))
    return _distinct(made), (linear, *behind)


def _with_operations(model: nn.Module, below: list[str]) -> list[str]:
    """What timm's transformers do beside their modules, in its place."""
    if hasattr(model, "_pos_embed") and "patch_embed" in below:
        # Their dropout after the positions is part of that operation.
        below = [path for path in below if path != "pos_drop"]
        below.insert(below.index("patch_embed") + 1, "@timm-tokens")
        place = next((below.index(path) for path in ("fc_norm", "head_drop") if path in below), len(below))
        # The pooling by attention is called by the operation.
        if "attn_pool" in below:
            below.remove("attn_pool")
            place = min(place, len(below))
        below.insert(place, "@timm-pool")
    return below


def _divided(paths: list[str], large: list[bool]) -> list[list[str]]:
    """Up to `_MOST_GROUPS` groups with about as many large modules; small ones go with those before them."""
    units: list[list[str]] = []
    for path, is_large in zip(paths, large, strict=True):
        if is_large or not units:
            units.append([path])
        else:
            units[-1].append(path)
    n = min(_MOST_GROUPS, len(units))
    borders = [round(i * len(units) / n) for i in range(n + 1)] if n else []
    return [list(chain(*units[a:b])) for a, b in pairwise(borders)]


def _name(model: nn.Module, modules: list[str]) -> str:
    """Such as "blocks 1-3" or "layer1"."""
    holding = [path for path in modules if not path.startswith("@") and _count(model.get_submodule(path))]
    if not holding:
        return modules[0]
    first, last = holding[0], holding[-1]
    parent, _, a = first.rpartition(".")
    numbered = [path for path in holding if path.rpartition(".")[0] == parent and path.rpartition(".")[2].isdecimal()]
    if parent and a.isdecimal() and numbered:
        b = numbered[-1].rpartition(".")[2]
        return f"{parent} {int(a) + 1}" if a == b else f"{parent} {int(a) + 1}-{int(b) + 1}"
    return first if first == last else f"{first} to {last}"


def _distinct(groups: list[LayerGroup]) -> tuple[LayerGroup, ...]:
    names: list[str] = []
    made = []
    for group in groups:
        name, n = group.name, 2
        while name in (*names, "head"):
            name, n = f"{group.name} ({n})", n + 1
        names.append(name)
        made.append(LayerGroup(name=name, modules=group.modules, parameters=group.parameters))
    return tuple(made)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
