"""Several pictures on one sheet, so that a reviewer sees them beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

_GAP, _WORDS = 12, 18


def make_sheet(pictures: Sequence[Path], to: Path, columns: int = 2, width: int = 960) -> None:
    """Tiles pictures, each `width` px wide at most, with its name above."""
    tiles = [(path, Image.open(path).convert("RGB")) for path in pictures]
    shrunk = [(path, _shrunk(image, width)) for path, image in tiles]
    rows = [shrunk[at : at + columns] for at in range(0, len(shrunk), columns)]
    heights = [max(image.height for _, image in row) + _WORDS + _GAP for row in rows]
    sheet = Image.new("RGB", (columns * (width + _GAP) + _GAP, sum(heights) + _GAP), "#9aa0a8")
    draw = ImageDraw.Draw(sheet)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, (path, image) in enumerate(row):
            left = _GAP + column * (width + _GAP)
            draw.text((left, top), path.stem, fill="#000000")
            sheet.paste(image, (left, top + _WORDS))
        top += height
    sheet.save(to)


def _shrunk(image: Image.Image, width: int) -> Image.Image:
    if image.width <= width:
        return image
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
