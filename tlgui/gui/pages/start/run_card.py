"""One recent run: pressing it opens it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.core.runs import RunSummary
from tlgui.core.source import can_begin_with
from tlgui.gui import numbers
from tlgui.gui.pages.start.mosaic import Mosaic
from tlgui.gui.pages.start.run_words import spoken, words_of
from tlgui.gui.theme import color
from tlgui.gui.widgets import Button, Chip, Label, MiniStat
from tlgui.gui.widgets.text import plain_tooltip

OPENING = "Opening…"
LEARNS_ON = "Continue this model on new images, or with a new class; what it knows is kept."
CONTINUES = "Go on with this run from where it was."


class RunCard(QAbstractButton):
    """Pictures, name, method, day; then the score with its doubt, or how far it came and *Continue*."""

    continue_asked = Signal()
    learn_on_asked = Signal()

    def __init__(self, run: RunSummary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run = run
        self.words = words_of(run)
        self.mosaic = Mosaic(self)
        self.continue_button: Button | None = None
        self.learn_on_button: Button | None = None
        self.chip: Chip | None = None
        self.note: Label | None = None
        self._when: Label | None = None
        self._opening = self._had_focus = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._speak()
        self.setToolTip(plain_tooltip(_tooltip(run)))
        lines = QVBoxLayout()
        lines.setSpacing(1)
        for text, kind in ((self.words.title, "strong"), (self.words.method, "caption"), (self.words.when, "caption")):
            if text:
                label = Label(text, kind, elide=True)
                lines.addWidget(label)
                if text is self.words.when:
                    self._when = label
        lines.addSpacing(5)
        lines.addLayout(self._last_line())
        if self.words.of:
            lines.addLayout(self._of_line())
        if self.words.note:
            lines.addSpacing(3)
            self.note = Label(self.words.note, "caption", elide=True)
            lines.addWidget(self.note)
        lines.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 14, 14, 14)
        row.setSpacing(12)
        row.addWidget(self.mosaic, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(lines, 1)

    def follow(self, run: RunSummary) -> bool:
        """Tells how far the same run has come since, where no more than those words has changed.

        Returns:
            Whether it does; else the run needs a card of its own.
        """
        if run == self.run:
            return True
        words = words_of(run)
        same = words._replace(when=self.words.when) == self.words
        if run.path != self.run.path or run.score != self.run.score or not same or self._when is None:
            return False
        self.run, self.words = run, words
        if not self._opening:
            self._when.setText(words.when)
        self._speak()
        return True

    def set_opening(self, opening: bool) -> None:
        """Says that it is being opened, and takes no second press meanwhile; the focus comes back if that fails."""
        if opening == self._opening:
            return
        self._opening = opening
        if opening:
            self._had_focus = self.hasFocus()
        self.setEnabled(not opening)
        for button in (self.continue_button, self.learn_on_button):
            if button is not None:
                button.setVisible(not opening)
        if self._when is not None:
            self._when.setText(OPENING if opening else self.words.when)
            self._when.set_tone("info" if opening else "")  # stays readable on a card that cannot be pressed
        self._speak()
        if not opening and self._had_focus:
            self.setFocus()

    def set_reason_against_continue(self, reason: str) -> None:
        """Why the run cannot be gone on with now; "" when it can."""
        if self.continue_button is not None:
            self.continue_button.setEnabled(not reason)
            self.continue_button.setToolTip(reason or CONTINUES)

    @property
    def is_opening(self) -> bool:
        """Whether it was pressed and its run is being read."""
        return self._opening

    def _speak(self) -> None:
        said = spoken(self.words)
        self.setAccessibleName(f"{OPENING} {said}" if self._opening else said)

    def _last_line(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(7)
        words, score = self.words, self.run.score
        if words.chip and score is None:
            self.chip = Chip(words.chip, words.tone)
            line.addWidget(self.chip)
        if score is not None:
            stat = MiniStat()
            stat.set(
                score.value,
                score.low,
                score.high,
                text=words.score,
                range_text=words.interval,
                series="s3" if score.split == "test" else "s2",
                name="Accuracy",
            )
            line.addWidget(stat, 1)
        else:
            line.addStretch(1)
        if words.can_continue:
            self.continue_button = Button("Continue", "link", small=True)
            self.continue_button.align_edge("right")
            self.continue_button.setToolTip(CONTINUES)
            self.continue_button.setAccessibleName(f"Continue {words.title}")
            self.continue_button.clicked.connect(self.continue_asked)
            line.addWidget(self.continue_button)
        return line

    def _of_line(self) -> QHBoxLayout:
        """Of what the score is; beside the score and *Continue* there would be no room for the chip."""
        line = QHBoxLayout()
        line.setSpacing(7)
        line.addWidget(Label(self.words.of, "caption", elide=True), 1)
        if self.words.chip:
            self.chip = Chip(self.words.chip, self.words.tone)
            line.addWidget(self.chip)
        if can_begin_with([self.run]):
            self.learn_on_button = Button("New images…", "link", small=True)
            self.learn_on_button.align_edge("right")
            self.learn_on_button.setToolTip(LEARNS_ON)
            self.learn_on_button.setAccessibleName(f"Continue {self.words.title} on new images")
            self.learn_on_button.clicked.connect(self.learn_on_asked)
            line.addWidget(self.learn_on_button)
        return line

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as its lines."""
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Names elide, so a card may become narrow."""
        return QSize(200, self.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter opens it, as Space does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.click()
            return
        super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802
        """The edge answers the pointer."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """See `enterEvent`."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The card under its lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = "control" if self.underMouse() or self.isDown() else "line"
        painter.setPen(QPen(color(edge), 1))
        painter.setBrush(color("hover" if self.isDown() else "surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)


def _tooltip(run: RunSummary) -> str:
    continued = f"It continues the run '{run.continues}'. " if run.continues else ""
    return f"{continued}Begun {numbers.day(run.begun)} at {numbers.clock(run.begun)}. Enter opens it."
