"""Can the class be guessed from what must not matter: asked, watched, answered, repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from tlgui.core import events
from tlgui.core.events import ProbeScore, ShortcutsProbed
from tlgui.core.intake import CropBorder
from tlgui.gui.numbers import count, counted
from tlgui.gui.shortcut_desk import MOST_IMAGES
from tlgui.gui.widgets import Banner, Button, Dialog, Label, ProgressRow, ToneIcon
from tlgui.gui.widgets.emptied import empty
from tlgui.gui.wizard.images.probe_table import ProbeTable
from tlgui.gui.wizard.images.shortcut_words import QUESTION_NOTE, TITLES, border_in_all, progress_words, verdict_of

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "Can the class be guessed from what must not matter?"
_TEXT = (
    "A network takes the easiest way. Where a ruler at the edge, the device or the kind of file gives a class away, it "
    "learns that instead of what you are after. Here the class is guessed from each such thing alone."
)
_TAKES = "It takes some seconds, on a slow computer a minute."
_SIZE_ASKED, _SIZE_FOUND = (680, 250), (820, 660)


class ShortcutDialog(Dialog):
    """Look, progress with Cancel, then a table, sentences and a repair. Closing it stops a look that goes on.

    Args:
        bench: looks, and takes the decision.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, parent)
        self._bench, self._desk = bench, bench.shortcuts
        self._shown: ShortcutsProbed | None = None
        self._repairing = self._stopping = False
        self.facts = Label("", "caption", wrap=True)
        self.banner, self.problem = Banner("neutral"), Banner("bad")
        self.progress = ProgressRow()
        self.table = ProbeTable()
        self.findings = _Findings()
        self._answer = QScrollArea()
        self._rest = QWidget()  # keeps the words at the top while there is no answer
        self._build()
        self.look = self.add_button("Look", "primary", self._on_look, default=True, closes=False)
        self.close_button = self.add_button("Close", "secondary")
        self.close_button.setToolTip("Closes this; a look that goes on is stopped.")
        self._connect()
        self._refresh()

    def _build(self) -> None:
        self.progress.set_cancellable(True)
        self.progress.cancelled.connect(self._on_cancel)
        inside = QWidget()
        inside.setProperty("role", "plain")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        column.addWidget(self.table)
        column.addWidget(self.findings)
        column.addStretch(1)
        self._answer.setWidget(inside)
        self._answer.setWidgetResizable(True)
        self._answer.setFrameShape(QFrame.Shape.NoFrame)
        self._answer.setMinimumHeight(110)
        self._rest.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        for widget in (self.facts, self.progress, self.problem, self.banner):
            self.body.addWidget(widget)
        self.body.addWidget(self._answer, 1)
        self.body.addWidget(self._rest, 1)

    def _connect(self) -> None:
        heard = (self._desk.changed, self._bench.intake.changed, self._bench.draft.changed)
        for signal in heard:
            signal.connect(self._refresh)

        def leave() -> None:
            for signal in heard:
                signal.disconnect(self._refresh)
            self._desk.forget()

        self.finished.connect(leave)

    def _on_look(self) -> None:
        self._repairing = False
        self._desk.look()

    def _on_cancel(self) -> None:
        self._stopping = True
        self.progress.set_busy("Stopping…")
        self.progress.set_cancellable(False)
        self._desk.cancel()

    def _on_repair(self, share: float) -> None:
        self._repairing = True
        self._bench.intake.change(CropBorder(share=share))

    def _refresh(self) -> None:
        busy = self._desk.busy
        self._show_look(busy)
        self.progress.setVisible(busy)
        if busy and not self._stopping:
            self._show_progress()
        elif not busy:
            self._stopping = False
            self.progress.set_cancellable(True)
            self._show_answer(self._desk.found)
        self._show_banner(busy)
        self._answer.setVisible(self._shown is not None and not busy)
        self._rest.setVisible(self._answer.isHidden())

    def _show_look(self, busy: bool) -> None:
        against = "It is looking." if busy else self._desk.reason_against()
        self.look.set_text("Look" if self._shown is None else "Look again")
        self.look.set_kind("primary" if self._desk.found is None else "secondary")
        self.look.setEnabled(not against)
        self.look.setToolTip(against or "Guesses the class from the border, the file and more; some seconds.")
        summary = self._bench.draft.summary
        used = sum(row.train + row.validation for row in summary.classes) if summary is not None else 0
        some = (
            f"About {count(MOST_IMAGES)} of {counted(used, 'image')}" if used > MOST_IMAGES else counted(used, "image")
        )
        self.facts.setText(f"{some} for training and validation; test images stay unseen. {_TAKES}")
        self.facts.setVisible(self._shown is None)

    def _show_progress(self) -> None:
        progress = self._desk.progress
        if progress is None:
            self.progress.set_title("Getting ready")
            self.progress.set_busy()
            return
        self.progress.set_title(progress.stage[:1].upper() + progress.stage[1:])
        if progress.total > 1:
            self.progress.set(progress.done, progress.total, progress_words(progress))
        else:
            self.progress.set_busy()

    def _show_answer(self, found: ShortcutsProbed | None) -> None:
        if found is not None and found is not self._shown:
            self._shown = found
            self.table.show_scores(found.probes)
            self.findings.show_scores(self.table.scores)
            self._show_look(busy=False)
        self.set_text(_TEXT if self._shown is None else "")
        self._grow(_SIZE_FOUND if self._shown is not None else _SIZE_ASKED)

    def _show_banner(self, busy: bool) -> None:
        intake, ended = self._bench.intake, self._desk.ended
        refused = intake.problem if self._repairing else None
        problem = refused or (ended if isinstance(ended, events.Failed) else None)
        self.problem.setVisible(problem is not None and not busy)
        if problem is not None and not busy:
            self.problem.show_error(problem)
        self.banner.clear_buttons()
        if self._repairing and intake.busy:
            self.banner.set("neutral", "The border is being cut off…")
        elif isinstance(ended, events.Crashed):
            self.banner.set("bad", ended.sentence(), "Look again.")
        elif isinstance(ended, events.Stopped):
            self.banner.set("neutral", "Stopped", "Nothing new was found out.")
        elif self._desk.found is not None:
            self._say_verdict(self._desk.found)
        elif self._shown is not None:
            changed = "The border is cut off now" if self._repairing else "The images have changed since"
            self.banner.set("info", changed, "What stands here was found before that. Look again.")
        said = self._shown is not None or isinstance(ended, events.Crashed | events.Stopped)
        self.banner.setVisible(said and not busy)

    def _say_verdict(self, found: ShortcutsProbed) -> None:
        tone, title, icon = TITLES[found.verdict]
        self.banner.set(tone, title, f"{found.sentence} {counted(found.images, 'image')} were looked at.", icon)
        summary = self._bench.draft.summary
        share = border_in_all(found, summary.pixel_rule.border if summary is not None else 0.0)
        if share:
            repair = Button(f"Cut {100 * share:g} % off the border", "secondary", small=True)
            against = self._bench.intake.reason_against()
            repair.setEnabled(not against)
            repair.setToolTip(against or f"{CropBorder(share=share).sentence()} It can be undone; no file is changed.")
            repair.clicked.connect(lambda: self._on_repair(share))
            self.banner.add_button(repair)

    def _grow(self, size: tuple[int, int]) -> None:
        room = self.screen().availableGeometry().size()
        self.resize(
            max(self.width(), min(size[0], room.width() - 40)), max(self.height(), min(size[1], room.height() - 60))
        )


class _Findings(QWidget):
    """What was found, a sentence for each thing that is not quiet, and how questions are meant."""

    def __init__(self) -> None:
        super().__init__()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(4, 0, 0, 0)
        self._rows.setSpacing(6)

    def show_scores(self, scores: list[ProbeScore]) -> None:
        """Other sentences."""
        empty(self._rows)
        for score in scores:
            if score.verdict != "quiet":
                self._rows.addWidget(_sentence(score))
        if any(score.verdict == "question" for score in scores):
            self._rows.addWidget(Label(QUESTION_NOTE, "caption", wrap=True))


def _sentence(score: ProbeScore) -> QWidget:
    verdict = verdict_of(score)
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    row.addWidget(ToneIcon(verdict.tone or "neutral", verdict.icon))
    row.addWidget(Label(score.sentence, "small", wrap=True), 1)
    return line
