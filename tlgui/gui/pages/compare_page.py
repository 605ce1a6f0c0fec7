"""Compare: ways of training, sites, and finished runs, and whether their difference is more than luck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.core.errors import UserError
from tlgui.gui.pages.compare.panel import Panel
from tlgui.gui.pages.compare.runs_panel import RunsPanel
from tlgui.gui.pages.compare.sites_panel import SitesPanel
from tlgui.gui.pages.compare.tournament_panel import TournamentPanel
from tlgui.gui.widgets import Action, Button, Page, Segmented

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_QUESTIONS = (("ways", "Ways of training"), ("sites", "Leave one site out"), ("runs", "Finished runs"))


class ComparePage(Page):
    """The page named "compare".

    Attributes:
        questions: which of the panels is shown.
        tournament, sites, runs: a panel each.
    """

    name = "compare"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Compare", parent=parent)
        self._said = ""
        self.questions = Segmented(_QUESTIONS, "What is compared")
        self.questions.picked.connect(self.ask)
        self.head_right.addWidget(self.questions)
        self.tournament = TournamentPanel(bench, self)
        self.sites = SitesPanel(bench, self)
        self.runs = RunsPanel(bench, self)
        self._panels: dict[str, Panel] = {"ways": self.tournament, "sites": self.sites, "runs": self.runs}
        for panel in self._panels.values():
            self.body.addWidget(panel)
            panel.changed.connect(self._refresh)
        self._leave: Action | None = None
        self.another_button = Button("")
        self.foot_left.addWidget(self.another_button)
        self._refresh()

    @property
    def panel(self) -> Panel:
        """The one that is shown."""
        return self._panels[self.questions.value]

    def ask(self, question: str) -> None:
        """Shows the panel of another question."""
        self.questions.set_value(question)
        self._refresh()
        self.scroll_area.verticalScrollBar().setValue(0)
        if self.isVisible():
            self.panel.entered()

    def entered(self) -> None:
        """Reads what is on the disk."""
        self.panel.entered()
        self._refresh()

    def _refresh(self) -> None:
        panel = self.panel
        for one in self._panels.values():
            one.setVisible(one is panel)
        self.set_sentence(panel.sentence)
        self.set_primary(panel.primary)
        self.set_hint(panel.hint)
        if panel.leave is not self._leave:
            self._leave = panel.leave
            if panel.leave is not None:
                self.another_button.set_action(panel.leave)
        self.another_button.setVisible(panel.leave is not None)
        if panel.problem != self._said:
            self._said = panel.problem
            if panel.problem:
                self.show_error(UserError(panel.problem, panel.remedy))
            else:
                self.clear_error()
