"""The number format of the trained part: shorter floats where they are really faster, with a scaler where they need one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

Kind = Literal["float32", "bf16", "fp16"]
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Mixed:
    """Forward in `kind`, gradients scaled where needed, clipping on the real ones.

    Weights, gradients and the optimizer stay in float32, as does everything that is validated, kept or exported.

    Args:
        kind: as found out by a probe, or as the run's machine noted it.
        device: of the network.
        clip_norm: largest norm of all gradients together; 0 = not clipped.
    """

    def __init__(self, kind: Kind, device: torch.device, clip_norm: float = 0.0) -> None:
        self.kind = kind
        self._device = device
        self._clip_norm = clip_norm
        self.scaler = torch.amp.GradScaler(device.type, enabled=kind == "fp16")

    def autocast(self, deep: bool = True) -> contextlib.AbstractContextManager[object]:
        """The forward pass runs inside it.

        Args:
            deep: whether layers below the head train; for the head alone nothing is won by a shorter format.
        """
        if self.kind == "float32" or not deep:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=_TYPES[self.kind])

    def backward(self, loss: Tensor) -> None:
        """Adds the loss's gradients."""
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def step(self, optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter]) -> None:
        """One update; gradients that are not finite in fp16 skip it, and the scale is lowered."""
        self.scaler.unscale_(optimizer)
        if self._clip_norm:
            torch.nn.utils.clip_grad_norm_(list(parameters), self._clip_norm)
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps of the scaler."""
        return {name: float(value) for name, value in self.scaler.state_dict().items()}

    def load(self, state: dict[str, float]) -> None:
        """Takes that back."""
        if state and self.scaler.is_enabled():
            whole = ("growth_interval", "_growth_tracker")
            self.scaler.load_state_dict({name: int(v) if name in whole else v for name, v in state.items()})


def possible(kind: Kind, device: torch.device) -> bool:
    """Whether a device can compute in a format with hardware of its own, as far as it says."""
    match kind, device.type:
        case "float32", _:
            return True
        case "bf16", "cuda":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        case "bf16", _:
            return device.type in ("cpu", "xpu")
        case _:
            # fp16 needs a gradient scaler, which torch has for these cards alone.
            return device.type == "cuda"
