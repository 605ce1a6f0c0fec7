"""Leave one site out: each hospital, scanner or domain is held out in turn, so that one sees what to expect at a new one.

The folder holds `sites.toml` and one run folder for each site; what was trained is never trained again.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import tomli_w
from msgspec import Meta

from tlgui import __version__
from tlgui.core.atomic import write_text
from tlgui.core.comparison import is_done
from tlgui.core.comparison_answers import answers_of
from tlgui.core.errors import UserError
from tlgui.core.paired import student_t
from tlgui.core.preprocessing import Fit
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.shares import clustered

FILE = "sites.toml"
FOLDER = "sites"  # of a project
MOST_SITES = 50
# From so many sites on, a range for one more is worth stating.
_ENOUGH = 4
_WIDE = 0.5  # a wider range says hardly anything


class Sites(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is held out in turn.

    Attributes:
        dataset, images: the name of the folder of images, and a hash of what is used of it and how.
        by: how a site is told.
        names: of the sites, in their order.
        strategy, top_groups, epochs: of each run; 0 = as the strategy says.
        weights: name of the person's own weights file or of the earlier run whose they are, "" = the published ones.
        size, fit, seed, augmentation, mirror: of each run.
    """

    format: Literal[1] = 1
    tlgui: str = ""
    dataset: str
    images: str
    by: str
    names: Annotated[list[str], Meta(min_length=2, max_length=MOST_SITES)]
    backbone: str
    weights: str = ""
    strategy: str
    top_groups: int = 0
    epochs: int = 0
    size: int = 0
    fit: Fit = "crop"
    seed: int = 0
    augmentation: str = "photos"
    mirror: Literal["", "yes", "no"] = ""

    def folder_of(self, place: int) -> str:
        """Name of the run folder of a site, by its place: a site's name may be no name for a folder."""
        return f"site {place + 1}"

    def spec(self) -> RunSpec:
        """What each run is asked for."""
        return RunSpec(
            backbone=self.backbone,
            size=self.size or None,
            fit=self.fit,
            training=Training(
                strategy=self.strategy,
                top_groups=self.top_groups or None,
                epochs=self.epochs or None,
                seed=self.seed,
                augmentation=self.augmentation,
                mirror={"": None, "yes": True, "no": False}[self.mirror],
            ),
        )


class SiteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A site that no run had seen.

    Attributes:
        name: of the site.
        accuracy, low, high: on its `n` images, with the 95 % interval.
        known: accuracy of the same run on validation images of the other sites; these chose its epoch.
        unseen_classes: of its images, how many are of a class that no other site has; they cannot be right.
    """

    name: str
    n: int
    accuracy: float
    low: float
    high: float
    known: float
    unseen_classes: int


class SitesResult(msgspec.Struct, frozen=True, kw_only=True):
    """The table.

    Attributes:
        rows: the sites in their order.
        mean, low, high: of the sites' accuracies, each site counting alike, with the 95 % interval for more such sites
            (Student's t); `None` for two sites.
        new_low, new_high: range for one more site, where there are enough of them.
        known: mean accuracy on sites that the runs had seen.
        sentence: what to expect at a new site.
    """

    by: str
    strategy: str
    rows: list[SiteRow]
    mean: float
    low: float | None
    high: float | None
    new_low: float | None
    new_high: float | None
    known: float
    sentence: str


def write(folder: Path, sites: Sites) -> None:
    """Writes `sites.toml` into a folder, which is made.

    Raises:
        UserError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / FILE, tomli_w.dumps(msgspec.to_builtins(msgspec.structs.replace(sites, tlgui=__version__))))
    except OSError as error:
        raise UserError(
            f"The folder '{folder.name}' cannot be written: {error.strerror or error}.",
            "Choose another folder, or free some space.",
            code="comparison_folder",
        ) from error


def read(folder: Path) -> Sites:
    """What is held out in a folder.

    Raises:
        UserError: it holds none, or it cannot be read.
    """
    try:
        return msgspec.toml.decode((folder / FILE).read_bytes(), type=Sites)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"'{folder.name}' holds no sites that this version can read.", "Begin anew in another folder.", str(error)
        ) from error


def is_sites(folder: Path) -> bool:
    """Whether a folder holds some."""
    return (folder / FILE).is_file()


