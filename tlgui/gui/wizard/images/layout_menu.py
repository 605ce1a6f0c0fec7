"""Other ways to read the folder: another layout, another domain, a table of labels, another folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from tlgui.core.records import LayoutFacts
from tlgui.gui.widgets import plain_button_text
from tlgui.gui.wizard.images.layout_words import layout_choice

_MOST_DOMAINS = 40


@dataclass(frozen=True)
class LayoutDoes:
    """What the entries of the menu do."""

    layout: Callable[[str], object]
    recognised: Callable[[], object]
    domain: Callable[[str], object]
    table: Callable[[], object]
    another: Callable[[], object]
    archive: Callable[[], object]
    changes: Callable[[], object]


def layout_menu(facts: LayoutFacts | None, chosen: bool, does: LayoutDoes, against: str, parent: QWidget) -> QMenu:
    """The menu of the layout card.

    Args:
        facts: how the folder is read; `None` where it could not be.
        chosen: whether the person chose this reading.
        does: what the entries do.
        against: why nothing can be decided, as a sentence; "" when it can.
        parent: owns the menu.
    """
    menu = QMenu(parent)
    menu.setAccessibleName("Change how the folder is read")
    decides = []
    if facts is not None:
        others = [name for name in facts.others if name not in (facts.name, "label table")]
        decides += [_add(menu, layout_choice(name), partial(does.layout, name)) for name in others]
        if chosen:
            decides.append(_add(menu, "As it was recognised", does.recognised))
        if facts.domains:
            decides.append(_domains(menu, facts, does).menuAction())
    decides.append(_add(menu, "Labels from a table…", does.table))
    menu.addSeparator()
    _add(menu, "Another folder…\tCtrl+O", does.another)
    _add(menu, "A zip file or a table…", does.archive)
    menu.addSeparator()
    _add(menu, "What was changed…", does.changes)
    for action in decides:
        action.setEnabled(not against)
    if against:
        menu.addAction(plain_button_text(against)).setEnabled(False)
    menu.aboutToHide.connect(menu.deleteLater)
    return menu


def _domains(menu: QMenu, facts: LayoutFacts, does: LayoutDoes) -> QMenu:
    inner = menu.addMenu("Domain")
    for name in facts.domains[:_MOST_DOMAINS]:
        action = _add(inner, name, partial(does.domain, name))
        action.setCheckable(True)
        action.setChecked(name == facts.domain)
    everything = _add(inner, "All as one set", lambda: does.domain("*"))
    everything.setCheckable(True)
    everything.setChecked(facts.domain == "*")
    return inner


def _add(menu: QMenu, text: str, does: Callable[[], object]) -> QAction:
    action = menu.addAction(plain_button_text(text))
    action.triggered.connect(lambda _checked=False: does())
    return action
