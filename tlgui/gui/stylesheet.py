"""The one style sheet, filled from the tokens. A property selects: `role`, `kind`, `tone`, `state`, `small`."""

from __future__ import annotations

from dataclasses import asdict
from string import Template
from typing import TYPE_CHECKING

from tlgui.core.paths import resource

if TYPE_CHECKING:
    from tlgui.gui.theme import Tokens

# Qt's sheets know no shadow, no gap between icon and text and no good dashes: those are painted by the widgets.
_SHEET = Template("""
QMainWindow, QDialog { background: $ground; }
QToolTip { background: $surface; color: $text; border: 1px solid $line2; padding: 5px 7px; font-size: 12px; }
QScrollArea, QScrollArea > QWidget > QWidget[role="plain"] { background: transparent; border: 0; }

QLabel[kind="start-title"] { font-size: 28px; font-weight: 600; letter-spacing: -0.5px; }
QLabel[kind="page-title"] { font-size: 22px; font-weight: 600; letter-spacing: -0.4px; }
QLabel[kind="page-sentence"] { font-size: 14px; color: $muted; }
QLabel[kind="card-title"] { font-size: 15px; font-weight: 600; }
QLabel[kind="body"] { font-size: 13px; }
QLabel[kind="strong"] { font-size: 13px; font-weight: 600; }
QLabel[kind="muted"] { font-size: 13px; color: $muted; }
QLabel[kind="caption"] { font-size: 12px; color: $muted; }
QLabel[kind="caption-strong"] { font-size: 12px; font-weight: 600; }
QLabel[kind="figure"] { font-size: 26px; font-weight: 600; letter-spacing: -0.3px; }
QLabel[kind="mono"] { font-family: "$mono"; font-size: 12px; color: $muted; }
QLabel[kind="small"] { font-size: 12px; }
QLabel[tone="muted"] { color: $muted; }
QLabel[tone="good"] { color: $good; }
QLabel[tone="warn"] { color: $warn; }
QLabel[tone="bad"] { color: $bad; }
QLabel[tone="info"] { color: $primary; }
QLabel:disabled { color: $faint; }
QLabel[tone="info"]:disabled { color: $primary; }

QFrame[role="card"] { background: $surface; border: 1px solid $line; border-radius: 10px; }
QFrame[role="divider"] { background: $line; border: 0; max-height: 1px; min-height: 1px; }
QFrame[role="foot"] { background: $ground; border: 0; border-top: 1px solid $line; }

QLabel[role="chip"] { border: 0; border-radius: 10px; padding: 0 10px; font-size: 12px; font-weight: 600; }
QLabel[role="chip"][tone="neutral"] { background: $sunken; color: $muted; }
QLabel[role="chip"][tone="good"] { background: $good_bg; color: $good; }
QLabel[role="chip"][tone="info"] { background: $tint; color: $primary; }
QLabel[role="chip"][tone="warn"] { background: $warn_bg; color: $warn; }
QLabel[role="chip"][tone="bad"] { background: $bad_bg; color: $bad; }
QFrame[role="file-chip"] { background: $sunken; border: 0; border-radius: 4px; }

QPushButton { font-size: 13px; font-weight: 500; border-radius: 7px; padding: 0 13px; outline: 0; }
QPushButton[kind="secondary"] { background: $surface; color: $text; border: 1px solid $line2; }
QPushButton[kind="secondary"]:hover { background: $hover; border-color: $control; }
QPushButton[kind="secondary"]:pressed, QPushButton[kind="secondary"]:checked {
    background: $press; border-color: $control; }
QPushButton[kind="primary"] {
    background: $primary; color: $on_primary; border: 0; font-weight: 600; padding: 0 22px; }
QPushButton[kind="primary"]:hover { background: $primary_hover; }
QPushButton[kind="primary"]:pressed { background: $primary_press; }
QPushButton[kind="danger"] { background: $surface; color: $bad; border: 1px solid $line2; }
QPushButton[kind="danger"]:hover { background: $bad_bg; border-color: $bad; }
QPushButton[kind="danger"]:pressed { background: $bad_press; border-color: $bad; }
QPushButton[kind="link"] { background: transparent; color: $primary; border: 0; padding: 0 9px; }
QPushButton[kind="link"]:hover { background: $tint; }
QPushButton[kind="link"]:pressed { background: $press; }
QPushButton[kind="quiet"] { background: transparent; color: $muted; border: 0; padding: 0 10px; }
QPushButton[kind="quiet"]:hover { background: $hover; color: $text; }
QPushButton[kind="quiet"]:pressed, QPushButton[kind="quiet"]:checked { background: $press; color: $text; }
QPushButton[kind="icon"] { background: transparent; border: 0; border-radius: 6px; padding: 0; }
QPushButton[kind="icon"]:hover { background: $hover; }
QPushButton[kind="icon"]:pressed, QPushButton[kind="icon"]:checked { background: $press; }
QPushButton[edge="left"] { padding-left: 0; }
QPushButton[edge="right"] { padding-right: 0; }
QPushButton[edge="left"]:hover, QPushButton[edge="right"]:hover {
    background: transparent; text-decoration: underline; }
QPushButton[edge="left"]:pressed, QPushButton[edge="right"]:pressed {
    background: transparent; text-decoration: underline; }
QPushButton[trailing="true"] { padding-right: 38px; }
QPushButton[trailing="true"][kind="secondary"] { padding-right: 30px; }
QPushButton[kind="primary"]:disabled { background: $sunken; color: $faint; }
QPushButton[kind="secondary"]:disabled, QPushButton[kind="danger"]:disabled {
    background: $ground; color: $faint; border-color: $line; }
QPushButton[kind="link"]:disabled, QPushButton[kind="quiet"]:disabled, QPushButton[kind="icon"]:disabled {
    background: transparent; color: $faint; }
QPushButton::menu-indicator { image: none; width: 0; }

QFrame[role="segmented"] { background: $sunken; border: 0; border-radius: 8px; }
QPushButton[kind="segment"] {
    background: transparent; color: $muted; border: 1px solid transparent; border-radius: 6px; padding: 0 11px;
    font-size: 12px; font-weight: 500; }
QPushButton[kind="segment"]:hover { color: $text; background: $press; }
QPushButton[kind="segment"]:checked { background: $surface; color: $text; border-color: $line2; font-weight: 600; }
QPushButton[kind="segment"]:disabled { color: $faint; }

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
    background: $surface; color: $text; border: 1px solid $control; border-radius: 7px; padding: 0 9px;
    font-size: 13px; selection-background-color: $primary; selection-color: $on_primary; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { min-height: 30px; max-height: 30px; }
QPlainTextEdit, QTextEdit { padding: 6px 8px; }
QLineEdit:hover, QSpinBox:hover, QDoubleSpinBox:hover, QComboBox:hover { border-color: $muted; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus { border-color: $primary; }
QLineEdit[state="bad"] { border-color: $bad; background: $bad_bg; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {
    background: $ground; color: $faint; border-color: $line2; }
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {
    border: 0; border-radius: 0; padding: 0; background: transparent; min-height: 0; max-height: 100px; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    border: 0; background: transparent; width: 20px; subcontrol-origin: border; }
QSpinBox::up-button, QDoubleSpinBox::up-button { subcontrol-position: top right; margin: 4px 4px 0 0; height: 12px; }
QSpinBox::down-button, QDoubleSpinBox::down-button { subcontrol-position: bottom right; margin: 0 4px 4px 0; height: 12px; }
QSpinBox::up-button:hover, QSpinBox::down-button:hover { background: $press; border-radius: 3px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url("$icon_up"); width: 10px; height: 10px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url("$icon_down"); width: 10px; height: 10px; }
QComboBox { padding-right: 26px; }
QComboBox::drop-down { border: 0; width: 24px; }
QComboBox::down-arrow { image: url("$icon_down"); width: 14px; height: 14px; }
QComboBox QAbstractItemView {
    background: $surface; color: $text; border: 1px solid $line2; padding: 4px; outline: 0;
    selection-background-color: $tint; selection-color: $text; }
QCheckBox, QRadioButton { spacing: 8px; font-size: 13px; background: transparent; min-height: 28px; }
QCheckBox:disabled, QRadioButton:disabled { color: $faint; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $control; border-radius: 4px;
    background: $surface; }
QCheckBox::indicator:hover { border-color: $primary; }
QCheckBox::indicator:checked { background: $primary; border-color: $primary; image: url("$icon_check"); }
QCheckBox::indicator:disabled { border-color: $line2; background: $ground; }
QCheckBox::indicator:checked:disabled { background: $line2; border-color: $line2; }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid $control; border-radius: 8px;
    background: $surface; }
QRadioButton::indicator:hover { border-color: $primary; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $primary; border-radius: 8px;
    background: $on_primary; }
QRadioButton::indicator:disabled { border-color: $line2; }
QSlider:horizontal { min-height: 28px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $line2; }
QSlider::sub-page:horizontal { background: $primary; border-radius: 2px; }
QSlider::handle:horizontal { background: $surface; border: 2px solid $primary; width: 14px; margin: -7px 0;
    border-radius: 9px; }
QMenu { background: $surface; border: 1px solid $line2; padding: 4px; }
QMenu::item { padding: 6px 22px 6px 12px; border-radius: 5px; color: $text; font-size: 13px; }
QMenu::item:selected { background: $tint; }
QMenu::item:disabled { color: $faint; background: transparent; }
QMenu::separator { height: 1px; background: $line; margin: 4px 6px; }
QMenu::icon { padding-left: 8px; }

QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $line2; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 36px; }
QScrollBar::handle:horizontal { min-width: 36px; }
QScrollBar::handle:hover { background: $control; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: $line; }

QTableView[role="table"] { background: transparent; border: 0; outline: 0; }
QTableView[role="table"] QHeaderView { background: transparent; border: 0; }
QTableView[role="table"] QHeaderView::section { background: transparent; border: 0; }
QTableCornerButton::section { background: transparent; border: 0; }
""")


def stylesheet(tokens: Tokens, scheme: str, mono: str) -> str:
    """The sheet of the whole program in these colours.

    Args:
        tokens: the colours.
        scheme: "light" or "dark": the drawn marks of check boxes and arrows come in both.
        mono: family of the fixed-width font.
    """
    marks = {
        f"icon_{name}": resource(f"icons/marks/{name}-{scheme}.svg").as_posix().replace('"', '\\"')
        for name in ("check", "up", "down")
    }
    return _SHEET.substitute(asdict(tokens), mono=mono, **marks)
