"""Weights from the network, from torch's folder, from the person's own file: the whole right file or a sentence."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import http.server
import pickle
import shutil
import socket
import threading
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import safetensors.torch
import torch
from torch import nn

from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.engine import weights, weights_urls
from tlgui.engine.weights import DownloadCancelledError, fetch, load_into, pretrained, read_file

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}
CONTENT = safetensors.torch.save(STATE)
SHA = hashlib.sha256(CONTENT).hexdigest()
NAME = f"net-{SHA[:8]}.safetensors"
RESNET = BACKBONES["resnet50"]


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves by the first part of the path; the file's name is the last."""

    protocol_version = "HTTP/1.0"
    let_go = threading.Event()

    def do_GET(self) -> None:
        match self.path.split("/")[1]:
            case "good":
                self._send(CONTENT)
            case "wrong":
                self._send(CONTENT[:-1] + b"x")
            case "cut":
                self._send(CONTENT[:50], len(CONTENT))
            case "no-length":
                self._send(CONTENT, None)
            case "no-length-cut":
                self._send(CONTENT[:50], None)
            case "slow":
                self._send(CONTENT[:50], len(CONTENT), wait=True)
            case "hang":
                self.let_go.wait(10)
            case "babble":
                self.wfile.write(b"what?\r\n\r\n")
            case "broken-chunks":
                self.protocol_version = "HTTP/1.1"
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(b"20\r\nonly a few")
            case "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
            case code:
                self.send_error(int(code))

    def _send(self, body: bytes, length: int | None = -1, wait: bool = False) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if wait:
            self.let_go.wait(10)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Handler.let_go = threading.Event()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        Handler.let_go.set()
        served.shutdown()
        thread.join()


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_good_file_comes_whole_and_says_how_far_it_is(server: str, tmp_path: Path) -> None:
    path, said = tmp_path / "deep" / NAME, []
    fetch(f"{server}/good/{NAME}", path, lambda done, total: said.append((done, total)))
    assert path.read_bytes() == CONTENT and [p.name for p in path.parent.iterdir()] == [NAME]
    assert said[-1] == (len(CONTENT), len(CONTENT))
    assert read_file(path).keys() == STATE.keys()
    fetch(f"{server}/no-length/{NAME}", path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("road", "problem"),
    [
        ("wrong", "What came for '{name}' is not that file: its checksum differs."),
        ("cut", "The download of '{name}' broke off at 50 of {length} bytes."),
        ("no-length-cut", "What came for '{name}' is not that file: its checksum differs."),
        ("404", "The server refused '{name}' (answer 404)."),
        ("403", "The server refused '{name}' (answer 403)."),
        ("407", "The server refused '{name}' (answer 407)."),
        ("slow", "The weights '{name}' could not be fetched: there is no way to the server."),
        ("hang", "The weights '{name}' could not be fetched: there is no way to the server."),
        ("babble", "The weights '{name}' could not be fetched: there is no way to the server."),
        ("broken-chunks", "The weights '{name}' could not be fetched: there is no way to the server."),
        ("drop", "The weights '{name}' could not be fetched: there is no way to the server."),
    ],
)
@pytest.mark.parametrize("earlier", [True, False])
def test_what_goes_wrong_is_said_and_leaves_nothing_half(
    road: str, problem: str, earlier: bool, server: str, tmp_path: Path
) -> None:
    """P12: the remedy names the file, its size and its checksum; a file that was there before is untouched."""
    path = tmp_path / NAME
    if earlier:
        path.write_bytes(b"the file before")
    with pytest.raises(UserError) as caught:
        fetch(f"{server}/{road}/{NAME}", path, timeout_s=0.15, size="98 MB")
    assert caught.value.problem == problem.format(name=NAME, length=len(CONTENT))
    assert caught.value.remedy == (
        f"Check the network, or fetch '{NAME}' (98 MB, its sha256 begins with {SHA[:8]}) elsewhere and give it with "
        "--weights FILE."
    )
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == ({NAME: b"the file before"} if earlier else {})
    if road in ("hang", "babble"):
        del caught
        with warnings.catch_warnings():
            # http.client leaves the stream of an answer that never began to the garbage collector.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def test_no_network_is_one_sentence(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(UserError, match="there is no way to the server") as caught:
        fetch(f"{closed_port()}/{NAME}", tmp_path / NAME)
    assert NAME in caught.value.remedy and SHA[:8] in caught.value.remedy
    assert time.monotonic() - started < 5 and not list(tmp_path.iterdir())


