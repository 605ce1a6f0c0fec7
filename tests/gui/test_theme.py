"""Light and dark: the contrast that look.md promises, and a switch that repaints everything at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core.paths import resource
from tlgui.gui import icons
from tlgui.gui.stylesheet import stylesheet
from tlgui.gui.theme import DARK, LIGHT, Tokens, color, font, miss_alpha, theme
from tlgui.gui.widgets import Button, Label, Painted, SplitBar

SCHEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]

# Ink, ground, and the ratio it must reach: 4.5 for anything that is read, 3 for edges and marks (WCAG 2.2, 1.4.3, 1.4.11).
READ = [
    *(("text", ground) for ground in ("ground", "surface", "sunken", "hover", "press", "tint", "warn_bg", "bad_bg")),
    *(("muted", ground) for ground in ("ground", "surface", "sunken", "hover", "tint", "good_bg", "warn_bg", "bad_bg")),
    *(("on_primary", ground) for ground in ("primary", "primary_hover", "primary_press")),
    ("primary", "surface"), ("primary", "ground"), ("primary", "tint"),
    ("good", "good_bg"), ("good", "surface"), ("warn", "warn_bg"), ("warn", "surface"),
    ("bad", "bad_bg"), ("bad", "bad_press"), ("bad", "surface"),
]  # fmt: skip
SEEN = [
    ("control", "surface"), ("control", "ground"), ("faint", "surface"), ("mark", "surface"),
    ("s1", "surface"), ("s2", "surface"), ("s3", "surface"), ("s4", "surface"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def light_again(qapp: QApplication) -> Iterator[None]:
    theme().install(qapp)
    yield
    theme().set_choice("light")


def luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(ink: QColor, ground: QColor) -> float:
    high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ratio(tokens: Tokens, ink: str, ground: str) -> float:
    return contrast(QColor(getattr(tokens, ink)), QColor(getattr(tokens, ground)))


def over(ink: str, alpha: float, ground: str) -> QColor:
    top, below = QColor(ink), QColor(ground)
    return QColor(*(
        round(alpha * one + (1 - alpha) * other)
        for one, other in zip(top.getRgb()[:3], below.getRgb()[:3], strict=True)
    ))  # fmt: skip


def test_the_ratio_of_black_on_white_is_21() -> None:
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21.0)


@pytest.mark.parametrize("tokens", SCHEMES)
@pytest.mark.parametrize(("ink", "ground"), READ)
def test_all_that_is_read_reaches_4_5(tokens: Tokens, ink: str, ground: str) -> None:
    assert ratio(tokens, ink, ground) >= 4.5


@pytest.mark.parametrize("tokens", SCHEMES)
@pytest.mark.parametrize(("ink", "ground"), SEEN)
def test_all_that_is_only_seen_reaches_3(tokens: Tokens, ink: str, ground: str) -> None:
    assert ratio(tokens, ink, ground) >= 3.0


@pytest.mark.parametrize("tokens", SCHEMES)
def test_figures_on_confusion_cells_can_be_read(tokens: Tokens) -> None:
    cells = [
        (tokens.hit, tokens.hit_alpha),
        (tokens.miss, tokens.miss_alpha_lowest),
        (tokens.miss, tokens.miss_alpha_highest),
    ]
    assert all(contrast(QColor(tokens.text), over(ink, alpha, tokens.surface)) >= 7.0 for ink, alpha in cells)
    hit = over(tokens.hit, tokens.hit_alpha, tokens.surface)
    assert contrast(QColor(tokens.muted), hit) >= 4.5


def test_mistakes_are_tinted_within_their_range() -> None:
    assert miss_alpha(0.0) == LIGHT.miss_alpha_lowest
    assert miss_alpha(1.0) == LIGHT.miss_alpha_highest


@pytest.mark.parametrize(("tokens", "scheme"), [(LIGHT, "light"), (DARK, "dark")])
def test_the_sheet_is_filled_and_its_drawn_marks_have_the_colours_of_the_scheme(tokens: Tokens, scheme: str) -> None:
    sheet = stylesheet(tokens, scheme, "monospace")
    assert "$" not in sheet
    for name, token in (("check", tokens.on_primary), ("down", tokens.muted), ("up", tokens.muted)):
        assert token in resource(f"icons/marks/{name}-{scheme}.svg").read_text(encoding="utf-8")


def test_a_switch_repaints_painted_widgets_and_recolours_icons(qtbot: QtBot) -> None:
    bar, label, button = SplitBar(), Label("text"), Button("Undo", "link", "undo")
    for widget in (bar, label, button):
        qtbot.addWidget(widget)
        widget.resize(120, 30)
        widget.show()
    bar.set(60, 20, 20)
    theme().set_choice("light")
    assert bar.grab().toImage().pixelColor(20, 5).name().upper() == LIGHT.s1
    before = button.icon().pixmap(16).toImage()
    with qtbot.waitSignal(theme().changed):
        theme().set_choice("dark")
    assert theme().scheme == "dark"
    assert bar.grab().toImage().pixelColor(20, 5).name().upper() == DARK.s1
    assert label.palette().color(label.foregroundRole()).name().upper() == DARK.text
    assert button.icon().pixmap(16).toImage() != before


def test_a_switch_is_seen_without_being_asked_for(qtbot: QtBot) -> None:
    class Counting(Painted):
        paints = 0

        def paintEvent(self, event: object) -> None:  # noqa: N802  Qt's name
            self.paints += 1

    widget = Counting()
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    painted = widget.paints
    theme().set_choice("dark")
    qtbot.waitUntil(lambda: widget.paints > painted)


def test_the_system_unknown_counts_as_light() -> None:
    theme().set_choice("dark")
    theme().set_choice("system")
    assert (theme().choice, theme().scheme) == ("system", "light")


def test_fonts_have_figures_of_one_width(qapp: QApplication) -> None:
    from PySide6.QtGui import QFont

    assert qapp.font().featureValue(QFont.Tag("tnum")) == 1
    assert font(26, 600).pixelSize() == 26
    assert font(12, mono=True).pixelSize() == 12


@pytest.mark.parametrize("name", sorted(path.stem for path in resource("icons").glob("*.svg")))
def test_an_icon_is_drawn_in_its_token_and_is_not_empty(name: str) -> None:
    image = icons.pixmap(name, 24, "bad", 2.0).toImage()
    drawn = {
        image.pixelColor(x, y).name() for x in range(48) for y in range(48) if image.pixelColor(x, y).alpha() == 255
    }
    assert drawn == {color("bad").name()}


def test_calls_without_result_never_use_up_none() -> None:
    # PySide6 6.12 on Python 3.11 gives None back uncounted; see tlgui.gui.
    program = (
        "import tlgui.gui\nfrom PySide6.QtGui import QColor\nc = QColor()\n"
        "for _ in range(30000): c.setAlphaF(1.0)\nprint('alive')"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, "alive\n"), answer.stderr
