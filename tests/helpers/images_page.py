"""The images page on a workbench without processes, and what a person reads and presses on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QWidget
from pytestqt.qtbot import QtBot

from helpers.bench import CELLS, Bench, FakeEngine
from tlgui.core.imaging_messages import ChangeLine, Refused, RequestName, Scanned, ScanSummary
from tlgui.core.intake import Change
from tlgui.gui.closing import shut_down
from tlgui.gui.imaging_thread import ImagingThread
from tlgui.gui.recent import RecentRuns
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.wizard.images_page import ImagesPage
from tlgui.gui.workbench import Workbench

_W = TypeVar("_W", bound=QWidget)


@contextmanager
def images_bench(qapp: QApplication, folder: Path) -> Iterator[Bench]:
    """A bench whose settings lie in `folder`."""
    theme().install(qapp)
    settings = Settings(folder / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    try:
        yield bench
    finally:
        shut_down(bench)


@contextmanager
def real_images_bench(qapp: QApplication, folder: Path) -> Iterator[Workbench]:
    """The imaging child is the real one; the engines say nothing."""
    theme().install(qapp)
    settings = Settings(folder / "settings.toml")
    imaging = ImagingThread()
    engine, side = cast(Any, FakeEngine()), cast(Any, FakeEngine())
    bench = Workbench(engine, side, imaging, ThumbnailStore(imaging), settings, RecentRuns(settings))
    try:
        yield bench
    finally:
        shut_down(bench)


def images_page(bench: Workbench, qtbot: QtBot, size: tuple[int, int] = (1164, 800)) -> ImagesPage:
    """The page, shown."""
    page = ImagesPage(bench)
    qtbot.addWidget(page)
    page.resize(*size)
    page.show()
    return page


def found(**fields: Any) -> ScanSummary:
    """Two classes of twenty images, and what the test says of them."""
    return msgspec.structs.replace(CELLS, **fields)


def journal(*changes: Change, undone: tuple[int, ...] = ()) -> list[ChangeLine]:
    """These decisions, a minute apart."""
    return [
        ChangeLine(
            number=number, sentence=change.sentence(), at=f"2026-11-25T14:{number:02}:00",
            undone_at="2026-11-25T15:00:00" if number in undone else "", change=change,  # type: ignore[arg-type]
        )
        for number, change in enumerate(changes)
    ]  # fmt: skip


def scanned(bench: Bench, summary: ScanSummary) -> None:
    """The child answers with this."""
    assert bench.scan_ticket is not None
    bench.fake_imaging.answered.emit(Scanned(ticket=bench.scan_ticket, summary=summary))


def refused(bench: Bench, request: RequestName, problem: str = "It cannot be.", remedy: str = "Leave it.") -> None:
    """The child refuses."""
    assert bench.scan_ticket is not None
    ticket = bench.scan_ticket
    bench.fake_imaging.answered.emit(Refused(ticket=ticket, request=request, problem=problem, remedy=remedy))


def changes_asked(bench: Bench) -> list[Change]:
    """The decisions of the last press."""
    request = bench.fake_imaging.asked[-1]
    return list(request.changes)


def read(widget: QWidget) -> str:
    """All words that are shown."""
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def entries(menu: QMenu | None) -> dict[str, QAction]:
    """What a menu offers, by its words; those of an inner menu as "outer > inner"."""
    assert menu is not None
    offered = {}
    for action in menu.actions():
        text = action.text().partition("\t")[0].replace("&&", "&")
        if (inner := action.menu()) is not None:
            offered |= {f"{text} > {name}": one for name, one in entries(inner).items()}  # type: ignore[arg-type]
        if text:
            offered[text] = action
    return offered


def dialog_of(page: QWidget, kind: type[_W]) -> _W:
    """The dialog that was opened last."""
    opened = page.window().findChildren(kind)
    assert opened
    return opened[-1]
