"""`tlgui demo`, the first thing that anybody sees."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from helpers.command_line import strict_json, type_in
from helpers.schemas import METRICS_FILE, conforms


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_goes_the_whole_road() -> None:
    said = type_in("demo", timeout_s=500)
    assert said.code == 0, said.err
    assert said.err == ""
    assert "drawn" in said.out.splitlines()[0]
    assert "Training is complete." in said.out
    assert "accuracy (95 % interval)" in said.out
    pairs = {line[:10].strip(): line[10:].strip() for line in said.out.splitlines()[-5:]}
    assert list(pairs) == ["run folder", "exported", "parity", "folder", "time"]
    run = Path(pairs["run folder"])
    assert run.is_relative_to(Path(os.environ["TLGUI_PROJECTS_DIR"]))
    assert pairs["exported"] == "onnx: labels.json, model.onnx, parity.json, predict.py"

    metrics = strict_json((run / "results/metrics.json").read_text(encoding="utf-8"))
    conforms(metrics, METRICS_FILE)
    # Hard enough to be worth watching, and learnable.
    assert metrics["validation"]["accuracy"]["value"] >= 0.8
    with (run / "results/predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    assert sum(row["split"] == "test" for row in rows) == metrics["test"]["accuracy"]["n"]
    (folder,) = (run / "export").iterdir()
    assert pairs["folder"] == str(folder)
    parity = strict_json((folder / "parity.json").read_text(encoding="utf-8"))
    assert parity["passed"] is True
    assert parity["images"] >= 32
    assert parity["labels_equal"] == parity["images"]
    assert parity["max_probability_difference"] <= 1e-3
