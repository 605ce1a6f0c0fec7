"""Sites held out in turn, on the disk, with runs that were never trained; a test ends them as it likes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from helpers.compared import finish
from tlgui.core import sites
from tlgui.core.comparison import ComparedRun, is_done
from tlgui.core.paths import projects_dir
from tlgui.core.planning import resolve
from tlgui.core.records import ImageRecord
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import Dataset
from tlgui.core.sites import Sites
from tlgui.core.split import Part

HELD, KNOWN = 40, 20  # images that test a site, and that validate its run


def sites_of(*names: str, by: str = "folder", dataset: str = "cells", weights: str = "") -> Sites:
    """What is held out."""
    return Sites(
        dataset=dataset, images="f" * 64, by=by, names=list(names or ("art", "photo", "sketch")),
        backbone="efficientnet-lite0", weights=weights, strategy="feature-extraction", epochs=3,
    )  # fmt: skip


def new_sites_folder(name: str = "2026-11-26 10.00 sites") -> Path:
    """Where they lie, of the images "cells"."""
    return projects_dir() / "cells" / sites.FOLDER / name


def make_sites(folder: Path, asked: Sites) -> list[ComparedRun]:
    """The folders of their runs, none of them begun."""
    sites.write(folder, asked)
    for place in range(len(asked.names)):
        spec = asked.spec()
        training, _ = resolve(spec.training, 40)
        about = Dataset(
            name=asked.dataset, fingerprint="f" * 64, layout="domain folders", classes=["round", "star"],
            images=HELD + KNOWN + 2,
        )  # fmt: skip
        run = create(folder / asked.folder_of(place), msgspec.structs.replace(spec, training=training, dataset=about))
        parts = _parts(place)
        used = [
            ImageRecord(path=path, class_name="star" if number % 2 else "round", content_hash=path, width=9, height=9)
            for number, path in enumerate(parts)
        ]
        run.write_manifest(used, parts, [])
    return compared_sites(folder, asked)


def end_site(folder: Path, asked: Sites, name: str, right: int = 30, known: int = 18) -> None:
    """What the engine leaves behind at the end of a run.

    Args:
        folder: of the sites.
        asked: what is held out.
        name: of the site.
        right: of its `HELD` images.
        known: of `KNOWN` validation images.
    """
    place = asked.names.index(name)
    left = {"test": right, "validation": known, "train": 2}
    held: dict[str, tuple[Part, bool]] = {}
    for path, part in _parts(place).items():
        held[path] = (part, left[part] > 0)
        left[part] -= 1
    finish(RunFolder(folder / asked.folder_of(place)), held)


def whole_sites(folder: Path, asked: Sites, right: Mapping[str, int]) -> None:
    """All of them have come to their end.

    Args:
        folder: of the sites.
        asked: what was held out.
        right: by the name of a site: how many of its images.
    """
    make_sites(folder, asked)
    for name in asked.names:
        end_site(folder, asked, name, right[name])


def compared_sites(folder: Path, asked: Sites) -> list[ComparedRun]:
    """As the imaging child tells them."""
    runs = []
    for place, name in enumerate(asked.names):
        path = folder / asked.folder_of(place)
        runs.append(ComparedRun(run=os.path.realpath(path), label=name, strategy=asked.strategy, done=is_done(path)))
    return runs


def _parts(place: int) -> dict[str, Part]:
    parts: dict[str, Part] = {f"{place} {number}.png": "test" for number in range(HELD)}
    parts |= {f"{place} known {number}.png": "validation" for number in range(KNOWN)}
    return parts | {f"{place} train {number}.png": "train" for number in range(2)}
