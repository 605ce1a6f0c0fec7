"""The one place for colours, fonts and the style sheet: light and dark, following the system or the person's choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from tlgui.gui.stylesheet import stylesheet

Scheme = Literal["light", "dark"]
Choice = Literal["system", "light", "dark"]


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Colours by what they are for, as "#RRGGBB"; the contrast of each pair is held by a test."""

    ground: str
    surface: str
    sunken: str
    hover: str
    press: str
    line: str
    line2: str
    control: str
    text: str
    muted: str
    faint: str
    primary: str
    primary_hover: str
    primary_press: str
    on_primary: str
    tint: str
    tint_line: str
    good: str
    good_bg: str
    warn: str
    warn_bg: str
    warn_line: str
    bad: str
    bad_bg: str
    bad_press: str
    grid: str
    mark: str
    s1: str
    s2: str
    s3: str
    s4: str
    hit: str
    miss: str
    hit_alpha: float
    miss_alpha_lowest: float = 0.12
    miss_alpha_highest: float = 0.37


LIGHT = Tokens(
    ground="#F6F7F9", surface="#FFFFFF", sunken="#EEF0F3", hover="#F1F3F6", press="#E6E9EE",
    line="#E1E5EA", line2="#C9D0D8", control="#828C99", text="#1A1F26", muted="#56606C", faint="#7A8592",
    primary="#1F55C9", primary_hover="#1A48AD", primary_press="#163C91", on_primary="#FFFFFF",
    tint="#EAF0FD", tint_line="#BBCDF5", good="#146C43", good_bg="#E6F4EC",
    warn="#8A5200", warn_bg="#FFF4E0", warn_line="#EFD9AE", bad="#B3261E", bad_bg="#FCECEA", bad_press="#F6D5D1",
    grid="#EDF0F3", mark="#56606C", s1="#1F55C9", s2="#C2410C", s3="#0E8A6B", s4="#8A1C5B",
    hit="#1F55C9", miss="#C2410C", hit_alpha=0.16,
)  # fmt: skip
DARK = Tokens(
    ground="#14171C", surface="#1C2026", sunken="#262B33", hover="#232830", press="#2B313A",
    line="#2C323B", line2="#414A56", control="#737D8B", text="#E9ECF0", muted="#A7B0BC", faint="#7F8996",
    primary="#8FB2FF", primary_hover="#A9C4FF", primary_press="#7B9FF0", on_primary="#0D1626",
    tint="#1F2B45", tint_line="#37507F", good="#6FCF9B", good_bg="#17301F",
    warn="#F2B65A", warn_bg="#35280F", warn_line="#5A4520", bad="#FF9A92", bad_bg="#3A1F1D", bad_press="#4D2926",
    grid="#272D35", mark="#A7B0BC", s1="#8FB2FF", s2="#FF9D66", s3="#8CEBD2", s4="#EE5F9C",
    hit="#3E6FDB", miss="#E07B45", hit_alpha=0.34,
)  # fmt: skip


