"""From what was asked for to what is done: no value stays open, none that was given changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tlgui.core.errors import UserError
from tlgui.core.planning import (
    OWN_ANSWERS,
    asked_for,
    check_parts,
    first_trainable,
    ladder_rates,
    prepared,
    reopened,
    resolve,
    settled,
)
from tlgui.core.records import ImageRecord
from tlgui.core.run_spec import Chosen, RunSpec, Training, without_none
from tlgui.core.split import Part
from tlgui.core.strategies import STRATEGIES, Strategy

# What a person says of the pictures stays open, since nothing fills it in; a factor that a row does not use stays open too.
OPEN = {name for name in Training.__struct_fields__ if getattr(Training(), name) is None} - set(OWN_ANSWERS)
ALWAYS = OPEN - {"group_factor"}
GIVEN: dict[str, Any] = {
    "top_groups": 3,
    "epochs": 7,
    "head_learning_rate": 0.123,
    "top_learning_rate": 0.0123,
    "stem_factor": 0.5,
    "group_factor": 3.5,
    "norm_statistics": "frozen",
    "warm_start": False,
    "views": 9,
    "unfreezing": "never",
    "patience": 4,
}


@pytest.mark.parametrize("images", [2, 1_000, 10_001])
@pytest.mark.parametrize("strategy", [*STRATEGIES, "auto"])
def test_resolving_leaves_no_value_open(strategy: str, images: int) -> None:
    resolved, advice = resolve(Training(strategy=strategy), images)

    assert {name for name in ALWAYS if getattr(resolved, name) is None} == set()
    assert resolved.strategy in STRATEGIES
    assert (advice is not None) == (strategy == "auto")
    row = STRATEGIES[resolved.strategy]
    fields = (
        "epochs",
        "patience",
        "head_learning_rate",
        "group_factor",
        "stem_factor",
        "unfreezing",
        "views",
        "warm_start",
    )
    assert {name: getattr(resolved, name) for name in fields} == {name: getattr(row, name) for name in fields}


def test_this_test_gives_every_open_value() -> None:
    assert set(GIVEN) == OPEN


@pytest.mark.parametrize("strategy", [*STRATEGIES, "auto"])
def test_resolving_keeps_what_was_given(strategy: str) -> None:
    asked = Training(strategy=strategy, similarity="different", seed=5, augmentation="off", **GIVEN)

    resolved, _ = resolve(asked, 5_000)

    assert msgspec.structs.replace(resolved, strategy=strategy) == asked


@pytest.mark.parametrize("name", sorted(OPEN))
def test_resolving_keeps_one_given_value_and_fills_in_the_rest(name: str) -> None:
    resolved, _ = resolve(Training(strategy="fine-tune-top", **{name: GIVEN[name]}), 5_000)
    filled, _ = resolve(Training(strategy="fine-tune-top"), 5_000)

    # Whoever says what the stem gets means a ladder that leads there, and no factor from group to group.
    ladder = {"group_factor": None} if name == "stem_factor" else {}
    assert resolved == msgspec.structs.replace(filled, **ladder, **{name: GIVEN[name]})


def test_resolving_twice_is_resolving_once() -> None:
    resolved, _ = resolve(Training(), 5_000)

    assert resolve(resolved, 100) == (resolved, None)


def test_auto_takes_the_row_and_the_groups_of_the_advice() -> None:
    resolved, advice = resolve(Training(similarity="different"), 5_000)

    assert advice is not None
    assert (resolved.strategy, resolved.top_groups) == (advice.strategy.name, advice.top_groups)
    assert resolved.strategy == "progressive-unfreezing"


def test_what_a_run_begins_with_leaves_auto_open_and_fills_in_all_else() -> None:
    asked = Training(seed=3, epochs=5)
    assert prepared(asked) is asked
    named = msgspec.structs.replace(asked, strategy="full-fine-tuning")
    assert prepared(named) == resolve(named, 0)[0]
    with pytest.raises(UserError, match="no augmentation named 'wild'"):
        prepared(Training(augmentation="wild"))


@pytest.mark.parametrize("row", STRATEGIES.values(), ids=lambda row: row.name)
def test_what_auto_became_is_what_the_row_says_and_reads_back(row: Strategy) -> None:
    after = settled(Training(seed=3, similarity="different", mirror=False), row, 2)
    assert (after.strategy, after.top_groups, after.seed, after.similarity, after.mirror) == (
        *(row.name, 2, 3),
        *("different", False),
    )
    # By the way of the file, and settled once more as a run of that strategy.
    again = msgspec.convert(without_none(msgspec.to_builtins(after)), Training)
    assert again == after == resolve(again, 0)[0]


def test_a_schedule_that_was_written_is_followed_by_any_row() -> None:
    for row in STRATEGIES.values():
        after = settled(Training(unfreeze_at=[3, 6]), row, 1)
        assert after.unfreezing == "schedule"


def test_reopening_leaves_the_persons_answers() -> None:
    full = settled(Training(similarity="different", mirror=True, seed=4), STRATEGIES["fine-tune-top"], 2)
    assert reopened(full) == Training(strategy="fine-tune-top", similarity="different", mirror=True, seed=4)


@pytest.mark.parametrize("name", [*STRATEGIES])
def test_what_auto_became_reads_back_as_it_was_asked_for(name: str) -> None:
    asked = Training(epochs=4, stem_factor=0.7, seed=5, mirror=True, similarity="different", batch_size=9)
    spec = RunSpec(training=asked, size=128)
    became = Chosen(strategy=name, top_groups=2, by="trial", sentence="It was better.")
    kept = msgspec.structs.replace(spec, training=settled(asked, STRATEGIES[name], 2), chosen=became)
    assert asked_for(kept) == spec

    own = msgspec.structs.replace(spec, training=settled(asked, STRATEGIES[name], 2))
    assert asked_for(own) is own, "a row that the person picked stays"


NAMES = ["stem", "low", "middle", "high", "head"]


@pytest.mark.parametrize(
    ("name", "groups", "first"),
    [
        ("feature-extraction", 1, 4),
        ("fine-tune-top", 1, 3),
        ("fine-tune-top", 2, 2),
        ("fine-tune-top", 9, 0),
        ("progressive-unfreezing", 1, 4),
        ("full-fine-tuning", 1, 0),
        ("from-scratch", 1, 0),
        ("auto", 2, 4),
    ],
)
def test_where_the_border_begins(name: str, groups: int, first: int) -> None:
    assert first_trainable(Training(strategy=name, top_groups=groups), 4) == first


def test_rates_fall_by_a_factor_each_or_to_a_share_at_the_stem() -> None:
    by_factor = Training(head_learning_rate=1.0, top_learning_rate=0.1, group_factor=2.0, stem_factor=0.5)
    assert ladder_rates(by_factor, NAMES, 1) == pytest.approx({4: 1.0, 3: 0.1, 2: 0.05, 1: 0.025})
    to_share = Training(head_learning_rate=1.0, top_learning_rate=0.1, stem_factor=0.001)
    assert ladder_rates(to_share, NAMES, 0) == pytest.approx({4: 1.0, 3: 0.1, 2: 0.01, 1: 0.001, 0: 0.0001})
    # What is given by name goes first, and what does not train has no rate.
    named = msgspec.structs.replace(by_factor, group_learning_rates={"middle": 0.7, "stem": 9.0, "head": 0.3})
    assert ladder_rates(named, NAMES, 1) == pytest.approx({4: 0.3, 3: 0.1, 2: 0.7, 1: 0.025})


def test_progressive_rates_are_ulmfits() -> None:
    training = resolve(Training(strategy="progressive-unfreezing"), 0)[0]
    rates = ladder_rates(training, NAMES, 0)
    assert [rates[index + 1] / rates[index] for index in range(3)] == pytest.approx([2.6] * 3)


def test_a_group_that_is_freed_later_has_a_rate_from_the_start() -> None:
    resolved, _ = resolve(Training(strategy="feature-extraction"), 100)

    assert resolved.top_learning_rate == STRATEGIES["fine-tune-top"].top_learning_rate


def test_without_augmentation_one_view_is_kept() -> None:
    resolved, _ = resolve(Training(strategy="feature-extraction", augmentation="off"), 100)

    assert resolved.views == 1


def test_an_unknown_strategy_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UserError, match="no strategy named 'finetune'"):
        resolve(Training(strategy="finetune"), 0)


def _held(classes: dict[str, tuple[str, Part]]) -> tuple[list[ImageRecord], dict[str, Part]]:
    records = [
        ImageRecord(path=path, class_name=class_name, content_hash="", width=1, height=1)
        for path, (class_name, _) in classes.items()
    ]
    return records, {path: part for path, (_, part) in classes.items()}


def test_two_classes_to_train_and_one_image_to_validate_are_enough() -> None:
    check_parts(*_held({"1": ("a", "train"), "2": ("b", "train"), "3": ("a", "validation")}))


@pytest.mark.parametrize(
    ("classes", "problem"),
    [
        ({}, "No image is left for the train part."),
        ({"1": ("a", "validation"), "2": ("b", "test")}, "No image is left for the train part."),
        ({"1": ("a", "train"), "2": ("b", "train")}, "No image is left for the validation part."),
        (
            {"1": ("a", "train"), "2": ("a", "train"), "3": ("b", "validation"), "4": ("b", "test")},
            "All training images are of one class.",
        ),
    ],
)
def test_parts_that_cannot_train_or_choose_are_refused(classes: dict[str, tuple[str, Part]], problem: str) -> None:
    with pytest.raises(UserError) as caught:
        check_parts(*_held(classes))

    assert caught.value.problem == problem
    assert caught.value.remedy.endswith(".")
