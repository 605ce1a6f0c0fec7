"""What the window and the imaging child say to each other: one JSON line per request, one per answer.

Each request carries a ticket that the window chose, and each answer carries the ticket of its request: after
`Forget(ticket)` nothing with that ticket is of interest any more. Answers carry counts and samples, never every path of
a folder: a folder of 100,000 files costs the window no more than one of 100.
"""

from __future__ import annotations

import msgspec

from tlgui.core.comparison import ComparedRun, Comparison
from tlgui.core.errors import UserError
from tlgui.core.imaging_requests import (
    AnyRequest,
    ChangeIntake,
    ClassImages,
    Count,
    DrawDemo,
    Forget,
    Fractions,
    Inspect,
    LeftOutFiles,
    ListLeaks,
    Picture,
    Prepare,
    PrepareComparison,
    ReadTable,
    Request,
    RequestName,
    Resplit,
    ScanFolder,
    ShowViews,
    Side,
    Thumbnails,
    TryGroups,
    UndoChange,
    Unpack,
    Wanted,
    WriteListing,
)
from tlgui.core.records import Grouping, LeftOut, TableColumns
from tlgui.core.run_spec import RunSpec
from tlgui.core.scan_summary import (
    MOST_LEFT_OUT,
    MOST_SAMPLES,
    ChangeLine,
    ClassCount,
    ClassFound,
    Leak,
    ScanSummary,
)

__all__ = [
    "MOST_LEFT_OUT",
    "MOST_SAMPLES",
    "Answer",
    "AnyAnswer",
    "AnyRequest",
    "ChangeIntake",
    "ChangeLine",
    "ClassCount",
    "ClassFound",
    "ClassImages",
    "ClassPaths",
    "ComparisonPrepared",
    "Count",
    "DemoDrawn",
    "DrawDemo",
    "Forget",
    "Fractions",
    "GroupsTried",
    "ImagingReady",
    "Inspect",
    "Inspected",
    "Leak",
    "LeaksListed",
    "LeftOutFiles",
    "LeftOutListed",
    "ListLeaks",
    "Listed",
    "ListingWritten",
    "Picture",
    "Prepare",
    "PrepareComparison",
    "ReadTable",
    "Refused",
    "Request",
    "RequestName",
    "Resplit",
    "RunPrepared",
    "ScanFolder",
    "ScanProgress",
    "ScanSummary",
    "Scanned",
    "ShowViews",
    "Side",
    "SplitCounted",
    "TableRead",
    "Thumbnail",
    "Thumbnails",
    "TryGroups",
    "UndoChange",
    "Unpack",
    "Unpacked",
    "ViewsShown",
    "Wanted",
    "WriteListing",
    "decode_answer",
    "decode_request",
    "encode",
]


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the imaging child says; `ticket` is that of the request."""

    ticket: int


class ImagingReady(Answer, frozen=True, kw_only=True):
    """The child's first line: its libraries are loaded. It answers no request."""

    ticket: int = 0


class Listed(Answer, frozen=True, kw_only=True):
    """The names are read, the files not yet.

    Attributes:
        name: the folder's own name, never its place.
        layout: as in `ScanSummary`.
        files: all below the folder.
    """

    name: str
    layout: str
    files: int
    classes: list[ClassFound]


class ScanProgress(Answer, frozen=True, kw_only=True):
    """`done` of `total` files were read (or demo images drawn); at most 20 a second."""

    done: int
    total: int
    seconds_left: float | None = None


class Scanned(Answer, frozen=True, kw_only=True):
    """The look at the folder is over."""

    summary: ScanSummary


class Refused(Answer, frozen=True, kw_only=True):
    """A request came to nothing; the parts of a `UserError`.

    Attributes:
        request: the name of the request's class, such as "ScanFolder" or "Prepare".
        code: of the `UserError`, "" where it has none.
        is_fault: the program's own mistake, with its traceback (without absolute places) in `details`.
    """

    request: RequestName
    problem: str
    remedy: str
    details: str = ""
    code: str = ""
    is_fault: bool = False


class RunPrepared(Answer, frozen=True, kw_only=True):
    """The run folder is made.

    Attributes:
        run: its absolute path.
        spec: what it is, with all that was open filled in; so that nobody in the window reads its file.
        advice: why this strategy, where it was "auto"; else "".
    """

    run: str
    spec: RunSpec
    advice: str


class ComparisonPrepared(Answer, frozen=True, kw_only=True):
    """The run folders of a comparison are there, in the order in which they train; `folder` is an absolute path."""

    folder: str
    comparison: Comparison
    runs: list[ComparedRun]


class DemoDrawn(Answer, frozen=True, kw_only=True):
    """The demo images lie in `folder`, an absolute path."""

    folder: str


class ClassPaths(Answer, frozen=True, kw_only=True):
    """`paths` are the used images of the class from `offset` on, of `total`."""

    class_name: str
    offset: int
    paths: list[str]
    total: int


