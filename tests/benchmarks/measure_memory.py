"""Whether the memory that a training step needs is foreseen rightly: what is worked out beside how the process really grows.

    python tests/benchmarks/measure_memory.py [BACKBONE...] [--batch N]

Each row is measured in a process of its own, with random weights: the arithmetic is the same. "kept" is what two images
were measured to keep, times the batch; "update" is for gradients; "grew" is by how much the largest
resident size rose above that after a step of two images. The last column must stay below the safety factor of
`engine.kept_memory`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys

_CODE = "from measure_memory import one; one()"


def one() -> None:
    """Measures one case, given as arguments, and prints it as JSON."""
    import psutil
    import torch
    from torch.nn.functional import cross_entropy

    from tlgui.core.backbones import backbone
    from tlgui.engine.backbones import build
    from tlgui.engine.kept_memory import kept_per_image, update_bytes
    from tlgui.engine.param_groups import LayerOptimizer
    from tlgui.engine.precision import Mixed
    from tlgui.engine.validation import placed

    name, depth, batch, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    device = torch.device("cpu")
    network = build(backbone(name), 5, None)
    first = max(0, network.head_index - depth)
    cut, size = network.cut_below(first), network.preprocessing.size
    network.set_trainable(first)
    with torch.inference_mode():
        inputs = torch.cat([network.run(torch.randn(1, 3, size, size), 0, cut) for _ in range(batch)])
    inputs = inputs.clone()
    mixed = Mixed(kind, device)  # type: ignore[arg-type]
    each = kept_per_image(network, first, cut, inputs, mixed)
    optimizer = LayerOptimizer(network, dict.fromkeys(range(first, len(network)), 1e-4), 0.01).torch
    network.training_mode(first, keep_statistics=False)

    def step(n: int) -> None:
        with mixed.autocast():
            logits = network.run(placed(inputs[:n], device), cut)
        mixed.backward(cross_entropy(logits.float(), torch.zeros(n, dtype=torch.int64)))
        mixed.step(optimizer, [])

    step(2)  # libraries are mapped in, and the optimizer's numbers are made
    before = psutil.Process().memory_info().rss
    step(batch)
    step(batch)
    grew = max(0, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before)
    update = update_bytes(network, first, optimizer)
    sys.stdout.write(json.dumps({"kept": each * batch, "update": update, "grew": grew}))


def main() -> None:
    """Prints one line for each backbone and depth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbones", nargs="*", default=["efficientnet-lite0", "resnet18", "resnet50", "vit-b16"])
    parser.add_argument("--batch", type=int, default=16)
    asked = parser.parse_args()
    sys.stdout.write(
        f"{'backbone':20} {'groups':>6} {'format':>8} {'kept MB':>8} {'update':>7} {'grew':>7} {'(grew - update) / kept':>23}\n"
    )
    for name in asked.backbones:
        for depth, kind in ((99, "float32"), (1, "float32"), (99, "bf16")):
            command = [sys.executable, "-c", _CODE, name, str(depth), str(asked.batch), kind]
            done = subprocess.run(command, capture_output=True, text=True, cwd=__file__.rpartition("/")[0], check=False)
            if done.returncode:
                sys.stdout.write(f"{name:20} {depth:>6} {kind:>8} failed: {done.stderr.strip().splitlines()[-1]}\n")
                continue
            found = json.loads(done.stdout)
            kept, update, grew = (found[key] / 1e6 for key in ("kept", "update", "grew"))
            where = "all" if depth > 50 else f"top {depth}"
            figures = f"{kept:8.0f} {update:7.0f} {grew:7.0f} {(grew - update) / kept:23.2f}"
            sys.stdout.write(f"{name:20} {where:>6} {kind:>8} {figures}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
