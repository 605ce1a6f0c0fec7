from __future__ import annotations

import pytest

from tlgui.core.records import PixelRule
from tlgui.imaging.pixel_rule import choose_pixel_rule
from tlgui.imaging.pixels import Description


def described(lowest: float | None, highest: float | None, floating: bool = False) -> Description:
    return Description(
        format="TIFF",
        width=9,
        height=9,
        bits=8 if lowest is None else 16,
        frames=1,
        grey=True,
        floating=floating,
        lowest=lowest,
        highest=highest,
        all_finite=True,
    )


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([], (0, 65535)),
        ([(None, None, False)], (0, 65535)),
        ([(3, 200, False)], (0, 255)),
        ([(3, 900, False)], (0, 1023)),
        ([(3, 200, False), (0, 4071, False)], (0, 4095)),
        ([(0, 4096, False)], (0, 16383)),
        ([(0, 16384, False)], (0, 65535)),
        ([(-1024, 3071, False)], (-1024, 4095)),
        ([(0, 70000, False)], (0, 2**24 - 1)),
        ([(0, 2**32 - 1, False)], (0, 2**32 - 1)),
        ([(0.1, 0.7, True)], (0, 1)),
        ([(-0.5, 0.7, True), (0.0, 3.5, True)], (-0.5, 3.5)),
        ([(5.0, 5.0, True)], (5.0, 6.0)),
        ([(0.1, 0.7, True), (0, 4000, False)], (0, 4095)),
        ([(-5, -2, False)], (-5, 255)),
    ],
)
def test_the_range_holds_every_value(
    values: list[tuple[float | None, float | None, bool]], rule: tuple[float, float]
) -> None:
    assert choose_pixel_rule(described(*each) for each in values) == PixelRule(low=rule[0], high=rule[1])
