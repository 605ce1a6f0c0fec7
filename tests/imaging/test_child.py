"""The imaging child as its owner sees it: a real process, real files."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from helpers.imaging import ANSWER_S, answers_until, copies, imaging_child

from tlgui.core import imaging_messages as messages
from tlgui.core.errors import UserError
from tlgui.core.imaging_process import ImagingProcess, imaging_command
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.imaging import demo_images

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]
Make = Callable[..., bytes]
LAST = (messages.Scanned, messages.Refused)


@pytest.fixture
def child() -> Iterator[ImagingProcess]:
    with imaging_child() as process:
        yield process


def scan(child: ImagingProcess, root: Path, ticket: int = 1) -> messages.Scanned:
    child.send(messages.ScanFolder(ticket=ticket, data=str(root)))
    last = answers_until(child, *LAST)[-1]
    assert isinstance(last, messages.Scanned), last
    return last


def wanted(*paths: str) -> list[messages.Wanted]:
    return [messages.Wanted(number=number, path=path) for number, path in enumerate(paths)]


def test_a_folder_is_listed_read_and_summed_up(child: ImagingProcess, plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs") | {"cats/broken.jpg": b"", "dogs/notes.txt": b"hello"})

    child.send(messages.ScanFolder(ticket=3, data=str(root), fractions=(0.5, 0.25, 0.25)))
    ready, listed, *progress, scanned = answers_until(child, *LAST)

    assert isinstance(ready, messages.ImagingReady)
    assert isinstance(listed, messages.Listed) and listed.files == 26
    assert all(isinstance(answer, messages.ScanProgress) and answer.total == 26 for answer in progress)
    assert isinstance(scanned, messages.Scanned)
    found = scanned.summary
    assert [(row.name, row.train, row.validation, row.test) for row in found.classes] == [
        ("cats", 6, 3, 3),
        ("dogs", 6, 3, 3),
    ]
    assert {left.path: left.reason_code.value for left in found.left_out} == {
        "cats/broken.jpg": "empty",
        "dogs/notes.txt": "not_an_image",
    }
    assert {answer.ticket for answer in (listed, *progress, scanned)} == {3}


def test_a_finished_scan_answers_questions_in_their_order(
    child: ImagingProcess, plant: Plant, classes: Classes
) -> None:
    root = plant(classes("cats", "dogs", images=20) | {f"cats/{n}.txt": b"x" for n in range(5)})
    child.send(messages.ScanFolder(ticket=1, data=str(root)))
    child.send(messages.Resplit(ticket=1, fractions=(0.8, 0.1, 0.1)))
    child.send(messages.Resplit(ticket=1, fractions=(0.5, 0.5, 0.0)))
    child.send(messages.ClassImages(ticket=1, class_name="dogs", offset=5, count=3))
    child.send(messages.LeftOutFiles(ticket=1, offset=3, count=9))

    *_, counted, paths, left_out = answers_until(child, messages.LeftOutListed)

    assert isinstance(counted, messages.SplitCounted)
    assert [(row.train, row.validation, row.test) for row in counted.classes] == [(10, 10, 0)] * 2
    assert paths == messages.ClassPaths(
        ticket=1, class_name="dogs", offset=5, paths=["dogs/05.png", "dogs/06.png", "dogs/07.png"], total=20
    )
    assert isinstance(left_out, messages.LeftOutListed) and left_out.total == 5 and len(left_out.files) == 2


def test_a_folder_that_will_not_do_is_refused_with_what_to_do(
    child: ImagingProcess, plant: Plant, classes: Classes, tmp_path: Path
) -> None:
    child.send(messages.ScanFolder(ticket=1, data=str(plant(classes("cats")))))
    child.send(messages.ScanFolder(ticket=2, data=str(tmp_path / "gone")))
    refused = {}
    for _ in range(2):
        *_, last = answers_until(child, messages.Refused)
        assert isinstance(last, messages.Refused) and last.request == "ScanFolder"
        refused[last.ticket] = last

    assert refused[1].problem == "Only one class was found in 'photos': 'cats'."
    assert "'gone' does not exist" in refused[2].problem
    assert not refused[1].is_fault


def test_questions_about_a_folder_that_was_not_read_are_refused(child: ImagingProcess) -> None:
    child.send(messages.Resplit(ticket=9, fractions=(0.8, 0.1, 0.1)))

    *_, refused = answers_until(child, messages.Refused)

    assert isinstance(refused, messages.Refused) and refused.request == "Resplit"
    assert refused.remedy.startswith("Choose the folder again")


def test_pictures_come_while_a_folder_is_read(plant: Plant, classes: Classes, picture: Make) -> None:
    root = plant(classes("cats", "dogs") | {"cats/endless.png": picture(99), "dogs/broken.png": b""})
    with imaging_child(breakable=True) as child:
        child.send(messages.ScanFolder(ticket=1, data=str(root)))
        answers_until(child, messages.Listed)
        child.send(messages.Thumbnails(ticket=2, root=str(root), wanted=wanted("cats/00.png"), side=64))
        *_, good = answers_until(child, messages.Thumbnail)
        child.send(messages.Thumbnails(ticket=2, root=str(root), wanted=wanted("dogs/broken.png"), side=64))
        *_, bad = answers_until(child, messages.Thumbnail)

    assert isinstance(good, messages.Thumbnail) and (good.width, good.height, good.problem) == (9, 7, "")
    assert good.data.startswith(b"\x89PNG")
    assert isinstance(bad, messages.Thumbnail) and (bad.data, bad.problem) == (b"", "The file is empty (0 bytes).")


def test_the_newest_pictures_come_first_and_large_views_before_them(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs"))
    with imaging_child(breakable=True) as child:
        child.send(messages.Picture(ticket=1, root=str(root), longest=64, wanted=wanted("cats/00.png")[0]))
        answers_until(child, messages.Thumbnail)
        many = [messages.Wanted(number=number, path="cats/00.png") for number in range(200)]
        child.send(messages.Thumbnails(ticket=1, root=str(root), wanted=many, side=64))
        child.send(
            messages.Thumbnails(
                ticket=1, root=str(root), wanted=[messages.Wanted(number=500, path="cats/01.png")], side=64
            )
        )
        large = messages.Wanted(number=900, path="cats/02.png")
        child.send(messages.Picture(ticket=1, root=str(root), wanted=large, longest=64))
        numbers = [a.number for _ in range(202) if isinstance(a := child.next_message(ANSWER_S), messages.Thumbnail)]

    # A few of the old ones may have been made before the others were heard.
    assert sorted(numbers) == [*range(200), 500, 900]
    assert numbers.index(900) < 100 and numbers.index(500) < 100
    assert [number for number in numbers if number < 200] == list(range(200))


def test_nothing_of_a_forgotten_ticket_is_answered(plant: Plant, classes: Classes, picture: Make) -> None:
    root = plant(classes("cats", "dogs") | {"cats/endless.png": picture(99)})
    with imaging_child(breakable=True) as child:
        child.send(messages.ScanFolder(ticket=1, data=str(root)))
        answers_until(child, messages.Listed)
        many = [messages.Wanted(number=number, path="cats/00.png") for number in range(500)]
        child.send(messages.Thumbnails(ticket=2, root=str(root), wanted=many, side=64))
        child.send(messages.Forget(ticket=1))
        child.send(messages.Forget(ticket=2))
        (root / "cats/endless.png").unlink()
        child.send(messages.ScanFolder(ticket=3, data=str(root)))
        said = answers_until(child, messages.Scanned)

    after = next(index for index, answer in enumerate(said) if answer.ticket == 3)
    assert {answer.ticket for answer in said[after:]} == {3}
    assert sum(answer.ticket == 2 for answer in said) < 500


def test_some_pictures_of_a_ticket_can_be_forgotten_alone(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs"))
    with imaging_child() as child:
        many = [messages.Wanted(number=number, path="cats/00.png") for number in range(300)]
        child.send(messages.Thumbnails(ticket=1, root=str(root), wanted=many, side=64))
        child.send(messages.Forget(ticket=1, numbers=list(range(1, 299))))
        numbers = []
        while 299 not in numbers:
            answer = child.next_message(ANSWER_S)
            numbers += [answer.number] if isinstance(answer, messages.Thumbnail) else []

    assert len(numbers) < 300 and numbers[0] == 0


def test_five_thousand_files_are_given_up_at_once_when_another_folder_is_chosen(
    child: ImagingProcess, tmp_path: Path, plant: Plant, classes: Classes, picture: Make
) -> None:
    tiny = tmp_path / "tiny.png"
    tiny.write_bytes(picture())
    many = copies(tiny, tmp_path / "many", classes=20, each=250)
    child.send(messages.ScanFolder(ticket=1, data=str(many)))
    *_, listed = answers_until(child, messages.Listed)
    assert isinstance(listed, messages.Listed) and listed.files == 5000
    child.send(messages.Forget(ticket=1))

    found = scan(child, plant(classes("cats", "dogs")), ticket=2)

    assert found.ticket == 2 and found.summary.used == 24
    assert child.in_hand() == []  # the first folder is left alone


def test_a_run_is_prepared_from_what_was_found_and_nothing_is_read_twice(
    child: ImagingProcess, plant: Plant, classes: Classes
) -> None:
    root = plant(classes("cats", "dogs"))
    scan(child, root)
    for path in root.glob("*/*.png"):
        path.unlink()  # the engine would say so when it reads them

    child.send(messages.Prepare(ticket=1, data=str(root), spec=RunSpec(training=Training(seed=4))))
    (prepared,) = answers_until(child, messages.RunPrepared, messages.Refused)

    assert isinstance(prepared, messages.RunPrepared), prepared
    run = RunFolder(Path(prepared.run))
    assert len(run.manifest()) == 24
    assert run.spec().training.seed == 4 and run.spec().data == ""
    assert prepared.advice


def test_a_run_is_prepared_also_where_the_scan_is_gone(
    child: ImagingProcess, plant: Plant, classes: Classes, tmp_path: Path
) -> None:
    root = plant(classes("cats", "dogs"))

    child.send(messages.Prepare(ticket=5, data=str(root), spec=RunSpec(), run_dir=str(tmp_path / "run")))
    *_, prepared = answers_until(child, messages.RunPrepared, messages.Refused)

    run = RunFolder(tmp_path / "run")
    assert prepared == messages.RunPrepared(
        ticket=5, run=str(run.path), spec=run.spec(), advice=getattr(prepared, "advice", "none")
    )
    assert len(run.manifest()) == 24


def test_a_run_that_cannot_be_prepared_is_refused(child: ImagingProcess, plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs"))
    scan(child, root)

    child.send(messages.Prepare(ticket=1, data=str(root), spec=RunSpec(), run_dir=str(root)))
    (refused,) = answers_until(child, messages.RunPrepared, messages.Refused)

    assert isinstance(refused, messages.Refused) and refused.request == "Prepare"
    assert refused.problem == "The run folder 'photos' is not empty."


def test_the_demo_images_are_drawn_once(child: ImagingProcess) -> None:
    child.send(messages.DrawDemo(ticket=1))
    _ready, *progress, drawn = answers_until(child, messages.DemoDrawn, messages.Refused)
    child.send(messages.DrawDemo(ticket=2))
    again = answers_until(child, messages.DemoDrawn, messages.Refused)

    assert isinstance(drawn, messages.DemoDrawn), drawn
    assert len(list(Path(drawn.folder).glob("*/*.png"))) == sum(demo_images.CLASS_FIELDS.values())
    assert progress and all(isinstance(answer, messages.ScanProgress) for answer in progress)
    assert again == [messages.DemoDrawn(ticket=2, folder=drawn.folder)]


def test_a_line_that_is_no_request_harms_nothing(child: ImagingProcess, plant: Plant, classes: Classes) -> None:
    child.write(b'{"type":"Dance"}\n\xff\n[]\n')

    assert scan(child, plant(classes("cats", "dogs"))).summary.used == 24
    assert child.last_lines().count("was not understood") == 3


def test_no_place_of_a_persons_files_stands_in_the_log(child: ImagingProcess, plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs") | {"cats/broken.tif": b"II*\0" + bytes(99), "dogs/a.jpg": b"\xff\xd8\xff"})
    scan(child, root)
    child.send(messages.Thumbnails(ticket=2, root=str(root), wanted=wanted("cats/broken.tif", "gone.png"), side=64))
    answers_until(child, messages.Thumbnail)
    answers_until(child, messages.Thumbnail)

    logs = [child.log, *child.log.parent.glob("reader-*.log")]
    assert len(logs) > 1
    assert str(root.parent) not in "".join(log.read_text() for log in logs)


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no such signal")
def test_ctrl_c_is_for_the_owner_alone(child: ImagingProcess, plant: Plant, classes: Classes) -> None:
    answers_until(child, messages.ImagingReady)

    os.kill(child.pid, signal.SIGINT)

    assert scan(child, plant(classes("cats", "dogs"))).summary.used == 24


@pytest.mark.skipif(os.name != "posix", reason="niceness is of posix")
def test_the_child_lets_others_go_first(child: ImagingProcess) -> None:
    answers_until(child, messages.ImagingReady)

    assert psutil.Process(child.pid).nice() == min(19, psutil.Process().nice() + 5)


def test_the_child_leaves_at_once_when_its_owner_goes_and_its_readers_with_it(
    plant: Plant, classes: Classes, picture: Make
) -> None:
    root = plant(classes("cats", "dogs") | {"cats/endless.png": picture(99)})
    with imaging_child(breakable=True) as child:
        child.send(messages.ScanFolder(ticket=1, data=str(root)))
        answers_until(child, messages.Listed)
        deadline = time.monotonic() + ANSWER_S
        while not (readers := psutil.Process(child.pid).children()) and time.monotonic() < deadline:
            time.sleep(0.01)
        notes = child._notes
        assert child.close(ANSWER_S) == 0
    assert readers
    assert all(not reader.is_running() or psutil.wait_procs([reader], ANSWER_S)[0] for reader in readers)
    assert not notes.exists()


def test_a_file_that_breaks_its_reader_is_left_out_and_the_child_lives(
    plant: Plant, classes: Classes, picture: Make
) -> None:
    root = plant(classes("cats", "dogs") | {"cats/deadly.png": picture(99)})
    with imaging_child(breakable=True) as child:
        found = scan(child, root).summary
        assert child.alive
    assert found.used == 24
    assert [(left.path, left.reason) for left in found.left_out] == [
        ("cats/deadly.png", "The decoder broke down on this file (exit code 70).")
    ]


def test_what_a_dead_child_had_in_hand_is_known(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs"))
    (root / "cats/deadly.png").write_bytes((root / "cats/00.png").read_bytes())
    with imaging_child(breakable=True) as child:
        child.send(messages.Thumbnails(ticket=1, root=str(root), wanted=wanted("cats/deadly.png"), side=64))
        assert child.next_message(ANSWER_S) == messages.ImagingReady()
        assert child.next_message(ANSWER_S) is None and child.ended

        assert child.cause == "exit code 70"
        assert child.in_hand() == ["cats/deadly.png"]


def test_a_place_that_is_no_text_is_said_and_not_sent(child: ImagingProcess) -> None:
    with pytest.raises(UserError, match="no text"):
        child.send(messages.ScanFolder(ticket=1, data="/photos/\udcff"))


def test_the_child_of_this_installation_is_a_role_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert imaging_command() == [sys.executable, "-P", "-m", "tlgui", "imaging"]

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert imaging_command() == [sys.executable, "imaging"]
