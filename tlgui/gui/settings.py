"""What the person prefers, kept in a small TOML file; a broken file costs the preferences in it, nothing more."""

from __future__ import annotations

import logging
import threading
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli_w
from PySide6.QtCore import QObject, QTimer, Signal

from tlgui.core import atomic
from tlgui.core.paths import state_dir
from tlgui.gui.background import run_in_background

logger = logging.getLogger(__name__)

Appearance = Literal["system", "light", "dark"]
_MOST_OPENED = 20
_SAVE_AFTER_MS = 400


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content.

    Attributes:
        appearance: light, dark, or as the system says.
        keep_awake: whether the computer is kept from sleeping while a training runs.
        level: how much the wizard shows.
        geometry: of the window: left, top, width, height; empty before the first time.
        maximized: whether the window filled the screen.
        opened: run folders outside the projects folder that were opened, the last one first.
    """

    appearance: Appearance = "system"
    keep_awake: bool = True
    level: Literal["guided", "adjustable", "everything"] = "guided"
    geometry: tuple[int, int, int, int] | None = None
    maximized: bool = False
    opened: list[str] = []


class Settings(QObject):
    """The preferences, read at once and written a moment after a change.

    Args:
        path: the file; the default is in the person's state folder.
    """

    changed = Signal(str)
    """The name of the preference that is another now."""

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path or state_dir() / "settings.toml"
        self._lock = threading.Lock()
        self._written = 0
        self._version = 0
        self.values = _read(self._path)
        self._timer = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._timer.timeout.connect(self._on_save_due)

    def set(self, **values: Any) -> None:
        """Changes preferences by name."""
        before = self.values
        self.values = msgspec.structs.replace(before, **values)
        names = [name for name in values if getattr(before, name) != getattr(self.values, name)]
        if not names:
            return
        self._version += 1
        self._timer.start()
        for name in names:
            self.changed.emit(name)

    def note_opened(self, path: Path) -> None:
        """Remembers a run folder that lies elsewhere."""
        text = str(path.absolute())
        self.set(opened=[text, *(other for other in self.values.opened if other != text)][:_MOST_OPENED])

    def save_now(self) -> None:
        """Writes what waits, as before the program ends."""
        self._timer.stop()
        self._write(self.values, self._version)

    def _on_save_due(self) -> None:
        # Away from the window's thread: the file is flushed to the disk, which may take its time.
        values, version = self.values, self._version
        run_in_background(self, lambda: self._write(values, version), lambda _: None)

    def _write(self, values: Preferences, version: int) -> None:
        with self._lock:
            if version <= self._written:
                return
            content = {name: value for name, value in msgspec.to_builtins(values).items() if value is not None}
            try:
                atomic.write_text(self._path, tomli_w.dumps(content))
                self._written = version
            except OSError as error:
                logger.warning("The settings could not be saved: %s", error.strerror)


def _read(path: Path) -> Preferences:
    try:
        raw = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        logger.warning("The settings could not be read and begin anew: %s", type(error).__name__)
        return Preferences()
    kept: dict[str, Any] = {}
    for field in msgspec.structs.fields(Preferences):
        if field.name in raw:
            try:
                kept[field.name] = msgspec.convert(raw[field.name], field.type)
            except msgspec.ValidationError:
                logger.warning("The setting '%s' does not fit and begins anew", field.name)
    return Preferences(**kept)
