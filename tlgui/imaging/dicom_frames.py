"""One frame of a DICOM file as stored, however it is compressed.

A table says which decoder reads which compression, so that every computer takes the same one. It is pasted into the
exported `predict.py`; see `signatures.py`.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlgui.imaging.decoding import Pixels
from tlgui.imaging.signatures import DecodeError

_PLAIN = "1.2.840.10008.1.2.1"  # explicit, little-endian, not compressed
_one_gdcm = threading.Lock()  # GDCM does not promise to be safe in several threads at once


@dataclass(frozen=True)
class Codec:
    """What reads a compression.

    Attributes:
        name: of the compression, for messages.
        decode: (data set, index, number of frames) -> (H, W[, 3]), colour as RGB.
        module: that must be importable; "" = none.
        package: its name on PyPI.
    """

    name: str
    decode: Callable[[Any, int, int], Pixels]
    module: str = ""
    package: str = ""


def stored_frame(data: Any, index: int, frames: int) -> Pixels:
    """The frame `index`, (H, W) or (H, W, 3), colour as RGB.

    Raises:
        DecodeError: unsupported, with the part that is missing.
        Exception: nearly any, where the data are damaged.
    """
    syntax = data.file_meta.TransferSyntaxUID
    codec = CODECS.get(str(syntax))
    if codec is None:
        raise DecodeError("unsupported", f"The DICOM file is compressed as {syntax.name}, which cannot be read.")
    if codec.module:
        try:
            importlib.import_module(codec.module)
        except ImportError as error:
            raise DecodeError(
                "unsupported",
                f"The DICOM file is compressed as {codec.name}, and the part that reads it ('{codec.package}') is "
                "missing here.",
            ) from error
    return codec.decode(data, index, frames)


def _by_pydicom(plugin: str = "") -> Callable[[Any, int, int], Pixels]:
    def decode(data: Any, index: int, _frames: int) -> Pixels:
        from pydicom.pixels.utils import pixel_array

        pixels: Pixels = pixel_array(data, index=index, decoding_plugin=plugin)
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)

    return decode


def _by_gdcm(data: Any, index: int, frames: int) -> Pixels:
    with _one_gdcm:
        return _by_pydicom("gdcm")(data, index, frames)


def _by_rle(data: Any, index: int, frames: int) -> Pixels:
    """Values that were never compressed come of it, so pydicom's own decoder, 50 times slower, gives the same."""
    try:
        from rle.utils import decode_pixel_data
    except ImportError:
        return _by_pydicom("pydicom")(data, index, frames)
    if data.BitsAllocated % 8:
        return _by_pydicom("pydicom")(data, index, frames)
    size = {"rows": data.Rows, "columns": data.Columns, "bits_allocated": data.BitsAllocated}
    try:
        planes = decode_pixel_data(_compressed(data, index, frames), version=2, **size)
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of Rust; it is no Exception, and means damaged data here
            raise ValueError("damaged RLE") from error
        raise
    data.PixelData, data.PlanarConfiguration, data.NumberOfFrames = bytes(planes), 1, 1
    data.file_meta.TransferSyntaxUID = type(data.file_meta.TransferSyntaxUID)(_PLAIN)
    return _by_pydicom()(data, 0, 1)


def _jpeg_extended(data: Any, index: int, frames: int) -> Pixels:
    """8 bits by Pillow; 12 bits by GDCM itself, since pydicom does not let it read these."""
    if data.BitsStored == 8:
        return _by_pydicom("pillow")(data, index, frames)
    if data.SamplesPerPixel != 1:
        raise DecodeError("unsupported", "A DICOM file in 12-bit colour JPEG cannot be read.")
    import gdcm

    with _one_gdcm:
        fragment = gdcm.Fragment()
        fragment.SetByteStringValue(_compressed(data, index, frames))
        fragments = gdcm.SequenceOfFragments.New()
        fragments.AddFragment(fragment)
        element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
        element.SetValue(fragments.__ref__())
        image = gdcm.Image()
        image.SetNumberOfDimensions(2)
        image.SetDimensions((data.Columns, data.Rows, 1))
        image.SetDataElement(element)
        meaning = gdcm.PhotometricInterpretation.GetPIType(str(data.PhotometricInterpretation))
        image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(meaning))
        syntax = gdcm.TransferSyntax.GetTSType(str.__str__(data.file_meta.TransferSyntaxUID))
        image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        bits, signed = int(data.BitsStored), int(data.PixelRepresentation)
        image.SetPixelFormat(gdcm.PixelFormat(1, 16, bits, bits - 1, signed))
        buffer = image.GetBuffer().encode("utf-8", "surrogateescape")
    return np.frombuffer(buffer, "<i2" if signed else "<u2").reshape(data.Rows, data.Columns)


def _by_openjpeg(data: Any, index: int, frames: int) -> Pixels:
    from openjpeg.utils import decode as decode_jpeg_2000
    from pydicom.pixels.processing import convert_color_space

    pixels: Pixels = decode_jpeg_2000(_compressed(data, index, frames))
    if pixels.ndim == 3:
        photometric = str(data.PhotometricInterpretation)
        return np.asarray(convert_color_space(pixels, "YBR_FULL", "RGB")) if "FULL" in photometric else pixels
    # The stream tells signed from unsigned by itself, and where it differs from the header, the header is right.
    bits, signed = int(data.BitsStored), data.PixelRepresentation == 1
    if signed == (pixels.dtype.kind == "i"):
        return pixels
    whole: Pixels = pixels.astype(np.int64) & (2**bits - 1)
    if signed:
        whole[whole >= 2 ** (bits - 1)] -= 2**bits
    return whole


def _compressed(data: Any, index: int, frames: int) -> bytes:
    from pydicom.encaps import get_frame

    return bytes(get_frame(data.PixelData, index, number_of_frames=frames))


_NATIVE = Codec("plain values", _by_pydicom())
_LOSSLESS_JPEG = Codec("lossless JPEG", _by_gdcm, "gdcm", "python-gdcm")
_JPEG_LS = Codec("JPEG-LS", _by_pydicom("pyjpegls"), "jpeg_ls", "pyjpegls")
_JPEG_2000 = Codec("JPEG 2000", _by_openjpeg, "openjpeg", "pylibjpeg-openjpeg")

# By transfer syntax. To read another one: a row here, its package in NEEDS (`pixels.py`).
CODECS = {
    "1.2.840.10008.1.2": _NATIVE,
    _PLAIN: _NATIVE,
    "1.2.840.10008.1.2.1.99": _NATIVE,
    "1.2.840.10008.1.2.2": _NATIVE,
    "1.2.840.10008.1.2.5": Codec("RLE", _by_rle),
    "1.2.840.10008.1.2.4.50": Codec("JPEG", _by_pydicom("pillow")),
    "1.2.840.10008.1.2.4.51": Codec("12-bit JPEG", _jpeg_extended, "gdcm", "python-gdcm"),
    "1.2.840.10008.1.2.4.57": _LOSSLESS_JPEG,
    "1.2.840.10008.1.2.4.70": _LOSSLESS_JPEG,
    "1.2.840.10008.1.2.4.80": _JPEG_LS,
    "1.2.840.10008.1.2.4.81": _JPEG_LS,
    "1.2.840.10008.1.2.4.90": _JPEG_2000,
    "1.2.840.10008.1.2.4.91": _JPEG_2000,
    "1.2.840.10008.1.2.4.201": _JPEG_2000,
    "1.2.840.10008.1.2.4.202": _JPEG_2000,
    "1.2.840.10008.1.2.4.203": _JPEG_2000,
}
