"""The page Compare in its states: the runs of a finished comparison are made up, those of one at work are played."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from helpers.compared import answered, comparison_of
from helpers.made_comparison import THREE, end, make, new_folder, share, whole
from helpers.made_sites import end_site, make_sites, new_sites_folder, sites_of, whole_sites
from helpers.pictures import write_dataset, write_tree
from scenes_table import Play, Scene

from tlgui.core import transfer
from tlgui.core.changes import SetDomain
from tlgui.core.paths import projects_dir
from tlgui.core.run_folder import remember_place
from tlgui.core.shares import wilson

if TYPE_CHECKING:
    from stage import Stage

_NO_WINNER = {
    "feature-extraction": share(222, 240),
    "fine-tune-top:2": share(229, 240),
    "full-fine-tuning": share(226, 240),
}
_WINNER = {
    "feature-extraction": share(160, 240),
    "fine-tune-top:2": share(228, 240),
    "full-fine-tuning": share(190, 240),
}
_FOUR = sites_of("art", "cartoon", "photo", "sketch", dataset="drawings of four kinds")
_AT_WORK = {"scenario": "hang", "pace": 0.004, "at": 6}


def scenes() -> tuple[Scene, ...]:
    """All of them; none needs that the program was here before."""
    return tuple(replace(scene, with_past=False) for scene in _scenes())


def _scenes() -> tuple[Scene, ...]:
    return (
        Scene("compare", "empty", _page),
        Scene("compare", "setup", _setup, before=_past),
        Scene("compare", "running", _running, _AT_WORK, before=_past),
        Scene("compare", "stopped", _opened("2026-11-20 09.12 comparison"), before=_past),
        Scene("compare", "no-winner", _opened("2026-11-21 17.40 comparison"), before=_past),
        Scene("compare", "winner", _opened("2026-11-22 08.05 comparison"), before=_past),
        Scene("compare", "problem", _problem, before=_past),
        Scene("compare", "transfer-asks", _transfer, {"scenario": "train", "hold": "ProbeLayers"}, before=_past),
        Scene("compare", "sites-empty", _asked("sites")),
        Scene("compare", "sites-setup", _sites, before=_past),
        Scene("compare", "sites-pattern", _sites_by_pattern, before=_past),
        Scene("compare", "sites-running", _sites_running, _AT_WORK, before=_past),
        Scene("compare", "sites-stopped", _sites_opened("2026-11-23 09.12 sites"), before=_past),
        Scene("compare", "runs-none", _asked("runs")),
        Scene("compare", "runs-ticked", _runs_ticked, before=_runs_of_before),
        Scene("compare", "runs-found", _runs_found, before=_runs_of_before),
        Scene("compare", "runs-other-images", _runs_of_other_images, before=_runs_of_before),
        Scene("compare", "sites-found", _sites_opened("2026-11-24 17.40 sites"), before=_past),
    )


def _past(stage: Stage) -> None:
    """Three earlier comparisons, and the speed that was measured with them."""
    from tlgui.core import machine_facts
    from tlgui.core.events import Measured

    machine_facts.note_speed(
        Measured(backbone="efficientnet-lite0", seconds_per_1000=9.5, images=200, device="cpu", executor="onnxruntime")
    )
    whole(new_folder("2026-11-21 17.40 comparison"), comparison_of(*THREE), _NO_WINNER, dataset="smear study")
    whole(
        new_folder("2026-11-22 08.05 comparison"), comparison_of(*THREE), _WINNER, dataset="skin lesions of two clinics"
    )
    _begun("2026-11-20 09.12 comparison", THREE)
    whole_sites(
        new_sites_folder("2026-11-24 17.40 sites"), _FOUR, {"art": 31, "cartoon": 24, "photo": 36, "sketch": 19}
    )
    begun = sites_of("north", "south", by="column:hospital", dataset="smear study")
    make_sites(new_sites_folder("2026-11-23 09.12 sites"), begun)
    end_site(new_sites_folder("2026-11-23 09.12 sites"), begun, "north")
    for folder in (*new_folder().parent.iterdir(), *new_sites_folder().parent.iterdir()):
        at = datetime.strptime(folder.name[:16], "%Y-%m-%d %H.%M").timestamp()
        os.utime(next(folder.glob("*.toml")), (at, at))


def _begun(name: str, ways: Sequence[str]) -> None:
    asked = comparison_of(*ways, folds=3)
    make(new_folder(name), asked, dataset="smear study")
    for leg in list(asked.legs())[:4]:
        end(new_folder(name), leg)


def _page(stage: Stage) -> None:
    stage.window.show_page("compare")


def _setup(stage: Stage) -> None:
    stage.read(stage.material.demo)
    _page(stage)


def _running(stage: Stage) -> None:
    _setup(stage)
    desk = stage.bench.compare
    desk.start(comparison_of(*THREE).entrants, 15, None)
    stage.until(lambda: desk.training is not None and stage.bench.training_run is not None)
    stage.until(lambda: len(stage.bench.training_run.epochs) >= 4)  # type: ignore[union-attr]
    assert desk.folder is not None and desk.asked is not None
    for leg in list(desk.asked.legs())[1:3]:
        end(desk.folder, leg)
    desk.refresh()
    stage.until(lambda: desk.done == 2)


def _opened(name: str) -> Play:
    def play(stage: Stage) -> None:
        _setup(stage)
        stage.bench.compare.open(new_folder(name))
        stage.until(lambda: stage.bench.compare.state in ("complete", "interrupted") and stage.bench.compare.earlier)

    return play


def _problem(stage: Stage) -> None:
    _setup(stage)
    stage.bench.compare.start(comparison_of(*THREE).entrants, 15, 100)
    stage.until(lambda: bool(stage.bench.compare.problem))


def _asked(question: str) -> Play:
    def play(stage: Stage) -> None:
        _page(stage)
        stage.window.page.ask(question)

    return play


def _sites(stage: Stage) -> None:
    data = stage.material.work / "domains"
    if not data.is_dir():
        sizes = {"art": 9, "photo": 12, "sketch": 10}
        write_tree(data, {name: {"across": n, "down": n} for name, n in sizes.items()}, size=24)
    stage.read(data)
    stage.bench.intake.change(SetDomain(domain="*"))
    stage.until(lambda: not stage.bench.intake.busy)
    _asked("sites")(stage)
    stage.until(lambda: bool(stage.window.page.sites.sites.trial.found))


def _sites_by_pattern(stage: Stage) -> None:
    data = stage.material.work / "named by hospital"
    if not data.is_dir():
        write_dataset(data, {"across": 12, "down": 12}, size=24)
        for number, path in enumerate(sorted(data.rglob("*.png"))):
            path.rename(path.with_name(f"{('north', 'south')[number % 2]}_slide{number}.png"))
    stage.read(data)
    _asked("sites")(stage)
    card = stage.window.page.sites.sites
    stage.until(lambda: bool(card.trial.found))
    card.button("pattern").setChecked(True)
    card.pattern.setText(r"^(north|south)_")
    card.pattern.textEdited.emit(card.pattern.text())
    stage.until(lambda: bool(card.found))


def _sites_running(stage: Stage) -> None:
    _sites(stage)
    desk = stage.bench.sites
    stage.window.page.sites.on_start()
    stage.until(lambda: desk.training is not None and stage.bench.training_run is not None)
    stage.until(lambda: len(stage.bench.training_run.epochs) >= 4)  # type: ignore[union-attr]


def _sites_opened(name: str) -> Play:
    def play(stage: Stage) -> None:
        _asked("sites")(stage)
        desk = stage.bench.sites
        desk.open(new_sites_folder(name))
        stage.until(lambda: desk.state in ("complete", "interrupted") and desk.earlier)

    return play


def _transfer(stage: Stage) -> None:
    """The verdict stands; the engine, which is played, never says more."""
    _setup(stage)
    data = stage.bench.draft.data
    assert data is not None
    remember_place("f" * 64, data)
    asked = msgspec.structs.replace(comparison_of(*THREE), entrants=list(transfer.ENTRANTS), purpose="transfer")
    right = {one.key: share(200 + 6 * place, 240) for place, one in enumerate(transfer.ENTRANTS)}
    whole(new_folder("2026-11-25 10.00 comparison"), asked, right, dataset="smear study")
    stage.bench.compare.open(new_folder("2026-11-25 10.00 comparison"))
    stage.until(lambda: stage.bench.compare.probe.busy)


def _runs_of_before(stage: Stage) -> None:
    """Nine runs of two sets of images, all tested."""
    for number in range(9):
        name = f"2026-11-{10 + number} 14.03 efficientnet-lite0 {'full-fine-tuning' if number % 2 else 'feature-extraction'}"
        tests = 240 if number % 3 else 120
        held = {f"image {place}.png": ("test", place % (7 + 3 * number) > 0) for place in range(tests)}
        run = answered(
            projects_dir() / "study" / "runs" / name, held, trainable=4_000 * (1 + 900 * (number % 2))
        )  # fmt: skip
        spec = run.spec()
        assert spec.dataset is not None
        of = "smear study" if number % 3 else "skin lesions of two clinics"
        dataset = msgspec.structs.replace(spec.dataset, name=of, classes=["ant", "bee"])
        training = msgspec.structs.replace(spec.training, strategy=name.split()[-1])
        run.write_spec(msgspec.structs.replace(spec, dataset=dataset, training=training))
        right = sum(told for _, told in held.values())
        low, high = wilson(right, tests)
        accuracy = {"value": right / tests, "low": low, "high": high, "n": tests}
        (run.results / "metrics.json").write_text(json.dumps({"best_epoch": 2, "test": {"accuracy": accuracy}}))


def _ticked(stage: Stage, *places: int) -> None:
    _setup(stage)
    _asked("runs")(stage)
    desk = stage.window.page.runs.desk
    stage.until(lambda: bool(desk.rows))
    for place in places:
        desk.tick(desk.rows[place].path, True)


def _runs_ticked(stage: Stage) -> None:
    _ticked(stage, 0, 1)


def _runs_found(stage: Stage) -> None:
    _ticked(stage, 0, 1)
    desk = stage.window.page.runs.desk
    desk.compare()
    stage.until(lambda: desk.result is not None)


def _runs_of_other_images(stage: Stage) -> None:
    _ticked(stage, 0, 2)
    desk = stage.window.page.runs.desk
    desk.compare()
    stage.until(lambda: bool(desk.problem))
