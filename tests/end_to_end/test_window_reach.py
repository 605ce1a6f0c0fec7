"""Every page in every state: each control is named, explained, reachable in reading order, and nothing is cut off."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.bench import Bench, epoch, run_started
from helpers.fake_run import story
from helpers.finished_run import finished_run
from helpers.window import Person, out_of_reach, scroll_to
from helpers.window_program import environment
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QFileDialog, QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import ClassCount, ScanSummary
from tlgui.gui.closing import shut_down
from tlgui.gui.main_window import MainWindow
from tlgui.gui.places import PLACES
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.widgets import Action, Page, Segmented, reading_order

pytestmark = [
    pytest.mark.slow,
    pytest.mark.qt_log_level_fail("WARNING"),
    pytest.mark.qt_log_ignore("This plugin does not support"),
]
# Names that look like mark-up, and that are long: they must be read letter by letter, and cut nothing (case G15).
NASTY = ("<b>bold</b> & co", "a class with a name that is longer than any room for it would be, and goes on", "star")
IMAGES = ScanSummary(
    name="<b>cells & more",
    layout="class folders",
    classes=[
        ClassCount(name=name, train=14, validation=3, test=3, samples=[f"{name}/1.png", f"{name}/2.png"])
        for name in NASTY
    ],
    used=60,
)
SIZES = ((1024, 700), (960, 540), (1366, 768))


class Walk(Person):
    """The real window on engines that say what the walk lets them say."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "<b>cells & more"
        self.folder.mkdir()
        self.tmp_path = tmp_path
        settings = Settings(tmp_path / "settings.toml")
        settings.set(keep_awake=False)
        self.bench = Bench(settings)
        super().__init__(MainWindow(self.bench))
        self.window.setMinimumSize(1, 1)
        self.window.resize(1280, 800)
        self.window.show()

    def read(self) -> None:
        self.bench.found(self.folder, IMAGES)

    def finished(self, qtbot: QtBot) -> None:
        """A run that has ended is opened."""
        self.open_run(finished(self.tmp_path / "run"), qtbot)

    def open_run(self, path: Path, qtbot: QtBot) -> None:
        self.bench.open_run(path)
        qtbot.waitUntil(lambda: self.bench.run is not None, timeout=20_000)

    def end(self) -> None:
        for dialog in self.dialogs():
            dialog.close()
        self.window.closing.close_anyway()
        self.window.close()
        shut_down(self.bench)
        self.window.deleteLater()
        self.bench.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def finished(path: Path, ending: bool = True) -> Path:
    answers = [(f"{true}/{n}.png", true, NASTY[n % 3] if n > 4 else true, 0.9) for true in NASTY for n in range(7)]
    run = finished_run(path, NASTY, answers)
    for event in story(run=path.name, ending=ending):
        named = isinstance(event, events.RunStarted)
        run.append_event(msgspec.structs.replace(event, classes=list(NASTY)) if named else event)
    if not ending:
        (run.results / "metrics.json").unlink()
    return path


@pytest.fixture
def walk(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Walk]:
    theme().install(qapp)
    theme().set_choice("light")
    walk = Walk(tmp_path)
    yield walk
    walk.end()


# States


def started(walk: Walk, qtbot: QtBot) -> None:
    walk.read()
    walk.bench.start_training()
    path = walk.bench.prepared()
    walk.bench.fake_engine.say(run_started(path))
    for event in story(epochs=20)[1:60]:
        walk.bench.fake_engine.say(event)


def ended_as(ending: events.Event) -> Callable[[Walk, QtBot], None]:
    def play(walk: Walk, qtbot: QtBot) -> None:
        started(walk, qtbot)
        walk.bench.fake_engine.say(epoch(2), ending)

    return play


def everything(walk: Walk, qtbot: QtBot) -> None:
    walk.bench.draft.set_level("everything")
    walk.read()


