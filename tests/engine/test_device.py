from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tiny import RECIPE

from tlgui.core.errors import UserError
from tlgui.engine import device, free_memory


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of card is there; whether it computes is played by `torch.ones`."""
    monkeypatch.delenv("TLGUI_DEVICE", raising=False)
    for family in (torch.cuda, torch.backends.mps, torch.xpu):
        monkeypatch.setattr(family, "is_available", lambda: True)
    free_is(monkeypatch, 8 << 30)


def playing(monkeypatch: pytest.MonkeyPatch, answer: Callable[[torch.device], torch.Tensor | None]) -> list[str]:
    """`torch.ones` on a card is what `answer` gives, or the right one on the processor."""
    tried: list[str] = []
    inner = torch.ones

    def ones(*size: int, device: torch.device, **options: Any) -> torch.Tensor:
        if device.type not in tried:
            tried.append(device.type)
        played = answer(device)
        return inner(*size, **options) if played is None else played.expand(*size).clone().requires_grad_(bool(options))

    monkeypatch.setattr(device.torch, "ones", ones)
    return tried


def free_is(monkeypatch: pytest.MonkeyPatch, found: int | Exception) -> None:
    """So much memory every card says is free, or that it cannot say."""

    def free(_: torch.device) -> int:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(free_memory, "device_available_bytes", free)


def test_a_card_that_fails_at_its_first_kernel_is_not_used_and_it_is_said(
    cards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P08."""

    def no_kernel(_: torch.device) -> None:
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

    tried = playing(monkeypatch, no_kernel)
    found = device.look_for_device()
    assert found.device == torch.device("cpu") and tried == ["cuda", "mps", "xpu"]
    assert found.why.startswith(
        "the graphics card is not used: this version of torch cannot compute on it; another driver"
    )
    assert "the Apple GPU is not used" in found.why and "the Intel GPU is not used" in found.why
    assert device.find_device() == torch.device("cpu")


