"""What is done with a trained model: evaluate, predict, export, continue."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from helpers.command_line import Tlgui, content_of, strict_json
from helpers.pictures import write_dataset
from helpers.schemas import EVALUATE, EXPORT, PREDICT, conforms, conforms_as_run


def test_evaluate_tells_known_images_from_new_ones(tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    before = dict(content_of(run))
    mixed = tmp_path / "mixed"
    shutil.copytree(photos, mixed)
    write_dataset(tmp_path / "other", {"down": 2, "x": 2}, 64)
    shutil.copy(tmp_path / "other/down/000.png", mixed / "down/new.png")
    said = tlgui("evaluate", run, mixed, "--json")
    assert (said.code, said.err) == (0, "")
    conforms(said.json, EVALUATE)
    assert {name: scores["accuracy"]["n"] for name, scores in said.json.items()} == {
        "train": 20,
        "validation": 4,
        "test": 4,
        "new": 1,
    }
    assert "says nothing about new ones" in said.json["train"]["note"]
    metrics = strict_json(before.pop("results/metrics.json").decode())
    assert said.json["test"]["confusion_matrix"] == metrics["test"]["confusion_matrix"]

    people = tlgui("evaluate", run, mixed)
    assert people.code == 0
    assert "accuracy (95 % interval)" in people.out and "\nnew " in people.out
    # Nothing of the run changes, but that each look at its test images is counted.
    after = dict(content_of(run))
    counted = strict_json(after.pop("results/metrics.json").decode())
    assert counted == metrics | {"test_evaluations": metrics["test_evaluations"] + 2}
    assert after == before


def test_evaluate_refuses_what_the_model_does_not_know(tlgui: Tlgui, trained: Path, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "other", {"down": 2, "x": 2})
    said = tlgui("evaluate", trained, other, "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(
        "'other' has a class that the model was not trained on: 'x'. The model knows: across, down."
    )
    said = tlgui("evaluate", trained, tmp_path / "nowhere")
    assert said.code == 1
    assert said.err.startswith("The folder 'nowhere' does not exist.")


def test_predict_answers_each_file_and_says_why_not(tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    shutil.copy(photos / "down/000.png", tmp_path / "some/one, two.png")
    (tmp_path / "some/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "some/text.txt").write_text("no picture")
    table = tmp_path / "answers.csv"
    said = tlgui("predict", trained, tmp_path / "some", photos / "across/000.png", "--csv", table, "--json")
    assert (said.code, said.err) == (0, "")
    answers = said.json
    conforms(answers, PREDICT)
    assert [answer["path"] for answer in answers] == [
        "some/broken.png",
        "some/one, two.png",
        "some/text.txt",
        "000.png",
    ]
    for answer in answers:
        if answer["problem"]:
            assert (answer["label"], answer["probabilities"]) == ("", {})
        else:
            assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].__getitem__)
            assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert [bool(answer["problem"]) for answer in answers] == [True, False, True, False]
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["path", "predicted", "p_across", "p_down", "problem"]
    for row, answer in zip(rows, answers, strict=True):
        assert (row["path"], row["predicted"], row["problem"]) == (answer["path"], answer["label"], answer["problem"])
        # The very same numbers, not rounded ones.
        assert [float(row[f"p_{name}"]) for name in answer["probabilities"]] == list(answer["probabilities"].values())

    # The same file gives the very same answer that stands in the run's own table.
    with (trained / "results/predictions.csv").open(encoding="utf-8", newline="") as stream:
        own = {row["path"]: row for row in csv.DictReader(stream)}
    assert answers[3]["probabilities"]["down"] == pytest.approx(float(own["across/000.png"]["p_down"]), abs=1e-5)

    people = tlgui("predict", trained, tmp_path / "some")
    assert people.code == 0
    assert "some/broken.png: no answer. " in people.out
    assert "some/one, two.png: " in people.out


def test_predict_refuses(tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path) -> None:
    said = tlgui("predict", trained, tmp_path / "nothing.png", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err == "'nothing.png' does not exist. Check the spelling of the file or folder.\n"
    (tmp_path / "empty").mkdir()
    assert tlgui("predict", trained, tmp_path / "empty").err.startswith("No file was found to predict on.")
    said = tlgui("predict", trained, photos / "down/000.png", "--csv", tmp_path / "no/where.csv", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("'where.csv' cannot be written: ")


@pytest.mark.slow
def test_export_weights(tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path) -> None:
    before = content_of(trained)
    to = tmp_path / "for others"
    (to / "run-weights-1").mkdir(parents=True)
    said = tlgui("export", trained, "--format", "weights", "--to", to, "--data", photos, "--json")
    assert (said.code, said.err) == (0, "")
    conforms(said.json, EXPORT)
    folder = Path(said.json["folder"])
    assert folder == to / "run-weights-2"  # what is there already is left alone
    assert list((to / "run-weights-1").iterdir()) == []
    assert sorted(said.json["files"]) == sorted(path.name for path in folder.iterdir())
    assert {"model.safetensors", "model.pth", "labels.json", "parity.json"} <= set(said.json["files"])
    assert said.json["parity"] == strict_json((folder / "parity.json").read_text(encoding="utf-8"))
    assert said.json["parity"]["passed"] is True
    assert (photos / said.json["worst_image"]).is_file()
    assert content_of(trained) == before


def test_export_refuses(tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path) -> None:
    said = tlgui("export", trained, "--format", "onnx", "--to", tmp_path / "to", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err == "The images of the run 'run' are not where they were. Say where they are with --data DIR.\n"
    said = tlgui("export", trained, "--format", "onnx", "--to", tmp_path / "to", "--data", tmp_path / "gone")
    assert said.err == "There is no folder 'gone'. Give the folder of the images with --data DIR.\n"
    (tmp_path / "file").write_text("x")
    said = tlgui("export", trained, "--format", "onnx", "--to", tmp_path / "file", "--data", photos)
    assert said.code == 1
    assert said.err.startswith("The folder 'file' cannot be made: ")


@pytest.mark.slow
def test_a_complete_run_goes_on_only_with_more_epochs(
    tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    moved = tmp_path / "moved"
    shutil.copytree(photos, moved)
    said = tlgui("continue", run, "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err == "The images of the run 'run' are not where they were. Say where they are with --data DIR.\n"
    # Refused each time: a refusal is no reason to go on the next time.
    for _ in range(2):
        said = tlgui("continue", run, "--data", moved, "--json")
        assert said.code == 1
        assert [event["type"] for event in said.events] == ["Failed"]
        assert said.err == "The run 'run' is complete: there is nothing to continue. Add epochs with --more-epochs N.\n"
    # The place is known from now on.
    said = tlgui("continue", run, "--more-epochs", 1, "--json")
    assert said.code == 0, said.err
    conforms_as_run(said.events, "Completed")
    kinds = [event["type"] for event in said.events]
    assert kinds.index("Resumed") < kinds.index("Extended") < kinds.index("EpochEnded")
    assert [event["epoch"] for event in said.events if event["type"] == "EpochEnded"] == [4]
    assert next(event for event in said.events if event["type"] == "Extended")["epochs"] == 4
    metrics = strict_json((run / "results/metrics.json").read_text(encoding="utf-8"))
    assert metrics["test_evaluations"] == 2


def test_evaluate_compares_two_runs_on_the_same_images(
    tlgui: Tlgui, trained: Path, photos: Path, tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "other run"
    for copy in (run, other):
        shutil.copytree(trained, copy)
    said = tlgui("evaluate", run, photos, "--beside", other, "--json")
    assert (said.code, said.err) == (0, "")
    assert "beside" not in said.json["train"]
    pair = said.json["test"]["beside"]
    assert (pair["run"], pair["images"], pair["better"], pair["worse"]) == ("other run", 4, 0, 0)
    assert (pair["difference"], pair["p"], pair["outcome"]) == (0.0, 1.0, "no difference")
    assert pair["metrics"]["accuracy"] == said.json["test"]["accuracy"]

    people = tlgui("evaluate", run, photos, "--beside", other)
    assert people.code == 0 and "cannot be told apart on so many images" in " ".join(people.out.split())
    same = tlgui("evaluate", run, photos, "--beside", run)
    assert same.code == 1 and same.err.startswith("A run cannot be compared with itself.")
