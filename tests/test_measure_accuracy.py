"""The accuracy script's own arithmetic: what is left to train, what the answers say, how rows are compared."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_SCRIPT = Path(__file__).parent / "benchmarks" / "measure_accuracy.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("measure_accuracy", _SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    return module


def result(script: ModuleType, right: str, row: str = "auto", seed: int = 0, name: str = "cells", **fields: Any) -> Any:
    """One run whose images were told right ("1") or wrong ("0")."""
    known: dict[str, Any] = {
        "set": name, "row": row, "seed": seed, "became": row, "why": "", "part": "test",
        "right": {f"{at}.png": sign == "1" for at, sign in enumerate(right)}, "seconds": 99.0,
        "processor_seconds": 10.0, "epochs": 5, "best_epoch": 3,
    }  # fmt: skip
    return script.Result(**(known | fields))


def test_what_is_there_is_not_trained_again_and_first_seeds_come_first(script: ModuleType) -> None:
    done = [result(script, "1", "auto", 0, "a"), result(script, "1", "feature-extraction", 1, "b")]
    left = list(script.missing(done, ["a", "b"], ["feature-extraction", "auto", "full-fine-tuning"], None))
    assert len(left) == 2 * 3 + 2 * 3 + 2 * 1 - 2
    assert ("a", "auto", 0) not in left and ("b", "feature-extraction", 1) not in left
    assert [seed for _, _, seed in left] == sorted(seed for _, _, seed in left)
    assert ("a", "full-fine-tuning", 1) not in left
    assert list(script.missing([], ["a"], ["auto"], [7])) == [("a", "auto", 7)]


def test_results_come_back_and_a_torn_line_is_passed_over(script: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "results.jsonl"
    assert script.read(file) == []
    both = [result(script, "101"), result(script, "111", seed=1)]
    for one in both:
        script.append(file, one)
    with file.open("a") as stream:
        stream.write('{"set": "cells", "ro')
    assert script.read(file) == both
    assert both[0].accuracy == pytest.approx(2 / 3)


def test_answers_are_of_test_images_where_there_are_some(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    table = tmp_path / "results" / "predictions.csv"
    head = "path,split,true,predicted,p_a,p_b\n"
    rows = "x/1.png,train,a,a,1,0\nx/2.png,validation,a,b,0,1\n"
    table.write_text(head + rows)
    assert script.answers(tmp_path) == ("validation", {"x/2.png": False})
    table.write_text(head + rows + "x/3.png,test,b,b,0,1\n")
    assert script.answers(tmp_path) == ("test", {"x/3.png": True})
    said = [
        {"type": "StrategyChosen", "strategy": "fine-tune-top", "sentence": "There is headroom."},
        {"type": "EpochEnded", "epoch": 0}, {"type": "EpochEnded", "epoch": 4},
        {"type": "Completed", "best_epoch": 4},
    ]  # fmt: skip
    found = script.result_of(tmp_path, "cells", "auto", 2, json.loads(json.dumps(said)), 12.34)
    assert (found.became, found.why, found.epochs, found.best_epoch) == ("fine-tune-top", "There is headroom.", 4, 4)


def test_the_paired_interval_is_that_of_the_single_differences(script: ModuleType) -> None:
    """Against the normal interval of a mean, which it comes close to with many images."""
    rng = random.Random(0)
    first = "".join("1" if rng.random() < 0.9 else "0" for _ in range(2_000))
    second = "".join(sign if rng.random() < 0.93 else str(1 - int(sign)) for sign in first)
    found = script.paired([result(script, first)], [result(script, second)])
    gains = [int(a) - int(b) for a, b in zip(first, second, strict=True)]
    mean = sum(gains) / len(gains)
    spread = (sum((gain - mean) ** 2 for gain in gains) / len(gains)) ** 0.5 / len(gains) ** 0.5
    assert found.value == pytest.approx(mean)
    assert found.low == pytest.approx(mean - 1.96 * spread, abs=0.002)
    assert found.high == pytest.approx(mean + 1.96 * spread, abs=0.002)


def test_seeds_are_averaged_for_each_image_before_rows_are_compared(script: ModuleType) -> None:
    three = [result(script, right, seed=seed) for seed, right in enumerate(("1100", "1010", "1000"))]
    assert script.shares(three) == pytest.approx({"0.png": 1, "1.png": 1 / 3, "2.png": 1 / 3, "3.png": 0})
    assert script.paired(three, three) == (0, 0, 0)
    with pytest.raises(ValueError, match="no image in common"):
        script.paired(three, [result(script, "")])


def test_only_what_lies_a_point_beyond_the_interval_is_below(script: ModuleType) -> None:
    assert script.words(script.Difference(0.03, 0.011, 0.05)) == "+3.0 (+1.1 to +5.0) below"
    assert script.words(script.Difference(0.03, 0.009, 0.05)) == "+3.0 (+0.9 to +5.0) fine"
    assert script.words(script.Difference(-0.01, -0.02, 0.0)) == "-1.0 (-2.0 to +0.0) fine"


def test_the_tables_hold_every_set_and_row(script: ModuleType) -> None:
    good, bad = "1" * 150, "1" * 100 + "0" * 50
    results = [
        result(script, bad, "feature-extraction", seed, "bccd_cells", processor_seconds=5.0 + seed) for seed in range(3)
    ] + [
        result(script, good, "fine-tune-top", 0, "bccd_cells"),
        result(script, bad, "auto", 0, "bccd_cells", became="feature-extraction"),
        result(script, good, "auto", 0, "other"),
    ]
    lines = script.table(results).splitlines()
    assert lines[0] == "| set | images | feature-extraction | auto | fine-tune-top |"
    assert lines[2] == ("| bccd_cells | 150 test | 0.667 (3 seeds, 0.667 to 0.667), 6 s | 0.667, 10 s | 1.000, 10 s |")
    assert lines[3] == "| other | 150 test | - | 1.000, 10 s | - |"
    check = next(line for line in lines[5:] if line.startswith("| bccd_cells"))
    assert "| feature-extraction | fine-tune-top | +33.3 (" in check and check.count("below") == 2
    assert "fastai head 0.990" in check
    assert lines[-1] == "| other | auto | - | - | not measured | - |"
    assert script.table([]) == "There are no results yet.\n"


def test_every_baseline_is_of_a_set_that_is_measured(script: ModuleType) -> None:
    assert {one.set for one in script.BASELINES} <= set(script.SETS)
    assert all(0 < one.accuracy < 1 and one.n > 50 for one in script.BASELINES)
    assert set(script.SEEDS) >= {"auto", "feature-extraction", "full-fine-tuning"}
