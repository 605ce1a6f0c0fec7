"""Shorter floats are taken where they are really faster; what is clipped and kept are the real gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import finish, tiny_network, tiny_setup, until, without_times
from torch.nn.functional import cross_entropy

from tlgui.core import events, machine_facts
from tlgui.engine import free_memory, precision_probe
from tlgui.engine.kept_memory import SAFETY, kept_per_image, update_bytes
from tlgui.engine.precision import Kind, Mixed, possible
from tlgui.engine.precision_probe import precision_here, probe

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("precision") / "d", {"a": 20, "b": 20}, size=24)


@pytest.mark.parametrize("kind", ["float32", "fp16"])
@pytest.mark.parametrize("clip", [0.0, 0.5, 1e9])
def test_clipping_acts_on_the_real_gradients(kind: Kind, clip: float) -> None:
    """With a scaler they are 65,536 times as large; a plain step with hand-clipped gradients is the reference."""
    torch.manual_seed(0)
    x, y = torch.randn(8, 5), torch.randn(8, 3)
    start = torch.randn(3, 5)

    def loss_of(weight: torch.Tensor) -> torch.Tensor:
        return (x @ weight.T - y).square().mean()

    reference = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss_of(reference), reference)
    norm = gradient.norm().item()
    assert norm > 0.5
    factor = min(1.0, clip / norm) if clip else 1.0
    expected = start - 0.1 * factor * gradient

    weight = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.SGD([weight], lr=0.1)
    mixed = Mixed(kind, CPU, clip)
    mixed.backward(loss_of(weight))
    mixed.step(optimizer, [weight])
    torch.testing.assert_close(weight.detach(), expected, rtol=1e-4, atol=1e-5)
    assert weight.grad is None


def test_a_step_without_numbers_is_skipped_and_the_scale_lowered() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    mixed = Mixed("fp16", CPU, 1.0)
    before = mixed.state()["scale"]
    mixed.backward((weight * float("inf")).sum())
    mixed.step(optimizer, [weight])
    assert torch.equal(weight.detach(), torch.ones(2)) and mixed.state()["scale"] == before / 2


def test_the_scalers_state_comes_back() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    one = Mixed("fp16", CPU)
    for _ in range(3):
        one.backward(weight.square().sum())
        one.step(optimizer, [weight])
    other = Mixed("fp16", CPU)
    other.load(one.state())
    assert other.state() == one.state() and other.state()["_growth_tracker"] == 3
    assert Mixed("float32", CPU).state() == {}
    Mixed("float32", CPU).load({"scale": 3.0})  # a run that goes on where there is no scaler


def test_the_format_is_used_below_the_head_alone() -> None:
    mixed = Mixed("bf16", CPU)
    x = torch.randn(4, 4)
    with mixed.autocast():
        assert (x @ x).dtype == torch.bfloat16
    with mixed.autocast(deep=False):
        assert (x @ x).dtype == torch.float32
    with Mixed("float32", CPU).autocast():
        assert (x @ x).dtype == torch.float32


def test_what_a_device_can_do() -> None:
    kinds: tuple[Kind, ...] = ("float32", "bf16", "fp16")
    assert [possible(kind, CPU) for kind in kinds] == [True, True, False]
    assert [possible(kind, torch.device("mps")) for kind in kinds] == [True, False, False]
    assert possible("fp16", torch.device("cuda"))


# -- the probe -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ({"float32": 1.0, "bf16": 0.5}, "bf16"),
        ({"float32": 1.15, "bf16": 1.0}, "bf16"),
        ({"float32": 1.14, "bf16": 1.0}, "float32"),
        ({"float32": 1.0, "bf16": 3.0}, "float32"),
        ({"float32": 1.0, "bf16": float("inf")}, "float32"),
        ({"float32": 1.0, "bf16": 0.8, "fp16": 0.7}, "fp16"),
    ],
)
def test_a_shorter_format_must_be_really_faster(
    seconds: dict[Kind, float], found: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision_probe, "_seconds", lambda n, f, d, kind, r: seconds[kind])
    candidates = [kind for kind in seconds if kind != "float32"]
    assert probe(tiny_network(2), 0, CPU, candidates) == found


def test_a_format_that_the_device_refuses_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(network: Any, first: int, device: torch.device, kind: Kind, reference: float | None) -> float:
        if kind == "bf16":
            raise RuntimeError("not implemented for 'BFloat16'")
        return 1.0

    monkeypatch.setattr(precision_probe, "_seconds", seconds)
    assert probe(tiny_network(2), 0, CPU, ["bf16"]) == "float32"


@pytest.mark.parametrize(("room", "tried"), [(100.0, 8), (3.0, 3), (0.9, 0)])
def test_the_probe_takes_no_more_images_than_there_is_memory_for(
    room: float, tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor's system ends a program that takes more, and a large network keeps a gigabyte for an image."""
    network, seen = tiny_network(2), set[int]()
    each = SAFETY * kept_per_image(network, 0, 0, torch.randn(2, 3, 24, 24))
    free = update_bytes(network, 0) + int(each * room) + 1
    monkeypatch.setattr(free_memory, "available_bytes", lambda: free)
    monkeypatch.setattr(precision_probe, "cross_entropy", lambda x, y: seen.add(len(y)) or cross_entropy(x, y))
    assert probe(network, 0, CPU, ["bf16"]) in (("float32", "bf16") if tried else ("float32",))
    assert seen == ({tried} if tried else set())


