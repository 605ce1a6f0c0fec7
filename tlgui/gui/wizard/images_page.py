"""The wizard's first step: what was found in the folder, what is used, what is to be settled, and which part does what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from tlgui.gui.background import Task, run_in_background
from tlgui.gui.draft import Level
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.pages.start.choices import ImagesChoice
from tlgui.gui.pages.start.dropped import Meaning, meaning_of
from tlgui.gui.pages.start.holds_runs import newest_run_button
from tlgui.gui.places import keys_of
from tlgui.gui.widgets import Action, Banner, Button, Page, Segmented
from tlgui.gui.wizard.continues_banner import ContinuesBanner
from tlgui.gui.wizard.images.checks_card import ChecksCard
from tlgui.gui.wizard.images.class_list import TILE
from tlgui.gui.wizard.images.classes_card import ClassesCard
from tlgui.gui.wizard.images.decisions import Decisions
from tlgui.gui.wizard.images.domain_question import DomainQuestion
from tlgui.gui.wizard.images.facts_card import FactsCard
from tlgui.gui.wizard.images.files_card import FilesCard
from tlgui.gui.wizard.images.layout_card import LayoutCard
from tlgui.gui.wizard.images.layout_words import layout_words
from tlgui.gui.wizard.images.notices import Notices
from tlgui.gui.wizard.images.page_dialogs import PageDialogs
from tlgui.gui.wizard.images.pictures import Pictures
from tlgui.gui.wizard.images.reading_card import ReadingCard
from tlgui.gui.wizard.images.rule_card import RuleCard, rule_matters
from tlgui.gui.wizard.images.rule_words import rule_of
from tlgui.gui.wizard.images.split_card import SplitCard
from tlgui.gui.wizard.images.words import go_on_words

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_SIDE = 272
_SENTENCE = "Is this what you meant? Used and left out add up to every file in the folder."
_SENTENCE_EMPTY = (
    "One folder of images per class, train\u00a0/\u00a0val\u00a0/\u00a0test folders, a zip, or a table of labels."
)
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
        self._decisions = Decisions(bench)
        self.dialogs = PageDialogs(self, bench, self._decisions)
        self._build()
        self._arrange()
        self._connect()
        self._connect_decisions()
        self._refresh()

    def entered(self) -> None:
        """Shows what has changed while another page was up."""
        self._refresh()

    def ask_for_folder(self) -> None:
        """Another folder of images."""
        ask_for_folder(self, "Choose a folder of images", lambda path: self.take_dropped([path]))

    def take_dropped(self, paths: Sequence[Path]) -> None:
        """Opens what was dropped or chosen: a folder, a run, a zip, or a table of labels."""
        if self._looking is not None:
            self._looking.cancel()
        self._looking = run_in_background(self, lambda: meaning_of(paths), self._on_meaning)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Anything of this computer may be let go here; a run that began keeps its images."""
        if event.mimeData().hasUrls() and not self._bench.read_only:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Takes what is let go."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.take_dropped(paths)

    def _build(self) -> None:
        bench = self._bench
        tip = f"Your images stay where they are ({keys_of('choose_folder')})."
        choose = Action("Choose a folder…", self.ask_for_folder, tooltip=tip, parent=self)
        self.empty = ImagesChoice(choose, "Which images?")
        self.layout_card, self.domains = LayoutCard(), DomainQuestion()
        self.reading, self.refused, self.not_done = ReadingCard(), Banner("bad"), Banner("bad")
        self.refused.add_button(Button("Choose another folder…", "secondary", action=self.layout_card.another))
        self.notices = Notices()
        self.classes = ClassesCard(self._pictures)
        self.files, self.checks, self.rule, self.facts = FilesCard(), ChecksCard(), RuleCard(), FactsCard()
        self.split = SplitCard(bench.draft)
        self.level = Segmented(_LEVELS, "Level of detail")
        self.level.button("guided").setToolTip("Shows what has to be known, and sets the rest by itself.")
        self.level.button("adjustable").setToolTip("Shows the shares of the split too.")
        self.level.button("everything").setToolTip("Shows every field that this step sets.")
        tip = "Choose the network"
        self._next = Action("Next: Backbone", lambda: bench.show("backbone"), tooltip=tip, icon="forward", parent=self)
        back = Action("Back", lambda: bench.show("start"), "Alt+Left", "Back to the start page", "back", self)
        self.back = Button(action=back)
        tip = "Sets up another run with these images and answers"
        self.again = Button(action=Action("New run from here", bench.new_run_from, "Ctrl+N", tip, "plus", self))

    def _arrange(self) -> None:
        self.setAcceptDrops(True)
        self.head_right.addWidget(self.level)
        self.body.addWidget(self.empty)
        main, side = self.columns(1, _SIDE)
        above = (
            ContinuesBanner(self._bench, self),
            self.layout_card,
            self.reading,
            self.refused,
            self.not_done,
            self.domains,
        )
        for widget in (*above, self.notices, self.classes):
            main.addWidget(widget)
        for card in (self.files, self.split, self.checks, self.rule, self.facts):
            side.addWidget(card)
        self.foot_left.addWidget(self.back)
        self.foot_left.addWidget(self.again)
        self.set_primary(self._next)

    def _connect(self) -> None:
        bench, dialogs = self._bench, self.dialogs
        bench.draft.changed.connect(self._refresh)
        bench.run_changed.connect(self._refresh)
        bench.intake.changed.connect(self._on_intake)
        bench.shortcuts.changed.connect(self._show_looked)
        bench.scan_progressed.connect(self.reading.show_progress)
        self.empty.dropped.connect(self.take_dropped)
        self.layout_card.change_asked.connect(lambda: dialogs.open_layout_menu(self.layout_card.button))
        self.layout_card.another_asked.connect(self.ask_for_folder)
        self.layout_card.find_asked.connect(bench.choose_images)
        self.reading.cancelled.connect(self._on_cancelled)
        self.notices.evidence_asked.connect(dialogs.show_evidence)
        self.notices.changes_asked.connect(dialogs.show_changes)
        self.classes.list.opened.connect(dialogs.show_class)
        self.classes.list.menu_asked.connect(dialogs.open_class_menu)
        self.classes.seen_asked.connect(lambda: dialogs.show_seen(max(0, self.classes.list.currentIndex().row())))
        self.files.list_asked.connect(dialogs.show_all_left_out)
        self.files.notes_asked.connect(dialogs.show_notes)
        self.split.kept.change_asked.connect(dialogs.show_groups)
        self.checks.copies_asked.connect(dialogs.show_copies)
        self.checks.shortcuts_asked.connect(dialogs.show_shortcuts)
        self.rule.change_asked.connect(dialogs.show_rule)
        self.level.picked.connect(lambda key: bench.draft.set_level(cast("Level", key)))

    def _connect_decisions(self) -> None:
        decide = self._decisions
        self.domains.chosen.connect(decide.choose_domain)
        self.notices.repair_asked.connect(self._bench.intake.repair)
        self.notices.undo_asked.connect(decide.undo)
        self.classes.list.renamed.connect(decide.rename)
        self.classes.use_asked.connect(decide.use_again)
        self.split.test_asked.connect(decide.cut_test)
        self.split.anew_asked.connect(decide.draw_anew)
        self.split.folds.chosen.connect(decide.use_fold)
        self.split.kept.accepted.connect(decide.keep_together)

    def _refresh(self) -> None:
        draft, began = self._bench.draft, self._bench.read_only
        empty = draft.data is None and not draft.scanning and draft.scan_error is None and not began
        sentence = _SENTENCE_EMPTY if empty else _SENTENCE_DEMO if self._is_demo() else _SENTENCE
        self.set_sentence(_SENTENCE_BEGAN if began else sentence)
        self.empty.setVisible(empty)
        self.level.set_value(draft.level)
        self.level.setVisible(not empty)
        self._pictures.set_folder(draft.data, rule_of(draft.summary), self._bench.scan_ticket)
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
        facts = draft.summary.facts if draft.summary is not None else None
        words = layout_words(known.layout, len(known.classes), facts) if known is not None else ""
        name = known.name if known is not None else ""
        if draft.scan_error is not None:
            chip = ("Not usable", "bad")
        elif lost:
            chip = ("Not found", "warn")
        elif known is None:
            chip = ("", "neutral")
        elif self._bench.intake.busy:
            chip = ("Updating…", "info")
        elif facts is not None and facts.domains and not facts.domain:
            chip = ("One question", "warn")
        else:
            chip = ("Recognised", "good")
        self.layout_card.show_folder(draft.data, name, words, *chip)
        self.layout_card.show_evidence(facts.evidence if facts is not None else ())
        asks = facts is not None and bool(facts.domains) and not facts.domain
        self.domains.setVisible(asks)
        if facts is not None and asks:
            self.domains.ask(facts.domains, self._decisions.against)

    def _show_reading(self) -> None:
        draft, scans, intake = self._bench.draft, self._bench.scans, self._bench.intake
        making = "unpacking" if scans.unpacking is not None else "drawing" if draft.data is None else ""
        stage = (draft.scanning, making, draft.listed, intake.reading)
        self.reading.setVisible(draft.scanning or intake.reading)
        if draft.scanning and stage != self._stage:
            self.clear_error()
            self.reading.show_stage(draft.listed.files if draft.listed is not None else None, making)
        elif intake.reading and stage != self._stage:
            self.reading.show_stage(None, "changing")
        self._stage = stage

    def _show_refused(self) -> None:
        error, problem = self._bench.draft.scan_error, self._bench.intake.problem
        self.refused.setVisible(error is not None)
        if error is not None:
            self.refused.show_error(error)
        self.not_done.setVisible(problem is not None and error is None)
        if problem is not None and error is None:
            self.not_done.show_error(problem)

    def _show_classes(self) -> None:
        draft, against = self._bench.draft, self._decisions.against
        summary = draft.summary
        # Which domain is meant, a card of its own asks.
        warnings = [one for one in summary.warnings if one.code != "domain_not_chosen"] if summary else []
        self.notices.show_state(warnings, summary.changes if summary else (), against)
        self.classes.list.can_rename = not against
        if summary is not None:
            can_open = draft.data is not None and self.dialogs.source("") is not None
            self.classes.show()
            self.classes.show_read(summary.classes, can_open)
            self.classes.show_left_out(summary.left_out_classes, against)
            self.classes.see.set_reason("" if can_open else "The images are not where they were.")
        elif draft.listed is not None:
            caption = "by the folders' names; the files are being read" if draft.scanning else "by the folders' names"
            self.classes.show_found(draft.listed.classes, caption)
        else:
            self.classes.hide()

    def _show_side(self) -> None:
        draft, against = self._bench.draft, self._decisions.against
        summary, everything = draft.summary, draft.level == "everything"
        self.files.setVisible(summary is not None or (draft.listed is not None and draft.scanning))
        self.split.setVisible(summary is not None)
        self.checks.setVisible(summary is not None and not self._bench.read_only)
        self.rule.setVisible(summary is not None and (everything or rule_matters(summary)))
        self.facts.setVisible(summary is not None and everything)
        if summary is None:
            if draft.listed is not None:
                self.files.show_reading(draft.listed.files)
            return
        self.files.show_files(summary)
        self.split.show_split(summary, against, draft.level != "guided", self._bench.read_only)
        self.split.fields.setVisible(draft.level != "guided")
        self.split.fields.refresh(self._reason_against_split(), summary.fold is not None)
        self.checks.show_summary(summary, against)
        self._show_looked()
        self.rule.show_rule(summary, against, counted=not self._bench.read_only)
        self.facts.show_facts(draft, summary)

    def _show_looked(self) -> None:
        self.checks.show_looked(self._bench.shortcuts.found)

    def _reason_against_split(self) -> str:
        summary = self._bench.draft.summary
        if self._bench.read_only:
            return "This run has begun: its split stays as it is."
        if summary is not None and summary.gives_split:
            giver = "table gives" if summary.layout == "label table" else "folders give"
            return f"The {giver} the split, so there is nothing to set here."
        return ""

    def _show_foot(self) -> None:
        bench = self._bench
        reason = "" if bench.read_only else bench.draft.missing("images")
        if self._is_demo():
            reason = "Training begins by itself when the images are read."
        self._next.set_reason(reason)
        self.again.setVisible(bench.read_only)
        self.set_hint(reason or go_on_words(self.notices.number))

    def _is_demo(self) -> bool:
        draft = self._bench.draft
        scans = self._bench.scans
        return draft.scanning and ((draft.data is None and scans.unpacking is None) or scans.from_demo)

    def _on_intake(self) -> None:
        self._show_folder()
        self._show_reading()
        self._show_refused()

    def _on_cancelled(self) -> None:
        if self._bench.intake.reading:
            self._bench.intake.call_off()
        else:
            self._bench.cancel_scan()

    def _on_meaning(self, meaning: Meaning) -> None:
        self._looking = None
        self.clear_error()
        if not self._bench.open_meaning(meaning):
            banner = self.show_error(meaning, newest_run_button(meaning, self._bench.open_run))
            banner.set("warn", meaning.problem, meaning.remedy)
