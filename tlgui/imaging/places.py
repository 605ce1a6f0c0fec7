"""Where each file stands in a layout: its class, part, group and domain, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tlgui.core.records import Reason
from tlgui.imaging.folder_names import Parts
from tlgui.imaging.folder_readings import Level
from tlgui.imaging.names import nfc

_OUTSIDE = "It lies outside of every class folder."


@dataclass(frozen=True)
class Place:
    """Where a file stands in a layout.

    Attributes:
        class_name: NFC, as the folder or the label is called.
        split: "train", "validation", "test", or "" where nothing says so.
        group: what the label table says in its group column, as it stands there; "" = nothing.
        domain: the domain folder, "" where there are none.
    """

    class_name: str
    split: str = ""
    group: str = ""
    domain: str = ""


@dataclass(frozen=True)
class NoPlace:
    """Why a file has no class in a layout."""

    sentence: str
    reason: Reason = Reason.NO_LABEL


@dataclass(frozen=True)
class Layout:
    """How the folders of a dataset, or its label table, are read.

    Attributes:
        name: CLASS_FOLDERS, SPLIT_FOLDERS, DOMAIN_FOLDERS or LABEL_TABLE.
        base: the folder below the root where classes, splits or domains begin; () = the root itself.
        split_of: folder name -> "train", "validation" or "test"; empty where no folders say so.
        class_folders: every folder that stands for a class (in a part, in a domain), also an empty one.
        levels: what the folders stand for, from the base on.
        domains: NFC names of the domain folders.
        domain: the one that is used; "" = all of them.
        groups: path -> what a table says in its group column, where folders tell the classes.
        table: the label table, by its name.
        places: path -> place, as the table says.
        rows_without_file: names in the table that fit no file.
        ambiguous_rows: names in the table that fit several files -> their paths.
        case_differs: names in the table that fit a file only where upper and lower case are not told apart.
    """

    name: str
    base: Parts = ()
    split_of: dict[str, str] = field(default_factory=dict)
    class_folders: tuple[Parts, ...] = ()
    levels: tuple[Level, ...] = ("class",)
    domains: tuple[str, ...] = ()
    domain: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    table: str = ""
    places: Mapping[str, Place | NoPlace] = field(default_factory=dict)
    rows_without_file: list[str] = field(default_factory=list)
    ambiguous_rows: dict[str, list[str]] = field(default_factory=dict)
    case_differs: list[str] = field(default_factory=list)
    _by_folder: dict[Parts, Place | NoPlace] = field(default_factory=dict, compare=False, repr=False)

    def place(self, parts: Parts) -> Place | NoPlace:
        """The class, part and domain of a file, or why it has none."""
        if self.table:
            return self._place_in_table("/".join(parts))
        folder = parts[:-1]
        if (place := self._by_folder.get(folder)) is None:
            place = self._by_folder[folder] = self._place_in_folder(folder)
        if self.groups and isinstance(place, Place):
            return replace(place, group=self.groups.get("/".join(parts), ""))
        return place

    def _place_in_folder(self, folder: Parts) -> Place | NoPlace:
        if folder[: len(self.base)] != self.base:
            return NoPlace(f"It lies outside of the folder '{'/'.join(self.base)}' that holds the classes.")
        below = folder[len(self.base) :]
        found = dict(zip(self.levels, below, strict=False))
        domain = nfc(found.get("domain", ""))
        if "domain" in self.levels and domain not in self.domains:
            return NoPlace("It lies outside of the domain folders.")
        if self.domain and domain != self.domain:
            return NoPlace(f"It is of the domain '{domain}', which is not used.", Reason.OTHER_DOMAIN)
        if "split" in self.levels and found.get("split") not in self.split_of:
            return NoPlace("It lies outside of the train, validation and test folders.")
        if "class" not in found:
            inside = "/".join(below)
            return NoPlace(f"It lies in '{inside}', outside of every class folder." if inside else _OUTSIDE)
        split = self.split_of[found["split"]] if "split" in found else ""
        return Place(nfc(found["class"]), split, domain=domain)

    def _place_in_table(self, path: str) -> Place | NoPlace:
        if path == self.table:
            return NoPlace("It is the label table.", Reason.LABEL_TABLE)
        return self.places.get(path) or NoPlace(f"The table '{self.table}' has no row for it.")
