"""Real processes from one end to the other; the compiled trunk is made once for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def one_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that outlives a test."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(own_folders: None, one_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process of these tests uses it."""
    monkeypatch.setenv("TLGUI_CACHE_DIR", str(one_cache))
