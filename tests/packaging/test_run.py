import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "packaging" / "run.py"


@pytest.fixture
def run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tlgui_run", RUN)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_entry_can_be_read_by_an_old_python() -> None:
    tree = ast.parse(RUN.read_text(encoding="utf-8"), feature_version=(3, 4))

    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr)]
    assert "__future__" not in {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_an_old_python_is_told_what_was_found_and_what_is_needed(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.shutil, "which", lambda _: None)

    assert run.python_problem((3, 8, 10), "/usr/bin/python3") == (
        "tlgui needs Python 3.11 or newer, and this is Python 3.8.10 (/usr/bin/python3). "
        "Install Python 3.11 or newer and start again with it."
    )


def test_a_newer_python_that_is_there_is_named(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.shutil, "which", lambda name: name if name == "python3.12" else None)

    assert run.python_problem((3, 9, 2), "python3").endswith(
        "A newer one is installed: start with 'python3.12 packaging/run.py'."
    )


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 1), (4, 0, 0)])
def test_a_new_enough_python_is_no_problem(run: ModuleType, version: tuple[int, ...]) -> None:
    assert run.python_problem(version, "python3") is None


def test_an_old_python_ends_with_one_sentence_and_exit_code_1(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run.sys, "version_info", (3, 6, 9, "final", 0))

    assert run.main(["demo"]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("tlgui needs Python 3.11 or newer, and this is Python 3.6.9")
    assert said.err.count("\n") == 1


def test_help_needs_no_environment() -> None:
    answer = subprocess.run([sys.executable, str(RUN), "--help"], capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert "python3 packaging/run.py demo" in answer.stdout


def test_the_set_up_needs_the_standard_library_alone() -> None:
    modules = [*RUN.parent.glob("*.py")]
    own = {path.stem for path in modules}

    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in own | sys.stdlib_module_names, f"{path.name} imports {name}"


def test_packaging_is_no_package_and_so_shadows_no_library() -> None:
    assert not (RUN.parent / "__init__.py").exists()


def test_the_checks_of_a_change_call_exactly_the_gate() -> None:
    script = ROOT / ".ci" / "run"
    lines = [line for line in script.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]

    assert lines == ['cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1', "exec python3 packaging/run.py test"]
    assert sys.platform == "win32" or script.stat().st_mode & 0o111
