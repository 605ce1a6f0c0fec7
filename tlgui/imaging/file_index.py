"""Which files of a folder a name in a table can mean."""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from tlgui.imaging.folder_names import PICTURE_SUFFIXES, Parts, is_named_like_a_picture, persons_files
from tlgui.imaging.names import nfc
from tlgui.imaging.walk import FoundFile, Tree

_MOST_REMEMBERED = 64
Result = TypeVar("Result")


class Meant(NamedTuple):
    """The files that a name fits, sorted; more than one where it is ambiguous.

    Attributes:
        case_differs: they fit only where upper and lower case are not told apart.
        extension_differs: they fit only but for the extension: "1.jpg" for "1.png".
        zeros_differ: they fit only but for zeros before the number, which spreadsheets drop: "1" for "001.png".
    """

    files: list[FoundFile]
    case_differs: bool = False
    extension_differs: bool = False
    zeros_differ: bool = False


class FileIndex:
    """The files that a person put into a folder, by their names.

    A name may be a path or bare, with or without the extension, with slashes either way, in either spelling of umlauts.
    A path may begin above the folder ("photos/images/1.png") or below it ("1.png" for "images/1.png"). Where nothing else
    fits, a picture of another extension does, and one whose number has zeros before it.
    """

    def __init__(self, tree: Tree) -> None:
        self._exact: dict[str, list[FoundFile]] = defaultdict(list)
        self._memory: dict[tuple[int, str], tuple[object, Any]] = {}
        for found in persons_files(tree):
            self._note(found)

    def _note(self, found: FoundFile) -> None:
        name = nfc(found.parts[-1])
        stem, dot, _suffix = name.rpartition(".")
        for key in {name, stem} if dot and stem else {name}:
            self._exact[key].append(found)

    @cached_property
    def _folded(self) -> dict[str, list[FoundFile]]:
        folded: dict[str, list[FoundFile]] = defaultdict(list)
        for name, files in self._exact.items():
            folded[name.casefold()] += files
        return folded

    @cached_property
    def _numbered(self) -> dict[str, list[FoundFile]]:
        """Pictures whose names are numbers, by the number."""
        numbered: dict[str, list[FoundFile]] = defaultdict(list)
        for name, files in self._folded.items():
            if number := _number(name):
                numbered[number] += [found for found in files if is_named_like_a_picture(found)]
        return numbered

    def find(self, name: str, beside: Parts = ()) -> Meant:
        """The files that `name` fits.

        Args:
            name: as it stands in the table.
            beside: the folder in which the table lies: a path from there counts as much as one from the root.
        """
        wanted = tuple(part for part in nfc(name).strip().replace("\\", "/").split("/") if part not in ("", "."))
        if not wanted:
            return Meant([])
        if exact := _best([_spelt(found) for found in self._exact.get(wanted[-1], ())], wanted, beside):
            return Meant(exact)
        folded = tuple(part.casefold() for part in wanted)
        candidates = [_folded(found) for found in self._folded.get(folded[-1], ())]
        beside = tuple(part.casefold() for part in beside)
        if alike := _best(candidates, folded, beside):
            return Meant(alike, case_differs=True)
        return self._nearly(folded, beside)

    def _nearly(self, folded: Parts, beside: Parts) -> Meant:
        stem = PICTURE_SUFFIXES.sub("", folded[-1])
        candidates = [_folded(found) for found in self._folded.get(stem, ()) if is_named_like_a_picture(found)]
        if stem != folded[-1] and (alike := _best(candidates, (*folded[:-1], stem), beside)):
            return Meant(alike, extension_differs=True)
        candidates = [_folded(found) for found in self._numbered.get(_number(stem), ())]
        alike = _best(candidates, folded, beside)
        return Meant(alike, zeros_differ=bool(alike))

    def remembered(self, owner: object, key: str, make: Callable[[], Result]) -> Result:
        """What was made of `owner` before under this key, else what `make` gives."""
        place = (id(owner), key)  # the owner is kept, so that its id stays its own
        if place not in self._memory:
            if len(self._memory) >= _MOST_REMEMBERED:
                self._memory.clear()
            self._memory[place] = (owner, make())
        result: Result = self._memory[place][1]
        return result


_Spelt = tuple[Parts, FoundFile]
_IsSurer = Callable[[Parts, FoundFile], bool]


def _spelt(found: FoundFile) -> _Spelt:
    return tuple(map(nfc, found.parts)), found


def _folded(found: FoundFile) -> _Spelt:
    return tuple(nfc(part).casefold() for part in found.parts), found


def _best(candidates: list[_Spelt], wanted: Parts, beside: Parts) -> list[FoundFile]:
    """Those that fit, the surest kind of fit alone."""
    fitting = [(parts, found) for parts, found in candidates if _agree(parts[:-1], wanted[:-1])]
    surer_kinds: tuple[_IsSurer, ...] = (
        lambda parts, _found: parts[-1] == wanted[-1],  # the extension too
        lambda parts, _found: parts[:-1] == wanted[:-1],  # the whole path from the root
        lambda parts, _found: parts[:-1] == (*beside, *wanted[:-1]),  # ... from the table's folder
        lambda _parts, found: is_named_like_a_picture(found),  # not the notes that lie beside a picture
    )
    for is_surer in surer_kinds:
        if len(fitting) < 2:
            break
        fitting = [(parts, found) for parts, found in fitting if is_surer(parts, found)] or fitting
    return [found for _parts, found in fitting]


def _number(stem: str) -> str:
    """A whole number without the zeros before it; "" for other names."""
    return (stem.lstrip("0") or "0") if stem.isascii() and stem.isdecimal() else ""


def _agree(folders: Parts, wanted: Parts) -> bool:
    return all(one == other for one, other in zip(reversed(folders), reversed(wanted), strict=False))


_latest: list[tuple[weakref.ref[Tree], FileIndex]] = []


def index_of(tree: Tree) -> FileIndex:
    """The index of a tree; that of the last one is remembered, since every change of mind asks for it again."""
    for known, index in _latest:
        if known() is tree:
            return index
    index = FileIndex(tree)
    _latest[:] = [(weakref.ref(tree), index)]
    return index
