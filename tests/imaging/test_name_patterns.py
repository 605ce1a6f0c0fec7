"""What the names of files tell about patients and slides, and where they tell nothing."""

from __future__ import annotations

import random
import uuid
import warnings
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlgui.core.errors import UserError
from tlgui.imaging.grouping import try_key
from tlgui.imaging.name_key import NUMBER_AT_START, compile_pattern, find, first_fields, numbers_after, sentence_of
from tlgui.imaging.name_patterns import propose

AB = "ab"


def proposed(paths: list[str]) -> str:
    """For files of class folders."""
    return propose([(path, path.split("/")[0]) for path in paths])


def groups_of(paths: list[str], pattern: str) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    compiled = compile_pattern(pattern)
    for path in paths:
        if found := find(compiled, path):
            groups[found[0]].append(path)
    return dict(groups)


def hexadecimal(dice: random.Random) -> str:
    return f"{dice.getrandbits(128):032x}"


DICE = random.Random(5)
UUIDS = [str(uuid.UUID(int=DICE.getrandbits(128))) for _ in range(30)]
WORDS = (
    "muell schmidt meier huber lang kurz weber koch bauer wolf klein gross neum braun zimmer hahn vogel roth jung otto"
)
TUMOURS = ["A", "F", "TA", "PT", "DC", "LC", "MC", "PC"]

# name of the case -> (paths, pattern)
TELLING: dict[str, tuple[list[str], str]] = {
    "patient and counter": (  # D28
        [f"{AB[p % 2]}/P{p:03}_{n}.png" for p in range(1, 11) for n in range(1, 9)],
        numbers_after(["P"], at_start=True),
    ),
    "two kinds of numbers": (
        [f"a/person{p}_bacteria_{7 * p + n}.jpeg" for p in range(40) for n in range(2)]
        + [f"b/{'NORMAL2-' * (p % 2)}IM-{p:04}-{n:04}.jpeg" for p in range(40) for n in range(2)],
        numbers_after(["IM-", "person"], at_start=False),
    ),
    "left and right eye": (
        [f"{AB[p % 2]}/{7 * p + 3}_{side}.jpeg" for p in range(60) for side in ("left", "right")],
        NUMBER_AT_START,
    ),
    "a letter after the number": (
        [f"{AB[p % 2]}/patient{p}{side}.jpg" for p in range(40) for side in "LR"],
        numbers_after(["patient"], at_start=True),
    ),
    "a case with slides": (
        [f"{AB[c % 2]}/case {c} slide {n}.png" for c in range(1, 25) for n in range(1, 5)],
        numbers_after(["case "], at_start=True),
    ),
    "a counter before the patient": (
        [f"{AB[p % 2]}/IMG_{10 * p + n:04}_P{p:02}.png" for p in range(20) for n in range(6)],
        numbers_after(["P"], at_start=False),
    ),
    "site, patient, sample": (
        [
            f"{AB[p % 2]}/TCGA-{['A2', 'B6', 'C8', 'D8', 'E2'][p % 5]}-{1000 + p}-01A-0{n}-TS{n}.png"
            for p in range(60)
            for n in (1, 2, 3)
        ],
        first_fields(3),
    ),
    "tumour, patient, magnification": (
        [
            f"{AB[t % 2]}/SOB_{'BM'[t % 2]}_{TUMOURS[t]}-14-{2000 + 31 * t + p}-{zoom}-{n:03}.png"
            for t in range(8)
            for p in range(9)
            for zoom in (40, 100, 200)
            for n in range(3)
        ],
        first_fields(5),
    ),
    "long random numbers": (
        [f"{AB[i % 2]}/{u}_{n}.png" for i, u in enumerate(UUIDS) for n in range(4)],
        first_fields(1),
    ),
    "names": ([f"{AB[i % 2]}/{w}_{n}.jpg" for i, w in enumerate(WORDS.split()) for n in range(5)], first_fields(1)),
    "copies that a tool made": (
        [f"{AB[i % 2]}/IMG_{1000 + i}_jpg.rf.{hexadecimal(DICE)}.jpg" for i in range(60) for _ in range(3)],
        numbers_after(["IMG_"], at_start=True),
    ),
    "frames of films": (
        [f"{AB[v % 2]}/video{v}_frame{n:05}.jpg" for v in range(12) for n in range(20)],
        numbers_after(["video"], at_start=True),
    ),
    "a folder for each patient": (
        [f"{AB[p % 2]}/p{p:03}/{n}.jpg" for p in range(12) for n in range(10)],
        r"([^/]+)/[^/]+$",
    ),
    "a folder for each study of a patient": (
        [f"{AB[p % 2]}/p{p:03}/s{s}/{n}.jpg" for p in range(12) for s in range(3) for n in range(5)],
        r"([^/]+)/[^/]+/[^/]+$",
    ),
}

