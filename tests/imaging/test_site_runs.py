"""Which site an image is from, and runs in which one site is held out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from helpers.compared import answered
from helpers.pictures import write_dataset, write_tree

from tlgui.core.errors import UserError
from tlgui.core.intake import GroupBy
from tlgui.core.records import Reason
from tlgui.core.run_folder import RunFolder
from tlgui.core.sites import Sites
from tlgui.imaging.comparing import images_key
from tlgui.imaging.opening import Opened, open_folder
from tlgui.imaging.site_runs import FOLDER, made, sites_of

BY_NAME = r"^(one|two|three)_"


@pytest.fixture
def domains(tmp_path: Path) -> Path:
    sizes = {"art": 5, "photo": 7, "sketch": 6}
    return write_tree(tmp_path / "d", {name: {"across": n, "down": n} for name, n in sizes.items()}, size=24)


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """Class folders whose file names begin with the site; one patient was at all three, the others at one."""
    data = write_dataset(tmp_path / "n", {"across": 12, "down": 12}, size=24)
    for number, path in enumerate(sorted(data.rglob("*.png"))):
        site = ("one", "two", "three")[number % 3]
        patient = 0 if number % 12 < 3 else number
        path.rename(path.with_name(f"{site}_{patient}_{path.name}"))
    return data


def opened(data: Path, *changes: GroupBy) -> Opened:
    return open_folder(data, isolated=False, changes=changes)


def held_out(folder: Path, data: Path, found: Opened, by: str, weights_file: str = "") -> dict[str, RunFolder]:
    of = sites_of(found, by)
    wanted = Sites(
        dataset="d",
        images=images_key(found.scan),
        by=by,
        names=sorted(set(of.values())),
        backbone="efficientnet-lite0",
        strategy="feature-extraction",
    )
    return {
        name: made(folder, wanted, place, of, data, found.scan, found.project, weights_file)
        for place, name in enumerate(wanted.names)
    }


def parts(run: RunFolder) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for row in run.manifest():
        found[row.part].add(row.path)
    return found


@pytest.mark.parametrize("kind", ["domains", "named"])
def test_each_site_tests_once_and_trains_in_no_run_of_its_own(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(kind)
    found = opened(data)
    by = FOLDER if kind == "domains" else BY_NAME
    of = sites_of(found, by)
    tested: set[str] = set()
    for name, run in held_out(tmp_path / "out", data, found, by).items():
        part = parts(run)
        assert part["test"] == {path for path, site in of.items() if site == name} and part["validation"]
        assert part["train"] | part["validation"] == {path for path, site in of.items() if site != name}
        assert not tested & part["test"]
        tested |= part["test"]
    assert tested == set(of)
    # What the project keeps is another matter.
    assert found.project.kept_split((0.7, 0.15, 0.15), 0) is None


def test_a_group_that_lies_in_two_sites_does_not_train_for_either(named: Path, tmp_path: Path) -> None:
    found = opened(named, GroupBy(key=r"pattern:^[a-z]+_(\d+)_"))
    of = sites_of(found, BY_NAME)
    run = held_out(tmp_path / "out", named, found, BY_NAME)["one"]
    group = {record.path: record.group for record in found.scan.used}
    part = parts(run)
    held = {group[path] for path in part["test"]}
    assert not {group[path] for path in part["train"] | part["validation"]} & held
    lines = (run.path / "manifest.csv").read_text().splitlines()
    left_out = [line for line in lines if Reason.HELD_OUT_GROUP in line]
    assert len(left_out) == len(of) - sum(map(len, part.values()))  # used + left out = all


def test_a_run_that_is_there_is_taken_and_other_images_are_refused(domains: Path, tmp_path: Path) -> None:
    found = opened(domains)
    first = held_out(tmp_path / "out", domains, found, FOLDER)
    before = {name: (run.path / "manifest.csv").stat().st_mtime_ns for name, run in first.items()}
    again = held_out(tmp_path / "out", domains, found, FOLDER)
    assert {name: (run.path / "manifest.csv").stat().st_mtime_ns for name, run in again.items()} == before
    of = sites_of(found, FOLDER)
    other = Sites(dataset="d", images="x", by=FOLDER, names=["art", "photo"], backbone="b", strategy="s")
    with pytest.raises(UserError, match="are not as when this began"):
        made(tmp_path / "other", other, 0, of, domains, found.scan, found.project)


@pytest.mark.parametrize(
    ("by", "says"),
    [
        (r"^(one|two)_", "images have no site, such as"),
        (r"(_)", "all images are from one site"),
        (r"(.+)\.png$", "has a single image"),
        (FOLDER, "would have a single class"),
        ("no group", "has no group|no regular|brackets"),
    ],
)
def test_what_tells_no_sites_is_refused(by: str, says: str, named: Path) -> None:
    with pytest.raises(UserError, match=says):
        sites_of(opened(named), by)


def test_too_many_sites_are_refused(named: Path) -> None:
    found = opened(named)
    many = [msgspec.structs.replace(found.scan.used[0], path=f"across/s{i // 2}_{i % 2}.png") for i in range(120)]
    found.scan = msgspec.structs.replace(found.scan, used=many)
    with pytest.raises(UserError, match="there are 60 sites"):
        sites_of(found, r"^s(\d+)_")


def test_a_column_of_a_table_tells_sites(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "t", {"across": 6, "down": 6}, size=24)
    flat = tmp_path / "flat"
    flat.mkdir()
    lines = ["file,label,hospital"]
    for number, path in enumerate(sorted(data.rglob("*.png"))):
        name = f"{path.parent.name}_{path.name}"
        path.rename(flat / name)
        lines.append(f"{name},{path.parent.name},{'AB'[number % 2]}")
    (flat / "labels.csv").write_text("\n".join(lines))
    of = sites_of(opened(flat), "column:hospital")
    assert sorted(set(of.values())) == ["A", "B"] and len(of) == 12
    # A copy of an image at both joins their groups, and no hospitals.
    (flat / "copy.png").write_bytes((flat / next(iter(of))).read_bytes())
    lines.append(f"copy.png,across,{'AB'[of[next(iter(of))] == 'A']}")
    (flat / "labels.csv").write_text("\n".join(lines))
    again = sites_of(opened(flat), "column:hospital")
    assert sorted(Counter(again.values()).values()) == [6, 7]
    with pytest.raises(UserError, match="No label table here has a column 'clinic'"):
        sites_of(opened(flat), "column:clinic")


def test_train_and_test_folders_are_no_sites(tmp_path: Path) -> None:
    data = write_tree(tmp_path / "d", {"train": {"a": 6, "b": 6}, "test": {"a": 4, "b": 4}}, size=24)
    with pytest.raises(UserError, match="say what trains and what tests"):
        sites_of(opened(data), FOLDER)


def test_images_that_an_earlier_run_has_learned_test_nothing_at_the_site_held_out(
    domains: Path, tmp_path: Path
) -> None:
    found = opened(domains)
    plain = {name: parts(run) for name, run in held_out(tmp_path / "plain", domains, found, FOLDER).items()}
    hashes = {record.path: record.content_hash for record in found.scan.used}
    trained, chosen = sorted(path for path in hashes if path.startswith("photo/"))[:2]
    earlier = answered(
        tmp_path / "Run 7",
        {"then/1.png": ("train", True), "then/2.png": ("validation", True)},
        contents={"then/1.png": hashes[trained], "then/2.png": hashes[chosen]},
    )
    earlier.best_path.write_bytes(b"weights")

    runs = held_out(tmp_path / "out", domains, found, FOLDER, str(earlier.best_path))

    assert parts(runs["photo"])["test"] == plain["photo"]["test"] - {trained, chosen}
    lines = (runs["photo"].path / "manifest.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in lines if Reason.LEARNED_BEFORE in line} == {trained, chosen}
    assert len(lines) == 1 + len(hashes), "used + left out = all"
    for name, run in runs.items():
        source = run.spec().source
        assert source is not None and (source.run, run.spec().weights) == ("Run 7", source.sha256)
        assert run.learned_path.is_file()
        if name != "photo":  # there they train, or choose the epoch
            assert parts(run)["test"] == plain[name]["test"] and parts(run)["train"] == plain[name]["train"]
            assert parts(run)["validation"] == plain[name]["validation"] - {trained}


def test_a_site_that_an_earlier_run_has_learned_whole_is_refused_before_any_run_is_made(
    domains: Path, tmp_path: Path
) -> None:
    found = opened(domains)
    learned = [record.content_hash for record in found.scan.used if record.path.startswith("photo/")]
    earlier = answered(
        tmp_path / "Run 7",
        {f"then/{number}.png": ("train", True) for number in range(len(learned))},
        contents={f"then/{number}.png": content for number, content in enumerate(learned)},
    )
    earlier.best_path.write_bytes(b"weights")
    with pytest.raises(UserError, match="The run 'Run 7' has learned every image of the site 'photo'") as refused:
        held_out(tmp_path / "out", domains, found, FOLDER, str(earlier.best_path))
    assert refused.value.code == "source_knows"
    assert not (tmp_path / "out").exists(), "'art' comes first, and would have been trained for nothing"
