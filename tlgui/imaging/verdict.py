"""What reading one file found out: everything that later steps need, so that no file is read twice; kept in the cache."""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.records import Reason
from tlgui.imaging.pixels import Description

PRINT_SIDE = 32  # of the small grey picture by which copies are told


class DicomFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a DICOM file says about itself beside its pixels; nothing here names anybody.

    Attributes:
        patient, study, series, device: the first 16 hexadecimal digits of a keyed sha256 (the key is this computer's
            own and never leaves it) of PatientID, StudyInstanceUID, SeriesInstanceUID, and of maker, model and station
            together; "" where the tag is missing or empty.
        modality: such as "CT".
        position: order within the series (InstanceNumber; 0 where it is missing).
        burned_in: what BurnedInAnnotation says.
    """

    patient: str = ""
    study: str = ""
    series: str = ""
    device: str = ""
    modality: str = ""
    position: float = 0.0
    burned_in: Literal["yes", "no", ""] = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One file, by its content alone: what folders and tables say of it is no part of this.

    Attributes:
        level: "head": only the first bytes were looked at; "full": decoded to the end and hashed.
        kind: the format that the first bytes show, such as "PNG"; "" where it is none that is accepted.
        reason_code, reason: why it cannot be used; `None` and "" where it can (as far as the level tells).
        content_hash: sha256 of all bytes; "" for "head".
        size_bytes: of the file.
        description: `None` for "head" and where it cannot be used.
        notices: (code, sentence) of what the person should know, such as ("first_page", "The first of 3 pages is used.").
        print: PRINT_SIDE x PRINT_SIDE grey levels, row by row, of the whole picture squeezed into the square and
            stretched from its own darkest to its own brightest value; empty where there is none.
        dicom: `None` for other formats.
    """

    level: Literal["head", "full"]
    kind: str = ""
    reason_code: Reason | None = None
    reason: str = ""
    content_hash: str = ""
    size_bytes: int = 0
    description: Description | None = None
    notices: list[tuple[str, str]] = []
    print: bytes = b""
    dicom: DicomFacts | None = None
