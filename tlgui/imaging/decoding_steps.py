"""What was done to one image on its way from the file to pixels: one plain sentence for each step that was applied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from tlgui.core.records import PixelRule
from tlgui.imaging.decoding import Decoded, Header, frame_index
from tlgui.imaging.dicom import photometric_of, rescale_of
from tlgui.imaging.mapping import finite_values, orientation_of
from tlgui.imaging.pillow_frames import frames_of

ORIENTATIONS = {
    2: "Mirrored, as the file notes.",
    3: "Turned upright: the camera noted a half turn.",
    4: "Turned upright and mirrored, as the file notes.",
    5: "Turned upright and mirrored, as the file notes.",
    6: "Turned upright: the camera noted a quarter turn.",
    7: "Turned upright and mirrored, as the file notes.",
    8: "Turned upright: the camera noted a quarter turn.",
}
COLOURS = {
    "CMYK": "CMYK inks turned into red, green, blue.",
    "LAB": "CIELAB colours turned into red, green, blue.",
    "P": "Colours taken from the file's palette.",
    "PA": "Colours taken from the file's palette.",
}
GREY = "Grey: the same value in red, green and blue."
BRIGHT_IS_LOW = "Inverted, since the file says that low values are bright ({name})."
_BACKGROUNDS = {(255, 255, 255): "white", (0, 0, 0): "black"}
_ORDINALS = {"first": "the first one", "middle": "the middle one", "last": "the last one"}
_UNTURNED = 1


class Facts(NamedTuple):
    """What the header says that is gone after the decode.

    Attributes:
        mode: Pillow's name of how the pixels are stored.
        orientation: of a TIFF, which Pillow turns while it loads.
        bright_is_low: a TIFF in which 0 is white.
    """

    mode: str
    orientation: int
    bright_is_low: bool


def facts_of(image: Image.Image) -> Facts:
    """To be asked of what `open_image` gives, before it is decoded."""
    tags = getattr(image, "tag_v2", {})
    return Facts(image.mode, tags.get(274, _UNTURNED), tags.get(262) == 0)


def follows_own_window(decoded: Decoded, rule: PixelRule) -> bool:
    """Whether the range is the one that a DICOM file brings."""
    return rule.method == "window" and decoded.window is not None


def range_of(decoded: Decoded, rule: PixelRule) -> tuple[float, float] | None:
    """The values that become 0 and 255; `None` where the rule does not act."""
    if decoded.deep is None:
        return None
    if rule.method == "window" and decoded.window is not None:
        return decoded.window.low, decoded.window.high
    if rule.method == "percentile":
        low, high = np.percentile(finite_values(decoded), (rule.low, rule.high))
        return float(low), float(high) if high > low else float(low) + 1.0
    return rule.low, rule.high


def clipping(decoded: Decoded, rule: PixelRule, between: tuple[float, float] | None) -> tuple[float, float]:
    """Shares of the finite values (without padding) that lie below and above `range_of`, 0..1."""
    sigmoid = follows_own_window(decoded, rule) and decoded.window is not None and decoded.window.curve == "sigmoid"
    if between is None or sigmoid:  # a sigmoid clips nothing
        return 0.0, 0.0
    values = finite_values(decoded)
    return float(np.mean(values < between[0])), float(np.mean(values > between[1]))


def decoding_steps(
    image: Image.Image, facts: Facts, decoded: Decoded, rule: PixelRule, between: tuple[float, float] | None
) -> list[str]:
    """The steps in their order, up to the pixels that training, prediction and export start from.

    Args:
        image: from `open_image`, decoded since.
        facts: of it, from before.
        decoded: what came of it.
        rule: the dataset's.
        between: from `range_of`.
    """
    steps = [*_frame(image, rule), *_colours(image, facts, decoded)]
    if between is not None:
        steps += _values(image, decoded, rule, between)
    grey = _is_grey(image, facts, decoded)
    steps += [GREY] if grey else []
    steps += [*_transparency(decoded, rule), *_dicom_ends(decoded), *_turn(image, facts, decoded)]
    if rule.border:
        steps.append(f"{100 * rule.border:.10g} % cut off on each side.")
    if rule.colour == "grey" and not grey:
        steps.append("Colour taken out: the same brightness in red, green and blue.")
    return steps


def number(value: float) -> str:
    """A stored value for people: whole where it is large, four digits where it is small."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _frame(image: Image.Image, rule: PixelRule) -> Iterator[str]:
    frames = frames_of(image)
    if frames > 1:
        auto = "middle" if image.format == "DICOM" else "first"
        chosen = auto if rule.frame == "auto" else rule.frame
        kind = "Page" if image.format == "TIFF" else "Frame"
        yield f"{kind} {frame_index(frames, rule.frame, auto) + 1} of {frames}, {_ORDINALS[chosen]}."


