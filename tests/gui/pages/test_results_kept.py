"""Results of a run that learned on: what it still knows, another mix of its weights, strengths tried on copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.finished_run import finished_run
from helpers.model_bench import ModelBench
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.core.retention_events import (
    Mix,
    MixesTried,
    RetentionMeasured,
    RetentionSeen,
    StrengthsTried,
    StrengthTried,
    TaskSeen,
)
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import Keep, RunSpec, Source
from tlgui.gui import background
from tlgui.gui.pages.results_page import ResultsPage
from tlgui.gui.run_kept import about_new_images
from tlgui.gui.run_site import is_aligned
from tlgui.gui.theme import theme

LEFT = Qt.MouseButton.LeftButton
TEST = [(f"{n}.png", "a" if n % 2 else "b", "a" if n % 3 else "b", 0.8) for n in range(12)]
SEEN = RetentionSeen(meter="accuracy", images=120, before=0.95, now=0.88, low=-0.12, high=-0.02)
MEASURED = RetentionMeasured(
    seen=SEEN,
    tasks=[
        TaskSeen(name="cells", images=80, before=0.96, now=0.9),
        TaskSeen(name="older", images=40, before=0.93, now=0.84),
    ],
    looks=7,
    sentence="Of 120 earlier images 95.0 % were right before and 88.0 % are now. It has forgotten.",
)
MIXES = MixesTried(
    mixes=[Mix(earlier=n / 10, new=0.95 - 0.02 * n, old=0.7 + 0.02 * n) for n in range(11)],
    chosen=0.4, by_itself=True, new_images=40, old_images=60, sentence="The model that is kept is 40 % of the weights before.",
)  # fmt: skip
STRENGTHS = StrengthsTried(
    points=[StrengthTried(strength=n, new=0.9 - 0.01 * k, old=0.6 + 0.08 * k) for k, n in enumerate((0.0, 0.1, 1.0, 10.0))],
    epochs=3, new_images=40, old_images=60, best=10.0, old_before=0.92, sentence="A strength of 10 has the best mean of both.",
)  # fmt: skip


class Bench(ModelBench):
    """The same with what a press on "New run" asks for."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__(folder)
        self.again: list[str] = []
        self.chosen: list[Any] = []
        self.draft: Any = self

    def set_training(self, field: str, value: Any) -> str:
        self.chosen.append((field, value))
        return ""

    def new_run_from(self) -> None:
        self.again.append("new run")
        self.run = None


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(finished_run(tmp_path / "run", ["a", "b"], TEST))
    made.run_spec = spec_of(made, "ewc")
    return made


def spec_of(bench: Bench, keep: Keep) -> RunSpec:
    assert bench.run_folder is not None
    spec = bench.run_folder.spec()
    source = Source(run="the run", dataset="cells", classes=["a"])
    return msgspec.structs.replace(spec, source=source, training=msgspec.structs.replace(spec.training, keep=keep))


@pytest.fixture
def page(qtbot: QtBot, bench: Bench) -> Iterator[ResultsPage]:
    theme().install(QApplication.instance())  # type: ignore[arg-type]
    made = ResultsPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(1064, 1600)
    made.show()
    yield made
    background.shut_down()


def read_with(page: ResultsPage, bench: Bench, qtbot: QtBot, *said: Any) -> None:
    assert bench.run is not None
    for event in said:
        bench.run.kept.take(event)
    page.entered()
    qtbot.waitUntil(lambda: page.findings is not None)


