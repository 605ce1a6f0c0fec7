"""One warm engine and one trained run for all tests here: an engine takes seconds to load its libraries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.command_line import OpenEngine, PlayedEngine, Tlgui, Typed, type_here
from helpers.pictures import write_dataset

from tlgui.core.engine_process import EngineProcess


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """A real engine with folders of its own."""
    root = tmp_path_factory.mktemp("engine")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "STATE"):
            patch.setenv(f"TLGUI_{name}_DIR", str(root / name.lower()))
        patch.setenv("TORCH_HOME", str(root / "torch"))
        # A closed door: whoever asks for the network here gets "no way to the server".
        patch.setenv("TLGUI_WEIGHTS_MIRROR", "http://127.0.0.1:9/")
        engine = EngineProcess()
    with engine:
        yield engine
    assert not engine.alive


@pytest.fixture(scope="session")
def tlgui(engine: EngineProcess) -> Tlgui:
    """Types a command; its engine is the warm one."""
    return lambda *arguments: type_here(lambda: OpenEngine(engine), *arguments)


@pytest.fixture
def played() -> PlayedEngine:
    """An engine that must not hear of a job, unless the test gives it answers."""
    return PlayedEngine()


@pytest.fixture
def refused(played: PlayedEngine) -> Tlgui:
    """Types a command that never comes to an engine's job."""
    return lambda *arguments: type_here(lambda: played, *arguments)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """28 small pictures of two classes."""
    return write_dataset(tmp_path_factory.mktemp("data") / "photos", {"across": 14, "down": 14})


@pytest.fixture(scope="session")
def training(tlgui: Tlgui, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Typed]:
    """A run of three epochs, and what `train --json` said."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLGUI_STATE_DIR", str(root / "state"))
        said = tlgui("train", photos, "--epochs", 3, "--seed", 7, "--run-dir", root / "run", "--json")
    return root / "run", said


@pytest.fixture(scope="session")
def trained(training: tuple[Path, Typed]) -> Path:
    """The folder of that run. Tests leave it as it is."""
    run, said = training
    assert said.code == 0, said.err
    return run
