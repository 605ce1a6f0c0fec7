"""What holds weights at where they began: Fisher information, penalties, new outputs and mixes, by arithmetic done otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import differing, finish, snapshot, tiny_network, tiny_setup
from scipy.optimize import minimize
from torch import Tensor, nn

from tlgui.core.errors import UserError
from tlgui.core.heads import Head
from tlgui.core.retention import NEW_HEAD_PENALTY
from tlgui.core.run_spec import Keep
from tlgui.engine import optimizer_step
from tlgui.engine.backbones import _head
from tlgui.engine.live import Live
from tlgui.engine.network import Network
from tlgui.engine.optimizer_step import batches_of, lesson_of
from tlgui.engine.probe import STRENGTH, fit_logistic_regression, fit_new_outputs
from tlgui.engine.retention.averaging import mixed
from tlgui.engine.retention.fisher import FEW_CLASSES, Fisher, images_asked
from tlgui.engine.retention.head import fit_new, published_head, take_head
from tlgui.engine.retention.keeper import Keeper
from tlgui.engine.retention.knowledge import Knowledge
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


def pixels(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, 3, 24, 24, generator=torch.Generator().manual_seed(seed))


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# -- Fisher information -------------------------------------------------------------------------------------------


def fisher_of(network: Network, images: Tensor, first: int = 0, seed: int = 0) -> dict[str, Tensor]:
    network.set_trainable(first)
    network.evaluation_mode()
    fisher = Fisher(network, range(first, len(network)), torch.Generator().manual_seed(seed))
    for image in images:
        fisher.add(network.run(image[None]))
    return fisher.means()


def by_hand(network: Network, images: Tensor) -> dict[str, Tensor]:
    """The expectation over all classes by torch.func: one gradient per image and class, without a graph that is kept."""
    model = network.model.eval()
    weights = {name: one.detach() for name, one in model.named_parameters()}

    def log_share(given: dict[str, Tensor], image: Tensor, label: int) -> Tensor:
        return torch.func.functional_call(model, given, (image[None],)).log_softmax(1)[0, label]

    total = {name: torch.zeros_like(one) for name, one in weights.items()}
    for image in images:
        shares = model(image[None]).softmax(1)[0].detach()
        for label in range(network.classes):
            for name, gradient in torch.func.grad(log_share)(weights, image, label).items():
                total[name] += shares[label] * gradient**2 / len(images)
    return total


def test_the_fisher_information_is_that_of_single_images_by_another_road() -> None:
    network = tiny_network(4)
    found, expected = fisher_of(network, pixels(7)), by_hand(network, pixels(7))
    assert found.keys() == expected.keys()
    for name, one in found.items():
        torch.testing.assert_close(one, expected[name], rtol=1e-4, atol=1e-9)
        assert bool((one >= 0).all())
    assert sum(float(one.sum()) for one in found.values()) > 0


def test_it_depends_neither_on_the_order_of_images_nor_on_how_many_come_at_once() -> None:
    network = tiny_network(3)
    found = fisher_of(network, pixels(6))
    backwards = fisher_of(network, pixels(6).flip(0))
    halves = [fisher_of(network, part) for part in pixels(6).split(3)]
    for name, one in found.items():
        torch.testing.assert_close(backwards[name], one, rtol=1e-4, atol=1e-9)
        torch.testing.assert_close((halves[0][name] + halves[1][name]) / 2, one, rtol=1e-4, atol=1e-9)


def test_drawn_classes_come_to_the_same_as_all_classes() -> None:
    classes = FEW_CLASSES + 1
    network = tiny_network(classes)
    one = pixels(1)
    exact = by_hand(network, one)
    found = fisher_of(network, one.expand(1500, -1, -1, -1), first=3)
    assert sorted(found) == ["fc.bias", "fc.weight"]
    ratio = float(found["fc.weight"].sum()) / float(exact["fc.weight"].sum())
    assert ratio == pytest.approx(1, abs=0.1)
    torch.testing.assert_close(found["fc.bias"], exact["fc.bias"], rtol=0.6, atol=0.01)
    assert differing(found, fisher_of(network, one.expand(1500, -1, -1, -1), first=3)) == [], "the seed decides"


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_groups_that_are_not_asked_about_are_not_in_it(first: int) -> None:
    network = tiny_network(3)
    names = {id(one): name for name, one in network.model.named_parameters()}
    wanted = {names[id(one)] for index in range(first, 4) for one in network.parameters(index)}
    assert fisher_of(network, pixels(2), first).keys() == wanted


def test_how_many_images_are_asked_is_bounded_by_passes() -> None:
    assert images_asked(2, 1000) == 200 and images_asked(10, 1000) == 80
    assert images_asked(1000, 1000) == 200, "one class is drawn for each"
    assert images_asked(2, 17) == 17 and images_asked(1000, 0) == 0


# -- penalties ----------------------------------------------------------------------------------------------------


def held(keep: Keep, outputs: int, classes: int = 5, units: int = 0) -> tuple[Keeper, Network]:
    """A network that has moved away from where it began, and its keeper."""
    network = tiny_network(classes)
    if units:
        network.model.set_submodule("fc", _head(16, classes, Head(kind="hidden", units=units, dropout=0.0)))
    known = Knowledge(keep=keep, outputs=outputs, place=Path("nowhere"))
    known.start = {name: one.clone() for name, one in network.model.state_dict().items()}
    for number, (name, one) in enumerate(network.model.named_parameters()):
        known.needs[name] = drawn(*one.shape, seed=number).abs()
    known.covered = 0
    network.set_trainable(0)
    return Keeper(known, network), network


def moved(network: Network, by: float = 0.3) -> None:
    with torch.no_grad():
        for number, one in enumerate(network.model.parameters()):
            one.add_(by * drawn(*one.shape, seed=100 + number))


def expected_penalty(keeper: Keeper, network: Network, first: int, strength: float) -> float:
    """The module's formula in numpy, weight by weight."""
    known, total = keeper.knowledge, 0.0
    groups = {name: index for index in range(4) for name, one in network.model.named_parameters()
              if any(one is other for other in network.parameters(index))}  # fmt: skip
    last = network.head_linear
    for name, one in network.model.named_parameters():
        if groups[name] < first:
            continue
        now, start, need = (x.detach().double().numpy() for x in (one, known.start[name], known.needs[name]))
        old = len(now)
        if groups[name] == 3 and (not known.outputs or one is last.weight or one is last.bias):
            old = known.outputs
        f = need[:old] if known.keep == "ewc" else np.ones_like(now[:old])
        total += strength / 2 * float(np.sum(f * (now[:old] - start[:old]) ** 2))
        if known.keep == "l2sp" and now.ndim > 1:
            total += 0.01 / 2 * float(np.sum(now[old:] ** 2))
    return total


