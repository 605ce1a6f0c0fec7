"""Small DICOM files for tests."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid


def dicom_bytes(values: np.ndarray[Any, Any], photometric: str = "MONOCHROME2", **tags: Any) -> bytes:
    """A file with these stored values.

    Args:
        values: (H, W), (frames, H, W), or with "RGB" (H, W, 3); 8 or 16 bits, signed or not.
        photometric: what they mean.
        **tags: further elements by their keywords, such as `WindowCenter=40`.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    colour = photometric == "RGB"
    if values.ndim == 3 and not colour:
        data.NumberOfFrames = len(values)
    rows, columns = values.shape[:2] if colour else values.shape[-2:]
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Rows, data.Columns = rows, columns
    data.SamplesPerPixel, data.PhotometricInterpretation = 3 if colour else 1, photometric
    if colour:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = 8 * values.dtype.itemsize
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(values.dtype.kind == "i")
    data.PixelData = values.astype(values.dtype.newbyteorder("<")).tobytes()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()
