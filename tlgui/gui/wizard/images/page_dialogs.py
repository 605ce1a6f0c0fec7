"""The dialogs that the images page opens, with what each needs from the bench."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from tlgui.core.imaging_messages import ChangeLine, ScanSummary
from tlgui.core.records import Reason
from tlgui.gui.wizard.images import openers
from tlgui.gui.wizard.images.changes_dialog import ChangesDialog
from tlgui.gui.wizard.images.class_dialog import ClassDialog
from tlgui.gui.wizard.images.class_menu import ClassDoes, class_menu
from tlgui.gui.wizard.images.decisions import Decisions, layout_choices
from tlgui.gui.wizard.images.evidence_dialog import EvidenceDialog
from tlgui.gui.wizard.images.file_notes_dialog import FileNotesDialog
from tlgui.gui.wizard.images.layout_menu import LayoutDoes, layout_menu
from tlgui.gui.wizard.images.left_out_dialog import LeftOutDialog
from tlgui.gui.wizard.images.paths import PathSource, source_of
from tlgui.gui.wizard.images.rule_words import rule_of
from tlgui.gui.wizard.images.table_dialog import TableDialog
from tlgui.gui.wizard.images.words import ALONE, PAIRS, WarningRow

if TYPE_CHECKING:
    from tlgui.gui.wizard.images_page import ImagesPage
    from tlgui.gui.workbench import Workbench

_ARCHIVES = "Zip archives and tables (*.zip *.csv *.tsv *.xlsx);;All files (*)"


class PageDialogs:
    """Opened over the page's window; each call opens one.

    Attributes:
        menu: the last one that was opened.
    """

    def __init__(self, page: ImagesPage, bench: Workbench, decisions: Decisions) -> None:
        self._page, self._bench, self._decisions = page, bench, decisions
        self.menu: QMenu | None = None

    def source(self, class_name: str) -> PathSource | None:
        """Where all paths of a class come from; `None` where nobody knows them."""
        return source_of(self._bench, class_name)

    def show_class(self, place: int) -> None:
        """All images of a class."""
        draft, summary = self._bench.draft, self._summary
        if summary is None or draft.data is None or place >= len(summary.classes):
            return
        row = summary.classes[place]
        if (source := self.source(row.name)) is not None:
            store = self._bench.thumbnails
            dialog = ClassDialog(
                row.name, row.total, source, draft.data, rule_of(summary), store, self._window,
                see=lambda path: openers.open_seen(self._bench, row, dialog, path),
            )  # fmt: skip
            dialog.open()

    def show_all_left_out(self) -> None:
        """Every file that is left out."""
        self.show_left_out(())

    def show_left_out(self, reasons: tuple[Reason, ...]) -> None:
        """The files that are left out for some reasons, or all (empty)."""
        if (summary := self._summary) is not None:
            files, total = summary.left_out, summary.left_out_count
            LeftOutDialog(
                files, total, self._window, reasons, self._bench.imaging, self._bench.scan_ticket
            ).open()  # fmt: skip

    def show_notes(self) -> None:
        """What was done to read some of the used files."""
        if (summary := self._summary) is not None:
            FileNotesDialog(summary.notices, summary.notice_count, self._window).open()

    def show_evidence(self, row: WarningRow) -> None:
        """What speaks for a warning."""
        if row.show:
            self.show_left_out(row.show)
        elif row.code in PAIRS and not self._decisions.against:
            openers.open_copies(self._bench, self._window, every=row.code in ALONE)
        else:
            draft, store = self._bench.draft, self._bench.thumbnails
            EvidenceDialog(
                row.title, row.sentences, row.paths, draft.data, rule_of(self._summary), store, self._window
            ).open()  # fmt: skip

    def show_changes(self) -> None:
        """What was changed; the dialog follows the journal."""
        dialog = ChangesDialog(*self._journal(), self._window)
        dialog.undo_asked.connect(self._decisions.undo)
        dialog.again_asked.connect(self._decisions.again)

        def follow() -> None:
            dialog.show_changes(*self._journal())

        self._bench.draft.changed.connect(follow)
        dialog.finished.connect(lambda _result: self._bench.draft.changed.disconnect(follow))
        dialog.open()

    def show_table(self) -> None:
        """The labels come from a table: which one, and which columns."""
        ticket, summary = self._bench.scan_ticket, self._summary
        if ticket is None:
            return
        facts = summary.facts if summary is not None else None
        tables = list(facts.tables) if facts is not None else []
        if facts is not None and facts.table:
            tables = [facts.table, *(name for name in tables if name != facts.table)]
        columns = facts.columns if facts is not None and facts.table else None
        dialog = TableDialog(self._bench.imaging, ticket, tables, columns, self._window)
        dialog.chosen.connect(self._decisions.take_table)
        dialog.open()

    def show_seen(self, place: int = 0) -> None:
        """What the network sees of the images of a class."""
        summary = self._summary
        if summary is not None and place < len(summary.classes):
            openers.open_seen(self._bench, summary.classes[place], self._window)

    def show_copies(self) -> None:
        """Copies and near-twins side by side."""
        summary = self._summary
        openers.open_copies(self._bench, self._window, every=summary is not None and not summary.leak_count)

    def show_groups(self) -> None:
        """What keeps images together."""
        openers.open_groups(self._bench, self._window)

    def show_rule(self) -> None:
        """How stored values are mapped."""
        openers.open_rule(self._bench, self._window)

    def show_shortcuts(self) -> None:
        """Whether the label can be guessed from what must not matter."""
        openers.open_shortcuts(self._bench, self._window)

    def open_class_menu(self, place: int, where: QPoint) -> None:
        """What can be done with a class."""
        summary = self._summary
        if summary is None or place >= len(summary.classes):
            return
        decisions = self._decisions
        does = ClassDoes(
            rename=self._page.classes.list.rename,
            merge=decisions.merge,
            leave_out=decisions.leave_out,
            show_images=self.show_class,
            show_seen=self.show_seen,
        )
        can_look = self._bench.draft.data is not None and self.source("") is not None
        self.menu = class_menu(summary.classes, place, does, decisions.against, can_look, self._page)
        self.menu.popup(where)

    def open_layout_menu(self, button: QWidget) -> None:
        """Other ways to read the folder, or another folder."""
        summary, decisions = self._summary, self._decisions
        does = LayoutDoes(
            layout=decisions.choose_layout,
            recognised=decisions.as_recognised,
            domain=decisions.choose_domain,
            table=self.show_table,
            another=self._page.ask_for_folder,
            archive=self.ask_for_archive,
            changes=self.show_changes,
        )
        chosen = summary is not None and bool(layout_choices(summary.changes))
        facts = summary.facts if summary is not None else None
        self.menu = layout_menu(facts, chosen, does, decisions.against, self._page)
        self.menu.popup(button.mapToGlobal(QPoint(0, button.height() + 2)))

    def ask_for_archive(self) -> None:
        """A zip or a table of labels, chosen instead of dropped."""
        dialog = QFileDialog(self._page, "Choose a zip file or a table of labels")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(_ARCHIVES)
        dialog.fileSelected.connect(lambda path: self._page.take_dropped([Path(path)]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @property
    def _summary(self) -> ScanSummary | None:
        return self._bench.draft.summary

    @property
    def _window(self) -> QWidget:
        return self._page.window()

    def _journal(self) -> tuple[list[ChangeLine], str]:
        summary = self._summary
        return (summary.changes if summary is not None else [], self._decisions.against)
