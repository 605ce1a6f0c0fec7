"""The engine process, seen by its owner: every ending has its name, played by a small engine without torch."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess, engine_command
from tlgui.core.errors import UserError
from tlgui.core.line_process import new_log
from tlgui.core.paths import logs_dir

# Says its first line, then plays the part that its first argument names, for each job or command that it hears.
FAKE = """
import json, os, signal, sys, time

def say(kind, **fields):
    sys.stdout.write(json.dumps({"type": kind, **fields}) + "\\n")
    sys.stdout.flush()

def ready(protocol=1):
    say("EngineReady", protocol=protocol, tlgui="0", device="cpu", device_sentence="a fake", added_later=True)

def log(text):
    sys.stderr.write(text + "\\n")
    sys.stderr.flush()

part = sys.argv[1]
if part == "mute":
    sys.stdin.read()
elif part == "talks without being ready":
    while True:
        say("Paused", step=1)
elif part == "dies at once":
    log("ImportError: no such library")
    sys.exit(3)
elif part == "cannot start":
    say("Failed", problem="A part is missing: torch.", remedy="Install it.", details="the traceback")
    sys.exit(1)
elif part == "other protocol":
    ready(protocol=2)
elif part == "other protocol, other fields":
    print('{"type":"EngineReady","protocol":2}', flush=True)
elif part == "babbles":
    print("a library says hello")
    ready()
else:
    ready()

for line in sys.stdin:
    heard = json.loads(line)
    if part == "works":
        for step in range(100):
            say("Paused", step=step)
        say("Completed", message="Did " + heard["type"] + ".")
    elif part == "fails":
        say("Failed", problem="The disk is full.", remedy="Free some space.")
    elif part == "babbles":
        sys.stdout.write("\\n{\\n[1]\\n\\xff\\x00\\n" + '{"type":"Danced"}' + "\\n")
        say("Paused", step=1)
        sys.stdout.write("x" * 300_000 + "\\n")
        say("Completed", message="Done.")
    elif part == "exits":
        for number in range(30):
            log(f"line {number}")
        say("Paused", step=1)
        os._exit(3)
    elif part == "exits in mid-line":
        sys.stdout.write('{"type":"Paused","st')
        sys.stdout.flush()
        os._exit(4)
    elif part == "logs much":
        sys.stderr.buffer.write(b"\\xff" * 100_000 + "ü\\nthe last words".encode())
        sys.stderr.flush()
        os._exit(5)
    elif part == "aborts":
        os.kill(os.getpid(), signal.SIGABRT)
    elif part == "leaves its pipe to a child":
        if (child := os.fork()) == 0:
            time.sleep(60)
            os._exit(0)
        log(str(child))
        say("Paused", step=child)
        os._exit(3)
    elif part == "hangs":
        say("Paused", step=1)
        while True:
            time.sleep(1)
log("the owner is gone, saving")
sys.exit(0)
"""
JOB = commands.Evaluate(run="/runs/a", data="/data")
ANSWER_S = 60.0  # never waited for in full: a limit for a machine under load

Start = Callable[..., EngineProcess]
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has neither signals nor fork")


@pytest.fixture(autouse=True)
def nothing_outlives_the_test() -> Iterator[None]:
    """No thread and no process of ours runs on when a test is over."""
    threads = set(threading.enumerate())
    children = set(psutil.Process().children(recursive=True))
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
    assert {thread.name for thread in set(threading.enumerate()) - threads} == set()
    assert set(psutil.Process().children(recursive=True)) - children == set()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a fake engine that plays a part; it is closed when the test is over."""
    script = tmp_path / "fake_engine.py"
    script.write_text(FAKE)
    engines: list[EngineProcess] = []

    def start(part: str) -> EngineProcess:
        command = [sys.executable, "-I", "-S", str(script), part]
        engines.append(EngineProcess(command, tmp_path / "engine.log"))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close(timeout_s=0 if engine.alive else ANSWER_S)


def heard(engine: EngineProcess, job: commands.Job = JOB) -> list[events.AnyEvent]:
    return list(engine.run(job))


def test_an_engine_says_that_it_is_ready(start: Start) -> None:
    engine = start("works")

    ready = engine.wait_until_ready(ANSWER_S)

    assert (ready.protocol, ready.device_sentence) == (events.PROTOCOL, "a fake")
    assert engine.wait_until_ready(0) is ready is engine.ready
    assert engine.alive and psutil.pid_exists(engine.pid)


def test_a_job_is_heard_in_order_to_its_end(start: Start) -> None:
    assert heard(start("works")) == [
        *(events.Paused(step=step) for step in range(100)),
        events.Completed(message="Did Evaluate."),
    ]


def test_an_engine_takes_one_job_after_another(start: Start) -> None:
    engine = start("works")

    endings = [heard(engine, job)[-1] for job in (JOB, commands.Predict(run="/runs/a", paths=[]), JOB)]

    assert [ending.sentence() for ending in endings if isinstance(ending, events.Ending)] == [
        "Did Evaluate.",
        "Did Predict.",
        "Did Evaluate.",
    ]
    assert engine.close(ANSWER_S) == 0