def test_cancel_in_the_middle_leaves_nothing(server: str, tmp_path: Path) -> None:
    """The line has become silent after 50 bytes, which have come: they are enough to hear the wish."""
    asked = []

    def cancelled() -> bool:
        asked.append(True)
        return True

    started = time.monotonic()
    with pytest.raises(DownloadCancelledError):
        fetch(f"{server}/slow/{NAME}", tmp_path / NAME, cancelled=cancelled, timeout_s=5)
    assert asked == [True] and not list(tmp_path.iterdir())
    assert time.monotonic() - started < 2


def test_a_folder_that_cannot_be_written_is_said(server: str, tmp_path: Path) -> None:
    """P12. A file where the folder should be: root may write everywhere else."""
    (tmp_path / "blocked").write_text("")
    with pytest.raises(UserError, match=f"'{NAME}' cannot be stored in torch's folder of weights") as caught:
        fetch(f"{server}/good/{NAME}", tmp_path / "blocked" / NAME)
    assert "give yourself permission to write there" in caught.value.remedy
    assert str(tmp_path) not in str(caught.value)


def test_a_full_disk_is_said(server: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No space left on device"):
        fetch(
            f"{server}/good/{NAME}",
            tmp_path / NAME,
            lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
        )
    assert not list(tmp_path.iterdir())


# -- the weights of a row -----------------------------------------------------------------------------------------


@pytest.fixture
def small_resnet(monkeypatch: pytest.MonkeyPatch, server: str) -> str:
    """Lets the row of ResNet-50 ask for the small file of this test's server."""
    monkeypatch.setattr(weights, "url_of", lambda row: f"{server}/good/{NAME}")
    return server


def test_weights_that_are_not_here_are_only_fetched_when_asked_for(small_resnet: str) -> None:
    with pytest.raises(UserError) as caught:
        pretrained(RESNET)
    assert str(caught.value) == (
        "The weights of ResNet-50 are not on this computer. Train again with --download to fetch them (98 MB), or "
        f"fetch the file '{NAME}' elsewhere (its sha256 begins with {SHA[:8]}) and give it with --weights FILE."
    )
    assert pretrained(RESNET, download=True).keys() == STATE.keys()
    assert (weights.cache_folder() / NAME).read_bytes() == CONTENT
    assert pretrained(RESNET).keys() == STATE.keys()


def test_a_damaged_file_in_the_folder_is_never_used(small_resnet: str) -> None:
    """P12: truncated, or one byte swapped."""
    path = weights.cache_folder() / NAME
    path.parent.mkdir(parents=True)
    for damaged in (CONTENT[:-3], CONTENT[:-1] + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=f"'{NAME}' on this computer is damaged: its checksum") as caught:
            pretrained(RESNET)
        assert "--download" in caught.value.remedy and "98 MB" in caught.value.remedy
        assert torch.equal(pretrained(RESNET, download=True)["a.bias"], torch.ones(2))
        assert path.read_bytes() == CONTENT


def test_a_failing_download_names_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLGUI_WEIGHTS_MIRROR", closed_port() + "/")
    with pytest.raises(UserError) as caught:
        pretrained(RESNET, download=True)
    assert "'resnet50-11ad3fa6.pth' (98 MB, its sha256 begins with 11ad3fa6)" in caught.value.remedy


def test_an_own_server_is_asked_where_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.url_of(RESNET) == "https://download.pytorch.org/models/resnet50-11ad3fa6.pth"
    monkeypatch.setenv("TLGUI_WEIGHTS_MIRROR", "http://hospital.example/weights/")
    assert weights.url_of(RESNET) == "http://hospital.example/weights/resnet50-11ad3fa6.pth"


DINO = BACKBONES["dinov2-small"]
HUB = "vit_small_patch14_dinov2.lvd142m.safetensors"


def test_weights_of_the_hub_are_called_by_their_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the hub every file is called model.safetensors, and its name says no checksum."""
    assert weights_urls.file_name(weights.url_of(DINO)) == HUB
    assert weights.published_path(DINO) == weights.cache_folder() / HUB
    with pytest.raises(UserError, match=f"fetch the file '{HUB}' elsewhere") as caught:
        pretrained(DINO)
    assert "(no checksum is published for it, so only its size can be checked)" in caught.value.remedy
    assert "(84 MB)" in caught.value.remedy
    monkeypatch.setenv("TLGUI_WEIGHTS_MIRROR", "http://hospital.example/weights")
    assert weights.url_of(DINO) == f"http://hospital.example/weights/{HUB}"


def test_a_file_without_a_checksum_is_fetched_once_and_again_when_it_is_cut(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "url_of", lambda row: f"{server}/good/timm/some_model/resolve/main/model.safetensors")
    path = weights.cache_folder() / "some_model.safetensors"
    assert pretrained(DINO, download=True).keys() == STATE.keys() and path.read_bytes() == CONTENT
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(
        UserError, match=r"some_model\.safetensors' on this computer is damaged: it cannot be read to its end"
    ):
        pretrained(DINO)
    pretrained(DINO, download=True)
    assert path.read_bytes() == CONTENT
    # What is there and whole is not asked for again.
    monkeypatch.setattr(weights, "fetch", None)
    pretrained(DINO, download=True)


def test_a_download_without_a_checksum_must_have_the_length_that_the_server_said(server: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"broke off at 50 of \d+ bytes"):
        fetch(f"{server}/cut/model.safetensors", tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_what_torch_hub_fetched_from_elsewhere_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """DINOv2's makers publish the same weights under another name, by torch.hub."""
    folder = weights.cache_folder()
    folder.mkdir(parents=True)
    torch.save(STATE, folder / "dinov2_vits14_pretrain.pth")
    assert weights.published_path(DINO).name == "dinov2_vits14_pretrain.pth"
    assert pretrained(DINO).keys() == STATE.keys()
    (folder / HUB).write_bytes(CONTENT)
    assert weights.published_path(DINO).name == HUB


def test_an_address_with_a_checksum_goes_before_the_hub() -> None:
    row = msgspec.structs.replace(DINO, builder="tf_efficientnet_lite0", weights="in1k")
    assert weights.url_of(row).endswith("/tf_efficientnet_lite0-0aa007d2.pth")


def test_a_backbone_without_weights_has_none_to_give() -> None:
    tiny = BACKBONES["tiny-cnn"]
    for download in (False, True):
        with pytest.raises(UserError, match="Tiny CNN has no pretrained weights") as caught:
            pretrained(tiny, download=download)
        assert caught.value.code == "no_pretrained"
    assert weights.url_of(tiny) == ""


def test_weights_that_timm_names_no_place_for_come_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "url_of", lambda row: "")
    with pytest.raises(UserError, match="timm names no place for the weights of DINOv2") as caught:
        pretrained(DINO)
    assert "--weights FILE" in caught.value.remedy


