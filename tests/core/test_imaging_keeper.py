"""Every request is answered, however often the imaging child dies; played by children that are no processes."""

from __future__ import annotations

import pytest

from tlgui.core import imaging_messages as messages
from tlgui.core.comparison import Comparison, Entrant
from tlgui.core.errors import UserError
from tlgui.core.imaging_keeper import ImagingKeeper
from tlgui.core.intake import CutTest
from tlgui.core.run_spec import RunSpec


class FakeChild:
    def __init__(self) -> None:
        self.heard: list[messages.Request] = []
        self.closed = False
        self.cause = "signal 11"
        self.reading: list[str] = []

    def send(self, request: messages.Request) -> None:
        messages.encode(request)
        self.heard.append(request)

    def in_hand(self) -> list[str]:
        return self.reading

    def last_lines(self) -> str:
        return "its last words"

    def close(self, timeout_s: float) -> int:
        self.closed = True
        return 0


class Bench:
    def __init__(self) -> None:
        self.children: list[FakeChild] = []
        self.answers: list[messages.AnyAnswer] = []
        self.failures: list[UserError] = []
        self.error: Exception | None = None
        self.keeper = ImagingKeeper(self.make, self.answers.append, self.failures.append)

    def make(self) -> FakeChild:
        if self.error is not None:
            raise self.error
        self.children.append(FakeChild())
        return self.children[-1]

    def ask(self, *requests: messages.Request) -> FakeChild:
        for request in requests:
            self.keeper.ask(request)
        self.keeper.hear(messages.ImagingReady())
        return self.children[-1]

    def dies(self, *in_hand: str, cause: str = "signal 11") -> None:
        self.children[-1].reading = list(in_hand)
        self.children[-1].cause = cause
        self.keeper.hear(None)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def picture(number: int, path: str = "", ticket: int = 2) -> messages.Thumbnails:
    one = messages.Wanted(number=number, path=path or f"a/{number}.png")
    return messages.Thumbnails(ticket=ticket, root="/data", wanted=[one], side=64)


SCAN = messages.ScanFolder(ticket=1, data="/data")
PREPARE = messages.Prepare(ticket=1, data="/data", spec=RunSpec())


def test_the_first_request_starts_a_child_and_the_next_ones_use_it(bench: Bench) -> None:
    assert bench.children == []

    child = bench.ask(SCAN, picture(1))

    assert len(bench.children) == 1 and child.heard == [SCAN, picture(1)]


def test_forgetting_starts_no_child(bench: Bench) -> None:
    bench.keeper.ask(messages.Forget(ticket=1))

    assert bench.children == []


def test_answers_pass_through(bench: Bench) -> None:
    bench.ask(SCAN)
    said = messages.ScanProgress(ticket=1, done=1, total=2)

    bench.keeper.hear(said)

    assert bench.answers == [said]


def test_a_death_in_a_scan_is_a_refusal_that_names_the_files_in_hand(bench: Bench) -> None:
    bench.ask(SCAN)
    bench.dies("a/1.png")
    child = bench.children[-1]
    bench.keeper.hear(messages.ImagingReady())
    bench.dies("a/1.png", "b/2.png")

    (refused,) = bench.answers
    assert refused == messages.Refused(
        ticket=1,
        request="ScanFolder",
        problem="The part of the program that reads images ended unexpectedly at 'a/1.png' and 'b/2.png' (signal 11).",
        remedy="Try again; if it happens again, take what is named here out of the folder.",
        details="its last words",
    )
    assert child.closed and bench.failures == []
    assert bench.ask(messages.ScanFolder(ticket=3, data="/other")) is not child


def test_a_picture_that_takes_the_child_down_does_not_end_the_scan_beside_it(bench: Bench) -> None:
    bench.ask(SCAN, picture(1, "a/deadly.png"))
    bench.dies("a/deadly.png")

    assert [type(answer) for answer in bench.answers] == [messages.Thumbnail]
    assert bench.children[-1].heard == [SCAN]


def test_a_kill_for_memory_says_so(bench: Bench) -> None:
    bench.ask(SCAN)
    bench.dies(cause="signal 9")

    assert "run out of memory" in getattr(bench.answers[0], "remedy", "")


def test_after_a_death_the_picture_in_hand_has_a_problem_and_the_others_go_on(bench: Bench) -> None:
    bench.ask(picture(1), picture(2), picture(3))
    bench.keeper.hear(messages.Thumbnail(ticket=2, number=1, data=b"x"))
    bench.dies("a/2.png")

    assert bench.answers == [
        messages.Thumbnail(ticket=2, number=1, data=b"x"),
        messages.Thumbnail(ticket=2, number=2, problem="The program broke down when it read this file (signal 11)."),
    ]
    assert bench.children[-1].heard == [picture(3)] and len(bench.children) == 2


def test_a_picture_that_kills_without_being_noted_is_given_up(bench: Bench) -> None:
    bench.ask(picture(1))
    for _ in range(3):
        bench.dies()
        if not bench.answers:
            bench.keeper.hear(messages.ImagingReady())

    assert len(bench.children) == 3
    assert [getattr(answer, "number", None) for answer in bench.answers] == [1]


def test_what_was_answered_is_not_answered_again_by_a_death(bench: Bench) -> None:
    bench.ask(SCAN, PREPARE, messages.Resplit(ticket=1, fractions=(0.8, 0.2, 0.0)))
    summary = messages.ScanSummary(name="a", layout="class folders", classes=[], used=0)
    bench.keeper.hear(messages.Scanned(ticket=1, summary=summary))
    bench.keeper.hear(messages.Refused(ticket=1, request="Resplit", problem="p", remedy="r"))
    bench.answers.clear()
    bench.dies()

    assert [getattr(answer, "request", "") for answer in bench.answers] == ["Prepare"]


