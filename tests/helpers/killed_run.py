"""A tiny run in processes of their own that are killed: `python -m helpers.killed_run DATA SEED KILLS FOLDER`, from tests/.

Torch is imported once; each sitting is a fork of that process. The owner's presses are those of `SCRIPT`; like a real owner
it presses again what was not done when the process died. Each run lies in a folder `run-<n>` of FOLDER with what was said
in `run-<n>.jsonl`; `run-0` is one that nobody kills. Says how many were killed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

from helpers.tiny import tiny_setup
from tlgui.core import commands, events
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.fit import fit
from tlgui.engine.setup import Setup

SCRIPT: dict[int, commands.AnyCommand] = {
    6: commands.Unfreeze(groups=2),
    17: commands.Freeze(),
    31: commands.Extend(epochs=1),
}
TRAINING: dict[str, Any] = {
    "strategy": "fine-tune-top",
    "epochs": 7,
    "batch_size": 9,
    "views": 2,
    "top_learning_rate": 0.01,
    "trial_epochs": 1,
    "ema": 0.9,
    "imbalance": "balanced-sampling",
    "patience": 0,
}


def sit(data: Path, run: Path, begun: int) -> None:
    """One sitting, to its end; the first event is told through a pipe."""
    torch.set_num_threads(1)
    journal = run.with_suffix(".jsonl")
    lines = journal.read_bytes().splitlines(keepends=True) if journal.is_file() else []
    said = [events.decode(line) for line in lines if line.endswith(b"\n")]
    setup = tiny_setup(data, run, interval_s=0, **TRAINING)
    setup.resume = setup.checkpoints.exists
    # Without the half of a line that a killed process may have left.
    journal.write_bytes(b"".join(events.encode(event) for event in said))
    with journal.open("ab", buffering=0) as stream:
        for event in fit(setup):
            stream.write(events.encode(event))
            said.append(event)
            if begun:
                os.write(begun, b".")
                os.close(begun)
                begun = 0
            if isinstance(event, events.LayersChanged) and event.reason == "resume":
                press_again(setup, said, event)
            if isinstance(event, events.BatchEnded) and event.step in SCRIPT:
                setup.control.put(SCRIPT[event.step])


def press_again(setup: Setup, said: list[events.Event], now: events.LayersChanged) -> None:
    """Presses once more what the run does not know of."""
    for step, command in SCRIPT.items():
        if step > now.step:
            continue
        if isinstance(command, commands.Extend):
            known = setup.checkpoints.place().epochs > TRAINING["epochs"]
        else:
            moved = (e for e in said if isinstance(e, events.LayersChanged) and e.reason in ("unfreeze", "freeze"))
            known = now.undo_step == step or any(event.step == step for event in moved)
        if not known:
            setup.control.put(command)


def main() -> None:
    """Runs that are killed at random moments until there were enough kills; the last one ends by itself."""
    data, seed, kills, folder = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    os.fsync = lambda _: None  # a process is killed here, and no computer
    Checkpoints.due = property(lambda self: True)  # type: ignore[method-assign, assignment]
    # torch imports much at the first step of an optimizer; here, and not in each sitting.
    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    torch.optim.AdamW([weight]).step()
    rng = random.Random(seed)
    number, left, whole_s = 0, kills, 0.0
    while True:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            sit(data, folder / f"run-{number}", writer)
            os._exit(0)
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        began = time.monotonic()
        if number and left:
            time.sleep(rng.uniform(0, whole_s / 3))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        whole_s = whole_s or time.monotonic() - began
        if os.WIFSIGNALED(status):
            left -= 1
        elif os.WEXITSTATUS(status):
            raise SystemExit(f"a sitting failed with {status}")
        else:
            number += 1
            if number > 1 and not left:
                sys.stdout.write(f"{kills}\n")
                return


if __name__ == "__main__":
    main()
