"""Which images stay together: the key in use, the key that is proposed, and the slices of a series."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from tlgui.core.errors import UserError
from tlgui.core.intake import Intake
from tlgui.core.records import Reason
from tlgui.imaging.file_check import Checked
from tlgui.imaging.grouping import choose_slices, group_images, hashed, try_key
from tlgui.imaging.layout import Place
from tlgui.imaging.pixels import Description
from tlgui.imaging.verdict import DicomFacts, Verdict
from tlgui.imaging.walk import FoundFile

SALT = "5a17"
FOUND = Description(
    format="PNG",
    width=8,
    height=8,
    bits=8,
    frames=1,
    grey=True,
    floating=False,
    lowest=None,
    highest=None,
    all_finite=True,
)


def image(path: str, group: str = "", dicom: DicomFacts | None = None) -> Checked:
    verdict = Verdict(level="full", kind="DICOM" if dicom else "PNG", description=FOUND, dicom=dicom)
    return Checked(FoundFile(tuple(path.split("/"))), Place(path.split("/")[0], group=group), "0" * 64, FOUND, verdict)


def named(count: int = 10, images: int = 4) -> list[Checked]:
    return [image(f"{'ab'[p % 2]}/P{p:03}_{n}.png") for p in range(count) for n in range(images)]


def of_patients(patients: Sequence[str], modality: str = "DX") -> list[Checked]:
    return [
        image(f"a/{n:03}.dcm", dicom=DicomFacts(patient=patient, study=f"study {n}", modality=modality))
        for n, patient in enumerate(patients)
    ]


def slices(series: str, count: int, class_name: str = "a", modality: str = "CT", study: str = "") -> list[Checked]:
    """The later the file, the earlier its place in the body."""
    return [
        image(
            f"{class_name}/{series} {n:03}.dcm",
            dicom=DicomFacts(series=series, study=study or series, modality=modality, position=float(count - n)),
        )
        for n in range(count)
    ]


# The key in use


def test_what_the_names_suggest_is_proposed_and_not_used() -> None:  # D28
    in_use, proposed, keys = group_images(named(), Intake(), SALT)

    assert (in_use.key, keys) == ("", {})
    assert proposed.key == r"pattern:^P(\d+)"
    assert (proposed.groups, proposed.largest, proposed.without, len(proposed.examples)) == (10, 4, 0, 5)


def test_a_pattern_that_was_asked_for_is_used_and_nothing_else_is_proposed() -> None:
    in_use, proposed, keys = group_images(named(), Intake(group=r"pattern:^P(\d+)"), SALT)

    assert (in_use.key, in_use.groups, proposed.key) == (r"pattern:^P(\d+)", 10, "")
    assert in_use.sentence == "the number after 'P' in the file name"
    assert len(set(keys.values())) == 10
    assert keys["a/P000_0.png"] == keys["a/P000_3.png"] == hashed("000", SALT)


def test_a_person_can_have_nothing_kept_together_and_that_is_said() -> None:
    in_use, proposed, keys = group_images(of_patients(["x", "x", "y", "z"]), Intake(group="none"), SALT)

    assert (in_use.key, in_use.sentence, proposed.key, keys) == ("", "nothing, as you decided", "", {})


def test_the_patient_of_dicom_files_is_used_without_being_asked_for() -> None:
    in_use, _, keys = group_images(of_patients(["x", "x", "y", "z", "z", "z"]), Intake(), SALT)

    assert (in_use.key, in_use.groups, in_use.largest, in_use.without) == ("dicom:patient", 3, 3, 0)
    assert keys["a/003.dcm"] == keys["a/005.dcm"] != keys["a/002.dcm"]


@pytest.mark.parametrize("patients", [["one"] * 20, ["x", "y", "z", *[""] * 17], ["x", *["taken out"] * 18, "y"]])
def test_a_patient_that_most_files_lack_or_share_is_no_key(patients: list[str]) -> None:
    in_use, _, keys = group_images(of_patients(patients), Intake(), SALT)

    assert (in_use.key, keys) == ("", {})


def test_where_the_patient_was_taken_out_the_study_is_used_if_images_share_it() -> None:
    facts = [DicomFacts(patient="none", study=f"s{n // 2}", modality="DX") for n in range(8)]

    in_use, _, keys = group_images([image(f"a/{n}.dcm", dicom=one) for n, one in enumerate(facts)], Intake(), SALT)

    assert (in_use.key, len(set(keys.values()))) == ("dicom:study", 4)


def test_the_group_column_of_the_table_is_used_by_its_name() -> None:
    used = [image(f"a/P{n // 3}_{n}.png", group=f" patient {n // 3}") for n in range(12)]

    in_use, proposed, keys = group_images(used, Intake(), SALT, "Patient")

    assert (in_use.key, in_use.groups, in_use.sentence) == (
        "column:Patient",
        4,
        "the column 'Patient' of the label table",
    )
    assert (proposed.key, len(keys)) == ("", 12)


def test_images_of_which_the_key_says_nothing_stand_alone() -> None:
    used = [*named(), image("a/other.png")]

    in_use, _, keys = group_images(used, Intake(group=r"pattern:^P(\d+)"), SALT)

    assert (in_use.without, "a/other.png" in keys) == (1, False)


def test_a_broken_pattern_is_refused_in_words() -> None:
    with pytest.raises(UserError, match="no regular expression"):
        group_images(named(), Intake(group="pattern:P(("), SALT)


def test_keys_are_hashed_with_the_salt_of_the_project() -> None:
    used = of_patients(["Meier^Anna", "Meier^Anna", "B", "C"])

    one, other = (group_images(used, Intake(), salt)[2] for salt in ("1", "2"))

    assert all(re.fullmatch("[0-9a-f]{12}", key) for key in [*one.values(), *other.values()])
    assert not set(one.values()) & set(other.values())
    assert hashed("Mü", SALT) == hashed("Mu\u0308 ", SALT)


def test_neither_group_nor_sentence_shows_what_a_patient_is_called() -> None:
    used = [image(f"a/{n}.png", group="Meier, Anna" if n < 2 else f"B{n}") for n in range(9)]

    assert "Meier" not in repr(group_images(used, Intake(), SALT, "patient"))


@pytest.mark.parametrize("key", ["dicom:patient", "dicom:study", "column:patient"])
def test_a_key_that_is_no_pattern_is_said_in_words(key: str) -> None:
    assert try_key(["a/1.png"], key).sentence.startswith("the ")


# Slices


def test_the_middle_slice_stands_for_its_series() -> None:
    used = [*slices("one", 5), *slices("two", 4), image("b/x.png")]

    kept, left_out = choose_slices(used, Intake())

    # By their place in the body, which is not the order of their names.
    assert [checked.found.path for checked in kept] == ["a/one 002.dcm", "a/two 001.dcm", "b/x.png"]
    assert {left.reason_code for left in left_out} == {Reason.OTHER_SLICE}
    assert {left.reason for left in left_out} == {"Another slice of this series stands for it."}
    assert len(kept) + len(left_out) == len(used)


def test_the_order_of_files_does_not_choose_the_slice() -> None:  # D13
    used = [image(f"a/{n}.dcm", dicom=DicomFacts(series="s", modality="MR")) for n in range(7)]

    assert [checked.found.path for checked in choose_slices(used[::-1], Intake())[0]] == ["a/3.dcm"]


@pytest.mark.parametrize("modality", ["DX", "CR", "MG", "US", ""])
def test_views_of_other_modalities_are_no_slices(modality: str) -> None:
    used = slices("one", 4, modality=modality)

    assert choose_slices(used, Intake()) == (used, [])


def test_slices_without_a_series_or_of_two_classes_stay() -> None:
    used = [*slices("", 3), *slices("s", 1), *slices("s", 1, class_name="b")]

    assert choose_slices(used, Intake()) == (used, [])


def test_all_slices_are_used_where_the_person_wants_them_and_a_study_stays_together() -> None:
    used = [*slices("one", 3, study="s"), *slices("two", 2, class_name="b", study="s"), *slices("three", 2)]
    intake = Intake(slices="all")

    assert choose_slices(used, intake) == (used, [])
    keys = group_images(used, intake, SALT)[2]

    assert len({keys[checked.found.path] for checked in used[:5]}) == 1
    assert len(set(keys.values())) == 2


def test_keys_that_meet_in_one_study_become_one() -> None:
    def slice_of(name: str, study: str, group: str) -> Checked:
        return image(f"a/{name}", group, DicomFacts(series=name, study=study, modality="CT"))

    used = [
        slice_of("1", "s", "P1"),
        slice_of("2", "s", "P2"),
        slice_of("3", "t", "P2"),
        slice_of("4", "t", ""),
        slice_of("5", "u", "P3"),
    ]

    keys = group_images(used, Intake(slices="all", group="column:patient"), SALT)[2]

    assert len({keys[f"a/{n}"] for n in "1234"}) == 1
    assert keys["a/5"] == hashed("P3", SALT)
