"""The walls between the layers, kept by contract and by running with the other side missing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
HEAVY = ["torch", "torchvision", "timm", "onnx", "onnxruntime", "sklearn", "scipy", "PySide6", "pyqtgraph"]

# Whatever else a module imports is answered as if it were not installed: for code, for metadata, and in every child.
MISSING = """
import re, sys
from importlib.machinery import PathFinder

def is_missing(name):
    return {rule}

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if is_missing(name.split(".")[0]) else PathFinder.find_spec(name, path, target)

    @staticmethod
    def find_distributions(context):
        found = PathFinder.find_distributions(context)
        return [one for one in found if not is_missing(re.split("[-_]", one.metadata["Name"])[0])]

    @staticmethod
    def invalidate_caches():
        PathFinder.invalidate_caches()

sys.meta_path[:] = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.fixture
def python(tmp_path: Path) -> Python:
    return Python(tmp_path)


class Python:
    """Fresh interpreters for which some packages are not installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rule = "False"

    def without(self, names: Sequence[str]) -> Python:
        """Packages that are missing."""
        self._rule = f"name in {set(names)!r}"
        return self

    def with_only(self, names: Sequence[str]) -> Python:
        """Packages that are there besides the standard library."""
        self._rule = f"not (name in {set(names)!r} or name in sys.stdlib_module_names)"
        return self

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs it somewhere else than in the checkout, with `arguments`."""
        # Python imports a module of this name at its start, in its children too.
        (self._folder / "sitecustomize.py").write_text(MISSING.format(rule=self._rule))
        environment = os.environ | {"PYTHONPATH": str(self._folder), "COLUMNS": "200", "PYTHONWARNINGS": "error"}
        return subprocess.run(
            [sys.executable, *arguments],
            check=False,
            capture_output=True,
            encoding="utf-8",
            env=environment,
            cwd=self._folder,
        )

    def answer(self, code: str) -> str:
        """What `code` prints, where it succeeds."""
        result = self.run("-c", textwrap.dedent(code))
        assert result.returncode == 0, result.stderr
        return result.stdout


def modules_of(*layers: str) -> list[str]:
    """All modules of those packages, by name."""
    paths = [path for layer in layers for path in (CHECKOUT / "tlgui" / layer).rglob("*.py")]
    assert paths
    names = [".".join(path.relative_to(CHECKOUT).with_suffix("").parts) for path in paths]
    return sorted(name.removesuffix(".__init__") for name in names)


def importing(modules: list[str]) -> str:
    return f"""
        import importlib, sys
        for name in {modules!r}:
            importlib.import_module(name)
        print(*sorted({set(HEAVY)!r} & set(sys.modules)))
    """


def test_what_is_called_missing_here_is_missing(python: Python) -> None:
    result = python.without(["msgspec"]).run("-c", "import msgspec")

    assert result.returncode == 1
    assert "ModuleNotFoundError: No module named 'msgspec'" in result.stderr


def test_core_needs_four_small_packages_and_nothing_else(python: Python) -> None:
    python.with_only(["tlgui", "msgspec", "tomli_w", "platformdirs", "filelock"])

    assert python.answer(importing(modules_of("core"))).split() == []


def test_imaging_works_where_neither_torch_nor_qt_is_installed(python: Python) -> None:
    python.without([*HEAVY, "rich"])

    assert python.answer(importing(modules_of("core", "imaging"))).split() == []


def test_the_command_line_imports_nothing_heavy_though_it_is_there(python: Python) -> None:
    modules = ["tlgui.__main__", *modules_of("core", "imaging", "cli")]

    assert python.answer(importing(modules)).split() == []


def test_the_contracts_on_imports_hold() -> None:
    # The gate runs them too; here they fail beside the tests of what they are for.
    code = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=CHECKOUT)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_help_comes_without_the_heavy_libraries(python: Python) -> None:
    result = python.without([*HEAVY, "numpy", "PIL", "rich"]).run("-m", "tlgui", "--help")

    assert (result.returncode, result.stderr) == (0, "")
    for text in ("usage: tlgui", "check", "train", "export", "The next sensible command:", "tlgui demo"):
        assert text in result.stdout


def test_the_versions_are_told_where_the_libraries_are_missing(python: Python) -> None:
    result = python.without([*HEAVY, "numpy", "PIL", "rich"]).run("-m", "tlgui", "--version")

    assert (result.returncode, result.stderr) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert list(lines) == ["tlgui", "Python", "torch", "Qt", "device"]
    assert lines["torch"] == lines["Qt"] == "not installed"
    assert "torch is not installed: run 'python3 packaging/run.py'" in lines["device"]


def test_the_versions_are_told_where_the_engine_cannot_start(python: Python) -> None:
    # torch itself is there, but not a library that the engine needs besides it.
    result = python.without(["psutil"]).run("-m", "tlgui", "--version")

    assert (result.returncode, result.stderr) == (0, "")
    device = result.stdout.splitlines()[-1]
    assert device.startswith("device  unknown: A part of the installation is missing: psutil. Run 'python3 packaging/")


def test_an_engine_without_its_libraries_is_a_sentence_to_its_owner(python: Python) -> None:
    answer = python.without(["torch"]).answer("""
        from tlgui.core.engine_process import EngineProcess
        from tlgui.core.errors import UserError
        with EngineProcess() as engine:
            try:
                engine.wait_until_ready(60)
            except UserError as error:
                print(error.problem)
                print(error.remedy)
            print(engine.close())
    """)

    assert answer.splitlines() == [
        "A part of the installation is missing: torch.",
        "Run 'python3 packaging/run.py' again to repair it.",
        "1",
    ]


def test_checking_images_works_where_torch_is_missing(python: Python, tmp_path: Path) -> None:
    from helpers.pictures import write_dataset

    write_dataset(tmp_path / "images", {"a": 3, "b": 3})

    result = python.without(HEAVY).run("-m", "tlgui", "check", "images", "--json")

    assert (result.returncode, result.stderr) == (0, "")
    assert '"used"' in result.stdout


def test_training_where_torch_is_missing_ends_with_a_sentence(python: Python, tmp_path: Path) -> None:
    from helpers.pictures import write_dataset

    write_dataset(tmp_path / "images", {"a": 4, "b": 4})

    result = python.without(HEAVY).run("-m", "tlgui", "train", "images", "--run-dir", "run")

    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last == "A part of the installation is missing: torch. Run 'python3 packaging/run.py' again to repair it."
    assert "Traceback" not in result.stderr
