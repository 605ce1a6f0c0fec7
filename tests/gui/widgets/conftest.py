"""Every widget test runs in the program's own style."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tlgui.gui.theme import theme


@pytest.fixture(autouse=True)
def styled(qapp: QApplication) -> Iterator[None]:
    theme().install(qapp)
    theme().set_choice("light")
    yield
    theme().set_choice("light")


@pytest.fixture
def shown(qtbot: QtBot) -> Callable[..., QWidget]:
    """Shows a widget in this size."""

    def show(widget: QWidget, width: int = 0, height: int = 0) -> QWidget:
        qtbot.addWidget(widget)
        if width:
            widget.resize(width, height or widget.sizeHint().height())
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return show
