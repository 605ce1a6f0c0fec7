"""What the curve coach would have said after each epoch of real runs: one line per epoch on which it speaks.

python tests/benchmarks/measure_coach.py RUN...

A run is a run folder. Nothing is trained: its `events.jsonl` is heard again. At the end a table says how often each rule
spoke, and in how many of the epochs the coach was silent.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from tlgui.core.coach import Coaching, Follower, coach
from tlgui.core.errors import UserError
from tlgui.core.events import EpochEnded
from tlgui.core.run_folder import RunFolder, open_run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--evidence", action="store_true", help="print the numbers too")
    options = parser.parse_args()
    rules: Counter[str] = Counter()
    runs_of: Counter[str] = Counter()
    epochs = 0
    for path in options.runs:
        try:
            run = open_run(path)
            said = heard(run)
        except UserError as error:
            sys.stderr.write(f"{error.problem}\n")
            return 1
        epochs += len(said)
        spoken = [(epoch, one) for epoch, one in said if one is not None]
        sys.stdout.write(f"{run.name}: {len(said)} epochs, spoke after {len(spoken)}\n")
        for epoch, one in spoken:
            button = f" [{one.button}]" if one.button else ""
            sys.stdout.write(f"  {epoch:>3}  {one.rule}: {one.sentence}{button}\n")
            if options.evidence:
                sys.stdout.write(f"       {one.evidence}\n")
        rules.update(one.rule for _, one in spoken)
        runs_of.update({one.rule for _, one in spoken})
    sys.stdout.write(f"\n{len(options.runs)} runs, {epochs} epochs, silent after {epochs - rules.total()}\n")
    for name, count in rules.most_common():
        sys.stdout.write(f"  {name:<26}{count:>4} epochs in {runs_of[name]} runs\n")
    return 0


def heard(run: RunFolder) -> list[tuple[int, Coaching | None]]:
    """Each finished epoch with what the coach says then."""
    training = run.spec().training
    follower = Follower(unfreezes=training.unfreezing in ("plateau", "schedule"))
    said: list[tuple[int, Coaching | None]] = []
    for event in run.events():
        follower.hear(event)
        facts = follower.facts()
        if isinstance(event, EpochEnded) and event.epoch > 0 and facts is not None:
            said.append((event.epoch, coach(facts)))
    return said


if __name__ == "__main__":
    sys.exit(main())