class Theme(QObject):
    """Which colours are in use now. Painted widgets ask at paint time; `changed` tells those who keep pixmaps."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tokens = LIGHT
        self._choice: Choice = "system"
        self._scheme: Scheme = "light"
        self._app: QApplication | None = None

    @property
    def scheme(self) -> Scheme:
        """What is shown now."""
        return self._scheme

    @property
    def choice(self) -> Choice:
        """What the person asked for."""
        return self._choice

    def install(self, app: QApplication) -> None:
        """Gives the program its style, font, palette and style sheet; again is harmless."""
        if self._app is app:
            return
        self._app = app
        app.setStyle(QStyleFactory.create("Fusion"))
        app.setFont(_interface_font())
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        app.aboutToQuit.connect(self._on_about_to_quit)
        self._apply(self._wanted())

    def set_choice(self, choice: Choice) -> None:
        """Follows the system, or stays light or dark; repaints everything at once when that changes the colours."""
        self._choice = choice
        self._tell_system(choice)
        self._apply_if_new()

    def _tell_system(self, choice: Choice) -> None:
        # The title bar and the system's own dialogs follow (Qt 6.8); offscreen and old desktops ignore it.
        if self._app is None:
            return
        wanted = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}[choice]
        self._app.styleHints().setColorScheme(wanted)

    def _wanted(self) -> Scheme:
        if self._choice != "system":
            return self._choice
        hints = QGuiApplication.styleHints()
        # Unknown (offscreen, some desktops) counts as light.
        return "dark" if hints.colorScheme() == Qt.ColorScheme.Dark else "light"

    def _on_system_changed(self) -> None:
        self._apply_if_new()

    def _on_about_to_quit(self) -> None:
        self._app = None

    def _apply_if_new(self) -> None:
        wanted = self._wanted()
        if wanted != self._scheme or self._app is None:
            self._apply(wanted)

    def _apply(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self.tokens = _with_contrast(LIGHT if scheme == "light" else DARK)
        if self._app is not None:
            self._app.setPalette(_palette(self.tokens))
            mono = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
            self._app.setStyleSheet(stylesheet(self.tokens, scheme, mono))
        self.changed.emit()


_theme: Theme | None = None


def theme() -> Theme:
    """The theme of this program."""
    global _theme  # noqa: PLW0603  one window, one theme; made late because a QObject wants Qt loaded
    if _theme is None:
        _theme = Theme()
    return _theme


def color(name: str, alpha: float = 1.0) -> QColor:
    """The token `name` in the colours of now.

    Raises:
        AttributeError: there is no such token.
    """
    value = QColor(cast(str, getattr(theme().tokens, name)))
    value.setAlphaF(alpha)
    return value


def miss_alpha(share: float) -> float:
    """How strong a mistake is tinted in the confusion matrix, for its share of the row (0 to 1)."""
    tokens = theme().tokens
    return tokens.miss_alpha_lowest + (tokens.miss_alpha_highest - tokens.miss_alpha_lowest) * min(1.0, share * 4)


def font(size_px: int, weight: int = 400, mono: bool = False) -> QFont:
    """The interface font (or the fixed-width one) at this pixel size; weights 400, 500, 600."""
    chosen = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont) if mono else QFont(QApplication.font())
    chosen.setPixelSize(size_px)
    chosen.setWeight(QFont.Weight(weight))
    return chosen


def reduced_motion() -> bool:
    """Whether the person asked the system for less motion."""
    hints = QGuiApplication.styleHints()
    if not hasattr(hints, "accessibility"):  # before Qt 6.10
        return False
    access = hints.accessibility()
    return hasattr(access, "motionPreference") and access.motionPreference().name == "ReducedMotion"


def _with_contrast(tokens: Tokens) -> Tokens:
    hints = QGuiApplication.styleHints() if QGuiApplication.instance() is not None else None
    if hints is None or not hasattr(hints, "accessibility"):
        return tokens
    access = hints.accessibility()
    if access.contrastPreference().name == "HighContrast":
        return replace(tokens, line=tokens.control, line2=tokens.control)
    return tokens


def _interface_font() -> QFont:
    chosen = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    chosen.setPixelSize(13)
    # Figures of one width, so that columns and running numbers stand still.
    chosen.setFeature(QFont.Tag("tnum"), 1)
    # Full hinting makes sentences 3 % wider; systems differ in their default.
    chosen.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return chosen


def _palette(tokens: Tokens) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for name, roles in {
        "ground": (role.Window,),
        "surface": (role.Base, role.Button, role.ToolTipBase),
        "sunken": (role.AlternateBase,),
        "text": (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText),
        "faint": (role.PlaceholderText,),
        "primary": (role.Highlight, role.Link, role.LinkVisited, role.Accent),
        "on_primary": (role.HighlightedText,),
        "line2": (role.Mid, role.Midlight),
        "control": (role.Dark,),
    }.items():
        for one in roles:
            palette.setColor(one, QColor(getattr(tokens, name)))
    for one in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, QColor(tokens.faint))
    return palette
