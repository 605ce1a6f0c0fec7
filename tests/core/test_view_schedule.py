"""Which view of its images an epoch sees (T36): cached views take turns, and new ones join them while training goes on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tlgui.core.planning import resolve, view_of, views_in_all
from tlgui.core.presets import with_preset
from tlgui.core.run_spec import Training


def seen(epochs: int = 32, **fields: Any) -> list[int]:
    training = Training(epochs=epochs, **fields)
    return [view_of(training, epoch) for epoch in range(epochs)]


def test_the_schedule_of_four_views_and_a_new_one_every_ten_epochs() -> None:
    # fmt: off
    assert seen(32, views=4, view_every=10) == [
        0, 1, 2, 3, 0, 1, 2, 3, 0, 1,
        4, 1, 2, 3, 4, 0, 1, 2, 3, 4,
        5, 3, 4, 5, 0, 1, 2, 3, 4, 5,
        6, 3,
    ]
    # fmt: on


def test_the_schedule_of_two_views_and_a_new_one_every_three_epochs() -> None:
    assert seen(12, views=2, view_every=3) == [0, 1, 0, 2, 1, 2, 3, 3, 0, 4, 0, 1]


def test_without_growth_as_many_views_take_turns() -> None:
    assert seen(7, views=3, view_every=0) == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("fields", [{"views": 1}, {"views": 1, "view_every": 1}, {"views": 4, "augmentation": "off"}])
def test_plain_images_alone_stay_plain(fields: dict[str, Any]) -> None:
    assert seen(**fields) == [0] * 32


@pytest.mark.parametrize("views", [2, 3, 4, 8, 12])
@pytest.mark.parametrize("every", [0, 1, 2, 5, 10])
def test_views_come_in_their_order_and_their_number_is_told_beforehand(views: int, every: int) -> None:
    """The room on the disk and the time are estimated from that number."""
    for epochs in (1, 3, 10, 11, 25, 60):
        order = seen(epochs, views=views, view_every=every)
        fresh = [view for place, view in enumerate(order) if view not in order[:place]]
        assert len(fresh) == views_in_all(Training(epochs=epochs, views=views, view_every=every))
        first = 1 if every == 0 and 1 < epochs <= views else 0  # a varied view for each epoch
        assert max(order) < first + views + (epochs // every if every else 0)
        if every == 0 or every >= views:
            assert fresh == list(range(first, first + len(fresh)))


def test_in_a_long_run_the_views_go_on_growing() -> None:
    """T36: with a fixed number of cached views the switches of the augmentation would do less and less."""
    numbers = [views_in_all(Training(epochs=epochs, views=4, view_every=10)) for epochs in (4, 20, 40, 100, 400)]
    assert numbers == [4, 5, 7, 13, 43]


def test_views_that_are_left_open_count_as_the_plain_one() -> None:
    assert seen(3) == [0, 0, 0]


def test_a_view_for_each_epoch_is_a_varied_one_for_each_as_a_loader_draws_it() -> None:
    """The tutorial's pipeline: no epoch sees the plain images."""
    training, _ = resolve(with_preset(Training(), "tutorial-pipeline"), 500)

    assert [view_of(training, epoch) for epoch in range(20)] == list(range(1, 21))
    # One view is the plain image, whatever else is said.
    assert view_of(msgspec.structs.replace(training, views=1, epochs=1), 0) == 0
