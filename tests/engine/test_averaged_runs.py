"""Mixes of the weights before and after, beside what else a run does: aligning, beginning without an earlier run, going back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers.learning_on import FAST, apart, broken_off, copied, made, mixed, pictures, put_tiny, scores, trained
from helpers.pictures import write_site
from helpers.tiny import of
from safetensors.torch import load_file

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.engine import trained_model
from tlgui.engine.adaptation import after as aligning
from tlgui.engine.control import Control
from tlgui.engine.jobs.evaluate import evaluate
from tlgui.engine.trained_model import AFTER
from tlgui.imaging.prepare import prepare_run

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    put_tiny(monkeypatch)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("old") / "old", 0, across=(1, 40), down=(0, 40))


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("new") / "new", 1, across=(0, 40), down=(1, 40))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("site") / "s", 40, 24, classes=2)


@pytest.fixture(scope="module")
def once(old: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("once")
    with apart(folder):
        first = made(old, folder / "first")
        trained(first, old)
    return first


@pytest.fixture
def first(once: RunFolder, old: Path, tmp_path: Path) -> RunFolder:
    return copied(once, tmp_path / "first", old)


def answered_by(run: RunFolder, data: Path) -> dict[str, object]:
    """The confusion of each part, by the file that is kept."""
    said = evaluate(commands.Evaluate(run=str(run.path), data=str(data)), Control())
    return {
        one.split: one.metrics["confusion_matrix"] for one in said if isinstance(one, events.Evaluated)
    }  # fmt: skip


@pytest.mark.parametrize("strategy", ["fine-tune-top", "feature-extraction"])
def test_a_mix_is_chosen_with_the_known_sites_statistics_and_aligned_after_that(
    strategy: str, first: RunFolder, new: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aligning, "why_not_align", lambda *_: "")
    run = made(
        new,
        tmp_path / "run",
        first,
        strategy=strategy,
        keep="average",
        keep_strength=0.4,
        adapt="statistics",
        target=site,
    )
    said = trained(run, new, first)
    kinds = [type(one).__name__ if isinstance(one, events.MixesTried) else getattr(one, "code", "") for one in said]
    assert kinds.index("MixesTried") < kinds.index("statistics_aligned")
    card, beside = trained_model.card_of(run.best_path), trained_model.card_of(run.checkpoints / AFTER)
    assert card is not None and beside is not None
    assert (card.aligned, card.earlier_share, beside.aligned) == (True, 0.4, False)
    kept, before = load_file(run.best_path), load_file(run.checkpoints / AFTER)
    statistics = [name for name in kept if name.endswith("running_mean")]
    assert any(not torch.equal(kept[name], before[name]) for name in statistics)
    for part, confusion in answered_by(run, new).items():
        if part in scores(run):
            assert scores(run)[part]["confusion_matrix"] == confusion, "what is said is what the file answers"

    said = trained(run, new, more_epochs=1)
    again = trained_model.card_of(run.best_path)
    assert isinstance(said[-1], events.Completed) and again is not None
    assert (again.aligned, again.earlier_share) == (True, 0.4), (
        "it is mixed from what training came to, and aligned anew"
    )


def test_an_aligned_model_is_not_mixed_with_weights_that_have_other_statistics(
    first: RunFolder, new: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aligning, "why_not_align", lambda *_: "")
    run = made(new, tmp_path / "run", first, keep="l2sp", adapt="statistics", target=site)
    trained(run, new, first)
    kept = run.best_path.read_bytes()
    with pytest.raises(UserError, match="The statistics of 'run' are those of a new site"):
        mixed(run, new, share=0.3)
    assert run.best_path.read_bytes() == kept


def test_an_aligned_best_state_that_was_not_mixed_stays_as_it_is(
    first: RunFolder, new: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a share of 0 there is nothing beside it that a run which goes on could mix."""
    monkeypatch.setattr(aligning, "why_not_align", lambda *_: "")
    options = {"keep": "average", "keep_strength": 0.0, "adapt": "statistics", "target": site, "patience": 0}
    run = made(new, tmp_path / "run", first, **options)
    trained(run, new, first)
    kept = run.best_path.read_bytes()
    said = trained(run, new, more_epochs=1)
    if not any(event.best for event in of(said, events.EpochEnded)):
        assert run.best_path.read_bytes() == kept and of(said, events.MixesTried) == []


def test_without_an_earlier_run_the_weights_before_have_a_head_that_tells_the_classes_apart(
    new: Path, tmp_path: Path
) -> None:
    """Rows fit no head first by themselves; half of a random one would spoil what was learned (Wortsman et al. 2022)."""
    open_ = {name: value for name, value in FAST.items() if name != "warm_start"} | {"warm_start": None}
    run = made(new, tmp_path / "run", **open_ | {"strategy": "fine-tune-top", "epochs": 6, "keep": "average"})
    (found,) = of(trained(run, new), events.MixesTried)
    (before,) = [one for one in found.mixes if one.earlier == 1.0]
    assert before.new > 0.75


