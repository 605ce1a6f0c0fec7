"""The new site that a run adapts to, in the window's own words; no widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tlgui.core.adaptation import ADAPTATIONS, PROJECTION_UNITS, Adaptation, needs_projection, too_few_at_once
from tlgui.core.run_spec import Adapt, RunSpec, Training
from tlgui.core.strategies import strategy

if TYPE_CHECKING:
    from tlgui.gui.draft import Draft

USUAL: Adapt = "mmd"  # which way is picked with the folder


def way_of(training: Training) -> Adaptation | None:
    """The way in which it adapts; `None` for not at all."""
    return ADAPTATIONS.get(training.adapt)


def learns_to_adapt(spec: RunSpec | None) -> bool:
    """Whether a run adapts while it trains, so that there is something to see after each epoch."""
    way = way_of(spec.training) if spec is not None else None
    return way is not None and way.during


def adds_layer(asked: Training) -> bool:
    """Whether a run gets a layer before the last one, since adapting could move nothing else; `asked`: not resolved."""
    return needs_projection(asked, strategy(asked.strategy).trains == "head")


def with_layer(training: Training) -> Training:
    """With that layer, as the run will have it."""
    return msgspec.structs.replace(training, head="hidden", head_units=PROJECTION_UNITS)


def without_layer(spec: RunSpec) -> RunSpec:
    """Of a run that was made: as it was asked for, without the layer that was added for its way of adapting."""
    made, plain = spec.training, Training()
    asked = msgspec.structs.replace(made, head=plain.head, head_units=plain.head_units)
    if spec.target is None or not adds_layer(asked) or with_layer(asked) != made:
        return spec
    return msgspec.structs.replace(spec, training=asked)


def about_scores(spec: RunSpec | None) -> tuple[str, str]:
    """What the scores of a run that adapted say nothing of, and how that can be found out; ("", "") for any other run."""
    if spec is None or spec.target is None or way_of(spec.training) is None:
        return "", ""
    return (
        "These scores are of the known site.",
        "The model that is kept is the one for the new site: where it normalises as that site's images need it, it does worse "
        "here than the curve on the page Train showed. How good it is at the new site "
        f"“{spec.target.name}” only labelled images of it tell: put a few into one folder per class and score them below. "
        "The page Try it shows its answers for images of it, one by one.",
    )


def site_name(draft: Draft) -> str:
    """The new site by the name of its folder; "" without one."""
    if draft.target is not None:
        return draft.target.name or str(draft.target)
    return draft.site.name if draft.site is not None else ""


def trains_with_it(draft: Draft) -> bool:
    """Whether the run adapts: a way is picked, and there are images for it."""
    return way_of(draft.training) is not None and bool(site_name(draft))


def missing_site(draft: Draft) -> str:
    """What is missing of folder and way, where one is there without the other; "" where nothing is."""
    adapts = way_of(draft.training) is not None
    if adapts and draft.target is None:
        if draft.site is not None:
            return (
                f"The images of the new site “{draft.site.name}” are not where they were. Choose their folder, or train "
                "without adapting."
            )
        return "Adapting needs images of a new site. Choose their folder, or train without adapting."
    if adapts and too_few_at_once(draft.training):
        return "Adapting compares images of both sites in each step, and the batch size is 1. Take 2 or more."
    if draft.target is not None and not adapts:
        return f"Say how to adapt to “{site_name(draft)}”, or remove its folder."
    return ""
