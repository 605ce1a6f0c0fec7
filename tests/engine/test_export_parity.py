"""The comparison itself and the choice of images, without a network."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tlgui.core.errors import UserError
from tlgui.core.run_folder import ManifestRow
from tlgui.engine.export import parity
from tlgui.engine.export.parity import Answer
from tlgui.engine.weights import sha256_of

NAMES = ["a", "b", "c"]


def answer(*probabilities: float, scale: float = 1.0) -> Answer:
    values = np.array(probabilities, dtype=np.float64)
    return Answer(NAMES[int(values.argmax())], values, scale * np.log(values))


def test_equal_answers_pass_with_nothing_between_them() -> None:
    own = [answer(0.7, 0.2, 0.1), answer(0.1, 0.1, 0.8)]
    record = parity.compare(own, own).record()
    assert record["passed"] is True
    assert (record["images"], record["labels_equal"], record["ties"]) == (2, 2, 0)
    assert record["max_probability_difference"] == 0


def test_a_flip_between_two_equal_classes_is_a_tie_and_any_other_fails() -> None:
    near = parity.compare([answer(0.4005, 0.3995, 0.2)], [answer(0.3998, 0.4002, 0.2)])
    assert (near.passed, near.record()["ties"]) == (True, 1)
    far = parity.compare([answer(0.402, 0.398, 0.2)], [answer(0.3999, 0.4001, 0.2)])
    assert (far.passed, far.record()["ties"]) == (False, 0)


def test_the_worst_image_is_a_flip_before_it_is_a_large_difference() -> None:
    own = [answer(0.9, 0.05, 0.05), answer(0.36, 0.33, 0.31), answer(0.6, 0.2, 0.2)]
    theirs = [answer(0.7, 0.25, 0.05), answer(0.33, 0.36, 0.31), answer(0.6, 0.2, 0.2)]
    assert parity.compare(own, theirs).worst == 1


def test_a_missing_or_infinite_answer_is_infinitely_far_and_still_json() -> None:
    nowhere = Answer("a", np.array([math.nan, 0.5, 0.5]), np.array([math.nan, 0.0, 0.0]))
    for theirs in (None, nowhere):
        verdict = parity.compare([answer(0.5, 0.3, 0.2)], [theirs])
        assert verdict.passed is False
        assert verdict.record()["max_probability_difference"] is None


def test_nothing_compared_is_not_passed() -> None:
    assert parity.compare([], []).passed is False


def test_a_sure_model_cannot_hide_wrong_logits_behind_equal_probabilities() -> None:
    own = Answer("a", np.array([1.0, 0.0, 0.0]), np.array([90.0, 0.0, 0.0]))
    theirs = Answer("a", np.array([1.0, 0.0, 0.0]), np.array([180.0, 0.0, 0.0]))
    assert parity.compare([own], [theirs]).passed is False


def rows_on_disk(root: Path, per_class: dict[str, int]) -> list[ManifestRow]:
    rows = []
    for name, n in per_class.items():
        for i in range(n):
            path = root / name / f"{i}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(f"{name} {i}".encode())
            rows.append(
                ManifestRow(path=f"{name}/{i}.png", class_name=name, part="validation", content_hash=sha256_of(path))
            )
    return rows


def test_images_are_spread_over_the_classes_and_always_the_same(tmp_path: Path) -> None:
    rows = rows_on_disk(tmp_path, {"many": 200, "some": 40, "few": 3})
    chosen = parity.choose(rows, tmp_path)
    counts = {name: sum(row.class_name == name for row in chosen) for name in ("many", "some", "few")}
    assert len(chosen) == parity.MAX_IMAGES
    assert counts["few"] == 3
    assert abs(counts["many"] - counts["some"]) <= 1
    assert parity.choose(rows[::-1], tmp_path) == chosen


def test_lost_and_changed_images_and_other_parts_are_passed_over(tmp_path: Path) -> None:
    rows = rows_on_disk(tmp_path, {"x": 6})
    (tmp_path / "x" / "0.png").unlink()
    (tmp_path / "x" / "1.png").write_bytes(b"another")
    rows[2] = ManifestRow(path="x/2.png", class_name="x", part="test", content_hash=rows[2].content_hash)
    rows.append(ManifestRow(path="x/\0.png", class_name="x", part="validation", content_hash="0"))
    assert sorted(row.path for row in parity.choose(rows, tmp_path)) == ["x/3.png", "x/4.png", "x/5.png"]


def test_no_image_left_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="are not in the folder"):
        parity.choose([], tmp_path)


def test_a_script_cannot_import_what_is_kept_out(tmp_path: Path) -> None:
    script = tmp_path / "predict.py"
    script.write_text("import json\nimport tlgui.core\n")
    with pytest.raises(parity.ScriptError, match="No module named 'tlgui'") as caught:
        parity.script_answers(script, [], NAMES, ["tlgui", "torch"], threads=1)
    assert str(tmp_path) not in str(caught.value)
    script.write_text("print('nothing useful')")
    with pytest.raises(parity.ScriptError, match="ended with code 0"):
        parity.script_answers(script, [], NAMES, ["tlgui"], threads=1)


def test_answers_are_matched_by_name_and_strange_file_names_pass(tmp_path: Path) -> None:
    script = tmp_path / "predict.py"
    script.write_text(
        "import sys, json\n"
        "print(json.dumps([{'label': path[-1], 'probabilities': {'c': .1, 'b': .2, 'a': .7}, 'logits': [1, 2, 3]}"
        " for path in sys.argv[2:]] + [{'problem': 'gone'}]))"
    )
    said = parity.script_answers(script, [Path("/x/\udcff ü\"'<b> a")], NAMES, ["tlgui"], threads=1)
    assert said[0] is not None
    assert said[0].label == "a"
    assert said[0].probabilities.tolist() == [0.7, 0.2, 0.1]
    assert said[1] is None
