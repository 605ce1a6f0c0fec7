"""What keeps images together, so that none of a group lies in two parts: chosen while it is shown at work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from tlgui.core.imaging_messages import GroupsTried, ReadTable, Refused, TableRead, TryGroups
from tlgui.core.records import Grouping
from tlgui.gui.widgets import Banner, Dialog, Label
from tlgui.gui.wizard.images import group_choices
from tlgui.gui.wizard.images.group_choices import COLUMN, NOTHING, choices, column_of, counts_words, doubt_words
from tlgui.gui.wizard.images.group_fields import GroupFields
from tlgui.gui.wizard.images.name_example import NameExampleLabel
from tlgui.gui.wizard.images.shock_dialog import ShockButton

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "What keeps images together"
_TEXT = (
    "Several images of one patient or object look alike. Where some train and others test, the score is too good: all "
    "images of a group therefore lie in one part."
)
_MOST_EXAMPLES = 5
_IN_USE = "This is in use already."
_BUSY = "Your last decision is being worked in."
_UNFINISHED = {COLUMN: "Choose a column.", group_choices.OWN: "Write a pattern first."}
_NO_EXAMPLE = "No file name shows it."
_ALONE = "Each image may go to any part; exact copies and what you joined by hand stay together all the same."


class GroupsDialog(Dialog):
    """The choices at the left, what the chosen one does at the right. It stays open after *Use this*.

    Args:
        bench: for the folder and the decisions.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, parent)
        summary = bench.draft.summary
        assert summary is not None
        self._bench, self._summary, self._data = bench, summary, bench.draft.data
        self._ticket: int | None = None  # of the patterns that are being tried
        self._open_requests = 0
        self._tried: Grouping | None = None
        self._problem = ""
        self._pressed = False
        self.fields = GroupFields(choices(summary))
        self.examples = [NameExampleLabel() for _ in range(_MOST_EXAMPLES)]
        self.shown_title, self.counts = Label("", "strong", wrap=True), Label("", "body", wrap=True)
        self.doubt = Label("", "caption", wrap=True)
        self.banner = Banner("good")
        self._build()
        self.measure = ShockButton(bench, self)
        self._buttons.insertWidget(0, self.measure)
        self.use = self.add_button("Use this", "primary", self._on_used, closes=False)
        self.add_button("Close", "secondary")
        bench.imaging.answered.connect(self._on_answered)
        bench.draft.changed.connect(self._on_draft_changed)
        bench.intake.changed.connect(self._on_intake_changed)
        self.fields.changed.connect(self._on_chosen)
        room = self.screen().availableGeometry().size()
        self.resize(min(900, room.width() - 40), min(560, room.height() - 60))
        self._begin()

    def _build(self) -> None:
        area = self._area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("Choices")
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what lies in it can be reached
        area.setMinimumSize(360, 150)
        self.fields.setProperty("role", "plain")
        area.setWidget(self.fields)
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addWidget(self.shown_title)
        for example in self.examples:
            right.addWidget(example)
        right.addWidget(self.counts)
        right.addWidget(self.doubt)
        right.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(20)
        row.addWidget(area, 6)
        row.addLayout(right, 5)
        self.doubt.set_tone("warn")
        self.banner.hide()
        self.body.addLayout(row, 1)
        self.body.addWidget(self.banner)

    def _begin(self) -> None:
        summary = self._summary
        pattern = summary.grouping.key if summary.grouping.key.startswith(group_choices.PATTERN_KEY) else ""
        self.fields.show_pattern((pattern or summary.proposed.key).removeprefix(group_choices.PATTERN_KEY))
        self.fields.show_columns([column for column in [column_of(summary)] if column], column_of(summary))
        self.fields.choose(group_choices.name_in_use(summary.grouping))
        facts, ticket = summary.facts, self._bench.scan_ticket
        if facts.table and facts.columns is not None and ticket is not None:
            self._bench.imaging.ask(ReadTable(ticket=ticket, table=facts.table, columns=facts.columns))
        self._on_chosen()

    # What is shown

    @property
    def key(self) -> str:
        """The chosen key; "" while the choice is not complete."""
        return self.fields.key

    def _known(self) -> Grouping | None:
        """What is known already of the chosen key."""
        key, summary = self.key, self._summary
        if key == NOTHING:
            return Grouping()
        return next((found for found in (summary.grouping, summary.proposed) if key and found.key == key), None)

    def _on_chosen(self) -> None:
        self.banner.hide()
        if self.fields.name == group_choices.OWN:
            QTimer.singleShot(0, self, self._show_field)  # once there is room for it
        self._problem, self._tried = "", self._known()
        key, ticket = self.key, self._bench.scan_ticket
        if self._tried is None and key and ticket is not None:
            self._open_requests = self._open_requests + 1 if ticket == self._ticket else 1
            self._ticket = ticket
            self._bench.imaging.ask(TryGroups(ticket=ticket, key=key))
        self._show()

    def _show_field(self) -> None:
        self._area.ensureWidgetVisible(self.fields.explained, 0, 0)
        self._area.ensureWidgetVisible(self.fields.pattern, 0, 8)

    def _on_answered(self, answer: Any) -> None:
        if answer.ticket != self._bench.scan_ticket:
            return
        match answer:
            case TableRead() if answer.table == self._summary.facts.table and answer.columns is not None:
                taken = {answer.columns.file, answer.columns.split, *answer.columns.labels}
                columns = [name for name in answer.header if name not in taken]
                self.fields.show_columns(columns, self.fields.column or column_of(self._summary))
                if not columns:
                    self.fields.refuse_column()
                self._show()
            case GroupsTried() if self._open_requests and answer.ticket == self._ticket:
                self._open_requests -= 1
                if not self._open_requests and self._tried is None:  # else a newer choice is on its way, or known
                    self._tried, self._problem = (None, answer.problem) if answer.problem else (answer.grouping, "")
                    self._show()
            case Refused() if answer.request == "TryGroups" and self._open_requests:
                self._open_requests -= 1
                self._problem = f"{answer.problem} {answer.remedy}"
                self._show()

    def _show(self) -> None:
        key, tried = self.key, self._tried
        self.fields.show_problem(self._problem if self.fields.name == group_choices.OWN else "")
        self._show_examples(tried.examples if tried is not None and tried.examples else ())
        images = self._summary.used
        if key == NOTHING:
            title, counts, doubt = "Nothing keeps images together", _ALONE, ""
        elif tried is not None:
            title = f"Kept together by {tried.sentence}"
            counts = counts_words(tried)
            doubt = doubt_words(tried, images)
            if key.startswith(group_choices.PATTERN_KEY) and not tried.groups:
                counts, doubt = "", _NO_EXAMPLE
        else:
            title, counts, doubt = self._waiting_words(), "", ""
        for label, words in ((self.shown_title, title), (self.counts, counts), (self.doubt, doubt)):
            label.setText(words)
            label.setVisible(bool(words))
        self._show_reason()

    def _waiting_words(self) -> str:
        """What stands in the place of the examples while there are none."""
        if self._problem:
            # Of an own pattern it stands beneath its field.
            return "The pattern cannot be used." if self.fields.name == group_choices.OWN else self._problem
        return "Counting the groups…" if self.key else _UNFINISHED.get(self.fields.name, "")

    def _show_examples(self, examples: Sequence[Any]) -> None:
        for label, example in zip(self.examples, [*examples, *[None] * _MOST_EXAMPLES], strict=False):
            label.setVisible(example is not None)
            if example is not None:
                label.show_example(example)

    def _show_reason(self) -> None:
        why = self._against()
        self.use.setEnabled(not why)
        self.use.setToolTip(why or "It can be undone under 'What was changed'.")
        self.use.setAccessibleDescription(why)

    def _against(self) -> str:
        intake, tried = self._bench.intake, self._tried
        if against := intake.reason_against() or (_BUSY if intake.busy else "") or self._problem:
            return against
        if not self.key:
            return _UNFINISHED.get(self.fields.name, "")
        if tried is None:
            return "The groups are still being counted."
        if self.key.startswith(group_choices.PATTERN_KEY) and not tried.groups:
            return _NO_EXAMPLE
        in_use = self.key == (self._summary.grouping.key or NOTHING)
        return _IN_USE if in_use and (self.key != NOTHING or group_choices.is_decided(self._summary)) else ""

    # What is decided

    def _on_used(self) -> None:
        if not self._against():
            self._pressed = True
            self._bench.intake.change(*group_choices.changes_for(self.key, self._summary.facts))

    def _on_intake_changed(self) -> None:
        problem = self._bench.intake.problem
        if problem is not None:
            self._pressed = False
            self.banner.show_error(problem)
        self._show_reason()

    def _on_draft_changed(self) -> None:
        draft = self._bench.draft
        if draft.data != self._data:
            self.reject()  # another folder
        elif draft.summary is not None and draft.summary is not self._summary:
            self._summary = draft.summary
            self._tried = self._known() or self._tried
            self._show()
            if self._pressed:
                self._pressed = False
                self.banner.set(
                    "good", "In use.", "No group lies in two parts, except where the folder gives the parts."
                )
                self.banner.setVisible(True)
        else:
            self._show_reason()
