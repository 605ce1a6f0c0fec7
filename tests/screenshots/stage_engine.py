"""The fake engine with two more tricks for pictures: it can stop in the middle of a piece of work, or fail in it.

    stage_engine_command("train", hold="Export", pace=0.01)
    stage_engine_command("train", fail="Fetch")

Like the fake engine it is started with `-I -S` and imports the standard library alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from helpers import fake_engine
from helpers.fake_answers import Said, answers

_HERE = Path(__file__).resolve().parent
_START = (
    f"import sys; sys.path[:0] = [{str(_HERE.parent)!r}, {str(_HERE)!r}]; "
    "from stage_engine import main; sys.exit(main(sys.argv[1:]))"
)
_FAILURES: dict[str, Said] = {
    "Fetch": {
        "type": "Failed",
        "code": "download_failed",
        "problem": "The weights of ResNet-50 could not be downloaded: the server does not answer.",
        "remedy": "Check the network or the proxy and try again.",
        "details": "URLError: <urlopen error [Errno -3] Temporary failure in name resolution>",
    },
    "ProbeShortcuts": {
        "type": "Failed",
        "problem": "Too few images: fewer than two classes have at least 5.",
        "remedy": "Add images, then ask again.",
    },
    "MeasureGap": {
        "type": "Failed",
        "code": "too_few_images",
        "problem": "Only 3 images of the new site can be used: below 10, nothing can be said of the difference.",
        "remedy": "Add images of the new site, then ask again.",
    },
    "Export": {
        "type": "Failed",
        "problem": "The disk is full.",
        "remedy": "Free some space, then export again.",
        "details": "OSError: [Errno 28] No space left on device",
    },
}


def stage_engine_command(scenario: str = "train", hold: str = "", fail: str = "", **options: float | str) -> list[str]:
    """The command of an engine that stands still in the middle of jobs of the type `hold`, and fails in `fail`."""
    plain = fake_engine.fake_engine_command(scenario, **options)
    at = plain.index("-c") + 1
    return [*plain[:at], _START, f"{hold}/{fail}", *plain[at + 1 :]]


def main(arguments: list[str]) -> int:
    """The child's entry: which jobs stand still and fail, then what the fake engine takes."""
    hold, _, fail = arguments[0].partition("/")

    def played(job: Said) -> Iterator[Said]:
        told = list(answers(job))
        if job["type"] == fail:
            yield told[0]
            yield _FAILURES[fail]
            return
        for place, said in enumerate(told):
            if job["type"] == hold and place > len(told) // 2:
                while True:
                    time.sleep(60)
            yield said

    fake_engine.answers = played
    return fake_engine.main(arguments[1:])
