"""What is done with a run that learned on, after its training: mixing its weights, and quick copies that are held harder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from helpers.learning_on import apart, copied, made, mixed, pictures, put_tiny, scores, trained, tried
from helpers.pictures import write_site
from helpers.tiny import of
from safetensors.torch import load_file

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.retention import SHARES
from tlgui.core.run_folder import RunFolder
from tlgui.engine import trained_model
from tlgui.engine.control import Control
from tlgui.engine.jobs.evaluate import evaluate
from tlgui.engine.retention.knowledge import FILE
from tlgui.engine.trained_model import AFTER

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    put_tiny(monkeypatch)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("old") / "old", 0, across=(1, 30), down=(0, 30))


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was called "down" is called "across" here, so that something is forgotten."""
    return pictures(tmp_path_factory.mktemp("new") / "new", 1, across=(2, 30), down=(1, 30))


@pytest.fixture(scope="module")
def once(old: Path, new: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """A run, and one that learned on from it and forgot."""
    folder = tmp_path_factory.mktemp("once")
    with apart(folder):
        first = made(old, folder / "first", epochs=4)
        trained(first, old)
        run = made(new, folder / "run", first, epochs=8)
        trained(run, new, first)
    return first, run


@pytest.fixture
def first(once: tuple[RunFolder, RunFolder], old: Path, tmp_path: Path) -> RunFolder:
    return copied(once[0], tmp_path / "first", old)


@pytest.fixture
def run(once: tuple[RunFolder, RunFolder], first: RunFolder, old: Path, new: Path, tmp_path: Path) -> RunFolder:
    """A run that learned on and forgot."""
    return copied(once[1], tmp_path / "run", new, old)


def content_of(run: RunFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.suffix != ".lock"}


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path)


def start_of(run: RunFolder) -> dict[str, torch.Tensor]:
    found = load_file(run.checkpoints / FILE)
    return {name.removeprefix("start|"): one for name, one in found.items() if name.startswith("start|")}


# -- mixing -------------------------------------------------------------------------------------------------------


def test_a_mix_is_said_kept_and_scored(run: RunFolder, new: Path) -> None:
    after, before, looks = weights_of(run.best_path), start_of(run), scores(run)["test_evaluations"]
    length = len(list(run.events()))
    said = mixed(run, new, share=0.3)
    assert isinstance(said[-1], events.Completed), said[-1]
    (tried_,) = of(said, events.MixesTried)
    assert [one.earlier for one in tried_.mixes] == sorted({*SHARES, 0.3}) and (tried_.chosen, tried_.by_itself) == (
        0.3,
        False,
    )
    kept = weights_of(run.best_path)
    for name, one in kept.items():
        if one.is_floating_point():
            torch.testing.assert_close(one, 0.3 * before[name] + 0.7 * after[name], rtol=1e-4, atol=1e-6)
    assert trained_model.load(run).card.earlier_share == 0.3
    assert all(torch.equal(one, after[name]) for name, one in weights_of(run.checkpoints / AFTER).items())
    assert scores(run)["test_evaluations"] == looks + 1, "one more look at the test images"
    added = list(run.events())[length:]
    kinds = [type(event) for event in added]
    assert kinds == [events.MixesTried, events.Evaluated, events.Evaluated, events.RetentionMeasured]
    (mix,) = [one for one in tried_.mixes if one.earlier == 0.3]
    assert f"{100 * mix.new:.1f} %" in tried_.sentence and "30 % of the weights before" in tried_.sentence
    assert scores(run)["validation"]["accuracy"]["value"] == pytest.approx(mix.new)
    again = list(evaluate(commands.Evaluate(run=str(run.path), data=str(new)), Control()))
    for event in of(again, events.Evaluated):
        if event.split in ("validation", "test"):
            assert event.metrics["confusion_matrix"] == scores(run)[event.split]["confusion_matrix"]


def test_the_share_with_the_best_mean_of_both_is_chosen_the_more_even_one_of_equals(run: RunFolder, new: Path) -> None:
    (found,) = of(mixed(run, new), events.MixesTried)
    assert (found.by_itself and found.new_images == found.old_images == 8) or found.old_images
    value = {one.earlier: round(one.new + (one.old or 0), 9) for one in found.mixes}
    best = [share for share, one in value.items() if one == max(value.values())]
    assert found.chosen == min(best, key=lambda share: abs(share - 0.5))
    assert "the best mean of both on validation images" in found.sentence


