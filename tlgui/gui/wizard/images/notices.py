"""What should be settled before training, one line each, and what was settled already; nothing is blocked by it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from tlgui.core.imaging_messages import ChangeLine
from tlgui.core.records import DatasetWarning, Repair
from tlgui.gui.widgets import Button, IconButton, NoticeList, plain_button_text, plain_tooltip
from tlgui.gui.wizard.images.presses import Press, in_effect
from tlgui.gui.wizard.images.words import WarningRow, settle_title, settled_words, shortened, warning_rows

_MOST_LINES = 4
_MOST_SETTLED = 2
_MOST_IN_MENU = 24


class Notices(NoticeList):
    """The warnings of a scan, grouped, each with its evidence and its repairs; then what holds of the journal.

    Attributes:
        buttons: *Show them* by the code of the warning; "more" unfolds the rest.
        repairs: the repair's button by the code of the warning.
        others: the button with further repairs, likewise.
        undo: *Undo* by the number of the press's first decision.
    """

    evidence_asked = Signal(object)
    """The `WarningRow` whose files or images are to be shown."""
    repair_asked = Signal(object)
    """A `Repair`."""
    undo_asked = Signal(object)
    """Numbers of the decisions of one press."""
    changes_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._shown: tuple[list[WarningRow], list[Press], bool, str] | None = None
        self._things = 0
        self.buttons: dict[str, Button] = {}
        self.repairs: dict[str, Button] = {}
        self.others: dict[str, Button] = {}
        self.undo: dict[int, Button] = {}
        self.menu: QMenu | None = None

    @property
    def number(self) -> int:
        """How many things are to be settled."""
        return self._things

    def show_state(
        self, warnings: Sequence[DatasetWarning], changes: Sequence[ChangeLine] = (), against: str = ""
    ) -> None:
        """Shows these, or hides itself where there is nothing to say.

        Args:
            warnings: of the scan.
            changes: the journal.
            against: why nothing can be repaired, as a sentence; "" when it can.
        """
        rows, settled = warning_rows(warnings), in_effect(changes)
        self.setVisible(bool(rows or settled))
        if (rows, settled, bool(changes), against) == self._shown:
            return
        self._shown = (rows, settled, bool(changes), against)
        held = _holds_focus(self)
        self._things = sum(row.tone == "warn" for row in rows)
        self.clear()
        self.buttons, self.repairs, self.others, self.undo = {}, {}, {}, {}
        self.set_title(settle_title(self._things, len(rows) - self._things))
        self.set_caption(settled_words(len(settled)))
        lines = [self._add_warning(row, against) for row in rows]
        self._fold(lines)
        self._add_settled(settled, against)
        if changes:
            self._add_journal()
        if held:
            # Who repairs with the keyboard stands at the way back, not at the other end of the page.
            next(iter([*self.undo.values(), *self.repairs.values(), *self.buttons.values()]), self).setFocus()

    def _add_warning(self, row: WarningRow, against: str) -> QWidget:
        line = self.add_row(row.tone, row.title, shortened(row.text), self._buttons_of(row, against))
        line.setAccessibleName(f"{row.title} {row.text}")
        if shortened(row.text) != row.text:
            line.setToolTip(plain_tooltip(row.text))
        return line

    def _buttons_of(self, row: WarningRow, against: str) -> list[Button]:
        found = []
        if row.show or row.paths or row.several:
            show = Button("Show them", "link")
            show.setAccessibleName(f"Show them: {row.title}")
            show.setToolTip("The files, each with its reason." if row.show else "Every one of them.")
            show.clicked.connect(lambda: self.evidence_asked.emit(row))
            self.buttons[row.code] = show
            found.append(show)
        if row.repairs:
            found += self._repairs_of(row, against)
        elif found:
            found[-1].align_edge("right")
        return found

    def _repairs_of(self, row: WarningRow, against: str) -> list[Button]:
        first, *others = row.repairs
        if row.several and others:
            repair = Button("Repair…", "secondary")
            repair.setToolTip("A repair for each of them. Nothing on the disk is changed.")
            repair.clicked.connect(lambda: self._open_menu(repair, row.repairs))
            others = []
        else:
            repair = Button(first.label, "secondary")
            repair.setToolTip("Nothing on the disk is changed, and it can be undone.")
            repair.clicked.connect(lambda: self.repair_asked.emit(first))
        self.repairs[row.code] = repair
        buttons = [repair]
        if others:
            more = IconButton("more-horizontal", f"Other repairs: {row.title}")
            more.clicked.connect(lambda: self._open_menu(more, others))
            self.others[row.code] = more
            buttons.append(more)
        for button in buttons:
            if against:
                button.setEnabled(False)
                button.setToolTip(against)
        return buttons

    def _open_menu(self, button: Button, repairs: Sequence[Repair]) -> None:
        menu = QMenu(self)
        for one in repairs[:_MOST_IN_MENU]:
            menu.addAction(plain_button_text(one.label)).triggered.connect(
                lambda _checked=False, chosen=one: self.repair_asked.emit(chosen)
            )
        menu.aboutToHide.connect(menu.deleteLater)
        self.menu = menu
        menu.popup(button.mapToGlobal(QPoint(0, button.height() + 2)))

    def _add_settled(self, settled: Sequence[Press], against: str) -> None:
        for press in settled[:_MOST_SETTLED]:
            undo = Button("Undo", "link", "undo")
            undo.setAccessibleName(f"Undo: {press.sentence}")
            undo.setToolTip(plain_tooltip(against or f"Takes this back: {press.sentence}"))
            undo.setEnabled(not against)
            undo.clicked.connect(lambda _checked=False, numbers=press.numbers: self.undo_asked.emit(numbers))
            undo.align_edge("right")
            self.undo[press.number] = undo
            first, *others = press.lines
            self.add_row("good", first.sentence, " ".join(line.sentence for line in others), [undo])

    def _add_journal(self) -> None:
        every = Button("What was changed…", "link")
        every.align_edge("left")
        every.setToolTip("Every decision with its time; each can be undone, and the list can be saved.")
        every.clicked.connect(self.changes_asked)
        self.buttons["changes"] = every
        self.body.addWidget(every, 0, Qt.AlignmentFlag.AlignLeft)

    def _fold(self, lines: list[QWidget]) -> None:
        """Hides what goes beyond a few lines, so that the classes stay in view; the least grave come last."""
        if len(lines) <= _MOST_LINES + 1:
            return
        first = self.body.indexOf(lines[_MOST_LINES]) - 1
        items = [self.body.itemAt(place) for place in range(first, self.body.count())]
        hidden = [widget for item in items if item is not None and (widget := item.widget()) is not None]
        rest = Button(f"Show {len(lines) - _MOST_LINES} more", "link")
        rest.align_edge("left")

        def show_all() -> None:
            for widget in hidden:
                widget.show()
            rest.hide()

        rest.clicked.connect(show_all)
        for widget in hidden:
            widget.hide()
        self.buttons["more"] = rest
        self.body.addWidget(rest, 0, Qt.AlignmentFlag.AlignLeft)


def _holds_focus(widget: QWidget) -> bool:
    focus = QApplication.focusWidget()
    return focus is not None and widget.isAncestorOf(focus)
