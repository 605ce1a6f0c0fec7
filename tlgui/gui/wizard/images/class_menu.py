"""What can be done with a class: rename, merge, leave out, look at its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from tlgui.core.imaging_messages import ClassCount
from tlgui.gui.widgets import plain_button_text

_MOST_CLASSES = 30
_LEAST = "Training needs at least two classes."
_LONGEST = 40


@dataclass(frozen=True)
class ClassDoes:
    """What the entries of the menu do; each is called with the class's row but `merge`, with that of the other too."""

    rename: Callable[[int], object]
    merge: Callable[[int, int], object]
    leave_out: Callable[[int], object]
    show_images: Callable[[int], object]
    show_seen: Callable[[int], object]


def class_menu(
    classes: Sequence[ClassCount], row: int, does: ClassDoes, against: str, can_look: bool, parent: QWidget
) -> QMenu:
    """The menu of one class; what cannot be done is grey, and the reason stands beneath it.

    Args:
        classes: all that are used.
        row: of the class.
        does: what the entries do.
        against: why nothing can be decided, as a sentence; "" when it can.
        can_look: whether its images are at hand.
        parent: owns the menu.
    """
    menu = QMenu(parent)
    menu.setAccessibleName(classes[row].name)
    look = [
        _add(menu, "Show images", lambda: does.show_images(row)),
        _add(menu, "See what the network sees…", lambda: does.show_seen(row)),
    ]
    menu.addSeparator()
    rename = _add(menu, "Rename…\tF2", lambda: does.rename(row))
    others = [place for place in range(len(classes)) if place != row]
    merge = menu.addMenu("Merge into")
    for place in others[:_MOST_CLASSES]:
        name = classes[place].name
        shown = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        _add(merge, shown, partial(does.merge, row, place))
    if len(others) > _MOST_CLASSES:
        merge.addAction("Others: type the other class's name with Rename").setEnabled(False)
    leave = _add(menu, "Leave out", lambda: does.leave_out(row))
    too_few = against or (_LEAST if len(classes) <= 2 else "")
    for action in look:
        action.setEnabled(can_look)
    rename.setEnabled(not against)
    for action in (merge.menuAction(), leave):
        action.setEnabled(not too_few)
    if too_few:
        menu.addAction(plain_button_text(too_few)).setEnabled(False)
    menu.aboutToHide.connect(menu.deleteLater)
    return menu


def _add(menu: QMenu, text: str, does: Callable[[], object]) -> QAction:
    action = menu.addAction(plain_button_text(text))
    action.triggered.connect(lambda _checked=False: does())
    return action
