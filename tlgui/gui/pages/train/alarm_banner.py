"""Said in red as soon as an epoch shows that adapting destroys what the network knew, with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.gui.pages.train.actions import STOP_BEFORE
from tlgui.gui.run_reasons import ENDED
from tlgui.gui.run_site import Alarm, alarm_of
from tlgui.gui.widgets import Banner, Button

if TYPE_CHECKING:
    from tlgui.gui.pages.train.actions import RunActions
    from tlgui.gui.run_model import RunModel


class AlarmBanner(Banner):
    """There as long as the newest epoch of a run that goes on is one that must not be kept.

    Args:
        actions: of the run.
        parent: the widget it lies in.
    """

    def __init__(self, actions: RunActions, parent: QWidget | None = None) -> None:
        super().__init__("bad", parent=parent)
        self._stop = actions.stop_before
        self._shown: Alarm | None = None
        self.button = Button(small=True, action=self._stop)
        self.add_button(self.button)
        self.hide()

    def show_run(self, run: RunModel) -> None:
        """Takes the state of a run."""
        alarm = alarm_of(run)
        self.setVisible(alarm is not None and run.state not in ENDED)
        if alarm is None or alarm == self._shown:
            return
        self._shown = alarm
        title, _, why = alarm.sentence.partition(": ")
        kept = "It is kept until there is a better one" if alarm.kept else "It is not kept"
        text = f"{why[:1].upper()}{why[1:]} That is epoch {alarm.epoch}. {kept}; a smaller weight adapts more gently."
        self.set("bad", f"{title.rstrip('.')}.", text.strip())
        words = "Stop" if alarm.kept else STOP_BEFORE
        if self._stop.plain_text != words:
            self._stop.set_text(words)
