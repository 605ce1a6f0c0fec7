"""Before and after adapting on the page Results: the table, what was made worse, and labelled images that are used once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.adapted_run import AFTER, BEFORE, adapted_run, beside, metrics, plain_run, scored
from helpers.model_bench import ModelBench
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events, site_score
from tlgui.core.run_folder import RunFolder
from tlgui.core.site_answers import Answers, SiteAnswers
from tlgui.gui import background
from tlgui.gui.pages.results.site_card import SiteResultsCard
from tlgui.gui.widgets import Label


@pytest.fixture(autouse=True)
def nothing_in_the_background() -> Iterator[None]:
    yield
    background.shut_down()


def shown(qtbot: QtBot, run: RunFolder) -> tuple[SiteResultsCard, ModelBench]:
    bench = ModelBench(run)
    card = SiteResultsCard(bench)  # type: ignore[arg-type]
    qtbot.addWidget(card)
    card.resize(900, 500)
    card.show_run(run)
    # Widgets that are new in a shown one come up with the next turn of the event loop.
    qtbot.waitUntil(lambda: card.found is not None and "Known site" in read(card), timeout=5000)
    return card, bench


def read(widget: QWidget) -> str:
    return "\n".join(one.text() for one in widget.findChildren(Label) if one.isVisible())


def test_the_table_has_both_sites_before_and_after(qtbot: QtBot, tmp_path: Path) -> None:
    run, _ = adapted_run(tmp_path, right=38), plain_run(tmp_path, right=28)
    card, _ = shown(qtbot, run)
    said = read(card)
    assert f"Before is the run “{BEFORE}” (feature extraction)" in said
    assert "Known site\n40 test images\n70.0 %\n" in said and "95.0 %\n" in said
    assert "+25.0 points" in said and "p = 0.002" in said
    assert "New site, unlabelled\nsureness of the answers\nnot known\nnot asked yet\n86 %\nvery sure" in said
    assert "spread of the answers\nnot known\nnot asked yet\n94 %\nover all classes" in said
    assert "New site, labelled\nnone were scored\nnot measured" in said
    assert not card.worse.isVisible() and card.score.isVisible() and "each look is counted" in card.score.toolTip()


def test_without_a_run_before_it_says_how_to_get_one(qtbot: QtBot, tmp_path: Path) -> None:
    card, _ = shown(qtbot, adapted_run(tmp_path, adapt="statistics"))
    said = read(card)
    assert "so “before” is not known" in said and "“Train without adapting”" in said
    assert "40 test images\nnot known\n90.0 %" in said and "points" not in said
    assert "sureness of the answers\nnot known\nnot asked yet\nnot known" in said and not card.worse.isVisible()


def test_what_adapting_made_worse_is_said_with_the_way_back(qtbot: QtBot, tmp_path: Path) -> None:
    run, plain = adapted_run(tmp_path, right=20), plain_run(tmp_path, right=36)
    scored(run, [site_score.part_score("new", metrics(10, 30), beside(25, 30, -0.5, -0.7, -0.2))])
    card, bench = shown(qtbot, run)
    said = read(card)
    assert card.worse.isVisible() and "Adapting made it worse, beyond what chance explains" in said
    assert "On labelled images of the new site: -50.0 points (-70.0 to -20.0)." in said
    assert "On test images of the known site: -40.0 points" in said
    assert "this one stays as it is" in card.back.toolTip()
    card.back.click()
    assert bench.opened == [plain.path.resolve()]


def test_labelled_images_are_scored_with_both_runs_and_the_look_is_counted(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, plain = adapted_run(tmp_path), plain_run(tmp_path)
    card, bench = shown(qtbot, run)
    monkeypatch.setattr("tlgui.gui.pages.results.site_card.ask_for_folder", lambda _p, _t, done: done(Path("/few")))
    card.score.click()
    assert bench.site_score.asked == [(Path("/few"), plain.path.resolve())]
    assert card.progress.isVisible() and not card.score.isVisible() and "Reading the images" in read(card)
    bench.site_score.say(progress=events.Progress(stage="answers for new images", done=8, total=30))
    assert card.progress.text() == "Answers for new images 8 of 30"

    parts = [
        site_score.part_score("known", metrics(27, 30), beside(16, 30, 0.3, 0.1, 0.5, split="known")),
        site_score.part_score("new", metrics(12, 15), beside(11, 15, 0.1, -0.2, 0.3)),
    ]
    scored(run, parts)
    bench.site_score.say(busy=False, progress=None)
    bench.site_score.scored.emit()
    qtbot.waitUntil(lambda: "30 images" in read(card), timeout=5000)
    said = read(card)
    assert "30 images, seen before without labels\n53.3 %" in said and "90.0 %" in said
    assert "15 images, never seen" in said and "+10.0 points\n-20.0 to +30.0, p = 0.035" in said
    assert "“labelled <b>”: These labelled images were used once, for this score; they chose nothing." in said


def test_both_runs_can_be_asked_about_the_unlabelled_images(qtbot: QtBot, tmp_path: Path) -> None:
    run, plain = adapted_run(tmp_path), plain_run(tmp_path)
    card, bench = shown(qtbot, run)
    assert card.ask.isEnabled() and "No label is read." in card.ask.toolTip()
    card.ask.click()
    assert bench.site_score.asked == [("both", plain.path.resolve())] and card.progress.isVisible()
    bench.site_score.both = SiteAnswers(
        images=32, before=Answers(entropy=0.6, spread=0.2), after=Answers(entropy=0.1, spread=0.69)
    )
    bench.site_score.say(busy=False)
    bench.site_score.scored.emit()
    qtbot.waitUntil(lambda: "32 images" in read(card), timeout=5000)
    said = read(card)
    assert "sureness, 32 images\n13 %\nlittle more than guessing\n86 %\nvery sure" in said
    assert "spread, 32 images\n29 %\nnearly all alike\n100 %" in said
    assert "of the probabilities as both runs give them" in said


@pytest.mark.parametrize("missing", ["site", "before"])
def test_what_keeps_both_from_being_asked_is_said(qtbot: QtBot, tmp_path: Path, missing: str) -> None:
    run = adapted_run(tmp_path)
    if missing == "site":
        plain_run(tmp_path)
    card, bench = shown(qtbot, run)
    if missing == "site":
        bench.site_score.say(site=None)
        assert "The images of the new site are not where they were." in read(card)
    assert not card.ask.isEnabled()
    assert (
        card.ask.toolTip()
        == {
            "site": "The images of the new site are not where they were.",
            "before": "There is no run without adapting to ask.",
        }[missing]
    )


def test_a_second_look_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    run = adapted_run(tmp_path)
    scored(run, [site_score.part_score("new", metrics(12, 15), None)], looks=3)
    card, _ = shown(qtbot, run)
    assert "were scored 3 times. Each look makes what you choose after it" in read(card)


def test_a_score_beside_another_run_than_the_newest_says_which(qtbot: QtBot, tmp_path: Path) -> None:
    run, _ = adapted_run(tmp_path), plain_run(tmp_path)
    scored(run, [site_score.part_score("new", metrics(12, 15), beside(9, 15, 0.2, 0.0, 0.4, name="an older one"))])
    card, _ = shown(qtbot, run)
    assert any("an older one" in one.toolTip() for one in card.findChildren(QWidget))


def test_a_score_can_be_stopped_and_a_failure_says_what_to_do(qtbot: QtBot, tmp_path: Path) -> None:
    card, bench = shown(qtbot, adapted_run(tmp_path))
    bench.site_score.say(busy=True)
    card.progress.cancelled.emit()
    assert bench.site_score.asked == ["cancel"] and "Stopping…" in card.progress.text()
    bench.site_score.say(busy=False, ended=events.Stopped())
    assert "Stopped. Nothing was kept." in read(card) and card.score.isVisible()
    failed = events.Failed(problem="'few' has a class that the model was not trained on: 'x'.", remedy="Rename it.")
    bench.site_score.say(ended=failed)
    assert "the model was not trained on: 'x'" in read(card) and "Rename it." in read(card)
    bench.site_score.say(ended=events.Crashed(cause="killed"))
    assert card.problem.isVisible()
    bench.site_score.say(busy=True, ended=None)
    assert not card.problem.isVisible()


def test_damaged_results_are_said(qtbot: QtBot, tmp_path: Path) -> None:
    run = adapted_run(tmp_path)
    (run.results / "metrics.json").write_text("{")
    bench = ModelBench(run)
    card = SiteResultsCard(bench)  # type: ignore[arg-type]
    qtbot.addWidget(card)
    card.show_run(run)
    qtbot.waitUntil(card.problem.isVisible)
    assert f"The results of the run '{AFTER}' cannot be read." in read(card)


def test_another_run_takes_its_table_away(qtbot: QtBot, tmp_path: Path) -> None:
    card, _ = shown(qtbot, adapted_run(tmp_path))
    card.forget()
    assert card.found is None and not card.isVisible()
