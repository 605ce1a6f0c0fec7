"""The ways of adapting to a new site: every row, the weight that grows, the score and the alarm."""

from __future__ import annotations

import itertools
import math
from typing import get_args

import msgspec
import pytest

from tlgui.core import events
from tlgui.core.adaptation import (
    ADAPTATIONS,
    PROJECTION_UNITS,
    Adaptation,
    adaptation,
    alarm,
    entropy,
    needs_projection,
    ramp,
    score_of,
    why_not_align,
)
from tlgui.core.adaptation_events import AdaptationSeen
from tlgui.core.errors import UserError
from tlgui.core.planning import prepared
from tlgui.core.run_spec import Adapt, Training
from tlgui.core.strategies import AUTO, STRATEGIES, strategy

# -- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ADAPTATIONS.values(), ids=lambda row: row.name)
def test_a_row_can_be_read_typed_and_looked_up(row: Adaptation) -> None:
    assert ADAPTATIONS[row.name] is adaptation(row.name) is row
    assert row.name == row.name.lower() and " " not in row.name
    assert row.label[0].isupper() and not row.label.endswith(".")
    assert row.sentence.endswith(".") and row.sentence[0].isupper() and len(row.sentence) < 200
    assert any(words in row.source for words in ("arXiv", "JMLR"))
    assert row.weight > 0
    assert msgspec.convert({"adapt": row.name}, Training).adapt == row.name


def test_a_run_can_ask_for_each_row_for_none_and_for_nothing_else() -> None:
    assert get_args(Adapt) == ("none", *ADAPTATIONS)
    assert Training().adapt == "none"
    for field in ("name", "label", "sentence", "source"):
        assert len({getattr(row, field) for row in ADAPTATIONS.values()}) == len(ADAPTATIONS)
    assert {row.weight for row in ADAPTATIONS.values() if row.during} == {Training().adapt_weight}


def test_an_unknown_name_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UserError, match="There is no way of adapting named 'magic'") as refused:
        adaptation("magic")
    assert all(name in refused.value.remedy for name in ("none", *ADAPTATIONS))


# -- how much weight the term has ---------------------------------------------------------------------------------


@pytest.mark.parametrize("progress", [0.0, 0.01, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_the_weight_grows_by_the_closed_form(progress: float) -> None:
    """2 / (1 + exp(-2 x)) - 1 is the hyperbolic tangent of x."""
    assert ramp(progress) == pytest.approx(math.tanh(5 * progress), abs=1e-12)


def test_the_weight_begins_at_0_only_grows_and_stays_below_1() -> None:
    values = [ramp(step / 100) for step in range(101)]
    assert values[0] == 0
    assert all(before < after for before, after in itertools.pairwise(values))
    assert values[-1] < 1 and values[50] > 0.98
    assert (ramp(-1), ramp(3)) == (ramp(0), ramp(1)), "a plan that was shortened may be behind already"


# -- the projection -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("adapt", ["none", *ADAPTATIONS])
@pytest.mark.parametrize("name", [*STRATEGIES, AUTO])
def test_a_layer_is_put_before_the_last_one_where_else_no_term_could_move_anything(adapt: Adapt, name: str) -> None:
    head_alone = strategy(name).trains == "head"
    needed = adapt in ("mmd", "adversarial", "mcc") and head_alone
    training = Training(strategy=name, adapt=adapt)
    assert needs_projection(training, head_alone) == needed
    found = prepared(training)
    assert (found.head, found.head_units) == (("hidden", PROJECTION_UNITS) if needed else ("linear", 512))
    assert found.adapt == adapt


def test_a_head_that_has_such_a_layer_already_stays_as_it_was_asked_for() -> None:
    asked = Training(strategy="feature-extraction", adapt="mmd", head="hidden", head_units=100)
    assert not needs_projection(asked, True)
    assert (prepared(asked).head, prepared(asked).head_units) == ("hidden", 100)
    assert not needs_projection(Training(adapt="mmd"), False)


# -- what chooses -------------------------------------------------------------------------------------------------


def test_the_entropy_of_a_distribution_is_in_nats() -> None:
    assert entropy([0.25] * 4) == pytest.approx(math.log(4))
    assert entropy([1.0, 0.0, 0.0]) == 0
    assert entropy([0.5, 0.25, 0.25]) / math.log(2) == pytest.approx(1.5), "bits of a code: 1, 2 and 2 digits"


def test_the_score_is_the_balanced_accuracy_and_the_information_that_answers_tell_of_an_image() -> None:
    """The mutual information, cell by cell of the joint distribution of image and answer."""
    answers = [[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.05, 0.05, 0.9], [0.6, 0.2, 0.2]]
    means = [sum(row[place] for row in answers) / 4 for place in range(3)]
    told = sum(
        share / 4 * math.log((share / 4) / (1 / 4 * means[place]))
        for row in answers
        for place, share in enumerate(row)
        if share
    )
    mean_entropy = sum(entropy(row) for row in answers) / 4
    assert score_of(0.6, mean_entropy, entropy(means), 3) == pytest.approx(0.6 + told / math.log(3))


def test_the_score_is_highest_where_all_is_right_and_each_answer_sure_with_all_classes_named() -> None:
    most = math.log(5)
    assert score_of(1.0, 0.0, most, 5) == pytest.approx(2)
    assert score_of(0.7, 0.0, 0.0, 5) == score_of(0.7, most, most, 5) == pytest.approx(0.7), "collapsed, and undecided"
    assert score_of(0.7, 0.3, 1.2, 5) > score_of(0.7, 0.4, 1.2, 5) > score_of(0.7, 0.4, 1.1, 5)
    assert score_of(0.8, 0.3, 1.2, 5) > score_of(0.7, 0.3, 1.2, 5)


# -- the alarm ----------------------------------------------------------------------------------------------------


def told(right: int, of: int) -> dict[int, bool]:
    """Answers for images, the first `right` of which are right."""
    return {number: number < right for number in range(of)}


@pytest.mark.parametrize(
    ("now", "best", "rings"),
    [
        (35, 36, False),  # one image more is wrong
        (31, 36, False),
        (30, 36, True),  # six, and none the other way: 2 / 2^6 = .03
        (100, 100, False),
        (99, 100, False),
        (90, 100, True),
        (12, 60, True),
    ],
)
def test_an_accuracy_that_falls_by_more_than_the_paired_interval_rings(now: int, best: int, rings: bool) -> None:
    of, known = max(best, 36), math.log(2)
    said = alarm(told(now, of), told(best, of), known, known)
    assert bool(said) == rings
    if rings:
        assert said == (
            f"Adaptation destroys the classes: of the known site's validation images {100 * now / of:.0f} % are told right "
            f"now, and {100 * best / of:.0f} % were before."
        )


def test_images_that_were_wrong_and_are_right_now_speak_for_an_epoch() -> None:
    known = math.log(2)
    best = told(90, 100)
    now = {number: right if number < 6 else not right if number < 16 else right for number, right in best.items()}
    assert alarm(now, best, known, known) != "", "ten are wrong that were right"
    now |= dict.fromkeys(range(90, 100), True)
    assert alarm(now, best, known, known) == "", "and ten are right that were wrong"


def test_one_patient_who_is_told_wrong_rings_nothing_and_as_many_images_of_many_patients_do() -> None:
    known = math.log(2)
    now, best = {number: number >= 12 for number in range(100)}, told(100, 100)
    of_one = [f"patient {number // 12}" for number in range(100)]
    of_many = [f"patient {number % 50}" for number in range(100)]
    assert alarm(now, best, known, known) == alarm(now, best, known, known, of_many) != ""
    assert alarm(now, best, known, known, of_one) == ""


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_answers_that_are_nearly_all_the_same_ring(classes: int) -> None:
    known = math.log(classes)
    collapsed, uneven = [0.99] + [0.01 / (classes - 1)] * (classes - 1), [0.6] + [0.4 / (classes - 1)] * (classes - 1)
    answers = told(9, 10)
    assert alarm(answers, answers, entropy(uneven), known) == ""
    assert "nearly all images of the new site get the same answer" in alarm(answers, answers, entropy(collapsed), known)


def test_a_known_site_of_one_rare_class_does_not_ring_by_itself() -> None:
    """The labels of the known site tell how spread answers can be."""
    known = entropy([0.97, 0.03])
    answers = told(9, 10)
    assert alarm(answers, answers, known, known) == ""
    assert alarm(answers, answers, 0.39 * known, known) != "" == alarm(answers, answers, 0.41 * known, known)


def test_a_better_epoch_rings_nothing() -> None:
    assert alarm(told(39, 40), told(20, 40), 1.0, 1.0) == ""


# -- on the wire --------------------------------------------------------------------------------------------------


def test_what_is_seen_of_an_adaptation_goes_with_the_epoch_and_an_old_epoch_has_none() -> None:
    seen = AdaptationSeen(loss=0.5, target_entropy=1.0, target_spread=1.1, score=0.7, weight=2.0, alarm="Alas.")
    ended = events.EpochEnded(
        epoch=1, epochs=2, step=3, train_loss=0.5, validation_loss=0.5, validation_accuracy=0.5,
        validation_balanced_accuracy=0.5, learning_rates={}, best=True, adaptation=seen, seconds=1.0, seconds_left=None,
    )  # fmt: skip
    assert events.decode(events.encode(ended)) == ended
    old = msgspec.json.decode(events.encode(ended))
    del old["adaptation"]
    assert events.decode(msgspec.json.encode(old)) == msgspec.structs.replace(ended, adaptation=None)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        # Mean entropy of the answers, and entropy of their mean; of three classes 1.1, of seven 1.95, of ten 2.3 at most.
        ((0.35, 0.98), (0.25, 1.09), ""),  # drawn cells by another scanner: 18 points more
        ((1.52, 1.68), (1.50, 1.93), ""),  # photographs to sketches: 22 points more
        ((0.25, 0.97), (0.51, 2.23), ""),  # digits on white to digits on photographs: less sure, and 33 points more
        ((0.38, 1.94), (0.37, 1.94), ""),  # photographs to photographs: nothing changes
        ((0.28, 0.55), (0.60, 1.08), "other shares"),  # the same scanner, one class: 43 points less
        ((0.34, 0.93), (0.45, 1.10), "other shares"),  # the same, two classes: 16 points less
        ((0.95, 1.13), (1.67, 1.92), "other shares"),  # paintings of one class: 80 points less
        ((0.92, 1.69), (1.18, 1.93), "say less"),  # paintings, most of one class: 27 points less
        ((0.30, 1.00), (0.05, 0.30), "the same answer"),
    ],
)
def test_statistics_of_a_new_site_are_kept_unless_they_harm(
    before: tuple[float, float], after: tuple[float, float], word: str
) -> None:
    said = why_not_align(before, after, math.log(3))
    assert (word in said) if word else said == ""
