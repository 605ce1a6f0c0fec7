from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlgui.core.errors import UserError
from tlgui.core.intake import Intake
from tlgui.core.records import TableColumns
from tlgui.imaging.file_index import FileIndex
from tlgui.imaging.label_table import LabelTable, fitted, read_table
from tlgui.imaging.layout import choose_layout, read_tables, table_read
from tlgui.imaging.table_match import Matched, match
from tlgui.imaging.walk import FoundFile, Tree, walk

Plant = Callable[..., Path]


def index(*paths: str) -> FileIndex:
    return FileIndex(Tree(files=[FoundFile(tuple(path.split("/"))) for path in paths]))


PICTURES = [f"images/case_{n}.png" for n in range(6)]


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., LabelTable]:
    """A table with these lines, fitted to files."""

    def make(*lines: str, files: list[str] = PICTURES) -> LabelTable:
        path = tmp_path / "labels.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        return fitted(read_table(path, "labels.csv"), index(*files))

    return make


Make = Callable[..., LabelTable]


def rows(*labels: str, sign: str = ",", name: str = "case_{}") -> list[str]:
    return [f"{name.format(n)}{sign}{label}" for n, label in enumerate(labels)]


@pytest.mark.parametrize("file", ["image_id", "Image ID", "filename", "Datei", "Bild-Name", "PATH", "anything"])
@pytest.mark.parametrize("label", ["label", "Klasse", "dx", "Diagnosis", "final_diagnosis", "anything else"])
def test_columns_are_told_by_their_words_or_by_their_cells(table: Make, file: str, label: str) -> None:
    found = table(f"{file},{label}", *rows("a", "b", "a", "b")).columns
    assert found == TableColumns(file=file, labels=[label])


def test_the_column_that_names_files_wins_over_the_one_that_is_called_so(table: Make) -> None:
    found = table("id,image,label", *(f"{n},case_{n},{'ab'[n % 2]}" for n in range(6))).columns
    assert found == TableColumns(file="image", labels=["label"])
    found = table("image,key,label", *(f"x{n},case_{n},{'ab'[n % 2]}" for n in range(6))).columns
    assert found == TableColumns(file="key", labels=["label"])


def test_the_usual_columns_beside_the_label_do_not_confuse(table: Make) -> None:
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization,dataset"
    lines = [f"L{n // 2},case_{n},{'mel' if n % 3 else 'nv'},histo,{40 + n},{'mf'[n % 2]},back,vidir" for n in range(6)]
    assert table(header, *lines).columns == TableColumns(file="image_id", labels=["dx"], group="lesion_id")


@pytest.mark.parametrize("split", ["split", "Set", "anything"])
def test_a_column_of_parts_is_told_by_its_cells(table: Make, split: str) -> None:
    lines = rows("a,Train", "b,training", "a,VALID", "b,test", "a,train", "b,dev")
    assert table(f"file,label,{split}", *lines).columns == TableColumns(file="file", labels=["label"], split=split)


def test_numbers_of_folds_are_no_parts(table: Make) -> None:
    found = table("file,label,fold", *rows("a,0", "b,1", "a,2", "b,0", "a,1", "b,2")).columns
    assert found == TableColumns(file="file", labels=["label"])


def test_a_group_column_in_which_nothing_comes_twice_is_none(table: Make) -> None:
    found = table("file,label,patient", *rows("a,1", "b,2", "a,3", "b,4")).columns
    assert found == TableColumns(file="file", labels=["label"])


def test_a_table_without_a_header(table: Make) -> None:
    for name in ("case_{}", "case_{}.png", "images/case_{}"):
        found = table(*rows("a", "b", "a", "b", name=name))
        assert found.header == ["column 1", "column 2"]
        assert found.columns == TableColumns(file="column 1", labels=["column 2"])
        assert len(found.rows) == 4
        assert found.number(0) == 1


def test_a_first_row_that_names_a_file_is_no_header(table: Make) -> None:
    found = table(*rows("q", "b", "a", "b", "a", "b"))
    assert found.header_number == 0
    assert found.columns == TableColumns(file="column 1", labels=["column 2"])
    assert match(found, found.columns, index(*PICTURES)).classes == {"a": 2, "b": 3, "q": 1}


def test_names_of_columns_are_never_empty_and_never_equal(table: Make) -> None:
    found = table(",file,label,label,label (2)", *(f"{n},case_{n},a,b,c" for n in range(4)))
    assert found.header == ["column 1", "file", "label", "label (2)", "label (2) (2)"]


@pytest.mark.parametrize(
    ("one", "zero", "sign"), [("1", "0", ","), ("1.0", "0.0", ","), ("1,0", "0,0", ";"), ("True", "FALSE", "\t")]
)
def test_one_hot_columns_in_every_spelling(table: Make, one: str, zero: str, sign: str) -> None:
    lines = [sign.join([f"case_{n}", *(one if n % 3 == k else zero for k in range(3))]) for n in range(6)]
    found = table(sign.join(["image", "benign", "malignant", "normal"]), *lines)
    assert found.columns == TableColumns(file="image", labels=["benign", "malignant", "normal"])
    matched = match(found, found.columns, index(*PICTURES))
    assert matched.problem is None
    assert matched.classes == {"benign": 2, "malignant": 2, "normal": 2}
    assert matched.rows["images/case_4.png"].class_name == "malignant"


def test_a_class_in_numbers_and_in_words_is_taken_in_words(table: Make) -> None:
    found = table("file,label,label_name", *rows("0,cat", "1,dog", "0,cat", "1,dog"))
    assert found.columns == TableColumns(file="file", labels=["label_name"])
    found = table("file,label,label_name", *rows("0,cat", "1,cat", "0,dog", "1,dog"))
    assert found.columns == TableColumns(file="file", labels=["label"])


def test_several_columns_that_could_be_labels_are_not_guessed_at(table: Make) -> None:
    assert table("file,where,how", *rows("a,x", "b,y", "a,x", "b,x")).columns is None
    assert table("file,text", *rows("one", "two", "three", "four")).columns is None


def problem(table: LabelTable, columns: TableColumns | None = None) -> str:
    found = match(table, columns or table.columns or TableColumns(file="file", labels=["label"]), index(*PICTURES))
    assert found.problem is not None
    assert found.problem.remedy.endswith(".")
    return found.problem.problem


def test_rows_with_several_labels_are_refused_in_words(table: Make) -> None:
    lines = ["case_0,1,0,0", "case_1,1,1,0", "case_2,0,1,0", "case_3,0,1,1", "case_4,1,1,1", "gone,1,1,1"]
    assert problem(table("image,a,b,c", *lines)) == (
        "Row 3 of 'labels.csv' has two labels, 'a' and 'b'; this program gives each image one class. "
        "The same goes for 2 more rows (5, 6)."
    )


def test_a_row_without_a_label_among_one_hot_columns_is_refused_in_words(table: Make) -> None:
    lines = ["case_0,1,0", "case_1,0,0", "case_2,0,1", "case_3,0,1"]
    assert problem(table("image,a,b", *lines)) == (
        "Row 3 of 'labels.csv' has no label: none of its columns 'a', 'b' holds a 1."
    )


def test_a_cell_that_is_neither_0_nor_1_is_refused_in_words(table: Make) -> None:
    found = table("image,a,b", "case_0,1,0", "case_1,0.7,0.3")
    assert problem(found, TableColumns(file="image", labels=["a", "b"])) == (
        "Row 3 of 'labels.csv' says '0.7' in the column 'a', where 0 or 1 is expected."
    )


@pytest.mark.parametrize("sign", ["|", ";", ", "])
def test_several_labels_in_a_cell_are_refused_in_words(table: Make, sign: str) -> None:
    found = table("image\tlabel", *rows("x", "y", f"x{sign}y", "z", sign="\t"))
    assert problem(found, TableColumns(file="image", labels=["label"])).startswith(
        "Row 4 of 'labels.csv' has two labels, 'x' and 'y'; this program gives each image one class."
    )


def test_a_sign_in_the_name_of_a_class_is_no_second_label(table: Make) -> None:
    found = table("image\tlabel", *rows("x, left", "y", "x, left", "y", sign="\t"))
    assert matched(found).classes == {"x, left": 2, "y": 2}


def matched(table: LabelTable, files: FileIndex | None = None) -> Matched:
    assert table.columns is not None
    found = match(table, table.columns, files or index(*PICTURES))
    assert found.problem is None
    return found


def test_numbers_are_classes_and_one_number_is_one_class(table: Make) -> None:
    assert matched(table("file,grade", *rows("0", "1.0", "1", "2", "0.0", "2"))).classes == {"0": 2, "1": 2, "2": 2}
    assert matched(table("file;grade", *rows("0,5", "1", "0,5", "1", sign=";"))).classes == {"0,5": 2, "1": 2}
    assert matched(table("file,grade", *rows("01", "02", "01", "02"))).classes == {"01": 2, "02": 2}


def test_a_row_that_repeats_another_counts_once(table: Make) -> None:
    found = matched(table("file,label", *rows("a", "b", "a", "b"), "case_0.png,a"))
    assert (found.repeated, found.classes) == (1, {"a": 2, "b": 2})


@pytest.mark.parametrize(
    ("header", "line", "what"),
    [
        ("file,label", "case_0.png,b", "labels to 'images/case_0.png': 'a' and 'b'"),
        ("file,label,split", "case_0.png,a,test", "parts to 'images/case_0.png': 'train' and 'test'"),
        ("file,label,patient", "case_0.png,a,2", "groups to 'images/case_0.png': '1' and '2'"),
    ],
)
def test_rows_that_contradict_each_other_are_refused_in_words(table: Make, header: str, line: str, what: str) -> None:
    more = {"split": ",train", "patient": ",1"}.get(header.split(",")[-1], "")
    found = table(header, *rows(*(label + more for label in "abab")), line)
    assert problem(found) == f"Rows 2 and 6 of 'labels.csv' give different {what}."


def test_a_column_of_parts_that_says_something_else_is_refused_in_words(table: Make) -> None:
    found = table("file,label,when", *rows("a,train", "b,monday"))
    columns = TableColumns(file="file", labels=["label"], split="when")
    assert problem(found, columns) == (
        "Row 3 of 'labels.csv' says 'monday' in the column 'when', where train, validation or test is expected."
    )


def test_regions_of_several_classes_in_one_image_are_refused_in_words(table: Make) -> None:
    lines = [f"case_{n % 3},{n},{'ab'[n % 2]}" for n in range(12)]
    assert problem(table("filename,x,class", *lines)) == (
        "Rows 2 and 5 of 'labels.csv' give different labels to 'images/case_0.png': 'a' and 'b'."
    )


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (TableColumns(file="name", labels=["label"]), "The table 'labels.csv' has no column 'name'."),
        (TableColumns(file="file", labels=["label"], group="who"), "The table 'labels.csv' has no column 'who'."),
        (TableColumns(file="file", labels=[]), "No column of 'labels.csv' is chosen for the labels."),
        (TableColumns(file="file", labels=["file"]), "The column 'file' is chosen twice."),
        (
            TableColumns(file="label", labels=["file"]),
            "No file in this folder has a name from the column 'label' of 'labels.csv', such as 'a'.",
        ),
        (
            TableColumns(file="file", labels=["nothing"]),
            "The column 'nothing' of 'labels.csv' is empty for every file in this folder.",
        ),
    ],
)
def test_columns_that_do_not_do_are_refused_in_words(table: Make, columns: TableColumns, said: str) -> None:
    assert problem(table("file,label,nothing", *rows("a,", "b,")), columns) == said


def test_a_file_without_a_label_is_told_apart_from_one_without_a_row(plant: Plant) -> None:
    root = plant({"t.csv": b"file,label\n1,a\n2,b\n3,\n4,a\n5,b\n", **{f"{n}.png": b"" for n in range(1, 7)}})
    tree = walk(root)
    layout, _ = choose_layout(tree, read_tables(root, tree), Intake())
    assert [layout.place((f"{n}.png",)).sentence for n in (3, 6)] == [  # type: ignore[union-attr]
        "The table 't.csv' gives it no label.",
        "The table 't.csv' has no row for it.",
    ]


FILES = index(
    "a/1.png",
    "b/1.png",
    "b/2.PNG",
    "sub/deep/3.jpg",
    "sub/deep/3.txt",
    "u/gr\u00f6\u00dfe.png",
    "4",
    "x.v2.png",
    ".git/5.png",
)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("a/1.png", ["a/1.png"]),
        ("a\\1.png", ["a/1.png"]),
        ("./a/1", ["a/1.png"]),
        ("1.png", ["a/1.png", "b/1.png"]),
        ("2", ["b/2.PNG"]),
        ("2.PNG", ["b/2.PNG"]),
        ("3.jpg", ["sub/deep/3.jpg"]),
        ("3", ["sub/deep/3.jpg"]),
        ("deep/3.jpg", ["sub/deep/3.jpg"]),
        ("C:\\photos\\sub\\deep\\3.jpg", ["sub/deep/3.jpg"]),
        ("/home/me/photos/b/1.png", ["b/1.png"]),
        ("other/3.jpg", []),
        ("c/1.png", []),
        ("gro\u0308\u00dfe.png", ["u/gr\u00f6\u00dfe.png"]),
        ("4", ["4"]),
        ("x.v2", ["x.v2.png"]),
        ("5.png", []),
        ("", []),
        ("/", []),
    ],
)
def test_a_name_finds_its_file(name: str, paths: list[str]) -> None:
    meant = FILES.find(name)
    assert [found.path for found in meant.files] == paths
    assert not meant.files or not meant.case_differs


def test_a_path_from_the_folder_of_the_table_counts(plant: Plant) -> None:
    assert [found.path for found in FILES.find("1.png", beside=("b",)).files] == ["b/1.png"]


def test_case_is_passed_over_only_where_one_file_fits() -> None:
    files = index("a/One.PNG", "a/two.png", "b/TWO.png")
    assert [found.path for found in files.find("one.png").files] == ["a/One.PNG"]
    assert files.find("one.png").case_differs
    assert [found.path for found in files.find("two.png").files] == ["a/two.png"]
    assert not files.find("two.png").case_differs
    assert len(files.find("Two").files) == 2


def test_zeros_that_a_spreadsheet_dropped_and_another_extension_are_passed_over_where_nothing_else_fits() -> None:
    files = index("001.png", "x/002.tif", "2.jpg", "x/003.png", "y/03.png", "4.txt", "a/one.png", "a/one.txt")
    assert [found.path for found in files.find("1").files] == ["001.png"]
    assert files.find("1").zeros_differ and not files.find("1").case_differs
    assert [found.path for found in files.find("0001.jpg").files] == ["001.png"]
    assert [found.path for found in files.find("2").files] == ["2.jpg"]
    assert not files.find("2").zeros_differ
    assert [found.path for found in files.find("x/02").files] == ["x/002.tif"]
    assert len(files.find("3").files) == 2
    assert not files.find("04").files  # a note, not a picture
    assert [found.path for found in files.find("One.JPG").files] == ["a/one.png"]
    assert files.find("One.JPG").extension_differs
    assert not files.find("one.csv").files


def test_numbers_without_their_zeros_name_files_only_in_a_column_that_says_so(table: Make) -> None:
    numbered = [f"{n:03d}.png" for n in range(1, 7)]
    lines = [f"{n},{'ab'[n % 2]}" for n in range(1, 7)]
    found = table("file,label", *lines, files=numbered)
    assert matched(found, index(*numbered)).zeros_differ == ["1", "2", "3", "4", "5", "6"]
    assert table("age,label", *lines, files=numbered).columns is None
    assert table(*lines, files=numbered).columns is None
    lines = [f"{7 - n},{n:03d}.png,{'ab'[n % 2]}" for n in range(1, 7)]
    columns = table("id,image,label", *lines, files=numbered).columns
    assert columns is not None and columns.file == "image"


def test_names_that_are_not_quite_those_of_their_files_are_said(plant: Plant) -> None:
    table = b"file,label\n1,a\n2,b\n3.jpg,a\n"
    root = plant({"t.csv": table, **dict.fromkeys(["001.png", "002.png", "3.png"], b"")})
    tree = walk(root)
    _layout, facts = choose_layout(tree, read_tables(root, tree), Intake())
    assert facts.name == "label table"
    assert facts.evidence[3:] == [
        "1 name differs from the file's only in the extension, and is taken for it: '3.jpg'.",
        "2 names differ from the file's only in the zeros before the number, and are taken for them: '1', '2'.",
    ]


def test_case_ambiguity_and_missing_files_are_said(plant: Plant) -> None:
    table = b"file,label\nONE.png,a\ntwo.png,b\n3.png,a\n4.png,b\n5.png,a\n"
    files = ["one.png", "x/two.png", "y/two.png", "3.png", "4.png"]
    root = plant({"t.csv": table, **dict.fromkeys(files, b"")})
    tree = walk(root)
    layout, facts = choose_layout(tree, read_tables(root, tree), Intake(layout="label table"))
    assert facts.evidence[1] == (
        "3 rows name a file in this folder (column 'file'); 1 names a file that is not there; 1 fits several files."
    )
    assert facts.evidence[3] == (
        "1 name differs from the file's only in upper and lower case, and is taken for it: 'ONE.png'."
    )
    assert layout.rows_without_file == ["5.png"]
    assert layout.ambiguous_rows == {"two.png": ["x/two.png", "y/two.png"]}
    assert layout.case_differs == ["ONE.png"]
    assert layout.place(("x", "two.png")).sentence == (  # type: ignore[union-attr]
        "The name 'two.png' in the table 't.csv' fits 2 files; write it with its folder."
    )


def test_what_is_said_of_a_table_repeats_no_place_of_a_person(table: Make) -> None:
    paths = [r"C:\Users\Jane\set\x\1.png", "/home/jane/set/y/1.png", r"\\nas\jane\set\gone.png", "other/gone.png"]
    found = match(
        table("file,label", *(f"{path},a" for path in paths)),
        TableColumns(file="file", labels=["label"]),
        index("x/1.png", "z/X/1.PNG", "y/1.png", "set/y/1.png"),
    )
    assert found.without_file == [".../set/gone.png", "other/gone.png"]
    assert list(found.ambiguous) == [".../y/1.png"]
    assert list(found.rows) == ["x/1.png"]
    gone = match(
        table("file,label", f"{paths[2]},a"), TableColumns(file="file", labels=["label"]), index("x/1.png", "x/2.png")
    )
    assert gone.problem is not None and "jane" not in str(gone.problem.problem)


def test_names_that_all_fit_several_files_are_refused_in_words(table: Make) -> None:
    found = table("file,label", "1,a", "2,b", files=["x/1.png", "y/1.png", "x/2.png", "y/2.png"])
    assert found.columns is not None
    error = match(found, found.columns, index("x/1.png", "y/1.png", "x/2.png", "y/2.png")).problem
    assert error is not None
    assert error.problem == (
        "The names in the column 'file' of 'labels.csv' fit several files each, such as '1': 'x/1.png', 'y/1.png'."
    )


