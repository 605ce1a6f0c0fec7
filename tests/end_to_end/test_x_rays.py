"""DICOM from the first look to the exported script: patients stay together, and nothing tells who they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import OpenEngine, Tlgui, content_of, strict_json, type_here
from helpers.intake_sets import (
    BORN,
    IMAGES_EACH,
    INSTITUTION,
    NAMES,
    manifest_rows,
    patient_id,
    stripes,
    torn_groups,
    traces,
    write_x_rays,
    x_ray,
)
from helpers.schemas import CHECK, EXPORT, PREDICT, conforms, conforms_as_run
from helpers.window_program import Program
from pydicom.uid import generate_uid

from tlgui.core import run_spec
from tlgui.core.engine_process import EngineProcess
from tlgui.imaging import scan_cache

pytestmark = pytest.mark.slow
PATIENTS = 16
# Where a tag says what it may not say, libraries like to quote it.
MISUSED = {
    "born.dcm": (b"19470311", b"Ottilie "),
    "window.dcm": (b"2000", b"Otti"),
    "character set.dcm": (b"ISO_IR 192", b"Wimmerling"),
    "unique.dcm": (b"1.2.826.0.1", b"Quastenberg"),
    "photometric.dcm": (b"MONOCHROME2 ", b"Quastenberg "),
}
KNOWS_PLACES = ("places.json", "projects.json")  # the only files that may say where the images lie
QUOTED = ("Otti", "Wimmerling", "Quastenberg")


def checked(tlgui: Tlgui, data: Path, patients: dict[str, int]) -> None:
    said = tlgui("check", data, "--json")
    assert said.code == 0, said.err
    conforms(said.json, CHECK)
    found = said.json
    assert (found["used"], found["left_out"], found["leaks"]) == (len(patients), [], [])
    assert found["classes"] == {"across": 24, "down": 24}
    groups = found["groups"]
    assert (groups["key"], groups["groups"], groups["largest"]) == ("dicom:patient", PATIENTS, IMAGES_EACH)
    assert (groups["images"], groups["without"]) == (len(patients), 0)
    assert found["pixel_rule"]["method"] == "window"


def trained(tlgui: Tlgui, data: Path, patients: dict[str, int]) -> Path:
    said = tlgui("train", data, "--epochs", 1, "--json")
    assert said.code == 0, said.err
    conforms_as_run(said.events, "Completed")
    run = Path(said.events[0]["run"])
    rows = manifest_rows(run)
    assert {row["path"] for row in rows} == set(patients)
    assert torn_groups(rows) == {}
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    together: dict[str, set[int]] = {}
    for row in rows:
        together.setdefault(row["group"], set()).add(patients[row["path"]])
    assert "" not in together and len(together) == PATIENTS
    assert all(len(members) == 1 for members in together.values())
    spec = run_spec.read(run / "run.toml")
    assert spec.dataset is not None and spec.dataset.formats == ["DICOM"]
    assert (spec.dataset.grouped_by, spec.dataset.groups) == ("dicom:patient", PATIENTS)
    assert spec.pixel_rule.method == "window"
    return run


def exported(tlgui: Tlgui, run: Path, to: Path) -> Path:
    said = tlgui("export", run, "--format", "onnx", "--to", to, "--json")
    assert said.code == 0, said.err
    conforms(said.json, EXPORT)
    assert said.json["parity"]["passed"] is True
    return Path(said.json["folder"])


def own_answers(tlgui: Tlgui, run: Path, paths: list[Path]) -> list[dict[str, Any]]:
    said = tlgui("predict", run, *paths, "--json")
    assert said.code == 0, said.err
    conforms(said.json, PREDICT)
    answers: list[dict[str, Any]] = said.json
    return answers


def answers_of_the_script(folder: Path, paths: list[Path], elsewhere: Path) -> list[dict[str, Any]]:
    # Isolated: it must not find this program.
    typed = [sys.executable, "-I", str(folder / "predict.py"), "--json", *map(str, paths)]
    done = subprocess.run(typed, check=False, capture_output=True, timeout=120, cwd=elsewhere)
    assert done.returncode == 0, done.stderr.decode()
    answers: list[dict[str, Any]] = strict_json(done.stdout.decode())
    return answers


def agree(one: dict[str, Any], other: dict[str, Any], within: float) -> None:
    assert one["label"] == other["label"], (one, other)
    for name, probability in one["probabilities"].items():
        assert abs(probability - other["probabilities"][name]) <= within, (one, other)


def identifiers() -> list[str]:
    named = [*NAMES, *(part for name in NAMES for part in name.split("^")), INSTITUTION, BORN]
    return named + [patient_id(number) for number in range(PATIENTS)]


def test_x_rays_of_patients_are_trained_on_exported_and_nobody_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home of ottilie"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(scan_cache, "RACY_NS", 0)  # else files that are as new as these would not be kept in it
    data = home / "studies" / "x-rays"
    patients = write_x_rays(data)
    before = content_of(data)
    values = stripes("down", 77)
    twice = [home / "as stored.dcm", home / "turned round.dcm"]
    for path, inverted in zip(twice, (False, True), strict=True):
        path.write_bytes(x_ray(values, 99, inverted, generate_uid()))

    with EngineProcess() as engine:

        def tlgui(*typed: object) -> Any:
            return type_here(lambda: OpenEngine(engine), *typed)

        checked(tlgui, data, patients)
        run = trained(tlgui, data, patients)
        export = exported(tlgui, run, tmp_path / "for colleagues")
        asked = [*(data / path for path in sorted(patients)[::5]), *twice]
        own = own_answers(tlgui, run, asked)
    theirs = answers_of_the_script(export, asked, home)
    assert len(own) == len(theirs) == len(asked)
    for one, other in zip(own, theirs, strict=True):
        agree(one, other, within=1e-3)
    assert {answer["label"] for answer in own} == {"across", "down"}
    agree(own[-2], own[-1], within=0.02)  # one picture, stored in both ways: a grey value may round otherwise

    assert content_of(data) == before
    state, cache = Path(os.environ["TLGUI_STATE_DIR"]), Path(os.environ["TLGUI_CACHE_DIR"])
    projects = Path(os.environ["TLGUI_PROJECTS_DIR"])
    assert run.is_relative_to(projects)
    places = [str(tmp_path), str(home), home.name]
    for folder in (projects, state, tmp_path / "for colleagues"):
        assert traces(folder, identifiers()) == []
        assert traces(folder, places, but=KNOWS_PLACES) == []
    assert traces(cache / "scans", ["across/000"]), "the cache is looked into"
    assert traces(cache / "scans", identifiers() + places) == []
    assert json.loads((export / "labels.json").read_text("utf-8"))["classes"] == ["across", "down"]


def test_tags_that_say_what_they_may_not_are_quoted_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_cache, "RACY_NS", 0)
    data = tmp_path / "of quastenberg" / "x-rays"
    patients = write_x_rays(data, patients_each=4)
    for name, (right, wrong) in MISUSED.items():
        content = x_ray(stripes("down", 7), 2, False, "1.2.826.0.1.3680043.8.498.1")
        assert right in content
        (data / "down" / name).write_bytes(content.replace(right, wrong))
        (data / "across" / name).write_bytes(content.replace(right, wrong)[:-700])
    files = len(patients) + 2 * len(MISUSED)

    said = type_here(EngineProcess, "check", data, "--json")
    assert said.code == 0, said.err
    assert said.json["used"] + len(said.json["left_out"]) == files
    left_out = {item["path"] for item in said.json["left_out"]}
    assert {f"across/{name}" for name in MISUSED} <= left_out
    assert [word for word in identifiers() if word in said.out + said.err] == []
    with Program("look", data) as window:
        assert int(window.until("read ")) == said.json["used"]
        code, complaints = window.end()
    assert (code, complaints) == (0, "")
    state, projects, cache = (Path(os.environ[f"TLGUI_{name}_DIR"]) for name in ("STATE", "PROJECTS", "CACHE"))
    assert traces(cache / "scans", ["down/born.dcm"]), "the cache is looked into"
    for folder in (state, projects, cache / "scans"):
        assert traces(folder, [*identifiers(), *QUOTED]) == []
        assert traces(folder, [str(tmp_path)], but=KNOWS_PLACES) == []
