"""Images that show the same, side by side: kept together, one left out, or taken for different pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from tlgui.core.imaging_messages import Leak, LeaksListed, Refused
from tlgui.core.intake import Change
from tlgui.gui.numbers import count
from tlgui.gui.theme import font
from tlgui.gui.viewer import ImageViewer, Shown
from tlgui.gui.widgets import Action, Banner, Button, Dialog, Label, Segmented, text_width
from tlgui.gui.wizard.images import pair_words
from tlgui.gui.wizard.images.pair_list import SIDE, PairList
from tlgui.gui.wizard.images.pair_view import PairView
from tlgui.gui.wizard.images.pairs import PAGE, PairModel, PairSource
from tlgui.gui.wizard.images.pictures import Pictures
from tlgui.gui.wizard.images.shock_dialog import ShockButton
from tlgui.gui.wizard.images.words import in_force

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "Images that show the same"
_READING = "The pairs are being listed…"
_BUSY = "Your last decision is being worked in."
_TOGETHER = "The two never lie in two parts."
_TOGETHER_ANEW = "The two never lie in two parts; all three parts are drawn anew, since the folder's own part them."
_DIFFERENT = "Two pictures that only look alike: they are not listed any more."
_LIST_WIDTH = 268


class CopiesDialog(Dialog):
    """A list of pairs at the left, the pair at hand at the right.

    Keys: arrows go from pair to pair, Enter shows both large, K keeps together, 1 and 2 leave one out, N takes them for
    different pictures.

    Args:
        bench: for the folder and the decisions.
        every: begin with all pairs, also those that lie in one part and one class.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, every: bool, parent: QWidget) -> None:
        super().__init__(_TITLE, _READING, parent)
        self._bench, self._summary = bench, bench.draft.summary
        self._data = bench.draft.data
        self._pressed: tuple[Sequence[Change], set[int]] | None = None  # decided, with what was in force before
        self._source = PairSource(bench, self)
        self._model = PairModel(self)
        self._pictures = Pictures(bench.thumbnails, SIDE, self)
        self._menu: QMenu | None = None
        self.which = Segmented([("crossing", "In two parts or classes"), ("every", "All pairs")], "Which pairs")
        self.list = PairList(self._model, self._pictures)
        self.view = PairView(bench.thumbnails)
        self.together = Action("Keep together", self._keep_together, "K", _TOGETHER, parent=self)
        self.different = Action("Not the same", self._take_for_different, "N", _DIFFERENT, parent=self)
        self.all_pairs = Action(
            "All pairs", self._open_menu, "A", "One decision for all of them.", "chevron-down", self
        )
        self.words = Label(_READING, "muted", wrap=True)
        self.banner = Banner("good")
        self._stack = QStackedWidget()
        self._build()
        self.measure = ShockButton(bench, self)
        self._buttons.insertWidget(0, self.measure)
        self.add_button("Close", "secondary")
        self._follow()
        room = self.screen().availableGeometry().size()
        self.resize(min(940, room.width() - 40), min(640, room.height() - 60))
        self.which.set_value("every" if every else "crossing")
        self._show_folder()
        self._show_reasons()
        self._reload()
        self.list.setFocus()

    @property
    def menu(self) -> QMenu | None:
        """The last menu that was opened."""
        return self._menu

    def _build(self) -> None:
        self._all_button = Button(action=self.all_pairs)
        actions = QHBoxLayout()
        actions.setSpacing(8)
        actions.addWidget(Button(action=self.together))
        actions.addWidget(Button(action=self.different))
        actions.addStretch(1)
        actions.addWidget(self._all_button)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self.view, 1)
        right.addLayout(actions)
        pairs = QWidget()
        row = QHBoxLayout(pairs)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        self.list.setFixedWidth(_LIST_WIDTH)
        row.addWidget(self.list)
        row.addLayout(right, 1)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack.addWidget(pairs)
        self._stack.addWidget(self.words)
        self._stack.setCurrentWidget(self.words)
        self.banner.hide()
        self.body.addWidget(self.which)
        self.body.addWidget(self._stack, 1)
        self.body.addWidget(self.banner)

    def _follow(self) -> None:
        self.which.picked.connect(lambda _key: self._reload(to_top=True))
        self._model.asked.connect(self._ask_page)
        self._model.dataChanged.connect(lambda *_: self._show_pair())
        self._source.refused.connect(self._on_refused)
        self.list.moved.connect(lambda _row: self._show_pair())
        self.list.opened.connect(self._open_large)
        self.view.left_out.connect(lambda path: self._decide(pair_words.left_out(self._at_hand(), path)))
        self._bench.draft.changed.connect(self._on_draft_changed)
        self._bench.intake.changed.connect(self._on_intake_changed)
        self.finished.connect(lambda _result: self._on_finished())

    # What is shown

    @property
    def _every(self) -> bool:
        return self.which.value == "every"

    def _show_folder(self) -> None:
        summary = self._summary
        if summary is None:
            return
        self._rule = summary.pixel_rule
        self._before = pair_words.given(summary.changes, summary.gives_split)
        self._pictures.set_folder(self._data, self._rule)
        for key, words, number in (
            ("crossing", "In two parts or classes", summary.leak_count), ("every", "All pairs", summary.copies),
        ):  # fmt: skip
            button, text = self.which.button(key), f"{words}: {count(number)}"
            button.setText(text)
            button.setAccessibleName(f"Which pairs: {text}")
            button.setMinimumWidth(round(text_width(text, font(12, 600))) + 26)  # taken, it is bolder
        self.together.set_text("Keep together, draw anew" if self._before.parts else "Keep together")
        self.together.set_tooltip(_TOGETHER_ANEW if self._before.parts else _TOGETHER)

    def _reload(self, to_top: bool = False) -> None:
        """Lists anew; the next pair moves up to the place of one that is settled."""
        row = 0 if to_top else max(0, self.list.row)
        self._source.forget()
        self._source.ask(self._every, row - row % PAGE, lambda answer: self._show_page(answer, row))

    def _show_page(self, answer: LeaksListed, row: int) -> None:
        if not answer.leaks and answer.total:  # fewer than before
            self._source.ask(self._every, 0, lambda first: self._show_page(first, 0))
            return
        self._model.start_anew(answer.offset, answer.leaks, answer.total)
        words = pair_words.total_words(answer.total, self._every)
        self._stack.setCurrentIndex(0 if answer.total else 1)
        self.set_text(words if answer.total else "")
        self.words.setText(words)
        if answer.total:
            self.list.go(row)
        self.all_pairs.set_text(f"All {count(answer.total)} pairs")
        self._all_button.setVisible(answer.total > 1)  # of a single pair the buttons beside it decide
        self._show_pair()

    def _ask_page(self, offset: int) -> None:
        self._source.ask(self._every, offset, lambda answer: self._model.fill(answer.offset, answer.leaks))

    def _at_hand(self) -> list[Leak]:
        pair = self._model.pair(self.list.row) if self.list.row >= 0 else None
        return [pair] if pair is not None else []

    def _show_pair(self) -> None:
        pairs = self._at_hand()
        if pairs and self._data is not None:
            self.view.show_pair(pairs[0], self._data, self._rule)
        self._show_reasons()

    def _show_reasons(self) -> None:
        pairs, intake = self._at_hand(), self._bench.intake
        against = intake.reason_against() or (_BUSY if intake.busy else "") or ("" if pairs else _READING)
        self.together.set_reason(against or pair_words.against_together(pairs[0], self._before))
        self.different.set_reason(against or pair_words.against_different(pairs[0]))
        self.view.set_reason(against)
        self.all_pairs.set_reason(against)

    def _open_large(self, row: int) -> None:
        pair = self._model.pair(row)
        if pair is not None:
            sides = zip((pair.pair.first, pair.pair.second), pair.pair.classes, pair.parts, strict=True)
            shown = [Shown(path, PurePosixPath(path).name, f"'{name}', {part}") for path, name, part in sides]
            ImageViewer(
                pair_words.pair_title(pair), self._data, shown, self._bench.thumbnails, self._rule, parent=self
            ).open()  # fmt: skip

    # What is decided

    def _keep_together(self) -> None:
        self._decide(pair_words.together(self._at_hand(), self._before))

    def _take_for_different(self) -> None:
        self._decide(pair_words.different(self._at_hand()))

    def _open_menu(self) -> None:
        menu = self._menu = QMenu(self)
        all_together = "Keep all together, draw the parts anew" if self._before.parts else "Keep all together"
        for words, decided in (
            (all_together, lambda pairs: pair_words.together(pairs, self._before)),
            ("Leave one of each out", pair_words.left_out),
            ("All are different pictures", pair_words.different),
        ):
            action = menu.addAction(words)
            action.triggered.connect(
                lambda _checked=False, decided=decided: self._source.gather(
                    self._every, lambda pairs: self._decide(decided(pairs))
                )
            )
        menu.popup(self._all_button.mapToGlobal(QPoint(0, self._all_button.height() + 2)))

    def _decide(self, changes: Sequence[Change]) -> None:
        if not changes:
            self.banner.clear_buttons()
            self.banner.set("info", "That changes nothing for these pairs.")
            self.banner.show()
            return
        self._pressed = (changes, self._in_force())
        self.banner.hide()
        self.list.setFocus()  # a button that is pressed and then switched off would lose the keys
        self._bench.intake.change(*changes)

    def _in_force(self) -> set[int]:
        summary = self._bench.draft.summary
        return {line.number for line in in_force(summary.changes)} if summary is not None else set()

    def _on_intake_changed(self) -> None:
        intake = self._bench.intake
        if intake.problem is not None:
            self._pressed = None
            self.banner.clear_buttons()
            self.banner.show_error(intake.problem)
        self._show_reasons()

    def _on_draft_changed(self) -> None:
        draft = self._bench.draft
        if draft.data != self._data:
            self.reject()  # another folder
        elif draft.summary is not None and draft.summary is not self._summary:
            self._summary = draft.summary
            self._show_folder()
            self._tell_done()
            self._reload()
        self._show_reasons()

    def _tell_done(self) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return
        changes, before = pressed
        numbers = self._in_force() - before
        self.banner.clear_buttons()
        self.banner.set("good", pair_words.done_words(changes))
        if numbers:
            undo = Button("Undo", "link", small=True)
            undo.setToolTip("The pairs are listed again as before.")
            undo.clicked.connect(lambda: self._undo(numbers))
            self.banner.add_button(undo)
        self.banner.show()

    def _undo(self, numbers: set[int]) -> None:
        self.banner.hide()
        self._bench.intake.undo(numbers)
        self.list.setFocus()

    def _on_refused(self, answer: Refused) -> None:
        self._model.start_anew(0, [], 0)
        self._stack.setCurrentWidget(self.words)
        self.set_text("")
        self.words.setText(f"{answer.problem} {answer.remedy}")
        self._show_reasons()

    def _on_finished(self) -> None:
        self._source.forget()
        self._pictures.forget()
        self.view.forget()
