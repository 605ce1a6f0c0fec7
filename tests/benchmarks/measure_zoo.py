"""Walks the backbone table: builds each network, trains two steps, exports in each format, compares, measures.

python tests/benchmarks/measure_zoo.py facts [NAME...]             numbers for a new row of the table, without computing
python tests/benchmarks/measure_zoo.py speed [NAME...]             one pass relative to EfficientNet-Lite0's
python tests/benchmarks/measure_zoo.py check [NAME...] [--out F]   everything else; one JSON line a row; rows that stand in
                                                                   F are not done again, so it can be broken off
python tests/benchmarks/measure_zoo.py table --out F               those lines as a table

Random weights where the backbone's own did not come along, made meaningful as `tests/helpers/zoo.py` says; "noticed" says
that an export of the network with one doubled weight would not have passed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from helpers.zoo import make_meaningful, quick_start

from tlgui.core import commands, events, run_folder
from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE, Backbone
from tlgui.core.heads import LINEAR, Head
from tlgui.core.records import ImageRecord, PixelRule
from tlgui.core.run_spec import RunSpec
from tlgui.engine import trained_model, weights
from tlgui.engine.backbones import build
from tlgui.engine.export.parity import LOGIT_TOLERANCE
from tlgui.engine.jobs.export import export
from tlgui.engine.network import Network
from tlgui.engine.network_facts import facts_of
from tlgui.engine.param_groups import LayerOptimizer
from tlgui.engine.preprocess import to_input
from tlgui.engine.trained_model import Card, TrainedModel
from tlgui.engine.trunk import Trunk, compile_trunk

CLASSES = ["round", "square", "striped"]
IMAGES = 16
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["facts", "speed", "check", "table"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BACKBONES))
    parser.add_argument("--out", type=Path, help="a file of JSON lines, added to")
    parser.add_argument("--size", type=int, help="side of the input in pixels, where it is not the row's own")
    parser.add_argument("--hidden", action="store_true", help="a head with a hidden layer")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = [BACKBONES[name] for name in options.names or BACKBONES]
    done = {}
    if options.out and options.out.is_file():
        done = {line["name"]: line for line in map(json.loads, options.out.read_text().splitlines())}
    match options.what:
        case "facts":
            for row in rows:
                say(facts(row, options.size))
        case "speed":
            speed(rows, options.size)
        case "table":
            say(table(done))
        case "check":
            for row in rows:
                if row.name not in done:
                    line = json.dumps(check(row, options.size, Head(kind="hidden") if options.hidden else LINEAR))
                    say(line)
                    if options.out:
                        with options.out.open("a") as stream:
                            stream.write(line + "\n")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def facts(row: Backbone, size: int | None) -> str:
    """What the row must say, counted on the meta device."""
    with torch.device("meta"):
        network = build(row, 2, None, size=size)
        found = facts_of(network)
    below = sum(found.group_parameters)
    return f"{row.name}: parameters below the head {below:_}, features {network.head_linear.in_features}, {found}"


def speed(rows: list[Backbone], size: int | None) -> None:
    """One pass by ONNX Runtime in float32 on one thread, in turn with the default backbone's: the fastest of some rounds."""
    with tempfile.TemporaryDirectory() as folder, quick_start():
        reference = timed(BACKBONES[DEFAULT_BACKBONE], None, Path(folder))
        for row in rows:
            pass_of = timed(row, size, Path(folder))
            pairs = [(pass_of(), reference()) for _ in range(ROUNDS)]
            own, first = (min(times) for times in zip(*pairs, strict=True))
            say(f"{row.name}: {own:.3f} s an image, {own / first:.2f} times {DEFAULT_BACKBONE}'s {first:.4f} s")


def timed(row: Backbone, size: int | None, folder: Path) -> Any:
    """A function that runs the network below its head and returns seconds per image."""
    network = build(row, 2, None, size=size)
    cut, path = network.head_index, folder / f"{row.name}.onnx"
    compile_trunk(network, cut, path)
    trunk = Trunk(network, torch.device("cpu"), path, cut, threads=1)
    images = torch.rand(8, 3, network.preprocessing.size, network.preprocessing.size)
    trunk(images, cut)

    def one() -> float:
        # Processor time of the one thread: what else runs on the computer counts less.
        started = time.process_time()
        trunk(images, cut)
        return (time.process_time() - started) / len(images)

    return one


