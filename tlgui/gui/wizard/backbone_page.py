"""The wizard's second step: which pretrained network, and where its weights come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core import events
from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE, Backbone
from tlgui.core.errors import UserError
from tlgui.core.run_spec import Source
from tlgui.gui.draft import Level
from tlgui.gui.networks import label_of, network, networks
from tlgui.gui.widgets import Action, Button, Card, Divider, Label, Page, Segmented
from tlgui.gui.wizard.backbone import words
from tlgui.gui.wizard.backbone.backbone_table import BackboneTable, Legend
from tlgui.gui.wizard.backbone.by_hand import ByHandCard
from tlgui.gui.wizard.backbone.rank_dialog import RankDialog
from tlgui.gui.wizard.backbone.size_card import SizeCard
from tlgui.gui.wizard.backbone.source_dialog import SourceDialog
from tlgui.gui.wizard.backbone.timm_dialog import TimmDialog
from tlgui.gui.wizard.backbone.weights_card import WeightsCard
from tlgui.gui.wizard.continues_banner import ContinuesBanner

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

SUFFIXES = (".pth", ".pt", ".safetensors")
_FILES = "Weights (*.pth *.pt *.safetensors);;All files (*)"
_SENTENCE = "The network that already knows how to see. Your classes are taught on top of it."
_LEVELS = [("guided", "Guided"), ("adjustable", "Adjustable"), ("everything", "Everything")]
# What the cards beneath the table need, so that they are in sight together with the picked row.
_CARDS_HEIGHT, _SIZE_CARD_HEIGHT = 190, 60
_NO_WAY_OUT = "Check the network or the proxy and try again, or fetch the file by hand as the card beside says."


class BackbonePage(Page):
    """The table of networks, the reason for the advised one, and the weights of the picked one."""

    name = "backbone"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Backbone", _SENTENCE, parent=parent)
        self._bench = bench
        self._files: dict[str, str] = {}  # the person's own checked file, by network
        self._sources: dict[str, Source] = {}  # the earlier runs that files are of
        self._checking: tuple[str, Path] | None = None
        self._looking = False
        self._tried: set[str] = set()
        self._shown_row = ""
        self.setAcceptDrops(True)
        self._build()
        self._connect()
        self._refresh()

    def entered(self) -> None:
        """Measures the picked network when that was never done here."""
        self._tried.clear()
        self._measure()
        self._refresh()

    def _build(self) -> None:
        self.level = Segmented(_LEVELS, "How much is shown")
        self.level.setToolTip("Everything: the size of the input, and any other model of the library timm.")
        self.head_right.addWidget(self.level)
        self.table = BackboneTable()
        self.legend = Legend()
        card = Card(flush=True)
        card.body.setSpacing(0)
        for widget in (self.table, Divider(), self.legend):
            card.body.addWidget(widget)
        self._why = Card("")
        self._reason = Label("", "body", wrap=True)
        self._why.body.addWidget(self._reason)
        self.weights = WeightsCard()
        self.by_hand = ByHandCard()
        self.size_card = SizeCard()
        left, right, row = QVBoxLayout(), QVBoxLayout(), QHBoxLayout()
        for column, cards in ((left, (self._why, self.by_hand)), (right, (self.weights, self.size_card))):
            column.setSpacing(12)
            for one in cards:
                column.addWidget(one)
            column.addStretch(1)
            row.addLayout(column, 1)
        row.setSpacing(16)
        self._cards = row
        for above in (ContinuesBanner(self._bench, self), card):
            self.body.addWidget(above)
        self.body.addLayout(row)
        back = Action("Back", lambda: self._bench.show("images"), "Alt+Left", "Back to the images", icon="back")
        self.foot_left.addWidget(Button(action=back))
        self.rank = Button("Rank on my images…", icon="scales")
        self.rank.setToolTip("Asks each network that is ready how well its features tell your classes apart.")
        self.rank.clicked.connect(self._on_rank_asked)
        self.foot_left.addWidget(self.rank)
        self._next = Action(
            "Next: Strategy", lambda: self._bench.show("strategy"), "Ctrl+Return", "On to the strategy", icon="forward"
        )
        self.set_primary(self._next)

    def _connect(self) -> None:
        bench = self._bench
        self.table.picked.connect(self._on_picked)
        self.table.get_asked.connect(self._on_get_asked)
        self.level.picked.connect(lambda level: bench.draft.set_level(cast(Level, level)))
        self.legend.other.clicked.connect(self._on_other_asked)
        self.size_card.edited.connect(self._on_size_edited)
        self.size_card.field.problem_changed.connect(self._show_foot)
        self.weights.file_asked.connect(self._choose_file)
        self.weights.published_asked.connect(self._on_published_asked)
        self.weights.run_asked.connect(self._on_run_asked)
        self.weights.compare_asked.connect(self._on_compare_asked)
        self.weights.download_asked.connect(self._download)
        self.weights.cancel_asked.connect(bench.cancel_download)
        self.by_hand.look_again.connect(self._on_look_again)
        bench.draft.changed.connect(self._refresh)
        bench.backbones.changed.connect(self._on_backbones_changed)
        bench.run_changed.connect(self._refresh)
        bench.device_changed.connect(self._refresh)
        bench.compare.changed.connect(self._refresh)
        bench.download_event.connect(self._on_download_event)
        bench.weights_checked.connect(self._on_weights_checked)

    @property
    def _row(self) -> Backbone:
        # A run from another computer may name a timm model that was never looked at here.
        return network(self._bench.draft.backbone) or BACKBONES[DEFAULT_BACKBONE]

    @property
    def _locked(self) -> bool:
        """Whether the network is settled: the run began, or it is that of the run that is continued."""
        return self._bench.read_only or self._bench.draft.continues is not None

    @property
    def _known(self) -> bool:
        return network(self._bench.draft.backbone) is not None

    def _state(self, name: str) -> words.State:
        if name == self._bench.weights.downloading:
            return "downloading"
        return cast(words.State, self._bench.backbones.row(name).state)

    # Showing

    def _refresh(self) -> None:
        bench, row = self._bench, self._row
        self._note_file()
        speeds = words.speeds(bench.machine.speeds)
        states = {name: self._state(name) for name in networks()}
        self.level.set_value(bench.draft.level)
        of_runs = [name for name, file in self._files.items() if file in self._sources]
        self.table.show_networks(speeds, states, self._shown_files(), bench.weights.measuring, self._locked, of_runs)
        self.table.set_picked(self.table.names.index(row.name) if self._known else -1)
        self._show_reason(row, speeds)
        self._show_weights(row, states[row.name])
        self._show_expert(row)
        self._fit_table()
        if (name := bench.draft.backbone) != self._shown_row:
            self._shown_row = name
            self.table.show_picked()
        self._show_foot()

    def _show_foot(self) -> None:
        bench, row = self._bench, self._row
        reason = "" if bench.read_only else bench.draft.missing("backbone") or self._size_problem()
        self._next.set_reason(reason)
        self.set_hint(
            "Read only: the run has begun"
            if bench.read_only
            else words.foot_hint(row, self._state(row.name), self._files.get(row.name, ""), bench.draft.source)
        )

    def _size_problem(self) -> str:
        problem = "" if self.size_card.isHidden() else self.size_card.problem
        return f"Input size: {problem}" if problem else ""

    def _show_expert(self, row: Backbone) -> None:
        draft, locked = self._bench.draft, self._locked
        everything = draft.level == "everything"
        self.legend.other.setVisible(everything and not locked)
        self.rank.setVisible(not locked)
        self.size_card.setVisible(everything or draft.size is not None)
        if draft.backbone != self._shown_row:
            self.size_card.clear()
        self.size_card.show_size(row, draft.size, locked)

    def _fit_table(self) -> None:
        cards = _CARDS_HEIGHT + (0 if self.size_card.isHidden() else _SIZE_CARD_HEIGHT)
        self.table.set_room(self.scroll_area.height() - self.legend.sizeHint().height() - cards)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        """The table takes what the cards leave."""
        super().resizeEvent(event)
        self._fit_table()

    def _note_file(self) -> None:
        """A file that the draft holds already (a run begun anew from another) is shown as well."""
        draft = self._bench.draft
        if draft.weights_file:
            self._files[draft.backbone] = draft.weights_file
            if draft.source is not None:
                self._sources[draft.weights_file] = draft.source

    def _shown_files(self) -> dict[str, str]:
        return {name: Path(file).name for name, file in self._files.items()}

    def _show_reason(self, row: Backbone, speeds: dict[str, words.Speed]) -> None:
        advised = speeds.get(DEFAULT_BACKBONE)
        if not self._known:
            name = self._bench.draft.backbone
            self._why.set_title(f"About {name}")
            self._reason.setText(
                f"{name} is not known on this computer. Looking at it here makes it a row of the table."
            )
        elif row.name == DEFAULT_BACKBONE:
            self._why.set_title(f"Why {row.label}")
            summary = self._bench.draft.summary
            train = sum(one.train for one in summary.classes) if summary else 0
            self._reason.setText(words.why_advised(train, self._bench.machine.device, advised))
        else:
            self._why.set_title(f"About {row.label}")
            self._reason.setText(words.about_other(row, speeds.get(row.name), advised))

    def _show_weights(self, row: Backbone, state: words.State) -> None:
        own = self._shown_files().get(row.name, "")
        read_only = self._locked
        source = self._sources.get(self._files.get(row.name, ""))
        self.weights.show_state(row, state, own, read_only, source)
        if source is not None:
            compare = self._bench.compare
            self.weights.set_against_compare(compare.reason_against_start(), compare.with_and_without_takes())
        self.weights.set_busy_elsewhere(self._bench.weights.downloading not in ("", row.name))
        self.weights.setVisible(not read_only)
        self._cards.setStretch(1, 0 if read_only else 1)
        found = self._bench.backbones.row(row.name)
        missing = state in ("absent", "damaged") and not own and not read_only
        self.by_hand.setVisible(missing)
        if missing:
            self.by_hand.set_file(row.label, found.file_name, found.size, found.sha, found.folder, found.url)

    # What the person does

    def _on_picked(self, index: int) -> None:
        name = self.table.names[index]
        if self._locked:
            self._refresh()  # the table has marked the row already
        elif name != self._bench.draft.backbone:
            file = self._files.get(name, "")
            self._bench.draft.set_backbone(name, weights_file=file, source=self._sources.get(file))
            self._measure()

    def _on_get_asked(self, name: str) -> None:
        if self._locked or self._files.get(name):
            return
        if name != self._bench.draft.backbone:
            self._on_picked(self.table.names.index(name))
        self._download()

    def _measure(self) -> None:
        name = self._bench.draft.backbone
        if not self._bench.machine.is_read:
            return  # it may have been measured here before
        found = self._bench.backbones.row(name)
        # Without pretrained weights there is no frozen part to be timed.
        wanted = found.usable and found.seconds_per_1000 is None and name not in self._tried
        if wanted and not self._bench.read_only:
            self._bench.measure_backbone(name)
            if self._bench.weights.measuring == name:
                self._tried.add(name)  # a measurement that fails is not begun again and again

    def _on_run_asked(self) -> None:
        SourceDialog(self._bench, self.window()).open()

    def _on_compare_asked(self) -> None:
        if not self._bench.compare.reason_against_start():
            self._bench.compare.start_with_and_without()
            self._bench.show("compare")

    def _on_rank_asked(self) -> None:
        RankDialog(self._bench, self.window()).open()

    def _on_other_asked(self) -> None:
        TimmDialog(self._bench, self.window()).open()

    def _on_size_edited(self, size: int | None) -> None:
        self.size_card.refuse(self._bench.draft.set_size(size))
        self._show_foot()

    def _download(self) -> None:
        if not self._bench.weights.downloading:
            self.weights.show_progress(self._row.label, 0, 0, None)
            self._bench.download_backbone(self._row.name)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, f"Weights for {self._row.label}", "", _FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda chosen: self._check(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _check(self, path: Path) -> None:
        self.weights.clear_problem()
        self._checking = (self._bench.draft.backbone, path)
        self.weights.show_checking(path.name)
        self._bench.check_weights_file(*self._checking)

    def _on_published_asked(self) -> None:
        self._files.pop(self._bench.draft.backbone, None)
        self._bench.draft.set_backbone(self._bench.draft.backbone)

    def _on_look_again(self) -> None:
        self._looking = True
        self.by_hand.say("Looking…")
        self._bench.weights.survey()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """A file of weights may be dropped anywhere on the page."""
        if not self._locked and _dropped_file(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Checks the file that was dropped."""
        path = _dropped_file(event)
        if path is not None and not self._locked:
            event.acceptProposedAction()
            self._check(path)

    # What comes back

    def _on_backbones_changed(self) -> None:
        self._refresh()
        if self._looking and self._state(self._row.name) in ("absent", "damaged"):
            self.by_hand.say(
                f"Not there yet: {self._bench.backbones.row(self._row.name).file_name} is not in that folder."
            )
        self._looking = False
        self._measure()

    def _on_download_event(self, event: Any) -> None:
        if isinstance(event, events.Progress):
            label = label_of(self._bench.weights.downloading or self._bench.draft.backbone)
            self.weights.show_progress(label, event.done, event.total, event.seconds_left)
        elif isinstance(event, events.Ending):
            self.weights.end_progress()
            if isinstance(event, events.Failed):
                no_way = event.code == "download_failed"  # its usual remedy sends people to this very page
                self.weights.show_problem(UserError(event.problem, _NO_WAY_OUT, event.details) if no_way else event)
            elif isinstance(event, events.Crashed):
                self.weights.show_problem(UserError("The download ended unexpectedly.", "Try again.", event.last_lines))

    def _on_weights_checked(self, event: Any) -> None:
        if self._checking is None:
            return
        (name, path), self._checking = self._checking, None
        self.weights.end_progress()
        if isinstance(event, events.WeightsChecked):
            self._files[name] = str(path)
            if name == self._bench.draft.backbone:
                self._bench.draft.set_backbone(name, weights_file=str(path))
        elif isinstance(event, events.Failed):
            self.weights.show_problem(event)
        else:
            self.weights.show_problem(UserError(f"'{path.name}' could not be checked: the engine ended.", "Try again."))


def _dropped_file(event: QDropEvent) -> Path | None:
    """The one file of weights that is dragged, if it is one."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and paths[0].suffix.lower() in SUFFIXES else None
