"""Measures how different the images of a new site are from those of the known one, without a label of either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlgui.core import commands, events
from tlgui.core.commands import FEWEST_OF_A_SITE
from tlgui.core.errors import UserError
from tlgui.core.events import Event, GapMeasured, UnlikeImage
from tlgui.core.records import ImageRecord, Reason
from tlgui.core.source import learned_by, run_of
from tlgui.engine import free_memory, probe
from tlgui.engine.adaptation import mmd
from tlgui.engine.adaptation.gap_words import COPY, KNOWN, LEARNED, gap_of, notes_of, sentence_of
from tlgui.engine.adaptation.site_look import Look, look_of, mean_look
from tlgui.engine.control import Control
from tlgui.engine.delong import delong
from tlgui.engine.drawn_images import ranked, see
from tlgui.engine.first_answer import head_inputs
from tlgui.engine.jobs.progress import answered, told
from tlgui.engine.kernel_probe import fold_of, units_of
from tlgui.engine.listed_network import pretrained_network, trunk_of
from tlgui.engine.preprocess import to_input
from tlgui.engine.trunk import CHUNK
from tlgui.imaging.listing import ListedImage, read_listing
from tlgui.imaging.names import counted

FOLDS = 5
PERMUTATIONS = 500
MOST_SHOWN = 12

_Told = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class Sites:
    """What can be drawn from.

    Attributes:
        known: images of the known site that are not for test; to a network that has learned some of them, those that it
            has not learned, for test or not.
        new: images of the new site, each content once, none of them an image of the known site or learned.
        shared: paths of the new site that are images of the known one.
        left_out: files of the new site by the reason why they take no part.
        learned: images of the known site that the network has learned.
    """

    known: list[ListedImage]
    new: list[ListedImage]
    shared: list[str]
    left_out: dict[str, int]
    learned: int = 0


class _Seen(NamedTuple):
    """Images that were read, and what there is of each: (N, D) features, and brightness and colour."""

    images: list[ListedImage]
    features: Tensor
    looks: list[Look]


def measure_gap(job: commands.MeasureGap, control: Control) -> Iterator[Event]:
    """`GapMeasured`; a `Stop` is heard between the steps.

    Test images of the known site are not looked at; whether an image of the new site is one of them is told by their
    content hashes. The network of an earlier run looks at no image that it has learned, and at test images where it has
    learned others of the known site: only they are as new to it as those of the new site.

    Raises:
        UserError: a listing or the images are gone, there are too few of them, or the network cannot be had.
    """
    run = run_of(job.weights_file)
    learned = learned_by(run).chosen if run is not None else frozenset()
    listings = read_listing(Path(job.listing)), read_listing(Path(job.new_listing))
    steps = _asked(job, sites_of(*listings, job.left_out, learned))
    yield from answered(steps, control)


def sites_of(
    known: Sequence[ListedImage],
    new: Sequence[ListedImage],
    left_out: dict[str, int],
    learned: frozenset[str] = frozenset(),
) -> Sites:
    """Parts what can be compared from what is on both sides, or in the network already.

    Args:
        known: all images of the known site, those for test too.
        new: usable ones of the new site.
        left_out: its unusable files, by reason.
        learned: content hashes of images that the network has learned.

    Raises:
        UserError: nothing or too little is left.
    """
    contents = {image.content_hash for image in known}
    shared = [image.path for image in new if image.content_hash in contents]
    others = {image.content_hash: image for image in reversed(new) if image.content_hash not in contents}
    once = [image for image in new if others.get(image.content_hash) is image]
    own = [image for image in once if image.content_hash not in learned]
    counts = left_out | {KNOWN: len(shared), COPY: len(new) - len(shared) - len(once), LEARNED: len(once) - len(own)}
    unlearned = [image for image in known if image.content_hash not in learned]
    none_learned = len(unlearned) == len(known)
    sites = Sites(
        [image for image in unlearned if image.part != "test"] if none_learned else unlearned,
        own,
        shared,
        {reason: count for reason, count in counts.items() if count},
        len(known) - len(unlearned),
    )
    _refuse_too_few(sites)
    return sites


def _refuse_too_few(sites: Sites) -> None:
    new, seen = len(sites.new), {"new": sites.left_out.get(LEARNED, 0), "known": sites.learned}
    if not new and not sites.shared and not seen["new"]:
        files = sum(sites.left_out.values())
        raise UserError(
            f"None of the {counted(files, 'file')} in the folder of the new site can be used as an image."
            if files
            else "The folder of the new site holds no file.",
            "Choose the folder that holds its images.",
            code="no_images",
        )
    if sites.shared and not new and not seen["new"]:
        raise UserError(
            "All images of the new site are also images of the known site (the same files), so there is nothing to compare.",
            "Choose a folder of images from another site.",
            code="same_images",
        )
    for name, count in (("new", new), ("known", len(sites.known))):
        if count < FEWEST_OF_A_SITE and seen[name]:
            raise UserError(
                f"The run whose network is to look has learned {seen[name]:,} images of the {name} site, and only "
                f"{counted(count, 'other one')} can be used: below {FEWEST_OF_A_SITE}, nothing can be said of the difference.",
                "Ask with the published weights, or with a run that has not learned these images.",
                code="source_knows",
            )
        if count < FEWEST_OF_A_SITE:
            also = f", beside {len(sites.shared):,} that are also images of the known one" if name == "new" else ""
            raise UserError(
                f"Only {counted(count, 'image')} of the {name} site can be used{also if sites.shared else ''}: below "
                f"{FEWEST_OF_A_SITE}, nothing can be said of the difference.",
                f"Add images of the {name} site, then ask again.",
                code="too_few_images",
            )


def _asked(job: commands.MeasureGap, sites: Sites) -> Generator[Event, None, GapMeasured]:
    most = min(job.images, len(sites.known), len(sites.new))
    known, new = yield from _both_seen(job, ranked(sites.known, job.seed)[:most], ranked(sites.new, job.seed)[:most])
    left_out = Counter(sites.left_out)
    if unread := most - len(new.images):
        left_out[Reason.UNREADABLE.value] += unread  # since its folder was listed
    features = torch.cat([known.features, new.features])
    if not bool(features.isfinite().all()):
        raise UserError(
            "The network gives values that are no numbers for these images.",
            "Choose other weights or another network.",
            code="weights_unfit",
        )
    records = _records(known.images, "known") + _records(new.images, "new")
    is_new = np.arange(len(records)) >= len(known.images)
    units = units_of(records)
    independent = len(set(units[~is_new].tolist())), len(set(units[is_new].tolist()))
    if min(independent) < 2:
        raise UserError(
            "All images of one site belong together (one patient, say): what tells that from the site cannot be known.",
            "Add images of others, then ask again.",
            code="too_few_images",
        )
    (auc, low, high), least_alike, folds = yield from _told_apart(features, records, is_new, new.images, job.seed)
    yield events.Progress(stage="comparing all features", done=0, total=1)
    rows = features.double()
    kernel = mmd.kernel_matrix(rows, mmd.bandwidths_of(rows))
    distance, p = mmd.permuted(kernel, len(known.images), PERMUTATIONS, job.seed, units.tolist())
    gap = gap_of(auc, low)
    looked_at, available = (len(known.images), len(new.images)), (len(sites.known), len(sites.new) - unread)
    shown = sites.shared[:MOST_SHOWN]
    return GapMeasured(
        backbone=job.backbone,
        images=min(looked_at),
        known_images=available[0],
        new_images=available[1],
        files=available[1] + left_out.total(),
        left_out=dict(left_out),
        known_paths=shown,
        auc=auc,
        low=low,
        high=high,
        folds=folds,
        mmd=max(0.0, distance),
        mmd_p=p,
        permutations=PERMUTATIONS,
        gap=gap,
        # Where nothing can be told, the probe is as sure of images of the known site.
        least_alike=[] if gap == "alike" else least_alike,
        known_look=mean_look(known.looks),
        new_look=mean_look(new.looks),
        sentence=sentence_of(auc, low, high),
        notes=notes_of(looked_at, available, independent, left_out, shown, job.unlisted, gap, p, sites.learned),
    )


def _both_seen(
    job: commands.MeasureGap, known: list[ListedImage], new: list[ListedImage]
) -> Generator[Event, None, tuple[_Seen, _Seen]]:
    """Both sites by the pixel rule of the known one, as a model of it would see them."""
    yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
    try:
        network, device = pretrained_network(job.backbone, 2, job.fit, job.size, job.weights_file)
        trunk = trunk_of(network, device, len(known) + len(new))
        seen = []
        for root, images, name in ((job.data, known, "known"), (job.new_data, new, "new")):
            features: list[Tensor] = []
            looks: list[Look] = []

            def look(pixels: NDArray[np.uint8]) -> tuple[Tensor, Look]:
                return to_input(pixels, network.preprocessing), look_of(pixels)

            def take(
                chunk: list[tuple[Tensor, Look]], features: list[Tensor] = features, looks: list[Look] = looks
            ) -> None:
                squares = torch.stack([square for square, _ in chunk])
                parts = torch.split(squares, CHUNK)
                features.extend(head_inputs(network, device, trunk(part, network.head_index)) for part in parts)
                looks.extend(one for _, one in chunk)

            steps = see(Path(root), images, job.rule, look, take)
            found = yield from told(steps, f"looking at the {name} site", len(images))
            if len(found) < FEWEST_OF_A_SITE:
                raise UserError(
                    f"Only {counted(len(found), 'image')} of the {name} site can still be read.",
                    "Connect the drive or put the folder back, then ask again.",
                    code="images_missing",
                )
            seen.append(_Seen(found, torch.cat(features), looks))
        return seen[0], seen[1]
    finally:
        free_memory.give_back()


def _told_apart(
    features: Tensor, records: list[ImageRecord], is_new: NDArray[np.bool_], new: list[ListedImage], seed: int
) -> Generator[Event, None, tuple[_Told, list[UnlikeImage], int]]:
    """The AUC with its interval, the least alike images of the new site, and the folds."""
    if bool((features == features[0]).all()):
        return (None, None, None), [], 0
    fold = fold_of(records, FOLDS, seed)
    parts = [torch.from_numpy(np.flatnonzero(fold == number)) for number in np.unique(fold)]
    steps = probe.out_of_fold(features, torch.from_numpy(is_new).long(), 2, parts)
    logits = yield from told(steps, "telling the sites apart", len(parts))
    score = (logits[:, 1] - logits[:, 0]).numpy()
    area = delong(score, is_new, fold, [record.group for record in records])
    low, high = area.interval()
    surest = sorted(zip(score[is_new].tolist(), new, strict=True), key=lambda one: (-one[0], one[1].path))
    unlike = [
        UnlikeImage(path=image.path, probability=torch.tensor(one).sigmoid().item())
        for one, image in surest[:MOST_SHOWN]
    ]
    return (area.value, low, high), unlike, len(parts)


def _records(images: Sequence[ListedImage], site: str) -> list[ImageRecord]:
    """As the folds take them: the site is what is to be told, and no name of one is also the other's."""
    return [
        ImageRecord(
            path=f"{site}/{image.path}",
            class_name=site,
            content_hash=image.content_hash,
            width=image.width,
            height=image.height,
            group=f"{site}/{image.group}" if image.group else "",
        )
        for image in images
    ]
