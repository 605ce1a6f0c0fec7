from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from tlgui.core import imaging_messages as messages
from tlgui.core.comparison import ComparedRun, Comparison, Entrant
from tlgui.core.errors import UserError
from tlgui.core.intake import GroupBy, LeaveOutClass, RenameClass, repair
from tlgui.core.records import Copies, DatasetWarning, Grouping, LeftOut, NameExample, PixelRule, Reason, TableColumns
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.sites import Sites

NASTY = 'ü 🦠 "quotes" \\ \n\r\t\x00 \u2028 <b> {"type":"Forget"}'
LEAK = messages.Leak(
    pair=Copies(kind="twin", first=NASTY, second="b", similarity=0.98, classes=(NASTY, "x")), parts=("train", "test")
)
SUMMARY = messages.ScanSummary(
    name=NASTY,
    layout="class folders",
    classes=[messages.ClassCount(name=NASTY, train=3, validation=2, test=1, samples=[NASTY])],
    used=6,
    left_out=[LeftOut(path=NASTY, reason_code=Reason.EMPTY, reason="The file is empty (0 bytes).")],
    left_out_count=1,
    reasons={"empty": 1},
    warnings=[
        DatasetWarning(
            code="imbalance", message=NASTY, paths=[NASTY], repairs=[repair("Merge", LeaveOutClass(name="a"))]
        )
    ],
    leaks=[LEAK],
    changes=[
        messages.ChangeLine(number=0, sentence=NASTY, at="2026-01-01T00:00:00Z", change=LeaveOutClass(name=NASTY))
    ],
    fingerprint="ab",
)
COMPARISON = Comparison(
    dataset=NASTY,
    grouped_by=NASTY,
    backbone="resnet50",
    mirror="no",
    entrants=[Entrant(strategy="from-scratch"), Entrant(strategy="fine-tune-top", top_groups=2, rate_factor=0.1)],
)
SITES = Sites(
    dataset=NASTY,
    images="f" * 64,
    by=NASTY,
    names=[NASTY, "b"],
    backbone="resnet50",
    weights=NASTY,
    strategy="fine-tune-top",
    top_groups=2,
    fit="squash",
    mirror="no",
)
REQUESTS = [
    messages.ScanFolder(ticket=1, data=NASTY, fractions=(0.5, 0.25, 0.25), seed=3, fewest_classes=1),
    messages.Forget(ticket=1, numbers=[1, 2]),
    messages.Thumbnails(ticket=1, root=NASTY, wanted=[messages.Wanted(number=1, path=NASTY)], side=64),
    messages.Picture(
        ticket=1, root=NASTY, wanted=messages.Wanted(number=1, path=NASTY), longest=2048, rule=PixelRule(high=4095.0)
    ),
    messages.Prepare(
        ticket=1,
        data=NASTY,
        spec=RunSpec(training=Training(epochs=3)),
        run_dir=NASTY,
        target=NASTY,
        continues=True,
        earlier=NASTY,
    ),
    messages.PrepareComparison(ticket=1, data=NASTY, folder=NASTY, comparison=COMPARISON, folds=3),
    messages.DrawDemo(ticket=1),
    messages.ClassImages(ticket=1, class_name=NASTY, offset=0, count=60),
    messages.LeftOutFiles(ticket=1, offset=0, count=60),
    messages.Resplit(ticket=1, fractions=(0.8, 0.2, 0.0), seed=1),
    messages.ChangeIntake(ticket=1, changes=[RenameClass(old=NASTY, new=NASTY), GroupBy(key="pattern:(a)")]),
    messages.UndoChange(ticket=1, numbers=[0, 3]),
    messages.ReadTable(ticket=1, table=NASTY, columns=TableColumns(file=NASTY, labels=[NASTY])),
    messages.TryGroups(ticket=1, key="dicom:patient"),
    messages.ListLeaks(ticket=1, offset=0, count=50, all=True),
    messages.TrySites(ticket=1, by=NASTY),
    messages.PrepareSites(ticket=1, data=NASTY, folder=NASTY, by=NASTY, spec=RunSpec(), weights_file=NASTY),
    messages.WriteListing(ticket=1),
    messages.ListUnlabelled(ticket=1, data=NASTY),
    messages.Inspect(ticket=1, root=NASTY, path=NASTY, rule=PixelRule(method="window"), backbone="resnet50"),
    messages.ShowViews(
        ticket=1,
        root=NASTY,
        path=NASTY,
        rule=PixelRule(),
        backbone="resnet50",
        augmentation="photos",
        mirror=False,
        size=64,
    ),
    messages.Unpack(ticket=1, archive=NASTY),
]
ANSWERS = [
    messages.ImagingReady(),
    messages.Listed(
        ticket=1,
        name=NASTY,
        layout="class folders",
        files=3,
        classes=[messages.ClassFound(name=NASTY, files=3, samples=[NASTY])],
    ),
    messages.ScanProgress(ticket=1, done=1, total=2, seconds_left=0.5),
    messages.Scanned(ticket=1, summary=SUMMARY),
    messages.Refused(ticket=1, request="Prepare", problem=NASTY, remedy=NASTY, details=NASTY, code="x", is_fault=True),
    messages.RunPrepared(ticket=1, run=NASTY, spec=RunSpec(), advice=NASTY),
    messages.ComparisonPrepared(
        ticket=1,
        folder=NASTY,
        comparison=COMPARISON,
        runs=[ComparedRun(run=NASTY, label=NASTY, strategy="feature-extraction", done=True)],
    ),
    messages.SitesTried(
        ticket=1,
        by=NASTY,
        sites={NASTY: 3},
        examples=[NameExample(name=NASTY, start=0, end=2)],
        columns=[NASTY],
        problem=NASTY,
        remedy=NASTY,
        code="no_sites",
    ),
    messages.SitesPrepared(
        ticket=1,
        folder=NASTY,
        sites=SITES,
        runs=[ComparedRun(run=NASTY, label=NASTY, strategy="feature-extraction", done=True)],
    ),
    messages.DemoDrawn(ticket=1, folder=NASTY),
    messages.ClassPaths(ticket=1, class_name=NASTY, offset=2, paths=[NASTY], total=3),
    messages.LeftOutListed(ticket=1, offset=0, files=SUMMARY.left_out, total=1),
    messages.SplitCounted(ticket=1, classes=SUMMARY.classes),
    messages.TableRead(ticket=1, table=NASTY, header=[NASTY], rows=[[NASTY]], row_count=1, columns=None),
    messages.GroupsTried(ticket=1, grouping=Grouping(key="none"), problem=NASTY),
    messages.LeaksListed(ticket=1, offset=0, leaks=[LEAK], total=1),
    messages.ListingWritten(ticket=1, path=NASTY, data=NASTY),
    messages.UnlabelledListed(ticket=1, path=NASTY, data=NASTY, images=9, left_out={"empty": 1}, unlisted=2),
    messages.Inspected(ticket=1, original=bytes(range(256)), steps=[NASTY], warning=NASTY),
    messages.ViewsShown(ticket=1, plain=bytes(range(256)), views=[b"", bytes(range(256))], problem=NASTY),
    messages.Unpacked(ticket=1, folder=NASTY),
    messages.Thumbnail(ticket=1, number=2, width=640, height=480, data=bytes(range(256)), problem=""),
]


