"""What is told while a folder is read, and what can be asked and decided about it."""

from __future__ import annotations

import queue
import zipfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tlgui.core import imaging_messages as messages
from tlgui.core.imaging_messages import Answer, ScanProgress
from tlgui.core.intake import (
    AnyChange,
    CropBorder,
    GroupBy,
    KeepTogether,
    LeaveOutClass,
    LeaveOutFiles,
    MergeClasses,
    RenameClass,
    SetTable,
    UseFold,
)
from tlgui.core.paths import projects_dir
from tlgui.core.run_folder import RunFolder, recall_place
from tlgui.core.run_spec import RunSpec, Training
from tlgui.imaging import folder_work, paced
from tlgui.imaging.folder_work import FolderWork
from tlgui.imaging.listing import read_listing


def test_the_time_left_does_not_count_what_came_before_the_first_file(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Answer] = []
    work = FolderWork(1, told.append, lambda _: nullcontext())
    now = 1_000.0
    monkeypatch.setattr(paced.time, "monotonic", lambda: now)
    progress = work._progress()
    now += 60  # the folders of a slow drive were looked through
    progress(0, 101)
    now += 2
    progress(1, 101)
    work.cancel()
    work.join(5)
    assert [event.seconds_left for event in told if isinstance(event, ScanProgress)] == [None, pytest.approx(200)]


def test_a_look_waits_for_the_end_of_a_cancelled_one_at_the_same_folder_alone(
    plant: Callable[..., Path], pets: dict[str, bytes]
) -> None:
    root, ended = plant(pets), []
    told: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    others = [FolderWork(number, told.put, lambda _: nullcontext()) for number in (1, 2)]
    for other, place in zip(others, (root, root.parent), strict=True):
        other._data = place
        other.join = lambda _s, number=other._ticket: ended.append((number, told.empty()))  # type: ignore[method-assign]
    work = FolderWork(3, told.put, lambda _: nullcontext(), others)

    work.add(messages.ScanFolder(ticket=3, data=str(root)))
    while not isinstance(told.get(timeout=60), messages.Scanned):
        pass

    assert ended == [(1, True)]  # before the first word of the new one
    for one in (work, *others):
        one.cancel()


