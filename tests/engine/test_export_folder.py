"""The export's folder appears whole, under a name that nobody has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tlgui.core.errors import UserError
from tlgui.engine.export import folder


def build(to: Path, content: str, *, failed: bool = False) -> Path:
    with folder.building(to) as hidden:
        folder.write(hidden / "file", content.encode())
        return folder.publish(hidden, to, "run-onnx", failed=failed)


def test_numbers_go_up_and_nothing_is_overwritten(tmp_path: Path) -> None:
    names = [build(tmp_path, "1").name, build(tmp_path, "2", failed=True).name, build(tmp_path, "3").name]
    assert names == ["run-onnx-1", "run-onnx-2-failed", "run-onnx-3"]
    assert (tmp_path / "run-onnx-1" / "file").read_text() == "1"


def test_a_file_or_a_dead_link_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run-onnx-1").write_text("a note")
    (tmp_path / "run-onnx-2").symlink_to("nowhere")
    assert build(tmp_path, "x").name == "run-onnx-3"


def test_two_at_once_get_two_names(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        built = list(pool.map(lambda i: build(tmp_path, str(i)), range(40)))
    assert len(set(built)) == 40
    assert sorted(int((path / "file").read_text()) for path in built) == list(range(40))
    assert len(list(tmp_path.iterdir())) == 40


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), folder.building(tmp_path) as hidden:
        folder.write(hidden / "file", b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_refuses_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder 'gone' to export to"), folder.building(tmp_path / "gone"):
        pass
    with pytest.raises(UserError, match="cannot be written to"), folder.building(tmp_path) as hidden:
        folder.publish(hidden, tmp_path, "x" * 300, failed=False)
