"""What is tried to guess the class from, and when a guess is called a shortcut.

A probe is red, for a class or for all of them together, where

    lower bound of its AUC > .75,
    the skill of the whole picture stays when its centre is masked (>= .8 of it),
    and the probe's skill is >= .8 of the whole picture's,

with skill = AUC - .5. Border, corners, text, file and device alone can be red: sizes and colours carry honest signal in
many sets, so of them no more than a question is asked.

To add a probe: a row in `PROBES`, its numbers in `evidence`, its name in `core.events.ProbeScore`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tlgui.core.events import ProbeScore, ShortcutsProbed
from tlgui.engine import evidence
from tlgui.engine.intervals import Measured
from tlgui.engine.kernel_probe import Kernel, Task, Told, tell
from tlgui.imaging.listing import ListedImage

CLEARLY = 0.75  # AUC above which the lower bound must lie
STAYS = 0.8  # share of the whole picture's skill

Verdict = Literal["red", "question", "quiet"]
Rows = Mapping[str, NDArray[np.floating]]
_RANK: dict[str, int] = {"quiet": 0, "question": 1, "red": 2}


@dataclass(frozen=True)
class Probe:
    """One thing from which the class is guessed.

    Attributes:
        name: as in `ProbeScore`.
        label: in words.
        thing: the same within a sentence.
        kernel: of the probe.
        may_be_red: whether it must not matter.
        advice: what to do where it is red.
    """

    name: str
    label: str
    thing: str
    kernel: Kernel = "linear"
    may_be_red: bool = False
    advice: str = ""


_CUT = "Look for frames, markers and text there, and cut the border off."
_QUESTION = "Should the classes differ in that?"
PROBES = (
    Probe("full", "Whole picture", "the whole picture"),
    Probe("masked", "Centre masked", "the picture with its centre masked"),
    Probe("border", "Outer border", "the outer border", may_be_red=True, advice=_CUT),
    Probe("corners", "Corners", "the corners", may_be_red=True, advice=_CUT),
    Probe("burned-in", "Burned-in text", "burned-in text", may_be_red=True, advice="Cut it off, or take other images."),
    Probe(
        "file",
        "Kind of file",
        "format, bit depth and compression of the file",
        may_be_red=True,
        advice="Save all images in one and the same way.",
    ),
    Probe("device", "Device", "the device", may_be_red=True, advice="Take images of each class from each device."),
    Probe("histogram", "Brightness and colour", "brightness and colour", "gaussian"),
    Probe("size", "Picture size", "the size of the picture", "gaussian"),
)
_REFERENCES = ("full", "masked")
_CROPPED = ("border", "corners")


def rows_by_probe(
    images: Sequence[ListedImage], rows: Sequence[Mapping[str, NDArray[np.float32]]]
) -> dict[str, NDArray[np.floating]]:
    """The numbers of each probe for N images, (N, D) each, from what `evidence.rows_of` gives of each image."""
    found: dict[str, NDArray[np.floating]] = {
        name: np.stack([row[name] for row in rows]) for name in rows[0] if name != "saved"
    }
    tags = evidence.words([image.burned_in for image in images])
    found["burned-in"] = np.concatenate([found["burned-in"], tags], axis=1)
    found["file"] = evidence.file_rows(images, np.array([float(row["saved"][0]) for row in rows]))
    found["size"] = evidence.size_rows(images)
    found["device"] = evidence.words([image.device for image in images])
    return found


def told(task: Task, probe: Probe, rows: Rows) -> Told | None:
    """How well a probe tells the classes; `None` where its thing does not vary."""
    return tell(task, rows[probe.name], probe.kernel)


def judged(found: Mapping[str, Told | None], classes: Sequence[str]) -> list[ProbeScore]:
    """Every probe with its verdict and its sentence.

    Args:
        found: by the probes' names; all of `PROBES`.
        classes: in the order of the labels.
    """
    return [_judged(probe, found[probe.name], found["full"], found["masked"], classes) for probe in PROBES]


def removing_border(task: Task, rows: Rows, found: Mapping[str, Told | None]) -> float:
    """The smallest share that, cut off on each side, takes every red border and corner probe away; 0 = none does."""
    red: list[tuple[Probe, int | None]] = []
    for probe in (probe for probe in PROBES if probe.name in _CROPPED):
        one = found[probe.name]
        verdict, place = _verdict(probe, one, found["full"], found["masked"]) if one else ("quiet", None)
        red += [(probe, place)] if verdict == "red" else []
    for share in evidence.CROPS if red else ():
        left = [(tell(task, rows[f"{probe.name}@{share:g}"], probe.kernel), place) for probe, place in red]
        if not any(one is not None and _clear(one, place) for one, place in left):
            return share
    return 0.0


def concluded(scores: list[ProbeScore], images: int, border: float) -> ShortcutsProbed:
    """The answer of the whole job."""
    verdict = max((score.verdict for score in scores), key=lambda verdict: _RANK[verdict])
    named = [probe.thing for probe, score in zip(PROBES, scores, strict=True) if score.verdict == verdict]
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    match verdict:
        case "red":
            repair = f" Cutting {100 * border:.0f} % off on each side takes it away." if border else ""
            sentence = (
                f"The class can be guessed from {listed}: a model may learn that instead of what you are after.{repair}"
            )
        case "question":
            sentence = f"No shortcut was found. The class can be told from {listed} too, which may be honest or not."
        case _:
            sentence = "No shortcut was found in what was tried; that does not prove that there is none."
    return ShortcutsProbed(probes=scores, images=images, verdict=verdict, sentence=sentence, border=border)


def _judged(
    probe: Probe, found: Told | None, full: Told | None, masked: Told | None, classes: Sequence[str]
) -> ProbeScore:
    if found is None:
        return ProbeScore(name=probe.name, label=probe.label, sentence=f"All images are alike: {probe.label.lower()}.")
    verdict, place = _verdict(probe, found, full, masked)
    auc = found.auc
    return ProbeScore(
        name=probe.name,
        label=probe.label,
        auc=auc.value,
        low=auc.low,
        high=auc.high,
        chance=found.chance,
        verdict=verdict,
        sentence=_sentence(probe, verdict, _at(found, place), "" if place is None else classes[place]),
    )


def _verdict(probe: Probe, found: Told, full: Told | None, masked: Told | None) -> tuple[Verdict, int | None]:
    """The verdict, and the class for which it holds (`None`: for all of them together)."""
    if probe.name in _REFERENCES:
        return "quiet", None
    places = [place for place in _places(found) if _clear(found, place)]
    if probe.may_be_red and full is not None and masked is not None:
        for place in places:
            needed = STAYS * _skill(_at(full, place))
            if _skill(_at(masked, place)) >= needed and _skill(_at(found, place)) >= needed:
                return "red", place
    return ("question", places[0]) if places else ("quiet", None)


def _places(found: Told) -> list[int | None]:
    """Where a probe is judged: for all classes together, then for each alone, the one that it tells best first."""
    order = sorted(range(len(found.classes)), key=lambda index: -(found.classes[index].value or 0))
    return [None, *(order if len(order) > 2 else [])]


def _at(found: Told, place: int | None) -> Measured:
    return found.auc if place is None else found.classes[place]


def _clear(found: Told, place: int | None) -> bool:
    return (_at(found, place).low or 0) > CLEARLY


def _skill(auc: Measured) -> float:
    return max(0.0, (auc.value or 0) - 0.5)


def _sentence(probe: Probe, verdict: Verdict, auc: Measured, class_name: str) -> str:
    number = f"AUC {_number(auc)}"
    if probe.name in _REFERENCES:
        return f"From {probe.thing} the classes are told with an {number}."
    if verdict == "quiet":
        return f"The class cannot clearly be told from {probe.thing} alone ({number})."
    what = f"'{class_name}' can be told from the other classes" if class_name else "the class can be told"
    return f"From {probe.thing} alone {what} ({number}). {probe.advice if verdict == 'red' else _QUESTION}"


def _number(auc: Measured) -> str:
    return f"{auc.value or 0:.2f}, {auc.low or 0:.2f} to {auc.high or 0:.2f}"