WAYS: list[Keep] = ["ewc", "l2sp"]


@pytest.mark.parametrize("units", [0, 6])
@pytest.mark.parametrize("outputs", [0, 3, 5])
@pytest.mark.parametrize("first", [0, 2, 3])
@pytest.mark.parametrize("keep", WAYS)
def test_the_penalty_is_the_closed_form(keep: Keep, first: int, outputs: int, units: int) -> None:
    keeper, network = held(keep, outputs, units=units)
    moved(network)
    for strength in (0.0, 0.7, 100.0):
        found = keeper.penalty(first, strength).item()
        assert found == pytest.approx(expected_penalty(keeper, network, first, strength), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("keep", WAYS)
def test_it_is_0_where_nothing_has_moved(keep: Keep) -> None:
    keeper, network = held(keep, 5)
    assert keeper.penalty(0, 10.0).item() == 0
    keeper, network = held(keep, 3)
    new = 0.01 / 2 * float(network.head_linear.weight[3:].detach().square().sum())
    assert keeper.penalty(0, 10.0).item() == pytest.approx(new if keep == "l2sp" else 0, rel=1e-5)
    assert NEW_HEAD_PENALTY == 0.01


def test_l2sp_draws_nothing_to_zero_that_the_network_knew() -> None:
    """The rows of earlier classes are held at where they were; only those of new classes are kept small."""
    keeper, network = held("l2sp", 3)
    keeper.penalty(0, 2.0).backward()
    gradient = network.head_linear.weight.grad
    assert gradient is not None and not gradient[:3].any()
    torch.testing.assert_close(gradient[3:], 0.01 * network.head_linear.weight[3:].detach())


def test_ewc_with_the_same_information_everywhere_is_l2sp() -> None:
    ewc, network = held("ewc", 5)
    l2sp, other = held("l2sp", 5)
    ewc.knowledge.needs = {name: torch.ones_like(one) for name, one in ewc.knowledge.needs.items()}
    for one in (network, other):
        moved(one)
    for first in range(4):
        assert ewc.penalty(first, 0.3).item() == l2sp.penalty(first, 0.3).item()


@pytest.mark.parametrize("keep", WAYS)
def test_its_gradients_are_those_of_finite_differences(keep: Keep) -> None:
    keeper, network = held(keep, 3)
    network.model.double()
    known = keeper.knowledge
    known.start = {name: one.double() if one.is_floating_point() else one for name, one in known.start.items()}
    known.needs = {name: one.double() for name, one in known.needs.items()}
    moved_model = network.model
    with torch.no_grad():
        for number, one in enumerate(moved_model.parameters()):
            one.add_(0.3 * drawn(*one.shape, seed=100 + number).double())
    keeper.penalty(0, 1.7).backward()
    step = 1e-4
    for name, one in network.model.named_parameters():
        flat, gradient = one.detach().view(-1) if one.is_contiguous() else None, one.grad
        assert gradient is not None
        if flat is None:
            continue
        for index in (0, len(flat) - 1):
            kept, values = flat[index].item(), []
            for by in (step, -step):
                flat[index] = kept + by
                values.append(keeper.penalty(0, 1.7).item())
            flat[index] = kept
            numeric = (values[0] - values[1]) / (2 * step)
            assert gradient.reshape(-1)[index].item() == pytest.approx(numeric, rel=1e-4, abs=1e-6), name


def test_a_group_that_nobody_asked_about_is_held_like_any_where_a_move_is_only_measured() -> None:
    keeper, network = held("ewc", 5)
    known = keeper.knowledge
    below = {"conv1", "norm1", "conv2", "norm2", "conv3", "norm3"}
    known.needs = {name: one for name, one in known.needs.items() if name.split(".")[0] not in below}
    moved(network)
    plain, _ = held("l2sp", 5)
    plain.knowledge.start = known.start
    plain._network = network
    alone = keeper.penalty(3, 1.0).item()
    assert keeper.penalty(0, 1.0).item() == pytest.approx(
        alone + plain.penalty(0, 1.0).item() - plain.penalty(3, 1.0).item(), rel=1e-5
    )


@pytest.mark.parametrize("keep", WAYS)
def test_an_answer_that_comes_later_is_taken_up(keep: Keep) -> None:
    """What is held is found once for each border; the border and what is known may both change."""
    keeper, network = held(keep, 5)
    moved(network)
    assert keeper.penalty(3, 1.0).item() < keeper.penalty(1, 1.0).item() < keeper.penalty(0, 1.0).item()
    before = keeper.penalty(3, 1.0).item()
    moved(network, 0.1)
    assert keeper.penalty(3, 1.0).item() != before


# -- in a step ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("kept") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


def setup_with(keep: Keep, data: Path, run: Path, **training: Any) -> Setup:
    """A run that holds on to what its network is; as if it had learned its classes before."""
    options: dict[str, Any] = {"strategy": "full-fine-tuning", "warm_start": False, "unfreezing": "never"} | training
    setup = tiny_setup(data, run, keep=keep, **options)
    known = Knowledge(keep=keep, outputs=3, place=run / "checkpoints" / "before.safetensors")
    known.start = {name: one.clone() for name, one in setup.network.model.state_dict().items()}
    known.needs = {name: drawn(*one.shape).abs() for name, one in setup.network.model.named_parameters()}
    known.covered = 0
    setup.knowledge = known
    return setup


def gradients(live: Live, piece: int, batch: int = 0) -> dict[str, Tensor]:
    live.place.piece = piece
    lesson = lesson_of(live, batches_of(live, 0)[batch])
    assert lesson is not None
    optimizer_step._gradients(live, lesson)
    return {name: one.grad.clone() for name, one in live.network.model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("keep", WAYS)
def test_the_penalty_counts_once_however_many_pieces_a_batch_goes_through_in(
    keep: Keep, data: Path, tmp_path: Path
) -> None:
    setup = setup_with(keep, data, tmp_path / "run", batch_size=8, keep_strength=50.0, norm_statistics="frozen")
    setup.network.model.get_submodule("drop").p = 0.0  # type: ignore[assignment]
    live = Live(setup)
    live.begin()
    moved(setup.network, 0.05)
    whole, pieces = gradients(live, 0), gradients(live, 2)
    for name, one in whole.items():
        torch.testing.assert_close(pieces[name], one, rtol=1e-3, atol=1e-4)
    live.place.keep_strength = 0.0
    without = gradients(live, 0)
    start = setup.knowledge.start["fc.weight"] if setup.knowledge else torch.zeros(())
    need = setup.knowledge.needs["fc.weight"] if setup.knowledge and keep == "ewc" else 1.0
    expected = 50.0 * need * (setup.network.head_linear.weight.detach() - start)
    torch.testing.assert_close(whole["fc.weight"] - without["fc.weight"], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("keep", "decays"), [("none", True), ("average", True), ("ewc", False), ("l2sp", False)])
def test_weights_that_are_held_do_not_decay(keep: Keep, decays: bool, data: Path, tmp_path: Path) -> None:
    live = Live(setup_with(keep, data, tmp_path / "run", weight_decay=0.1))
    live.begin()
    assert {group["weight_decay"] for group in live.optimizer.torch.param_groups} == ({0.0, 0.1} if decays else {0.0})


@pytest.mark.parametrize("keep", WAYS)
def test_the_harder_it_is_held_the_less_it_moves(keep: Keep, data: Path, tmp_path: Path) -> None:
    far = []
    for strength in (0.0, 1.0, 1000.0):
        name = f"{strength:g}"
        setup = setup_with(keep, data, tmp_path / name, keep_strength=strength, top_learning_rate=0.01, batch_size=16)
        before = {key: one.clone() for key, one in setup.network.model.named_parameters()}
        finish(setup)
        after = dict(setup.network.model.named_parameters())
        far.append(sum(float((after[key] - one).square().sum()) for key, one in before.items()) ** 0.5)
    assert far[2] < 0.5 * far[0] and far[2] < far[1] <= 1.05 * far[0]


# -- new outputs --------------------------------------------------------------------------------------------------


def objective(x: np.ndarray, labels: np.ndarray, known: np.ndarray, new: int, level: float | None) -> Any:
    """The same loss in numpy, of standardised rows."""

    def value(flat: np.ndarray) -> float:
        weight, bias = flat[: new * x.shape[1]].reshape(new, -1), flat[new * x.shape[1] :]
        logits = np.concatenate([known, x @ weight.T + bias], axis=1)
        top = logits.max(1, keepdims=True)
        logs = logits - top - np.log(np.exp(logits - top).sum(1, keepdims=True))
        penalty = STRENGTH / 2 * (weight**2).sum()
        if level is not None:
            penalty += STRENGTH / 2 * ((bias - level) ** 2).sum()
        return float(-logs[np.arange(len(labels)), labels].mean() + penalty)

    return value


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("new", [1, 2])
def test_new_outputs_are_those_that_scipy_finds_on_the_same_objective(new: int, alone: bool) -> None:
    rows, known = drawn(40, 3, seed=1) * torch.tensor([1.0, 2.0, 5.0]) + 1, 2 * drawn(40, 2, seed=2)
    labels = torch.arange(40) % new + 2 if alone else torch.arange(40) % (2 + new)
    weight, bias = fit_new_outputs(rows, labels, known, 2 + new)
    mean, spread = rows.double().mean(0), rows.double().std(0, unbiased=False)
    x = ((rows.double() - mean) / spread).numpy()
    level = float(known.amax(1).double().mean()) if alone else None
    value = objective(x, labels.numpy(), known.double().numpy(), new, level)
    best = minimize(value, np.zeros(new * 4), method="BFGS", options={"gtol": 1e-8})
    w = best.x[: new * 3].reshape(new, 3) / spread.numpy()
    torch.testing.assert_close(weight.double(), torch.from_numpy(w), rtol=1e-3, atol=1e-4)
    b = best.x[new * 3 :] - w @ mean.numpy()
    torch.testing.assert_close(bias.double(), torch.from_numpy(b), rtol=1e-3, atol=1e-3)


def test_new_classes_alone_do_not_drown_what_was_known() -> None:
    """Without a bound the bias would grow until no image whatever is called by a known name."""
    known = 6 * torch.nn.functional.one_hot(torch.arange(60) % 2, 2).float()
    rows = drawn(60, 4, seed=3)
    weight, bias = fit_new_outputs(rows, torch.full((60,), 2), known, 3)
    logits = rows @ weight.T + bias
    assert float((logits[:, 0] > 6).float().mean()) > 0.9, "they are called new"
    assert logits.max() < 12, "and not surer than they are"


def with_head(outputs: int, units: int, seed: int) -> Network:
    network = tiny_network(outputs)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = Head(kind="hidden", units=units, dropout=0.2) if units else Head(kind="linear", units=1, dropout=0.0)
        network.model.set_submodule("fc", _head(16, outputs, head))
    return network


@pytest.mark.parametrize("units", [0, 6])
def test_outputs_that_stay_are_the_earlier_ones_bit_for_bit(units: int) -> None:
    earlier, network = with_head(3, units, 1), with_head(5, units, 2)
    began = snapshot(network)
    take_head(network, earlier.model.state_dict(), 3, "The weights")
    taken = snapshot(network)
    new_rows = {name: one[3:] for name, one in taken.items() if len(one.shape) and one.shape[0] == 5}
    assert differing(new_rows, {name: began[name][3:] for name in new_rows}) == [], "new outputs stay as they begin"
    fit_new(network, drawn(40, 16), torch.arange(40) % 5, 3)
    for now in (taken, snapshot(network)):
        for name, one in earlier.model.get_submodule("fc").state_dict().items():
            mine = now[f"fc.{name}"]
            assert torch.equal(mine[: len(one)], one), name
    x = drawn(9, 16)
    for module in (earlier, network):
        module.evaluation_mode()
    torch.testing.assert_close(
        network.model.get_submodule("fc")(x)[:, :3], earlier.model.get_submodule("fc")(x), rtol=0, atol=1e-6
    )


def test_without_new_classes_nothing_is_fitted_and_the_loss_is_that_of_the_head() -> None:
    network = with_head(3, 0, 1)
    before = snapshot(network)
    rows, labels = drawn(20, 16), torch.arange(20) % 3
    loss = fit_new(network, rows, labels, 3)
    assert differing(before, snapshot(network)) == []
    expected = nn.functional.cross_entropy(network.head_linear(rows), labels).item()
    assert loss == pytest.approx(expected, rel=1e-5)


def test_images_of_before_keep_their_names_where_new_outputs_have_seen_them() -> None:
    """The new class looks like a known one: fitted on its images alone, it would take that one's images too."""
    rows, labels = drawn(60, 4, seed=5), torch.arange(60) % 2
    rows = rows + 3 * torch.nn.functional.one_hot(labels, 4)
    network = tiny_network(3)
    head = nn.Linear(4, 3)
    network.model.set_submodule("fc", head)
    weight, bias = fit_logistic_regression(rows, labels, 2)
    with torch.no_grad():
        head.weight[:2], head.bias[:2] = weight, bias
    new = drawn(30, 4, seed=6) + torch.tensor([0.0, 2.0, 2.0, 0.0])
    told = []
    for earlier in ([], [(rows, labels)]):
        fit_new(network, new, torch.full((30,), 2), 2, earlier)
        told.append(((head(rows).argmax(1) == labels).float().mean(), (head(new).argmax(1) == 2).float().mean()))
    assert told[1][0] > 0.9 > told[0][0] and told[1][1] > 0.8


@pytest.mark.parametrize(
    ("given", "wanted", "outputs"), [((3, 0), (5, 6), 3), ((3, 6), (5, 0), 3), ((3, 4), (5, 6), 3), ((4, 0), (5, 0), 3)]
)
def test_a_head_of_another_form_than_its_run_says_is_refused(
    given: tuple[int, int], wanted: tuple[int, int], outputs: int
) -> None:
    network = with_head(*wanted, seed=2)
    with pytest.raises(UserError, match="The weights has another last layer than its run") as refused:
        take_head(network, with_head(*given, seed=1).model.state_dict(), outputs, "The weights")
    assert refused.value.code == "run_damaged"


def test_a_published_head_is_one_linear_layer_or_none() -> None:
    network = tiny_network(7)
    found = published_head(network.row, network.model.state_dict())
    assert found is not None and found.weight.shape == (7, 16) and found.bias.shape == (7,)
    assert published_head(network.row, {}) is None
    without = {name: one for name, one in network.model.state_dict().items() if name != "fc.bias"}
    found = published_head(network.row, without)
    assert found is not None and not found.bias.any()
    assert published_head(network.row, with_head(7, 6, 1).model.state_dict()) is None


# -- mixes --------------------------------------------------------------------------------------------------------


def test_a_mix_is_the_weighted_mean_of_each_weight() -> None:
    before, after = tiny_network(3, seed=1).model.state_dict(), tiny_network(3, seed=2).model.state_dict()
    after = {name: one + 5 if not one.is_floating_point() else one for name, one in after.items()}
    for share in (0.1, 0.5, 0.9):
        for name, one in mixed(before, after, share).items():
            if one.is_floating_point():
                expected = share * before[name].double().numpy() + (1 - share) * after[name].double().numpy()
                np.testing.assert_allclose(one.double().numpy(), expected, rtol=1e-5, atol=1e-6)
            else:
                assert torch.equal(one, after[name]), "a counter is no mix"


def test_its_ends_are_the_networks_bit_for_bit_and_copies() -> None:
    before, after = tiny_network(3, seed=1).model.state_dict(), tiny_network(3, seed=2).model.state_dict()
    for share, expected in ((0.0, after), (1.0, before)):
        found = mixed(before, after, share)
        floats = [name for name, one in found.items() if one.is_floating_point()]
        assert all(torch.equal(found[name], expected[name]) for name in floats)
        assert all(found[name].data_ptr() not in (before[name].data_ptr(), after[name].data_ptr()) for name in found)
    half = mixed({"w": torch.ones(2, dtype=torch.float16)}, {"w": torch.zeros(2, dtype=torch.float16)}, 0.25)
    assert half["w"].dtype == torch.float16 and half["w"].tolist() == [0.25, 0.25]
