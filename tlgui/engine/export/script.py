"""`predict.py`: from files to labels without this program, in one file that stands alone.

It is put together from the program's own source (how a file becomes pixels; for weights also how they are resized, and
a network that no library has) and from templates in resources/export, so that a receiver runs the very lines that the
program runs.
"""

from __future__ import annotations

import re
from importlib import resources

from tlgui.core.paths import resource
from tlgui.engine.trained_model import TrainedModel
from tlgui.imaging.pixels import NEEDS, PARTS

NAME = "predict.py"
# The templates import what is pasted in front of them, so that they can be linted and run on their own.
_OWN_IMPORT = re.compile(r"^(?:from __future__|from tlgui\S*) import (?:\([^)]*\)|[^(\n]*)\n", re.MULTILINE)
_LINT_REMARK = re.compile(r"^# ruff: .*\n", re.MULTILINE)


def text(model: TrainedModel, format_: str) -> str:
    """The whole script for an export of this format ("onnx" or "weights")."""
    packages = needs(model, format_)
    parts = [
        f"# Needs Python 3.10 or newer with {', '.join(packages[:-1])} and {packages[-1]}:\n"
        f"#     python -m pip install {' '.join(packages)}\n"
        "# Use: python predict.py IMAGE... [--json]     (for research use only)\n"
        "from __future__ import annotations\n",
        _section("How a file becomes pixels: the program's own source", "\n\n".join(map(_source, PARTS))),
    ]
    if format_ == "weights":
        parts.append(_section("How pixels become a square: the program's own source", _source("resize.py")))
        if model.network.row.library == "own":
            network = _source("small_cnn.py", "tlgui.engine")
            parts.append(_section("The network: the program's own source", network))
    parts.append(_section("The model", _template(f"{format_}_model.py")))
    parts.append(_section("The command line", _template("command_line.py")))
    return "\n\n".join(parts)


def needs(model: TrainedModel, format_: str) -> list[str]:
    """Packages that the script imports, by their names on PyPI.

    Those that read DICOM, HEIC and the like are named where the model was trained on such files; of others, the script
    says what is missing when it is given one.
    """
    decoders = dict.fromkeys(package for kind in model.card.formats for package in NEEDS.get(kind, ()))
    runtime = ["onnxruntime"] if format_ == "onnx" else list(dict.fromkeys(("torch", model.network.row.package)))
    return ["numpy", "Pillow", *runtime, *decoders]


def blocked(format_: str) -> list[str]:
    """Modules that the script must do without; the check makes them unimportable."""
    return ["tlgui", "torch", "torchvision", "timm"] if format_ == "onnx" else ["tlgui"]


def _source(name: str, package: str = "tlgui.imaging") -> str:
    return (resources.files(package) / name).read_text(encoding="utf-8")


def _template(name: str) -> str:
    return resource(f"export/{name}").read_text(encoding="utf-8")


def _section(title: str, source: str) -> str:
    return f"# ----- {title} -----\n\n{_LINT_REMARK.sub('', _OWN_IMPORT.sub('', source))}"
