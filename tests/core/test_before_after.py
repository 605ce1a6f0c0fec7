"""What adapting changed, from the files of two runs; nothing is made up where one of them is missing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from helpers.adapted_run import AFTER, BEFORE, adapted_run, beside, metrics, plain_run, scored

from tlgui.core import before_after, site_score
from tlgui.core.errors import UserError
from tlgui.core.paired import compare


def test_before_is_the_newest_run_of_the_same_images_that_did_not_adapt(tmp_path: Path) -> None:
    run = adapted_run(tmp_path)
    assert before_after.run_before(run) is None
    plain_run(tmp_path, name="2026-11-23 08.00 older")
    plain_run(tmp_path)
    adapted_run(tmp_path, name="2026-11-26 10.00 adapted too")
    plain_run(tmp_path, name="2026-11-27 10.00 other images", of=38)
    (tmp_path / "2026-11-28 no run").mkdir()
    other = plain_run(tmp_path, name="2026-11-29 other network")
    other.write_spec(msgspec.structs.replace(other.spec(), backbone="resnet18"))
    unfinished = plain_run(tmp_path, name="2026-11-30 unfinished")
    (unfinished.results / "predictions.csv").unlink()
    damaged = plain_run(tmp_path, name="2026-12-01 damaged")
    damaged.spec_path.write_text("?")
    found = before_after.run_before(run)
    assert found is not None and found.name == BEFORE


def test_both_are_read_and_their_difference_is_paired(tmp_path: Path) -> None:
    run, _ = adapted_run(tmp_path, right=36), plain_run(tmp_path, right=30)
    found = before_after.read(run)
    (known,) = found.known
    assert known.part == "test" and known.before is not None and known.paired is not None
    assert (known.after.value, known.before.value, known.after.n) == (36 / 40, 30 / 40, 40)
    mine, theirs = ({n: n < right for n in range(40)} for right in (36, 30))
    assert known.paired == compare(mine, theirs)
    assert (known.paired.better, known.paired.worse) == (6, 0)
    assert found.strategy == "feature-extraction" and found.classes == 2 and found.score is None
    assert found.seen is not None and found.seen.target_entropy == 0.1, "of the epoch that is kept"


def test_without_a_run_before_nothing_is_made_up(tmp_path: Path) -> None:
    found = before_after.read(adapted_run(tmp_path, adapt="statistics"))
    assert found.before is None and found.seen is None
    assert [(one.before, one.paired) for one in found.known] == [(None, None)]


def test_what_labelled_images_told_is_read_with_its_looks(tmp_path: Path) -> None:
    run = adapted_run(tmp_path)
    scored(run, [site_score.part_score("new", metrics(25, 30), beside(16, 30, 0.3, 0.1, 0.5))], looks=2)
    score = before_after.read(run).score
    assert score is not None and score.looks_at_these == 2 and score.folder == "labelled <b>"
    pair = score.parts[0].beside
    assert pair is not None and (pair.beside, pair.accuracy.n, pair.outcome) == (BEFORE, 30, "helped")


def test_a_damaged_record_counts_as_none_and_damaged_results_are_said(tmp_path: Path) -> None:
    run = adapted_run(tmp_path)
    (run.results / "new_site.json").write_text("{")
    assert before_after.read(run).score is None
    (run.results / "metrics.json").write_text("{}}")
    with pytest.raises(UserError, match=f"The results of the run '{AFTER}' cannot be read"):
        before_after.read(run)
