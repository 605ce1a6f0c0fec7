from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import pytest
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.events import EpochEnded
from tlgui.gui.plots import saving
from tlgui.gui.plots.curve_plot import CurvePlot
from tlgui.gui.plots.curves import RunCurves
from tlgui.gui.plots.window import EpochWindow


def epochs() -> list[EpochEnded]:
    return [
        EpochEnded(
            epoch=n, epochs=4, step=n, train_loss=None if n == 2 else 1 / n, validation_loss=0.1 * n,
            validation_accuracy=0.5, validation_balanced_accuracy=0.25,
            learning_rates={"head": 1e-3} | ({"top": 0.00038} if n == 3 else {}), best=n == 3, seconds=1.5,
            seconds_left=None,
        )
        for n in (1, 2, 3)
    ]  # fmt: skip


@pytest.fixture
def plots(qtbot: QtBot) -> list[saving.Named]:
    curves, window = RunCurves(), EpochWindow()
    curves.take(epochs())
    window.set_planned(1, 4)
    made = []
    for title, kind in (("Loss", "loss"), ("Accuracy", "accuracy")):
        plot = CurvePlot(kind, window, curves.of(kind))
        qtbot.addWidget(plot)
        plot.resize(500, 220)
        plot.show()
        plot.refresh()
        made.append((title, plot))
    window.setParent(made[0][1])
    QApplication.processEvents()
    return made


def test_the_table_holds_every_series_with_a_point_as_decimal_mark_and_gaps_empty() -> None:
    text = saving.csv_table(epochs(), [(1.5, "top unfrozen"), (1.7, "2 epochs more")]).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [row["training_loss"] for row in rows] == ["1.0", "", "0.3333333333333333"]
    assert float(rows[2]["validation_loss"]) == 0.1 * 3
    assert [row["learning_rate top"] for row in rows] == ["", "", "0.00038"]
    assert [row["best"] for row in rows] == ["", "", "yes"]
    assert [row["what_was_done"] for row in rows] == ["", "top unfrozen; 2 epochs more", ""]
    assert "validation_accuracy" in rows[0] and "validation_balanced_accuracy" in rows[0]


def test_what_was_taken_back_stands_last_with_its_number() -> None:
    told = epochs()
    back = [[msgspec.structs.replace(told[2], learning_rates={"block 5": 0.1})], [told[1], told[2]]]
    rows = list(csv.DictReader(io.StringIO(saving.csv_table(told, [(1.5, "top unfrozen")], back).decode())))
    assert [(row["epoch"], row["taken_back"]) for row in rows] == [
        ("1", ""), ("2", ""), ("3", ""), ("3", "1"), ("2", "2"), ("3", "2"),
    ]  # fmt: skip
    assert [row["what_was_done"] for row in rows] == ["", "top unfrozen", "", "", "", ""]
    assert rows[3]["learning_rate block 5"] == "0.1"


def test_the_picture_is_sharp_and_shows_the_curves_in_their_colours(plots: list[saving.Named]) -> None:
    before = plots[0][1]._lines[0].opts["pen"].widthF()
    image = saving.png_image(plots)
    assert image.width() == 2 * (500 + 32) and image.height() > 2 * 440
    colours = {image.pixelColor(x, y).name() for x in range(0, image.width(), 5) for y in range(0, image.height(), 3)}
    assert {"#1f55c9", "#c2410c", "#ffffff"} <= colours
    assert plots[0][1]._lines[0].opts["pen"].widthF() == before
    loaded = QImage.fromData(saving.png_bytes(image), "PNG")
    assert loaded.size() == image.size()


def test_the_drawing_is_lines_and_not_pixels(plots: list[saving.Named]) -> None:
    drawing = saving.svg_bytes(plots[:1])
    assert QSvgRenderer(drawing).isValid()
    assert b"<image" not in drawing
    assert b"#c2410c" in drawing and b"Loss by epoch" in drawing


def test_a_place_that_cannot_be_written_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write_bytes", full)
    with pytest.raises(UserError) as caught:
        saving.write(tmp_path / "loss.png", b"")
    assert caught.value.problem == "'loss.png' cannot be written: No space left on device."
    assert caught.value.remedy.startswith("Choose another folder")
