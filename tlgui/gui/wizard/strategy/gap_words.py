"""How different a new site is, in the window's words; no widget."""

from __future__ import annotations

from tlgui.core.events import Ending, GapMeasured, Progress, Stopped
from tlgui.core.gap_events import Gap, SiteLook
from tlgui.core.paired import LEVEL
from tlgui.gui.numbers import about, count, counted, interval, percent

# Of each gap: the words of its chip, and their tone.
CHIPS: dict[Gap, tuple[str, str]] = {
    "alike": ("cannot be told apart", "good"),
    "slight": ("slightly different", "info"),
    "clear": ("clearly different", "warn"),
    "wide": ("very different", "warn"),
    "unknown": ("not known", "neutral"),
}
_ROUND = 3


def value_of(found: GapMeasured) -> tuple[str, str]:
    """The AUC and its interval, as they are read; a value that is not there is said."""
    if found.auc is None or found.low is None or found.high is None:
        return "not known", ""
    return f"{found.auc:.2f}", interval(found.low, found.high, 2, 1)


def facts(found: GapMeasured) -> list[tuple[str, str]]:
    """What else was measured: its name, and what is said of it."""
    rows = []
    if found.mmd is not None and found.mmd_p is not None:
        rows.append((
            "Distance of the features (MMD²)",
            f"{found.mmd:.3f}, where 0 is alike (p = {found.mmd_p:.3f} by {count(found.permutations)} permutations: "
            f"{'seldom so far apart by chance' if found.mmd_p < LEVEL else 'as far apart by chance'}).",
        ))  # fmt: skip
    out = sum(found.left_out.values())
    rest = f", {counted(out, 'takes no part', 'take no part')}" if out else ""
    rows.append((
        "Files of the new site",
        f"{counted(found.files, 'file')}: {count(found.new_images)} can be compared{rest}. "
        f"{count(found.images)} of each site were looked at.",
    ))  # fmt: skip
    return rows


def colours(look: SiteLook) -> str:
    """The mean colour in words."""
    return f"red {look.red:.0f}, green {look.green:.0f}, blue {look.blue:.0f}"


def mean_brightness(look: SiteLook) -> float:
    """The mean of the histogram, 0 (black) to 255 (white); a step counts by its middle."""
    steps = len(look.brightness)
    return sum(share * (place + 0.5) for place, share in enumerate(look.brightness)) * 255 / steps if steps else 0.0


def progress_words(progress: Progress | None) -> tuple[str, str]:
    """What is done now, and how far it is."""
    if progress is None:
        return "Getting ready", ""
    title = progress.stage[:1].upper() + progress.stage[1:]
    if progress.total <= 1:
        return title, ""
    left = f", {about(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return title, f"{count(progress.done)} of {count(progress.total)}{left}"


def ended_words(ended: Ending | None) -> str:
    """Why nothing was found where it was not the images' doing; "" where a banner says it, or nothing is to be said."""
    return "Stopped. Nothing was measured." if isinstance(ended, Stopped) else ""


def probability(value: float) -> str:
    """How sure the probe is, never surer than its digits: .99999 is not 100 %."""
    return "over 99.9 %" if value > 1 - 10**-_ROUND else percent(value, 1)
