"""DICOM: a file to stored values, the rescale, the window and the meaning that it gives them.

Grey images keep all their values; what becomes of these is for the pixel rule. Colour images of 8 bits, palettes among
them, are pictures already. Overlays are not drawn. It is pasted into the exported `predict.py`; see `signatures.py`.

Sources: DICOM PS3.3, C.7.6.3 (pixels), C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.16.2 (frames).
"""

from __future__ import annotations

import contextlib
import logging
import math
import re
from typing import IO, Any

import numpy as np
from PIL import Image

from tlgui.imaging.decoding import Decoded, Header, Pixels, Window, check_size, frame_index, missing_part, reading
from tlgui.imaging.dicom_frames import stored_frame
from tlgui.imaging.signatures import DecodeError

# Storage classes that hold pixels which are no picture of anybody.
NOT_PICTURES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation, that is a mask",
    "1.2.840.10008.5.1.4.1.1.66.7": "a segmentation, that is a mask",
    "1.2.840.10008.5.1.4.1.1.481.2": "a radiotherapy dose",
}
_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_TRANSFER_SYNTAXES = {  # of data sets that do not tell theirs, by (implicit, little-endian)
    (True, True): "1.2.840.10008.1.2",
    (False, True): "1.2.840.10008.1.2.1",
    (False, False): "1.2.840.10008.1.2.2",
}


def open_dicom(file: IO[bytes]) -> Header:
    """The data set without its pixels, in `details`.

    Raises:
        DecodeError: no_pixels for reports, plans and the like; unsupported for masks and doses; or it is damaged.
    """
    pydicom = _pydicom()
    with reading("DICOM"):
        file.seek(0)
        data = pydicom.dcmread(file, force=True, stop_before_pixels=True)
        pixels_follow = bool(file.read(4))
        kind = str(data.get("SOPClassUID", "") or getattr(data.file_meta, "MediaStorageSOPClassUID", ""))
        modality = text_of(data, "Modality")
        rows, columns = number_of(data, "Rows"), number_of(data, "Columns")
        frames = max(1, int(number_of(data, "NumberOfFrames") or 1))
        _tell_transfer_syntax(pydicom, data)
    if not rows or not columns:
        if pixels_follow:
            raise DecodeError("unreadable", "The DICOM file is damaged: it does not tell the size of its image.")
        named = f" ({modality})" if re.fullmatch("[A-Z]{2,16}", modality) else ""
        raise DecodeError("no_pixels", f"The DICOM file holds no image{named}.")
    if kind in NOT_PICTURES or modality == "SEG":
        what = NOT_PICTURES.get(kind, "a segmentation, that is a mask")
        raise DecodeError("unsupported", f"The DICOM file holds {what}, not a picture.")
    check_size(int(columns), int(rows))
    return Header("DICOM", (int(columns), int(rows)), frames, data)


def decode_dicom(file: IO[bytes], header: Header, frame: str) -> Decoded:
    """One frame: the middle one, unless `frame` says otherwise.

    Raises:
        DecodeError: damaged, cut off, or compressed in a way that cannot be read here.
    """
    index = frame_index(header.n_frames, frame, "middle")
    pydicom = _pydicom()
    with reading("DICOM"):
        file.seek(0)
        data = pydicom.dcmread(file, force=True)
        if not any(keyword in data for keyword in _PIXEL_KEYWORDS):
            raise DecodeError("truncated", "The DICOM file is cut off: its pixels are missing.")
        _tell_transfer_syntax(pydicom, data)
        stored = stored_frame(data, index, header.n_frames)
        if stored.shape[:2] != (header.height, header.width):
            raise DecodeError("unreadable", "The DICOM file is damaged: its image is not of the size that it tells.")
        return _interpreted(data, index, stored)


def photometric_of(header: Header) -> str:
    """Such as "MONOCHROME1" or "RGB"."""
    return text_of(header.details, "PhotometricInterpretation").upper()


def rescale_of(data: Any, index: int) -> tuple[float, float] | None:
    """Slope and intercept of a frame; `None` where a modality table takes their place."""
    lut = _first(data.get("ModalityLUTSequence"))
    if lut is not None and _table(lut, number_of(data, "PixelRepresentation") == 1) is not None:
        return None
    return _slope_and_intercept(data, index)


def _slope_and_intercept(data: Any, index: int) -> tuple[float, float]:
    scale = _of_frame(data, index, "PixelValueTransformationSequence")
    return number_of(scale, "RescaleSlope") or 1.0, number_of(scale, "RescaleIntercept") or 0.0


def _interpreted(data: Any, index: int, stored: Pixels) -> Decoded:
    from pydicom.pixels.processing import apply_color_lut

    photometric = text_of(data, "PhotometricInterpretation").upper()
    bits = int(number_of(data, "BitsStored") or stored.dtype.itemsize * 8)
    if photometric == "PALETTE COLOR":
        return _eight_bits(_display_colours(apply_color_lut(stored, data)))
    if stored.ndim == 3:
        if stored.shape[2] != 3:
            raise DecodeError("unsupported", f"A DICOM image of {stored.shape[2]} channels cannot be read.")
        return _eight_bits(stored) if stored.dtype == np.uint8 else Decoded(_no_image(), stored, None, bits)
    if number_of(data, "BitsAllocated") == 1:
        return _eight_bits(stored.astype(np.uint8) * 255)
    values = _rescaled(data, index, stored)
    return Decoded(
        _no_image(),
        values,
        None,
        bits,
        inverted=photometric == "MONOCHROME1",
        padding=_padding(data, stored),
        window=_window(data, index, values.dtype.kind == "f"),
    )


