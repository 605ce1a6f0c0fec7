"""What a network had learned before, in a list that is read as it was written, or not at all."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from helpers.compared import Held, answered, content_of

from tlgui.core.earlier import EarlierImages, earlier_of, place_of, read, write
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder, remember_place
from tlgui.core.run_spec import Earlier

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


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    held: Held = {f'{name}"\n,ü\udcff {number}.png': ("test", True) for number, name in enumerate("ab")} | PARTS
    first = answered(tmp_path / "first", held, groups={"a/1.png": "G1"}, contents=dict.fromkeys(held, "0"))
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
