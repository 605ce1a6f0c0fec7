"""Words that hold for the whole window, read from its source."""

from __future__ import annotations

import ast
from pathlib import Path

import tlgui.gui

HERE = Path(tlgui.gui.__file__).parent


def test_an_ellipsis_is_one_sign_and_not_three_dots() -> None:
    found = []
    for file in sorted(HERE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        found += [
            f"{file.name}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
            and "..." in node.value
        ]  # fmt: skip
    assert found == []
