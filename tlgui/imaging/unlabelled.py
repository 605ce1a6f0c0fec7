"""A folder of images without labels, such as a new site's: any tree, whose folders and tables mean nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tlgui.core.records import LeftOut, Reason
from tlgui.imaging.listing import ListedImage
from tlgui.imaging.names import not_a_persons, printable
from tlgui.imaging.opening import stopper
from tlgui.imaging.readers import read_all
from tlgui.imaging.scan_cache import ScanCache
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile, walk


@dataclass
class Unlabelled:
    """What lies in the folder: images + left_out = all files.

    Attributes:
        images: that can be used, sorted by path; class "" for all of them. A DICOM patient is a group.
        left_out: files that cannot be used, and why; sorted likewise.
        unlisted: folders that could not be looked into: how many files they hold is not known.
    """

    images: list[ListedImage] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, int]:
        """How many files are left out, by reason code."""
        return dict(sorted(Counter(str(left.reason_code.value) for left in self.left_out).items()))


def read_unlabelled(
    root: Path,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Unlabelled:
    """Reads every file below a folder in full, in processes of their own; nothing is ever written there.

    Args:
        root: the folder.
        progress: called with (files done, files in all).
        cancelled: asked between two files.

    Raises:
        UserError: the folder is missing or cannot be read.
        ScanCancelled: `cancelled()` returned True.
    """
    stop_if_cancelled = stopper(cancelled)
    tree = walk(root, stop_if_cancelled)
    verdicts = _verdicts(root, [found for found in tree.files if found.kind == "file"], progress, stop_if_cancelled)
    answer = Unlabelled(unlisted=tree.unreadable)
    for found in tree.files:
        image = _judged(found, verdicts.get(found.path))
        if isinstance(image, ListedImage):
            answer.images.append(image)
        else:
            answer.left_out.append(LeftOut(path=printable(found.path), reason_code=image[0], reason=image[1]))
    return answer


def _verdicts(
    root: Path,
    files: list[FoundFile],
    progress: Callable[[int, int], None] | None,
    stop_if_cancelled: Callable[[], None],
) -> dict[str, Verdict]:
    with ScanCache(root) as cache:
        verdicts = cache.known(files, stop_if_cancelled)
        unread = [
            found for found in files if not_a_persons(found.parts) is None and not _is_read(verdicts.get(found.path))
        ]
        done = len(files) - len(unread)
        with closing(read_all(root, unread, stop_if_cancelled)) as reading:
            for found, verdict in reading:
                verdicts[found.path] = verdict
                cache.keep(found, verdict)
                done += 1
                if progress is not None:
                    progress(done, len(files))
    return verdicts


def _is_read(verdict: Verdict | None) -> bool:
    return verdict is not None and (verdict.level == "full" or verdict.reason_code is not None)


def _judged(found: FoundFile, verdict: Verdict | None) -> ListedImage | tuple[Reason, str]:
    if ours := not_a_persons(found.parts):
        return ours
    if found.kind == "broken link":
        return Reason.UNREADABLE, "It is a link to a file that does not exist."
    if found.kind == "special":
        return Reason.UNREADABLE, "It is not an ordinary file."
    if verdict is not None and verdict.reason_code is not None:
        return verdict.reason_code, verdict.reason
    if verdict is None or verdict.description is None:
        return Reason.UNREADABLE, "It could not be read."
    description, dicom = verdict.description, verdict.dicom
    return ListedImage(
        path=found.path,
        class_name="",
        group=dicom.patient if dicom else "",
        content_hash=verdict.content_hash,
        width=description.width,
        height=description.height,
        bits=description.bits,
        format=description.format,
        size_bytes=verdict.size_bytes,
        device=dicom.device if dicom else "",
        burned_in=dicom.burned_in if dicom else "",
    )
