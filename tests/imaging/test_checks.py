"""Each check by findings made by hand, and each repair by what the folder looks like after the press."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from tlgui.core.intake import Intake, changes_of, fold
from tlgui.core.records import (
    Copies,
    DatasetWarning,
    Grouping,
    LayoutFacts,
    LeftOut,
    NameExample,
    PixelRule,
    Reason,
)
from tlgui.imaging import checks, checks_classes, checks_copies, checks_files, checks_names, checks_pixels
from tlgui.imaging.assemble import assemble
from tlgui.imaging.checks import CHECKS, Findings, warnings_of
from tlgui.imaging.file_check import Checked
from tlgui.imaging.findings import MOST_EVIDENCE, MOST_REPAIRED
from tlgui.imaging.layout import Layout, Place
from tlgui.imaging.pixels import Description
from tlgui.imaging.scan import look_at
from tlgui.imaging.verdict import DicomFacts, Verdict
from tlgui.imaging.walk import FoundFile, Tree

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]
Make = Callable[..., bytes]


def image(
    path: str,
    class_name: str = "",
    split: str = "",
    content: str = "",
    facts: DicomFacts | None = None,
    notices: tuple[tuple[str, str], ...] = (),
    **described: Any,
) -> Checked:
    parts = tuple(path.split("/"))
    fields: dict[str, Any] = {"width": 60, "height": 50, "bits": 8, "frames": 1, "grey": False, "floating": False}
    fields |= {"lowest": None, "highest": None, "all_finite": True} | described
    description = Description(format="PNG", **fields)
    verdict = Verdict(level="full", description=description, dicom=facts, notices=list(notices))
    return Checked(FoundFile(parts), Place(class_name or parts[0], split), content or path, description, verdict)


def images(class_name: str, count: int = 12, split: str = "", **described: Any) -> list[Checked]:
    folder = f"{split}/{class_name}" if split else class_name
    return [image(f"{folder}/{number:02}.png", class_name, split, **described) for number in range(count)]


def found(*used: list[Checked], **fields: Any) -> Findings:
    """Findings as they are where nothing is to be said, but for what is given."""
    all_used = [one for each in used for one in each] or [*images("a"), *images("b")]
    classes = sorted({checked.place.class_name for checked in all_used})
    sound: dict[str, Any] = {
        "tree": Tree(),
        "layout": Layout("class folders"),
        "left_out": [],
        "classes": classes,
        "rule": PixelRule(),
        "facts": LayoutFacts(name="class folders"),
        "intake": Intake(),
        "grouping": Grouping(),
        "proposed": Grouping(),
        "groups": {},
        "copies": [],
        "found_classes": {name: [name] for name in classes},
    }
    return Findings(used=all_used, **sound | fields)


def left(path: str, reason: Reason) -> LeftOut:
    return LeftOut(path=path, reason_code=reason, reason="So it is.")


def pair(kind: Any, *classes: str) -> Copies:
    return Copies(kind=kind, first="a/00.png", second="a/01.png", classes=(classes[0], classes[-1]))


TABLE = Layout("label table", table="labels.csv")
SPLIT = Layout("train/validation/test", split_of={"train": "train", "val": "validation"}, levels=("split", "class"))
DEEP: dict[str, Any] = {"bits": 16, "lowest": 0.0, "highest": 4000.0}
PROPOSED = Grouping(
    key="pattern:p(\\d+)",
    sentence="the number after 'p'",
    groups=9,
    examples=[NameExample(name="00.png", start=0, end=2)],
)

# Check -> what is found, the code that is said, words of the sentence, labels of the repairs, number of evidence paths.
# To add a check, add its row.
Case = tuple[Findings, str, str, list[str], int]
CASES: dict[str, list[Case]] = {
    "folders": [
        (found(layout=Layout("class folders", base=("x",))), "nested_root", "the folder 'x'", [], 0),
        (found(tree=Tree(unreadable=["x (denied)"])), "unreadable_folder", "x (denied)", [], 0),
        (found(tree=Tree(linked=["x"])), "linked_folder", "1 link to another folder not followed: 'x'", [], 1),
    ],
    "domain_not_chosen": [
        (
            found(facts=LayoutFacts(name="domain folders", domains=["ink", "oil"])),
            "domain_not_chosen",
            "2 domains with the same classes ('ink', 'oil')",
            ["Use all of them as one set", "Use only 'ink'", "Use only 'oil'"],
            0,
        )
    ],
    "broken_files": [
        (
            found(left_out=[left("x", Reason.EMPTY), left("y", Reason.TRUNCATED), left("z", Reason.HIDDEN)]),
            "unreadable_files",
            "2 files are left out (1 empty, 1 truncated): 'x', 'y'",
            [],
            2,
        )
    ],
    "unlabelled": [
        (found(left_out=[left("x", Reason.NO_LABEL)]), "images_without_class", "outside of every class folder", [], 1),
        (found(layout=TABLE, left_out=[left("x", Reason.NO_LABEL)]), "files_without_row", "no row in the table", [], 1),
    ],
    "table_rows": [
        (
            found(layout=Layout("label table", table="t.csv", rows_without_file=["x", "y"])),
            "rows_without_file",
            "2 names in the table 't.csv' fit no file of the folder: 'x', 'y'",
            [],
            0,
        ),
        (
            found(layout=Layout("label table", table="t.csv", ambiguous_rows={"x": ["1/x", "2/x"]})),
            "ambiguous_rows",
            "1 name in the table 't.csv' fit several files",
            [],
            2,
        ),
        (
            found(layout=Layout("label table", table="t.csv", case_differs=["X"])),
            "case_differs",
            "only if upper and lower case count as the same: 'X'",
            [],
            0,
        ),
    ],
    "tool_folders": [
        (
            found(
                tree=Tree(folders=[("a",), (".git",), (".git", "refs"), ("a", "@eaDir"), ("__MACOSX",)]),
                left_out=[left(".git/refs/x", Reason.SYSTEM_FILE), left("a/@eaDir/y", Reason.SYSTEM_FILE)],
            ),
            "tool_folders",
            "2 folders that are hidden or made by tools are left out: '.git', 'a/@eaDir'",
            [],
            2,
        )
    ],
    "training_images_again": [
        (
            found(
                images("a", split="train"),
                images("b", split="train"),
                [image(f"val/a/{n}.png", "a", "validation", content=f"train/a/{n:02}.png") for n in range(6)],
                [image(f"val/b/{n}.png", "b", "validation") for n in range(4)],
                layout=SPLIT,
            ),
            "validation_is_training",
            "6 of 10 validation images are training images too",
            ["Cut validation anew from the training images"],
            6,
        )
    ],
    "split_inside_a_class": [
        (
            found(images("a"), images("b"), [image(f"val/{'ab'[n % 2]}/{n}.png", "val") for n in range(12)]),
            "split_inside_classes",
            "The folder 'val' stands among the classes",
            ["Leave out the class 'val'"],
            12,
        ),
        (
            found(images("a"), images("b"), images("test")),
            "split_taken_for_class",
            "The folder 'test' holds images without class folders",
            ["Leave out the class 'test'"],
            12,
        ),
    ],
    "empty_classes": [
        (
            found(layout=Layout("class folders", class_folders=(("a",), ("b",), ("c",)))),
            "empty_class_folder",
            "The class folder 'c' holds no usable image",
            [],
            0,
        )
    ],
    "missing_in_a_given_part": [
        (
            found(
                images("a", split="train"), images("b", split="train"), images("a", split="validation"), layout=SPLIT
            ),
            "class_missing_in_validation",
            "1 class has no image in the validation folder, so nothing is measured for it: 'b'",
            ["Cut validation anew from the training images"],
            12,
        ),
        (
            found(images("a", split="train"), images("b", split="train"), images("a", split="test"), layout=TABLE),
            "class_missing_in_test",
            "no image in the test part",
            ["Draw all three parts anew"],
            12,
        ),
    ],
    "class_sizes": [
        (
            found(images("a", 1), images("b", 3), images("c", 3)),
            "class_with_one_image",
            "The class 'a' has a single image",
            ["Leave out the class 'a'"],
            1,
        ),
        (
            found(images("a", 9)),
            "few_images_in_class",
            "The class 'a' has only 9 images; with fewer than 10",
            [],
            9,
        ),
        (
            found(images("a", 10), images("b", 31)),
            "imbalance",
            "'b' has 31 images, 'a' has 10, so a model that always says 'b' would look good",
            ["Leave out 1 image of the larger classes"],
            10,
        ),
    ],
    "alike_names": [
        (
            found(images("WBC"), images("wbc", 13)),
            "names_differ_only_in_case",
            "The classes 'WBC', 'wbc' differ only in upper and lower case",
            ["Merge into 'wbc'"],
            25,
        ),
        (
            found(images("white cell"), images("White_Cell", 11)),
            "names_look_alike",
            "The classes 'White_Cell', 'white cell' differ only in spaces",
            ["Merge into 'white cell'"],
            23,
        ),
    ],
    "formula_names": [
        (
            found(images("=a"), images("b")),
            "formula_names",
            "The name of the class '=a' begins with '=', '+', '-' or '@'",
            ["Call it 'a'"],
            12,
        ),
        (
            found(images("a"), [image(f"b/-{n}.png") for n in range(10)]),
            "formula_file_names",
            "10 images have names that begin with '='",
            [],
            10,
        ),
    ],
    "images_and_labels": [
        (found(images("Images"), images("masks")), "images_and_labels", "'Images', 'masks' look like images", [], 24)
    ],
    "same_subfolders": [
        (
            found(
                [image(f"{a}/{b}/{n}.png") for a in "xy" for b in "pq" for n in range(6)],
                facts=LayoutFacts(name="class folders", others=["domain folders"]),
            ),
            "same_subfolders",
            "the same folders ('p', 'q')",
            ["Read the outer folders as domains"],
            0,
        )
    ],
    "conflicting_classes": [
        (
            found(copies=[pair("copy", "a", "b")]),
            "same_picture_in_two_classes",
            "1 picture stands in two classes, byte for byte, so one of the two labels is wrong: 'a/00.png' and 'a/01.png'",
            ["Leave both out"],
            2,
        ),
        (
            found(copies=[pair("twin", "a", "b")]),
            "twins_in_two_classes",
            "may be wrong",
            ["Leave both out", "Keep them together", "They are different pictures"],
            2,
        ),
    ],
    "twins": [
        (
            found(copies=[pair("twin", "a")]),
            "twins",
            "1 pair of images shows the same",
            ["Keep them together", "Leave one of each pair out", "They are different pictures"],
            2,
        )
    ],
    "possible_groups": [
        (
            found(proposed=PROPOSED),
            "possible_groups",
            "(the number after 'p': 9 groups)",
            ["Keep them together", "They are independent"],
            2,
        )
    ],
    "burned_in_text": [
        (
            found(images("a"), images("b", facts=DicomFacts(burned_in="yes", modality="US"))),
            "burned_in_text",
            "12 DICOM images say that text is burned into the picture",
            ["Cut 6% off on each side", "Leave them out"],
            12,
        ),
        (
            found(images("a"), images("b", facts=DicomFacts(modality="US"))),
            "burned_in_text_possible",
            "12 DICOM images are of a kind that often has text",
            [],
            12,
        ),
    ],
    "channels": [
        (
            found(images("a", grey=True), images("b")),
            "mixed_channels",
            "Grey images are 100% of 'a' and 0% of 'b'",
            ["Take the colour out of all images"],
            24,
        )
    ],
    "sizes_by_class": [
        (
            found(images("a", width=601), images("b", width=200)),
            "mixed_sizes",
            "'a' are much larger than those of 'b' (half of them beyond 601 against 200 pixels)",
            [],
            24,
        )
    ],
    "deep_pixels": [
        (found(images("a", **DEEP), images("b", **DEEP)), "deep_pixels", "0 to 65535 becomes 0 to 255", [], 24),
        (
            found(images("a", **DEEP), images("b", **DEEP | {"floating": True})),
            "mixed_numbers",
            "Whole and floating-point pixel values are mixed",
            ["Stretch each image by its own brightness"],
            12,
        ),
        (
            found(images("a", **DEEP), images("b")),
            "mixed_depth",
            "12 of 24 images hold more than 8 bits per value",
            ["Stretch each image by its own brightness"],
            12,
        ),
    ],
    "one_patient": [
        (
            found(
                [image(f"a/{n}.dcm", facts=DicomFacts(patient="p", study=f"s{n % 5}")) for n in range(12)], images("b")
            ),
            "one_patient",
            "All 12 DICOM images name the same patient",
            ["Keep the images of each study together"],
            12,
        )
    ],
    "dark_images": [
        (
            found(images("a", **DEEP, typical=(0.0, 60000.0)), images("b", **DEEP, typical=(0.0, 255.0))),
            "dark_images",
            "12 images use less than 5 % of the range 0 to 65535",
            ["Stretch each image by its own brightness"],
            12,
        )
    ],
    "not_finite": [
        (
            found(images("a"), images("b", all_finite=False)),
            "values_not_finite",
            "12 images hold values that are no finite number",
            ["Leave them out"],
            12,
        )
    ],
    "frames": [
        (
            found(images("a"), images("b", frames=3)),
            "first_frame_only",
            "12 files hold several frames or pages; the first one is used",
            ["Use the middle one", "Use the last one"],
            12,
        ),
        (
            found(images("a"), images("b", frames=3, dicom=True)),
            "middle_frame_only",
            "the middle one is used",
            ["Use the first one", "Use the last one"],
            12,
        ),
        (
            found(images("a"), images("b", frames=3), rule=PixelRule(frame="last")),
            "last_frame_only",
            "the last one is used",
            ["Use the first one", "Use the middle one"],
            12,
        ),
    ],
    "slices": [
        (
            found(left_out=[left("x", Reason.OTHER_SLICE)]),
            "one_slice_only",
            "1 DICOM slice is not used",
            ["Use all slices, and keep those of one study together"],
            1,
        )
    ],
    "flat_images": [
        (
            found(images("a"), [*images("b"), image("b/flat.png", notices=(("flat", "It is."),))]),
            "flat_images",
            "1 image shows nothing but one colour: 'b/flat.png'",
            ["Leave it out"],
            1,
        )
    ],
    "shapes": [
        (
            found(images("a"), [*images("b"), image("b/long.png", width=60, height=5)]),
            "extreme_shape",
            "1 image is more than 10 times as long as wide: 'b/long.png'",
            ["Leave it out"],
            1,
        )
    ],
    "exact_copies": [
        (
            found(copies=[pair("copy", "a")]),
            "exact_copies",
            "1 image is an exact copy of another one",
            ["Leave the copies out"],
            2,
        )
    ],
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_says_what_is_wrong_with_its_evidence_and_its_repairs(check: Any) -> None:
    for case, code, words, repairs, evidence in CASES[check.__name__]:
        (warning,) = [one for one in check(case) if one.code == code]
        assert words in warning.message
        assert [repair.label for repair in warning.repairs] == repairs
        assert len(warning.paths) == evidence
        assert all(changes_of(repair) for repair in warning.repairs)
        assert warning in warnings_of(case)


def test_every_check_has_a_case_and_every_code_is_said_in_one() -> None:
    assert CASES.keys() == {check.__name__ for check in CHECKS}
    folder = Path(checks.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("checks_*.py")))
    written = set(re.findall(r'warning\(\s*"([a-z_]+)"', source))
    assert len(written) >= 25
    assert written <= {code for cases in CASES.values() for _found, code, *_rest in cases}


def test_nothing_is_said_of_a_sound_set() -> None:
    assert warnings_of(found()) == []


def sentences() -> list[DatasetWarning]:
    return [one for cases in CASES.values() for case, *_ in cases for one in warnings_of(case)]


def test_each_warning_is_one_sentence() -> None:
    for warning in sentences():
        text = re.sub(r"'[^']*'|\d+\.\d+", "", warning.message)
        assert text.endswith(".") and ". " not in text and text[0].isupper() | text[0].isdigit(), warning.message


def test_evidence_and_repairs_are_bounded() -> None:
    many = [Copies(kind="twin", first=f"a/{n}", second=f"a/{n}x", classes=("a", "a")) for n in range(MOST_REPAIRED + 1)]
    (warning,) = list(checks_copies.twins(found(copies=many)))
    assert len(warning.paths) == MOST_EVIDENCE
    assert warning.repairs[0].label == f"Keep them together (the first {MOST_REPAIRED})"
    assert len(msgspec.json.encode(warning)) < 400_000


def test_what_is_settled_is_not_said_again() -> None:
    together = {"a/00.png": "g", "a/01.png": "g"}
    assert list(checks_copies.twins(found(copies=[pair("twin", "a")], groups=together))) == []
    assert list(checks_pixels.channels(found(images("a", grey=True), images("b"), rule=PixelRule(colour="grey")))) == []
    chosen = LayoutFacts(name="domain folders", domains=["ink", "oil"], domain="ink")
    assert list(checks_files.domain_not_chosen(found(facts=chosen))) == []
    burned = images("b", facts=DicomFacts(burned_in="yes"))
    (warning,) = checks_pixels.burned_in_text(found(images("a"), burned, rule=PixelRule(border=0.06)))
    assert [repair.label for repair in warning.repairs] == ["Leave them out"]


def test_a_class_that_was_renamed_or_left_out_is_no_empty_folder() -> None:
    layout = Layout("class folders", class_folders=(("a",), ("b",), ("c",)))
    renamed = [image(f"a/{n}.png", "ants") for n in range(12)]
    decided = Intake(classes={"a": "ants", "c": ""})
    assert list(checks_classes.empty_classes(found(renamed, images("b"), layout=layout, intake=decided))) == []


def test_renaming_a_formula_never_merges_two_classes() -> None:
    (warning,) = checks_names.formula_names(found(images("=a"), images("a")))
    assert [change.sentence() for change in changes_of(warning.repairs[0])] == ["The class '=a' is called 'class a'."]


def test_no_class_can_be_left_out_where_two_are_there() -> None:
    (warning,) = [
        one for one in checks_classes.class_sizes(found(images("a", 5), images("b", 12))) if "few" in one.code
    ]
    assert warning.repairs == []


# What a press does, from files to the next look.


def pressed(root: Path, code: str, which: int = 0) -> tuple[DatasetWarning, list[str], Any]:
    """The warning, and which codes and what scan there are after its repair."""
    look = look_at(root)
    (warning,) = [one for one in assemble(look).warnings if one.code == code]
    after = assemble(look, fold(changes_of(warning.repairs[which])))
    return warning, [one.code for one in after.warnings], after


def test_one_press_merges_classes(plant: Plant, classes: Classes) -> None:
    _, codes, scan = pressed(plant(classes("white cell", "White_Cell", "red")), "names_look_alike")
    assert (codes, scan.classes, len(scan.used)) == ([], ["White_Cell", "red"], 36)


def test_one_press_takes_the_colour_out(plant: Plant, classes: Classes, picture: Make) -> None:
    files = {**classes("colour"), **{f"grey/{seed}.png": picture(900 + seed, mode="L") for seed in range(12)}}
    warning, codes, scan = pressed(plant(files), "mixed_channels")
    assert (codes, scan.pixel_rule.colour) == ([], "grey")
    assert len(warning.paths) == 24


def test_one_press_evens_the_classes_out_and_the_same_way_each_time(plant: Plant, classes: Classes) -> None:
    root = plant({**classes("a", images=40), **classes("b", images=11)})
    first, codes, scan = pressed(root, "imbalance")
    assert codes == [] and [row.class_name for row in scan.used].count("a") == 33
    assert pressed(root, "imbalance")[0] == first


def test_one_press_settles_the_same_picture_in_two_classes(plant: Plant, classes: Classes) -> None:
    files = classes("a", "b")
    files["b/again.png"] = files["a/03.png"]
    warning, codes, scan = pressed(plant(files), "same_picture_in_two_classes")
    assert warning.paths == ["a/03.png", "b/again.png"]
    assert (codes, len(scan.used), scan.copies) == ([], 23, [])


def test_one_press_leaves_exact_copies_out(plant: Plant, classes: Classes) -> None:
    files = classes("a", "b")
    files["a/again.png"] = files["a/03.png"]
    _, codes, scan = pressed(plant(files), "exact_copies")
    assert (codes, len(scan.used)) == ([], 24)


def test_one_press_renames_a_formula(plant: Plant, classes: Classes) -> None:
    _, codes, scan = pressed(plant(classes("=1+1", "b")), "formula_names")
    assert (codes, scan.classes) == ([], ["1+1", "b"])


def test_one_press_cuts_validation_anew(plant: Plant, classes: Classes) -> None:
    files: dict[str, bytes | None] = {f"train/{path}": data for path, data in classes("a", "b").items()}
    files |= {path.replace("train", "val"): data for path, data in files.items()}
    warning, codes, scan = pressed(plant(files), "validation_is_training")
    assert "24 of 24 validation images are training images too" in warning.message
    assert "validation_is_training" not in codes
    assert {record.given_split for record in scan.used} == {"train"}


def test_one_press_chooses_another_page(plant: Plant, classes: Classes, picture: Make) -> None:
    pages = [Image.fromarray(np.full((9, 9, 3), level, np.uint8)) for level in (50, 200)]
    files = classes("a", "b")
    files["b/movie.gif"] = picture(5, "GIF", save_all=True, append_images=pages)
    _, codes, scan = pressed(plant(files), "first_frame_only", which=1)
    assert (codes, scan.pixel_rule.frame) == (["last_frame_only"], "last")


def test_a_folder_called_train_may_be_a_class_and_images_that_are_all_dark_are_told_of_by_the_rule() -> None:
    assert list(checks_classes.split_inside_a_class(found(images("car"), images("ship"), images("train")))) == []
    dark = {**DEEP, "typical": (0.0, 255.0)}
    assert list(checks_pixels.dark_images(found(images("a", **dark), images("b", **dark)))) == []


def test_class_folders_are_not_called_empty_when_their_images_were_drawn_into_other_parts(
    plant: Plant, classes: Classes, picture: Make
) -> None:
    files = {
        f"{part}/{name}/{n}.png": picture(100 * at + n)
        for at, (part, name) in enumerate([("train", "a"), ("train", "b"), ("val", "a"), ("val", "b")])
        for n in range(12)
    }
    look = look_at(plant(files))
    for intake in (Intake(draw_anew=True), Intake(cut_validation=True)):
        assert "empty_class_folder" not in {one.code for one in assemble(look, intake).warnings}
