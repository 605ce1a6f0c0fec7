"""Warnings about pixels: depth, colour, size, frames, and what may give the class away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from statistics import median

from tlgui.core.intake import ChooseFrame, ChooseSlices, CropBorder, SetColour, SetPixelRule, repair
from tlgui.core.records import Frame, Reason
from tlgui.imaging.file_check import Checked
from tlgui.imaging.findings import Findings, Found, by_class, leave_out, paths_of, warning
from tlgui.imaging.names import counted, listed
from tlgui.imaging.pixel_rule import PERCENTILES

EXTREME_SHAPE = 10  # long side to short side: resized to a square, nothing can be recognised
CHANNEL_DIFFERENCE = 0.5  # share of grey images in one class and in another
SIZE_DIFFERENCE = 3  # of the median longer side in one class and in another
DARK = 0.05  # of the range: no grey level above 13 of 255
TEXT_BORDER = 0.06  # share of each side in which machines write
WRITTEN_ON = {"US", "SC", "OT", "XC", "ES", "DOC"}  # DICOM modalities whose pictures often carry text

OWN_RANGE = repair(
    "Stretch each image by its own brightness",
    SetPixelRule(method="percentile", low=PERCENTILES[0], high=PERCENTILES[1]),
)


def deep_pixels(findings: Findings) -> Found:
    """What becomes of values that the pixel rule acts on, and whether such images stand beside others."""
    rule = findings.rule
    deep = _where(findings, lambda checked: checked.description.lowest is not None)
    if not deep:
        return
    told = {
        "range": f"{rule.low:g} to {rule.high:.10g} becomes 0 to 255, the same for the whole set",
        "percentile": f"each is stretched from its own {rule.low:g} % to its own {rule.high:g} % of pixels",
        "window": "each is shown in the window that its file brings",
    }
    what = "more than 8 bits per value"
    what += " or are grey DICOM" if any(checked.description.bits == 8 for checked in deep) else ""
    count = counted(len(deep), "image holds", "images hold")
    yield warning("deep_pixels", f"{count} {what}: {told[rule.method]}.", paths_of(deep))
    mend = [OWN_RANGE] if rule.method == "range" else []
    if mend and len({checked.description.floating for checked in deep}) > 1:
        yield warning(
            "mixed_numbers",
            "Whole and floating-point pixel values are mixed: one range covers both, so images with small values "
            "turn dark; save all of them in one kind.",
            paths_of(checked for checked in deep if checked.description.floating),
            mend,
        )
    if len(deep) < len(findings.used):
        yield warning(
            "mixed_depth",
            f"{len(deep)} of {len(findings.used)} images hold {what} and the others do not; "
            "check that this does not give the class away.",
            paths_of(deep),
            mend,
        )


def dark_images(findings: Findings) -> Found:
    """Images that use so little of the set's range that they turn nearly black, beside others that fill it."""
    rule = findings.rule
    if rule.method != "range":
        return
    least = rule.low + DARK * (rule.high - rule.low)
    deep = [checked for checked in findings.used if checked.description.typical is not None]
    dark = [checked for checked in deep if (typical := checked.description.typical) and typical[1] < least]
    if dark and len(dark) < len(deep):
        count = counted(len(dark), "image uses", "images use")
        yield warning(
            "dark_images",
            f"{count} less than {100 * DARK:g} % of the range {rule.low:g} to {rule.high:.10g} that fits the whole set, and "
            f"{'turns' if len(dark) == 1 else 'turn'} nearly black: {listed(checked.found.path for checked in dark)}.",
            paths_of(dark),
            [OWN_RANGE],
        )


def not_finite(findings: Findings) -> Found:
    """Values that no brightness belongs to."""
    paths = paths_of(_where(findings, lambda checked: not checked.description.all_finite))
    if paths:
        count = counted(len(paths), "image holds", "images hold")
        sentence = f"{count} values that are no finite number; they count as the lowest: {listed(paths)}."
        yield warning("values_not_finite", sentence, paths, [leave_out(paths)])


def channels(findings: Findings) -> Found:
    """Grey images in one class and coloured ones in another."""
    if findings.rule.colour == "grey":
        return
    classes = by_class(findings.used)
    shares = {
        name: sum(checked.description.grey for checked in images) / len(images) for name, images in classes.items()
    }
    most, least = max(shares, key=lambda name: shares[name]), min(shares, key=lambda name: shares[name])
    if shares[most] - shares[least] > CHANNEL_DIFFERENCE:
        grey = [checked for checked in classes[most] if checked.description.grey]
        coloured = [checked for checked in classes[least] if not checked.description.grey]
        yield warning(
            "mixed_channels",
            f"Grey images are {shares[most]:.0%} of '{most}' and {shares[least]:.0%} of '{least}': all are converted "
            "to three channels, but colour alone may still give the class away.",
            paths_of([*grey[:50], *coloured[:50]]),
            [repair("Take the colour out of all images", SetColour(colour="grey"))],
        )


