"""Sites as the window asks for them: how they could be told, and the run folders in which each is held out."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
from helpers.compared import answered, finish
from helpers.pictures import write_dataset, write_picture, write_tree

from tlgui.core import events, sites
from tlgui.core import imaging_messages as messages
from tlgui.core.paths import projects_dir
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.imaging.folder_work import FolderRequest, FolderWork

BY_NAME = r"^(one|two|three)_"
SPEC = RunSpec(
    backbone="resnet50",
    size=96,
    fit="squash",
    training=Training(
        strategy="fine-tune-top", top_groups=2, epochs=4, seed=3, augmentation="microscopy", mirror=False
    ),
)
Ask = Callable[[Path, FolderRequest], messages.Answer]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Looks at a folder, asks, and waits for the answer; the child of each question is a fresh one."""
    works: list[FolderWork] = []

    def do(data: Path, request: FolderRequest) -> messages.Answer:
        told: queue.SimpleQueue[messages.Answer] = queue.SimpleQueue()
        works.append(FolderWork(1, told.put, lambda _: nullcontext()))
        works[-1].add(messages.ScanFolder(ticket=1, data=str(data)))
        works[-1].add(request)
        while isinstance(
            answer := told.get(timeout=60), messages.ScanProgress | messages.Listed | messages.Scanned
        ):  # fmt: skip
            pass
        return answer

    yield do
    for work in works:
        work.cancel()
        work.join(5)


@pytest.fixture
def domains(tmp_path: Path) -> Path:
    sizes = {"art": 3, "photo": 5, "sketch": 4}
    return write_tree(tmp_path / "d", {name: {"across": n, "down": n} for name, n in sizes.items()}, size=24)


@pytest.fixture
def tabled(tmp_path: Path) -> Path:
    """Files named by their site, in one folder with a table."""
    data = write_dataset(tmp_path / "t", {"across": 6, "down": 6}, size=24)
    flat = tmp_path / "flat"
    flat.mkdir()
    lines = ["file,label,hospital,age"]
    for number, path in enumerate(sorted(data.rglob("*.png"))):
        name = f"{('one', 'two', 'three')[number % 3]}_{path.parent.name}_{path.name}"
        path.rename(flat / name)
        lines.append(f"{name},{path.parent.name},{'AB'[number % 2]},{number}")
    (flat / "labels.csv").write_text("\n".join(lines))
    return flat


def tried(ask: Ask, data: Path, by: str = "") -> messages.SitesTried:
    answer = ask(data, messages.TrySites(ticket=1, by=by))
    assert isinstance(answer, messages.SitesTried), answer
    return answer


def wanted(data: Path, by: str = "folder", folder: str = "", weights_file: str = "") -> messages.PrepareSites:
    return messages.PrepareSites(
        ticket=1, data=str(data), folder=folder, by=by, spec=SPEC, weights_file=weights_file
    )  # fmt: skip


def made(ask: Ask, data: Path, by: str = "folder", folder: str = "") -> messages.SitesPrepared:
    answer = ask(data, wanted(data, by, folder))
    assert isinstance(answer, messages.SitesPrepared), answer
    return answer


# -- how sites are told


def test_domains_are_told_by_their_folders_without_being_asked(ask: Ask, domains: Path) -> None:
    answer = tried(ask, domains)
    assert (answer.by, answer.problem, answer.columns) == ("folder", "", [])
    assert answer.sites == {"art": 6, "photo": 10, "sketch": 8}


def test_a_column_that_is_named_like_a_site_is_found(ask: Ask, tabled: Path) -> None:
    answer = tried(ask, tabled)
    assert (answer.by, answer.sites, answer.problem) == ("column:hospital", {"A": 6, "B": 6}, "")
    assert answer.columns == ["hospital", "age"], "neither the files nor the labels"


def test_a_pattern_is_shown_at_work_on_real_names(ask: Ask, tabled: Path) -> None:
    answer = tried(ask, tabled, BY_NAME)
    assert answer.sites == {"one": 4, "three": 4, "two": 4} and answer.problem == ""
    assert {one.name[one.start : one.end] for one in answer.examples} == {"one", "two", "three"}
    assert len(answer.examples) == 5 and all(one.name.endswith(".png") for one in answer.examples)


@pytest.mark.parametrize(
    ("by", "says", "examples"),
    [
        ("folder", "12 of 12 images have no site", 0),
        ("column:age", "has a single image", 0),
        ("column:clinic", "No label table here has a column 'clinic'", 0),
        (r"^(one|two)_", "4 of 12 images have no site", 4),
        (r"(_)", "By the pattern '(_)' all images are from one site.", 2),
        ("no group", "has no part in brackets", 0),
        ("(", "no regular expression", 0),
    ],
)
def test_what_does_not_do_is_an_answer_with_a_sentence(
    ask: Ask, tabled: Path, by: str, says: str, examples: int
) -> None:
    answer = tried(ask, tabled, by)
    assert says in answer.problem and answer.remedy and answer.sites == {}
    assert len(answer.examples) == examples and answer.columns == ["hospital", "age"]


