"""What a DICOM file says about itself beside its pixels, in words that name nobody."""

from __future__ import annotations

from typing import Any

from tlgui.imaging.dicom import number_of, text_of
from tlgui.imaging.pseudonyms import pseudonym
from tlgui.imaging.verdict import DicomFacts

_DEVICE = ("Manufacturer", "ManufacturerModelName", "StationName")


def facts_of(data: Any) -> DicomFacts:
    """The facts of a pydicom data set.

    Raises:
        UserError: identifiers cannot be hidden, since the key cannot be kept.
    """
    burned_in = text_of(data, "BurnedInAnnotation").upper()
    return DicomFacts(
        patient=pseudonym(text_of(data, "PatientID")),
        study=pseudonym(text_of(data, "StudyInstanceUID")),
        series=pseudonym(text_of(data, "SeriesInstanceUID")),
        device=pseudonym(*(text_of(data, keyword) for keyword in _DEVICE)),
        modality=_code(text_of(data, "Modality")),
        position=number_of(data, "InstanceNumber") or 0.0,
        burned_in="yes" if burned_in == "YES" else "no" if burned_in == "NO" else "",
    )


def _code(modality: str) -> str:
    """A modality is a code of a few capitals; anything else may be a note about a person."""
    return modality if len(modality) <= 16 and modality.isascii() and modality.isalnum() and modality.isupper() else ""