def sizes_by_class(findings: Findings) -> Found:
    """Classes whose images were taken in another size, so that sharpness tells them apart."""
    classes = by_class(findings.used)
    sides = {
        name: median(max(checked.description.width, checked.description.height) for checked in images)
        for name, images in classes.items()
    }
    large, small = max(sides, key=lambda name: sides[name]), min(sides, key=lambda name: sides[name])
    if sides[large] > SIZE_DIFFERENCE * sides[small]:
        yield warning(
            "mixed_sizes",
            f"The images of '{large}' are much larger than those of '{small}' (half of them beyond {sides[large]:.0f} "
            f"against {sides[small]:.0f} pixels): sharpness alone may give the class away.",
            paths_of([*classes[large][:50], *classes[small][:50]]),
        )


def burned_in_text(findings: Findings) -> Found:
    """DICOM images that say, or whose kind suggests, that text is part of the picture."""
    said, likely = [], []
    for checked in findings.used:
        facts = checked.verdict.dicom
        if facts is not None and facts.burned_in == "yes":
            said.append(checked.found.path)
        elif facts is not None and not facts.burned_in and facts.modality in WRITTEN_ON:
            likely.append(checked.found.path)
    crop = repair(f"Cut {TEXT_BORDER:.0%} off on each side", CropBorder(share=TEXT_BORDER))
    if said:
        count = counted(len(said), "DICOM image says", "DICOM images say")
        yield warning(
            "burned_in_text",
            f"{count} that text is burned into the picture, which may name a person or give the class away.",
            said,
            [*([crop] if findings.rule.border < TEXT_BORDER else []), leave_out(said)],
        )
    if likely:
        count = counted(len(likely), "DICOM image is", "DICOM images are")
        yield warning(
            "burned_in_text_possible",
            f"{count} of a kind that often has text in the picture, and the file does not say whether; look at some.",
            likely,
        )


_FRAMES: tuple[Frame, Frame, Frame] = ("first", "middle", "last")


def frames(findings: Findings) -> Found:
    """Files with several frames or pages, of which one is used."""
    chosen: defaultdict[Frame, list[str]] = defaultdict(list)
    for checked in _where(findings, lambda checked: checked.description.frames > 1):
        default: Frame = "middle" if checked.description.dicom else "first"
        chosen[default if findings.rule.frame == "auto" else findings.rule.frame].append(checked.found.path)
    for frame in _FRAMES:
        if paths := chosen[frame]:
            count = counted(len(paths), "file holds", "files hold")
            yield warning(
                f"{frame}_frame_only",
                f"{count} several frames or pages; the {frame} one is used: {listed(paths)}.",
                paths,
                [repair(f"Use the {other} one", ChooseFrame(frame=other)) for other in _FRAMES if other != frame],
            )


def slices(findings: Findings) -> Found:
    """Slices of a series that another slice stands for."""
    others = [left.path for left in findings.left_out if left.reason_code is Reason.OTHER_SLICE]
    if others:
        count = counted(len(others), "DICOM slice is", "DICOM slices are")
        yield warning(
            "one_slice_only",
            f"{count} not used, since the middle slice of each series stands for all of it.",
            others,
            [repair("Use all slices, and keep those of one study together", ChooseSlices(slices="all"))],
        )


def flat_images(findings: Findings) -> Found:
    """Pictures of a single colour, from which nothing can be learnt."""
    flat = paths_of(_where(findings, lambda checked: any(code == "flat" for code, _ in checked.verdict.notices)))
    if flat:
        count = counted(len(flat), "image shows", "images show")
        yield warning("flat_images", f"{count} nothing but one colour: {listed(flat)}.", flat, [leave_out(flat)])


def shapes(findings: Findings) -> Found:
    """Very long and narrow images."""
    extreme = paths_of(_where(findings, _is_extreme))
    if extreme:
        count = counted(len(extreme), "image is", "images are")
        sentence = f"{count} more than {EXTREME_SHAPE} times as long as wide: {listed(extreme)}."
        yield warning("extreme_shape", sentence, extreme, [leave_out(extreme)])


def _is_extreme(checked: Checked) -> bool:
    sides = checked.description.width, checked.description.height
    return max(sides) > EXTREME_SHAPE * min(sides)


def _where(findings: Findings, holds: Callable[[Checked], bool]) -> list[Checked]:
    return [checked for checked in findings.used if holds(checked)]
