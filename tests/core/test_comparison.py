"""A comparison on disk: what is typed, which runs it asks for, and what of it is still to be trained."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from helpers.compared import answered, comparison_of

from tlgui import __version__
from tlgui.core import comparison, events
from tlgui.core.comparison import (
    DEFAULT_FROM_RUN,
    DEFAULT_STRATEGIES,
    FILE,
    MOST_ENTRANTS,
    SMALL,
    Entrant,
    entrants_of,
    folds_by_default,
    is_comparison,
    is_done,
    list_comparisons,
    new_folder,
    still_to_train,
    with_and_without,
)
from tlgui.core.errors import UserError
from tlgui.core.planning import resolve
from tlgui.core.run_spec import Source, Training
from tlgui.core.strategies import STRATEGIES

HELD = {"a/1.png": ("validation", True), "a/2.png": ("train", True)}


def test_what_is_typed_names_the_ways_in_its_order() -> None:
    assert entrants_of(" full-fine-tuning, fine-tune-top:2 ,from-scratch,") == [
        Entrant(strategy="full-fine-tuning"),
        Entrant(strategy="fine-tune-top", top_groups=2),
        Entrant(strategy="from-scratch"),
    ]
    assert [one.key for one in entrants_of(DEFAULT_STRATEGIES)] == DEFAULT_STRATEGIES.split(",")
    assert len(entrants_of("fine-tune-top:1,fine-tune-top:2")) == 2, "one row with other groups is another way"


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("", "A comparison needs at least two ways.", "Name them with commas between"),
        (" , ,", "A comparison needs at least two ways.", "Name them"),
        ("full-fine-tuning", "A comparison needs at least two ways.", "Name them"),
        ("full-fine-tuning,nonsense", "There is no strategy named 'nonsense'.", "Choose one of: feature-extraction"),
        ("full-fine-tuning,Full-fine-tuning", "There is no strategy named 'Full-fine-tuning'.", "Choose one of"),
        ("from-scratch,full-fine-tuning,from-scratch", "'from-scratch' stands there twice.", "Name each way once."),
        ("fine-tune-top:2,fine-tune-top:02", "'fine-tune-top:02' stands there twice.", "Name each way once."),
        # Without a number one group learns: these would be the same runs, and nothing could tell them apart.
        ("fine-tune-top,fine-tune-top:1", "'fine-tune-top:1' stands there twice.", "Name each way once."),
        ("from-scratch:2,fine-tune-top", "'from-scratch' takes no number of layer groups.", "Only fine-tune-top does"),
        ("fine-tune-top:0,from-scratch", "'fine-tune-top:0' does not say how many", "fine-tune-top:2"),
        ("fine-tune-top:101,from-scratch", "'fine-tune-top:101' does not say how many", "Write a whole number"),
        ("fine-tune-top:-1,from-scratch", "'fine-tune-top:-1' does not say how many", "Write a whole number"),
        ("fine-tune-top:1.5,from-scratch", "'fine-tune-top:1.5' does not say how many", "Write a whole number"),
        ("fine-tune-top:two,from-scratch", "'fine-tune-top:two' does not say how many", "Write a whole number"),
        ("fine-tune-top:,from-scratch", "'fine-tune-top:' does not say how many", "Write a whole number"),
        ("auto,from-scratch", "'auto' is no way of its own", "Name the rows that it chooses from."),
    ],
)
def test_what_names_no_two_ways_is_refused(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(UserError) as refused:
        entrants_of(text)
    assert problem in refused.value.problem
    assert remedy in refused.value.remedy


def test_more_ways_than_a_file_holds_are_refused_before_they_train(tmp_path: Path) -> None:
    most = [f"fine-tune-top:{n}" for n in range(1, MOST_ENTRANTS + 1)]
    comparison.write(tmp_path, comparison_of(*most))
    assert comparison.read(tmp_path).entrants == entrants_of(",".join(most))
    with pytest.raises(UserError, match="13 ways are too many"):
        entrants_of(",".join([*most, "from-scratch"]))


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_row_can_be_named_and_reads_well(name: str) -> None:
    other = next(row for row in STRATEGIES if row != name)
    entrant = entrants_of(f"{name},{other}")[0]
    assert (entrant.key, entrant.label) == (name, STRATEGIES[name].label)


def test_a_way_says_its_groups_and_its_rates() -> None:
    assert Entrant(strategy="fine-tune-top", top_groups=1).label == "Fine-tune the top layers, 1 group"
    faster = Entrant(strategy="fine-tune-top", top_groups=2, rate_factor=0.5)
    assert faster.key == "fine-tune-top:2@0.5"
    assert faster.label == "Fine-tune the top layers, 2 groups, rates × 0.5"


def test_runs_come_fold_after_fold_so_that_all_ways_can_be_compared_early() -> None:
    asked = comparison_of("feature-extraction", "fine-tune-top:2", folds=2)
    assert [(leg.entrant.key, leg.fold, leg.folder) for leg in asked.legs()] == [
        ("feature-extraction", 1, "feature-extraction fold 1"),
        ("fine-tune-top:2", 1, "fine-tune-top 2 fold 1"),
        ("feature-extraction", 2, "feature-extraction fold 2"),
        ("fine-tune-top:2", 2, "fine-tune-top 2 fold 2"),
    ]
    assert [leg.label for leg in asked.legs()][1] == "Fine-tune the top layers, 2 groups, fold 1"
    assert asked.scored_on == "out-of-fold"

    one = comparison_of("feature-extraction", "fine-tune-top:2")
    assert [(leg.fold, leg.folder, leg.label) for leg in one.legs()] == [
        (0, "feature-extraction", "Feature extraction"),
        (0, "fine-tune-top 2", "Fine-tune the top layers, 2 groups"),
    ]
    assert one.scored_on == "validation"


def test_no_two_runs_share_a_folder() -> None:
    ways = [
        Entrant(strategy="fine-tune-top", top_groups=groups, rate_factor=factor)
        for groups in (1, 2, 12)
        for factor in (0.1, 1.0, 2.0)
    ]
    legs = list(msgspec.structs.replace(comparison_of("a", "b", folds=3), entrants=ways).legs())
    assert len({leg.folder for leg in legs}) == len({leg.folder.casefold() for leg in legs}) == 27
    assert all(set(":@/\\").isdisjoint(leg.folder) for leg in legs)


def test_every_way_is_asked_for_the_same_budget() -> None:
    asked = msgspec.structs.replace(
        comparison_of("feature-extraction", "fine-tune-top:3", "from-scratch"),
        backbone="resnet50", size=160, fit="letterbox", epochs=7, seed=5, augmentation="off", mirror="no",
    )  # fmt: skip
    specs = [asked.spec(entrant) for entrant in asked.entrants]
    assert {(spec.backbone, spec.size, spec.fit) for spec in specs} == {("resnet50", 160, "letterbox")}
    assert [spec.training for spec in specs] == [
        Training(strategy=name, top_groups=groups, epochs=7, patience=0, seed=5, augmentation="off", mirror=False)
        for name, groups in (("feature-extraction", None), ("fine-tune-top", 3), ("from-scratch", None))
    ]
    # The rows stop early by themselves, after different times: none of that is left.
    assert {STRATEGIES[one.strategy].patience for one in asked.entrants} == {10, 20}
    planned = [resolve(spec.training, 500)[0] for spec in specs]
    assert {(training.epochs, training.patience) for training in planned} == {(7, 0)}


@pytest.mark.parametrize(("mirror", "means"), [("", None), ("yes", True), ("no", False)])
def test_left_and_right_are_asked_of_nobody_twice(mirror: str, means: bool | None) -> None:
    asked = msgspec.structs.replace(comparison_of("from-scratch", "full-fine-tuning"), mirror=mirror)
    assert asked.spec(asked.entrants[0]).training.mirror is means


def test_rates_are_multiples_of_those_of_the_row() -> None:
    asked = comparison_of("feature-extraction", "full-fine-tuning")
    head = asked.spec(Entrant(strategy="feature-extraction", rate_factor=0.5)).training
    assert (head.head_learning_rate, head.top_learning_rate) == (pytest.approx(1.5e-3), None)
    whole = asked.spec(Entrant(strategy="full-fine-tuning", rate_factor=2)).training
    assert (whole.head_learning_rate, whole.top_learning_rate) == (pytest.approx(6e-3), pytest.approx(2e-3))
    plain = asked.spec(Entrant(strategy="full-fine-tuning")).training
    assert (plain.head_learning_rate, plain.top_learning_rate) == (None, None), "as the row says"


@pytest.mark.parametrize(
    ("images", "has_parts", "folds"), [(4, False, 3), (SMALL - 1, False, 3), (SMALL, False, 0), (4, True, 0)]
)
def test_a_small_set_is_folded_where_nobody_says(images: int, has_parts: bool, folds: int) -> None:
    assert folds_by_default(images, has_parts) == folds


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    asked = msgspec.structs.replace(
        comparison_of("feature-extraction", "fine-tune-top:2", folds=4),
        dataset='Bienen "groß" [1]', grouped_by=r"pattern:^(P\d+)_", mirror="yes", purpose="transfer", seed=2**40,
        entrants=[Entrant(strategy="fine-tune-top", top_groups=2, rate_factor=0.3), Entrant(strategy="from-scratch")],
    )  # fmt: skip
    folder = tmp_path / "new" / "comparison"
    assert not is_comparison(folder)
    comparison.write(folder, asked)
    assert is_comparison(folder)
    assert comparison.read(folder) == msgspec.structs.replace(asked, tlgui=__version__)


@pytest.mark.parametrize(
    "change",
    [
        ("format = 1", "format = 2"),
        ("folds = 2", "folds = -2"),
        ("folds = 2", "folds = 101"),
        ("epochs = 3", "epochs = 0"),
        ("folds = 2", "folds = 2\nsurprise = 1"),
        ("top_groups = 0", "top_groups = -1"),
        ("entrants = [", "entrants = [["),
        ('backbone = "efficientnet-lite0"', ""),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, change: tuple[str, str]) -> None:
    comparison.write(tmp_path, comparison_of("from-scratch", "full-fine-tuning", folds=2))
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / FILE).write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(UserError, match="cannot be read") as refused:
        comparison.read(tmp_path)
    assert str(tmp_path) not in str(refused.value)


def test_bytes_that_are_no_text_and_folders_without_one_are_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        comparison.read(tmp_path)
    with pytest.raises(UserError, match="'nothing' holds no comparison"):
        comparison.read(tmp_path / "nothing")


def test_a_place_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="cannot be written") as refused:
            comparison.write(place, comparison_of("from-scratch", "full-fine-tuning"))
        assert refused.value.code == "comparison_folder"


def test_comparisons_are_listed_the_newest_first_and_never_overwritten(tmp_path: Path) -> None:
    assert list_comparisons(tmp_path / "nowhere") == []
    now = datetime(2026, 11, 25, 14, 3, 59)
    made = []
    for moment in (now, now, datetime(2026, 11, 25, 14, 4)):
        made.append(new_folder(tmp_path, moment))
        comparison.write(made[-1], comparison_of("from-scratch", "full-fine-tuning"))
    assert [path.name for path in made] == [
        "2026-11-25 14.03 comparison",
        "2026-11-25 14.03 comparison 2",
        "2026-11-25 14.04 comparison",
    ]
    (tmp_path / "2026-11-25 14.05 other").mkdir()
    (tmp_path / "notes.txt").write_text("")
    assert list_comparisons(tmp_path) == made[::-1]


def test_what_is_whole_is_not_trained_again(tmp_path: Path) -> None:
    asked = comparison_of("feature-extraction", "fine-tune-top:2", "full-fine-tuning", "from-scratch")
    whole, stopped, failed, missing = asked.legs()
    assert list(still_to_train(tmp_path, asked)) == [whole, stopped, failed, missing]

    answered(tmp_path / whole.folder, HELD)
    # A run that was stopped was scored too, after fewer epochs than the others.
    answered(tmp_path / stopped.folder, HELD, ending=events.Stopped(run="run", best_epoch=1))
    answered(tmp_path / failed.folder, HELD, ending=events.Failed(problem="The disk is full.", remedy="Free some."))

    assert [is_done(tmp_path / leg.folder) for leg in asked.legs()] == [True, False, False, False]
    assert list(still_to_train(tmp_path, asked)) == [stopped, failed, missing]


def test_a_run_that_was_stopped_and_then_completed_is_whole(tmp_path: Path) -> None:
    run = answered(tmp_path / "run", HELD, ending=events.Stopped(run="run", best_epoch=1))
    run.append_event(events.Resumed(step=1, epoch=1))
    assert not is_done(run.path)
    run.append_event(events.Completed(run="run", best_epoch=3, message="Done."))
    assert is_done(run.path)
    (run.results / "predictions.csv").unlink()
    assert not is_done(run.path), "without answers there is nothing to compare"


def test_a_strategy_of_a_newer_version_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    comparison.write(tmp_path, comparison_of("feature-extraction", "from-scratch"))
    file = tmp_path / comparison.FILE
    file.write_text(file.read_text().replace('"from-scratch"', '"lora"'))
    with pytest.raises(UserError, match="cannot be read") as refused:
        comparison.read(tmp_path)
    assert "lora" in refused.value.details


# -- with an earlier run and without it ---------------------------------------------------------------------------


def test_each_way_stands_there_without_the_earlier_run_and_with_it() -> None:
    assert [(one.key, one.from_run) for one in with_and_without(entrants_of(DEFAULT_FROM_RUN))] == [
        ("feature-extraction", False),
        ("feature-extraction+run", True),
        ("fine-tune-top:2", False),
        ("fine-tune-top:2+run", True),
    ]


@pytest.mark.parametrize("name", [name for name, row in STRATEGIES.items() if not row.pretrained])
def test_a_way_that_begins_with_nothing_takes_nothing_from_an_earlier_run(name: str) -> None:
    with pytest.raises(UserError) as refused:
        with_and_without(entrants_of(f"feature-extraction,{name}"))
    assert refused.value.problem == f"'{name}' begins with random weights, so it takes nothing from an earlier run."
    assert DEFAULT_FROM_RUN in refused.value.remedy


def test_so_many_ways_that_both_kinds_fit_into_a_file_and_no_more() -> None:
    most = [Entrant(strategy="fine-tune-top", top_groups=n) for n in range(1, MOST_ENTRANTS // 2 + 1)]
    assert len(with_and_without(most)) == MOST_ENTRANTS
    with pytest.raises(UserError, match="7 ways, each with and without, are too many") as refused:
        with_and_without([*most, Entrant(strategy="feature-extraction")])
    assert refused.value.remedy.startswith("Name 6 at the most")


def test_one_way_alone_is_enough_where_it_stands_there_twice() -> None:
    assert entrants_of("fine-tune-top:2", fewest=1) == [Entrant(strategy="fine-tune-top", top_groups=2)]
    with pytest.raises(UserError):
        entrants_of(" , ", fewest=1)


def test_no_way_at_all_is_told_as_such_where_one_would_be_enough() -> None:
    with pytest.raises(UserError, match="A comparison needs at least one way") as refused:
        entrants_of(" ,", fewest=1)
    assert "two" not in refused.value.problem


def test_with_and_without_are_told_apart_by_key_label_and_folder() -> None:
    plain = [
        *entrants_of("feature-extraction,fine-tune-top:1,fine-tune-top:2,full-fine-tuning"),
        Entrant(strategy="fine-tune-top", top_groups=2, rate_factor=0.1),
    ]
    ways = with_and_without(plain)
    legs = list(msgspec.structs.replace(comparison_of("a", "b", folds=2), entrants=ways).legs())
    for names in (
        {one.key for one in ways},
        {one.label for one in ways},
        {leg.folder.casefold() for leg in legs if leg.fold == 1},
    ):
        assert len(names) == 2 * len(plain)
    assert len({leg.folder for leg in legs}) == len({leg.label for leg in legs}) == 4 * len(plain)
    assert all(set(":@+/\\").isdisjoint(leg.folder) for leg in legs)
    assert ways[-1].label == "Fine-tune the top layers, 2 groups, rates × 0.1, from the earlier run"
    assert legs[-1].folder == "fine-tune-top 2 x0.1 from run fold 2"


def test_both_kinds_are_asked_for_the_same_training() -> None:
    asked = comparison_of("feature-extraction", "fine-tune-top:2")
    for without, with_it in zip(*[iter(with_and_without(asked.entrants))] * 2, strict=True):
        assert asked.spec(without) == asked.spec(with_it)


SOURCE = Source(run='Run "7"', dataset="cells", images=120, sha256="a" * 64)


@pytest.mark.parametrize("source", [None, SOURCE, Source(run="of old")])
def test_the_earlier_run_is_written_and_read_again(tmp_path: Path, source: Source | None) -> None:
    asked = msgspec.structs.replace(
        comparison_of("feature-extraction", "fine-tune-top:2"),
        entrants=with_and_without([Entrant(strategy="fine-tune-top", top_groups=2)]),
        purpose="source" if source else "strategies",
        source=source,
    )
    comparison.write(tmp_path, asked)
    assert comparison.read(tmp_path) == msgspec.structs.replace(asked, tlgui=__version__)
    assert ("[source]" in (tmp_path / FILE).read_text(encoding="utf-8")) == (source is not None)


def test_a_file_from_before_there_were_earlier_runs_begins_with_the_published_weights(tmp_path: Path) -> None:
    comparison.write(tmp_path, comparison_of("feature-extraction", "fine-tune-top:2"))
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    old = re.sub(r"(, )?\bfrom_run = false\n?", "", text)
    assert old != text and "from_run" not in old
    (tmp_path / FILE).write_text(old, encoding="utf-8")
    found = comparison.read(tmp_path)
    assert found.source is None and not any(one.from_run for one in found.entrants)
