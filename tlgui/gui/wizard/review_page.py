"""The wizard's last step: the whole run in plain words, its layers and its price, and the button that begins it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from tlgui.core.errors import UserError
from tlgui.core.events import GroupState
from tlgui.core.paths import projects_dir
from tlgui.core.planning import ladder_rates
from tlgui.core.run_spec import Training
from tlgui.core.strategies import AUTO
from tlgui.gui.beginnings import named
from tlgui.gui.continuing import meter_words, states_of
from tlgui.gui.networks import network
from tlgui.gui.new_site import adds_layer, site_name, with_layer
from tlgui.gui.widgets import Action, Button, Card, Label, NoticeList, Page
from tlgui.gui.wizard.augmentation.answer import answer_of
from tlgui.gui.wizard.continues_banner import ContinuesBanner
from tlgui.gui.wizard.costs import costs, if_it_becomes
from tlgui.gui.wizard.review import plan
from tlgui.gui.wizard.review.classes_card import ContinuedClasses
from tlgui.gui.wizard.review.decided import decided_of_run, decided_words
from tlgui.gui.wizard.review.details import details
from tlgui.gui.wizard.review.ladder_card import LadderCard
from tlgui.gui.wizard.review.notices import ReviewNotice, notices
from tlgui.gui.wizard.review.numbers_card import NumbersCard
from tlgui.gui.wizard.review.rates_dialog import RatesDialog
from tlgui.gui.wizard.review.why import why

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
        self._groups: list[GroupState] = []
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
        self.why = Label("", "body", wrap=True)
        self._run.body.addWidget(self.why)
        self.details = Label("", "caption", wrap=True)
        self._run.body.addWidget(self.details)
        self.decided = Label("", "caption", wrap=True)
        self._run.body.addWidget(self.decided)
        self.classes = ContinuedClasses()
        self.notices = NoticeList()
        self.numbers = NumbersCard()
        for widget in (ContinuesBanner(self._bench, self), self._run, self.classes, self.notices, self.numbers):
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
        self._queue = Action(
            "Queue this run", self._on_queue, "Ctrl+Return", "Makes its folder now; it begins when the other has ended"
        )
        self.set_primary(self._start)

    def _connect(self) -> None:
        bench = self._bench
        bench.draft.changed.connect(self._refresh)
        bench.run_changed.connect(self._refresh)
        bench.device_changed.connect(self._refresh)
        bench.backbones.changed.connect(self._refresh)
        bench.queue.changed.connect(self._refresh)
        bench.advice.changed.connect(self._refresh)
        self.ladder.rates_asked.connect(self._on_rates_asked)

    def _refresh(self) -> None:
        began = self._bench.read_only
        self.set_sentence(_SENTENCE_BEGAN if began else _SENTENCE)
        self._run.set_title("The run" if not began else "The run, as it was set up")
        self._show_plan()
        self._show_costs()
        self._show_foot(began)

    def _show_foot(self, began: bool) -> None:
        bench = self._bench
        queues = not began and bench.is_training
        self.set_primary(self._new if began else self._queue if queues else self._start)
        against = bench.reason_against_queue() if queues else "" if began else bench.reason_against_start()
        self._start.set_reason("" if queues else against)
        self._queue.set_reason(against if queues else "")
        price = costs(bench, bench.draft.training).sentence
        hint = "Read only: the run has begun" if began else bench.queue.sentence if queues else price
        self.set_hint(against or hint)

    def _show_plan(self) -> None:
        draft, read_only = self._bench.draft, self._bench.read_only
        summary, row = draft.summary, network(draft.backbone)
        self.ladder.setVisible(summary is not None and row is not None)
        training, advice = draft.resolved()
        self._show_notices(notices(summary, training) if summary is not None and not read_only else [])
        self._show_decided()
        reasons = why(self._bench) if summary is not None and row is not None else ""
        self.why.setText(f"Why, as measured: {reasons}" if reasons else "")
        self.why.setVisible(bool(reasons))
        self.details.setVisible(summary is not None)
        if summary is None or row is None:
            self.classes.hide()
            known = "There is nothing to review yet: the images come first."
            self.paragraph.setText(known if row is not None else f"{draft.backbone} is not known on this computer.")
            return
        is_open = advice is not None
        states = states_of(draft)
        at_hand = draft.continues is not None and draft.continues.earlier is not None and not read_only
        self.classes.show_states(states)
        names = [one.name for one in states or summary.classes]
        layer = not read_only and adds_layer(draft.training)  # of a run that began it stands in its settings
        training = with_layer(training) if layer else training
        facts = plan.Facts(
            source=named(draft.source),
            backbone=row,
            training=training,
            classes=names,
            train=sum(one.train for one in summary.classes),
            validation=sum(one.validation for one in summary.classes),
            test=sum(one.test for one in summary.classes),
            open=is_open,
            site=site_name(draft),
            layer=layer,
            keeps=plan.keeping(draft.continues is not None, draft.training),
            continues=draft.continues.name if draft.continues is not None else "",
            meter=meter_words(draft.continues) if draft.continues is not None and not read_only else "",
            bare=sum(one.state == "no images" for one in states) if at_hand else 0,
        )
        chosen = f" Chosen by measurement: {draft.chosen.sentence}" if read_only and draft.chosen is not None else ""
        self.paragraph.setText(plan.paragraph(facts) + chosen)
        self.details.setText("\n".join(details(training, answer_of(draft), is_open, draft.preset_changes)))
        self._groups = plan.ladder(row, self._on_the_ladder(training, is_open), len(names))
        own = {group.name for group in self._groups} & set(training.group_learning_rates)
        self.ladder.set_groups(self._groups, is_open, training.schedule == "constant", len(own))
        self.ladder.rates.setVisible(not read_only and draft.level != "guided")

    def _on_the_ladder(self, training: Training, is_open: bool) -> Training:
        """Until "As advised" is decided the head alone learns for sure, at the rates of the textbook's row."""
        return msgspec.structs.replace(training, strategy=AUTO) if is_open else training

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
                self.notices.add_row(notice.tone, notice.title, notice.text, self._buttons(notice))

    def _buttons(self, notice: ReviewNotice) -> list[Button]:
        if not notice.button:
            return []
        button = Button(notice.button, "link", small=True)
        button.setToolTip("Sets “Unequal classes” on the Strategy page.")
        # Later: the press takes the line away that the button stands in.
        press = partial(self._bench.draft.set_training, "imbalance", notice.value)
        button.clicked.connect(lambda: QTimer.singleShot(0, button, press))
        return [button]

    def _show_costs(self) -> None:
        draft = self._bench.draft
        self.numbers.setVisible(draft.summary is not None)
        price = costs(self._bench, draft.training)
        self.numbers.set_line("Time", price.time, " ".join(filter(None, (if_it_becomes(self._bench), price.why))))
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

    def _on_queue(self) -> None:
        self.clear_error()
        self._bench.queue_run()

    def _on_rates_asked(self) -> None:
        draft = self._bench.draft
        training, _ = draft.resolved()
        names = [group.name for group in self._groups]
        plain = msgspec.structs.replace(training, group_learning_rates={})
        usual = {names[i]: rate for i, rate in ladder_rates(plain, names, 0).items()}
        own = {name: rate for name, rate in training.group_learning_rates.items() if name in usual}
        dialog = RatesDialog(self._groups, usual, own, self.window())
        dialog.chosen.connect(lambda rates: draft.set_training("group_learning_rates", rates))
        dialog.open()


def _place_of_runs() -> str:
    try:
        return str(projects_dir())
    except UserError as error:
        return error.problem
