"""An engine without torch: a real child process that speaks the real protocol and plays a part.

    EngineThread(make=lambda: EngineProcess(fake_engine_command("train", pace=0.01), tmp_path / "engine.log"))

Scenarios (`SCENARIOS`), each for a `Train` job; all of them but the last four answer every other job too:

    train           a whole short run; obeys Pause, Continue, Stop, Extend, Unfreeze, Freeze, Undo, SetLearningRate and
                    PlanMove between two batches;
                    a run folder with a run.toml gets its events.jsonl as from the real engine, and a run that has
                    epochs there goes on after the last of them with `Resumed`
    late            the same, but each command is obeyed `delay` seconds after it came
    hang            the same up to epoch `at`, then silence for ever; it does not leave when its owner does
    crash           the same up to epoch `at`, then it is gone with exit code 3 (with `signal=9`: killed by that)
    babble          the same, with lines in between that are no events
    flood           RunStarted, `batches` BatchEnded as fast as the pipe takes them (200,000), one epoch, Completed
    fails           the same up to epoch `at`, then a problem that a person can act on
    refuses         a problem at once, before RunStarted
    fault           the same up to epoch `at`, then the program's own mistake with a traceback
    full            the same, but after epoch `at` the disk is full: it waits for Continue (or Stop)
    slow start      as "train", but ready after `delay` seconds
    wrong protocol  speaks protocol 99
    cannot start    a named reason instead of the first line, then exit code 1
    dies            exit code 3 and a line in the log before the first line
    mute            never says a word; leaves when its owner does (with `stays=1` it does not)

Options of `fake_engine_command`, all with defaults: `pace` seconds per batch (0), `epochs` (the plan, 20), `batches` per
epoch (22), `at` (2), `delay` (0.3), `signal` (0), `stays` (0), `device` (a sentence), `first` (the lowest group that trains at
the start, 6: the head alone), `trial` (epochs after which a move is judged, 0: never), `answer` (the first answer, 0: none),
`chosen` (what "auto" becomes), `plan` ("told", "mute", "dies"), `keeps` (1: it learns on and holds on to what it knew).

`story()` gives the events of a whole 20-epoch run with one unfreezing, without any process: for replay, for pictures.

The child is started with `-I -S`: these files import the standard library alone at their top.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.fake_answers import Said, answers
from helpers.fake_run import DEFAULTS, FakeRun, story

__all__ = ["DEFAULTS", "SCENARIOS", "fake_engine_command", "story"]

_TESTS = str(Path(__file__).resolve().parent.parent)
_START = (
    f"import sys; sys.path.insert(0, {_TESTS!r}); from helpers.fake_engine import main; sys.exit(main(sys.argv[1:]))"
)

SCENARIOS = (
    *("train", "late", "hang", "crash", "babble", "flood", "fails", "refuses", "fault", "full", "slow start"),
    *("wrong protocol", "cannot start", "dies", "mute"),
)


def fake_engine_command(scenario: str = "train", **options: float | str) -> list[str]:
    """The command for `EngineProcess(command, log)`; an unknown scenario or option is an error here, not a riddle later."""
    assert scenario in SCENARIOS, f"no scenario {scenario!r}; there are {', '.join(SCENARIOS)}"
    flood: dict[str, float | str] = {"batches": 200_000} if scenario == "flood" else {}
    assert set(options) <= set(DEFAULTS), f"no option {set(options) - set(DEFAULTS)}; there are {', '.join(DEFAULTS)}"
    given = [f"{name}={value}" for name, value in (flood | options).items()]
    return [sys.executable, "-I", "-S", "-c", _START, scenario, *given]


_COMMANDS = frozenset(
    {
        "Pause",
        "Continue",
        "Stop",
        "Extend",
        "Unfreeze",
        "Freeze",
        "Undo",
        "SetLearningRate",
        "SetAdaptWeight",
        "SetKeepStrength",
        "PlanMove",
    }
)


class Child:
    """Reads jobs and commands in a thread, plays the scenario in the main one."""

    def __init__(self, scenario: str, options: dict[str, Any]) -> None:
        self.scenario = scenario
        self.options = options
        self.jobs: queue.SimpleQueue[Said | None] = queue.SimpleQueue()
        self.commands: queue.SimpleQueue[tuple[int, float, Said]] = queue.SimpleQueue()
        self.journal: Path | None = None
        self.held: tuple[int, float, Said] | None = None
        self.heard = self.begun = 0
        self.freed = False

    def serve(self) -> int:
        """Plays until the owner is gone; the exit code."""
        self._open()
        threading.Thread(target=self._read, daemon=True).start()
        while (job := self.jobs.get()) is not None:
            self.journal = None
            self.begun += 1
            for said in self._played(job):
                if self.scenario == "babble" and said["type"] != "BatchEnded":
                    os.write(1, b'a library says hello\n{\n[1]\n\xff\x00\n{"type":"Danced"}\n')
                self._say(said)
                if said["type"] == "BatchEnded" and self.options["pace"]:
                    time.sleep(float(self.options["pace"]))
        self._log("the owner is gone, saving")
        return 0

    def _open(self) -> None:
        ready = {"type": "EngineReady", "protocol": 1, "tlgui": "0", "device": "cpu"}
        match self.scenario:
            case "mute":
                while self.options["stays"]:
                    time.sleep(60)
                sys.stdin.read()
                sys.exit(0)
            case "dies":
                self._log("ImportError: no such library")
                sys.exit(3)
            case "cannot start":
                self._say({"type": "Failed", "problem": "A part is missing: torch.", "remedy": "Install it again."})
                sys.exit(1)
            case "slow start":
                time.sleep(float(self.options["delay"]))
            case "wrong protocol":
                ready["protocol"] = 99
        self._say(ready | {"device_sentence": self.options["device"]})

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            said = json.loads(line)
            if said["type"] in _COMMANDS:
                self.commands.put((self.heard, time.monotonic(), said))
            else:
                self.heard += 1
                self.jobs.put(said)
        self.jobs.put(None)
        if self.scenario != "hang":
            # As the real engine does between two batches: the owner is gone, so it saves and leaves.
            time.sleep(0.2)
            self._log("the owner is gone, saving")
            os._exit(0)

    def _take(self, wait: bool) -> Said | None:
        # As with the real engine, a command that came too late for its job is dropped.
        while self.held is None or self.held[0] < self.begun:
            try:
                self.held = self.commands.get(block=wait)
            except queue.Empty:
                return None
        _, came, command = self.held
        if self.scenario == "late":
            left = came + float(self.options["delay"]) - time.monotonic()
            if left > 0 and not wait:
                return None
            time.sleep(max(0.0, left))
        self.held = None
        return command

    def _played(self, job: Said) -> Iterator[Said]:
        if job["type"] != "Train":
            for said in answers(job):
                if not said["type"].startswith(("Completed", "Exported")) and self._is_stopped():
                    yield {"type": "Stopped", "run": job.get("run", "")}
                    return
                yield said
                time.sleep(float(self.options["pace"]))
            return
        if self.scenario == "refuses":
            yield failed(job["run"])
            return
        if self.scenario == "flood":
            yield from self._flood(job)
            return
        run = FakeRun(job, self.options)
        run.resume(self._journal_of(job["run"]))
        for said in run.events(self._take):
            yield said
            if said["type"] == "EpochEnded" and said["epoch"] >= self.options["at"]:
                yield from self._misfortune(job, run)
                if self.scenario in ("fails", "fault"):
                    return

    def _is_stopped(self) -> bool:
        command = self._take(False)
        return command is not None and command["type"] == "Stop"

    def _misfortune(self, job: Said, run: FakeRun) -> Iterator[Said]:
        match self.scenario:
            case "hang":
                while True:
                    time.sleep(60)
            case "crash":
                self._log("the last line of its log")
                sys.stdout.flush()
                if number := int(self.options["signal"]):
                    os.kill(os.getpid(), number)
                os._exit(3)
            case "fails":
                yield failed(job["run"])
            case "fault":
                yield failed(job["run"], is_fault=True)
            case "full" if not self.freed:
                message = "The disk is full. Free some space, then continue: nothing is lost, the run waits in memory."
                yield {"type": "Notice", "code": "disk_full", "message": message}
                yield {"type": "Paused", "step": run.step}
                while (command := self._take(True)) is not None and command["type"] not in ("Continue", "Stop"):
                    pass
                self.freed = True
                run.stopping = command is not None and command["type"] == "Stop"
                yield {"type": "Continued", "step": run.step}

    def _flood(self, job: Said) -> Iterator[Said]:
        quiet = self.options | {"epochs": 1}
        batches: list[bytes] = []
        for said in FakeRun(job, quiet).events(lambda wait: None):
            if said["type"] == "BatchEnded":
                batches.append(json.dumps(said).encode() + b"\n")
                if len(batches) == 1000:
                    sys.stdout.buffer.write(b"".join(batches))
                    batches.clear()
                continue
            sys.stdout.buffer.write(b"".join(batches))
            batches.clear()
            yield said

    def _journal_of(self, run: str) -> list[Said]:
        folder = Path(run)
        if not (folder / "run.toml").is_file():
            return []
        self.journal = folder / "events.jsonl"
        if not self.journal.is_file():
            return []
        return [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]

    def _say(self, said: Said) -> None:
        if self.journal is not None and said["type"] != "Progress":
            kept = said | ({"run": Path(said["run"]).name} if "run" in said else {})
            with self.journal.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(kept) + "\n")
        sys.stdout.buffer.write(json.dumps(said).encode() + b"\n")
        sys.stdout.buffer.flush()

    def _log(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def failed(run: str, is_fault: bool = False) -> Said:
    """An ending that a person can act on, or a fault of the program."""
    if is_fault:
        return {
            "type": "Failed",
            "problem": "The program made a mistake: KeyError.",
            "remedy": "Send the report, so that it can be mended.",
            "details": "Traceback (most recent call last):\n  File 'fit.py', line 12, in step\nKeyError: 'head'",
            "run": run,
            "is_fault": True,
        }
    return {
        "type": "Failed",
        "problem": "The disk is full.",
        "remedy": "Free some space, then continue the run.",
        "details": "OSError: [Errno 28] No space left on device",
        "run": run,
    }


def main(arguments: list[str]) -> int:
    """The child's entry: a scenario and its options."""
    options = dict(DEFAULTS)
    for pair in arguments[1:]:
        name, _, text = pair.partition("=")
        kind = type(DEFAULTS[name])
        options[name] = kind(float(text)) if kind is int else kind(text)
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return Child(arguments[0], options).serve()
