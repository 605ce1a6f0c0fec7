"""The exported script reads every kind of file by the whole pixel rule, as the program does, and says what it lacks."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from helpers.dicom_files import dicom_bytes
from helpers.tiny import tiny_network
from PIL import Image

from tlgui.core.paths import resource
from tlgui.core.records import PixelRule
from tlgui.engine.export import onnx_file, parity, script
from tlgui.engine.export.description import as_text, describe, pixel_rule_sentence
from tlgui.engine.trained_model import Card, TrainedModel
from tlgui.imaging.pixels import NEEDS

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES = ["a", "b", "c"]
RULES = {
    "range": PixelRule(high=4095.0),
    "percentile": PixelRule(method="percentile", low=5.0, high=95.0),
    "window": PixelRule(method="window", high=4095.0, background=(0, 0, 0)),
    "border, grey, last frame": PixelRule(high=4095.0, colour="grey", border=0.15, frame="last"),
}


def model_of(rule: PixelRule, formats: list[str] | None = None) -> TrainedModel:
    card = Card(backbone="tiny", classes=CLASSES, fit="crop", pixel_rule=rule, epoch=1, formats=formats or [])
    return TrainedModel(tiny_network(3), card)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """16-bit PNG, DICOM with a window and several frames, a turned JPEG, a TIFF for which Pillow has no reader."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(3)
    deep = np.kron(rng.integers(0, 4096, (6, 8)), np.ones((7, 7))).astype(np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    frames = np.stack([deep, deep[::-1], deep.T[:42, :42].repeat(2, axis=1)[:, :56]])
    (folder / "dicom").write_bytes(dicom_bytes(frames, "MONOCHROME1", WindowCenter=1500, WindowWidth=900))
    exif = Image.Exif()
    exif[0x0112] = 6
    colours = np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((7, 7, 1))).astype(np.uint8)
    Image.fromarray(colours).save(folder / "turned.jpg", exif=exif)
    import tifffile

    tifffile.imwrite(folder / "double.tif", (deep / 3.0).astype(np.float64))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    model = model_of(PixelRule())
    onnx_file.write(model, folder / onnx_file.NAME)
    (folder / script.NAME).write_text(script.text(model, "onnx"), encoding="utf-8")
    return folder


def by_rule(folder: Path, rule: PixelRule) -> TrainedModel:
    """The model as if it had been exported with another rule, which its metadata alone tell."""
    model = model_of(rule)
    held = onnx.load(folder / onnx_file.NAME)
    told = as_text(describe(model, inside_graph=True))
    for entry in held.metadata_props:
        entry.value = told[entry.key]
    onnx.save(held, folder / onnx_file.NAME)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_the_script_answers_like_the_program_by_every_rule(name: str, exported: Path, images: list[Path]) -> None:
    model = by_rule(exported, RULES[name])

    own = [answer for answer in parity.own_answers(model, images) if answer is not None]
    theirs = parity.script_answers(exported / script.NAME, images, CLASSES, script.blocked("onnx"), threads=1)

    assert len(own) == len(images) == 4
    verdict = parity.compare(own, theirs)
    assert verdict.passed and verdict.probability < 1e-5
    # The rule changes what is seen; else nothing would have been shown.
    plain = replace(model, card=msgspec.structs.replace(model.card, pixel_rule=PixelRule()))
    others = [answer for answer in parity.own_answers(plain, images) if answer is not None]
    assert not parity.compare(own, others).passed


@pytest.mark.slow
def test_a_file_whose_part_is_missing_is_named_with_what_to_install(exported: Path, images: list[Path]) -> None:
    by_rule(exported, PixelRule())
    order = {
        "script": str(exported / script.NAME),
        "arguments": ["--json", *map(str, images)],
        "search": [place for place in sys.path if Path(place).is_absolute()],
        "blocked": [*script.blocked("onnx"), "pydicom", "tifffile"],
    }

    ended = subprocess.run(
        [sys.executable, "-I", str(resource("export/isolated.py"))],
        input=json.dumps(order).encode(),
        capture_output=True,
        check=False,
    )

    problems = {Path(each["path"]).name: each.get("problem", "") for each in json.loads(ended.stdout)}
    assert "'pydicom'" in problems["dicom"] and "'tifffile'" in problems["double.tif"]
    assert problems["deep.png"] == problems["turned.jpg"] == ""


@pytest.mark.parametrize("format_", ["onnx", "weights"])
def test_parts_for_other_formats_are_needed_where_the_model_has_seen_them(format_: str) -> None:
    plain = script.needs(model_of(PixelRule(), ["JPEG", "PNG"]), format_)
    medical = script.needs(model_of(PixelRule(), ["DICOM", "HEIC", "JPEG"]), format_)

    assert not {package for packages in NEEDS.values() for package in packages} & set(plain)
    assert medical[: len(plain)] == plain
    assert {*NEEDS["DICOM"], *NEEDS["HEIC"]} == set(medical) - set(plain)
    assert len(set(medical)) == len(medical)
    first = script.text(model_of(PixelRule(), ["DICOM"]), format_).splitlines()[0]
    assert all(package in first for package in NEEDS["DICOM"])


def test_the_sentence_and_the_metadata_say_the_whole_rule() -> None:
    plain = pixel_rule_sentence(RULES["range"])
    for word in ("first frame", "DICOM the middle one", "4095 becomes 255", "MONOCHROME1", "EXIF", "(255, 255, 255)"):
        assert word in plain
    assert "cut off on each side" not in plain and "0.299" not in plain
    assert "the 5 % percentile becomes 0 and the 95 % percentile becomes 255" in pixel_rule_sentence(
        RULES["percentile"]
    )
    window = pixel_rule_sentence(RULES["window"])
    assert "PS3.3 C.11.2" in window and "without one, 0 becomes 0 and 4095 becomes 255" in window
    other = pixel_rule_sentence(RULES["border, grey, last frame"])
    assert other.startswith("The last frame") and "15 % of the width" in other and "0.299 R" in other

    told = describe(model_of(RULES["percentile"]), inside_graph=True)["pixel_rule"]
    assert told.keys() == set(PixelRule.__struct_fields__)
