"""Exports of a real network on generated images: what is in the files, who can use them, and what is noticed."""

from __future__ import annotations

import ast
import getpass
import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors
import safetensors.torch
import torch
from helpers.zoo import make_meaningful, quick_start
from PIL import Image
from torch import nn

from tlgui.core import commands, events, run_folder
from tlgui.core.backbones import BACKBONES, backbone
from tlgui.core.errors import UserError
from tlgui.core.heads import LINEAR, Head
from tlgui.core.records import ImageRecord, PixelRule
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec
from tlgui.engine import trained_model
from tlgui.engine.backbones import build
from tlgui.engine.control import Control
from tlgui.engine.export import export_run, onnx_file, parity, script, weights_file
from tlgui.engine.export.description import FIELDS
from tlgui.engine.jobs.export import export
from tlgui.engine.preprocess import to_input
from tlgui.engine.small_cnn import TinyCNN
from tlgui.engine.trained_model import Card, TrainedModel
from tlgui.engine.weights import pretrained, sha256_of

CLASSES = ["<b>bold</b>", 'it\'s "quoted", & so', "Größe"]
RULE = PixelRule(low=100.0, high=40000.0, background=(255, 0, 128))
SECRET = "DOE^JANE"


@dataclass(frozen=True)
class Trained:
    """A run folder as training leaves it, its images, and the model in it."""

    run: RunFolder
    data: Path
    model: TrainedModel


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    place = tmp_path_factory.mktemp("export") / f"Bäume & {SECRET}"
    return make_run(place, "efficientnet-lite0", images=40)


