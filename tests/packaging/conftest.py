"""A small checkout and a system that only pretends to run programs."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# Neither folder is a package: the modules of `packaging/` are found beside run.py, as when a person starts it.
sys.path[:0] = [str(HERE.parents[1] / "packaging"), str(HERE)]

from bootstrap_environment import Environment  # noqa: E402
from bootstrap_fakes import PYPROJECT, FakeCommands, make_environment  # noqa: E402


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with umlauts and a blank in its path, and a disk that is always large enough."""
    folder = tmp_path / "Röntgen bilder"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    monkeypatch.setattr("bootstrap_room.shutil.disk_usage", lambda _: _Disk(free=50_000_000_000))
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    return folder


class _Disk:
    def __init__(self, free: int) -> None:
        self.free = free


@pytest.fixture
def disk_with() -> Callable[[int], Callable[[Path], _Disk]]:
    """Makes a stand-in for `shutil.disk_usage` with so many bytes free."""
    return lambda free: lambda _path: _Disk(free)


@pytest.fixture
def environment(checkout: Path) -> Environment:
    return Environment(checkout)


@pytest.fixture
def commands(environment: Environment) -> FakeCommands:
    return FakeCommands(environment)


@pytest.fixture
def site_packages(environment: Environment) -> Path:
    """The packages folder of an environment that exists."""
    make_environment(environment)
    return environment.site_packages()[0]
