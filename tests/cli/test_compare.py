"""`tlgui compare`: what it trains, what it goes on with, what it says to people and to scripts, and what it refuses."""

from __future__ import annotations

import hashlib
import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.command_line import PlayedEngine, Tlgui, Typed, content_of, type_here
from helpers.compared import answered
from helpers.pictures import write_dataset, write_picture, write_tree
from helpers.schemas import conforms
from helpers.trains import Trains

from tlgui.core import commands, comparison, events
from tlgui.core.run_folder import RunFolder

WAYS = "feature-extraction,fine-tune-top:2"
RESULT = {
    "scored_on": ("out-of-fold", "validation", "test"),
    "images": int,
    "folds": int,
    "epochs": int,
    "rows": [
        {
            "key": str, "label": str, "accuracy": float, "low": float, "high": float, "n": int, "seconds": float,
            "trainable_parameters": int, "runs": int,
        }
    ],
    "pairs": [
        {
            "a": str, "b": str, "better": int, "worse": int, "difference": float, "low": float, "high": float,
            "p": float, "p_adjusted": float, "verdict": ("a is better", "b is better", "cannot be told apart"),
        }
    ],
    "winner": (str, None),
    "best": str,
    "cheapest": str,
    "at_most_worse": float,
    "test_looks": int,
    "sentences": [str],
    "folder": (str, None),
    "transfer?": None,
}  # fmt: skip
STOPPED = events.Stopped(run="run", best_epoch=1)
FAILED = events.Failed(problem="The weights are not here.", remedy="Give --weights FILE.", run="run")


class Interrupted(Trains):
    """A person presses Ctrl-C in the second run: once (which ends it cleanly) or twice."""

    def __init__(self, presses: int) -> None:
        super().__init__(lambda number: STOPPED if number == 1 else None)
        self.presses = presses
        self.heard: list[commands.Command] = []

    def send(self, message: commands.Command) -> None:
        self.heard.append(message)

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        if len(self.jobs) == 1:
            for _ in range(self.presses):
                signal.raise_signal(signal.SIGINT)
        yield from super().run(job)


@pytest.fixture
def cmp(tmp_path: Path) -> Path:
    return tmp_path / "my cmp"


def typed(engine: PlayedEngine, *arguments: object) -> Typed:
    return type_here(lambda: engine, "compare", *arguments)


def test_the_json_of_a_comparison(photos: Path, cmp: Path) -> None:
    engine = Trains(worse="fine-tune-top")
    said = typed(engine, photos, "--strategies", WAYS, "--epochs", 4, "--out", cmp, "--json")
    assert said.code == 0, said.err
    conforms(said.json, RESULT)
    assert (said.json["folder"], said.json["scored_on"], said.json["images"]) == ("my cmp", "out-of-fold", 24)
    assert (said.json["folds"], said.json["epochs"]) == (3, 4), "a small folder without parts is folded by itself"
    assert [(row["key"], row["accuracy"], row["runs"]) for row in said.json["rows"]] == [
        ("feature-extraction", pytest.approx(14 / 24), 3),
        ("fine-tune-top:2", 0.0, 3),
    ]
    assert said.json["winner"] == said.json["cheapest"] == "feature-extraction"
    (pair,) = said.json["pairs"]
    assert (pair["better"], pair["worse"], pair["p"]) == (14, 0, pytest.approx(2 / 2**14))
    assert "28 images; 2 ways, 3 folds each, 4 epochs. Folder: my cmp." in said.err
    assert "Run 6 of 6: Fine-tune the top layers, 2 groups, fold 3." in said.err


