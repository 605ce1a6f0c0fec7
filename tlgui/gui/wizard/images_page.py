"""The wizard's first step: what was found in the folder, what is used, and which part does what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtWidgets import QWidget

from tlgui.core.records import Reason
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.draft import Level
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.numbers import counted
from tlgui.gui.pages.start.choices import ImagesChoice
from tlgui.gui.pages.start.dropped import Meaning, meaning_of
from tlgui.gui.pages.start.holds_runs import newest_run_button
from tlgui.gui.places import keys_of
from tlgui.gui.widgets import Action, Banner, Button, Page, Segmented
from tlgui.gui.wizard.images.class_dialog import ClassDialog
from tlgui.gui.wizard.images.class_list import TILE
from tlgui.gui.wizard.images.classes_card import ClassesCard
from tlgui.gui.wizard.images.facts_card import FactsCard
from tlgui.gui.wizard.images.files_card import FilesCard
from tlgui.gui.wizard.images.layout_card import LayoutCard
from tlgui.gui.wizard.images.left_out_dialog import LeftOutDialog
from tlgui.gui.wizard.images.notices import Notices
from tlgui.gui.wizard.images.paths import ManifestPaths, PathSource, ScanPaths
from tlgui.gui.wizard.images.pictures import Pictures
from tlgui.gui.wizard.images.reading_card import ReadingCard
from tlgui.gui.wizard.images.split_card import SplitCard
from tlgui.gui.wizard.images.words import layout_words

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_SIDE = 272
_SENTENCE = "Is this what you meant? Used and left out add up to every file in the folder."
_SENTENCE_EMPTY = "One folder of images per class, or train\u00a0/\u00a0val\u00a0/\u00a0test folders of that kind."
_SENTENCE_DEMO = "The demo: the program draws images of invented cells, reads them, and trains on them at once."
_SENTENCE_BEGAN = "The images of this run. They can be looked at here and not be changed."
_LEVELS = (("guided", "Guided"), ("adjustable", "Adjustable"), ("everything", "Everything"))


class ImagesPage(Page):
    """Empty, reading, filled, or refused, as the draft says. What is known is shown while the rest is being read."""

    name = "images"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Images", _SENTENCE, parent=parent)
        self._bench = bench
        self._looking: Task | None = None
        self._stage: tuple[Any, ...] = ()
        self._pictures = Pictures(bench.thumbnails, TILE, self)
        self._build()
        self._arrange()
        self._connect()
        self._refresh()

    def entered(self) -> None:
        """Shows what has changed while another page was up."""
        self._refresh()

    def _build(self) -> None:
        bench = self._bench
        tip = f"Your images stay where they are ({keys_of('choose_folder')})."
        choose = Action("Choose a folder…", self._on_choose, tooltip=tip, parent=self)
        self.empty = ImagesChoice(choose, "Which images?")
        self.layout_card = LayoutCard()
        self.reading = ReadingCard()
        self.refused = Banner("bad")
        self.refused.add_button(Button("Choose another folder…", "secondary", action=self.layout_card.another))
        self.notices = Notices()
        self.classes = ClassesCard(self._pictures)
        self.files = FilesCard()
        self.split = SplitCard(bench.draft)
        self.facts = FactsCard()
        self.level = Segmented(_LEVELS, "Level of detail")
        self.level.button("adjustable").setToolTip("Shows the shares of the split too.")
        self.level.button("everything").setToolTip("Shows every field that this step sets.")
        tip = "Choose the network"
        self._next = Action("Next: Backbone", lambda: bench.show("backbone"), tooltip=tip, icon="forward", parent=self)
        back = Action("Back", lambda: bench.show("start"), "Alt+Left", "Back to the start page", "back", self)
        self.back = Button(action=back)
        tip = "Sets up another run with these images and answers"
        self.again = Button(action=Action("New run from here", bench.new_run_from, "Ctrl+N", tip, "plus", self))

    def _arrange(self) -> None:
        self.head_right.addWidget(self.level)
        self.body.addWidget(self.empty)
        main, side = self.columns(1, _SIDE)
        for widget in (self.layout_card, self.reading, self.refused, self.notices, self.classes):
            main.addWidget(widget)
        for card in (self.files, self.split, self.facts):
            side.addWidget(card)
        self.foot_left.addWidget(self.back)
        self.foot_left.addWidget(self.again)
        self.set_primary(self._next)

    def _connect(self) -> None:
        bench = self._bench
        bench.draft.changed.connect(self._refresh)
        bench.run_changed.connect(self._refresh)
        bench.scan_progressed.connect(self.reading.show_progress)
        self.empty.dropped.connect(self._on_dropped)
        self.layout_card.change_asked.connect(self._on_choose)
        self.layout_card.find_asked.connect(bench.choose_images)
        self.reading.cancelled.connect(bench.cancel_scan)
        self.notices.files_asked.connect(self._on_files_asked)
        self.classes.list.opened.connect(self._on_class_opened)
        self.files.list_asked.connect(lambda: self._on_files_asked(()))
        self.level.picked.connect(lambda key: bench.draft.set_level(cast("Level", key)))

    def _refresh(self) -> None:
        draft, began = self._bench.draft, self._bench.read_only
        empty = draft.data is None and not draft.scanning and draft.scan_error is None and not began
        sentence = _SENTENCE_EMPTY if empty else _SENTENCE_DEMO if self._is_demo() else _SENTENCE
        self.set_sentence(_SENTENCE_BEGAN if began else sentence)
        self.empty.setVisible(empty)
        self.level.set_value(draft.level)
        self.level.setVisible(not empty)
        rule = draft.summary.pixel_rule if draft.summary is not None and draft.summary.deep_images else None
        self._pictures.set_folder(draft.data, rule, self._bench.scan_ticket)
        self._show_folder()
        self._show_reading()
        self._show_refused()
        self._show_classes()
        self._show_side()
        self._show_foot()

    def _show_folder(self) -> None:
        draft, known = self._bench.draft, self._bench.draft.summary or self._bench.draft.listed
        self.layout_card.setVisible(draft.data is not None or draft.summary is not None)
        lost = self._bench.read_only and draft.data is None
        self.layout_card.show_way("find" if lost else "" if self._bench.read_only else "change")
        words = layout_words(known.layout, len(known.classes)) if known is not None else ""
        name = known.name if known is not None else ""
        if draft.scan_error is not None:
            chip = ("Not usable", "bad")
        elif lost:
            chip = ("Not found", "warn")
        elif known is None:
            chip = ("", "neutral")
        else:
            chip = ("Recognised", "good")
        self.layout_card.show_folder(draft.data, name, words, *chip)

    def _show_reading(self) -> None:
        draft = self._bench.draft
        drawing = draft.scanning and draft.data is None
        stage = (draft.scanning, drawing, draft.listed)
        self.reading.setVisible(draft.scanning)
        if draft.scanning and stage != self._stage:
            self.clear_error()
            self.reading.show_stage(draft.listed.files if draft.listed is not None else None, drawing)
        self._stage = stage

    def _show_refused(self) -> None:
        error = self._bench.draft.scan_error
        self.refused.setVisible(error is not None)
        if error is not None:
            self.refused.show_error(error)

    def _show_classes(self) -> None:
        draft = self._bench.draft
        self.notices.show_warnings(draft.summary.warnings if draft.summary is not None else ())
        if draft.summary is not None:
            self.classes.show()
            self.classes.show_read(draft.summary.classes, draft.data is not None and self._source("") is not None)
        elif draft.listed is not None:
            caption = "by the folders' names; the files are being read" if draft.scanning else "by the folders' names"
            self.classes.show_found(draft.listed.classes, caption)
        else:
            self.classes.hide()

    def _show_side(self) -> None:
        draft = self._bench.draft
        summary = draft.summary
        self.files.setVisible(summary is not None or (draft.listed is not None and draft.scanning))
        self.split.setVisible(summary is not None)
        self.facts.setVisible(summary is not None and draft.level == "everything")
        if summary is None:
            if draft.listed is not None:
                self.files.show_reading(draft.listed.files)
            return
        self.files.show_files(summary)
        self.split.show_split(summary)
        self.split.fields.setVisible(draft.level != "guided")
        self.split.fields.refresh(self._reason_against_split())
        self.facts.show_facts(draft, summary)

    def _reason_against_split(self) -> str:
        summary = self._bench.draft.summary
        if self._bench.read_only:
            return "This run has begun: its split stays as it is."
        if summary is not None and summary.gives_split:
            return "The folders give the split, so there is nothing to set here."
        return ""

    def _show_foot(self) -> None:
        bench = self._bench
        reason = "" if bench.read_only else bench.draft.missing("images")
        if self._is_demo():
            reason = "Training begins by itself when the images are read."
        self._next.set_reason(reason)
        self.again.setVisible(bench.read_only)
        if reason or not self.notices.number:
            self.set_hint(reason)
        else:
            what = counted(self.notices.number, "thing")
            self.set_hint(
                f"You can go on; the {what} above {'blocks' if self.notices.number == 1 else 'block'} nothing."
            )

    def _is_demo(self) -> bool:
        draft = self._bench.draft
        return draft.scanning and (draft.data is None or self._bench.scans.from_demo)

    def _source(self, class_name: str) -> PathSource | None:
        """Where all paths of a class come from; None where nobody knows them."""
        bench = self._bench
        if bench.scan_ticket is not None:
            return ScanPaths(bench.imaging, bench.scan_ticket, class_name)
        return ManifestPaths(bench.run_folder, class_name) if bench.run_folder is not None else None

    def _on_choose(self) -> None:
        ask_for_folder(self, "Choose a folder of images", lambda path: self._on_dropped([path]))

    def _on_dropped(self, paths: Sequence[Path]) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = run_in_background(self, lambda: meaning_of(paths), self._on_meaning)

    def _on_meaning(self, meaning: Meaning) -> None:
        self._looking = None
        if meaning.run is not None:
            self._bench.open_run(meaning.run)
        elif meaning.images is not None:
            self._open(meaning.images)
        else:
            banner = self.show_error(meaning, newest_run_button(meaning, self._bench.open_run))
            banner.set("warn", meaning.problem, meaning.remedy)

    def _on_class_opened(self, place: int) -> None:
        draft = self._bench.draft
        summary = draft.summary
        if summary is None or draft.data is None or place >= len(summary.classes):
            return
        row = summary.classes[place]
        if (source := self._source(row.name)) is not None:
            rule = summary.pixel_rule if summary.deep_images else None
            store = self._bench.thumbnails
            ClassDialog(row.name, row.total, source, draft.data, rule, store, self.window()).open()

    def _on_files_asked(self, reasons: tuple[Reason, ...]) -> None:
        bench, summary = self._bench, self._bench.draft.summary
        if summary is not None:
            files, total = summary.left_out, summary.left_out_count
            LeftOutDialog(files, total, self.window(), reasons, bench.imaging, bench.scan_ticket).open()

    def _open(self, path: Path) -> None:
        self.clear_error()
        self._bench.open_folder(path)