def _no_image() -> Image.Image:
    return Image.new("L", (1, 1))


def _eight_bits(values: Pixels) -> Decoded:
    return Decoded(Image.fromarray(np.ascontiguousarray(values)), None, None, 8)


def _display_colours(colours: Pixels) -> Pixels:
    """8 bits of a palette's colours; some writers fill only the lower byte of 16."""
    if colours.dtype == np.uint8 or colours.max() < 256:
        return colours.astype(np.uint8)
    return (colours >> 8).astype(np.uint8)


def _rescaled(data: Any, index: int, stored: Pixels) -> Pixels:
    """The values that the modality means, such as Hounsfield units; whole numbers stay whole numbers."""
    lut = _first(data.get("ModalityLUTSequence"))
    if lut is not None and (table := _table(lut, stored.dtype.kind == "i")) is not None:
        first, values, _bits = table
        return values[np.clip(np.rint(stored).astype(np.int64) - first, 0, len(values) - 1)]
    slope, intercept = _slope_and_intercept(data, index)
    if (slope, intercept) == (1.0, 0.0):
        return stored
    if stored.dtype.kind != "f" and slope.is_integer() and intercept.is_integer():
        return stored.astype(np.int64) * int(slope) + int(intercept)
    return stored.astype(np.float64) * slope + intercept


def _padding(data: Any, stored: Pixels) -> Pixels | None:
    """Where no picture is; `None` also where the value of "no picture" is all there is, or does not occur."""
    values = [number_of(data, "PixelPaddingValue"), number_of(data, "PixelPaddingRangeLimit")]
    known = [value for value in values if value is not None]
    if values[0] is None or stored.dtype.kind == "f":
        return None
    if stored.dtype.kind == "u":  # written as signed by some
        known = [value % 2 ** (8 * stored.dtype.itemsize) for value in known]
    mask = (stored >= min(known)) & (stored <= max(known))
    return mask if mask.any() and not mask.all() else None


def _window(data: Any, index: int, floating: bool) -> Window | None:
    """The first table or the first window of the file."""
    place = _of_frame(data, index, "FrameVOILUTSequence")
    lut = _first(place.get("VOILUTSequence"))
    if lut is not None and (table := _table(lut, number_of(data, "PixelRepresentation") == 1)) is not None:
        first, values, bits = table
        return Window(first, first + len(values) - 1, table=np.minimum(values * (255.0 / (2**bits - 1)), 255.0))
    centre, width = number_of(place, "WindowCenter"), number_of(place, "WindowWidth")
    if centre is None or width is None or not width > 0:
        return None
    function = text_of(place, "VOILUTFunction").upper()
    # LINEAR counts whole values: of floating-point ones in 0..1 its width of 1 would leave none, and below 1 it has no
    # meaning at all; writers mean LINEAR_EXACT then.
    if function in ("SIGMOID", "LINEAR_EXACT") or width < 1 or (floating and width == 1):
        return Window(centre - width / 2, centre + width / 2, "sigmoid" if function == "SIGMOID" else "line")
    return Window(centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)


def _table(lut: Any, signed: bool) -> tuple[int, Pixels, int] | None:
    """First index, entries and bits an entry of a look-up table; `None` where it is damaged."""
    try:
        length, first, bits = (int(value) for value in lut.LUTDescriptor)
        entries = lut.LUTData
        if isinstance(entries, bytes):
            entries = np.frombuffer(entries, "<u2" if len(entries) >= 2 * (length or 65536) else "u1")
        values = np.asarray(entries, np.int64) & 0xFFFF
    except Exception:  # what is badly written raises nearly anything
        return None
    first = (first & 0xFFFF) - 0x10000 if signed and first & 0x8000 else first & 0xFFFF
    values = values[: length or 65536]  # 0 stands for 65536
    return (first, values, min(max(bits, 1), 16)) if len(values) else None


def _of_frame(data: Any, index: int, sequence: str) -> Any:
    """What holds for this frame: its own group, the one shared by all frames, or the data set itself."""
    with contextlib.suppress(Exception):  # what is badly written raises nearly anything
        return getattr(data.PerFrameFunctionalGroupsSequence[index], sequence)[0]
    with contextlib.suppress(Exception):
        return getattr(data.SharedFunctionalGroupsSequence[0], sequence)[0]
    return data


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def number_of(data: Any, keyword: str) -> float | None:
    """The first number under a keyword; `None` where there is none, or one that is badly written."""
    with contextlib.suppress(Exception):  # what is badly written raises nearly anything
        value = data.get(keyword)
        number = float(value[0] if hasattr(value, "__getitem__") and not isinstance(value, str) else value)
        return number if math.isfinite(number) else None
    return None


def text_of(data: Any, keyword: str) -> str:
    """The text under a keyword without blanks around it; "" where there is none."""
    with contextlib.suppress(Exception):  # a value that cannot be decoded raises nearly anything
        return str(data.get(keyword) or "").strip()
    return ""


def _tell_transfer_syntax(pydicom: Any, data: Any) -> None:
    if getattr(data, "file_meta", None) is None:
        data.file_meta = pydicom.dataset.FileMetaDataset()
    if not data.file_meta.get("TransferSyntaxUID"):
        implicit, little = data.original_encoding
        known = _TRANSFER_SYNTAXES.get((bool(implicit), bool(little)), "1.2.840.10008.1.2")
        data.file_meta.TransferSyntaxUID = pydicom.uid.UID(known)


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError as error:
        raise missing_part("DICOM", "pydicom") from error
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    # Its remarks may quote what a file says about a patient.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    return pydicom
