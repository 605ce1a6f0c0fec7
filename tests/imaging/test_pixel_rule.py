from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from PIL import Image

from tlgui.core.intake import Intake
from tlgui.core.records import PixelRule
from tlgui.imaging.pixel_rule import choose_pixel_rule, rule_choices, rule_sentence
from tlgui.imaging.pixels import Description, read_pixels


def described(
    lowest: float | None,
    highest: float | None,
    floating: bool = False,
    typical: tuple[float, float] | None = None,
    window: tuple[float, float] | None = None,
    dicom: bool = False,
) -> Description:
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
        typical=typical,
        window=window,
        has_window=window is not None,
        dicom=dicom,
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
    assert choose_pixel_rule(described(*each) for each in values)[0] == PixelRule(low=rule[0], high=rule[1])


def test_a_set_of_eight_bits_says_that_nothing_is_mapped() -> None:
    rule, reason = choose_pixel_rule([described(None, None)])
    assert rule == PixelRule()
    assert "8 bits" in reason
    assert rule_choices([described(None, None)]) == [rule]


def test_the_window_is_taken_where_every_grey_dicom_brings_one() -> None:
    with_window = described(0, 4000, typical=(100, 3000), window=(500, 2500), dicom=True)
    rule, reason = choose_pixel_rule([with_window, with_window])
    assert (rule.method, rule.low, rule.high) == ("window", 0, 4095)
    assert reason == "Every grey DICOM image brings a window."
    without = described(0, 4000, typical=(100, 3000), dicom=True)
    assert choose_pixel_rule([with_window, without])[0].method == "range"
    missed = described(0, 4000, typical=(100, 3000), window=(-500, -100), dicom=True)
    assert choose_pixel_rule([with_window, missed])[0].method == "range"
    # Others that are deep, too, are then mapped by the range, which must hold their values.
    rule, _reason = choose_pixel_rule([with_window, described(0, 60_000, typical=(0, 60_000))])
    assert (rule.method, rule.high) == ("window", 65535)


def test_a_range_that_would_waste_the_picture_gives_way_to_percentiles() -> None:
    dark = described(0, 60_000, typical=(100, 4000))
    rule, reason = choose_pixel_rule([dark, dark, described(0, 60_000, typical=(0, 60_000))])
    assert rule == PixelRule(method="percentile", low=0.5, high=99.5)
    assert "from 0 to 65535" in reason
    fair = described(0, 60_000, typical=(100, 9000))
    assert choose_pixel_rule([fair, fair, dark])[0].method == "range"
    flat = described(50_000, 50_000, typical=(50_000, 50_000))
    assert choose_pixel_rule([flat, flat, fair])[0].method == "range"


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (Intake(method="range", low=40, high=400), PixelRule(low=40, high=400)),
        (Intake(method="range", low=40, high=40), PixelRule(high=4095)),
        (Intake(method="percentile", low=1, high=99), PixelRule(method="percentile", low=1, high=99)),
        (Intake(method="percentile", low=0, high=4095), PixelRule(method="percentile", low=0.5, high=99.5)),
        (Intake(method="window", low=-100, high=300), PixelRule(method="window", low=-100, high=300)),
        (Intake(method="window"), PixelRule(method="window", high=4095)),
        (
            Intake(colour="grey", border=0.1, frame="last"),
            PixelRule(high=4095, colour="grey", border=0.1, frame="last"),
        ),
    ],
)
def test_what_the_person_asked_for_comes_first(asked: Intake, rule: PixelRule) -> None:
    descriptions = [described(0, 4000, typical=(0, 3900))]
    chosen, reason = choose_pixel_rule(descriptions, asked)
    assert chosen == rule
    assert (reason == "You chose it.") is (asked.method is not None)
    choices = rule_choices(descriptions, asked)
    assert choices[0] == rule
    assert [each.method for each in choices].count("percentile") >= 1
    assert len(set(map(msgspec.json.encode, choices))) == len(choices)


def test_the_choices_are_distinct_and_hold_the_window_only_where_there_is_one() -> None:
    plain = [described(0, 4000, typical=(0, 3900))]
    assert [rule.method for rule in rule_choices(plain)] == ["range", "percentile"]
    dicom = [described(0, 4000, typical=(0, 3900), window=(0, 500), dicom=True)]
    assert [rule.method for rule in rule_choices(dicom)] == ["window", "range", "percentile"]


def test_the_rule_in_words() -> None:
    assert rule_sentence(PixelRule(low=-1024, high=3071)) == (
        "Images of more than 8 bits a channel, and grey DICOM, are shown from -1024 (black) to 3071 (white); what lies "
        "outside is clipped."
    )
    assert "their own 0.5 % darkest (black) to their own 0.5 % brightest pixels (white)" in rule_sentence(
        PixelRule(method="percentile", low=0.5, high=99.5)
    )
    assert "in the window that a DICOM file brings, others from 0 (black) to 4095 (white)" in rule_sentence(
        PixelRule(method="window", high=4095)
    )
    words = rule_sentence(PixelRule(frame="last", colour="grey", border=0.05))
    assert "the last one is used." in words
    assert "Colours are turned to grey." in words
    assert "5 % of width and height is cut off on each side." in words


def test_every_choice_can_be_handed_to_read_pixels(encoded: Callable[..., bytes]) -> None:
    data = encoded(Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20)))
    descriptions = [described(0, 399, typical=(2, 397), window=(0, 100), dicom=True)]
    for rule in rule_choices(descriptions, Intake(colour="grey", border=0.1)):
        assert read_pixels(data, **msgspec.structs.asdict(rule)).shape == (16, 16, 3)
