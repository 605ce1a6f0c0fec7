"""A whole training run as a generator of events, without torch: for the fake engine, for replay, for pictures.

All numbers are invented and agree with each other: 1,092 images of three kinds of cells, as in the mock-ups.
The standard library alone is imported at the top: a child process without any package plays this too.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

from helpers.fake_answers import CLASSES, left, measured, metrics

Said = dict[str, Any]
Take = Callable[[bool], Said | None]

TRAIN, VALIDATION, TEST = 673, 210, 209
GROUPS = (
    *(("stem", 1_824), ("blocks 1-2", 53_680), ("block 3", 198_480), ("block 4", 446_784), ("block 5", 1_652_640)),
    *(("top", 1_017_600), ("head", 3_843)),
)
HEAD = len(GROUPS) - 1
DEFAULTS: dict[str, float | int | str] = {
    "pace": 0.0,
    "epochs": 20,
    "batches": 22,
    "at": 2,
    "delay": 0.3,
    "signal": 0,
    "stays": 0,
    "first": HEAD,
    "device": "CPU, 2 cores",
    "trial": 0,
    "answer": 0.0,
    "chosen": "",
    "keeps": 0,
    "plan": "told",
}
_SNAPSHOT = 38_000_000
_NAMES = [name for name, _ in GROUPS]


def story(
    *,
    run: str = "2026-11-25 14.03 efficientnet-lite0 progressive",
    epochs: int = 20,
    batches: int = 22,
    unfreeze_at: float | None = 8.5,
    stop_at: float | None = None,
    undo_at: float | None = None,
    ending: bool = True,
    **more: float | str,
) -> list[Any]:
    """The events of a run, decoded as the window gets them.

    Args:
        run: its folder.
        epochs: planned.
        batches: optimizer steps in each.
        unfreeze_at: after how many epochs the person unfroze the next group (8.5: in the middle of the ninth).
        stop_at: after how many epochs they pressed Stop.
        undo_at: after how many they took the unfreezing back.
        ending: without it the events break off after the last epoch, as when the engine was killed.
        more: further options of `FakeRun`, such as `trial=3`.
    """
    from tlgui.core import events

    options = DEFAULTS | {"epochs": epochs, "batches": batches} | more
    asked = ((unfreeze_at, "Unfreeze"), (undo_at, "Undo"), (stop_at, "Stop"))
    presses = [(at, {"type": kind}) for at, kind in asked if at is not None]
    played = FakeRun({"type": "Train", "run": run}, options)

    def take(wait: bool) -> Said | None:
        if presses and played.step >= round(presses[0][0] * batches):
            return presses.pop(0)[1]
        return None

    presses.sort(key=lambda press: press[0])
    told = [events.decode(json.dumps(said)) for said in played.events(take)]
    if not ending:
        last = max(index for index, event in enumerate(told) if isinstance(event, events.EpochEnded))
        return told[: last + 1]
    return told


class FakeRun:
    """A training run as a generator of events, like the real one, with curves out of a formula.

    Options: `epochs`, `batches` per epoch, `first` group that trains; `trial`: epochs after which an unfreezing or
    freezing is judged (0: never); `answer`: the first answer, as an accuracy (0: none); `chosen`: what "auto" becomes;
    `plan`: "told", "mute" (a plan is never answered) or "dies" (the engine ends while it measures); `keeps`: 1 where it
    learns on and holds on to what it knew.
    """

    def __init__(self, job: Said, options: dict[str, Any]) -> None:
        self.job = job
        self.batches = int(options["batches"])
        self.epochs = int(options["epochs"])
        self.first = int(options["first"])
        self.step = self.epoch = self.batch = 0
        self.resumes = False
        self.stopping = False
        self.train_loss, self.validation_loss = 1.02, 0.96
        self.unfrozen_at = 0
        self.best: tuple[float, int] | None = None
        self.peaks: dict[str, float] = {}
        self.moves: list[Said] = []
        self.trial, self.answer, self.chosen = int(options["trial"]), float(options["answer"]), str(options["chosen"])
        self.plan = str(options["plan"])
        self.keeps, self.strength = bool(options["keeps"]), 1.0

    def resume(self, journal: list[Said]) -> None:
        """Takes up the run after the last epoch that its journal holds."""
        for said in journal:
            if said["type"] == "EpochEnded":
                self.resumes, self.epoch, self.step = True, said["epoch"], said["step"]
                self.epochs = said["epochs"]
                self.train_loss, self.validation_loss = said["train_loss"], said["validation_loss"]
                if said["best"]:
                    self.best = (said["validation_loss"], said["epoch"])
            elif said["type"] == "LayersChanged":
                self.first = [group["trainable"] for group in said["groups"]].index(True)
            elif said["type"] == "Undone":
                self.epoch, self.step = said["to_epoch"], said["to_step"]

    def events(self, take: Take) -> Iterator[Said]:
        """The whole run; `take(wait)` gives the next command, and waits for one where it is told to."""
        yield {
            "type": "RunStarted",
            "run": self.job["run"],
            "backbone": "efficientnet-lite0",
            "strategy": "auto" if self.chosen else "feature-extraction",
            "classes": CLASSES,
            "train_images": TRAIN,
            "validation_images": VALIDATION,
            "test_images": TEST,
            "epochs": self.epochs,
            "seed": 0,
        }
        yield {"type": "Progress", "stage": "preparing the frozen layers", "done": 0, "total": 1}
        if self.resumes:
            yield {"type": "Resumed", "step": self.step, "epoch": self.epoch}
            if more := self.job.get("more_epochs", 0):
                yield self._extended(more)
        yield self._layers("resume" if self.resumes else "start")
        if self.keeps:
            yield {"type": "Notice", "code": "keep", "message": "Each weight is held the harder, the more it matters."}
        if not self.resumes:
            yield from self._first_look()
        while self.epoch < self.epochs and not self.stopping:
            yield from self._epoch(take)
        if self.best is None:
            yield {"type": "Stopped", "run": self.job["run"]}
            return
        yield from self._scores()

    def _first_look(self) -> Iterator[Said]:
        if self.answer:
            half = 1.96 * math.sqrt(self.answer * (1 - self.answer) / TRAIN)
            low, high = round(self.answer - half, 3), round(min(1.0, self.answer + half), 3)
            yield {"type": "FirstAnswered", "accuracy": self.answer, "low": low, "high": high, "images": TRAIN,
                   "folds": 5, "largest_class": 0.54, "seconds": 3.1}  # fmt: skip
        if self.chosen:
            reason = "The network as it is recognises so many that its layers are worth adapting only at the top."
            yield {"type": "StrategyChosen", "strategy": self.chosen, "top_groups": 1, "by": "headroom",
                   "sentence": reason, "epochs": self.epochs}  # fmt: skip
            yield self._layers("chosen")

    def _epoch(self, take: Take) -> Iterator[Said]:
        epoch = self.epoch
        while self.batch < self.batches:
            yield from self._obey(take)
            if self.stopping or self.epoch != epoch:
                return
            self.step, self.batch = self.step + 1, self.batch + 1
            batch = self.batch
            share = batch / self.batches
            yield {
                "type": "BatchEnded",
                "epoch": self.epoch + 1,
                "step": self.step,
                "batch": batch,
                "batches": self.batches,
                "loss": round(self.train_loss * (1 - 0.25 * share) * (1 + 0.12 * math.sin(self.step * 2.4)), 4),
                "images_per_second": round(98 + 4 * math.sin(self.step), 1),
                "seconds_left": round((self.epochs - self.epoch - share) * TRAIN / 98, 1),
                "learning_rates": self._rates(),
            }
        self.epoch, self.batch = self.epoch + 1, 0
        yield {"type": "Progress", "stage": "answers for the validation images", "done": 105, "total": VALIDATION}
        yield self._epoch_ended()
        yield from self._verdict()

    def _epoch_ended(self) -> Said:
        trained = HEAD - self.first
        floor = (0.40, 0.185, 0.17, 0.165, 0.16, 0.16, 0.16)[trained]
        since = self.epoch - self.unfrozen_at
        self.train_loss += (floor - 0.10 - self.train_loss) * 0.30
        tired = 0.008 * max(0, since - 5) if trained else 0.0
        self.validation_loss += (floor + tired - self.validation_loss) * 0.33
        loss = round(self.validation_loss + 0.004 * math.sin(3 * self.epoch), 4)
        right = round(VALIDATION * min(0.99, 1.03 - 0.37 * loss))
        best = self.best is None or loss < self.best[0]
        if best:
            self.best = (loss, self.epoch)
        return {
            "type": "EpochEnded",
            "epoch": self.epoch,
            "epochs": self.epochs,
            "step": self.step,
            "train_loss": round(self.train_loss, 4),
            "validation_loss": loss,
            "validation_calibrated_loss": round(0.96 * loss, 4),
            "validation_accuracy": right / VALIDATION,
            "validation_balanced_accuracy": right / VALIDATION - 0.004,
            "learning_rates": self._rates(),
            "best": best,
            "adaptation": None,
            "retention": self._left() if self.keeps else None,
            "seconds": round(TRAIN / 98 * (1 + 0.6 * trained), 2),
            "seconds_left": round((self.epochs - self.epoch) * TRAIN / 98, 1),
        }

    def _obey(self, take: Take) -> Iterator[Said]:
        paused = False
        while (command := take(paused)) is not None:
            kind = command["type"]
            if kind == "Pause" and not paused:
                paused = True
                yield {"type": "Paused", "step": self.step}
            elif kind == "Continue" and paused:
                paused = False
                yield {"type": "Continued", "step": self.step}
            elif kind == "Stop":
                self.stopping = True
                return
            elif kind in ("Unfreeze", "Freeze"):
                yield self._move(kind, command.get("groups", 1))
            elif kind == "Undo":
                yield from self._undo()
            elif kind == "SetLearningRate":
                yield self._set_rate(command["group"], command["rate"])
            elif kind == "SetKeepStrength" and not self.keeps:
                message = "This run does not hold on to what it knew before while it trains."
                yield {"type": "Notice", "code": "strength_not_set", "message": message}
            elif kind == "SetKeepStrength":
                self.strength = command["strength"]
                message = f"What it knew before is held with a strength of {self.strength:g} from now on."
                yield {"type": "Notice", "code": "keep_strength", "message": message}
            elif kind == "PlanMove":
                yield from self._planned(command.get("kind", "unfreeze"), command.get("groups", 1))
            elif kind == "Extend":
                yield self._extended(command["epochs"])

    def _move(self, kind: str, groups: int) -> Said:
        first = min(max(0, self.first + (-groups if kind == "Unfreeze" else groups)), HEAD)
        if first == self.first:
            lowest = "Every layer group trains already."
            message = lowest if kind == "Unfreeze" else "Only the head trains; it cannot be frozen."
            return {"type": "Notice", "code": "nothing_to_move", "message": message}
        self.moves.append({"kind": kind.lower(), "names": self._between(first), "before": self._place()})
        self.first, self.unfrozen_at = first, self.epoch
        return self._layers(kind.lower())

    def _between(self, first: int) -> list[str]:
        """Names of the groups between two places of the border, as they are reached."""
        low, high = min(first, self.first), max(first, self.first)
        names = _NAMES[low:high]
        return names[::-1] if first < self.first else names

    def _place(self) -> Said:
        names = ("step", "epoch", "batch", "epochs", "first", "train_loss", "validation_loss", "unfrozen_at", "best")
        return {name: getattr(self, name) for name in names} | {"peaks": dict(self.peaks)}

    def _undo(self) -> Iterator[Said]:
        if not self.moves:
            message = "Nothing was unfrozen or frozen that could be taken back."
            yield {"type": "Notice", "code": "nothing_to_undo", "message": message}
            return
        came_from = (self.step, self.epoch)
        for name, value in self.moves.pop()["before"].items():
            setattr(self, name, value)
        yield {"type": "Undone", "to_step": self.step, "to_epoch": self.epoch, "from_step": came_from[0],
               "from_epoch": came_from[1], "best_epoch": self.best[1] if self.best else None}  # fmt: skip
        yield self._layers("undo")

    def _set_rate(self, group: str, rate: float) -> Said:
        if _NAMES.index(group) < self.first:
            return {"type": "Notice", "code": "rate_not_set", "message": f"'{group}' does not train now."}
        self.peaks[group] = rate
        return self._layers("rates")

    def _planned(self, kind: str, groups: int) -> Iterator[Said]:
        if self.plan == "dies":
            os._exit(3)
        if self.plan == "mute":
            return
        then = min(max(0, self.first + (-groups if kind == "unfreeze" else groups)), HEAD)
        yield {
            "type": "MovePlanned",
            "kind": kind,
            "groups": abs(then - self.first),
            "names": self._between(then),
            "parameters_now": self._learning(self.first),
            "parameters_then": self._learning(then),
            "seconds_now": 6.9 + 4.1 * (HEAD - self.first),
            "seconds_then": 6.9 + 4.1 * (HEAD - then),
            "memory_now_bytes": 310_000_000 + 190_000_000 * (HEAD - self.first),
            "memory_then_bytes": 310_000_000 + 190_000_000 * (HEAD - then),
            "learning_rates": {
                name: self._peak(_NAMES.index(name)) for name in self._between(then) if then < self.first
            },
            "snapshot_bytes": _SNAPSHOT,
            "judged_after": self.trial or 3,
            "control_seconds": 3 * (6.9 + 4.1 * (HEAD - self.first)),
            "reason": "" if then != self.first else "There is no layer group left for that.",
        }

    def _learning(self, first: int) -> int:
        return sum(parameters for _, parameters in GROUPS[first:])

    def _due(self, before: Said) -> int:
        """The epoch after which a move is judged; one that had begun does not count."""
        return int(before["epoch"]) + (before["batch"] > 0) + self.trial

    def _verdict(self) -> Iterator[Said]:
        """Of three freezings or unfreezings one helps, one makes no difference, one hurts."""
        move = self.moves[-1] if self.moves else None
        if move is None or not self.trial or self.epoch != self._due(move["before"]):
            return
        yield {"type": "Progress", "stage": "the same epochs without it, to compare", "done": 1, "total": 3}
        verdict, points = (("hurt", -2.4), ("helped", 7.1), ("no difference", 0.5))[(HEAD - self.first) % 3]
        low, high = points - 2.1, points + 2.2
        than = "better" if points > 0 else "worse"
        done = "Unfreezing" if move["kind"] == "unfreeze" else "Freezing"
        yield {
            "type": "MoveJudged",
            "kind": move["kind"],
            "names": move["names"],
            "step": move["before"]["step"],
            "epoch": self.epoch,
            "verdict": verdict,
            "difference": points / 100,
            "low": round(low / 100, 4),
            "high": round(high / 100, 4),
            "with_it": 0.95,
            "without_it": round(0.95 - points / 100, 4),
            "better": 17 if points > 0 else 3,
            "worse": 2 if points > 0 else 8,
            "images": VALIDATION,
            "epochs": self.trial,
            "sentence": f"{done} {' and '.join(move['names'])}: {abs(points):.1f} points {than} than the same "
            f"{self.trial} epochs without it.",
        }

    def _extended(self, epochs: int) -> Said:
        self.epochs += epochs
        return {"type": "Extended", "step": self.step, "epochs": self.epochs}

    def _layers(self, reason: str) -> Said:
        groups = [
            {
                "name": name,
                "parameters": parameters,
                "trainable": index >= self.first,
                "learning_rate": self._peak(index) if index >= self.first else None,
            }
            for index, (name, parameters) in enumerate(GROUPS)
        ]
        return {
            "type": "LayersChanged",
            "step": self.step,
            "reason": reason,
            "parameters": sum(parameters for _, parameters in GROUPS),
            "trainable_parameters": self._learning(self.first),
            "groups": groups,
            "by_itself": False,
            "undo_step": self.moves[-1]["before"]["step"] if self.moves else None,
            "snapshot_bytes": _SNAPSHOT * len(self.moves),
            "judged_after": self._due(self.moves[-1]["before"]) if self.moves and self.trial else None,
        }

    def _peak(self, index: int) -> float:
        if _NAMES[index] in self.peaks:
            return self.peaks[_NAMES[index]]
        return float(f"{1e-3 if index == HEAD else 3.8e-4 * 0.4 ** (HEAD - 1 - index):.2g}")

    def _rates(self) -> dict[str, float]:
        wave = 0.1 + 0.9 * math.sin(math.pi * min(1.0, self.step / max(1, self.epochs * self.batches)))
        return {GROUPS[i][0]: self._peak(i) * wave for i in range(self.first, len(GROUPS))}

    def _left(self) -> Said:
        """What is left of what it knew: the less, the less hard it holds on."""
        return left(round(0.95 - 0.012 * self.epoch / (0.5 + self.strength), 4))

    def _scores(self) -> Iterator[Said]:
        assert self.best is not None
        for part, total in (("validation", VALIDATION), ("test", TEST), ("train", TRAIN)):
            for done in (total // 2, total):
                yield {"type": "Progress", "stage": f"answers for the {part} images", "done": done, "total": total}
        yield {"type": "Evaluated", "split": "validation", "metrics": metrics([[66, 2, 1], [3, 68, 2], [1, 2, 65]])}
        yield {"type": "Evaluated", "split": "test", "metrics": metrics([[69, 1, 0], [3, 67, 2], [1, 2, 64]])}
        if self.keeps:
            yield measured(self._left(), self.epoch)
        end: Said = {"type": "Stopped", "run": self.job["run"], "best_epoch": self.best[1]}
        if not self.stopping:
            message = f"Training is complete. The best state is that of epoch {self.best[1]}."
            end |= {"type": "Completed", "message": message}
        yield end