SILENT: dict[str, list[str]] = {
    "numbers": [f"{AB[n % 2]}/{n:05}.png" for n in range(100)],
    "a counter that begins anew in each class": [f"{c}/img_{n:04}.jpg" for c in "abc" for n in range(50)],
    "the class and a counter": [f"{c}/{c}_{n}_.jpg" for c in ("benign", "malignant", "normal") for n in range(60)],
    "days": [f"{AB[n % 2]}/IMG_202103{day:02}_1{n:05}.jpg" for day in range(1, 25) for n in range(10)],
    "days with hyphens": [f"{AB[n % 2]}/2021-03-{day:02}_{n:03}.jpg" for day in range(1, 25) for n in range(10)],
    "stains": [f"{AB[n % 2]}/{s}_{n:03}.jpg" for s in ("HE", "PAS", "Masson", "Silver", "Giemsa") for n in range(30)],
    "cameras": [f"{AB[n % 2]}/{camera}_{n:04}.jpg" for camera in ("nikon", "canon") for n in range(100)],
    "hexadecimal numbers": [f"{AB[n % 2]}/{hexadecimal(DICE)}.png" for n in range(150)],
    "two random numbers": [f"{AB[n % 2]}/{DICE.randrange(10**10)}_{DICE.getrandbits(40):010x}.jpg" for n in range(300)],
    "a few second copies": [
        f"{AB[n % 2]}/DSC{n:04}{mark}.jpg" for n in range(100) for mark in (["", " (2)"] if n % 15 == 0 else [""])
    ],
    "the size at the end": [f"{AB[n % 2]}/img_{n:04}_224x224.png" for n in range(100)],
    "one slide of each case": [f"{AB[c % 2]}/case {c} slide {c % 3 + 1}.png" for c in range(1, 60)],
    "a number of the class": [
        f"{c}/{number}_{n:04}.jpg" for c, number in zip("abcd", (56, 64, 84, 253), strict=True) for n in range(40)
    ],
    "subfolders of a class": [f"{c}/{kind}/{n}.png" for c in "ab" for kind in "vwxyz" for n in range(9)],
    "one image": ["a/P1_1.png"],
    "none": [],
}


@pytest.mark.parametrize("case", TELLING)
def test_names_that_tell_what_belongs_together_are_understood(case: str) -> None:
    paths, expected = TELLING[case]

    assert proposed(paths) == expected


@pytest.mark.parametrize("case", SILENT)
def test_names_that_tell_nothing_bring_no_proposal(case: str) -> None:
    assert proposed(SILENT[case]) == ""


@pytest.mark.parametrize("case", TELLING)
def test_the_order_of_names_does_not_change_the_proposal(case: str) -> None:  # D13
    paths, expected = TELLING[case]

    assert proposed(random.Random(1).sample(paths, len(paths))) == expected


def test_a_proposal_for_a_hundred_thousand_names_is_quick() -> None:
    paths = [f"{AB[p % 2]}/P{p:05}_{n}.png" for p in range(20_000) for n in range(5)]

    assert proposed(paths) == numbers_after(["P"], at_start=True)


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=15), max_size=30))
def test_names_of_any_kind_are_looked_at_without_a_fault(names: list[str]) -> None:
    pattern = propose([(name, "a") for name in names])

    assert pattern == "" or groups_of(names, pattern)


# What is said of it


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        (r"^BloodImage_(\d+)", "the number after 'BloodImage_' in the file name"),
        (r"(?:^|[^a-zA-Z])(IM-\d+|person\d+)", "the number after 'IM-' or 'person' in the file name"),
        (NUMBER_AT_START, "the number at the start of the file name"),
        (first_fields(1), "the file name up to its first '-', '_' or space"),
        (first_fields(4), "the file name up to its 4th '-', '_' or space"),
        (r"([^/]+)/[^/]+$", "the folder that an image lies in"),
        (r"^.(\d+)", r"what the pattern ^.(\d+) finds in the file name"),
        (r"_(\w)_", r"what the pattern _(\w)_ finds in the file name"),
    ],
)
def test_a_pattern_is_said_in_words(pattern: str, sentence: str) -> None:
    assert sentence_of(pattern) == sentence