def without_weights(walk: Walk, qtbot: QtBot) -> None:
    walk.read()
    walk.bench.draft.set_backbone("vgg16")


def refused(walk: Walk, qtbot: QtBot) -> None:
    walk.bench.open_folder(walk.folder)
    error = UserError("Only one class was found in '<b>x</b>'.", "Put each class in its own folder.", "details")
    walk.bench.fake_imaging.failed.emit(error)


def answered(walk: Walk, qtbot: QtBot) -> None:
    walk.finished(qtbot)
    walk.window.show_page("use")
    for number in range(3):
        shares = dict(zip(NASTY, (0.7, 0.2, 0.1), strict=True))
        answer = events.Predicted(path=f"<b>{number}</b>.png", label=NASTY[0], probabilities=shares)
        walk.bench.predict_event.emit(answer)
    walk.bench.predict_event.emit(events.Predicted(path="bad.png", problem="This file cannot be read."))
    walk.bench.predict_event.emit(events.Completed(message="Answered."))


STATES: dict[str, tuple[Callable[[Walk, QtBot], object], tuple[str, ...]]] = {
    "nothing yet": (lambda walk, qtbot: None, tuple(place.name for place in PLACES)),
    "reading": (lambda walk, qtbot: walk.bench.open_folder(walk.folder), ("images", "backbone")),
    "refused": (refused, ("images",)),
    "read": (lambda walk, qtbot: walk.read(), ("images", "backbone", "strategy", "review")),
    "everything": (everything, ("images", "strategy", "review")),
    "no weights": (without_weights, ("backbone", "review")),
    "running": (started, ("start", "images", "strategy", "review", "train", "results", "use", "export")),
    "stopped": (ended_as(events.Stopped(best_epoch=1)), ("train", "results", "use", "export")),
    "failed": (ended_as(events.Failed(problem="The disk is full.", remedy="Free some.", details="x")), ("train",)),
    "crashed": (ended_as(events.Crashed(cause="signal 9", last_lines="x")), ("train", "export")),
    "finished": (lambda walk, qtbot: walk.finished(qtbot), tuple(place.name for place in PLACES)),
    "answered": (answered, ("use",)),
}


def shown_controls(root: QWidget) -> list[QWidget]:
    """All that takes the keyboard and can be seen."""
    return [
        one
        for one in root.findChildren(QWidget)
        if one.isVisible() and one.focusPolicy() & Qt.FocusPolicy.TabFocus and not _is_inner(one)
    ]


def _is_inner(widget: QWidget) -> bool:
    """Parts of Qt's own controls, such as the line edit of a spin box; the viewport of a list hands its focus on."""
    return widget.objectName().startswith("qt_") or widget.focusProxy() is not None


NAMES_KEYS = re.compile(r"\((Ctrl|Alt|Shift|F\d)|Ctrl\+S|by \+, - and 0")


def complaints(root: QWidget) -> list[str]:
    """What is wrong with the controls and labels that are shown."""
    found: list[str] = []
    for control in shown_controls(root):
        who = f"{type(control).__name__} {_words(control)!r}"
        if not control.accessibleName() and not _words(control):
            found.append(f"{who} of {type(control.parentWidget()).__name__} has no accessible name")
        if isinstance(control, QAbstractButton) and not _tooltip(control):
            found.append(f"{who} has no tooltip")
        elif any(isinstance(one, Action) for one in control.actions()) and not NAMES_KEYS.search(_tooltip(control)):
            found.append(f"{who} names no key: {_tooltip(control)}")
        scroll_to(control)
        if reason := out_of_reach(control):
            found.append(f"{who} {reason}")
    labels = [one for one in root.findChildren(QLabel) if one.isVisible() and one.text()]
    rich = [one.text() for one in labels if one.textFormat() != Qt.TextFormat.PlainText]
    return found + [f"the label {text!r} may read mark-up" for text in rich]


