"""The advice script's own arithmetic, by made-up results whose truth is known."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

_SCRIPTS = Path(__file__).parent / "benchmarks"
HEAD, TOP, FULL = "feature-extraction", "fine-tune-top", "full-fine-tuning"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(_SCRIPTS), *sys.path])
        yield importlib.import_module("measure_advice")


@pytest.fixture(scope="module")
def stable(script: ModuleType) -> ModuleType:
    return sys.modules["advice_stability"]


def run(script: ModuleType, name: str, row: str, seed: int, right: list[bool], **fields: Any) -> Any:
    known: dict[str, Any] = {
        "set": name, "row": row, "seed": seed, "became": row, "why": "", "part": "test",
        "right": {f"{at}.png": sign for at, sign in enumerate(right)}, "seconds": 9.0, "epochs": 5, "best_epoch": 3,
    }  # fmt: skip
    return script.Result(**(known | fields))


def noisy(rng: random.Random, accuracy: float, images: int) -> list[bool]:
    return [rng.random() < accuracy for _ in range(images)]


def planted(
    script: ModuleType, name: str, accuracies: dict[str, float], advised: str, images: int = 400, seeds: int = 3
) -> list[Any]:
    """Rows of a set with these true accuracies; the advice is one of them, or another row with the accuracy of 'auto'."""
    rng = random.Random(name)
    found = [
        run(script, name, row, seed, noisy(rng, accuracy, images))
        for row, accuracy in accuracies.items()
        for seed in range(1 if row == FULL else seeds)
    ]
    same = [one for one in found if one.row == advised]
    return found + [
        run(script, name, "auto", one.seed, list(one.right.values()), became=advised)
        for one in same
        if one.row != "auto"
    ]


def regret(script: ModuleType, results: list[Any], name: str = "cells", **options: Any) -> Any:
    return script.regret_of(script.answers_of(results, name), **options)


def test_advice_that_is_the_best_row_has_no_regret(script: ModuleType) -> None:
    found = regret(script, planted(script, "cells", {HEAD: 0.8, TOP: 0.9, FULL: 0.85}, TOP))
    assert found.honest.low <= 0 <= found.honest.high
    assert abs(found.honest.value) < 0.01 and found.best == TOP and found.optimistic == 0
    assert not found.clearly_worse and found.first_seed.p == 1
    assert found.chosen[TOP] > 0.8 and sum(found.chosen.values()) == pytest.approx(1)
    assert found.answers.became == {TOP: 3}


def test_advice_that_is_ten_points_worse_has_that_regret(script: ModuleType) -> None:
    found = regret(script, planted(script, "cells", {HEAD: 0.8, TOP: 0.9, FULL: 0.7}, HEAD, images=2_000))
    assert found.honest.value == pytest.approx(0.1, abs=0.02)
    assert 0 < found.honest.low < 0.1 < found.honest.high < 0.15
    assert found.clearly_worse and found.first_seed.difference == pytest.approx(-0.1, abs=0.03)
    narrow, wide = script.means([found])
    assert narrow == found.honest and wide.value == narrow.value


def test_of_equal_noisy_rows_the_best_looks_better_in_sample_alone(script: ModuleType) -> None:
    """This is why the best row is chosen on one half and scored on the other."""
    equal = {HEAD: 0.8, TOP: 0.8, FULL: 0.8, "auto": 0.8}
    results = [one for at in range(12) for one in planted(script, f"set {at}", equal, "auto", images=150, seeds=2)]
    found = [regret(script, results, f"set {at}", halves=40, draws=300) for at in range(12)]
    narrow, wide = script.means(found)
    optimistic = np.mean([one.optimistic for one in found])
    assert narrow.low < 0 < narrow.high and wide.low < 0 < wide.high
    assert abs(narrow.value) < 0.012 < narrow.value + 0.012 < optimistic
    assert all(one.optimistic >= one.honest.value for one in found)


@pytest.mark.parametrize("weights", [(1, 1, 1, 1), (2, 1, 1, 0)])
def test_halves_are_chosen_on_one_side_and_scored_on_the_other(script: ModuleType, weights: tuple[int, ...]) -> None:
    """Against all six halves of four images, one by one; an image that was drawn twice counts twice in one half."""
    rows = {"auto": [1, 0, 1, 0], HEAD: [1, 1, 0, 0], TOP: [0, 1, 1, 1]}
    results = [run(script, "cells", row, 0, [bool(one) for one in right]) for row, right in rows.items()]
    regrets = []
    for choosing in itertools.combinations(range(4), 2):
        scoring = [at for at in range(4) if at not in choosing]
        first = {row: sum(weights[at] * rows[row][at] for at in choosing) for row in (HEAD, TOP)}
        best = [row for row in first if first[row] == max(first.values())]
        size = sum(weights[at] for at in scoring)
        gains = [sum(weights[at] * (rows[row][at] - rows["auto"][at]) for at in scoring) / size for row in best]
        regrets.append(sum(gains) / len(gains))
    drawn = np.array([weights], dtype=float)
    value, _ = script.by_halves(script.answers_of(results, "cells"), drawn, 4_000, 0)
    assert value[0] == pytest.approx(np.mean(regrets), abs=0.02)


def test_a_row_is_chosen_by_some_seeds_and_scored_by_the_others(script: ModuleType) -> None:
    """A row right on every image with one seed and wrong with the other is chosen by luck, and then scored 0."""
    lucky = [run(script, "cells", TOP, seed, [seed == 0] * 20) for seed in (0, 1)]
    steady = [run(script, "cells", row, seed, [True, False] * 10) for seed in (0, 1) for row in (HEAD, "auto")]
    value, chosen = script.by_halves(script.answers_of(lucky + steady, "cells"), np.ones((1, 20)), 50, 0)
    assert chosen == pytest.approx({HEAD: 0.5, TOP: 0.5})
    assert value[0] == pytest.approx(-0.25, abs=0.02)  # -0.5 in one direction, 0 in the other


def test_a_difference_told_apart_is_worse_only_beyond_three_points(script: ModuleType) -> None:
    for lost, worse in ((5, False), (6, False), (7, True)):
        auto = [at >= lost for at in range(200)]
        results = [run(script, "cells", "auto", 0, auto), run(script, "cells", HEAD, 0, [True] * 200)]
        assert regret(script, results, halves=2, draws=9).clearly_worse is worse
    auto = [at >= 4 for at in range(20)]  # 20 points, which 4 images do not tell apart
    results = [run(script, "cells", "auto", 0, auto), run(script, "cells", HEAD, 0, [True] * 20)]
    assert not regret(script, results, halves=2, draws=9).clearly_worse


def test_sets_with_nothing_to_compare_say_why(script: ModuleType) -> None:
    head, auto = run(script, "cells", HEAD, 0, [True] * 4), run(script, "cells", "auto", 0, [True] * 4)
    assert script.answers_of([head], "cells") == "cells: no advised row in the results."
    assert script.answers_of([auto], "cells") == "cells: no other row in the results."
    other = run(script, "cells", "auto", 0, [True])
    assert "fewer than two images in common" in script.answers_of([head, other], "cells")
    answers = script.answers_of([head, auto, run(script, "cells", HEAD, 0, [False] * 4)], "cells")
    assert answers.mean(HEAD).sum() == 0  # a later run replaces an earlier one


def test_fitted_and_other_sets_have_tables_of_their_own_and_torn_lines_are_skipped(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "old.jsonl", tmp_path / "new.jsonl"]
    for file, name in zip(files, ("bccd_cells", "fresh"), strict=True):
        results = planted(script, name, {HEAD: 0.8, TOP: 0.9, FULL: 0.8}, HEAD, images=200)
        lines = [json.dumps(one.__dict__) for one in results]
        file.write_text("\n".join([*lines, '{"set": "torn", "ro']))
    assert script.main(["--results", *map(str, files), "--fitted", "bccd_cells", "--markdown"]) == 0
    said = capsys.readouterr().out
    fitted, fresh = said.split("**Sets not looked at before**")
    assert fitted.startswith("**Sets on which thresholds were chosen**") and "torn" not in said
    assert "| bccd_cells | 200 test | 1 to 3 | feature-extraction x3 | fine-tune-top (" in fitted
    assert "| fresh | 200 test |" in fresh and "fresh" not in fitted
    assert fitted.count("Mean regret over 1 sets: +") == fresh.count("Mean regret over 1 sets: +") == 1
    assert f"One seed, used in both halves (the images differ): {FULL}." in fresh
    assert "fresh: compared without progressive-unfreezing, from-scratch." in fresh
    assert script.main(["--results", str(files[1]), "--checked", "other"]) == 0
    said = capsys.readouterr().out
    assert (
        "other: no results." in said and "fresh: in neither table." in said and said.count("None has results yet.") == 2
    )


def test_a_copy_lacks_a_tenth_of_each_folders_images_and_no_table(stable: ModuleType, tmp_path: Path) -> None:
    for folder, count in (("train/a", 20), ("train/b", 10), ("test/a", 4)):
        (tmp_path / "cells" / folder).mkdir(parents=True)
        for at in range(count):
            (tmp_path / "cells" / folder / f"{at}.PNG").write_bytes(bytes([at]))
    (tmp_path / "cells" / "labels.csv").write_text("path,label\n")
    copies = [tmp_path / str(seed) for seed in range(2)]
    assert [stable.thin(tmp_path / "cells", copy, random.Random(f"0 {copy.name}")) for copy in copies] == [3, 3]
    for copy in copies:
        kept = Counter(str(path.parent.relative_to(copy)) for path in copy.rglob("*.PNG"))
        assert kept == {str(Path("train/a")): 18, str(Path("train/b")): 9, str(Path("test/a")): 4}
        assert (copy / "labels.csv").exists()
    names = [{path.relative_to(copy) for path in copy.rglob("*.PNG")} for copy in copies]
    assert names[0] != names[1]
    assert len(list((tmp_path / "cells").rglob("*.PNG"))) == 34


def test_copies_with_the_same_recommendation_are_counted(
    stable: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cells").mkdir()
    for at in range(10):
        (tmp_path / "cells" / f"{at}.png").write_bytes(b"")

    def answer(strategy: str) -> dict[str, Any]:
        way = {"strategy": strategy, "top_groups": 2}
        return {"recommended": way, "sure": "sure", "headroom": {"value": 0.07}, "similarity": {"band": None}}

    said: Iterator[Any] = iter([answer(TOP), answer(HEAD), answer(TOP), "no answer (it broke)"])
    monkeypatch.setattr(stable, "advice", lambda *_: next(said))
    stable.stability(tmp_path / "cells", copies=3, seed=0, trial=False)
    assert capsys.readouterr().out.splitlines() == [
        "cells: fine-tune-top (2 groups), sure, headroom 7.0 %, similarity: unknown",
        "  copy 1, 1 images left out: feature-extraction, sure, headroom 7.0 %, similarity: unknown",
        "  copy 2, 1 images left out: fine-tune-top (2 groups), sure, headroom 7.0 %, similarity: unknown",
        "  copy 3, 1 images left out: no answer (it broke)",
        "  the same recommendation in 1 of 3 copies",
    ]


def test_a_set_that_each_seed_splits_anew_has_the_images_of_all_seeds_side_by_side(script: ModuleType) -> None:
    """Averaged over seeds, hardly an image would be left that all of them scored."""

    def of_seed(row: str, seed: int, share: float) -> Any:
        signs = {f"{seed}-{at}.png": at < share * 40 for at in range(40)}
        return dataclasses.replace(run(script, "s", row, seed, [], became=HEAD), right=signs)

    shares = {"auto": 0.75, HEAD: 0.75, TOP: 0.85}
    runs = [of_seed(row, seed, share) for row, share in shares.items() for seed in (0, 1, 2)]
    lone = of_seed(FULL, 0, 1.0)
    found = script.answers_of([*runs, lone], "s")
    assert (found.images, found.part, found.became) == (120, "test, 3 splits", {HEAD: 3})
    assert set(found.right) == {"auto", HEAD, TOP}  # the other one has one seed alone
    regret = script.regret_of(found, halves=20, draws=50)
    assert regret.optimistic == pytest.approx(0.1) and regret.honest.value == pytest.approx(0.1, abs=0.02)
    only = [one for one in runs if one.row == "auto"]
    assert "split of its own" in str(script.answers_of([*only, lone], "s"))
