"""A batch that does not fit goes through in pieces, and what is learned is what the whole batch would have taught."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pictures import write_dataset, write_site
from helpers.tiny import finish, tiny_network, tiny_setup
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.engine import free_memory, memory
from tlgui.engine.kept_memory import kept_per_image, update_bytes
from tlgui.engine.live import Live
from tlgui.engine.objective import Objective
from tlgui.engine.param_groups import LayerOptimizer
from tlgui.engine.precision import Mixed
from tlgui.engine.validation import logits_from

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("memory") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture
def live(data: Path, tmp_path: Path) -> Live:
    options: dict[str, Any] = {"strategy": "full-fine-tuning", "warm_start": False, "norm_statistics": "auto"}
    made = Live(tiny_setup(data, tmp_path / "run", batch_size=32, **options))
    made.begin()
    return made


# -- pieces --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [0, 1, 2, 3, 5, 8, 100])
@pytest.mark.parametrize("n", [1, 2, 7, 32, 33])
def test_pieces_cover_the_batch_once_and_t01_none_of_several_is_of_one_image(live: Live, n: int, piece: int) -> None:
    live.place.piece = piece
    pieces = live.memory.pieces(n)
    assert [i for one in pieces for i in range(n)[one]] == list(range(n))
    sizes = [one.stop - one.start for one in pieces]
    if piece not in (0, 1) and n > 1:
        assert min(sizes) > 1 and max(sizes) <= max(piece, 2) + 1
    assert live.memory.at_once(n) == min(sizes)


def gradients(live: Live, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[float, list[torch.Tensor]]:
    """As the loop adds them up."""
    network, n = live.network, len(labels)
    network.set_trainable(0)
    network.training_mode(0, live.keep_statistics(live.memory.at_once(n)))
    network.model.drop.p = 0.0  # type: ignore[union-attr]
    network.model.zero_grad(set_to_none=True)
    total = 0.0
    for piece in live.memory.pieces(n):
        loss = live.objective.loss(network.run(inputs[piece]), labels[piece]) * (len(labels[piece]) / n)
        live.mixed.backward(loss)
        total += loss.item()
    return total, [p.grad.clone() for p in network.model.parameters() if p.grad is not None]


@pytest.mark.parametrize("imbalance", ["off", "class-weights", "logit-adjustment"])
def test_gradients_of_pieces_add_up_to_those_of_the_whole_batch(data: Path, tmp_path: Path, imbalance: str) -> None:
    """And the loss is the same number: the effective batch stays."""
    options: dict[str, Any] = {"norm_statistics": "frozen", "imbalance": imbalance, "label_smoothing": 0.1}
    live = Live(tiny_setup(data, tmp_path / "run", strategy="full-fine-tuning", **options))
    inputs, labels = torch.randn(13, 3, 24, 24), torch.arange(13) % 3
    whole, expected = gradients(live, inputs, labels)
    for piece in (1, 2, 4, 5):
        live.place.piece = piece
        loss, found = gradients(live, inputs, labels)
        assert loss == pytest.approx(whole, rel=1e-6)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


# -- measured ------------------------------------------------------------------------------------------------------


def test_what_an_image_keeps_is_counted_tensor_by_tensor() -> None:
    """By hand for the head: logarithms of 3 shares, a label in 8 bytes; with dropout, the 16 numbers that it passed on."""
    network = tiny_network(3)
    network.model.drop.p = 0.0
    plain = kept_per_image(network, 3, 3, torch.randn(5, 16))
    assert 3 * 4 + 8 <= plain <= 3 * 4 + 8 + 4
    network.model.drop.p = 0.1
    assert kept_per_image(network, 3, 3, torch.randn(5, 16)) - plain == 16 * 4
    network.model.drop.p = 0.0

    # A convolution's input, the norm's input and the activation's output: 8 channels of 12 x 12, and smaller ones.
    sizes = [8 * 12 * 12, 12 * 6 * 6, 16 * 3 * 3]
    whole = kept_per_image(network, 0, 0, torch.randn(2, 3, 24, 24))
    assert 2 * 4 * sum(sizes) < whole < 4 * 4 * sum(sizes)
    assert kept_per_image(network, 2, 2, torch.randn(2, 12, 6, 6)) < whole / 4


def test_measuring_changes_nothing(live: Live) -> None:
    network = live.network
    network.training_mode(0, keep_statistics=False)
    before = {name: tensor.clone() for name, tensor in network.model.state_dict().items()}
    modes, state = [m.training for m in network.model.modules()], torch.get_rng_state()
    kept_per_image(network, 0, 0, torch.randn(4, 3, 24, 24, generator=torch.Generator().manual_seed(1)))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.model.state_dict().items())
    assert [m.training for m in network.model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in network.model.parameters())


def test_an_update_needs_a_gradient_and_at_first_two_numbers_of_the_optimizer() -> None:
    network = tiny_network(3)
    network.set_trainable(2)
    trained = sum(p.numel() for index in (2, 3) for p in network.parameters(index))
    optimizer = LayerOptimizer(network, {2: 0.1, 3: 0.1}, 0.0).torch
    assert update_bytes(network, 2) == update_bytes(network, 2, optimizer) == 3 * 4 * trained
    network.training_mode(2, keep_statistics=True)
    cross_entropy(network.run(torch.randn(4, 12, 6, 6), 2), torch.zeros(4, dtype=torch.int64)).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert update_bytes(network, 2, optimizer) == 4 * trained


def test_a_weight_in_a_shorter_format_counts_for_no_image() -> None:
    network = tiny_network(3)
    inputs = torch.randn(4, 3, 24, 24)
    short = kept_per_image(network, 0, 0, inputs, Mixed("bf16", CPU))
    assert short < kept_per_image(network, 0, 0, inputs)


# -- on a processor: foreseen --------------------------------------------------------------------------------------


def foreseen(live: Live, n: int, free: int, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(free_memory, "available_bytes", lambda: free)
    monkeypatch.setattr(free_memory, "held_bytes", lambda: 0)
    monkeypatch.setattr(memory, "_SMALL_BYTES", 0)
    return list(live.memory.foresee(torch.randn(n, 3, 24, 24)))


def test_pieces_are_made_before_a_step_that_would_not_fit(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    each = kept_per_image(live.network, 0, 0, torch.randn(2, 3, 24, 24))
    update = update_bytes(live.network, 0)
    assert foreseen(live, 32, update + 1000 * each, monkeypatch) == [] and live.place.piece == 0

    (notice,) = foreseen(live, 32, update + int(1.5 * each * 9), monkeypatch)

    assert live.place.piece == 8 and notice.code == "smaller_pieces"
    assert notice.message.startswith("A batch of 32 images would not fit into memory, so 8 images go through at once")
    assert "Each step still learns from the whole batch." in notice.message
    # 32 images were enough for statistics of their own, 8 are not.
    assert notice.message.endswith("(BatchNorm) now keep the mean and spread that they have.")
    assert foreseen(live, 32, update + int(1.5 * each * 9), monkeypatch) == []  # said once
    assert foreseen(live, 32, 1 << 40, monkeypatch) == [] and live.place.piece == 8  # never larger again


def test_images_of_a_new_site_that_go_through_in_the_same_step_are_foreseen_too(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = write_site(tmp_path / "s", 40, 24)
    each, update = kept_per_image(tiny_network(3), 0, 0, torch.randn(2, 3, 24, 24)), update_bytes(tiny_network(3), 0)
    pieces = {}
    for adapt in ("none", "mmd"):
        target = None if adapt == "none" else site
        live = Live(tiny_setup(data, tmp_path / adapt, target=target, strategy="from-scratch", adapt=adapt))
        live.begin()
        foreseen(live, 32, update + int(1.5 * each * 17), monkeypatch)
        pieces[adapt] = live.place.piece
    assert pieces == {"none": 16, "mmd": 8}


def test_what_other_programs_take_in_mid_run_is_seen_before_the_next_step(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    each, update = kept_per_image(live.network, 0, 0, torch.randn(2, 3, 24, 24)), update_bytes(live.network, 0)
    assert foreseen(live, 32, 1 << 40, monkeypatch) == []
    assert len(foreseen(live, 32, update + int(1.5 * each * 16), monkeypatch)) == 1
    assert live.place.piece == 16


def test_what_earlier_steps_left_with_the_allocator_is_not_missed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    each, update = kept_per_image(live.network, 0, 0, torch.randn(2, 3, 24, 24)), update_bytes(live.network, 0)
    assert foreseen(live, 32, 1 << 40, monkeypatch) == []
    monkeypatch.setattr(free_memory, "available_bytes", lambda: 0)
    monkeypatch.setattr(free_memory, "held_bytes", lambda: update + 2 * each * 32)
    assert list(live.memory.foresee(torch.randn(32, 3, 24, 24))) == []


def test_what_the_optimizer_made_is_not_there_for_a_later_step(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two numbers for each weight stay, and other programs have taken the rest meanwhile."""
    each = kept_per_image(live.network, 0, 0, torch.randn(2, 3, 24, 24))
    size = 4 * live.network.count(range(4))
    assert foreseen(live, 32, 1 << 40, monkeypatch) == []
    live.network.training_mode(0, keep_statistics=True)
    live.network.run(torch.randn(2, 3, 24, 24)).sum().backward()
    live.optimizer.torch.step()
    live.optimizer.torch.zero_grad()
    assert update_bytes(live.network, 0, live.optimizer.torch) == size
    monkeypatch.setattr(free_memory, "available_bytes", lambda: 0)
    for held, piece in ((3 * size + int(1.5 * each * 32) + 32, 0), (2 * size + int(1.5 * each * 32), 16)):
        monkeypatch.setattr(free_memory, "held_bytes", lambda held=held: held)
        list(live.memory.foresee(torch.randn(32, 3, 24, 24)))
        assert live.place.piece == piece