def test_five_real_names_show_a_pattern_at_work() -> None:
    paths, pattern = TELLING["two kinds of numbers"]

    shown = try_key(paths, f"pattern:{pattern}")

    assert (shown.groups, shown.largest, shown.without) == (80, 2, 0)
    captured = [example.name[example.start : example.end] for example in shown.examples]
    assert captured == ["person0", "person0", "IM-0000", "IM-0000", "person10"]
    assert {example.name for example in shown.examples} <= {path.split("/")[1] for path in paths}
    assert len({example.name for example in shown.examples}) == 5


def test_what_a_pattern_does_not_find_is_counted() -> None:
    shown = try_key(["a/P1_1.png", "a/P1_2.png", "a/x.png", "b/P2_1.png"], r"pattern:^P(\d+)")

    assert (shown.groups, shown.largest, shown.without) == (2, 2, 1)
    assert shown.key == r"pattern:^P(\d+)"


def test_a_pattern_with_a_slash_looks_at_the_folders_too() -> None:
    assert list(groups_of(["a/P1/1.png", "a/P1/2.png", "b/P2/1.png"], r"/([^/]+)/")) == ["P1", "P2"]
    assert list(groups_of(["P1/x_1.png"], r"(P\d)")) == []


def test_of_alternatives_the_one_that_fits_is_taken() -> None:
    assert list(groups_of(["a/P1.png", "a/Q2.png", "a/_.png"], r"P(\d)|Q(\d)")) == ["1", "2"]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        (r"P(\d+", "is no regular expression"),
        (r"P\d+", "has no part in brackets"),
        (r"(?:P\d+)", "has no part in brackets"),
        ("(" + "x" * 300 + ")", "longer than 200 characters"),
        (r"((a+)+)b", "could take for ever"),
        (r"(?:a|a)*(b)", "could take for ever"),
        (r"(?:(?:x\d*)y)*(b)", "could take for ever"),
        (r"(\w+)*", "could take for ever"),
        (r"(?:a+){10}(b)", "could take for ever"),
        (r".*.*.*(b)", "could take for ever"),
        (r"(\w+\S+.+)x", "could take for ever"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_an_example(pattern: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem) as caught:
        try_key(["a/x.png"], f"pattern:{pattern}")

    assert r"patient(\d+)" in caught.value.remedy


@pytest.mark.parametrize(
    "pattern",
    [
        r"^P(\d+)_",
        r"(?:^|[^a-zA-Z])(IM-\d+|person\d+)",
        first_fields(6),
        r"(\d{4})[+*]{2}",
        r"([]+*]+)",
        r"(?:case)?\s?(\d+)",
        r"(a|b)c+",
        r"\((\d+)\)+",
        r"(\w+?)_.*",
        r"[[:alpha:]](\d)",
    ],
)
def test_patterns_that_people_write_are_taken(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compile_pattern(pattern).pattern == pattern


# Real sets


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "expected", "groups"),
    [
        ("bccd_cells", r"^BloodImage_(\d+)", 358),
        ("chest_xray_2k", r"(?:^|[^a-zA-Z])(IM-\d+|person\d+)", 1514),
        ("hymenoptera", "", 0),
        ("skin_ham7", "", 0),
        ("busi_ultrasound", "", 0),
        ("wbc5", "", 0),
        ("sign_digits", "", 0),
        ("elpv_solar", "", 0),
        ("mnist_to_mnist_m", "", 0),
        ("pacs_subset", "", 0),
        ("nasty_files", "", 0),
        ("dicom_cxr", "", 0),
    ],
)
def test_real_sets_bring_the_proposal_that_a_person_would_make(
    real_data: Path, name: str, expected: str, groups: int
) -> None:
    root = real_data / name
    files = [path for path in root.rglob("*") if path.is_file() and path.suffix not in (".md", ".csv")]
    names = [(path.relative_to(root).as_posix(), path.parent.name) for path in files]

    assert propose(names) == expected
    if expected:
        assert len(groups_of([path for path, _ in names], expected)) == groups
