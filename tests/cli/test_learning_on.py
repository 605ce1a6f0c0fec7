"""`train --from`, `mix` and `strengths`: what they ask the engine, what they refuse, and the whole road once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import PlayedEngine, Tlgui, Typed, content_of, type_here
from helpers.pictures import write_picture

from tlgui.core import commands, events
from tlgui.core.retention import USUAL, WAYS
from tlgui.core.run_folder import RunFolder
from tlgui.core.runs import summary_of


class Hears(PlayedEngine):
    """Keeps what it was asked for."""

    def __init__(self, *answers: events.AnyEvent) -> None:
        super().__init__(*answers)
        self.jobs: list[Any] = []

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        self.jobs.append(job)
        yield from self.answers
        yield events.Completed(run=getattr(job, "run", ""), message="It is done.")


def typed(engine: PlayedEngine, *arguments: object) -> Typed:
    return type_here(lambda: engine, *arguments)


def spec_of(run: Path) -> dict[str, Any]:
    return tomllib.loads((run / "run.toml").read_text(encoding="utf-8"))


def pictures(root: Path, **classes: int) -> Path:
    for kind, (name, count) in enumerate(classes.items()):
        for index in range(count):
            write_picture(root / name / f"{index:03}.png", 2 - kind, 70_000 + index)
    return root


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """New pictures: of one class that the trained run knows, in other letters, and of one that it does not."""
    return pictures(tmp_path_factory.mktemp("JANE DOE") / "more", both=14, Across=10)


# -- train --from -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [None, "none", *WAYS])
def test_each_way_of_keeping_can_be_typed(
    keep: str | None, trained: Path, photos: Path, more: Path, tmp_path: Path
) -> None:
    engine, run = Hears(), tmp_path / "run"
    options = ("--keep", keep) if keep is not None else ()
    said = typed(engine, "train", more, "--from", trained, "--earlier", photos, *options, "--run-dir", run)
    assert said.code == 0, said.err
    spec = spec_of(run)
    assert spec["training"]["keep"] == (keep or USUAL)
    assert spec["dataset"]["classes"] == ["across", "down", "both"]
    assert spec["source"]["classes"] == ["across", "down"] and spec["source"]["run"] == trained.name
    assert [one["name"] for one in spec["earlier"]] == ["photos"]
    assert "It goes on with the 2 classes of" in said.out and "easily forgotten" in said.out
    (job,) = engine.jobs
    assert job.weights_file == str(trained / "checkpoints" / "best.safetensors") and job.earlier == str(photos)
    everything = b"".join(content_of(run).values())
    assert not any(place in everything for place in (str(more).encode(), str(photos).encode(), b"DOE"))


def test_a_strength_can_be_typed_and_what_is_not_one_is_refused(trained: Path, more: Path, tmp_path: Path) -> None:
    said = typed(Hears(), "train", more, "--from", trained, "--keep-strength", 2.5, "--run-dir", tmp_path / "run")
    assert said.code == 0 and spec_of(tmp_path / "run")["training"]["keep_strength"] == 2.5
    for wrong, code in (("-1", 2), ("nan", 2), ("inf", 2), ("much", 2)):
        said = typed(PlayedEngine(), "train", more, "--from", trained, "--keep-strength", wrong)
        assert said.code == code and "--keep-strength" in said.err, wrong
    arguments = ("--from", trained, "--keep", "average", "--keep-strength", 1.5, "--run-dir", tmp_path / "other")
    said = typed(PlayedEngine(), "train", more, *arguments)
    assert said.code == 1 and "at most 1" in said.err and not (tmp_path / "other").exists()


def test_keeping_without_a_run_keeps_what_the_published_weights_know(photos: Path, tmp_path: Path) -> None:
    engine = Hears()
    said = typed(engine, "train", photos, "--keep", "l2sp", "--run-dir", tmp_path / "run")
    assert said.code == 0, said.err
    spec = spec_of(tmp_path / "run")
    assert spec["training"]["keep"] == "l2sp" and "source" not in spec and spec.get("earlier", []) == []
    assert engine.jobs[0].weights_file == "" and not (tmp_path / "run" / "earlier.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--from", "TRAINED", "--weights", "TRAINED"), 1, "--from and --weights both say"),
        (("--from", "nowhere"), 1, "There is no run folder 'nowhere'"),
        (("--from", "PHOTOS"), 1, "'photos' is not a run folder"),
        (("--from", "TRAINED", "--backbone", "resnet18"), 1, "has the network efficientnet-lite0, not resnet18"),
        (("--from", "TRAINED", "--strategy", "from-scratch"), 1, "begins with a network that knows nothing"),
        (("--keep", "ewc", "--strategy", "from-scratch"), 1, "begins with one that knows nothing"),
        (("--from", "TRAINED", "--keep", "magic"), 2, "invalid choice: 'magic'"),
        (("--from", "TRAINED", "--earlier", "nowhere"), 1, "There is no folder 'nowhere'"),
        (("--from", "TRAINED", "--earlier", "MORE"), 1, "holds none of the images of 'photos'"),
        (("--earlier", "PHOTOS"), 1, "--earlier says where the images of the run are that --from names"),
    ],
)
def test_a_wrong_use_is_refused_and_nothing_is_made(
    arguments: tuple[str, ...], code: int, says: str, trained: Path, photos: Path, more: Path, tmp_path: Path
) -> None:
    places = {"TRAINED": trained, "PHOTOS": photos, "MORE": more}
    given = [places.get(one, one) for one in arguments]
    said = typed(PlayedEngine(), "train", more, *given, "--run-dir", tmp_path / "run")
    assert (said.code, "Traceback" in said.err) == (code, False) and says in said.err, said.err
    assert not (tmp_path / "run").exists()


def test_a_folder_of_one_class_is_taken_with_a_run_alone(trained: Path, tmp_path: Path) -> None:
    one = pictures(tmp_path / "one", both=12)
    said = typed(Hears(), "train", one, "--from", trained, "--run-dir", tmp_path / "run")
    assert said.code == 0, said.err
    assert spec_of(tmp_path / "run")["dataset"]["classes"] == ["across", "down", "both"]
    for arguments in ((), ("--keep", "ewc"), ("--weights", trained)):
        said = typed(PlayedEngine(), "train", one, *arguments, "--run-dir", tmp_path / "plain")
        assert said.code == 1 and not (tmp_path / "plain").exists()


def test_its_size_and_fit_are_those_that_the_network_learned_with(trained: Path, more: Path, tmp_path: Path) -> None:
    said = typed(Hears(), "train", more, "--from", trained, "--run-dir", tmp_path / "run")
    assert said.code == 0
    mine, theirs = spec_of(tmp_path / "run"), spec_of(trained)
    assert [mine.get(one) for one in ("fit", "size", "backbone")] == [
        theirs.get(one) for one in ("fit", "size", "backbone")
    ]


# -- mix and strengths --------------------------------------------------------------------------------------------

_MIXES = events.MixesTried(
    mixes=[events.Mix(earlier=0.0, new=0.9, old=0.5), events.Mix(earlier=1.0, new=0.2)],
    chosen=0.0,
    by_itself=True,
    new_images=10,
    old_images=8,
    sentence="It is mixed.",
)
_POINTS = events.StrengthsTried(
    points=[events.StrengthTried(strength=0.0, new=0.9, old=0.5), events.StrengthTried(strength=10.0, new=0.8)],
    epochs=2,
    new_images=10,
    old_images=8,
    best=0.0,
    old_before=0.75,
    sentence="They were tried.",
)


def test_a_mix_is_asked_for_and_shown(trained: Path, photos: Path, more: Path) -> None:
    engine = Hears(_MIXES)
    said = typed(engine, "mix", trained, "--data", photos, "--share", 0.25, "--earlier", more)
    assert said.code == 0, said.err
    assert engine.jobs == [commands.MixWeights(run=str(trained), data=str(photos), share=0.25, earlier=str(more))]
    assert "earlier weights" in said.out and "90.0 %" in said.out
    said = typed(Hears(_MIXES), "mix", trained, "--data", photos, "--json")
    assert said.code == 0 and said.json["mixes"]["chosen"] == 0.0 and said.json["retention"] is None


def test_strengths_are_asked_for_and_shown(trained: Path, photos: Path) -> None:
    engine = Hears(_POINTS)
    said = typed(engine, "strengths", trained, "--data", photos, "--strengths", "0.5,10", "--epochs", 3)
    assert said.code == 0, said.err
    job = commands.TryStrengths(run=str(trained), data=str(photos), strengths=[0.5, 10.0], epochs=3, earlier="")
    assert engine.jobs == [job] and "strength" in said.out and "80.0 %" in said.out
    said = typed(Hears(_POINTS), "strengths", trained, "--data", photos, "--json")
    assert said.code == 0 and [one["strength"] for one in said.json["points"]] == [0.0, 10.0]


@pytest.mark.parametrize(
    ("verb", "arguments", "code"),
    [
        ("mix", ("--share", "1.5"), 2),
        ("mix", ("--share", "-0.1"), 2),
        ("mix", ("--share", "nan"), 2),
        ("strengths", ("--strengths", "1,x"), 2),
        ("strengths", ("--strengths", "-1"), 2),
        ("strengths", ("--strengths", "1e9"), 2),
        ("strengths", ("--strengths", "nan"), 2),
        ("strengths", ("--epochs", "0"), 2),
        ("mix", ("--data", "nowhere"), 1),
        ("strengths", ("--data", "nowhere"), 1),
    ],
)
def test_what_means_nothing_is_refused(verb: str, arguments: tuple[str, ...], code: int, trained: Path) -> None:
    said = typed(PlayedEngine(), verb, trained, *arguments)
    assert (said.code, "Traceback" in said.err) == (code, False) and said.err


# -- the whole road -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_from_a_run_to_a_mixed_and_proved_one(
    tlgui: Tlgui, trained: Path, photos: Path, more: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    options = ("--strategy", "fine-tune-top", "--top-groups", 1, "--epochs", 2, "--seed", 3)
    said = tlgui(
        "train", more, "--from", trained, "--earlier", photos, "--keep", "ewc", *options, "--run-dir", run, "--json"
    )
    assert said.code == 0, said.err
    kinds = [event["type"] for event in said.events]
    assert kinds[-1] == "Completed" and kinds.count("RetentionMeasured") == 1
    assert all(event["retention"] for event in said.events if event["type"] == "EpochEnded")

    said = tlgui("strengths", run, "--earlier", photos, "--epochs", 1, "--strengths", "1", "--json")
    assert said.code == 0, said.err
    assert [one["strength"] for one in said.json["points"]] == [0, 1] and said.json["old_images"] > 0
    said = tlgui("mix", run, "--earlier", photos, "--share", 0.5, "--json")
    assert said.code == 0, said.err
    assert said.json["mixes"]["chosen"] == 0.5 and said.json["retention"]["seen"]["meter"] == "accuracy"
    assert summary_of(run).state == "complete"

    said = tlgui("evaluate", run, more, "--json")
    assert said.code == 0, said.err
    said = tlgui("export", run, "--format", "onnx", "--json")
    assert said.code == 0, said.err
    assert said.json["parity"]["passed"] is True and said.json["parity"]["images"] > 0
    everything = {name: content for name, content in content_of(run).items() if name != "events.jsonl"}
    for place in (str(tmp_path), str(photos), str(more), "DOE"):
        assert not any(place.encode() in content for content in everything.values()), place
    assert RunFolder(run).spec().continues
