"""The few things that a person may prefer otherwise; each holds as soon as it is picked."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.widgets import Dialog, Label, Segmented

_APPEARANCES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
_LEVELS = (("guided", "Guided"), ("adjustable", "Adjustable"), ("everything", "Everything"))


class SettingsDialog(Dialog):
    """Appearance, sleep, and how much the wizard shows.

    Args:
        settings: read and changed.
        parent: the window.
    """

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__("Settings", "", parent)
        self._settings = settings
        values = settings.values
        self.appearance = Segmented(_APPEARANCES, "Appearance")
        self.appearance.set_value(values.appearance)
        self.appearance.picked.connect(self._on_appearance)
        self.level = Segmented(_LEVELS, "Detail")
        self.level.set_value(values.level)
        self.level.picked.connect(lambda key: settings.set(level=key))
        self.keep_awake = QCheckBox("Keep this computer awake while a training runs")
        self.keep_awake.setAccessibleName("Keep this computer awake while a training runs")
        self.keep_awake.setToolTip("The screen may still go dark; only sleep is held off")
        self.keep_awake.setChecked(values.keep_awake)
        self.keep_awake.toggled.connect(lambda on: settings.set(keep_awake=on))
        rows = QGridLayout()
        rows.setHorizontalSpacing(16)
        rows.setVerticalSpacing(6)
        rows.setColumnStretch(1, 1)
        self._add(rows, "Appearance", self.appearance, "Light or dark, or as the system says.")
        self._add(rows, "Detail", self.level, "How much the set-up of a run shows.")
        self._add(rows, "Sleep", self.keep_awake, "A computer that sleeps does not train.")
        self.body.addLayout(rows)
        self.add_button("Done", "primary", default=True)

    def _add(self, rows: QGridLayout, name: str, control: QWidget, says: str) -> None:
        at = rows.rowCount()
        rows.addWidget(Label(name, "strong"), at, 0)
        rows.addWidget(control, at, 1)
        rows.addWidget(Label(says, "caption", wrap=True), at + 1, 1)
        rows.setRowMinimumHeight(at + 2, 6)

    def _on_appearance(self, key: str) -> None:
        self._settings.set(appearance=key)
        theme().set_choice("dark" if key == "dark" else "light" if key == "light" else "system")
