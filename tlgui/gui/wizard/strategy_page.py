"""The wizard's third step: how deep to train, and, for whoever wants them, all hyperparameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from tlgui.core.advice_events import SimilarityMeasured
from tlgui.core.events import StrategyChosen
from tlgui.core.run_spec import Chosen
from tlgui.core.similarity import kind_of, sentence_of
from tlgui.core.strategies import strategy
from tlgui.gui.draft import SCRATCH, Level
from tlgui.gui.new_site import missing_site, site_name, trains_with_it
from tlgui.gui.widgets import Action, Banner, Button, Card, Page, Segmented
from tlgui.gui.wizard.augmentation.mirror_question import MirrorQuestion
from tlgui.gui.wizard.augmentation.openers import open_augmentation_preview
from tlgui.gui.wizard.continues_banner import ContinuesBanner
from tlgui.gui.wizard.costs import costs, short
from tlgui.gui.wizard.parameters_form import ParametersForm
from tlgui.gui.wizard.strategy.advice_card import AdviceCard
from tlgui.gui.wizard.strategy.gap_panel import GapPanel
from tlgui.gui.wizard.strategy.how_many import HowManyCard
from tlgui.gui.wizard.strategy.keep_card import KeepCard
from tlgui.gui.wizard.strategy.question import KindQuestion
from tlgui.gui.wizard.strategy.recipe_card import RecipeCard
from tlgui.gui.wizard.strategy.similarity_card import SimilarityCard
from tlgui.gui.wizard.strategy.site_card import SiteCard
from tlgui.gui.wizard.strategy.start_choice import StartChoice
from tlgui.gui.wizard.strategy.strategy_table import StrategyTable
from tlgui.gui.wizard.strategy.table_rows import ADVISED, chosen_row, fitting_row, table_rows
from tlgui.gui.wizard.strategy.words import NOT_ASKED, advised, at_work, problem_of

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_LEVELS = [("guided", "Guided"), ("adjustable", "Adjustable"), ("everything", "Everything")]
_SIDE = 328
_ASKS_AFTER_MS = 800
SET_BACK = "Your own values were set back: they belonged to the other strategy."
_UNDO_TIP = "Takes your own values over into the strategy that is picked now."
_SCRATCH_TIP = "Picks the strategy that needs no pretrained weights."
_SENTENCE = "How deep to train. The textbook's row is lit; any can be picked."
_SENTENCE_BEGAN = "How deep this run trains. It can be read here and not be changed."


class StrategyPage(Page):
    """The table with the fitting row lit, the question that decides half of it, the advice, recipes and settings."""

    name = "strategy"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Strategy", _SENTENCE, parent=parent)
        self._bench = bench
        self._rows = table_rows()
        self._pressed = -1  # the row that was picked last, and so whether it answered the question
        self._answered_by_row = False
        self._asks = QTimer(self, singleShot=True, interval=_ASKS_AFTER_MS)
        self._asks.timeout.connect(self._on_asks)
        self._build()
        self._connect()
        self._refresh()

    def entered(self) -> None:
        """Shows what the steps before have changed, and lets the network look where it has not yet."""
        self._refresh()
        if not self._bench.read_only:
            self._bench.advice.look_by_itself()

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
        self.start = StartChoice()
        self.question = KindQuestion()
        self.mirror = MirrorQuestion(self._bench)
        self.advice = AdviceCard()
        self.site = SiteCard()
        self.gap = GapPanel(self._bench)
        self.site.body.addWidget(self.gap)
        self.keep = KeepCard()
        self.recipe = RecipeCard()
        self.form = ParametersForm()
        self.how_many = HowManyCard()
        self.similarity = SimilarityCard()
        self.set_back = _banner("info", SET_BACK, "Undo", _UNDO_TIP, self._on_bring_back)
        self.no_weights = _banner("warn", "", "Train from scratch", _SCRATCH_TIP, self._on_from_scratch)
        shown = (self.no_weights, card, self.start, self.set_back, self.advice, self.question, self.mirror)
        for widget in (ContinuesBanner(self._bench, self), *shown, self.keep, self.site, self.recipe, self.form):
            main.addWidget(widget)
        self._main = main
        main.addStretch(1)
        side.addWidget(self.how_many)
        side.addWidget(self.similarity)
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
        self.start.picked.connect(bench.draft.set_strategy)
        self.question.answered.connect(self._on_answered)
        self.advice.followed.connect(self._on_followed)
        self.advice.try_both.clicked.connect(lambda: bench.advice.look(trial=True))
        self.advice.stop.clicked.connect(bench.advice.cancel)
        self.advice.ask.clicked.connect(self._on_ask)
        self.similarity.again.clicked.connect(self._on_ask)
        self.recipe.picked.connect(self._on_recipe_picked)
        self.site.chosen.connect(bench.draft.set_target)
        self.site.removed.connect(self._on_site_removed)
        self.site.way_picked.connect(lambda name: bench.draft.set_training("adapt", name))
        self.site.weighed.connect(lambda weight: bench.draft.set_training("adapt_weight", weight))
        self.site.problem_changed.connect(self._show_foot)
        self.keep.way_picked.connect(self._on_keep_picked)
        self.keep.strength_chosen.connect(lambda value: bench.draft.set_training("keep_strength", value))
        self.keep.problem_changed.connect(self._show_foot)
        self.form.edited.connect(self._on_edited)
        self.form.button_pressed.connect(self._on_button_pressed)
        self.form.problem_changed.connect(self._show_foot)
        bench.draft.changed.connect(self._refresh)
        bench.draft.changed.connect(self._on_draft_changed)
        bench.run_changed.connect(self._refresh)
        bench.device_changed.connect(self._refresh)
        bench.backbones.changed.connect(self._refresh)
        bench.advice.changed.connect(self._refresh)

    # Showing

    def _refresh(self) -> None:
        draft, locked = self._bench.draft, self._bench.read_only
        images, answer = draft.images, draft.similarity
        desk, similarity = self._bench.advice, self._similarity()
        kind = kind_of(similarity.measured if similarity is not None else None, answer)
        fitting = fitting_row(self._rows, images, kind) if images and not draft.only_scratch else -1
        chosen = chosen_row(self._rows, draft.training, images, self._pressed)
        self.set_sentence(_SENTENCE_BEGAN if locked else _SENTENCE)
        self.level.set_value(draft.level)
        self.table.show_rows(self._takes(chosen), images, answer, fitting, chosen, kind, trains_with_it(draft))
        self.start.show_choice(draft.strategy, draft.only_scratch, locked)
        self.question.set_answer(answer, locked, by_row=self._answered_by_row, measured=kind)
        self.advice.show_advice(advised(draft, locked, kind, desk.found, self._chosen(locked)), locked)
        tells = desk.found is not None and desk.found.trial_would_tell and not locked
        against = desk.reason_against()
        problem = problem_of(desk.problem) or (against if images else "")
        can_ask = not locked and not against
        not_asked = (problem or NOT_ASKED) if can_ask and desk.found is None else ""
        self.advice.show_question(at_work(desk.progress, desk.with_trial) if desk.looking else "", tells, not_asked)
        self.similarity.show_state(similarity, desk.looking, problem, can_ask)
        missing = "" if locked else missing_site(draft)
        self.site.show_site(site_name(draft), draft.target is not None or locked, draft.training, locked, missing)
        self.gap.refresh()
        self._show_keep(locked)
        self.recipe.show_recipe(draft.training.preset, draft.preset_changes, locked)
        classes = draft.summary.classes if draft.summary else []
        self.how_many.set_counts(images, min((one.total for one in classes), default=0))
        self.form.setVisible(draft.level != "guided")
        if draft.level != "guided":
            self.form.show_values(draft, locked)
        self.set_back.setVisible(bool(draft.set_back) and not locked)
        missing = draft.missing_strategy() if not locked else ""
        self.no_weights.set("warn", missing)
        self.no_weights.setVisible(bool(missing))
        self._show_foot()

    def _chosen(self, locked: bool) -> Chosen | StrategyChosen | None:
        """What "auto" became of a run that began: as it wrote it down, or as it has just said."""
        run = self._bench.run
        return (self._bench.draft.chosen or (run.chosen if run is not None else None)) if locked else None

    def _similarity(self) -> SimilarityMeasured | None:
        """As measured now; of a run that began, as it was measured then."""
        kept = self._bench.draft.measured
        if not self._bench.read_only or kept is None:
            return self._bench.advice.similarity
        return SimilarityMeasured(measured=kept, sentence=sentence_of(kept))

    def _takes(self, chosen: int) -> list[str]:
        draft = self._bench.draft
        plain = draft.without_preset()
        asked = [draft.training if i == chosen else row.asks(plain) for i, row in enumerate(self._rows)]
        return [short(costs(self._bench, training).time) for training in asked]

    def _show_foot(self) -> None:
        began = self._bench.read_only
        reason = "" if began else self._bench.draft.missing("strategy") or self._problem()
        self._next.set_reason(reason)
        self.set_hint(
            "Read only: the run has begun" if began else costs(self._bench, self._bench.draft.training).sentence
        )

    def _problem(self) -> str:
        return self.site.problem or self.keep.problem or self.form.problem

    def _show_keep(self, locked: bool) -> None:
        """Of a run that continues another one it is asked right below the table."""
        draft = self._bench.draft
        before = self.start if draft.continues is not None else self.site
        if self._main.indexOf(self.keep) + 1 != self._main.indexOf(before):
            self._main.removeWidget(self.keep)
            self._main.insertWidget(self._main.indexOf(before), self.keep)
        training, _ = draft.resolved()
        pretrained = strategy(training.strategy).pretrained and not draft.only_scratch
        self.keep.show_keeping(draft.training, draft.continues, pretrained, locked)

    def _on_draft_changed(self) -> None:
        """The question may be another one now; a person who types is waited for."""
        if self.isVisible() and not self._bench.read_only:
            self._asks.start()

    def _on_asks(self) -> None:
        if self.isVisible() and not self._bench.read_only:
            self._bench.advice.look_by_itself()

    # What the person does

    def _on_ask(self) -> None:
        self._bench.advice.look()

    def _on_level_picked(self, level: str) -> None:
        self._bench.draft.set_level(cast(Level, level))

    def _on_picked(self, index: int) -> None:
        if self._bench.read_only:
            self._refresh()  # the table has marked the row already
            return
        draft, row = self._bench.draft, self._rows[index]
        self._pressed = index
        answer = row.answer(draft.similarity)
        self._answered_by_row = answer != draft.similarity
        if draft.strategy not in row.names():
            draft.set_strategy(row.strategy.name)
        draft.set_similarity(answer)
        self._refresh()  # of two rows that train alike the other one may be meant

    def _on_followed(self) -> None:
        self._on_picked(ADVISED)

    def _on_from_scratch(self) -> None:
        self._bench.draft.set_strategy(SCRATCH)
        self.table.setFocus()  # the button is gone

    def _on_bring_back(self) -> None:
        self._bench.draft.bring_back()
        self.table.setFocus()  # the link is gone

    def _on_site_removed(self) -> None:
        self._bench.draft.set_target(None)
        self.site.folder.setFocus()  # the link is gone

    def _on_keep_picked(self, name: str) -> None:
        # What is a strength of one way is none of another.
        self._bench.draft.set_training("keep_strength", None)
        self._bench.draft.set_training("keep", name)

    def _on_answered(self, answer: Any) -> None:
        self._answered_by_row = False
        self._bench.draft.set_similarity(answer)

    def _on_recipe_picked(self, name: str) -> None:
        if name != self._bench.draft.training.preset:
            self._bench.draft.set_preset(name)
        self.recipe.list.setFocus()  # the link may be gone

    def _on_button_pressed(self, field: str) -> None:
        if field == "augmentation":
            open_augmentation_preview(self._bench, self.window())
            return
        from tlgui.gui.wizard.rate.rate_dialog import RateDialog  # with its plot, which takes a while to load

        RateDialog(self._bench, self.window()).open()

    def _on_edited(self, field: str, value: Any) -> None:
        draft = self._bench.draft
        if field == "fit":
            draft.set_fit(value)
        elif field == "split_fractions":
            self.form.set_problem(field, draft.set_split(*value))
        else:
            self.form.set_problem(field, draft.set_training(field, value))


def _banner(tone: str, title: str, text: str, tip: str, pressed: Callable[[], None]) -> Banner:
    banner = Banner(tone, title)
    button = Button(text, "link", small=True)
    button.setToolTip(tip)
    button.clicked.connect(pressed)
    banner.add_button(button)
    return banner