def test_layers_that_take_a_batchs_statistics_see_at_least_two_images(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T01, and it is said what they see."""
    live = Live(tiny_setup(data, tmp_path / "run", strategy="from-scratch", batch_size=32))
    live.begin()
    each, update = kept_per_image(live.network, 0, 0, torch.randn(2, 3, 24, 24)), update_bytes(live.network, 0)

    (notice,) = foreseen(live, 32, update + 2 * each, monkeypatch)

    assert live.place.piece == 2 and "so 2 images go through at once" in notice.message
    assert notice.message.endswith("(BatchNorm) see a piece at a time.")
    assert not live.memory.can_halve(32) and not live.keep_statistics(live.memory.at_once(33))


def test_what_cannot_fit_at_all_is_said_before_the_system_ends_the_program(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="There is not enough memory: one step of training needs about") as caught:
        foreseen(live, 32, 1000, monkeypatch)
    assert caught.value.code == "out_of_memory" and live.place.piece == 0


def test_on_a_card_nothing_is_foreseen_since_it_says_so_itself(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.setup.device = torch.device("cuda")
    assert foreseen(live, 32, 0, monkeypatch) == []


def test_a_run_with_little_memory_learns_what_one_with_enough_does(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {
        "strategy": "full-fine-tuning",
        "epochs": 2,
        "norm_statistics": "frozen",
        "batch_size": 16,
    }

    def trained(name: str) -> tuple[list[Any], list[events.EpochEnded]]:
        setup = tiny_setup(data, tmp_path / name, **options)
        setup.network.model.drop.p = 0.0  # type: ignore[union-attr]  # it draws for a piece, not for an image
        said, _ = finish(setup)
        notices = [event for event in said if isinstance(event, events.Notice) and event.code == "smaller_pieces"]
        return notices, [event for event in said if isinstance(event, events.EpochEnded)]

    none, whole = trained("whole")
    network = tiny_network(3)
    each, update = kept_per_image(network, 0, 0, torch.randn(2, 3, 24, 24)), update_bytes(network, 0)
    monkeypatch.setattr(memory, "_SMALL_BYTES", 0)
    monkeypatch.setattr(free_memory, "available_bytes", lambda: update + int(1.5 * 5 * each))
    monkeypatch.setattr(free_memory, "held_bytes", lambda: 0)
    one, pieces = trained("pieces")
    assert (len(none), len(one)) == (0, 1) and "so 4 images" in one[0].message
    for mine, other in zip(pieces, whole, strict=True):
        assert mine.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert mine.validation_loss == pytest.approx(other.validation_loss, rel=1e-3)


# -- on a card: caught ---------------------------------------------------------------------------------------------


def test_p06_after_a_failed_try_nothing_of_it_is_held_and_half_goes_through(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card's failure at step 5 is played: what the failed try held must be gone before the next one."""
    held: list[weakref.ref[torch.Tensor]] = []
    emptied: list[int] = []
    sizes: list[int] = []
    inner = Objective.loss

    def failing(self: Objective, logits: torch.Tensor, labels: torch.Tensor, *more: Any) -> torch.Tensor:
        sizes.append(len(labels))
        if len(sizes) == 5:
            held.append(weakref.ref(logits))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return inner(self, logits, labels, *more)

    give_back = free_memory.give_back

    def emptying() -> None:
        gc.collect()
        emptied.append(sum(one() is not None for one in held))
        give_back()

    monkeypatch.setattr(Objective, "loss", failing)
    monkeypatch.setattr(free_memory, "give_back", emptying)
    setup = tiny_setup(data, tmp_path / "run", strategy="full-fine-tuning", epochs=2, batch_size=8, warm_start=False)
    said, outcome = finish(setup)
    assert not outcome.stopped and outcome.best_epoch is not None
    assert emptied == [0]
    assert sizes[4] == 8 and sizes[5:7] == [4, 4]
    (notice,) = (event for event in said if isinstance(event, events.Notice) and event.code == "smaller_pieces")
    assert "A batch of 8 images did not fit into memory, so 4 images go through at once" in notice.message
    assert setup.checkpoints.place().piece == 4  # a run that goes on does not try again


def test_p06_where_one_image_does_not_fit_the_failure_is_the_ending(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def failing(self: Objective, logits: torch.Tensor, labels: torch.Tensor, *_: Any) -> torch.Tensor:
        sizes.append(len(labels))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Objective, "loss", failing)
    setup = tiny_setup(data, tmp_path / "run", strategy="full-fine-tuning", batch_size=8, warm_start=False)
    with pytest.raises(torch.OutOfMemoryError):
        finish(setup)
    assert sizes == [8, 4, 2, 1]


# -- what is free --------------------------------------------------------------------------------------------------


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plenty:
        available = 64 << 30

    monkeypatch.setattr(free_memory.psutil, "virtual_memory", lambda: Plenty)
    assert free_memory.available_bytes(tmp_path) == (64 << 30) - (256 << 20)

    def write(folder: str, **files: str) -> None:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (tmp_path / folder / name.replace("__", ".")).write_text(text)

    # Version 2: the limit of a group above counts too, and files that the system would drop do not.
    write("proc/self", cgroup="0::/a/b\n")
    write(
        "sys/fs/cgroup/a",
        memory__max=f"{3 << 30}\n",
        memory__current=f"{2 << 30}\n",
        memory__stat=f"anon 5\ninactive_file {1 << 29}\n",
    )
    write("sys/fs/cgroup/a/b", memory__max="max\n", memory__current="7\n")
    assert free_memory.available_bytes(tmp_path) == (1 << 30) + (1 << 29) - (256 << 20)
    # Version 1, in a container whose path is the host's.
    write("proc/self", cgroup="4:cpu,memory:/docker/12\n0::/\n")
    write("sys/fs/cgroup/memory", **{"memory__limit_in_bytes": f"{1 << 30}", "memory__usage_in_bytes": f"{1 << 28}"})
    assert free_memory.available_bytes(tmp_path) == (1 << 30) - (1 << 28) - (256 << 20)
    write("sys/fs/cgroup/memory", **{"memory__limit_in_bytes": f"{(1 << 63) - 4096}"})  # no limit
    assert free_memory.available_bytes(tmp_path) == (64 << 30) - (256 << 20)


def test_here_some_memory_is_free_and_some_is_held() -> None:
    assert 0 < free_memory.available_bytes() < 1 << 50
    assert free_memory.held_bytes() > 50 << 20
    assert free_memory.device_available_bytes(CPU) > 0
    free_memory.give_back()


@pytest.mark.parametrize(("room", "largest"), [(32, 8), (3, 2), (1, 1)])
def test_answers_need_no_more_memory_at_once_than_the_frozen_part(room: int, largest: int) -> None:
    """T01: a training in small pieces must not end in its validation; with little room fewer go through."""
    network = tiny_network(3)
    x = torch.randn(21, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    expected = logits_from(network, x, 0, torch.device("cpu"))
    real, seen = network.run, list[int]()

    def run(inputs: torch.Tensor, start: int = 0, stop: int | None = None) -> torch.Tensor:
        if len(inputs) > room:
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
        seen.append(len(inputs))
        return real(inputs, start, stop)

    network.run = run  # type: ignore[method-assign]
    answered = logits_from(network, x, 0, torch.device("cpu"))
    assert max(seen) == largest and sum(seen) == len(x)
    with torch.inference_mode():
        whole = real(x.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(answered, expected, atol=1e-5) and torch.allclose(answered, whole, atol=1e-5)


def test_answers_for_which_not_even_one_image_has_room_end_in_the_failure() -> None:
    network = tiny_network(3)

    def run(inputs: torch.Tensor, start: int = 0, stop: int | None = None) -> torch.Tensor:
        raise RuntimeError("CUDA out of memory")

    network.run = run  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="out of memory"):
        logits_from(network, torch.zeros(5, 3, 24, 24), 0, torch.device("cpu"))
