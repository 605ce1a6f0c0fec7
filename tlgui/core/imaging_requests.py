"""What the window asks of the imaging child; see `imaging_messages`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tlgui.core.comparison import Comparison
from tlgui.core.intake import AnyChange
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule, TableColumns
from tlgui.core.run_spec import Fraction, RunSpec

Count = Annotated[int, Meta(ge=0)]
Side = Annotated[int, Meta(ge=16, le=8192)]
Fractions = tuple[Fraction, Fraction, Fraction]
RequestName = Literal[
    "ScanFolder",
    "Prepare",
    "PrepareComparison",
    "TrySites",
    "PrepareSites",
    "DrawDemo",
    "ClassImages",
    "LeftOutFiles",
    "Resplit",
    "ChangeIntake",
    "UndoChange",
    "ReadTable",
    "TryGroups",
    "ListLeaks",
    "WriteListing",
    "ListUnlabelled",
    "Inspect",
    "ShowViews",
    "Unpack",
]


class Request(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Something for the imaging child to do; paths of folders are absolute, those of images relative to them."""

    ticket: int


class ScanFolder(Request, frozen=True, kw_only=True):
    """Look at a folder: `Listed` soon, `ScanProgress` now and then, at last `Scanned` or `Refused`.

    Attributes:
        fractions, seed: for the counts per part.
        fewest_classes: that the folder needs: 1 where a run that knows others learns on with it.
    """

    data: str
    fewest_classes: Annotated[int, Meta(ge=1, le=2)] = 2
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
        weights_file: the person's own weights, or "": where they are those of an earlier run, images that it has learned
            test nothing.
        target: folder of unlabelled images of a new site, where the run adapts to one; they are read then, with
            `ScanProgress` now and then. "" = none.
        continues: it learns on from the run whose weights these are, with the classes of that one.
        earlier: folder of that run's images, where they are not where they were; "" = there, or nowhere.
    """

    data: str
    spec: RunSpec
    run_dir: str = ""
    weights_file: str = ""
    target: str = ""
    continues: bool = False
    earlier: str = ""


class PrepareComparison(Request, frozen=True, kw_only=True):
    """Make the run folders of a comparison that are not there yet: `ComparisonPrepared` or `Refused`.

    Attributes:
        data: the folder of images; it is looked at again where the scan of this ticket is gone.
        folder: of the comparison; "" = a new one in the project.
        comparison: what is compared; the images are filled in. Of one that is there, `comparison.toml` counts.
        folds: of a new one; `None` = as its images need.
        run: the earlier run that some ways begin with, or "".
    """

    data: str
    folder: str = ""
    run: str = ""
    comparison: Comparison
    folds: Annotated[int, Meta(ge=0, le=100)] | None = None


class TrySites(Request, frozen=True, kw_only=True):
    """Which sites the images at hand are from, told in one way: `SitesTried`.

    Attributes:
        by: "folder", "column:NAME" or a pattern, as in `Sites`; "" = in whichever way it can be told.
    """

    by: str = ""


class PrepareSites(Request, frozen=True, kw_only=True):
    """Make the run folders in which each site is held out in turn, those that are not there yet: `SitesPrepared` or `Refused`.

    Attributes:
        data: the folder of images; it is looked at again where the scan of this ticket is gone.
        folder: where they are; "" = a new one in the project. Of one that is there, `sites.toml` counts.
        by: how a site is told.
        spec: what each run is asked for.
        weights_file: the person's own weights, or "".
    """

    data: str
    folder: str = ""
    by: str
    spec: RunSpec
    weights_file: str = ""


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


class ChangeIntake(Request, frozen=True, kw_only=True):
    """Add decisions to the project's journal and read the folder by them: `Scanned` with the new summary, or `Refused`.

    A decision that makes the folder unusable (its last but one class left out, say) is refused and not kept. Where it
    needs files that were not read yet (another layout), `ScanProgress` comes first.
    """

    changes: list[AnyChange]


class UndoChange(Request, frozen=True, kw_only=True):
    """Take decisions back: `Scanned` or `Refused`.

    Attributes:
        numbers: as in `ChangeLine`.
    """

    numbers: list[int]


class ReadTable(Request, frozen=True, kw_only=True):
    """Look into a label table, to choose its columns: `TableRead` or `Refused`.

    Attributes:
        table: relative to the folder, or an absolute path of one that lies elsewhere.
        columns: as the person chose them so far; `None` = as recognised.
    """

    table: str
    columns: TableColumns | None = None


class TryGroups(Request, frozen=True, kw_only=True):
    """What a key would do to the images at hand: `GroupsTried`."""

    key: str


class ListLeaks(Request, frozen=True, kw_only=True):
    """Some of the copies and twins that lie in two parts or in two classes (or, with `all`, all of them)."""

    offset: Count
    count: Annotated[int, Meta(ge=1, le=1000)]
    all: bool = False


class WriteListing(Request, frozen=True, kw_only=True):
    """Write what is used, with classes, groups and parts, to a file that an engine job reads: `ListingWritten`."""


class ListUnlabelled(Request, frozen=True, kw_only=True):
    """Read a folder of images without labels, and write which can be used to a file that an engine job reads.

    `ScanProgress` now and then, at last `UnlabelledListed` or `Refused`. It is asked under a ticket of its own.

    Attributes:
        data: the folder; what its folders are called is not read.
    """

    data: str


class Inspect(Request, frozen=True, kw_only=True):
    """What the network sees of one image: `Inspected`.

    Attributes:
        root: absolute path of the folder.
        path: relative to it.
        rule: the dataset's.
        backbone: a row of the backbone table, whose input size and crop are shown.
        fit: how a long image becomes a square.
        longest: pixels of the longer side of the pictures, at most.
    """

    root: str
    path: str
    rule: PixelRule
    backbone: str
    fit: Fit = "crop"
    longest: Side = 480


class ShowViews(Request, frozen=True, kw_only=True):
    """What training makes of one image: `ViewsShown`.

    Attributes:
        root, path, rule, fit: as in `Inspect`.
        backbone: a row of the backbone table, for the plain view and, without `size`, the size of all.
        augmentation: a row of the augmentation table.
        mirror: whether left and right may change places; `None` = as that row says.
        size: side of the network's input in pixels; `None` = the backbone's own.
        count: how many varied views: the first ones that training would see.
        longest: pixels of a picture's side, at most.
    """

    root: str
    path: str
    rule: PixelRule
    backbone: str
    augmentation: str
    mirror: bool | None = None
    fit: Fit = "crop"
    size: Side | None = None
    count: Annotated[int, Meta(ge=1, le=36)] = 9
    longest: Side = 224


class Unpack(Request, frozen=True, kw_only=True):
    """Unpack a zip safely into the person's projects: `ScanProgress` in bytes, then `Unpacked` or `Refused`."""

    archive: str


AnyRequest = (
    ScanFolder
    | Forget
    | Thumbnails
    | Picture
    | Prepare
    | PrepareComparison
    | TrySites
    | PrepareSites
    | DrawDemo
    | ClassImages
    | LeftOutFiles
    | Resplit
    | ChangeIntake
    | UndoChange
    | ReadTable
    | TryGroups
    | ListLeaks
    | WriteListing
    | ListUnlabelled
    | Inspect
    | ShowViews
    | Unpack
)
