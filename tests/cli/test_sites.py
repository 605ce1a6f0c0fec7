"""`tlgui sites`: what is held out, what it says, and what it refuses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
from helpers.command_line import PlayedEngine, Typed, type_here
from helpers.compared import answered
from helpers.pictures import write_dataset, write_tree
from helpers.schemas import conforms
from helpers.trains import Trains

from tlgui.core import events, sites
from tlgui.core.run_folder import RunFolder

RESULT = {
    "by": str,
    "strategy": str,
    "rows": [
        {
            "name": str, "n": int, "accuracy": float, "low": float, "high": float, "known": float,
            "unseen_classes": int,
        }
    ],
    "mean": float,
    "low": (float, None), "high": (float, None), "new_low": (float, None), "new_high": (float, None),
    "known": float,
    "sentence": str,
}  # fmt: skip


@pytest.fixture
def domains(tmp_path: Path) -> Path:
    sizes = {"art": 4, "photo": 6, "sketch": 5}
    return write_tree(tmp_path / "d", {name: {"across": n, "down": n} for name, n in sizes.items()}, size=24)


def typed(engine: PlayedEngine, *arguments: object) -> Typed:
    return type_here(lambda: engine, "sites", *arguments)


def test_each_site_is_held_out_in_turn(domains: Path, tmp_path: Path) -> None:
    engine, out = Trains(), tmp_path / "out"
    said = typed(engine, domains, "--epochs", 3, "--seed", 2, "--out", out, "--json")
    assert said.code == 0, said.err
    conforms(said.json, RESULT)
    assert [row["name"] for row in said.json["rows"]] == ["art", "photo", "sketch"]
    assert [row["n"] for row in said.json["rows"]] == [8, 12, 10]
    assert engine.trained == ["site 1", "site 2", "site 3"]
    spec = RunFolder(out / "site 1").spec()
    assert (spec.training.strategy, spec.training.epochs, spec.training.seed) == ("feature-extraction", 3, 2)
    assert "Site 2 of 3 is held out: photo." in said.err and "30 images from 3 sites" in said.err


def test_the_table_for_people_and_a_second_look(domains: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = typed(Trains(), domains, "--out", out)
    assert said.code == 0, said.err
    for words in ("site held out", "photo", "mean of sites", "At a new site expect about", "Known sites: validation"):
        assert words in said.out
    engine = Trains()
    again = typed(engine, out)
    assert again.code == 0 and engine.jobs == [] and "At a new site expect about" in again.out


def test_what_was_stopped_goes_on(domains: Path, tmp_path: Path) -> None:
    out = tmp_path / "my sites"
    stopped = events.Stopped(run="run", best_epoch=1)
    first = Trains(lambda number: stopped if number == 1 else None)
    said = typed(first, domains, "--out", out)
    assert said.code == 130 and f'--out "{out}"' in said.err
    assert list(sites.still_to_train(out, sites.read(out))) == [1, 2]
    second = Trains()
    assert typed(second, domains, "--out", out).code == 0 and second.trained == ["site 2", "site 3"]


def test_a_run_that_fails_ends_it_with_its_sentence(domains: Path, tmp_path: Path) -> None:
    failed = events.Failed(problem="The weights are not here.", remedy="Give --weights FILE.", run="run")
    said = typed(Trains(lambda _: failed), domains, "--out", tmp_path / "out")
    assert said.code == 1 and "The weights are not here. Give --weights FILE." in said.err


def test_without_out_it_lies_in_the_project(domains: Path) -> None:
    said = typed(Trains(), domains)
    assert said.code == 0, said.err
    assert " sites." in said.out.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--strategy", "auto"), "'auto' could be another strategy for each site."),
        (("--strategy", "nonsense"), "nonsense"),
        (("--by", "(x)y"), "images have no site"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], says: str, domains: Path, tmp_path: Path) -> None:
    engine = Trains()
    said = typed(engine, domains, *arguments, "--out", tmp_path / "out")
    assert said.code == 1 and says in said.err and engine.jobs == []


def test_another_folder_or_other_settings_are_refused(domains: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert typed(Trains(), domains, "--epochs", 3, "--out", out).code == 0
    said = typed(Trains(), domains, "--epochs", 4, "--out", out)
    assert said.code == 1 and "holds other sites or settings" in said.err
    other = write_dataset(tmp_path / "full", {"a": 1})
    said = typed(Trains(), domains, "--out", other)
    assert said.code == 1 and "is not empty" in said.err


def test_classes_are_no_sites(tmp_path: Path) -> None:
    said = typed(Trains(), write_dataset(tmp_path / "photos", {"a": 8, "b": 8}, size=24), "--out", tmp_path / "out")
    assert said.code == 1 and "would have a single class" in said.err


# -- with an earlier run ------------------------------------------------------------------------------------------


@pytest.fixture
def earlier(domains: Path, tmp_path: Path) -> RunFolder:
    """A run that has learned one image, with a size and a crop that are not the default."""
    image = domains / "art" / "across" / "art-000.png"
    content = hashlib.sha256(image.read_bytes()).hexdigest()
    run = answered(tmp_path / "Run 7", {"then/1.png": ("train", True)}, contents={"then/1.png": content})
    run.write_spec(msgspec.structs.replace(run.spec(), size=160, fit="squash"))
    run.best_path.write_bytes(b"weights")
    return run


def test_every_site_is_held_out_with_the_crop_and_the_size_of_the_earlier_run(
    domains: Path, tmp_path: Path, earlier: RunFolder
) -> None:
    engine, out = Trains(), tmp_path / "out"
    said = typed(engine, domains, "--weights", earlier.path, "--out", out)
    assert said.code == 0, said.err
    assert sites.read(out).weights == "Run 7"
    for number in (1, 2, 3):
        spec = RunFolder(out / f"site {number}").spec()
        assert (spec.fit, spec.size) == ("squash", 160)
        assert spec.source is not None and spec.source.run == "Run 7"
    assert {job.weights_file for job in engine.jobs} == {str(earlier.best_path)}


def test_sites_that_began_with_an_earlier_run_do_not_go_on_without_it(
    domains: Path, tmp_path: Path, earlier: RunFolder
) -> None:
    out = tmp_path / "out"
    stopped = events.Stopped(run="run", best_epoch=1)
    begun = typed(
        Trains(lambda number: stopped if number == 1 else None), domains, "--weights", earlier.path, "--out", out
    )
    assert begun.code == 130
    engine = Trains()
    said = typed(engine, domains, "--out", out)
    assert said.code == 1 and "holds other sites or settings" in said.err and engine.jobs == []
    said = typed(engine, domains, "--weights", earlier.path, "--out", out)
    assert said.code == 0 and engine.trained == ["site 2", "site 3"], said.err