def test_every_message_is_tried_here() -> None:
    assert {type(one) for one in REQUESTS} == set(get_args(messages.AnyRequest))
    assert {type(one) for one in ANSWERS} == set(get_args(messages.AnyAnswer))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)
def test_a_request_is_one_line_that_reads_back_alike(request_: messages.Request) -> None:
    line = messages.encode(request_)

    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert messages.decode_request(line) == request_


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda one: type(one).__name__)
def test_an_answer_is_one_line_that_reads_back_alike(answer: messages.Answer) -> None:
    line = messages.encode(answer)

    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert messages.decode_answer(line) == answer


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"Thumbnails","ticket":1,"root":"/","wanted":[],"side":0}',
        b'{"type":"Thumbnails","ticket":1,"root":"/","wanted":[],"side":100000}',
        b'{"type":"Resplit","ticket":1,"fractions":[1.5,0,0]}',
        b'{"type":"Forget","ticket":1,"nubmers":[]}',
        b'{"type":"PrepareComparison","ticket":1,"data":"/x","folds":101,"comparison":{"backbone":"resnet50",'
        b'"entrants":[{"strategy":"from-scratch"},{"strategy":"feature-extraction"}]}}',
        b'{"type":"PrepareComparison","ticket":1,"data":"/x","comparison":{"backbone":"resnet50",'
        b'"entrants":[{"strategy":"from-scratch"}]}}',
        b'{"type":"ClassImages","ticket":1,"class_name":"a","offset":0,"count":1000000}',
    ],
)
def test_a_request_that_makes_no_sense_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        messages.decode_request(line)


def test_an_answer_may_say_more_than_is_known() -> None:
    line = b'{"type":"DemoDrawn","ticket":1,"folder":"/x","added_later":true}'

    assert messages.decode_answer(line) == messages.DemoDrawn(ticket=1, folder="/x")


def test_a_place_that_is_no_text_is_said_without_it() -> None:
    with pytest.raises(UserError) as caught:
        messages.encode(messages.ScanFolder(ticket=1, data="/home/anna/\udcff"))

    assert "anna" not in str(caught.value)


def test_used_and_left_out_make_up_all_files() -> None:
    assert SUMMARY.files == 7
    assert SUMMARY.classes[0].total == 6
    assert not SUMMARY.gives_split
    assert msgspec.structs.replace(SUMMARY, given_parts=["test", "train"]).gives_split
