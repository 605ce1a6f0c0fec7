"""What a person should know once it is clear which images train, which validate and which test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tlgui.core.intake import CutTest, DrawSplitAnew, repair
from tlgui.core.records import Copies, DatasetWarning, Scan
from tlgui.core.split import PARTS, Kept, Part, conflicts, missing_in, nfc, units_of
from tlgui.imaging.checks_copies import evidence, ignore, keep_together
from tlgui.imaging.copies import leaks
from tlgui.imaging.findings import Found, leave_out, leave_out_class, warning
from tlgui.imaging.names import counted, listed


def part_warnings(scan: Scan, parts: Mapping[str, Part], kept: Kept | None = None) -> list[DatasetWarning]:
    """Warnings about the parts of a split, the worst first.

    Args:
        scan: what was found.
        parts: of every used image.
        kept: the split that the project keeps, which `parts` follow.
    """
    return [found for check in PART_CHECKS for found in check(scan, parts, kept)]


def all_warnings(scan: Scan, parts: Mapping[str, Part], kept: Kept | None = None) -> list[DatasetWarning]:
    """Those about the parts, then those about the images; pairs that were told of as leaks are not told of again."""
    about_parts = part_warnings(scan, parts, kept)
    told = {"twins"} if any(found.code == "leaks" for found in about_parts) else set()
    return [*about_parts, *(found for found in scan.warnings if found.code not in told)]


def _leaks(scan: Scan, parts: Mapping[str, Part], kept: Kept | None = None) -> Found:
    """Images that show the same and lie in two parts."""
    pairs = _crossing(scan, parts)
    if not pairs:
        return
    first, second = pairs[0].first, pairs[0].second
    count = counted(len(pairs), "pair of images shows", "pairs of images show")
    # Where the folder or an earlier split parts those that belong together, keeping together alone moves nothing.
    if given := _is_settled(scan, pairs, kept):
        mend = keep_together(scan.copies, "Keep them together, and draw all three parts anew", DrawSplitAnew())
    else:
        # Also those that one part holds by chance, since another seed would part them; last, should not all fit.
        apart = {(pair.first, pair.second) for pair in pairs}
        mend = keep_together([*pairs, *(one for one in scan.copies if (one.first, one.second) not in apart)])
    out = leave_out((_less_needed(pair, parts) for pair in pairs), "Leave one of each pair out")
    yield warning(
        "leaks",
        f"{count} the same in two parts of the split, so the score is better than it should be"
        f"{', such as' if len(pairs) > 1 else ':'} '{first}' ({parts[first]}) and '{second}' ({parts[second]}).",
        evidence(pairs),
        [*([out, mend] if given else [mend, out]), ignore(pairs)],
    )


def _is_settled(scan: Scan, pairs: Sequence[Copies], kept: Kept | None) -> bool:
    groups = {record.path: record.group for record in scan.used}
    known = any(groups[pair.first] and groups[pair.first] == groups[pair.second] for pair in pairs)
    stays = kept is not None and any(nfc(pair.first) in kept.parts and nfc(pair.second) in kept.parts for pair in pairs)
    return known or stays or any(record.given_split for record in scan.used)


def _crossing(scan: Scan, parts: Mapping[str, Part]) -> list[Copies]:
    return [pair for pair in leaks(scan.copies, parts) if parts[pair.first] != parts[pair.second]]


def _less_needed(pair: Copies, parts: Mapping[str, Part]) -> str:
    """The one that trains, else the one that validates: what measures is kept."""
    return min((pair.second, pair.first), key=lambda path: PARTS.index(parts[path]))


def _torn_groups(scan: Scan, parts: Mapping[str, Part], _kept: Kept | None = None) -> Found:
    """Groups in several parts, since the folder or an earlier split says so; copies are told of as leaks."""
    told = {path for pair in _crossing(scan, parts) for path in (pair.first, pair.second)}
    torn = set(conflicts(scan.used, parts)) - {record.group for record in scan.used if record.path in told}
    if torn:
        paths = [record.path for record in scan.used if record.group in torn]
        count = counted(
            len(torn), "group of images that belong together lies", "groups of images that belong together lie"
        )
        yield warning(
            "groups_torn",
            f"{count} in more than one part, as the folder or an earlier split has it, so the score is better than it "
            f"should be: {listed(paths)}.",
            paths,
            [repair("Draw all three parts anew", DrawSplitAnew())],
        )


def _missing_classes(scan: Scan, parts: Mapping[str, Part], _kept: Kept | None = None) -> Found:
    """Classes that a part lacks which the folder did not give: they have too few images or groups."""
    given = {record.given_split for record in scan.used}
    units = units_of(scan.used)
    images = Counter(record.class_name for record in scan.used)
    for part, missing in missing_in(scan.used, parts).items():
        # A single image has a warning of its own.
        names = [name for name in missing if part not in given and (units[name] > 1 or images[name] > 1)]
        if names:
            one, more = f"The class {listed(names)} is", f"The classes {listed(names)} are"
            yield warning(
                f"class_missing_in_{part}",
                f"{one if len(names) == 1 else more} not among the {part} images, for want of images that may be parted, "
                f"so {'nothing can be learnt' if part == 'train' else 'nothing is measured'} for it.",
                [record.path for record in scan.used if record.class_name in names],
                [mend for name in names for mend in leave_out_class(name, scan.classes, scan.found_classes)],
            )


def _no_test(scan: Scan, parts: Mapping[str, Part], _kept: Kept | None = None) -> Found:
    """No image stands for those that nobody has seen yet."""
    if "test" in parts.values():
        return
    given = {record.given_split for record in scan.used}
    yield warning(
        "no_test_part",
        "There are no test images, so every score is of images by which the best epoch was chosen, and a little too good.",
        repairs=[repair("Cut a test part from the training images", CutTest())] if "train" in given else [],
    )


# To add a check: a function from the scan and its parts to warnings, its name in this row, its case in the test.
PART_CHECKS = (_leaks, _torn_groups, _missing_classes, _no_test)
