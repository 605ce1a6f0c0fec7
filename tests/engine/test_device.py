from __future__ import annotations

import pytest
import torch

from tlgui.engine import device


def test_a_card_that_fails_at_its_first_kernel_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """P08."""
    monkeypatch.delenv("TLGUI_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    tried: list[str] = []

    def no_kernel(*size: int, device: torch.device) -> torch.Tensor:
        tried.append(device.type)
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

    monkeypatch.setattr(device.torch, "ones", no_kernel)
    assert device.find_device() == torch.device("cpu") and tried == ["cuda", "mps"]


def test_a_card_that_computes_nonsense_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TLGUI_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    # No kernel error, but 0 where 512 is right.
    monkeypatch.setattr(device.torch, "ones", lambda rows, columns, device: torch.zeros(rows, columns))
    assert device.find_device() == torch.device("cpu")


def test_the_device_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLGUI_DEVICE", "meta")
    assert device.find_device() == torch.device("meta")


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
