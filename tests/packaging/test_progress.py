import io

import pytest
from bootstrap_progress import PipNews, Progress, duration_words, read_pip_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("line", "news"),
    [
        ("Collecting torch>=2.10 (from tlgui)", PipNews("looking for torch")),
        (
            "  Downloading https://example.org/whl/torch-2.12.0%2Bcpu-cp311-cp311-linux_x86_64.whl (191.2 MB)",
            PipNews("fetching torch 2.12.0+cpu", 191_200_000),
        ),
        ("Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)", PipNews("fetching six 1.17.0", 11_000)),
        ("  Using cached numpy-2.4.6.tar.gz (16.9 MB)", PipNews("taking from pip's cache numpy 2.4.6", 16_900_000)),
        ("Processing ./a b/six-1.17.0-py3-none-any.whl", None),
        ("Processing /wheels/six-1.17.0-py3-none-any.whl", PipNews("reading six 1.17.0")),
        ("  Downloading torch-2.12.0-cp311-none-any.whl.metadata (31 kB)", None),
        ("Progress 1048576 of 915600000", PipNews("", 915_600_000, 1_048_576)),
        ("Installing collected packages: mpmath, sympy, torch", PipNews("unpacking 3 packages")),
        ("Installing collected packages: six", PipNews("unpacking 1 package")),
        ("  Building editable for tlgui (pyproject.toml): started", PipNews("building")),
        ("WARNING: Retrying (Retry(total=4))", PipNews("no answer from the package index, trying again")),
        ("Requirement already satisfied: six", None),
        ("", None),
    ],
)
def test_a_line_of_pip_is_understood(line: str, news: PipNews | None) -> None:
    assert read_pip_line(line) == news


def test_a_terminal_shows_package_progress_and_time_on_one_line() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock)

    progress.begin(2, 4, "PyTorch")
    progress.read("Downloading torch-2.12.0-cp311-none-any.whl (915.6 MB)")
    clock.now += 65
    progress.read("Progress 457800000 of 915600000")
    clock.now += 5
    progress.done()

    assert "\r[2/4] PyTorch: fetching torch 2.12.0, 458 MB of 916 MB, 1 min 05 s" in stream.getvalue()
    assert stream.getvalue().endswith("\r[2/4] PyTorch: done in 1 min 10 s\n")
    assert stream.getvalue().count("\n") == 1


def test_a_log_gets_plain_lines_and_a_sign_of_life() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)

    progress.begin(2, 4, "PyTorch")
    progress.read("Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)")
    progress.read("Downloading torch-2.12.0-cp311-none-any.whl (915.6 MB)")
    for _ in range(40):
        clock.now += 1
        progress.read("Progress 457800000 of 915600000")
    progress.done()

    assert stream.getvalue().splitlines() == [
        "[2/4] PyTorch ...",
        "[2/4] PyTorch: fetching torch 2.12.0 (916 MB)",
        "[2/4] PyTorch: fetching torch 2.12.0, 458 MB of 916 MB, 30 s so far",
        "[2/4] PyTorch: done in 40 s",
    ]


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.9, "59 s"), (125, "2 min 05 s")])
def test_durations_are_said_shortly(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words
