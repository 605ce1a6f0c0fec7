"""Bands and words of the similarity scale: each border, what is said, and what is not said."""

from __future__ import annotations

import pytest

from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE
from tlgui.core.similarity import (
    FEWEST,
    LANDMARKS,
    THRESHOLDS,
    Band,
    MeasuredSimilarity,
    band_of,
    bands_within,
    cannot_say,
    kind_of,
    landmark_for,
    measuring,
    place_of,
    sentence_of,
)

LIMITS = THRESHOLDS[DEFAULT_BACKBONE]


def measured(band: Band | None, value: float = 0.9, sure: bool = True) -> MeasuredSimilarity:
    return MeasuredSimilarity(
        value=value,
        low=value - 0.01,
        high=value + 0.01,
        spread=0.1,
        band=band,
        sure=sure,
        doubt="" if band else "mixture",
        images=200,
        backbone=DEFAULT_BACKBONE,
    )


@pytest.mark.parametrize(
    ("distance", "spread", "band"),
    [
        (0.01, 0.0869, "near"),
        (0.3, 0.0869, "near"),  # a set of one narrow kind: the whole of it errs, its images do not
        (0.0599, 0.087, "middle"),
        (0.06, 0.087, "far"),
        (0.0, 0.2, "middle"),
    ],
)
def test_the_bands_begin_where_they_were_fitted(distance: float, spread: float, band: Band) -> None:
    assert band_of(distance, spread, LIMITS) == band


def test_a_band_is_sure_only_where_no_other_lies_within_two_standard_deviations() -> None:
    assert bands_within(0.09, 0.002, 0.15, 0.003, LIMITS) == {"far"}
    assert bands_within(0.0645, 0.002, 0.15, 0.003, LIMITS) == {"far"}
    assert bands_within(0.0635, 0.002, 0.15, 0.003, LIMITS) == {"far", "middle"}
    assert bands_within(0.03, 0.001, 0.0875, 0.001, LIMITS) == {"near", "middle"}


def test_the_persons_answer_goes_before_the_measurement() -> None:
    assert kind_of(measured("far")) == "different"
    assert kind_of(measured("middle")) == kind_of(measured("near")) == "similar"
    assert kind_of(measured("far"), "similar") == "similar"
    assert kind_of(None, "different") == "different"
    assert kind_of(None) is None and kind_of(measured(None)) is None


def test_a_network_whose_bands_are_unknown_borrows_the_embedded_ones_statistics() -> None:
    for name in BACKBONES:
        assert measuring(name) in THRESHOLDS
    assert measuring("vit-b16") == measuring("timm:resnet10t") == DEFAULT_BACKBONE


def test_the_scale_runs_from_unlike_to_like_and_ends_at_both_ends() -> None:
    places = [place_of(value) for value in (0.5, 0.86, 0.93, 0.99, 1.0)]
    assert places[0] == places[1] == 0.0 and places[-1] == 1.0
    assert places == sorted(places)
    values = [mark.value for mark in LANDMARKS]
    assert values == sorted(values, reverse=True) and 0 < place_of(values[-1]) < place_of(values[0]) < 1


@pytest.mark.parametrize(
    ("band", "value", "words"),
    [
        ("near", 0.985, "look like everyday photographs (similarity 0.985, 0.975 to 0.995; photographs: 0.988)."),
        ("middle", 0.968, "lie between everyday photographs and pictures of another kind (similarity 0.968"),
        (
            "far",
            0.901,
            "look like nothing that it learned from (similarity 0.901, 0.891 to 0.911; skin lesions: 0.905).",
        ),
    ],
)
def test_what_is_said_of_each_band(band: Band, value: float, words: str) -> None:
    said = sentence_of(measured(band, value))
    assert words in said and "border" not in said
    assert said.endswith("might say otherwise.") is False
    assert "near the border of two bands" in sentence_of(measured(band, value, sure=False))
    assert "deeper" not in said, "it does not tell how much training gains"


def test_a_mixture_and_too_few_images_are_said() -> None:
    assert "at least two kinds" in sentence_of(measured(None))
    assert cannot_say("too_few", 1, 0).startswith("1 training image can be looked at, fewer than 50: ")
    assert cannot_say("flat", 12, 60).startswith("60 of 72 images show next to nothing (one colour all over)")
    assert FEWEST == 50


def test_what_is_near_is_compared_with_photographs() -> None:
    assert landmark_for(0.96, "near").label == "photographs"
    assert landmark_for(0.99, "middle").label == "cartoons"
    assert landmark_for(0.8, "far").label == "solar cells"
