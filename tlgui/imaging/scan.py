"""One look at a dataset folder: every file either used or left out with the reason."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from tlgui.core.intake import Intake
from tlgui.core.records import Scan
from tlgui.imaging.assemble import Look, assemble, layout_of, wanted
from tlgui.imaging.file_check import read_file
from tlgui.imaging.heads import read_heads
from tlgui.imaging.layout import Layout, Place, read_tables
from tlgui.imaging.names import not_a_persons
from tlgui.imaging.readers import read_all
from tlgui.imaging.scan_cache import ScanCache
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile, Tree, folder_name, walk

CLASSIFY_S = 5.0  # a slow disk shows the kinds of its files when it reads them
TELL_EVERY = 100  # files of which only the first bytes are read
MOST_THREADS = 8  # more mean more decoded images in memory at once, and the disk is the limit by then
AHEAD = 16  # files for each thread that are handed out before their turn, so that none waits


class ScanCancelled(Exception):  # noqa: N818 (what the caller asked for, not an error)
    """`cancelled()` said yes: there is nothing to undo."""


def scan_folder(
    root: Path,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    for_training: bool = True,
    named: Callable[[Look, Layout], None] | None = None,
    in_hand: Callable[[str], AbstractContextManager[None]] = lambda _path: nullcontext(),
    intake: Intake = Intake(),  # noqa: B008 (frozen)
    salt: str = "",
    isolated: bool = False,
    tables: Mapping[str, Path] = MappingProxyType({}),
) -> Scan:
    """Classify every file below `root`; each image is read once, hashed, and decoded in full.

    A decode in full costs minutes on large sets and is worth them: an image that is cut off at its end passes every
    quicker check and would stop the training hours later. What was decoded once is remembered on this computer.

    Args:
        root: the dataset's folder; nothing is ever written there.
        progress: called in this thread with (files done, files in all).
        cancelled: asked in this thread, several times a second.
        workers: that decode at the same time; by default one per processor, at most 8.
        for_training: False for images that a finished model is scored on: one class is then enough, and a test folder
            needs no train folder beside it.
        named: called in this thread with all names, before the first file is read.
        in_hand: entered around the decoding of each file, in the thread that does it; not with `isolated`.
        intake: the person's decisions.
        salt: the project's, for group keys.
        isolated: decode in processes of their own: a file that breaks a decoder is named and left out, where it would
            otherwise end this process.
        tables: label tables from elsewhere, by their own name.

    Returns:
        The scan, in the same order on every machine.

    Raises:
        UserError: no classifier can come of this folder; says what to do.
        ScanCancelled: `cancelled()` returned True.
    """
    look = look_at(root, progress, cancelled, workers, named, in_hand, intake, isolated=isolated, tables=tables)
    return assemble(look, intake, salt, for_training, _stopper(cancelled))


def look_at(
    root: Path,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    named: Callable[[Look, Layout], None] | None = None,
    in_hand: Callable[[str], AbstractContextManager[None]] = lambda _path: nullcontext(),
    intake: Intake = Intake(),  # noqa: B008 (frozen)
    decide: Callable[[Tree], tuple[Intake, Mapping[str, Path]]] | None = None,
    isolated: bool = False,
    tables: Mapping[str, Path] = MappingProxyType({}),
    classified: Callable[[Look], None] | None = None,
) -> Look:
    """Reads a folder: all names, its label tables, the first bytes of all files, then every file that has a class.

    Args:
        root, progress, cancelled, workers, named, in_hand, intake, isolated: see `scan_folder`.
        decide: gives the decisions in place of `intake`, and the places of label tables that lie elsewhere, once all
            names are known (which project a folder belongs to is told by them).
        tables: label tables from elsewhere, by their own name.
        classified: called in this thread when the kinds of files are known (on a slow disk: of those that could be
            looked at in time), before the first one is decoded.
    """
    root = Path(root)
    stop_if_cancelled = _stopper(cancelled)
    look = Look(root, folder_name(root), walk(root, stop_if_cancelled))
    if decide is not None:
        intake, tables = decide(look.tree)
    look.tables = read_tables(root, look.tree, tables)
    layout, _facts = layout_of(look, intake)
    if named is not None:
        named(look, layout)
    with ScanCache(root) as cache:
        look.verdicts = cache.known((found for found in look.tree.files if found.kind == "file"), stop_if_cancelled)
    _classify(look, layout, stop_if_cancelled)
    if classified is not None:
        classified(look)
    complete(look, layout, progress, cancelled, workers, in_hand, isolated)
    return look


def complete(
    look: Look,
    layout: Layout,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    in_hand: Callable[[str], AbstractContextManager[None]] = lambda _path: nullcontext(),
    isolated: bool = False,
) -> None:
    """Reads what a layout needs and was not read yet; see `scan_folder` for the arguments.

    What was read stays in `look`, also when the work is cancelled.
    """
    stop_if_cancelled = _stopper(cancelled)
    files = _of_a_person(look)
    in_full = [found for found in wanted(look, layout) if _is_open(look, found)]
    others = {found.path for found in files} - look.verdicts.keys() - {found.path for found in in_full}
    heads = [found for found in files if found.path in others]
    done = len(files) - len(in_full) - len(heads)

    def tell() -> None:
        if progress is not None:
            progress(done, len(files))

    tell()
    for number, (found, verdict) in enumerate(read_heads(look.root, heads, stop_if_cancelled), 1):
        look.verdicts[found.path] = verdict
        done += 1
        if not number % TELL_EVERY or number == len(heads):
            tell()
    if isolated:
        reading = read_all(look.root, in_full, stop_if_cancelled, workers)
    else:
        reading = _in_threads(look.root, in_full, stop_if_cancelled, workers, in_hand)
    with ScanCache(look.root) as cache, closing(reading):
        for found, verdict in reading:
            look.verdicts[found.path] = verdict
            cache.keep(found, verdict)
            done += 1
            tell()
    stop_if_cancelled()


def _classify(look: Look, layout: Layout, stop_if_cancelled: Callable[[], None]) -> None:
    """First bytes, as many as can be read at once: of files with a class first."""
    files = [found for found in _of_a_person(look) if found.path not in look.verdicts]
    files.sort(key=lambda found: not isinstance(layout.place(found.parts), Place))  # keeps the order among equals
    look.verdicts |= {
        found.path: verdict for found, verdict in read_heads(look.root, files, stop_if_cancelled, CLASSIFY_S)
    }


def _of_a_person(look: Look) -> list[FoundFile]:
    return [found for found in look.tree.files if found.kind == "file" and not_a_persons(found.parts) is None]


def _is_open(look: Look, found: FoundFile) -> bool:
    """Whether a file must still be read in full: what is no image by its first bytes is none."""
    verdict = look.verdicts.get(found.path)
    return verdict is None or (verdict.level == "head" and verdict.reason_code is None)


def _stopper(cancelled: Callable[[], bool] | None) -> Callable[[], None]:
    def stop_if_cancelled() -> None:
        if cancelled is not None and cancelled():
            raise ScanCancelled

    return stop_if_cancelled


def _in_threads(
    root: Path,
    files: Sequence[FoundFile],
    stop_if_cancelled: Callable[[], None],
    workers: int | None,
    in_hand: Callable[[str], AbstractContextManager[None]],
) -> Generator[tuple[FoundFile, Verdict], None, None]:
    """As `read_all`, in the order of `files`; Pillow decodes outside of Python's lock, so threads are enough."""

    def check(found: FoundFile) -> Verdict:
        with in_hand(found.path):
            return read_file(root, found)

    threads = max(1, workers or min(os.cpu_count() or 1, MOST_THREADS))
    waiting = iter(files)
    with ThreadPoolExecutor(threads, thread_name_prefix="scan") as pool:
        # Not `pool.map`, which makes a future for every file of the folder before the first one is read.
        ahead = deque((found, pool.submit(check, found)) for found in islice(waiting, AHEAD * threads))
        try:
            while ahead:
                stop_if_cancelled()
                found, verdict = ahead.popleft()
                yield found, verdict.result()
                ahead.extend((found, pool.submit(check, found)) for found in islice(waiting, 1))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