def read(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def test_each_earlier_set_of_images_has_its_accuracy_before_and_now(
    page: ResultsPage, bench: Bench, qtbot: QtBot
) -> None:
    read_with(page, bench, qtbot, MEASURED)
    rows = [[page.known.table.cell_text(row, column) for column in range(4)] for row in range(2)]
    assert rows == [["cells", "80", "96.0 %", "90.0 %"], ["older", "40", "93.0 %", "84.0 %"]]
    said = read(page.known)
    assert (
        "It has forgotten." in said
        and "looked at 7 times while it trained; test images among them chose nothing" in said
    )
    assert "continues 'the run'" in read(page)


def test_a_stand_in_has_no_table_and_is_called_so(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    seen = msgspec.structs.replace(SEEN, meter="agreement", before=1.0)
    read_with(page, bench, qtbot, RetentionMeasured(seen=seen, sentence="That is a stand-in."))
    assert "These are validation images of this run" in read(page.known) and "chose anything" not in read(page.known)
    assert not page.known.table.isVisible() and "a stand-in, no accuracy" in read(page.known)


def test_an_ordinary_run_shows_none_of_it(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    assert bench.run_folder is not None
    bench.run_spec = bench.run_folder.spec()
    read_with(page, bench, qtbot)
    assert not (page.known.isVisible() or page.mix.isVisible() or page.strengths.isVisible())


def test_scores_of_the_new_images_are_called_so(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    read_with(page, bench, qtbot)
    assert "These scores are of the new images." in read(page.site) and "tell little" not in read(page.site)
    assert about_new_images(bench.run_spec, [[3, 1, 0], [0, 0, 0], [0, 0, 9]])[1].startswith(
        "They are of 2 of the 3 classes"
    )
    assert about_new_images(RunSpec(), [[1]]) == ("", "")


def test_where_new_images_do_not_show_all_classes_the_score_over_all_stands_there(
    page: ResultsPage, bench: Bench, qtbot: QtBot
) -> None:
    every = events.EveryClass(
        balanced_accuracy=0.912, low=0.79, high=0.975, classes=5, new_images=26, earlier_images=18
    )
    read_with(page, bench, qtbot, msgspec.structs.replace(MEASURED, every=every))
    said = read(page.site)
    assert "Over all 5 classes the balanced accuracy is 91.2 %, plausibly 79.0 to 97.5." in said
    assert "26 new images and 18 earlier images" in said and "independent" in said
    some = msgspec.structs.replace(every, of_classes=6)
    title, _ = about_new_images(bench.run_spec, [[26, 0], [0, 0]], some)
    assert title.startswith("Over 5 of the 6 classes (the others have no image that was never learned) the balanced")
    assert some.sentence().startswith("Over 5 of the 6 classes (")


# -- mixes ------------------------------------------------------------------------------------------------------------


def test_the_slider_goes_through_the_shares_and_keeps_the_one_it_stands_at(
    page: ResultsPage, bench: Bench, qtbot: QtBot
) -> None:
    bench.run_spec = spec_of(bench, "average")
    read_with(page, bench, qtbot, MIXES)
    card = page.mix
    assert card.slider.value() == 4 and "This mix is kept." in card.at.text() and not card.keep.isEnabled()
    card.slider.setValue(7)
    assert card.at.text() == "70 % earlier weights: new images 81.0 %, earlier images 84.0 %."
    assert "mixed with 40 % of the weights before" in read(page)
    assert card.plot.at == 0.7 and "share of the earlier weights" in card.plot.accessibleName()
    assert "look is counted" in card.keep_button.toolTip()
    qtbot.mouseClick(card.keep_button, LEFT)
    assert bench.kept.asked == [("mix", 0.7)]


def test_a_model_whose_statistics_are_those_of_a_new_site_is_not_mixed_any_more(
    page: ResultsPage, bench: Bench, qtbot: QtBot
) -> None:
    assert bench.run is not None
    bench.run_spec = spec_of(bench, "average")
    bench.run.notices.append(events.Notice(code="statistics_aligned", message="They are those of the new site now."))
    read_with(page, bench, qtbot, MIXES)
    page.mix.slider.setValue(7)
    for code, aligned in (("adaptation_alarm", False), ("statistics_aligned", True), ("statistics_kept", False)):
        bench.run.notices.append(events.Notice(code=code, message="What was said last counts."))
        assert is_aligned(bench.run) == aligned
    assert not page.mix.keep.isEnabled() and "those of the new site" in page.mix.keep_button.toolTip()
    assert not page.mix.choose.isEnabled()


def test_while_it_mixes_it_says_how_far_and_can_be_called_off(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    read_with(page, bench, qtbot, MIXES)
    card = page.mix
    bench.kept.against = "It is at work."
    bench.kept.say("mix", progress=events.Progress(stage="mixing the weights", done=3, total=11, seconds_left=8.0))
    assert card.progress.text() == "Mixing the weights 3 of 11, about 8 s left"
    assert not card.slider.isEnabled() and not card.keep.isEnabled() and not page.strengths.progress.isVisible()
    card.progress.cancelled.emit()
    assert bench.kept.asked == ["cancel"]
    bench.kept.say("mix", stopping=True)
    assert "Stopping…" in card.progress.text()
    bench.kept.against = ""
    bench.kept.say("", stopping=False, endings={"mix": events.Stopped()})
    assert "The run is as it was." in read(card) and card.slider.isEnabled()


def test_what_went_wrong_stands_in_the_card(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    read_with(page, bench, qtbot, MIXES)
    failed = events.Failed(problem="The disk is full.", remedy="Free some.", details="errno 28")
    bench.kept.say("", endings={"mix": failed})
    assert "The disk is full." in read(page.mix)
    bench.kept.say("", endings={"mix": events.Crashed(cause="signal 9")})
    assert "The engine ended unexpectedly" in read(page.mix)


def test_a_run_that_averages_and_was_not_mixed_offers_it(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    bench.run_spec = spec_of(bench, "average")
    read_with(page, bench, qtbot)
    assert "No mix was tried yet." in read(page.mix) and not page.mix.plot.isVisible()
    qtbot.mouseClick(page.mix.choose_button, LEFT)
    assert bench.kept.asked == [("mix", None)]


def test_without_earlier_images_a_mix_shows_the_new_ones_alone(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    alone = [msgspec.structs.replace(mix, old=None) for mix in MIXES.mixes]
    read_with(page, bench, qtbot, msgspec.structs.replace(MIXES, mixes=alone, old_images=0, chosen=0.5))
    assert "earlier images" not in page.mix.at.text() and "what a mix forgets is not measured" in read(page.mix)
    page.mix.plot.grab()


def test_another_mix_has_its_scores_read_anew(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    read_with(page, bench, qtbot, MIXES)
    assert bench.run_folder is not None and bench.run is not None
    before = page.findings
    bench.run.kept.take(msgspec.structs.replace(MIXES, chosen=0.7, by_itself=False))
    bench.kept.mixed.emit(bench.run_folder.path)
    qtbot.waitUntil(lambda: page.findings is not before and page.findings is not None)
    assert "chosen by you" in read(page.mix) and page.mix.slider.value() == 7


# -- strengths --------------------------------------------------------------------------------------------------------


def test_strengths_are_tried_and_drawn_with_the_best_one_picked(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    read_with(page, bench, qtbot)
    card = page.strengths
    assert card.isVisible() and not card.plot.isVisible() and "the run itself stays as it is" in read(card)
    qtbot.mouseClick(card.start_button, LEFT)
    assert bench.kept.asked == ["strengths"]

    assert bench.run is not None
    bench.run.kept.take(STRENGTHS)
    bench.kept.say()
    assert card.plot.isVisible() and card.picked == 10.0 and "best mean of both" in read(card)
    assert card.table.cell_text(0, 0).startswith("0 (lets go)")
    assert card.plot.places()[(0.9, 0.6)] == [0.0]
    assert "strength 10: new 87.0 percent, earlier 84.0 percent" in card.plot.accessibleName()
    card.plot.grab()


def test_a_new_run_is_set_up_with_the_strength_that_is_picked(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    read_with(page, bench, qtbot, STRENGTHS)
    page.strengths.table.set_picked(1)
    page.strengths.table.picked.emit(1)
    qtbot.mouseClick(page.strengths.again_button, LEFT)
    assert bench.again == ["new run"] and bench.chosen == [("keep_strength", 0.1)]


def test_copies_that_came_to_the_same_stand_on_one_point(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    same = [StrengthTried(strength=n, new=0.9, old=0.5) for n in (0.0, 0.1, 1.0)]
    read_with(page, bench, qtbot, msgspec.structs.replace(STRENGTHS, points=same, best=1.0))
    assert page.strengths.plot.places() == {(0.9, 0.5): [0.0, 0.1, 1.0]}


def test_without_earlier_images_there_is_no_trade_off_to_draw(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    points = [msgspec.structs.replace(one, old=None) for one in STRENGTHS.points]
    alone = msgspec.structs.replace(STRENGTHS, points=points, old_images=0, best=None, old_before=None)
    read_with(page, bench, qtbot, alone)
    assert not page.strengths.plot.isVisible() and page.strengths.table.cell_text(0, 2) == "not measured"


def test_what_is_at_work_elsewhere_locks_both(page: ResultsPage, bench: Bench, qtbot: QtBot) -> None:
    bench.kept.against = "The same is done with another run at this moment."
    read_with(page, bench, qtbot, MIXES, STRENGTHS)
    page.mix.slider.setValue(0)
    assert not page.mix.keep.isEnabled() and not page.strengths.start.isEnabled()
    assert "another run" in page.strengths.start_button.toolTip()
