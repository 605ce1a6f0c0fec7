"""An earlier run as a starting point: where its network lies, what it has learned, and what of that cannot be had."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from helpers.compared import Held, answered, content_of

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder, create, refuse_occupied
from tlgui.core.run_spec import RunSpec, Source
from tlgui.core.runs import RunSummary, State, summary_of
from tlgui.core.source import (
    Learned,
    can_begin_with,
    learned_by,
    refuse_other_network,
    run_of,
    source_of,
    weights_of_run,
    write_learned,
)

PARTS: Held = {"a/1.png": ("train", True), "a/2.png": ("validation", True), "a/3.png": ("test", True)}


def run_with_model(path: Path, held: Held = PARTS, model: bytes = b"weights") -> RunFolder:
    """An ended run whose network nobody will open."""
    run = answered(path, held)
    run.best_path.write_bytes(model)
    return run


def hashes(*images: str) -> frozenset[str]:
    return frozenset(map(content_of, images))


def began_with(path: Path, held: Held, earlier: RunFolder) -> RunFolder:
    """A run that took over the network of an earlier one."""
    run = run_with_model(path, held)
    write_learned(run, learned_by(earlier))
    return run


# -- the file of weights ------------------------------------------------------------------------------------------


def test_only_the_best_weights_of_a_run_are_those_of_the_run(tmp_path: Path) -> None:
    run = run_with_model(tmp_path / "run")
    found = run_of(run.best_path)
    assert found is not None and found.path == run.path
    found = run_of(str(run.best_path))
    assert found is not None and found.name == "run"
    elsewhere = tmp_path / "elsewhere" / "checkpoints" / "best.safetensors"
    elsewhere.parent.mkdir(parents=True)
    for other in (run.checkpoints / "last.safetensors", run.path / "best.safetensors", tmp_path / "w.pth", elsewhere):
        other.write_bytes(b"weights")
        assert run_of(other) is None, other.name
    assert run_of("") is None
    assert run_of(run.path) is None, "the folder is no file of weights"


def test_a_run_folder_and_the_file_in_it_mean_the_same_weights(tmp_path: Path) -> None:
    run = run_with_model(tmp_path / "run")
    assert weights_of_run(run.path) == weights_of_run(run.best_path) == run.best_path
    own = tmp_path / "own.pth"
    own.write_bytes(b"")
    assert weights_of_run(own) == own


def test_a_run_that_is_typed_as_dots_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_with_model(tmp_path / "Run 7")
    for folder, typed in ((run.checkpoints, ".."), (run.path, "."), (tmp_path, "Run 7/checkpoints/..")):
        monkeypatch.chdir(folder)
        found = run_of(weights_of_run(Path(typed).absolute()))
        assert found is not None and source_of(found).run == "Run 7", typed


def test_what_holds_no_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    unfinished = answered(tmp_path / "unfinished", PARTS)
    (tmp_path / "photos").mkdir()
    for place, problem, code in (
        (tmp_path / "typo.pth", "There is no weights file 'typo.pth'.", "weights_unfit"),
        (tmp_path / "photos", "'photos' is not a run folder: it has no run.toml.", "not_a_run"),
        (unfinished.path, "The run 'unfinished' has no model yet: no epoch has ended.", "no_model"),
    ):
        with pytest.raises(UserError) as refused:
            weights_of_run(place)
        assert (refused.value.problem, refused.value.code) == (problem, code)
        assert refused.value.remedy and str(tmp_path) not in str(refused.value)


def test_the_source_is_named_with_its_images_and_the_checksum_of_its_best_weights(tmp_path: Path) -> None:
    run = run_with_model(tmp_path / "Run 7", model=b"some bytes")
    (run.checkpoints / "last.safetensors").write_bytes(b"others")
    assert source_of(run) == Source(
        run="Run 7", dataset="bees", images=1, sha256=hashlib.sha256(b"some bytes").hexdigest()
    ), "one of its three images trained"
    assert str(tmp_path) not in repr(source_of(run))


def test_a_run_without_images_of_its_own_is_a_source_without_a_name_for_them(tmp_path: Path) -> None:
    run = create(tmp_path / "run", RunSpec())
    run.write_manifest([], {}, [])
    run.best_path.write_bytes(b"weights")
    found = source_of(run)
    assert (found.dataset, found.images) == ("", 0)


def test_a_model_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_with_model(tmp_path / "run")

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(hashlib, "file_digest", broken)
    with pytest.raises(
        UserError, match="The model file of the run 'run' cannot be read: Input/output error"
    ) as refused:
        source_of(run)
    assert refused.value.code == "run_damaged"


def test_a_run_with_another_network_is_refused_by_both_names(tmp_path: Path) -> None:
    run = run_with_model(tmp_path / "run")
    refuse_other_network(RunSpec(backbone="efficientnet-lite0"), run)
    with pytest.raises(UserError) as refused:
        refuse_other_network(RunSpec(backbone="resnet50"), run)
    assert refused.value.problem == (
        "The run 'run' has the network efficientnet-lite0, and this one is set up with resnet50."
    )
    assert refused.value.remedy.startswith("Begin with efficientnet-lite0")


# -- what it has learned ------------------------------------------------------------------------------------------


def test_a_network_knows_what_trained_it_and_what_chose_its_epoch_and_no_test_image(tmp_path: Path) -> None:
    found = learned_by(run_with_model(tmp_path / "run"))
    assert found == Learned(hashes("a/1.png"), hashes("a/1.png", "a/2.png"))


def test_what_was_learned_before_the_run_before_is_known_too(tmp_path: Path) -> None:
    """C begins with B, and B began with A: what A learned is in C's network as well."""
    a = run_with_model(tmp_path / "a", {"1.png": ("train", True), "2.png": ("validation", True)})
    b = began_with(tmp_path / "b", {"3.png": ("train", True), "4.png": ("validation", True)}, a)
    c = began_with(tmp_path / "c", {"5.png": ("train", True), "6.png": ("test", True)}, b)
    assert learned_by(b) == Learned(hashes("1.png", "3.png"), hashes("1.png", "2.png", "3.png", "4.png"))
    assert learned_by(c) == Learned(
        hashes("1.png", "3.png", "5.png"), hashes("1.png", "2.png", "3.png", "4.png", "5.png")
    )


