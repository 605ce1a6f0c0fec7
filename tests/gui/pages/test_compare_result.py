"""The page Compare when a comparison is whole: words, tables, what can be done with it; and the list of earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench
from helpers.compared import comparison_of
from helpers.made_comparison import THREE, TWO, make, new_folder, share, whole
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tlgui.gui.closing import shut_down
from tlgui.gui.pages.compare_page import ComparePage
from tlgui.gui.settings import Settings
from tlgui.gui.widgets import Label, Table
from tlgui.gui.widgets.table_delegate import EDGE, cell_width

NO_WINNER = {"feature-extraction": share(73), "fine-tune-top:2": share(75), "full-fine-tuning": share(74)}
WINNER = {"feature-extraction": share(40), "fine-tune-top:2": share(60), "full-fine-tuning": share(80)}


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
    return page


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(Label) if label.isVisible())


def texts(table: Table) -> list[list[str]]:
    columns = range(len(table.cells.columns))
    return [[table.cell_text(row, column) for column in columns] for row in range(table.row_count())]


# -- the result


def found(qtbot: QtBot, bench: Bench, right: dict[str, list[bool]], width: int = 964) -> ComparePage:
    whole(new_folder(), comparison_of(*right), right)
    page = shown(qtbot, bench, width)
    bench.compare.open(new_folder())
    qtbot.waitUntil(lambda: bench.compare.state == "complete")
    QApplication.processEvents()
    return page


def test_no_winner_is_an_answer(qtbot: QtBot, bench: Bench) -> None:
    page = found(qtbot, bench, NO_WINNER)
    assert (
        page.tournament.result.isVisible()
        and not page.tournament.ways.isVisible()
        and not page.tournament.progress.isVisible()
    )
    assert page.tournament.result.title() == "No winner"
    said = page.tournament.result.words.text()
    assert said.startswith("There is no winner: on 80 validation images, the best score, 93.8 % (")
    assert "Cheapest that is not clearly worse: feature extraction, 91.2 % (" in said
    assert "Validation images also chose the epoch of each way" in page.tournament.result.notes.text()


def test_a_winner_is_named(qtbot: QtBot, bench: Bench) -> None:
    page = found(qtbot, bench, WINNER)
    assert page.tournament.result.title() == "The winner: Full fine-tuning"
    assert page.tournament.result.words.text().startswith("Full fine-tuning is better than each other way: 100.0 % (")


def test_each_way_has_its_score_with_interval_time_and_parameters(qtbot: QtBot, bench: Bench) -> None:
    page = found(qtbot, bench, NO_WINNER, 1400)
    first, second, third = texts(page.tournament.result.rows)
    # Wilson's interval of 73 of 80, 75 of 80 and 74 of 80, from its formula with z = 1.96.
    assert first == [
        "Feature extraction\ncheapest, not clearly worse",
        "91.2 %\n83.0 to 95.7",
        "",
        "3 min\n1 run",
        "240,000",
    ]
    assert second == [
        "Fine-tune the top layers, 2 groups\nhighest score",
        "93.8 %\n86.2 to 97.3",
        "",
        "6 min\n1 run",
        "1,440,000",
    ]
    assert third[0] == "Full fine-tuning" and third[3] == "9 min\n1 run"
    assert [row[0].bold for row in page.tournament.result.rows.cells.rows] == [True, False, False]
    assert page.tournament.result.rows.cells.rows[0][2].tooltip == "91.2 %, 83.0 to 95.7"


def test_the_best_may_be_the_cheapest_too(qtbot: QtBot, bench: Bench) -> None:
    page = found(qtbot, bench, {"feature-extraction": share(78), "full-fine-tuning": share(60)})
    assert page.tournament.result.title() == "The winner: Feature extraction"
    assert texts(page.tournament.result.rows)[0][0] == "Feature extraction\nbest and cheapest"


def test_a_cheaper_way_that_is_clearly_worse_is_not_passed_over_in_silence(qtbot: QtBot, bench: Bench) -> None:
    page = found(qtbot, bench, {"feature-extraction": share(60), "full-fine-tuning": share(78)})
    assert texts(page.tournament.result.rows)[1][0] == "Full fine-tuning\nbest; what is cheaper is clearly worse"


def test_each_pair_has_its_difference_probability_and_verdict(qtbot: QtBot, bench: Bench) -> None:
    # 20 images are right with the second way alone, none with the first alone: p = 2 * 0.5 ** 20.
    page = found(
        qtbot, bench, {"feature-extraction": share(60), "fine-tune-top:2": share(80), "full-fine-tuning": share(79)}
    )
    pairs = {row[0]: row[1:] for row in texts(page.tournament.result.pairs)}
    difference, p, verdict = pairs["Feature extraction\nagainst Fine-tune the top layers, 2 groups"]
    assert difference.startswith("-25.0\n-") and p == "< 0.001\n(< 0.001)"
    assert verdict == "the second is better\n0 and 20 right alone"
    difference, p, verdict = pairs["Fine-tune the top layers, 2 groups\nagainst Full fine-tuning"]
    assert difference.startswith("+1.2\n") and p == "1.000\n(1.000)"
    assert verdict == "cannot be told apart\n1 and 0 right alone"


def test_the_result_can_be_trained(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = found(qtbot, bench, NO_WINNER)
    assert page.primary_action() is page.tournament.use and not page.primary.isEnabled()
    assert page.hint() == "Open the folder of these images first."
    bench.found(images)
    assert page.primary.isEnabled() and page.hint() == "Feature extraction"
    with qtbot.waitSignal(bench.page_asked) as asked:
        page.primary.click()
    assert asked.args == ["review"] and bench.draft.strategy == "feature-extraction"


# -- earlier ones


def test_earlier_ones_are_shown_with_their_state_and_can_be_opened(qtbot: QtBot, bench: Bench) -> None:
    make(new_folder("1"), comparison_of(*THREE), dataset="smears")
    whole(new_folder("2"), comparison_of(*TWO), {key: share(30) for key in TWO})
    page = shown(qtbot, bench)
    qtbot.waitUntil(page.tournament.earlier.isVisible)
    table = page.tournament.earlier.table
    rows = {row[0].partition("\n")[0]: row for row in texts(table)}
    assert rows["smears"][1] == "3 runs left" and rows["smears"][0].endswith(", 3 ways")
    assert rows["cells"][1] == "whole" and rows["cells"][0].endswith(", 2 ways")
    assert table.picked_row() == -1
    place = [row[0].text for row in table.cells.rows].index("smears")
    assert (
        table.cells.rows[place][0].tooltip == "Feature extraction, Fine-tune the top layers, 2 groups, Full fine-tuning"
    )
    table.picked.emit(place)
    qtbot.waitUntil(lambda: bench.compare.state == "interrupted")
    assert page.tournament.legs.row_count() == 3 and table.picked_row() == place
    table.picked.emit(1 - place)
    qtbot.waitUntil(lambda: bench.compare.state == "complete")
    assert page.tournament.result.isVisible() and table.picked_row() == 1 - place


def test_the_state_of_an_earlier_one_is_never_cut(qtbot: QtBot, bench: Bench) -> None:
    make(new_folder(), comparison_of(*THREE, folds=5), dataset="a study with quite a long name, second clinic")
    page = shown(qtbot, bench, 1400)
    qtbot.waitUntil(page.tournament.earlier.isVisible)
    QApplication.processEvents()
    table = page.tournament.earlier.table
    assert table.width() <= 300 and texts(table)[0][1] == "15 runs left"
    assert cell_width(table.cells.rows[0][1], False) + EDGE <= table.columnWidth(1)
