"""The whole road through folders with every odd sign in their names, and no trace of a person's places in what it makes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command_line import OpenEngine, Tlgui, content_of, type_here, type_in
from helpers.pictures import write_dataset
from helpers.schemas import CHECK, EVALUATE, EXPORT, PREDICT, conforms, conforms_as_run

from tlgui.core.engine_process import EngineProcess

pytestmark = pytest.mark.slow
ODD = "Bilder für 'Ärzte' & \"Co\" <b>fett<i> 😀 100 % $HOME ;x"
CLASSES = {"größe <b>": 12, "quer & längs 😀": 12}


def test_odd_names_and_privacy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The person's folder above the dataset names a patient; the dataset's own name belongs to the run and is told.
    data = write_dataset(tmp_path / "DOE^JANE studies" / ODD, CLASSES)
    (data / "größe <b>/kaputt 'ü' 😀.png").write_bytes(b"")
    run = tmp_path / "runs" / f"{ODD} run"
    before = content_of(data)
    home = tmp_path / "home of jane"
    home.mkdir()
    person = {"HOME": str(home)}

    said = type_in("check", data, "--json", env=person)
    assert (said.code, said.err) == (0, "")
    conforms(said.json, CHECK)
    assert said.json["classes"] == CLASSES
    assert [item["path"] for item in said.json["left_out"]] == ["größe <b>/kaputt 'ü' 😀.png"]

    said = type_in("train", data, "--epochs", 1, "--run-dir", run, "--json", env=person)
    assert said.code == 0, said.err
    conforms_as_run(said.events, "Completed")
    assert said.events[0]["run"] == str(run)
    assert said.events[0]["classes"] == sorted(CLASSES)
    with (run / "results/predictions.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["path"] for row in csv.DictReader(stream)} == set(before) - {"größe <b>/kaputt 'ü' 😀.png"}

    monkeypatch.setenv("HOME", str(home))
    with EngineProcess() as engine:
        uses(lambda *typed: type_here(lambda: OpenEngine(engine), *typed), run, data, tmp_path / "für Kollegen & <Co>")
    assert content_of(data) == before
    nothing_is_told(tmp_path, run, home)


def uses(tlgui: Tlgui, run: Path, data: Path, elsewhere: Path) -> None:
    paths = set(content_of(data))
    said = tlgui("evaluate", run, data, "--json")
    assert said.code == 0, said.err
    conforms(said.json, EVALUATE)

    said = tlgui("predict", run, data, "--csv", run.parent / "ä 😀.csv", "--json")
    assert said.code == 0, said.err
    conforms(said.json, PREDICT)
    assert {answer["path"] for answer in said.json} == {f"{ODD}/{path}" for path in paths}
    assert [answer["path"] for answer in said.json if answer["problem"]] == [f"{ODD}/größe <b>/kaputt 'ü' 😀.png"]

    # The place of the images is known from the training; the last export goes elsewhere, and answers there.
    said = tlgui("export", run, "--format", "weights", "--json")
    assert said.code == 0, said.err
    conforms(said.json, EXPORT)
    assert Path(said.json["folder"]).parent == run / "export"
    said = tlgui("export", run, "--format", "onnx", "--to", elsewhere, "--json")
    assert said.code == 0, said.err
    conforms(said.json, EXPORT)
    assert said.json["parity"]["passed"] is True
    script = Path(said.json["folder"]) / "predict.py"
    picture = next(path for path in sorted(data.rglob("*.png")) if path.stat().st_size)
    done = subprocess.run([sys.executable, str(script), str(picture)], check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert any(name in done.stdout.decode() for name in CLASSES)


def nothing_is_told(tmp_path: Path, run: Path, home: Path) -> None:
    state = Path(os.environ["TLGUI_STATE_DIR"])
    checkout = Path(__file__).resolve().parents[2]
    secrets = ["DOE", "JANE", str(tmp_path), str(home), str(Path.home()), str(checkout)]
    secrets = [secret for secret in secrets if len(secret) > 2]
    for folder in (run, tmp_path / "für Kollegen & <Co>", state):
        for name, content in content_of(folder).items():
            assert "DOE" not in name
            if folder == state and name in ("places.json", "projects.json"):
                continue  # the person's own notes of where the images lie, and of which project is theirs
            found = [secret for secret in secrets if secret.encode() in content]
            assert not found, f"{name} of {folder.name} tells {found}"
