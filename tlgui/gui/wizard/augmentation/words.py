"""How training images are varied, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from tlgui.core.augmentations import Augmentation, in_use
from tlgui.core.run_spec import Training

_COLOURS = (("brightness", "brightness"), ("contrast", "contrast"), ("saturation", "colour"))


def phrases(row: Augmentation) -> list[str]:
    """What is done to an image, one phrase each, such as "turned by up to 7 degrees"; none where nothing is."""
    said = []
    if row.smallest_area < 1:
        of = "of the picture" if row.too_large == "squeeze" else "of the picture (a long one to less)"
        said.append(f"cropped to {_percent(row.smallest_area)} to 100 % {of}")
    if row.largest_ratio > 1:
        said.append(f"stretched by up to {_percent(row.largest_ratio - 1)} %")
    if row.mirror:
        said.append("mirrored in half of the views")
    if row.upside_down:
        said.append("upside down in half of the views")
    if row.quarter_turns:
        said.append("turned by quarter turns")
    if row.rotation:
        said.append(f"turned by up to {row.rotation:g} degrees")
    by_reach: dict[float, list[str]] = {}
    for field, word in _COLOURS:
        if reach := getattr(row, field):
            by_reach.setdefault(reach, []).append(word)
    said += [f"{_listed(names)} up to {_percent(reach)} % lower or higher" for reach, names in by_reach.items()]
    if row.hue:
        said.append(f"tint shifted by up to {_percent(row.hue)} % of the colour circle")
    return said


def lines(row: Augmentation) -> list[str]:
    """The same as lines of a list, with what is never done."""
    if row.changes_nothing:
        return [row.sentence]
    said = [f"{phrase[0].upper()}{phrase[1:]}." for phrase in phrases(row)]
    return said if row.mirror else [*said, "Never mirrored."]


def sentence(training: Training, answer: bool | None = None) -> str:
    """How training images are varied, for the review.

    Args:
        training: of the run; with its views filled in, how they take turns is said too.
        answer: whether left and right matter, as it was answered for these images (`answer.answer_of`); `None` = it was
            not, or the run has begun and holds it already.
    """
    mirror = training.mirror if training.mirror is not None or answer is None else not answer
    row = in_use(training.augmentation, mirror)
    if row.changes_nothing:
        return "Training images are not varied: each is shown as it is, every time."
    never = "" if row.mirror else ", and never mirrored" + (", since left and right matter" if mirror is False else "")
    varied = f"Training images are varied by the kind '{row.label}': {', '.join(phrases(row))}{never}."
    return " ".join(filter(None, (varied, _views(training))))


def mirror_words(mirror: bool) -> str:
    """What happens to left and right."""
    return "half of the views are mirrored" if mirror else "no view is mirrored"


def _views(training: Training) -> str:
    if (training.views or 1) < 2:
        return ""
    grow = f", and a new one joins them after every {training.view_every} epochs" if training.view_every else ""
    return f"While lower layers are frozen, {training.views} views of each image take turns{grow}."


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
