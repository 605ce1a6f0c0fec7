"""A run of "auto": when it decides, by what, what is written down, and that a trial leaves nothing behind."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import fingerprint, finish, of, tiny_setup, until, without_times
from sklearn.linear_model import LogisticRegression

from tlgui.core import commands, events, run_spec
from tlgui.core.backbones import BACKBONES
from tlgui.core.decision import Decision, TrialOutcome
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.engine import auto_choice, trial
from tlgui.engine.first_answer import drawn, inner_split
from tlgui.engine.jobs.train_setup import _settle
from tlgui.engine.live import Live
from tlgui.engine.network import Network
from tlgui.engine.param_groups import LayerOptimizer
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("auto") / "d", {"a": 24, "b": 20, "c": 16}, size=24)


def auto_setup(data: Path, run: Path, **training: object) -> Setup:
    """Of a run whose decisions reach its folder, as those of the job do."""
    setup = tiny_setup(data, run, strategy="auto", epochs=2, **training)  # type: ignore[arg-type]
    folder = RunFolder(run)
    setup.settle = lambda answer, chosen, settled: _settle(folder, answer, chosen, settled)
    return setup


def decides(monkeypatch: pytest.MonkeyPatch, strategy: str, groups: int = 1, unsure: bool = False) -> None:
    """Makes the rule say this."""
    decision = Decision(strategy=strategy, top_groups=groups, by="headroom", unsure=unsure, sentence="Since it is so.")
    monkeypatch.setattr(auto_choice, "decide", lambda *_: decision)


def goes_on() -> Generator[Event, None, bool]:
    yield from ()
    return True


def tried(live: Live) -> tuple[TrialOutcome | None, list[Event]]:
    said: list[Event] = []
    steps = trial.held_trial(live, goes_on)
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said


def test_few_images_are_decided_by_their_number(data: Path, tmp_path: Path) -> None:
    setup = auto_setup(data, tmp_path / "run")
    said, _ = finish(setup)

    (chosen,) = of(said, events.StrategyChosen)
    assert (chosen.strategy, chosen.by, chosen.epochs) == ("feature-extraction", "images", 2)
    assert chosen.sentence.startswith(f"There are {len(setup.train)} training images, fewer than 200")
    assert [event.reason for event in of(said, events.LayersChanged)] == ["start", "chosen"]
    order = [type(event).__name__ for event in said]
    assert order.index("FirstAnswered") < order.index("StrategyChosen") < order.index("EpochEnded")

    spec = run_spec.read(tmp_path / "run" / "run.toml")
    (answer,) = of(said, events.FirstAnswered)
    assert spec.chosen is not None and spec.first_answer is not None
    assert (spec.chosen.sentence, spec.first_answer.accuracy) == (chosen.sentence, answer.accuracy)
    assert spec.training == setup.training
    assert (spec.training.strategy, spec.training.epochs) == ("feature-extraction", 2)


@pytest.mark.parametrize(
    ("strategy", "groups", "first"),
    [("fine-tune-top", 2, 1), ("progressive-unfreezing", 1, 3), ("full-fine-tuning", 1, 0)],
)
def test_what_was_chosen_is_what_a_run_of_that_strategy_does(
    strategy: str, groups: int, first: int, monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    """But for the events that say so, every number is that of a run that was asked for it by name."""
    decides(monkeypatch, strategy, groups)
    said, outcome = finish(auto_setup(data, tmp_path / "auto"))
    named = tiny_setup(data, tmp_path / "named", strategy=strategy, top_groups=groups, epochs=2)
    expected, other = finish(named)

    assert outcome == other
    kinds = events.BatchEnded | events.EpochEnded
    assert without_times([one for one in said if isinstance(one, kinds)]) == without_times(
        [one for one in expected if isinstance(one, kinds)]
    )
    chosen = of(said, events.LayersChanged)[1]
    assert [group.trainable for group in chosen.groups] == [index >= first for index in range(4)]
    assert chosen.groups == of(expected, events.LayersChanged)[0].groups


def test_it_goes_on_as_if_it_had_never_stopped(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    decides(monkeypatch, "fine-tune-top", 2)
    whole, _ = finish(auto_setup(data, tmp_path / "whole"))
    until(auto_setup(data, tmp_path / "cut"), lambda event: isinstance(event, events.EpochEnded) and event.epoch == 1)

    spec = run_spec.read(tmp_path / "cut" / "run.toml")
    assert spec.training.strategy == "fine-tune-top"
    again = tiny_setup(data, tmp_path / "cut", **msgspec.structs.asdict(spec.training))
    again.resume, again.first_answer = True, spec.first_answer
    said, _ = finish(again)
    assert not of(said, events.StrategyChosen) and not of(said, events.FirstAnswered)
    (resumed,) = of(said, events.Resumed)
    after = [event for event in of(said, events.EpochEnded) if event.epoch > resumed.epoch]
    expected = [event for event in of(whole, events.EpochEnded) if event.epoch > resumed.epoch]
    assert after and without_times(list(after)) == without_times(list(expected))


def test_a_run_that_ended_before_the_decision_begins_anew(data: Path, tmp_path: Path) -> None:
    setup = auto_setup(data, tmp_path / "run")
    until(setup, lambda event: isinstance(event, events.FirstAnswered))
    spec = run_spec.read(tmp_path / "run" / "run.toml")
    assert (spec.training.strategy, spec.chosen, spec.first_answer) == ("auto", None, None)
    assert not setup.checkpoints.exists


def test_stop_before_the_decision_leaves_it_open(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    decides(monkeypatch, "fine-tune-top", 2, unsure=True)
    setup = auto_setup(data, tmp_path / "run")

    def stop(event: Event) -> None:
        if isinstance(event, events.Progress) and "trial" in event.stage and event.done > 3:
            setup.control.put(commands.Stop())

    said, outcome = finish(setup, stop)
    assert outcome.stopped and not of(said, events.StrategyChosen)
    assert run_spec.read(tmp_path / "run" / "run.toml").training.strategy == "auto"


def test_a_network_without_pretrained_weights_begins_at_random(data: Path, tmp_path: Path) -> None:
    setup = auto_setup(data, tmp_path / "run")
    setup.network.pretrained = False
    said, _ = finish(setup)
    (chosen,) = of(said, events.StrategyChosen)
    assert (chosen.strategy, chosen.by) == ("from-scratch", "images")
    assert not of(said, events.FirstAnswered)
    assert of(said, events.LayersChanged)[1].trainable_parameters == of(said, events.LayersChanged)[1].parameters
    assert [event.epoch for event in of(said, events.EpochEnded)] == [1, 2]  # no warm start of noise


@pytest.mark.parametrize(("strategy", "says"), [("feature-extraction", True), ("fine-tune-top", False)])
def test_a_row_of_domain_adaptation_says_that_its_term_is_missing(
    strategy: str, says: bool, data: Path, tmp_path: Path
) -> None:
    said, _ = finish(tiny_setup(data, tmp_path / "run", strategy=strategy, similarity="different", epochs=1))
    notices = [event for event in of(said, events.Notice) if event.code == "no_adaptation"]
    assert len(notices) == says


def test_the_persons_own_number_of_groups_is_kept(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    decides(monkeypatch, "fine-tune-top", 2)
    said, _ = finish(auto_setup(data, tmp_path / "run", top_groups=1))
    assert of(said, events.StrategyChosen)[0].top_groups == 1


# -- the trial ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [True, False])
def test_where_it_is_unsure_a_trial_decides(
    gain: bool, monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    decides(monkeypatch, "fine-tune-top", 2, unsure=True)
    real = TrialOutcome(
        learned_from=26, held_back=13, right_deeper=9, right_shallow=6 if gain else 9, better=3, worse=0, steps=80
    )

    def held(live: Live, goes_on: object) -> Generator[Event, None, TrialOutcome]:
        yield from ()
        return real

    monkeypatch.setattr(auto_choice, "held_trial", held)
    said, _ = finish(auto_setup(data, tmp_path / "run"))
    (chosen,) = of(said, events.StrategyChosen)
    assert (chosen.by, chosen.strategy) == ("trial", "fine-tune-top" if gain else "feature-extraction")
    assert "9 of 13 held-back" in chosen.sentence


def test_where_a_trial_finds_no_memory_it_is_left_out(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    decides(monkeypatch, "fine-tune-top", 2, unsure=True)

    def held(live: Live, goes_on: object) -> Generator[Event, None, TrialOutcome]:
        yield from ()
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(auto_choice, "held_trial", held)
    said, _ = finish(auto_setup(data, tmp_path / "run"))
    (chosen,) = of(said, events.StrategyChosen)
    assert (chosen.by, chosen.strategy, chosen.sentence) == ("headroom", "fine-tune-top", "Since it is so.")
    assert of(said, events.EpochEnded)[-1].epoch == 2


def test_a_trial_leaves_network_random_state_and_cache_as_they_were(data: Path, tmp_path: Path) -> None:
    live = Live(auto_setup(data, tmp_path / "run"))
    live.begin()
    before, state, trains = fingerprint(live), torch.random.get_rng_state(), live.network.training_mode
    modes = {name: module.training for name, module in live.network.model.named_modules()}
    grads = [parameter.requires_grad for parameter in live.network.model.parameters()]
    outcome, said = tried(live)

    assert outcome is not None and trains == live.network.training_mode
    assert fingerprint(live) == before
    assert torch.equal(torch.random.get_rng_state(), state)
    assert {name: module.training for name, module in live.network.model.named_modules()} == modes
    assert [parameter.requires_grad for parameter in live.network.model.parameters()] == grads
    assert {type(event) for event in said} == {events.Progress}


def test_a_trial_repeats_and_counts_each_image_once(data: Path, tmp_path: Path) -> None:
    outcomes = []
    for number in range(2):
        live = Live(auto_setup(data, tmp_path / f"run {number}"))
        live.begin()
        torch.manual_seed(number)
        outcomes.append(tried(live)[0])
    one, two = outcomes
    assert one is not None and one == two
    train = len(live.setup.train)
    assert one.learned_from + one.held_back == train and one.held_back == pytest.approx(train / 3, abs=2)
    assert one.right_deeper - one.right_shallow == one.better - one.worse
    assert one.gain == (one.better - one.worse) / one.held_back


def test_the_shallow_side_is_a_regression_on_the_images_that_are_learned_from(data: Path, tmp_path: Path) -> None:
    live = Live(auto_setup(data, tmp_path / "run"))
    live.begin()
    outcome, _ = tried(live)
    assert outcome is not None
    learned, held = inner_split(live.setup, drawn(live.setup, trial.TRIAL_IMAGES), 1 / 3)
    assert (len(learned), len(held)) == (outcome.learned_from, outcome.held_back)
    part = live.setup.train
    images = live.setup.frozen.activations(part, range(len(part)), 0, 0)
    with torch.inference_mode():
        x = live.network.run(images, 0, 3).double().numpy()
    std = x[learned].std(0)
    x = (x - x[learned].mean(0)) / np.maximum(std, 0.1 * np.sort(std)[(x.shape[1] - 1) // 2])
    y = part.labels.numpy()
    reference = LogisticRegression(C=1 / (len(learned) * 1e-2), tol=1e-10, max_iter=5_000).fit(x[learned], y[learned])
    right = int((reference.predict(x[held]) == y[held]).sum())
    assert outcome.right_shallow == pytest.approx(right, abs=1)


@pytest.mark.parametrize("imbalance", ["auto", "class-weights", "balanced-sampling", "off"])
def test_both_sides_of_a_trial_weigh_unequal_classes_alike(
    imbalance: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Deeper training that changes nothing is no gain and no loss: its loss begins at its lowest for that head."""
    root = write_dataset(tmp_path / "d", {"a": 40, "b": 8}, size=24)
    live = Live(auto_setup(root, tmp_path / "run", imbalance=imbalance, warm_start=True))
    live.begin()
    gradients: list[float] = []

    def still(optimizer: LayerOptimizer, rates: dict[int, float]) -> None:
        for group in optimizer.torch.param_groups:
            group["lr"] = 0.0
        bias = next(p for p in optimizer.parameters() if p.shape == (2,))
        assert bias.grad is not None
        gradients.append(bias.grad.abs().max().item())

    monkeypatch.setattr(LayerOptimizer, "set_rates", still)
    monkeypatch.setattr(trial, "_BATCH", 1_000)
    monkeypatch.setattr(trial, "_STEPS", 2)
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda self, x: x)
    outcome, _ = tried(live)
    assert outcome is not None and outcome.gain == 0.0
    # The bias has no penalty: where the regression has its lowest loss, nothing pulls at it.
    assert len(gradients) == 2 and max(gradients) < 1e-3


