"""Each test has the program's own folders to itself, and no network."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# A worker of pytest-xdist, or a gate in the background, ignores it, and what it starts would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points cache, state, projects and torch.hub at a fresh folder."""
    root = tmp_path_factory.mktemp("own")
    for name in ("CACHE", "STATE", "PROJECTS"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(root / name.lower()))
    monkeypatch.setenv("TORCH_HOME", str(root / "torch"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("TLGUI_WEIGHTS_MIRROR", raising=False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real image sets; the test is skipped where there is none."""
    place = Path(os.environ.get("TLGUI_TEST_DATA") or _CHECKOUT.parent / "shared" / "data")
    if not place.is_dir():
        pytest.skip("the real image sets are not here (TLGUI_TEST_DATA)")
    return place
