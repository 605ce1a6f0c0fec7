"""What a person can decide about a folder of images, one struct for each kind of decision; see `intake`."""

from __future__ import annotations

import msgspec

from tlgui.core.records import Colour, Frame, Method, TableColumns


class Change(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """One decision. Paths are relative to the dataset folder; class names are those of the folders or labels."""

    def sentence(self) -> str:
        """What it does, for the list of changes and for reports."""
        raise AssertionError("each kind of change says itself")


class SetLayout(Change, frozen=True, kw_only=True):
    """Read the folder in this way: a name as in `LayoutFacts`; "" = as recognised."""

    layout: str

    def sentence(self) -> str:
        """See `Change`."""
        return f"The folder is read as {self.layout}." if self.layout else "The folder is read as recognised."


class SetDomain(Change, frozen=True, kw_only=True):
    """Use this domain folder alone; "*" = all of them as one set."""

    domain: str

    def sentence(self) -> str:
        """See `Change`."""
        return "All domains are used as one set." if self.domain == "*" else f"Only the domain '{self.domain}' is used."


class SetTable(Change, frozen=True, kw_only=True):
    """Take the labels from a table.

    Attributes:
        table: relative to the dataset folder; of a table that lies elsewhere its own name, whose place the state folder
            knows.
        columns: `None` = as recognised.
    """

    table: str
    columns: TableColumns | None = None

    def sentence(self) -> str:
        """See `Change`."""
        return f"The labels come from the table '{self.table}'."


class RenameClass(Change, frozen=True, kw_only=True):
    """Call the class of the folder (or label) `old` by another name; under the name of another class the two are one."""

    old: str
    new: str

    def sentence(self) -> str:
        """See `Change`."""
        return f"The class '{self.old}' is called '{self.new}'."


class MergeClasses(Change, frozen=True, kw_only=True):
    """Make one class of several folders (or labels)."""

    names: list[str]
    into: str

    def sentence(self) -> str:
        """See `Change`."""
        named = ", ".join(f"'{name}'" for name in self.names)
        return f"The classes {named} are one: '{self.into}'."


class LeaveOutClass(Change, frozen=True, kw_only=True):
    """Use no image of the folder (or label) `name`."""

    name: str

    def sentence(self) -> str:
        """See `Change`."""
        return f"The class '{self.name}' is left out."


class LeaveOutFiles(Change, frozen=True, kw_only=True):
    """Do not use these files."""

    paths: list[str]

    def sentence(self) -> str:
        """See `Change`."""
        return _of_files(self.paths, "is left out", "are left out")


class KeepTogether(Change, frozen=True, kw_only=True):
    """Never part these: each inner list becomes one group, joined with the groups that its images are in already."""

    groups: list[list[str]]

    def sentence(self) -> str:
        """See `Change`."""
        paths = [path for group in self.groups for path in group]
        return _of_files(paths, "is kept together with its like", "are kept together with their like")


class IgnoreCopies(Change, frozen=True, kw_only=True):
    """These pairs of images are no copies of each other, whatever they look like."""

    pairs: list[tuple[str, str]]

    def sentence(self) -> str:
        """See `Change`."""
        n = len(self.pairs)
        return f"{n} {'pair of images is' if n == 1 else 'pairs of images are'} taken for different pictures."


class GroupBy(Change, frozen=True, kw_only=True):
    """Keep images together by a key as in `Grouping`; "none" = by nothing, also where a key was found."""

    key: str

    def sentence(self) -> str:
        """See `Change`."""
        if self.key == "none":
            return "No key keeps images together."
        kind, _, name = self.key.partition(":")
        words = {
            "dicom": {"patient": "DICOM PatientID", "study": "DICOM StudyInstanceUID"}.get(name, name),
            "column": f"the column '{name}'",
            "pattern": f"the pattern {name} in the file name",
        }
        return f"Images are kept together by {words.get(kind, self.key)}."


class SetPixelRule(Change, frozen=True, kw_only=True):
    """Map stored values by this rule; see `PixelRule`."""

    method: Method
    low: float
    high: float

    def sentence(self) -> str:
        """See `Change`."""
        match self.method:
            case "range":
                return f"Stored values from {self.low:.10g} to {self.high:.10g} become 0 to 255."
            case "percentile":
                return f"Each image is mapped from its own {self.low:g} % to its own {self.high:g} % of pixels."
            case "window":
                return "Each DICOM image is mapped by the window that it brings."


class SetColour(Change, frozen=True, kw_only=True):
    """Take the colour out of every image, or leave it."""

    colour: Colour

    def sentence(self) -> str:
        """See `Change`."""
        return "Colour is taken out of every image." if self.colour == "grey" else "Colour is left as stored."


class CropBorder(Change, frozen=True, kw_only=True):
    """Cut this share of the width and of the height off on each side."""

    share: float

    def sentence(self) -> str:
        """See `Change`."""
        return f"{100 * self.share:g} % is cut off on each side of every image."


class ChooseFrame(Change, frozen=True, kw_only=True):
    """Which frame or page of files that have several."""

    frame: Frame

    def sentence(self) -> str:
        """See `Change`."""
        words = {"auto": "the middle frame of DICOM and the first of others", "first": "the first frame or page"}
        words |= {"middle": "the middle frame or page", "last": "the last frame or page"}
        return f"Of files with several frames or pages, {words[self.frame]} is used."


class ChooseSlices(Change, frozen=True, kw_only=True):
    """Of a DICOM series: its middle slice alone ("middle"), or all of them ("all")."""

    slices: str

    def sentence(self) -> str:
        """See `Change`."""
        if self.slices == "all":
            return "All slices of a series are used, and kept together."
        return "The middle slice of each series is used."


class CutTest(Change, frozen=True, kw_only=True):
    """Cut a test part from the training images, where the folder gives train and validation only."""

    def sentence(self) -> str:
        """See `Change`."""
        return "A test part is cut from the training images."


class CutValidation(Change, frozen=True, kw_only=True):
    """Put the given validation images back to the training images, and cut validation anew from all of them."""

    def sentence(self) -> str:
        """See `Change`."""
        return "The given validation images join the training images, and validation is cut anew."


class DrawSplitAnew(Change, frozen=True, kw_only=True):
    """Do not follow the folders' own train, validation and test; draw all three parts anew."""

    def sentence(self) -> str:
        """See `Change`."""
        return "The folders' own parts are not followed; train, validation and test are drawn anew."


class UseFold(Change, frozen=True, kw_only=True):
    """For small sets: part the images into `of` folds and test on the `number`-th of them; the others train and validate.

    Trained once for each number, every image is tested once.
    """

    number: int
    of: int

    def sentence(self) -> str:
        """See `Change`."""
        return f"Fold {self.number} of {self.of} tests; the other folds train and validate."


class AnswerMirror(Change, frozen=True, kw_only=True):
    """The answer to whether left and right matter in these pictures; where they do, no run mirrors a training image.

    It changes nothing about which images are used, and is kept here so that it is asked once.
    """

    matters: bool

    def sentence(self) -> str:
        """See `Change`."""
        return f"Left and right {'matter' if self.matters else 'do not matter'} in these pictures."


AnyChange = (
    SetLayout
    | SetDomain
    | SetTable
    | RenameClass
    | MergeClasses
    | LeaveOutClass
    | LeaveOutFiles
    | KeepTogether
    | IgnoreCopies
    | GroupBy
    | SetPixelRule
    | SetColour
    | CropBorder
    | ChooseFrame
    | ChooseSlices
    | CutTest
    | CutValidation
    | DrawSplitAnew
    | UseFold
    | AnswerMirror
)


def _of_files(paths: list[str], one: str, more: str) -> str:
    if len(paths) == 1:
        return f"'{paths[0]}' {one}."
    return f"{len(paths)} images {more}: '{paths[0]}', ..." if paths else f"No image {one}."
