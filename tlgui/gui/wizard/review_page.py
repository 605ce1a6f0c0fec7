"""The wizard's last step: the whole run in plain words, its layers and its price, and the button that begins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.gui.widgets import Action, Button, Card, Label, NoticeList, Page
from tlgui.gui.wizard.costs import costs
from tlgui.gui.wizard.review import plan
from tlgui.gui.wizard.review.decided import decided_of_run, decided_words
from tlgui.gui.wizard.review.ladder_card import LadderCard
from tlgui.gui.wizard.review.notices import ReviewNotice, notices
from tlgui.gui.wizard.review.numbers_card import NumbersCard

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_SIDE = 344
_SENTENCE = "What will happen when you press Start, and what it takes."
_SENTENCE_BEGAN = "How this run was set up. It can be read here and not be changed."


class ReviewPage(Page):
    """The paragraph, the notices, the figures, the ladder; Start training.

    After the run began the page can only be read, and its button sets up a new run with the same answers.
    """

    name = "review"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Review", _SENTENCE, parent=parent)
        self._bench = bench
        self._place = _place_of_runs()
        self._said: list[ReviewNotice] = []
        self._build()
        self._connect()
        self._refresh()

    def entered(self) -> None:
        """Shows what the steps before have changed."""
        self.clear_error()
        self._place = _place_of_runs()
        self._refresh()

    def _build(self) -> None:
        main, side = self.columns(1, _SIDE)
        self._run = Card("The run")
        self.paragraph = Label("", "body", wrap=True)
        self._run.body.addWidget(self.paragraph)
        self.decided = Label("", "caption", wrap=True)
        self._run.body.addWidget(self.decided)
        self.notices = NoticeList()
        self.numbers = NumbersCard()
        for widget in (self._run, self.notices, self.numbers):
            main.addWidget(widget)
        main.addStretch(1)
        self.ladder = LadderCard()
        side.addWidget(self.ladder)
        side.addStretch(1)
        back = Action("Back", lambda: self._bench.show("strategy"), "Alt+Left", "Back to the strategy", icon="back")
        self.foot_left.addWidget(Button(action=back))
        self._start = Action(
            "Start training", self._on_start, "Ctrl+Return", "Makes the run folder and begins to train", icon="play"
        )
        self._new = Action(
            "New run from here", self._bench.new_run_from, "Ctrl+Return", "Sets up another run with these answers"
        )
        self.set_primary(self._start)

    def _connect(self) -> None:
        bench = self._bench
        bench.draft.changed.connect(self._refresh)
        bench.run_changed.connect(self._refresh)
        bench.device_changed.connect(self._refresh)
        bench.backbones.changed.connect(self._refresh)

    def _refresh(self) -> None:
        bench, draft = self._bench, self._bench.draft
        began = bench.read_only
        self.set_sentence(_SENTENCE_BEGAN if began else _SENTENCE)
        self._run.set_title("The run" if not began else "The run, as it was set up")
        self._show_plan()
        self._show_costs()
        self.set_primary(self._new if began else self._start)
        reason = "" if began else bench.reason_against_start()
        self._start.set_reason(reason)
        self.set_hint(reason or ("Read only: the run has begun" if began else costs(bench, draft.training).sentence))

    def _show_plan(self) -> None:
        draft = self._bench.draft
        summary = draft.summary
        self.ladder.setVisible(summary is not None)
        self._show_notices(notices(summary) if summary is not None and not self._bench.read_only else [])
        self._show_decided()
        if summary is None:
            self.paragraph.setText("There is nothing to review yet: the images come first.")
            return
        training, _ = draft.resolved()
        row = BACKBONES[draft.backbone]
        facts = plan.Facts(
            backbone=row,
            training=training,
            classes=[one.name for one in summary.classes],
            train=sum(one.train for one in summary.classes),
            validation=sum(one.validation for one in summary.classes),
            test=sum(one.test for one in summary.classes),
        )
        self.paragraph.setText(plan.paragraph(facts))
        self.ladder.set_groups(plan.ladder(row, training, len(summary.classes)))

    def _show_decided(self) -> None:
        summary, spec = self._bench.draft.summary, self._bench.run_spec
        if self._bench.read_only:
            words = decided_of_run(spec) if spec is not None else ""
        else:
            words = decided_words(summary) if summary is not None else ""
        self.decided.setText(words)
        self.decided.setVisible(bool(words))

    def _show_notices(self, said: list[ReviewNotice]) -> None:
        self.notices.setVisible(bool(said))
        if said != self._said:  # lines that stay are not built anew with each change elsewhere
            self._said = said
            self.notices.clear()
            for notice in said:
                self.notices.add_row(notice.tone, notice.title, notice.text)

    def _show_costs(self) -> None:
        draft = self._bench.draft
        self.numbers.setVisible(draft.summary is not None)
        price = costs(self._bench, draft.training)
        self.numbers.set_line("Time", price.time, price.why)
        self.numbers.set_line("Memory", price.memory, "Of the program that trains, at its most.")
        self.numbers.set_line("Disk", price.disk, price.disk_why)
        folder = self._bench.run_folder
        if folder is not None:
            self.numbers.set_line("Run folder", folder.name, "")
        else:
            self.numbers.set_line(
                "Run folder", self._place, "There each run gets a folder of its own, named by its date."
            )

    def _on_start(self) -> None:
        self.clear_error()
        self._bench.start_training()


def _place_of_runs() -> str:
    try:
        return str(projects_dir())
    except UserError as error:
        return error.problem