def list_sites(parent: Path) -> list[Path]:
    """Such folders, the newest first."""
    with contextlib.suppress(OSError):
        return sorted((path for path in parent.iterdir() if is_sites(path)), reverse=True)
    return []


def still_to_train(folder: Path, sites: Sites) -> Sequence[int]:
    """Places of the sites whose run is not whole."""
    return [place for place in range(len(sites.names)) if not is_done(folder / sites.folder_of(place))]


def result_of(folder: Path) -> SitesResult:
    """The table of sites whose runs are whole.

    Raises:
        UserError: they are not, or a run's files are damaged.
    """
    sites = read(folder)
    if left := len(still_to_train(folder, sites)):
        raise UserError(
            f"{left} of {len(sites.names)} sites in '{folder.name}' {'are' if left > 1 else 'is'} still to be held out.",
            "Go on with them first.",
        )
    rows = [_row(RunFolder(folder / sites.folder_of(place)), name) for place, name in enumerate(sites.names)]
    return judge(rows, sites.by, sites.strategy)


def judge(rows: Sequence[SiteRow], by: str, strategy: str) -> SitesResult:
    """Means and ranges over sites.

    With sites x_1..x_k, mean m and standard deviation s: m +- t s / sqrt(k) for the mean of many such sites, and
    m +- t s sqrt(1 + 1 / k) for one more, t being Student's at .975 with k - 1 degrees of freedom.
    """
    shares = [row.accuracy for row in rows]
    k, mean = len(shares), statistics.fmean(shares)
    known = statistics.fmean(row.known for row in rows)
    low = high = new_low = new_high = None
    if k > 2:
        reach = student_t(k - 1) * statistics.stdev(shares)
        low, high = max(0.0, mean - reach / math.sqrt(k)), min(1.0, mean + reach / math.sqrt(k))
        if k >= _ENOUGH and reach:
            new_low = max(0.0, mean - reach * math.sqrt(1 + 1 / k))
            new_high = min(1.0, mean + reach * math.sqrt(1 + 1 / k))
    return SitesResult(
        by=by,
        strategy=strategy,
        rows=list(rows),
        mean=mean,
        low=low,
        high=high,
        new_low=new_low,
        new_high=new_high,
        known=known,
        sentence=_sentence(rows, mean, known, new_low, new_high),
    )


def _sentence(rows: Sequence[SiteRow], mean: float, known: float, new_low: float | None, new_high: float | None) -> str:
    worst = min(rows, key=lambda row: row.accuracy)
    if new_low is None or new_high is None:
        span = (
            f" {len(rows)} sites are too few to give a range for one more."
            if len(rows) < _ENOUGH
            else " All are alike, which gives no range for one more."
        )
    elif new_high - new_low > _WIDE:
        span = (
            f" They differ so much that hardly anything can be said of one more: {100 * new_low:.0f} to "
            f"{100 * new_high:.0f} %."
        )
    else:
        span = (
            f" One more site like these lies between {100 * new_low:.0f} and {100 * new_high:.0f} % in 95 of 100 cases."
        )
    lost = known - mean
    if math.isnan(known):
        change = ""
    elif abs(lost) < 0.005:
        change = f", as much as on sites that it knows ({100 * known:.0f} %)"
    else:
        less = "less" if lost > 0 else "more"
        change = f", {100 * abs(lost):.0f} points {less} than on sites that it knows ({100 * known:.0f} %)"
    return (
        f"At a new site expect about {100 * mean:.0f} %{change}; the worst here was {100 * worst.accuracy:.0f} % at "
        f"'{worst.name}'.{span}"
    )


def _row(run: RunFolder, name: str) -> SiteRow:
    held = answers_of(run, "test", name, name)
    seen = answers_of(run, "validation", name, name)
    told = list(held.right.values())
    low, high = clustered(told, [held.groups[key] for key in held.right])
    manifest = run.manifest()
    learned = {row.class_name for row in manifest if row.part == "train"}
    return SiteRow(
        name=name,
        n=len(told),
        accuracy=sum(told) / len(told),
        low=low,
        high=high,
        known=sum(seen.right.values()) / len(seen.right) if seen.right else math.nan,
        unseen_classes=sum(row.part == "test" and row.class_name not in learned for row in manifest),
    )
