"""`tlgui train --adapt`: what it asks the engine, what it refuses, and the whole road once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import PlayedEngine, Tlgui, Typed, content_of, type_here
from helpers.pictures import write_site
from helpers.schemas import conforms_as_run

from tlgui.core import commands, events
from tlgui.core.adaptation import ADAPTATIONS
from tlgui.core.run_folder import RunFolder


class Hears(PlayedEngine):
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[commands.Train] = []

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        assert isinstance(job, commands.Train)
        self.jobs.append(job)
        yield events.Completed(run=job.run, message="Training is complete.")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("site") / "New hospital", 12)


def typed(engine: PlayedEngine, *arguments: object) -> Typed:
    return type_here(lambda: engine, *arguments)


def spec_of(run: Path) -> dict[str, Any]:
    return tomllib.loads((run / "run.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("adapt", ADAPTATIONS)
def test_each_way_can_be_typed_with_a_folder(adapt: str, photos: Path, site: Path, tmp_path: Path) -> None:
    engine = Hears()
    said = typed(
        engine,
        "train",
        photos,
        "--adapt",
        adapt,
        "--target",
        site,
        "--adapt-weight",
        0.5,
        "--run-dir",
        tmp_path / "run",
    )
    assert said.code == 0, said.err
    spec = spec_of(tmp_path / "run")
    assert (spec["training"]["adapt"], spec["training"]["adapt_weight"]) == (adapt, 0.5)
    assert (spec["target"]["name"], spec["target"]["images"]) == ("New hospital", 12)
    assert [job.target for job in engine.jobs] == [str(site)]
    assert len(RunFolder(tmp_path / "run").target()) == 12
    assert str(site).encode() not in b"".join(content_of(tmp_path / "run").values())


def test_a_relative_place_is_sent_whole(
    photos: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(site.parent)
    engine = Hears()
    said = typed(engine, "train", photos, "--adapt", "mmd", "--target", site.name, "--run-dir", tmp_path / "run")
    assert said.code == 0, said.err
    monkeypatch.chdir(tmp_path)
    assert typed(engine, "continue", tmp_path / "run", "--target", "moved").code == 0
    assert [job.target for job in engine.jobs] == [str(site), str(tmp_path / "moved")]
    assert typed(engine, "continue", tmp_path / "run").code == 0
    assert engine.jobs[-1].target == "", "where it lay when the run was made"


def test_a_run_file_says_how_and_the_command_line_where(photos: Path, site: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'data = "{photos}"\n[training]\nadapt = "mcc"\nadapt_weight = 3\n')
    engine = Hears()
    said = typed(engine, "train", file, "--run-dir", tmp_path / "run")
    assert (said.code, engine.jobs) == (1, [])
    assert "'mcc' adapts to images of a new site, and none are given. Name their folder with --target DIR" in said.err
    said = typed(engine, "train", file, "--target", site, "--run-dir", tmp_path / "run")
    assert said.code == 0, said.err
    assert (spec_of(tmp_path / "run")["training"]["adapt_weight"], engine.jobs[0].target) == (3, str(site))


def test_the_file_of_a_run_that_adapted_makes_another_one_that_does_not(
    photos: Path, site: Path, tmp_path: Path
) -> None:
    arguments = ("--strategy", "full-fine-tuning", "--adapt", "mmd", "--target", site)
    assert typed(Hears(), "train", photos, *arguments, "--run-dir", tmp_path / "first").code == 0
    said = typed(Hears(), "train", tmp_path / "first" / "run.toml", "--adapt", "none", "--run-dir", tmp_path / "second")
    assert said.code == 0, said.err
    assert "target" not in spec_of(tmp_path / "second") and not (tmp_path / "second" / "target.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--adapt", "mmd"), 1, "'mmd' adapts to images of a new site, and none are given."),
        (("--target", "SITE"), 1, "'New hospital' holds images of a new site, and nothing is said of how to adapt"),
        (("--adapt", "none", "--target", "SITE"), 1, "nothing is said of how to adapt"),
        (("--adapt", "mmd", "--target", "nowhere"), 1, "nowhere"),
        (("--adapt", "mmd", "--target", "PHOTOS"), 1, "Every image in 'photos' is also an image of the known site."),
        (("--adapt", "magic", "--target", "SITE"), 2, "invalid choice: 'magic'"),
        (("--adapt", "mmd", "--target", "SITE", "--adapt-weight", "-1"), 2, "--adapt-weight"),
        (("--adapt", "mmd", "--target", "SITE", "--adapt-weight", "nan"), 2, "--adapt-weight"),
    ],
)
def test_a_wrong_use_is_refused_and_nothing_is_made(
    arguments: tuple[str, ...], code: int, says: str, photos: Path, site: Path, tmp_path: Path, refused: Tlgui
) -> None:
    places = {"SITE": site, "PHOTOS": photos}
    said = refused("train", photos, *(places.get(one, one) for one in arguments), "--run-dir", tmp_path / "run")
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_adapts_to_a_folder_and_goes_on(photos: Path, site: Path, tmp_path: Path, tlgui: Tlgui) -> None:
    """The small network from scratch, with a real engine."""
    run = tmp_path / "run"
    said = tlgui(
        "train", photos, "--backbone", "tiny-cnn", "--strategy", "from-scratch", "--epochs", 2, "--adapt", "mmd",
        "--target", site, "--run-dir", run, "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    conforms_as_run(said.events, "Completed")
    (notice,) = [event["message"] for event in said.events if event.get("code") == "adaptation"]
    assert "12 images of 'New hospital' take part, without labels." in notice
    epochs = [event["adaptation"] for event in said.events if event["type"] == "EpochEnded"]
    assert len(epochs) == 2 and all(one["loss"] is not None and one["score"] is not None for one in epochs)
    # The warm engine of the tests has a state folder of its own, so that it is told the place.
    more = tlgui("continue", run, "--target", site, "--more-epochs", 1, "--json")
    assert more.code == 0, more.err
    assert [event["epoch"] for event in more.events if event["type"] == "EpochEnded"] == [3]
    scored = tlgui("evaluate", run, photos, "--json")
    assert scored.code == 0, scored.err