def test_a_card_that_computes_nonsense_is_not_used(cards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel error, but 0 where 512 is right."""
    playing(monkeypatch, lambda d: torch.zeros(1))
    assert device.look_for_device().why.startswith("the graphics card is not used: it computes wrong numbers; ")


def test_a_card_whose_memory_is_taken_is_not_used(cards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: torch.device) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    playing(monkeypatch, full)
    assert "its memory is taken by other programs" in device.look_for_device().why


@pytest.mark.parametrize(
    ("said", "free"),
    [
        # A real card whose memory was taken by another process answered like this: the driver could not even begin.
        (
            "CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'",
            RuntimeError("CUDA error: out of memory"),
        ),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", 0),
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", 100 << 20),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", RuntimeError("CUDA error: out of memory")),
    ],
)
def test_want_of_memory_on_a_card_is_told_by_all_its_names(
    cards: None, monkeypatch: pytest.MonkeyPatch, said: str, free: int | Exception
) -> None:
    def full(one: torch.device) -> None:
        raise RuntimeError(said)

    playing(monkeypatch, full)
    free_is(monkeypatch, free)
    why = device.look_for_device().why
    assert why.startswith("the graphics card is not used: its memory is taken by other programs; ")


def test_a_card_that_computes_but_has_hardly_any_memory_left_is_not_used(
    cards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing(monkeypatch, lambda one: None)
    free_is(monkeypatch, (512 << 20) - 1)
    assert device.look_for_device().device == torch.device("mps")  # shares the computer's memory
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    taken = "is not used: its memory is taken by other programs"
    assert device.look_for_device().why == f"the graphics card {taken}; the Intel GPU {taken}"
    free_is(monkeypatch, 512 << 20)
    assert device.look_for_device() == device.Found(torch.device("cuda", 0))


def test_a_card_that_cannot_say_how_much_is_free_is_used(cards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    playing(monkeypatch, lambda one: None)
    free_is(monkeypatch, RuntimeError("not supported"))
    assert device.look_for_device() == device.Found(torch.device("cuda", 0))


def test_what_torch_holds_of_a_card_without_need_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a second job of the same engine would find its own card taken."""
    for family in (torch.cuda, torch.xpu):
        monkeypatch.setattr(family, "mem_get_info", lambda _: (100, 1000))
        monkeypatch.setattr(family, "memory_reserved", lambda _: 700)
        monkeypatch.setattr(family, "memory_allocated", lambda _: 200)
    for kind in ("cuda", "xpu"):
        assert free_memory.device_available_bytes(torch.device(kind, 0)) == 600


def test_the_next_card_is_used_where_the_first_fails(cards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_intel(one: torch.device) -> None:
        if one.type != "xpu":
            raise RuntimeError("no kernel")

    playing(monkeypatch, only_intel)
    found = device.look_for_device()
    assert found.device == torch.device("xpu", 0) and not found.why


def test_the_first_card_that_computes_is_used(cards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = playing(monkeypatch, lambda d: None)
    assert device.look_for_device() == device.Found(torch.device("cuda", 0)) and tried == ["cuda"]


def test_the_device_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLGUI_DEVICE", "cpu")
    assert device.find_device() == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("meta", "TLGUI_DEVICE names 'meta', which cannot be used: there is none here that torch can use."),
        ("gpu", "TLGUI_DEVICE names 'gpu', which is no device."),
        ("mps", "TLGUI_DEVICE names 'mps', which cannot be used: there is none here that torch can use."),
    ],
)
def test_a_device_that_cannot_be_used_is_refused_with_a_sentence(
    name: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLGUI_DEVICE", name)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UserError) as caught:
        device.find_device()
    assert caught.value.problem == says
    assert caught.value.remedy == "Remove that variable, or name another device in it, such as TLGUI_DEVICE=cpu."


def test_a_named_card_is_tried_too(cards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLGUI_DEVICE", "cuda:1")
    playing(monkeypatch, lambda d: torch.zeros(1))
    with pytest.raises(UserError, match="'cuda:1', which cannot be used: it computes wrong numbers"):
        device.find_device()


def test_n09_what_can_be_repeatable_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a card: no shortened products, one order of sums where there is one; a processor needs nothing."""
    asked: list[tuple[bool, bool]] = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda on, warn_only: asked.append((on, warn_only)))
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    device.be_repeatable()
    assert asked == [] and not torch.backends.cudnn.allow_tf32 and torch.backends.cudnn.deterministic
    assert device.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    device.be_repeatable()
    assert asked == [(True, True)] and not torch.utils.deterministic.fill_uninitialized_memory


@pytest.mark.parametrize(("cores", "threads", "nice"), [(1, 1, True), (2, 2, True), (3, 2, False), (16, 15, False)])
def test_the_computer_stays_usable(cores: int, threads: int, nice: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: list[int] = []
    set_to: list[int] = []
    monkeypatch.setattr(device, "physical_cores", lambda: cores)
    monkeypatch.setattr(device.os, "nice", lowered.append)
    monkeypatch.setattr(device.platform, "system", lambda: "Linux")
    monkeypatch.setattr(device.torch, "set_num_threads", set_to.append)
    assert device.be_considerate() == threads
    assert set_to == [threads] and bool(lowered) == nice
    # Beside a training one thread, and more considerate than the training itself.
    assert device.be_considerate(beside_training=True) == 1
    assert set_to[-1] == 1 and lowered[-1] == 15


def test_it_says_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "physical_cores", lambda: 1)
    assert device.describe(torch.device("cpu")) == "CPU, 1 core"
    monkeypatch.setattr(device, "physical_cores", lambda: 8)
    assert device.describe(torch.device("cpu")) == "CPU, 8 cores"
    monkeypatch.undo()
    assert device.physical_cores() >= 1


def test_p14_decoders_and_the_processors_threads_are_no_more_than_its_cores() -> None:
    """They take turns: images are decoded before they are computed; and there are no other workers."""
    import threading

    from tlgui.core.augmentations import in_use
    from tlgui.core.records import PixelRule
    from tlgui.engine.samples import Reader

    before = threading.active_count()
    threads = device.physical_cores()
    reader = Reader(Path(), RECIPE, PixelRule(), in_use("off", None), threads)
    list(reader._pool.map(lambda number: number, range(50)))
    assert threading.active_count() - before <= threads <= (os.cpu_count() or 1)
    reader.close()
    assert threading.active_count() == before
