"""What is lost on the way into the network, in words."""

from __future__ import annotations

from tlgui.core.imaging_messages import Inspected

NO_STEPS = "Nothing is changed: the stored pixels enter as they are."
_SAME = 0.005  # of a shape: less is rounding to whole pixels


def clipping_words(low: float, high: float) -> str:
    """Shares of the values below and above the range, 0..1 each."""
    parts = [
        f"{share_words(share)} of the values {lies} the range and {become}"
        for share, lies, become in ((low, "lie below", "become black"), (high, "lie above", "become white"))
        if share > 0
    ]
    return _sentence("; ".join(parts)) if parts else "None: every value lies inside of the range."


def squeeze_words(squeeze: float) -> str:
    """How much more the width was shrunk than the height."""
    if abs(squeeze - 1.0) < _SAME:
        return "Kept: nothing is squeezed."
    more, less = ("width", "height") if squeeze > 1 else ("height", "width")
    return f"Squeezed: the {more} is shrunk {max(squeeze, 1 / squeeze):.2g} times as much as the {less}."


def cut_words(cut_off: float) -> str:
    """Share of the picture that does not enter the network, 0..1."""
    if cut_off <= 0:
        return "None: the whole picture enters the network."
    return _sentence(f"{share_words(cut_off)} of the picture, at its edges, does not enter the network")


def losses(answer: Inspected) -> tuple[tuple[str, str], ...]:
    """Each kind of loss with its words."""
    return (
        ("Clipping", clipping_words(answer.clipped_low, answer.clipped_high)),
        ("Shape", squeeze_words(answer.squeeze)),
        ("Cut off", cut_words(answer.cut_off)),
    )


def share_words(share: float) -> str:
    """0.003 -> "0.3 %", 0.0001 -> "under 0.1 %", 0.23 -> "23 %"; never rounded to nothing or to all."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def size_words(width: int, height: int) -> str:
    """(2048, 1536) -> "2,048 x 1,536 pixels"."""
    return f"{width:,} x {height:,} pixels"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