class Folder:
    """A folder that is opened and asked about, each answer waited for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._told: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._work = FolderWork(1, self._told.put, lambda _: nullcontext())

    def ask(self, request: folder_work.FolderRequest) -> Answer:
        self._work.add(request)
        while isinstance(answer := self._told.get(timeout=60), ScanProgress | messages.Listed):
            pass
        return answer

    def scan(self) -> messages.ScanSummary:
        answer = self.ask(messages.ScanFolder(ticket=1, data=str(self.root)))
        assert isinstance(answer, messages.Scanned), answer
        return answer.summary

    def change(self, *changes: AnyChange) -> Answer:
        return self.ask(messages.ChangeIntake(ticket=1, changes=list(changes)))

    def changed(self, *changes: AnyChange) -> messages.ScanSummary:
        answer = self.change(*changes)
        assert isinstance(answer, messages.Scanned), answer
        return answer.summary

    def undo(self, *numbers: int) -> messages.ScanSummary:
        answer = self.ask(messages.UndoChange(ticket=1, numbers=list(numbers)))
        assert isinstance(answer, messages.Scanned), answer
        return answer.summary

    def close(self) -> None:
        self._work.cancel()
        self._work.join(5)


@pytest.fixture
def open_(plant: Callable[..., Path]) -> Iterator[Callable[..., Folder]]:
    """Plants files and opens their folder; the projects stay between two folders of a test."""
    opened: list[Folder] = []

    def make(files: dict[str, bytes] | Path) -> Folder:
        opened.append(Folder(files if isinstance(files, Path) else plant(files)))
        return opened[-1]

    yield make
    for folder in opened:
        folder.close()


@pytest.fixture
def pets(picture: Callable[..., bytes]) -> dict[str, bytes]:
    return {
        f"{name}/{number}.png": picture(100 * place + number)
        for place, name in enumerate(("cats", "Dogs", "dogs"))
        for number in range(8)
    }


def rows(summary: messages.ScanSummary) -> dict[str, int]:
    return {row.name: row.total for row in summary.classes}


def test_classes_are_merged_renamed_and_left_out_and_each_press_is_undone_alone(
    open_: Callable[..., Folder], pets: dict[str, bytes]
) -> None:
    folder = open_(pets)
    assert rows(folder.scan()) == {"Dogs": 8, "cats": 8, "dogs": 8}

    assert rows(folder.changed(MergeClasses(names=["Dogs", "dogs"], into="dogs"))) == {"cats": 8, "dogs": 16}
    assert rows(folder.changed(RenameClass(old="cats", new="felines"))) == {"dogs": 16, "felines": 8}
    undone = folder.undo(0)

    assert rows(undone) == {"Dogs": 8, "dogs": 8, "felines": 8}
    assert [bool(line.undone_at) for line in undone.changes] == [True, False]
    assert undone.used + undone.left_out_count == 24


def test_a_decision_is_made_on_top_of_those_of_another_window(
    open_: Callable[..., Folder], pets: dict[str, bytes]
) -> None:
    here = open_(pets)
    there = open_(here.root)
    here.scan()
    there.scan()
    assert rows(there.changed(RenameClass(old="Dogs", new="hounds"))) == {"cats": 8, "dogs": 8, "hounds": 8}

    summary = here.changed(LeaveOutClass(name="cats"))

    assert rows(summary) == {"dogs": 8, "hounds": 8}  # as its list of changes says
    assert [type(line.change) for line in summary.changes] == [RenameClass, LeaveOutClass]
    assert rows(there.undo(0)) == {"Dogs": 8, "dogs": 8}
    # Together they would leave one class; the one that comes second is refused, and kept nowhere.
    answer = here.change(LeaveOutClass(name="dogs"))
    assert isinstance(answer, messages.Refused)
    assert rows(open_(here.root).scan()) == {"Dogs": 8, "dogs": 8}


def test_what_was_decided_holds_when_the_folder_is_opened_again(
    open_: Callable[..., Folder], pets: dict[str, bytes]
) -> None:
    folder = open_(pets)
    folder.scan()
    folder.changed(LeaveOutClass(name="Dogs"), LeaveOutFiles(paths=["cats/3.png"]))

    again = open_(folder.root).scan()

    assert rows(again) == {"cats": 7, "dogs": 8}
    assert again.left_out_classes == ["Dogs"]
    assert again.reasons == {"left_out_class": 8, "left_out_by_person": 1}


def test_a_decision_that_makes_the_folder_useless_is_refused_and_not_kept(
    open_: Callable[..., Folder], pets: dict[str, bytes]
) -> None:
    folder = open_(pets)
    folder.scan()
    folder.changed(LeaveOutClass(name="Dogs"))

    refused = folder.change(LeaveOutClass(name="dogs"))

    assert isinstance(refused, messages.Refused) and refused.request == "ChangeIntake"
    assert "Only one class" in refused.problem
    assert len(folder.undo(0).changes) == 1


def test_nothing_is_written_into_the_folder_and_no_absolute_path_into_the_project(
    open_: Callable[..., Folder], pets: dict[str, bytes]
) -> None:
    folder = open_(pets)
    folder.scan()
    before = sorted(folder.root.rglob("*"))
    folder.changed(CropBorder(share=0.05), GroupBy(key="none"))

    assert sorted(folder.root.rglob("*")) == before
    written = [path for path in projects_dir().rglob("*") if path.is_file()]
    assert written
    assert all(str(folder.root.parent).encode() not in path.read_bytes() for path in written)


def test_labels_come_from_a_table_that_lies_elsewhere_and_the_journal_knows_its_name_alone(
    open_: Callable[..., Folder], picture: Callable[..., bytes], tmp_path: Path
) -> None:
    folder = open_({f"a/{number}.png": picture(number) for number in range(8)} | {"b/9.png": picture(9)})
    folder.scan()
    table = tmp_path / "elsewhere" / "labels.csv"
    table.parent.mkdir()
    table.write_text("file,label\n" + "".join(f"{n}.png,{'odd' if n % 2 else 'even'}\n" for n in range(8)))

    read = folder.ask(messages.ReadTable(ticket=1, table=str(table)))
    assert isinstance(read, messages.TableRead) and (read.matched, read.classes) == (8, {"even": 4, "odd": 4})
    found = folder.changed(SetTable(table=str(table), columns=read.columns))

    assert rows(found) == {"even": 4, "odd": 4}
    assert found.facts.table == "labels.csv"
    assert rows(open_(folder.root).scan()) == {"even": 4, "odd": 4}
    table.unlink()
    gone = open_(folder.root).scan()
    assert gone.warnings[0].code == "decisions_not_followed"
    assert rows(gone) == {"a": 8, "b": 1}


def test_pairs_of_copies_are_listed_and_the_ones_that_lie_in_two_classes_are_leaks(
    open_: Callable[..., Folder], pets: dict[str, bytes]
) -> None:
    folder = open_(pets | {"cats/again.png": pets["cats/1.png"], "dogs/again.png": pets["cats/2.png"]})
    found = folder.scan()

    leaks = folder.ask(messages.ListLeaks(ticket=1, offset=0, count=10))
    every = folder.ask(messages.ListLeaks(ticket=1, offset=0, count=10, all=True))

    assert isinstance(leaks, messages.LeaksListed) and isinstance(every, messages.LeaksListed)
    assert [leak.pair.classes for leak in leaks.leaks] == [("cats", "dogs")]
    assert (every.total, found.copies, found.leak_count) == (2, 2, 1)
    assert all(len(set(leak.parts)) == 1 for leak in every.leaks)


def test_a_key_is_tried_before_it_is_used(open_: Callable[..., Folder], picture: Callable[..., bytes]) -> None:
    names = [
        f"{cls}/P{patient:03}_{n}.png"
        for cls, at in (("a", 0), ("b", 6))
        for patient in range(at, at + 6)
        for n in "12"
    ]
    folder = open_({name: picture(number) for number, name in enumerate(names)})
    assert folder.scan().proposed.groups == 12

    tried = folder.ask(messages.TryGroups(ticket=1, key=r"pattern:(P\d+)_"))
    broken = folder.ask(messages.TryGroups(ticket=1, key="pattern:(P"))
    nothing = folder.ask(messages.TryGroups(ticket=1, key="none"))

    assert isinstance(tried, messages.GroupsTried) and (tried.grouping.groups, tried.problem) == (12, "")
    assert isinstance(broken, messages.GroupsTried) and broken.problem
    assert isinstance(nothing, messages.GroupsTried) and not nothing.grouping.groups
    found = folder.changed(GroupBy(key=r"pattern:(P\d+)_"))
    assert (found.grouping.groups, found.grouping.largest, found.groups) == (12, 2, 12)


def test_a_column_is_tried_that_the_table_was_not_read_for(
    open_: Callable[..., Folder], picture: Callable[..., bytes]
) -> None:
    rows = "".join(f"{n}.png,{'ab'[n % 2]},p{n // 2},s{n // 4}\n" for n in range(16))
    files = {f"images/{n}.png": picture(n) for n in range(16)}
    folder = open_({**files, "labels.csv": f"image,label,patient,shelf\n{rows}".encode()})
    assert folder.scan().facts.columns is not None

    tried = folder.ask(messages.TryGroups(ticket=1, key="column:shelf"))
    unknown = folder.ask(messages.TryGroups(ticket=1, key="column:drawer"))

    assert isinstance(tried, messages.GroupsTried)
    assert (tried.grouping.groups, tried.grouping.largest, tried.grouping.without) == (4, 4, 0)
    assert isinstance(unknown, messages.GroupsTried) and (unknown.problem or unknown.grouping.without == 16)


def test_other_shares_bring_all_that_follows_from_them(open_: Callable[..., Folder], pets: dict[str, bytes]) -> None:
    folder = open_(pets)
    folder.scan()

    answer = folder.ask(messages.Resplit(ticket=1, fractions=(0.8, 0.2, 0.0), seed=3))

    assert isinstance(answer, messages.SplitCounted) and answer.summary is not None
    assert "no_test_part" in [warning.code for warning in answer.summary.warnings]
    assert [(row.name, row.train) for row in answer.classes] == [
        (row.name, row.train) for row in answer.summary.classes
    ]


def test_a_listing_is_written_for_the_engine(open_: Callable[..., Folder], pets: dict[str, bytes]) -> None:
    folder = open_(pets)
    folder.scan()

    written = folder.ask(messages.WriteListing(ticket=1))

    assert isinstance(written, messages.ListingWritten) and Path(written.data) == folder.root
    listed = read_listing(Path(written.path))
    assert sorted(image.path for image in listed) == sorted(pets)


def test_an_archive_is_unpacked_into_a_project_of_its_own(
    open_: Callable[..., Folder], pets: dict[str, bytes], tmp_path: Path
) -> None:
    archive = tmp_path / "my pets.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in pets.items():
            opened.writestr(name.replace("Dogs", "wolves"), content)
    folder = open_(tmp_path)

    unpacked = folder.ask(messages.Unpack(ticket=1, archive=str(archive)))

    assert isinstance(unpacked, messages.Unpacked)
    found = open_(Path(unpacked.folder)).scan()
    assert (found.name, found.used) == ("my pets", 24)


def test_what_is_asked_before_a_folder_was_read_is_refused(open_: Callable[..., Folder], tmp_path: Path) -> None:
    refused = open_(tmp_path).ask(messages.ListLeaks(ticket=1, offset=0, count=1))
    assert isinstance(refused, messages.Refused) and refused.request == "ListLeaks"


def test_a_fold_tests_and_each_image_is_tested_by_exactly_one(
    open_: Callable[..., Folder], pets: dict[str, bytes]
) -> None:
    folder = open_(pets)
    folder.scan()

    tested = [folder.changed(UseFold(number=number, of=4)) for number in (1, 2, 3, 4)]

    assert [sum(row.test for row in found.classes) for found in tested] == [6, 6, 6, 6]
    assert all(row.validation and row.train for found in tested for row in found.classes)
    for wrong in (UseFold(number=1, of=9), UseFold(number=5, of=4), UseFold(number=1, of=1)):
        assert isinstance(folder.change(wrong), messages.Refused)


def numbered(picture: Callable[..., bytes]) -> dict[str, bytes]:
    return {f"{'ab'[number // 8]}/{number}.png": picture(number) for number in range(16)}


def a_table(place: Path, low: str, high: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("file,label\n" + "".join(f"{n}.png,{low if n < 6 else high}\n" for n in range(16)))
    return place


def test_a_table_from_elsewhere_is_not_taken_for_one_of_the_same_name(
    open_: Callable[..., Folder], picture: Callable[..., bytes], tmp_path: Path
) -> None:
    inside = a_table(tmp_path / "inside.csv", "in", "side").read_bytes()
    folder = open_(numbered(picture) | {"labels.csv": inside})
    folder.scan()
    first = a_table(tmp_path / "1" / "labels.csv", "one", "two")
    second = a_table(tmp_path / "2" / "labels.csv", "three", "four")

    assert rows(folder.changed(SetTable(table=str(first)))) == {"one": 6, "two": 10}
    assert rows(open_(folder.root).scan()) == {"one": 6, "two": 10}
    assert rows(folder.changed(SetTable(table=str(second)))) == {"four": 10, "three": 6}
    assert rows(folder.undo(1)) == {"one": 6, "two": 10}


def test_decisions_that_cannot_be_followed_are_taken_back_one_by_one_and_no_run_claims_them(
    open_: Callable[..., Folder], picture: Callable[..., bytes], tmp_path: Path
) -> None:
    folder = open_(numbered(picture))
    folder.scan()
    tables = [a_table(tmp_path / f"{number}.csv", "low", "high") for number in range(2)]
    for table in tables:
        folder.changed(SetTable(table=str(table)))
        table.unlink()

    again = open_(folder.root)
    assert again.scan().warnings[0].code == "decisions_not_followed"
    prepared = again.ask(messages.Prepare(ticket=1, data=str(folder.root), spec=RunSpec(), run_dir=""))
    assert isinstance(prepared, messages.RunPrepared) and prepared.spec.dataset is not None
    assert (prepared.spec.dataset.classes, prepared.spec.dataset.changes) == (["a", "b"], [])
    first = again.undo(1)
    assert first.warnings[0].code == "decisions_not_followed" and "'0.csv'" in first.warnings[0].message
    assert "decisions_not_followed" not in {warning.code for warning in again.undo(0).warnings}


def test_decisions_hold_where_another_computer_spells_the_names_otherwise(
    open_: Callable[..., Folder], picture: Callable[..., bytes]
) -> None:
    one, two = "a/\u00fc.png", "a/u\u0308.png"
    folder = open_(numbered(picture) | {one: picture(90)})
    folder.scan()

    left = folder.changed(LeaveOutFiles(paths=[two]), KeepTogether(groups=[["a/1.png", "a/2.png"], [two, "a/3.png"]]))
    assert left.reasons == {"left_out_by_person": 1}
    assert folder.undo(0).groups == 2
    assert rows(folder.changed(RenameClass(old="a", new="u\u0308"))) == {"b": 8, "\u00fc": 9}


def test_a_run_that_adapts_reads_the_new_site_and_says_how_far_it_is(
    open_: Callable[..., Folder], pets: dict[str, bytes], picture: Callable[..., bytes], tmp_path: Path
) -> None:
    folder = open_(pets)
    folder.scan()
    site = planted(tmp_path / "clinic b", {f"any/{n}.png": picture(7000 + n) for n in range(12)})
    told = heard(folder)

    made = folder.ask(
        messages.Prepare(
            ticket=1, data=str(folder.root), spec=RunSpec(training=Training(adapt="mcc")), target=str(site)
        )
    )

    assert isinstance(made, messages.RunPrepared), made
    assert made.spec.target is not None and (made.spec.target.name, made.spec.target.images) == ("clinic b", 12)
    assert max(event.total for event in told) == 12, "the new site's own files"
    assert recall_place(made.spec.target.fingerprint) == site


def test_a_run_folder_that_is_not_wanted_any_more_is_not_made(
    open_: Callable[..., Folder], pets: dict[str, bytes], picture: Callable[..., bytes], tmp_path: Path
) -> None:
    folder = open_(pets)
    folder.scan()
    site = planted(tmp_path / "clinic b", {f"{n}.png": picture(7000 + n) for n in range(12)})
    told: list[Answer] = []

    def cancels(answer: Answer) -> None:
        told.append(answer)
        folder._work.cancel()

    folder._work._send = cancels
    folder._work.add(
        messages.Prepare(
            ticket=1, data=str(folder.root), spec=RunSpec(training=Training(adapt="mcc")), target=str(site)
        )
    )
    folder._work._thread.join(30)

    assert told and all(isinstance(answer, ScanProgress) for answer in told)
    assert list(projects_dir().rglob("run.toml")) == []


def test_a_folder_of_one_class_alone_opens_where_a_run_learns_on_and_is_refused_else(
    open_: Callable[..., Folder], picture: Callable[..., bytes]
) -> None:
    folder = open_({f"moth/{n}.png": picture(n) for n in range(8)})
    refused = folder.ask(messages.ScanFolder(ticket=1, data=str(folder.root)))
    assert isinstance(refused, messages.Refused)

    answer = folder.ask(messages.ScanFolder(ticket=1, data=str(folder.root), fewest_classes=1))

    assert isinstance(answer, messages.Scanned), answer
    assert [one.name for one in answer.summary.classes] == ["moth"]


def test_a_run_that_learns_on_keeps_the_classes_and_knows_where_the_earlier_images_are(
    open_: Callable[..., Folder], pets: dict[str, bytes], picture: Callable[..., bytes], tmp_path: Path
) -> None:
    folder = open_(pets)
    folder.scan()
    before = folder.ask(messages.Prepare(ticket=1, data=str(folder.root), spec=RunSpec()))
    assert isinstance(before, messages.RunPrepared), before
    earlier = RunFolder(Path(before.run))
    earlier.best_path.write_bytes(b"weights")
    moths = open_(planted(tmp_path / "moths", {f"moth/{n}.png": picture(500 + n) for n in range(8)}))
    moths.ask(messages.ScanFolder(ticket=1, data=str(moths.root), fewest_classes=1))
    moved = planted(tmp_path / "moved", pets)

    made = moths.ask(
        messages.Prepare(
            ticket=1,
            data=str(moths.root),
            spec=RunSpec(training=Training(keep="ewc")),
            weights_file=str(earlier.best_path),
            continues=True,
            earlier=str(moved),
        )
    )

    assert isinstance(made, messages.RunPrepared), made
    assert made.spec.continues and made.spec.source is not None and made.spec.dataset is not None
    assert made.spec.dataset.classes == [*before.spec.dataset.classes, "moth"]  # type: ignore[union-attr]
    assert recall_place(made.spec.earlier[0].fingerprint) == moved


def planted(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def heard(folder: Folder) -> list[ScanProgress]:
    """What is said of the files from now on."""
    told: list[ScanProgress] = []
    send = folder._work._send

    def tell(answer: Answer) -> None:
        if isinstance(answer, ScanProgress):
            told.append(answer)
        send(answer)

    folder._work._send = tell
    return told


def test_a_folder_without_labels_is_listed_for_the_engine(
    open_: Callable[..., Folder], picture: Callable[..., bytes]
) -> None:
    folder = open_({"a/1.png": picture(1), "b/2.png": picture(2), "b/empty.png": b"", "notes.txt": b"hello"})
    answer = folder.ask(messages.ListUnlabelled(ticket=1, data=str(folder.root)))
    assert isinstance(answer, messages.UnlabelledListed), answer
    assert (answer.images, answer.left_out, answer.unlisted) == (2, {"empty": 1, "not_an_image": 1}, 0)
    assert [image.path for image in read_listing(Path(answer.path))] == ["a/1.png", "b/2.png"]
    assert answer.data == str(folder.root.absolute())


def test_a_folder_of_a_new_site_that_is_gone_is_refused(
    open_: Callable[..., Folder], picture: Callable[..., bytes]
) -> None:
    folder = open_({"a/1.png": picture(1)})
    answer = folder.ask(messages.ListUnlabelled(ticket=1, data=str(folder.root / "gone")))
    assert isinstance(answer, messages.Refused) and answer.request == "ListUnlabelled" and "gone" in answer.problem
