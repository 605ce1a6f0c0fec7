"""One look at a dataset folder: every file either used or left out with the reason."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path

from tlgui.core.records import ImageRecord, LeftOut, Scan
from tlgui.imaging.checks import Findings, warnings_of
from tlgui.imaging.file_check import Checked, check_file
from tlgui.imaging.layout import Layout, recognise
from tlgui.imaging.names import order
from tlgui.imaging.pixel_rule import choose_pixel_rule
from tlgui.imaging.refusals import refuse_unusable
from tlgui.imaging.walk import FoundFile, Tree, folder_name, walk

MOST_WORKERS = 8  # more threads mean more decoded images in memory at once, and the disk is the limit by then
AHEAD = 16  # files for each thread that are handed out before their turn, so that none waits


class ScanCancelled(Exception):  # noqa: N818 (what the caller asked for, not an error)
    """`cancelled()` said yes: nothing was written anywhere, so there is nothing to undo."""


def scan_folder(
    root: Path,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    for_training: bool = True,
    named: Callable[[Tree, Layout], None] | None = None,
    in_hand: Callable[[str], AbstractContextManager[None]] = lambda _path: nullcontext(),
) -> Scan:
    """Classify every file below `root`; each image is read once, hashed, and decoded in full.

    A decode in full costs minutes on large sets and is worth them: an image that is cut off at its end passes every
    quicker check and would stop the training hours later.

    Args:
        root: the dataset's folder; nothing is ever written there.
        progress: called in this thread with (files done, files in all).
        cancelled: asked in this thread between two files.
        workers: decoding threads; by default one per processor, at most 8.
        for_training: False for images that a finished model is scored on: one class is then enough, and a test folder
            needs no train folder beside it.
        named: called in this thread with all names, before the first file is read.
        in_hand: entered around the reading of each file, in the thread that reads it.

    Returns:
        The scan, in the same order on every machine.

    Raises:
        UserError: no classifier can come of this folder; says what to do.
        ScanCancelled: `cancelled()` returned True.
    """

    def stop_if_cancelled() -> None:
        if cancelled is not None and cancelled():
            raise ScanCancelled

    root = Path(root)
    tree = walk(root, stop_if_cancelled)
    layout = recognise(tree)
    if named is not None:
        named(tree, layout)

    def check(found: FoundFile) -> Checked | LeftOut:
        with in_hand(found.path):
            return check_file(root, found, layout)

    verdicts = _check_all(check, tree.files, progress, stop_if_cancelled, workers)
    used = [verdict for verdict in verdicts if isinstance(verdict, Checked)]
    left_out = [verdict for verdict in verdicts if isinstance(verdict, LeftOut)]
    refuse_unusable(folder_name(root), tree, layout, used, left_out, for_training)
    classes = sorted({checked.place.class_name for checked in used})
    # Test images stand for images that nobody has seen yet: nothing is chosen by looking at them.
    rule = choose_pixel_rule(checked.description for checked in used if checked.place.split != "test")
    return Scan(
        name=folder_name(root),
        layout=layout.name,
        classes=classes,
        used=[_record(checked) for checked in used],
        left_out=sorted(left_out, key=lambda left: order(left.path)),
        warnings=warnings_of(Findings(tree, layout, used, left_out, classes, rule)),
        pixel_rule=rule,
        deep_images=sum(checked.description.lowest is not None for checked in used),
    )


def _check_all(
    check: Callable[[FoundFile], Checked | LeftOut],
    files: list[FoundFile],
    progress: Callable[[int, int], None] | None,
    stop_if_cancelled: Callable[[], None],
    workers: int | None,
) -> list[Checked | LeftOut]:
    """The verdicts in the order of `files`; Pillow decodes outside of Python's lock, so threads are enough."""
    verdicts: list[Checked | LeftOut] = []
    threads = max(1, workers or min(os.cpu_count() or 1, MOST_WORKERS))
    waiting = iter(files)
    with ThreadPoolExecutor(threads, thread_name_prefix="scan") as pool:
        # Not `pool.map`, which makes a future for every file of the folder before the first one is read.
        ahead = deque(pool.submit(check, found) for found in islice(waiting, AHEAD * threads))
        try:
            while ahead:
                stop_if_cancelled()
                verdicts.append(ahead.popleft().result())
                ahead.extend(pool.submit(check, found) for found in islice(waiting, 1))
                if progress is not None:
                    progress(len(verdicts), len(files))
            stop_if_cancelled()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return verdicts


def _record(checked: Checked) -> ImageRecord:
    return ImageRecord(
        path=checked.found.path,
        class_name=checked.place.class_name,
        given_split=checked.place.split,
        content_hash=checked.content_hash,
        width=checked.description.width,
        height=checked.description.height,
    )
