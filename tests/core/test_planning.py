"""From what was asked for to what is done: no value stays open, none that was given changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tlgui.core.errors import UserError
from tlgui.core.planning import check_parts, resolve
from tlgui.core.records import ImageRecord
from tlgui.core.run_spec import Training
from tlgui.core.split import Part
from tlgui.core.strategies import STRATEGIES

# "similarity" is the person's own answer: nothing fills it in.
OPEN = {name for name in Training.__struct_fields__ if getattr(Training(), name) is None} - {"similarity"}
GIVEN: dict[str, Any] = {
    "top_groups": 3,
    "epochs": 7,
    "head_learning_rate": 0.123,
    "top_learning_rate": 0.0123,
    "stem_factor": 0.5,
    "views": 9,
}


@pytest.mark.parametrize("images", [2, 1_000, 10_001])
@pytest.mark.parametrize("strategy", [*STRATEGIES, "auto"])
def test_resolving_leaves_no_value_open(strategy: str, images: int) -> None:
    resolved, advice = resolve(Training(strategy=strategy), images)

    assert {name for name in OPEN if getattr(resolved, name) is None} == set()
    assert resolved.strategy in STRATEGIES
    assert (advice is not None) == (strategy == "auto")
    row = STRATEGIES[resolved.strategy]
    assert (resolved.epochs, resolved.head_learning_rate, resolved.views) == (
        row.epochs,
        row.head_learning_rate,
        row.views,
    )


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

    assert resolved == msgspec.structs.replace(filled, **{name: GIVEN[name]})


def test_resolving_twice_is_resolving_once() -> None:
    resolved, _ = resolve(Training(), 5_000)

    assert resolve(resolved, 100) == (resolved, None)


def test_auto_takes_the_row_and_the_groups_of_the_advice() -> None:
    resolved, advice = resolve(Training(similarity="different"), 5_000)

    assert advice is not None
    assert (resolved.strategy, resolved.top_groups) == ("fine-tune-top", 2) == (advice.strategy.name, advice.top_groups)


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
