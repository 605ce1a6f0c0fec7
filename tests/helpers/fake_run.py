"""A whole training run as a generator of events, without torch: for the fake engine, for replay, for pictures.

All numbers are invented and agree with each other: 1,092 images of three kinds of cells, as in the mock-ups.
The standard library alone is imported at the top: a child process without any package plays this too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from helpers.fake_answers import CLASSES, metrics

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
}


def story(
    *,
    run: str = "2026-11-25 14.03 efficientnet-lite0 progressive",
    epochs: int = 20,
    batches: int = 22,
    unfreeze_at: float | None = 8.5,
    stop_at: float | None = None,
    ending: bool = True,
) -> list[Any]:
    """The events of a run, decoded as the window gets them.

    Args:
        run: its folder.
        epochs: planned.
        batches: optimizer steps in each.
        unfreeze_at: after how many epochs the person unfroze the next group (8.5: in the middle of the ninth).
        stop_at: after how many epochs they pressed Stop.
        ending: without it the events break off after the last epoch, as when the engine was killed.
    """
    from tlgui.core import events

    options = DEFAULTS | {"epochs": epochs, "batches": batches}
    presses = [(at, {"type": kind}) for at, kind in ((unfreeze_at, "Unfreeze"), (stop_at, "Stop")) if at is not None]
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
    """A training run as a generator of events, like the real one, with curves out of a formula."""

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

    def events(self, take: Take) -> Iterator[Said]:
        """The whole run; `take(wait)` gives the next command, and waits for one where it is told to."""
        yield {
            "type": "RunStarted",
            "run": self.job["run"],
            "backbone": "efficientnet-lite0",
            "strategy": "feature-extraction",
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
        while self.epoch < self.epochs and not self.stopping:
            yield from self._epoch(take)
        if self.best is None:
            yield {"type": "Stopped", "run": self.job["run"]}
            return
        yield from self._scores()

    def _epoch(self, take: Take) -> Iterator[Said]:
        for batch in range(1, self.batches + 1):
            yield from self._obey(take)
            if self.stopping:
                return
            self.step, self.batch = self.step + 1, batch
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
            "validation_accuracy": right / VALIDATION,
            "validation_balanced_accuracy": right / VALIDATION - 0.004,
            "learning_rates": self._rates(),
            "best": best,
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
            elif kind == "Extend":
                yield self._extended(command["epochs"])

    def _move(self, kind: str, groups: int) -> Said:
        first = min(max(0, self.first + (-groups if kind == "Unfreeze" else groups)), HEAD)
        if first == self.first:
            lowest = "Every layer group trains already."
            message = lowest if kind == "Unfreeze" else "Only the head trains; it cannot be frozen."
            return {"type": "Notice", "code": "nothing_to_move", "message": message}
        self.first, self.unfrozen_at = first, self.epoch
        return self._layers("unfreeze" if kind == "Unfreeze" else "freeze")

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
            "trainable_parameters": sum(parameters for _, parameters in GROUPS[self.first :]),
            "groups": groups,
        }

    def _peak(self, index: int) -> float:
        return float(f"{1e-3 if index == HEAD else 3.8e-4 * 0.4 ** (HEAD - 1 - index):.2g}")

    def _rates(self) -> dict[str, float]:
        wave = 0.1 + 0.9 * math.sin(math.pi * min(1.0, self.step / max(1, self.epochs * self.batches)))
        return {GROUPS[i][0]: self._peak(i) * wave for i in range(self.first, len(GROUPS))}

    def _scores(self) -> Iterator[Said]:
        assert self.best is not None
        for part, total in (("validation", VALIDATION), ("test", TEST), ("train", TRAIN)):
            for done in (total // 2, total):
                yield {"type": "Progress", "stage": f"answers for the {part} images", "done": done, "total": total}
        yield {"type": "Evaluated", "split": "validation", "metrics": metrics([[66, 2, 1], [3, 68, 2], [1, 2, 65]])}
        yield {"type": "Evaluated", "split": "test", "metrics": metrics([[69, 1, 0], [3, 67, 2], [1, 2, 64]])}
        end: Said = {"type": "Stopped", "run": self.job["run"], "best_epoch": self.best[1]}
        if not self.stopping:
            message = f"Training is complete. The best state is that of epoch {self.best[1]}."
            end |= {"type": "Completed", "message": message}
        yield end
