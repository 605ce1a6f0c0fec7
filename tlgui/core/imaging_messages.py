"""What the window and the imaging child say to each other: one JSON line per request, one per answer.

Each request carries a ticket that the window chose, and each answer carries the ticket of its request: after
`Forget(ticket)` nothing with that ticket is of interest any more. Answers carry counts and samples, never every path of
a folder: a folder of 100,000 files costs the window no more than one of 100.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tlgui.core.errors import UserError
from tlgui.core.records import DatasetWarning, LeftOut, PixelRule
from tlgui.core.run_spec import Fraction, RunSpec

MOST_SAMPLES = 16  # of one class
MOST_LEFT_OUT = 1000  # in one answer; `LeftOutFiles` brings the others

Count = Annotated[int, Meta(ge=0)]
Side = Annotated[int, Meta(ge=16, le=8192)]
Fractions = tuple[Fraction, Fraction, Fraction]
RequestName = Literal["ScanFolder", "Prepare", "DrawDemo", "ClassImages", "LeftOutFiles", "Resplit"]


class Request(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Something for the imaging child to do; paths of folders are absolute, those of images relative to them."""

    ticket: int


class ScanFolder(Request, frozen=True, kw_only=True):
    """Look at a folder: `Listed` soon, `ScanProgress` now and then, at last `Scanned` or `Refused`.

    Attributes:
        fractions, seed: for the counts per part.
    """

    data: str
    fractions: Fractions = (0.7, 0.15, 0.15)
    seed: Count = 0


class Forget(Request, frozen=True, kw_only=True):
    """Drop what the ticket asked for, also a finished scan: nothing with this ticket is answered after that.

    Attributes:
        numbers: only those pictures of the ticket; empty means all of it.
    """

    numbers: list[int] = []


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One picture to be answered under a number of the window's own."""

    number: int
    path: str


class Thumbnails(Request, frozen=True, kw_only=True):
    """Small pictures, each answered by a `Thumbnail`; those that were asked for last come first.

    Attributes:
        side: pixels of the square, or of the longer side with `whole`; nothing is enlarged.
        whole: the whole picture; otherwise the middle square of it.
        rule: the dataset's; `None` maps each image of more than 8 bits by its own range.
    """

    root: str
    wanted: list[Wanted]
    side: Side
    whole: bool = False
    rule: PixelRule | None = None


class Picture(Request, frozen=True, kw_only=True):
    """One whole picture for a large view, answered by a `Thumbnail` before all small ones.

    Attributes:
        longest: pixels of the longer side, at most.
    """

    root: str
    wanted: Wanted
    longest: Side
    rule: PixelRule | None = None


class Prepare(Request, frozen=True, kw_only=True):
    """Make the run folder from the scan of this ticket; where that is gone, `data` is looked at again.

    Attributes:
        run_dir: the run folder itself; "" means a new one among the person's projects.
    """

    data: str
    spec: RunSpec
    run_dir: str = ""


class DrawDemo(Request, frozen=True, kw_only=True):
    """Draw the built-in demo images, unless they are there already: `ScanProgress`, then `DemoDrawn` or `Refused`."""


class ClassImages(Request, frozen=True, kw_only=True):
    """Some of the used images of a class, from a finished scan."""

    class_name: str
    offset: Count
    count: Annotated[int, Meta(ge=1, le=1000)]


class LeftOutFiles(Request, frozen=True, kw_only=True):
    """Some of the files that a finished scan left out, in the order of their paths."""

    offset: Count
    count: Annotated[int, Meta(ge=1, le=1000)]


class Resplit(Request, frozen=True, kw_only=True):
    """How many images of each class go to each part with other fractions or another seed, from a finished scan."""

    fractions: Fractions
    seed: Count = 0


class ClassFound(msgspec.Struct, frozen=True, kw_only=True):
    """A class as the names of folders tell it, before any file was looked into.

    Attributes:
        files: of any kind; some may be left out later.
        samples: paths of files that are named like pictures, at most 16, relative to the folder.
    """

    name: str
    files: int
    samples: list[str]


class ClassCount(msgspec.Struct, frozen=True, kw_only=True):
    """A class with its used images.

    Attributes:
        train, validation, test: images in each part.
        samples: paths of used images spread over the class, at most 16, relative to the folder.
    """

    name: str
    train: int
    validation: int
    test: int
    samples: list[str] = []

    @property
    def total(self) -> int:
        """Used images."""
        return self.train + self.validation + self.test


class ScanSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a folder found, without the list of used files.

    Attributes:
        name: the folder's own name, never its place.
        layout: "class folders" or "train/validation/test".
        classes: those with used images, in the order of the model's outputs.
        used: images, in all.
        left_out: the first 1,000 files that are not used; `LeftOutFiles` brings the others.
        left_out_count: of all files that are not used: used + left_out_count = all files.
        reasons: how many files were left out for each reason code.
        deep_images: used images of more than 8 bits a channel (the pixel rule acts on those alone).
        given_parts: the parts that the folders name; validation that they do not name is cut from train.
        fingerprint: of the used images, as in run.toml.
    """

    name: str
    layout: str
    classes: list[ClassCount]
    used: int
    left_out: list[LeftOut] = []
    left_out_count: int = 0
    reasons: dict[str, int] = {}
    warnings: list[DatasetWarning] = []
    pixel_rule: PixelRule = PixelRule()
    deep_images: int = 0
    given_parts: list[str] = []
    fingerprint: str = ""

    @property
    def files(self) -> int:
        """All files below the folder."""
        return self.used + self.left_out_count

    @property
    def gives_split(self) -> bool:
        """Whether the folders say what trains and what tests, so that `split_fractions` cannot."""
        return self.layout != "class folders"


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
    """The counts per part; the samples are left empty."""

    classes: list[ClassCount]


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


AnyRequest = ScanFolder | Forget | Thumbnails | Picture | Prepare | DrawDemo | ClassImages | LeftOutFiles | Resplit
AnyAnswer = (
    ImagingReady
    | Listed
    | ScanProgress
    | Scanned
    | Refused
    | RunPrepared
    | DemoDrawn
    | ClassPaths
    | LeftOutListed
    | SplitCounted
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
