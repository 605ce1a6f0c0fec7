"""What the window and the imaging child say to each other: one JSON line per request, one per answer.

Each request carries a ticket that the window chose, and each answer carries the ticket of its request: after
`Forget(ticket)` nothing with that ticket is of interest any more. Answers carry counts and samples, never every path of
a folder: a folder of 100,000 files costs the window no more than one of 100.
"""

from __future__ import annotations

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.imaging_answers import (
    Answer,
    AnyAnswer,
    ClassPaths,
    ComparisonPrepared,
    DemoDrawn,
    GroupsTried,
    ImagingReady,
    Inspected,
    LeaksListed,
    LeftOutListed,
    Listed,
    ListingWritten,
    Refused,
    RunPrepared,
    Scanned,
    ScanProgress,
    SitesPrepared,
    SitesTried,
    SplitCounted,
    TableRead,
    Thumbnail,
    UnlabelledListed,
    Unpacked,
    ViewsShown,
)
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
    ListUnlabelled,
    Picture,
    Prepare,
    PrepareComparison,
    PrepareSites,
    ReadTable,
    Request,
    RequestName,
    Resplit,
    ScanFolder,
    ShowViews,
    Side,
    Thumbnails,
    TryGroups,
    TrySites,
    UndoChange,
    Unpack,
    Wanted,
    WriteListing,
)
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
    "ListUnlabelled",
    "Listed",
    "ListingWritten",
    "Picture",
    "Prepare",
    "PrepareComparison",
    "PrepareSites",
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
    "SitesPrepared",
    "SitesTried",
    "SplitCounted",
    "TableRead",
    "Thumbnail",
    "Thumbnails",
    "TryGroups",
    "TrySites",
    "UndoChange",
    "UnlabelledListed",
    "Unpack",
    "Unpacked",
    "ViewsShown",
    "Wanted",
    "WriteListing",
    "decode_answer",
    "decode_request",
    "encode",
]


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
