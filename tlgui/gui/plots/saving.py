"""A plot as a file: a picture of what is shown, or all numbers of the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.events import EpochEnded
from tlgui.core.tables import csv_bytes
from tlgui.gui.plots import legend
from tlgui.gui.plots.curve_plot import CurvePlot
from tlgui.gui.theme import color, font

FORMATS = {"png": "Picture (PNG)", "svg": "Drawing (SVG)", "csv": "Numbers (CSV)"}
_MARGIN, _HEAD = 16, 32
_SHARPNESS = 2.0  # a PNG has twice the pixels of the screen's plot, for print and slides
_PIXELS_PER_METRE = round(96 * _SHARPNESS / 0.0254)

_RETENTION = ("earlier_meter", "earlier_before", "earlier_now", "earlier_difference_low", "earlier_difference_high")
Named = tuple[str, CurvePlot]


def png_image(plots: Sequence[Named]) -> QImage:
    """A picture of the plots as they are now, one below the other, each with its title and legend."""
    size = _size(plots)
    image = QImage(size * _SHARPNESS, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SHARPNESS)
    painter = QPainter(image)
    _paint(painter, plots, size, _SHARPNESS)
    painter.end()
    image.setDotsPerMeterX(_PIXELS_PER_METRE)
    image.setDotsPerMeterY(_PIXELS_PER_METRE)
    return image


def png_bytes(image: QImage) -> bytes:
    """The picture as a PNG file; slow enough to be done off the window's thread."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(data.data())


def svg_bytes(plots: Sequence[Named]) -> bytes:
    """The same as a drawing that stays sharp at every size."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    size = _size(plots)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setResolution(96)
    generator.setTitle(" and ".join(title for title, _ in plots) + " by epoch")
    painter = QPainter(generator)
    _paint(painter, plots, size, 1.0)
    painter.end()
    return bytes(data.data())


def csv_table(
    epochs: Sequence[EpochEnded],
    marks: Sequence[tuple[float, str]] = (),
    taken_back: Sequence[Sequence[EpochEnded]] = (),
) -> bytes:
    """Every series of the run, one epoch a row, with a point as decimal mark; what is no number stays empty.

    Args:
        epochs: as they came; epoch 0 is the state after the warm start.
        marks: what was done to the run, in the row of the first epoch that ended after it.
        taken_back: stretches that count no more; their epochs come last, with the number of the stretch.
    """
    gone = [(event, number) for number, stretch in enumerate(taken_back, start=1) for event in stretch]
    groups = sorted({name for event in [*epochs, *(event for event, _ in gone)] for name in event.learning_rates})
    seen = any(event.retention is not None for event in [*epochs, *(event for event, _ in gone)])
    head = ["epoch", "training_loss", "validation_loss", "validation_accuracy", "validation_balanced_accuracy",
            "validation_calibrated_loss"]  # fmt: skip
    rows: list[list[object]] = [
        [
            *head,
            *(f"learning_rate {name}" for name in groups),
            "seconds",
            "best",
            "what_was_done",
            "taken_back",
            *(_RETENTION if seen else ()),
        ]
    ]
    before = float("-inf")
    for event, number in [*((event, 0) for event in epochs), *gone]:
        values = (event.train_loss, event.validation_loss, event.validation_accuracy,
                  event.validation_balanced_accuracy, event.validation_calibrated_loss,
                  *(event.learning_rates.get(name) for name in groups))  # fmt: skip
        done = "" if number else "; ".join(text for place, text in marks if before < place <= event.epoch)
        before = event.epoch
        rows.append([event.epoch, *("" if value is None else value for value in values), event.seconds,
                     "yes" if event.best else "", done, number or "", *(_retention_of(event) if seen else ())])  # fmt: skip
    return csv_bytes(rows)


def _retention_of(event: EpochEnded) -> tuple[object, ...]:
    """What was left of what it knew before; nothing where that was not looked at."""
    kept = event.retention
    return (kept.meter, kept.before, kept.now, kept.low, kept.high) if kept is not None else ("",) * len(_RETENTION)


def write(path: Path, data: bytes) -> None:
    """Writes the file, whole or not at all.

    Raises:
        UserError: the place cannot be written to.
    """
    try:
        atomic.write_bytes(path, data)
    except OSError as error:
        raise UserError(
            f"'{path.name}' cannot be written: {error.strerror or 'the disk refused it'}.",
            "Choose another folder, or free some space there.",
            str(error),
        ) from error


def _size(plots: Sequence[Named]) -> QSize:
    width = max(plot.viewport().width() for _, plot in plots)
    height = sum(plot.viewport().height() + _HEAD for _, plot in plots)
    return QSize(width + 2 * _MARGIN, height + _MARGIN * (len(plots) + 1))


def _paint(painter: QPainter, plots: Sequence[Named], size: QSize, ratio: float) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), color("surface"))
    top = float(_MARGIN)
    for title, plot in plots:
        _paint_head(painter, QRectF(_MARGIN, top, size.width() - 2 * _MARGIN, _HEAD), title, plot)
        top += _HEAD
        target = QRectF(_MARGIN, top, plot.viewport().width(), plot.viewport().height())
        _paint_plot(painter, target, plot, ratio)
        top += target.height() + _MARGIN


def _paint_head(painter: QPainter, area: QRectF, title: str, plot: CurvePlot) -> None:
    painter.setFont(font(15, 600))
    painter.setPen(color("text"))
    painter.drawText(area, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), title)
    entries = legend.entries_of(plot)
    width = legend.width_of(entries, plot.kind)
    legend.paint(painter, QRectF(area.right() - width, area.top(), width, area.height()), entries, plot.kind)


def _paint_plot(painter: QPainter, target: QRectF, plot: CurvePlot, ratio: float) -> None:
    """Draws the scene with the line widths of the target's pixels, and leaves the plot as it was."""
    painter.save()
    # Curves are paths that the view draws with the brush it finds.
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(Qt.PenStyle.NoPen)
    plot.begin_export(ratio)
    try:
        plot.render(painter, target, plot.viewport().rect(), Qt.AspectRatioMode.IgnoreAspectRatio)
    finally:
        plot.end_export()
    painter.restore()