def settle(window: QWidget, qtbot: QtBot) -> None:
    """Lay-outs that depend on one another take some turns until nothing moves any more."""
    before, quiet = None, 0
    for _ in range(100):
        places = [(one.mapTo(window, QPoint(0, 0)), one.size()) for one in shown_controls(window)]
        quiet = quiet + 1 if places == before else 0
        if quiet == 3:
            return
        before = places
        qtbot.wait(15)
    raise AssertionError("the page does not come to rest")


def _tooltip(widget: QWidget) -> str:
    """Its own, or that of the group of choices that it is in, which Qt shows in its place."""
    group = widget.parentWidget()
    return widget.toolTip() or (group.toolTip() if isinstance(group, Segmented) else "")


def _words(widget: QWidget) -> str:
    return widget.text() if isinstance(widget, QAbstractButton) else ""


def keys_of(window: MainWindow) -> list[str]:
    """Keys that more than one enabled action of what is shown would take."""
    actions = {id(action): action for one in (window, *window.findChildren(QWidget)) if one.isVisible()
               for action in one.actions() if isinstance(action, Action) and action.isEnabled()}  # fmt: skip
    keys = [keys.toString() for action in actions.values() for keys in action.shortcuts()]
    keys += [shortcut.key().toString() for shortcut in window._shortcuts if shortcut.isEnabled()]
    return [key for key, times in Counter(keys).items() if times > 1]


def out_of_order(page: QWidget) -> list[str]:
    """Pairs that Tab visits bottom to top, or right to left in a line, within a part that does not scroll sideways."""
    wrong = []
    controls = [one for one in reading_order(page) if one.isVisible()]
    parts = [(one, _part(one, page)) for one in controls]
    for (one, part), (other, other_part) in itertools.pairwise(parts):
        if part != other_part:
            if part > other_part:
                wrong.append(f"{one.accessibleName()!r} of part {part} before {other.accessibleName()!r}")
            continue
        here, there = one.mapTo(page, QPoint(0, 0)), other.mapTo(page, QPoint(0, 0))
        above = there.y() + other.height() <= here.y()
        column = there.x() >= here.x() + one.width()
        left = there.x() + other.width() <= here.x() and there.y() < here.y() + one.height() and not above
        if (above and not column) or left:
            wrong.append(f"{other.accessibleName()!r} after {one.accessibleName()!r}")
    return wrong


def _part(widget: QWidget, page: QWidget) -> int:
    """0 head, 1 body, 2 foot."""
    if isinstance(page, Page):
        if page.foot.isAncestorOf(widget):
            return 2
        return 1 if page.scroll_area.isAncestorOf(widget) else 0
    inside = any(area.isAncestorOf(widget) for area in page.findChildren(QScrollArea))
    return 1 if inside else 0


def width_of(page: QWidget) -> int:
    if isinstance(page, Page):
        return page.too_wide()
    (area,) = page.findChildren(QScrollArea)[:1] or [None]
    content = area.widget() if area is not None else None
    return max(0, content.minimumSizeHint().width() - area.viewport().width()) if content is not None else 0


@pytest.mark.parametrize("state", STATES)
def test_every_page_in_this_state_can_be_used_by_everybody(walk: Walk, qtbot: QtBot, state: str) -> None:
    play, pages = STATES[state]
    play(walk, qtbot)
    found: list[str] = []
    for name in pages:
        walk.window.show_page(name)
        if name == "results" and state == "finished":
            qtbot.waitUntil(lambda: walk.page.findings is not None, timeout=20_000)
        for width, height in SIZES:
            walk.window.resize(width, height)
            settle(walk.window, qtbot)
            where = f"{name} at {width}x{height}"
            if wide := width_of(walk.page):
                found.append(f"{where}: too wide by {wide}")
            found += [f"{where}: {one}" for one in complaints(walk.window)]
            found += [f"{where}: {one}" for one in out_of_order(walk.page)]
        found += [f"{name}: {key} is taken twice" for key in keys_of(walk.window)]
    assert found == [], "\n".join(dict.fromkeys(found))


