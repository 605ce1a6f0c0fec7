"""What the imaging child answers to the window; see `imaging_messages`."""

from __future__ import annotations

import msgspec

from tlgui.core.comparison import ComparedRun, Comparison
from tlgui.core.imaging_requests import RequestName
from tlgui.core.records import Grouping, LeftOut, NameExample, TableColumns
from tlgui.core.run_spec import RunSpec
from tlgui.core.scan_summary import ClassCount, ClassFound, Leak, ScanSummary
from tlgui.core.sites import Sites


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


class SitesTried(Answer, frozen=True, kw_only=True):
    """Which sites the images are from, told in one way.

    Attributes:
        by: in which; of a request that left it open, the one that fits, else the first one.
        sites: images of each, in the order of their names.
        examples: real names that show a pattern at work.
        columns: of the label tables here, by which sites could be told.
        problem, remedy: why that way does not do, or "".
        code: of the `UserError`.
    """

    by: str
    sites: dict[str, int] = {}
    examples: list[NameExample] = []
    columns: list[str] = []
    problem: str = ""
    remedy: str = ""
    code: str = ""


class SitesPrepared(Answer, frozen=True, kw_only=True):
    """The run folders of sites held out in turn are there, in the order in which they train; `folder` is absolute."""

    folder: str
    sites: Sites
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


class UnlabelledListed(Answer, frozen=True, kw_only=True):
    """The listing of unlabelled images lies at `path`, absolute; the folder that it tells of at `data`.

    Attributes:
        images: that can be used.
        left_out: files that cannot, by reason code; both together are all files.
        unlisted: folders that could not be looked into.
    """

    path: str
    data: str
    images: int
    left_out: dict[str, int] = {}
    unlisted: int = 0


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
    | SitesTried
    | SitesPrepared
    | DemoDrawn
    | ClassPaths
    | LeftOutListed
    | SplitCounted
    | TableRead
    | GroupsTried
    | LeaksListed
    | ListingWritten
    | UnlabelledListed
    | Inspected
    | ViewsShown
    | Unpacked
    | Thumbnail
)