def test_where_nothing_tells_sites_the_folder_says_why(ask: Ask, tmp_path: Path) -> None:
    answer = tried(ask, write_dataset(tmp_path / "photos", {"across": 4, "down": 4}, size=24))
    assert answer.by == "folder" and "Each site would have a single class" in answer.problem
    assert answer.code == "no_sites"


# -- the run folders


def test_a_folder_for_each_site_is_made_in_the_project(ask: Ask, domains: Path) -> None:
    answer = made(ask, domains)
    folder = Path(answer.folder)
    assert folder.is_absolute() and folder.parent.name == sites.FOLDER
    assert folder.is_relative_to(projects_dir().resolve()) and sites.is_sites(folder)
    assert answer.sites.names == ["art", "photo", "sketch"] and answer.sites.dataset == "d"
    assert [run.label for run in answer.runs] == answer.sites.names and not any(run.done for run in answer.runs)
    for run, name, n in zip(answer.runs, answer.sites.names, (6, 10, 8), strict=True):
        rows = RunFolder(Path(run.run)).manifest()
        assert Path(run.run).parent == folder and len(rows) == 24
        assert {row.path for row in rows if row.part == "test"} == {
            row.path for row in rows if row.path.startswith(f"{name}/")
        }
        assert sum(row.part == "test" for row in rows) == n
        spec = RunFolder(Path(run.run)).spec()
        training = spec.training
        assert (spec.backbone, spec.size, spec.fit) == ("resnet50", 96, "squash")
        assert (training.strategy, training.top_groups, training.epochs, training.seed) == ("fine-tune-top", 2, 4, 3)
        assert (training.augmentation, training.mirror) == ("microscopy", False)


def test_the_weights_are_known_again_by_the_name_of_their_file_or_run(ask: Ask, domains: Path, tmp_path: Path) -> None:
    answer = ask(domains, wanted(domains, weights_file=str(tmp_path / "mine.pth")))
    assert isinstance(answer, messages.SitesPrepared) and answer.sites.weights == "mine.pth"
    # The best weights of every run have the same name, so the run's own tells them.
    begins = beginning(tmp_path / "earlier run")
    answer = ask(domains, wanted(domains, weights_file=str(begins.best_path)))
    assert isinstance(answer, messages.SitesPrepared) and answer.sites.weights == "earlier run"


def beginning(path: Path) -> RunFolder:
    """A run with the same network, which has learned other images."""
    run = answered(path, {"a.png": ("train", True), "b.png": ("validation", True)})
    run.write_spec(msgspec.structs.replace(run.spec(), backbone=SPEC.backbone))
    run.best_path.write_bytes(b"weights")
    return run


def test_what_cannot_be_told_is_refused_and_nothing_is_made(ask: Ask, tabled: Path) -> None:
    refused = ask(tabled, wanted(tabled, "folder"))
    assert isinstance(refused, messages.Refused) and refused.request == "PrepareSites"
    assert refused.code == "no_sites" and not refused.is_fault
    assert not list(projects_dir().glob(f"*/{sites.FOLDER}/*"))


def test_what_began_and_did_not_end_is_made_anew_and_what_is_whole_stays(ask: Ask, domains: Path) -> None:
    before = made(ask, domains)
    whole, begun, broken = (RunFolder(Path(run.run)) for run in before.runs)
    finish(whole, {row.path: (row.part, True) for row in whole.manifest()})
    kept = whole.events_path.read_bytes()
    begun.append_event(events.Stopped(run=begun.name, best_epoch=1))
    (begun.checkpoints / "last.safetensors").write_bytes(b"weights")
    broken.manifest_path.unlink()  # as when the power went between the two files

    after = made(ask, domains, by="column:other", folder=before.folder)
    assert after.folder == before.folder and after.sites.by == "folder", "its own file counts"
    assert [(run.run, run.done) for run in after.runs] == [
        (run.run, done) for run, done in zip(before.runs, (True, False, False), strict=True)
    ]
    assert whole.events_path.read_bytes() == kept
    assert not begun.events_path.exists() and not (begun.checkpoints / "last.safetensors").exists()
    assert len(begun.manifest()) == len(broken.manifest()) == 24, "they can be trained from their beginning"


def test_other_images_are_refused_before_anything_is_set_aside(ask: Ask, domains: Path) -> None:
    before = made(ask, domains)
    begun = RunFolder(Path(before.runs[0].run))
    begun.append_event(events.Stopped(run=begun.name, best_epoch=1))
    write_picture(domains / "art" / "down" / "new.png", 1, 1_000, size=24)
    refused = ask(domains, wanted(domains, folder=before.folder))
    assert isinstance(refused, messages.Refused) and refused.code == "comparison_images"
    assert "'d'" in refused.problem and begun.events_path.exists()


def test_a_table_that_names_other_sites_by_now_is_refused(ask: Ask, tabled: Path) -> None:
    before = made(ask, tabled, "column:hospital")
    table = tabled / "labels.csv"
    table.write_text(table.read_text().replace(",A,", ",C,"))
    refused = ask(tabled, wanted(tabled, folder=before.folder))
    assert isinstance(refused, messages.Refused) and refused.code == "comparison_images"
