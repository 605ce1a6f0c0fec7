from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Tree = dict[str, bytes | None]


def _encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """The bytes of a Pillow image in a format."""
    return _encoded


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """The bytes of a small image of noise; another seed, another image."""

    def make(
        seed: int = 0, format: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (9, 7), **options: Any
    ) -> bytes:
        noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        return _encoded(Image.fromarray(noise).convert(mode), format, **options)

    return make


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., Path]:
    """A folder with these files in it: "cats/1.png" -> bytes, "cats/empty/" -> None for a folder."""

    def make(files: Tree, name: str = "photos") -> Path:
        root = tmp_path / name
        root.mkdir()
        for path, content in files.items():
            target = root / path
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        return root

    return make


@pytest.fixture
def classes(picture: Callable[..., bytes]) -> Callable[..., Tree]:
    """Files of class folders: classes("a", "b", images=12); no two hold the same picture."""

    def make(*names: str, images: int = 12, suffix: str = "png") -> Tree:
        kind = {"jpg": "JPEG", "tif": "TIFF"}.get(suffix.lower(), suffix.upper())
        return {
            f"{name}/{number:02}.{suffix}": picture(zlib.crc32(f"{name}/{number}".encode()), kind)
            for name in names
            for number in range(images)
        }

    return make


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.fixture
def png() -> Callable[..., bytes]:
    """A PNG of any chunks, each (name, body)."""
    return _png


@pytest.fixture
def png_header() -> Callable[[int, int], bytes]:
    """A PNG that states a size and holds nothing of it."""

    def make(width: int, height: int) -> bytes:
        return _png((b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0")))

    return make


@pytest.fixture
def png16() -> Callable[..., bytes]:
    """A 16-bit PNG written by hand (Pillow writes none in colour): (H, W[, C]) uint16, C = 1, 2, 3, 4."""

    def make(values: np.ndarray, transparent: tuple[int, ...] = ()) -> bytes:
        height, width = values.shape[:2]
        channels = values.shape[2] if values.ndim == 3 else 1
        colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
        rows = values.reshape(height, -1).astype(">u2")
        data = b"".join(b"\0" + row.tobytes() for row in rows)
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))]
        if transparent:
            chunks.append((b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)))
        chunks += [(b"IDAT", zlib.compress(data)), (b"IEND", b"")]
        return _png(*chunks)

    return make


@pytest.fixture
def tiff() -> Callable[..., bytes]:
    """A TIFF written by hand, of any depth, byte order and meaning, raw or deflated: (H, W[, C])."""

    def make(
        values: np.ndarray,
        photometric: int | None = None,
        big_endian: bool = False,
        deflate: bool = False,
        extra: int = -1,
    ) -> bytes:
        order = ">" if big_endian else "<"
        height, width = values.shape[:2]
        channels = values.shape[2] if values.ndim == 3 else 1
        data = values.astype(values.dtype.newbyteorder(order)).tobytes()
        data = zlib.compress(data) if deflate else data
        photometric = (2 if channels >= 3 else 1) if photometric is None else photometric
        depth, kind = values.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
        tags: list[tuple[int, str, tuple[int, ...]]] = [
            (256, "I", (width,)),
            (257, "I", (height,)),
            (258, "H", (depth,) * channels),
            (259, "H", (8 if deflate else 1,)),
            (262, "H", (photometric,)),
            (273, "I", (8,)),
            (277, "H", (channels,)),
            (278, "I", (height,)),
            (279, "I", (len(data),)),
            (339, "H", (kind,) * channels),
        ]
        if extra >= 0:
            tags.insert(9, (338, "H", (extra,)))
        body = data + b"\0" * (len(data) % 2)
        start = 8 + len(body)
        overflow_at = start + 2 + 12 * len(tags) + 4
        entries, overflow = b"", b""
        for tag, code, numbers in tags:
            packed = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
            if len(packed) > 4:
                field, overflow = struct.pack(order + "I", overflow_at + len(overflow)), overflow + packed
            else:
                field = packed.ljust(4, b"\0")
            entries += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[code], len(numbers)) + field
        head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", start)
        return head + body + struct.pack(order + "H", len(tags)) + entries + b"\0\0\0\0" + overflow

    return make