@pytest.fixture(scope="module")
def to(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outgoing place")


@pytest.fixture(scope="module")
def as_onnx(trained: Trained, to: Path) -> events.Exported:
    return exported(trained, "onnx", to)


@pytest.fixture(scope="module")
def said_for_weights(trained: Trained, to: Path) -> list[events.Event]:
    # The number of a failed export is not used again.
    (to / f"{trained.run.name}-weights-1-failed").mkdir()
    return list(export(job(trained, "weights", to)))


@pytest.fixture(scope="module")
def as_weights(said_for_weights: list[events.Event]) -> events.Exported:
    event = said_for_weights[-2]
    assert isinstance(event, events.Exported)
    return event


def make_run(place: Path, name: str, images: int, size: int | None = None, head: Head = LINEAR) -> Trained:
    """A run whose network answers differently for different images, with all its images in validation."""
    data = place / f"{SECRET} 1931-02-03"
    records = [write_image(data, i) for i in range(images)]
    spec = RunSpec(backbone=name, pixel_rule=RULE, size=size)
    run = run_folder.create(place / "2026-11-25 14.03 a backbone", spec)
    run.write_manifest(records, {record.path: "validation" for record in records}, [])
    row = backbone(name)
    torch.manual_seed(0)
    network = build(row, len(CLASSES), pretrained(row) if row.embedded else None, size=size, head=head)
    card = Card(
        backbone=name, classes=CLASSES, fit="crop", size=size, head=head, pixel_rule=RULE, temperature=1.7, epoch=3
    )
    model = TrainedModel(network, card)
    paths = [data / record.path for record in records[:16]]
    seen = torch.stack([to_input(model.read(path), network.preprocessing) for path in paths])
    make_meaningful(network, seen, head_alone=row.embedded)
    trained_model.save(network.model.state_dict(), card, run.best_path)
    return Trained(run, data, trained_model.load(run))


def write_image(data: Path, i: int) -> ImageRecord:
    """Blobs of colour in many sizes and formats, so that each step of decoding and resizing matters."""
    rng = np.random.default_rng(i)
    height, width = int(rng.integers(60, 400)), int(rng.integers(60, 400))
    small = Image.fromarray(rng.integers(0, 256, (4 + i % 5, 6, 3), dtype=np.uint8))
    image = small.resize((width, height), Image.Resampling.BICUBIC)
    path = data / f"Ordner {i % 3} <b>" / f"{SECRET} Bild ü{i}"
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = i % 5
    if kind == 0:
        path = path.with_suffix(".jpg")
        exif = Image.Exif()
        exif[0x0112] = 1 + i % 8
        image.save(path, quality=90, exif=exif)
    elif kind == 1:
        path = path.with_suffix(".png")
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        image.save(path)
    elif kind == 2:
        path = path.with_suffix(".png")
        deep = np.asarray(image.convert("L")).astype(np.uint16) * 171
        Image.fromarray(deep).save(path)
    elif kind == 3:
        path = path.with_suffix(".bmp")
        image.quantize(32).save(path)
    else:
        path = path.with_suffix(".tif")
        image.convert("CMYK").save(path)
    return ImageRecord(
        path=path.relative_to(data).as_posix(),
        class_name=CLASSES[i % len(CLASSES)],
        content_hash=sha256_of(path),
        width=width,
        height=height,
    )


def exported(trained: Trained, format_: str, to: Path) -> events.Exported:
    *_, event, ending = export(job(trained, format_, to))
    assert isinstance(event, events.Exported)
    assert isinstance(ending, events.Completed)
    return event


def job(trained: Trained, format_: Any, to: Path) -> commands.Export:
    return commands.Export(run=str(trained.run.path), data=str(trained.data), format=format_, to=str(to))


def files_of(event: events.Exported) -> Path:
    return Path(event.folder)


def run_script(script_path: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-I", str(script_path), *arguments], cwd=cwd, env=env, capture_output=True, check=False
    )


def session_of(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def validation_images(trained: Trained, n: int) -> list[run_folder.ManifestRow]:
    return parity.choose(trained.run.manifest(), trained.data)[:n]


# ----- what comes out -----


@pytest.mark.slow
@pytest.mark.parametrize("which", ["as_onnx", "as_weights"])
def test_an_export_answers_like_the_program(which: str, trained: Trained, request: pytest.FixtureRequest) -> None:
    event: events.Exported = request.getfixturevalue(which)
    record = json.loads((files_of(event) / "parity.json").read_text("utf-8"))
    assert record == event.parity
    assert record["passed"] is True
    assert record["images"] == 40
    assert record["labels_equal"] + record["ties"] == 40
    assert record["max_probability_difference"] < 1e-4
    assert record["max_logit_difference"] < 1e-3
    assert record["model_hash"] == sha256_of(trained.run.best_path)
    rows = {row.path: row for row in trained.run.manifest()}
    assert rows[event.worst_image].content_hash == record["worst_image_sha256"]
    for name, facts in record["files"].items():
        data = (files_of(event) / name).read_bytes()
        assert facts == {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.slow
def test_the_folders_hold_the_promised_files_under_free_names(
    as_onnx: events.Exported, as_weights: events.Exported, to: Path
) -> None:
    assert files_of(as_onnx) == to / "2026-11-25 14.03 a backbone-onnx-1"
    assert files_of(as_weights) == to / "2026-11-25 14.03 a backbone-weights-2"
    assert sorted(as_onnx.files) == sorted(["model.onnx", "labels.json", "predict.py", "parity.json"])
    weights = ["model.safetensors", "model.pth", "labels.json", "predict.py", "parity.json"]
    assert sorted(as_weights.files) == sorted(weights)
    for event in (as_onnx, as_weights):
        assert sorted(path.name for path in files_of(event).iterdir()) == sorted(event.files)
    assert not [path for path in to.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_the_answers_of_the_model_are_not_vacuous(trained: Trained) -> None:
    images = [trained.model.read(trained.data / row.path) for row in validation_images(trained, 24)]
    labels = trained.model.logits(images).argmax(dim=1)
    assert len(labels.unique()) == len(CLASSES)


@pytest.mark.slow
def test_labels_from_files_on_disk_are_the_programs_wherever_the_script_is_started(
    trained: Trained, as_onnx: events.Exported, tmp_path: Path
) -> None:
    paths = [str(trained.data / row.path) for row in validation_images(trained, 32)]
    own = [answer.label for answer in parity.own_answers(trained.model, [Path(path) for path in paths]) if answer]
    ended = run_script(files_of(as_onnx) / "predict.py", "--json", *paths, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert [each["label"] for each in said] == own  # and so every accuracy is the same
    assert [each["path"] for each in said] == paths


@pytest.mark.slow
def test_both_formats_say_everything_about_themselves(as_onnx: events.Exported, as_weights: events.Exported) -> None:
    for event, inside in ((as_onnx, "yes"), (as_weights, "no")):
        labels = json.loads((files_of(event) / "labels.json").read_text("utf-8"))
        assert list(labels) == list(FIELDS)
        assert labels["classes"] == CLASSES
        assert labels["temperature"] == 1.7
        assert labels["preprocessing_inside_graph"] == inside
        assert labels["preprocessing"]["kernel"] == "bicubic"
        assert labels["pixel_rule"] == msgspec.to_builtins(RULE) | {"background": [255, 0, 128]}
        assert "EXIF" in labels["pixel_rule_sentence"]
        assert "research use only" in labels["use"]
    held = session_of(files_of(as_onnx) / "model.onnx").get_modelmeta().custom_metadata_map
    assert held.keys() == FIELDS.keys()
    assert json.loads(held["classes"]) == CLASSES
    with safetensors.safe_open(files_of(as_weights) / "model.safetensors", "pt") as stream:
        header = stream.metadata()
    assert json.loads(header["classes"]) == CLASSES


@pytest.mark.slow
def test_an_export_holds_nothing_private(as_onnx: events.Exported, as_weights: events.Exported) -> None:
    checkout = Path(__file__).resolve().parents[2]
    words = [
        str(Path.home()),
        str(checkout),
        "site-packages",
        "DOE^",
        "1931-02-03",
        "Ordner",
        "Bild",
        'File "',
        '.py", line',
    ]
    # With the separator before it, since a short name can be a word of the network's or chance among the weights.
    words += [f"{separator}{getpass.getuser()}" for separator in "/\\"]
    for event in (as_onnx, as_weights):
        for path in files_of(event).iterdir():
            data = path.read_bytes()
            assert [word for word in words if word.encode() in data] == [], path.name


# ----- the ONNX file -----


@pytest.mark.slow
def test_batch_height_and_width_are_free_and_named(trained: Trained, as_onnx: events.Exported) -> None:
    session = session_of(files_of(as_onnx) / "model.onnx")
    (image,) = session.get_inputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["batch", "height", "width", 3])
    assert [(each.name, each.shape) for each in session.get_outputs()] == [
        ("probabilities", ["batch", 3]),
        ("logits", ["batch", 3]),
    ]
    rng = np.random.default_rng(0)
    for batch, height, width in [(1, 224, 224), (2, 300, 200), (7, 97, 331), (1, 3, 2000), (1, 1600, 1200)]:
        pixels = rng.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
        probabilities, logits = session.run(None, {"image": pixels})
        own = trained.model.logits(list(pixels))
        assert np.abs(logits - own.numpy()).max() < 1e-3, (batch, height, width)
        assert np.abs(probabilities - trained.model.probabilities(own)).max() < 1e-4


@pytest.mark.slow
def test_the_same_input_gives_the_same_output_alone_and_among_others(as_onnx: events.Exported) -> None:
    session = session_of(files_of(as_onnx) / "model.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 120, 90, 3), dtype=np.uint8)
    first, again = (session.run(["logits"], {"image": pixels})[0] for _ in range(2))
    assert np.array_equal(first, again)
    alone = session.run(["logits"], {"image": pixels[:1]})[0]
    assert np.abs(alone - first[:1]).max() < 1e-4


@pytest.mark.slow
def test_the_file_alone_opens_elsewhere(trained: Trained, as_onnx: events.Exported, tmp_path: Path) -> None:
    for name in ("model.onnx", "predict.py"):
        shutil.copy(files_of(as_onnx) / name, tmp_path / name)
    onnx.checker.check_model(onnx.load(tmp_path / "model.onnx"), full_check=True)
    image = trained.data / validation_images(trained, 1)[0].path
    ended = run_script(tmp_path / "predict.py", str(image), cwd=Path(tmp_path.anchor))
    assert ended.returncode == 0, ended.stderr


def test_the_training_mode_stays_as_it_was_and_the_copy_is_in_evaluation_mode(trained: Trained) -> None:
    network = trained.model.network
    expected = trained.model.logits([np.full((80, 90, 3), 77, np.uint8)])
    network.training_mode(len(network) - 3, 64)
    before = {name: module.training for name, module in network.model.named_modules()}
    statistics = network.hash(len(network))
    try:
        graph = onnx_file.ExportGraph(trained.model)
        assert not any(module.training for module in graph.modules())
        assert not any(parameter.requires_grad for parameter in graph.parameters())
        _, logits = graph(torch.full((1, 80, 90, 3), 77, dtype=torch.uint8))
        assert {name: module.training for name, module in network.model.named_modules()} == before
        assert any(before.values())
        assert all(parameter.requires_grad for parameter in network.model.parameters())
        assert network.hash(len(network)) == statistics
    finally:
        network.evaluation_mode()
    assert (logits - expected).abs().max() < 1e-4


def test_a_model_too_large_for_one_file_is_refused(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "MAX_WEIGHTS_BYTES", 1000)
    with pytest.raises(UserError, match=r"an ONNX file can hold 2\. Export with --format weights\."):
        onnx_file.write(trained.model, tmp_path / "model.onnx")


# ----- the weights -----


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet-lite0", "resnet18", "mobilenet-v3-large"])
def test_the_state_dict_loads_into_the_librarys_own_network(name: str, tmp_path: Path) -> None:
    row = backbone(name)
    torch.manual_seed(1)
    network = build(row, 5, None)
    nn.init.normal_(network.head_linear.weight)
    card = Card(backbone=name, classes=list("abcde"), fit="crop", pixel_rule=RULE, epoch=1)
    weights_file.write(TrainedModel(network, card), tmp_path)
    assert weights_file.differing(TrainedModel(network, card), tmp_path) == []
    theirs = librarys_own(name, 5)
    theirs.load_state_dict(torch.load(tmp_path / "model.pth", weights_only=True))
    image = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        expected = network.run(image)
        # Random weights without trained statistics answer in the hundreds; the memory layout costs the last bits.
        assert (theirs.eval()(image) - expected).abs().max() < 1e-4 * expected.abs().max()
    theirs.load_state_dict(safetensors.torch.load_file(tmp_path / "model.safetensors"))


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_keeps_the_librarys_names_and_sizes(name: str) -> None:
    # Gigabytes are not written for this: names and sizes are what a state dict needs to load.
    row = backbone(name)
    size = row.size + 2 * row.multiple
    with torch.device("meta"):
        network = build(row, 5, None, size=size)
        theirs = librarys_own(name, 5, size).state_dict()
    own = network.model.state_dict()
    assert {name: tensor.shape for name, tensor in own.items()} == {
        name: tensor.shape for name, tensor in theirs.items()
    }


def librarys_own(name: str, classes: int, size: int | None = None) -> nn.Module:
    row = BACKBONES[name]
    arguments = {row.sized_by: size} if row.sized_by and size else {}
    made: Any
    if row.library == "timm":
        import timm

        made = timm.create_model(row.builder, num_classes=classes, **arguments)
    elif row.library == "own":
        made = TinyCNN(classes)
    else:
        import torchvision

        made = getattr(torchvision.models, row.builder)(num_classes=classes, **arguments)
    assert isinstance(made, nn.Module)
    return made


# ----- other networks, sizes and heads -----

HIDDEN = Head(kind="hidden", units=24, dropout=0.3)
# A network of stages, a transformer at another size than its own, and the one that no library has; two with another head.
OTHERS = {"resnet18": (None, HIDDEN), "dinov2-small": (56, LINEAR), "tiny-cnn": (32, HIDDEN)}


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    size, head = OTHERS[request.param]
    with quick_start():
        return make_run(tmp_path_factory.mktemp("other"), request.param, images=16, size=size, head=head)


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["onnx", "weights"])
def test_other_networks_answer_like_the_program_in_every_format(format_: str, other: Trained, tmp_path: Path) -> None:
    row, card = other.model.network.row, other.model.card
    images = [other.model.read(other.data / each.path) for each in validation_images(other, 16)]
    assert len(other.model.logits(images).argmax(dim=1).unique()) == len(CLASSES)  # not vacuous

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        event = exported(other, format_, tmp_path)

    record = json.loads((files_of(event) / "parity.json").read_text("utf-8"))
    assert record["passed"] and record["images"] == 16 and record["max_probability_difference"] < 1e-4
    labels = json.loads((files_of(event) / "labels.json").read_text("utf-8"))
    assert labels["preprocessing"]["size"] == row.size == (card.size or 224)
    assert labels["builder_arguments"] == ({"img_size": 56} if row.name == "dinov2-small" else {})
    assert labels["head"] == {**msgspec.to_builtins(card.head), "at": row.head_linear}
    script_text = (files_of(event) / "predict.py").read_text("utf-8")
    assert ("class TinyCNN" in script_text) == (row.library == "own" and format_ == "weights")
    assert "tlgui" not in "".join(line for line in script_text.splitlines() if "import " in line)
    if format_ == "weights":
        packages = script.needs(other.model, format_)
        assert packages[:3] == ["numpy", "Pillow", "torch"] and packages[3:4] == (
            [] if row.library == "own" else [row.library]
        )


@pytest.mark.slow
def test_a_wrong_middle_weight_is_noticed_in_other_networks(other: Trained) -> None:
    """T35, and methods section 1: parity on random weights means something, and logits are no probabilities."""
    network = other.model.network
    images = [other.model.read(other.data / each.path) for each in validation_images(other, 4)]
    before = other.model.logits(images)
    assert not torch.allclose(before.sum(dim=1), torch.ones(4), atol=0.1)
    middle = next(p for p in network.parameters(network.head_index // 2) if p.ndim > 1)
    with torch.no_grad():
        middle *= 2
        after = other.model.logits(images)
        middle /= 2
    # Far more than an export may differ by.
    assert (after - before).abs().max() > 10 * parity.LOGIT_TOLERANCE


# ----- predict.py -----


@pytest.mark.slow
@pytest.mark.parametrize("which", ["as_onnx", "as_weights"])
def test_the_script_answers_good_files_and_names_bad_ones(
    which: str, trained: Trained, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "fremder Ordner ß 'x' \"y\""
    shutil.copytree(files_of(request.getfixturevalue(which)), folder)
    good = tmp_path / "schönes Bild & <i>.png"
    Image.new("RGB", (50, 40), (200, 30, 30)).save(good)
    bad = tmp_path / "kein Bild.jpg"
    bad.write_text("hello")
    cut = tmp_path / "half.png"
    cut.write_bytes(good.read_bytes()[:60])
    ended = run_script(folder / "predict.py", "--json", str(bad), good.name, str(cut), "gone.png", cwd=tmp_path)
    assert ended.returncode == 1
    said = json.loads(ended.stdout)
    assert [sorted(each) for each in said] == [
        ["path", "problem"],
        ["label", "logits", "path", "probabilities"],
        ["path", "problem"],
        ["path", "problem"],
    ]
    assert said[1]["path"] == good.name
    assert list(said[1]["probabilities"]) == CLASSES
    assert abs(sum(said[1]["probabilities"].values()) - 1) < 1e-5
    own = trained.model.logits([trained.model.read(good)])
    assert np.abs(np.array(said[1]["logits"]) - own.numpy()).max() < 1e-3
    if which == "as_weights":  # the same lines, and torch takes seconds to start
        return
    text = run_script(folder / "predict.py", str(bad), str(good), cwd=tmp_path)
    assert text.returncode == 1
    lines = text.stdout.decode("utf-8", "replace").splitlines()
    assert "no answer" in lines[0]
    assert lines[1].endswith(said[1]["label"].encode(errors="replace").decode())
    assert len(lines) == 2 + len(CLASSES)


def imported_by(nodes: Iterable[ast.AST]) -> set[str]:
    """Packages beside the standard library."""
    names = {
        name.partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize("format_", ["onnx", "weights"])
def test_the_script_says_first_what_it_needs_and_imports_nothing_else(trained: Trained, format_: str) -> None:
    text = script.text(trained.model, format_)
    assert text.splitlines()[0].startswith("# Needs Python 3.10 or newer with numpy, Pillow")
    tree = ast.parse(text)
    allowed = {"numpy", "PIL"} | ({"onnxruntime"} if format_ == "onnx" else {"torch", "torchvision", "timm"})
    assert imported_by(ast.walk(tree)) <= allowed | {"pydicom", "gdcm", "openjpeg", "rle", "pi_heif", "tifffile"}
    # What only some formats need is imported when a file needs it.
    assert imported_by(tree.body) <= allowed
    # Sources pasted into one file must not overwrite each other.
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    defined += [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    assert len(defined) == len(set(defined))


# ----- what is noticed -----


def double_a_middle_tensor(path: Path) -> None:
    graph = onnx.load(path)
    # Every other initializer belongs to the preprocessing or is a bias: take the middle one of the kernels.
    kernels = [each for each in graph.graph.initializer if len(each.dims) == 4]
    middle = kernels[len(kernels) // 2]
    middle.raw_data = (2 * np.frombuffer(middle.raw_data, np.float32)).tobytes()
    onnx.save(graph, path)


def patch_one_weight(path: Path) -> None:
    graph = onnx.load(path)
    head = next(each for each in graph.graph.initializer if list(each.dims) == [3, 1280])
    values = np.frombuffer(head.raw_data, np.float32).copy()
    values[int(np.abs(values).argmax())] *= -5
    head.raw_data = values.tobytes()
    onnx.save(graph, path)


def shift_the_classes(path: Path) -> None:
    graph = onnx.load(path)
    for each in graph.metadata_props:
        if each.key == "classes":
            each.value = json.dumps(CLASSES[1:] + CLASSES[:1])
    onnx.save(graph, path)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100_000])


FAULTS: list[Callable[[Path], None]] = [double_a_middle_tensor, patch_one_weight, shift_the_classes, cut_off]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_file_is_noticed_and_marked(
    fault: Callable[[Path], None],
    trained: Trained,
    as_onnx: events.Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong_exporter(_: TrainedModel, path: Path) -> None:
        shutil.copy(files_of(as_onnx) / "model.onnx", path)
        fault(path)

    monkeypatch.setattr(onnx_file, "write", wrong_exporter)
    rows = validation_images(trained, 8)
    with pytest.raises(UserError) as caught:
        list(export_run.write_and_check(trained.model, "onnx", rows, trained.data, tmp_path, "a run-onnx"))
    (folder,) = tmp_path.iterdir()
    assert folder.name == "a run-onnx-1-failed"
    assert "'a run-onnx-1-failed'" in caught.value.remedy
    record = json.loads((folder / "parity.json").read_text("utf-8"))
    assert record["passed"] is False
    if fault is cut_off:
        assert caught.value.problem == "The exported files give no answer when they are opened again."
        assert "Error" in caught.value.details
        assert str(tmp_path) not in caught.value.details
        return
    worst = next(row for row in rows if row.content_hash == record["worst_image_sha256"])
    assert f"'{worst.path}'" in caught.value.problem
    assert record["max_probability_difference"] > parity.PROBABILITY_TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.pth", "model.safetensors", "labels.json"])
def test_a_wrong_file_among_the_weights_is_noticed(
    name: str, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = weights_file.write

    def wrong_exporter(model: TrainedModel, into: Path) -> None:
        right(model, into)
        if name == "labels.json":
            return
        state = weights_file.plain_state(model)
        middle = [key for key, tensor in state.items() if tensor.dim() == 4][40]
        state[middle] = 2 * state[middle]
        if name == "model.pth":
            torch.save(state, into / name)
        else:
            safetensors.torch.save_file(state, into / name)

    monkeypatch.setattr(weights_file, "write", wrong_exporter)
    if name == "labels.json":
        shifted = export_run._labels(trained.model, "weights").decode()
        order = json.loads(shifted)
        order["classes"] = CLASSES[1:] + CLASSES[:1]
        calls = iter([json.dumps(order).encode()])
        labels = export_run._labels
        monkeypatch.setattr(export_run, "_labels", lambda model, format_: next(calls, None) or labels(model, format_))
    rows = validation_images(trained, 6)
    if name != "model.pth":  # what predict.py answers is not asked here, and torch takes seconds to start
        own = list(parity.own_answers(trained.model, [trained.data / row.path for row in rows]))
        monkeypatch.setattr(parity, "script_answers", lambda *_: own)
    with pytest.raises(UserError) as caught:
        list(export_run.write_and_check(trained.model, "weights", rows, trained.data, tmp_path, "r-weights"))
    assert [path.name for path in tmp_path.iterdir()] == ["r-weights-1-failed"]
    if name != "model.pth":
        assert caught.value.problem == f"The exported file '{name}' does not hold what was written to it."
    else:
        assert "do not answer like the program" in caught.value.problem


# ----- the job -----


@pytest.mark.slow
def test_the_job_says_its_stages_and_its_ending(said_for_weights: list[events.Event]) -> None:
    stages = [event.stage for event in said_for_weights if isinstance(event, events.Progress)]
    assert stages == ["writing"] * 2 + ["checking"] * 41 + ["checking in a fresh process"]
    assert [type(event) for event in said_for_weights[-2:]] == [events.Exported, events.Completed]
    ending = said_for_weights[-1]
    assert isinstance(ending, events.Completed)
    assert "answers all 40 validation images that were tried like the program does" in ending.sentence()
    assert all(event == events.decode(events.encode(event)) for event in said_for_weights)


def test_stop_leaves_nothing_behind(trained: Trained, tmp_path: Path) -> None:
    control = Control()
    control.put(commands.Stop())
    *_, ending = export(job(trained, "weights", tmp_path), control)
    assert isinstance(ending, events.Stopped)
    assert list(tmp_path.iterdir()) == []


def test_an_abandoned_job_leaves_nothing_behind(trained: Trained, tmp_path: Path) -> None:
    going = export(job(trained, "weights", tmp_path))
    for _ in range(4):
        next(going)
    assert len(list(tmp_path.iterdir())) == 1
    going.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_images_that_are_elsewhere_are_asked_for(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    elsewhere = msgspec.structs.replace(job(trained, "onnx", tmp_path), data=str(tmp_path / "empty"))
    with pytest.raises(UserError) as caught:
        list(export(elsewhere))
    assert caught.value.problem.startswith("The images of this run are not in the folder 'empty'")
    assert "--data DIR" in caught.value.remedy


def test_a_missing_place_is_named(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no folder 'nowhere' to export to\. Make it first"):
        list(export(job(trained, "weights", tmp_path / "nowhere")))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_is_told_and_leaves_nothing_half(trained: Trained, tmp_path: Path) -> None:
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(UserError, match=r"cannot be written to 'test_a_full_disk.*Free some space"):
            list(export(job(trained, "weights", tmp_path)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []
