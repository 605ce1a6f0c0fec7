"""The run folder: made once, readable to the last line, and without a word on where anything lies."""

from __future__ import annotations

import errno
import os
import random
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from tlgui.core import atomic, events
from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir, state_dir
from tlgui.core.records import ImageRecord, LeftOut, Reason
from tlgui.core.run_folder import (
    ManifestRow,
    RunFolder,
    create,
    fingerprint,
    new_path,
    open_run,
    recall_place,
    refuse_occupied,
    remember_place,
    safe_name,
)
from tlgui.core.run_spec import Dataset, RunSpec, Target, Training
from tlgui.core.split import PARTS

NASTY = [
    'a/with "quotes".png',
    "a/with, commas; and semicolons.png",
    "a/with\na line end.png",
    "a/Icon\r",
    "a/\r\n.png",
    "a/Grüße ß.png",
    "a/cell 🦠 x.png",
    "a/\udcff\udce4 no text.png",
    "=HYPERLINK(1)/+@-.png",
    "a/'single' & <b>bold</b>\t%41.png",
    "a/ leading and trailing .png ",
    "a/\u202egnp.x",
]


def record(path: str, content_hash: str = "0" * 64, class_name: str = "a") -> ImageRecord:
    return ImageRecord(path=path, class_name=class_name, content_hash=content_hash, width=8, height=8)


def no_space(*arguments: object, **more: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path / "my run", RunSpec())


def test_a_new_run_folder_holds_its_spec_and_room_for_the_rest(tmp_path: Path) -> None:
    spec = RunSpec(backbone="resnet50", training=Training(epochs=3))

    run = create(tmp_path / "deep" / "in" / "my run", spec)

    assert sorted(item.name for item in run.path.iterdir()) == ["checkpoints", "results", "run.toml"]
    assert (run.name, run.spec()) == ("my run", spec)
    assert open_run(run.path).spec() == spec


def test_an_empty_folder_becomes_the_run_folder(tmp_path: Path) -> None:
    assert create(tmp_path, RunSpec()).spec() == RunSpec()


@pytest.mark.parametrize("name", ["run.toml", ".hidden", "sub/file"])
def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_was(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")

    with pytest.raises(UserError) as caught:
        create(tmp_path, RunSpec())

    assert caught.value.problem == f"The run folder '{tmp_path.name}' is not empty."
    assert [str(item.relative_to(tmp_path)) for item in tmp_path.rglob("*") if item.is_file()] == [name]


REFUSAL = events.Failed(problem="The weights are not here.", remedy="Fetch them.", run="my run")


def test_a_run_that_never_began_is_replaced_and_nothing_of_it_is_left(run: RunFolder) -> None:
    run.write_manifest([record("a/1.png")], {"a/1.png": "train"}, [])
    run.append_event(events.Paused(step=0))
    run.append_event(REFUSAL)
    spec = RunSpec(backbone="resnet50")

    refuse_occupied(run.path)
    assert create(run.path, spec).spec() == spec

    assert sorted(item.name for item in run.path.iterdir()) == ["checkpoints", "results", "run.toml"]


def test_the_lock_of_a_run_that_never_began_stays_since_somebody_may_hold_it(run: RunFolder) -> None:
    run.append_event(REFUSAL)
    run.lock_path.touch()

    create(run.path, RunSpec())

    assert run.lock_path.exists() and not run.events_path.exists()


def test_a_run_whose_engine_could_not_start_is_replaced(run: RunFolder) -> None:
    assert create(run.path, RunSpec(backbone="vgg16")).spec().backbone == "vgg16"


@pytest.mark.parametrize(
    "name",
    [
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
        "checkpoints/.last.safetensors.tmp",
        "results/metrics.json",
        "export/model.onnx",
        "notes.txt",
    ],
)
def test_a_run_that_left_anything_is_refused_and_left_as_it_was(run: RunFolder, name: str) -> None:
    run.append_event(REFUSAL)
    (run.path / name).parent.mkdir(exist_ok=True)
    (run.path / name).write_bytes(b"mine")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}

    for refuse in (refuse_occupied, lambda path: create(path, RunSpec(backbone="vgg16"))):
        with pytest.raises(UserError, match="The run folder 'my run' is not empty"):
            refuse(run.path)

    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_a_run_that_may_be_at_work_before_its_first_checkpoint_is_refused(run: RunFolder) -> None:
    run.append_event(REFUSAL)
    run.append_event(events.Paused(step=0))

    with pytest.raises(UserError, match="is not empty"):
        create(run.path, RunSpec())


@pytest.mark.parametrize("missing", ["run.toml", "checkpoints", "results"])
def test_what_only_looks_like_a_run_is_refused(run: RunFolder, missing: str) -> None:
    run.append_event(REFUSAL)
    place = run.path / missing
    place.rmdir() if place.is_dir() else place.unlink()

    with pytest.raises(UserError, match="is not empty"):
        create(run.path, RunSpec())


def test_folders_where_a_runs_files_should_be_are_refused(run: RunFolder) -> None:
    (run.path / "manifest.csv").mkdir()

    with pytest.raises(UserError, match="is not empty"):
        create(run.path, RunSpec())


def test_a_file_where_the_run_folder_should_be_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_text("mine")

    with pytest.raises(UserError, match="The run folder 'run' cannot be written"):
        create(path, RunSpec())

    assert path.read_text() == "mine"


def test_a_full_disk_is_said_and_the_next_try_can_use_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full, pytest.raises(UserError) as caught:
        full.setattr(atomic, "write_bytes", no_space)
        create(tmp_path / "run", RunSpec())

    assert caught.value.problem == f"The run folder 'run' cannot be written: {os.strerror(errno.ENOSPC)}."
    assert "free some space" in caught.value.remedy
    assert create(tmp_path / "run", RunSpec()).spec() == RunSpec()


def test_a_folder_without_a_spec_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is not a run folder: it has no run\.toml\. Give the folder"):
        open_run(tmp_path)


def test_the_manifest_gives_nasty_names_back_as_they_were(run: RunFolder) -> None:
    used = [record(path, f"{n:064}", path.split("/")[0]) for n, path in enumerate(NASTY)]
    parts = {item.path: PARTS[n % 3] for n, item in enumerate(used)}
    left_out = [
        LeftOut(path=f"left out/{path}", reason_code=Reason.EMPTY, reason=f"Not used: '{path}'.") for path in NASTY
    ]

    run.write_manifest(used, parts, left_out)

    assert run.manifest() == [
        ManifestRow(path=item.path, class_name=item.class_name, part=parts[item.path], content_hash=item.content_hash)
        for item in used
    ]


def test_the_manifest_says_which_images_belong_together(run: RunFolder) -> None:
    used = [record("a/1.png"), msgspec.structs.replace(record("a/2.png"), group="0123456789ab")]

    run.write_manifest(used, {"a/1.png": "train", "a/2.png": "train"}, [])

    assert [row.group for row in run.manifest()] == ["", "0123456789ab"]
    assert run.manifest_path.read_text().splitlines()[2].startswith("a/2.png,a,0123456789ab,train,")


def test_the_manifest_has_a_row_for_every_file_used_or_left_out(run: RunFolder) -> None:
    left_out = [LeftOut(path="notes.txt", reason_code=Reason.NOT_AN_IMAGE, reason="It is no image.")]

    run.write_manifest([record("a/1.png", "ab")], {"a/1.png": "validation"}, left_out)

    assert run.manifest_path.read_text().splitlines() == [
        "path,class,group,split,content_hash,reason_code,reason",
        "a/1.png,a,,validation,ab,,",
        "notes.txt,,,left_out,,not_an_image,It is no image.",
    ]


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), unique=True))
def test_the_manifest_gives_any_name_back(tmp_path_factory: pytest.TempPathFactory, paths: list[str]) -> None:
    run = RunFolder(tmp_path_factory.mktemp("run"))

    with pytest.MonkeyPatch.context() as quick:
        quick.setattr(os, "fsync", lambda descriptor: None)  # the disk is not what this is about
        run.write_manifest([record(path) for path in paths], dict.fromkeys(paths, "train"), [])

    assert [row.path for row in run.manifest()] == paths


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"path,class\na/1.png,a\n",
        b"path,class,group,split,content_hash,reason_code,reason\na/1.png,a,,nowhere,ab,,\n",
        b"path,class,group,split,content_hash,reason_code,reason\na/1.png,a\n",
    ],
)
def test_a_manifest_that_is_none_is_said_with_the_name_of_the_run(run: RunFolder, content: bytes | None) -> None:
    if content is not None:
        run.manifest_path.write_bytes(content)

    with pytest.raises(UserError) as caught:
        run.manifest()

    assert caught.value.problem == "'manifest.csv' of the run 'my run' cannot be read."
    assert str(run.path) not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"path,content_hash\r\n",
        b"path\r\n001.png\r\n002.png\r\n",
        b"path,content_hash\r\n001.png," + b"a" * 64 + b"\r\n",
        b"path,content_hash\r\n001.png," + b"a" * 64 + b"\r\n002.png\r\n",
        b"path,content_hash\r\n001.png," + b"a" * 64 + b"\r\n002.png," + b"b" * 63,
        b"path,content_hash\r\n001.png," + b"a" * 64 + b"\r\n002.png," + b"B" * 64 + b"\r\n",
        b"path,content_hash\r\n\xff\xfe\0,\0",
    ],
)
def test_a_list_of_the_new_site_that_is_not_whole_is_said_with_the_name_of_the_run(
    content: bytes | None, tmp_path: Path
) -> None:
    """What is missing from it would count as never seen."""
    run = create(tmp_path / "my run", RunSpec(target=Target(name="s", fingerprint="f", images=2)))
    if content is not None:
        run.target_path.write_bytes(content)

    with pytest.raises(UserError) as caught:
        run.target()

    assert caught.value.problem == "'target.csv' of the run 'my run' cannot be read."
    assert caught.value.code == "run_damaged" and str(run.path) not in str(caught.value)


def test_a_disk_that_is_full_for_the_manifest_is_said(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "write_bytes", no_space)

    with pytest.raises(UserError, match="The run folder 'my run' cannot be written"):
        run.write_manifest([], {}, [])


def test_a_run_that_has_said_nothing_has_no_events(run: RunFolder) -> None:
    assert list(run.events()) == []


def test_what_a_run_said_is_read_back_in_order(run: RunFolder) -> None:
    said = [events.Paused(step=step) for step in range(5)]

    for event in said:
        run.append_event(event)

    assert list(run.events()) == said
    assert run.events_path.read_bytes().count(b"\n") == 5


@pytest.mark.parametrize("cut", [1, 2, 5, 26, 27])
def test_a_torn_last_line_is_passed_over_and_swallows_nothing_that_follows(run: RunFolder, cut: int) -> None:
    for step in (1, 2):
        run.append_event(events.Paused(step=step))
    whole = run.events_path.read_bytes()
    run.events_path.write_bytes(whole[:-cut])
    assert len(events.encode(events.Paused(step=2))) == 27

    # With one byte cut the event itself is whole, with all bytes cut there is nothing torn.
    kept = [events.Paused(step=step) for step in ((1, 2) if cut == 1 else (1,))]
    assert list(run.events())[: len(kept)] == kept

    run.append_event(events.Resumed(step=1, epoch=0))
    assert list(run.events()) == [*kept, events.Resumed(step=1, epoch=0)]


def test_lines_that_a_later_version_wrote_are_passed_over(run: RunFolder) -> None:
    run.append_event(events.Paused(step=1))
    with run.events_path.open("ab") as stream:
        stream.write(b'{"type":"Danced","step":1}\n\0\0\0\n{"type":"Paused","step":2,"mood":"good"}\n')

    assert list(run.events()) == [events.Paused(step=1), events.Paused(step=2)]


def test_a_new_place_is_one_that_nothing_has() -> None:
    now = datetime(2026, 11, 25, 14, 3, 59)
    runs = projects_dir() / "bees" / "runs"
    places = [new_path(runs, "resnet50", "fine-tune-top", now) for _ in range(4)]

    assert len(set(places)) == 4
    assert places[0] == runs / "2026-11-25 14.03 resnet50 fine-tune-top"
    assert [place.name.removeprefix(places[0].name) for place in places] == ["", " 2", " 3", " 4"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Chest X-rays 2026", "Chest X-rays 2026"),
        ("Grüße 🦠", "Grüße 🦠"),
        ("v1.2", "v1.2"),
        ("../../x", "-..-x"),
        ("C:\\x", "C--x"),
        ("a/b", "a-b"),
        ("nul", "images nul"),
        ("NUL.txt", "images NUL.txt"),
        ("con .txt", "images con .txt"),
        ("COM1", "images COM1"),
        ("lpt³", "images lpt³"),
        ("null", "null"),
        ("com10", "com10"),
        ("", "images"),
        (".", "images"),
        ("..", "images"),
        (" . . ", "images"),
        ("dots at the end...", "dots at the end"),
        (".hidden", "hidden"),
        ("a\0b\nc\x1fd", "a-b-c-d"),
        ('<b>"?*|:', "-b------"),
        ("\udcff\ud800", "--"),
        ("x" * 79 + ". more", "x" * 79),
        ("A\u0308", "Ä"),
    ],
)
def test_a_name_becomes_one_path_part_on_every_system(text: str, name: str) -> None:  # S08
    assert safe_name(text) == name


@given(st.text(st.characters(), max_size=300) | st.text("./\\ :nulcom1\0🦠ü", max_size=300))
def test_no_name_escapes_its_folder(text: str) -> None:  # S08
    name = safe_name(text)

    assert name and name not in {".", ".."}
    assert not set(name) & set('<>:"/\\|?*') and all(ord(sign) >= 32 for sign in name)
    assert name[-1] not in " ." and name[0] not in " ."
    assert len(name) <= 80 + len("images ") and len(name.encode()) <= 143  # the shortest limit: eCryptfs
    assert os.path.normpath(f"/here/{name}") == f"/here/{name}"
    assert safe_name(name) == name
    stem = name.split(".")[0].strip().lower()
    assert stem not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


def test_a_fingerprint_knows_neither_order_nor_spelling_nor_place() -> None:
    used = [record(f"ä/{n}.png", f"{n:064}") for n in range(20)]
    shuffled = random.Random(0).sample(used, len(used))
    decomposed = [record(unicodedata.normalize("NFD", item.path), item.content_hash) for item in used]

    assert fingerprint(used) == fingerprint(shuffled) == fingerprint(decomposed)
    assert len(fingerprint(used)) == 64


def test_a_fingerprint_changes_with_every_content_name_and_number() -> None:
    used = [record("a/1.png", "1" * 64), record("a/2.png", "2" * 64)]
    others = [
        [record("a/1.png", "1" * 64), record("a/2.png", "3" * 64)],
        [record("a/1.png", "2" * 64), record("a/2.png", "1" * 64)],
        [record("a/1.png", "1" * 64), record("b/2.png", "2" * 64)],
        used[:1],
        [*used, record("a/3.png", "3" * 64)],
        [],
    ]

    assert len({fingerprint(records) for records in [used, *others]}) == 7


def test_a_place_is_recalled_while_it_is_there(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    remember_place("f1", one)
    remember_place("f2", one)
    remember_place("f2", other)

    assert (recall_place("f1"), recall_place("f2"), recall_place("f3")) == (one, other, None)

    one.rmdir()
    assert (recall_place("f1"), recall_place("f2")) == (None, other)


def test_a_place_is_remembered_whole_though_given_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    remember_place("f", Path("data"))
    monkeypatch.chdir("/")

    assert recall_place("f") == tmp_path / "data"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"f": 3}', b"\xff\xfe", b"null", b'"f"'])
def test_broken_notes_of_places_are_forgotten_and_begun_anew(tmp_path: Path, content: bytes) -> None:
    (state_dir() / "places.json").write_bytes(content)
    assert recall_place("f") is None

    remember_place("f", tmp_path)

    assert recall_place("f") == tmp_path


def test_a_place_that_is_no_text_costs_no_other_place(tmp_path: Path) -> None:
    remember_place("f1", tmp_path)
    odd = tmp_path / "\udcff"
    odd.mkdir()
    remember_place("f2", odd)

    assert (recall_place("f1"), recall_place("f2")) == (tmp_path, odd)


def test_a_place_that_the_system_refuses_to_look_at_counts_as_gone() -> None:
    remember_place("f", Path("/" + "x" * 300))  # "File name too long", where a closed folder would say "Permission"

    assert recall_place("f") is None


def test_a_place_that_cannot_be_noted_stops_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(atomic, "write_bytes", no_space)

    remember_place("f", tmp_path)

    assert "could not be noted" in caplog.text
    assert str(tmp_path) not in caplog.text


def test_no_place_of_a_persons_files_is_written_into_a_run_folder(tmp_path: Path) -> None:
    data = tmp_path / "Jane Doe" / "scans"
    data.mkdir(parents=True)
    used = [record("a/1.png"), record("b/2.png")]
    dataset = Dataset(name=data.name, fingerprint=fingerprint(used), layout="class folders", classes=["a"], images=2)
    run = create(tmp_path / "run", RunSpec(dataset=dataset))
    run.write_manifest(used, {"a/1.png": "train", "b/2.png": "test"}, [])
    run.append_event(events.Completed(run=run.name, message="Done."))
    remember_place(dataset.fingerprint, data)

    written = b"".join(path.read_bytes() for path in run.path.rglob("*") if path.is_file())

    assert b"Jane Doe" not in written and str(tmp_path).encode() not in written
    assert recall_place(run.spec().dataset.fingerprint) == data  # type: ignore[union-attr]  # it was written above


def test_two_programs_that_begin_in_the_same_minute_get_two_folders() -> None:
    """P16."""
    now = datetime(2026, 11, 25, 14, 3)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_path(projects_dir() / "bees" / "runs", "resnet50", "auto", now), range(40)))

    assert len(set(made)) == 40
    assert all(path.is_dir() for path in made)


def test_a_place_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (projects_dir() / "bees").write_text("a file of mine")

    with pytest.raises(UserError, match=r"The run folder '2026-01-01 00.00 resnet50 auto' cannot be written") as caught:
        new_path(projects_dir() / "bees" / "runs", "resnet50", "auto", datetime(2026, 1, 1))
    assert caught.value.code == "run_folder"


def test_a_run_is_at_work_while_somebody_holds_its_lock(run: RunFolder) -> None:
    assert not run.at_work and not run.lock_path.exists()

    with FileLock(run.lock_path):
        assert run.at_work
        with pytest.raises(UserError, match="is not empty"):
            refuse_occupied(run.path)
    assert not run.at_work
    refuse_occupied(run.path)


def test_places_that_two_programs_note_at_once_are_all_kept(tmp_path: Path) -> None:
    """P16."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: remember_place(f"f{n}", tmp_path), range(24)))

    assert all(recall_place(f"f{n}") == tmp_path for n in range(24))
