"""A small image set that the program draws by itself, so that a first run needs no images of one's own.

The pictures look like stained smears: discs without a nucleus, and larger cells in one of three invented states. They
are drawn by arithmetic and show nothing real; `DEMO_SENTENCE` says so wherever they are used.

A field is drawn in two steps. The *scene* is how much of two stains lies at each pixel; it follows from the seed alone.
The *scanner* turns stain into light (Beer-Lambert: light = exp(-stain)) and adds what optics and electronics add. A
second scanner therefore sees the very same cells.

To add a scanner: write a row at the end of `SCANNERS` (its place seeds its noise) and look at a few of its images; a
test walks every row.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import re
import tempfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tlgui.core.errors import UserError

DEMO_SENTENCE = "These images are drawn by the program. They show no real cells and no real specimens."

# Part of the marker: raise it with any change that alters a pixel, and old sets are drawn anew.
DRAWING_VERSION = 1

# Class folders in the order of the states below, with the number of fields: a little unequal, as real sets are.
CLASS_FIELDS = {"drawn-resting": 88, "drawn-activated": 80, "drawn-dividing": 72}
SPECIMENS = 24

_SIZE = 256
_MARGIN = 48  # the scene is drawn this much larger on each side, so that the frame cuts through cells
_CANVAS = _SIZE + 2 * _MARGIN
_TEXTURE = 1024
_OWN_NAME = re.compile(r"S\d{3}_\d{2}\.png")

_Floats = NDArray[np.float32]
_Steps = NDArray[np.int64]
_Generator = np.random.Generator
_Number = TypeVar("_Number", bound=np.generic)


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One image to draw: its place in the set, its specimen, its number there, its class (index into CLASS_FIELDS)."""

    index: int
    specimen: int
    number: int
    state: int

    @property
    def path(self) -> str:
        """Place below the folder, for example `drawn-resting/S014_03.png`."""
        return f"{list(CLASS_FIELDS)[self.state]}/S{self.specimen:03d}_{self.number:02d}.png"


class Scanner(msgspec.Struct, frozen=True, kw_only=True):
    """What a slide scanner does to the light.

    Attributes:
        label: for people.
        gain: brightness of an empty place in red, green and blue, 0-1.
        stain_contrast: factor on the stain in red, green and blue: how strongly each channel sees it.
        flare: share of stray light that lies over the whole picture and thins the dark, 0-1.
        blur_px: standard deviation of the blur of the optics, 0 = as sharp as it is drawn.
        vignette: loss of light in the corners, 0-1.
        noise: standard deviation in grey levels (of 255) at full light.
    """

    label: str
    gain: tuple[float, float, float]
    stain_contrast: tuple[float, float, float]
    flare: float
    blur_px: float
    vignette: float
    noise: float


SCANNERS = {
    "scanner-a": Scanner(
        label="first scanner",
        gain=(0.955, 0.945, 0.935),
        stain_contrast=(1.0, 1.0, 1.0),
        flare=0.0,
        blur_px=0.0,
        vignette=0.04,
        noise=2.0,
    ),
    "scanner-b": Scanner(
        label="second scanner",
        gain=(0.98, 0.94, 0.84),
        stain_contrast=(0.91, 0.88, 1.03),
        flare=0.025,
        blur_px=0.9,
        vignette=0.14,
        noise=2.8,
    ),
}


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """Mean appearance of one invented state; each cell scatters around it, so that the states overlap.

    Attributes:
        cell_radius: pixels.
        nucleus_ratio: radius of the nucleus over that of the cell.
        waviness: relative size of the bumps in the outline of the nucleus.
        chromatin: amount of the blue stain in the nucleus.
        clumping: contrast of the coarse texture of the nucleus.
        basophilia: amount of the blue stain in the body of the cell.
        nucleoli: mean number of dark spots in the nucleus.
        figures: share of cells with a plate or two plates in place of a round nucleus.
    """

    cell_radius: float
    nucleus_ratio: float
    waviness: float
    chromatin: float
    clumping: float
    basophilia: float
    nucleoli: float
    figures: float


