"""The split by groups: no group on two sides, classes near their shares, and nothing that was drawn ever moves."""

from __future__ import annotations

import random
import unicodedata
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlgui.core.balance import CLOSE
from tlgui.core.records import ImageRecord
from tlgui.core.split import PARTS, Kept, Part, conflicts, folds, missing_in, most_folds, nfc, split, units_of

FRACTIONS = (0.6, 0.2, 0.2)


def record(path: str, group: str = "", class_name: str = "", given_split: str = "") -> ImageRecord:
    return ImageRecord(
        path=path,
        class_name=class_name or path.split("/")[0],
        given_split=given_split,
        content_hash=f"c{path}",
        width=8,
        height=8,
        group=group,
    )


def drawn(seed: int, classes: int, groups: int, largest: int, pure: bool, names: str = "g") -> list[ImageRecord]:
    """Groups of random sizes, each of one class or of any."""
    dice = random.Random(seed)
    weights = [dice.random() ** 2 + 0.05 for _ in range(classes)]
    records: list[ImageRecord] = []
    for number in range(groups):
        own = dice.choices(range(classes), weights)[0]
        for image in range(dice.randint(1, largest)):
            of = own if pure else dice.choices(range(classes), weights)[0]
            records.append(record(f"c{of}/{number:04}_{image}.png", f"{names}{number}"))
    return records


SETS = st.builds(drawn, st.integers(0, 999), st.integers(1, 4), st.integers(1, 15), st.integers(1, 8), st.booleans())


def parts_of_groups(records: Iterable[ImageRecord], parts: dict[str, Part]) -> dict[str, set[Part]]:
    found: dict[str, set[Part]] = {}
    for item in records:
        found.setdefault(item.group or item.path, set()).add(parts[item.path])
    return found


def worst(records: Sequence[ImageRecord], parts: Sequence[Sequence[str]], shares: Sequence[float]) -> float:
    """The share of a class in a part that is furthest from what was asked for."""
    class_of = {item.path: item.class_name for item in records}
    sizes = Counter(class_of.values())
    return max(
        abs(Counter(class_of[path] for path in paths)[name] / size - share)
        for paths, share in zip(parts, shares, strict=True)
        for name, size in sizes.items()
    )


@given(SETS, st.integers(0, 99))
def test_no_group_is_ever_in_two_parts_and_every_image_is_in_one(records: list[ImageRecord], seed: int) -> None:  # D28
    parts = split(records, FRACTIONS, seed)

    assert sorted(parts) == sorted(item.path for item in records)
    assert all(len(found) == 1 for found in parts_of_groups(records, parts).values())
    assert conflicts(records, parts) == []


@given(SETS, st.randoms(use_true_random=False))
def test_neither_the_order_of_files_nor_the_names_of_groups_change_anything(  # D13
    records: list[ImageRecord], dice: random.Random
) -> None:
    # Another project has another salt, so its groups are called otherwise, in another order.
    salted = [msgspec.structs.replace(item, group=f"{zlib.crc32(item.group.encode()):012x}") for item in records]
    dice.shuffle(salted)

    assert split(salted, FRACTIONS, 3) == split(records, FRACTIONS, 3)
    assert folds(salted, 4, 3) == folds(records, 4, 3)


def test_a_mac_and_a_linux_spelling_of_the_same_names_are_split_alike() -> None:  # D13
    paths = [(f"ä/é {n}.png", f"g{n // 3}") for n in range(60)]
    composed = [record(unicodedata.normalize("NFC", path), group, "ä") for path, group in paths]
    decomposed = [record(unicodedata.normalize("NFD", path), group, "ä") for path, group in paths]

    one, other = split(composed), split(decomposed)

    assert list(one.values()) == list(other.values())


def test_the_grouped_split_is_the_same_on_every_machine() -> None:  # D13
    # If this fails, the splits of runs that were made before can no longer be repeated.
    records = drawn(5, 2, 9, 4, pure=False)

    parts = split(records, FRACTIONS, 7)

    held = {part: sorted({path.split("/")[1][:4] for path in parts if parts[path] == part}) for part in PARTS[1:]}
    assert held == {"validation": ["0000", "0005", "0007"], "test": ["0001", "0002"]}


def test_another_seed_is_another_split_also_where_every_group_has_its_own_size() -> None:
    records = [record(f"a/{group:02}_{n}.png", f"g{group}") for group in range(20) for n in range(20 + group)]

    assert len({frozenset(p for p, part in split(records, seed=s).items() if part == "test") for s in range(6)}) >= 5


