"""From the folders of runs to a result: what is read of them, and which runs cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.compared import CLASSES, Held, answered, comparison_of, content_of

from tlgui.core import comparison, events
from tlgui.core.comparison_answers import names
from tlgui.core.comparison_result import of_comparison, of_runs
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder


def images(n: int, wrong: Sequence[int] = (), prefix: str = "i", part: str = "test") -> Held:
    """So many test images, of which some are told wrong; the others of the set are the same in every run."""
    rest: Held = {"train.png": ("train", True), "validation.png": ("validation", True)}
    held: Held = {f"{prefix}{number}.png": ("test", number not in wrong) for number in range(n)}
    return {
        **(held if part == "test" else {image: ("validation", right) for image, (_, right) in held.items()}),
        **rest,
    }


def test_runs_are_compared_on_their_test_images(tmp_path: Path) -> None:
    worse = answered(tmp_path / "Run A", images(40, range(12)), seconds=(5, 6), trainable=77)
    better = answered(tmp_path / "Run B", images(40, [39]), seconds=(50, 60, 70), trainable=770)
    result = of_runs([worse, better])

    assert (result.scored_on, result.images, result.test_looks) == ("test", 40, 2)
    assert (result.folds, result.epochs) == (0, 0)
    assert [(row.key, row.label, row.n) for row in result.rows] == [("Run A", "Run A", 40), ("Run B", "Run B", 40)]
    assert [row.accuracy for row in result.rows] == [pytest.approx(28 / 40), pytest.approx(39 / 40)]
    assert [(row.seconds, row.trainable_parameters, row.runs) for row in result.rows] == [(11, 77, 1), (180, 770, 1)]
    (pair,) = result.pairs
    assert (pair.better, pair.worse, pair.verdict) == (1, 12, "b is better")
    assert (result.winner, result.cheapest) == ("Run B", "Run B")
    assert any("looked at 2 times" in sentence for sentence in result.sentences)


def test_a_runs_name_is_left_as_it_is_in_sentences(tmp_path: Path) -> None:
    runs = [answered(tmp_path / "ResNet A", images(9), seconds=[9]), answered(tmp_path / "ResNet B", images(9, [1]))]
    first, second, *_ = of_runs(runs).sentences
    assert "by ResNet A, cannot" in first
    assert "not clearly worse: ResNet B," in second


def test_runs_without_test_images_are_compared_on_validation_images(tmp_path: Path) -> None:
    runs = [answered(tmp_path / name, images(9, part="validation")) for name in "ab"]
    result = of_runs(runs)
    assert (result.scored_on, result.images, result.test_looks) == ("validation", 10, 0)
    assert not any("test" in sentence for sentence in result.sentences)


def test_a_stopped_run_may_be_compared_and_a_renamed_image_is_the_same_one(tmp_path: Path) -> None:
    first = answered(tmp_path / "a", images(9), ending=events.Stopped(run="a", best_epoch=1))
    moved: Held = {f"new/{image}": told for image, told in images(9, [3]).items()}
    second = answered(tmp_path / "b", moved, contents={image: content_of(image[4:]) for image in moved})
    assert of_runs([first, second]).images == 9


def refusal(*runs: RunFolder) -> UserError:
    with pytest.raises(UserError) as refused:
        of_runs(runs)
    assert all(str(run.path.parent) not in str(refused.value) for run in runs)
    return refused.value


def test_one_run_and_the_same_run_twice_are_refused(tmp_path: Path) -> None:
    run = answered(tmp_path / "run", images(9))
    assert "One run alone cannot be compared." in refusal(run).problem
    assert "A run cannot be compared with itself." in refusal(run, RunFolder(tmp_path / "x" / ".." / "run")).problem
    (tmp_path / "link").symlink_to(run.path, target_is_directory=True)
    assert "with itself" in refusal(run, RunFolder(tmp_path / "link")).problem


def test_a_run_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    run, other = (answered(tmp_path / name, images(9)) for name in "ab")
    (other.results / "predictions.csv").unlink()
    refused = refusal(run, other)
    assert refused.problem == "The run 'b' has no scores yet."
    assert "continue it" in refused.remedy


def test_other_test_images_are_refused_with_their_numbers(tmp_path: Path) -> None:
    run = answered(tmp_path / "a", images(9))
    fewer = answered(tmp_path / "b", images(5))
    others = answered(tmp_path / "c", {**images(3), **images(4, prefix="j")})
    refused = refusal(run, fewer)
    assert refused.code == "not_comparable"
    assert refused.problem == (
        "'a' and 'b' were not scored on the same test images: 5 are in both, 4 in the first alone and 0 in the second "
        "alone."
    )
    assert "3 are in both, 6 in the first alone and 4 in the second alone" in refusal(run, others).problem


def test_other_classes_are_refused(tmp_path: Path) -> None:
    run = answered(tmp_path / "a", images(9))
    other = answered(tmp_path / "b", images(9), classes=("ant", "wasp"))
    same = answered(tmp_path / "c", images(9), classes=CLASSES[::-1])
    refused = refusal(run, other)
    assert (refused.code, "tell different classes apart" in refused.problem) == ("not_comparable", True)
    of_runs([run, same])


def test_a_run_with_test_images_and_one_without_are_refused(tmp_path: Path) -> None:
    tested, untested = (
        answered(tmp_path / "tested", images(9)),
        answered(tmp_path / "untested", images(9, part="validation")),
    )
    for runs in ((tested, untested), (untested, tested)):
        refused = refusal(*runs)
        assert "'tested' was tested on test images, 'untested' has none" in refused.problem
        assert refused.code == "not_comparable"


@pytest.mark.parametrize("text", ["", "path,split\n", "path,split,true,predicted\ngone.png,test,ant,ant\n"])
def test_damaged_answers_are_told(tmp_path: Path, text: str) -> None:
    run, other = (answered(tmp_path / name, images(9)) for name in "ab")
    (other.results / "predictions.csv").write_text(text)
    refused = refusal(run, other)
    assert refused.code in ("run_damaged", "not_comparable")
    other.manifest_path.unlink()
    assert refusal(run, other).code == "run_damaged"


def test_runs_of_one_name_are_told_apart_by_the_folders_above(tmp_path: Path) -> None:
    """As two projects have runs of the same minute: all of them lie in a folder "runs"."""
    runs = [
        answered(tmp_path / project / "runs" / "14.03 top", images(40, range(wrong)))
        for project, wrong in (("cells", 0), ("solar", 20))
    ]
    assert names(runs) == ["cells/runs/14.03 top", "solar/runs/14.03 top"]
    result = of_runs(runs)
    assert [row.accuracy for row in result.rows] == [1.0, 0.5]
    assert result.winner == "cells/runs/14.03 top"
    assert names([runs[0], answered(tmp_path / "solar/14.03", images(3))]) == ["14.03 top", "14.03"]


def folded(folder: Path, wrong: dict[str, set[int]], n: int = 30, folds: int = 3) -> None:
    """A whole comparison of two ways, whose images are tested in turn; every other one has a patient."""
    asked = comparison_of("feature-extraction", "fine-tune-top:2", folds=folds)
    comparison.write(folder, asked)
    for leg in asked.legs():
        held: Held = {
            f"{number}.png": (
                ("test", number not in wrong[leg.entrant.key])
                if number % folds == leg.fold - 1
                # Those that validated were mostly wrong: they must not be counted.
                else ("validation", False)
                if number % 5 == 0
                else ("train", True)
            )
            for number in range(n)
        }
        patients = {f"{number}.png": f"p{number // 6}" for number in range(0, n, 2)}
        answered(folder / leg.folder, held, patients, seconds=[leg.fold, 1], trainable=100 * leg.fold)


def test_each_image_is_scored_once_by_the_run_that_had_not_seen_it(tmp_path: Path) -> None:
    wrong = {"feature-extraction": {0, 1, 2, 3, 17, 29, 8}, "fine-tune-top:2": {1, 5}}
    folded(tmp_path, wrong)
    result = of_comparison(tmp_path)

    assert (result.scored_on, result.images, result.folds, result.epochs) == ("out-of-fold", 30, 3, 3)
    assert [row.key for row in result.rows] == ["feature-extraction", "fine-tune-top:2"]
    assert [row.label for row in result.rows] == ["Feature extraction", "Fine-tune the top layers, 2 groups"]
    for row in result.rows:
        assert (row.n, row.accuracy) == (30, pytest.approx(1 - len(wrong[row.key]) / 30))
        assert (row.seconds, row.runs, row.trainable_parameters) == (1 + 2 + 3 + 3, 3, 300)
    (pair,) = result.pairs
    assert (pair.better, pair.worse) == (1, 6)
    assert result.test_looks == 2, "once for each way"
    assert result.winner is None
    assert "30 images, each scored by the run that had not seen it" in result.sentences[0]


def test_a_comparison_on_one_split_counts_validation_images(tmp_path: Path) -> None:
    asked = comparison_of("feature-extraction", "fine-tune-top:2", "from-scratch")
    comparison.write(tmp_path, asked)
    for place, leg in enumerate(asked.legs()):
        held: Held = {f"v{number}.png": ("validation", number >= 5 * place) for number in range(20)}
        answered(tmp_path / leg.folder, {**held, "t.png": ("test", False), "l.png": ("train", True)})
    result = of_comparison(tmp_path)
    assert (result.scored_on, result.images, result.folds, result.test_looks) == ("validation", 20, 0, 3)
    assert [row.accuracy for row in result.rows] == [1.0, 0.75, 0.5]
    assert result.sentences[-1].startswith("The test images were scored 3 times")


def test_a_comparison_that_is_not_whole_has_no_result(tmp_path: Path) -> None:
    folded(tmp_path, {"feature-extraction": set(), "fine-tune-top:2": set()})
    legs = list(comparison.read(tmp_path).legs())
    (tmp_path / legs[3].folder / "results" / "predictions.csv").unlink()
    with pytest.raises(UserError, match="1 run is still to be trained") as refused:
        of_comparison(tmp_path)
    assert refused.value.code == "comparison_unfinished"
    RunFolder(tmp_path / legs[0].folder).append_event(events.Resumed(step=1, epoch=1))
    with pytest.raises(UserError, match="2 runs are still to be trained"):
        of_comparison(tmp_path)


def test_ways_that_were_scored_on_different_images_are_refused(tmp_path: Path) -> None:
    """The project's split can change between two of them."""
    ways = comparison_of("feature-extraction", "fine-tune-top:2")
    comparison.write(tmp_path, ways)
    for leg, first in zip(ways.legs(), (0, 1), strict=True):
        answered(tmp_path / leg.folder, {f"v{i}": ("validation", True) for i in range(first, first + 4)})
    with pytest.raises(UserError, match="were not scored on the same images"):
        of_comparison(tmp_path)
