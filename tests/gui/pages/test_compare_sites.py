"""The page Compare, "Leave one site out": how sites are told and why not, how far it is, what to expect at a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.bench import CELLS, Bench
from helpers.made_sites import make_sites, new_sites_folder, sites_of, whole_sites
from helpers.sites_bench import answer_sites, asked_sites, begun_sites, ended_site, tell_sites, tried
from helpers.wizard_bench import summary
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.estimates import Speed
from tlgui.core.imaging_messages import PrepareSites, Refused
from tlgui.core.records import NameExample
from tlgui.gui.closing import shut_down
from tlgui.gui.pages.compare_page import ComparePage
from tlgui.gui.settings import Settings
from tlgui.gui.widgets import Segmented, Table

NAMES = ("art", "photo", "sketch")
STOPPED = events.Stopped(best_epoch=1)
PATTERN = r"^(north|south)_"
EXAMPLES = [NameExample(name="north_1.png", start=0, end=5), NameExample(name="south_2.png", start=0, end=5)]


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def shown(qtbot: QtBot, bench: Bench, width: int = 964, height: int = 700) -> ComparePage:
    page = ComparePage(bench)
    qtbot.addWidget(page)
    page.resize(width, height)
    page.show()
    page.entered()
    page.ask("sites")
    return page


def texts(table: Table) -> list[list[str]]:
    columns = range(len(table.cells.columns))
    return [[table.cell_text(row, column) for column in columns] for row in range(table.row_count())]


def set_speed(bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float = 10.0) -> None:
    monkeypatch.setattr(
        type(bench.machine), "speeds", {"efficientnet-lite0": Speed(seconds_per_1000=seconds)}, raising=False
    )
    bench.machine.changed.emit()


def against(page: ComparePage, reason: str) -> bool:
    """Whether the blue button is off, and says so."""
    return page.sites.start.reason == reason == page.hint() and not page.primary.isEnabled()


# -- how sites are told


def test_without_images_nothing_is_asked(qtbot: QtBot, bench: Bench) -> None:
    page = shown(qtbot, bench)
    assert against(page, "Choose a folder of images first.")
    assert page.sites.sites.headline.text() == "Choose a folder of images first." and tried(bench) == []
    assert not page.tournament.isVisible() and page.sites.isVisible()


def test_the_child_is_asked_once_and_only_while_somebody_looks(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    page.ask("ways")
    bench.found(images)
    assert tried(bench) == []
    page.ask("sites")
    bench.draft.changed.emit()
    assert tried(bench) == [""] and against(page, "The sites are being looked for.")
    tell_sites(bench)
    assert tried(bench) == [""], "what fits by itself is not asked again"
    assert page.sites.sites.by == "folder" and page.sites.sites.headline.text() == "3 sites"
    assert page.sites.sites.sites.text() == "art: 6 images\nphoto: 10 images\nsketch: 8 images"
    assert page.primary.isEnabled() and page.primary.text() == "Hold out each site"


def test_a_column_that_fits_is_taken_by_itself(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    tell_sites(bench, "column:hospital", sites={"A": 20, "B": 20}, columns=["age", "hospital"])
    card = page.sites.sites
    assert (card.kind, card.by, card.combo.currentText()) == ("column", "column:hospital", "hospital")
    assert card.combo.isVisible() and page.primary.isEnabled() and tried(bench) == [""]
    card.combo.setCurrentIndex(0)
    card.combo.activated.emit(0)
    assert tried(bench) == ["", "column:age"] and against(page, "The sites are being looked for.")
    tell_sites(bench, "column:age", sites={}, columns=["age", "hospital"], problem="Too many.", remedy="Fewer.")
    assert against(page, "Too many.") and card.headline.text() == "Too many." and card.sites.text() == "Fewer."


def test_without_a_table_the_column_cannot_be_chosen_and_says_why(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    tell_sites(bench)
    button = page.sites.sites.button("column")
    assert not button.isEnabled() and button.toolTip() == "These images have no label table with a column for it."


def test_a_pattern_is_tried_while_it_is_typed_and_shown_on_real_names(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    tell_sites(
        bench, problem="Each site would have a single class.", remedy="Say with --by.", code="no_sites", sites={}
    )
    card = page.sites.sites
    assert card.sites.text() == "Tell the sites in another way.", "the command line's option means nothing here"
    card.button("pattern").click()
    assert card.pattern.isVisible() and against(page, "Write a pattern first.")
    card.pattern.setFocus()
    QTest.keyClicks(card.pattern, PATTERN)
    qtbot.waitUntil(lambda: tried(bench)[-1] == PATTERN)
    assert tried(bench) == ["", PATTERN], "not at each letter"
    tell_sites(bench, PATTERN, sites={"north": 20, "south": 20}, examples=EXAMPLES)
    assert [one.accessibleName() for one in card.examples if one.isVisible()] == [
        "north_1.png, kept together by 'north'",
        "south_2.png, kept together by 'south'",
    ]
    assert card.headline.text() == "2 sites" and page.primary.isEnabled()
    page.primary.click()
    assert asked_sites(bench).by == PATTERN


def test_a_pattern_that_is_none_is_told_beneath_its_field(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    tell_sites(bench)
    card = page.sites.sites
    card.button("pattern").click()
    card.pattern.setText("(")
    card.pattern.textEdited.emit("(")
    qtbot.waitUntil(lambda: tried(bench)[-1] == "(")
    tell_sites(bench, "(", sites={}, problem="'(' is no regular expression.", remedy="Write it like (a).")
    assert card.problem.isVisible() and card.problem.text() == "'(' is no regular expression."
    assert card.pattern.property("state") == "bad" and against(page, "'(' is no regular expression.")
    card.button("folder").click()
    assert not card.problem.isVisible() and tried(bench)[-1] == "folder"


def test_of_two_questions_the_later_answer_counts(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    page.sites.sites.button("pattern").click()
    page.sites.sites.button("folder").click()
    assert tried(bench) == ["", "folder"]
    tell_sites(bench, "column:x", sites={"A": 1})
    assert page.sites.sites.found == {}, "of the first question"
    tell_sites(bench, "folder")
    assert list(page.sites.sites.found) == list(NAMES) and page.primary.isEnabled()


def test_other_images_are_looked_at_anew(qtbot: QtBot, bench: Bench, images: Path, tmp_path: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    tell_sites(bench)
    bench.found(tmp_path / "other", summary({"round": (14, 3, 3), "star": (14, 3, 3)}))
    assert tried(bench) == ["", ""] and page.sites.sites.found == {}
    tell_sites(bench, "column:site", sites={"A": 20, "B": 20}, columns=["site"])
    assert page.sites.sites.by == "column:site"


def test_what_was_chosen_for_other_images_is_not_kept(qtbot: QtBot, bench: Bench, images: Path, tmp_path: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    tell_sites(bench)
    page.sites.sites.pattern.setText(PATTERN)
    page.sites.sites.button("pattern").click()
    page.ask("ways")
    page.ask("sites")
    assert page.sites.sites.by == PATTERN and tried(bench) == ["", PATTERN], "of the same images it is"
    page.ask("ways")
    bench.found(tmp_path / "other")
    page.ask("sites")
    assert tried(bench)[2:] == [""]
    tell_sites(bench)
    assert page.sites.sites.by == "folder" and page.primary.isEnabled()


def test_a_child_that_cannot_start_or_refuses_is_told(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    bench.fake_imaging.failed.emit(UserError("Gone.", "Repair it."))
    assert against(page, "Gone.") and tried(bench) == [""], "it is not asked again and again"
    page.sites.sites.pattern.setText(PATTERN)
    page.sites.sites.button("pattern").click()
    assert tried(bench) == ["", PATTERN]
    ticket = bench.scan_ticket
    assert ticket is not None
    bench.fake_imaging.answered.emit(
        Refused(ticket=ticket, request="TrySites", problem="Not at hand.", remedy="Again.")
    )
    assert against(page, "Not at hand.")


# -- how each run trains


def test_start_asks_for_the_way_and_the_epochs(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    tell_sites(bench)
    runs = page.sites.runs
    runs.way.setCurrentIndex(runs.way.findData("fine-tune-top:2"))
    runs.way.activated.emit(runs.way.currentIndex())
    runs.epochs.setText("")
    assert against(page, "Epochs of each run: a number is missing here.")
    page.sites.on_start()
    assert not any(isinstance(one, PrepareSites) for one in bench.fake_imaging.asked)
    runs.epochs.set_value(7)
    page.primary.click()
    training = asked_sites(bench).spec.training
    assert (training.strategy, training.top_groups, training.epochs) == ("fine-tune-top", 2, 7)
    assert page.sites.row.text() == "The images are parted one site after another is held out"
    assert against(page, "Sites are being held out. Wait until that has ended, or stop it.")


def test_the_time_is_that_of_all_sites(
    qtbot: QtBot, bench: Bench, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    set_speed(bench, monkeypatch, 1000.0)
    assert page.sites.start_hint() == "", "how many sites there are is not known yet"
    tell_sites(bench)
    assert page.hint().startswith("Takes about ") and page.hint().endswith(" on this computer")
    assert page.hint() == page.sites.runs.total_words(3) != page.sites.runs.total_words(30)


def test_a_network_without_pretrained_weights_trains_from_scratch_alone(
    qtbot: QtBot, bench: Bench, images: Path
) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    tell_sites(bench)
    bench.draft.set_backbone("tiny-cnn")
    assert page.sites.start.reason.endswith(" has no pretrained weights: it can only be trained from scratch.")
    runs = page.sites.runs
    runs.way.setCurrentIndex(runs.way.findData("from-scratch"))
    runs.way.activated.emit(runs.way.currentIndex())
    assert page.sites.start.reason == ""


# -- running, stopped, whole


def test_progress_is_told_for_each_site(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    runs = begun_sites(bench, images, *NAMES)
    qtbot.waitUntil(lambda: bench.training_folder is not None)
    ended_site(bench, runs[0])
    qtbot.waitUntil(lambda: bench.training_folder is not None and bench.sites.done == 1)
    assert page.sites.row.text() == "Holding out sites 1 of 3 runs done"
    assert page.sites.now.text() == "Images: cells. Now: photo. The page Train shows its curves."
    assert [(row[0].text, row[1].chip or row[1].text) for row in page.sites.legs.cells.rows] == [
        ("art", "whole"), ("photo", "trains now"), ("sketch", "waits"),
    ]  # fmt: skip
    assert not page.sites.sites.isVisible() and page.primary_action() is None
    page.sites.row.cancelled.emit()
    assert [type(one).__name__ for one in bench.fake_engine.sent] == ["Stop"]


def test_a_stopped_one_can_be_gone_on_with_or_left(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    make_sites(new_sites_folder(), sites_of(*NAMES))
    bench.sites.open(new_sites_folder())
    qtbot.waitUntil(lambda: bench.sites.state == "interrupted")
    assert [row[1].text for row in page.sites.legs.cells.rows] == ["not trained yet"] * 3
    assert page.sites.row.text() == "Stopped 0 of 3 runs done" and page.primary_action() is page.sites.resume
    assert page.hint() == "Open the folder of these images first." and not page.primary.isEnabled()
    bench.found(images)
    page.primary.click()
    assert asked_sites(bench).folder and bench.sites.state == "preparing"
    answer_sites(bench, new_sites_folder(), sites_of(*NAMES))
    bench.sites.cancel()
    qtbot.waitUntil(lambda: bench.sites.state == "interrupted")
    page.another_button.click()
    assert page.sites.sites.isVisible() and not page.another_button.isVisible()


def test_what_to_expect_stands_there_like_a_table_in_a_paper(qtbot: QtBot, bench: Bench) -> None:
    page = shown(qtbot, bench, 1400)
    whole_sites(new_sites_folder(), sites_of(*NAMES), {"art": 30, "photo": 36, "sketch": 24})
    bench.sites.open(new_sites_folder())
    qtbot.waitUntil(lambda: bench.sites.state == "complete")
    card = page.sites.result
    assert card.isVisible() and card.title() == "What to expect at a new site"
    assert card.words.text().startswith("At a new site expect about 75 %, 15 points less than on sites that it knows")
    rows = texts(card.rows)
    # Wilson's interval of 30 of 40, from its formula with z = 1.96.
    assert rows[0] == ["art", "75.0 %\n59.8 to 85.8", "", "40", "90.0 %"]
    assert [row[0] for row in rows] == [*NAMES, "Mean of the sites\neach counts alike"]
    # .75, .90, .60: mean .75, s = .15, t(2) = 4.303: .75 +- 4.303 * .15 / sqrt(3), cut at 1.
    assert rows[3][1] == "75.0 %\n37.7 to 100.0" and rows[3][4] == "90.0 %"
    assert [span.beside for span in card.rows.spans] == [0.9] * 3 + [pytest.approx(0.9)]
    assert "Told by the folder at the top; feature extraction. Dot: the site held out" in card.notes.text()
    assert page.primary_action() is None and page.another_button.isVisible()


def test_two_sites_have_no_interval_and_classes_of_one_site_alone_are_said(qtbot: QtBot, bench: Bench) -> None:
    page = shown(qtbot, bench)
    asked = sites_of("north", "south", by="column:hospital")
    whole_sites(new_sites_folder(), asked, {"north": 30, "south": 20})
    bench.sites.open(new_sites_folder())
    qtbot.waitUntil(lambda: bench.sites.state == "complete")
    card = page.sites.result
    assert texts(card.rows)[2][1] == "62.5 %" and "Two sites give no interval for their mean." in card.notes.text()
    assert "Told by the column 'hospital'" in card.notes.text()
    manifest = new_sites_folder() / "site 1" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("0 1.png,star", "0 1.png,comet"))
    bench.sites.open(new_sites_folder())
    qtbot.waitUntil(lambda: "'north': 1 image of classes that no other site has" in card.notes.text())


# -- room and access


def _tried(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.found(images)
    tell_sites(bench, sites={f"a hospital with a long name, number {n}": 10 for n in range(20)}, columns=["x" * 60])


def _refused(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.found(images)
    tell_sites(bench, sites={}, problem="12 of 12 images have no site, such as 'across/1.png'.", code="no_sites")


def _running(bench: Bench, images: Path, qtbot: QtBot) -> None:
    begun_sites(bench, images, *NAMES)
    qtbot.waitUntil(lambda: bench.training_folder is not None)


def _whole(bench: Bench, images: Path, qtbot: QtBot) -> None:
    names = ("the university hospital in the north of the country", "south")
    whole_sites(new_sites_folder(), sites_of(*names), dict.fromkeys(names, 30))
    bench.sites.open(new_sites_folder())
    qtbot.waitUntil(lambda: bench.sites.state == "complete" and bool(bench.sites.earlier))


STATES: dict[str, Callable[[Bench, Path, QtBot], None]] = {
    "nothing": lambda bench, images, qtbot: None,
    "looking": lambda bench, images, qtbot: bench.found(images, CELLS),
    "tried": _tried,
    "refused": _refused,
    "running": _running,
    "whole": _whole,
}


@pytest.mark.parametrize(("width", "height"), [(964, 700), (900, 540)])
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_and_every_button_explains_itself(
    qtbot: QtBot, bench: Bench, images: Path, monkeypatch: pytest.MonkeyPatch, state: str, width: int, height: int
) -> None:
    set_speed(bench, monkeypatch)
    page = shown(qtbot, bench, width, height)
    STATES[state](bench, images, qtbot)
    QApplication.processEvents()
    assert page.window().width() == width and page.too_wide() == 0
    for button in page.findChildren(QAbstractButton):
        if button.isVisible():
            around = button.parentWidget()
            assert button.toolTip() or (isinstance(around, Segmented) and around.toolTip()), button.text()
            assert button.width() >= button.minimumSizeHint().width(), button.text()


def test_the_questions_are_reached_and_changed_by_keyboard(qtbot: QtBot, bench: Bench) -> None:
    page = shown(qtbot, bench)
    page.ask("ways")
    page.activateWindow()
    page.questions.button("ways").setFocus()
    qtbot.waitUntil(page.questions.button("ways").hasFocus)
    QTest.keyClick(page.questions.button("ways"), Qt.Key.Key_Right)
    assert page.questions.value == "sites" and page.sites.isVisible() and not page.tournament.isVisible()
    assert page.primary.text() == "Hold out each site"