def test_a_mix_whose_other_half_is_gone_is_not_taken_for_what_training_came_to(
    first: RunFolder, new: Path, tmp_path: Path
) -> None:
    run = made(new, tmp_path / "run", first, keep="l2sp")
    trained(run, new, first)
    mixed(run, new, share=0.6)
    (run.checkpoints / AFTER).unlink()
    kept = run.best_path.read_bytes()
    with pytest.raises(UserError, match="What the mixed model of 'run' was made of is not there"):
        mixed(run, new, share=0.5)
    assert run.best_path.read_bytes() == kept and not (run.checkpoints / AFTER).exists()


@pytest.mark.parametrize(
    ("strength", "says"), [(None, "of them help to choose the mix"), (0.5, "They choose nothing.")]
)
def test_where_the_meters_images_choose_the_mix_that_is_said(
    strength: float | None, says: str, old: Path, new: Path, tmp_path: Path
) -> None:
    """An earlier run without test images has no others."""
    untested = prepare_run(
        old, RunSpec(backbone="tiny", training=Training(**FAST), split_fractions=(0.7, 0.3, 0.0)), tmp_path / "untested"
    ).run
    trained(untested, old)
    run = made(new, tmp_path / "run", untested, keep="average", keep_strength=strength, epochs=1)
    (meter,) = [one.message for one in of(trained(run, new, untested), events.Notice) if one.code == "meter"]
    assert says in meter


def test_a_run_that_began_with_a_random_head_has_nothing_to_mix_with(new: Path, tmp_path: Path) -> None:
    run = made(new, tmp_path / "run", warm_start=False, keep="ewc")
    trained(run, new)
    with pytest.raises(UserError, match="began with a last layer that knew nothing"):
        mixed(run, new, share=0.5)


def test_an_undo_and_a_sitting_say_which_strength_is_in_use(first: RunFolder, new: Path, tmp_path: Path) -> None:
    run = made(new, tmp_path / "run", first, keep="l2sp", keep_strength=3.0, strategy="fine-tune-top", epochs=6)
    control, asked = Control(), {1: [commands.Unfreeze()], 2: [commands.SetKeepStrength(strength=40.0)], 3: [commands.Undo()],
                                 4: [commands.SetKeepStrength(strength=5.0), commands.Stop()]}  # fmt: skip
    undone: list[Event] = []

    def enough(event: Event) -> bool:
        if isinstance(event, events.Undone):
            undone.append(event)
        if isinstance(event, events.EpochEnded):
            for command in asked.pop(event.epoch, []):
                control.put(command)
        return False

    broken_off(run, new, first, enough, control)
    assert [getattr(one, "keep_strength", None) for one in undone] == [3.0]
    (resumed,) = of(trained(run, new), events.Resumed)
    assert resumed.keep_strength == 5.0
    for keep in ("none", "average"):
        plain = made(new, tmp_path / keep, first, keep=keep, epochs=1)
        trained(plain, new, first)
        (resumed,) = of(trained(plain, new, more_epochs=1), events.Resumed)
        assert resumed.keep_strength is None, "neither holds while it trains"


def test_what_is_undone_in_a_later_sitting_is_not_mixed_in(first: RunFolder, new: Path, tmp_path: Path) -> None:
    """Each ending mixes, and keeps what training came to beside; an undo may go back behind the last ending."""
    run = made(
        new,
        tmp_path / "run",
        first,
        keep="average",
        keep_strength=0.5,
        strategy="fine-tune-top",
        top_groups=1,
        epochs=12,
    )

    def sitting(asked: dict[int, list[commands.AnyCommand]]) -> list[Event]:
        """Commands after an epoch; after the first batch for 0."""
        control, left = Control(), dict(asked)

        def enough(event: Event) -> bool:
            if isinstance(event, events.EpochEnded | events.BatchEnded):
                for command in left.pop(event.epoch if isinstance(event, events.EpochEnded) else 0, []):
                    control.put(command)
            return False

        return broken_off(run, new, first, enough, control)

    sitting({2: [commands.Stop()]})
    sitting({0: [commands.Unfreeze()], 5: [commands.Stop()]})
    said = sitting({6: [commands.Undo(), commands.Stop()]})
    (undone,) = of(said, events.Undone)
    best = trained_model.card_of(run.best_path)
    made_of = trained_model.card_of(trained_model.unmixed(run))
    assert best is not None and made_of is not None and undone.best_epoch == 2, "that of the first sitting"
    assert best.epoch == made_of.epoch == undone.best_epoch == scores(run)["best_epoch"]
