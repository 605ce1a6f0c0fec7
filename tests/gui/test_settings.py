from __future__ import annotations

import locale
import tomllib
from pathlib import Path

import pytest
from PySide6.QtCore import QObject

from tlgui.gui.settings import Preferences, Settings


@pytest.fixture
def path(qapp: QObject, tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_what_was_set_is_there_at_the_next_start(path: Path) -> None:
    settings = Settings(path)
    settings.set(appearance="dark", geometry=(10, 20, 1200, 800))
    settings.note_opened(Path("/elsewhere/run"))
    settings.save_now()

    again = Settings(path).values

    assert (again.appearance, again.geometry) == ("dark", (10, 20, 1200, 800))
    assert again.opened == [str(Path("/elsewhere/run").absolute())]


@pytest.mark.parametrize(
    "content", [b"", b"appearance = 'dark", b"\xff\xfe", b"appearance = 7\nkeep_awake = 'no'\nx = 1"]
)
def test_a_broken_file_costs_no_more_than_its_settings(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert Settings(path).values == Preferences()


def test_a_field_that_does_not_fit_leaves_the_others(path: Path) -> None:
    path.write_text('appearance = "dark"\nkeep_awake = 3\ngeometry = [1, 2]\n')

    assert Settings(path).values == Preferences(appearance="dark")


def test_the_file_is_the_same_in_a_country_with_decimal_commas(path: Path) -> None:
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C"):
            try:
                locale.setlocale(locale.LC_NUMERIC, name)
                break
            except locale.Error:
                continue
        settings = Settings(path)
        settings.set(geometry=(1, 2, 1030, 701))
        settings.save_now()
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)

    assert tomllib.loads(path.read_text())["geometry"] == [1, 2, 1030, 701]


def test_settings_that_cannot_be_saved_do_not_stop_the_window(tmp_path: Path, qapp: QObject) -> None:
    settings = Settings(tmp_path / "no such folder" / "settings.toml")
    settings.set(keep_awake=False)

    settings.save_now()

    assert not settings.values.keep_awake