def test_an_engine_lives_on_after_a_job_that_failed(start: Start) -> None:
    engine = start("fails")

    for _ in range(2):
        assert heard(engine) == [events.Failed(problem="The disk is full.", remedy="Free some space.")]
    assert engine.alive


def test_lines_that_are_no_events_are_passed_over_and_counted_in_the_log(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        said = heard(start("babbles"))

    assert said == [events.Paused(step=1), events.Completed(message="Done.")]
    assert caplog.text.count("a line that is no event") == 7
    assert "(300001 bytes)" in caplog.text and "xxx" not in caplog.text


@pytest.mark.parametrize("part", ["other protocol", "other protocol, other fields"])
def test_an_engine_of_another_protocol_is_refused_with_both_versions(start: Start, part: str) -> None:
    engine = start(part)

    for _ in range(2):
        with pytest.raises(UserError) as caught:
            engine.wait_until_ready(ANSWER_S)
        assert caught.value.problem == "The engine speaks version 2 of the protocol, this program version 1."
        assert caught.value.remedy == "Install the same version of tlgui on both sides."


def test_an_engine_that_cannot_start_says_why_itself(start: Start) -> None:
    with pytest.raises(UserError) as caught:
        start("cannot start").wait_until_ready(ANSWER_S)

    assert (caught.value.problem, caught.value.remedy) == ("A part is missing: torch.", "Install it.")
    assert caught.value.details == "the traceback"


def test_an_engine_that_dies_before_its_first_line_is_said_with_its_log(start: Start) -> None:
    engine = start("dies at once")

    with pytest.raises(UserError) as caught:
        engine.wait_until_ready(ANSWER_S)

    assert caught.value.problem == "The engine could not start (exit code 3)."
    assert caught.value.details == "ImportError: no such library"


@pytest.mark.parametrize("part", ["mute", "talks without being ready"])
def test_an_engine_that_is_not_ready_in_time_is_said(start: Start, part: str) -> None:
    engine = start(part)

    with pytest.raises(UserError, match=r"The engine did not answer in time\. Close other programs"):
        engine.wait_until_ready(0.2)

    assert engine.alive


def test_no_event_within_the_time_is_none(start: Start) -> None:
    engine = start("works")
    engine.wait_until_ready(ANSWER_S)

    assert engine.next_event(0.01) is None
    assert engine.next_event(0) is None


def test_an_engine_that_exits_in_mid_job_is_a_crash_with_its_last_lines(start: Start) -> None:
    *before, crashed = heard(start("exits"))

    assert before == [events.Paused(step=1)]
    assert crashed == events.Crashed(
        cause="exit code 3", last_lines="\n".join(f"line {number}" for number in range(10, 30))
    )


def test_half_a_last_line_is_passed_over(start: Start) -> None:
    assert heard(start("exits in mid-line")) == [events.Crashed(cause="exit code 4")]


def test_a_long_log_that_is_no_text_gives_its_end(start: Start) -> None:
    (crashed,) = heard(start("logs much"))

    assert isinstance(crashed, events.Crashed)
    assert crashed.last_lines.endswith("ü\nthe last words")
    assert len(crashed.last_lines) <= 4000


@posix
def test_an_engine_that_aborts_is_a_crash_by_that_signal(start: Start) -> None:
    assert heard(start("aborts")) == [events.Crashed(cause=f"signal {signal.SIGABRT.value}")]


@posix
def test_an_engine_that_is_killed_in_mid_job_is_a_crash_by_signal_9(start: Start) -> None:
    engine = start("hangs")
    said = engine.run(JOB)
    assert next(said) == events.Paused(step=1)

    os.kill(engine.pid, signal.SIGKILL)

    assert list(said) == [events.Crashed(cause="signal 9")]
    assert not engine.alive


@posix
def test_a_crash_is_said_though_a_child_of_the_engine_holds_its_pipe_open(start: Start) -> None:
    engine = start("leaves its pipe to a child")
    paused, crashed = heard(engine)
    assert isinstance(paused, events.Paused)
    child = paused.step
    try:
        assert psutil.Process(child).status() != psutil.STATUS_ZOMBIE  # it sleeps on while we already know
        assert isinstance(crashed, events.Crashed) and crashed.cause == "exit code 3"
        assert engine.close(ANSWER_S) == 3
        assert psutil.pid_exists(child)  # nor did closing wait for it
    finally:
        os.kill(child, signal.SIGKILL)


def test_after_the_crash_every_question_has_the_same_answer(start: Start) -> None:
    engine = start("exits")
    crashed = heard(engine)[-1]

    engine.send(JOB)
    engine.send(commands.Stop())

    assert engine.next_event() == engine.next_event(0) == crashed
    assert heard(engine) == [crashed]
    assert engine.close() == engine.close() == 3


def test_speaking_to_an_engine_that_has_just_died_raises_nothing(start: Start) -> None:
    engine = start("works")
    engine.wait_until_ready(ANSWER_S)
    engine._process.kill()
    engine._process.wait()

    for _ in range(3):
        engine.send(JOB)

    assert isinstance(list(engine.until_ending())[-1], events.Crashed)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPIPE], ids=["Windows", "elsewhere"])
