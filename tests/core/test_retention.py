"""The ways of keeping what a network knows: every row, how hard, and what cannot be meant."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.planning import prepared
from tlgui.core.retention import SHARES, USUAL, WAYS, Way, strength_of, way_of, why_not
from tlgui.core.run_spec import Keep, RunSpec, Source, Training
from tlgui.core.strategies import AUTO, STRATEGIES

# -- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", WAYS.values(), ids=lambda row: row.name)
def test_a_row_can_be_read_typed_and_looked_up(row: Way) -> None:
    assert WAYS[row.name] is way_of(row.name) is row
    assert row.name == row.name.lower() and " " not in row.name
    assert row.label[0].isupper() and not row.label.endswith(".")
    assert row.sentence.endswith(".") and row.sentence[0].isupper() and len(row.sentence) < 200
    assert "arXiv" in row.source
    assert not row.strength_words.endswith(".") and row.strength_words[0].islower()
    assert (row.strength is None) == (not row.during), "what is chosen afterwards begins with nothing"
    assert msgspec.convert({"keep": row.name}, Training).keep == row.name


def test_a_run_can_ask_for_each_row_for_none_and_for_nothing_else() -> None:
    assert get_args(Keep) == ("none", *WAYS)
    assert Training().keep == "none" and USUAL in WAYS
    for field in ("name", "label", "sentence", "source", "strength_words"):
        assert len({getattr(row, field) for row in WAYS.values()}) == len(WAYS)


def test_an_unknown_name_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UserError, match="There is no way of keeping named 'magic'") as refused:
        way_of("magic")
    assert all(name in refused.value.remedy for name in ("none", *WAYS)) and refused.value.code == "no_such_keep"


def test_shares_go_from_one_network_to_the_other() -> None:
    assert (SHARES[0], SHARES[-1], len(SHARES)) == (0.0, 1.0, 11)


# -- how hard -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", WAYS)
@pytest.mark.parametrize("said", [None, 0.0, 0.4])
def test_what_was_said_goes_before_what_the_row_says(keep: Keep, said: float | None) -> None:
    expected = WAYS[keep].strength if said is None else said
    assert strength_of(Training(keep=keep, keep_strength=said)) == expected


def test_nothing_is_held_where_nothing_is_kept() -> None:
    assert strength_of(Training()) is None


@pytest.mark.parametrize("keep", WAYS)
@pytest.mark.parametrize("name", [*STRATEGIES, AUTO])
def test_what_knows_nothing_cannot_keep_anything(name: str, keep: Keep) -> None:
    training = Training(strategy=name, keep=keep)
    if name == "from-scratch":
        assert "begins with one that knows nothing" in why_not(training)
        with pytest.raises(UserError, match="begins with one that knows nothing"):
            prepared(training)
    else:
        assert why_not(training) == "" and prepared(training).keep == keep


def test_a_share_is_no_more_than_all() -> None:
    assert "share of the earlier weights in the mix, at most 1" in why_not(Training(keep="average", keep_strength=1.5))
    assert why_not(Training(keep="average", keep_strength=1.0)) == ""
    assert why_not(Training(keep="ewc", keep_strength=1.5)) == ""
    assert why_not(Training(keep="none", keep_strength=99)) == ""


@pytest.mark.parametrize("wrong", [{"keep": "magic"}, {"keep_strength": -1}, {"keep_strength": 1e7}])
def test_what_means_nothing_is_refused_where_it_is_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Training)


# -- what is written ----------------------------------------------------------------------------------------------


def test_a_run_continues_where_classes_of_another_one_stay() -> None:
    assert not RunSpec().continues
    assert not RunSpec(source=Source(run="first")).continues, "below a new head it only begins with it"
    assert RunSpec(source=Source(run="first", classes=["a", "b"])).continues


def test_a_story_of_an_earlier_version_has_no_meter() -> None:
    seen = events.RetentionSeen(meter="accuracy", images=9, before=0.9, now=0.7, low=-0.4, high=0.0)
    assert seen.difference == pytest.approx(-0.2)
    told = events.RetentionMeasured(seen=seen, tasks=[], looks=3, sentence="It has forgotten.")
    assert events.decode(events.encode(told)) == told
    ended: dict[str, Any] = {
        "type": "EpochEnded",
        "epoch": 1,
        "epochs": 2,
        "step": 3,
        "train_loss": 0.1,
        "validation_loss": 0.1,
        "validation_accuracy": 1.0,
        "validation_balanced_accuracy": 1.0,
        "learning_rates": {},
        "best": True,
        "seconds": 1.0,
        "seconds_left": None,
    }
    event = events.decode(msgspec.json.encode(ended))
    assert isinstance(event, events.EpochEnded) and event.retention is None
