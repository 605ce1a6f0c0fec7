from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from helpers.fake_run import story
from helpers.finished_run import finished_run
from helpers.model_bench import ModelBench
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.gui import background
from tlgui.gui.pages.export.records import plain, read_exports
from tlgui.gui.pages.export_page import ExportPage
from tlgui.gui.run_model import RunModel
from tlgui.gui.widgets import Button, Label


@pytest.fixture(autouse=True)
def nothing_in_the_background() -> Iterator[None]:
    yield
    background.shut_down()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return finished_run(
        tmp_path / "run", ["ants", "bees"], [("a/1.png", "ants", "ants", 0.9), ("b/1.png", "bees", "bees", 0.9)]
    )


def opened(qtbot: QtBot, bench: ModelBench) -> ExportPage:
    page = ExportPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(1100, 760)
    page.show()
    page.entered()
    return page


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(Label) if label.isVisible())


def write_export(run: RunFolder, number: int, passed: bool = True, format: str = "onnx", equal: int = 32) -> Path:
    folder = run.exports / f"run-{format}-{number}{'' if passed else '-failed'}"
    folder.mkdir(parents=True)
    record = {
        "passed": passed,
        "images": 32,
        "labels_equal": equal,
        "ties": 0,
        "max_probability_difference": 3.14e-6,
        "format": format,
        "files": {"model.onnx": {"size_bytes": 13_461_456, "sha256": "a"}, "labels.json": {"size_bytes": 1988}},
    }
    (folder / "parity.json").write_text(json.dumps(record))
    return folder


def test_an_export_is_offered_as_done_with_its_proof(qtbot: QtBot, run: RunFolder) -> None:
    bench = ModelBench(run)
    page = opened(qtbot, bench)
    card = page.cards["onnx"]
    assert card.stamp.state == "unchecked"
    page.primary.click()
    assert bench.exported == ["onnx"]
    assert card.export_action.reason == "An export is being written and checked."
    bench.export_event.emit(events.Progress(stage="writing", done=0, total=1))
    bench.export_event.emit(events.Progress(stage="checking", done=8, total=32))
    assert card.stamp.state == "checking"
    qtbot.waitUntil(lambda: "8 of 32 images answered here" in words(card))
    folder = write_export(run, 1)
    bench.export_event.emit(events.Completed(message="Exported."))
    qtbot.waitUntil(lambda: card.stamp.state == "proved", timeout=5000)
    qtbot.waitUntil(lambda: "32 of 32 labels equal" in words(card))
    assert "largest difference 0.0000031" in words(card)
    assert "model.onnx" in words(card)
    assert card.folder == folder
    assert page.primary.text() == "Open the exports folder"


def test_two_presses_are_one_export(qtbot: QtBot, run: RunFolder) -> None:
    bench = ModelBench(run)
    page = opened(qtbot, bench)
    page.primary.click()
    page.cards["onnx"].export_action.trigger()
    page.cards["weights"].export_action.trigger()
    assert bench.exported == ["onnx"]


def test_an_export_that_answers_otherwise_is_shown_as_failed(qtbot: QtBot, run: RunFolder) -> None:
    write_export(run, 1, passed=False, equal=31)
    page = opened(qtbot, ModelBench(run))
    qtbot.waitUntil(lambda: page.cards["onnx"].stamp.state == "failed", timeout=5000)
    qtbot.waitUntil(lambda: "31 of 32 labels equal" in words(page.cards["onnx"]))


def test_a_later_export_that_passed_is_shown_instead_of_one_that_failed(run: RunFolder) -> None:
    passed = write_export(run, 1)
    write_export(run, 2, passed=False)
    assert read_exports(run.exports)["onnx"].folder == passed


def test_a_damaged_record_is_passed_over(run: RunFolder) -> None:
    (write_export(run, 1) / "parity.json").write_text("{")
    assert read_exports(run.exports) == {}
    assert read_exports(run.path / "nowhere") == {}


def test_cancel_and_failure_leave_the_page_usable(qtbot: QtBot, run: RunFolder) -> None:
    bench = ModelBench(run)
    page = opened(qtbot, bench)
    page.primary.click()
    page.cards["onnx"].cancelled.emit()
    assert bench.cancelled == ["export"]
    bench.export_event.emit(events.Stopped())
    assert page.cards["onnx"].export_action.reason == ""
    page.cards["weights"].export_action.trigger()
    bench.export_event.emit(events.Failed(problem="The disk is full.", remedy="Free some space."))
    assert "The disk is full." in words(page)
    page.cards["weights"].export_action.trigger()
    assert bench.exported == ["onnx", "weights", "weights"]
    bench.export_event.emit(events.Crashed(cause="signal 9"))
    assert "ended unexpectedly" in words(page)
    bench.problem_raised.emit(UserError("It is about another page.", ""), "train")
    assert "another page" not in words(page)


def test_an_export_at_work_can_be_cancelled(qtbot: QtBot, run: RunFolder) -> None:
    bench = ModelBench(run)
    page = opened(qtbot, bench)
    page.primary.click()
    card = page.cards["onnx"]
    next(button for button in card.findChildren(Button) if button.isVisible() and button.text() == "Cancel").click()
    assert bench.cancelled == ["export"]