def test_progress_comes_first_last_and_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr(weights.time, "monotonic", lambda: now[0])
    said: list[int] = []
    report = weights.progress_by_time(lambda done, total: said.append(done))
    for done in range(1, 101):
        now[0] += 0.01
        report(done, 100)
    assert said[0] == 1 and said[-1] == 100 and 5 <= len(said) <= 8


# -- a person's own file ------------------------------------------------------------------------------------------


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return open, (str(self.marker), "w")


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    """S01: zip and legacy form, a bare pickle, whatever the name says."""
    marker = tmp_path / "marker"
    evil = {"a": Evil(marker)}
    torch.save(evil, tmp_path / "zip.pth")
    torch.save(evil, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    for protocol in range(6):
        (tmp_path / f"bare{protocol}.pth").write_bytes(pickle.dumps(evil, protocol=protocol))
    for original in sorted(tmp_path.glob("*.pth")):
        for name in (original.name, f"{original.stem}.safetensors", f"{original.stem}.pt", f"{original.stem}.zip"):
            with contextlib.suppress(shutil.SameFileError):
                shutil.copy(original, tmp_path / name)
            with pytest.raises(UserError) as caught:
                read_file(tmp_path / name)
            says = caught.value.problem
            assert says.startswith(f"'{name}'"), says
            if name.startswith(("zip.p", "legacy.p", "bare2.p", "bare4.p")):
                assert says == f"'{name}' holds more than weights and could run code when opened, so it was not opened."
    assert not marker.exists()


def test_files_that_are_no_weights_say_so(tmp_path: Path) -> None:
    def zipped(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("photos/a.txt", "x")

    def script(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)

    def cut(path: Path) -> None:
        torch.save(STATE, path)
        path.write_bytes(path.read_bytes()[:-40])

    makers: dict[str, Callable[[Path], object]] = {
        "text.pth": lambda path: path.write_text("notes about the weights\n"),
        "page.pth": lambda path: path.write_text("<!DOCTYPE html><html>Please log in</html>"),
        "photo.pth": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200)),
        "empty.pth": lambda path: path.write_bytes(b""),
        "folder.pth": lambda path: path.mkdir(),
        "cut.pth": cut,
        "archive.pth": zipped,
        "script.pt": script,
        "empty.safetensors": lambda path: path.write_bytes(b""),
        "cut.safetensors": lambda path: path.write_bytes(CONTENT[:-1]),
        "text.safetensors": lambda path: path.write_text("notes about the weights\n"),
    }
    for name, make in makers.items():
        make(tmp_path / name)
        with pytest.raises(UserError) as caught:
            read_file(tmp_path / name)
        assert str(caught.value) == f"'{name}' is not a weights file. Give a .safetensors file or a .pth state dict."
    for name in ("none.pth", "none.safetensors"):
        with pytest.raises(UserError, match=f"There is no weights file '{name}'"):
            read_file(tmp_path / name)
    for name, content in (
        ("list.pth", [1, 2]),
        ("one.pth", torch.ones(2)),
        ("numbers.pth", {"a": 1}),
        ("bare.pth", {}),
    ):
        torch.save(content, tmp_path / name)
        with pytest.raises(UserError, match=f"'{name}' holds no table of weights"):
            read_file(tmp_path / name)


