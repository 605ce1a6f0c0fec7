"""The seam itself, with real processes."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from bootstrap_commands import TIMED_OUT, Commands
from bootstrap_lock import install_lock

posix_only = pytest.mark.skipif(os.name != "posix", reason="sessions and inherited locks are POSIX's")


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_both_streams_are_heard_in_order_and_the_exit_code_returned() -> None:
    heard: list[str] = []

    answer = Commands().listen(
        python("import sys; print('eins', flush=True); print('zwei', file=sys.stderr); sys.exit(3)"),
        on_line=heard.append,
    )

    assert answer == (3, ["eins", "zwei"])
    assert heard == ["eins", "zwei"]


@pytest.mark.slow
@posix_only
def test_a_time_limit_ends_the_program_with_its_children(tmp_path: Path) -> None:
    child = f"import time, pathlib; time.sleep(3); pathlib.Path({str(tmp_path / 'alive')!r}).touch()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    began = time.monotonic()
    answer = Commands().listen(python(parent), limit_s=0.6)

    assert answer.exit_code == TIMED_OUT
    assert time.monotonic() - began < 2.9
    time.sleep(max(0.0, 3.2 - (time.monotonic() - began)))
    assert not (tmp_path / "alive").exists()


def test_an_error_while_listening_ends_the_program() -> None:
    def fail(line: str) -> None:
        raise KeyboardInterrupt(line)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="first"):
        Commands().listen(python("import time; print('first', flush=True); time.sleep(60)"), on_line=fail)

    assert time.monotonic() - began < 20


def test_attending_returns_the_exit_code() -> None:
    assert Commands().attend(python("raise SystemExit(7)")) == 7


def test_a_second_start_waits_says_so_and_then_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    order: list[str] = []
    told = threading.Event()

    def say(sentence: str) -> None:
        said.append(sentence)
        told.set()

    def second() -> None:
        with install_lock(tmp_path, say):
            order.append("second")

    with install_lock(tmp_path, said.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(timeout=10)
        order.append("first")
    thread.join(timeout=10)

    assert order == ["first", "second"]
    assert said == ["Another start is installing into this environment; waiting until it has finished."]


@posix_only
def test_the_lock_of_a_killed_start_does_not_block(tmp_path: Path) -> None:
    packaging = Path(__file__).resolve().parents[2] / "packaging"
    script = (
        f"import sys, time, pathlib; sys.path.insert(0, {str(packaging)!r})\n"
        "from bootstrap_lock import install_lock\n"
        f"with install_lock(pathlib.Path({str(tmp_path)!r}), print):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(python(script), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()

    said: list[str] = []
    with install_lock(tmp_path, said.append):
        assert said == []


@pytest.mark.slow
@posix_only
def test_a_child_that_inherits_the_lock_keeps_it_when_we_are_gone(tmp_path: Path) -> None:
    said: list[str] = []
    with install_lock(tmp_path, said.append) as descriptor:
        child = subprocess.Popen(python("import time; time.sleep(1)"), pass_fds=[descriptor])

    with install_lock(tmp_path, said.append):
        assert child.poll() is not None
    child.wait()
    assert len(said) == 1