def test_every_run_trains_once_in_its_order_with_what_was_typed(photos: Path, cmp: Path, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"")
    engine = Trains()
    said = typed(
        engine, photos, "--strategies", WAYS, "--folds", 2, "--seed", 3, "--size", 64, "--augmentation", "off",
        "--backbone", "resnet50", "--weights", weights, "--out", cmp,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert engine.trained == [
        "feature-extraction fold 1", "fine-tune-top 2 fold 1", "feature-extraction fold 2", "fine-tune-top 2 fold 2",
    ]  # fmt: skip
    assert {(job.data, job.weights_file, job.more_epochs) for job in engine.jobs} == {(str(photos), str(weights), 0)}
    for job in engine.jobs:
        spec = RunFolder(Path(job.run)).spec()
        assert (spec.backbone, spec.size) == ("resnet50", 64)
        assert (spec.training.seed, spec.training.augmentation, spec.training.epochs) == (3, "off", 15)
    assert {path.name for path in cmp.iterdir()} == {comparison.FILE, *engine.trained}


def test_people_read_every_way_and_that_there_is_no_winner(photos: Path, cmp: Path) -> None:
    said = typed(
        Trains(), photos, "--strategies", "feature-extraction,fine-tune-top:2,from-scratch", "--folds", 0, "--out", cmp
    )
    assert (said.code, said.err) == (0, "")
    assert "28 images; 3 ways, one split, 15 epochs. Folder: my cmp." in said.out
    table, pairs = said.out.split("pair ")
    for label in ("Feature extraction", "Fine-tune the top layers, 2 groups", "From scratch"):
        assert any(line.startswith(label) and " % " in line for line in table.splitlines()), label
    assert pairs.count("cannot be told apart") == 3
    assert "There is no winner: on " in said.out and "cannot be told from at least one other." in said.out
    assert [line.split("  ")[0] for line in table.splitlines() if " * " in line] == ["Feature extraction *"]
    assert "The test images were scored 3 times" in said.out


def test_people_read_which_is_better(photos: Path, cmp: Path) -> None:
    said = typed(Trains(worse="feature-extraction"), photos, "--strategies", WAYS, "--out", cmp)
    assert "Fine-tune the top layers, 2 groups is better than each other way: 58.3 % (" in said.out
    assert "of 24 images, each scored by the run that had not seen it, are right." in said.out
    assert "the second is better" in said.out and "no winner" not in said.out


def test_a_comparison_that_is_whole_is_shown_again_without_an_engine(photos: Path, cmp: Path, refused: Tlgui) -> None:
    said = typed(Trains(), photos, "--strategies", WAYS, "--out", cmp, "--json")
    before = content_of(cmp)
    shown = refused("compare", cmp, "--json")
    assert shown.json == said.json
    again = refused("compare", photos, "--strategies", WAYS, "--out", cmp, "--json")
    assert again.json == said.json
    assert "6 of 6 runs are there already." in again.err
    assert content_of(cmp) == before
    assert "no winner" in refused("compare", cmp).out


@pytest.mark.parametrize("ending", [STOPPED, FAILED])
def test_what_is_left_trains_when_it_goes_on(photos: Path, cmp: Path, ending: events.Ending) -> None:
    arguments = (photos, "--strategies", WAYS, "--folds", 2, "--out", cmp)
    first = Trains(lambda number: ending if number == 2 else None)
    assert typed(first, *arguments).code == (130 if ending is STOPPED else 1)
    assert len(first.trained) == 3
    unfinished = typed(PlayedEngine(), cmp)
    assert unfinished.code == 1
    assert "'my cmp' is not whole: 2 runs are still to be trained. Go on with it first." in unfinished.err

    second = Trains()
    said = typed(second, *arguments)
    assert said.code == 0, said.err
    assert "2 of 4 runs are there already." in said.out
    assert second.trained == ["feature-extraction fold 2", "fine-tune-top 2 fold 2"]
    assert "Run 3 of 4: Feature extraction, fold 2." in said.out

    straight = typed(Trains(), photos, "--strategies", WAYS, "--folds", 2, "--out", cmp.with_name("other"), "--json")
    on = typed(PlayedEngine(), cmp, "--json").json
    assert [row["accuracy"] for row in on["rows"]] == [row["accuracy"] for row in straight.json["rows"]]


def test_a_run_that_fails_says_why_and_how_to_go_on(photos: Path, cmp: Path) -> None:
    engine = Trains(lambda number: FAILED)
    said = typed(engine, photos, "--strategies", WAYS, "--out", cmp)
    assert said.code == 1
    assert said.err.splitlines() == [
        "The weights are not here. Give --weights FILE.",
        "What is there is kept; the same command with --out goes on:",
        f'  --out "{cmp}"',
    ]
    assert len(engine.jobs) == 1
    assert "is better" not in said.out and "no winner" not in said.out


def test_ctrl_c_ends_the_run_at_hand_and_says_how_to_go_on(photos: Path, cmp: Path) -> None:
    engine = Interrupted(presses=1)
    said = typed(engine, photos, "--strategies", WAYS, "--out", cmp)
    assert said.code == 130
    assert engine.heard == [commands.Stop()]
    assert "Stopping after this batch" in said.err
    assert f'  --out "{cmp}"' in said.err, "in quotes: the name of a new folder has blanks"
    assert len(engine.jobs) == 2
    assert typed(Trains(), photos, "--strategies", WAYS, "--out", cmp).code == 0


def test_ctrl_c_twice_leaves_at_once_and_still_says_how_to_go_on(photos: Path, cmp: Path) -> None:
    said = typed(Interrupted(presses=2), photos, "--strategies", WAYS, "--out", cmp)
    assert said.code == 130
    assert f'  --out "{cmp}"' in said.err
    engine = Trains()
    assert typed(engine, photos, "--strategies", WAYS, "--out", cmp).code == 0
    assert len(engine.jobs) == 5, "the first of six was whole"


def test_where_no_folder_is_given_it_is_a_new_one_of_the_project(photos: Path) -> None:
    said = typed(Trains(lambda number: STOPPED), photos, "--strategies", WAYS)
    place = Path(said.err.splitlines()[-1].removeprefix('  --out "').removesuffix('"'))
    assert place.parent.name == comparison.FOLDER and comparison.is_comparison(place)
    assert typed(Trains(), photos, "--strategies", WAYS, "--out", place).code == 0
    other = typed(Trains(), photos, "--strategies", WAYS)
    assert len(comparison.list_comparisons(place.parent)) == 2, other.err


def test_other_options_for_a_folder_that_was_begun_are_refused(photos: Path, cmp: Path, refused: Tlgui) -> None:
    given: dict[str, object] = {"--strategies": WAYS, "--folds": 2, "--out": cmp}
    changes: dict[str, object] = {
        "--strategies": "feature-extraction,from-scratch",
        "--folds": 3,
        "--epochs": 2,
        "--seed": 1,
        "--size": 96,
        "--augmentation": "off",
        "--backbone": "resnet50",
    }
    typed(Trains(lambda number: STOPPED), photos, *itertools.chain(*given.items()))
    before = content_of(cmp)
    for option, value in changes.items():
        said = refused("compare", photos, *itertools.chain(*(given | {option: value}).items()))
        assert said.code == 1
        assert "'my cmp' holds another comparison. Give the same images and options" in said.err, option
    assert content_of(cmp) == before


def test_other_images_for_a_folder_that_was_begun_are_refused(tmp_path: Path, cmp: Path, refused: Tlgui) -> None:
    data = write_dataset(tmp_path / "data", {"a": 6, "b": 6}, size=24)
    typed(Trains(lambda number: STOPPED), data, "--strategies", WAYS, "--out", cmp)
    write_picture(data / "a" / "new.png", 0, 77, size=24)
    assert "holds another comparison" in refused("compare", data, "--strategies", WAYS, "--out", cmp).err


def test_a_folder_that_holds_something_else_is_left_alone(photos: Path, cmp: Path, refused: Tlgui) -> None:
    cmp.mkdir()
    (cmp / "thesis.txt").write_text("years of work")
    said = refused("compare", photos, "--out", cmp)
    assert said.code == 1
    assert said.err == "The folder 'my cmp' is not empty. Give --out a new folder, or an empty one.\n"
    assert content_of(cmp) == {"thesis.txt": b"years of work"}
    file = cmp / "thesis.txt"
    assert "cannot be written" in refused("compare", photos, "--out", file).err
    (cmp / "thesis.txt").unlink()
    assert typed(Trains(), photos, "--strategies", WAYS, "--out", cmp).code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--folds", 1), "One fold would score nothing that another run has learned. Give --folds 2 or more, or 0."),
        (("--folds", 15), "These images cannot be parted into 15 folds. Choose from 2 to 12 folds"),
        (("--strategies", "auto,from-scratch"), "'auto' is no way of its own"),
        (("--strategies", "from-scratch"), "A comparison needs at least two ways."),
        (("--strategies", "from-scratch,nonsense"), "There is no strategy named 'nonsense'."),
        (("--weights", "nowhere.safetensors"), "There is no weights file 'nowhere.safetensors'."),
        (("--backbone", "nonsense"), "nonsense"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_nothing_is_written(
    photos: Path, cmp: Path, refused: Tlgui, arguments: tuple[object, ...], sentence: str
) -> None:
    said = refused("compare", photos, *arguments, "--out", cmp)
    assert (said.code, said.out) == (1, "")
    assert sentence in said.err
    assert not cmp.exists()


def test_a_folder_that_gives_parts_has_one_split(tmp_path: Path, cmp: Path, refused: Tlgui) -> None:
    counts = {"across": 4, "down": 4}
    data = write_tree(tmp_path / "parted", {"train": counts, "val": counts, "test": counts}, size=24)
    assert "The folders say what trains and what tests" in refused("compare", data, "--folds", 2, "--out", cmp).err
    said = typed(Trains(), data, "--strategies", WAYS, "--out", cmp, "--json")
    assert said.code == 0, said.err
    assert (said.json["folds"], said.json["scored_on"], said.json["images"]) == (0, "validation", 8)


def test_finished_runs_are_compared(tmp_path: Path, refused: Tlgui) -> None:
    good, bad = (
        answered(
            tmp_path / name,
            {f"{number}.png": ("test", number >= wrong) for number in range(30)},
        ).path
        for name, wrong in (("Run [bold] A", 0), ("Run B", 15))
    )
    said = refused("compare", good, bad, "--json")
    assert (said.code, said.err) == (0, "")
    conforms(said.json, RESULT)
    assert (said.json["folder"], said.json["scored_on"], said.json["images"]) == (None, "test", 30)
    assert (said.json["winner"], said.json["test_looks"]) == ("Run [bold] A", 2)

    shown = refused("compare", bad, good)
    assert "Run [bold] A is better than each other way: 100.0 % (" in shown.out
    assert "Run B - Run [bold] A" in shown.out, "a name is shown as it is"
    assert "the second is better" in shown.out
    assert "The test images were looked at 2 times here." in shown.out
    assert str(tmp_path) not in shown.out


def test_runs_that_cannot_be_compared_are_refused(tmp_path: Path, refused: Tlgui, photos: Path) -> None:
    run = answered(tmp_path / "run", {f"{number}.png": ("test", True) for number in range(9)}).path
    other = answered(tmp_path / "other", {f"{number}.png": ("test", True) for number in range(4)}).path
    for paths, sentence in (
        ((run,), "One run alone cannot be compared."),
        ((run, run), "A run cannot be compared with itself."),
        ((run, photos), "'photos' is not a run folder: it has no run.toml."),
        ((run, other), "4 are in both, 5 in the first alone and 0 in the second alone."),
    ):
        said = refused("compare", *paths)
        assert (said.code, said.out) == (1, "")
        assert sentence in said.err


# -- an earlier run -----------------------------------------------------------------------------------------------


def earlier_run(path: Path, photos: Path, learned: int = 2) -> RunFolder:
    """A run that has learned so many of the photos, with a network, a size and a crop that are not the default."""
    known = sorted(photos.rglob("*.png"))[:learned]
    run = answered(
        path,
        {f"then/{number}.png": ("train", True) for number in range(learned)},
        contents={
            f"then/{number}.png": hashlib.sha256(image.read_bytes()).hexdigest() for number, image in enumerate(known)
        },
    )
    run.write_spec(msgspec.structs.replace(run.spec(), backbone="resnet50", size=160, fit="squash"))
    run.best_path.write_bytes(b"weights")
    return run


@pytest.fixture
def earlier(tmp_path: Path, photos: Path) -> RunFolder:
    return earlier_run(tmp_path / "Run 7", photos)


def test_each_way_is_trained_with_the_earlier_run_and_without_it(photos: Path, cmp: Path, earlier: RunFolder) -> None:
    engine = Trains()
    said = typed(
        engine, photos, "--weights", earlier.path, "--with-and-without", "--strategies", "feature-extraction",
        "--folds", 2, "--out", cmp, "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert engine.trained == [
        "feature-extraction fold 1", "feature-extraction from run fold 1",
        "feature-extraction fold 2", "feature-extraction from run fold 2",
    ]  # fmt: skip
    assert [job.weights_file for job in engine.jobs] == ["", str(earlier.best_path)] * 2
    for job in engine.jobs:
        spec = RunFolder(Path(job.run)).spec()
        assert (spec.backbone, spec.size, spec.fit) == ("resnet50", 160, "squash"), "the same for all"
        assert (spec.source is not None) == bool(job.weights_file)
    asked = comparison.read(cmp)
    assert (asked.purpose, asked.weights) == ("source", "")
    assert asked.source is not None and (asked.source.run, asked.source.images) == ("Run 7", 2)
    assert [row["key"] for row in said.json["rows"]] == ["feature-extraction", "feature-extraction+run"]
    known_tests = 24 - said.json["images"]
    assert 1 <= known_tests <= 2, "what is kept for the test is left out already"
    assert said.json["sentences"][0].startswith(
        "Feature extraction: whether beginning with the run 'Run 7' (2 images of"
    )


def test_the_ways_that_are_tried_with_and_without_a_run_have_a_default(
    photos: Path, cmp: Path, earlier: RunFolder
) -> None:
    said = typed(
        Trains(worse="fine-tune-top"),
        photos,
        "--weights",
        earlier.path,
        "--with-and-without",
        "--folds",
        0,
        "--out",
        cmp,
    )
    assert (said.code, said.err) == (0, "")
    assert [one.key for one in comparison.read(cmp).entrants] == [
        "feature-extraction", "feature-extraction+run", "fine-tune-top:2", "fine-tune-top:2+run",
    ]  # fmt: skip
    assert "4 ways, one split" in said.out
    assert "Fine-tune the top layers, 2 groups, from the earlier run" in said.out


def test_without_that_question_all_pretrained_ways_begin_with_the_run(
    photos: Path, cmp: Path, earlier: RunFolder
) -> None:
    engine = Trains()
    ways = "feature-extraction,from-scratch"
    said = typed(engine, photos, "--weights", earlier.path, "--strategies", ways, "--folds", 0, "--out", cmp)
    assert said.code == 0, said.err
    assert engine.trained == ["feature-extraction from run", "from-scratch"]
    assert [job.weights_file for job in engine.jobs] == [str(earlier.best_path), ""]
    assert comparison.read(cmp).purpose == "strategies" and "beginning with the run" not in said.out
    one, other = (RunFolder(Path(job.run)) for job in engine.jobs)
    assert {row.path: row.part for row in one.manifest()} == {row.path: row.part for row in other.manifest()}


def test_a_comparison_with_a_run_goes_on_with_that_run_alone(
    photos: Path, cmp: Path, earlier: RunFolder, tmp_path: Path, refused: Tlgui
) -> None:
    typed_too = (photos, "--with-and-without", "--strategies", "feature-extraction", "--folds", 2, "--out", cmp)
    typed(Trains(lambda number: STOPPED if number == 1 else None), *typed_too, "--weights", earlier.path)
    before = content_of(cmp)
    other = earlier_run(tmp_path / "Run 8", photos)
    other.best_path.write_bytes(b"others")
    for said in (
        refused("compare", *typed_too, "--weights", other.path),
        refused("compare", photos, *typed_too[2:]),
        refused("compare", *typed_too),
    ):
        assert said.code == 1 and said.err
    assert content_of(cmp) == before
    engine = Trains()
    assert typed(engine, *typed_too, "--weights", earlier.path).code == 0
    assert engine.trained == [
        "feature-extraction from run fold 1", "feature-extraction fold 2", "feature-extraction from run fold 2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--with-and-without",), "--with-and-without compares an earlier run. Name it with --weights RUN."),
        (("--with-and-without", "--weights", "FILE"), "--with-and-without compares an earlier run. Name it with"),
        (
            ("--with-and-without", "--weights", "RUN", "--strategies", "from-scratch"),
            "'from-scratch' begins with random",
        ),
        (("--transfer", "--weights", "RUN"), "--transfer asks about the published weights, and --weights names"),
        (("--weights", "RUN", "--backbone", "vgg16"), "The run 'Run 7' has the network resnet50, not vgg16."),
        (("--weights", "RUN", "--with-and-without", "--folds", 1), "One fold would score nothing"),
    ],
)
def test_what_cannot_be_asked_of_an_earlier_run_is_refused_and_nothing_is_written(
    arguments: tuple[object, ...], sentence: str, photos: Path, cmp: Path, earlier: RunFolder, refused: Tlgui
) -> None:
    file = earlier.path.parent / "own.safetensors"
    file.write_bytes(b"weights")
    places: dict[object, object] = {"RUN": earlier.path, "FILE": file}
    said = refused("compare", photos, *(places.get(one, one) for one in arguments), "--out", cmp)
    assert (said.code, said.out) == (1, "")
    assert sentence in said.err
    assert not cmp.exists()


def test_a_run_that_knows_nearly_all_is_refused_and_nothing_is_written(
    photos: Path, cmp: Path, tmp_path: Path, refused: Tlgui
) -> None:
    run = earlier_run(tmp_path / "Run 7", photos, learned=10)
    said = refused("compare", photos, "--weights", run.path, "--with-and-without", "--out", cmp)
    assert said.code == 1 and "The run 'Run 7' has learned " in said.err and "too few to compare on" in said.err
    assert not cmp.exists()


def test_two_questions_at_once_are_refused(photos: Path, cmp: Path, earlier: RunFolder, refused: Tlgui) -> None:
    typed_too: tuple[tuple[object, ...], ...] = ((), ("--weights", earlier.path))
    for more in typed_too:
        said = refused("compare", photos, "--transfer", "--with-and-without", *more, "--out", cmp)
        assert (said.code, said.out) == (1, "")
        assert "--transfer and --with-and-without are two questions." in said.err
        assert not cmp.exists()
