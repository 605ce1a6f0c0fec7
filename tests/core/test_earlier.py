"""What a network had learned before, in a list that is read as it was written, or not at all."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from helpers.compared import Held, answered, content_of

from tlgui.core.earlier import EarlierImages, earlier_of, place_of, read, write
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder, remember_place
from tlgui.core.run_spec import Earlier, Target
from tlgui.core.split import PARTS as PARTS_IN_ORDER
from tlgui.core.split import Part

PARTS: Held = {
    "a/1.png": ("train", True),
    "a/2.png": ("train", True),
    "a/3.png": ("validation", True),
    "a/4.png": ("test", True),
    "a/5.png": ("test", True),
}


def listing(run: RunFolder, earlier: list[EarlierImages]) -> RunFolder:
    """The run with these lists in its folder and their tasks in its file."""
    run.write_spec(msgspec.structs.replace(run.spec(), earlier=[one.task for one in earlier]))
    write(run, earlier)
    return run


def hashes(images: EarlierImages, *parts: str) -> set[str]:
    return {row.content_hash for row in (images.of(*parts) if parts else images.held_out)}


def of(*images: str) -> set[str]:
    return {content_of(image) for image in images}


def test_its_test_images_measure_what_is_forgotten_and_without_them_those_that_chose(tmp_path: Path) -> None:
    (found,) = earlier_of(answered(tmp_path / "first", PARTS), set())
    assert hashes(found) == of("a/4.png", "a/5.png")
    assert (found.task.name, found.task.images, found.task.held_out) == ("bees", 5, 2)
    untested = {name: held for name, held in PARTS.items() if held[0] != "test"}
    (found,) = earlier_of(answered(tmp_path / "second", untested), set())
    assert hashes(found) == of("a/3.png") and found.task.held_out == 1


def test_what_is_learned_now_measures_and_chooses_nothing_but_may_say_what_matters(tmp_path: Path) -> None:
    (found,) = earlier_of(answered(tmp_path / "first", PARTS), of("a/1.png", "a/3.png", "a/4.png"))
    assert hashes(found, "train") == of("a/1.png", "a/2.png"), "these it has learned anyway"
    assert (hashes(found, "validation"), hashes(found)) == (set(), of("a/5.png"))
    assert (found.task.images, found.task.held_out) == (3, 1)


def test_a_chain_goes_on_and_loses_what_each_run_learned(tmp_path: Path) -> None:
    first = answered(tmp_path / "first", PARTS)
    own: Held = {"b/1.png": ("train", True), "b/2.png": ("validation", True), "b/3.png": ("test", True)}
    second = listing(answered(tmp_path / "second", own), earlier_of(first, of("a/5.png")))
    newest, oldest = earlier_of(second, of("a/4.png", "b/3.png"))
    assert hashes(newest, "train", "validation", "test") == of("b/1.png", "b/2.png")
    assert hashes(newest) == of("b/2.png"), "without a test image, those that chose"
    assert hashes(oldest, "train", "validation", "test") == of("a/1.png", "a/2.png", "a/3.png")


GROWN: Held = PARTS | {"a/6.png": ("train", True), "a/7.png": ("test", True)}
"""The folder of `PARTS` later on, with the split that was kept."""


def test_an_image_of_a_folder_that_grew_stands_in_the_newest_set_alone(tmp_path: Path) -> None:
    first = answered(tmp_path / "first", PARTS | {"a/0.png": ("test", True)})
    second = listing(answered(tmp_path / "second", GROWN), earlier_of(first, set()))
    newest, oldest = earlier_of(second, set())
    assert hashes(newest) == of("a/4.png", "a/5.png", "a/7.png") and newest.task.images == 7
    assert hashes(oldest) == of("a/0.png") and (oldest.task.images, oldest.task.held_out) == (1, 1), "no more than left"
    third = listing(answered(tmp_path / "third", PARTS | GROWN | {"a/0.png": ("test", True)}), [newest, oldest])
    (everything,) = earlier_of(third, set())
    assert everything.task.images == everything.task.held_out + 4 == 8, "a set of which nothing is left is none"


def test_copies_in_one_set_count_once(tmp_path: Path) -> None:
    held: Held = {"a/1.png": ("test", True), "b/1.png": ("test", True), "b/2.png": ("test", True)}
    contents = {"a/1.png": "1" * 64, "b/1.png": "1" * 64}
    (found,) = earlier_of(answered(tmp_path / "first", held, contents=contents), set())
    assert [row.path for row in found.held_out] == ["a/1.png", "b/2.png"] and found.task.held_out == 2


@pytest.mark.parametrize(("before", "after"), [("train", "test"), ("train", "validation"), ("validation", "test")])
@pytest.mark.parametrize("turned", [False, True])
def test_what_any_run_learned_is_never_held_out(before: Part, after: Part, turned: bool, tmp_path: Path) -> None:
    if turned:
        before, after = after, before
    others: Held = {"a/8.png": ("test", True), "a/9.png": ("validation", True)}
    first = answered(tmp_path / "first", {"a/1.png": (before, True)} | others)
    second = listing(answered(tmp_path / "second", {"b/1.png": (after, True)} | others,
                              contents={"b/1.png": content_of("a/1.png")}), earlier_of(first, set()))  # fmt: skip
    (found,) = earlier_of(second, set())
    assert hashes(found) == of("a/8.png")
    (row,) = [row for row in found.rows if row.content_hash in of("a/1.png")]
    assert (row.path, row.part) == ("b/1.png", min(before, after, key=PARTS_IN_ORDER.index)), "where it lies now"


def test_an_image_has_the_class_that_was_said_of_it_last(tmp_path: Path) -> None:
    first = answered(tmp_path / "first", PARTS)
    second = listing(answered(tmp_path / "second", PARTS, classes=("bee", "ant")), earlier_of(first, set()))
    (found,) = earlier_of(second, set())
    assert {row.class_name for row in found.rows} == {"bee"} and len(found.rows) == len(PARTS)


def test_what_the_run_adapted_to_is_learned_too(tmp_path: Path) -> None:
    first = answered(tmp_path / "first", PARTS)
    second = listing(answered(tmp_path / "second", {"b/1.png": ("train", True)}), earlier_of(first, set()))
    second.write_target([("x.png", content_of("a/3.png")), ("y.png", content_of("a/4.png"))])
    site = Target(name="site", fingerprint="s" * 64, images=2)
    second.write_spec(msgspec.structs.replace(second.spec(), target=site))
    _, oldest = earlier_of(second, set())
    assert hashes(oldest) == of("a/5.png") and not oldest.of("validation")


def test_groups_of_two_sets_are_one_where_they_have_an_image_in_common_or_a_name(tmp_path: Path) -> None:
    """A name is hashed with its project's salt: another project gives the same patient another one."""
    tests: Held = {f"a/{number}.png": ("test", True) for number in range(8)}
    named = {"a/0.png": "P", "a/1.png": "P", "a/2.png": "P", "a/3.png": "Q", "a/4.png": "Q", "a/5.png": "R"}
    first = answered(tmp_path / "first", tests, groups=named)
    newer: Held = {f"b/{number}.png": ("test", True) for number in range(4)}
    second = listing(
        answered(
            tmp_path / "second",
            newer,
            groups={"b/0.png": "X", "b/1.png": "X", "b/3.png": "R"},
            contents={"b/0.png": content_of("a/0.png"), "b/2.png": content_of("a/3.png")},
        ),
        earlier_of(first, set()),
    )
    found = {row.path: row.group for one in earlier_of(second, set()) for row in one.rows}
    assert {path for path, group in found.items() if group == "X"} == {"b/0.png", "b/1.png", "a/1.png", "a/2.png"}
    assert found["b/2.png"] == found["a/4.png"] == "Q", "an older set says which patient it shows"
    assert found["b/3.png"] == found["a/5.png"] == "R"
    assert (found["a/6.png"], found["a/7.png"]) == ("", "")
    third = listing(
        answered(tmp_path / "third", {"c/1.png": ("test", True), "c/2.png": ("test", True)},
                 groups={"c/1.png": "Z", "c/2.png": "Z"}, contents={"c/1.png": content_of("a/4.png")}),
        earlier_of(second, set()),
    )  # fmt: skip
    found = {row.path: row.group for one in earlier_of(third, set()) for row in one.rows}
    assert found["c/1.png"] == found["c/2.png"] == found["b/2.png"] == "Z" and found["a/1.png"] == "X"


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    held: Held = {f'{name}"\n,ü\udcff {number}.png': ("test", True) for number, name in enumerate("ab")} | PARTS
    contents = {image: f"{number}" for number, image in enumerate(held)}
    first = answered(tmp_path / "first", held, groups={"a/1.png": "G1"}, contents=contents)
    found = earlier_of(first, set())
    second = listing(answered(tmp_path / "second", {"b/1.png": ("train", True)}), [*found, *found])
    assert read(second) == [*found, *found]
    assert str(tmp_path) not in second.earlier_path.read_text(encoding="utf-8", errors="surrogateescape")
    assert read(first) == [], "a run that learned nothing before has no list and needs none"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: None,
        lambda text: "",
        lambda text: "nonsense",
        lambda text: text[: text.rindex("a/5.png")],
        lambda text: "".join(text.splitlines(keepends=True)[:-1]),
        lambda text: text + text.splitlines(keepends=True)[-1],
        lambda text: text.replace("validation", "practice"),
        lambda text: text.replace("\n0,", "\n7,"),
        lambda text: text.replace("\n0,", "\n-1,"),
        lambda text: text.replace("\n0,", "\nzero,"),
        lambda text: text.replace("content_hash", "hash"),
    ],
)
def test_a_damaged_list_is_refused_and_never_taken_for_less(damage: object, tmp_path: Path) -> None:
    assert callable(damage)
    first = answered(tmp_path / "first", PARTS)
    run = listing(answered(tmp_path / "Run 7", {"b/1.png": ("train", True)}), earlier_of(first, set()))
    found = damage(run.earlier_path.read_text(encoding="utf-8").replace("\r\n", "\n"))
    if found is None:
        run.earlier_path.unlink()
    else:
        run.earlier_path.write_text(found, encoding="utf-8")
    with pytest.raises(UserError, match=r"'earlier\.csv' of the run 'Run 7' cannot be read") as refused:
        read(run)
    assert refused.value.code == "run_damaged" and str(tmp_path) not in refused.value.problem


def test_where_the_images_lie_is_what_was_said_of_the_newest_or_what_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLGUI_STATE_DIR", str(tmp_path / "state"))
    run = answered(tmp_path / "run", PARTS)
    tasks = [Earlier(name=name, fingerprint=name * 64, images=1, held_out=1) for name in "xy"]
    spec = msgspec.structs.replace(run.spec(), earlier=tasks)
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    assert place_of(spec, 0, "") is None
    remember_place("x" * 64, tmp_path / "x")
    remember_place("y" * 64, tmp_path / "y")
    assert (place_of(spec, 0, ""), place_of(spec, 1, "")) == (tmp_path / "x", tmp_path / "y")
    assert (place_of(spec, 0, str(tmp_path)), place_of(spec, 1, str(tmp_path))) == (tmp_path, tmp_path / "y")
    assert (place_of(spec, 0, str(tmp_path), [1]), place_of(spec, 1, str(tmp_path), [1])) == (tmp_path / "x", tmp_path)
    assert place_of(spec, 0, str(tmp_path / "gone")) is None
    (tmp_path / "y").rmdir()
    assert place_of(spec, 1, "") is None
