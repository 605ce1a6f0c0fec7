"""The parts that pages are built from. Import them from here.

They take their colours from the theme, show any name letter by letter, and can be reached and read without a mouse.
"""

from __future__ import annotations

from tlgui.gui.widgets.action import Action
from tlgui.gui.widgets.banner import Banner, NoticeList, ToneIcon
from tlgui.gui.widgets.bars import ShareBar, SplitBar
from tlgui.gui.widgets.button import Button, IconButton
from tlgui.gui.widgets.card import Card, Divider, Fold, ScrollEdge
from tlgui.gui.widgets.chip import Chip, FileChip
from tlgui.gui.widgets.dialog import Dialog
from tlgui.gui.widgets.drop_area import DropArea
from tlgui.gui.widgets.empty_state import EmptyState, IconTile
from tlgui.gui.widgets.focus_ring import FocusRing
from tlgui.gui.widgets.log_slider import LogSlider
from tlgui.gui.widgets.number_field import NumberField
from tlgui.gui.widgets.page import Columns, Page
from tlgui.gui.widgets.painted import Painted, bar, dashed_rule, painter_for, rule, spoken, text_width, write
from tlgui.gui.widgets.parity_stamp import ParityStamp
from tlgui.gui.widgets.progress import ProgressBar, ProgressRow
from tlgui.gui.widgets.reading_order import apply_reading_order, reading_order
from tlgui.gui.widgets.scale import Scale
from tlgui.gui.widgets.segmented import Segmented
from tlgui.gui.widgets.spin_box import SpinBox
from tlgui.gui.widgets.stat import MiniStat, Stat
from tlgui.gui.widgets.table import Cell, Column, Table
from tlgui.gui.widgets.text import Label, plain_button_text, plain_tooltip, repolish
from tlgui.gui.widgets.tile import Tile

__all__ = [
    "Action",
    "Banner",
    "Button",
    "Card",
    "Cell",
    "Chip",
    "Column",
    "Columns",
    "Dialog",
    "Divider",
    "DropArea",
    "EmptyState",
    "FileChip",
    "FocusRing",
    "Fold",
    "IconButton",
    "IconTile",
    "Label",
    "LogSlider",
    "MiniStat",
    "NoticeList",
    "NumberField",
    "Page",
    "Painted",
    "ParityStamp",
    "ProgressBar",
    "ProgressRow",
    "Scale",
    "ScrollEdge",
    "Segmented",
    "ShareBar",
    "SpinBox",
    "SplitBar",
    "Stat",
    "Table",
    "Tile",
    "ToneIcon",
    "apply_reading_order",
    "bar",
    "dashed_rule",
    "painter_for",
    "plain_button_text",
    "plain_tooltip",
    "reading_order",
    "repolish",
    "rule",
    "spoken",
    "text_width",
    "write",
]