@pytest.mark.parametrize(
    ("classes", "groups", "largest", "pure"),
    [(2, 12, 5, True), (2, 40, 10, False), (3, 60, 2, True), (5, 80, 5, False), (8, 200, 10, True), (3, 80, 30, False)],
)
def test_no_class_is_further_from_its_share_than_with_stratified_group_k_fold(
    classes: int, groups: int, largest: int, pure: bool
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, at its import and where a class has few groups
        from sklearn.model_selection import StratifiedGroupKFold
    compared = 0
    for seed in range(4):
        records = drawn(seed, classes, groups, largest, pure)
        names = [item.class_name for item in records]
        if min(Counter(names).values()) < 5 or most_folds(records) < 5:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = [
                [records[index].path for index in indices]
                for _, indices in StratifiedGroupKFold(5).split(names, names, [item.group for item in records])
            ]
        parts = split(records, FRACTIONS, seed)
        ours = [[path for path in parts if parts[path] == part] for part in PARTS]
        same = [[path for fold in theirs[2:] for path in fold], theirs[0], theirs[1]]

        assert (
            worst(records, folds(records, 5, seed), [0.2] * 5) <= max(CLOSE, worst(records, theirs, [0.2] * 5)) + 1e-9
        )
        assert worst(records, ours, FRACTIONS) <= max(CLOSE, worst(records, same, FRACTIONS)) + 1e-9
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("seed", range(10))
def test_patients_with_eight_images_each_come_to_exact_shares(seed: int) -> None:  # D28
    records = [record(f"{'ab'[p % 2]}/P{p:03}_{n}.png", f"P{p:03}") for p in range(1, 11) for n in range(1, 9)]

    parts = split(records, FRACTIONS, seed)

    assert Counter(parts.values()) == {"train": 48, "validation": 16, "test": 16}


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 30))
def test_each_class_is_in_each_part_where_its_groups_allow(sizes: list[int], seed: int) -> None:  # D25, D26
    records = [record(f"a/{group}_{n}.png", f"g{group}") for group, size in enumerate(sizes) for n in range(size)]
    records += [record(f"b/{n}.png") for n in range(40)]

    parts = split(records, FRACTIONS, seed)

    present = {parts[item.path] for item in records if item.class_name == "a"}
    assert present == set(PARTS[: min(3, len(sizes))])
    assert missing_in(records, parts) == {part: ["a"] for part in PARTS[len(sizes) :]}
    assert units_of(records) == {"a": len(sizes), "b": 40}


def test_single_images_fill_up_what_groups_leave_open() -> None:
    records = [record(f"a/g{n // 10}_{n}.png", f"g{n // 10}") for n in range(30)]
    records += [record(f"a/{n}.png") for n in range(70)]

    for seed in range(5):
        assert Counter(split(records, FRACTIONS, seed).values()) == {"train": 60, "validation": 20, "test": 20}


@given(SETS, SETS, st.integers(0, 9))
def test_what_was_drawn_before_never_moves(  # D31
    before: list[ImageRecord], more: list[ImageRecord], seed: int
) -> None:
    parts = split(before, FRACTIONS, seed)
    kept = Kept(parts={nfc(path): part for path, part in parts.items()})
    together = [*before, *(msgspec.structs.replace(item, path=f"new {item.path}") for item in more)]

    again = split(together, FRACTIONS, seed, kept)

    assert sorted(again) == sorted(item.path for item in together)
    assert {path: again[path] for path in parts} == parts
    # New images of a known group went where the group is.
    assert conflicts(together, again) == []


def test_new_images_bring_the_parts_nearer_to_their_shares() -> None:
    records = [record(f"a/{n:03}.png") for n in range(50)]
    kept = Kept(parts={item.path: "train" for item in records})

    parts = split([*records, *(record(f"a/new {n}.png") for n in range(50))], FRACTIONS, 0, kept)

    assert Counter(parts.values()) == {"train": 60, "validation": 20, "test": 20}


def test_what_is_known_by_its_content_or_its_group_stays_where_it_was() -> None:
    kept = Kept(parts={"a/1.png": "train"}, contents={"c a/2.png": "test"}, groups={"patient": "validation"})
    records = [
        record("a/1.png", "other"),
        msgspec.structs.replace(record("a/renamed.png"), content_hash="c a/2.png"),
        record("a/3.png", "patient"),
        record("a/4.png", "other"),
    ]

    parts = split(records, FRACTIONS, 0, kept)

    assert parts == {"a/1.png": "train", "a/renamed.png": "test", "a/3.png": "validation", "a/4.png": "train"}


def test_a_group_that_lies_in_two_parts_already_is_left_and_told() -> None:
    records = [record(f"a/{n}.png", "joined" if n in (1, 2, 3) else "") for n in range(20)]
    kept = Kept(parts={"a/1.png": "test", "a/2.png": "train", "a/4.png": "test"} | {"a/3.png": "test"})

    parts = split([*records, record("a/new.png", "joined")], FRACTIONS, 0, kept)

    assert [parts[f"a/{n}.png"] for n in (1, 2, 3)] == ["test", "train", "test"]
    assert parts["a/new.png"] == "test"  # where most of the group lies
    assert conflicts(records, parts) == ["joined"]


def test_validation_is_cut_by_group_from_a_given_training_part() -> None:
    train = [record(f"train/a/{p}_{n}.png", f"P{p}", "a", "train") for p in range(20) for n in range(4)]
    test = [record(f"test/a/{n}.png", f"T{n}", "a", "test") for n in range(9)]

    parts = split([*train, *test], (0.75, 0.25, 0.1))

    assert {parts[item.path] for item in test} == {"test"}
    assert Counter(parts[item.path] for item in train) == {"train": 60, "validation": 20}
    assert conflicts(train, parts) == []


