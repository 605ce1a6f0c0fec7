"""The script that pictures every page: its table is whole, and one scene can be played to its end."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from tlgui.gui.places import PLACES

_FOLDER = Path(__file__).resolve().parent.parent / "screenshots"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(_FOLDER), *sys.path])
    import make_screenshots

    return make_screenshots


def test_every_page_is_pictured_in_more_than_one_state(script: ModuleType) -> None:
    states = Counter(scene.page for scene in script.SCENES)

    assert {place.name for place in PLACES} <= set(states)
    assert all(states[place.name] > 1 for place in PLACES)


def test_no_two_scenes_write_the_same_file(script: ModuleType) -> None:
    names = [scene.name for scene in script.SCENES]

    assert len(names) == len(set(names))


def test_scenes_are_chosen_by_page_and_state(script: ModuleType, tmp_path: Path) -> None:
    options = script.parsed([str(tmp_path), "--pages", "train", "results", "--states", "empty"])

    assert [scene.name for scene in script.chosen(options)] == ["train-empty", "results-empty"]
    assert options.sizes == ["1024x700", "1366x768", "1920x1080", "200%"]


def test_pictures_are_laid_beside_each_other(script: ModuleType, tmp_path: Path) -> None:
    from sheet import make_sheet

    for name in ("one", "two", "three"):
        Image.new("RGB", (400, 300), "white").save(tmp_path / f"{name}.png")

    make_sheet(sorted(tmp_path.glob("*.png")), tmp_path / "sheet.png", columns=2, width=200)

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (2 * 212 + 12, 2 * 180 + 12)