def test_a_decision_that_was_followed_is_not_refused_by_a_later_death(bench: Bench) -> None:
    summary = messages.ScanSummary(name="x", layout="class folders", classes=[], used=0)
    cut = messages.ChangeIntake(ticket=1, changes=[CutTest()])
    bench.ask(SCAN, cut)
    for _ in (SCAN, cut):
        bench.keeper.hear(messages.Scanned(ticket=1, summary=summary))
    undo = messages.UndoChange(ticket=1, numbers=[0])
    bench.ask(undo)
    bench.dies()

    refused = [answer for answer in bench.answers if isinstance(answer, messages.Refused)]
    assert [answer.request for answer in refused] == ["UndoChange"]


def test_nothing_of_a_forgotten_ticket_is_answered_by_a_death(bench: Bench) -> None:
    bench.ask(SCAN, picture(1), picture(2, ticket=9), messages.Forget(ticket=1), messages.Forget(ticket=2))
    bench.dies()

    assert bench.answers == []
    assert bench.children[-1].heard == [picture(2, ticket=9)]


def test_a_death_while_nothing_was_asked_is_silent_and_starts_nothing(bench: Bench) -> None:
    bench.ask(picture(1))
    bench.keeper.hear(messages.Thumbnail(ticket=2, number=1))
    bench.answers.clear()
    bench.dies()

    assert (bench.answers, bench.failures, len(bench.children)) == ([], [], 1)


def test_a_second_press_while_a_run_is_prepared_makes_no_second_run(bench: Bench) -> None:
    child = bench.ask(PREPARE, PREPARE)

    assert child.heard == [PREPARE]

    bench.keeper.hear(messages.RunPrepared(ticket=1, run="/runs/a", spec=RunSpec(), advice=""))
    bench.keeper.ask(PREPARE)
    assert child.heard == [PREPARE, PREPARE]


def test_a_death_while_a_comparison_is_prepared_is_a_refusal(bench: Bench) -> None:
    ways = [Entrant(strategy="feature-extraction"), Entrant(strategy="full-fine-tuning")]
    compared = Comparison(backbone="resnet50", entrants=ways)
    request = messages.PrepareComparison(ticket=1, data="/data", comparison=compared)
    bench.ask(request, SCAN)
    bench.keeper.hear(messages.ComparisonPrepared(ticket=1, folder="/c", comparison=compared, runs=[]))
    bench.dies()
    assert [(type(one).__name__, getattr(one, "request", "")) for one in bench.answers] == [
        ("ComparisonPrepared", ""),
        ("Refused", "ScanFolder"),
    ], "what was answered is not refused after that"
    bench.answers.clear()
    bench.ask(request)
    bench.dies()
    (refused,) = bench.answers
    assert isinstance(refused, messages.Refused) and refused.request == "PrepareComparison"


def test_a_death_while_sites_are_held_out_is_a_refusal(bench: Bench) -> None:
    tried, request = (
        messages.TrySites(ticket=1),
        messages.PrepareSites(ticket=1, data="/d", by="folder", spec=RunSpec()),
    )
    bench.ask(tried, request)
    bench.keeper.hear(messages.SitesTried(ticket=1, by="folder"))
    bench.dies()
    assert [getattr(one, "request", "") for one in bench.answers] == ["", "PrepareSites"], "what was answered is not"


def test_a_child_that_cannot_start_fails_once_and_leaves_nothing_open(bench: Bench) -> None:
    for request in (SCAN, picture(1), picture(2)):
        bench.keeper.ask(request)
    bench.dies(cause="exit code 1")

    (failure,) = bench.failures
    assert failure.problem == "The part of the program that reads images could not start (exit code 1)."
    assert "packaging/run.py" in failure.remedy and failure.details == "its last words"
    assert [type(answer).__name__ for answer in bench.answers] == ["Refused", "Thumbnail", "Thumbnail"]
    assert {getattr(answer, "problem", "") for answer in bench.answers} == {failure.problem}
    assert len(bench.children) == 1


def test_a_program_that_is_not_there_fails_in_the_same_words(bench: Bench) -> None:
    bench.error = FileNotFoundError(2, "No such file or directory")
    bench.keeper.ask(SCAN)

    assert [failure.problem for failure in bench.failures] == [
        "The part of the program that reads images could not start (No such file or directory)."
    ]
    assert len(bench.answers) == 1


def test_a_new_child_that_cannot_start_ends_the_pictures_too(bench: Bench) -> None:
    bench.ask(picture(1), picture(2), picture(3))
    bench.error = FileNotFoundError(2, "No such file or directory")
    bench.dies()

    assert sorted(getattr(answer, "number", 0) for answer in bench.answers) == [1, 2, 3]
    assert len(bench.failures) == 1


def test_a_place_that_is_no_text_is_refused_and_the_child_goes_on(bench: Bench) -> None:
    child = bench.ask(SCAN, messages.ScanFolder(ticket=2, data="/\udcff"), picture(1, path="\udcff.png"))

    assert [(answer.ticket, type(answer).__name__) for answer in bench.answers] == [(2, "Refused"), (2, "Thumbnail")]
    assert child.heard == [SCAN]
    bench.answers.clear()
    bench.dies()
    assert [answer.ticket for answer in bench.answers] == [1]


def test_closing_ends_the_child_and_answers_nothing(bench: Bench) -> None:
    child = bench.ask(SCAN, picture(1))

    bench.keeper.close()
    bench.keeper.hear(None)

    assert child.closed and bench.answers == []
