"""Named recipes: each can be chosen, and the tutorial's are the tutorial's, number by number."""

from __future__ import annotations

import msgspec
import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.core.planning import first_trainable, ladder_rates, prepared, view_of
from tlgui.core.presets import KEPT, PRESETS, Preset, preset, with_preset
from tlgui.core.run_spec import Training
from tlgui.core.strategies import STRATEGIES
from tlgui.engine.schedule import momentum_of, one_cycle


@pytest.mark.parametrize("row", PRESETS.values(), ids=lambda row: row.name)
def test_a_preset_can_be_read_typed_and_run(row: Preset) -> None:
    assert preset(row.name) is row
    assert row.name == row.name.lower() and " " not in row.name
    assert row.sentence.endswith(".") and row.label[0].isupper() and row.source
    assert all(text.endswith(".") for text in row.deviations)
    training = with_preset(Training(), row.name)
    # As a run.toml would have to pass.
    assert msgspec.convert(msgspec.to_builtins(training), Training) == training
    assert training.strategy in STRATEGIES and training.preset == row.name
    filled = prepared(training)
    assert {name: getattr(filled, name) for name in row.values} == row.values


def test_a_preset_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UserError, match="no preset named 'mine'") as caught:
        with_preset(Training(), "mine")
    assert all(name in caught.value.remedy for name in PRESETS)


def test_a_preset_keeps_what_is_said_of_the_pictures_and_the_seed() -> None:
    own = Training(
        seed=7, similarity="different", mirror=False, augmentation="radiograph", precision="bf16", mixup=0.4, epochs=99
    )
    after = with_preset(own, "tutorial-three-rates")
    assert {name: getattr(after, name) for name in KEPT} == {name: getattr(own, name) for name in KEPT}
    assert (after.mixup, after.epochs) == (0.0, 20)
    # The pipeline's own variation is part of it.
    assert with_preset(own, "tutorial-pipeline").augmentation == "tutorial"


@pytest.mark.parametrize("second", PRESETS)
@pytest.mark.parametrize("first", PRESETS)
def test_nothing_of_an_earlier_preset_is_left(first: str, second: str) -> None:
    start = Training(augmentation="photos")
    straight = with_preset(start, second)
    around = with_preset(with_preset(start, first), second)
    own = ("augmentation", "precision")
    kept = {name: getattr(straight, name) for name in own}
    assert msgspec.structs.replace(around, **kept) == straight


# The tutorial, section 5, "Complete fine-tuning pipeline", and section 2, "Strategy 2".


def test_the_pipeline_is_the_tutorials() -> None:
    training = prepared(with_preset(Training(), "tutorial-pipeline"))
    assert (training.head, training.head_units, training.head_dropout) == ("hidden", 512, 0.3)
    assert (training.optimizer, training.weight_decay, training.batch_size, training.epochs) == ("adamw", 0.01, 32, 20)
    assert (training.top_learning_rate, training.head_learning_rate) == (1e-4, 1e-2)
    assert (training.label_smoothing, training.mixup, training.cutmix, training.ema, training.clip_norm) == (0,) * 5
    assert (training.patience, training.best_by, training.imbalance) == (0, "accuracy", "off")
    assert not training.warm_start and training.unfreezing == "never"
    assert len(PRESETS["tutorial-pipeline"].deviations) == 3
    # "if 'layer4' not in name and 'fc' not in name": of ResNet-50 the last group below the head.
    groups = [*(group.name for group in BACKBONES["resnet50"].groups), "head"]
    first = first_trainable(training, len(groups) - 1)
    assert groups[first:] == ["layer 4", "head"]
    assert ladder_rates(training, groups, first) == {4: 1e-4, 5: 1e-2}
    # No epoch sees what another one saw, as a loader that draws anew.
    assert len({view_of(training, epoch) for epoch in range(20)}) == 20


@pytest.mark.parametrize("steps_per_epoch", [1, 7, 50])
def test_its_schedule_is_torchs_step_by_step(steps_per_epoch: int) -> None:
    """Torch's peak lies up to one step earlier; each of our values lies between its neighbours' of torch."""
    training = with_preset(Training(), "tutorial-pipeline")
    assert training.schedule == "one-cycle" and training.cycle_momentum
    top, head = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    optimizer = torch.optim.AdamW([{"params": [top], "lr": 1e-5}, {"params": [head], "lr": 1e-3}], weight_decay=0.01)
    schedule = OneCycleLR(optimizer, max_lr=[1e-4, 1e-2], steps_per_epoch=steps_per_epoch, epochs=20)
    total = 20 * steps_per_epoch
    theirs: list[tuple[float, float, float]] = []
    for _ in range(total):
        groups = optimizer.param_groups
        theirs.append((groups[0]["lr"], groups[1]["lr"], groups[0]["betas"][0]))
        optimizer.step()
        schedule.step() if len(theirs) < total else None
    for step in range(total):
        progress = step / (total - 1)
        ours = (1e-4 * one_cycle(progress), 1e-2 * one_cycle(progress), momentum_of(progress))
        near = theirs[max(0, step - 1) : step + 2]
        for index, value in enumerate(ours):
            values = [each[index] for each in near]
            assert min(values) * (1 - 1e-9) <= value <= max(values) * (1 + 1e-9), (step, index)
    assert theirs[0] == pytest.approx((4e-6, 4e-4, 0.95))
    first = (1e-4 * one_cycle(0), 1e-2 * one_cycle(0), momentum_of(0))
    last = (1e-4 * one_cycle(1), 1e-2 * one_cycle(1), momentum_of(1))
    assert first == pytest.approx(theirs[0]) and last == pytest.approx(theirs[-1])


def test_strategy_2_is_the_tutorials() -> None:
    training = prepared(with_preset(Training(), "tutorial-fine-tuner"))
    assert (training.optimizer, training.schedule, training.weight_decay) == ("adam", "constant", 1e-4)
    groups = [*(group.name for group in BACKBONES["resnet50"].groups), "head"]
    assert ladder_rates(training, groups, first_trainable(training, 5)) == {4: 1e-5, 5: 1e-3}
    assert (training.head, training.warm_start, training.cycle_momentum) == ("linear", False, False)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_three_rates_go_by_depth_for_any_backbone(name: str) -> None:
    """The lower layers nearly stand still, the uppermost learn slowly, the head fast; every layer learns."""
    training = prepared(with_preset(Training(), "tutorial-three-rates"))
    groups = [*(group.name for group in BACKBONES[name].groups), "head"]
    head = len(groups) - 1
    rates = ladder_rates(training, groups, first_trainable(training, head))
    assert sorted(rates) == list(range(len(groups)))
    assert (rates[head], rates[head - 1]) == (1e-3, 1e-5)
    assert all(rate <= 1.0001e-6 for index, rate in rates.items() if index < head - 1)