def check(row: Backbone, size: int | None, head: Head) -> dict[str, Any]:
    """Builds, trains two steps, exports in each format and compares: one line of results."""
    started = time.perf_counter()
    found: dict[str, Any] = {"name": row.name, "head": head.kind, "threads": torch.get_num_threads()}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        records = [write_image(place / "data", i) for i in range(IMAGES)]
        with quick_start():
            state = weights.pretrained(row) if row.embedded else None
            network = build(row, len(CLASSES), state, size=size, head=head)
        card = Card(
            backbone=row.name, classes=CLASSES, fit="crop", size=size, head=head, pixel_rule=PixelRule(), epoch=1
        )
        model = TrainedModel(network, card)
        images = torch.stack(
            [to_input(model.read(place / "data" / each.path), network.preprocessing) for each in records]
        )
        make_meaningful(network, images, head_alone=row.embedded)
        found |= {"size": network.preprocessing.size, "built_s": seconds(started)}
        found |= two_steps(network, images[:4])
        found |= compiled(network, images[:3], place)
        run = run_folder.create(place / "run", RunSpec(backbone=row.name, size=size))
        run.write_manifest(records, {record.path: "validation" for record in records}, [])
        trained_model.save(network.model.state_dict(), card, run.best_path)
        for format_ in ("onnx", "weights"):
            found |= exported(run, place, format_)
        found["noticed"] = doubled(network, images[:4]) > 10 * LOGIT_TOLERANCE
    found["all_s"] = seconds(started)
    return found


def two_steps(network: Network, images: torch.Tensor) -> dict[str, Any]:
    """Two optimizer steps on every layer, and one with the lower half frozen, which must stay bit for bit."""
    started = time.perf_counter()
    labels = torch.arange(len(images)) % len(CLASSES)
    losses = []
    for first in (0, 0, len(network) // 2):
        below = network.hash(first)
        network.set_trainable(first)
        network.training_mode(first, keep_statistics=True)
        optimizer = LayerOptimizer(network, dict.fromkeys(range(first, len(network)), 1e-5), 0.01)
        loss = torch.nn.functional.cross_entropy(network.run(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.torch.step()
        losses.append(loss.item())
        if network.hash(first) != below:
            raise AssertionError("a frozen layer changed")
    network.evaluation_mode()
    return {"steps_s": seconds(started), "losses": [round(loss, 4) for loss in losses]}


def compiled(network: Network, images: torch.Tensor, place: Path) -> dict[str, Any]:
    """The frozen part as a training runs it on a processor: does it give torch's numbers at each border?"""
    started = time.perf_counter()
    cut, path = network.head_index, place / "trunk.onnx"
    compile_trunk(network, cut, path)
    trunk = Trunk(network, torch.device("cpu"), path, cut, threads=torch.get_num_threads())
    agrees = all(trunk.agrees(images, border) for border in network.borders[1:])
    return {"trunk_agrees": agrees, "trunk_s": seconds(started)}


def exported(run: run_folder.RunFolder, place: Path, format_: Any) -> dict[str, Any]:
    """One export with its proof."""
    started = time.perf_counter()
    to = place / format_
    to.mkdir()
    job = commands.Export(run=str(run.path), data=str(place / "data"), format=format_, to=str(to))
    (event,) = [event for event in export(job) if isinstance(event, events.Exported)]
    size = sum(path.stat().st_size for path in Path(event.folder).iterdir())
    record = event.parity
    return {
        f"{format_}_passed": record["passed"],
        f"{format_}_labels": f"{record['labels_equal']} of {record['images']}",
        f"{format_}_probability": record["max_probability_difference"],
        f"{format_}_mb": round(size / 1e6, 1),
        f"{format_}_s": seconds(started),
    }


def doubled(network: Network, images: torch.Tensor) -> float:
    """How far the logits move when one weight tensor in the middle is doubled."""
    middle = next(parameter for parameter in network.parameters(network.head_index // 2) if parameter.ndim > 1)
    with torch.inference_mode():
        before = network.run(images)
        middle *= 2
        after = network.run(images)
        middle /= 2
    return float((after - before).abs().max())


def write_image(data: Path, i: int) -> ImageRecord:
    """Blobs of colour in several sizes."""
    rng = np.random.default_rng(i)
    width, height = (int(side) for side in rng.integers(200, 700, 2))
    small = Image.fromarray(rng.integers(0, 256, (4 + i % 5, 6, 3), dtype=np.uint8))
    path = data / CLASSES[i % len(CLASSES)] / f"{i}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    small.resize((width, height), Image.Resampling.BICUBIC).save(path)
    return ImageRecord(
        path=path.relative_to(data).as_posix(),
        class_name=path.parent.name,
        content_hash=weights.sha256_of(path),
        width=width,
        height=height,
    )


def table(done: dict[str, dict[str, Any]]) -> str:
    """The lines for people."""
    rows = [
        "| backbone | input | 3 steps, s | trunk compiled, s | ONNX: MB, s, largest difference | weights: the same |"
    ]
    rows.append("|---|---|---|---|---|---|")
    for name, line in done.items():
        cells = [
            f"{line[f'{kind}_mb']:.0f}, {line[f'{kind}_s']:.0f}, {line[f'{kind}_probability']:.0e}"
            for kind in ("onnx", "weights")
        ]
        fine = all(line[key] for key in ("onnx_passed", "weights_passed", "noticed", "trunk_agrees"))
        mark = "" if fine else " (FAILED)"
        rows.append(
            f"| {name}{mark} | {line['size']} | {line['steps_s']:.0f} | {line['trunk_s']:.0f} | {' | '.join(cells)} |"
        )
    return "\n".join(rows)


def seconds(started: float) -> float:
    return round(time.perf_counter() - started, 1)


if __name__ == "__main__":
    main()