def test_an_export_that_went_on_meanwhile_is_taken_up_again(qtbot: QtBot, run: RunFolder) -> None:
    bench = ModelBench(run)
    page = opened(qtbot, bench)
    first = bench.run
    page.primary.click()
    bench.run = RunModel.replay(story())
    bench.run_changed.emit()
    assert page.cards["onnx"].export_action.reason == ""
    bench.run, bench.models.exporting = first, "onnx"
    bench.run_changed.emit()
    assert page.cards["onnx"].export_action.reason == "An export is being written and checked."
    bench.problem_raised.emit(UserError("It is about something else.", ""), "export")
    assert page.cards["onnx"].export_action.reason == "An export is being written and checked."
    bench.models.exporting = ""
    bench.export_event.emit(events.Completed(message="Exported."))
    assert page.cards["onnx"].export_action.reason == ""


def test_exports_that_were_still_being_read_do_not_come_up_under_another_run(qtbot: QtBot, run: RunFolder) -> None:
    write_export(run, 1)
    bench = ModelBench(run)
    page = opened(qtbot, bench)
    bench.run, bench.run_folder = None, None
    bench.run_changed.emit()
    background.shut_down()
    qtbot.wait(20)
    assert page.cards["onnx"].folder is None
    assert page._empty.isVisible()


def test_what_is_wrong_with_an_export_is_said_in_the_windows_words(qtbot: QtBot, run: RunFolder) -> None:
    bench = ModelBench(run)
    page = opened(qtbot, bench)
    page.primary.click()
    bench.export_event.emit(
        events.Failed(
            problem="The model is too large for an ONNX file.",
            remedy="Export with --format weights.",
            code="export_too_large",
        )
    )
    assert "Export the weights instead." in words(page)
    assert "--format" not in words(page)


def test_without_the_images_nothing_can_be_proved_so_the_page_asks_for_them(qtbot: QtBot, run: RunFolder) -> None:
    bench = ModelBench(run, data=None)
    page = opened(qtbot, bench)
    assert "they are not where they were" in page.hint()
    assert page._find_button.isVisible()
    bench.data = Path("/elsewhere")
    bench.images_found.emit()
    assert page.primary.isEnabled()


def test_before_there_is_a_model_the_page_says_what_will_be_here(qtbot: QtBot) -> None:
    page = opened(qtbot, ModelBench())
    assert "Here the finished model becomes a file" in words(page)
    assert page.hint() == "There is no run yet."


@pytest.mark.parametrize("ending", [events.Completed(message="", best_epoch=3), events.Stopped(best_epoch=3), None])
def test_t32_it_says_which_state_an_export_holds_however_training_ended(
    ending: events.Ending | None, qtbot: QtBot, run: RunFolder
) -> None:
    """At its end or early, by Stop, and of a run that broke off: the same rule in the same words."""
    bench = ModelBench(run)
    told = [event for event in story() if not isinstance(event, events.Ending)]
    bench.run = RunModel.replay([*told, *([ending] if ending is not None else [])])
    best = bench.run.best_epoch
    assert best
    page = opened(qtbot, bench)
    assert f"It holds the run's best state, that of epoch {best}, chosen on validation, however training" in words(page)

    first = next(event for event in told if isinstance(event, events.EpochEnded))
    bench.run = RunModel.replay([msgspec.structs.replace(first, epoch=0, best=True), events.Stopped(best_epoch=0)])
    bench.run_changed.emit()
    assert "best state, that from before the first epoch, chosen" in words(page)


def test_of_a_mix_of_weights_it_says_so(qtbot: QtBot, run: RunFolder) -> None:
    bench = ModelBench(run)
    mixes = [events.Mix(earlier=share, new=0.9, old=0.8) for share in (0.0, 0.4)]
    tried = events.MixesTried(mixes=mixes, chosen=0.4, by_itself=True, new_images=9, old_images=9, sentence="")
    bench.run = RunModel.replay([*story(), tried])
    page = opened(qtbot, bench)
    best = bench.run.best_epoch
    assert (
        "It holds a mix: 40 % of the weights that training began with, the rest of the run's best state, that of "
        f"epoch {best}," in words(page)
    )
    bench.run = RunModel.replay([*story(), msgspec.structs.replace(tried, chosen=0.0)])
    bench.run_changed.emit()
    assert "It holds the run's best state" in words(page)


@pytest.mark.parametrize(
    ("number", "text"), [(3.14e-6, "0.0000031"), (0.0, "0"), (0.5, "0.5"), (0.00012, "0.00012"), (2.0, "2")]
)
def test_small_numbers_are_plain_decimals(number: float, text: str) -> None:
    assert plain(number) == text


def test_the_time_of_the_check_is_said(run: RunFolder) -> None:
    write_export(run, 1)
    export = read_exports(run.exports)["onnx"]
    assert export.lines(datetime.now())[-1].startswith("Checked today, ")


@pytest.mark.parametrize("width", [744, 900])
def test_the_page_is_never_wider_than_its_window(qtbot: QtBot, run: RunFolder, width: int) -> None:
    write_export(run, 1)
    page = opened(qtbot, ModelBench(run))
    qtbot.waitUntil(lambda: page.cards["onnx"].stamp.state == "proved", timeout=5000)
    page.resize(width, 600)
    qtbot.wait(20)
    assert page.too_wide() == 0
