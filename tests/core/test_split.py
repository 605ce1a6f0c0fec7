"""The split: by class, by seed and relative path, the same on every machine."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlgui.core.records import ImageRecord
from tlgui.core.split import PARTS, Part, split

# File names as people and systems make them; surrogates stand for bytes that are no text.
NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=12)
SHARES = st.tuples(
    st.floats(0.0, 0.99), st.floats(0.0, 0.99, exclude_min=True), st.one_of(st.just(0.0), st.floats(0.0, 0.99))
)


def record(path: str, class_name: str, given_split: str = "") -> ImageRecord:
    return ImageRecord(
        path=path, class_name=class_name, given_split=given_split, content_hash="0" * 64, width=8, height=8
    )


def images(classes: dict[str, int], part_folder: str = "", given_split: str = "") -> list[ImageRecord]:
    return [
        record(f"{part_folder}{name}/{index:05}.png", name, given_split)
        for name, count in classes.items()
        for index in range(count)
    ]


def counts(records: list[ImageRecord], parts: dict[str, Part]) -> dict[str, dict[str, int]]:
    by_class = {name: Counter[str]() for name in {item.class_name for item in records}}
    for item in records:
        by_class[item.class_name][parts[item.path]] += 1
    return {name: {part: counter[part] for part in PARTS} for name, counter in by_class.items()}


def test_a_plain_folder_is_cut_into_seventy_fifteen_fifteen_in_each_class() -> None:
    records = images({"cat": 100, "dog": 40, "owl": 20})

    assert counts(records, split(records)) == {
        "cat": {"train": 70, "validation": 15, "test": 15},
        "dog": {"train": 28, "validation": 6, "test": 6},
        "owl": {"train": 14, "validation": 3, "test": 3},
    }


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (4, (2, 1, 1)), (7, (5, 1, 1)), (10, (6, 2, 2)), (11, (7, 2, 2))],
)
def test_small_classes_give_each_part_an_image_where_they_can(n: int, expected: tuple[int, int, int]) -> None:
    records = images({"cat": n})

    assert tuple(counts(records, split(records))["cat"].values()) == expected


def test_the_order_of_the_files_changes_nothing() -> None:  # D13
    records = images({"cat": 30, "dog": 17})
    expected = split(records, seed=3)

    for seed in range(10):
        shuffled = random.Random(seed).sample(records, len(records))
        assert split(shuffled, seed=3) == expected


def test_the_split_is_the_same_on_every_machine() -> None:  # D13
    # By `printf '7\0%s' PATH | sha256sum`, sorted. If this fails, old runs can no longer be repeated: only a new format
    # of run.toml may do that.
    records = images({"a": 6, "ü": 4})

    parts = split(records, seed=7)

    held = {part: sorted(path for path in parts if parts[path] == part) for part in PARTS[1:]}
    assert held == {"validation": ["a/00002.png", "ü/00002.png"], "test": ["a/00000.png", "ü/00000.png"]}


def test_a_mac_and_a_linux_spelling_of_the_same_names_are_split_alike() -> None:  # D13
    names = [f"Größe é {index}.png" for index in range(40)]
    composed = [record(unicodedata.normalize("NFC", f"ä/{name}"), "ä") for name in names]
    decomposed = [record(unicodedata.normalize("NFD", f"ä/{name}"), "ä") for name in names]
    assert composed[0].path != decomposed[0].path

    one, other = split(composed), split(decomposed)

    assert [one[item.path] for item in composed] == [other[item.path] for item in decomposed]


def test_two_files_that_differ_in_spelling_alone_are_split_alike_in_either_order() -> None:
    # Linux can hold both; they hash alike, so something else has to say which comes first.
    pairs = [record(unicodedata.normalize(form, f"a/ü{n}.png"), "a") for n in range(9) for form in ("NFC", "NFD")]

    assert split(pairs) == split(pairs[::-1])


def test_a_name_that_is_no_text_is_split_like_any_other() -> None:
    records = [record(f"a/\udcff{index}.png", "a") for index in range(10)]

    assert sorted(split(records)) == sorted(item.path for item in records)


def test_another_seed_is_another_split() -> None:
    records = images({"cat": 50})

    assert len({frozenset(p for p, part in split(records, seed=s).items() if part == "test") for s in range(5)}) == 5


def test_what_other_classes_hold_does_not_move_the_images_of_a_class() -> None:
    alone = images({"cat": 23})

    together = split([*alone, *images({"dog": 50})])

    assert {path: part for path, part in together.items() if path.startswith("cat/")} == split(alone)


def test_a_class_with_one_image_trains_and_is_measured_nowhere() -> None:  # D25
    records = images({"a": 20, "b": 1})

    assert counts(records, split(records, (0.8, 0.2, 0.0))) == {
        "a": {"train": 16, "validation": 4, "test": 0},
        "b": {"train": 1, "validation": 0, "test": 0},
    }


@pytest.mark.parametrize("fractions", [(0.8, 0.2, 0.0), (0.7, 0.15, 0.15)])
@pytest.mark.parametrize("seed", range(20))
def test_a_rare_class_is_in_validation_with_every_seed(seed: int, fractions: tuple[float, float, float]) -> None:  # D26
    records = images({"a": 95, "b": 5})

    of_b = counts(records, split(records, fractions, seed))["b"]

    assert of_b["validation"] >= 1
    assert of_b["train"] >= 3
    assert (of_b["test"] >= 1) == (fractions[2] > 0)


def test_a_whole_given_split_is_respected() -> None:
    records = [
        *images({"a": 5, "b": 9}, "train/", "train"),
        *images({"a": 3, "b": 1}, "val/", "validation"),
        *images({"a": 2, "b": 4}, "test/", "test"),
    ]

    assert split(records, (0.1, 0.8, 0.1), seed=5) == {item.path: item.given_split for item in records}


def test_with_train_and_test_given_validation_is_cut_from_train_and_none_from_test() -> None:
    train, test = images({"a": 85, "b": 17}, "train/", "train"), images({"a": 30, "b": 2}, "test/", "test")

    parts = split([*train, *test])

    # The share that validation has of train and validation together: 0.15 of 0.85.
    assert counts(train, parts) == {
        "a": {"train": 70, "validation": 15, "test": 0},
        "b": {"train": 14, "validation": 3, "test": 0},
    }
    assert {parts[item.path] for item in test} == {"test"}


def test_with_train_and_validation_given_there_is_no_test() -> None:
    records = [*images({"a": 8, "b": 8}, "train/", "train"), *images({"a": 2, "b": 2}, "val/", "validation")]

    assert split(records) == {item.path: item.given_split for item in records}


def test_a_train_folder_alone_gives_validation_and_no_test() -> None:
    records = images({"a": 20}, "train/", "train")

    assert counts(records, split(records))["a"] == {"train": 16, "validation": 4, "test": 0}


def test_a_given_test_set_gets_validation_even_where_validation_has_no_share() -> None:
    records = [*images({"a": 20}, "train/", "train"), *images({"a": 20}, "test/", "test")]

    assert counts(records, split(records, (0.8, 0.0, 0.2)))["a"] == {"train": 17, "validation": 3, "test": 20}


@pytest.mark.parametrize(
    ("fractions", "expected"),
    [
        ((0.8, 0.2, 0.0), (80, 20, 0)),
        ((0.5, 0.25, 0.0), (67, 33, 0)),  # divided by their sum
        ((0.7, 0.7, 0.7), (34, 33, 33)),
        ((0.9, 0.9, 0.9), (34, 33, 33)),
        ((0.0, 0.5, 0.5), (1, 49, 50)),  # something must train
        ((0.98, 0.001, 0.001), (98, 1, 1)),
        ((1e-9, 1e-9, 1e-9), (34, 33, 33)),
    ],
)
def test_fractions_are_shares_of_their_sum(
    fractions: tuple[float, float, float], expected: tuple[int, int, int]
) -> None:
    records = images({"a": 100})

    assert tuple(counts(records, split(records, fractions))["a"].values()) == expected


def test_no_images_are_split_into_nothing() -> None:
    assert split([]) == {}


@given(
    files=st.dictionaries(NAMES, st.sampled_from("abc"), max_size=30), fractions=SHARES, seed=st.integers(0, 2**32 - 1)
)
def test_every_image_of_a_plain_folder_is_in_exactly_one_part(
    files: dict[str, str], fractions: tuple[float, float, float], seed: int
) -> None:
    records = [record(f"{class_name}/{name}", class_name) for name, class_name in files.items()]

    parts = split(records, fractions, seed)

    assert sorted(parts) == sorted(item.path for item in records)
    for of_class in counts(records, parts).values():
        n = sum(of_class.values())
        assert of_class["train"] >= 1
        assert (of_class["validation"] >= 1) == (n >= 2)
        assert (of_class["test"] >= 1) == (n >= 3 and fractions[2] > 0)
        for part, fraction in zip(PARTS, fractions, strict=True):
            # Rounding moves at most one image, keeping a part from being empty at most two more.
            assert abs(of_class[part] - n * fraction / sum(fractions)) <= 3


@given(st.lists(st.sampled_from(["train", "validation", "test"]), min_size=1, max_size=40), st.integers(0, 99))
def test_every_image_of_a_given_split_is_in_exactly_one_part(given_splits: list[str], seed: int) -> None:
    records = [record(f"{part}/a/{n}", "a", part) for n, part in enumerate(given_splits)]

    parts = split(records, seed=seed)

    assert sorted(parts) == sorted(item.path for item in records)
    for item in records:
        kept = {item.given_split} if "validation" in given_splits or item.given_split == "test" else PARTS[:2]
        assert parts[item.path] in kept
