"""The rail at the left: where one is, what was chosen, how the run goes, and what computer this is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.gui import rail_facts, theme
from tlgui.gui.draft import STEPS
from tlgui.gui.places import PLACES, place
from tlgui.gui.rail_entries import NARROW, WIDE, PageEntry, RailEntry, StepEntry
from tlgui.gui.rail_parts import PICTURE_SIDE, DeviceWords, Divider, ProjectPicture
from tlgui.gui.rail_queue import QueueEntry
from tlgui.gui.rail_training import TrainingEntry
from tlgui.gui.widgets import Label

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel
    from tlgui.gui.workbench import Workbench

# Below these the words give way to the icons (design/look, section 2).
WIDE_FROM_WIDTH, WIDE_FROM_HEIGHT = 1100, 600


class Rail(QFrame):
    """The rail.

    Args:
        bench: what it tells about.
    """

    page_pressed = Signal(str)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName("Rail: pages of this project")
        self._bench = bench
        self._page = ""
        self._furthest = 0
        self._heard: RunModel | None = None
        self._narrow: bool | None = None
        self._window = QSize(WIDE_FROM_WIDTH, 2 * WIDE_FROM_HEIGHT)
        self._wide_only: list[QWidget] = []
        self.entries: dict[str, RailEntry] = {}
        self.picture = ProjectPicture(self)
        self.device = DeviceWords(self)
        self._divider = Divider(self)
        self._name = Label("", "card-title", elide=True)
        self._when = Label("", "caption", elide=True)
        self._build()
        self.set_narrow(False)
        bench.draft.changed.connect(self.refresh)
        bench.run_changed.connect(self._on_run_changed)
        bench.device_changed.connect(self.refresh)
        self._on_run_changed()

    @property
    def is_narrow(self) -> bool:
        """Whether it shows icons alone."""
        return bool(self._narrow)

    @property
    def words(self) -> dict[str, str]:
        """Each entry with what a screen reader says of it."""
        return {name: entry.accessibleName() for name, entry in self.entries.items()}

    def set_page(self, name: str) -> None:
        """The page that is shown now."""
        self._page = name
        if name in STEPS:
            self._furthest = max(self._furthest, STEPS.index(name))
        self.refresh()

    def fit(self, window: QSize) -> None:
        """Chooses the form that this window has room for."""
        self._window = window
        more = sum(one.height_when_wide for one in (self.training, self.queue) if not one.isHidden())
        self.set_narrow(window.width() < WIDE_FROM_WIDTH or window.height() < WIDE_FROM_HEIGHT + more)

    def set_narrow(self, narrow: bool) -> None:
        """Icons alone, or with words."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        self.setFixedWidth(NARROW if narrow else WIDE)
        for widget in self._wide_only:
            widget.setVisible(not narrow)
        self._divider.setVisible(narrow)
        self.device.set_narrow(narrow)
        for entry in self.entries.values():
            entry.set_narrow(narrow)
        self.training.set_narrow(narrow)
        self.queue.set_narrow(narrow)
        layout = self.layout()
        assert layout is not None
        layout.setContentsMargins(*((10, 14, 10, 12) if narrow else (12, 18, 12, 14)))

    def focus(self) -> None:
        """Takes the keyboard to the page that is shown now."""
        self.entries.get(self._page, self.entries["start"]).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def refresh(self) -> None:
        """Tells everything anew; cheap."""
        bench = self._bench
        name = rail_facts.project_name(bench)
        self._name.setText(name)
        self._when.setText(rail_facts.run_name(bench))
        self._fill_entries()
        self._fill_picture()
        self.picture.setAccessibleName(f"Project {name}")
        self.device.set_words(bench.machine.device_sentence, bench.machine.speed_sentence)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """One line between the rail and the page."""
        painter = QPainter(self)
        painter.fillRect(self.width() - 1, 0, 1, self.height(), theme.color("line"))
        painter.end()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(0)
        back = self._add(PageEntry(place("start"), self))
        column.addWidget(back)
        head = QHBoxLayout()
        head.setContentsMargins(4, 8, 4, 8)
        head.setSpacing(10)
        head.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignHCenter)
        words = QWidget()
        lines = QVBoxLayout(words)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        lines.addWidget(self._name)
        lines.addWidget(self._when)
        head.addWidget(words, 1)
        column.addLayout(head)
        self._wide_only.append(words)
        column.addWidget(self._heading("Set up"))
        for number, name in enumerate(STEPS, start=1):
            column.addWidget(self._add(StepEntry(place(name), number, number == len(STEPS), self)))
        column.addWidget(self._divider)
        column.addWidget(self._heading("This run"))
        for row in PLACES:
            if row.part == "run":
                column.addWidget(self._add(PageEntry(row, self)))
        column.addStretch(1)
        # Made last, so that Tab comes to it last.
        self.training = TrainingEntry(self._bench, self)
        self.training.turned_up.connect(self._on_training_turned_up)
        column.addWidget(self.training)
        self.queue = QueueEntry(self._bench, self)
        self.queue.turned_up.connect(self._on_training_turned_up)
        column.addWidget(self.queue)
        column.addWidget(self.device)

    def _heading(self, text: str) -> QWidget:
        label = Label(text, "caption")
        label.setContentsMargins(14, 10, 0, 6)
        self._wide_only.append(label)
        return label

    def _add(self, entry: RailEntry) -> RailEntry:
        self.entries[entry.place.name] = entry
        entry.clicked.connect(lambda: self.page_pressed.emit(entry.place.name))
        return entry

    def _fill_entries(self) -> None:
        bench = self._bench
        badge = rail_facts.train_badge(bench)
        for name, entry in self.entries.items():
            is_now = name == self._page
            if isinstance(entry, StepEntry):
                step = STEPS[[place.name for place in PLACES if place.part == "setup"].index(name)]
                state = rail_facts.step_state(bench, step, self._page, self._furthest)
                entry.set_step(state, rail_facts.step_caption(bench, step), is_now)
            elif isinstance(entry, PageEntry):
                entry.set_page(is_now, *(badge if name == "train" else ("", "")))
                entry.set_at_work(name == "train" and bench.run is not None and bench.run is bench.training_run)

    def _on_training_turned_up(self) -> None:
        self.fit(self._window)

    def _fill_picture(self) -> None:
        bench = self._bench
        data, summary = bench.draft.data, bench.draft.summary
        sample = next((row.samples[0] for row in summary.classes if row.samples), "") if summary else ""
        wanted = (data, sample) if data is not None and sample else None
        if wanted != self.picture.wanted:
            self.picture.wanted = wanted
            self.picture.set_image(None)
            if wanted is not None and summary is not None:
                side = round(PICTURE_SIDE * self.devicePixelRatioF())
                self._ask_picture(wanted[0], sample, side)

    def _ask_picture(self, data: Path, sample: str, side: int) -> None:
        summary = self._bench.draft.summary
        rule = summary.pixel_rule if summary is not None else None
        wanted = self.picture.wanted

        def on_image(image: QImage | None, problem: str) -> None:
            if self.picture.wanted == wanted:
                self.picture.set_image(image)

        self._bench.thumbnails.request(data, sample, side, rule, on_image, self)

    def _on_run_changed(self) -> None:
        self._furthest = STEPS.index(self._page) if self._page in STEPS else 0
        run = self._bench.run
        if run is not self._heard:
            if self._heard is not None and shiboken6.isValid(self._heard):
                # One that trains on may be shown again, and would then be heard twice.
                self._heard.changed.disconnect(self._on_shown_changed)
            self._heard = run
            if run is not None:
                run.changed.connect(self._on_shown_changed)
        self.refresh()

    def _on_shown_changed(self) -> None:
        if self.sender() is self._bench.run:
            self.refresh()
