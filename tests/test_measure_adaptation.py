"""The adaptation script's own arithmetic: who is scored when, what an answer is, and the paired difference."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_SCRIPT = Path(__file__).parent / "benchmarks" / "measure_adaptation.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("measure_adaptation", _SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def answer(script: ModuleType, right: str, way: str = "mmd", seed: int = 0, task: str = "pacs-art") -> Any:
    share = right.count("1") / len(right)
    return script.Answer(
        task=task, way=way, seed=seed, new=share, known=1.0, n=len(right), seconds=9.4, right=right
    )  # fmt: skip


def test_rows_of_before_have_no_answers_and_can_be_read(script: ModuleType, tmp_path: Path) -> None:
    old = {"task": "digits", "way": "mmd", "seed": 0, "new": 0.9, "known": 1.0, "n": 600, "seconds": 383.2}
    (tmp_path / "a.jsonl").write_text(json.dumps(old) + "\n" + json.dumps(old | {"way": "none", "new": 0.25}) + "\n")
    read = list(script.read(tmp_path / "a.jsonl"))
    assert [(one.way, one.right, one.alarm) for one in read] == [("mmd", "", ""), ("none", "", "")]
    rows = list(script.table(read))
    assert rows[2:] == [
        "| digits | none | 1 | 25.0 % | - | - | 100.0 % | 383 |",
        "| digits | mmd | 1 | 90.0 % | - | - | 100.0 % | 383 |",
    ]


def test_the_class_of_an_image_is_the_name_of_its_folder(script: ModuleType) -> None:
    predicted = [
        {"path": "scored/b/2.png", "label": "b"},
        {"path": "scored/a/1.png", "label": "b"},
        {"path": "scored/a/3.png", "label": "", "problem": "It is broken."},
    ]
    assert script.right_of(predicted) == "010", "by file name: 1, 2, 3"


def test_each_image_of_a_kind_of_pictures_is_scored_once_and_never_adapted_to(
    script: ModuleType, tmp_path: Path
) -> None:
    for domain in ("photo", "sketch"):
        for name in ("cat", "dog"):
            for number in range(7):
                file = tmp_path / "pacs_subset" / domain / name / f"{number}.jpg"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(f"{domain}{name}{number}".encode())
    scored: list[Path] = []
    for fold in range(script.FOLDS):
        sites = script.TASKS["pacs-sketch"].sites(tmp_path, tmp_path / "work", fold)
        assert sites.known == tmp_path / "pacs_subset" / "photo"
        here = [path.resolve() for path in sites.scored.glob("*/*")]
        there = [path.resolve() for path in sites.target.glob("*/*")]
        assert len({*here, *there}) == len(here) + len(there) == 14
        scored += here
    assert sorted(scored) == sorted((tmp_path / "pacs_subset" / "sketch").glob("*/*"))


def test_the_difference_is_of_the_same_images_over_all_seeds(script: ModuleType) -> None:
    alone = [answer(script, "1100", "none", seed) for seed in (0, 1)]
    adapted = [answer(script, "1111", seed=0), answer(script, "0111", seed=1), answer(script, "1111", seed=2)]
    found = script.paired(script.TASKS["pacs-art"], adapted, alone)
    assert (found.images, found.better, found.worse) == (8, 4, 1)


def test_images_that_every_seed_is_scored_on_count_once(script: ModuleType) -> None:
    """And the ten of a drawn specimen hardly more: three seeds do not make the interval narrower by the root of three."""
    right, wrong = "1" * 80 + "0" * 20, "1" * 60 + "0" * 40
    alone = [answer(script, wrong, "none", seed) for seed in range(3)]
    adapted = [answer(script, right, seed=seed) for seed in range(3)]
    once = script.paired(script.TASKS["pacs-art"], adapted[:1], alone[:1])
    apart = script.paired(script.TASKS["pacs-art"], adapted, alone)
    same = script.paired(script.TASKS["digits"], adapted, alone)
    specimens = script.paired(script.TASKS["demo"], adapted, alone)
    width = {name: one.high - one.low for name, one in locals().items() if hasattr(one, "high")}
    assert width["apart"] < 0.65 * width["once"] < width["once"] < 1.05 * width["same"]
    assert width["specimens"] > 1.5 * width["apart"]
    assert once.difference == apart.difference == same.difference == specimens.difference == 0.2


def test_a_way_is_said_with_its_interval(script: ModuleType) -> None:
    rows = list(script.table([answer(script, "1" * 60 + "0" * 40, "none"), answer(script, "1" * 80 + "0" * 20)]))
    assert len(rows) == 4 and rows[2].startswith("| pacs-art | none | 1 | 60.0 % | - | - |")
    assert rows[3].startswith("| pacs-art | mmd | 1 | 80.0 % | +20.0 (+11.") and "| < .001 | 100.0 % | 9 |" in rows[3]
