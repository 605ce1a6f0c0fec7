"""Runs a script as somebody would who does not have tlgui: forbidden modules cannot be imported.

Reads one JSON object from standard input: {"script", "arguments", "search", "blocked"}; `search` is where Python looks
for packages. Started with `python -I`.
"""

from __future__ import annotations

import json
import runpy
import sys
from importlib.abc import MetaPathFinder


class Wall(MetaPathFinder):
    """Says of the forbidden modules that there are none."""

    def __init__(self, blocked: list[str]) -> None:
        self._blocked = frozenset(blocked)

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Raises for a forbidden module, and leaves all others to the next finder."""
        if fullname.partition(".")[0] in self._blocked:
            raise ModuleNotFoundError(f"No module named '{fullname}' (kept out on purpose)", name=fullname)


def main() -> None:
    """Runs the script in this process, under its own name."""
    order = json.load(sys.stdin)
    sys.path[:] = order["search"]
    sys.meta_path.insert(0, Wall(order["blocked"]))
    already = sorted(name for name in sys.modules if name.partition(".")[0] in order["blocked"])
    if already:
        raise SystemExit(f"imported before the wall stood: {', '.join(already)}")
    sys.argv = [order["script"], *order["arguments"]]
    runpy.run_path(order["script"], run_name="__main__")


if __name__ == "__main__":
    main()
