"""One image of a class after another, while their paths come by the page."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from tlgui.gui.wizard.images.paths import PAGE, PathSource


class ClassWalk(QObject):
    """A place among the images of a class.

    An image to begin with is shown at once; its place becomes known when its page has come, and until then there is no
    way on.

    Args:
        source: where the paths come from.
        total: images of the class.
        path: the image to begin with; "" = the first.
        parent: as always.
    """

    moved = Signal()
    """`path` or `at` is another one, or has become known."""
    refused = Signal(str)
    """Paths did not come; says why."""

    def __init__(self, source: PathSource, total: int, path: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        source.setParent(self)
        self._source, self.total = source, total
        self._wanted = path
        self._at: int | None = None if path else 0
        self._paths: dict[int, str] = {}
        self._asked: set[int] = set()
        source.arrived.connect(self._on_arrived)
        source.refused.connect(self._on_refused)

    @property
    def at(self) -> int | None:
        """The place, from 0; `None` while it is not known."""
        return self._at

    @property
    def path(self) -> str:
        """The image at hand; "" while it is not known."""
        return self._wanted if self._at is None else self._paths.get(self._at, "")

    def ask(self) -> None:
        """Asks for the paths around the place at hand: to begin with, and again after a refusal."""
        self._ask(self._at or 0)

    def go(self, at: int) -> None:
        """Another place; at both ends it stays."""
        at = max(0, min(at, self.total - 1))
        if self._at is not None and at != self._at:
            self._at = at
            self._ask(at)
            self.moved.emit()

    def _ask(self, at: int) -> None:
        start = at - at % PAGE
        if at not in self._paths and start not in self._asked:
            self._asked.add(start)
            self._source.ask(start)

    def _on_arrived(self, offset: int, paths: list[str]) -> None:
        before = self.path, self._at
        self._paths.update(enumerate(paths, offset))
        if self._at is None:
            self._find(offset, paths)
        if (self.path, self._at) != before:
            self.moved.emit()

    def _find(self, offset: int, paths: list[str]) -> None:
        """The place of the image to begin with, on this page or on the next one."""
        end = offset + len(paths)
        if self._wanted in paths:
            self._at = offset + paths.index(self._wanted)
        elif paths and end < self.total:
            self._ask(end)
        else:
            self._at = 0

    def _on_refused(self, sentence: str) -> None:
        self._asked.clear()  # it may be asked for again
        self.refused.emit(sentence)
