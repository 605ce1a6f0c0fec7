"""The term of the training loss that makes a network see images of a new site as it sees the known ones."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from tlgui.core.adaptation import adaptation, ramp
from tlgui.core.run_spec import Training
from tlgui.engine import seeding
from tlgui.engine.adaptation import features
from tlgui.engine.adaptation.losses import Discriminator, class_confusion, domain_loss
from tlgui.engine.adaptation.mmd import mmd_squared
from tlgui.engine.adaptation.norms import SiteNorms
from tlgui.engine.network import Network

# With .9 and weight decay the judge was beaten for good in a third of the digits' training (MNIST to MNIST-M, two seeds: at
# chance from there on, so that no gradient came from it any more, 83 and 72 % right at the new site). Two who learn against
# each other need a short memory: Radford et al. 2016, arXiv 1511.06434.
_BETAS = (0.5, 0.999)
_MODEL, _OPTIMIZER, _NORMS = "judge|", "judge optimizer|", "norms|"


class Term:
    """What is added to the loss of a run that adapts, and the judge that it may need.

    Args:
        training: of the run.
        network: on its device; see `adaptation.features` for what of it is adapted.
        device: of both.

    Attributes:
        weight: of the term; a command may change it.
        norms: statistics of the new site, beside those of the known one.
        loss_sum, right_sum, steps: of the epoch that runs: unweighted losses, and shares of the judge that are right.
    """

    def __init__(self, training: Training, network: Network, device: torch.device) -> None:
        self.kind = adaptation(training.adapt).name
        self.weight = training.adapt_weight
        self.norms = SiteNorms(network)
        self.loss_sum, self.right_sum, self.steps = 0.0, 0.0, 0
        self._before: tuple[float, float, int] | None = None
        self._judge: Discriminator | None = None
        if self.kind == "adversarial":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seeding.derive(training.seed, "judge"))
                self._judge = Discriminator(features.count(network))
            self._judge.to(device)
            self._optimizer = torch.optim.AdamW(self._judge.parameters(), betas=_BETAS, weight_decay=0.0)

    def add(self, source: Tensor, target: Tensor, logits: Tensor, progress: float) -> Tensor:
        """The weighted term for one batch.

        Args:
            source: (n, D) features of the known site.
            target: (m, D) of the new site; with none of them it is 0.
            logits: (m, classes) of the new site.
            progress: of the run, 0..1.
        """
        if not len(target):
            return source.sum() * 0
        factor = self.weight * ramp(progress)
        source, target = source.float(), target.float()
        self.steps += 1
        if self._judge is not None:
            # The judge learns with weight 1; what the features feel is weighted on its way back.
            loss, right = domain_loss(self._judge.train(), source, target, factor)
            self.loss_sum += loss.item()
            self.right_sum += right
            return loss
        loss = mmd_squared(source, target) if self.kind == "mmd" else class_confusion(logits.float())
        self.loss_sum += loss.item()
        return factor * loss

    def begin_step(self) -> None:
        """Forgets the judge's gradients, and what a try of the same step that did not fit into memory had counted."""
        if self._before is not None:
            self.loss_sum, self.right_sum, self.steps = self._before
        self._before = self.loss_sum, self.right_sum, self.steps
        if self._judge is not None:
            self._optimizer.zero_grad(set_to_none=True)

    def step(self, rate: float, scale: float = 1.0) -> None:
        """Lets the judge learn from its gradients.

        Args:
            rate: its learning rate: that of the head.
            scale: by which the gradients were multiplied; a step whose gradients are not finite is left out.
        """
        self._before = None
        if self._judge is None:
            return
        gradients = [one.grad for one in self._judge.parameters() if one.grad is not None]
        for gradient in gradients:
            gradient.div_(scale)
        if all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def epoch_ended(self) -> tuple[float | None, float | None]:
        """Mean loss of the epoch and the judge's share of right answers (.5 = it cannot tell); then counts anew."""
        n = self.steps
        loss = self.loss_sum / n if n else None
        right = self.right_sum / n if n and self._judge is not None else None
        self.loss_sum, self.right_sum, self.steps = 0.0, 0.0, 0
        return loss, right

    def tensors(self) -> dict[str, Tensor]:
        """Its state as named tensors, for a checkpoint."""
        sums = torch.tensor([self.weight, self.loss_sum, self.right_sum, float(self.steps)], dtype=torch.float64)
        found = {"sums": sums} | {f"{_NORMS}{name}": tensor for name, tensor in self.norms.tensors().items()}
        if self._judge is None:
            return found
        state = {f"{_MODEL}{name}": tensor.detach().cpu() for name, tensor in self._judge.state_dict().items()}
        for number, kept in self._optimizer.state_dict()["state"].items():
            state |= {f"{_OPTIMIZER}{number}|{key}": value.detach().cpu() for key, value in kept.items()}
        return found | state

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes that back."""
        if "sums" not in tensors:
            return
        self.weight, self.loss_sum, self.right_sum, steps = tensors["sums"].tolist()
        self.steps = int(steps)
        self.norms.load({name.removeprefix(_NORMS): one for name, one in tensors.items() if name.startswith(_NORMS)})
        if self._judge is None:
            return
        device = next(self._judge.parameters()).device
        named = {name.removeprefix(_MODEL): one for name, one in tensors.items() if name.startswith(_MODEL)}
        self._judge.load_state_dict(named)
        state: dict[int, dict[str, Tensor]] = {}
        for name, one in tensors.items():
            if name.startswith(_OPTIMIZER):
                number, key = name.removeprefix(_OPTIMIZER).split("|")
                # Copied: a tensor of the file keeps the file open, and Windows replaces no open file.
                state.setdefault(int(number), {})[key] = one.clone() if key == "step" else one.to(device, copy=True)
        whole = self._optimizer.state_dict()
        self._optimizer.load_state_dict({**whole, "state": state})