def test_without_earlier_images_it_is_half_and_half_and_says_so(
    run: RunFolder, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlgui.core.earlier.recall_place", lambda _: None)
    (found,) = of(mixed(run, new), events.MixesTried)
    assert (found.chosen, found.old_images) == (0.5, 0) and {one.old for one in found.mixes} == {None}
    assert (
        "half and half, since there are no earlier validation images beside the new ones that could choose"
        in found.sentence
    )


def test_mixing_again_begins_with_what_training_came_to(run: RunFolder, new: Path) -> None:
    after, before = weights_of(run.best_path), start_of(run)
    for share in (0.8, 0.25, 1.0, 0.0):
        mixed(run, new, share=share)
        for name, one in weights_of(run.best_path).items():
            if one.is_floating_point():
                expected = share * before[name] + (1 - share) * after[name]
                torch.testing.assert_close(one, expected, rtol=1e-4, atol=1e-6)
    assert all(torch.equal(one, after[name]) for name, one in weights_of(run.best_path).items())


def test_a_mixed_run_that_is_extended_is_mixed_from_its_new_best(run: RunFolder, new: Path) -> None:
    first_after = weights_of(run.best_path)
    mixed(run, new, share=0.5)
    said = trained(run, new, more_epochs=6)
    assert isinstance(said[-1], events.Completed)
    if any(event.best for event in of(said, events.EpochEnded)):
        now = weights_of(run.best_path)
        assert trained_model.load(run).card.earlier_share == 0
        mixed(run, new, share=0.5)
        mixed(run, new, share=0.0)
        assert all(torch.equal(one, now[name]) for name, one in weights_of(run.best_path).items())
    else:
        mixed(run, new, share=0.0)
        assert all(torch.equal(one, first_after[name]) for name, one in weights_of(run.best_path).items())


def test_a_run_that_averages_by_itself_does_it_at_each_end(first: RunFolder, new: Path, tmp_path: Path) -> None:
    run = made(new, tmp_path / "averaged", first, keep="average", keep_strength=0.4)
    (found,) = of(trained(run, new, first), events.MixesTried)
    assert (found.chosen, found.by_itself) == (0.4, False)
    (found,) = of(trained(run, new, more_epochs=1), events.MixesTried)
    assert found.chosen == 0.4 and trained_model.load(run).card.earlier_share == 0.4


def stopping(after: int) -> Control:
    """Asks to stop when it was asked so often whether somebody does."""
    control, asked = Control(), [0]

    def take(wait: bool = False) -> commands.AnyCommand | None:
        asked[0] += 1
        return commands.Stop() if asked[0] == after else None

    control.take = take  # type: ignore[method-assign, assignment]
    return control


@pytest.mark.parametrize("after", [1, 4])
def test_a_stop_while_mixing_leaves_everything_as_it_was(after: int, run: RunFolder, new: Path) -> None:
    before = content_of(run)
    said = mixed(run, new, control=stopping(after))
    assert isinstance(said[-1], events.Stopped) and not of(said, events.MixesTried)
    assert content_of(run) == before


def test_a_run_that_another_program_works_on_is_left_alone(run: RunFolder, new: Path) -> None:
    with FileLock(run.lock_path):
        for job in (mixed, tried):
            with pytest.raises(UserError) as refused:
                job(run, new)
            assert refused.value.code in ("run_locked", "nothing_known")


def test_a_run_that_knew_nothing_before_cannot_be_mixed(first: RunFolder, old: Path) -> None:
    before = content_of(first)
    with pytest.raises(UserError, match="did not learn on from anything that it keeps") as refused:
        mixed(first, old)
    assert refused.value.code == "nothing_known" and content_of(first) == before


def test_a_folder_that_is_gone_is_asked_for(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="The folder of the images 'nowhere' is not there") as refused:
        mixed(run, tmp_path / "nowhere")
    assert refused.value.code == "images_missing"


# -- strengths ----------------------------------------------------------------------------------------------------


def held(first: RunFolder, new: Path, path: Path, keep: str, **options: Any) -> RunFolder:
    run = made(new, path, first, keep=keep, epochs=6, **options)
    trained(run, new, first)
    return run


@pytest.mark.parametrize("keep", ["ewc", "l2sp"])
def test_quick_copies_show_what_a_strength_costs(keep: str, first: RunFolder, new: Path, tmp_path: Path) -> None:
    run = held(first, new, tmp_path / "held", keep)
    before, length = content_of(run), len(list(run.events()))
    said = tried(run, new, strengths=[1e5, 10.0], epochs=6)
    assert isinstance(said[-1], events.Completed), said[-1]
    (found,) = of(said, events.StrengthsTried)
    assert [one.strength for one in found.points] == [0.0, 10.0, 1e5] and found.epochs == 6
    old = [one.old for one in found.points]
    assert all(one is not None for one in old) and (old[-1] or 0) >= (old[0] or 0)
    value = {one.strength: one.new + (one.old or 0) for one in found.points}
    assert found.best is not None and value[found.best] == max(value.values())
    assert found.old_before is not None and f"{100 * found.old_before:.1f} % of these were before" in found.sentence
    own = scores(first)["validation"]["accuracy"]
    assert (found.old_before, found.old_images) == (own["value"], own["n"]), "of the earlier model"
    now = content_of(run)
    assert {name for name in now if now[name] != before.get(name)} == {"events.jsonl"} and now.keys() == before.keys()
    assert [type(event) for event in list(run.events())[length:]] == [events.StrengthsTried]
    assert of(tried(run, new, strengths=[1e5, 10.0], epochs=6), events.StrengthsTried) == [found], "it repeats itself"


def test_by_themselves_strengths_lie_around_that_of_the_run(first: RunFolder, new: Path, tmp_path: Path) -> None:
    run = held(first, new, tmp_path / "held", "l2sp", keep_strength=2.0)
    (found,) = of(tried(run, new), events.StrengthsTried)
    assert [one.strength for one in found.points] == [0.0, 0.02, 0.2, 2.0, 20.0, 200.0] and found.epochs == 2


def test_the_copies_begin_where_the_run_began_wherever_it_came_to(first: RunFolder, new: Path, tmp_path: Path) -> None:
    """Also where deeper layers were unfrozen since: what lies below the cut must be what it was."""
    options: dict[str, Any] = {"strategy": "feature-extraction", "unfreezing": "schedule", "unfreeze_at": [1, 2]}
    run = held(first, new, tmp_path / "held", "l2sp", **options)
    other = held(first, new, tmp_path / "other", "l2sp", strategy="feature-extraction")
    points = [of(tried(one, new, strengths=[5.0], epochs=2), events.StrengthsTried)[0].points for one in (run, other)]
    assert points[0] == points[1]


def test_a_stop_between_copies_leaves_everything_as_it_was(first: RunFolder, new: Path, tmp_path: Path) -> None:
    run = held(first, new, tmp_path / "held", "ewc")
    before = content_of(run)
    said = tried(run, new, control=stopping(20), epochs=2)
    assert isinstance(said[-1], events.Stopped) and not of(said, events.StrengthsTried)
    assert content_of(run) == before


def test_a_strength_with_which_numbers_run_away_is_no_point(first: RunFolder, new: Path, tmp_path: Path) -> None:
    run = held(first, new, tmp_path / "held", "l2sp", optimizer="adam")
    (found,) = of(tried(run, new, strengths=[1.0, 1e38], epochs=2), events.StrengthsTried)
    assert {one.strength for one in found.points} >= {0.0, 1.0}


def test_without_earlier_images_the_curve_shows_the_new_task_alone(
    first: RunFolder, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = held(first, new, tmp_path / "held", "ewc")
    monkeypatch.setattr("tlgui.core.earlier.recall_place", lambda _: None)
    (found,) = of(tried(run, new, strengths=[1.0], epochs=1), events.StrengthsTried)
    assert (found.best, found.old_before, found.old_images) == (None, None, 0)
    assert found.sentence == "Earlier images are not there, so the curve shows the new task alone."


def test_a_run_that_is_not_held_while_it_trains_has_no_strength(run: RunFolder, new: Path) -> None:
    before: dict[str, bytes] = content_of(run)
    with pytest.raises(UserError, match="holds on to nothing while it trains") as refused:
        tried(run, new)
    assert refused.value.code == "nothing_known" and content_of(run) == before


@pytest.mark.parametrize("adapt", ["mmd", "statistics"])
def test_of_a_run_that_adapts_a_share_of_0_is_the_model_that_it_is(
    adapt: str, first: RunFolder, new: Path, tmp_path: Path
) -> None:
    """Its kept state holds the statistics of the new site; a mix of nothing changes neither these nor the scores."""
    site = write_site(tmp_path / "New hospital", 20, 24)
    run = made(new, tmp_path / "adapted", first, keep="ewc", adapt=adapt, target=site)
    trained(run, new, first)
    after, before = weights_of(run.best_path), scores(run)
    said = mixed(run, new, share=0.0)
    assert isinstance(said[-1], events.Completed)
    assert all(torch.equal(one, after[name]) for name, one in weights_of(run.best_path).items())
    for part in ("validation", "test"):
        assert scores(run)[part]["confusion_matrix"] == before[part]["confusion_matrix"]
    assert scores(run)["retention"] == before["retention"]
    assert isinstance(mixed(run, new, share=0.5)[-1], events.Completed)
    assert isinstance(tried(run, new, strengths=[1.0], epochs=1)[-1], events.Completed)
