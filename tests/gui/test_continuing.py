"""Continue a model: from a run to a folder of new images, settled on every page, begun, set up again, and left again."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.bench import CELLS, Bench, make_run
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events, run_folder
from tlgui.core.imaging_messages import ClassCount, RunPrepared, Scanned, ScanSummary
from tlgui.core.records import ImageRecord
from tlgui.core.run_spec import Dataset, Earlier, RunSpec, Source, Training
from tlgui.gui import background, continue_dialog
from tlgui.gui.closing import shut_down
from tlgui.gui.continue_dialog import ContinueDialog
from tlgui.gui.continuing import (
    Continuation,
    class_states,
    continuation_of,
    meter_words,
    missing_keeping,
    place_of_earlier,
    read_found,
    states_of,
)
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.wizard.backbone_page import BackbonePage
from tlgui.gui.wizard.continues_banner import ContinuesBanner
from tlgui.gui.wizard.review_page import ReviewPage

LEFT = Qt.MouseButton.LeftButton
CLASSES = ["round", "star", "long"]
ONE_CLASS = ScanSummary(
    name="moths",
    layout="class folders",
    classes=[ClassCount(name="moth", train=14, validation=3, test=3, samples=["moth/1.png"])],
    used=20,
)


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    theme().install(qapp)
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


def earlier_run(tmp_path: Path, model: bool = True, **spec: Any) -> Path:
    """A finished run with three classes and a file of weights that nobody opens here."""
    dataset = Dataset(name="cells", fingerprint="f" * 64, layout="class folders", classes=CLASSES, images=6)
    training = Training(strategy="fine-tune-top", head="hidden", head_units=64)
    run = run_folder.create(
        tmp_path / "the run", RunSpec(dataset=dataset, training=training, fit="squash", size=192, **spec)
    )
    images = tmp_path / "cells"
    images.mkdir()
    used = []
    for number, part in enumerate(("train", "train", "train", "validation", "test", "test")):
        content = bytes([number]) * 9
        (images / f"{number}.png").write_bytes(content)
        used.append((part, f"{number}.png", content))
    records = [
        ImageRecord(path=name, class_name="round", content_hash=hashlib.sha256(content).hexdigest(), width=9, height=9)
        for _, name, content in used
    ]
    run.write_manifest(records, {name: part for part, name, _ in used}, [])  # type: ignore[misc]
    if model:
        run.best_path.write_bytes(b"weights")
    return run.path


def read(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def continued(bench: Bench, tmp_path: Path, summary: ScanSummary = ONE_CLASS, here: bool = True) -> Path:
    """A run that continues another one is set up, and its folder is read; `here`: so are the earlier images."""
    run = earlier_run(tmp_path)
    if here:
        place_of_earlier(read_found(run), tmp_path / "cells")
    bench.learn_on(read_found(run), tmp_path / "moths")
    ticket = bench.scan_ticket
    assert ticket is not None
    bench.fake_imaging.answered.emit(Scanned(ticket=ticket, summary=summary))
    return run


# -- what is known of it ----------------------------------------------------------------------------------------------


def test_a_run_is_read_with_its_classes_and_what_it_never_learned(bench: Bench, tmp_path: Path) -> None:
    path = earlier_run(tmp_path)
    found = read_found(path)
    assert found.continuation == Continuation(path, "cells", tuple(CLASSES), held_out=2, earlier=None)
    assert "cannot be measured" in meter_words(found.continuation)
    place_of_earlier(found, tmp_path / "cells")
    again = read_found(path).continuation
    assert again.earlier == tmp_path / "cells", "it is kept for later"
    assert meter_words(again).startswith("What it forgets is measured on 2 images")


def test_a_folder_of_other_images_is_not_taken_for_its_own(bench: Bench, tmp_path: Path) -> None:
    found = read_found(earlier_run(tmp_path))
    (other := tmp_path / "other").mkdir()
    with pytest.raises(Exception, match="does not hold the images"):
        place_of_earlier(found, other)
    assert read_found(found.continuation.run).continuation.earlier is None


def test_old_classes_stay_and_new_ones_follow() -> None:
    states = class_states(CLASSES, [("Star", 7), ("moth", 20)])
    assert [tuple(one) for one in states] == [
        ("round", 0, "no images"), ("star", 7, "kept"), ("long", 0, "no images"), ("moth", 20, "new"),
    ]  # fmt: skip


def test_a_run_that_was_made_says_itself_what_it_continues() -> None:
    source = Source(run="the run", dataset="cells", classes=CLASSES)
    earlier = [Earlier(name="cells", fingerprint="f", images=6, held_out=2)]
    found = continuation_of(RunSpec(source=source, earlier=earlier))
    assert found is not None and (found.name, found.held_out) == ("the run", 2)
    assert continuation_of(RunSpec(source=Source(run="a"))) is None and continuation_of(RunSpec()) is None


# -- set up -----------------------------------------------------------------------------------------------------------


def test_network_size_crop_and_head_are_the_runs_and_what_it_knows_is_kept(bench: Bench, tmp_path: Path) -> None:
    run = continued(bench, tmp_path)
    draft = bench.draft
    assert bench.fake_imaging.fewest == [1], "the new class alone will do"
    assert (draft.fit, draft.size, draft.weights_file) == ("squash", 192, str(run_folder.RunFolder(run).best_path))
    assert (draft.training.head, draft.training.head_units, draft.training.keep) == ("hidden", 64, "ewc")
    assert draft.missing("review") == "" and [one.state for one in states_of(draft)] == ["no images"] * 3 + ["new"]

    bench.start_training()
    assert bench.fake_imaging.continued == [(True, tmp_path / "cells")]


def test_where_its_images_are_goes_with_it(bench: Bench, tmp_path: Path) -> None:
    run = earlier_run(tmp_path)
    bench.learn_on(read_found(run).at(tmp_path / "cells"), tmp_path / "moths")
    ticket = bench.scan_ticket
    assert ticket is not None
    bench.fake_imaging.answered.emit(Scanned(ticket=ticket, summary=ONE_CLASS))
    bench.start_training()
    assert bench.fake_imaging.continued == [(True, tmp_path / "cells")]


def test_a_new_model_instead_asks_for_two_classes_again(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    continued(bench, tmp_path)
    holder = QWidget()
    qtbot.addWidget(holder)
    banner = ContinuesBanner(bench, holder)
    holder.show()
    assert "It continues “the run” with its 3 classes" in read(holder)
    qtbot.mouseClick(banner.anew, LEFT)
    draft = bench.draft
    assert draft.continues is None and banner.isHidden()
    assert (draft.weights_file, draft.fit, draft.size, draft.training.keep) == ("", "crop", None, "none")
    assert draft.training.head == "linear" and bench.fake_imaging.fewest == [1, 2]
    bench.fake_imaging.answered.emit(Scanned(ticket=bench.scan_ticket, summary=ONE_CLASS))
    assert draft.missing("images") == "Training needs images of at least two classes."


def test_another_folder_for_it_is_chosen_on_its_page_and_a_fresh_start_forgets_it(bench: Bench, tmp_path: Path) -> None:
    continued(bench, tmp_path)
    bench.page = "images"
    bench.open_folder(tmp_path / "other")
    assert bench.draft.continues is not None
    bench.page = "start"
    bench.open_folder(tmp_path / "other")
    assert bench.draft.continues is None


def test_a_new_class_alone_needs_the_earlier_images(bench: Bench, tmp_path: Path) -> None:
    """Else it would end with calling everything by the new name, and the engine refuses it: said before Start."""
    continued(bench, tmp_path, here=False)
    said = bench.draft.missing("strategy")
    assert "one class alone" in said and "everything “moth”" in said and "“the run”" in said
    before = bench.draft.continues
    assert before is not None
    bench.draft.continues = dataclasses.replace(before, earlier=tmp_path / "cells")
    assert bench.draft.missing("strategy") == ""


def test_with_more_new_classes_than_one_they_may_be_gone(bench: Bench, tmp_path: Path) -> None:
    two = [*ONE_CLASS.classes, ClassCount(name="star", train=14, validation=3, test=3)]
    continued(bench, tmp_path, msgspec.structs.replace(ONE_CLASS, classes=two, used=40), here=False)
    assert bench.draft.missing("strategy") == ""


def test_from_scratch_nothing_would_be_kept(bench: Bench, tmp_path: Path) -> None:
    continued(bench, tmp_path)
    bench.draft.set_strategy("from-scratch")
    assert "would keep nothing of “the run”" in bench.draft.missing("strategy")
    bench.draft.set_strategy("fine-tune-top")
    bench.draft.set_training("keep", "average")
    bench.draft.set_training("keep_strength", 3.0)
    assert missing_keeping(bench.draft).endswith("share of the earlier weights in the mix: at most 1.")


def test_a_layer_that_adapting_would_need_before_a_head_that_stays_is_said_before_start(
    bench: Bench, tmp_path: Path
) -> None:
    continued(bench, tmp_path)
    bench.draft.set_training("head", "linear")
    bench.draft.set_training("adapt", "mmd")
    assert missing_keeping(bench.draft).startswith("What is advised may be to train the last layer alone.")
    bench.draft.set_strategy("feature-extraction")
    assert missing_keeping(bench.draft).startswith("Adapting while the last layer alone learns puts a layer before it")
    assert "“the run” stays" in missing_keeping(bench.draft)
    bench.draft.set_training("adapt", "statistics")
    assert missing_keeping(bench.draft) == ""
    bench.draft.set_training("adapt", "mmd")
    bench.draft.set_strategy("fine-tune-top")
    assert missing_keeping(bench.draft) == ""


def began(bench: Bench) -> Path:
    """The run that is set up has its folder, which says what it continues."""
    bench.start_training()
    ticket, _, asked = bench.fake_imaging.prepared[-1]
    source = Source(run="the run", dataset="cells", classes=CLASSES)
    earlier = [Earlier(name="cells", fingerprint="f" * 64, images=6, held_out=2)]
    path = make_run(msgspec.structs.replace(asked, source=source, earlier=earlier))
    spec = run_folder.RunFolder(path).spec()
    bench.fake_imaging.answered.emit(RunPrepared(ticket=ticket, run=str(path), spec=spec, advice=""))
    return path


def test_a_run_that_began_shows_what_it_continues_and_is_set_up_again_with_it(bench: Bench, tmp_path: Path) -> None:
    run = continued(bench, tmp_path)
    bench.draft.set_training("keep_strength", 5.0)
    began(bench)
    bench.new_run_from()
    before = bench.draft.continues
    assert before is not None and (before.run, before.held_out) == (run, 2)
    assert bench.draft.training.keep_strength == 5.0 and bench.fake_imaging.fewest == [1, 1]


def test_a_run_whose_beginning_is_gone_is_not_set_up_as_another_one(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    continued(bench, tmp_path)
    path = began(bench)
    bench.fake_engine.say(events.Stopped(run=str(path)))
    bench.runs.show_none()
    run_folder.remember_place("f" * 64, tmp_path / "cells")
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)
    assert bench.draft.continues is not None and bench.draft.continues.name == "the run"
    bench.new_run_from()
    (problem, _) = bench.problems[-1]
    assert "The run 'the run' that this one continues is not among the runs" in problem.problem
    assert bench.run is not None, "it is shown as before"


# -- the dialog -------------------------------------------------------------------------------------------------------


def opened(bench: Bench, path: Path, qtbot: QtBot) -> ContinueDialog:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ContinueDialog(bench, path, parent)
    dialog.held_by_test = parent  # type: ignore[attr-defined]
    dialog.open()
    return dialog


def test_the_dialog_says_what_it_knows_and_takes_the_folder(
    bench: Bench, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Path] = [tmp_path / "cells", tmp_path / "moths"]
    monkeypatch.setattr(continue_dialog, "ask_for_folder", lambda parent, title, chosen: chosen(answers.pop(0)))
    dialog = opened(bench, earlier_run(tmp_path), qtbot)
    assert not dialog.choose.isEnabled() and "is being read" in dialog.knows.text()
    qtbot.waitUntil(dialog.choose.isEnabled)
    assert "It knows 3 classes (round, star, long), learned from 3 images of “cells”." in read(dialog)
    assert "forgetting cannot be measured" in read(dialog) and dialog.find_earlier.isVisible()

    qtbot.mouseClick(dialog.find_earlier, LEFT)
    qtbot.waitUntil(lambda: "measured on 2 images of before" in read(dialog))
    assert not dialog.find_earlier.isVisible()

    qtbot.mouseClick(dialog.choose, LEFT)
    assert bench.draft.continues is not None and bench.draft.continues.earlier == tmp_path / "cells"
    assert bench.fake_imaging.scanned == [tmp_path / "moths"] and not dialog.isVisible()


def test_a_run_without_a_model_cannot_be_continued(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    dialog = opened(bench, earlier_run(tmp_path, model=False), qtbot)
    qtbot.waitUntil(lambda: "has no model yet" in read(dialog))
    assert not dialog.choose.isEnabled() and "It cannot be continued." in read(dialog)
    dialog.reject()


def test_closed_while_it_reads_nothing_happens(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    dialog = opened(bench, earlier_run(tmp_path), qtbot)
    dialog.reject()
    background.shut_down()
    assert bench.draft.continues is None


# -- the pages --------------------------------------------------------------------------------------------------------


def test_the_network_cannot_be_changed_and_the_page_says_why(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    continued(bench, tmp_path)
    page = BackbonePage(bench)
    qtbot.addWidget(page)
    page.show()
    assert "It continues “the run”" in read(page) and not page.weights.isVisible() and not page.rank.isVisible()
    page.table.picked.emit(page.table.names.index("resnet18"))
    assert bench.draft.backbone == "efficientnet-lite0" and bench.draft.continues is not None


def test_the_review_lists_the_classes_of_both(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    both = ScanSummary(
        name="both", layout="class folders", used=40,
        classes=[*ONE_CLASS.classes, ClassCount(name="star", train=14, validation=3, test=3)],
    )  # fmt: skip
    continued(bench, tmp_path, both)
    page = ReviewPage(bench)
    qtbot.addWidget(page)
    page.show()
    table = page.classes.table
    rows = [[table.cell_text(row, column) for column in range(3)] for row in range(table.row_count())]
    assert rows == [
        ["round", "none", "knows it, no new images"], ["star", "20", "knows it"],
        ["long", "none", "knows it, no new images"], ["moth", "20", "new"],
    ]  # fmt: skip
    said = read(page)
    assert "It continues the run “the run”: its classes and its last layer stay" in said
    assert "What it knows already is kept by “Hold what matters (EWC)”" in said and "The strength is 10:" in said
    assert "Of 2 classes there are no new images" in said
    assert (
        "Of 2 classes that it knows there are no new images: earlier images of them are shown again, and earlier"
        in said
    )
    bench.draft.set_training("keep", "none")
    assert "no new images: earlier validation images stand for them when the epoch is chosen." in read(page)


def test_several_runs_are_not_begun_from_one_that_continues_another(bench: Bench, tmp_path: Path) -> None:
    continued(bench, tmp_path)
    for desk in (bench.compare, bench.sites):
        assert "continues a run" in desk.reason_against_start()


def test_an_ordinary_run_shows_nothing_of_it(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    bench.found(tmp_path, CELLS)
    page = ReviewPage(bench)
    qtbot.addWidget(page)
    page.show()
    assert not page.classes.isVisible() and "ontinues" not in read(page)
    assert bench.fake_imaging.fewest == [2]