_STATES = (
    _State(cell_radius=23, nucleus_ratio=0.72, waviness=0.025, chromatin=1.15, clumping=0.12, basophilia=0.16,
           nucleoli=0.2, figures=0.0),
    _State(cell_radius=27, nucleus_ratio=0.68, waviness=0.05, chromatin=0.92, clumping=0.2, basophilia=0.3,
           nucleoli=1.6, figures=0.0),
    _State(cell_radius=26, nucleus_ratio=0.66, waviness=0.05, chromatin=1.12, clumping=0.36, basophilia=0.22,
           nucleoli=0.3, figures=0.45),
)  # fmt: skip

# Share of a field's cells that are in the state of its class, from and to; the others are of any state. This sets how
# hard the task is.
_PURITY = (0.62, 1.0)


def demo_folder(projects: Path) -> Path:
    """Where the demo images lie: in a project of their own, like those of an unpacked archive."""
    return projects / "demo images" / "demo images"


def draw_demo_images(
    folder: Path,
    variant: str = "scanner-a",
    seed: int = 8,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """A folder with three class folders of 240 drawn images (256 x 256 px, PNG); see `DEMO_SENTENCE`.

    The same variant and seed give the same bytes with the same numpy and Pillow. Nothing but images lies in the folder:
    the mark of completeness is the file `<folder>.complete` beside it, written last, with a hash of the images. Where
    that fits, the call returns at once; otherwise every image is drawn anew, which repairs an interrupted drawing and
    a changed image. Files of other names are left alone.

    Args:
        folder: is made, with its parents.
        variant: a key of `SCANNERS`. "scanner-b" shows the same cells as "scanner-a", seen by another scanner.
        seed: another seed gives other specimens.
        progress: called in this thread with (images drawn, images in all).
        cancelled: asked in this thread between two images; yes leaves a set that is not complete, drawn anew next time.

    Raises:
        UserError: there is no such variant.
        OSError: the folder cannot be written.
    """
    if variant not in SCANNERS:
        raise UserError(f"There is no drawn image set named '{variant}'.", f"Choose one of: {', '.join(SCANNERS)}.")
    fields = plan_fields(seed)
    marker = folder.with_name(f"{folder.name}.complete")
    stamp = f"demo images, drawing {DRAWING_VERSION}, {variant}, seed {seed}\n"
    found = {f"{path.parent.name}/{path.name}" for name in CLASS_FIELDS for path in (folder / name).glob("*.png")}
    wanted = {field.path for field in fields}
    if wanted <= found and marker.is_file() and marker.read_text(encoding="utf-8") == stamp + _digest(folder, fields):
        return
    marker.unlink(missing_ok=True)
    for stale in found - wanted:  # another seed deals the same names to other classes
        if _OWN_NAME.fullmatch(Path(stale).name):
            (folder / stale).unlink()
    for name in CLASS_FIELDS:
        (folder / name).mkdir(parents=True, exist_ok=True)

    # Written outside of the class folders and moved in whole: a second program may be reading there.
    with (
        tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as workshop,
        ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool,
    ):

        def draw_and_move(field: Field) -> None:
            fresh = Path(workshop) / f"{field.index}.png"
            fresh.write_bytes(_as_png(draw_field(field, variant, seed)))
            fresh.replace(folder / field.path)

        for number, _ in enumerate(pool.map(draw_and_move, fields), start=1):
            if progress is not None:
                progress(number, len(fields))
            if cancelled():
                pool.shutdown(wait=True, cancel_futures=True)
                return
    marker.write_text(stamp + _digest(folder, fields), encoding="utf-8")


def _digest(folder: Path, fields: list[Field]) -> str:
    """One line that changes with any byte of the images; 20 MB are read for it, a few hundredths of a second."""
    digest = hashlib.sha256()
    for field in fields:
        digest.update(hashlib.sha256((folder / field.path).read_bytes()).digest())
    return f"sha256 {digest.hexdigest()}\n"


def plan_fields(seed: int) -> list[Field]:
    """Every image of a set. Each specimen has ten fields of mixed classes: to know the specimen tells no class."""
    states = np.repeat(np.arange(len(CLASS_FIELDS)), list(CLASS_FIELDS.values()))
    rng = np.random.default_rng([seed, 0])
    states = rng.permutation(states)
    specimens = np.sort(rng.permutation(60)[:SPECIMENS]) + 1  # gaps, as in a real archive
    per_specimen = len(states) // SPECIMENS
    return [
        Field(
            index=index,
            specimen=int(specimens[index // per_specimen]),
            number=index % per_specimen + 1,
            state=int(state),
        )
        for index, state in enumerate(states)
    ]


def draw_field(field: Field, variant: str, seed: int) -> NDArray[np.uint8]:
    """One image, (256, 256, 3) uint8 RGB; it depends on nothing but the arguments."""
    # One generator for each thing that may vary: neither threads nor the order of drawing can change a pixel.
    eosin, haematoxylin = _draw_scene(np.random.default_rng([seed, 1, field.index]), field.state)
    stained = _stain(np.random.default_rng([seed, 2, field.specimen]), eosin, haematoxylin)
    scanner_number = list(SCANNERS).index(variant)
    return _scan(np.random.default_rng([seed, 3, scanner_number, field.index]), SCANNERS[variant], stained)


def _as_png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    # Noise has no repeats to look for: Huffman codes alone are faster here, and the files smaller (103 against 118 kB).
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1, compress_type=zlib.Z_HUFFMAN_ONLY)
    return buffer.getvalue()


@functools.cache
def _large_texture(grain_px: float) -> _Floats:
    """(_TEXTURE, _TEXTURE) smooth noise, mean 0, standard deviation near 0.7; a grain of 0 gives white noise of 1."""
    rng = np.random.default_rng([_TEXTURE, round(10 * grain_px)])
    cells = round(_TEXTURE / grain_px) if grain_px else _TEXTURE
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    return np.asarray(Image.fromarray(grid).resize((_TEXTURE, _TEXTURE), Image.Resampling.BICUBIC))


def _texture(rng: _Generator, grain_px: float, size: int) -> _Floats:
    """A random (size, size) cut of a large texture: a new one for each field would take a third more time."""
    left, top = rng.integers(0, _TEXTURE - size, 2)
    return _large_texture(grain_px)[top : top + size, left : left + size]


def _places(rng: _Generator, radii: _Floats, taken: _Floats) -> _Floats:
    """Centres (n, 3: x, y, radius) for as many radii as find room beside those taken, in pixels of the canvas."""
    placed = np.concatenate([taken, np.zeros((len(radii), 3), np.float32)])
    darts = rng.uniform(_MARGIN * 0.75, _CANVAS - _MARGIN * 0.75, (len(radii), 16, 1, 2)).astype(np.float32)
    used = len(taken)
    for radius, tries in zip(radii, darts, strict=True):
        away = tries - placed[:used, :2]  # (16, used, 2)
        nearest = placed[:used, 2] + (radius - np.float32(1.5))
        room = np.flatnonzero((np.square(away).sum(axis=2) > nearest * nearest).all(axis=1))
        if room.size:
            placed[used] = *tries[room[0], 0], radius
            used += 1
    return placed[len(taken) : used]


@functools.cache
def _around(half: int) -> tuple[_Floats, _Floats, _Floats, _Steps]:
    """x, y, distance and direction (0-255 is a full turn) of each pixel of a 2 x half square, seen from its middle.

    Shapes sit on whole pixels: the slow arctangent is computed once for all of them, and wavy outlines hide it.
    """
    y, x = np.mgrid[-half:half, -half:half].astype(np.float32)
    turn = np.arctan2(y, x) * np.float32(128 / np.pi)
    return x, y, np.sqrt(x * x + y * y), turn.astype(np.int64) % 256


def _outlines(rng: _Generator, radius: _Floats, stretch: _Floats, waviness: _Floats) -> _Floats:
    """(n, 256) distance of n wavy outlines from their middle, in 256 directions.

    Args:
        rng: decides the bumps and the axes.
        radius: (n,) pixels.
        stretch: (n,) long axis over mean axis, 1 = round.
        waviness: (n,) relative size of the bumps.
    """
    steps = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    orders = np.arange(3, 8)
    n = len(radius)
    sizes = rng.normal(0, 1, (n, orders.size)) * waviness[:, None] * (3 / orders)
    phases = rng.uniform(0, 2 * np.pi, (n, orders.size))
    bumps = (sizes[:, :, None] * np.cos(orders[:, None] * steps + phases[:, :, None])).sum(axis=1)
    axis = rng.uniform(0, np.pi, n)
    bumps += (stretch - 1)[:, None] * np.cos(2 * (steps - axis[:, None]))
    outlines: _Floats = (radius[:, None] * (1 + bumps)).astype(np.float32)
    return outlines


def _soft(depth: _Floats, edge_px: float) -> _Floats:
    """0 outside, 1 inside, with an edge of about that width."""
    ramp = np.clip(depth / np.float32(edge_px) + np.float32(0.5), 0, 1)
    soft: _Floats = ramp * ramp * (3 - 2 * ramp)
    return soft


def _corners(places: _Floats, half: int) -> tuple[_Steps, _Steps]:
    """Left and top edge (n,) of the patches of 2 x half pixels around the places."""
    left, top = np.clip(np.rint(places[:, :2]).astype(np.int64) - half, 0, _CANVAS - 2 * half).T
    return left, top


def _patches(canvas: NDArray[_Number], left: _Steps, top: _Steps, size: int) -> NDArray[_Number]:
    """Copies (n, size, size) of n squares of an array."""
    return np.stack([canvas[t : t + size, s : s + size] for s, t in zip(left, top, strict=True)])


def _draw_scene(rng: _Generator, state: int) -> tuple[_Floats, _Floats]:
    """How much eosin and how much haematoxylin lies at each pixel of the canvas, (_CANVAS, _CANVAS) each."""
    fine, coarse, broad = (_texture(rng, grain_px, _CANVAS) for grain_px in (2.5, 5.0, 90.0))
    # The thin film between the cells; never quite even.
    eosin = 0.035 + 0.012 * broad + 0.004 * coarse
    haematoxylin = 0.02 + 0.003 * fine
    # Placed at one size for all, so that the number of cells in a field says nothing about their state.
    cells = _places(rng, np.full(int(rng.integers(7, 12)), 27, np.float32), np.zeros((0, 3), np.float32))
    n = len(cells)
    states = np.where(rng.random(n) < rng.uniform(*_PURITY), state, rng.integers(0, len(_STATES), n))
    looks = [_STATES[s] for s in states]
    cells[:, 2] = [look.cell_radius for look in looks] * np.exp(rng.normal(0, 0.1, n))
    cells[:, 2] = np.minimum(cells[:, 2], 36)
    discs = _places(rng, rng.normal(15.5, 1.1, int(rng.integers(22, 40))).astype(np.float32), cells)
    _add_discs(rng, discs, eosin, fine)
    _add_cells(rng, cells, looks, (eosin, haematoxylin), (fine, coarse))
    return eosin, haematoxylin


def _add_discs(rng: _Generator, places: _Floats, eosin: _Floats, fine: _Floats) -> None:
    """Pink discs with a pale middle."""
    n, half = len(places), 21
    if not n:
        return
    left, top = _corners(places, half)
    _, _, distance, step = _around(half)
    stretch = (1 + np.abs(rng.normal(0, 0.05, n))).astype(np.float32)
    depth = _outlines(rng, places[:, 2], stretch, np.full(n, 0.02, np.float32))[:, step] - distance
    pallor = rng.uniform(0.35, 0.75, n).astype(np.float32)[:, None, None]
    width = (places[:, 2] * rng.uniform(0.38, 0.52, n).astype(np.float32))[:, None, None]
    bowl = 1 - pallor * np.exp(np.square(distance / width) * np.float32(-0.5))
    amount = rng.normal(0.36, 0.03, n).astype(np.float32)[:, None, None] * bowl * _soft(depth, 2.2)
    amount *= 1 + 0.05 * _patches(fine, left, top, 2 * half)
    for patch, s, t in zip(amount, left, top, strict=True):
        eosin[t : t + 2 * half, s : s + 2 * half] += patch


class _Nuclei(NamedTuple):
    """Geometry of n nuclei in patches of P x P pixels.

    Attributes:
        x, y: (n, P, P) pixels from the middle of the nucleus.
        depth: (n, P, P) pixels inside its outline, negative outside.
        radius: (n,) pixels.
        is_figure: (n,) whether plates stand in place of a round nucleus.
    """

    x: _Floats
    y: _Floats
    depth: _Floats
    radius: _Floats
    is_figure: NDArray[np.bool_]


def _add_cells(
    rng: _Generator,
    places: _Floats,
    looks: list[_State],
    stains: tuple[_Floats, _Floats],
    textures: tuple[_Floats, _Floats],
) -> None:
    """Cells with a nucleus, or with one or two plates in its place; `looks` holds the state of each, in order."""
    n, half = len(places), 42
    left, top = _corners(places, half)
    fine, coarse = (_patches(texture, left, top, 2 * half) for texture in textures)
    _, _, distance, step = _around(half)
    outlines = _outlines(rng, places[:, 2], _scattered(rng, [1.06] * n, 0.04), _scattered(rng, [0.03] * n, 0.3))
    body = _soft(outlines[:, step] - distance, 3.0)

    nuclei = _place_nuclei(rng, places[:, 2], looks, coarse)
    nucleus = _soft(nuclei.depth, 2.4)
    basophilia = _column(_scattered(rng, [look.basophilia for look in looks], 0.25))
    blue = (1 - nucleus) * body * basophilia * (1 + 0.16 * coarse + 0.1 * fine)
    blue += nucleus * _chromatin(rng, nuclei, looks, fine, coarse)
    pink = body * _column(_scattered(rng, [0.15] * n, 0.2)) * (1 + 0.1 * fine) * (1 - 0.4 * nucleus)

    eosin, haematoxylin = stains
    for i, (s, t) in enumerate(zip(left, top, strict=True)):
        square = np.s_[t : t + 2 * half, s : s + 2 * half]
        eosin[square] = eosin[square] * (1 - 0.85 * body[i]) + pink[i]  # a disc below shines through a little
        haematoxylin[square] += blue[i]


def _scattered(rng: _Generator, means: list[float], spread: float) -> _Floats:
    return (np.array(means) * np.exp(rng.normal(0, spread, len(means)))).astype(np.float32)


def _column(values: NDArray[np.generic]) -> _Floats:
    """One value a cell, ready to meet (n, P, P) patches."""
    return values.astype(np.float32)[:, None, None]


def _place_nuclei(rng: _Generator, cell_radius: _Floats, looks: list[_State], coarse: _Floats) -> _Nuclei:
    """Nuclei somewhat off the middle of their cells."""
    n, size = len(looks), coarse.shape[1]
    radius = cell_radius * np.minimum(_scattered(rng, [look.nucleus_ratio for look in looks], 0.08), np.float32(0.86))
    shift, direction = rng.uniform(0, 0.7, n) * (cell_radius - radius), rng.uniform(0, 2 * np.pi, n)
    start_x = size // 2 + np.rint(shift * np.cos(direction)).astype(np.int64)
    start_y = size // 2 + np.rint(shift * np.sin(direction)).astype(np.int64)
    x, y, distance = (_patches(grid, start_x, start_y, size) for grid in _around(size)[:3])
    step = _patches(_around(size)[3], start_x, start_y, size)
    waviness = _scattered(rng, [look.waviness for look in looks], 0.35)
    outlines = _outlines(rng, radius, _scattered(rng, [1.06] * n, 0.05), waviness)
    depth = outlines[np.arange(n)[:, None, None], step] - distance

    # Plates are bars across a random axis, bent, ragged by the coarse texture: one, or two that part.
    is_figure = rng.random(n) < np.array([look.figures for look in looks])
    tilt = rng.uniform(0, np.pi, n)
    parting = cell_radius * np.where(rng.random(n) < 0.4, rng.uniform(0.3, 0.5, n), 0)
    for i in np.flatnonzero(is_figure):
        cosine, sine = np.cos(tilt[i], dtype=np.float32), np.sin(tilt[i], dtype=np.float32)
        along, across = np.abs(x[i] * cosine + y[i] * sine), np.abs(y[i] * cosine - x[i] * sine)
        length = 0.85 * radius[i] - along - 0.01 * across * across
        thickness = 0.3 * radius[i] - np.abs(across - np.float32(parting[i]))
        depth[i] = np.minimum(length, thickness) + 1.6 * coarse[i]
    return _Nuclei(x, y, depth, radius, is_figure)


def _chromatin(rng: _Generator, nuclei: _Nuclei, looks: list[_State], fine: _Floats, coarse: _Floats) -> _Floats:
    """Blue stain of the nuclei (n, P, P): clumps, a denser rim, dark spots."""
    n = len(looks)
    clumping = np.where(nuclei.is_figure, 0.12, _scattered(rng, [look.clumping for look in looks], 0.35))
    density = 1 + _column(clumping) * (1.3 * coarse + 0.7 * fine)
    density += np.float32(0.22) * np.exp(np.square(nuclei.depth - 1.5) * np.float32(-0.2))
    spots = np.where(nuclei.is_figure, 0, rng.poisson([look.nucleoli for look in looks]))
    angle, far = rng.uniform(0, 2 * np.pi, (3, n)), rng.uniform(0.1, 0.6, (3, n)) * nuclei.radius
    spot_x, spot_y = (far * np.cos(angle)).astype(np.float32), (far * np.sin(angle)).astype(np.float32)
    for i in range(n):
        for k in range(min(3, int(spots[i]))):
            square = np.square(nuclei.x[i] - spot_x[k, i]) + np.square(nuclei.y[i] - spot_y[k, i])
            density[i] += np.float32(0.45) * np.exp(square * np.float32(-0.087))
    amount = _scattered(rng, [look.chromatin for look in looks], 0.1) * np.where(nuclei.is_figure, 1.35, 1)
    return _column(amount) * np.maximum(density, np.float32(0.25))


def _stain(rng: _Generator, eosin: _Floats, haematoxylin: _Floats) -> _Floats:
    """Absorbance (3, 256, 256) of a field in red, green, blue; each specimen took a little more or less of a stain."""
    pink = (np.array([0.12, 0.95, 0.42]) + rng.normal(0, 0.03, 3)) * np.exp(rng.normal(0, 0.09))
    blue = (np.array([0.92, 1.02, 0.38]) + rng.normal(0, 0.04, 3)) * np.exp(rng.normal(0, 0.09))
    frame = np.s_[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    colours = np.array([pink, blue], np.float32)[..., None, None]
    absorbance: _Floats = eosin[frame] * colours[0] + haematoxylin[frame] * colours[1]
    return absorbance


def _scan(rng: _Generator, scanner: Scanner, absorbance: _Floats) -> NDArray[np.uint8]:
    """What the scanner makes of a stained field, (256, 256, 3) uint8."""
    light = np.exp(absorbance * -np.array(scanner.stain_contrast, np.float32)[:, None, None])
    # The lamp is brighter on one side, and the corners get less.
    ruler = np.linspace(-1, 1, _SIZE, dtype=np.float32)
    tilt = rng.normal(0, 0.018, 2).astype(np.float32)
    lamp = 1 + tilt[0] * ruler + (tilt[1] * ruler)[:, None]
    lamp -= np.float32(scanner.vignette / 2) * (ruler * ruler + (ruler * ruler)[:, None])
    light = (light * np.float32(1 - scanner.flare) + np.float32(scanner.flare)) * lamp
    light *= (255 * np.array(scanner.gain, np.float32))[:, None, None]
    np.clip(light, 0, 255, out=light)
    if scanner.blur_px:
        channels = [Image.fromarray((channel + np.float32(0.5)).astype(np.uint8)) for channel in light]
        blurred = [channel.filter(ImageFilter.GaussianBlur(scanner.blur_px)) for channel in channels]
        light = np.stack([np.asarray(channel, np.float32) for channel in blurred])
    # Electronics after optics, so the noise is not blurred. Photons: it grows with the root of the light.
    noise = np.stack([_texture(rng, 0, _SIZE) for _ in light])
    light += noise * np.sqrt(light * np.float32(scanner.noise**2 / 255))
    pixels = np.clip(light + np.float32(0.5), 0, 255, out=light).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(pixels, 0, 2))
