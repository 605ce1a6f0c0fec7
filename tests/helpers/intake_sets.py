"""Folders of images for tests of the intake, and what a person leaves behind in what was written."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import generate_uid

from helpers.command_line import content_of
from helpers.dicom_files import dicom_bytes

WHITE = 4095  # the largest stored value: 12 bits in 16
IMAGES_EACH = 3
# What a DICOM file tells of a person. No letter of it may be found in any file that the program writes.
NAMES = ("Quastenberg^Ottilie", "Wimmerling^Korbinian")
BORN = "19470311"
INSTITUTION = "Klinikum Hinterzarten-Süd"


def stripes(kind: str, seed: int, size: int = 64) -> np.ndarray[Any, Any]:
    """Stored values of 12 bits: stripes that run "down" or "across", with noise; 0 is black."""
    rng = np.random.default_rng([len(kind), seed])
    wave = np.sin(np.arange(size) / 2.0)
    grid = np.tile(wave, (size, 1)) if kind == "down" else np.tile(wave, (size, 1)).T
    grey = 2048 + 900 * rng.uniform(0.6, 1.0) * grid + rng.normal(0, 200, (size, size))
    return grey.clip(0, WHITE).astype(np.uint16)


def patient_id(number: int) -> str:
    """The identifier of a patient."""
    return f"PID-{7300 + number}-XQ"


def x_ray(values: np.ndarray[Any, Any], patient: int, inverted: bool, study: str) -> bytes:
    """A DICOM file with window and identifiers; MONOCHROME1 where `inverted`, which shows the same picture."""
    stored = WHITE - values if inverted else values
    middle, width = (WHITE - 2000, 3000) if inverted else (2000, 3000)
    return dicom_bytes(
        stored,
        "MONOCHROME1" if inverted else "MONOCHROME2",
        BitsStored=12,
        HighBit=11,
        Modality="DX",
        WindowCenter=middle,
        WindowWidth=width,
        PatientName=NAMES[patient % 2],
        PatientID=patient_id(patient),
        PatientBirthDate=BORN,
        InstitutionName=INSTITUTION,
        StudyInstanceUID=study,
        SeriesInstanceUID=generate_uid(),
        SpecificCharacterSet="ISO_IR 192",
    )


def write_x_rays(root: Path, patients_each: int = 8) -> dict[str, int]:
    """Two classes, several images a patient, every second patient's in MONOCHROME1, some without a suffix.

    Returns:
        Path relative to `root` -> number of the patient.
    """
    patients: dict[str, int] = {}
    for kind in ("across", "down"):
        (root / kind).mkdir(parents=True)
        for number in range(patients_each):
            patient = number + (0 if kind == "across" else patients_each)
            study = generate_uid()
            for index in range(IMAGES_EACH):
                # No part of the name says which images belong together.
                place = (number * 7 + index * patients_each * 5) % 997
                path = f"{kind}/{place:03}" + (".dcm" if index else "")
                (root / path).write_bytes(x_ray(stripes(kind, 100 * patient + index), patient, patient % 2 == 1, study))
                patients[path] = patient
    return patients


def manifest_rows(run: Path) -> list[dict[str, str]]:
    """Every line of a run's manifest."""
    return csv_rows(run / "manifest.csv")


def csv_rows(path: Path) -> list[dict[str, str]]:
    """Every line of a table with a header."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def parts_of(run: Path) -> dict[str, str]:
    """Used image -> its part."""
    return {row["path"]: row["split"] for row in manifest_rows(run) if row["split"] != "left_out"}


def torn_groups(rows: Iterable[Mapping[str, str]]) -> dict[str, set[str]]:
    """Groups that lie in more than one part, with these parts."""
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["group"]:
            parts[row["group"]].add(row["split"])
    return {group: found for group, found in parts.items() if len(found) > 1}


def traces(folder: Path, secrets: Collection[str], but: Collection[str] = ()) -> list[str]:
    """What of the secrets stands in names or bytes of the files below a folder, also in UTF-16.

    Args:
        folder: where to look.
        secrets: words.
        but: files, relative to it, that may hold them.
    """
    return [
        f"{name} tells {secret!r}"
        for name, content in content_of(folder).items()
        if name not in but
        for secret in secrets
        if secret in name or secret.encode() in content or secret.encode("utf-16-le") in content
    ]