DIALOGS: dict[str, Callable[[Walk], object]] = {
    "settings": lambda walk: walk.window.open_settings(),
    "help": lambda walk: walk.window.open_help(),
    "closing": lambda walk: walk.window.close(),
    "extend": lambda walk: walk.press("Extend…"),
}


@pytest.mark.parametrize("dialog", DIALOGS)
def test_every_control_of_a_dialog_has_a_name_and_is_reached(walk: Walk, qtbot: QtBot, dialog: str) -> None:
    started(walk, qtbot)
    walk.window.show_page("train")
    qtbot.waitUntil(lambda: walk.can_press("Extend…"), timeout=20_000)
    DIALOGS[dialog](walk)
    qtbot.waitUntil(lambda: bool(walk.dialogs()), timeout=20_000)
    (shown,) = walk.dialogs()
    assert isinstance(shown, QDialog) and not isinstance(shown, QFileDialog)
    found = [one for one in complaints(shown) if "has no tooltip" not in one]
    assert found == [], "\n".join(found)


# Screens

SCREEN = """
import json, sys
from PySide6.QtWidgets import QApplication
from helpers.bench import Bench
from helpers.window import out_of_reach, scroll_to
from tlgui.gui.main_window import MainWindow
from tlgui.gui.places import PLACES
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from pathlib import Path
from end_to_end_reach import shown_controls

app = QApplication([])
theme().install(app)
settings = Settings(Path(sys.argv[1]) / "settings.toml")
settings.set(geometry=(9999, 9999, 1800, 1000), keep_awake=False)
bench = Bench(settings)
window = MainWindow(bench)
window.show()
bench.found(Path("cells"))
area = app.primaryScreen().availableGeometry()
told = {"screen": area.getRect(), "window": window.geometry().getRect(), "ratio": window.devicePixelRatioF(), "lost": []}
for place in PLACES:
    window.show_page(place.name)
    app.processEvents()
    for control in shown_controls(window):
        scroll_to(control)
        if reason := out_of_reach(control):
            told["lost"].append(f"{place.name}: {control.accessibleName()} {reason}")
print(json.dumps(told))
"""


@pytest.mark.parametrize(("width", "height", "ratio"), [(1366, 768, 1.5), (1920, 1080, 2.0), (1366, 768, 1.0)])
def test_a_window_from_a_screen_that_is_gone_comes_up_whole_on_a_small_one(
    tmp_path: Path, width: int, height: int, ratio: float
) -> None:
    """Case G20: it was at 9999, 9999; now there is one laptop screen, and all of it is in reach."""
    screen = {"name": "laptop", "x": 0, "y": 0, "width": width, "height": height}
    config = tmp_path / "screens.json"
    config.write_text(json.dumps({"screens": [{**screen, "logicalDpi": 96, "logicalBaseDpi": 96}]}))
    code = SCREEN.replace("from end_to_end_reach import shown_controls", _SOURCE)
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=environment(QT_QPA_PLATFORM=f"offscreen:configfile={config}", QT_SCALE_FACTOR=str(ratio)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["ratio"] == ratio
    assert abs(told["screen"][2] - width / ratio) < 1 and abs(told["screen"][3] - height / ratio) < 1
    left, top, wide, high = told["window"]
    assert left >= 0 and top >= 0
    assert left + wide <= told["screen"][2] and top + high <= told["screen"][3]
    assert told["lost"] == []


# The child needs the same eyes; a test module cannot be imported from there.
_SOURCE = """
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

def shown_controls(root):
    return [one for one in root.findChildren(QWidget) if one.isVisible()
            and one.focusPolicy() & Qt.FocusPolicy.TabFocus and not one.objectName().startswith("qt_")]
"""