@pytest.mark.parametrize("first", ["train", "validation"])
def test_an_image_that_trained_once_counts_as_trained_whatever_it_did_the_other_time(
    first: str, tmp_path: Path
) -> None:
    other = {"train": "validation", "validation": "train"}[first]
    a = run_with_model(tmp_path / "a", {"1.png": (first, True)})  # type: ignore[dict-item]
    b = began_with(tmp_path / "b", {"1.png": (other, True)}, a)  # type: ignore[dict-item]
    assert learned_by(b) == Learned(hashes("1.png"), hashes("1.png"))


def test_an_image_that_tests_this_run_and_trained_the_one_before_is_known(tmp_path: Path) -> None:
    a = run_with_model(tmp_path / "a", {"1.png": ("train", True)})
    b = began_with(tmp_path / "b", {"1.png": ("test", True), "2.png": ("train", True)}, a)
    assert learned_by(b) == Learned(hashes("1.png", "2.png"), hashes("1.png", "2.png"))


def test_the_list_reads_back_as_it_was_written_and_holds_contents_alone(tmp_path: Path) -> None:
    known = Learned(hashes("1.png", "2.png"), hashes("1.png", "2.png", "3.png"))
    run = run_with_model(tmp_path / "run", {"9.png": ("test", True)})
    write_learned(run, known)
    assert learned_by(run) == known
    lines = run.learned_path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "content_hash,split"
    assert sorted(lines[1:]) == lines[1:], "the same list, the same file"
    assert ".png" not in run.learned_path.read_text(encoding="utf-8")
    write_learned(run, Learned())
    assert learned_by(run) == Learned()


HALF = b"content_hash,split\r\n" + b"a" * 64 + b",tra"
CUT = b"content_hash,split\r\n" + b"a" * 64 + b",train\r\n"  # between two rows
SHORT = CUT + b"end,2\r\n"


@pytest.mark.parametrize("content", [b"", HALF, CUT, SHORT, b"hash,part\r\nabc,train\r\n", b"\xff\xfe\x00train"])
def test_a_damaged_list_is_told_and_not_taken_for_knowing_nothing(content: bytes, tmp_path: Path) -> None:
    run = run_with_model(tmp_path / "run")
    run.learned_path.write_bytes(content)
    with pytest.raises(UserError, match=r"'learned_before\.csv' of the run 'run' cannot be read") as refused:
        learned_by(run)
    assert refused.value.code == "run_damaged"


def test_a_list_that_is_gone_is_told_where_the_run_began_with_another_one(tmp_path: Path) -> None:
    """Nothing learned before would be the one answer that lets known images test it."""
    run = run_with_model(tmp_path / "run")
    learned_by(run)
    run.write_spec(msgspec.structs.replace(run.spec(), source=Source(run="A", sha256="a" * 64), weights="a" * 64))
    with pytest.raises(UserError, match=r"'learned_before\.csv' of the run 'run' cannot be read") as refused:
        learned_by(run)
    assert refused.value.code == "run_damaged"


def test_a_damaged_manifest_is_told_too(tmp_path: Path) -> None:
    run = run_with_model(tmp_path / "run")
    run.manifest_path.write_text("path,split\n")
    with pytest.raises(UserError, match=r"'manifest\.csv' of the run 'run' cannot be read"):
        learned_by(run)


def test_a_run_that_began_with_another_one_and_never_trained_gives_its_folder_to_the_next(tmp_path: Path) -> None:
    a = run_with_model(tmp_path / "a")
    never = create(tmp_path / "b", RunSpec())
    never.manifest_path.write_bytes(a.manifest_path.read_bytes())
    write_learned(never, learned_by(a))
    refuse_occupied(never.path)
    again = create(never.path, RunSpec())
    assert not again.learned_path.exists(), "the next one begins with something else"
    write_learned(again, learned_by(a))
    again.append_event(events.Notice(code="x", message="It is at work."))
    with pytest.raises(UserError, match="is not empty"):
        refuse_occupied(again.path)


# -- which runs can be one ----------------------------------------------------------------------------------------


def test_runs_that_have_ended_with_an_epoch_kept_can_be_begun_with_in_their_order(tmp_path: Path) -> None:
    one = summary_of(run_with_model(tmp_path / "one").path)
    assert (one.state, one.best_epoch) == ("complete", 2)
    cases: Mapping[tuple[State, int | None], bool] = {
        ("complete", 3): True,
        ("complete", 0): True,  # the warm start was best
        ("stopped", 2): True,
        ("stopped", None): False,
        ("interrupted", 2): False,
        ("failed", 2): False,
        ("crashed", 2): False,
        ("at work", 2): False,
        ("never began", None): False,
    }
    runs: list[RunSummary] = [
        msgspec.structs.replace(one, path=tmp_path / str(number), state=state, best_epoch=epoch)
        for number, (state, epoch) in enumerate(cases)
    ]
    expected = [run for run, can in zip(runs, cases.values(), strict=True) if can]
    assert can_begin_with(runs) == expected
    assert can_begin_with(reversed(runs)) == expected[::-1]