def test_whatever_the_system_answers_to_a_dead_pipe_raises_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    class DeadPipe:
        def write(self, line: bytes) -> None:
            raise OSError(number, os.strerror(number))

    engine = start("works")
    engine.wait_until_ready(ANSWER_S)

    with monkeypatch.context() as dead:
        dead.setattr(engine._process, "stdin", DeadPipe())
        engine.send(JOB)

    assert heard(engine)[-1] == events.Completed(message="Did Evaluate.")


def test_no_wait_for_an_event_is_without_end_since_ctrl_c_would_not_end_it_on_windows(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float | None] = []
    wait = EngineProcess.next_event

    def noted(engine: EngineProcess, timeout_s: float | None = None) -> events.AnyEvent | None:
        limits.append(timeout_s)
        return None if len(limits) == 2 else wait(engine, timeout_s)

    monkeypatch.setattr(EngineProcess, "next_event", noted)
    said = heard(start("works"))

    # A wait in which nothing came is no ending.
    assert len(said) == 101 and isinstance(said[-1], events.Completed)
    assert len(limits) > 101 and all(limit is not None for limit in limits)


def test_speaking_to_an_engine_that_was_closed_raises_nothing(start: Start) -> None:
    engine = start("works")
    engine.wait_until_ready(ANSWER_S)
    assert engine.close(ANSWER_S) == 0

    engine.send(JOB)

    assert list(engine.until_ending()) == [events.Crashed(cause="exit code 0", last_lines="the owner is gone, saving")]


def test_a_job_that_cannot_be_told_is_an_error_and_not_an_endless_wait(start: Start) -> None:
    engine = start("works")

    with pytest.raises(UserError, match="is not valid text"):
        heard(engine, commands.Evaluate(run="/runs/\udcff", data="/data"))

    assert heard(engine)[-1] == events.Completed(message="Did Evaluate.")


def test_closing_lets_the_engine_save_and_leave(start: Start) -> None:
    engine = start("works")
    engine.wait_until_ready(ANSWER_S)

    assert engine.close(ANSWER_S) == 0
    assert engine.log.read_text() == "the owner is gone, saving\n"
    assert not engine.alive


def test_closing_an_engine_that_hangs_ends_it(start: Start) -> None:
    engine = start("hangs")
    assert next(engine.run(JOB)) == events.Paused(step=1)

    began = time.monotonic()
    code = engine.close(timeout_s=0.1)

    assert code == (-signal.SIGKILL if os.name == "posix" else 1)
    assert time.monotonic() - began < ANSWER_S
    assert not engine.alive and not psutil.pid_exists(engine.pid)


def test_leaving_the_with_block_closes_the_engine_even_after_an_error(start: Start) -> None:
    with pytest.raises(KeyError), start("works") as engine:
        engine.wait_until_ready(ANSWER_S)
        raise KeyError

    assert not engine.alive


def test_closing_before_the_first_line_is_no_error(start: Start) -> None:
    assert start("mute").close(ANSWER_S) == 0


OWNER = """
import os, sys
from pathlib import Path
from tlgui.core.engine_process import EngineProcess
engine = EngineProcess([sys.executable, "-I", "-S", sys.argv[1], "works"], Path(sys.argv[2]))
engine.wait_until_ready(60)
print(engine.pid, flush=True)
os._exit(9)
"""


def test_an_engine_leaves_when_its_owner_dies(start: Start, tmp_path: Path) -> None:
    start("mute")  # writes the script
    owner = subprocess.run(
        [sys.executable, "-c", OWNER, str(tmp_path / "fake_engine.py"), str(tmp_path / "log")],
        check=False,
        capture_output=True,
    )
    assert owner.returncode == 9, owner.stderr

    # Only its own last word tells: a process without a parent may stay behind as a zombie in a container.
    deadline = time.monotonic() + ANSWER_S
    while "the owner is gone" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / "log").read_text() == "the owner is gone, saving\n"


@posix
def test_ctrl_c_in_the_terminal_reaches_the_owner_alone(start: Start) -> None:
    engine = start("works")

    assert os.getpgid(engine.pid) != os.getpgid(0)


def test_the_engine_of_this_installation_is_a_role_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine_command() == [sys.executable, "-P", "-m", "tlgui", "engine"]

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert engine_command() == [sys.executable, "engine"]


def test_a_new_log_is_made_among_the_persons_own_and_old_ones_go() -> None:
    other = logs_dir() / "window.log"
    other.write_text("not the engine's")
    for day in range(10, 30):
        (logs_dir() / f"engine-202601{day}-000000-1-1.log").write_text("old")

    log = new_log("engine")
    log.write_text("new")

    kept = sorted(path.name for path in logs_dir().glob("engine-*.log"))
    assert len(kept) == 10
    assert kept[0] == "engine-20260121-000000-1-1.log" and kept[-1] == log.name
    assert other.exists()
