"""The wizard's third step: how deep to train, and, for whoever wants them, all hyperparameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from PySide6.QtWidgets import QWidget

from tlgui.core.strategies import recommend
from tlgui.gui.draft import Level
from tlgui.gui.widgets import Action, Banner, Button, Card, Page, Segmented
from tlgui.gui.wizard.costs import costs, short
from tlgui.gui.wizard.parameters_form import ParametersForm
from tlgui.gui.wizard.strategy.advice_card import AdviceCard
from tlgui.gui.wizard.strategy.expectation import expectation
from tlgui.gui.wizard.strategy.how_many import HowManyCard
from tlgui.gui.wizard.strategy.question import KindQuestion
from tlgui.gui.wizard.strategy.strategy_table import StrategyTable
from tlgui.gui.wizard.strategy.table_rows import chosen_row, fitting_row, table_rows

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_LEVELS = [("guided", "Guided"), ("adjustable", "Adjustable"), ("everything", "Everything")]
_SIDE = 328
SET_BACK = "Your own values were set back: they belonged to the other strategy."
_SENTENCE = "How deep to train. The fitting row is lit; any other can be picked."
_SENTENCE_BEGAN = "How deep this run trains. It can be read here and not be changed."


class StrategyPage(Page):
    """The table with the fitting row lit, the question that decides half of it, and the advice."""

    name = "strategy"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Strategy", _SENTENCE, parent=parent)
        self._bench = bench
        self._rows = table_rows()
        self._build()
        self._connect()
        self._refresh()

    def entered(self) -> None:
        """Shows what the steps before have changed."""
        self._refresh()

    def _build(self) -> None:
        self.level = Segmented(_LEVELS, "How much is shown")
        self.level.setToolTip(
            "Guided: the table alone. Adjustable: the settings that matter most. Everything: all of them."
        )
        self.head_right.addWidget(self.level)
        main, side = self.columns(1, _SIDE)
        self.table = StrategyTable(self._rows)
        card = Card(flush=True)
        card.body.addWidget(self.table)
        self.question = KindQuestion()
        self.advice = AdviceCard()
        self.form = ParametersForm()
        self.how_many = HowManyCard()
        self.set_back = Banner("info", SET_BACK)
        undo = Button("Undo", "link", small=True)
        undo.setToolTip("Takes your own values over into the strategy that is picked now.")
        undo.clicked.connect(self._on_bring_back)
        self.set_back.add_button(undo)
        for widget in (card, self.set_back, self.question, self.advice, self.form):
            main.addWidget(widget)
        main.addStretch(1)
        side.addWidget(self.how_many)
        side.addStretch(1)
        back = Action("Back", lambda: self._bench.show("backbone"), "Alt+Left", "Back to the backbone", icon="back")
        self.foot_left.addWidget(Button(action=back))
        self._next = Action(
            "Next: Review", lambda: self._bench.show("review"), "Ctrl+Return", "On to the review", icon="forward"
        )
        self.set_primary(self._next)

    def _connect(self) -> None:
        bench = self._bench
        self.level.picked.connect(self._on_level_picked)
        self.table.picked.connect(self._on_picked)
        self.question.answered.connect(self._on_answered)
        self.advice.followed.connect(self._on_followed)
        self.form.edited.connect(self._on_edited)
        self.form.problem_changed.connect(self._show_foot)
        bench.draft.changed.connect(self._refresh)
        bench.run_changed.connect(self._refresh)
        bench.device_changed.connect(self._refresh)
        bench.backbones.changed.connect(self._refresh)

    # Showing

    def _refresh(self) -> None:
        draft, locked = self._bench.draft, self._bench.read_only
        training, _ = draft.resolved()
        images, answer = draft.images, draft.similarity
        fitting = fitting_row(self._rows, images, answer) if images else -1
        chosen = chosen_row(self._rows, training)
        self.set_sentence(_SENTENCE_BEGAN if locked else _SENTENCE)
        self.level.set_value(draft.level)
        self.table.show_rows(self._takes(chosen), images, answer, fitting, chosen)
        self.question.set_answer(answer, locked)
        self._show_advice(fitting, chosen, locked)
        classes = draft.summary.classes if draft.summary else []
        self.how_many.set_counts(images, min((one.total for one in classes), default=0))
        self.form.setVisible(draft.level != "guided")
        if draft.level != "guided":
            self.form.show_values(draft, locked)
        self.set_back.setVisible(bool(draft.set_back) and not locked)
        self._show_foot()

    def _takes(self, chosen: int) -> list[str]:
        draft = self._bench.draft
        asked = [draft.training if i == chosen else row.asks(draft.training) for i, row in enumerate(self._rows)]
        return [short(costs(self._bench, training).time) for training in asked]

    def _show_advice(self, fitting: int, chosen: int, locked: bool) -> None:
        draft = self._bench.draft
        if fitting < 0:
            self.advice.show_advice("", "The advice comes when the images have been read.", "", locked)
            return
        advised = self._rows[fitting]
        expect = expectation(self._rows[chosen], advised, draft.images) if chosen >= 0 else ""
        self.advice.show_advice(advised.title, recommend(draft.images, draft.similarity).sentence, expect, locked)

    def _show_foot(self) -> None:
        began = self._bench.read_only
        reason = "" if began else self._bench.draft.missing("strategy") or self.form.problem
        self._next.set_reason(reason)
        self.set_hint(
            "Read only: the run has begun" if began else costs(self._bench, self._bench.draft.training).sentence
        )

    # What the person does

    def _on_level_picked(self, level: str) -> None:
        self._bench.draft.set_level(cast(Level, level))

    def _on_picked(self, index: int) -> None:
        if self._bench.read_only:
            self._refresh()  # the table has marked the row already
            return
        draft, row = self._bench.draft, self._rows[index]
        if draft.images and index == fitting_row(self._rows, draft.images, draft.similarity):
            self._on_followed()
            return
        draft.set_strategy(row.strategy.name)
        draft.set_training("top_groups", row.asked_groups)

    def _on_followed(self) -> None:
        draft = self._bench.draft
        draft.set_strategy("auto")
        draft.set_training("top_groups", None)

    def _on_bring_back(self) -> None:
        self._bench.draft.bring_back()
        self.table.setFocus()  # the link is gone

    def _on_answered(self, answer: Any) -> None:
        self._bench.draft.set_similarity(answer)

    def _on_edited(self, field: str, value: Any) -> None:
        draft = self._bench.draft
        if field == "fit":
            draft.set_fit(value)
        elif field == "split_fractions":
            self.form.set_problem(field, draft.set_split(*value))
        else:
            self.form.set_problem(field, draft.set_training(field, value))
