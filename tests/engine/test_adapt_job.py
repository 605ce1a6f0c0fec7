"""The whole job of a run that adapts: from two folders to scores, and on from there, with a tiny network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.pictures import write_dataset, write_site
from helpers.tiny import codes, of, without_times
from helpers.tiny_runs import SCRATCH, done, made, use_tiny

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.engine.adaptation import after
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.jobs.evaluate import evaluate
from tlgui.engine.network import Network

pytestmark = pytest.mark.usefixtures("one_thread")

WAYS = ["mmd", "adversarial", "mcc", "statistics"]


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone that trains in milliseconds, under the name "tiny"; no power cut is tested here."""

    use_tiny(monkeypatch)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("JANE DOE") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("JOHN DOE") / "New hospital", 30, 24, classes=3)


def scores(run: RunFolder) -> Any:
    return msgspec.json.decode((run.results / "metrics.json").read_bytes())


@pytest.mark.parametrize("adapt", WAYS)
@pytest.mark.parametrize("strategy", ["feature-extraction", "from-scratch", "auto"])
def test_a_run_that_adapts_comes_to_its_end_and_scores_the_model_that_is_kept(
    strategy: str, adapt: str, data: Path, site: Path, tmp_path: Path
) -> None:
    run = made(data, site, tmp_path / "run", strategy=strategy, adapt=adapt)
    said = done(run, data)
    assert isinstance(said[-1], events.Completed), said[-1]
    assert ("projection" in codes(said)) == (strategy != "from-scratch" and adapt != "statistics")
    assert codes(said).count("adaptation") == 1 and "no_adaptation" not in codes(said)
    adapted = [event.adaptation is not None for event in of(said, events.EpochEnded)]
    assert adapted == [adapt != "statistics"] * 2

    evaluated = list(evaluate(commands.Evaluate(run=str(run.path), data=str(data)), Control()))
    again = {event.split: event.metrics for event in of(evaluated, events.Evaluated)}
    assert again.keys() == {"train", "validation", "test"}
    for part in ("validation", "test"):
        assert again[part]["confusion_matrix"] == scores(run)[part]["confusion_matrix"], "the file answers as was said"


@pytest.mark.parametrize("adapt", ["mmd", "statistics"])
def test_neither_place_is_written_into_the_run_folder(adapt: str, data: Path, site: Path, tmp_path: Path) -> None:
    run = made(data, site, tmp_path / "run", adapt=adapt)
    done(run, data)
    for path in run.path.rglob("*"):
        for place in (str(data), str(site), "DOE") if path.is_file() and path != run.events_path else ():
            assert place.encode() not in path.read_bytes(), path


def test_statistics_that_destroy_the_classes_are_said_and_the_run_is_scored_without_them(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = made(data, None, tmp_path / "plain", **SCRATCH)
    done(plain, data)
    run = made(data, site, tmp_path / "run", adapt="statistics", **SCRATCH)
    monkeypatch.setattr(after, "why_not_align", lambda *_: "It is spoilt.")
    said = done(run, data)
    assert "adaptation_alarm" in codes(said) and "statistics_aligned" not in codes(said)
    assert isinstance(said[-1], events.Completed)
    for part in ("validation", "test"):
        assert scores(run)[part] == scores(plain)[part]


def test_aligned_statistics_with_which_the_known_site_is_told_worse_are_said_beside_its_scores(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(_setup: Any, network: Network) -> Iterator[Event]:
        yield from ()
        network.model.get_submodule("norm3").running_mean.add_(50)  # type: ignore[operator, union-attr]
        return True  # type: ignore[return-value]

    monkeypatch.setattr(after, "measured_anew", shifted)
    monkeypatch.setattr(after, "why_not_align", lambda *_: "")
    run = made(data, site, tmp_path / "run", adapt="statistics", **SCRATCH | {"epochs": 8, "head_learning_rate": 0.02})
    (best,) = [event for event in of(done(run, data), events.EpochEnded) if event.best][-1:]
    told = scores(run)["validation"]
    assert told["accuracy"]["value"] < best.validation_accuracy - 0.1
    assert (
        f"With its own, the known site's validation images are {100 * best.validation_accuracy:.0f} % right"
        in told["note"]
    )


def test_a_run_whose_new_site_is_not_where_it_was_asks_for_it_and_goes_on(
    data: Path, site: Path, tmp_path: Path
) -> None:
    whole = made(data, site, tmp_path / "whole", adapt="mmd", **SCRATCH)
    expected = [event for event in done(whole, data) if isinstance(event, events.EpochEnded)]
    first = shutil.copytree(site, tmp_path / "New hospital")
    run = made(data, first, tmp_path / "run", adapt="mmd", **SCRATCH)
    elsewhere = first.rename(tmp_path / "moved")
    with pytest.raises(UserError) as refused:
        done(run, data)
    assert refused.value.problem == "The images of the new site 'New hospital' are not where they were."
    assert (refused.value.remedy, refused.value.code) == ("Say where they are with --target DIR.", "target_missing")
    assert not Checkpoints(run).exists
    said = done(run, data, target=str(elsewhere))
    assert without_times([event for event in said if isinstance(event, events.EpochEnded)]) == without_times(
        [*expected]
    )
    with pytest.raises(UserError, match="are not where they were"):
        done(run, data, more_epochs=1)
    assert isinstance(done(run, data, more_epochs=1, target=str(elsewhere))[-1], events.Completed)


def test_what_is_adapted_to_is_said_once(data: Path, site: Path, tmp_path: Path) -> None:
    run = made(data, site, tmp_path / "run", adapt="mmd")
    assert codes(done(run, data)).count("adaptation") == 1
    more = codes(done(run, data, more_epochs=1))
    assert "adaptation" not in more and "projection" not in more


def test_statistics_are_aligned_again_after_more_epochs(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "why_not_align", lambda *_: "")
    run = made(data, site, tmp_path / "run", adapt="statistics", **SCRATCH)
    assert codes(done(run, data)).count("statistics_aligned") == 1
    assert codes(done(run, data, more_epochs=2)).count("statistics_aligned") == 1


def test_a_network_without_statistics_is_refused_before_it_is_trained(
    data: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlgui.engine.adaptation.site.has_norms", lambda _: False)
    run = made(data, site, tmp_path / "run", adapt="statistics", **SCRATCH)
    with pytest.raises(UserError, match="Tiny keeps no statistics that could be measured anew"):
        done(run, data)
    assert not Checkpoints(run).exists and not run.best_path.exists()
