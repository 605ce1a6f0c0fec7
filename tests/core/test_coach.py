"""The curve coach: each rule speaks where it should, is silent on scatter, and never contradicts the state."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import Any

import msgspec
import pytest
from helpers.curves import STEPS, answered, coached, epochs_of, facts, judged, ladder, rules_of, wandering
from hypothesis import given, settings
from hypothesis import strategies as st

from tlgui.core import events
from tlgui.core.coach import BUTTONS, CoachFacts, Coaching, Follower, coach
from tlgui.core.coach_rules import RULES
from tlgui.core.events import EpochEnded

PLANNED = 20


def learning_by_heart(scatter: float = 0.0, accuracy: float = 0.85, seed: int = 3) -> list[EpochEnded]:
    """The validation loss falls to 0.40 at epoch 6, then rises by 0.02 an epoch; the training loss goes to nothing."""
    rng = random.Random(seed)
    validation = [0.4 + 0.05 * abs(6 - e) * (0.4 if e > 6 else 1.0) + rng.gauss(0, scatter) for e in range(1, 17)]
    training = [0.5 * math.exp(-e / 5) for e in range(1, 17)]
    return epochs_of(validation, training, [accuracy] * 16, PLANNED)


def level(value: float = 0.5, length: int = 14, planned: int = 40, accuracy: float = 0.8) -> list[EpochEnded]:
    """Falls for four epochs, then stays within half a percent."""
    rng = random.Random(1)
    validation = [value * (1 + 0.2 * max(0, 4 - e)) * (1 + rng.gauss(0, 0.002)) for e in range(1, length + 1)]
    training = [value * (1 + 0.2 * max(0, 4 - e)) for e in range(1, length + 1)]
    return epochs_of(validation, training, [accuracy] * length, planned)


def away() -> list[EpochEnded]:
    """Learns for four epochs, then both losses run away."""
    losses = [1.0, 0.8, 0.6, 0.5, 3.0, 5.0, 9.0]
    return epochs_of(losses, losses, [0.5, 0.6, 0.7, 0.8, 0.4, 0.33, 0.33], PLANNED)


def stuck(at: float = math.log(3)) -> list[EpochEnded]:
    """Never comes below guessing."""
    return epochs_of([at * 1.01] * 12, [at] * 12, [0.33] * 12, PLANNED)


def falling(end: float = 0.3, length: int = PLANNED) -> list[EpochEnded]:
    """Still falls by 4 % an epoch at the end of the plan."""
    validation = [end * 1.04 ** (length - e) for e in range(1, length + 1)]
    accuracy = [0.6 + 0.3 * e / length for e in range(1, length + 1)]
    return epochs_of(validation, validation, accuracy, length)


def worse_after_a_move(step: int = 5 * STEPS) -> tuple[list[EpochEnded], dict[str, Any]]:
    """An unfreezing by itself after epoch 5 raises the validation loss from .5 to .9 and costs 20 points."""
    validation = [0.52, 0.5, 0.51, 0.5, 0.5, 0.88, 0.9, 0.91, 0.93]
    accuracy = [0.85] * 5 + [0.66, 0.65, 0.65, 0.64]
    made = epochs_of(validation, [0.4] * 9, accuracy, PLANNED)
    return made, {"moved_at": step, "moved_by_itself": True, "allowed": frozenset({"undo", "stop", "rates", "extend"})}


def under(start: tuple[float, float] | None, accuracy: float = 0.7, length: int = 12) -> list[EpochEnded]:
    """Stays at a loss of .9 and 70 %."""
    rng = random.Random(5)
    validation = [0.9 + rng.gauss(0, 0.01) for _ in range(length)]
    return epochs_of(validation, [0.8] * length, [accuracy] * length, PLANNED, start)


# rule -> (epochs, frozen groups, other facts, button)
SPEAKS: dict[str, tuple[list[EpochEnded], int, dict[str, Any], str | None]] = {
    "hurt": (level(length=6), 2, {"verdict": judged("hurt"), "allowed": frozenset({"undo"})}, "undo"),
    "exploding": (away(), 0, {}, "rates"),
    "not learning": (stuck(1.5), 0, {}, "rates"),
    "worse after unfreezing": (*worse_after_a_move()[:1], 2, worse_after_a_move()[1], "undo"),
    "under the start": (under((0.3, 0.9)), 0, {}, "rates"),
    "overfitting": (learning_by_heart(), 0, {}, "stop"),
    "under the first answer": (under(None), 3, {"first_answer": answered(0.9), "train_images": 100}, None),
    "plateau": (level(), 3, {}, "unfreeze"),
    "still improving": (falling(), 0, {}, "extend"),
}


def test_every_row_has_a_curve_on_which_it_speaks() -> None:
    assert [rule.name for rule in RULES] == list(SPEAKS)


@pytest.mark.parametrize("name", SPEAKS)
def test_the_rule_speaks_with_its_evidence_and_at_most_one_button(name: str) -> None:
    epochs, frozen, others, button = SPEAKS[name]
    said = coach(facts(epochs, frozen, **others))
    assert said is not None and said.rule == name
    assert said.button == button
    assert said.sentence.endswith(".") and said.evidence.endswith(".") and any(sign.isdigit() for sign in said.evidence)
    assert "please" not in said.sentence.lower() and "!" not in said.sentence


def test_a_first_answer_over_fewer_classes_is_nothing_to_be_under() -> None:
    epochs, frozen, others, _ = SPEAKS["under the first answer"]
    fewer = msgspec.structs.replace(others["first_answer"], classes=2, of_classes=7)
    said = coach(facts(epochs, frozen, **others | {"first_answer": fewer}))
    assert said is None or said.rule != "under the first answer"


@pytest.mark.parametrize("name", SPEAKS)
def test_what_cannot_be_pressed_is_not_suggested(name: str) -> None:
    epochs, frozen, others, button = SPEAKS[name]
    said = coach(facts(epochs, frozen, **(others | {"allowed": frozenset()})))
    assert said is None or said.button is None
    alone = next(rule for rule in RULES if rule.name == name).without_button or button is None
    assert (said is not None and said.rule == name) == alone


def test_the_sentence_of_each_rule_reads_as_meant() -> None:
    def read(name: str) -> Coaching:
        epochs, frozen, others, _ = SPEAKS[name]
        said = coach(facts(epochs, frozen, **others))
        assert said is not None
        return said

    assert read("overfitting").sentence == (
        "It learns the training images by heart: validation gets worse while training gets better. "
        "Stop keeps epoch 6, the best so far."
    )
    assert read("plateau").sentence == "This has stopped getting better. Unfreezing block 2 lets it learn more."
    assert read("still improving").sentence == (
        "It was still getting better at the end. 10 more epochs may bring more."
    )
    assert read("hurt").sentence == "Unfreezing block 2 made the answers worse. Undo goes back to before it."
    assert read("hurt").evidence == (
        "-5.0 points in accuracy, -8.0 to -2.0, on the same 150 validation images, against 3 epochs without it."
    )
    assert read("exploding").rates == pytest.approx(dict.fromkeys(("stem", "block 1", "block 2", "head"), 1e-3))


# -- silent where it is not sure ------------------------------------------------------------------------------------


def test_it_is_silent_before_the_first_epoch_and_where_a_loss_is_no_number() -> None:
    some = level()
    assert coach(msgspec.structs.replace(facts(some), epochs=[])) is None
    torn = [*some[:-1], msgspec.structs.replace(some[-1], validation_loss=None)]
    assert coach(facts(torn)) is None


def test_a_training_loss_above_validation_because_of_augmentation_is_no_matter() -> None:
    validation = [0.5 * math.exp(-e / 6) + 0.2 for e in range(1, 21)]
    epochs = epochs_of(validation, [3 * loss for loss in validation], [0.9] * 20, 40)
    assert rules_of(coached(epochs)) == set()


def test_overconfident_but_better_is_not_called_learning_by_heart() -> None:
    epochs = learning_by_heart()
    better = [msgspec.structs.replace(epoch, validation_accuracy=0.75 + 0.01 * epoch.epoch) for epoch in epochs]
    assert rules_of(coached(epochs, 0)) == {"overfitting"}
    assert rules_of(coached(better, 0)) == set()


@pytest.mark.parametrize("name", ["overfitting", "worse after unfreezing"])
def test_a_network_that_merely_gets_surer_is_left_alone(name: str) -> None:
    """Its raw loss rises, and the loss after calibration falls: it goes on telling more images apart."""
    epochs, frozen, others, _ = SPEAKS[name]
    steps = range(len(epochs))
    surer = [
        msgspec.structs.replace(epoch, validation_calibrated_loss=0.5 * 0.97**number)
        for number, epoch in zip(steps, epochs, strict=True)
    ]
    assert coach(facts(epochs, frozen, **others)) is not None
    said = coach(facts(surer, frozen, **others))
    assert said is None or said.rule != name


@pytest.mark.parametrize("others", [{"verdict_due": True}, {"more_by_itself": True}])
@pytest.mark.parametrize("name", ["overfitting", "plateau"])
def test_what_the_run_does_by_itself_is_waited_for(name: str, others: dict[str, Any]) -> None:
    epochs, frozen, _, _ = SPEAKS[name]
    assert coach(facts(epochs, frozen, **others)) is None


def test_epochs_before_a_move_count_no_more() -> None:
    epochs = learning_by_heart()
    assert coach(facts(epochs, 0, moved_at=14 * STEPS)) is None


def test_with_few_validation_images_a_small_rise_is_silent() -> None:
    """0.2 in the mean of 10 images is two images that are surely wrong."""
    assert coach(facts(learning_by_heart(), 0, validation_images=200)) is not None
    assert coach(facts(learning_by_heart(), 0, validation_images=10)) is None


@pytest.mark.parametrize(
    "others", [{"train_images": 150}, {"accuracy": 0.97}], ids=["few images", "nothing left to gain"]
)
def test_unfreezing_is_not_suggested_where_it_hardly_ever_helped(others: dict[str, Any]) -> None:
    accuracy = others.pop("accuracy", 0.8)
    assert coach(facts(level(accuracy=accuracy), 3, **others)) is None


def test_when_all_learn_a_plateau_suggests_stop_once_the_rates_have_come_down() -> None:
    early, late = level(length=16, planned=40), level(length=34, planned=40)
    assert coach(facts(early, 0)) is None, "a falling rate may still bring the loss down"
    said = coach(facts(late, 0))
    assert said is not None and (said.rule, said.button) == ("plateau", "stop")


def test_a_verdict_that_helped_or_that_cannot_be_undone_is_silent() -> None:
    allowed = frozenset({"undo"})
    assert coach(facts(level(length=6), 2, verdict=judged("helped", 0.05), allowed=allowed)) is None
    assert coach(facts(level(length=6), 2, verdict=judged("no difference", 0.0), allowed=allowed)) is None
    assert coach(facts(level(length=6), 2, verdict=judged("hurt"), allowed=frozenset({"stop"}))) is None


def test_a_move_that_made_no_difference_is_no_harm() -> None:
    epochs, others = worse_after_a_move()
    back = [msgspec.structs.replace(epoch, validation_loss=0.51, validation_accuracy=0.85) for epoch in epochs[5:]]
    assert coach(facts([*epochs[:5], *back], 2, **others)) is None
    others["moved_by_itself"] = False
    assert coach(facts(epochs, 2, **others)) is None, "one that is pressed gets a verdict against a control"


def test_the_end_is_not_called_improving_in_the_middle_or_when_it_has_levelled() -> None:
    assert coach(facts(falling()[:12], 0)) is None
    rng = random.Random(0)
    validation = [0.3 + 0.3 * math.exp(-e / 3) + rng.gauss(0, 0.003) for e in range(1, 21)]
    levelled = epochs_of(validation, validation, [0.9] * 20, 20)
    assert coach(facts(levelled, 0)) is None


def test_slow_at_first_is_not_stuck() -> None:
    """From a random start the loss stays at guessing for some epochs, then falls."""
    chance = math.log(3)
    validation = [chance] * 5 + [chance * 0.9**e for e in range(1, 16)]
    epochs = epochs_of(validation, validation, [0.4] * 20, 20)
    assert "not learning" not in rules_of(coached(epochs, 0))


_LOSS = st.floats(0, 50, allow_nan=False)
_EPOCH = st.tuples(_LOSS, _LOSS, st.floats(0, 1))


@given(
    values=st.lists(_EPOCH, min_size=1, max_size=45),
    start=st.none() | st.tuples(_LOSS, st.floats(0, 1)),
    frozen=st.integers(0, 3),
    others=st.fixed_dictionaries(
        {
            "moved_at": st.integers(0, 45).map(lambda epoch: epoch * STEPS),
            "moved_by_itself": st.booleans(),
            "validation_images": st.integers(0, 3000),
            "train_images": st.integers(0, 3000),
            "verdict": st.none() | st.sampled_from(["hurt", "helped"]).map(judged),
            "allowed": st.sets(st.sampled_from(BUTTONS)).map(frozenset),
            "first_answer": st.none() | st.floats(0.1, 0.9).map(answered),
        }
    ),
)
@settings(max_examples=200, deadline=None)
def test_whatever_the_curves_it_suggests_only_what_can_be_pressed(
    values: list[tuple[float, float, float]], start: tuple[float, float] | None, frozen: int, others: dict[str, Any]
) -> None:
    validation, training, accuracy = zip(*values, strict=True)
    told = facts(epochs_of(validation, training, accuracy, 40, start), frozen, **others)
    said = coach(told)
    if said is not None and said.button is not None:
        assert said.button in told.allowed
        assert bool(said.rates) == (said.button == "rates") and bool(said.epochs) == (said.button == "extend")
        assert said.button != "unfreeze" or frozen, "where all learn nothing is left to unfreeze"


# -- false alarms on 1,000 curves of each kind ---------------------------------------------------------------------


def made(kind: str, rng: random.Random, like_the_last: float) -> tuple[list[EpochEnded], int, int]:
    """One curve, with how many groups are frozen and how many validation images there are."""
    images, planned = rng.choice([20, 60, 150, 400, 2000]), rng.choice([10, 15, 20, 40])
    loss, tau = rng.uniform(0.15, 1.0), rng.uniform(0.1, 0.3) * planned
    scatter = wandering(rng, planned, rng.choice([0.01, 0.03, 0.06]), like_the_last)
    steps = range(planned)
    if kind == "healthy":
        mean = [loss * (0.5 + 0.5 * math.exp(-e / tau)) for e in steps]
        right = [0.93 - 0.3 * math.exp(-e / tau) for e in steps]
    else:
        mean, right = [loss for _ in steps], [0.93 for _ in steps]
    validation = [value * (1 + by) for value, by in zip(mean, scatter, strict=True)]
    training = [loss * 1.2 * math.exp(-e / planned) * (1 + rng.gauss(0, 0.03)) for e in steps]
    accuracy = [
        round(min(1.0, max(0.0, share + rng.gauss(0, 0.3 * math.sqrt(share * (1 - share) / images)))) * images) / images
        for share in right
    ]
    return epochs_of(validation, training, accuracy, planned), rng.choice([0, 3]), images


@pytest.mark.parametrize("like_the_last", [0.0, 0.5])
@pytest.mark.parametrize(("kind", "fine"), [("flat", {"plateau"}), ("healthy", {"plateau", "still improving"})])
def test_fewer_than_one_in_fifty_curves_raise_a_false_alarm(kind: str, fine: set[str], like_the_last: float) -> None:
    """On a level curve "it has stopped getting better" is true, on one that still falls "still improving"."""
    rng = random.Random(11)
    alarms: Counter[str] = Counter()
    for _ in range(1_000):
        epochs, frozen, images = made(kind, rng, like_the_last)
        alarms.update(rules_of(coached(epochs, frozen, validation_images=images)) - fine)
    assert sum(alarms.values()) < 20, alarms


def test_a_healthy_fall_is_hardly_ever_called_a_plateau() -> None:
    """It falls by a third over the whole plan."""
    rng = random.Random(2)
    wrong = 0
    for _ in range(500):
        planned = rng.choice([15, 20, 40])
        scatter = wandering(rng, planned, rng.choice([0.01, 0.03, 0.06]), 0.3)
        validation = [0.6 * (1 - 0.35 * e / planned) * (1 + scatter[e]) for e in range(planned)]
        epochs = epochs_of(validation, validation, [0.7 + 0.1 * e / planned for e in range(planned)], planned)
        wrong += "plateau" in rules_of(coached(epochs, 3))
    assert wrong < 10


def test_learning_by_heart_is_seen_through_scatter() -> None:
    """A rise of a half in ten epochs, with a scatter of 2.5 % of the loss."""
    seen = sum("overfitting" in rules_of(coached(learning_by_heart(0.01, seed=seed), 0)) for seed in range(50))
    assert seen >= 45


# -- a story -------------------------------------------------------------------------------------------------------


def story(epochs: list[EpochEnded], frozen: int = 3) -> list[Any]:
    started = events.RunStarted(
        run="x", backbone="efficientnet-lite0", strategy="feature-extraction", classes=["a", "b", "c"], train_images=700,
        validation_images=150, test_images=150, epochs=epochs[-1].epochs, seed=0,
    )  # fmt: skip
    changed = events.LayersChanged(
        step=0, reason="start", parameters=40, trainable_parameters=10, groups=ladder(frozen)
    )
    return [started, changed, *epochs]


def heard(said: list[Any]) -> CoachFacts:
    follower = Follower()
    for event in said:
        follower.hear(event)
    found = follower.facts()
    assert found is not None
    return found


def test_a_story_gives_the_same_facts() -> None:
    epochs = learning_by_heart()
    expected = facts(epochs, 3, allowed=frozenset({"stop", "extend", "rates", "unfreeze"}))
    assert heard(story(epochs)) == expected
    assert Follower().facts() is None
    assert set(BUTTONS) >= expected.allowed


def test_what_the_run_went_back_behind_does_not_count() -> None:
    epochs = learning_by_heart()
    undone = events.Undone(to_step=9 * STEPS, to_epoch=9, from_step=16 * STEPS, from_epoch=16, best_epoch=6)
    back = heard([*story(epochs), undone])
    assert [epoch.epoch for epoch in back.epochs][-1] == 9 and back.moved_at == 9 * STEPS
    resumed = heard([*story(epochs), events.Resumed(step=4 * STEPS, epoch=4)])
    assert [epoch.epoch for epoch in resumed.epochs] == [1, 2, 3, 4]


def test_a_move_its_verdict_and_the_end_are_followed() -> None:
    epochs = level(length=6)
    moved = events.LayersChanged(
        step=3 * STEPS, reason="unfreeze", parameters=40, trainable_parameters=20, groups=ladder(2), undo_step=30,
        judged_after=6,
    )  # fmt: skip
    waiting = heard([*story(epochs[:3]), moved, *epochs[3:]])
    assert (waiting.moved_at, waiting.verdict_due, waiting.verdict) == (3 * STEPS, True, None)
    assert "undo" in waiting.allowed
    known = heard([*story(epochs[:3]), moved, *epochs[3:], judged("hurt")])
    assert not known.verdict_due and coach(known) is not None
    ended = heard([*story(epochs), events.Completed(message="Done.", best_epoch=4)])
    assert ended.ended and ended.allowed == {"extend"}
    assert heard([*story(epochs), events.Extended(step=6 * STEPS, epochs=60)]).epochs_planned == 60
