"""Numbers as a person reads and types them, the same under every locale."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QLocale

from tlgui.gui import numbers


@pytest.fixture(params=["de_DE", "en_US", "ar_EG"])
def locale(request: pytest.FixtureRequest) -> Iterator[None]:
    QLocale.setDefault(QLocale(request.param))
    yield
    QLocale.setDefault(QLocale.c())


@pytest.mark.usefixtures("locale")
def test_counts_and_shares() -> None:
    assert numbers.count(1092) == "1,092"
    assert numbers.counted(1, "image") == "1 image"
    assert numbers.counted(1092, "class", "classes") == "1,092 classes"
    assert numbers.percent(0.957) == "95.7 %"
    assert numbers.percent(0.957, 0) == "96 %"
    assert numbers.percent(float("nan")) == "not known"
    assert numbers.interval(0.92, 0.977) == "92.0 to 97.7"
    assert numbers.interval(0.984, 0.998, decimals=3, scale=1) == "0.984 to 0.998"
    assert [numbers.share(x) for x in (0.3, 0.004, 0.0, 1.0)] == ["30 %", "<1 %", "0 %", "100 %"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "under 1 s"), (5.0, "5 s"), (59.6, "1 min"), (152, "2 min 32 s"), (3600, "1 h"), (7300, "2 h 1 min"),
        (float("nan"), "not known"), (-1, "not known"),
    ],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert numbers.duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "under 1 s"), (6.3, "about 6 s"), (43, "about 45 s"), (152, "about 2 min 30 s"), (1000, "about 17 min"),
        (8000, "about 2 h 10 min"), (float("inf"), "not known"),
    ],
)  # fmt: skip
def test_estimates_are_no_finer_than_they_can_be_known(seconds: float, words: str) -> None:
    assert numbers.about(seconds) == words


@pytest.mark.usefixtures("locale")
def test_sizes_rates_and_short_seconds() -> None:
    sizes = [numbers.size(x) for x in (1, 512, 45_200, 999_600, 18_400_000, 1_200_000_000)]
    assert sizes == ["1 byte", "512 bytes", "45 kB", "1.0 MB", "18 MB", "1.2 GB"]
    assert [numbers.millions(x) for x in (3_843, 101_000, 4_652_008)] == ["3,843", "0.1 M", "4.7 M"]
    assert [numbers.rate(x) for x in (0.00038, 0.001, 0.1, 0.0, 1e-13)] == ["0.00038", "0.0010", "0.10", "0", "1.0e-13"]
    assert [numbers.seconds_short(x) for x in (5.1, 21.4, 152)] == ["5.1 s", "21 s", "2 min 32 s"]


@pytest.mark.usefixtures("locale")
def test_days() -> None:
    now = datetime(2026, 11, 26, 9, 0)
    dates = [(2026, 11, 26), (2026, 11, 25), (2026, 11, 23), (2026, 11, 19), (2025, 12, 31), (2026, 11, 27)]
    said = [numbers.day(datetime(*date, 23, 59), now) for date in dates]
    assert said == ["today", "yesterday", "Monday", "19 Nov", "31 Dec 2025", "27 Nov"]
    assert numbers.clock(datetime(2026, 1, 1, 9, 5)) == "09:05"


@pytest.mark.usefixtures("locale")
@pytest.mark.parametrize("text", ["0,001", "0.001", "1e-3", " 0.001 ", "1E-3", ",001", ".001", "1,0e-3", "+0.001"])
def test_comma_point_and_exponent_are_one_number(text: str) -> None:
    assert numbers.parse_number(text) == 0.001


@pytest.mark.parametrize(
    "text", ["", "abc", "1,000.5", "1.000,5", "0,9,1", "1 000", "nan", "inf", "1e999", "0x1", "1_0"]
)
def test_what_is_no_number_or_could_be_two_is_refused(text: str) -> None:
    assert numbers.parse_number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_written_with_a_comma_is_read_back(value: float) -> None:
    assert numbers.parse_number(repr(value).replace(".", ",")) == value


@given(st.floats(min_value=0, max_value=1e9))
def test_words_for_a_duration_always_end(seconds: float) -> None:
    assert numbers.duration(seconds)
    assert numbers.about(seconds)
    assert numbers.seconds_short(seconds)
