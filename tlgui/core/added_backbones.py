"""The timm models that a person added to the zoo, kept in the state folder so that they are rows without timm too."""

from __future__ import annotations

import msgspec

from tlgui.core import state_file
from tlgui.core.backbone_row import Backbone

PREFIX = "timm:"
_FILE = "backbones.json"


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row and the version of timm that it was read from: another one may build another network."""

    version: str
    row: Backbone


def known() -> dict[str, Backbone]:
    """The rows by name, in the order in which they were added; what cannot be read is left out."""
    return {name: entry.row for name, entry in _entries().items()}


def version_of(name: str) -> str:
    """The version of timm that a row was read from; "" where there is no such row."""
    entry = _entries().get(name)
    return entry.version if entry else ""


def note(row: Backbone, version: str) -> None:
    """Keeps a row, in the place of an older one of the same name."""
    with state_file.changing(_FILE, "The added backbone") as table:
        table[row.name] = msgspec.to_builtins(_Entry(version=version, row=row))


def _entries() -> dict[str, _Entry]:
    found = {}
    for name, value in state_file.read(_FILE).items():
        try:
            entry = msgspec.convert(value, _Entry)
        except msgspec.ValidationError:
            continue
        if entry.row.name == name and name.startswith(PREFIX):
            found[name] = entry
    return found
