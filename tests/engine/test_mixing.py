"""Mixed images are those of a batch, by a share that is the labels' too; any batch goes, however short or odd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import finish, tiny_setup
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.run_spec import Training
from tlgui.engine import frozen_part
from tlgui.engine.mixing import Drawn, draw
from tlgui.engine.objective import Objective

pytestmark = pytest.mark.usefixtures("one_thread")


def test_nothing_is_drawn_where_nothing_is_asked_for() -> None:
    assert all(draw(Training(), step, 24) is None for step in range(20))


def test_mixup_blends_each_image_with_the_one_before_it() -> None:
    images, labels = torch.randn(5, 3, 6, 6), torch.tensor([0, 1, 2, 0, 1])
    drawn = Drawn("mixup", 0.7)
    mixed, partners = drawn.mix(images), drawn.partners(labels)
    for i in range(5):
        torch.testing.assert_close(mixed[i], 0.7 * images[i] + 0.3 * images[i - 1])
        assert partners[i] == labels[i - 1]


@pytest.mark.parametrize("step", range(30))
def test_cutmix_takes_a_box_of_the_other_and_its_share_is_counted_in_pixels(step: int) -> None:
    drawn = draw(Training(cutmix=1.0, seed=4), step, 17)
    assert drawn is not None and drawn.kind == "cutmix"
    images = torch.stack([torch.full((3, 17, 17), float(i)) for i in range(3)])
    mixed = drawn.mix(images)
    for i in range(3):
        own = int((mixed[i, 0] == i).sum())
        assert own / 17**2 == pytest.approx(drawn.share, abs=1e-12)
        assert set(mixed[i].unique().tolist()) <= {float(i), float((i - 1) % 3)}
    assert torch.equal(images[0], torch.zeros(3, 17, 17))  # those that were read stay as they are


@pytest.mark.parametrize(("name", "alpha"), [("mixup", 0.2), ("mixup", 1.0), ("cutmix", 1.0)])
def test_shares_have_the_mean_and_spread_of_their_beta_distribution(name: str, alpha: float) -> None:
    """Beta(a, a): mean 1/2, variance 1 / (4 (2a + 1)). A box that is cut off at the edges leaves more of the image."""
    drawn = [draw(Training(**{name: alpha}), step, 224) for step in range(2000)]
    shares = np.array([one.share for one in drawn if one is not None])
    assert len(shares) == 2000 and shares.min() >= 0 and shares.max() <= 1
    if name == "mixup":
        assert shares.mean() == pytest.approx(0.5, abs=0.03)
        assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)
    else:
        assert shares.mean() > 0.55


def test_where_both_are_asked_for_each_has_half_of_the_steps_and_a_step_draws_the_same_again() -> None:
    training = Training(mixup=0.2, cutmix=1.0, seed=9)
    drawn = [draw(training, step, 32) for step in range(400)]
    kinds = [one.kind for one in drawn if one is not None]
    assert 160 < kinds.count("mixup") < 240 and len(kinds) == 400
    assert drawn == [draw(training, step, 32) for step in range(400)]
    assert drawn != [draw(Training(mixup=0.2, cutmix=1.0, seed=10), step, 32) for step in range(400)]


def test_the_loss_of_mixed_labels_is_the_mix_of_their_losses() -> None:
    """And that is cross-entropy against the mixed one-hot targets."""
    objective = Objective(Training(imbalance="off"), torch.tensor([0, 1, 2]), 3, torch.device("cpu"))
    logits, labels, partners = torch.randn(4, 3), torch.tensor([0, 1, 2, 0]), torch.tensor([0, 0, 1, 2])
    targets = 0.3 * torch.eye(3)[labels] + 0.7 * torch.eye(3)[partners]
    expected = cross_entropy(logits, targets)
    torch.testing.assert_close(objective.loss(logits, labels, partners, 0.3), expected)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_t23_one_image_alone_stays_as_it_is(kind: Any) -> None:
    drawn = Drawn(kind, 0.4, (0, 0, 3, 3))
    image = torch.randn(1, 3, 6, 6)
    torch.testing.assert_close(drawn.mix(image), image)
    assert drawn.partners(torch.tensor([2])).tolist() == [2]


@pytest.mark.parametrize("batch_size", [8, 11, 32, 40])
def test_t23_odd_and_short_batches_train_and_nothing_is_kept_of_mixed_images(
    batch_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """33 training images, so that the last batch is odd, short or of one image."""
    data = write_dataset(tmp_path / "d", {"a": 24, "b": 23}, size=24)
    kept: list[int] = []
    inner = frozen_part.ActivationStore.put
    monkeypatch.setattr(
        frozen_part.ActivationStore, "put", lambda self, keys, rows: (kept.append(len(keys)), inner(self, keys, rows))
    )
    options: dict[str, Any] = {"strategy": "fine-tune-top", "epochs": 2, "mixup": 0.2, "cutmix": 1.0}
    setup = tiny_setup(data, tmp_path / "run", caching=False, batch_size=batch_size, **options)
    assert len(setup.train) == 33
    said, outcome = finish(setup)
    assert outcome.best_epoch is not None and kept == []
    epochs = [event for event in said if isinstance(event, events.EpochEnded)]
    assert [event for event in epochs if event.train_loss is None or not 0 < event.train_loss < 100] == []
    assert {event.epoch for event in epochs} == {1, 2}


def test_runs_that_mix_repeat(tmp_path: Path) -> None:
    """N09: the same seed gives the same curves; another mixes otherwise."""
    data = write_dataset(tmp_path / "d", {"a": 12, "b": 12}, size=24)

    def losses(name: str, **options: Any) -> list[float | None]:
        said, _ = finish(tiny_setup(data, tmp_path / name, caching=False, epochs=2, **options))
        return [event.train_loss for event in said if isinstance(event, events.EpochEnded)]

    one = losses("one", mixup=0.4)
    assert one == losses("again", mixup=0.4) and one != losses("none")
