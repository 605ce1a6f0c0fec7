from __future__ import annotations

import math
from pathlib import Path

import pytest
from helpers.adapted_run import adapted_run

from tlgui.core.site_answers import MOST_IMAGES, asked_of, summed_up


def test_sureness_and_spread_are_entropies_of_the_images_that_both_answered() -> None:
    before = {"1": [0.5, 0.5], "2": [1.0, 0.0], "3": [0.2, 0.8]}
    both = summed_up(before, {"1": [1.0, 0.0], "2": [0.0, 1.0]})
    assert both is not None and both.images == 2
    assert both.before.entropy == pytest.approx(math.log(2) / 2)
    assert both.before.spread == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert (both.after.entropy, both.after.spread) == (0, pytest.approx(math.log(2)))
    assert summed_up(before, {"9": [1.0, 0.0]}) is None


def test_images_are_drawn_by_their_contents_and_not_too_many(tmp_path: Path) -> None:
    run = adapted_run(tmp_path)
    spec = run.spec()
    assert spec.target is not None
    count = MOST_IMAGES + 5
    import msgspec

    run.write_spec(msgspec.structs.replace(spec, target=msgspec.structs.replace(spec.target, images=count)))
    run.write_target([(f"{number}.png", f"{count - number:064x}") for number in range(count)])
    asked = asked_of(run, tmp_path / "clinic b")
    assert len(asked) == MOST_IMAGES
    assert asked[0] == (f"{count - 1}.png", str(tmp_path / "clinic b" / f"{count - 1}.png"))
