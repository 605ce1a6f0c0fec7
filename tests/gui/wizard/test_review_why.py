"""Why this network and this strategy: measured facts on the review page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tlgui.core.advice_events import Way
from tlgui.gui.wizard.review.why import why

REASON = "There is something to gain: the 2 uppermost layer groups learn too."
SIMILAR = "To the network these images look like nothing that it learned from (similarity 0.90)."


def bench(
    strategy: str = "auto",
    advised: Way | None = None,
    similarity: bool = True,
    speed: float | None = 71.4,
    began: bool = False,
) -> Any:
    return SimpleNamespace(
        read_only=began,
        draft=SimpleNamespace(backbone="efficientnet-lite0", strategy=strategy),
        machine=SimpleNamespace(speed=lambda name: speed),
        advice=SimpleNamespace(
            found=SimpleNamespace(recommended=advised) if advised is not None else None,
            similarity=SimpleNamespace(sentence=SIMILAR) if similarity else None,
        ),
    )


def top(groups: int = 2) -> Way:
    return Way(strategy="fine-tune-top", top_groups=groups, reason=REASON)


def test_as_advised_names_network_images_and_what_it_will_most_likely_become() -> None:
    assert why(bench(advised=top())) == (
        f"EfficientNet-Lite0 takes about 71 s for 1,000 images here. {SIMILAR} {REASON} So it will most likely become "
        "“Fine-tune the top layers” with 2 layer groups."
    )


def test_the_advised_row_that_was_picked_has_the_reason_alone() -> None:
    assert why(bench("fine-tune-top", top(1), similarity=False, speed=None)) == REASON


def test_another_row_than_the_advised_one_is_told() -> None:
    said = why(bench("full-fine-tuning", top(1), similarity=False, speed=None))
    assert said == f"Our advice, “Fine-tune the top layers”, is another one: {REASON}"


def test_nothing_measured_says_nothing() -> None:
    assert why(bench(similarity=False, speed=None)) == ""
    assert why(bench(advised=top(), began=True)) == ""
    assert why(bench(speed=None)) == SIMILAR