def test_the_probe_really_trains_and_changes_nothing() -> None:
    network = tiny_network(2)
    network.set_trainable(3)
    before = {name: tensor.clone() for name, tensor in network.model.state_dict().items()}
    for kind in ("float32", "bf16"):
        assert 0 < precision_probe._seconds(network, 1, CPU, kind, None) < 60
    state = torch.get_rng_state()
    assert probe(network, 0, CPU, ["bf16"]) in ("float32", "bf16")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.model.state_dict().items())
    assert [p.requires_grad for p in network.parameters(0)] == [False] * 4
    assert torch.equal(torch.get_rng_state(), state)


def test_it_is_found_out_once_for_each_cut_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def probed(network: Any, first: int, device: torch.device, candidates: list[Kind]) -> Kind:
        asked.append(first)
        assert candidates == ["bf16"]
        return "bf16"

    monkeypatch.setattr(precision_probe, "probe", probed)
    network = tiny_network(2)
    assert [precision_here(network, first, CPU) for first in (0, 0, 1, 3)] == ["bf16", "bf16", "bf16", "float32"]
    assert asked == [0, 1]  # the head alone gains nothing
    machine_facts.note_precision(f"tiny|0|24|cpu|torch {torch.__version__}", "float32")
    assert precision_here(network, 0, CPU) == "float32" and asked == [0, 1]


# -- in a run ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bf16", "fp16"])
def test_validation_is_always_in_float32(
    kind: Kind, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the weights that are kept are."""
    seen: list[tuple[bool, torch.dtype]] = []
    setup = tiny_setup(data, tmp_path / "run", strategy="full-fine-tuning", epochs=1, warm_start=False)
    setup.precision = kind
    inner = setup.network.run

    def recorded(x: torch.Tensor, start: int = 0, stop: int | None = None) -> torch.Tensor:
        y = inner(x, start, stop)
        if stop is None:
            seen.append((torch.is_inference_mode_enabled(), y.dtype))
        return y

    monkeypatch.setattr(setup.network, "run", recorded)
    finish(setup)
    short = {"bf16": torch.bfloat16, "fp16": torch.float16}[kind]
    assert {dtype for inference, dtype in seen if inference} == {torch.float32}
    assert {dtype for inference, dtype in seen if not inference} == {short}
    assert {tensor.dtype for tensor in setup.network.model.state_dict().values()} == {torch.float32, torch.int64}


def test_a_scalers_state_survives_a_resume(data: Path, tmp_path: Path) -> None:
    """The continued run says what the uninterrupted one says; its scale had been lowered and its growth counted."""
    options: dict[str, Any] = {"strategy": "full-fine-tuning", "epochs": 3, "warm_start": False, "clip_norm": 1.0}

    def setup(name: str) -> Any:
        made = tiny_setup(data, tmp_path / name, **options)
        made.precision = "fp16"
        return made

    whole, _ = finish(setup("whole"))
    until(setup("broken"), lambda event: isinstance(event, events.EpochEnded) and event.epoch == 1)
    again = setup("broken")
    again.resume = True
    scale = again.checkpoints.place().scale
    assert scale["scale"] > 0 and scale["_growth_tracker"] > 0
    rest, _ = finish(again)

    def epochs(said: list[events.Event]) -> list[dict[str, Any]]:
        return without_times([event for event in said if isinstance(event, events.EpochEnded)])

    assert epochs(rest)[-2:] == epochs(whole)[-2:]
