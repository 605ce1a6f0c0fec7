"""Every file below a folder, without reading or writing any."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tlgui.core.errors import UserError
from tlgui.imaging.names import order, printable
from tlgui.imaging.pixels import reason_of

CANCEL_EVERY = 1000  # entries of one folder between two questions


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file by its path parts below the root, spelt as on disk.

    Attributes:
        size_bytes: -1 where the file could not be looked at.
        modified_ns, changed_ns: when its content was written, and when anything about it last changed (on Windows: when
            it was made), in nanoseconds since 1970; 0 where it could not be looked at.
    """

    parts: tuple[str, ...]
    kind: Literal["file", "broken link", "special"] = "file"
    size_bytes: int = field(default=-1, compare=False)
    modified_ns: int = field(default=0, compare=False)
    changed_ns: int = field(default=0, compare=False)

    @property
    def path(self) -> str:
        """Relative, "/" between the parts."""
        return "/".join(self.parts)


@dataclass
class Tree:
    """What lies below a root.

    Attributes:
        files: all of them, sorted; links to files count as files.
        folders: path parts of every folder, sorted, the root left out.
        unreadable: folders that could not be listed, "path (reason)": how many files they hold is not known.
        linked: links to folders, which are not followed (they may lead in a circle, or out to the whole disk).
    """

    files: list[FoundFile] = field(default_factory=list)
    folders: list[tuple[str, ...]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)


def folder_name(root: Path) -> str:
    """The folder's own name, for messages: never its place."""
    # As it was typed where that is a name (a link keeps its own), else resolved: "." and ".." are none.
    name = root.name if root.name not in ("", "..") else root.resolve().name
    return printable(name) or "/"


def walk(root: Path, stop_if_cancelled: Callable[[], None] = lambda: None) -> Tree:
    """List `root` to the bottom.

    Raises:
        UserError: `root` is missing, is a file, or cannot be listed.
    """
    name = folder_name(root)
    try:
        if not root.exists():
            raise UserError(f"The folder '{name}' does not exist.", "Check the spelling, or choose another folder.")
        if not root.is_dir():
            raise UserError(f"'{name}' is a file, not a folder.", "Choose the folder that holds the images.")
    except OSError as error:
        raise _unreadable_root(name, error) from error
    tree = Tree()
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        stop_if_cancelled()
        parts = waiting.pop()
        try:
            # Names stay text: undecodable bytes come as surrogates and are dealt with by name.
            with os.scandir(root.joinpath(*parts)) as entries:
                for number, entry in enumerate(entries, 1):
                    _take(entry, parts, tree, waiting)
                    if not number % CANCEL_EVERY:
                        stop_if_cancelled()
        except OSError as error:
            if not parts:
                raise _unreadable_root(name, error) from error
            tree.unreadable.append(f"{printable('/'.join(parts))} ({reason_of(error)})")
    tree.files.sort(key=lambda found: order(found.path))
    tree.folders.sort(key=lambda parts: order("/".join(parts)))
    tree.unreadable.sort(key=order)
    tree.linked.sort(key=order)
    return tree


def _unreadable_root(name: str, error: OSError) -> UserError:
    return UserError(
        f"The folder '{name}' cannot be read ({reason_of(error)}).",
        "Ask for permission to read it, or copy the images into a folder of your own.",
    )


def _take(entry: os.DirEntry[str], parent: tuple[str, ...], tree: Tree, waiting: list[tuple[str, ...]]) -> None:
    parts = (*parent, entry.name)
    # A junction (Windows) is a link to a folder too, and no symlink; Python 3.11 cannot tell and follows it.
    is_junction = getattr(entry, "is_junction", lambda: False)()
    if entry.is_dir(follow_symlinks=False) and not is_junction:
        tree.folders.append(parts)
        waiting.append(parts)
        return
    try:
        if entry.is_dir():
            tree.linked.append(printable("/".join(parts)))
        elif entry.is_file():
            facts = entry.stat()
            tree.files.append(FoundFile(parts, "file", facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))
        elif entry.is_symlink() and not Path(entry.path).exists():
            tree.files.append(FoundFile(parts, "broken link"))
        else:
            tree.files.append(FoundFile(parts, "special"))
    except OSError:  # it may not even be looked at; reading it will say why
        tree.files.append(FoundFile(parts))
