"""The head before anything is trained: on the run's own objective, linear or with a hidden layer."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import finish, of, tiny_setup
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.core.heads import head_of
from tlgui.engine.backbones import _head
from tlgui.engine.first_answer import Features
from tlgui.engine.live import Live
from tlgui.engine.probe import fit_logistic_regression
from tlgui.engine.setup import Setup
from tlgui.engine.warm_start import fit_head

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("warm") / "d", {"a": 30, "b": 20, "c": 8}, size=24)


def goes_on() -> Generator[Event, None, bool]:
    yield from ()
    return True


def fitted(setup: Setup, features: Features | None = None, go: object = goes_on) -> tuple[float | None, list[Event]]:
    live = Live(setup)
    live.begin()
    said: list[Event] = []
    steps = fit_head(live, features or Features(), go)  # type: ignore[arg-type]
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said


def hidden(data: Path, run: Path, seed: int = 0) -> Setup:
    setup = tiny_setup(data, run, strategy="fine-tune-top", head="hidden", head_units=24, seed=seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        setup.network.model.set_submodule("fc", _head(16, 3, head_of(setup.training)))
    return setup


def rows_of(setup: Setup) -> torch.Tensor:
    images = setup.frozen.activations(setup.train, range(len(setup.train)), 0, 0)
    with torch.inference_mode():
        return setup.network.run(images, 0, 3)


@pytest.mark.parametrize("imbalance", ["off", "logit-adjustment", "class-weights", "balanced-sampling"])
def test_a_linear_head_is_the_regression_on_the_runs_own_objective(imbalance: str, data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", imbalance=imbalance)
    loss, _ = fitted(setup)
    rows, labels = rows_of(setup), setup.train.labels
    counts = torch.bincount(labels).double()
    given = {
        "logit-adjustment": {"shift": (counts / counts.sum()).log()},
        "class-weights": {"weights": counts.sum() / (3 * counts)},
        "balanced-sampling": {"weights": counts.sum() / (3 * counts)},
    }.get(imbalance, {})
    weight, bias = fit_logistic_regression(rows, labels, 3, **given)
    linear = setup.network.head_linear
    assert torch.allclose(linear.weight, weight, atol=1e-3) and torch.allclose(linear.bias, bias, atol=1e-3)
    assert loss == pytest.approx(cross_entropy(rows @ weight.T + bias, labels).item(), rel=1e-3)


def test_a_hidden_head_is_trained_until_it_gets_no_better(data: Path, tmp_path: Path) -> None:
    setup = hidden(data, tmp_path / "run")
    before = {name: tensor.clone() for name, tensor in setup.network.tensors(3).items()}
    state = torch.random.get_rng_state()
    loss, said = fitted(setup)
    assert loss is not None
    rows, labels = rows_of(setup), setup.train.labels
    with torch.inference_mode():
        answers = setup.network.model.get_submodule("fc")(rows)
    assert loss == pytest.approx(cross_entropy(answers, labels).item(), rel=1e-4)
    # At least as good as a guess by the classes' shares, by far.
    shares = torch.bincount(labels).double() / len(labels)
    assert loss < 0.6 * -(shares * shares.log()).sum().item()
    steps = [event.done for event in of(said, events.Progress) if event.stage == "fitting the new layers"]
    assert steps and steps[-1] <= 600
    # Only the head has changed, and the run's random state is where it was.
    assert all(torch.equal(tensor, before[name]) for name, tensor in setup.network.tensors(3).items())
    assert torch.equal(torch.random.get_rng_state(), state)
    trains = [all(one.requires_grad for one in setup.network.parameters(index)) for index in range(4)]
    assert trains == [False, False, True, True]


def test_it_repeats_bit_for_bit(data: Path, tmp_path: Path) -> None:
    heads = []
    for number in range(2):
        setup = hidden(data, tmp_path / f"run {number}")
        torch.manual_seed(number)
        fitted(setup)
        heads.append(setup.network.head_linear.weight.detach().clone())
    assert torch.equal(*heads)


def test_features_that_are_known_are_not_read_again(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top")
    rows = rows_of(setup)
    known = Features(dict(enumerate(rows)))
    setup.frozen.activations = lambda *_: pytest.fail("it was read")  # type: ignore[method-assign]
    loss, said = fitted(setup, known)
    assert loss is not None and said == []


def test_the_first_answers_features_serve_the_warm_start(data: Path, tmp_path: Path) -> None:
    """No second pass: each training image is looked at once before the first epoch."""
    setup = tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", epochs=1, caching=False, warm_start=True)
    asked: list[int] = []
    real = setup.frozen.activations

    def counting(part: object, indices: list[int], view: int, cut: int) -> torch.Tensor:
        if part is setup.train and cut == 3:
            asked.extend(indices)
        return real(part, indices, view, cut)  # type: ignore[arg-type]

    setup.frozen.activations = counting  # type: ignore[assignment]
    said, _ = finish(setup)
    assert sorted(asked) == list(range(len(setup.train)))
    assert [event.epoch for event in of(said, events.EpochEnded)] == [0, 1]


@pytest.mark.parametrize("head", ["linear", "hidden"])
def test_stop_leaves_it(head: str, data: Path, tmp_path: Path) -> None:
    setup = hidden(data, tmp_path / "run") if head == "hidden" else tiny_setup(data, tmp_path / "run")
    left = [3 if head == "hidden" else 1]

    def stops() -> Generator[Event, None, bool]:
        yield from ()
        left[0] -= 1
        return left[0] >= 0

    assert fitted(setup, go=stops)[0] is None


def test_without_a_warm_start_there_is_none(data: Path, tmp_path: Path) -> None:
    said, _ = finish(tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", warm_start=False, epochs=1))
    assert [event.epoch for event in of(said, events.EpochEnded)] == [1]
