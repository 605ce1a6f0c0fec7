"""Every event and command is one line that reads back alike; what is not known is tolerated or refused."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect as kinds

from tlgui.core import commands, events
from tlgui.core.commands import AnyCommand, AnyJob, Command, Job
from tlgui.core.errors import UserError
from tlgui.core.events import AnyEvent, Ending, Event

NASTY = 'ü 🦠 "quotes" \\ \n\r\t\x00 \u2028 <b> {"type":"Stop"}'
EVENTS: tuple[type[Event], ...] = get_args(AnyEvent)
MESSAGES: tuple[type[Command | Job], ...] = get_args(AnyCommand | AnyJob)


def leaves(base: type) -> set[type]:
    """The classes below `base` that have none below themselves: those that are sent."""
    below: list[type] = base.__subclasses__()
    return {base} if not below else set().union(*(leaves(child) for child in below))


def sample(kind: kinds.Type, rich: bool) -> Any:
    """A value of that type: full of nasty text and numbers, or as poor as the type allows."""
    match kind:
        case kinds.UnionType(types=types):
            options = sorted(types, key=lambda option: isinstance(option, kinds.NoneType))
            return sample(options[0] if rich else options[-1], rich)
        case kinds.NoneType():
            return None
        case kinds.BoolType():
            return rich
        case kinds.IntType(ge=least, le=most):
            return min(2**53, most or 2**53) if rich else (least or 0)
        case kinds.FloatType():
            return 1 / 3 if rich else 5e-324
        case kinds.StrType():
            return NASTY if rich else ""
        case kinds.LiteralType(values=values):
            return values[-1 if rich else 0]
        case kinds.ListType(item_type=item):
            return [sample(item, rich)] * 2 if rich else []
        case kinds.TupleType(item_types=items):
            return tuple(sample(item, rich) for item in items)
        case kinds.DictType(value_type=value):
            return {NASTY: sample(value, rich)} if rich else {}
        case kinds.AnyType():
            return [1, {"n": None, NASTY: 0.5}] if rich else None
        case kinds.StructType(cls=cls):
            return sample_of(cls, rich)
    raise AssertionError(f"this test has no sample for {kind}: add one")


def sample_of(cls: type[Any], rich: bool) -> Any:
    info = kinds.type_info(cls)
    assert isinstance(info, kinds.StructType)
    return cls(**{field.name: sample(field.type, rich) for field in info.fields})


def allows_none(kind: kinds.Type) -> bool:
    if isinstance(kind, kinds.ListType):
        return allows_none(kind.item_type)
    return isinstance(kind, kinds.UnionType) and kind.includes_none


def holds_float(kind: kinds.Type) -> bool:
    match kind:
        case kinds.FloatType():
            return True
        case kinds.UnionType(types=types):
            return any(holds_float(option) for option in types)
        case kinds.ListType(item_type=item):
            return holds_float(item)
        case kinds.DictType(value_type=value):
            return holds_float(value)
    return False


def test_every_event_and_command_is_known_to_its_reader() -> None:
    assert set(EVENTS) == leaves(Event)
    assert set(MESSAGES) == leaves(Command) | leaves(Job)
    assert set(get_args(AnyCommand)) == leaves(Command)


@pytest.mark.parametrize("rich", [True, False], ids=["rich", "poor"])
@pytest.mark.parametrize("cls", EVENTS)
def test_an_event_is_one_line_that_reads_back_alike(cls: type[Event], rich: bool) -> None:
    event = sample_of(cls, rich)

    line = events.encode(event)

    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert json.loads(line)["type"] == cls.__name__
    assert events.decode(line) == events.decode(line.decode()) == event


@pytest.mark.parametrize("rich", [True, False], ids=["rich", "poor"])
@pytest.mark.parametrize("cls", MESSAGES)
def test_a_command_is_one_line_that_reads_back_alike(cls: type[Command | Job], rich: bool) -> None:
    message = sample_of(cls, rich)

    line = commands.encode(message)

    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert json.loads(line)["type"] == cls.__name__
    assert commands.decode(line) == commands.decode(line.decode()) == message


@pytest.mark.parametrize("cls", EVENTS)
def test_an_event_with_a_field_of_a_later_version_is_read(cls: type[Event]) -> None:
    event = sample_of(cls, True)
    later = json.dumps(json.loads(events.encode(event)) | {"added_later": {"a": [1]}})

    assert events.decode(later) == event


@pytest.mark.parametrize("cls", MESSAGES)
def test_a_command_with_a_misspelt_field_is_refused_by_name(cls: type[Command | Job]) -> None:
    misspelt = json.dumps(json.loads(commands.encode(sample_of(cls, True))) | {"epoch": 1})

    with pytest.raises(msgspec.ValidationError, match="unknown field `epoch`"):
        commands.decode(misspelt)


@pytest.mark.parametrize("decode", [events.decode, commands.decode])
@pytest.mark.parametrize("line", [b'{"type":"Danced"}', b'{"step":1}', b"{}", b'{"type":3}', b"[]", b"3", b"null"])
def test_json_that_is_no_message_is_refused(decode: Any, line: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(line)


@pytest.mark.parametrize("decode", [events.decode, commands.decode])
@pytest.mark.parametrize("line", [b"", b"\n", b"hello", b'{"type":"Stop"', b'{"type":"Stop"}{"type":"Stop"}', b"\xff"])
def test_a_line_that_is_no_json_is_refused(decode: Any, line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(line)


def test_an_event_is_no_command_and_a_command_no_event() -> None:
    with pytest.raises(msgspec.ValidationError):
        commands.decode(events.encode(events.Paused(step=1)))
    with pytest.raises(msgspec.ValidationError):
        events.decode(commands.encode(commands.Stop()))


# Floats that are counted or looked up and can be nothing but finite; every other one is measured.
ALWAYS_FINITE = {
    ("BatchEnded", "learning_rates"),
    ("EpochEnded", "seconds"),
    ("EpochEnded", "learning_rates"),
    ("Measured", "seconds_per_1000"),
    ("Predicted", "probabilities"),
    ("ShortcutsProbed", "border"),
    # Shares of images that were counted.
    *(("SplitsCompared", f"{name}{end}") for name in ("naive", "safe") for end in ("", "_low", "_high")),
    *(("SplitsCompared", name) for name in ("difference", "low", "high")),
    *(("FirstAnswered", name) for name in ("accuracy", "low", "high", "largest_class", "seconds")),
    *(("MoveJudged", name) for name in ("difference", "low", "high", "with_it", "without_it")),
    ("LayersProbed", "largest_class"),
    ("BackbonesRanked", "largest_class"),
    # Shares of images that were counted, and shares that were asked for.
    ("MixesTried", "chosen"),
    *(("ScoredBeside", name) for name in ("difference", "low", "high", "p")),
    # Rates that were asked for or planned, not measured.
    ("MovePlanned", "learning_rates"),
    *(("RateFound", name) for name in ("rates", "in_use")),
}


def test_every_measured_value_may_be_missing() -> None:
    infos = (info for info in kinds.multi_type_info(EVENTS) if isinstance(info, kinds.StructType))
    strict = {
        (info.cls.__name__, field.name)
        for info in infos
        for field in info.fields
        if holds_float(field.type) and not allows_none(field.type)
    }

    assert strict == ALWAYS_FINITE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("cls", [events.BatchEnded, events.EpochEnded, events.Progress])
def test_a_value_that_is_not_finite_arrives_as_none(cls: type[Event], value: float) -> None:
    info = kinds.type_info(cls)
    assert isinstance(info, kinds.StructType)
    measured = [field.name for field in info.fields if holds_float(field.type) and allows_none(field.type)]
    assert measured
    event = msgspec.structs.replace(sample_of(cls, True), **dict.fromkeys(measured, value))

    line = events.encode(event)

    assert b"NaN" not in line and b"Inf" not in line
    assert {getattr(events.decode(line), name) for name in measured} == {None}


def test_scores_that_are_not_finite_arrive_as_none() -> None:
    line = events.encode(events.Evaluated(split="test", metrics={"auc": {"value": math.nan, "n": 3}}))

    assert events.decode(line) == events.Evaluated(split="test", metrics={"auc": {"value": None, "n": 3}})


def test_exactly_the_endings_end_a_job() -> None:
    assert {cls for cls in EVENTS if cls.ends_job} == leaves(Ending)
    assert {cls.__name__ for cls in leaves(Ending)} == {"Completed", "Stopped", "Failed", "Crashed"}


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (events.Completed(message="40 epochs are done."), "40 epochs are done."),
        (
            events.Stopped(best_epoch=3),
            "Stopped as you asked. The best state so far, of epoch 3, is kept and was evaluated.",
        ),
        (
            events.Stopped(best_epoch=0),
            "Stopped as you asked. The best state so far, from before the first epoch, is kept and was evaluated.",
        ),
        (
            events.Stopped(run="run"),
            "Stopped as you asked, before the first epoch had ended: there is no model yet. Continue to go on.",
        ),
        (events.Stopped(), "Stopped as you asked."),
        (events.Failed(problem="The disk is full.", remedy="Free some space."), "The disk is full. Free some space."),
        (
            events.Crashed(cause="signal 9", run="run"),
            "The engine ended unexpectedly (signal 9). The computer may have run out of memory. "
            "Nothing before the last checkpoint is lost: continue the run to go on.",
        ),
        (
            events.Crashed(cause="exit code 3", last_lines="Traceback"),
            "The engine ended unexpectedly (exit code 3). Try again.",
        ),
    ],
)
def test_every_ending_says_itself_in_sentences(ending: Ending, sentence: str) -> None:
    assert ending.sentence() == sentence
    assert sentence.endswith(".")


def test_a_new_ending_must_learn_to_say_itself() -> None:
    for cls in leaves(Ending):
        assert "sentence" in vars(cls)
    with pytest.raises(AssertionError, match="cannot say itself"):
        Ending().sentence()


@pytest.mark.parametrize("count", [0, -1])
@pytest.mark.parametrize("command", ['{"type":"Unfreeze","groups":%d}', '{"type":"Extend","epochs":%d}'])
def test_a_command_with_a_number_out_of_range_is_refused_by_field(command: str, count: int) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int` >= 1 - at `\$\.(groups|epochs)`"):
        commands.decode(command % count)


@pytest.mark.parametrize(
    "job",
    [
        commands.Train(run="/runs/\udcff/x", data="/data"),
        commands.Predict(run="/runs/x", paths=[("a", "/a"), ("b", "/\udcff/b")]),
    ],
)
def test_a_path_that_is_no_text_is_a_sentence_and_not_silence(job: Job) -> None:
    with pytest.raises(UserError, match=r"is not valid text, so the engine cannot be told of it\. Rename the file"):
        commands.encode(job)