def _colours(image: Image.Image, facts: Facts, decoded: Decoded) -> Iterator[str]:
    if isinstance(image, Header) and image.format == "DICOM":
        photometric = photometric_of(image)
        if photometric == "PALETTE COLOR":
            yield COLOURS["P"]
        elif photometric.startswith("YBR"):
            yield f"Brightness and colour differences ({photometric}) turned into red, green, blue."
    elif facts.mode in COLOURS and decoded.deep is None:
        yield COLOURS[facts.mode]
    if decoded.extra_channels:
        more = "channel" if decoded.extra_channels == 1 else "channels"
        yield f"Left aside: {decoded.extra_channels} further {more}."
    if facts.bright_is_low:
        yield BRIGHT_IS_LOW.format(name="WhiteIsZero")


def _values(image: Image.Image, decoded: Decoded, rule: PixelRule, between: tuple[float, float]) -> Iterator[str]:
    assert decoded.deep is not None
    rescaled = _rescale(image, rule) if decoded.deep.ndim == 2 else []
    yield from rescaled
    low, high = map(number, between)
    if follows_own_window(decoded, rule) and decoded.window is not None:
        table = "Table" if decoded.window.table is not None else "Window"
        curve = ", on a smooth curve (sigmoid)" if decoded.window.curve == "sigmoid" else ""
        yield f"{table} {low} to {high} of the DICOM file{curve}."
    else:
        whose = f" (its own {rule.low:g} % and {rule.high:g} %)" if rule.method == "percentile" else ""
        yield f"{'Values' if rescaled else 'Stored values'} {low} to {high}{whose} were mapped to 0 to 255."
    if decoded.deep.dtype.kind == "f" and not np.isfinite(decoded.deep).all():
        yield "Pixels whose value is no finite number became black."


def _is_grey(image: Image.Image, facts: Facts, decoded: Decoded) -> bool:
    if decoded.deep is not None:
        return decoded.deep.ndim == 2
    mode = decoded.image.mode if isinstance(image, Header) else facts.mode
    return mode in ("1", "L", "LA", "La")


def _rescale(image: Image.Image, rule: PixelRule) -> list[str]:
    if not isinstance(image, Header) or image.format != "DICOM":
        return []
    rescale = rescale_of(image.details, frame_index(frames_of(image), rule.frame, "middle"))
    if rescale is None:
        return ["Rescaled by the modality table of the DICOM file."]
    slope, intercept = rescale
    if (slope, intercept) == (1.0, 0.0):
        return []
    return [f"Rescaled: value x {slope:.10g} {'-' if intercept < 0 else '+'} {abs(intercept):.10g}."]


def _transparency(decoded: Decoded, rule: PixelRule) -> Iterator[str]:
    if decoded.alpha is not None:
        shows = bool(decoded.alpha.min() < 1)
    elif decoded.deep is None and decoded.image.has_transparency_data:
        image = decoded.image.convert("LA") if decoded.image.mode == "La" else decoded.image
        shows = np.asarray(image.convert("RGBA").getchannel("A")).min() < 255
    else:
        return
    if shows:
        red, green, blue = rule.background
        yield f"Transparent pixels lie over {_BACKGROUNDS.get(rule.background, f'the colour {red}, {green}, {blue}')}."


def _dicom_ends(decoded: Decoded) -> Iterator[str]:
    if decoded.inverted:
        yield BRIGHT_IS_LOW.format(name="MONOCHROME1")
    if decoded.padding is not None:
        yield "Pixels that the file calls empty (padding) became black."


def _turn(image: Image.Image, facts: Facts, decoded: Decoded) -> Iterator[str]:
    orientation = orientation_of(decoded)
    if orientation == _UNTURNED and image.format == "TIFF":
        orientation = facts.orientation
    if orientation in ORIENTATIONS:
        yield ORIENTATIONS[orientation]