@pytest.mark.parametrize(("asked", "kept"), [(None, True), ("frozen", True), ("batch", False)])
def test_a_trial_treats_batchnorm_as_the_row_that_is_tried(
    asked: str | None, kept: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a batch's own statistics the head from frozen features is thrown away, which the row does not do."""
    root = write_dataset(tmp_path / "d", {"a": 40, "b": 40}, size=24)
    live = Live(auto_setup(root, tmp_path / "run", norm_statistics=asked))
    live.begin()
    modes: set[bool] = set()
    real = Network.training_mode

    def recorded(network: Network, first: int, keep_statistics: bool) -> None:
        modes.add(keep_statistics)
        real(network, first, keep_statistics)

    monkeypatch.setattr(Network, "training_mode", recorded)
    assert tried(live)[0] is not None
    assert modes == {kept}


def test_a_trial_sees_a_gain_that_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Random frozen features tell these classes badly, and trained ones well."""
    root = write_dataset(tmp_path / "d", {"a": 60, "b": 60, "c": 60}, size=24)
    live = Live(auto_setup(root, tmp_path / "run", top_learning_rate=0.02, head_learning_rate=0.02))
    live.begin()
    with torch.no_grad():  # what is frozen says little: of the last layer's features one is left
        norm = live.network.model.get_submodule("norm3")
        norm.weight[1:] = 0.0  # type: ignore[operator]
        norm.bias[1:] = 0.0  # type: ignore[operator]
    outcome, _ = tried(live)
    assert outcome is not None and outcome.gain > 0.05


def test_large_networks_are_not_tried_on_a_processor(data: Path, tmp_path: Path) -> None:
    live = Live(auto_setup(data, tmp_path / "run"))
    small = {"efficientnet-lite0", "mobilenet-v3-large", "resnet18", "efficientnet-b0", "resnet50"}
    large = {"vgg16", "vit-b16", "efficientnet-b7"}
    tried_on = {}
    for name in small | large:
        row = BACKBONES[name]
        recipe = msgspec.structs.replace(live.network.preprocessing, size=row.size)
        live.network.row, live.network.preprocessing = row, recipe
        tried_on[name] = trial.can_try(live)
    assert tried_on == dict.fromkeys(small, True) | dict.fromkeys(large, False)
    live.setup.device = torch.device("cuda")
    assert trial.can_try(live)


@pytest.mark.parametrize(
    ("name", "side"),
    [("efficientnet-lite0", 224), ("resnet50", 128), ("efficientnet-b7", 352), ("vit-b16", 224), ("tiny-cnn", None)],
)
def test_the_trials_input_is_smaller_where_the_network_takes_it(
    name: str, side: int | None, data: Path, tmp_path: Path
) -> None:
    live = Live(auto_setup(data, tmp_path / "run"))
    row, network = BACKBONES[name], live.network
    network.row = row
    network.preprocessing = msgspec.structs.replace(network.preprocessing, size=row.size)
    assert trial._side(live) == (side or row.size)
    live.setup.device = torch.device("cuda")
    assert trial._side(live) == row.size