def test_a_group_on_both_sides_of_a_given_split_is_told() -> None:
    records = [record("train/a/1.png", "P1", "a", "train"), record("test/a/2.png", "P1", "a", "test")]

    assert conflicts(records, split(records)) == ["P1"]


def test_a_test_part_is_cut_from_train_only_where_it_is_asked_for() -> None:
    train = [record(f"train/a/{p}_{n}.png", f"P{p}", "a", "train") for p in range(20) for n in range(5)]
    validation = [record(f"val/a/{n}.png", "", "a", "validation") for n in range(9)]
    records = [*train, *validation]

    assert set(split(records).values()) == {"train", "validation"}
    parts = split(records, (0.8, 0.1, 0.2), cut_test=True)

    assert {parts[item.path] for item in validation} == {"validation"}
    assert Counter(parts[item.path] for item in train) == {"train": 80, "test": 20}
    assert conflicts(records, parts) == []
    assert set(split(records, (0.8, 0.2, 0.0), cut_test=True).values()) == set(PARTS)


def test_an_image_that_a_given_split_says_nothing_of_trains() -> None:
    records = [
        record("1.png", "", "a", "train"),
        record("2.png", "", "a"),
        record("3.png", "", "a", "validation"),
        record("4.png", "", "a", "test"),
    ]

    assert split(records)["2.png"] == "train"


def test_a_kept_part_that_the_folder_contradicts_is_not_followed() -> None:
    records = [record(f"train/a/{n}.png", "", "a", "train") for n in range(20)]
    kept = Kept(parts={"train/a/0.png": "test", "train/a/1.png": "validation"})

    parts = split([*records, record("test/a/x.png", "", "a", "test")], kept=kept)

    assert parts["train/a/0.png"] in ("train", "validation")
    assert parts["train/a/1.png"] == "validation"


# Folds


@given(SETS, st.integers(2, 6), st.integers(0, 9))
def test_folds_part_all_images_and_no_group(records: list[ImageRecord], k: int, seed: int) -> None:
    found = folds(records, k, seed)

    assert sorted(path for paths in found for path in paths) == sorted(item.path for item in records)
    assert 2 <= len(found) <= k
    fold_of = {path: number for number, paths in enumerate(found) for path in paths}
    assert all(
        len({fold_of[item.path] for item in records if item.group == group}) == 1
        for group in {item.group for item in records}
    )


def test_folds_of_single_images_are_as_equal_as_they_can_be() -> None:
    records = [record(f"{name}/{n}.png") for name, count in (("a", 23), ("b", 11), ("c", 7)) for n in range(count)]

    found = folds(records, 5)

    sizes = [Counter(path.split("/")[0] for path in paths) for paths in found]
    for name, count in (("a", 23), ("b", 11), ("c", 7)):
        assert {size[name] for size in sizes} == {count // 5, count // 5 + 1}
    assert {sum(size.values()) for size in sizes} == {8, 9}
    assert found != folds(records, 5, seed=1)


@pytest.mark.parametrize(
    ("sizes", "most"), [({"a": 9, "b": 3}, 3), ({"a": 9, "b": 1}, 9), ({"a": 1}, 1), ({}, 1), ({"a": 2, "b": 50}, 2)]
)
def test_there_are_no_more_folds_than_the_smallest_class_has_units(sizes: dict[str, int], most: int) -> None:
    records = [
        record(f"{name}/{n}_{m}.png", f"{name}{n}") for name, count in sizes.items() for n in range(count) for m in "ab"
    ]

    assert most_folds(records) == most
    assert len(folds(records, 10)) == max(2, most)


def test_every_image_is_tested_by_one_fold_alone_and_groups_stay_whole() -> None:
    images = [
        record(f"{cls}/{patient}_{n}.png", f"{cls}{patient}", cls)
        for cls in "ab"
        for patient in range(10)
        for n in range(3)
    ]
    parts = [split(images, seed=3, fold=(number, 5)) for number in range(1, 6)]

    tested = [path for one in parts for path, part in one.items() if part == "test"]
    assert sorted(tested) == sorted(image.path for image in images)
    for one in parts:
        assert len({(image.group, one[image.path]) for image in images}) == 20
        assert set(one.values()) == {"train", "validation", "test"}


def test_images_that_were_added_move_none_between_the_parts_around_a_fold() -> None:
    images = [record(f"{cls}/{n}.png", class_name=cls) for cls in "ab" for n in range(20)]
    before = split(images, fold=(2, 5))
    more = images + [record(f"{cls}/new {n}.png", class_name=cls) for cls in "ab" for n in range(10)]

    after = split(more, kept=Kept(parts=before), fold=(2, 5))

    assert {path: after[path] for path in before} == before
    assert {after[f"a/new {n}.png"] for n in range(10)} >= {"train", "test"}
