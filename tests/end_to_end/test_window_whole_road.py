"""The whole road through the real window: from the start page to an export whose proof is read, with the real engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import strict_json
from helpers.schemas import METRICS_FILE, conforms
from helpers.window import Visit
from pytestqt.qtbot import QtBot

from tlgui.gui import numbers
from tlgui.imaging.demo_images import draw_demo_images

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_level_fail("WARNING"),
    pytest.mark.qt_log_ignore("This plugin does not support"),
]


def events_of(run: Path) -> list[dict[str, Any]]:
    return [strict_json(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def through_the_wizard(visit: Visit, folder: Path, epochs: int) -> None:
    """Four steps, each by its blue button; fewer epochs than the row says, for the time of those who wait."""
    visit.open_images(folder)
    assert visit.reads(folder.name)
    visit.press_soon("Next: Backbone")
    visit.until_page("backbone")
    visit.until_reads("EfficientNet-Lite0")
    visit.press_soon("Next: Strategy")
    visit.until_page("strategy")
    visit.press_soon("Another kind of picture")
    visit.bench.draft.set_training("epochs", epochs)
    visit.press_soon("Next: Review")
    visit.until_page("review")
    visit.press_soon("Start training")
    visit.until_page("train")


def plays_with_the_layers(visit: Visit) -> None:
    """Pause, unfreeze, continue, freeze, continue: by the buttons and their plans, in mid-run."""
    visit.press_soon("Pause")
    visit.until_reads("Paused at epoch")  # painted some frames after the run is in that state
    lowest = visit.run.next_group()
    visit.press_soon("Unfreeze next layers")
    visit.until_reads("Measured on a copy")
    assert visit.reads("Time for an epoch") and visit.reads("Memory for a batch")
    visit.press_soon("Unfreeze")
    visit.until(lambda: visit.run.next_group() != lowest, "the unfreezing")
    visit.until(
        lambda: any(words.startswith("Top,") and "frozen" not in words for words in visit.words()), "the ladder"
    )
    assert [mark.text for mark in visit.run.marks] == [f"{lowest} unfrozen"]
    visit.press_soon("Continue")
    visit.until_state("training")
    visit.until(lambda: lowest in visit.run.rates_now, "the rate of the group")
    visit.press_soon("Freeze")
    visit.until_reads("Measured on a copy")
    visit.press_soon("Freeze")
    visit.until(lambda: visit.run.next_group() == lowest, "the freezing")


def agrees_with_its_folder(visit: Visit, run: Path) -> None:
    """What the page shows is what the files hold."""
    told = events_of(run)
    epochs = {event["epoch"]: event for event in told if event["type"] == "EpochEnded"}
    shown = {epoch.epoch: epoch for epoch in visit.run.epochs}
    assert sorted(shown) == sorted(epochs)
    for number, epoch in shown.items():
        for field in ("train_loss", "validation_loss", "validation_accuracy", "learning_rates", "best"):
            assert getattr(epoch, field) == epochs[number][field], (number, field)
    metrics = strict_json((run / "results" / "metrics.json").read_text(encoding="utf-8"))
    conforms(metrics, METRICS_FILE)
    assert visit.run.best_epoch == metrics["best_epoch"] == told[-1]["best_epoch"]
    parts = [part for part in ("validation", "test") if part in metrics]
    assert {part: visit.run.metrics[part] for part in parts} == {part: metrics[part] for part in parts}


def reads_the_results(visit: Visit, run: Path) -> None:
    visit.press_soon("Next: Results")
    visit.until_page("results")
    visit.until(lambda: visit.page.findings is not None, "the results")
    metrics = strict_json((run / "results" / "metrics.json").read_text(encoding="utf-8"))
    part = "test" if "test" in metrics else "validation"
    scores = metrics[part]
    accuracy, matrix = scores["accuracy"], scores["confusion_matrix"]
    assert visit.reads(numbers.percent(accuracy["value"]))
    assert visit.reads(numbers.interval(accuracy["low"], accuracy["high"]))
    assert visit.reads(f"{sum(row[at] for at, row in enumerate(matrix))} of {accuracy['n']} {part} images are right")
    for name in metrics["classes"]:
        visit.until(lambda name=name: visit.reads(name), name)


def tries_it(visit: Visit, picture: Path) -> None:
    visit.press_soon("Try it on new images")
    visit.until_page("use")
    visit.press_soon("Choose images")
    visit.choose_soon(picture)
    visit.until_reads("1 image was answered.")
    (answer,) = visit.page.answers
    assert answer.path == picture.name
    assert abs(sum(answer.probabilities.values()) - 1) < 1e-4
    assert answer.label == max(answer.probabilities, key=lambda name: answer.probabilities[name])
    assert visit.reads(answer.label)


def exports_it(visit: Visit, run: Path) -> None:
    visit.press_soon("Next: Export")
    visit.until_page("export")
    visit.press_soon("Export ONNX")
    visit.until(lambda: visit.can_press("Export ONNX again"), "the end of the export", patience_s=180)
    (folder,) = (run / "export").iterdir()
    parity = json.loads((folder / "parity.json").read_text(encoding="utf-8"))
    assert parity["passed"] is True
    assert parity["labels_equal"] == parity["images"] >= 2
    assert parity["max_probability_difference"] <= 1e-3
    for name in ("parity.json", *parity["files"]):
        assert (folder / name).is_file()
        assert visit.reads(name)


def picture_of(visit: Visit) -> dict[str, Any]:
    """What the train page shows of a run: its series, marks, best epoch, ladder, and the drawn plots."""
    visit.window.show_page("train")
    visit.until(lambda: len(visit.page.plots.curves.epochs) == len(visit.run.epochs), "the curves")
    visit.qtbot.wait(2 * 33)  # one more redraw, where one is due
    run, plots = visit.run, visit.page.plots
    return {
        "epochs": [(epoch.epoch, epoch.train_loss, epoch.validation_loss) for epoch in run.epochs],
        "batches": run.batches,
        "marks": [(mark.x_epoch, mark.text, mark.kind) for mark in run.marks],
        "best": run.best_epoch,
        "groups": [(group.name, group.parameters, group.trainable) for group in run.groups],
        "rates": run.rates_now,
        "ladder": [rung.accessibleName() for rung in visit.page.ladder.rungs],
        "plots": {kind: plot.grab().toImage() for kind, plot in plots.plots.items()},
        "legends": {kind: legend.accessibleName() for kind, legend in plots.legends.items()},
    }


def test_the_demo_images_from_the_start_page_to_a_proved_export_and_the_next_day(qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    draw_demo_images(folder)
    picture = next(iter(sorted(folder.rglob("*.png"))))
    with Visit(qtbot) as visit:
        through_the_wizard(visit, folder, epochs=7)
        plays_with_the_layers(visit)
        visit.until_state("complete", patience_s=240)
        run = visit.bench.run_folder.path
        agrees_with_its_folder(visit, run)
        # Whether an epoch is left for the verdict on the second one depends on how fast this computer is.
        assert [mark.kind for mark in visit.run.marks if mark.kind != "verdict"] == ["unfreeze", "freeze"]
        live = picture_of(visit)
        reads_the_results(visit, run)
        tries_it(visit, picture)
        exports_it(visit, run)
    assert visit.left_behind() == []

    # The next day: the finished run gives the same picture.
    with Visit(qtbot) as visit:
        visit.until_reads("Recent runs")
        visit.press_soon(f"{folder.name}. ")
        visit.until_page("results")
        replayed = picture_of(visit)
    # The engine tells the window only some of the fast batches; once their epoch has ended they are not drawn.
    assert set(live.pop("batches")) <= set(replayed.pop("batches"))
    plots, plots_again = live.pop("plots"), replayed.pop("plots")
    assert replayed == live
    for kind, image in plots.items():
        assert image == plots_again[kind], f"the {kind} plot differs"
    assert visit.left_behind() == []


@pytest.mark.realdata
def test_photographs_are_stopped_in_mid_run_and_the_best_is_exported(
    qtbot: QtBot, tmp_path: Path, real_data: Path
) -> None:
    folder = tmp_path / "hymenoptera"
    shutil.copytree(real_data / "hymenoptera", folder)
    with Visit(qtbot) as visit:
        through_the_wizard(visit, folder, epochs=40)
        # A short trial comes before it.
        visit.until(lambda: visit.bench.run.best_epoch, "the first epoch", patience_s=300)
        visit.press_soon("Stop and keep the best")
        visit.until_state("stopped")
        run = visit.bench.run_folder.path
        assert events_of(run)[-1]["type"] == "Stopped"
        agrees_with_its_folder(visit, run)
        reads_the_results(visit, run)
        picture = next(iter(sorted(folder.rglob("*.jpg"))))
        tries_it(visit, picture)
        exports_it(visit, run)
    assert visit.left_behind() == []