def test_damaged_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    import random

    draw, path = random.Random(0), tmp_path / "x.pth"
    torch.save(STATE, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(STATE, tmp_path / "zip.pth")
    sources = [(tmp_path / name).read_bytes() for name in ("legacy.pth", "zip.pth")] + [pickle.dumps(object)]
    for _ in range(300):
        content = bytearray(draw.choice(sources))
        for _ in range(draw.randint(1, 5)):
            content[draw.randrange(min(len(content), 400))] = draw.randrange(256)
        path.write_bytes(content)
        with contextlib.suppress(UserError):
            read_file(path)


def test_every_usual_form_is_read_without_a_warning(tmp_path: Path) -> None:
    """Legacy files warn in torch; warnings are errors here."""
    torch.save(STATE, tmp_path / "plain.pth")
    torch.save(STATE, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": STATE, "epoch": 3, "arch": "net"}, tmp_path / "nested.pth")
    torch.save({"model": STATE}, tmp_path / "model.pth")
    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "ordered.pth")
    (tmp_path / "own.safetensors").write_bytes(CONTENT)
    for path in sorted(tmp_path.iterdir()):
        state = read_file(path)
        assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())
        if path.stem != "ordered":
            assert torch.equal(state["a.weight"], STATE["a.weight"])


# -- into a network -----------------------------------------------------------------------------------------------


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 9))


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "backbone.", "encoder."])
def test_all_but_the_head_is_copied(prefix: str) -> None:
    model, other = small_model(), nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1000))
    head = model[2].weight.clone()  # type: ignore[index]
    load_into(model, {f"{prefix}{name}": tensor for name, tensor in other.state_dict().items()}, "2", "It")
    assert torch.equal(model[0].weight, other[0].weight) and torch.equal(model[2].weight, head)  # type: ignore[index]


def test_old_files_lack_the_count_of_batches_and_fit_all_the_same() -> None:
    state = {name: tensor for name, tensor in small_model().state_dict().items() if "num_batches" not in name}
    load_into(small_model(), state, "2", "It")


def test_what_does_not_fit_is_named_and_changes_nothing() -> None:
    model = small_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    good = {name: tensor + 1 for name, tensor in before.items()}
    missing = {name: tensor for name, tensor in good.items() if name not in ("0.weight", "1.bias")}
    other = good | {"0.weight": torch.zeros(4, 5), "1.bias": torch.zeros(())}
    broken = good | {"0.bias": torch.tensor([1.0, float("nan"), 1.0, 1.0])}
    cases = [
        (missing, "'x.pth' does not fit this backbone: 2 of 7 layers are missing (0.weight; 1.bias)."),
        (
            other,
            "'x.pth' does not fit this backbone: 2 have another size (0.weight is 4 x 5 instead of 4 x 3; 1.bias is a "
            "single number instead of 4).",
        ),
        (
            missing | {"0.bias": torch.zeros(1)},
            "'x.pth' does not fit this backbone: 2 of 7 layers are missing (0.weight; 1.bias) and 1 have another size "
            "(0.bias is 1 instead of 4).",
        ),
        (
            {"other": torch.zeros(1)},
            "'x.pth' does not fit this backbone: 6 of 7 layers are missing (0.weight; 0.bias; 1.weight; ...).",
        ),
        (broken, "'x.pth' holds weights that are not numbers (0.bias)."),
    ]
    for state, problem in cases:
        with pytest.raises(UserError) as caught:
            load_into(model, state, "2", "'x.pth'")
        assert caught.value.problem == problem
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