class LeftOutListed(Answer, frozen=True, kw_only=True):
    """`files` are the files left out from `offset` on, of `total`."""

    offset: int
    files: list[LeftOut]
    total: int


class SplitCounted(Answer, frozen=True, kw_only=True):
    """The counts per part; the samples are left empty.

    Attributes:
        summary: with all that follows from the parts besides, such as leaks and warnings; `None` = as before.
    """

    classes: list[ClassCount]
    summary: ScanSummary | None = None


class TableRead(Answer, frozen=True, kw_only=True):
    """A label table.

    Attributes:
        header: names of its columns.
        rows: the first 20.
        row_count: of all.
        columns: as chosen, or as recognised; `None` = it looks like no label table.
        evidence: sentences that say what it was told by.
        matched: rows whose file is in the folder; `unmatched` names the first files that are not.
        problem: why these columns do not do, in words, or "".
        classes: class -> rows.
    """

    table: str
    header: list[str]
    rows: list[list[str]]
    row_count: int
    columns: TableColumns | None
    evidence: list[str] = []
    matched: int = 0
    unmatched: list[str] = []
    problem: str = ""
    classes: dict[str, int] = {}


class GroupsTried(Answer, frozen=True, kw_only=True):
    """What a key would do; `problem` says in words why it cannot be used."""

    grouping: Grouping
    problem: str = ""


class LeaksListed(Answer, frozen=True, kw_only=True):
    """`leaks` are those from `offset` on, of `total`."""

    offset: int
    leaks: list[Leak]
    total: int


class ListingWritten(Answer, frozen=True, kw_only=True):
    """The listing lies at `path`, absolute; the folder that it tells of at `data`."""

    path: str
    data: str


class Inspected(Answer, frozen=True, kw_only=True):
    """What the network sees of one image.

    Attributes:
        width, height: of the decoded image, upright.
        original, decoded, square: JPEG or PNG files: as a plain viewer would show it; after every step; what enters the
            network. Empty where there is a problem.
        steps: every step that was applied, one sentence each, in their order.
        clipped_low, clipped_high: share of values below and above the range, 0..1.
        squeeze: how much more the width was shrunk than the height (1 = not at all); < 1 the other way.
        cut_off: share of the picture that does not enter the network, 0..1.
        warning: one line where something is lost, or "".
        problem: why there is no picture, or "".
    """

    width: int = 0
    height: int = 0
    original: bytes = b""
    decoded: bytes = b""
    square: bytes = b""
    steps: list[str] = []
    clipped_low: float = 0.0
    clipped_high: float = 0.0
    squeeze: float = 1.0
    cut_off: float = 0.0
    warning: str = ""
    problem: str = ""


class ViewsShown(Answer, frozen=True, kw_only=True):
    """One image as training sees it.

    Attributes:
        plain: a JPEG or PNG file: the image without variation, as validation and prediction see it.
        views: the same of each varied view, in their order; none where nothing is varied.
        problem: why there is no picture, or "".
    """

    plain: bytes = b""
    views: list[bytes] = []
    problem: str = ""


class Unpacked(Answer, frozen=True, kw_only=True):
    """The archive was unpacked into `folder`, an absolute path."""

    folder: str


class Thumbnail(Answer, frozen=True, kw_only=True):
    """One picture, or why there is none.

    Attributes:
        number: as asked for.
        width, height: of the image itself in pixels, upright; 0 where it cannot be read.
        data: a JPEG or PNG file, upright; base64 on the wire; empty where there is a problem.
        problem: a sentence without the file's name, or "".
    """

    number: int
    width: int = 0
    height: int = 0
    data: bytes = b""
    problem: str = ""


AnyAnswer = (
    ImagingReady
    | Listed
    | ScanProgress
    | Scanned
    | Refused
    | RunPrepared
    | ComparisonPrepared
    | DemoDrawn
    | ClassPaths
    | LeftOutListed
    | SplitCounted
    | TableRead
    | GroupsTried
    | LeaksListed
    | ListingWritten
    | Inspected
    | ViewsShown
    | Unpacked
    | Thumbnail
)

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_answers: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


def encode(message: Request | Answer) -> bytes:
    """One JSON line, with its line end.

    Raises:
        UserError: a path holds bytes that are no text (Linux allows any); JSON cannot carry them.
    """
    try:
        return _encoder.encode(message) + b"\n"
    except UnicodeEncodeError as error:
        raise UserError(
            "The name of the folder, or of one above it, holds bytes that are no text.", "Rename that folder."
        ) from error


def decode_request(line: bytes | str) -> AnyRequest:
    """The request in one line.

    Raises:
        msgspec.DecodeError: it is none; the text names the field.
    """
    return _requests.decode(line)


def decode_answer(line: bytes | str) -> AnyAnswer:
    """The answer in one line.

    Raises:
        msgspec.DecodeError: it is none that this version knows.
    """
    return _answers.decode(line)
