"""`tlgui train`: what it says in JSON and to people, what it takes from run files and flags, and what it refuses."""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.command_line import PlayedEngine, Tlgui, Typed, content_of, strict_json, type_here
from helpers.compared import answered
from helpers.pictures import write_dataset
from helpers.schemas import METRICS_FILE, conforms, conforms_as_run, without_times

from tlgui.cli.train import place_of_images
from tlgui.core import commands, events
from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.backbones import BACKBONES
from tlgui.core.presets import PRESETS
from tlgui.core.run_folder import RunFolder, open_run, recall_place
from tlgui.core.run_spec import Training
from tlgui.core.strategies import STRATEGIES


def spec_of(run: Path) -> dict[str, Any]:
    return tomllib.loads((run / "run.toml").read_text(encoding="utf-8"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def completed(run: Path) -> tuple[events.AnyEvent, ...]:
    return (events.Completed(run=str(run), message="Training is complete."),)


def test_json_is_the_events_from_the_start_to_the_ending_and_nothing_else(training: tuple[Path, Typed]) -> None:
    run, said = training
    assert said.code == 0
    conforms_as_run(said.events, "Completed")
    first, last = said.events[0], said.events[-1]
    assert first["run"] == last["run"] == str(run)
    assert (first["seed"], first["epochs"], first["strategy"]) == (7, 3, "auto")
    assert first["train_images"] + first["validation_images"] + first["test_images"] == 28
    assert [event["epoch"] for event in said.events if event["type"] == "EpochEnded"] == [1, 2, 3]
    # What the table says is told beside the stream, not in it; what it becomes is an event.
    assert "By the table: 28 images are fewer than 1,000, and nothing was said about their kind" in said.err
    (chosen,) = (event for event in said.events if event["type"] == "StrategyChosen")
    assert (chosen["strategy"], chosen["by"], chosen["epochs"]) == ("feature-extraction", "images", 3)
    spec = spec_of(run)
    assert spec["training"]["strategy"] == spec["chosen"]["strategy"] == "feature-extraction"
    assert spec["chosen"]["sentence"] == chosen["sentence"]
    (answer,) = (event for event in said.events if event["type"] == "FirstAnswered")
    assert spec["first_answer"] == {name: answer[name] for name in ("accuracy", "low", "high", "images", "folds")}


def test_the_run_folder_holds_what_the_events_said(training: tuple[Path, Typed], photos: Path) -> None:
    run, said = training
    scores = {event["split"]: event["metrics"] for event in said.events if event["type"] == "Evaluated"}
    metrics = strict_json((run / "results/metrics.json").read_text(encoding="utf-8"))
    conforms(metrics, METRICS_FILE)
    assert {name: metrics[name] for name in scores} == scores
    assert metrics["best_epoch"] == said.events[-1]["best_epoch"]
    assert "Validation chose the epoch" in metrics["validation"]["note"]

    rows = table(run / "manifest.csv")
    assert {row["path"] for row in rows} == set(content_of(photos))
    answers = table(run / "results/predictions.csv")
    assert list(answers[0]) == ["path", "split", "true", "predicted", "p_across", "p_down"]
    assert {(row["path"], row["split"], row["true"]) for row in answers} == {
        (row["path"], row["split"], row["class"]) for row in rows
    }
    for row in answers:
        across, down = float(row["p_across"]), float(row["p_down"])
        assert across + down == pytest.approx(1)
        assert row["predicted"] == ("across" if across > down else "down")

    journal = journal_of(run)
    conforms_as_run(journal, "Completed")
    assert journal[0]["run"] == journal[-1]["run"] == "run"
    assert [e for e in journal if e["type"] == "EpochEnded"] == [e for e in said.events if e["type"] == "EpochEnded"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_events(
    tlgui: Tlgui, training: tuple[Path, Typed], photos: Path, tmp_path: Path
) -> None:
    # What "auto" became stands in the file: a run of it is asked for by name, and finds out anew what can be found out.
    first, _ = training
    run = tmp_path / "run"
    said = tlgui("train", first / "run.toml", "--data", photos, "--run-dir", run, "--json")
    assert "StrategyChosen" not in said.out and "FirstAnswered" in said.out and "chosen" not in spec_of(run)
    again = tlgui("train", run / "run.toml", "--data", photos, "--run-dir", tmp_path / "again", "--json")
    assert again.code == 0, again.err
    assert without_times(journal_of(tmp_path / "again")) == without_times(journal_of(run))
    # On the wire batches are thinned to 30 a second, so which of them come is a matter of time.
    assert without_batches(again.events) == without_batches(said.events)
    assert (tmp_path / "again/results/predictions.csv").read_bytes() == (run / "results/predictions.csv").read_bytes()
    assert (tmp_path / "again/run.toml").read_bytes() == (run / "run.toml").read_bytes()

    other = tlgui("train", run / "run.toml", "--data", photos, "--seed", 8, "--run-dir", tmp_path / "other", "--json")
    assert without_batches(other.events)[1:] != without_batches(said.events)[1:]


def journal_of(run: Path) -> list[dict[str, Any]]:
    return [strict_json(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def without_batches(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in without_times(events) if event["type"] != "BatchEnded"]


@pytest.mark.slow
def test_people_get_lines_a_table_and_the_folder(tlgui: Tlgui, tmp_path: Path) -> None:
    # A class with a single image trains, with a warning; broken files are left out by name.
    data = write_dataset(tmp_path / "d", {"a": 10, "b": 10, "c": 1})
    (data / "a/empty.png").write_bytes(b"")
    before = content_of(data)
    run = tmp_path / "run"
    said = tlgui("train", data, "--epochs", 1, "--strategy", "fine-tune-top", "--top-groups", 2, "--run-dir", run)
    assert said.code == 0, said.err
    assert said.err == ""
    lines = said.out.splitlines()
    assert any(line.startswith("The network as it is already recognises about ") for line in lines)
    assert lines[:2] == [
        "21 images in class folders: a 10, b 10, c 1.",
        "1 file left out (manifest.csv says why).",
    ]
    assert [line.split() for line in lines[2:6]] == [
        ["class", "train", "validation", "test"],
        ["a", "6", "2", "2"],
        ["b", "6", "2", "2"],
        ["c", "1", "0", "0"],
    ]
    assert any(line.startswith("Note: The class 'c' has a single image") for line in lines)
    assert any("efficientnet-lite0, fine-tune-top." in line for line in lines)
    assert any(line.startswith("epoch 1 of 1, loss ") for line in lines)
    assert "Training is complete." in said.out
    assert "accuracy (95 % interval)" in said.out
    assert lines[-1] == f"run folder  {run}"
    assert {row["path"]: row["reason_code"] for row in table(run / "manifest.csv") if row["split"] == "left_out"} == {
        "a/empty.png": "empty"
    }
    assert content_of(data) == before


# -- what is asked for --------------------------------------------------------------------------------------------


@pytest.fixture
def asked(played: PlayedEngine, refused: Tlgui, photos: Path, tmp_path: Path) -> Any:
    """Makes a run of what was typed, without training, and gives its spec."""

    def ask(*typed: object) -> dict[str, Any]:
        run = tmp_path / f"run {len(list(tmp_path.iterdir()))}"
        played.answers = completed(run)
        said = refused("train", *(typed or (photos,)), "--run-dir", run)
        assert said.code == 0, said.err
        return spec_of(run)

    return ask


def test_flags_become_the_spec(asked: Any, photos: Path) -> None:
    spec = asked(
        *(photos, "--backbone", "resnet50", "--strategy", "fine-tune-top", "--epochs", 4, "--seed", 5),
        *("--batch-size", 8, "--top-groups", 3),
    )
    assert spec["backbone"] == "resnet50"
    training = spec["training"]
    assert {name: training[name] for name in ("strategy", "epochs", "seed", "batch_size", "top_groups")} == {
        "strategy": "fine-tune-top",
        "epochs": 4,
        "seed": 5,
        "batch_size": 8,
        "top_groups": 3,
    }
    assert training["head_learning_rate"] == STRATEGIES["fine-tune-top"].head_learning_rate


TYPED: list[tuple[list[str], dict[str, Any]]] = [
    (["--batch-size", "auto"], {"batch_size": "auto"}),
    (["--augmentation", "microscopy", "--no-mirror"], {"augmentation": "microscopy", "mirror": False}),
    (["--mirror"], {"mirror": True}),
    (["--imbalance", "class-weights"], {"imbalance": "class-weights"}),
    (["--label-smoothing", "0.1", "--ema", "0.99"], {"label_smoothing": 0.1, "ema": 0.99}),
    (["--mixup", "0.2", "--cutmix", "1"], {"mixup": 0.2, "cutmix": 1.0}),
    (
        ["--unfreeze-at", "3,6, 9", "--strategy", "feature-extraction"],
        {"unfreeze_at": [3, 6, 9], "unfreezing": "schedule"},
    ),
    (["--patience", "0", "--precision", "float32"], {"patience": 0, "precision": "float32"}),
    (["--optimizer", "adam", "--head", "hidden"], {"optimizer": "adam", "head": "hidden"}),
    (
        ["--head-learning-rate", "0.004", "--top-learning-rate", "2e-5"],
        {"head_learning_rate": 0.004, "top_learning_rate": 2e-5},
    ),
    (["--strategy", "progressive-unfreezing"], {"unfreezing": "plateau", "warm_start": False}),
    (["--strategy", "from-scratch"], {"strategy": "from-scratch", "warm_start": False}),
    (["--preset", "tutorial-pipeline"], {"preset": "tutorial-pipeline", "head": "hidden", "epochs": 20, "views": 20}),
    (["--preset", "tutorial-pipeline", "--epochs", "5", "--seed", "4"], {"epochs": 5, "seed": 4, "head_units": 512}),
    (["--preset", "tutorial-pipeline", "--top-groups", "3"], {"preset": "tutorial-pipeline", "top_groups": 3}),
]


@pytest.mark.parametrize(
    ("typed", "expected"), TYPED, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_each_option_reaches_the_spec(asked: Any, photos: Path, typed: list[str], expected: dict[str, Any]) -> None:
    training = asked(photos, *typed)["training"]
    assert {name: training[name] for name in expected} == expected


@pytest.mark.parametrize("similarity", ["similar", "different"])
@pytest.mark.parametrize("strategy", [*STRATEGIES, "auto"])
def test_each_row_of_the_table_can_be_typed(asked: Any, photos: Path, strategy: str, similarity: str) -> None:
    training = asked(photos, "--strategy", strategy, "--similarity", similarity)["training"]
    assert (training["strategy"], training["similarity"]) == (strategy, similarity)
    # What "auto" becomes is open until the network has seen the images.
    assert ("head_learning_rate" in training) == (strategy != "auto")


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_can_be_typed(asked: Any, photos: Path, name: str) -> None:
    training = asked(photos, "--preset", name)["training"]
    assert training["preset"] == name
    # Of run.toml, what is at its default is left out.
    defaults = msgspec.to_builtins(Training())
    for field, value in PRESETS[name].values.items():
        assert training.get(field, defaults[field]) == value, field


def test_the_size_of_the_input_is_typed(asked: Any, photos: Path) -> None:
    assert asked(photos, "--size", 160)["size"] == 160


def test_another_preset_leaves_nothing_of_the_one_in_the_file(asked: Any, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.toml"
    file.write_text(f'data = "{photos}"\n[training]\npreset = "tutorial-pipeline"\nhead = "hidden"\nseed = 9\n')
    training = asked(file, "--preset", "tutorial-fine-tuner")["training"]
    assert (training["preset"], training["head"], training["seed"]) == ("tutorial-fine-tuner", "linear", 9)
    assert (training["optimizer"], training["schedule"]) == ("adam", "constant")


def test_a_schedule_that_is_typed_replaces_the_files_way_of_unfreezing(
    asked: Any, photos: Path, tmp_path: Path
) -> None:
    file = tmp_path / "plateau.toml"
    file.write_text(f'data = "{photos}"\n[training]\nstrategy = "progressive-unfreezing"\nunfreezing = "plateau"\n')
    training = asked(file, "--unfreeze-at", "2,4")["training"]
    assert (training["unfreezing"], training["unfreeze_at"]) == ("schedule", [2, 4])


def test_what_was_found_out_for_another_run_is_found_out_anew(asked: Any, trained: Path, photos: Path) -> None:
    spec = asked(trained / "run.toml", "--data", photos)
    assert {"chosen", "first_answer", "machine"} <= set(spec_of(trained))
    assert not {"chosen", "first_answer", "machine"} & set(spec)
    assert spec["training"]["strategy"] == "feature-extraction"


def test_a_run_file_written_by_hand(asked: Any, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "pictures").symlink_to(photos)
    file = folder / "run.toml"
    file.write_text('data = "pictures"\n[training]\nstrategy = "full-fine-tuning"\nepochs = 2\nseed = 3\n')
    spec = asked(file)
    assert spec["training"]["strategy"] == "full-fine-tuning"
    assert (spec["training"]["epochs"], spec["training"]["seed"]) == (2, 3)
    assert spec["dataset"]["images"] == 28
    assert not spec.get("data")
    # What is typed wins, and what belonged to the other strategy's row goes with it.
    spec = asked(file, "--strategy", "feature-extraction", "--epochs", 9)
    assert (spec["training"]["strategy"], spec["training"]["epochs"], spec["training"]["seed"]) == (
        "feature-extraction",
        9,
        3,
    )
    assert spec["training"]["head_learning_rate"] == STRATEGIES["feature-extraction"].head_learning_rate


def test_a_run_file_of_a_run_finds_the_images_again(
    asked: Any, refused: Tlgui, trained: Path, photos: Path, tmp_path: Path
) -> None:
    said = refused("train", trained / "run.toml", "--run-dir", tmp_path / "x")
    assert said.code == 1
    assert said.err.startswith("'run.toml' does not say where the images are. Add the line data = ")
    asked(photos)  # from now on their place is known
    assert asked(trained / "run.toml")["dataset"] == spec_of(trained)["dataset"]


def test_auto_says_why(played: PlayedEngine, refused: Tlgui, photos: Path, tmp_path: Path) -> None:
    played.answers = completed(tmp_path)
    for similarity, words in (
        ("similar", "you said that they are like everyday photographs"),
        ("different", "you said that they are another kind of picture"),
    ):
        run = tmp_path / similarity
        said = refused("train", photos, "--strategy", "auto", "--similarity", similarity, "--run-dir", run, "--json")
        assert said.err == (
            "28 images in class folders: across 14, down 14.\n"
            f"By the table: 28 images are fewer than 1,000, and {words}: feature extraction. "
            f"{STRATEGIES['feature-extraction'].reason} What is done is decided when the network has seen the images.\n"
        )
        assert spec_of(run)["training"]["strategy"] == "auto"


def test_what_does_not_exist_is_answered_with_what_does(refused: Tlgui, photos: Path, tmp_path: Path) -> None:
    said = refused("train", photos, "--backbone", "alexnet", "--run-dir", tmp_path / "x")
    assert said.code == 1 and "'alexnet'" in said.err and all(name in said.err for name in BACKBONES)
    said = refused("train", photos, "--strategy", "hope", "--run-dir", tmp_path / "x")
    assert said.code == 1 and "'hope'" in said.err and all(name in said.err for name in [*STRATEGIES, "auto"])
    said = refused("train", photos, "--preset", "hers", "--run-dir", tmp_path / "x")
    assert said.code == 1 and "'hers'" in said.err and all(name in said.err for name in PRESETS)
    said = refused("train", photos, "--augmentation", "wild", "--run-dir", tmp_path / "x")
    assert said.code == 1 and "'wild'" in said.err and all(name in said.err for name in AUGMENTATIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[training]\nepoch = 3\n", "unknown field `epoch` - at `$.training`"),
        ('[training]\nepochs = "3"\n', "`$.training.epochs`"),
        ("[training]\nhead_learning_rate = 1e30\n", "`$.training.head_learning_rate`"),
        ("[training\n", "'run.toml' is not a TOML file: "),
        ('weight = "x"\n', "unknown field `weight`"),
        ("", "'run.toml' does not say where the images are."),
        ('data = "nowhere"\n', "The folder 'nowhere' does not exist."),
        (None, "'run.toml' cannot be read: No such file or directory."),
    ],
)
def test_a_run_file_that_does_not_do(refused: Tlgui, tmp_path: Path, text: str | None, complaint: str) -> None:
    file = tmp_path / "run.toml"
    if text is not None:
        file.write_text(text)
    said = refused("train", file, "--run-dir", tmp_path / "run", "--json")
    assert (said.code, said.out) == (1, "")
    assert complaint in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_folder_that_is_not_empty_is_refused_and_left_alone(
    refused: Tlgui, photos: Path, trained: Path, tmp_path: Path
) -> None:
    before = content_of(trained)
    said = refused("train", photos, "--run-dir", trained, "--json")
    assert (said.code, said.out) == (1, "")
    assert "The run folder 'run' is not empty. Name a folder that does not exist yet, or an empty one." in said.err
    assert content_of(trained) == before
    (tmp_path / "file").write_text("mine")
    said = refused("train", photos, "--run-dir", tmp_path / "file")
    assert said.code == 1 and said.err.startswith("The run folder 'file' cannot be written: ")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_run_that_never_began_gives_its_folder_to_the_next_try(
    played: PlayedEngine, refused: Tlgui, photos: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    played.answers = (events.Failed(problem="The weights are not here.", remedy="Fetch them.", run=str(run)),)
    typed = ("train", photos, "--backbone", "resnet50", "--run-dir", run)
    assert refused(*typed).code == 1
    (run / "events.jsonl").write_bytes(events.encode(played.answers[0]))
    played.answers = completed(run)
    said = refused(*typed, "--seed", 3, "--download")
    assert said.code == 0, said.err
    assert spec_of(run)["training"]["seed"] == 3
    assert not (run / "events.jsonl").exists()


@pytest.mark.parametrize("verb", ["train", "continue"])
def test_a_weights_file_that_is_not_there_is_said_before_anything_is_done(
    refused: Tlgui, trained: Path, tmp_path: Path, verb: str
) -> None:
    typed = (trained,) if verb == "continue" else (tmp_path / "no such images", "--run-dir", tmp_path / "run")
    said = refused(verb, *typed, "--weights", tmp_path / "typo.pth", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err == "There is no weights file 'typo.pth'. Check the name.\n"
    assert not (tmp_path / "run").exists()


def test_without_a_run_dir_the_run_lies_among_the_projects(
    played: PlayedEngine, refused: Tlgui, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLGUI_PROJECTS_DIR", str(tmp_path / "projects"))
    played.answers = completed(tmp_path)
    assert refused("train", photos).code == refused("train", photos).code == 0
    runs = list((tmp_path / "projects/photos/runs").iterdir())
    assert len(runs) == 2
    assert all("efficientnet-lite0 auto" in run.name for run in runs)


@pytest.mark.parametrize("typed", [("continue",), ("evaluate", "data"), ("predict", "data"), ("export", "onnx")])
def test_a_folder_that_is_no_run(refused: Tlgui, tmp_path: Path, typed: tuple[str, ...]) -> None:
    verb, *rest = typed
    arguments = ["--format", "onnx"] if verb == "export" else [tmp_path for _ in rest]
    said = refused(verb, tmp_path, *arguments, "--json")
    assert (said.code, said.out) == (1, "")
    assert (
        said.err == f"'{tmp_path.name}' is not a run folder: it has no run.toml. Give the folder that holds run.toml.\n"
    )


def test_a_folder_of_other_images_is_not_remembered(trained: Path, photos: Path, tmp_path: Path) -> None:
    run = open_run(trained)
    dataset = run.spec().dataset
    assert dataset is not None
    assert place_of_images(run, photos) == photos
    other = write_dataset(tmp_path / "other", {"across": 14, "down": 14}, size=30)
    place_of_images(run, other)  # the engine refuses its images, one by one
    assert recall_place(dataset.fingerprint) == photos


# -- an earlier run in place of a file of weights -----------------------------------------------------------------


class Hears(PlayedEngine):
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[commands.Train] = []

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        assert isinstance(job, commands.Train)
        self.jobs.append(job)
        yield events.Completed(run=job.run, message="Training is complete.")


@pytest.fixture
def earlier(tmp_path: Path, photos: Path) -> RunFolder:
    """A run with a network, a size and a crop that are not the default, which knows four of the photos."""
    known = sorted(photos.rglob("*.png"))[::7]
    run = answered(
        tmp_path / "Run 7",
        {f"then/{number}.png": ("train", True) for number in range(4)},
        contents={
            f"then/{number}.png": hashlib.sha256(image.read_bytes()).hexdigest() for number, image in enumerate(known)
        },
    )
    run.write_spec(msgspec.structs.replace(run.spec(), backbone="resnet50", size=160, fit="squash"))
    run.best_path.write_bytes(b"weights")
    return run


def begun(photos: Path, run_dir: Path, *typed: object) -> tuple[Hears, Typed]:
    engine = Hears()
    return engine, type_here(
        lambda: engine, "train", photos, "--run-dir", run_dir, "--strategy", "fine-tune-top", *typed
    )


@pytest.mark.parametrize("as_file", [False, True])
def test_an_earlier_run_gives_its_network_size_and_crop(
    as_file: bool, earlier: RunFolder, photos: Path, tmp_path: Path
) -> None:
    engine, said = begun(photos, tmp_path / "run", "--weights", earlier.best_path if as_file else earlier.path)
    assert said.code == 0, said.err
    spec = spec_of(tmp_path / "run")
    assert (spec["backbone"], spec["size"], spec["fit"]) == ("resnet50", 160, "squash")
    assert spec["source"] == {
        "run": "Run 7", "dataset": "bees", "images": 4, "sha256": hashlib.sha256(b"weights").hexdigest(),
        "changed": False, "classes": [],
    }  # fmt: skip
    assert spec["weights"] == spec["source"]["sha256"]
    assert [job.weights_file for job in engine.jobs] == [str(earlier.best_path)]
    reasons = [row["reason_code"] for row in table(tmp_path / "run" / "manifest.csv")]
    assert len(reasons) == 28 and set(reasons) <= {"", "learned_before"}
    *known, end = table(tmp_path / "run" / "learned_before.csv")
    assert len(known) == 4 and end == {"content_hash": "end", "split": "4"}


def test_a_relative_place_of_a_run_is_enough(
    earlier: RunFolder, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, folder, typed in (("one", tmp_path, "Run 7"), ("other", earlier.path, ".")):
        monkeypatch.chdir(folder)
        engine, said = begun(photos, tmp_path / place, "--weights", typed)
        assert said.code == 0, said.err
        assert spec_of(tmp_path / place)["source"]["run"] == "Run 7"
        assert [job.weights_file for job in engine.jobs] == [str(earlier.best_path)]


def test_a_size_that_is_typed_wins_and_its_own_network_may_be_typed(
    earlier: RunFolder, photos: Path, tmp_path: Path
) -> None:
    typed = ("--weights", earlier.path, "--backbone", "resnet50", "--size", 224)
    _, said = begun(photos, tmp_path / "run", *typed)
    assert said.code == 0, said.err
    spec = spec_of(tmp_path / "run")
    assert (spec["backbone"], spec["size"], spec["fit"]) == ("resnet50", 224, "squash")


def test_another_network_than_that_of_the_run_is_refused_before_anything_is_read(
    earlier: RunFolder, tmp_path: Path
) -> None:
    engine, said = begun(
        tmp_path / "no such images", tmp_path / "run", "--weights", earlier.path, "--backbone", "vgg16"
    )
    assert (said.code, said.out, engine.jobs) == (1, "", [])
    assert said.err == (
        "The run 'Run 7' has the network resnet50, not vgg16. Leave --backbone away, or give --backbone resnet50.\n"
    )
    assert not (tmp_path / "run").exists()


def test_what_a_run_file_says_is_not_overruled_by_the_run_that_is_begun_with(
    earlier: RunFolder, photos: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'data = "{photos}"\nbackbone = "resnet50"\nsize = 96\n[training]\nepochs = 2\n')
    engine, said = begun(file, tmp_path / "run", "--weights", earlier.path)
    assert said.code == 0, said.err
    spec = spec_of(tmp_path / "run")
    assert (spec["backbone"], spec["size"], spec.get("fit", "crop")) == ("resnet50", 96, "crop")
    assert spec["source"]["run"] == "Run 7"
    file.write_text(f'data = "{photos}"\nbackbone = "vgg16"\n')
    engine, said = begun(file, tmp_path / "other", "--weights", earlier.path)
    assert (said.code, engine.jobs) == (1, [])
    assert "The run 'Run 7' has the network resnet50, and this one is set up with vgg16." in said.err
    assert not (tmp_path / "other").exists()


def test_a_folder_that_is_no_run_and_a_run_without_a_model_are_no_weights(
    earlier: RunFolder, photos: Path, tmp_path: Path
) -> None:
    for folder, sentence in (
        (photos, "'photos' is not a run folder: it has no run.toml."),
        (earlier.path, "The run 'Run 7' has no model yet: no epoch has ended."),
    ):
        earlier.best_path.unlink(missing_ok=True)
        engine, said = begun(photos, tmp_path / "run", "--weights", folder)
        assert (said.code, said.out, engine.jobs) == (1, "", [])
        assert said.err.startswith(sentence) and said.err.count("\n") == 1
        assert not (tmp_path / "run").exists()


def test_a_run_that_begins_at_random_has_no_source(earlier: RunFolder, photos: Path, tmp_path: Path) -> None:
    _, said = begun(photos, tmp_path / "run", "--weights", earlier.path, "--strategy", "from-scratch")
    assert said.code == 0, said.err
    spec = spec_of(tmp_path / "run")
    assert "source" not in spec and spec.get("weights", "pretrained") == "pretrained"
    assert not (tmp_path / "run" / "learned_before.csv").exists()
    assert {row["reason_code"] for row in table(tmp_path / "run" / "manifest.csv")} == {""}
