"""The packed data files: found from the checkout and from an installed wheel, and nothing private goes along."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tlgui.core import paths
from tlgui.core.paths import resource

CHECKOUT = Path(__file__).resolve().parent.parent
RESOURCES = CHECKOUT / "resources"
FILES = sorted(
    path.relative_to(RESOURCES).as_posix()
    for path in RESOURCES.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)

# Prints where the package lies, then the content of each data file by its length, through the one door.
ASKS = """
import sys
from pathlib import Path
import tlgui
from tlgui.core.paths import resource
print(Path(tlgui.__file__).parent)
for name in sys.argv[1:]:
    print(len(resource(name).read_bytes()), name)
try:
    resource("no such file")
except FileNotFoundError as error:
    print(error)
"""


def test_there_are_data_files() -> None:
    assert len(FILES) >= 4


@pytest.mark.parametrize("name", FILES)
def test_a_data_file_is_found_in_the_checkout(name: str) -> None:
    assert resource(name) == RESOURCES / name


def test_a_missing_data_file_is_said_by_name() -> None:
    with pytest.raises(FileNotFoundError, match=r"The installation lacks its data file 'icons/nothing\.svg'\."):
        resource("icons/nothing.svg")


def lay_out(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root / "tlgui"


def test_an_editable_installation_serves_the_checkout_and_not_a_stale_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = lay_out(tmp_path, "pyproject.toml", "resources/a.txt", "tlgui/resources/a.txt")
    monkeypatch.setattr(paths, "_PACKAGE", package)

    assert resource("a.txt") == tmp_path / "resources" / "a.txt"


def test_an_installed_package_serves_its_own_and_not_a_neighbours_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = lay_out(tmp_path, "resources/a.txt", "resources/b.txt", "tlgui/resources/a.txt")
    monkeypatch.setattr(paths, "_PACKAGE", package)

    assert resource("a.txt") == package / "resources" / "a.txt"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        check=True,
        capture_output=True,
        cwd=CHECKOUT,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_data_file_and_every_module_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    # Python files of others that are at work beside this test may come and go: the modules are those of the wheel.
    assert {f"tlgui/resources/{name}" for name in FILES} == {n for n in names if n.startswith("tlgui/resources/")}
    assert {name for name in names if not name.startswith("tlgui/")} == set()
    assert {name for name in names if not name.startswith("tlgui/resources/") and not name.endswith(".py")} == set()
    for module in (CHECKOUT / "tlgui" / "core").rglob("*.py"):
        assert module.relative_to(CHECKOUT).as_posix() in names


def test_the_wheel_carries_its_licence_and_its_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = (name for name in archive.namelist() if name.endswith("/licenses/LICENSE"))
        (commands,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        assert archive.read(licence) == (CHECKOUT / "LICENSE").read_bytes()
        assert "tlgui = tlgui.__main__:main" in archive.read(commands).decode()


def test_an_installed_wheel_finds_every_data_file_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)

    # -P: the working folder is not searched. The unpacked wheel comes before the checkout, which this environment has
    # on its path for good; the first line of the answer shows which of the two it was.
    answer = subprocess.run(
        [sys.executable, "-P", "-c", ASKS, *FILES],
        check=True,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(site)},
        cwd=elsewhere,
    ).stdout.splitlines()

    assert answer == [
        str(site / "tlgui"),
        *(f"{(RESOURCES / name).stat().st_size} {name}" for name in FILES),
        "The installation lacks its data file 'no such file'.",
    ]
