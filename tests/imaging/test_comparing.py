"""The runs of a comparison: the same folds for every way, all images tested once, and the project's split untouched."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest
from helpers.compared import answered, comparison_of
from helpers.pictures import write_dataset, write_picture, write_tree

from tlgui.core import comparison, events
from tlgui.core.comparison import MOST_FOLDS, Comparison, Entrant, Leg, with_and_without
from tlgui.core.errors import UserError
from tlgui.core.intake import GroupBy
from tlgui.core.records import Reason
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.imaging.comparing import (
    all_made,
    choosing_of,
    default_folds,
    earlier_run,
    has_parts,
    images_key,
    made,
    refuse_folds,
    set_aside,
)
from tlgui.imaging.opening import Opened, open_folder
from tlgui.imaging.prepare import prepare_run, split_of

WAYS = ("feature-extraction", "fine-tune-top:2")
ONE_SPLIT = RunSpec(training=Training(strategy="feature-extraction"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "photos", {"across": 10, "down": 11}, size=24)


def opened(data: Path, *changes: GroupBy) -> Opened:
    return open_folder(data, isolated=False, changes=changes)


def asked(found: Opened, folds: int = 3) -> Comparison:
    return msgspec.structs.replace(
        comparison_of(*WAYS, folds=folds),
        dataset=found.scan.name,
        fingerprint=images_key(found.scan),
        grouped_by=found.scan.grouping.key,
    )


def made_all(folder: Path, data: Path, found: Opened, folds: int = 3) -> dict[Leg, RunFolder]:
    wanted = asked(found, folds)
    return {leg: made(folder, wanted, leg, data, found.scan, found.project) for leg in wanted.legs()}


def parts(run: RunFolder) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for row in run.manifest():
        found[row.part].add(row.path)
    return found


def project_files(found: Opened) -> dict[str, bytes]:
    place = found.project.path
    return {path.name: path.read_bytes() for path in place.rglob("*") if path.is_file()} if place.is_dir() else {}


def test_every_image_is_tested_once_by_each_way_in_the_same_folds(photos: Path, tmp_path: Path) -> None:
    found = opened(photos)
    runs = made_all(tmp_path / "cmp", photos, found)
    everything = set.union(*parts(next(iter(runs.values()))).values())
    assert len(everything) == 17 and len(found.scan.used) == 21, "four test what is chosen"

    for way in asked(found).entrants:
        tested = [parts(run)["test"] for leg, run in runs.items() if leg.entrant == way]
        assert len(tested) == 3 and sum(map(len, tested)) == 17
        assert set.union(*tested) == everything
    for number in (1, 2, 3):
        one, other = (run for leg, run in runs.items() if leg.fold == number)
        assert parts(one) == parts(other)
        assert all(parts(one).values()), "none of them is empty"
        assert set.union(*parts(one).values()) == everything
    assert [run.path.name for run in runs.values()] == [leg.folder for leg in asked(found).legs()]


def test_a_run_is_asked_for_what_the_comparison_says(photos: Path, tmp_path: Path) -> None:
    found = opened(photos)
    for leg, run in made_all(tmp_path / "cmp", photos, found).items():
        spec = run.spec()
        assert (spec.training.strategy, spec.training.epochs, spec.training.patience) == (leg.entrant.strategy, 3, 0)
        assert leg.entrant.top_groups in (0, spec.training.top_groups)
        assert spec.dataset is not None and spec.dataset.images == 17  # without the four that test
        assert str(photos) not in run.spec_path.read_text(encoding="utf-8")


def test_images_of_one_group_are_tested_together(photos: Path, tmp_path: Path) -> None:
    for picture in sorted(photos.rglob("*.png")):
        picture.rename(picture.with_name(f"P{int(picture.stem) // 2}_{picture.name}"))
    found = opened(photos, GroupBy(key=r"pattern:^(P\d+)_"))
    runs = made_all(tmp_path / "cmp", photos, found, folds=2)
    assert asked(found).grouped_by == r"pattern:^(P\d+)_"
    for run in runs.values():
        for group in {row.group for row in run.manifest()}:
            assert group
            assert len({row.part for row in run.manifest() if row.group == group}) == 1


@pytest.mark.parametrize("folds", [0, 3])
def test_the_split_that_the_project_keeps_is_neither_written_nor_changed(
    photos: Path, tmp_path: Path, folds: int
) -> None:
    found = opened(photos)
    made_all(tmp_path / "cmp 1", photos, found, folds)
    assert "split.csv" not in project_files(found)
    assert found.project.kept_split((0.7, 0.15, 0.15), 0) is None

    kept = parts(prepare_run(photos, ONE_SPLIT, tmp_path / "run", scan=found.scan, project=found.project).run)
    before = project_files(found)
    assert "split.csv" in before
    runs = made_all(tmp_path / "cmp 2", photos, found, folds)

    assert project_files(found) == before
    if folds == 0:
        assert all(parts(run) == kept for run in runs.values()), "one split is the project's own"
    again = prepare_run(photos, ONE_SPLIT, tmp_path / "again", scan=found.scan, project=found.project).run
    assert parts(again) == kept


def test_folds_do_not_depend_on_what_the_project_keeps(photos: Path, tmp_path: Path) -> None:
    found = opened(photos)
    before = [parts(run) for run in made_all(tmp_path / "cmp 1", photos, found).values()]
    prepare_run(photos, ONE_SPLIT, tmp_path / "run", scan=found.scan, project=found.project)
    found = opened(photos)
    assert [parts(run) for run in made_all(tmp_path / "cmp 2", photos, found).values()] == before


def test_a_changed_image_or_a_new_one_is_refused(photos: Path, tmp_path: Path) -> None:
    found = opened(photos)
    wanted = asked(found)
    first, second, *_ = wanted.legs()
    made(tmp_path / "cmp", wanted, first, photos, found.scan, found.project)
    picture = photos / "down" / "003.png"
    content = picture.read_bytes()

    write_picture(picture, 1, 999, size=24)
    for leg in (first, second):  # also where the folder of the run is there
        with pytest.raises(UserError, match="are not as when the comparison began") as refused:
            made(tmp_path / "cmp", wanted, leg, photos, opened(photos).scan, found.project)
        assert refused.value.code == "comparison_images"
    picture.write_bytes(content)
    write_picture(photos / "down" / "new.png", 1, 1_000, size=24)
    with pytest.raises(UserError, match="are not as when the comparison began"):
        made(tmp_path / "cmp", wanted, second, photos, opened(photos).scan, found.project)
    (photos / "down" / "new.png").unlink()
    made(tmp_path / "cmp", wanted, second, photos, opened(photos).scan, found.project)


def test_another_grouping_is_refused(photos: Path, tmp_path: Path) -> None:
    found = opened(photos)
    wanted = asked(found)
    grouped = opened(photos, GroupBy(key=r"pattern:^(\d\d)"))
    with pytest.raises(UserError, match="classes or groups") as refused:
        made(tmp_path / "cmp", wanted, next(wanted.legs()), photos, grouped.scan, grouped.project)
    assert "begin a new comparison" in refused.value.remedy


def test_a_run_folder_that_is_there_is_taken_and_one_that_broke_off_is_made(photos: Path, tmp_path: Path) -> None:
    found = opened(photos)
    wanted = asked(found)
    leg = next(wanted.legs())
    run = made(tmp_path / "cmp", wanted, leg, photos, found.scan, found.project)
    run.append_event(events.Stopped(run=run.name))
    (run.checkpoints / "last.safetensors").write_bytes(b"weights")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert made(tmp_path / "cmp", wanted, leg, photos, found.scan, found.project).path == run.path
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before

    other = list(wanted.legs())[1]
    half = made(tmp_path / "cmp", wanted, other, photos, found.scan, found.project)
    half.manifest_path.unlink()  # as when the power went between the two files
    whole = made(tmp_path / "cmp", wanted, other, photos, found.scan, found.project)
    assert len(whole.manifest()) == 17


def test_a_folder_that_gives_parts_has_no_folds(tmp_path: Path) -> None:
    counts = {"across": 4, "down": 4}
    data = write_tree(tmp_path / "parted", {"train": counts, "val": counts, "test": counts}, size=24)
    found = opened(data)
    assert has_parts(found.scan)
    with pytest.raises(UserError, match="The folders say what trains and what tests"):
        refuse_folds(found.scan, 3)
    refuse_folds(found.scan, 0)
    runs = made_all(tmp_path / "cmp", data, found, folds=0)
    assert {tuple(map(len, parts(run).values())) for run in runs.values()} == {(8, 8, 8)}


def test_more_folds_than_a_class_has_images_or_a_file_holds_are_refused(photos: Path) -> None:
    scan = opened(photos).scan
    assert not has_parts(scan)
    refuse_folds(scan, 10)
    for folds in (1, 11):
        with pytest.raises(UserError, match=f"cannot be parted into {folds} folds"):
            refuse_folds(scan, folds)
    many = [
        msgspec.structs.replace(record, path=f"{number}/{record.path}") for record in scan.used for number in range(20)
    ]
    refuse_folds(msgspec.structs.replace(scan, used=many), MOST_FOLDS)
    with pytest.raises(UserError, match=f"{MOST_FOLDS + 1} folds would be"):
        refuse_folds(msgspec.structs.replace(scan, used=many), MOST_FOLDS + 1)


def test_all_runs_are_made_at_once_in_a_new_folder_of_the_project(photos: Path) -> None:
    found = opened(photos)
    folder, wanted, runs = all_made(None, comparison_of(*WAYS), None, photos, found)
    assert folder.parent == found.project.path / comparison.FOLDER
    assert wanted == asked(found)
    assert msgspec.structs.replace(comparison.read(folder), tlgui="") == wanted
    assert [Path(run.run).name for run in runs] == [leg.folder for leg in wanted.legs()]
    assert not any(run.done for run in runs)
    assert "split.csv" not in project_files(found)


def test_a_later_comparison_of_the_same_images_is_in_the_same_project(photos: Path) -> None:
    first, _, _ = all_made(None, comparison_of(*WAYS), None, photos, opened(photos))
    found = opened(photos)
    assert first.parent == found.project.path / comparison.FOLDER
    second, _, _ = all_made(None, comparison_of(*WAYS), None, photos, found)
    assert comparison.list_comparisons(first.parent) == [second, first]


def test_what_was_learned_is_not_removed_where_the_images_are_others(photos: Path) -> None:
    found = opened(photos)
    folder, wanted, runs = all_made(None, comparison_of(*WAYS), None, photos, found)
    run = RunFolder(Path(runs[0].run))
    run.append_event(events.Stopped(run=run.name, best_epoch=1))
    (run.checkpoints / "last.safetensors").write_bytes(b"weights")
    write_picture(photos / "down" / "new.png", 1, 1_000, size=24)
    with pytest.raises(UserError, match="are not as when the comparison began"):
        all_made(folder, wanted, None, photos, opened(photos))
    assert (run.checkpoints / "last.safetensors").read_bytes() == b"weights"

    (photos / "down" / "new.png").unlink()
    all_made(folder, wanted, None, photos, opened(photos))
    assert not (run.checkpoints / "last.safetensors").exists(), "what did not come to its end begins anew"


@pytest.mark.parametrize("field", ["class_name", "group", "given_split", "content_hash"])
def test_the_key_of_the_images_follows_all_that_decides_what_is_learned(photos: Path, field: str) -> None:
    """A label that was put right between two runs would compare two different sets."""
    scan = opened(photos).scan
    first = msgspec.structs.replace(scan.used[0], **{field: "other"})
    changed = msgspec.structs.replace(scan, used=[first, *scan.used[1:]])
    assert images_key(changed) != images_key(scan) == images_key(msgspec.structs.replace(scan, used=scan.used[::-1]))


def test_few_images_of_a_class_get_as_many_folds_as_they_allow(tmp_path: Path) -> None:
    pair = opened(write_dataset(tmp_path / "pair", {"across": 9, "down": 2}, size=24)).scan
    plenty = opened(write_dataset(tmp_path / "plenty", {"across": 9, "down": 5}, size=24)).scan
    assert (default_folds(pair, pair), default_folds(plenty, plenty)) == (2, 3)
    lone = msgspec.structs.replace(plenty, used=[plenty.used[0], plenty.used[-1]])
    assert default_folds(plenty, lone) == 0, "each class is a single image"


@pytest.mark.parametrize("kept", [False, True])
def test_the_images_that_test_a_run_take_no_part_in_a_choice_by_folds(photos: Path, tmp_path: Path, kept: bool) -> None:
    """Else "Train this way" would be scored on images that chose the way."""
    found = opened(photos)
    first = prepare_run(photos, ONE_SPLIT, tmp_path / "run", scan=found.scan, project=found.project) if kept else None
    seen: set[str] = set()
    for run in made_all(tmp_path / "cmp", photos, found).values():
        seen |= set.union(*parts(run).values())
        lines = (run.path / "manifest.csv").read_text(encoding="utf-8").splitlines()
        assert sum(Reason.KEPT_FOR_TEST in line for line in lines) == 4  # used + left out = all
    # The run that follows the choice, whether the project kept its split before or not.
    after = first or prepare_run(photos, ONE_SPLIT, tmp_path / "after", scan=found.scan, project=found.project)
    assert len(parts(after.run)["test"]) == 4 and not parts(after.run)["test"] & seen
    assert parts(after.run)["train"] | parts(after.run)["validation"] == seen


def test_what_is_set_aside_is_never_removed(photos: Path, tmp_path: Path) -> None:
    """A disk that fails for a moment, or a run that was gone on with by hand, must not cost results and notes."""
    place = tmp_path / "run"
    set_aside(place)
    for number in (1, 2):
        place.mkdir()
        (place / "notes.txt").write_text(str(number))
        set_aside(place)
        assert not place.exists() and (tmp_path / f"run earlier {number}" / "notes.txt").read_text() == str(number)


# -- with an earlier run ------------------------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """40 images, of which 6 test what is chosen."""
    return write_dataset(tmp_path / "many", {"across": 20, "down": 20}, size=24)


def earlier(path: Path, found: Opened, learned: Collection[str], content: bytes = b"weights") -> RunFolder:
    """A run that was trained on these images, which had other names then, and chosen by the last of them."""
    hashes = {record.path: record.content_hash for record in found.scan.used}
    names = {image: f"then/{number}.png" for number, image in enumerate(learned)}
    last = list(learned)[-1]
    run = answered(
        path,
        {name: ("validation" if image == last else "train", True) for image, name in names.items()},
        contents={name: hashes[image] for image, name in names.items()},
    )
    run.best_path.write_bytes(content)
    return run


def choosing(found: Opened) -> list[str]:
    """Images that choose where no earlier run is known."""
    parts_of = split_of(found.scan, (0.7, 0.15, 0.15), 0, None)
    return [path for path, part in parts_of.items() if part != "test"]


def both_ways(found: Opened, folds: int) -> Comparison:
    return msgspec.structs.replace(
        asked(found, folds), entrants=with_and_without([Entrant(strategy="feature-extraction")]), purpose="source"
    )


def both_made(folder: Path, data: Path, found: Opened, run: RunFolder, folds: int) -> dict[Leg, RunFolder]:
    wanted = both_ways(found, folds)
    beginning = earlier_run(run, wanted)
    return {leg: made(folder, wanted, leg, data, found.scan, found.project, beginning) for leg in wanted.legs()}


@pytest.mark.parametrize("folds", [0, 2, 3])
def test_ways_with_a_run_and_without_it_are_scored_on_the_same_images_that_it_does_not_know(
    many: Path, tmp_path: Path, folds: int
) -> None:
    found = opened(many)
    known = set(choosing(found)[::4])
    runs = both_made(tmp_path / "cmp", many, found, earlier(tmp_path / "earlier", found, sorted(known)), folds)
    for number in {leg.fold for leg in runs}:
        without, with_it = (run for leg, run in runs.items() if leg.fold == number)
        assert parts(without) == parts(with_it) and all(parts(with_it).values())
        for run in (without, with_it):
            assert not set.union(*parts(run).values()) & known
            lines = run.manifest_path.read_text(encoding="utf-8").splitlines()
            assert {line.split(",")[0] for line in lines if Reason.LEARNED_BEFORE in line} == known
            assert len(lines) == 1 + len(found.scan.used), "used + left out = all"
    scored = [parts(run)["test"] for leg, run in runs.items() if leg.entrant.from_run]
    if folds:
        assert set.union(*scored) == set(choosing(found)) - known and sum(map(len, scored)) == 34 - len(known)


def test_only_the_ways_with_the_run_begin_with_it(many: Path, tmp_path: Path) -> None:
    found = opened(many)
    run = earlier(tmp_path / "earlier", found, choosing(found)[:4])
    for leg, one in both_made(tmp_path / "cmp", many, found, run, 2).items():
        spec = one.spec()
        assert (spec.source is not None) == (spec.weights != "pretrained") == leg.entrant.from_run
        assert one.learned_path.is_file() == leg.entrant.from_run
        if spec.source is not None:
            assert (spec.source.run, spec.source.sha256) == ("earlier", spec.weights)


def test_what_may_choose_is_neither_for_test_nor_known(many: Path, tmp_path: Path) -> None:
    found = opened(many)
    known = choosing(found)[:5]
    wanted = both_ways(found, 3)
    beginning = earlier_run(earlier(tmp_path / "earlier", found, known), wanted)
    left = choosing_of(found.scan, wanted, None, beginning)
    assert {record.path for record in left.used} == set(choosing(found)) - set(known)
    assert {record.path for record in choosing_of(found.scan, wanted, None, None).used} == set(choosing(found))


def test_all_runs_are_made_with_the_source_written_down_and_gone_on_with(many: Path, tmp_path: Path) -> None:
    found = opened(many)
    known = choosing(found)[:6]
    run = earlier(tmp_path / "earlier", found, known)
    asked_for = msgspec.structs.replace(both_ways(found, 0), fingerprint="", dataset="")
    folder, wanted, runs = all_made(None, asked_for, None, many, found, run.path)
    assert wanted.source == earlier_run(run, wanted).source and wanted.folds == 3
    assert msgspec.structs.replace(comparison.read(folder), tlgui="") == wanted
    assert [one.from_run for one in runs] == [False, True] * 3
    assert [Path(one.run).name for one in runs[:2]] == [
        "feature-extraction fold 1",
        "feature-extraction from run fold 1",
    ]
    before = [RunFolder(Path(one.run)).manifest() for one in runs]
    again = all_made(folder, asked_for, None, many, found, run.path)
    assert again[1:] == (msgspec.structs.replace(wanted, tlgui=comparison.read(folder).tlgui), runs)
    assert [RunFolder(Path(one.run)).manifest() for one in runs] == before
    assert not list(folder.glob("* earlier *"))


def test_going_on_without_the_run_is_refused_and_nothing_is_moved(many: Path, tmp_path: Path) -> None:
    found = opened(many)
    run = earlier(tmp_path / "Run 7", found, choosing(found)[:6])
    folder, wanted, runs = all_made(None, both_ways(found, 0), None, many, found, run.path)
    (RunFolder(Path(runs[0].run)).events_path).write_bytes(events.encode(events.Stopped(run="run")))
    with pytest.raises(UserError) as refused:
        all_made(folder, wanted, None, many, found)
    assert refused.value.problem == "This comparison begins with the earlier run 'Run 7'."
    assert refused.value.code == "weights_own"
    assert not list(folder.glob("* earlier *"))


def test_a_new_comparison_of_ways_with_a_run_needs_the_run(many: Path) -> None:
    found = opened(many)
    with pytest.raises(UserError, match="begins with the earlier run"):
        all_made(None, both_ways(found, 0), None, many, found)
    assert not found.project.path.exists()


def test_other_weights_than_those_with_which_it_began_are_refused(many: Path, tmp_path: Path) -> None:
    found = opened(many)
    run = earlier(tmp_path / "Run 7", found, choosing(found)[:6])
    folder, wanted, _ = all_made(None, both_ways(found, 0), None, many, found, run.path)
    run.best_path.write_bytes(b"it was trained on")
    for place in (run.path, earlier(tmp_path / "Run 8", found, choosing(found)[:6], b"others").path):
        with pytest.raises(UserError, match=f"began with the run 'Run 7', and '{place.name}' has other weights"):
            all_made(folder, wanted, None, many, found, place)
    run.best_path.write_bytes(b"weights")
    run.path.rename(tmp_path / "renamed")
    assert all_made(folder, wanted, None, many, found, tmp_path / "renamed")[0] == folder, "it is the same network"


def test_a_run_with_another_network_than_what_is_compared_is_refused(many: Path, tmp_path: Path) -> None:
    found = opened(many)
    wanted = msgspec.structs.replace(both_ways(found, 0), backbone="resnet50")
    with pytest.raises(UserError, match="has the network efficientnet-lite0, and resnet50 is compared"):
        earlier_run(earlier(tmp_path / "run", found, choosing(found)[:6]), wanted)


def test_a_run_that_knows_too_many_is_refused_before_there_is_a_comparison(many: Path, tmp_path: Path) -> None:
    found = opened(many)
    run = earlier(tmp_path / "Run 7", found, choosing(found)[:15])
    with pytest.raises(UserError, match="The run 'Run 7' has learned 15 images of these 34") as refused:
        all_made(None, both_ways(found, 0), None, many, found, run.path)
    assert refused.value.code == "source_knows"
    assert not found.project.path.exists()


@pytest.mark.parametrize("known", [slice(None, None, 2), slice(None, None, 5), slice(20)])
def test_on_one_split_no_image_that_will_test_the_run_after_it_trains_or_chooses(known: slice, tmp_path: Path) -> None:
    """What the earlier run knows is taken out of the split that the project would keep; nothing is drawn anew."""
    data = write_dataset(tmp_path / "more", {"across": 26, "down": 26}, size=24)
    found = opened(data)
    run = earlier(tmp_path / "earlier", found, sorted(choosing(found))[known])
    asked_for = msgspec.structs.replace(both_ways(found, 0), fingerprint="", dataset="")
    _, _, runs = all_made(None, asked_for, 0, data, found, run.path)
    seen = {row.path for one in runs for row in RunFolder(Path(one.run)).manifest() if row.part != "test"}
    after = prepare_run(data, ONE_SPLIT, tmp_path / "after", scan=found.scan, project=found.project).run
    assert seen and parts(after)["test"] and not parts(after)["test"] & seen


def test_a_comparison_that_began_without_a_run_does_not_go_on_with_one(many: Path, tmp_path: Path) -> None:
    found = opened(many)
    folder, wanted, runs = all_made(None, comparison_of(*WAYS), 2, many, found)
    shutil.rmtree(runs[-1].run)
    run = earlier(tmp_path / "Run 7", found, choosing(found)[:6])
    with pytest.raises(UserError, match="began with the published weights alone") as refused:
        all_made(folder, wanted, None, many, found, run.path)
    assert refused.value.code == "weights_own" and not Path(runs[-1].run).exists()
