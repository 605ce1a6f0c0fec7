"""What each layer group tells, asked by itself once a comparison that asks whether pretraining helps is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.bench import Bench
from helpers.compared import comparison_of
from helpers.made_comparison import TWO, make, new_folder, share, whole
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events, transfer
from tlgui.core.comparison import Comparison
from tlgui.core.events import GroupScore, LayersProbed
from tlgui.core.run_folder import RunFolder, remember_place
from tlgui.gui.closing import shut_down
from tlgui.gui.pages.compare_page import ComparePage
from tlgui.gui.settings import Settings
from tlgui.imaging.listing import read_listing

PROBED = LayersProbed(
    backbone="efficientnet-lite0",
    groups=[
        GroupScore(name=name, accuracy=value, low=value - 0.04, high=value + 0.04)
        for name, value in (("stem", 0.90), ("block 3", 0.91), ("top", 0.90))
    ],
    images=82, folds=5, largest_class=0.5, sentence="All layers tell the same.",
)  # fmt: skip
DONE = events.Completed(message="")
RIGHT = {one.key: share(60 + place) for place, one in enumerate(transfer.ENTRANTS)}


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
    remember_place("f" * 64, folder)
    return folder


def asked_whether_it_helps(folds: int = 0, weights: str = "") -> Comparison:
    return msgspec.structs.replace(
        comparison_of(*TWO, folds=folds), entrants=list(transfer.ENTRANTS), purpose="transfer", weights=weights
    )


def opened(bench: Bench, qtbot: QtBot, asked: Comparison | None = None) -> None:
    """A whole one is opened; its result is there."""
    whole(new_folder(), asked or asked_whether_it_helps(), RIGHT)
    bench.compare.open(new_folder())
    qtbot.waitUntil(lambda: bench.compare.state == "complete")


def probing(bench: Bench, qtbot: QtBot) -> commands.ProbeLayers:
    qtbot.waitUntil(lambda: bool(bench.fake_engine.jobs))
    job = bench.fake_engine.jobs[-1]
    assert isinstance(job, commands.ProbeLayers)
    return job


def test_the_engine_is_asked_by_itself_and_the_result_read_again(bench: Bench, qtbot: QtBot, images: Path) -> None:
    opened(bench, qtbot)
    before = bench.compare.result
    assert before is not None and before.transfer is not None, "shown at once"
    unlike = next(cause for cause in before.transfer.causes if cause.name == "unlike")
    assert unlike.sentence == "How like everyday photographs they are was not measured."

    job = probing(bench, qtbot)
    assert (job.data, job.backbone, job.fit, job.size, job.seed) == (str(images), "efficientnet-lite0", "crop", None, 0)
    run = RunFolder(new_folder() / "feature-extraction")
    listed = [(one.path, one.part) for one in read_listing(Path(job.listing))]
    assert listed == [(row.path, row.part) for row in run.manifest()]
    assert bench.compare.probe.busy
    bench.fake_engine.say(PROBED, DONE)
    qtbot.waitUntil(lambda: bench.compare.layers == PROBED)
    after = bench.compare.result
    assert after is not None and after.transfer is not None and transfer.read_layers(new_folder()) == PROBED
    assert "tells the classes as well as the uppermost one" in after.transfer.causes[1].sentence
    assert not bench.compare.probe.busy and len(bench.fake_engine.jobs) == 1


def test_images_that_test_a_fold_are_asked_too(bench: Bench, qtbot: QtBot, images: Path) -> None:
    """Those that test what is chosen are in no fold, so all that are there choose."""
    opened(bench, qtbot, asked_whether_it_helps(folds=2))
    parts = {one.part for one in read_listing(Path(probing(bench, qtbot).listing))}
    assert parts == {"train"}


@pytest.mark.parametrize("why", ["known", "strategies", "not whole"])
def test_where_it_is_known_or_not_asked_for_nothing_is_asked(
    bench: Bench, qtbot: QtBot, images: Path, why: str
) -> None:
    asked = comparison_of(*TWO) if why == "strategies" else asked_whether_it_helps()
    if why == "not whole":
        make(new_folder(), asked)
    else:
        whole(new_folder(), asked, {one.key: share(60) for one in asked.entrants})
    if why == "known":
        transfer.write_layers(new_folder(), PROBED)
    bench.compare.open(new_folder())
    qtbot.waitUntil(lambda: bench.compare.state in ("complete", "interrupted"))
    qtbot.wait(50)
    assert bench.fake_engine.jobs == [] and not bench.compare.probe.busy and not bench.compare.probe.said
    assert (bench.compare.layers == PROBED) == (why == "known")


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (events.Failed(problem="The weights are gone.", remedy="Load them."), "The weights are gone."),
        (events.Stopped(), "it was not asked to the end."),
        (events.Crashed(cause="signal 9"), "it was not asked to the end."),
    ],
    ids=["failed", "stopped", "crashed"],
)
def test_without_an_answer_the_result_stands_and_it_can_be_asked_again(
    bench: Bench, qtbot: QtBot, images: Path, ending: events.Ending, said: str
) -> None:
    opened(bench, qtbot)
    probing(bench, qtbot)
    bench.fake_engine.say(ending)
    probe = bench.compare.probe
    assert probe.said == f"What each layer group tells is not known: {said}"
    bench.compare.refresh()
    qtbot.wait(50)
    assert len(bench.fake_engine.jobs) == 1, "it is not asked for ever"
    assert bench.compare.state == "complete" and bench.compare.problem == "" and probe.can_ask_again
    probe.ask_again()
    qtbot.waitUntil(lambda: len(bench.fake_engine.jobs) == 2)
    assert probe.said == "" and not probe.can_ask_again
    bench.fake_engine.say(PROBED, DONE)
    qtbot.waitUntil(lambda: bench.compare.layers == PROBED)


def test_a_training_goes_first(bench: Bench, qtbot: QtBot, images: Path) -> None:
    opened(bench, qtbot)
    probing(bench, qtbot)
    bench.started(images)
    assert not bench.compare.probe.busy and bench.compare.probe.waits
    assert [type(one) for one in bench.fake_engine.sent] == [commands.Stop]
    bench.fake_engine.say(events.Stopped())  # of the question
    qtbot.waitUntil(lambda: isinstance(bench.fake_engine.jobs[-1], commands.Train))
    bench.compare.refresh()
    qtbot.wait(50)
    assert not bench.compare.probe.busy
    bench.fake_engine.say(events.Completed(message="Done.", best_epoch=1))
    qtbot.waitUntil(lambda: isinstance(bench.fake_engine.jobs[-1], commands.ProbeLayers))
    assert len(bench.fake_engine.jobs) == 3


def test_images_that_are_gone_are_said(bench: Bench, qtbot: QtBot) -> None:
    opened(bench, qtbot)
    assert bench.compare.probe.said.endswith("the images are not where they were.")
    assert bench.fake_engine.jobs == [] and bench.compare.result is not None


def test_weights_of_ones_own_must_be_at_hand(bench: Bench, qtbot: QtBot, images: Path) -> None:
    opened(bench, qtbot, asked_whether_it_helps(weights="mine.pth"))
    assert bench.compare.probe.said.endswith("Give it on the page Backbone.") and bench.fake_engine.jobs == []
    bench.draft.set_backbone("efficientnet-lite0", weights_file="/some/mine.pth")
    bench.compare.probe.ask_again()
    assert probing(bench, qtbot).weights_file == "/some/mine.pth"


def test_nothing_of_one_that_was_left_arrives(bench: Bench, qtbot: QtBot, images: Path) -> None:
    opened(bench, qtbot)
    probing(bench, qtbot)
    bench.compare.forget()
    bench.fake_engine.say(PROBED, DONE)
    qtbot.wait(50)
    assert transfer.read_layers(new_folder()) is None and bench.compare.layers is None
    assert bench.compare.probe.said == ""


def test_the_page_shows_that_it_is_asked_and_what_was_told(bench: Bench, qtbot: QtBot, images: Path) -> None:
    page = ComparePage(bench)
    qtbot.addWidget(page)
    page.resize(964, 700)
    page.show()
    opened(bench, qtbot)
    probing(bench, qtbot)
    layers = page.tournament.layers
    assert page.tournament.result.transfer.isVisible() and layers.row.isVisible()
    bench.fake_engine.say(events.Progress(stage="looking at the images", done=40, total=82))
    assert layers.row.text() == "What each layer group tells… looking at the images, 40 of 82"
    layers.row.cancelled.emit()
    bench.fake_engine.say(events.Stopped())
    assert layers.words.text().startswith("What each layer group tells is not known:") and not layers.row.isVisible()
    assert layers.again.isVisible() and layers.again.toolTip()
    layers.again.click()
    qtbot.waitUntil(lambda: len(bench.fake_engine.jobs) == 2)
    assert layers.row.isVisible() and not layers.again.isVisible()
    bench.fake_engine.say(PROBED, DONE)
    qtbot.waitUntil(lambda: layers.words.text() == "Layer by layer: All layers tell the same.")
    assert not layers.again.isVisible() and "uppermost one" in page.tournament.result.transfer.text()