def test_only_tables_that_name_files_are_taken(plant: Plant) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["Bild", "Befund"], ["1.png", "a"], ["2.png", "b"], ["3.png", "a"]):
        book.active.append(row)
    root = plant(
        {
            "a/b/c/deep.csv": b"file,label\n1.png,a\n2.png,b\n",
            "a/b/labels.tsv": b"file\tlabel\n1.png\ta\n2.png\tb\n",
            "garbage.csv": b"\0\1\2\3" * 20,
            "scores.csv": b"epoch,accuracy\nfirst,0.4\nsecond,0.5\n",
            "readme.txt": b"These are my pictures, and they are good.\nUse them, please.\n",
            "notes.txt": b"file|label\n1.png|a\n2.png|b\n",
            ".hidden.csv": b"file,label\n1.png,a\n2.png,b\n",
            "many/1.txt": b"1.png,a",
            "many/2.txt": b"1.png,a",
            "many/3.txt": b"1.png,a",
            "many/4.txt": b"1.png,a",
            **{f"images/{n}.png": b"" for n in range(1, 4)},
        }
    )
    book.save(root / "befunde.xlsx")
    tables = read_tables(root, walk(root))
    assert sorted(tables) == ["a/b/labels.tsv", "befunde.xlsx", "notes.txt"]
    _, facts = choose_layout(walk(root), tables, Intake())
    assert (facts.table, facts.columns) == ("befunde.xlsx", TableColumns(file="Bild", labels=["Befund"]))
    assert facts.evidence[0] == "'befunde.xlsx': An Excel file. 'a/b/labels.tsv', 'notes.txt' could be used too."


def test_a_table_that_was_asked_for_and_is_none_is_refused(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\0\0\0")
    root = plant({"1.png": b""})
    with pytest.raises(UserError, match=r"'x\.csv' is no table"):
        read_tables(root, walk(root), {"x.csv": tmp_path / "x.csv"})


def test_the_window_is_shown_a_table_with_its_columns_and_what_is_wrong(plant: Plant) -> None:
    table = b"file,label,note\n" + b"".join(b"%d.png,%s,n%d\n" % (n, b"ab"[n % 2 :][:1], n) for n in range(30))
    root = plant({"t.csv": table, **{f"{n}.png": b"" for n in range(25)}})
    tree = walk(root)
    read = read_table(root / "t.csv", "t.csv")
    shown = table_read(7, read, None, tree)
    assert (shown.ticket, shown.table, shown.row_count, len(shown.rows)) == (7, "t.csv", 30, 20)
    assert shown.columns == TableColumns(file="file", labels=["label"])
    assert (shown.matched, shown.unmatched) == (25, [f"{n}.png" for n in range(25, 30)])
    assert (shown.classes, shown.problem) == ({"a": 13, "b": 12}, "")
    wrong = table_read(7, read, TableColumns(file="note", labels=["label"]), tree)
    assert wrong.problem == (
        "No file in this folder has a name from the column 'note' of 't.csv', such as 'n0'. "
        "Choose the column with the names of the files, or the folder that holds these files."
    )
    assert wrong.matched == 0
    (root / "other.csv").write_bytes(b"one,two\nx,y\nz,w\n")
    unknown = table_read(7, read_table(root / "other.csv", "other.csv"), None, tree)
    assert (unknown.columns, unknown.matched) == (None, 0)
    assert unknown.problem.startswith("No column with the names of the files, or none with the labels, was recognised.")


cell = st.one_of(
    st.sampled_from(
        ["1.png", "2", "a", "b", "0", "1", "1,0", "label", "file", "train", "", '"', "a|b", "x/3.png", "=1+1"]
    ),
    st.text(max_size=5),
)
tables = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80).map(str.encode),
    st.tuples(st.sampled_from([",", ";", "\t", "|"]), st.lists(st.lists(cell, max_size=5), max_size=8)).map(
        lambda drawn: "\n".join(drawn[0].join(row) for row in drawn[1]).encode("utf-8", "surrogatepass")
    ),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    tables, st.sampled_from([Intake(), Intake(table="t.csv"), Intake(layout="label table"), Intake(group="column:a")])
)
def test_no_table_of_any_content_breaks_the_reading(content: bytes, intake: Intake) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path in ("1.png", "x/2.png", "x/3.png", "y/2.png"):
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).touch()
        (root / "t.csv").write_bytes(content)
        tree = walk(root)
        tables = read_tables(root, tree)
        try:
            table_read(1, read_table(root / "t.csv", "t.csv"), None, tree)
            layout, _ = choose_layout(tree, tables, intake)
        except UserError as error:
            assert error.problem.endswith(".")
            return
        assert all(layout.place(found.parts) is not None for found in tree.files)
