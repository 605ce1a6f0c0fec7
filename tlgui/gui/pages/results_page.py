"""Results: scores that can be defended, what was taken for what, and the images behind each number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.core.strategies import STRATEGIES
from tlgui.gui import networks, numbers
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.beginnings import continues
from tlgui.gui.chosen_by import chosen_words
from tlgui.gui.continue_dialog import ContinueDialog
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.new_site import about_scores
from tlgui.gui.notes import NotesButton
from tlgui.gui.page_action import page_action
from tlgui.gui.pages.results.class_table import ClassTable
from tlgui.gui.pages.results.confusion import ConfusionMatrix
from tlgui.gui.pages.results.findings import Answer, Findings, read_findings
from tlgui.gui.pages.results.kept_cards import KnownCard, MixCard, StrengthsCard
from tlgui.gui.pages.results.mistakes import WorstMistakes
from tlgui.gui.pages.results.score_strip import ScoreStrip
from tlgui.gui.pages.results.site_card import SiteResultsCard
from tlgui.gui.run_kept import about_new_images
from tlgui.gui.run_site import is_aligned
from tlgui.gui.viewer import ImageViewer, Shown
from tlgui.gui.widgets import Action, Banner, Button, Card, EmptyState, Label, Page
from tlgui.gui.widgets.page import STACK_BELOW
from tlgui.gui.wizard.review.decided import decided_of_run

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_MATRIX_WIDTH = 364
_WIDEST_MATRIX = 460
_NO_LIMIT = 16_777_215  # Qt's own
_KEEP = 1000  # the two columns stand side by side from this width of the window on
_MANY_CLASSES = 4  # with more, the matrix takes the whole width
_SENTENCE = "How well it does on images that it has not learned from."


class ResultsPage(Page):
    """The page named "results"."""

    name = "results"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Results", _SENTENCE, parent=parent)
        self._bench = bench
        self._task: Task | None = None
        self._findings: Findings | None = None
        self._placed: tuple[bool, bool] | None = None
        self._read_for: tuple[Path, str] | None = None
        self._use = Action(
            "Try it on new images", lambda: bench.show("use"), "Ctrl+T", "Drop images and see the answers"
        )
        self._learn_on = Action(
            "Continue on new images…",
            self._on_learn_on,
            "Ctrl+Shift+N",
            "The model learns on, with the classes that it knows",
            "plus",
        )
        self._export = Action("Next: Export", lambda: bench.show("export"), "", "Make a file that an engineer can use")
        self._find = Action(
            "Find my images…", self._ask_for_images, "Ctrl+Shift+F", "Say where the images of this run are now"
        )
        self._build()
        bench.run_changed.connect(self._refresh)
        bench.images_found.connect(self._show_images)
        bench.images_found.connect(self._show_kept)
        bench.kept.changed.connect(self._show_kept)
        bench.kept.mixed.connect(self._on_mixed)

    def entered(self) -> None:
        """Reads the results where they are newer than what is shown."""
        self._refresh()

    @property
    def findings(self) -> Findings | None:
        """What is shown; `None` while there is nothing to show."""
        return self._findings

    def _build(self) -> None:
        self.notes = NotesButton(self._bench)
        self.head_right.addWidget(self.notes)
        self._empty = EmptyState(
            "grid",
            "Results come after the last epoch",
            "The test images are read once, when training has ended.",
            Button(action=page_action(self._bench, "train", "Go to training", self)),
        )
        self._strip = ScoreStrip()
        self.site = Banner("info")
        self.before_after = SiteResultsCard(self._bench)
        self.decided = Label("", "caption", wrap=True)
        self.known, self.mix, self.strengths = KnownCard(), MixCard(self._bench), StrengthsCard(self._bench)
        self.strengths.new_run_asked.connect(self._on_new_run)
        self._matrix = ConfusionMatrix()
        self._matrix.cell_pressed.connect(self._open_cell)
        self._matrix_card = Card("What was taken for what", "press a cell")
        row = QHBoxLayout()
        row.addWidget(self._matrix, 1)
        row.addStretch(0)
        self._matrix_card.body.addLayout(row)
        self._table = ClassTable()
        self._mistakes = WorstMistakes(self._bench.thumbnails)
        self._mistakes.mistake_pressed.connect(self._open_mistakes)
        self.body.addWidget(self._empty)
        self.body.addWidget(self._strip)
        self.body.addWidget(self.site)
        self.body.addWidget(self.before_after)
        self.body.addWidget(self.decided)
        self.body.addWidget(self.known)
        self._main, self._side = self.columns(side_width=_MATRIX_WIDTH, keep_until=_KEEP, side_first=True)
        self._side.addWidget(self._matrix_card)
        self._main.addWidget(self._table)
        self._main.addWidget(self._mistakes)
        for card in (self.mix, self.strengths):
            self.body.addWidget(card)
        self.foot_left.addWidget(Button(icon="scan", action=self._use))
        self.foot_left.addWidget(Button(action=self._learn_on))
        self._find_button = Button(icon="folder", action=self._find)
        self.foot_left.addWidget(self._find_button)
        self.set_primary(self._export)
        self._show_nothing()

    def _refresh(self) -> None:
        folder, run = self._bench.run_folder, self._bench.run
        reason = run.reason_against("results") if run is not None else "There is no run yet."
        if folder is None or run is None or reason:
            self._show_nothing(reason)
            return
        if self._read_for == (folder.path, run.state):
            return
        if self._read_for is not None and self._read_for[0] != folder.path:
            # Numbers of another run must not stand there while those of this one are read.
            self._show_nothing()
            self._empty.hide()
        self._forget_reading()
        if self.isVisible():
            self._read(folder, run.state)

    def _read(self, folder: RunFolder, state: str) -> None:
        def done(findings: Findings) -> None:
            self._read_for = (folder.path, state)
            self._show_findings(findings)

        self._task = run_in_background(self, lambda: read_findings(folder), done, self._on_failed)

    def _forget_reading(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _on_failed(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            raise error
        self._show_nothing("There are no results to show.")
        self.show_error(error)

    def _show_nothing(self, reason: str = "") -> None:
        self._forget_reading()
        self._findings, self._read_for = None, None
        self.before_after.forget()
        self._set_filled(False)
        self.clear_error()
        self.set_sentence(_SENTENCE)
        self.set_hint(reason)
        self._use.set_reason(reason or "There are no results yet.")
        self._learn_on.set_reason(reason or "There are no results yet.")
        self._export.set_reason(reason or "There are no results yet.")

    def _show_findings(self, findings: Findings) -> None:
        self._findings = findings
        self.clear_error()
        self._set_filled(True)
        self.set_sentence(self._what(findings))
        self._strip.set_findings(findings)
        spec = self._bench.run_spec
        title, text = about_scores(spec)
        adapted = bool(title)
        if not adapted:
            run = self._bench.run
            measured = run.kept.measured if run is not None else None
            every = measured.every if measured is not None else None
            title, text = about_new_images(spec, findings.shown.confusion_matrix, every)
        self.site.set("info", title, text)
        self.site.setVisible(bool(title))
        if adapted and self._bench.run_folder is not None:
            self.before_after.show_run(self._bench.run_folder)
        self.decided.setText(decided_of_run(spec) if spec is not None else "")
        self.decided.setVisible(bool(self.decided.text()))
        self._show_kept()
        self._matrix.set_counts(findings.shown.classes, findings.shown.confusion_matrix)
        self._place_parts()
        self._table.set_scores(findings.shown)
        self._show_images()
        self.set_hint("For research and teaching. Not a medical device.")
        self._use.set_reason("")
        self._learn_on.set_reason("")
        self._export.set_reason("")

    def _show_kept(self) -> None:
        """What it knew before, where it learned on or kept something."""
        run = self._bench.run
        if self._findings is None or run is None:
            return
        self.known.show_measured(run.kept.measured)
        self.mix.show_run(self._bench.run_spec, run.kept.mixes, is_aligned(run))
        self.strengths.show_run(self._bench.run_spec, run.kept.strengths)

    def _on_mixed(self, path: Path) -> None:
        """The model is another one: its scores are read anew."""
        if self._read_for is not None and self._read_for[0] == path:
            self._read_for = None
            self._refresh()

    def _on_new_run(self, strength: float) -> None:
        self._bench.new_run_from()
        if self._bench.run is None:  # else something kept it from being set up, which is said
            self._bench.draft.set_training("keep_strength", strength)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """In a narrow window the table needs the whole width."""
        super().resizeEvent(event)
        self._place_parts()

    def _place_parts(self) -> None:
        """The matrix beside the table or, where that has no room, beside the mistakes; large ones on their own."""
        beside = self._findings is None or len(self._findings.classes) <= _MANY_CLASSES
        narrow = self.window().width() < STACK_BELOW
        if (beside, narrow) == self._placed:
            return
        self._placed = (beside, narrow)
        # Where the columns stand under one another, a few cells would be as wide as the page.
        self._matrix.setMaximumWidth(_WIDEST_MATRIX if beside else _NO_LIMIT)
        if beside:
            self._side.insertWidget(0, self._matrix_card)
        else:
            self._main.insertWidget(0, self._matrix_card)
        if (column := self._side.parentWidget()) is not None:
            column.setVisible(beside)
        if narrow:
            self.body.addWidget(self._table)
        else:
            self._main.removeWidget(self._table)  # else it would count in the place before which it goes
            self._main.insertWidget(self._main.indexOf(self._mistakes), self._table)

    def _show_images(self) -> None:
        if self._findings is None:
            return
        root = self._bench.data_of()
        self._find_button.setVisible(root is None)
        self._mistakes.set_mistakes(self._findings.mistakes(), root, self._findings.pixel_rule)

    def _set_filled(self, filled: bool) -> None:
        self._empty.setVisible(not filled)
        self._find_button.setVisible(False)
        for line in (self.site, self.decided, self.known, self.mix, self.strengths):
            line.hide()
        for part in (self._strip, self._matrix_card, self._table, self._mistakes):
            part.setVisible(filled)

    def _what(self, findings: Findings) -> str:
        spec, run = self._bench.run_spec, self._bench.run
        if spec is None or run is None:
            return _SENTENCE
        backbone = networks.label_of(spec.backbone)
        strategy = STRATEGIES[spec.training.strategy].label if spec.training.strategy in STRATEGIES else ""
        epoch = f"that of epoch {findings.best_epoch}" if findings.best_epoch else "the one before the first epoch"
        mix = run.kept.mixes
        mixed = f", mixed with {numbers.percent(mix.chosen, 0)} of the weights before" if mix and mix.chosen else ""
        how = ", ".join(filter(None, (backbone, strategy.lower(), continues(spec.source))))
        return f"{how}. The best state is {epoch}, {chosen_words(spec)}{mixed}."

    def _open_cell(self, true: str, said: str) -> None:
        if self._findings is None:
            return
        title = f"Really {true}, and called so" if true == said else f"Really {true}, taken for {said}"
        self._open_viewer(title, self._findings.cell(true, said))

    def _open_mistakes(self, at: int) -> None:
        if self._findings is not None:
            self._open_viewer("Mistakes, the worst first", self._findings.mistakes(), at)

    def _open_viewer(self, title: str, answers: list[Answer], at: int = 0) -> None:
        assert self._findings is not None
        shown = [
            Shown(
                answer.path,
                f"Really {answer.true}" + ("" if answer.right else f", the model said {answer.said}"),
                f"{numbers.percent(answer.sure, 0)} sure of {answer.said}",
            )
            for answer in answers
        ]
        viewer = ImageViewer(
            title, self._bench.data_of(), shown, self._bench.thumbnails, self._findings.pixel_rule, at, self
        )
        viewer.open()

    def _on_learn_on(self) -> None:
        if (folder := self._bench.run_folder) is not None:
            ContinueDialog(self._bench, folder.path, self.window()).open()

    def _ask_for_images(self) -> None:
        ask_for_folder(self, "Where are the images of this run now?", self._bench.find_images)
